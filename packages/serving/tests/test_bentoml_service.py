"""The service as `bentoml serve` runs it, in a process of its own, beside the api."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import httpx
import pytest
from mlopsproj_core.registry import Registry
from small_bundle import make_small_bundle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="ends a group of processes"),
    pytest.mark.skipif(find_spec("bentoml") is None, reason="the extra bentoml is not installed"),
]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Of the running service."""
    folder = tmp_path_factory.mktemp("bentoml")
    registry = Registry(str(folder / "registry"))
    version = registry.publish(make_small_bundle(folder / "bundle"))
    registry.move_alias(version.name, "production", version.number, actor="test", reason="test")
    port = free_port()
    environment = {
        **os.environ,
        "BENTOML_HOME": str(folder / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        "MLOPSPROJ_REGISTRY_URL": str(folder / "registry"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    (folder / "home").mkdir()
    with (folder / "log").open("wb") as log:
        served = "mlopsproj_serving.bentoml_service:ImageService"
        command = [sys.executable, "-m", "bentoml", "serve", served]
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                httpx.get(f"http://127.0.0.1:{port}/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def files(images):
    return [("images", (f"{number}", image)) for number, image in enumerate(images)]


def without(answer, *fields):
    return {name: value for name, value in answer.items() if name not in fields}


@pytest.fixture(scope="session")
def pictures(image):
    good = [image(level, kind) for level in (0, 90, 180, 255) for kind in ("JPEG", "PNG")]
    return [*good, b"no image", good[0][:300], image(40, "WEBP"), image(70, "GIF"), b"x"]


def test_it_answers_as_the_api_does(url, client, pictures):
    found = httpx.post(f"{url}/v1/predict", files=files(pictures)).raise_for_status().json()
    expected = client.post("/v1/predict", files=files(pictures)).json()
    assert len(found) == len(expected) == len(pictures)
    for ours, apis in zip(found, expected, strict=True):
        assert without(ours, "id") == without(apis, "id", "request_id", "index", "filename")
    assert len({answer["id"] for answer in found if "id" in answer}) == 10


def test_requests_at_once_share_batches_and_each_has_its_own_answers(url, client, pictures):
    expected = {
        image: [without(answer, "id", "request_id", "index", "filename") for answer in answers]
        for image in pictures
        if (answers := client.post("/v1/predict", files=files([image, image])).json())
    }

    async def ask(session, image):
        answer = await session.post(f"{url}/v1/predict", files=files([image, image]), timeout=60)
        return image, [without(each, "id") for each in answer.raise_for_status().json()]

    async def run():
        async with httpx.AsyncClient() as session:
            return await asyncio.gather(*(ask(session, image) for image in pictures * 12))

    for image, answers in asyncio.run(run()):
        assert answers == expected[image]
    metrics = httpx.get(f"{url}/metrics").text
    sums = {
        line.rsplit(" ", 1)[0].partition("{")[0]: float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if line.startswith("bentoml_service_adaptive_batch_size_")
    }
    batches, requests = (
        sums[f"bentoml_service_adaptive_batch_size_{name}"] for name in ("count", "sum")
    )
    assert requests > batches
