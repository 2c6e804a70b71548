"""Measures: tensors in, numbers out, each with its unit and its floor (what real data score against real data).

Images are judged by one small classifier per image set, trained once (`make judge`). Its Fréchet distances
mean nothing across judges: read them as multiples of their floor.
"""

import functools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.classifier import Classifier
from genlib.data import Checkerboard, ImageSet, Mixture, digits
from genlib.data.shapes import EDGE, GAP, PAIRS, PALETTE, RADII, SHAPES, masks
from genlib.expect import (
    Levels,
    Seed,
    Size,
    batch_of,
    border,
    expect,
    expect_data,
    expect_number,
    expect_positive,
    expect_range,
    expect_rows,
    expect_whole,
)
from genlib.pretrained import judge
from genlib.rng import library_seed, permutation

FEWEST = 6  # samples that images are scored by: five neighbours, and one


@border
def to_grey_levels(x: Tensor, levels: Levels = 17) -> Tensor:
    """The one rule for all samples: clip to [0, 1], then round.

    The result is the nearest of `levels` grey levels.
    """
    expect_range("x", x)
    return (x.clamp(0, 1) * (levels - 1)).round() / (levels - 1)


# --- images: fidelity, diversity, novelty ------------------------------------------------------------------


@border
def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), for features (n, F).

    The unit is that of the features, squared. Paper: Heusel et al. 2017,
    equation 6; called FID where the features are those of an Inception
    network. The trace of the root is taken of the symmetric
    C_a^(1/2) C_b C_a^(1/2), which has the same eigenvalues, so that a
    symmetric eigen-decomposition in float64 is enough.
    """
    size = expect_data("a", a, "n F")["F"]
    expect_data("b", b, "n F", F=size)
    _expect_two_each("a, b", "rows", a, b)
    a, b = a.double(), b.double()
    C_a, C_b = torch.atleast_2d(a.T.cov()), torch.atleast_2d(b.T.cov())
    values, vectors = torch.linalg.eigh(C_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T  # C_a^(1/2)
    roots = torch.linalg.eigvalsh(root @ C_b @ root).clamp(min=0).sqrt()
    between = (a.mean(0) - b.mean(0)).square().sum()
    return (between + C_a.trace() + C_b.trace() - 2 * roots.sum()).item()


def _expect_two_each(name: str, what: str, a: Tensor, b: Tensor) -> None:
    if min(len(a), len(b)) < 2:
        raise ValueError(f"{name}: expected at least 2 {what} each, got {len(a)} and {len(b)}")


@border
def frechet_at_infinity(
    a: Tensor,
    b: Tensor,
    sizes: Sequence[int],
    rng: torch.Generator | None = None,
) -> float:
    """The Fréchet distance to b that infinitely many samples would have.

    Its values are a line in 1 / n, read at 0. Paper: Chong & Forsyth 2020.
    Only the bias that comes from the size of a is taken away, not that of b.

    Args:
        a, b: features (n, F) and (m, F).
        sizes: numbers of rows of a, from 2 to n, two different ones at least;
            each is tried on a random part of a.
    """
    n = expect_data("a", a, "n F")["n"]
    for size in sizes:
        expect_number("sizes", size, 2, n)
    if len(set(sizes)) < 2:
        told = f"expected two different sizes at least, got {list(sizes)}"
        raise ValueError(f"sizes: {told}")
    parts = [a[permutation(n, rng)[:size].to(a.device)] for size in sizes]
    found = [[frechet_distance(part, b)] for part in parts]
    line = [[1 / size, 1] for size in sizes]
    line, found = (torch.tensor(v, dtype=torch.float64) for v in (line, found))
    return torch.linalg.lstsq(line, found).solution[1].item()


@border
def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of features; no unit.

    The kernel is (a . b / F + 1)^3. Unbiased, so that no more samples are
    needed for a fair value, and it may fall below 0. Paper: Bińkowski et al.
    2018, section 4; called KID where the features are those of an Inception
    network.

    Args:
        a, b: features (n, F) and (m, F), at least two rows each.
    """
    width = expect_data("a", a, "n F")["F"]
    expect_data("b", b, "m F", F=width)
    _expect_two_each("a, b", "rows", a, b)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / width + 1) ** 3

    return _unbiased_mmd(kernel, a.double(), b.double())


