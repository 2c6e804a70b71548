"""The interactive figures: they move by mouse, by touch and by keyboard, and their numbers are Python's numbers."""

import pytest
import torch
from browsing import Watch, on_a_phone, settle, swipe, tap
from playwright.sync_api import expect

from genlib.interact import TwoGaussians, two_gaussians
from genlib.interact import kernels as kernel
from genlib.interact.kernels import bandwidth


def model_of(numbers: dict) -> TwoGaussians:
    """The model that the figure says it shows."""
    mu = tuple(tuple(map(float, numbers[key].split(","))) for key in ("mu0", "mu1"))
    sd = tuple(map(float, numbers["sd"].split(",")))
    return TwoGaussians(mu, sd, float(numbers["rho"]), float(numbers["prior"]))


def numbers(figure) -> dict:
    return figure.evaluate("(e) => ({...e.dataset})")


def agree(figure) -> dict:
    """Compare everything that the two-Gaussians figure shows with Python, and return it."""
    shown = numbers(figure)
    model = model_of(shown)
    x = torch.tensor([list(map(float, shown["probe"].split(",")))], dtype=torch.float64)
    assert float(shown["posterior"]) == pytest.approx(model.posterior(x).item(), abs=1e-5)
    assert float(shown["logpx"]) == pytest.approx(model.log_prob(x).item(), abs=1e-4)
    assert float(shown["bayes"]) == pytest.approx(model.bayes_error(), abs=2e-5)
    if shown["delta"]:
        assert float(shown["delta"]) == pytest.approx(model.delta(), abs=1e-6)
    points, y = model.sample(int(shown["seed"]), int(shown["n"]))
    wrong = ((model.posterior(points) > 0.5).long() != y).sum().item()
    assert int(shown["wrong"]) == wrong
    if shown["boundary"]:
        rows = [list(map(float, pair.split(","))) for pair in shown["boundary"].split()]
        half = model.posterior(torch.tensor(rows, dtype=torch.float64))
        torch.testing.assert_close(half, torch.full_like(half, 0.5), atol=1e-4, rtol=0)
    return shown


@pytest.fixture
def show(desktop, address):
    """A bare page, outside the book, that holds only the given figures."""
    page = desktop.new_page()
    watch = Watch(page, address)

    def open_(*figures, width=800):
        body = "".join(figure._repr_html_() for figure in figures)
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(f"<!doctype html><html lang=en><body>{body}</body></html>")
        settle(page)
        return page

    yield open_
    page.close()
    assert not watch.errors and not watch.console and not watch.foreign


def frames(page):
    page.evaluate("() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def arrives(figure, key: str, old: str) -> None:
    """Wait until a number of the figure is no longer the old one: touches travel on their own time."""
    figure.page.wait_for_function(
        "([e, key, old]) => e.dataset[key] !== old", arg=[figure.element_handle(), key, old]
    )
    frames(figure.page)


def drag(page, handle, dx: float, dy: float) -> None:
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()
    frames(page)


def press(figure, name: str):
    """Click a button of the figure, and return the figure."""
    figure.get_by_role("button", name=name).click()
    frames(figure.page)
    return figure


def set_slider(figure, index: int, value: float) -> None:
    figure.locator("input[type=range]:visible").nth(index).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )
    frames(figure.page)


def test_means_move_by_mouse_and_the_numbers_are_pythons(show):
    page = show(two_gaussians())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    drag(page, figure.get_by_role("slider", name="Mean of class 0"), 90, -60)
    after = agree(figure)
    assert after["mu0"] != before["mu0"] and after["mu1"] == before["mu1"]
    assert after["wrong"] != before["wrong"]


def test_means_and_point_move_by_keyboard(show):
    page = show(two_gaussians())
    figure = page.locator(".gl-interact")
    before = numbers(figure)
    handle = figure.get_by_role("slider", name="Mean of class 1")
    handle.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    after = agree(figure)
    old, new = (list(map(float, d["mu1"].split(","))) for d in (before, after))
    assert new == pytest.approx([old[0] - 0.5, old[1] + 0.1], abs=1e-6)
    assert "x1 is" in handle.get_attribute("aria-valuetext")
    point = figure.get_by_role("slider", name="Point x to ask about")
    point.focus()
    page.keyboard.press("ArrowRight")
    assert agree(figure)["probe"] != after["probe"]


