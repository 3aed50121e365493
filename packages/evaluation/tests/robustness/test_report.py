import json

import pytest
from mlopsproj_evaluation import measure_robustness
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import Signal
from mlopsproj_evaluation.robustness.report import robustness_document
from mlopsproj_evaluation.robustness.shifts import Shifts


@pytest.fixture(scope="module")
def told(graph, make_images):
    """What was measured, and what is told of it."""
    shifts = Shifts()
    robustness = measure_robustness(graph.run, make_images(60), observe=shifts.observe)
    return robustness, json.loads(json.dumps(robustness_document(robustness, shifts)))


def test_figures_are_those_that_were_measured(told):
    robustness, document = told
    assert document["images"] == 60
    assert document["corruption_accuracy"] == robustness.accuracy.model_dump()
    assert document["clean_accuracy"] == robustness.clean_accuracy.model_dump()
    means = [figure["value"] for figure in document["by_severity"]]
    assert means == [figure.value for figure in robustness.by_severity.values()]


def test_every_corruption_has_its_row(told):
    robustness, document = told
    assert [row["name"] for row in document["corruptions"]] == list(CORRUPTIONS)
    for row in document["corruptions"]:
        assert row["accuracy"] == robustness.by_corruption[row["name"]].model_dump()
        assert len(row["by_severity"]) == 5
        assert set(row["shifts"]) == {signal.value for signal in Signal}
        assert all(len(distances) == 5 for distances in row["shifts"].values())
        assert set(row["seen_from"].values()) <= {1, 2, 3, 4, 5}
        assert row["meaning"] == CORRUPTIONS[row["name"]].meaning
        assert set(row["signals"]) <= set(row["shifts"])


def test_a_severity_that_no_image_met_is_null(graph, make_images):
    shifts = Shifts()
    robustness = measure_robustness(
        graph.run, make_images(60), most_images=1, observe=shifts.observe
    )
    rows = robustness_document(robustness, shifts)["corruptions"]
    assert all(sum(figure is not None for figure in row["by_severity"]) == 1 for row in rows)
