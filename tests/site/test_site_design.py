"""What a page looks like beyond colours: formulas and tables on phones, print, the sidebar, the glossary, pictures."""

import html
import re
import unicodedata

import pytest
from browsing import PAGES, SITE, dark, settle

CHAPTERS = [name for name in PAGES if re.match(r"book/0\d_", name)]
NOTEBOOKS = [name for name in PAGES if re.match(r"notebooks/0[1-9]", name)]

# Pieces of text that a line must not end in: those that `what` finds, and that stand on several lines.
SPLIT = """(what) => {
  const found = [], walk = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
  let all = 0;
  while (walk.nextNode()) {
    const node = walk.currentNode, home = node.parentElement;
    if (!home.checkVisibility() || home.closest('pre, script, style, svg, .gl-interact')) continue;
    for (const hit of node.textContent.matchAll(new RegExp(what, 'gu'))) {
      const range = document.createRange();
      range.setStart(node, hit.index);
      range.setEnd(node, hit.index + hit[0].length);
      all++;
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top / 6))).size > 1) found.push(hit[0]);
    }
  }
  return {all, found};
}"""

# Displayed formulas: whether one is cut, what tells so, and where its number stands.
FORMULAS = """() => [...document.querySelectorAll('div.math')].filter((e) => e.checkVisibility()).map((e) => {
  const box = e.querySelector(':scope > :not(.eqno)'), number = e.querySelector(':scope > .eqno');
  const place = box.getBoundingClientRect(), below = number?.getBoundingClientRect();
  return {
    name: e.id || e.textContent.slice(0, 40), cut: box.scrollWidth > box.clientWidth + 1,
    more: box.dataset.more ?? '', fades: getComputedStyle(box).maskImage.includes('gradient'), stop: box.tabIndex,
    low: below ? below.top >= place.bottom - 2 : null, width: place.width, room: e.parentElement.clientWidth,
  };
})"""

# Signs that touch a formula but stand on another line than its end or its beginning.
LOOSE = """() => {
  const rows = (range) => [...range.getClientRects()].filter((box) => box.width > 0);
  return [...document.querySelectorAll('article span.math')].filter((e) => e.checkVisibility()).flatMap((e) => {
    const box = (e.querySelector('mjx-math') ?? e).getBoundingClientRect(), found = [];
    const next = e.nextSibling, sign = next?.nodeType === 3 && next.textContent.match(/^[.,;:?!)’”\\]]+/);
    if (sign) {
      const range = document.createRange();
      range.setStart(next, 0);
      range.setEnd(next, sign[0].length);
      if (rows(range)[0]?.top > box.bottom - 2) found.push(e.textContent.slice(0, 30) + ' / ' + sign[0]);
    }
    return found;
  });
}"""


