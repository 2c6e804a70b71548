"""Light pages: few requests and bytes, nothing that blocks but one style, formulas and icons without a script."""

import gzip
import re
from urllib.parse import urlsplit

import pytest
from browsing import PAGES, SITE, Watch, settle

CHAPTERS = [name for name in PAGES if re.match(r"book/\d\d_", name)]
WEIGHED = [*CHAPTERS, "book/index.html", "book/glossary.html"]
TEXT = {".html", ".css", ".js", ".svg", ".json"}


def text_of(name: str) -> str:
    return (SITE / name).read_text(encoding="utf-8")


def compressed(url: str) -> int:
    """The bytes of a file as a server sends it."""
    path = SITE / urlsplit(url).path.lstrip("/")
    data = path.read_bytes()
    return len(gzip.compress(data, 6)) if path.suffix in TEXT else len(data)


@pytest.mark.parametrize("name", WEIGHED)
def test_a_page_asks_for_little(browser, address, name):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{name}", wait_until="load")
    settle(page)
    context.close()
    asked = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert all(url.startswith(address) for url in asked)
    assert len(asked) <= 20, asked
    sizes = {url: compressed(url) for url in asked}
    assert sum(sizes.values()) <= 600_000, sizes


def test_one_style_blocks_and_scripts_wait(page_name):
    page = text_of(page_name)
    assert len(re.findall(r'<link\b[^>]*rel="stylesheet"', page)) == 1
    outside = re.findall(r"<script\b[^>]*\bsrc=[^>]*>", page)
    assert outside and all("defer" in tag for tag in outside), outside
    assert not re.search(r"fontawesome\.js|searchtools|searchindex|language_data|tex-chtml", page)
    assert page.count('name="viewport"') == 1
    assert re.search(r'<meta (name="description" content|content="[^"]+" name="desc)', page)


def test_pictures_have_a_size(page_name):
    main = text_of(page_name).partition("<main")[2]
    pictures = re.findall(r"<img\b[^>]*>", main)
    files = [tag for tag in pictures if 'src="data:' not in tag and "://" not in tag]
    assert not [tag for tag in files if "width=" not in tag and "style=" not in tag]
    assert not [tag for tag in files[1:] if 'loading="lazy"' not in tag]


def test_pictures_keep_their_shape(tab, address):
    """What an element says of its size must not stretch what stands in it."""
    tab.goto(f"{address}/book/03_variational_autoencoders.html")
    settle(tab)
    shapes = tab.evaluate("""async () => {
      const found = [];
      for (const img of document.querySelectorAll('article img[width]')) {
        img.loading = 'eager';
        await img.decode();
        const box = img.getBoundingClientRect(), style = getComputedStyle(img);
        const pad = parseFloat(style.paddingLeft) * 2;
        if (box.width) found.push([(box.width - pad) / (box.height - pad), img.naturalWidth / img.naturalHeight]);
      }
      return found;
    }""")
    assert len(shapes) > 2 and all(abs(a / b - 1) < 0.02 for a, b in shapes), shapes


def test_every_formula_is_there_without_a_script_and_can_be_read(page_name):
    page = text_of(page_name)
    boxes = len(re.findall(r'class="math notranslate', page))
    assert page.count("<mjx-container ") == page.count("<math") == boxes
    assert page.count("<mjx-math aria-hidden") == boxes


def test_formulas_look_the_same_without_a_script(browser):
    """Letters of the formulas have the fonts of TeX; a formula has the height and the width of what it holds."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    page.goto((SITE / "book/03_variational_autoencoders.html").as_uri())
    boxes = page.locator(".math mjx-container")
    assert boxes.count() > 100
    sizes = [boxes.nth(i).bounding_box() for i in range(0, 100, 9)]
    context.close()
    assert all(size is None or (size["width"] > 4 and 6 < size["height"] < 300) for size in sizes)
    assert sum(size is not None for size in sizes) > 5


FONTS = """() => [...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family)"""


def test_letters_of_formulas_and_icons_come_from_their_fonts(tab, address):
    tab.goto(f"{address}/book/03_variational_autoencoders.html")
    settle(tab)
    loaded = {family.strip('"') for family in tab.evaluate(FONTS)}
    assert {"MJXTEX", "MJXTEX-I", "Font Awesome 6 Free"} <= loaded
    icons = """() => [...document.querySelectorAll('i[class*=fa-], span[class*=fa-]')].map((icon) =>
      [icon.className, getComputedStyle(icon, '::before').content, getComputedStyle(icon, '::before').fontFamily])"""
    found = tab.evaluate(icons)
    assert len(found) > 5
    for name, content, family in found:
        assert content not in ("none", "normal", '""'), name
        assert "Awesome" in family or "Awesome" in str(loaded), name


@pytest.mark.parametrize("disk", [False, True])
@pytest.mark.parametrize("way", ["keys", "sidebar"])
def test_search_from_any_page(browser, address, way, disk):
    """Ctrl+K and the field of the sidebar lead to the page of the search; from the disk it finds titles, too."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    watch = Watch(page, "" if disk else address)
    page.goto((SITE / CHAPTERS[0]).as_uri() if disk else f"{address}/{CHAPTERS[0]}")
    if way == "keys":
        page.keyboard.press("Control+k")
    else:
        page.locator(".bd-sidebar-primary .search-button__button").first.click()
    page.locator("#pst-search-dialog input").fill("posterior")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li").count() >= 3
    assert all(link.inner_text().strip() for link in page.locator("#search-results li > a").all())
    context.close()
    # no page of the disk may be fetched by a script: then there are titles, and no lines of the text
    assert set(watch.errors) <= ({"Failed to fetch"} if disk else set()) and not watch.foreign


def test_a_figure_that_shares_its_code_moves(tab, address):
    """Chapter 3 has several figures with the same library; each is ready, and none complains."""
    watch = Watch(tab, address)
    tab.goto(f"{address}/book/03_variational_autoencoders.html")
    settle(tab)
    figures = tab.locator(".gl-interact")
    assert figures.count() == tab.locator(".gl-interact[data-ready]").count() >= 3
    assert text_of("book/03_variational_autoencoders.html").count("function zeroSet(") == 1
    assert all(figures.nth(i).locator("canvas, svg").count() for i in range(figures.count()))
    assert not watch.errors and not watch.console
