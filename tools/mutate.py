"""Plant the defects of tests/defects.toml one by one, and report those that no test catches: `make mutate`.

`make mutate ONLY="KL DDIM"` plants those whose description holds one of the words. Each is planted in a copy of the
checkout, where the tests named after the module run first and then all others, until one fails.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".venv", "_build", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis")
# These look at the text of the repository, not at what it computes.
NOT_RUN = {"test_repository", "test_new_chapter", "test_notation", "test_mutate", "test_figures"}
WORKERS = 2


def defects() -> list[dict[str, str]]:
    """what (in words), file, old (a text that stands once in the file), new."""
    return tomllib.loads((ROOT / "tests" / "defects.toml").read_text(encoding="utf-8"))["defect"]


def planted(text: str, defect: dict[str, str]) -> str:
    """The text with the defect in it.

    Raises:
        ValueError: `old` does not stand in it exactly once.
    """
    if (found := text.count(defect["old"])) != 1:
        raise ValueError(f"{defect['what']}: expected `old` once in {defect['file']}, got {found}")
    return text.replace(defect["old"], defect["new"])


def tests_for(file: str) -> tuple[list[str], list[str]]:
    """The unit tests that carry the name of the module, and all others."""
    names = sorted(path.stem for path in (ROOT / "tests").glob("test_*.py"))
    names = [name for name in names if name not in NOT_RUN]
    own = [name for name in names if Path(file).stem in name]
    return tuple(
        [f"tests/{name}.py" for name in some] for some in (own, [n for n in names if n not in own])
    )


def try_defect(defect: dict[str, str], copy: Path) -> str | None:
    """The first test that fails with the defect in the copy, or None: it survived."""
    file = copy / defect["file"]
    clean = file.read_text(encoding="utf-8")
    file.write_text(planted(clean, defect), encoding="utf-8")
    try:
        own, others = tests_for(defect["file"])
        return (own and failure(own, copy)) or failure(others, copy)
    finally:
        file.write_text(clean, encoding="utf-8")


def failure(tests: list[str], copy: Path) -> str | None:
    """The first of the tests that fails in the copy."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    known = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    known |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # none is needed, and they take seconds
    known |= {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=copy,
        env=os.environ | known,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return (failed or [f"pytest ended with {done.returncode}"])[0] if done.returncode else None


def main(words: list[str]) -> None:
    chosen = [d for d in defects() if not words or any(word in d["what"] for word in words)]
    start, survivors = time.time(), []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        copies: queue.Queue[Path] = queue.Queue()
        for i in range(WORKERS):
            copy = Path(folder) / str(i)
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
            copies.put(copy)

        def work(defect: dict[str, str]) -> str | None:
            copy = copies.get()
            try:
                return try_defect(defect, copy)
            finally:
                copies.put(copy)

        for defect, failed in zip(chosen, pool.map(work, chosen), strict=True):
            print(
                f"{'caught' if failed else 'SURVIVED':8}  {defect['what']}: {failed or ''}"[:160],
                flush=True,
            )
            survivors += [] if failed else [defect["what"]]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught in {time.time() - start:.0f} s")
    if survivors:
        sys.exit(f"survived: {'; '.join(survivors)}")


if __name__ == "__main__":
    main(sys.argv[1:])
