"""Measure the drawings of pairs that were never seen: `python -m tools.make_captions_results`, with names for some.

Five draws of the held-out pairs, each with its own training pictures, weights and noise. Nothing was chosen on them:
recipe and scale were chosen on another draw, number 0.
"""

import functools
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from scipy.stats import binomtest
from torch import Tensor

from genlib import data
from genlib.data.shapes import COLOURS, PAIRS, SHAPES, VOCABULARY, WORDS, Drawn, pair_numbers
from genlib.ddpm import DDPM
from genlib.evaluate import nearest_training_ratio, read_shapes, score_shapes, to_grey_levels
from genlib.guidance import Guided
from genlib.recipes import shapes_ddpm
from genlib.text import Vocabulary
from tools import results
from tools.results import generator, train

DRAWS, TARGET = (1, 2, 3, 4, 5), results.DATA / "captions.json"
N_TRAIN, HELD_OUT, SCALE, STEPS, ETA = 20_000, 8, 2.0, 50, 0.3
SCALES, NUMBERS = (1.0, 1.5, 2.0, 3.0, 5.0), (4, 16, 24)
EACH = 40  # drawings of a held-out pair, and of a seen one half as many
ABOUT = results.about("python -m tools.make_captions_results", DRAWS, "ddpm_shapes", scale=SCALE)

Pair = tuple[str, str]


class Model(NamedTuple):
    """A model, the vocabulary it was told in, the pairs it saw and did not see, and its training pictures."""

    ddpm: DDPM
    vocabulary: Vocabulary
    seen: list[Pair]
    held_out: list[Pair]
    drawn: Drawn
    cpu_s: float

    def draw(self, pairs: Sequence[Pair], each: int, scale: float, rng: torch.Generator) -> Tensor:
        """`each` pictures of every pair, on 256 levels, one pair after the other."""
        captions = [caption(*pair, self.vocabulary) for pair in pairs for _ in range(each)]
        x = []
        for part in self.vocabulary.tokens(captions).split(500):
            model = self.ddpm.replace(net=Guided(self.ddpm.net, part, scale))
            x.append(model.ddim(len(part), (3, 16, 16), STEPS, ETA, rng))
        return to_grey_levels(data.unsigned(torch.cat(x)), 256)


def caption(colour: str, shape: str, vocabulary: Vocabulary) -> str:
    """A pair in two words, or in the one word of the control."""
    one = f"{colour}-{shape}"
    return one if one in vocabulary.words else f"{colour} {shape}"


@functools.cache
def model(draw: int, number: int = HELD_OUT, control: bool = False) -> Model:
    """Train on the pictures of the seen pairs; the control has one word for each pair in the place of two."""
    seen, left = data.held_out(number, draw)
    drawn = data.shapes(N_TRAIN, 16, 100 + draw, seen)
    vocabulary, captions, make = VOCABULARY, drawn.captions, shapes_ddpm
    if control:
        pairs = tuple(f"{colour}-{shape}" for colour, shape in PAIRS)
        vocabulary = Vocabulary(pairs + WORDS[len(COLOURS) + len(SHAPES) :], VOCABULARY.length)
        captions = tuple(
            text.replace(" ".join(PAIRS[k]), "-".join(PAIRS[k]))
            for text, k in zip(captions, drawn.pair.tolist(), strict=True)
        )
        make = partial(shapes_ddpm, vocabulary)
    rows = data.signed(drawn.x), vocabulary.tokens(captions)
    trained = train("ddpm_shapes", draw, f"draw {draw}, {number} held out", model=make, data=rows)
    return Model(trained.model, vocabulary, seen, left, drawn, trained.cpu_s)


def places(pairs: Sequence[Pair], each: int) -> Tensor:
    return pair_numbers(pairs).repeat_interleave(each)


