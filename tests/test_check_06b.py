"""The checkers of notebook 06b: right answers pass in every form, every planted wrong one gets its own reason."""

import numpy as np
import torch
from checking import checker_tests
from torch import nn

from genlib import data
from genlib.check import ex06b
from genlib.data.shapes import COLOURS, SHAPES
from genlib.nets import Condition
from genlib.text import Vocabulary


def tokens(caption, words, length, first=1, fill=True, guess=False, lower=True):
    said = (caption.lower() if lower else caption).split()
    row = [words.index(word) + first for word in said if not guess or word in words]
    return row + [0] * (length - len(row)) * fill


def tokens_by_dictionary(caption, words, length):
    number = dict(zip(words, range(1, 100), strict=False))
    row = torch.zeros(length, dtype=torch.long)
    for i, word in enumerate(caption.casefold().split()):
        row[i] = number[word]
    return row


def one_hot(tokens, table):
    weights = nn.functional.one_hot(tokens, len(table)).sum(dim=1).float()
    weights[:, 0] = 0
    return weights @ table


def in_a_loop(tokens, table):
    rows = []
    for row in tokens.tolist():
        e = np.zeros(table.shape[1])
        for k in row:
            if k:
                e += table[k].numpy()
        rows.append(e)
    return np.stack(rows)


def by_genlib(tokens, table):
    condition = Condition(table.shape[1], words=len(table) - 1)
    condition.word.weight.data[1:] = table[1:]
    return condition(tokens, len(tokens))


def before(tokens, table):
    return sum_of(tokens, torch.cat([table[:1], table[:-1]]))


def sum_of(tokens, table):
    return (table[tokens] * (tokens > 0)[:, :, None]).sum(dim=1)


