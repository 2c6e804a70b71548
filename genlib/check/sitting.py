"""One submission, run in a process of its own: `python -m genlib.check.sitting`, which genlib.check.grade starts.

Two lines of JSON come in: the cells with the limits, then what to ask. One line goes out for the start, for each cell
and for each question. Whatever the submission prints goes nowhere. IPython runs the cells, as it does in a notebook;
no kernel stands around it, since a kernel hands on every output (of 1 GB, too) and a loop can refuse its interrupts.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import torch  # so that no cell pays for the import  # noqa: F401

import genlib

GENLIB = list(genlib.__path__)
WORDS = 2000  # characters of a message that go out
FILE = 1 << 30  # bytes of the largest file that may be written


class TooLong(BaseException):
    """Raised in the code of a submission when its time is over."""


def main() -> None:
    """Run the cells, then ask; one report for each."""
    read, report = _channels()
    plan = json.loads(read())
    report({"python": sys.version})  # from here on the time of the submission counts
    _silence()
    os.chdir(plan["folder"])
    sys.path.insert(0, "")
    _limit(int(plan["memory"] * 2**30), int(plan["seconds"]))
    shell = _shell()
    for source in plan["cells"]:
        report({"error": _run(shell, source, plan["limit"])})
    questions = json.loads(read())
    modules = {}
    for asked in questions["ask"]:
        if asked["module"] not in modules:
            modules[asked["module"]] = _checkers(asked["module"], questions["private"])
        report(_ask(shell.user_ns, modules[asked["module"]], asked, plan["limit"]))
    os._exit(0)  # threads of the submission may still run


def _channels() -> tuple:
    """The two ends of the pipe to the marking command, under numbers that print does not know."""
    read = os.fdopen(os.dup(0), encoding="utf-8")
    write = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def report(content: dict) -> None:
        write.write(json.dumps(content) + "\n")
        write.flush()

    return read.readline, report


def _silence() -> None:
    with open(os.devnull, "r+b", buffering=0) as nothing:
        for number in (0, 1, 2):
            os.dup2(nothing.fileno(), number)


def _limit(memory: int, seconds: int) -> None:
    """Limits that the submission cannot lift: memory beyond what Python and torch hold, time, size of a file."""
    try:
        import resource
    except ImportError:  # Windows
        return
    most = {"RLIMIT_CPU": seconds, "RLIMIT_FSIZE": FILE, "RLIMIT_CORE": 0}
    with contextlib.suppress(OSError):  # only Linux says, and only Linux keeps to it
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
        most["RLIMIT_AS"] = pages * resource.getpagesize() + memory
    for name, value in most.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def _shell():
    """IPython's shell without its history and its tracebacks."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui=None):
            """`%matplotlib inline` needs no more."""

        def ask_exit(self):
            """What `exit()` calls: there is nobody to leave."""

        def showtraceback(self, *arguments, **options):
            """Errors are reported in one line."""

        showsyntaxerror = showtraceback

    return Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))


@contextlib.contextmanager
def _time(limit: float) -> Iterator[None]:
    """Raise TooLong inside after `limit` seconds, where the system has an alarm; elsewhere the command ends us."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_):
        raise TooLong

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _run(shell, source: str, limit: float) -> str:
    """Run one cell; the error in one line, or nothing."""
    try:
        with _time(limit):
            result = shell.run_cell(source, store_history=False, silent=True)
            error = result.error_before_exec or result.error_in_exec
            return _line(error) if error is not None else ""
    except BaseException as error:
        return _line(error)


def _line(error: BaseException) -> str:
    if isinstance(error, TooLong):
        return "TooLong"
    try:
        text = f"{error.msg}, line {error.lineno}" if isinstance(error, SyntaxError) else str(error)
        return f"{type(error).__name__}: {text[:200]}"
    except BaseException:
        return type(error).__name__


def _checkers(name: str, private: str) -> types.ModuleType:
    """The checkers as they are on disk, whatever the submission did to those it imported."""
    for module in [module for module in sys.modules if module.startswith("genlib.check")]:
        del sys.modules[module]
    genlib.__path__[:] = GENLIB
    if name != "private":
        return importlib.import_module(f"genlib.check.{name}")
    module = types.ModuleType("private")
    exec(compile(private, "private checks", "exec"), module.__dict__)
    return module


def _ask(names: dict, module: types.ModuleType, asked: dict, limit: float) -> dict:
    """What a checker says to the answer of that name."""
    if asked["answer"] not in names:
        return {"status": "missing", "message": ""}
    if not callable(names[asked["answer"]]):
        return {"status": "no function", "message": f"a {type(names[asked['answer']]).__name__}"}
    try:
        with _time(limit):
            verdict = getattr(module, asked["checker"])(names[asked["answer"]])
            ok, begun, message = verdict.ok, verdict.begun, str(verdict.message)[:WORDS]
    except TooLong:
        return {"status": "not yet", "message": f"your code ran for more than {limit:g} s."}
    except BaseException as error:
        return {"status": "not marked", "message": f"the check stopped with {_line(error)}"}
    if "this check itself failed" in message:
        return {"status": "not marked", "message": message}
    status = "right" if ok is True else "not yet" if begun else "not begun"
    return {"status": status, "message": message}


if __name__ == "__main__":
    main()
