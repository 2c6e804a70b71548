"""The latent plane: its JavaScript decodes, measures and draws as Python does, by mouse, touch and keyboard."""

import re

import pytest
import torch
from browsing import on_a_phone, swipe
from test_site_figures import drag, frames, numbers, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.interact import bandwidth, latent_plane, plane, vae_plane

DISTRIBUTIONS = {
    "standard": "N(0, I)",
    "scaled": "N(0, s²I)",
    "gaussian": "Gaussian",
    "mixture": "mixture",
}


def points(text: str) -> torch.Tensor:
    rows = [list(map(float, pair.split(","))) for pair in text.split()]
    return torch.tensor(rows, dtype=torch.float64)


def agree(figure, plane=plane) -> dict:
    """Compare everything that the figure says about the code under the cross with Python, and return it."""
    shown = numbers(figure)
    z = points(shown["z"])
    pixels = points(shown["pixels"])
    torch.testing.assert_close(pixels, plane().decode(z).flatten(1), atol=2e-6, rtol=0)
    distance, row = plane().nearest(z)
    assert float(shown["distance"]) == pytest.approx(distance.item(), abs=1e-6)
    assert int(shown["row"]) == row.item()
    assert shown["ten"] == "".join(map(str, plane().neighbours(z)[0].tolist()))
    assert shown["hole"] == str(plane().in_hole(z).item()).lower()
    assert shown["mixed"] == str(plane().between_clouds(z).item()).lower()
    return shown


def ink(canvas) -> list[float]:
    """How dark each pixel of a small image is, 0 to 1."""
    return canvas.evaluate(
        "(c) => [...c.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 3).map((v) => v / 255)"
    )


def test_numbers_are_pythons_while_the_cross_moves_by_mouse(show):  # noqa: F811
    page = show(latent_plane())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    drag(page, figure.get_by_role("slider"), 120, 150)
    after = agree(figure)
    assert after["z"] != before["z"] and after["pixels"] != before["pixels"]
    box = figure.locator(".gl-plane").bounding_box()
    place = lambda x, y: (round(box["x"] + x * box["width"]), round(box["y"] + y * box["height"]))  # noqa: E731
    for x, y in [(0.05, 0.9), (0.5, 0.6), (0.98, 0.02), (0.3, 0.4)]:
        page.mouse.click(*place(x, y))
        frames(page)
        agree(figure)
    page.mouse.move(*place(0.1, -0.05))
    frames(page)
    pinned = agree(figure)["z"]
    page.mouse.move(*place(0.1, 0.1))
    frames(page)
    assert agree(figure)["z"] != pinned
    page.mouse.move(*place(0.1, -0.05))
    frames(page)
    assert agree(figure)["z"] == pinned, "the cross returns when the mouse leaves"


def test_cross_moves_by_keyboard_and_says_where_it_is(show):  # noqa: F811
    page = show(latent_plane(cross=(0, 0)))
    figure, cross = page.locator(".gl-interact"), page.get_by_role("slider", name="Cross")
    cross.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    frames(page)
    x, y = points(agree(figure)["z"])[0].tolist()
    assert x == pytest.approx(-5 * y) and y > 0
    assert "nearest training code" in cross.get_attribute("aria-valuetext")


def test_cross_moves_by_touch(browser):
    page = on_a_phone(browser, latent_plane())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    swipe(page, figure.get_by_role("slider"), 40, 80)
    frames(page)
    assert agree(figure)["z"] != before["z"]
    assert page.evaluate("scrollY") == 0
    page.context.close()


def test_images_show_the_pixels(show):  # noqa: F811
    figure = show(latent_plane()).locator(".gl-interact")
    shown = agree(figure)
    drawing, neighbour = (figure.locator(".gl-lp-pair canvas").nth(i) for i in (0, 1))
    assert ink(drawing) == pytest.approx(points(shown["pixels"])[0].tolist(), abs=0.004)
    wanted = plane().x[int(shown["row"])].flatten() / 16
    assert ink(neighbour) == pytest.approx(wanted.tolist(), abs=0.004)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_random_codes_are_pythons(show, distribution):  # noqa: F811
    page = show(latent_plane())
    figure = page.locator(".gl-interact")
    assert figure.get_by_role("button", name="Draw 32 again").count() == 0
    figure.get_by_role("radio", name=DISTRIBUTIONS[distribution]).check()
    for _ in range(2):
        frames(page)
        shown = numbers(figure)
        z = plane().sample(distribution, int(shown["seed"]), 32)
        torch.testing.assert_close(points(shown["random"]), z, atol=1e-6, rtol=0)
        assert int(shown["holes"]) == plane().in_hole(z).sum()
        assert int(shown["mixedCodes"]) == plane().between_clouds(z).sum()
        assert int(shown["kinds"]) == len(plane().y[plane().nearest(z)[1]].unique())
        image = figure.locator(".gl-lp-gallery canvas").nth(5)
        assert ink(image) == pytest.approx(plane().decode(z[5:6]).flatten().tolist(), abs=0.004)
        figure.get_by_role("button", name="Draw 32 again").click()


