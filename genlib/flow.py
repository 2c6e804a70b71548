"""Chapter 5: straight paths. Flow matching (Lipman et al. 2023), by others called rectified flow (Liu et al. 2023).

x_0 is data and x_1 noise, as everywhere in this book; both papers count time the other way: t here is 1 - t there.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from genlib.expect import (
    Count,
    border,
    expect,
    expect_batch,
    expect_floats,
    expect_input,
    expect_like,
    expect_number,
    expect_numbers,
    expect_range,
    through,
)
from genlib.losses import squared_error
from genlib.nets import Fourier, ResidualMLP, UNet
from genlib.rng import normal, stratified


@border
class FlowMatching(nn.Module):
    """Straight paths x_t = (1 - t) x_0 + t eps, and a network that says the mean velocity of those that cross at x_t.

    Paper: Lipman et al. 2023, equations 20 to 23, with sigma_min = 0.

    Args:
        net: maps x_t (B, ...) and times 1000 t (B,), as a `DDPM` of 1,000 steps counts them, to velocities in the
            shape of x_t. In training it also gets the labels of a batch that has some; to sample, bind them first:
            `guidance.Given(net, y)`, or `Guided`.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self.register_buffer("like", torch.empty(0), persistent=False)  # device and precision

    def path(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t = (1 - t) x_0 + t eps, for data and noise (B, ...) and times t (B,) in [0, 1]."""
        expect_batch("x_0", x_0)
        expect_like("eps", eps, x_0, "x_0")
        t = _column(t, x_0)
        return (1 - t) * x_0 + t * eps

    def loss(
        self,
        x_0: Tensor,
        y: Tensor | None = None,
        *,
        t: Tensor | None = None,
        eps: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Squared error of the velocity eps - x_0 at a random time, summed over x, mean over the batch.

        Args:
            x_0: data, (B, ...).
            y: labels, (B,) or (B, ...), for a network that takes them.
            t: times (B,) in [0, 1]; where none are given, one in each of B equal parts.
            eps: noise in the shape of x_0; drawn where none is given.
        """
        expect_input("x_0", x_0, self)
        t = stratified(len(x_0)).to(x_0) if t is None else t
        eps = normal(x_0, x_0.shape) if eps is None else eps
        out = self.net(self.path(x_0, t, eps), 1000 * t, *([] if y is None else [y]))
        return {"loss": squared_error(out, eps - x_0).mean()}

    def velocity(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The network's view of E[eps - x_0 | x_t], in the shape of x_t (B, ...), at times t (B,) in [0, 1]."""
        expect_batch("x_t", x_t)
        _column(t, x_t)
        return through(self.net, "x_t", x_t, 1000 * t)

    def predict(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The two ends of the straight path through x_t (B, ...) with that velocity: (x_0_hat, eps_hat)."""
        u, t = self.velocity(x_t, t), _column(t, x_t)
        return x_t - t * u, x_t + (1 - t) * u

    @torch.no_grad()
    def walk(
        self,
        n: Count,
        shape: Sequence[int],
        steps: int | Sequence[float],
        rng: torch.Generator | None = None,
        *,
        heun: bool = False,
        x_1: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Yield every state (n, *shape) on the way dx/dt = velocity(x, t) from x_1 to x_0.

        Args:
            steps: number of even steps from t = 1 to t = 0, or their times in [0, 1], falling, or rising to go back.
            heun: whether a step takes the mean of the velocities at its two ends (two calls), not the first (Euler).
            x_1: where to start, (n, *shape), in the place of fresh noise.
        """
        x = normal(self.like, (n, *shape), rng) if x_1 is None else x_1
        expect("x_1", x, " ".join(map(str, (n, *shape))))
        expect_floats("x_1", x)
        yield x
        for t, s in pairwise(_times(steps).to(x)):
            u = self.velocity(x, t.expand(n))
            if heun:
                u = (u + self.velocity(x + (s - t) * u, s.expand(n))) / 2
            x = x + (s - t) * u
            yield x

    def sample(
        self,
        n: Count,
        shape: Sequence[int],
        steps: int | Sequence[float] = 50,
        rng: torch.Generator | None = None,
        **how,
    ) -> Tensor:
        """n new x, (n, *shape): the last state of `walk`, which takes the same arguments."""
        return deque(self.walk(n, shape, steps, rng, **how), maxlen=1).pop()


def _times(steps: int | Sequence[float]) -> Tensor:
    """The times of a walk, (steps + 1,)."""
    if isinstance(steps, int):
        expect_number("steps", steps, 1)
        return torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    times = expect_numbers("steps", steps)
    if len(times) < 2:
        raise ValueError(f"steps: expected at least two times, got {len(times)}")
    expect_range("steps", times, 0, 1)
    return times


def _column(t: Tensor, x: Tensor) -> Tensor:
    """Times t (B,) in a shape that multiplies x (B, ...)."""
    expect("t", t, "B", B=len(x))
    expect_range("t", t, 0, 1)
    return t.view(-1, *[1] * (x.dim() - 1))


@border
def straight_time(alpha_bar: Tensor) -> Tensor:
    """The time at which a straight path has a DDPM's noise for its signal.

    The `DDPM` keeps alpha_bar. The path's x_t is that of the DDPM, divided by
    sqrt(alpha_bar) + sqrt(1 - alpha_bar); x_0_hat and eps_hat are the same.
    """
    expect_range("alpha_bar", alpha_bar, 0, 1)
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    return noise / (signal + noise)


# --- the networks of the book: those of `ddpm`, with another target ------------------------------------------


@border
def points_flow(*, width: int = 64, octaves: int = 5) -> FlowMatching:
    """The model of the plane, for points (B, 2) of about unit size."""
    return FlowMatching(ResidualMLP(2, width=width, features=Fourier(octaves)))


@border
def image_flow(
    shape: Sequence[int] = (1, 8, 8), *, widths: Sequence[int] = (16, 32), classes: int = 0
) -> FlowMatching:
    """The model of the digits, for images in [-1, 1], with the U-Net of `ddpm.image_ddpm`."""
    return FlowMatching(UNet(shape, widths, classes=classes))
