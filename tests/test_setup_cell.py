"""The first code cell of every notebook, in each situation a reader may be in."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from tools.set_repository import current, setup_cell, tag

ROOT = Path(__file__).resolve().parent.parent
NONE = "https://github.com/OWNER/learning-to-generate"
ADA = "https://github.com/ada/course"


def as_python(address: str) -> str:
    return TransformerManager().transform_cell(setup_cell(address))


class Reader:
    """Runs the cell and remembers what it would have installed."""

    def __init__(self, monkeypatch, colab: bool):
        self.installed, self.names = [], {"get_ipython": lambda: self}
        if colab:
            monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        else:
            monkeypatch.delitem(sys.modules, "google.colab", raising=False)

    def run_line_magic(self, magic: str, line: str) -> None:
        assert magic == "pip"
        self.installed.append(line)

    def run(self, address: str) -> "Reader":
        exec(as_python(address), self.names)
        return self


def test_it_is_the_cell_of_the_notebooks():
    cell = nbformat.read(ROOT / "templates" / "notebook.ipynb", as_version=4).cells[1]
    assert cell.id == "setup" and cell.source == setup_cell(current(), tag())


def test_without_an_address_it_is_an_import_and_a_call():
    first, empty, last = setup_cell(NONE).splitlines()
    assert first.startswith("from genlib.run import setup") and len(first) < 80
    assert (empty, last) == ("", "run = setup(seed=0)")


@pytest.mark.parametrize("colab, address", [(False, ADA), (False, NONE), (True, NONE)])
def test_where_nothing_can_or_need_be_installed_the_cell_only_sets_up(monkeypatch, colab, address):
    reader = Reader(monkeypatch, colab).run(address)
    assert reader.installed == [] and reader.names["run"].budget in ("quick", "cpu", "gpu")


def test_colab_installs_genlib_and_nothing_else(monkeypatch):
    reader = Reader(monkeypatch, colab=True).run(ADA)
    assert reader.installed == ["install -q --no-deps git+https://github.com/ada/course"]
    assert reader.names["run"].seed == 0


@pytest.mark.parametrize("address", [NONE, ADA])
def test_in_another_kernel_the_error_shows_which_one_to_choose(monkeypatch, capsys, address):
    """The line that fails says it, as a notebook shows the line; PyPI's genlib has no module `run` either."""
    monkeypatch.setitem(sys.modules, "genlib", ModuleType("genlib"))
    monkeypatch.delitem(sys.modules, "genlib.run", raising=False)
    result = InteractiveShell().run_cell(setup_cell(address))
    assert isinstance(result.error_in_exec, ModuleNotFoundError)
    assert "Choose the kernel .venv (make env)" in capsys.readouterr().out


def test_an_empty_folder_is_not_taken_for_the_library(tmp_path):
    """In a Python without this environment's packages, beside a folder called genlib."""
    (tmp_path / "genlib").mkdir()
    command = [sys.executable, "-S", "-c", as_python(ADA)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert told.returncode == 1 and "No module named 'genlib.run'" in told.stderr
