"""A U-Net that travels in the page: its weights as whole numbers of 8 bits, for the forward pass of unet.js."""

import copy

import torch
from torch import Tensor

from genlib.expect import border
from genlib.interact.base import as_base64
from genlib.nets import UNet


@border
def in_8_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A tensor (rows, ...) as whole numbers from -127 to 127, int8 (rows, columns), and one factor a row, (rows,)."""
    rows = weight.detach().flatten(1)
    scale = rows.abs().amax(dim=1) / 127
    whole = (rows / scale.clamp(min=1e-30)[:, None]).round().clamp(-127, 127)
    return whole.to(torch.int8), scale


@border
def from_8_bits(net: UNet) -> UNet:
    """A copy of a network with the weights that the page has. Biases and the like, which are few, are as they were."""
    rounded = copy.deepcopy(net)
    for name, value in rounded.state_dict().items():
        if value.dim() > 1:
            whole, scale = in_8_bits(value)
            rounded.get_parameter(name).data = (whole * scale[:, None]).view_as(value)
    return rounded


@border
def packed(net: UNet) -> dict:
    """The weights as unet.js takes them, one tensor after the other in the order of `state_dict`.

    layers: [name, rows, columns], with 0 columns for a list of numbers as they are. whole: all int8. numbers: float32,
    of a matrix the factors of its rows. patch: as in `UNet`.
    """
    layers, whole, numbers = [], [], []
    for name, value in net.state_dict().items():
        if value.dim() > 1:
            rows, scale = in_8_bits(value)
            whole.append(rows.flatten())
            numbers.append(scale)
            layers.append([name, *rows.shape])
        else:
            numbers.append(value)
            layers.append([name, len(value), 0])
    return {
        "patch": net.patch,
        "layers": layers,
        "whole": as_base64(torch.cat(whole)),
        "numbers": as_base64(torch.cat(numbers)),
    }
