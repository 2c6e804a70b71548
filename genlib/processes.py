"""The same training in several processes, on one machine or on many, started by Hugging Face Accelerate or torchrun.

`current` gives the `Team` that this process belongs to, and `Training.spread(team)` shares a training among it. Every
process holds the whole model and takes its rows of each batch; one exchange a step averages the gradients.
"""

import functools
import os
import zlib

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlib.expect import border, expect_floats


@functools.cache
def current() -> "Team | None":
    """The processes that were started together with this one; None where it is alone.

    Whoever starts them puts their number into the environment variable WORLD_SIZE.

    Raises:
        ValueError: there are several, and Accelerate is not installed.
    """
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdecimal() or int(size) < 1:
        raise ValueError(f"WORLD_SIZE: expected a number of processes, got {size!r}")
    return Team() if int(size) > 1 else None


class Team:
    """Processes that train together, and the place of this one among them.

    Attributes:
        rank, size: the number of this process, 0 to size - 1, and the number of all.
        is_main: whether this is process 0, the one that writes files and prints.
        device: that of this process: its own graphics card; the CPU where there is none or GENLIB_DEVICE=cpu.
    """

    def __init__(self) -> None:
        try:
            from accelerate import PartialState
        except ModuleNotFoundError as error:
            raise ValueError(
                "processes: expected the package accelerate where there are several, got none: "
                "pip install accelerate (it comes with learning-to-generate[processes])"
            ) from error
        on_cpu = os.environ.get("GENLIB_DEVICE") == "cpu" or not torch.cuda.is_available()
        self._state = PartialState(cpu=on_cpu)
        self.rank, self.size = self._state.process_index, self._state.num_processes
        self.is_main = self._state.is_main_process
        self.device = torch.device("cpu") if on_cpu else self._state.device

    @border
    def mean(self, x: Tensor) -> Tensor:
        """The mean of the x of all processes, the same in every one; all must ask, with x of one shape."""
        from accelerate.utils import reduce

        expect_floats("x", x)
        return reduce(x, "mean")

    def wait(self) -> None:
        """Wait until every process has come this far."""
        self._state.wait_for_everyone()

    def close(self) -> None:
        """Part from the others: the last thing that a process does."""
        self._state.destroy_process_group()

    @border
    def prepare(self, model: nn.Module) -> None:
        """Let batch normalisation in the model see the whole batch while it trains; keys and weights stay.

        Raises:
            ValueError: the processes hold different weights, or different random numbers.
        """
        ours = torch.tensor(_checksum(model), dtype=torch.float64, device=self.device)
        if self.mean((ours - self.mean(ours)).abs()):
            raise ValueError(
                "model: expected the same weights and random numbers in every process, got others: seed all alike"
            )
        for module in model.modules() if self.size > 1 else ():
            if type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
                module.__class__ = _WholeBatchNorm


def _checksum(model: nn.Module) -> int:
    """One number, different for nearly all other weights and states of torch's random numbers."""
    found = 0
    for tensor in (*model.state_dict().values(), torch.get_rng_state()):
        plain = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        found = zlib.crc32(plain.numpy(), found)
    return found


# --- batch normalisation by the batch of all processes -------------------------------------------------------------


class _WholeBatchNorm(_BatchNorm):
    """Batch normalisation whose mean and variance are those of the rows of all processes, equally many in each.

    Outside of training it is torch's own. Paper: Ioffe & Szegedy 2015. Torch's SyncBatchNorm refuses the CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        axes = [0, *range(2, x.dim())]
        variances, means = _of_all(torch.stack(torch.var_mean(wide, axes, correction=0)))
        mean = means.mean(dim=0)
        # within the processes, and between them
        var = variances.mean(dim=0) + means.var(dim=0, correction=0)
        self._keep(mean.detach(), var.detach(), len(means) * x.numel() // len(mean))
        return self._scaled(wide, mean, (var + self.eps).rsqrt()).to(x.dtype)

    def _check_input_dim(self, x: Tensor) -> None:
        """Any number of axes: the norm that this one stands for is known."""

    def _scaled(self, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """(x - mean) scale, and then weight and bias: all but x are a number for each channel."""
        shape = (1, -1, *[1] * (x.dim() - 2))
        scale = scale if self.weight is None else scale * self.weight
        x = (x - mean.view(shape)) * scale.view(shape)
        return x if self.bias is None else x + self.bias.view(shape)

    def _keep(self, mean: Tensor, var: Tensor, n: int) -> None:
        """Move the running statistics as torch does: the variance of n numbers has n - 1 in its denominator."""
        if self.running_mean is None:
            return
        self.num_batches_tracked.add_(1)
        part = self.momentum if self.momentum is not None else 1 / self.num_batches_tracked.item()
        self.running_mean.lerp_(mean.to(self.running_mean), part)
        self.running_var.lerp_((var * n / (n - 1)).to(self.running_var), part)


def _of_all(x: Tensor) -> tuple[Tensor, ...]:
    """The x (K, C) of all processes: K tensors (processes, C). Gradients find their way back to the process of each."""
    slots = x.new_zeros(dist.get_world_size(), *x.shape)
    slots[dist.get_rank()] = x
    return _Sum.apply(slots).unbind(dim=1)


class _Sum(torch.autograd.Function):
    """The sum over the processes; of its gradients, too."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, slope: Tensor) -> Tensor:
        return _Sum.apply(slope.contiguous())
