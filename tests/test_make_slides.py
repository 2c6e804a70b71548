"""Slides from a built page: what stands on which slide, what is left to the notes, and that nothing is lost or bent."""

from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from tools import make_slides
from tools.make_slides import key_sentences, read_deck, sentences, shortened

FORMULA = (
    '<span class="math notranslate nohighlight"><mjx-container data-tex="x^2"><mjx-math aria-hidden="true">'
    '<mjx-mi></mjx-mi></mjx-math><span class="gb-spoken"><math><mi>x</mi></math></span></mjx-container></span>'
)
PAGE = f"""<html><head><title>A page — The book</title></head><body><article class="bd-article"><section id="top">
<h1><span class="section-number">4. </span>A title<a class="headerlink" href="#top">#</a></h1>
<p>One sentence.</p>
<div class="admonition gl-card"><p class="admonition-title">After this you can</p>
<ul><li><p>first</p></li><li><p>second</p></li></ul></div>
<section id="one"><h2>What is it?</h2>
<p>This is {FORMULA}, see <a href="x.html">there</a>. A <strong>term</strong> is defined here, at some length, so that
the paragraph is long. {"Nobody needs this on a slide. " * 9}The sum is</p>
<div class="math notranslate nohighlight" id="equation-sum">{FORMULA}</div>
<blockquote><div><p><strong>Predict.</strong> Up or down?</p></div></blockquote>
<details class="sd-dropdown"><summary>Answer</summary><div class="sd-summary-content"><p>Up.</p>
<figure><img alt="An arrow." src="../_images/up.svg" loading="lazy"></figure></div></details>
<figure><img alt="A &quot;curve&quot;." src="../_images/a.svg" width="5">
<figcaption><p>Caption.</p></figcaption></figure>
<div class="highlight-python"><div class="highlight"><pre>def f(x):
    \"\"\"Say.\"\"\"
    return x &lt; 1
</pre></div></div>
<div id="gl-1" class="gl-interact" data-figure="gl-1"><script>figure()</script></div>
<section id="below"><h3>Below</h3><p>A small part.</p></section></section>
<section id="misconceptions"><h2>Misconceptions</h2><p><strong>“It is so.”</strong> It is not.</p></section>
<section id="quiz"><h2>Quiz</h2><div class="gl-quiz"><p class="gl-question">Which?</p>
<details class="gl-option"><summary><span>this</span></summary><p><b class="gl-verdict-wrong">No.</b> Why.</p></details>
<details class="gl-option"><summary><span>that</span></summary>
<p><b class="gl-verdict-right">Right.</b> So.</p></details></div></section></section></article></body></html>"""

NOTEBOOK = """<html><head><title>N — The book</title></head><body><article class="bd-article"><section id="top">
<h1>Who wins?</h1><p>You will play.</p>
<div class="cell"><div class="cell_input"><pre>from genlib.run import setup
run = setup(seed=0)</pre></div></div>
<section id="q"><h2>1. Why?</h2><p>Data come.</p><p><strong>Predict.</strong> Which?</p>
<details><summary>Answer</summary><p>This one.</p></details>
<div class="cell"><div class="cell_input"><pre>import torch
a = 1
b = 2
c = 3
d = 4
e = a + b
plot.lines(e)
assert e == 3</pre></div>
<div class="cell_output"><div class="output stream"><div class="highlight"><pre>e = 3
</pre></div></div><img alt="A line." class="only-light" src="../_images/l.png"/><img alt="A line." class="only-dark"
src="../_images/l.dark.png"></div></div>
<p>It is three. Nobody was told.</p></section>
<section id="exercises"><h2>Exercises</h2><section id="e1"><h3>Exercise 1 · Add</h3>
<div class="cell tag_solution"><div class="cell_input"><pre>secret = 7</pre></div></div></section></section>
</section></article></body></html>"""


@pytest.fixture
def deck(tmp_path):
    def write(text: str, folder: str, name: str):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_deck(path)

    return write


