"""The ledger of the figures: none is missing, and what it says of each is so."""

import functools
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.application import Sphinx

from genlib import interact, pretrained
from genlib.interact import Interactive
from genlib.interact.base import LIMIT
from genlib.interact.ledger import LEDGER, WORDS, entry, folded

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import genbook  # noqa: E402

LOADED = """
import json, sys
from genlib import interact, pretrained, table
from genlib.interact import ledger
taken, load = [], pretrained.load_file
pretrained.load_file = lambda path: taken.append(path.stem) or load(path)
found = {}
for name in ledger.LEDGER:
    before = len(taken)
    getattr(interact, name)()
    found[name] = taken[before:]
print(json.dumps(found))
"""


@functools.cache
def loaded() -> dict[str, list[str]]:
    """The assets with weights or pictures that each figure reads, in a process of its own: some are kept."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, encoding="utf-8", check=True
    )
    return json.loads(done.stdout)


def test_every_figure_has_a_line_and_every_line_a_figure():
    made = {
        name
        for name in interact.__all__
        if inspect.isfunction(found := getattr(interact, name))
        and inspect.signature(found).return_annotation is Interactive
    }
    assert made == set(LEDGER), "genlib/interact/ledger.py: one line a figure"


def test_every_figure_of_a_page_has_a_line():
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md")]
    shown = {
        name for text in pages for name in re.findall(r"^```\{interactive\} (\w+)", text, re.M)
    }
    assert shown == set(LEDGER)


@pytest.mark.parametrize("name", LEDGER)
def test_what_a_line_says_is_so(name):
    line = LEDGER[name]
    test = (ROOT / "tests" / "site" / line.test).read_text(encoding="utf-8")
    assert f"show({name}(" in test or f"{name}(" in test, "the test opens this figure"
    others = set(loaded()[name]) - {"judge_digits"}
    assert others <= set(line.assets), "it reads no other asset"
    module = Path(inspect.getfile(getattr(interact, name))).read_text(encoding="utf-8")
    for result in line.results:
        assert f'stored("{result}")' in module
    assert line.results or "stored(" not in module
    html = entry(name)
    for asset in line.assets:
        card = pretrained.card(asset)
        assert card["sha256"][:12] in html and card["command"] in html and f"{asset}.json" in html
    assert line.test in html and "#" not in html
    assert line.computes.startswith(("Live: ", "Stored: "))


def test_every_asset_that_a_line_names_is_read():
    named = {asset for line in LEDGER.values() for asset in line.assets}
    assert named == {asset for assets in loaded().values() for asset in assets} - {"judge_digits"}


def test_line_and_ledger_stand_in_the_pages(tmp_path):
    (tmp_path / "index.md").write_text(
        "# A page\n\n```{interactive} bandwidth\n```\n\n```{ledger}\n```\n", encoding="utf-8"
    )
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser']\n", encoding="utf-8")
    folders = (tmp_path, tmp_path, tmp_path / "out", tmp_path / "tree")
    app = Sphinx(*folders, "html", status=None, warning=None)
    app.add_directive("interactive", genbook.InteractiveFigure, override=True)
    app.add_directive("ledger", genbook.Ledger, override=True)
    app.build()
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count(folded("bandwidth")) == 1 and page.count(WORDS["summary"]) == 1
    assert page.index('id="gl-') < page.index(folded("bandwidth"))
    for name in LEDGER:
        assert page.count(f"<dt><code>{name}</code> · <a href=") == 1
        assert page.count(f"<dd>{entry(name)}</dd>") == 1
    assert '<a href="05_denoising_diffusion.html">Denoising diffusion' in page


def test_a_figure_without_a_line_is_named():
    with pytest.raises(ValueError, match="name: expected one of .*two_gaussians.*, got 'cat'"):
        entry("cat")


def test_no_figure_is_large_and_all_together_are_light():
    """At most 200 kB each, which `Interactive` itself refuses to exceed, and 2 MB in all."""
    sizes = {name: len(getattr(interact, name)()._repr_html_().encode()) for name in LEDGER}
    assert max(sizes.values()) <= LIMIT and sum(sizes.values()) <= 2_000_000, sizes
