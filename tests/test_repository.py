"""The guardian of the house: rules that hold for the whole repository, each named by what would go wrong."""

import ast
import functools
import os
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from PIL import Image

from tools.freeze import name as package_name
from tools.freeze import pinned
from tools.set_repository import badge, current, has_address, setup_cell, slug, tag

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

# data -> model -> loss -> train -> sample -> evaluate -> plot: a module imports from its own group or earlier ones.
# A module that is named nowhere here is the model of a chapter, so that a new chapter needs no edit.
MODELS: set[str] = set()
ORDER = [
    {"expect", "rng", "run", "text"},
    {"data", "reviews", "words"},
    {"nets"},
    {"losses"},
    MODELS,
    {"train"},
    {"recipes"},
    {"pretrained"},
    {"evaluate"},
    {"corrupt"},
    {"table"},
    {"plot", "interact"},
    {"runs"},
    {"check"},
    {"__main__"},
]


def rank(module: str) -> int:
    named = [i for i, group in enumerate(ORDER) if module in group]
    return named[0] if named else ORDER.index(MODELS)


MADE_HERE = {".git", ".venv", "_build", ".hypothesis", ".pytest_cache", ".ruff_cache"}


def house_files(root: Path = ROOT) -> list[Path]:
    """Every file of the repository, new ones too; where git is missing or lists nothing, what lies in the folder."""
    try:
        command = ["git", "ls-files", "-coz", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True).stdout.split(b"\0")
    except OSError:
        listed = []
    files = [root / os.fsdecode(name) for name in listed if name]
    if not files:
        tops = [path for path in root.iterdir() if path.name not in MADE_HERE]
        files = [path for top in tops for path in (top, *top.rglob("*"))]
        files = [path for path in files if "__pycache__" not in path.parts]
    return sorted(path for path in files if path.is_file())


def genlib_files() -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "genlib").rglob("*.py"))
        if path.name != "__init__.py" or path.parent.name != "genlib"
    ]


def imported(path: Path) -> set[str]:
    """First and second part of every module that the file imports, as in `torch.nn`."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(module: str) -> set[str]:
    """The modules of genlib that a module or package of genlib imports."""
    names = {name for path in sources(module) for name in imported(path)}
    return {name.split(".")[1] for name in names if name.startswith("genlib.")} - {module}


def sources(module: str) -> list[Path]:
    """The files of a module or package of genlib."""
    file, folder = ROOT / "genlib" / f"{module}.py", ROOT / "genlib" / module
    return [file] if file.exists() else sorted(folder.glob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
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

    walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    return files


# --- genlib ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", genlib_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path):
    own = path.relative_to(ROOT / "genlib").parts[0].removesuffix(".py")
    for module in imported(path):
        assert not module.startswith("None."), f"{path.name}: write `from genlib.x`, not `from .x`"
        if module.startswith("genlib."):
            other = module.split(".")[1]
            assert rank(other) <= rank(own), (
                f"{path.name} imports {module}, which comes later in the flow"
            )


@pytest.mark.parametrize("model", ["autoencoder", "vae", "gan", "ddpm"])
def test_a_model_can_be_read_and_trained_with_few_files(model):
    """What one must read, or copy, to have the model and its training; the data are the reader's own."""
    assert sources(model), f"genlib.{model} is gone: name its successor here"
    found, left = set(), {model, "train"}
    while left:
        found |= left
        left = {other for module in left for other in own_imports(module)} - found
    files = [path.name for module in found - {"expect", "data"} for path in sources(module)]
    assert len(files) <= 5, f"{model} and train need {sorted(files)}"


