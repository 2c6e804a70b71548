"""The checkers of notebook 07b: right answers pass in every form, every planted wrong one gets its own reason."""

import math
import statistics
from statistics import fmean, stdev

import numpy as np
import torch
from checking import checker_tests
from scipy import stats

from genlib.check import ex07b

# --- 1: an interval -------------------------------------------------------------------------------------------


def interval(values, t, s=stdev, count=len, root=0.5, means=None, centre=None):
    means = [fmean(own) for own in values] if means is None else means
    half = t * s(means) / count(means) ** root
    centre = fmean(means) if centre is None else centre
    return centre - half, centre + half


def interval_in_numpy(values, t):
    means = np.array([np.mean(own) for own in values])
    return means.mean() + np.array([-1, 1]) * t * stats.sem(means)


def interval_in_torch(values, t):
    means = torch.stack([torch.tensor(own).mean() for own in values])
    half = t * means.std() / len(means) ** 0.5
    return means.mean() - half, means.mean() + half


def every(values):
    return [v for own in values for v in own]


# --- 2: a verdict ---------------------------------------------------------------------------------------------


def verdict(a, b, t, larger=False, chance=None, s=statistics.variance):
    gap = fmean(a) - fmean(b)
    if chance is None:
        chance = t * (s(a) / len(a) + s(b) / len(b)) ** 0.5
    if abs(gap) <= chance:
        return "same"
    return "better" if (gap > 0) == larger else "worse"


def verdict_in_numpy(a, b, t):
    a, b = np.array(a), np.array(b)
    low, high = a.mean() - b.mean() + np.array([-t, t]) * np.hypot(stats.sem(a), stats.sem(b))
    return "better" if high < 0 else "worse" if low > 0 else "same"


def verdict_in_torch(a, b, t):
    a, b = torch.tensor(a), torch.tensor(b)
    gap, chance = a.mean() - b.mean(), t * (a.var() / len(a) + b.var() / len(b)).sqrt()
    return ("same", "worse", "better")[int(gap > chance) - int(gap < -chance)]


# --- 3: the price of an accepted sample -----------------------------------------------------------------------


def price(train_s, sample_s, share, n):
    return train_s / n + sample_s / share if share else math.inf


def price_of_all(train_s, sample_s, share, n):
    draws = torch.tensor(float(n)) / share
    return (train_s + draws * sample_s) / n


# --- 4: the bootstrap -----------------------------------------------------------------------------------------


def bootstrap(values, k, rng, means=None, picks=None, replacement=True):
    means = torch.tensor([fmean(own) for own in values]) if means is None else means
    S = len(means)
    if not replacement:
        rows = [torch.randperm(S, generator=rng) for _ in range(k)]
        return means[torch.stack(rows)].mean(dim=1)
    return means[torch.randint(S, (k, picks or S), generator=rng)].mean(dim=1)


def bootstrap_in_a_loop(values, k, rng):
    found = []
    for _ in range(k):
        some = [values[i] for i in torch.randint(len(values), (len(values),), generator=rng)]
        found.append(fmean(fmean(own) for own in some))
    return found


def bootstrap_in_numpy(values, k, rng):
    own = np.random.default_rng(rng.initial_seed())
    return own.choice(np.mean(values, axis=1), (k, len(values))).mean(axis=1)


