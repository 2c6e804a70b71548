"""One code, its prior, its posterior and a q to drag: the evidence bound of a linear-Gaussian model, exactly."""

import math

import torch
from scipy.stats import norm
from torch import Tensor

from genlib.interact.base import Interactive, draws
from genlib.vae import LinearGaussian

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "legend": "What is q compared with?",
    "views": [["prior", "Against the prior"], ["posterior", "Against the posterior"]],
    "captions": {
        "prior": "The encoder answers an *x* with a density *q* over the code *z*. KL(*q* ‖ prior) is its tax: "
        "one part for a mean that is not 0, one for a variance that is not 1.",
        "posterior": "The decoder here is as simple as can be: *p*(*x* | *z*) is *N*(*z*, *s*²). So log *p*(*x*) and "
        "the posterior are known, and one can see what the ELBO lacks.",
    },
    "q": "*q*(*z* | *x*) = *N*(*μ*, *σ*²)",
    "prior": "prior *p*(*z*) = *N*(0, 1)",
    "posterior": "posterior *p*(*z* | *x*)",
    "overlapKey": "overlap",
    "densityLabel": {
        "prior": "Densities over the code z: q filled, the prior dashed, their overlap hatched. Below, fixed draws "
        "of epsilon, each joined to its code z = mu + sigma epsilon",
        "posterior": "Densities over the code z: q filled, the prior dashed, the posterior solid. Below, fixed draws "
        "of epsilon, each joined to its code z = mu + sigma epsilon",
    },
    "meterLabel": {
        "prior": "KL from q to the prior in nats, in two parts: for the mean and for the variance",
        "posterior": "log p(x) as a fixed line in nats, the ELBO below it, and the gap between them",
    },
    "handle": "Top of q",
    "place": "mu is #, sigma is #",
    "help": "Drag the top of *q*: sideways moves *μ*, upwards makes *q* narrower. By keyboard: Tab to it, then the "
    "arrow keys. Under the curves, the draws *ε* stay and the codes *z* = *μ* + *σε* move with *q*.",
    "codes": "*z* = *μ* + *σε*",
    "noise": "*ε*, fixed",
    "datum": "*x*",
    "datumKey": "*x* ± *s*: what *x* alone says",
    "cut": "*q* is cut off",
    "unit": "nats",
    "logpx": "log *p*(*x*)",
    "elbo": "ELBO",
    "gap": "gap",
    "kl": "KL",
    "mu": "Mean *μ*",
    "logvar": "log *σ*²",
    "sigma": "#, σ = #",
    "x": "Data *x*",
    "sd": "Noise *s*",
    "klTitle": "KL(*q* ‖ prior)",
    "partsTitle": "For *μ*, and for *σ*²",
    "meanPart": "*μ*² / 2 = #",
    "variancePart": "(*σ*² − 1 − log *σ*²) / 2 = #",
    "overlapTitle": "Overlap with the prior",
    "overlapNote": "1 where both are the same density. It stays between 0 and 1; the KL has no limit.",
    "elboTitle": "ELBO",
    "reconPart": "rebuild *x*: E log *p*(*x* | *z*) = #",
    "klPart": "less KL(*q* ‖ prior) = #",
    "logpxTitle": "log *p*(*x*)",
    "logpxNote": "Does not ask for *q*. Only *x* and the decoder can move it.",
    "gapTitle": "Gap",
    "gapNote": "KL(*q* ‖ posterior), never below 0.",
    "best": "Best *q*",
    "collapse": "*q* = prior",
    "point": "Almost a point",
    "reset": "Start again",
    "verdicts": {
        "free": "*q* is the prior: no tax, and *z* says nothing about *x*.",
        "far": "Most of the tax is on the mean: *q* lies away from 0.",
        "narrow": "Most of the tax is on the variance: *q* is narrower than the prior.",
        "broad": "Most of the tax is on the variance: *q* is wider than the prior.",
        "exact": "*q* is the posterior: the gap is closed, and the ELBO is log *p*(*x*).",
        "point": "Almost a point: each halving of *σ* costs another log 2 ≈ 0.69 nats.",
        "ignores": "*q* is the prior: no tax, but it ignores what *x* tells.",
        "beside": "*q* lies beside the posterior: most of the gap comes from its mean.",
        "bold": "*q* is narrower than the posterior: it claims to know more than *x* tells.",
        "timid": "*q* is wider than the posterior: it leaves open what *x* has told.",
    },
}
LABEL = "The evidence bound of one data point: a density q over its code, and what the ELBO lacks of log p(x)"
STILL = (
    "A density q over one code, between the prior and the true posterior. The ELBO touches log p(x) only where q is "
    "the posterior. With JavaScript switched on, q can be moved."
)
# How far the sliders go. With sd of at least 0.4 no log-likelihood is above 0, so all bars hang from 0.
LIMITS = {"mu": (-3.0, 3.0), "logvar": (-8.0, 2.0), "x": (-3.0, 3.0), "sd": (0.4, 2.0)}


