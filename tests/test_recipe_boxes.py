"""The loops on the pages of chapters 3, 5 and 6 run as they stand, and learn and draw."""

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from genlib import data, losses
from genlib.ddpm import linear_beta

BOOK = Path(__file__).resolve().parent.parent / "book"


def box(title: str, page: str = "05_denoising_diffusion.md") -> str:
    """The code in the admonition with that title."""
    text = (BOOK / page).read_text(encoding="utf-8")
    return re.search(rf"\{{admonition\}} {title}\n.*?```python\n(.*?)```", text, re.S).group(1)


class Line(nn.Module):
    """eps_hat as a straight line in x_t, its slope and offset free at each time: all that normal data ask for."""

    def __init__(self, T: int, D: int):
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(T + 1, 1))
        self.offset = nn.Parameter(torch.zeros(T + 1, D))

    def forward(self, x, t):
        return self.slope[t] * x + self.offset[t]


def test_the_two_boxes_train_and_draw():
    torch.manual_seed(0)
    T, D, mean, sd = 40, 2, torch.tensor([2.0, -1.0]), 0.5
    beta = torch.cat([torch.zeros(1), torch.linspace(0.01, 0.3, T)])
    assert len(linear_beta(T)) == T + 1, "entries as the library counts them"
    alpha_bar = (1 - beta).cumprod(dim=0)
    net = Line(T, D)
    names = {
        "torch": torch,
        "T": T,
        "D": D,
        "n": 4000,
        "net": net,
        "beta": beta,
        "alpha_bar": alpha_bar,
        "optimizer": torch.optim.Adam(net.parameters(), lr=0.02),
        "batches": (mean + sd * torch.randn(512, D) for _ in range(1500)),
    }
    exec(box("Algorithm 1: training"), names)
    assert names["loss"].item() < 1.5, "the loss of a network that says 0 is 2"
    with torch.no_grad():
        exec(box("Algorithm 2: drawing"), names)
    drawn = names["x"]
    torch.testing.assert_close(drawn.mean(dim=0), mean, atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.std(dim=0), torch.full((2,), sd), atol=0.1, rtol=0)


class Lines(Line):
    """A `Line` for each of three labels."""

    def __init__(self, T: int, D: int):
        super().__init__(T, 3 * D)
        self.D = D

    def forward(self, x, t, y):
        rows = torch.arange(len(y))
        return (self.slope[t] * x) + self.offset[t].view(-1, 3, self.D)[rows, y]


def test_the_boxes_of_chapter_6_train_and_draw_the_class_that_is_asked_for():
    """Two classes of one width: a slope for all, an offset for each label and for none; scale 0, 1 and beyond."""
    torch.manual_seed(0)
    T, D, sd = 40, 2, 0.5
    means = torch.tensor([[2.0, -1.0], [-2.0, 1.0]])
    beta = torch.cat([torch.zeros(1), torch.linspace(0.01, 0.3, T)])

    def batches(n: int):
        for _ in range(n):
            y = torch.randint(2, (512,))
            yield means[y] + sd * torch.randn(512, D), y

    net = Lines(T, D)
    names = {"torch": torch, "T": T, "D": D, "n": 2000, "net": net, "beta": beta, "null": 2}
    names |= {"alpha_bar": (1 - beta).cumprod(dim=0), "batches": batches(1500), "wanted": 1}
    names["optimizer"] = torch.optim.Adam(net.parameters(), lr=0.02)
    page, ends = "06_steering.md", {}
    exec(box("Algorithm 3: training, two lines more", page), names)
    assert (net.offset[1:].view(T, 3, D)[:, 2].abs() < 0.4).all(), "no label: nothing to lean to"
    for scale in (0.0, 1.0, 1.5):
        names["scale"] = scale
        with torch.no_grad():
            exec(box("Algorithm 4: guided drawing, three lines in the place of one", page), names)
        ends[scale] = names["x"].mean(dim=0)
    torch.testing.assert_close(ends[1.0], means[1], atol=0.15, rtol=0)
    torch.testing.assert_close(ends[0.0], torch.zeros(2), atol=0.4, rtol=0)
    torch.testing.assert_close(ends[1.5], 1.5 * means[1], atol=0.4, rtol=0)


def test_the_loop_of_chapter_3_makes_the_loss_of_a_vae():
    """Its loss differs from the library's by the constant that the page names, and a step lowers it."""
    text = (BOOK / "03_variational_autoencoders.md").read_text(encoding="utf-8")
    loop = re.search(r"```python\n(for x in batches:.*?)```", text, re.S).group(1)
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))
    decoder = nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=1e-4)
    x = data.digits().x_train[:100]
    names = {"torch": torch, "F": F, "encoder": encoder, "decoder": decoder}
    names |= {"optimizer": optimizer, "batches": [x] * 30}
    exec(loop, names)
    nll = losses.binomial_nll(names["logits"], x)
    choose = nll - names["recon"]
    torch.testing.assert_close(
        choose, losses.binomial_nll(0 * names["logits"], x) - 16 * 64 * torch.tensor(2.0).log()
    )
    torch.testing.assert_close(names["kl"], losses.gaussian_kl(names["mu"], names["logvar"]))
    before = names["loss"].item()
    exec(loop, names)
    assert names["loss"].item() < before - 10, "thirty more steps lower it"
