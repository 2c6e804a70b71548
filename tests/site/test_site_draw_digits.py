"""Digits drawn in a browser: the forward pass is torch's, and every walk ends where Python's walk ends."""

from pathlib import Path

import pytest
import torch
from browsing import on_a_phone
from test_site_figures import frames, numbers, press, set_slider, show  # noqa: F401
from test_site_film import INK
from test_site_pages import assert_readable

from genlib.data import signed
from genlib.guidance import Given
from genlib.interact import draw as twin
from genlib.interact import draw_digits
from genlib.interact.draw import ANY, EACH, Walk, model_in_page, moments, one_of_each
from genlib.interact.unet import packed

FOLDER = Path(twin.__file__).parent
LOWER = torch.arange(64).view(1, 1, 8, 8) >= 32
FORWARD = """([packed, cases]) => {
    const net = unetOf(packed, 8);
    return cases.map(([x, t, y]) => Array.from(net.denoise(Float32Array.from(x), net.told(t, y))));
}"""


def after_draw(figure) -> dict:
    """Press Draw, wait until the walk has ended, and return the numbers."""
    before = int(numbers(figure).get("drawn", 0))
    press(figure, "Draw")
    figure.page.wait_for_function(
        "([e, n]) => +e.dataset.drawn > n", arg=[figure.element_handle(), before]
    )
    frames(figure.page)
    return numbers(figure)


def agree(figure, walk: Walk, own=None, hole=None) -> list[tuple[int, torch.Tensor]]:
    """Draw, compare the last state and the ink of the third picture with Python's walk, and return that walk."""
    shown, states = after_draw(figure), list(moments(model_in_page(), walk, own, hole))
    times, x = [t for t, _ in states], states[-1][1]
    kept = [t for t in times if walk.steps or t % 10 == 0]
    assert shown["moments"] == " ".join(map(str, kept)) and shown["t"] == "0"
    here = torch.tensor([float(v) for v in shown["x"].split()])
    assert (here - x.flatten()).abs().max() < 5e-3
    assert (here - x.flatten()).square().mean().sqrt() < 5e-4
    assert_ink(figure, 2, x[2])
    return states


def assert_ink(figure, at: int, x: torch.Tensor) -> None:
    ink = torch.tensor(figure.locator("canvas").nth(at).evaluate(INK))
    assert (ink - (255 * (x.flatten() + 1) / 2).clamp(0, 255)).abs().max() < 3


def test_the_forward_pass_is_torchs(show):  # noqa: F811
    page, model = show(), model_in_page()
    scripts = [(FOLDER / f"{n}.js").read_text(encoding="utf-8") for n in ("shared", "nn", "unet")]
    page.add_script_tag(content="\n".join(scripts))
    x, t = torch.randn(6, 1, 8, 8), torch.tensor([1, 60, 300, 500, 800, 1000])
    y = torch.tensor([10, 0, 3, 9, 10, 5])
    net = twin.pretrained.digits_ddpm_guided().net.net
    cases = list(zip(x.flatten(1).tolist(), t.tolist(), y.tolist(), strict=True))
    v = torch.tensor(page.evaluate(FORWARD, [packed(net), cases]))
    torch.testing.assert_close(v, Given(model.net, y)(x, t).flatten(1), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "walk",
    [
        Walk(seed=2, steps=20),
        Walk(seed=4, steps=10, digit=EACH),
        Walk(seed=3, steps=10, eta=0.7, digit=4, scale=1.0),
        Walk(seed=1, steps=15, digit=7, scale=2.5),
        Walk(seed=1, steps=5, digit=7, scale=0.0),
    ],
    ids=["any", "each", "label, fresh noise", "guided", "guided by nothing"],
)
def test_new_digits_are_pythons(show, walk):  # noqa: F811
    digit = {ANY: "any", EACH: "each"}.get(walk.digit, str(walk.digit))
    options = {"seed": walk.seed, "steps": walk.steps, "eta": walk.eta, "scale": walk.scale}
    figure = show(draw_digits(digit=digit, **options)).locator(".gl-interact")
    agree(figure, walk)
    text = figure.inner_text()
    assert f"Seed {walk.seed}, {walk.steps} steps" in text
    wish = {"any": "any digit", "each": "asked for 0 to 9 in turn"}.get(digit, f"asked for {digit}")
    assert wish in text


def test_sliders_say_what_is_drawn_and_every_moment_can_be_seen(show):  # noqa: F811
    page = show(draw_digits())
    figure = page.locator(".gl-interact")
    set_slider(figure, 1, 5)  # the first is the moment of the walk
    set_slider(figure, 2, 10)
    set_slider(figure, 3, 1.0)
    figure.get_by_role("radio", name="3", exact=True).check()
    set_slider(figure, 4, 1.5)
    walk = Walk(seed=5, steps=10, eta=1.0, digit=3, scale=1.5)
    states = agree(figure, walk)
    figure.get_by_role("checkbox", name="Show what the network sees").check()
    frames(page)
    moment = figure.get_by_role("slider", name="Moment of the walk")
    moment.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    frames(page)
    t, x = states[-3]
    assert numbers(figure)["t"] == str(t) and moment.get_attribute("aria-valuetext") == f"t = {t}"
    assert_ink(figure, 2, x[2])
    model = model_in_page()
    seen = model.replace(net=twin.told(model.net, walk)).predict(x, torch.full((16,), t))[0]
    assert_ink(figure, 16 + 2, seen[2])
    figure.get_by_role("radio", name="any").check()  # another wish: back to the start
    frames(page)
    assert numbers(figure)["t"] == "1000" and "Ready." in figure.inner_text()
    assert_ink(figure, 2, states[0][1][2])


