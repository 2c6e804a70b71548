"""One server, one browser and one window for all tests of the built book; what is missing is said loudly."""

import functools
import http.server
import os
import threading

import pytest
from browsing import BROWSER, PAGES, SITE, SWITCHES, Quiet, missing


def pytest_generate_tests(metafunc):
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", PAGES, scope="session")


def pytest_terminal_summary(terminalreporter):
    if missing():
        terminalreporter.write_line(f"SITE TESTS SKIPPED: {missing()}", red=True, bold=True)


@pytest.fixture(scope="session", autouse=True)
def needs():
    """Skip everything where something is missing; in CI, fail."""
    if missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing())


@pytest.fixture(scope="session")
def address(needs) -> str:
    handler = functools.partial(Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser(needs):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def desktop(browser):
    """One window whose pages share the cache; motion is reduced, so that figures arrive at once."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def tab(desktop):
    page = desktop.new_page()
    yield page
    page.close()
