import pytest
from mlopsproj_core.bundle import MODEL
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import Absent
from mlopsproj_evaluation.gates.size import GATE
from small_bundle import GRAPH

LARGE = GRAPH.replace("brightness (", f"{'b' * 3000} (")
"""The same graph, with a long name."""


@pytest.fixture
def large(make_side, make_scores):
    return make_side(make_scores(10), name="brightness:2", graph=LARGE)


@pytest.fixture
def small(make_side, make_scores):
    return make_side(make_scores(10))


def size(side):
    return (side.bundle.path / MODEL).stat().st_size


def test_the_first_version_passes_with_its_size(large, contest):
    found = GATE.judge(contest(large))
    assert (found.verdict, found.figure) == (Verdict.passed, f"{size(large):,} bytes")
    assert "first version" in found.detail


def test_a_smaller_or_equal_one_passes(large, small, contest):
    for candidate in (small, large):
        found = GATE.judge(contest(candidate, large))
        assert found.verdict is Verdict.passed
        assert found.figure == f"{size(candidate) / size(large):.2f} times"


def test_a_larger_one_fails_and_is_told_how_it_is_made_smaller(large, small, contest):
    found = GATE.judge(contest(large, small))
    assert (found.verdict, found.limit) == (Verdict.failed, "at most 1.25 times")
    assert f"{size(large):,} bytes beside {size(small):,}" in found.detail
    assert "`uv run optimize bundle=brightness:2`" in found.detail


def test_one_that_is_compressed_already_is_not_sent_to_be_compressed(
    large, small, contest, with_manifest
):
    found = GATE.judge(contest(with_manifest(large, parent="brightness:1"), small))
    assert found.verdict is Verdict.failed
    assert "optimize" not in found.detail


def test_the_limit_is_a_ratio(large, small, contest):
    ratio = size(large) / size(small)
    for limit, verdict in ((ratio * 1.001, Verdict.passed), (ratio * 0.999, Verdict.failed)):
        assert GATE.judge(contest(large, small, size_ratio=limit)).verdict is verdict


def test_a_graph_that_is_removed_while_it_is_judged(large, small, contest):
    """By `registry gc`, e.g. in another process."""
    (small.bundle.path / MODEL).unlink()
    found = GATE.judge(contest(large, small))
    assert (found.verdict, found.figure) == (Verdict.undecided, f"{size(large):,} bytes")
    assert found.detail.startswith("brightness:1 cannot be judged: ")
    found = GATE.judge(contest(small, large))
    assert (found.verdict, found.figure) == (Verdict.failed, "none")
    assert "model.onnx is gone" in found.detail


def test_against_a_broken_champion_nothing_is_decided(large, contest):
    found = GATE.judge(contest(large, Absent("brightness:1", "it is damaged")))
    assert (found.verdict, found.figure) == (Verdict.undecided, f"{size(large):,} bytes")
    assert found.detail == "brightness:1 cannot be judged: it is damaged"
