"""Shows that a member lives without torch: `python torch_free.py BUNDLE MODULE [--only-loaded]`.

Imports the member, answers one prediction, and ends with an error if torch was loaded or, unless
told to look at what was loaded only, if it is installed.
"""

import sys
from importlib import import_module, metadata
from pathlib import Path

import numpy as np

TORCH = {"lightning", "pytorch-lightning", "torch", "torchmetrics", "torchvision", "triton"}


def main(bundle: Path, module: str, *, only_loaded: bool) -> None:
    """Predict with `bundle` beside `module`; raises SystemExit with what was found of torch."""
    import_module(module)
    predictor = import_module("mlopsproj_core").Predictor.load(bundle)
    (prediction,) = predictor.predict([np.full((28, 28), 250, dtype=np.uint8)])
    if prediction.label != "bright":
        sys.exit(f"A bright image was taken for {prediction.label}.")
    loaded = {name.partition(".")[0] for name in sys.modules} & {
        name.replace("-", "_") for name in TORCH
    }
    if loaded:
        sys.exit(f"{module} and a prediction load {', '.join(sorted(loaded))}.")
    installed = {distribution.name.lower() for distribution in metadata.distributions()} & TORCH
    if installed and not only_loaded:
        sys.exit(f"{module} installs {', '.join(sorted(installed))}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], only_loaded="--only-loaded" in sys.argv[3:])
