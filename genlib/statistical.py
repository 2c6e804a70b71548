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
from genlib.expect import (
    Amount,
    Count,
    Levels,
    Positive,
    Seed,
    Share,
    Size,
    border,
    expect_data,
    expect_fitted,
    expect_whole,
)
from genlib.rng import categorical, library_seed, permutation


@border
class ClassConditional:
    """p(y) p(x | y): a generative classifier that can also draw.

    Args:
        make_density: makes an unfitted density with the methods of scikit-learn's: `fit`, `score_samples`, `sample`.
        levels: grey levels of the images.
    """

    def __init__(self, make_density: Callable[[], Any], levels: Levels = 17):
        self.make_density, self.levels = make_density, levels

    def fit(self, x: Tensor, y: Tensor, rng: torch.Generator | None = None) -> "ClassConditional":
        """Estimate the prior by counting, and one density from the images of each class.

        Args:
            x: dequantised images, (N, C, H, W) in [0, 1).
            y: labels 0..K-1, (N,), every class at least once.
            rng: seeds densities that start at random (the mixture).
        """
        N = expect_data("x", x, "N C H W")["N"]
        expect_whole("y", y, 0, N - 1, N=N)
        self.shape = x.shape[1:]
        self.prior = y.bincount() / len(y)  # (K,)
        if (self.prior == 0).any():
            raise ValueError(
                f"y: expected every class 0..{y.max()} at least once, got counts {y.bincount().tolist()}"
            )
        self.densities = [self._fitted(x[y == k], rng) for k in range(len(self.prior))]
        return self

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) = log p(y) + log p(x | y) in nats, for every class y, shape (n, K)."""
        expect_fitted(self, "prior")
        expect_data("x", x, "n C H W", **dict(zip("CHW", self.shape, strict=True)))
        log_p = np.stack([density.score_samples(_flat(x)) for density in self.densities], axis=1)
        return self.prior.to(x.device).double().log() + torch.from_numpy(log_p).to(x.device)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log sum_y p(x, y), nats per dequantised image, shape (n,)."""
        return self.log_joint(x).logsumexp(dim=1)

    def predict(self, x: Tensor) -> Tensor:
        """The class with the largest p(y | x), shape (n,): Bayes' rule, where p(x) cancels."""
        return self.log_joint(x).argmax(dim=1)

    def sample(
        self, n: Count, rng: torch.Generator | None = None, y: Tensor | None = None
    ) -> Tensor:
        """n images with grey levels in [0, 1], shape (n, C, H, W), of classes y (n,) or of classes drawn from p(y)."""
        expect_fitted(self, "prior")
        if y is None:
            y = categorical(self.prior, n, rng)
        expect_whole("y", y, 0, len(self.prior) - 1, n=n)
        x = torch.empty(n, *self.shape, device=y.device)
        for k in y.unique():
            draws = _draw(self.densities[k], int((y == k).sum()), rng)
            x[y == k] = torch.from_numpy(draws).reshape(-1, *self.shape).to(x)
        return quantise(x, self.levels)

    def _fitted(self, x: Tensor, rng: torch.Generator | None) -> Any:
        density = self.make_density()
        if isinstance(density, GaussianMixture):
            density.set_params(random_state=library_seed(rng))
        try:
            return density.fit(_flat(x))
        except ValueError as error:
            raise ValueError(
                f"x: expected images of each class that its density can be fitted to, got {len(x)} of one ({error})"
            ) from error


@border
class ShrunkGaussian:
    """One Gaussian whose covariance is shrunk towards its diagonal: (1 - shrink) S + shrink diag(S).

    shrink = 1 treats the pixels as independent (naive Bayes); shrink = 0 is maximum likelihood.
    """

    def __init__(self, shrink: Share = 0.0):
        self.shrink = shrink

    def fit(self, x: np.ndarray) -> "ShrunkGaussian":
        """Mean and covariance of the rows of x (N, D); 1e-6 keeps a constant pixel from a division by zero."""
        _expect_rows("x", x)
        S = np.atleast_2d(np.cov(x.T, bias=True))
        covariance = (
            (1 - self.shrink) * S + self.shrink * np.diag(np.diag(S)) + 1e-6 * np.eye(len(S))
        )
        try:
            self.density = multivariate_normal(x.mean(axis=0), covariance)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"x: expected rows with a covariance, got {x.shape} ({error})"
            ) from error
        return self

    def score_samples(self, x: np.ndarray) -> np.ndarray:
        """log p(x) in nats, shape (n,)."""
        expect_fitted(self, "density")
        _expect_rows("x", x, self.density.dim)
        return self.density.logpdf(x).reshape(len(x))

    def sample(self, n: Count, random_state: Seed) -> np.ndarray:
        """n rows, shape (n, D)."""
        expect_fitted(self, "density")
        return self.density.rvs(n, random_state=random_state).reshape(n, self.density.dim)


