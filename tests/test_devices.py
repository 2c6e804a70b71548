"""Every model, sampler and measure works where its weights and data are: no tensor meets one of another device.

Each case runs on torch's `meta` device, whose tensors have shapes and no values; on the pretend accelerator
(tests/pretend.py), where the numbers must be those of the CPU; and on CUDA, where there is one.
"""

from functools import partial

import pretend
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves

from genlib import corrupt, data, evaluate, losses, plot, recipes
from genlib.autoencoder import (
    add_gaussian,
    fitted_gaussian,
    fitted_mixture,
    image_autoencoder,
    linear_autoencoder,
    mask_pixels,
    mean_filter,
    pca,
    points_autoencoder,
    principal_angles,
    scaled_normal,
    standard_normal,
)
from genlib.classifier import Classifier, small_conv
from genlib.data.shapes import VOCABULARY
from genlib.ddpm import DDPM, cosine_beta, image_ddpm, points_ddpm, x_0_weight
from genlib.exact import PerfectClassifier, PerfectDenoiser, PerfectVelocity
from genlib.flow import FlowMatching, image_flow, points_flow
from genlib.gan import (
    gaussian_game_jsd,
    gaussian_game_logits,
    gaussian_game_value,
    geometric,
    image_gan,
    points_gan,
)
from genlib.guidance import ClassifierGuided, ConditionDropout, Given, Guided, NoisyClassifier
from genlib.likelihood import bound, bound_term, flow_log_prob, prior_kl
from genlib.nets import UNet, UNetTrunk
from genlib.statistical import full_gaussian, mixture
from genlib.vae import Bernoulli, Binomial, Gaussian, LinearGaussian, image_vae, linear_vae

if pretend.THERE:  # here, since it must be known before the first gradient of the process
    pretend.install()

# --- what the cases are made of: drawn on the CPU, then moved ----------------------------------------------------


def images(device: str, n: int = 8) -> Tensor:
    return (torch.rand(n, 1, 8, 8) * 16).round().div(16).to(device)


def labels(device: str, n: int = 8) -> Tensor:
    return (torch.arange(n) % 4).to(device)


def points(device: str, n: int = 8) -> Tensor:
    return torch.randn(n, 2).to(device)


def learned(model, *batch: Tensor, **more) -> dict:
    """The terms of the loss, and all gradients."""
    terms = model.loss(*batch, **more)
    terms["loss"].backward()
    return terms | {name: p.grad for name, p in model.named_parameters()}


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


# --- the cases -----------------------------------------------------------------------------------------------


def autoencoders(device):
    denoising = image_autoencoder(4, width=16, corrupt=partial(add_gaussian, sigma=0.3))
    models = [image_autoencoder(4, width=16), denoising, linear_autoencoder(3)]
    yield [learned(model.to(device), images(device)) for model in models]
    yield learned(points_autoencoder(0.2, 8, 8).to(device), points(device))
    model = models[0].eval()
    yield model.reconstruct(images(device)), model.decode(model.encode(images(device)))
    yield model.sample(5, rng()), model.sample(5, rng(), codes=standard_normal(4))


def corruptions(device):
    x = images(device)
    yield add_gaussian(x, 0.3, rng()), mask_pixels(x, 0.5, rng()), mean_filter(x, 0.2)
    yield data.dequantise(x, rng()), data.binarise(x, rng()), data.signed(x)
    yield data.quantise(x), data.unsigned(x), evaluate.to_grey_levels(x)


def codes_that_are_fitted(device):
    z, model = torch.randn(40, 4).to(device), image_autoencoder(4, width=16).to(device).eval()
    for codes in (scaled_normal(z), fitted_gaussian(z), fitted_mixture(z, 2, rng())):
        yield codes.sample(5, rng()), codes.log_prob(z), model.sample(5, rng(), codes=codes)


def principal_components(device):
    x = images(device, 20)
    found = pca(x, 3)
    yield found.reconstruct(x), found.encode(x).abs()
    yield principal_angles(found.components.T, torch.eye(64)[:, :3].to(device))


