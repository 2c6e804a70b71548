"""The 28 x 28 sets: read from the folder that GENLIB_DATA names, else from a cache, else from one mirror or another."""

import contextlib
import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path

import torch
from torch import Tensor

from genlib.expect import border, expect_one_of

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# md5 of the decompressed bytes, in the order of FILES: a mirror that compresses anew still passes.
MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion-mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}

MIRRORS = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist",
    ),
    "fashion-mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ),
}


@border
def read(name: str, file: str) -> Tensor:
    """One of the FILES of "mnist" or "fashion-mnist" as a tensor of bytes.

    Raises:
        ValueError: it could not be loaded; says what to do.
    """
    expect_one_of("name", name, list(MD5))
    expect_one_of("file", file, FILES)
    md5 = MD5[name][FILES.index(file)]
    if folder := os.environ.get("GENLIB_DATA"):
        raw = _unpack(Path(folder) / name / f"{file}.gz", md5)
    else:
        raw = _fetch(name, file, md5)
    return parse_idx(raw)


def _unpack(path: Path, md5: str) -> bytes:
    """The decompressed bytes of a .gz file, once their md5 is the expected one.

    Raises:
        ValueError: the file is missing, incomplete, or not the expected one.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a complete .gz file, got {type(error).__name__}: {error}"
        ) from error
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{path}: expected md5 {md5} after decompression, got {found}")
    return raw


def _fetch(name: str, file: str, md5: str) -> bytes:
    """Try the cache, then one mirror after the other; a file that fails its check never stays in the cache.

    Raises:
        ValueError: nothing could be loaded; says what to do.
    """
    import pooch

    cached = Path(pooch.os_cache("genlib")) / name / f"{file}.gz"
    tried = []
    for mirror in (None, *MIRRORS[name]):
        try:
            if mirror:
                _download(f"{mirror}/{file}.gz", cached)
            return _unpack(cached, md5)
        except (OSError, ValueError) as error:  # every error of `requests` is an OSError
            tried.append(f"  {mirror or 'cache'}: {error}")
            with contextlib.suppress(
                OSError
            ):  # a cache that cannot be written is no reason to stop
                cached.unlink(missing_ok=True)
    raise ValueError(
        f"{name}: could not load {file}.gz. Either connect to the network once, or put the four .gz files of the set "
        f"into FOLDER/{name}/ and set the environment variable GENLIB_DATA=FOLDER; "
        f'or use image_set("digits"), which needs neither. Tried:\n' + "\n".join(tried)
    )


def _download(url: str, path: Path) -> None:
    """Download into `path`; pooch writes beside it and moves the file only when it is complete."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    watched = os.environ.get("GENLIB_STATIC") != "1"
    pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, progressbar=watched)


@border
def parse_idx(raw: bytes) -> Tensor:
    """The array in an IDX file (LeCun's format: two zeros, type 8 for bytes, rank, sizes, values), uint8.

    Raises:
        ValueError: the header or the length is wrong.
    """
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError(
            f"raw: expected an IDX file of bytes (it starts with 00 00 08), got {raw[:3].hex(' ')!r}"
        )
    start = 4 + 4 * raw[3]
    shape = [int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4)]
    if len(raw) != start + math.prod(shape):
        raise ValueError(
            f"raw: expected {start + math.prod(shape)} bytes for shape {shape}, got {len(raw)}"
        )
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)[start:].reshape(shape)
