"""What the document shows of each kind of problem is what is sent: here each of them arises.

`decided` and `unchecked` arise in the monitor, whose tests hold them.
"""

import asyncio
import errno

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from mlopsproj_core.errors import MlopsprojError
from mlopsproj_core.registry import Registry
from mlopsproj_records.log import LogConfig, PredictionLog
from mlopsproj_serving.config import Limits
from mlopsproj_serving.http import problem_kinds
from mlopsproj_serving.http.bodies import read_body
from mlopsproj_serving.http.callers import Callers
from mlopsproj_serving.http.keys import KeyRing, new_key
from mlopsproj_serving.http.multipart import parts_of
from mlopsproj_serving.http.problem_kinds import Kind
from mlopsproj_serving.http.problems import problem_of
from mlopsproj_serving.scheduling.admission import Admission
from mlopsproj_serving.scheduling.job import Job, refusal
from small_bundle import make_small_bundle

RAW = {"content-type": "image/jpeg"}
EXAMPLES = {kind.type: kind.example for kind in vars(problem_kinds).values() if type(kind) is Kind}


class Holds:
    """Checks that an answer, or an error, is the example of its kind; remembers which were."""

    def __init__(self):
        self.slugs = set()

    def __call__(self, slug, told, *replaced):
        if isinstance(told, MlopsprojError):
            problem = problem_of(told)
            type_, detail = problem.type, problem.detail
        else:
            type_, detail = told.json()["type"], told.json()["detail"]
        for here, there in replaced:
            detail = detail.replace(str(here), there)
        assert (type_, detail) == (f"urn:mlopsproj:problem:{slug}", EXAMPLES[type_])
        self.slugs.add(slug)


def error_of(function, *arguments, **options):
    with pytest.raises(MlopsprojError) as refused:
        function(*arguments, **options)
    return refused.value


def hold_requests(holds, client, serve, image, monkeypatch):
    holds("not-found", client.get("/v1/predicts"))
    holds("method", client.request("PUT", "/v1/predict"))
    holds("invalid", client.post("/v1/predict?top_k=0", content=image(), headers=RAW))
    plain = {"content-type": "text/plain"}
    holds("media-type", client.post("/v1/predict", content=b"x", headers=plain))
    holds("image", client.post("/v1/predict", content=b"not an image at all", headers=RAW))
    holds("images", client.post("/v1/predict", json={"images": ["eA=="] * 65}))
    large = {**RAW, "content-length": "40000000"}
    holds("too-large", client.post("/v1/predict", content=b"", headers=large))
    keyed = serve(keys=KeyRing({"phone": new_key()[1]}))
    holds("unauthorized", keyed.post("/v1/predict", content=image(), headers=RAW))
    holds("no-model", serve(model=False).post("/v1/predict", content=image(), headers=RAW))
    monkeypatch.setattr("mlopsproj_serving.routes.predict.prediction_of", lambda *_: 1 / 0)
    holds("internal", client.post("/v1/predict", content=image(), headers=RAW))


def hold_limits(holds):
    callers = Callers(KeyRing({}), requests_per_minute=600)
    scope = {"headers": [], "client": ("10.0.0.1", 1)}
    for _ in range(600):
        callers.admit(scope)
    holds("rate", error_of(callers.admit, scope))
    admission = Admission(256)
    admission.enter(256)
    holds("overloaded", error_of(admission.enter, 1))
    job = Job(b"image", 0.0, lambda *_: None)
    holds("deadline", refusal(job, job.entered + 10.2))


def hold_bodies(holds):
    part = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\ncut'
    holds("malformed", error_of(parts_of, part, b"x", most=1))

    async def nothing():
        await asyncio.get_running_loop().create_future()

    limits = Limits(body_seconds=0.01)
    slow = error_of(lambda: asyncio.run(read_body({"headers": []}, nothing, limits)))
    holds("slow", slow, ("0.01 s", "30 s"))


def hold_registry(holds, tmp_path, monkeypatch):
    registry = Registry(str(tmp_path / "registry"))
    version = registry.publish(make_small_bundle(tmp_path / "bundle", name="solar-cells"))

    def move(expected):
        words = {"actor": "ada", "reason": "a test", "expected_sequence": expected}
        registry.move_alias(version.name, "production", version.number, **words)

    move(0)
    move(1)
    holds("conflict", error_of(move, 1))

    def away(*_, **__):
        raise TimeoutError("no answer")

    monkeypatch.setattr(MemoryFileSystem, "ls", away)
    holds("registry", error_of(Registry("memory://models").names), ("memory:", "gs:"))


def hold_log(holds, serve, image, tmp_path, monkeypatch):
    (tmp_path / "log.db").mkdir()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mlopsproj_records.spool.Spool.write", full)
    url = f"sqlite:///{tmp_path}/log.db"
    log = PredictionLog(LogConfig(spool_dir=tmp_path / "spool", database_url=url))
    try:
        logged = serve(log=log)
        found = logged.get("/v1/predictions/019c13f1-8d40-7c3a-8d2f-1a2b3c4d5e6f")
        holds("database", found, (tmp_path, "/data"))
        kept = logged.post("/v1/predict", content=image(), headers=RAW)
        holds("not-durable", kept, (tmp_path, "/data"))
    finally:
        log.close()


def test_every_example_is_what_is_sent(client, serve, image, tmp_path, monkeypatch):
    holds = Holds()
    hold_limits(holds)
    hold_bodies(holds)
    hold_registry(holds, tmp_path, monkeypatch)
    hold_log(holds, serve, image, tmp_path, monkeypatch)
    hold_requests(holds, client, serve, image, monkeypatch)
    slugs = {type_.rpartition(":")[2] for type_ in EXAMPLES}
    assert slugs - holds.slugs == {"decided", "unchecked"}
