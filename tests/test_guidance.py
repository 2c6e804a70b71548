"""A network under a condition, guided or not, is a network again; guidance is its formula, also where all is known."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from genlib.data import Mixture
from genlib.ddpm import DDPM, cosine_beta, linear_beta
from genlib.exact import PerfectClassifier, PerfectDenoiser
from genlib.guidance import (
    ClassifierGuided,
    ConditionDropout,
    Given,
    Guided,
    NoisyClassifier,
    scale_of_paper,
)
from genlib.likelihood import bound, bound_term
from genlib.nets import UNet, UNetTrunk, mlp
from genlib.rng import share


class Sum(nn.Module):
    """x_t, a weight, the time and the condition of each row, added up."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x_t, t, y):
        return x_t * self.w + (t + y.view(len(y), -1).sum(dim=1))[:, None]


x, t = torch.randn(3, 2), torch.tensor([1, 2, 3])


def test_every_row_has_its_condition():
    y = torch.tensor([10, 20, 30])
    assert_close(Given(Sum(), y)(x, t), 0.5 * x + torch.tensor([[11.0], [22.0], [33.0]]))
    text = torch.tensor([[1, 2], [3, 4], [5, 6]])  # a condition may have more axes than one
    assert_close(Given(Sum(), text)(x, t), 0.5 * x + torch.tensor([[4.0], [9.0], [14.0]]))


def test_one_condition_serves_all_rows():
    one = Given(Sum(), torch.tensor([7]))
    assert_close(one(x, t), Given(Sum(), torch.tensor([7, 7, 7]))(x, t))
    assert_close(one(x[:1], t[:1]), one(x, t)[:1])
    text = Given(Sum(), torch.tensor([[1, 2]]))
    assert_close(text(x, t), Given(Sum(), torch.tensor([[1, 2]] * 3))(x, t))


def test_too_few_conditions_and_what_is_none_are_named():
    with pytest.raises(ValueError, match=r"y: expected shape \(B ...\) with {'B': 3}, got \(2,\)"):
        Given(Sum(), torch.tensor([1, 2]))(x, t)
    with pytest.raises(ValueError, match="y: expected shape"):
        Given(Sum(), torch.tensor([1, 2, 3, 4]))(x, t)
    with pytest.raises(TypeError, match="y: expected a torch.Tensor, got 3"):
        Given(Sum(), 3)
    with pytest.raises(ValueError, match="y: expected whole numbers from 0 to 3, got 0 to 4"):
        Given(UNet((1, 4, 4), (8, 8), classes=4), torch.tensor([0, 4]))(
            torch.zeros(2, 1, 4, 4), t[:2]
        )


def test_the_network_inside_is_the_one_that_was_given():
    net = Sum()
    given = Given(net, torch.tensor([1]))
    assert given.net is net and list(given.parameters()) == [net.w]
    assert list(given.state_dict()) == ["net.w"]  # the condition is no weight
    assert given.double().y.dtype == torch.int64 and not given.eval().net.training


@pytest.mark.parametrize("predicts", ["eps", "x_0", "v"])
def test_a_model_asks_the_network_under_its_condition_everywhere(predicts):
    y = torch.tensor([1, 2, 3])
    model = DDPM(Sum(), linear_beta(5, beta_T=0.5), predicts=predicts)
    told = model.replace(net=Given(model.net, y))

    class Written(nn.Module):
        def forward(self, x_t, t):
            return x_t * 0.5 + (t + y)[:, None]

    expected = model.replace(net=Written())
    noise = torch.randn(3, 2)
    rng = torch.Generator()
    for call in (
        lambda m: m.predict(x, t)[0],
        lambda m: m.predict(x, t)[1],
        lambda m: m.p_step(x, 4, noise),
        lambda m: m.ddim_step(x, 4, 2, 0.5, noise),
        lambda m: m.sample(3, (2,), rng.manual_seed(0)),
        lambda m: m.ddim(3, (2,), 3, 1.0, rng.manual_seed(0)),
        lambda m: m.loss(x, t=t, eps=noise)["loss"],
        lambda m: bound_term(m, x.sign(), t, noise, 3),
    ):
        assert_close(call(told), call(expected))


