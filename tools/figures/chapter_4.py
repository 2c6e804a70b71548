"""The figures of chapter 4, generative adversarial networks."""

from collections.abc import Callable

from matplotlib.figure import Figure

FIGURES: tuple[Callable[[], Figure], ...] = ()
