"""`make new`: a bad name changes nothing. That what it makes passes without any edit is tests/slow/test_make_new.py."""

from pathlib import Path

import pytest
import yaml
from test_repository import house_files

from tools import new_chapter


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in house_files(folder)}


def test_the_chapter_stands_last_on_the_road(house):
    new_chapter.make("99_sketch", "Sketch", house)
    parts = yaml.safe_load((house / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    road = next(part for part in parts if part["caption"] == "The road")
    assert road["chapters"][-1]["file"] == "book/99_sketch"
    page = (house / "book" / "99_sketch.md").read_text(encoding="utf-8")
    assert "@" not in page and "# Sketch\n" in page


@pytest.mark.parametrize(
    "stem, word",
    [
        ("guidance", "as in 08_energy"),
        ("", "as in 08_energy"),
        ("99_Flows", "as in 08_energy"),
        ("99_class", "free in Python"),  # a keyword
        ("99_none", "free in Python"),  # its class would be called None
        ("99_tensor", "free in Python"),  # its class would hide torch.Tensor
        ("99_train", "there is train.py"),
        ("99_data", "there is test_data.py, data"),  # a package
        ("99_check_99a", "there is test_check_99a.py"),  # both tests under one name
        ("05_sketch", "there is ex05a.py"),
        ("00_sketch", "a number above"),
    ],
)
def test_a_bad_name_is_refused_in_one_line_and_changes_nothing(house, stem, word):
    before = state(house)
    with pytest.raises(ValueError, match="CHAPTER: expected") as refusal:
        new_chapter.make(stem, "Title", house)
    assert word in str(refusal.value) and "\n" not in str(refusal.value)
    assert state(house) == before


@pytest.mark.parametrize("title", ["", 'The "G" in GAN', "two\nlines", "back\\slash"])
def test_a_bad_title_changes_nothing(house, title):
    before = state(house)
    with pytest.raises(ValueError, match="TITLE: expected one line"):
        new_chapter.make("99_sketch", title, house)
    assert state(house) == before


def test_half_written_output_does_not_stay(house, monkeypatch):
    before, write, written = state(house), Path.write_text, []

    def full_disk(path, *arguments, **options):
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space"):
        new_chapter.make("99_sketch", "Sketch", house)
    assert state(house) == before
