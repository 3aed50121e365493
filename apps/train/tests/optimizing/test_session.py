import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.errors import GateRefusedError, UndecidedError
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import CANDIDATE, ModelVersion, Registry
from mlopsproj_evaluation import Scores, Verdict
from mlopsproj_train.optimizing import ladder, publication, session
from mlopsproj_train.optimizing.session import optimise

RUNGS = [
    "fp32",
    "folded",
    "int8-dynamic",
    "int8-minmax",
    "int8-mixed",
    "pruned-50",
    "pruned-50-int8",
    "distilled-50",
    "distilled-50-int8",
]


def test_every_variant_is_a_bundle_that_was_judged_on_validation_images(climbed, tiny_dataset):
    validation = tiny_dataset.labelled("validation")
    for name in RUNGS:
        folder = climbed.folder / "rungs" / name / "bundle"
        predictor = Predictor.load(folder)
        manifest = predictor.manifest
        assert manifest.parent == manifest.parity.reference == "tiny:1"
        assert manifest.parity.images == len(validation)
        assert manifest.config["optimisation"]["variant"] == name
        scores = Scores.read(folder / "evaluation.parquet")
        assert scores.ids == validation.ids
        answers = predictor.run(np.asarray(validation.images)).probabilities
        assert answers == pytest.approx(scores.probabilities, abs=1e-3)


def test_the_report_tells_every_variant_and_the_choice(climbed, read_json):
    document = read_json(climbed.folder / "report.json")
    assert document == json.loads(json.dumps(climbed.document))
    assert [variant["name"] for variant in document["variants"]] == RUNGS
    assert all(variant["skipped"] is None for variant in document["variants"])
    baseline, *others = document["variants"]
    assert baseline["comparison"]["lost"] == baseline["comparison"]["gained"] == 0
    by_name = {variant["name"]: variant for variant in others}
    assert by_name["int8-dynamic"]["slower"]
    assert by_name["int8-minmax"]["speedup"]["median"] == pytest.approx(2)
    assert by_name["int8-minmax"]["method"] == "minmax"
    assert by_name["int8-mixed"]["float_layers"]
    assert by_name["pruned-50"]["parameters"] < 0.7
    assert by_name["pruned-50-int8"]["source"] == "pruned-50"
    assert document["machine"]["cores"] >= 1
    assert isinstance(document["machine"]["instruction_sets"], list)
    assert (climbed.folder / "variants.png").read_bytes()[:4] == b"\x89PNG"


def test_the_chosen_one_is_scored_on_test_and_published_beside_its_parent(climbed, tiny_dataset):
    document, registry = climbed.document, climbed.registry
    assert document["choice"]["variant"] == "int8-minmax"
    assert document["published"] == "tiny:2"
    bundle = Bundle.open(registry.fetch(ModelVersion("tiny", 2)))
    bundle.verify()
    test = tiny_dataset.labelled("test")
    assert Scores.read(bundle.path / "evaluation.parquet").ids == test.ids
    assert bundle.manifest.parity.images == len(test)
    assert bundle.manifest.parent == "tiny:1"
    assert bundle.manifest.metrics["accuracy"].value == document["test"]["accuracy"]["value"]
    assert bundle.manifest.config["optimisation"]["speedup"] == pytest.approx(2)
    move = registry.history("tiny", CANDIDATE)[-1]
    assert (move.version, "int8-minmax of tiny:1" in move.reason) == (2, True)
    assert registry.resolve("tiny@production").number == 1


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("rungs/*/bundle/manifest.json")}


@pytest.mark.usefixtures("known_speeds")
def test_what_is_done_is_not_done_again(climbed):
    before = files_of(climbed.folder)
    assert len(before) == len(RUNGS)
    again = optimise(climbed.config, own_data=True)
    assert files_of(climbed.folder) == before
    assert again["published"] == "tiny:2"
    assert climbed.registry.versions("tiny") == [1, 2]


@pytest.mark.usefixtures("known_speeds")
def test_what_was_changed_or_damaged_is_done_again_and_the_rest_is_not(model, tmp_path):
    config = model.config(tmp_path, budget=0.5)
    optimise(config, own_data=True)
    before = files_of(tmp_path)
    damaged = tmp_path / "climb" / "rungs" / "int8-dynamic" / "bundle" / "model.onnx"
    damaged.write_bytes(damaged.read_bytes()[:-10])
    quantisation = replace(config.quantisation, images=16)
    optimise(replace(config, quantisation=quantisation), own_data=True)
    after = files_of(tmp_path)
    changed = {path.parent.parent.name for path, when in after.items() if before[path] != when}
    assert changed == {"int8-dynamic", "int8-minmax", "int8-mixed"}


