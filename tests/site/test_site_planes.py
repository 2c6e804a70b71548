"""Two planes: the JavaScript of both decodes, measures and draws as Python does, by mouse, touch and keyboard."""

import pytest
import torch
from browsing import on_a_phone, settle, swipe, tap
from test_site_figures import arrives, drag, frames, numbers, show  # noqa: F401
from test_site_latent import ink, points
from test_site_pages import assert_readable

from genlib.interact import latent_plane, plane, planes, two_planes

NAMES = {"ae": "Autoencoder", "vae": "VAE"}


def of(key: str):
    return plane(planes.NAMES[key])


def cross_of(figure, key: str):
    return figure.get_by_role("slider", name=f"{NAMES[key]}: the code")


def map_of(figure, key: str):
    return figure.locator(".gl-plane").nth(list(NAMES).index(key))


def picture(figure, key: str) -> str:
    return map_of(figure, key).locator("canvas").evaluate("(c) => c.toDataURL()")


def agree(figure) -> dict:
    """Compare everything that the figure says about both crosses and the random codes with Python, and return it."""
    shown = numbers(figure)
    eps = points(shown["eps"])
    torch.testing.assert_close(
        eps, of("ae").sample("standard", int(shown["seed"]), len(eps)), atol=1e-6, rtol=0
    )
    for key in NAMES:
        z = points(shown[f"{key}Z"])
        pixels = of(key).decode(z).flatten(1)
        torch.testing.assert_close(points(shown[f"{key}Pixels"]), pixels, atol=2e-6, rtol=0)
        distance, row = of(key).nearest(z)
        assert float(shown[f"{key}Distance"]) == pytest.approx(distance.item(), abs=1e-6)
        assert of(key).y[int(shown[f"{key}Row"])] == of(key).y[row].item()
        assert shown[f"{key}Hole"] == str(of(key).in_hole(z).item()).lower()
        assert int(shown[f"{key}Holes"]) == of(key).in_hole(eps).sum()
        assert int(shown[f"{key}Kinds"]) == len(of(key).y[of(key).nearest(eps)[1]].unique())
    return shown


def test_both_start_at_the_codes_of_one_digit(show):  # noqa: F811
    figure = show(two_planes(digit=3)).locator(".gl-interact")
    shown = agree(figure)
    for k, key in enumerate(NAMES):
        assert points(shown[f"{key}Z"])[0].tolist() == of(key).codes[3].tolist()
        under = figure.locator(".gl-tp-under").nth(k)
        want = points(shown[f"{key}Pixels"])[0].tolist()
        assert ink(under.locator("canvas")) == pytest.approx(want, abs=0.004)
        assert f"digit {of(key).y[3]}, 0.00 away" in under.inner_text()


def test_each_cross_moves_by_mouse_and_leaves_the_other_alone(show):  # noqa: F811
    page = show(two_planes())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    for key, other in [("ae", "vae"), ("vae", "ae")]:
        drag(page, cross_of(figure, key), 60, -50)
        after = agree(figure)
        assert after[f"{key}Z"] != before[f"{key}Z"] and after[f"{other}Z"] == before[f"{other}Z"]
        before = after
    box = map_of(figure, "vae").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    frames(page)
    pinned = agree(figure)["vaeZ"]
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    frames(page)
    assert agree(figure)["vaeZ"] != pinned
    page.mouse.move(1, 1)
    frames(page)
    assert agree(figure)["vaeZ"] == pinned, "the cross returns when the mouse leaves"


@pytest.mark.parametrize(("make", "key"), [(two_planes, "vaeZ"), (latent_plane, "z")])
def test_cross_follows_a_slow_mouse_and_stays_where_it_is_pressed(show, make, key):  # noqa: F811
    page = show(make())
    figure = page.locator(".gl-interact")
    box = figure.locator(".gl-plane").last.bounding_box()
    start, seen = numbers(figure)[key], []
    for i in range(12):  # less than the cross is wide
        page.mouse.move(box["x"] + 100 + 3 * i, box["y"] + 90)
        page.wait_for_timeout(40)
        seen.append(numbers(figure)[key])
    assert len(set(seen)) == 12 and start not in seen
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(1, 1)
    page.wait_for_timeout(80)
    assert numbers(figure)[key] == seen[-1], "a click pins the cross"
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 70)
    page.mouse.move(box["x"] + 120, box["y"] + 90)
    page.mouse.up()
    page.mouse.move(1, 1)
    page.wait_for_timeout(80)
    x, y = points(numbers(figure)[key])[0].tolist()
    there = figure.locator(".gl-plane").last.locator(".gl-handle").bounding_box()
    middle = there["x"] + there["width"] / 2 - box["x"], there["y"] + there["height"] / 2 - box["y"]
    assert middle == pytest.approx((120, 90), abs=1), "and with the button down it goes along"
    figure.page.keyboard.press("ArrowRight")
    frames(page)
    assert points(numbers(figure)[key])[0].tolist()[0] > x, "a press leaves the keys to the cross"


