import csv

import pytorch_lightning as pl
import torch
from mlopsproj_train.epoch_log import COLUMNS, EpochLog, draw_curves, read_rows
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset


class TinyModule(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch):
        loss = self.layer(batch[0]).square().mean()
        self.log("train/loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch):
        self.log_dict({"val/loss": 0.5, "val/accuracy": 0.25})

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(path, epochs):
    loader = DataLoader(TensorDataset(torch.ones(8, 2)), batch_size=4)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[EpochLog(path, batch_size=4)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(TinyModule(), loader, loader)


def test_writes_a_row_for_each_epoch(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, epochs=3)
    rows = read_rows(path)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert {row["images"] for row in rows} == {8}
    assert all(0 < row["seconds"] <= row["total_seconds"] for row in rows)
    assert all(row["memory_mb"] > 10 for row in rows)
    assert rows[0]["val/accuracy"] == 0.25


def test_a_run_that_begins_again_drops_the_rows_that_it_repeats(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, epochs=3)
    with path.open("a", newline="") as file:
        csv.DictWriter(file, COLUMNS).writerow(dict.fromkeys(COLUMNS, 9))
    train(path, epochs=2)
    assert [row["epoch"] for row in read_rows(path)] == [0, 1]


def test_no_file_has_no_rows(tmp_path):
    assert read_rows(tmp_path / "metrics.csv") == []


def test_draws_a_picture_of_the_curves(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, epochs=2)
    draw_curves(read_rows(path), tmp_path / "figures" / "curves.png")
    with Image.open(tmp_path / "figures" / "curves.png") as picture:
        assert picture.width > 600
        assert picture.convert("L").getextrema() == (0, 255)
