"""Every number of a recipe reaches its training, which is the loop one would write; and it stands in one place."""

import ast
import copy
import dataclasses
import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from genlib import data, recipes
from genlib.autoencoder import Autoencoder, image_autoencoder
from genlib.classifier import Classifier
from genlib.data import ImageSet
from genlib.data.shapes import VOCABULARY
from genlib.ddpm import DDPM, image_ddpm
from genlib.flow import FlowMatching
from genlib.gan import GAN, image_gan
from genlib.guidance import ConditionDropout, NoisyClassifier
from genlib.latent import Codes
from genlib.nets import InBfloat16
from genlib.recipes import RECIPES, Recipe
from genlib.train import constant, cosine, linear
from genlib.vae import VAE, Bernoulli

ROOT = Path(__file__).resolve().parents[1]


class Line(nn.Module):
    """y = w x: a model that is quickly made."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(1))

    def loss(self, x, y=None):
        return {"loss": (self.w * x - (3 if y is None else y)).square().mean()}


x, y = torch.arange(20.0), torch.arange(20) % 3
PLAIN = Recipe(Line, (x,), {"quick": 2, "cpu": 7, "gpu": 9}, 0.05, batch=8)


@pytest.fixture
def small_mnist(monkeypatch):
    """300 images of noise in the place of MNIST, so that nothing has to be at hand."""
    pixels, labels = torch.randint(256, (300, 1, 28, 28)) / 255, torch.arange(300) % 10
    mnist = ImageSet("mnist", *(pixels, labels) * 3)
    real = data.image_set
    monkeypatch.setattr(data, "mnist", lambda: mnist)
    monkeypatch.setattr(data, "image_set", lambda name: mnist if "mnist" in name else real(name))
    return mnist


# --- from a recipe to its training ---------------------------------------------------------------------------


def first(training):
    return next(training.batches)


def decay_of(training):
    """Read off what the average does in the second step."""
    places = []
    for _ in range(2):
        training.step()
        places.append((training.model.w.item(), training.ema.w.item()))
    (_, before), (now, after) = places
    return pytest.approx((after - now) / (before - now), abs=1e-3)


# field: (another value, what the training shows of it, and what that is before and after)
FIELDS = {
    "model": (
        lambda: copy.deepcopy(Line()).double(),
        lambda t: t.model.w.dtype,
        torch.float32,
        torch.float64,
    ),
    "data": ((x[:9], y[:9]), lambda t: [len(part) for part in t.batches.tensors], [20], [9, 9]),
    "steps": ({"cpu": 3}, lambda t: (t.steps, len(t)), (7, 7), (3, 3)),
    "lr": (0.5, lambda t: (t.lr, t.optimizers[""].param_groups[0]["lr"]), (0.05,) * 2, (0.5,) * 2),
    "batch": (4, lambda t: (t.batches.size, len(first(t)[0])), (8, 8), (4, 4)),
    "fall": (cosine, lambda t: t.fall, constant, cosine),
    "ema_decay": (0.75, lambda t: t.ema and decay_of(t), None, 0.75),
    "weight_decay": (
        0.3,
        lambda t: (t.weight_decay, t.optimizers[""].param_groups[0]["weight_decay"]),
        (0, 0),
        (0.3, 0.3),
    ),
    "transform": (lambda x: x + 100, lambda t: first(t)[0].min().item() >= 100, False, True),
}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_reaches_the_training(field):
    value, seen, before, after = FIELDS[field]
    assert seen(PLAIN.training()) == before
    assert seen(replace(PLAIN, **{field: value}).training()) == after


def test_no_field_is_left_out():
    others = {"range", "labels", "gpu", "start", "codes", "code_shape"}
    assert set(FIELDS) | others == {field.name for field in dataclasses.fields(Recipe)}


def test_the_budget_gpu_changes_what_it_names_and_no_other_budget_does():
    larger = replace(PLAIN, gpu={"batch": 4, "lr": 0.5, "model": lambda: Line().double()})
    for budget, steps, batch, lr, dtype in (
        ("quick", 2, 8, 0.05, torch.float32),
        ("cpu", 7, 8, 0.05, torch.float32),
        ("gpu", 9, 4, 0.5, torch.float64),
    ):
        made = larger.training(0, budget)
        assert (made.steps, made.batches.size, made.lr) == (steps, batch, lr)
        assert made.model.w.dtype == dtype


def test_what_a_recipe_starts_with_is_done_once_to_the_fresh_model():
    def start(model, rows):
        with torch.no_grad():
            model.w.fill_(rows.mean())

    training = replace(PLAIN, start=start).training()
    assert training.model.w == 9.5
    training.step()
    assert training.model.w != 9.5


@pytest.mark.parametrize("kind", ["autoencoder", "vae", "gan", "ddpm", "judge"])
@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 12, 12), (3, 32, 32)])
def test_pictures_of_any_shape_have_a_recipe(kind, shape):
    x, y = torch.rand(30, *shape), torch.arange(30) % 3
    images = ImageSet("own", x, y, x[:3], y[:3], x[:3], y[:3], classes=("a", "b", "c"))
    recipe = recipes.for_images(kind, images)
    assert recipe.batch == 30 and recipe.steps["cpu"] > recipe.steps["quick"]
    training = recipe.training(0, "quick")
    assert isinstance(training.model, KINDS[kind])
    terms = training.step()
    assert all(math.isfinite(value) for value in terms.values())
    if kind == "judge":
        assert training.model.net[-1].out_features == 3
    if kind == "ddpm":
        assert training.batches.tensors[0].amin() < -0.9
        assert training.model.ddim(2, shape, 2).shape == (2, *shape)
        larger = recipe.at("gpu").model().net
        assert larger.first.out_channels == 2 * training.model.net.first.out_channels


def test_what_a_caller_changes_wins_over_what_the_budget_changes(monkeypatch):
    monkeypatch.setitem(RECIPES, "line", replace(PLAIN, gpu={"batch": 4, "lr": 0.5}))
    made = recipes.training("line", 0, "gpu", lr=0.25)
    assert (made.lr, made.batches.size) == (0.25, 4)


def test_a_training_lies_where_it_is_asked_to():
    made = replace(PLAIN, data=(x, y), labels=True).training(0, device="meta")
    assert made.model.w.is_meta and all(part.is_meta for part in made.batches.tensors)
    assert recipes.training("vae_digits", 0, "quick", "meta").model.decoder[0].weight.is_meta


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("range_", [(0, 1), (-1, 1)])
def test_an_image_set_comes_in_the_range_and_with_the_labels_asked_for(range_, labels):
    digits = data.digits()
    rows = replace(PLAIN, data="digits", range=range_, labels=labels).training().batches.tensors
    assert len(rows) == 1 + labels
    low, high = range_
    assert_close(rows[0], low + (high - low) * digits.x_train)
    assert not labels or torch.equal(rows[1], digits.y_train)


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_data_are_the_training_images_of_the_set_of_that_name(name, small_mnist):
    (rows,) = replace(PLAIN, data=name).training().batches.tensors
    assert torch.equal(rows, data.image_set(name).x_train)


@pytest.mark.parametrize("name", recipes.POINTS)
def test_points_are_drawn_under_the_seed_in_units_of_their_deviation(name):
    recipe = replace(PLAIN, data=name)
    (points,) = recipe.training(3).batches.tensors
    torch.manual_seed(3)
    drawn = getattr(data, name)().sample(100_000)
    assert torch.equal(points, drawn / drawn.std()) and points.std().item() == pytest.approx(1)
    torch.manual_seed(3)  # by hand, to keep the scale
    drawn = getattr(data, name)().sample(100_000)
    by_hand = replace(PLAIN, data=(drawn / drawn.std(),)).training(None)
    assert by_hand.run() == recipe.training(3).run()


@pytest.mark.parametrize("budget, steps", [("quick", 2), ("cpu", 7), ("gpu", 9)])
def test_the_budget_chooses_the_steps(budget, steps):
    assert PLAIN.training(0, budget).steps == steps
    assert replace(PLAIN, steps={"cpu": 7}).training(0, budget).steps == 7
    for given in ((PLAIN.training, ()), (recipes.training, ("vae_digits",))):
        with pytest.raises(
            (TypeError, ValueError), match="budget: expected one of quick, cpu, gpu, got .*huge"
        ):
            given[0](*given[1], seed=0, budget="huge")


def test_the_seed_is_that_of_weights_shuffle_and_noise():
    noisy = replace(PLAIN, transform=lambda x: x + torch.randn_like(x))
    runs = [noisy.training(seed).run() for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2] and PLAIN.training().run() == PLAIN.training(0).run()
    torch.manual_seed(3)
    assert noisy.training(None).run() == runs[0]
    assert noisy.training(None).run() != runs[0]  # it goes on


def test_a_name_and_changes_give_the_changed_recipe(monkeypatch):
    seen = []
    monkeypatch.setattr(Recipe, "training", lambda *given: seen.append(given) or "training")
    for name, recipe in RECIPES.items():
        assert recipes.training(name, 5, "quick", lr=0.125, fall=constant) == "training"
        assert seen.pop() == (replace(recipe, lr=0.125, fall=constant), 5, "quick", "cpu")
    recipes.training("vae_digits")
    assert seen.pop() == (RECIPES["vae_digits"], 0, "cpu", "cpu")


def test_unknown_recipes_and_fields_are_named():
    with pytest.raises(
        (TypeError, ValueError), match="name: expected one of .*vae_digits.*, got .*vae_letters"
    ):
        recipes.training("vae_letters")
    with pytest.raises((TypeError, ValueError), match="colour"):
        recipes.training("vae_digits", colour="red")
    with pytest.raises((TypeError, ValueError), match="data: expected one of .*digits, mnist"):
        recipes.training("vae_digits", data="letters")
    with pytest.raises(ValueError, match="lr: expected .* above 0, got 0"):
        recipes.training("vae_digits", lr=0)


# --- the loop one would write ----------------------------------------------------------------------------------


def by_hand(
    make, rows, steps, lr, *, batch=100, fall=lambda k, n: 1.0, decay=0.0, ema_decay=None, seed=0
):
    """A training without `Training`, `Batches` or `Recipe`: the weights, their average, and all losses."""
    torch.manual_seed(seed)
    model, average, order, losses = make(), None, [], []
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=decay, fused=True)
    for k in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(rows[0])).tolist()
        picked, order = order[:batch], order[batch:]
        model.train()
        optimizer.param_groups[0]["lr"] = lr * fall(k, steps)
        loss = model.loss(*(part[picked] for part in rows))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        weights = [p.detach().clone() for p in model.parameters()]
        if average is None:
            average = weights
        elif ema_decay is not None:
            average = [
                ema_decay * a + (1 - ema_decay) * w for a, w in zip(average, weights, strict=True)
            ]
    return weights, average, losses


def half_cosine(last):
    def fall(k, n):
        left = min(1, (1 - k / n) / last)
        return (1 + math.cos(math.pi * (1 - left))) / 2

    return fall


def small_ddpm():
    return image_ddpm(widths=(8, 8), classes=10)


HANDS = {
    "vae_digits": {"lr": 3e-3, "fall": half_cosine(1.0)},
    "autoencoder_digits": {"lr": 3e-3, "fall": half_cosine(1.0)},
    "judge_digits": {"lr": 4e-3, "fall": half_cosine(1.0), "decay": 0.3},
    "ddpm_digits_conditional": {
        "lr": 4e-3,
        "fall": half_cosine(0.5),
        "batch": 64,
        "ema_decay": 0.995,
    },
}


@pytest.mark.parametrize("name", HANDS)
def test_a_training_is_the_loop_written_out_by_hand(name):
    recipe = replace(RECIPES[name], steps={"cpu": 18})
    if name.startswith("ddpm"):
        recipe = replace(recipe, model=small_ddpm)
    training = recipe.training(5)
    history = training.run()
    digits = data.digits()
    rows = [2 * digits.x_train - 1 if name.startswith("ddpm") else digits.x_train]
    rows += [digits.y_train] if name in ("judge_digits", "ddpm_digits_conditional") else []
    weights, average, losses = by_hand(recipe.model, rows, 18, **HANDS[name], seed=5)
    assert history["loss"] == losses
    for found, expected in zip(training.model.parameters(), weights, strict=True):
        assert torch.equal(found, expected)
    if training.ema:
        for found, expected in zip(training.ema.parameters(), average, strict=True):
            assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_the_training_of_a_gan_is_its_loop_written_out_by_hand():
    recipe = replace(RECIPES["gan_digits"], steps={"cpu": 6}, model=partial(image_gan, 4, width=16))
    training, real = recipe.training(5), data.digits().x_train
    history = training.run()
    torch.manual_seed(5)
    gan, order = recipe.model().train(), []
    players = [
        torch.optim.Adam(net.parameters(), 4e-3, betas=(0.0, 0.99), fused=True)
        for net in (gan.D, gan.G)
    ]
    for k in range(6):
        order = order if len(order) >= 100 else torch.randperm(1000).tolist()
        batch, order = real[order[:100]], order[100:]
        z_D, z_G = gan.prior(100), gan.prior(100)
        for optimizer, loss, given in zip(
            players, (gan.d_loss, gan.g_loss), ((batch, z_D), (z_G,)), strict=True
        ):
            optimizer.param_groups[0]["lr"] = 4e-3 * (1 - k / 6)
            terms = loss(*given)
            optimizer.zero_grad()
            terms["loss"].backward()
            optimizer.step()
    assert history["g_loss"][-1] == terms["loss"].item()
    for found, expected in zip(training.model.parameters(), gan.parameters(), strict=True):
        assert torch.equal(found, expected)


# --- the recipes of the book -----------------------------------------------------------------------------------

KINDS = {"judge": Classifier, "autoencoder": Autoencoder, "vae": VAE, "gan": GAN, "ddpm": DDPM}
KINDS |= {"classifier": NoisyClassifier, "flow": FlowMatching}
TOLD = ("conditional", "guided", "shapes")  # a condition
FALLS = {"gan": linear}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_takes_a_step(name, small_mnist):
    kind, changes = name.split("_")[0], {}
    if RECIPES[name].codes:  # diffusion on the codes of a VAE
        rows, vae = data.image_set(RECIPES[name].data), RECIPES[RECIPES[name].codes].model().eval()
        codes = Codes.of(vae, rows.x_train[:300], RECIPES[name].code_shape or None)
        changes = {"data": (codes.encode(rows.x_train[:300]), rows.y_train[:300])}
        with pytest.raises(ValueError, match="data: expected .* latent.Codes"):
            recipes.training(name, 1, "quick")
    training = recipes.training(name, 1, "quick", **changes)
    assert isinstance(training.model, KINDS[kind])
    terms = training.step()
    assert all(torch.tensor(list(terms.values())).isfinite()) and training.done == 1
    x = first(training)[0]
    if (
        x.dim() == 4 and not changes and "dequantised" not in name
    ):  # what the model is made for is what the batches hold
        low, ground = -1 if kind in ("ddpm", "flow", "classifier") else 0, "shapes" in name
        dark = low + 0.2  # the ground of drawn shapes is no black
        assert (low < x.min().item() < dark if ground else x.min().item() == low) and x.max() == 1
    told = kind in ("judge", "classifier") or any(word in name for word in TOLD)
    told = told and kind != "vae" or bool(changes)
    assert len(first(training)) == (2 if told else 1)
    assert (training.ema is not None) == (kind in ("ddpm", "flow"))
    assert training.fall(0.999) < 0.01 and training.fall(0.0) == 1  # every rate falls to 0
    if kind == "gan":
        assert training.fall is linear


@pytest.mark.parametrize("name", RECIPES)
def test_a_quick_run_is_quick_and_steps_are_fixed(name):
    steps = RECIPES[name].steps
    assert set(steps) <= {"quick", "cpu", "gpu"} and "cpu" in steps
    assert steps.get("quick", 0) <= 30 and steps["cpu"] >= 500


def test_the_vae_of_mnist_starts_at_the_mean_image(small_mnist):
    vae = recipes.training("vae_mnist", 0, "quick").model
    mean = small_mnist.x_train.mean(dim=0).clamp(0.002, 0.998)
    with torch.no_grad():
        for p in vae.decoder.net[-2].weight, *vae.decoder.net[0].parameters():
            p.zero_()
    assert_close(vae.eval().decode(torch.zeros(1, 32))[0], mean, rtol=2e-2, atol=1e-3)
    assert vae.likelihood == Bernoulli() and vae.latent_dim == 32
    assert vae.encoder.net[1].out_features == 512
    assert isinstance(vae.encoder, InBfloat16) and isinstance(vae.decoder, InBfloat16)


def test_the_models_of_mnist_have_their_sizes():
    gan, ddpm = recipes.mnist_gan(), recipes.mnist_ddpm()
    assert (gan.latent_dim, gan.r1, gan.D.net[1].out_features) == (64, 1.0, 512)
    assert [gan.instance_noise(t) for t in (0, 1)] == pytest.approx([0.15, 0.02])
    assert isinstance(gan.G, InBfloat16) and isinstance(gan.D, InBfloat16)
    net = ddpm.net.net
    assert (net.shape, net.patch, net.first.out_channels, net.to_half.out_channels) == (
        (1, 28, 28),
        2,
        32,
        64,
    )
    assert (ddpm.T, ddpm.predicts, ddpm.clip) == (1000, "v", 1.0) and isinstance(
        ddpm.net, InBfloat16
    )


def test_guided_models_have_a_condition_for_none_and_drop_to_it():
    for name, null in (
        ("ddpm_digits_guided", torch.tensor([10])),
        ("ddpm_mnist_guided", torch.tensor([10])),
        ("ddpm_shapes", VOCABULARY.null),
    ):
        model = RECIPES[name].model()
        assert isinstance(model.net, ConditionDropout) and model.net.share == 0.1
        assert torch.equal(model.net.null, null)
    net = RECIPES["ddpm_shapes"].model().net.net
    assert (net.shape, net.condition.words) == ((3, 16, 16), len(VOCABULARY.words))
    net = RECIPES["ddpm_mnist_guided"].model().net.net
    assert isinstance(net, InBfloat16) and net.net.condition.classes == 11
    assert RECIPES["ddpm_mnist_guided"].at("gpu").model().net.net.net.first.out_channels == 64
    plain = RECIPES["ddpm_digits"].model()
    assert str(recipes.guided_ddpm(plain, torch.tensor([3])).net.net) == str(plain.net)


def test_noisy_classifiers_have_the_schedule_of_the_models_that_they_steer():
    for classifier, model in (
        ("classifier_digits_noisy", "ddpm_digits"),
        ("classifier_mnist_noisy", "ddpm_mnist"),
    ):
        one, other = RECIPES[classifier], RECIPES[model]
        steered = other.model()
        assert torch.equal(one.model().noising.beta, steered.beta) and one.range == other.range
        assert one.data == other.data and one.labels and not other.labels


def test_the_judge_of_a_recipe_has_its_side_and_its_dropout():
    for name, side, dropout in (("judge_digits", 8, 0.5), ("judge_mnist", 28, 0.2)):
        net = RECIPES[name].model().net
        assert [m.p for m in net if isinstance(m, nn.Dropout)] == [dropout]
        assert net(torch.zeros(2, 1, side, side)).shape == (2, 10)


def test_a_recipe_makes_a_new_model_every_time():
    made = [RECIPES["autoencoder_digits"].model() for _ in range(2)]
    assert made[0] is not made[1] and str(made[0]) == str(image_autoencoder(16))


# --- one place for every number ----------------------------------------------------------------------------------


def numbers_in(node):
    """All numbers written in a piece of code."""
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return {value for value in constants if isinstance(value, int | float)}


def parts_of(node):
    """The arguments of a call, or the values of a dictionary."""
    if isinstance(node, ast.Call):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    return [value for value in node.values if value] if isinstance(node, ast.Dict) else []


def typed_again(code):
    """The recipes whose steps and learning rate stand together in one call or dictionary of the code.

    A name counts as the numbers it was set to, also by `run.pick`.
    """
    tree, names = ast.parse(code), {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Constant() | ast.Call(func=ast.Attribute(attr="pick")) as value,
            ):
                names.setdefault(name, set()).update(numbers_in(value))
    found = set()
    for node in ast.walk(tree):
        parts = parts_of(node)
        numbers = set().union(*map(numbers_in, parts))
        numbers |= set().union(*(names.get(p.id, ()) for p in parts if isinstance(p, ast.Name)))
        for name, recipe in RECIPES.items():
            if {recipe.steps["cpu"], recipe.lr} <= numbers:
                found.add(name)
    return found


def code_of(path):
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = "\n".join(code).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("!", "%")))


PLACES = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("tools/*.py"), *ROOT.glob("benchmarks/*.py")]


@pytest.mark.parametrize("path", sorted(PLACES), ids=lambda path: path.stem)
def test_no_recipe_is_typed_again(path):
    again = typed_again(code_of(path))
    assert not again, (
        f"{path.name} repeats the numbers of {again}: take recipes.training or RECIPES"
    )


@pytest.mark.parametrize(
    "code",
    [
        "Training(model, Batches(x), 1000, lr=3e-3, fall=cosine).run()",
        "Training(model, Batches(x), run.pick(quick=20, cpu=1000), 0.003)",
        "steps = run.pick(quick=20, cpu=1000)\nTraining(model, Batches(x), steps, lr=3e-3)",
        "LR = 3e-3\nfit(model, steps=1000, lr=LR)",
        "RECIPE = {'steps': 1000, 'lr': 3e-3}",
        "recipes.training('gan_digits', lr=3e-3, steps={'cpu': 1000})",
    ],
)
def test_a_recipe_that_is_typed_again_would_be_found(code):
    assert "vae_digits" in typed_again(code)


def test_other_numbers_are_no_recipe():
    assert not typed_again("Training(model, Batches(x), 300, lr=3e-3)\nx = density.sample(1000)")
    assert not typed_again("recipes.training('vae_digits', run.seed, run.budget)")


def test_a_range_that_no_map_leads_to_is_refused():
    with pytest.raises(ValueError, match=r"^range: expected \(0, 1\) or \(-1, 1\), got \(-2, 2\)"):
        recipes.training("vae_digits", range=(-2, 2))
