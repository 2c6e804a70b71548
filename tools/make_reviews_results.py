"""Measure chapter 1's two models on the review corpus: `python -m tools.make_reviews_results`.

The settings of both readers and the temperature of the writer are chosen on the validation reviews; the
discounts of the writer were set by hand, by reading samples. The ten folds run over all reviews with the
settings chosen on the validation part, so they are a second look, not a fresh test.
"""

import functools
import warnings
from collections.abc import Sequence
from itertools import product
from statistics import fmean

import numpy as np
from scipy.stats import binomtest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from genlib.ngram import NGramWriter, longest_copy
from genlib.reviews import LABELS, Review, reviews, tokenize, word_list_predict, word_list_score
from tools import results

ORDERS, DISCOUNTS = (1, 2, 3), (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
PENALTIES, FEATURES = (0.03, 0.1, 0.3, 1.0, 3.0), ((1, 1), (1, 2))
WRITERS = {
    "bigram": (2, (0.85, 0.05)),
    "trigram": (3, (0.85, 0.05, 0.4)),
    "trigram_smoothed": (3, (0.85, 0.85, 0.85)),
}
TEMPERATURES = (1.0, 0.7, 0.5)
PER_CLASS, SEED = 200, 0
SITUATIONS = (
    "We waited",
    "The staff",
    "My phone",
    "I read this book",
    "The hotel room",
    "My drone",
)


def parts(part: Sequence[Review]) -> tuple[list[str], list[str]]:
    """Texts and labels of one part."""
    return [r.text for r in part], [r.label for r in part]


def classifier(penalty: float, features: tuple[int, int] = (1, 1)) -> Pipeline:
    """Logistic regression on counts of words, or of words and pairs of words."""
    words = CountVectorizer(
        tokenizer=tokenize, token_pattern=None, lowercase=False, ngram_range=features
    )
    return make_pipeline(words, LogisticRegression(C=penalty, max_iter=2000))


def accuracy(predicted: Sequence[str], labels: Sequence[str]) -> float:
    return float(np.mean(np.array(predicted) == np.array(labels)))


# --- the readers ---------------------------------------------------------------------------------------------


def corpus() -> dict:
    """Sizes, and what of the test reviews the training reviews do not know."""
    data = reviews()
    everything = [*data.train, *data.val, *data.test]
    texts, _ = parts(data.test)
    seen = {word for review in data.train for word in tokenize(review.text)}
    return {
        "reviews": len(everything),
        "train": len(data.train),
        "val": len(data.val),
        "test": len(data.test),
        "words_per_review": fmean(len(tokenize(r.text)) for r in everything),
        "train_vocabulary": len(seen),
        "test_tokens_unseen": fmean(word not in seen for text in texts for word in tokenize(text)),
        "word_list_ties": fmean(word_list_score(text) == 0 for text in texts),
    }


@functools.cache
def chosen_on_validation() -> dict:
    """The settings with the best validation score: accuracy for the classifier, perplexity for the n-gram."""
    (x, y), (x_val, y_val) = parts(reviews().train), parts(reviews().val)

    def tried(order: int, discount: float) -> dict:
        perplexity = NGramWriter(order, discount).fit(x, y).perplexity(x_val, y_val)
        return {"order": order, "discount": discount, "perplexity": perplexity}

    by_order = []
    for n in ORDERS:
        row = min((tried(n, d) for d in DISCOUNTS), key=lambda row: row["perplexity"])
        said = NGramWriter(n, row["discount"]).fit(x, y).predict(x_val)
        by_order.append(row | {"accuracy": accuracy(said, y_val)})
    linear = [
        {"C": c, "features": f, "accuracy": classifier(c, f).fit(x, y).score(x_val, y_val)}
        for c, f in product(PENALTIES, FEATURES)
    ]
    return {
        "ngram_by_order": by_order,
        "ngram": min(by_order, key=lambda row: row["perplexity"]),
        "classifier": max(linear, key=lambda row: row["accuracy"]),
    }


def ngram(train: Sequence[Review]) -> NGramWriter:
    """The n-gram with the chosen settings."""
    settings = chosen_on_validation()["ngram"]
    return NGramWriter(settings["order"], settings["discount"]).fit(*parts(train))


def predictions(train: Sequence[Review], texts: Sequence[str]) -> dict[str, list[str]]:
    """What each of the four says about `texts` after training."""
    x, y = parts(train)
    settings = chosen_on_validation()["classifier"]
    linear = classifier(settings["C"], settings["features"]).fit(x, y)
    return {
        "majority": [max(LABELS, key=y.count)] * len(texts),
        "word_list": [word_list_predict(text) for text in texts],
        "logistic_regression": list(linear.predict(texts)),
        "ngram": ngram(train).predict(texts),
    }


def scores(said: dict[str, list[str]], labels: Sequence[str]) -> dict:
    """Accuracy and standard error of each; how far each of the last two is ahead of those before it."""
    right = {name: np.array(p) == np.array(labels) for name, p in said.items()}
    names, root = list(said), np.sqrt(len(labels))
    rows = {
        name: {"accuracy": float(r.mean()), "se": float(r.std() / root)}
        for name, r in right.items()
    }
    margins = {
        ours: {other: margin(right[ours], right[other]) for other in names[: names.index(ours)]}
        for ours in names[2:]
    }
    return {"n": len(labels), "rows": rows, "margins": margins}


def margin(ours: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """The paired difference of two readers, with McNemar's exact test."""
    difference = ours.astype(float) - other
    wins, losses = int((difference > 0).sum()), int((difference < 0).sum())
    return {
        "difference": float(difference.mean()),
        "se": float(difference.std() / np.sqrt(len(difference))),
        "only_first_right": wins,
        "only_second_right": losses,
        "mcnemar_p": float(binomtest(wins, wins + losses).pvalue),
    }


def test() -> dict:
    """All four on the test reviews."""
    texts, labels = parts(reviews().test)
    return scores(predictions(reviews().train, texts), labels)


def ten_folds() -> dict:
    """The same on all reviews by ten folds."""
    data = reviews()
    everything = [*data.train, *data.val, *data.test]
    x, y = parts(everything)
    said: dict[str, list] = {}
    for fit, held_out in StratifiedKFold(10, shuffle=True, random_state=SEED).split(x, y):
        part = predictions([everything[i] for i in fit], [x[i] for i in held_out])
        for name, labels in part.items():
            said.setdefault(name, [None] * len(x))
            for i, label in zip(held_out, labels, strict=True):
                said[name][i] = label
    return scores(said, y)


def test_perplexity() -> float:
    """Of the n-gram."""
    return ngram(reviews().train).perplexity(*parts(reviews().test))


# --- the writer ----------------------------------------------------------------------------------------------


@functools.cache
def judges() -> dict[str, Pipeline]:
    """Two classifiers that saw no review of the writer: one to choose by, one to report."""
    penalty = chosen_on_validation()["classifier"]["C"]
    return {
        "judge_for_choosing": classifier(penalty).fit(*parts(reviews().val)),
        "judge": classifier(penalty).fit(*parts(reviews().test)),
    }


def judge_accuracy_on_validation() -> float:
    return judges()["judge"].score(*parts(reviews().val))


@functools.cache
def written() -> list[dict]:
    """Two hundred reviews a class from each writer and temperature, read by classifiers that saw neither."""
    return [written_by(name, temperature) for name, temperature in product(WRITERS, TEMPERATURES)]


def written_by(name: str, temperature: float) -> dict:
    """One writer at one temperature."""
    x, y = parts(reviews().train)
    model, rng = NGramWriter(*WRITERS[name]).fit(x, y), results.generator(SEED)
    labels = [c for c in LABELS for _ in range(PER_CLASS)]
    plain = [model.write(c, rng, temperature=temperature) for c in labels]
    texts = [model.write_new(c, rng, temperature=temperature) for c in labels]
    said = {judge: accuracy(list(fit.predict(texts)), labels) for judge, fit in judges().items()}
    copies = [longest_copy(text, x) for text in texts]
    return {
        "writer": name,
        "temperature": temperature,
        **said,
        "share_of_plain_draws_not_new": fmean(not model.is_new(text) for text in plain),
        "mean_longest_copy": fmean(copies),
        "max_longest_copy": max(copies),
        "mean_tokens": fmean(len(tokenize(text)) for text in texts),
        "distinct": len(set(texts)),
    }


def writer_chosen() -> dict:
    """The trigram at the temperature where the first judge reads most reviews as they were meant."""
    by_trigram = [row for row in written() if row["writer"] == "trigram"]
    return max(by_trigram, key=lambda row: row["judge_for_choosing"])


def writer_reads() -> float:
    """Share of the test reviews that the trigram reads right with the discounts for writing."""
    texts, labels = parts(reviews().test)
    model = NGramWriter(*WRITERS["trigram"]).fit(*parts(reviews().train))
    return accuracy(model.predict(texts), labels)


def samples() -> dict:
    """Six reviews of each label and the continued situations, from the trigram; the first ones, not picked."""
    model = NGramWriter(*WRITERS["trigram"]).fit(*parts(reviews().train))
    rng, how = results.generator(SEED + 1), {"temperature": writer_chosen()["temperature"]}
    free = {c: [model.write_new(c, rng, **how) for _ in range(6)] for c in LABELS}
    continued = [
        {"situation": start, **{c: model.write_new(c, rng, prompt=start, **how) for c in LABELS}}
        for start in SITUATIONS
    ]
    return {"free": free, "continued": continued}


SECTIONS = results.named(
    corpus,
    chosen_on_validation,
    test,
    ten_folds,
    test_perplexity,
    written,
    judge_accuracy_on_validation,
    writer_chosen,
    writer_reads,
    samples,
)

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    about = results.about("python -m tools.make_reviews_results", [SEED])
    results.main(SECTIONS, about, results.DATA / "reviews.json")
