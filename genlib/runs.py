"""A run is a folder: what was trained and how, where the training is, what it draws. The command line is made of these.

card.json             what was asked for and on what it ran: enough to make the same model again
training.safetensors  where the training is, all that going on needs; saved again and again on the way
model.safetensors     the model that draws: the moving average of the weights where there is one
codes.safetensors     of a diffusion model in a latent space: the VAE, and the mean and deviation of its codes
log.jsonl             one line for every look at the losses
samples.png, score.json
"""

import contextlib
import datetime
import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import safetensors.torch
import torch
from filelock import FileLock, Timeout
from matplotlib.figure import Figure
from safetensors import SafetensorError
from torch import Tensor, nn

from genlib import data, evaluate, plot, pretrained, words
from genlib.classifier import Classifier
from genlib.data import ImageSet, signed, unsigned
from genlib.data.shapes import PAIRS, VOCABULARY, pair_numbers
from genlib.ddpm import DDPM
from genlib.expect import (
    Amount,
    Count,
    Seed,
    Size,
    border,
    expect_data,
    expect_device,
    expect_number,
    expect_one_of,
)
from genlib.flow import FlowMatching
from genlib.guidance import ConditionDropout, Given, Guided, NoisyClassifier
from genlib.latent import Codes
from genlib.processes import Team, current
from genlib.recipes import IMAGES, POINTS, RECIPES, Recipe, for_images
from genlib.rng import normal
from genlib.run import device_name
from genlib.train import STATE, Training, interrupts, write_whole

KINDS = ("autoencoder", "vae", "gan", "ddpm", "judge")  # of models for pictures of one's own
CARD, MODEL, CODES, LOG = "card.json", "model.safetensors", "codes.safetensors", "log.jsonl"
DDIM_STEPS, AT_ONCE = 50, 500
REAL = {"label": words.TABLE["floor_of_any"]}
JUDGES = (Classifier, NoisyClassifier)  # they draw nothing


# --- what a run trains ---------------------------------------------------------------------------------------


@border
@dataclass(frozen=True)
class Plan:
    """All that decides the weights of a run, but for the kind of its device.

    Args:
        name: of a recipe of the book, or one of KINDS, which take `data`.
        seed, budget: as in `recipes.training`.
        steps, batch: in the place of the recipe's own.
        data: "digits", "mnist", "fashion_mnist", or a folder of images.
        size, channels: of the images of a folder, as in `data.folder`.
        codes: for diffusion in a latent space the run of the VAE whose codes are trained on.
    """

    name: str
    seed: Seed = 0
    budget: str = "cpu"
    steps: Size | None = None
    batch: Size | None = None
    data: str | None = None
    size: Size = 32
    channels: Size = 3
    codes: str | None = None

    def __post_init__(self) -> None:
        expect_one_of("name", self.name, (*RECIPES, *KINDS))
        _expect_named("data", self.data)
        _expect_named("codes", self.codes)
        if self.name in KINDS and self.data is None:
            raise ValueError(
                f"data: expected a folder of images, or one of {', '.join(IMAGES)}, for {self.name}, got none"
            )

    def images(self) -> ImageSet | None:
        """The image set that the run is about; None for points in the plane."""
        named = self.data or RECIPES[self.name].data
        if named in POINTS:
            return None
        return data.image_set(named) if named in IMAGES else self._folder(named)

    def _folder(self, path: str) -> ImageSet:
        images = data.folder(path, self.size, self.channels)
        if self.name == "judge" and len(images.classes) < 2:
            raise ValueError(
                f"data: expected a subfolder for each of two classes or more, got {path} with {len(images.classes)}"
            )
        return images

    def recipe(self, images: ImageSet | None) -> Recipe:
        """How the model is trained on the images; on its own data where there are none."""
        if self.name in KINDS:
            recipe = for_images(self.name, images).at(self.budget)
            if recipe.labels and images.y_train.dim() > 1:
                raise ValueError(f"data: expected images with classes, got {images.name}")
        else:
            recipe = RECIPES[self.name].at(self.budget)
            if self.data:
                self._expect_fit(images)
            if images is not None:
                batch = min(recipe.batch, len(images.x_train))
                recipe = replace(recipe, data=images, batch=batch)
        steps = {} if self.steps is None else {"steps": {"cpu": self.steps}}
        return replace(recipe, **steps, **({} if self.batch is None else {"batch": self.batch}))

    def _expect_fit(self, images: ImageSet | None) -> None:
        """Check that a recipe of the book can take other images than its own."""
        own = RECIPES[self.name].data
        if own in (*POINTS, "shapes", "shapes_32") or images is None:
            kind = "captions" if "shapes" in own else "points"
            raise ValueError(
                f"data: expected none for {self.name}, a recipe of {kind}, got {self.data}"
            )
        wanted = ((1, 8, 8), 17) if own == "digits" else ((1, 28, 28), 256)
        found = tuple(images.x_train.shape[1:]), images.levels
        if found != wanted or len(images.classes) > 10:
            raise ValueError(
                f"data: expected images {wanted[0]} with {wanted[1]} grey levels and 10 classes at most for "
                f"{self.name}, got {found[0]} with {found[1]} levels and {len(images.classes) or 10} classes"
            )


