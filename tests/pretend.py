"""A pretend accelerator: a second torch device that computes on the CPU, to find device errors where no GPU is.

    pretend.install()
    x = torch.rand(3, device="pretend")  # real values, on another device

It stands for CUDA where CUDA is strict: a tensor there meets no tensor of the CPU (but for numbers without axes, and
indices), gives no NumPy array, and takes no generator of the CPU. Random numbers that are drawn there are others than
those of the CPU. Modules move there; gradients of any order, fused optimisers, averages, copies and files work.

It stands for nothing else: not for kernels, their rounding and what they lack, not for speed or memory.

How: a tensor is a wrapper, on the device that torch leaves free for others ("PrivateUse1"), of a tensor on the CPU.
`__torch_dispatch__` sees every operation below autograd, and does it on what is wrapped. Once installed, it stays.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretend"
aten = torch.ops.aten
# What makes a tensor out of none.
MAKERS = ["arange", "empty", "empty_strided", "eye", "full", "linspace", "ones", "rand", "randint", "randn", "randperm",
          "scalar_tensor", "zeros"]  # fmt: skip
# Here CUDA, too, takes indices of the CPU.
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
OWN = torch.Generator().manual_seed(1)  # the random numbers of the device
_kept = torch.library.Library("aten", "IMPL")  # what is registered lives as long as this


class Pretend(Tensor):
    """A tensor of the pretend device around `raw`, a tensor of the CPU."""

    @staticmethod
    def __new__(cls, raw: Tensor) -> "Pretend":
        form = {"strides": raw.stride(), "storage_offset": raw.storage_offset()}
        return Tensor._make_wrapper_subclass(
            cls, raw.shape, dtype=raw.dtype, device=torch.device(NAME, 0), **form
        )

    def __init__(self, raw: Tensor):
        self.raw = raw

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Callable, types, args=(), kwargs=None) -> object:
        return compute(func, args, kwargs or {})

    def __repr__(self, **_) -> str:
        return f"{self.raw!r} on {NAME}"

    def __format__(self, form: str) -> str:
        return format(self.item() if self.dim() == 0 and form else repr(self), form)

    @property
    def data(self) -> Tensor:
        return Tensor.data.__get__(self)

    @data.setter
    def data(self, other: Tensor) -> None:
        Tensor.data.__set__(self, other)
        self.raw = other.raw

    def numpy(self, **_) -> None:
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy; use Tensor.cpu()")

    def tolist(self) -> list:
        return self.detach().cpu().tolist()

    def untyped_storage(self) -> torch.UntypedStorage:
        return self.raw.untyped_storage()

    def __deepcopy__(self, memo: dict) -> "Pretend":
        if id(self) not in memo:
            copied = Pretend(self.raw.detach().clone()).requires_grad_(self.requires_grad)
            marks = {name: mark for name, mark in vars(self).items() if name != "raw"}
            copied.__dict__.update(marks)  # by one of them a parameter is known
            memo[id(self)] = copied
        return memo[id(self)]


def compute(func: Callable, args: tuple, kwargs: dict) -> object:
    """Do an operation on what is wrapped, if CUDA would do it, and wrap what comes out."""
    if func is aten._copy_from.default:  # how torch.tensor asks for copy_
        func, args = aten.copy_.default, (args[1], args[0])
    leaves = tree_leaves((args, kwargs))
    given = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    _expect_one_device(func, args, given)
    if wanted := kwargs.get("device"):
        there = torch.device(wanted).type == NAME
    else:
        there = func is not aten.copy_.default or is_there(args[0])
    raw_args, raw_kwargs = tree_map(_raw, (args, kwargs))
    with _random_numbers(func, leaves) if there else contextlib.nullcontext():
        out = func(*raw_args, **raw_kwargs)
    if torch.Tag.inplace_view in func.tags and is_there(args[0]):
        args[0].data = Pretend(args[0].raw)  # as after squeeze_: the same numbers in another shape
    known = {id(_raw(tensor)): tensor for tensor in given}  # what was changed in place is itself

    def wrap(leaf: object) -> object:
        if id(leaf) in known or not there or not isinstance(leaf, Tensor):
            return known.get(id(leaf), leaf)
        return Pretend(leaf)

    return tree_map(wrap, out)


def is_there(value: object) -> bool:
    """Whether a value is a tensor of the pretend device."""
    return isinstance(value, Pretend)


def _raw(value: object) -> object:
    if is_there(value):
        return value.raw
    return torch.device("cpu") if isinstance(value, torch.device) and value.type == NAME else value


def _expect_one_device(func: Callable, args: tuple, given: list[Tensor]) -> None:
    """Raise where CUDA would: at tensors of two devices, but for copies, indices, and numbers that are only read."""
    others = [tensor for tensor in given if not is_there(tensor)]
    if func in (aten.copy_.default, aten._to_copy.default) or len(others) == len(given):
        return
    if func in INDEXED and is_there(args[0]):
        others = [tensor for tensor in args[2:3] if not is_there(tensor)]  # the values
    pointwise = torch.Tag.pointwise in func.tags or func in INDEXED
    written = func._schema.is_mutable and not is_there(args[0]) and isinstance(args[0], Tensor)
    if written or any(tensor.dim() or not pointwise for tensor in others):
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{NAME}:0 and cpu! ({func})"
        )


@contextlib.contextmanager
def _random_numbers(func: Callable, leaves: list) -> Iterator[None]:
    """Draw from the random numbers of the device, and from no generator of the CPU."""
    if any(isinstance(leaf, torch.Generator) for leaf in leaves):
        raise RuntimeError(
            f"Expected a {NAME!r} device type for generator but found 'cpu' ({func})"
        )
    if torch.Tag.nondeterministic_seeded not in func.tags:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(OWN.get_state())
        yield
        OWN.set_state(torch.get_rng_state())


# --- the device -----------------------------------------------------------------------------------------------


THERE = hasattr(backend_registration, "_DummyBackendModule")  # from torch 2.10 on


class Device(backend_registration._DummyBackendModule if THERE else object):
    """What torch asks a device for, as `torch.cuda` answers for CUDA."""

    def manual_seed_all(self, seed: int) -> None:
        OWN.manual_seed(seed ^ 1)

    def get_rng_state(self, device: int = 0) -> Tensor:
        return OWN.get_state()

    def set_rng_state(self, state: Tensor, device: int = 0) -> None:
        OWN.set_state(state)

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


def install() -> str:
    """Make the device known to torch, once in a process and before its first gradient, and give its name."""
    if hasattr(torch, NAME):
        return NAME
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=Device())
    for name in MAKERS:
        packet = getattr(aten, name)
        for overload in packet.overloads():
            func = getattr(packet, overload)
            if any(argument.name == "device" for argument in func._schema.arguments):
                _kept.impl(func, _maker(func), "PrivateUse1")
    for func in (aten._copy_from.default, aten._local_scalar_dense.default):  # for torch.tensor
        _kept.impl(func, _maker(func), "PrivateUse1")
    return NAME


def _maker(func: Callable) -> Callable:
    return lambda *args, **kwargs: compute(func, args, kwargs)
