"""AdamW over a network's weights and the learning rate's way through a run.

A run has one phase, or two: a first one in which the backbone is frozen and the head alone learns.
Each has its own rise and fall. Knows nothing of Lightning, epochs or data.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from mlopsproj_core.errors import ConfigError
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from mlopsproj_models.config import FineTuneConfig, OptimizerConfig, Schedule
from mlopsproj_models.networks import ImageNetwork

_START = 0.1
_END = 0.001


def check_optimizer(config: OptimizerConfig) -> None:
    """Refuse settings that cannot be.

    Raises:
        ConfigError: naming the one that is missing or out of range.
    """
    if not 0 < given("optimizer.lr", config.lr) <= 1:
        raise ConfigError(f"optimizer.lr={config.lr}: give more than 0 and at most 1.")
    if not 0 <= given("optimizer.weight_decay", config.weight_decay) < math.inf:
        raise ConfigError(f"optimizer.weight_decay={config.weight_decay}: give 0 or more.")
    if not 0 < config.warmup_fraction < 1:
        raise ConfigError(
            f"optimizer.warmup_fraction={config.warmup_fraction}: give more than 0 and less than 1."
        )


def check_finetune(config: FineTuneConfig) -> None:
    """Refuse settings that cannot be.

    Raises:
        ConfigError: naming the one that is missing or out of range.
    """
    prefix = "model.finetune."
    if given(f"{prefix}frozen_epochs", config.frozen_epochs) < 0:
        raise ConfigError(f"{prefix}frozen_epochs={config.frozen_epochs}: give 0 or more.")
    if not 0 < given(f"{prefix}frozen_lr", config.frozen_lr) <= 1:
        raise ConfigError(f"{prefix}frozen_lr={config.frozen_lr}: give more than 0 and at most 1.")
    if not 0 < given(f"{prefix}layer_decay", config.layer_decay) <= 1:
        raise ConfigError(
            f"{prefix}layer_decay={config.layer_decay}: give more than 0 and at most 1."
        )


def given(key: str, value: float | None) -> float:
    """`value`, which a command has put in the place of null.

    Raises:
        ConfigError: if it has not.
    """
    if value is None:
        raise ConfigError(f"{key}=null: give a number; only a command can choose one.")
    return value


def make_optimizer(
    network: ImageNetwork, config: OptimizerConfig, *, layer_decay: float = 1.0
) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels only (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Args:
        network: whose weights are trained.
        config: rate and decay of the weights.
        layer_decay: rate of each stage over that of the next one, below 1 for early layers that
            change less (discriminative rates: Howard & Ruder 2018, arXiv:1801.06146).

    Raises:
        ConfigError: if a setting is out of range.
    """
    check_optimizer(config)
    lr = given("optimizer.lr", config.lr)
    decay = given("optimizer.weight_decay", config.weight_decay)
    # One pair of groups where it will do: each costs time at every step.
    stages = [list(network.parameters())] if layer_decay == 1 else network.parameters_by_stage()
    groups: list[dict[str, Any]] = []
    for depth, stage in enumerate(reversed(stages)):
        rate = lr * layer_decay**depth
        matrices = [parameter for parameter in stage if parameter.ndim > 1]
        others = [parameter for parameter in stage if parameter.ndim <= 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": decay})
        groups.append({"params": others, "lr": rate, "weight_decay": 0.0})
    # Not fused: a fused step cannot be combined with gradient clipping in float16.
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, foreach=True)


def make_schedule(
    optimizer: torch.optim.Optimizer,
    config: OptimizerConfig,
    *,
    steps: int,
    frozen_steps: int = 0,
    frozen_lr: float | None = None,
) -> LRScheduler:
    """The learning rate of each of `steps` optimiser steps.

    Args:
        optimizer: its groups have their largest rates.
        config: the shape of rise and fall, which both phases have.
        steps: of the run.
        frozen_steps: of its first phase, in which the head alone learns.
        frozen_lr: largest rate in that phase; needed if it has a step.

    Raises:
        ConfigError: if a setting is out of range.
    """
    check_optimizer(config)
    first = min(frozen_steps, steps)

    def way(peak: float) -> Callable[[int], float]:
        def factor(step: int) -> float:
            if step < first:
                frozen = given("model.finetune.frozen_lr", frozen_lr)
                return frozen / peak * _cycle(step, first, config)
            return _cycle(step - first, steps - first, config)

        return factor

    return LambdaLR(optimizer, [way(group["lr"]) for group in optimizer.param_groups])


def _cycle(step: int, steps: int, config: OptimizerConfig) -> float:
    """Share of the largest rate: a rise from a tenth, and a fall to a thousandth.

    One-cycle, which rises along a cosine too, is Smith & Topin 2018 (arXiv:1708.07120), without its
    momentum cycle.
    """
    peak = max(1.0, config.warmup_fraction * steps - 1)
    if step >= peak:
        done = min(1.0, (step - peak) / max(1.0, steps - 1 - peak))
        return _END + (1 - _END) * _half_cosine(1 - done)
    risen = step / peak
    if config.schedule is Schedule.one_cycle:
        risen = _half_cosine(risen)
    return _START + (1 - _START) * risen


def _half_cosine(share: float) -> float:
    """0 to 1 for 0 to 1, level at both ends."""
    return (1 - math.cos(math.pi * share)) / 2
