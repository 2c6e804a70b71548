"""Who takes part in `benchmarks.race`: the recipes of the book, and models of other libraries and tutorials.

Every function imports its library itself, so that what is missing keeps out its own contestant only. Peers come as they
are published, and once more at our width; no code of theirs is copied. Their images come from `Batches` like ours,
which costs them less than their own loaders. `benchmarks/requirements-race.txt` says how to install them.
"""

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib import data
from genlib.data import binarise, mnist, signed, unsigned
from genlib.ddpm import DDPM, ddim_times, linear_beta
from genlib.nets import InBfloat16
from genlib.recipes import RECIPES
from genlib.train import Batches, Training
from genlib.vae import VAE

SHAPE, CALLS = (1, 28, 28), 20  # network calls a sample, for every diffusion model on images
POINT_CALLS = (
    50  # for ours in the plane, as many as tiny-diffusion takes; smalldiffusion publishes 20
)


@dataclass
class Contestant:
    """One side of a race, before its first step.

    Args:
        model: whose weights are counted.
        step: takes one step of the training.
        batch: images, or points, of a step.
        show: what the judge looks at: n samples, or a VAE itself.
        about: what it is and how it is trained and sampled, in numbers and a few words.
        pace: told before every step which share of the budget is spent.
        looks: CPU-seconds at which it is judged, where looking costs much; None for those of the race.
    """

    model: nn.Module
    step: Callable[[], object]
    batch: int
    show: Callable[[int], Tensor | VAE]
    about: dict = field(default_factory=dict)
    pace: Callable[[float], None] | None = None
    looks: tuple[float, ...] | None = None


def in_parts(draw: Callable[[int], Tensor], n: int, most: int = 100) -> Tensor:
    """n samples, a few at a time: together they would fill the memory."""
    with torch.no_grad():
        return torch.cat([draw(min(most, n - done)) for done in range(0, n, most)])


def stepping(
    model: nn.Module,
    loss: Callable[[Tensor], Tensor],
    batches: Iterator,
    optimizer: torch.optim.Optimizer,
    clip: float | None = None,
) -> Callable[[], None]:
    """The usual step of a tutorial."""

    def step() -> None:
        model.train()
        optimizer.zero_grad()
        loss(next(batches)[0]).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()

    return step


# --- ours ----------------------------------------------------------------------------------------------------


def ours(
    recipe: str, show: Callable[[nn.Module, int], Tensor | VAE], sampler: str = "", **changes
) -> Contestant:
    """A recipe of the book, its falling rates stretched to the budget: the share that is done is the share spent."""
    chosen = replace(RECIPES[recipe], **changes)
    training = chosen.training(None)
    about = {"recipe": recipe, "lr": chosen.lr, "book_steps": chosen.steps["cpu"]}
    return Contestant(
        training.model,
        training.step,
        chosen.batch,
        lambda n: show(training.ema or training.model, n),
        about | ({"sampler": sampler} if sampler else {}),
        pace=lambda spent: stretch(training, spent),
    )


def stretch(training: Training, spent: float) -> None:
    """Set the number of steps so that the share of them that is done is the share of the budget that is spent."""
    training.steps = max(training.done + 1, round(training.done / max(spent, 1e-6)))


def vae_mnist() -> Contestant:
    return ours("vae_mnist", lambda model, _: in_float32(model))


def in_float32(model: VAE) -> VAE:
    """The same weights without bfloat16: scores are in full precision. The model that is trained stays as it is."""
    parts = (p.net if isinstance(p, InBfloat16) else p for p in (model.encoder, model.decoder))
    return VAE(*parts, model.latent_dim, likelihood=model.likelihood).eval()


def ddpm_mnist() -> Contestant:
    def show(model: DDPM, n: int) -> Tensor:
        return in_parts(lambda m: unsigned(model.ddim(m, SHAPE, CALLS, 1.0)), n, 500)

    return ours("ddpm_mnist", show, f"DDIM, {CALLS} steps, eta 1")


def gan_mnist() -> Contestant:
    return ours("gan_mnist", lambda model, n: model.sample(n))


def points(name: str) -> tuple[Tensor, Tensor]:
    """100,000 points of a density in units of their standard deviation, and that standard deviation."""
    x = getattr(data, name)().sample(100_000)
    return x / x.std(), x.std()


