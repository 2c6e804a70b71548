"""The glossary is sorted and holds every bold term of the pages; the references hold every work that is named."""

import re
import unicodedata
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
# Bold words that are no terms: what opens an item of a list, and emphasis inside of a sentence.
NO_TERMS = set(
    """\
it cannot see
they cannot see
the generative side
several centres
larger weights
the right size
the right covariance
fresh noise
what is predicted
16 times
a perfect denoiser of the training set would be useless
a random code does not draw
clouds together do not fill the prior
density to draw from
draw
is too narrow
its prior
likelihood and samples are two questions
likelihood of the code
mean over images
nats: sum over pixels
not
not gaussian
one step
one step gives a blur
over the labels
posterior of the code
posterior over codes
precisions add
prior of the code
prior over codes
relative error weighted by density
rises
several steps
smooths
static in 99 of 100 cases
sum over dimensions
too narrow
variances are too small
""".splitlines()
)


# --- the glossary ---------------------------------------------------------------------------------


def entries(text: str) -> list[list[str]]:
    """The names of each entry, the first one first."""
    body = text.split("```{glossary}\n")[1].split("\n```")[0]
    return [
        [line for line in block.splitlines() if line and line[0] != " "]
        for block in re.split(r"\n\n+", body.strip("\n"))
    ]


def letters(term: str) -> str:
    """What a term is sorted by: its letters and digits, without case, accents, blanks and hyphens."""
    plain = unicodedata.normalize("NFKD", term.replace("β", "beta").casefold())
    return "".join(sign for sign in plain if sign.isalnum() and not unicodedata.combining(sign))


def without_code(text: str) -> str:
    """A page without its fenced code; captions of figures and quizzes stay."""
    kept, fence = [], None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = None if fence is not None else line[3:]
        elif fence is None or fence.startswith("{") and "literalinclude" not in fence:
            kept.append(line)
    return "\n".join(kept)


def prose(path: Path) -> str:
    """The text of a page, or of the Markdown cells of a notebook, without fenced code."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, 4).cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return without_code(path.read_text(encoding="utf-8"))


def bold(text: str) -> list[str]:
    """Bold words that may be terms: no claims, no run-in headings (they end with a sign), no numbers."""
    spans = re.findall(r"\*\*([^*\n]+(?:\n[^*\n]+)?)\*\*", without_code(text))
    spans = [" ".join(span.split()) for span in spans]
    spans = [span for span in spans if span[-1] not in ".?!:" and span[0] not in '"“$']
    return [term for span in spans for term in span.split(", ") if re.search(r"[a-z]{2}", term)]


def known(term: str, names: set[str]) -> bool:
    """A term may stand in the plural, with an article, or without the word *model* or *set*."""
    term = letters(re.sub(r"^(a|an|the) ", "", term, flags=re.I))
    return bool({term, term.removesuffix("s"), f"{term}model", f"{term}set"} & names)


GLOSSARY = entries((BOOK / "glossary.md").read_text(encoding="utf-8"))
NAMES = {letters(name) for names in GLOSSARY for name in names}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [
    *sorted(BOOK.glob("0[1-9]_*.md")),
    BOOK / "probability.md",
    BOOK / "measures.md",
    *NOTEBOOKS,
]


def test_the_glossary_is_sorted_and_names_nothing_twice():
    first = [letters(names[0]) for names in GLOSSARY]
    assert first == sorted(first)
    assert len(NAMES) == sum(map(len, GLOSSARY)) > 150


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_bold_term_is_in_the_glossary(path):
    terms = bold(prose(path))
    missing = [term for term in terms if term.lower() not in NO_TERMS and not known(term, NAMES)]
    assert missing == [], "put them into book/glossary.md; for emphasis write *italics*"


def test_every_exception_is_needed():
    found = {term.lower() for path in PAGES for term in bold(prose(path))}
    assert not NO_TERMS - found


def test_a_missing_term_would_be_found():
    text = '**Predict.** The **Fréchet distances**, **a\nmode**. **"A claim."** **odd one**, **aa, implicit**'
    code = (
        "\n```python\nx**2 + y**2\n```\n```{figure} a.svg\n:alt: b\n\nA **caption**\n```\n**0.5**"
    )
    assert bold(text + code) == [
        *("Fréchet distances", "a mode", "odd one", "aa", "implicit", "caption")
    ]
    names = {letters(name) for name in ("Fréchet distance", "mode", "implicit model")}
    assert [known(term, names) for term in bold(text)] == [True, True, False, False, True]
    assert letters("β-VAE") == "betavae" and letters("n-gram") == "ngram"


# --- references -----------------------------------------------------------------------------------


def works() -> list[dict[str, str]]:
    """The fields of each work of references.bib, with its key."""
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    return [
        {"key": key, **dict(re.findall(r"^ *(\w+) = \{(.*)\},$", body, re.M))}
        for key, body in re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", text, re.M | re.S)
    ]


WORKS = works()
NAME = r"(?:van den |de )?[A-ZÀ-Ž][\w’'-]*[a-zà-ž]"
MORE = rf"(?:,? (?:&|and) (?:{NAME}|others|colleagues)| et al\.|, {NAME})"
CITATION = re.compile(rf"\b({NAME})({MORE}*),? \(?((?:19|20)\d\d)\b")
LINK = re.compile(r"https?://(?:arxiv\.org/abs/|(?:dx\.)?doi\.org/|www\.jmlr\.org/)[^\s)]+")
# A capital letter before a year that is no author.
NO_AUTHORS = {
    *("In", "Since", "By", "Until", "From", "NIPS"),
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
}


def family(author: str) -> str:
    return letters(re.sub(r"[{}]", "", author).split(",")[0])


def cited(text: str) -> list[tuple[str, str]]:
    """(first author, year) of each citation that is written out."""
    found = [(first, year) for first, _, year in CITATION.findall(text)]
    return [(first, year) for first, year in found if first not in NO_AUTHORS]


CITING = [*sorted(BOOK.rglob("*.md")), *NOTEBOOKS]


@pytest.mark.parametrize("path", CITING, ids=lambda path: path.stem)
def test_every_work_that_is_named_is_among_the_references(path):
    text = prose(path)
    authors = {(family(work["author"].split(" and ")[0]), work["year"]) for work in WORKS}
    missing = [f"{who} {year}" for who, year in cited(text) if (letters(who), year) not in authors]
    places = " ".join(work.get(k, "") for work in WORKS for k in ("eprint", "doi", "url"))
    tail = re.compile(r"https?://(?:arxiv\.org/abs/|(?:dx\.)?doi\.org/)?")
    missing += [link for link in LINK.findall(text) if tail.sub("", link) not in places]
    keys = {work["key"] for work in WORKS}
    named = re.findall(r"\{cite:?\w*\}`([^`]+)`", text)
    missing += [key for keys_ in named for key in keys_.split(",") if key.strip() not in keys]
    assert missing == [], "add them to book/references.bib"


def test_the_references_hold_no_work_twice():
    assert len(WORKS) > 100
    for field in ("key", "title", "eprint", "doi"):
        values = [work[field].lower() for work in WORKS if field in work]
        assert len(values) == len(set(values)), field


def test_a_citation_would_be_found():
    text = "See Ho et al. 2020, van den Oord & Bethge (2016), Song, Meng & Ermon 2021, Williams 1992. In 2017"
    first = [("Ho", "2020"), ("van den Oord", "2016"), ("Song", "2021"), ("Williams", "1992")]
    assert cited(text) == first
