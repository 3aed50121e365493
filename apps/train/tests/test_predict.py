"""The command in this process: its arguments, the files that it finds, and its answers."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from mlopsproj_train import predict
from PIL import Image
from small_bundle import make_small_bundle


@pytest.fixture(autouse=True)
def _bundle(tmp_path, monkeypatch):
    """A bundle that tells dark from bright, in a folder of our own."""
    make_small_bundle(tmp_path / "run" / "bundle")
    monkeypatch.chdir(tmp_path)
    for name in ("MLOPSPROJ_CONFIG_DIR", "MLOPSPROJ_MODEL", "MLOPSPROJ_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def command(run_main):
    """Runs `predict`; exit code, stdout and stderr."""

    def run(*arguments, bundle="run"):
        return run_main(predict.main, *arguments, f"bundle={bundle}")

    return run


@pytest.fixture
def answers(command):
    """What `predict` answers, which must succeed, by file."""

    def run(*arguments):
        code, out, err = command(*arguments, "output=json")
        assert code == 0, err
        document = json.loads(out)
        assert document["model"] == str(Path("run") / "bundle")
        return {image["file"]: image for image in document["images"]}

    return run


def save(path, brightness):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((30, 40), brightness, np.uint8)).save(path, format="PNG")


@pytest.mark.parametrize(
    "name",
    [
        "plain.png",
        "with space.png",
        'it\'s "quoted".png',
        "a=b.png",
        "schöne Grüße 猫.png",
        "${HOME}.png",
        "[1,2]{a:b}.png",
        "no-ending",
    ],
)
def test_a_file_is_found_whatever_its_name(tmp_path, answers, name):
    save(tmp_path / name, 250)
    (image,) = answers(name).values()
    assert image["file"] == name
    assert [item["class"] for item in image["predictions"]] == ["bright", "dark"]
    assert sum(item["probability"] for item in image["predictions"]) == pytest.approx(1, abs=1e-5)
    assert image["ood_score"] == pytest.approx(250 / 255, abs=1e-3)


def test_a_name_that_begins_with_a_dash_stands_behind_two(tmp_path, command, answers):
    save(tmp_path / "-x.png", 5)
    assert list(answers("./-x.png")) == ["-x.png"]
    code, out, _ = command("output=json", "bundle=run", "--", "-x.png", bundle="run")
    assert code == 2  # `bundle=run` after the dashes is a second path
    assert out == ""


def test_the_path_may_be_a_setting_too(tmp_path, answers, command):
    save(tmp_path / "dark.png", 5)
    assert list(answers("path=dark.png")) == ["dark.png"]
    code, _, err = command("dark.png", "path=other.png")
    assert code == 2
    assert "two paths" in err


def test_a_folder_is_searched_for_images(tmp_path, answers):
    for name in ("b.PNG", "a.jpeg", "deep/er/c.webp", "deep/d.tif"):
        save(tmp_path / "photos" / name, 250)
    save(tmp_path / "elsewhere" / "linked.png", 250)
    (tmp_path / "photos" / "folder.png").mkdir()
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "elsewhere" / "linked.png")
    (tmp_path / "photos" / "around").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "shortcut").symlink_to(tmp_path / "photos", target_is_directory=True)
    expected = ["a.jpeg", "b.PNG", "deep/d.tif", "deep/er/c.webp", "link.png"]
    assert list(answers("photos")) == [f"photos/{name}" for name in expected]
    assert list(answers("shortcut")) == [f"shortcut/{name}" for name in expected]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path, answers):
    save(tmp_path / "photos" / "a.png", 5)
    os.mkfifo(tmp_path / "photos" / "pipe.png")
    assert list(answers("photos")) == ["photos/a.png"]


def test_files_that_cannot_be_used_fail_alone(tmp_path, command):
    save(tmp_path / "photos" / "good.png", 5)
    (tmp_path / "photos" / "bad.png").write_bytes(b"nothing")
    (tmp_path / "photos" / "lost.png").symlink_to("nowhere")
    code, out, err = command("photos", "output=json")
    assert code == 1
    by_file = {image["file"]: image for image in json.loads(out)["images"]}
    assert by_file["photos/good.png"]["predictions"][0]["class"] == "dark"
    assert "error" in by_file["photos/bad.png"]
    assert "No such file" in by_file["photos/lost.png"]["error"]
    assert err.endswith("error: 2 of 3 files cannot be used, see above.\n")


def test_the_table_shows_names_as_they_are_and_whole(tmp_path, command):
    name = "photos[old] " + "very " * 30 + "long.png"
    save(tmp_path / "photos" / name, 250)
    (tmp_path / "photos" / "bad.png").write_bytes(b"nothing")
    code, out, _ = command("photos", "top=1")
    assert code == 1
    row = next(line for line in out.splitlines() if "very" in line)
    assert f"photos/{name}" in row
    assert "bright" in row
    assert "dark" not in row


def test_errors_stand_below_the_table(tmp_path, command):
    save(tmp_path / "photos" / "z.png", 250)
    (tmp_path / "photos" / "bad.png").write_bytes(b"nothing")
    _, out, _ = command("photos")
    *table, last = out.splitlines()
    assert last.startswith("photos/bad.png: ")
    assert not any("bad.png" in line for line in table)
    _, out, _ = command("photos/bad.png")
    assert out.startswith("photos/bad.png: ")


def test_top_is_at_most_all_classes(tmp_path, answers):
    save(tmp_path / "a.png", 250)
    assert len(answers("a.png", "top=1")["a.png"]["predictions"]) == 1
    assert len(answers("a.png", "top=50")["a.png"]["predictions"]) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "Nothing to predict"),
        ([""], "Nothing to predict"),
        (["none.png"], "none.png does not exist"),
        (["empty"], "empty holds no image"),
        (["run", "top=0"], "top=0: give 1 or more"),
        (["a.png", "b.png"], "'a.png', 'b.png' are 2 paths"),
    ],
)
def test_what_cannot_be_predicted_is_refused(tmp_path, command, arguments, named):
    (tmp_path / "empty").mkdir()
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert named in err


def test_a_model_that_there_is_not_is_named(tmp_path, command):
    save(tmp_path / "a.png", 5)
    code, _, err = command("a.png", bundle="nothing:1")
    assert code == 1
    assert "There is no nothing:1" in err


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
def test_the_name_of_a_file_gives_no_orders_to_a_terminal(tmp_path, command):
    save(tmp_path / "photos" / "\x1b[2Jgood\n.png", 250)
    (tmp_path / "photos" / "\x1b]0;title\x07bad.png").write_bytes(b"no image")
    _, out, err = command("photos")
    assert r"\x1b[2Jgood\n.png" in out
    assert r"\x1b]0;title\x07bad.png" in out
    assert all(line.isprintable() for line in (out + err).split("\n"))
