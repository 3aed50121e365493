import json
import os
import sys
from pathlib import Path

import pytest
from mlopsproj_train.answers import answer_console, print_json, shown
from rich.table import Table


def test_nothing_is_cut_in_a_pipe_and_names_stay_as_they_are(capsys):
    table = Table("name")
    name = "[red]photos[/old] :smile: " + "long " * 100 + "end"
    table.add_row(name)
    answer_console().print(table)
    assert name in capsys.readouterr().out


def test_on_a_terminal_a_table_is_as_wide_as_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    assert answer_console().width == 40


def test_one_json_document(capsys):
    print_json({"class": "été", "n": [1]})
    assert json.loads(capsys.readouterr().out) == {"class": "été", "n": [1]}


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_unicode_can_be_shown():
    assert shown(Path(os.fsdecode(b"caf\xe9.png"))) == "caf\\xe9.png"
    assert shown(Path("café.png")) == "café.png"
