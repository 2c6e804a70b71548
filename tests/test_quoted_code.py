"""Code that a page shows is read on phones: no line is wider than in the notebooks."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.directives.code import LiteralIncludeReader

ROOT = Path(__file__).resolve().parent.parent
RULES = tomllib.loads((ROOT / "notebooks" / "ruff.toml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"^:([\w-]+):(.*)$", re.MULTILINE)
PAGES = sorted((ROOT / "book").rglob("*.md"))


def shown(page: Path) -> list[tuple[str, str]]:
    """What the page quotes from files, as Sphinx reads it, and its own Python: (from where, code)."""
    found = []
    for kind, argument, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            found.append((page.name, body))
        if kind == "{literalinclude}":
            options = {key: value.strip().strip('"') for key, value in OPTION.findall(body)}
            if "dedent" in options:
                options["dedent"] = int(options["dedent"])
            file = (page.parent / argument.strip()).resolve()
            utf_8 = SimpleNamespace(source_encoding="utf-8")
            found.append(
                (argument.strip(), LiteralIncludeReader(str(file), options, utf_8).read()[0])
            )
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_line_of_shown_code_is_wider_than_in_a_notebook(page):
    width = RULES["line-length"]
    assert width == RULES["lint"]["pycodestyle"]["max-line-length"] == 79
    wide = [
        f"{place}: {line}"
        for place, code in shown(page)
        for line in code.splitlines()
        if len(line) > width
    ]
    assert not wide


def test_quotations_are_found_with_their_options(tmp_path):
    (tmp_path / "a.py").write_text(
        f"class A:\n    def f(self):\n        return {'x' * 70}\n", "utf-8"
    )
    quote = "```{literalinclude} a.py\n:pyobject: A.f\n:dedent: 4\n```\n"
    page = tmp_path / "page.md"
    page.write_text(f"Text\n\n{quote}\n```python\ny = 1\n```\n\n```\nls\n```\n", encoding="utf-8")
    code = f"def f(self):\n    return {'x' * 70}\n"
    assert shown(page) == [("a.py", code), ("page.md", "y = 1\n")]
    assert max(map(len, code.splitlines())) == 81
    everything = [part for path in PAGES for part in shown(path)]
    assert len(everything) > 90 and any("evaluate.py" in place for place, _ in everything)
