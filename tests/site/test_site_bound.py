"""The evidence bound: its JavaScript has the numbers of genlib.vae and torch, by mouse, touch and keyboard."""

import math

import numpy as np
import pytest
import torch
from browsing import on_a_phone, settle, swipe
from test_site_figures import arrives, drag, frames, numbers, press, set_slider, show  # noqa: F401
from test_site_pages import assert_readable
from torch.distributions import Normal, kl_divergence

from genlib.interact import bandwidth, evidence_bound, overlap
from genlib.interact.bound import WORDS, figure_eps, figure_model
from genlib.losses import gaussian_kl

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(20)


def agree(figure) -> dict:
    """Compare every number of the figure with Python: genlib.vae, torch.distributions and a quadrature."""
    shown = numbers(figure)
    mu, logvar, x, sd = (float(shown[name]) for name in ("mu", "logvar", "x", "sd"))
    m, v, at = (torch.tensor([[value]], dtype=torch.float64) for value in (mu, logvar, x))
    model, posterior = figure_model(sd), figure_model(sd).posterior(at)
    q = Normal(torch.tensor(mu).double(), math.exp(logvar / 2))
    z = mu + math.exp(logvar / 2) * torch.from_numpy(NODES)
    likelihood = Normal(z, sd).log_prob(torch.tensor(x).double())
    want = {
        "klMean": gaussian_kl(m, 0 * v).item(),
        "klVariance": gaussian_kl(0 * m, v).item(),
        "kl": kl_divergence(q, Normal(0.0, 1.0)).item(),
        "recon": (likelihood.numpy() @ WEIGHTS) / WEIGHTS.sum(),
        "elbo": model.elbo(at, m, v).item(),
        "logpx": model.log_prob(at).item(),
        "gap": model.gap(at, m, v).item(),
        "middle": posterior.mean.item(),
        "spread": posterior.covariance_matrix.item(),
        "overlap": overlap(mu, logvar),
    }
    for name, value in want.items():
        assert float(shown[name]) == pytest.approx(value, abs=2e-6), name
    codes = m + (0.5 * v).exp() * figure_eps(int(shown["seed"]), int(shown["n"]))
    drawn = [float(value) for value in shown["z"].split()]
    assert drawn == pytest.approx(codes.flatten().tolist(), abs=1e-6)
    says = WORDS["verdicts"][shown["verdict"]].replace("*", "")
    assert figure.locator(".gl-eb-say").inner_text() == says
    return shown


def test_top_of_q_moves_by_mouse_and_the_numbers_are_pythons(show):  # noqa: F811
    page = show(evidence_bound(view="posterior"))
    figure = page.locator(".gl-interact")
    before = agree(figure)
    handle = figure.get_by_role("slider", name="Top of q")
    place = handle.bounding_box()
    drag(page, handle, 90, 0)
    after = agree(figure)
    assert float(after["mu"]) > float(before["mu"]) + 0.5
    assert float(after["logvar"]) == pytest.approx(float(before["logvar"]), abs=1e-6)
    assert after["logpx"] == before["logpx"], "no q moves log p(x)"
    moved = handle.bounding_box()
    assert moved["x"] - place["x"] == pytest.approx(90, abs=1), "the handle stays under the pointer"
    drag(page, handle, 0, 30)
    wider = agree(figure)
    assert wider["mu"] == after["mu"] and float(wider["logvar"]) > float(after["logvar"])
    assert handle.bounding_box()["y"] - moved["y"] == pytest.approx(30, abs=1)


def test_top_of_q_moves_by_keyboard_and_says_where_it_is(show):  # noqa: F811
    page = show(evidence_bound(0.3, -1.0))
    figure = page.locator(".gl-interact")
    handle = figure.get_by_role("slider", name="Top of q")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    frames(page)
    after = agree(figure)
    assert float(after["mu"]) == pytest.approx(0.4) and float(after["logvar"]) == pytest.approx(
        -1.5
    )
    assert handle.get_attribute("aria-valuetext") == "mu is 0.40, sigma is 0.47"
    for _ in range(40):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    frames(page)
    ends = agree(figure)
    assert float(ends["mu"]) == 3 and float(ends["logvar"]) == 2, "it stops where the sliders stop"


