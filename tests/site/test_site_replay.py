"""The replay: what it shows at a moment is what is stored, by slider, by keyboard, by choice, and while it plays."""

import pytest
from test_site_figures import frames, numbers, set_slider, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.interact import gan_replay
from genlib.pretrained import card, tensors


def agree(figure) -> dict:
    """Compare every number of the moment with the stored ones."""
    shown = numbers(figure)
    moments, runs = tensors("gan_replay"), card("gan_replay")["runs"]
    at, name = int(shown["moment"]), shown["run"]
    found = runs[name][at]
    assert int(shown["step"]) == found["step"] and int(shown["modes"]) == found["modes"]
    assert float(shown["quality"]) == pytest.approx(found["high_quality"], abs=1e-4)
    fakes = [int(value) for value in shown["fakes"].split()]
    assert fakes == moments[f"{name}.x"][at].flatten().tolist()
    assert int(shown["middle"]) == moments[f"{name}.D"][at].view(28, 28)[14, 14].item()
    text = figure.inner_text()
    assert f"{found['modes']} of 8" in text and f"{found['high_quality']:.3f}" in text
    return shown


def test_slider_and_keys_move_through_the_run(show):  # noqa: F811
    page = show(gan_replay())
    figure = page.locator(".gl-interact")
    agree(figure)
    set_slider(figure, 0, 23)
    assert agree(figure)["step"] == "8000"
    scrub = figure.get_by_role("slider", name="Turn")
    assert scrub.get_attribute("aria-valuetext") == "8,000"
    scrub.focus()
    page.keyboard.press("ArrowLeft")
    frames(page)
    assert agree(figure)["step"] == "7000"


def test_both_runs_are_there_and_differ(show):  # noqa: F811
    figure = show(gan_replay(moment=23)).locator(".gl-interact")
    plain = agree(figure)
    figure.get_by_role("radio", name="This book's recipe").check()
    frames(figure.page)
    recipe = agree(figure)
    assert recipe["run"] == "recipe" and recipe["fakes"] != plain["fakes"]


def test_it_plays_and_stops(show):  # noqa: F811
    page = show(gan_replay(moment=5))
    figure = page.locator(".gl-interact")
    figure.get_by_role("button", name="Play").click()
    page.wait_for_function("(e) => +e.dataset.moment >= 7", arg=figure.element_handle())
    figure.get_by_role("button", name="Pause").click()
    stopped = agree(figure)["moment"]
    page.wait_for_timeout(800)
    assert numbers(figure)["moment"] == stopped


def test_the_picture_has_dots_where_the_fakes_are(show):  # noqa: F811
    page = show(gan_replay("recipe", 23))
    figure = page.locator(".gl-interact")
    shown = agree(figure)
    x, y = (int(value) for value in shown["fakes"].split()[:2])
    dark = figure.locator("canvas").evaluate(
        """(canvas, [x, y]) => {
            const at = (v) => Math.round((v / 127 + 1) / 2 * canvas.width);
            return canvas.getContext('2d').getImageData(at(x), canvas.height - at(y), 1, 1).data[0];
        }""",
        [x, y],
    )
    assert dark < 90


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(gan_replay(moment=12)), scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(gan_replay(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
