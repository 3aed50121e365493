import json
import sys
from dataclasses import replace

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.config import EvaluateConfig, Output
from mlopsproj_train.judging import _file_name, judge_model


@pytest.fixture
def evaluation(trained, tmp_path):
    """Of the shared run's production version on its own data."""
    return EvaluateConfig(
        bundle="tiny:1",
        data=trained.config.data,
        registry=trained.registry.url,
        out=str(tmp_path / "out"),
    )


def test_repeats_the_figures_of_the_run(evaluation, trained, tmp_path, capsys):
    report = judge_model(evaluation)
    assert report.metrics["accuracy"].value == pytest.approx(trained.summary.accuracy)
    assert report.images == trained.summary.test_images
    out, _ = capsys.readouterr()
    assert "tiny:1 on 48 test images of tiny" in out
    assert f"figures and report.json: {tmp_path / 'out'}" in out
    for row in report.per_class:
        assert row.name in out
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["metrics"]["accuracy"]["value"] == report.metrics["accuracy"].value
    assert (tmp_path / "out" / "confusion_matrix.png").stat().st_size > 1000


def test_json_is_one_document(evaluation, tiny_dataset, tmp_path, capsys):
    judge_model(replace(evaluation, output=Output.json))
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((tmp_path / "out" / "report.json").read_text())
    told = [document[key] for key in ("model", "data", "data_fingerprint", "split")]
    assert told == ["tiny:1", "tiny", tiny_dataset.fingerprint, "test"]


def test_another_split(evaluation, tiny_dataset):
    report = judge_model(replace(evaluation, split="validation"))
    assert report.images == tiny_dataset.counts["validation"]


def test_an_unknown_split_is_refused_before_the_model_is_looked_for(evaluation):
    with pytest.raises(ConfigError, match=r"split=tset: give train, validation, test\."):
        judge_model(replace(evaluation, split="tset", bundle="no/such/folder"))


def test_the_folder_is_named_after_the_bundle_the_data_and_the_split(
    evaluation, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    judge_model(replace(evaluation, out=None))
    judge_model(replace(evaluation, out=None, split="validation"))
    folders = sorted((tmp_path / "evaluations").iterdir())
    assert [path.name for path in folders] == ["tiny-1-tiny-test", "tiny-1-tiny-validation"]
    assert all((path / "report.json").exists() for path in folders)
    assert _file_name("/runs/2026-01-31_12-00-00/bundle") == "runs-2026-01-31_12-00-00-bundle"
    assert _file_name("C:\\runs\\1\\bundle") == "C-runs-1-bundle"


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_judged(evaluation, tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"out=.*file.* cannot be made"):
            judge_model(replace(evaluation, out=str(out)))


def test_data_of_another_shape_are_refused(evaluation, trained):
    data = replace(trained.config.data, image_size=20)
    with pytest.raises(ConfigError, match=r"28 x 28 pixels.*of tiny are of 20 x 20.*data\.path="):
        judge_model(replace(evaluation, data=data))


def test_the_command_takes_settings(trained, tmp_path, monkeypatch, capsys):
    from mlopsproj_train import evaluate

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPSPROJ_CONFIG_DIR", raising=False)
    data = trained.config.data
    settings = [
        f"bundle={trained.folder.path}",
        "data.source=idx",
        f"data.path={data.path}",
        f"data.prepared_dir={data.prepared_dir}",
        "data.name=tiny",
        "out=here",
        "output=json",
    ]
    monkeypatch.setattr(sys, "argv", ["evaluate", *settings])
    evaluate.main()
    assert json.loads(capsys.readouterr().out)["images"] == 48
    assert (tmp_path / "here" / "report.json").exists()
