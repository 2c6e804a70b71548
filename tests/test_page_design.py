"""What book/_ext/genpage.py does to pages, in small books built by Sphinx itself."""

import colorsys
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import genpage  # noqa: E402

CONF = """
extensions = ["myst_parser", "sphinxcontrib.bibtex", "genpage"]
myst_enable_extensions = ["dollarmath"]
bibtex_bibfiles = ["works.bib"]
bibtex_default_style = "author_year"
bibtex_reference_style = "author_year"
math_eqref_format = "({number})"
"""
WORKS = """
@article{ho2020, author={Ho, Jonathan and Jain, Ajay and Abbeel, Pieter}, title={Denoising}, year={2020}, journal={A}}
@article{two2021, author={Song, Yang and Ermon, Stefano}, title={Scores}, year={2021}, journal={A}}
@article{oord2016, author={van den Oord, A{\\"a}ron}, title={Pixels}, year={2016}, journal={A}}
@article{rum1, author={Rumelhart, David}, title={One}, year={1986}, journal={A}}
@article{rum2, author={Rumelhart, David}, title={Two}, year={1986}, journal={A}}
"""


@pytest.fixture
def build(tmp_path):
    """A function from pages, by their names, to the HTML of one of them; a warning is a failure."""

    def run(shown: str, **pages: str) -> str:
        for name, text in {"index": "# Start\n", "works": WORKS, "conf": CONF, **pages}.items():
            path = tmp_path / (
                name.replace("__", "/") + {"works": ".bib", "conf": ".py"}.get(name, ".md")
            )
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with (tmp_path / "warnings").open("w+", encoding="utf-8") as warnings:
            Sphinx(
                tmp_path,
                tmp_path,
                tmp_path / "out",
                tmp_path / "tree",
                "html",
                status=None,
                warning=warnings,
            ).build()
            warnings.seek(0)
            said = [line for line in warnings if "already registered" not in line and line.strip()]
        assert not said
        return (tmp_path / "out" / f"{shown.replace('__', '/')}.html").read_text(encoding="utf-8")

    return run


@pytest.mark.parametrize(
    "text, kept, outside",
    [
        ("the matrix $S$. Put", (r"\(S\)", "."), " Put"),
        ("so ($x=1$) is", ("(", r"\(x=1\)", ")"), " is"),
        ("the $k$-th one", (r"\(k\)", "-th"), " one"),
        ("is $a$, $b$ and", (r"\(a\)", ","), " "),
        ("in $n$, which", (r"\(n\)", ","), " which"),
    ],
)
def test_a_formula_keeps_the_signs_that_touch_it(build, text, kept, outside):
    page = build("index", index=f"# Start\n\n{text}\n")
    box = re.search(r'<span class="gb-together">(.*?</span>[^<]*)</span>([^<]*)', page)
    assert re.sub(r"<[^>]+>", "", box[1]) == "".join(kept)
    assert box[2].startswith(outside)
    assert re.sub(r"<[^>]+>", "", page.split("<h1>")[1].split("<p>")[1].split("</p>")[0]) == re.sub(
        r"\$([^$]+)\$", r"\\(\1\\)", text
    ), "no letter is lost"


def test_a_formula_alone_and_one_in_a_heading_stay_as_they_are(build):
    page = build("index", index="# Start $x$.\n\nBetween $a$ and $b$ or\n\n- $c$\n")
    assert "gb-together" not in page


def test_columns_of_numbers_are_set_to_the_right(build):
    rows = [
        "a | b | c | d",
        "---|---|---|---",
        "1 | 0.974\u00a0±\u00a00.004 | two | 5 %",
        "2 | – | 3 | −1,250",
    ]
    table = "".join(f"| {row} |\n" for row in rows)
    page = build("index", index="# Start\n\n" + table)
    rows = [
        re.findall(r"<t[dh] class=\"([^\"]*)\"|<(td|th)>", row) for row in page.split("<tr")[1:]
    ]
    right = [["text-right" in names for names, _ in row] for row in rows]
    assert right == [[False, True, False, True]] * 3, "words and the first column stay left"


def test_an_equation_of_an_unnumbered_page_is_named(build):
    page = build(
        "book__vae",
        index="# Start\n\n```{toctree}\nbook/probability\nbook/vae\n```\n",
        book__probability="# The probability\n\n$$a$$ (bayes)\n\nBy {eq}`bayes`.\n",
        book__vae="# A chapter\n\n$$b$$ (own)\n\nRule {eq}`bayes` and {eq}`own`.\n",
    )
    links = re.findall(r'href="([^"]*)#equation-(\w+)">(.*?)</a>', page)
    assert [(where, re.sub("<[^>]+>", "", text)) for _, where, text in links if text != "#"][
        -2:
    ] == [
        ("bayes", "(Probability\u00a01)"),
        ("own", "(1)"),
    ]


def test_own_equations_keep_their_number(build):
    index = "# Start\n\n```{toctree}\nbook/probability\n```\n"
    page = build(
        "book__probability",
        index=index,
        book__probability="# P\n\n$$a$$ (bayes)\n\nBy {eq}`bayes`.\n",
    )
    assert "(Probability" not in page


