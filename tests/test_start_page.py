"""The start page's parts: numbers and counts are those of the files, links hold no placeholder, tags tell the truth."""

import base64
import io
import re
import sys
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import numpy as np
import pytest
from docutils import nodes
from docutils.utils import new_document
from PIL import Image

from genlib import table
from genlib.interact import noise_to_digits
from genlib.interact import start as figure
from genlib.pretrained import tensors

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import genstart  # noqa: E402

HOME = "https://github.com/Ada/course"


def markup(directive, monkeypatch, address: str = "") -> str:
    """What a directive without content writes into book/index."""
    builder = SimpleNamespace(get_relative_uri=lambda here, page: f"../{page}.html")
    env = SimpleNamespace(
        app=SimpleNamespace(builder=builder),
        docname="book/index",
        note_dependency=lambda path: None,
    )
    monkeypatch.setattr(genstart.copies, "address", lambda: address)
    monkeypatch.setattr(directive, "__init__", lambda self: None)
    monkeypatch.setattr(directive, "env", env)
    return "".join(node.astext() for node in directive().run())


def test_figure_is_the_same_every_time_small_and_alone():
    html = noise_to_digits()._repr_html_()
    assert html == noise_to_digits()._repr_html_() and len(html.encode()) < 70_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    script = Path(figure.__file__).with_name("start.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)


def test_without_javascript_the_last_moment_stands_there():
    html = noise_to_digits()._repr_html_()
    encoded = html.split('src="data:image/png;base64,')[1].split('"')[0]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))), float)
    assert shown.shape == (8, 64)
    last = tensors("ddpm_film")["back"][-1]
    for k in range(8):
        level = (last[k, 0].float().numpy() / 40).clip(-1, 1)
        assert np.abs(shown[:, 8 * k : 8 * k + 8] - 255 * (1 - level) / 2).max() < 0.51


