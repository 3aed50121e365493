"""What every figure of a report has in common: it is a picture within the page, for any ground.

Drawn without a display and without matplotlib's global state. Knows nothing of checks.
"""

import base64
import io
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

WINDOW, REFERENCE, ALARM = "#3b6fd6", "#98a3b5", "#d5475a"
"""Colours that are told apart on a light page and on a dark one."""

INK: Final = "#77839a"
"""Of text and lines, likewise."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure.

    Args:
        width: in inches.
        height: in inches.
    """
    return Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Axes, title: str, *, colour: str = INK) -> None:
    """With a title in a colour, and no more lines than are needed."""
    axes.set_title(title, color=colour, fontsize=10, loc="left")
    axes.tick_params(colors=INK, labelsize=8)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)


def data_uri(figure: Figure) -> str:
    """The figure as the source of an `img`: SVG with a transparent ground."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()