@pytest.mark.parametrize("path", genlib_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_genlib_shows_nothing_and_imports_nothing_heavy(path):
    assert not {m.split(".")[0] for m in imported(path)} & {
        "torchvision",
        "diffusers",
        "tensorflow",
    }
    for node in ast.walk(parsed(path)):
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
    tree = parsed(path)
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


# --- short functions ------------------------------------------------------------------------------


CORE = [path for folder in ("genlib", "genlib/data") for path in (ROOT / folder).glob("*.py")]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_function_of_the_core_is_longer_than_a_screen():
    lengths = {
        f"{path.name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in CORE
        for node in functions(parsed(path))
    }
    assert len(lengths) > 200
    assert not {name: lines for name, lines in lengths.items() if lines > 40}


def lines_of_code(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring, comments and empty lines."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return 1 + sum(len(ast.unparse(statement).splitlines()) for statement in body)


def test_functions_of_the_core_are_short():
    nodes = [n for path in CORE for n in functions(parsed(path))]
    assert statistics.median(map(lines_of_code, nodes)) <= 7


def arguments(node: ast.FunctionDef) -> list[str]:
    a = node.args
    every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs]
    return [argument.arg for argument in every if argument.arg not in ("self", "cls")]


def test_public_functions_of_the_core_take_few_arguments():
    """At most six; constructors are lists of parts, and may take more."""
    crowded = {}
    for path in CORE:
        tree = parsed(path)
        for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
            for node in filter(lambda n: isinstance(n, ast.FunctionDef), scope.body):
                if not node.name.startswith("_") and len(arguments(node)) > 6:
                    crowded[f"{path.name}:{node.lineno} {node.name}"] = arguments(node)
    assert not crowded


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
    setup = setup_cell(current(), tag())
    assert second.source == setup, "the second cell is the setup cell, the same in every notebook"
    assert len(setup.splitlines()) <= (7 if has_address(current()) else 3), "short"
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
    """Once there is an address; before that nothing leads nowhere."""
    title, below, *_ = load(path).cells[0].source.split("\n\n")
    assert badge(current(), path.name, tag()) == (below if has_address(current()) else "")
    assert "OWNER" not in path.read_text(encoding="utf-8")


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
            if "solution" in cell.metadata.get("tags", []):
                continue
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, f"cell {cell.id} draws a figure without alt text in its metadata"


# --- the book -------------------------------------------------------------------------------------


def test_every_page_is_in_the_table_of_contents_and_exists():
    listed = toc_files()
    assert len(listed) == len(set(listed))
    there = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in [*NOTEBOOKS, *(ROOT / "book").rglob("*.md")]
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
    for path in (ROOT / "book").rglob("*.md"):
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


def test_files_are_small_and_of_allowed_kinds():
    weights = 0
    for path in house_files():
        size = path.stat().st_size
        assert size < 500_000 or path.suffix == ".safetensors", f"{path} has {size} bytes"
        assert path.suffix not in {".pt", ".pth", ".pkl", ".npz", ".gz", ".zip"}, (
            f"{path} is of a forbidden kind"
        )
        weights += size if path.suffix == ".safetensors" else 0
    assert weights < 10_000_000


@pytest.mark.parametrize("path", ["", os.defpath], ids=["no git", "git lists nothing"])
def test_without_git_the_files_are_those_of_the_folder(tmp_path, monkeypatch, path):
    for name in (
        ".venv/lib.py",
        "_build/page.html",
        ".hypothesis/a.gz",
        "genlib/__pycache__/vae.pyc",
        "genlib/vae.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", path)
    assert house_files(tmp_path) == [tmp_path / "genlib" / "vae.py"]


def text_without_encoding(tree: ast.AST) -> Iterator[int]:
    """Lines of calls that read or write text in whatever encoding the machine happens to use."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        true = {k.arg for k in node.keywords if getattr(k.value, "value", None) is True}
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        values = [*node.args, *(k.value for k in node.keywords if k.arg == "mode")]
        texts = [v.value for v in values if isinstance(v, ast.Constant)]
        binary = any(re.fullmatch(r"[rwxa+]*b[rwxa+]*", str(text)) for text in texts)
        if (
            (name == "read_text" and not values)
            or (name == "write_text" and len(values) < 2)
            or (name == "open" and not binary and ast.unparse(node.func) != "Image.open")
            or (name in ("fdopen", "NamedTemporaryFile", "TemporaryFile") and not binary)
            or true & {"text", "universal_newlines"}
        ):
            yield node.lineno


def test_text_is_read_and_written_as_utf_8():
    """Elsewhere the default is another: cp1252, cp932, gbk. A Korean glossary does not decode there."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in house_files()
        if path.suffix == ".py" and "templates" not in path.parts
        for line in text_without_encoding(parsed(path))
    ]
    assert not found, 'add encoding="utf-8"'


