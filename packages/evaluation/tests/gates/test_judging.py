import pytest
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.manifest import Parity
from mlopsproj_evaluation import Verdict, judge, overall
from mlopsproj_evaluation.gates import GATES, Absent, GateLimits, Side
from small_bundle import GRAPH

COMPARING = {"accuracy", "classes", "calibration", "robustness", "size", "latency"}


def verdicts(results):
    return {result.name: result.verdict for result in results}


def test_the_first_version_passes_every_gate_in_order(make_bundle, make_scores):
    results = judge(make_bundle(make_scores(200, wrong=range(10))), None)
    assert [result.name for result in results] == ["bundle", *GATES]
    assert set(verdicts(results).values()) == {Verdict.passed}
    assert overall(results) is Verdict.passed
    first = [result.name for result in results if "first version" in result.detail]
    assert set(first) == COMPARING


def test_a_bundle_that_is_not_whole_is_asked_nothing_else(make_bundle, make_scores):
    candidate = make_bundle(make_scores(200))
    (candidate.path / MODEL).write_bytes(b"another graph")
    (result,) = judge(candidate, None)
    assert (result.name, result.verdict) == ("bundle", Verdict.failed)


def test_an_identical_model_is_in_no_gate_s_way(make_bundle, make_scores, make_outcomes):
    outcomes = make_outcomes(500, 600)
    candidate, champion = (
        make_bundle(make_scores(600, wrong=range(60)), robustness=outcomes) for _ in range(2)
    )
    results = judge(candidate, Side.of(champion))
    assert set(verdicts(results).values()) == {Verdict.passed}, results


def test_an_identical_graph_passes_however_few_the_images(
    make_bundle, make_scores, make_outcomes, another_graph
):
    """Also beside the parent, which is the same version."""
    few = {"robustness": make_outcomes(2, 6)}
    parity = Parity(reference="brightness:1", images=6, disagreements=0, max_difference=0.0)
    champion = Side.of(make_bundle(make_scores(6, wrong=[1]), **few), name="brightness:1")
    settings = {"parity": parity, "parent": "brightness:1", **few}
    same, other = (
        make_bundle(make_scores(6, wrong=[1]), graph=graph, **settings)
        for graph in (GRAPH, another_graph)
    )
    limits = GateLimits(without=("latency",))
    results = judge(same, champion, parent=champion, limits=limits)
    assert set(verdicts(results).values()) == {Verdict.passed, Verdict.off}, results
    details = {result.name: result.detail for result in results}
    for name in ("accuracy", "classes", "parity", "robustness", "calibration"):
        assert "the same graph" in details[name]
    found = verdicts(judge(other, champion, parent=champion, limits=limits))
    assert found["accuracy"] is found["classes"] is Verdict.undecided


def test_the_same_graph_that_is_said_to_answer_otherwise_is_compared(make_bundle, make_scores):
    champion = Side.of(make_bundle(make_scores(600)))
    results = judge(make_bundle(make_scores(600, wrong=range(100))), champion)
    assert verdicts(results)["accuracy"] is Verdict.failed


def test_against_a_broken_champion_every_comparing_gate_is_undecided(make_bundle, make_scores):
    results = judge(make_bundle(make_scores(600)), Absent("brightness:1", "it is damaged"))
    undecided = {name for name, verdict in verdicts(results).items() if verdict != "pass"}
    assert undecided == COMPARING
    for result in results:
        if result.name in COMPARING:
            assert result.detail == "brightness:1 cannot be judged: it is damaged"
            assert result.figure


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_may_be_off_and_is_shown(make_bundle, make_scores, gate):
    candidate = make_bundle(make_scores(600), parity=None, counts={"test": 1})
    champion = Absent("brightness:1", "it is damaged")
    results = judge(candidate, champion, limits=GateLimits(without=(gate,)))
    assert [result.name for result in results] == ["bundle", *GATES]
    off = [result.name for result in results if result.verdict is Verdict.off]
    assert off == [gate]


def test_with_all_off_the_bundle_alone_decides(make_bundle, make_scores):
    candidate = make_bundle(make_scores(3), parity=None)
    results = judge(
        candidate, Absent("brightness:1", "damaged"), limits=GateLimits(without=tuple(GATES))
    )
    assert overall(results) is Verdict.passed


def test_the_candidate_is_called_what_it_is(make_bundle, make_scores):
    small = make_bundle(make_scores(3))
    limits = GateLimits(size_ratio=0.5)
    for name, told in (("brightness:7", "brightness:7"), (None, "brightness")):
        results = judge(small, Side.of(small), name=name, limits=limits)
        (size,) = [result for result in results if result.name == "size"]
        assert f"bundle={told}`" in size.detail
