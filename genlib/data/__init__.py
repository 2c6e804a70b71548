"""Data as tensors: 2-D densities whose truth is known, and image sets with a declared split and range."""

from genlib.data.densities import Checkerboard, Mixture, checkerboard, grid, moons, ring, spiral
from genlib.data.download import parse_idx
from genlib.data.folder import folder
from genlib.data.images import (
    ImageSet,
    binarise,
    dequantise,
    digits,
    fashion_mnist,
    image_set,
    mnist,
    quantise,
    signed,
    unsigned,
)

__all__ = [
    "Checkerboard",
    "ImageSet",
    "Mixture",
    "binarise",
    "checkerboard",
    "dequantise",
    "digits",
    "fashion_mnist",
    "folder",
    "grid",
    "image_set",
    "mnist",
    "moons",
    "parse_idx",
    "quantise",
    "ring",
    "signed",
    "spiral",
    "unsigned",
]
