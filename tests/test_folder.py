"""`data.folder` on pictures drawn by code, of every mode that people have, among files that are none."""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest
import torch
from icons import ICONS, draw_icons
from PIL import Image

from genlib import data

ROOT = Path(__file__).resolve().parent.parent
folder_file = sys.modules["genlib.data.folder"]  # `data.folder` is the function in it


@pytest.fixture(autouse=True)
def nothing_is_said():
    """A test that expects no warning gets none, of Pillow neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plain(path: Path, value: int = 0, **options) -> Path:
    """A small grey picture whose value tells it from others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), value).save(path, **options)
    return path


def ten(folder: Path) -> Path:
    """Ten pictures: what is tried beside them is not too little."""
    for i in range(10):
        plain(folder / f"plain {i}.png")
    return folder


def everything(images: data.ImageSet) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.cat([images.x_train, images.x_val, images.x_test])
    return x, torch.cat([images.y_train, images.y_val, images.y_test])


def read(path: Path, size: int = 8, channels: int = 3) -> torch.Tensor:
    """One picture as `folder` reads it: copied ten times."""
    place = path.parent / f"copies of {path.name}"
    place.mkdir()
    for i in range(10):
        shutil.copy(path, place / f"{i}{path.suffix}")
    x = everything(data.folder(place, size, channels))[0]
    assert x.dtype == torch.float32 and (x == x[0]).all()
    return x[0]


def values(images: data.ImageSet) -> dict[str, set[int]]:
    """The grey values of plain pictures in each part."""
    parts = {part: getattr(images, f"x_{part}") for part in ("train", "val", "test")}
    return {part: set((255 * x[:, 0, 0, 0]).round().int().tolist()) for part, x in parts.items()}


# --- what a picture becomes ------------------------------------------------------------------------------------


def test_the_square_in_the_middle_is_kept(tmp_path):
    for size, bands in {(90, 30): (30, 0), (30, 90): (0, 30)}.items():
        image = Image.new("RGB", size, "blue")
        image.paste((0, 255, 0), (*bands, bands[0] + 30, bands[1] + 30))
        image.save(tmp_path / f"{size}.png")
        x = read(tmp_path / f"{size}.png", 10)
        assert x.shape == (3, 10, 10)
        torch.testing.assert_close(x[1], torch.ones(10, 10), atol=0.13, rtol=0)  # ringing at ends
        assert x[0].max() == 0 and x[1, 1:-1, 1:-1].min() > 0.97


@pytest.mark.parametrize("ending", ["png", "jpg"])  # a large JPEG is decoded at a smaller scale
def test_small_pictures_have_no_stairs_of_fine_patterns(ending, tmp_path):
    stripes = torch.tensor([0, 255], dtype=torch.uint8).repeat(400).expand(800, 800)
    Image.fromarray(stripes.numpy()).save(tmp_path / f"stripes.{ending}", quality=95)
    x = read(tmp_path / f"stripes.{ending}", 20)
    torch.testing.assert_close(x[:, :, 1:-1], torch.full((3, 20, 18), 0.5), atol=0.02, rtol=0)


def test_a_large_photo_is_the_mean_over_areas_up_to_the_filter(tmp_path):
    line = torch.linspace(0, 3, 960)
    waves = (0.5 + 0.4 * (line[:, None] * line).sin())[None] * torch.tensor([1, 0.7, 0.4])[
        :, None, None
    ]
    pixels = (255 * waves).round().byte().permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", quality=95, subsampling=0)
    means = torch.nn.functional.avg_pool2d(waves, 30)
    torch.testing.assert_close(read(tmp_path / "photo.jpg", 32), means, atol=0.02, rtol=0)


