"""Checkers of notebook 03b, a VAE on digits."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Binomial

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(): the sigma that minimises 12 sigma^2 + 1/2 (sigma^2 - 1 - log sigma^2)."""
    found, variance = need_number(answer()), 1 / 25

    def loss(sigma: float) -> float:
        return 12 * sigma**2 + 0.5 * (sigma**2 - 1 - math.log(sigma**2))

    need(
        not _near(found, variance),
        "this is the best variance, sigma squared; return the standard deviation.",
    )
    need(
        not _near(found, math.log(variance)),
        "this is the best log-variance; return the standard deviation, exp(logvar / 2).",
    )
    need(found > 0, "a standard deviation is a number above 0, got {found:g}.", found=found)
    need(
        not _near(found, 1),
        "sigma = 1 is best for the divergence alone. The reconstruction pays 12 sigma^2 for it.",
    )
    need(
        not _near(found, math.sqrt(1 / 13)) and not _near(found, 1 / 13),
        "nearly: you lost a factor of 2. The derivative of 12 sigma^2 is 24 sigma, that of the divergence "
        "sigma - 1/sigma.",
    )
    need(
        not _near(found, math.sqrt(50 / 74)),
        "this is the answer for beta = 50; here beta is 1.",
    )
    need(
        abs(found - 0.2) < 0.002,
        "at {found:g} the loss is {loss:.3f} nats, and it falls when sigma gets larger."
        if found < 0.2
        else "at {found:g} the loss is {loss:.3f} nats, and it falls when sigma gets smaller.",
        found=found,
        loss=loss(found),
    )
    return praise("The cloud is as wide as the decoder lets it be: 24 sigma = 1/sigma - sigma.")


@exercise
def exercise_2(answer) -> str:
    """answer(mu, logvar, eps): the draw z = mu + sigma eps, all (B, Z)."""
    rng = torch.Generator().manual_seed(0)
    mu, logvar, eps = torch.randn(3, 5, 4, generator=rng)
    mu.requires_grad_(True)
    logvar.requires_grad_(True)
    z = need_tensor(answer(mu, logvar, eps), (5, 4))
    sigma = (0.5 * logvar).exp()
    need(
        not close(z, eps), "this is the standard normal draw itself: scale it by sigma, and shift."
    )
    need(not close(z, sigma * eps), "right scale; the mean is missing.")
    need(not close(z, mu), "this is the mean of q. A draw also adds sigma times eps.")
    need(not close(z, mu + eps), "right place; scale eps by sigma first.")
    need(
        not close(z, mu + logvar * eps),
        "you used the log-variance as the standard deviation. "
        "A logarithm may be negative; a deviation is exp(logvar / 2).",
    )
    need(
        not close(z, mu + logvar.exp() * eps),
        "exp(logvar) is the variance, sigma squared; eps is scaled by the standard deviation.",
    )
    need(
        not close(z, mu - sigma * eps),
        "this is mu - sigma eps. It is a draw, too; keep the sign of eps.",
    )
    need(
        not close(z, mu + (-0.5 * logvar).exp() * eps),
        "this is 1/sigma: the sign in the exponent.",
    )
    need(
        not close(z, mu + (2 * logvar).exp() * eps),
        "the root of exp(logvar) is exp(logvar / 2), not exp(2 logvar).",
    )
    need(
        not z.isnan().any(),
        "nan: a root or a logarithm of a negative number. Take exp(logvar / 2).",
    )
    need(
        close(z, answer(mu, logvar, eps)),
        "two calls with the same eps differ: use the eps that is given, draw nothing yourself.",
    )
    need(close(z, mu + sigma * eps), "this is not mu + sigma * eps with sigma = exp(logvar / 2).")
    need(
        z.requires_grad,
        "right numbers, but no gradient passes: no detach, no numpy, no torch.tensor around mu and logvar.",
    )
    reached = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True)
    for name, gradient in zip(("mu", "logvar"), reached, strict=True):
        need(gradient is not None, "right numbers, but no gradient reaches {name}.", name=name)
    return praise("The randomness comes from outside, so z can be differentiated by mu and logvar.")


