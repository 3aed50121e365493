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


@pytest.mark.parametrize("name", ["train", "evaluate", "predict"])
def test_help_shows_examples_and_settings(command, name):
    result = command(name, "--help", MLOPSPROJ_CONFIG_DIR=str(CONFIGS))
    assert result.returncode == 0, result.stderr
    assert f"Usage: uv run {name}" in result.stdout
    assert "Examples:" in result.stdout
    assert "registry: null" in result.stdout


def test_help_does_not_wait_for_torch(command):
    result = command("train", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert "hydra" in imported
    assert not imported & {"torch", "pytorch_lightning", "onnxruntime", "wandb", "pyarrow"}


@pytest.mark.parametrize("configs", [str(CONFIGS), None], ids=["with values", "schemas alone"])
@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("optimzer.lr=1e-3", "optimzer"),
        ("optimizer.learning_rate=1e-3", "learning_rate"),
        ("trainer.max_epochs=many", "trainer.max_epochs"),
        ("trainer.accelerator=tpu", "accelerator"),
    ],
)
def test_a_misspelt_key_or_wrong_type_is_refused_by_name(
    command, tmp_path, configs, argument, named
):
    environment = {} if configs is None else {"MLOPSPROJ_CONFIG_DIR": configs}
    result = command("train", argument, **environment)
    assert result.returncode == 2, result.stderr
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_experiment_is_refused_with_those_there_are(command, tmp_path):
    result = command("train", "experiment=mars", MLOPSPROJ_CONFIG_DIR=str(CONFIGS))
    assert result.returncode == 2
    assert "experiment/mars" in result.stderr
    assert "fashion_mnist" in result.stderr
    assert not list(tmp_path.iterdir())


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
