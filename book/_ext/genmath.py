"""Formulas are set when the book is built: a page needs no script to show them.

MathJax, from an installed package, runs in V8 inside Python (mini-racer), so neither node nor a browser is needed.
Each formula is what MathJax draws in a browser, hidden from screen readers, and beside it MathML, which is read aloud.
A formula that MathJax does not understand is a warning, and so an error of the book. What was set once lies beside
the doctrees. The style rules and the letters of the fonts are those that the book uses.
"""

import base64
import html
import importlib.util
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

PACKAGE = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations[0]
MATHJAX = Path(PACKAGE) / "static" / "mathjax"
FONTS = MATHJAX / "output" / "chtml" / "fonts" / "woff-v2"
PARTS = (
    "startup",
    "core",
    "adaptors/liteDOM",
    "input/tex",
    "output/chtml",
    "output/chtml/fonts/tex",
)
OWN = Path(__file__).with_name("formulas.js")
SCALE = "font-size: 116%"  # of all formulas, as formulas.js asks for it
SMALL = 2000  # bytes of a font that travels in the style sheet

logger = logging.getLogger(__name__)
formulas: dict[str, str] = {}  # TeX to HTML; displayed formulas begin with "display:"


@contextmanager
def engine() -> Iterator[MiniRacer]:
    """MathJax, ready to draw; its memory is given back at the end, without which Python would not end."""
    with MiniRacer() as js:
        js.eval(
            "globalThis.global = globalThis; MathJax = {startup: {typeset: false}, loader: {load: []}}; 0"
        )
        for path in (*(MATHJAX / f"{part}.js" for part in PARTS), OWN):
            js.eval(path.read_text(encoding="utf-8") + "\n;0")
        yield js


def drawn(js: MiniRacer, key: str) -> str:
    """The HTML of one formula.

    Raises:
        ValueError: what MathJax does not understand.
    """
    tex = key.removeprefix("display:")
    problem, shape, spoken = js.call("draw", tex, key != tex)
    if problem:
        raise ValueError(f"formula: {problem.rstrip('.')}, in {tex.strip()!r}")
    spoken = re.sub(r' (data-mjx-\w+|xmlns)="[^"]*"', "", re.sub(r">\s+<", "><", spoken))
    shape = shape.replace("<mjx-math", '<mjx-math aria-hidden="true"', 1).replace(
        'class=" MJX-TEX"', 'class="MJX-TEX"'
    )
    opened, closed = f'<mjx-container data-tex="{html.escape(tex.strip())}" ', "</mjx-container>"
    shape = shape.replace(f' style="{SCALE};"', "", 1).replace("<mjx-container ", opened, 1)
    shape = shape.removesuffix(closed)
    return f'{shape}<span class="gb-spoken">{spoken}</span>{closed}'


def key_of(node: nodes.Element) -> str:
    """The TeX of a formula as MathJax is to read it: several lines are aligned, as Sphinx does it."""
    text = node.astext()
    if isinstance(node, nodes.math):
        return text
    if "amsmath" in node["classes"] or node.get("nowrap"):
        return f"display:{text}"
    parts = [part for part in text.split("\n\n") if part.strip()]
    lines = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    if len(lines) > 1:
        lines = [r"\begin{align}\begin{aligned}", r"\\".join(lines), r"\end{aligned}\end{align}"]
    return "display:" + "".join(lines)


def draw_all(found: Iterable[nodes.Element]) -> None:
    """Draw what was not drawn before; what is wrong is said with its place, and left as it was written."""
    missing = {key: node for node in found if (key := key_of(node)) not in formulas}
    if not missing:
        return
    with engine() as js:
        for key, node in missing.items():
            try:
                formulas[key] = drawn(js, key)
            except ValueError as problem:
                logger.warning(str(problem), location=node, type="formula")


def draw_page(app: Sphinx, doctree: nodes.document) -> None:
    draw_all(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block)))


def formula(node: nodes.Element) -> str:
    draw_all([node])
    return formulas.get(key_of(node)) or f"<code>{html.escape(node.astext())}</code>"


def visit_math(self, node: nodes.math) -> None:
    start = self.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    self.body.append(f"{start}{formula(node)}</span>")
    raise nodes.SkipNode


