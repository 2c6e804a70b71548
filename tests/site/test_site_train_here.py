"""Training in a browser: the networks move, obey every control, and repeat themselves under the same seed."""

import pytest
import torch
from browsing import on_a_phone
from test_site_figures import frames, numbers, press, show  # noqa: F401
from test_site_pages import assert_readable

from genlib.interact import train_here
from genlib.interact.train_here import MODELS, WORDS
from genlib.nets import mlp


def rests(figure, steps: int) -> dict:
    """Wait until a number of steps is done and measured, and return the numbers of the figure."""
    figure.page.wait_for_function(
        "([e, steps]) => +e.dataset.steps >= steps && e.dataset.busy === 'no' && +e.dataset.n > 0",
        arg=[figure.element_handle(), steps],
    )
    return numbers(figure)


def learned(shown: dict) -> dict:
    """What a training came to, without how long it took."""
    return {k: v for k, v in shown.items() if k.startswith(MODELS)} | {"steps": shown["steps"]}


def test_steps_move_every_model_and_a_seed_repeats_itself(show):  # noqa: F811
    figure = show(train_here()).locator(".gl-interact")
    fresh = rests(figure, 0)
    assert fresh["steps"] == "0" and fresh["n"] == "500"
    press(figure, "1 step")
    one = rests(figure, 1)
    assert one["steps"] == "1" and one["n"] == "2500"
    assert all(one[f"{name}Distance"] != fresh[f"{name}Distance"] for name in MODELS)
    press(figure, "Start again")
    assert numbers(figure)["steps"] == "0"
    rests(figure, 0)
    press(figure, "1 step")
    assert learned(rests(figure, 1)) == learned(one)
    figure.get_by_label("Seed").fill("5")
    figure.page.keyboard.press("Enter")
    assert rests(figure, 0)["seed"] == "5"
    press(figure, "1 step")
    other = rests(figure, 1)
    assert all(other[f"{name}Distance"] != one[f"{name}Distance"] for name in MODELS)


def test_flow_gets_better_with_steps_and_equals_the_one_of_four(show):  # noqa: F811
    page = show(train_here(), train_here(("flow",)))
    four, alone = (page.locator(".gl-interact").nth(k) for k in (0, 1))
    alone.scroll_into_view_if_needed()
    before = rests(alone, 0)
    press(alone, "100 steps")
    after = rests(alone, 100)
    assert float(after["flowMiss"]) < 0.5 * float(before["flowMiss"])
    assert float(after["flowDistance"]) < 0.5 * float(before["flowDistance"])
    assert after["flowModes"] == "8" and f"{float(after['flowNear']):.3f}" in alone.inner_text()
    press(alone, "1 step")
    assert float(rests(alone, 101)["spent"]) > float(after["spent"])
    four.scroll_into_view_if_needed()
    press(four, "100 steps")
    assert rests(four, 100)["flowMiss"] == after["flowMiss"]


def test_it_trains_until_it_is_paused(show):  # noqa: F811
    page = show(train_here(("flow",)))
    figure = page.locator(".gl-interact")
    rests(figure, 0)
    press(figure, "Train")
    page.wait_for_function("(e) => +e.dataset.steps > 20", arg=figure.element_handle())
    press(figure, "Pause")
    stopped = rests(figure, 20)
    assert int(stopped["steps"]) < 2000, "it would go on to the end of the plan"
    page.wait_for_timeout(300)
    assert numbers(figure)["steps"] == stopped["steps"] and stopped["n"] == "2500"
    figure.get_by_role("radio", name="2 steps a second").check()
    press(figure, "Train")
    page.wait_for_timeout(1200)
    assert 1 <= int(numbers(figure)["steps"]) - int(stopped["steps"]) <= 4


def test_layers_and_width_make_other_networks(show):  # noqa: F811
    page = show(train_here(("flow",)))
    figure = page.locator(".gl-interact")
    rests(figure, 0)
    found = {}
    for layers, width in [(2, 64), (1, 64), (3, 64), (3, 8)]:
        for name, value in [
            ("Hidden layers", layers),
            ("Their width", (8, 16, 32, 64).index(width)),
        ]:
            figure.get_by_role("slider", name=name).evaluate(
                "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }",
                value,
            )
        fresh = rests(figure, 0)
        assert (fresh["layers"], fresh["width"], fresh["steps"]) == (str(layers), str(width), "0")
        press(figure, "1 step")
        found[layers, width] = rests(figure, 1)["flowMiss"]
    assert len(set(found.values())) == 4
    slider = figure.get_by_role("slider", name="Their width")
    slider.focus()
    page.keyboard.press("End")
    assert rests(figure, 0)["width"] == "64" and slider.get_attribute("aria-valuetext") == "64"


def test_it_rests_out_of_sight(show):  # noqa: F811
    page = show(train_here(("flow",)))
    figure = page.locator(".gl-interact")
    rests(figure, 0)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div style=height:4000px>')")
    press(figure, "Train")
    page.evaluate("scrollTo(0, 4000)")
    page.wait_for_timeout(400)
    away = numbers(figure)["steps"]
    page.wait_for_timeout(400)
    assert numbers(figure)["steps"] == away and numbers(figure)["playing"] == "yes"
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(f"(e) => +e.dataset.steps > {away}", arg=figure.element_handle())