@pytest.mark.usefixtures("known_speeds")
def test_goes_on_where_it_was_interrupted(model, tmp_path, monkeypatch):
    config = model.config(tmp_path, budget=0.5)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ladder, "quantise_dynamic", interrupt)
        with pytest.raises(KeyboardInterrupt, match="Go on with the same command"):
            optimise(config, own_data=True)
    before = files_of(tmp_path)
    assert {path.parent.parent.name for path in before} == {"fp32", "folded"}
    assert Registry(config.registry).versions("tiny") == [1]
    document = optimise(config, own_data=True)
    after = files_of(tmp_path)
    assert all(after[path] == when for path, when in before.items())
    assert document["choice"]["variant"] == "int8-minmax"


@pytest.mark.usefixtures("known_speeds")
def test_nothing_is_published_without_evidence(model, tmp_path):
    config = model.config(tmp_path, budget=0.001)
    with pytest.raises(UndecidedError, match=r"about [\d,]+ validation images would decide"):
        optimise(config, own_data=True)
    assert (tmp_path / "climb" / "report.json").exists()
    assert Registry(config.registry).versions("tiny") == [1]
    # Unless somebody takes the risk, which the registry then tells.
    document = optimise(replace(config, accept_undecided="it is a test"), own_data=True)
    assert document["choice"]["verdict"] == "undecided"
    move = Registry(config.registry).history("tiny", CANDIDATE)[-1]
    assert move.reason.endswith("undecided, accepted: it is a test")


def test_what_is_slower_is_never_published(model, tmp_path, monkeypatch):
    def slow(workshop):
        pairs = {
            name: ([1.0 if name == "fp32" else 1.5] * 20, [1.0] * 20) for name in workshop.standing
        }
        return [session.Case(1, 1, pairs)], {}

    monkeypatch.setattr(session, "time_variants", slow)
    config = model.config(tmp_path, budget=0.5, accept_undecided="yes")
    with pytest.raises(GateRefusedError, match="every variant is slower"):
        optimise(config, own_data=True)
    assert Registry(config.registry).versions("tiny") == [1]


@pytest.mark.usefixtures("known_speeds")
def test_what_is_shown_to_lose_on_test_is_not_published(model, tmp_path, monkeypatch):
    config = model.config(tmp_path, budget=0.5)
    real = publication.compare

    def loses(candidate, champion, **options):
        return replace(real(candidate, champion, **options), verdict=Verdict.failed)

    monkeypatch.setattr(publication, "compare", loses)
    with pytest.raises(GateRefusedError, match="is not on test"):
        optimise(config, own_data=True)
    assert Registry(config.registry).versions("tiny") == [1]
    document = json.loads((tmp_path / "climb" / "report.json").read_text())
    assert document["published"] is None


@pytest.mark.usefixtures("known_speeds")
def test_a_damaged_version_beside_it_hinders_nobody(model, tmp_path, capsys):
    config = model.config(tmp_path, budget=0.5)
    damaged = tmp_path / "registry" / "tiny" / "versions" / "2"
    damaged.mkdir()
    (damaged / "manifest.json").write_text("{}")
    document = optimise(config, own_data=True)
    assert document["published"] == "tiny:3"
    assert "tiny:2 is passed over" in capsys.readouterr().err


def test_the_same_climb_chooses_the_same_without_timing_again(climbed, monkeypatch):
    def nobody(_):
        raise AssertionError

    monkeypatch.setattr(session, "time_variants", nobody)
    again = optimise(climbed.config, own_data=True)
    assert again == climbed.document


def test_times_variants_for_real(model, tmp_path, capsys):
    timing = replace(model.config(tmp_path).timing, torch=True)
    config = model.config(tmp_path, budget=0.5, timing=timing)
    # What is faster is the machine's business.
    with suppress(GateRefusedError, UndecidedError):
        optimise(config, own_data=True)
    document = json.loads(capsys.readouterr().out)
    for variant in document["variants"]:
        (case,) = variant["cases"]
        assert (case["batch"], case["threads"]) == (1, 1)
        assert case["images_per_second"] > 0
        assert case["speedup"]["rounds"] >= 15 or variant["name"] == "fp32"
    assert document["torch"]["torch-eager"]["cases"][0]["images_per_second"] > 0
    assert "speedup_over_eager" in document["variants"][0]["cases"][0]
