"""The checkers of notebook 02c: the right answer passes, every planted wrong one gets its own reason."""

import math

import torch
from checking import checker_tests

from genlib import interact
from genlib.autoencoder import fitted_mixture
from genlib.check import ex02c


def spread(L):
    """Codes around the mean of z with the given root, which is a function of the covariance."""
    return lambda z, eps: z.mean(dim=0) + eps @ L(z.T.cov()).T


def score(k, codes, z):
    return fitted_mixture(codes, k, torch.Generator().manual_seed(0)).log_prob(z).mean().item()


def near(a, b):
    return torch.cdist(a, b).amin(dim=1)


def holes(drawn, z_train, z_val, q=0.95):
    return (near(drawn, z_train) > near(z_val, z_train).quantile(q)).double().mean()


def a_code():
    return interact.plane().codes[17].tolist()


RIGHT = {
    1: lambda: (-1.0, 1.5),
    2: lambda log_p: torch.special.entr(log_p.exp()).sum(dim=1).mean(),
    3: lambda W, b, V, c, s: (s * W, s * b, V / s, c),
    4: spread(torch.linalg.cholesky),
    5: lambda z, z_val, ks: max(ks, key=lambda k: score(k, z, z_val)),
    6: holes,
}

WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: (60, 60), "far out everything is a hole"),
        (a_code, "the code of a training digit"),
        (lambda: [c + 0.01 for c in a_code()], "inside a cloud"),
        (lambda: (-8.0, -5.75), "nearly: the nearest code"),
        (lambda: 3, "two numbers, got 1"),
    ],
    2: [
        (lambda lp: (lp.exp() * lp).sum(1).mean(), "the sign"),
        (lambda lp: -(lp.exp() * lp).sum(), "the sum over the pictures"),
        (lambda lp: -(lp.exp() * lp).mean(), "averaged over classes too"),
        (
            lambda lp: torch.special.entr(lp.exp().mean(0)).sum(),
            "the entropy of the average verdict",
        ),
        (lambda lp: -(lp.exp() * lp).sum(1).mean() / math.log(2), "bits"),
        (lambda lp: -lp.sum(1).mean(), "the weight p"),
        (lambda lp: (lp.exp() ** 2).sum(1).mean(), "p * p"),
        (lambda lp: -(lp.exp() * lp).sum(1), "expected one number"),
        (lambda lp: -(lp.exp() * lp).sum(1).mean(), "is nan"),
        (lambda lp: 0.3, "expected 0."),
        (
            lambda lp: -(lp.exp() * lp).sum(1).nan_to_num(nan=1.0).mean(),
            "exactly 0: such a class adds nothing",
        ),
    ],
    3: [
        (lambda W, b, V, c, s: (W, b, V, c), "as large as before"),
        (lambda W, b, V, c, s: (s * W, b, V / s, c), "the bias of the encoder"),
        (lambda W, b, V, c, s: (W / s, b / s, s * V, c), "became smaller"),
        (lambda W, b, V, c, s: (s * W, s * b, V, c), "still expects small codes"),
        (lambda W, b, V, c, s: (s * W, s * b, s * V, c), "must take s back"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, c / s), "must stay as it is"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, c + 1), "the reconstructions changed"),
        (lambda W, b, V, c, s: (s**2 * W, s * b, V / s, c), "not s times"),
        (lambda W, b, V, c, s: (W.mul_(s), s * b, V / s, c), "you changed the tensors"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s), "four things"),
        (lambda W, b, V, c, s: (s * W.T, s * b, V / s, c), "a shape changed"),
    ],
    4: [
        (lambda z, eps: eps @ torch.linalg.cholesky(z.T.cov()).T, "add the mean"),
        (spread(lambda C: torch.linalg.cholesky(C).T), "transposed"),
        (spread(lambda C: C), "the covariance itself"),
        (spread(lambda C: C.diag().sqrt().diag()), "vary independently"),
        (
            lambda z, eps: z.mean(0) + eps @ torch.linalg.cholesky(z.T.corrcoef()).T,
            "correlation matrix",
        ),
        (lambda z, eps: z.mean(0) + eps, "standard normal codes"),
        (spread(lambda C: 2 * torch.linalg.cholesky(C)), "the covariance of your codes"),
        (lambda z, eps: 2 * z.mean(0) + eps @ torch.linalg.cholesky(z.T.cov()).T, "the mean of"),
        (lambda z, eps: z, "one code per row of eps"),
        (lambda z, eps: eps / 0 * 0, "a nan"),
    ],
    5: [
        (lambda z, z_val, ks: max(ks, key=lambda k: score(k, z, z)), "training codes always"),
        (lambda z, z_val, ks: min(ks, key=lambda k: score(k, z, z_val)), "lowest log density"),
        (lambda z, z_val, ks: max(score(k, z, z_val) for k in ks), "the log density itself"),
        (
            lambda z, z_val, ks: ks.index(max(ks, key=lambda k: score(k, z, z_val))),
            "the place of the best",
        ),
        (lambda z, z_val, ks: 6, "three clouds and validation codes say so"),
        (lambda z, z_val, ks: ks[2] if ks[0] == 1 else ks[0], "another order"),
    ],
    6: [
        (lambda d, z, v, q: (near(d, z) > near(v, z).quantile(q)).sum(), "a count"),
        (lambda d, z, v, q: near(v, z).quantile(q), "the radius; compare"),
        (lambda d, z, v, q: 1 - holes(d, z, v, q), "*not* lie"),
        (lambda d, z, v, q: holes(d, z, z, q), "from the training codes"),
        (lambda d, z, v, q: holes(d, z, v), "use the argument"),
        (
            lambda d, z, v, q: (
                (torch.cdist(d, z).mean(1) > torch.cdist(v, z).mean(1).quantile(q)).double().mean()
            ),
            "the mean distance",
        ),
        (
            lambda d, z, v, q: (near(z, d) > near(z, v).quantile(q)).double().mean(),
            "the other way round",
        ),
        (
            lambda d, z, v, q: (near(d, v) > near(v, z).quantile(q)).double().mean(),
            "only training codes were decoded",
        ),
        (lambda d, z, v, q: near(d, z) > near(v, z).quantile(q), "300 of them"),
        (lambda d, z, v, q: 0.123, "expected 0."),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex02c, RIGHT, WRONG)
