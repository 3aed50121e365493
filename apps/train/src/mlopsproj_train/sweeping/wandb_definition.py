"""The same search as a sweep of Weights & Biases, for those who use its service.

Knows nothing of the service beyond the file that it takes.
"""

import math
import tempfile
from pathlib import Path
from typing import Any

from mlopsproj_core.local_files import put_in_place
from omegaconf import OmegaConf

from mlopsproj_train.arguments import as_value
from mlopsproj_train.sweeping.search_space import Choices, Label, Range
from mlopsproj_train.sweeping.study import Beginning

_MOST_VALUES = 50
"""Where its service has no distribution for a range, so many of its values are named at most."""


def write_definition(beginning: Beginning, folder: Path) -> Path:
    """Write `wandb.yaml` for `wandb sweep`.

    Its runs are published to a registry of their own in `folder`: most are worth no version.

    Args:
        beginning: what is searched, around which run.
        folder: of the sweep.
    """
    registry = (folder / "wandb-registry").as_posix()
    document = {
        "name": folder.name,
        "method": "bayes",
        "metric": {"name": "val/accuracy", "goal": "maximize"},
        "parameters": {key: _parameter(p) for key, p in beginning.space.parameters.items()},
        "command": [
            *("${env}", "uv", "run", "train"),
            *beginning.settings,
            *("logger.wandb=online", f"registry={registry}", "${args_no_hyphens}"),
        ],
    }
    path = folder / "wandb.yaml"
    # Two processes may begin at once: each has a draft of its own.
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as own:
        draft = Path(own) / path.name
        draft.write_text(OmegaConf.to_yaml(OmegaConf.create(document)), encoding="utf-8")
        put_in_place(draft, path)
    return path


def _parameter(parameter: Range | Choices) -> dict[str, Any]:
    if isinstance(parameter, Choices):
        return {"values": [_typed(label, value) for label, value in parameter.values.items()]}
    if parameter.step is not None or (parameter.whole and parameter.log):
        return {"values": _values(parameter)}
    if parameter.whole:
        return {"distribution": "int_uniform", "min": parameter.low, "max": parameter.high}
    kind = "log_uniform_values" if parameter.log else "uniform"
    return {"distribution": kind, "min": parameter.low, "max": parameter.high}


def _typed(label: Label, value: object) -> Label:
    """Numbers as they are, the rest as a user would type it: so it stands in the command."""
    return (
        label if isinstance(label, int | float) and not isinstance(label, bool) else as_value(value)
    )


def _values(parameter: Range) -> list[float]:
    """Some values from low to high, as evenly as the range says."""
    count = int(min(parameter.size, _MOST_VALUES))
    parts = [index / (count - 1) for index in range(count)]
    if parameter.log:
        logs = (math.log(parameter.low), math.log(parameter.high))
        numbers = [math.exp(logs[0] + part * (logs[1] - logs[0])) for part in parts]
    else:
        step = parameter.step or 1
        last = round((parameter.high - parameter.low) / step)
        numbers = [parameter.low + step * round(part * last) for part in parts]
    return sorted({parameter.value(round(n) if parameter.whole else n) for n in numbers})
