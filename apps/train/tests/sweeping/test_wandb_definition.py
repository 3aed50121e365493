"""The file for `wandb sweep`, and the commands that its agent makes of it."""

import random

import pytest
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.hydra_command import composable
from mlopsproj_train.sweeping import wandb_definition
from mlopsproj_train.sweeping.wandb_definition import write_definition
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args, load_sweep_config

SPACE = {
    "optimizer.lr": {"low": 1e-4, "high": 3e-2, "log": True},
    "model.loss.label_smoothing": {"low": 0, "high": 0.5},
    "trainer.batch_size": {"low": 32, "high": 256, "step": 32},
    "trainer.max_epochs": {"low": 2, "high": 9},
    "model.network.stem_width": {"low": 4, "high": 4096, "log": True},
    "model.network.widths": {"choices": [[16, 32], [32, 64]]},
    "trainer.patience": {"choices": [None, 3]},
    "model.compile": {"choices": [True, False]},
    "optimizer.schedule": {"choices": ["one_cycle", "cosine"]},
    "model.ema_decay": {"choices": [0.9, 0.99]},
}


@pytest.fixture
def definition(beginning, tmp_path):
    (tmp_path / "sweep").mkdir()
    path = write_definition(beginning(SPACE), tmp_path / "sweep")
    return load_sweep_config(str(path))


def test_two_processes_may_write_at_once(beginning, tmp_path, monkeypatch):
    begins, put = beginning(SPACE), wandb_definition.put_in_place

    def put_after_another_wrote(draft, target):
        monkeypatch.setattr(wandb_definition, "put_in_place", put)
        write_definition(begins, tmp_path)
        put(draft, target)

    monkeypatch.setattr(wandb_definition, "put_in_place", put_after_another_wrote)
    path = write_definition(begins, tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_each_range_has_a_distribution_of_theirs(definition):
    parameters = definition["parameters"]
    assert parameters["optimizer.lr"] == {
        "distribution": "log_uniform_values",
        "min": 1e-4,
        "max": 3e-2,
    }
    assert parameters["model.loss.label_smoothing"]["distribution"] == "uniform"
    assert parameters["trainer.max_epochs"] == {"distribution": "int_uniform", "min": 2, "max": 9}
    assert parameters["trainer.batch_size"] == {"values": list(range(32, 257, 32))}
    widths = parameters["model.network.stem_width"]["values"]
    assert (widths[0], widths[-1]) == (4, 4096)
    assert widths == sorted(set(widths))
    assert 30 <= len(widths) <= 50
    assert parameters["model.network.widths"] == {"values": ["[16,32]", "[32,64]"]}
    assert parameters["trainer.patience"] == {"values": ["null", 3]}
    assert parameters["model.ema_decay"] == {"values": [0.9, 0.99]}
    assert definition["metric"] == {"name": "val/accuracy", "goal": "maximize"}


def test_trials_of_theirs_stay_out_of_the_registry(definition):
    command = definition["command"]
    assert command[:5] == ["${env}", "uv", "run", "train", "seed=0"]
    assert command[-1] == "${args_no_hyphens}"
    assert any(text.startswith("registry=") and "wandb-registry" in text for text in command)
    assert "logger.wandb=online" in command


@pytest.mark.parametrize("seed", range(5))
def test_what_their_agent_types_is_a_run(definition, seed):
    source = random.Random(seed)

    def value(words):
        if "values" in words:
            return source.choice(words["values"])
        if words["distribution"] == "int_uniform":
            return source.randint(words["min"], words["max"])
        return source.uniform(words["min"], words["max"])

    chosen = {key: {"value": value(words)} for key, words in definition["parameters"].items()}
    typed = create_sweep_command_args({"args": chosen})["args_no_hyphens"]
    ConfigStore.instance().store(name="run_of_theirs", node=composable(TrainConfig))
    with initialize(version_base="1.3", config_path=None):
        run = compose("run_of_theirs", [*definition["command"][4:-1], *typed])
    assert run.optimizer.lr == chosen["optimizer.lr"]["value"]
    assert run.trainer.patience in (None, 3)
    assert list(run.model.network.widths) in ([16, 32], [32, 64])
    assert run.model.compile is (chosen["model.compile"]["value"] == "true")
