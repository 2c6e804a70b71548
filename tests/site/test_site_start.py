"""The start page: what one screen shows, wide and on a phone; the film moves, stops, and holds still where asked to."""

import re
from urllib.parse import urlsplit

import pytest
import torch
from browsing import PAGES, SITE, Watch, dark, read, settle
from test_site_figures import frames, numbers, show  # noqa: F401
from test_site_film import INK
from test_site_pages import assert_readable, violations

from genlib.interact import noise_to_digits
from genlib.pretrained import card, tensors

SCREENS = {"wide": (1280, 800), "phone": (360, 740)}
START = PAGES[0]


@pytest.fixture
def open_start(browser, address):
    """The start page in a window of its own, and a look at everything it says; nothing may go wrong."""
    opened = []

    def open_(screen="wide", motion="no-preference", scheme="light"):
        width, height = SCREENS[screen]
        context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion=motion, color_scheme=scheme
        )
        page = context.new_page()
        opened.append((context, Watch(page, address)))
        page.goto(f"{address}/{START}")
        settle(page)
        return page

    yield open_
    for context, watch in opened:
        context.close()
        assert not watch.errors and not watch.console and not watch.foreign and not watch.failed


def agree(figure) -> str:
    """The digits that are shown are those of the stored moment; returns the moment."""
    shown, moments = numbers(figure)["moment"], card("ddpm_film")["moments"]
    stored = tensors("ddpm_film")["back"][moments.index(int(shown))]
    expected = (255 * (stored.flatten(1).float() / 40 + 1) / 2).clamp(0, 255)
    drawn = torch.tensor([canvas.evaluate(INK) for canvas in figure.locator("canvas").all()])
    assert drawn.shape == (8, 64) and (drawn - expected).abs().max() < 2
    assert f"{int(shown):,} steps to go" in figure.inner_text()
    return shown


def test_every_moment_is_shown_as_it_is_stored_and_the_button_stops(show):  # noqa: F811
    page = show(noise_to_digits())
    figure = page.locator(".gl-interact")
    assert numbers(figure)["playing"] == "no" and agree(figure) == "0", "less motion was asked for"
    page.wait_for_timeout(500)
    assert agree(figure) == "0"
    figure.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(e) => e.dataset.moment < 1000", arg=figure.element_handle())
    page.keyboard.press("Enter")
    stopped = agree(figure)
    assert 0 < int(stopped) < 1000 and figure.get_by_role("button", name="Play").is_visible()
    page.wait_for_timeout(400)
    assert agree(figure) == stopped


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    assert_readable(show(noise_to_digits()), scheme)


def test_film_plays_by_itself_to_the_digits_and_begins_again(open_start):
    page = open_start()
    figure = page.locator(".gl-start .gl-interact")
    assert numbers(figure)["playing"] == "yes"
    seen = page.evaluate(
        """(figure) => new Promise((done) => {
            const seen = [+figure.dataset.moment];
            const end = () => { eyes.disconnect(); done(seen); };
            const eyes = new MutationObserver(() => {
                seen.push(+figure.dataset.moment);
                if (seen.includes(0) && seen.at(-1) === 1000) end();
            });
            eyes.observe(figure, { attributes: true, attributeFilter: ["data-moment"] });
            setTimeout(end, 30000);
        })""",
        figure.element_handle(),
    )
    moments = card("ddpm_film")["moments"]
    assert seen[-1] == 1000 and seen[-2] == 0, "from the digits back to noise"
    distinct = [t for i, t in enumerate(seen[:-1]) if not i or t != seen[i - 1]]
    assert distinct == moments[moments.index(seen[0]) :], "every stored moment, in its order"


def test_less_motion_means_none(open_start):
    page = open_start(motion="reduce")
    figure = page.locator(".gl-start .gl-interact")
    page.wait_for_timeout(600)
    assert numbers(figure)["playing"] == "no" and agree(figure) == "0"