@border
def two_sample_accuracy(
    a: Tensor,
    b: Tensor,
    rng: torch.Generator | None = None,
) -> float:
    """Share of new rows that a fresh classifier puts into the right set.

    It is 0.5 where it cannot tell the two. A forest of 50 trees learns from
    half of each set and is asked about the other half.
    Paper: Lopez-Paz & Oquab 2017, section 3.

    Args:
        a, b: features or pixels, (n, F), as many of each, at least 4.
        rng: halves the sets and seeds the forest.
    """
    # here, because it takes a second to import
    from sklearn.ensemble import RandomForestClassifier

    sizes = expect_data("a", a, "n F")
    expect_data("b", b, "n F", a, **sizes)
    n = sizes["n"]
    if n < 4:
        raise ValueError(f"a, b: expected at least 4 rows each, got {n}")
    a, b = (x.detach().cpu()[permutation(n, rng).cpu()] for x in (a, b))
    learn = torch.cat([a[: n // 2], b[: n // 2]])
    ask = torch.cat([a[n // 2 :], b[n // 2 :]])
    which = [torch.arange(len(x)) >= len(x) // 2 for x in (learn, ask)]
    forest = RandomForestClassifier(50, random_state=library_seed(rng))
    return float(forest.fit(learn, which[0]).score(ask, which[1]))


@border
def precision_recall(
    real: Tensor,
    fake: Tensor,
    k: Size = 5,
) -> tuple[float, float]:
    """Share of fakes among the real ones, and of real ones among the fakes.

    "Among" means inside the ball of some point of the other set that reaches
    to its k-th nearest neighbour there. Both lie in [0, 1].
    Paper: Kynkäänniemi et al. 2019, equations 1 and 2.

    Args:
        real, fake: features (n, F) with the same n > k: the balls shrink as n
            grows.
    """
    sizes = expect_data("real", real, "n F")
    expect_data("fake", fake, "n F", real, **sizes)
    if (n := sizes["n"]) <= k:
        told = f"expected fewer than the {n} points of a set, got {k}"
        raise ValueError(f"k: {told}")
    return _covered(fake, real, k), _covered(real, fake, k)


def _covered(x: Tensor, by: Tensor, k: int) -> float:
    """The share of x that lies in the k-nearest-neighbour ball of at least one point of `by`."""
    radius = _distances(by, by).kthvalue(k + 1, dim=1).values  # the nearest one is the point itself
    return (_distances(x, by) <= radius).any(dim=1).double().mean().item()


@border
def class_histogram_tv(
    y_fake: Tensor,
    y_real: Tensor,
    classes: Size = 10,
) -> float:
    """Total variation distance of two class histograms, in [0, 1].

    It is half the summed difference of the shares.
    """
    for name, y in (("y_fake", y_fake), ("y_real", y_real)):
        expect_whole(name, y, 0, classes - 1)
        expect_rows(name, y)

    def shares(y: Tensor) -> Tensor:
        return torch.bincount(y, minlength=classes).double() / len(y)

    return (shares(y_fake) - shares(y_real)).abs().sum().item() / 2


@border
def nearest_training_ratio(x: Tensor, train: Tensor, test: Tensor) -> float:
    """Median distance to the nearest training image, of x over test images.

    The unit cancels; new images of the same kind score about 1, a copy of the
    training set 0. Well under 1: copies, or averages.
    """
    pattern = batch_of(train.shape[1:])
    expect_data("train", train, pattern)
    expect_data("x", x, pattern, train)
    expect_data("test", test, pattern, train)
    x, test, train = (images.flatten(1) for images in (x, test, train))
    nearest = [_nearest(images, train).median() for images in (x, test)]
    return (nearest[0] / nearest[1]).item()


def _nearest(x: Tensor, train: Tensor, few: int = 10_000) -> Tensor:
    """The distance of every row to the nearest one of another set, (n,); some at once, to bound the memory.

    In a set of more than `few` rows, by matrix products, which are fast and round, and exactly among the eight best.
    """
    if len(train) <= few:
        return torch.cat([_distances(part, train).amin(dim=1) for part in x.split(100)])
    found = []
    for part in x.split(100):
        best = train[torch.cdist(part, train).topk(8, largest=False).indices]  # (100, 8, pixels)
        found.append((part[:, None] - best).norm(dim=2).amin(dim=1))
    return torch.cat(found)


@border
def score_digits(
    x: Tensor, y: Tensor | None = None, rng: torch.Generator | None = None
) -> dict[str, float]:
    """One row of the running table for generated digits.

    Read each value beside its floor, `digits_floor()`. `score_images` for the
    digits, with their judge; n = 1,000 samples in the table, at least 500.
    """
    n = expect("x", x, "n 1 8 8")["n"]
    if n < 500:
        told = "at least 500 samples (the test images they meet)"
        raise ValueError(f"x: expected {told}, got {n}")
    return score_images(x, digits(), judge("digits", x.device), y, rng)


@border
def score_images(
    x: Tensor,
    images: ImageSet,
    judge: Classifier | None,
    y: Tensor | None = None,
    rng: torch.Generator | None = None,
) -> dict[str, float]:
    """How near generated images come to an image set; read each value beside its floor, `images_floor`.

    frechet: Fréchet distance of the judge's features to those of the reference images, squared feature units.
    precision, recall: k-NN, k = 5, as many of each: at most 2,000, picked at random.
    class_tv: total variation of the class histogram, as the judge reads it, from that of the reference.
    nearest_ratio: `nearest_training_ratio`; of 500 samples where there are more than 10,000 training images.
    label_accuracy: share of samples that the judge reads as the class y they were drawn for; only with y.
    The reference are the test images; where they are fewer than 500, validation images too; under a dozen, all.

    Args:
        x: samples after `to_grey_levels`, (n, C, H, W), in [0, 1] on the levels of the set.
        judge: None where the set has none: the features are then the mean colours of 4 x 4 parts of the picture, which
            know colours and places but no shapes, and there is no class_tv.
        y: classes that were asked for, (n,).
        rng: picks what is looked at where not all are; seed 0 if left out.
    """
    n = _expect_finished(x, images)
    images = images.to(x.device)
    reference = _reference(images)
    a, b = _features(judge, x), _features(judge, reference)
    m = min(n, len(b), 2000)
    rng = rng or torch.Generator().manual_seed(0)
    some = torch.randperm(n, generator=rng)[:m].to(x.device)
    precision, recall = precision_recall(b[:m], a[some])
    seen = x if (few := _few(images)) is None else x[some[:few]]
    row = {
        "n": n,
        "frechet": frechet_distance(a, b),
        "precision": precision,
        "recall": recall,
        "nearest_ratio": nearest_training_ratio(seen, images.x_train, images.x_test[:few]),
    }
    return row | _read_by(judge, x, reference, y)


def _few(images: ImageSet) -> int | None:
    """How many images of a large set are looked at for their nearest training image; None for all of a small one."""
    return 500 if len(images.x_train) > 10_000 else None


def _read_by(
    judge: Classifier | None, x: Tensor, reference: Tensor, y: Tensor | None
) -> dict[str, float]:
    """What a judge reads in samples: their classes, and whether they are those that were asked for."""
    if judge is None and y is not None:
        raise ValueError("y: expected none, since no judge is there to read the samples, got some")
    if judge is None:
        return {}
    classes, y_judge = judge.net[-1].out_features, _predictions(judge, x)
    tv = {"class_tv": class_histogram_tv(y_judge, _predictions(judge, reference), classes)}
    if y is None:
        return tv
    expect_whole("y", y, 0, classes - 1, n=len(x))
    return tv | {"label_accuracy": (y_judge == y).double().mean().item()}


def _expect_finished(x: Tensor, images: ImageSet) -> int:
    """Check that x holds samples in the shape of a set, on its grey levels, and count them."""
    n = expect_data("x", x, batch_of(images.x_train.shape[1:]))["B"]
    expect_range("x", x, 0, 1)
    off = (x - to_grey_levels(x, images.levels)).abs().max()
    if off > 1e-6:  # k / 255 on a graphics card is not to the last bit what it is on the CPU
        raise ValueError(
            f"x: expected grey levels k/{images.levels - 1}, got values in between "
            "(call evaluate.to_grey_levels first)"
        )
    if n < FEWEST:
        raise ValueError(f"x: expected at least {FEWEST} samples, got {n}")
    return n


def _reference(images: ImageSet) -> Tensor:
    """The images that samples are compared with."""
    if len(images.x_test) >= 500:
        return images.x_test
    held_back = torch.cat([images.x_val, images.x_test])
    return held_back if len(held_back) >= 12 else torch.cat([images.x_train, held_back])


@torch.no_grad()
def _features(judge: Classifier | None, x: Tensor) -> Tensor:
    """What a judge sees of images, or without a judge the mean colours of 4 x 4 parts, (n, F); some at once."""
    if judge is None:
        return F.adaptive_avg_pool2d(x, 4).flatten(1)
    return torch.cat([judge.features(part) for part in x.split(1000)])


def _predictions(judge: Classifier, x: Tensor) -> Tensor:
    return torch.cat([judge.predict(part) for part in x.split(1000)])


@border
def images_floor(
    images: ImageSet, judge: Classifier | None, n: Size = 2000, seed: Seed = 0
) -> dict[str, float]:
    """What real images score: the first n training images in the place of samples.

    Only the nearest-training ratio differs, where training images would score 0: it takes the validation images.
    """
    expect_number("n", n, FEWEST)
    few = _few(images)
    ratio = nearest_training_ratio(images.x_val[:few], images.x_train, images.x_test[:few])
    rng = torch.Generator().manual_seed(seed)
    y = None if judge is None else images.y_train[:n]
    return score_images(images.x_train[:n], images, judge, y, rng) | {"nearest_ratio": ratio}


@border
def digits_floor(seed: Seed = 0) -> dict[str, float]:
    """What real digits score: the 1,000 training images in the place of samples."""
    return images_floor(digits(), judge("digits"), 1000, seed)


# --- drawn shapes, whose reading is known ------------------------------------------------------------------


@border
@torch.no_grad()
def read_shapes(x: Tensor) -> dict[str, Tensor]:
    """What is on pictures of the world of `data.shapes`: the drawing that comes nearest, over shapes, places and sizes.

    colour, shape, size, row, column: places in the lists of `data.shapes`, int64, (n,).
    error: share of the picture's variance that the drawing, in its best two colours, leaves unexplained, (n,).
    off: distance of its colour to the nearest of COLOURS, in RGB, (n,).
    clean: whether the picture is a drawing: error and off at most those of `CLEAN`, bool, (n,).

    Args:
        x: pictures (n, 3, size, size), [0, 1] or near.
    """
    sizes = expect_data("x", x, "n 3 size width")
    expect("x", x, "n 3 size size")
    drawings, found = _drawings(sizes["size"])
    drawings = drawings.to(x)
    pixels = x.flatten(2)  # (n, 3, D)
    best = [_nearest_drawing(part, drawings) for part in pixels.split(250)]
    k, error, colours = (torch.cat(parts) for parts in zip(*best, strict=True))
    distance = torch.cdist(colours, PALETTE.to(x))
    off, colour = distance.min(dim=1)
    clean = (error <= CLEAN["error"]) & (off <= CLEAN["off"])
    read = {name: values.to(x.device)[k] for name, values in found.items()}
    return {"colour": colour} | read | {"error": error, "off": off, "clean": clean}


CLEAN = {"error": 0.1, "off": 0.25}


@border
def score_shapes(x: Tensor, pair: Tensor) -> dict[str, float]:
    """How often pictures show the pair that was asked for; shares in [0, 1].

    colour, shape: read right, each alone. lenient: both. strict: both, and the picture is clean.

    Args:
        x: pictures (n, 3, size, size).
        pair: places in `data.shapes.PAIRS`, as `Drawn.pair`, (n,).
    """
    read = read_shapes(x)
    expect_whole("pair", pair, 0, len(PAIRS) - 1, n=len(x))
    colour = read["colour"] == pair // len(SHAPES)
    shape = read["shape"] == pair % len(SHAPES)
    found = {"colour": colour, "shape": shape, "lenient": colour & shape}
    found["strict"] = found["lenient"] & read["clean"]
    return {name: right.double().mean().item() for name, right in found.items()}


@functools.cache
def _drawings(size: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Masks of all shapes, at centres 1/32 of the side apart and in eight sizes, (K, size^2), and what they show."""
    every, found = [], []
    for big, (low, high) in enumerate(RADII.values()):
        for radius in torch.linspace(low, high, 4).tolist():
            near = torch.arange(radius + EDGE, 0.5 - GAP + 1e-6, 1 / 32)
            line = torch.cat([near, 1 - near.flip(0)])
            centre = torch.cartesian_prod(line, line)
            for shape in range(len(SHAPES)):
                kind = torch.full((len(centre),), shape)
                radii = torch.full((len(centre),), radius)
                every.append(masks(kind, centre, radii, size).flatten(1))
                column, row = (centre > 0.5).long().T
                found.append(torch.stack([kind, torch.full_like(kind, big), row, column], dim=1))
    names = ("shape", "size", "row", "column")
    return torch.cat(every), dict(zip(names, torch.cat(found).T, strict=True))


def _nearest_drawing(pixels: Tensor, drawings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For pixels (n, 3, D) the nearest drawing (n,), its error (n,), and its colour (n, 3).

    A drawing with mask m, in the colours a on m and b beside it, is b + m (a - b). The best two colours follow from
    least squares: a - b is the covariance of m and the pixels over the variance of m.
    """
    m = drawings - drawings.mean(dim=1, keepdim=True)
    rest = pixels - pixels.mean(dim=2, keepdim=True)
    variance = m.square().sum(dim=1)  # (K,), times D, like all that follow
    together = torch.einsum("kd,ncd->nck", m, rest)
    gain = together.square().sum(dim=1) / variance  # (n, K)
    most, k = gain.max(dim=1)
    error = 1 - most / rest.square().flatten(1).sum(dim=1).clamp(min=1e-9)
    contrast = together.gather(2, k[:, None, None].expand(-1, 3, 1))[:, :, 0] / variance[k, None]
    ground = pixels.mean(dim=2) - drawings[k].mean(dim=1)[:, None] * contrast
    return k, error, ground + contrast


# --- points in the plane, where the truth is known ---------------------------------------------------------


@border
def mode_scores(x: Tensor, mixture: Mixture) -> dict[str, float]:
    """How well points (n, 2) cover the modes of a mixture and keep to them.

    In the book n = 2,500.

    modes: number of modes with at least 20 points within 3 sd.
    high_quality: share of points within 3 sd of a mode;
        1 - exp(-4.5) = 0.9889 for the truth.
    spread: root mean square distance per coordinate of those points to their
        mode, in sd; 0.974 for the truth.
    mean_log_prob: mean log p under the truth, each value floored at -50, nats.
    """
    expect_data("x", x, "n 2")
    nearest, k = _distances(x, mixture.means.to(x)).min(dim=1)
    good = nearest <= 3 * mixture.sd
    count = torch.bincount(k[good], minlength=len(mixture.means))
    spread = nearest[good].square().mean().div(2).sqrt() / mixture.sd
    return {
        "modes": int((count >= 20).sum()),
        "high_quality": good.double().mean().item(),
        "spread": spread.item(),
        "mean_log_prob": mixture.log_prob(x).clamp(min=-50).mean().item(),
    }


@border
def inside_fraction(x: Tensor, density: Checkerboard) -> float:
    """Share of points (n, 2) inside the support of a density with edges.

    It lies in [0, 1], and is 1 for the truth.
    """
    expect_data("x", x, "n 2")
    return density.inside(x).double().mean().item()


@border
def mmd(
    x: Tensor,
    y: Tensor,
    widths: Sequence[float] = (0.1, 0.3, 1.0),
) -> float:
    """Squared maximum mean discrepancy, of the mean of Gaussian kernels.

    Unbiased, so it may fall below 0. No unit: kernels lie in [0, 1].
    Paper: Gretton et al. 2012, equation 3.

    Args:
        x, y: points (n, D) and (m, D).
        widths: standard deviations of the kernels, in units of the standard
            deviation of y.
    """
    expect_data("y", y, "m D", x, D=expect_data("x", x, "n D")["D"])
    _expect_two_each("x, y", "points", x, y)
    for width in widths or (0,):
        expect_positive("widths", width)
    scale = y.std()
    x, y = x / scale, y / scale

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squared = _distances(a, b).square()
        bells = [torch.exp(-squared / (2 * width**2)) for width in widths]
        return sum(bells) / len(widths)

    return _unbiased_mmd(kernel, x, y)


def _unbiased_mmd(
    kernel: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
) -> float:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), over pairs of two points."""

    def within(a: Tensor) -> Tensor:  # a point is not paired with itself
        k = kernel(a, a)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1))

    return (within(x) + within(y) - 2 * kernel(x, y).mean()).item()


@border
def sliced_wasserstein(x: Tensor, y: Tensor, directions: Size = 256) -> float:
    """Mean Wasserstein-1 distance of projections on random directions.

    The directions are always the same ones. Units of x.
    Paper: Bonneel et al. 2015.

    Args:
        x, y: as many points each, (n, D): in one dimension the best transport
            pairs the sorted points.
    """
    sizes = expect_data("x", x, "n D")
    expect_data("y", y, "n D", x, **sizes)
    always = torch.Generator().manual_seed(0)
    w = torch.randn(sizes["D"], directions, generator=always).to(x)
    w = w / w.norm(dim=0)
    x, y = ((points @ w).sort(dim=0).values for points in (x, y))
    return (x - y).abs().mean().item()


@border
def score_points(
    x: Tensor,
    density: Mixture | Checkerboard,
    rng: torch.Generator | None = None,
) -> dict[str, float]:
    """Everything that is measured of generated points (n, 2).

    Modes where they can be counted, else the mean log p under the truth (each
    value floored at -50, nats), or the share inside the edges; and mmd and
    sliced_wasserstein against n true points drawn under rng. In the book
    n = 2,500.
    """
    expect_data("x", x, "n 2")
    truth = density.sample(len(x), rng).to(x)
    moved = sliced_wasserstein(x, truth)
    own = {"mmd": mmd(x, truth), "sliced_wasserstein": moved}
    if isinstance(density, Checkerboard):
        return {"inside": inside_fraction(x, density)} | own
    if density.separated:
        return mode_scores(x, density) | own
    log_p = density.log_prob(x).clamp(min=-50)
    return {"mean_log_prob": log_p.mean().item()} | own


@border
def points_floor(
    density: Mixture | Checkerboard, n: int = 2500, rng: torch.Generator | None = None
) -> dict[str, float]:
    """What n true points score: the floor of `score_points`."""
    expect_number("n", n, 2)
    return score_points(density.sample(n, rng), density, rng)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (n, m), without the shortcut that loses small ones to rounding."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
