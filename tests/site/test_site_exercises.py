"""The student copies as they are published beside the pages: their relative links lead to files that are there."""

import re

import nbformat
from browsing import SITE


def test_relative_links_of_the_published_copies_are_there():
    copies, seen = sorted((SITE / "exercises").glob("*.ipynb")), 0
    assert len(copies) > 15
    for path in copies:
        text = "\n".join(
            c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"
        )
        for link in re.findall(r"\]\((?!\w+:)(\S+?)\)", text):
            where, _, anchor = link.partition("#")
            target = path.parent / where
            assert target.exists(), f"{path.name}: {link}"
            if anchor and target.suffix == ".html":
                assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), (
                    f"{path.name}: {link}"
                )
            seen += 1
    assert seen > 50 or "github.io" in text
