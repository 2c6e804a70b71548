"""What `make env-test` installs and where it runs; tests/slow has a whole run."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import env_test

ROOT = Path(__file__).resolve().parent.parent


def test_an_unknown_name_lists_the_environments():
    with pytest.raises(
        SystemExit, match=r"(?s)ENV: expected one of .*'ofline'.*offline .*no network"
    ):
        env_test.main("ofline")


def test_the_lowest_versions_are_the_bounds_exactly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(line) for line in env_test.lowest(ROOT)]
    assert len({w.name for w in wanted}) == len(wanted), "a package is named twice"
    found = {w.name: str(w.specifier) for w in wanted}
    for line in project["dependencies"]:
        bound = Requirement(line)
        assert found[bound.name] == str(bound.specifier).replace(">=", "==")
    assert found["nbval"].startswith("<="), "what tests need besides may be older, not newer"


def test_colab_and_the_newest_leave_no_version_of_genlib_to_our_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = {r.name: str(r.specifier) for r in map(Requirement, env_test.newest(ROOT))}
    colab = {r.name: str(r.specifier) for r in map(Requirement, env_test.as_on_colab(ROOT))}
    for bound in map(Requirement, project["dependencies"]):
        assert newest[bound.name] == ""
        assert colab[bound.name].startswith("==")
        assert bound.specifier.contains(colab[bound.name][2:]), "Colab is too old for genlib"


@pytest.mark.skipif(
    not shutil.which("git") or not (ROOT / ".git").exists(), reason="Colab installs through git"
)
def test_the_notebooks_of_colab_lie_outside_and_install_this_tree(tmp_path):
    folder = env_test.outside(ROOT, tmp_path)
    assert {p.name for p in folder.glob("*.ipynb")} == {
        p.name for p in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert not list((folder / "genlib").iterdir()), "an empty folder, to be overlooked"
    text = (folder / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert f"--no-deps git+{(tmp_path / 'repository').as_uri()}\\n" in text
    copied = tmp_path / "repository" / "genlib" / "run.py"
    assert copied.read_bytes() == (ROOT / "genlib" / "run.py").read_bytes()
    log = ["git", "-C", str(tmp_path / "repository"), "status", "--porcelain"]
    assert subprocess.run(log, capture_output=True, check=True).stdout == b""


@pytest.mark.skipif(
    subprocess.run([*env_test.OFFLINE, "true"], capture_output=True).returncode != 0,
    reason="this machine does not let us take the network away",
)
def test_offline_has_no_network_but_its_own():
    code = """import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as problem:
    print("refused:", problem.strerror)
"""
    command = [*env_test.OFFLINE, sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert told.stdout.strip() == "refused: Network is unreachable"
