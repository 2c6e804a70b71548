"""Checkers of notebook 05c, fewer steps."""

import math

import torch

from genlib.check.verdict import (
    as_tensor,
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
    for B, D, a_t, a_s, some in ((4, 2, 0.3, 0.7, 0.4), (3, 5, 0.02, 0.05, 1.0)):
        x_0, eps, noise = torch.randn(3, B, D, generator=torch.Generator().manual_seed(0))
        ratio = (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)

        def step(variance, left=None, sd=None, parts=(x_0, eps, noise), a_s=a_s):
            left = max(1 - a_s - variance, 0.0) if left is None else left
            sd = math.sqrt(variance) if sd is None else sd
            return math.sqrt(a_s) * parts[0] + math.sqrt(left) * parts[1] + sd * parts[2]

        def ask(a_s, eta, arguments=(x_0, eps, noise, a_t)):
            value = answer(*arguments, a_s, eta)
            is_complex = "complex" in str(getattr(value, "dtype", ""))
            found = None if is_complex else need_tensor(value, tuple(arguments[0].shape))
            need(
                not is_complex and not found.isnan().any(),
                "eta = {eta:g}: a negative number stands under a root. Is a ratio upside down?",
                eta=eta,
            )
            return found

        found = ask(a_s, 0.0)
        wrong = {
            "eta = 0: the square roots are missing; alpha_bar is a variance.": (
                a_s * x_0 + (1 - a_s) * eps
            ),
            "eta = 0: this is x_t again. Signal and noise should have the sizes of time s.": (
                math.sqrt(a_t) * x_0 + math.sqrt(1 - a_t) * eps
            ),
            "eta = 0: only the fresh noise is there; eps_hat, the noise that is in x_t, stays.": (
                math.sqrt(a_s) * x_0 + math.sqrt(1 - a_s) * noise
            ),
            "eta = 0 still brings fresh noise: eta is missing in sigma.": step(ratio),
        }
        need_none_of(found, wrong)
        need(
            close(found, step(0.0)),
            "eta = 0: expected sqrt(a_s) x_0_hat + sqrt(1 - a_s) eps_hat.",
        )
        found, right = ask(a_s, some), step(some**2 * ratio)
        upside_down = some**2 * (1 - a_t) / (1 - a_s) * (1 - a_t / a_s)
        wrong = {
            "fresh noise comes in, and the old one must make room: 1 - a_s - sigma^2 under the root.": (
                step(some**2 * ratio, left=1 - a_s)
            ),
            "sigma is in front of the noise, not its square.": (
                step(some**2 * ratio, sd=some**2 * ratio)
            ),
            "eta is squared in the variance.": step(some * ratio),
            "the ratio (1 - a_s) / (1 - a_t) is upside down.": step(upside_down),
            "eta > 0: fresh noise comes in, and yours has none.": step(0.0),
            "eta > 0: the noise that is taken away is not put back; sigma times the fresh noise is missing.": (
                step(some**2 * ratio, sd=0.0)
            ),
            "under the root stands 1 - a_s minus sigma^2, not minus sigma.": (
                step(some**2 * ratio, left=max(1 - a_s - some * math.sqrt(ratio), 0.0))
            ),
            "eta > 0: the fresh noise is added, not taken away.": (
                step(some**2 * ratio, sd=-some * math.sqrt(ratio))
            ),
            "eta > 0: eps_hat and the fresh noise are swapped.": (
                step(some**2 * ratio, parts=(x_0, noise, eps))
            ),
            "the last factor of sigma^2, 1 - a_t / a_s, is missing.": (
                step(some**2 * (1 - a_s) / (1 - a_t))
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "eta = 0 is right; for eta = {eta:g} sigma^2 should be eta^2 (1 - a_s) / (1 - a_t) (1 - a_t / a_s).",
            eta=some,
        )
        last = ask(1.0, 1.0)
        need(close(last, x_0), "at s = 0, where a_s is 1, only x_0_hat should be left.")
    return praise("One formula from DDIM to DDPM.")


@exercise
def exercise_2(answer) -> str:
    """answer(predict, x, times, alpha_bar): the code of x, its shape."""
    for shape, times in (((2, 2), [1, 3, 6, 10]), ((3, 5), [1, 4])):
        T = times[-1]
        x_0 = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        alpha_bar, asked = torch.linspace(1, 0.01, T + 1), []

        def net(x, t, alpha_bar=alpha_bar):
            seen = torch.tanh(x + 0.1 * t)
            return seen, (x - alpha_bar[t] ** 0.5 * seen) / (1 - alpha_bar[t]) ** 0.5

        def predict(x, t, asked=asked, net=net):
            t, x = as_tensor(t, "predict takes one whole number t, got {kind}."), torch.as_tensor(x)
            need(
                t.numel() == 1,
                "predict takes one whole number t, got {many} of them.",
                many=t.numel(),
            )
            asked.append((x.detach().clone(), int(t)))
            return net(x, int(t))

        def walk(pairs, root=0.5, keep=True, x=x_0, alpha_bar=alpha_bar, net=net):
            new = start = x
            for at, to in pairs:
                seen, noise = net(new if keep else start, at)
                new = alpha_bar[to] ** root * seen + (1 - alpha_bar[to]) ** root * noise
            return new

        pairs = list(zip(times[:-1], times[1:], strict=True))
        right = walk(pairs)
        value = answer(predict, x_0, list(times), alpha_bar)
        need_answer(value)
        need(len(asked) > 0, "the network is never asked.")
        found = need_tensor(value, shape)
        if close(found, right):
            continue
        at = [t for _, t in asked]
        need(
            len(at) < 2 or at[0] < at[-1],
            "the times should grow, from data to noise; the network was asked at {at}.",
            at=at,
        )
        back, late = close(found, x_0), at == times[1:]
        need(
            not (late and back),
            "asked at the time you are going to; then the pair, put together for that time, is x again.",
        )
        need(
            not late,
            "ask at the time you come from, and put the pair together for the time you are going to; "
            "yours were asked at {at}.",
            at=at,
        )
        need(
            at == times[:-1],
            "expected one question at each of {times}, got {at}.",
            times=times[:-1],
            at=at,
        )
        need(
            not back,
            "x came back as it was. Put together with the sizes of t, the pair is x again: use those of the time "
            "you are going to. And keep the new x for the next step.",
        )
        wrong = {
            "each step starts from the first x; keep the x of each step for the next.": (
                walk(pairs, keep=False)
            ),
            "the square roots are missing: alpha_bar is a variance.": walk(pairs, root=1.0),
        }
        need_none_of(found, wrong)
        need(False, "put x_0_hat and eps_hat together with the sizes of the time you are going to.")
    return praise("The same formula, walked the other way.")


@exercise
def exercise_3(answer) -> str:
    """answer(a, b, n): n points on the arc from a to b, (n, D)."""
    for n, D, seed in ((5, 6, 1), (4, 3, 0), (2, 8, 2)):
        a, b = torch.randn(2, D, generator=torch.Generator().manual_seed(seed))
        found = need_tensor(answer(a, b, n))
        need(
            found.shape != (n - 1, D) and found.shape != (n - 2, D),
            "expected {n} points, the first at a and the last at b; got {found}.",
            n=n,
            found=len(found) if found.ndim else 1,
        )
        need(found.shape != (D, n) or n == D, "turn it over: one point a row, shape (n, D).")
        found = need_tensor(found, (n, D))
        need(
            not found.isnan().any(),
            "some numbers are nan. The arc cosine takes numbers from -1 to 1: a @ b divided by both lengths.",
        )
        u = torch.linspace(0, 1, n)[:, None]
        angle = torch.acos((a @ b) / (a.norm() * b.norm()))

        def arc(angle, a=a, b=b, u=u):
            return (torch.sin((1 - u) * angle) * a + torch.sin(u * angle) * b) / torch.sin(angle)

        right, line = arc(angle), (1 - u) * a + u * b
        wrong = {
            "this is the straight line.": line,
            "the path runs from b to a.": right.flip(0),
            "this takes the angle for 90 degrees; compute it from a and b.": arc(
                torch.tensor(math.pi / 2)
            ),
            "a and b were brought to length 1. Lengths belong to the angle only.": arc(
                angle, a / a.norm(), b / b.norm()
            ),
            "the angle is in degrees; torch counts in radians.": arc(angle * 180 / math.pi),
            "the cosine of the angle is a @ b divided by both lengths.": arc(torch.acos(a @ b)),
            "the division by sin(phi) is missing.": right * torch.sin(angle),
            "this is the cosine of the angle; the angle is its arc cosine.": arc(torch.cos(angle)),
            "this is the straight line, stretched; the angles are not even.": (
                line / line.norm(dim=1, keepdim=True) * ((1 - u) * a.norm() + u * b.norm())
            ),
        }
        need_none_of(found, wrong, right)
        need(close(found[0], a) and close(found[-1], b), "the ends should be a and b.")
        need(close(found, right), "the ends are right, the points between are not on the arc.")
    return praise("Even angles, and never too near to 0.")


@exercise
def exercise_4(answer) -> str:
    """answer(T, steps): steps + 1 falling whole times from T to 0, dense near 0 like a square."""
    for T, steps in ((100, 5), (1000, 50), (7, 7), (30, 1)):
        found = answer(T, steps)
        need_answer(found)
        found = as_tensor(found, "expected a list of whole times, got {kind}.").double()
        found = found.reshape(-1).tolist()
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
            "T = {T}, {steps} steps: expected the first time {T} and the last 0, got {first:g} and {last:g}.",
            T=T,
            steps=steps,
            first=found[0],
            last=found[-1],
        )
        need(all(t == round(t) for t in found), "a time is a whole number: round it.")
        left = range(steps, -1, -1)
        square = [T * (k / steps) ** 2 for k in left]
        right = [max(t, k) for t, k in zip(square, left, strict=True)]
        off = [abs(t - u) > 1 + 1e-6 for t, u in zip(found, right, strict=True)]
        need(
            not any(off) or not _about(found, [T * k / steps for k in left]),
            "these times are even.",
        )
        need(
            not any(off) or not _about(found, [T * (1 - (1 - k / steps) ** 2) for k in left]),
            "the short steps are near T. Square what is left to go, not what is done.",
        )
        need(
            len(set(found)) == len(found),
            "T = {T}, {steps} steps: a time stands there twice, and a step from t to t does nothing. "
            "Never let time be less than the number of steps that are left.",
            T=T,
            steps=steps,
        )
        where = off.index(True) if any(off) else 0
        need(
            not any(off),
            "T = {T}, {steps} steps: with {left} left to go expected about {right:g}, got {found:g}.",
            T=T,
            steps=steps,
            left=steps - where,
            right=right[where],
            found=found[where],
        )
        need(
            found == sorted(found, reverse=True),
            "T = {T}, {steps} steps: every time should be smaller than the one before.",
            T=T,
            steps=steps,
        )
    return praise("Long steps far out, short ones near the data.")


def _about(found: list[float], times: list[float]) -> bool:
    """The same times, however they were rounded."""
    return all(abs(t - u) <= 1 + 1e-6 for t, u in zip(found, times, strict=True))
