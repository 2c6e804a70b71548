"""Checkers of notebook 05d, straight paths."""

import math

import torch
from torch import Tensor

from genlib.check.verdict import (
    as_tensor,
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(x_0, eps, t): x_t and the velocity eps - x_0, both (B, D)."""
    for B, D in ((4, 2), (3, 5)):
        x_0, eps = torch.randn(2, B, D, generator=torch.Generator().manual_seed(B))
        t = torch.linspace(0, 1, B)
        point, target = need_two(
            answer(x_0, eps, t), "return two tensors: the point x_t, and the velocity."
        )
        point, target = need_tensor(point, (B, D)), need_tensor(target, (B, D))
        share = t[:, None]
        x_t, u = (1 - share) * x_0 + share * eps, eps - x_0
        swapped = share * x_0 + (1 - share) * eps
        need(
            not (close(point, u) and close(target, x_t)),
            "the two are in the wrong order: first the point x_t, then the velocity.",
        )
        wrong = {
            "x_t: the ends are swapped. Here t = 0 is data and t = 1 noise.": swapped,
            "x_t: this is a noise schedule, with square roots. On a straight line the weights are 1 - t and t.": (
                (1 - share).sqrt() * x_0 + share.sqrt() * eps
            ),
            "x_t: the data keep their full size. Their weight is 1 - t.": x_0 + share * eps,
        }
        need_none_of(point, wrong)
        need(close(point, x_t), "x_t: expected (1 - t) x_0 + t eps, with one t for each row.")
        wrong = {
            "velocity: the sign. From t = 0 to t = 1 the line goes from x_0 to eps.": -u,
            "velocity: this is the noise; a DDPM may learn that. Here it is the derivative of x_t by t.": eps,
            "velocity: it does not depend on t. Take the derivative of (1 - t) x_0 + t eps by t.": (
                share * u
            ),
            "velocity: from x_t to the noise is only a part of the way.": eps - x_t,
        }
        need_none_of(target, wrong)
        need(close(target, u), "velocity: expected the derivative of x_t by t, eps - x_0.")
    return praise("A line, and its slope.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, t, m, s): the mean velocity of one bell, (B, D)."""
    for B, D, t, s in ((4, 2, 0.3, 0.5), (3, 5, 0.8, 2.0), (2, 2, 0.0, 0.7), (5, 3, 1.0, 0.2)):
        rng = torch.Generator().manual_seed(B)
        x, m = torch.randn(B, D, generator=rng), 2 * torch.randn(D, generator=rng)
        found = need_tensor(answer(x, t, m, s), (B, D))
        off, variance = x - (1 - t) * m, (1 - t) ** 2 * s**2 + t**2
        covariance = t - (1 - t) * s**2
        right = -m + covariance / variance * off
        wrong = {
            "t = {t:g}, s = {s:g}: x is counted from its mean, which is (1 - t) m; you take x itself.": (
                -m + covariance / variance * x
            ),
            "t = {t:g}, s = {s:g}: x is counted from its mean, which is (1 - t) m, not m.": (
                -m + covariance / variance * (x - m)
            ),
            "t = {t:g}, s = {s:g}: the mean of eps - x_0 over everything, -m, is missing.": (
                covariance / variance * off
            ),
            "t = {t:g}, s = {s:g}: the mean of eps - x_0 is -m, not m.": (
                m + covariance / variance * off
            ),
            "t = {t:g}, s = {s:g}: the slope is the covariance over the variance, not over its root.": (
                -m + covariance / math.sqrt(variance) * off
            ),
            "t = {t:g}, s = {s:g}: s is a deviation; covariance and variance have its square.": (
                -m + (t - (1 - t) * s) / ((1 - t) ** 2 * s + t**2) * off
            ),
            "t = {t:g}, s = {s:g}: in the covariance, x_0 counts with a minus: t - (1 - t) s^2.": (
                -m + (t + (1 - t) * s**2) / variance * off
            ),
            "t = {t:g}, s = {s:g}: the weights are squared in the variance: (1 - t)^2 s^2 + t^2.": (
                -m + covariance / ((1 - t) * s**2 + t) * off
            ),
            "t = {t:g}, s = {s:g}: this is x_1 - m, right at t = 1 only.": x - m,
            "t = {t:g}, s = {s:g}: the sign is turned; eps - x_0 points to the noise.": -right,
        }
        need_none_of(found, wrong, right, t=t, s=s)
        need(
            close(found, right),
            "t = {t:g}, s = {s:g}: expected -m + slope (x - (1 - t) m), with slope the covariance of eps - x_0 and x_t "
            "over the variance of x_t.",
            t=t,
            s=s,
        )
    return praise("What a network can only learn.")


def _velocity(x: Tensor, t: float) -> Tensor:
    """A field that changes with place and time."""
    return torch.sin(x + 2 * t) + t * x


class _Asked:
    """That field for a learner, who may ask with numbers in any form; it remembers where it was asked."""

    def __init__(self):
        self.times, self.places = [], []

    def __call__(self, x, t) -> Tensor:
        t = as_tensor(t, "velocity takes a number t, got {kind}.").double()
        need(
            t.numel() > 0 and bool((t == t.reshape(-1)[0]).all()),
            "velocity takes one time for all rows.",
        )
        x = as_tensor(x, "velocity takes the points x, got {kind}.")
        self.times.append(round(float(t.reshape(-1)[0]), 6))
        self.places.append(x.detach().clone())
        return _velocity(x, self.times[-1])


@exercise
def exercise_3(answer) -> str:
    """answer(velocity, x, times): the last x of Euler's walk, its shape."""
    for shape, times in (((3, 2), [1.0, 0.6, 0.1, 0.0]), ((2, 4), [0.0, 0.5, 0.75])):
        start, asked = torch.randn(shape, generator=torch.Generator().manual_seed(1)), _Asked()
        pairs = list(zip(times[:-1], times[1:], strict=True))

        def walk(at=0, keep=True, sign=1.0, length=None, x=start, pairs=pairs):
            new = first = x
            for pair in pairs:
                step = pair[1] - pair[0] if length is None else length
                new = new + sign * step * _velocity(new if keep else first, pair[at])
            return new

        found = need_tensor(answer(asked, start, list(times)), shape)
        right = walk()
        if close(found, right):
            continue
        need(len(asked.times) > 0, "the velocity is never asked for.")
        need(not close(found, start), "x came back as it was: add each step to x.")
        turned = walk(sign=-1.0)
        need(
            not close(found, turned) or times[0] > times[-1],
            "times may rise or fall: take s - t, not minus its size.",
        )
        even = (times[-1] - times[0]) / len(pairs)
        wrong = {
            "the sign of the step: from t to s it is (s - t) times the velocity, below 0 where time falls.": (
                turned
            ),
            "ask for the velocity at the time you come from, not at the one you go to.": walk(at=1),
            "each step should ask for the velocity where it is now; yours asks at the first x.": (
                walk(keep=False)
            ),
            "the steps are not of equal length here: use each pair of times.": walk(length=even),
            "the length of the step is missing: (s - t) times the velocity.": walk(length=1.0),
        }
        need_none_of(found, wrong)
        need(
            asked.times == times[:-1],
            "expected one question at each of {times}, got {at}.",
            times=times[:-1],
            at=asked.times,
        )
        need(False, "for each pair of times t, s: x + (s - t) velocity(x, t).")
    return praise("That is the whole sampler.")


@exercise
def exercise_4(answer) -> str:
    """answer(velocity, x, t, s): x after one step of Heun's, its shape."""
    for shape, t, s in (((3, 2), 0.7, 0.4), ((2, 5), 0.2, 0.9)):
        x, asked = torch.randn(shape, generator=torch.Generator().manual_seed(2)), _Asked()
        found = need_tensor(answer(asked, x, t, s), shape)
        first = _velocity(x, t)
        there = x + (s - t) * first
        second = _velocity(there, s)
        right = x + (s - t) * (first + second) / 2
        if close(found, right):
            continue
        wrong = {
            "this is Euler's step: ask a second time, where it ends.": there,
            "the second velocity alone is no mean of the two.": x + (s - t) * second,
            "the two velocities are added; take their mean.": x + (s - t) * (first + second),
            "start the step with the mean velocity from x, not from the place where Euler's step ended.": (
                there + (s - t) * (first + second) / 2
            ),
            "half a step is missing at the end: you went on from Euler's place with half of the second.": (
                there + (s - t) * second / 2
            ),
            "the second velocity is asked for at x; ask where Euler's step ends.": (
                x + (s - t) * (first + _velocity(x, s)) / 2
            ),
            "the second velocity is asked for at time t; it is that of time s.": (
                x + (s - t) * (first + _velocity(there, t)) / 2
            ),
            "the sign of the step: it is (s - t) times the velocity, also for the place where you ask again.": (
                x + (t - s) * (first + _velocity(x + (t - s) * first, s)) / 2
            ),
            "the last step has the wrong sign: (s - t) times the mean.": (
                x - (s - t) * (first + second) / 2
            ),
            "this is the midpoint rule, another good one; Heun's asks at the end of the step.": (
                x + (s - t) * _velocity(x + (s - t) / 2 * first, (s + t) / 2)
            ),
        }
        need_none_of(found, wrong)
        need(len(asked.times) > 0, "the velocity is never asked for.")
        need(
            sorted(asked.times) == sorted([t, s]),
            "expected two questions, at {t} and at {s}, got them at {at}.",
            t=t,
            s=s,
            at=asked.times,
        )
        need(
            False, "from x, take (s - t) times the mean of the velocity at x and of the one there."
        )
    return praise("Two calls of the network for one step.")


@exercise
def exercise_5(answer) -> str:
    """answer(x_t, v_hat, a): the point of the straight path and the velocity there, both (B, D)."""
    for B, D, a in ((4, 2, 0.3), (3, 5, 0.9), (2, 3, 1.0)):
        x_t, v = torch.randn(2, B, D, generator=torch.Generator().manual_seed(B))
        signal, noise = math.sqrt(a), math.sqrt(1 - a)
        point, velocity = need_two(
            answer(x_t, v, a), "return two tensors: the point on the straight path, the velocity."
        )
        point, velocity = need_tensor(point, (B, D)), need_tensor(velocity, (B, D))
        x_0_hat, eps_hat = signal * x_t - noise * v, noise * x_t + signal * v
        right = x_t / (signal + noise)
        if a < 1:
            wrong = {
                "the point: divide x_t by the sum of both roots, so that the weights add up to 1.": x_t,
                "the point: this is x_t over the root of a, the unit of 05c. Divide by the sum of both roots.": (
                    x_t / signal
                ),
                "the point: multiply or divide? The weights should add up to 1.": (
                    x_t * (signal + noise)
                ),
                "the point: the two are in the wrong order.": eps_hat - x_0_hat,
            }
            need_none_of(point, wrong)
        need(
            close(point, right),
            "the point: expected x_t divided by the sum of the root of a and the root of 1 - a.",
        )
        wrong = {
            "the velocity: v is not yet the velocity. Compute x_0_hat and eps_hat from it.": v,
            "the velocity: the sign. It is eps_hat - x_0_hat.": x_0_hat - eps_hat,
            "the velocity: this is eps_hat alone.": eps_hat,
            "the velocity: it needs no division; x_0_hat and eps_hat are the same in both units.": (
                (eps_hat - x_0_hat) / (signal + noise)
            ),
            "the velocity: the square roots are missing; a is a variance.": (
                ((1 - a) * x_t + a * v) - (a * x_t - (1 - a) * v)
            ),
            "the velocity: x_0_hat and eps_hat come from the DDPM's x_t, not from the point on the straight path.": (
                (noise * right + signal * v) - (signal * right - noise * v)
            ),
        }
        need_none_of(velocity, wrong, eps_hat - x_0_hat)
        need(close(velocity, eps_hat - x_0_hat), "the velocity: expected eps_hat - x_0_hat.")
    return praise("One network, two samplers.")


@exercise
def exercise_6(answer) -> str:
    """answer(states): mean over steps and points of |velocity - (x_1 - x_0)|^2."""
    for n, B, D in ((4, 3, 2), (7, 2, 5)):
        states = torch.randn(n + 1, B, D, generator=torch.Generator().manual_seed(n))
        steps, line = states[:-1] - states[1:], states[0] - states[-1]
        off = n * steps - line
        right = off.square().sum(dim=2).mean()
        found = need_number(answer(states))
        wrong = {
            "each step takes the time 1 / n: its velocity is n times as large.": (
                (steps - line).square().sum(dim=2).mean()
            ),
            "there is one step less than there are states: multiply by their number.": (
                ((n + 1) * steps - line).square().sum(dim=2).mean()
            ),
            "the sign of the velocity: time falls from state to state, and x_1 is the first.": (
                (n * steps + line).square().sum(dim=2).mean()
            ),
            "sum over D; yours is a mean over it.": off.square().mean(),
            "a mean over steps and points; yours is a sum.": off.square().sum(),
            "a mean over the steps; yours is a sum over them.": off.square().sum(dim=(0, 2)).mean(),
            "a mean over the points; yours is a sum over them.": off.square()
            .sum(dim=(1, 2))
            .mean(),
            "the squared length; yours is the length.": off.norm(dim=2).mean(),
            "compare each velocity with the line from end to end; yours is the size of the velocity.": (
                (n * steps).square().sum(dim=2).mean()
            ),
            "compare velocities; yours compares the states with the straight line.": (
                (
                    states
                    - torch.lerp(states[0], states[-1], torch.linspace(0, 1, n + 1)[:, None, None])
                )
                .square()
                .sum(dim=2)
                .mean()
            ),
        }
        need_none_of(found, wrong)
        need(
            close(found, right),
            "{n} steps: expected {right:g}, got {found:g}.",
            n=n,
            right=right.item(),
            found=found,
        )
        even = torch.lerp(states[0], states[-1], torch.linspace(0, 1, n + 1)[:, None, None])
        still = need_number(answer(even))
        need(
            abs(still) < 1e-6,
            "straight paths, walked at an even pace: expected 0, got {found:g}.",
            found=still,
        )
    return praise("0 means that one step is enough.")


@exercise
def exercise_7(answer) -> str:
    """answer(log_p, D): log p in units that are twice as large, (B,)."""
    for B, D in ((3, 64), (5, 2)):
        log_p = 40 * torch.randn(B, generator=torch.Generator().manual_seed(D))
        found = need_tensor(answer(log_p, D), (B,))
        more = D * math.log(2)
        wrong = {
            "log_p came back as it was: a density changes with its unit.": log_p,
            "the sign. The same mass in less space: the density is larger.": log_p - more,
            "once for each of the D pixels.": log_p + math.log(2),
            "log_p is a natural logarithm: log 2, not 2.": log_p + 2 * D,
            "log_p is a natural logarithm: log 2, not 1.": log_p + D,
            "the densities are multiplied by 2 for each pixel; their logarithms grow by log 2.": (
                log_p * 2.0**D
            ),
            "this multiplies the logarithm; add log 2 for each pixel.": 2 * log_p,
            "this turns nats into bits. The unit of the pixels changes, not that of the information.": (
                log_p / math.log(2)
            ),
        }
        need_none_of(found, wrong)
        need(close(found, log_p + more), "expected log_p + D log 2.")
    return praise("Say the unit with every density.")
