"""Where the time of our server goes under load: tables by thread, by file and by function.

First what each thread uses of a CPU for one image, as the system counts it, which another load on
the machine hardly changes. Then py-spy looks at every thread that is running (not waiting) so many
times a second; the shares are of all that it saw. `--flame` also writes a flame graph.
Run: uv run --group bench python benchmarks/serving_profile.py
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil
from serving.contenders import Launched, ours, running
from serving.inputs import MODELS, SIZES, Jpegs, model
from serving.load import check, post
from serving.server import end_on_signals

PY_SPY = str(Path(sys.executable).parent / "py-spy")
ROWS = 30


def record(pid: int, seconds: int, form: str, path: Path) -> subprocess.Popen[bytes]:
    """Start py-spy on a process and all below it."""
    command = [
        *(PY_SPY, "record", "--pid", str(pid), "--subprocesses", "--threads", "--nonblocking"),
        *("--rate", "250", "--duration", str(seconds), "--format", form, "--output", str(path)),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def thread_names(pid: int) -> dict[int, str]:
    """Of all threads that Python knows in a process, by the system's number."""
    command = [PY_SPY, "dump", "--pid", str(pid), "--nonblocking", "--json"]
    dumped = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return {
        each["os_thread_id"]: each["thread_name"] or "unnamed"
        for each in json.loads(dumped.stdout)
        if each["os_thread_id"] is not None
    }


def thread_seconds(processes: Sequence[psutil.Process]) -> dict[int, float]:
    """CPU that each thread of the processes has used."""
    return {
        thread.id: thread.user_time + thread.system_time
        for process in processes
        for thread in process.threads()
    }


def cpu_by_thread(launched: Launched, jpegs: Jpegs, connections: int, seconds: int) -> None:
    """Load without py-spy, and what the threads used of it, printed."""
    first = psutil.Process(launched.server.pid)
    processes = [first, *first.children(recursive=True)]
    before = thread_seconds(processes)
    load = post(launched.target, jpegs, connections, seconds)
    after = thread_seconds(processes)
    names: dict[int, str] = {}
    for process in processes:
        with contextlib.suppress(subprocess.CalledProcessError):  # one that is no Python
            names |= thread_names(process.pid)
    used: Counter[str] = Counter()
    for number, total in after.items():
        used[names.get(number, "not of Python")] += round(
            1e6 * (total - before.get(number, 0.0)) / load.requests
        )
    print(f"{load.per_second:,.0f} images/s; CPU of one image by thread, in ms")
    for name, microseconds in used.most_common():
        print(f"{microseconds / 1000:7.3f}  {name}")
    print(f"{used.total() / 1000:7.3f}  in all")


def stacks(path: Path) -> Counter[tuple[str, ...]]:
    """Samples by stack, the thread first, of py-spy's raw format."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [frame for frame in stack.split(";") if not frame.startswith("process ")]
        found[tuple(frames)] += int(count)
    return found


def _file(frame: str) -> str:
    """`pool.py` of `work (mlopsproj_serving/pool.py:31)`, with the folders that py-spy tells."""
    return frame.rpartition("(")[2].rstrip(")").rpartition(":")[0] or frame


def _function(frame: str) -> str:
    return frame.rpartition(":")[0] + ")" if ":" in frame else frame


def tables(found: Counter[tuple[str, ...]]) -> dict[str, Counter[str]]:
    """Samples by thread; by the file that runs; by our function, with what it calls."""
    threads: Counter[str] = Counter()
    files: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for stack, count in found.items():
        threads[stack[0].rstrip(")").partition(" (0x")[0]] += count
        files[_file(stack[-1])] += count
        for function in {_function(frame) for frame in stack[1:]}:
            functions[function] += count
    return {"thread": threads, "file, itself": files, "function, with its calls": functions}


def main() -> None:
    """Start ours, load it, look, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("--size", choices=[size.name for size in SIZES], default=SIZES[0].name)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--flame", type=Path, help="SVG file to write, in a second run of load")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the api"
    )
    arguments = parser.parse_args()
    end_on_signals()
    (jpegs,) = (size for size in SIZES if size.name == arguments.size)
    settings = dict(setting.split("=", 1) for setting in arguments.set)
    with tempfile.TemporaryDirectory() as scratch:
        contender = ours(**settings)
        with running([contender], model(arguments.model)) as (launched,):
            server, target = launched.server, launched.target
            check(target, jpegs)
            cpu_by_thread(launched, jpegs, arguments.connections, arguments.seconds)
            raw = Path(scratch) / "raw.txt"
            formats = [("raw", raw)]
            if arguments.flame is not None:
                formats.append(("flamegraph", arguments.flame.absolute()))
            for form, path in formats:
                spy = record(server.pid, arguments.seconds, form, path)
                time.sleep(1)  # until py-spy looks
                before = server.cpu_seconds()
                load = post(target, jpegs, arguments.connections, arguments.seconds - 2)
                used = server.cpu_seconds() - before
                spy.wait()
                print(
                    f"{load.per_second:,.0f} images/s while watched, {load.wrk_cpus:.2f} cores for"
                    f" wrk, {used / load.requests * 1000:.3f} ms of CPU for each image"
                )
            found = stacks(raw)
    samples = found.total()
    for title, table in tables(found).items():
        print(f"\nshare by {title}")
        for name, count in table.most_common(ROWS if "function" not in title else 3 * ROWS):
            print(f"{count / samples:7.1%}  {name}")


if __name__ == "__main__":
    main()
