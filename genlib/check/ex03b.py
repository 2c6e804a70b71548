"""Checkers of notebook 03b, a VAE on digits."""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Binomial

from genlib.check.verdict import (
    NotYet,
    as_tensor,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)
from genlib.data import digits
from genlib.losses import binomial_nll, gaussian_kl
from genlib.nets import image_decoder, image_encoder


@exercise
def exercise_1(answer) -> str:
    """answer(): the sigma that minimises 12 sigma^2 + 1/2 (sigma^2 - 1 - log sigma^2)."""
    found, variance = need_number(answer()), 1 / 25

    def loss(sigma: float) -> float:
        return 12 * sigma**2 + 0.5 * (sigma**2 - 1 - math.log(sigma**2))

    def is_like(value: float) -> bool:
        return abs(found - value) < 0.005  # read off a page, too

    need(
        not is_like(variance),
        "this is the best variance, sigma squared; return the standard deviation.",
    )
    need(
        not is_like(math.log(variance)),
        "this is the best log-variance; return the standard deviation, exp(logvar / 2).",
    )
    need(
        not is_like(math.log(variance) / 2),
        "this is the logarithm of the best sigma; return sigma itself.",
    )
    need(found > 0, "a standard deviation is a number above 0, got {found:g}.", found=found)
    need(
        not is_like(1),
        "sigma = 1 is best for the divergence alone. The reconstruction pays 12 sigma^2 for it.",
    )
    need(
        not is_like(math.sqrt(1 / 13)) and not is_like(1 / 13),
        "nearly: you lost a factor of 2. The derivative of 12 sigma^2 is 24 sigma, that of the divergence "
        "sigma - 1/sigma.",
    )
    need(
        not is_like(math.sqrt(50 / 74)),
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
    for shape in ((5, 4), (3, 7)):
        mu, logvar, eps = torch.randn(3, *shape, generator=rng)
        mu.requires_grad_(True)
        logvar.requires_grad_(True)
        z = need_tensor(answer(mu, logvar, eps), shape)
        sigma = (0.5 * logvar).exp()
        need(
            not z.isnan().any(),
            "nan: a root or a logarithm of a negative number. Take exp(logvar / 2).",
        )
        wrong = {
            "this is the standard normal draw itself: scale it by sigma, and shift.": eps,
            "right scale; the mean is missing.": sigma * eps,
            "this is the mean of q. A draw also adds sigma times eps.": mu,
            "this is mu + sigma; sigma has to be multiplied by eps.": mu + sigma,
            "right place; scale eps by sigma first.": mu + eps,
            "you used the log-variance as the standard deviation. "
            "A logarithm may be negative; a deviation is exp(logvar / 2).": mu + logvar * eps,
            "half of the log-variance is log sigma; take exp of it.": mu + logvar / 2 * eps,
            "exp(logvar) is the variance, sigma squared; eps is scaled by the standard deviation.": (
                mu + logvar.exp() * eps
            ),
            "half of the variance is not its root: exp(logvar / 2), not exp(logvar) / 2.": (
                mu + logvar.exp() / 2 * eps
            ),
            "this is mu - sigma eps. It is a draw, too; keep the sign of eps.": mu - sigma * eps,
            "this is 1/sigma: the sign in the exponent.": mu + eps / sigma,
            "the root of exp(logvar) is exp(logvar / 2), not exp(2 logvar).": (
                mu + (2 * logvar).exp() * eps
            ),
            "mu is not scaled: sigma belongs to eps alone.": sigma * (mu + eps),
        }
        need_none_of(z, wrong)
        need(
            close(z, need_tensor(answer(mu, logvar, eps), shape)),
            "two calls with the same eps differ: use the eps that is given, draw nothing yourself.",
        )
        need(
            close(z, mu + sigma * eps), "this is not mu + sigma * eps with sigma = exp(logvar / 2)."
        )
        need(
            z.requires_grad,
            "right numbers, but no gradient passes: no detach, no numpy, no torch.tensor around mu and logvar.",
        )
        try:
            reached = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True)
        except RuntimeError as error:
            raise NotYet(
                "right numbers, but the backward pass fails: {error}", error=error
            ) from error
        for name, gradient, right in zip(
            ("mu", "logvar"), reached, (torch.ones(shape), sigma * eps / 2), strict=True
        ):
            need(gradient is not None, "right numbers, but no gradient reaches {name}.", name=name)
            need(
                close(gradient, right),
                "right numbers, but the gradient in {name} is wrong: detach nothing on the way.",
                name=name,
            )
    return praise("The randomness comes from outside, so z can be differentiated by mu and logvar.")


