"""What the book does as a whole: search, the switch between light and dark, the quiz, and opening it from the disk."""

import re

import pytest
from browsing import PAGES, SITE, Watch, read, settle

from tools.set_repository import current, has_address


def first_page_with(what: str) -> str:
    for name in PAGES:
        path = SITE / name
        if path.exists() and what in path.read_text(encoding="utf-8"):
            return name
    pytest.skip(f"no page of this book has {what}")


def test_search_finds_a_term(tab, address):
    watch = Watch(tab, address)
    tab.goto(f"{address}/search.html")
    tab.locator("form.bd-search input[type=search]:visible").last.fill("Bayes")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#search-results li a")
    assert tab.locator("#search-results li").count() >= 1
    assert not watch.errors and not watch.foreign


def test_front_door_leads_into_the_book(tab, address):
    tab.goto(f"{address}/index.html")
    tab.wait_for_selector("article h1")
    assert PAGES[0] in tab.url or "index.html" in tab.url


def test_theme_switch_turns_the_page_dark(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.goto(f"{address}/{PAGES[0]}")
    ground = "getComputedStyle(document.body).backgroundColor"
    before, seen = page.evaluate(ground), set()
    for _ in range(3):
        page.locator(".theme-switch-button:visible").first.click()
        page.wait_for_timeout(100)
        seen.add(page.evaluate("document.documentElement.dataset.theme"))
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            assert page.evaluate(ground) != before
    context.close()
    assert seen == {"light", "dark"}


def test_book_opens_from_the_disk(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    watch = Watch(page)
    page.goto((SITE / PAGES[0]).as_uri())
    settle(page)
    with_figure = first_page_with("data-figure=")
    page.goto((SITE / with_figure).as_uri())
    settle(page)
    assert page.locator(".gl-interact[data-ready]").count() >= 1
    context.close()
    assert not watch.errors and not watch.console and not watch.foreign and not watch.failed


def test_quiz_works_by_keyboard_and_without_javascript(browser, address):
    name = first_page_with("gl-quiz")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{name}")
    quiz = page.locator(".gl-quiz").first
    assert quiz.locator(".gl-question").inner_text().strip()
    assert quiz.locator(".gl-verdict-right").count() >= 1
    for option in quiz.locator("details.gl-option").all():
        verdict = option.locator(".gl-verdict-right, .gl-verdict-wrong")
        assert not verdict.is_visible()
        option.locator("summary").focus()
        page.keyboard.press("Enter")
        assert verdict.is_visible(), "Enter opens the option"
        page.keyboard.press("Enter")
        assert not verdict.is_visible(), "Enter closes it again"
    context.close()


def test_formulas_in_quiz_options_stand_in_the_line(browser, address):
    name = "book/05_denoising_diffusion.html"
    context = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/{name}")
    settle(page)
    gaps = page.evaluate("""() => [...document.querySelectorAll('.gl-option summary mjx-container')].map(formula => {
      const before = formula.parentElement.previousSibling ?? formula.previousSibling;
      if (!before || before.nodeType !== Node.TEXT_NODE) return 0;
      const text = document.createRange();
      text.selectNodeContents(before);
      const line = [...text.getClientRects()].at(-1), here = formula.getBoundingClientRect();
      const start = formula.closest('summary > span:not(.math)')?.getBoundingClientRect().left ?? 0;
      return Math.min(Math.abs(here.left - line.right), Math.abs(here.left - start));
    })""")
    assert len(gaps) > 5 and max(gaps) < 8, gaps
    named = page.evaluate("""() => [...document.querySelectorAll('.gl-option summary')].map(summary => {
      const rest = summary.cloneNode(true);
      for (const formula of rest.querySelectorAll('mjx-container')) formula.remove();
      return [rest.textContent.trim(), summary.ariaLabel];
    })""")
    assert all(bool(words) != bool(label) for words, label in named), "formulas alone have a name"
    assert any(label for _, label in named) and any(words for words, _ in named)
    context.close()


def test_figures_leave_a_sentence_without_javascript(browser, address):
    name = first_page_with("data-figure=")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{name}")
    assert len(page.locator(".gl-interact").first.inner_text()) > 50
    context.close()


def test_every_page_ends_with_the_changes_and_a_way_to_report(page_name):
    links = read(SITE / page_name).links
    target = (SITE / "book" / "changes.html").resolve()
    here = SITE / page_name
    assert here == target or target in [(here.parent / link).resolve() for link in links[-9:]]
    reported = any("/issues/new?title=Error" in link for link in links[-9:])
    assert reported == has_address(current())


def test_without_an_address_no_page_links_to_the_repository(page_name):
    text = (SITE / page_name).read_text(encoding="utf-8")
    if not has_address(current()):
        assert not re.search(r'(href|action|content)="[^"]*(/OWNER/|colab\.research)', text)


@pytest.mark.parametrize("name", ["book/index.html", "notebooks/00_start_here.html"])
def test_the_changes_open_from_the_foot_of_a_page_on_the_disk(browser, name):
    page = browser.new_page()
    page.goto((SITE / name).as_uri())
    page.locator(".extra_footer a").first.click()
    page.wait_for_url("**/book/changes.html")
    assert "Changes" in page.title()
    page.close()
