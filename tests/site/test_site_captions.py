"""The caption picker in a browser: map, keys and words move it, and every picture and reading is the stored one."""

import pytest
import torch
from test_site_figures import frames, numbers, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.data.shapes import COLOURS, COLUMNS, PAIRS, ROWS, SHAPES, SIZES, held_out
from genlib.interact import caption_picker
from genlib.pretrained import card, tensors

HELD = {" ".join(pair) for pair in held_out(8)[1]}
LISTS = [list(part) for part in (COLOURS, SHAPES, SIZES, ROWS, COLUMNS)]
PIXELS = """(canvas) => {  // red, green and blue of every pixel
    const copy = document.createElement("canvas");
    copy.width = copy.height = 16;
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(canvas, 0, 0);
    return Array.from(pen.getImageData(0, 0, 16, 16).data).filter((_, i) => i % 4 < 3);
}"""


def spoken(words: torch.Tensor) -> str:
    colour, shape, size, *place = [names[k] for names, k in zip(LISTS, words.tolist(), strict=True)]
    return " ".join([size, colour, shape, *place])


def pixels(canvas) -> torch.Tensor:
    return torch.tensor(canvas.evaluate(PIXELS)).view(16, 16, 3).permute(2, 0, 1)


def agree(figure) -> dict:
    """Compare the caption, the readings and the pictures of the first card, and one of the map, with Python."""
    figure.page.wait_for_function("(e) => e.dataset.drawn === 'true'", arg=figure.element_handle())
    shown, stored, said = (
        numbers(figure),
        tensors("captions_shapes"),
        card("captions_shapes")["rows"],
    )
    pair, rows = int(shown["pair"]), [int(k) for k in shown["rows"].split()]
    size, row, column = said[rows[0]]
    caption = " ".join(filter(None, (size, *PAIRS[pair], row, column)))
    assert shown["caption"] == caption and all(said[k] == said[rows[0]] for k in rows)
    assert len(rows) == (1 if size else 4)
    assert shown["read"] == ", ".join(spoken(stored["read"][k, pair]) for k in rows)
    assert shown["near"] == ", ".join(spoken(stored["near_words"][k, pair]) for k in rows)
    assert shown["clean"] == " ".join(str(stored["clean"][k, pair].item()) for k in rows)
    right = [set(caption.split()) <= set(spoken(stored["read"][k, pair]).split()) for k in rows]
    assert shown["right"] == " ".join(str(int(found)) for found in right)
    assert shown["held"] == str(" ".join(PAIRS[pair]) in HELD).lower()
    text = figure.inner_text()
    assert f"“{caption}”" in text
    assert ("◇ Never seen in training" in text) == (shown["held"] == "true")
    assert card("captions_shapes")["weights"][:12] in text and "make steering" in text
    first = figure.locator(".gl-cp-draws canvas")
    assert (pixels(first.nth(0)) - stored["x"][rows[0], pair]).abs().max() < 2
    assert (pixels(first.nth(1)) - stored["near"][rows[0], pair]).abs().max() < 2
    small = figure.locator(".gl-cp-map canvas").nth(13)
    assert (pixels(small) - stored["x"][rows[0], 13]).abs().max() < 2
    return shown | {"first": pixels(first.nth(0))}


def test_the_map_moves_by_click_and_by_keys(show):  # noqa: F811
    page = show(caption_picker())
    figure = page.locator(".gl-interact")
    start = agree(figure)
    assert start["caption"] == "cyan cross" and start["held"] == "true"
    figure.get_by_role("button", name="blue circle").click()
    blue = agree(figure)
    assert blue["held"] == "false" and not torch.equal(blue["first"], start["first"])
    for key, caption in [
        ("ArrowRight", "blue square"),
        ("ArrowDown", "purple square"),
        ("ArrowLeft", "purple circle"),
        ("ArrowLeft", "purple circle"),  # the edge of the map
        ("ArrowUp", "blue circle"),
    ]:
        page.keyboard.press(key)
        frames(page)
        assert agree(figure)["caption"] == caption
        chosen = figure.locator("button[aria-pressed=true]")
        assert chosen.count() == 1 and chosen.evaluate("(e) => e === document.activeElement")
    assert figure.locator(".gl-cp-map button[tabindex='0']").count() == 1


def test_size_and_place_can_be_said_too(show):  # noqa: F811
    page = show(caption_picker("cyan cross"))
    figure = page.locator(".gl-interact")
    plain = agree(figure)
    assert not figure.get_by_role("radio", name="bottom").is_visible()
    figure.get_by_role("radio", name="size and place too").check()
    for name in ("large", "bottom", "right"):
        figure.get_by_role("radio", name=name, exact=True).check()
    frames(page)
    shown = agree(figure)
    assert shown["caption"] == "large cyan cross bottom right"
    assert not torch.equal(shown["first"], plain["first"])
    figure.get_by_role("radio", name="colour and shape").check()
    frames(page)
    assert torch.equal(agree(figure)["first"], plain["first"])


def test_held_out_pairs_are_marked_by_a_sign_and_a_name_not_by_colour_alone(show):  # noqa: F811
    figure = show(caption_picker()).locator(".gl-interact")
    agree(figure)
    buttons = figure.locator(".gl-cp-map button")
    assert buttons.count() == len(PAIRS)
    for k, pair in enumerate(PAIRS):
        held, name = " ".join(pair) in HELD, buttons.nth(k).get_attribute("aria-label")
        assert ("◇" in buttons.nth(k).inner_text()) == held
        assert name.startswith(" ".join(pair)) and ("never seen in training" in name) == held


def test_the_count_is_pythons_over_all_pictures_of_the_figure(show):  # noqa: F811
    stored, said = tensors("captions_shapes"), card("captions_shapes")["rows"]
    good = {False: [], True: []}
    for k, words in enumerate(said):
        for at, pair in enumerate(PAIRS):
            read = set(spoken(stored["read"][k, at]).split())
            right = {*pair, *filter(None, words)} <= read and stored["clean"][k, at].item()
            good[" ".join(pair) in HELD].append(bool(right))
    counted = [sum(good[False]), len(good[False]), sum(good[True]), len(good[True])]
    figure = show(caption_picker()).locator(".gl-interact")
    assert numbers(figure)["counted"] == " ".join(map(str, counted))
    assert f"held-out pairs {counted[2]} of {counted[3]}" in figure.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("caption", ["cyan cross", "small red circle top left"])
def test_text_stands_out_and_axe_is_content(show, scheme, caption):  # noqa: F811
    assert_readable(show(caption_picker(caption)), scheme)


@pytest.mark.parametrize("caption", ["yellow triangle", "small yellow triangle bottom right"])
def test_figure_fits_a_phone(show, caption):  # noqa: F811
    page = show(caption_picker(caption), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_still_picture_stands_there_without_javascript(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{caption_picker()._repr_html_()}")
    picture = page.locator(".gl-interact img")
    assert picture.is_visible() and picture.bounding_box()["width"] > 300
    assert "What the model drew" in page.locator(".gl-interact").inner_text()
    context.close()
