"""Chapter 3: variational autoencoder (Kingma & Welling 2014), and a linear one whose log p(x) is known.

A code z is drawn from the prior N(0, I), then x from p(x | z). The encoder gives q(z | x) = N(mu, diag(sigma^2)),
coded as mu and logvar = log sigma^2. All likelihoods are in nats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from genlib.expect import (
    ANY,
    Amount,
    Count,
    Positive,
    Size,
    border,
    expect,
    expect_data,
    expect_floats,
    expect_input,
    expect_range,
    through,
)
from genlib.losses import bernoulli_nll, binomial_nll, gaussian_kl, gaussian_nll
from genlib.nets import image_decoder, image_encoder
from genlib.rng import normal, uniform

# --- p(x | z): what the numbers of the decoder mean ----------------------------------------------------------


@border
@dataclass(frozen=True)
class Bernoulli:
    """Pixels that are 0 or 1; the decoder puts out log-odds."""

    data_range = (0.0, 1.0)

    def nll(self, logits: Tensor, x: Tensor) -> Tensor:
        """-log p(x | z) in nats, shape (B,)."""
        return bernoulli_nll(logits, x)

    def mean(self, logits: Tensor) -> Tensor:
        """E[x | z], in the shape of x."""
        expect_floats("logits", logits)
        return logits.sigmoid()

    def sample(self, logits: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | z), in the shape of x."""
        expect_floats("logits", logits)
        return (uniform(logits, logits.shape, rng) < logits.sigmoid()).to(logits)


@border
@dataclass(frozen=True)
class Binomial:
    """Grey levels k / trials: each pixel counts the inked ones of `trials` trials; the decoder puts out log-odds."""

    trials: Size = 16
    data_range = (0.0, 1.0)

    def nll(self, logits: Tensor, x: Tensor) -> Tensor:
        """-log p(x | z) in nats, shape (B,)."""
        return binomial_nll(logits, x, self.trials)

    def mean(self, logits: Tensor) -> Tensor:
        """E[x | z], in the shape of x."""
        expect_floats("logits", logits)
        return logits.sigmoid()

    def sample(self, logits: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | z), in the shape of x, values k / trials."""
        expect_floats("logits", logits)
        inked = Bernoulli().sample(logits.expand(self.trials, *logits.shape), rng)
        return inked.mean(dim=0)


@border
@dataclass(frozen=True)
class Gaussian:
    """Real numbers with one standard deviation `sd` for all, in units of x; the decoder puts out the mean."""

    sd: Positive
    data_range = ANY

    def nll(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """-log p(x | z) in nats, shape (B,)."""
        return gaussian_nll(x_hat, x, self.sd)

    def mean(self, x_hat: Tensor) -> Tensor:
        """E[x | z], in the shape of x."""
        expect_floats("x_hat", x_hat)
        return x_hat

    def sample(self, x_hat: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | z), in the shape of x."""
        expect_floats("x_hat", x_hat)
        return x_hat + self.sd * normal(x_hat, x_hat.shape, rng)


# --- the model -----------------------------------------------------------------------------------------------


