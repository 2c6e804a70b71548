"""Chapter 5: denoising diffusion (Ho et al. 2020), with fewer steps (Song et al. 2021), and a perfect denoiser.

x_0 is data, x_T noise. Times run from 1 to T as in the papers; schedules have T + 1 entries, and entry 0 is the data
as they are (beta 0, alpha_bar 1), so that no step needs a special case.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from genlib.data import Mixture, normal
from genlib.losses import squared_error
from genlib.nets import Fourier, ResidualMLP, UNet
from genlib.run import progress
from genlib.shapes import expect

# --- schedules -----------------------------------------------------------------------------------------------


def linear_beta(T: int, beta_1: float = 1e-4, beta_T: float = 0.02) -> Tensor:
    """beta_t for t = 0..T, shape (T + 1,): 0, then rising in a straight line from beta_1 to beta_T.

    Paper: Ho et al. 2020, section 4, with these ends for T = 1000. With fewer steps the same ends destroy too little.
    """
    return _from_zero(T, torch.linspace(beta_1, beta_T, max(T, 0), dtype=torch.float64))


def cosine_beta(T: int, s: float = 0.008) -> Tensor:
    """beta_t for t = 0..T, shape (T + 1,), such that alpha_bar_t falls like a squared cosine.

    Paper: Nichol & Dhariwal 2021, equation 17, with beta_t at most 0.999.
    """
    t = torch.arange(max(T, 0) + 1, dtype=torch.float64)
    alpha_bar = ((t / max(T, 1) + s) / (1 + s) * math.pi / 2).cos().square()
    return _from_zero(T, (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=0.999))


def signal_left(beta: Tensor) -> Tensor:
    """alpha_bar_t for t = 0..T, float64, shape (T + 1,): the share of the data's variance that is left, 1 at t = 0."""
    return (1 - beta.double()).cumprod(dim=0)


def _from_zero(T: int, beta: Tensor) -> Tensor:
    if T < 1:
        raise ValueError(f"T: expected at least 1 step, got {T}")
    return torch.cat([beta.new_zeros(1), beta]).float()


# --- the model -----------------------------------------------------------------------------------------------


