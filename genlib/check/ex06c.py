"""Checkers of notebook 06c, latent diffusion."""

import torch

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(z): codes (n, C, H, W) with mean 0 and deviation 1 in each channel."""
    for n, C, H, W in ((40, 3, 2, 2), (30, 2, 1, 3)):
        rng = torch.Generator().manual_seed(C)
        z = torch.randn(n, C, H, W, generator=rng) * torch.arange(1.0, 2.0, 1 / (H * W)).view(H, W)
        z = z * torch.tensor([4.0, 0.3, 1.5])[:C].view(C, 1, 1) + torch.arange(C).view(C, 1, 1) - 2
        found = need_tensor(answer(z), (n, C, H, W))
        over = (0, 2, 3)
        mean, sd = z.mean(dim=over, keepdim=True), z.std(dim=over, keepdim=True)
        of_all = z.std(dim=over, keepdim=True, correction=0)
        right = (z - mean) / sd
        wrong = {
            "this takes one mean and one deviation for all channels; every channel has its own.": (
                (z - z.mean()) / z.std()
            ),
            "this takes every place by itself, over dim=0 alone; average over the places of a channel, too.": (
                (z - z.mean(dim=0)) / z.std(dim=0)
            ),
            "this takes every code by itself; average over the codes, dim=0, as well.": (
                (z - z.mean(dim=(2, 3), keepdim=True)) / z.std(dim=(2, 3), keepdim=True)
            ),
            "the mean is not taken off.": z / sd,
            "the codes are not divided by their deviation.": z - mean,
            "this divides by the variance; take its root.": (z - mean) / sd.square(),
            "this multiplies by the deviation; divide.": (z - mean) * sd,
            "first take the mean off, then divide: here the mean is not divided.": z / sd - mean,
            "nothing has changed.": z,
        }
        need_none_of(found, wrong)
        need(
            close(found, right) or close(found, (z - mean) / of_all),
            "expected (z - mean) / deviation, both over the dimensions 0, 2 and 3; channel 0 of yours has mean "
            "{mean:.2f} and deviation {sd:.2f}.",
            mean=found[:, 0].double().mean().item(),
            sd=found[:, 0].double().std().item(),
        )
    return praise("Each channel in units of its own deviation.")


@exercise
def exercise_2(answer) -> str:
    """answer(c, alpha_bar): the alpha_bar that gives data of deviation 1 the same signal-to-noise ratio, (T,)."""
    for c, alpha_bar in (
        (5.0, [0.99, 0.5, 0.1, 0.001]),
        (0.2, [0.9, 0.6, 0.05]),
        (1.0, [0.7, 0.2]),
    ):
        alpha_bar = torch.tensor(alpha_bar)
        found = need_tensor(answer(c, alpha_bar), (len(alpha_bar),))
        ratio = c**2 * alpha_bar / (1 - alpha_bar)
        right, plain = ratio / (1 + ratio), c * alpha_bar / (1 - alpha_bar)
        wrong = {
            "this is the signal-to-noise ratio itself; solve a / (1 - a) = ratio for a.": ratio,
            "the ratio is one of variances: the factor c counts squared.": plain / (1 + plain),
            "this goes the other way: larger data are seen for longer, so alpha_bar should grow with c.": (
                alpha_bar / (alpha_bar + c**2 * (1 - alpha_bar))
            ),
            "nothing has changed: c is not in it.": alpha_bar,
            "c squared times alpha_bar may be larger than 1; compare the ratios, signal to noise.": (
                c**2 * alpha_bar
            ),
            "this is the noise's share, 1 - a; expected a.": 1 / (1 + ratio),
            "this is the root of the answer: how much signal, not its variance.": right.sqrt(),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "c = {c:g}: expected a with a / (1 - a) = c^2 alpha_bar / (1 - alpha_bar).",
            c=c,
        )
    return praise("To scale the data is to take another schedule.")


@exercise
def exercise_3(answer) -> str:
    """answer(side, patch, channels): how many times fewer numbers, and how many times fewer places."""
    for side, patch, channels in ((512, 8, 4), (32, 4, 4), (64, 2, 6), (256, 16, 12)):
        pair = need_two(
            answer(side, patch, channels), "expected a pair: the factor of numbers, that of places."
        )
        numbers, places = map(need_number, pair)
        right = 3 * patch**2 / channels, float(patch**2)
        need(
            not (close(numbers, right[1]) and close(places, right[0])) or close(*right),
            "the two are swapped: first the numbers, then the places.",
        )
        need(
            not close(numbers, 1 / right[0]) or close(right[0], 1.0),
            "how many times *fewer*: pixels divided by codes, not codes by pixels.",
        )
        need(
            not close(numbers, 3 * side**2),
            "this is the number of numbers of the picture; divide it by that of the code.",
        )
        need(
            not close(numbers, 3 * patch / channels) and not close(places, patch),
            "side {side}, patch {patch}: both sides of the picture shrink, so the factor of places is a square.",
            side=side,
            patch=patch,
        )
        need(
            not close(numbers, patch**2 / channels),
            "the picture has three channels.",
        )
        need(
            not close(numbers, 3 * patch**2),
            "a place of the code holds {channels} numbers.",
            channels=channels,
        )
        need(
            close(numbers, right[0]),
            "side {side}, patch {patch}, {channels} channels: expected the numbers of the picture divided by those "
            "of the code.",
            side=side,
            patch=patch,
            channels=channels,
        )
        need(
            close(places, right[1]),
            "the numbers are right; expected the places of the picture divided by those of the code.",
        )
    return praise("And the places are what a convolution pays for.")


@exercise
def exercise_4(answer) -> str:
    """answer(W, b, mean, sd): a layer that takes codes in units and gives what W, b give for the codes themselves."""
    for out, Z in ((4, 3), (2, 5), (3, 3)):
        rng = torch.Generator().manual_seed(Z + out)
        W, b, mean = (torch.randn(*size, generator=rng) for size in ((out, Z), (out,), (Z,)))
        sd = torch.rand(Z, generator=rng) + 0.5
        pair = need_two(
            answer(W, b, mean, sd), "expected a pair: the new weight, and the new bias."
        )
        weight, bias = need_tensor(pair[0], (out, Z)), need_tensor(pair[1], (out,))
        wrong = {
            "the weight is not changed: what comes in is smaller by the factor sd.": W,
            "divided by sd: the codes come in divided already; the layer must undo it.": W / sd,
        }
        if out == Z:
            wrong[
                "sd is multiplied along the outputs; it belongs to the inputs, the columns of W."
            ] = W * sd[:, None]
        need_none_of(weight, wrong, W * sd)
        need(
            close(weight, W * sd),
            "the new weight: expected W with each column multiplied by the deviation of its input.",
        )
        right = b + W @ mean
        wrong = {
            "the bias is not changed, and the mean is lost.": b,
            "the mean is taken off, where it must be put back.": b - W @ mean,
            "the mean goes through W as it was, not through the new weight: it is not multiplied by sd.": (
                b + (W * sd) @ mean
            ),
            "the mean is not divided by sd here: W takes codes, not codes in units.": (
                b + W @ (mean / sd)
            ),
            "the old bias is missing.": W @ mean,
        }
        need_none_of(bias, wrong, right)
        need(close(bias, right), "the new bias: expected what the old layer gives for the mean.")
    return praise("The scale costs nothing: it fits into the first layer.")
