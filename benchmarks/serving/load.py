"""Load by wrk: one thread, so many connections, each sending its next image after an answer.

wrk shares the cores with the server; what it takes of them is reported. Its percentiles count an
answer that took several times as long as usual several times, for those that it kept from being
sent; it does so for every server alike.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from serving.inputs import CONTENT_TYPES, Form, Jpegs, bodies

SCRIPT = Path(__file__).parent / "post.lua"


class LoadError(Exception):
    """A server gave an answer that it must not give, or none."""


@dataclass(frozen=True)
class Load:
    """What a server did in some seconds.

    Attributes:
        requests: that were answered with 200.
        per_second: of them.
        refused: that were answered otherwise, or not at all.
        p50_ms: of the time from request to answer.
        p99_ms: of the same.
        mean_ms: of the same.
        wrk_cpus: cores that wrk itself was busy on.
    """

    requests: int
    per_second: float
    refused: int
    p50_ms: float
    p99_ms: float
    mean_ms: float
    wrk_cpus: float


@dataclass(frozen=True)
class Target:
    """Where and how images are posted.

    Attributes:
        url: of the endpoint.
        form: how a body carries its image.
        field: of a form, that holds the image.
    """

    url: str
    form: Form
    field: str


def post(target: Target, jpegs: Jpegs, connections: int, seconds: float) -> Load:
    """Send images for so long.

    wrk takes whole seconds only.

    Raises:
        LoadError: if nothing was answered with 200.
    """
    return _run(target, jpegs, connections, seconds, check=False)


def check(target: Target, jpegs: Jpegs, connections: int = 32, seconds: float = 1) -> Load:
    """Send images, and read every answer; warms the server as well.

    Raises:
        LoadError: if an answer was not 200, or named no probability.
    """
    return _run(target, jpegs, connections, seconds, check=True)


def _run(target: Target, jpegs: Jpegs, connections: int, seconds: float, *, check: bool) -> Load:
    folder = bodies(jpegs, target.form, target.field)
    command = [
        *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
        *("-s", str(SCRIPT), target.url, "--", str(folder), CONTENT_TYPES[target.form]),
        *(["check"] if check else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 (asked for in the line above)
    output = process.stdout.read()
    # Not process.wait(): the rusage is of this child alone.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise LoadError(f"{' '.join(command)} ended with {process.returncode}: {output}")
    told = json.loads(output.strip().splitlines()[-1])
    answered = told["requests"] - told["not_200"]
    if told["bad"] or not answered:
        raise LoadError(f"{target.url} under {connections} connections: {told}")
    return Load(
        requests=answered,
        per_second=answered / told["seconds"],
        refused=told["not_200"] + told["failed"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        mean_ms=told["mean_ms"],
        wrk_cpus=(used.ru_utime + used.ru_stime) / told["seconds"],
    )
