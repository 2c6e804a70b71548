"""The files that repo2docker reads, as far as they can be tried without it."""

import os
import subprocess
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / ".binder"


def test_binder_installs_the_pins_of_the_book():
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    files = [line.removeprefix("-r ") for line in lines if line.startswith("-r ")]
    assert [(BINDER / name).resolve() for name in files] == [ROOT / "requirements.txt"]
    assert not [line for line in lines if "==" in line], "versions are pinned in one place"


def test_binder_asks_for_a_python_that_genlib_knows():
    """Without a runtime.txt repo2docker would take an older one."""
    name, _, version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().partition("-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert name == "python" and SpecifierSet(project["requires-python"]).contains(version)


def test_start_gives_one_thread_and_hands_the_command_on():
    start = BINDER / "start"
    assert os.access(start, os.X_OK)
    code = 'printf "%s|" "$OMP_NUM_THREADS" "$@"'
    command = [start, "sh", "-c", code, "sh", "two words", "end"]
    told = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert told.stdout == "1|two words|end|"
