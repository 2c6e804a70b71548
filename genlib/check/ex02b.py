"""Checkers of notebook 02b, denoising."""

import math

import torch
from torch import Tensor

from genlib.check.verdict import close, exercise, need, need_tensor, praise
from genlib.data import Mixture


@exercise
def exercise_1(answer) -> str:
    """answer(error, pixels): decibels (B,), from squared errors summed over `pixels` pixels, (B,)."""
    error, pixels = torch.tensor([6.4, 0.64, 20.0]), 64
    mse = error / pixels
    right, found = -10 * mse.log10(), need_tensor(answer(error, pixels), (3,))
    need(
        not close(found, -10 * error.log10()),
        "this is the error summed over the image: a larger image would score worse. Divide by `pixels`.",
    )
    need(not close(found, -right), "the sign is turned: a smaller error must give more decibels.")
    need(
        not close(found, -10 * mse.log()),
        "almost: a decibel is a tenth of a factor 10, so take log10, not the natural logarithm.",
    )
    need(
        not close(found, 2 * right),
        "twice too much: 20 log10 belongs to the root of the squared error, 10 log10 to the squared error.",
    )
    need(
        not close(found, right / 10),
        "almost: these are factors of ten. A tenth of that is a decibel: multiply by 10.",
    )
    need(
        close(found, right),
        "a summed error of 6.4 over 64 pixels is 10 dB, you returned {found:.2f}.",
        found=found[0],
    )
    return praise("10 dB for a tenth of the error, however many pixels an image has.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, share, rng): each pixel of x set to 0 with probability `share`, x left as it was."""
    x, share = 0.2 + 0.8 * torch.rand(200, 1, 8, 8, generator=_rng()), 0.2
    before = x.clone()
    found = need_tensor(answer(x, share, _rng(1)), tuple(x.shape))
    need(
        torch.equal(x, before), "you changed `x` itself. The clean image is still needed: copy it."
    )
    lost = found == 0
    need(
        close(found[~lost], x[~lost]),
        "pixels that survive must keep their value: no noise is added and nothing is rescaled.",
    )
    rate = lost.double().mean().item()
    need(rate > 0, "no pixel became 0.")
    need(
        not _near(rate, 1 - share),
        "you kept a share of {kept:.2f} and lost {rate:.2f}; `share` is the part to lose.",
        kept=1 - rate,
        rate=rate,
    )
    need(
        not (lost.flatten(1).all(dim=1) | ~lost.flatten(1).any(dim=1)).all(),
        "you keep or lose whole images. Draw one number for every pixel.",
    )
    need(
        not torch.equal(lost, lost[:1].expand_as(lost)),
        "the same pixels are lost in every image. Draw numbers in the shape of x.",
    )
    need(
        _near(rate, share),
        "with share = {share:g} a share of {rate:.2f} was lost.",
        share=share,
        rate=rate,
    )
    same, other = answer(x, share, _rng(1)), answer(x, share, _rng(2))
    need(
        torch.equal(same, found) and not torch.equal(other, found),
        "the same `rng` must lose the same pixels, another one others: pass generator=rng to torch.rand.",
    )
    return praise("Every pixel on its own, reproducibly, and the clean image is left alone.")


@exercise
def exercise_3(answer) -> str:
    """answer(x_noisy, mean, sd, sigma): E[x | x_noisy] for x ~ N(mean, sd^2) and noise sigma."""
    x, mean, sd, sigma = torch.tensor([-1.0, 0.0, 2.5], dtype=torch.float64), 1.0, 2.0, 0.5
    keep = sd**2 / (sd**2 + sigma**2)
    right, found = mean + keep * (x - mean), need_tensor(answer(x, mean, sd, sigma), (3,)).double()
    need(not close(found, x), "this is the noisy value itself: nothing was removed.")
    need(
        not close(found, mean + (1 - keep) * (x - mean)),
        "upside down: with little noise the answer must stay close to x_noisy.",
    )
    need(
        not close(found, keep * x),
        "you shrink towards 0; shrink towards the mean of the data. Apply the factor to x_noisy - mean.",
    )
    need(
        not close(found, mean + sd / (sd + sigma) * (x - mean)),
        "almost: variances add, standard deviations do not. Square sd and sigma in the factor.",
    )
    need(
        not close(found, x - sigma**2 * (x - mean) / sd**2),
        "you took the score of the clean density, whose variance is sd^2. "
        "That of the noisy values is sd^2 + sigma^2.",
    )
    need(
        close(found, right),
        "for mean 1, sd 2, sigma 0.5 and x_noisy = 2.5 the answer is {right:.4f}, "
        "you returned {found:.4f}.",
        right=right[2],
        found=found[2],
    )
    return praise("A straight line: the best denoiser of one Gaussian shrinks towards its mean.")


@exercise
def exercise_4(answer) -> str:
    """answer(x_noisy, a, sigma): E[x | x_noisy] for x = -a or +a, equally probable, and noise sigma."""
    x, a, sigma = torch.tensor([-0.8, 0.1, 1.2, 4.0], dtype=torch.float64), 2.0, 1.5
    right = a * (a * x / sigma**2).tanh()
    found = need_tensor(answer(x, a, sigma), (4,)).double()
    need(
        not close(found, a * x.sign()),
        "this is the more probable spike. It has the fewest wrong guesses; "
        "the smallest squared error has the average of both, weighted.",
    )
    need(
        not close(found, (2 * a * x / sigma**2).sigmoid()),
        "this is the probability of +a. The posterior mean is a p - a (1 - p).",
    )
    need(
        not close(found, (a * x / sigma**2).tanh()),
        "almost: this lies between -1 and 1, but the spikes are at -a and a.",
    )
    need(
        not close(found, a * (a * x / sigma).tanh()),
        "almost: the exponent of a Gaussian divides by the variance, sigma ** 2.",
    )
    need(
        not close(found, a * (2 * a * x / sigma**2).tanh()),
        "twice too steep: sigmoid(2 u) and tanh(u) belong together.",
    )
    need(
        not close(found, a * (x / sigma**2).tanh()),
        "right for a = 1 only: the two exponents differ by 2 a x / sigma^2.",
    )
    need(
        close(found, right),
        "for a = 2, sigma = 1.5 and x_noisy = 1.2 the answer is {right:.4f}, "
        "you returned {found:.4f}.",
        right=right[2],
        found=found[2],
    )
    return praise("An S between the two spikes, the steeper the less noise.")


@exercise
def exercise_5(answer) -> str:
    """answer(log_p, x, h): the score (n, 2) by central differences of log_p: (n, 2) -> (n,)."""
    density = Mixture(torch.tensor([[0.0, 0.0], [2.0, 1.0]], dtype=torch.float64), 0.7)
    x, h = torch.randn(6, 2, generator=_rng(), dtype=torch.float64), 0.2
    right, score = _differences(density.log_prob, x, h, h), density.score(x)
    found = need_tensor(answer(density.log_prob, x.clone(), h), (6, 2)).double()
    need(not close(found, -right), "the sign is turned: the score points uphill.")
    need(
        not close(found, 2 * right),
        "twice too much: from x - h to x + h it is a way of 2 h.",
    )
    need(
        not close(found, 2 * h * right),
        "this is the difference; a slope is the difference divided by the way, 2 h.",
    )
    need(
        not close(found, _differences(density.log_prob, x, h, 0.0))
        and not close(found, _differences(density.log_prob, x, 0.0, h)),
        "a one-sided difference: its error shrinks like h only. Step to both sides, "
        "and the error shrinks like h^2.",
    )
    need(
        not close(found, _differences(lambda x: density.log_prob(x).exp(), x, h, h)),
        "this is the gradient of p. The score is the gradient of log p.",
    )
    need(
        not close(found, right.flip(1)),
        "the two columns are swapped: column 0 is the slope along x[:, 0].",
    )
    need(
        not close(found, right.sum(dim=1, keepdim=True).expand(6, 2)),
        "you moved both coordinates at once. Move one coordinate at a time.",
    )
    need(
        not close(found, score),
        "this is exact, so it did not use `h`. The exercise asks for an independent check: "
        "evaluate log_p at x + h and x - h.",
    )
    need(close(found, right), "the shape is right, the slopes are not.")
    return praise("A check that needs nothing but log p: use it on every score that you derive.")


@exercise
def exercise_6(answer) -> str:
    """answer(x, x_hat, sigma, sigma_next): the point on the way from x to x_hat with noise sigma_next left."""
    x, x_hat = torch.tensor([[3.0, -1.0], [0.5, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    sigma, sigma_next = 2.0, 0.5
    keep = sigma_next / sigma
    right = x_hat + keep * (x - x_hat)
    found = need_tensor(answer(x, x_hat, sigma, sigma_next), (2, 2))
    need(
        not close(found, x_hat),
        "this is the whole step. Keep the part of the noise that is asked for.",
    )
    need(
        not close(found, x + keep * (x_hat - x)),
        "you went the share sigma_next / sigma; this share of the noise is to be left.",
    )
    need(
        not close(found, x_hat + keep**2 * (x - x_hat)),
        "almost: the offset from x_hat is noise, and its size is sigma, not sigma^2.",
    )
    need(
        not close(found, x_hat + sigma_next * (x - x_hat)),
        "right for sigma = 1 only: x - x_hat already has the size sigma.",
    )
    need(
        close(found, right),
        "for the first point expected {right}, got {found}.",
        right=right[0].tolist(),
        found=found[0].tolist(),
    )
    need(
        close(need_tensor(answer(x, x_hat, sigma, 0.0)), x_hat),
        "with sigma_next = 0 no noise is left: the answer must be x_hat.",
    )
    return praise("Part of the way, then ask again from the new place.")


def _differences(log_p, x: Tensor, forward: float, back: float) -> Tensor:
    """(log_p(x + forward e_d) - log_p(x - back e_d)) / (forward + back) for each coordinate d, (n, 2)."""
    axes = torch.eye(2, dtype=x.dtype)
    slopes = [(log_p(x + forward * e) - log_p(x - back * e)) / (forward + back) for e in axes]
    return torch.stack(slopes, dim=1)


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _near(rate: float, wanted: float) -> bool:
    """Equal up to four standard deviations of a share among 200 * 64 pixels."""
    return abs(rate - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / 12_800)
