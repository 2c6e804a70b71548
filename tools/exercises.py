"""The exercises of the notebooks: each has a title, a level, and below both what it asks for.

`### Exercise 2 · Add-one smoothing`, an empty line, `*Write a line · 8 minutes · 2 points*`, an empty line.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LEVELS = {  # minutes, and points
    "Find a number": (5, 1),
    "Write a line": (8, 2),
    "Derive a formula": (12, 3),
    "Write a function": (12, 3),
}
HEAD = re.compile(
    r"^### Exercise (\d+) · (.+)\n\n\*([\w ]+) · (\d+) minutes · (\d) points?\*\n\n", re.MULTILINE
)


class Exercise(NamedTuple):
    """What stands at the head of an exercise; `number` counts within its notebook."""

    number: int
    title: str
    level: str
    minutes: int
    points: int

    @property
    def heading(self) -> str:
        """Its heading, without the signs of Markdown; links are made from it."""
        return f"Exercise {self.number} · {self.title}"


def of(path: Path) -> list[Exercise]:
    """The exercises of a notebook, in their order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    heads = (found.groups() for text in prose for found in HEAD.finditer(text))
    return [
        Exercise(int(number), title, level, int(minutes), int(points))
        for number, title, level, minutes, points in heads
    ]


def title(path: Path) -> str:
    """A notebook's number and the first half of its title: what stands before the question."""
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    return f"{path.stem.split('_')[0]} · {first.splitlines()[0].removeprefix('# ').split(': ')[0]}"
