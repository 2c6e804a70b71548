"""Mark many submitted notebooks: python -m genlib check grade SUBMISSIONS... --csv marks.csv --feedback DIR

Each submission is copied into a temporary folder and run there, in a process of its own with limits of time and memory
(genlib.check.sitting), in the quick budget. Its own check cells are left out; when it has run, the checkers of *this*
installation are asked about the functions that it holds. A cell at which Python ends, or which cannot be stopped, is
left out in a second run. Marks come from genlib/check/points.toml, or from a table of yours.

A submission is a program: whoever runs this command lends it their rights. book/teaching/marking.md says what to do.
"""

import contextlib
import functools
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import genlib
from genlib.check.marks import Mark, Question

ROOT = Path(genlib.__file__).resolve().parents[1]
POINTS = Path(__file__).with_name("points.toml")
GRACE = 5.0  # seconds that a cell may take to notice that its time is over
START = 120.0  # seconds for Python and torch to be there
AGAIN = 6  # cells or answers that a submission may be run again without
LARGEST = 50 * 2**20  # bytes of a notebook that is read, and of a file that is copied with it
WRITTEN = 2 * 2**30  # bytes that a submission may leave in its folder
TOUCHES = re.compile(
    r"setattr\(\s*(?:check|torch)\b|check\.exercise_\d+\s*=[^=]|genlib\.check\.(verdict|sitting|grade)"
    r"|__wrapped__|getsource|_getframe|^[ \t]*torch(?!\.backends)(?:\.\w+)+[ \t]*=[^=]",
    re.MULTILINE,
)
HIDDEN = (".", "__MACOSX")
OURS = {".csv", ".md", ".toml"}  # files in the folder of a class that nobody handed in
NAME = re.compile(r"\*\*(Name|Number):?\*\*:?[ \t]*(.*)")
OWN_CHECK = re.compile(r"(check\.exercise_\d+\(\w+\)|#.*)?")
PASSED_ON = re.compile(
    r"GENLIB_DATA|PATH|PYTHONPATH|LANG|LC_\w+|LD_LIBRARY_PATH|DYLD_\w+|VIRTUAL_ENV|CONDA_\w+"
    r"|SYSTEMROOT|SystemRoot|COMSPEC|WINDIR"
)


@dataclass(frozen=True)
class Submission:
    """What was handed in; `together`: its folder is the student's, and is copied with it."""

    student: str
    path: Path
    together: bool = False
    folder: Path | None = None  # of the student, where it is known
    namesakes: int = 1  # how many people have this name, without the number

    @property
    def home(self) -> Path:
        """What tells one student from another of the same name."""
        return self.folder or (self.path.parent if self.together else self.path)


@dataclass(frozen=True)
class Rules:
    """What holds for all submissions; seconds for a cell, GB for each."""

    notebooks: dict[str, Path]
    points: dict[str, dict[str, float]]
    private: str = ""
    limit: float = 30.0
    memory: float = 4.0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def whole(self) -> float:
        """Seconds for a submission in all."""
        return 20 * self.limit


# --- what was handed in ------------------------------------------------------------------------------------------


def find(paths: list[Path]) -> list[Submission]:
    """The submissions in files and folders: a file for each student, or a folder for each student.

    In a folder, a notebook that lies directly there is named by its file, one in a subfolder by that subfolder. Files
    that each lie alone in their folder, as those of `class/*/04a.ipynb`, are named by the folder.

    Raises:
        ValueError: a path does not exist, or there is nothing.
    """
    folders, found = sum(path.is_dir() for path in paths), []
    paths = sorted(map(Path.absolute, paths))
    for path in paths:
        if not path.exists():
            raise ValueError(f"SUBMISSIONS: expected files or folders, got {str(path)!r}")
        if path.is_dir():
            found += _in_folder(path, alone=folders == 1)
        else:
            alone = len(paths) > 1 and sum(other.parent == path.parent for other in paths) == 1
            found.append(Submission(path.parent.name if alone else path.stem, path, alone))
    if not found:
        raise ValueError("SUBMISSIONS: expected notebooks, got folders without any")
    return _apart(found)


