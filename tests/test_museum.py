"""The bug museum: each fault does what its page says, stored runs carry its claims, and each check finds its fault."""

import math
import re
from pathlib import Path
from statistics import fmean

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib import data
from genlib.ddpm import DDPM, cosine_beta
from genlib.gan import GAN, image_gan
from genlib.guidance import Guided
from genlib.losses import gradient_penalty
from genlib.recipes import RECIPES
from genlib.table import stored
from genlib.train import Batches, Training
from genlib.vae import VAE, image_vae
from tools import make_museum_results as tool
from tools import museum
from tools.results import generator

PAGE = (Path(__file__).resolve().parent.parent / "book" / "bug_museum.md").read_text(
    encoding="utf-8"
)
FOUND = stored("museum")


def both(name: str, key: str) -> tuple[list[float], list[float]]:
    """A number of the faulty runs, and of the sound ones."""
    return FOUND[name]["faulty"][key], FOUND[name]["sound"][key]


def pairs(name: str, key: str):
    return zip(*both(name, key), strict=True)


# --- the page and the file -----------------------------------------------------------------------------------


def test_the_page_shows_every_exhibit_with_its_code_its_question_and_its_source():
    assert [name for name in tool.SECTIONS if name in FOUND] == list(tool.SECTIONS)
    parts = re.split(r"^### \d+\. .+$", PAGE, flags=re.M)[1:]
    assert len(parts) == len(tool.SECTIONS) == 12
    for name, part in zip(tool.SECTIONS, parts, strict=True):
        question, answer = part.split(":::{dropdown}")
        assert f"museum:{name}.pictures.faulty" in question and "```{quiz}" in question, name
        assert "museum.py" not in question, f"{name}: the code stands in the answer"
        assert "../tools/museum.py" in answer and "*The next time.*" in answer, name
        assert re.search(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", answer), name
        assert set(re.findall(r"museum:(\w+)\.", part)) <= {name, "n", "steps"}


def test_the_file_holds_the_seeds_and_thinned_curves():
    for name in tool.SECTIONS:
        for run in ("faulty", "sound"):
            seeds = tool.SEEDS[:1] if name == "beta_as_deviation" else tool.SEEDS
            assert all(len(v) == len(seeds) for v in FOUND[name][run].values()), name
            assert len(FOUND[name]["pictures"][run]) == tool.SHOWN
            curves = FOUND[name].get("curves", {}).get(run, {})
            assert all(len(curve) <= tool.POINTS + 1 for curve in curves.values())
    assert FOUND["steps"] == tool.STEPS


# --- codes ---------------------------------------------------------------------------------------------------


def vae_of(fault: type[VAE]) -> VAE:
    torch.manual_seed(0)
    return museum.turned_into(fault, image_vae(16)).eval()


def test_the_averaged_divergence_is_a_sixteenth_and_the_rest_is_right():
    x, eps = data.digits().x_test[:50], torch.randn(50, 16, generator=generator(0))
    right, wrong = (vae_of(kind).loss(x, eps=eps) for kind in (VAE, museum.AveragedDivergence))
    torch.testing.assert_close(16 * wrong["kl"], right["kl"])
    torch.testing.assert_close(wrong["recon"], right["recon"])
    mu, logvar = vae_of(VAE).encode(x)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    term = torch.distributions.kl_divergence(q, p).sum(dim=1).mean()  # the check of the page
    torch.testing.assert_close(term, right["kl"])
    assert wrong["kl"] < term / 10


def test_many_codes_of_one_image_show_the_variance_in_place_of_the_deviation():
    mu, logvar = torch.zeros(10_000, 1), torch.full((10_000, 1), 2 * math.log(0.3))
    for kind, sd in ((VAE, 0.3), (museum.VarianceAsDeviation, 0.09)):
        vae = museum.turned_into(kind, image_vae(1))
        eps = torch.randn(10_000, 1, generator=generator(0))
        assert vae.reparameterize(mu, logvar, eps).std().item() == pytest.approx(sd, rel=0.05)


def test_the_printed_losses_are_better_and_the_bounds_worse():
    for name in ("averaged_divergence", "variance_as_deviation"):
        assert all(a < 0.9 * b for a, b in pairs(name, "printed")), name
        assert all(a > 1.1 * b for a, b in pairs(name, "true")), name
        sound = FOUND[name]["sound"]
        assert sound["printed"] == pytest.approx(
            sound["true"], rel=1e-4
        )  # the twin tells the truth
        for run in FOUND[name]["curves"]["faulty"]["loss"], FOUND[name]["curves"]["sound"]["loss"]:
            assert run[0] > run[5] > run[-1]
    averaged, variance = "averaged_divergence", "variance_as_deviation"
    assert all(a > 2 * b for a, b in pairs(averaged, "kl"))
    assert all(a < b for a, b in pairs(averaged, "recon"))
    assert all(a > b + 1 for a, b in pairs(averaged, "frechet"))
    assert all(0.6 * b < a < 0.7 * b for a, b in pairs(variance, "kl"))
    assert all(a > b + 20 for a, b in pairs(variance, "recon"))
    assert all(a < b for a, b in pairs(variance, "frechet"))
    faulty = FOUND[averaged]["faulty"]
    assert faulty["kl"] == pytest.approx([16 * kl for kl in faulty["printed_kl"]], rel=1e-4)


# --- the game ------------------------------------------------------------------------------------------------


def test_a_second_sigmoid_bounds_the_loss_of_d_and_ends_in_a_draw():
    real, fake = torch.tensor([1.0]), torch.tensor([0.0])  # the best that D can say
    bound = (F.softplus(-real) + F.softplus(fake)).item()
    assert bound == pytest.approx(math.log(1 + math.exp(-1)) + math.log(2))
    found = FOUND["sigmoid_twice"]["faulty"]
    assert bound == pytest.approx(1.006, abs=5e-4) and min(found["least_d_loss"]) > 1.35
    assert found["last_d_loss"] == pytest.approx([math.log(4)] * 3, abs=1e-4)
    assert found["last_g_loss"] == pytest.approx([math.log(2)] * 3, abs=1e-4)
    assert (
        max(found["last_gradient"]) < 1e-4 < 1e-2 < min(both("sigmoid_twice", "last_gradient")[1])
    )
    assert all(a > 10 * b for a, b in pairs("sigmoid_twice", "frechet"))
    assert FOUND["sigmoid_twice"]["curves"]["faulty"]["gradient"][5] < 1e-3
    losses = [FOUND["sigmoid_twice"]["curves"][run]["d_loss"] for run in ("faulty", "sound")]
    assert all(abs(value - math.log(4)) < 0.06 for curve in losses for value in curve)
    run = tool.gan_run.__wrapped__(museum.SigmoidTwice, 0, first=150)
    with torch.no_grad():
        seen = [run.model.logits(x) for x in (data.digits().x_train, run.model.sample(100))]
    assert max(x.max() for x in seen) < 0.05  # pushed to 0, where the sigmoid is flat


def test_a_sound_d_alone_tells_still_fakes_at_once_and_a_sigmoid_stops_it():
    class Still(museum.SigmoidTwice, museum.DetachedTwice):
        """Both faults at once: D alone, with a sigmoid too many."""

    for kind, low, high in ((museum.DetachedTwice, 0, 0.3), (Still, 1.0, 1.4)):
        seen = tool.gan_run.__wrapped__(kind, 0, first=100).seen["d_loss"]
        assert low < fmean(seen[-10:]) < high


def test_detached_twice_no_gradient_ever_reaches_g():
    found = FOUND["detached_twice"]["faulty"]
    assert found["most_gradient"] == [0, 0, 0] and max(found["last_d_loss"]) < 1e-3
    assert min(found["frechet"]) > 20 * max(both("detached_twice", "frechet")[1])
    for kind, cut in ((GAN, False), (museum.DetachedTwice, True)):
        torch.manual_seed(0)
        gan = museum.turned_into(kind, image_gan())
        gan.g_loss(gan.prior(20))["loss"].backward()
        slopes = [p.grad for p in gan.G.parameters()]
        assert all((slope is None or not slope.any()) is cut for slope in slopes)


def test_a_missing_detach_in_the_turn_of_d_changes_no_weight():
    class Attached(GAN):
        def d_loss(self, x, z):
            x = x.clone().requires_grad_()
            real, fake = self.logits(x), self.logits(self.G(z))
            loss = F.softplus(-real) + F.softplus(fake) + self.r1 / 2 * gradient_penalty(real, x)
            loss.mean().backward(retain_graph=True)
            assert all(p.grad.any() for p in self.G.parameters())  # the gradient does reach G
            return {"loss": loss.mean()}

    weights = []
    for kind in (GAN, Attached):
        training = RECIPES["gan_digits"].training(0)
        museum.turned_into(kind, training.model)
        for _ in range(5):
            training.step()
        weights.append(training.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_in_training_mode_a_picture_depends_on_its_company_and_drawing_changes_the_model():
    found = FOUND["training_mode"]
    assert found["sound"]["spread"] == [0, 0, 0] and min(found["faulty"]["spread"]) > 1
    assert found["sound"]["moved"] == [0, 0, 0] and min(found["faulty"]["moved"]) > 0
    pictures = found["pictures"]
    assert all(picture == pictures["sound"][0] for picture in pictures["sound"])
    assert len({tuple(picture) for picture in pictures["faulty"]}) == tool.SHOWN
    wrong, right = (fmean(values) for values in both("training_mode", "frechet"))
    assert abs(wrong - right) < 0.3
    torch.manual_seed(0)
    gan, z = image_gan().eval(), torch.randn(8, 32)
    other = torch.cat([z[:1], torch.randn(7, 32)])
    with torch.no_grad():
        assert torch.equal(gan.G(z)[0], gan.G(other)[0])
    first, second = (museum.drawn_in_training_mode(gan, batch)[0] for batch in (z, other))
    assert not torch.allclose(first, second, atol=1e-3)
    assert any(module.training for module in gan.modules())


# --- noise, in training --------------------------------------------------------------------------------------


def test_pixels_from_0_to_1_look_like_progress_and_draw_no_paper():
    found = FOUND["wrong_range"]
    assert all(0.45 * b < a < 0.55 * b for a, b in pairs("wrong_range", "last_loss"))
    assert all(a < b for a, b in pairs("wrong_range", "last_gradient"))
    assert min(found["faulty"]["lowest"]) > 0.4 > max(found["sound"]["lowest"]) == 0
    half = (1 + found["mean_of_the_data"]) / 2
    assert found["faulty"]["mean"] == pytest.approx([half] * 3, abs=0.01)
    assert found["sound"]["mean"] == pytest.approx([found["mean_of_the_data"]] * 3, abs=0.01)
    assert found["faulty"]["label_accuracy"] == pytest.approx([0.1] * 3)  # one class for all
    assert min(found["sound"]["label_accuracy"]) > 0.95
    x = museum.pixels_as_they_come(data.digits())[0]
    assert (x.min(), x.max()) == (0, 1)  # the check: the model's own data have another range
    assert RECIPES["ddpm_digits_guided"].rows()[0].min() == -1


def test_the_early_average_belongs_to_the_same_training_and_remembers_its_start():
    found = FOUND["early_average"]
    assert found["faulty"]["last_loss"] == found["sound"]["last_loss"]
    assert found["curves"]["faulty"] == found["curves"]["sound"]
    assert (
        max(found["faulty"]["label_accuracy"]) < 0.15 < 0.95 < min(found["sound"]["label_accuracy"])
    )
    assert all(a > 20 * b for a, b in pairs("early_average", "frechet"))
    assert found["share_of_start"]["1000"] == pytest.approx(0.9999**999)
    assert FOUND["steps"]["ddpm"] == 1000  # those that the page names
    torch.manual_seed(0)
    net = nn.Linear(1, 1)
    net.loss = lambda x: {"loss": net(x).square().mean()}
    training = Training(net, Batches(torch.randn(8, 1), size=4), 50, **museum.SLOW_AVERAGE)
    training.step()
    start = net.weight.item()
    training.run()
    share = (training.ema.weight.item() - net.weight.item()) / (start - net.weight.item())
    assert share > 0.99  # the check of the page: another loss than the model's, since other weights


def test_labels_in_another_order_are_as_good_as_none():
    found = FOUND["labels_apart"]
    assert (
        max(found["faulty"]["label_accuracy"]) < 0.15 < 0.95 < min(found["sound"]["label_accuracy"])
    )
    assert all(1.15 * b < a < 1.3 * b for a, b in pairs("labels_apart", "last_loss"))
    assert max(found["faulty"]["frechet"]) < 2.5  # digits all the same
    x, y = museum.shuffled_apart(data.digits(), generator(0))
    images = data.digits()
    of_picture = {
        tuple(row.flatten().tolist()): int(label)
        for row, label in zip(images.x_train, images.y_train, strict=True)
    }
    kept = [of_picture[tuple(((row + 1) / 2).flatten().tolist())] for row in x]
    assert sorted(kept) == sorted(images.y_train.tolist()) == sorted(y.tolist())
    assert 0.05 < fmean(a == b for a, b in zip(kept, y.tolist(), strict=True)) < 0.15


# --- noise, in drawing ---------------------------------------------------------------------------------------


class Nothing(nn.Module):
    """A network that says 0."""

    def forward(self, x_t, t):
        return torch.zeros_like(x_t)


def test_one_step_from_one_place_shows_beta_in_place_of_its_root():
    x_t, noise = torch.zeros(20_000, 1), torch.randn(20_000, 1, generator=generator(0))
    for t in (10, 500):
        for kind, power in ((DDPM, 1), (museum.BetaAsDeviation, 2)):
            model = museum.turned_into(kind, DDPM(Nothing(), cosine_beta(1000)))
            variance = model.p_step(x_t, t, noise).var().item()
            assert variance == pytest.approx(model.beta[t].item() ** power, rel=0.05)


def test_with_beta_as_deviation_all_draw_alike_and_the_end_looks_healthy():
    found, curves = FOUND["beta_as_deviation"], FOUND["beta_as_deviation"]["curves"]
    assert found["faulty"]["class_tv"][0] > 0.6 > 0.15 > found["sound"]["class_tv"][0]
    assert found["faulty"]["frechet"][0] > 20 * found["sound"]["frechet"][0]
    wrong, right = curves["faulty"]["spread"], curves["sound"]["spread"]
    assert min(wrong[:9]) < 0.25 < 0.9 < min(right[:9])
    assert wrong[-1] == pytest.approx(right[-1], rel=0.05)
    shown = {name: torch.tensor(x).double() for name, x in found["pictures"].items()}
    assert shown["faulty"].std(dim=0).mean() < 0.5 * shown["sound"].std(dim=0).mean()
    assert cosine_beta(1000)[1].sqrt() < 1 / 16  # of the last step: half a grey level is 1 / 16


def test_alpha_for_alpha_bar_decides_at_once():
    found, curves = FOUND["alpha_for_alpha_bar"], FOUND["alpha_for_alpha_bar"]["curves"]
    assert all(a > 20 * b for a, b in pairs("alpha_for_alpha_bar", "frechet"))
    assert all(a < 0.8 * b for a, b in pairs("alpha_for_alpha_bar", "sd"))
    assert min(found["faulty"]["class_tv"]) > 0.75
    draws = found["sound"]["frechet"]  # of one model: what the page says of draws
    assert 0.2 < max(draws) - min(draws) < 0.3
    spread = curves["faulty"]["spread"]
    assert spread[0] > 0.95 and all(0.5 < value < 0.6 for value in spread[1:])
    model = DDPM(Nothing(), cosine_beta(1000))
    right = model.alpha_bar.clone()
    wrong = museum.alpha_for_alpha_bar(model).alpha_bar
    assert right[0] == wrong[0] == 1 and (right.diff() < 0).all()
    assert wrong[950] > 0.9 and right[950] < 0.01  # the second of twenty steps
    assert (wrong.diff() < 0).all() and wrong[-1] < 0.01, "its ends do not tell"
    assert wrong[500] > 0.99 and right[500] < 0.5, "the check of the page: the middle does"


def test_swapped_halves_are_guidance_at_one_minus_the_scale():
    class Told(nn.Module):
        def forward(self, x_t, t, y):
            return x_t * (1 + y.view(-1, 1))

    x_t, t = torch.randn(5, 3, generator=generator(0)), torch.ones(5, dtype=torch.long)
    y, null = torch.arange(5), torch.tensor([10])
    for scale in (0.0, 1.0, 2.0, 2.5):
        wrong = museum.HalvesSwapped(Told(), y, scale, null)(x_t, t)
        torch.testing.assert_close(wrong, Guided(Told(), y, 1 - scale, null)(x_t, t))
    found = FOUND["halves_swapped"]
    assert (
        found["faulty"]["0"] == found["sound"]["1"] and found["faulty"]["1"] == found["sound"]["0"]
    )
    assert max(found["faulty"]["2"]) < 0.01 < 0.05 < min(found["faulty"]["1"])
    assert fmean(found["faulty"]["2"]) == pytest.approx(1 / 600)
    assert min(found["sound"]["1"]) > 0.95 and min(found["sound"]["2"]) > 0.99
    assert [fmean(found["faulty"][str(s)]) for s in tool.SCALES] == sorted(
        (fmean(found["faulty"][str(s)]) for s in tool.SCALES), reverse=True
    )


def test_one_seed_draws_fifty_digits_ten_times():
    found = FOUND["one_seed"]
    assert found["faulty"]["different"] == [tool.BATCH] * 3
    assert found["sound"]["different"] == [tool.N] * 3
    assert found["faulty"]["recall"] == [0, 0, 0] and min(found["sound"]["recall"]) > 0.9
    assert abs(fmean(found["faulty"]["precision"]) - fmean(found["sound"]["precision"])) < 0.05
    for whole, part in zip(
        found["faulty"]["frechet"], found["faulty"]["frechet_of_a_batch"], strict=True
    ):
        assert whole == pytest.approx(part, rel=0.01)
    assert all(a > 2 * b for a, b in pairs("one_seed", "frechet"))
    batches = found["pictures"]["batches"]
    assert batches["batch_1"] == batches["batch_2"] == found["pictures"]["faulty"]
    assert found["pictures"]["sound"] != batches["batch_2"]
    x = museum.drawn_from_one_seed(lambda n, rng: torch.randn(n, 3, generator=rng), 20, 5, 0)
    assert len(x) == 20 and len(torch.unique(x, dim=0)) == 5


# --- the tool ------------------------------------------------------------------------------------------------


def test_few_steps_give_what_is_stored_in_form(monkeypatch):
    run = tool.vae_run.__wrapped__(VAE, 0, first=3)
    assert set(tool.vae_numbers(run, 0)) == set(FOUND["averaged_divergence"]["sound"])
    assert len(run.seen["loss"]) == len(run.seen["gradient"]) == 3
    norm = torch.cat([p.grad.flatten() for p in run.model.parameters()]).norm()
    assert run.seen["gradient"][-1] == pytest.approx(norm.item(), rel=1e-5)
    assert tool.thinned({"a": list(range(80))}, ("a",))["a"][:2] == [0.5, 2.5]
    assert tool.last([*range(90), *[7] * 10]) == 7
    assert tool.asked(12).tolist() == [*range(10), 0, 1]


@pytest.mark.parametrize(
    ("name", "run", "kind", "loss"),
    [
        ("averaged_divergence", "vae", museum.AveragedDivergence, "loss"),
        ("variance_as_deviation", "vae", museum.VarianceAsDeviation, "loss"),
        ("sigmoid_twice", "gan", museum.SigmoidTwice, "d_loss"),
        ("detached_twice", "gan", museum.DetachedTwice, "d_loss"),
        ("wrong_range", "ddpm", "range", "loss"),
        ("labels_apart", "ddpm", "labels", "loss"),
    ],
)
def test_the_first_steps_of_a_stored_run_can_be_had_again(name, run, kind, loss):
    width = tool.STEPS[run] // tool.POINTS
    seen = getattr(tool, f"{run}_run").__wrapped__(kind, 0, first=width).seen
    for key in (loss, "gradient"):
        again = tool.thinned({key: seen[key] * tool.POINTS}, (key,))[key][0]
        kept = FOUND[name]["curves"]["faulty"][key][0]
        assert again == pytest.approx(kept, rel=1e-2, abs=1e-6), key


def test_shuffled_labels_cost_more_than_a_fifth_and_a_distance_three_to_five_times_as_large():
    assert all(a > 1.2 * b for a, b in pairs("labels_apart", "last_loss"))
    assert all(2.9 < a / b < 5 for a, b in pairs("labels_apart", "frechet"))
