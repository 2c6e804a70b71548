"""Chapter @NUMBER@: @TITLE@. Name the paper here; equation numbers below are the paper's."""

from torch import Tensor, nn

from genlib.shapes import expect


class @CLASS@(nn.Module):
    """One sentence: what it models.

    Args:
        net: maps x (B, C, H, W) to ...

    Data range: x in [0, 1].
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The loss and its named parts, averaged over the batch. Say the equation and the unit."""
        expect("x", x, "B C H W")
        return {"loss": (self.net(x) - x).square().mean()}
