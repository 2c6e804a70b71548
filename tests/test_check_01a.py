"""The checkers of notebook 01a: right answers pass, every planted wrong one gets its own reason."""

import math

import numpy as np
import torch
from checking import checker_tests
from torch.distributions import Categorical

from genlib.check import ex01a


def log_joint(ll, prior):
    return ll + prior.log()


def by_hand(ll, prior, **keep):
    joint = ll.exp() * prior
    return joint / joint.sum(dim=1, **keep)


def bayes_in_a_loop(ll, prior):
    rows = []
    for row in ll.tolist():
        logs = [a + math.log(p) for a, p in zip(row, prior.tolist(), strict=True)]
        top = max(logs)
        weights = [math.exp(a - top) for a in logs]
        rows.append([w / sum(weights) for w in weights])
    return rows


def raises_for_long(ll, prior):
    rows = [
        [math.exp(a) * p for a, p in zip(row, prior.tolist(), strict=True)] for row in ll.tolist()
    ]
    return [[math.exp(math.log(a) - math.log(sum(row))) for a in row] for row in rows]


def add_in_place(counts):
    for i in range(len(counts)):
        counts[i] += 1
    return counts / sum(counts)


def temper_in_a_loop(p, t):
    powers = [value ** (1 / t) for value in p.tolist()]
    return [value / sum(powers) for value in powers]


def temper_with(p, t, small):
    return ((p + small).log() / t).softmax(dim=0)


def rates(lp, n):
    return [-a / k for a, k in zip(lp, n, strict=True)]


def label(lj, rate, floor):
    return None if rate < floor else int(lj.argmax())


def by_probabilities(lj, n, floor):
    top = max(lj.tolist())
    rate = (top + math.log(sum(math.exp(a - top) for a in lj.tolist()))) / n
    if rate >= floor:
        return 0 if lj[0] > lj[1] else 1


