"""Chapter 2: autoencoders, their linear case (PCA), denoising, and four distributions for codes to draw from.

Encoder and decoder correspond to the recognition model and the generative model of the Helmholtz machine
(Dayan, Hinton, Neal & Zemel 1995).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from genlib.expect import (
    ANY,
    Amount,
    Count,
    Share,
    Size,
    batch_of,
    border,
    expect,
    expect_data,
    expect_floats,
    expect_input,
    expect_like,
    expect_number,
    expect_positive,
    expect_range,
    expect_sizes,
    expect_weights,
    through,
)
from genlib.losses import squared_error
from genlib.nets import Flatten, image_decoder, image_encoder, mlp
from genlib.rng import categorical, library_seed, normal, uniform


@border
class Autoencoder(nn.Module):
    """x -> code z -> x_hat, trained to give back what it was given. With `corrupt` it is a denoising autoencoder.

    Papers: Hinton & Salakhutdinov 2006; for denoising Vincent et al. 2008.

    Args:
        encoder: maps x (B, ...) to codes (B, latent_dim).
        decoder: maps codes (B, latent_dim) to x_hat in the shape of x.
        corrupt: spoils x before it is encoded in training; what is to be restored stays the clean x.
        data_range: lowest and highest value of x; ANY for points.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: Size,
        *,
        corrupt: Callable[[Tensor], Tensor] | None = None,
        data_range: tuple[float, float] = (0.0, 1.0),
    ):
        super().__init__()
        self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim
        self.corrupt, self.data_range = corrupt, data_range

    def encode(self, x: Tensor) -> Tensor:
        """The codes z of x, shape (B, Z); a denoising autoencoder also reads values outside `data_range`."""
        expect_input("x", x, self, *(ANY if self.corrupt else self.data_range))
        return self._encode(x)

    def _encode(self, x: Tensor) -> Tensor:
        z = through(self.encoder, "x", x)
        expect("encoder(x)", z, "B Z", B=len(x), Z=self.latent_dim)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """The reconstruction x_hat that belongs to codes z (B, Z)."""
        expect("z", z, "B Z", Z=self.latent_dim)
        expect_input("z", z, self)
        return through(self.decoder, "z", z)

    def reconstruct(self, x: Tensor) -> Tensor:
        """x_hat = decode(encode(x)), in the shape of x."""
        return self.decode(self.encode(x))

    def loss(self, x: Tensor, *, x_noisy: Tensor | None = None) -> dict[str, Tensor]:
        """Squared error summed over the pixels, averaged over the batch: E |x - x_hat|^2.

        Args:
            x: clean data (B, ...) in `data_range`.
            x_noisy: what the encoder sees; `corrupt(x)`, or x itself where there is no `corrupt`, if left out.
        """
        expect_input("x", x, self, *self.data_range)
        if x_noisy is None:
            x_noisy = self.corrupt(x) if self.corrupt else x
        else:
            expect_range("x_noisy", x_noisy)
        expect_like("x_noisy", x_noisy, x)
        x_hat = self.decoder(self._encode(x_noisy))
        return {"loss": squared_error(x_hat, x).mean()}

    @torch.no_grad()
    def sample(
        self, n: int, rng: torch.Generator | None = None, *, codes: "CodeDistribution | None" = None
    ) -> Tensor:
        """Decode n codes from a distribution that nobody trained for: N(0, I), or the one given as `codes`."""
        z = (codes or standard_normal(self.latent_dim)).sample(n, rng)
        expect("codes", z, "n Z", Z=self.latent_dim)
        return through(self.decoder, "n", z.to(next(self.parameters())))


@border
def image_autoencoder(
    latent_dim: Size,
    shape: Sequence[int] = (1, 8, 8),
    width: int = 256,
    *,
    dropout: float = 0.0,
    corrupt: Callable[[Tensor], Tensor] | None = None,
) -> Autoencoder:
    """The autoencoder of the book: two hidden layers each way.

    Batch normalisation throughout, and a sigmoid at the end.
    """
    layers = {"norm": True, "dropout": dropout}
    encoder = image_encoder(shape, width, latent_dim, **layers)
    decoder = image_decoder(latent_dim, width, shape, **layers)
    decoder.append(nn.Sigmoid())
    return Autoencoder(encoder, decoder, latent_dim, corrupt=corrupt)


