"""The first code cell of every notebook, in each situation a reader may be in."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parent.parent
OWNER = "https://github.com/OWNER/learning-to-generate"


def source(address: str = OWNER) -> str:
    """The cell as Python, with the repository's address; that it is the same everywhere is tested elsewhere."""
    cell = nbformat.read(ROOT / "templates" / "notebook.ipynb", as_version=4).cells[1]
    assert cell.id == "setup" and OWNER in cell.source
    return TransformerManager().transform_cell(cell.source.replace(OWNER, address))


class Reader:
    """Runs the cell and remembers what it would have installed."""

    def __init__(self, monkeypatch, found: dict, colab: bool):
        """found: what find_spec answers; where it says nothing of genlib.run, there is none, as with PyPI's genlib."""
        self.installed, self.names = [], {"get_ipython": lambda: self}
        monkeypatch.setattr(importlib.util, "find_spec", self.find_spec)
        self.found = found
        if colab:
            monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        else:
            monkeypatch.delitem(sys.modules, "google.colab", raising=False)

    def find_spec(self, name: str):
        parent = name.rpartition(".")[0]
        if parent and not self.found.get(parent):
            raise ModuleNotFoundError(f"No module named {parent!r}")  # as the real one does
        return self.found.get(name)

    def run_line_magic(self, magic: str, line: str) -> None:
        assert magic == "pip"
        self.installed.append(line.format_map(self.names))

    def run(self, address: str = OWNER) -> None:
        exec(source(address), self.names)


THERE, NOTHING = {"genlib": SimpleNamespace(), "genlib.run": SimpleNamespace()}, {}
AN_EMPTY_FOLDER = {"genlib": SimpleNamespace(origin=None)}


@pytest.mark.parametrize("colab", [True, False])
def test_where_genlib_is_installed_the_cell_only_sets_up(monkeypatch, colab):
    reader = Reader(monkeypatch, THERE, colab)
    reader.run()
    assert reader.installed == [] and reader.names["run"].budget in ("quick", "cpu", "gpu")


@pytest.mark.parametrize("found", [NOTHING, AN_EMPTY_FOLDER])
def test_a_local_reader_is_told_what_to_choose_and_nothing_is_installed(monkeypatch, found):
    reader = Reader(monkeypatch, found, colab=False)
    with pytest.raises(AssertionError, match=r"another kernel: .*\.venv/bin/python.*`make env`"):
        reader.run("https://github.com/ada/course")
    assert reader.installed == []


def test_colab_says_that_the_address_is_not_set(monkeypatch):
    reader = Reader(monkeypatch, NOTHING, colab=True)
    with pytest.raises(AssertionError, match="set the address once: make repository"):
        reader.run()
    assert reader.installed == []


@pytest.mark.parametrize("found", [NOTHING, AN_EMPTY_FOLDER])
def test_colab_installs_genlib_and_nothing_else(monkeypatch, found):
    reader = Reader(monkeypatch, found, colab=True)
    folder = ModuleType("genlib")  # what an empty folder of that name leaves behind
    monkeypatch.setitem(sys.modules, "genlib", folder)
    reader.run("https://github.com/ada/course")
    assert reader.installed == ["install -q --no-deps git+https://github.com/ada/course"]
    assert sys.modules.get("genlib") is not folder and "run" in reader.names


def test_the_real_find_spec_does_not_take_an_empty_folder_for_the_library(tmp_path):
    """In a Python without this environment's packages, beside a folder called genlib."""
    (tmp_path / "genlib").mkdir()
    command = [sys.executable, "-S", "-c", source("https://github.com/ada/course")]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert told.returncode == 1 and "AssertionError: choose another kernel" in told.stderr