def _in_folder(folder: Path, alone: bool) -> list[Submission]:
    """`alone`: it is the folder of a class; else there are several, each of one student."""
    if not alone:
        return _of_student(folder)
    inside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(HIDDEN)]
    inside = [
        path for path in inside if path.suffix != ".zip" or path.with_suffix("") not in inside
    ]
    here = [
        Submission(path.stem, path)
        for path in inside
        if path.is_file() and path.suffix.lower() not in OURS
    ]
    return here + [one for path in inside if path.is_dir() for one in _of_student(path)]


def _of_student(folder: Path) -> list[Submission]:
    inside = [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if not any(part.startswith(HIDDEN) for part in path.relative_to(folder).parts)
    ]
    return [Submission(folder.name, path, True, folder) for path in inside or [folder]]


def _apart(found: list[Submission]) -> list[Submission]:
    """The same, and each of several people of one name with a number."""
    homes: dict[str, list[Path]] = {}
    for one in found:
        places = homes.setdefault(one.student, [])
        places += [one.home] * (one.home not in places)
    return [
        replace(one, student=f"{one.student} {places.index(one.home) + 1}", namesakes=len(places))
        if len(places := homes[one.student]) > 1
        else one
        for one in found
    ]


def read(path: Path) -> tuple[list[str], str]:
    """The sources of the code cells of a notebook, and the book's notebook that its metadata name.

    Raises:
        ValueError: it is none, and why.
    """
    if path.is_dir():
        others = sorted(other.name for other in path.rglob("*") if other.is_file())
        but = f", but {', '.join(others[:3])}" if others else ""
        raise ValueError(f"there is no notebook (.ipynb) in this folder{but}")
    if path.suffix.lower() != ".ipynb":
        hint = ": unpack it into a folder of that name" if path.suffix.lower() == ".zip" else ""
        raise ValueError(f"this is no notebook (.ipynb), but {path.name}{hint}")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"the file is larger than {LARGEST >> 20} MB")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        cells = [cell["source"] for cell in content["cells"] if cell["cell_type"] == "code"]
        key = content.get("metadata", {}).get("genlib", {}).get("notebook", "")
        return ["".join(source) for source in cells], str(key)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"this is no notebook of format 4 ({type(error).__name__})"
        raise ValueError(f"{why}: open it in JupyterLab and save it again") from None


def about(path: Path) -> dict[str, str]:
    """Name and number as a student wrote them in the first cell of a notebook that can be read, and its language."""
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    first = [c for c in content["cells"][:5] if c["cell_type"] == "markdown"]
    text = "\n".join("".join(cell.get("source", "")) for cell in first)
    said = {key.lower(): rest.strip(" \t…*_") for key, rest in reversed(NAME.findall(text))}
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        said["language"] = str(content["metadata"]["kernelspec"]["language"])
    return {key: said.get(key, "")[:80] for key in ("name", "number", "language")}


# --- what is asked -----------------------------------------------------------------------------------------------


def book_notebooks(root: Path = ROOT) -> dict[str, Path]:
    """04a -> the book's notebook.

    Raises:
        ValueError: they are not there.
    """
    found = {path.stem.split("_")[0]: path for path in sorted((root / "notebooks").glob("*.ipynb"))}
    if not found:
        raise ValueError(f"--book: expected a clone of the book with its notebooks, got {root}")
    return found


@functools.cache
def exercises(path: Path) -> list[tuple[str, str, str]]:
    """(checker, name of the function that it is asked about, title) for each exercise of a notebook of the book."""
    found, title = [], ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if heading := re.search(r"^### (Exercise .*)", source, re.MULTILINE):
            title = heading[1]
        if "check" in cell["metadata"].get("tags", []):
            found += [
                (*pair, title) for pair in re.findall(r"check\.(exercise_\d+)\((\w+)\)", source)
            ]
    return found


