"""A registry of small bundles, and the command on it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlopsproj_core.registry import Registry
from mlopsproj_registry.cli import main
from shop import Shop
from webhook import serving as webhook_serving

COMMAND = Path(sys.executable).parent / "registry"


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(Registry(str(tmp_path / "models")), tmp_path / "scratch")


@pytest.fixture
def environment(shop, tmp_path) -> dict[str, str]:
    """Of a command that works on the shop's registry, in `tmp_path`."""
    # Not W&B's either: its SDK keeps there how its process of the moment is reached.
    others = ("MLOPSPROJ_", "WANDB_")
    ours = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    return {**ours, "MLOPSPROJ_REGISTRY_URL": shop.registry.url}


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_process(environment, tmp_path):
    """The real command in a process of its own, as a user runs it."""

    def run_command(*arguments: str, **more: str) -> Ended:
        ended = subprocess.run(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run_command


@pytest.fixture
def run(environment, tmp_path, monkeypatch, capsys):
    """The same inside this process, which is faster; messages are logged, not shown."""

    def run_main(*arguments: str, **more: str) -> Ended:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["registry", *arguments])
            for name in [name for name in os.environ if name.startswith("MLOPSPROJ_")]:
                patch.delenv(name)
            for name, value in {**environment, **more}.items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        shown = capsys.readouterr()
        return Ended(end.value.code or 0, shown.out, shown.err)

    return run_main


@pytest.fixture
def webhook():
    with webhook_serving() as server:
        yield server
