"""The checkers behind the exercises: each looks at what you wrote and says what is wrong.

`exercise_2(your_function)` returns a verdict that shows itself as one line in a notebook. It never raises,
so a notebook with unsolved exercises still runs from top to bottom.

A message is a template with named fields, `need(found > 0, "expected a number above 0, got {found:g}.", found=found)`,
and a literal string: no f-string, nothing put together. Braces of its own are written twice.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def text(template: str, /, **fields) -> str:
    """The words of a message: the one place where a template and its fields become text."""
    return template.format(**fields)


class Verdict:
    """The outcome of a check: is it right, was it begun, and a message that says what was right or what to look at."""

    def __init__(self, ok: bool, message: str, begun: bool = True):
        self.ok, self.message, self.begun = ok, message, begun

    def __repr__(self) -> str:
        return f"{self._word()} {self.message}"

    def _repr_html_(self) -> str:
        kind, sign = ("right", "&#10003;") if self.ok else ("not-yet", "&#10007;")
        kind, sign = (kind, sign) if self.begun else ("your-turn", "&#9998;")
        word, message = self._word(), html.escape(self.message)
        return f'<div class="gl-verdict gl-{kind}"><b>{sign} {word}</b> {message}</div>'

    def _word(self) -> str:
        if not self.begun:
            return text("Your turn:")
        return text("Right.") if self.ok else text("Not yet:")


class NotYet(Exception):
    """Raised inside a checker: the message tells the learner what to look at."""

    def __init__(self, template: str, /, **fields):
        super().__init__(text(template, **fields))


class NotBegun(NotYet):
    """The stub is still empty: nothing is wrong."""


def praise(template: str, /, **fields) -> str:
    """What a checker returns for a right answer."""
    return text(template, **fields)


class Answer:
    """A learner's function. It is lent copies, and what it raises is told as the learner's, not as the check's."""

    def __init__(self, function: Callable):
        self.function = function

    def __call__(self, *arguments):
        return self.without_copies(*map(_copy, arguments))

    def without_copies(self, *arguments):
        """Call it with the very arguments, where the check is about changing them."""
        try:
            value = self.function(*arguments)
        except NotYet:
            raise
        except (Exception, SystemExit) as error:
            kind, hint = type(error).__name__, _hint(str(error))
            if hint:
                raise NotYet(
                    "your code raised {kind}: {error}. {hint}", kind=kind, error=error, hint=hint
                ) from error
            raise NotYet("your code raised {kind}: {error}", kind=kind, error=error) from error
        return _lend(value)


def _hint(error: str) -> str:
    """Words that help with the commonest errors of a learner's code, by what their text holds."""
    sizes = text(
        "Sizes do not fit. `a[:, None]` turns one number per row, (B,), into (B, 1); "
        "a sum or mean over dim=1 keeps (B, 1) by itself with keepdim=True."
    )
    number = text(
        "This is a plain number, which has no tensor's functions: "
        "use math.exp and math.log, and a ** 0.5 for the root."
    )
    domain = text("This is a root or a logarithm of a negative number, or a logarithm of 0.")
    known = {
        "must match the size of tensor": sizes,
        "could not be broadcast together": sizes,
        "'float' object has no attribute": number,
        "must be Tensor, not float": number,
        "math domain error": domain,
        "expected a nonnegative input": domain,
        "expected a positive input": domain,
    }
    return next((words for part, words in known.items() if part in error), "")


def exercise(checker: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a checker, which returns praise or raises NotYet, into one that returns a Verdict."""

    @functools.wraps(checker)
    def wrapped(*answers) -> Verdict:
        try:
            return Verdict(True, checker(*map(_lend, answers)))
        except NotYet as problem:
            return Verdict(False, str(problem), begun=not isinstance(problem, NotBegun))
        except Exception as error:
            # not the learner's code: that is caught in Answer
            used = ("object is not callable", "no attribute 'without_copies'")
            if not any(map(callable, answers)) and any(words in str(error) for words in used):
                return Verdict(
                    False, text("give the check your function itself: its name, without brackets.")
                )
            kind = type(error).__name__
            message = text(
                "this check itself failed ({kind}: {error}). Your answer may be right; please report it.",
                kind=kind,
                error=error,
            )
            return Verdict(False, message)

    return wrapped


def _lend(value):
    """A learner's function as an Answer; anything else as it is."""
    function = callable(value) and not isinstance(value, torch.nn.Module | type | Answer)
    return Answer(value) if function else value


def _copy(value):
    """A copy of tensors and arrays, also in lists, tuples and dictionaries; gradients pass through it."""
    match value:
        case Tensor():
            return value.clone()
        case np.ndarray():
            return value.copy()
        case list() | tuple():
            return type(value)(map(_copy, value))
        case dict():
            return {key: _copy(part) for key, part in value.items()}
    return value


def need(condition: bool, template: str, /, **fields) -> None:
    """Stop the check with the message `template`, its fields filled in, unless `condition` holds."""
    if not condition:
        raise NotYet(template, **fields)


def need_none_of(found, wrong: dict[str, Tensor], right: Tensor | None = None, /, **fields) -> None:
    """Stop the check where the answer is a known wrong one; each stands behind the message that says why.

    Args:
        right: the right answer, for cases in which a known wrong one may be the right one.
    """
    if right is None or not close(found, right):
        for template, value in wrong.items():
            need(not close(found, value), template, **fields)


def need_answer(value, what: str = "your function", /) -> None:
    """Stop the check where the stub still returns nothing; `what` is words of a message, too."""
    if value is None or value is Ellipsis:
        raise NotBegun("{what} returned nothing. Replace the `...` by your code.", what=text(what))


def need_number(value) -> float:
    """The answer as a number, in whatever form; stop the check where it is none."""
    need_answer(value)
    many = as_tensor(value, "expected one number, got {kind}.")
    need(many.numel() == 1, "expected one number, got {many} of them.", many=many.numel())
    return float(many.detach())


def need_tensor(value, shape: tuple[int, ...] | None = None) -> Tensor:
    """The answer as a tensor, in whatever form; stop the check where it has another shape than the one asked for.

    Floating-point numbers come back in torch's default type, so that the check can go on computing with them.
    """
    need_answer(value)
    value = as_tensor(value, "expected a tensor of numbers, got {kind}.")
    if shape is not None:
        found = tuple(value.shape)
        need(found == shape, "expected shape {shape}, got {found}.", shape=shape, found=found)
    return value


def need_two(value, template: str, /, **fields) -> tuple:
    """The two things that are asked for: a tuple, a list, or anything with rows, and two of them."""
    need_answer(value)
    sized = isinstance(value, tuple | list) or (
        isinstance(value, Tensor | np.ndarray) and value.ndim > 0
    )
    need(sized and len(value) == 2, template, **fields)
    for part in value:
        need_answer(part)
    return tuple(value)


def as_tensor(value, template: str, /) -> Tensor:
    """Numbers as a tensor: a number, tensor, array, or lists of them; `template` has the field {kind}."""
    try:
        if isinstance(value, list | tuple) and len(value) > 0:
            found = torch.stack([as_tensor(part, template) for part in value])
        else:
            found = torch.as_tensor(value)
        if found.is_complex() or found.layout != torch.strided:
            raise TypeError
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(template, kind=type(value).__name__) from None
    return found.to(torch.get_default_dtype()) if found.is_floating_point() else found


def close(a, b) -> bool:
    """Equal up to rounding, for numbers or tensors of one shape."""
    a, b = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)
