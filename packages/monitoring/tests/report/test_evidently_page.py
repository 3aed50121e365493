"""Evidently's page of the same window; slow where it is installed: importing it takes seconds."""

import pytest
from mlopsproj_core.errors import ConfigError, DataError
from mlopsproj_monitoring.report.evidently_page import write_evidently_page


@pytest.mark.slow
def test_the_page_is_written_whole(tmp_path, reference, dark_window):
    pytest.importorskip("evidently", reason="needs the extra evidently")
    path = tmp_path / "new" / "page.html"
    write_evidently_page(path, reference=reference, rows=dark_window)
    text = path.read_text(encoding="utf-8")
    assert "brightness" in text
    assert "predicted" in text
    assert [each.name for each in path.parent.iterdir()] == ["page.html"]


def test_an_empty_window_is_refused(tmp_path, reference):
    with pytest.raises(DataError, match="window is empty"):
        write_evidently_page(tmp_path / "page.html", reference=reference, rows=None)


def test_without_evidently_the_extra_is_named(tmp_path, reference, dark_window, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "evidently", None)
    with pytest.raises(ConfigError, match="--extra evidently"):
        write_evidently_page(tmp_path / "page.html", reference=reference, rows=dark_window)


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_named(tmp_path, reference, dark_window):
    pytest.importorskip("evidently", reason="needs the extra evidently")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"page\.html cannot be written"):
        write_evidently_page(tmp_path / "file" / "page.html", reference=reference, rows=dark_window)
