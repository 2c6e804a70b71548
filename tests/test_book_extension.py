"""The book's own directives and roles, in a small book of one page built by Sphinx itself."""

import base64
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from matplotlib.image import imread
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import genbook  # noqa: E402

NO_ADDRESS = "https://github.com/OWNER/learning-to-generate"
QUIZ = """
```{quiz} Is $1 + 1 = 2$?
- [x] Yes :: By **counting**,
  on two hands.
- [ ] No :: Count again.
```
"""


def build(folder: Path, text: str) -> tuple[str, str]:
    """(html, warnings) of a page."""
    (folder / "index.md").write_text("# A page\n\n" + text, encoding="utf-8")
    (folder / "conf.py").write_text(
        "extensions = ['myst_parser']\nmyst_enable_extensions = ['dollarmath']\n", encoding="utf-8"
    )
    warnings = (folder / "warnings").open("w+", encoding="utf-8")
    app = Sphinx(
        folder, folder, folder / "out", folder / "tree", "html", status=None, warning=warnings
    )
    app.add_directive("quiz", genbook.Quiz, override=True)
    app.add_directive("strip", genbook.Strip, override=True)
    app.add_directive("environments", genbook.Environments, override=True)
    app.add_role("stored", genbook.Stored(), override=True)
    app.build()
    warnings.seek(0)
    own = [
        line for line in warnings if "already registered" not in line
    ]  # of an earlier app in this process
    return (folder / "out" / "index.html").read_text(encoding="utf-8"), "".join(own)


class Balance(HTMLParser):
    """Counts <details> that are open and the deepest that they are nested."""

    depth = deepest = total = 0

    def handle_starttag(self, tag, attrs):
        if tag == "details":
            self.depth, self.total = self.depth + 1, self.total + 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag):
        self.depth -= tag == "details"


def test_a_quiz_is_plain_html_with_a_reason_for_every_option(tmp_path):
    page, warnings = build(tmp_path, QUIZ)
    assert not warnings
    balance = Balance()
    balance.feed(page)
    assert (balance.total, balance.deepest, balance.depth) == (2, 1, 0)
    assert 'class="gl-verdict-right">Right.</b> By <strong>counting</strong>, on two hands.' in page
    assert 'class="gl-verdict-wrong">No.</b> Count again.' in page


@pytest.mark.parametrize(
    ("quiz", "problem"),
    [
        ("- [x] Yes :: Because.\n- [ ] No", "gives no reason"),
        ("- [ ] Yes :: Because.\n- [ ] No :: Because.", "one of them marked"),
        ("- [x] Yes :: Because.", "at least two options"),
    ],
)
def test_a_quiz_without_reason_or_answer_stops_the_build(tmp_path, quiz, problem):
    _, warnings = build(tmp_path, f"```{{quiz}} A question?\n{quiz}\n```\n")
    assert problem in warnings


def test_a_stored_number_comes_from_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(
        genbook.table, "stored", lambda name: {"a": {"b": 1.2345, "0.5": [1.0, 2.0, 4.5]}}
    )
    page, warnings = build(
        tmp_path, "{stored}`x:a.b:.2f`, {stored}`x:a.0.5:.1f`, {stored}`x:a.0.5.2:.2f`"
    )
    assert not warnings
    assert "1.23, 2.5\u00a0±\u00a01.8, 4.50" in page, "no line ends at the sign"


def test_a_stored_number_that_is_not_there_stops_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(genbook.table, "stored", lambda name: {"a": 1})
    _, warnings = build(tmp_path, "{stored}`x:a.b:.2f`")
    assert "asks for 'b', but there is only: 1" in warnings


def inks(page: str) -> list[np.ndarray]:
    """How opaque the ink of each strip is, pixel by pixel."""
    files = re.findall(r"--ink:url\(data:image/png;base64,([^)]+)\)", page)
    return [imread(io.BytesIO(base64.b64decode(file)))[..., -1] for file in files]


def test_a_strip_shows_the_stored_levels(tmp_path, monkeypatch):
    ramp = [[k % 17 for k in range(64)], [16] * 64]
    monkeypatch.setattr(genbook.table, "stored", lambda name: {"p": {"a & b": ramp}})
    page, warnings = build(tmp_path, "```{strip} x:p\n:alt: Two pictures.\nA *caption*.\n```")
    assert not warnings and 'aria-label="Two pictures."' in page and "A <em>caption</em>." in page
    assert '<th scope="row">a &amp; b</th>' in page
    (ink,) = inks(page)
    assert ink.shape == (48, 102), "six pixels a side, and a gap"
    assert np.allclose(ink[3::6, 3:48:6].ravel(), np.array(ramp[0]) / 16, atol=0.01)
    assert (ink[:, 54:] == 1).all() and (ink[:, 48:54] == 0).all()
    assert 'aria-label="a &amp; b"' in page