@pytest.fixture
def chapter(deck):
    return deck(PAGE, "book", "04_game.html")


def paragraph(inner: str):
    return BeautifulSoup(f"<p>{inner}</p>", "html.parser").p


def test_a_chapter_becomes_these_slides(chapter):
    kinds = [(slide.kind, slide.title) for slide in chapter.slides]
    assert kinds == [
        ("title", "A title"),
        ("text", "After this you can"),
        ("predict", "What is it?"),
        ("figure", "What is it?"),  # of the answer
        ("figure", "What is it?"),
        ("code", "What is it?"),
        ("interactive", "What is it?"),
        ("text", "Below"),
        ("claim", "Misconceptions"),
        ("quiz", "Quiz"),
    ]
    assert chapter.slides[0].where == "Chapter 4" and chapter.book == "The book"
    assert chapter.slides[7].where == "Chapter 4 · What is it?"


def test_a_slide_shows_the_key_sentences_and_its_notes_have_all(chapter):
    slide = chapter.slides[2]
    shown = make_slides.plain("".join(slide.body))
    assert "A term is defined here" in shown and "The sum is" in shown and "Up or down?" in shown
    assert "Nobody needs this" not in shown and "href" not in "".join(slide.body)
    assert "Nobody needs this" in "".join(slide.notes)


def test_answers_claims_and_quizzes_are_fragments(chapter):
    answer, claim, quiz = (
        BeautifulSoup("".join(chapter.slides[i].body), "html.parser") for i in (2, 8, 9)
    )
    assert answer.select_one(".fragment.answer").get_text().strip() == "AnswerUp."
    assert "Up." not in answer.select_one(".asked").get_text()
    assert claim.select_one(".fragment").get_text() == "It is not."
    assert [li["class"] for li in quiz.select("li")] == [["wrong"], ["right"]]
    assert {p["data-fragment-index"] for p in quiz.select("p.fragment")} == {"0"}  # all at once


def test_figures_keep_their_alt_text_and_interactive_ones_their_id(chapter):
    image = BeautifulSoup(chapter.slides[4].body[0], "html.parser").img
    assert image["alt"] == 'A "curve".' and set(image.attrs) == {"src", "alt"}
    assert 'id="gl-1"' in chapter.slides[6].body[0]
    assert "<script>figure()</script>" in chapter.slides[6].body[0]
    assert not any("gl-interact" in note for slide in chapter.slides for note in slide.notes)


def test_a_notebook_becomes_these_slides(deck):
    slides = deck(NOTEBOOK, "notebooks", "04a_game.html").slides
    assert [slide.kind for slide in slides] == ["title", "predict", "code", "figure", "text"]
    assert slides[0].where == "Notebook 04a"
    code, figure = (make_slides.plain("".join(slide.body)) for slide in slides[2:4])
    assert code == "a = 1 b = 2 c = 3 d = 4 e = a + b"  # no import, no plot, no assertion
    assert figure == "e = 3It is three. Nobody was told."
    pictures = BeautifulSoup(slides[3].body[0], "html.parser").select("figure > img[alt='A line.']")
    assert [image["class"] for image in pictures] == [["only-light"], ["only-dark"]]
    assert "fragment finding" in slides[3].body[-1]
    whole = "".join(part for slide in slides for part in [*slide.body, *slide.notes])
    assert "Exercise 1" in whole and "secret" not in whole and "setup" not in whole


def test_sentences_do_not_break_in_formulas_brackets_and_abbreviations():
    found = sentences(
        paragraph(
            f"As Ho et al. Say, {FORMULA}. (Two here. And here.) It is 3.5 &lt; 4? <em>Yes.</em> End"
        )
    )
    assert [make_slides.plain(part) for part in found] == [
        "As Ho et al. Say, x.",
        "(Two here. And here.)",
        "It is 3.5 < 4?",
        "Yes.",
        "End",
    ]


