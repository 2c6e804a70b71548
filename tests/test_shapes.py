"""The world of drawn shapes: pictures show what their captions say, and the oracle reads it back."""

import math
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import chi2_contingency, chisquare
from torch.testing import assert_close

from genlib import data, evaluate
from genlib.data import images
from genlib.data.shapes import (
    COLOURS,
    COLUMNS,
    EDGE,
    GAP,
    GROUND,
    PAIRS,
    RADII,
    ROWS,
    SHAPES,
    SIZES,
    VOCABULARY,
    WORDS,
    masks,
    paint,
)
from genlib.evaluate import CLEAN, read_shapes, score_shapes

ATTRIBUTES = ("colour", "shape", "size", "row", "column")


def many(n, size, seed=1, pairs=None):
    return data.shapes(n, size, seed, pairs)


# --- pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 16, 33])
def test_pictures_have_their_shape_their_levels_and_their_seed(size):
    one, again, other = many(20, size), many(20, size), many(20, size, 2)
    assert one.x.shape == (20, 3, size, size) and one.x.dtype == torch.float32 and len(one) == 20
    assert torch.equal(one.x, again.x) and one.captions == again.captions
    assert not torch.equal(one.x, other.x) and one.captions != other.captions
    levels = one.x * 255
    assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert one.x.min() >= 0 and one.x.max() <= 1
    for name in ATTRIBUTES:
        assert getattr(one, name).shape == (20,) and getattr(one, name).dtype == torch.int64


def test_the_random_numbers_of_others_stay_as_they_are():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    many(5, 8), data.held_out(8, 1)
    assert torch.equal(torch.rand(4), expected)


def test_what_is_shown_is_uniform_and_independent():
    drawn = many(6000, 8)
    counts = {name: torch.bincount(getattr(drawn, name)).tolist() for name in ATTRIBUTES}
    lengths = map(len, (COLOURS, SHAPES, SIZES, ROWS, COLUMNS))
    assert [len(found) for found in counts.values()] == list(lengths)
    for found in [*counts.values(), torch.bincount(drawn.pair).tolist()]:
        assert chisquare(found).pvalue > 1e-3
    for a, b in ((a, b) for a in ATTRIBUTES for b in ATTRIBUTES if a < b):
        table = torch.zeros(len(counts[a]), len(counts[b])).index_put_(
            (getattr(drawn, a), getattr(drawn, b)), torch.ones(6000), accumulate=True
        )
        assert chi2_contingency(table.numpy()).pvalue > 1e-3


def test_a_caption_says_colour_and_shape_and_the_rest_in_half_of_the_pictures():
    drawn, said, known = many(6000, 8), Counter(), (SIZES, list(COLOURS), SHAPES, ROWS, COLUMNS)
    numbers = zip(drawn.size, drawn.colour, drawn.shape, drawn.row, drawn.column, strict=True)
    for caption, places in zip(drawn.captions, numbers, strict=True):
        true = [words[place] for words, place in zip(known, places, strict=True)]
        words = caption.split()
        assert words == [word for word in true if word in words]  # nothing else, and in this order
        assert true[1] in words and true[2] in words
        said.update(tuple(word in words for word in (true[0], true[3], true[4])))
        said[tuple(word in words for word in (true[0], true[3], true[4]))] += 1
    cases = [n for case, n in said.items() if isinstance(case, tuple)]
    assert (
        len(cases) == 8 and chisquare(cases).pvalue > 1e-3
    )  # each half of the time, and independent


def test_tokens_and_pairs_are_those_of_captions_and_attributes():
    drawn = many(50, 8)
    assert torch.equal(drawn.tokens, VOCABULARY.tokens(drawn.captions))
    assert drawn.tokens.shape == (50, 5) and VOCABULARY.words == WORDS
    for colour, shape, pair in zip(drawn.colour, drawn.shape, drawn.pair, strict=True):
        assert PAIRS[pair] == (list(COLOURS)[colour], SHAPES[shape])
    assert len(set(PAIRS)) == len(COLOURS) * len(SHAPES)


def test_only_the_pairs_that_are_asked_for_appear():
    pairs = [("red", "cross"), ("white", "circle"), ("blue", "cross")]
    drawn = many(900, 8, pairs=iter(pairs))
    found = Counter(PAIRS[pair] for pair in drawn.pair)
    assert set(found) == set(pairs) and chisquare(list(found.values())).pvalue > 1e-3


