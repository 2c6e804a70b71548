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

import torch
from torch import Tensor


def text(template: str, /, **fields) -> str:
    """The words of a message: the one place where a template and its fields become text."""
    return template.format(**fields)


class Verdict:
    """The outcome of a check: `ok`, and a message that says what was right or what to look at."""

    def __init__(self, ok: bool, message: str):
        self.ok, self.message = ok, message

    def __repr__(self) -> str:
        return f"{self._word()} {self.message}"

    def _repr_html_(self) -> str:
        kind, sign = ("right", "&#10003;") if self.ok else ("not-yet", "&#10007;")
        word, message = self._word(), html.escape(self.message)
        return f'<div class="gl-verdict gl-{kind}"><b>{sign} {word}</b> {message}</div>'

    def _word(self) -> str:
        return text("Right.") if self.ok else text("Not yet.")


class NotYet(Exception):
    """Raised inside a checker: the message tells the learner what to look at."""

    def __init__(self, template: str, /, **fields):
        super().__init__(text(template, **fields))


def praise(template: str, /, **fields) -> str:
    """What a checker returns for a right answer."""
    return text(template, **fields)


def exercise(checker: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a checker, which returns praise or raises NotYet, into one that returns a Verdict."""

    @functools.wraps(checker)
    def wrapped(*answer) -> Verdict:
        try:
            return Verdict(True, checker(*answer))
        except NotYet as problem:
            return Verdict(False, str(problem))
        except Exception as error:
            # the learner's own code failed: say how, do not stop the notebook
            kind = type(error).__name__
            return Verdict(False, text("your code raised {kind}: {error}", kind=kind, error=error))

    return wrapped


def need(condition: bool, template: str, /, **fields) -> None:
    """Stop the check with the message `template`, its fields filled in, unless `condition` holds."""
    if not condition:
        raise NotYet(template, **fields)


def need_none_of(found, wrong: dict[str, Tensor], /, **fields) -> None:
    """Stop the check where the answer is a known wrong one; each stands behind the message that says why."""
    for template, value in wrong.items():
        need(not close(found, value), template, **fields)


def need_answer(value, what: str = "your function", /) -> None:
    """Stop the check where the stub still returns nothing; `what` is words of a message, too."""
    need(
        value is not None and value is not Ellipsis,
        "{what} returned nothing. Replace the `...` by your code.",
        what=text(what),
    )


def need_number(value) -> float:
    """The answer as a number; stop the check where it is none."""
    need_answer(value)
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet("expected one number, got {kind}.", kind=type(value).__name__) from None


def need_tensor(value, shape: tuple[int, ...] | None = None) -> Tensor:
    """The answer as a tensor; stop the check where it has another shape than the one asked for."""
    need_answer(value)
    value = torch.as_tensor(value)
    if shape:
        found = tuple(value.shape)
        need(found == shape, "expected shape {shape}, got {found}.", shape=shape, found=found)
    return value


def close(a, b) -> bool:
    """Equal up to rounding, for numbers or tensors of one shape."""
    a, b = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)
