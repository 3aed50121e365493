import os
import re
import subprocess
import sys

import numpy as np
import pytest
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import BundleCorruptError, ConfigError, ImageError
from mlopsproj_core.image import ImageSpec
from mlopsproj_core.onnx_graph import OnnxGraph, saturates
from onnx import AttributeProto, TensorProto, helper, parser, save
from small_bundle import GRAPH, SPEC

PROBABILITIES = "float[N, 2] probabilities"


def write(folder, text=GRAPH):
    save(parser.parse_model(text), folder / "model.onnx")
    return folder / "model.onnx"


def load(folder, *changes, spec=SPEC, classes=2, threads=None):
    """The small graph with `changes`, each (old, new)."""
    text = GRAPH
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return OnnxGraph(write(folder, text), spec, classes, threads=threads)


def threads_of(graph):
    return graph._session.get_session_options().intra_op_num_threads


# --- running ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 9])
def test_gives_what_the_graph_says(tmp_path, count):
    images = np.random.default_rng(0).integers(0, 256, (count, *SPEC.shape), dtype=np.uint8)
    outputs = load(tmp_path).run(images)
    bright = images.mean(axis=(1, 2, 3)) / 255
    logits = 8 * (bright - 0.5)
    assert len(outputs) == count
    assert outputs.probabilities[:, 1] == pytest.approx(1 / (1 + np.exp(-2 * logits)), abs=1e-3)
    assert outputs.embedding[:, 0] == pytest.approx(bright - 0.5, abs=1e-4)
    assert outputs.ood_score == pytest.approx(bright, abs=1e-4)
    assert {array.dtype for array in vars(outputs).values()} == {np.dtype(np.float32)}


def test_takes_images_that_do_not_lie_in_one_piece(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, *SPEC.shape), dtype=np.uint8)
    graph = load(tmp_path)
    apart = images[::-2, :, ::-1]
    assert not apart.flags.c_contiguous
    whole = graph.run(np.ascontiguousarray(apart))
    assert np.array_equal(graph.run(apart).probabilities, whole.probabilities)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((0, 28, 28, 1), dtype=np.uint8),
        np.zeros((28, 28, 1), dtype=np.uint8),
        np.zeros((2, 28, 28), dtype=np.uint8),
        np.zeros((2, 28, 29, 1), dtype=np.uint8),
        np.zeros((2, 28, 28, 3), dtype=np.uint8),
        np.zeros((2, 1, 28, 28), dtype=np.uint8),
        np.zeros((1, 2, 28, 28, 1), dtype=np.uint8),
        np.zeros((2, 28, 28, 1), dtype=np.float32),
        np.zeros((2, 28, 28, 1), dtype=np.int8),
        np.zeros((), dtype=np.uint8),
    ],
    ids=lambda images: f"{images.dtype}{images.shape}",
)
def test_refuses_images_of_another_kind(tmp_path, images):
    found = re.escape(f"not {images.dtype} {images.shape}: use Predictor.predict")
    with pytest.raises(ImageError, match=rf"takes uint8 \(N, 28, 28, 1\), .*{found}"):
        load(tmp_path).run(images)


def test_a_graph_that_fails_while_it_runs_is_one_clear_error(tmp_path):
    graph = load(
        tmp_path,
        ("int64[1] one = {1}", "int64[1] one = {1}, int64 two = {2}"),
        ("(column, half)", "(column, third)"),
        ("column =", "third = Gather <axis = 0> (bright, two)\n    column ="),
    )
    assert len(graph.run(np.zeros((3, *SPEC.shape), dtype=np.uint8))) == 3
    with pytest.raises(BundleCorruptError, match=r"fails on 2 images: .*Export it again"):
        graph.run(np.zeros((2, *SPEC.shape), dtype=np.uint8))