def test_top_of_q_moves_by_touch(browser):
    page = on_a_phone(browser, evidence_bound())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    swipe(page, figure.get_by_role("slider", name="Top of q"), 40, 20)
    arrives(figure, "mu", before["mu"])
    agree(figure)
    assert page.evaluate("scrollY") == 0, "the page does not scroll while q is dragged"
    page.context.close()


def test_sliders_move_what_they_name(show):  # noqa: F811
    page = show(evidence_bound())
    figure = page.locator(".gl-interact")
    assert figure.locator("input[type=range]:visible").count() == 2, "x plays no part here"
    figure.get_by_role("radio", name="Against the posterior").check()
    frames(page)
    for index, (name, value) in enumerate([("mu", 1.25), ("logvar", -3), ("x", -2.5), ("sd", 0.4)]):
        set_slider(figure, index, value)
        assert float(agree(figure)[name]) == value
    label = figure.get_by_role("slider", name="log σ²")
    assert label.get_attribute("aria-valuetext") == "−3.00, σ = 0.22"
    label.focus()
    page.keyboard.press("ArrowRight")
    frames(page)
    assert float(agree(figure)["logvar"]) == pytest.approx(-2.99)


@pytest.mark.parametrize(
    ("view", "state", "verdict"),
    [
        ("prior", {"mu": 0, "logvar": 0}, "free"),
        ("prior", {"mu": 2, "logvar": -1}, "far"),
        ("prior", {"mu": 0.1, "logvar": -2}, "narrow"),
        ("prior", {"mu": 0.1, "logvar": 1.5}, "broad"),
        ("prior", {"mu": 1, "logvar": -7}, "point"),
        ("posterior", {"mu": 0.75, "logvar": -math.log(2), "x": 1.5, "sd": 1}, "exact"),
        ("posterior", {"mu": 0, "logvar": 0, "x": 2, "sd": 0.5}, "ignores"),
        ("posterior", {"mu": -2, "logvar": -1, "x": 1, "sd": 0.7}, "beside"),
        ("posterior", {"mu": 0.7, "logvar": -4, "x": 1.5, "sd": 1}, "bold"),
        ("posterior", {"mu": 0.7, "logvar": 1, "x": 1.5, "sd": 1}, "timid"),
        ("posterior", {"mu": 0.75, "logvar": -8, "x": 1.5, "sd": 1}, "point"),
        ("posterior", {"mu": -3, "logvar": 2, "x": 3, "sd": 0.4}, "beside"),
    ],
)
def test_one_sentence_says_what_is_the_case(show, view, state, verdict):  # noqa: F811
    figure = show(evidence_bound(**state, view=view)).locator(".gl-interact")
    assert agree(figure)["verdict"] == verdict


def test_best_q_closes_the_gap_and_nothing_else_does(show):  # noqa: F811
    figure = show(evidence_bound(view="posterior")).locator(".gl-interact")
    for x, sd in [(1.5, 0.8), (-2.8, 0.4), (0.0, 2.0)]:
        set_slider(figure, 2, x)
        set_slider(figure, 3, sd)
        best = agree(press(figure, "Best q"))
        assert float(best["gap"]) == pytest.approx(0, abs=1e-8) and best["verdict"] == "exact"
        assert float(best["elbo"]) == pytest.approx(float(best["logpx"]), abs=1e-8)
        assert "0.00 nats" in figure.inner_text()
        for name in ("q = prior", "Almost a point"):
            other = agree(press(figure, name))
            assert float(other["gap"]) > 0.005 and float(other["elbo"]) < float(other["logpx"])
    assert agree(press(figure, "Start again"))["x"] == "1.500000000"


def test_no_number_is_minus_nothing(show):  # noqa: F811
    figure = show(evidence_bound(-0.004, -0.004)).locator(".gl-interact")
    agree(figure)
    assert "0.00" in figure.inner_text() and "−0.00" not in figure.inner_text()


def test_prior_costs_nothing_and_a_point_costs_most(show):  # noqa: F811
    figure = show(evidence_bound()).locator(".gl-interact")
    assert figure.get_by_role("button", name="Best q").count() == 0
    free = agree(press(figure, "q = prior"))
    assert float(free["kl"]) == 0 and float(free["overlap"]) == pytest.approx(1, abs=1e-6)
    sharp = agree(press(figure, "Almost a point"))
    assert float(sharp["klVariance"]) == pytest.approx(3.5, abs=0.001)
    codes = {round(float(z), 1) for z in sharp["z"].split()}
    assert codes == {0.0}, "without noise all draws give one code"


