"""The command `predict`: what a model of the registry says of image files."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsproj_core.errors import ConfigError, ImageError

from mlopsproj_train.config import Output, PredictConfig
from mlopsproj_train.hydra_command import run_hydra_command

if TYPE_CHECKING:
    from mlopsproj_core.predictor import Prediction, Predictor

_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def main() -> None:
    """Run the command with this process's arguments; the path stands alone."""
    sys.argv[1:] = [_as_override(argument) for argument in sys.argv[1:]]
    run_hydra_command(
        "predict",
        PredictConfig,
        _predict,
        description="Predict the class of an image file, or of each one in a folder.",
        usage="uv run predict FILE_OR_FOLDER [KEY=VALUE ...]",
        examples=(
            "uv run predict photo.jpg",
            "uv run predict photos/ bundle=fashion-mnist:2 top=1",
            "uv run predict photos/ output=json",
        ),
    )


def _as_override(argument: str) -> str:
    """`PATH` as `path='PATH'`; what is an option or a setting already stays."""
    key = argument.partition("=")[0]
    if argument.startswith("-") or (
        "=" in argument and key.lstrip("+~").replace(".", "").isidentifier()
    ):
        return argument
    quoted = argument.replace("\\", "\\\\").replace("'", "\\'")
    return f"path='{quoted}'"


def _predict(config: PredictConfig) -> None:
    from mlopsproj_train.finding import load_predictor
    from mlopsproj_train.logs import set_up_logging

    set_up_logging()
    if config.path is None:
        raise ConfigError("Nothing to predict: give a file or a folder, `uv run predict PATH`.")
    if config.top < 1:
        raise ConfigError(f"top={config.top}: give 1 or more.")
    files = _image_files(Path(config.path))
    name, predictor = load_predictor(config.bundle, config.registry)
    answers = [_answer(file, predictor, config.top) for file in files]
    if config.output is Output.json:
        _print_json(name, answers)
    else:
        _print_table(name, answers)
    unusable = sum("error" in answer for answer in answers)
    if unusable:
        raise ImageError(f"{unusable} of {len(files)} files cannot be used, see above.")


def _image_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"{path} does not exist: give an image file or a folder of them.")
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES)
    if not files:
        raise ConfigError(f"{path} holds no image ({', '.join(sorted(_SUFFIXES))}).")
    return files


def _answer(file: Path, predictor: "Predictor", top: int) -> dict[str, Any]:
    try:
        prediction = predictor.predict([file.read_bytes()])[0]
    except (ImageError, OSError) as error:
        return {"file": str(file), "error": str(error)}
    return {"file": str(file), **_facts(prediction, top)}


def _facts(prediction: "Prediction", top: int) -> dict[str, Any]:
    return {
        "predictions": [
            {"class": item.name, "probability": round(item.probability, 6)}
            for item in prediction.ranking[:top]
        ],
        "ood_score": round(prediction.ood_score, 6),
    }


def _print_json(name: str, answers: list[dict[str, Any]]) -> None:
    print(json.dumps({"model": name, "images": answers}, indent=2))  # noqa: T201 (the answer)


def _print_table(name: str, answers: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Predictions of {name}", title_justify="left")
    for column in ("file", "class", "probability", "then", "out of distribution"):
        table.add_column(column, overflow="fold")
    for answer in answers:
        if "error" in answer:
            table.add_row(answer["file"], f"[red]{answer['error']}[/red]")
            continue
        first, *rest = answer["predictions"]
        then = ", ".join(f"{item['class']} {item['probability']:.3f}" for item in rest)
        table.add_row(
            answer["file"],
            first["class"],
            f"{first['probability']:.3f}",
            then,
            f"{answer['ood_score']:.2f}",
        )
    Console().print(table)
