"""The memory stick: lists without CUDA, the student's pins, scripts that refuse what they cannot do."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import make_stick as tool

ROOT = tool.ROOT


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if re.fullmatch(r"[\w-]+==[\w.]+", line))


def test_student_pins_are_those_of_the_book():
    book, student = pins(ROOT / "requirements.txt"), pins(tool.REQUIREMENTS)
    assert set(student) - set(book) == {"jupyterlab"}
    assert {name: book[name] for name in student if name in book} | {
        "jupyterlab": student["jupyterlab"]
    } == student
    wanted = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = re.findall(r'^    "([\w-]+)>=', wanted.split("dependencies = [")[1].split("]")[0], re.M)
    assert set(needs) <= set(student), "all that genlib needs"


def test_a_list_holds_no_cuda(monkeypatch):
    found = (
        "numpy==2.4.6\nnvidia-cublas==13\ncuda-bindings==13\ntriton==3\ntorch==2.13.0\ntritonx==1\n"
    )
    seen = []

    def run(*command, environment=None):
        seen.append((command, environment))
        return found

    monkeypatch.setattr(tool, "run", run)
    monkeypatch.setattr(tool, "uv", lambda: {"PYTHONPATH": "there"})
    assert tool.locked("macos", "3.12") == ["numpy==2.4.6", "torch==2.13.0", "tritonx==1"]
    command, environment = seen[0]
    assert command[command.index("--python-platform") + 1] == "macos"
    assert command[command.index("--python-version") + 1] == "3.12"
    assert environment == {"MACOSX_DEPLOYMENT_TARGET": "14.0", "PYTHONPATH": "there"}


def test_uv_is_fetched_once_where_it_is_missing(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(tool, "UV", tmp_path / "uv")
    monkeypatch.setattr(tool, "run", lambda *command: calls.append(command) or tool.UV.mkdir())
    monkeypatch.setattr(tool, "find_spec", lambda name: name)
    assert tool.uv() == {} and not calls
    monkeypatch.setattr(tool, "find_spec", lambda name: None)
    assert tool.uv() == tool.uv() == {"PYTHONPATH": str(tmp_path / "uv")}
    assert len(calls) == 1 and calls[0][-3:] == ("--target", str(tmp_path / "uv"), "uv")


@pytest.mark.parametrize("system, asked", [("linux", True), ("windows", False)])
def test_torch_alone_comes_from_another_index(monkeypatch, tmp_path, system, asked):
    calls = []
    monkeypatch.setattr(tool, "locked", lambda *_: ["numpy==2", "torch==3"])
    monkeypatch.setattr(tool, "run", lambda *command, **_: calls.append(command))
    (folder := tmp_path / system).mkdir()
    tool.collect(system, "3.12", folder, "https://there")
    torch, others = calls
    assert ("https://there" in torch) == asked and torch[-1] == "torch==3"
    assert "https://there" not in others and others[-1] == "numpy==2"
    listed = (tmp_path / f"{system}-3.12.txt").read_text(encoding="utf-8").split()
    assert listed == ["numpy==2", "torch==3", "learning-to-generate"]


def test_sums_are_those_of_the_files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_bytes(b"one")
    assert tool.sums(tmp_path) == f"{hashlib.sha256(b'one').hexdigest()}  a/one.txt\n"


def test_without_a_built_book_nothing_is_lost(monkeypatch, tmp_path):
    places = ["--html", str(tmp_path / "html"), "--out", str(tmp_path / "stick")]
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "old").write_text("kept", encoding="utf-8")
    with pytest.raises(SystemExit, match="expected a built book"):
        tool.main(["--systems", "linux", *places])
    assert (tmp_path / "stick" / "old").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a script for sh")
def test_the_script_says_what_it_cannot_do(tmp_path):
    script = tmp_path / "install.sh"
    script.write_bytes((tool.FILES / "install.sh").read_bytes())
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "linux-2.7.txt").write_text("", encoding="utf-8")

    def run(*arguments: str) -> str:
        environment = os.environ | {"PYTHON": sys.executable}
        done = subprocess.run(
            ["sh", script, *arguments], env=environment, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 1
        return done.stderr

    if os.uname().sysname == "Linux" and os.uname().machine == "x86_64":
        version = f"linux-{sys.version_info.major}.{sys.version_info.minor}"
        assert f"of these: linux-2.7.txt - got {version}" in run(str(tmp_path / "new"))
        (tmp_path / "wheels" / f"{version}.txt").write_text("", encoding="utf-8")
        assert f"does not exist yet, got {tmp_path}" in run(str(tmp_path))
    else:
        assert "expected Linux on x86-64 or macOS 14" in run(str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
