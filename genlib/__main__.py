"""The command line: python -m genlib recipes | train NAME | judge | sample RUN | score RUN | check grade FOLDER.

Exit codes: 0 done, 1 something broke, 2 asked for in a way that cannot be, 130 ended by Ctrl-C.
"""

import argparse
import sys
import warnings
from pathlib import Path

import torch

from genlib import processes, runs
from genlib.check import grade as marking
from genlib.check import marks as results
from genlib.expect import expect_device, expect_number
from genlib.recipes import IMAGES, RECIPES
from genlib.run import BUDGETS, device_name, forgiving_output
from genlib.table import Table

OWN_DATA = f"{', '.join(IMAGES)}, or a folder of images, whose subfolders are classes"


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    asked = parser().parse_args(arguments)
    forgiving_output()
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"genlib: {message}", file=sys.stderr)
        return _do(asked)


def _do(asked: argparse.Namespace) -> int:
    """Run a command; what is wrong is one line, not a traceback."""
    try:
        return asked.do(asked)
    except (ValueError, TypeError) as error:
        print(f"genlib: {error}", file=sys.stderr)
        return 2
    except (OSError, RuntimeError) as error:
        print(f"genlib: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("genlib: stopped; what was saved before stands", file=sys.stderr)
        return 130


# --- what each command does --------------------------------------------------------------------------------------


def show_recipes(asked: argparse.Namespace) -> int:
    """One line for each recipe."""
    for name, recipe in RECIPES.items():
        larger = recipe.steps.get("gpu")
        steps = f"{recipe.steps['cpu']:,} steps" + (f", gpu {larger:,}" if larger else "")
        print(f"{name:32} {recipe.data:14} {steps}")
    print(f"\nof your own pictures, with --data: {', '.join(runs.KINDS)}")
    return 0


def train(asked: argparse.Namespace) -> int:
    """Train in a folder, or go on there."""
    device = expect_device("device", asked.device)
    names = ("name", "seed", "budget", "steps", "batch", "data", "size", "channels", "codes")
    said = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    folder = Path(asked.out or f"runs/{asked.name}-{said.get('seed', 0)}")
    known = {"budget": "gpu" if device.type == "cuda" else "cpu"}
    if asked.resume:  # what is not said again is as it was
        card = runs.read_card(folder)
        known = card["plan"] | ({"data": card["data"]["path"]} if card["data"]["path"] else {})
    plan = runs.Plan(**(known | said))
    whole = runs.train(plan, folder, device, resume=asked.resume, save_every=asked.save_every)
    if team := processes.current():
        team.close()
    if team and not team.is_main:
        return 0
    print(f"{folder}: {'done' if whole else 'put down and saved; --resume goes on'}")
    return 0 if whole else 130


def sample(asked: argparse.Namespace) -> int:
    """Draw, and write one grid, or a file for each image."""
    expect_number("n", asked.n, 1)
    model, card = runs.load(asked.run, asked.device)
    condition = runs.asked_for(card, asked.label, asked.caption)
    rng = torch.Generator().manual_seed(asked.seed)
    x = runs.draw(model, card, asked.n, rng, condition, asked.scale).cpu()
    out = Path(asked.out or Path(asked.run) / f"samples-{asked.seed}.png")
    if out.suffix.lower() in (".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".pdf", ".svg"):
        raise ValueError(f"--out: expected a .png or a folder, got {out}")
    if out.suffix.lower() == ".png":
        out.parent.mkdir(parents=True, exist_ok=True)
        runs.figure(x).savefig(out, dpi=150)
    else:
        runs.write_images(x, out)
    print(out)
    return 0


def score(asked: argparse.Namespace) -> int:
    """Score samples beside what real data score."""
    rows = runs.score(asked.run, asked.n, asked.device, judge=asked.judge, path=asked.data)
    print(Table(rows))
    run = rows.get("run", {})
    if "frechet" in run and "class_tv" not in run:
        print(
            "judge: none; the distances are those of mean colours in 4 x 4 parts, which know no shapes"
        )
    return 0


def grade(asked: argparse.Namespace) -> int:
    """Mark submitted notebooks: a table of marks, a file of feedback each, the columns of a learning platform."""
    for name, least in {"limit": 1, "memory": 0.5, "jobs": 1}.items():
        expect_number(f"--{name}", getattr(asked, name), least)
    rules = marking.Rules(
        marking.book_notebooks(Path(asked.book)),
        marking.points_table(Path(asked.points)),
        private=Path(asked.checks).read_text(encoding="utf-8") if asked.checks else "",
        limit=asked.limit,
        memory=asked.memory,
    )
    if rules.private:
        marking.private_checks(rules.private)
    submissions, table = marking.find([Path(path) for path in asked.submissions]), Path(asked.csv)
    table.parent.mkdir(parents=True, exist_ok=True)
    table.open(
        "a", encoding="utf-8"
    ).close()  # a table that cannot be written is known now, not in an hour
    marks = marking.mark_all(submissions, rules, asked.jobs, _say_mark)
    results.write_csv(marks, table)
    if asked.feedback:
        results.write_feedback(marks, Path(asked.feedback))
    if asked.lms:
        results.write_lms(marks, table.with_name(f"{table.stem}-{asked.lms}.csv"), asked.lms)
    print(
        f"{table}: {len(marks)} of {len(submissions)}, {sum(bool(m.flags + m.notes) for m in marks)} with notes"
    )
    return 130 if rules.stopped.is_set() else 0


def _say_mark(one: results.Mark) -> None:
    notes = "; ".join(one.flags + one.notes)[:150]
    line = f"{one.student[:40]:40} {one.notebook:4} {one.sum:g} of {one.of:g}, {one.seconds:.0f} s"
    print(f"{line}  {notes}", flush=True)


# --- what can be asked for ---------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        "python -m genlib", description="Train the models of Learning to Generate, draw, and score."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("recipes", help="list what can be trained")
    one.set_defaults(do=show_recipes)
    one = commands.add_parser(
        "train", help="train a model in a folder of its own", description=TRAIN
    )
    one.add_argument("name", metavar="NAME", help="a recipe, or one of: " + ", ".join(runs.KINDS))
    _options_of_training(one)
    one = commands.add_parser(
        "judge", help="train a classifier of your own classes, for score", description=TRAIN
    )
    one.set_defaults(name="judge")
    _options_of_training(one)
    one = commands.add_parser("sample", help="draw from a run")
    _options_of_run(one, sample, 64)
    one.add_argument("--seed", type=int, default=0, help="of the draw (0)")
    one.add_argument("--label", type=int, help="the class to draw, from 0 on (each in turn)")
    one.add_argument(
        "--caption", help='the words to draw, as "red circle left" (each pair in turn)'
    )
    one.add_argument("--scale", type=float, help="of guidance: 0 ignores the condition (1)")
    one.add_argument("--out", help="a .png for one grid, or a folder for a file each")
    one = commands.add_parser("score", help="measure samples of a run beside real data")
    _options_of_run(one, score, 2000)
    one.add_argument("--judge", metavar="RUN", help="a run of `judge`, for pictures of your own")
    one.add_argument("--data", help="where the folder of images lies now, if it was moved")
    inner = commands.add_parser("check", help="mark notebooks that students handed in")
    inner = inner.add_subparsers(required=True, metavar="grade")
    _options_of_grade(inner.add_parser("grade", help="mark submissions", description=GRADE))
    return top


TRAIN = "Train in a folder: card.json, training and model.safetensors, log.jsonl, samples.png."


GRADE = """Run each submission in a process of its own, ask the checkers, and write marks and feedback. Submissions are
programs and run with your rights: do it in a container or as another user, without network."""


def _options_of_grade(one: argparse.ArgumentParser) -> None:
    one.set_defaults(do=grade)
    one.add_argument(
        "submissions",
        nargs="+",
        metavar="SUBMISSIONS",
        help="notebooks, or a folder of them: a "
        "file for each student, or a folder for each student",
    )
    one.add_argument("--csv", default="marks.csv", help="the table of marks (marks.csv)")
    one.add_argument("--feedback", metavar="DIR", help="a folder for a file for each student")
    one.add_argument("--checks", metavar="private.py", help="checks of your own, under @exercise")
    one.add_argument("--points", default=str(marking.POINTS), help="a table of points of your own")
    one.add_argument("--limit", type=float, default=30, help="seconds for a cell (30)")
    one.add_argument("--memory", type=float, default=4, help="GB for a submission, on Linux (4)")
    one.add_argument("--jobs", type=int, default=2, help="submissions at the same time (2)")
    one.add_argument("--lms", choices=("moodle", "canvas"), help="write their columns, too")
    one.add_argument("--book", default=str(marking.ROOT), help="a clone of the book, if not here")


def _options_of_training(one: argparse.ArgumentParser) -> None:
    one.set_defaults(do=train)
    one.add_argument("--seed", type=int, help="of weights, order and noise (0)")
    one.add_argument(
        "--budget", choices=BUDGETS, help="if left out: gpu on a graphics card, else cpu"
    )
    one.add_argument("--steps", type=int, help="in the place of the recipe's own")
    one.add_argument("--batch", type=int, help="rows of a batch, of all processes together")
    one.add_argument("--data", help=OWN_DATA)
    one.add_argument("--size", type=int, help="pixels a side, of a folder's images (32)")
    one.add_argument("--channels", type=int, help="of a folder's images: 3 colour, 1 grey (3)")
    one.add_argument(
        "--codes",
        metavar="RUN",
        help="for ..._latent: the run of the VAE whose codes are trained on",
    )
    one.add_argument("--out", help="the folder of the run (runs/NAME-SEED)")
    one.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    one.add_argument(
        "--save-every", type=float, default=30, metavar="SECONDS", help="between savings (30)"
    )
    _option_device(one)


def _options_of_run(one: argparse.ArgumentParser, do, n: int) -> None:
    one.set_defaults(do=do)
    one.add_argument("run", metavar="RUN", help="the folder of a run")
    one.add_argument("-n", type=int, default=n, help=f"number of samples ({n:,})")
    _option_device(one)


def _option_device(one: argparse.ArgumentParser) -> None:
    here = "cuda" if torch.cuda.is_available() else "cpu"
    one.add_argument(
        "--device", default=here, help=f"if left out: {device_name(torch.device(here))}"
    )


if __name__ == "__main__":
    sys.exit(main())
