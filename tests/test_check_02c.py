"""The checkers of notebook 02c: right answers pass, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.spatial
import scipy.stats
import torch
from checking import checker_tests
from scipy.spatial import ConvexHull
from sklearn.mixture import GaussianMixture
from torch.distributions import Categorical, MultivariateNormal

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


def fitted_to_both(z, z_val, ks):
    both = torch.cat([z, z_val])
    return max(ks, key=lambda k: score(k, both, z_val))


def by_mean_density(z, z_val, ks):
    def density(k):
        mixture = fitted_mixture(z, k, torch.Generator().manual_seed(0))
        return mixture.log_prob(z_val).exp().mean().item()

    return max(ks, key=density)


def holes(drawn, z_train, z_val, q=0.95):
    return (near(drawn, z_train) > near(z_val, z_train).quantile(q)).double().mean()


def a_code():
    return interact.plane().codes[17].tolist()


def beside_a_lone_code():
    """A place next to the code, of those within the line around all, whose nearest neighbour is farthest away."""
    plane = interact.plane()
    apart = torch.cdist(plane.codes, plane.codes).fill_diagonal_(torch.inf).amin(dim=1)
    apart[ConvexHull(plane.codes.numpy()).vertices] = 0
    alone = apart.argmax()
    assert apart[alone] > plane.radius
    place = plane.codes[alone]
    return (place + 0.02 * (plane.codes.mean(dim=0) - place)).tolist()


def searched_hole():
    """The emptiest place within the middle of the plane, by a search over a grid."""
    plane = interact.plane()
    low, high = plane.codes.quantile(0.2, dim=0), plane.codes.quantile(0.8, dim=0)
    axes = [torch.linspace(a, b, 60) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    grid = torch.cartesian_prod(*axes)
    return grid[near(grid, plane.codes.to(grid.dtype)).argmax()]


def entropy_in_a_loop(log_p):
    total = 0.0
    for row in log_p.tolist():
        total -= sum(math.exp(a) * a for a in row if a > -math.inf)
    return total / len(log_p)


def rescaled_in_place(W, b, V, c, s):
    W *= s
    b *= s
    V /= s
    return [W, b, V, c]


def by_linear_layers(W, b, V, c, s):
    A = s * torch.eye(len(W))
    return A @ W, A @ b, V @ torch.linalg.inv(A), c.clone()


def symmetric_root(C):
    values, vectors = torch.linalg.eigh(C)
    return vectors @ values.sqrt().diag() @ vectors.T


def by_singular_values(z, eps):
    _, S, Vh = torch.linalg.svd(z - z.mean(0), full_matrices=False)
    return z.mean(0) + eps / (len(z) - 1) ** 0.5 * S @ Vh


def code_by_code(z, eps):
    m, L = z.mean(0), np.linalg.cholesky(np.cov(z.T.numpy()))
    return [m.numpy() + L @ row for row in eps.numpy()]


def by_scikit_learn(z_train, z_val, candidates):
    scores = {}
    for k in candidates:
        mixture = GaussianMixture(k, random_state=0, reg_covar=1e-2).fit(z_train.numpy())
        scores[mixture.score(z_val.numpy())] = k
    return scores[max(scores)]


def holes_by_definition(drawn, z_train, z_val, q=0.95):
    beyond = near(drawn, z_train)[:, None] > near(z_val, z_train)
    return (beyond.double().mean(dim=1) >= q).double().mean()


def holes_by_tree(drawn, z_train, z_val, q=0.95):
    tree = scipy.spatial.KDTree(z_train.numpy())
    usual = np.sort(tree.query(z_val.numpy())[0])
    return np.mean(tree.query(drawn.numpy())[0] > np.quantile(usual, q, method="lower"))


RIGHT = {
    1: lambda: (-1.0, 1.5),
    2: lambda log_p: torch.special.entr(log_p.exp()).sum(dim=1).mean(),
    3: lambda W, b, V, c, s: (s * W, s * b, V / s, c),
    4: spread(torch.linalg.cholesky),
    5: lambda z, z_val, ks: max(ks, key=lambda k: score(k, z, z_val)),
    6: holes,
}

ALSO = {
    1: [searched_hole, lambda: [torch.tensor(-1.0), 1.5]],
    2: [
        entropy_in_a_loop,
        lambda log_p: Categorical(logits=log_p).entropy().mean(),
        lambda log_p: np.mean(scipy.stats.entropy(log_p.exp().numpy(), axis=1)),
        lambda log_p: -(log_p.exp() * log_p).nansum() / len(log_p),
        lambda log_p: -(log_p.exp() * log_p.clamp_(min=-1e4)).sum(dim=1).mean(),
    ],
    3: [rescaled_in_place, by_linear_layers, lambda W, b, V, c, s: [W * s, b * s, V * s**-1, c]],
    4: [
        spread(symmetric_root),
        by_singular_values,
        code_by_code,
        lambda z, eps: (
            MultivariateNormal(z.mean(0), z.T.cov()).loc
            + eps @ MultivariateNormal(z.mean(0), z.T.cov()).scale_tril.T
        ),
        spread(lambda C: torch.linalg.cholesky(C * 0.9975)),  # the covariance divided by N
    ],
    5: [
        by_scikit_learn,
        lambda z, z_val, ks: ks[int(np.argmax([score(k, z, z_val) for k in ks]))],
    ],
    6: [
        holes_by_definition,
        holes_by_tree,
        lambda d, z, v, q: np.mean(
            near(d, z).numpy() > np.quantile(near(v, z), q, method="higher")
        ),
        lambda d, z, v, q: (
            sum(x > near(v, z).quantile(q).item() for x in near(d, z).tolist()) / len(d)
        ),
    ],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: (60, 60), "far out everything is one"),
        (a_code, "the code of a training digit"),
        (lambda: [c + 0.01 for c in a_code()], "too near to a code of the digit"),
        (beside_a_lone_code, "from every single numeral, also from a lone one"),
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
        (lambda lp: -(lp.exp() ** 2).sum(1).mean(), "p * p"),
        (lambda lp: -(lp.exp() * lp).sum(1), "expected one number"),
        (lambda lp: -(lp.exp() * lp).sum(1).mean(), "is nan"),
        (lambda lp: -(lp.exp() * lp).sum(0).mean(), "over the pictures and averaged"),
        (lambda lp: -lp.square().sum(1).mean(), "take p = log_p.exp()"),
        (lambda lp: -lp.amax(1).mean(), "the largest probability"),
        (lambda lp: -(lp.exp() * lp).sum(1).quantile(0.5), "the median"),
        (lambda lp: 0.3, "expected 0."),
        (
            lambda lp: -(lp.exp() * lp).sum(1).nan_to_num(nan=1.0).mean(),
            "exactly 0: such a class adds nothing",
        ),
    ],
    3: [
        (lambda W, b, V, c, s: (W, b, V, c), "as large as before"),
        (lambda W, b, V, c, s: (s * W, b, V / s, c), "the bias of the encoder"),
        (lambda W, b, V, c, s: (W, s * b, V / s, c), "only the bias"),
        (lambda W, b, V, c, s: (W / s, b / s, s * V, c), "divided by s"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, s * c), "must stay as it is"),
        (lambda W, b, V, c, s: (10 * W, 10 * b, V / 10, c), "not s times"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, None), "returned nothing"),
        (lambda W, b, V, c, s: (s * W, s * b, V, c), "still expects the old codes"),
        (lambda W, b, V, c, s: (s * W, s * b, s * V, c), "must take s back"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, c / s), "must stay as it is"),
        (lambda W, b, V, c, s: (s * W, s * b, V / s, c + 1), "the reconstructions changed"),
        (lambda W, b, V, c, s: (s**2 * W, s * b, V / s, c), "not s times"),
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
        (lambda z, eps: z[torch.randint(len(z), (len(eps),))], "made of its row of eps"),
        (
            lambda z, eps: z.mean(0) + torch.rand(eps.shape) @ torch.linalg.cholesky(z.T.cov()).T,
            "made of its row of eps",
        ),
        (
            lambda z, eps: MultivariateNormal(z.mean(0), z.T.cov()).sample((len(eps),)),
            "made of its row of eps",
        ),
        (lambda z, eps: z.mean(0).expand(len(eps), -1), "made of its row of eps"),
        (lambda z, eps: z.mean(0) + eps @ torch.linalg.cholesky(z.cov()).T, "(Z, Z)"),
        (lambda z, eps: z.mean(0) + eps @ np.linalg.cholesky(np.cov(z)).T, "(Z, Z)"),
        (spread(lambda C: C.diag().diag()), "variances of the single numbers"),
        (spread(lambda C: C.clamp(min=0).sqrt()), "no root of the matrix"),
        (spread(torch.sqrt), "root of negative numbers"),
        (lambda z, eps: z.mean() + eps @ torch.linalg.cholesky(z.T.cov()).T, "the mean of"),
        (lambda z, eps: torch.zeros_like(eps), "made of its row of eps"),
        (lambda z, eps: z, "one code per row of eps"),
        (lambda z, eps: eps / 0 * 0, "a nan"),
    ],
    5: [
        (lambda z, z_val, ks: max(ks, key=lambda k: score(k, z, z)), "training codes prefer"),
        (lambda z, z_val, ks: max(ks), "take the largest candidate"),
        (lambda z, z_val, ks: min(ks, key=lambda k: score(k, z, z_val)), "lowest log density"),
        (lambda z, z_val, ks: max(ks, key=lambda k: score(k, z_val, z)), "you fitted to z_val"),
        (
            lambda z, z_val, ks: max(ks, key=lambda k: score(k, z_val, z_val)),
            "if you fit to the codes that you ask about",
        ),
        (fitted_to_both, "Fit to z_train alone"),
        (by_mean_density, "average densities instead of log densities"),
        (lambda z, z_val, ks: max(score(k, z, z_val) for k in ks), "the log density itself"),
        (
            lambda z, z_val, ks: ks.index(max(ks, key=lambda k: score(k, z, z_val))),
            "a place in the list",
        ),
        (lambda z, z_val, ks: 5, "the validation codes prefer 3; you chose 5"),
        (lambda z, z_val, ks: 3, "(9, 4, 2, 1), got 3"),
        (lambda z, z_val, ks: ks[2], "the validation codes prefer 4; you chose 2"),
        (lambda z, z_val, ks: ks, "got 4 of them"),
    ],
    6: [
        (lambda d, z, v, q: (near(d, z) > near(v, z).quantile(q)).sum(), "a count"),
        (lambda d, z, v, q: near(v, z).quantile(q), "the radius; compare"),
        (lambda d, z, v, q: 1 - holes(d, z, v, q), "*not* lie"),
        (lambda d, z, v, q: holes(d, z, z, q), "your radius is 0"),
        (
            lambda d, z, v, q: (near(d, z) > near(v, v).quantile(q)).double().mean(),
            "your radius is 0",
        ),
        (lambda d, z, v, q: holes(d, z, v, 1 - q), "the lower tail"),
        (
            lambda d, z, v, q: (near(d, z) > near(v, z).mean()).double().mean(),
            "the mean distance of",
        ),
        (
            lambda d, z, v, q: (near(d, z) > near(v, z).max()).double().mean(),
            "the largest distance",
        ),
        (lambda d, z, v, q: holes(d, z, v, 0.9), "use the argument"),
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
        (lambda d, z, v, q: near(d, z) > near(v, z).quantile(q), "of them"),
        (lambda d, z, v, q: 0.123, "expected 0."),
    ],
}


globals().update(checker_tests(ex02c, RIGHT, ALSO, WRONG))
