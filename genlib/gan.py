"""Chapter 4: generative adversarial network (Goodfellow et al. 2014), and the smallest one, where all is exact.

G turns random codes z into fakes. D looks at data and at fakes and puts out logits, the log-odds of being real.
G never sees the data: all it learns comes through the gradient of D.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.expect import (
    ANY,
    Amount,
    Count,
    Positive,
    Share,
    Size,
    border,
    expect,
    expect_batch,
    expect_input,
    expect_like,
    expect_number,
    expect_range,
    through,
)
from genlib.losses import discriminator_loss, generator_loss, gradient_penalty
from genlib.nets import Fourier, image_decoder, image_encoder, mlp
from genlib.rng import normal

# --- the model -----------------------------------------------------------------------------------------------


BETAS = (0.0, 0.99)  # Adam without momentum: the other player has moved, so old directions mislead


@border
class GAN(nn.Module):
    """Two networks and two losses; `train.Training` lets them take turns.

    Paper: Goodfellow et al. 2014, algorithm 1, with the non-saturating loss for G.

    Args:
        generator: G, maps z (B, latent_dim) to fakes in the shape and range of x.
        discriminator: D, maps x (B, ...) to logits (B,): log-odds, not probabilities.
        latent_dim: Z, the number of random numbers behind each fake.
        signs: how many of them, the first ones, are random signs, -1 or 1; the others are standard normal.
        r1: gamma, the weight of the penalty gamma / 2 |gradient of the logit|^2 on data (Mescheder et al. 2018).
        instance_noise: standard deviation of the noise that D sees everything through, at each share of the training,
            in [0, 1): see `geometric`. Paper: Sønderby et al. 2017.
        data_range: lowest and highest value of x, where G cannot leave it; ANY for points.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: Size,
        *,
        signs: int = 0,
        r1: Amount = 0.0,
        instance_noise: Callable[[float], float] | None = None,
        data_range: tuple[float, float] = ANY,
    ):
        super().__init__()
        expect_number("signs", signs, 0, latent_dim)
        self.G, self.D, self.latent_dim = generator, discriminator, latent_dim
        self.signs, self.r1, self.instance_noise = signs, r1, instance_noise
        self.data_range = data_range
        self.sigma = 0.0  # of the instance noise now

    # --- algorithm 1, with one step of D for each one of G

    def players(self) -> dict[str, dict]:
        """Who moves: the name of each player, and what its optimiser holds."""
        nets = {"d": self.D, "g": self.G}
        return {
            name: {"params": list(net.parameters()), "betas": BETAS} for name, net in nets.items()
        }

    def turns(
        self, x: Tensor, *others: Tensor, share: Share = 0.0
    ) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """One turn of D, then one of G: the name of who moves, and the terms of its loss.

        The caller moves D before it asks for the turn of G.

        Args:
            x: data, (B, ...); what else a batch holds is not used.
            share: of the training that is done, in [0, 1].
        """
        expect_batch("x", x)
        self.sigma = self.instance_noise(share) if self.instance_noise else 0.0
        z_D, z_G = self.prior(len(x)), self.prior(len(x))
        yield "d", self.d_loss(x, z_D)  # the fakes in this loss are detached from G
        yield "g", self.g_loss(z_G)  # the new D only passes the gradient on

    def d_loss(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """What D minimises: -log D(x) - log(1 - D(G(z))), nats.

        Mean over the batch, plus the penalty if r1 > 0. The fakes are
        detached: a step on this loss cannot move G.

        Args:
            x: data, (B, ...).
            z: codes, (B, Z).
        """
        expect_input("x", x, self, *self.data_range)
        expect("z", z, "B Z", Z=self.latent_dim)
        fakes = through(self.G, "z", z).detach()
        expect_like("generator(z)", fakes, x)
        x = x.detach().requires_grad_() if self.r1 else x
        real, fake = self.logits(x), self.logits(fakes)
        loss = discriminator_loss(real, fake)
        if self.r1:
            loss = loss + self.r1 / 2 * gradient_penalty(real, x)
        seen = {"D(x)": real.sigmoid().mean(), "D(G(z))": fake.sigmoid().mean()}
        return {"loss": loss.mean()} | seen

    def g_loss(self, z: Tensor) -> dict[str, Tensor]:
        """What G minimises: -log D(G(z)), nats, mean over the batch.

        The gradient passes through D to reach G.

        Args:
            z: codes, (B, Z).
        """
        expect("z", z, "B Z", Z=self.latent_dim)
        fakes = through(self.G, "z", z)
        return {"loss": generator_loss(self.logits(fakes)).mean()}

    def logits(self, x: Tensor) -> Tensor:
        """D's log-odds that x (B, ...) is real, (B,), seen through instance noise (Sønderby et al. 2017)."""
        if self.sigma:
            x = x + self.sigma * normal(x, x.shape)
        logits = through(self.D, "x", x)
        expect("discriminator(x)", logits, "B", B=len(x))
        return logits

    def prior(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """Codes z, shape (n, Z): `signs` random signs, then standard normal numbers."""
        z = normal(next(self.parameters()), (n, self.latent_dim), rng)
        return torch.cat([z[:, : self.signs].sign(), z[:, self.signs :]], dim=1)

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n fakes, one pass through G each, in the shape and range of x."""
        return through(self.G, "n", self.prior(n, rng))


@border
def geometric(start: Positive, end: Positive, share: float = 0.8) -> Callable[[float], float]:
    """A schedule for `instance_noise`: it falls from start to end by equal factors in equal times, and then stays.

    Args:
        start, end: standard deviations above 0.
        share: of the training, in (0, 1], at which the end is reached.
    """
    expect_number("share", share, 0, 1, open_low=True)
    return lambda done: start * (end / start) ** min(1.0, done / share)


# --- the networks of the book --------------------------------------------------------------------------------


@border
def points_gan(
    signs: Count = 8,
    gaussians: int = 2,
    width: Size = 64,
    octaves: Count = 7,
    *,
    instance_noise: Callable[[float], float] | None = None,
) -> GAN:
    """The GAN of the plane, for points (B, 2) of about unit size: G and D with two hidden layers each.

    Args:
        signs, gaussians: numbers of random signs and of standard normal numbers in a code.
        octaves: number of frequencies that D sees each coordinate at; 0 leaves them out.
        instance_noise: as in `GAN`.
    """
    expect_number("gaussians", gaussians, 0 if signs else 1)
    latent_dim = signs + gaussians
    G = mlp((latent_dim, width, width, 2), activation=nn.ReLU)
    D = nn.Sequential(Fourier(octaves), *mlp((2 + 4 * octaves, width, width, 1)), nn.Flatten(0))
    return GAN(G, D, latent_dim, signs=signs, instance_noise=instance_noise)


@border
def image_gan(
    latent_dim: int = 32,
    shape: Sequence[int] = (1, 8, 8),
    width: int = 256,
    *,
    r1: float = 0.3,
    instance_noise: Callable[[float], float] | None = None,
) -> GAN:
    """The GAN of the digits: G and D in the sizes of chapter 3's decoder and encoder, for images in [0, 1].

    G has ReLUs and a sigmoid at its end. D has no batch normalisation: R1 needs logits that depend on one example
    each.
    """
    decoder = image_decoder(latent_dim, width, shape, norm=True, activation=nn.ReLU)
    G = nn.Sequential(*decoder, nn.Sigmoid())
    D = nn.Sequential(*image_encoder(shape, width, 1), nn.Flatten(0))
    return GAN(G, D, latent_dim, r1=r1, instance_noise=instance_noise, data_range=(0.0, 1.0))


# --- the exact case: data N(0, 1), fakes N(theta, 1) ---------------------------------------------------------


@border
def gaussian_game_logits(x: Tensor, phi: float | Tensor) -> Tensor:
    """phi (phi / 2 - x): the logits of a D that expects the fakes at phi.

    That is log N(x; 0, 1) - log N(x; phi, 1), the best discriminator,
    D* = p / (p + q), when the fakes are indeed q = N(phi, 1) and the data
    p = N(0, 1).
    Paper: Goodfellow et al. 2014, proposition 1.
    """
    _expect_places(x=x, phi=phi)
    return phi * (phi / 2 - x)


@border
def gaussian_game_value(theta: float | Tensor, phi: float | Tensor, nodes: int = 64) -> Tensor:
    """V = E_x log D(x) + E_z log(1 - D(theta + z)) for x, z ~ N(0, 1), D of `gaussian_game_logits`; nats, float64.

    The integrals are done by Gauss-Hermite quadrature. theta and phi are numbers, or tensors of one shape.
    """
    _expect_places(theta=theta, phi=phi)
    device = next((value.device for value in (theta, phi) if isinstance(value, Tensor)), None)
    theta, phi = (torch.as_tensor(v, dtype=torch.float64, device=device) for v in (theta, phi))
    z, weight = (part.to(device) for part in quadrature(nodes))
    shape = (*torch.broadcast_shapes(theta.shape, phi.shape), 1)
    theta, phi = (value.expand(shape[:-1]).unsqueeze(-1) for value in (theta, phi))
    real, fake = gaussian_game_logits(z, phi), gaussian_game_logits(theta + z, phi)
    log_ratio = F.logsigmoid(real) + F.logsigmoid(-fake)  # log D(x) + log(1 - D(G(z)))
    return (log_ratio * weight).sum(dim=-1)


@border
@functools.cache
def quadrature(nodes: int = 64) -> tuple[Tensor, Tensor]:
    """Places z and weights w, float64, so that sum w f(z) is E f(z) for z ~ N(0, 1) and smooth f (Gauss-Hermite)."""
    expect_number("nodes", nodes, 1, 340)  # from 371 on the weights overflow
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.from_numpy(z), torch.from_numpy(weight / math.sqrt(2 * math.pi))


@border
def gaussian_game_jsd(theta: float | Tensor) -> Tensor:
    """JSD(N(0, 1), N(theta, 1)) in nats, from V(D*, G) = -log 4 + 2 JSD: 0 at theta = 0, at most log 2."""
    return (gaussian_game_value(theta, theta) + math.log(4)) / 2


def _expect_places(**places: float | Tensor) -> None:
    """Check two numbers, or tensors of numbers of shapes that go together."""
    tensors = {name: value for name, value in places.items() if isinstance(value, Tensor)}
    for name, value in tensors.items():
        expect_range(name, value)
    try:
        torch.broadcast_shapes(*(value.shape for value in tensors.values()))
    except RuntimeError as error:
        shapes = " and ".join(str(tuple(value.shape)) for value in tensors.values())
        raise ValueError(
            f"{', '.join(tensors)}: expected shapes that go together, got {shapes}"
        ) from error
