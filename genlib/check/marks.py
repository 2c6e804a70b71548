"""The marks of submissions, and what is written of them: a table, feedback for each student, the columns of an LMS."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

LMS = (
    re.compile(r"(.+)_(\d+)_assignsubmission_"),  # Moodle: NAME_NUMBER_assignsubmission_file_
    re.compile(
        r"([^_]+)_(?:LATE_)?(\d{3,})_\d{3,}_"
    ),  # Canvas: NAME_ID_NUMBER_..., NAME_LATE_ID_NUMBER_...
)


@dataclass(frozen=True)
class Question:
    """One exercise: the checkers that are asked about the function `answer`."""

    name: str
    answer: str
    title: str
    points: float
    asked: tuple[tuple[str, str], ...]  # module and name of each checker


@dataclass
class Mark:
    """What became of a submission: for each question its status and the words of the checker."""

    student: str
    path: Path
    notebook: str = ""
    questions: list[Question] = field(default_factory=list)
    found: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)  # for the teacher alone
    seconds: float = 0.0
    written: dict[str, str] = field(default_factory=dict)  # name and number in the notebook itself

    @property
    def lms(self) -> tuple[str, str]:
        """Name and number of the student in the name that Moodle or Canvas gave to a folder or file, or nothing."""
        found = next(filter(None, (pattern.match(self.student) for pattern in LMS)), None)
        return (found[1], found[2]) if found else ("", "")

    @property
    def name(self) -> str:
        """The student's name as people write it, from the best place that has one."""
        found, own = self.lms[0], self.written.get("name")
        if "_assignsubmission_" not in self.student:  # Canvas writes kimann
            found = own or found
        return found or self.student

    def points(self, question: Question) -> float:
        """All or nothing."""
        return question.points if self.found.get(question.name, ("", ""))[0] == "right" else 0

    @property
    def sum(self) -> float:
        """The points of all questions."""
        return sum(map(self.points, self.questions))

    @property
    def grade(self) -> float | str:
        """The sum, or nothing where nothing could be asked: that is no zero."""
        return self.sum if self.questions else ""

    @property
    def of(self) -> float:
        """The points that there were."""
        return sum(question.points for question in self.questions)


def write_csv(marks: list[Mark], path: Path) -> None:
    """One row for each submission, in UTF-8 with a mark at its start, so that Excel reads it."""
    names = sorted({q.name for one in marks for q in one.questions}, key=_in_order)
    rows = [
        {
            "student": one.student,
            "name": one.written.get("name", ""),
            "number": one.written.get("number", ""),
            "notebook": one.notebook,
            "file": Path(one.path.parent.name, one.path.name).as_posix(),
            **{q.name: one.points(q) for q in one.questions},
            "points": one.sum,
            "of": one.of,
            "seconds": one.seconds,
            "notes": "; ".join(one.flags + one.notes + _unmarked(one)),
        }
        for one in marks
    ]
    who = ["student", "name", "number", "notebook", "file"]
    columns = [*who, *names, "points", "of", "seconds", "notes"]
    _write_rows(path, columns, rows, "utf-8-sig")


def _in_order(name: str) -> tuple:
    number = re.fullmatch(r"exercise_(\d+)", name)
    return (0, int(number[1]), "") if number else (1, 0, name)


def _unmarked(one: Mark) -> list[str]:
    return [f"{name} {status}" for name, (status, _) in one.found.items() if status == "not marked"]


def _write_rows(path: Path, columns: list[str], rows: Iterable[dict], encoding: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding, errors="replace") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)


def _plain(value: object) -> object:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and re.match(r"[=+@\t-].", value) else value


def feedback(one: Mark) -> str:
    """What the student reads, in Markdown."""
    what = f"{one.notebook or 'not recognised'} ({_safe(one.path.name)})"
    lines = [
        f"# {_safe(one.name)}",
        "",
        f"Notebook {what}: **{one.sum:g} of {one.of:g} points**",
    ]
    for question in one.questions:
        status, message = one.found.get(question.name, ("not marked", ""))
        lines += ["", f"## {question.title}", ""]
        points = f"{one.points(question):g} of {question.points:g}"
        lines += [f"**{status.capitalize()}** ({points}): {_safe(message)}"]
    if one.notes:
        lines += ["", "## Notes", "", *(f"- {_safe(note)}" for note in one.notes)]
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    """Text in which a student's own words are no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def write_feedback(marks: list[Mark], folder: Path) -> None:
    """A file for each submission."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for one in marks:
        name, k = one.student, 1
        while name in taken:
            k += 1
            name = f"{one.student}-{k}"
        taken.add(name)
        (folder / f"{name}.md").write_text(feedback(one), encoding="utf-8", errors="replace")


def write_lms(marks: list[Mark], path: Path, lms: str) -> None:
    """The columns that Moodle's grading worksheet or Canvas' gradebook takes; of two notebooks the better one."""
    best: dict[str, Mark] = {}
    for one in marks:
        key = one.lms[1] or one.student
        if key not in best or one.sum > best[key].sum:
            best[key] = one
    (_moodle if lms == "moodle" else _canvas)(list(best.values()), path)


def _moodle(marks: list[Mark], path: Path) -> None:
    """The number in the name of a student's folder is that of the participant."""
    columns = [
        "Identifier",
        "Full name",
        "Grade",
        "Maximum grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    rows = []
    for one in marks:
        number = f"Participant {one.lms[1]}" if one.lms[1] else ""
        said = [
            f"{q.title}: {': '.join(one.found.get(q.name, ('not marked', '')))}"
            for q in one.questions
        ]
        values = [number, one.name, one.grade, one.of, "-", "\n".join(said)]
        rows.append(dict(zip(columns, values, strict=True)))
    _write_rows(path, columns, rows, "utf-8")


def _canvas(marks: list[Mark], path: Path) -> None:
    """The first number in the name of a file is that of the student."""
    title = next((one.notebook for one in marks if one.notebook), "exercises")
    columns = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    most = max((one.of for one in marks), default=0)
    rows = [{"Student": "    Points Possible", title: most}]
    for one in marks:
        rows.append({"Student": one.name, "ID": one.lms[1], title: one.grade})
    _write_rows(path, columns, rows, "utf-8")
