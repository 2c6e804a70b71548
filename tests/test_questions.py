"""Quiz questions for a learning platform: nothing is lost on the way from the pages, and GIFT is read as it was meant.

The pages are read here line by line, and GIFT by a small reader of its own, which follows what Moodle's importer does.
"""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools import make_questions
from tools.make_questions import Option, Question

ROOT = Path(__file__).resolve().parent.parent
NASTY = r"~a = #b {c} : \n \nabla \\ \{x\} -> %50% ~%100% // & < > ::d::"


def on_the_pages() -> list[tuple[str, list[bool], list[int]]]:
    """(page, which options are right, length of each reason) of every quiz, from the lines of the pages."""
    found = []
    pages = [p for p in sorted((ROOT / "book").glob("*.md")) if p.stem[:2].isdigit()]
    for page in [*pages, ROOT / "book" / "probability.md"]:
        inside = False
        for line in page.read_text(encoding="utf-8").splitlines():
            if re.match(r"(```+|:::+)\{quiz\}", line):
                found.append((page.stem, [], []))
                inside = True
            elif inside and line.startswith(("```", ":::")):
                inside = False
            elif inside and line.startswith("- ["):
                found[-1][1].append(line[3] == "x")
                found[-1][2].append(len(line.split(" :: ", 1)[1].strip()))
    return found


def read_xml(text: str) -> list[dict]:
    """What a platform sees of each question."""
    read, category = [], None
    for node in ET.fromstring(text):
        if node.get("type") == "category":
            category = node.findtext("category/text")
            continue
        assert node.get("type") == "multichoice"
        answers = node.findall("answer")
        read.append(
            {
                "category": category,
                "name": node.findtext("name/text"),
                "text": node.findtext("questiontext/text"),
                "single": node.findtext("single"),
                "options": [answer.findtext("text") for answer in answers],
                "shares": [float(answer.get("fraction")) for answer in answers],
                "reasons": [answer.findtext("feedback/text") for answer in answers],
            }
        )
    return read


def read_gift(text: str) -> list[dict]:
    """A reader of GIFT of its own: sign by sign; an escaped sign never means anything."""
    read, category = [], None
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.startswith("$CATEGORY: "):
            category = block.removeprefix("$CATEGORY: ")
            continue
        tokens, i = [], 0
        while i < len(block):
            if block[i] == "\\":
                tokens.append((block[i + 1] if block[i + 1] != "n" else "\n", False))
                i += 2
            else:
                tokens.append((block[i], True))
                i += 1
        marks = "".join(sign if plain else "\0" for sign, plain in tokens)
        signs = "".join(sign for sign, _ in tokens)
        _, name_end = marks.index("::"), marks.index("::", 2)
        start, end = marks.index("{"), marks.index("}")
        assert marks.count("{") == marks.count("}") == 1 and end == len(marks) - 1
        text_part = signs[name_end + 2 : start].strip()
        assert text_part.startswith("[html]")
        cuts = [m.start() for m in re.finditer("[~=]", marks[start:end])]
        pieces = [
            (start + a, start + b) for a, b in zip(cuts, [*cuts[1:], end - start], strict=True)
        ]
        question = {"category": category, "name": signs[2:name_end], "text": text_part[6:]}
        options, shares, reasons = [], [], []
        for a, b in pieces:
            hash_at = marks.index("#", a, b)
            option = signs[a + 1 : hash_at].strip()
            weight = re.match(r"%(-?\d{1,2}\.?\d*)%", option) if marks[a] == "~" else None
            shares.append(float(weight[1]) if weight else 100.0 * (marks[a] == "="))
            options.append(option[weight.end() :] if weight else option)
            reasons.append(signs[hash_at + 1 : b].strip())
        single = str("=" in marks[start:end]).lower()
        read.append(
            question | {"options": options, "shares": shares, "reasons": reasons, "single": single}
        )
    return read


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of the book's questions."""
    paths = make_questions.write(tmp_path_factory.mktemp("questions"))
    return [path.read_text(encoding="utf-8") for path in paths]


@pytest.fixture(scope="module")
def written(files):
    """Both files for Moodle, read again."""
    return read_xml(files[0]), read_gift(files[1])


def test_every_question_of_the_chapters_is_there_with_its_answers_and_reasons(written):
    pages = on_the_pages()
    assert len(pages) > 60 and {page[:2] for page, _, _ in pages} >= {f"0{i}" for i in range(1, 8)}
    for made in written:
        assert len(made) == len(pages)
        for question, (page, right, lengths) in zip(made, pages, strict=True):
            assert question["name"].startswith(page)
            assert [share > 0 for share in question["shares"]] == right
            assert sum(share for share in question["shares"] if share > 0) == pytest.approx(100)
            assert question["single"] == str(sum(right) == 1).lower()
            # Marks of Markdown go, those of HTML and TeX come: the length stays within a fraction.
            for reason, length in zip(question["reasons"], lengths, strict=True):
                assert 0.8 * length <= len(reason) <= 1.4 * length + 20, reason
        assert len({question["name"] for question in made}) == len(made)


def test_both_files_say_the_same(written):
    xml, gift = written
    assert xml == gift


