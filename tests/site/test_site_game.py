"""The small game: its JavaScript has the numbers of genlib.gan, by mouse, touch, keyboard and step by step."""

import math

import pytest
from browsing import on_a_phone, swipe
from test_site_figures import arrives, drag, frames, numbers, press, set_slider, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.gan import gaussian_game_jsd, gaussian_game_value
from genlib.interact import adversarial_game
from genlib.interact.game import WORDS, pulls, step


def agree(figure) -> dict:
    """Compare every number of the figure with Python."""
    shown = numbers(figure)
    theta, phi = float(shown["theta"]), float(shown["phi"])
    pull_G, pull_D = pulls(theta, phi, shown["loss"])
    want = {
        "v": gaussian_game_value(theta, phi).item(),
        "best": gaussian_game_value(theta, theta).item(),
        "jsd": gaussian_game_jsd(theta).item(),
        "pullG": pull_G,
        "pullD": pull_D,
    }
    for name, value in want.items():
        assert float(shown[name]) == pytest.approx(value, abs=2e-6), name
    says = WORDS["verdicts"][shown["verdict"]].replace("*", "")
    assert figure.locator(".gl-gg-say").inner_text() == says
    return shown


def test_players_move_by_mouse_and_the_numbers_are_pythons(show):  # noqa: F811
    page = show(adversarial_game(1, 1))
    figure = page.locator(".gl-interact")
    before = agree(figure)
    drag(page, figure.get_by_role("slider", name="The pair of players"), 60, 30)
    after = agree(figure)
    assert float(after["theta"]) > float(before["theta"]) + 0.3
    assert float(after["phi"]) < float(before["phi"]) - 0.2


def test_players_move_by_keyboard_and_stop_at_the_edge(show):  # noqa: F811
    page = show(adversarial_game(1, 1))
    figure = page.locator(".gl-interact")
    handle = figure.get_by_role("slider", name="The pair of players")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    frames(page)
    shown = agree(figure)
    assert (float(shown["theta"]), float(shown["phi"])) == pytest.approx((1.1, 0.5))
    assert handle.get_attribute("aria-valuetext") == "theta is 1.10, phi is 0.50"
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    frames(page)
    assert float(agree(figure)["theta"]) == 4


def test_players_move_by_touch(browser):
    page = on_a_phone(browser, adversarial_game())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    swipe(page, figure.get_by_role("slider", name="The pair of players"), -40, 30)
    arrives(figure, "theta", before["theta"])
    agree(figure)
    page.context.close()


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
@pytest.mark.parametrize("loss", ["minimax", "non-saturating"])
def test_steps_are_pythons_steps(browser, order, loss):
    page = on_a_phone(browser, adversarial_game(2, -1, 0.7, order, loss))
    figure = page.locator(".gl-interact")
    theta, phi = step(2, -1, 0.7, order, loss)
    shown = agree(press(figure, "One step"))
    assert (float(shown["theta"]), float(shown["phi"])) == pytest.approx((theta, phi), abs=1e-6)
    for _ in range(20):
        theta, phi = step(theta, phi, 0.7, order, loss)
    shown = agree(press(figure, "Twenty steps"))
    assert (float(shown["theta"]), float(shown["phi"])) == pytest.approx((theta, phi), abs=1e-5)
    assert shown["steps"] == "21"
    again = agree(press(figure, "Start again"))
    assert (float(again["theta"]), float(again["phi"]), again["steps"]) == (2, -1, "0")
    page.context.close()


def test_long_steps_are_lost_at_once_and_saved_by_taking_turns(browser):
    page = on_a_phone(browser, adversarial_game(0.5, 0.5, 2.2, "simultaneous", "minimax"))
    figure = page.locator(".gl-interact")
    for _ in range(3):
        press(figure, "Twenty steps")
    far = numbers(figure)
    assert math.hypot(float(far["theta"]), float(far["phi"])) > 1
    figure.get_by_role("radio", name="D first, then G").check()
    press(figure, "Start again")
    for _ in range(3):
        press(figure, "Twenty steps")
    assert agree(figure)["verdict"] == "saddle"
    page.context.close()


def test_choices_and_slider_change_the_game(show):  # noqa: F811
    figure = show(adversarial_game(4, 4, loss="non-saturating")).locator(".gl-interact")
    strong = float(agree(figure)["pullG"])
    figure.get_by_role("radio", name="G: log(1 − D)").check()
    frames(figure.page)
    weak = agree(figure)
    assert abs(float(weak["pullG"])) < 0.15 < 1 < abs(strong) and weak["verdict"] == "deaf"
    set_slider(figure, 0, 2.5)
    assert float(agree(figure)["eta"]) == 2.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(adversarial_game()), scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(adversarial_game(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
