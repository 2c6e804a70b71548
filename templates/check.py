"""Checkers of notebook @NUMBER@a."""

import torch
from torch.distributions import Normal

from genlib.check.verdict import close, exercise, need, need_none_of, need_tensor, praise


@exercise
def exercise_1(answer) -> str:
    """answer(x, mu, logvar): -log N(x; mu, exp(logvar)) in nats, in the shape of x."""
    for n, mu, log_variance in ((6, 0.5, -1.0), (4, -2.0, 0.7)):  # two cases, of different sizes
        x, logvar = torch.linspace(-2, 3, n), torch.tensor(log_variance)
        found = need_tensor(answer(x, mu, logvar), (n,))
        right = -Normal(mu, (logvar / 2).exp()).log_prob(x)
        wrong = {
            "the sign is wrong: a negative log-likelihood grows with the distance from mu.": -right,
            "logvar is the logarithm of the variance, not of the standard deviation.": (
                -Normal(mu, logvar.exp()).log_prob(x)
            ),
            "the constant is missing: 1/2 log 2 pi belongs to the density.": (
                (x - mu).square() / logvar.exp() / 2 + logvar / 2
            ),
        }
        need_none_of(found, wrong)
        need(
            close(found, right),
            "for x = {x:g} expected {wanted:.3f}, got {found:.3f}.",
            x=x[0].item(),
            wanted=right[0].item(),
            found=found[0].item(),
        )
    return praise("The loss of one number, in nats.")
