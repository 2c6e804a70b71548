"""Chapter 1: the discriminative model, p(y | x). The same class is the judge of generated images."""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.expect import Size, border, expect_input, expect_number, expect_whole, through


@border
class Classifier(nn.Module):
    """A softmax classifier on top of any stack of layers.

    Args:
        net: an nn.Sequential that maps x (B, ...) to logits (B, K); its last layer is linear.
    """

    def __init__(self, net: nn.Sequential):
        super().__init__()
        self.net = net

    def loss(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Cross-entropy -log p(y | x) in nats per image, averaged over the batch, and the share of right answers."""
        log_p = self.log_prob(x)
        expect_whole("y", y, 0, log_p.shape[1] - 1, B=len(x))
        accuracy = (log_p.argmax(dim=1) == y).float().mean()
        return {"loss": F.nll_loss(log_p, y), "accuracy": accuracy}

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(y | x) in nats for every class y, shape (B, K)."""
        expect_input("x", x, self)
        return through(self.net, "x", x).log_softmax(dim=1)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The most probable class, shape (B,)."""
        return self.log_prob(x).argmax(dim=1)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, shape (B, features)."""
        expect_input("x", x, self)
        return through(self.net[:-1], "x", x)


@border
def small_conv(
    features: Size = 32,
    classes: Size = 10,
    dropout: float = 0.2,
    side: int = 8,
    channels: Size = 1,
) -> nn.Sequential:
    """3 x 3 convolutions and one hidden layer for images (B, channels, side, side): the judge's network.

    The first convolution keeps the size; the others halve it until 7 pixels or fewer are left: 4 x 4 of side 8, 7 x 7
    of side 28.
    """
    expect_number("side", side, 4)
    expect_number("dropout", dropout, 0, 1, open_high=True)
    widths, last = [32], side
    while last > 7:
        widths, last = [*widths, 64], math.ceil(last / 2)
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise((channels, *widths))):
        conv = nn.Conv2d(n_in, n_out, 3, stride=2 if i else 1, padding=1)
        layers += [conv, nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(widths[-1] * last**2, features),
        nn.BatchNorm1d(features),
        nn.ReLU(),
        nn.Linear(features, classes),
    )