def points_table(path: Path = POINTS) -> dict[str, dict[str, float]]:
    """notebook -> exercise -> points.

    Raises:
        ValueError: it is no such table.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"--points: expected a table like {POINTS.name}, got {path}: {error}"
        ) from None
    good = all(
        isinstance(rows, dict) and all(isinstance(value, int | float) for value in rows.values())
        for rows in table.values()
    )
    if not good:
        raise ValueError(f"--points: expected [04a] and exercise_1 = 2 below it, got {path}")
    return table


@functools.cache
def private_checks(source: str) -> list[str]:
    """The names of the functions under `@exercise` in private checks: each is that of the answer it is asked about.

    Raises:
        ValueError: the file does not run, or holds none.
    """
    module = types.ModuleType("private")
    try:
        exec(compile(source, "private checks", "exec"), module.__dict__)
    except Exception as error:
        raise ValueError(
            f"--checks: expected a module that runs, got {type(error).__name__}: {error}"
        ) from None
    names = [
        name
        for name, thing in vars(module).items()
        if hasattr(thing, "__wrapped__") and getattr(thing, "__module__", "") == "private"
    ]
    if not names:
        raise ValueError(
            "--checks: expected functions under @exercise of genlib.check.verdict, got none"
        )
    return names


def which(sources: list[str], key: str, notebooks: dict[str, Path]) -> str:
    """The notebook of the book that this is: by its key, else by its checkers, else by the functions it defines."""
    text = "\n".join(sources)
    imported = re.search(r"genlib\.check import ex(\w+)", text)
    for name in (key, imported[1] if imported else ""):
        if name in notebooks:
            return name
    defined = set(re.findall(r"^(?:def|class) (\w+)|^(\w+) = lambda", text, re.MULTILINE))
    defined = {name for pair in defined for name in pair}
    shares = {}
    for name, path in notebooks.items():
        answers = {answer for _, answer, _ in exercises(path)}
        shares[name] = len(answers & defined) / max(1, len(answers))
    best = max(shares, key=shares.get)
    return best if shares[best] >= 0.5 else ""


def questions(notebook: str, rules: Rules) -> list[Question]:
    """What is asked of a submission of that notebook: the exercises of the table, then the private checks.

    Of a notebook that the table does not name, all exercises are asked and count 1.
    A private check of a function of the book's is a second condition of that exercise.
    """
    private = private_checks(rules.private) if rules.private else []
    there, found = exercises(rules.notebooks[notebook]) if notebook else [], []
    rows = rules.points.get(notebook, {checker: 1 for checker, *_ in there})
    for checker, answer, title in there:
        if checker in rows:
            asked = [(f"ex{notebook}", checker)] + [("private", answer)] * (answer in private)
            found.append(Question(checker, answer, title, rows[checker], tuple(asked)))
    taken = {question.answer for question in found}
    for name in private:
        if name not in taken:
            points = rules.points.get("private", {}).get(name, 1)
            found.append(Question(name, name, f"`{name}`", points, (("private", name),)))
    return found


# --- marking -----------------------------------------------------------------------------------------------------


class Sitting:
    """The process in which one submission is run; `with` ends it and all that it started."""

    def __init__(self, home: Path):
        self.home = home
        kept = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
        quick = {"GENLIB_BUDGET": "quick", "GENLIB_STATIC": "1", "GENLIB_DEVICE": "cpu"}
        quick |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PIP_NO_INDEX": "1"}
        places = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "IPYTHONDIR")
        figures = {"MPLBACKEND": "agg", "MPLCONFIGDIR": _figure_cache()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "genlib.check.sitting"],
            cwd=ROOT,
            env=kept | quick | dict.fromkeys(places, str(home)) | figures,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self.reports: queue.Queue = queue.Queue(maxsize=10)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while line := self.process.stdout.readline(1_000_000):
            self.reports.put(line)
        self.reports.put("")

    def send(self, content: dict) -> None:
        """A line of JSON into the process."""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(content) + "\n")
            self.process.stdin.flush()

    def report(self, seconds: float, stopped: threading.Event) -> dict | str:
        """The next report, or in words why there is none."""
        end, line = time.monotonic() + seconds, None
        while line is None and time.monotonic() < end and not stopped.is_set():
            with contextlib.suppress(queue.Empty):
                line = self.reports.get(timeout=min(1, max(0.1, end - time.monotonic())))
            if _size(self.home) > WRITTEN:
                return f"it wrote more than {WRITTEN >> 20:,} MB"
        if line is None:
            return "it did not stop when its time was over"
        return _content(line) if line else "Python ended, or was ended by a limit"

    def __enter__(self) -> "Sitting":
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        _end_those_at_home(self.home)
        with contextlib.suppress(queue.Empty):  # lets go of a listener that waits for room
            while True:
                self.reports.get_nowait()
        self.process.stdin.close()


def _content(line: str) -> dict | str:
    with contextlib.suppress(ValueError):
        if isinstance(content := json.loads(line), dict):
            return content
    return "it wrote into the channel of the marks"


def _end_those_at_home(home: Path) -> None:
    """End what a submission started in a session of its own: on Linux, the processes whose HOME is its folder."""
    sign = f"HOME={home}\0".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if sign in (place / "environ").read_bytes() + b"\0":
                os.kill(int(place.name), signal.SIGKILL)


def _size(folder: Path) -> int:
    """Bytes of the files below a folder; what cannot be seen, or is gone by now, does not count."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_size
    return size


