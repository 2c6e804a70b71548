"""The smallest GAN as a landscape to walk on: data N(0, 1), fakes N(theta, 1), and a D that expects them at phi."""

import torch

from genlib.gan import gaussian_game_logits, gaussian_game_value, quadrature
from genlib.interact.base import Interactive

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Each place on the map is a pair of players. *G* draws fakes around *θ*. *D* expects them around *φ*. "
    "Lines join places of equal value *V*. *D* climbs, up or down the page; *G* descends, left or right.",
    "mapLabel": "Map of the value V over theta, from left to right, and phi, upwards: lines of equal value, the "
    "ridge phi = theta as a dashed diagonal, the saddle in the middle, the path walked so far, and an arrow for the "
    "next step",
    "lineLabel": "Over the line of x: the density of the data, that of the fakes, the discriminator as a thick "
    "curve and the best discriminator as a dashed one",
    "theta": "*θ*: the fakes",
    "phi": "*φ*: expected by *D*",
    "ridge": "*φ* = *θ*: *D* is the best",
    "saddle": "saddle",
    "data": "data *p*",
    "fakes": "fakes *q*",
    "D": "*D*(*x*)",
    "best": "best *D*",
    "next": "the next step",
    "handle": "The pair of players",
    "place": "theta is #, phi is #",
    "help": "Drag the disc, or Tab to it and use the arrow keys. Then let the players step.",
    "eta": "Step size *η*",
    "orders": [["alternating", "*D* first, then *G*"], ["simultaneous", "Both at once"]],
    "orderLegend": "Who moves when?",
    "losses": [["minimax", "*G*: log(1 − *D*)"], ["non-saturating", "*G*: −log *D*"]],
    "lossLegend": "Which loss does G minimise?",
    "one": "One step",
    "many": "Twenty steps",
    "reset": "Start again",
    "vTitle": "Value *V*",
    "vNote": "At the saddle −log 4 ≈ −1.386.",
    "bestTitle": "*V* for the best *D*",
    "bestNote": "−log 4 + 2 JSD, with JSD = #",
    "pullTitle": "What each one feels",
    "pullD": "*D* is pulled by #",
    "pullG": "*G* is pushed by #",
    "nats": "# nats",
    "steps": "# steps",
    "verdicts": {
        "saddle": "Nobody can gain: the fakes are the data, and *D* says ½ everywhere.",
        "lost": "Off the map. The steps were too long for this game.",
        "deaf": "*G* feels next to nothing: *D* is sure, and log(1 − *D*) is flat there.",
        "ridge": "*D* is the best for these fakes. *G* moves away from where *D* expects it.",
        "chase": "*D* is behind: it expects the fakes where they are not.",
    },
}
LIMITS = {"theta": (-4.0, 4.0), "phi": (-4.0, 4.0), "eta": (0.1, 3.0)}
START = {
    "theta": 3.0,
    "phi": 0.5,
    "eta": 1.0,
    "order": "alternating",
    "loss": "non-saturating",
}
NODES = 64


def pulls(theta: float, phi: float, loss: str = "non-saturating") -> tuple[float, float]:
    """The ways G and D would go: minus the slope of G's loss in theta, and the slope of V in phi, nats per unit.

    Args:
        loss: "minimax", log(1 - D), or "non-saturating", -log D.
    """
    at = torch.tensor([theta, phi], dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(gaussian_game_value(*at), at)[0]
    if loss == "minimax":
        return -slope[0].item(), slope[1].item()
    z, weight = quadrature(NODES)
    doubt = torch.sigmoid(-gaussian_game_logits(theta + z, phi))  # 1 - D at the fakes
    return -phi * (doubt @ weight).item(), slope[1].item()


def step(theta: float, phi: float, eta: float, order: str, loss: str) -> tuple[float, float]:
    """One step of size eta of both players: "alternating", D first, or "simultaneous"."""
    new_phi = phi + eta * pulls(theta, phi, loss)[1]
    seen = new_phi if order == "alternating" else phi
    return theta + eta * pulls(theta, seen, loss)[0], new_phi


def adversarial_game(
    theta: float = START["theta"],
    phi: float = START["phi"],
    eta: float = START["eta"],
    order: str = START["order"],
    loss: str = START["loss"],
) -> Interactive:
    """The game of chapter 4's exact case, to be played by hand or step by step.

    Args:
        theta, phi: place of the fakes, and where D expects them, in [-4, 4].
        eta: step size, in [0.1, 3].
        order: "alternating" or "simultaneous".
        loss: of G, "minimax" or "non-saturating".

    Raises:
        ValueError: an argument is outside its range.
    """
    for name, value in {"theta": theta, "phi": phi, "eta": eta}.items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise ValueError(f"{name}: expected a number of {low} to {high}, got {value}")
    for name, value in {"order": order, "loss": loss}.items():
        known = [key for key, _ in WORDS["orders" if name == "order" else "losses"]]
        if value not in known:
            raise ValueError(f"{name}: expected {' or '.join(known)}, got {value!r}")
    z, weight = (a.numpy() for a in quadrature(NODES))
    heavy = weight > 1e-18  # the others change no digit that is shown
    data = {
        "start": {"theta": theta, "phi": phi, "eta": eta, "order": order, "loss": loss},
        "limits": LIMITS,
        "words": WORDS,
        "z": z[heavy].round(12).tolist(),
        "weight": weight[heavy].tolist(),
    }
    return Interactive(
        "game.js",
        data,
        label="A game of two players: where the fakes are, and where the discriminator expects them",
        still="With JavaScript, this is a map of the value V over theta and phi. Two players walk on it: D climbs, "
        "G descends, and their path winds into the saddle in the middle or out of the map.",
    )
