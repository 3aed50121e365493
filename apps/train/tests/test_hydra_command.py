"""The command line, in a process of its own: what is refused, with which words and exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def command(tmp_path):
    """Runs a command in an empty folder."""

    def run(name, *arguments, **environment):
        return subprocess.run(
            [str(Path(sys.executable).parent / name), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def assert_one_line(result, *named):
    """One line in words of ours, without what Hydra and OmegaConf add."""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for text in named:
        assert text in result.stderr
    for theirs in ("full_key", "object_type", "HYDRA_FULL_ERROR", "https:", "+foo"):
        assert theirs not in result.stderr


@pytest.mark.parametrize("name", ["train", "evaluate", "predict", "sweep"])
def test_help_shows_examples_and_settings(command, name):
    result = command(name, "--help", MLOPSPROJ_CONFIG_DIR=str(CONFIGS))
    assert result.returncode == 0, result.stderr
    assert f"Usage: uv run {name}" in result.stdout
    assert "Examples:" in result.stdout
    assert "output: table" in result.stdout


@pytest.mark.parametrize("name", ["train", "sweep"])
def test_help_does_not_wait_for_torch(command, name):
    result = command(name, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert "hydra" in imported
    assert not imported & {
        "torch",
        "pytorch_lightning",
        "onnxruntime",
        "wandb",
        "pyarrow",
        "optuna",
    }


def test_data_that_is_not_there_is_told_before_torch_is_waited_for(command):
    result = command("train", "data.path=fotos", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 1
    assert "\nerror: data.path=fotos does not exist: name a folder" in result.stderr
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert "hydra" in imported
    assert not imported & {"torch", "pytorch_lightning"}


@pytest.mark.parametrize("configs", [str(CONFIGS), None], ids=["with values", "schemas alone"])
@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("optimzer.lr=1", "optimzer.lr: there is no such setting (is optimizer.lr meant?); `train"),
        ("optimizer.lrr=1", "optimizer.lrr: there is no such setting (is optimizer.lr meant?)"),
        ("optimizer.learning_rate=1e-3", "optimizer.learning_rate: there is no such setting; `"),
        ("+foo=1", "foo: there is no such setting; `train --help` shows those that there are."),
        ("+optimizer.foo=1", "optimizer.foo: there is no such setting"),
        ("trainer.max_epochs=many", "trainer.max_epochs=many: Value 'many' of type 'str'"),
        (
            "trainer.accelerator=tpu",
            "trainer.accelerator=tpu: Invalid value 'tpu', expected one of",
        ),
        ("seed=null", "seed=null: field 'seed' is not Optional"),
        ("seed=[", "seed=[: no viable alternative at input '['"),
        ("seed=${nope}", "Interpolation key 'nope' not found"),
        ("model=1", "error: "),
    ],
)
def test_a_misspelt_key_or_wrong_type_is_refused_by_name(
    command, tmp_path, configs, argument, named
):
    environment = {} if configs is None else {"MLOPSPROJ_CONFIG_DIR": configs}
    result = command("train", argument, **environment)
    assert result.returncode == 2, result.stderr
    assert_one_line(result, named)
    assert not list(tmp_path.iterdir())


def test_an_unknown_experiment_is_refused_with_those_there_are(command, tmp_path):
    result = command("train", "experiment=mars", MLOPSPROJ_CONFIG_DIR=str(CONFIGS))
    assert result.returncode == 2
    experiments = "fashion_mnist, quick, solar_cells or solar_cells_mono"
    assert_one_line(result, "experiment=mars", "experiment/mars", experiments)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_key_of_a_configuration_file_is_refused_by_name(command, tmp_path):
    (tmp_path / "configs").mkdir()
    file = tmp_path / "configs" / "predict.yaml"
    file.write_text("defaults: [predict_schema, _self_]\ntpo: 1\n")
    result = command("predict", "a.png")
    assert result.returncode == 2, result.stderr
    assert_one_line(result, "tpo: there is no such setting (is top meant?); `predict --help`")
    file.write_text("top: [1")
    result = command("predict", "a.png")
    assert result.returncode == 2, result.stderr
    assert_one_line(result, "predict.yaml", "line 1")


@pytest.mark.parametrize("name", ["evaluate", "predict"])
def test_only_train_takes_several_values(command, name):
    result = command(name, "-m", "bundle=a,b", "output=json")
    assert (result.returncode, result.stdout) == (2, "")
    assert_one_line(result, f"-m: `{name}` runs once")


def test_a_missing_configuration_folder_is_refused(command):
    result = command("train", MLOPSPROJ_CONFIG_DIR="/no/such/folder")
    assert result.returncode == 2
    assert "MLOPSPROJ_CONFIG_DIR=/no/such/folder" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["no-such-file.jpg"], ["."]])
def test_predict_without_an_image_is_refused(command, arguments):
    result = command("predict", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