@exercise
def exercise_3(answer) -> str:
    """answer(logits, x): the negative log-likelihood of Binomial(16) grey levels, nats, (B,)."""
    rng = torch.Generator().manual_seed(0)
    for B, H, W in ((3, 4, 5), (2, 8, 8)):
        x = torch.randint(17, (B, 1, H, W), generator=rng) / 16
        logits = 2 * torch.randn(B, 1, H, W, generator=rng)
        value = answer(logits, x)
        need_answer(value)
        found = as_tensor(value, "expected a tensor of numbers, got {kind}.")
        each = -Binomial(16, logits=logits).log_prob(16 * x)
        right = each.flatten(1).sum(dim=1)
        entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)
        choose = (16 * entropy - each.flatten(1)).sum(dim=1)
        grey = entropy.sum(dim=1)
        if found.numel() == 1:
            _look_at_one_number(found.reshape(()), right, grey)
        need(
            found.ndim < 2 or found.numel() == B,
            "one value per image is asked; yours has shape {found}. Sum over the pixels of each image, "
            ".flatten(1).sum(dim=1).",
            found=tuple(found.shape),
        )
        found = need_tensor(found, (B,))
        as_p = -Binomial(16, probs=logits.clamp(1e-6, 1 - 1e-6)).log_prob(16 * x)
        swapped = -Binomial(16, logits=-logits).log_prob(16 * x)
        need(
            not found.isnan().any(),
            "nan: is there a logarithm of a negative number? Log-odds are no probabilities; sigmoid(logits) are.",
        )
        need(
            not found.isinf().any(),
            "infinite: log n! is lgamma(n + 1), and lgamma(0) is infinite. Or is there a logarithm of 0?",
        )
        wrong = {
            "the sign: a negative log-probability is positive.": -right,
            "you averaged over the pixels; sum over them.": right / (H * W),
            "you divided by 16: all 16 dots of a pixel count.": right / 16,
            "these are bits; nats use log, not log2.": right / math.log(2),
            "right up to the constant: the number of ways to choose k of the 16 dots is missing, log(16 over k).": (
                16 * grey
            ),
            "this is the cross-entropy of grey values. A pixel counts 16 dots, each with its own: 16 times as much, "
            "and the constant log(16 over k).": grey,
            "this is the mean cross-entropy of grey values. Sum over the pixels; a pixel counts 16 dots, each with its "
            "own: 16 times as much, and the constant log(16 over k).": grey / (H * W),
            "the factor 16 is missing: k dots are inked and 16 - k are not.": grey - choose,
            "the sign of the constant: more ways make x more probable, so log(16 over k) is subtracted.": (
                16 * grey + choose
            ),
            "you read the log-odds as probabilities. The probability is sigmoid(logits).": (
                as_p.flatten(1).sum(dim=1)
            ),
            "the constant needs the count k = 16 x, not the grey value x.": (
                _nll_without_counting(logits, x)
            ),
            "ink and paper are exchanged: k goes with log sigmoid(logits), 16 - k with log sigmoid(-logits).": (
                swapped.flatten(1).sum(dim=1)
            ),
            "this is the ink alone; the 16 - k dots of paper are missing.": (
                (16 * x * F.softplus(-logits)).flatten(1).sum(dim=1) - choose
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right:.3f} for the first image, got {found:.3f}.",
            right=right[0],
            found=found[0],
        )
    x = torch.randint(17, (2, 1, 4, 5), generator=rng) / 16
    x[0, 0, 0] = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5])
    for odds in (200.0, -200.0):
        logits = torch.full(x.shape, odds)
        found, right = need_tensor(answer(logits, x), (2,)), binomial_nll(logits, x)
        need(
            close(found, right),
            "right for small log-odds; at {odds:g} expected {right:.0f}, got {found:g}: the logarithm of a probability "
            "that was rounded to 0, or kept away from 0 by force. F.logsigmoid takes both steps in one.",
            odds=odds,
            right=right[0].item(),
            found=found[0].item(),
        )
    return praise("Sixteen times the cross-entropy, less the constant: now it is a likelihood.")


