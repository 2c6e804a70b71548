"""The command line: python -m genlib recipes | train NAME | judge | sample RUN | score RUN.

Exit codes: 0 done, 1 something broke, 2 asked for in a way that cannot be, 130 ended by Ctrl-C.
"""

import argparse
import sys
import warnings
from pathlib import Path

import torch

from genlib import processes, runs
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
    return top


TRAIN = "Train in a folder: card.json, training and model.safetensors, log.jsonl, samples.png."


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
