"""Measure the results of chapter 3: `python -m tools.make_vae_results`, with names for some sections only.

The recipe is that of chapter 2's autoencoder; nothing was tuned for the VAE. Five seeds; what a seed changes:
starting weights, batches, drawn codes. The test images are only scored.
"""

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from genlib.autoencoder import Autoencoder, fitted_gaussian, fitted_mixture, standard_normal
from genlib.data import digits
from genlib.evaluate import digits_floor, finish, score_digits
from genlib.losses import gaussian_kl, squared_error
from genlib.vae import VAE, LinearGaussian, image_vae
from tools import results
from tools.make_autoencoder_results import levels
from tools.make_table import (
    RECIPE,
    Z,
    codes,
    trained_autoencoder,
    trained_by_recipe,
    trained_vae,
)

SEEDS, N_SAMPLES, COMPONENTS = (0, 1, 2, 3, 4), 1000, 10
TARGET = results.DATA / "vae.json"


over_seeds = partial(results.over_seeds, seeds=SEEDS)


@torch.no_grad()
def bound(model: VAE, x: Tensor, seed: int, draws: int = 20) -> dict[str, float]:
    """The ELBO and its two parts, nats per image, averaged over some draws for each image."""
    rng = torch.Generator().manual_seed(seed)
    terms = [
        model.loss(x, eps=torch.randn(len(x), model.latent_dim, generator=rng))
        for _ in range(draws)
    ]
    recon, kl = (sum(t[name].item() for t in terms) / draws for name in ("recon", "kl"))
    return {"elbo": -recon - kl, "recon": recon, "kl": kl}


# --- the exact case ------------------------------------------------------------------------------------------


def exact() -> dict:
    """Two oblique columns: the best upright q against the tilted posterior, in closed form; one x."""
    model = LinearGaussian(
        torch.tensor([[1.0, 0.8], [0.0, 0.6]]).double(), torch.zeros(2).double(), 0.3
    )
    x = torch.tensor([[1.0, 0.5]]).double()
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


@torch.no_grad()
def bounds_run(seed: int) -> dict:
    (model, cpu_s), (ae, _) = trained_vae(seed), trained_autoencoder(seed)
    data, rng = digits(), torch.Generator().manual_seed(seed)
    row = {"cpu_s": cpu_s}
    for part in ("train", "val", "test"):
        found = bound(model, getattr(data, f"x_{part}"), seed)
        row |= {f"{name}_{part}": value for name, value in found.items()}
    for k in (1, 10, 100, 1000):
        row[f"bound_{k}"] = model.log_prob(data.x_test, k, rng).mean().item()
    mu, _ = model.encode(data.x_train)
    return row | {
        "active": int((mu.var(dim=0) > 0.01).sum()),
        "error_ae": squared_error(ae.reconstruct(data.x_test), data.x_test).mean().item(),
        "error_vae": squared_error(model.reconstruct(data.x_test), data.x_test).mean().item(),
        "error_vae_drawn": squared_error(model.decode(codes(model, data.x_test, rng)), data.x_test)
        .mean()
        .item(),
        "code_size_ae": ae.encode(data.x_train).square().mean().sqrt().item(),
    }


def samples() -> dict:
    """One decoder, codes from three laws, and the last step of the model, the pixels, left out or drawn."""
    floor = digits_floor()
    runs = over_seeds(samples_run)
    return {"floor": floor, "components": COMPONENTS} | {
        name: {key: [run[key] for run in row] for key in row[0]} for name, row in runs.items()
    }


@torch.no_grad()
def samples_run(seed: int) -> dict[str, dict]:
    (model, _), data = trained_vae(seed), digits()
    z = codes(model, data.x_train, torch.Generator().manual_seed(seed))
    laws = {
        "prior": standard_normal(Z),
        "gaussian": fitted_gaussian(z),
        "mixture": fitted_mixture(z, COMPONENTS, torch.Generator().manual_seed(seed)),
    }
    rows = {}
    for name, law in laws.items():
        rng = torch.Generator().manual_seed(seed)
        rows[name] = score_digits(finish(model.decode(law.sample(N_SAMPLES, rng))), rng=rng)
    rng = torch.Generator().manual_seed(seed)
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
    (model, _), x, rng = trained_vae(seed), digits().x_train, torch.Generator().manual_seed(seed)
    mu, logvar = model.encode(x)
    information, drawn = 0.0, []
    for _ in range(draws):
        eps = torch.randn(mu.shape, generator=rng)
        z = model.reparameterize(mu, logvar, eps)
        each = (
            torch.distributions.Normal(mu, (0.5 * logvar).exp()).log_prob(z[:, None]).sum(dim=2)
        )  # (N, N)
        information += (
            each.diagonal() - each.logsumexp(dim=1) + math.log(len(x))
        ).mean().item() / draws
        drawn.append(z)
    z, kl = torch.cat(drawn), gaussian_kl(mu, logvar).mean().item()
    law = fitted_mixture(z, COMPONENTS, torch.Generator().manual_seed(seed))
    z_test = codes(model, digits().x_test, rng)
    gain = law.log_prob(z_test) - standard_normal(Z).log_prob(z_test)
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
    return {
        str(beta): over_seeds(lambda seed, b=beta: beta_run(b, seed))
        for beta in (0, 0.1, 1, 2, 5, 50)
    }


