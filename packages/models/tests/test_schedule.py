import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.config import FineTuneConfig, NetworkConfig, OptimizerConfig, Schedule
from mlopsproj_models.residual_network import ResidualNetwork
from mlopsproj_models.schedule import (
    check_finetune,
    check_optimizer,
    make_optimizer,
    make_schedule,
)

STEPS = 200


@pytest.fixture
def network():
    config = NetworkConfig(stem_width=4, widths=(4, 8), blocks=(1, 0))
    return ResidualNetwork(config, channels=1, classes=2)


def rates(network, config, steps=STEPS, *, layer_decay=1.0, **phases) -> torch.Tensor:
    """`(steps, groups)`."""
    optimizer = make_optimizer(network, config, layer_decay=layer_decay)
    schedule = make_schedule(optimizer, config, steps=steps, **phases)
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize("schedule", list(Schedule))
def test_rises_to_the_given_rate_and_falls_to_almost_nothing(network, schedule):
    config = OptimizerConfig(lr=1e-2, schedule=schedule, warmup_fraction=0.25)
    found = rates(network, config)[:, 0].tolist()
    peak = found.index(max(found))
    assert max(found) == pytest.approx(1e-2, rel=1e-3)
    assert peak == pytest.approx(0.25 * STEPS, abs=2)
    assert found[0] == pytest.approx(1e-3, rel=1e-6)
    assert found[-1] == pytest.approx(1e-5, rel=1e-6)
    assert found[:peak] == sorted(found[:peak])
    assert found[peak:] == sorted(found[peak:], reverse=True)


