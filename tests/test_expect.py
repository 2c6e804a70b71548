"""The checks at the border, word for word: what passes, and what the message says of what does not."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genlib.expect import (
    Amount,
    Count,
    Levels,
    Positive,
    Seed,
    Share,
    Size,
    batch_of,
    border,
    expect,
    expect_batch,
    expect_data,
    expect_falling,
    expect_fitted,
    expect_floats,
    expect_input,
    expect_levels,
    expect_like,
    expect_number,
    expect_numbers,
    expect_one_of,
    expect_positive,
    expect_range,
    expect_rows,
    expect_sizes,
    expect_texts,
    expect_weights,
    expect_whole,
    kind_of,
    through,
)

NAN, INF = math.nan, math.inf


def says(error: type[Exception], message: str, function: Callable, *args, **kwargs) -> None:
    with pytest.raises(error) as found:
        function(*args, **kwargs)
    assert str(found.value) == message


# --- border: kinds follow from the annotations -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "good", "bad", "message"),
    [
        (int, [3, -1, np.int64(3)], 2.5, "a whole number, got 2.5"),
        (int, [], np.float64(3), "a whole number, got 3.0"),
        (int, [], True, "a whole number, got True"),
        (int, [], "3", "a whole number, got the text '3'"),
        (int | None, [3, None], 2.5, "a whole number or None, got 2.5"),
        (float, [3, 0.5, np.float32(0.5), Fraction(1, 2), 10**400], NAN, "a finite number, got nan"),
        (float, [], -INF, "a finite number, got -inf"),
        (float, [], False, "a finite number, got False"),
        (float, [], torch.ones(2), "a finite number, got a Tensor"),
        (bool, [True, False], 1, "True or False, got 1"),
        (str, ["", "a", np.str_("a")], 3, "a text, got 3"),
        (str, [], b"a", "a text, got a bytes"),
        (Tensor, [torch.ones(2)], np.ones(2), "a torch.Tensor, got a ndarray"),
        (Tensor, [nn.Parameter(torch.ones(2))], [1, 2], "a torch.Tensor, got a list of 1, 2"),
        (Tensor | float, [0.5, torch.ones(2)], "a", "a torch.Tensor or a finite number, got the text 'a'"),
        (nn.Module, [nn.ReLU()], nn.ReLU, "a Module, got a type"),
        (type[nn.Module], [nn.ReLU], nn.ReLU(), "a class of Module, got a ReLU"),
        (Callable[[float], float], [abs, nn.ReLU()], 3, "a function, got 3"),
        (torch.Generator | None, [torch.Generator(), None], 3, "a Generator or None, got 3"),
        (Sequence[int], [[1], (1, 2), torch.Size([1]), []], 3, "a list of whole numbers, got 3"),
        (Sequence[int], [], [1, 2.5], "a list of whole numbers, got a list of 1, 2.5"),
        (Sequence[float], [[1, 2.5]], [1, NAN], "a list of numbers, got a list of 1, nan"),
        (Sequence[str], [["a"]], "good", "a list of texts, got the text 'good'"),
        (Iterable[str], [["a"], np.array(["a"]), iter(["a"])], "good", "a list of texts, got the text 'good'"),
        (tuple[float, float], [(0, 1), (-INF, INF)], (1.0, 0.0), "two numbers (low, high), got a tuple of 1.0, 0.0"),
        (tuple[Tensor, ...], [(torch.ones(1),), ()], (1,), "a tuple, got a tuple of 1"),
        (Mapping, [{1: 2}], [1], "a dict, got a list of 1"),
        (Mapping[str, Tensor], [{"a": torch.ones(1)}], {1: torch.ones(1)}, "a dict of names, each with a torch.Tensor, got a dict with keys 1"),  # noqa: E501
        (str | Path, ["a", Path("a")], 3, "a text or a Path, got 3"),
        (Any, [None, 3, "a"], None, None),
    ],
)  # fmt: skip
def test_the_kind_of_an_argument_is_checked(annotation, good, bad, message):
    def function(x):
        return x

    function.__annotations__["x"] = annotation
    checked = border(function)
    for value in good:
        assert checked(value) is value and checked(x=value) is value
    if message:
        says(TypeError, f"x: expected {message}", checked, bad)
        says(TypeError, f"x: expected {message}", checked, x=bad)


@pytest.mark.parametrize(
    ("annotation", "good", "bad", "message"),
    [
        (Count, [0, 5], -1, "a number of at least 0, got -1"),
        (Size, [1], 0, "a number of at least 1, got 0"),
        (Levels, [2], 1, "a number of at least 2, got 1"),
        (Seed, [0, 2**32 - 1], 2**32, "a number in [0, 4294967295], got 4294967296"),
        (Share, [0, 1.0], 1.5, "a number in [0, 1], got 1.5"),
        (Amount, [0, 1e9], -0.1, "a number of at least 0, got -0.1"),
        (Positive, [1e-9], 0.0, "a number above 0, got 0.0"),
        (Positive | None, [None, 1.0], -1, "a number above 0, got -1"),
        (Literal["v", "eps"], ["v"], "w", "one of v, eps, got the text 'w'"),
    ],
)
def test_the_range_of_an_argument_is_checked(annotation, good, bad, message):
    def function(x):
        return x

    function.__annotations__["x"] = annotation
    checked = border(function)
    assert [checked(value) for value in good] == good
    says(ValueError, f"x: expected {message}", checked, bad)


def test_a_range_asks_for_the_kind_first():
    @border
    def function(n: Count):
        return n

    says(TypeError, "n: expected a whole number, got 2.5", function, 2.5)


def test_every_place_of_an_argument_is_checked():
    @border
    def function(a: int, /, b: int, *others: Tensor, key: str = "", **more):
        return a, b, others, key, more

    x = torch.ones(1)
    assert function(1, 2, x, x, key="k", z=3) == (1, 2, (x, x), "k", {"z": 3})
    says(TypeError, "b: expected a whole number, got None", function, 1, None)
    says(TypeError, "others: expected a torch.Tensor, got 3", function, 1, 2, x, 3)
    says(TypeError, "key: expected a text, got 3", function, 1, 2, key=3)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        function(1)


def test_a_border_around_a_class_covers_its_public_methods():
    @border
    class Counter:
        def __init__(self, n: Count):
            self.n = n

        def add(self, m: int) -> int:
            return self._add(m)

        def _add(self, m: int) -> int:
            return self.n + m

        def forward(self, m: int) -> int:
            return m

    assert Counter(2).add(3) == 5 and Counter(2).forward("x") == "x"
    says(ValueError, "n: expected a number of at least 0, got -1", Counter, -1)
    says(TypeError, "m: expected a whole number, got the text 'x'", Counter(2).add, "x")


def test_a_border_around_a_dataclass_covers_its_fields():
    @border
    @dataclass(frozen=True)
    class Pair:
        x: Tensor
        names: Sequence[str] = ()

    assert Pair(torch.ones(1)).names == ()
    says(TypeError, "names: expected a list of texts, got the text 'ab'", Pair, torch.ones(1), "ab")


def test_a_border_keeps_name_docstring_and_signature():
    @border
    def function(n: int) -> int:
        """What it does."""
        return n

    assert function.__name__ == "function" and function.__doc__ == "What it does."
    assert function.__wrapped__("unchecked") == "unchecked"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (2.5, "2.5"),
        (np.float64(2.5), "2.5"),
        ("good", "the text 'good'"),
        ("a" * 99, f"the text '{'a' * 40}'"),
        ({"a": 1, "b": 2}, "a dict with keys a, b"),
        ([1, "a", None, 4], "a list of 1, the text 'a', None, ..."),
        ([], "a list"),
        (torch.ones(2), "a Tensor"),
        (nn.ReLU(), "a ReLU"),
    ],
)
def test_values_are_shown_by_their_kind(value, words):
    assert kind_of(value) == words


# --- numbers and texts -----------------------------------------------------------------------------------------


def test_numbers():
    expect_number("n", 0, 0, 1)
    expect_number("n", -5)
    expect_positive("n", 1e-9)
    says(ValueError, "n: expected a number of at least 0, got -1", expect_number, "n", -1, 0)
    says(ValueError, "n: expected a number in [0, 1], got 2", expect_number, "n", 2, 0, 1)
    says(
        ValueError,
        "n: expected a number in (0, 1), got 0",
        lambda: expect_number("n", 0, 0, 1, open_low=True, open_high=True),
    )
    says(ValueError, "n: expected a number in [0, 1], got nan", expect_number, "n", NAN, 0, 1)
    says(ValueError, "n: expected a number above 0, got 0", expect_positive, "n", 0)


def test_sizes_names_and_falling_times():
    expect_sizes("shape", (1, 8, 8))
    expect_sizes("shape", (0, 8), low=0)
    expect_falling("steps", [4, 2, 0], 4)
    expect_one_of("name", "a", ("a", "b"))
    says(
        ValueError,
        "shape: expected sizes of at least 1, got (1, 0)",
        lambda: expect_sizes("shape", [1, 0]),
    )
    message = "steps: expected at least two times that fall from 4 to 0, got "
    for times in ([4], [5, 0], [4, 4, 0], [4, -1]):
        says(ValueError, message + str(times), expect_falling, "steps", times, 4)
    says(
        ValueError,
        "name: expected one of a, b, got 'c'",
        lambda: expect_one_of("name", "c", ("a", "b")),
    )


def test_texts_come_as_a_list_from_any_column():
    for column in (["a", "b"], ("a", "b"), np.array(["a", "b"]), iter(["a", "b"])):
        assert expect_texts("texts", column) == ["a", "b"]
    says(ValueError, "texts: expected a list of texts, got none", expect_texts, "texts", [])
    says(
        ValueError,
        "texts: expected a list of texts, got None among them",
        lambda: expect_texts("texts", ["a", None]),
    )


def test_numbers_come_as_a_tensor_from_any_column():
    expected = torch.tensor([1.0, 2.0])
    for column in ([1, 2], (1.0, 2.0), np.array([1, 2]), expected.double().requires_grad_(), range(1, 3)):  # fmt: skip
        found = expect_numbers("x", column)
        assert torch.equal(found, expected) and not found.requires_grad
    with pytest.raises(ValueError, match="^x: expected numbers, got a list of the text 'a' "):
        expect_numbers("x", ["a"])


def test_a_model_before_its_fit_is_named():
    class Writer:
        pass

    writer = Writer()
    says(
        ValueError,
        "Writer: expected a fitted model, got one before its first fit(...)",
        lambda: expect_fitted(writer, "prior"),
    )
    writer.prior = 0.5
    expect_fitted(writer, "prior")


# --- tensors -------------------------------------------------------------------------------------------------


def test_a_pattern_gives_the_sizes_of_its_letters():
    x = torch.zeros(5, 1, 8, 8)
    assert expect("x", x, "B 1 H H", B=5) == {"B": 5, "1": 1, "H": 8}
    assert expect("x", x, "B ...") == {"B": 5}
    assert expect("x", torch.tensor(1.0), "") == {}
    assert expect("x", x, "...") == {}


@pytest.mark.parametrize(
    ("pattern", "sizes", "message"),
    [
        ("B C", {}, "x: expected shape (B C), got (5, 1, 8, 4)"),
        ("B 3 H W", {}, "x: expected shape (B 3 H W), got (5, 1, 8, 4)"),
        ("B C H H", {}, "x: expected shape (B C H H), got (5, 1, 8, 4)"),
        ("B ...", {"B": 4}, "x: expected shape (B ...) with {'B': 4}, got (5, 1, 8, 4)"),
        ("", {}, "x: expected shape (), got (5, 1, 8, 4)"),
    ],
)
def test_another_shape_is_named(pattern, sizes, message):
    says(ValueError, message, expect, "x", torch.zeros(5, 1, 8, 4), pattern, **sizes)


def test_what_is_no_tensor_is_named():
    message = "x: expected a torch.Tensor of shape (n 2), got a ndarray"
    says(ValueError, message, expect, "x", np.ones((3, 2)), "n 2")


def test_the_pattern_of_a_batch():
    assert batch_of((1, 8, 8)) == "B 1 8 8" and batch_of(()) == "B"


def test_batches_and_types():
    expect_batch("x", torch.zeros(0, 2))
    expect_floats("x", torch.zeros((), dtype=torch.bfloat16))
    says(
        ValueError,
        "x: expected a batch, (B, ...), got shape (3,)",
        lambda: expect_batch("x", torch.zeros(3)),
    )
    message = "x: expected a tensor of torch.float32, got torch.uint8"
    says(ValueError, message, expect_floats, "x", torch.zeros(3).byte())
    message = "x: expected a tensor of torch.float64, got torch.float32"
    says(ValueError, message, expect_floats, "x", torch.zeros(3), torch.float64)
    says(
        ValueError,
        "x: expected a tensor of torch.float32, got a list of 1",
        lambda: expect_floats("x", [1]),
    )


def test_two_tensors_that_must_agree():
    x = torch.zeros(2, 3)
    expect_like("eps", torch.ones(2, 3), x)
    says(
        ValueError,
        "eps: expected the shape of x, (2, 3), got (1, 3)",
        lambda: expect_like("eps", torch.zeros(1, 3), x),
    )
    says(
        ValueError,
        "eps: expected the shape of x_0, (2, 3), got None",
        lambda: expect_like("eps", None, x, "x_0"),
    )
    says(
        ValueError,
        "eps: expected the precision of x, torch.float32, got torch.float64",
        lambda: expect_like("eps", x.double(), x),
    )


def test_ranges():
    expect_range("x", torch.tensor([0.0, 1.0]), 0, 1)
    expect_range("x", torch.zeros(0, 2), 0, 1)
    expect_range("x", torch.ones(2, 2, device="meta"), 0, 1)
    expect_range("x", torch.ones(2, requires_grad=True))
    message = "x: expected values in [0, 1], got [0, 255]"
    says(ValueError, message, expect_range, "x", torch.tensor([0.0, 255.0]), 0, 1)
    for hole, got in ((NAN, "[nan, nan]"), (INF, "[0, inf]"), (-INF, "[-inf, 0]")):
        message = f"x: expected finite values, got {got}"
        says(ValueError, message, expect_range, "x", torch.tensor([0.0, hole]))
    message = "x: expected a tensor of torch.float32, got torch.int64"
    says(ValueError, message, expect_range, "x", torch.arange(3))
    says(
        ValueError,
        "x: expected at least one row, got shape (0, 2)",
        lambda: expect_rows("x", torch.zeros(0, 2)),
    )


def test_data_for_a_network():
    net, x = nn.Linear(2, 1), torch.zeros(3, 2)
    expect_input("x", x, net)
    expect_input("x", x.double(), nn.Identity())  # without weights any precision will do
    expect_input("x", x - 1, net, largest=1.0)
    for bad, message in (
        (x.double(), "x: expected a tensor of torch.float32, got torch.float64"),
        (x[0], "x: expected a batch, (B, ...), got shape (2,)"),
        (x[:0], "x: expected at least one row, got shape (0, 2)"),
        (x + NAN, "x: expected finite values, got [nan, nan]"),
    ):
        says(ValueError, message, expect_input, "x", bad, net)
    says(
        ValueError, "x: expected values in [0, 1], got [2, 2]", expect_input, "x", x + 2, net, 0, 1
    )
    message = "x: expected values in [-1, 1], got [2, 2]"
    says(ValueError, message, lambda: expect_input("x", x + 2, net, largest=1.0))


def test_data_for_a_formula():
    x = torch.zeros(3, 2)
    assert expect_data("x", x, "n D", x, D=2) == {"n": 3, "D": 2}
    for bad, message in (
        (x[0], "x: expected shape (n D), got (2,)"),
        (x.double(), "x: expected a tensor of torch.float32, got torch.float64"),
        (x[:0], "x: expected at least one row, got shape (0, 2)"),
        (x + INF, "x: expected finite values, got [inf, inf]"),
    ):
        says(ValueError, message, expect_data, "x", bad, "n D", x)


def test_labels_and_times():
    y = torch.tensor([0, 2, 1])
    expect_whole("y", y, 0, 2, B=3)
    expect_whole("y", y[:0], 0, 2)
    for bad, message in (
        (y + 1, "y: expected whole numbers from 0 to 2, got 1 to 3"),
        (y - 1, "y: expected whole numbers from 0 to 2, got -1 to 1"),
        (y.float(), "y: expected whole numbers (torch.int64), got torch.float32"),
        (y.int(), "y: expected whole numbers (torch.int64), got torch.int32"),
        (y[None], "y: expected shape (B), got (1, 3)"),
    ):
        says(ValueError, message, expect_whole, "y", bad, 0, 2)
    message = "y: expected shape (n) with {'n': 4}, got (3,)"
    says(ValueError, message, lambda: expect_whole("y", y, 0, 2, n=4))


def test_weights():
    expect_weights("p", torch.tensor([0.0, 3.0]))
    for bad, message in (
        (torch.tensor([1.0, -1.0]), "p: expected values in [0, inf], got [-1, 1]"),
        (torch.tensor([1.0, NAN]), "p: expected values in [0, inf], got [nan, nan]"),
        (torch.zeros(2), "p: expected one weight above 0 at least, got only 0"),
        (torch.ones(2, 2), "p: expected shape (K), got (2, 2)"),
    ):
        says(ValueError, message, expect_weights, "p", bad)


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("levels", [2, 17, 256, 1000])
def test_levels_pass_up_to_rounding_and_others_are_named(low, levels):
    x = torch.linspace(low, 1, levels)
    for same in (x, x.double(), x[:0], x.reshape(1, -1)):
        expect_levels("x", same, levels, low)
    strange = x.clone()
    strange[-1] -= 0.3 * (1 - low) / (levels - 1)
    message = f"x: expected {levels} even levels from {low:g} to 1, got {strange[-1]:g} in between"
    says(ValueError, message, expect_levels, "x", strange, levels, low)


def test_levels_lie_in_their_range():
    message = "x: expected values in [0, 1], got [0, 2]"
    says(ValueError, message, expect_levels, "x", torch.tensor([0.0, 2.0]), 17)
    message = "levels: expected a number of at least 2, got 1"
    says(ValueError, message, expect_levels, "x", torch.zeros(3), 1)


# --- networks ------------------------------------------------------------------------------------------------


def test_torchs_word_on_a_shape_gets_the_name_of_the_data():
    net = nn.Linear(3, 1)
    assert through(net, "x", torch.zeros(2, 3)).shape == (2, 1)
    with pytest.raises(ValueError) as found:
        through(net, "x", torch.zeros(2, 4))
    assert str(found.value).startswith(
        "x: expected data that the network takes, got shape (2, 4) (mat1 and mat2 shapes"
    )
    assert isinstance(found.value.__cause__, RuntimeError)
    with pytest.raises(ValueError, match=r"^x: expected data .* more than 1 value per channel"):
        through(nn.BatchNorm1d(3), "x", torch.zeros(1, 3))


def test_a_network_that_names_what_is_wrong_keeps_its_word():
    def net(x):
        expect("x_t", x, "B 4")

    says(ValueError, "x_t: expected shape (B 4), got (2, 3)", through, net, "x", torch.zeros(2, 3))

    def full(x):
        raise torch.OutOfMemoryError("no room")

    says(torch.OutOfMemoryError, "no room", through, full, "x", torch.zeros(2, 3))
