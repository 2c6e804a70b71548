"""The figures of chapter 2, autoencoders."""

from collections.abc import Callable

from matplotlib.figure import Figure

FIGURES: tuple[Callable[[], Figure], ...] = ()