def ddpm_points(density: str) -> Contestant:
    x, scale = points(density)

    def show(model: DDPM, n: int) -> Tensor:
        return model.ddim(n, (2,), ddim_times(model.T, POINT_CALLS, 2.0)) * scale

    return ours("ddpm_points", show, f"DDIM, {POINT_CALLS} finer steps, eta 0", data=(x,))


# --- VAEs ----------------------------------------------------------------------------------------------------


class Pythae(nn.Module):
    """A VAE of pythae seen as an encoder to 2 Z numbers and a decoder to logits."""

    def __init__(self, vae: nn.Module):
        super().__init__()
        self.vae = vae

    def encode(self, x: Tensor) -> Tensor:
        out = self.vae.encoder(x)
        return torch.cat([out.embedding, out.log_covariance], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        return self.vae.decoder(z)["reconstruction"].view(-1, *SHAPE).logit(eps=1e-6)


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def pythae(latent_dim: int = 10, matched: bool = False) -> Contestant:
    """The VAE of pythae's README; its default loss is a squared error, so the Bernoulli one is chosen."""
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig

    model = Theirs(VAEConfig(SHAPE, latent_dim, reconstruction_loss="bce"))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05, betas=(0.91, 0.995))
    step = stepping(model, lambda x: model({"data": x}).loss, grey(200, matched), optimizer)

    def show(_: int) -> VAE:
        both = Pythae(model.eval())
        return VAE(Call(both.encode), Call(both.decode), latent_dim).eval()

    about = {"lr": 1e-3, "latent_dim": latent_dim, "loss": "bce", "optimizer": "AdamW"}
    return Contestant(model, step, 200, show, about | {"x": pixels(matched)})


def tutorial_vae(width: int = 400, latent_dim: int = 20) -> Contestant:
    """One hidden layer each way, as in pytorch/examples/vae; at our width it would be pythae's."""
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 2 * latent_dim)
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, width), nn.ReLU(), nn.Linear(width, 784), nn.Unflatten(1, SHAPE)
    )
    model = VAE(encoder, decoder, latent_dim)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    step = stepping(model, lambda x: model.loss(x)["loss"], grey(128, False), optimizer)
    about = {"lr": 1e-3, "latent_dim": latent_dim, "width": width, "optimizer": "Adam"}
    return Contestant(model, step, 128, lambda _: model.eval(), about | {"x": pixels(False)})


def grey(batch: int, binarised: bool) -> Batches:
    """MNIST as tutorials have it, in grey, or binarised anew in every batch as the judge's images are."""
    return Batches(
        mnist().x_train, size=batch, seed=None, transform=binarise if binarised else None
    )


def pixels(matched: bool) -> str:
    return "binarised anew in every batch" if matched else "grey values"


# --- diffusion on images -------------------------------------------------------------------------------------

FULL = {
    "block_out_channels": (32, 64, 64),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
}
NARROW = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D",) * 2,
    "up_block_types": ("UpBlock2D",) * 2,
    "add_attention": False,
    "norm_num_groups": 8,
}


def hugging_face(net: dict | None = None, batch: int = 128) -> Contestant:
    """Unit 2 of the Hugging Face Diffusion Models Class on MNIST, without its labels."""
    from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

    unet = UNet2DModel(sample_size=28, in_channels=1, out_channels=1, **(net or FULL))
    noising = DDPMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2")

    def loss(x: Tensor) -> Tensor:
        noise, t = torch.randn_like(x), torch.randint(0, 999, (len(x),))
        return F.mse_loss(unet(noising.add_noise(x, noise, t), t).sample, noise)

    def draw(n: int) -> Tensor:
        steps = DDIMScheduler.from_config(noising.config)
        steps.set_timesteps(CALLS)
        x = torch.randn(n, *SHAPE)
        for t in steps.timesteps:
            x = steps.step(unet(x, t).sample, t, x).prev_sample
        return unsigned(x)

    def show(n: int) -> Tensor:
        unet.eval()
        return in_parts(draw, n)

    batches = Batches(signed(mnist().x_train), size=batch, seed=None)
    step = stepping(unet, loss, batches, torch.optim.Adam(unet.parameters(), 1e-3))
    about = {"lr": 1e-3, "optimizer": "Adam", "sampler": f"DDIM, {CALLS} steps, eta 0"}
    return Contestant(unet, step, batch, show, about, looks=(30, 60, 120) if net else (60, 120))