def shown(drawn):
    """The part of each pixel that the shape covers, (n, size, size), out of the picture alone."""
    ground = drawn.x.flatten(2).median(dim=2).values  # most of a picture is ground
    colour = torch.tensor(list(COLOURS.values()))[drawn.colour]
    off = drawn.x - ground[:, :, None, None]
    part = (off * (colour - ground)[:, :, None, None]).sum(dim=1)
    return part / (colour - ground).square().sum(dim=1)[:, None, None]


def middles(mask):
    """The middle of the box round each mask (n, size, size), x and y in sides of the picture, (n,) each."""
    n, size = mask.shape[:2]
    line = (torch.arange(size) + 0.5) / size
    found = []
    for axis in (1, 2):
        there = (mask > 0).any(dim=axis)
        low, high = (
            line.where(there, torch.inf).amin(dim=1),
            line.where(there, -torch.inf).amax(dim=1),
        )
        found.append((low + high) / 2)
    return found


def test_a_picture_is_one_colour_on_a_dark_grey_ground():
    drawn = many(200, 64)
    ground = drawn.x.flatten(2).median(dim=2).values
    assert (ground[:, :1] == ground).all()  # grey
    assert GROUND[0] - 0.01 < ground.min() < ground.max() < GROUND[1] + 0.01
    assert ground[:, 0].unique().numel() > 10  # from one picture to the next
    colour = torch.tensor(list(COLOURS.values()))[drawn.colour]
    mask = shown(drawn).clamp(0, 1)
    again = paint(mask, colour, ground[:, 0])
    assert_close(again, drawn.x, atol=0.01, rtol=0)
    assert (mask > 0.97).flatten(1).any(dim=1).all()


def test_a_shape_is_where_and_as_large_as_it_is_said_to_be():
    size = 64
    drawn = many(400, size)
    mask = (shown(drawn) > 0.5).float()
    (x, y), total = middles(mask), mask.flatten(1).sum(dim=1)
    assert torch.equal((x > 0.5).long(), drawn.column) and torch.equal((y > 0.5).long(), drawn.row)
    circles = drawn.shape == SHAPES.index("circle")
    radius = (total / math.pi).sqrt() / size
    for k, name in enumerate(SIZES):
        found = radius[circles & (drawn.size == k)]
        low, high = RADII[name]
        assert low - 0.01 < found.min() < low + 0.4 * (high - low)
        assert high + 0.01 > found.max() > low + 0.6 * (high - low)
    for centre in (x[circles], y[circles]):
        assert ((centre - 0.5).abs() > GAP - 0.01).all()
        assert (centre.minimum(1 - centre) > radius[circles] + EDGE - 0.01).all()
        assert (centre - 0.5).abs().max() > 0.25  # and near the border, too
    free = int(EDGE * size)
    inside = mask[:, free : size - free, free : size - free].flatten(1).sum(dim=1)
    assert free and torch.equal(inside, total)


def test_the_shapes_have_the_areas_of_geometry():
    # on a fine grid; side and height are measured, so that only the form is asked for
    n, radius = 400, 0.4
    for k, name in enumerate(SHAPES):
        mask = masks(torch.tensor([k]), torch.tensor([[0.5, 0.5]]), torch.tensor([radius]), n, 1)[0]
        width, height = ((mask.sum(dim=d) > 0).sum().item() / n for d in (0, 1))
        area = mask.mean().item()
        arm = mask[(mask.sum(dim=1) > 0).nonzero()[0, 0]].sum().item() / n  # of the first row
        expected = {
            "circle": math.pi * radius**2,
            "square": width**2,
            "triangle": width * height / 2,
            "cross": 2 * width * arm - arm**2,
        }[name]
        assert area == pytest.approx(expected, rel=0.02)
        assert width == pytest.approx(height, rel=0.02) and 0.8 < width / (2 * radius) < 1.01
        assert torch.equal(mask, mask.flip(1))  # left is right
        if name != "triangle":
            assert torch.equal(mask, mask.flip(0)) and torch.equal(mask, mask.T)
        else:
            rows = mask.sum(dim=1)
            rows = rows[rows > 0]
            assert (rows.diff() >= 0).all() and rows[0] < 0.05 * rows[-1]  # a point, and up