@pytest.mark.parametrize("screen", SCREENS)
def test_one_screen_holds_film_samples_numbers_doors_and_facts(open_start, screen):
    page = open_start(screen, "reduce")
    width, height = SCREENS[screen]
    parts = ["h1", ".gl-start .gl-st-row", ".gl-start button", ".gl-facts"]
    parts += [
        f".gl-families li:nth-child({i}) {what}"
        for i in range(1, 5)
        for what in (".gl-stencil", "b")
    ]
    parts += [f".gl-doors a:nth-child({i})" for i in range(1, 4)]
    for part in parts:
        box = page.locator(f"article {part}").first.bounding_box()
        assert box and box["width"] > 15 and box["height"] > 10, part
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, part
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, (
            f"{part} is below the first screen"
        )
    boxes = [e.bounding_box() for e in page.locator(".gl-families .gl-stencil").all()]
    for left, right in zip(boxes, boxes[1:], strict=False):
        assert left["x"] + left["width"] < right["x"], "columns stand beside each other"
    fits = "(e) => e.scrollWidth <= e.parentElement.clientWidth"
    names = [name.evaluate(fits) for name in page.locator(".gl-families .gl-name").all()]
    assert all(names), "a name stays in its column"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".gl-doors a").first.inner_text() == "Start reading"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_samples_have_the_colour_of_the_text(open_start, scheme):
    page = open_start("phone", "reduce")
    dark(page, scheme == "dark")
    ink = "(e) => getComputedStyle(e).backgroundColor"
    text = page.locator("article p").first.evaluate("(e) => getComputedStyle(e).color")
    for stencil in page.locator(".gl-stencil").all():
        assert stencil.evaluate(ink) == text
    assert not violations(page, runOnly=["color-contrast"])


def test_doors_and_road_lead_somewhere_by_keyboard(open_start):
    page = open_start(motion="reduce")
    links = page.locator(".gl-doors a, .gl-families a, .gl-road a, .gl-scale a")
    assert page.locator(".gl-road a").count() == 8
    for link in links.all():
        target = link.get_attribute("href")
        assert "OWNER" not in target
        url = urlsplit(target)
        if url.scheme:
            assert url.netloc == "colab.research.google.com"
        else:
            assert ((SITE / START).parent / url.path).resolve().is_file(), target
        link.focus()
        assert link.evaluate("(e) => document.activeElement === e && e.tabIndex === 0")
    page.locator(".gl-doors a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/01_*.html")


def test_the_road_goes_right_bends_and_comes_back_and_downwards_on_a_phone(open_start):
    at = """() => [...document.querySelectorAll('.gl-road .gl-number')].map((e) => {
        const box = e.getBoundingClientRect();
        return [box.left, box.top + scrollY];
    })"""
    places = open_start(motion="reduce").evaluate(at)
    xs, ys = zip(*places, strict=True)
    assert list(xs[:4]) == sorted(xs[:4]) and list(xs[4:]) == sorted(xs[4:], reverse=True)
    assert (
        max(ys[:4]) - min(ys[:4]) < 1
        and xs[3] == pytest.approx(xs[4], abs=1)
        and ys[4] > ys[3] + 50
    )
    places = open_start("phone", "reduce").evaluate(at)
    xs, ys = zip(*places, strict=True)
    assert max(xs) - min(xs) < 1 and list(ys) == sorted(ys) and len(set(ys)) == 8


def test_samples_and_numbers_are_there_without_javascript(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{START}")
    assert page.locator(".gl-start .gl-still").is_visible()
    assert all(
        re.fullmatch(r"\d+\.\d", b.inner_text()) for b in page.locator(".gl-families b").all()
    )
    assert page.locator(".gl-families b").count() == 4
    context.close()


def test_every_page_has_a_description_and_what_a_link_to_it_shows(page_name):
    text = (SITE / page_name).read_text(encoding="utf-8")
    tags = {}
    for tag in re.findall(r"<meta [^>]+>", text):
        pairs = dict(re.findall(r'([\w:]+)="([^"]*)"', tag))
        tags.setdefault(pairs.get("name") or pairs.get("property"), []).append(pairs.get("content"))
    for name in ("description", "og:title", "og:description", "og:image", "og:image:alt"):
        assert len(tags[name]) == 1 and len(tags[name][0]) > 5, name
    assert "OWNER" not in tags["og:image"][0] and "not set" not in str(tags)
    assert (
        tags["og:image"][0].endswith("_static/social.png")
        and (SITE / "_static/social.png").is_file()
    )
    assert re.search(r"<title>(.+)</title>", text)[1].count("Learning to Generate") == 1
    assert read(SITE / page_name).links
