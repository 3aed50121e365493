"""AdamW over a network's weights and the learning rate's way through a run.

Knows nothing of Lightning, epochs or data.
"""

import math
from typing import Any

import torch
from mlopsproj_core.errors import ConfigError
from torch import nn
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
)

from mlopsproj_models.config import OptimizerConfig, Schedule

_START_DIVISOR = 10.0
_END_DIVISOR = 1000.0


def check_optimizer(config: OptimizerConfig) -> None:
    """Refuse settings that cannot be.

    Raises:
        ConfigError: naming the one that is out of range.
    """
    if not 0 < config.lr <= 1:
        raise ConfigError(f"optimizer.lr={config.lr}: give more than 0 and at most 1.")
    if not 0 <= config.weight_decay < math.inf:
        raise ConfigError(f"optimizer.weight_decay={config.weight_decay}: give 0 or more.")
    if not 0 < config.warmup_fraction < 1:
        raise ConfigError(
            f"optimizer.warmup_fraction={config.warmup_fraction}: give more than 0 and less than 1."
        )


def make_optimizer(network: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels only (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Raises:
        ConfigError: if a setting is out of range.
    """
    check_optimizer(config)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {
            "params": [parameter for parameter in parameters if parameter.ndim > 1],
            "weight_decay": config.weight_decay,
        },
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1]},
    ]
    # Not fused: a fused step cannot be combined with gradient clipping in float16.
    return torch.optim.AdamW(groups, lr=config.lr, weight_decay=0.0, foreach=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, config: OptimizerConfig, *, steps: int
) -> LRScheduler:
    """The learning rate of each of `steps` optimiser steps.

    One-cycle is Smith & Topin 2018 (arXiv:1708.07120), without its momentum cycle.

    Raises:
        ConfigError: if a setting is out of range.
    """
    check_optimizer(config)
    if config.schedule is Schedule.one_cycle:
        return OneCycleLR(
            optimizer,
            max_lr=config.lr,
            total_steps=steps,
            pct_start=config.warmup_fraction,
            div_factor=_START_DIVISOR,
            final_div_factor=_END_DIVISOR / _START_DIVISOR,
            cycle_momentum=False,
        )
    warmup = max(1, round(config.warmup_fraction * steps))
    return SequentialLR(
        optimizer,
        [
            LinearLR(optimizer, 1 / _START_DIVISOR, total_iters=warmup),
            CosineAnnealingLR(optimizer, max(1, steps - warmup), eta_min=config.lr / _END_DIVISOR),
        ],
        milestones=[warmup],
    )