# --- the contract -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "changes"),
    [
        ("image", [("uint8[N, 28, 28, 1] image", "float[N, 28, 28, 1] image")]),
        ("image", [("uint8[N, 28, 28, 1] image", "uint8[N, 32, 28, 1] image")]),
        ("image", [("uint8[N, 28, 28, 1] image", "uint8[N, 28, 28, 3] image")]),
        ("image", [("uint8[N, 28, 28, 1] image", "uint8[N, H, W, 1] image")]),
        ("image, .*", [("uint8[N, 28, 28, 1] image", "uint8[1, 28, 28, 1] image")]),
        (
            "image, input",
            [("] image)", "] input)"), ("Cast <to = 1> (image)", "Cast <to = 1> (input)")],
        ),
        ("extra", [("1] image)", "1] image, float[1] extra)")]),
        ("probabilities", [(PROBABILITIES, "float[4, 2] probabilities")]),
        ("probabilities", [(PROBABILITIES, "float probabilities")]),
        ("probabilities", [(PROBABILITIES, "float[N, 2] other"), ("probabilities =", "other =")]),
        ("embedding", [("float[N, 1] embedding, ", "")]),
        ("ood_score", [(", float[N] ood_score", "")]),
        (
            "ood_score",
            [
                ("float[N] ood_score", "double[N] ood_score"),
                ("ood_score = Abs (bright)", "ood_score = Cast <to = 11> (bright)"),
            ],
        ),
        (
            "ood_score",
            [
                ("float[N] ood_score", "float[N, 1] ood_score"),
                ("ood_score = Abs (bright)", "ood_score = Abs (column)"),
            ],
        ),
    ],
    ids=[
        "float-input",
        "other-height",
        "other-channels",
        "dynamic-height",
        "fixed-batch",
        "other-input",
        "second-input",
        "fixed-batch-out",
        "no-axes",
        "no-probabilities",
        "no-embedding",
        "no-score",
        "score-of-doubles",
        "score-of-two-axes",
    ],
)
def test_a_graph_that_breaks_the_contract_is_refused(tmp_path, broken, changes):
    with pytest.raises(BundleCorruptError, match=rf"^{broken} of the graph break.*export it again"):
        load(tmp_path, *changes)


@pytest.mark.parametrize("classes", [1, 3])
def test_another_number_of_classes_is_refused(tmp_path, classes):
    with pytest.raises(BundleCorruptError, match=r"^probabilities of the graph break"):
        load(tmp_path, classes=classes)


def test_another_image_spec_is_refused(tmp_path):
    with pytest.raises(BundleCorruptError, match=r"^image of the graph break"):
        load(tmp_path, spec=ImageSpec(28, 28, 3))


def test_outputs_beyond_the_contract_do_no_harm(tmp_path):
    graph = load(tmp_path, ("float[N] ood_score)", "float[N] ood_score, float[N, 2] logits)"))
    assert len(graph.run(np.zeros((2, *SPEC.shape), dtype=np.uint8))) == 2


@pytest.mark.parametrize("data", [b"", b"no graph at all", b"\x08\x0a" * 50])
def test_a_file_that_is_no_graph_is_refused(tmp_path, data):
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(BundleCorruptError, match=r"model\.onnx cannot be loaded by onnxruntime"):
        OnnxGraph(tmp_path / "model.onnx", SPEC, 2)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BundleCorruptError, match=r"cannot be loaded .*No such file"):
        OnnxGraph(tmp_path / "model.onnx", SPEC, 2)


def test_a_truncated_graph_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleCorruptError):
        OnnxGraph(path, SPEC, 2)


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "{folder}/weights.bin"])
@pytest.mark.parametrize("where", ["bundle", "parent"])
def test_a_graph_that_points_at_other_files_is_refused(tmp_path, monkeypatch, location, where):
    folder = tmp_path / "bundle"
    folder.mkdir()
    weights = np.array([[-8.0, 8.0]], dtype=np.float32)
    (folder / "weights.bin").write_bytes(weights.tobytes())
    (tmp_path / "weights.bin").write_bytes(weights.tobytes())
    model = parser.parse_model(GRAPH)
    (tensor,) = (value for value in model.graph.initializer if value.name == "weights")
    replaced = helper.make_tensor("weights", TensorProto.FLOAT, [1, 2], weights.tobytes(), raw=True)
    replaced.ClearField("raw_data")
    replaced.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location.format(folder=tmp_path)), ("length", "8")):
        entry = replaced.external_data.add()
        entry.key, entry.value = key, value
    tensor.CopyFrom(replaced)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    # Nor are they looked for where the process happens to stand.
    monkeypatch.chdir(folder if where == "bundle" else tmp_path)
    with pytest.raises(BundleCorruptError, match="cannot be loaded"):
        OnnxGraph(folder / "model.onnx", SPEC, 2)


