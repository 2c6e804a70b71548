"""The written problems of the pages: question, folded answer, minutes and points.

A problem is a heading such as `### 3. Derive: a title (8 minutes, 8 points)`; below it stand the question and a
dropdown whose title begins with *Answer*. Its name is that of its page and its number there: `3.1` is the first
problem of chapter 3, `exam.1` that of the page on exams.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
HEAD = re.compile(
    r"^### (\d+)\. (Derive|Explain|Find the fault): (.+) \((?:chapter \d, )?(\d+) minutes, (\d+) points\)$",
    re.MULTILINE,
)
FOLDED = re.compile(r"^(`{3,}|:{3,})\{dropdown\} Answer.*\n((?:.*\n)*?)\1[ \t]*$", re.MULTILINE)
LISTING = re.compile(r"^````\n(?:.*\n)*?````$", re.MULTILINE)  # an example of a page
EQUATION = re.compile(r"^\$\$\n((?:.*\n)+?)\$\$ \(([\w-]+)\)$", re.MULTILINE)


class Written(NamedTuple):
    """A problem; question and answer are Markdown."""

    name: str
    title: str
    minutes: int
    points: int
    question: str
    answer: str


def of(page: Path) -> list[Written]:
    """The written problems of a page, in order.

    Raises:
        ValueError: a problem has no folded answer.
    """
    text = LISTING.sub("", page.read_text(encoding="utf-8"))
    chapter = re.match(r"0?(\d+)_", page.stem)
    found = []
    for head in HEAD.finditer(text):
        part = re.split("^##", text[head.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        folded = FOLDED.search(part)
        if not folded:
            raise ValueError(f"{page.name}, problem {head[1]}: expected a folded answer")
        name = f"{chapter[1] if chapter else page.stem}.{head[1]}"
        question, answer = part[: folded.start()].strip(), folded[2].strip()
        title = f"{head[2]}: {head[3]}"
        found.append(Written(name, title, int(head[4]), int(head[5]), question, answer))
    return found


def pages(folder: Path | None = None) -> list[Path]:
    """The chapters and the page on exams, and the pages of a folder of one's own."""
    own = sorted(folder.rglob("*.md")) if folder else []
    return [*sorted(BOOK.glob("[0-9][0-9]_*.md")), BOOK / "teaching" / "exam.md", *own]


def chosen(names: Iterable[str], folder: Path | None = None) -> list[Written]:
    """The problems of these names; the name of a page stands for all of its problems.

    Raises:
        ValueError: there is no such problem, or two pages have one name.
    """
    every = [problem for page in pages(folder) for problem in of(page)]
    known = [problem.name for problem in every]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        raise ValueError(f"pages: expected names that differ, got twice {', '.join(twice)}")
    found = []
    for name in names:
        matching = [p for p in every if name in (p.name, p.name.rpartition(".")[0])]
        if not matching:
            raise ValueError(f"written: expected some of {', '.join(known)}, got {name}")
        found += matching
    return found


def for_print(text: str) -> str:
    """Markdown that means the same outside of the book: equations written out, stored numbers put in, no links.

    Raises:
        ValueError: it names an equation or a number that does not exist.
    """
    text = re.sub(r"\{eq\}`([\w-]+)`", lambda role: f"${_equation(role[1])}$", text)
    text = re.sub(r"\{stored\}`([^`]+)`", lambda role: _stored(role[1]), text)
    return re.sub(r"(?<!!)\[([^]]*)\]\([^)]*\)", r"\1", text)


def _stored(reference: str) -> str:
    if (folder := str(BOOK / "_ext")) not in sys.path:
        sys.path.insert(0, folder)
    from genbook import look_up  # here, since it brings Sphinx along

    return look_up(reference)


def _equation(label: str) -> str:
    for page in sorted(BOOK.glob("*.md")):
        for formula, name in EQUATION.findall(page.read_text(encoding="utf-8")):
            if name == label:
                return " ".join(formula.split()).removesuffix(".").removesuffix(",").strip()
    raise ValueError(f"label: expected an equation of a page, got {label!r}")