def beta_run(beta: float, seed: int) -> dict:
    data = digits()
    model, _ = trained_by_recipe(partial(image_vae, beta=beta), seed)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        mu, _ = model.encode(data.x_train)
        scores = score_digits(finish(model.sample(N_SAMPLES, rng)), rng=rng)
        error = squared_error(model.reconstruct(data.x_test), data.x_test).mean().item()
    return bound(model, data.x_test, seed) | {
        "error": error,
        "active": int((mu.var(dim=0) > 0.01).sum()),
        "code_size": mu.square().mean().sqrt().item(),
        **{
            key: scores[key]
            for key in ("frechet", "precision", "recall", "class_tv", "nearest_ratio")
        },
    }


def gradients() -> dict:
    """Two unbiased estimates of the ELBO's gradient in mu, one draw each: their total variance, 100 test digits.

    score function: f(z) eps / sigma, with f the logarithm in the bound; baseline: f less its mean.
    """
    return over_seeds(gradients_run)


def gradients_run(seed: int, draws: int = 500) -> dict:
    (model, _), x, rng = (
        trained_vae(seed),
        digits().x_test[:100],
        torch.Generator().manual_seed(seed),
    )
    with torch.no_grad():
        mu, logvar = model.encode(x)
    path, f, direction = [], [], []
    for _ in range(draws):
        eps, place = torch.randn(mu.shape, generator=rng), mu.clone().requires_grad_()
        z = model.reparameterize(place, logvar, eps)
        log_ratio = 0.5 * (eps.square() + logvar - z.square()).sum(dim=1)  # log p(z) - log q(z | x)
        value = log_ratio - model.likelihood.nll(model.decoder(z), x)
        path.append(torch.autograd.grad(value.sum(), place)[0])
        f.append(value.detach())
        direction.append(eps / (0.5 * logvar).exp())  # the gradient of log q(z | x) in mu
    path, f, direction = torch.stack(path), torch.stack(f)[:, :, None], torch.stack(direction)
    score, baseline = f * direction, (f - f.mean(dim=0)) * direction
    total = [g.var(dim=0).sum(dim=1).mean().item() for g in (path, score, baseline)]
    return {"score": total[1] / total[0], "baseline": total[2] / total[0]}


# --- pictures for the page -------------------------------------------------------------------------------------


@torch.no_grad()
def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    seed, data = SEEDS[0], digits()
    (model, _), (ae, _) = trained_vae(seed), trained_autoencoder(seed)
    shown = data.x_test[:12]
    z_vae = codes(model, data.x_train, torch.Generator().manual_seed(seed))
    mixture = fitted_mixture(z_vae, COMPONENTS, torch.Generator().manual_seed(seed))
    z = standard_normal(Z).sample(12, torch.Generator().manual_seed(seed))  # as `ae.sample` draws
    pixels = model.likelihood.sample(model.decoder(z), torch.Generator().manual_seed(seed))
    of_mixture = model.decode(mixture.sample(12, torch.Generator().manual_seed(seed)))
    ae_mixture = fitted_mixture(
        ae.encode(data.x_train), COMPONENTS, torch.Generator().manual_seed(seed)
    )
    return {
        "reconstructions": {
            "unseen digits": levels(shown),
            "autoencoder": levels(ae.reconstruct(shown)),
            "VAE, mean code": levels(model.reconstruct(shown)),
        },
        "clouds": clouds(model, data.x_test[[0, 1, 2]]),
        "random_codes": {
            "real digits": levels(shown),
            "autoencoder, N(0, I)": levels(ae.sample(12, torch.Generator().manual_seed(seed))),
            "VAE, prior": levels(model.decode(z)),
            "the same, pixels drawn": levels(pixels),
            "AE, mixture": levels(
                ae.sample(12, torch.Generator().manual_seed(seed), codes=ae_mixture)
            ),
            "VAE, mixture": levels(of_mixture),
        },
        "paths": paths(model, ae, data.x_test, data.y_test),
    }


def clouds(model: VAE, x: Tensor) -> dict:
    """Each digit, and what eleven codes drawn from its q(z | x) decode to."""
    rng = torch.Generator().manual_seed(SEEDS[0])
    rows = {}
    for i in range(len(x)):
        mu, logvar = (part.expand(11, -1) for part in model.encode(x[i : i + 1]))
        z = model.reparameterize(mu, logvar, torch.randn(mu.shape, generator=rng))
        rows[f"digit {i + 1}, and draws"] = levels(torch.cat([x[i : i + 1], model.decode(z)]))
    return rows


def paths(model: VAE, ae: Autoencoder, x: Tensor, y: Tensor) -> dict:
    """Straight lines between the codes of the first 2 and the first 8, and of the first 0 and 7, in twelve steps."""
    t, rows = torch.linspace(0, 1, 12)[:, None], {}
    for a, b in ((2, 8), (0, 7)):
        ends = torch.stack([x[(y == a).nonzero()[0, 0]], x[(y == b).nonzero()[0, 0]]])
        for name, z, decode in (
            ("AE", ae.encode(ends), ae.decode),
            ("VAE", model.encode(ends)[0], model.decode),
        ):
            rows[f"{name}, {a} to {b}"] = levels(decode((1 - t) * z[:1] + t * z[1:]))
    return rows


# --- the file ----------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], dict]] = {
    section.__name__: section
    for section in (exact, bounds, samples, aggregated, betas, gradients, pictures)
}


def main(names: Sequence[str], target: Path = TARGET) -> None:
    """Measure the named sections, or all, and keep the others as they are stored."""
    about = {
        "command": "python -m tools.make_vae_results",
        "seeds": list(SEEDS),
        "threads": 1,
        "recipe": RECIPE | {"batch": 100, "latent_dim": Z},
    }
    results.measure_sections(SECTIONS, names, about, target)


if __name__ == "__main__":
    main(sys.argv[1:])
