import pytest
import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.classifier import ImageClassifier, mixup
from mlopsproj_models.config import LossConfig, ModelConfig, NetworkConfig, OptimizerConfig
from mlopsproj_models.networks import ResidualNetwork
from torch.utils.data import DataLoader, TensorDataset


def make_module(channels: int, model: ModelConfig) -> ImageClassifier:
    torch.manual_seed(0)
    network = ResidualNetwork(
        NetworkConfig(stem_width=4, widths=(8,), blocks=(1,)), channels=channels, classes=3
    )
    network.set_normalisation(torch.full((channels,), 80.0), torch.full((channels,), 60.0))
    return ImageClassifier(network, model=model, optimizer=OptimizerConfig(lr=2e-2))


def loader(images, *, shuffle: bool) -> DataLoader:
    data = TensorDataset(torch.tensor(images.images), torch.tensor(images.labels))
    return DataLoader(data, batch_size=48, shuffle=shuffle)


@pytest.mark.parametrize("mixup_alpha", [0.0, 0.4])
def test_learns_and_logs(train, held_out, channels, tmp_path, mixup_alpha):
    module = make_module(channels, ModelConfig(loss=LossConfig(mixup_alpha=mixup_alpha)))
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=8,
        default_root_dir=tmp_path,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader(train, shuffle=True), loader(held_out, shuffle=False))
    assert float(trainer.callback_metrics["val/accuracy"]) > 0.9
    assert {"train/loss", "val/loss", "val/accuracy"} <= set(trainer.callback_metrics)


def test_compiling_keeps_the_names_of_the_weights(channels):
    plain = make_module(channels, ModelConfig())
    compiled = make_module(channels, ModelConfig(compile=True))
    compiled.on_fit_start()
    assert compiled.network._compiled_call_impl is not None
    assert list(compiled.state_dict()) == list(plain.state_dict())


def test_mixup_mixes_pairs_by_one_share():
    torch.manual_seed(1)
    inputs = torch.arange(6.0).view(6, 1, 1, 1)
    mixed, partners, share = mixup(inputs, 0.4)
    assert 0 <= float(share) <= 1
    assert torch.allclose(mixed, share * inputs + (1 - share) * inputs[partners])


@pytest.mark.parametrize(
    "loss",
    [
        LossConfig(label_smoothing=1),
        LossConfig(mixup_alpha=-0.1),
        LossConfig(mixup_alpha=float("inf")),
        LossConfig(mixup_alpha=float("nan")),
    ],
)
def test_refuses_a_loss_that_cannot_be(channels, loss):
    with pytest.raises(ConfigError, match=r"model\.loss\."):
        make_module(channels, ModelConfig(loss=loss))


def test_refuses_an_optimiser_before_it_is_needed(channels):
    network = ResidualNetwork(
        NetworkConfig(stem_width=4, widths=(8,), blocks=(1,)), channels=channels, classes=3
    )
    with pytest.raises(ConfigError, match=r"optimizer\.lr=5"):
        ImageClassifier(network, model=ModelConfig(), optimizer=OptimizerConfig(lr=5))
