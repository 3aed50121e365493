"""Pictures of a robustness: accuracy against severity, and what the corruptions look like.

Drawn without a display and without matplotlib's global state. Knows nothing of bundles.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mlopsproj_core.image import Pixels
from mlopsproj_core.labelled import LabelledImages

from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corrupting import corrupt
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES, Family
from mlopsproj_evaluation.robustness.measuring import choose_images
from mlopsproj_evaluation.robustness.outcomes import Robustness

_DPI = 120
_SHOWN_IMAGES = 5
_SHOWN_SIDE = 96
_GAP = 0.06


def write_robustness_figures(
    robustness: Robustness, images: LabelledImages, folder: Path
) -> list[Path]:
    """Draw both as PNG.

    Args:
        robustness: that was measured by this release.
        images: that it was measured on, some of which are shown.
        folder: made if it is missing.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "accuracy_by_severity": _accuracy_by_severity(robustness),
        "corruptions": _contact_sheet(images, robustness.seed),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=_DPI)
        paths.append(path)
    return paths


def _accuracy_by_severity(robustness: Robustness) -> Figure:
    figure = Figure(figsize=(11, 7), layout="constrained")
    panels = figure.subplots(2, -(-len(Family) // 2), sharex=True, sharey=True, squeeze=False)
    accuracy, clean = robustness.accuracy, robustness.clean_accuracy
    figure.suptitle(
        f"Mean corruption accuracy {accuracy.value:.4f} ({accuracy.low:.4f} to"
        f" {accuracy.high:.4f}) on {len(robustness):,} images"
    )
    for axes, family in zip(panels.flat, Family, strict=True):
        axes.axhline(clean.value, color="grey", linestyle="--", label="as they were")
        names = [name for name, each in CORRUPTIONS.items() if each.family is family]
        for place, name in enumerate(names):
            found = [(s, at) for s in SEVERITIES if (at := robustness.at(name, s))]
            values = np.array([(at.value, at.low, at.high) for _, at in found]).T
            # Beside each other, so that no interval hides another.
            at_x = [severity + _GAP * place for severity, _ in found]
            errors = np.abs(values[1:] - values[0])
            axes.errorbar(at_x, values[0], errors, marker="o", capsize=2, label=_plain(name))
        axes.set_title(family.value)
        axes.set_ylim(0, 1.02)
        axes.set_xticks(SEVERITIES)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    for axes in panels[-1]:
        axes.set_xlabel("severity")
    for axes in panels[:, 0]:
        axes.set_ylabel("share that is right")
    return figure


def _contact_sheet(images: LabelledImages, seed: int) -> Figure:
    """A row for each corruption: an image as it was, and at severities 1 to 5."""
    rows = choose_images(images, most_images=_SHOWN_IMAGES)
    strips = []
    for place, name in enumerate(CORRUPTIONS):
        row = rows[place % len(rows)]
        pixels, image_id = images.images[row : row + 1], images.ids[row]
        spoilt = [corrupt(pixels, [image_id], name, s, seed=seed)[0] for s in SEVERITIES]
        strips.append(np.concatenate([_small(each) for each in (pixels[0], *spoilt)], axis=1))
    sheet = np.concatenate(strips, axis=0)
    height, width = sheet.shape[0] / len(strips), sheet.shape[1] / (1 + len(SEVERITIES))
    figure = Figure(
        figsize=(2 + 0.9 * (1 + len(SEVERITIES)), 0.4 + 0.9 * len(strips) * height / width),
        layout="constrained",
    )
    axes = figure.add_subplot()
    grey = sheet.shape[2] == 1
    axes.imshow(sheet[..., 0] if grey else sheet, cmap="gray" if grey else None, vmin=0, vmax=255)
    columns = (np.arange(1 + len(SEVERITIES)) + 0.5) * width - 0.5
    axes.set_xticks(columns, ["as it was", *map(str, SEVERITIES)])
    axes.set_yticks((np.arange(len(strips)) + 0.5) * height - 0.5, map(_plain, CORRUPTIONS))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _small(pixels: Pixels) -> Pixels:
    """Every n-th pixel of a large image, for its noise is not to be averaged away; a white edge."""
    step = max(1, max(pixels.shape[:2]) // _SHOWN_SIDE)
    small = pixels[::step, ::step]
    edge = max(1, min(small.shape[:2]) // 32)
    return np.pad(small, ((edge, edge), (edge, edge), (0, 0)), constant_values=255)


def _plain(name: str) -> str:
    return name.replace("_", " ")
