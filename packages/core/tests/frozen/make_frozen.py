"""Makes the registry that every later release must read: `python make_frozen.py FOLDER`.

Run it once for each schema of bundles, by the release that has it, and commit what it makes as
`registry-{schema}`: what stands here already is never made again. Needs the whole workspace, and
`tests/` on the path.

    brightness:1     production, to which it was rolled back from 4
    brightness:2     removed by gc
    brightness:3     a publication that was never finished
    brightness:4     the candidate, made from 1
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from mlopsproj_core import Bundle, ImageSpec
from mlopsproj_core.bundle import EVALUATION, MODEL_CARD, REFERENCE, TRAINING_IDS
from mlopsproj_core.garbage import find_garbage, remove_garbage
from mlopsproj_core.image import prepare_image
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.outputs import Outputs
from mlopsproj_core.registry import Registry
from mlopsproj_evaluation import Scores, write_reference
from shop import PARITY, as_training_ids, made_up_scores
from small_bundle import make_small_bundle

IDS = tuple(f"{number:064x}" for number in range(1, 41))
SPEC = ImageSpec(height=28, width=28, channels=1)


def fill(folder: Path) -> None:
    """Write an evaluation of 40 images, 38 of them right, a reference of them, and the rest."""
    scores = made_up_scores([number < 38 for number in range(40)], IDS, [n % 2 for n in range(40)])
    scores.write(folder / EVALUATION)
    write_reference(folder / REFERENCE, statistics(), scores, outputs(scores))
    training = as_training_ids([f"{number:064x}" for number in range(100, 120)])
    np.save(folder / TRAINING_IDS, training, allow_pickle=False)
    (folder / MODEL_CARD).write_text("# brightness\n", encoding="utf-8")


def statistics() -> pa.Table:
    """Of images that are grey all over."""
    images = (np.full((40, 30, 3), number * 6, np.uint8) for number in range(40))
    prepared = [prepare_image(image, SPEC) for image in images]
    return pa.Table.from_pylist([image.statistics.as_dict() for image in prepared])


def outputs(scores: Scores) -> Outputs:
    """As a graph might give them."""
    number = len(scores)
    embedding = np.linspace(-0.5, 0.5, number, dtype=np.float32)[:, None]
    score = np.linspace(0, 1, number, dtype=np.float32)
    return Outputs(scores.probabilities, embedding, score)


def main(folder: Path) -> None:
    """Make the registry in a folder that is not there."""
    registry = Registry(str(folder))
    made = make_small_bundle(folder.with_name(f"{folder.name}.bundle"), parity=PARITY, fill=fill)
    for parent in (None, None, None, "brightness:1"):
        text = json.loads((made.path / MANIFEST).read_text(encoding="utf-8"))
        (made.path / MANIFEST).write_text(json.dumps({**text, "parent": parent}), encoding="utf-8")
        registry.publish(Bundle.open(made.path))
    for alias, number in (("production", 1), ("production", 4), ("candidate", 4)):
        registry.move_alias("brightness", alias, number, actor="Ada", reason=f"{number} is better")
    registry.rollback("brightness", "production", actor="Bob", reason="wrong at night")
    unfinished = folder / "brightness" / "versions" / "3"
    survey = find_garbage(registry, timedelta(0))
    second = [garbage for garbage in survey.garbage if garbage.version.number == 2]
    list(remove_garbage(registry, replace(survey, garbage=tuple(second)), actor="Ada"))
    for path in [path for path in unfinished.rglob("*") if path.is_file()]:
        if path.name not in {"claim", MODEL_CARD}:
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