def test_a_digit_is_noised_and_walks_back(show):  # noqa: F811
    page = show(draw_digits("back", steps=10))
    figure, own = page.locator(".gl-interact"), signed(one_of_each())[8:]
    assert_ink(figure, 2, next(moments(model_in_page(), Walk(t=500), own[:1]))[1][2])
    agree(figure, Walk(steps=10, t=500), own[:1])
    press(figure, "A test digit")
    set_slider(figure, 2, 50)  # after ink and moment
    figure.get_by_role("checkbox", name="All steps").check()
    agree(figure, Walk(steps=None, t=50), own[1:2])


def test_what_is_erased_is_filled_in(show):  # noqa: F811
    page = show(draw_digits("fill", steps=10, eta=1.0))
    figure, own = page.locator(".gl-interact"), signed(one_of_each())[8:9]
    states = agree(figure, Walk(steps=10, eta=1.0), own, LOWER)
    known = states[-1][1].flatten(1)[:, :32]
    assert torch.equal(known, own.flatten(1)[:, :32].expand(16, -1))
    press(figure, "Erase nothing")
    agree(figure, Walk(steps=10, eta=1.0), own, torch.zeros_like(LOWER))


def test_pen_by_mouse(show):  # noqa: F811
    page = show(draw_digits("back", steps=5))
    figure = page.locator(".gl-interact")
    press(figure, "Empty page")
    box = figure.get_by_role("grid").bounding_box()

    def at(row: int, column: int) -> tuple[float, float]:
        return box["x"] + (column + 0.5) / 8 * box["width"], box["y"] + (row + 0.5) / 8 * box[
            "height"
        ]

    set_slider(figure, 0, 12)
    page.mouse.move(*at(1, 2))
    page.mouse.down()
    for row in range(2, 6):
        page.mouse.move(*at(row, 2))
    page.mouse.up()
    page.mouse.move(*at(5, 6))
    frames(page)
    own = torch.full((1, 1, 8, 8), -1.0)
    own[..., 1:6, 2] = 12 / 8 - 1
    assert figure.get_by_role("gridcell", name="row 2, column 3: ink 12 of 16").count() == 1
    assert figure.get_by_role("gridcell", name="ink 0 of 16").count() == 59
    agree(figure, Walk(steps=5, t=500), own)


def test_pen_by_keyboard(show):  # noqa: F811
    page = show(draw_digits("fill", steps=5))
    figure = page.locator(".gl-interact")
    press(figure, "Erase nothing")
    cell = figure.locator("[role=gridcell][tabindex='0']")
    assert cell.get_attribute("aria-label").startswith("row 4, column 4")
    cell.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.ariaLabel") == "row 3, column 5: erased"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    frames(page)
    hole = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hole[..., 2:4, 4] = True
    agree(figure, Walk(steps=5), signed(one_of_each())[8:9], hole)
    figure.get_by_role("radio", name="paint").check()
    cell.focus()
    page.keyboard.press("Space")
    assert "row 4, column 5: erased" in page.evaluate("document.activeElement.ariaLabel")
    figure.get_by_role("radio", name="Noise a digit").check()
    assert figure.get_by_role("gridcell", name="row 4, column 5: ink 16 of 16").count() == 1


def test_pen_by_touch(browser):
    page = on_a_phone(browser, draw_digits("back"))
    figure = page.locator(".gl-interact")
    press(figure, "Empty page")
    grid = figure.get_by_role("grid")
    grid.scroll_into_view_if_needed()
    box, before = grid.bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    places = [
        (box["x"] + box["width"] * 0.3, box["y"] + box["height"] * (k + 0.5) / 8)
        for k in range(1, 7)
    ]
    for k, (x, y) in enumerate(places):
        kind = "touchMove" if k else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    frames(page)
    for row in range(2, 8):
        assert (
            figure.get_by_role("gridcell", name=f"row {row}, column 3: ink 16 of 16").count() == 1
        )
    assert page.evaluate("scrollY") == before, "the page does not scroll while one draws"
    page.context.close()


def test_the_page_stays_alive_and_a_walk_can_be_stopped(show):  # noqa: F811
    page = show(draw_digits(steps=100))
    figure = page.locator(".gl-interact")
    page.evaluate(
        """() => {
            window.seen = 0;
            const look = () => { window.seen += 1; requestAnimationFrame(look); };
            requestAnimationFrame(look);
        }"""
    )
    start = page.evaluate("window.seen")
    shown = after_draw(figure)
    assert page.evaluate("window.seen") - start > 10, "frames go on between the slices"
    assert int(shown["slices"]) > 50, "1,600 passes through the network are cut in many slices"
    figure.get_by_role("checkbox", name="All steps").check()
    press(figure, "Draw")
    page.wait_for_function(
        "(e) => e.querySelector('progress').value > 0.01", arg=figure.element_handle()
    )
    press(figure, "Stop")
    stopped = figure.locator("progress").evaluate("(e) => e.value")
    assert stopped == 0 and "Stopped at t = 9" in figure.inner_text()
    page.wait_for_timeout(200)
    assert (
        numbers(figure)["drawn"] == "1" and figure.get_by_role("button", name="Draw").count() == 1
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("task", twin.TASKS)
def test_text_stands_out_and_axe_is_content(show, scheme, task):  # noqa: F811
    page = show(draw_digits(task, steps=5, digit="3"))
    after_draw(page.locator(".gl-interact"))
    page.get_by_role("checkbox", name="Show what the network sees").check()
    assert_readable(page, scheme)


@pytest.mark.parametrize("task", twin.TASKS)
def test_figure_fits_a_phone(show, task):  # noqa: F811
    page = show(draw_digits(task), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
