import itertools
import math
from fractions import Fraction

import pytest
import torch
from sklearn.naive_bayes import MultinomialNB

from genlib.ngram import BEGIN, END, UNKNOWN, NGramWriter, draw, longest_copy
from genlib.reviews import reviews, tokenize

TEXTS = [
    "the soup was good.",
    "the soup was hot.",
    "the tea was good!",
    "the soup was cold.",
    "the tea was bad.",
]
LABELS = ["positive", "positive", "positive", "negative", "negative"]


def kneser_ney(word, context, label, model):
    """The formula again, by plain loops over the texts and no shared code."""
    tokens = [tokenize(t) for t in TEXTS]
    flat = [w for review in tokens for w in review]
    rare = {w for w in flat if flat.count(w) == 1}
    size = len(set(flat)) + 1  # and the end

    def triples(y, n):
        """(word before, context of length n, word) for every token of the reviews of label y."""
        for review, label_of in zip(tokens, LABELS, strict=True):
            if y in (None, label_of):
                padded = [BEGIN] * (model.order - 1) + review + [END]
                for i in range(model.order - 1, len(padded)):
                    h = tuple(padded[i - n : i])
                    for variant in {h, tuple(UNKNOWN if w in rare else w for w in h)}:
                        yield (
                            (padded[i - n - 1] if n < model.order - 1 else i),
                            variant,
                            padded[i],
                            review,
                        )

    def level(y, h, n):
        if y is None and n < 0:
            return model.unknown if word == UNKNOWN else (1 - model.unknown) / size
        lower = (
            level(None, (), -1)
            if y is None
            else level(None, (), 0)
            if n == 0
            else level(y, h[1:], n - 1)
        )
        rows = [(before, w, id(review)) for before, hh, w, review in triples(y, n) if hh == h]
        if not rows:
            return lower
        if n < model.order - 1:
            rows = {(before, w) for before, w, _ in rows}
        words = [row[1] for row in rows]
        d, c = model.discount[n], len(words)
        return max(words.count(word) - d, 0) / c + d * len(set(words)) / c * lower

    known = [w if w in {*flat, BEGIN} else UNKNOWN for w in context]
    h = tuple(([BEGIN] * (model.order - 1) + known)[len(known) :]) if model.order > 1 else ()
    return level(label, h, model.order - 1)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "context", [[], ["the"], ["the", "soup"], ["zebra"], ["was", "cold"], ["a", "tea"]]
)
def test_the_formula_against_plain_loops(order, context):
    model = NGramWriter(order, discount=[0.7, 0.3, 0.5][:order]).fit(TEXTS, LABELS)
    p = model.next_word(context, "positive")
    for i, word in enumerate(model.vocabulary):
        expected = kneser_ney(word, context, "positive", model)
        assert model.prob(word, context, "positive") == pytest.approx(expected, abs=1e-12)
        assert p[i].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_next_word_probabilities_sum_to_one(order):
    train = reviews().train
    model = NGramWriter(order).fit([r.text for r in train], [r.label for r in train])
    for context in [
        [],
        ["the"],
        ["the", "staff", "were"],
        ["zebra"],
        ["qq", "zz"],
        ["the", "zebra"],
        ["."],
    ]:
        for label in model.labels:
            p = model.next_word(context, label)
            assert p.sum().item() == pytest.approx(1, abs=1e-12) and p.min() > 0


def test_short_sequences_and_what_runs_longer_share_probability_one():
    model = NGramWriter(2).fit(
        ["good tea", "bad tea", "good"], ["positive", "negative", "positive"]
    )
    words = [w for w in model.vocabulary if w != END]
    ended, running = 0.0, 0.0
    for n in range(4):
        for sequence in itertools.product(words, repeat=n):
            steps = [(sequence[:i], w) for i, w in enumerate(sequence)]
            p = math.prod(model.prob(w, h, "positive") for h, w in steps)
            ended += p * model.prob(END, sequence, "positive")
            running += p * (1 - model.prob(END, sequence, "positive")) if n == 3 else 0
    assert ended + running == pytest.approx(1, abs=1e-12)


def test_log_prob_is_the_sum_over_the_tokens_and_the_end():
    model = NGramWriter(3).fit(TEXTS, LABELS)
    tokens = [*tokenize("the soup was bad."), END]
    expected = sum(math.log(model.prob(w, tokens[:i], "negative")) for i, w in enumerate(tokens))
    assert model.log_prob("The soup was bad.", "negative") == pytest.approx(expected)


def test_without_smoothing_the_posterior_is_an_exact_fraction():
    """The case of notebook 01a: every factor is a fraction that can be counted on paper."""
    positive = ["the soup was good", "the soup was sweet", "the tea was good"]
    negative = ["the tea was cold", "the soup was sweet"]
    labels = ["positive"] * 3 + ["negative"] * 2
    model = NGramWriter(2, discount=0).fit(positive + negative, labels)
    x = "the tea was sweet"
    likelihood = {
        "positive": Fraction(1, 3) * Fraction(1, 3),
        "negative": Fraction(1, 2) * Fraction(1, 2),
    }
    for label, p in likelihood.items():
        assert math.exp(model.log_prob(x, label)) == pytest.approx(float(p))
    joint = [Fraction(2, 5) * likelihood["negative"], Fraction(3, 5) * likelihood["positive"]]
    assert joint[1] / sum(joint) == Fraction(2, 5)
    assert model.posterior([x])[0].tolist() == pytest.approx([0.6, 0.4])
    assert model.log_prob("the tea was hot", "positive") == -math.inf


