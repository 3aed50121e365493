import re
from pathlib import Path

import pytest
from mlopsproj_train import config, pipeline
from mlopsproj_train.config import TrainConfig

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_trains_and_says_what_it_found(
    tmp_path, monkeypatch, capsys, tiny_config, exported_before
):
    """As it stands, with the tiny data set and network in place of the defaults, and no export."""
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    def tiny_train_config(*, trainer, run_dir):
        assert TrainConfig(trainer=trainer, run_dir=run_dir).trainer.max_epochs == 1
        return TrainConfig(
            data=tiny_config.data,
            model=tiny_config.model,
            trainer=tiny_config.trainer,
            logger=tiny_config.logger,
            run_dir=run_dir,
        )

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPSPROJ_REGISTRY_URL", raising=False)
    monkeypatch.setattr(config, "TrainConfig", tiny_train_config)
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    summary = names["summary"]
    assert 0 <= summary.accuracy <= 1
    out = capsys.readouterr().out
    assert out.split()[0] == str(summary.accuracy)
    assert out.endswith("uv run predict FILE_OR_FOLDER\n")
    assert (tmp_path / "run" / "summary.json").exists()
    assert (tmp_path / "registry" / "tiny" / "versions" / "1" / "manifest.json").exists()


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "sweep"])
def test_every_command_is_shown(command):
    assert f"uv run {command}" in README