@border
class VAE(nn.Module):
    """z ~ N(0, I), x ~ p(x | z); q(z | x) = N(mu, diag(exp(logvar))) stands in for the posterior p(z | x).

    Paper: Kingma & Welling 2014; beta: Higgins et al. 2017.

    Args:
        encoder: maps x (B, ...) to (B, 2 latent_dim), first mu, then logvar.
        decoder: maps z (B, latent_dim) to logits in the shape of x (to the mean, for a Gaussian likelihood).
        latent_dim: Z, the number of latent dimensions.
        beta: weight of the divergence; 1 makes the loss a bound on -log p(x).
        likelihood: Bernoulli(), Binomial(trials) or Gaussian(sd); it also fixes the range of x.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: Size,
        beta: Amount = 1.0,
        *,
        likelihood: Bernoulli | Binomial | Gaussian = Bernoulli(),
    ):
        super().__init__()
        self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim
        self.beta, self.likelihood = beta, likelihood

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar = log sigma^2 of q(z | x), both (B, Z)."""
        expect_input("x", x, self, *self.likelihood.data_range)
        both = through(self.encoder, "x", x)
        expect("encoder(x)", both, "B 2Z", B=len(x), **{"2Z": 2 * self.latent_dim})
        mu, logvar = both.chunk(2, dim=1)
        return mu, logvar

    def reparameterize(
        self,
        mu: Tensor,
        logvar: Tensor,
        eps: Tensor | None = None,
    ) -> Tensor:
        """z = mu + sigma * eps, eps ~ N(0, I): a draw that gradients pass.

        It is a draw from q(z | x). All are (B, Z).
        Paper: Kingma & Welling 2014, section 2.4.
        """
        self._expect_codes(mu, logvar, mu if eps is None else eps)
        eps = normal(mu, mu.shape) if eps is None else eps
        return mu + (0.5 * logvar).exp() * eps

    def _expect_codes(self, mu: Tensor, logvar: Tensor, eps: Tensor) -> None:
        """Check that all three are (B, Z) and of one precision: torch would broadcast, and mean something else."""
        B = expect("mu", mu, "B Z", Z=self.latent_dim)["B"]
        expect_floats("mu", mu)
        for name, part in (("logvar", logvar), ("eps", eps)):
            if part.shape != mu.shape or part.dtype != mu.dtype:
                expect(name, part, "B Z", B=B, Z=self.latent_dim)
                expect_floats(name, part, mu.dtype)

    def decode(self, z: Tensor) -> Tensor:
        """x_hat = E[x | z], the mean of p(x | z), for codes z (B, Z)."""
        expect("z", z, "B Z", Z=self.latent_dim)
        expect_input("z", z, self)
        return self.likelihood.mean(through(self.decoder, "z", z))

    def reconstruct(self, x: Tensor) -> Tensor:
        """x_hat at the mean code, in the shape of x: for a look, the loss uses drawn codes."""
        return self.decode(self.encode(x)[0])

    def loss(self, x: Tensor, *, eps: Tensor | None = None) -> dict[str, Tensor]:
        """recon + beta * kl in nats per example, averaged over the batch.

        With beta 1 it is -ELBO, one draw of it. Equation 7 of the paper.

        Args:
            x: data (B, ...) in the range of the likelihood.
            eps: the draws behind the codes, (B, Z); standard normal if left out.
        """
        mu, logvar = self.encode(x)  # (B, Z), (B, Z)
        z = self.reparameterize(mu, logvar, eps)  # (B, Z)
        recon = self.likelihood.nll(self.decoder(z), x).mean()
        kl = gaussian_kl(mu, logvar).mean()
        return {"loss": recon + self.beta * kl, "recon": recon, "kl": kl}

    @torch.no_grad()
    def log_prob(
        self,
        x: Tensor,
        k: Size,
        rng: torch.Generator | None = None,
        *,
        rows: Size = 1000,
    ) -> Tensor:
        """log 1/k sum_i p(x, z_i) / q(z_i | x), z_i ~ q, nats, shape (B,).

        The importance-weighted bound (IWAE). Its expectation is the ELBO at
        k = 1, grows with k, and tends to log p(x).
        Paper: Burda, Grosse & Salakhutdinov 2016, equation 8 and theorem 1.

        Args:
            k: number of codes an example, at least 1.
            rows: codes decoded at once, which bounds the memory.
        """
        mu, logvar = self.encode(x)
        per_turn = max(1, rows // len(x))
        turns = [min(per_turn, k - done) for done in range(0, k, per_turn)]
        log_w = [self._log_weights(x, mu, logvar, n, rng) for n in turns]
        parts = [part.logsumexp(dim=0) for part in log_w]
        return torch.stack(parts).logsumexp(dim=0) - math.log(k)

    def _log_weights(
        self,
        x: Tensor,
        mu: Tensor,
        logvar: Tensor,
        n: int,
        rng: torch.Generator | None,
    ) -> Tensor:
        """log p(x | z_i) + log p(z_i) - log q(z_i | x), shape (n, B).

        There are n codes for each example.
        """
        together = (t.expand(n, *t.shape) for t in (x, mu, logvar))
        x, mu, logvar = (t.flatten(0, 1) for t in together)  # (n B, ...)
        eps = normal(mu, mu.shape, rng)
        z = self.reparameterize(mu, logvar, eps)
        # log p(z) and log q(z | x) both hold -Z/2 log 2 pi, which cancels
        log_ratio = 0.5 * (eps.square() + logvar - z.square()).sum(dim=1)
        log_w = log_ratio - self.likelihood.nll(self.decoder(z), x)
        return log_w.unflatten(0, (n, -1))

    @torch.no_grad()
    def sample(
        self, n: Count, rng: torch.Generator | None = None, *, pixels: bool = False
    ) -> Tensor:
        """n new x: z from the prior, then the mean of p(x | z), or with `pixels` a draw from it.

        A draw from the model includes the last step; pictures usually show the mean, without its pixel noise.
        """
        z = normal(next(self.parameters()), (n, self.latent_dim), rng)
        decoded = through(self.decoder, "n", z)
        return self.likelihood.sample(decoded, rng) if pixels else self.likelihood.mean(decoded)


@border
def image_vae(
    latent_dim: Size,
    shape: Sequence[int] = (1, 8, 8),
    width: int = 256,
    beta: float = 1.0,
    *,
    dropout: float = 0.0,
    likelihood: Bernoulli | Binomial | Gaussian = Binomial(16),
) -> VAE:
    """The VAE of the book: the networks of chapter 2's autoencoder, the encoder with twice as many outputs."""
    encoder = image_encoder(shape, width, 2 * latent_dim, norm=True, dropout=dropout)
    decoder = image_decoder(latent_dim, width, shape, norm=True, dropout=dropout)
    return VAE(encoder, decoder, latent_dim, beta, likelihood=likelihood)


# --- the exact case ------------------------------------------------------------------------------------------


@border
@dataclass(frozen=True)
class LinearGaussian:
    """z ~ N(0, I), x | z ~ N(W z + b, sd^2 I): probabilistic PCA, where log p(x) and p(z | x) are known.

    Paper: Tipping & Bishop 1999, section 3.

    Args:
        W: (D, Z).
        b: (D,).
        sd: standard deviation of the noise, in units of x, above 0.
    """

    W: Tensor
    b: Tensor
    sd: Positive

    def __post_init__(self) -> None:
        expect_data("b", self.b, "D", self.W, D=expect_data("W", self.W, "D Z")["D"])

    def sample(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n points x, shape (n, D)."""
        D, Z = self.W.shape
        z, noise = normal(self.W, (n, Z), rng), normal(self.W, (n, D), rng)
        return z @ self.W.T + self.b + self.sd * noise

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = log N(x; b, W W^T + sd^2 I), nats, shape (B,)."""
        D = expect_data("x", x, "B D", self.W, D=len(self.b))["D"]
        C = self.W @ self.W.T + self.sd**2 * torch.eye(D).to(self.W)
        return MultivariateNormal(self.b, C).log_prob(x)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """p(z | x) = N(M^-1 W^T (x - b) / sd^2, M^-1), a batch of B.

        M = I + W^T W / sd^2.
        """
        expect_data("x", x, "B D", self.W, D=len(self.b))
        M = self._precision()
        return MultivariateNormal(
            (x - self.b) @ self.W @ M.inverse() / self.sd**2, precision_matrix=M
        )

    def best_diagonal(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar, both (B, Z), of the q(z | x) with independent dimensions that has the highest ELBO.

        Its mean is that of the posterior, its variances are 1 / M_jj: those of z_j given all the others.
        """
        mu = self.posterior(x).mean
        return mu, -self._precision().diagonal().log().expand_as(mu)

    def elbo(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """E_q log p(x | z) - KL(q || N(0, I)) in closed form, nats, shape (B,).

        q = N(mu, diag(exp(logvar))). The expected squared error is
        |x - b - W mu|^2 + sum_j sigma_j^2 |W_j|^2, W_j the columns of W.
        """
        self._expect_q(mu, logvar, x)
        spread = logvar.exp() @ self.W.square().sum(dim=0) / (2 * self.sd**2)
        at_mean = -gaussian_nll(mu @ self.W.T + self.b, x, self.sd)
        return at_mean - spread - gaussian_kl(mu, logvar)

    def gap(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """KL(q(z | x) || p(z | x)), nats, shape (B,): what the ELBO lacks of log p(x)."""
        self._expect_q(mu, logvar, x)
        q = MultivariateNormal(mu, scale_tril=torch.diag_embed((0.5 * logvar).exp()))
        return kl_divergence(q, self.posterior(x))

    def _expect_q(self, mu: Tensor, logvar: Tensor, x: Tensor) -> None:
        """Check that x (B, D) and the parts of q(z | x), (B, Z) each, belong together."""
        B = expect_data("mu", mu, "B Z", self.W, Z=self.W.shape[1])["B"]
        expect_data("logvar", logvar, "B Z", self.W, B=B, Z=self.W.shape[1])
        limit = -2 * math.log(torch.finfo(logvar.dtype).tiny)  # beyond, sigma is 0 or infinite
        expect_range("logvar", logvar, -limit, limit)
        expect_data("x", x, "B D", self.W, B=B, D=len(self.b))

    def _precision(self) -> Tensor:
        """M = I + W^T W / sd^2, the inverse of the posterior's covariance, (Z, Z)."""
        Z = self.W.shape[1]
        return torch.eye(Z).to(self.W) + self.W.T @ self.W / self.sd**2


@border
def linear_vae(latent_dim: Size, D: Size, sd: float) -> VAE:
    """One linear layer each way and Gaussian noise sd: its best decoder is a `LinearGaussian`, a rotated PCA.

    Papers: Lucas et al. 2019 (the bound adds no local optima to those of log p); Rolinek et al. 2019 (the axes).
    """
    encoder, decoder = nn.Linear(D, 2 * latent_dim), nn.Linear(latent_dim, D)
    return VAE(encoder, decoder, latent_dim, likelihood=Gaussian(sd))
