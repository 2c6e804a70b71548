"""Write a folder for a room without network: `make stick`, then copy _build/stick to a memory stick.

It holds the built book, student copies of the notebooks, and for each system the wheels of all packages with a script
that installs them. Needs a network and a built book (`make book`); uv is fetched where it is missing.

    python -m tools.make_stick --systems linux windows macos --pythons 3.11 3.12 3.13
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET, HTML, UV = (ROOT / "_build" / name for name in ("stick", "html", "uv"))
FILES, REQUIREMENTS = ROOT / "tools" / "stick", ROOT / "requirements-student.txt"
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 16, -1)] + ["manylinux2014_x86_64"]
PLATFORMS = {
    "linux": [*LINUX, "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"],
    "windows": ["win_amd64"],
    "macos": [f"macosx_{major}_0_{chip}" for major in range(14, 10, -1) for chip in ("arm64", "universal2")],
}  # fmt: skip
CUDA = re.compile(r"(nvidia-|cuda-|triton\b)")  # a laptop of a class needs none of it
SERVED = (
    "/static"  # where start.sh lets JupyterLab show the book: its own viewer of HTML has no styles
)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main(arguments: list[str] | None = None) -> None:
    asked = argparse.ArgumentParser("python -m tools.make_stick", description=__doc__)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked.add_argument("--systems", nargs="+", choices=PLATFORMS, default=list(PLATFORMS))
    asked.add_argument("--pythons", nargs="+", default=[here], metavar="VERSION")
    asked.add_argument("--torch-index", default=CPU_INDEX, help="of builds for Linux without CUDA")
    asked.add_argument("--out", type=Path, default=TARGET, help="the folder to write, anew")
    asked.add_argument("--html", type=Path, default=HTML, help="the built book")
    asked = asked.parse_args(arguments)
    if not (asked.html / "index.html").exists():
        why = f"expected a built book in {asked.html}, got none (run `make book` first)"
        sys.exit(f"make stick: {why}")
    write(asked)
    size = sum(path.stat().st_size for path in asked.out.rglob("*") if path.is_file())
    print(f"{asked.out}: {size / 1e6:,.0f} MB")


def write(asked: argparse.Namespace) -> None:
    """The whole folder, with the line ends that Windows wants in its scripts."""
    shutil.rmtree(asked.out, ignore_errors=True)
    shutil.copytree(FILES, asked.out)
    for script in asked.out.glob("*.bat"):
        script.write_bytes(b"\r\n".join(script.read_bytes().splitlines()) + b"\r\n")
    shutil.copytree(asked.html, asked.out / "html")
    run("-m", "tools.make_exercises", str(asked.out / "exercises"), "--book", SERVED)
    wheel = own_wheel(asked.out / "wheels")
    for system in asked.systems:
        (folder := asked.out / "wheels" / system).mkdir()
        shutil.copy(wheel, folder)
        for python in asked.pythons:
            collect(system, python, folder, asked.torch_index)
    wheel.unlink()
    (asked.out / "SHA256SUMS").write_text(sums(asked.out), encoding="utf-8")


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a Python command prints; its errors are shown where it fails."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        encoding="utf-8",
        stdout=subprocess.PIPE,
    )
    if done.returncode:
        sys.exit(f"make stick: {' '.join(command[:4])} ... failed, see above")
    return done.stdout


def own_wheel(folder: Path) -> Path:
    """The library of the book as a wheel, the same for all systems."""
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def collect(system: str, python: str, folder: Path, torch_index: str) -> None:
    """Write the list of one system and Python, and download its wheels."""
    names = locked(system, python)
    platforms = [part for name in PLATFORMS[system] for part in ("--platform", name)]
    what = ["-q", "--no-deps", "--only-binary=:all:", "--python-version", python, *platforms]
    torch = [name for name in names if name.startswith("torch==")]
    others = [name for name in names if name not in torch]
    cpu_only = system == "linux" and torch_index  # the usual build there brings gigabytes of CUDA
    index = ["--index-url", torch_index] if cpu_only else []
    for part, source in ((torch, index), (others, [])):
        run("-m", "pip", "download", *what, *source, "-d", str(folder), *part)
    path = folder.parent / f"{system}-{python}.txt"
    path.write_text("\n".join([*names, "learning-to-generate", ""]), encoding="utf-8")


def locked(system: str, python: str) -> list[str]:
    """What must be installed on a system, with exact versions: pip would read the markers of this machine."""
    found = run(
        "-m", "uv", "pip", "compile", "-q", "--no-header", "--no-annotate", "--python-version", python,
        "--python-platform", system, str(REQUIREMENTS),
        environment={"MACOSX_DEPLOYMENT_TARGET": "14.0"} | uv(),
    )  # fmt: skip
    return [line for line in found.splitlines() if line and not CUDA.match(line)]


def uv() -> dict[str, str]:
    """What `python -m uv` needs in its environment: nothing, or the folder into which uv is fetched once."""
    if find_spec("uv"):
        return {}
    if not UV.exists():
        run("-m", "pip", "install", "-q", "--target", str(UV), "uv")
    return {"PYTHONPATH": str(UV)}


def sums(folder: Path) -> str:
    """A line of SHA-256 for each file, as sha256sum writes it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}"
        for path in files
    )
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