def test_point_follows_the_mouse_and_is_pinned_by_a_click(show):
    page = show(two_gaussians())
    figure = page.locator(".gl-interact")
    pinned = numbers(figure)["probe"]
    plane = figure.locator(".gl-plane").bounding_box()
    page.mouse.move(plane["x"] + 40, plane["y"] + 50)
    frames(page)
    assert agree(figure)["probe"] != pinned
    page.mouse.move(plane["x"] + 40, plane["y"] - 20)
    frames(page)
    assert numbers(figure)["probe"] == pinned, "the point returns when the mouse leaves"
    page.mouse.click(plane["x"] + 60, plane["y"] + 60)
    page.mouse.move(5, 5)
    frames(page)
    assert agree(figure)["probe"] != pinned


def test_means_move_by_touch(browser):
    page = on_a_phone(browser, two_gaussians())
    figure = page.locator(".gl-interact")
    before = numbers(figure)
    swipe(page, figure.get_by_role("slider", name="Mean of class 0"), 40, -50)
    arrives(figure, "mu0", before["mu0"])
    agree(figure)
    assert page.evaluate("scrollY") == 0, "the page does not scroll while a disc is dragged"
    plane = figure.locator(".gl-plane").bounding_box()
    tap(page, plane["x"] + 30, plane["y"] + 250, figure, "data-probe")
    frames(page)
    assert agree(figure)["probe"] != before["probe"]
    page.context.close()


@pytest.mark.parametrize(
    "model",
    [
        TwoGaussians(prior=0.2),
        TwoGaussians(rho=0.6, prior=0.7),
        TwoGaussians(sd=(0.5, 1.1)),
        TwoGaussians(sd=(1.2, 0.4), rho=-0.5, prior=0.3),
        TwoGaussians(mu=((0.0, 0.0), (0.0, 0.0)), sd=(0.9, 0.4)),
        TwoGaussians(mu=((0.0, 0.0), (0.0, 0.0)), sd=(0.7, 0.7), prior=0.4),
        TwoGaussians(mu=((-0.1, 0.0), (0.1, 0.0)), sd=(1.0, 0.99), prior=0.9),
    ],
    ids=["prior", "correlation", "spreads", "all", "same-mean", "same-class", "one-sided"],
)
def test_numbers_are_pythons_in_every_case(show, model):
    agree(show(two_gaussians(model)).locator(".gl-interact"))


def test_sliders_and_tick_change_the_model(show):
    figure = show(two_gaussians()).locator(".gl-interact")
    set_slider(figure, 0, 0.5)
    assert agree(figure)["sd"] == "0.50000000,0.50000000"
    figure.get_by_label("Same spread").uncheck()
    set_slider(figure, 1, 1.2)
    set_slider(figure, 2, 0.4)
    set_slider(figure, 3, 0.25)
    shown = agree(figure)
    assert shown["sd"] == "0.50000000,1.20000000" and shown["rho"] == "0.4"
    assert shown["delta"] == ""
    figure.get_by_role("button", name="Start again").click()
    frames(figure.page)
    assert agree(figure)["sd"] == "0.80000000,0.80000000"


def test_every_slider_says_its_name(show):
    sliders = show(two_gaussians(), bandwidth()).locator("input[type=range]:visible")
    assert sliders.count() > 3
    for slider in sliders.all():
        said = slider.locator("xpath=..").locator("span > span").first.text_content()
        assert said
        expect(slider).to_have_accessible_name(said)


def test_drawing_again_gives_new_points_of_the_same_model(show):
    figure = show(two_gaussians()).locator(".gl-interact")
    before = agree(figure)
    figure.get_by_role("button", name="Draw 200 again").click()
    frames(figure.page)
    after = agree(figure)
    assert after["seed"] != before["seed"] and after["bayes"] == before["bayes"]


