import logging
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.config import AugmentConfig, DataConfig
from mlopsproj_data.records import LabelledSource
from mlopsproj_models.config import FineTuneConfig, ModelConfig, OptimizerConfig
from mlopsproj_train import recipes
from mlopsproj_train.config import TrainConfig, TrainerConfig
from mlopsproj_train.recipes import complete


def source(side=28, count=14_000):
    return LabelledSource(
        name="things",
        classes=("a", "b"),
        spec=ImageSpec(side, side, 3),
        count=count,
        signature="",
        records=lambda: iter(()),
    )


def open_settings(config):
    """Dotted names of what is still open and that training needs."""
    needed = {
        "trainer.max_epochs": config.trainer.max_epochs,
        "trainer.batch_size": config.trainer.batch_size,
        "optimizer.lr": config.optimizer.lr,
        "optimizer.weight_decay": config.optimizer.weight_decay,
        **{f"augment.{name}": value for name, value in asdict(config.data.augment).items()},
        **{f"finetune.{name}": value for name, value in asdict(config.model.finetune).items()},
    }
    return [name for name, value in needed.items() if value is None]


@given(side=st.integers(28, 224), count=st.integers(2, 10**7))
def test_nothing_is_left_open(side, count):
    config = complete(TrainConfig(), source(side, count))
    assert open_settings(config) == []
    assert config.model.architecture != "auto"
    assert 1 <= config.trainer.batch_size <= max(1, count // 2)
    assert config.trainer.max_epochs >= 1
    assert config.model.finetune.frozen_epochs <= config.trainer.max_epochs


def test_small_images_are_learned_from_scratch_at_their_own_size(caplog):
    with caplog.at_level(logging.INFO):
        config = complete(TrainConfig(), source(side=28))
    assert config.model.architecture == "residual"
    assert config.data.image_size is None
    assert config.model.finetune.frozen_epochs == 0
    assert "residual, since images of 28 pixels" in caplog.text


def test_photos_are_given_to_a_network_that_has_seen_imagenet(caplog):
    with caplog.at_level(logging.INFO):
        config = complete(TrainConfig(), source(side=100, count=2000))
    assert config.model.architecture == "efficientnet_lite0"
    assert config.data.image_size == 96
    assert config.model.finetune.layer_decay < 1
    assert "efficientnet_lite0, since photos suit a network that has seen ImageNet" in caplog.text


def test_without_the_weights_photos_are_made_small_and_learned_from_scratch(monkeypatch, caplog):
    monkeypatch.setattr(recipes.importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.INFO):
        config = complete(TrainConfig(), source(side=100))
    assert config.model.architecture == "residual"
    assert config.data.image_size == 64
    assert "mlopsproj-models[efficientnet]" in caplog.text


def test_what_the_user_gave_stays():
    given_by_user = TrainConfig(
        data=DataConfig(image_size=96, augment=AugmentConfig(flip=False, crop=0.9)),
        model=ModelConfig(
            architecture="efficientnet_lite0",
            finetune=FineTuneConfig(frozen_epochs=1, layer_decay=0.5),
        ),
        optimizer=OptimizerConfig(lr=0.5, weight_decay=0.25),
        trainer=TrainerConfig(max_epochs=2, batch_size=7),
    )
    config = complete(given_by_user, source(side=200))
    assert (config.data.image_size, config.data.augment.flip, config.data.augment.crop) == (
        *(96, False),
        0.9,
    )
    assert (config.model, config.optimizer, config.trainer) == (
        replace(given_by_user.model, finetune=config.model.finetune),
        given_by_user.optimizer,
        given_by_user.trainer,
    )
    assert config.model.finetune.frozen_epochs == 1
    assert config.model.finetune.layer_decay == 0.5


def test_a_completed_configuration_is_complete():
    once = complete(TrainConfig(), source(side=100))
    assert complete(once, source(side=100)) == once


def test_few_images_are_seen_more_often_than_many():
    epochs = [
        complete(TrainConfig(), source(count=count)).trainer.max_epochs
        for count in (100, 5_000, 14_000, 70_000)
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] > epochs[-1]


@pytest.mark.parametrize("side", [28, 100])
def test_the_epochs_of_the_frozen_phase_never_exceed_those_of_the_run(side):
    config = complete(TrainConfig(trainer=TrainerConfig(max_epochs=1)), source(side=side))
    assert config.trainer.max_epochs == 1
    assert config.model.finetune.frozen_epochs <= 1


def test_more_frozen_epochs_than_half_a_short_run_are_taken_if_they_are_asked_for():
    asked = ModelConfig(finetune=FineTuneConfig(frozen_epochs=3))
    config = complete(
        TrainConfig(model=asked, trainer=TrainerConfig(max_epochs=4)), source(side=100)
    )
    assert (config.model.finetune.frozen_epochs, config.trainer.max_epochs) == (3, 4)
    alone = complete(TrainConfig(trainer=TrainerConfig(max_epochs=4)), source(side=100))
    assert (alone.model.finetune.frozen_epochs, alone.trainer.max_epochs) == (2, 4)
