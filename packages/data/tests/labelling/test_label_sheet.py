import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.labelling.candidates import Candidate
from mlopsproj_data.labelling.label_sheet import write_label_sheet
from mlopsproj_data.labelling.selection import UNCERTAIN, Selected


def selected(name: str) -> Selected:
    time = datetime(2026, 11, 1, tzinfo=UTC)
    candidate = Candidate(f"id-{name}", time, name, "url", 0.1, 0.0, np.zeros(2, np.float16))
    return Selected(candidate, UNCERTAIN, 0.987, 1.0)


@pytest.fixture
def sheet(tmp_path):
    """Of three predictions, of which one's image is gone."""
    images = {"b": "it is gone"}
    for name in ("a", "c"):
        images[name] = tmp_path / f"{name}.png"
        images[name].write_text(name)
    chosen = [selected(name) for name in "cab"]

    def write(folder, first="<i>cat</i>"):
        answers = {f"id-{name}": ((first, 0.55), ("dog", 0.45)) for name in "abc"}
        return write_label_sheet(chosen, images, answers, folder, title="2 of made:1")

    return write


def test_a_person_finds_images_a_table_and_a_page(sheet, tmp_path):
    written = sheet(tmp_path / "out")
    assert (written.images, written.left_out) == (2, {"id-b": "it is gone"})
    assert written.table.read_bytes().startswith(b"\xef\xbb\xbf")
    with written.table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["prediction_id"] for row in rows] == ["id-c", "id-a"]
    assert [(written.path / row["image"]).read_text() for row in rows] == ["c", "a"]
    assert {row["label"] for row in rows} == {""}
    assert rows[0]["reason"] == "uncertain: more so than 98.7% of the log"
    page = written.page.read_text(encoding="utf-8")
    for row in rows:
        assert f'src="{row["image"]}"' in page
    assert "&lt;i&gt;cat" in page
    assert "<i>cat" not in page
    assert "://" not in page


def test_a_spreadsheet_program_takes_no_class_for_a_formula(sheet, tmp_path):
    for number, name in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a=1")):
        written = sheet(tmp_path / str(number), name)
        with written.table.open(newline="", encoding="utf-8-sig") as file:
            shown = [row["predicted"] for row in csv.DictReader(file)]
        assert shown == [name if name == "a=1" else f"'{name}"] * 2
        assert f"<small>{name} 55.0 %</small>" in written.page.read_text()


def test_the_present_folder_is_refused(sheet, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(DataError, match="is the present folder: name a new one in it"):
        sheet(Path())
    assert not list((tmp_path / "empty").iterdir())


def test_a_folder_that_holds_anything_is_left_alone(sheet, tmp_path):
    (tmp_path / "out").mkdir()
    sheet(tmp_path / "out")
    before = sorted((tmp_path / "out").rglob("*"))
    with pytest.raises(DataError, match="not empty: name another folder"):
        sheet(tmp_path / "out")
    assert sorted((tmp_path / "out").rglob("*")) == before
