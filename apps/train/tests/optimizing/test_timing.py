import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.optimizing.config import TimingConfig
from mlopsproj_train.optimizing.timing import Case, overall, usable_threads


def test_a_speedup_is_how_often_the_others_time_holds_its_own():
    case = Case(8, 1, {"fp32": [2.0] * 9, "v": [1.0] * 9})
    assert case.speedup("v").median == pytest.approx(2)
    assert case.speedup("fp32", over="v").median == pytest.approx(0.5)
    assert case.images_per_second("v") == pytest.approx(8)
    assert case.title == "8 on 1"


def test_all_cases_together_are_a_geometric_mean():
    cases = [
        Case(1, 1, {"fp32": [1.0] * 9, "v": [1.0] * 9}),
        Case(32, 1, {"fp32": [4.0] * 9, "v": [1.0] * 9}),
    ]
    found = overall(cases, "v")
    assert (found.median, found.low, found.high) == pytest.approx((2, 2, 2))
    assert found.rounds == 18


def test_too_few_rounds_show_nothing():
    found = overall([Case(1, 1, {"fp32": [2.0], "v": [1.0]})], "v")
    assert (found.low, found.median) == (0, pytest.approx(2))


def test_no_more_threads_are_timed_than_there_are_cores(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_threads(TimingConfig(threads=(1, 64))) == [1]
    assert "not timed on [64] threads" in caplog.text
    with pytest.raises(ConfigError, match=r"timing.threads=\[64\]"):
        usable_threads(TimingConfig(threads=(64,)))
