"""The guardian of the house: rules that hold for the whole repository, each named by what would go wrong."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

from tools.freeze import name as package_name
from tools.freeze import pinned
from tools.set_repository import current, slug

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXT_FILES = [
    path
    for pattern in (
        "*.md",
        "*.toml",
        "*.txt",
        "Makefile",
        "book/**/*.md",
        "genlib/**/*.py",
        "tools/*",
        "notebooks/*.ipynb",
        ".github/**/*.yml",
        "templates/*",
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
]

# data -> model -> loss -> train -> sample -> evaluate -> plot: a module imports only from groups before its own.
ORDER = [
    {"shapes", "run"},
    {"data", "reviews"},
    {"nets"},
    {"losses"},
    {"statistical", "ngram", "classifier", "autoencoder", "vae", "gan", "ddpm", "guidance"},
    {"train"},
    {"evaluate"},
    {"plot", "interact"},
    {"check"},
]
SETUP = """from importlib.util import find_spec
if not find_spec("genlib"):  # on Colab: install genlib from the repository, change no other package
    assert "OWNER" not in (url := "https://github.com/OWNER/learning-to-generate"), "set the address once: make repository URL=https://github.com/you/your-copy"
    %pip install -q --no-deps git+{url}
from genlib.run import setup
run = setup(seed=0)"""  # noqa: E501


def rank(module: str) -> int:
    return next(i for i, group in enumerate(ORDER) if module in group)


def genlib_files() -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "genlib").rglob("*.py"))
        if path.name != "__init__.py" or path.parent.name != "genlib"
    ]


def imported(path: Path) -> set[str]:
    """First and second part of every module that the file imports, as in `torch.nn`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def load(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: nbformat.NotebookNode, tag: str | None = None) -> list:
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and (tag is None or tag in cell.metadata.get("tags", []))
    ]


def toc_files() -> list[str]:
    """Every page of the table of contents, in order."""
    files: list[str] = []

    def walk(node) -> None:
        if isinstance(node, dict):
            files.extend(str(node[key]) for key in ("root", "file") if key in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(yaml.safe_load((ROOT / "_toc.yml").read_text()))
    return files


# --- genlib ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", genlib_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path):
    own = path.relative_to(ROOT / "genlib").parts[0].removesuffix(".py")
    for module in imported(path):
        if module.startswith("genlib."):
            other = module.split(".")[1]
            if other != own:
                assert rank(other) <= rank(own), (
                    f"{path.name} imports {module}, which comes later in the flow"
                )


@pytest.mark.parametrize("path", genlib_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_genlib_shows_nothing_and_imports_nothing_heavy(path):
    assert not {m.split(".")[0] for m in imported(path)} & {
        "torchvision",
        "diffusers",
        "tensorflow",
    }
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"show", "cuda"}, (
                f"{path.name}:{node.lineno} calls .{node.func.attr}()"
            )
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names), (
                f"{path.name}:{node.lineno} imports *"
            )


