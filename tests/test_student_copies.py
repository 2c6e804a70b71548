"""What students get: no way to a solution, no promise of one, links that lead somewhere, a name and a key."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import make_exercises, make_stick
from tools.make_exercises import NOTEBOOKS, write_student_copies

ROOT = Path(__file__).resolve().parent.parent
NONE, SET = "https://github.com/OWNER/learning-to-generate", "https://github.com/You/copy"
LINK = re.compile(r"\]\((\S+?)\)")


PLACES = {  # the repository's address, what --book says, and where the pages of the book then are
    "no address": (NONE, "", None),
    "an address": (SET, "", "https://you.github.io/copy"),
    "stick": (NONE, make_stick.SERVED, "/static"),
    "stick of a book with an address": (SET, make_stick.SERVED, "/static"),
    "beside the book": (NONE, "../html", "../html"),
    "a school's server": (NONE, "https://school.edu/gen", "https://school.edu/gen"),
}


@pytest.fixture(scope="module", params=PLACES.values(), ids=list(PLACES))
def copies(request, tmp_path_factory):
    """All copies by name, whether the repository has an address, and where the pages are."""
    address, book, pages = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_exercises, "current", lambda: address)
        files = write_student_copies(tmp_path_factory.mktemp("copies"), book)
    return {path.name: nbformat.read(path, 4) for path in files}, address == SET, pages


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings and labels can be reached."""
    text = page.read_text(encoding="utf-8")
    words = (heading.lower() for heading in re.findall(r"^#+ (.*)", text, re.MULTILINE))
    slugs = {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-") for heading in words}
    return slugs | set(re.findall(r"^\(([\w-]+)\)=", text, re.MULTILINE))


def test_every_link_of_every_copy_leads_somewhere(copies):
    notebooks, has_address, pages = copies
    seen, on_colab = 0, has_address and pages.startswith("https:")
    for name, notebook in notebooks.items():
        for link in LINK.findall(prose(notebook)):
            seen += 1
            where, _, anchor = link.partition("#")
            colab = "https://colab.research.google.com/github/You/copy/blob/student/exercises/"
            if pages and where.startswith(f"{pages}/book/"):
                page = ROOT / where.removeprefix(f"{pages}/").replace(".html", ".md")
                assert page.exists(), f"{name}: {link}"
                assert not anchor or anchor in anchors(page), f"{name}: {link}"
            elif where.endswith(".ipynb"):
                own = where == f"{colab}{name}"  # the badge in the first cell
                assert own or where.startswith(colab) == on_colab, f"{name}: {link}"
                assert where.removeprefix(colab) in notebooks, f"{name}: {link}"
            else:
                assert re.match(r"https://(doi|arxiv|www|openai)\b", where), f"{name}: {link}"
    assert seen > (50 if pages else 5)


def test_no_copy_leads_to_solutions_or_promises_one(copies):
    for name, notebook in copies[0].items():
        everything = "\n".join(cell.source for cell in notebook.cells)
        assert not re.search(r"blob/main|_solution\b|@title Solution", everything), name
        assert not re.search(r"(hidden|folded) solution|solution (folded|below)", everything), name
        assert "colab-badge" not in everything and "\n\n\n" not in prose(notebook), name
        exercises = [c.source for c in notebook.cells if "## Exercises" in c.source]
        assert len(exercises) == 1 and exercises[0].count(", .") == 0


def test_a_copy_says_which_notebook_it_is_and_has_room_for_a_name(copies):
    notebooks, has_address, _ = copies
    for name, notebook in notebooks.items():
        first, title = notebook.cells[0], notebook.cells[1]
        number = name.split("_")[0]
        assert notebook.metadata.genlib.notebook == number
        assert first.source.startswith("**Name:**") and f"notebook {number}" in first.source
        assert title.source.startswith("# ")
        assert (f"student/exercises/{name}" in first.source) == has_address
        nbformat.validate(notebook)


def test_the_folded_answers_can_be_left_out(tmp_path):
    stem = "04a_a_gan_with_one_parameter"
    original = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", 4)
    folded = make_exercises.student_copy(original, stem)
    bare = make_exercises.student_copy(original, stem, answers=False)
    assert prose(folded).count("<details>") == 7 and "details>" not in prose(bare)
    assert prose(bare).count("**Predict.**") == prose(folded).count("**Predict.**")
    assert "Which $w$ and $b$ will it find?" in prose(bare) and "with $w=-\\theta$" not in prose(
        bare
    )


def test_the_branch_that_colab_opens_is_the_one_that_is_written():
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert f"git init -q -b {make_exercises.BRANCH} &&" in workflow
    assert "tools.make_exercises copies/exercises" in workflow


def test_a_link_that_would_lead_nowhere_is_an_error():
    for target in ("../genlib/gan.py", "other/05a.ipynb", "../notebooks/05a.ipynb"):
        with pytest.raises(ValueError, match="link: expected "):
            make_exercises._for_students(f"[x]({target})", "..", True)