def test_a_slice_of_work_never_holds_the_page(show):  # noqa: F811
    page = show(train_here())
    figure = page.locator(".gl-interact")
    rests(figure, 0)
    press(figure, "Train")
    turns = page.evaluate(
        """() => new Promise((done) => {
            const seen = [];
            const tick = (now) => { seen.push(now); seen.length < 40 ? requestAnimationFrame(tick) : done(seen); };
            requestAnimationFrame(tick);
        })"""
    )
    gaps = sorted(b - a for a, b in zip(turns, turns[1:], strict=False))
    assert gaps[len(gaps) // 2] < 60, f"ms between two frames while four models train: {gaps}"


def test_time_of_the_walk_and_keyboard(show):  # noqa: F811
    page = show(train_here(("flow",)))
    figure = page.locator(".gl-interact")
    rests(figure, 0)
    press(figure, "100 steps")
    rests(figure, 100)
    canvas = figure.locator(".gl-chart canvas")
    picture = lambda: canvas.evaluate("(e) => e.toDataURL()")  # noqa: E731
    samples = picture()
    scrub = figure.get_by_role("slider", name="Time")
    scrub.focus()
    page.keyboard.press("Home")
    frames(page)
    noise = picture()
    assert scrub.get_attribute("aria-valuetext") == "1.00" and noise != samples
    page.keyboard.press("End")
    frames(page)
    assert picture() == samples
    press(figure, "Show the walk")
    page.wait_for_timeout(500)
    assert picture() not in (samples, noise), "it walks"
    figure.get_by_role("button", name="1 step").focus()
    page.keyboard.press("Enter")
    assert rests(figure, 101)["steps"] == "101"


def test_densities_and_drawings_by_mouse_and_keyboard(show):  # noqa: F811
    page = show(train_here(("flow",), density="drawn"))
    figure = page.locator(".gl-interact")
    assert int(rests(figure, 0)["points"]) > 50
    press(figure, "Clear the drawing")
    assert numbers(figure)["points"] == "0" and WORDS["empty"] in figure.inner_text()
    assert figure.get_by_role("button", name="Train").is_disabled()
    cross = figure.get_by_role("slider", name=WORDS["cursor"])
    cross.focus()
    for key in ("Space", "ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert numbers(figure)["points"] == "2" and "x 0.2, y 0.1" in cross.get_attribute(
        "aria-valuetext"
    )
    box = figure.locator(".gl-th-pad").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=12)
    page.mouse.up()
    assert int(rests(figure, 0)["points"]) > 8
    press(figure, "100 steps")
    assert float(rests(figure, 100)["flowMiss"]) < 1
    figure.get_by_role("radio", name="checkerboard").check()
    frames(page)
    assert numbers(figure)["steps"] == "0" and not figure.locator(".gl-th-pad").is_visible()
    press(figure, "1 step")
    assert 0 < float(rests(figure, 1)["flowNear"]) < 1 and "Squares" in figure.inner_text()


def test_kernel_has_torchs_gradients_in_this_browser(show):  # noqa: F811
    page = show(train_here(("flow",)))
    scripts = page.locator(".gl-interact script").nth(1).text_content()
    kernel = scripts[: scripts.index("function figure(")].removeprefix("\n(() => {\n")
    net = mlp((3, 20, 6, 2)).double()
    x = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    found = page.evaluate(
        f"""([theta, x]) => {{
            {kernel}
            const net = mlp([3, 20, 6, 2], "silu", uniforms(1));
            net.theta.set(theta);
            const y = [...forward(net, Float64Array.from(x), 9)];
            return [y, [...backward(net, new Float64Array(18).fill(1), 9)], [...net.grad]];
        }}""",
        [torch.nn.utils.parameters_to_vector(net.parameters()).tolist(), x.flatten().tolist()],
    )
    y = net(x)
    y.sum().backward()
    grad = torch.cat([p.grad.flatten() for p in net.parameters()])
    for mine, torchs in zip(found, (y, x.grad, grad), strict=True):
        assert mine == pytest.approx(torchs.flatten().tolist(), abs=1e-9)


def test_finger_draws(browser):
    page = on_a_phone(browser, train_here(("flow",), density="drawn"))
    figure = page.locator(".gl-interact")
    before = int(rests(figure, 0)["points"])
    box, touch = figure.locator(".gl-th-pad").bounding_box(), page.context.new_cdp_session(page)
    at = [{"x": box["x"] + 20 + 12 * k, "y": box["y"] + 20} for k in range(6)]
    for kind, points in [("touchStart", at[:1]), *[("touchMove", [p]) for p in at[1:]]]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function(f"(e) => +e.dataset.points > {before + 2}", arg=figure.element_handle())
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme):  # noqa: F811
    page = show(train_here(density="drawn"))
    rests(page.locator(".gl-interact"), 0)
    assert_readable(page, scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(train_here(), train_here(("gan",), density="drawn"), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
