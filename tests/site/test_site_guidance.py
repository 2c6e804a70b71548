"""The guidance scale in a browser: digit, scale and keys move it, and every picture and number is Python's."""

import pytest
import torch
from test_site_figures import frames, numbers, set_slider, show  # noqa: F401
from test_site_film import INK
from test_site_pages import assert_readable

from genlib.interact import guidance as twin
from genlib.interact import guidance_scale
from genlib.pretrained import card, tensors


def agree(figure) -> dict:
    """Compare the numbers, the readings and the ink of the third digit with Python."""
    shown, facts, stored = numbers(figure), card("guidance_digits"), tensors("guidance_digits")
    digit, scale = int(shown["digit"]), float(shown["scale"])
    at = facts["scales"].index(scale)
    x, read = stored["x"][at, digit], stored["read"][at, digit]
    assert shown["read"] == " ".join(map(str, read.tolist()))
    assert int(shown["right"]) == (read == digit).sum()
    assert int(shown["all"]) == round(80 * facts["asked"][at])
    assert float(shown["apart"]) == pytest.approx(twin.apart(x / 16), abs=1e-4)
    assert float(shown["near"]) == pytest.approx(facts["nearest"][at][digit], abs=1e-3)
    assert shown["verdict"] == twin.verdict(scale)
    text = figure.inner_text()
    assert twin.WORDS["verdicts"][shown["verdict"]].replace("*", "") in text
    assert f"{shown['right']} of 8" in text and f"{float(shown['apart']):.2f}" in text
    assert facts["weights"][:12] in text and facts["command"] in text
    ink = figure.locator("canvas").nth(8 + 2).evaluate(INK)
    assert (torch.tensor(ink) - 255 / 16 * x[2].flatten()).abs().max() < 2
    return shown | {"ink": ink}


def test_the_scale_moves_by_slider_and_by_keys(show):  # noqa: F811
    page = show(guidance_scale(3, 0))
    figure = page.locator(".gl-interact")
    start = agree(figure)
    assert start["verdict"] == "none"
    set_slider(figure, 0, 4)
    two = agree(figure)
    assert two["scale"] == "2" and two["ink"] != start["ink"]
    assert float(two["apart"]) < float(start["apart"]) and int(two["right"]) > int(start["right"])
    scrub = figure.get_by_role("slider", name="Guidance scale")
    assert scrub.get_attribute("aria-valuetext") == "2"
    scrub.focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    three = agree(figure)
    assert three["scale"] == "3" and three["ink"] != two["ink"]
    assert scrub.get_attribute("aria-valuetext") == "3"


def test_another_digit_has_the_same_noise_and_at_scale_0_the_same_row(show):  # noqa: F811
    page = show(guidance_scale(3, 2))
    figure = page.locator(".gl-interact")
    noise, three = figure.locator("canvas").first.evaluate(INK), agree(figure)
    figure.get_by_role("radio", name="3").focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    four = agree(figure)
    assert four["digit"] == "4" and four["ink"] != three["ink"]
    assert figure.locator("canvas").first.evaluate(INK) == noise
    set_slider(figure, 0, 0)
    at_0 = agree(figure)
    figure.get_by_role("radio", name="9").check()
    frames(page)
    assert agree(figure)["ink"] == at_0["ink"]
    begin = 0.5 + tensors("guidance_digits")["noise"][0].flatten() / 160
    assert (torch.tensor(noise) - 255 * begin.clamp(0, 1)).abs().max() < 2


def test_a_screen_reader_hears_what_the_judge_reads(show):  # noqa: F811
    figure = show(guidance_scale(3, 0)).locator(".gl-interact")
    row = figure.get_by_role("img", name="Drawn at scale 0, asked for 3")
    read = tensors("guidance_digits")["read"][0, 3].tolist()
    heard = ", ".join(f"{k} as asked" if k == 3 else f"{k} instead" for k in read)
    assert row.get_attribute("aria-label").endswith(heard)
    assert figure.locator(".gl-gs-wrong").count() == sum(k != 3 for k in read)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(guidance_scale(3, 0)), scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(guidance_scale(), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_still_picture_stands_there_without_javascript(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{guidance_scale()._repr_html_()}")
    picture = page.locator(".gl-interact img")
    assert picture.is_visible() and picture.bounding_box()["width"] > 300
    assert "same eight noises" in page.locator(".gl-interact").inner_text()
    context.close()
