"""Preparing a folder of JPEG files next to a plain Pillow loop in one process, and its memory.

The photographs, 500 x 375 pixels, smooth and a little noisy, all different, are made first, in ten
class folders. The loop opens, converts, resizes, crops and writes the pixels; `prepare` does that
on all cores, and hashes, measures and checks the images besides. Both take turns, from files that
the system has in memory. Goals: at least 1.8 times the images a second on 2 cores; less than 2 kB
of memory for each further image, which are names and facts: no pixels (49 kB) are kept.
Run: uv run python benchmarks/preparation.py [--count 60000] [--size 500 375] [--side 128]
[--pairs 3]; by default it takes about 15 minutes and 6 GB in the folder of temporary files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from threading import Event, Thread

import numpy as np
from measurement import ratios, show, store
from mlopsproj_data import DataConfig, prepare
from PIL import Image

SIZE = (500, 375)
CLASSES = 10
SPEED_GOAL = 1.8
MEMORY_GOAL_KB = 2.0
CHUNK = 1000


def main() -> None:
    """Make the images, measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60_000, help="images")
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, help="width and height of them")
    parser.add_argument("--side", type=int, default=128, help="pixels that they are resized to")
    parser.add_argument("--pairs", type=int, default=3, help="turns that are taken")
    parser.add_argument("--run", nargs=3, metavar=("WHAT", "PHOTOS", "OUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run_one(*given.run, side=given.side)
        return
    with tempfile.TemporaryDirectory() as scratch:
        whole, tenth = Path(scratch, "whole"), Path(scratch, "tenth")
        make_photos(whole, given.count, tuple(given.size))
        make_photos(tenth, given.count // 10, tuple(given.size))
        run = partial(measured, scratch=Path(scratch), side=given.side)
        run("plain", tenth)  # reads the code once
        pairs = [(run("prepare", whole), run("plain", whole)) for _ in range(given.pairs)]
        small = run("prepare", tenth)
    speeds = [[given.count / each["seconds"] for each in side] for side in zip(*pairs, strict=True)]
    ratio = ratios(*speeds)
    ours, theirs = (median(side) for side in speeds)
    width, height = given.size
    print(f"{given.count:,} JPEG files of {width} x {height} to {given.side} pixels:", end=" ")
    print(f"prepare {ours:,.0f} images/s, plain loop {theirs:,.0f} images/s")
    show("prepare / plain loop", ratio, f"at least {SPEED_GOAL}")
    peak = max(each["peak_mb"] for each, _ in pairs)
    further = given.count - given.count // 10
    growth_kb = (peak - small["peak_mb"]) * 1024 / further
    print(f"peak memory: {peak:,.0f} MB, of a tenth {small['peak_mb']:,.0f} MB,", end=" ")
    print(f"{growth_kb:.2f} kB a further image (goal: less than {MEMORY_GOAL_KB})")
    store(
        "preparation",
        {
            "count": given.count,
            "size": given.size,
            "side": given.side,
            "speed": {"images_per_second": speeds[0], "plain": speeds[1], "ratio": ratio},
            "memory": {
                "peak_mb": peak,
                "peak_mb_of_a_tenth": small["peak_mb"],
                "kb_of_a_further_image": growth_kb,
            },
        },
    )


def measured(what: str, photos: Path, *, scratch: Path, side: int) -> dict[str, float]:
    """One run by a new process: seconds without its start, and peak memory of all its processes."""
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        command = [sys.executable, __file__, "--side", str(side), "--run", what, str(photos), out]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def run_one(what: str, photos: str, out: str, *, side: int) -> None:
    """Prepare a folder, or loop over it, and print what it took."""
    watch = MemoryWatch()
    watch.start()
    start = time.perf_counter()
    if what == "prepare":
        prepare(DataConfig(path=photos, image_size=side, prepared_dir=out))
    else:
        plain_loop(Path(photos), Path(out), side)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mb": watch.stop()}))


def plain_loop(photos: Path, out: Path, side: int) -> None:
    """What one would write without this project."""
    with (out / "images.u8").open("wb") as file:
        for path in sorted(photos.glob("*/*.jpg")):
            with Image.open(path) as opened:
                image = opened.convert("RGB")
            scale = side / min(image.size)
            size = round(image.width * scale), round(image.height * scale)
            image = image.resize(size, Image.Resampling.BILINEAR)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            file.write(np.asarray(image.crop((left, top, left + side, top + side))).tobytes())


class MemoryWatch(Thread):
    """Sums the resident memory of this process and all below it, ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0
        self._done = Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._done.wait(0.1):
            self.peak_mb = max(self.peak_mb, resident_mb(os.getpid()))

    def stop(self) -> float:
        """The largest sum."""
        self._done.set()
        self.join()
        return self.peak_mb


def resident_mb(process: int) -> float:
    """Of a process and all below it; 0 for one that has ended."""
    folder = Path(f"/proc/{process}")
    try:
        status = (folder / "status").read_text(encoding="utf-8")
        own = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        children = (folder / "task" / str(process) / "children").read_text(encoding="utf-8").split()
    except OSError:
        return 0.0
    return sum(int(size) for size in own) / 1024 + sum(resident_mb(int(pid)) for pid in children)


def make_photos(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Ten class folders of different pictures."""
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    starts = range(0, count, CHUNK)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(make_some, folder, count, size), starts))


def make_some(folder: Path, count: int, size: tuple[int, int], start: int) -> None:
    """Smooth random colours with the noise of a sensor."""
    generator = np.random.default_rng(start)
    for number in range(start, min(count, start + CHUNK)):
        coarse = Image.fromarray(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.int16)
        noise = generator.integers(-8, 9, (*size[::-1], 1), dtype=np.int16)
        pixels = (smooth + noise).clip(0, 255).astype(np.uint8)
        path = folder / f"class {number % CLASSES}" / f"{number:06d}.jpg"
        Image.fromarray(pixels).save(path, quality=85)


if __name__ == "__main__":
    main()
