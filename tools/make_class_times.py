"""How many minutes each notebook takes in a class, estimated from its text: `python -m tools.make_class_times`.

Nobody stood in a room with a clock for this. The rule is simple, and the same for all notebooks: reading at WORDS words
a minute, NAMES names and numbers of code, PREDICTION minutes for a vote and its answer, and for an exercise the minutes
that stand at its head. Solutions, setup and checks do not count.
"""

import json
import re

from tools import exercises, results

WORDS, NAMES, PREDICTION = 180, 210, 2
CORE: dict[str, tuple[int, ...]] = {  # the sections of a core path; () for all
    "00": (),
    "01a": (1, 2, 3, 5, 7),
    "01b": (1, 2, 3, 4, 7),
    "02a": (1, 2, 3, 4),
    "02b": (1, 2, 3, 5, 7),
    "02c": (1, 3, 4, 7),
    "03a": (1, 2, 3, 4, 6),
    "03b": (1, 2, 3, 4, 8),
    "04a": (1, 2, 3, 5, 6),
    "04b": (1, 3, 4, 6),
    "04c": (1, 3, 4, 5),
    "05a": (1, 2, 3, 5, 6),
    "05b": (1, 2, 3, 5),
    "05c": (1, 2, 3, 4),
    "05d": (1, 2, 3, 5),
    "06a": (1, 2, 3, 4),
    "06b": (1, 2, 3, 4),
    "06c": (1, 2, 3, 6),
    "07a": (1, 2, 3, 7, 8),
    "07b": (1, 2, 3, 8),
}
TARGET = results.DATA / "class_times.json"
HEADING = re.compile(r"^## (?:(\d+)[ .]|(Break it)|(Exercises))?", re.MULTILINE)


def parts(cells: list[dict]) -> dict[str, float]:
    """Minutes by section: "1", "2", ..., "break", and "rest" for what stands before and after; no exercises."""
    minutes, here = {"rest": 0.0}, "rest"
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (found := HEADING.search(source)):
            number, broken, exercises = found.groups()
            here = number or (broken and "break") or (exercises and "exercises") or "rest"
        if here != "exercises" and not {"solution", "remove-cell"} & set(_tags(cell)):
            minutes[here] = minutes.get(here, 0.0) + of_cell(cell["cell_type"], source)
    return minutes


def of_cell(kind: str, source: str) -> float:
    """Minutes for one cell: its words, or its names and numbers of code, and its predictions."""
    if kind == "code":
        return len(re.findall(r"\w+", source)) / NAMES
    text = re.sub(r"</?\w+>", " ", source)
    return len(text.split()) / WORDS + PREDICTION * source.count("**Predict.**")


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def row(number: str, cells: list[dict], exercise_minutes: list[int]) -> dict:
    """What a notebook takes: all of it, its core path, its exercises."""
    minutes = parts(cells)
    chosen = CORE.get(number, ())
    core = [str(k) for k in chosen] or list(minutes)
    return {
        "sections": ", ".join(core) if chosen else "–",
        "core": minutes["rest"] * bool(chosen) + sum(minutes[name] for name in core),
        "all": sum(minutes.values()),
        "exercises": sum(exercise_minutes),
    }


def main() -> None:
    found = {}
    for path in sorted(exercises.NOTEBOOKS.glob("*.ipynb")):
        number = path.stem.split("_")[0]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[number] = row(number, cells, [one.minutes for one in exercises.of(path)])
    total = {key: sum(one[key] for one in found.values()) for key in ("core", "all", "exercises")}
    about = results.about("python -m tools.make_class_times", ()) | results.facts()
    results.write(about | {"notebooks": found, "total": total}, TARGET)


if __name__ == "__main__":
    main()
