"""Measure chapter 1's two models on the review corpus and store the numbers in book/_data/reviews.json.

    python tools/make_reviews_results.py

The settings of both readers and the temperature of the writer are chosen on the validation reviews; the
discounts of the writer were set by hand, by reading samples. The ten folds run over all reviews with the
settings chosen on the validation part, so they are a second look, not a fresh test.
"""

import json
import platform
import warnings
from datetime import date
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from scipy.stats import binomtest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from genlib.ngram import NGramWriter, longest_copy
from genlib.reviews import LABELS, Review, reviews, tokenize, word_list_predict, word_list_score
from genlib.run import Clock

PATH = Path(__file__).parents[1] / "book" / "_data" / "reviews.json"
ORDERS, DISCOUNTS = (1, 2, 3), (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
PENALTIES, FEATURES = (0.03, 0.1, 0.3, 1.0, 3.0), ((1, 1), (1, 2))
WRITERS = {
    "bigram": (2, (0.85, 0.05)),
    "trigram": (3, (0.85, 0.05, 0.4)),
    "trigram, smoothed as for reading": (3, (0.85, 0.85, 0.85)),
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


def parts(part: list[Review]) -> tuple[list[str], list[str]]:
    """Texts and labels of one part."""
    return [r.text for r in part], [r.label for r in part]


def classifier(penalty: float, features: tuple[int, int] = (1, 1)) -> Pipeline:
    """Logistic regression on counts of words, or of words and pairs of words."""
    words = CountVectorizer(
        tokenizer=tokenize, token_pattern=None, lowercase=False, ngram_range=features
    )
    return make_pipeline(words, LogisticRegression(C=penalty, max_iter=2000))


def accuracy(predicted: list[str], labels: list[str]) -> float:
    return float(np.mean(np.array(predicted) == np.array(labels)))


def chosen(train: list[Review], val: list[Review]) -> dict:
    """The settings with the best validation score: accuracy for the classifier, perplexity for the n-gram."""
    (x, y), (x_val, y_val) = parts(train), parts(val)
    grid = [
        {
            "order": n,
            "discount": d,
            "perplexity": NGramWriter(n, d).fit(x, y).perplexity(x_val, y_val),
        }
        for n, d in product(ORDERS, DISCOUNTS)
    ]
    linear = [
        {"C": c, "features": f, "accuracy": classifier(c, f).fit(x, y).score(x_val, y_val)}
        for c, f in product(PENALTIES, FEATURES)
    ]
    best = {
        n: min((g for g in grid if g["order"] == n), key=lambda g: g["perplexity"]) for n in ORDERS
    }
    for n in ORDERS:
        model = NGramWriter(n, best[n]["discount"]).fit(x, y)
        best[n]["accuracy"] = accuracy(model.predict(x_val), y_val)
    return {
        "ngram_by_order": list(best.values()),
        "ngram": min(best.values(), key=lambda g: g["perplexity"]),
        "classifier": max(linear, key=lambda g: g["accuracy"]),
    }


def predictions(settings: dict, train: list[Review], texts: list[str]) -> dict[str, list[str]]:
    """What each of the four says about `texts` after training."""
    x, y = parts(train)
    linear, ngram = settings["classifier"], settings["ngram"]
    majority = max(LABELS, key=y.count)
    return {
        "majority class": [majority] * len(texts),
        "word list": [word_list_predict(text) for text in texts],
        "logistic regression": list(
            classifier(linear["C"], linear["features"]).fit(x, y).predict(texts)
        ),
        "n-gram and Bayes": NGramWriter(ngram["order"], ngram["discount"]).fit(x, y).predict(texts),
    }


def scores(said: dict[str, list[str]], labels: list[str]) -> dict:
    """Accuracy and standard error of each, and the paired differences with McNemar's exact test."""
    right = {name: np.array(p) == np.array(labels) for name, p in said.items()}
    n = len(labels)
    rows = {
        name: {"accuracy": float(r.mean()), "se": float(r.std() / np.sqrt(n))}
        for name, r in right.items()
    }
    margins = {}
    for ours, other in product(list(said)[2:], list(said)[:3]):
        if ours == other:
            continue
        difference = right[ours].astype(float) - right[other]
        wins, losses = int((difference > 0).sum()), int((difference < 0).sum())
        margins[f"{ours} - {other}"] = {
            "difference": float(difference.mean()),
            "se": float(difference.std() / np.sqrt(n)),
            "only_first_right": wins,
            "only_second_right": losses,
            "mcnemar_p": float(binomtest(wins, wins + losses).pvalue),
        }
    return {"n": n, "rows": rows, "margins": margins}


def crossed(settings: dict, everything: list[Review]) -> dict:
    """The same on all reviews by ten folds, with the settings chosen above."""
    x, y = parts(everything)
    said: dict[str, list] = {}
    for fit, held_out in StratifiedKFold(10, shuffle=True, random_state=SEED).split(x, y):
        part = predictions(settings, [everything[i] for i in fit], [x[i] for i in held_out])
        for name, labels in part.items():
            said.setdefault(name, [None] * len(x))
            for i, label in zip(held_out, labels, strict=True):
                said[name][i] = label
    return scores(said, y)


def written(train: list[Review], judges: dict[str, Pipeline]) -> list[dict]:
    """Two hundred reviews a class from each writer and temperature, read by classifiers that saw neither."""
    x, y = parts(train)
    rows = []
    for (name, (order, discount)), temperature in product(WRITERS.items(), TEMPERATURES):
        model = NGramWriter(order, discount).fit(x, y)
        rng = torch.Generator().manual_seed(SEED)
        plain = [
            model.write(c, rng, temperature=temperature) for c in LABELS for _ in range(PER_CLASS)
        ]
        texts = [
            model.write_new(c, rng, temperature=temperature)
            for c in LABELS
            for _ in range(PER_CLASS)
        ]
        labels = [c for c in LABELS for _ in range(PER_CLASS)]
        said = {judge: accuracy(list(fit.predict(texts)), labels) for judge, fit in judges.items()}
        rows.append(
            {
                "writer": name,
                "temperature": temperature,
                **said,
                "share_of_plain_draws_not_new": mean(not model.is_new(text) for text in plain),
                "mean_longest_copy": mean(longest_copy(text, x) for text in texts),
                "max_longest_copy": max(longest_copy(text, x) for text in texts),
                "mean_tokens": mean(len(tokenize(text)) for text in texts),
                "distinct": len(set(texts)),
            }
        )
    return rows


def samples(train: list[Review], temperature: float) -> dict:
    """Six reviews of each label and the continued situations, from the trigram; the first ones, not picked."""
    model = NGramWriter(*WRITERS["trigram"]).fit(*parts(train))
    rng = torch.Generator().manual_seed(SEED + 1)
    return {
        "free": {
            c: [model.write_new(c, rng, temperature=temperature) for _ in range(6)] for c in LABELS
        },
        "continued": [
            {
                "situation": situation,
                **{
                    c: model.write_new(c, rng, prompt=situation, temperature=temperature)
                    for c in LABELS
                },
            }
            for situation in SITUATIONS
        ],
    }


def main() -> None:
    warnings.simplefilter("ignore")
    data = reviews()
    everything = [*data.train, *data.val, *data.test]
    with Clock() as clock:
        settings = chosen(data.train, data.val)
        texts, labels = parts(data.test)
        seen = {word for review in data.train for word in tokenize(review.text)}
        tokens = [word for text in texts for word in tokenize(text)]
        model = NGramWriter(settings["ngram"]["order"], settings["ngram"]["discount"])
        model.fit(*parts(data.train))
        penalty = settings["classifier"]["C"]
        judges = {
            "judge_for_choosing": classifier(penalty).fit(*parts(data.val)),
            "judge": classifier(penalty).fit(*parts(data.test)),
        }
        results = {
            "corpus": {
                "reviews": len(everything),
                "train": len(data.train),
                "val": len(data.val),
                "test": len(data.test),
                "words_per_review": mean(len(tokenize(r.text)) for r in everything),
                "train_vocabulary": len(seen),
                "test_tokens_unseen": mean(word not in seen for word in tokens),
                "word_list_ties": mean(word_list_score(text) == 0 for text in texts),
            },
            "chosen_on_validation": settings,
            "test": scores(predictions(settings, data.train, texts), labels),
            "ten_folds": crossed(settings, everything),
            "test_perplexity": model.perplexity(texts, labels),
            "written": written(data.train, judges),
            "judge_accuracy_on_validation": judges["judge"].score(*parts(data.val)),
        }
        by_judge = [row for row in results["written"] if row["writer"] == "trigram"]
        best = max(by_judge, key=lambda row: row["judge_for_choosing"])
        results["writer_chosen"] = best
        results["samples"] = samples(data.train, best["temperature"])
    results["run"] = {
        "command": "python -m tools.make_reviews_results",
        "date": date.today().isoformat(),
        "seed": SEED,
        "threads": torch.get_num_threads(),
        "cpu_seconds": round(clock.cpu_s, 1),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "scikit-learn", "numpy")},
        },
    }
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, row in results["test"]["rows"].items():
        print(f"{name:22} {row['accuracy']:.3f} +- {row['se']:.3f}")


if __name__ == "__main__":
    main()
