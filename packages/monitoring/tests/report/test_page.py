"""The page of a check: whole, safe, and with everything that a person asks for."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference
from mlopsproj_monitoring.report.page import report_page
from mlopsproj_records import uuid7
from mlopsproj_records.drift_history import DriftCheckRecord


class Page(HTMLParser):
    """Text and attributes as a browser reads them; fails on a tag that is not closed."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, text):
        super().__init__()
        self.texts, self.sources, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())

    @property
    def text(self):
        return " ".join(text for text in self.texts if text)


def past(check, hours):
    return DriftCheckRecord(
        id=str(uuid7()),
        time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours),
        model="animals",
        version=3,
        verdict=check.verdict,
        p_value=check.p_value,
        images=check.images,
        since=None,
        until=None,
        document=check.to_document(),
    )


def test_a_drift_is_told_with_what_changed_and_its_figures(reference, detector, dark_window):
    check = detector.check(dark_window)
    assert check.verdict == "drift"
    page = Page(report_page(check, reference=reference, rows=dark_window, version=3))
    assert "animals , version 3" in page.text
    assert check.changed[0] in page.text
    assert "brightness fell" in page.text
    assert len(page.sources) == 2  # distributions and classes; no history
    for result in check.detectors:
        assert result.name.replace("_", " ") in page.text


def test_nothing_is_loaded_from_elsewhere(reference, detector, dark_window):
    text = report_page(
        detector.check(dark_window),
        reference=reference,
        rows=dark_window,
        version=3,
        history=[past(detector.check(dark_window), hours) for hours in range(3)],
    )
    sources = Page(text).sources
    assert len(sources) == 3
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text


def test_names_and_notes_are_no_markup(reference, detector, dark_window):
    check = replace(
        detector.check(dark_window),
        notes=("<script>alert(1)</script>",),
        changed=("<i>darker</i>",),
    )
    hostile = Reference("<img src=x>", reference.classes, reference.sample)
    page = Page(report_page(check, reference=hostile, rows=None, version=3))
    assert "<script>alert(1)</script>" in page.text
    assert "<img src=x>" in page.text
    assert "x" not in page.sources


def test_an_empty_window_is_told_without_figures(reference, detector):
    check = detector.check(detector.accumulator())
    page = Page(report_page(check, reference=reference, rows=None, version=3))
    assert "Not enough data" in page.text
    assert page.sources == []


def test_a_history_without_any_verdict_is_drawn(reference, detector):
    check = detector.check(detector.accumulator())
    text = report_page(check, reference=reference, rows=None, version=3, history=[past(check, 0)])
    assert len(Page(text).sources) == 1


def test_numbers_that_are_not_known_are_left_out_of_the_figures(reference, detector, dark_window):
    unknown = {name: np.full(len(dark_window), np.nan) for name in dark_window.statistics}
    rows = replace(dark_window, statistics=unknown)
    check = detector.check(rows)
    assert len(Page(report_page(check, reference=reference, rows=rows, version=3)).sources) == 2


@pytest.mark.parametrize("classes", [2, 1000])
def test_any_number_of_classes_is_drawn(classes, make_images):
    generator = np.random.default_rng(2)
    names = tuple(f"class number {number}" for number in range(classes))
    reference = Reference("many", names, make_images(generator, 200, classes=classes))
    window = make_images(generator, 150, classes=classes)
    check = DriftDetector(reference, DriftConfig(draws=1000)).check(window)
    assert len(Page(report_page(check, reference=reference, rows=window, version=1)).sources) == 2
