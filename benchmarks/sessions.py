"""How long each nox session takes: from nothing, and once more; a contributor waits for the latter.

Cold: in a clone of what is committed, with nothing in uv's cache, so that everything is downloaded.
Warm: the same again. A session that fails ends the measurement.
Run: uv run python benchmarks/sessions.py [SESSION...]; without a name those that `nox` runs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measurement import store

ROOT = Path(__file__).parents[1]
TURNS = ("cold", "warm")


def usual() -> list[str]:
    """Names of the sessions that `nox` runs."""
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    return [line.split()[1] for line in listed.splitlines() if line.startswith("* ")]


def measure(session: str) -> list[float]:
    """Seconds of a session in a new clone, cold and then warm."""
    # On the checkout's disk: environments are hard links into uv's cache.
    (ROOT / ".nox").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".nox") as scratch:
        clone = Path(scratch) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        seconds = []
        for _ in TURNS:
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "nox", "--session", session],
                cwd=clone,
                env={**os.environ, "UV_CACHE_DIR": str(Path(scratch) / "uv-cache")},
                stdout=sys.stderr,
                check=True,
            )
            seconds.append(time.perf_counter() - started)
        return seconds


def main() -> None:
    """Measure sessions one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", nargs="*", metavar="SESSION")
    names = parser.parse_args().sessions or usual()
    measured = {}
    for name in names:
        cold, warm = measure(name)
        measured[name] = {"cold_seconds": cold, "warm_seconds": warm, "ratio": cold / warm}
        print(f"{name:24} cold {cold:6.0f} s, warm {warm:6.0f} s: {cold / warm:.2f}", flush=True)
    for turn in TURNS:
        total = sum(figures[f"{turn}_seconds"] for figures in measured.values())
        print(f"{'all of them':24} {turn} {total:.0f} s")
    store("sessions", {"sessions": measured})


if __name__ == "__main__":
    main()
