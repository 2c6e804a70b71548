"""Captions to tokens and back; what is no caption is named, with the word that may have been meant."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genlib.text import Vocabulary

WORDS = ("red", "green", "circle", "square", "left")
vocabulary = Vocabulary(WORDS, 4)
captions = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


@given(st.lists(captions, max_size=5))
def test_captions_come_back_from_their_tokens(texts):
    tokens = vocabulary.tokens(texts)
    assert tokens.shape == (len(texts), 4) and tokens.dtype == torch.int64
    assert vocabulary.captions(tokens) == texts
    assert tokens.numel() == 0 or 0 <= tokens.min() <= tokens.max() <= len(WORDS)


def test_a_token_is_the_place_of_its_word_counted_from_1_and_no_word_is_0():
    assert vocabulary.tokens(["red", "left circle", ""]).tolist() == [
        [1, 0, 0, 0],
        [5, 3, 0, 0],
        [0, 0, 0, 0],
    ]


@given(captions, st.randoms())
def test_case_and_spaces_do_not_count(text, random):
    odd = "".join(random.choice([letter, letter.upper()]) for letter in text)
    odd = odd.replace(" ", random.choice([" ", "  ", "\t", " \n"]))
    assert torch.equal(vocabulary.tokens([f"  {odd} "]), vocabulary.tokens([text]))


def test_no_word_is_the_empty_caption():
    assert torch.equal(vocabulary.null, vocabulary.tokens([""]))
    assert vocabulary.null.shape == (1, 4) and vocabulary.captions(vocabulary.null) == [""]
    gap = torch.tensor([[0, 3, 0, 1]])  # a network adds words up: a gap means nothing
    assert vocabulary.captions(gap) == ["circle red"]


def test_a_word_that_is_unknown_is_named_with_the_one_that_may_be_meant():
    known = "captions: expected words out of red, green, circle, square, left"
    for caption, end in (
        ("red cirlce", ", got 'cirlce' in 'red cirlce' (did you mean 'circle'?)"),
        ("Greeen square", ", got 'greeen' in 'Greeen square' (did you mean 'green'?)"),
        ("red avocado", ", got 'avocado' in 'red avocado'"),
        ("red, circle", ", got 'red,' in 'red, circle' (did you mean 'red'?)"),
    ):
        with pytest.raises(ValueError) as error:
            vocabulary.tokens(["green left", caption])
        assert str(error.value) == known + end


def test_what_is_too_long_is_named():
    text = "red red red red red"
    with pytest.raises(ValueError) as error:
        vocabulary.tokens([text])
    assert str(error.value) == f"captions: expected at most 4 words, got 5 in {text!r}"
    assert Vocabulary(WORDS, 5).tokens([text]).tolist() == [[1] * 5]


@pytest.mark.parametrize(
    "words", [("red", "red"), ("Red",), ("light red",), ("",), (" red",), ("red\t",)]
)
def test_words_that_are_none_are_named(words):
    with pytest.raises(ValueError, match="words: expected lower-case words, each once, got"):
        Vocabulary(words, 4)


def test_other_kinds_are_named():
    for wrong, message in (
        (lambda: Vocabulary(WORDS, 0), "length: expected a number of at least 1, got 0"),
        (lambda: vocabulary.tokens("red"), "captions: expected a list of texts, got the text"),
        (lambda: vocabulary.tokens([1]), "captions: expected a list of texts"),
        (lambda: vocabulary.captions([[1]]), "tokens: expected a torch.Tensor"),
        (lambda: vocabulary.captions(torch.zeros(1, 5).long()), "tokens: expected shape"),
        (
            lambda: vocabulary.captions(torch.tensor([[0, 0, 0, 6]])),
            "tokens: expected whole numbers from 0 to 5, got 0 to 6",
        ),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            wrong()
