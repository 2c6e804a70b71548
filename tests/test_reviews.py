from collections import Counter

import pytest

from genlib import reviews as corpus
from genlib.reviews import LABELS, TOPICS, detokenize, read_rows, reviews, tokenize, word_list_score
from tools import make_reviews


def test_the_corpus_is_in_order():
    assert make_reviews.problems(read_rows()) == []


def test_the_parts_are_disjoint_balanced_and_cover_every_topic():
    data = reviews()
    parts = [data.train, data.val, data.test]
    texts = [review.text for part in parts for review in part]
    assert len(set(texts)) == len(texts) >= 900
    for part, share in zip(parts, (0.60, 0.15, 0.25), strict=True):
        assert len(part) / len(texts) == pytest.approx(share, abs=0.01)
        labels = Counter(review.label for review in part)
        assert abs(labels[LABELS[0]] - labels[LABELS[1]]) <= len(TOPICS)
        assert {review.topic for review in part} == set(TOPICS)


def test_the_split_does_not_depend_on_the_order_of_the_lines():
    rows = read_rows()
    again = make_reviews.split(rows[::-1])
    assert {r["text"]: r["split"] for r in again} == {r["text"]: r["split"] for r in rows}


def test_one_new_review_moves_at_most_two_others():
    rows = read_rows()
    new = {
        "split": "",
        "topic": "food",
        "label": "positive",
        "text": "A new one about plums and pears.",
    }
    before = {r["text"]: r["split"] for r in rows}
    after = {r["text"]: r["split"] for r in make_reviews.split([*rows, new])}
    assert sum(before[text] != after[text] for text in before) <= 2


def planted(text, **changes):
    row = {"split": "train", "topic": "food", "label": "positive", "text": text, **changes}
    return make_reviews.problems_of(row)


def test_the_check_finds_planted_faults():
    good = "We had a bowl of soup by the window and came back for more."
    assert planted(good) == []
    assert "ASCII" in planted(good.replace("soup", "caf\u00e9"))[0]
    assert "words" in planted("Too short.")[0]
    assert "spaces" in planted(good.replace("bowl of", "bowl  of"))[0]
    assert "label" in planted(good, label="mixed")[0]
    near = good.replace("soup", "stew")
    assert len(make_reviews.near_duplicates([good, near])) == 1
    far = "My phone fell down the stairs and the screen broke into a hundred pieces."
    assert make_reviews.near_duplicates([good, far]) == []
    assert "topic food" in make_reviews.balance(read_rows()[1:])[0]


def test_tokenize_known_cases():
    assert tokenize("I can't, sorry!") == ["i", "can't", ",", "sorry", "!"]
    assert tokenize("A well-made pan, 10 of 10.") == [
        "a",
        "well-made",
        "pan",
        ",",
        "10",
        "of",
        "10",
        ".",
    ]
    assert detokenize(["on", "monday", "i", "left", ",", "i'm", "sorry", ".", "bye"]) == (
        "On Monday I left, I'm sorry. Bye"
    )


def test_detokenize_is_undone_by_tokenize():
    data = reviews()
    for review in [*data.train, *data.val, *data.test]:
        tokens = tokenize(review.text)
        assert tokenize(detokenize(tokens)) == tokens


def test_the_word_lists_are_fair_in_size_and_do_not_overlap():
    assert len(corpus.POSITIVE_WORDS) >= 60 and len(corpus.NEGATIVE_WORDS) >= 60
    assert not corpus.POSITIVE_WORDS & corpus.NEGATIVE_WORDS
    assert word_list_score("Great food, but rude and slow staff.") == -1


def test_a_file_with_a_wrong_header_is_refused(tmp_path):
    path = tmp_path / "reviews.tsv"
    path.write_text("label\ttext\npositive\tGood.\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"reviews\.tsv: expected the header"):
        read_rows(path)
