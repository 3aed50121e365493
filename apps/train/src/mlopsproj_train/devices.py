"""What this machine trains on.

Knows nothing of networks or runs.
"""

from typing import Literal

import torch
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError

from mlopsproj_train.config import Accelerator


def choose_accelerator(wanted: Accelerator) -> Literal["cpu", "cuda", "mps"]:
    """The device that is wanted, or the best there is.

    Raises:
        ConfigError: if a GPU is wanted and there is none.
    """
    if wanted is Accelerator.cpu:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    if wanted is Accelerator.gpu:
        raise ConfigError(
            "trainer=gpu: torch finds no GPU here; use trainer=cpu or trainer=auto, or install"
            " the driver."
        )
    return "cpu"


def use_available_cpus() -> None:
    """Give torch the cores that this process may use: by itself it counts the host's."""
    torch.set_num_threads(available_cpus())
