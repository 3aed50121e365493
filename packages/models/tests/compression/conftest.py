"""A trained network as an exported graph, and what graphs are compared by."""

import numpy as np
import onnx
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_models.compression.folding import fold_graph
from mlopsproj_models.compression.ranges import find_ranges
from mlopsproj_models.config import Calibration
from mlopsproj_models.export import export_onnx
from mlopsproj_models.graph import calibrate


@pytest.fixture(scope="session")
def spec(channels):
    return ImageSpec(16, 16, channels)


@pytest.fixture(scope="session")
def exported(network, train, held_out, spec, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_onnx(calibrate(network, train, held_out), spec, path)
    return path


@pytest.fixture(scope="session")
def folded(exported):
    path = exported.with_name("folded.onnx")
    fold_graph(exported, path)
    return path


@pytest.fixture(scope="session")
def ranges(folded, train):
    path = folded.with_name("ranges.json")
    find_ranges(folded, train.images, Calibration.minmax, path)
    return path


@pytest.fixture(scope="session")
def run(spec):
    """Runs a graph over images."""
    return lambda path, images: OnnxGraph(path, spec, 3, threads=1).run(np.asarray(images))


@pytest.fixture(scope="session")
def operators():
    """Names of a graph's operators, in order."""
    return lambda path: [node.op_type for node in onnx.load(path).graph.node]