def vaes(device):
    for likelihood in (Bernoulli(), Binomial(16), Gaussian(0.3)):
        model = image_vae(3, width=16, likelihood=likelihood).to(device)
        yield learned(model, images(device))
        model.eval()
        yield model.sample(5, rng()), model.sample(5, rng(), pixels=True)
        yield model.reconstruct(images(device)), model.log_prob(images(device), 7, rng(), rows=24)
    yield learned(linear_vae(2, 2, 0.5).to(device), points(device))


def linear_gaussians(device):
    truth = LinearGaussian(torch.randn(3, 2).to(device), torch.randn(3).to(device), 0.5)
    x = torch.randn(6, 3).to(device)
    mu, logvar = truth.best_diagonal(x)
    yield mu, logvar, truth.sample(5, rng()), truth.log_prob(x), truth.posterior(x).mean
    yield truth.elbo(x, mu, logvar), truth.gap(x, mu, logvar)


def gans(device):
    noisy = partial(geometric, 1.0, 0.1)
    plane = points_gan(3, 2, 8, 2, instance_noise=noisy())
    digits = image_gan(4, width=16, r1=0.3, instance_noise=noisy())
    for model, x in ((plane, points(device)), (digits, images(device))):
        model.to(device)
        for _, terms in model.turns(x, share=0.5):
            terms["loss"].backward()
            yield terms, [p.grad for p in model.parameters()]
        yield model.eval().sample(5, rng()), model.logits(x)


def the_game_of_two_gaussians(device):
    theta = torch.linspace(-1, 1, 5).to(device)
    yield gaussian_game_logits(theta, 0.5), gaussian_game_jsd(theta)
    yield gaussian_game_value(theta, 0.3), gaussian_game_value(0.3, theta)
    yield gaussian_game_value(theta, theta)


def classifiers(device):
    model = Classifier(small_conv(dropout=0)).to(device)
    yield learned(model, images(device), labels(device))
    model.eval()
    yield model.predict(images(device)), model.features(images(device))


def ddpms(device):
    x, t = points(device), torch.arange(1, 9).to(device)
    for predicts in ("eps", "x_0", "v"):
        model = points_ddpm(20, width=8, octaves=2).replace(predicts=predicts, clip=1.0)
        model.to(device)
        yield learned(model, x.clamp(-1, 1))
        model.eval()
        yield model.predict(x, t), model.sample(3, (2,), rng())
        yield model.ddim(3, (2,), 4, 0.0, rng()), model.ddim(3, (2,), 4, 1.0, rng())
        yield model.ddim(8, (2,), [20, 7, 0], x_T=x)


def ddpms_with_labels(device):
    model, shape = image_ddpm(T=9, widths=(8, 8), classes=4), (1, 8, 8)
    given = model.replace(net=Given(model.net, labels("cpu")), variance="posterior").to(device)
    yield learned(model.to(device), data.signed(images(device)), labels(device))
    given.eval()
    yield given.sample(8, shape, rng()), given.ddim(8, shape, 3, 0.5, rng())
    yield given.loss(data.signed(images(device)))


def ddpms_with_words(device):
    net, beta = UNet((3, 8, 8), (8, 8), patch=2, words=18), cosine_beta(9)
    model = DDPM(
        ConditionDropout(net, VOCABULARY.null, 0.5),
        beta,
        predicts="x_0",
        clip=1.0,
        weight=x_0_weight(beta),
    ).to(device)
    x = torch.rand(4, 3, 8, 8).to(device)
    tokens = VOCABULARY.tokens(["red circle", "large blue cross", "", "white square top left"])
    yield learned(model, 2 * x - 1, tokens.to(device))
    model.net = Guided(model.eval().net, tokens.to(device), 2.0)
    yield model.sample(4, (3, 8, 8), rng()), model.ddim(4, (3, 8, 8), 3, 0.5, rng())
    model.net = Guided(model.net.conditional.net, tokens[:1].to(device), 2.0)
    yield model.predict(x, torch.tensor([1, 2, 3, 9]).to(device))


def noisy_classifiers(device):
    classifier = NoisyClassifier(UNetTrunk((1, 8, 8), 4, (8, 8)), cosine_beta(9)).to(device)
    yield learned(classifier, data.signed(images(device)), labels(device))
    yield classifier(images(device), torch.arange(1, 9).to(device))


