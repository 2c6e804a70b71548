"""Train the judges of the image sets and write their weights and cards: `make judge`, or `JUDGE=mnist` for one.

Every Fréchet distance of the book is measured with these weights, so this runs once per edition.
The recipe is chosen among a few by the loss on the validation images; the test images are looked at once, at the end.
"""

import itertools
import sys

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.classifier import Classifier, small_conv
from genlib.data import ImageSet, images
from genlib.evaluate import frechet_distance
from genlib.run import Clock
from genlib.train import batches, fit
from tools.results import ASSETS, write_asset

SEED, LR = 0, 4e-3
DROPOUTS, SHIFTS = (0.2, 0.5), (0.0, 0.3)
RECIPES = {
    "digits": {"steps": 600, "batch": 100, "weight_decay": 0.3},
    "mnist": {"steps": 1000, "batch": 200, "weight_decay": 0.3},
}


def shifted(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Move a `share` of the images (B, 1, H, W) by up to one pixel in each direction."""
    H, W = x.shape[2:]
    moves = torch.rand(len(x), 1, generator=rng) < share
    start = torch.where(moves, torch.randint(3, (len(x), 2), generator=rng), 1).tolist()
    wide = F.pad(x, (1, 1, 1, 1))
    return torch.stack(
        [image[:, i : i + H, j : j + W] for image, (i, j) in zip(wide, start, strict=True)]
    )


def train(data: ImageSet, recipe: dict, dropout: float, shift: float) -> Classifier:
    """One judge by one recipe, the same on every run."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    model = Classifier(small_conv(dropout=dropout, side=data.x_train.shape[-1]))
    pairs = batches(data.x_train, data.y_train, size=recipe["batch"], rng=rng)
    fit(
        model,
        ((shifted(x, shift, rng), y) for x, y in pairs),
        recipe["steps"],
        LR,
        weight_decay=recipe["weight_decay"],
        anneal=True,
        title=f"dropout {dropout}, shift {shift}",
    )
    return model


@torch.no_grad()
def measure(model: Classifier, x: Tensor, y: Tensor) -> dict[str, float]:
    """Loss in nats per image and accuracy, in evaluation mode."""
    log_p = torch.cat([model.log_prob(part) for part in x.split(1000)])
    accuracy = (log_p.argmax(dim=1) == y).float().mean().item()
    return {"loss": F.nll_loss(log_p, y).item(), "accuracy": accuracy}


@torch.no_grad()
def features(model: Classifier, x: Tensor) -> Tensor:
    """What the judge sees in images, (n, features), a thousand at a time: all at once would fill the memory."""
    return torch.cat([model.features(part) for part in x.split(1000)])


def train_judge(name: str) -> None:
    """Train all recipes on one image set, and keep the judge with the smallest validation loss."""
    data, recipe = images(name), RECIPES[name]
    tried, best = [], None
    with Clock() as clock:
        for dropout, shift in itertools.product(DROPOUTS, SHIFTS):
            model = train(data, recipe, dropout, shift)
            val = measure(model, data.x_val, data.y_val)
            row = {"dropout": dropout, "shift": shift}
            tried.append(row | {f"val_{key}": value for key, value in val.items()})
            if best is None or val["loss"] < best[0]:
                best = val["loss"], model, tried[-1]
    _, model, chosen = best
    test = measure(model, data.x_test, data.y_test)
    known = features(model, data.x_train[:10_000])
    floor = frechet_distance(known, features(model, data.x_test))
    fit_n, val_n, test_n = (f"{len(x):,}" for x in (data.x_train, data.x_val, data.x_test))
    card = {
        "command": "make judge",
        "what": f"classifier of {name}; its 32 penultimate features carry the Fréchet distances",
        "data": f"{name}: {fit_n} train images to fit, {val_n} validation images to choose the recipe, "
        f"{test_n} test images once",
        "seed": SEED,
        "lr": LR,
        **recipe,
        "chosen": chosen,
        "tried": tried,
        "test_accuracy": test["accuracy"],
        "test_loss_nats": test["loss"],
        "frechet_floor": floor,
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    write_asset(model.state_dict(), ASSETS / f"judge_{name}", card, clock.cpu_s)
    print(f"test accuracy {test['accuracy']:.4f}, floor of the Fréchet distance {floor:.3f}")


def main(names: list[str]) -> None:
    """Train the named judges, or all."""
    torch.set_num_threads(1)
    for name in names or RECIPES:
        train_judge(name)


if __name__ == "__main__":
    main(sys.argv[1:])
