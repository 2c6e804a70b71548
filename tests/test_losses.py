"""Losses against plain loops."""

import math

import pytest
import torch

from genlib.losses import psnr, squared_error


def test_squared_error_is_the_sum_over_pixels_of_each_example():
    x_hat, x = torch.rand(4, 1, 3, 3), torch.rand(4, 1, 3, 3)
    by_hand = [
        sum((a - b) ** 2 for a, b in zip(p.flatten().tolist(), q.flatten().tolist(), strict=True))
        for p, q in zip(x_hat, x, strict=True)
    ]
    torch.testing.assert_close(squared_error(x_hat, x), torch.tensor(by_hand))


def test_squared_error_has_the_gradient_of_a_square():
    x_hat, x = torch.rand(4, 5, requires_grad=True), torch.rand(4, 5)
    squared_error(x_hat, x).sum().backward()
    torch.testing.assert_close(x_hat.grad, 2 * (x_hat - x).detach())


def test_squared_error_refuses_to_broadcast():
    with pytest.raises(
        ValueError, match=r"x_hat: expected the shape of x, \(4, 1, 8, 8\), got \(4, 64\)"
    ):
        squared_error(torch.zeros(4, 64), torch.zeros(4, 1, 8, 8))


def test_psnr_of_a_known_error():
    x = torch.zeros(2, 1, 8, 8)
    x_hat = torch.stack([torch.full((1, 8, 8), 0.1), torch.full((1, 8, 8), 0.5)])
    torch.testing.assert_close(psnr(x_hat, x), torch.tensor([20.0, -20 * math.log10(0.5)]))
    assert psnr(x, x).isinf().all()
