import time

from mlopsproj_serving.process.signals import SAME_SECONDS, EndingSignals


def test_what_follows_at_once_is_the_same_and_what_follows_later_is_another(monkeypatch):
    signals, now = EndingSignals(), 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert signals.hear() == "first"
    now += SAME_SECONDS * 0.9
    assert [signals.hear(), signals.hear()] == ["same", "same"]
    now += SAME_SECONDS * 0.2
    assert signals.hear() == "second"
