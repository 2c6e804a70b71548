"""The checkers of notebook 01b: the right answer passes, every planted wrong one gets its own reason."""

import math

import torch
from checking import checker_tests

from genlib.check import ex01b


def nearest(a, b):
    return torch.cdist(a, b).amin(dim=1)


def fill(x, known, mean, values):
    x = x.clone()
    x[~known] = values
    return x


def parts(known, S):
    return S[~known][:, known], S[known][:, known]


def fill_right(x, known, mean, S):
    S_uk, S_kk = parts(known, S)
    return fill(x, known, mean, mean[~known] + S_uk @ S_kk.inverse() @ (x[known] - mean[known]))


RIGHT = {
    1: lambda a: a - a.logsumexp(dim=1, keepdim=True),
    2: lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * math.log((1 - p) / p),
    3: lambda: 0.16,
    4: lambda c, train, val: c[max(range(len(c)), key=val.__getitem__)],
    5: lambda x, floor: (x.mean(0), x.var(0, correction=0) + floor),
    6: lambda s, train, test: nearest(s, train).median() / nearest(test, train).median(),
    7: lambda log_p, rate: log_p.quantile(rate),
    8: fill_right,
}

WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda a: a.softmax(dim=1), "return their logarithm"),
        (lambda a: a.log_softmax(dim=0), "down the columns"),
        (lambda a: a - a.exp().sum(dim=1, keepdim=True), "subtracted p(x) itself"),
        (lambda a: a, "did you normalise"),
        (lambda a: (a.exp() / a.exp().sum(dim=1, keepdim=True)).log(), "every exp() is 0"),
        (lambda a: a.logsumexp(dim=1), "expected shape (2, 3)"),
        (lambda a: (2 * a).log_softmax(dim=1), "not p(x, y) / p(x)"),
    ],
    2: [
        (lambda a, b, s, p: (a + b) / 2, "midpoint"),
        (
            lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * math.log(p / (1 - p)),
            "the wrong way",
        ),
        (lambda a, b, s, p: (a + b) / 2 + s / (b - a) * math.log((1 - p) / p), "sd ** 2"),
        (lambda a, b, s, p: (a + b) / 2 + math.log((1 - p) / p) / (b - a), "sd = 1 only"),
        (lambda a, b, s, p: 0.0, "the boundary lies at"),
        (lambda a, b, s, p: "left", "expected one number"),
    ],
    3: [
        (lambda: 0.01, "copies of training images"),
        (lambda: 0.12, "Raise the bandwidth"),
        (lambda: 0.3, "Lower the bandwidth"),
        (lambda: 16, "these samples are noise"),
        (lambda: -1, "above 0"),
    ],
    4: [
        (lambda c, train, val: c[train.index(max(train))], "narrowest kernel"),
        (lambda c, train, val: max(val), "this is the log-likelihood"),
        (lambda c, train, val: val.index(max(val)), "the position"),
        (lambda c, train, val: c[train.index(min(train))], "the lowest training likelihood"),
        (lambda c, train, val: 0.1, "0.2 has the highest"),
        (lambda c, train, val: c[2], "another order"),
    ],
    5: [
        (lambda x, floor: (x.mean(0), x.var(0, correction=0)), "still 0"),
        (lambda x, floor: (x.mean(0), (x.std(0, correction=0) + floor) ** 2), "standard deviation"),
        (lambda x, floor: (x.mean(0), x.var(0) + floor), "n - 1"),
        (lambda x, floor: (x.mean(0), x.var(0, correction=0).clamp(min=floor)), "the larger of"),
        (lambda x, floor: (x.mean(), x.var() + floor), "one number a pixel"),
        (lambda x, floor: (x.mean(1), x.var(1) + floor), "the mean is wrong"),
        (lambda x, floor: x.mean(0), "return two things"),
    ],
    6: [
        (lambda s, train, test: nearest(s, train).median(), "Divide it"),
        (
            lambda s, train, test: nearest(test, train).median() / nearest(s, train).median(),
            "upside down",
        ),
        (
            lambda s, train, test: nearest(s, train).mean() / nearest(test, train).mean(),
            "took the mean",
        ),
        (
            lambda s, train, test: nearest(train, s).median() / nearest(train, test).median(),
            "the nearest training image",
        ),
        (
            lambda s, train, test: nearest(s, test).median() / nearest(test, train).median(),
            "to the test images",
        ),
        (lambda s, train, test: 7, "expected 0."),
    ],
    7: [
        (lambda log_p, rate: log_p.quantile(1 - rate), "the lower tail"),
        (lambda log_p, rate: log_p.min(), "refuses no real image"),
        (lambda log_p, rate: log_p.mean() - log_p.std(), "of the real images"),
        (lambda log_p, rate: log_p.quantile(0.1), "use the argument"),
        (lambda log_p, rate: log_p, "expected one number"),
    ],
    8: [
        (lambda x, known, mean, S: x, "still a nan"),
        (lambda x, known, mean, S: mean, "changed known entries"),
        (lambda x, known, mean, S: fill(x, known, mean, mean[~known]), "plain means"),
        (
            lambda x, known, mean, S: fill(
                x,
                known,
                mean,
                mean[~known] + parts(known, S)[0] @ parts(known, S)[1].inverse() @ x[known],
            ),
            "their own mean",
        ),
        (
            lambda x, known, mean, S: fill(
                x, known, mean, mean[~known] + parts(known, S)[0] @ (x[known] - mean[known])
            ),
            "S_kk is missing",
        ),
        (
            lambda x, known, mean, S: fill(
                x,
                known,
                mean,
                mean[~known]
                + S[~known][:, ~known].inverse() @ parts(known, S)[0] @ (x[known] - mean[known]),
            ),
            "covariance of the missing",
        ),
        (lambda x, known, mean, S: fill(x, known, mean, 0.0), "the filled ones are not"),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex01b, RIGHT, WRONG)
