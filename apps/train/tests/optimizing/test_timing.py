from types import SimpleNamespace

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.optimizing import timing
from mlopsproj_train.optimizing.config import TimingConfig
from mlopsproj_train.optimizing.timing import Case, overall, slower_at, usable_threads


def case(batch=8, **seconds):
    """The parent takes a second for each inference, the others what is given."""
    return Case(batch, 1, {name: ([value] * 15, [1.0] * 15) for name, value in seconds.items()})


def test_a_speedup_is_how_often_the_parents_time_holds_its_own():
    found = case(v=0.5)
    assert found.speedup("v").median == pytest.approx(2)
    assert found.images_per_second("v") == pytest.approx(16)
    assert found.title == "8 on 1"
    assert found.speedup_over_eager("v") is None


def test_eager_pytorch_is_held_against_the_parent_too():
    found = case(**{"v": 0.5, "torch-eager": 2.0}).speedup_over_eager("v")
    assert (found.low, found.median, found.high) == pytest.approx((4, 4, 4))
    uneven = Case(
        1,
        1,
        {
            "v": ([0.5] * 15, [1.0] * 15),
            "torch-eager": ([2.0, 4.0] * 10, [1.0] * 20),
        },
    )
    found = uneven.speedup_over_eager("v")
    assert found.low == pytest.approx(4)
    assert found.high == pytest.approx(8)
    assert found.rounds == 15


def test_all_cases_together_are_a_geometric_mean():
    found = overall([case(v=1.0), case(v=0.25)], "v")
    assert (found.median, found.low, found.high) == pytest.approx((2, 2, 2))
    assert found.rounds == 30


def test_where_a_variant_is_slower_is_told():
    cases = [case(batch=1, v=1.5), case(batch=8, v=0.5), case(batch=32, v=0.25)]
    assert overall(cases, "v").low > 1
    assert slower_at(cases, "v") == ("1 on 1",)


def test_too_few_rounds_show_nothing():
    found = overall([Case(1, 1, {"v": ([1.0], [2.0])})], "v")
    assert (found.low, found.median) == (0, pytest.approx(2))


class Graph:
    """Counts, and takes no time; some other takes long."""

    def __init__(self, order, name):
        self.order, self.name = order, name

    def __call__(self):
        self.order.append(self.name)


def test_pytorch_has_rounds_of_its_own_with_pauses(monkeypatch):
    order = []
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: order.append("pause"))
    ours, theirs = timing._with_pauses(
        Graph(order, "torch"), Graph(order, "graph"), TimingConfig(rounds=16, seconds=60.0)
    )
    assert len(ours) == len(theirs) == 16
    # Once to warm up; then each runs warm, after a pause.
    assert order == ["graph", *["pause", "torch", "torch", "pause", "graph", "graph"] * 16]


def test_few_variants_are_timed_at_once_each_time_beside_the_parent(monkeypatch):
    seen = []

    def rounds(runs):
        seen.append(list(runs))
        while True:
            yield dict.fromkeys(runs, 0.001)

    names = ["fp32", *(f"v{number}" for number in range(9))]
    workshop = SimpleNamespace(
        standing=names, config=SimpleNamespace(timing=TimingConfig(rounds=20, seconds=0.01))
    )
    monkeypatch.setattr(timing, "each_round", rounds)
    monkeypatch.setattr(timing, "_graph_run", lambda *_: None)
    found = timing._time_graphs(workshop, None, 1)
    assert list(found) == names
    assert [len(group) for group in seen] == [5, 5, 2]
    assert all(group[0] == "fp32" for group in seen)
    assert all(15 <= len(own) == len(parent) <= 20 for own, parent in found.values())


def test_no_more_threads_are_timed_than_there_are_cores(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_threads(TimingConfig(threads=(1, 64))) == [1]
    assert "not timed on [64] threads" in caplog.text
    with pytest.raises(ConfigError, match=r"timing.threads=\[64\]"):
        usable_threads(TimingConfig(threads=(64,)))