def test_a_strip_takes_rows_from_several_places(tmp_path, monkeypatch):
    one, two = [[0] * 64] * 3, [[16] * 64] * 2
    monkeypatch.setattr(genbook.table, "stored", lambda name: {"p": {"real": one, "gan": two}})
    page, warnings = build(tmp_path, "```{strip} x:p.gan x:p\n:alt: Three rows.\nRows.\n```")
    assert not warnings
    rows = [row.split("</th>")[0] for row in page.split('<th scope="row">')[1:]]
    words = genbook.words.PICTURES
    assert rows == [words["gan"], words["real"], words["gan"]]
    assert [ink.shape[1] for ink in inks(page)] == [102, 102, 102], "two images in each row"


def footer_of(pagename: str, repository: str | None) -> str:
    """What the foot of a page holds; addresses are as Sphinx makes them, relative to the page."""
    options = {"repository_url": repository} if repository else {}
    app = SimpleNamespace(config=SimpleNamespace(html_theme_options=options))
    depth = "../" * pagename.count("/")
    context = {"pathto": lambda name: f"{depth}{name}.html"}
    genbook.add_footer(app, pagename, "page.html", context, None)
    return context["theme_extra_footer"]


@pytest.mark.parametrize("page, up", [("index", ""), ("book/index", "../"), ("a/b/c", "../../")])
def test_every_page_leads_to_the_changes_and_to_a_report(page, up):
    footer = footer_of(page, "https://github.com/ada/course")
    assert f'href="{up}book/changes.html"' in footer
    asked = urlsplit(re.findall(r'href="(https:[^"]+)"', footer)[0])
    assert (asked.netloc, asked.path) == ("github.com", "/ada/course/issues/new")
    assert parse_qs(asked.query) == {"title": [f"Error on page {page}"]}


def test_without_a_repository_there_is_no_form_to_report_with():
    assert "issues" not in footer_of("book/index", None)


def test_the_theme_links_to_a_repository_only_if_it_has_an_address():
    buttons = {"use_issues_button": True, "launch_buttons": {"colab_url": "https://colab"}}
    for address, left in (("https://github.com/ada/course", buttons), (NO_ADDRESS, {})):
        own = {"repository_url": address} | buttons
        config = SimpleNamespace(html_theme_options=own | {"depth": 2})
        genbook.hide_repository(None, config)
        assert config.html_theme_options == (own if left else {}) | {"depth": 2}


def test_a_folded_cell_is_named_by_what_it_shows():
    context = {"body": '<summary aria-label="Toggle hidden content">\n<p>Solution</p></summary>'}
    genbook.name_folds(None, "notebooks/00", "page.html", context, None)
    assert context["body"] == "<summary>\n<p>Solution</p></summary>"
    genbook.name_folds(None, "search", "search.html", {}, None)


def test_the_cache_key_covers_code_data_and_budget(tmp_path, monkeypatch):
    (tmp_path / "genlib").mkdir()
    (tmp_path / "book" / "_data").mkdir(parents=True)
    code, stored = tmp_path / "genlib" / "a.py", tmp_path / "book" / "_data" / "a.json"
    code.write_text("1", encoding="utf-8")
    stored.write_text(json.dumps(1), encoding="utf-8")
    monkeypatch.setattr(genbook, "ROOT", tmp_path)
    monkeypatch.setenv("GENLIB_BUDGET", "cpu")
    keys = [genbook.fingerprint()]
    code.write_text("2", encoding="utf-8")
    keys.append(genbook.fingerprint())
    stored.write_text("2", encoding="utf-8")
    keys.append(genbook.fingerprint())
    monkeypatch.setenv("GENLIB_BUDGET", "quick")
    keys.append(genbook.fingerprint())
    assert len(set(keys)) == 4 and keys[-1] == genbook.fingerprint()


def test_environments_show_what_passed_and_say_what_was_not_run(tmp_path, monkeypatch):
    versions = dict.fromkeys(("python", *genbook.SHOWN), "1.2<3")
    counts = {"passed": 7, "failed": 1, "skipped": 0}
    row = {"date": "2026-01-02", "versions": versions, "unit": counts, "notebooks": counts}
    row["memory_mb"] = 765
    stored = {"lowest": row | {"failing": ["02a_x: q6-test"]}, "colab": row | {"failing": []}}
    monkeypatch.setattr(genbook, "ROOT", tmp_path)
    (tmp_path / "book" / "_data").mkdir(parents=True)
    (tmp_path / "book" / "_data" / "environments.json").touch()
    monkeypatch.setattr(genbook.table, "stored", {"environments": stored}.__getitem__)
    page, warnings = build(tmp_path, "```{environments}\n```\n")
    assert warnings == "" and "1.2&lt;3" in page
    rows = re.findall(r"<tr><th scope=.row.><code>(\w+)</code>.*?</tr>", page)
    assert rows == list(genbook.ENVIRONMENTS), "one row each"
    assert page.count("<td>7 passed, 1 failed</td>") == 4 and page.count("<td>765</td>") == 2
    assert page.count("<td>not run</td>") == len(rows) - 2
    assert page.count("<li><code>") == 1 and "<li><code>lowest</code>, 02a_x: q6-test</li>" in page
    table = re.search(r"<table>.*</table>", page, re.DOTALL).group()
    widths = {line.count("<td") + line.count("<th ") for line in table.split("</tr>")[:-1]}
    assert len(widths) == 1, "every row fills every column"
