import csv
import getpass
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
import wandb
import wandb_stand_in
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import ConfigError, ParityError, RegistryError, TrainingError
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import Registry
from mlopsproj_models.config import LossConfig, ModelConfig, NetworkConfig, OptimizerConfig
from mlopsproj_train import pipeline, planning
from mlopsproj_train.checkpoints import load_checkpoint
from mlopsproj_train.config import Accelerator, LoggerConfig, WandbMode
from mlopsproj_train.epoch_log import read_rows
from mlopsproj_train.pipeline import run_pipeline
from mlopsproj_train.planning import new_module
from mlopsproj_train.run_folder import RunFolder
from PIL import Image


def test_a_run_leaves_everything_in_its_folder(trained, read_json):
    run = trained.folder
    assert read_json(run.summary) == {
        **asdict(trained.summary),
        "accuracy_interval": list(trained.summary.accuracy_interval),
    }
    stored = read_json(run.config)
    assert stored["data"]["name"] == "tiny"
    assert stored["trainer"]["precision"] == "float32"
    assert {file.name for file in run.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt"}
    figures = {path.stem for path in run.figures.glob("*.png")}
    assert {"learning_curves", "confusion_matrix", "reliability_diagram"} <= figures
    for path in run.figures.glob("*.png"):
        with Image.open(path) as picture:
            picture.verify()
    with run.metrics.open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2"]
    log = run.log.read_text()
    for text in (
        "data: tiny, 1",
        " train, ",
        " 48 test images",
        "in float32, 1 thread\n",
        "epoch 3 of 3",
        "parity with torch",
        "published tiny:1",
    ):
        assert text in log
    trained.bundle.verify()


def test_the_version_in_the_registry_is_the_bundle_of_the_run(trained):
    (version,) = trained.registry.all_versions()
    assert (version.name, version.number) == (trained.summary.model, trained.summary.version)
    assert trained.registry.manifest(version) == trained.bundle.manifest
    (move,) = trained.registry.history("tiny", "production")
    assert (move.version, move.actor) == (1, getpass.getuser())
    assert trained.summary.alias == "production"


def test_the_summary_says_what_was_measured(trained, tiny_dataset):
    rows = read_rows(trained.folder.metrics)
    summary = trained.summary
    assert summary.epochs == 3
    assert {row["images"] for row in rows} == {16 * (tiny_dataset.counts["train"] // 16)}
    assert summary.train_seconds == pytest.approx(sum(row["total_seconds"] for row in rows))
    rates = [row["images"] / row["seconds"] for row in rows]
    assert summary.images_per_second == pytest.approx(median(rates))
    accuracy = trained.bundle.manifest.metrics["accuracy"]
    assert summary.accuracy == accuracy.value
    assert summary.accuracy_interval == (accuracy.low, accuracy.high)
    assert summary.test_images == 48
    assert summary.data_fingerprint == tiny_dataset.fingerprint


def test_what_is_exported_is_the_average_at_the_best_epoch(trained, tiny_dataset):
    best = load_checkpoint(trained.folder.checkpoints / "best.ckpt")
    accuracies = [row["val/accuracy"] for row in read_rows(trained.folder.metrics)]
    assert best["epoch"] == max(np.flatnonzero(np.equal(accuracies, max(accuracies))))
    images = np.asarray(tiny_dataset.labelled("test").images)
    exported = Predictor.load(trained.folder.bundle).run(images).embedding

    def embedding(state):
        module = new_module(trained.config, tiny_dataset)
        module.load_state_dict(state)
        network = module.network.eval()
        with torch.no_grad():
            return network.embed(network.normalise(torch.tensor(images))).numpy()

    np.testing.assert_allclose(exported, embedding(best["state_dict"]), atol=1e-4)
    assert np.abs(exported - embedding(best["current_model_state"])).max() > 1e-2


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**32}, "seed=4294967296"),
        ({"trainer": {"max_epochs": 0}}, "trainer.max_epochs=0"),
        ({"trainer": {"batch_size": 0}}, "trainer.batch_size=0"),
        ({"trainer": {"batch_size": 1000}}, "trainer.batch_size=1000"),
        ({"trainer": {"gradient_clip": 0.0}}, "trainer.gradient_clip=0.0"),
        ({"trainer": {"gradient_clip": float("nan")}}, "trainer.gradient_clip=nan"),
        ({"trainer": {"patience": 0}}, "trainer.patience=0"),
        ({"model": {"ema_decay": 1.0}}, "model.ema_decay=1.0"),
    ],
)
def test_a_setting_that_cannot_be_used_leaves_no_folder(config_in, tmp_path, changes, named):
    config = config_in()
    for key, value in changes.items():
        if isinstance(value, dict):
            value = replace(getattr(config, key), **value)  # noqa: PLW2901
        config = replace(config, **{key: value})
    with pytest.raises(ConfigError, match=named):
        run_pipeline(config)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_leaves_no_folder(config_in, tmp_path):
    config = config_in()
    config = replace(config, trainer=replace(config.trainer, accelerator=Accelerator.gpu))
    with pytest.raises(ConfigError, match="no GPU"):
        run_pipeline(config)
    assert not list(tmp_path.iterdir())


