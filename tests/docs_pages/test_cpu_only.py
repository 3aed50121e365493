"""The page about CPUs is followed in a fresh clone, with a wheel of PyTorch from pip's folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename
from pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "cpu-only.md"
FOREIGN = ("MLOPSPROJ_", "UV_PROJECT", "UV_PYTHON", "VIRTUAL_ENV")
pytestmark = pytest.mark.slow


@pytest.fixture
def folder():
    """Where pip would find a CPU wheel of PyTorch that suits this Python."""
    pip = shutil.which("pip") or pytest.skip("there is no pip to ask where wheels are")
    told = subprocess.run([pip, "config", "list"], capture_output=True, text=True, check=True)
    places = re.findall(r"find-links='(.*)'", told.stdout)
    here = set(sys_tags())
    for place in dict.fromkeys(" ".join(places).split()):
        for wheel in Path(place).glob("torch-*+cpu-*.whl"):
            if here & parse_wheel_filename(wheel.name)[-1]:
                return place
    return pytest.skip(f"no CPU wheel of torch for this Python in pip's find-links: {places}")


@pytest.fixture
def clone(tmp_path):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone of git")
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    shutil.copy(ROOT / "requirements.txt", folder)
    yield folder
    shutil.rmtree(folder)  # 1.6 GB


def size_told(page):
    """GB of the environment, as the page tells."""
    return float(re.search(r"the environment takes ([\d.]+) GB", page)[1])


def size(folder):
    """GB on the disk."""
    told = subprocess.run(["du", "-sB1", folder], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0]) / 1e9


@pytest.mark.timeout(1800)  # a cold cache downloads 0.5 GB
def test_the_page_installs_pytorch_without_cuda_and_trains(folder, clone):
    everything_else, _, local, run = (block.text for block in blocks(PAGE))
    assert "FOLDER" in local
    script = [everything_else, local.replace("FOLDER", shlex.quote(folder)), run.rstrip()]
    variables = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    python = f"--python={sys.base_prefix}"  # the one that the wheel suits
    subprocess.run(["uv", "venv", "--quiet", python], cwd=clone, env=variables, check=True)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(script) + " experiment=quick"],
        cwd=clone,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "production" in done.stdout
    (packages,) = (clone / ".venv" / "lib").glob("python*/site-packages")
    assert list(packages.glob("torch-*+cpu.dist-info"))
    assert not [path for path in packages.iterdir() if path.name.startswith(("nvidia", "triton"))]
    assert size(clone / ".venv") == pytest.approx(size_told(PAGE.read_text("utf-8")), rel=0.1)
