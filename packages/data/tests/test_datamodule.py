import pytest
import pytorch_lightning as pl
import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import AugmentConfig, DataModule
from mlopsproj_data.preparation import prepare_source

OFF = AugmentConfig(flip=False, shift=0, cutout=0)
VARIED = AugmentConfig(flip=True, shift=2, cutout=3)
BATCH = 32


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, make_source, make_records):
    """About 540 training, 60 validation and 100 test images, all different."""
    records = make_records(700, splits=("train",) * 6 + ("test",))
    folder = tmp_path_factory.mktemp("prepared")
    return prepare_source(
        make_source(records, spec=ImageSpec(8, 8, 1)), folder, validation_fraction=0.1
    )


def places_in(labelled, images):
    """Index of each image of a batch; every image must be there, unchanged."""
    index = {image.tobytes(): place for place, image in enumerate(labelled.images)}
    return [index[image.numpy().tobytes()] for image in images]


@pytest.mark.parametrize("batch_size", [1, 32, 100])
def test_an_epoch_gives_every_training_image_once_but_for_an_incomplete_batch(dataset, batch_size):
    train = dataset.labelled("train")
    loader = DataModule(dataset, batch_size=batch_size).train_dataloader()
    seen = []
    for images, labels in loader:
        assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
        assert images.shape == (batch_size, 8, 8, 1)
        places = places_in(train, images)
        assert labels.tolist() == train.labels[places].tolist()
        seen += places
    assert len(seen) == len(set(seen)) == len(train) // batch_size * batch_size
    assert len(loader) == len(train) // batch_size


def test_validation_is_whole_and_in_order(dataset):
    validation = dataset.labelled("validation")
    batches = list(DataModule(dataset, batch_size=BATCH).val_dataloader())
    places = [place for images, _ in batches for place in places_in(validation, images)]
    assert places == list(range(len(validation)))
    assert torch.cat([labels for _, labels in batches]).tolist() == validation.labels.tolist()


def test_validation_has_more_batches_than_one_where_it_is_large(
    tmp_path, make_source, make_records
):
    source = make_source(
        make_records(1600, splits=("validation", "train", "validation", "test", "validation"))
    )
    large = prepare_source(source, tmp_path, validation_fraction=0.1)
    validation = large.labelled("validation")
    loader = DataModule(large, batch_size=1).val_dataloader()
    sizes = [len(labels) for _, labels in loader]
    assert len(sizes) == len(loader) == 2
    assert sum(sizes) == len(validation) > max(sizes)


@pytest.mark.parametrize("batch_size", [0, -1, 10_000])
def test_a_batch_that_cannot_be_is_named(dataset, batch_size):
    count = dataset.counts["train"]
    with pytest.raises(ConfigError, match=rf"trainer\.batch_size={batch_size}: give 1 to {count}"):
        DataModule(dataset, batch_size=batch_size)


def test_a_variation_that_cannot_be_is_named(dataset):
    with pytest.raises(ConfigError, match=r"data\.augment\.shift=5: give 0 to 4 .* images of 8"):
        DataModule(dataset, batch_size=BATCH, augment=AugmentConfig(shift=5))


