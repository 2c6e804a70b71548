"""The table of names on the notation page is true of genlib: names that must occur do, forbidden names do not."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "notation.md"
# Names of a chapter to come, each to be struck out here as soon as it exists.
LATER: set[tuple[str, str]] = set()


def rows(text: str) -> list[dict[str, list[str]]]:
    """The cells of the first table whose header is Symbol, Name in code, ..., each as its names in backticks."""
    lines = iter(text.splitlines())
    header = next(line for line in lines if line.startswith("| Symbol | Name in code |"))
    titles = cells(header)
    next(lines)  # the line of dashes
    table = []
    for line in lines:
        if not line.startswith("|"):
            return table
        table.append(
            {
                title: re.findall(r"`([A-Za-z_]\w*)`", cell)
                for title, cell in zip(titles, cells(line), strict=True)
            }
        )
    return table


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def given_names(tree: ast.AST) -> set[str]:
    """Every name that the code itself gives to something: variables, arguments, functions, classes, attributes."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Call(
                func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(value=name), *_]
            ):
                names.add(name)
    return names


TABLE = rows(PAGE.read_text(encoding="utf-8"))
FORBIDDEN = sorted({name for row in TABLE for name in row["Never"]})
EXPECTED = sorted(
    {(m, name) for row in TABLE for m in row["Module"] for name in row["Name in code"]}
)


def test_the_table_was_found():
    assert len(TABLE) > 15 and len(FORBIDDEN) > 25 and len(EXPECTED) > 20
    assert set(EXPECTED) >= LATER


@pytest.mark.parametrize(
    "path", sorted((ROOT / "genlib").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_forbidden_name_is_given(path):
    found = given_names(ast.parse(path.read_text(encoding="utf-8"))) & set(FORBIDDEN)
    assert not found, (
        f"{path.relative_to(ROOT)} uses {found}; book/notation.md says what to write instead"
    )


@pytest.mark.parametrize("module, name", EXPECTED)
def test_name_occurs_in_its_module(module, name):
    paths = [ROOT / "genlib" / f"{module}.py", *(ROOT / "genlib" / module).glob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    assert trees, f"book/notation.md names genlib.{module}, which does not exist"
    occurs = any(name in given_names(tree) for tree in trees)
    assert occurs != ((module, name) in LATER), f"genlib.{module}: {name}"


def test_a_forbidden_name_would_be_found():
    tree = ast.parse(
        "def f(img):\n    for x_start in img:\n        self.betas = 1\n    self.register_buffer('alphas', x)"
    )
    assert given_names(tree) == {"f", "img", "x_start", "betas", "alphas"}


def test_reading_or_importing_a_name_of_others_is_no_offence():
    tree = ast.parse(
        "from torch import betas\nresult = torch.optim.Adam(p, betas=(0.5, 0.9)).input"
    )
    assert given_names(tree) == {"result"}


def test_every_term_of_the_glossary_has_its_korean_name():
    glossary = (PAGE.parent / "glossary.md").read_text(encoding="utf-8").split("```{glossary}")[1]
    terms = re.findall(r"^(?! )(?!```)(.+)$", glossary, re.M)
    definitions = re.findall(r"^  (.+)$", glossary, re.M)
    assert len(terms) >= len(definitions) >= 90
    for definition in definitions:
        assert re.match(r"\*\*[^*]*[\uac00-\ud7a3][^*]*\.\*\* \S", definition), definition
