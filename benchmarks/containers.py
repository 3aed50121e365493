"""The api's image over the same with PyTorch inside: its size, and how soon it is ready.

Size is of all files, uncompressed. A start is from the container's first instruction until
`/readyz` answers 200 after a real inference; beside it, the time in which a container with
PyTorch has imported what such a service imports. Cold: no file of either is in memory, so it needs
root. Needs a container engine, as `nox -s images`.
Run: uv run --group bench --group images python benchmarks/containers.py
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measurement import ratios, show, store
from serving.inputs import model

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))

from images import base_image
from images.engine import Container, Engine
from images.service import serving
from images.trial import build, engine_here

IMPORTS = "import fastapi, numpy, PIL, torch"
WITH_TORCH = "localhost/mlopsproj-api-with-torch:local"
DOCKERFILE = "benchmarks/with_torch.Dockerfile"


def forget_files() -> None:
    """Let the kernel keep no file in memory."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")


@contextmanager
def models() -> Iterator[str]:
    """A folder that holds the registry, for everybody to read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(model("small").registry, Path(folder) / "registry")
        yield folder


def start(engine: Engine, reference: str, folders: Mapping[str, str]) -> float:
    """Seconds until the api is ready."""
    with serving(engine, reference, "api", folders) as service:
        return service.ready_seconds


def imports(engine: Engine) -> float:
    """Seconds of the reference."""
    line = engine.command_line(Container(WITH_TORCH, ("python", "-c", IMPORTS)))
    started = time.perf_counter()
    subprocess.run(line, check=True)
    return time.perf_counter() - started


def pairs(engine: Engine, reference: str, folders: Mapping[str, str], runs: int) -> dict[str, Any]:
    """Starts in turn, cold and warm."""
    figures: dict[str, Any] = {}
    for kind in ("cold", "warm"):
        before = forget_files if kind == "cold" else lambda: None
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(runs):
            before()
            ours.append(start(engine, reference, folders))
            before()
            theirs.append(imports(engine))
        ratio = ratios(ours, theirs)
        show(f"{kind} start to ready over {IMPORTS!r} in the image with torch", ratio, "below 1")
        figures[kind] = {"ratio": ratio, "start_seconds": ours, "imports_seconds": theirs}
    return figures


def main() -> None:
    """Build both images, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    engine = engine_here()
    try:
        begin = base_image.start_of(engine)
        reference = build(engine, begin, "api")
        engine.build("with-torch", WITH_TORCH, {**begin, "BASE": reference}, DOCKERFILE)
        below = engine.size(begin["BASE"])
        sizes = {
            name: {"bytes": engine.size(image), "added_bytes": engine.size(image) - below}
            for name, image in {"api": reference, "with_torch": WITH_TORCH}.items()
        }
        share = sizes["api"]["bytes"] / sizes["with_torch"]["bytes"]
        print(f"size over the same with torch: {share:.3f} (goal: below 1)")
        figures = {"engine": type(engine).__name__, "size_ratio": share, "sizes": sizes}
        with models() as folder:
            folders = {"models": folder, "api": engine.volume("api")}
            figures |= pairs(engine, reference, folders, arguments.runs)
        store("containers", figures)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