def test_gallery_shows_where_an_image_came_from_by_mouse_and_keyboard(show):  # noqa: F811
    page = show(latent_plane(distribution="scaled"))
    figure = page.locator(".gl-interact")
    pinned, z = numbers(figure)["z"], points(numbers(figure)["random"])
    images = figure.locator(".gl-lp-gallery button")
    images.nth(3).hover()
    frames(page)
    torch.testing.assert_close(points(agree(figure)["z"])[0], z[3])
    page.mouse.move(1, 1)
    frames(page)
    assert numbers(figure)["z"] == pinned
    images.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    frames(page)
    torch.testing.assert_close(points(agree(figure)["z"])[0], z[17])
    assert images.evaluate_all("(all) => all.filter((e) => e.tabIndex === 0).length") == 1
    page.keyboard.press("Enter")  # moves the cross there, so that it stays
    page.keyboard.press("Tab")
    frames(page)
    torch.testing.assert_close(points(agree(figure)["z"])[0], z[17])
    holes = plane().in_hole(z)
    for image, hole in zip(images.all(), holes.tolist(), strict=True):
        assert ("in a hole" in image.get_attribute("aria-label")) == hole


def test_class_stands_out_by_focus_and_by_hover(show):  # noqa: F811
    page = show(latent_plane())
    figure = page.locator(".gl-interact")
    picture = lambda: figure.locator(".gl-plane canvas").evaluate("(c) => c.toDataURL()")  # noqa: E731
    plain = picture()
    figure.locator(".gl-lp-classes label").nth(4).hover()
    frames(page)
    hovered = picture()
    page.mouse.move(1, 1)
    frames(page)
    assert picture() == plain != hovered
    figure.get_by_role("radio", name="all").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    frames(page)
    assert picture() == hovered, "the arrow keys reach what the mouse reaches"


def test_views_differ_and_need_no_click_on_the_page(show):  # noqa: F811
    page = show(latent_plane())
    figure, seen = page.locator(".gl-interact"), set()
    for name in ("Codes", "Holes", "drawn where"):
        figure.get_by_role("radio", name=name).check()
        frames(page)
        seen.add(figure.locator(".gl-plane canvas").evaluate("(c) => c.toDataURL()"))
        agree(figure)
    assert len(seen) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    page = show(latent_plane(view="holes", distribution="scaled"))
    assert_readable(page, scheme)


@pytest.mark.parametrize("distribution", ["none", "scaled"])
def test_figure_fits_a_phone(show, distribution):  # noqa: F811
    page = show(latent_plane(distribution=distribution), width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_two_copies_and_another_figure_do_not_meet(show):  # noqa: F811
    page = show(latent_plane(), bandwidth(), latent_plane())
    figures = page.locator(".gl-interact[data-ready]")
    assert figures.count() == 3
    figures.nth(2).get_by_role("radio", name="mixture").check()
    frames(page)
    assert numbers(figures.nth(0))["distribution"] == "none"


def test_the_vaes_plane_agrees_with_python_and_moves_in_small_steps(show):  # noqa: F811
    page = show(vae_plane(distribution="standard"))
    figure, cross = page.locator(".gl-interact"), page.get_by_role("slider", name="Cross")
    vae = lambda: plane("vae")  # noqa: E731
    assert points(agree(figure, vae)["z"]).tolist() == [[0, 0]]
    cross.focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    (x, y) = points(agree(figure, vae)["z"])[0].tolist()
    assert 0 < x < 0.2 and y == 0
    assert re.search(r"z1 is 0\.\d\d, .* distance 0\.\d\d", cross.get_attribute("aria-valuetext"))
    drawn = points(numbers(figure)["random"])
    torch.testing.assert_close(drawn, vae().sample("standard", 1, len(drawn)), atol=1e-6, rtol=0)
