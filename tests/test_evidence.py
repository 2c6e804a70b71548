"""What a page says a run shows is shown there: fault tables and misconceptions link to a section that asserts it."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]_*.md"))
LINK = re.compile(r"\]\(\.\./notebooks/(\w+)\.ipynb#([\w-]+)\)")
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.M)


def anchor(heading: str) -> str:
    """The name that the book gives to a heading, as GitHub does: lower case, hyphens, no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(notebook: Path) -> dict[str, str]:
    """The code of each section by its anchor; a section holds its subsections, too."""
    open_, found = {}, {}
    for cell in nbformat.read(notebook, 4).cells:
        if cell.cell_type == "markdown":
            for marks, heading in HEADING.findall(cell.source):
                open_ = {name: level for name, level in open_.items() if level < len(marks)}
                open_[anchor(heading)] = len(marks)
                found[anchor(heading)] = ""
        elif cell.cell_type == "code":
            for name in open_:
                found[name] += cell.source + "\n"
    return found


def part(page: str, title: str) -> str:
    """The text of a page from a heading that starts with `title` to the next one."""
    after = page.partition(f"\n## {title}")[2]
    return after.partition("\n## ")[0]


def claims(page: str) -> list[str]:
    """The rows of the table of faults, and the misconceptions."""
    rows = [line for line in part(page, "What goes wrong").splitlines() if line.startswith("|")][2:]
    return rows + [p for p in part(page, "Misconceptions").split("\n\n") if p.startswith('**"')]


def problem(claim: str, folder: Path = ROOT / "notebooks") -> str | None:
    """Why a claim is not backed by a section of a notebook that asserts something, or None."""
    links = LINK.findall(claim)
    if not links:
        return "no link to a section of a notebook"
    for stem, name in links:
        code = sections(folder / f"{stem}.ipynb")
        if name not in code:
            return f"{stem} has no section #{name}; it has {', '.join(code)}"
        if "assert " not in code[name]:
            return f"the section #{name} of {stem} asserts nothing"
    return None


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem[:2])
def test_every_fault_and_misconception_is_shown_and_asserted(path):
    found = claims(path.read_text(encoding="utf-8"))
    assert len(found) >= 2, "the table of faults and the misconceptions were found"
    missing = [f"{claim[:70]} ...: {problem(claim)}" for claim in found if problem(claim)]
    assert missing == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_an_answer_with_a_number_stands_in_a_section_that_asserts(path):
    """An answer to a *Predict* that names a size is checked by a cell of its section."""
    code = sections(path)
    section, bare = "", []
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type != "markdown":
            continue
        headings = HEADING.findall(cell.source)
        section = anchor(headings[-1][1]) if headings else section
        answers = re.findall(r"<summary>.*?</summary>(.*?)</details>", cell.source, re.S | re.I)
        answers += re.findall(r":::\{dropdown\} Answer(.*?):::", cell.source, re.S)
        for answer in answers:
            if re.search(r"\d", answer) and "assert " not in code.get(section, ""):
                bare.append(f"#{section}: {answer.strip()[:60]}")
    assert bare == []


def test_a_claim_without_evidence_is_found(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title\n\n## Break it on purpose\n\n### 1. The sign"),
            nbformat.v4.new_code_cell("assert True"),
            nbformat.v4.new_markdown_cell("## Nothing here"),
            nbformat.v4.new_code_cell("x = 1"),
        ]
    )
    nbformat.write(notebook, tmp_path / "09a_x.ipynb")
    link = "[09a](../notebooks/09a_x.ipynb#{})"
    assert problem(link.format("1-the-sign"), tmp_path) is None
    assert problem(link.format("break-it-on-purpose"), tmp_path) is None
    assert "asserts nothing" in problem(link.format("nothing-here"), tmp_path)
    assert "has no section" in problem(link.format("2-the-sign"), tmp_path)
    assert "no link" in problem("[09a](../notebooks/09a_x.ipynb)", tmp_path)
    page = '## What goes wrong\n\n| a | b |\n|---|---|\n| x | y |\n\n## Misconceptions\n\n**"A."** b\n\nc'
    assert claims("\n" + page) == ["| x | y |", '**"A."** b']
