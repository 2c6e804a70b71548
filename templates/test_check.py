"""The checkers of notebook @NUMBER@a: the right answer passes, every planted wrong one gets its own reason."""

import math

from checking import checker_tests
from torch.distributions import Normal

from genlib.check import ex@NUMBER@a

CONSTANT = math.log(2 * math.pi) / 2


def nll(x, mu, logvar, sign=1, root=0.5, constant=CONSTANT):
    sd = (root * logvar).exp()
    return sign * (((x - mu) / sd).square() / 2 + sd.log() + constant)


RIGHT = {1: nll}
ALSO = {1: [lambda x, mu, logvar: -Normal(mu, logvar.exp().sqrt()).log_prob(x)]}
WRONG = {
    1: [
        (lambda *a: nll(*a, sign=-1), "sign is wrong"),
        (lambda *a: nll(*a, root=1), "not of the standard deviation"),
        (lambda *a: nll(*a, constant=0), "constant is missing"),
        (lambda *a: nll(*a, constant=1), "for x = -2 expected"),
        (lambda *a: nll(*a).sum(), "expected shape (6,), got ()"),
    ],
}
globals().update(checker_tests(ex@NUMBER@a, RIGHT, ALSO, WRONG))
