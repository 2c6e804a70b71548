import torch
from torch import nn

from genlib.@NAME@ import @CLASS@


def test_loss_agrees_with_a_plain_loop():
    """Compare with something independent: a closed form, torch.distributions, a loop."""
    x = torch.rand(3, 1, 2, 2)
    oracle = sum(float(v) ** 2 for v in x.flatten()) / x.numel()
    model = @CLASS@(nn.Threshold(2.0, 0.0))  # a network that answers 0
    assert abs(model.loss(x)["loss"].item() - oracle) < 1e-6