def test_a_mask_is_the_share_of_fine_points_in_each_pixel():
    size, fine, (cx, cy), r = 12, 4, (0.3, 0.65), 0.23
    shape = torch.tensor([SHAPES.index("circle")])
    found = masks(shape, torch.tensor([[cx, cy]]), torch.tensor([r]), size, fine)[0]
    for row in range(size):
        for column in range(size):
            inside = 0
            for i in range(fine):
                for j in range(fine):
                    x = (column + (j + 0.5) / fine) / size
                    y = (row + (i + 0.5) / fine) / size
                    inside += math.hypot(x - cx, y - cy) < r
            assert found[row, column].item() == inside / fine**2
    assert found.flip(0).argmax() != found.argmax()


def test_masks_of_many_shapes_are_those_of_each():
    shape = torch.tensor([3, 0, 2, 1, 0, 3])
    centre, radius = 0.3 + 0.4 * torch.rand(6, 2), 0.1 + 0.2 * torch.rand(6)
    found = masks(shape, centre, radius, 10)
    for i in range(6):
        one = slice(i, i + 1)
        assert torch.equal(found[one], masks(shape[one], centre[one], radius[one], 10))


def test_paint_mixes_colour_and_ground():
    mask, colour, ground = torch.rand(3, 4, 4), torch.rand(3, 3), torch.rand(3)
    found = paint(mask, colour, ground)
    for i in range(3):
        for c in range(3):
            expected = ground[i] + mask[i] * (colour[i, c] - ground[i])
            assert_close(found[i, c], expected)


# --- pairs that are held out ---------------------------------------------------------------------------------------


def test_held_out_pairs_are_spread_evenly_over_colours_and_shapes():
    for seed in (0, 1, 7):
        for n in range(25):
            seen, left = data.held_out(n, seed)
            assert len(left) == n and sorted(seen + left) == sorted(PAIRS)
            assert not {*seen} & {*left}
            for part in (seen, left):
                assert part == [pair for pair in PAIRS if pair in part]
            for axis, names in ((0, COLOURS), (1, SHAPES)):
                counts = [sum(pair[axis] == name for pair in left) for name in names]
                assert max(counts) - min(counts) <= 1
                assert {pair[axis] for pair in seen} == {*names}  # each was seen in some company


def test_held_out_pairs_follow_the_seed():
    assert data.held_out(8, 3) == data.held_out(8, 3)
    assert len({tuple(data.held_out(8, seed)[1]) for seed in range(20)}) > 15
    counts = Counter(pair for seed in range(200) for pair in data.held_out(8, seed)[1])
    assert chisquare([counts[pair] for pair in PAIRS]).pvalue > 1e-3


