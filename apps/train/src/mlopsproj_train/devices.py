"""What this machine trains on, and in which arithmetic.

Knows nothing of networks or runs.
"""

from typing import Literal

import torch
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import ConfigError

from mlopsproj_train.config import Accelerator, Precision

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

_LIGHTNING: dict[Precision, LightningPrecision] = {
    Precision.float32: "32-true",
    Precision.bfloat16: "bf16-mixed",
    Precision.float16: "16-mixed",
}


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


def choose_precision(wanted: Precision, accelerator: str) -> Precision:
    """The arithmetic that is wanted, or the fastest that is safe on the device.

    Raises:
        ConfigError: if float16 is wanted on a CPU.
    """
    if wanted is Precision.float16 and accelerator == "cpu":
        raise ConfigError("trainer.precision=float16 needs a GPU: use bfloat16 or float32.")
    if wanted is not Precision.auto:
        return wanted
    if accelerator == "cuda":
        return Precision.bfloat16 if torch.cuda.is_bf16_supported() else Precision.float16
    if accelerator == "cpu" and _cpu_computes_bfloat16():
        return Precision.bfloat16
    return Precision.float32


def lightning_precision(precision: Precision) -> LightningPrecision:
    """Lightning's name for it."""
    return _LIGHTNING[precision]


def use_available_cpus() -> None:
    """Give torch the cores that this process may use: by itself it counts the host's."""
    torch.set_num_threads(available_cpus())


def _cpu_computes_bfloat16() -> bool:
    """Whether the CPU has instructions for it; emulated, it is slower than float32."""
    # torch keeps these private, and has no public way to ask.
    return any(
        bool(getattr(torch.cpu, name, lambda: False)())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
