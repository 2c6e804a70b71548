"""The tests of every checker: right answers pass in every form, wrong ones get their own reason, stubs a hint."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

FORMS = ("float64", "numpy", "list", "list of tensors", "0-d or one", "array of two", "overwritten")

NONSENSE = (
    *("word", b"x", {}, {1: 2}, set(), object(), 1j, math.nan, math.inf, -math.inf, -1e30, True),
    *([], [[]], [1, [2, 3]], (1, 2), (None, 2), (1, 2, 3, 4), np.array(["a"])),
    *(torch.zeros(0), torch.zeros(3), torch.full((3, 2), math.nan), torch.full((2, 3), math.inf)),
)


def as_form(value, form: str):
    """The value of an answer in another form that means the same; what has no such form stays as it is."""
    if isinstance(value, tuple | list) and len(value) == 2 and form == "array of two":
        parts = [torch.as_tensor(part) for part in value if isinstance(part, Tensor | float | int)]
        if len(parts) == 2 and parts[0].shape == parts[1].shape:
            return torch.stack(parts) if parts[0].requires_grad else torch.stack(parts).numpy()
        return list(value)
    if isinstance(value, tuple | list):
        return type(value)(as_form(part, form) for part in value)
    if isinstance(value, bool) or not isinstance(value, Tensor | float | int):
        return value
    tensor = torch.as_tensor(value)
    if form == "float64" and tensor.is_floating_point():
        return tensor.double()
    if form == "list of tensors" and tensor.ndim:
        return list(tensor)
    if form == "0-d or one" and tensor.numel() == 1:
        return tensor.reshape(()) if tensor.ndim else tensor.reshape(1)
    if tensor.requires_grad:  # an answer that is differentiated stays a tensor
        return value
    if form == "numpy":
        return tensor.numpy() if tensor.ndim else np.float64(tensor.item())
    if form == "list":
        return tensor.tolist() if tensor.ndim else [tensor.item()]
    return value


def apart(value):
    """A copy of an answer that shares no numbers with what was given."""
    if isinstance(value, tuple | list):
        return type(value)(map(apart, value))
    return value.clone() if isinstance(value, Tensor) else value


def in_form(answer, form: str):
    """An answer, a function or a value, that gives the same in another form."""
    if not callable(answer):
        return as_form(answer, form)

    def other(*arguments):
        value = answer(*arguments)
        if form != "overwritten":
            return as_form(value, form)
        value = apart(value)
        for argument in arguments:
            if isinstance(argument, Tensor) and not argument.requires_grad:
                argument.zero_()
            elif isinstance(argument, list):
                argument.clear()
        return value

    return other


def sizes(argument) -> tuple | None:
    """The shape of a tensor or the length of a list; None for what has no size."""
    if isinstance(argument, Tensor | np.ndarray):
        return tuple(argument.shape) or None
    return (len(argument),) if isinstance(argument, list | tuple | str) else None


def checker_tests(
    module: ModuleType,
    right: Mapping[int, Callable],
    also: Mapping[int, Sequence[Callable]],
    wrong: Mapping[int, Sequence],
    one_size: Sequence[int] = (),
    untouched: Sequence[int] = (),
) -> dict[str, Callable]:
    """The tests of one file of checkers, by name: `globals().update(checker_tests(...))`.

    Args:
        right: one right answer for the number of each exercise.
        also: for each number, further right answers, written in another way (autograd, NumPy, scikit-learn, a loop).
        wrong: for each number, at least five pairs of a planted wrong answer and words of its diagnosis.
        one_size: exercises whose task leaves no size to vary; their cases differ in numbers.
        untouched: exercises whose task forbids to change what is given.
    """

    def check(number: int, answer):
        return getattr(module, f"exercise_{number}")(answer)

    @pytest.mark.parametrize("number", right)
    def right_answer(number):
        verdict = check(number, right[number])
        assert verdict.ok, verdict.message

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("number", right)
    def right_answer_in_every_form(number, form):
        if form == "overwritten" and number in untouched:
            return
        verdict = check(number, in_form(right[number], form))
        assert verdict.ok, verdict.message

    @pytest.mark.parametrize("number, k", [(n, k) for n in also for k in range(len(also[n]))])
    def right_answer_written_otherwise(number, k):
        verdict = check(number, also[number][k])
        assert verdict.ok, verdict.message

    @pytest.mark.parametrize(
        "number, answer, words",
        [(n, answer, words) for n, cases in wrong.items() for answer, words in cases],
    )
    def wrong_answer(number, answer, words):
        verdict = check(number, answer)
        assert not verdict.ok
        assert words in verdict.message, verdict.message
        assert "this check itself failed" not in verdict.message, verdict.message

    @pytest.mark.parametrize("number", right)
    def empty_stub(number):
        for nothing in (None, ...):
            verdict = check(number, lambda *arguments, nothing=nothing: nothing)
            assert not verdict.ok and "Replace the `...`" in verdict.message

    @pytest.mark.parametrize("number", [n for n in right if callable(right[n])])
    def two_cases_and_no_constant(number):
        """Two cases at least are tried, of different sizes, and the answer to the first does not pass for all."""
        calls = []

        def recorded(*arguments):
            value = right[number](*arguments)
            calls.append((tuple(map(sizes, arguments)), repr(arguments), value))
            return value

        assert check(number, recorded).ok
        if calls[0][1] == "()":
            return  # an answer without arguments is a number
        seen = {case[0] for case in calls} if number not in one_size else {c[1] for c in calls}
        assert len(seen) > 1, f"only one case: {seen}"
        constant = check(number, lambda *arguments: calls[0][2])
        assert not constant.ok, "a constant passes"

    @pytest.mark.parametrize("number", right)
    def every_exercise_is_tested_well(number):
        assert also.get(number), "no second right answer, written in another way"
        assert len(wrong.get(number, ())) >= 5, "fewer than five wrong answers"

    @pytest.mark.parametrize("number", [n for n in right if callable(right[n])])
    def exit_does_not_end_the_notebook(number):
        def leaves(*arguments):
            raise SystemExit(3)

        assert "your code raised SystemExit: 3" in check(number, leaves).message

    @pytest.mark.parametrize("number", right)
    def nonsense_is_no_error_of_the_check(number):
        for value in NONSENSE:
            verdict = check(number, lambda *arguments, value=value: value)
            assert "this check itself failed" not in verdict.message, verdict.message

    tests = (
        right_answer,
        right_answer_in_every_form,
        right_answer_written_otherwise,
        wrong_answer,
        empty_stub,
        two_cases_and_no_constant,
        every_exercise_is_tested_well,
        exit_does_not_end_the_notebook,
        nonsense_is_no_error_of_the_check,
    )
    return {f"test_{test.__name__}": test for test in tests}