def test_a_registry_that_cannot_be_read_is_told_before_the_training(config_in, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RegistryError, match="file"):
        run_pipeline(config_in(registry=str(tmp_path / "file")))
    assert not (tmp_path / "run").exists()


def test_a_registry_that_cannot_be_written_is_told_before_the_training(
    config_in, tmp_path, monkeypatch
):
    # Root may write everywhere, so that the system's answer is given here.
    monkeypatch.setattr(pipeline.os, "access", lambda path, _: path != tmp_path / "locked")
    (tmp_path / "locked").mkdir()
    with pytest.raises(
        RegistryError, match=r"registry=.*cannot be written \(.*locked is read-only"
    ):
        run_pipeline(config_in(registry=str(tmp_path / "locked" / "below" / "registry")))
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_interrupted_says_how_to_go_on_and_does(
    config_in, tmp_path, interrupted_data, exported_before, monkeypatch
):
    monkeypatch.setattr(planning, "DataModule", interrupted_data)
    with pytest.raises(KeyboardInterrupt) as interrupt:
        run_pipeline(config_in("my run"))
    assert "Interrupted in epoch 2; the epochs before are kept." in str(interrupt.value)
    assert f"uv run train 'resume='\"'\"'{tmp_path}/my run'\"'\"''" in str(interrupt.value)
    folder = RunFolder(tmp_path / "my run")
    assert "ended by KeyboardInterrupt" in folder.log.read_text()
    assert not Registry(str(tmp_path / "registry")).names()

    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    summary = run_pipeline(config_in(resume=str(folder.path)))
    assert (summary.epochs, summary.version, summary.alias) == (2, 1, "production")
    assert summary.run_dir == str(folder.path)
    assert folder.summary.exists()
    with pytest.raises(TrainingError, match="is done"):
        run_pipeline(config_in(resume=str(folder.path)))


def test_a_run_that_ended_after_its_training_is_published_without_training_again(
    config_in, tmp_path, monkeypatch
):
    def refuse(*_):
        raise ParityError("the graph disagrees")

    monkeypatch.setattr(pipeline, "make_bundle", refuse)
    with pytest.raises(ParityError) as refusal:
        run_pipeline(config_in())
    folder = RunFolder(tmp_path / "run")
    assert str(refusal.value) == (
        "the graph disagrees Once that is mended, go on with: "
        f"{folder.resume_command} (registry=… and logger=… may be given anew)."
    )
    rows = read_rows(folder.metrics)
    last = folder.last_checkpoint.read_bytes()
    assert not Registry(str(tmp_path / "registry")).names()
    assert "ended by ParityError: the graph disagrees" in folder.log.read_text()

    monkeypatch.undo()
    folder.bundle.mkdir()
    (folder.bundle / "half.onnx").write_text("left by the process that ended")
    elsewhere = str(tmp_path / "elsewhere")
    changed = config_in(resume=str(folder.path), registry=elsewhere)
    summary = run_pipeline(changed, replaced={"registry"})
    assert summary.registry == elsewhere
    assert Registry(elsewhere).names() == ["tiny"]
    assert read_rows(folder.metrics) == rows
    assert folder.last_checkpoint.read_bytes() == last
    assert "half.onnx" not in Bundle.open(folder.bundle).manifest.files


