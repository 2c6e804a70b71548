"""Conditions for a network that takes some: wrappers that are networks again, `forward(x_t, t)`.

Every sampler, prediction and bound of `DDPM` takes them in the place of the network.
"""

import torch
from torch import Tensor, nn

from genlib.expect import Size, border, expect


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

    def repeat(self, n: Size) -> "Given":
        """The same for a batch that holds its rows n times over, all of them and then all again."""
        return Given(self.net, self.y if len(self.y) == 1 else torch.cat([self.y] * n))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        y = self.y.expand(len(x_t), *self.y.shape[1:]) if len(self.y) == 1 else self.y
        expect("y", y, "B ...", B=len(x_t))
        return self.net(x_t, t, y)
