"""The table of all exercises, and an exercise on the page of its notebook."""

import re

import pytest
from browsing import SITE

from tools import exercises

NOTEBOOKS = sorted(exercises.NOTEBOOKS.glob("*.ipynb"))
ROWS = """rows => rows.map(row =>
    [[...row.cells].map(cell => cell.innerText.trim()), row.querySelector("a").getAttribute("href")])"""
FITS = """table => [...table.querySelectorAll("td:last-child")]
    .every(cell => cell.getBoundingClientRect().right <= innerWidth)"""

PLAIN = str.maketrans("“”’", '""\'')  # as in the notebook


def page_of(stem: str) -> str:
    return (SITE / "notebooks" / f"{stem}.html").read_text(encoding="utf-8")


def test_the_table_has_every_exercise_and_leads_to_it(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/book/exercises.html")
    rows = page.locator(".gl-exercises tbody tr").evaluate_all(ROWS)
    wanted = [(path, one) for path in NOTEBOOKS for one in (None, *exercises.of(path))]
    assert len(rows) == len(wanted) > 100
    for ((name, *cells), link), (path, one) in zip(rows, wanted, strict=True):
        file, _, anchor = link.partition("#")
        assert file == f"../notebooks/{path.stem}.html"
        if one is None:
            minutes, points = (sum(e[k] for e in exercises.of(path)) for k in (3, 4))
            assert name == exercises.title(path) and cells == ["", str(minutes), str(points)]
        else:
            assert f'<section id="{anchor}">' in page_of(path.stem)
            assert name.translate(PLAIN) == f"{one.number} · {one.title}"
            assert cells == [one.level, str(one.minutes), str(one.points)]
    assert page.locator(".gl-exercises").evaluate(FITS), "all columns are seen on a phone"
    context.close()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_shows_no_red_and_folds_solutions_under_their_name(path):
    text = page_of(path.stem)
    assert "gl-not-yet" not in text, "an exercise that nobody began is your turn, not wrong"
    folds = re.findall(
        r'<details class="admonition hide.*?<summary(.*?)</summary>', text, re.DOTALL
    )
    assert len(folds) == len(exercises.of(path))
    assert all(">Solution<" in fold and "aria-label" not in fold for fold in folds)
