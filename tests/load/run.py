"""Loads a real `api` with locust, and says whether it held: `python tests/load/run.py`.

Three stages, one after the other, with the prediction log on, as a user runs it:

- *alone*: one client without a pause. What a request takes when nobody else asks.
- *half*: clients that together ask half of what the cores could answer by that measure. p95 may be
  `HALF_FACTOR` times the p95 alone.
- *full*: as many clients, none of which pauses. A request then waits for those of all others, which
  is clients / cores times what one takes alone; p95 may be `FULL_FACTOR` times that.

Every request must be answered as it deserves; a bad image that is refused with 422 is no error.
Locust shares the cores with the service, in every stage. Exit code 1 if anything failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlopsproj_core.cpu import available_cpus
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does

from serving.pictures import bad_pictures, jpeg
from serving.server import Api, make_version, publish

HALF_FACTOR = 6.0
FULL_FACTOR = 3.0

SIZES = ((100, 100), (640, 480), (1000, 750))
BAD = "bad"
PER_KIND = 8
WARM_UP_SECONDS = 3


@dataclass(frozen=True)
class Stage:
    """What locust saw.

    Attributes:
        latencies_ms: by kind of image; of answered requests.
        errors: what went wrong, as often as it did.
        seconds: that it took.
    """

    name: str
    latencies_ms: dict[str, list[float]]
    errors: list[str]
    seconds: float

    @property
    def good_ms(self) -> list[float]:
        """Latencies of all good images."""
        return [ms for kind, all_ms in self.latencies_ms.items() if kind != BAD for ms in all_ms]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    return sorted(values)[max(0, int(len(values) * share + 0.999999) - 1)]


def write_images(folder: Path) -> None:
    """Files as the locustfile wants them."""
    for width, height in SIZES:
        for number in range(PER_KIND):
            file = folder / f"{width}x{height}-{number}.jpg"
            file.write_bytes(jpeg(width, height, seed=number))
    small = [picture.data for picture in bad_pictures() if len(picture.data) < 10_000]
    small += [jpeg(640, 480, seed=number)[:5000] for number in range(PER_KIND)]
    for number, data in enumerate(small):
        (folder / f"{BAD}-{number}.jpg").write_bytes(data)


def run_stage(
    name: str, url: str, images: Path, *, clients: int, seconds: float, pause_seconds: float = 0
) -> Stage:
    """Let locust ask for a while."""
    results = images.parent / f"{name}.jsonl"
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--host", url]
    command += ["--locustfile", str(Path(__file__).with_name("locustfile.py"))]
    command += ["--users", str(clients), "--spawn-rate", str(clients)]
    command += [
        "--run-time",
        f"{seconds:.0f}s",
        "--stop-timeout",
        "20",
        "--exit-code-on-error",
        "0",
    ]
    environment = {
        "IMAGES": str(images),
        "RESULTS": str(results),
        "PAUSE_SECONDS": str(pause_seconds),
    }
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode or not results.exists():
        raise SystemExit(f"locust failed:\n{done.stdout}\n{done.stderr}")
    latencies: dict[str, list[float]] = {}
    errors = []
    for line in results.read_text(encoding="utf-8").splitlines():
        request = json.loads(line)
        if request["error"]:
            errors.append(f"{request['kind']}: {request['error']}")
        else:
            latencies.setdefault(request["kind"], []).append(request["milliseconds"])
    return Stage(name, latencies, errors, seconds)


def shown(stages: list[Stage]) -> Table:
    """Every stage by kind of image."""
    table = Table("stage", "images", "answers", "per second", "median ms", "p95 ms", "p99 ms")
    for stage in stages:
        rows = {**dict(sorted(stage.latencies_ms.items())), "all good": stage.good_ms}
        for kind, values in rows.items():
            table.add_row(
                stage.name,
                kind,
                f"{len(values):,}",
                f"{len(values) / stage.seconds:,.0f}",
                *(f"{percentile(values, share):,.1f}" for share in (0.5, 0.95, 0.99)),
            )
        table.add_section()
    return table


def verdicts(stages: list[Stage], clients: int) -> list[tuple[bool, str]]:
    """What was asked of it, and whether it holds."""
    alone, half, full = stages
    found = []
    for stage in stages:
        worst = f", e.g. {stage.errors[0]}" if stage.errors else ""
        found.append((not stage.errors, f"{stage.name}: {len(stage.errors)} errors{worst}"))
    for stage, base_ms, factor, base in (
        (half, percentile(alone.good_ms, 0.95), HALF_FACTOR, "p95 alone"),
        (
            full,
            statistics.fmean(alone.good_ms) * clients / available_cpus(),
            FULL_FACTOR,
            "mean alone x clients / cores",
        ),
    ):
        p95 = percentile(stage.good_ms, 0.95)
        text = f"{stage.name}: p95 {p95:.1f} ms is {p95 / base_ms:.2f} x {base} ({base_ms:.1f} ms)"
        found.append((p95 <= factor * base_ms, f"{text}; {factor:g} x may be"))
    return found


def main() -> int:
    """Run every stage, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16, help="of the stages half and full")
    parser.add_argument("--seconds", type=float, default=60, help="of all stages together")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service")
    given = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        images = folder / "images"
        images.mkdir()
        write_images(images)
        api = Api(folder / "api", {"MLOPSPROJ_API_WORKERS": str(given.workers)})
        publish(str(api.folder / "registry"), make_version(folder / "bundle", 1), "production")
        try:
            api.start()
            run_stage("warm-up", api.url, images, clients=4, seconds=WARM_UP_SECONDS)
            alone = run_stage("alone", api.url, images, clients=1, seconds=given.seconds / 6)
            # So that all clients together ask half of what the cores can answer.
            mean = statistics.fmean(alone.good_ms) / 1e3
            pause = 2 * given.clients * mean / available_cpus() - mean
            half = run_stage(
                *("half", api.url, images),
                clients=given.clients,
                seconds=given.seconds / 3,
                pause_seconds=pause,
            )
            full = run_stage(
                "full", api.url, images, clients=given.clients, seconds=given.seconds / 2
            )
            code = api.terminate()
        finally:
            api.kill()
        said = api.stderr()
    stages = [alone, half, full]
    console.print(shown(stages))
    checks = verdicts(stages, given.clients)
    checks.append((code == 0 and "Traceback" not in said, f"the service ended with code {code}"))
    for held, text in checks:
        console.print(f"[green]held[/]   {text}" if held else f"[red]FAILED[/] {text}")
    if not all(held for held, _ in checks):
        console.print(said[-4000:], markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
