"""No typed constant passes: whoever copies the number out of the feedback has not written the function."""

import importlib
import re
from pathlib import Path

import pytest
import torch

from genlib.check import verdict

FILES = sorted(path.stem for path in Path(verdict.__file__).parent.glob("ex*.py"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TYPED = (0, 1, -1, 2, 0.5, 0.1234)
SHAPES = ((), (1,), (2,), (3,))


class Constant:
    """An answer that gives the same whatever it is asked; it remembers whether it was asked anything."""

    def __init__(self, value):
        self.value, self.asked = value, False

    def __call__(self, *arguments):
        self.asked = self.asked or bool(arguments)
        return self.value


def passing(checker) -> list:
    """Constants that pass: a few typed ones, and every number that the messages tell on the way."""
    left, tried, found = list(TYPED), set(), []
    while left and len(tried) < 60:
        number = left.pop(0)
        if number in tried or abs(number) > 1e30:
            continue
        tried.add(number)
        for value in (
            number,
            *(torch.full(shape, float(number)) for shape in SHAPES),
            (number, number),
        ):
            answer = Constant(value)
            said = checker(answer)
            if said.ok and answer.asked:
                found.append((value, said.message))
            left += [float(told) for told in NUMBER.findall(said.message)]
    return found


@pytest.mark.parametrize("name", FILES)
def test_no_constant_passes(name):
    module = importlib.import_module(f"genlib.check.{name}")
    for exercise in [key for key in vars(module) if key.startswith("exercise_")]:
        assert not passing(getattr(module, exercise)), exercise


def test_a_checker_that_asks_once_is_caught():
    @verdict.exercise
    def exercise_1(answer) -> str:
        found = verdict.need_number(answer(3))
        verdict.need(verdict.close(found, 9.25), "expected {right:.2f}.", right=9.25)
        return verdict.praise("Yes.")

    assert passing(exercise_1)[0][0] == 9.25
