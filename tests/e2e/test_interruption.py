"""A run that ends early, by the user's hand or by force, goes on as if it had not."""

import json
import signal

import pytest
import torch
from mlopsproj_core import Bundle

pytestmark = pytest.mark.slow

EPOCHS = 5
# Everything that can be drawn at random is.
SETTINGS = (
    f"trainer.max_epochs={EPOCHS}",
    "trainer.batch_size=16",
    "model.loss.mixup_alpha=0.2",
    "data.augment.cutout=6",
)


def weights(run):
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["epoch"] == EPOCHS - 1
    return checkpoint["current_model_state"] | {
        f"average.{name}": value for name, value in checkpoint["state_dict"].items()
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, make_workplace):
    workplace = make_workplace(tmp_path_factory.mktemp("uninterrupted"))
    workplace.train("run_dir=run", *SETTINGS)
    return weights(workplace.path / "run")


@pytest.mark.parametrize("ended_by", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_resumed_run_ends_at_the_same_weights_bit_for_bit(workplace, uninterrupted, ended_by):
    process = workplace.start("train", *workplace.training("run_dir=run", *SETTINGS))
    metrics = workplace.path / "run" / "metrics.csv"
    workplace.wait_until(
        lambda: metrics.exists() and len(metrics.read_text().splitlines()) >= 3, process
    )
    process.send_signal(getattr(signal, ended_by))
    out, err = process.communicate(timeout=60)
    assert out == ""
    if ended_by == "SIGKILL":
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130, err
        assert "uv run train resume=run" in err
        assert "Traceback" not in err
    assert not (workplace.path / "registry").exists()
    assert not (workplace.path / "run" / "summary.json").exists()

    resumed = workplace.run("train", "resume=run", "output=json")
    assert resumed.returncode == 0, resumed.stderr
    assert "going on from" in resumed.stderr
    summary = json.loads(resumed.stdout)
    assert (summary["epochs"], summary["version"]) == (EPOCHS, 1)
    found = weights(workplace.path / "run")
    assert found.keys() == uninterrupted.keys()
    assert [name for name in found if not torch.equal(found[name], uninterrupted[name])] == []
    Bundle.open(workplace.path / "registry/tiny/versions/1").verify()


def test_a_run_that_is_done_is_not_resumed(copied):
    result = copied.run("train", "resume=run")
    assert result.returncode == 1
    assert "is done" in result.stderr
    assert copied.aliases() == {"production": 1}


def test_resume_takes_no_other_settings(copied):
    result = copied.run("train", "resume=run", "seed=3")
    assert result.returncode == 2
    assert "seed=3" in result.stderr
