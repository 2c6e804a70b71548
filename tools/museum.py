"""The faults of the bug museum (book/bug_museum.md), in as few lines as public code had them: never use these.

Each does what its right counterpart in genlib does, but for one thing. `make_museum_results` trains and draws with
them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from genlib import data
from genlib.ddpm import DDPM
from genlib.gan import GAN
from genlib.guidance import Guided
from genlib.losses import generator_loss
from genlib.rng import normal, permutation
from genlib.vae import VAE

# --- codes ---------------------------------------------------------------------------------------------------


class AveragedDivergence(VAE):
    """The divergence is averaged over everything."""

    def loss(self, x: Tensor, *, eps: Tensor | None = None) -> dict[str, Tensor]:
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar, eps)
        recon = self.likelihood.nll(self.decoder(z), x).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean()
        return {"loss": recon + kl, "recon": recon, "kl": kl}


class VarianceAsDeviation(VAE):
    """The noise on the codes is scaled by the variance."""

    def reparameterize(
        self,
        mu: Tensor,
        logvar: Tensor,
        eps: Tensor | None = None,
    ) -> Tensor:
        eps = normal(mu, mu.shape) if eps is None else eps
        return mu + logvar.exp() * eps


# --- the game ------------------------------------------------------------------------------------------------


class SigmoidTwice(GAN):
    """D ends with a sigmoid, and the loss takes what it gets for a logit."""

    def logits(self, x: Tensor) -> Tensor:
        return super().logits(x).sigmoid()


class DetachedTwice(GAN):
    """The fakes are detached in G's turn, as in D's."""

    def g_loss(self, z: Tensor) -> dict[str, Tensor]:
        fakes = self.G(z).detach()
        return {"loss": generator_loss(self.logits(fakes)).mean()}


@torch.no_grad()
def drawn_in_training_mode(gan: GAN, z: Tensor) -> Tensor:
    """Nobody called `eval()`."""
    gan.train()
    return gan.G(z)


# --- noise, in training --------------------------------------------------------------------------------------


def pixels_as_they_come(images: data.ImageSet) -> tuple[Tensor, Tensor]:
    """Pixels from 0 to 1 for a model of pixels from -1 to 1."""
    return images.x_train, images.y_train


def shuffled_apart(
    images: data.ImageSet,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Pictures and labels are shuffled, each in its own order."""
    x, y = data.signed(images.x_train), images.y_train
    return x[permutation(len(x), rng)], y[permutation(len(y), rng)]


SLOW_AVERAGE = {"ema_decay": 0.9999}

# --- noise, in drawing ---------------------------------------------------------------------------------------


class BetaAsDeviation(DDPM):
    """The noise of a step back is scaled by its variance."""

    def p_step(self, x_t: Tensor, t: int, noise: Tensor) -> Tensor:
        mean = super().p_step(x_t, t, torch.zeros_like(noise))
        return mean + self.beta[t] * noise if t > 1 else mean


def alpha_for_alpha_bar(model: DDPM) -> DDPM:
    """What the paper of DDIM calls alpha is taken for the alpha of DDPM."""
    model.alpha_bar = 1 - model.beta
    return model


class HalvesSwapped(Guided):
    """The two predictions are computed in one order and unpacked in the other."""

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        both = self.conditional(x_t, t), self.unconditional(x_t, t)
        without, conditional = both
        return without + self.scale * (conditional - without)


def drawn_from_one_seed(
    draw: Callable,
    n: int,
    size: int,
    seed: int,
) -> Tensor:
    """The generator is made anew for every batch."""
    parts = []
    for _ in range(n // size):
        rng = torch.Generator().manual_seed(seed)
        parts.append(draw(size, rng))
    return torch.cat(parts)


# --- to make a faulty model ----------------------------------------------------------------------------------


def turned_into(fault: type[nn.Module], model: nn.Module) -> nn.Module:
    """The same model with the methods of a faulty class."""
    model.__class__ = fault
    return model