def test_text2qti_gets_a_file_for_each_page_with_answers_and_reasons(files):
    texts, pages = files[2:], on_the_pages()
    stems = list(dict.fromkeys(page for page, _, _ in pages))
    assert len(texts) == len(stems) == 8
    for text, stem in zip(texts, stems, strict=True):
        title, *blocks = text.strip().split("\n\n")
        number = stem[:2] if stem[:2].isdigit() else ""
        assert title.startswith(f"Quiz title: Learning to Generate: {number}")
        assert title.endswith("\nShuffle answers: true")
        wanted = [page for page in pages if page[0] == stem]
        for count, (block, (page, right, lengths)) in enumerate(
            zip(blocks, wanted, strict=True), start=1
        ):
            name, question, *lines = block.splitlines()
            assert name == f"Title: {page} {count:02d}" and question.startswith(f"{count}. ")
            marks = [re.match(r"(\*?)[a-h]\) \S", line) for line in lines[::2]]
            assert [mark[1] == "*" for mark in marks] == right
            for reason, length in zip(lines[1::2], lengths, strict=True):
                assert reason.startswith("... ") and len(reason) - 4 <= length


def test_text2qti_marks_several_right_ones():
    several = [Option(True, "2", "Yes."), Option(True, "4", "Yes."), Option(False, "3", "No.")]
    text = make_questions.text2qti([Question("n", "c", "Which?", several)], "T")
    assert text.split("\n\n")[1] == (
        "Title: n\n1. Which?\n[*] 2\n... Yes.\n[*] 4\n... Yes.\n[ ] 3\n... No.\n"
    )


def test_formulas_are_as_moodle_wants_them_and_no_markup_is_left(written):
    texts = [
        text
        for question in written[0]
        for text in [question["text"], *question["options"], *question["reasons"]]
    ]
    assert sum(r"\(" in text for text in texts) > 50
    for text in texts:
        assert text.count(r"\(") == text.count(r"\)"), text
        outside = re.sub(r"\\\(.*?\\\)", "", text)
        assert not re.search(r"\$|\*\*|`|\{[a-z]+\}|\]\(|\\[a-z]", outside), text
        assert text.strip() and "\n" not in text


def test_a_category_for_each_page(written):
    categories = {question["category"] for question in written[0]}
    assert len(categories) == 8 and all(
        c.startswith("$course$/Learning to Generate/") for c in categories
    )


@pytest.mark.parametrize("right", [1, 2])
def test_nasty_text_comes_through(right):
    options = [Option(i < right, f"{i} {NASTY}", f"{NASTY} {i}") for i in range(4)]
    options[-1] = Option(False, "%50% of all", NASTY)
    asked = [Question(NASTY, "A//B/C", NASTY, options)]
    (xml,), (gift,) = (
        read_xml(make_questions.moodle_xml(asked)),
        read_gift(make_questions.gift(asked)),
    )
    wanted = NASTY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert xml["text"] == gift["text"] == wanted
    assert xml["options"][:3] == gift["options"][:3] == [f"{i} {wanted}" for i in range(3)]
    assert xml["reasons"] == gift["reasons"] == [*(f"{wanted} {i}" for i in range(3)), wanted]
    assert gift["name"] == xml["name"] == NASTY
    assert xml["shares"] == gift["shares"]
    assert sum(xml["shares"]) == pytest.approx(100 if right == 1 else 0)
    assert xml["options"][3] == "%50% of all" and gift["options"][3] == "&#37;50% of all"


def test_markdown_becomes_html():
    made = make_questions.as_html(
        "Is *this* `a<b` **so**, [here](x.md), ![a cat](c.png), $a_*b_* < 1$? \\$5"
    )
    assert made == (
        "Is <em>this</em> <code>a&lt;b</code> <strong>so</strong>, here, [figure: a cat], "
        r"\(a_*b_* &lt; 1\)? $5"
    )
    with pytest.raises(ValueError, match=r"expected no roles in a question, got \{stored\}"):
        make_questions.as_html("It is {stored}`table:x`.")


PRIVATE = """# Mine/yours

:::{quiz} 3. Which are even?
- [x] 2 :: Yes,
  twice one.
- [x] 4 :: Yes.
- [ ] 3 :: No.
:::

````{quiz} One?
- [x] 1 :: Yes.
- [ ] 2 :: No.
````
"""


def test_questions_of_ones_own_are_taken_from_a_folder(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "week_1.md").write_text(PRIVATE, encoding="utf-8")
    command = [sys.executable, "-m", "tools.make_questions", tmp_path / "out", "--questions", own]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    xml = (tmp_path / "out" / "questions.xml").read_text(encoding="utf-8")
    first, second = read_xml(xml)
    assert first["category"] == "$course$/own/Mine//yours" and first["text"] == "Which are even?"
    assert first["shares"] == [50, 50, -100] and first["single"] == "false"
    assert first["reasons"][0] == "Yes, twice one." and second["single"] == "true"
    (own / "week_1.md").write_text(PRIVATE.replace("- [ ] 3 :: No.", "- [ ] 3"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"week_1.md, question 1: this option gives no reason"):
        make_questions.write(tmp_path / "out", own)
    (own / "week_1.md").unlink()
    with pytest.raises(ValueError, match="expected pages with"):
        make_questions.write(tmp_path / "out", own)
