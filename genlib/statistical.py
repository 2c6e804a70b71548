"""Chapter 1: digits by statistics. One density per class, a prior over classes, and Bayes' rule does the rest.

The densities live on dequantised images (`data.dequantise`); samples come back as images with grey levels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture
from torch import Tensor

from genlib.data import quantise
from genlib.shapes import expect


class ClassConditional:
    """p(y) p(x | y): a generative classifier that can also draw.

    Args:
        make_density: makes an unfitted density with the methods of scikit-learn's: `fit`, `score_samples`, `sample`.
        levels: grey levels of the images.
    """

    def __init__(self, make_density: Callable[[], Any], levels: int = 17):
        self.make_density, self.levels = make_density, levels

    def fit(self, x: Tensor, y: Tensor, rng: torch.Generator | None = None) -> "ClassConditional":
        """Estimate the prior by counting, and one density from the images of each class.

        Args:
            x: dequantised images, (N, C, H, W) in [0, 1).
            y: labels 0..K-1, (N,), every class at least once.
            rng: seeds densities that start at random (the mixture).
        """
        expect("y", y, "N", N=expect("x", x, "N C H W")["N"])
        self.shape = x.shape[1:]
        self.prior = y.bincount() / len(y)  # (K,)
        if (self.prior == 0).any():
            raise ValueError(
                f"y: expected every class 0..{y.max()} at least once, got counts {y.bincount().tolist()}"
            )
        self.densities = [
            self._new_density(rng).fit(_flat(x[y == k])) for k in range(len(self.prior))
        ]
        return self

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) = log p(y) + log p(x | y) in nats, for every class y, shape (n, K)."""
        expect("x", x, "n C H W", **dict(zip("CHW", self.shape, strict=True)))
        log_p = np.stack([density.score_samples(_flat(x)) for density in self.densities], axis=1)
        return self.prior.double().log() + torch.from_numpy(log_p)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log sum_y p(x, y), nats per dequantised image, shape (n,)."""
        return self.log_joint(x).logsumexp(dim=1)

    def predict(self, x: Tensor) -> Tensor:
        """The class with the largest p(y | x), shape (n,): Bayes' rule, where p(x) cancels."""
        return self.log_joint(x).argmax(dim=1)

    def sample(self, n: int, rng: torch.Generator | None = None, y: Tensor | None = None) -> Tensor:
        """n images with grey levels in [0, 1], shape (n, C, H, W), of classes y (n,) or of classes drawn from p(y)."""
        if y is None:
            y = torch.multinomial(self.prior, n, replacement=True, generator=rng)
        expect("y", y, "n", n=n)
        x = torch.empty(n, *self.shape)
        for k in y.unique():
            draws = _draw(self.densities[k], int((y == k).sum()), rng)
            x[y == k] = torch.from_numpy(draws).float().reshape(-1, *self.shape)
        return quantise(x, self.levels)

    def _new_density(self, rng: torch.Generator | None) -> Any:
        density = self.make_density()
        if isinstance(density, GaussianMixture):
            density.set_params(random_state=_seed(rng))
        return density


class Gaussian:
    """One Gaussian whose covariance is shrunk towards its diagonal: (1 - shrink) S + shrink diag(S).

    shrink = 1 treats the pixels as independent (naive Bayes); shrink = 0 is maximum likelihood.
    """

    def __init__(self, shrink: float = 0.0):
        if not 0 <= shrink <= 1:
            raise ValueError(f"shrink: expected a number in [0, 1], got {shrink}")
        self.shrink = shrink

    def fit(self, x: np.ndarray) -> "Gaussian":
        """Mean and covariance of the rows of x (N, D); 1e-6 keeps a constant pixel from a division by zero."""
        S = np.cov(x.T, bias=True)
        covariance = (
            (1 - self.shrink) * S + self.shrink * np.diag(np.diag(S)) + 1e-6 * np.eye(len(S))
        )
        self.law = multivariate_normal(x.mean(axis=0), covariance)
        return self

    def score_samples(self, x: np.ndarray) -> np.ndarray:
        """log p(x) in nats, shape (n,)."""
        return self.law.logpdf(x).reshape(len(x))

    def sample(self, n: int, random_state: int) -> np.ndarray:
        """n rows, shape (n, D)."""
        return self.law.rvs(n, random_state=random_state).reshape(n, -1)


class KernelDensity:
    """A round Gaussian of standard deviation h = `bandwidth` on every training row (Parzen 1962).

    p(x) = 1/N sum_i N(x; x_i, h^2 I). Written out because scikit-learn's tree loses all digits of the
    logarithm in 64 dimensions once h is small.
    """

    def __init__(self, bandwidth: float):
        if not bandwidth > 0:
            raise ValueError(f"bandwidth: expected a number above 0, got {bandwidth}")
        self.bandwidth = bandwidth

    def fit(self, x: np.ndarray) -> "KernelDensity":
        """Keep the rows of x (N, D): there is nothing to estimate."""
        self.rows = x
        return self

    def score_samples(self, x: np.ndarray) -> np.ndarray:
        """log p(x) in nats, shape (n,)."""
        N, D = self.rows.shape
        log_kernel = -cdist(x, self.rows, "sqeuclidean") / (2 * self.bandwidth**2)  # (n, N)
        return (
            logsumexp(log_kernel, axis=1)
            - np.log(N)
            - D / 2 * np.log(2 * np.pi * self.bandwidth**2)
        )

    def sample(self, n: int, random_state: int) -> np.ndarray:
        """n rows, shape (n, D): a training row plus noise."""
        rng = np.random.default_rng(random_state)
        rows = self.rows[rng.integers(len(self.rows), size=n)]
        return rows + self.bandwidth * rng.standard_normal(rows.shape)


def naive_bayes() -> ClassConditional:
    """Gaussian naive Bayes: within a class all pixels are independent."""
    return ClassConditional(lambda: Gaussian(shrink=1))


def full_gaussian(shrink: float = 0.3) -> ClassConditional:
    """A Gaussian with full covariance per class (quadratic discriminant analysis), shrunk towards its diagonal."""
    return ClassConditional(lambda: Gaussian(shrink))


def mixture(k: int = 5, reg: float = 1e-4) -> ClassConditional:
    """A mixture of k Gaussians with diagonal covariance per class, fitted by EM; `reg` is added to every variance."""
    return ClassConditional(lambda: GaussianMixture(k, covariance_type="diag", reg_covar=reg))


def kernel_density(bandwidth: float = 0.14) -> ClassConditional:
    """A Gaussian of standard deviation `bandwidth`, in units of x, on every training image."""
    return ClassConditional(lambda: KernelDensity(bandwidth=bandwidth))


def _flat(x: Tensor) -> np.ndarray:
    """Images (n, C, H, W) as the rows that scikit-learn expects, (n, D), in double precision."""
    return x.flatten(1).double().numpy()


def _seed(rng: torch.Generator | None) -> int:
    """A seed for NumPy, drawn from rng."""
    return int(torch.randint(2**31, (1,), generator=rng))


def _draw(density: Any, n: int, rng: torch.Generator | None) -> np.ndarray:
    """n rows from a fitted density, in random order, shape (n, D)."""
    if not isinstance(density, GaussianMixture):
        return density.sample(n, random_state=_seed(rng))
    rows, _ = density.set_params(random_state=_seed(rng)).sample(n)  # sorted by component: shuffle
    return rows[torch.randperm(n, generator=rng).numpy()]