def elsewhere(name, location="weights.bin"):
    """Weights that lie in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1, 2])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def constant(output):
    node = helper.make_node("Constant", [], [output])
    node.attribute.add(name="value", type=AttributeProto.TENSOR, t=elsewhere(""))
    return node


def branch(name, *, as_constant):
    """A graph of an If, whose weights lie in another file."""
    given = f"given {name}"
    made = constant(given) if as_constant else helper.make_node("Identity", [f"at {name}"], [given])
    output = helper.make_tensor_value_info(given, TensorProto.FLOAT, [1, 2])
    tensors = [] if as_constant else [elsewhere(f"at {name}")]
    return helper.make_graph([made], name, [], [output], initializer=tensors)


def of_branches(model, *, as_constant):
    model.graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    branches = {
        f"{name}_branch": branch(name, as_constant=as_constant) for name in ("then", "else")
    }
    return helper.make_node("If", ["yes"], ["weights"], **branches)


def of_a_function(model):
    given = helper.make_opsetid("", 20)
    model.functions.append(
        helper.make_function("ours", "Given", [], ["y"], [constant("y")], [given])
    )
    model.opset_import.append(helper.make_opsetid("ours", 1))
    return helper.make_node("Given", [], ["weights"], domain="ours")


@pytest.mark.parametrize(
    "given",
    [
        lambda model: of_branches(model, as_constant=False),
        lambda model: of_branches(model, as_constant=True),
        of_a_function,
        lambda _: constant("weights"),
    ],
    ids=["a branch", "a constant of a branch", "a function", "a constant"],
)
def test_nor_does_any_part_of_a_graph_read_other_files(tmp_path, monkeypatch, given):
    """onnxruntime looks for those of a branch where the process stands: there may be secrets."""
    weights = np.array([[-8.0, 8.0]], dtype=np.float32)
    (tmp_path / "weights.bin").write_bytes(weights.tobytes())
    model = parser.parse_model(GRAPH)
    kept = [tensor for tensor in model.graph.initializer if tensor.name != "weights"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.node.insert(0, given(model))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleCorruptError, match="cannot be loaded"):
        OnnxGraph(tmp_path / "model.onnx", SPEC, 2)


# --- threads ------------------------------------------------------------------------------------


def test_takes_the_cores_that_this_process_may_use(tmp_path, monkeypatch):
    assert threads_of(load(tmp_path)) == available_cpus()
    monkeypatch.setattr("mlopsproj_core.onnx_graph.available_cpus", lambda: 3)
    assert threads_of(load(tmp_path)) == 3


def test_takes_no_more_threads_than_the_user_allows(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_of(load(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_takes_one_thread_where_the_process_is_held_to_one_core(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from mlopsproj_core import ImageSpec; from mlopsproj_core.onnx_graph import OnnxGraph\n"
        "graph = OnnxGraph(Path(sys.argv[1]), ImageSpec(28, 28, 1), 2)\n"
        "print(graph._session.get_session_options().intra_op_num_threads)\n"
    )
    command = [sys.executable, "-c", code, str(write(tmp_path))]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "1\n"


def test_takes_the_threads_that_it_is_given_and_never_spins(tmp_path):
    graph = load(tmp_path, threads=2)
    assert threads_of(graph) == 2
    options = graph._session.get_session_options()
    assert options.inter_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize("threads", [0, -1])
def test_refuses_to_run_on_no_thread(tmp_path, threads):
    with pytest.raises(ConfigError, match=f"threads={threads}: give 1 or more, or leave it out"):
        load(tmp_path, threads=threads)


def test_onnxruntime_tells_nobody_that_it_was_started(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys; from pathlib import Path; from mlopsproj_core.image import ImageSpec;"
        "from mlopsproj_core.onnx_graph import OnnxGraph;"
        f"OnnxGraph(Path(sys.argv[1]), ImageSpec{(SPEC.height, SPEC.width, SPEC.channels)}, 2)"
    )
    variables = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    subprocess.run(
        [sys.executable, "-B", "-c", code, write(tmp_path)],
        env={**environment, "HOME": str(home)},
        check=True,
    )
    assert list(home.rglob("*")) == []


# --- integers ------------------------------------------------------------------------------------


def test_products_of_eight_bits_do_not_overflow(tmp_path):
    """Two of 255 and 127 are more than sixteen bits hold, which many an x86-64 adds them in."""
    most = ",".join(["127"] * 784)
    constants = f"int8[784, 1] most = {{{most}}}, int64[2] rows = {{0, 784}}"
    sums = "row = Reshape (image, rows) sums = MatMulInteger (row, most)"
    graph = load(
        tmp_path,
        ("float half = {0.5}", f"float half = {{0.5}}, {constants}"),
        ("column = Unsqueeze (bright, one)", f"{sums} column = Cast <to = 1> (sums)"),
    )
    images = np.random.default_rng(0).integers(0, 256, (3, *SPEC.shape), dtype=np.uint8)
    images[0] = 255
    expected = 127 * images.astype(np.int64).sum(axis=(1, 2, 3))
    assert graph.run(images).embedding[:, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (("sse4.2", "avx2"), True),
        (("avx2", "avx512f"), True),
        (("avx2", "avx512f", "avx512_vnni"), False),
        (("avx2", "avx_vnni"), False),
        (("asimd", "asimddp"), False),
    ],
)
def test_products_overflow_on_x86_without_vnni_alone(sets, expected):
    assert saturates(sets) is expected


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", True), ("arm64", False)])
def test_an_x86_that_nothing_is_known_of_is_taken_for_one_without(monkeypatch, machine, expected):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert saturates(()) is expected