def test_text_without_encoding_would_be_found():
    bad = ["p.read_text()", "p.write_text(x)", "open(p)", "p.open('w+')", "open(p, mode='a')"]
    bad += ["run(c, text=True)", "os.fdopen(f, 'w')"]
    good = ["p.read_text('utf-8')", "p.write_text(x, encoding=e)", "p.open('rb')", "open(p, 'wb')"]
    good += ["run(c, text=True, encoding='utf-8')", "live(f, text=t)", "os.fdopen(f, 'wb')"]
    tree = ast.parse("\n".join(bad + good))
    assert list(text_without_encoding(tree)) == [1, 2, 3, 4, 5, 6, 7]


def test_weights_have_a_card():
    for path in (ROOT / "genlib" / "assets").glob("*.safetensors"):
        assert path.with_suffix(".json").exists(), f"{path.name} has no card"


def test_requirements_pin_what_pyproject_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "learning-to-generate"
    bounded = {package_name(d) for d in project["dependencies"]}
    assert all(">=" in d and "<" not in d and "==" not in d for d in project["dependencies"]), (
        "lower bounds only"
    )
    assert bounded <= pinned(ROOT / "requirements.txt"), (
        "requirements.txt pins every dependency of genlib"
    )
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in lines if line and line[0] not in "#-"), "exact pins only"
    assert "-e ." in lines


def test_lower_bounds_hold_for_the_pins():
    pins = dict(
        line.split("==")
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and line[0] != "#"
    )
    for dependency in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]["dependencies"]:
        requirement = Requirement(dependency)
        assert requirement.specifier.contains(pins[requirement.name]), dependency


def test_the_pins_install_on_every_python_that_is_promised():
    """Among them the oldest 3.11: Debian 12 brings 3.11.2, and a helper of a helper may ask for 3.11.5."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    pythons = yaml.safe_load(workflow)["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"] and project["requires-python"] == ">=3.11"
    pins = {
        package_name(line): line.split("==")[1]
        for name in ("requirements.txt", "constraints.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "==" in line and line[0] != "#"
    }
    refused = {
        f"{d.name}=={d.version}: Python {asked}"
        for d in distributions()
        if (asked := d.metadata["Requires-Python"])
        and d.version.split("+")[0] == pins.get(package_name(d.name))
        and not all(SpecifierSet(asked).contains(f"{python}.0") for python in pythons)
    }
    assert not refused, "pin a version that does not"


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
    for name in ("README.md", ".ci/run"):
        assert "make test" in (ROOT / name).read_text(encoding="utf-8"), name


def test_the_code_of_the_readme_runs(tmp_path, monkeypatch):
    """In the order of the page, in a folder of its own, and with the budget of a few steps."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_pictures").mkdir()
    for i in range(12):
        Image.new("RGB", (20, 30), (20 * i, 0, 99)).save(tmp_path / "my_pictures" / f"{i}.png")
    names: dict = {}
    shapes = ((1000, 1, 8, 8), (64, 3, 16, 16))
    for block, shape in zip(blocks, shapes, strict=True):
        assert block.count('"cpu"') == 1
        exec(block.replace('"cpu"', '"quick"'), names)
        assert names["training"].done == 20 and names["x"].shape == shape
    assert (tmp_path / "runs" / "samples.png").exists() and (tmp_path / "samples.png").exists()