def test_notebooks_carry_their_numbers_in_tables_of_contents(build):
    page = build(
        "index",
        index="# Start\n\n```{toctree}\nnotebooks/05b_ddpm\nnotebooks/other\n```\n",
        notebooks__05b_ddpm="# Can it *write*?\n",
        notebooks__other="# Another\n",
    )
    links = re.findall(r'<li class="toctree-l1"><a [^>]*>(.*?)</a></li>', page)
    assert [re.sub("<[^>]+>", "", link) for link in links[:2]] == ["05b Can it write?", "Another"]


def test_a_glossary_has_letters_that_lead_to_the_first_term_of_each(build):
    words = "```{glossary}\nablation\nzap\n  One.\n\nβ-VAE\n  Two.\n\nbits\n  Three.\n\nélan\n  Four.\n```\n"
    page = build("index", index="# Start\n\n" + words)
    letters = re.search(r'<nav class="gl-letters"[^>]*>(.*?)</nav>', page)[1]
    assert re.findall(r">(.)</a>", letters) == ["A", "B", "E"]
    for anchor in re.findall(r'href="#([^"]+)"', letters):
        assert f'<dt id="{anchor}"' in page
    filter_ = page.split('<div class="gl-filter" hidden>')[1].split("</div>")[0]
    assert (
        genpage.WORDS["filter"] in filter_.split("<input")[0]
        and "</label>" in filter_.split("<input")[1]
    )


def test_works_stand_under_author_and_year_as_the_text_cites_them(build):
    cited = "{cite:t}`ho2020` {cite:t}`two2021` {cite:t}`oord2016`"
    page = build("index", index=f"# Start\n\n{cited}\n\n```{{bibliography}}\n:all:\n```\n")
    labels = re.findall(
        r'<span class="label"><span class="fn-bracket">\[</span>(.*?)<span class="fn-b', page
    )
    labels = [re.sub("<[^>]+>", "", label) for label in labels]
    assert labels == [
        "Ho et al. 2020",
        "Rumelhart 1986a",
        "Rumelhart 1986b",
        "Song and Ermon 2021",
        "van den Oord 2016",
    ]
    text = re.sub("<[^>]+>", "", page.split("<h1>")[1].split("<p>")[1].split("</p>")[0]).replace(
        "\u00a0", " "
    )
    for who, year in re.findall(r"([A-Za-z .]+?) \[(\d+)\]", text):
        assert f"{who.strip()} {year}" in labels


# --- pictures for the dark scheme ----------------------------------------------------------------


def over(twin: Image.Image, ground: float = 0.0) -> np.ndarray:
    seen = np.asarray(twin, float) / 255
    return seen[..., :3] * seen[..., 3:] + ground * (1 - seen[..., 3:])


def test_in_the_dark_white_is_the_ground_black_is_white_and_grey_turns_round():
    grey = np.arange(256, dtype=np.uint8)[None, :]
    twin = genpage.in_the_dark(Image.fromarray(grey))
    assert np.abs(over(twin)[0, :, 0] - (1 - grey[0] / 255)).max() < 0.01
    alpha = np.asarray(twin)[0, :, 3]
    assert alpha[255] == 0 and alpha[0] == 255


def test_in_the_dark_hues_stay_and_what_stood_out_stands_out():
    colours = np.array(
        [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [200, 0, 0]],
        np.uint8,
    )
    dark = over(genpage.in_the_dark(Image.fromarray(colours[None])))[0]
    for before, after in zip(colours / 255, dark, strict=True):
        hue, lightness, _ = colorsys.rgb_to_hls(*before)
        new_hue, new_lightness, _ = colorsys.rgb_to_hls(*after)
        assert abs((new_hue - hue + 0.5) % 1 - 0.5) < 0.02
        assert abs(new_lightness - (1 - lightness)) < 0.02


@pytest.mark.parametrize("draw, wanted", [("shapes", True), ("digits", False), ("lines", False)])
def test_only_images_in_colour_are_left_alone(draw, wanted):
    rng = np.random.default_rng(0)
    paper = np.full((100, 200, 3), 255, np.uint8)
    if draw == "shapes":
        paper[10:60, 10:190] = 0
        paper[20:40, 20:100] = [255, 120, 0]
    elif draw == "digits":
        paper[10:90, 10:190] = np.where(rng.random((80, 180, 1)) < 0.4, 0, 255)
    else:
        paper[50:54] = [0, 114, 178]
        paper[:, 5:7] = 0
    assert genpage.holds_colours(Image.fromarray(paper)) == wanted


def test_a_picture_of_a_notebook_gets_a_twin_and_others_do_not(build, tmp_path):
    name = "ab" * 32 + ".png"
    for file in (name, "drawn.png"):
        Image.new("RGB", (20, 10), "white").save(tmp_path / file)
    page = build("index", index=f"# Start\n\n![a plot]({name})\n\n![by hand](drawn.png)\n")
    images = re.findall(r"<img [^>]*>", page)
    assert len(images) == 3 and all('alt="a plot"' in image for image in images[:2])
    assert "only-light" in images[0] and "only-dark" in images[1] and "only" not in images[2]
    assert (tmp_path / "out" / "_images" / name.replace(".png", ".dark.png")).exists()