@border
def points_autoencoder(sigma: Amount, latent_dim: Size = 64, width: Size = 64) -> Autoencoder:
    """A denoising autoencoder for points (B, 2) at noise sigma, in units of x; without a narrow code.

    Its best r(x) is x + sigma^2 grad log p_sigma(x), p_sigma the density of noisy points: Tweedie's formula.
    Papers: Vincent 2011; Alain & Bengio 2014, there for small sigma.
    """
    encoder = mlp((2, width, width, latent_dim))
    decoder = mlp((latent_dim, width, width, 2))
    corrupt = partial(add_gaussian, sigma=sigma)
    return Autoencoder(encoder, decoder, latent_dim, corrupt=corrupt, data_range=ANY)


# --- the linear case, whose answer is known ----------------------------------------------------------------


@border
def linear_autoencoder(latent_dim: Size, shape: Sequence[int] = (1, 8, 8)) -> Autoencoder:
    """One linear layer each way: its best reconstruction is PCA's (Bourlard & Kamp 1988; Baldi & Hornik 1989)."""
    expect_sizes("shape", shape)
    D = math.prod(shape)
    encoder = nn.Sequential(Flatten(shape), nn.Linear(D, latent_dim))
    decoder = nn.Sequential(nn.Linear(latent_dim, D), nn.Unflatten(1, tuple(shape)))
    return Autoencoder(encoder, decoder, latent_dim)


@border
@dataclass(frozen=True)
class PCA:
    """Principal components with the verbs of an autoencoder.

    Args:
        mean: of the data, in the shape of one example.
        components: orthonormal directions of largest variance, first the largest, (k, D).
    """

    mean: Tensor
    components: Tensor

    def __post_init__(self) -> None:
        expect_data("mean", self.mean, "...")
        expect_data("components", self.components, "k D", self.mean, D=self.mean.numel())

    def encode(self, x: Tensor) -> Tensor:
        """Coordinates along the components, shape (B, k)."""
        expect_data("x", x, batch_of(self.mean.shape), self.mean)
        return (x - self.mean).flatten(1) @ self.components.T

    def decode(self, z: Tensor) -> Tensor:
        """The point of the subspace with coordinates z (B, k), in the shape of x."""
        expect_data("z", z, "B k", self.mean, k=len(self.components))
        return self.mean + (z @ self.components).unflatten(1, self.mean.shape)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The point of the subspace that is nearest to x, in the shape of x."""
        return self.decode(self.encode(x))


@border
def pca(x: Tensor, k: int) -> PCA:
    """The first k principal components of x (N, ...), computed by scikit-learn."""
    import sklearn.decomposition  # here, as below: scikit-learn and SciPy take a second to import

    expect_input("x", x, nn.Identity())
    expect_number("k", k, 1, min(len(x), x[0].numel()))
    rows = x.detach().flatten(1).double().cpu().numpy()
    found = sklearn.decomposition.PCA(k, svd_solver="full").fit(rows)
    mean = torch.from_numpy(found.mean_).to(x).reshape(x.shape[1:])
    return PCA(mean, torch.from_numpy(found.components_).to(x))


@border
def principal_angles(U: Tensor, V: Tensor) -> Tensor:
    """The angles between the subspaces that the columns of U (D, k) and V (D, k) span, in degrees, largest first.

    All are 0 where the subspaces agree, whatever the bases. Paper: Björck & Golub 1973.
    """
    expect_data("V", V, "D k", **expect_data("U", U, "D k"))
    from scipy.linalg import subspace_angles

    angles = subspace_angles(*(basis.detach().double().cpu().numpy() for basis in (U, V)))
    return torch.from_numpy(angles).to(U.device).rad2deg()


# --- denoising: two corruptions, and the plain remedy ------------------------------------------------------


@border
def add_gaussian(x: Tensor, sigma: Amount, rng: torch.Generator | None = None) -> Tensor:
    """x + sigma * eps, eps ~ N(0, I); not clipped, so that the noise stays Gaussian."""
    expect_floats("x", x)
    return x + sigma * normal(x, x.shape, rng)


@border
def mask_pixels(x: Tensor, share: Share, rng: torch.Generator | None = None) -> Tensor:
    """x with each pixel set to 0 with probability `share`, independently."""
    expect_floats("x", x)
    return x * (uniform(x, x.shape, rng) >= share).to(x)


@border
def mean_filter(x: Tensor, keep: Share = 0.0) -> Tensor:
    """keep * x + (1 - keep) * the mean over each pixel's 3 x 3 neighbourhood (what lies in the image of it).

    Args:
        x: images (B, C, H, W).
        keep: weight of the pixel itself, in [0, 1]; 0 is the plain mean filter.
    """
    expect_data("x", x, "B C H W")
    mean = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return keep * x + (1 - keep) * mean


# --- distributions for codes ----------------------------------------------------------------------------------------


@border
@dataclass(frozen=True)
class CodeDistribution:
    """A mixture of K Gaussians over codes: sum_k weight_k N(mean_k, root_k root_k^T).

    Args:
        weights: (K,), summing to 1.
        means: (K, Z).
        roots: the Cholesky factor of each covariance, lower triangular, (K, Z, Z).
    """

    weights: Tensor
    means: Tensor
    roots: Tensor

    def __post_init__(self) -> None:
        sizes = expect_data("means", self.means, "K Z")
        expect("weights", self.weights, "K", K=sizes["K"])
        expect_weights("weights", self.weights)
        expect_number("sum of weights", self.weights.sum().item(), 0.999, 1.001)
        expect_data("roots", self.roots, "K Z Z", self.means, **sizes)

    def sample(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n codes, shape (n, Z): pick a component, shape and shift its noise."""
        k = categorical(self.weights, n, rng)
        eps = normal(self.means, (n, self.means.shape[1], 1), rng)
        return self.means[k] + (self.roots[k] @ eps).squeeze(2)

    def log_prob(self, z: Tensor) -> Tensor:
        """log density of codes z (B, Z) in nats, shape (B,): what to choose the number of components by."""
        expect_data("z", z, "B Z", self.means, Z=self.means.shape[1])
        each = MultivariateNormal(self.means, scale_tril=self.roots).log_prob(z[:, None])  # (B, K)
        return (each + self.weights.log()).logsumexp(dim=1)