def test_each_family_shows_its_digits_and_its_distance_in_floors(monkeypatch):
    html = markup(genstart.Families, monkeypatch)
    stored = table.stored("table")
    floor = fmean(stored["floor"]["frechet"])
    rows = ("ae_fitted_mixture", "vae", "gan", "ddpm")
    wanted = [np.mean([np.mean(own) for own in stored["rows"][row]["frechet"]]) for row in rows]
    assert re.findall(r">([\d.]+)</b>", html) == [f"{value / floor:.1f}" for value in wanted]
    pictures = re.findall(r"--ink:url\(data:image/png;base64,([^)]+)\)", html)
    for encoded, (where, _, _) in zip(pictures, genstart.FAMILIES.values(), strict=True):
        ink = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))[..., 1]
        name, _, path = where.partition(":")
        images = table.stored(name)
        for key in path.split("."):
            images = images[key]
        for i in range(6):
            top, left = 54 * (i // 3), 54 * (i % 3)
            digit = ink[top + 3 : top + 48 : 6, left + 3 : left + 48 : 6]
            assert np.abs(digit - np.reshape(images[i], (8, 8)) * 255 / 16).max() < 0.51


def test_doors_lead_to_pages_and_to_colab_once_there_is_an_address(monkeypatch):
    html = markup(genstart.Doors, monkeypatch)
    links = re.findall(r'href="([^"]+)"', html)
    assert "OWNER" not in html and "colab" not in html.lower()
    for address in links:
        page = ROOT / address.removeprefix("../").removesuffix(".html")
        assert page.with_suffix(".md").exists() or page.with_suffix(".ipynb").exists(), address
    html = markup(genstart.Doors, monkeypatch, HOME)
    on_colab = "https://colab.research.google.com/github/Ada/course/blob/main/notebooks/"
    assert f'href="{on_colab}00_start_here.ipynb">Open in Colab<' in html


def test_facts_are_counted_and_a_minute_is_about_what_it_takes(monkeypatch):
    html = markup(genstart.Doors, monkeypatch)
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    chapters, notebooks = re.findall(r"book/\d\d_", toc), re.findall("file: notebooks/", toc)
    assert f"· {len(chapters)} chapters · {len(notebooks)} notebooks<" in html
    rows = table.stored("table")["rows"].values()
    assert max(fmean(row["train_cpu_s"]) for row in rows) < 90


def page_of(*paragraphs: nodes.Node) -> nodes.document:
    document, section = new_document("page"), nodes.section()
    section += paragraphs
    document += section
    return document


def test_a_page_is_described_by_its_first_plain_paragraph():
    long = "Words without a formula, and enough of them to tell a reader what to expect here. " * 4
    formula = nodes.paragraph("", "", nodes.Text(long), nodes.math(text="x"))
    listed = nodes.bullet_list("", nodes.list_item("", nodes.paragraph(text=long)))
    described = genstart.described(
        page_of(nodes.paragraph(text="Short."), formula, listed, nodes.paragraph(text="B" + long))
    )
    assert described.startswith("BWords") and described.endswith(" …") and len(described) <= 202
    assert genstart.described(None) == "" == genstart.described(page_of(formula))


def tags(monkeypatch, page: str, known: str = "", address: str = "") -> tuple[dict, dict]:
    monkeypatch.setattr(genstart.copies, "address", lambda: address)
    app = SimpleNamespace(config=SimpleNamespace(root_doc="index", html_title="The course"))
    context = {"title": "5. A &amp; B", "docstitle": "The course", "metatags": known}
    context["pathto"] = lambda name, resource: f"../{name}"
    document = page_of(nodes.paragraph(text='What is a "model"? ' + "It draws from data. " * 4))
    genstart.add_metatags(app, page, "page.html", context, document)
    found = re.findall(
        r'<meta (?:name|property)="([^"]+)" content="([^"]*)" />', context["metatags"]
    )
    return dict(found), context


def test_a_page_tells_its_title_description_and_picture(monkeypatch):
    found, context = tags(monkeypatch, "book/a")
    assert found["og:title"] == "5. A &amp; B" and context["docstitle"] == "The course"
    assert found["description"] == found["og:description"]
    assert found["description"].startswith("What is a &quot;model&quot;? It draws")
    assert found["og:image"] == "../_static/social.png" and "OWNER" not in str(found)
    found, _ = tags(monkeypatch, "book/a", address=HOME)
    assert found["og:image"] == "https://ada.github.io/course/_static/social.png"


def test_a_description_that_a_page_gives_itself_is_kept_and_the_first_page_has_one_title(
    monkeypatch,
):
    own = '<meta content="Mine." name="description" />\n'
    found, context = tags(monkeypatch, "index", own)
    assert "description" not in found and found["og:description"] == "Mine."
    assert context["metatags"].startswith(own)
    assert context["title"] == genstart.WORDS["title"] and context["docstitle"] == ""


def test_the_picture_for_links_goes_from_noise_to_digits_and_is_of_the_asked_size():
    picture = np.asarray(genstart.social_picture())
    assert picture.shape == (630, 1200)
    back = tensors("ddpm_film")["back"]
    for column, moment in ((0, 0), (9, len(back) - 1)):
        for row in range(5):
            top, left = 19 + 120 * row, 4 + 120 * column
            level = (back[moment, row, 0].float().numpy() / 40).clip(-1, 1)
            shown = picture[top + 7 : top + 112 : 14, left + 7 : left + 112 : 14]
            assert np.abs(shown - 255 * (1 - level) / 2).max() < 0.51


@pytest.mark.parametrize("line", ["- [A](b.md)", "- [A](b.md) :: new :: gan:x :: more"])
def test_a_station_that_lacks_a_part_stops_the_build(monkeypatch, line):
    monkeypatch.setattr(genstart.Road, "__init__", lambda self: None)
    road = genstart.Road()
    road.content, road.error = [line], lambda text: ValueError(text)
    with pytest.raises(ValueError, match="road: expected"):
        road.run()
