"""Write the quiz questions of the chapters for a learning platform: Moodle XML, GIFT, and a text for text2qti.

python -m tools.make_questions [FOLDER] [--questions DIR]

All forms hold the same questions; the reason of an option is its feedback. For Moodle each page is a category, and
formulas stand between \\( and \\). Of each file in the folder text2qti the tool of this name makes QTI, for Canvas.
--questions takes the pages of a folder of your own in the place of the book's.
"""

import argparse
import html
import re
from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
COURSE = "Learning to Generate"
QUIZ = re.compile(r"^(`{3,}|:{3,})\{quiz\} (.+)\n((?:.*\n)*?)\1[ \t]*$", re.MULTILINE)


class Option(NamedTuple):
    """An option of a quiz; text and reason are Markdown."""

    right: bool
    text: str
    reason: str


class Question(NamedTuple):
    """A question with its options; the name is that of its page, and its number there."""

    name: str
    category: str
    text: str
    options: list[Option]


# --- read ----------------------------------------------------------------------------------------


def read_options(lines: Iterable[str]) -> list[Option]:
    """The options of a quiz; each may go on over several lines.

    Raises:
        ValueError: an option without reason, fewer than two options, or no right one.
    """
    items: list[str] = []
    for line in lines:
        if line.startswith("- ["):
            items.append(line)
        elif line.strip() and items:
            items[-1] += " " + line.strip()
    options = []
    for item in items:
        text, _, reason = item[len("- [x] ") :].partition(" :: ")
        if not reason:
            raise ValueError(f"this option gives no reason after ' :: ': {item!r}")
        options.append(Option(item[3] == "x", text.strip(), reason.strip()))
    if len(options) < 2 or not any(option.right for option in options):
        raise ValueError("expected at least two options, one of them marked [x]")
    return options


def questions(page: Path, course: str = COURSE) -> list[Question]:
    """All quiz questions of a page, in order."""
    text = page.read_text(encoding="utf-8")
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    title = heading[1].strip() if heading else page.stem
    number = re.match(r"\d\d", page.stem)
    title = f"{number[0]} {title}" if number else title
    category = f"{course}/{title.replace('/', '//')}"  # a single / would open a category inside
    found = []
    for count, (_, question, body) in enumerate(QUIZ.findall(text), start=1):
        name = f"{page.stem} {count:02d}"
        question = re.sub(r"^\d+\. ", "", question.strip())  # a number of the page
        try:
            found.append(Question(name, category, question, read_options(body.splitlines())))
        except ValueError as problem:
            raise ValueError(f"{page.name}, question {count}: {problem}") from problem
    return found


def pages(folder: Path | None = None) -> list[Path]:
    """The chapters and the page on probability, or every page of a folder.

    The quizzes of the museum of bugs ask about figures, and mean nothing without them.
    """
    if folder is None:
        return [*sorted(BOOK.glob("[0-9][0-9]_*.md")), BOOK / "probability.md"]
    return sorted(folder.rglob("*.md"))


# --- write ---------------------------------------------------------------------------------------


def as_html(text: str) -> str:
    r"""Inline Markdown as HTML: emphasis, code, formulas as \( \); a link is its text, and an image its description.

    Raises:
        ValueError: a role such as {stored}, which only the book can print.
    """
    parts = re.split(r"(`[^`]+`|(?<!\\)\$[^$]+\$)", without_links(text))
    return "".join(_formula(part) if i % 2 else _prose(part) for i, part in enumerate(parts))


def without_links(text: str) -> str:
    """Markdown in which a link is its text, and an image its description."""
    if role := re.search(r"\{[\w:]+\}(?=`)", text):
        raise ValueError(f"text: expected no roles in a question, got {role[0]} in {text!r}")
    text = re.sub(r"!\[([^]]*)\]\([^)]*\)", r"[figure: \1]", text)
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)


def _formula(part: str) -> str:
    inside = html.escape(part[1:-1], quote=False)
    return f"<code>{inside}</code>" if part[0] == "`" else rf"\({inside}\)"


def _prose(part: str) -> str:
    part = html.escape(part, quote=False).replace(r"\$", "$")
    part = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", part)
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", part)


