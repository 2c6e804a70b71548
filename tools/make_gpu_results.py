"""What the budget `gpu` costs and gives on a graphics card, beside peers: `make gpu` (NAMES="ddpm_mnist peers").

Everything is measured in one call on one card, and stored with its name in book/_data/gpu.json. Without a card the tool
says so and writes nothing: no number of the book is guessed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from genlib import runs
from genlib.ddpm import DDPM, cosine_beta
from genlib.nets import InBfloat16, UNet
from genlib.recipes import on_device
from genlib.run import device_name
from tools import results

SEED, N = 0, 2000
RECIPES = ("vae_mnist", "gan_mnist", "ddpm_mnist", "flow_mnist")
LATENT = ("vae_mnist_latent", "ddpm_mnist_latent")
NOTEBOOKS = (
    "03b_vae_on_digits",
    "04c_gan_on_digits",
    "05b_ddpm_on_digits",
    "05c_fewer_steps",
    "05d_straight_paths",
    "06a_guidance",
    "06c_latent_diffusion",
)
TARGET, WORK = results.DATA / "gpu.json", results.ROOT / "_build" / "gpu"
SHAPE, WIDTHS, BATCH = (1, 28, 28), (64, 128), 128


def recipe(name: str, device: torch.device, steps: int | None, codes: Path | None = None) -> dict:
    """Train one recipe by the command line's own functions, and score its samples."""
    _reset(device)
    folder = trained(name, device, steps, codes)
    model, card = runs.load(folder, device)
    seconds = _seconds(lambda: runs.draw(model, card, N, results.generator(SEED)), device)
    rows, few = scored(folder, device), runs.draw(model, card, 12, results.generator(SEED))
    return (
        {
            "wall_s": card["wall_s"],
            "images_per_s": card["steps"] * card["batch"] / card["wall_s"],
            "memory_mb": _memory(device),
            "sample_s_per_1000": seconds * 1000 / N,
            "floors": rows["run"]["frechet"] / rows["floor"]["frechet"],
        }
        | {key: card[key] for key in ("steps", "batch", "parameters")}
        | rows
        | {"pictures": results.packed(few.cpu())}
    )


def scored(folder: Path, device: torch.device) -> dict[str, dict]:
    """The scores of a run beside the floor, without the words that the command line shows."""
    rows = runs.score(folder, N, device)
    return {name: {k: v for k, v in row.items() if k != "label"} for name, row in rows.items()}


def trained(name: str, device: torch.device, steps: int | None, codes: Path | None = None) -> Path:
    """The folder of a new run."""
    folder = WORK / f"{name}-{int(time.time())}"
    runs.train(
        runs.Plan(name, SEED, "gpu", steps=steps, codes=codes and str(codes)), folder, device
    )
    return folder


def latent(device: torch.device, steps: int | None) -> dict:
    """Diffusion on the codes of a VAE: what both trainings cost together."""
    codes = trained(LATENT[0], device, steps)
    row = recipe(LATENT[1], device, steps, codes)
    return row | {"codes_wall_s": runs.load(codes, device)[1]["wall_s"]}


def peers(device: torch.device, steps: int | None) -> dict:
    """Images a second in training and in sampling, for networks of equal widths; the last one keeps some attention."""
    rows = {}
    for name, make in {
        "genlib": _ours,
        "diffusers": _diffusers,
        "denoising-diffusion-pytorch": _denoising_diffusion_pytorch,
    }.items():
        try:
            net = on_device(InBfloat16(make()), device)
        except ImportError as error:
            rows[name] = {"missing": str(error)}
            continue
        n = steps or 200
        trained = _seconds(_training(net, device, n), device)
        drawn = _seconds(_drawing(net, device, min(n, 50)), device)
        rows[name] = {
            "parameters": results.parameters(net),
            "training_images_per_s": n * BATCH / trained,
            "network_calls_images_per_s": min(n, 50) * BATCH / drawn,
        }
    return rows


