import os

import pytest
import torch
from mlopsproj_core.errors import TrainingError
from mlopsproj_train.checkpoints import AtomicCheckpointIO, load_checkpoint


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.arange(3)}}, path)
    assert torch.equal(load_checkpoint(path)["state_dict"]["w"], torch.arange(3))
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"epoch": 1}}, path)

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        AtomicCheckpointIO().save_checkpoint({"state_dict": {"epoch": 2}}, path)
    assert load_checkpoint(path)["state_dict"] == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("damage", ["truncated", "foreign", "missing", "code"])
def test_a_broken_checkpoint_is_named(tmp_path, damage):
    path = tmp_path / "last.ckpt"
    if damage == "truncated":
        torch.save({"state_dict": {"w": torch.zeros(1000)}}, path)
        path.write_bytes(path.read_bytes()[:1500])
    elif damage == "foreign":
        torch.save({"weights": 1}, path)
    elif damage == "code":
        torch.save({"state_dict": {"run": os.system}}, path)
    with pytest.raises(TrainingError, match=r"last\.ckpt cannot be read"):
        load_checkpoint(path)
