"""The figures of chapter 5, denoising diffusion."""

from collections.abc import Callable

from matplotlib.figure import Figure

FIGURES: tuple[Callable[[], Figure], ...] = ()
