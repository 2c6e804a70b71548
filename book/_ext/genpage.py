"""How pages look where a style sheet alone cannot help.

- A formula and the sign behind it stay on one line; columns of numbers stand under one another.
- A picture that a notebook drew on white gets a twin for the dark scheme, on the ground of the page; one that shows
  images in colour stays as it is.
- An equation of another page without a chapter number names that page: "(Probability 6)".
- Notebooks carry their numbers in the sidebar, as the text calls them: 01a, 05c.
- The glossary gets letters to jump to and a field to filter it; without a script it is a plain list.
- `notebook-times`: what each notebook took when it was last measured.
- The references stand under their authors and year, as the text cites them.
"""

import html
import re
import unicodedata
from collections import Counter
from pathlib import Path

import genbook
import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from PIL import Image
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.unsrt import Style as Unsorted
from pybtex.style.labels import BaseLabelStyle
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from genlib import table

WORDS = {
    "letters": "Letters of the glossary",
    "filter": "Show only terms with",
    "left": "# terms",
    "notebook": "Notebook",
    "seconds": "CPU-seconds",
    "unmeasured": "not measured yet",
}
# What pages without a chapter number are called in front of the numbers of their equations.
NAMES = {
    "book/probability": "Probability",
    "book/measures": "Measures",
    "book/notation": "Notation",
}

# --- formulas and numbers ------------------------------------------------------------------------


class KeepTogether(SphinxTransform):
    """No line ends between a formula and what touches it: the full stop behind it, the bracket before it."""

    default_priority = 860

    def apply(self, **_) -> None:
        for math in list(self.document.findall(nodes.math)):
            above = [type(node) for node in ancestors(math)]
            if not {nodes.title, nodes.term} & set(above):
                self.join(math)

    @staticmethod
    def join(math: nodes.math) -> None:
        parent, place = math.parent, math.parent.index(math)
        around = {
            side: parent[place + side]
            for side in (-1, 1)
            if 0 <= place + side < len(parent) and isinstance(parent[place + side], nodes.Text)
        }
        before, after = around.get(-1, ""), around.get(1, "")
        head = re.search(r"(?<!\S)\S{1,8}$|[^\w\s]+$", before)
        tail = re.match(r"\S{1,12}(?!\S)|[^\w\s]+", after)
        if not head and not tail:
            return
        left, head = (before[: head.start()], head[0]) if head else (before, "")
        right, tail = (after[tail.end() :], tail[0]) if tail else (after, "")
        joined = nodes.inline(classes=["gb-together"])
        start, end = place - (-1 in around), place + (1 in around)
        parent[start : end + 1] = [*texts(left), joined, *texts(right)]
        joined += [*texts(head), math, *texts(tail)]


def texts(text: str) -> list[nodes.Text]:
    return [nodes.Text(text)] if text else []


def ancestors(node: nodes.Node):
    while node := node.parent:
        yield node


NUMBER = re.compile(
    r"(?:[<>≥≤≈~+−-]\s?)?[\d.,]*\d(?:\s±\s[\d.,]*\d)?(?:\s\[[^\]]*\])?(?:\s?(?:%|s|×|MB|KB|nats|bits))?"
)
NOTHING = {"", "–", "—", "-"}


class NumbersRight(SphinxTransform):
    """A column that holds numbers only, below its head and right of the first column, is set to the right."""

    default_priority = 861

    def apply(self, **_) -> None:
        for group in self.document.findall(nodes.tgroup):
            rows = list(group.findall(nodes.row))
            if any("morecols" in entry or "morerows" in entry for row in rows for entry in row):
                continue
            body = [row for row in rows if isinstance(row.parent, nodes.tbody)]
            for column in range(1, min(map(len, rows))):
                texts = {row[column].astext().strip() for row in body} - NOTHING
                if texts and all(map(NUMBER.fullmatch, texts)):
                    for row in rows:
                        row[column]["classes"] = ["text-right"]


# --- pictures of notebooks -----------------------------------------------------------------------


class DarkTwins(SphinxTransform):
    """Beside each picture that a notebook drew stands its twin for the dark scheme; the theme shows one of them."""

    default_priority = 862  # before Sphinx collects pictures

    def apply(self, **_) -> None:
        for image in list(self.document.findall(nodes.image)):
            if not re.search(r"\b[0-9a-f]{64}\.png$", image["uri"]):
                continue
            address = image["uri"].removesuffix(".png") + ".dark.png"
            light, dark = (self.env.relfn2path(uri)[1] for uri in (image["uri"], address))
            with Image.open(light) as picture:
                if holds_colours(picture):
                    continue
                if not Path(dark).exists():
                    in_the_dark(picture).save(dark)
            twin = image.deepcopy()
            twin.update_basic_atts({"classes": ["only-dark"]})
            twin["uri"] = address
            image["classes"].append("only-light")
            image.parent.insert(image.parent.index(image) + 1, twin)


def holds_colours(picture: Image.Image) -> bool:
    """Whether a picture shows images in colour on black: their colours are data, which must not turn round."""
    seen = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    low, high = seen.min(-1), seen.max(-1)
    return bool((high < 0.1).mean() > 0.08 and (high - low > 0.3).mean() > 0.03)


