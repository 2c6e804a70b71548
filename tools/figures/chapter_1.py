"""The figures of chapter 1, discriminative and generative models."""

from collections.abc import Callable

from matplotlib.figure import Figure

FIGURES: tuple[Callable[[], Figure], ...] = ()