def test_crosses_move_by_keyboard_in_steps_of_their_map(show):  # noqa: F811
    page = show(two_planes())
    figure, steps = page.locator(".gl-interact"), []
    for scale in ("All codes", "One scale for both"):
        figure.get_by_role("radio", name=scale).check()
        for key in NAMES:
            cross_of(figure, key).focus()
            for way in ("Shift+ArrowRight", "ArrowRight", "ArrowUp"):  # away from the edge
                page.keyboard.press(way)
            frames(page)
            before = points(agree(figure)[f"{key}Z"])[0]
            page.keyboard.press("ArrowRight")
            frames(page)
            x, y = (points(agree(figure)[f"{key}Z"])[0] - before).tolist()
            assert x > 0 and y == 0
            steps.append(x)
    assert steps[0] > 4 * steps[1] and steps[1:3] == pytest.approx(2 * steps[3:], abs=1e-7)
    assert "nearest training code, digit" in cross_of(figure, "ae").get_attribute("aria-valuetext")


def test_cross_moves_by_touch(browser):
    page = on_a_phone(browser, two_planes())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    cross_of(figure, "ae").scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    swipe(page, cross_of(figure, "ae"), 40, 60)
    arrives(figure, "aeZ", before["aeZ"])
    assert agree(figure)["vaeZ"] == before["vaeZ"]
    assert page.evaluate("scrollY") == scrolled
    box = map_of(figure, "ae").bounding_box()
    tap(page, box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], figure, "data-ae-z")
    frames(page)
    low, high = of("ae").codes.amin(dim=0), of("ae").codes.amax(dim=0)
    middle = ((low + high) / 2).tolist()
    assert points(agree(figure)["aeZ"])[0].tolist() == pytest.approx(middle, abs=0.1), "a tap pins"
    page.context.close()


def test_one_press_draws_the_same_codes_for_both(show):  # noqa: F811
    page = show(two_planes())
    figure, seen = page.locator(".gl-interact"), set()
    for _ in range(3):
        shown = agree(figure)
        seen.add(shown["eps"])
        z = points(shown["eps"])
        columns = figure.locator(".gl-tp-strips button")
        assert columns.count() == len(z) == 12
        for i in (0, 7, 11):
            for k, key in enumerate(NAMES):
                drawn = ink(columns.nth(i).locator("canvas").nth(k))
                want = of(key).decode(z[i : i + 1]).flatten().tolist()
                assert drawn == pytest.approx(want, abs=0.004)
        for k, key in enumerate(NAMES):
            marked = columns.locator(f"span:nth-child({k + 1})[data-hole]").count()
            assert marked == int(shown[f"{key}Holes"])
        figure.get_by_role("button", name="Draw 12 other codes").click()
        frames(page)
    assert len(seen) == 3


def test_column_shows_its_place_in_both_maps_by_mouse_and_keyboard(show):  # noqa: F811
    page = show(two_planes())
    figure = page.locator(".gl-interact")
    before = agree(figure)
    z, columns = points(before["eps"]), figure.locator(".gl-tp-strips button")
    columns.nth(4).hover()
    frames(page)
    shown = agree(figure)
    for key in NAMES:
        torch.testing.assert_close(points(shown[f"{key}Z"])[0], z[4], atol=1e-6, rtol=0)
    page.mouse.move(1, 1)
    frames(page)
    assert agree(figure)["aeZ"] == before["aeZ"]
    columns.first.focus()
    for key in ("End", "ArrowLeft", "Enter", "Tab"):
        page.keyboard.press(key)
    frames(page)
    shown = agree(figure)
    for key in NAMES:  # Enter moved both crosses there, so they stay
        torch.testing.assert_close(points(shown[f"{key}Z"])[0], z[10], atol=1e-6, rtol=0)
    assert columns.evaluate_all("(all) => all.filter((e) => e.tabIndex === 0).length") == 1
    said = columns.nth(10).get_attribute("aria-label")
    for key in NAMES:
        label = f"{NAMES[key]}: nearest training code, digit "
        label += str(of(key).y[of(key).nearest(z[10:11])[1]].item())
        assert label in said
        assert (label + ", in a hole" in said) == of(key).in_hole(z[10:11]).item()