def _look_at_one_number(found: Tensor, right: Tensor, grey: Tensor) -> None:
    """Stop the check with what a single number is, where one value per image is asked; `grey` is the cross-entropy."""
    need(
        not close(found, right.mean()),
        "this is the mean over the images; return one value per image.",
    )
    need(not close(found, right.sum()), "this is the sum over the images; return one per image.")
    need(
        not close(found, 16 * grey.sum()) and not close(found, 16 * grey.mean()),
        "this is 16 times the cross-entropy, as one number for all images. Return one per image, and the constant, "
        "log(16 over k), is missing.",
    )
    need(
        not close(found, grey.sum()) and not close(found, grey.mean()),
        "this is the cross-entropy of grey values, as one number for all images. Return one per image; a pixel counts "
        "16 dots, and the constant log(16 over k) is missing.",
    )
    need(
        False,
        "this is one number; return one value per image: reduction='none', .flatten(1).sum(dim=1).",
    )


def _nll_without_counting(logits: Tensor, x: Tensor) -> Tensor:
    """The binomial with the constant computed from x in the place of 16 x."""
    entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    choose = math.lgamma(17) - torch.lgamma(x + 1) - torch.lgamma(17 - x)
    return (16 * entropy - choose).flatten(1).sum(dim=1)


@exercise
def exercise_4(answer) -> str:
    """answer(mu): the number of latent dimensions whose mean code varies by more than 0.01."""
    rng = torch.Generator().manual_seed(0)
    for N, spreads, shifts in (
        (400, [1.0, 0.3, 0.15, 0.05, 0.02, 0.0, 0.02], [0.0, 0.0, 2.0, 0.0, 3.0, 5.0, 0.0]),
        (
            90,
            [0.5, 0.05, 0.12, 0.0, 0.7, 0.4, 0.2, 0.02],
            [0.0, 2.0, 0.0, 1.0, 1.0, -2.0, 0.0, 0.0],
        ),
        (60, [0.05, 0.0, 0.02], [0.0, 3.0, 0.0]),  # all collapsed
    ):
        noise, Z = torch.randn(N, len(spreads), generator=rng), len(spreads)
        noise = (noise - noise.mean(dim=0)) / noise.std(dim=0)
        mu = noise * torch.tensor(spreads) + torch.tensor(shifts)
        found, variance = need_number(answer(mu)), mu.var(dim=0)
        right = (variance > 0.01).sum()
        wrong = {
            "you compared the standard deviation with 0.01; the rule speaks of the variance.": (
                (variance.sqrt() > 0.01).sum()
            ),
            "you counted the inactive ones.": (variance <= 0.01).sum(),
            "a dimension that is always 5 tells nothing about the image: subtract its mean first. The variance does "
            "it.": (mu.square().mean(dim=0) > 0.01).sum(),
            "you counted images: the variance is over the images (dim=0), one value per dimension.": (
                (mu.var(dim=1) > 0.01).sum()
            ),
            "you counted all dimensions: compare the variance, and count where it is above 0.01.": Z,
            "you counted single code numbers away from 0, images times dimensions. Take the variance over the images, "
            "and count dimensions.": (mu.abs() > 0.01).sum(),
            "you counted single code numbers above 0.01, images times dimensions. Take the variance over the images, "
            "and count dimensions.": (mu > 0.01).sum(),
            "you counted the dimensions whose mean over the images is away from 0; what counts is whether they vary.": (
                (mu.mean(dim=0).abs() > 0.01).sum()
            ),
            "this is the share; return the count.": right / Z,
            "this is the sum of the variances; count those above 0.01.": variance.sum(),
        }
        need_none_of(found, wrong, right)
        need(
            found == right,
            "{right} of the check's {Z} dimensions are active, you counted {found:g}.",
            right=right.item(),
            Z=Z,
            found=found,
        )
    return praise("What does not vary with the image carries no information.")


