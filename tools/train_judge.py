"""Train the judges of the image sets and write their weights and cards: `make judge`, or `JUDGE=mnist` for one.

Every Fréchet distance of the book is measured with these weights, so this runs once per edition.
The variant is chosen among a few by the loss on the validation images; the test images are looked at once, at the end.
"""

import itertools
import sys
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.classifier import Classifier
from genlib.data import image_set
from genlib.evaluate import frechet_distance
from genlib.pretrained import ASSETS, JUDGES
from genlib.recipes import RECIPES, judge
from genlib.run import Clock
from tools import results
from tools.results import described, expect_names, features, generator, parameters, write_asset

SEED, NAMES = 0, JUDGES
DROPOUTS, SHIFTS = (0.2, 0.5), (0.0, 0.3)


def shifted(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Move a `share` of the images (B, 1, H, W) by up to one pixel in each direction."""
    H, W = x.shape[2:]
    moves = torch.rand(len(x), 1, generator=rng) < share
    start = torch.where(moves, torch.randint(3, (len(x), 2), generator=rng), 1).tolist()
    wide = F.pad(x, (1, 1, 1, 1))
    return torch.stack(
        [image[:, i : i + H, j : j + W] for image, (i, j) in zip(wide, start, strict=True)]
    )


def train(name: str, dropout: float, shift: float, **changes) -> Classifier:
    """One judge, the same on every run."""
    rng, side = generator(SEED), image_set(name).x_train.shape[-1]
    return results.train(
        f"judge_{name}",
        SEED,
        f"dropout {dropout}, shift {shift}",
        rng,
        model=partial(judge, side, dropout),
        transform=partial(shifted, share=shift, rng=rng),
        **changes,
    ).model


@torch.no_grad()
def measure(model: Classifier, x: Tensor, y: Tensor) -> dict[str, float]:
    """Loss in nats per image and accuracy, in evaluation mode."""
    log_p = torch.cat([model.log_prob(part) for part in x.split(1000)])
    accuracy = (log_p.argmax(dim=1) == y).float().mean().item()
    return {"loss": F.nll_loss(log_p, y).item(), "accuracy": accuracy}


def train_judge(name: str) -> None:
    """Train all variants on one image set, and keep the judge with the smallest validation loss."""
    data, recipe, tried = image_set(name), RECIPES[f"judge_{name}"], []
    with Clock() as clock:
        for dropout, shift in itertools.product(DROPOUTS, SHIFTS):
            model = train(name, dropout, shift)
            val = measure(model, data.x_val, data.y_val)
            row = {"dropout": dropout, "shift": shift}
            tried.append((row | {f"val_{key}": value for key, value in val.items()}, model))
    chosen, model = min(tried, key=lambda one: one[0]["val_loss"])
    test = measure(model, data.x_test, data.y_test)
    floor = frechet_distance(*(features(model, x) for x in (data.x_train[:10_000], data.x_test)))
    fit_n, val_n, test_n = (f"{len(x):,}" for x in (data.x_train, data.x_val, data.x_test))
    card = {
        "command": "make judge",
        "what": f"classifier of {name}; its 32 penultimate features carry the Fréchet distances",
        "data": f"{name}: {fit_n} train images to fit, {val_n} validation images to choose the variant, "
        f"{test_n} test images once",
        "recipe": f"judge_{name}",
        "seed": SEED,
        **described(recipe),
        "weight_decay": recipe.weight_decay,
        "chosen": chosen,
        "tried": [row for row, _ in tried],
        "test_accuracy": test["accuracy"],
        "test_loss_nats": test["loss"],
        "frechet_floor": floor,
        "parameters": parameters(model),
    }
    write_asset(model.state_dict(), ASSETS / f"judge_{name}", card, clock.cpu_s)
    print(f"test accuracy {test['accuracy']:.4f}, floor of the Fréchet distance {floor:.3f}")


def main(names: list[str]) -> None:
    """Train the named judges, or all."""
    expect_names(names, NAMES, "JUDGE")
    torch.set_num_threads(1)
    for name in names or NAMES:
        train_judge(name)


if __name__ == "__main__":
    main(sys.argv[1:])
