"""Make the files of a new chapter from templates/: page, notebook, module, test, and its lines in _toc.yml.

make new CHAPTER=06_guidance TITLE="Guidance: asking for what you want"
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "chapter.md": "book/{stem}.md",
    "notebook.ipynb": "notebooks/{number}a_{name}.ipynb",
    "model.py": "genlib/{name}.py",
    "check.py": "genlib/check/ex{number}a.py",
    "test_model.py": "tests/test_{name}.py",
}


def targets(stem: str, root: Path) -> dict[Path, Path]:
    """template -> file to be made."""
    number, name = stem.split("_", 1)
    return {
        root / "templates" / template: root / place.format(stem=stem, number=number, name=name)
        for template, place in KINDS.items()
    }


def make(stem: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write all files of the chapter, or none.

    Raises:
        ValueError: the name has another form than 06_guidance, the title is missing, or a file exists already.
    """
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", stem):
        raise ValueError(
            f"CHAPTER: expected two digits, an underscore and a name, as in 06_guidance, got {stem!r}"
        )
    if not title:
        raise ValueError(
            'TITLE: expected the title of the chapter, as in TITLE="Guidance", got nothing'
        )
    files = targets(stem, root)
    taken = [path.relative_to(root).as_posix() for path in files.values() if path.exists()]
    if taken:
        raise ValueError(
            f"CHAPTER: nothing was written, since these files exist: {', '.join(taken)}"
        )
    number, name = stem.split("_", 1)
    tokens = {
        "@STEM@": stem,
        "@NUMBER@": number,
        "@NAME@": name,
        "@CLASS@": name.title().replace("_", ""),
        "@TITLE@": title,
    }
    for template, path in files.items():
        text = template.read_text(encoding="utf-8")
        for token, value in tokens.items():
            text = text.replace(token, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    add_to_toc(root / "_toc.yml", stem, f"{number}a_{name}")
    return list(files.values())


def add_to_toc(toc: Path, stem: str, notebook: str) -> None:
    """Append the chapter after the last numbered one: order in the table of contents is order of numbers."""
    entry = (
        f"      - file: book/{stem}\n        sections:\n          - file: notebooks/{notebook}\n"
    )
    before, marker, after = toc.read_text().partition("  - caption: Reference\n")
    toc.write_text(before + entry + marker + after)


if __name__ == "__main__":
    try:
        for path in make(*(sys.argv[1:] + ["", ""])[:2]):
            print(path.relative_to(ROOT))
    except ValueError as problem:
        sys.exit(f"make new: {problem}")
