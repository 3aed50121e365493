import json
from dataclasses import replace

import pytest
from mlopsproj_core.predictor import Predictor
from mlopsproj_evaluation import Verdict, compare_robustness, measure_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_train.config import EvaluateConfig, Output
from mlopsproj_train.judging import judge_model

FIGURES = {"accuracy_by_severity.png", "corruptions.png"}


@pytest.fixture
def evaluation(trained, tmp_path):
    """Of the shared run's production version on its own spoilt images."""
    return EvaluateConfig(
        bundle="tiny:1",
        data=trained.config.data,
        registry=trained.registry.url,
        robustness=True,
        out=str(tmp_path / "out"),
    )


def test_a_model_is_as_robust_as_itself(trained, tiny_dataset):
    images = tiny_dataset.labelled("train")
    one, other = (
        measure_robustness(Predictor.load(trained.folder.bundle, threads=threads).run, images)
        for threads in (1, 2)
    )
    found = compare_robustness(one, other, margin=0.1)
    assert found.verdict is Verdict.passed
    assert found.difference == pytest.approx(0, abs=0.01)


def test_the_table_tells_every_corruption(evaluation, tmp_path, capsys):
    judge_model(evaluation)
    out, _ = capsys.readouterr()
    assert "mean corruption accuracy 0." in out
    assert "on 48 images" in out
    lines = out.splitlines()
    for name in CORRUPTIONS:
        assert any(name.replace("_", " ") in line for line in lines)
    assert lines[-1] == f"figures and report.json: {tmp_path / 'out'}"
    assert {path.name for path in (tmp_path / "out").iterdir()} > FIGURES


def test_the_report_holds_it(evaluation, tmp_path, capsys):
    judge_model(replace(evaluation, output=Output.json))
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((tmp_path / "out" / "report.json").read_text())
    told = document["robustness"]
    assert told["images"] == 48
    figures = (told["corruption_accuracy"], told["clean_accuracy"], *told["by_severity"])
    assert all(0 <= each["low"] < each["value"] < each["high"] <= 1 for each in figures)
    assert [row["name"] for row in told["corruptions"]] == list(CORRUPTIONS)


def test_it_is_left_out_unless_asked_for(evaluation, tmp_path, capsys):
    judge_model(replace(evaluation, robustness=False))
    assert "corruption" not in capsys.readouterr().out
    assert not FIGURES & {path.name for path in (tmp_path / "out").iterdir()}
    assert "robustness" not in json.loads((tmp_path / "out" / "report.json").read_text())