def overlap(mu: float, logvar: float) -> float:
    """The overlap of N(mu, exp(logvar)) with N(0, 1): the integral of the smaller density, 0 to 1.

    The densities cross where z^2 - (z - mu)^2 / sigma^2 = logvar. Between the two roots the narrower one is above.
    """
    sigma, k = math.exp(logvar / 2), math.expm1(-logvar)  # k = 1 / sigma^2 - 1
    if abs(k) < 1e-9:
        return float(2 * norm.cdf(-abs(mu) / 2))
    half = math.sqrt((mu / sigma) ** 2 - k * logvar)
    low, high = sorted(((mu / sigma**2 - half) / k, (mu / sigma**2 + half) / k))
    prior = norm.cdf(high) - norm.cdf(low)
    q = norm.cdf((high - mu) / sigma) - norm.cdf((low - mu) / sigma)
    return float(prior + 1 - q if k > 0 else q + 1 - prior)


def figure_model(sd: float) -> LinearGaussian:
    """The model behind the figure: z ~ N(0, 1), x | z ~ N(z, sd^2), in double precision."""
    one = torch.ones(1, 1, dtype=torch.float64)
    return LinearGaussian(one, 0 * one[0], sd)


def figure_eps(seed: int, n: int) -> Tensor:
    """The very draws of eps that the figure holds for a seed, (n,)."""
    return draws(seed, n)[1][:, 0]


def evidence_bound(
    mu: float = -0.8,
    logvar: float = -1.2,
    *,
    x: float = 1.5,
    sd: float = 0.8,
    view: str = "prior",
    n: int = 12,
    seed: int = 145,
) -> Interactive:
    """One data point and a q over its code to drag: KL to the prior and overlap, or ELBO, log p(x) and the gap.

    Args:
        mu: mean of q at the start, -3 to 3.
        logvar: log sigma^2 of q at the start, -8 to 2.
        x: the data point at the start, -3 to 3.
        sd: standard deviation of the decoder's noise at the start, 0.4 to 2.
        view: "prior" (KL in two parts, overlap) or "posterior" (ELBO and gap).
        n: how many draws of eps are shown, at most 50.
        seed: of the draws.

    Raises:
        ValueError: an unknown view, or a number out of range.
    """
    if view not in WORDS["captions"]:
        raise ValueError(f"view: expected prior or posterior, got {view!r}")
    start = {"mu": mu, "logvar": logvar, "x": x, "sd": sd}
    for name, (low, high) in LIMITS.items():
        if not low <= start[name] <= high:
            raise ValueError(f"{name}: expected a number of {low} to {high}, got {start[name]}")
    if not 1 <= n <= 50:
        raise ValueError(f"n: expected 1 to 50 draws, got {n}")
    data = {"start": start | {"view": view}, "limits": LIMITS, "words": WORDS, "n": n, "seed": seed}
    return Interactive("bound.js", data, label=LABEL, still=STILL)
