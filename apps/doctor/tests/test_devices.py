import platform
import subprocess
import sys

import pytest
from mlopsproj_doctor import devices
from mlopsproj_doctor.devices import examine_devices, examine_torch, nvidia_gpus
from mlopsproj_doctor.findings import State

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr(devices, "torch_build", lambda: None)


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Puts a script in the place of the driver's tool."""

    def put(script):
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir()
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tool.parent))

    return put


@pytest.fixture
def no_tool(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_machine_without_gpu(no_tool, without_torch, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    (finding,) = examine_devices()
    assert (finding.state, finding.text) == (State.OK, "cpu")


def test_apple_silicon(no_tool, without_torch, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    (finding,) = examine_devices()
    assert "mps" in finding.text


def test_gpus_are_told_with_memory_and_driver(nvidia_smi, without_torch):
    nvidia_smi(
        'case "$*" in *name,memory.total,driver_version*noheader*)'
        ' echo "NVIDIA H200, 143771 MiB, 570.86.15"; echo "NVIDIA T4, 15360 MiB, 570.86.15";; esac'
    )
    (finding,) = examine_devices()
    assert finding.state is State.OK
    assert finding.text == (
        "cpu; NVIDIA H200 (143771 MiB, driver 570.86.15); NVIDIA T4 (15360 MiB, driver 570.86.15)"
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "mismatch"),
        ("echo 'no device' >&2; exit 9", "no device"),
        ("exit 9", "ended with 9"),
    ],
)
def test_a_driver_that_does_not_answer_is_a_warning(nvidia_smi, without_torch, script, words):
    nvidia_smi(script)
    (finding,) = examine_devices()
    assert finding.state is State.WARN
    assert words in finding.text
    assert finding.mend


def test_a_driver_that_hangs_is_left_after_its_time(nvidia_smi, without_torch, monkeypatch):
    nvidia_smi("exec /bin/sleep 60")
    monkeypatch.setattr(devices, "_ANSWER_SECONDS", 0.2)
    assert "nothing within" in nvidia_gpus()[1]


@pytest.mark.parametrize(
    ("version", "is_for_cuda", "has_gpu", "state", "words"),
    [
        ("2.15.0", True, False, State.OK, "without a GPU"),
        ("2.15.0+cu130", True, True, State.OK, "built for CUDA"),
        ("2.15.0+cpu", False, True, State.WARN, "cannot use the GPU"),
        ("2.15.0+cpu", False, False, State.OK, "2.15.0+cpu"),
    ],
)
def test_torch_and_the_devices(version, is_for_cuda, has_gpu, state, words):
    finding = examine_torch(version, is_for_cuda, has_gpu=has_gpu)
    assert finding.state is state
    assert words in finding.text


def test_torch_is_not_imported():
    code = (
        "import sys; from mlopsproj_doctor.machine import examine; list(examine());"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
