"""Train the autoencoder with two code numbers behind `interact.latent_plane` and write its weights: `make plane`.

The network is the book's own and the recipe is plain; width and learning rate are chosen by the error on the
validation images, and so is the number of Gaussians of the mixture that is fitted to the codes.
"""

import datetime
import hashlib
import itertools
import json
import platform
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from genlib.autoencoder import Autoencoder, CodeLaw, fitted_mixture, image_autoencoder
from genlib.data import digits
from genlib.run import Clock
from genlib.train import batches, fit

SEED, STEPS, BATCH = 0, 3000, 100
WIDTHS, RATES, COMPONENTS = (64, 128), (3e-3, 1e-2), (1, 5, 10, 15, 20, 30)
TARGET = Path(__file__).parents[1] / "genlib" / "assets" / "autoencoder_plane"


def train(x: Tensor, width: int, lr: float, steps: int = STEPS) -> Autoencoder:
    """One autoencoder by one recipe, the same on every run."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    model = image_autoencoder(2, width=width)
    loader = batches(x, size=BATCH, rng=rng)
    fit(model, loader, steps, lr, anneal=True, title=f"width {width}, learning rate {lr:g}")
    return model


def error(model: Autoencoder, x: Tensor) -> float:
    """Squared error summed over the pixels, mean over the images, in evaluation mode."""
    with torch.no_grad():
        return model.loss(x)["loss"].item()


def choose_mixture(z: Tensor, z_val: Tensor) -> tuple[CodeLaw, dict[int, float]]:
    """The mixture with the highest mean log-density on z_val, and what each number of components reached."""
    laws = {k: fitted_mixture(z, k, torch.Generator().manual_seed(SEED)) for k in COMPONENTS}
    reached = {k: law.log_prob(z_val).mean().item() for k, law in laws.items()}
    return laws[max(reached, key=reached.get)], reached


def main() -> None:
    torch.set_num_threads(1)
    data, tried = digits(), []
    with Clock() as clock:
        for width, lr in itertools.product(WIDTHS, RATES):
            model = train(data.x_train, width, lr)
            tried.append((error(model, data.x_val), {"width": width, "lr": lr}, model))
        best, chosen, model = min(tried, key=lambda one: one[0])
        with torch.no_grad():
            mixture, reached = choose_mixture(model.encode(data.x_train), model.encode(data.x_val))
    weights, test = TARGET.with_suffix(".safetensors"), error(model, data.x_test)
    law = {"weights": mixture.weights, "means": mixture.means, "roots": mixture.roots}
    save_file(model.state_dict() | {f"mixture.{name}": part for name, part in law.items()}, weights)
    card = {
        "command": "make plane",
        "what": "autoencoder of the 8 x 8 digits with two code numbers, and a mixture fitted to its codes",
        "data": "digits: 1,000 train images to fit, 297 validation images to choose, 500 test images once",
        "seed": SEED,
        "steps": STEPS,
        "batch": BATCH,
        "chosen": chosen | {"val_squared_error": best, "components": len(mixture.weights)},
        "tried": [recipe | {"val_squared_error": value} for value, recipe, _ in tried],
        "tried_components": [{"components": k, "val_nats": v} for k, v in reached.items()],
        "test_squared_error": test,
        "train_squared_error": error(model, data.x_train),
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_s": round(clock.cpu_s, 1),
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    TARGET.with_suffix(".json").write_text(text, encoding="utf-8")
    print(f"squared error on the test images {test:.3f}; wrote {weights.name}")


if __name__ == "__main__":
    main()
