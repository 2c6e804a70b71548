"""Random numbers: every draw is made on the rng's device and then moved, so that a seed means the same everywhere.

`rng` is a `torch.Generator`, or None for torch's own, which `torch.manual_seed` seeds.

Where several processes share one training, `share` makes each draw for the whole batch and keep its own rows.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from genlib.expect import (
    Count,
    Size,
    border,
    expect_floats,
    expect_number,
    expect_sizes,
    expect_weights,
)


@border
def normal(like: Tensor, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
    """Standard normal numbers of the given shape, in the precision and on the device of `like`."""
    expect_floats("like", like)
    expect_sizes("shape", shape, low=0)
    how = {"generator": rng, "device": _device(rng), "dtype": like.dtype}
    return _rows(lambda whole: torch.randn(whole, **how), shape, rng).to(like.device)


@border
def uniform(like: Tensor, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
    """Numbers uniform in [0, 1) of the given shape, in the precision and on the device of `like`."""
    expect_floats("like", like)
    expect_sizes("shape", shape, low=0)
    how = {"generator": rng, "device": _device(rng)}
    return _rows(lambda whole: torch.rand(whole, **how), shape, rng).to(like)


@border
def integers(n: Count, below: Size, rng: torch.Generator | None = None) -> Tensor:
    """n whole numbers uniform on 0..below - 1, int64, shape (n,), on the rng's device."""
    how = {"generator": rng, "device": _device(rng)}
    return _rows(lambda whole: torch.randint(below, whole, **how), (n,), rng)


@border
def permutation(n: Count, rng: torch.Generator | None = None) -> Tensor:
    """0..n - 1 in random order, int64, shape (n,), on the rng's device."""
    how = {"generator": rng, "device": _device(rng)}
    return _rows(lambda whole: torch.randperm(*whole, **how), (n,), rng)


@border
def stratified(n: Count, rng: torch.Generator | None = None) -> Tensor:
    """n numbers in [0, 1), one in each of n equal parts, in random order, float64, shape (n,), on the rng's device."""

    def draw(whole: tuple[int]) -> Tensor:
        how = {"generator": rng, "device": _device(rng)}
        part = torch.randperm(*whole, **how) + torch.rand(whole, **how, dtype=torch.float64)
        return part / max(*whole, 1)

    return _rows(draw, (n,), rng)


@border
def categorical(weights: Tensor, n: Count, rng: torch.Generator | None = None) -> Tensor:
    """n indices, each k with probability weights[k] over their sum, int64, shape (n,), on the device of `weights`."""
    expect_weights("weights", weights)
    if n == 0:
        return torch.empty(0, dtype=torch.int64, device=weights.device)
    weights_there = weights.to(_device(rng))
    drawn = _rows(
        lambda whole: torch.multinomial(weights_there, *whole, replacement=True, generator=rng),
        (n,),
        rng,
    )
    return drawn.to(weights.device)


@border
def library_seed(rng: torch.Generator | None = None) -> int:
    """A seed drawn from rng, for NumPy and scikit-learn, which keep random numbers of their own."""
    return int(integers(1, 2**31, rng))


# --- one batch among several processes ---------------------------------------------------------------------------

_SHARE = (0, 1)  # rank of this process, number of processes


@border
@contextlib.contextmanager
def share(rank: Count, size: Size) -> Iterator[None]:
    """Within: torch's own numbers are drawn for the batches of `size` processes, and the rows of process `rank` kept.

    The first axis of every draw is that of the batch. With the same seed in all processes, all of them together see
    what one process with the whole batch sees. Draws from a generator stay as they are.
    """
    global _SHARE
    expect_number("rank", rank, 0, size - 1)
    before, _SHARE = _SHARE, (rank, size)
    try:
        yield
    finally:
        _SHARE = before


def _rows(
    draw: Callable[[tuple[int, ...]], Tensor], shape: Sequence[int], rng: torch.Generator | None
) -> Tensor:
    """draw(shape); where processes share a batch, draw for all of them and keep the rows of this one."""
    rank, size = _SHARE
    if rng is not None or size == 1 or not len(shape):
        return draw(tuple(shape))
    n, *others = shape
    return draw((n * size, *others))[rank * n : (rank + 1) * n]


def _device(rng: torch.Generator | None) -> torch.device | str:
    return rng.device if rng else "cpu"