# --- the folder ------------------------------------------------------------------------------------------------


@border
def read_card(folder: str | Path) -> dict:
    """The card of a run.

    Raises:
        ValueError: there is no run in the folder.
    """
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        Plan(**card["plan"]), card["shape"]  # the error says what is missing
        return card
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"folder: expected a folder with a run, got {folder} ({error})") from error


@border
def load(folder: str | Path, device: torch.device | str = "cpu") -> tuple[nn.Module, dict]:
    """The model of a run, in evaluation mode, and its card.

    Raises:
        ValueError: there is no run in the folder, or it has no model yet.
    """
    folder, card = Path(folder), read_card(folder)
    plan, shape = Plan(**card["plan"]), card["shape"]
    blank = torch.zeros(1, *shape), torch.zeros(1, dtype=torch.long)
    images = None
    if len(shape) == 3:
        images = ImageSet("blank", *blank * 3, card["levels"], tuple(card["classes"]))
    model = plan.recipe(images).model()
    _read(folder / MODEL, model)
    if card.get("codes"):
        model.codes = _stored_codes(folder, card["codes"])  # `draw` decodes with them
    return model.to(expect_device("device", device)).eval().requires_grad_(False), card


def _read(path: Path, model: nn.Module) -> None:
    """Read the weights of a model from a file."""
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"folder: expected {path} of a {type(model).__name__}, got {error}"
        ) from error


# --- diffusion in a latent space ----------------------------------------------------------------------------------


def _on_codes(
    plan: Plan, recipe: Recipe, images: ImageSet | None, folder: Path, resume: bool
) -> tuple[Recipe, Codes | None, dict]:
    """The recipe with codes of its images as data, where it is one of a latent space; what makes them; the card's part.

    Raises:
        ValueError: no run of the right VAE is given, or one that is not needed.
    """
    if not recipe.codes:
        if plan.codes:
            raise ValueError(f"codes: expected none for {plan.name}, got {plan.codes}")
        return recipe, None, {}
    about = read_card(folder).get("codes") if resume else None
    if about and (folder / CODES).exists():
        codes = _stored_codes(folder, about)
    else:
        codes, about = _new_codes(plan, recipe, images)
    shape = list(images.x_train.shape[1:])
    recipe = replace(recipe, data=(codes.encode(images.x_train), images.y_train))
    return recipe, codes, {"shape": shape, "codes": about}


def _new_codes(plan: Plan, recipe: Recipe, images: ImageSet) -> tuple[Codes, dict]:
    """The codes of a VAE that was trained in another run, and what a card says of them."""
    if not plan.codes:
        raise ValueError(f"codes: expected the run of a {recipe.codes}, got none (--codes RUN)")
    vae, card = load(plan.codes)
    found = card["plan"]["name"], card["data"]["sha256"]
    if found != (recipe.codes, _digest(images.x_train)):
        raise ValueError(
            f"codes: expected the run of a {recipe.codes} on {images.name}, "
            f"got {plan.codes}, a {found[0]} on {card['data']['name']}"
        )
    codes = Codes.of(vae, images.x_train, recipe.code_shape or None)
    budget = card["plan"]["budget"]
    return codes, {"name": recipe.codes, "budget": budget, "shape": list(codes.shape)}