class Recorder(pl.LightningModule):
    """Learns next to nothing, and remembers each batch that it was given."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 2)
        self.train_batches, self.validation_batches = {}, {}

    def training_step(self, batch, batch_idx):
        images, labels = batch
        self.train_batches[self.current_epoch, batch_idx] = images.clone(), labels.clone()
        logits = self.layer(images.flatten(1).float() / 255)
        return torch.nn.functional.cross_entropy(logits, labels)

    def validation_step(self, batch, batch_idx):
        images, labels = batch
        self.validation_batches[self.current_epoch, batch_idx] = images.clone(), labels.clone()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(dataset, folder, *, epochs, augment, checkpoint=None, seed=7):
    module = Recorder()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        callbacks=[
            pl.callbacks.ModelCheckpoint(
                folder, filename="{epoch}", save_top_k=-1, save_on_train_epoch_end=True
            )
        ],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=2,
    )
    data = DataModule(dataset, batch_size=BATCH, seed=seed, augment=augment)
    trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return module


def same(one, other):
    return all(torch.equal(left, right) for left, right in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def whole(dataset, checkpoints):
    """A run of three epochs, with variation; it leaves a checkpoint of each."""
    return fit(dataset, checkpoints, epochs=3, augment=VARIED)


def test_every_epoch_has_its_own_order_and_variation(whole, dataset):
    batches = dataset.counts["train"] // BATCH
    assert set(whole.train_batches) == {(e, b) for e in range(3) for b in range(batches)}
    for epoch in (1, 2):
        assert not same(whole.train_batches[epoch, 0], whole.train_batches[0, 0])


@pytest.mark.parametrize("done", [1, 2])
def test_a_run_that_goes_on_sees_what_it_would_have_seen(
    whole, dataset, checkpoints, tmp_path, done
):
    torch.manual_seed(99)
    checkpoint = checkpoints / f"epoch={done - 1}.ckpt"
    resumed = fit(dataset, tmp_path, epochs=3, augment=VARIED, checkpoint=checkpoint)
    assert set(resumed.train_batches) == {key for key in whole.train_batches if key[0] >= done}
    for key, batch in resumed.train_batches.items():
        assert same(batch, whole.train_batches[key])


def test_training_images_are_varied_and_no_others(whole, dataset, tmp_path):
    plain = fit(dataset, tmp_path, epochs=1, augment=OFF)
    train, validation = dataset.labelled("train"), dataset.labelled("validation")
    for (epoch, batch), (images, labels) in plain.train_batches.items():
        places = places_in(train, images)
        assert train.labels[places].tolist() == labels.tolist()
        varied, same_labels = whole.train_batches[epoch, batch]
        assert torch.equal(same_labels, labels)  # the order does not depend on the variation
        assert (varied != images).flatten(1).any(dim=1).float().mean() > 0.9
    for images, _ in whole.validation_batches.values():
        assert places_in(validation, images) == list(range(len(validation)))


def test_the_variation_of_a_step_can_be_had_alone(whole, dataset):
    data = DataModule(dataset, batch_size=BATCH, seed=7, augment=VARIED)
    for step, (images, _) in enumerate(data.train_dataloader()):
        assert torch.equal(data.augmented(images, step=step), whole.train_batches[0, step][0])
        assert not torch.equal(
            data.augmented(images, step=step + 1), data.augmented(images, step=step)
        )


def test_the_defaults_vary(dataset):
    images, _ = next(iter(DataModule(dataset, batch_size=BATCH).train_dataloader()))
    varied = DataModule(dataset, batch_size=BATCH).augmented(images, step=0)
    assert not torch.equal(varied, images)


class Means:
    """Makes an embedding of each image: the mean of each of its rows."""

    embedding_size = 8

    def embed_images(self, images):
        return images.float().mean(dim=(2, 3))

    def backbone_fingerprint(self):
        return "means of rows"


class Watcher(pl.LightningModule):
    """Notes what each epoch is given; learns nothing worth it."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.batches = []

    def training_step(self, batch):
        self.batches.append(("train", self.current_epoch, *batch))
        return self.weight.sum()

    def validation_step(self, batch):
        self.batches.append(("validation", self.current_epoch, *batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def watched(dataset, folder, *, epochs, resume=None, **options):
    watcher = Watcher()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    data = DataModule(dataset, batch_size=BATCH, augment=OFF, **options)
    trainer.fit(watcher, datamodule=data, ckpt_path=resume, weights_only=True)
    trainer.save_checkpoint(folder / "last.ckpt")
    return watcher.batches


def test_embeddings_stand_for_the_same_images_in_frozen_epochs_only(dataset, tmp_path):
    plain = watched(dataset, tmp_path, epochs=3)
    cached = watched(dataset, tmp_path, epochs=3, embedder=Means(), frozen_epochs=2)
    assert len(plain) == len(cached)
    for (split, epoch, images, labels), (*place, found, found_labels) in zip(
        plain, cached, strict=True
    ):
        assert place == [split, epoch]
        expected = Means().embed_images(images) if epoch < 2 else images
        assert found.dtype == expected.dtype
        assert torch.allclose(found, expected)
        assert torch.equal(found_labels, labels)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_run_that_goes_on_is_given_what_it_would_have_been(dataset, tmp_path, stop_after):
    options = {"embedder": Means(), "frozen_epochs": 2}
    whole = watched(dataset, tmp_path, epochs=4, **options)
    watched(dataset, tmp_path, epochs=stop_after, **options)
    rest = watched(dataset, tmp_path, epochs=4, resume=tmp_path / "last.ckpt", **options)
    whole = [batch for batch in whole if batch[1] >= stop_after]
    assert [batch[:2] for batch in rest] == [batch[:2] for batch in whole]
    for found, expected in zip(rest, whole, strict=True):
        assert torch.equal(found[2], expected[2])
        assert torch.equal(found[3], expected[3])


def test_without_an_embedder_frozen_epochs_have_images(dataset, tmp_path):
    batches = watched(dataset, tmp_path, epochs=1, frozen_epochs=1)
    assert {batch[2].dtype for batch in batches} == {torch.uint8}


def test_photos_are_validated_in_smaller_batches(tmp_path, make_source, make_records):
    records = make_records(60, splits=("train", "validation", "test"))
    source = make_source(records, spec=ImageSpec(256, 256, 1))
    large = prepare_source(source, tmp_path, validation_fraction=0.1)
    sizes = [len(labels) for _, labels in DataModule(large, batch_size=1).val_dataloader()]
    assert max(sizes) == 16
