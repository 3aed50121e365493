import subprocess
from importlib.metadata import version

import numpy as np
import pytest
import torch
from mlopsproj_core.bundle import PERTURBED, ROBUSTNESS, Bundle
from mlopsproj_core.errors import BundleCorruptError, ParityError
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.predictor import Predictor
from mlopsproj_evaluation import Perturbed, Robustness, Scores, read_reference
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_models.graph import calibrate
from mlopsproj_train import bundling
from mlopsproj_train.bundling import make_bundle
from mlopsproj_train.planning import new_module
from mlopsproj_train.run_folder import RunFolder


def test_says_what_it_was_made_of(trained, tiny_dataset):
    manifest = trained.bundle.manifest
    assert (manifest.name, manifest.classes) == ("tiny", tiny_dataset.classes)
    assert manifest.image == tiny_dataset.spec
    assert manifest.data == tiny_dataset.summary()
    assert manifest.config["trainer"]["max_epochs"] == 3
    assert manifest.packages["torch"] == version("torch")
    assert set(manifest.packages) >= {"mlopsproj-core", "onnx", "onnxruntime", "numpy"}
    assert manifest.parity.reference == "torch"
    assert (manifest.parity.images, manifest.parity.disagreements) == (48, 0)
    assert manifest.parity.max_difference <= 1e-4


def test_holds_what_it_was_judged_on(trained, tiny_dataset):
    test = tiny_dataset.labelled("test")
    folder = trained.folder.bundle
    scores = Scores.read(folder / "evaluation.parquet")
    assert tuple(scores.ids) == test.ids
    assert scores.labels.tolist() == test.labels.tolist()
    assert scores.correct.mean() == pytest.approx(trained.summary.accuracy)
    answers = Predictor.load(folder).run(np.asarray(test.images))
    np.testing.assert_allclose(answers.probabilities, scores.probabilities, atol=1e-5)
    assert read_reference(folder / "reference.parquet").num_rows == 48
    ids = np.load(folder / "training_ids.npy", allow_pickle=False)
    assert len(ids) == tiny_dataset.counts["train"] + tiny_dataset.counts["validation"]
    assert "# tiny" in (folder / "model_card.md").read_text(encoding="utf-8")


def test_holds_what_it_said_of_spoilt_images(trained, tiny_dataset):
    """Of each test image as it was and under every corruption, since there are few."""
    answers = Perturbed.read(trained.folder.bundle / PERTURBED)
    assert PERTURBED in trained.bundle.manifest.files
    test = tiny_dataset.labelled("test")
    assert set(answers.ids) == set(test.ids)
    assert len(answers) == 48 * (1 + len(CORRUPTIONS))
    labels = dict(zip(test.ids, test.labels.tolist(), strict=True))
    assert answers.labels.tolist() == [labels[image_id] for image_id in answers.ids]
    robustness = Robustness.read(trained.folder.bundle / ROBUSTNESS)
    spoilt = np.array(answers.severities) > 0
    assert answers.correct[spoilt].mean() == pytest.approx(robustness.accuracy.value)
    assert answers.correct[~spoilt].mean() == pytest.approx(trained.summary.accuracy)


@pytest.fixture
def graph(tiny_config, tiny_dataset):
    """Of an untrained network."""
    network = new_module(tiny_config, tiny_dataset).network.eval()
    return calibrate(network, tiny_dataset.labelled("train"), tiny_dataset.labelled("validation"))


def test_a_graph_that_disagrees_with_the_network_becomes_no_bundle(
    graph, tiny_dataset, tmp_path, monkeypatch
):
    export = bundling.export_onnx

    def export_another(graph, *arguments):
        with torch.no_grad():
            graph.network.head.bias[0] += 1
            export(graph, *arguments)
            graph.network.head.bias[0] -= 1

    monkeypatch.setattr(bundling, "export_onnx", export_another)
    run = RunFolder(tmp_path)
    run.bundle.mkdir()
    (run.bundle / MANIFEST).write_text("of a process that ended early")
    with pytest.raises(ParityError):
        make_bundle(graph, tiny_dataset, run, {})
    assert not (run.bundle / MANIFEST).exists()
    with pytest.raises(BundleCorruptError):
        Bundle.open(run.bundle)


def test_the_commit_is_that_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bundling._git_commit() is None
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", "init", "-q"], check=True)
    assert bundling._git_commit() is None
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    commit = bundling._git_commit()
    assert len(commit) == 40
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bundling._git_commit() is None