def test_bars_are_as_long_as_their_numbers(show):  # noqa: F811
    page = show(evidence_bound(view="posterior"))
    figure = page.locator(".gl-interact")
    bars = figure.locator(".gl-chart").nth(1).locator("rect")
    lengths = lambda: bars.evaluate_all("(all) => all.map((e) => +e.getAttribute('height'))")  # noqa: E731
    shown = agree(figure)
    values = [-float(shown["recon"]), float(shown["kl"]), float(shown["gap"])]
    unit = lengths()[0] / values[0]
    assert lengths() == pytest.approx([unit * value for value in values], abs=0.1)
    figure.get_by_role("radio", name="Against the prior").check()
    frames(page)
    values = [float(shown["klMean"]), float(shown["klVariance"])]
    assert lengths() == pytest.approx([unit * value for value in values], abs=0.1)


def test_draws_stay_while_codes_move(show):  # noqa: F811
    page = show(evidence_bound())
    figure = page.locator(".gl-interact")
    # each line runs from a code down to its draw
    lines = """(svg) => [...svg.querySelectorAll('line')].filter((e) => e.getAttribute('style').includes('--gl-edge'))
        .map((e) => ['x1', 'x2'].map((k) => +e.getAttribute(k)))"""
    ends = lambda: np.array(figure.locator(".gl-chart svg").first.evaluate(lines)).T  # noqa: E731
    codes, eps = ends()
    set_slider(figure, 0, 1.7)
    new_codes, new_eps = ends()
    assert len(eps) == 12 and (new_eps == eps).all()
    unit = np.polyfit(figure_eps(145, 12).numpy(), eps, 1)[0]
    np.testing.assert_allclose(new_codes - codes, 2.5 * unit, atol=1e-6)


def test_reader_takes_over_from_a_glide(browser):
    context = browser.new_context(reduced_motion="no-preference")
    page = context.new_page()
    html = evidence_bound(view="posterior")._repr_html_()
    page.set_content(f"<!doctype html><html lang=en><body>{html}")
    settle(page)
    figure = page.locator(".gl-interact")
    figure.get_by_role("button", name="Best q").click()
    page.wait_for_timeout(100)
    set_slider(figure, 0, -2)
    page.wait_for_timeout(900)
    stopped = agree(figure)
    assert float(stopped["mu"]) == -2 and float(stopped["gap"]) > 1
    figure.get_by_role("button", name="Best q").click()
    page.wait_for_timeout(1000)
    assert float(agree(figure)["gap"]) == pytest.approx(0, abs=1e-8), "left alone, it arrives"
    context.close()


@pytest.mark.parametrize("view", ["prior", "posterior"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme, view):  # noqa: F811
    page = show(evidence_bound(view=view))
    assert_readable(page, scheme)


@pytest.mark.parametrize("view", ["prior", "posterior"])
def test_figure_fits_a_phone_and_its_sentence_does_not_jump(show, view):  # noqa: F811
    page = show(evidence_bound(-3, -8, x=3, view=view), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    height = "(e) => e.getBoundingClientRect().height"
    say, tall = page.locator(".gl-eb-say"), set()
    for words in WORDS["verdicts"].values():
        say.evaluate("(e, words) => { e.textContent = words; }", words.replace("*", ""))
        tall.add(round(say.evaluate(height)))
    assert len(tall) == 1, "every sentence has room in two lines"


def test_two_copies_and_another_figure_do_not_meet(show):  # noqa: F811
    page = show(evidence_bound(), bandwidth(), evidence_bound())
    figures = page.locator(".gl-interact[data-ready]")
    assert figures.count() == 3
    figures.nth(2).get_by_role("radio", name="Against the posterior").check()
    drag(page, figures.nth(2).get_by_role("slider", name="Top of q"), 40, 10)
    assert numbers(figures.nth(0))["view"] == "prior"
    assert agree(figures.nth(0))["mu"] != agree(figures.nth(2))["mu"]
