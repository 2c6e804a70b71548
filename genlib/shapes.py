"""Shape and range checks that explain themselves. Every public function calls them once, at its border."""

from torch import Tensor


def expect(name: str, x: Tensor, pattern: str, **sizes: int) -> dict[str, int]:
    """Check `x` against a pattern such as "B C H W" and return the size of every letter.

    A number in the pattern must match exactly; a letter given in `sizes` must have that size;
    a letter that occurs twice must have the same size twice.

    Raises:
        ValueError: names the tensor, the pattern and the shape that arrived.
    """
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{name}: expected a torch.Tensor of shape ({pattern}), got {type(x).__name__}"
        )
    axes, found = pattern.split(), tuple(x.shape)
    ok = len(axes) == len(found)
    seen: dict[str, int] = {}
    for axis, size in zip(axes, found, strict=False):
        want = int(axis) if axis.isdigit() else sizes.get(axis, seen.get(axis, size))
        ok = ok and want == size
        seen[axis] = size
    if not ok:
        fixed = f" with {sizes}" if sizes else ""
        raise ValueError(f"{name}: expected shape ({pattern}){fixed}, got {found}")
    return seen


def expect_range(name: str, x: Tensor, low: float, high: float) -> None:
    """Check that every value of `x` is finite and in [low, high].

    Raises:
        ValueError: names the tensor, the range that was expected and the one that arrived.
    """
    if x.numel() == 0:
        raise ValueError(
            f"{name}: expected at least one value in [{low}, {high}], got an empty tensor"
        )
    smallest, largest = x.min().item(), x.max().item()
    if not (low <= smallest and largest <= high):  # a NaN fails both comparisons
        raise ValueError(
            f"{name}: expected values in [{low:g}, {high:g}], got [{smallest:g}, {largest:g}]"
        )
