"""The stored results of chapter 6: they carry the claims of the page, and the tool's small parts do what they say."""

from statistics import fmean

import pytest
import torch
from torch.testing import assert_close

from genlib import recipes
from genlib.data import digits, signed
from genlib.ddpm import alpha_bar_of, cosine_beta
from genlib.exact import PerfectClassifier, PerfectDenoiser
from genlib.table import stored
from tools import make_steering_results as tool
from tools.results import Trained, generator


def mean(row: dict, name: str) -> float:
    return fmean(row[name])


# --- steering, 06a: measured again -----------------------------------------------------------------------------


def test_the_floor_is_that_of_the_running_table():
    for section in ("guidance_free", "guidance_classifier"):
        floor = stored("steering")[section]["floor"]
        assert floor["frechet"] == pytest.approx(stored("table")["floor"]["frechet"][0], rel=1e-4)


def test_exact_ends_are_measured_again():
    row = stored("steering")["exact"]["3"]
    found = tool.exact_run(3, 5, n=600)
    for name in ("truth", "guided", "right_score"):
        assert found[name]["mean"] == pytest.approx(mean(row[name], "mean"), abs=0.06), name


def test_tempered_samples_follow_their_density():
    """Mean and variance along the line, by sums over a fine grid."""
    line = torch.linspace(-4, 4, 2001)
    x = torch.stack([line, torch.zeros_like(line)], dim=1)
    weight = (tool.TWO.log_prob(x) + 3 * tool.log_posterior(x)).softmax(dim=0)
    centre = (weight * line).sum()
    drawn = tool.tempered(20_000, 3, generator(0))[:, 0]
    assert drawn.mean().item() == pytest.approx(centre.item(), abs=0.012)
    spread = (weight * (line - centre).square()).sum().sqrt()
    assert drawn.std().item() == pytest.approx(spread.item(), abs=0.01)


def test_log_posterior_is_the_classifiers():
    beta = cosine_beta(1000)
    exact = PerfectClassifier(tool.TWO, beta, torch.tensor([0, 1]))
    x = torch.randn(50, 2, generator=generator(0))
    t = torch.zeros(50, dtype=torch.long)
    exact.alpha_bar = exact.alpha_bar.clone()  # at t = 0 the data themselves
    assert_close(exact(x, t).log_softmax(dim=1)[:, 1], tool.log_posterior(x), atol=1e-4, rtol=0)


def test_the_grid_knows_the_class_where_nothing_is_tempered():
    """With scale 1 the tempered distribution is the class, whose perfect denoiser is known."""
    beta, x = cosine_beta(1000), 0.5 * torch.randn(40, 2, generator=generator(0))
    known = PerfectDenoiser(tool.RIGHT, beta)
    for t in (100, 400, 800):
        when = torch.full((40,), t)
        assert_close(tool.Tempered(1.0, beta)(x, when), known(x, when), atol=0.02, rtol=0)


def test_a_clean_classifier_sees_no_noise_and_healthy_ones_do():
    x, y = signed(digits().x_val[:20]), digits().y_val[:20]
    clean, eps = tool.clean_classifier(), torch.randn(20, 1, 8, 8, generator=generator(0))
    at_1 = clean.loss(x, y, t=torch.ones_like(y), eps=eps)["loss"]
    assert_close(clean.loss(x, y, eps=eps)["loss"], at_1)
    far = clean.loss(x, y, t=torch.full_like(y, 900), eps=eps)["loss"]
    assert abs(far - at_1) > 1e-4  # a time that is given is taken


