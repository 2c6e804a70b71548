"""Files are read as UTF-8 on every machine, and no output stops at a character that it cannot hold."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genlib.run import forgiving_output
from genlib.table import Table

ROOT = Path(__file__).resolve().parent.parent


def python(code: str, *options: str, **variables: str) -> subprocess.CompletedProcess:
    """Run code in a Python of its own, from the root of the repository; its output as bytes."""
    known = {"OMP_NUM_THREADS": "1", "GENLIB_STATIC": "1", "GENLIB_DEVICE": "cpu"}
    known |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "0"} | variables
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=os.environ | known, capture_output=True)


# Every module, and whatever reads a file: this sees the calls that a rule about names does not know.
READS = """
import pkgutil, warnings
from pathlib import Path
seen = []
warnings.showwarning = lambda _, kind, file, line, *rest: seen.append((kind.__name__, file, line))
warnings.simplefilter("always")
import benchmarks, genlib, tools
for package in (genlib, tools, benchmarks):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        __import__(module.name)
from genlib import data, interact, pretrained, reviews, table, train
data.digits(), reviews.reviews(), pretrained.judge("digits"), table.stored("table")
from tools import freeze, new_chapter, set_repository
freeze.pinned(Path("requirements.txt")), set_repository.current()
own = [(file, line) for kind, file, line in seen if kind == "EncodingWarning"
       and Path.cwd() in Path(file).parents and "site-packages" not in Path(file).parts]
print(own, any(kind == "EncodingWarning" for kind, *_ in seen))
"""


def test_nothing_reads_or_writes_text_in_the_encoding_of_the_machine():
    done = python(READS, "-X", "warn_default_encoding")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines()[-1] == "[] True"  # the hook did see those of others


PRINTS = """
from genlib.run import setup
setup()
print("→ 生成 modèle")
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932"])
def test_a_notebook_prints_into_any_pipe(encoding):
    done = python(PRINTS, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    first, last = done.stdout.decode(encoding).splitlines()
    assert first.startswith("seed 0") and "torch" in first
    assert last == "→ 生成 modèle".encode(encoding, "replace").decode(encoding) and "?" in last


def pipe(monkeypatch, encoding: str, errors: str = "strict") -> io.BytesIO:
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding, errors, write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    return written


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "utf-8"])
def test_a_table_prints_into_any_pipe(encoding, monkeypatch):
    shown = Table({"a": {"frechet": [1.0, 2.0], "label": "生成 modèle"}})
    written = pipe(monkeypatch, encoding)
    print(shown)
    assert written.getvalue().splitlines() == repr(shown).encode(encoding, "replace").splitlines()


def test_a_reader_who_chose_what_to_do_with_such_characters_is_left_alone(monkeypatch):
    written = pipe(monkeypatch, "ascii", "xmlcharrefreplace")
    forgiving_output()
    print("±")
    assert written.getvalue() == b"&#177;\n"


def test_the_tools_can_name_any_folder():
    done = python("import tools; print('生成')", PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stdout.strip()) == (0, b"??")