def visit_displayed(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", "", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f"{formula(node)}</div>\n")
    raise nodes.SkipNode


# --- the style rules and the letters that the book uses ----------------------------------------------------------

NAMES = re.compile(r"\b(?:mjx-[\w-]+|TEX-\w+|MJX-TEX)")
RULE = re.compile(r"""\s*([^{}]+?)\s*\{((?:"[^"]*"|[^{}"])*)\}""")  # a brace may be a letter
CONTENT = re.compile(r'content: "((?:\\[0-9A-Fa-f]+ ?|[^"\\])+)"')


def rules_for(css: str, used: set[str]) -> list[tuple[str, str]]:
    """(selectors, declarations) of the rules whose every name is used, fonts that one of them names included."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    kept, faces = [], []
    for selectors, body in RULE.findall(css):
        body = " ".join(body.split())
        if selectors.strip() == "@font-face":
            faces.append((re.search(r"font-family: ([\w-]+)", body)[1], body))
            continue
        parts = [part for part in selectors.split(",") if set(NAMES.findall(part)) <= used]
        if parts and body:
            kept.append((",".join(part.strip() for part in parts), body))
    fonts = [body for _name, body in kept if "font-family" in body]
    named = {name for body in fonts for name in re.findall(r"MJX[\w-]*", body)}
    return [("@font-face", body) for name, body in faces if name in named] + kept


def letters(rules: list[tuple[str, str]]) -> dict[str, set[int]]:
    """The code points that the rules put on the page, by the font; pieces of brackets may come from several fonts."""
    found: dict[str, set[int]] = {}
    for selectors, body in rules:
        codes = {
            int(code, 16) if code else ord(plain)
            for content in CONTENT.findall(body)
            for code, plain in re.findall(r"\\([0-9A-Fa-f]+) ?|(.)", content)
        }
        named = {f"MJXTEX-{kind}" for kind in re.findall(r"\.TEX-(\w+)", selectors)} or {"MJXTEX"}
        if "stretch" in selectors:
            named |= {"MJXTEX", "MJXTEX-S1", "MJXTEX-S2", "MJXTEX-S3", "MJXTEX-S4"}
        for name in named if codes else ():
            found.setdefault(name, set()).update(codes)
    return found


def font(path: Path, wanted: set[int] | None) -> bytes:
    """A font with the wanted letters alone, as woff2; whole where it is none of letters."""
    file = TTFont(path)
    if wanted:
        options = subset.Options(hinting=False, layout_features=[], notdef_outline=True)
        options.drop_tables += ["FFTM"]  # when the font was made
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=wanted)
        cutter.subset(file)
    file.flavor, out = "woff2", io.BytesIO()
    file.save(out)
    return out.getvalue()


def style(pages: Iterable[str], folder: Path) -> str:
    """The style sheet of all formulas on these pages, with its fonts written into `folder`/formulas."""
    used = {name for page in pages if "<mjx-" in page for name in NAMES.findall(page)}
    if not used:
        return ""
    with engine() as js:
        rules = rules_for(js.eval("rules()"), used)
    wanted, written = letters(rules), [f"mjx-container{{{SCALE};position: relative}}\n"]
    (folder / "formulas").mkdir(exist_ok=True)
    for selectors, body in rules:
        if name := re.search(r'url\("formulas/([\w-]+)\.woff"\) format\("woff"\)', body):
            data = font(FONTS / f"{name[1]}.woff", wanted.get(re.search("MJX[\\w-]*", body)[0]))
            address = f"formulas/{name[1]}.woff2"
            if len(data) < SMALL:
                address = "data:font/woff2;base64," + base64.b64encode(data).decode()
            else:
                (folder / address).write_bytes(data)
            body = body.replace(name[0], f'url("{address}") format("woff2")')
        written.append(f"{selectors}{{{body}}}\n")
    return "".join(written)


# --- the memory of formulas that were set before -----------------------------------------------------------------


def memory(app: Sphinx) -> Path:
    return Path(app.doctreedir) / "formulas.json"


def edition() -> str:
    """What the drawing rests on besides the TeX."""
    return f"{len((MATHJAX / 'core.js').read_bytes())} {OWN.read_text(encoding='utf-8')}"


def remember(app: Sphinx) -> None:
    formulas.clear()
    if (path := memory(app)).exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        formulas.update(stored["formulas"] if stored["edition"] == edition() else {})


def keep(app: Sphinx, exception: Exception | None) -> None:
    stored = {"edition": edition(), "formulas": formulas}
    memory(app).write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")


def use(app: Sphinx, config) -> None:
    config.html_math_renderer = "set"


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("set", (visit_math, None), (visit_displayed, None))
    app.connect("config-inited", use)
    app.connect("builder-inited", remember)
    app.connect("doctree-read", draw_page)
    app.connect("build-finished", keep)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
