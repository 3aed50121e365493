from dataclasses import replace

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.optimizing.checks import check_settings
from mlopsproj_train.optimizing.config import (
    DistillationConfig,
    OptimizeConfig,
    PruningConfig,
    QuantisationConfig,
    TimingConfig,
)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"budget": -0.1}, "budget=-0.1"),
        ({"budget": 1.0}, "budget=1.0"),
        ({"budget": float("nan")}, "budget=nan"),
        ({"accept_undecided": " "}, "accept_undecided"),
        ({"quantisation": QuantisationConfig(images=0)}, "quantisation.images=0"),
        ({"pruning": PruningConfig(ratios=(0.5, 1.0))}, r"pruning.ratios=\[0.5, 1.0\]"),
        ({"pruning": PruningConfig(epochs=0)}, "pruning.epochs=0"),
        ({"pruning": PruningConfig(lr=0.0)}, "pruning.lr=0.0"),
        ({"distillation": DistillationConfig(widths=(0.0,))}, r"distillation.widths=\[0.0\]"),
        ({"distillation": DistillationConfig(epochs=-1)}, "distillation.epochs=-1"),
        ({"timing": TimingConfig(batches=())}, r"timing.batches=\[\]"),
        ({"timing": TimingConfig(threads=(0,))}, r"timing.threads=\[0\]"),
        ({"timing": TimingConfig(rounds=14)}, r"timing.rounds=14"),
        ({"timing": TimingConfig(seconds=-1.0)}, "timing.seconds=-1.0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_is_named(change, key):
    with pytest.raises(ConfigError, match=key):
        check_settings(replace(OptimizeConfig(), **change))


def test_what_is_switched_off_needs_nothing():
    check_settings(
        OptimizeConfig(
            quantisation=QuantisationConfig(dynamic=False, methods=(), images=0),
            pruning=PruningConfig(ratios=()),
            distillation=DistillationConfig(widths=()),
        )
    )