@border
class KernelDensity:
    """A round Gaussian of standard deviation h = `bandwidth` on every training row (Parzen 1962).

    p(x) = 1/N sum_i N(x; x_i, h^2 I). Written out because scikit-learn's tree loses all digits of the
    logarithm in 64 dimensions once h is small.
    """

    def __init__(self, bandwidth: Positive):
        self.bandwidth = bandwidth

    def fit(self, x: np.ndarray) -> "KernelDensity":
        """Keep the rows of x (N, D): there is nothing to estimate."""
        _expect_rows("x", x)
        self.rows = x
        return self

    def score_samples(self, x: np.ndarray) -> np.ndarray:
        """log p(x) in nats, shape (n,)."""
        expect_fitted(self, "rows")
        N, D = self.rows.shape
        _expect_rows("x", x, D)
        log_kernel = -cdist(x, self.rows, "sqeuclidean") / (2 * self.bandwidth**2)  # (n, N)
        return (
            logsumexp(log_kernel, axis=1)
            - np.log(N)
            - D / 2 * np.log(2 * np.pi * self.bandwidth**2)
        )

    def sample(self, n: Count, random_state: Seed) -> np.ndarray:
        """n rows, shape (n, D): a training row plus noise."""
        expect_fitted(self, "rows")
        rng = np.random.default_rng(random_state)
        rows = self.rows[rng.integers(len(self.rows), size=n)]
        return rows + self.bandwidth * rng.standard_normal(rows.shape)


def naive_bayes() -> ClassConditional:
    """Gaussian naive Bayes: within a class all pixels are independent."""
    return ClassConditional(lambda: ShrunkGaussian(shrink=1))


@border
def full_gaussian(shrink: Share = 0.3) -> ClassConditional:
    """A Gaussian with full covariance per class (quadratic discriminant analysis), shrunk towards its diagonal."""
    return ClassConditional(lambda: ShrunkGaussian(shrink))


@border
def mixture(k: Size = 5, reg: Amount = 1e-4) -> ClassConditional:
    """A mixture of k Gaussians with diagonal covariance per class, fitted by EM; `reg` is added to every variance."""
    return ClassConditional(lambda: GaussianMixture(k, covariance_type="diag", reg_covar=reg))


@border
def kernel_density(bandwidth: Positive = 0.14) -> ClassConditional:
    """A Gaussian of standard deviation `bandwidth`, in units of x, on every training image."""
    return ClassConditional(lambda: KernelDensity(bandwidth=bandwidth))


def _expect_rows(name: str, x: np.ndarray, columns: int | None = None) -> None:
    """Check an array of finite numbers, (N, D), of D = `columns` if given."""
    pattern = f"N {columns or 'D'}"
    ok = x.ndim == 2 and x.dtype.kind == "f" and columns in (None, x.shape[1])
    if not ok:
        raise ValueError(
            f"{name}: expected an array of floats ({pattern}), got {x.dtype} {x.shape}"
        )
    expect_data(name, torch.from_numpy(x), "N D")


def _flat(x: Tensor) -> np.ndarray:
    """Images (n, C, H, W) as the rows that scikit-learn expects, (n, D), in double precision."""
    return x.detach().flatten(1).double().cpu().numpy()


def _draw(density: Any, n: int, rng: torch.Generator | None) -> np.ndarray:
    """n rows from a fitted density, in random order, shape (n, D)."""
    if not isinstance(density, GaussianMixture):
        return density.sample(n, random_state=library_seed(rng))
    rows, _ = density.set_params(random_state=library_seed(rng)).sample(
        n
    )  # sorted by component: shuffle
    return rows[permutation(n, rng).numpy()]
