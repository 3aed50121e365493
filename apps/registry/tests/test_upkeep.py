"""What nobody needs goes when it is told to; all is copied, and made again from the copy."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.registry import Registry
from mlopsproj_core.store import Store

EVERYTHING = ("--older-than", "0d")


@pytest.fixture
def versions(shop):
    """Four of one model; production points at 1."""
    made = [shop.publish() for _ in range(4)]
    shop.put(made[0])
    return made


def test_what_would_go_is_shown_and_stays(run, shop, versions):
    shown = run("gc", *EVERYTHING)
    assert (shown.code, shown.err) == (0, "")
    first, second, total = shown.out.splitlines()
    assert first.split()[0] == "brightness:2"
    assert "kB  nobody needs it" in second
    assert total.startswith("2 versions, ")
    assert total.endswith("would go. Nothing was removed: that takes --yes.")
    answer = json.loads(run("gc", *EVERYTHING, "--json").out)
    assert [each["version"] for each in answer["garbage"]] == ["brightness:2", "brightness:3"]
    assert not any(each["removed"] for each in answer["garbage"])
    assert answer["bytes"] == sum(each["bytes"] for each in answer["garbage"]) > 0
    assert answer["kept"] == {"brightness:1": "production", "brightness:4": "newest"}
    assert shop.registry.versions("brightness") == [1, 2, 3, 4]


def test_what_nobody_needs_is_removed(run_process, shop, versions):
    gone = run_process("gc", *EVERYTHING, "--yes")
    assert (gone.code, gone.err) == (0, "")
    assert gone.out.count("removed brightness:") == 2
    assert gone.out.splitlines()[-1].endswith(f"removed from {shop.registry.url}.")
    assert shop.registry.versions("brightness") == [1, 4]
    assert run_process("verify").code == 0
    again = run_process("gc", *EVERYTHING, "--yes")
    assert again.out.startswith(f"Nothing in {shop.registry.url} can go: 2 versions, all needed")
    assert "any more, since it was removed" in run_process("show", "brightness:2").err


def test_what_is_removed_is_told_as_json(run, versions):
    answer = json.loads(run("gc", *EVERYTHING, "--yes", "--json").out)
    assert all(each["removed"] for each in answer["garbage"])
    assert [each["kind"] for each in answer["garbage"]] == ["version", "version"]


def test_what_was_removed_before_an_error_is_told_as_json(run, shop, versions, monkeypatch):
    remove = Store.remove

    def remove_until_third(store, path):
        if "versions/3/" in path:
            raise RegistryError("The disk is gone.")
        remove(store, path)

    monkeypatch.setattr(Store, "remove", remove_until_third)
    ended = run("gc", *EVERYTHING, "--yes", "--json")
    assert ended.code == 1
    assert "The disk is gone." in ended.err
    answer = json.loads(ended.out)
    assert [each["removed"] for each in answer["garbage"]] == [True, False]
    assert answer["bytes"] == answer["garbage"][0]["bytes"]


def test_the_young_stay_unless_told_otherwise(run, shop, versions):
    for age in ((), ("--older-than", "1h"), ("--older-than", "2w")):
        assert "Nothing in" in run("gc", "--yes", *age).out
    assert len(shop.registry.versions("brightness")) == 4


@pytest.mark.parametrize("age", ["30", "-1d", "a month", "1.5d", "", "999999w", "800000d"])
def test_an_age_that_is_none_is_a_usage_error(run, age):
    refused = run("gc", f"--older-than={age}")
    assert (refused.code, refused.out) == (2, "")
    assert f"--older-than is {age!r}" in refused.err


def test_a_damaged_alias_protects_its_model_and_is_told(run_process, shop, versions, tmp_path):
    (tmp_path / "models/brightness/aliases/production/9.json").write_text("{")
    result = run_process("gc", *EVERYTHING, "--yes")
    assert result.code == 0
    assert result.err.startswith("warning: ")
    assert "production/9.json" in result.err
    assert len(shop.registry.versions("brightness")) == 4


def test_an_empty_registry(run, tmp_path):
    assert "can go: 0 versions" in run("gc").out
    for arguments in (("backup", "elsewhere"), ("restore", "elsewhere")):
        result = run(*arguments)
        assert (result.code, result.out) == (1, "")
        assert "there is nothing to copy" in result.err
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_is_restored_whole(run_process, shop, versions, tmp_path):
    made = run_process("backup", "backup")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("backup: 4 versions and 1 move of aliases copied (")
    assert made.out.endswith("Next: registry verify --registry backup\n")
    assert "4 versions there already" in run_process("backup", "backup").out
    restored = run_process("restore", "backup", "--registry", "again", "--json")
    answer = json.loads(restored.out)
    assert answer["versions"] == [f"brightness:{number}" for number in (1, 2, 3, 4)]
    assert (answer["source"], answer["target"], answer["left_out"]) == ("backup", "again", {})
    verified = json.loads(run_process("verify", "--registry", "again", "--json").out)
    assert len(verified["verified"]) == 4
    assert Registry(str(tmp_path / "again")).resolve("brightness").number == 1


def test_what_was_left_out_of_a_backup_is_named(run, shop, versions):
    shop.damage(versions[1], "model.onnx")
    result = run("backup", "backup", "--json")
    assert result.code == 1
    assert list(json.loads(result.out)["left_out"]) == ["brightness:2"]
    assert "Left out of backup: brightness:2: brightness/versions/2/model.onnx was ch" in result.err


def test_a_registry_that_holds_more_is_not_restored_into(run, shop, versions):
    run("backup", "backup")
    shop.publish()
    refused = run("restore", "backup")
    assert (refused.code, refused.out) == (1, "")
    assert "brightness/versions/5/claim, which backup does not" in refused.err


def test_a_backup_inside_the_registry_is_a_usage_error(run, versions, tmp_path):
    refused = run("backup", str(tmp_path / "models" / "backup"))
    assert (refused.code, refused.out) == (2, "")
    assert "lie in one another" in refused.err


def test_a_rollback_tells_what_it_passes_over(run_process, shop, versions):
    for version in versions[1:3]:
        shop.put(version)
    shop.damage(versions[1], "model.onnx")
    back = run_process("rollback")
    assert back.code == 0
    assert back.out == "brightness@production points at version 1 again.\n"
    assert "brightness:2 is passed over" in back.err
    assert "model.onnx was changed" in back.err


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_backup_that_is_killed_is_completed_by_the_next(shop, versions, environment, tmp_path):
    command = [Path(sys.executable).parent / "registry", "backup", "backup"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    while process.poll() is None and not list(tmp_path.glob("backup/*/versions/1/*")):
        time.sleep(0.002)
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    process.wait()
    copy = Registry(str(tmp_path / "backup"))
    for version in copy.all_versions():
        copy.verify(version)
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert copy.versions("brightness") == [1, 2, 3, 4]
    for version in copy.all_versions():
        copy.verify(version)


@pytest.mark.parametrize("command", ["gc", "backup", "restore"])
def test_help_tells_what_a_command_does(run, command):
    result = run(command, "--help")
    assert result.code == 0
    assert f"Example: registry {command}" in result.out
    (line,) = [line for line in run("--help").out.splitlines() if line.startswith(f"  {command} ")]
    assert "..." not in line


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_person_at_a_terminal_sees_how_far_it_is(shop, versions, environment, tmp_path):
    import pty

    terminal, theirs = pty.openpty()
    command = [Path(sys.executable).parent / "registry", "backup", "backup", "--json"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={**environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.set_blocking(terminal, False)
    assert b"copying" in os.read(terminal, 100_000)
    os.close(terminal)
    os.close(theirs)
    assert len(json.loads(ended.stdout)["versions"]) == 4
