"""One's own pictures: `folder` makes an image set of a folder of files, and names those that it cannot read."""

import hashlib
import os
import unicodedata
import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from genlib.data.images import ImageSet
from genlib.expect import border

LEAST = 10  # pictures: one for val, one for test, eight to learn from
Side = Annotated[int, 4, 1024]


@border
def folder(path: str | Path, size: Side, channels: int = 3) -> ImageSet:
    """The pictures of a folder as an image set: PNG, JPEG and whatever else Pillow opens.

    A picture is turned as its EXIF says, laid on white where it is transparent, cut to the largest square in its
    middle, and resized by Lanczos' filter, which keeps more detail than a mean over areas and makes no stairs;
    its small overshoots at hard edges are cut off. Of a film the first picture is taken.

    The folders directly in `path` are the labels, in the order of their names; deeper ones belong to the one that they
    lie in. Pictures directly in `path` make one class, called ".": the only one, or the first. Names that begin
    with a dot are hidden and left out, and so are links to folders; links to files are followed.

    A tenth of the pictures, rounded down, is for val, another for test. Which ones depends on their names within the
    folder alone; where pictures are added, most of the others stay in their part.

    What cannot be read is left out, and named in a warning.

    Args:
        path: the folder; "~" is the home.
        size: pixels of a side, from 4 to 1024.
        channels: 3 for colours, 1 for grey.

    Returns:
        Images float32 (N, channels, size, size) in [0, 1], with 256 levels; the names of the labels as `classes`.

    Raises:
        ValueError: there is no such folder, or it has fewer than 10 pictures that can be read.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 (grey) or 3 (colours), got {channels}")
    root = _expanded(path)
    names, failed = _names(root)
    pictures = _pictures(root, names, failed, size, channels)
    if len(pictures) < LEAST:
        raise ValueError(
            f"path: expected a folder with {LEAST} pictures or more that can be read, "
            f"got {len(pictures)} in {str(path)!r}{_left_out(failed)}"
        )
    if failed:
        warnings.warn(f"{str(path)!r}: {len(pictures)} pictures{_left_out(failed)}", stacklevel=3)
    return _split(os.path.basename(os.path.abspath(root)), pictures)


def _expanded(path: str | Path) -> str:
    """The path of a folder, "~" expanded, once it is known to be one."""
    root = os.path.expanduser(path)
    if not os.path.isdir(root):
        why = "which is a file" if os.path.isfile(root) else "which does not exist"
        raise ValueError(f"path: expected a folder of pictures, got {str(path)!r}, {why}")
    return root


def _names(root: str) -> tuple[list[str], dict[str, str]]:
    """All files below a folder, by their names from there, sorted; and what is not looked into, with the reason."""
    names, failed = [], {}

    def below(path: str) -> str:
        return os.path.relpath(path, root).replace(os.sep, "/")

    def closed(error: OSError) -> None:
        failed[below(error.filename)] = _reason(error)

    for place, folders, files in os.walk(root, onerror=closed):  # does not follow links to folders
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [below(os.path.join(place, name)) for name in files if not name.startswith(".")]
        for link in filter(os.path.islink, (os.path.join(place, name) for name in folders)):
            failed[below(link)] = "a link to a folder"
    return sorted(names), failed


def _pictures(
    root: str, names: list[str], failed: dict[str, str], size: int, channels: int
) -> dict[str, Tensor]:
    """The pictures as bytes, (channels, size, size) each; those that cannot be read join the failed."""
    pictures = {}
    watched = os.environ.get("GENLIB_STATIC") != "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow says of odd EXIF
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for name in tqdm(names, "pictures", delay=3, disable=not watched):
            try:
                pictures[name] = _read(os.path.join(root, name), size, channels)
            except (
                Exception
            ) as error:  # a damaged file makes Pillow raise errors of nearly any kind
                failed[name] = _reason(error)
    return pictures


def _read(path: str, size: int, channels: int) -> Tensor:
    if not os.path.isfile(path):  # a pipe would be waited for
        raise ValueError("no file, or a link to nowhere")
    with Image.open(path) as image:
        image.draft(None, (2 * size, 2 * size))  # a large JPEG is decoded at 1/2, 1/4 or 1/8
        ImageOps.exif_transpose(image, in_place=True)
        square = ImageOps.fit(_on_white(image), (size, size), Image.Resampling.LANCZOS)
    pixels = np.array(square if channels == 3 else square.convert("L"))
    return torch.from_numpy(pixels).reshape(size, size, channels).permute(2, 0, 1).contiguous()


def _on_white(image: Image.Image) -> Image.Image:
    """The picture in colours of 8 bits, on white where it is transparent."""
    if image.mode.startswith("I"):  # grey values from 0 to 65,535
        grey = (np.asarray(image).astype(np.int64).clip(0, 65535) + 128) // 257
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("pixels with decimals, whose white is unknown")
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _reason(error: Exception) -> str:
    """Why a file could not be read, in a few words on one line."""
    if isinstance(error, UnidentifiedImageError):
        return "no picture of a known kind"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:100]


def _left_out(failed: dict[str, str]) -> str:
    """How many files were left out, and the first few by name."""
    if not failed:
        return ""
    few = [f"{name!r} ({why})" for name, why in sorted(failed.items())[:5]]
    more = [f"and {len(failed) - 5} more"] if len(failed) > 5 else []
    return f"; {len(failed)} left out that could not be read: {', '.join(few + more)}"


def _split(name: str, pictures: dict[str, Tensor]) -> ImageSet:
    """Train, val and test in the order of a hash of the names; the pictures are taken out, so that memory suffices."""
    classes = sorted({_label(name) for name in pictures}, key=lambda c: (c != ".", _composed(c)))
    order = sorted(pictures, key=lambda name: hashlib.sha256(_composed(name)).digest())
    tenth = len(order) // 10
    parts = []
    for names in (order[2 * tenth :], order[:tenth], order[tenth : 2 * tenth]):
        y = torch.tensor([classes.index(_label(name)) for name in names])
        x = torch.stack([pictures.pop(name) for name in names]).float().div_(255)
        parts += [x, y]
    return ImageSet(name or "pictures", *parts, classes=tuple(classes))


def _label(name: str) -> str:
    """The folder that a picture lies in, directly in the folder of all."""
    return name.split("/")[0] if "/" in name else "."


def _composed(name: str) -> bytes:
    """A name as bytes, the same on systems that write an umlaut as one letter and as two."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace")
