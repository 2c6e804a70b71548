"""Checks at the border: what a public function is given is looked at once, and what is wrong is said by name.

Every message reads `name: expected ..., got ...`. Kinds (a tensor, a whole number, a text) follow from the annotations
and are checked by the decorator `border`; shapes, ranges and finite values by one line each inside the function.
"""

import functools
import inspect
import itertools
import math
import numbers
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

ANY = (-math.inf, math.inf)  # the range of points in the plane, and of noisy images
Test = Callable[[object], bool]
Check = tuple[tuple[type, ...], Callable[[object], None]]

# --- kinds: what the annotations say ---------------------------------------------------------------------------


def border(function: Callable) -> Callable:
    """Check the kind of every argument against its annotation before the function starts.

    Above a class it checks `__init__` (of a dataclass: its fields) and all public methods but `forward`.

    Raises:
        TypeError: an argument has another kind, a number is not whole or not finite, an argument is missing.
        ValueError: a number lies outside the range of its annotation, a text is none of those of a `Literal`.
    """
    if isinstance(function, type):
        return _bordered(function)
    if not inspect.signature(function).parameters:
        return function
    checks: dict[str, Check] = {}
    places: list[Check] = []  # of the arguments that need no name, in their order

    @functools.wraps(function)
    def checked(*args, **kwargs):
        if not checks:  # at the first call, when all names of the module exist
            _fill(checks, places, function)
        for (classes, check), value in zip(places, args, strict=False):
            if not isinstance(value, classes):
                check(value)
        if len(args) > len(places) and "*" in checks:
            for value in args[len(places) :]:
                checks["*"][1](value)
        for name, value in kwargs.items():
            if name in checks:
                checks[name][1](value)
        return function(*args, **kwargs)

    checked.has_border = True
    return checked


def _bordered(cls: type) -> type:
    for name, method in list(vars(cls).items()):
        public = name == "__init__" or not name.startswith("_")
        if public and name != "forward" and inspect.isfunction(method):
            setattr(cls, name, method if hasattr(method, "has_border") else border(method))
    return cls


def _fill(checks: dict[str, Check], places: list[Check], function: Callable) -> None:
    """Make the checks of a function: by the names of its arguments, "*" for those of `*args`, and in their order."""
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        check = _check(name, hints.get(name, typing.Any))
        checks["*" if parameter.kind is parameter.VAR_POSITIONAL else name] = check
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            places.append(check)


def _check(name: str, hint) -> Check:
    """The check that belongs to an annotation, and the classes whose values need none: most calls end there."""
    test, words, options = _test(hint), _words(hint), _options(hint)
    limits = next((o.__metadata__ for o in options if hasattr(o, "__metadata__")), None)
    wrong = ValueError if typing.get_origin(hint) is typing.Literal else TypeError

    def check(value: object) -> None:
        if not test(value):
            raise wrong(f"{name}: expected {words}, got {kind_of(value)}")
        if limits and value is not None and not limits[0] < value < limits[1]:
            expect_number(name, value, *limits)  # at an end, or beyond

    if hint is typing.Any:
        return (object,), check
    return tuple(option for option in options if _is_plain(option)), check


def _options(hint) -> tuple:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _test(hint) -> Test:
    """Whether a value is what an annotation says; True for annotations that say nothing, as Any."""
    options = _options(hint)
    if all(_is_plain(option) for option in options):
        return lambda value: isinstance(value, options)
    if len(options) > 1:
        tests = [_test(option) for option in options]
        return lambda value: any(test(value) for test in tests)
    if hasattr(hint, "__metadata__"):  # a range, as in Count: see there
        return _test(hint.__origin__)
    if hint in _TESTS:
        return _TESTS[hint]
    if typing.get_origin(hint) is typing.Literal:
        return lambda value: isinstance(value, str) and value in typing.get_args(hint)
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Callable:
        return callable
    if origin is type:
        return lambda value: isinstance(value, type) and issubclass(value, inner)
    if origin is typing.Any or not isinstance(origin, type):
        return lambda value: True
    if origin is Iterable:  # only looked at from outside: some can be gone through once
        return lambda value: isinstance(value, Iterable) and not isinstance(value, str)
    if issubclass(origin, Sequence) and inner:  # a text is one too, but never what is meant
        each = _test(inner[0])
        return lambda value: (
            isinstance(value, origin)
            and not isinstance(value, str)
            and all(each(part) for part in value)
        )
    if issubclass(origin, Mapping) and inner:
        key, each = map(_test, inner)
        return lambda value: (
            isinstance(value, origin) and all(key(k) and each(v) for k, v in value.items())
        )
    return lambda value: isinstance(value, origin)


