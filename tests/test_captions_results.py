"""The stored drawings of pairs that were never seen: they carry the claims of chapter 6 and of 06b."""

from itertools import pairwise
from statistics import fmean

import pytest
import torch
from scipy.stats import binomtest

from genlib import data
from genlib.data.shapes import COLOURS, PAIRS, SHAPES, VOCABULARY
from genlib.table import stored
from genlib.text import Vocabulary
from tools import make_captions_results as tool


@pytest.fixture(scope="module")
def measured():
    return stored("captions")


def mean(row: dict, name: str) -> float:
    return fmean(row[name])


def test_held_out_pairs_are_drawn_and_seen_ones_better(measured):
    row = measured["recipe"]
    assert len(row["strict_held_out"]) == len(tool.DRAWS) == 5
    assert 0.75 < mean(row, "strict_held_out") < 0.85  # .85 was asked for, and not reached
    assert 0.94 < mean(row, "strict_seen") < 0.97  # nor .97
    assert mean(row, "lenient_held_out") > 0.9 and mean(row, "lenient_seen") > 0.99
    for name in ("strict", "lenient"):  # not of each draw, but of all together
        assert mean(row, f"{name}_held_out") < mean(row, f"{name}_seen")


def test_every_held_out_pair_is_reported_with_its_interval(measured):
    rows = measured["pairs"]["rows"]
    expected = [" ".join(pair) for draw in tool.DRAWS for pair in data.held_out(8, draw)[1]]
    assert [row["pair"] for row in rows] == expected
    for row in rows:
        right = round(row["strict"] * tool.EACH)
        interval = binomtest(right, tool.EACH).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    shares = [row["strict"] for row in rows]
    found = measured["pairs"]
    assert (found["worst"], found["best"]) == (min(shares), max(shares))
    assert found["at_least_95"] == sum(share >= 0.95 for share in shares)
    few = [row["pair"] for row in rows if row["strict"] < 0.5]
    assert found["under_half"] == len(few) == 5
    assert all(pair.startswith("red ") or pair == "green cross" for pair in few)
    for pair in few:  # the same pairs did better in other draws
        assert (
            max(row["strict"] for row in rows if row["pair"] == pair) > 0.7 or pair == "red cross"
        )
    by_draw = [fmean(shares[i : i + 8]) for i in range(0, 40, 8)]  # the same drawings
    assert by_draw == pytest.approx(measured["recipe"]["strict_held_out"])


def test_the_control_draws_pairs_it_never_saw_no_better_than_by_chance(measured):
    row = measured["control"]
    for own, chance, n, seen in zip(
        row["lenient_held_out"], row["chance"], row["n"], row["lenient_seen"], strict=True
    ):
        assert own <= chance + 2 * (chance * (1 - chance) / n) ** 0.5
        assert own < 1 / len(PAIRS) and seen > 0.9  # nor better than a blind guess


def test_chance_is_how_often_drawings_for_other_pairs_show_a_pair():
    asked = torch.tensor([0, 0, 1, 1, 2, 2])
    shown = torch.tensor([0, 1, 1, 9, 0, 0])
    # pair 0: 2 of the 4 for others; pair 1: 1 of 4; pair 2: none
    assert tool.by_chance(shown, asked) == pytest.approx((0.5 + 0.25 + 0) / 3)


def test_the_more_pairs_are_missing_the_fewer_come_out_right(measured):
    rows = [measured["numbers"][str(n)] for n in tool.NUMBERS]
    for fewer, more in pairwise(rows):
        assert fewer["strict_held_out"] > more["strict_held_out"]
    assert rows[0]["lenient_held_out"] > 0.9 > 0.2 > rows[-1]["lenient_held_out"]
    assert all(row["strict_seen"] > 0.9 for row in rows)  # seen pairs tell nobody


def test_errors_are_counted_once_each(measured):
    for name, kinds in (("shape", SHAPES), ("colour", COLOURS)):
        table = torch.tensor(measured["swaps"][name])
        assert table.shape == (len(kinds), len(kinds))
        assert table.sum() == len(tool.DRAWS) * 8 * tool.EACH
        assert table.diagonal().sum() > 0.9 * table.sum()


def test_where_a_drawing_is_wrong_mostly_one_word_was_obeyed(measured):
    colour, shape, both = (
        mean(measured["recipe"], f"{name}_held_out") for name in ("colour", "shape", "lenient")
    )
    both_wrong = (1 - colour) + (1 - shape) - (1 - both)
    assert both_wrong < 0.02 and both_wrong < (1 - both) / 4


def test_drawings_are_as_far_from_the_training_pictures_as_true_ones(measured):
    row = measured["copying"]
    for drawn, real in zip(row["ratio_drawings"], row["ratio_real_held_out"], strict=True):
        assert drawn > 0.8 * real


def test_the_control_is_told_one_word_for_a_pair():
    one = Vocabulary(tuple(f"{colour}-{shape}" for colour, shape in PAIRS), 5)
    assert tool.caption("red", "cross", one) == "red-cross"
    assert tool.caption("red", "cross", VOCABULARY) == "red cross"


def test_all_that_is_stored_was_measured_by_this_tool(measured):
    assert measured["command"] == "python -m tools.make_captions_results"
    assert set(tool.SECTIONS) <= set(measured)
