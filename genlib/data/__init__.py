"""Data as tensors: 2-D densities whose truth is known, image sets with a split, drawn shapes with captions."""

from genlib.data.densities import Checkerboard, Mixture, checkerboard, grid, moons, ring, spiral
from genlib.data.download import parse_idx
from genlib.data.folder import folder
from genlib.data.images import (
    ImageSet,
    binarise,
    captioned_shapes,
    captioned_shapes_32,
    dequantise,
    digits,
    fashion_mnist,
    image_set,
    mnist,
    quantise,
    signed,
    unsigned,
)
from genlib.data.shapes import Drawn, held_out, shapes

__all__ = [
    "Checkerboard",
    "Drawn",
    "ImageSet",
    "Mixture",
    "binarise",
    "captioned_shapes",
    "captioned_shapes_32",
    "checkerboard",
    "dequantise",
    "digits",
    "fashion_mnist",
    "folder",
    "grid",
    "held_out",
    "image_set",
    "mnist",
    "moons",
    "parse_idx",
    "quantise",
    "ring",
    "shapes",
    "signed",
    "spiral",
    "unsigned",
]