def test_clipped_first_is_guidance_where_nothing_is_clipped():
    model = recipes.digits_ddpm_guided().eval()
    y, t = torch.arange(6), torch.full((6,), 600)
    for part in model.net.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.normal_(part.weight, std=0.02, generator=generator(0))
    x_t = 0.1 * torch.randn(6, 1, 8, 8, generator=generator(1))
    free = model.replace(clip=None)
    first = tool.ClippedFirst(free, y, 3.0)(x_t, t)
    guided = free.replace(net=tool.Guided(free.net, y, 3.0)).predict(x_t, t)[0]
    assert_close(first, guided, atol=1e-4, rtol=1e-4)
    clipped = tool.ClippedFirst(model.replace(clip=0.01), y, 3.0)(x_t, t)
    assert clipped.abs().max() <= 0.01 + 3 * 0.02 + 1e-6


def test_labels_are_never_dropped_where_they_should_not_be():
    assert tool.never_dropped().net.share == 0 and recipes.digits_ddpm_guided().net.share == 0.1


@pytest.fixture
def untrained(monkeypatch):
    """Fresh networks in the place of trained ones, and a few digits."""

    def fresh(name: str, seed: int, **changes) -> Trained:
        torch.manual_seed(seed)
        model = changes.get("model", recipes.RECIPES[name].model)().eval().requires_grad_(False)
        return Trained(model, model, 0.0)

    monkeypatch.setattr(tool, "trained", fresh)
    monkeypatch.setattr(tool, "train", fresh)
    monkeypatch.setattr(tool, "STEPS", 2)
    monkeypatch.setattr(tool, "drawn", lambda model, n, seed, steps=2: draw(model, n, seed))

    def draw(model, n, seed):
        return model.ddim(n, (1, 8, 8), 2, 0.0, generator(seed))


def test_every_section_runs_and_has_the_names_that_are_stored(untrained):
    content = stored("steering")
    found = tool.equal_run(0)
    assert set(found) == set(content["equal_passes"])
    assert set(tool.broken_run(0)) == set(content["broken"])
    for kind in tool.KINDS:
        section = set(content[f"guidance_{kind}"]) - {"floor"}
        assert section == {f"{s:g}" for s in tool.SCALES[kind]}
    assert set(tool.pictures_guidance()) == set(content["pictures_guidance"])


def test_sections_of_the_tool_are_stored():
    content = stored("steering")
    assert set(content["measured"]) == set(tool.SECTIONS)
    assert all(content[name] == value for name, value in tool.ABOUT.items())


# --- steering, 06a: the claims of the page ---------------------------------------------------------------------


def test_a_classifier_knows_less_the_more_noise_there_is():
    row = stored("steering")["noisy_accuracy"]
    for accuracy in row["accuracy"]:
        at = dict(zip(row["times"], accuracy, strict=True))
        assert at[1] > 0.98 and at[100] > 0.98 and 0.7 < at[500] < 0.8 and at[1000] < 0.12
        assert accuracy[1:] == sorted(accuracy[1:], reverse=True)


def test_guidance_buys_precision_and_pays_recall():
    rows = stored("steering")["guidance_free"]
    for k in range(3):
        at = {s: {m: rows[f"{s:g}"][m][k] for m in rows["1"]} for s in tool.SCALES["free"]}
        assert at[1]["recall"] > at[1.5]["recall"] > at[2]["recall"] > at[3]["recall"]
        assert at[0.5]["precision"] < at[1]["precision"] < at[1.5]["precision"]
        assert at[5]["precision"] < at[2]["precision"] - 0.05  # too much
        assert min(at, key=lambda s: at[s]["frechet"]) == 1
        distances = [at[s]["frechet"] for s in (1, 1.5, 2, 3, 5)]
        assert distances == sorted(distances)
        assert at[1]["label_accuracy"] >= 0.99 and at[1.5]["label_accuracy"] >= 0.999
        assert at[0]["label_accuracy"] < 0.15 and at[0]["frechet"] > 5 * at[1]["frechet"]
    assert mean(rows["1"], "frechet") < 1.5 * rows["floor"]["frechet"]


