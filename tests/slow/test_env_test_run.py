"""`make env-test`, on a course of three tests and one notebook that fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

from tools import env_test
from tools.env_test import ENVIRONMENTS, Environment

TESTS = """import os
import pytest
def test_passes(): assert os.environ["OMP_NUM_THREADS"] == "7" and "GENLIB_DATA" not in os.environ
def test_fails(): assert False
def test_is_skipped(): pytest.skip("here")
"""
ROW = {"command": "", "date": "2026-01-01", "versions": {}, "unit": {}, "notebooks": {}}


@pytest.fixture
def course(tmp_path: Path, monkeypatch) -> Path:
    """A repository that one can test in a second, and an environment called `fake`: this Python, seven threads."""
    root = tmp_path / "course with ü"
    for folder in ("tests", "notebooks", "book/_data", ".venv/bin"):
        (root / folder).mkdir(parents=True)
    (root / "tests" / "test_small.py").write_text(TESTS, encoding="utf-8")
    (root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--nbval-lax --nbval-current-env"\n', encoding="utf-8"
    )
    cells = [
        new_code_cell("import os\nassert os.environ['GENLIB_BUDGET'] == 'quick'", id="first"),
        new_code_cell("1 / 0", id="broken"),
        new_code_cell("print('never')", id="last"),
    ]
    write(new_notebook(cells=cells), root / "notebooks" / "01a_small.ipynb")
    python = root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setenv("GENLIB_DATA", "somewhere")
    fake = Environment("seven", variables={"OMP_NUM_THREADS": "7", "GENLIB_DATA": None})
    monkeypatch.setitem(ENVIRONMENTS, "fake", fake)
    return root


def test_a_row_counts_what_passed_and_names_what_failed(course, capsys):
    path = course / "book" / "_data" / "environments.json"
    earlier = {"lowest": ROW | {"failing": []}, "fake": ROW | {"failing": ["old"]}}
    path.write_text(json.dumps(earlier), encoding="utf-8")
    assert env_test.main("fake", course) == 1
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert list(rows) == ["lowest", "fake"] and rows["lowest"] == earlier["lowest"]
    row = rows["fake"]
    assert row["unit"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert row["notebooks"]["failed"] == 1 and sum(row["notebooks"].values()) == 3
    assert row["failing"] == ["tests.test_small: test_fails", "01a_small: broken"]
    assert row["versions"]["python"].startswith("3.") and "torch" in row["versions"]
    assert 20 < row["memory_mb"] < 2000 and row["threads"] == 7
    assert "01a_small: broken" in capsys.readouterr().out


def test_a_run_that_did_not_start_writes_no_row(course):
    (course / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    with pytest.raises((SystemExit, subprocess.CalledProcessError)):
        env_test.main("fake", course)
    assert not (course / "book" / "_data" / "environments.json").exists()