@exercise
def exercise_5(answer) -> str:
    """answer(mu, logvar, n, rng): n codes from 1/N sum_i N(mu_i, diag(exp(logvar_i))), (n, Z)."""
    for N, width, n in ((8, [0.5, 1.5], 16_000), (5, [1.4, 0.4, 0.8], 12_000)):
        Z, angle = len(width), torch.arange(N) * 2 * math.pi / N
        mu = torch.full((N, Z), 90.0)
        mu[:, 0] += 60 * angle.cos()
        mu[:, 1] += 60 * angle.sin()
        sigma = torch.linspace(0.6, 1.4, N)[:, None] * torch.tensor(width)  # each image its own
        logvar = 2 * sigma.log()

        def draw(n: int, seed: int = 0, mu=mu, logvar=logvar) -> Tensor:
            return need_tensor(answer(mu, logvar, n, _rng(seed)), (n, mu.shape[1]))

        try:
            codes = draw(n)
        except NotYet as problem:
            try:
                draw(3)
            except NotYet:
                raise problem from None
            raise NotYet(
                "it works for n = 3, and not for n = {n}: there are {N} images, and n may exceed N. Pick the images "
                "at random, with torch.randint, so that one may come up many times.",
                n=n,
                N=N,
            ) from problem
        _look_at_codes(codes, mu, logvar)
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


def _look_at_codes(z: Tensor, mu: Tensor, logvar: Tensor) -> None:
    """Stop the check where codes (n, Z) are not from the mixture of clouds that lie far apart."""
    (n, Z), N, sigma = z.shape, len(mu), (logvar / 2).exp()
    need(not z.isnan().any(), "there is a nan among the codes.")
    distance, i = torch.cdist(z, mu).min(dim=1)
    need(
        z.mean(dim=0).norm() > 5,
        "your codes lie around 0: this is the prior, or mu is missing.",
    )
    need(
        (distance > 7).double().mean() < 0.1,
        "many of your codes lie far from every mu. One Gaussian with the right mean and covariance is not q(z), "
        "and neither are codes between two images: pick one image for each code, then draw in its cloud.",
    )
    need(
        len(i.unique()) > 1,
        "all your codes come from one image. Pick an image anew for every code.",
    )
    share = i.bincount(minlength=N) / n
    need(
        bool((share - 1 / N).abs().max() < 0.03),
        "each of the {N} images should give a share of {wanted:.3f} of the codes; yours give {low:.2f} to {high:.2f}.",
        N=N,
        wanted=1 / N,
        low=share.min(),
        high=share.max(),
    )
    off = z - mu[i]
    need(
        bool((off.abs() > 1e-4).any()),
        "every code is exactly some mu. The cloud around it is missing: add sigma times standard normal numbers.",
    )
    spread = torch.stack([off[i == k].std(dim=0) for k in range(N)])  # (N, Z)
    need(
        not _like(spread, torch.zeros(N, Z)),
        "all codes of an image have the same noise: draw n rows of standard normal numbers.",
    )
    need(
        not _like(spread, torch.ones(N, Z)),
        "your clouds have standard deviation 1: scale the noise by sigma.",
    )
    need(
        not _like(spread, sigma.square()),
        "your clouds are as wide as the variance says; scale the noise by exp(logvar / 2).",
    )
    need(
        not _like(spread, logvar.abs()),
        "you scaled the noise by the log-variance itself; the deviation is exp(logvar / 2).",
    )
    need(
        not _like(spread, 1 / sigma),
        "your clouds have the deviation 1 / sigma: the sign in the exponent.",
    )
    need(
        not _like(spread, spread[:1].expand(N, Z)),
        "all your clouds are equally wide. Each image has a sigma of its own: use logvar of the image picked.",
    )
    need(
        _like(spread, sigma),
        "the cloud of the first image has deviations {found} where sigma is {wanted}.",
        found=[round(part, 2) for part in spread[0].tolist()],
        wanted=[round(part, 2) for part in sigma[0].tolist()],
    )
    need(
        bool((off / sigma[i]).T.corrcoef().fill_diagonal_(0).abs().max() < 0.2),
        "the numbers of a code get the same noise: draw one standard normal number for each, shape (n, Z).",
    )


