"""In which arithmetic a network is trained: what is asked for, or what is fastest here, measured.

A CPU may have instructions for bfloat16 and still be slower with them: one with AVX-512 but
without AMX trained 1.4 times as fast in float32. Knows nothing of runs.
"""

import copy
import logging
import time
from collections.abc import Callable
from typing import Literal

import torch
from mlopsproj_core.errors import ConfigError
from mlopsproj_models.networks import ImageNetwork
from torch import Tensor

from mlopsproj_train.config import Precision

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

_LIGHTNING: dict[Precision, LightningPrecision] = {
    Precision.float32: "32-true",
    Precision.bfloat16: "bf16-mixed",
    Precision.float16: "16-mixed",
}
_REPEATS = 4
_WORTH_IT = 1.2
"""How often as fast bfloat16 must be on a CPU: a close race shall end the same each time."""

logger = logging.getLogger(__name__)


def choose_precision(
    wanted: Precision, accelerator: str, network: ImageNetwork, images: Tensor
) -> Precision:
    """The arithmetic that is wanted, or the fastest that is safe on the device.

    Args:
        wanted: auto measures on a CPU, and asks the driver on a GPU.
        accelerator: "cpu", "cuda" or "mps".
        network: that will be trained; not changed.
        images: a training batch, `(N, H, W, C)` uint8.

    Raises:
        ConfigError: if float16 is wanted on a CPU.
    """
    if wanted is Precision.float16 and accelerator == "cpu":
        raise ConfigError("trainer.precision=float16 needs a GPU: use bfloat16 or float32.")
    if wanted is not Precision.auto:
        return wanted
    if accelerator == "cuda":
        return Precision.bfloat16 if torch.cuda.is_bf16_supported() else Precision.float16
    if accelerator == "cpu":
        return _faster(_step(network, images, torch.float32), _step(network, images))
    return Precision.float32


def lightning_precision(precision: Precision) -> LightningPrecision:
    """Lightning's name for it."""
    return _LIGHTNING[precision]


def _faster(float32: Callable[[], None], bfloat16: Callable[[], None]) -> Precision:
    """Time both in turn, after a step of each that does not count."""
    seconds: dict[Precision, list[float]] = {Precision.float32: [], Precision.bfloat16: []}
    for _ in range(1 + _REPEATS):
        for precision, step in ((Precision.float32, float32), (Precision.bfloat16, bfloat16)):
            started = time.perf_counter()
            step()
            seconds[precision].append(time.perf_counter() - started)
    # What else the machine does makes a step slower, never faster: the shortest one counts.
    gain = min(seconds[Precision.float32][1:]) / min(seconds[Precision.bfloat16][1:])
    logger.info("bfloat16 is %.2f times as fast as float32 on this CPU", gain)
    return Precision.bfloat16 if gain >= _WORTH_IT else Precision.float32


def _step(
    network: ImageNetwork, images: Tensor, dtype: torch.dtype = torch.bfloat16
) -> Callable[[], None]:
    """One forward and backward pass, of a copy."""
    network = copy.deepcopy(network).train()
    mixed = dtype is not torch.float32

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            loss = network(network.normalise(images)).float().square().mean()
        loss.backward()

    return step