@border
def standard_normal(latent_dim: Size) -> CodeDistribution:
    """N(0, I): knows nothing of the codes."""
    return CodeDistribution(torch.ones(1), torch.zeros(1, latent_dim), torch.eye(latent_dim)[None])


@border
def scaled_normal(z: Tensor) -> CodeDistribution:
    """N(0, s^2 I), s the root mean square of all entries of the codes z (N, Z): knows one number."""
    unit = standard_normal(expect_data("z", z, "N Z")["Z"])
    weights, means, roots = (part.to(z.device) for part in (unit.weights, unit.means, unit.roots))
    return CodeDistribution(weights, means, roots * z.square().mean().sqrt())


@border
def fitted_gaussian(z: Tensor) -> CodeDistribution:
    """N(m, C), with the mean and the covariance of the codes z (N, Z): a mixture of one, with its small floor on C.

    Draws a seed from torch's own random numbers, as every `fitted_mixture` without `rng` does.
    """
    return fitted_mixture(z, 1)


@border
def fitted_mixture(z: Tensor, k: int, rng: torch.Generator | None = None) -> CodeDistribution:
    """A mixture of k Gaussians with full covariances, fitted to the codes z (N, Z) by EM (scikit-learn).

    One thousandth of the mean variance of a code number is added to the diagonal of each covariance.

    Args:
        rng: seeds the start of EM.
    """
    from sklearn.mixture import GaussianMixture

    expect_data("z", z, "N Z")
    expect_number("k", k, 1, len(z))
    z, seed = z.detach(), library_seed(rng)
    reg = 1e-3 * z.var(dim=0).mean().item()  # keeps small components from collapsing, at any scale
    expect_positive("variance of z", reg)
    em = GaussianMixture(k, reg_covar=reg, random_state=seed).fit(z.double().cpu().numpy())
    found = em.weights_, em.means_, np.linalg.cholesky(em.covariances_)
    return CodeDistribution(*(torch.from_numpy(part).float().to(z.device) for part in found))