@exercise
def exercise_3(answer) -> str:
    """answer(logits, x): the negative log-likelihood of Binomial(16) grey levels, nats, (B,)."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(17, (3, 1, 4, 4), generator=rng) / 16
    logits = 2 * torch.randn(3, 1, 4, 4, generator=rng)
    each = -Binomial(16, logits=logits).log_prob(16 * x)
    right = each.flatten(1).sum(dim=1)
    found = answer(logits.clone(), x.clone())
    need_answer(found)
    wanted = torch.as_tensor(found)
    need(
        not close(wanted, right.mean()),
        "this is the mean over the images; return one value per image.",
    )
    need(not close(wanted, right.sum()), "this is the sum over the images; return one per image.")
    need(not close(wanted, each), "this is one value per pixel; sum over the pixels of each image.")
    found = need_tensor(found, (3,))
    entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)
    choose = (16 * entropy - each.flatten(1)).sum(dim=1)
    need(not close(found, -right), "the sign: a negative log-probability is positive.")
    need(not close(found, right / 16), "you averaged over the pixels; sum over them.")
    need(
        not close(found, 16 * entropy.sum(dim=1)),
        "right up to the constant: the number of ways to choose k of the 16 dots is missing, log(16 over k).",
    )
    need(
        not close(found, entropy.sum(dim=1)) and not close(found, entropy.mean(dim=1)),
        "this is the cross-entropy of grey values. A pixel counts 16 dots, each with its own: 16 times as much, "
        "and the constant log(16 over k).",
    )
    need(
        not close(found, entropy.sum(dim=1) - choose),
        "the factor 16 is missing: k dots are inked and 16 - k are not.",
    )
    need(
        not close(found, 16 * entropy.sum(dim=1) + choose),
        "the sign of the constant: more ways make x more probable, so log(16 over k) is subtracted.",
    )
    as_p = -Binomial(16, probs=logits.clamp(1e-6, 1 - 1e-6)).log_prob(16 * x).flatten(1).sum(dim=1)
    need(
        not found.isnan().any() and not close(found, as_p),
        "you read the log-odds as probabilities. The probability is sigmoid(logits).",
    )
    grey = _nll_without_counting(logits, x)
    need(
        not close(found, grey),
        "the constant needs the count k = 16 x, not the grey value x.",
    )
    swapped = -Binomial(16, logits=-logits).log_prob(16 * x).flatten(1).sum(dim=1)
    need(
        not close(found, swapped),
        "ink and paper are exchanged: k goes with log sigmoid(logits), 16 - k with log sigmoid(-logits).",
    )
    need(
        close(found, right),
        "expected {right:.3f} for the first image, got {found:.3f}.",
        right=right[0],
        found=found[0],
    )
    far = torch.full((1, 1, 4, 4), 200.0)
    extreme = need_tensor(answer(far, torch.zeros(1, 1, 4, 4)), (1,))
    need(
        close(extreme, torch.tensor([16 * 16 * 200.0])),
        "right for small log-odds, {found:g} at 200: the logarithm of a probability that was rounded to 0. "
        "F.logsigmoid takes both steps in one.",
        found=extreme.item(),
    )
    return praise("Sixteen times the cross-entropy, less the constant: now it is a likelihood.")


def _nll_without_counting(logits: Tensor, x: Tensor) -> Tensor:
    """The binomial with the constant computed from x in the place of 16 x."""
    entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    choose = math.lgamma(17) - torch.lgamma(x + 1) - torch.lgamma(17 - x)
    return (16 * entropy - choose).flatten(1).sum(dim=1)


@exercise
def exercise_4(answer) -> str:
    """answer(mu): the number of latent dimensions whose mean code varies by more than 0.01."""
    rng = torch.Generator().manual_seed(0)
    spread = torch.tensor([1.0, 0.3, 0.15, 0.05, 0.02, 0.0, 0.02])  # three of them are active
    shift = torch.tensor([0.0, 0.0, 2.0, 0.0, 3.0, 5.0, 0.0])
    noise = torch.randn(400, 7, generator=rng)
    mu = (noise - noise.mean(dim=0)) / noise.std(dim=0) * spread + shift
    value = answer(mu.clone())
    need_answer(value)
    many = torch.as_tensor(value).numel()
    need(many == 1, "expected one number, the count; got {many} of them.", many=many)
    found = need_number(value)
    need(
        found != 6,
        "you compared the standard deviation with 0.01; the rule speaks of the variance.",
    )
    need(found != 4, "you counted the inactive ones.")
    need(
        found != 5,
        "a dimension that is always 5 tells nothing about the image: subtract its mean first. The variance does it.",
    )
    need(
        found != 400,
        "you counted images: the variance is over the images (dim=0), one value per dimension.",
    )
    need(
        found != 7,
        "you counted all dimensions: compare the variance, and count where it is above 0.01.",
    )
    need(abs(found - 3 / 7) > 1e-6, "this is the share; return the count.")
    need(
        found == 3, "3 of the check's 7 dimensions are active, you counted {found:g}.", found=found
    )
    return praise("What does not vary with the image carries no information.")


@exercise
def exercise_5(answer) -> str:
    """answer(mu, logvar, n, rng): n codes from 1/N sum_i N(mu_i, diag(exp(logvar_i))), (n, Z)."""
    angle = torch.arange(8) * math.pi / 4
    mu = 20 * torch.stack([angle.cos(), angle.sin()], dim=1) + torch.tensor([30.0, 0.0])
    sigma = torch.tensor([[0.5, 1.5]]).expand(8, 2)
    logvar, n = 2 * sigma.log(), 4000

    def draw(n: int, seed: int = 0) -> Tensor:
        return need_tensor(answer(mu.clone(), logvar.clone(), n, _rng(seed)), (n, 2))

    z = draw(n)
    need(not z.isnan().any(), "there is a nan among the codes.")
    distance, i = torch.cdist(z, mu).min(dim=1)
    need(
        z.mean(dim=0).norm() > 5,
        "your codes lie around 0: this is the prior, or mu is missing.",
    )
    need(
        (distance > 6).double().mean() < 0.1,
        "many of your codes lie far from every mu. One Gaussian with the right mean and covariance is not q(z), "
        "and neither are codes between two images: pick one image for each code, then draw in its cloud.",
    )
    need(
        len(i.unique()) > 1,
        "all your codes come from one image. Pick an image anew for every code.",
    )
    share = i.bincount(minlength=8) / n
    need(
        bool((share - 1 / 8).abs().max() < 0.03),
        "every image should give an eighth of the codes; yours give {low:.2f} to {high:.2f}.",
        low=share.min(),
        high=share.max(),
    )
    off = z - mu[i]
    need(
        bool((off.abs() > 1e-4).any()),
        "every code is exactly some mu. The cloud around it is missing: add sigma times standard normal numbers.",
    )
    spread = off.std(dim=0)
    need(
        not _like(spread, torch.zeros(2)),
        "all codes of an image have the same noise: draw n rows of standard normal numbers.",
    )
    need(
        not _like(spread, torch.ones(2)),
        "your clouds have standard deviation 1: scale the noise by sigma.",
    )
    need(
        not _like(spread, sigma[0].square()),
        "your clouds are as wide as the variance says; scale the noise by exp(logvar / 2).",
    )
    need(
        not _like(spread, logvar[0].abs()),
        "you scaled the noise by the log-variance itself; the deviation is exp(logvar / 2).",
    )
    need(
        _like(spread, sigma[0]),
        "your clouds have deviations {first:.2f} and {second:.2f} where sigma is 0.50 and 1.50.",
        first=spread[0],
        second=spread[1],
    )
    need(
        bool(off.T.corrcoef()[0, 1].abs() < 0.2),
        "the two numbers of a code get the same noise: draw one standard normal number for each, shape (n, Z).",
    )
    few = torch.cat([torch.cdist(draw(3, seed), mu).argmin(dim=1) for seed in range(20)])
    need(
        len(few.unique()) > 3,
        "for n = 3 you always take the same images. Pick them at random, with torch.randint.",
    )
    need(
        torch.equal(draw(50), draw(50)),
        "two calls with equally seeded generators differ: hand rng to every drawing function.",
    )
    return praise("First which image, then where in its cloud.")


@exercise
def exercise_6(answer) -> str:
    """answer(kl_j, lam): sum over j of max(lam, mean over the batch of KL_j)."""
    kl_j = torch.tensor([[0.0, 0.1, 2.0, 0.2], [0.0, 0.3, 1.0, 1.6], [0.0, 0.2, 3.0, 0.6]])
    lam, mean = 0.5, kl_j.mean(dim=0)
    value = answer(kl_j.clone(), lam)
    need_answer(value)
    wanted = torch.as_tensor(value)
    need(
        not close(wanted, mean.clamp(min=lam)),
        "these are the dimensions one by one; sum over them.",
    )
    found = need_number(value)
    need(
        not _near(found, mean.sum()),
        "this is the plain divergence: no dimension got its free nats (or lambda was compared with the whole sum).",
    )
    need(
        not _near(found, mean.clamp(max=lam).sum()),
        "this is the minimum of the two: it charges at most lambda, so large divergences are free. Take the maximum.",
    )
    need(
        not _near(found, kl_j.clamp(min=lam).mean(dim=0).sum()),
        "you raised every single image to lambda. Take the mean over the batch first, then the maximum.",
    )
    need(
        not _near(found, kl_j.sum(dim=1).clamp(min=lam).mean()),
        "you compared each image's whole sum with lambda; every dimension has its own lambda.",
    )
    need(
        not _near(found, mean.clamp(min=lam).mean()),
        "you averaged over the dimensions: a hidden weight of 1/Z. Sum over them.",
    )
    need(
        not _near(found, kl_j.clamp(min=lam).sum())
        and not _near(found, kl_j.sum(0).clamp(min=lam).sum()),
        "you summed over the batch; take its mean.",
    )
    need(
        not _near(found, (mean - lam).clamp(min=0).sum()),
        "this is what exceeds lambda. The gradient is the same, the value is lower by Z lambda: return the maximum.",
    )
    need(
        not _near(found, kl_j.mean(dim=1).clamp(min=lam).sum()),
        "you took the mean over the latent dimensions; take it over the images (dim=0).",
    )
    right = mean.clamp(min=lam).sum()
    need(
        _near(found, right),
        "expected {right:.3f} for the check's table, got {found:.3f}.",
        right=right,
        found=found,
    )
    return praise(
        "Where the mean is below lambda the term is constant, and nothing pushes the dimension down."
    )


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _near(a, b) -> bool:
    """Two numbers equal up to rounding on paper."""
    return math.isclose(float(a), float(b), rel_tol=2e-3, abs_tol=1e-4)


def _like(a: Tensor, b: Tensor) -> bool:
    """Two deviations equal up to the accidents of 4,000 draws."""
    return bool(((a - b).abs() < 0.1 * b + 0.01).all())
