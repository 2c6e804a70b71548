"""Checkers of notebook 05c, fewer steps."""

import math

import torch

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(x_0_hat, eps_hat, noise, a_t, a_s, eta): x_s, (B, D)."""
    rng = torch.Generator().manual_seed(0)
    x_0, eps, noise = torch.randn(3, 4, 2, generator=rng)
    a_t, a_s = 0.3, 0.7

    def step(variance, left=None, sd=None):
        left = 1 - a_s - variance if left is None else left
        sd = math.sqrt(variance) if sd is None else sd
        return math.sqrt(a_s) * x_0 + math.sqrt(left) * eps + sd * noise

    found = need_tensor(answer(x_0, eps, noise, a_t, a_s, 0.0), (4, 2))
    need(
        not close(found, a_s * x_0 + (1 - a_s) * eps),
        "eta = 0: the square roots are missing; alpha_bar is a variance.",
    )
    need(
        not close(found, math.sqrt(a_t) * x_0 + math.sqrt(1 - a_t) * eps),
        "eta = 0: this is x_t again. Signal and noise should have the sizes of time s.",
    )
    need(close(found, step(0.0)), "eta = 0: expected sqrt(a_s) x_0_hat + sqrt(1 - a_s) eps_hat.")
    found = need_tensor(answer(x_0, eps, noise, a_t, a_s, 0.5), (4, 2))
    ratio = (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
    wrong = {
        "eta is squared in the variance.": step(0.5 * ratio),
        "the ratio (1 - a_s) / (1 - a_t) is upside down.": step(
            0.25 * (1 - a_t) / (1 - a_s) * (1 - a_t / a_s) * 0.3
        ),
    }
    need(
        not close(found, step(0.25 * ratio, left=1 - a_s)),
        "fresh noise comes in, and the old one must make room: 1 - a_s - sigma^2 under the root.",
    )
    need(
        not close(found, step(0.25 * ratio, sd=0.25 * ratio)),
        "sigma is in front of the noise, not its square.",
    )
    need_none_of(found, wrong)
    need(
        close(found, step(0.25 * ratio)),
        "eta = 0 is right; for eta = 0.5 sigma^2 should be eta^2 (1 - a_s) / (1 - a_t) (1 - a_t / a_s).",
    )
    last = need_tensor(answer(x_0, eps, noise, a_t, 1.0, 1.0), (4, 2))
    need(close(last, x_0), "at s = 0, where a_s is 1, only x_0_hat should be left.")
    return praise("One formula from DDIM to DDPM.")


@exercise
def exercise_2(answer) -> str:
    """answer(predict, x_0, times, alpha_bar): the code of x_0, its shape."""
    alpha_bar = torch.linspace(1, 0.01, 11)
    x_0, times, asked = torch.tensor([[0.8, -0.4], [0.1, 0.5]]), [1, 3, 6, 10], []

    def predict(x, t):
        asked.append(t)
        seen = torch.tanh(x + 0.1 * t)
        return seen, (x - alpha_bar[t] ** 0.5 * seen) / (1 - alpha_bar[t]) ** 0.5

    def walk(times, at, to):
        x = x_0
        for pair in zip(times[:-1], times[1:], strict=True):
            seen, noise = predict(x, pair[at])
            x = alpha_bar[pair[to]] ** 0.5 * seen + (1 - alpha_bar[pair[to]]) ** 0.5 * noise
        return x

    right = walk(times, 0, 1)
    asked.clear()
    found = answer(predict, x_0.clone(), list(times), alpha_bar)
    need_answer(found)
    need(bool(asked), "the network is never asked.")
    found = need_tensor(found, (2, 2))
    need(asked[0] < asked[-1], "the times should grow: from data to noise.")
    need(
        asked != times[1:],
        "asked at the time you are going to; then the pair, put together for that time, is x again.",
    )
    need(
        asked == times[:-1],
        "expected one question at each of {times}, got {asked}.",
        times=times[:-1],
        asked=asked,
    )
    need(not close(found, x_0), "x_0 came back as it was: keep the x of each step for the next.")
    need(
        close(found, right),
        "put x_0_hat and eps_hat together with the sizes of the time you are going to.",
    )
    return praise("The same formula, walked the other way.")


@exercise
def exercise_3(answer) -> str:
    """answer(a, b, n): n points on the arc from a to b, (n, D)."""
    rng = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 6, generator=rng)
    n = 5
    found = need_tensor(answer(a, b, n))
    need(
        found.shape != (n - 1, 6),
        "expected {n} points, the first at a and the last at b; one is missing.",
        n=n,
    )
    found = need_tensor(found, (n, 6))
    u = torch.linspace(0, 1, n)[:, None]
    angle = torch.acos((a @ b) / (a.norm() * b.norm()))
    right = torch.sin((1 - u) * angle) / torch.sin(angle) * a
    right = right + torch.sin(u * angle) / torch.sin(angle) * b
    need(not close(found, (1 - u) * a + u * b), "this is the straight line.")
    need(not close(found, right.flip(0)), "the path runs from b to a.")
    need(
        not close(found, (u * math.pi / 2).cos() * a + (u * math.pi / 2).sin() * b),
        "this takes the angle for 90 degrees; compute it from a and b.",
    )
    need(close(found[0], a) and close(found[-1], b), "the ends should be a and b.")
    need(close(found, right), "the ends are right, the points between are not on the arc.")
    return praise("Even angles, and never too near to 0.")


@exercise
def exercise_4(answer) -> str:
    """answer(T, steps): steps + 1 falling whole times from T to 0, dense near 0 like a square."""
    for T, steps in ((100, 5), (1000, 50)):
        found = answer(T, steps)
        need_answer(found)
        found, done = [float(t) for t in found], [i / steps for i in range(steps + 1)]
        need(
            len(found) == steps + 1,
            "T = {T}, {steps} steps: expected {many} times, both ends among them, got {found}.",
            T=T,
            steps=steps,
            many=steps + 1,
            found=len(found),
        )
        need(found[0] >= found[-1], "the times should fall, from T to 0.")
        need(
            (found[0], found[-1]) == (T, 0),
            "expected the first time {T} and the last 0, got {first:g} and {last:g}.",
            T=T,
            first=found[0],
            last=found[-1],
        )
        need(all(t == round(t) for t in found), "a time is a whole number: round it.")
        need(not _about(found, [T * (1 - u) for u in done]), "these times are even.")
        need(
            not _about(found, [T * (1 - u**2) for u in done]),
            "the short steps are near T. Square what is left to go, not what is done.",
        )
        square = [T * (1 - u) ** 2 for u in done]
        need(
            len(set(found)) == len(found) or not _about(found, square),
            "T = {T}, {steps} steps: a time stands there twice, and a step from t to t does nothing. "
            "Never let time be less than the number of steps that are left.",
            T=T,
            steps=steps,
        )
        right = [max(t, steps - i) for i, t in enumerate(square)]
        need(
            _about(found, right),
            "T = {T}, {steps} steps: expected about {right}, got {found}.",
            T=T,
            steps=steps,
            right=right[:3],
            found=found[:3],
        )
    return praise("Long steps far out, short ones near the data.")


def _about(found: list[float], times: list[float]) -> bool:
    """The same times, however they were rounded."""
    return all(abs(t - u) <= 1 for t, u in zip(found, times, strict=True))