def test_a_question_is_shown_with_its_answer():
    answer = "What have we paid? The density of the model."
    text = f"{answer} {'And more of it, which may be left out. ' * 8}"
    assert key_sentences(paragraph(text)) == answer


def test_code_is_shortened_to_what_matters_and_stays_as_it_was_written():
    code = '''import math
@border
def f(x):
    """Say."""
    expect("x", x, "B")
    for i in x:
        print(i)
        total = i  # kept
    assert x
    return [x for x in x if x]

g = lambda: 0
fig, ax = plt.subplots()
# they agree,
# as they should
if run.budget != "quick":
    assert f
'''
    assert shortened(code) == (
        "def f(x):\n    for i in x:\n        total = i  # kept\n"
        "    return [x for x in x if x]\n\ng = lambda: 0"
    )
    assert shortened("%pip install x\n") == "%pip install x"


def test_long_code_parts_where_it_is_least_indented():
    code = "\n".join(f"def f{i}():\n    a = {i}\n    b = {i}\n    return a\n" for i in range(9))
    pieces = make_slides.set_code(code)
    lines = [BeautifulSoup(piece, "html.parser").get_text().split("\n") for piece in pieces]
    assert len(pieces) == 3 and max(map(len, lines)) <= make_slides.CODE
    assert all(part[0].startswith("def ") for part in lines)
    assert [line for part in lines for line in part if line] == [x for x in code.split("\n") if x]


def test_a_long_table_parts_and_repeats_its_head():
    rows = "".join(f"<tr><td>{i}<br>x</td></tr>" for i in range(30))
    table = f"<div><table><thead><tr><th>n</th></tr></thead><tbody>{rows}</tbody></table></div>"
    stack = make_slides.Stack("T", "W")
    make_slides.table(stack, BeautifulSoup(table, "html.parser").div)
    parts = [BeautifulSoup(slide.body[0], "html.parser") for slide in stack.slides]
    assert len(parts) > 2 and all(part.th.get_text() == "n" for part in parts)
    assert [td.get_text() for part in parts for td in part.select("td")] == [
        f"{i}x" for i in range(30)
    ]


def test_formulas_keep_their_points_and_notes_have_mathml(chapter):
    text = make_slides.web_page(chapter)
    notes = BeautifulSoup(text, "html.parser").select("aside.notes")
    assert any(note.find("math") for note in notes)
    assert not any(note.find("mjx-container") for note in notes)
    assert f'<span class="nb">{FORMULA},</span>' in text  # the comma goes with the formula
    assert "The book. Text and figures: CC BY 4.0" in text and "http" not in text


def test_without_a_built_book_one_line_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["make_slides", "--site", str(tmp_path), "--out", str(tmp_path / "s")]
    )
    assert make_slides.main() == 1
    assert "run `make book` first" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_deck_is_chosen_by_the_beginning_of_its_name(tmp_path):
    for name in (
        "notebooks/04a_x.html",
        "notebooks/04b_x.html",
        "book/04_x.html",
        "book/about.html",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [page.stem for page in make_slides.pages(tmp_path)] == ["04a_x", "04b_x", "04_x"]
    assert [page.stem for page in make_slides.pages(tmp_path, ["04a", "04_"])] == ["04a_x", "04_x"]
    with pytest.raises(ValueError, match="deck: expected .*'09'"):
        make_slides.pages(tmp_path, ["09"])


def test_pdf_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(make_slides.shutil, "which", lambda name: None)
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(ValueError, match="Chromium"):
        make_slides.print_pdf([tmp_path / "a.html"])


def test_a_slide_with_notes_alone_gives_them_to_the_one_before():
    stack = make_slides.Stack(
        "T", "W", [make_slides.Slide("a", body=["x"]), make_slides.Slide("b", notes=["n"])]
    )
    assert make_slides.tidy(stack) and [s.notes for s in stack.slides] == [["n"]]
    assert not make_slides.tidy(SimpleNamespace(slides=[]))
