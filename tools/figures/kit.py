"""What all still figures share: colours that read on a light and on a dark page, a style, boxes and arrows."""

import base64
import zlib

import matplotlib
import numpy as np

matplotlib.use("svg")
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Polygon

TEXT, BLUE, ORANGE, GREEN = "#777777", "#2a7fba", "#c95c0c", "#128a63"
WIDTH = 7.2  # inches at 100 px each: about the width of the text on a page
STYLE = {
    "svg.hashsalt": "genlib",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.transparent": True,
    "font.size": 11,  # points: 15 px
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}


def canvas(axis: Axes, width: float = 10.0, height: float = 4.0) -> Axes:
    """Turn an axis into an empty sheet with equal units: x from 0 to width, y from 0 to height."""
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.set_aspect("equal")
    axis.axis("off")
    return axis


def box(
    axis: Axes,
    centre: tuple[float, float],
    size: tuple[float, float],
    words: str = "",
    colour: str = TEXT,
    taper: float = 0.0,
) -> None:
    """A labelled box; `taper` shrinks its right side (an encoder) or, below 0, its left side (a decoder).

    Args:
        taper: by how much of its height the one side is shorter, from -1 to 1.
    """
    (x, y), (w, h) = centre, size
    left, right = h / 2 * (1 + min(taper, 0)), h / 2 * (1 - max(taper, 0))
    corners = [
        (x - w / 2, y - left),
        (x - w / 2, y + left),
        (x + w / 2, y + right),
        (x + w / 2, y - right),
    ]
    axis.add_patch(Polygon(corners, fc=colour, alpha=0.15, lw=0))
    axis.add_patch(Polygon(corners, fc="none", ec=colour, lw=1.6))
    axis.text(x, y, words, ha="center", va="center")


def arrow(
    axis: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    words: str = "",
    colour: str = TEXT,
    bend: float = 0.0,
    dashes: str = "-",
) -> None:
    """An arrow, its words above the middle; `bend` curves it to the left (above 0) or to the right."""
    axis.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=12,
            color=colour,
            lw=1.6,
            ls=dashes,
            shrinkA=0,
            shrinkB=0,
            connectionstyle=f"arc3,rad={-bend}",
        )
    )
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    axis.annotate(words, middle, (0, 5), textcoords="offset points", ha="center", va="bottom")


def unpacked(text: str, shown: int) -> np.ndarray:
    """The images of a row side by side, (28, 28 shown), 0 to 255: the way back from tools.results.packed."""
    levels = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.concatenate(levels.reshape(shown, 28, 28), axis=1)


def show_row(axis: Axes, text: str, shown: int, label: str) -> None:
    """A stored row of images of 28 x 28 with its label beside it."""
    axis.imshow(ink(unpacked(text, shown)), interpolation="none")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_ylabel(label, rotation=0, ha="right", va="center")


def ink(levels: np.ndarray) -> np.ndarray:
    """Grey levels as one colour of more or less opacity, in steps of 1/16, so that they show on any ground."""
    colour = [int(TEXT[i : i + 2], 16) for i in (1, 3, 5)]
    opacity = np.round(levels / 255 * 16) / 16 * 255
    paper = np.empty((*levels.shape, 4), np.uint8)
    paper[..., :3], paper[..., 3] = colour, opacity
    return paper
