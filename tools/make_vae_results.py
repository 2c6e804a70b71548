"""Measure the results of chapter 3: `python -m tools.make_vae_results`, with names for some sections only.

The recipe is that of chapter 2's autoencoder; nothing was tuned for the VAE. Five seeds; what a seed changes:
starting weights, batches, drawn codes. The test images are only scored.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from genlib.autoencoder import Autoencoder, fitted_gaussian, fitted_mixture, standard_normal
from genlib.data import digits
from genlib.evaluate import digits_floor, score_digits, to_grey_levels
from genlib.losses import binomial_nll, gaussian_kl, squared_error
from genlib.nets import mlp
from genlib.vae import VAE, LinearGaussian, image_vae
from tools import results
from tools.results import N_SAMPLES, codes, error, generator, levels, trained

SEEDS, Z, COMPONENTS, TARGET = (0, 1, 2, 3, 4), 16, 10, results.DATA / "vae.json"
ABOUT = results.about("python -m tools.make_vae_results", SEEDS, "vae_digits", latent_dim=Z)

over_seeds = partial(results.over_seeds, seeds=SEEDS)


def bound(model: VAE, x: Tensor, seed: int, draws: int = 20) -> dict[str, float]:
    """The ELBO and its two parts, nats per image, averaged over some draws for each image."""
    rng = generator(seed)
    eps = (torch.randn(len(x), model.latent_dim, generator=rng) for _ in range(draws))
    terms = [model.loss(x, eps=e) for e in eps]
    recon, kl = (sum(t[name].item() for t in terms) / draws for name in ("recon", "kl"))
    return {"elbo": -recon - kl, "recon": recon, "kl": kl}


def code_size(mu: Tensor) -> float:
    """Root mean square of code numbers."""
    return mu.square().mean().sqrt().item()


def active(mu: Tensor) -> int:
    """Number of code dimensions whose mean depends on x."""
    return int((mu.var(dim=0) > 0.01).sum())


# --- the exact case ------------------------------------------------------------------------------------------


def exact() -> dict:
    """Two oblique columns: the best upright q against the tilted posterior, in closed form; one x."""
    W = torch.tensor([[1.0, 0.8], [0.0, 0.6]]).double()
    model, x = LinearGaussian(W, torch.zeros(2).double(), 0.3), torch.tensor([[1.0, 0.5]]).double()
    mu, logvar = model.best_diagonal(x)
    C = model.posterior(x).covariance_matrix[0]
    return {
        "log_p": model.log_prob(x).item(),
        "elbo": model.elbo(x, mu, logvar).item(),
        "gap": model.gap(x, mu, logvar).item(),
        "posterior_sd": C[0, 0].sqrt().item(),
        "q_sd": (0.5 * logvar[0, 0]).exp().item(),
        "correlation": (C[0, 1] / (C[0, 0] * C[1, 1]).sqrt()).item(),
    }


# --- the digits ----------------------------------------------------------------------------------------------


def bounds() -> dict:
    """ELBO on each part, the climb of the importance-weighted bound on test digits, and what the AE rebuilds better."""
    return over_seeds(bounds_run)


def bounds_run(seed: int) -> dict:
    (model, _, cpu_s), ae = trained("vae_digits", seed), trained("autoencoder_digits", seed).model
    data, rng = digits(), generator(seed)
    row = {"train_cpu_s": cpu_s}
    for part in ("train", "val", "test"):
        found = bound(model, getattr(data, f"x_{part}"), seed)
        row |= {f"{name}_{part}": value for name, value in found.items()}
    for k in (1, 10, 100, 1000):
        row[f"bound_{k}"] = model.log_prob(data.x_test, k, rng).mean().item()
    drawn = model.decode(codes(model, data.x_test, rng))
    return row | {
        "active": active(model.encode(data.x_train)[0]),
        "error_ae": error(ae, data.x_test),
        "error_vae": error(model, data.x_test),
        "error_vae_drawn": squared_error(drawn, data.x_test).mean().item(),
        "code_size_ae": code_size(ae.encode(data.x_train)),
    }


def samples() -> dict:
    """One decoder, codes from three distributions, and the last step of the model, the pixels, left out or drawn."""
    return {"floor": digits_floor(), "components": COMPONENTS} | over_seeds(samples_run)


def samples_run(seed: int) -> dict[str, dict]:
    model = trained("vae_digits", seed).model
    z = codes(model, digits().x_train, generator(seed))
    distributions = {
        "prior": standard_normal(Z),
        "gaussian": fitted_gaussian(z),
        "mixture": fitted_mixture(z, COMPONENTS, generator(seed)),
    }
    rows = {}
    for name, own in distributions.items():
        rng = generator(seed)
        rows[name] = score_digits(to_grey_levels(model.decode(own.sample(N_SAMPLES, rng))), rng=rng)
    rng = generator(seed)
    rows["pixels"] = score_digits(model.sample(N_SAMPLES, rng, pixels=True), rng=rng)
    return rows


def aggregated() -> dict:
    """How far the average of all q(z | x), the aggregated posterior, is from the prior: the KL taken apart.

    mean KL(q(z | x) || p(z)) = I + KL(q(z) || p(z)), with I = mean KL(q(z | x) || q(z)) at most log N
    (Hoffman & Johnson 2016). Training digits, 50 draws each. And what a mixture of ten Gaussians, fitted to codes of
    training digits, gains over the prior on codes of test digits.
    """
    return over_seeds(aggregated_run) | {"log_n": math.log(len(digits().x_train))}


@torch.no_grad()
def aggregated_run(seed: int, draws: int = 50) -> dict:
    model, x, rng = trained("vae_digits", seed).model, digits().x_train, generator(seed)
    mu, logvar = model.encode(x)
    q, information, drawn = Normal(mu, (0.5 * logvar).exp()), 0.0, []
    for _ in range(draws):
        z = model.reparameterize(mu, logvar, torch.randn(mu.shape, generator=rng))
        each = q.log_prob(z[:, None]).sum(dim=2)  # (N, N)
        ratio = each.diagonal() - each.logsumexp(dim=1) + math.log(len(x))
        information += ratio.mean().item() / draws
        drawn.append(z)
    z, kl = torch.cat(drawn), gaussian_kl(mu, logvar).mean().item()
    own = fitted_mixture(z, COMPONENTS, generator(seed))
    z_test = codes(model, digits().x_test, rng)
    gain = own.log_prob(z_test) - standard_normal(Z).log_prob(z_test)
    return {
        "kl": kl,
        "information": information,
        "marginal_kl": kl - information,
        "mixture_gain": gain.mean().item(),
        "mean_size": z.mean(dim=0).abs().max().item(),
        "sd_min": z.std(dim=0).min().item(),
        "sd_max": z.std(dim=0).max().item(),
    }


def betas() -> dict:
    """The weight of the divergence from 0 to 50: what is rebuilt, what is drawn, what collapses."""
    return {str(beta): over_seeds(partial(beta_run, beta)) for beta in (0, 0.1, 1, 2, 5, 50)}


def beta_run(beta: float, seed: int) -> dict:
    data, rng = digits(), generator(seed)
    model = results.train("vae_digits", seed, model=partial(image_vae, Z, beta=beta)).model
    mu, _ = model.encode(data.x_train)
    scores = score_digits(to_grey_levels(model.sample(N_SAMPLES, rng)), rng=rng)
    del scores["n"]
    own = {"error": error(model, data.x_test), "active": active(mu), "code_size": code_size(mu)}
    return bound(model, data.x_test, seed) | own | scores


def beta_pictures() -> dict:
    """Twelve samples from the prior for each weight, from the same codes; seed 0."""
    seed, rows = SEEDS[0], {}
    for beta in (0, 0.1, 1, 5, 50):
        model = results.train("vae_digits", seed, model=partial(image_vae, Z, beta=beta)).model
        rows[f"beta_{beta:g}"] = levels(model.sample(12, generator(seed)))
    return rows


def gradients() -> dict:
    """Two unbiased estimates of d/dmu E_q[f(z)] with f(z) = log p(x | z), one draw each: their total variance.

    100 test digits. score function: f(z) eps / sigma; baseline: f less its mean over the draws.
    """
    return over_seeds(gradients_run)


def gradients_run(seed: int, draws: int = 500) -> dict:
    model, x, rng = trained("vae_digits", seed).model, digits().x_test[:100], generator(seed)
    mu, logvar = model.encode(x)
    path, f, direction = [], [], []
    for _ in range(draws):
        eps, place = torch.randn(mu.shape, generator=rng), mu.clone().requires_grad_()
        z = model.reparameterize(place, logvar, eps)
        value = -model.likelihood.nll(model.decoder(z), x)
        path.append(torch.autograd.grad(value.sum(), place)[0])
        f.append(value.detach())
        direction.append(eps / (0.5 * logvar).exp())  # the gradient of log q(z | x) in mu
    path, f, direction = torch.stack(path), torch.stack(f)[:, :, None], torch.stack(direction)
    score, baseline = f * direction, (f - f.mean(dim=0)) * direction
    total = [g.var(dim=0).sum(dim=1).mean().item() for g in (path, score, baseline)]
    return {"score": total[1] / total[0], "baseline": total[2] / total[0]}


# --- given the class -----------------------------------------------------------------------------------------


class ConditionalVAE(nn.Module):
    """The conditional VAE of notebook 03b: the class as ten more numbers for the encoder and for the decoder."""

    def __init__(self):
        super().__init__()
        self.encoder = mlp((64 + 10, 256, 256, 2 * Z), norm=True)
        self.decoder = mlp((Z + 10, 256, 256, 64), norm=True)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder(with_class(x, y)).chunk(2, dim=1)

    def loss(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        mu, logvar = self.encode(x, y)
        z = mu + (logvar / 2).exp() * torch.randn_like(mu)
        recon = binomial_nll(self.decoder(with_class(z, y)), x.flatten(1)).mean()
        kl = gaussian_kl(mu, logvar).mean()
        return {"loss": recon + kl, "recon": recon, "kl": kl}

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        return self.decoder(with_class(z, y)).sigmoid().unflatten(1, (1, 8, 8))


def with_class(part: Tensor, y: Tensor) -> Tensor:
    return torch.cat([part.flatten(1), F.one_hot(y, 10)], dim=1)


def conditional() -> dict:
    """How far the codes of each class are from the prior, and samples from the prior or from a Gaussian per class."""
    return over_seeds(conditional_run)


@torch.no_grad()
def conditional_run(seed: int, draws: int = 20) -> dict:
    model = results.train("vae_digits", seed, model=ConditionalVAE, labels=True).model
    data, rng, prior = digits(), generator(seed), standard_normal(Z)
    parts = {"train": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
    found = {part: class_codes(model, *xy, draws, rng) for part, xy in parts.items()}
    own = [fitted_gaussian(z) for z in found["train"]]
    pooled = fitted_mixture(torch.cat(found["train"]), COMPONENTS, generator(seed))
    gains = [
        q.log_prob(z) - prior.log_prob(z) for q, z in zip(own, found["test"], strict=True)
    ]  # (n, draws) of each class
    z_test = torch.cat(found["test"])
    correlations = [z.T.corrcoef() - torch.eye(Z) for z in found["train"]]
    y = torch.arange(N_SAMPLES) % 10
    z_own = torch.stack([own[k].sample(1, rng)[0] for k in y.tolist()])
    drawn = {"prior": prior.sample(N_SAMPLES, rng), "class_gaussian": z_own}
    return {
        "kl": gaussian_kl(*model.encode(data.x_test, data.y_test)).mean().item(),
        "pooled_gain": (pooled.log_prob(z_test) - prior.log_prob(z_test)).mean().item(),
        "class_gain": torch.cat(gains).mean().item(),
        "gain_of_class": {str(k): gain.mean().item() for k, gain in enumerate(gains)},
        "sd_min": min(z.std(dim=0).min().item() for z in found["train"]),
        "sd_max": max(z.std(dim=0).max().item() for z in found["train"]),
        "correlation_max": max(c.abs().max().item() for c in correlations),
    } | {
        name: score_digits(to_grey_levels(model.decode(z, y)), y=y, rng=generator(seed))
        for name, z in drawn.items()
    }


def class_codes(
    model: ConditionalVAE, x: Tensor, y: Tensor, draws: int, rng: torch.Generator
) -> list[Tensor]:
    """Some codes from the q(z | x, y) of each image, together for each class."""
    mu, logvar = (part.repeat(draws, 1) for part in model.encode(x, y))
    z = mu + (0.5 * logvar).exp() * torch.randn(mu.shape, generator=rng)
    return [z[y.repeat(draws) == k] for k in range(10)]


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    seed, data = SEEDS[0], digits()
    model, ae = (trained(name, seed).model for name in ("vae_digits", "autoencoder_digits"))
    shown = data.x_test[:12]
    mixture, ae_mixture = (
        fitted_mixture(codes(m, data.x_train, generator(seed)), COMPONENTS, generator(seed))
        for m in (model, ae)
    )
    z = standard_normal(Z).sample(12, generator(seed))  # as `ae.sample` draws
    pixels = model.likelihood.sample(model.decoder(z), generator(seed))
    return {
        "reconstructions": {
            "unseen": levels(shown),
            "autoencoder": levels(ae.reconstruct(shown)),
            "vae_mean": levels(model.reconstruct(shown)),
        },
        "clouds": clouds(model, data.x_test[[0, 1, 2]]),
        "random_codes": {
            "real": levels(shown),
            "ae_standard": levels(ae.sample(12, generator(seed))),
            "vae_prior": levels(model.decode(z)),
            "vae_pixels": levels(pixels),
            "ae_mixture": levels(ae.sample(12, generator(seed), codes=ae_mixture)),
            "vae_mixture": levels(model.decode(mixture.sample(12, generator(seed)))),
        },
        "paths": paths(model, ae, data.x_test, data.y_test),
    }


def clouds(model: VAE, x: Tensor) -> dict:
    """Each digit, and what eleven codes drawn from its q(z | x) decode to."""
    rng, rows = generator(SEEDS[0]), {}
    for i, image in enumerate(x.split(1), start=1):
        drawn = model.decode(codes(model, image.expand(11, -1, -1, -1), rng))
        rows[f"draws_{i}"] = levels(torch.cat([image, drawn]))
    return rows


def paths(model: VAE, ae: Autoencoder, x: Tensor, y: Tensor) -> dict:
    """Straight lines between the codes of the first 2 and the first 8, and of the first 0 and 7, in twelve steps."""
    t, rows = torch.linspace(0, 1, 12)[:, None], {}
    for a, b in ((2, 8), (0, 7)):
        ends = torch.stack([x[(y == a).nonzero()[0, 0]], x[(y == b).nonzero()[0, 0]]])
        for name, z, decode in (
            ("ae", ae.encode(ends), ae.decode),
            ("vae", model.encode(ends)[0], model.decode),
        ):
            rows[f"{name}_{a}_{b}"] = levels(decode((1 - t) * z[:1] + t * z[1:]))
    return rows


SECTIONS = results.named(
    exact, bounds, samples, aggregated, betas, beta_pictures, gradients, conditional, pictures
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