# --- without a classifier ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [-1.0, 0.0, 0.5, 1.0, 3.0])
def test_guidance_is_the_form_of_the_paper(scale):
    y, null, w = torch.tensor([10, 20, 30]), torch.tensor([5]), scale - 1
    found = Guided(Sum(), y, scale, null)(x, t)
    eps_c, eps_u = Sum()(x, t, y), Sum()(x, t, null.expand(3))
    assert_close(found, (1 + w) * eps_c - w * eps_u)
    assert_close(Guided(Sum(), y, scale_of_paper(w), null)(x, t), found)
    each = torch.stack([Guided(Sum(), y[i : i + 1], scale, null)(x, t)[i] for i in range(3)])
    assert_close(found, each)  # one condition for all, or one for each


def test_the_scales_0_and_1_are_the_networks_without_and_with_the_condition():
    text, null = torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.tensor([[0, 0]])
    for scale, y in ((0, null), (1, text)):
        assert_close(Guided(Sum(), text, scale, null)(x, t), Given(Sum(), y)(x, t))
    assert scale_of_paper(0) == 1 and scale_of_paper(-1) == 0


class Bend(nn.Module):
    """A smooth function of x_t, t and the condition, in double precision."""

    def forward(self, x_t, t, y):
        return torch.tanh(x_t + 0.3 * y[:, None]) + torch.sin(t + y)[:, None] * x_t.flip(1) / 2


class Meaning(nn.Module):
    """What a network that predicts x_0 or v says, of one that predicts eps: without the class `DDPM`."""

    def __init__(self, net, alpha_bar, predicts):
        super().__init__()
        self.net, self.alpha_bar, self.predicts = net, alpha_bar, predicts

    def forward(self, x_t, t, *y):
        eps, a = self.net(x_t, t, *y), self.alpha_bar[t][:, None]
        x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
        return {"x_0": x_0, "v": a.sqrt() * eps - (1 - a).sqrt() * x_0}[self.predicts]


BETA = linear_beta(20, beta_T=0.3).double()
ALPHA_BAR = (1 - BETA).cumprod(0)
x_t, times = torch.randn(6, 2, dtype=torch.float64), torch.tensor([1, 2, 5, 11, 19, 20])


class Bowl(nn.Module):
    """Smooth logits of three classes."""

    def forward(self, x_t, t):
        centre = torch.tensor([[0.0, 1.0], [2.0, -1.0], [-1.0, 0.5]], dtype=x_t.dtype)
        return -(x_t[:, None] - centre).square().sum(dim=2) / (1 + 0.1 * t[:, None])


def guided(kind, net, predicts, y, scale):
    """A guided network, by classifier or not, in the sense of one that predicts eps, x_0 or v."""
    net = net if predicts == "eps" else Meaning(net, ALPHA_BAR, predicts)
    if kind is Guided:
        return Guided(net, y, scale, torch.tensor([7]))
    blind = Given(net, torch.tensor([7]))
    return ClassifierGuided(blind, Bowl(), y, scale, ALPHA_BAR, predicts)


@pytest.mark.parametrize("kind", [Guided, ClassifierGuided])
@pytest.mark.parametrize("predicts", ["x_0", "v"])
def test_to_guide_one_prediction_is_to_guide_all(kind, predicts):
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    for scale in (0.0, 1.0, 2.5):
        in_eps, in_other = (
            DDPM(guided(kind, Bend(), what, y, scale), BETA, predicts=what)
            for what in ("eps", predicts)
        )
        for one, other in zip(
            in_eps.predict(x_t, times), in_other.predict(x_t, times), strict=True
        ):
            assert_close(one, other)


class Remember(nn.Module):
    """Keeps the conditions that it is given."""

    def forward(self, x_t, t, y):
        self.y = y
        return x_t


