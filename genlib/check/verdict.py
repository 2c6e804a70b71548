"""The checkers behind the exercises: each looks at what you wrote and says what is wrong.

`exercise_2(your_function)` returns a verdict that shows itself as one line in a notebook. It never raises,
so a notebook with unsolved exercises still runs from top to bottom.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable

import torch
from torch import Tensor


class Verdict:
    """The outcome of a check: `ok`, and a message that says what was right or what to look at."""

    def __init__(self, ok: bool, message: str):
        self.ok, self.message = ok, message

    def __repr__(self) -> str:
        return f"{'Right.' if self.ok else 'Not yet.'} {self.message}"

    def _repr_html_(self) -> str:
        kind = "right" if self.ok else "not-yet"
        mark = "&#10003; Right." if self.ok else "&#10007; Not yet."
        return f'<div class="gl-verdict gl-{kind}"><b>{mark}</b> {html.escape(self.message)}</div>'


class NotYet(Exception):
    """Raised inside a checker: the message tells the learner what to look at."""


def exercise(checker: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a checker, which returns praise or raises NotYet, into one that returns a Verdict."""

    @functools.wraps(checker)
    def wrapped(*answer) -> Verdict:
        try:
            return Verdict(True, checker(*answer))
        except NotYet as problem:
            return Verdict(False, str(problem))
        except (
            Exception
        ) as error:  # the learner's own code failed: say how, do not stop the notebook
            return Verdict(False, f"your code raised {type(error).__name__}: {error}")

    return wrapped


def need(condition: bool, message: str) -> None:
    """Stop the check with `message` unless `condition` holds."""
    if not condition:
        raise NotYet(message)


def need_none_of(found, wrong: dict[str, Tensor]) -> None:
    """Stop the check where the answer is a known wrong one; each stands behind the message that says why."""
    for message, value in wrong.items():
        need(not close(found, value), message)


def need_answer(value, what: str = "your function") -> None:
    """Stop the check where the stub still returns nothing."""
    need(
        value is not None and value is not Ellipsis,
        f"{what} returned nothing. Replace the `...` by your code.",
    )


def need_number(value) -> float:
    """The answer as a number; stop the check where it is none."""
    need_answer(value)
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"expected one number, got {type(value).__name__}.") from None


def need_tensor(value, shape: tuple[int, ...] | None = None) -> Tensor:
    """The answer as a tensor; stop the check where it has another shape than the one asked for."""
    need_answer(value)
    value = torch.as_tensor(value)
    if shape:
        need(tuple(value.shape) == shape, f"expected shape {shape}, got {tuple(value.shape)}.")
    return value


def close(a, b) -> bool:
    """Equal up to rounding, for numbers or tensors of one shape."""
    a, b = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)
