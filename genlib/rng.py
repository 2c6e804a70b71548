"""Random numbers: every draw is made on the rng's device and then moved, so that a seed means the same everywhere.

`rng` is a `torch.Generator`, or None for torch's own, which `torch.manual_seed` seeds.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.expect import Count, Size, border, expect_floats, expect_sizes, expect_weights


@border
def normal(like: Tensor, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
    """Standard normal numbers of the given shape, in the precision and on the device of `like`."""
    expect_floats("like", like)
    expect_sizes("shape", shape, low=0)
    drawn = torch.randn(tuple(shape), generator=rng, device=_device(rng), dtype=like.dtype)
    return drawn.to(like.device)


@border
def uniform(like: Tensor, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
    """Numbers uniform in [0, 1) of the given shape, in the precision and on the device of `like`."""
    expect_floats("like", like)
    expect_sizes("shape", shape, low=0)
    return torch.rand(tuple(shape), generator=rng, device=_device(rng)).to(like)


@border
def integers(n: Count, below: Size, rng: torch.Generator | None = None) -> Tensor:
    """n whole numbers uniform on 0..below - 1, int64, shape (n,), on the rng's device."""
    return torch.randint(below, (n,), generator=rng, device=_device(rng))


@border
def permutation(n: Count, rng: torch.Generator | None = None) -> Tensor:
    """0..n - 1 in random order, int64, shape (n,), on the rng's device."""
    return torch.randperm(n, generator=rng, device=_device(rng))


@border
def categorical(weights: Tensor, n: Count, rng: torch.Generator | None = None) -> Tensor:
    """n indices, each k with probability weights[k] over their sum, int64, shape (n,), on the device of `weights`."""
    expect_weights("weights", weights)
    if n == 0:
        return torch.empty(0, dtype=torch.int64, device=weights.device)
    drawn = torch.multinomial(weights.to(_device(rng)), n, replacement=True, generator=rng)
    return drawn.to(weights.device)


@border
def library_seed(rng: torch.Generator | None = None) -> int:
    """A seed drawn from rng, for NumPy and scikit-learn, which keep random numbers of their own."""
    return int(integers(1, 2**31, rng))


def _device(rng: torch.Generator | None) -> torch.device | str:
    return rng.device if rng else "cpu"