@pytest.mark.parametrize("path", genlib_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_public_functions_are_documented_and_annotated(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    classes = [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    functions = [
        node
        for scope in [tree, *classes]
        for node in scope.body
        if isinstance(node, ast.FunctionDef)
    ]
    for node in [*classes, *functions]:
        if node.name.startswith("_") or node.name == "forward":
            continue
        assert ast.get_docstring(node), f"{path.name}:{node.lineno} {node.name} has no docstring"
    if path.parent.name != "check":
        for node in functions:
            if not node.name.startswith("_"):
                assert node.returns, (
                    f"{path.name}:{node.lineno} {node.name} does not say what it returns"
                )


# --- notebooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_has_the_house_form(path):
    notebook = load(path)
    first, second = notebook.cells[0], notebook.cells[1]
    assert first.source.startswith("# "), "the first cell opens with the title"
    budgets = re.findall(
        r"^\*\*Budgets\.\*\* quick: .+; cpu: .+; gpu: .+$", first.source, re.MULTILINE
    )
    assert len(budgets) == 1, "the first cell says on one line what each budget means"
    setup = SETUP.replace("https://github.com/OWNER/learning-to-generate", current())
    assert second.source == setup, "the second cell is the setup cell, the same in every notebook"
    assert len(setup.splitlines()) <= 6
    headings = [
        c
        for c in notebook.cells
        if c.cell_type == "markdown" and re.search(r"^# ", c.source, re.MULTILINE)
    ]
    assert len(headings) == 1, "one title"
    if not path.stem.startswith("00"):
        prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        assert 4 <= prose.count("**Predict.**") <= 12, "5 to 9 turns, each with its prediction"
        assert "## Break it on purpose" in prose and "## Exercises" in prose


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_stripped_and_portable(path):
    notebook = load(path)
    assert path.stat().st_size < 300_000
    for cell in code_cells(notebook):
        assert not cell.outputs and cell.execution_count is None, (
            "run `make format` before you commit"
        )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(
                r"^(```|:::)\{|\{(ref|eq|term|cite)[:}]", cell.source, re.MULTILINE
            ), "MyST shows raw on Colab"
        elif cell.id != "setup":
            assert "pip install" not in cell.source and "plt.show" not in cell.source
        assert not re.search(r"(/home/|/root/|/Users/|[A-Z]:\\\\)", cell.source), "an absolute path"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_opens_on_colab(path):
    link = f"https://colab.research.google.com/github/{slug(current())}/blob/main/notebooks/{path.name}"
    assert (
        f"[![Open in Colab](../book/_static/colab-badge.svg)]({link})" in load(path).cells[0].source
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_code_is_explained(path):
    notebook, cells, run = load(path), 0, 0
    followed = 0
    visible = [
        c
        for c in notebook.cells
        if not {"solution", "stub", "check"} & set(c.metadata.get("tags", []))
    ]
    for cell, after in zip(visible, [*visible[1:], None], strict=True):
        if cell.cell_type != "code":
            run = 0
            continue
        cells, run = cells + 1, run + 1
        assert run <= 3, f"more than three code cells in a row at {cell.id}"
        followed += after is not None and after.cell_type == "markdown"
    assert followed >= 0.75 * cells, f"only {followed} of {cells} code cells are followed by prose"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_exercise_has_stub_check_and_hidden_solution(path):
    notebook = load(path)
    stubs, checks, solutions = (code_cells(notebook, tag) for tag in ("stub", "check", "solution"))
    assert len(stubs) == len(checks) == len(solutions)
    for cell in solutions:
        assert "hide-cell" in cell.metadata.tags and cell.metadata.get("cellView") == "form"
        assert cell.metadata.jupyter.source_hidden, "hidden in JupyterLab too"
        assert cell.source.startswith("# @title Solution"), "hidden on Colab too"
        assert ").ok" in cell.source, "a solution asserts its own check"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_figure_of_a_notebook_has_alt_text(path):
    draws = re.compile(r"\bplot\.\w+\(|plt\.(subplots|figure)\(")
    for cell in code_cells(load(path)):
        if draws.search(cell.source) and "remove-output" not in cell.metadata.get("tags", []):
            if "solution" in cell.metadata.get("tags", []) or "plot.running_table" in cell.source:
                continue
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, f"cell {cell.id} draws a figure without alt text in its metadata"


# --- the book -------------------------------------------------------------------------------------


def test_every_page_is_in_the_table_of_contents_and_exists():
    listed = toc_files()
    assert len(listed) == len(set(listed))
    there = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in [*NOTEBOOKS, *(ROOT / "book").glob("*.md")]
    }
    assert there == set(listed)


def test_chapters_come_in_the_order_of_their_numbers():
    numbers = [Path(file).name.split("_")[0] for file in toc_files()]
    chapters = [n for n in numbers if re.fullmatch(r"\d\d[a-z]?", n) and n != "00"]
    assert chapters == sorted(chapters)
    for path in NOTEBOOKS:
        number = path.stem[:2]
        assert number == "00" or list((ROOT / "book").glob(f"{number}_*.md")), (
            f"{path.stem} has no page of its chapter"
        )


def test_pages_hold_no_executable_cells_and_no_left_over_tokens():
    for path in (ROOT / "book").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert "{code-cell}" not in text, f"{path.name}: executable code lives in notebooks"
        assert not re.search(r"@(STEM|NUMBER|NAME|CLASS|TITLE)@|TODO|FIXME|lorem", text), path.name
        quizzes = re.findall(r"^```\{quiz\}(.*)$", text, re.MULTILINE)
        assert not any("`" in question for question in quizzes), (
            f"{path.name}: a fence ends at a backtick in its first line"
        )
        for image in re.finditer(r"!\[(.*?)\]\(", text):
            assert len(image.group(1)) > 10, f"{path.name}: an image without alt text"


def test_every_chapter_page_has_its_parts():
    for path in (ROOT / "book").glob("[0-9][0-9]_*.md"):
        text = path.read_text(encoding="utf-8")
        for part in (
            "## Misconceptions",
            "## Quiz",
            "```{quiz}",
            "## Summary",
            "## History",
            "{literalinclude}",
        ):
            assert part in text, f"{path.name} lacks {part!r}"


# --- files, versions, names -----------------------------------------------------------------------


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).exists()]


def test_files_are_small_and_of_allowed_kinds():
    weights = 0
    for path in tracked():
        size = path.stat().st_size
        assert size < 500_000 or path.suffix == ".safetensors", f"{path} has {size} bytes"
        assert path.suffix not in {".pt", ".pth", ".pkl", ".npz", ".gz", ".zip"}, (
            f"{path} is of a forbidden kind"
        )
        weights += size if path.suffix == ".safetensors" else 0
    assert weights < 10_000_000


def test_weights_have_a_card():
    for path in (ROOT / "genlib" / "assets").glob("*.safetensors"):
        assert path.with_suffix(".json").exists(), f"{path.name} has no card"


def test_requirements_pin_what_pyproject_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "learning-to-generate"
    bounded = {package_name(d) for d in project["dependencies"]}
    assert all(">=" in d and "<" not in d and "==" not in d for d in project["dependencies"]), (
        "lower bounds only"
    )
    assert bounded <= pinned(ROOT / "requirements.txt"), (
        "requirements.txt pins every dependency of genlib"
    )
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in lines if line and line[0] not in "#-"), "exact pins only"
    assert "-e ." in lines


def test_lower_bounds_hold_for_the_pins():
    from packaging.requirements import Requirement

    pins = dict(
        line.split("==")
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line and line[0] != "#"
    )
    for dependency in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "dependencies"
    ]:
        requirement = Requirement(dependency)
        assert requirement.specifier.contains(pins[requirement.name]), dependency


def test_nobody_is_told_to_install_genlib_from_the_public_index():
    """`genlib` there is somebody else's package."""
    forbidden = re.compile(r"pip3? install[^\n]*?\s[\"']?genlib\b", re.IGNORECASE)
    for path in TEXT_FILES:
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_the_address_of_the_repository_is_the_same_everywhere():
    url = current()
    for path in TEXT_FILES:
        for found in re.findall(
            r"https://github\.com/([\w.-]+/learning-to-generate)", path.read_text(encoding="utf-8")
        ):
            assert found in {slug(url), "you/learning-to-generate"}, (
                f"{path} names another repository: {found}"
            )


def test_ci_calls_what_the_readme_says():
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()