def scores(colour, shape, clean, pair):
    right = (colour == pair // 4) & (shape == pair % 4)
    return right.float().mean(), (right & clean).float().mean()


def scores_in_a_loop(colour, shape, clean, pair):
    lenient = strict = 0
    for c, s, ok, p in zip(
        colour.tolist(), shape.tolist(), clean.tolist(), pair.tolist(), strict=True
    ):
        if 4 * c + s == p:
            lenient, strict = lenient + 1, strict + ok
    return [lenient / len(pair), strict / len(pair)]


def either(colour, shape, clean, pair):
    return ((colour == pair // 4) | (shape == pair % 4)).float().mean(), 0.0


def product(colour, shape, clean, pair):
    return (colour == pair // 4).float().mean() * (shape == pair % 4).float().mean(), 0.0


def of_the_right(colour, shape, clean, pair):
    lenient, strict = scores(colour, shape, clean, pair)
    return lenient, strict / lenient.clamp(min=0.01)


def two_groups(colours, shapes):
    half, one = len(colours) // 2, len(shapes) // 2
    return [(c, s) for c in colours[:half] for s in shapes[:one]] + [
        (c, s) for c in colours[half:] for s in shapes[one:]
    ]


def one_for_itself(colours, shapes):
    """The last colour has the last shape for itself, as a set."""
    rest = {(c, s) for c in colours[:-1] for s in shapes[:-1]}
    return rest | {(colours[-1], shapes[-1])}


def one_bridge(colours, shapes):
    return [*two_groups(colours, shapes), (colours[0], shapes[-1])]


def diagonal(colours, shapes):
    return [(c, shapes[i % len(shapes)]) for i, c in enumerate(colours)]


def guided(zero, c, s, a, b):
    return zero + a * (c - zero) + b * (s - zero)


RIGHT = {
    1: tokens,
    2: sum_of,
    3: scores,
    4: two_groups,
    5: guided,
}
ALSO = {
    1: [
        tokens_by_dictionary,
        lambda caption, words, length: Vocabulary(tuple(words), length).tokens([caption])[0],
    ],
    2: [one_hot, in_a_loop, by_genlib],
    3: [scores_in_a_loop],
    4: [one_for_itself, lambda colours, shapes: [list(p) for p in two_groups(colours, shapes)]],
    5: [
        lambda zero, c, s, a, b: (1 - a - b) * zero + a * c + b * s,
        lambda zero, c, s, a, b: np.add(zero.numpy(), (a * (c - zero) + b * (s - zero)).numpy()),
    ],
}
WRONG = {
    1: [
        (lambda *x: tokens(*x, first=0), "token 1"),
        (lambda *x: tokens(*x, fill=False), "fill up with zeros to 4"),
        (lambda *x: tokens(*x)[::-1], "the zeros behind them"),
        (
            lambda caption, words, length: (
                sorted(tokens(caption, words, length, fill=False))
                + [0] * (length - len(caption.split()))
            ),
            "keep the order",
        ),
        (lambda *x: tokens(*x, guess=True), "Do not guess"),
        (
            lambda *x: tokens(*x, lower=False),
            "capital letters should not matter, and here your code raised ValueError",
        ),
        (lambda caption, words, length: [1] * length, "expected [2, 3, 0, 0]"),
        (lambda caption, words, length: caption.split(), "a list of whole numbers, got"),
    ],
    2: [
        (lambda tokens, table: table[tokens].sum(dim=1), "row 0 of the table counts"),
        (lambda tokens, table: table[tokens], "one by one"),
        (
            lambda tokens, table: (table[tokens] * (tokens > 0)[:, :, None]).sum(dim=0),
            "over the captions",
        ),
        (
            lambda tokens, table: (
                sum_of(tokens, table) / (tokens > 0).sum(dim=1, keepdim=True).clamp(min=1)
            ),
            "more softly",
        ),
        (lambda tokens, table: sum_of(tokens, table) / tokens.shape[1], "the empty ones too"),
        (before, "the row before it"),
        (lambda tokens, table: table[tokens[:, 0]], "the first word alone"),
        (
            lambda tokens, table: torch.stack(
                [table[r[r > 0].unique()].sum(dim=0) for r in tokens]
            ),
            "said twice",
        ),
        (lambda tokens, table: 2 * sum_of(tokens, table), "expected for each caption the sum"),
    ],
    3: [
        (lambda *x: scores(*x)[::-1], "are swapped"),
        (lambda *x: [v * len(x[0]) for v in scores(*x)], "divide by how many"),
        (lambda *x: [100 * v for v in scores(*x)], "per cent"),
        (either, "content with one"),
        (product, "the product of two shares"),
        (lambda c, s, ok, p: scores(s, c, ok, p), "pair % 4 is the shape"),
        (lambda c, s, ok, p: scores(c, s, ok, p + 1), "expected the lenient share"),
        (lambda c, s, ok, p: (scores(c, s, ok, p)[0], ok.float().mean()), "whatever they show"),
        (of_the_right, "not of those that are read right"),
        (lambda *x: scores(*x)[:1] * 2, "asks for clean drawings"),
        (lambda *x: (scores(*x)[0], 0.1), "expected the strict one"),
        (lambda *x: scores(*x)[0], "expected a pair of numbers"),
    ],
    4: [
        (lambda c, s: [(a, b) for a in c for b in s], "nothing is held out"),
        (lambda c, s: [(a, b) for a in c[1:] for b in s], "'red' is never seen"),
        (lambda c, s: [(b, a) for a, b in two_groups(c, s)], "the colour comes first"),
        (lambda c, s: [*two_groups(c, s), ("pink", s[0])], "is no pair"),
        (lambda c, s: diagonal(c, s) if len(s) == 3 else two_groups(c, s), "6 of 18 pairs"),
        (one_bridge, "green cross follows from what is seen, by green circle, red circle, red c"),
        (lambda c, s: "red circle", "a list of pairs"),
        (lambda c, s: [pair[0] for pair in two_groups(c, s)], "a list of pairs"),
    ],
    5: [
        (lambda z, c, s, a, b: z + guided(z, c, s, a, b), "counted twice"),
        (lambda z, c, s, a, b: guided(z, c, s, a, b) - z, "eps_0 itself is missing"),
        (lambda z, c, s, a, b: guided(z, c, s, b, a), "the scales are swapped"),
        (lambda z, c, s, a, b: z + a * c + b * s, "how far each is"),
        (lambda z, c, s, a, b: guided(z, c, s, -a, -b), "flees both"),
        (lambda z, c, s, a, b: guided(z, c, s, a / 2, b / 2), "a mean of the two"),
        (lambda z, c, s, a, b: z + a * (c - z) + b * (s - c), "from the colour to the shape"),
        (lambda z, c, s, a, b: guided(z, c, s, a, 0), "the shape is missing"),
        (lambda z, c, s, a, b: guided(z, c, s, 0, b), "the colour is missing"),
        (lambda z, c, s, a, b: guided(z, c, s, 1, 1), "the scales are missing"),
        (lambda z, c, s, a, b: z, "expected eps_0 + a"),
    ],
}
globals().update(checker_tests(ex06b, RIGHT, ALSO, WRONG))


def test_the_hold_out_of_the_book_is_connected_and_every_chain_is_one():
    """In `data.held_out` each pair follows from the seen ones; and a chain is what it says."""
    for n in (8, 24):
        seen, left = data.held_out(n)
        for colour, shape in left:
            way = ex06b._way(colour, shape, {*seen}, [*COLOURS]).split(", ")
            pairs = [tuple(pair.split()) for pair in way]
            if pairs == [("",)] or pairs == [()]:
                assert n == 24
                continue
            assert {*pairs} <= {*seen} and len(pairs) % 2 == 1
            assert pairs[0][0] == colour and pairs[-1][1] == shape
            for one, two in zip(pairs[:-1], pairs[1:], strict=True):
                assert len({*one} & {*two}) == 1
    verdict = ex06b.exercise_4(lambda colours, shapes: [(c, s) for c in COLOURS for s in SHAPES])
    assert not verdict.ok
