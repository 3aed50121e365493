import pytest
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.config import OptimizerConfig, Schedule
from mlopsproj_models.schedule import make_optimizer, make_schedule
from torch import nn

STEPS = 200


def rates(config: OptimizerConfig, steps: int = STEPS) -> list[float]:
    optimizer = make_optimizer(nn.Linear(2, 2), config)
    schedule = make_schedule(optimizer, config, steps=steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("schedule", list(Schedule))
def test_rises_to_the_given_rate_and_falls_to_almost_nothing(schedule):
    config = OptimizerConfig(lr=1e-2, schedule=schedule, warmup_fraction=0.25)
    found = rates(config)
    peak = found.index(max(found))
    assert max(found) == pytest.approx(1e-2, rel=1e-3)
    assert peak == pytest.approx(0.25 * STEPS, abs=2)
    assert found[0] == pytest.approx(1e-3, rel=0.1)
    assert found[-1] < 1e-4
    assert found[:peak] == sorted(found[:peak])
    assert found[peak:] == sorted(found[peak:], reverse=True)


@pytest.mark.parametrize("schedule", list(Schedule))
def test_runs_of_very_few_steps_work(schedule):
    assert len(rates(OptimizerConfig(schedule=schedule), steps=3)) == 3


def test_decays_matrices_only():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    groups = make_optimizer(network, OptimizerConfig(weight_decay=0.3)).param_groups
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]
    assert [[parameter.ndim for parameter in group["params"]] for group in groups] == [
        [4],
        [1, 1, 1],
    ]


def test_leaves_frozen_weights_alone():
    network = nn.Linear(2, 2).requires_grad_(requires_grad=False)
    network.bias.requires_grad_()
    groups = make_optimizer(network, OptimizerConfig()).param_groups
    assert sum(len(group["params"]) for group in groups) == 1


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("lr", OptimizerConfig(lr=0)),
        ("lr", OptimizerConfig(lr=float("nan"))),
        ("lr", OptimizerConfig(lr=5)),
        ("weight_decay", OptimizerConfig(weight_decay=-1)),
        ("weight_decay", OptimizerConfig(weight_decay=float("nan"))),
        ("weight_decay", OptimizerConfig(weight_decay=float("inf"))),
        ("warmup_fraction", OptimizerConfig(warmup_fraction=1)),
    ],
)
def test_names_the_setting_that_is_out_of_range(key, config):
    with pytest.raises(ConfigError, match=rf"optimizer\.{key}="):
        make_schedule(
            make_optimizer(nn.Linear(1, 1), config),
            config,
            steps=10,
        )


def test_moves_the_weights():
    layer = nn.Linear(3, 1)
    before = layer.weight.detach().clone()
    optimizer = make_optimizer(layer, OptimizerConfig())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, layer.weight)