def guided_ddpms(there: str):
    """Models guided in three ways, whose conditions were put on a device before."""
    model = image_ddpm(T=9, widths=(8, 8), classes=5).to(there)
    net = ConditionDropout(model.net, torch.tensor([4]).to(there)).eval()
    classifier = NoisyClassifier(UNetTrunk((1, 8, 8), 4, (8, 8)), model.beta).to(there)
    y, alpha_bar = labels(there), model.alpha_bar
    yield model.replace(net=Guided(net, y, 2.0))
    yield model.replace(net=Guided(net, y[:1], 2.0, net.null))
    steered = ClassifierGuided(Given(net, net.null), classifier, y, 2.0, alpha_bar, "v")
    yield model.replace(net=steered)


def ddpms_with_guidance(device):
    x, t, shape = data.signed(images(device)), torch.arange(1, 9).to(device), (1, 8, 8)
    for model in guided_ddpms("cpu"):
        model.to(device)
        yield model.sample(8, shape, rng()), model.ddim(8, shape, 3, 0.5, rng())
        yield model.predict(x, t), bound(model, x, 2, rng=rng())


def ddpms_that_are_changed(device):
    x, model = data.signed(images(device)), image_ddpm(T=9, widths=(8, 8), classes=4).to(device)
    given = model.replace(net=Given(model.net, labels(device)))
    yield given.sample(8, (1, 8, 8), rng()), bound(given, x, 2, rng=rng())
    for model in guided_ddpms(device):
        yield model.sample(8, (1, 8, 8), rng()), bound(model, x, 2, rng=rng())


def bounds(device):
    model = image_ddpm(T=9, widths=(8, 8)).to(device).eval()
    x, t = data.signed(images(device)), torch.tensor([1, 2, 3, 4, 9, 8, 1, 2]).to(device)
    yield bound(model, x, 3, rng=rng()), prior_kl(model, x)
    yield bound_term(model, x, t, torch.randn(8, 1, 8, 8).to(device))


def the_perfect_denoiser(device):
    beta = cosine_beta(9)
    for truth in (data.ring(), data.ring().to(device)):  # its means follow the points
        model = DDPM(PerfectDenoiser(truth, beta), beta).to(device)
        yield model.sample(5, (2,), rng()), model.ddim(5, (2,), 3, 0.0, rng())
        yield model.loss(points(device))
        kinds, y, t = (
            torch.arange(8) % 2,
            torch.tensor([1]).to(device),
            torch.arange(1, 9).to(device),
        )
        net = PerfectDenoiser(truth, beta, kinds.to(truth.means.device)).to(device)
        classifier = PerfectClassifier(truth, beta, kinds.to(truth.means.device)).to(device)
        yield Guided(net, y, 2.0)(points(device), t)
        yield ClassifierGuided(net, classifier, y, 2.0, model.alpha_bar)(points(device), t)


def flows(device):
    x, t = points(device), torch.rand(8).to(device)
    model = points_flow(width=8, octaves=2).to(device)
    yield learned(model, x)
    model.eval()
    yield model.predict(x, t), model.sample(3, (2,), 4, rng()), model.sample(8, (2,), 3, x_1=x)
    yield model.sample(3, (2,), [0.0, 0.5, 1.0], rng(), heun=True)
    yield flow_log_prob(model, x, 2)
    images_, labelled = data.signed(images(device)), image_flow(widths=(8, 8), classes=4).to(device)
    yield learned(labelled, images_, labels(device))
    given = FlowMatching(Given(labelled.net, labels("cpu"))).to(device).eval()
    yield given.sample(8, (1, 8, 8), 3, rng()), given.loss(images_)


def the_perfect_velocity(device):
    for truth in (data.ring(), data.ring().to(device)):
        model = FlowMatching(PerfectVelocity(truth)).to(device)
        yield model.sample(5, (2,), 3, rng()), model.loss(points(device))
        yield flow_log_prob(model, points(device), 2)


def densities(device):
    for truth in (data.ring(), data.moons(), data.spiral()):
        truth = truth.to(device)
        x = truth.sample(9, rng())
        yield x, truth.log_prob(x), truth.noised(0.5, 1.0).score(x), truth.separated
    board = data.checkerboard().to(device)
    x = board.sample(9, rng())
    yield x, board.log_prob(x), board.inside(x)