def _is_plain(option) -> bool:
    """Whether a look at the class of a value is enough."""
    return isinstance(option, type) and option not in (int, float, typing.Any, Iterable, Sequence)


def _is_whole(value) -> bool:
    return type(value) is int or (
        isinstance(value, numbers.Integral) and not isinstance(value, bool)
    )


def _is_number(value) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and (isinstance(value, numbers.Integral) or math.isfinite(value))


def _is_range(value) -> bool:
    ends = isinstance(value, tuple) and len(value) == 2
    return ends and all(isinstance(end, numbers.Real) for end in value) and value[0] < value[1]


_TESTS: dict[object, Test] = {
    int: _is_whole,
    float: _is_number,
    tuple[float, float]: _is_range,
}
_WORDS = {
    int: "a whole number",
    float: "a finite number",
    bool: "True or False",
    str: "a text",
    Tensor: "a torch.Tensor",
    type(None): "None",
    Iterable[str]: "a list of texts",
    Sequence[str]: "a list of texts",
    Sequence[int]: "a list of whole numbers",
    Sequence[float]: "a list of numbers",
    Iterable[float]: "a list of numbers",
    tuple[float, float]: "two numbers (low, high)",
}


def _words(hint) -> str:
    """An annotation as a message says it."""
    return " or ".join(
        dict.fromkeys(_WORDS.get(option) or _word(option) for option in _options(hint))
    )


def _word(hint) -> str:
    if hasattr(hint, "__metadata__"):
        return _words(hint.__origin__)
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Literal:
        return f"one of {', '.join(inner)}"
    if origin is Callable:
        return "a function"
    if origin is type:
        return f"a class of {inner[0].__name__}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a dict" + (f" of names, each with {_words(inner[1])}" if inner else "")
    return f"a {getattr(origin, '__name__', str(origin))}"


def kind_of(value: object) -> str:
    """A value as a message shows it: numbers and short texts themselves, else the kind."""
    if value is None or isinstance(value, numbers.Number):
        return str(value)
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} with keys {', '.join(map(str, list(value)[:5]))}"
    if isinstance(value, list | tuple) and value:
        parts = ", ".join(map(kind_of, value[:3])) + (", ..." if len(value) > 3 else "")
        return f"a {type(value).__name__} of {parts}"
    return f"a {type(value).__name__}"


# Annotations with a range, lowest and highest: `n: Count` is a whole number of at least 0.
Count = Annotated[int, 0, math.inf]
Size = Annotated[int, 1, math.inf]
Levels = Annotated[int, 2, math.inf]
Seed = Annotated[int, 0, 2**32 - 1]  # NumPy takes no larger one
Share = Annotated[float, 0, 1]
Amount = Annotated[float, 0, math.inf]
Positive = Annotated[float, 0, math.inf, True]  # without the lowest

# --- numbers and texts -----------------------------------------------------------------------------------------


