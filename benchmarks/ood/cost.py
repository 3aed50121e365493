"""What the score costs: the same graph with it and without, alone and behind the service.

"Without" gives the largest probability in its place, which costs next to nothing and keeps the
graph's contract, so that the service takes it. Knows nothing of how good the score is.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
import torch
from mlopsproj_core.bundle import MODEL, PROBE, Bundle, seal_bundle
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_core.probe import write_probe
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation.latency import interleaved, ratio
from mlopsproj_models.calibration import fit_ood_score
from mlopsproj_models.config import NetworkConfig
from mlopsproj_models.efficientnet_lite import EfficientNetLite0
from mlopsproj_models.export import export_onnx
from mlopsproj_models.graph import ServingGraph
from mlopsproj_models.residual_network import ResidualNetwork
from onnx_ir.passes.common import RemoveUnusedNodesPass
from serving.contenders import ours, running
from serving.inputs import SIZES, ModelName, Served, model
from serving.load import check, post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlopsproj_models.networks import ImageNetwork

CLASSES = 10
GRAPHS: dict[ModelName, ImageSpec] = {
    "small": ImageSpec(28, 28, 1),
    "efficientnet": ImageSpec(224, 224, 3),
}
CLIENTS = 8
_NOISE = 600


def without_score(source: Path, target: Path) -> None:
    """Write a graph whose score is its largest probability."""
    whole = ir.load(source)
    graph = whole.graph
    outputs = {value.name: value for value in graph.outputs}
    axes = ir.Value(name="score_axes", const_value=ir.tensor(np.array([1]), name="score_axes"))
    graph.register_initializer(axes)
    node = ir.node("ReduceMax", [outputs["probabilities"], axes], attributes={"keepdims": 0})
    score, old = node.outputs[0], outputs["ood_score"]
    score.shape, score.type = old.shape, old.type
    old.name, score.name = "ood_score_before", "ood_score"
    graph.append(node)
    graph.outputs[graph.outputs.index(old)] = score
    RemoveUnusedNodesPass()(whole)
    ir.save(whole, target)


def untrained_graph(name: ModelName, classes: int) -> ServingGraph:
    """A network that has not learned, whose distance is fitted on noise: neither costs otherwise.

    Args:
        name: small, the default residual network, or efficientnet, which is EfficientNet-Lite0.
        classes: K.
    """
    torch.manual_seed(0)
    network: ImageNetwork = (
        ResidualNetwork(NetworkConfig(), channels=1, classes=classes)
        if name == "small"
        else EfficientNetLite0(classes=classes, pretrained=False)
    )
    embeddings = torch.rand((_NOISE, network.embedding_size))
    ood = fit_ood_score(embeddings, torch.arange(_NOISE) % classes, classes)
    return ServingGraph(network.eval(), 1.0, ood)


def time_graph(name: ModelName, work: Path, rounds: int) -> dict[str, Any]:
    """Time with over time without, at one image and at sixteen, on one thread.

    Args:
        name: of the network.
        work: for the two files.
        rounds: in which each is timed.
    """
    spec, folder = GRAPHS[name], work / "graphs" / name
    folder.mkdir(parents=True, exist_ok=True)
    whole, cut = folder / "with.onnx", folder / "without.onnx"
    export_onnx(untrained_graph(name, CLASSES), spec, whole)
    without_score(whole, cut)
    sessions = {path.stem: OnnxGraph(path, spec, CLASSES, threads=1) for path in (whole, cut)}
    found = {}
    for batch in (1, 16):
        images = np.random.default_rng(0).integers(0, 256, (batch, *spec.shape), np.uint8)
        runs = {
            name: lambda session=session, images=images: session.run(images)
            for name, session in sessions.items()
        }
        times = interleaved(runs, rounds=rounds)
        found[f"batch {batch}"] = {
            "time_ratio": asdict(ratio(times["with"], times["without"])),
            "with_ms": 1000 * median(times["with"]),
            "without_ms": 1000 * median(times["without"]),
        }
    return found


def time_service(name: ModelName, work: Path, rounds: int, seconds: int) -> dict[str, Any]:
    """Images per second of the service with the score over those without, in turn.

    Args:
        name: of the model whose bundle is served, with an untrained graph in it.
        work: for the registries.
        rounds: in which each has its turn.
        seconds: of a turn, whole ones.
    """
    whole = model(name)
    served = {"with": _copy(whole, work, cut=False), "without": _copy(whole, work, cut=True)}
    rates: dict[str, list[float]] = {each: [] for each in served}
    jpegs = SIZES[0]
    with running([ours()], served["with"]) as first, running([ours()], served["without"]) as second:
        launched = {"with": first[0], "without": second[0]}
        for each in launched.values():
            check(each.target, jpegs, CLIENTS, 1)
        for number in range(rounds):
            order: Sequence[str] = list(launched)[:: 1 if number % 2 else -1]
            for turn in order:
                load = post(launched[turn].target, jpegs, CLIENTS, seconds)
                rates[turn].append(load.per_second)
    # Seconds for an image: what `ratio` takes. Below 1 the service with the score is slower.
    times = {turn: [1 / rate for rate in values] for turn, values in rates.items()}
    return {"throughput_ratio": asdict(ratio(times["without"], times["with"])), "rates": rates}


def _copy(served: Served, work: Path, *, cut: bool) -> Served:
    """A registry of one version: the same bundle with the graph as it is made today."""
    folder = work / "served" / f"{served.name}-{'without' if cut else 'with'}"
    shutil.rmtree(folder, ignore_errors=True)
    # Without the mark by which the registry that it comes from knows it.
    shutil.copytree(served.bundle, folder / "bundle", ignore=shutil.ignore_patterns("claim"))
    bundle = Bundle.open(folder / "bundle")
    manifest = bundle.manifest
    graph = bundle.path / MODEL
    export_onnx(untrained_graph(served.name, len(manifest.classes)), manifest.image, graph)
    if cut:
        without_score(graph, graph)
    session = OnnxGraph(graph, manifest.image, len(manifest.classes))
    write_probe((bundle.path / PROBE).parent, manifest.image, session.run)
    (bundle.path / MANIFEST).unlink()
    told = json.loads(manifest.to_json())
    sealed = seal_bundle(
        bundle.path,
        name=manifest.name,
        classes=manifest.classes,
        image=manifest.image,
        metrics=manifest.metrics,
        data=manifest.data,
        parity=manifest.parity,
        config=told["config"],
    )
    registry = Registry(str(folder / "registry"))
    version = registry.publish(sealed)
    registry.move_alias(
        version.name, "production", version.number, actor="benchmark", reason="speed only"
    )
    return Served(served.name, folder / "registry", registry.fetch(version))
