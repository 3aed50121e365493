"""The command `predict`: what a model of the registry says of image files."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsproj_core.command import run_command
from mlopsproj_core.errors import ConfigError, ImageError
from mlopsproj_core.printing import printable

from mlopsproj_train.answers import answer_console, print_json, shown
from mlopsproj_train.arguments import split_options, take_path
from mlopsproj_train.config import Output, PredictConfig
from mlopsproj_train.hydra_command import run_hydra_command

if TYPE_CHECKING:
    from mlopsproj_core.predictor import Prediction, Predictor


def main() -> None:
    """Run the command with this process's arguments; the path stands alone."""
    run_command(_main)


def _main() -> None:
    settings = {field.name for field in fields(PredictConfig)}
    options, others = split_options(sys.argv[1:])
    path, given = take_path(others, settings)
    sys.argv[1:] = [*options, *given]
    run_hydra_command(
        "predict",
        PredictConfig,
        lambda config: _predict(path, config),
        description="Predict the class of an image file, or of each one in a folder.",
        usage="uv run predict FILE_OR_FOLDER [KEY=VALUE ...]",
        examples=(
            "uv run predict photo.jpg",
            "uv run predict photos/ bundle=fashion-mnist:2 top=1",
            "uv run predict photos/ output=json",
        ),
    )


def _predict(path: str | None, config: PredictConfig) -> None:
    from mlopsproj_train.finding import load_predictor
    from mlopsproj_train.logs import set_up_logging
    from mlopsproj_train.progress import progress_bar

    set_up_logging()
    if path is not None and config.path is not None:
        raise ConfigError(f"{path!r} and path={config.path} are two paths: leave out one.")
    path = path or config.path
    if not path:
        raise ConfigError("Nothing to predict: give a file or a folder, `uv run predict PATH`.")
    if config.top < 1:
        raise ConfigError(f"top={config.top}: give 1 or more.")
    files = _image_files(Path(path))
    name, predictor = load_predictor(config.bundle, config.registry)
    answers = []
    with progress_bar("predicting") as report_progress:
        for file in files:
            answers.append(_answer(file, predictor, config.top))
            report_progress(len(answers), len(files))
    if config.output is Output.json:
        print_json({"model": name, "images": answers})
    else:
        _print_table(name, answers)
    unusable = sum("error" in answer for answer in answers)
    if unusable:
        raise ImageError(f"{unusable} of {len(files)} files cannot be used, see above.")


def _image_files(path: Path) -> list[Path]:
    from mlopsproj_data.sources.image_files import ENDINGS

    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in ENDINGS and _may_be_read(file)
        )
        if not files:
            raise ConfigError(f"{shown(path)} holds no image ({', '.join(sorted(ENDINGS))}).")
        return files
    if not path.exists():
        raise ConfigError(f"{shown(path)} does not exist: give an image file or a folder of them.")
    return [path]


def _may_be_read(file: Path) -> bool:
    """No folder, device or pipe; a link that leads nowhere is told when it is read."""
    return file.is_file() or (file.is_symlink() and not file.exists())


def _answer(file: Path, predictor: "Predictor", top: int) -> dict[str, Any]:
    try:
        prediction = predictor.predict([file.read_bytes()])[0]
    except (ImageError, OSError) as error:
        return {"file": shown(file), "error": str(error)}
    return {"file": shown(file), **_facts(prediction, top)}


def _facts(prediction: "Prediction", top: int) -> dict[str, Any]:
    return {
        "predictions": [
            {"class": item.name, "probability": round(item.probability, 6)}
            for item in prediction.ranking[:top]
        ],
        "ood_score": round(prediction.ood_score, 6),
    }


def _print_table(name: str, answers: list[dict[str, Any]]) -> None:
    from rich.table import Table

    console = answer_console()
    table = Table(title=f"Predictions of {name}", title_justify="left")
    for column in ("file", "class", "probability", "then", "out of distribution"):
        table.add_column(column, overflow="fold")
    for answer in answers:
        if "error" in answer:
            continue
        first, *rest = answer["predictions"]
        then = ", ".join(f"{item['class']} {item['probability']:.3f}" for item in rest)
        table.add_row(
            printable(answer["file"]),
            first["class"],
            f"{first['probability']:.3f}",
            then,
            f"{answer['ood_score']:.2f}",
        )
    if table.row_count:
        console.print(table)
    for answer in answers:
        if "error" in answer:
            told = f"{printable(answer['file'])}: {answer['error']}"
            console.print(told, style="red", soft_wrap=True)