@exercise
def exercise_6(answer) -> str:
    """answer(kl_j, lam): sum over j of max(lam, mean over the batch of KL_j)."""
    for rows, lam in (
        ([[0.0, 0.1, 2.0, 0.2], [0.0, 0.3, 4.0, 2.2], [0.0, 0.2, 0.1, 0.1]], 0.5),
        ([[0.1, 4.0, 0.2, 0.3, 1.0], [0.7, 3.0, 0.1, 0.1, 0.1]], 0.3),
        ([[0.0, 0.1], [0.2, 0.3], [0.0, 0.0], [0.1, 0.0]], 2.0),  # all nats are free
    ):
        kl_j = torch.tensor(rows)
        mean, Z = kl_j.mean(dim=0), kl_j.shape[1]
        value = answer(kl_j, lam)
        need_answer(value)
        found = as_tensor(value, "expected one number, got {kind}.")
        need(
            tuple(found.shape) != (Z,),
            "these are {Z} numbers, one for each dimension; sum over them.",
            Z=Z,
        )
        found = need_number(value)
        right = mean.clamp(min=lam).sum()
        wrong = {
            "this is the plain divergence: no dimension got its free nats (or lambda was compared with the whole "
            "sum).": mean.sum(),
            "this is the minimum of the two: it charges at most lambda, so large divergences are free. Take the "
            "maximum.": mean.clamp(max=lam).sum(),
            "you raised every single image to lambda. Take the mean over the batch first, then the maximum.": (
                kl_j.clamp(min=lam).mean(dim=0).sum()
            ),
            "you compared each image's whole sum with lambda; every dimension has its own lambda.": (
                kl_j.sum(dim=1).clamp(min=lam).mean()
            ),
            "you averaged over the dimensions: a hidden weight of 1/Z. Sum over them.": (
                mean.clamp(min=lam).mean()
            ),
            "you summed over the batch; take its mean.": kl_j.sum(dim=0).clamp(min=lam).sum(),
            "you raised every single image to lambda, and summed over the batch; take its mean, then the maximum.": (
                kl_j.clamp(min=lam).sum()
            ),
            "this is what exceeds lambda. The gradient is the same, the value is lower by Z lambda: return the "
            "maximum.": (mean - lam).clamp(min=0).sum(),
            "you took the mean over the latent dimensions; take it over the images (dim=0).": (
                kl_j.mean(dim=1).clamp(min=lam).sum()
            ),
            "lambda is added to every dimension; it is a floor: the larger of the two.": (
                (mean + lam).sum()
            ),
            "this is the largest dimension; every one has its own maximum, and they are summed.": (
                mean.max().clamp(min=lam)
            ),
            "a dimension below lambda counts lambda, not 0.": mean[mean > lam].sum(),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right:.3f} for the check's table, got {found:.3f}.",
            right=right,
            found=found,
        )
    return praise(
        "Where the mean is below lambda the term is constant, and nothing pushes the dimension down."
    )