def _figure_cache() -> str:
    import matplotlib

    return matplotlib.get_cachedir()


def mark(submission: Submission, rules: Rules) -> Mark:
    """Run one submission and ask its checkers; what could not be marked has a note."""
    result, start = Mark(submission.student, submission.path), time.monotonic()
    if submission.namesakes > 1:
        result.flags.append(f"one of {submission.namesakes} of this name: see the file")
    try:
        sources, key = read(submission.path)
        result.written = about(submission.path)
        if (language := result.written["language"] or "python").lower() != "python":
            result.notes.append(f"its kernel is for {language}, and it was run as Python")
        result.notebook = which(sources, key, rules.notebooks)
        result.questions = questions(result.notebook, rules)
        if not result.questions:
            raise ValueError(
                "none of the book's notebooks: no key, no checkers, none of the functions asked for"
            )
    except Exception as error:  # whatever is odd about one file, the others are marked
        result.notes.append(f"not marked: {error}")
        return result
    if any(map(TOUCHES.search, sources)):
        result.flags.append("touches the checkers: look at it")
    try:
        _Run(result, submission, sources, rules).go()
    except Exception as error:
        result.notes.append(f"not marked: {error}")
    result.seconds = round(time.monotonic() - start, 1)
    return result


def _copy(submission: Submission, home: Path) -> Path:
    """A folder with the notebook, and with what lies beside it where the folder is the student's own."""
    folder = home / "work"
    if submission.together:
        shutil.copytree(submission.path.parent, folder, symlinks=True, ignore=_large)
    else:
        folder.mkdir()
        shutil.copy(submission.path, folder)
    return folder


