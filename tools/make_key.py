"""Write the answer key: `make key`, into _build/key, once as Markdown and once as a notebook to print.

    python -m tools.make_key [FOLDER]

For each exercise its level, minutes and points, the question, the solution that the book runs, what is said of it, and
the usual mistakes, in the words of the checker. Then the written problems of the chapters, with their answers.
"""

import argparse
import ast
import re
from pathlib import Path

import nbformat

from tools import exercises, written

TARGET = exercises.ROOT / "_build" / "key"
CHECKERS = exercises.ROOT / "genlib" / "check"
BEGINS = re.compile(r"^### Exercise (\d+) ", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)[^)]*\)")


def key(path: Path) -> list[tuple[str, str]]:
    """The part of one notebook: (kind of cell, text), a heading first; links are left out, for this is one document."""
    parts, inside, number = [("markdown", f"## {exercises.title(path)}")], False, ""
    for cell in nbformat.read(path, 4).cells:
        solution = "solution" in cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            if solution:
                code = cell.source.partition("\nassert check.")[0]  # what follows tries it out
                parts.append(("code", code.removeprefix("# @title Solution\n").strip()))
                parts += mistakes(path, number)
            continue
        begins = BEGINS.search(cell.source)  # below the heading of all exercises, at times
        number = begins[1] if begins else number
        inside = bool(begins) or (inside and not cell.source.startswith("## "))
        if inside or solution:
            text = cell.source[begins.start() if begins else 0 :]
            parts.append(("markdown", LINK.sub(r"\1", text).strip()))
    return parts


def mistakes(path: Path, number: str) -> list[tuple[str, str]]:
    """What the checker of an exercise says of wrong answers, with dots for the numbers that it puts in."""
    checker = CHECKERS / f"ex{path.stem.partition('_')[0]}.py"
    tree = ast.parse(checker.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    said = dict.fromkeys(_messages(f"exercise_{number}", functions, set()))
    lines = [f"- {re.sub('{[^}]*}', '...', text)}" for text in said]
    return [("markdown", "\n".join(["*The check says of wrong answers:*\n", *lines]))]


def _messages(name: str, functions: dict[str, ast.FunctionDef], seen: set[str]) -> list[str]:
    """The sentences of a checker and of the functions that it calls, but for docstrings and praise."""
    if name not in functions or name in seen:
        return []
    seen.add(name)
    found, todo = [], list(functions[name].body)
    while todo:
        node = todo.pop(0)
        called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if called == "praise" or isinstance(getattr(node, "value", None), ast.Constant):
            continue  # an expression that is a text alone is a docstring
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [node.value] if node.value.count(" ") > 2 else []
        todo = [*ast.iter_child_nodes(node), *todo]
        found += _messages(called, functions, seen)
    return found


def problems() -> list[tuple[str, str]]:
    """The written problems of the chapters."""
    parts = [("markdown", "## Written problems")]
    for page in written.pages()[:-1]:  # without the page on exams
        for one in written.of(page):
            head = f"### {one.name} · {one.title}\n\n*{one.minutes} minutes · {one.points} points*"
            parts.append(("markdown", f"{head}\n\n{written.for_print(one.question)}"))
            parts.append(("markdown", f"*Answer.* {written.for_print(one.answer)}"))
    return parts


def write(target: Path) -> list[Path]:
    """Write both files; returns them."""
    parts = [("markdown", "# Answer key\n\nFor teachers. Students find the same in the notebooks.")]
    for path in filter(exercises.of, sorted(exercises.NOTEBOOKS.glob("*.ipynb"))):
        parts += key(path)
    parts += problems()
    target.mkdir(parents=True, exist_ok=True)
    blocks = [text if kind == "markdown" else f"```python\n{text}\n```" for kind, text in parts]
    (target / "key.md").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    cells = [new[kind](text, id=f"part-{i}") for i, (kind, text) in enumerate(parts)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), target / "key.ipynb")
    return [target / "key.md", target / "key.ipynb"]


def main() -> None:
    """Write the key and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_key", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=TARGET)
    for path in write(parser.parse_args().folder):
        print(path.relative_to(exercises.ROOT) if path.is_relative_to(exercises.ROOT) else path)


if __name__ == "__main__":
    main()