def pure_losses(device):
    x, x_hat = images(device), torch.rand(8, 1, 8, 8).to(device)
    pairs = (losses.squared_error, losses.psnr, losses.bernoulli_nll, losses.binomial_nll)
    yield [loss(x_hat, x) for loss in pairs], losses.gaussian_nll(x_hat, x, 0.3)
    a, b = torch.randn(8, 3).to(device), torch.randn(8, 3).to(device)
    yield losses.gaussian_kl(a, b), losses.discriminator_loss(a[:, 0], b[:, 0])
    yield losses.generator_loss(a[:, 0]), losses.saturating_generator_loss(a[:, 0])
    x.requires_grad_()
    yield losses.gradient_penalty(x.square().flatten(1).sum(1), x)


def statistics(device):
    x, y = data.dequantise(images(device, 40), rng()), labels(device, 40)
    for model in (full_gaussian(), mixture(2)):
        model.fit(x, y, rng())
        yield model.log_prob(x), model.predict(x), model.sample(5, rng())
        yield model.sample(8, rng(), y=labels(device))


def measures_of_sets(device):
    a, b = torch.randn(20, 3).to(device), torch.randn(20, 3).to(device)
    yield evaluate.mmd(a, b), evaluate.sliced_wasserstein(a, b), evaluate.precision_recall(a, b)
    yield evaluate.nearest_training_ratio(a, b, b + 1), evaluate.kernel_distance(a, b)


def measures_of_images(device):
    x, y = images(device, 500), labels(device, 500)
    yield evaluate.class_histogram_tv(y, y.flip(0)[:7])
    yield evaluate.frechet_distance(x.flatten(1), 2 * x.flatten(1))
    yield evaluate.score_digits(x, y), evaluate.score_images(x, data.digits(), None)
    yield evaluate.images_floor(data.digits().to(device), None, 100)


def digits_on_trial(device):
    x, y, real = (part.to(device) for part in corrupt.halves(rng()))
    for make in corrupt.CORRUPTIONS.values():
        yield make(x, y, 0.5, rng())
    yield corrupt.measures(x[:50], y[:50], real[:50], rng())
    a, b = x.flatten(1), real.flatten(1)
    yield evaluate.frechet_at_infinity(a, b, [100, 200], rng())
    yield evaluate.two_sample_accuracy(a, b, rng())


def measures_of_shapes(device):
    drawn = data.shapes(6, 8)
    read = evaluate.read_shapes(drawn.x.to(device))
    yield list(read.values()), evaluate.score_shapes(drawn.x.to(device), drawn.pair.to(device))


def measures_of_points(device):
    ring, board, moons = (f().to(device) for f in (data.ring, data.checkerboard, data.moons))
    x = ring.sample(400, rng())
    yield evaluate.score_points(x, ring, rng()), evaluate.score_points(x, moons, rng())
    yield evaluate.score_points(x, board, rng()), evaluate.points_floor(ring, 50, rng())
    yield evaluate.score_points(x, data.ring(), rng())  # a density that was not moved


def figures(device):
    x = points(device)
    plot.images(images(device), rows=["a", "b"], ncol=4)
    plot.scatter_2d(x), plot.scatter_2d({"a": x, "b": x})
    plot.curves(x[:, 0], {"a": x[:, 1], "b": list(x.abs()[:, 0]), "c": x.T}, "x", "y")
    yield ()


CASES = [autoencoders, corruptions, codes_that_are_fitted, principal_components]
CASES += [vaes, linear_gaussians, gans, the_game_of_two_gaussians, classifiers]
CASES += [
    ddpms,
    ddpms_with_labels,
    ddpms_with_words,
    noisy_classifiers,
    ddpms_with_guidance,
    ddpms_that_are_changed,
    flows,
    the_perfect_velocity,
    bounds,
    the_perfect_denoiser,
    densities,
    pure_losses,
]
CASES += [statistics, measures_of_sets, measures_of_images, measures_of_shapes]
CASES += [digits_on_trial]
CASES += [measures_of_points, figures]
# These hand values to NumPy, or their shapes depend on values: they cannot run where there are none.
WITH_VALUES = {codes_that_are_fitted, principal_components, the_perfect_denoiser, statistics}
WITH_VALUES |= {ddpms_that_are_changed, measures_of_images, measures_of_points, figures}
WITH_VALUES |= {measures_of_shapes, the_perfect_velocity, digits_on_trial}