@exercise
def exercise_7(answer) -> str:
    """answer(encoder, decoder, x, steps): train the two networks in place; the loss of every step, (steps,)."""
    for seed, latent_dim, images, steps in ((0, 8, 1000, 150), (1, 4, 800, 200)):
        _one_training(answer, seed, latent_dim, images, steps)
    return praise("On digits that it never saw, your model is as good as the check's own.")


def _one_training(answer, seed: int, latent_dim: int, images: int, steps: int) -> None:
    before = _networks(seed, latent_dim)
    networks, losses = _trained(answer, seed, latent_dim, images, steps)
    losses = need_tensor(losses).detach().flatten()
    need(
        len(losses) == steps,
        "expected the loss of each of the {steps} steps, got {found} numbers.",
        steps=steps,
        found=len(losses),
    )
    for old, new, name in zip(before, networks, ("encoder", "decoder"), strict=True):
        need(
            any(not torch.equal(*pair) for pair in zip(_weights(old), _weights(new), strict=True)),
            "the weights of the {name} did not change: give them to the optimizer, and call backward and step.",
            name=name,
        )
    found, right = _health(*networks), _health(*_reference(seed, latent_dim, images, steps)[0])
    untrained = _health(*(net.eval() for net in before))["at_mean"]
    need(
        losses.isfinite().all() and math.isfinite(found["elbo"]),
        "the loss became nan or infinite: is the learning rate 0.003, and sigma exp(logvar / 2)?",
    )
    _compare(found, right, untrained)
    level = _reference(seed, latent_dim, images, steps)[1][-20:].mean()
    last = losses.double()[-20:].mean()
    need(
        last < 10 * level,
        "the weights are right, the reported loss is {last:.0f}: take the mean over the images of a batch.",
        last=last.item(),
    )
    need(
        last > 0.5 * level,
        "the weights are right, the reported loss is {last:.0f}: return recon + kl of each step, summed over the "
        "pixels and over the latent dimensions.",
        last=last.item(),
    )


def _compare(found: dict[str, float], right: dict[str, float], untrained: float) -> None:
    """Say what is wrong with a model whose terms on new digits differ from those of the right one.

    Args:
        untrained: the reconstruction term at the mean code before training.
    """
    kl = found["kl"] / right["kl"]
    cheap = kl < 0.88 and found["at_mean"] < right["at_mean"] + 10
    need(
        not (cheap and found["elbo"] < right["elbo"] - 60),
        "too good to be true: at the mean code the digits come back, for a divergence of {kl:.1f} instead of "
        "{right:.1f} nats, and at drawn codes they do not. The decoder meets less noise than is charged for: feed it "
        "mu + exp(logvar / 2) * eps.",
        kl=found["kl"],
        right=right["kl"],
    )
    need(
        not cheap,
        "the digits come back for a divergence of {kl:.1f} instead of {right:.1f} nats. Three faults do that. The "
        "decoder meets less noise than is charged for: feed it mu + exp(logvar / 2) * eps. Or the divergence counts "
        "too much: is its factor 1/2 there, and its weight 1? Or the reconstruction counts too little: is its 16 "
        "there?",
        kl=found["kl"],
        right=right["kl"],
    )
    need(
        not (kl > 20 and found["at_mean"] < untrained),
        "the divergence is {kl:.0f} nats, in a healthy model {right:.1f}: your loss makes it larger. It is added to "
        "the reconstruction, not subtracted.",
        kl=found["kl"],
        right=right["kl"],
    )
    need(
        found["at_mean"] < 1.2 * untrained,
        "the networks rebuild worse than before training: {found:.0f} nats instead of {untrained:.0f}. Is the loss "
        "made smaller (no sign turned), the learning rate 0.003, and does mu come first, then logvar?",
        found=found["at_mean"],
        untrained=untrained,
    )
    average = _average_digit()
    need(
        not (found["at_mean"] > average + 20 and kl > 1.2),
        "the networks rebuild new digits with {found:.0f} nats, worse than the average digit with {average:.0f}, and "
        "the divergence is large. Are the gradients set to zero in every step (optimizer.zero_grad())? Otherwise all "
        "old ones push on. And is it Adam with 0.003?",
        found=found["at_mean"],
        average=average,
    )
    need(
        not found["at_mean"] > average + 20,
        "the networks rebuild new digits with {found:.0f} nats, worse than the average digit with {average:.0f}: they "
        "are hardly trained. Adam with the learning rate 0.003, on the weights of both, and a step for each batch?",
        found=found["at_mean"],
        average=average,
    )
    need(
        kl > 0.5,
        "the divergence is {kl:.1f} nats, in a healthy model {right:.1f}: the reconstruction counts too little beside "
        "it. Sum it over the pixels, remember the 16, and give the divergence the weight 1. Or the code does not reach "
        "the decoder: feed it mu + exp(logvar / 2) * eps.",
        kl=found["kl"],
        right=right["kl"],
    )
    need(
        not (kl > 1.12 and found["at_mean"] < right["at_mean"] + 10),
        "the divergence is {kl:.1f} nats, in a healthy model {right:.1f}: it counts too little. "
        "Add it to the loss, summed over the latent dimensions.",
        kl=found["kl"],
        right=right["kl"],
    )
    need(
        found["elbo"] > right["elbo"] - 10,
        "the ELBO on new digits is {found:.0f} nats, that of a healthy model about {right:.0f}. Batches of 100 at "
        "random, Adam with 0.003, gradients set to zero in every step, the loss made smaller, and the decoder fed with "
        "mu + exp(logvar / 2) * eps?",
        found=found["elbo"],
        right=right["elbo"],
    )