def test_an_order_of_one_is_close_to_scikit_learns_naive_bayes():
    data = reviews()
    texts, labels = [r.text for r in data.train], [r.label for r in data.train]
    model = NGramWriter(1).fit(texts, labels)
    words = {w: i for i, w in enumerate(model.vocabulary)}

    def counts(reviews_):
        x = torch.zeros(len(reviews_), len(words))
        for row, review in zip(x, reviews_, strict=True):
            for w in tokenize(review.text):
                row[words.get(w, words[UNKNOWN])] += 1
        return x.numpy()

    other = MultinomialNB(alpha=0.3).fit(counts(data.train), labels).predict(counts(data.val))
    same = [a == b for a, b in zip(model.predict([r.text for r in data.val]), other, strict=True)]
    assert sum(same) / len(same) > 0.85


def test_the_posterior_is_bayes_rule():
    model = NGramWriter(2).fit(TEXTS, LABELS)
    assert model.prior == {"negative": 0.4, "positive": 0.6}
    joint = [
        model.prior[y] * math.exp(model.log_prob("the soup was good.", y)) for y in model.labels
    ]
    found = model.posterior(["the soup was good."])[0]
    torch.testing.assert_close(found, torch.tensor(joint, dtype=torch.float64) / sum(joint))
    assert model.predict(["the soup was good."]) == ["positive"]


def test_perplexity_of_a_known_case():
    model = NGramWriter(2, discount=0).fit(["a b", "a c"], ["positive", "positive"])
    # a: 1, then b or c: 1/2, then the end: 1, so three tokens of probability 1, 1/2, 1
    assert model.perplexity(["a b"], ["positive"]) == pytest.approx(2 ** (1 / 3))


def test_writing_follows_the_rng_the_prompt_and_the_temperature():
    train = reviews().train
    model = NGramWriter(3, (0.85, 0.05, 0.4)).fit([r.text for r in train], [r.label for r in train])
    text = model.write("positive", torch.Generator().manual_seed(1))
    assert text == model.write("positive", torch.Generator().manual_seed(1))
    assert text != model.write("positive", torch.Generator().manual_seed(2))
    prompted = model.write(
        "negative", torch.Generator().manual_seed(0), prompt="My drone and the zebra"
    )
    assert prompted.startswith("My drone and the zebra") and len(tokenize(prompted)) > 5
    assert model.write("negative", temperature=0) == model.write("negative", temperature=0)
    new = model.write_new("negative", torch.Generator().manual_seed(0), shortest=10)
    assert model.is_new(new) and len(tokenize(new)) >= 10
    assert not model.is_new(train[0].text)
    assert not model.is_new(" ".join(train[0].text.split()[1:4]))


def test_drawing_follows_the_tempered_probabilities():
    rng = torch.Generator().manual_seed(0)
    p = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    for temperature in (1.0, 0.5):
        drawn = torch.tensor([draw(p, temperature, rng) for _ in range(8_000)])
        share = drawn.bincount(minlength=4) / len(drawn)
        expected = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        torch.testing.assert_close(share.double(), expected, atol=0.015, rtol=0)
    assert draw(p, 0) == 0


def test_the_unknown_word_is_never_written():
    model = NGramWriter(2, unknown=0.9).fit(["a b", "a c", "d"], ["p", "p", "p"])
    assert model.next_word([], "p")[-1] > 0.1
    texts = [model.write("p", torch.Generator().manual_seed(s)) for s in range(300)]
    assert not any("unknown" in text for text in texts)
    assert not any(END in text or BEGIN in text for text in texts)


def test_every_option_reaches_the_writer(monkeypatch):
    model, seen, rng = NGramWriter(2).fit(TEXTS, LABELS), [], torch.Generator()

    def write(self, *given, **options):
        seen.append((given, options))
        return "zebras drink the cold tea."

    monkeypatch.setattr(NGramWriter, "write", write)
    options = {"prompt": "the", "temperature": 0.5, "longest": 9}
    text = model.write_new("negative", rng, shortest=3, tries=2, **options)
    assert text == "zebras drink the cold tea."
    assert seen == [(("negative", rng), options)] and seen[0][0][1] is rng
    seen.clear()
    with pytest.raises(RuntimeError, match="write_new: 4 tries, none with 30 tokens or more"):
        model.write_new("negative", rng, shortest=30, tries=4)
    assert seen == [(("negative", rng), {})] * 4


def test_writing_stops_at_the_longest_and_grows_bolder_with_the_temperature():
    model = NGramWriter(1, unknown=0.1).fit(["a a a a a a a b"], ["p"])

    def texts(**options):
        return [model.write("p", torch.Generator().manual_seed(s), **options) for s in range(40)]

    def share_of_a(temperature):
        words = " ".join(texts(temperature=temperature, longest=9)).lower().split()
        return words.count("a") / len(words)

    assert max(len(text.split()) for text in texts(longest=3)) == 3
    assert share_of_a(0.4) > share_of_a(1.0) + 0.05 > share_of_a(5.0) + 0.1
    assert set(texts(temperature=0, longest=4)) == {"A a a a"}


def test_longest_copy():
    assert longest_copy("we had the soup again", ["They had the soup.", "we ran"]) == 3
    assert longest_copy("zebra", ["they had the soup."]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order: expected .* at least 1, got 0"),
        ({"discount": 1.5}, "discount: expected one number"),
        ({"discount": (0.1, 0.2)}, "discount: expected one number"),
        ({"unknown": 0}, "unknown: expected"),
    ],
)
def test_bad_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        NGramWriter(**arguments)


def test_bad_calls_are_named():
    with pytest.raises(ValueError, match="texts, labels: expected as many of each, got 2 and 1"):
        NGramWriter().fit(["a", "b"], ["positive"])
    model = NGramWriter().fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="label: expected one of"):
        model.write("mixed")
    with pytest.raises(ValueError, match="temperature: expected"):
        model.write("positive", temperature=-1)
