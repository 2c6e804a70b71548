"""Every page of the book: quiet, offline, accessible, readable in light and dark, and within a phone's width."""

import os
from urllib.parse import unquote, urlsplit

import pytest
from browsing import SITE, Watch, dark, read, settle

# Pictures of a page (no badges, no icons): how they look on the ground that lies behind them.
PICTURES = """async () => {
  const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (r, g, b) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor; if (rgba(c)[3] > 0.5) return c; } return 'rgb(255, 255, 255)'; };
  const found = [];
  // a still of a figure stands there only where no script runs; the figure's own test looks at it
  for (const img of document.querySelectorAll('article img:not(.gl-still)')) {
    if (!img.checkVisibility()) continue; // the twin for the other scheme
    img.loading = 'eager';
    await img.decode().catch(() => {});
    const file = (img.currentSrc || img.src).split('/').pop().split('?')[0].slice(0, 60);
    if (img.getBoundingClientRect().width < 150 && img.naturalWidth < 150) continue;
    const w = 300, h = Math.max(1, Math.round(w * img.naturalHeight / img.naturalWidth));
    const canvas = Object.assign(document.createElement('canvas'), {width: w, height: h});
    const pen = canvas.getContext('2d', {willReadFrequently: true});
    pen.drawImage(img, 0, 0, w, h);
    const corner = [...pen.getImageData(1, 1, 1, 1).data];
    pen.globalCompositeOperation = 'destination-over';
    pen.fillStyle = behind(img);
    pen.fillRect(0, 0, w, h);
    const data = pen.getImageData(0, 0, w, h).data, ground = light(data[0], data[1], data[2]);
    let strong = 0;
    for (let i = 0; i < data.length; i += 4) {
      const l = light(data[i], data[i + 1], data[i + 2]), a = Math.max(l, ground), b = Math.min(l, ground);
      if ((a + 0.05) / (b + 0.05) >= 3) strong++;
    }
    found.push({file, opaque: corner[3] === 255, corner: light(corner[0], corner[1], corner[2]),
                share: strong / (w * h), filter: getComputedStyle(img).filter, broken: !img.naturalWidth});
  }
  return found;
}"""

# Text of interactive figures: contrast of each visible piece of text with the ground behind it.
CONTRAST = """() => {
  const rgba = (text) => { const n = text.match(/-?[\\d.]+/g).map(Number), s = text.startsWith('color(') ? 255 : 1;
    return [n[0] * s, n[1] * s, n[2] * s, n.length > 3 ? n[3] : 1]; };
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 0.5) return c; } return [255, 255, 255]; };
  const found = [];
  for (const root of document.querySelectorAll('.gl-interact')) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
      if (!text || e.closest('style, script, noscript') || !e.checkVisibility()) continue;
      const style = getComputedStyle(e), ink = rgba(e.closest('svg') ? style.fill : style.color);
      const a = light(ink), b = light(behind(e));
      found.push({text, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)});
    }
  }
  return found;
}"""

MATH = """() => ({
  formulas: document.querySelectorAll('.math').length,
  untouched: [...document.querySelectorAll('.math')]
    .filter((e) => !e.querySelector('mjx-container')).map((e) => e.textContent),
  errors: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map((e) => e.textContent),
})"""

NO_ALT = """() => [...document.images]
  .filter((i) => !i.closest('[aria-hidden=true]') && !i.alt.trim()).map((i) => i.src.slice(0, 120))"""

OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const names = wide <= 0 ? [] : [...document.querySelectorAll('article *')]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .filter((e) => !e.closest('pre, .gl-scroll, .gl-table, mjx-container'))
    .slice(0, 5)
    .map((e) => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40));
  return {wide, names};
}"""


def violations(page, **options) -> list[str]:
    """What axe calls serious or critical. The pieces of formulas and of coloured code are left out: there are
    thousands, and their colours come from MathJax and from a highlighting style made for contrast.
    """
    from axe_playwright_python.sync_playwright import Axe

    options |= {"resultTypes": ["violations"], "preload": False}
    context = {"exclude": [["mjx-math"], [".highlight pre"]]}
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {node['target']} {node.get('failureSummary', '')}"
        for v in found
        if v["impact"] in {"serious", "critical"}
        for node in v["nodes"]
    ]


def assert_readable(page, scheme: str) -> None:
    """One figure on a bare page takes the scheme, its text stands out, and axe is content."""
    if scheme == "dark":
        page.evaluate(
            "Object.assign(document.body.style, {background: '#121212', color: '#ced6dd'})"
        )
        page.wait_for_timeout(150)
    page.evaluate("document.title = 'x'")
    assert page.locator(".gl-interact").get_attribute("data-scheme") == scheme
    assert not [piece for piece in page.evaluate(CONTRAST) if piece["ratio"] < 4.5]
    assert not violations(page)


@pytest.fixture(scope="session")
def visits(desktop, address) -> dict:
    """What was found on each page; a page is loaded when the first test asks for it, and only once."""
    return {}


@pytest.fixture
def visit(visits, desktop, address, page_name) -> dict:
    if page_name not in visits:
        visits[page_name] = look_at(desktop, address, page_name)
    return visits[page_name]


def look_at(desktop, address: str, name: str) -> dict:
    page = desktop.new_page()
    watch = Watch(page, address)
    answer = page.goto(f"{address}/{name}", wait_until="load")
    settle(page)
    found = {"status": answer.status, "watch": watch, "title": page.title()}
    found["alt"] = page.evaluate(NO_ALT)
    found["math"] = page.evaluate(MATH)
    # Only colours differ between the schemes: the second look needs only the rule that sees them.
    for scheme, rules in [("light", {}), ("dark", {"runOnly": ["color-contrast"]})]:
        dark(page, scheme == "dark")
        found[scheme] = {
            "axe": violations(page, **rules),
            "pictures": page.evaluate(PICTURES),
            "text": page.evaluate(CONTRAST),
        }
    page.set_viewport_size({"width": 360, "height": 780})
    page.wait_for_timeout(200)
    found["phone"] = page.evaluate(OVERFLOW)
    if folder := os.environ.get("GENLIB_SHOTS"):  # keep pictures of every page, to look at them
        page.screenshot(path=f"{folder}/{name.replace('/', '_')}.360.dark.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
        dark(page, False)
        page.screenshot(path=f"{folder}/{name.replace('/', '_')}.1280.light.png", full_page=True)
    page.close()
    return found


def test_page_is_there_and_has_a_title(visit):
    assert visit["status"] == 200
    assert len(visit["title"]) > 3


def test_page_says_nothing_on_the_console(visit):
    watch = visit["watch"]
    assert not watch.errors and not watch.console


def test_page_gets_all_it_asks_for_and_nothing_from_elsewhere(visit):
    assert not visit["watch"].foreign, "a request to another host"
    assert not visit["watch"].failed


def test_every_image_has_alt_text(visit):
    assert not visit["alt"]


def test_no_cell_shows_a_value_that_it_only_ends_with(page_name):
    """A notebook prints or draws what it has to show; the last expression of a cell is closed by a semicolon."""
    assert "output text_plain" not in (SITE / page_name).read_text(encoding="utf-8")


def test_formulas_are_set(visit):
    assert not visit["math"]["untouched"] and not visit["math"]["errors"]


def test_page_fits_a_phone(visit):
    assert visit["phone"]["wide"] <= 0, visit["phone"]["names"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, scheme):
    assert not visit[scheme]["axe"], "\n".join(visit[scheme]["axe"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_readable(visit, scheme):
    """Nothing bends the colours, a picture with its own ground keeps it light, and enough stands out from it."""
    for picture in visit[scheme]["pictures"]:
        assert not picture["broken"], picture
        assert picture["filter"] == "none", picture
        assert not picture["opaque"] or picture["corner"] > 0.8, picture
        assert picture["share"] > 0.002, f"nothing stands out from the ground: {picture}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_interactive_figures_stands_out(visit, scheme):
    faint = [piece for piece in visit[scheme]["text"] if piece["ratio"] < 4.5]
    assert not faint


def test_links_within_the_book_resolve(page_name):
    here, broken = SITE / page_name, []
    for link in read(here).links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            continue
        target = (here.parent / unquote(url.path)).resolve() if url.path else here
        if not target.is_file():
            broken.append(f"{link}: no such file")
        elif url.fragment and target.suffix == ".html":
            known = read(target).ids
            if unquote(url.fragment) not in known and url.fragment != "":
                broken.append(f"{link}: no such anchor")
    assert not broken