DEVICES = [pretend.NAME] * pretend.THERE + ["cuda"] * torch.cuda.is_available()


class Guessed(TorchFunctionMode):
    """Says 1, or yes, where the code asks for a value that a tensor of the `meta` device does not have."""

    ANSWERS = {Tensor.item: 1.0, Tensor.__bool__: True, torch.equal: True}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in self.ANSWERS and args[0].is_meta:
            return self.ANSWERS[func]
        return func(*args, **(kwargs or {}))


def results(case, device: str) -> list:
    torch.manual_seed(0)
    return tree_leaves(list(case(device)))


def ids(case) -> str:
    return case.__name__


@pytest.mark.parametrize("case", [case for case in CASES if case not in WITH_VALUES], ids=ids)
def test_no_device_meets_another_where_there_are_no_values(case):
    with Guessed():
        found = results(case, "meta")
    for one, expected in zip(found, results(case, "cpu"), strict=True):
        if isinstance(one, Tensor):
            assert one.is_meta and one.shape == expected.shape and one.dtype == expected.dtype


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_numbers_are_those_of_the_cpu(case, device):
    for one, expected in zip(results(case, device), results(case, "cpu"), strict=True):
        if isinstance(one, Tensor):
            assert one.device.type == device
            one = one.detach().cpu()
            expected = expected.detach()
        assert_close(one, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "name", ["vae_digits", "gan_digits", "ddpm_digits", "ddpm_digits_guided", "flow_digits"]
)
def test_a_seed_gives_the_same_training_everywhere(name, device, tmp_path):
    expected = recipes.training(name, 0, "quick").run()
    there = recipes.training(name, 0, "quick", device)
    for _ in range(8):
        there.step()
    there.save(tmp_path)  # and it goes on after a break
    there = recipes.training(name, 1, "quick", device).load(tmp_path)
    for term, losses_there in there.run().items():
        assert_close(losses_there, expected[term], rtol=1e-5, atol=1e-5)
    for model in filter(None, (there.model, there.ema)):
        assert {tensor.device.type for tensor in model.state_dict().values()} == {device}


# --- the pretend device itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, cpu: x + cpu,
        lambda x, cpu: cpu * x[0, 0],
        lambda x, cpu: torch.cat([x, cpu]),
        lambda x, cpu: torch.stack([x[0, 0], torch.tensor(1.0)]),
        lambda x, cpu: cpu.add_(x),
        lambda x, cpu: cpu[torch.tensor([0]).to(x.device)],
        lambda x, cpu: x.index_put_((torch.tensor([0]),), cpu[:1]),
        lambda x, cpu: nn.Linear(2, 2)(x),
        lambda x, cpu: torch.equal(x, cpu),
        lambda x, cpu: torch.rand(2, device=x.device, generator=torch.Generator()),
        lambda x, cpu: x.normal_(generator=torch.Generator()),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_the_pretend_device_is_as_strict_as_cuda(mix, device):
    with pytest.raises(
        RuntimeError, match=r"same device|device type for generator|two devices|on the"
    ):
        mix(torch.rand(2, 2, device=device), torch.rand(2, 2))


@pytest.mark.parametrize("device", DEVICES)
def test_the_pretend_device_allows_what_cuda_allows(device):
    x = torch.arange(4.0, device=device)
    with pytest.raises(TypeError, match="numpy"):
        x.numpy()
    x[torch.tensor([0, 1])] = torch.tensor(5.0)
    x.copy_(x.cpu() + 1)
    assert (x + torch.tensor(1.0)).tolist() == [7.0, 7.0, 4.0, 5.0]
    assert torch.tensor([x[0], x[3]]).tolist() == [6.0, 4.0] and f"{x[0]:.2f}" == "6.00"
    net = nn.Linear(4, 1).to(device).double()
    net(x.double()).sum().backward()
    assert net.cpu().weight.grad.tolist() == [[6.0, 6.0, 3.0, 4.0]]
    torch.manual_seed(0)
    drawn, there = torch.rand(3), torch.rand(3, device=device).cpu()
    torch.manual_seed(0)
    assert_close(torch.rand(3), drawn, rtol=0, atol=0)
    assert_close(torch.rand(3, device=device).cpu(), there, rtol=0, atol=0)
    assert not torch.equal(drawn, there)