def test_one_cycle_is_that_of_torch(network):
    config = OptimizerConfig(lr=1e-2, warmup_fraction=0.3)
    optimizer = make_optimizer(network, config)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=1e-2,
        total_steps=STEPS,
        pct_start=0.3,
        div_factor=10,
        final_div_factor=100,
        cycle_momentum=False,
    )
    for step, ours in enumerate(rates(network, config)[:, 0].tolist()):
        assert ours == pytest.approx(theirs.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        if step < STEPS - 1:
            theirs.step()


@pytest.mark.parametrize("schedule", list(Schedule))
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("frozen_steps", [0, 1, 5])
def test_runs_of_very_few_steps_work(network, schedule, steps, frozen_steps):
    config = OptimizerConfig(schedule=schedule)
    found = rates(network, config, steps, frozen_steps=frozen_steps, frozen_lr=1e-2)
    assert len(found) == steps
    assert ((found > 0) & (found <= 1e-2 + 1e-9)).all()


@pytest.mark.parametrize("schedule", list(Schedule))
def test_each_phase_has_its_own_rise_and_fall(network, schedule):
    config = OptimizerConfig(lr=1e-3, schedule=schedule)
    both = rates(network, config, frozen_steps=80, frozen_lr=5e-2)
    alone = rates(network, config, steps=STEPS - 80)
    head = rates(network, OptimizerConfig(lr=5e-2, schedule=schedule), steps=80)
    assert torch.allclose(both[:80], head, rtol=1e-9)
    assert torch.allclose(both[80:], alone, rtol=1e-9)


def test_a_run_may_be_frozen_to_its_end(network):
    found = rates(network, OptimizerConfig(), frozen_steps=STEPS, frozen_lr=5e-3)
    assert float(found.max()) == pytest.approx(5e-3, rel=1e-3)
    assert float(found[-1, 0]) == pytest.approx(5e-6, rel=1e-6)


def test_earlier_stages_learn_by_smaller_rates(network):
    config = OptimizerConfig(lr=1e-2)
    optimizer = make_optimizer(network, config, layer_decay=0.5)
    peak = rates(network, config, layer_decay=0.5).amax(dim=0)
    rate_of = {
        id(parameter): rate
        for group, rate in zip(optimizer.param_groups, peak.tolist(), strict=True)
        for parameter in group["params"]
    }
    assert len(rate_of) == len(list(network.parameters()))
    for depth, stage in enumerate(reversed(network.parameters_by_stage())):
        for parameter in stage:
            assert rate_of[id(parameter)] == pytest.approx(1e-2 * 0.5**depth, rel=1e-2)
    frozen = rates(network, config, layer_decay=0.5, frozen_steps=20, frozen_lr=1e-3)
    assert frozen[:20].std(dim=1).max() == pytest.approx(0, abs=1e-12)


def test_goes_on_where_it_was_saved(network):
    config = OptimizerConfig(lr=1e-2)
    whole = rates(network, config, layer_decay=0.7, frozen_steps=50, frozen_lr=5e-2)
    for cut in (10, 50, 120):
        optimizer = make_optimizer(network, config, layer_decay=0.7)
        schedule = make_schedule(optimizer, config, steps=STEPS, frozen_steps=50, frozen_lr=5e-2)
        for _ in range(cut):
            optimizer.step()
            schedule.step()
        states = optimizer.state_dict(), schedule.state_dict()
        optimizer = make_optimizer(network, config, layer_decay=0.7)
        schedule = make_schedule(optimizer, config, steps=STEPS, frozen_steps=50, frozen_lr=5e-2)
        optimizer.load_state_dict(states[0])
        schedule.load_state_dict(states[1])
        for step in range(cut, STEPS):
            assert [group["lr"] for group in optimizer.param_groups] == whole[step].tolist()
            optimizer.step()
            schedule.step()


@pytest.mark.parametrize("layer_decay", [1.0, 0.5])
def test_decays_matrices_only(network, layer_decay):
    config = OptimizerConfig(weight_decay=0.3)
    groups = make_optimizer(network, config, layer_decay=layer_decay).param_groups
    for group in groups:
        assert group["weight_decay"] in {0.0, 0.3}
        matrices = group["weight_decay"] == 0.3
        assert all((parameter.ndim > 1) is matrices for parameter in group["params"])
    assert len(groups) == (2 if layer_decay == 1 else 2 * len(network.parameters_by_stage()))


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("lr", OptimizerConfig(lr=0)),
        ("lr", OptimizerConfig(lr=float("nan"))),
        ("lr", OptimizerConfig(lr=5)),
        ("lr", OptimizerConfig(lr=None)),
        ("weight_decay", OptimizerConfig(weight_decay=-1)),
        ("weight_decay", OptimizerConfig(weight_decay=float("nan"))),
        ("weight_decay", OptimizerConfig(weight_decay=float("inf"))),
        ("weight_decay", OptimizerConfig(weight_decay=None)),
        ("warmup_fraction", OptimizerConfig(warmup_fraction=1)),
    ],
)
def test_names_the_setting_that_is_out_of_range(key, config):
    with pytest.raises(ConfigError, match=rf"optimizer\.{key}="):
        check_optimizer(config)


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("frozen_epochs", FineTuneConfig(frozen_epochs=-1)),
        ("frozen_epochs", FineTuneConfig(frozen_epochs=None)),
        ("frozen_lr", FineTuneConfig(frozen_lr=0)),
        ("frozen_lr", FineTuneConfig(frozen_lr=None)),
        ("layer_decay", FineTuneConfig(layer_decay=1.1)),
        ("layer_decay", FineTuneConfig(layer_decay=0)),
        ("layer_decay", FineTuneConfig(layer_decay=float("nan"))),
        ("layer_decay", FineTuneConfig(layer_decay=None)),
    ],
)
def test_names_the_setting_of_fine_tuning_that_is_out_of_range(key, config):
    with pytest.raises(ConfigError, match=rf"model\.finetune\.{key}="):
        check_finetune(config)


def test_moves_the_weights(network):
    before = network.head.weight.detach().clone()
    optimizer = make_optimizer(network, OptimizerConfig())
    network(torch.ones(1, 1, 8, 8)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, network.head.weight)