RIGHT = {
    1: lambda ll, p: log_joint(ll, p).softmax(dim=1),
    2: lambda c: (c + 1) / (c.sum() + len(c)),
    3: lambda p, t: p ** (1 / t) / (p ** (1 / t)).sum(),
    4: lambda lp, n: math.exp(-sum(lp) / sum(n)),
    5: lambda lj, n, floor: label(lj, lj.logsumexp(0) / n, floor),
}
ALSO = {
    1: [
        lambda ll, p: log_joint(ll, p).float().softmax(dim=1),
        lambda ll, p: (log_joint(ll, p) - log_joint(ll, p).logsumexp(1, keepdim=True)).exp(),
        lambda ll, p: (
            (ll[:, 0] + p[0].log() - ll[:, 1] - p[1].log()).sigmoid()[:, None]
            * torch.tensor([1.0, -1.0])
            + torch.tensor([0.0, 1.0])
        ),
        lambda ll, p: Categorical(logits=log_joint(ll, p)).probs,
        bayes_in_a_loop,
        lambda ll, p: log_joint(ll.float(), p.float()).log_softmax(dim=1).exp().numpy(),
    ],
    2: [
        add_in_place,
        lambda c: c.add_(1).div_(c.sum()),
        lambda c: [(k + 1) / (sum(c.tolist()) + len(c)) for k in c.tolist()],
        lambda c: (c.numpy() + 1) / np.sum(c.numpy() + 1),
    ],
    3: [
        lambda p, t: (p.log() / t).softmax(dim=0),
        temper_in_a_loop,
        lambda p, t: p.pow_(1 / t).div_(p.sum()),
        lambda p, t: Categorical(logits=p.log() / t).probs,
        lambda p, t: np.power(p.float().numpy(), 1 / t) / np.power(p.float().numpy(), 1 / t).sum(),
    ],
    4: [
        lambda lp, n: np.exp(-np.sum(lp) / np.sum(n)),
        lambda lp, n: torch.exp(-torch.tensor(lp).sum() / torch.tensor(n).sum()),
        lambda lp, n: np.exp(np.average(rates(lp, n), weights=n)),
        lambda lp, n: math.prod(math.exp(-a / sum(n)) for a in lp),
    ],
    5: [
        by_probabilities,
        lambda lj, n, floor: (
            lj.argmax() if np.logaddexp(*lj.tolist()) >= floor * n else None  # a 0-d tensor
        ),
        lambda lj, n, floor: (
            None if torch.logaddexp(lj[0], lj[1]) / n < floor else np.argmax(lj.numpy())
        ),
    ],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda ll, p: ll.softmax(dim=1), "prior is missing"),
        (lambda ll, p: (ll + p).softmax(dim=1), "added p(y) itself"),
        (lambda ll, p: (ll * p).softmax(dim=1), "multiplied log p(x | y) by p(y)"),
        (lambda ll, p: log_joint(ll, p).softmax(dim=0), "columns sum to 1"),
        (lambda ll, p: log_joint(ll, p).exp(), "Divide every row"),
        (lambda ll, p: log_joint(ll, p).exp() / log_joint(ll, p).exp().sum(), "whole table sums"),
        (lambda ll, p: log_joint(ll, p).log_softmax(dim=1), "log-probabilities"),
        (lambda ll, p: ll.softmax(dim=1) * p, "normalised first"),
        (lambda ll, p: 0.98 * log_joint(ll, p).softmax(dim=1), "sum to 0.98 a row"),
        (lambda ll, p: log_joint(ll, p.flip(0)).softmax(dim=1), "expected [0."),
        (lambda ll, p: ll * math.nan, "contains NaN"),
        (by_hand, "keepdim=True"),
        (lambda ll, p: log_joint(ll, p) - log_joint(ll, p).logsumexp(1), "keepdim=True"),
        (lambda ll, p: by_hand(ll, p, keepdim=True), "Subtract torch.logsumexp"),
        (lambda ll, p: by_hand(ll, p, keepdim=True).nan_to_num(0.5), "Subtract torch.logsumexp"),
        (
            lambda ll, p: by_hand(ll - (ll + p.log()).max(), p, keepdim=True),
            "Subtract torch.logsumexp",
        ),
        (raises_for_long, "near -2000"),
        (lambda ll, p: p, "expected shape (3, 2), got (2,)"),
    ],
    2: [
        (lambda c: c / c.sum(), "nothing is smoothed"),
        (lambda c: (c + 1) / c.sum(), "sum to 1.80: you added V ones above"),
        (lambda c: (c + 1) / (c.sum() + 1), "each of the V words"),
        (lambda c: (c + 1) / (c.sum() + (c > 0).sum()), "that were seen"),
        (lambda c: c / (c.sum() + len(c)), "numerator"),
        (lambda c: c.clamp(min=1) / c.clamp(min=1).sum(), "only the zeros"),
        (lambda c: (c + 1) / len(c), "divided by V alone"),
        (lambda c: c + 1, "these are the numerators"),
        (lambda c: (c + 2) / (c.sum() + 2 * len(c)), "for counts [3, 2, 0, 0] expected"),
        (lambda c: (c + 1) / (c.sum() + 4), "they must sum to 1"),
        (lambda c: (c + 1) / (c + 1).sum() if c.sum() else c, "never seen"),
        (lambda c: c.sum(), "expected shape (4,), got ()"),
    ],
    3: [
        (lambda p, t: p, "nothing changed"),
        (lambda p, t: p**1 / t / (p**1 / t).sum(), "brackets"),
        (lambda p, t: p**1 / t, "is read so"),
        (lambda p, t: p ** (1 / t), "Divide by their sum"),
        (lambda p, t: p**t / (p**t).sum(), "here 2; yours is 0.5"),
        (lambda p, t: (p.log() * t).softmax(dim=0), "here 2; yours is 0.5"),
        (lambda p, t: (p / t).softmax(dim=0), "wants logarithms"),
        (lambda p, t: (p ** (1 / t)).softmax(dim=0), "raises e to them"),
        (lambda p, t: p**2 / (p**2).sum(), "here 0.5; yours is 2"),
        (lambda p, t: temper_with(p, t, 1e-9), "A 0 must stay a 0"),
        (lambda p, t: temper_with(p, t, 1e-12), "A 0 must stay a 0"),
        (lambda p, t: p if t == 0.5 else RIGHT[3](p, t), "nothing changed"),
        (lambda p, t: RIGHT[3](p, t if t != 1 else 0.9), "at temperature 1 nothing"),
        (lambda p, t: RIGHT[3](p, 2 * t / 3), "at temperature 0.5 expected"),
        (lambda p, t: p.log() * 0, "contains NaN"),
        (lambda p, t: 2 * p, "is read so"),
        (lambda p, t: 3 * RIGHT[3](p, t), "normalise after taking the power"),
    ],
    4: [
        (lambda lp, n: math.exp(sum(lp) / sum(n)), "mind the minus"),
        (lambda lp, n: -sum(lp) / sum(n), "the loss in nats a token"),
        (lambda lp, n: sum(lp) / sum(n), "the mean log-probability"),
        (lambda lp, n: math.exp(-sum(lp) / len(lp)), "over texts"),
        (lambda lp, n: math.exp(sum(rates(lp, n)) / len(n)), "averaged the averages"),
        (lambda lp, n: sum(map(math.exp, rates(lp, n))) / len(n), "averaged the perplexities"),
        (lambda lp, n: 2 ** (-sum(lp) / sum(n)), "natural"),
        (lambda lp, n: math.exp(-sum(lp)), "Divide by the number of tokens"),
        (lambda lp, n: torch.exp(-sum(lp) / sum(n)), "must be Tensor, not float"),
        (lambda lp, n: rates(lp, n), "expected one number, got 2 of them"),
        (lambda lp, n: math.exp(8 / 5), "expected 3.558, got 4.953"),
        (lambda lp, n: math.exp(-sum(lp) / sum(n)) if len(n) > 1 else 1.0, "must give 50"),
    ],
    5: [
        (lambda lj, n, floor: int(lj.argmax()), "however clear"),
        (lambda lj, n, floor: label(lj, lj.logsumexp(0), floor), "divide it by the number"),
        (lambda lj, n, floor: label(lj, lj.max(), floor), "divide it by the number"),
        (lambda lj, n, floor: label(lj, lj.logsumexp(0) / 10, floor), "here 40"),
        (lambda lj, n, floor: label(lj, lj.max() / n, floor), "the sum of both p(x, y)"),
        (lambda lj, n, floor: label(lj, lj.sum() / n, floor), "the sum of both p(x, y)"),
        (lambda lj, n, floor: label(lj, lj.mean() / n, floor), "the sum of both p(x, y)"),
        (lambda lj, n, floor: label(-lj, lj.logsumexp(0) / n, floor), "the likelier class"),
        (lambda lj, n, floor: label(lj, floor, lj.logsumexp(0) / n), "turned round"),
        (lambda lj, n, floor: label(lj, lj.logsumexp(0) / n, -5), "use the argument"),
        (lambda lj, n, floor: label(lj, (lj / n).logsumexp(0), floor), "logsumexp first"),
        (lambda lj, n, floor: label(lj, lj.exp().sum() / n, floor), "however clear"),
        (lambda lj, n, floor: bool(lj[1] > lj[0]), "not a truth value"),
        (lambda lj, n, floor: lj[1] > lj[0], "not a truth value"),
        (lambda lj, n, floor: lj, "expected one number, got 2 of them"),
        (lambda lj, n, floor: None, "None for every review"),
        (lambda lj, n, floor: label(lj, lj.logsumexp(0) / n, -floor), "is above a floor of -1000"),
    ],
}
globals().update(checker_tests(ex01a, RIGHT, ALSO, WRONG, one_size=(5,)))
