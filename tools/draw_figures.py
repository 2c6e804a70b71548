"""Draw the still figures of the pages into book/_static/figures/, as SVG that reads well on a light and a dark page.

    python -m tools.draw_figures          # draw all
    python -m tools.draw_figures kl       # draw one

The ground is transparent and every colour is in the middle between white and the dark page. A figure holds as
few words as it can; all of them stand in tools/figures/words.py, so that a translation changes one place.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tools.figures import (
    chapter_1,
    chapter_2,
    chapter_3,
    chapter_4,
    chapter_5,
    chapter_6,
    chapter_7,
    museum,
    probability,
    race,
)
from tools.figures.kit import STYLE

FOLDER = Path(__file__).resolve().parent.parent / "book" / "_static" / "figures"

PAGES = (
    probability,
    chapter_1,
    chapter_2,
    chapter_3,
    chapter_4,
    chapter_5,
    chapter_6,
    chapter_7,
    race,
    museum,
)
FIGURES: dict[str, Callable[[], Figure]] = {f.__name__: f for page in PAGES for f in page.FIGURES}


def draw(name: str, folder: Path = FOLDER) -> Path:
    """Draw one figure into `folder`; the same bytes each time with the same Matplotlib.

    Raises:
        ValueError: there is no figure of that name.
    """
    if name not in FIGURES:
        raise ValueError(f"name: expected one of {', '.join(FIGURES)}, got {name!r}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    with plt.rc_context({**matplotlib.rcParamsDefault, "backend": "svg", **STYLE}):
        figure = FIGURES[name]()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        path = draw(name)
        print(
            f"{path.relative_to(FOLDER.parent.parent.parent)}: {path.stat().st_size / 1024:.0f} KB"
        )
