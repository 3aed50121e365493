"""What the gate makes of a measurement; the measurement itself is not asked how long it took."""

import pytest
from mlopsproj_core.bundle import MODEL
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import Absent, latency
from mlopsproj_evaluation.gates.latency import GATE, inference
from mlopsproj_evaluation.latency import Ratio
from small_bundle import GRAPH


@pytest.fixture
def candidate(make_side, make_scores, another_graph):
    return make_side(make_scores(10), name="brightness:2", graph=another_graph)


@pytest.fixture
def champion(make_side, make_scores):
    return make_side(make_scores(10))


@pytest.fixture
def measured(monkeypatch):
    """Answers what each size of batch shall be found to take, and tells what was asked."""
    asked = []

    def answer(*found):
        def decide(ours, theirs, **settings):
            ours(), theirs()
            asked.append(settings)
            verdict, median = found[(len(asked) - 1) % len(found)]
            return verdict, Ratio(median, median - 0.1, median + 0.1, 32)

        monkeypatch.setattr(latency, "decide_ratio", decide)
        return asked

    return answer


@pytest.mark.parametrize(
    ("alone", "many", "expected"),
    [
        (Verdict.passed, Verdict.passed, Verdict.passed),
        (Verdict.passed, Verdict.failed, Verdict.failed),
        (Verdict.passed, Verdict.undecided, Verdict.undecided),
    ],
)
def test_the_worse_of_both_sizes_of_batch_decides(
    contest, candidate, champion, measured, *, alone, many, expected
):
    asked = measured((alone, 0.5), (many, 1.2))
    found = GATE.judge(contest(candidate, champion, latency_ratio=1.3, latency_seconds=2))
    assert (found.verdict, found.limit) == (expected, "at most 1.3 times")
    assert found.figure == (
        "0.50 times (0.40 to 0.60) at batch 1, 1.20 times (1.10 to 1.30) at batch 32"
    )
    assert "timed in turn with brightness:1 here, 32 and 32 rounds" in found.detail
    assert [each["level"] for each in asked] == [0.975, 0.975]
    assert {(each["limit"], each["seconds"]) for each in asked} == {(1.3, 2)}


def test_one_that_is_too_slow_at_batch_1_is_not_timed_any_more(
    contest, candidate, champion, measured
):
    asked = measured((Verdict.failed, 3.0))
    found = GATE.judge(contest(candidate, champion))
    assert (found.verdict, len(asked)) == (Verdict.failed, 1)
    assert found.figure == "3.00 times (2.90 to 3.10) at batch 1"


def test_one_that_is_too_slow_is_told_how_it_is_made_faster(
    contest, candidate, champion, measured, with_manifest
):
    measured((Verdict.failed, 3.0))
    found = GATE.judge(contest(candidate, champion))
    assert "`uv run optimize bundle=brightness:2`" in found.detail
    compressed = with_manifest(candidate, parent="brightness:1")
    assert "optimize" not in GATE.judge(contest(compressed, champion)).detail


def test_what_is_undecided_is_told_how_it_is_decided(contest, candidate, champion, measured):
    measured((Verdict.undecided, 1.2))
    assert "--latency-seconds" in GATE.judge(contest(candidate, champion)).detail


def test_the_same_graph_needs_no_measurement(contest, champion, measured):
    asked = measured((Verdict.failed, 9.0))
    found = GATE.judge(contest(champion, champion))
    assert (found.verdict, found.figure, asked) == (Verdict.passed, "1.00 times", [])


def test_real_graphs_are_timed(contest, candidate, champion):
    """However long they take, it is no more than a million times as long."""
    found = GATE.judge(contest(candidate, champion, latency_ratio=1e6, latency_seconds=60))
    assert found.verdict is Verdict.passed
    assert "16 and 16 rounds" in found.detail


def test_the_first_version_passes_with_its_times(contest, candidate):
    found = GATE.judge(contest(candidate))
    assert found.verdict is Verdict.passed
    assert "ms at batch 1, " in found.figure
    assert found.figure.endswith(" ms at batch 32")


@pytest.fixture
def only_alone(make_side, make_scores):
    """Answers one image, and the two of its probe, but no batch of 32."""
    graph = GRAPH.replace(
        "bright = Mul (mean, scale)",
        """count = Shape <start = 0, end = 1> (image)
    nine = Constant <value_ints = [1, 1, 1, 1, 1, 1, 1, 1, 1]> ()
    found = Gather (nine, count)
    one_of_nine = Cast <to = 1> (found)
    scaled = Mul (mean, scale)
    bright = Mul (scaled, one_of_nine)""",
    )
    return make_side(make_scores(10), name="brightness:3", graph=graph)


def test_a_candidate_that_fails_at_a_batch_is_to_blame_itself(contest, only_alone, champion):
    for against in (champion, None):
        found = GATE.judge(contest(only_alone, against, latency_ratio=1e6))
        assert (found.verdict, found.figure) == (Verdict.failed, "none")
        assert found.detail.startswith(
            "brightness:3 cannot be judged: The graph fails on 32 images"
        )


def test_a_champion_that_fails_at_a_batch_leaves_it_undecided(contest, candidate, only_alone):
    found = GATE.judge(contest(candidate, only_alone, latency_ratio=1e6))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("brightness:3 cannot be timed at batch 32: The graph fails")


def test_a_champion_whose_graph_cannot_be_loaded_is_undecided(contest, candidate, champion):
    (champion.bundle.path / MODEL).write_bytes(b"no graph")
    found = GATE.judge(contest(candidate, champion))
    assert found.verdict is Verdict.undecided
    assert found.detail.startswith("brightness:1 cannot be timed")


def test_against_a_broken_champion_nothing_is_decided(contest, candidate):
    found = GATE.judge(contest(candidate, Absent("brightness:1", "damaged")))
    assert found.verdict is Verdict.undecided
    assert "ms at batch 1" in found.figure


def test_an_inference_is_of_as_many_images_as_are_asked_for(candidate):
    assert [len(inference(candidate)(size)()) for size in (1, 32)] == [1, 32]