def shares(found: Model, scale: float, each: int = EACH, seen: bool = True) -> dict:
    """Lenient and strict shares of held-out pairs, and of seen ones."""
    rng = generator(0)
    row = {
        f"{name}_held_out": value
        for name, value in score_shapes(
            found.draw(found.held_out, each, scale, rng), places(found.held_out, each)
        ).items()
    }
    if seen:
        x = found.draw(found.seen, each // 2, scale, rng)
        asked = places(found.seen, each // 2)
        row |= {f"{name}_seen": value for name, value in score_shapes(x, asked).items()}
    return row


def recipe() -> dict:
    """The recipe at its scale: shares over the five draws."""
    return results.over_seeds(
        lambda draw: shares(model(draw), SCALE) | {"train_cpu_s": model(draw).cpu_s}, DRAWS
    )


def pairs() -> dict:
    """Every held-out pair of every draw with its interval, and the lowest and highest of them."""
    rows = []
    for draw in DRAWS:
        found = model(draw)
        x = found.draw(found.held_out, EACH, SCALE, generator(0))
        for pair, part in zip(found.held_out, x.split(EACH), strict=True):
            right = round(score_shapes(part, places([pair], EACH))["strict"] * EACH)
            low, high = binomtest(right, EACH).proportion_ci(method="wilson")
            rows.append(
                {"draw": draw, "pair": " ".join(pair), "strict": right / EACH}
                | {"low": low, "high": high}
            )
    strict = [row["strict"] for row in rows]
    return {
        "n": EACH,
        "rows": rows,
        "worst": min(strict),
        "best": max(strict),
        "at_least_95": sum(value >= 0.95 for value in strict),
        "under_half": sum(value < 0.5 for value in strict),
        "pairs": len(rows),
    }


def control() -> dict:
    """One code for each pair: what it draws for the codes of pairs that it never saw, on two draws; and chance."""

    def run(draw: int) -> dict:
        found = model(draw, control=True)
        asked = places(found.held_out, EACH)
        read = read_shapes(found.draw(found.held_out, EACH, SCALE, generator(0)))
        shown = read["colour"] * len(SHAPES) + read["shape"]
        seen = found.draw(found.seen, EACH // 4, SCALE, generator(1))
        return {
            "lenient_held_out": (shown == asked).double().mean().item(),
            "chance": by_chance(shown, asked),
            "n": len(asked),
            "lenient_seen": score_shapes(seen, places(found.seen, EACH // 4))["lenient"],
        }

    return results.over_seeds(run, DRAWS[:2])


def by_chance(shown: Tensor, asked: Tensor) -> float:
    """The share of drawings made for another pair that show a pair, averaged over the pairs that were asked for."""
    shares = [(shown[asked != pair] == pair).double().mean().item() for pair in asked.unique()]
    return sum(shares) / len(shares)


def scales() -> dict:
    """The guidance scale swept on the first three draws."""
    return {
        f"{scale:g}": results.over_seeds(
            lambda draw, s=scale: shares(model(draw), s, 20), DRAWS[:3]
        )
        for scale in SCALES
    }


def numbers() -> dict:
    """How many of the 32 pairs may be held out: shares for one draw each."""
    return {str(n): shares(model(1, n), SCALE, 20) for n in NUMBERS}


def swaps() -> dict:
    """What is read where something was asked for, held-out pairs of all draws: counts, asked x read."""
    counts = {
        "shape": torch.zeros(len(SHAPES), len(SHAPES), dtype=torch.long),
        "colour": torch.zeros(len(COLOURS), len(COLOURS), dtype=torch.long),
    }
    for draw in DRAWS:
        found = model(draw)
        read = read_shapes(found.draw(found.held_out, EACH, SCALE, generator(0)))
        asked = places(found.held_out, EACH)
        wanted = {"shape": asked % len(SHAPES), "colour": asked // len(SHAPES)}
        for name, table in counts.items():
            table.index_put_((wanted[name], read[name]), torch.tensor(1), accumulate=True)
    return {name: table.tolist() for name, table in counts.items()} | {
        "shapes": list(SHAPES),
        "colours": list(COLOURS),
    }


def copying() -> dict:
    """How near drawings of held-out pairs come to training pictures, beside new pictures of pairs that were seen."""

    def run(draw: int) -> dict:
        found = model(draw)
        x = found.draw(found.held_out, 20, SCALE, generator(0))
        new = data.shapes(500, 16, 200 + draw, found.seen).x
        other = data.shapes(500, 16, 300 + draw, found.held_out).x
        return {
            "ratio_drawings": nearest_training_ratio(x, found.drawn.x, new),
            "ratio_real_held_out": nearest_training_ratio(other, found.drawn.x, new),
        }

    return results.over_seeds(run, DRAWS)


SECTIONS = results.named(recipe, pairs, control, scales, numbers, swaps, copying)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
