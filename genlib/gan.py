"""Chapter 4: generative adversarial network (Goodfellow et al. 2014), and the smallest one, where all is exact.

G turns random codes z into fakes. D looks at data and at fakes and puts out logits, the log-odds of being real.
G never sees the data: all it learns comes through the gradient of D.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.data import normal
from genlib.losses import discriminator_loss, generator_loss, gradient_penalty
from genlib.nets import Fourier, image_decoder, image_encoder, mlp
from genlib.shapes import expect

# --- the model -----------------------------------------------------------------------------------------------


class GAN(nn.Module):
    """Two networks and two losses; `train.gan_steps` lets them take turns.

    Paper: Goodfellow et al. 2014, algorithm 1, with the non-saturating loss for G.

    Args:
        generator: G, maps z (B, latent_dim) to fakes in the shape and range of x.
        discriminator: D, maps x (B, ...) to logits (B,): log-odds, not probabilities.
        latent_dim: Z, the number of random numbers behind each fake.
        signs: how many of them, the first ones, are random signs, -1 or 1; the others are standard normal.
        r1: gamma, the weight of the penalty gamma / 2 |grad D|^2 on data (Mescheder et al. 2018).
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        *,
        signs: int = 0,
        r1: float = 0.0,
    ):
        super().__init__()
        if not 0 <= signs <= latent_dim or latent_dim < 1:
            raise ValueError(
                f"latent_dim, signs: expected 0 <= signs <= latent_dim and latent_dim >= 1, got {latent_dim}, {signs}"
            )
        if not r1 >= 0:
            raise ValueError(f"r1: expected a number of at least 0, got {r1}")
        self.G, self.D, self.latent_dim = generator, discriminator, latent_dim
        self.signs, self.r1 = signs, r1
        self.noise = 0.0  # standard deviation of the instance noise, set by the loop

    def d_loss(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """What D minimises: -log D(x) - log(1 - D(G(z))), nats, mean over the batch, plus the penalty if r1 > 0.

        The fakes are detached: a step on this loss cannot move G.

        Args:
            x: data, (B, ...).
            z: codes, (B, Z).
        """
        x = x.detach().requires_grad_() if self.r1 else x
        real, fake = self.logits(x), self.logits(self.G(z).detach())
        loss = discriminator_loss(real, fake)
        if self.r1:
            loss = loss + self.r1 / 2 * gradient_penalty(real, x)
        seen = {"D(x)": real.sigmoid().mean(), "D(G(z))": fake.sigmoid().mean()}
        return {"loss": loss.mean()} | seen

    def g_loss(self, z: Tensor) -> dict[str, Tensor]:
        """What G minimises: -log D(G(z)), nats, mean over the batch. The gradient passes through D to reach G.

        Args:
            z: codes, (B, Z).
        """
        return {"loss": generator_loss(self.logits(self.G(z))).mean()}

    def logits(self, x: Tensor) -> Tensor:
        """D's log-odds that x (B, ...) is real, (B,), seen through instance noise (Sønderby et al. 2017)."""
        if self.noise:
            x = x + self.noise * torch.randn_like(x)
        logits = self.D(x)
        expect("discriminator(x)", logits, "B", B=len(x))
        return logits

    def prior(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """Codes z, shape (n, Z): `signs` random signs, then standard normal numbers."""
        if n < 0:
            raise ValueError(f"n: expected at least 0, got {n}")
        z = normal(next(self.parameters()), (n, self.latent_dim), rng)
        return torch.cat([z[:, : self.signs].sign(), z[:, self.signs :]], dim=1)

    @torch.no_grad()
    def sample(
        self, n: int, rng: torch.Generator | None = None, *, G: nn.Module | None = None
    ) -> Tensor:
        """n fakes, one pass through G each, in the shape and range of x.

        Args:
            G: another generator in the place of `self.G`, for example the average of its weights.
        """
        return (G or self.G)(self.prior(n, rng))


# --- the networks of the book --------------------------------------------------------------------------------


def plane_gan(signs: int = 8, gaussians: int = 2, width: int = 64, octaves: int = 7) -> GAN:
    """The GAN of the plane, for points (B, 2) of about unit size: G and D with two hidden layers each.

    Args:
        signs, gaussians: numbers of random signs and of standard normal numbers in a code.
        octaves: number of frequencies that D sees each coordinate at; 0 leaves them out.
    """
    latent_dim = signs + gaussians
    G = mlp((latent_dim, width, width, 2), activation=nn.ReLU)
    D = nn.Sequential(Fourier(octaves), *mlp((2 + 4 * octaves, width, width, 1)), nn.Flatten(0))
    return GAN(G, D, latent_dim, signs=signs)


def image_gan(
    latent_dim: int = 32, shape: Sequence[int] = (1, 8, 8), width: int = 256, *, r1: float = 0.3
) -> GAN:
    """The GAN of the digits: the decoder and the encoder of chapters 2 and 3 as G and D, for images in [0, 1].

    G has ReLUs and a sigmoid at its end. D has no batch normalisation: it would see from the batch who is fake.
    """
    decoder = image_decoder(latent_dim, width, shape, norm=True, activation=nn.ReLU)
    G = nn.Sequential(*decoder, nn.Sigmoid())
    D = nn.Sequential(*image_encoder(shape, width, 1), nn.Flatten(0))
    return GAN(G, D, latent_dim, r1=r1)


# --- the exact case: data N(0, 1), fakes N(theta, 1) ---------------------------------------------------------


def bell_logits(x: Tensor, phi: float | Tensor) -> Tensor:
    """phi (phi / 2 - x) = log N(x; 0, 1) - log N(x; phi, 1): the logits of a D that expects the fakes at phi.

    It is the best discriminator, D* = p / (p + q), when the fakes are indeed q = N(phi, 1) and the data p = N(0, 1).
    Paper: Goodfellow et al. 2014, proposition 1.
    """
    return phi * (phi / 2 - x)


def bell_value(theta: float | Tensor, phi: float | Tensor, nodes: int = 64) -> Tensor:
    """V = E_x log D(x) + E_z log(1 - D(theta + z)) for x, z ~ N(0, 1) and D of `bell_logits`, in nats, float64.

    The integrals are done by Gauss-Hermite quadrature. theta and phi are numbers, or tensors of one shape.
    """
    theta, phi = (torch.as_tensor(value, dtype=torch.float64) for value in (theta, phi))
    z, weight = quadrature(nodes)
    shape = (*torch.broadcast_shapes(theta.shape, phi.shape), 1)
    theta, phi = (value.expand(shape[:-1]).unsqueeze(-1) for value in (theta, phi))
    real, fake = bell_logits(z, phi), bell_logits(theta + z, phi)
    log_ratio = F.logsigmoid(real) + F.logsigmoid(-fake)  # log D(x) + log(1 - D(G(z)))
    return (log_ratio * weight).sum(dim=-1)


@functools.cache
def quadrature(nodes: int = 64) -> tuple[Tensor, Tensor]:
    """Places z and weights w, float64, so that sum w f(z) is E f(z) for z ~ N(0, 1) and smooth f (Gauss-Hermite)."""
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.from_numpy(z), torch.from_numpy(weight / math.sqrt(2 * math.pi))


def bell_jsd(theta: float | Tensor) -> Tensor:
    """JSD(N(0, 1), N(theta, 1)) in nats, from V(D*, G) = -log 4 + 2 JSD: 0 at theta = 0, at most log 2."""
    return (bell_value(theta, theta) + math.log(4)) / 2
