"""From images to a version in the registry, and what can be done with it."""

import csv
import json
import re

import numpy as np
import pytest
from mlopsproj_core import Bundle, Predictor
from mlopsproj_data.sources.fashion_mnist import sample_source
from mlopsproj_evaluation import Scores, read_reference
from PIL import Image

SUMMARY = {
    "accuracy",
    "accuracy_interval",
    "images_per_second",
    "train_seconds",
    "test_images",
    "model",
    "version",
    "data_fingerprint",
}


def test_a_run_leaves_everything_in_its_folder(trained):
    workplace, summary = trained
    run = workplace.path / "run"
    assert set(summary) >= SUMMARY
    assert summary == json.loads((run / "summary.json").read_text())
    assert (summary["model"], summary["version"], summary["alias"]) == ("tiny", 1, "production")
    low, high = summary["accuracy_interval"]
    assert 0 <= low <= summary["accuracy"] <= high <= 1
    assert summary["test_images"] == 200
    for name in ("config.json", "run.log", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        assert (run / name).stat().st_size > 0
    for name in (
        "learning_curves",
        "confusion_matrix",
        "reliability_diagram",
        "worst_mistakes",
    ):
        with Image.open(run / "figures" / f"{name}.png") as picture:
            picture.verify()
    with (run / "metrics.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1
    assert "published tiny:1" in (run / "run.log").read_text()


def test_an_offline_run_of_wandb_can_be_synced_later(trained):
    workplace, _ = trained
    (file,) = (workplace.path / "run" / "wandb").glob("offline-run-*/*.wandb")
    assert file.stat().st_size > 1000


def test_the_bundle_is_complete_and_says_what_the_summary_says(trained):
    workplace, summary = trained
    bundle = Bundle.open(workplace.path / "registry/tiny/versions/1")
    bundle.verify()
    manifest = bundle.manifest
    assert manifest.metrics["accuracy"].value == pytest.approx(summary["accuracy"])
    assert manifest.data.fingerprint == summary["data_fingerprint"]
    assert manifest.parity is not None
    assert (manifest.parity.images, manifest.parity.disagreements) == (200, 0)
    scores = Scores.read(bundle.path / "evaluation.parquet")
    assert scores.correct.mean() == pytest.approx(summary["accuracy"])
    reference = read_reference(bundle.path / "reference.parquet")
    assert reference.num_rows == 200
    assert np.load(bundle.path / "training_ids.npy").dtype == np.uint64
    assert "# tiny" in (bundle.path / "model_card.md").read_text()
    assert not list(bundle.path.rglob("*.pkl"))


def test_what_was_judged_is_what_the_predictor_answers(trained):
    workplace, _ = trained
    predictor = Predictor.load(workplace.path / "registry/tiny/versions/1")
    scores = Scores.read(predictor.bundle.path / "evaluation.parquet")
    records = [record for record in sample_source().records() if record.split == "test"]
    first = predictor.predict([records[0].image])[0]
    assert first.probabilities == pytest.approx(scores.probabilities[0], abs=1e-5)


@pytest.mark.slow
def test_the_table_ends_with_the_next_command(workplace):
    result = workplace.run("train", *workplace.training())
    assert result.returncode == 0, result.stderr
    for text in ("accuracy", "95 % interval", "images/s", "run folder", "tiny:1 (production)"):
        assert text in result.stdout
    assert re.search(r"next +uv run api, or uv run predict FILE_OR_FOLDER", result.stdout)


@pytest.mark.slow
def test_later_versions_are_candidates_until_they_are_promoted(copied):
    summary = copied.train("run_dir=second", "seed=1", "trainer.max_epochs=6")
    assert (summary["version"], summary["alias"]) == (2, "candidate")
    assert summary["next_command"] == "uv run registry promote tiny:2"
    assert copied.aliases() == {"production": 1, "candidate": 2}

    # The first one knows one class only, and that one the second does not find.
    refused = copied.run("registry", "promote", "tiny@candidate", "--json")
    assert refused.returncode == 3, refused.stderr
    failed = [g["name"] for g in json.loads(refused.stdout)["gates"] if g["verdict"] == "fail"]
    assert "classes" in failed
    compared = json.loads(copied.run("registry", "compare", "tiny:1", "tiny:2", "--json").stdout)
    assert compared["images"]["mcnemar"]["p"] < 0.01
    assert {"seed", "trainer.max_epochs"} <= {row["key"] for row in compared["config"]}
    # Nor is a busy machine asked how fast they are, and 200 images hardly tell how calibrated.
    off = [f"--without={gate}" for gate in ("calibration", "classes", "latency")]
    promoted = copied.run("registry", "promote", "tiny@candidate", *off)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert copied.aliases()["production"] == 2
    refused = copied.run("registry", "promote", "tiny:1", "--json")
    assert refused.returncode == 3
    answer = json.loads(refused.stdout)
    assert answer["verdict"] == "fail"
    (accuracy,) = [gate for gate in answer["gates"] if gate["name"] == "accuracy"]
    assert "points" in accuracy["figure"]
    assert copied.aliases()["production"] == 2

    assert copied.run("registry", "rollback").returncode == 0
    assert copied.aliases()["production"] == 1
    shown = json.loads(copied.run("registry", "show", "tiny", "--json").stdout)
    moves = [move for move in shown["history"] if move["alias"] == "production"]
    assert [move["version"] for move in moves] == [1, 2, 1]
    verdicts = {gate["name"]: gate["verdict"] for gate in moves[1]["gates"]}
    assert {verdicts.pop(gate) for gate in ("calibration", "classes", "latency")} == {"off"}
    assert set(verdicts.values()) == {"pass"}


@pytest.mark.slow
def test_the_same_run_again_gives_the_same_graph_which_passes(copied):
    # 200 test images cannot tell half a point, but nothing is worse than itself.
    copied.train("run_dir=second")
    answer = copied.run("registry", "promote", "tiny:2", "--json")
    assert answer.returncode == 0, answer.stderr
    gates = {gate["name"]: gate for gate in json.loads(answer.stdout)["gates"]}
    assert gates["accuracy"]["verdict"] == "pass"
    assert gates["accuracy"]["detail"] == "the same graph says the same on 200 images"
    assert copied.aliases() == {"production": 2, "candidate": 2}


def test_predict_answers_for_a_file_and_for_a_folder(trained, tmp_path):
    workplace, _ = trained
    records = [record for record in sample_source().records() if record.split == "test"][::200]
    for index, record in enumerate(records):
        Image.fromarray(record.image).save(tmp_path / f"photo {index}.PNG")
    (tmp_path / "notes.txt").write_text("not an image")
    result = workplace.run("predict", str(tmp_path), "output=json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["model"] == "tiny:1"
    assert len(answer["images"]) == 10
    for image in answer["images"]:
        assert len(image["predictions"]) == 3
    table = workplace.run("predict", str(tmp_path / "photo 0.PNG"), "top=1", "bundle=run")
    assert table.returncode == 0, table.stderr
    assert "photo 0.PNG" in table.stdout


def test_a_file_that_is_no_image_fails_alone(trained, tmp_path):
    workplace, _ = trained
    Image.new("L", (28, 28)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"nothing")
    result = workplace.run("predict", str(tmp_path), "output=json")
    assert result.returncode == 1
    bad, good = json.loads(result.stdout)["images"]
    assert "no image" in bad["error"]
    assert good["predictions"]
    assert "1 of 2 files" in result.stderr


def test_evaluate_repeats_the_figures_of_the_run(trained, tmp_path):
    workplace, summary = trained
    result = workplace.run(
        "evaluate",
        f"data.path={workplace.data}",
        "data.name=tiny",
        f"out={tmp_path}",
        "output=json",
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(summary["accuracy"])
    assert {path.name for path in tmp_path.iterdir()} >= {"report.json", "confusion_matrix.png"}


@pytest.mark.slow
def test_a_multirun_makes_a_version_for_each_value(workplace):
    result = workplace.run("train", "-m", *workplace.training("optimizer.lr=1e-3,3e-3"))
    assert result.returncode == 0, result.stderr
    assert len(list((workplace.path / "runs").iterdir())) == 2
    assert workplace.aliases() == {"production": 1, "candidate": 2}


@pytest.mark.slow
def test_a_profile_says_where_the_time_goes(workplace):
    result = workplace.run(
        "train", *workplace.training("profile=true", "run_dir=run", "trainer.batch_size=16")
    )
    assert result.returncode == 0, result.stderr
    for phase in ("data", "forward", "backward", "optimiser", "logging"):
        assert phase in result.stderr
    trace = json.loads((workplace.path / "run" / "trace.json").read_text())
    assert any("convolution" in event.get("name", "") for event in trace["traceEvents"])
