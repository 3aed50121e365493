import pytest
import torch
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.config import Accelerator
from mlopsproj_train.devices import choose_accelerator, use_available_cpus

HAS_GPU = torch.cuda.is_available() or torch.backends.mps.is_available()


def test_auto_takes_what_there_is():
    found = choose_accelerator(Accelerator.auto)
    assert (found != "cpu") == HAS_GPU
    assert choose_accelerator(Accelerator.cpu) == "cpu"


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="trainer=gpu"):
        choose_accelerator(Accelerator.gpu)


@pytest.fixture
def threads():
    """How many torch uses; what a test sets is undone."""
    before = torch.get_num_threads()
    yield torch.get_num_threads
    torch.set_num_threads(before)


def test_torch_uses_the_cores_that_the_process_may_use(threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(available_cpus() + 1)
    use_available_cpus()
    assert threads() == available_cpus()


def test_the_number_of_threads_that_the_user_sets_is_kept(threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(3)
    use_available_cpus()
    assert threads() == 1