def denoising_diffusion(
    dim: int = 64, mults: tuple[int, ...] = (1, 2, 4, 8), side: int = 32, matched: bool = False
) -> Contestant:
    """The U-Net of denoising-diffusion-pytorch as its README trains it; images of 28 get a black border to 32."""
    theirs = without_torchvision("denoising_diffusion_pytorch", "denoising_diffusion_pytorch")
    theirs.tqdm = lambda steps, **_: steps  # no bar
    net = theirs.Unet(dim=dim, dim_mults=mults, channels=1, flash_attn=True)
    model = theirs.GaussianDiffusion(net, image_size=side, sampling_timesteps=CALLS)
    batch, times, lr = (64, 1, 1e-3) if matched else (32, 2, 8e-5)
    border = (side - 28) // 2
    optimizer = torch.optim.Adam(model.parameters(), lr, betas=(0.9, 0.99))
    batches = Batches(mnist().x_train, size=batch, seed=None)

    def step() -> None:
        model.train()
        for _ in range(times):
            (model(F.pad(next(batches)[0], (border,) * 4)) / times).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    def show(n: int) -> Tensor:
        model.eval()
        x = in_parts(lambda m: model.sample(batch_size=m), n)
        return x[..., border : side - border, border : side - border]

    about = {"lr": lr, "optimizer": "Adam", "sampler": f"DDIM, {CALLS} steps, eta 0", "side": side}
    about["ema"] = "none: its average starts after 100 steps"
    looks = (60, 120) if matched else (120,)
    return Contestant(model, step, batch * times, show, about, looks=looks)


def without_torchvision(package: str, module: str) -> ModuleType:
    """A module of a package that imports torchvision for its data and its trainer, also where there is none.

    The module is read from its file, without the lines that import torchvision, and without the start of the package.
    """
    if importlib.util.find_spec("torchvision"):
        return importlib.import_module(f"{package}.{module}")
    found = importlib.util.find_spec(package)
    if found is None:
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    sys.modules.setdefault(package, importlib.util.module_from_spec(found))
    path = Path(found.origin).with_name(f"{module}.py")
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [
        line for line in lines if not line.startswith(("import torchvision", "from torchvision"))
    ]
    made = ModuleType(f"{package}.{module}")
    made.__package__ = package
    exec(compile("\n".join(kept), path, "exec"), made.__dict__)
    return made


# --- GANs ----------------------------------------------------------------------------------------------------


def dcgan(side: int = 64, width: int = 64, batch: int = 64, z: int = 100) -> Contestant:
    """The DCGAN of pytorch/examples: images of 64 x 64, or with a layer less of 32 x 32."""
    G, D = dcgan_generator(side, width, z), dcgan_discriminator(side, width)
    for layer in (*G, *D):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
    players = [torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (G, D)]
    batches = Batches(signed(mnist().x_train), size=batch, seed=None)
    real, fake = torch.ones(batch), torch.zeros(batch)

    def step() -> None:
        x, x_fake = to_side(next(batches)[0], side), G(torch.randn(batch, z, 1, 1))
        D.zero_grad()
        F.binary_cross_entropy(D(x), real).backward()
        F.binary_cross_entropy(D(x_fake.detach()), fake).backward()
        players[1].step()
        G.zero_grad()
        F.binary_cross_entropy(D(x_fake), real).backward()
        players[0].step()

    def show(n: int) -> Tensor:  # in training mode, as its script draws
        return from_side(unsigned(in_parts(lambda m: G(torch.randn(m, z, 1, 1)), n)))

    about = {"lr": 2e-4, "optimizer": "Adam", "side": side, "width": width}
    return Contestant(nn.ModuleList([G, D]), step, batch, show, about)


def dcgan_channels(side: int, width: int) -> list[int]:
    """From fine to coarse, doubling at each of the halvings down to 4 x 4."""
    return [width * 2**i for i in range(round(math.log2(side)) - 2)]


