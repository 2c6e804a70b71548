"""Checkers of notebook 02b, denoising."""

import torch
from torch import Tensor

from genlib.check.verdict import (
    NotYet,
    close,
    exercise,
    need,
    need_none_of,
    need_tensor,
    praise,
)
from genlib.data import Mixture


@exercise
def exercise_1(answer) -> str:
    """answer(error, pixels): decibels (B,), from squared errors summed over `pixels` pixels, (B,)."""
    for errors, pixels in (([6.4, 0.64, 20.0], 64), ([78.4, 3.0, 160.0, 0.5], 784)):
        error = torch.tensor(errors)
        mse = error / pixels
        right, found = -10 * mse.log10(), need_tensor(answer(error, pixels), (len(error),))
        if close(found, right):
            continue
        wrong = {
            "this is the error summed over the image: a larger image would score worse. Divide by `pixels`.": (
                -10 * error.log10()
            ),
            "the sign is turned: a smaller error must give more decibels.": -right,
            "almost: a decibel is a tenth of a factor 10, so take log10, not the natural logarithm.": (
                -10 * mse.log()
            ),
            "twice too much: 20 log10 belongs to the root of the squared error, 10 log10 to the squared error.": (
                2 * right
            ),
            "almost: these are factors of ten. A tenth of that is a decibel: multiply by 10.": (
                right / 10
            ),
            "you multiplied by `pixels`. The mean over the pixels is the sum divided by their number.": (
                -10 * (error * pixels).log10()
            ),
            "this is the mean squared error; a decibel is -10 times its log10.": mse,
            "right for 64 pixels only: use the argument `pixels`.": -10 * (error / 64).log10(),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "a summed error of {error:g} over {pixels} pixels is {right:.2f} dB, you returned {found:.2f}.",
            error=errors[0],
            pixels=pixels,
            right=right[0],
            found=found[0],
        )
    return praise("10 dB for a tenth of the error, however many pixels an image has.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, share, rng): each pixel of x set to 0 with probability `share`, x left as it was."""
    totals = []  # lost in the whole batch with two generators, for each case
    for n, H, W, share in ((150, 8, 8, 0.2), (200, 5, 9, 0.65)):
        x = 0.2 + 0.8 * torch.rand(n, 1, H, W, generator=_rng())
        before = x.clone()
        found = need_tensor(answer.without_copies(x, share, _rng(1)), tuple(x.shape))
        need(
            torch.equal(x, before),
            "you changed `x` itself. The clean image is still needed: copy it.",
        )
        lost = found == 0
        need(
            close(found[~lost], x[~lost]),
            "pixels that survive must keep their value: no noise is added and nothing is rescaled.",
        )
        rate = lost.double().mean().item()
        need(rate > 0, "no pixel became 0.")
        need(
            bool(lost.all()) or not torch.equal(lost, lost[:1].expand_as(lost)),
            "the same pixels are lost in every image. Draw numbers in the shape of x.",
        )
        image, row, column = (_scatter(lost, axes) for axes in ((1, 2, 3), (3,), (2,)))
        need(
            not (image > H * W / 2).item(),
            "you keep or lose whole images. Draw one number for every pixel.",
        )
        need(
            not (row > W / 2).item(),
            "you keep or lose whole rows of pixels. Draw one number for every pixel: torch.rand(x.shape).",
        )
        need(
            not (column > H / 2).item(),
            "you keep or lose whole columns of pixels. Draw one number for every pixel: torch.rand(x.shape).",
        )
        need(
            not _near(rate, 1 - share, n * H * W),
            "you kept a share of {kept:.2f} and lost {rate:.2f}; `share` is the part to lose.",
            kept=1 - rate,
            rate=rate,
        )
        need(
            _near(rate, share, n * H * W),
            "with share = {share:g} a share of {rate:.2f} was lost.",
            share=share,
            rate=rate,
        )
        need(
            image.item() > 0.3,
            "(nearly) the same number of pixels is lost in every image. Independent pixels give a number that varies.",
        )
        need(
            0.7 < row.item() < 1.4 and 0.7 < column.item() < 1.4 and image.item() < 2,
            "the pixels are not lost independently of each other: draw one number for every pixel.",
        )
        need(
            len(lost.flatten(1).unique(dim=0)) == n,
            "some images lose the very same pixels. Draw numbers in the shape of x.",
        )
        same, other = (need_tensor(answer(x, share, _rng(seed))) for seed in (1, 2))
        need(
            close(same, found) and not close(other, found),
            "the same `rng` must lose the same pixels, another one others: pass generator=rng to torch.rand.",
        )
        totals.append([(part == 0).sum().item() for part in (found, other)])
    need(
        any(one != two for one, two in totals),
        "another `rng` loses exactly as many pixels of the batch, {many}. "
        "Independent pixels give a number that varies: draw one number for every pixel.",
        many=totals[0][0],
    )
    return praise("Every pixel on its own, reproducibly, and the clean image is left alone.")


@exercise
def exercise_3(answer) -> str:
    """answer(x_noisy, mean, sd, sigma): E[x | x_noisy] for x ~ N(mean, sd^2) and noise sigma."""
    for values, mean, sd, sigma in (
        ([-1.0, 0.0, 2.5], 1.0, 2.0, 0.5),
        ([0.3, -4.0, 2.0, 1.1], -0.7, 0.6, 0.9),
    ):
        x = torch.tensor(values, dtype=torch.float64)
        variance = sd**2 + sigma**2
        keep, off = sd**2 / variance, x - mean
        right, found = mean + keep * off, need_tensor(answer(x, mean, sd, sigma), (len(x),))
        if close(found, right):
            continue
        wrong = {
            "this is the noisy value itself: nothing was removed.": x,
            "upside down: with little noise the answer must stay close to x_noisy.": (
                mean + (1 - keep) * off
            ),
            "you shrink towards 0; shrink towards the mean of the data. Apply the factor to x_noisy - mean.": (
                keep * x
            ),
            "almost: variances add, standard deviations do not. Square sd and sigma in the factor.": (
                mean + sd / (sd + sigma) * off
            ),
            "you took the score of the clean density, whose variance is sd^2. "
            "That of the noisy values is sd^2 + sigma^2.": x - sigma**2 * off / sd**2,
            "the sign: the score -(x_noisy - mean) / variance points towards the mean, and Tweedie adds it.": (
                x + sigma**2 * off / variance
            ),
            "almost: Tweedie's formula multiplies the score by sigma^2, not by sigma.": (
                x - sigma * off / variance
            ),
            "almost: Tweedie's formula multiplies the score by sigma^2; you added the score itself.": (
                x - off / variance
            ),
            "almost: the score divides by the variance sd^2 + sigma^2, not by its root.": (
                x - sigma**2 * off / variance**0.5
            ),
            "almost: the variance of the noisy values is sd^2 + sigma^2, not (sd + sigma)^2.": (
                x - sigma**2 * off / (sd + sigma) ** 2
            ),
            "this is the correction alone; add it to x_noisy.": -(sigma**2) * off / variance,
            "this is the score alone. Tweedie: x_noisy + sigma^2 times the score.": -off / variance,
            "add the mean again.": keep * off,
        }
        need_none_of(found, wrong)
        raise NotYet(
            "for mean {mean:g}, sd {sd:g}, sigma {sigma:g} and x_noisy = {x:g} the answer is {right:.4f}, "
            "you returned {found:.4f}.",
            mean=mean,
            sd=sd,
            sigma=sigma,
            x=x[2],
            right=right[2],
            found=found[2],
        )
    return praise("A straight line: the best denoiser of one Gaussian shrinks towards its mean.")


@exercise
def exercise_4(answer) -> str:
    """answer(x_noisy, a, sigma): E[x | x_noisy] for x = -a or +a, equally probable, and noise sigma."""
    for values, a, sigma in (
        ([-0.8, 0.1, 1.2, 4.0], 1.7, 1.5),
        ([0.4, -0.6, 0.05], 0.7, 0.6),
    ):
        x = torch.tensor(values, dtype=torch.float64)
        u = a * x / sigma**2
        right, found = a * u.tanh(), need_tensor(answer(x, a, sigma), (len(x),))
        if close(found, right):
            continue
        wrong = {
            "this is the more probable spike. It has the fewest wrong guesses; "
            "the smallest squared error has the average of both, weighted.": a * x.sign(),
            "this is the probability of +a. The posterior mean is a p - a (1 - p).": (
                (2 * u).sigmoid()
            ),
            "you left out the spike at -a. The posterior mean is a p - a (1 - p).": (
                a * (2 * u).sigmoid()
            ),
            "almost: this lies between -1 and 1, but the spikes are at -a and a.": u.tanh(),
            "almost: the exponent of a Gaussian divides by the variance, sigma ** 2.": (
                a * (a * x / sigma).tanh()
            ),
            "twice too steep: sigmoid(2 u) and tanh(u) belong together.": a * (2 * u).tanh(),
            "half as steep as it should be: the exponents are divided by 2 sigma^2, and differ by 2 a x / sigma^2.": (
                a * (u / 2).tanh()
            ),
            "right for a = 1 only: the two exponents differ by 2 a x / sigma^2.": (
                a * (x / sigma**2).tanh()
            ),
            "right for sigma = 1 only: the exponents are divided by 2 sigma^2.": a * (a * x).tanh(),
            "the sign: a noisy value near a makes +a the likelier one.": -right,
            "this is the noisy value itself: nothing was removed.": x,
        }
        need_none_of(found, wrong)
        raise NotYet(
            "for a = {a:g}, sigma = {sigma:g} and x_noisy = {x:g} the answer is {right:.4f}, "
            "you returned {found:.4f}.",
            a=a,
            sigma=sigma,
            x=x[2],
            right=right[2],
            found=found[2],
        )
    return praise("An S between the two spikes, the steeper the less noise.")


@exercise
def exercise_5(answer) -> str:
    """answer(log_p, x, h): the score (n, 2) by central differences of log_p: (n, 2) -> (n,)."""
    for n, centre, sd, h in ((6, [2.0, 1.0], 0.7, 0.2), (4, [-1.0, 1.5], 0.9, 0.1)):
        density = Mixture(torch.tensor([[0.0, 0.0], centre], dtype=torch.float64), sd)
        log_p, x = density.log_prob, torch.randn(n, 2, generator=_rng(n), dtype=torch.float64)
        right = _differences(log_p, x, h, h)
        found = need_tensor(answer(log_p, x, h))
        need(
            tuple(found.shape) != (n,),
            "you moved both coordinates at once and got one slope a point, shape ({n},). "
            "Move one coordinate at a time: the result has shape ({n}, 2).",
            n=n,
        )
        found = need_tensor(found, (n, 2))
        if close(found, right):
            continue
        wrong = {
            "the sign is turned: the score points uphill.": -right,
            "twice too much: from x - h to x + h it is a way of 2 h.": 2 * right,
            "half of the slope: the way from x - h to x + h is 2 h long.": right / 2,
            "this is the difference; a slope is the difference divided by the way, 2 h.": (
                2 * h * right
            ),
            "you multiplied by h: read / 2 * h as (/ 2) * h, and write / (2 * h).": h * h * right,
            "this is the gradient of p. The score is the gradient of log p.": (
                _differences(lambda x, f=log_p: f(x).exp(), x, h, h)
            ),
            "the two columns are swapped: column 0 is the slope along x[:, 0].": right.flip(1),
            "you moved both coordinates at once. Move one coordinate at a time.": (
                _along(log_p, x, h)[:, None].expand(n, 2)
            ),
            "this is more exact than a step `h` allows: it is a derivative, or a smaller step. "
            "The exercise asks for an independent check: evaluate log_p at x + h and x - h.": (
                density.score(x)
            ),
        }
        need_none_of(found, wrong)
        one_sided = [_differences(log_p, x, *steps) for steps in ((h, 0.0), (0.0, h))]
        need(
            not any(close(found, slopes) for slopes in one_sided),
            "a one-sided difference: its error shrinks like h only. Step to both sides, "
            "and the error shrinks like h^2.",
        )
        need(
            not close(found, _differences(log_p, x, h / 2, h / 2)),
            "you stepped h / 2 to each side; here the step to each side is h.",
        )
        raise NotYet("the shape is right, the slopes are not.")
    return praise("A check that needs nothing but log p: use it on every score that you derive.")


@exercise
def exercise_6(answer) -> str:
    """answer(x, x_hat, sigma, sigma_next): the point on the way from x to x_hat with noise sigma_next left."""
    for n, D, sigma, sigma_next in ((2, 2, 2.5, 0.6), (4, 3, 0.8, 0.5)):
        x, x_hat = torch.randn(2, n, D, generator=_rng(n))
        keep, off = sigma_next / sigma, x - x_hat
        right = x_hat + keep * off
        found = need_tensor(answer(x, x_hat, sigma, sigma_next), (n, D))
        if close(found, right):
            continue
        wrong = {
            "this is the whole step. Keep the part of the noise that is asked for.": x_hat,
            "this is the point where you stood: no step was made.": x,
            "you went the share sigma_next / sigma; this share of the noise is to be left.": (
                x - keep * off
            ),
            "almost: the offset from x_hat is noise, and its size is sigma, not sigma^2.": (
                x_hat + keep**2 * off
            ),
            "right for sigma = 1 only: x - x_hat already has the size sigma.": (
                x_hat + sigma_next * off
            ),
            "you went beyond x_hat: the noise left points from x_hat to x, x - x_hat.": (
                x_hat - keep * off
            ),
            "upside down: the noise left is smaller than before by sigma_next / sigma.": (
                x_hat + off / keep
            ),
            "this is the noise that is left; add x_hat.": keep * off,
            "almost: sizes of noise are standard deviations; take no root.": (
                x_hat + keep**0.5 * off
            ),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "with sigma {sigma:g} and sigma_next {sigma_next:g}, from x = {x} towards x_hat = {x_hat}: "
            "expected {right}, got {found}.",
            sigma=sigma,
            sigma_next=sigma_next,
            x=_shown(x[0]),
            x_hat=_shown(x_hat[0]),
            right=_shown(right[0]),
            found=_shown(found[0]),
        )
    need(
        close(need_tensor(answer(x, x_hat, 2.0, 0.0)), x_hat),
        "with sigma_next = 0 no noise is left: the answer must be x_hat.",
    )
    return praise("Part of the way, then ask again from the new place.")


def _differences(log_p, x: Tensor, forward: float, back: float) -> Tensor:
    """(log_p(x + forward e_d) - log_p(x - back e_d)) / (forward + back) for each coordinate d, (n, 2)."""
    axes = torch.eye(2, dtype=x.dtype)
    slopes = [(log_p(x + forward * e) - log_p(x - back * e)) / (forward + back) for e in axes]
    return torch.stack(slopes, dim=1)


def _along(log_p, x: Tensor, h: float) -> Tensor:
    """The difference with both coordinates moved at once, over 2 h, (n,)."""
    return (log_p(x + h) - log_p(x - h)) / (2 * h)


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _near(rate: float, wanted: float, n: int) -> bool:
    """Equal up to five standard deviations of a share among n."""
    return abs(rate - wanted) < 5 * (wanted * (1 - wanted) / n) ** 0.5


def _scatter(lost: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The variance of the number lost along `axes`, over that of independent pixels, which is binomial."""
    counts = lost.double().sum(dim=axes)
    rate = lost.double().mean()
    return counts.var() / (lost.numel() / counts.numel() * rate * (1 - rate)).clamp(min=1e-9)


def _shown(numbers: Tensor) -> list[float]:
    """A few numbers as they are printed in a message."""
    return [round(number, 3) for number in numbers.tolist()]