def _stored_codes(folder: Path, about: dict) -> Codes:
    """The codes that a run was trained on."""
    vae, shape = RECIPES[about["name"]].at(about["budget"]).model(), about["shape"]
    ones = torch.ones(shape[0], *[1] * (len(shape) - 1))
    codes = Codes(vae, 0 * ones, ones, shape)
    _read(folder / CODES, codes)
    return codes.eval().requires_grad_(False)


def _begun(folder: Path, card: dict, resume: bool) -> dict:
    """The card of a new run, or of the one to go on with."""
    if resume:
        return _same(folder, card)
    _claim(folder, card)
    return card


def _claim(folder: Path, card: dict) -> None:
    """Make the folder of a new run, so that no other run can have it.

    Raises:
        ValueError: there is a run already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = [name for name in (STATE, MODEL, LOG) if (folder / name).exists()]
    try:
        if taken:
            raise FileExistsError(taken[0])
        with (folder / CARD).open("x", encoding="utf-8") as file:
            json.dump(card, file, indent=1)
    except FileExistsError as error:
        raise ValueError(
            f"folder: expected a new folder, got {folder} with {error.filename or error}; "
            "--resume goes on with a run, another --out begins a new one"
        ) from error


def _same(folder: Path, card: dict) -> dict:
    """The card of the run to go on with, once it is known to be the one that is asked for.

    Raises:
        ValueError: names what differs.
    """
    old = read_card(folder)
    for what in ("plan", "data"):
        for key, value in card[what].items():
            where = key in (("path", "name") if what == "data" else ("data", "codes"))
            if not where and old[what].get(key) != value:
                raise ValueError(
                    f"folder: expected the run in {folder} with {key} {old[what].get(key)}, got {value}"
                )
    return old


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Meanwhile no other process trains in the folder; the lock ends with the process, however it ends."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder: expected a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise ValueError(
            f"folder: expected a folder in which no other process trains, got {folder}"
        ) from error


# --- train -------------------------------------------------------------------------------------------------------


@border
def train(
    plan: Plan,
    folder: str | Path,
    device: torch.device | str = "cpu",
    *,
    resume: bool = False,
    save_every: Amount = 30.0,
) -> bool:
    """Train in a folder, from the beginning or from where it was put down; whether it came to its end.

    Args:
        resume: go on with the run in the folder. (Several processes all call this alike; the first one writes.)
        save_every: seconds between two savings.

    Raises:
        ValueError: names what is wrong with the plan or the folder, before anything is written.
    """
    folder, team, images = Path(folder), current(), plan.images()
    device = team.device if team else expect_device("device", device)
    recipe, codes, about = _on_codes(plan, plan.recipe(images), images, folder, resume)
    training = recipe.training(plan.seed, plan.budget, device).spread(team)
    first = team is None or team.is_main
    with _held(folder) if first else contextlib.nullcontext():
        if first:
            card = _begun(folder, _card(plan, recipe, images, training, device) | about, resume)
            if codes and not (folder / CODES).exists():
                write_whole(folder / CODES, _bytes(codes))
        if team:
            team.wait()
        if resume and (folder / STATE).exists():
            training.load(folder)
        if not first:
            return _steps(training, lambda: None, team)
        keep = _Keeper(folder, card, training, save_every)
        with keep.clean_start():
            whole = _steps(training, keep.look, team)
        keep.save(whole)
        if whole and not isinstance(training.model, JUDGES):
            _show(folder, 64 if images else 2500, device)
    return whole


def _show(folder: Path, n: int, device: torch.device) -> None:
    """Draw from a run that has just ended, from the files, so that what is shown is what was kept."""
    figure(draw(*load(folder, device), n, _rng(0))).savefig(folder / "samples.png", dpi=150)


def _steps(training: Training, look, team: Team | None) -> bool:
    """Take the steps that are left, with a look after each; Ctrl-C ends it after a step. Whether all were taken.

    Raises:
        KeyboardInterrupt: a second Ctrl-C cut a step in two; what was saved before it stands.
    """
    kept = interrupts() if team is None else contextlib.nullcontext()  # a team stops at once
    with kept as asked:
        for _ in training:
            look()
            if asked:
                return False
    if asked and len(asked) > 1:
        raise KeyboardInterrupt
    return training.done == training.steps


class _Keeper:
    """Saves a training again and again, keeps its log, and shows where it is."""

    def __init__(self, folder: Path, card: dict, training: Training, every: float):
        self.folder, self.card, self.training, self.every = folder, card, training, every
        self.before, self.start, self.saved = card.get("wall_s", 0.0), time.time(), time.time()
        self.logged = max(1, training.steps // 200)
        lines = [json.loads(line) for line in _whole_lines(folder / LOG)]
        kept = [json.dumps(line) + "\n" for line in lines if line["step"] <= training.done]
        write_whole(folder / LOG, "".join(kept).encode())  # and nothing of steps that are lost
        self.bar = _Bar(training, card["plan"]["name"], sys.stderr)

    def look(self) -> None:
        """After every step: a line of the log, a line on the screen, a saved state, each from time to time."""
        training, now = self.training, time.time()
        if training.done % self.logged == 0 or training.done == training.steps:
            line = {"step": training.done, "wall_s": round(self.wall_s(), 2)}
            terms = {name: values[-1] for name, values in training.history.items()}
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line | terms) + "\n")
        self.bar.look(now)
        if now - self.saved >= self.every and training.done < training.steps:
            self.save(False)
            self.saved = time.time()

    @contextlib.contextmanager
    def clean_start(self) -> Iterator[None]:
        """Where the very first step is refused, nothing of the run stays."""
        try:
            yield
        except (ValueError, TypeError):
            if self.training.done == 0:
                (self.folder / CARD).unlink()
                (self.folder / LOG).unlink()
            raise

    def wall_s(self) -> float:
        """Seconds that the run has taken, over all its parts."""
        return self.before + time.time() - self.start

    def save(self, whole: bool) -> None:
        """The state first, then what is made of it; after a crash in between, going on makes it again."""
        self.training.save(self.folder)
        weights = _bytes(self.training.ema or self.training.model)
        write_whole(self.folder / MODEL, weights)
        self.card |= {"done": self.training.done, "wall_s": round(self.wall_s(), 2)}
        self.card |= {"sha256": hashlib.sha256(weights).hexdigest(), "whole": whole}
        write_whole(self.folder / CARD, json.dumps(self.card, indent=1).encode())


def _whole_lines(path: Path) -> list[str]:
    """The lines of a log; the last one may have been cut."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [line for line in text.splitlines(keepends=True) if line.endswith("}\n")]


