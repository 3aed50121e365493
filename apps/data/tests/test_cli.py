"""The command as a user runs it; where many calls are needed, inside this process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlopsproj_data.sources.fashion_mnist import SAMPLE_PER_CLASS

COMMAND = Path(sys.executable).parent / "data"
HEAVY = ("numpy", "PIL", "pyarrow", "rich", "torch")
COMMANDS = ("validate", "prepare", "stats", "sample", "select", "label")


def spoil(photos):
    """Three files that training refuses."""
    (photos / "bright" / "empty.png").write_bytes(b"")
    (photos / "bright" / "letter.png").write_bytes(b"Dear Sir or Madam")
    whole = (photos / "dark" / "000.png").read_bytes()
    (photos / "dark" / "cut.png").write_bytes(whole[: len(whole) // 2])


def test_validate_a_clean_folder(run_process, photos, tmp_path):
    ended = run_process("validate", "photos")
    assert (ended.code, ended.err) == (0, "")
    assert "photos: class folders" in ended.out
    assert "Nothing is wrong." in ended.out
    assert "next    uv run train data.path=photos\n" in ended.out
    folder = tmp_path / "validation" / "photos"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["valid"]
    counts = {name: sum(each.values()) for name, each in report["counts"].items()}
    assert counts == {"bright": 40, "dark": 40}
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")


def test_validate_a_folder_with_errors(run_process, photos, tmp_path):
    spoil(photos)
    ended = run_process("validate", "photos", "--out", "report")
    assert ended.code == 3
    for text in ("zero bytes", "unreadable", "truncated", "empty.png", "data.drop_invalid=true"):
        assert text in ended.out
    assert ended.err.splitlines()[-1].startswith("error: photos is not fit for training (")
    assert "data.drop_invalid=true" in ended.err
    assert "Traceback" not in ended.err
    assert not json.loads((tmp_path / "report" / "report.json").read_text())["valid"]
    assert not (tmp_path / "validation").exists()


def test_validate_as_json(run, photos, tmp_path):
    spoil(photos)
    ended = run("validate", "photos", "--json")
    assert ended.code == 3
    report = json.loads(ended.out)
    assert report == json.loads((tmp_path / "validation/photos/report.json").read_text())
    assert {each["check"]: each["count"] for each in report["findings"]} == {
        "truncated": 1,
        "unreadable": 1,
        "zero bytes": 1,
    }


def test_a_warning_ends_with_0(run, photos):
    (photos / "dark" / "copy.png").write_bytes((photos / "dark" / "000.png").read_bytes())
    ended = run("validate", "photos", "--json")
    assert (ended.code, ended.err) == (0, "")
    (found,) = json.loads(ended.out)["findings"]
    assert (found["check"], found["severity"]) == ("duplicates", "warning")


def test_what_dropping_does_not_mend_is_not_promised_to(run, photos):
    for path in (photos / "dark").iterdir():
        path.write_bytes(b"")
    ended = run("validate", "photos")
    assert ended.code == 3
    assert "drop_invalid" not in ended.out + ended.err
    assert "next" not in ended.out


def test_prepare(run, photos):
    first = run("prepare", "photos", "--image-size", "16", "--name", "mine")
    assert first.code == 0, first.err
    for text in ("mine: 2 classes, 16 x 16 x 3", "dropped  none", "(prepared now)"):
        assert text in first.out
    assert "next     uv run train data.path=photos data.name=mine data.image_size=16" in first.out
    second = run("prepare", "photos", "--image-size", "16", "--name", "mine")
    assert "(found prepared, nothing changed)" in second.out


def test_prepare_as_json(run, photos, write_photos, tmp_path):
    answer = json.loads(run("prepare", "photos", "--json").out)
    assert sum(answer["counts"].values()) == 80
    assert not answer["reused"]
    assert (tmp_path / answer["folder"] / "dataset.json").exists()
    again = json.loads(run("prepare", "photos", "--json").out)
    assert again == {**answer, "reused": True}
    write_photos(photos, each=41, seed=1)
    changed = json.loads(run("prepare", "photos", "--json").out)
    assert not changed["reused"]
    assert sum(changed["counts"].values()) == 82


def test_prepare_refuses_errors_and_drops_them_when_told_to(run, photos):
    spoil(photos)
    refused = run("prepare", "photos")
    assert (refused.code, refused.out) == (3, "")
    assert "--drop-invalid" in refused.err
    assert "empty.png" in refused.err
    dropped = run("prepare", "photos", "--drop-invalid", "--json")
    assert dropped.code == 0, dropped.err
    answer = json.loads(dropped.out)
    assert sum(answer["counts"].values()) == 80
    assert sum(answer["dropped"].values()) == 3
    assert answer["next_command"].endswith("data.drop_invalid=true")


def test_stats(run, photos, tmp_path):
    ended = run("stats", "photos")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("card  cards/photos/card.md\n".replace("/", os.sep))
    assert "uv run train data.path=photos" in ended.out
    card = (tmp_path / "cards" / "photos" / "card.md").read_text(encoding="utf-8")
    assert "80 images of 2 classes" in card
    assert (tmp_path / "cards" / "photos" / "contact_sheet.png").stat().st_size > 1000


def test_stats_as_json(run, photos, tmp_path):
    facts = json.loads(run("stats", "photos", "--out", "card", "--json").out)
    assert (tmp_path / facts["card"]).parent == tmp_path / "card"
    assert sum(facts["counts"].values()) == 80
    assert facts["formats"] == {"PNG": 80}


def test_sample(run, tmp_path):
    ended = run("sample", "my photos")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "my photos holds 12,000 training and 2,000 test images.",
        "T-shirt/top lies in T-shirt-top.",
        "next  uv run data validate 'my photos'",
    ]
    for split, count in SAMPLE_PER_CLASS.items():
        assert len(list((tmp_path / "my photos" / split / "Bag").iterdir())) == count
    again = run("sample", "my photos")
    assert (again.code, again.out) == (2, "")
    assert "is not empty" in again.err


def test_without_a_path_the_sample_is_meant(run):
    answer = json.loads(run("prepare", "--json").out)
    assert (answer["name"], answer["next_command"]) == ("fashion-mnist", "uv run train")


@pytest.mark.parametrize("command", ["validate", "prepare", "stats"])
@pytest.mark.parametrize(
    "wrong",
    [
        (("nowhere",), 1, "nowhere does not exist"),
        (("photos", "--image-size", "3"), 2, "--image-size=3"),
        (("photos", "--channels", "2"), 2, "--channels=2"),
        (("photos", "--name", "Not A Name"), 2, "--name='Not A Name'"),
        (("photos", "--validation-fraction", "1"), 2, "--validation-fraction=1.0"),
        (("photos", "--image-size", "big"), 2, "--image-size"),
        (("photos", "--source", "video"), 2, "--source"),
        (("photos", "more"), 2, "more"),
        (("photos", "--no-such-flag"), 2, "--no-such-flag"),
        (("",), 2, "PATH is empty"),
    ],
)
def test_bad_input_is_told_once(run, photos, tmp_path, command, wrong):
    arguments, code, told = wrong
    before = sorted(tmp_path.rglob("*"))
    ended = run(command, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert ended.err.lower().count("error: ") == 1
    assert "Traceback" not in ended.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["validate", "stats"])
def test_a_report_that_cannot_be_written_is_told(run, photos, tmp_path, command):
    (tmp_path / "file").write_text("mine")
    ended = run(command, "photos", "--out", "file/report")
    assert (ended.code, ended.out) == (1, "")
    assert "another folder" in ended.err
    assert str(Path("file", "report")) in ended.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_tells_what_a_command_does(run, command):
    ended = run(*command.split(), "--help")
    assert ended.code == 0
    assert "Usage:" in ended.out
    assert "..." not in ended.out.replace("[ARGS]...", "")  # nothing is cut
    assert not command or f"Example: data {command}" in ended.out


def test_help_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; sys.argv = ['data', 'validate', '--help']\n"
        "from mlopsproj_data_cli.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def test_no_command_loads_torch(photos, tmp_path):
    code = (
        "import sys\n"
        "from mlopsproj_data_cli.cli import app\n"
        "for command in ('validate', 'prepare', 'stats'):\n"
        "    app([command, 'photos'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'pytorch_lightning') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent there")
def test_an_interruption_leaves_no_half_of_a_sample(tmp_path):
    process = subprocess.Popen(
        [COMMAND, "sample", "photos"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while not list(tmp_path.rglob("*.png")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
