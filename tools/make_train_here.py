"""Measure what the models come to that train in the page: `python -m tools.make_train_here` (needs Chromium).

The figure is opened in a browser, *Train* is pressed, and its own numbers are read: at the end of the plan, and on the
way, when the share within 3 sd first reaches 0.95.
"""

import os
import shutil
from collections.abc import Sequence

from genlib.interact import train_here
from genlib.interact.train_here import MODELS, PLAN
from tools import results

TARGET, SEEDS, GOOD = results.DATA / "train_here.json", (1, 2, 3), 0.95
ABOUT = {
    "command": "python -m tools.make_train_here",
    "seeds": SEEDS,
    "data": "ring",
    "plan": PLAN,
    "note": "Chromium, one core; seconds are those of computing in the page, the measuring on the way included; "
    "total_cpu_s is that of Python alone",
}
MEASURES = ("near", "modes", "distance", "miss")


def run(models: Sequence[str], seed: int, steps: int = PLAN["steps"]) -> dict:
    """One training in the page to the given step: the figure's numbers, and its seconds of computing."""
    from playwright.sync_api import sync_playwright  # here: only this tool needs it

    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(600_000)
        page.set_content(train_here(models, seed=seed)._repr_html_())
        figure = page.locator(".gl-interact")
        figure.evaluate(
            """(e, good) => {  // the moment at which every number of its kind is good for the first time
                new MutationObserver(() => {
                    const d = e.dataset;
                    if (d.flowNear >= good && !d.goodStep) { d.goodStep = d.steps; d.goodSpent = d.spent; }
                }).observe(e, { attributes: true, attributeFilter: ["data-flow-near"] });
            }""",
            GOOD,
        )
        figure.get_by_role("button", name="Train").click()
        wait = "([e, steps]) => +e.dataset.steps >= steps"
        page.wait_for_function(wait, arg=[figure.element_handle(), steps])
        if steps < PLAN["steps"]:
            figure.get_by_role("button", name="Pause").click()
        page.wait_for_function("(e) => e.dataset.busy === 'no'", arg=figure.element_handle())
        shown = figure.evaluate("(e) => ({...e.dataset})")
        browser.close()
    return read(models, shown)


def read(models: Sequence[str], shown: dict) -> dict:
    """Numbers out of the attributes of the figure."""
    found: dict = {"steps": int(shown["steps"]), "seconds": int(shown["spent"]) / 1000}
    if "flow" in models:
        found["seconds_to_good"] = int(shown["goodSpent"]) / 1000 if "goodSpent" in shown else None
    for name in models:
        keys = {key: f"{name}{key.capitalize()}" for key in MEASURES}
        found[name] = {key: float(shown[at]) for key, at in keys.items() if at in shown}
    return found


def alone() -> dict:
    """Flow matching with the page to itself."""
    return results.over_seeds(lambda seed: run(("flow",), seed), SEEDS)


def four() -> dict:
    """All four side by side."""
    return results.over_seeds(lambda seed: run(MODELS, seed), SEEDS)


SECTIONS = results.named(alone, four)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
