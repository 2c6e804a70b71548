"""The table of names on the notation page is true of genlib: names that must occur do, forbidden names do not."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "notation.md"
# Modules of chapters to come. As soon as one exists, its names are checked.
LATER = {"autoencoder", "vae", "gan", "ddpm", "guidance"}


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


TABLE = rows(PAGE.read_text())
FORBIDDEN = sorted({name for row in TABLE for name in row["Never"]})
EXPECTED = sorted(
    {(m, name) for row in TABLE for m in row["Module"] for name in row["Name in code"]}
)


def test_the_table_was_found():
    assert len(TABLE) > 15 and len(FORBIDDEN) > 25 and len(EXPECTED) > 20


@pytest.mark.parametrize(
    "path", sorted((ROOT / "genlib").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_forbidden_name_is_given(path):
    found = given_names(ast.parse(path.read_text())) & set(FORBIDDEN)
    assert not found, (
        f"{path.relative_to(ROOT)} uses {found}; book/notation.md says what to write instead"
    )


@pytest.mark.parametrize("module, name", EXPECTED)
def test_name_occurs_in_its_module(module, name):
    path = ROOT / "genlib" / f"{module}.py"
    if not path.exists() and module in LATER:
        pytest.skip(f"genlib/{module}.py belongs to a chapter to come")
    assert name in given_names(ast.parse(path.read_text()))


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


def test_the_two_guidance_forms_agree_where_the_page_says():
    eps_c, eps_u = 0.7, -0.2
    for w in (-1.0, 0.0, 2.5):
        s = 1 + w
        assert (1 + w) * eps_c - w * eps_u == pytest.approx(eps_u + s * (eps_c - eps_u))


def test_the_page_has_the_right_weight_for_means():
    assert "$\\beta = 39.2$" in PAGE.read_text() and pytest.approx(39.2) == 28 * 28 / 20


def test_every_term_of_the_glossary_has_its_korean_name():
    glossary = (PAGE.parent / "glossary.md").read_text().split("```{glossary}")[1]
    terms = re.findall(r"^(?! )(?!```)(.+)$", glossary, re.M)
    definitions = re.findall(r"^  (.+)$", glossary, re.M)
    assert len(terms) >= len(definitions) >= 90
    for definition in definitions:
        assert re.match(r"\*\*[^*]*[\uac00-\ud7a3][^*]*\.\*\* \S", definition), definition
