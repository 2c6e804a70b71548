"""Write student copies of the notebooks: without solutions, without ways to them, with a cell for the name.

python -m tools.make_exercises [FOLDER] [--without-answers] [--book ADDRESS]

Links lead to the published book once the repository has an address. Before that there is no place that every student
could open, so the words of a link stay and the link goes; --book names a place: an address, or a folder relative to the
copies. Where the copies are published, they lie on the branch BRANCH, so that Colab can open them.
"""

import argparse
import copy
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.set_repository import current, has_address, slug

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
BRANCH = "student"  # .github/workflows/book.yml writes it
BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)\n*")
LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")
ANSWER = re.compile(r"\n*<details>.*?</details>\n*", re.DOTALL)
PROMISES = {
    r"(a stub[^,.]*), a check that says what is wrong, and a (?:hidden|folded) solution": (
        r"\1 and a check that says what is wrong"
    ),
    r", and a solution folded below": "",
}
NAME = """**Name:** …

**Number:** …

*Student copy of notebook {number}, without solutions. Double-click here to write your name.{colab}*"""


def address() -> str:
    """The repository's own address, or nothing as long as it has none."""
    return current() if has_address(current()) else ""


def site(url: str) -> str:
    """Where GitHub publishes the book of a repository."""
    owner, name = slug(url).split("/")
    return f"https://{owner.lower()}.github.io/{name}"


def on_colab(url: str, name: str) -> str:
    """Where Colab opens a published student copy."""
    return f"https://colab.research.google.com/github/{slug(url)}/blob/{BRANCH}/exercises/{name}"


def student_copy(
    notebook: NotebookNode, stem: str, book: str = "", answers: bool = True
) -> NotebookNode:
    """The notebook for a student: its prompts, stubs and checks stay, its solutions and outputs go.

    Args:
        stem: the name of the notebook's file, as 04a_a_gan_with_one_parameter.
        book: what stands before `/book/...` in links: an address, a folder relative to the copy, or "" for no links.
        answers: False removes the folded answers of the predictions as well, for a vote in class.
    """
    number, url = stem.split("_")[0], address()
    made = copy.deepcopy(notebook)
    made.cells = [cell for cell in made.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in made.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if cell.cell_type == "markdown":
            cell.source = _for_students(cell.source, book, answers)
        else:
            cell.outputs, cell.execution_count = [], None
    colab = f" [Open in Colab]({on_colab(url, f'{stem}.ipynb')})" if url else ""
    name = nbformat.v4.new_markdown_cell(NAME.format(number=number, colab=colab), id="name")
    made.cells.insert(0, name)
    made.metadata["genlib"] = {"notebook": number}
    return made


def _for_students(text: str, book: str, answers: bool) -> str:
    text = BADGE.sub("", text)
    for promise, rest in PROMISES.items():
        text = re.sub(promise, rest, text)
    text = text if answers else ANSWER.sub("\n", text).rstrip()
    return LINK.sub(lambda link: _link(link[1], link[2], link[3] or "", book), text)


def _link(words: str, target: str, anchor: str, book: str) -> str:
    """To a page of the book, or to the student copy of another notebook: never to that notebook itself."""
    if target.startswith("../book/") and target.endswith(".md"):
        page = f"{book}/{target.removeprefix('../').removesuffix('.md')}.html{anchor}"
        return f"[{words}]({page})" if book else words
    if target.endswith(".ipynb") and "/" not in target:
        apart = address() and book.startswith("https:")
        return f"[{words}]({on_colab(address(), target) if apart else target + anchor})"
    raise ValueError(f"link: expected ../book/PAGE.md or NOTEBOOK.ipynb, got {target!r}")


def has_solutions(path: Path) -> bool:
    """Is any cell of this notebook tagged `solution`?"""
    return any("solution" in cell.metadata.get("tags", []) for cell in nbformat.read(path, 4).cells)


def write_student_copies(target: Path, book: str = "", answers: bool = True) -> list[Path]:
    """Write one copy for each notebook that has exercises; returns the files.

    Args:
        book: what stands before `/book/...` in links, where the repository has no address or another is asked for.
    """
    book = book or (site(address()) if address() else "")
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for path in filter(has_solutions, sorted(NOTEBOOKS.glob("*.ipynb"))):
        made = student_copy(nbformat.read(path, as_version=4), path.stem, book, answers)
        nbformat.write(made, target / path.name)
        written.append(target / path.name)
    return written


def main() -> None:
    """Write the copies and print their names."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_exercises", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_build" / "exercises")
    parser.add_argument("--without-answers", action="store_true", help="leave out folded answers")
    parser.add_argument("--book", default="", help="what stands before /book/... in links")
    asked = parser.parse_args()
    for path in write_student_copies(asked.folder, asked.book, not asked.without_answers):
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    if not (asked.book or address()):
        print(
            "Links to the book are left out: no address is set. BOOK=https://... names your copy of it."
        )


if __name__ == "__main__":
    main()
