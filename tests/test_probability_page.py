"""Every snippet of the page "The probability you need" runs, in the order of the page, and its asserts hold."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "book" / "probability.md"
TEXT = PAGE.read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)


def test_the_page_has_snippets_that_check_themselves():
    assert len(SNIPPETS) > 5
    assert all("assert " in snippet for snippet in SNIPPETS[1:])


def test_snippets_run_in_the_order_of_the_page(capsys):
    names: dict = {}
    for number, snippet in enumerate(SNIPPETS):
        exec(compile(snippet, f"snippet {number} of {PAGE.name}", "exec"), names)
    assert "nan" not in capsys.readouterr().out


def test_every_prediction_has_an_answer_and_the_self_test_has_eight_questions():
    predictions = [m.start() for m in re.finditer(r"^> \*\*Predict\.\*\* ", TEXT, re.M)]
    answers = [m.start() for m in re.finditer(r"^:::\{dropdown\} Answer$", TEXT, re.M)]
    assert len(predictions) == len(answers) > 5
    assert all(p < a for p, a in zip(predictions, answers, strict=True))
    assert len(re.findall(r"^```\{quiz\} \d\. ", TEXT, re.M)) == 8


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\{eq\}`([\w-]+)`", TEXT))))
def test_equations_referred_to_exist(label):
    assert f"$$ ({label})" in TEXT
