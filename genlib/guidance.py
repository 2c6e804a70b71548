"""Chapter 6: conditions for a network, and how strongly they count. Each wrapper is a network again, `forward(x_t, t)`.

Every sampler, prediction and bound of `DDPM` takes them in the place of the network.

The scale s of guidance: 0 is the network without the condition, 1 the conditional network, above 1 more than it.
Ho & Salimans 2022 count from the conditional network on: s = 1 + w. See `scale_of_paper`.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.ddpm import DDPM
from genlib.expect import (
    Share,
    border,
    expect,
    expect_batch,
    expect_floats,
    expect_input,
    expect_whole,
    through,
)
from genlib.rng import normal, uniform


@border
class Given(nn.Module):
    """A network under a fixed condition: net(x_t, t, y) as a network of x_t and t alone.

    Args:
        net: maps x_t (B, ...), times t (B,) and conditions y (B, ...) to numbers in the shape of x_t.
        y: one condition for each x, (B, ...), or one for all, (1, ...).
    """

    def __init__(self, net: nn.Module, y: Tensor):
        super().__init__()
        expect("y", y, "B ...")
        self.net = net
        self.register_buffer("y", y, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        y = self.y.expand(len(x_t), *self.y.shape[1:]) if len(self.y) == 1 else self.y
        expect("y", y, "B ...", B=len(x_t))
        return self.net(x_t, t, y)


# --- without a classifier ----------------------------------------------------------------------------------------


@border
class ConditionDropout(nn.Module):
    """A network that is not told its condition for a share of the rows in training, and so learns to go without, too.

    Paper: Ho & Salimans 2022, algorithm 1, line 3.

    Args:
        net: maps x_t (B, ...), times t (B,) and conditions y (B, ...) to numbers in the shape of x_t.
        null: the condition that stands for none, (1, ...): a class of its own, or an empty caption.
        share: of the rows, their p_uncond.
    """

    def __init__(self, net: nn.Module, null: Tensor, share: Share = 0.1):
        super().__init__()
        expect("null", null, "one ...", one=1)
        self.net, self.share = net, share
        self.register_buffer("null", null, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor) -> Tensor:
        if self.training:
            dropped = uniform(x_t, (len(y), *[1] * (y.dim() - 1))) < self.share
            y = torch.where(dropped, self.null, y)
        return self.net(x_t, t, y)


@border
class Guided(nn.Module):
    """Classifier-free guidance: out(null) + scale (out(y) - out(null)), for a network that predicts eps, x_0 or v.

    Paper: Ho & Salimans 2022, equation 6, with scale = 1 + w. Given x_t, the three predictions are linear in each
    other, so that guiding one guides all.

    Args:
        net: maps x_t (B, ...), times t (B,) and conditions y (B, ...) to numbers in the shape of x_t.
        y: one condition for each x, (B, ...), or one for all, (1, ...).
        scale: 0 is the network without the condition, 1 the conditional network.
        null: the condition that stands for none, (1, ...); `net.null`, as `ConditionDropout` has it, if left out.
    """

    def __init__(self, net: nn.Module, y: Tensor, scale: float, null: Tensor | None = None):
        super().__init__()
        null = getattr(net, "null", None) if null is None else null
        if null is None:
            raise ValueError("null: expected the condition that stands for none, got none")
        expect("null", null, "one ...", one=1)
        self.conditional, self.unconditional = Given(net, y), Given(net, null)
        self.scale = scale

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        without = self.unconditional(x_t, t)
        return without + self.scale * (self.conditional(x_t, t) - without)


@border
def scale_of_paper(w: float) -> float:
    """The scale s that Ho & Salimans 2022 call w: they write (1 + w) eps(y) - w eps(null), so s = 1 + w."""
    return 1 + w


# --- with a classifier -------------------------------------------------------------------------------------------


@border
class NoisyClassifier(nn.Module):
    """A classifier of noisy data at every time, p(y | x_t).

    Paper: Dhariwal & Nichol 2021, section 4.

    Args:
        net: maps x_t (B, ...) and times t (B,) to logits (B, classes).
        beta: the schedule of the noise, (T + 1,).
    """

    def __init__(self, net: nn.Module, beta: Tensor):
        super().__init__()
        self.net = net
        self.noising = DDPM(nn.Identity(), beta)  # its forward process alone

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.net(x_t, t)

    def loss(
        self, x_0: Tensor, y: Tensor, *, t: Tensor | None = None, eps: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Cross-entropy -log p(y | x_t) in nats, averaged over the batch, and the share of right answers.

        Args:
            x_0, y: data (B, ...) and their classes (B,).
            t: times (B,), 1 to T; drawn where none are given.
            eps: noise in the shape of x_0; drawn where none is given.
        """
        expect_input("x_0", x_0, self)
        t = self.noising.times(len(x_0)).to(x_0.device) if t is None else t
        eps = normal(x_0, x_0.shape) if eps is None else eps
        logits = self(self.noising.q_sample(x_0, t, eps), t)
        expect_whole("y", y, 0, logits.shape[1] - 1, B=len(x_0))
        accuracy = (logits.argmax(dim=1) == y).float().mean()
        return {"loss": F.cross_entropy(logits, y), "accuracy": accuracy}


@border
class ClassifierGuided(nn.Module):
    """Classifier guidance: a network pushed along the gradient of log p(y | x_t), by the scale.

    eps - scale sqrt(1 - alpha_bar) grad log p(y | x_t), or what belongs to it where the network predicts x_0 or v.
    Paper: Dhariwal & Nichol 2021, algorithm 2.

    Args:
        net: maps x_t (B, ...) and times t (B,) to numbers in the shape of x_t, without a condition.
        classifier: maps x_t and t to logits (B, classes).
        y: one class for each x, (B,), or one for all, (1,).
        scale: 0 is the network alone, 1 the conditional one by Bayes' rule.
        alpha_bar: of the schedule, (T + 1,), as a `DDPM` has it.
        predicts: what the network's numbers mean, as in `DDPM`.
    """

    def __init__(
        self,
        net: nn.Module,
        classifier: nn.Module,
        y: Tensor,
        scale: float,
        alpha_bar: Tensor,
        predicts: Literal["eps", "x_0", "v"] = "eps",
    ):
        super().__init__()
        expect("y", y, "B")
        expect("alpha_bar", alpha_bar, "times")
        expect_floats("alpha_bar", alpha_bar)
        self.net, self.classifier, self.scale, self.predicts = net, classifier, scale, predicts
        self.register_buffer("y", y, persistent=False)
        self.register_buffer("alpha_bar", alpha_bar, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        alpha_bar = self.alpha_bar[t].view(-1, *[1] * (x_t.dim() - 1)).to(x_t)
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        # d out / d eps, for what the network predicts
        slopes = {"eps": 1, "x_0": -noise / signal, "v": 1 / signal}
        push = slopes[self.predicts] * noise * self.gradient(x_t, t)
        return self.net(x_t, t) - self.scale * push

    def gradient(self, x_t: Tensor, t: Tensor) -> Tensor:
        """The gradient of log p(y | x_t) at x_t, in its shape; also where no gradients are kept, as in sampling."""
        expect_batch("x_t", x_t)
        expect_whole("t", t, 0, len(self.alpha_bar) - 1, B=len(x_t))
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            log_p = through(self.classifier, "x_t", x_t, t).log_softmax(dim=1)
            y = self.y.expand(len(x_t)) if len(self.y) == 1 else self.y
            expect_whole("y", y, 0, log_p.shape[1] - 1, B=len(x_t))
            return torch.autograd.grad(log_p.gather(1, y[:, None]).sum(), x_t)[0]