class _Bar:
    """Where a training is: steps, loss, time left. On a screen one line that changes, else a line at times."""

    def __init__(self, training: Training, name: str, out):
        self.training, self.name, self.out, self.live = training, name, out, out.isatty()
        self.first, self.start, self.last = training.done, time.time(), time.time()

    def look(self, now: float) -> None:
        """Say it twice a second on a screen, else every ten seconds, and at the end."""
        ended = self.training.done == self.training.steps
        if now - self.last < (0.5 if self.live else 10) and not ended:
            return
        self.last = now
        self.out.write(f"\r{self.text(now):<100}" if self.live else self.text(now) + "\n")
        if ended and self.live:
            self.out.write("\n")
        self.out.flush()

    def text(self, now: float) -> str:
        training = self.training
        rate = (training.done - self.first) / max(now - self.start, 1e-9)
        losses = {name: v[-100:] for name, v in training.history.items() if name.endswith("loss")}
        said = ", ".join(f"{name} {sum(v) / len(v):.4g}" for name, v in losses.items())
        left = len(training) / rate if rate else 0
        return (
            f"{self.name}: {training.done:,} of {training.steps:,} steps, {said}, "
            f"{rate:.3g} steps/s, {_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _card(
    plan: Plan, recipe: Recipe, images: ImageSet | None, training: Training, device: torch.device
) -> dict:
    """What is known of a run when it begins."""
    x = training.batches.tensors[0]
    return {
        "command": " ".join(["python -m genlib", *sys.argv[1:]]),
        "plan": asdict(plan),
        "model": type(training.model).__name__,
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "steps": training.steps,
        "batch": training.batches.size,
        "lr": training.lr,
        "shape": list(x.shape[1:]),
        "signed": recipe.range == (-1, 1),
        "labels": recipe.labels,
        "captions": bool(recipe.labels and images and images.y_train.dim() > 1),
        "classes": list(images.classes) if images else [],
        "levels": images.levels if images else 0,
        "unit": 1.0 if images else _unit(plan),
        "data": {
            "name": images.name if images else RECIPES[plan.name].data,
            "path": str(Path(plan.data).resolve()) if plan.data and plan.data not in IMAGES else "",
            "train": len(x),
            "sha256": _digest(images.x_train if images else x),
        },
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "done": 0,
    }


