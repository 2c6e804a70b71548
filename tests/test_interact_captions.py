"""The caption picker: pictures, readings and nearest training pictures are the stored ones, and held-out means it."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genlib import data
from genlib.data.shapes import COLOURS, COLUMNS, PAIRS, ROWS, SHAPES, SIZES, Drawn, held_out
from genlib.evaluate import read_shapes
from genlib.interact import caption_picker
from genlib.interact import captions as figure
from genlib.interact.captions import captions, sheet
from genlib.pretrained import card, tensors
from genlib.recipes import RECIPES
from genlib.table import stored as results
from tools import train_steering as tool

HELD = held_out(8)[1]


@pytest.fixture(scope="module")
def known() -> Drawn:
    """The training pictures, with all that is on them."""
    return data.shapes(20_000, 16, 0, held_out(8)[0])


def test_figure_is_the_same_every_time_small_and_alone():
    html = caption_picker()._repr_html_()
    assert html == caption_picker()._repr_html_() and len(html.encode()) < 200_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert re.search(r'<img class="gl-still" aria-hidden="true" alt="" src="data:image/png', html)
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50


def test_a_caption_opens_the_figure_in_any_order_of_its_words():
    start = caption_picker("large cyan cross top left").data["start"]
    assert start == caption_picker("left cross top cyan large").data["start"]
    assert PAIRS[start["pair"]] == ("cyan", "cross") and start["kind"] == "all"
    assert card("captions_shapes")["rows"][start["row"]] == ["large", "top", "left"]
    assert caption_picker("white square").data["start"]["kind"] == "pair"
    for caption in ("large cyan cross", "avocado chair", ""):
        with pytest.raises(ValueError, match="caption: expected a colour and a shape, alone or"):
            caption_picker(caption)


def test_all_words_that_the_script_uses_are_there():
    script = Path(figure.__file__).with_name("captions.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)


def test_the_figure_says_with_what_it_was_drawn():
    facts = card("captions_shapes")
    recipe = RECIPES[facts["recipe"]]
    assert (facts["recipe"], facts["steps"]) == ("ddpm_shapes", recipe.steps["cpu"])
    assert (facts["lr"], facts["batch"]) == (recipe.lr, recipe.batch)
    assert (facts["scale"], facts["ddim_steps"], facts["eta"]) == (2, 50, 0.3)
    assert re.fullmatch(r"[0-9a-f]{64}", facts["weights"]) and facts["command"] == tool.COMMAND
    shown = caption_picker().data["model"]
    assert shown == ["ddpm_shapes", 0, 2, 50, 0.3, facts["weights"][:12]]
    assert facts["command"] in figure.WORDS["source"]


def test_it_covers_every_pair_alone_four_times_and_with_every_size_and_place_once():
    rows = card("captions_shapes")["rows"]
    assert rows == tool.SAID and rows.count(["", "", ""]) == 4 and len(rows) == 12
    found = [text for _, _, text in captions(rows)]
    assert len(set(found)) == len(found) == 9 * 32
    assert "large red circle top left" in found and "white cross" in found
    assert data.shapes(1).tokens.shape == (1, 5)  # the most words that a caption can have
    assert [PAIRS[k] for k in caption_picker().data["held"]] == HELD


def test_held_out_pairs_were_in_no_training_picture(known):
    counts = card("captions_shapes")["training_pictures"]
    trained_on = data.captioned_shapes()
    assert torch.equal(trained_on.x_train, known.x) and sum(counts) == 20_000
    assert torch.equal(trained_on.y_train, known.tokens)
    said = [" ".join(pair) for pair in PAIRS]
    for pair, count in zip(said, counts, strict=True):
        assert sum(pair in text for text in known.captions) == count
    assert [PAIRS[k] for k, count in enumerate(counts) if not count] == HELD


def test_stored_readings_are_those_of_the_pictures():
    stored = tensors("captions_shapes")
    assert stored["x"].shape == (12, 32, 3, 16, 16)
    some = [0, 3, 7]
    found = read_shapes((stored["x"][some] / 255).flatten(0, 1))
    for k, part in enumerate(("colour", "shape", "size", "row", "column")):
        assert torch.equal(found[part], stored["read"][some][..., k].flatten().long()), part
    assert torch.equal(found["clean"], stored["clean"][some].flatten().bool())


def test_the_nearest_training_picture_is_the_nearest(known):
    stored = tensors("captions_shapes")
    for row, pair in ((0, 0), (2, 19), (11, 31)):
        x, at = stored["x"][row, pair] / 255, stored["near_at"][row, pair].item()
        far = (known.x - x).square().flatten(1).sum(dim=1)
        assert far[at] <= far.min() * (1 + 1e-4)
        shown = stored["near"][row, pair] / 255
        torch.testing.assert_close(shown, known.x[at], atol=0.025, rtol=0)
        lists = (COLOURS, SHAPES, SIZES, ROWS, COLUMNS)
        words = [
            list(names)[k]
            for names, k in zip(lists, stored["near_words"][row, pair].tolist(), strict=True)
        ]
        assert tuple(words[:2]) == PAIRS[known.pair[at]]
        assert words[2] == list(SIZES)[known.size[at]] and words[4] == COLUMNS[known.column[at]]
    pairs = stored["near_words"][..., 0].long() * len(SHAPES) + stored["near_words"][..., 1]
    assert not {PAIRS[k] for k in pairs.unique().tolist()} & set(HELD)


def test_what_the_figure_lets_one_see():
    """Pairs that were never seen are drawn as asked, most of the time; and some drawings fail."""
    stored = tensors("captions_shapes")
    pair = stored["read"][..., 0].long() * len(SHAPES) + stored["read"][..., 1]
    strict = (pair == torch.arange(32)) & stored["clean"].bool()
    held = torch.tensor([p in HELD for p in PAIRS])
    assert strict[:, held].double().mean() > 0.8 and strict[:, ~held].double().mean() > 0.9
    five = results("captions")["recipe"]["strict_held_out"]  # hold-outs on which nothing was chosen
    assert strict[:, held].double().mean() > max(five)
    assert not strict.all()


def test_the_sheet_has_a_picture_at_its_place_and_the_page_gets_its_bytes():
    x = tensors("captions_shapes")["x"]
    whole = sheet(x)
    assert torch.equal(whole[5 * 16 : 6 * 16, 9 * 16 : 10 * 16], x[5, 9].permute(1, 2, 0))
    address = caption_picker().picture
    file = io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))
    assert np.array_equal(np.asarray(Image.open(file)), whole.numpy())


def test_tools_parts_on_real_drawings():
    """Drawn pictures are read as what they are, and each is its own nearest one."""
    known = data.shapes(64, 16, 3)
    x = known.x.view(2, 32, 3, 16, 16)
    found, near = tool.read(x), tool.nearest(x, known)
    assert found["clean"].all()
    assert torch.equal(found["read"][..., 0].flatten().long(), known.colour)
    assert torch.equal(near["near_at"].flatten(), torch.arange(64, dtype=torch.int32))
    assert torch.equal(near["near_words"][..., 4].flatten().long(), known.column)
