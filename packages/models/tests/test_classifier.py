import pytest
import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.classifier import ImageClassifier, inverse_frequencies, mixup
from mlopsproj_models.config import (
    FineTuneConfig,
    LossConfig,
    ModelConfig,
    NetworkConfig,
    OptimizerConfig,
)
from mlopsproj_models.residual_network import ResidualNetwork
from pytorch_lightning.callbacks import ModelCheckpoint, WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset


def make_module(channels: int, model: ModelConfig, class_counts=None) -> ImageClassifier:
    torch.manual_seed(0)
    network = ResidualNetwork(
        NetworkConfig(stem_width=4, widths=(8,), blocks=(1,)), channels=channels, classes=3
    )
    network.set_normalisation(torch.full((channels,), 80.0), torch.full((channels,), 60.0))
    return ImageClassifier(
        network, model=model, optimizer=OptimizerConfig(lr=2e-2), class_counts=class_counts
    )


def loader(images, *, shuffle: bool) -> DataLoader:
    data = TensorDataset(torch.tensor(images.images), torch.tensor(images.labels))
    return DataLoader(data, batch_size=48, shuffle=shuffle)


def make_trainer(folder, epochs: int, *callbacks: pl.Callback) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        callbacks=list(callbacks),
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@pytest.mark.parametrize("mixup_alpha", [0.0, 0.4])
def test_learns_and_logs(train, held_out, channels, tmp_path, mixup_alpha):
    module = make_module(channels, ModelConfig(loss=LossConfig(mixup_alpha=mixup_alpha)))
    trainer = make_trainer(tmp_path, 8)
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


def backbone(module: ImageClassifier) -> dict[str, torch.Tensor]:
    state = module.network.state_dict()
    return {n: v.clone() for n, v in state.items() if not n.startswith("head.")}


def differing(one, other) -> set[str]:
    return {name for name in one if not torch.equal(one[name], other[name])}


class States(pl.Callback):
    """The network at the end of each epoch, and which parts were in training mode."""

    def __init__(self):
        self.states, self.training, self.rates = [], [], []

    def on_train_epoch_end(self, trainer, pl_module):
        state = pl_module.network.state_dict()
        self.states.append({name: value.clone() for name, value in state.items()})
        layers = pl_module.network.named_modules()
        self.training.append({name for name, layer in layers if name and layer.training})

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


def fine_tuned(frozen_epochs, **finetune) -> ModelConfig:
    return ModelConfig(finetune=FineTuneConfig(frozen_epochs=frozen_epochs, **finetune))


def test_the_head_learns_first_and_then_everything(train, held_out, channels, tmp_path):
    module = make_module(channels, fine_tuned(2, frozen_lr=5e-2, layer_decay=0.5))
    before, seen = backbone(module), States()
    first = module.network.head.weight.detach().clone()
    trainer = make_trainer(tmp_path, 4, seen)
    trainer.fit(module, loader(train, shuffle=True), loader(held_out, shuffle=False))

    for epoch in (0, 1):
        assert differing(before, seen.states[epoch]) == set()
        assert seen.training[epoch] == {"head"}
    assert not torch.equal(seen.states[1]["head.weight"], first)
    for epoch in (2, 3):
        # The normalisation of the pixels is no weight; everything else has moved.
        assert differing(before, seen.states[epoch]) == before.keys() - {"mean", "std"}
        assert len(seen.training[epoch]) == len(list(module.network.modules())) - 1
    steps = len(train.labels) // 48
    assert max(seen.rates[: 2 * steps]) == pytest.approx(5e-2, rel=1e-3)
    assert max(seen.rates[2 * steps :]) == pytest.approx(2e-2, rel=1e-3)
    assert seen.rates[2 * steps] == pytest.approx(2e-3)


@pytest.mark.parametrize("mixup_alpha", [0.0, 0.4])
def test_embeddings_teach_the_head_what_images_do(train, held_out, channels, tmp_path, mixup_alpha):
    config = ModelConfig(
        loss=LossConfig(mixup_alpha=mixup_alpha), finetune=FineTuneConfig(frozen_epochs=2)
    )
    heads, accuracies = [], []
    for cached in (False, True):
        module = make_module(channels, config)
        data = []
        for split in (train, held_out):
            images = torch.tensor(split.images)
            if cached:
                with torch.no_grad():
                    images = module.network.eval().embed(module.network.normalise(images))
            tensors = TensorDataset(images, torch.tensor(split.labels))
            data.append(DataLoader(tensors, batch_size=48))
        trainer = make_trainer(tmp_path, 2)
        torch.manual_seed(4)
        trainer.fit(module, *data)
        heads.append(module.network.head.weight.detach().clone())
        accuracies.append(float(trainer.callback_metrics["val/accuracy"]))
    assert torch.allclose(heads[0], heads[1], atol=1e-5)
    assert accuracies[0] == pytest.approx(accuracies[1], abs=1e-6)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_goes_on_bit_for_bit_from_either_phase(train, held_out, tmp_path, channels, stop_after):
    config = ModelConfig(finetune=FineTuneConfig(frozen_epochs=2, layer_decay=0.7))

    def run(folder, resume=None):
        kept = ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1, every_n_epochs=1)
        average = WeightAveraging(multi_avg_fn=get_ema_multi_avg_fn(0.9))
        trainer = make_trainer(tmp_path, 4, kept, average)
        module = make_module(channels, config)
        data = (loader(train, shuffle=False), loader(held_out, shuffle=False))
        trainer.fit(module, *data, ckpt_path=resume, weights_only=True)
        return module.network.state_dict()

    whole = run(tmp_path / "whole")
    resumed = run(tmp_path / "resumed", tmp_path / "whole" / f"epoch={stop_after - 1}.ckpt")
    assert differing(whole, resumed) == set()


def test_more_frozen_epochs_than_there_are_is_refused(train, held_out, channels, tmp_path):
    trainer = make_trainer(tmp_path, 2)
    data = (loader(train, shuffle=False), loader(held_out, shuffle=False))
    with pytest.raises(ConfigError, match=r"frozen_epochs=3: give at most trainer.max_epochs=2"):
        trainer.fit(make_module(channels, fine_tuned(3)), *data)
    trainer.fit(make_module(channels, fine_tuned(2)), *data)


def test_fine_tuning_that_cannot_be_is_refused(channels):
    with pytest.raises(ConfigError, match=r"model\.finetune\.layer_decay=2"):
        make_module(channels, fine_tuned(1, layer_decay=2))


def test_class_weights_count_each_class_alike():
    weights = inverse_frequencies([30, 60, 0, 10])
    assert weights.tolist() == pytest.approx([100 / 90, 100 / 180, 0, 100 / 30])
    labels = torch.tensor([0] * 30 + [1] * 60 + [3] * 10)
    assert float(weights[labels].mean()) == pytest.approx(1)


def test_a_rare_class_weighs_more_in_the_loss(channels):
    config = ModelConfig(loss=LossConfig(class_weights=True, label_smoothing=0))
    module = make_module(channels, config, class_counts=[80, 10, 10])
    logits, labels = torch.randn(9, 3), torch.arange(9) % 3
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    weights = torch.tensor([1 / 80, 1 / 10, 1 / 10])[labels]
    expected = (each * weights).sum() / weights.sum()
    assert float(module._loss(logits, labels)) == pytest.approx(float(expected), rel=1e-5)
    assert "class_weights" not in module.state_dict()


def test_class_weights_need_the_counts(channels):
    with pytest.raises(ConfigError, match=r"model\.loss\.class_weights=true"):
        make_module(channels, ModelConfig(loss=LossConfig(class_weights=True)))
