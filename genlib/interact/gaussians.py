"""Two Gaussian classes to drag, and the same formulas in Python: log odds, Bayes error, the figure's samples."""

import math
from dataclasses import dataclass

import torch
from scipy.stats import ncx2, norm
from torch import Tensor

from genlib.expect import expect
from genlib.interact.base import Interactive, draws

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "legend": "Which kind of model?",
    "views": [
        ["generative", "What a generative model keeps"],
        ["discriminative", "What a discriminative model keeps"],
    ],
    "captions": {
        "generative": "The density *p*(*x* | *y*) of each class and the class probabilities *p*(*y*). "
        "The line follows from them by Bayes’ rule.",
        "discriminative": "Only *p*(*y* | *x*): how the plane is shared out between the classes. "
        "Where the *x* come from is forgotten.",
    },
    "mean": ["Mean of class 0", "Mean of class 1"],
    "probe": "Point x to ask about",
    "place": "x1 is #, x2 is #",
    "help": "Drag the discs 0 and 1. Move over the plane to ask about a point; click to pin it. "
    "By keyboard: Tab to a disc or to the point, then the arrow keys.",
    "boundary": "*p*(*y* = 1 | *x*) = ½",
    "which": "Which class is this *x*?",
    "verdict": "so it says: class #",
    "unusual": "Is this *x* unusual?",
    "rare": "# of # samples lie where *p*(*x*) is lower",
    "unknown": "It cannot tell.",
    "forgot": "Far away from all data it may be surest.",
    "draw": "Can it draw a new *x*?",
    "drawButton": "Draw # again",
    "cannot": "No.",
    "needsData": "Even to count its errors it needs examples from elsewhere.",
    "error": "# of # on the wrong side (ringed): # %",
    "bayes": "Bayes error # %",
    "phi": ", that is Φ(−Δ/2) with Δ = #",
    "closed": ", from a closed form",
    "summed": ", from a numerical integral",
    "spread": ["Spread, class 0", "Spread, class 1"],
    "spreadBoth": "Spread",
    "rho": "Correlation",
    "prior": "*p*(*y* = 1)",
    "shared": "Same spread for both classes",
    "sameButton": "Other clouds, same *p*(*y* | *x*)",
    "same": {
        "generative": "Different clouds, different samples. But the line stayed, "
        "and so did *p*(*y* | *x*) at every point.",
        "discriminative": "The data are different now, and here nothing changed: "
        "this model cannot tell the two worlds apart.",
    },
    "none": "No other clouds of this kind fit into the picture.",
    "reset": "Start again",
}
LABEL = "Two classes in the plane: what a generative and what a discriminative model keeps"
STILL = (
    "Two Gaussian clouds, class 0 and class 1, and the line between them on which both classes are equally probable. "
    "With JavaScript switched on, the clouds can be moved."
)


@dataclass(frozen=True)
class TwoGaussians:
    """The model behind the figure: class k is N(mu_k, sd_k^2 R) with R = [[1, rho], [rho, 1]], p(y = 1) = prior."""

    mu: tuple[tuple[float, float], tuple[float, float]] = ((-1.25, -0.45), (1.25, 0.45))
    sd: tuple[float, float] = (0.8, 0.8)
    rho: float = 0.0
    prior: float = 0.5

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) in nats for both classes, (B, 2).

        Args:
            x: points, (B, 2).
        """
        expect("x", x, "B 2")
        correlation = torch.tensor([[1, self.rho], [self.rho, 1]], dtype=x.dtype)
        columns = []
        for mu, sd, p in zip(self.mu, self.sd, (1 - self.prior, self.prior), strict=True):
            gauss = torch.distributions.MultivariateNormal(
                torch.tensor(mu, dtype=x.dtype), sd**2 * correlation
            )
            columns.append(math.log(p) + gauss.log_prob(x))
        return torch.stack(columns, dim=1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (B,)."""
        return self.log_joint(x).logsumexp(dim=1)

    def posterior(self, x: Tensor) -> Tensor:
        """p(y = 1 | x) by Bayes' rule, (B,)."""
        return self.log_joint(x).softmax(dim=1)[:, 1]

    def delta(self) -> float:
        """Distance of the means in units of the spread (Mahalanobis), where both classes have the same spread."""
        return self._gap() / self.sd[0]

    def bayes_error(self) -> float:
        """The smallest error that any rule can reach: probability that y is not the more probable class.

        With equal spreads and equal priors this is Phi(-delta / 2). With unequal spreads the boundary is a circle
        in coordinates in which R is the identity, so each class falls inside with a noncentral chi-square probability.
        """
        (s, t), gap, odds = self.sd, self._gap(), math.log(self.prior / (1 - self.prior))
        if s == t:
            if gap == 0:
                return min(self.prior, 1 - self.prior)
            delta = gap / s
            miss_0, miss_1 = norm.cdf(odds / delta - delta / 2), norm.cdf(-odds / delta - delta / 2)
            return float((1 - self.prior) * miss_0 + self.prior * miss_1)
        k = 1 / t**2 - 1 / s**2
        centre = gap / t**2 / k  # class 0 at 0, class 1 at gap
        square = max(0.0, centre**2 + (2 * odds + 4 * math.log(s / t) - gap**2 / t**2) / k)
        inside_0 = ncx2.cdf(square / s**2, 2, (centre / s) ** 2)
        inside_1 = ncx2.cdf(square / t**2, 2, ((centre - gap) / t) ** 2)
        wrong_0, wrong_1 = (inside_0, 1 - inside_1) if k > 0 else (1 - inside_0, inside_1)
        return float((1 - self.prior) * wrong_0 + self.prior * wrong_1)

    def _gap(self) -> float:
        (a, b), (c, d) = self.mu
        x, y = c - a, (d - b - self.rho * (c - a)) / math.sqrt(1 - self.rho**2)
        return math.hypot(x, y)

    def sample(self, seed: int, n: int) -> tuple[Tensor, Tensor]:
        """The very points that the figure draws for a seed: x (n, 2) and y (n,)."""
        u, noise = draws(seed, n)
        y = (u < self.prior).long()
        mu, sd = torch.tensor(self.mu, dtype=torch.float64), torch.tensor(self.sd).double()
        a, b = noise.unbind(dim=1)
        eps = torch.stack([a, self.rho * a + math.sqrt(1 - self.rho**2) * b], dim=1)
        return mu[y] + sd[y, None] * eps, y


def two_gaussians(
    model: TwoGaussians | None = None, *, view: str = "generative", n: int = 200, seed: int = 1
) -> Interactive:
    """Two clouds to drag: the densities, the exact boundary p(y = 1 | x) = 1/2, samples, and their errors.

    Args:
        model: where the figure starts.
        view: "generative" (densities and samples) or "discriminative" (p(y | x) alone).
        n: how many samples are drawn at a time, at most 1,000.
        seed: of the first samples.

    Raises:
        ValueError: an unknown view, or n out of range.
    """
    if view not in WORDS["captions"]:
        raise ValueError(f"view: expected generative or discriminative, got {view!r}")
    if not 1 <= n <= 1000:
        raise ValueError(f"n: expected 1 to 1,000 samples, got {n}")
    model = model or TwoGaussians()
    start = {
        "mu": [list(mu) for mu in model.mu],
        "sd": list(model.sd),
        "rho": model.rho,
        "prior": model.prior,
        "shared": model.sd[0] == model.sd[1],
        "probe": [0.9, -1.6],
        "view": view,
        "seed": seed,
    }
    data = {"start": start, "words": WORDS, "n": n}
    return Interactive("gaussians.js", data, label=LABEL, still=STILL)
