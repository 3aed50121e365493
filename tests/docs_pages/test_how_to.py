"""The snippets of the how-to guides do what the guides say of them."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mlopsproj_core import Bundle
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation import Verdict
from mlopsproj_evaluation.gates import Contest, GateLimits, Side
from mlopsproj_serving.application import create_app
from mlopsproj_serving.config import SchedulingConfig, ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.service import Service
from pages import ROOT, blocks
from shop import Shop, right
from small_bundle import make_small_bundle

GUIDES = ROOT / "docs" / "how-to"


def snippets_of(guide):
    """What the guide's snippets define, run one after the other."""
    names = {"__name__": guide}
    for block in blocks(GUIDES / f"{guide}.md"):
        if block.language == "python":
            exec(compile(block.text, f"{guide}.md", "exec"), names)
    return names


def test_the_source_is_prepared_and_its_classes_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dataset = snippets_of("add-a-source")["dataset"]
    assert capsys.readouterr().out == "('lying', 'standing')\n"
    assert dataset.name == "stripes"
    assert list(Path("prepared").glob("stripes-*/dataset.json"))


def test_the_network_gives_logits_and_refuses_what_is_too_small(capsys):
    names = snippets_of("add-a-network")
    assert capsys.readouterr().out == "torch.Size([4, 10])\n"
    network = names["network"]
    assert network.embedding_size == 64
    told = [id(parameter) for stage in network.parameters_by_stage() for parameter in stage]
    assert sorted(told) == sorted(map(id, network.parameters()))
    with pytest.raises(names["ConfigError"], match="too small"):
        network.check_side(7)


def test_the_gate_is_asked_and_answers(tmp_path):
    gate = snippets_of("add-a-gate")["GATE"]
    shop = Shop(Registry(str(tmp_path / "registry")), tmp_path)
    version = shop.publish(right(90, 100))
    side = Side.of(Bundle.open(shop.registry.fetch(version)), name=str(version))
    found = gate.judge(Contest(side, side, None, GateLimits(), None))
    assert (found.name, found.verdict, found.figure) == ("breadth", Verdict.passed, "2 classes")


def test_the_endpoint_shows_the_classes_of_the_version_that_answers(tmp_path):
    names = snippets_of("add-an-endpoint")
    registry = Registry(str(tmp_path / "registry"))
    version = registry.publish(make_small_bundle(tmp_path / "bundle"))
    config = ServingConfig(scheduling=SchedulingConfig(strategy="single", threads=1))

    @asynccontextmanager
    async def lifespan(app):
        app.state.service = service = Service(config, None)
        service.serve(await asyncio.to_thread(ServedModel.load, registry, version, config))
        yield
        await asyncio.to_thread(service.current.close)

    async def ask(app):
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            return await client.get("/v1/classes")

    app = create_app(lifespan)
    app.include_router(names["router"])
    answer = asyncio.run(ask(app))
    assert (answer.status_code, answer.json()) == (200, {"classes": ["dark", "bright"]})
