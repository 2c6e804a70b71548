"""The figures of chapter 3, variational autoencoders."""

from collections.abc import Callable

from matplotlib.figure import Figure

FIGURES: tuple[Callable[[], Figure], ...] = ()