def test_arrows_move_by_the_rows_that_are_there(show):  # noqa: F811
    page = show(two_planes(), width=360)
    columns = page.locator(".gl-tp-strips button")
    columns.first.focus()
    page.keyboard.press("ArrowDown")
    assert columns.nth(6).evaluate("(e) => e === document.activeElement")


def test_views_change_both_maps_and_one_scale_only_the_first(show):  # noqa: F811
    page = show(two_planes())
    figure, seen = page.locator(".gl-interact"), []
    for name in ("Codes", "Clouds", "Drawings"):
        figure.get_by_role("radio", name=name, exact=True).check()
        frames(page)
        agree(figure)
        seen.append([picture(figure, key) for key in NAMES])
    assert len({one for pair in seen for one in pair}) == 6
    figure.get_by_role("radio", name="One scale for both").check()
    frames(page)
    agree(figure)
    assert picture(figure, "ae") != seen[2][0] and picture(figure, "vae") == seen[2][1]


def test_caption_counts_the_codes_that_are_left(show):  # noqa: F811
    page = show(two_planes(scale="prior"))
    caption = page.locator(".gl-tp-caption")
    left = [int((of(key).codes.abs() <= 3.2).all(dim=1).sum()) for key in NAMES]
    said = f"Of 1,000 training codes {left[0]:,} are left in the autoencoder’s map, and {left[1]:,} in the VAE’s."
    assert said in caption.inner_text() and left[0] < 100 and left[1] == 1000
    page.get_by_role("radio", name="All codes").check()
    frames(page)
    low, high = of("ae").codes.amin(dim=0), of("ae").codes.amax(dim=0)
    wider = 0.54 * (high - low).max().item() / 3.2
    assert f"{wider:.1f} times as wide" in caption.inner_text()


def arrived(page, figure) -> str:
    """The picture once it stays as it is: on a busy machine a glide takes more frames."""
    before, now = "", picture(figure, "ae")
    while now != before:
        frames(page)
        before, now = now, picture(figure, "ae")
    return now


def test_scale_glides_and_arrives(browser):
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{two_planes()._repr_html_()}")
    settle(page)
    figure = page.locator(".gl-interact")
    figure.get_by_role("radio", name="One scale for both").check()
    page.wait_for_function(
        "document.querySelector('.gl-tp-caption').textContent.includes('are left')"
    )
    frames(page)
    agree(figure)
    moved = arrived(page, figure)
    page.set_content(
        f"<!doctype html><html lang=en><body>{two_planes(scale='prior')._repr_html_()}"
    )
    settle(page)
    assert picture(figure, "ae") == moved
    context.close()


def test_table_holds_the_numbers_of_python(show):  # noqa: F811
    figure = show(two_planes()).locator(".gl-interact")
    shown = agree(figure)
    rows = {
        row.get_by_role("rowheader").inner_text().split("\n")[0]: [
            cell.replace("\u00a0", " ").split()
            for cell in row.get_by_role("cell").all_inner_texts()
        ]
        for row in figure.locator("tbody tr").all()
    }
    for k, key in enumerate(NAMES):
        found = planes.long_run(planes.NAMES[key], 12)
        percent = lambda name: str(round(100 * found[name]))  # noqa: B023, E731
        assert rows["Codes in the larger circle"][k] == [percent("inside"), "%"]
        assert rows["Unclear drawings"][k] == [percent("unclear"), "%"]
        assert rows["Squared error"][k] == [f"{found['error']:.2f}"]
        kinds, hole = rows["Kinds of digit"][k], rows["In a hole"][k]
        assert kinds[0] == shown[f"{key}Kinds"] and kinds[-1] == f"{found['kinds']:.1f}"
        assert hole[0] == shown[f"{key}Holes"] and hole[-2:] == [percent("hole"), "%"]


@pytest.mark.parametrize("width", [1000, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_axe_is_content(show, scheme, width):  # noqa: F811
    page = show(two_planes(view="drawn"), width=width)
    assert_readable(page, scheme)


def test_figure_fits_a_phone(show):  # noqa: F811
    page = show(two_planes(), width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    tops = [box.bounding_box()["y"] for box in page.locator(".gl-plane").all()]
    assert tops[1] > tops[0] + 300, "one below the other"


def test_two_copies_and_the_single_plane_do_not_meet(show):  # noqa: F811
    page = show(two_planes(), latent_plane(), two_planes(seed=5))
    figures = page.locator(".gl-interact[data-ready]")
    assert figures.count() == 3
    figures.nth(2).get_by_role("radio", name="Clouds").check()
    figures.nth(2).get_by_role("button", name="Draw").click()
    frames(page)
    assert agree(figures.nth(0))["view"] == "codes"
    assert agree(figures.nth(2))["seed"] == "6"
