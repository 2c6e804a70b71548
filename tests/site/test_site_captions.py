"""The caption picker in a browser: its pictures are Python's from the same noise, and so is the oracle."""

from pathlib import Path

import pytest
import torch
from test_site_figures import frames, numbers, press, set_slider, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.data import shapes
from genlib.data.shapes import COLOURS, COLUMNS, PAIRS, ROWS, SHAPES, SIZES, held_out
from genlib.evaluate import read_shapes
from genlib.interact import caption_picker
from genlib.interact import captions as twin
from genlib.interact.captions import Wish, model_in_page, picture

FOLDER = Path(twin.__file__).parent
HELD = {" ".join(pair) for pair in held_out(8)[1]}
LISTS = [list(part) for part in (COLOURS, SHAPES, SIZES, ROWS, COLUMNS)]
NAMES = ("colour", "shape", "size", "row", "column")
READ = """([world, pictures]) => {
    const oracle = oracleOf(world);
    oracle.prepare();
    const found = pictures.map((x) => oracle.read(Float32Array.from(x)));
    return found.map(({ words, error, clean }) => [words, error, +clean]);
}"""
PIXELS = """(canvas) => {  // red, green and blue of every pixel
    const image = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, 16, 16);
    return Array.from(image.data).filter((_, i) => i % 4 < 3);
}"""


def rests(figure) -> dict:
    """Wait until nothing is drawn any more, and return the numbers."""
    frames(figure.page)
    figure.page.wait_for_function(
        "(e) => e.dataset.busy === 'false'", arg=figure.element_handle(), timeout=60_000
    )
    frames(figure.page)
    return numbers(figure)


def spoken(read: dict, k: int) -> str:
    colour, shape, size, *place = [
        names[read[part][k]] for names, part in zip(LISTS, NAMES, strict=True)
    ]
    return " ".join([size, colour, shape, *place])


def pixels(canvas) -> torch.Tensor:
    return torch.tensor(canvas.evaluate(PIXELS)).view(16, 16, 3).permute(2, 0, 1)


def agree(figure, wish: Wish, shown: dict) -> torch.Tensor:
    """Compare the last picture of the pair with Python's for a wish, and what is read in it."""
    x = picture(model_in_page(), wish)
    here = torch.tensor([float(v) for v in shown["x"].split()]).view(x.shape)
    assert (here - x).abs().max() < 1e-2 and (here - x).square().mean().sqrt() < 1e-3
    read = read_shapes((here / 2 + 0.5).clamp(0, 1))
    assert shown["read"].split(", ")[-1] == spoken(read, 0)
    right = set(wish.caption.split()) <= set(spoken(read, 0).split())
    assert int(shown["right"].split()[-1]) == right
    assert int(shown["clean"].split()[-1]) == read["clean"].item()
    return here


@pytest.mark.parametrize(
    "wish",
    [
        Wish("cyan cross", 3),
        Wish("red circle", 3, seed=4, steps=10, scale=1.0),
        Wish("white square", 3, steps=10, scale=0.0),
        Wish("large blue triangle bottom right", 3, seed=2, steps=15, scale=3.5),
    ],
    ids=["guided", "not guided", "not told", "size and place"],
)
def test_pictures_are_pythons(show, wish):  # noqa: F811
    options = {"steps": wish.steps, "scale": wish.scale, "seed": wish.seed}
    figure = show(caption_picker(wish.caption, **options)).locator(".gl-interact")
    press(figure, "Draw four")
    shown = rests(figure)
    assert set(shown["caption"].split()) == set(wish.caption.split()) and shown["n"] == "4"
    x = agree(figure, wish, shown)
    ours = figure.locator(".gl-cp-draws canvas").nth(6)  # the fourth card: drawn, then nearest
    assert (pixels(ours) - 255 * (x[0] / 2 + 0.5).clamp(0, 1)).abs().max() < 2
    text = figure.inner_text()
    words = " ".join(PAIRS[int(shown["pair"])])
    assert ("◇ Never seen in training" in text) == (words in HELD) == (shown["held"] == "true")


def test_the_oracle_is_pythons(show):  # noqa: F811
    page = show()
    scripts = [(FOLDER / f"{n}.js").read_text(encoding="utf-8") for n in ("shared", "oracle")]
    page.add_script_tag(content="\n".join(scripts))
    x = shapes(40, 16, 7).x
    x = torch.cat([x, x[:20] + 0.2 * torch.randn(20, 3, 16, 16), torch.rand(5, 3, 16, 16)])
    found = page.evaluate(READ, [twin.world(), x.flatten(1).tolist()])
    want = read_shapes(x)
    for k, (words, error, clean) in enumerate(found):
        assert words == [want[part][k].item() for part in NAMES]
        assert error == pytest.approx(want["error"][k].item(), abs=1e-3)
        assert clean == want["clean"][k].item()