def test_a_discriminative_model_says_what_it_cannot_do(show):
    figure = show(two_gaussians()).locator(".gl-interact")
    figure.get_by_role("radio", name="What a discriminative model keeps").check()
    frames(figure.page)
    shown = agree(figure)
    assert shown["view"] == "discriminative"
    assert figure.get_by_role("button", name="Draw").count() == 0
    assert "It cannot tell." in figure.inner_text()


@pytest.mark.parametrize("sd", [(0.8, 0.8), (0.6, 1.0)], ids=["line", "circle"])
def test_other_clouds_leave_the_posterior_as_it_was_everywhere(show, sd):
    figure = show(two_gaussians(TwoGaussians(sd=sd, rho=0.3, prior=0.4))).locator(".gl-interact")
    x = torch.cartesian_prod(*[torch.linspace(-3, 3, 13, dtype=torch.float64)] * 2)
    before = agree(figure)
    for _ in range(3):
        figure.get_by_role("button", name="Other clouds").click()
        frames(figure.page)
        after = agree(figure)
        assert after["mu0"] != before["mu0"] and after["sd"] != before["sd"]
        torch.testing.assert_close(
            model_of(after).posterior(x), model_of(before).posterior(x), atol=1e-5, rtol=0
        )


def test_two_copies_on_one_page_do_not_meet(show):
    page = show(two_gaussians(), bandwidth(), two_gaussians())
    figures = page.locator(".gl-interact")
    assert page.locator(".gl-interact[data-ready]").count() == 3
    assert len(set(figures.evaluate_all("(all) => all.map((e) => e.id)"))) == 3
    drag(page, figures.nth(2).get_by_role("slider", name="Mean of class 0"), 40, 30)
    assert numbers(figures.nth(2))["mu0"] != numbers(figures.nth(0))["mu0"]
    figures.nth(2).get_by_role("radio", name="discriminative").check()
    assert numbers(figures.nth(0))["view"] == "generative"


def test_figure_fits_a_phone(show):
    page = show(two_gaussians(), bandwidth(), width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_figure_takes_the_scheme_of_what_lies_behind_it(show):
    page = show(two_gaussians())
    scheme = lambda: page.locator(".gl-interact").get_attribute("data-scheme")  # noqa: E731
    assert scheme() == "light"
    page.evaluate("document.body.style.background = '#121212'")
    page.wait_for_timeout(100)
    assert scheme() == "dark"
    page.evaluate("document.body.style.background = 'transparent'")
    page.evaluate("document.documentElement.setAttribute('theme', 'dark')")
    page.wait_for_timeout(100)
    assert scheme() == "dark", "as Colab says it"


@pytest.mark.parametrize("h", [0.01, 0.08, 0.35, 2.0])
def test_kernel_density_has_pythons_numbers(show, h):
    figure = show(bandwidth(h)).locator(".gl-interact")
    shown = numbers(figure)
    train, held = kernel.figure_data()
    for name, points in [("train", train), ("held", held)]:
        want = kernel.kernel_log_prob(points, train, h).mean().item()
        assert float(shown[name]) == pytest.approx(want, abs=1e-6)
    samples = kernel.figure_samples(train, h, int(shown["seed"]), int(shown["n"]))
    near = kernel.nearest_distance(samples, train).numpy()
    floor = kernel.nearest_distance(held, train).numpy()
    import numpy as np

    assert float(shown["ratio"]) == pytest.approx(np.median(near) / np.median(floor), abs=1e-6)


def test_bandwidth_moves_by_keyboard_and_by_buttons(show):
    page = show(bandwidth())
    figure = page.locator(".gl-interact")
    before = numbers(figure)
    figure.get_by_role("slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    after = numbers(figure)
    assert float(after["h"]) < float(before["h"])
    assert float(after["train"]) > float(before["train"])
    best = numbers(press(figure, "Best on held-out"))
    assert best["h"] == best["best"]
    smallest = numbers(press(figure, "Smallest"))
    assert float(smallest["train"]) > float(best["train"])
    assert float(smallest["held"]) < float(best["held"])
    assert float(smallest["ratio"]) < 0.4
