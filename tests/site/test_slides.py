"""Slides of the built book, opened from the disk without a network: they fit, formulas stand, figures move."""

import re
import subprocess
import sys

import pytest
from browsing import ROOT, SITE, Watch

from tools import make_slides

# All slides at once, as they were measured before reveal.js hid most of them.
MEASURE = """() => {
    document.documentElement.classList.remove("ready");
    const found = [];
    Reveal.getSlides().forEach((slide, i) => {
        const body = slide.querySelector(".body"), say = (what) => found.push(`slide ${i + 1}, ${what}`);
        if (over(body)) say("runs over");
        if ((+body.style.getPropertyValue("--fit") || 1) < 0.61) say("letters too small");
        for (const math of slide.querySelectorAll(".slide .math"))
            if (!(math.querySelector("mjx-math")?.getBoundingClientRect().width > 1)) say("a formula is not set");
        for (const img of slide.querySelectorAll("img")) if (!img.naturalWidth) say("a picture is missing");
        if (!body.textContent.trim() && !body.querySelector("img, .gl-interact")) say("empty");
    });
    document.documentElement.classList.add("ready");
    return found;
}"""


@pytest.fixture(scope="module")
def decks(needs, tmp_path_factory):
    """All decks of the built book, by name."""
    out = tmp_path_factory.mktemp("slides")
    return {path.stem: path for path in make_slides.write(SITE, out)}


def begin(page, deck, query: str = "") -> Watch:
    watch = Watch(page)
    page.goto(f"{deck.as_uri()}{query}", wait_until="commit")
    return watch


def started(page) -> None:
    page.wait_for_selector("html.started", state="attached")


def go_to(page, selector: str) -> None:
    """Turn to the first slide that holds such an element."""
    page.evaluate(
        """(selector) => {
            const slide = Reveal.getSlides().find((one) => one.querySelector(selector)), at = Reveal.getIndices(slide);
            Reveal.slide(at.h, at.v);
        }""",
        selector,
    )


def place(page) -> int:
    return page.evaluate("Reveal.getSlidePastCount()")


@pytest.fixture
def game(decks, tab):
    """The slide with the game of chapter 4."""
    begin(tab, decks["04_generative_adversarial_networks"])
    started(tab)
    go_to(tab, ".gl-gg")
    return tab


def test_there_is_a_deck_of_every_notebook_and_chapter(decks):
    pages = [*SITE.glob("notebooks/[0-9]*.html"), *SITE.glob("book/0[0-9]_*.html")]
    assert len(pages) > 20 and {page.stem for page in pages} | {"probability"} == set(decks)


def test_every_deck_opens_from_the_disk_and_fits(decks, desktop):
    """No console message, no request elsewhere, nothing that runs out of its slide; three decks at a time."""
    names, found = list(decks), {}
    for first in range(0, len(names), 3):
        tabs = [(name, desktop.new_page()) for name in names[first : first + 3]]
        watches = {name: begin(page, decks[name]) for name, page in tabs}
        for name, page in tabs:
            started(page)
            watch = watches[name]
            found[name] = (
                page.evaluate(MEASURE) + watch.console + watch.errors + watch.failed + watch.foreign
            )
            page.close()
    assert not {name: problems for name, problems in found.items() if problems}


def test_an_answer_waits_for_the_next_key(decks, tab):
    begin(tab, decks["04a_a_gan_with_one_parameter"])
    started(tab)
    go_to(tab, ".answer")
    answer, before = tab.locator("section.present .answer"), place(tab)
    assert answer.is_hidden()
    tab.keyboard.press("ArrowRight")
    assert answer.is_visible() and place(tab) == before
    tab.keyboard.press("ArrowRight")
    assert place(tab) == before + 1


def test_an_interactive_figure_plays_within_a_slide(game):
    figure = game.locator("section.present .gl-interact")
    before = figure.get_attribute("data-theta")
    figure.get_by_role("button", name="One step").click()
    game.wait_for_function(
        "([f, old]) => f.dataset.theta !== old", arg=[figure.element_handle(), before]
    )


@pytest.mark.parametrize(
    "deck, figure, name",
    [
        ("04_generative_adversarial_networks", ".gl-gg", "The pair of players"),
        ("03_variational_autoencoders", ".gl-eb", "Top of q"),
    ],
)
def test_a_point_follows_the_mouse_at_every_size_of_the_window(decks, tab, deck, figure, name):
    """Slides are scaled to the window; the point must stay under the pointer."""
    begin(tab, decks[deck])
    started(tab)
    go_to(tab, figure)
    point = tab.locator("section.present .gl-interact").get_by_role("slider", name=name)
    for width, height in [(1280, 720), (1920, 1080)]:
        tab.set_viewport_size({"width": width, "height": height})
        tab.wait_for_timeout(200)
        box = point.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x - 60, y + 25, steps=3)
        tab.mouse.up()
        tab.wait_for_timeout(100)
        now = point.bounding_box()
        assert (now["x"] - box["x"], now["y"] - box["y"]) == pytest.approx((-60, 25), abs=3)


def test_arrows_move_a_point_and_a_remote_control_turns_the_page(game):
    disc = game.locator("section.present .gl-interact").get_by_role(
        "slider", name="The pair of players"
    )
    before, spoken = place(game), disc.get_attribute("aria-valuetext")
    disc.focus()
    game.keyboard.press("ArrowRight")
    assert place(game) == before
    game.wait_for_function(
        "([d, old]) => d.ariaValueText !== old", arg=[disc.element_handle(), spoken]
    )
    game.keyboard.press("PageDown")
    assert place(game) == before + 1


def test_light_and_dark(decks, tab):
    begin(tab, decks["00_start_here"], "?theme=dark")
    started(tab)
    paper = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(paper) == "rgb(20, 24, 30)"
    tab.keyboard.press("t")
    assert tab.evaluate(paper) == "rgb(255, 255, 255)"


def test_the_speakers_window_shows_the_notes(decks, tab):
    begin(tab, decks["04a_a_gan_with_one_parameter"])
    started(tab)
    go_to(tab, ".answer")
    said = tab.evaluate("Reveal.getCurrentSlide().querySelector('aside.notes').textContent").split()
    with tab.expect_popup() as popup:
        tab.keyboard.press("s")
    window = popup.value
    window.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value')?.textContent.length > 20"
    )
    shown = window.locator(".speaker-controls-notes .value").text_content().split()
    assert shown == said and window.locator(".speaker-controls-notes math").count() > 0
    window.close()


def test_a_deck_prints_with_one_page_a_slide(needs, tmp_path):
    command = [sys.executable, "-m", "tools.make_slides", "00", "--pdf"]
    command += ["--site", str(SITE), "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    (deck,), (pdf,) = tmp_path.glob("*.html"), tmp_path.glob("*.pdf")
    pdf, slides = pdf.read_bytes(), deck.read_text(encoding="utf-8").count('<div class="slide">')
    assert slides > 10 and len(re.findall(rb"/Type\s*/Page\b", pdf)) == slides
    assert b"/MediaBox [0 0 960 540]" in pdf  # 1280 x 720 pixels