def one_seed_too_often(values, k, rng):
    means = torch.tensor([fmean(own) for own in values])
    return means[(torch.randint(10 * len(means), (k, len(means)), generator=rng) // 11)].mean(dim=1)


# --- 5: a model of one's own ----------------------------------------------------------------------------------


def my_row(train, score, seeds, draws, n=1000, name="frechet"):
    row = []
    for seed in seeds:
        sample, rng = train(seed), torch.Generator().manual_seed(seed)
        row.append([score(sample(n, rng))[name] for _ in range(draws)])
    return row


def my_row_at_once(train, score, seeds, draws):
    rngs = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
    models = list(map(train, seeds))
    samples = [
        [model(1000, rngs[seed]) for _ in range(draws)]
        for model, seed in zip(models, seeds, strict=True)
    ]
    return torch.tensor([[score(x)["frechet"] for x in own] for own in samples])


def trained_anew(train, score, seeds, draws):
    row = []
    for seed in seeds:
        rng = torch.Generator().manual_seed(seed)
        row.append([score(train(seed)(1000, rng))["frechet"] for _ in range(draws)])
    return row


def drawn_anew(train, score, seeds, draws):
    models = {seed: train(seed) for seed in seeds}
    return [
        [
            score(models[seed](1000, torch.Generator().manual_seed(seed)))["frechet"]
            for _ in range(draws)
        ]
        for seed in seeds
    ]


def one_generator(train, score, seeds, draws):
    rng = torch.Generator().manual_seed(seeds[0])
    models = [train(seed) for seed in seeds]
    return [[score(m(1000, rng))["frechet"] for _ in range(draws)] for m in models]


RIGHT = {1: interval, 2: verdict, 3: price, 4: bootstrap, 5: my_row, 6: lambda: [2, 3, 5]}
ALSO = {
    1: [interval_in_numpy, interval_in_torch],
    2: [verdict_in_numpy, verdict_in_torch],
    3: [price_of_all],
    4: [bootstrap_in_a_loop, bootstrap_in_numpy],
    5: [my_row_at_once],
    6: [
        lambda: {5, 3, 2},
        lambda: np.array([3, 5, 2]),
        lambda: (2.0, 3.0, 5.0),
        lambda: [2, 2, 3, 5],
    ],
}
WRONG = {
    1: [
        (lambda v, t: interval(v, t, means=every(v)), "takes all draws for independent"),
        (lambda v, t: interval(v, t, count=lambda _: len(every(v))), "seeds, not of draws"),
        (lambda v, t: interval(v, t, root=0), "how far single seeds scatter"),
        (lambda v, t: interval(v, t, root=1), "not by the number"),
        (lambda v, t: interval(v, t, s=statistics.pstdev), "one less than its number"),
        (lambda v, t: interval(v, 1.0), "t is missing"),
        (lambda v, t: interval(v, t, centre=fmean(every(v))), "every seed counts the same"),
        (lambda v, t: (fmean(interval(v, t)), np.ptp(interval(v, t)) / 2), "the half width"),
        (lambda v, t: interval(v, t, s=lambda _: stdev(every(v))), "not of all draws"),
        (lambda v, t: interval(v, t)[::-1], "the smaller end first"),
        (lambda v, t: interval(v, t)[0], "expected two numbers"),
        (lambda v, t: interval(v, 2 * t), "expected m - t s / sqrt(S)"),
    ],
    2: [
        (lambda a, b, t: verdict(a, b, t, larger=True), "the smaller one is better"),
        (lambda a, b, t: verdict(a, b, t, chance=0), "nothing is shown"),
        (lambda a, b, t: verdict(a, b, 1.0), "nothing is shown"),
        (
            lambda a, b, t: verdict(
                a, b, t, chance=t * (stdev(a) / len(a) ** 0.5 + stdev(b) / len(b) ** 0.5)
            ),
            "Under the root stands",
        ),
        (lambda a, b, t: verdict(a, b, t, chance=t * stdev(a)), "which is more than"),
        (lambda a, b, t: "same", "which is more than"),
        (lambda a, b, t: "equal", "expected one of the words"),
        (lambda a, b, t: -1, "expected one of the words"),
    ],
    3: [
        (lambda f, s, p, n: f / n + s * p, "divide by it"),
        (lambda f, s, p, n: s / p, "training is missing"),
        (lambda f, s, p, n: f / n + s, "cost as much as accepted"),
        (lambda f, s, p, n: (f + n * s) / (n * p), "do not repeat it"),
        (lambda f, s, p, n: f + s / p, "for all n samples together"),
        (lambda f, s, p, n: f + n * s / p, "the cost of all n"),
        (
            lambda f, s, p, n: f / n + s / (1 - p) if p != 0.5 else price(f, s, p, n),
            "not of rejected ones",
        ),
        (lambda f, s, p, n: 2 * price(f, s, p, n), "the training's part"),
        (lambda f, s, p, n: price(f, s, p, n) if p else 0.0, "no price buys one"),
        (lambda f, s, p, n: f / n + s / p, "ZeroDivisionError"),
    ],
    4: [
        (lambda *b: bootstrap(*b, replacement=False), "some seeds come twice"),
        (lambda *b: bootstrap(*b, means=torch.tensor(every(b[0]))), "is no mean of 2 seeds"),
        (
            lambda v, k, rng: torch.tensor(every(v))[torch.randint(4, (k,), generator=rng)],
            "yours are single draws",
        ),
        (lambda *b: bootstrap(*b, picks=1), "draw as many seeds as there are"),
        (lambda v, k, rng: bootstrap(v, k, None), "two calls with equal rng differ"),
        (lambda v, k, rng: bootstrap(v, k, rng).mean(), "expected 400 means, got 1"),
        (one_seed_too_often, "as often as every other"),
        (lambda *b: bootstrap(*b) + 0.5, "is no mean of 2 seeds"),
    ],
    5: [
        (trained_anew, "you trained 9 times"),
        (drawn_anew, "the same samples"),
        (one_generator, "Its generator is"),
        (lambda *b: my_row(*b, n=500), "You drew [500]"),
        (lambda *b: my_row(*b, name="precision"), "these are precisions"),
        (lambda *b: np.array(my_row(*b)).T if len(b[2]) == 2 else my_row(*b)[:2], "3 lists, one"),
        (lambda t, s, seeds, d: my_row(t, s, seeds, d + 1), "got 12 draws in all"),
        (lambda t, s, seeds, d: my_row(t, s, seeds[:1] * len(seeds), d), "one training for each"),
        (lambda *b: {"frechet": my_row(*b)}, "the list of lists itself"),
        (lambda t, s, seeds, d: [t(0)(1000, 3)], "takes a torch.Generator"),
    ],
    6: [
        (lambda: [1, 2, 3, 5], "claim 1"),
        (lambda: [3, 5], "claim 2"),
        (lambda: [2, 5], "claim 3"),
        (lambda: [2, 3, 4, 5], "claim 4"),
        (lambda: [2, 3], "claim 5"),
        (lambda: [2, 3, 5, 6], "claim 6"),
        (list, "at least one of the claims goes too far"),
        (lambda: "2, 3", "expected a list"),
        (lambda: [1, 2, 3, 4, 5, 6], "well founded"),
        (lambda: [0, 7], "the numbers 1 to 6"),
    ],
}
globals().update(checker_tests(ex07b, RIGHT, ALSO, WRONG, one_size=[3], untouched=[]))