def test_conditions_are_dropped_for_a_share_of_the_rows_in_training_only():
    y, rows = torch.arange(40_000) % 10, torch.zeros(40_000, 2)
    net = ConditionDropout(Remember(), torch.tensor([10]), 0.2)
    torch.manual_seed(0)
    net(rows, rows[:, 0], y)
    first, dropped = net.net.y, net.net.y == 10
    assert abs(dropped.double().mean() - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 40_000)
    for k in range(10):  # whatever the class
        assert abs(dropped[y == k].double().mean() - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 4000)
    assert torch.equal(first[~dropped], y[~dropped])
    net(rows, rows[:, 0], y)
    assert not torch.equal(net.net.y, first)  # others in every step
    torch.manual_seed(0)
    net(rows, rows[:, 0], y)
    assert torch.equal(net.net.y, first)
    net.eval()(rows, rows[:, 0], y)
    assert torch.equal(net.net.y, y)


@pytest.mark.parametrize("share", [0, 1])
def test_no_condition_is_dropped_or_all_are(share):
    y = torch.arange(500)
    net = ConditionDropout(Remember(), torch.tensor([-1]), share)
    net(torch.zeros(500, 2), y, y)
    assert torch.equal(net.net.y, y if share == 0 else torch.full((500,), -1))


def test_of_a_caption_all_words_are_dropped_or_none():
    y = torch.arange(1, 6).repeat(4000, 1)
    net = ConditionDropout(Remember(), torch.zeros(1, 5).long())
    net(torch.zeros(4000, 2), y[:, 0], y)
    words = (net.net.y > 0).sum(dim=1)
    assert set(words.tolist()) == {0, 5} and net.net.y.shape == y.shape
    assert abs((words == 0).double().mean() - 0.1) < 4 * math.sqrt(0.1 * 0.9 / 4000)


def test_several_processes_drop_the_conditions_that_one_would():
    y, net = torch.arange(40), ConditionDropout(Remember(), torch.tensor([-1]), 0.5)
    torch.manual_seed(0)
    net(torch.zeros(40, 2), y, y)
    whole, parts = net.net.y, []
    for rank in (0, 1):
        torch.manual_seed(0)
        with share(rank, 2):
            rows = slice(20 * rank, 20 * rank + 20)
            net(torch.zeros(20, 2), y[rows], y[rows])
        parts.append(net.net.y)
    assert torch.equal(torch.cat(parts), whole) and (whole == -1).any()


def test_the_model_that_is_trained_is_the_one_that_is_guided():
    net, null = Sum(), torch.tensor([[0, 0]])
    model = DDPM(ConditionDropout(net, null), linear_beta(5))
    y = torch.tensor([[1, 2]] * 3)
    found = model.eval().replace(net=Guided(model.net, y, 2.0))
    assert_close(found.net(x, t), 2 * net(x, t, y) - net(x, t, null.expand(3, 2)))
    assert torch.equal(found.net.unconditional.y, null)
    other = Guided(model.net, y, 2.0, torch.tensor([[5, 5]]))  # what is given wins
    assert torch.equal(other.unconditional.y, torch.tensor([[5, 5]]))


# --- with a classifier -------------------------------------------------------------------------------------------


def test_the_loss_of_a_noisy_classifier_is_the_mean_of_its_nats():
    net = NoisyClassifier(UNetTrunk((1, 4, 4), 3, (8, 8)), cosine_beta(30))
    x_0, eps, y = torch.randn(5, 1, 4, 4), torch.randn(5, 1, 4, 4), torch.tensor([0, 2, 1, 1, 0])
    t = torch.tensor([1, 30, 7, 12, 29])
    found, nats, right = net.loss(x_0, y, t=t, eps=eps), [], []
    for i in range(5):
        kept = torch.prod(1 - cosine_beta(30)[: t[i] + 1])
        noisy = kept.sqrt() * x_0[i] + (1 - kept).sqrt() * eps[i]
        logits = net.net(noisy[None], t[i : i + 1])[0].tolist()
        most = max(logits)
        nats.append(most + math.log(sum(math.exp(a - most) for a in logits)) - logits[y[i]])
        right.append(logits.index(most) == y[i])
    assert found["loss"].item() == pytest.approx(sum(nats) / 5, rel=1e-4)
    assert found["accuracy"].item() == pytest.approx(sum(right) / 5)
    logits = net(net.noising.q_sample(x_0, t, eps), t)
    assert_close(found["loss"], F.cross_entropy(logits, y))