def dcgan_generator(side: int, width: int, z: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([z, *reversed(dcgan_channels(side, width))]):
        stride, padding = (2, 1) if layers else (1, 0)
        layers += [nn.ConvTranspose2d(n_in, n_out, 4, stride, padding, bias=False)]
        layers += [nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator(side: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([1, *dcgan_channels(side, width)]):
        norm = [nn.BatchNorm2d(n_out)] if layers else []
        layers += [nn.Conv2d(n_in, n_out, 4, 2, 1, bias=False), *norm]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    last = nn.Conv2d(dcgan_channels(side, width)[-1], 1, 4, 1, 0, bias=False)
    return nn.Sequential(*layers, last, nn.Sigmoid(), nn.Flatten(0))


def to_side(x: Tensor, side: int) -> Tensor:
    """Digits of 28 x 28 in [-1, 1] at another size: with a black border at 32, else enlarged."""
    if side == 32:
        return F.pad(x, (2,) * 4, value=-1.0)
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def from_side(x: Tensor) -> Tensor:
    """And back to 28 x 28."""
    if x.shape[-1] == 32:
        return x[..., 2:30, 2:30]
    return F.interpolate(x, size=(28, 28), mode="bilinear", antialias=True)


# --- points --------------------------------------------------------------------------------------------------


def smalldiffusion(density: str, width: int = 128, batch: int = 2048) -> Contestant:
    """The toy model of smalldiffusion's README."""
    nets = without_torchvision("smalldiffusion", "model")
    theirs = without_torchvision("smalldiffusion", "diffusion")
    (x, scale), hidden = points(density), (16, width, width, width, width, 16)
    model = nets.TimeInputMLP(hidden_dims=hidden)
    schedule = theirs.ScheduleLogLinear(N=200, sigma_min=0.005, sigma_max=10)

    def loss(x: Tensor) -> Tensor:
        x_0, sigma, eps, cond = theirs.generate_train_sample(x, schedule)
        return model.get_loss(x_0, sigma, eps, cond=cond)

    def show(n: int) -> Tensor:
        *_, x_0 = theirs.samples(model, schedule.sample_sigmas(20), gam=2, batchsize=n)
        return x_0 * scale

    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    step = stepping(model, loss, Batches(x, size=batch, seed=None), optimizer)
    about = {
        "lr": 1e-3,
        "optimizer": "AdamW",
        "width": width,
        "sampler": "its own, 20 steps, gam 2",
    }
    return Contestant(model, step, batch, show, about)


class Waves(nn.Module):
    """The network of tiny-diffusion, written anew from its description (MIT, github.com/tanelp/tiny-diffusion).

    Sines and cosines of both coordinates, times 25, and of the time; a layer, three residual ones, and a last one.
    """

    def __init__(self, width: int, size: int = 128, blocks: int = 3):
        super().__init__()
        self.register_buffer("w", torch.logspace(0, -4, size // 2))
        self.first = nn.Linear(3 * size, width)
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.last = nn.Linear(width, 2)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        seen = torch.cat([25 * x_t, t[:, None] - 1.0], dim=1)  # its times start at 0
        angle = seen[:, :, None] * self.w
        h = F.gelu(self.first(torch.cat([angle.sin(), angle.cos()], dim=2).flatten(1)))
        for block in self.blocks:
            h = h + F.gelu(block(h))
        return self.last(h)


def tiny_diffusion(density: str, width: int = 128, batch: int = 32, T: int = 50) -> Contestant:
    """tiny-diffusion's defaults: T = 50, a linear schedule, the noise predicted, gradients clipped at 1."""
    x, scale = points(density)
    model = DDPM(Waves(width), linear_beta(T), variance="posterior")

    def loss(x: Tensor) -> Tensor:
        t, eps = torch.randint(1, T + 1, (len(x),)), torch.randn_like(x)
        return F.mse_loss(model.net(model.q_sample(x, t, eps), t), eps)

    optimizer = torch.optim.AdamW(model.net.parameters(), 1e-3)
    step = stepping(model.net, loss, Batches(x, size=batch, seed=None), optimizer, clip=1.0)
    about = {"lr": 1e-3, "optimizer": "AdamW", "width": width, "sampler": f"ancestral, {T} steps"}
    return Contestant(model, step, batch, lambda n: model.sample(n, (2,)) * scale, about)
