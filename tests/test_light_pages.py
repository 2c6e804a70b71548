"""What makes the built pages light: formulas set at the build, one style and one script, shared code once, pictures."""

import gzip
import io
import json
import re
import sys
import urllib.request
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import genfast  # noqa: E402
import genmath  # noqa: E402

from genlib.interact import bandwidth, evidence_bound, latent_plane, two_gaussians  # noqa: E402
from tools import lighthouse  # noqa: E402

# --- formulas -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def js():
    with genmath.engine() as found:
        yield found


def build(folder: Path, text: str) -> tuple[str, str]:
    """(html, warnings) of a page."""
    (folder / "index.md").write_text(f"# A page\n\n{text}", encoding="utf-8")
    (folder / "conf.py").write_text(
        "extensions = ['myst_parser', 'genmath']\n"
        "myst_enable_extensions = ['amsmath', 'dollarmath']\n"
        "math_eqref_format = '({number})'\n",
        encoding="utf-8",
    )
    said = io.StringIO()
    Sphinx(
        folder, folder, folder / "out", folder / "tree", "html", status=None, warning=said
    ).build()
    lines = [line for line in said.getvalue().splitlines() if "already registered" not in line]
    return (folder / "out" / "index.html").read_text(encoding="utf-8"), "\n".join(lines)


def spoken(page: str) -> list[str]:
    return re.findall(r"<math.*?</math>", page)


def test_a_formula_is_drawn_and_can_be_read_aloud(js):
    found = genmath.drawn(js, r"\frac{a}{2} < x_t")
    (read,) = spoken(found)
    assert read == (
        "<math><mfrac><mi>a</mi><mn>2</mn></mfrac><mo>&lt;</mo><msub><mi>x</mi><mi>t</mi></msub></math>"
    )
    shape = found.replace(read, "")
    assert re.findall(r"mjx-c([0-9A-F]+)\b", shape) == ["1D44E", "32", "3C", "1D465", "1D461"]
    assert shape.count("aria-hidden") == 1 and 'data-tex="\\frac{a}{2} &lt; x_t"' in shape