@pytest.fixture(scope="module", params=CHAPTERS or ["no site"])
def chapter(request, browser, address):
    """A chapter on a phone; figures do not move."""
    context = browser.new_context(viewport={"width": 360, "height": 780}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/{request.param}")
    settle(page)
    page.wait_for_timeout(200)
    yield page
    context.close()


def test_a_formula_that_is_cut_on_a_phone_says_so_and_has_its_number_below(chapter):
    found = chapter.evaluate(FORMULAS)
    assert len(found) >= 5
    for formula in found:
        assert formula["low"] is not False, "a number beside a formula takes its width"
        if formula["cut"]:
            assert "right" in formula["more"] and formula["fades"] and formula["stop"] == 0, formula
        else:
            assert not formula["more"] and not formula["fades"], formula
    cut = [formula for formula in found if formula["cut"]]
    assert len(cut) < 0.9 * len(found), "smaller type and the whole width help some of them"


def test_at_the_end_of_a_formula_there_is_no_more_to_the_right(chapter):
    if not [formula for formula in chapter.evaluate(FORMULAS) if formula["cut"]]:
        return  # all fit: nothing to scroll on this page, and the test above has looked that nothing fades
    box = chapter.locator("div.math > [data-more]:not(.eqno)").first
    box.evaluate("(e) => { e.scrollLeft = 9999; }")
    chapter.wait_for_timeout(100)
    assert box.get_attribute("data-more") == "left"
    box.evaluate("(e) => { e.scrollLeft = 0; }")
    chapter.wait_for_timeout(100)
    assert box.get_attribute("data-more") == "right"


def test_a_value_and_its_spread_stand_on_one_line(chapter):
    found = chapter.evaluate(SPLIT, r"\S+[\s\u00a0]±[\s\u00a0]\S*\d")
    assert not found["found"]


def test_no_sign_falls_off_its_formula(chapter):
    assert not chapter.evaluate(LOOSE)


def test_bullets_of_cards_stand_inside(chapter):
    rooms = chapter.evaluate(
        "[...document.querySelectorAll('.gl-card > ul')].map((e) => parseFloat(getComputedStyle(e).paddingLeft))"
    )
    assert rooms and min(rooms) >= 16


def test_a_wide_table_says_that_there_is_more(chapter):
    tables = chapter.evaluate(
        """() => [...document.querySelectorAll('.gl-table, .pst-scrollable-table-container')]
          .filter((e) => e.checkVisibility()).map((e) => ({wide: e.scrollWidth > e.clientWidth + 1,
            more: e.dataset.more ?? '', fades: getComputedStyle(e).maskImage.includes('gradient')}))"""
    )
    assert all(
        (t["more"] == "right" and t["fades"]) if t["wide"] else not t["more"] for t in tables
    )


# --- on a desk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_heading_has_an_empty_line(tab, address, name):
    tab.goto(f"{address}/{name}", wait_until="domcontentloaded")
    gaps = tab.evaluate(
        """() => [...document.querySelectorAll('article :is(h1, h2, h3, h4)')].filter((e) => {
          const text = document.createRange();
          text.selectNodeContents(e);
          const link = e.querySelector('.headerlink');
          if (link) text.setEndBefore(link);
          const last = Math.max(...[...text.getClientRects()].map((box) => box.bottom));
          return e.getBoundingClientRect().bottom > last + 12;
        }).map((e) => e.textContent)"""
    )
    assert not gaps


@pytest.mark.parametrize("width", [1280, 360])
def test_code_in_tables_breaks_at_no_letter(tab, address, width):
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(f"{address}/book/notation.html")
    broken = tab.evaluate(
        """() => [...document.querySelectorAll('td code')].filter((code) => {
          const walk = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) for (const word of walk.currentNode.textContent.matchAll(/[A-Za-z0-9]+/g)) {
            const range = document.createRange();
            range.setStart(walk.currentNode, word.index);
            range.setEnd(walk.currentNode, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map((box) => Math.round(box.top / 4))).size > 1) return true;
          }
          return false;
        }).map((code) => code.textContent)"""
    )
    assert not broken


def test_ranks_of_headings_and_links_read_the_right_way(tab, address):
    tab.goto(f"{address}/book/05_denoising_diffusion.html")
    sizes, weights = zip(
        *tab.evaluate(
            """() => ['h1', 'h2', 'h3'].map((name) => getComputedStyle(document.querySelector(`article ${name}`)))
              .map((style) => [parseFloat(style.fontSize), Number(style.fontWeight)])"""
        ),
        strict=True,
    )
    assert sizes[0] > 1.2 * sizes[1] > 1.2 * 1.2 * sizes[2] and len(set(weights)) == 1
    colours = tab.evaluate(
        """() => [...document.querySelectorAll('article :is(p, td, li) > a.reference')]
          .filter((e) => e.checkVisibility()).map((e) => getComputedStyle(e).color)"""
    )
    assert len(colours) > 20 and len(set(colours)) == 1


def test_answers_look_the_same_in_chapters_and_notebooks(tab, address):
    looks = []
    for name, fold in [
        ("book/05_denoising_diffusion.html", "details.sd-dropdown"),
        ("notebooks/05b_ddpm_on_digits.html", "details:not([class])"),
    ]:
        tab.goto(f"{address}/{name}")
        fold = tab.locator(f"article {fold}").first
        look = "(e) => { const s = getComputedStyle(e); return [s.backgroundColor, s.padding, s.color, s.fontSize]; }"
        edge = "(e) => { const s = getComputedStyle(e); return [s.border, s.borderRadius]; }"
        looks.append([fold.locator("summary").evaluate(look), fold.evaluate(edge)])
        height = fold.locator("summary").bounding_box()["height"]
        assert 36 < height < 46
    assert looks[0] == looks[1]


def test_the_sidebar_opens_the_chapter_one_is_in_and_numbers_its_notebooks(tab, address):
    tab.goto(f"{address}/notebooks/05b_ddpm_on_digits.html")
    side = tab.locator("nav.bd-docs-nav")
    opened = side.locator("li.has-children > details[open]")
    assert opened.count() == 1
    names = opened.locator("li a").all_inner_texts()
    wanted = [name[10:13] for name in NOTEBOOKS if name.startswith("notebooks/05")]
    assert [name.split()[0] for name in names] == wanted


def test_the_way_to_the_top_stands_in_the_corner(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 780}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/book/05_denoising_diffusion.html")
    page.evaluate("document.querySelector('#pst-back-to-top').style.display = 'block'")
    box = page.locator("#pst-back-to-top").bounding_box()
    assert box["width"] <= 48 and box["x"] + box["width"] > 330 and box["y"] + box["height"] > 740
    context.close()


def test_letters_of_figures_can_be_read_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(f"{address}/book/probability.html")
    settle(page)
    shrunk = page.evaluate(
        """async () => {
          const found = [];
          for (const e of document.querySelectorAll('article figure img[src*=".svg"]')) {
            e.loading = 'eager';
            await e.decode();
            found.push(e.getBoundingClientRect().width / e.naturalWidth);
          }
          return found;
        }"""
    )
    assert len(shrunk) > 5 and min(shrunk) > 0.7, "letters of 10 points are 9 pixels high at least"
    context.close()


# --- dark pictures, print, glossary, search ------------------------------------------------------


def test_pictures_of_notebooks_have_no_white_boxes_in_the_dark(tab, address):
    tab.goto(f"{address}/notebooks/01b_digits_by_statistics.html")
    settle(tab)
    look = """() => [...document.querySelectorAll('article .cell_output img')].filter((e) => e.checkVisibility())
      .map((e) => [e.src.includes('.dark.'), getComputedStyle(e).backgroundColor, getComputedStyle(e).padding])"""
    light = tab.evaluate(look)
    dark(tab)
    assert len(light) == len(tab.evaluate(look)) > 3
    assert not any(is_dark for is_dark, _, _ in light)
    assert {tuple(seen) for seen in tab.evaluate(look)} == {(True, "rgba(0, 0, 0, 0)", "0px")}


def test_digits_have_one_polarity_on_a_page(tab, address):
    """Ink is the colour of the text, in both schemes, whether a strip or a moving figure draws it."""
    tab.goto(f"{address}/book/05_denoising_diffusion.html")
    for on in (False, True):
        dark(tab, on)
        inks = tab.evaluate(
            "[...document.querySelectorAll('article .gl-stencil')].map((e) => getComputedStyle(e).backgroundColor)"
        )
        text = tab.evaluate("getComputedStyle(document.querySelector('article p')).color")
        assert len(inks) > 5 and set(inks) == {text}
    assert not tab.locator("article .gl-strip img").count()


@pytest.mark.parametrize("script", [True, False])
def test_on_paper_answers_are_open_and_the_title_has_its_number(browser, address, script):
    context = browser.new_context(
        viewport={"width": 718, "height": 1046}, java_script_enabled=script
    )
    page = context.new_page()
    page.goto(f"{address}/book/05_denoising_diffusion.html")
    page.emulate_media(media="print")
    if script:
        settle(page)
        page.pdf()  # asks the page to get ready for the paper, as a reader's print does
        assert page.locator("article details:not([open])").count() > 20, "folded again afterwards"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("article details:not([open])").count() == 0
    for answer in page.locator("article .sd-summary-content, article .gl-option > p").all():
        assert answer.bounding_box()["height"] > 10
    title = page.locator("article h1")
    assert title.is_visible() and re.match(r"\d\. ", title.inner_text())
    assert not page.locator("#jb-print-docs-body").is_visible()
    box = title.bounding_box()
    assert box["x"] + box["width"] <= 718 and box["y"] < 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    context.close()


def entries() -> list[str]:
    """The text of each entry of the glossary, names and meaning, read from the file."""
    page = (SITE / "book" / "glossary.html").read_text(encoding="utf-8")
    body = re.search(r'<dl class="[^"]*glossary[^"]*">(.*?)</dl>', page, re.DOTALL)[1]
    parts = re.findall(r"(?:<dt.*?</dt>\s*)+<dd>.*?</dd>", body, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", part)) for part in parts]


def plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in text if not 0x300 <= ord(sign) < 0x370).lower()


@pytest.mark.parametrize(
    "wanted", ["posterior collapse", "frechet", "잠재", "nothing of this kind"]
)
def test_the_filter_of_the_glossary_shows_what_holds_the_word(tab, address, wanted):
    tab.goto(f"{address}/book/glossary.html")
    field = tab.get_by_role("searchbox", name="Show only terms with")
    field.focus()
    tab.keyboard.type(wanted)
    shown = tab.locator("dl.glossary > dd:visible")
    expected = [text for text in entries() if plain(wanted) in plain(text)]
    assert shown.count() == len(expected) < len(entries())
    assert tab.locator(".gl-filter [role=status]").inner_text() == f"{len(expected)} terms"
    field.fill("")
    assert tab.locator("dl.glossary > dd:visible").count() == len(entries())


def test_letters_of_the_glossary_lead_there_and_without_a_script_it_is_a_list(browser, address):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"{address}/book/glossary.html")
    assert not page.locator(".gl-filter").is_visible()
    assert page.locator("dl.glossary > dd:visible").count() == len(entries())
    page.locator(".gl-letters a", has_text="V").click()
    first = page.locator("dl.glossary dt:target")
    assert first.inner_text().upper().startswith("V") and 0 <= first.bounding_box()["y"] < 300
    context.close()


def test_search_shows_no_tex(tab, address):
    tab.goto(f"{address}/search.html?q=posterior+collapse")
    tab.wait_for_selector("#search-results li p.context")
    tab.wait_for_timeout(500)
    text = tab.locator("#search-results").inner_text()
    assert "ollapse" in text and not re.search(r"\\[([a-z]", text)


@pytest.mark.parametrize("name", ["book/measures.html", "notebooks/01b_digits_by_statistics.html"])
def test_parts_of_a_page_have_names_of_their_own(tab, address, name):
    from axe_playwright_python.sync_playwright import Axe

    tab.goto(f"{address}/{name}")
    settle(tab)
    rules = {"runOnly": ["landmark-unique", "region"], "resultTypes": ["violations"]}
    found = Axe().run(tab, context={"exclude": [["mjx-math"]]}, options=rules).response
    assert not [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]]


def test_an_empty_corner_of_a_table_is_no_heading(tab, address):
    tab.goto(f"{address}/book/probability.html")
    heads = tab.locator("article th.head").all()
    empty = [head for head in heads if not head.text_content().strip()]
    assert empty and all(head.get_attribute("role") == "cell" for head in empty)