def test_every_pair_is_drawn_once_and_the_oracle_keeps_the_score(show):  # noqa: F811
    figure = show(caption_picker(steps=5)).locator(".gl-interact")
    press(figure, "Draw every pair once")
    assert rests(figure)["done"] == "32"
    good = {False: [], True: []}
    for pair in PAIRS:
        name = " ".join(pair)
        figure.get_by_role("button", name=name).first.click()
        frames(figure.page)
        shown = numbers(figure)
        assert shown["caption"] == name and shown["n"] == "1"
        good[name in HELD].append(shown["right"] == shown["clean"] == "1")
        wrong = "drawn wrong" in figure.locator("button[aria-pressed=true]").get_attribute(
            "aria-label"
        )
        assert wrong == (shown["right"] == "0")
    counted = [sum(good[False]), len(good[False]), sum(good[True]), len(good[True])]
    assert counted[1::2] == [24, 8] and shown["counted"] == " ".join(map(str, counted))
    assert f"held-out pairs {counted[2]} of 8" in figure.inner_text()
    set_slider(figure, 0, 3.0)  # another scale: the score starts again
    assert numbers(figure)["counted"] == "0 0 0 0"


def test_drawing_can_be_stopped_and_goes_on_with_new_noise(show):  # noqa: F811
    figure = show(caption_picker("red circle", steps=10)).locator(".gl-interact")
    press(figure, "Draw every pair once")
    figure.page.wait_for_function("(e) => +e.dataset.done > 0", arg=figure.element_handle())
    press(figure, "Stop")
    assert numbers(figure)["busy"] == "false" and int(numbers(figure)["done"]) < 32
    press(figure, "Draw four")
    shown = rests(figure)
    assert shown["n"] == "5", "one before, four now"
    agree(figure, Wish("red circle", 4, steps=10), shown)


def test_the_map_moves_by_click_and_by_keys(show):  # noqa: F811
    page = show(caption_picker())
    figure = page.locator(".gl-interact")
    assert numbers(figure)["caption"] == "cyan cross" and numbers(figure)["held"] == "true"
    figure.get_by_role("button", name="blue circle").click()
    assert numbers(figure)["held"] == "false"
    for key, caption in [
        ("ArrowRight", "blue square"),
        ("ArrowDown", "purple square"),
        ("ArrowLeft", "purple circle"),
        ("ArrowLeft", "purple circle"),  # the edge of the map
        ("ArrowUp", "blue circle"),
    ]:
        page.keyboard.press(key)
        frames(page)
        assert numbers(figure)["caption"] == caption
        chosen = figure.locator("button[aria-pressed=true]")
        assert chosen.count() == 1 and chosen.evaluate("(e) => e === document.activeElement")
    assert figure.locator(".gl-cp-map button[tabindex='0']").count() == 1


def test_size_and_place_can_be_said_too(show):  # noqa: F811
    page = show(caption_picker("cyan cross"))
    figure = page.locator(".gl-interact")
    assert not figure.get_by_role("radio", name="bottom").is_visible()
    figure.get_by_role("radio", name="size and place too").check()
    for name in ("large", "bottom", "right"):
        figure.get_by_role("radio", name=name, exact=True).check()
    frames(page)
    assert numbers(figure)["caption"] == "large cyan cross bottom right"
    figure.get_by_role("radio", name="colour and shape").check()
    frames(page)
    assert numbers(figure)["caption"] == "cyan cross"


def test_held_out_pairs_are_marked_by_a_sign_and_a_name_not_by_colour_alone(show):  # noqa: F811
    buttons = show(caption_picker()).locator(".gl-cp-map button")
    assert buttons.count() == len(PAIRS)
    for k, pair in enumerate(PAIRS):
        held, name = " ".join(pair) in HELD, buttons.nth(k).get_attribute("aria-label")
        assert ("◇" in buttons.nth(k).inner_text()) == held
        assert name.startswith(" ".join(pair)) and ("never seen in training" in name) == held


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("caption", ["cyan cross", "small red circle top left"])
def test_text_stands_out_and_axe_is_content(show, scheme, caption):  # noqa: F811
    page = show(caption_picker(caption, steps=5))
    press(page.locator(".gl-interact"), "Draw four")
    rests(page.locator(".gl-interact"))
    assert_readable(page, scheme)


@pytest.mark.parametrize("caption", ["yellow triangle", "small yellow triangle bottom right"])
def test_figure_fits_a_phone(show, caption):  # noqa: F811
    page = show(caption_picker(caption), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