def expect_number(
    name: str,
    value: float,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Check that a number lies in [low, high]; with `open_low` or `open_high` that end is not part of it.

    Raises:
        ValueError: names the number, the range and what arrived.
    """
    above = low < value if open_low else low <= value
    below = value < high if open_high else value <= high
    if not (above and below):  # a NaN fails both
        if high == math.inf:
            wanted = f"a number above {low:g}" if open_low else f"a number of at least {low:g}"
        else:
            ends = f"{'(' if open_low else '['}{low:g}, {high:.10g}{')' if open_high else ']'}"
            wanted = f"a number in {ends}"
        raise ValueError(f"{name}: expected {wanted}, got {value}")


def expect_positive(name: str, value: float) -> None:
    """Check that a number is above 0."""
    expect_number(name, value, 0, open_low=True)


def expect_sizes(name: str, sizes: Sequence[int], low: int = 1) -> None:
    """Check the sizes of axes: as many as one likes, each of at least `low`.

    Raises:
        ValueError: names the sizes and what arrived.
    """
    if any(size < low for size in sizes):
        raise ValueError(f"{name}: expected sizes of at least {low}, got {tuple(sizes)}")


def expect_falling(name: str, times: Sequence[int], highest: int) -> None:
    """Check that there are at least two whole numbers, and that they fall, from `highest` at most to 0 at least.

    Raises:
        ValueError: names the numbers.
    """
    if len(times) < 2 or not all(highest >= a > b >= 0 for a, b in itertools.pairwise(times)):
        raise ValueError(
            f"{name}: expected at least two times that fall from {highest} to 0, got {list(times)}"
        )


def expect_one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Check that a name is one of those that are known.

    Raises:
        ValueError: lists the known names.
    """
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")


def expect_texts(name: str, texts: Iterable[str]) -> list[str]:
    """Check that there is at least one text and nothing else, and give all as a list: of a column of a table, too.

    Raises:
        ValueError: names the texts and what is wrong with them.
    """
    texts = list(texts)
    strange = [text for text in texts if not isinstance(text, str)]
    if strange or not texts:
        got = f"{kind_of(strange[0])} among them" if strange else "none"
        raise ValueError(f"{name}: expected a list of texts, got {got}")
    return texts


def expect_numbers(name: str, values: Iterable) -> Tensor:
    """Numbers as a list, an array or a tensor holds them, in rows or in one, as a float32 tensor on the CPU.

    Raises:
        ValueError: names the values and what is wrong with them.
    """
    try:
        if not isinstance(values, Tensor):
            values = torch.as_tensor(values if hasattr(values, "__array__") else list(values))
        return values.detach().float().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name}: expected numbers, got {kind_of(values)} ({error})") from error


def expect_fitted(model: object, attribute: str) -> None:
    """Check that a model has what `fit` gives it.

    Raises:
        ValueError: names the model.
    """
    if not hasattr(model, attribute):
        name = type(model).__name__
        raise ValueError(f"{name}: expected a fitted model, got one before its first fit(...)")


# --- tensors -------------------------------------------------------------------------------------------------