class DDPM(nn.Module):
    """A fixed process that turns data into noise, and a network that predicts the noise, so that it can be undone.

    Paper: Ho et al. 2020; equation numbers below are the paper's.

    Args:
        net: maps x_t (B, ...) and integer times t (B,) to numbers in the shape of x_t; takes labels y (B,) as a third
            argument where they are given.
        beta: variance of the noise added in each step, (T + 1,), with beta[0] = 0.
        predicts: what the network's numbers mean: "eps" the noise, "x_0" the data, or "v", which is
            sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022). Each follows from each, given x_t.
        variance: of a reverse step, "beta", or "posterior", the beta-tilde of equation 7.
        clip: largest |x_0| that sampling believes a prediction, or None for no limit.
    """

    def __init__(
        self,
        net: nn.Module,
        beta: Tensor,
        *,
        predicts: str = "eps",
        variance: str = "beta",
        clip: float | None = None,
    ):
        super().__init__()
        expect("beta", beta, "entries")
        if len(beta) < 2 or beta[0] != 0 or not ((beta[1:] > 0) & (beta[1:] < 1)).all():
            raise ValueError(f"beta: expected 0 and then T numbers between 0 and 1, got {beta}")
        for name, value, known in (
            ("predicts", predicts, ("eps", "x_0", "v")),
            ("variance", variance, ("beta", "posterior")),
        ):
            if value not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
        self.net, self.T = net, len(beta) - 1
        self.predicts, self.variance, self.clip = predicts, variance, clip
        self.register_buffer("beta", beta)
        self.register_buffer("alpha_bar", signal_left(beta).to(beta))

    # --- there: noise is added

    def q_sample(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t ~ q(x_t | x_0) in one jump, sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps: equation 4.

        Args:
            x_0, eps: data and standard normal noise, both (B, ...).
            t: times (B,), integers from 0 to T.
        """
        alpha_bar = self._at(t, x_0)
        return alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps

    def loss(
        self,
        x_0: Tensor,
        y: Tensor | None = None,
        *,
        t: Tensor | None = None,
        eps: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """L_simple, equation 14: the squared error of the network at a random time, summed over x, mean over the batch.

        Args:
            x_0: data, (B, ...).
            y: labels, (B,), for a network that takes them.
            t: times (B,), 1 to T; drawn by `times` where none are given.
            eps: noise in the shape of x_0; drawn where none is given.
        """
        t = self.times(len(x_0)).to(x_0.device) if t is None else t
        eps = torch.randn_like(x_0) if eps is None else eps
        out = self._net(self.q_sample(x_0, t, eps), t, y)
        return {"loss": squared_error(out, self.target(x_0, t, eps)).mean()}

    def times(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n random times, (n,), each uniform on 1..T, one in each of n equal parts of 1..T, in random order.

        As good as independent times, and the loss of a batch wobbles less. Paper: Kingma et al. 2021, appendix I.1, for
        times at equal distances; here each is drawn within its own part.
        """
        part = torch.randperm(n, generator=rng) + torch.rand(n, generator=rng, dtype=torch.float64)
        return (part / n * self.T).long().clamp(max=self.T - 1) + 1

    def target(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """What the network should say, in the shape of x_0: eps, x_0 or v."""
        if self.predicts == "v":
            alpha_bar = self._at(t, x_0)
            return alpha_bar.sqrt() * eps - (1 - alpha_bar).sqrt() * x_0
        return eps if self.predicts == "eps" else x_0

    # --- and back: noise is taken away

    def predict(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The network's view of x_t at times t (B,): (x_0_hat, eps_hat), both in the shape of x_t.

        The two always satisfy x_t = sqrt(alpha_bar_t) x_0_hat + sqrt(1 - alpha_bar_t) eps_hat, clipped or not.
        """
        out, alpha_bar = self._net(x_t, t, y), self._at(t, x_t)
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
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

    def p_step(self, x_t: Tensor, t: int, noise: Tensor, y: Tensor | None = None) -> Tensor:
        """x_{t-1} from x_t: algorithm 2, line 4, without noise at t = 1.

        Args:
            noise: fresh standard normal numbers in the shape of x_t.
        """
        beta, alpha_bar = self.beta[t], self.alpha_bar[t]
        _, eps_hat = self.predict(x_t, self._times(t, x_t), y)
        mean = (x_t - beta / (1 - alpha_bar).sqrt() * eps_hat) / (1 - beta).sqrt()
        return mean + self.p_variance(t).sqrt() * noise if t > 1 else mean

    def p_variance(self, t: int | Tensor) -> Tensor:
        """sigma_t^2 of a reverse step: beta_t, or beta-tilde_t."""
        return self.beta[t] if self.variance == "beta" else self.q_variance(t)

    def q_variance(self, t: int | Tensor) -> Tensor:
        """beta-tilde_t, the variance of x_{t-1} given x_t and x_0: equation 7."""
        return (1 - self.alpha_bar[t - 1]) / (1 - self.alpha_bar[t]) * self.beta[t]

    def ddim_step(
        self,
        x_t: Tensor,
        t: int,
        s: int,
        eta: float,
        noise: Tensor,
        y: Tensor | None = None,
    ) -> Tensor:
        """x_s from x_t for any s < t: the data as they are seen now, with noise put back up to time s.

        Paper: Song et al. 2021, equations 12 and 16, where alpha stands for our alpha_bar. eta = 0 uses no `noise`.
        eta = 1 and s = t - 1 is `p_step` with the posterior variance.
        """
        x_0_hat, eps_hat = self.predict(x_t, self._times(t, x_t), y)
        now, then = self.alpha_bar[t], self.alpha_bar[s]
        variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)  # at most 1 - then: no clamp
        return (
            then.sqrt() * x_0_hat + (1 - then - variance).sqrt() * eps_hat + variance.sqrt() * noise
        )

    @torch.no_grad()
    def denoise(
        self,
        n: int,
        shape: Sequence[int],
        rng: torch.Generator | None = None,
        *,
        steps: int | None = None,
        eta: float = 0.0,
        power: float = 1.0,
        y: Tensor | None = None,
        x_T: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Yield every state (n, *shape) from x_T to x_0, so that the caller can draw, stop or go on between two steps.

        Args:
            n, shape: number and shape of the x.
            steps: None for all T steps of algorithm 2; else a number of DDIM steps.
            eta: share of fresh noise in DDIM steps, in [0, 1].
            power: where the DDIM steps are: 1 evenly from T down to 0; 2 or more for finer ones near 0.
            y: labels (n,) for a network that takes them.
            x_T: where to start, (n, *shape), in the place of fresh noise.
        """
        if n < 0:
            raise ValueError(f"n: expected at least 0, got {n}")
        if steps is not None and not 1 <= steps <= self.T:
            raise ValueError(f"steps: expected 1 to {self.T}, got {steps}")
        if not 0 <= eta <= 1:
            raise ValueError(f"eta: expected a number in [0, 1], got {eta}")
        if not power >= 1:
            raise ValueError(f"power: expected at least 1, got {power}")
        x = normal(self.beta, (n, *shape), rng) if x_T is None else x_T
        yield x
        times = ddim_times(self.T, steps or self.T, power)
        for t, s in zip(times[:-1], times[1:], strict=True):
            noise = normal(x, x.shape, rng) if steps is None or eta else torch.zeros_like(x)
            x = (
                self.p_step(x, t, noise, y)
                if steps is None
                else self.ddim_step(x, t, s, eta, noise, y)
            )
            yield x

    def sample(
        self,
        n: int,
        shape: Sequence[int],
        rng: torch.Generator | None = None,
        *,
        y: Tensor | None = None,
        title: str | None = None,
    ) -> Tensor:
        """n new x, (n, *shape), by all T steps: algorithm 2. With a `title` the progress is shown."""
        return self._last(self.denoise(n, shape, rng, y=y), self.T, title)

    def ddim(
        self,
        n: int,
        shape: Sequence[int],
        steps: int,
        eta: float = 0.0,
        rng: torch.Generator | None = None,
        *,
        power: float = 1.0,
        y: Tensor | None = None,
        x_T: Tensor | None = None,
        title: str | None = None,
    ) -> Tensor:
        """n new x, (n, *shape), by a few steps; the arguments are those of `denoise`."""
        states = self.denoise(n, shape, rng, steps=steps, eta=eta, power=power, y=y, x_T=x_T)
        return self._last(states, steps, title)

    # --- likelihood

    def bound(
        self, x_0: Tensor, draws: int = 1, levels: int = 17, rng: torch.Generator | None = None
    ) -> Tensor:
        """An estimate of the bound on -log P(x_0) in nats, (B,): L_T, and T times the term of a random time.

        Paper: equation 5.

        Args:
            x_0: data (B, ...) on `levels` evenly spaced levels from -1 to 1.
            draws: times and noises per example, spread evenly over 1..T.
        """
        B = len(x_0)
        many = x_0.repeat(draws, *[1] * (x_0.dim() - 1))
        t = torch.cat([self.times(draws, rng) for _ in range(B)]).view(B, draws).T.flatten()
        eps = normal(many, many.shape, rng)
        terms = self.bound_term(many, t.to(x_0.device), eps, levels)
        return self.prior_kl(x_0) + self.T * terms.view(draws, B).mean(dim=0)

    @torch.no_grad()
    def bound_term(self, x_0: Tensor, t: Tensor, eps: Tensor, levels: int = 17) -> Tensor:
        """The term of the bound that belongs to time t in nats, (B,), at x_t = q_sample(x_0, t, eps).

        For t > 1 the divergence of the two reverse steps, KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)); for t = 1
        minus the log-probability of the levels under a normal law with variance beta_1: equations 8 and 13.
        """
        x_t = self.q_sample(x_0, t, eps)
        _, eps_hat = self.predict(x_t, t)
        beta, alpha_bar = self.beta[t], self.alpha_bar[t]
        last = t == 1
        true = self.q_variance(t)
        ratio = torch.where(last, 1.0, true / torch.where(last, beta, self.p_variance(t)))
        error = (
            squared_error(eps_hat, eps) * beta**2 / ((1 - beta) * (1 - alpha_bar))
        )  # of the means
        D = x_0[0].numel()
        kl = 0.5 * (D * (ratio - 1 - ratio.log()) + ratio * error / true.clamp(min=1e-30))
        first_beta = self.beta[1]
        mean = (x_t - first_beta.sqrt() * eps_hat) / (1 - first_beta).sqrt()
        return torch.where(last, level_nll(mean, x_0, first_beta.sqrt(), levels), kl)

    def prior_kl(self, x_0: Tensor) -> Tensor:
        """L_T = KL(q(x_T | x_0) || N(0, I)) in nats, (B,): what is left of x_0 when the noising ends."""
        kept = self.alpha_bar[-1]
        squared = (kept * x_0.square()).flatten(1).sum(dim=1)
        return 0.5 * (squared - x_0[0].numel() * (kept + torch.log1p(-kept)))

    # --- small helpers

    def _net(self, x_t: Tensor, t: Tensor, y: Tensor | None) -> Tensor:
        return self.net(x_t, t) if y is None else self.net(x_t, t, y)

    def _at(self, t: Tensor, x: Tensor) -> Tensor:
        """alpha_bar at times t (B,), in a shape that multiplies x (B, ...)."""
        expect("t", t, "B", B=len(x))
        return self.alpha_bar[t].view(-1, *[1] * (x.dim() - 1))

    def _times(self, t: int, x: Tensor) -> Tensor:
        return torch.full((len(x),), t, device=x.device)

    def _last(self, states: Iterator[Tensor], steps: int, title: str | None) -> Tensor:
        x = next(states)  # x_T
        for state in progress(states, title, total=steps) if title else states:
            x = state
        return x


def ddim_times(T: int, steps: int, power: float = 1.0) -> list[int]:
    """`steps` + 1 falling whole times T (left / steps)^power, from T down to 0, with `left` steps left to go.

    No two are the same: where a power of 2 or more would not move, time falls by 1.
    Paper: Song et al. 2021, appendix D.2, with powers 1 (linear) and 2 (quadratic).
    """
    left = torch.arange(steps, -1, -1, dtype=torch.float64)
    return torch.maximum((T * (left / steps) ** power).round(), left).long().tolist()


def level_nll(mean: Tensor, x_0: Tensor, sd: Tensor, levels: int) -> Tensor:
    """-log P(x_0) in nats, (B,), for N(mean, sd^2) rounded to `levels` even levels from -1 to 1: equation 13.

    The lowest and the highest level take what lies beyond them.
    """
    half = 1 / (levels - 1)
    low = torch.where(x_0 < -1 + half, -torch.inf, (x_0 - half - mean) / sd)
    high = torch.where(x_0 > 1 - half, torch.inf, (x_0 + half - mean) / sd)
    swap = (
        low + high > 0
    )  # P(low < u < high) = P(-high < u < -low): the tail where numbers are small, not near 1
    low, high = torch.where(swap, -high, low), torch.where(swap, -low, high)
    upper = torch.special.log_ndtr(high)
    log_p = upper + torch.log1p(-(torch.special.log_ndtr(low) - upper).exp())
    return -log_p.flatten(1).sum(dim=1)


# --- the exact case ------------------------------------------------------------------------------------------


class PerfectDenoiser(nn.Module):
    """eps*(x_t, t) = E[eps | x_t] for data from a mixture of Gaussians: a `net` for `DDPM` that nobody had to train.

    By Tweedie's formula it is -sqrt(1 - alpha_bar_t) times the score of q(x_t), which is again a mixture.

    Args:
        mixture: the law of x_0.
        beta: the schedule, (T + 1,).
    """

    def __init__(self, mixture: Mixture, beta: Tensor):
        super().__init__()
        self.mixture = mixture
        self.register_buffer("alpha_bar", signal_left(beta))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        eps_hat = torch.empty_like(x_t)
        for time in t.unique():
            alpha_bar = self.alpha_bar[time].item()
            noise = math.sqrt(1 - alpha_bar)
            noised = self.mixture.noised(math.sqrt(alpha_bar), noise)
            eps_hat[t == time] = -noise * noised.score(x_t[t == time])
        return eps_hat


# --- the networks of the book --------------------------------------------------------------------------------


def plane_ddpm(T: int = 1000, *, width: int = 64, octaves: int = 5) -> DDPM:
    """The model of the plane, for points (B, 2) of about unit size; it predicts v.

    Args:
        octaves: number of frequencies that the network sees each coordinate at; 0 leaves them out.
    """
    net = ResidualMLP(2, width=width, features=Fourier(octaves))
    return DDPM(net, cosine_beta(T), predicts="v")


def image_ddpm(
    shape: Sequence[int] = (1, 8, 8),
    T: int = 1000,
    *,
    widths: tuple[int, int] = (16, 32),
    classes: int = 0,
) -> DDPM:
    """The model of the digits, for images in [-1, 1]: a small U-Net that predicts v, and predictions of x_0 clipped.

    Args:
        widths: channels at full and at half size.
        classes: number of labels, 0 for none.
    """
    return DDPM(UNet(shape, widths, classes=classes), cosine_beta(T), predicts="v", clip=1.0)


def digits_ddpm() -> DDPM:
    """The model of the digits that comes with the book, in evaluation mode and frozen: averaged weights, seed 0.

    Made by `make ddpm`; the card beside the weights in `genlib/assets` says how.
    """
    model = image_ddpm()
    model.load_state_dict(load_file(Path(__file__).parent / "assets" / "ddpm_digits.safetensors"))
    return model.eval().requires_grad_(False)
