"""Settings of a climb that cannot be, refused before anything is made."""

from mlopsproj_core.errors import ConfigError

from mlopsproj_train.optimizing.config import OptimizeConfig, TimingConfig
from mlopsproj_train.optimizing.timing import FEWEST_ROUNDS, usable_threads

_MAX_SEED = 2**32 - 1


def check_settings(config: OptimizeConfig) -> None:
    """Refuse what cannot be done, before anything is made.

    Raises:
        ConfigError: naming the setting.
    """
    if not 0 <= config.budget < 1:
        raise ConfigError(f"budget={config.budget}: give 0 or more and less than 1, e.g. 0.005.")
    if config.accept_undecided is not None and not config.accept_undecided.strip():
        raise ConfigError("accept_undecided needs a reason: it is recorded in the registry.")
    if not 0 <= config.seed <= _MAX_SEED:
        raise ConfigError(f"seed={config.seed}: give 0 to {_MAX_SEED}.")
    _check_variants(config)
    _check_timing(config.timing)


def _check_variants(config: OptimizeConfig) -> None:
    quantisation = config.quantisation
    if quantisation.images < 1 and quantisation.methods:
        raise ConfigError(
            f"quantisation.images={quantisation.images}: ranges are seen on 1 image or more, such"
            " as 512; or give quantisation.methods=[]."
        )
    for key, shares, epochs in (
        ("pruning.ratios", config.pruning.ratios, config.pruning.epochs),
        ("distillation.widths", config.distillation.widths, config.distillation.epochs),
    ):
        if not all(0 < share < 1 for share in shares):
            raise ConfigError(f"{key}={list(shares)}: give shares above 0 and below 1, or [].")
        if epochs is not None and epochs < 1:
            group = key.partition(".")[0]
            raise ConfigError(f"{group}.epochs={epochs}: give 1 or more, or null.")
    if not 0 < config.pruning.lr <= 1:
        raise ConfigError(f"pruning.lr={config.pruning.lr}: give more than 0 and at most 1.")


def _check_timing(timing: TimingConfig) -> None:
    for key, counts in (("timing.batches", timing.batches), ("timing.threads", timing.threads)):
        if not counts or min(counts) < 1:
            raise ConfigError(f"{key}={list(counts)}: give 1 or more.")
    if timing.rounds < FEWEST_ROUNDS:
        raise ConfigError(
            f"timing.rounds={timing.rounds}: give {FEWEST_ROUNDS} or more, without which nothing"
            " is shown."
        )
    if not timing.seconds > 0:
        raise ConfigError(f"timing.seconds={timing.seconds}: give more than 0.")
    usable_threads(timing)
