"""Write student copies of the notebooks: the same notebooks without the cells tagged `solution`."""

import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor, TagRemovePreprocessor
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"


def student_copy(notebook: NotebookNode) -> NotebookNode:
    """The notebook without its solutions and without outputs; its prompts, stubs and checks stay."""
    remove = TagRemovePreprocessor(
        remove_cell_tags={"solution"}, remove_all_outputs_tags={"stub", "check"}
    )
    copy, _ = remove.preprocess(notebook.copy(), {"metadata": {"name": ""}})
    copy, _ = ClearMetadataPreprocessor(preserve_cell_metadata_mask={("tags",)}).preprocess(
        copy, {}
    )
    copy.metadata = notebook.metadata
    return copy


def has_solutions(path: Path) -> bool:
    """Is any cell of this notebook tagged `solution`?"""
    return any("solution" in cell.metadata.get("tags", []) for cell in nbformat.read(path, 4).cells)


def write_student_copies(target: Path) -> list[Path]:
    """Write one copy for each notebook that has exercises; returns the files."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for path in filter(has_solutions, sorted(NOTEBOOKS.glob("*.ipynb"))):
        nbformat.write(student_copy(nbformat.read(path, as_version=4)), target / path.name)
        written.append(target / path.name)
    return written


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "exercises"
    for path in write_student_copies(folder):
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
