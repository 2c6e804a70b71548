"""The stored results of notebook 01a: the cheap sections come out as stored, with the stored settings."""

import numpy as np
import pytest

from genlib.table import stored
from tools import make_reviews_results as tool


@pytest.fixture
def settings(monkeypatch):
    """The stored settings in the place of the search for them."""
    chosen = stored("reviews")["chosen_on_validation"]
    chosen["classifier"]["features"] = tuple(chosen["classifier"]["features"])
    monkeypatch.setattr(tool, "chosen_on_validation", lambda: chosen)


def test_the_corpus_and_the_readers_come_out_as_stored(settings):
    found = stored("reviews")
    assert tool.corpus() == pytest.approx(found["corpus"], rel=1e-9)
    assert tool.writer_reads() == pytest.approx(found["writer_reads"], rel=1e-9)
    assert tool.test_perplexity() == pytest.approx(found["test_perplexity"], rel=1e-4)
    again = tool.test()
    for name, row in found["test"]["rows"].items():
        assert again["rows"][name] == pytest.approx(row, rel=1e-4), name
    for ours, margins in found["test"]["margins"].items():
        for other, margin in margins.items():
            assert again["margins"][ours][other] == pytest.approx(margin, rel=1e-4)


def test_a_margin_counts_who_alone_is_right():
    ours, other = np.array([1, 1, 1, 0, 1]) > 0, np.array([1, 0, 0, 1, 0]) > 0
    found = tool.margin(ours, other)
    assert found["difference"] == pytest.approx(0.4)
    assert (found["only_first_right"], found["only_second_right"]) == (3, 1)
    assert found["mcnemar_p"] == pytest.approx(10 / 16)  # 0, 1, 3 or 4 heads of 4


def test_the_settings_are_the_best_of_their_kind():
    chosen = stored("reviews")["chosen_on_validation"]
    best = min(chosen["ngram_by_order"], key=lambda row: row["perplexity"])
    assert chosen["ngram"] == best
    by_trigram = [row for row in stored("reviews")["written"] if row["writer"] == "trigram"]
    assert stored("reviews")["writer_chosen"] == max(
        by_trigram, key=lambda row: row["judge_for_choosing"]
    )


def test_the_results_say_what_the_page_says_of_them():
    found = stored("reviews")
    here, folds = (
        found[part]["margins"]["ngram"]["logistic_regression"] for part in ("test", "ten_folds")
    )
    assert abs(here["difference"]) < here["se"], "this one test set sees no difference"
    assert folds["difference"] < -3 * folds["se"], "the n-gram is behind"
    assert found["writer_reads"] < found["test"]["rows"]["ngram"]["accuracy"]
    words = np.log10(found["test_perplexity"])
    assert 1.9 < words < 2.1, "about two digits a word, so near 10^-400 for 200 words"


def test_sections_of_the_tool_are_stored():
    assert set(tool.SECTIONS) <= set(stored("reviews"))
