"""What was measured of a bundle on a CPU, kept in the user's cache for the next start.

One small file for each situation, put in its place whole; a file that cannot be read or written
costs a measurement, never a start. Knows nothing of how it was measured.
"""

import hashlib
import json
import logging
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import onnxruntime as ort
from mlopsproj_core.bundle import Bundle, sha256_of
from mlopsproj_core.bundle_cache import default_cache
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.file_lock import try_lock
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import MANIFEST

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 5.0
"""That a process waits for another one's measurement, before it makes its own."""

_POLL_SECONDS: Final = 0.05

_FLAGS: Final = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve")
"""Of a CPU: those by which onnxruntime picks other kernels."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a measurement holds for; in any other it is made again.

    Attributes:
        bundle: sha256 of its manifest.
        cpu: name of the model.
        flags: of the CPU, those that matter.
        cores: that the process may use.
        threads: that compute.
        max_batch: images in one batch.
        versions: of Python and onnxruntime.
    """

    bundle: str
    cpu: str
    flags: tuple[str, ...]
    cores: int
    threads: int
    max_batch: int
    versions: str

    @classmethod
    def here(cls, bundle: Bundle, *, threads: int, max_batch: int) -> "Situation":
        """Of a bundle on this machine."""
        cpu, flags = _cpu(Path("/proc/cpuinfo"))
        return cls(
            bundle=sha256_of(bundle.path / MANIFEST),
            cpu=cpu,
            flags=flags,
            cores=available_cpus(),
            threads=threads,
            max_batch=max_batch,
            versions=f"python {platform.python_version()}, onnxruntime {ort.__version__}",
        )

    @property
    def key(self) -> str:
        """Names it among all others."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:32]


class Memory:
    """The strategies that were measured to be the better ones."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which need not exist."""
        self._folder = folder

    @classmethod
    def default(cls) -> "Memory | None":
        """In the user's cache; None if there is no home."""
        try:
            return cls(default_cache().with_name("scheduling"))
        except RegistryError as error:
            logger.debug("measurements are not remembered: %s", error)
            return None

    def recall(self, situation: Situation) -> str | None:
        """The strategy that was measured to be the better one; None if that is not known."""
        path = self._path(situation)
        try:
            strategy = json.loads(path.read_bytes())["strategy"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            logger.debug("%s is ignored: %r", path, error)
            return None
        if not isinstance(strategy, str):
            logger.debug("%s is ignored: its strategy is %r", path, strategy)
            return None
        return strategy

    def remember(
        self, situation: Situation, strategy: str, images_per_second: Mapping[str, float]
    ) -> None:
        """Keep what was measured, if it can be."""
        path = self._path(situation)
        # What it holds for is told to whoever reads the file; the key alone would not.
        text = json.dumps(
            {
                "strategy": strategy,
                "images_per_second": dict(images_per_second),
                "situation": asdict(situation),
            },
            indent=2,
        )
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_text(text + "\n", encoding="utf-8")
                put_in_place(draft, path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            logger.debug("%s is not kept: %s", path, error)

    @contextmanager
    def turn(self, situation: Situation) -> Iterator[None]:
        """Wait while another process measures the same: both would measure each other.

        What it measured can be recalled then. Waits for `PATIENCE_SECONDS` at most.
        """
        path = self._path(situation).with_suffix(".lock")
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        lock = None
        try:
            while (lock := try_lock(path)) is None and time.monotonic() < patience_ends:
                time.sleep(_POLL_SECONDS)
        except OSError as error:
            logger.debug("%s cannot be locked: %s", path, error)
        try:
            yield
        finally:
            if lock is not None:
                lock.close()

    def _path(self, situation: Situation) -> Path:
        return self._folder / f"{situation.key}.json"


def _cpu(cpuinfo: Path) -> tuple[str, tuple[str, ...]]:
    """Name, and flags that matter, of the first CPU; what Python knows without such a file."""
    try:
        lines = (
            cpuinfo.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0].splitlines()
        )
    except OSError:
        return platform.processor() or platform.machine(), ()
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    found = set(told.get("flags", told.get("Features", "")).split())
    # ARM names its parts by numbers alone.
    name = told.get("model name") or " ".join(
        [platform.machine(), told.get("CPU implementer", ""), told.get("CPU part", "")]
    )
    return name.strip(), tuple(flag for flag in _FLAGS if flag in found)
