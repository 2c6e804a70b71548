"""The three tests of every checker: right answers pass, planted wrong ones get their own reason, stubs a hint."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import pytest


def checker_tests(
    module: ModuleType, right: Mapping[int, Callable], wrong: Mapping[int, Sequence]
) -> tuple[Callable, Callable, Callable]:
    """Three test functions, to be given names that start with test_ in the file of the checkers.

    Args:
        right: one right answer for the number of each exercise.
        wrong: for each number, pairs of a planted wrong answer and words of its diagnosis.
    """

    def check(number: int, answer: Callable):
        return getattr(module, f"exercise_{number}")(answer)

    @pytest.mark.parametrize("number", right)
    def right_answer(number):
        verdict = check(number, right[number])
        assert verdict.ok, verdict.message

    @pytest.mark.parametrize(
        "number, answer, words",
        [(n, answer, words) for n, cases in wrong.items() for answer, words in cases],
    )
    def wrong_answer(number, answer, words):
        verdict = check(number, answer)
        assert not verdict.ok
        assert words in verdict.message, verdict.message

    @pytest.mark.parametrize("number", right)
    def empty_stub(number):
        verdict = check(number, lambda *arguments: None)
        assert not verdict.ok and "Replace the `...`" in verdict.message

    return right_answer, wrong_answer, empty_stub