def test_a_small_jpeg_keeps_its_details(tmp_path):
    board = 255 * ((torch.arange(64)[:, None] // 4 + torch.arange(64) // 4) % 2)  # fields of 4 x 4
    Image.fromarray(board.byte().numpy()).save(tmp_path / "board.jpg", quality=95)
    means = torch.nn.functional.avg_pool2d(board[None] / 255, 2).expand(3, 32, 32)
    assert (read(tmp_path / "board.jpg", 32) - means).abs().mean() < 0.1


def test_a_picture_of_the_size_asked_for_stays_as_it_is(tmp_path):
    pixels = torch.randint(256, (12, 12, 3), dtype=torch.uint8)
    Image.fromarray(pixels.numpy()).save(tmp_path / "own.png")
    assert torch.equal(read(tmp_path / "own.png", 12), pixels.permute(2, 0, 1) / 255)


TURNS = {
    1: lambda x: x,
    2: lambda x: x.flip(1),
    3: lambda x: x.rot90(2, (0, 1)),
    4: lambda x: x.flip(0),
    5: lambda x: x.transpose(0, 1),
    6: lambda x: x.rot90(1, (0, 1)),
    7: lambda x: x.rot90(2, (0, 1)).transpose(0, 1),
    8: lambda x: x.rot90(-1, (0, 1)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_pictures_are_turned_as_their_exif_says(turn, tmp_path):
    """TURNS[k] makes the picture that a viewer, told k, shows upright (EXIF 2.3, tag Orientation)."""
    upright = torch.arange(0, 256, 4, dtype=torch.uint8).reshape(8, 8)
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.fromarray(TURNS[turn](upright).contiguous().numpy())
    stored.save(tmp_path / f"{turn}.png", exif=exif)
    assert torch.equal(read(tmp_path / f"{turn}.png")[0], upright / 255)


def colours_of(path: Path) -> list[int]:
    return (255 * read(path)[:, 4, 4]).round().int().tolist()


def test_every_mode_becomes_colours_on_white(tmp_path):
    def saved(name, image, **options):
        image.save(tmp_path / name, **options)
        return colours_of(tmp_path / name)

    size = (8, 8)
    assert saved("1.png", Image.new("1", size, 1)) == [255, 255, 255]
    assert saved("L.png", Image.new("L", size, 77)) == [77, 77, 77]
    assert saved("RGB.png", Image.new("RGB", size, (1, 2, 3))) == [1, 2, 3]
    assert saved("RGBA.png", Image.new("RGBA", size, (255, 0, 0, 0))) == [255, 255, 255]
    assert saved("half.png", Image.new("RGBA", size, (255, 0, 0, 51))) == [255, 204, 204]
    assert saved("LA.png", Image.new("LA", size, (0, 51))) == [204, 204, 204]
    assert saved("RGBA.webp", Image.new("RGBA", size, (0, 0, 0, 0)), lossless=True) == [255] * 3
    palette = Image.new("P", size, 1)
    palette.putpalette([9, 8, 7, 6, 5, 4])
    assert saved("P.png", palette) == [6, 5, 4]
    assert saved("P clear.png", palette, transparency=1) == [255, 255, 255]
    assert saved("P bytes.png", palette, transparency=bytes([255, 51])) == [205, 205, 205]
    assert saved("P.gif", palette, transparency=1) == [255, 255, 255]
    assert saved("L clear.png", Image.new("L", size, 9), transparency=9) == [255, 255, 255]
    assert (
        saved("RGB clear.png", Image.new("RGB", size, (1, 2, 3)), transparency=(1, 2, 3))
        == [255] * 3
    )
    assert saved("CMYK.jpg", Image.new("CMYK", size, (0, 255, 0, 0)), quality=100) == [255, 0, 255]
    assert saved("CMYK.tif", Image.new("CMYK", size, (0, 0, 0, 51))) == [204, 204, 204]


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_keep_their_brightness(ending, tmp_path):
    grey = torch.arange(64).reshape(8, 8) * 4
    deep = (257 * grey).numpy().astype("uint16")
    if ending == "pgm":
        (tmp_path / "deep.pgm").write_bytes(b"P5 8 8 65535\n" + deep.astype(">u2").tobytes())
    else:
        Image.fromarray(deep).save(tmp_path / f"deep.{ending}")
    assert torch.equal(read(tmp_path / f"deep.{ending}"), (grey / 255).expand(3, 8, 8))


def test_colours_under_a_transparent_part_do_not_shine_through(tmp_path):
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))  # clear, and green all the same
    image.paste((255, 0, 0, 255), (16, 16, 48, 48))
    image.save(tmp_path / "red.png")
    x = read(tmp_path / "red.png")
    torch.testing.assert_close(x[1], x[2], atol=1e-2, rtol=0)  # red on white: green as blue
    assert x[0].min() == 1 and x[1].max() == 1


def test_grey_is_the_luminance(tmp_path):
    for colour, grey in {"red": 0.299, "lime": 0.587, "blue": 0.114}.items():
        Image.new("RGB", (9, 9), colour).save(tmp_path / f"{colour}.png")
        x = read(tmp_path / f"{colour}.png", 5, channels=1)
        torch.testing.assert_close(x, torch.full((1, 5, 5), grey), atol=3e-3, rtol=0)


def test_values_are_256_even_levels(tmp_path):
    draw_icons(tmp_path, 12, seed=1)
    images = data.folder(remove_broken(tmp_path), 16)
    x = everything(images)[0]
    assert images.levels == 256 and torch.equal((255 * x).round() / 255, x)
    assert x.min() >= 0 and x.max() <= 1 and data.dequantise(x, levels=256).max() < 1


def remove_broken(folder: Path) -> Path:
    for path in [*folder.rglob("*")]:
        if path.is_file() and not path.stem[-1].isdigit():
            path.unlink()
    return folder


# --- which files, which labels -----------------------------------------------------------------------------------


NAMES = [
    "a b.png",
    "UPPER.JPG",
    "Grüße.png",
    "猫 图片.png",
    "no ending",
    "x.y.z.png",
    "#1 100%.png",
]
NAMES += ["'quoted'.png", "-dash.png", "ñ.webp"]


def test_names_may_hold_spaces_and_letters_of_any_language(tmp_path):
    for i, name in enumerate(NAMES):
        plain(tmp_path / "Bilder für 猫" / name, 20 * i, format=None if "." in name else "png")
    images = data.folder(tmp_path / "Bilder für 猫", 4)
    assert images.name == "Bilder für 猫" and "8 train, 1 val, 1 test" in repr(images)
    assert set.union(*values(images).values()) == set(range(0, 200, 20))


def test_without_subfolders_there_is_one_class(tmp_path):
    images = data.folder(str(ten(tmp_path)), 4)
    assert images.classes == (".",) and everything(images)[1].tolist() == [0] * 10
    assert "classes" not in repr(images)


def test_subfolders_are_labels_and_hidden_ones_are_not(tmp_path):
    grey = {"!bang/deep/deeper/1.png": 1, "zebra/2.png": 2, "Apfel/3.png": 3, "Apfel/x/4.png": 4}
    grey |= {f"zebra/more {i}.png": 2 for i in range(6)} | {"direct.png": 0}
    for name, value in grey.items():
        plain(tmp_path / name, value)
    for name in (".hidden.png", ".git/5.png", "zebra/.cache/6.png", "zebra/._1.png"):
        plain(tmp_path / name, 99)
    (tmp_path / "empty").mkdir()
    (tmp_path / ".DS_Store").write_bytes(b"no picture")
    images = data.folder(tmp_path, 4)
    assert images.classes == (".", "!bang", "Apfel", "zebra") and "4 classes" in repr(images)
    x, y = everything(images)
    found = zip((255 * x[:, 0, 0, 0]).round().int().tolist(), y.tolist(), strict=True)
    assert sorted(found) == [(0, 0), (1, 1)] + [(2, 3)] * 7 + [(3, 2), (4, 2)]


def test_a_subfolder_without_a_readable_picture_is_no_class(tmp_path):
    ten(tmp_path / "cats")
    (tmp_path / "dogs").mkdir()
    (tmp_path / "dogs" / "dog.png").write_bytes(b"woof")
    with pytest.warns(UserWarning, match="'dogs/dog.png'"):
        assert data.folder(tmp_path, 4).classes == ("cats",)


def test_a_set_with_classes_can_be_moved_and_shown(tmp_path):
    moved = data.folder(ten(tmp_path / "mine" / "cats").parent, 4).to("cpu")
    assert moved.classes == ("cats",) and moved.name == "mine"
    assert data.digits().classes == ()


# --- the split -----------------------------------------------------------------------------------------------------


def numbered(folder: Path, n: int) -> Path:
    for i in range(n):
        plain(folder / f"{i % 3}" / f"number {i}.png", i)
    return folder


def test_the_parts_have_their_sizes_and_share_nothing(tmp_path):
    for n, sizes in {10: (8, 1, 1), 19: (17, 1, 1), 100: (80, 10, 10), 205: (165, 20, 20)}.items():
        parts = values(data.folder(numbered(tmp_path / str(n), n), 4))
        assert tuple(map(len, parts.values())) == sizes
        assert set.union(*parts.values()) == set(range(n))


def test_the_split_depends_on_the_names_alone(tmp_path, monkeypatch):
    here = numbered(tmp_path / "here", 60)
    first = data.folder(here, 4)
    copy = Path(
        shutil.copytree(here, tmp_path / "elsewhere" / "copy", copy_function=shutil.copyfile)
    )
    for i, path in enumerate(sorted(copy.rglob("*.png"), key=lambda p: p.name[::-1])):
        os.utime(path, (i, i))
    walk = os.walk

    def backwards(*args, **kwargs):
        for place, folders, files in walk(*args, **kwargs):
            folders.sort(reverse=True)
            yield place, folders, sorted(files, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
    second = data.folder(copy, 4)
    for part in ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"):
        assert torch.equal(getattr(first, part), getattr(second, part))
    assert first.classes == second.classes
    monkeypatch.chdir(tmp_path / "here")
    assert (
        torch.equal(data.folder(".", 4).x_val, first.x_val) and data.folder(".", 4).name == "here"
    )


def test_most_pictures_stay_in_their_part_when_others_are_added(tmp_path):
    before = values(data.folder(numbered(tmp_path, 200), 4))
    after = values(data.folder(numbered(tmp_path, 220), 4))
    for part, share in {"train": 0.9, "val": 0.75, "test": 0.6}.items():
        assert len(before[part] & after[part]) >= share * len(before[part])


def test_an_umlaut_of_one_letter_or_two_makes_no_difference(tmp_path):
    words = ["Bär", "Kühe", "Löwe", "Mücke", "Äffin", "Flöhe", "Vögel", "Käfer", "Hühner", "Gänse"]
    for form in ("NFC", "NFD"):
        for i, word in enumerate(words):
            plain(tmp_path / form / unicodedata.normalize(form, f"{word}/{word}.png"), i)
    one, two = (data.folder(tmp_path / form, 4) for form in ("NFC", "NFD"))
    assert values(one) == values(two) and torch.equal(one.y_train, two.y_train)


# --- what cannot be read -------------------------------------------------------------------------------------------


def test_the_newcomers_folder_of_icons(tmp_path):
    with pytest.warns(UserWarning) as said:
        images = data.folder(draw_icons(tmp_path / "my icons"), 16)
    (warning,) = said
    message = str(warning.message)
    assert "\n" not in message and warning.filename == __file__
    place = repr(str(tmp_path / "my icons"))
    assert message.startswith(f"{place}: 200 pictures; 6 left out that could not be read: ")
    assert "'house/half of it.png' (image file is truncated" in message
    assert "'sun/empty.png' (no picture of a known kind)" in message and "and 1 more" in message
    assert images.classes == tuple(ICONS) and "160 train, 20 val, 20 test" in repr(images)
    assert images.x_train.shape == (160, 3, 16, 16) and images.y_train.bincount().min() > 40
    assert len(everything(images)[0].flatten(1).unique(dim=0)) == 200


def test_icons_can_be_drawn_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "tests.icons", str(tmp_path / "my icons")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert "206 files" in done.stdout
    sizes = []
    for path in (tmp_path / "my icons").rglob("*[0-9].*"):
        with Image.open(path) as image:
            sizes.append(image.size)
    assert len(sizes) == 200 and len(set(sizes)) > 190
    assert all(20 <= min(size) < max(size) <= 300 for size in sizes)


def truncated(kind: str):
    def write(path: Path) -> None:
        Image.effect_noise((90, 90), 50).convert("RGB").save(path, kind)
        path.write_bytes(path.read_bytes()[:-2000])

    return write


def damaged_in_the_middle(path: Path) -> None:
    Image.effect_noise((90, 90), 50).save(path, "png")
    content = bytearray(path.read_bytes())
    content[200:220] = b"\xff" * 20
    path.write_bytes(content)


def decimals(path: Path) -> None:
    Image.new("F", (9, 9), 0.5).save(path, "tiff")


BROKEN = {
    "truncated.png": (truncated("png"), "truncated"),
    "truncated.jpg": (truncated("jpeg"), "truncated"),
    "truncated.gif": (truncated("gif"), "truncated"),
    "damaged.png": (damaged_in_the_middle, "broken|broken data|bad|incorrect|unrecognized"),
    "text.png": (lambda p: p.write_text("hello", encoding="utf-8"), "no picture of a known kind"),
    "page.jpg": (lambda p: p.write_bytes(b"%PDF-1.7\n"), "no picture of a known kind"),
    "empty.png": (lambda p: p.touch(), "no picture of a known kind"),
    "page.html": (lambda p: p.write_text("<html>", encoding="utf-8"), "no picture of a known kind"),
    "drawing.svg": (lambda p: p.write_text("<svg/>", encoding="utf-8"), "no picture"),
    "decimals.tif": (decimals, "pixels with decimals"),
    "gone.png": (lambda p: p.symlink_to("nowhere.png"), "no file, or a link to nowhere"),
    "self.png": (lambda p: p.symlink_to(p), "no file, or a link to nowhere"),
    "pipe.png": (lambda p: os.mkfifo(p), "no file"),
    "line\nbreak.png": (lambda p: p.touch(), "no picture"),
}


@pytest.mark.skipif(os.name != "posix", reason="files that Windows does not know")
@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_and_left_out(name, tmp_path):
    make, reason = BROKEN[name]
    make(ten(tmp_path) / name)
    with pytest.warns(UserWarning) as said:
        images = data.folder(tmp_path, 4)
    assert len(everything(images)[0]) == 10
    message = str(said[0].message)
    assert len(said) == 1 and len(message.splitlines()) == 1
    assert re.search(
        f"; 1 left out that could not be read: {re.escape(repr(name))} .*{reason}", message
    )


def test_pictures_that_would_fill_the_memory_are_left_out(tmp_path, monkeypatch):
    ten(tmp_path)
    for side in (15, 25):  # Pillow warns from its limit on, and raises from twice as much on
        Image.new("L", (side, side)).save(tmp_path / f"bomb {side}.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    with pytest.warns(UserWarning, match="2 left out .*'bomb 15.png' .Image size .225 .*bomb 25"):
        assert len(everything(data.folder(tmp_path, 4))[0]) == 10


@pytest.mark.skipif(os.name != "posix", reason="links need a permission on Windows")
def test_links_to_files_are_followed_and_loops_are_not(tmp_path):
    real = ten(tmp_path / "elsewhere" / "cats")
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in real.iterdir():
        (mine / path.name).symlink_to(path)
    (mine / "loop").symlink_to(mine)
    (mine / "up").symlink_to(tmp_path)
    (mine / "cats").symlink_to(real)
    (tmp_path / "link to mine").symlink_to(mine)
    with pytest.warns(UserWarning, match="3 left out .*'cats' .a link to a folder., 'loop' .*'up'"):
        images = data.folder(tmp_path / "link to mine", 4)
    assert len(everything(images)[0]) == 10 and images.name == "link to mine"


def test_a_closed_subfolder_is_named(tmp_path, monkeypatch):
    ten(tmp_path)
    plain(tmp_path / "closed" / "1.png")
    scandir = os.scandir

    def refuses(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuses)
    with pytest.warns(UserWarning, match="1 left out .*: 'closed' .Permission denied.$"):
        data.folder(tmp_path, 4)


def test_odd_exif_is_no_reason_to_speak(tmp_path):
    ten(tmp_path)
    Image.new("RGB", (9, 9)).save(
        tmp_path / "odd.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(everything(data.folder(tmp_path, 4))[0]) == 11


# --- what is wrong with the arguments --------------------------------------------------------------------------


def test_arguments_are_refused_by_name(tmp_path, monkeypatch):
    expected = "^path: expected a folder of pictures, got "
    with pytest.raises(ValueError, match=f"{expected}'.*none', which does not exist"):
        data.folder(tmp_path / "none", 8)
    with pytest.raises(ValueError, match=f"{expected}'', which does not exist"):
        data.folder("", 8)
    with pytest.raises(ValueError, match=f"{expected}'~/.*', which does not exist"):
        data.folder("~/no such folder", 8)
    with pytest.raises(ValueError, match=f"{expected}'.*a.png', which is a file"):
        data.folder(plain(tmp_path / "a.png"), 8)
    with pytest.raises(ValueError, match=r"^size: expected a number in \[4, 1024\], got 3"):
        data.folder(ten(tmp_path), 3)
    for channels in (0, 2, 4):
        with pytest.raises(ValueError, match=f"^channels: expected 1 .* or 3 .*, got {channels}"):
            data.folder(tmp_path, 8, channels)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    ten(tmp_path / "pics")
    assert data.folder("~/pics", 8).name == "pics"


def test_too_few_pictures_are_counted_and_the_others_named(tmp_path):
    expected = "^path: expected a folder with 10 pictures or more that can be read, got "
    with pytest.raises(ValueError, match=f"{expected}0 in '.*'$"):
        data.folder(tmp_path, 8)
    (ten(tmp_path) / "plain 3.png").write_bytes(b"")
    with pytest.raises(
        ValueError, match=f"{expected}9 in '.*'; 1 left out .*'plain 3.png' .no pic"
    ):
        data.folder(tmp_path, 8)


def test_pixels_are_kept_as_bytes_until_the_end(tmp_path):
    names = sorted(p.name for p in ten(tmp_path).iterdir())
    pictures = folder_file._pictures(str(tmp_path), names, {}, 8, 3)
    assert all(x.dtype == torch.uint8 and x.shape == (3, 8, 8) for x in pictures.values())
    assert all(x.untyped_storage().nbytes() == 3 * 8 * 8 for x in pictures.values())
