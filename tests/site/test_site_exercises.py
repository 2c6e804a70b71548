"""The student copies beside the pages: every link of a copy leads to a page and heading that were built."""

import re
from pathlib import Path

import nbformat
from browsing import SITE

from tools import make_exercises


def links(path: Path) -> list[str]:
    """Where the prose of a notebook leads to, within the book and the copies."""
    cells = nbformat.read(path, 4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"\]\((?!\w+:)(\S+?)\)", text)


def test_every_link_into_the_book_opens_a_page_at_its_heading(tmp_path):
    copies = make_exercises.write_student_copies(tmp_path, "..")
    assert {path.name for path in copies} == {p.name for p in (SITE / "exercises").glob("*.ipynb")}
    seen = 0
    for path in copies:
        for link in links(path):
            where, _, anchor = link.partition("#")
            target = SITE / "exercises" / where
            assert target.exists(), f"{path.name}: {link}"
            if anchor and target.suffix == ".html":
                page = target.read_text(encoding="utf-8")
                assert f'id="{anchor}"' in page, f"{path.name}: {link}"
            seen += 1
    assert len(copies) > 15 and seen > 50


def test_a_copy_that_is_downloaded_has_no_link_to_what_stays_behind():
    for path in (SITE / "exercises").glob("*.ipynb"):
        assert all(link.partition("#")[0].endswith(".ipynb") for link in links(path)), path.name
