"""There and back in a browser: numbers and pictures agree with Python, however one moves through time."""

import pytest
import torch
from test_site_figures import frames, numbers, set_slider, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.ddpm import DDPM
from genlib.interact import diffusion_film
from genlib.interact import film as twin
from genlib.pretrained import tensors

INK = """(canvas) => {  // the ink of every pixel, 0 to 255
    const copy = document.createElement("canvas");
    copy.width = copy.height = 8;
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(canvas, 0, 0);
    return Array.from(pen.getImageData(0, 0, 8, 8).data).filter((_, i) => i % 4 === 3);
}"""


def agree(figure) -> dict:
    """Compare the numbers, and the ink of the first digit above, with Python."""
    shown = numbers(figure)
    t, name = int(shown["t"]), shown["schedule"]
    model = DDPM(torch.nn.Identity(), twin.SCHEDULES[name])
    left = model.alpha_bar[t].item()
    assert float(shown["left"]) == pytest.approx(left, rel=1e-3)
    assert shown["verdict"] == twin.verdict(left, t == model.T)
    assert twin.WORDS["verdicts"][shown["verdict"]] in figure.inner_text()
    film = tensors("ddpm_film")
    x_0, eps = film["x_0"][:1].float() / 127, film["eps"][:1].float() / 32
    x_t = model.q_sample(x_0, torch.tensor([t]), eps)
    expected = (255 * (x_t.flatten() + 1) / 2).clamp(0, 255)
    ink = figure.locator("canvas").first.evaluate(INK)
    assert (torch.tensor(ink) - expected).abs().max() < 2
    return shown


def test_slider_and_keys_move_through_time(show):  # noqa: F811
    page = show(diffusion_film())
    figure = page.locator(".gl-interact")
    agree(figure)
    set_slider(figure, 0, 1000)
    assert agree(figure)["verdict"] == "gone"
    scrub = figure.get_by_role("slider", name="Time")
    assert scrub.get_attribute("aria-valuetext") == "1000"
    scrub.focus()
    page.keyboard.press("ArrowLeft")
    frames(page)
    assert agree(figure)["t"] == "990"
    set_slider(figure, 0, 0)
    assert agree(figure)["verdict"] == "clean"


def test_every_schedule_has_its_own_times(show):  # noqa: F811
    page = show(diffusion_film(1000))
    figure = page.locator(".gl-interact")
    figure.get_by_role("radio", name="linear, 100 steps").check()
    frames(page)
    shown = agree(figure)
    assert shown["t"] == "100" and shown["verdict"] == "early"
    assert "trained with the cosine schedule" in figure.inner_text()
    figure.get_by_role("radio", name="linear, 1,000 steps").check()
    set_slider(figure, 0, 260)
    assert float(agree(figure)["left"]) < 0.5


def test_the_walk_back_shows_the_stored_moment(show):  # noqa: F811
    figure = show(diffusion_film(0)).locator(".gl-interact")
    assert agree(figure)["moment"] == "0"
    ink = figure.locator("canvas").nth(8).evaluate(INK)
    back = tensors("ddpm_film")["back"]
    expected = (255 * (back[-1][0].flatten().float() / 40 + 1) / 2).clamp(0, 255)
    assert (torch.tensor(ink) - expected).abs().max() < 2


def test_it_plays_backwards_and_stops(show):  # noqa: F811
    page = show(diffusion_film(1000))
    figure = page.locator(".gl-interact")
    figure.get_by_role("button", name="Play backwards").click()
    page.wait_for_function("(e) => +e.dataset.t <= 900", arg=figure.element_handle())
    figure.get_by_role("button", name="Pause").click()
    stopped = agree(figure)["t"]
    page.wait_for_timeout(400)
    assert numbers(figure)["t"] == stopped


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(diffusion_film()), scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(diffusion_film(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