def test_times_and_noise_of_a_noisy_classifier_are_those_of_a_ddpm():
    net = NoisyClassifier(UNetTrunk((1, 4, 4), 3, (8, 8)), linear_beta(30))
    x_0, y = torch.randn(5, 1, 4, 4), torch.tensor([0, 2, 1, 1, 0])
    torch.manual_seed(3)
    found = net.loss(x_0, y)["loss"]
    torch.manual_seed(3)
    t, eps = net.noising.times(5), torch.randn(5, 1, 4, 4)
    assert_close(found, net.loss(x_0, y, t=t, eps=eps)["loss"])
    assert len(list(net.parameters())) == len(list(net.net.parameters()))


class Small(nn.Module):
    """A network of a few weights, in double precision, for points and times."""

    def __init__(self):
        super().__init__()
        self.net = mlp((3, 7, 3)).double()

    def forward(self, x_t, t):
        return self.net(torch.cat([x_t, t[:, None] / 20], dim=1))


def test_the_gradient_is_that_of_finite_differences():
    classifier, y = Small(), torch.tensor([0, 1, 2, 0, 1, 2])
    steer = ClassifierGuided(nn.Identity(), classifier, y, 1.0, ALPHA_BAR)

    def log_p(x):
        return classifier(x, times).log_softmax(dim=1)[torch.arange(6), y]

    found, h = steer.gradient(x_t, times), 1e-5
    for d in range(2):
        off = torch.zeros(2, dtype=torch.float64).index_fill(0, torch.tensor(d), h)
        assert_close(
            found[:, d], (log_p(x_t + off) - log_p(x_t - off)) / (2 * h), rtol=1e-6, atol=1e-8
        )
    with torch.no_grad():
        assert torch.equal(steer.gradient(x_t, times), found) and not found.requires_grad
    assert all(p.grad is None for p in classifier.parameters()) and not x_t.requires_grad


@pytest.mark.parametrize("scale", [-2.0, 0.0, 1.0, 4.0])
def test_classifier_guidance_is_algorithm_2_of_the_paper(scale):
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    blind, classifier = Given(Bend(), torch.tensor([1])), Small()
    steer = ClassifierGuided(blind, classifier, y, scale, ALPHA_BAR)
    x = x_t.clone().requires_grad_()
    log_p = classifier(x, times).log_softmax(dim=1)[torch.arange(6), y].sum()
    (gradient,) = torch.autograd.grad(log_p, x)
    expected = blind(x_t, times) - scale * (1 - ALPHA_BAR[times])[:, None].sqrt() * gradient
    assert_close(steer(x_t, times), expected)
    one = ClassifierGuided(blind, classifier, y[:1], scale, ALPHA_BAR)
    assert_close(one(x_t, times)[0], expected[0])
    all_zero = ClassifierGuided(blind, classifier, torch.zeros(6).long(), scale, ALPHA_BAR)
    assert_close(one(x_t, times), all_zero(x_t, times))


# --- where all is known ------------------------------------------------------------------------------------------

MEANS = torch.tensor([[-1.0, 0.2], [0.4, 1.0], [1.0, -0.7], [0.1, 0.3]], dtype=torch.float64)
KINDS, SD = torch.tensor([0, 1, 0, 1]), 0.35


def score_by_hand(x, abar, means):
    """The gradient of the log of an even mixture of normal distributions after noising, point by point."""
    a, variance = math.sqrt(abar), abar * SD**2 + 1 - abar
    rows = []
    for point in x.tolist():
        off = [[a * m - p for m, p in zip(mean, point, strict=True)] for mean in means.tolist()]
        weight = [math.exp(-sum(d * d for d in each) / (2 * variance)) for each in off]
        rows.append(
            [
                sum(w * each[i] for w, each in zip(weight, off, strict=True))
                / sum(weight)
                / variance
                for i in (0, 1)
            ]
        )
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("t", [1, 7, 20])
def test_both_ways_are_the_score_of_the_tempered_posterior(y, scale, t):
    # grad log p(x_t) p(y | x_t)^s = (1 - s) grad log p(x_t) + s grad log p(x_t | y), by Bayes' rule
    mixture, one = Mixture(MEANS, SD), torch.tensor([y])
    points = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(t))
    abar = ALPHA_BAR[t].item()
    score = (1 - scale) * score_by_hand(points, abar, MEANS)
    score = score + scale * score_by_hand(points, abar, MEANS[y == KINDS])
    now = torch.full((9,), t)
    denoiser = PerfectDenoiser(mixture, BETA, KINDS)
    free = Guided(denoiser, one, scale)
    classifier = PerfectClassifier(mixture, BETA, KINDS)
    steered = ClassifierGuided(denoiser, classifier, one, scale, DDPM(free, BETA).alpha_bar)
    for net in (free, steered):
        assert_close(net(points, now) / -math.sqrt(1 - abar), score, rtol=1e-6, atol=1e-6)