def test_a_classifier_steers_more_gently():
    rows = stored("steering")["guidance_classifier"]
    for k in range(3):
        at = {s: {m: rows[f"{s:g}"][m][k] for m in rows["1"]} for s in tool.SCALES["classifier"]}
        for name, turn in (("label_accuracy", False), ("recall", True)):
            values = [at[s][name] for s in (1, 2, 4, 8)]
            assert values == sorted(values, reverse=turn), name
        assert 0.75 < at[1]["label_accuracy"] < 0.95 and at[4]["label_accuracy"] > 0.98
        assert at[4]["precision"] > at[1]["precision"] + 0.05
        distance = {s: row["frechet"] for s, row in at.items()}
        assert max(distance[1], distance[2]) < 0.85 * distance[0]


def test_at_equal_passes_the_label_alone_has_the_smallest_distance():
    rows = stored("steering")["equal_passes"]
    for k in range(3):
        distance, recall = (
            {name: row[m][k] for name, row in rows.items()} for m in ("frechet", "recall")
        )
        assert distance["conditional"] < distance["free_1.5"] < distance["classifier_4"]
        assert recall["conditional"] > max(recall["free_1.5"], recall["classifier_4"])
    seconds = [mean(row, "sample_s_per_1000") for row in rows.values()]
    assert max(seconds) < 2 * min(seconds)


def test_faults_have_their_signatures():
    content = stored("steering")
    rows, free = content["broken"], content["guidance_free"]
    steered = content["guidance_classifier"]
    assert max(rows["free_-2"]["label_accuracy"] + rows["classifier_-4"]["label_accuracy"]) < 0.02
    assert min(rows["classifier_-4"]["precision"]) > 0.85
    for k in range(3):
        first, blind = rows["clipped_first_5"], rows["clean_classifier_4"]
        assert first["recall"][k] < 0.9 * free["5"]["recall"][k] and first["outside"][k] > 0.01
        assert blind["label_accuracy"][k] < 0.9 < steered["4"]["label_accuracy"][k] - 0.05
        sleeping, awake = rows["null_untrained_1"], rows["null_untrained_3"]
        assert sleeping["frechet"][k] < 0.4 and sleeping["label_accuracy"][k] > 0.98
        assert awake["precision"][k] < free["3"]["precision"][k] - 0.05


def test_guidance_does_not_sample_from_the_tempered_distribution():
    rows = stored("steering")["exact"]
    for k in range(3):
        for name in ("guided", "guided_noise", "right_score"):
            assert rows["1"][name]["distance"][k] < 2.5 * max(rows["1"]["truth"]["distance"])
        three = {name: {m: v[k] for m, v in row.items()} for name, row in rows["3"].items()}
        floor = three["truth"]["distance"]
        assert three["guided"]["distance"] > 5 * floor
        assert three["guided_noise"]["distance"] > 3 * floor
        assert three["right_score"]["distance"] < 0.04
        assert three["truth"]["mean"] + 0.1 < three["guided_noise"]["mean"]
        assert three["guided_noise"]["mean"] + 0.1 < three["guided"]["mean"]
        assert three["guided"]["spread"] < three["truth"]["spread"] - 0.05


def test_perfect_networks_need_no_classifier():
    """The two kinds of guidance are one where nothing has to be learned."""
    beta, labels = cosine_beta(1000).double(), torch.tensor([0, 1])
    two = tool.data.Mixture(tool.TWO.means.double(), tool.TWO.sd)
    net, y = PerfectDenoiser(two, beta, labels), torch.tensor([1])
    x = torch.randn(100, 2, dtype=torch.float64, generator=generator(0))
    with_one = tool.ClassifierGuided(
        net, PerfectClassifier(two, beta, labels), y, 3.0, alpha_bar_of(beta)
    )
    for t in (1, 500, 999):
        when = torch.full((100,), t)
        assert_close(with_one(x, when), tool.Guided(net, y, 3.0)(x, when), atol=1e-6, rtol=0)
