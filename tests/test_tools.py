"""The tools that make derived files, each tried on a copy or in an empty folder."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import new_chapter, set_repository, summary
from tools.make_exercises import student_copy

ROOT = Path(__file__).resolve().parent.parent


# --- make env --------------------------------------------------------------------------------------


def env(folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run tools/env.sh in a copy of the house without .venv, where `pip` is a stand-in."""
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "env.sh", folder / "tools")
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return subprocess.run(
        ["sh", str(folder / "tools" / "env.sh")],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


def fake_python(folder: Path, pip: str) -> str:
    """A python that is new enough, makes a venv whose pip does what `pip` says, in shell."""
    script = folder / "fakepython"
    script.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "Python 3.11.99"; exit 0; fi\n'
        f'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit 0; fi\n'
        f'if [ "$2" = pip ]; then {pip}; fi\nexit 0\n'
    )
    script.chmod(0o755)
    return str(script)


def one_line(result: subprocess.CompletedProcess) -> str:
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("make env: "), result.stderr
    return lines[0]


def test_a_missing_python_is_said_in_one_line(tmp_path):
    assert "Python 3.11 or newer is needed" in one_line(env(tmp_path, PYTHON="no-such-python"))


def test_too_little_space_is_said_in_one_line(tmp_path):
    line = one_line(env(tmp_path, PYTHON=sys.executable, SPACE_NEEDED_MB="999999999"))
    assert "999999999 MB of free disk space are needed" in line


def test_an_unreachable_index_is_said_in_one_line_and_leaves_no_stamp(tmp_path):
    pip = 'echo "ERROR: NewConnectionError: Temporary failure in name resolution"; exit 1'
    line = one_line(env(tmp_path, PYTHON=fake_python(tmp_path, pip)))
    assert "no package index could be reached" in line
    assert not (tmp_path / ".venv" / ".stamp").exists()


def test_a_full_disk_is_said_in_one_line(tmp_path):
    pip = 'echo "OSError: [Errno 28] No space left on device"; exit 1'
    assert "the disk is full" in one_line(env(tmp_path, PYTHON=fake_python(tmp_path, pip)))


def test_a_good_installation_is_done_once(tmp_path):
    python = fake_python(tmp_path, 'echo installed >> "$(dirname "$0")/../count"')
    assert env(tmp_path, PYTHON=python).returncode == 0
    again = subprocess.run(
        ["sh", str(tmp_path / "tools" / "env.sh")],
        env=os.environ | {"PYTHON": python},
        text=True,
        capture_output=True,
    )
    assert again.returncode == 0 and again.stdout == ""
    assert (tmp_path / ".venv" / "count").read_text() == "installed\n"


# --- make repository --------------------------------------------------------------------------------


def house(folder: Path) -> Path:
    for name in (
        "_config.yml",
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "book",
        "notebooks",
        "templates",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("_ext", "_static", "_data")
            )
        else:
            shutil.copy(source, folder / name)
    return folder


def test_the_address_is_written_everywhere(tmp_path):
    house(tmp_path)
    old = set_repository.slug(set_repository.current(tmp_path))
    changed = set_repository.write("https://github.com/ada/course.git", tmp_path)
    assert set_repository.current(tmp_path) == "https://github.com/ada/course"
    assert {path.name for path in changed} >= {
        "_config.yml",
        "pyproject.toml",
        "README.md",
        "notebook.ipynb",
    }
    for path in set_repository.files(tmp_path):
        assert (
            f"github.com/{old}" not in path.read_text() and f"github/{old}" not in path.read_text()
        )


@pytest.mark.parametrize("url", ["", "github.com/ada/course", "https://example.org/ada/course"])
def test_a_bad_address_changes_nothing(tmp_path, url):
    house(tmp_path)
    before = (tmp_path / "README.md").read_text()
    with pytest.raises(ValueError, match="URL: expected https://github.com/OWNER/NAME"):
        set_repository.write(url, tmp_path)
    assert (tmp_path / "README.md").read_text() == before


# --- make new ---------------------------------------------------------------------------------------


def empty_house(folder: Path) -> Path:
    shutil.copytree(ROOT / "templates", folder / "templates")
    shutil.copy(ROOT / "_toc.yml", folder)
    return folder


def test_a_new_chapter_is_complete_and_its_test_passes(tmp_path, monkeypatch):
    files = new_chapter.make("09_ideas", "Ideas: a test", empty_house(tmp_path))
    assert len(files) == 5 and all(path.exists() for path in files)
    assert not any(
        "@" + token + "@" in path.read_text()
        for path in files
        for token in ("STEM", "NAME", "TITLE")
    )
    parts = yaml.safe_load((tmp_path / "_toc.yml").read_text())["parts"]
    road = next(part for part in parts if part["caption"] == "The road")
    assert road["chapters"][-1]["file"] == "book/09_ideas"
    nbformat.validate(nbformat.read(tmp_path / "notebooks" / "09a_ideas.ipynb", 4))
    monkeypatch.setitem(sys.modules, "genlib.ideas", load(tmp_path / "genlib" / "ideas.py"))
    load(tmp_path / "tests" / "test_ideas.py").test_loss_agrees_with_a_plain_loop()


def load(path: Path) -> ModuleType:
    """Run a file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("stem", "title"), [("guidance", "Guidance"), ("06_guidance", ""), ("", "")]
)
def test_a_bad_chapter_name_writes_nothing(tmp_path, stem, title):
    empty_house(tmp_path)
    with pytest.raises(ValueError, match="expected"):
        new_chapter.make(stem, title, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"templates", "_toc.yml"}


def test_a_new_chapter_overwrites_nothing(tmp_path):
    empty_house(tmp_path)
    (tmp_path / "genlib").mkdir()
    (tmp_path / "genlib" / "ideas.py").write_text("mine")
    with pytest.raises(ValueError, match=r"nothing was written.*genlib/ideas\.py"):
        new_chapter.make("09_ideas", "Ideas", tmp_path)
    assert (tmp_path / "genlib" / "ideas.py").read_text() == "mine" and not (
        tmp_path / "book"
    ).exists()


# --- make exercises, the summary ---------------------------------------------------------------------


def test_a_student_copy_loses_its_solutions_and_keeps_the_rest():
    cells = [
        new_markdown_cell("### Exercise 1"),
        new_code_cell("def f(): ...", metadata={"tags": ["stub"]}),
        new_code_cell("check.exercise_1(f)", metadata={"tags": ["check"]}),
        new_code_cell("# @title Solution", metadata={"tags": ["solution", "hide-cell"]}),
    ]
    copy = student_copy(new_notebook(cells=cells))
    assert [cell.source for cell in copy.cells] == [cell.source for cell in cells[:3]]
    assert len(cells) == 4


def report(folder: Path, name: str, tests: int, failures: int = 0, skipped: int = 0) -> None:
    suite = f'<testsuite tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"/>'
    (folder / f"{name}.xml").write_text(f"<testsuites>{suite}</testsuites>")


def test_the_summary_adds_up(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    report(tmp_path, "unit", 10, skipped=1)
    report(tmp_path, "site", 5, skipped=2)
    assert summary.main(tmp_path) == 0
    assert capsys.readouterr().out == "12 passed, 0 failed, 3 skipped\n"


def test_in_ci_a_skipped_browser_test_is_a_failure(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    report(tmp_path, "unit", 10, skipped=1)
    report(tmp_path, "site", 5, skipped=2)
    assert summary.main(tmp_path) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "12 passed, 2 failed, 1 skipped"


def test_no_test_at_all_is_a_failure(tmp_path):
    assert summary.main(tmp_path) == 1
