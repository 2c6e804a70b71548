"""Real or drawn in a browser: answers are counted by mouse and by key, and interval and luck are Python's."""

import pytest
import torch
from test_site_figures import frames, numbers, show  # noqa: F401
from test_site_film import INK
from test_site_pages import assert_readable

from genlib.interact import choice as twin
from genlib.interact import real_or_drawn
from genlib.table import stored


def agree(figure) -> dict:
    """Compare score, interval, luck and the two pictures with Python."""
    shown, found = numbers(figure), stored("measures")["choice"]
    right, done = int(shown["right"]), int(shown["done"])
    assert shown["verdict"] == twin.verdict(right, done)
    assert twin.WORDS["verdicts"][shown["verdict"]] in figure.inner_text()
    if done:
        ends = (float(shown["low"]), float(shown["high"]))
        assert ends == pytest.approx(twin.wilson(right, done), abs=1e-5)
        assert float(shown["chance"]) == pytest.approx(twin.by_chance(right, done), abs=1e-5)
        assert f"{right} of {done}" in figure.inner_text()
    pair, real = int(shown["pair"]), int(shown["real"])
    for side in (0, 1):
        rows = found["real"] if side == real else found["drawn"][shown["model"]]
        ink = torch.tensor(figure.locator("canvas").nth(side).evaluate(INK))
        assert (ink - 255 / 16 * torch.tensor(rows[pair])).abs().max() < 2
    return shown


def play(figure, right: int, n: int = 20) -> dict:
    """Answer n pairs, `right` of them right; each pair is looked at."""
    for k in range(n):
        real = int(agree(figure)["real"])
        figure.get_by_role("button").nth(real if k < right else 1 - real).click()
        frames(figure.page)
    return agree(figure)


def test_a_game_is_counted(show):  # noqa: F811
    figure = show(real_or_drawn()).locator(".gl-interact")
    assert agree(figure)["verdict"] == "none"
    end = play(figure, 15)
    assert (end["right"], end["done"], end["verdict"]) == ("15", "20", "can")
    assert figure.get_by_role("button").first.is_disabled()
    assert "All 20 pairs" in figure.inner_text()
    figure.get_by_role("button", name="Start again").click()
    frames(figure.page)
    again = agree(figure)
    assert (again["done"], again["seed"]) == ("0", "2")


def test_all_pairs_come_once_and_real_is_on_both_sides(show):  # noqa: F811
    figure = show(real_or_drawn()).locator(".gl-interact")
    pairs, sides = [], []
    for _ in range(20):
        shown = numbers(figure)
        pairs.append(int(shown["pair"]))
        sides.append(int(shown["real"]))
        figure.get_by_role("button").first.click()
    assert sorted(pairs) == list(range(20)) and pairs != list(range(20))
    assert 4 <= sum(sides) <= 16


def test_it_is_played_by_keyboard_and_the_model_can_be_changed(show):  # noqa: F811
    page = show(real_or_drawn())
    figure = page.locator(".gl-interact")
    real = int(agree(figure)["real"])
    figure.get_by_role("button").nth(real).focus()
    page.keyboard.press("Enter")
    frames(page)
    assert agree(figure)["right"] == "1" and "Right: the real one was on the" in figure.inner_text()
    figure.get_by_role("radio", name="Mixture of Gaussians").check()
    frames(page)
    other = agree(figure)
    assert (other["model"], other["done"]) == ("mixture", "0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    page = show(real_or_drawn())
    page.locator(".gl-interact").get_by_role("button").first.click()
    assert_readable(page, scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(real_or_drawn(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
