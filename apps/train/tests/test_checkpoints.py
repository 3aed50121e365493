import os

import pytest
import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import TrainingError
from mlopsproj_train.checkpoints import AtomicCheckpointIO, best_and_last, load_checkpoint
from mlopsproj_train.run_folder import RunFolder


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


class Scripted(pl.LightningModule):
    """Learns nothing, and has a given accuracy in each epoch."""

    def __init__(self, accuracies):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.accuracies = accuracies

    def training_step(self, batch):
        return self.weight.sum() * 0

    def validation_step(self, batch):
        self.log("val/accuracy", self.accuracies[self.current_epoch], batch_size=1)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("accuracies", "kept"),
    [((0.5, 0.9, 0.8), 1), ((0.5, 0.9, 0.9, 0.8), 2), ((0.7, 0.7, 0.7), 2), ((0.9, 0.1, 0.2), 0)],
)
def test_the_best_epoch_is_kept_and_of_equals_the_latest(tmp_path, accuracies, kept):
    trainer = pl.Trainer(
        max_epochs=len(accuracies),
        accelerator="cpu",
        callbacks=list(best_and_last(RunFolder(tmp_path))),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    batches = [torch.zeros(1)]
    trainer.fit(Scripted(accuracies), batches, batches)
    assert load_checkpoint(tmp_path / "checkpoints" / "best.ckpt")["epoch"] == kept
    assert load_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["epoch"] == len(accuracies) - 1