def expect(name: str, x: Tensor, pattern: str, **sizes: int) -> dict[str, int]:
    """Check `x` against a pattern such as "B C H W" and return the size of every letter.

    A number in the pattern must match exactly; a letter given in `sizes` must have that size;
    a letter that occurs twice must have the same size twice; "..." at the end stands for any axes.

    Raises:
        ValueError: names the tensor, the pattern and the shape that arrived.
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"{name}: expected a torch.Tensor of shape ({pattern}), got {kind_of(x)}")
    seen = _match(pattern, x.shape, *sizes.items())
    if seen is None:
        fixed = f" with {sizes}" if sizes else ""
        raise ValueError(f"{name}: expected shape ({pattern}){fixed}, got {tuple(x.shape)}")
    return seen


@functools.lru_cache(maxsize=1000)  # the steps of a training ask the same again and again
def _match(pattern: str, shape: torch.Size, *sizes: tuple[str, int]) -> dict[str, int] | None:
    """The size of every letter of a pattern, or None where the shape is another one."""
    axes, found = pattern.split(), tuple(shape)
    if axes and axes[-1] == "...":
        axes, found = axes[:-1], found[: len(axes) - 1]
    ok = len(axes) == len(found)
    seen: dict[str, int] = {}
    for axis, size in zip(axes, found, strict=False):
        want = int(axis) if axis.isdigit() else dict(sizes).get(axis, seen.get(axis, size))
        ok = ok and want == size
        seen[axis] = size
    return seen if ok else None


def batch_of(shape: Sequence[int]) -> str:
    """The pattern of a batch of data of one shape: "B 1 8 8" of (1, 8, 8)."""
    return " ".join(map(str, ("B", *shape)))


def expect_batch(name: str, x: Tensor, dtype: torch.dtype | None = None) -> None:
    """Check that x is a batch, (B, ...) with at least two axes, of real numbers, in the precision `dtype` if given.

    Raises:
        ValueError: names the tensor and what is wrong with it.
    """
    expect_floats(name, x, dtype)
    if x.dim() < 2:
        raise ValueError(f"{name}: expected a batch, (B, ...), got shape {tuple(x.shape)}")


def expect_like(name: str, x: Tensor, reference: Tensor, whose: str = "x") -> None:
    """Check that x has the shape and the precision of the reference, which is called `whose`.

    Torch would broadcast, and mean another.

    Raises:
        ValueError: names both.
    """
    if not isinstance(x, Tensor) or x.shape != reference.shape:
        got = tuple(x.shape) if isinstance(x, Tensor) else kind_of(x)
        raise ValueError(
            f"{name}: expected the shape of {whose}, {tuple(reference.shape)}, got {got}"
        )
    if x.dtype != reference.dtype:
        raise ValueError(
            f"{name}: expected the precision of {whose}, {reference.dtype}, got {x.dtype}"
        )


def expect_range(name: str, x: Tensor, low: float = -math.inf, high: float = math.inf) -> None:
    """Check that all numbers of x are finite and in [low, high].

    Raises:
        ValueError: names the tensor, the range that was expected and the one that arrived.
    """
    expect_floats(name, x)
    if not (x.is_meta or x.numel() == 0 or _lies_in(x, low, high)):
        smallest, largest = (value.item() for value in x.detach().aminmax())
        wanted = "finite values" if (low, high) == ANY else f"values in [{low:g}, {high:g}]"
        raise ValueError(f"{name}: expected {wanted}, got [{smallest:g}, {largest:g}]")


def _lies_in(x: Tensor, low: float, high: float) -> bool:
    """Whether x holds real numbers, at least one, and all are finite and in [low, high]."""
    if not x.is_floating_point() or x.is_meta or x.numel() == 0:
        return False
    ends = x.detach().aminmax()
    smallest, largest = ends.min.item(), ends.max.item()
    return low <= smallest and largest <= high and math.isfinite(largest - smallest)


def expect_rows(name: str, x: Tensor) -> None:
    """Check that x holds at least one number.

    Raises:
        ValueError: names the tensor and its shape.
    """
    if x.numel() == 0:
        raise ValueError(f"{name}: expected at least one row, got shape {tuple(x.shape)}")


def expect_floats(name: str, x: Tensor, dtype: torch.dtype | None = None) -> None:
    """Check that x is a tensor of real numbers, in the precision `dtype` if one is given.

    Raises:
        ValueError: names the tensor and the type that arrived.
    """
    wanted = dtype or torch.float32
    if not isinstance(x, Tensor) or not x.dtype.is_floating_point or x.dtype != (dtype or x.dtype):
        got = x.dtype if isinstance(x, Tensor) else kind_of(x)
        raise ValueError(f"{name}: expected a tensor of {wanted}, got {got}")


def expect_input(
    name: str,
    x: Tensor,
    net: nn.Module,
    low: float = -math.inf,
    high: float = math.inf,
    largest: float | None = None,
) -> None:
    """Check data for a network: a batch of one row at least, finite numbers in [low, high], in the weights' precision.

    With `largest` the range is [-largest, largest].

    Raises:
        ValueError: names the tensor and what is wrong with it.
    """
    low, high = (low, high) if largest is None else (-largest, largest)
    weight = _first_weight(net)
    dtype = x.dtype if weight is None else weight.dtype
    if x.dim() > 1 and x.dtype == dtype and _lies_in(x, low, high):
        return  # as in every step of a training
    expect_batch(name, x, None if weight is None else dtype)
    expect_rows(name, x)
    expect_range(name, x, low, high)


def _first_weight(net: nn.Module) -> Tensor | None:
    """`next(net.parameters(), None)` in a tenth of the time: every step of a training asks."""
    for weight in net._parameters.values():
        if weight is not None:
            return weight
    for child in net._modules.values():
        weight = None if child is None else _first_weight(child)
        if weight is not None:
            return weight
    return None


def expect_data(
    name: str, x: Tensor, pattern: str, like: Tensor | None = None, **sizes: int
) -> dict[str, int]:
    """Check data for a formula: shape as in `expect`, one row at least, finite numbers, in the precision of `like`.

    Raises:
        ValueError: names the tensor and what is wrong with it.
    """
    found = expect(name, x, pattern, **sizes)
    expect_floats(name, x, None if like is None else like.dtype)
    expect_rows(name, x)
    expect_range(name, x)
    return found


def expect_whole(name: str, x: Tensor, low: int, high: int, **size: int) -> None:
    """Check a vector of whole numbers from low to high: labels, or times; one size, as `B=...`, fixes its length.

    Raises:
        ValueError: names the tensor and what is wrong with it.
    """
    expect(name, x, "".join(size) or "B", **size)
    if x.dtype != torch.int64:  # torch takes bytes for a mask, and its losses take no others
        raise ValueError(f"{name}: expected whole numbers (torch.int64), got {x.dtype}")
    if x.numel() and not x.is_meta:
        smallest, largest = (value.item() for value in x.aminmax())
        if not (low <= smallest and largest <= high):
            raise ValueError(
                f"{name}: expected whole numbers from {low} to {high}, got {smallest} to {largest}"
            )


def expect_weights(name: str, weights: Tensor) -> None:
    """Check a vector of weights to draw by: finite numbers of at least 0, and not all 0.

    Raises:
        ValueError: names the weights and what is wrong with them.
    """
    expect(name, weights, "K")
    expect_range(name, weights, 0)
    if not weights.any():
        raise ValueError(f"{name}: expected one weight above 0 at least, got only 0")


def expect_levels(name: str, x: Tensor, levels: int, low: float = 0.0) -> None:
    """Check that x holds `levels` evenly spaced values from `low` to 1 and none in between, up to rounding.

    Raises:
        ValueError: names the tensor, the levels that were expected and a value that is none of them.
    """
    expect_number("levels", levels, 2)
    expect_floats(name, x)
    if x.is_meta or x.numel() == 0:
        return
    per_unit = (levels - 1) / (1 - low)
    level = x.detach() * per_unit - low * per_unit if low else x.detach() * per_unit
    if torch.equal(level, level.round().clamp_(0, levels - 1)):
        return  # as nearly always
    expect_range(name, x, low, 1)
    off = (level - level.round()).abs()
    if off.max() > 1e-2:
        strange = x.flatten()[off.argmax()].item()
        raise ValueError(
            f"{name}: expected {levels} even levels from {low:g} to 1, got {strange:g} in between"
        )


def expect_device(name: str, device: torch.device | str) -> torch.device:
    """Check that tensors can be made on a device, and return it.

    Raises:
        ValueError: there is no such device, here or at all.
    """
    try:
        return torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{name}: expected a device of this machine, as cpu or cuda, got {str(device)!r} ({reason})"
        ) from error


# --- networks ------------------------------------------------------------------------------------------------


def through(net: Callable[..., Tensor], name: str, x: Tensor, *others: Tensor) -> Tensor:
    """net(x, *others); where torch stops at the shape of x, the error names it.

    Raises:
        ValueError: the network does not take x.
    """
    try:
        return net(x, *others)
    except (RuntimeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError) or ": expected" in str(error):
            raise
        raise ValueError(
            f"{name}: expected data that the network takes, got shape {tuple(x.shape)} ({error})"
        ) from error
