"""Write slides of every notebook and of every chapter, from the built book.

python -m tools.make_slides [DECK ...] [--site DIR] [--out DIR] [--pdf]

A deck is one file that opens from the disk: reveal.js, the formulas, the pictures and the interactive figures lie
beside it, and nothing is asked of another host. The built pages are the source, so slides show what the book shows.
A section becomes a stack of slides: its question, the prediction with the answer as a fragment, code, figures, and
what they say; whole paragraphs go to the speaker's notes. DECK is the first part of a name, as in `04a` or `04`.
--pdf prints them by Chromium (CHROMIUM names another browser).
"""

import argparse
import ast
import html
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "tools" / "slides"
ROOM = 11.5  # lines of text on a slide below its title
WIDTH = 76  # letters in such a line
CODE = 19  # lines of code on a slide
# Lines of text that may stand above such a thing on its slide.
JOINED = {"figure": 2.6, "code": 3.6, "table": 3.6, "output": 3.6, "interactive": 3.6}
WORDS = {
    "notebook": "Notebook {}",
    "chapter": "Chapter {}",
    "predict": "Predict",
    "answer": "Answer",
    "cut": "… {} more lines",
    "licence": "{}. Text and figures: CC BY 4.0; code: MIT.",
    "missing": "slides: expected a built book in {}, got none: run `make book` first",
    "browser": "pdf: expected Chromium, got none: install it, or set CHROMIUM to its path",
    "keys": "F: full screen · S: notes · T: light or dark · Esc: overview",
}


# --- what a deck is ------------------------------------------------------------------------------


@dataclass
class Slide:
    """One slide; `title`, `body` and `notes` are HTML, `lines` is how much of its room is taken."""

    title: str
    kind: str = "text"
    where: str = ""
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: float = 0


@dataclass
class Stack:
    """The slides of a section, of which the last one is being filled."""

    title: str
    where: str
    slides: list[Slide] = field(default_factory=list)

    def new(self, kind: str = "text", *body: str, lines: float = ROOM) -> Slide:
        """Begin a slide; with the room that is taken by default nothing else joins it."""
        last = self.slides[-1] if self.slides else None
        if last is None or last.kind != "text" or last.lines > JOINED.get(kind, 0):
            last = Slide(self.title, kind, self.where)
            self.slides.append(last)
        elif kind == "interactive":  # needs all the room; the text stands in the notes
            last.body = []
        last.kind, last.lines = kind, lines
        last.body += body
        return last

    def show(self, body: str, lines: float) -> None:
        """Put text on this slide if it has room, and else on the next."""
        last = self.slides[-1] if self.slides else None
        if last and last.kind == "text" and last.lines + lines <= ROOM:
            last.body.append(body)
            last.lines += lines
        else:
            self.new("text", body, lines=lines)

    def code(self, piece: str) -> None:
        """Put code below other code if it has room there, and else on the next slide."""
        last = self.slides[-1] if self.slides else None
        taken = sum(part.count("\n") + 3 for part in [*(last.body if last else []), piece])
        if last and last.kind == "code" and taken < CODE and "highlight" in last.body[-1]:
            last.body.append(piece)
        else:
            self.new("code", piece)

    def note(self, text: str) -> None:
        """Put something into the notes of this slide."""
        if not self.slides:
            self.slides.append(Slide(self.title, where=self.where))
        self.slides[-1].notes.append(text)


@dataclass
class Deck:
    """All slides of one page; `book` is the title of the book."""

    name: str
    title: str
    book: str
    stacks: list[Stack]

    @property
    def slides(self) -> list[Slide]:
        return [slide for stack in self.stacks for slide in stack.slides]


# --- text ----------------------------------------------------------------------------------------