def shares(options: list[Option]) -> list[str]:
    """Percent of the points that each option brings: 100 in all for the right ones.

    Where several are right, the wrong ones take off as much, so that ticking everything brings nothing.
    """
    right = sum(option.right for option in options)
    wrong = len(options) - right

    def share(option: Option) -> float:
        if option.right:
            return 100 / right
        return 0 if right == 1 else -100 / wrong

    return [f"{share(option):.5f}".rstrip("0").rstrip(".") for option in options]


def moodle_xml(asked: list[Question]) -> str:
    """The questions as Moodle XML."""
    quiz, category = ET.Element("quiz"), ""
    for question in asked:
        if question.category != category:
            category = question.category
            _texts(
                ET.SubElement(quiz, "question", type="category"), category=f"$course$/{category}"
            )
        node = ET.SubElement(quiz, "question", type="multichoice")
        _texts(node, name=question.name)
        _texts(node, format="html", questiontext=as_html(question.text))
        single = sum(option.right for option in question.options) == 1
        settings = {"defaultgrade": "1", "single": str(single).lower(), "shuffleanswers": "true"}
        for name, value in settings.items():
            ET.SubElement(node, name).text = value
        for option, share in zip(question.options, shares(question.options), strict=True):
            answer = ET.SubElement(node, "answer", fraction=share, format="html")
            ET.SubElement(answer, "text").text = as_html(option.text)
            _texts(answer, format="html", feedback=as_html(option.reason))
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


def _texts(node: ET.Element, format: str = "", **texts: str) -> None:
    """Put `<NAME><text>...</text></NAME>` into a node."""
    for name, text in texts.items():
        kinds = {"format": format} if format else {}
        ET.SubElement(ET.SubElement(node, name, kinds), "text").text = text


def escaped(text: str) -> str:
    """A text that GIFT reads as it is; a backslash must be doubled, or \\nabla becomes a new line."""
    return re.sub(r"([\\~=#{}:])", r"\\\1", " ".join(text.split()))


def gift(asked: list[Question]) -> str:
    """The questions as GIFT."""
    blocks, category = [], ""
    for question in asked:
        if question.category != category:
            category = question.category
            blocks.append(f"$CATEGORY: $course$/{category}")  # is not unescaped by Moodle
        several = sum(option.right for option in question.options) > 1
        lines = [f"::{escaped(question.name)}::[html]{escaped(as_html(question.text))} {{"]
        for option, share in zip(question.options, shares(question.options), strict=True):
            text = escaped(re.sub("^%", "&#37;", as_html(option.text)))  # no weight
            mark = f"~%{share}%" if several else ("=" if option.right else "~")
            lines.append(f"{mark}{text} #{escaped(as_html(option.reason))}")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


def text2qti(asked: list[Question], title: str) -> str:
    """The questions in the form that text2qti reads: Markdown with letters before the options."""
    blocks = [f"Quiz title: {title}\nShuffle answers: true"]
    for number, question in enumerate(asked, start=1):
        several = sum(option.right for option in question.options) > 1
        lines = [f"Title: {question.name}", f"{number}. {without_links(question.text)}"]
        for letter, option in zip(ascii_lowercase, question.options, strict=False):
            star = "*" if option.right else ""
            mark = f"[{star or ' '}]" if several else f"{star}{letter})"
            lines.append(f"{mark} {without_links(option.text)}")
            lines.append(f"... {without_links(option.reason)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def write(target: Path, folder: Path | None = None) -> list[Path]:
    """Write all files into the folder `target`; returns them.

    Raises:
        ValueError: there is no question.
    """
    course = COURSE if folder is None else folder.resolve().name
    by_page = {page: questions(page, course) for page in pages(folder)}
    asked = [question for found in by_page.values() for question in found]
    if not asked:
        raise ValueError(f"questions: expected pages with {{quiz}} in {folder}, got none")
    (target / "text2qti").mkdir(parents=True, exist_ok=True)
    files = {"questions.xml": moodle_xml(asked), "questions-gift.txt": gift(asked)}
    for page, found in by_page.items():
        if found:
            name = "_".join(page.relative_to(folder or BOOK).with_suffix("").parts)
            title = found[0].category.replace("/", ": ", 1).replace("//", "/")
            files[f"text2qti/{name}.txt"] = text2qti(found, title)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in files]


def main() -> None:
    """Write the files and print their names."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_questions", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_build" / "questions")
    parser.add_argument("--questions", type=Path, help="a folder of pages of your own")
    asked = parser.parse_args()
    for path in write(asked.folder, asked.questions):
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    main()
