"""The 28 x 28 sets: read from the folder that GENLIB_DATA names, else from a cache, else from one mirror or another."""

import contextlib
import gzip
import hashlib
import io
import math
import os
import tempfile
import warnings
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

# md5 of the decompressed bytes, in the order of FILES: a mirror that
# compresses anew still passes.
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
        raw = _own(folder, name, file, md5)
    else:
        raw = _fetch(name, file, md5)
    return parse_idx(raw)


def _own(folder: str, name: str, file: str, md5: str) -> bytes:
    """A file of the folder that GENLIB_DATA names, decompressed.

    Raises:
        ValueError: there is no such file, or it is not the expected one.
    """
    top = Path(os.path.expanduser(folder))
    path = top / name / f"{file}.gz"
    try:
        packed = path.read_bytes()
    except OSError as error:
        missing = [f"there is no folder {p}" for p in (top, top / name) if not os.path.isdir(p)]
        raise ValueError(
            f"GENLIB_DATA: expected a folder with {name}/{file}.gz in it, got {folder!r} "
            f"({(missing or [error])[0]})"
        ) from error
    return _unpack(path, packed, md5)


def _unpack(source: Path | str, packed: bytes, md5: str) -> bytes:
    """What a .gz file holds, once its md5 is the expected one; `source` says where the file is from.

    Raises:
        ValueError: the file is incomplete, or not the expected one.
    """
    try:
        raw = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{source}: expected a complete .gz file, got {type(error).__name__}: {error}"
        ) from error
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{source}: expected md5 {md5} after decompression, got {found}")
    return raw


def _fetch(name: str, file: str, md5: str) -> bytes:
    """Try the cache, then one mirror after the other; a file that fails its check never stays in the cache.

    Raises:
        ValueError: nothing could be loaded; says what to do.
    """
    import pooch

    cached = Path(pooch.os_cache("genlib")) / name / f"{file}.gz"
    tried = []
    for source in (cached, *(f"{mirror}/{file}.gz" for mirror in MIRRORS[name])):
        try:
            packed = cached.read_bytes() if source is cached else _download(source)
            raw = _unpack(source, packed, md5)
        except (OSError, ValueError) as error:  # every error of `requests` is an OSError
            said = str(error)
            tried.append(said if str(source) in said else f"{source}: {said}")
            if source is cached and isinstance(error, ValueError):
                _drop(cached)
            continue
        if source is not cached:
            _keep(packed, cached)
        return raw
    raise ValueError(
        f"{name}: could not load {file}.gz. Either connect to the network once, or put the four .gz files of the set "
        f"into FOLDER/{name}/ and set the environment variable GENLIB_DATA=FOLDER; "
        f'or use image_set("digits"), which needs neither. Tried:\n  ' + "\n  ".join(tried)
    )


def _download(url: str) -> bytes:
    """A file from the network, in memory: the sets have 11 MB and 30 MB.

    Raises:
        OSError: it did not come, or not whole.
    """
    import pooch

    content = io.BytesIO()
    watched = os.environ.get("GENLIB_STATIC") != "1"
    pooch.HTTPDownloader(progressbar=watched, timeout=30)(url, content, None)
    return content.getvalue()


def _keep(packed: bytes, path: Path) -> None:
    """Put a file into the cache, whole or not at all; a cache that cannot be written is said and no reason to stop."""
    try:
        if not path.is_absolute():  # so it is for a user without a home
            raise OSError("no home folder is known")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as beside:
            part = Path(beside, path.name)
            part.write_bytes(packed)
            part.replace(path)
    except OSError as error:
        why = error.strerror or error
        message = f"the cache {path.parent} cannot be written ({why}): the download is not kept"
        warnings.warn(message, stacklevel=2)


def _drop(path: Path) -> None:
    """Take a damaged file out of the cache, where that is allowed."""
    with contextlib.suppress(OSError):
        path.unlink()


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