def _large(folder: str, names: list[str]) -> list[str]:
    paths = {name: Path(folder, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if not path.is_symlink() and path.is_file() and path.stat().st_size > LARGEST
    ]


def only_checks(source: str) -> bool:
    """Does a cell do nothing but ask the checkers?"""
    return all(OWN_CHECK.fullmatch(line.strip()) for line in source.splitlines())


class _Run:
    """The cells of one submission and the questions to it, run again without what ended the process before."""

    def __init__(self, result: Mark, submission: Submission, sources: list[str], rules: Rules):
        self.result, self.submission, self.rules = result, submission, rules
        self.sources = sources
        self.cells = {i: text for i, text in enumerate(sources) if not only_checks(text)}
        self.errors: dict[int, str] = {}
        self.open = [(q, module, checker) for q in result.questions for module, checker in q.asked]
        self.end = time.monotonic() + rules.whole

    def go(self) -> None:
        """Until everything was asked, or there is no time or patience left."""
        for _ in range(AGAIN):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
                folder = _copy(self.submission, Path(home))
                with Sitting(Path(home)) as sitting:
                    whole = self.once(sitting, folder)
            if whole or self.rules.stopped.is_set() or time.monotonic() > self.end:
                break
        else:
            self.result.notes.append(f"given up after {AGAIN} runs")
        if time.monotonic() > self.end:
            self.result.notes.append(f"over {self.rules.whole:g} s in all")
        for question, *_ in self.open:
            self.say(question, "not marked", "not reached: see the notes.")
        self.result.notes += _notes_on_cells(self.errors, self.cells)

    def once(self, sitting: Sitting, folder: Path) -> bool:
        """Run all, drop the cell or question at which the process was lost; was nothing lost?"""
        rules = self.rules
        plan = {"folder": str(folder), "limit": rules.limit, "memory": rules.memory}
        left_out = {i for i, error in self.errors.items() if error.startswith("left out")}
        cells = {i: text for i, text in self.cells.items() if i not in left_out}
        sitting.send(plan | {"seconds": rules.whole, "cells": list(cells.values())})
        if isinstance(why := sitting.report(START, rules.stopped), str):
            raise RuntimeError(f"Python did not start: {why}")
        for i in cells:
            if isinstance(report := sitting.report(self.left(), rules.stopped), str):
                self.errors[i] = f"left out: {report}"
                return False
            self.errors[i] = str(report.get("error", ""))
        asked = [
            {"module": module, "checker": checker, "answer": question.answer}
            for question, module, checker in self.open
        ]
        sitting.send({"ask": asked, "private": rules.private})
        while self.open:
            report = sitting.report(self.left(), rules.stopped)
            question, *_ = self.open.pop(0)
            if isinstance(report, str):
                self.say(question, "not yet", f"your code came to no answer: {report}.")
                return False
            self.take(question, report)
        return True

    def left(self) -> float:
        """Seconds for the next step."""
        return min(self.rules.limit + GRACE, self.end - time.monotonic())

    def take(self, question: Question, report: dict) -> None:
        """Write down what a checker said."""
        status, message = str(report.get("status")), str(report.get("message"))
        if status == "missing":
            message = f"no function `{question.answer}` was there when the notebook had run."
            for i, text in self.cells.items():
                if self.errors[i] and re.search(rf"\b(def|class) {question.answer}\b", text):
                    message += f" Its cell stopped with {self.errors[i]}"
            for other in self.asked_instead(question):
                message += f" Your check asks `{other}`; the exercise wants that name."
                note = f"{question.name}: no {question.answer}, but its check asks {other}"
                self.result.notes.append(note)
        elif status == "no function":
            status = "not yet"
            note = f"{question.name}: {question.answer} is no function at the end, but {message}"
            self.result.notes.append(note)
            message = f"when the notebook had run, `{question.answer}` was {message} and no "
            message += "function: did a later line give the name to something else?"
        elif status == "not yet" and "NameError" in message and (lost := self.lost_import()):
            status, message = "not marked", f"{lost}, so what it imports was not there."
        self.say(question, status, message)

    def asked_instead(self, question: Question) -> set[str]:
        """Names other than the one asked for that the student's own cells give to the checkers."""
        checkers = "|".join(re.escape(checker) for _, checker in question.asked)
        asked = re.findall(rf"\b(?:{checkers})\(\s*([A-Za-z_]\w*)\s*\)", "\n".join(self.sources))
        return set(asked) - {question.answer}

    def lost_import(self) -> str:
        """The first cell that an import stopped: where the marking happens a package is missing."""
        for i, error in self.errors.items():
            if error.startswith(("ModuleNotFoundError", "ImportError")):
                return f"code cell {i + 1} stopped with {error}"
        return ""

    def say(self, question: Question, status: str, message: str) -> None:
        """The first thing that is not right stands."""
        before = self.result.found.get(question.name, ("right", ""))[0]
        if before == "right":
            self.result.found[question.name] = (status, " ".join(message.split()))


def _notes_on_cells(errors: dict[int, str], cells: dict[int, str]) -> list[str]:
    notes = []
    for i, error in errors.items():
        if error:
            first = next((line for line in cells[i].splitlines() if line.strip()), "")[:40]
            why = "ran into the limit of time" if error == "TooLong" else error
            notes.append(f"code cell {i + 1} ({first}): {why}")
    return notes[:5] + ([f"and {len(notes) - 5} cells more"] if len(notes) > 5 else [])


def mark_all(
    submissions: list[Submission], rules: Rules, jobs: int = 2, say: Callable[[Mark], None] = print
) -> list[Mark]:
    """Mark all, `jobs` at a time; what is done when Ctrl-C comes is returned, and `rules.stopped` is set."""
    if find_spec("IPython") is None:
        raise ValueError("IPython: expected it here, got none: pip install ipython")
    marks, before = [], _checkers_on_disk()
    with ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(mark, submission, rules) for submission in submissions]
        try:
            for task in tasks:
                marks.append(task.result())
                if _checkers_on_disk() != before:
                    marks[-1].flags.append(
                        "the files of genlib/check changed: do not trust this mark"
                    )
                say(marks[-1])
        except BaseException as error:
            rules.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, KeyboardInterrupt):
                raise
    return marks


def _checkers_on_disk() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
