"""Particles in a browser: their walk is Python's, wherever the modes are dragged, and so are the numbers."""

import math

import pytest
import torch
from browsing import on_a_phone, swipe
from test_site_figures import arrives, drag, frames, numbers, press, set_slider, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.data import Mixture
from genlib.ddpm import ddim_times
from genlib.evaluate import mode_scores
from genlib.interact import walk_back
from genlib.interact.walk import MEANS, SD, STEPS, N, T, states


def points(text: str) -> torch.Tensor:
    return torch.tensor([float(v) for v in text.split()], dtype=torch.float64).view(-1, 2)


def means_of(shown: dict) -> list[list[float]]:
    return [[float(v) for v in pair.split(",")] for pair in shown["means"].split()]


def agree(figure) -> dict:
    """Compare times, ends and numbers of the figure with Python's walk from the same noise."""
    figure.page.wait_for_function(f"(e) => e.dataset.n === '{N}'", arg=figure.element_handle())
    shown = numbers(figure)
    steps, power, eta = int(shown["steps"]), int(shown["power"]), float(shown["eta"])
    assert [int(t) for t in shown["times"].split()] == ddim_times(T, steps, power)
    x, means = points(shown["x"]), means_of(shown)
    ends = states(means, steps, eta, power, int(shown["seed"]))[-1]
    assert (x - ends).abs().max() < 1e-3
    want = mode_scores(x, Mixture(torch.tensor(means, dtype=torch.float64), SD))
    assert float(shown["near"]) == pytest.approx(want["high_quality"], abs=1e-3)
    assert float(shown["width"]) == pytest.approx(want["spread"], abs=1e-3, nan_ok=True)
    assert int(shown["modes"]) <= len(means) and float(shown["distance"]) > 0
    for name, digits in [("near", 3), ("width", 2), ("distance", 3)]:
        said = f"{float(shown[name]):.{digits}f}".replace("nan", "–")
        assert said in figure.inner_text()
    return shown


@pytest.mark.parametrize(
    "steps, eta, power",
    [(1, 0.0, 1), (10, 0.0, 1), (10, 0.0, 2), (10, 0.7, 1), (3, 1.0, 2), (100, 1.0, 1)],
)
def test_walks_are_pythons(show, steps, eta, power):  # noqa: F811
    agree(show(walk_back(steps, eta, power, seed=3)).locator(".gl-interact"))


def test_modes_move_by_mouse_and_keyboard_and_the_walk_with_them(show):  # noqa: F811
    page = show(walk_back(50))
    figure = page.locator(".gl-interact")
    before = agree(figure)
    drag(page, figure.get_by_role("slider", name="Mode 1", exact=True), 60, 40)
    after = agree(figure)
    assert means_of(after)[0] != MEANS[0] and means_of(after)[1:] == MEANS[1:]
    assert after["x"] != before["x"]
    handle = figure.get_by_role("slider", name="Mode 2", exact=True)
    handle.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    frames(page)
    x, y = MEANS[1]
    assert means_of(agree(figure))[1] == pytest.approx([x - 0.5, y + 0.1])
    assert f"x {x - 0.5:.1f}" in handle.get_attribute("aria-valuetext").replace("−", "-")
    for _ in range(9):
        page.keyboard.press("Shift+ArrowRight")
    frames(page)
    assert means_of(agree(figure))[1][0] == 2


def test_a_finger_moves_a_mode(browser):
    page = on_a_phone(browser, walk_back())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    swipe(page, figure.get_by_role("slider", name="Mode 3", exact=True), -30, 20)
    arrives(figure, "means", before["means"])
    agree(figure)
    page.context.close()


def test_controls_say_how_it_walks(show):  # noqa: F811
    figure = show(walk_back()).locator(".gl-interact")
    set_slider(figure, 1, STEPS.index(20))  # the first is the moment
    set_slider(figure, 2, 1.0)
    figure.get_by_role("radio", name="finer near 0").check()
    figure.get_by_label("Seed").fill("7")
    figure.page.keyboard.press("Enter")
    frames(figure.page)
    shown = agree(figure)
    assert [shown[k] for k in ("steps", "eta", "power", "seed")] == ["20", "1", "2", "7"]


def test_moments_can_be_stepped_scrubbed_and_played(show):  # noqa: F811
    page = show(walk_back(10))
    figure = page.locator(".gl-interact")
    picture = lambda: figure.locator("canvas").evaluate("(e) => e.toDataURL()")  # noqa: E731
    noise = picture()
    press(figure, "One step")
    assert numbers(figure)["t"] == "900" and picture() != noise
    figure.get_by_role("checkbox", name="Score").uncheck()
    frames(page)
    bare = picture()
    moment = figure.get_by_role("slider", name="Moment of the walk")
    moment.focus()
    page.keyboard.press("End")
    frames(page)
    assert moment.get_attribute("aria-valuetext") == "t = 0" and picture() != bare
    press(figure, "Walk")
    page.wait_for_function("(e) => +e.dataset.at > 1", arg=figure.element_handle())
    press(figure, "Pause")
    at = numbers(figure)["at"]
    page.wait_for_timeout(700)
    assert numbers(figure)["at"] == at != "10"
    press(figure, "Back to the noise")
    figure.get_by_role("checkbox", name="Score").check()
    frames(page)
    assert numbers(figure)["t"] == "1000" and picture() == noise


def test_a_move_of_a_mode_is_quick(show):  # noqa: F811
    """Also the longest walk: while a mode moves it is made for fewer points."""
    page = show(walk_back(100, 1.0))
    figure = page.locator(".gl-interact")
    agree(figure)
    page.evaluate("document.querySelector('.gl-interact').scrollIntoView()")
    box = figure.get_by_role("slider", name="Mode 1", exact=True).bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    frames(page)
    assert 10 < int(numbers(figure)["n"]) < N
    page.mouse.up()
    agree(figure)


def test_modes_far_apart_are_all_found(show):  # noqa: F811
    figure = show(walk_back(50, power=2)).locator(".gl-interact")
    shown = agree(figure)
    assert shown["modes"] == "5" and shown["verdict"] == "good"
    assert math.isclose(float(shown["width"]), 0.97, abs_tol=0.1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("wish", [(10, 0.0, 1), (1, 0.0, 1), (50, 1.0, 2)])
def test_text_stands_out_and_axe_is_content(show, scheme, wish):  # noqa: F811
    page = show(walk_back(*wish))
    press(page.locator(".gl-interact"), "One step")
    assert_readable(page, scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(walk_back(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