def _bytes(model: nn.Module) -> bytes:
    """The weights of a model as a safetensors file."""
    return safetensors.torch.save({k: v.contiguous() for k, v in model.state_dict().items()})


def _digest(x: Tensor) -> str:
    """A mark of data: that of about a thousand rows among them."""
    some = x[:: max(1, len(x) // 1000)].contiguous().cpu()
    return hashlib.sha256(some.numpy().tobytes()).hexdigest()


def _unit(plan: Plan) -> float:
    """The standard deviation that the points of a density were divided by."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return getattr(data, RECIPES[plan.name].data)().sample(100_000).std().item()


# --- sample and score --------------------------------------------------------------------------------------------


@border
def draw(
    model: nn.Module,
    card: dict,
    n: Count,
    rng: torch.Generator,
    condition: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """n samples of a run's model: images (n, C, H, W) in [0, 1] on their grey levels, or points (n, 2).

    A diffusion model takes 50 steps, with fresh noise; with conditions each is drawn in turn, without fresh noise.
    A flow takes 50, too. For points a diffusion model takes all its steps, and a flow 1,000.

    Args:
        condition: what to draw, one for all, (1, ...), as `asked_for` gives it, or one for each, (n, ...); those of
            `labels` if left out.
        scale: of guidance, for a model that was trained for it; 1 if left out.

    Raises:
        ValueError: the model cannot draw, or takes no condition, or no scale.
    """
    _expect_card(card)
    if isinstance(model, JUDGES):
        raise ValueError(f"model: expected one that draws, got a {card['model']}")
    y = _conditions(card, n, condition)
    if scale is not None and not (y is not None and isinstance(model.net, ConditionDropout)):
        raise ValueError(f"scale: expected none for a model without guidance, got {scale:g}")
    if not card["levels"]:
        return _points(model, n, rng) * card["unit"]
    parts = torch.arange(n).split(AT_ONCE)
    x = torch.cat([_images(_under(model, y, part, scale), card, len(part), rng) for part in parts])
    if card.get("codes"):
        x = model.codes.decode(x)
    return evaluate.to_grey_levels(unsigned(x) if card["signed"] else x, card["levels"])


def _conditions(card: dict, n: int, condition: Tensor | None) -> Tensor | None:
    """The condition of each of n samples; None for a model that takes none."""
    if not card["labels"]:
        if condition is not None:
            raise ValueError(f"condition: expected none for a {card['model']} without, got one")
        return None
    y = labels(card, n) if condition is None else condition
    if y.dim() == 0 or len(y) not in (1, n):
        raise ValueError(f"condition: expected 1 or {n}, got shape {tuple(y.shape)}")
    return y.expand(n, *y.shape[1:])


def _under(model: nn.Module, y: Tensor | None, rows: Tensor, scale: float | None) -> nn.Module:
    """The model under some of the conditions; as it is where there are none."""
    if y is None:
        return model
    y = y[rows].to(model.beta.device)
    return model.replace(net=Given(model.net, y) if scale is None else Guided(model.net, y, scale))


def _expect_card(card: dict) -> None:
    """Check that a dictionary is the card of a run."""
    needed = ("model", "shape", "signed", "labels", "classes", "levels", "unit")
    if missing := [key for key in needed if key not in card]:
        raise ValueError(f"card: expected the card of a run, got one without {', '.join(missing)}")


def _points(model: nn.Module, n: int, rng: torch.Generator) -> Tensor:
    if isinstance(model, FlowMatching):
        return model.sample(n, (2,), 1000, rng)
    return model.sample(n, (2,), rng) if isinstance(model, DDPM) else model.sample(n, rng)


def _images(model: nn.Module, card: dict, n: int, rng: torch.Generator) -> Tensor:
    if isinstance(model, FlowMatching):
        return model.sample(n, card["shape"], DDIM_STEPS, rng)
    if not isinstance(model, DDPM):
        return model.sample(n, rng)
    eta = 0.0 if card["labels"] else 1.0
    shape = card["codes"]["shape"] if card.get("codes") else card["shape"]
    return model.ddim(n, shape, DDIM_STEPS, eta, rng)


@border
def write_images(x: Tensor, folder: str | Path) -> None:
    """A PNG for each image of x (n, C, H, W) in [0, 1], 00000.png and so on; grey ones as in the book, ink dark.

    Raises:
        ValueError: the folder holds files already, or x are no images.
    """
    from PIL import Image

    if expect_data("x", x, "n C H W")["C"] not in (1, 3):
        raise ValueError(f"x: expected images of 1 or 3 channels, got {tuple(x.shape)}")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder: expected a new folder or one without files, got {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    x = 1 - x if x.shape[1] == 1 else x
    pixels = (x.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for i, image in enumerate(pixels):
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
            folder / f"{i:05}.png"
        )


@border
def labels(card: dict, n: Count) -> Tensor:
    """What n samples of a conditional model are drawn for: each class in turn, (n,), or each pair's tokens, (n, L)."""
    _expect_card(card)
    if card.get("captions"):
        return _captions(PAIRS, n)
    return torch.arange(n) % _classes(card)


@border
def asked_for(card: dict, label: int | None = None, caption: str | None = None) -> Tensor | None:
    """One class, (1,), or the tokens of one caption, (1, L), as a condition for `draw`; None if nothing is asked for.

    Raises:
        ValueError: the model takes no such condition, or does not know the word.
    """
    _expect_card(card)
    takes = "captions" if card.get("captions") else "labels" if card["labels"] else "neither"
    for name, value, kind in (("label", label, "labels"), ("caption", caption, "captions")):
        if value is not None and takes != kind:
            raise ValueError(
                f"{name}: expected none for a {card['model']} that takes {takes}, got {value!r}"
            )
    if caption is not None:
        return VOCABULARY.tokens([caption])
    if label is not None:
        expect_number("label", label, 0, _classes(card) - 1)
        return torch.tensor([label])
    return None


def _classes(card: dict) -> int:
    return len(card["classes"]) or 10


def _captions(pairs: Sequence[tuple[str, str]], n: int) -> Tensor:
    """The tokens of "colour shape" for each pair in turn, (n, L)."""
    return VOCABULARY.tokens([" ".join(pairs[i % len(pairs)]) for i in range(n)])


@border
def figure(x: Tensor) -> Figure:
    """Samples as a figure: a grid of images, or points in the plane."""
    if x.dim() == 4:
        return plot.images(x, math.ceil(math.sqrt(len(x))) or None)
    expect_data("x", x, "n 2")
    return plot.scatter_2d(x)


@border
def score(
    folder: str | Path,
    n: Size = 2000,
    device: torch.device | str = "cpu",
    *,
    judge: str | Path | None = None,
    path: str | None = None,
) -> dict[str, dict]:
    """What n samples of a run score, beside the floor: what real data score. Kept in score.json.

    Args:
        judge: a run of a judge, for pictures of one's own.
        path: where the folder of images lies now, if it was moved.
    """
    _expect_named("judge", judge)
    _expect_named("path", path)
    model, card = load(folder, device)
    plan = Plan(**card["plan"])
    if not card["levels"]:
        rows = _score_points(model, card, n, device)
    else:
        images = replace(plan, data=path or card["data"]["path"] or plan.data).images()
        if _digest(images.x_train) != card["data"]["sha256"]:
            raise ValueError(f"path: expected the pictures of the run, got others in {path}")
        images = images.to(device)
        if isinstance(model, JUDGES):
            rows = {"run": {"accuracy": _accuracy(model, images)}}
        elif card.get("captions"):
            rows = _score_captions(model, card, n)
        else:
            rows = _score_images(model, card, images, n, _judge(images, judge, device))
    kept = rows | {"judge": str(judge or "")}
    write_whole(Path(folder) / "score.json", json.dumps(kept, indent=1).encode())
    return rows


def _expect_named(name: str, place: str | Path | None) -> None:
    """Check that a folder that is given has a name: a text of no letters is none."""
    if place == "":
        raise ValueError(f"{name}: expected the name of a folder, got ''")


def _score_points(model: nn.Module, card: dict, n: int, device: torch.device | str) -> dict:
    density = getattr(data, card["data"]["name"])().to(device)
    floor = evaluate.points_floor(density, n, _rng(2)) | REAL
    found = evaluate.score_points(draw(model, card, n, _rng(0)), density, _rng(1))
    found = {name: value if math.isfinite(value) else None for name, value in found.items()}
    return {"floor": floor, "run": found}


@torch.no_grad()
def _accuracy(model: Classifier | NoisyClassifier, images: ImageSet) -> float:
    """The share of test images that are read right; by a judge of noisy ones each at ten times, spread over 1 to T."""
    x, y = images.x_test, images.y_test
    if isinstance(model, Classifier):
        return (model.predict(x) == y).double().mean().item()
    rng, found = _rng(0), []
    for _ in range(10):
        t, eps = model.noising.times(len(x), rng).to(x.device), normal(x, x.shape, rng)
        found.append(model.loss(signed(x), y, t=t, eps=eps)["accuracy"].item())
    return sum(found) / len(found)


def _score_captions(model: nn.Module, card: dict, n: int) -> dict:
    """How often n drawings show the colour and shape of their captions, of pairs in the training data and of others."""
    drawn = data.shapes(n, card["shape"][1], 3)
    rows = {"real": evaluate.score_shapes(drawn.x, drawn.pair) | REAL}
    for name, pairs in zip(("seen", "held_out"), data.held_out(8), strict=True):
        x = draw(model, card, n, _rng(0), _captions(pairs, n))
        pair = pair_numbers(pairs)[torch.arange(n) % len(pairs)]
        score = evaluate.score_shapes(x, pair.to(x.device))
        rows[name] = score | {"label": words.TABLE[name]}
    return rows


def _score_images(
    model: nn.Module, card: dict, images: ImageSet, n: int, judge: Classifier | None
) -> dict:
    x = draw(model, card, n, _rng(0))
    y = labels(card, n).to(x.device) if card["labels"] and judge else None
    floor = evaluate.images_floor(images, judge, min(n, len(images.x_train)))
    return {
        "floor": floor if images.name == "digits" else floor | REAL,
        "run": evaluate.score_images(x, images, judge, y),
    }


def _judge(
    images: ImageSet, judge: str | Path | None, device: torch.device | str
) -> Classifier | None:
    """Who reads the samples: the judge that comes with the book, one's own, or nobody."""
    if judge:
        reader, card = load(judge, device)
        shape, classes = list(images.x_train.shape[1:]), list(images.classes)
        if card["model"] != "Classifier" or (card["shape"], card["classes"]) != (shape, classes):
            raise ValueError(
                f"judge: expected a run of a judge for images {tuple(shape)} of {classes or 'these'}, "
                f"got a {card['model']} for {tuple(card['shape'])} of {card['classes']}"
            )
        return reader
    return pretrained.judge(images.name, device) if images.name in pretrained.JUDGES else None


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


__all__ = [
    "KINDS",
    "Plan",
    "asked_for",
    "draw",
    "figure",
    "labels",
    "load",
    "read_card",
    "score",
    "train",
]
