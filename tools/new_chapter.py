"""Make the files of a new chapter from templates/: page, notebook, module, checker, two tests, its lines in _toc.yml.

make new CHAPTER=08_energy TITLE="Energy-based models"
"""

import json
import keyword
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
    "test_check.py": "tests/test_check_{number}a.py",
}


def make(stem: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write all files of the chapter, or none.

    Raises:
        ValueError: a name that would not work, says why; nothing was written.
    """
    toc = root / "_toc.yml"
    contents = toc.read_text(encoding="utf-8")
    files = targets(stem, root)
    expect_name(stem, files, contents)
    if not title or re.search(r'["\\`\n]', title):
        raise ValueError(
            f'TITLE: expected one line without ", \\ and `, as in TITLE="Energy", got {title!r}'
        )
    texts = {path: filled(template, stem, title) for template, path in files.items()}
    write_all(texts | {toc: with_chapter(contents, stem)})
    return list(texts)


def targets(stem: str, root: Path) -> dict[Path, Path]:
    """template -> file to be made.

    Raises:
        ValueError: the name has another form than 08_energy.
    """
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", stem):
        raise ValueError(
            f"CHAPTER: expected two digits, an underscore and a name, as in 08_energy, got {stem!r}"
        )
    number, name = stem.split("_", 1)
    return {
        root / "templates" / template: root / place.format(stem=stem, number=number, name=name)
        for template, place in KINDS.items()
    }


def expect_name(stem: str, files: dict[Path, Path], contents: str) -> None:
    """Check that a chapter of that name can be imported, overwrites nothing and comes last.

    Raises:
        ValueError: says what stands against it.
    """
    number, name = stem.split("_", 1)
    word = class_name(name)
    imports = re.compile(rf"import .*\b{word}\b")
    in_use = any(imports.search(template.read_text(encoding="utf-8")) for template in files)
    if keyword.iskeyword(name) or keyword.iskeyword(word) or in_use:
        raise ValueError(
            f"CHAPTER: expected a name that is free in Python and torch, got {name!r}, for {word}"
        )
    places = list(files.values())
    taken = [path for path in places if path.exists() or places.count(path) > 1]
    taken += [path.with_suffix("") for path in places if path.with_suffix("").is_dir()]
    if taken:
        names = ", ".join(dict.fromkeys(path.name for path in taken))
        raise ValueError(
            f"CHAPTER: expected names that are free, got {stem!r}, but there is {names}"
        )
    last = max(re.findall(r"book/(\d\d)_", contents), default="00")
    if number <= last:
        raise ValueError(f"CHAPTER: expected a number above {last}, the last so far, got {stem!r}")


def class_name(name: str) -> str:
    """energy_based -> EnergyBased."""
    return name.title().replace("_", "")


def filled(template: Path, stem: str, title: str) -> str:
    """The text of a template with its tokens filled in."""
    number, name = stem.split("_", 1)
    in_json = template.suffix == ".ipynb"
    tokens = {
        "@STEM@": stem,
        "@NUMBER@": number,
        "@NAME@": name,
        "@CLASS@": class_name(name),
        "@TITLE@": json.dumps(title, ensure_ascii=False)[1:-1] if in_json else title,
    }
    text = template.read_text(encoding="utf-8")
    for token, value in tokens.items():
        text = text.replace(token, value)
    return text


def with_chapter(contents: str, stem: str) -> str:
    """The table of contents with the chapter behind the last numbered one.

    Raises:
        ValueError: there is no part "Beyond the notebooks" to put it before.
    """
    number, name = stem.split("_", 1)
    before, marker, after = contents.partition("  - caption: Beyond the notebooks\n")
    if not marker:
        raise ValueError(
            "_toc.yml: expected the line `  - caption: Beyond the notebooks`, got none"
        )
    lines = [
        f"      - file: book/{stem}",
        "        sections:",
        f"          - file: notebooks/{number}a_{name}",
    ]
    return before + "\n".join(lines) + "\n" + marker + after


def write_all(texts: dict[Path, str]) -> None:
    """Write all files; where one cannot be written, all are as they were."""
    before = {path: path.read_bytes() if path.exists() else None for path in texts}
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8", newline="\n")
    except BaseException:
        for path, content in before.items():
            path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
        raise


if __name__ == "__main__":
    try:
        for path in make(*(sys.argv[1:] + ["", ""])[:2]):
            print(path.relative_to(ROOT).as_posix())
    except (ValueError, OSError) as problem:
        sys.exit(f"make new: {problem}")
