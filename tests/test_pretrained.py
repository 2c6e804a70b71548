"""The networks that come with the book are what their cards say, and compute what can be written out by hand."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from test_nets import conv, linear, silu, unet_by_hand
from torch import nn
from torch.testing import assert_close

from genlib import evaluate, pretrained
from genlib.data import digits, signed
from genlib.pretrained import ASSETS, card, judge, tensors
from genlib.recipes import RECIPES

MODELS = {
    "judge_digits": lambda: judge("digits"),
    "judge_mnist": lambda: judge("mnist"),
    "judge_fashion_mnist": lambda: judge("fashion_mnist"),
    "ddpm_digits": pretrained.digits_ddpm,
    "ddpm_digits_guided": pretrained.digits_ddpm_guided,
    "ddpm_shapes_small": pretrained.shapes_ddpm_small,
    "autoencoder_plane": pretrained.latent_plane_autoencoder,
    "vae_plane": pretrained.latent_plane_vae,
}
RECIPE_OF = {name: name.replace("plane", "latent_plane") for name in MODELS}
NAMES = sorted(path.stem for path in ASSETS.glob("*.safetensors"))


# --- assets and cards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_is_the_one_its_card_was_written_for(name):
    facts, path = card(name), ASSETS / f"{name}.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"]
    must = {"command", "what", "data", "seed", "cpu_s", "device", "threads", "versions", "date"}
    assert must <= set(facts)
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{facts['command'].removeprefix('make ')}:", makefile, re.MULTILINE)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])
    assert header.keys() - {"__metadata__"} == tensors(name).keys()  # safetensors, no pickle


def test_every_asset_has_a_card_and_every_network_a_test():
    assert sorted(path.stem for path in ASSETS.glob("*.json")) == NAMES
    networks = {name for name in NAMES if "parameters" in card(name)}
    assert networks == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_networks_are_frozen_in_evaluation_mode_and_as_large_as_their_card_says(name):
    model, facts = MODELS[name](), card(name)
    assert not any(part.training for part in model.modules())
    assert not any(p.requires_grad for p in model.parameters())
    assert sum(p.numel() for p in model.parameters()) == facts["parameters"]
    stored = {k: v for k, v in tensors(name).items() if not k.startswith("mixture.")}
    for key, value in model.state_dict().items():
        assert torch.equal(value, stored.pop(key)), key
    assert not stored


@pytest.mark.parametrize("name", MODELS)
def test_a_card_was_made_by_the_recipe_of_the_book(name):
    recipe, facts = RECIPES[RECIPE_OF[name]], card(name)
    numbers = {"steps": recipe.steps["cpu"], "lr": recipe.lr, "batch": recipe.batch}
    numbers |= {"weight_decay": recipe.weight_decay, "ema_decay": recipe.ema_decay}
    found = {**facts, **facts.get("chosen", {})}
    shared = numbers.keys() & found.keys()
    assert shared >= {"steps", "lr", "batch"}
    assert {key: found[key] for key in shared} == {key: numbers[key] for key in shared}
    for key, value in facts.get("chosen", {}).items():
        if key in ("width", "dropout"):
            parts = recipe.model()
            sizes = [m.out_features for m in parts.modules() if isinstance(m, nn.Linear)]
            drops = [m.p for m in parts.modules() if isinstance(m, nn.Dropout)]
            assert value in (sizes if key == "width" else drops)


def test_a_judge_is_loaded_once_and_is_the_one_of_the_measures():
    assert judge() is judge() and evaluate.judge("digits") is judge("digits")
    assert judge("mnist") is not judge("digits")
    assert (
        pretrained.digits_ddpm() is not pretrained.digits_ddpm()
    )  # who changes it changes its own


UNKNOWN = {
    "judge": lambda: judge("cats"),
    "tensors": lambda: tensors("cats"),
    "card": lambda: card("cats"),
    "mixture": lambda: pretrained.latent_plane_mixture("cats"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_names_are_named(name):
    with pytest.raises((TypeError, ValueError), match="name: expected one of .*got .*'cats"):
        UNKNOWN[name]()


def test_nothing_outside_the_folder_can_be_asked_for():
    for name in ("../recipes", "", str(Path(ASSETS / "judge_digits")), "judge_digits.safetensors"):
        with pytest.raises((TypeError, ValueError), match="name: expected one of"):
            tensors(name)


# --- forward passes out of the stored tensors alone --------------------------------------------------------------


def batch_norm(w, name, x):
    """In evaluation mode: with the mean and the variance that training kept."""
    shape = (1, -1) + (1,) * (x.dim() - 2)
    part = {
        key: w[f"{name}.{key}"].view(shape)
        for key in ("running_mean", "running_var", "weight", "bias")
    }
    normed = (x - part["running_mean"]) / (part["running_var"] + 1e-5).sqrt()
    return normed * part["weight"] + part["bias"]


def layers(w, name, x):
    """Two hidden layers with batch normalisation and SiLU, as encoder and decoder of chapters 2 and 3 have them."""
    first = min(
        int(k.split(".")[1]) for k in w if k.startswith(f"{name}.") and k.endswith("weight")
    )
    for at in (first, first + 3):
        x = silu(batch_norm(w, f"{name}.{at + 1}", linear(w, f"{name}.{at}", x)))
    return linear(w, f"{name}.{first + 6}", x)


@pytest.mark.parametrize(
    "name, side, strides",
    [("digits", 8, (1, 2)), ("mnist", 28, (1, 2, 2)), ("fashion_mnist", 28, (1, 2, 2))],
)
def test_the_judge_is_the_formula(name, side, strides):
    w, x = tensors(f"judge_{name}"), torch.rand(5, 1, side, side)
    h = x
    for k, stride in enumerate(strides):
        h = batch_norm(w, f"net.{3 * k + 1}", conv(w, f"net.{3 * k}", h, stride)).clamp(min=0)
    h, k = h.flatten(1), 3 * len(strides)  # a flatten, a dropout, and two layers more
    features = batch_norm(w, f"net.{k + 3}", linear(w, f"net.{k + 2}", h)).clamp(min=0)
    logits = linear(w, f"net.{k + 5}", features)
    assert_close(judge(name).features(x), features, rtol=1e-4, atol=1e-4)
    assert_close(judge(name).log_prob(x), F.log_softmax(logits, dim=1), rtol=1e-4, atol=1e-4)
    assert torch.equal(judge(name).predict(x), logits.argmax(dim=1))


def test_the_diffusion_model_of_the_digits_is_the_formula():
    w = tensors("ddpm_digits")
    net = {key.removeprefix("net."): value for key, value in w.items() if key.startswith("net.")}
    model, x, t = (
        pretrained.digits_ddpm(),
        torch.randn(4, 1, 8, 8),
        torch.tensor([1, 250, 500, 1000]),
    )
    v = unet_by_hand(net, x, t)
    assert_close(model.net(x, t), v, rtol=1e-3, atol=1e-3)
    f = [torch.tensor((k / 1000 + 0.008) / 1.008 * torch.pi / 2).cos() ** 2 for k in t.tolist()]
    alpha_bar = (torch.stack(f) / torch.tensor(0.008 / 1.008 * torch.pi / 2).cos() ** 2).view(
        4, 1, 1, 1
    )
    x_0 = (alpha_bar.clamp(min=0).sqrt() * x - (1 - alpha_bar).sqrt() * v).clamp(-1, 1)
    assert_close(model.predict(x, t)[0], x_0, rtol=2e-3, atol=2e-3)
    assert (model.predicts, model.clip, model.T) == ("v", 1.0, 1000)


def test_the_autoencoder_of_the_latent_plane_is_the_formula():
    w, x = tensors("autoencoder_plane"), digits().x_test[:20]
    model, z = pretrained.latent_plane_autoencoder(), layers(w, "encoder", x.flatten(1))
    assert z.shape == (20, 2)
    assert_close(model.encode(x), z, rtol=1e-4, atol=1e-4)
    x_hat = layers(w, "decoder", z).sigmoid().view(20, 1, 8, 8)
    assert_close(model.reconstruct(x), x_hat, rtol=1e-3, atol=1e-4)


def test_the_vae_of_the_latent_plane_is_the_formula():
    w, x = tensors("vae_plane"), digits().x_test[:20]
    model, both = pretrained.latent_plane_vae(), layers(w, "encoder", x.flatten(1))
    mu, logvar = both[:, :2], both[:, 2:]
    assert_close(torch.cat(model.encode(x), dim=1), both, rtol=1e-4, atol=1e-4)
    assert_close(
        model.decode(mu), layers(w, "decoder", mu).sigmoid().view(20, 1, 8, 8), rtol=1e-3, atol=1e-4
    )
    eps = torch.randn(20, 2)
    logits = layers(w, "decoder", mu + (logvar / 2).exp() * eps).view(20, 1, 8, 8)
    p = torch.distributions.Binomial(16, logits=logits)
    recon = -p.log_prob(16 * x).flatten(1).sum(dim=1).mean()
    kl = (0.5 * (mu.square() + logvar.exp() - 1 - logvar)).sum(dim=1).mean()
    assert_close(model.loss(x, eps=eps)["loss"], recon + kl, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_the_mixture_of_a_latent_plane_is_the_stored_one(name):
    mixture, stored = pretrained.latent_plane_mixture(name), tensors(f"{name}_plane")
    for part in ("weights", "means", "roots"):
        assert torch.equal(getattr(mixture, part), stored[f"mixture.{part}"])
    assert len(mixture.weights) == card(f"{name}_plane")["chosen"]["components"]
    assert mixture.weights.sum().item() == pytest.approx(1, abs=1e-5)


def test_what_the_models_do_with_digits_they_never_saw():
    """Not only right in form: far better than the mean image, and sure of the class."""
    x, y = digits().x_test, digits().y_test
    spread = (x - digits().x_train.mean(dim=0)).square().flatten(1).sum(dim=1).mean()
    for model in (pretrained.latent_plane_autoencoder(), pretrained.latent_plane_vae()):
        assert (model.reconstruct(x) - x).square().flatten(1).sum(dim=1).mean() < 0.75 * spread
    assert judge().log_prob(x).exp().gather(1, y[:, None]).mean() > 0.97
    t = torch.full((500,), 200)
    model, clean = pretrained.digits_ddpm(), signed(x)
    noisy = model.q_sample(clean, t, torch.randn_like(clean))
    restored = model.predict(noisy, t)[0]
    assert (restored - clean).square().mean() < 0.3 * (noisy - clean).square().mean()