def _ours() -> nn.Module:
    return UNet(SHAPE, WIDTHS)


def _diffusers() -> nn.Module:
    from diffusers import UNet2DModel

    net = UNet2DModel(
        28, 1, 1, block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, add_attention=False,
    )  # fmt: skip
    return _Plain(net, lambda out: out.sample)


def _denoising_diffusion_pytorch() -> nn.Module:
    from denoising_diffusion_pytorch import Unet

    return _Plain(
        Unet(dim=WIDTHS[0], dim_mults=(1, 2), channels=1, full_attn=False), lambda out: out
    )


class _Plain(nn.Module):
    """A peer's network as one of x_t and t."""

    def __init__(self, net: nn.Module, read: Callable):
        super().__init__()
        self.net, self.read = net, read

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.read(self.net(x_t, t))


def _training(net: nn.Module, device: torch.device, steps: int) -> Callable:
    """Steps of the same loss and optimiser for every network."""
    model = DDPM(net, cosine_beta(1000), predicts="v").to(device).train()
    optimizer = torch.optim.AdamW(net.parameters(), 1e-4, fused=True)
    x = torch.rand(BATCH, *SHAPE).mul(2).sub(1).to(device)

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model.loss(x)["loss"].backward()
            optimizer.step()

    return run


def _drawing(net: nn.Module, device: torch.device, steps: int) -> Callable:
    model = DDPM(net, cosine_beta(1000), predicts="v").to(device).eval()

    def run() -> None:
        model.ddim(BATCH, SHAPE, steps, 0.0, results.generator(0))

    return run


def notebooks(device: torch.device, steps: int | None) -> dict:
    """Wall-clock seconds of the notebooks that have a larger version."""
    found = {}
    for name in NOTEBOOKS:
        source = results.ROOT / "notebooks" / f"{name}.ipynb"
        command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
        start = time.perf_counter()
        subprocess.run([*command, "--output-dir", str(WORK), str(source)], check=True)
        found[name] = {"wall_s": time.perf_counter() - start}
    return found


def _seconds(work: Callable, device: torch.device) -> float:
    """Wall-clock seconds of the second of two runs, once the card has done all of it."""
    for _ in range(2):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _reset(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _memory(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None


def main(arguments: list[str] | None = None, target: Path = TARGET) -> None:
    """Measure the named sections, or all, and keep what was measured before of the others."""
    asked = argparse.ArgumentParser("python -m tools.make_gpu_results", description=__doc__)
    names = ("peers", *RECIPES, "latent", "notebooks")
    asked.add_argument("names", nargs="*", help=f"of {', '.join(names)}")
    asked.add_argument("--device", default="cuda")
    asked.add_argument("--beside", default="", help="what else ran on the machine, kept with it")
    asked.add_argument("--steps", type=int, help="for a try: this many, and nothing is stored")
    asked = asked.parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        sys.exit("make gpu: expected a graphics card, got none; nothing was measured or stored")
    device = torch.device(asked.device)
    sections = {"peers": peers, "latent": latent, "notebooks": notebooks}
    sections |= {name: partial(recipe, name) for name in RECIPES}
    results.expect_names(asked.names, names)
    for name in asked.names or names:
        row = sections[name](device, asked.steps)
        if asked.steps is None:
            keep(name, row | {"beside": asked.beside}, device, target)
        else:
            print(name, row)


def keep(name: str, row: dict, device: torch.device, target: Path) -> None:
    """Store a section as soon as it is measured; numbers of two cards do not stand in one file."""
    about = {"command": "make gpu", "device": device_name(device), "budget": "gpu", "seeds": [SEED]}
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    same = before.get("device") == about["device"]
    found = (before["sections"] if same else {}) | {name: row}
    results.write(about | results.facts() | {"sections": found}, target)


if __name__ == "__main__":
    main()