def in_the_dark(picture: Image.Image) -> Image.Image:
    """The same picture for a dark page: its white is the page's ground, its black is white, and all hues are kept.

    What was drawn is taken as ink on white paper, as transparent as it can be. Then the lightness of the ink turns
    round, in the middle of its largest and its smallest channel.
    """
    seen = np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
    seen = seen[..., :3] * seen[..., 3:] + 1 - seen[..., 3:]  # on white
    opacity = 1 - seen.min(-1, keepdims=True)
    ink = (seen - 1 + opacity) / np.maximum(opacity, 1e-6)
    ink = np.clip(ink + 1 - ink.max(-1, keepdims=True) - ink.min(-1, keepdims=True), 0, 1)
    turned = np.concatenate([ink, opacity], -1)
    turned[opacity[..., 0] < 1e-6] = 0
    return Image.fromarray((turned * 255).round().astype(np.uint8))


# --- names ---------------------------------------------------------------------------------------


def name_foreign_equations(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """An equation of another page whose number holds no chapter is quoted with the name of its page."""
    for reference in doctree.findall(nodes.reference):
        page, _, anchor = reference.get("refuri", "").partition("#")
        name = NAMES.get(f"book/{Path(page).stem}")
        if name and anchor.startswith("equation-") and not docname.endswith(Path(page).stem):
            for text in list(reference.findall(nodes.Text)):
                if re.fullmatch(r"\(\d+\)", text):
                    text.parent.replace(text, nodes.Text(f"({name}\u00a0{text[1:]}"))


def number_notebooks(app: Sphinx, doctree: nodes.document) -> None:
    """In tables of contents a notebook's title follows its number."""
    docname = app.env.docname
    if number := re.match(r"notebooks/(\d\d[a-z])_", docname):
        title = next(app.env.tocs[docname].findall(nodes.reference))
        title.insert(0, nodes.Text(f"{number[1]} "))


class NotebookTimes(SphinxDirective):
    """A row for each notebook: a link, and the CPU-seconds of book/_data/timings.json."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(genbook.ROOT / "book" / "_data" / "timings.json"))
        measured = table.stored("timings")["notebooks"]
        lines = [f"| {WORDS['notebook']} | {WORDS['seconds']} |", "|---|---:|"]
        for path in sorted((genbook.ROOT / "notebooks").glob("*.ipynb")):
            known = measured.get(path.stem)
            value = f"{known['cpu_s']:.0f}" if known else WORDS["unmeasured"]
            lines.append(f"| {path.stem.split('_')[0]} [](../notebooks/{path.name}) | {value} |")
        box = nodes.container()
        self.state.nested_parse(StringList(lines, "notebook-times"), self.content_offset, box)
        return box.children


# --- the glossary --------------------------------------------------------------------------------


def letter(term: str) -> str:
    """What a term is found under: its first letter, without accents; a Greek β counts as its name."""
    return unicodedata.normalize("NFKD", term.replace("β", "b"))[0].upper()


class GlossaryLetters(SphinxTransform):
    """Before a glossary: links to the first term of each letter, and a field that the script puts to work."""

    default_priority = 863

    def apply(self, **_) -> None:
        for glossary in list(self.document.findall(addnodes.glossary)):
            first = {}
            for entry in glossary.findall(nodes.definition_list_item):
                term = next(entry.findall(nodes.term))
                first.setdefault(letter(term.astext()), term["ids"][0])
            links = "".join(f'<a href="#{anchor}">{sign}</a>' for sign, anchor in first.items())
            field = '<input type="search" autocomplete="off">'
            markup = (
                f'<nav class="gl-letters" aria-label="{WORDS["letters"]}">{links}</nav>'
                f'<div class="gl-filter" hidden><label>{WORDS["filter"]} {field}</label>'
                f'<p role="status" data-text="{html.escape(WORDS["left"])}"></p></div>'
            )
            glossary.parent.insert(glossary.parent.index(glossary), genbook.raw(markup))


# --- the references ------------------------------------------------------------------------------


class AuthorYear(BaseLabelStyle):
    """Labels as the text cites: Ho et al. 2020. Works that this does not tell apart get letters behind the year."""

    def format_labels(self, sorted_entries):
        labels = [self.label(entry) for entry in sorted_entries]
        count, seen = Counter(labels), Counter()
        for label in labels:
            seen[label] += 1
            yield label + (chr(96 + seen[label]) if count[label] > 1 else "")

    @staticmethod
    def label(entry) -> str:
        names = [
            str(Text.from_latex(" ".join([*person.prelast_names, *person.last_names])))
            for person in entry.persons["author"]
        ]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        return f"{who} {entry.fields['year']}"


class References(Unsorted):
    """Works in the order of their authors, under labels of author and year."""

    default_sorting_style = "author_year_title"
    default_label_style = AuthorYear


def setup(app: Sphinx) -> dict:
    register_plugin("pybtex.style.formatting", "author_year", References)
    for transform in (KeepTogether, NumbersRight, DarkTwins, GlossaryLetters):
        app.add_transform(transform)
    app.add_directive("notebook-times", NotebookTimes)
    app.connect("doctree-read", number_notebooks, priority=900)
    app.connect("doctree-resolved", name_foreign_equations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
