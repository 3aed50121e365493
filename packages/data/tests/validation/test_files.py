"""Real files that cannot be used are told by kind, and names that mislead are found."""

import io
import re
import struct
import zlib
from pathlib import Path

import mlopsproj_data.sources
import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data.examination import examine
from mlopsproj_data.records import Record, SourceIssue
from mlopsproj_data.validation.findings import Severity
from PIL import Image


def encoded(form, mode="RGB", side=64):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form)
    return buffer.getvalue()


def png_of_size(width, height):
    """A PNG file that says to be so large, and ends early."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(10 * (width + 1)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def half(data):
    return data[: len(data) // 2]


FILES = {
    "zero bytes": {"nothing.png": b""},
    "too large": {"bomb.png": png_of_size(30_000, 30_000), "big.png": png_of_size(9000, 9000)},
    "truncated": {
        f"half.{form.lower()}": half(encoded(form)) for form in ("JPEG", "PNG", "BMP", "TIFF")
    },
    "unreadable": {"text.jpg": b"no image", "short.png": b"\x89PNG\r\n\x1a\n\0\0"},
}


@pytest.mark.parametrize(
    "case",
    [(check, name, data) for check, names in FILES.items() for name, data in names.items()],
    ids=[name for names in FILES.values() for name in names],
)
def test_a_file_that_cannot_be_used_is_told_by_kind(healthy, checked, finding, tmp_path, case):
    check, name, data = case
    path = tmp_path / name
    path.write_bytes(data)
    facts = examine([Record(path, 0, None, None, name)], ImageSpec(64, 64, 3))[0].facts
    report = checked([*healthy(), facts])
    found = finding(report, check)
    assert len(report.findings) == 1
    assert (found.severity, found.dropped) == (Severity.error, (80,))
    assert (found.offenders[0].origin, found.offenders[0].detail) == (name, facts["problem"])
    assert report.counts["cat"]["unusable"] == 1


def test_a_file_that_is_gone_is_unreadable(healthy, checked, finding, tmp_path):
    record = Record(tmp_path / "gone.png", 0, None, None, "gone.png")
    facts = examine([record], ImageSpec(64, 64, 3))[0].facts
    assert finding(checked([*healthy(), facts]), "unreadable").dropped == (80,)


@pytest.mark.parametrize(
    ("origin", "form"),
    [
        ("a/b.png", "JPEG"),
        ("a/B.PNG", "JPEG"),
        ("https://example.org/b.png?size=2", "WEBP"),
    ],
)
def test_wrong_extensions_are_a_warning(healthy, checked, finding, origin, form):
    rows = healthy()
    rows[4] |= {"source": origin, "format": form}
    report = checked(rows)
    found = finding(report, "wrong extension")
    assert found.severity is Severity.warning
    assert found.offenders[0].detail == f"{form}, not PNG"
    assert len(report.findings) == 1


@pytest.mark.parametrize(
    ("origin", "form"),
    [
        ("a/b.jpeg", "JPEG"),
        ("a/b.JPG", "MPO"),
        ("a/b.tif", "TIFF"),
        ("a/b.dat", "PNG"),
        ("a/b", "PNG"),
        ("images#12", None),
        ("https://example.org/b.png?size=2.gif", "PNG"),
    ],
)
def test_other_extensions_mislead_nobody(healthy, checked, origin, form):
    rows = healthy()
    rows[4] |= {"source": origin, "format": form}
    assert checked(rows).findings == ()


def test_issues_of_the_source_are_errors_by_kind(healthy, checked, finding):
    issues = (
        SourceIssue("blank label", "labels.csv, line 3", "cat.jpg"),
        SourceIssue("missing file", "labels.csv, line 4", "gone.jpg"),
        SourceIssue("blank label", "labels.csv, line 9", "dog.jpg"),
        SourceIssue("of a new kind", "here", ""),
    )
    report = checked(healthy(), issues=issues)
    assert [item.check for item in report.errors] == [
        "blank label",
        "missing file",
        "of a new kind",
    ]
    found = finding(report, "blank label")
    assert found.droppable
    assert found.dropped == (), "there is no record to leave out"
    assert [each.origin for each in found.offenders] == ["labels.csv, line 3", "labels.csv, line 9"]
    assert "give each row a label" in found.message


def test_every_issue_that_a_source_knows_says_how_to_mend_it(healthy, checked, finding):
    folder = Path(mlopsproj_data.sources.__file__).parent
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    calls = r'(?:SourceIssue\(|_UnusableError\(|_complain\(listing, )"([^"]+)"'
    names = set(re.findall(calls, text))
    assert len(names) > 5
    for name in names:
        report = checked(healthy(), issues=(SourceIssue(name, "here", ""),))
        assert "mend or remove them" not in finding(report, name).message, name
