"""Two trainings of a GAN on the ring, moment by moment: the map of D, the fakes, and where each is pulled."""

import math

import torch

from genlib import pretrained
from genlib.data import ring
from genlib.interact.base import Interactive, as_base64

RING = ring()
SCALE = math.sqrt(1 / 2 + RING.sd**2)  # sd of each coordinate, the unit of the runs

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Two trainings on the ring, moment by moment. The fakes always come from the same codes.",
    "keyData": "*D* says *data*",
    "keyFake": "*D* says *fake*",
    "keyDot": "a fake",
    "keyPull": "where *D* pulls it",
    "keyMode": "a mode",
    "legend": "Which run?",
    "runs": [["plain", "plain GAN"], ["recipe", "This book's recipe"]],
    "mapLabel": "Map of D over the plane, with the fakes, the arrows at some of them and the eight modes",
    "turn": "Turn",
    "play": "Play",
    "pause": "Pause",
    "modes": "Modes",
    "modesValue": "# of 8",
    "quality": "High quality",
    "qualityNote": "truth 0.989",
    "spread": "Spread",
    "spreadNote": "truth 0.974",
    "losses": "Losses, nats",
    "lossesValue": "*D* #, *G* #",
    "help": "Move the slider, or press Play. By keyboard: Tab to the slider, then the arrow keys.",
}


def gan_replay(run: str = "plain", moment: int = 0) -> Interactive:
    """The figure, opened at one moment of one run.

    Args:
        run: "plain" or "recipe".
        moment: which of the stored moments, from 0.

    Raises:
        ValueError: there is no such run or moment.
    """
    tensors, runs = pretrained.tensors("gan_replay"), pretrained.card("gan_replay")["runs"]
    if run not in runs:
        raise ValueError(f"run: expected one of {', '.join(runs)}, got {run!r}")
    if not 0 <= moment < len(runs[run]):
        raise ValueError(f"moment: expected 0 to {len(runs[run]) - 1}, got {moment}")

    def packed(name: str) -> str:
        x = tensors[name]
        x = x if x.dtype == torch.uint8 else (x.to(torch.int16) + 127).to(torch.uint8)
        return as_base64(x)

    data = {
        "start": {"run": run, "moment": moment},
        "words": WORDS,
        "cells": int(tensors[f"{run}.D"].shape[1] ** 0.5),
        "means": [[round(v, 4) for v in mean] for mean in (RING.means / SCALE).tolist()],
        "runs": {
            name: {part: packed(f"{name}.{part}") for part in ("D", "x", "way")}
            | {
                "scores": [
                    {key: value and round(value, 4) for key, value in found.items()}
                    for found in scores
                ]
            }
            for name, scores in runs.items()
        },
    }
    return Interactive(
        "replay.js",
        data,
        label="Two trainings of a GAN on the ring, moment by moment",
        still="With JavaScript, this shows two trainings of a GAN on a ring of eight modes: the plain one ends with "
        "threads between the modes, the book's recipe comes into focus from coarse to fine.",
    )
