"""The built book in a real browser: one server, one browser, and each page visited once.

GENLIB_SITE names another folder of built pages than _build/html; CHROMIUM names another browser.
Without a browser or without a built book the tests are skipped with one loud line; in CI that is a failure.
"""

import functools
import http.server
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("GENLIB_SITE") or ROOT / "_build" / "html").resolve()
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium")
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing() -> str:
    """What is missing to run these tests, or nothing."""
    if not (SITE / "index.html").exists():
        return f"there is no built book in {SITE.name}: run `make book`"
    if not BROWSER:
        return "there is no Chromium: install it, or set CHROMIUM to its path"
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as problem:
        return f"{problem.name} is not installed: run `make env`"
    return ""


def pages() -> list[str]:
    """Every page of the table of contents that was built, as a path below the site."""
    listed: list[str] = []

    def walk(part) -> None:
        if isinstance(part, dict):
            listed.extend(f"{part[key]}.html" for key in ("root", "file") if key in part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    toc = SITE.parent.parent / "_toc.yml"
    walk(yaml.safe_load((toc if toc.exists() else ROOT / "_toc.yml").read_text(encoding="utf-8")))
    return listed


PAGES = pages() if not missing() else ["no site"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that writes no log."""

    def log_message(self, *_):
        """Say nothing: the tests look at the answers themselves."""


class Watch:
    """Everything a page said or asked for that it should not have."""

    def __init__(self, page, address: str = ""):
        self.console: list[str] = []
        self.errors: list[str] = []
        self.failed: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("response", self._answered)
        own = "|".join([re.escape(address) or "file:", "data:", "blob:", "about:"])
        page.route(re.compile(rf"^(?!{own})"), self._elsewhere)

    def _said(self, message) -> None:
        if not message.text.startswith(
            ("[PST]: ", "[togglebutton]: ")
        ):  # the theme tells what it did
            self.console.append(f"{message.type}: {message.text}")

    def _answered(self, response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")

    def _elsewhere(self, route) -> None:
        self.foreign.append(route.request.url)
        route.abort()


def settle(page) -> None:
    """Wait until the letters are there and the figures of the page have drawn themselves."""
    page.evaluate(
        """async () => {
            if (document.readyState !== 'complete')
                await new Promise((done) => window.addEventListener('load', done));
            await document.fonts.ready;
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }"""
    )


def dark(page, on: bool = True) -> None:
    """Show the page in the dark or the light scheme of the theme."""
    page.evaluate(
        "(on) => { const d = document.documentElement.dataset; d.mode = d.theme = on ? 'dark' : 'light'; }",
        on,
    )
    page.wait_for_timeout(150)


def on_a_phone(browser, figure):
    """The figure alone on a page of a phone; close `page.context` at the end."""
    context = browser.new_context(
        viewport={"width": 360, "height": 780}, has_touch=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{figure._repr_html_()}")
    settle(page)
    return page


def swipe(page, handle, dx: float, dy: float) -> None:
    """Drag the middle of a handle with one finger by (dx, dy) pixels, in two moves."""
    box, touch = handle.bounding_box(), page.context.new_cdp_session(page)
    x, y = box["x"] + 22, box["y"] + 22
    for kind, at in [
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + dx / 2, "y": y + dy / 2}]),
        ("touchMove", [{"x": x + dx, "y": y + dy}]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def tap(page, x: float, y: float, figure, key: str) -> None:
    """Tap at (x, y) until the number `key` of the figure changes, five times at most.

    A touch that a busy machine holds for too long is a long press to the browser, and no click follows it.
    """
    old = figure.get_attribute(key)
    for _ in range(5):
        page.touchscreen.tap(x, y)
        for _ in range(40):
            if figure.get_attribute(key) != old:
                return
            page.wait_for_timeout(50)
    raise AssertionError(f"five taps at ({x:.0f}, {y:.0f}) left {key} at {old}")


class Reader(HTMLParser):
    """Ids and links of one page."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id" or (key == "name" and tag == "a"):
                self.ids.add(value)
            elif key in {"href", "src"} and value is not None:
                self.links.append(value)


@functools.cache
def read(path: Path) -> Reader:
    return Reader(path)
