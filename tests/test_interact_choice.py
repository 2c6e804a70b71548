"""Real or drawn: the pairs are the stored ones, of one class each, and the interval and the luck are SciPy's."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from genlib.data import digits
from genlib.interact import choice as figure
from genlib.interact import real_or_drawn
from genlib.interact.choice import by_chance, verdict, wilson
from genlib.pretrained import judge
from genlib.table import stored


def test_figure_is_the_same_every_time_small_and_alone():
    html = real_or_drawn()._repr_html_()
    assert html == real_or_drawn()._repr_html_() and len(html.encode()) < 60_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert len({real_or_drawn(*start).id for start in ((), ("mixture",), ("ddpm", 2))}) == 3
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50
    with pytest.raises(ValueError, match="model: expected one of ddpm, mixture, got 'gan'"):
        real_or_drawn("gan")


def test_all_words_that_the_script_uses_are_there():
    script = Path(figure.__file__).with_name("choice.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    reached = {verdict(*score) for score in ((0, 0), (2, 4), (10, 20), (15, 20), (5, 20))}
    assert reached == set(figure.WORDS["verdicts"])


@pytest.mark.parametrize("right, n", [(0, 1), (3, 7), (14, 20), (20, 20), (59, 100)])
def test_interval_and_luck_are_scipys(right, n):
    theirs = stats.binomtest(right, n)
    assert wilson(right, n) == pytest.approx(
        tuple(theirs.proportion_ci(0.95, method="wilson")), abs=1e-6
    )
    assert by_chance(right, n) == pytest.approx(stats.binom.sf(right - 1, n, 0.5))
    with pytest.raises(ValueError, match="right: expected a number in"):
        wilson(n + 1, n)


def test_the_verdict_changes_between_14_and_15_of_20():
    assert [verdict(right, 20) for right in (5, 6, 14, 15)] == ["reversed", "guess", "guess", "can"]


def test_pairs_are_the_first_digits_of_each_class():
    found, data, real = stored("measures")["choice"], real_or_drawn().data, digits()
    expected = torch.cat([real.x_test[real.y_test == k][:2] for k in range(10)])
    assert torch.equal(torch.tensor(found["real"]), (16 * expected).round().long().flatten(1))
    for name, rows in found["drawn"].items():
        x = torch.tensor(rows).view(20, 1, 8, 8) / 16
        assert judge("digits").predict(x).tolist() == [k for k in range(10) for _ in range(2)]
        assert torch.cdist(x.flatten(1), real.x_train.flatten(1)).min() > 0.2  # no copies
        packed = np.frombuffer(base64.b64decode(data["pixels"][name]), dtype=np.uint8)
        assert packed.reshape(20, 64).tolist() == rows
