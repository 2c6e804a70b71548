"""Losses as pure functions: tensors in, one number per example out, shape (B,).

Nothing here holds parameters or draws random numbers, so every line can be checked by hand.
Sums run over the pixels; the caller takes the mean over the batch.
"""

from torch import Tensor


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """|x_hat - x|^2, summed over the pixels of each example, shape (B,), in squared units of x.

    Args:
        x_hat, x: reconstruction and data, both (B, ...).

    Raises:
        ValueError: the shapes differ (torch would broadcast, and the sum would mean something else).
    """
    if x_hat.shape != x.shape:
        raise ValueError(
            f"x_hat: expected the shape of x, {tuple(x.shape)}, got {tuple(x_hat.shape)}"
        )
    return (x_hat - x).square().flatten(1).sum(dim=1)


def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each example in decibels, shape (B,); larger is better.

    -10 log10 of the mean squared error per pixel, for data in [0, 1] (so the peak is 1): 10 dB more is a tenth of
    the error. Infinite where the two agree.

    Args:
        x_hat, x: restored and clean data, both (B, ...).
    """
    return -10 * (squared_error(x_hat, x) / x[0].numel()).log10()