@pytest.mark.parametrize("name, size", [("shapes", 16), ("shapes_32", 32)])
def test_the_image_set_never_shows_in_training_what_its_test_asks_for(name, size, monkeypatch):
    monkeypatch.setattr(images, "shapes", lambda n, *rest: data.shapes(n // 50, *rest))
    found = data.image_set(name)
    assert (found.name, found.levels) == (name, 256)
    shown = {}
    for part, n in (("train", 400), ("val", 20), ("test", 20)):
        x, y = getattr(found, f"x_{part}"), getattr(found, f"y_{part}")
        assert x.shape == (n, 3, size, size) and y.shape == (n, VOCABULARY.length)
        colours = [[w for w in text.split() if w in COLOURS] for text in VOCABULARY.captions(y)]
        forms = [[w for w in text.split() if w in SHAPES] for text in VOCABULARY.captions(y)]
        shown[part] = {(*c, *f) for c, f in zip(colours, forms, strict=True)}
        read = read_shapes(x)
        told = [
            (list(COLOURS)[c], SHAPES[s])
            for c, s in zip(read["colour"], read["shape"], strict=True)
        ]
        assert {*told} == shown[part]
    seen, left = data.held_out(8)
    assert shown["train"] == {*seen} and shown["val"] < {*seen} and shown["test"] <= {*left}
    assert not torch.equal(found.x_train[:20], found.x_val)


# --- the oracle --------------------------------------------------------------------------------------------------


def right(drawn, x):
    """The share of pictures that the oracle reads right, for each attribute, and the share of clean ones."""
    read = read_shapes(x)
    shares = {name: (read[name] == getattr(drawn, name)).double().mean() for name in ATTRIBUTES}
    return min(shares.values()).item(), read["clean"].double().mean().item()


def blurred(x, sd=0.4):
    kernel = torch.exp(-torch.arange(-2, 3).square() / (2 * sd**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, 5)
    x = F.conv2d(x, kernel, padding=(0, 2), groups=3)
    return F.conv2d(x, kernel.mT, padding=(2, 0), groups=3)


@pytest.mark.parametrize("size", [16, 32])
def test_the_oracle_reads_what_was_drawn(size):
    drawn = many(600, size, 11)
    attributes, clean = right(drawn, drawn.x)
    assert attributes >= 0.995 and clean >= 0.995
    noise = 0.05 * torch.randn(drawn.x.shape, generator=torch.Generator().manual_seed(0))
    for corrupted in (drawn.x + noise, blurred(drawn.x), blurred(drawn.x) + noise):
        assert right(drawn, corrupted)[0] >= 0.995
    assert right(drawn, blurred(drawn.x))[1] >= 0.95


def test_the_oracle_is_sure_of_no_other_pictures():
    drawn = many(300, 16, 12)
    assert read_shapes(torch.rand(300, 3, 16, 16))["clean"].sum() == 0
    assert read_shapes(torch.full((3, 3, 16, 16), 0.1))["clean"].sum() == 0  # nothing on it
    other = many(300, 16, 13)
    apart = (drawn.row != other.row) | (drawn.column != other.column)
    both = read_shapes(torch.maximum(drawn.x, other.x)[apart])
    assert both["clean"].double().mean() < 0.1  # a small one beside a large one may pass
    halves = drawn.x.clone()
    for half, mask in zip(halves, shown(drawn), strict=True):  # without its left half
        middle = (mask > 0.5).any(dim=0).nonzero().double().mean().round().int()
        half[:, :, :middle] = half[:, -1:, -1:] if mask[-1, -1] < 0.1 else half[:, :1, :1]
    assert read_shapes(halves)["clean"].double().mean() < 0.02


def test_the_oracle_is_sure_of_no_other_colour():
    colours = torch.cartesian_prod(*[torch.linspace(0, 1, 6)] * 3)
    known = torch.tensor(list(COLOURS.values()))
    colours = colours[colours.amax(dim=1) > 0.5]
    far = colours[torch.cdist(colours, known).min(dim=1).values > 1.5 * CLEAN["off"]]
    n = len(far)
    centre, radius = torch.tensor([[0.3, 0.3]]).expand(n, 2), torch.full((n,), 0.2)
    x = paint(masks(torch.arange(n) % 4, centre, radius, 16), far, torch.full((n,), 0.1))
    read = read_shapes(x)
    assert n > 10 and (read["shape"] == torch.arange(n) % 4).double().mean() > 0.9
    assert read["clean"].sum() == 0 and (read["error"] < CLEAN["error"]).double().mean() > 0.9


def test_the_oracle_is_the_best_of_all_fits_by_least_squares():
    size = 12
    drawings, found = evaluate._drawings(size)
    x = torch.cat([many(2, size, 3).x, torch.rand(2, 3, size, size)])
    read = read_shapes(x)
    design = torch.stack([drawings, torch.ones_like(drawings)], dim=2).double()  # (K, D, 2)
    for i, picture in enumerate(x.flatten(2).double()):
        answer = torch.linalg.lstsq(design, picture.T.expand(len(design), -1, -1)).solution
        rest = (design @ answer - picture.T).square().sum(dim=(1, 2))
        k = rest.argmin()
        whole = (picture - picture.mean(dim=1, keepdim=True)).square().sum()
        assert read["error"][i].item() == pytest.approx((rest[k] / whole).item(), abs=1e-4)
        colour = answer[k].sum(dim=0)  # of the shape: ground and contrast
        off = (colour - torch.tensor(list(COLOURS.values())).double()).norm(dim=1)
        assert read["off"][i].item() == pytest.approx(off.min().item(), abs=1e-3)
        assert read["colour"][i] == off.argmin()
        for name, values in found.items():
            assert read[name][i] == values[k]


def test_the_drawings_of_the_oracle_are_all_kinds_at_all_places():
    drawings, found = evaluate._drawings(16)
    assert drawings.shape == (len(found["shape"]), 256)
    kinds = Counter(zip(*(found[name].tolist() for name in found), strict=True))
    assert len(kinds) == len(SHAPES) * len(SIZES) * len(ROWS) * len(COLUMNS)
    x, y = middles(drawings.view(-1, 16, 16) > 0.5)
    for middle, name in ((x, "column"), (y, "row")):
        assert ((middle > 0.5).long() == found[name]).double().mean() > 0.99  # in half pixels


def test_many_pictures_are_read_as_each_alone():
    x = many(260, 8, 5).x
    whole = read_shapes(x)
    assert set(whole) == {*ATTRIBUTES, "error", "off", "clean"}
    for i in (0, 249, 250, 259):
        for name, values in read_shapes(x[i : i + 1]).items():
            assert_close(values[0], whole[name][i], atol=1e-3, rtol=1e-3)
    assert all(len(values) == 260 for values in whole.values())


def test_scores_are_shares_of_what_was_read():
    drawn, wanted = many(60, 16, 6), many(60, 16, 6).pair.clone()
    every = torch.arange(60)
    n = len(SHAPES)
    colour, shape = wanted // n, wanted % n
    colour[every % 3 == 0] = (colour[every % 3 == 0] + 1) % len(COLOURS)  # another was asked for
    shape[every % 4 == 0] = (shape[every % 4 == 0] + 1) % n
    x = drawn.x.clone()
    noise = torch.randn(x[::5].shape, generator=torch.Generator().manual_seed(0))
    x[::5] += 0.18 * noise  # read right, but no clean drawing
    found = score_shapes(x, colour * n + shape)
    clean = (every % 3 > 0) & (every % 4 > 0) & (every % 5 > 0)
    assert found == {
        "colour": pytest.approx(2 / 3),
        "shape": pytest.approx(3 / 4),
        "lenient": pytest.approx(1 / 2),
        "strict": pytest.approx(clean.double().mean().item()),
    }
    real = many(400, 16, 8)
    assert min(score_shapes(real.x, real.pair).values()) >= 0.995


# --- what is wrong is named --------------------------------------------------------------------------------------

WRONG = {
    "size: expected a number of at least 8, got 7": lambda: data.shapes(3, 7),
    "n: expected a number of at least 1, got 0": lambda: data.shapes(0),
    r"pairs: expected at least one \(colour, shape\), got none": lambda: data.shapes(3, pairs=[]),
    "pairs: expected one of red circle, .*, got 'pink circle'": lambda: data.shapes(
        3, pairs=[("red", "circle"), ("pink", "circle")]
    ),
    "pairs: expected one of red circle, .*, got 'circle red'": lambda: data.shapes(
        3, pairs=[("circle", "red")]
    ),
    r"pairs: expected tuples \(colour, shape\), got 3": lambda: data.shapes(3, pairs=[3]),
    r"pairs: expected tuples \(colour, shape\), got the text 'red circle'": lambda: data.shapes(
        3, pairs=["red circle"]
    ),
    r"pairs: expected tuples \(colour, shape\), got a tuple of the text 'red circle'": (
        lambda: data.shapes(3, pairs=[("red circle",)])
    ),
    r"n: expected a number in \[0, 24\], got 25": lambda: data.held_out(25),
    "seed: expected a number in": lambda: data.held_out(3, -1),
    "shape: expected whole numbers from 0 to 3, got 4 to 4": lambda: masks(
        torch.tensor([4]), torch.zeros(1, 2), torch.ones(1), 8
    ),
    r"centre: expected shape \(n two\)": lambda: masks(
        torch.tensor([1]), torch.zeros(1, 3), torch.ones(1), 8
    ),
    r"radius: expected shape \(n\)": lambda: masks(
        torch.tensor([1]), torch.zeros(1, 2), torch.ones(2), 8
    ),
    r"x: expected shape \(n 3 size width\), got \(2, 1, 8, 8\)": lambda: read_shapes(
        torch.zeros(2, 1, 8, 8)
    ),
    r"x: expected shape \(n 3 size size\), got \(2, 3, 8, 9\)": lambda: read_shapes(
        torch.zeros(2, 3, 8, 9)
    ),
    r"pair: expected shape \(n\) with {'n': 2}, got \(3,\)": lambda: score_shapes(
        torch.rand(2, 3, 8, 8), torch.tensor([1, 2, 3])
    ),
    "pair: expected whole numbers from 0 to 31, got 0 to 32": lambda: score_shapes(
        torch.rand(2, 3, 8, 8), torch.tensor([0, 32])
    ),
    "x: expected finite values": lambda: read_shapes(torch.full((2, 3, 8, 8), math.nan)),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named(message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        WRONG[message]()
