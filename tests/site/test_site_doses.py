"""The doses in a browser: fault, dose and keys move the figure, and every picture and number is Python's."""

import pytest
import torch
from test_site_figures import frames, numbers, set_slider, show  # noqa: F401
from test_site_film import INK
from test_site_pages import assert_readable

from genlib.interact import corruption_doses
from genlib.interact import doses as twin
from genlib.table import stored
from genlib.words import MEASURES


def agree(figure) -> dict:
    """Compare the tracks, what is noticed, and the ink of the twelfth digit with Python."""
    shown, found = numbers(figure), stored("measures")
    fault, dose = shown["fault"], float(shown["dose"])
    data = corruption_doses(fault, dose).data
    i = data["doses"].index(dose)
    places = [
        twin.place(value, low, high)
        for value, (_, _, low, high) in zip(data["values"][fault][i], data["measures"], strict=True)
    ]
    assert list(map(float, shown["places"].split())) == pytest.approx(places, abs=1e-3)
    noticed = [share >= found["often"] for share in data["worse"][fault][i]]
    assert int(shown["noticed"]) == sum(noticed) == figure.locator(".gl-cd-out").count()
    text = figure.inner_text()
    assert twin.WORDS["faults"][fault] in text and found["command"] in text
    if dose and sum(noticed):
        names = [label for label, out in zip(MEASURES.values(), noticed, strict=True) if out]
        assert f"{len(names)} of 9 measures notice it: {', '.join(names)}." in text
    ink = figure.locator("canvas").nth(11).evaluate(INK)
    expected = 255 / 16 * twin.shown_digits(fault, dose)[11].float()
    assert (torch.tensor(ink) - expected).abs().max() < 2
    return shown | {"ink": ink}


def test_the_dose_moves_by_slider_and_by_keys(show):  # noqa: F811
    page = show(corruption_doses("static", 0.0))
    figure = page.locator(".gl-interact")
    nothing = agree(figure)
    assert nothing["noticed"] == "0" and "Dose 0" in figure.inner_text()
    set_slider(figure, 0, 7)
    most = agree(figure)
    assert most["dose"] == "0.7" and int(most["noticed"]) >= 5
    scrub = figure.get_by_role("slider", name="Dose")
    assert scrub.get_attribute("aria-valuetext") == "0.7"
    scrub.focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    full = agree(figure)
    assert full["dose"] == "1" and full["ink"] != nothing["ink"]


def test_another_fault_by_keyboard(show):  # noqa: F811
    page = show(corruption_doses("blur", 1.0))
    figure = page.locator(".gl-interact")
    blur = agree(figure)
    figure.get_by_role("radio", name="blurred").focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    noise = agree(figure)
    assert noise["fault"] == "noise" and noise["ink"] != blur["ink"]
    figure.get_by_role("radio", name="copied from training").check()
    frames(page)
    assert int(agree(figure)["noticed"]) < int(noise["noticed"])


def test_a_screen_reader_hears_each_measure(show):  # noqa: F811
    figure = show(corruption_doses("copied", 1.0)).locator(".gl-interact")
    rows = figure.get_by_role("listitem")
    assert rows.count() == 9
    heard = [rows.nth(k).get_attribute("aria-label") for k in range(9)]
    assert [text.partition(":")[0] for text in heard] == list(MEASURES.values())
    assert "in 100 % of the trials" in heard[list(MEASURES).index("nearest_ratio")]
    assert figure.get_by_role("img", name="Twenty digits, fault: copied from training").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(corruption_doses()), scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(corruption_doses(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_still_picture_stands_there_without_javascript(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{corruption_doses()._repr_html_()}")
    picture = page.locator(".gl-interact img")
    assert picture.is_visible() and picture.bounding_box()["width"] > 300
    assert "static" in page.locator(".gl-interact").inner_text()
    context.close()