def test_ctrl_c_after_the_training_says_how_to_go_on(config_in, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "calibrate", interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"^Interrupted\. Go on with: uv run train resume="):
        run_pipeline(config_in())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"optimizer": OptimizerConfig(lr=5)}, r"optimizer\.lr=5"),
        ({"optimizer": OptimizerConfig(weight_decay=float("nan"))}, "weight_decay=nan"),
        ({"model": ModelConfig(network=NetworkConfig(4, (8,) * 6, (0,) * 6))}, "28 pixels"),
        ({"model": ModelConfig(loss=LossConfig(mixup_alpha=float("inf")))}, "mixup_alpha=inf"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_run_folder_is_made(
    config_in, tmp_path, changes, named
):
    with pytest.raises(ConfigError, match=named):
        run_pipeline(config_in(**changes))
    assert not (tmp_path / "run").exists()


def test_a_corrupted_checkpoint_is_named_and_nothing_is_published(
    config_in, tmp_path, interrupted_data, monkeypatch
):
    monkeypatch.setattr(planning, "DataModule", interrupted_data)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(config_in())
    monkeypatch.undo()
    last = RunFolder(tmp_path / "run").last_checkpoint
    last.write_bytes(last.read_bytes()[:5000])
    with pytest.raises(TrainingError, match=r"last\.ckpt cannot be read.*remove it"):
        run_pipeline(config_in(resume=str(tmp_path / "run")))
    assert not (tmp_path / "registry").exists()


def test_a_run_does_not_go_on_with_other_data(config_in, tmp_path, interrupted_data, monkeypatch):
    monkeypatch.setattr(planning, "DataModule", interrupted_data)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(config_in())
    monkeypatch.undo()
    folder = RunFolder(tmp_path / "run")
    identity = folder.identity.read_text()
    folder.identity.write_text(identity.replace('"data_fingerprint": "', '"data_fingerprint": "0'))
    with pytest.raises(TrainingError, match="began with other data"):
        run_pipeline(config_in(resume=str(folder.path)))


def test_a_run_goes_on_with_another_mode_of_its_logger_in_its_own_project(
    config_in, interrupted_data, exported_before, monkeypatch, read_json
):
    monkeypatch.setattr(planning, "DataModule", interrupted_data)
    logger = LoggerConfig(wandb=WandbMode.disabled, project="mine")
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(config_in(logger=logger))
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    folder = RunFolder(Path(config_in().run_dir))
    other = LoggerConfig(wandb=WandbMode.offline, project="default")
    run_pipeline(config_in(resume=str(folder.path), logger=other), replaced={"logger.wandb"})
    stored = read_json(folder.config)
    assert stored["logger"] == {"wandb": "offline", "project": "mine"}


def test_a_mirror_that_fails_loses_nothing(config_in, tmp_path, exported_before, monkeypatch):
    """The W&B run is closed by somebody else, so that it takes no results."""
    before = pipeline.publish

    def publish(*arguments, **settings):
        import wandb

        wandb.finish()
        return before(*arguments, **settings)

    monkeypatch.setattr(pipeline, "publish", publish)
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    summary = run_pipeline(config_in(logger=LoggerConfig(wandb=WandbMode.offline)))
    assert summary.version == 1
    assert "W&B did not take the results" in RunFolder(tmp_path / "run").log.read_text()
    assert RunFolder(tmp_path / "run").summary.exists()


@pytest.fixture
def online(monkeypatch, tmp_path):
    """A stand-in for W&B, with an account."""
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / f"wandb-{name.lower()}"))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_ENTITY", "team")
    wandb.teardown()  # it reads the environment once
    with wandb_stand_in.serving() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", wandb_stand_in.KEY)
        yield server
        wandb.teardown()


@pytest.mark.parametrize("wanted", ["team/model", "team/absent", None])
def test_what_is_published_online_is_mirrored_where_that_is_wished(
    config_in, exported_before, online, monkeypatch, wanted
):
    monkeypatch.setattr(pipeline, "make_bundle", exported_before)
    if wanted:
        monkeypatch.setenv("MLOPSPROJ_WANDB_REGISTRY", wanted)
    summary = run_pipeline(config_in(logger=LoggerConfig(wandb=WandbMode.online)))
    assert summary.version == 1
    log = RunFolder(Path(summary.run_dir)).log.read_text()
    assert ("registry mirror push" in log) == (wanted == "team/absent")
    collections = {(c.project, c.name) for c in online.account.collections.values()}
    mirrored = {("mlopsproj-registry", "tiny"), ("wandb-registry-model", "tiny")}
    assert collections >= {("mlopsproj", "tiny")}  # the bundle, as the run's own artifact
    assert collections & mirrored == {
        "team/model": mirrored,
        "team/absent": {("mlopsproj-registry", "tiny")},
        None: set(),
    }.get(wanted)
