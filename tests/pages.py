"""A page of the docs as somebody follows it: its commands in their order, in a folder.

Knows of a block what language it is in, and of a command what `uv run` would run and how it should
end; which page is followed, and what should come of it, say the tests.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
LONGEST = 600


@dataclass(frozen=True)
class Block:
    """A fenced block, and the output that is shown right after it, if there is any."""

    language: str
    text: str
    shown: str | None

    @property
    def lines(self) -> list[str]:
        """Commands without what is said of them."""
        return [line.partition(" #")[0].strip() for line in self.text.splitlines()]

    def code_of(self, index: int) -> int:
        """With which a command should end: `# ends with 3`."""
        told = re.search(r" # ends with (\d+)", self.text.splitlines()[index])
        return int(told[1]) if told else 0


def blocks(page: Path) -> Iterator[Block]:
    """What a reader may run, in the order of the page."""
    fences = re.compile(r"^```(\w*)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
    found = list(fences.finditer(page.read_text(encoding="utf-8")))
    for index, match in enumerate(found):
        after = found[index + 1] if index + 1 < len(found) else None
        shown = after[2] if after and after[1] == "text" else None
        if match[1] in {"bash", "python"}:
            yield Block(match[1], match[2], shown)


def run(
    line: str, cwd: Path, *, timeout: float = LONGEST, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command of a page, as `uv run` would run it, untouched by settings of whoever tests."""
    arguments, variables = _parsed(line, environment)
    return subprocess.run(
        arguments,
        cwd=cwd,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def _parsed(line: str, environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    words = shlex.split(line)
    variables = {key: value for key, value in os.environ.items() if "MLOPSPROJ_" not in key}
    variables |= environment
    while re.match(r"[A-Z_]+=", words[0]):
        variables |= [words.pop(0).split("=", 1)]
    if words[:2] == ["uv", "run"]:
        words = [str(BIN / words[2]), *words[3:]]
    return words, variables


@dataclass
class Reader:
    """Somebody who follows pages in a folder, and leaves services running until the end.

    Attributes:
        cwd: where the commands are typed.
        ports: that the pages tell, to those that are free here.
        environment: variables that are set there.
        outputs: of the commands so far, stdout and then stderr.
    """

    cwd: Path
    ports: dict[int, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    services: list[subprocess.Popen[str]] = field(default_factory=list)

    def follow(self, page: Path) -> None:
        """Run every block, and hold what is shown against what came."""
        for block in blocks(page):
            before = len(self.outputs)
            if block.language == "python":
                self._python(block.text)
            else:
                for index, line in enumerate(block.lines):
                    self._command(line, block.code_of(index))
            if block.shown is not None:
                compare(block.shown, "\n".join(self.outputs[before:]))

    def _command(self, line: str, code: int) -> None:
        line = self._here(line)
        if line in {"uv run api", "uv run monitor"}:
            self._serve(line)
            return
        done = run(line, self.cwd, **self.environment)
        self._ended(line, done, code)

    def _python(self, text: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", self._here(text)],
            cwd=self.cwd,
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST,
            check=False,
        )
        self._ended(text, done, 0)

    def _ended(self, told: str, done: subprocess.CompletedProcess[str], code: int) -> None:
        assert done.returncode == code, f"{told}\n{done.stdout}\n{done.stderr}"
        self.outputs.append(f"{done.stdout}\n{done.stderr}")

    def _here(self, text: str) -> str:
        for told, free in self.ports.items():
            text = text.replace(f"127.0.0.1:{told}", f"127.0.0.1:{free}")
        return text

    def _serve(self, line: str) -> None:
        """Start a service, and wait until it answers."""
        arguments, variables = _parsed(line, self.environment)
        log = self.cwd / f"{arguments[0].rpartition(os.sep)[2]}.out"
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                arguments, cwd=self.cwd, env=variables, stdout=out, stderr=out, text=True
            )
        self.services.append(process)
        told = 8000 if log.stem == "api" else 8001
        url = f"http://127.0.0.1:{self.ports.get(told, told)}/readyz"
        end = time.monotonic() + 60
        while not _answers(url):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < end, f"{line} did not answer"
            time.sleep(0.1)
        self.outputs.append(log.read_text(encoding="utf-8"))

    def leave(self) -> list[int]:
        """End the services as Ctrl-C would; the codes they ended with."""
        for process in self.services:
            process.send_signal(signal.SIGTERM)
        return [process.wait(30) for process in self.services]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def compare(shown: str, came: str) -> None:
    """Hold what a page shows against what came, but for numbers, dates and widths.

    Every line that is shown must have come, in this order; `…` leaves out any number of them.
    """
    lines = iter([_stable(line) for line in came.splitlines()])
    for line in shown.splitlines():
        if line.strip() != "…":
            assert _stable(line) in lines, f"never came, or elsewhere: {line}\nin:\n{came}"


def _stable(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"[+-]?\d+(?:[-_:.,]\d+)*(?:e-\d+)?", "0", line)
    line = re.sub(r"[━─┏┓┗┛┡┩└┘┳┴╇┬┼├┤]+", "─", line)
    return re.sub(r"\s+", " ", line).strip()
