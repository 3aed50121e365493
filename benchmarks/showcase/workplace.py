"""A folder with a registry, a database and an image log of its own, and the commands typed there.

Knows nothing of the order in which they are typed.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.server import Server, free_port

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

MODEL = "solar-cells"


class CommandError(RuntimeError):
    """A command ended otherwise than it should; tells what it wrote."""


@dataclass(frozen=True)
class Workplace:
    """Where the showcase happens.

    Attributes:
        folder: for everything that is made.
    """

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: nothing that is set for another project is inherited."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MLOPSPROJ_", "WANDB_")) and name != "PORT"
        }
        return {
            **inherited,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "MLOPSPROJ_CONFIG_DIR": str(ROOT / "configs"),
            "MLOPSPROJ_REGISTRY_URL": str(self.folder / "registry"),
            "MLOPSPROJ_DATABASE_URL": f"sqlite:///{self.folder / 'log.db'}",
            "MLOPSPROJ_SPOOL_DIR": str(self.folder / "spool"),
            "MLOPSPROJ_IMAGE_LOG_URL": str(self.folder / "images"),
            "MLOPSPROJ_MODEL": MODEL,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def run(self, *command: str, codes: tuple[int, ...] = (0,), **settings: str) -> str:
        """Run a command to its end; what it answered on stdout.

        Args:
            command: with its arguments.
            codes: with which it may end.
            settings: more environment variables.

        Raises:
            CommandError: if it ends with another code.
        """
        print(f"$ {' '.join(command)}", flush=True)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in codes:
            told = done.stderr[-4000:] + done.stdout[-4000:]
            raise CommandError(f"{' '.join(command)} ended with {done.returncode}:\n{told}")
        return done.stdout

    def document(self, *command: str, codes: tuple[int, ...] = (0,), **settings: str) -> Any:
        """Run a command that answers with one JSON document."""
        return json.loads(self.run(*command, codes=codes, **settings))

    def start(self, name: str, **settings: str) -> tuple[Server, str]:
        """Start a service, and wait until it is ready; it, and its address.

        Args:
            name: of the command, "api" or "monitor".
            settings: more environment variables.
        """
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = Server(
            [str(BIN / name), "--port", str(port)],
            {**self.environment, **settings},
            self.folder / name,
            f"{url}/readyz",
        )
        server.wait_ready()
        return server, url

    def fresh(self, folder: Path) -> None:
        """Remove what an earlier time left there."""
        shutil.rmtree(folder, ignore_errors=True)

    def begin_anew(self, registry: Path) -> None:
        """Nothing was ever answered, and the registry holds what another one does."""
        for name in ("registry", "spool", "images", "api", "monitor"):
            self.fresh(self.folder / name)
        for file in self.folder.glob("log.db*"):
            file.unlink()
        shutil.copytree(registry, self.folder / "registry")
