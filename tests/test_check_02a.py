"""The checkers of notebook 02a: right answers pass, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.linalg
import scipy.stats
import sklearn.metrics
import torch
from checking import checker_tests

from genlib.autoencoder import principal_angles
from genlib.check import ex02a


def power(x):
    return x.square().flatten(1).sum(dim=1).mean()


def flat(*images):
    return (part.flatten(1).numpy() for part in images)


def variance(x):
    return x.var(dim=0, correction=0).sum()


def rest(x, u):
    return (x - (x @ u)[:, None] * u).square().sum(dim=1).mean()


def centred(x):
    return x - x.mean(dim=0)


def one_by_one(x, v):
    """The best code of each point by setting the slope of the squared error to zero."""
    x, v, total = x.numpy(), v.numpy(), 0.0
    for point in x - x.mean(0):
        code = point.dot(v) / v.dot(v)
        total += ((point - code * v) ** 2).sum()
    return total / len(x)


def from_covariance(x, v):
    S = x.T.cov(correction=0)
    return S.trace() - v @ S @ v / v.dot(v)


def by_least_squares(x, v):
    x = x - x.mean(0)
    return (
        torch.linalg.lstsq(v[:, None], x.T).solution.mul(v[:, None]).sub(x.T).square().sum(0).mean()
    )


def cosines(U, V):
    return torch.linalg.svdvals(torch.linalg.qr(U).Q.T @ torch.linalg.qr(V).Q)


def unit(U):
    return torch.nn.functional.normalize(U, dim=0)


def by_projections(U, V):
    """The norm of the difference of the two projections is the sine of the largest angle."""
    P, R = (B @ torch.linalg.pinv(B) for B in (U, V))
    return torch.linalg.matrix_norm(P - R, 2).clamp(max=1).arcsin().rad2deg()


def shared(U, V):
    return principal_angles(U, V).max() < 1e-3


def columns(U, V):
    return (unit(U) * unit(V)).sum(dim=0).arccos().rad2deg().max()


def raw(U, V):
    return torch.linalg.svdvals(U.T @ V).clamp(max=1).min().arccos().rad2deg()


def tied_net(x, W, m):
    encoder, decoder = torch.nn.Linear(*W.T.shape).double(), torch.nn.Linear(*W.shape).double()
    with torch.no_grad():
        encoder.weight.copy_(W)
        encoder.bias.copy_(-W @ m)
        decoder.weight.copy_(W.T)
        decoder.bias.copy_(m)
    return decoder(encoder(x))


def pairs(normal, strange):
    more = strange[:, None] - normal
    return (more > 0).double().mean(), (more == 0).double().mean()


def auroc(normal, strange):
    above, ties = pairs(normal, strange)
    return above + ties / 2


def auroc_in_a_loop(normal, strange):
    total = 0.0
    for s in strange:
        for a in normal:
            total += 1 if s > a else 0.5 if s == a else 0
    return total / len(normal) / len(strange)


def auroc_by_ranks(normal, strange):
    n, m = len(normal), len(strange)
    ranks = scipy.stats.rankdata(torch.cat([normal, strange]))
    return (ranks[n:].sum() - m * (m + 1) / 2) / (n * m)


def auroc_of_sklearn(normal, strange):
    labels = [0] * len(normal) + [1] * len(strange)
    return sklearn.metrics.roc_auc_score(labels, torch.cat([normal, strange]))


def on_line(model, a, b, t):
    z_a, z_b = model.encode(torch.stack([a, b]))
    return model.decode((1 - t[:, None]) * z_a + t[:, None] * z_b)


def picture_by_picture(model, a, b, n):
    z_a, z_b = model.encode(a[None]), model.encode(b[None])
    return [model.decode(z_a + i / (n - 1) * (z_b - z_a))[0] for i in range(n)]


def faded(a, b, n):
    t = torch.linspace(0, 1, n)[:, None, None, None]
    return (1 - t) * a + t * b


RIGHT = {
    1: lambda x, x_hat: 1 - power(x_hat - x) / power(centred(x)),
    2: lambda x, v: rest(centred(x), v / v.norm()),
    3: lambda U, V: cosines(U, V).clamp(max=1).min().arccos().rad2deg(),
    4: lambda x, W, m: m + (x - m) @ W.T @ W,
    5: auroc,
    6: lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, n)),
}
ALSO = {
    1: [
        lambda x, x_hat: sklearn.metrics.r2_score(*flat(x, x_hat), multioutput="variance_weighted"),
        lambda x, x_hat: 1 - (x - x_hat).square().mean() / centred(x).square().mean(),
        lambda x, x_hat: 1 - (x - x_hat).square().mean(0).sum() / variance(x),
        lambda x, x_hat: 1 - np.sum((x - x_hat).numpy() ** 2) / (x.numpy().var(0).sum() * len(x)),
    ],
    2: [
        one_by_one,
        from_covariance,
        by_least_squares,
        lambda x, v: (
            centred(x).square().sum(1).mean() - (centred(x) @ v / v.norm()).var(correction=0)
        ),
        lambda x, v: rest(x.sub_(x.mean(0)), v.div_(v.norm())),
    ],
    3: [
        lambda U, V: np.rad2deg(scipy.linalg.subspace_angles(U.numpy(), V.numpy()).max()),
        lambda U, V: principal_angles(U, V).max(),
        by_projections,
        lambda U, V: RIGHT[3](U.float(), V.float()),
        lambda U, V: math.degrees(math.acos(min(1.0, cosines(U, V).tolist()[-1]))),
    ],
    4: [
        tied_net,
        lambda x, W, m: torch.stack([m + W.T @ (W @ (point - m)) for point in x]),
        lambda x, W, m: torch.einsum("nd,kd,ke->ne", x - m, W, W) + m,
        lambda x, W, m: (x.numpy() - m.numpy()) @ (W.T @ W).numpy() + m.numpy(),
        lambda x, W, m: x.sub_(m) @ W.T @ W + m,
    ],
    5: [
        auroc_in_a_loop,
        auroc_by_ranks,
        auroc_of_sklearn,
        lambda normal, strange: (
            scipy.stats.mannwhitneyu(strange, normal).statistic / len(normal) / len(strange)
        ),
        lambda normal, strange: (((strange[:, None] - normal).sign() + 1) / 2).mean(),
    ],
    6: [
        picture_by_picture,
        lambda model, a, b, n: torch.stack(picture_by_picture(model, a, b, n)).numpy(),
        lambda model, a, b, n: model.decode(
            torch.lerp(*model.encode(torch.stack([a, b])), torch.linspace(0, 1, n)[:, None])
        ),
    ],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda x, x_hat: power(x_hat - x) / power(centred(x)), "the share that is lost"),
        (lambda x, x_hat: 1 - power(x_hat - x) / power(x), "from the mean image"),
        (lambda x, x_hat: 1 - power(x_hat - x) / power(x - x.mean()), "its own mean"),
        (lambda x, x_hat: 1 - power(x_hat - x), "divide the error by"),
        (
            lambda x, x_hat: 1 - (x_hat - x).square().mean() / power(centred(x)),
            "error is too small",
        ),
        (lambda x, x_hat: 1 - power(x_hat - x) / centred(x).square().mean(), "error is too large"),
        (lambda x, x_hat: power(centred(x_hat)) / power(centred(x)), "vary a lot and be wrong"),
        (lambda x, x_hat: variance(x_hat) / variance(x), "vary a lot and be wrong"),
        (lambda x, x_hat: 1 - variance(x_hat - x) / variance(x), "all too bright"),
        (
            lambda x, x_hat: sklearn.metrics.explained_variance_score(
                *flat(x, x_hat), multioutput="variance_weighted"
            ),
            "all too bright",
        ),
        (lambda x, x_hat: 1 - power(x_hat - x) / x.var(dim=0).sum(), "by N - 1"),
        (lambda x, x_hat: sklearn.metrics.r2_score(*flat(x, x_hat)), "a share for every pixel"),
        (
            lambda x, x_hat: (
                1
                - ((x - x_hat).flatten(1).norm(dim=1) / centred(x).flatten(1).norm(dim=1))
                .square()
                .mean()
            ),
            "a share for every image",
        ),
        (lambda x, x_hat: 1 - (power(x_hat - x) / power(centred(x))).sqrt(), "took roots"),
        (lambda x, x_hat: 0.9, "expected 0."),
        (lambda x, x_hat: x_hat, "expected one number"),
    ],
    2: [
        (lambda x, v: rest(centred(x), v), "need not have length 1"),
        (
            lambda x, v: centred(x).square().sum(1).mean() - (centred(x) @ v).square().mean(),
            "need not have length 1",
        ),
        (
            lambda x, v: (
                (centred(x) - (centred(x) @ v / v.norm())[:, None] * v).square().sum(1).mean()
            ),
            "need not have length 1",
        ),
        (lambda x, v: rest(x, v / v.norm()), "subtract the mean first"),
        (lambda x, v: rest(x, v), "two things"),
        (lambda x, v: rest(x - x.mean(), v / v.norm()), "one number, the mean over everything"),
        (lambda x, v: (centred(x) @ v / v.norm()).square().mean(), "the part that is kept"),
        (lambda x, v: centred(x).square().sum(dim=1).mean(), "still to be taken off"),
        (lambda x, v: len(x) * rest(centred(x), v / v.norm()), "the mean over the points"),
        (lambda x, v: rest(centred(x), v / v.norm()) / len(v), "the mean over the points"),
        (lambda x, v: rest(centred(x), v / v.norm()) * len(x) / (len(x) - 1), "N - 1"),
        (lambda x, v: rest(centred(x), v / v.norm()).sqrt(), "this is the root"),
        (
            lambda x, v: (centred(x) - (centred(x) @ v) * v / v.norm() ** 2).square().sum(1).mean(),
            "Sizes do not fit",
        ),
        (lambda x, v: 0.0, "expected "),
    ],
    3: [
        (lambda U, V: principal_angles(U, V).deg2rad().max(), "radians"),
        (lambda U, V: cosines(U, V).min(), "take the arccosine"),
        (lambda U, V: principal_angles(U, V).min(), "the smallest angle"),
        (lambda U, V: principal_angles(U, V).mean(), "the mean of the angles"),
        (lambda U, V: cosines(U, V).min().arcsin().rad2deg(), "the arcsine"),
        (lambda U, V: raw(unit(U), unit(V)), "not orthogonal to each other"),
        (raw, "only if both bases are orthonormal"),
        (columns, "column with column"),
        (lambda U, V: torch.linalg.svdvals(U.T @ V).max().arccos().rad2deg(), "nan"),
        (lambda U, V: float("nan"), "nan"),
        (lambda U, V: 45.0, "expected "),
        (lambda U, V: 90 - principal_angles(U, V).min(), "expected "),
        (lambda U, V: math.nan if shared(U, V) else RIGHT[3](U, V), "clamp it"),
        (lambda U, V: 3.0 if shared(U, V) else RIGHT[3](U, V), "one and the same subspace"),
    ],
    4: [
        (lambda x, W, m: (x - m) @ W.T, "these are the codes"),
        (lambda x, W, m: x @ W.T @ W, "the mean plays no part"),
        (lambda x, W, m: m + x @ W.T @ W, "encoded x itself"),
        (lambda x, W, m: (x - m) @ W.T @ W, "add the mean again"),
        (lambda x, W, m: (x - m) @ W.T @ W - m, "subtracted the mean again"),
        (lambda x, W, m: (x + m) @ W.T @ W + m, "before encoding"),
        (lambda x, W, m: m + (x - m) @ torch.linalg.pinv(W) @ W, "pseudo-inverse"),
        (
            lambda x, W, m: m + (x - m) @ torch.linalg.qr(W.T).Q @ torch.linalg.qr(W.T).Q.T,
            "orthonormal rows",
        ),
        (lambda x, W, m: x.mean(0) + centred(x) @ W.T @ W, "use the given m"),
        (lambda x, W, m: x, "the values are not"),
        (lambda x, W, m: m + (x - m) @ W @ W.T, "cannot be multiplied"),
        (lambda x, W, m: W @ W.T, "expected the shape"),
    ],
    5: [
        (lambda normal, strange: auroc(strange, normal), "upside down"),
        (lambda normal, strange: pairs(normal, strange)[0], "count for nothing"),
        (lambda normal, strange: sum(pairs(normal, strange)), "count in full"),
        (
            lambda normal, strange: len(normal) * len(strange) * auroc(normal, strange),
            "the number of pairs",
        ),
        (lambda normal, strange: len(strange) * auroc(normal, strange), "by n only"),
        (lambda normal, strange: len(normal) * auroc(normal, strange), "by m only"),
        (lambda normal, strange: (strange > normal.mean()).double().mean(), "one threshold"),
        (lambda normal, strange: (strange > normal.median()).double().mean(), "one threshold"),
        (lambda normal, strange: (strange[:, None] - normal).mean(), "the mean difference"),
        (lambda normal, strange: (strange > normal).double().mean(), "Sizes do not fit"),
        (lambda normal, strange: 0.9, "expected 0."),
        (lambda normal, strange: 0.5, "expected 0."),
        (lambda normal, strange: RIGHT[5](*map(torch.unique, (normal, strange))), "expected 0."),
        (lambda normal, strange: strange, "expected one number"),
    ],
    6: [
        (lambda model, a, b, n: faded(a, b, n), "the double exposure"),
        (
            lambda model, a, b, n: faded(*model.reconstruct(torch.stack([a, b])), n),
            "mixed the pictures",
        ),
        (lambda model, a, b, n: model.reconstruct(faded(a, b, n)), "mixed the pixels"),
        (
            lambda model, a, b, n: on_line(model, b, a, torch.linspace(0, 1, n)),
            "runs backwards",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.arange(n) / n),
            "must be the reconstruction of b",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.arange(1, n + 1) / n),
            "must be the reconstruction of a",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, n) ** 2),
            "the steps must be equal",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, 3)),
            "expected 5 pictures",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, n + 1)),
            "Both ends count",
        ),
        (lambda model, a, b, n: RIGHT[6](model, a, b, n).flatten(1), "expected shape (5, 1, 8, 8)"),
        (lambda model, a, b, n: faded(a, b, n)[:, 0], "expected shape (5, 1, 8, 8)"),
    ],
}


globals().update(checker_tests(ex02a, RIGHT, ALSO, WRONG, one_size=(6,)))
