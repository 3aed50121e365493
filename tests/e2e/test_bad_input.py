"""What goes wrong is told once, clearly, and leaves the registry and earlier runs whole."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from mlopsproj_core import Bundle

pytestmark = pytest.mark.slow

LINUX = sys.platform.startswith("linux")


def assert_refused(result, code, *named):
    """One message that names what is asked for, and no traceback."""
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("error: ") == 1, result.stderr
    for text in named:
        assert text in result.stderr
    assert result.stdout == ""


def version(workplace):
    return workplace.path / "registry" / "tiny" / "versions" / "1"


def change_manifest(workplace, **values):
    path = version(workplace) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_missing_data_folder(workplace):
    result = workplace.run("train", "data.path=photos")
    assert_refused(result, 1, "data.path=photos", "does not exist")
    assert list(workplace.path.iterdir()) == []


def test_a_truncated_idx_file(workplace, tmp_path):
    shutil.copytree(workplace.data, tmp_path / "data")
    file = tmp_path / "data" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1000])
    result = workplace.run("train", f"data.path={tmp_path / 'data'}")
    assert_refused(result, 1, "train-images-idx3-ubyte", "truncated")
    assert not (tmp_path / "runs").exists()


def test_a_corrupted_checkpoint(copied):
    run = copied.path / "run"
    (run / "summary.json").unlink()
    checkpoint = run / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    assert_refused(copied.run("train", "resume=run"), 1, "last.ckpt", "cannot be read")
    assert copied.aliases() == {"production": 1}


@pytest.mark.parametrize("command", [("predict", "."), ("evaluate",)], ids=lambda c: c[0])
def test_a_corrupted_bundle(copied, command):
    shutil.copy(copied.path / "run/figures/worst_mistakes.png", copied.path)
    model = version(copied) / "model.onnx"
    model.write_bytes(model.read_bytes().replace(b"\x3f", b"\x3e", 1))
    assert_refused(copied.run(*command), 1, "model.onnx", "was changed")
    verified = copied.run("registry", "verify")
    assert verified.returncode == 1
    assert "model.onnx" in verified.stdout + verified.stderr


def test_a_bundle_of_a_newer_schema(copied):
    shutil.copy(copied.path / "run/figures/worst_mistakes.png", copied.path)
    change_manifest(copied, schema=99)
    assert_refused(copied.run("predict", "."), 1, "schema 99", "upgrade mlopsproj")


def test_a_bundle_whose_probe_disagrees(copied):
    shutil.copy(copied.path / "run/figures/worst_mistakes.png", copied.path)
    probe = version(copied) / "probe" / "expected.npz"
    with np.load(probe) as file:
        expected = dict(file)
    expected["probabilities"] = np.roll(expected["probabilities"], 1, axis=1)
    np.savez_compressed(probe, **expected)
    bundle = Bundle.open(version(copied))
    digest = subprocess.run(["sha256sum", probe], capture_output=True, text=True, check=True)
    files = {**bundle.manifest.files, "probe/expected.npz": digest.stdout.split()[0]}
    change_manifest(copied, files=files)
    assert_refused(copied.run("predict", "."), 1, "computes otherwise")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not LINUX or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root on Linux may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_while_preparing(workplace, small_disk):
    result = workplace.run("train", f"data.prepared_dir={small_disk}/prepared")
    assert_refused(result, 1, str(small_disk), "free some space")
    # What was done is kept to go on from, hidden: nothing looks like a data set.
    assert [path for path in small_disk.glob("prepared/*") if path.name[0] != "."] == []


def test_a_full_disk_while_publishing(copied, small_disk):
    shutil.copytree(copied.path / "registry", small_disk / "registry")
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 60_000))
    registry = f"registry={small_disk}/registry"
    result = copied.run("train", *copied.training("run_dir=second", registry))
    assert_refused(result, 1, str(small_disk))
    url = str(small_disk / "registry")
    listed = json.loads(copied.run("registry", "list", "--json", "--registry", url).stdout)
    assert listed[0]["aliases"] == {"production": 1}
    assert copied.run("registry", "verify", "--registry", url).returncode == 0

    (small_disk / "filler").unlink()
    resumed = copied.run("train", "resume=second", "output=json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["alias"] == "candidate"
    assert copied.run("registry", "verify", "--registry", url).returncode == 0


def test_runs_at_once_into_one_registry_lose_nothing(workplace):
    count = 3
    arguments = [workplace.training("output=json", f"run_dir=run-{i}") for i in range(count)]
    processes = [workplace.start("train", *each) for each in arguments]
    summaries = []
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        summaries.append(json.loads(out))
    assert sorted(each["version"] for each in summaries) == [1, 2, 3]
    assert sorted(each["alias"] for each in summaries) == ["candidate", "candidate", "production"]
    (first,) = [each["version"] for each in summaries if each["alias"] == "production"]
    assert workplace.aliases()["production"] == first
    assert workplace.run("registry", "verify").returncode == 0


def test_two_runs_at_once_into_one_folder(workplace):
    process = workplace.start(
        "train", *workplace.training("run_dir=run", "trainer.max_epochs=500", "output=json")
    )
    workplace.wait_until((workplace.path / "run" / "metrics.csv").exists, process)
    assert_refused(workplace.run("train", "resume=run"), 1, "Another process", "folder of its own")
    second = workplace.run("train", *workplace.training("run_dir=run"))
    assert_refused(second, 2, "run_dir=run", "is not empty")
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_wandb_online_without_a_network(workplace):
    # wandb itself would hang for longer than the command is given.
    result = workplace.run(
        "train",
        *workplace.training("logger=online"),
        WANDB_API_KEY="0" * 40,
        WANDB_BASE_URL="http://127.0.0.1:9",
    )
    assert_refused(result, 1, "logger=online", "127.0.0.1:9", "logger=offline")
    assert not (workplace.path / "runs").exists()


def test_wandb_online_without_an_account(workplace):
    environment = {"WANDB_API_KEY": "", "HOME": str(workplace.path), "NETRC": os.devnull}
    result = workplace.run("train", *workplace.training("logger=online"), **environment)
    assert_refused(result, 1, "wandb login", "logger=offline")
