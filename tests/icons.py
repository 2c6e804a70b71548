"""A folder of icons drawn by code, as somebody may have one: `python -m tests.icons FOLDER`.

200 pictures in three subfolders: houses, suns and trees in many colours, places, sizes and kinds of files. Among them
lie five broken files and a text file, as in life.
"""

import argparse
import colorsys
import io
import math
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

FINE = 4  # drawn so many times as large and shrunk, so that edges are smooth
Draw = Callable[[ImageDraw.ImageDraw, float, float, float, random.Random], None]


def colour(rng: random.Random, light: float = 0.5) -> tuple[int, ...]:
    """A strong colour of any hue."""
    return tuple(round(255 * c) for c in colorsys.hls_to_rgb(rng.random(), light, 0.8))


def house(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    draw.rectangle((x - 0.7 * r, y - 0.1 * r, x + 0.7 * r, y + 0.9 * r), fill=colour(rng))
    draw.polygon([(x - r, y - 0.1 * r), (x, y - r), (x + r, y - 0.1 * r)], fill=colour(rng, 0.35))
    draw.rectangle((x - 0.2 * r, y + 0.3 * r, x + 0.2 * r, y + 0.9 * r), fill=colour(rng, 0.7))


def sun(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    fill, rays = colour(rng), rng.randint(7, 12)
    for i in range(rays):
        angle = 2 * math.pi * i / rays
        end = (x + r * math.cos(angle), y + r * math.sin(angle))
        draw.line([(x, y), end], fill=fill, width=max(1, round(0.12 * r)))
    draw.ellipse((x - 0.6 * r, y - 0.6 * r, x + 0.6 * r, y + 0.6 * r), fill=fill)


def tree(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, rng: random.Random) -> None:
    draw.rectangle((x - 0.15 * r, y, x + 0.15 * r, y + r), fill=colour(rng, 0.3))
    draw.ellipse((x - 0.7 * r, y - r, x + 0.7 * r, y + 0.4 * r), fill=colour(rng))


ICONS: dict[str, Draw] = {"house": house, "sun": sun, "tree": tree}


def icon(draw_one: Draw, rng: random.Random, mode: str) -> Image.Image:
    """One icon on a pale or a transparent ground, 20 to 300 pixels a side and never square."""
    w, h = rng.sample(range(20, 301), 2)
    ground = (*colour(rng, 0.92), 0 if mode in ("RGBA", "LA") else 255)
    large = Image.new("RGBA", (FINE * w, FINE * h), ground)
    middle, r = (FINE * w / 2, FINE * h / 2), FINE * min(w, h) / 2 * rng.uniform(0.55, 0.85)
    room = FINE * min(w, h) / 2 - r
    x, y = (c + rng.uniform(-room, room) for c in middle)
    draw_one(ImageDraw.Draw(large), x, y, r, rng)
    return large.resize((w, h), Image.Resampling.BOX).convert(mode)


KINDS = [("png", "RGB"), ("png", "RGBA"), ("png", "P"), ("jpg", "RGB"), ("JPG", "L"), ("png", "LA")]
KINDS += [("gif", "P"), ("webp", "RGB"), ("bmp", "RGB"), ("jpeg", "CMYK")]


def broken_files(rng: random.Random) -> dict[str, bytes]:
    """Five files that are no pictures though their names say so, and a text file."""
    whole = {}
    for kind in ("png", "jpeg"):
        stream = io.BytesIO()
        icon(house, rng, "RGB").save(stream, kind)
        whole[kind] = stream.getvalue()
    return {
        "house/half of it.png": whole["png"][: len(whole["png"]) // 2],
        "sun/half.jpg": whole["jpeg"][: len(whole["jpeg"]) // 2],
        "sun/empty.png": b"",
        "tree/noise.png": rng.randbytes(2000),
        "tree/a letter.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
        "tree/notes.txt": b"These are my icons.\n",
    }


def draw_icons(folder: Path | str, n: int = 200, seed: int = 0) -> Path:
    """Draw n icons into folder/house, folder/sun and folder/tree, and put six files beside them that are none."""
    rng, folder = random.Random(seed), Path(folder)
    for name in ICONS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(n):
        name, (ending, mode) = list(ICONS)[i % len(ICONS)], KINDS[i % len(KINDS)]
        icon(ICONS[name], rng, mode).save(folder / name / f"{name} {i:03d}.{ending}")
    for name, content in broken_files(rng).items():
        (folder / name).write_bytes(content)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw a folder of icons to try data.folder on.")
    parser.add_argument("folder")
    place = draw_icons(parser.parse_args().folder)
    print(f"{place}: {sum(p.is_file() for p in place.rglob('*'))} files")
