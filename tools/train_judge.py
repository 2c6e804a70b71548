"""Train the judge of the digits and write its weights and its card: `make judge`.

Every Fréchet distance of the book is measured with these weights, so this runs once per edition.
The recipe is chosen among a few by the loss on the validation images; the test images are looked at once, at the end.
"""

import datetime
import hashlib
import itertools
import json
import platform
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from genlib.classifier import Classifier, small_conv
from genlib.data import digits
from genlib.evaluate import frechet_distance
from genlib.run import Clock
from genlib.train import batches, fit

SEED, STEPS, BATCH, LR, WEIGHT_DECAY = 0, 600, 100, 4e-3, 0.3
DROPOUTS, SHIFTS = (0.2, 0.5), (0.0, 0.3)
TARGET = Path(__file__).parents[1] / "genlib" / "assets" / "judge_digits"


def shifted(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Move a `share` of the images (B, 1, H, W) by up to one pixel in each direction."""
    H, W = x.shape[2:]
    moves = torch.rand(len(x), 1, generator=rng) < share
    start = torch.where(moves, torch.randint(3, (len(x), 2), generator=rng), 1).tolist()
    wide = F.pad(x, (1, 1, 1, 1))
    return torch.stack(
        [image[:, i : i + H, j : j + W] for image, (i, j) in zip(wide, start, strict=True)]
    )


def train(x: Tensor, y: Tensor, dropout: float, shift: float) -> Classifier:
    """One judge by one recipe, the same on every run."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    model = Classifier(small_conv(dropout=dropout))
    loader = ((shifted(a, shift, rng), b) for a, b in batches(x, y, size=BATCH, rng=rng))
    fit(
        model,
        loader,
        STEPS,
        LR,
        weight_decay=WEIGHT_DECAY,
        anneal=True,
        title=f"dropout {dropout}, shift {shift}",
    )
    return model


def measure(model: Classifier, x: Tensor, y: Tensor) -> dict[str, float]:
    """Loss in nats per image and accuracy, in evaluation mode."""
    with torch.no_grad():
        return {name: value.item() for name, value in model.loss(x, y).items()}


def main() -> None:
    torch.set_num_threads(1)
    data, tried, best = digits(), [], None
    with Clock() as clock:
        for dropout, shift in itertools.product(DROPOUTS, SHIFTS):
            model = train(data.x_train, data.y_train, dropout, shift)
            val = measure(model, data.x_val, data.y_val)
            tried.append(
                {
                    "dropout": dropout,
                    "shift": shift,
                    "val_loss": val["loss"],
                    "val_accuracy": val["accuracy"],
                }
            )
            if best is None or val["loss"] < best[0]:
                best = val["loss"], model, tried[-1]
    _, model, chosen = best
    weights = TARGET.with_suffix(".safetensors")
    save_file(model.state_dict(), weights)
    test = measure(model, data.x_test, data.y_test)
    with torch.no_grad():
        floor = frechet_distance(model.features(data.x_train), model.features(data.x_test))
    card = {
        "command": "make judge",
        "what": "classifier of the 8 x 8 digits; its 32 penultimate features carry the Fréchet distances",
        "data": "digits: 1,000 train images to fit, 297 validation images to choose the recipe, 500 test images once",
        "seed": SEED,
        "steps": STEPS,
        "batch": BATCH,
        "lr": LR,
        "weight_decay": WEIGHT_DECAY,
        "chosen": chosen,
        "tried": tried,
        "test_accuracy": test["accuracy"],
        "test_loss_nats": test["loss"],
        "frechet_floor": floor,
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_s": round(clock.cpu_s, 1),
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    TARGET.with_suffix(".json").write_text(
        json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(
        f"test accuracy {test['accuracy']:.3f}, floor of the Fréchet distance {floor:.3f}; wrote {weights.name}"
    )


if __name__ == "__main__":
    main()
