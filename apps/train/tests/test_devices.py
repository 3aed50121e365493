import pytest
import torch
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.config import Accelerator, Precision
from mlopsproj_train.devices import (
    choose_accelerator,
    choose_precision,
    lightning_precision,
    use_available_cpus,
)

HAS_GPU = torch.cuda.is_available() or torch.backends.mps.is_available()


def test_auto_takes_what_there_is():
    found = choose_accelerator(Accelerator.auto)
    assert (found != "cpu") == HAS_GPU
    assert choose_accelerator(Accelerator.cpu) == "cpu"


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="trainer=gpu"):
        choose_accelerator(Accelerator.gpu)


def test_what_is_asked_for_is_kept():
    assert choose_precision(Precision.float32, "cpu") is Precision.float32
    assert lightning_precision(Precision.bfloat16) == "bf16-mixed"


def test_auto_on_a_cpu_is_bfloat16_only_where_there_are_instructions_for_it(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert choose_precision(Precision.auto, "cpu") is Precision.float32
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert choose_precision(Precision.auto, "cpu") is Precision.bfloat16


def test_float16_on_a_cpu_is_refused():
    with pytest.raises(ConfigError, match="float16 needs a GPU"):
        choose_precision(Precision.float16, "cpu")


def test_torch_uses_the_cores_that_the_process_may_use():
    before = torch.get_num_threads()
    try:
        use_available_cpus()
        assert torch.get_num_threads() == available_cpus()
    finally:
        torch.set_num_threads(before)
