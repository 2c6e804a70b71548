"""Chapter 5: denoising diffusion (Ho et al. 2020), also in fewer steps (Song et al. 2021).

x_0 is data, x_T noise. Times run from 1 to T as in the papers; schedules have T + 1 entries, and entry 0 is the data
as they are (beta 0, alpha_bar 1), so that no step needs a special case.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.expect import (
    Count,
    Positive,
    Share,
    Size,
    border,
    expect,
    expect_batch,
    expect_falling,
    expect_floats,
    expect_input,
    expect_like,
    expect_number,
    expect_whole,
    through,
)
from genlib.losses import squared_error
from genlib.nets import Fourier, ResidualMLP, UNet
from genlib.rng import normal, stratified

# --- schedules -----------------------------------------------------------------------------------------------


@border
def linear_beta(T: Size, beta_1: float = 1e-4, beta_T: float = 0.02) -> Tensor:
    """beta_t for t = 0..T, shape (T + 1,): 0, then rising in a straight line from beta_1 to beta_T.

    Paper: Ho et al. 2020, section 4, with these ends for T = 1000. With fewer steps the same ends destroy too little.
    """
    return F.pad(torch.linspace(beta_1, beta_T, T, dtype=torch.float64), (1, 0)).float()


@border
def cosine_beta(T: Size, s: float = 0.008) -> Tensor:
    """beta_t for t = 0..T, shape (T + 1,), such that alpha_bar_t falls like a squared cosine.

    Paper: Nichol & Dhariwal 2021, equation 17, with beta_t at most 0.999.
    """
    t = torch.arange(T + 1, dtype=torch.float64)
    alpha_bar = ((t / T + s) / (1 + s) * math.pi / 2).cos().square()
    return F.pad((1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=0.999), (1, 0)).float()


@border
def alpha_bar_of(beta: Tensor) -> Tensor:
    """alpha_bar_t for t = 0..T, float64, shape (T + 1,): the share of the data's variance that is left, 1 at t = 0.

    Args:
        beta: a schedule, (T + 1,): 0, and then T numbers between 0 and 1.
    """
    expect_floats("beta", beta)
    if beta.dim() != 1 or len(beta) < 2 or beta[0] != 0 or not ((beta > 0) & (beta < 1))[1:].all():
        raise ValueError(f"beta: expected 0 and then T numbers between 0 and 1, got {beta}")
    return (1 - beta.double()).cumprod(dim=0)


@border
def x_0_weight(beta: Tensor, most: Positive = 5.0) -> Tensor:
    """Weights for a model that predicts x_0, (T + 1,): those that make it the loss of v, but none above `most`.

    The squared error of v is 1 / (1 - alpha_bar) times that of x_0, which is SNR + 1 (Salimans & Ho 2022, section 4).
    Near t = 0 it outweighs all other times; Hang et al. 2023 cut the SNR at 5 for that reason.
    """
    noise = 1 - alpha_bar_of(beta)
    return (1 / noise.clamp(min=1 / most)).to(beta)


# --- the model -----------------------------------------------------------------------------------------------


@border
class DDPM(nn.Module):
    """A fixed process that turns data into noise, and a network that predicts the noise, so that it can be undone.

    Paper: Ho et al. 2020; the numbers of equations below are those of the paper, not of the book.

    Args:
        net: maps x_t (B, ...) and integer times t (B,) to numbers in the shape of x_t. In training it also gets the
            labels of a batch that has some; to sample, bind them first: `guidance.Given(net, y)`.
        beta: variance of the noise added in each step, (T + 1,), with beta[0] = 0.
        predicts: what the network's numbers mean: "eps" the noise, "x_0" the data, or "v", which is
            sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022). Each follows from each, given x_t.
        variance: of a reverse step, "beta", or "posterior", the beta-tilde of eq. 7 of the paper. The true
            one lies between, on the average over x_t, if the data have variance 1 or less; with many steps they meet.
        clip: largest |x_0| of the data, and of what sampling believes of a prediction; None for no limit.
        weight: what the squared error counts at each time, (T + 1,), as `x_0_weight`; None for 1 at all times.
    """

    def __init__(
        self,
        net: nn.Module,
        beta: Tensor,
        *,
        predicts: Literal["eps", "x_0", "v"] = "eps",
        variance: Literal["beta", "posterior"] = "beta",
        clip: Positive | None = None,
        weight: Tensor | None = None,
    ):
        super().__init__()
        alpha_bar = alpha_bar_of(beta)
        if weight is not None:
            expect("weight", weight, "times", times=len(beta))
            expect_floats("weight", weight)
        self.net, self.T = net, len(beta) - 1
        self.predicts, self.variance, self.clip = predicts, variance, clip
        self.register_buffer("beta", beta)
        self.register_buffer("alpha_bar", alpha_bar.to(beta))
        self.register_buffer("weight", weight, persistent=False)

    def replace(self, **changes) -> "DDPM":
        """The same model with some of its arguments changed, as in `model.replace(net=Given(model.net, y))`."""
        names = ("net", "beta", "predicts", "variance", "clip", "weight")
        return DDPM(**{name: getattr(self, name) for name in names} | changes).train(self.training)

    # --- there: noise is added

    def q_sample(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """The forward process in one jump, x_t ~ q(x_t | x_0).

        sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps. Eq. 4 of the paper.

        Args:
            x_0, eps: data and standard normal noise, both (B, ...).
            t: times (B,), integers from 0 to T.
        """
        expect_batch("x_0", x_0)
        expect_like("eps", eps, x_0, "x_0")
        # two factors for each x
        signal, noise = self._signal_and_noise(t, x_0, first=0)
        return signal * x_0 + noise * eps

    def loss(
        self,
        x_0: Tensor,
        y: Tensor | None = None,
        *,
        t: Tensor | None = None,
        eps: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """L_simple: squared error of the network at a random time, summed over x, mean over the batch. Paper: eq. 14.

        Args:
            x_0: data, (B, ...), within the model's `clip`.
            y: labels, (B,) or (B, ...), for a network that takes them.
            t: times (B,), 1 to T; drawn by `times` where none are given.
            eps: noise in the shape of x_0; drawn where none is given.
        """
        expect_input("x_0", x_0, self, largest=self.clip)
        t = self.times(len(x_0)).to(x_0.device) if t is None else t
        eps = normal(x_0, x_0.shape) if eps is None else eps
        out = self.net(self.q_sample(x_0, t, eps), t, *([] if y is None else [y]))
        error = squared_error(out, self.target(x_0, t, eps))
        weighed = error if self.weight is None else self.weight[t] * error
        return {"loss": weighed.mean()}

    def times(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n random times, (n,), each uniform on 1..T, one in each of n equal parts of 1..T, in random order.

        As good as independent times, and the loss of a batch varies less. Paper: Kingma et al. 2021, appendix I.1, for
        times at equal distances; here each is drawn within its own part.
        """
        return (stratified(n, rng) * self.T).long().clamp(max=self.T - 1) + 1

    def target(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """What the network should say, in the shape of x_0: eps, x_0 or v."""
        expect_batch("x_0", x_0)
        expect_like("eps", eps, x_0, "x_0")
        if self.predicts == "v":
            signal, noise = self._signal_and_noise(t, x_0)
            return signal * eps - noise * x_0
        return eps if self.predicts == "eps" else x_0

    # --- and back: noise is taken away

    def predict(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The network's view of x_t at times t (B,), 1 to T: (x_0_hat, eps_hat), both in the shape of x_t.

        The two always satisfy x_t = sqrt(alpha_bar_t) x_0_hat + sqrt(1 - alpha_bar_t) eps_hat, clipped or not.
        """
        expect_batch("x_t", x_t)
        (signal, noise), out = self._signal_and_noise(t, x_t), through(self.net, "x_t", x_t, t)
        if self.predicts == "v":
            x_0_hat, eps_hat = signal * x_t - noise * out, noise * x_t + signal * out
        elif self.predicts == "eps":
            x_0_hat, eps_hat = (x_t - noise * out) / signal, out
        else:
            x_0_hat, eps_hat = out, (x_t - signal * out) / noise
        if self.clip is not None:
            x_0_hat = x_0_hat.clamp(-self.clip, self.clip)
            eps_hat = (x_t - signal * x_0_hat) / noise
        return x_0_hat, eps_hat

    def p_step(self, x_t: Tensor, t: int, noise: Tensor) -> Tensor:
        """x_{t-1} from x_t: line 4 of algorithm 2 of the paper.

        Without noise at t = 1.

        Args:
            noise: fresh standard normal numbers in the shape of x_t.
        """
        expect_like("noise", noise, x_t, "x_t")
        times = x_t.new_full(x_t.shape[:1], t, dtype=torch.long)
        _, eps_hat = self.predict(x_t, times)
        beta, alpha_bar = self.beta[t], self.alpha_bar[t]
        mean = (x_t - beta / (1 - alpha_bar).sqrt() * eps_hat) / (1 - beta).sqrt()
        return mean + self.p_variance(t).sqrt() * noise if t > 1 else mean

    def p_variance(self, t: int | Tensor) -> Tensor:
        """sigma_t^2 of a reverse step: beta_t, or beta-tilde_t."""
        expect_whole("t", torch.as_tensor(t).flatten(), 1, self.T)
        return self.beta[t] if self.variance == "beta" else self.q_variance(t)

    def q_variance(self, t: int | Tensor) -> Tensor:
        """beta-tilde_t, the variance of the posterior q(x_{t-1} | x_t, x_0): eq. 7 of the paper."""
        expect_whole("t", torch.as_tensor(t).flatten(), 1, self.T)
        return (1 - self.alpha_bar[t - 1]) / (1 - self.alpha_bar[t]) * self.beta[t]

    def ddim_step(
        self,
        x_t: Tensor,
        t: int,
        s: int,
        eta: Share,
        noise: Tensor,
    ) -> Tensor:
        """x_s from x_t for any s < t.

        The data as they are seen now, with noise put back up to time s. Paper:
        Song et al. 2021, equations 12 and 16, where alpha stands for our
        alpha_bar. eta = 0 uses no `noise`, and is one straight piece of the
        path dy/dr = eps_hat, with y = x_t / sqrt(alpha_bar), and r the noise
        in it. eta = 1 and s = t - 1 is `p_step` with the posterior variance.
        """
        expect_like("noise", noise, x_t, "x_t")
        expect_number("s", s, 0, t - 1)
        times = x_t.new_full(x_t.shape[:1], t, dtype=torch.long)
        x_0_hat, eps_hat = self.predict(x_t, times)
        now, then = self.alpha_bar[t], self.alpha_bar[s]
        # at most 1 - then: no clamp
        variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
        kept = then.sqrt() * x_0_hat + (1 - then - variance).sqrt() * eps_hat
        return kept + variance.sqrt() * noise

    @torch.no_grad()
    def denoise(
        self,
        n: Count,
        shape: Sequence[int],
        rng: torch.Generator | None = None,
        *,
        steps: int | Sequence[int] | None = None,
        eta: Share = 0.0,
        x_T: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Yield every state (n, *shape) from x_T to x_0, so that the caller can draw, stop or go on between two steps.

        Args:
            n, shape: number and shape of the x.
            steps: None for all T steps of algorithm 2; else a number of DDIM steps, or their times as `ddim_times`
                gives them.
            eta: share of fresh noise in DDIM steps, in [0, 1]; algorithm 2 has its own.
            x_T: where to start, (n, *shape), in the place of fresh noise.
        """
        expect_number("eta", eta, 0, 0 if steps is None else 1)
        times = self.T if steps is None else steps
        times = times if isinstance(times, Sequence) else ddim_times(self.T, times)
        expect_falling("steps", times, self.T)
        x = normal(self.beta, (n, *shape), rng) if x_T is None else x_T
        expect("x_T", x, " ".join(map(str, (n, *shape))))
        expect_floats("x_T", x)
        yield x
        for t, s in pairwise(times):
            noise = normal(x, x.shape, rng) if steps is None or eta else torch.zeros_like(x)
            x = self.p_step(x, t, noise) if steps is None else self.ddim_step(x, t, s, eta, noise)
            yield x

    def sample(self, n: Count, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
        """n new x, (n, *shape), by all T steps: algorithm 2."""
        return deque(self.denoise(n, shape, rng), maxlen=1).pop()

    def ddim(
        self,
        n: Count,
        shape: Sequence[int],
        steps: int | Sequence[int],
        eta: Share = 0.0,
        rng: torch.Generator | None = None,
        *,
        x_T: Tensor | None = None,
    ) -> Tensor:
        """n new x, (n, *shape), by a few steps; the arguments are those of `denoise`."""
        return deque(self.denoise(n, shape, rng, steps=steps, eta=eta, x_T=x_T), maxlen=1).pop()

    def _signal_and_noise(self, t: Tensor, x: Tensor, first: int = 1) -> tuple[Tensor, Tensor]:
        """sqrt(alpha_bar) and sqrt(1 - alpha_bar) at times t (B,), in a shape that multiplies x (B, ...)."""
        expect_whole("t", t, first, self.T, B=len(x))
        alpha_bar = self.alpha_bar[t].view(-1, *[1] * (x.dim() - 1))
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


@border
def ddim_times(T: Size, steps: Size, power: float = 1.0) -> list[int]:
    """`steps` + 1 falling whole times T (left / steps)^power, from T to 0.

    `left` steps are left to go. No two times are the same: where a power of 2
    or more would not move, time falls by 1. Paper: Song et al. 2021, appendix
    D.2, with powers 1 (linear) and 2 (quadratic).

    Args:
        steps: their number, 1 to T.
        power: where the times are: 1 evenly; 2 or more for finer ones near 0.
    """
    expect_number("steps", steps, 1, T)
    expect_number("power", power, 1)
    left = torch.arange(steps, -1, -1, dtype=torch.float64)
    wanted = (T * (left / steps) ** power).round()
    return torch.maximum(wanted, left).long().tolist()


# --- the networks of the book --------------------------------------------------------------------------------


@border
def points_ddpm(T: int = 1000, *, width: int = 64, octaves: int = 5) -> DDPM:
    """The model of the plane, for points (B, 2) of about unit size; it predicts v.

    Args:
        octaves: number of frequencies that the network sees each coordinate at; 0 leaves them out.
    """
    net = ResidualMLP(2, width=width, features=Fourier(octaves))
    return DDPM(net, cosine_beta(T), predicts="v")


@border
def image_ddpm(
    shape: Sequence[int] = (1, 8, 8),
    T: int = 1000,
    *,
    widths: Sequence[int] = (16, 32),
    classes: int = 0,
) -> DDPM:
    """The model of the digits, for images in [-1, 1]: a small U-Net that predicts v, and predictions of x_0 clipped.

    Args:
        widths: channels at full and at half size.
        classes: number of labels, 0 for none.
    """
    return DDPM(UNet(shape, widths, classes=classes), cosine_beta(T), predicts="v", clip=1.0)