def test_at_scale_1_the_guided_walk_draws_the_class():
    mixture = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.5]]), 0.1)
    beta, kinds = linear_beta(100, 1e-3, 0.2), torch.tensor([0, 0, 1])
    net = PerfectDenoiser(mixture, beta, kinds)
    classifier, y = PerfectClassifier(mixture, beta, kinds), torch.tensor([0])
    model = DDPM(net, beta)
    for wrapped in (
        Guided(net, y, 1.0),
        ClassifierGuided(net, classifier, y, 1.0, model.alpha_bar),
    ):
        found = model.replace(net=wrapped).ddim(
            400, (2,), 25, 1.0, torch.Generator().manual_seed(0)
        )
        mode = torch.cdist(found, mixture.means).argmin(dim=1)
        assert (mode < 2).float().mean() > 0.99 and abs((mode == 0).float().mean() - 0.5) < 0.1


# --- one network among others ------------------------------------------------------------------------------------


def steered(y):
    """Three networks under conditions, of an image model with 4 classes and one more."""
    torch.manual_seed(0)
    net = UNet((1, 4, 4), (8, 8), classes=5)
    for weight in net.parameters():  # also those that start at 0
        nn.init.normal_(weight, std=0.1)
    trunk = NoisyClassifier(UNetTrunk((1, 4, 4), 4, (8, 8)), cosine_beta(12))
    alpha_bar = trunk.noising.alpha_bar
    dropped = ConditionDropout(net, torch.tensor([4])).eval()
    blind = Given(net, torch.tensor([4]))
    yield Given(net, y)
    yield Guided(dropped, y, 2.0)
    yield ClassifierGuided(blind, trunk, y, 2.0, alpha_bar, "v")


def test_samplers_and_the_bound_take_them_all():
    y = torch.tensor([0, 1, 2])
    x_0 = torch.randint(0, 5, (3, 1, 4, 4)) / 2 - 1
    for net, other in zip(steered(y), steered(y.flip(0)), strict=True):
        model = DDPM(net, cosine_beta(12), predicts="v", clip=1.0)
        nats = bound(model, x_0, 3, 5, torch.Generator().manual_seed(0))
        assert nats.shape == (3,) and nats.isfinite().all()
        for draw in (
            lambda m, **rng: m.sample(3, (1, 4, 4), **rng),
            lambda m, **rng: m.ddim(3, (1, 4, 4), 3, **rng),
        ):
            one = draw(model, rng=torch.Generator().manual_seed(1))
            again = draw(model, rng=torch.Generator().manual_seed(1))
            assert torch.equal(one, again) and not one.requires_grad
        changed = bound(model.replace(net=other), x_0, 3, 5, torch.Generator().manual_seed(0))
        assert not torch.equal(changed[[0, 2]], nats[[0, 2]])


def test_conditions_and_schedules_are_no_weights():
    given, free, with_classifier = steered(torch.tensor([1]))
    inside = {f"net.{name}" for name in given.net.state_dict()}
    assert set(given.state_dict()) == inside
    twice = {
        f"{part}.{name}" for part in ("conditional.net", "unconditional.net") for name in inside
    }
    assert set(free.state_dict()) == twice
    names = {name.split(".")[0] for name in with_classifier.state_dict()}
    assert names == {"net", "classifier"}
    assert {id(p) for p in free.parameters()} == {id(p) for p in free.conditional.parameters()}
    dropout = ConditionDropout(Sum(), torch.tensor([4]))
    assert list(dropout.state_dict()) == ["net.w"]


