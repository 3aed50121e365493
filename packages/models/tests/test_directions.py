import numpy as np
import onnxruntime
import pytest
import torch
from mlopsproj_models.directions import ONNX_TRANSLATIONS, directions
from torch import nn

SIZE = 6


class Directions(nn.Module):
    def forward(self, embeddings):
        return directions(embeddings)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    path = tmp_path_factory.mktemp("directions") / "model.onnx"
    torch.onnx.export(
        Directions().eval(),
        (torch.zeros(2, SIZE),),
        path,
        dynamo=True,
        opset_version=20,
        input_names=["x"],
        dynamic_shapes={"embeddings": {0: torch.export.Dim("batch", min=1)}},
        custom_translation_table=ONNX_TRANSLATIONS,
        verbose=False,
    )
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("length", [1e-15, 1e-3, 1.0, 1e15])
def test_they_have_length_1_whatever_the_length_was_and_onnxruntime_says_so_too(session, length):
    embeddings = length * torch.randn(5, SIZE, generator=torch.Generator().manual_seed(0))
    found = directions(embeddings)
    assert found.norm(dim=1) == pytest.approx(torch.ones(5), abs=1e-5)
    assert torch.allclose(found * embeddings.norm(dim=1, keepdim=True), embeddings, rtol=1e-4)
    assert session.run(None, {"x": embeddings.numpy()})[0] == pytest.approx(found.numpy(), abs=1e-5)


def test_zeros_stay_as_they_are(session):
    zeros = np.zeros((1, SIZE), np.float32)
    assert torch.equal(directions(torch.tensor(zeros)), torch.tensor(zeros))
    assert session.run(None, {"x": zeros})[0].tolist() == zeros.tolist()


def test_it_is_an_operator_that_torch_accepts():
    torch.library.opcheck(directions, (torch.randn(3, SIZE),))