@pytest.mark.parametrize(
    ("tex", "problem"),
    [
        (r"\nope x", r"Undefined control sequence \nope"),
        (r"\frac{1}{", "Missing close brace"),
        (r"\begin{aligned} a", r"Missing \end{aligned}"),
        (r"\text{a", "Missing close brace"),
    ],
)
def test_what_is_not_understood_is_named(js, tex, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        genmath.drawn(js, tex)


def test_formulas_of_a_page(tmp_path):
    text = (
        "A $x^2$ of *a $y$ b*, and {eq}`two`.\n\n"
        "$$\na = 1\n$$ (one)\n\n$$\na &= 1 \\\\ b &= 2\n$$ (two)\n\n"
        "\\begin{align}\nc = 3\n\\end{align}\n"
    )
    page, warnings = build(tmp_path, text)
    assert not warnings and r"\(" not in page and "tex-chtml" not in page
    assert len(spoken(page)) == 5 and page.count('display="true"') >= 3
    assert 'href="#equation-two">(2)</a>' in page and page.count('class="eqno">(2)') == 1
    split = next(read for read in spoken(page) if "<mtable" in read)
    assert split.count("<mtr>") == 2


def test_an_unknown_macro_stops_the_build(tmp_path):
    page, warnings = build(tmp_path, r"Well, $\nope$.")
    assert r"index.md:3: WARNING: formula: Undefined control sequence \nope" in warnings
    assert r"<code>\nope</code>" in page


def test_formulas_are_drawn_once(tmp_path, monkeypatch):
    build(tmp_path, "A $q_1$.")
    monkeypatch.setattr(genmath, "engine", lambda: pytest.fail("drawn again"))
    page, _ = build(tmp_path, "Another $q_1$, and again $q_1$.")
    assert len(spoken(page)) == 2


def test_the_style_holds_what_is_used_and_no_more(js, tmp_path):
    pages = [genmath.drawn(js, r"\sqrt{x} + \mathbb{E}"), "no formula"]
    css = genmath.style(pages, tmp_path)
    assert "mjx-c1D465.TEX-I" in css and "mjx-c1D466.TEX-I" not in css
    assert "MJXTEX-A" in css and "MJXTEX-C" not in css and "woff2" in css
    assert len(css) < 20_000 < len(js.eval("rules()"))
    assert genmath.style(["<p>no formula</p>"], tmp_path) == ""


def test_a_brace_that_is_a_letter_ends_no_rule(js, tmp_path):
    css = genmath.style([genmath.drawn(js, r"\{x\} < y")], tmp_path)
    assert css.count("{") == css.count("}") and 'content: "{"' in css
    for code in ("7B", "1D465.TEX-I", "7D", "3C", "1D466.TEX-I"):
        assert f"\nmjx-c.mjx-c{code}::before{{" in css, code


def test_a_font_keeps_the_wanted_letters():
    path = genmath.FONTS / "MathJax_Main-Regular.woff"
    small = TTFont(io.BytesIO(genmath.font(path, {ord("a"), ord("7")})))
    whole = TTFont(path)
    assert set(small.getBestCmap()) == {ord("a"), ord("7")}
    assert small["hmtx"]["a"] == whole["hmtx"][whole.getBestCmap()[ord("a")]]


# --- style and scripts ----------------------------------------------------------------------------


def test_rules_that_nothing_can_use_are_left_out():
    css = (
        "@charset 'x';a{b:c}.on .off{b:c}.on, .off{b:c}.on:not(.off){b:c}#here{b:c}"
        "@media print{.off{b:c}}@media screen{.off{b:c}.on{b:c}}@keyframes k{from{b:c}to{b:c}}"
        ".tip-left{b:c}.x\\:y{b:c}"
    )
    known = genfast.known_names(['<p class="on x:y" id="here">'], 'add("tip-" + side)')
    assert genfast.usable(css, known).replace("\n", "") == (
        "a{b:c}.on{b:c}.on:not(.off){b:c}#here{b:c}@media screen{.on{b:c}}"
        "@keyframes k{from{b:c}to{b:c}}.tip-left{b:c}.x\\:y{b:c}"
    )


PAGE = """<!DOCTYPE html>
<html lang="en" data-content_root="../">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="one" /><meta name="viewport" content="two"/>
    <link href="../_static/styles/theme.css?digest=1" rel="stylesheet" />
    <link rel="stylesheet" type="text/css" href="../_static/own.css?v=1" />
  <script defer src="../_static/scripts/fontawesome.js?digest=1"></script>
  <link rel="preload" as="script" href="../_static/scripts/late.js?digest=1" />
    <script src="../_static/documentation_options.js?v=1"></script>
    <script src="../_static/early.js?v=1"></script>
    <script>DOCUMENTATION_OPTIONS.pagename = 'NAME';</script>
    <link rel="icon" href="../_static/favicon.svg"/>
    <script src="../_static/searchtools.js"></script>
    <script src="../_static/language_data.js"></script>
    <script src="../searchindex.js"></script>
  </head>
  <body><p class="here">Text</p><script>let mine;</script>
  <script defer src="../_static/scripts/late.js?digest=1"></script></body>
</html>
"""


@pytest.fixture
def static(tmp_path) -> Path:
    (tmp_path / "styles").mkdir()
    (tmp_path / "scripts").mkdir()
    for name, text in {
        "styles/theme.css": '@import "../basic.css";\n.here{c:d}.gone{c:d}',
        "basic.css": "/* 1 */ p{a:url(file.png)}",
        "own.css": ".here{e:f}",
        "documentation_options.js": "const DOCUMENTATION_OPTIONS = {\n};",
        "early.js": '"use strict";\n//# sourceMappingURL=early.js.map',
        "scripts/late.js": "loose = 1",
        "searchtools.js": "",
        "language_data.js": "",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_page_asks_for_one_style_and_one_script(static):
    page = PAGE.replace("NAME", "book/x")
    sheets, scripts = genfast.assets(page)
    assert (sheets, scripts) == (
        ["styles/theme.css", "own.css"],
        ["early.js", "scripts/late.js"],
    )
    digests = genfast.write_bundles(static, [page], sheets, scripts)
    light = genfast.with_bundles(page, static, digests)
    asked = re.findall(r'(?:src|href)="\.\./([^"?]+)', light)
    assert sorted(asked) == ["_static/book.css", "_static/book.js", "_static/favicon.svg"]
    assert light.count("<script defer") == 1 and light.count("viewport") == 1
    assert light.index("const DOCUMENTATION_OPTIONS = { };") < light.index(".pagename =")
    assert "let mine;" in light and "<p class" in light
    assert genfast.with_bundles(light, static, digests) == light
    css = (static / "book.css").read_text(encoding="utf-8")
    assert re.findall(r"(\S+)\{", css) == ["p", ".here", ".here"] and "gone" not in css
    code = (static / "book.js").read_text(encoding="utf-8")
    assert code.index("strict") < code.index("loose") and "sourceMapping" not in code
    assert ';"use strict"' in code, "one script must not make the others strict"


def test_the_page_of_the_search_keeps_its_scripts_behind_the_others(static):
    page = PAGE.replace("NAME", "search")
    light = genfast.with_bundles(page, static, {"book.css": "1", "book.js": "2"})
    asked = re.findall(r'<script defer src="\.\./([^"?]+)', light)
    names = ["_static/language_data.js", "_static/searchtools.js", "searchindex.js"]
    assert asked == ["_static/book.js", *names]
    assert genfast.with_bundles(light, static, {"book.css": "1", "book.js": "2"}) == light


def test_what_earlier_builds_asked_for_stays(tmp_path):
    memory, page = tmp_path / "assets.json", PAGE.replace("NAME", "a")
    first = genfast.remembered(memory, [page])
    assert genfast.remembered(memory, ["<html></html>"]) == first


# --- figures --------------------------------------------------------------------------------------


def test_a_figure_alone_stays_as_it_is():
    page = f"<html>{two_gaussians()._repr_html_()}</html>"
    assert genfast.once_a_page(page) == page


def test_what_figures_share_stands_once():
    figures = [two_gaussians(), evidence_bound(), bandwidth()]
    page = "".join(figure._repr_html_() for figure in figures)
    light = genfast.once_a_page(page)
    assert page.count("function zeroSet(") == 3 and light.count("function zeroSet(") == 1
    assert light.count("<style>") == 1 and light.count("</div>") == page.count("</div>")
    assert light.count("function figure(") == 3 and len(light) < len(page) - 30_000
    assert genfast.once_a_page(light) == light
    for figure in figures:
        assert f'data-figure="{figure.id}"]\')' in light and f'id="{figure.id}"' in light


def test_long_texts_that_figures_share_stand_once():
    one, other = latent_plane(), latent_plane()
    other.data = other.data | {"start": {}}
    page = one._repr_html_() + other._repr_html_()
    light = genfast.once_a_page(page)
    texts = json.loads(re.search(r"gl\.texts = (.*);\n", light)[1])
    assert texts and all(page.count(text) == 2 and light.count(text) == 1 for text in texts)

    def whole(found: dict):
        return texts[found["gl"]] if set(found) == {"gl"} else found

    data = re.findall(r'application/json">(.*?)</script>', light)
    assert [json.loads(part, object_hook=whole) for part in data] == [
        json.loads(json.dumps(figure.data)) for figure in (one, other)
    ]


def test_files_of_the_library_define_different_names():
    """On a page they stand side by side."""
    names = [
        name for _, defined in genfast.library().values() for name in defined.split(", ") if name
    ]
    assert len(names) == len(set(names)) and {"node", "zeroSet", "IMAGE_STYLE"} <= set(names)


# --- pictures -------------------------------------------------------------------------------------


def test_pictures_tell_their_size_and_wait(tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "a.png")
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400.2 200"></svg>'
    (tmp_path / "b.svg").write_text(drawing, encoding="utf-8")
    badge = '<svg xmlns="http://www.w3.org/2000/svg" width="117px" height="20"></svg>'
    (tmp_path / "c.svg").write_text(badge, encoding="utf-8")
    assert genfast.size_of(tmp_path / "c.svg") == (117, 20)
    page = '<img class="logo__image" src="a.png"/><img src="a.png"><img alt="x" src="b.svg"><img src="data:,">'
    light = genfast.with_sizes(page, tmp_path)
    logo, first, second, inline = re.findall("<img[^>]*>", light)
    assert 'width="30" height="20"' in logo and "loading" not in logo
    assert 'width="30" height="20"' in first and "loading" not in first
    assert 'width="400" height="200"' in second and 'loading="lazy"' in second
    assert inline == '<img src="data:,">'
    assert genfast.with_sizes(light, tmp_path) == light


# --- make lighthouse ------------------------------------------------------------------------------


def test_the_server_compresses_text(tmp_path):
    text = "<p>word</p>" * 500
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    server = lighthouse.serve(tmp_path)
    address = f"http://127.0.0.1:{server.server_port}/a.html"
    with urllib.request.urlopen(address) as answer:
        body = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip" and len(body) < len(text) / 10
    assert gzip.decompress(body).decode() == text
    server.shutdown()


def test_numbers_of_a_report_and_their_median():
    audits = {audit: {"numericValue": 2000} for audit, _ in lighthouse.AUDITS.values()}
    items = [{"url": "http://a"}, {"url": "data:x"}]
    report = {
        "audits": audits | {"network-requests": {"details": {"items": items}}},
        "categories": {name: {"score": 0.914} for name in lighthouse.CATEGORIES.values()},
        "environment": {"benchmarkIndex": 812.5},
    }
    found = lighthouse.numbers(report)
    assert found["performance"] == 91 and found["requests"] == 1
    assert found["largest_paint_s"] == 2.0 and found["kb"] == 2.0 and found["benchmark"] == 812
    report["categories"]["performance"]["score"] = None
    runs = [found, lighthouse.numbers(report), found | {"performance": 95}]
    assert lighthouse.middle(runs)["performance"] == 91