@settings(deadline=None, max_examples=30)
@given(st.floats(-5, 10), st.integers(0, 2))
def test_guidance_is_linear_in_its_scale(scale, y):
    condition, null = torch.tensor([y]), torch.tensor([9])
    at = [Guided(Bend(), condition, s, null)(x_t, times) for s in (0.0, 1.0, scale)]
    assert_close(at[2], at[0] + scale * (at[1] - at[0]), rtol=1e-9, atol=1e-9)


# --- what is wrong is named --------------------------------------------------------------------------------------

ONE, SEVERAL = torch.tensor([1]), torch.tensor([1, 2])
WRONG = {
    "null: expected the condition that stands for none, got none": lambda: Guided(Sum(), ONE, 2.0),
    r"null: expected shape \(one ...\) with {'one': 1}, got \(2,\)": lambda: Guided(
        Sum(), ONE, 2.0, SEVERAL
    ),
    r"null: expected shape \(one ...\) with": lambda: ConditionDropout(Sum(), SEVERAL),
    r"share: expected a number in \[0, 1\], got 1.5": lambda: ConditionDropout(Sum(), ONE, 1.5),
    "scale: expected a finite number, got nan": lambda: Guided(Sum(), ONE, math.nan, ONE),
    "scale: expected a finite number, got the text '2'": lambda: Guided(Sum(), ONE, "2", ONE),
    "net: expected a Module, got a function": lambda: Guided(lambda x, t, y: x, ONE, 2.0, ONE),
    "w: expected a finite number, got inf": lambda: scale_of_paper(math.inf),
    "beta: expected 0 and then T numbers": lambda: NoisyClassifier(nn.Identity(), torch.ones(3)),
    r"y: expected shape \(B\), got \(1, 2\)": lambda: ClassifierGuided(
        nn.Identity(), Bowl(), SEVERAL[None], 1.0, ALPHA_BAR
    ),
    "predicts: expected one of eps, x_0, v, got the text 'noise'": lambda: ClassifierGuided(
        nn.Identity(), Bowl(), ONE, 1.0, ALPHA_BAR, "noise"
    ),
    r"alpha_bar: expected shape \(times\), got \(21, 1\)": lambda: ClassifierGuided(
        nn.Identity(), Bowl(), ONE, 1.0, ALPHA_BAR[:, None]
    ),
    "alpha_bar: expected a tensor of torch.float32, got torch.int64": lambda: ClassifierGuided(
        nn.Identity(), Bowl(), ONE, 1.0, ALPHA_BAR.long()
    ),
    "y: expected whole numbers from 0 to 2, got 3 to 3": lambda: ClassifierGuided(
        Small(), Bowl(), torch.tensor([3]), 1.0, ALPHA_BAR
    )(x_t, times),
    r"y: expected shape \(B\) with {'B': 6}, got \(2,\)": lambda: ClassifierGuided(
        Small(), Bowl(), SEVERAL, 1.0, ALPHA_BAR
    )(x_t, times),
    r"y: expected shape \(B ...\) with {'B': 6}": lambda: Guided(Bend(), SEVERAL, 2.0, ONE)(
        x_t, times
    ),
    "y: expected whole numbers from 0 to 2, got 0 to 3": lambda: NoisyClassifier(
        UNetTrunk((1, 4, 4), 3, (8, 8)), linear_beta(9)
    ).loss(torch.zeros(2, 1, 4, 4), torch.tensor([0, 3])),
    "eps: expected the shape of x_0": lambda: NoisyClassifier(
        UNetTrunk((1, 4, 4), 3, (8, 8)), linear_beta(9)
    ).loss(torch.zeros(2, 1, 4, 4), SEVERAL, eps=torch.zeros(3, 1, 4, 4)),
    "t: expected whole numbers from 0 to 9, got 3 to 10": lambda: NoisyClassifier(
        UNetTrunk((1, 4, 4), 3, (8, 8)), linear_beta(9)
    ).loss(torch.zeros(2, 1, 4, 4), SEVERAL, t=torch.tensor([3, 10])),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named(message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        WRONG[message]()
