"""Prometheus and Alertmanager as real processes, from the files in `infra/`, hurried.

What is hurried, and nothing else: scrapes and evaluations each second instead of 15 and 30; every
`for:` of an alert one second; every wait of Alertmanager before it tells one second. Expressions,
their windows and their limits are the ones that a user has. Ports and addresses are the test's.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from alerts.expressions import ROOT, RULES
from serving.server import free_port
from webhook import Webhook

SCRAPE_SECONDS = 1
INFRA = ROOT / "infra"


@dataclass
class Stack:
    """Both of them, and the webhook that is told.

    Attributes:
        prometheus: its address.
        alertmanager: its address.
        webhook: hears what Alertmanager sends.
        folder: of their files and of what they say.
    """

    prometheus: str
    alertmanager: str
    webhook: Webhook
    folder: Path

    def told(self, alert: str, status: str = "firing") -> list[dict]:
        """Alerts of a name that the webhook was told of, each with its `receiver`, oldest first."""
        return [
            {**each, "receiver": message["receiver"]}
            for message in list(self.webhook.told)
            for each in message["alerts"]
            if each["labels"]["alertname"] == alert and each["status"] == status
        ]

    def wait_told(
        self,
        alert: str,
        status: str = "firing",
        *,
        meanwhile: Callable[[], object] = lambda: None,
        seconds: float = 120,
    ) -> dict:
        """Wait until the webhook is told of an alert; the first of that name and status."""
        end = time.monotonic() + seconds
        while not (found := self.told(alert, status)):
            assert time.monotonic() < end, f"{alert} did not come; Prometheus has {self.alerts()}"
            meanwhile()
            time.sleep(0.2)
        return found[0]

    def alerts(self) -> list[dict]:
        """Those that Prometheus has, pending ones too."""
        answer = httpx.get(f"{self.prometheus}/api/v1/alerts", trust_env=False)
        return answer.json()["data"]["alerts"]

    def values(self, expression: str) -> list[float]:
        """What an expression gives now."""
        answer = httpx.get(
            f"{self.prometheus}/api/v1/query", params={"query": expression}, trust_env=False
        )
        assert answer.status_code == 200, answer.text
        return [float(series["value"][1]) for series in answer.json()["data"]["result"]]

    def silenced_by_another(self) -> set[str]:
        """Names of alerts that Alertmanager tells nobody of, since another is their cause."""
        answer = httpx.get(f"{self.alertmanager}/api/v2/alerts", trust_env=False)
        return {
            each["labels"]["alertname"] for each in answer.json() if each["status"]["inhibitedBy"]
        }


def _hurry(folder: Path, targets: dict[int, int], alertmanager: int, webhook: Webhook) -> None:
    """Write the files of `infra/` into a folder, hurried and with the test's addresses.

    Args:
        folder: that they are written into.
        targets: ports that are scraped, by the ones that they take the place of.
        alertmanager: its port.
        webhook: that is told.
    """
    (folder / "rules").mkdir()
    for file in RULES:
        hurried = re.sub(r"^( +for:) \w+", r"\1 1s", file.read_text(), flags=re.MULTILINE)
        (folder / "rules" / file.name).write_text(hurried)
    text = (INFRA / "prometheus" / "prometheus.yaml").read_text()
    text = re.sub(r"(_interval:) \w+", rf"\1 {SCRAPE_SECONDS}s", text)
    for usual, port in {**targets, 9093: alertmanager}.items():
        assert f"127.0.0.1:{usual}]" in text
        text = text.replace(f"127.0.0.1:{usual}]", f"127.0.0.1:{port}]")
    (folder / "prometheus.yaml").write_text(text)
    text = (INFRA / "alertmanager" / "alertmanager.yaml").read_text()
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
    text = re.sub(r"url: http://\S+", f"url: {webhook.url}", text)
    (folder / "alertmanager.yaml").write_text(text)


@contextmanager
def watching(folder: Path, webhook: Webhook, *, api: int, monitor: int) -> Iterator[Stack]:
    """Both run meanwhile; skips where they are not installed.

    Args:
        folder: that is made, for their files.
        webhook: that is told.
        api: port of the api.
        monitor: port of the monitor.
    """
    for tool in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: prometheus, prometheus-alertmanager)")
    folder.mkdir()
    own, alertmanager = free_port(), free_port()
    _hurry(folder, {8000: api, 8001: monitor}, alertmanager, webhook)
    commands = {
        "prometheus": [
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address=127.0.0.1:{own}",
        ],
        "prometheus-alertmanager": [
            f"--config.file={folder}/alertmanager.yaml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
            "--cluster.listen-address=",
        ],
    }
    processes = []
    try:
        for tool, arguments in commands.items():
            with (folder / f"{tool}.txt").open("wb") as said:
                processes.append(subprocess.Popen([tool, *arguments], stdout=said, stderr=said))
        for port in (own, alertmanager):
            _wait_ready(port, processes, folder)
        yield Stack(f"http://127.0.0.1:{own}", f"http://127.0.0.1:{alertmanager}", webhook, folder)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _wait_ready(port: int, processes: list[subprocess.Popen], folder: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/-/ready", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        said = "\n".join(file.read_text() for file in folder.glob("*.txt"))
        assert all(process.poll() is None for process in processes), said
        assert time.monotonic() < end, said
        time.sleep(0.1)