def _networks(seed: int, latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder before training; torch's own random numbers are left as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = image_encoder((1, 8, 8), 64, 2 * latent_dim, norm=True)
        decoder = image_decoder(latent_dim, 64, (1, 8, 8), norm=True)
    return encoder.float(), decoder.float()


def _trained(answer, seed: int, latent_dim: int, images: int, steps: int):
    """The networks after the answer has trained them, and what it returned."""
    encoder, decoder = _networks(seed, latent_dim)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        losses = answer(encoder, decoder, digits().x_train[:images], steps)
    return (encoder.eval(), decoder.eval()), losses


@functools.cache
def _reference(seed: int, latent_dim: int, images: int, steps: int):
    return _trained(_train, seed, latent_dim, images, steps)


def _train(encoder: nn.Module, decoder: nn.Module, x: Tensor, steps: int) -> Tensor:
    """The right answer."""
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    losses = []
    for _ in range(steps):
        batch = x[torch.randint(len(x), (100,))]
        mu, logvar = encoder(batch).chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        loss = (binomial_nll(decoder(z), batch) + gaussian_kl(mu, logvar)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def _weights(net: nn.Module) -> list[Tensor]:
    return [p.detach() for p in net.parameters()]


@torch.no_grad()
def _health(encoder: nn.Module, decoder: nn.Module) -> dict[str, float]:
    """What the model is worth on digits that it never saw, with honest draws."""
    x = digits().x_val
    mu, logvar = encoder(x).chunk(2, dim=1)
    z = mu + (0.5 * logvar).exp() * torch.randn(mu.shape, generator=_rng(0))
    recon, kl = binomial_nll(decoder(z), x).mean().item(), gaussian_kl(mu, logvar).mean().item()
    at_mean = binomial_nll(decoder(mu), x).mean().item()
    return {"kl": kl, "elbo": -recon - kl, "at_mean": at_mean}


@functools.cache
def _average_digit() -> float:
    """The reconstruction term of new digits if the answer is always the mean of the training digits."""
    mean = digits().x_train.mean(dim=0, keepdim=True).clamp(1e-3, 1 - 1e-3)
    x = digits().x_val
    return binomial_nll(mean.logit().expand_as(x), x).mean().item()


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _like(a: Tensor, b: Tensor) -> bool:
    """Two deviations equal up to the accidents of 2,000 draws."""
    return bool(((a - b).abs() < 0.1 * b + 0.01).all())