def plain(text: Tag | str) -> str:
    """The text of an element or of HTML; formulas count by what is read aloud of them."""
    if isinstance(text, Tag):
        return " ".join(text.get_text().split())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def height(text: Tag | str) -> float:
    """How many lines a paragraph takes, with the gap below it."""
    return -(-len(plain(text)) // WIDTH) + 0.5


ABBREVIATION = re.compile(r"(^|\W)(e\.g|i\.e|cf|vs|al|Fig|Eq|eq|p|pp|Dr|No)\.$")


def sentences(paragraph: Tag) -> list[str]:
    """The sentences of a paragraph as HTML; what is set in bold, a formula or a link is never split."""
    found, current, said, depth = [], "", "", 0
    for token in tokens(paragraph):
        text = token if isinstance(token, str) else token.get_text()
        if text.isspace():
            current += " "
            continue
        over = re.search(r"[.?!][”’\"')\]]*$", said) and not ABBREVIATION.search(said)
        if current.endswith(" ") and over and depth <= 0 and not text[0].islower():
            found.append(current.strip())
            current, depth = "", 0
        current += html.escape(token, quote=False) if isinstance(token, str) else str(token)
        said = text.strip()
        depth += said.count("(") - said.count(")") if isinstance(token, str) else 0
    return [*found, current.strip()] if current.strip() else found


def tokens(paragraph: Tag) -> Iterable[str | Tag]:
    """Words, spaces and elements of a paragraph, in order."""
    for child in paragraph.children:
        if isinstance(child, Tag):
            yield child
        else:
            yield from re.findall(r"\s+|\S+", str(child))


def key_sentences(paragraph: Tag, leads: bool = False) -> str:
    """What a slide shows of a paragraph: its first sentence, those that define a term, and a lead into a formula."""
    parts = sentences(paragraph)
    if height(paragraph) <= 2.5:
        return " ".join(parts)
    body = [part for part in parts if not part.startswith("(")] or parts
    first = 0
    while first + 1 < len(body) and (
        plain(body[first]).endswith("?") or len(plain(body[first])) < 25
    ):
        first += 1  # a question goes with its answer
    chosen = {*range(first + 1)} | {i for i, part in enumerate(body) if "<strong>" in part}
    if leads:
        chosen.add(len(body) - 1)
    return " ".join(body[i] for i in sorted(chosen))


def is_prediction(block: Tag) -> bool:
    """Whether a paragraph, or a quotation, asks for a prediction."""
    bold = block.find("strong") if block.name in ("p", "blockquote") else None
    return bold is not None and bold.get_text().strip(" .") == WORDS["predict"]


# --- code ----------------------------------------------------------------------------------------

ASIDE = {"plot", "plt", "ax", "axes", "fig", "figure", "print", "live", "display", "assert_close"}


def shortened(code: str) -> str:
    """The code without what a class need not see: imports, docstrings, checks, plots and prints."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # IPython's own commands
        return code.strip()
    lines: list[str | None] = list(code.splitlines())
    for parent in ast.walk(tree):
        body = getattr(parent, "body", [])
        body = body if isinstance(body, list) else []  # that of a lambda is an expression
        if isinstance(parent, ast.Module) or not all(map(is_aside, body)):
            for node in [*filter(is_aside, body), *borders(body)]:
                first = node.lineno - 1
                while first and (lines[first - 1] or "").lstrip().startswith("#"):
                    first -= 1  # what was said about it
                lines[first : node.end_lineno] = [None] * (node.end_lineno - first)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in lines if line is not None)).strip()


def borders(body: list[ast.stmt]) -> list[ast.expr]:
    """The decorators `@border`, which check arguments."""
    decorators = [node for one in body for node in getattr(one, "decorator_list", [])]
    return [node for node in decorators if isinstance(node, ast.Name) and node.id == "border"]


def is_aside(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Name):
        return True  # a docstring, or a figure that is shown
    if isinstance(node, ast.If | ast.For | ast.With):
        return all(map(is_aside, node.body + getattr(node, "orelse", [])))
    if isinstance(node, ast.FunctionDef):
        return any(isinstance(n, ast.Attribute) and n.attr == "subplots" for n in ast.walk(node))
    if isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
        first = node.value.func
        if isinstance(first, ast.Name) and re.match("_?expect", first.id):
            return True
        while isinstance(first, ast.Attribute | ast.Subscript | ast.Call):
            first = first.func if isinstance(first, ast.Call) else first.value
        return isinstance(first, ast.Name) and first.id in ASIDE
    return False


def set_code(code: str) -> list[str]:
    """The code as HTML, in pieces that fit on a slide each; they part where a line is least indented."""
    plain_lines = code.split("\n")
    lines = (
        highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
        .rstrip("\n")
        .split("\n")
    )
    pieces = []
    while lines:
        size = min(len(lines), CODE)
        if len(lines) > CODE:
            indents = [len(line) - len(line.lstrip()) if line else 99 for line in plain_lines]
            ends = [
                i for i in range(CODE, 5, -1) if not plain_lines[i - 1].lstrip().startswith("#")
            ]
            size = min(ends or [CODE], key=lambda i: indents[i])
        pieces.append("\n".join(lines[:size]).strip("\n"))
        lines, plain_lines = lines[size:], plain_lines[size:]
    return [f'<div class="highlight"><pre>{piece}</pre></div>' for piece in pieces]


# --- from a page to slides -----------------------------------------------------------------------


GONE = {"headerlink", "toctree-wrapper", "tag_stub", "tag_check", "tag_solution", "tag_remove-cell"}


def clean(article: Tag) -> None:
    """Take away what belongs to a page and not to a slide: links, ids, buttons, and the exercises' cells."""
    figures = article.find_all(class_="gl-interact")
    kept = {id(node) for figure in figures for node in [figure, *figure.find_all(True)]}
    for node in article.find_all(True):
        if node.decomposed or id(node) in kept:
            continue
        mark = node.name == "span" and node.has_attr("id") and not node.contents
        number = "section-number" in classes(node) and node.parent.name == "h1"
        if classes(node) & GONE or node.name in ("button", "script") or mark or number:
            node.decompose()
        elif node.name == "a":
            node.unwrap()
        else:
            own = () if node.name == "section" else ("id",)
            lazy = ("loading", "decoding", "width", "height") if node.name == "img" else ()
            for name in (*own, *lazy):
                node.attrs.pop(name, None)


def children(node: Tag) -> list[Tag]:
    return node.find_all(True, recursive=False)


def classes(node: Tag) -> set[str]:
    return set(node.get("class", []))


def read_deck(page: Path) -> Deck:
    """The slides of a built page.

    Raises:
        ValueError: the page has no article with a title.
    """
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None or article.h1 is None:
        raise ValueError(f"page: expected an article with a title, got none in {page.name}")
    clean(article)
    number = re.match(r"(\d+)([a-z]?)", page.stem)
    kind = "notebook" if page.parent.name == "notebooks" else "chapter"
    short = number[0] if kind == "notebook" else str(int(number[1])) if number else ""
    where = WORDS[kind].format(short) if number else ""
    top = article.h1.parent
    title = article.h1.decode_contents()
    stacks = [opening(title, where, children(top), kind)]
    for section in top.find_all("section", recursive=False):
        stack = Stack(section.h2.decode_contents(), where)
        if section["id"] == "exercises":
            exercises(stack, section)
        elif section["id"] == "misconceptions":
            misconceptions(stack, section)
        else:
            fill(stack, section, "problems" if section["id"] == "written-problems" else kind)
        stacks.append(stack)
    book = soup.title.get_text().split("—")[-1].strip()
    return Deck(
        page.stem, " ".join(article.h1.get_text().split()), book, list(filter(tidy, stacks))
    )


def tidy(stack: Stack) -> bool:
    """Leave out slides without a body, and give their notes to the slide before; False if nothing is left."""
    for before, slide in zip(stack.slides, stack.slides[1:], strict=False):
        if not slide.body:
            before.notes += slide.notes
    stack.slides = [slide for slide in stack.slides if slide.body]
    return bool(stack.slides)


def opening(title: str, where: str, blocks: list[Tag], kind: str) -> Stack:
    """The title, the first paragraph, and what one can do afterwards."""
    stack = Stack(title, where)
    paragraphs = [b for b in blocks if b.name == "p" and plain(b)]
    first = sentences(paragraphs[0]) if paragraphs else []
    whole = [
        part for part in first if plain(part)[-1] in ".?!”"
    ]  # without a lead into the list below
    stack.new("title", f"<p>{' '.join(whole[:3])}</p>")
    rest = [b for b in blocks if b.name not in ("section", "h1") and "cell" not in classes(b)]
    for block in rest:
        if block.name == "p":
            stack.note(str(block))
    for previous, block in zip(rest, rest[1:], strict=False):
        if block.name in ("ul", "ol"):
            stack.title = sentences(previous)[-1].strip(" :")
            items(stack, block)
    for block in rest:
        if "admonition" in classes(block) or "gl-interact" in classes(block):
            place(stack, block, None, kind)
            stack.title = title
    return stack


def fill(stack: Stack, section: Tag, kind: str) -> None:
    """The blocks of a section, and those of its sections below."""
    blocks = [b for b in children(section) if b.name not in ("h2", "h3", "h4")]
    head = stack.title
    for i, block in enumerate(blocks):
        after = blocks[i + 1] if i + 1 < len(blocks) else None
        if block.name == "section":
            stack.where = f"{stack.where.split(' · ')[0]} · {head}"
            stack.title = (block.h3 or block.h4).decode_contents()
            stack.slides.append(Slide(stack.title, where=stack.where))
            fill(stack, block, kind)
        elif block.name == "p" and kind == "notebook" and explains(block):
            explain(stack, block)
        elif block.name == "details" and i and is_prediction(blocks[i - 1]):
            continue  # stands on the slide of its question
        else:
            place(stack, block, after, kind)


def place(stack: Stack, block: Tag, after: Tag | None, kind: str) -> None:
    """One block, where it belongs."""
    names = classes(block)
    if is_prediction(block):
        predict(stack, block, after, kind)
    elif block.name in ("p", "blockquote"):
        paragraph(stack, block, after, whole=kind != "chapter")
    elif block.name in ("ul", "ol"):
        items(stack, block)
    elif "math" in names:
        stack.show(str(block), 2.2 + 0.9 * str(block).count(r"\\"))
    elif "cell" in names:
        cell(stack, block)
    elif any(name.startswith("highlight") for name in names):
        for piece in set_code(shortened(block.get_text().strip("\n"))):
            stack.code(piece)
    elif "gl-quiz" in names:
        quiz(stack, block)
    elif "admonition" in names:
        card(stack, block, kind)
    elif block.name == "figure":
        stack.new("figure", *figures(block.find_all("img"), block.figcaption))
    elif "gl-interact" in names:
        stack.new("interactive", str(block))
    elif block.find("table") and block.name == "div":
        table(stack, block)
    else:
        stack.note(without_figures(block))
        for inner in block.select(".gl-interact"):  # figures share code: none may be lost
            stack.new("interactive", str(inner))


def without_figures(block: Tag) -> str:
    """A block for the notes."""
    block = copy(block)
    for node in block.select(".gl-interact, script, style"):
        node.decompose()
    return str(block)


def paragraph(stack: Stack, block: Tag, after: Tag | None, whole: bool = False) -> None:
    """The key sentences of a paragraph on the slide (or the whole of it, if it is short), all of it in the notes."""
    inner = block.find("p") if block.name == "blockquote" else block
    if inner is None or not plain(inner):
        return
    leads = after is not None and (after.name in ("ul", "ol") or "math" in classes(after))
    shown = inner.decode_contents() if whole and height(inner) <= 7 else key_sentences(inner, leads)
    stack.show(f"<p>{shown}</p>" if block.name == "p" else str(block), height(shown))
    stack.note(str(inner))


def items(stack: Stack, block: Tag) -> None:
    """A list, evenly over as many slides as it needs; of a long item only the key sentences."""
    shown = [
        key_sentences(item.find("p", recursive=False) or item)
        for item in block.find_all("li", recursive=False)
    ]
    total = sum(map(height, shown))
    size = -(-len(shown) // -int(-total // (ROOM + 2)))
    for first in range(0, len(shown), size):
        part = shown[first : first + size]
        start = f' start="{first + 1}"' if block.name == "ol" else ""
        texts = "".join(f"<li>{item}</li>" for item in part)
        stack.show(
            f"<{block.name}{start}>{texts}</{block.name}>", min(sum(map(height, part)), ROOM)
        )
    stack.note(str(block))


def predict(stack: Stack, block: Tag, after: Tag | None, kind: str) -> None:
    """A question to the class, and its answer as a fragment; pictures of the answer follow on slides of their own."""
    inner = copy(block.find("p") if block.name == "blockquote" else block)
    inner.find("strong").decompose()
    body = [f'<div class="asked"><p class="tag">{WORDS["predict"]}</p>{inner}</div>']
    lines, shown, note = 1.2 * height(inner) + 2.5, [], ""
    if after is not None and after.name == "details":
        parts = [
            b
            for b in children(after.find(class_="sd-summary-content") or after)
            if b.name != "summary"
        ]
        texts = [b for b in parts if b.name in ("p", "ul", "ol") or "math" in classes(b)]
        shown = [b for b in parts if b not in texts]
        long = sum(map(height, texts)) > ROOM - 3
        said = "".join(
            f"<p>{key_sentences(b)}</p>" if long and b.name == "p" else str(b) for b in texts
        )
        body.append(
            f'<div class="fragment answer"><p class="tag">{WORDS["answer"]}</p>{said}</div>'
        )
        lines, note = lines + height(said), without_figures(after) if long else ""
    last = stack.slides[-1] if stack.slides else None
    if last and last.kind == "text" and last.body and last.lines + lines <= ROOM + 1:
        last.kind, last.lines = "predict", ROOM  # below what it is about
        last.body += body
    else:
        stack.new("predict", *body)
    if note:
        stack.note(note)
    for part in shown:
        place(stack, part, None, kind)


def quiz(stack: Stack, block: Tag) -> None:
    """A question with lettered options; a fragment marks the right one and gives the reasons."""
    options = []
    for option in block.select("details.gl-option"):
        reason = copy(option.p)
        right = reason.find(class_="gl-verdict-right") is not None
        mark = "right" if right else "wrong"
        reason["class"] = ["fragment", "reason"]
        reason["data-fragment-index"] = "0"
        options.append(f'<li class="{mark}">{option.summary.span.decode_contents()}{reason}</li>')
    question = block.select_one(".gl-question").decode_contents()
    stack.new("quiz", f'<p class="asked">{question}</p>', f"<ol>{''.join(options)}</ol>")


def misconceptions(stack: Stack, section: Tag) -> None:
    """Each wrong claim on a slide of its own; what is true is a fragment."""
    for block in section.find_all("p", recursive=False):
        parts = sentences(block)
        while len(parts) > 2 and height(" ".join(parts[1:])) > ROOM - 3:
            parts.pop()
        claim, truth = parts[0], " ".join(parts[1:])
        truth = f'<div class="fragment answer"><p>{truth}</p></div>'
        stack.new("claim", f'<p class="asked">{claim}</p>', truth)
        stack.note(str(block))


def exercises(stack: Stack, section: Tag) -> None:
    """The titles of the exercises, as a list."""
    for part in section.find_all("section", recursive=False):
        stack.show(f"<ul><li>{part.h3.decode_contents()}</li></ul>", 1.3)


def card(stack: Stack, block: Tag, kind: str) -> None:
    """A box of the page: slides of their own, under its title."""
    title, stack.title = stack.title, block.find(class_="admonition-title").decode_contents()
    stack.slides.append(Slide(stack.title, where=stack.where))
    inner = [b for b in children(block) if "admonition-title" not in classes(b)]
    for i, part in enumerate(inner):
        place(stack, part, inner[i + 1] if i + 1 < len(inner) else None, kind)
    stack.title = title
    stack.slides.append(Slide(title, where=stack.where))


def table(stack: Stack, block: Tag) -> None:
    """A table, over as many slides as its rows need."""
    rows = block.select("tbody > tr") if block.find("tbody") else []
    if len(rows) < 2 or "gl-strip" in classes(block):
        stack.new("table", str(block))
        return
    count = max(1, round(sum(row_height(row) for row in rows) / ROOM + 0.3))
    size = -(-len(rows) // count)
    for first in range(0, len(rows), size):
        part = copy(block)
        for i, row in enumerate(part.select("tbody > tr")):
            if not first <= i < first + size:
                row.decompose()
        stack.new("table", str(part))


def row_height(row: Tag) -> float:
    """Lines of a row, when the table is as wide as the slide and its letters are smaller."""
    cells = row.find_all(["td", "th"], recursive=False)
    lines = (
        max(-(-len(plain(c)) * len(cells) // (2 * WIDTH)), len(c.find_all("br")) + 1) for c in cells
    )
    return 0.25 + 0.75 * max(lines)


def figures(images: list[Tag], caption: Tag | None = None) -> list[str]:
    """Pictures with their alt texts, and the caption; a picture and its twin for dark slides are one figure."""
    groups: list[str] = []
    for image in images:
        names = " ".join(classes(image) & {"only-light", "only-dark"})
        kind = f' class="{names}"' if names else ""
        shown = f'<img{kind} src="{image["src"]}" alt="{html.escape(image.get("alt", ""))}">'
        if names == "only-dark" and groups:
            groups[-1] += shown
        else:
            groups.append(shown)
    text = f"<figcaption>{caption.p.decode_contents()}</figcaption>" if caption else ""
    return [f"<figure>{group}{text}</figure>" for group in groups]


# --- cells of a notebook -------------------------------------------------------------------------


def cell(stack: Stack, block: Tag) -> None:
    """The code that matters, and what it printed or drew."""
    source = block.select_one(".cell_input pre")
    code = shortened(source.get_text()) if source else ""
    if "genlib.run import setup" in (source.get_text() if source else ""):
        return
    images = block.select(".cell_output > img, .cell_output .output > img")
    streams = block.select(".cell_output .stream pre, .cell_output .traceback pre")
    printed = "\n".join(pre.get_text().strip("\n") for pre in streams)
    enough = 5 if images else 1  # a few lines that only prepare a picture are left out
    pieces = set_code(code) if len(code.splitlines()) >= enough else []
    before = stack.slides[-1].lines if stack.slides and stack.slides[-1].kind == "text" else 0
    for piece in pieces:
        stack.new("code", piece)
    if images:
        stack.new("figure", *figures(images), printed_block(printed))
    elif printed and len(pieces) == 1 and 1.4 * before + rows(code) + rows(printed) < CODE - 2:
        stack.slides[-1].body.append(f'<div class="fragment">{printed_block(printed)}</div>')
    elif printed:
        stack.new("output", printed_block(printed))
    for shown in block.select(".cell_output .text_html"):
        if shown.select_one(".gl-interact"):
            stack.new("interactive", str(shown.select_one(".gl-interact")))
        elif shown.find("table"):
            table(stack, shown)


def rows(text: str) -> int:
    """Rows that lines of code or of print take on a slide."""
    return sum(max(1, -(-len(line) // 88)) for line in text.splitlines())


def printed_block(text: str) -> str:
    """What a cell printed, not more than fits."""
    lines = text.splitlines()
    most = len(lines)
    while rows("\n".join(lines[:most])) > CODE - 3:
        most -= 1
    if most < len(lines):
        lines = [*lines[:most], WORDS["cut"].format(len(lines) - most)]
    text = html.escape("\n".join(lines), quote=False)
    return f'<pre class="printed">{text}</pre>' if text else ""


def explains(block: Tag) -> bool:
    """Whether a paragraph of a notebook follows a cell, with nothing but such paragraphs between."""
    if is_prediction(block):
        return False
    before = block.find_previous_sibling(True)
    while before is not None and before.name == "p" and not is_prediction(before):
        before = before.find_previous_sibling(True)
    return before is not None and "cell" in classes(before)


def explain(stack: Stack, block: Tag) -> None:
    """An explanation is a note; its first sentences stand below the figure, as a fragment."""
    last = stack.slides[-1] if stack.slides else stack.new()
    parts = sentences(block)
    while len(parts) > 1 and height(" ".join(parts)) > 2.5:
        parts.pop()
    first = not any("finding" in part for part in last.body)
    if first and last.kind in ("figure", "code", "output", "table") and height(parts[0]) <= 2.5:
        last.body.append(f'<p class="fragment finding">{" ".join(parts)}</p>')
    last.notes.append(str(block))


# --- writing -------------------------------------------------------------------------------------


def pages(site: Path, chosen: Iterable[str] = ()) -> list[Path]:
    """The built pages that become decks: notebooks, chapters, and the page on probability.

    Raises:
        ValueError: there is no built book, or no page of a chosen name.
    """
    found = [*sorted(site.glob("notebooks/[0-9]*.html")), *sorted(site.glob("book/[0-9]*.html"))]
    found += sorted(site.glob("book/probability.html"))
    if not found:
        raise ValueError(WORDS["missing"].format(site))
    for name in chosen:
        if not any(page.stem.startswith(name) for page in found):
            raise ValueError(f"deck: expected the first part of a page's name, got {name!r}")
    return [p for p in found if not chosen or any(p.stem.startswith(name) for name in chosen)]


def copy_assets(site: Path, out: Path) -> None:
    """Put reveal.js, the look of code and formulas, and the own files beside the decks."""
    package = importlib.util.find_spec("sphinx_revealjs").submodule_search_locations[0]
    reveal, target = Path(package) / "_static" / "revealjs", out / "assets"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"):
        shutil.copy(reveal / name, target)
    shutil.copy(reveal / "LICENSE", target / "LICENSE-reveal.js")
    shutil.copy(site / "_static" / "pygments.css", target)
    css = (site / "_static" / "book.css").read_text(encoding="utf-8").splitlines()
    rules = [
        line
        for line in css
        if re.match(r"@font-face\{font-family: MJX|[^{]*\b(mjx-|TEX-|MJX-TEX)", line)
    ]
    (target / "formulas.css").write_text("\n".join(rules), encoding="utf-8")
    shutil.copytree(site / "_static" / "formulas", target / "formulas", dirs_exist_ok=True)
    for path in OWN.iterdir():
        shutil.copy(path, target)


def use_images(text: str, page: Path, out: Path) -> str:
    """The HTML with its pictures copied beside the decks."""

    def moved(match: re.Match) -> str:
        source = (page.parent / match[1]).resolve()
        target = out / "assets" / "images" / source.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)
        return f'src="assets/images/{source.name}"'

    return re.sub(r'src="(\.\./_(?:images|static)/[^"]+)"', moved, text)


FORMULA = r'<span class="math[^>]*><mjx-container(?:(?!</mjx-container>).)*</mjx-container></span>'
SPOKEN = re.compile(
    r'<mjx-container(?:(?!</mjx-container>).)*?<span class="gb-spoken">(.*?)</span></mjx-container>'
)


def as_html(slide: Slide, foot: str) -> str:
    """One slide; a sign after a formula stays with it, and notes have MathML, which needs no style."""
    title = "h1" if slide.kind == "title" else "h2"
    notes = SPOKEN.sub(r"\1", "".join(slide.notes))
    notes = f'<aside class="notes">{notes}</aside>' if notes else ""
    body = "\n".join(part for part in slide.body if part)
    body = re.sub(rf"{FORMULA}[.,;:!?)’”]+", r'<span class="nb">\g<0></span>', body)
    last = (
        f'<p class="licence">{foot}</p><p class="keys">{WORDS["keys"]}</p>'
        if slide.kind == "title"
        else ""
    )
    return (
        f'<section class="{slide.kind}"><div class="slide"><header><p class="where">{slide.where}</p>'
        f'<{title}>{slide.title}</{title}></header>\n<div class="body">{body}</div>{last}</div>{notes}</section>'
    )


def web_page(deck: Deck) -> str:
    """A deck as one file."""
    foot = WORDS["licence"].format(html.escape(deck.book))
    stacks = (
        f"<section>{''.join(as_html(slide, foot) for slide in stack.slides)}</section>"
        for stack in deck.stacks
    )
    text = (OWN / "deck.html").read_text(encoding="utf-8")
    return text.replace("TITLE", html.escape(deck.title)).replace("SLIDES", "\n".join(stacks))


def write(site: Path, out: Path, chosen: Iterable[str] = ()) -> list[Path]:
    """Write the decks of a built book into the folder `out`; returns their files.

    Raises:
        ValueError: there is no built book, or no page of a chosen name.
    """
    found = pages(site, chosen)
    copy_assets(site, out)
    written = []
    for page in found:
        target = out / f"{page.stem}.html"
        target.write_text(use_images(web_page(read_deck(page)), page, out), encoding="utf-8")
        written.append(target)
    return written


def print_pdf(decks: Iterable[Path]) -> list[Path]:
    """Print decks with all fragments shown; returns the files.

    Raises:
        ValueError: there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not browser:
        raise ValueError(WORDS["browser"])
    written = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for deck in decks:
            page = chromium.new_page()
            page.goto(f"{deck.resolve().as_uri()}?print-pdf")
            page.wait_for_selector("html.started", state="attached")
            written.append(deck.with_suffix(".pdf"))
            page.pdf(path=written[-1], prefer_css_page_size=True, print_background=True)
            page.close()
        chromium.close()
    return written


def main() -> int:
    """Write the decks and print their names."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_slides", description=__doc__)
    parser.add_argument("decks", nargs="*", metavar="DECK")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "teacher" / "slides")
    parser.add_argument("--pdf", action="store_true")
    asked = parser.parse_args()
    try:
        written = write(asked.site, asked.out, asked.decks)
        for path in [*written, *(print_pdf(written) if asked.pdf else [])]:
            print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
