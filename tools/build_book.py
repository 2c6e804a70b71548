"""Build the whole book with warnings as errors, then say which file to open."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOISE = "[IPKernelApp] WARNING | Kernel is running over TCP"  # one a notebook, and nothing to do about it


def main() -> int:
    jupyter_book = Path(sys.executable).parent / "jupyter-book"
    build = [jupyter_book, "build", ".", "--warningiserror", "--keep-going", "--quiet"]
    environment = {
        "GENLIB_BUDGET": "cpu",
        "GENLIB_STATIC": "1",
        "OMP_NUM_THREADS": "1",
    } | os.environ
    environment["PYTHONIOENCODING"] = "utf-8"
    with subprocess.Popen(
        build, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stderr:
            if line.strip() and not line.startswith(NOISE):
                print(line, end="", file=sys.stderr, flush=True)
    if process.returncode:
        print("make book: failed; the lines above name the page and the line.", file=sys.stderr)
    else:
        print(f"The book is built. Open {ROOT / '_build' / 'html' / 'index.html'}")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
