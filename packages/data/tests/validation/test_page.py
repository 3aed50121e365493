"""The page is whole by itself, shows pairs side by side, and takes no name for markup."""

import html.parser
import shutil
import subprocess

import numpy as np
import pytest
from mlopsproj_data.records import Record
from mlopsproj_data.validation.findings import Finding, Offender, Report, Severity
from mlopsproj_data.validation.page import page

HOSTILE = "\"><script>alert(1)</script>' onerror=alert(1) {{ 7 * 7 }} \N{HEBREW LETTER ALEF}.png"
VOID = {"meta", "img", "br"}


class Outline(html.parser.HTMLParser):
    """Elements with their attributes, the text, and whether all is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def source(make_source):
    """Forty pictures, and one that cannot be shown."""
    images = [np.full((20, 20), shade, np.uint8) for shade in range(40)]
    return make_source(records=[Record(i, 0, None, None, "") for i in [*images, b"nothing"]])


def report(*findings, name="pets", **counts):
    shown = {
        label: dict(zip(("train", "validation", "test", "unusable"), numbers, strict=True))
        for label, numbers in (counts or {"cat": (30, 4, 6, 1)}).items()
    }
    return Report(name, "class folders", shown, findings)


def found(*rows, severity=Severity.warning, ending=".png", **more):
    offenders = tuple(Offender(f"{i}{ending}", f"detail {i}", each) for i, each in enumerate(rows))
    return Finding("a check", severity, "What is wrong: mend.", offenders, **more)


def test_nothing_found_is_said(source):
    outline = Outline(page(report(), source))
    assert "Ready to train on: nothing was found" in outline.text
    assert outline.attributes("article") == []


def test_the_verdict_goes_by_the_worst(source):
    assert "Ready to train on, with warnings" in page(report(found((1,))), source)
    worse = report(found((1,), severity=Severity.error), found((2,)))
    assert "Training refuses this data" in page(worse, source)


def test_it_needs_no_other_host_and_no_script(source):
    outline = Outline(page(report(found((0, 1), (2,))), source))
    names = {tag for tag, _ in outline.elements}
    assert names.isdisjoint({"script", "link", "iframe", "object", "base", "form"})
    (policy,) = [each for each in outline.attributes("meta") if "http-equiv" in each]
    assert policy["content"].startswith("default-src 'none'; img-src data:;")
    assert all(each["src"].startswith("data:image/") for each in outline.attributes("img"))
    assert all("src" not in each for tag, each in outline.elements if tag != "img")


def test_names_are_text_wherever_they_stand(source):
    hostile = report(found((0,), (), ending=HOSTILE), name=HOSTILE, **{HOSTILE: (1, 0, 0, 0)})
    outline = Outline(page(hostile, source))
    assert outline.text.count(HOSTILE) >= 5
    assert not outline.attributes("script")
    assert all("onerror" not in attributes for _, attributes in outline.elements)


def test_a_pair_stands_side_by_side_under_one_caption(source):
    outline = Outline(page(report(found((0, 1), (2, 3))), source))
    assert len(outline.attributes("figure")) == 2
    assert len(outline.attributes("img")) == 4
    assert "1.png detail 1" in outline.text


def test_what_cannot_be_shown_has_a_place_beside_the_other(source):
    outline = Outline(page(report(found((0, 40))), source))
    assert len(outline.attributes("img")) == 1
    assert outline.text.count("cannot be shown") == 1


def test_findings_without_a_picture_are_listed_openly(source):
    outline = Outline(page(report(found((40,), (99,))), source))
    assert outline.attributes("figure") == outline.attributes("img") == []
    assert "open" in outline.attributes("details")[0]
    assert "0.png" in outline.text


def test_many_offenders_are_pictured_and_named_in_part(source):
    outline = Outline(page(report(found(*((i % 40,) for i in range(1500)))), source))
    assert len(outline.attributes("img")) == 24
    assert "The first 200 of 1,500 by name" in outline.text
    assert "open" not in outline.attributes("details")[0]


def test_many_copies_of_one_image_are_pictured_in_part(source):
    outline = Outline(page(report(found(tuple(range(30)))), source))
    assert len(outline.attributes("img")) == 4
    assert "and 26 more" in outline.text


def test_errors_say_what_dropping_does(source):
    error = Severity.error
    text = page(report(found((1,), severity=error, dropped=(1,))), source)
    assert "leaves out 1 image." in text
    assert "goes on without" in page(report(found((1,), severity=error)), source)
    fatal = found((1,), severity=error, droppable=False)
    assert "does not mend" in page(report(fatal), source)


def test_classes_are_counted_by_split(source):
    outline = Outline(page(report(cat=(1200, 100, 200, 0), dog=(10, 0, 5, 2)), source))
    assert "cat 1,200 100 200 0 1,500" in outline.text
    assert "1,517 images" in outline.text
    widths = [each.get("style") for tag, each in outline.elements if tag == "span"]
    assert "width: 80.00%" in widths


def test_an_empty_source_has_a_page(make_source):
    assert "Images by class and split" in page(Report("none", "", {}, ()), make_source())


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_it(source, tmp_path):
    """Chromium lays the page out and runs nothing that a name says."""
    path = tmp_path / "page.html"
    text = page(report(found((0, 1), ending=HOSTILE)), source)
    path.write_text(text, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
    flags += ["--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [shutil.which("chromium"), *flags, "--dump-dom", path.as_uri()],
        capture_output=True,
        check=True,
        timeout=60,
    )
    outline = Outline(done.stdout.decode())
    assert len(outline.attributes("img")) == 2
    assert not outline.attributes("script")
