import math

import pytest
import torch

from genlib.check import ex01a as check
from genlib.check.verdict import Verdict

RIGHT = {
    "exercise_1": lambda ll, p: (ll + p.log()).softmax(dim=1),
    "exercise_2": lambda c: (c + 1) / (c.sum() + len(c)),
    "exercise_3": lambda p, t: p ** (1 / t) / (p ** (1 / t)).sum(),
    "exercise_4": lambda lp, n: math.exp(-sum(lp) / sum(n)),
    "exercise_5": lambda lj, n, floor: (
        None if torch.logsumexp(lj, 0) / n < floor else int(lj.argmax())
    ),
}


def by_hand(ll, p):
    joint = ll.exp() * p
    return joint / joint.sum(dim=1, keepdim=True)


WRONG = [
    ("exercise_1", lambda ll, p: ll.softmax(dim=1), "prior is missing"),
    ("exercise_1", lambda ll, p: (ll + p).softmax(dim=1), "added p\\(y\\) itself"),
    ("exercise_1", lambda ll, p: (ll + p.log()).softmax(dim=0), "columns sum to 1"),
    ("exercise_1", lambda ll, p: (ll + p.log()).exp(), "Divide every row"),
    ("exercise_1", lambda ll, p: (ll + p.log()).log_softmax(dim=1), "log-probabilities"),
    ("exercise_1", lambda ll, p: 0.98 * (ll + p.log()).softmax(dim=1), "sum to 0.98 a row"),
    ("exercise_1", by_hand, "NaN|logsumexp"),
    ("exercise_1", lambda ll, p: p, "has shape"),
    ("exercise_2", lambda c: c / c.sum(), "Nothing is smoothed"),
    ("exercise_2", lambda c: (c + 1) / c.sum(), "sum to 2"),
    ("exercise_2", lambda c: (c + 1) / (c.sum() + 1), "each of the V words"),
    ("exercise_2", lambda c: c / (c.sum() + len(c)), "numerator"),
    ("exercise_2", lambda c: (c + 2) / (c.sum() + 2 * len(c)), "expected"),
    ("exercise_3", lambda p, t: p, "Nothing changed"),
    ("exercise_3", lambda p, t: p ** (1 / t), "Divide by their sum"),
    ("exercise_3", lambda p, t: p**t / (p**t).sum(), "flatter"),
    ("exercise_3", lambda p, t: (p / t).softmax(dim=0), "wants logarithms"),
    ("exercise_4", lambda lp, n: math.exp(sum(lp) / sum(n)), "mind the minus"),
    ("exercise_4", lambda lp, n: -sum(lp) / sum(n), "Take exp"),
    ("exercise_4", lambda lp, n: math.exp(-sum(lp) / len(lp)), "over texts"),
    ("exercise_4", lambda lp, n: 2 ** (-sum(lp) / sum(n)), "natural"),
    ("exercise_5", lambda lj, n, floor: int(lj.argmax()), "however clear"),
    (
        "exercise_5",
        lambda lj, n, floor: None if lj.logsumexp(0) < 10 * floor else int(lj.argmax()),
        "divide by the number of tokens",
    ),
    (
        "exercise_5",
        lambda lj, n, floor: None if lj.max() / n < floor else int(lj.argmax()),
        "sum over both classes",
    ),
    (
        "exercise_5",
        lambda lj, n, floor: None if lj.logsumexp(0) / n < floor else int(lj.argmin()),
        "likelier class",
    ),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_pass_and_stubs_do_not(name):
    verdict = getattr(check, name)(RIGHT[name])
    assert isinstance(verdict, Verdict) and verdict.ok, verdict
    stub = getattr(check, name)(lambda *a: ...)
    assert not stub.ok and "Replace the `...`" in stub.message


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_planted_wrong_answers_are_diagnosed(name, answer, message):
    import re

    verdict = getattr(check, name)(answer)
    assert not verdict.ok
    assert re.search(message, verdict.message), verdict.message


def test_code_that_raises_is_reported():
    verdict = check.exercise_1(lambda ll: ll)
    assert not verdict.ok and "raised TypeError" in verdict.message
