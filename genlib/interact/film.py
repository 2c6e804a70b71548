"""There and back: digits that noise covers, and the same model's walk from noise to digits, moved through by time."""

from torch import Tensor

from genlib import pretrained
from genlib.ddpm import alpha_bar_of, cosine_beta, linear_beta
from genlib.interact.base import Interactive, as_base64

T = 1000
SCHEDULES = {
    "cosine": cosine_beta(T),
    "linear": linear_beta(T),
    "few": linear_beta(T // 10),  # the ends of "linear", a tenth of the steps
}

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Move through the time *t*. Above: data go to noise; the rule is fixed. Below: a trained network comes "
    "back from noise that holds no digit. Both rows have the same amount of noise at the same *t*.",
    "there": "There: test digits at *t*",
    "back": "Back: the learned walk at *t*",
    "thereLabel": "Eight test digits with the noise of time #",
    "backLabel": "Eight reverse chains at time #",
    "curveLabel": "Share of the signal's variance that is left, over the time, with a mark at this time",
    "time": "Time *t*",
    "play": "Play backwards",
    "pause": "Pause",
    "legend": "Which schedule?",
    "schedules": [
        ["cosine", "cosine, 1,000 steps"],
        ["linear", "linear, 1,000 steps"],
        ["few", "linear, 100 steps"],
    ],
    "left": "Signal left, share of the variance",
    "ratio": "Signal to noise",
    "otherBack": "The network was trained with the cosine schedule. Its walk is shown for that one only.",
    "axisTime": "*t* / *T*",
    "verdicts": {
        "clean": "All of the digit is there.",
        "seen": "You can still read it.",
        "lost": "Hard to read. A network sees more than you do.",
        "gone": "Less than a hundredth of what is left is signal.",
        "early": "The steps have ended, and much of the digit is still there. Sampling would start from pure noise, "
        "which no data ever became.",
    },
    "help": "Drag the slider, or press Play. By keyboard: Tab to the slider, then the arrow keys.",
}


def verdict(left: float, at_end: bool) -> str:
    """The key of the sentence for a share of signal."""
    if at_end and left > 0.05:
        return "early"
    if left > 0.95:
        return "clean"
    return "seen" if left > 0.8 else "lost" if left / (1 - left) > 0.01 else "gone"


def diffusion_film(t: int = 200, schedule: str = "cosine") -> Interactive:
    """The figure, opened at a time of one schedule.

    Args:
        t: 0, 10, ..., 1000; of the schedule with 100 steps a tenth of it is taken.
        schedule: "cosine", "linear" or "few".

    Raises:
        ValueError: an argument is outside its range.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if not 0 <= t <= T or t % 10:
        raise ValueError(f"t: expected a multiple of 10 from 0 to {T}, got {t}")
    tensors, card = pretrained.tensors("ddpm_film"), pretrained.card("ddpm_film")

    def alpha_bar(beta: Tensor) -> list[float]:
        at = slice(None, None, (len(beta) - 1) // 100)  # 101 times
        return [float(f"{v:.5g}") for v in alpha_bar_of(beta)[at].tolist()]

    data = {
        "start": {"t": t, "schedule": schedule},
        "words": WORDS,
        "x0": as_base64(tensors["x_0"]),
        "eps": as_base64(tensors["eps"]),
        "back": as_base64(tensors["back"]),
        "moments": card["moments"],
        "alphaBar": {name: alpha_bar(beta) for name, beta in SCHEDULES.items()},
    }
    return Interactive(
        ("digits.js", "film.js"),
        data,
        label="There and back: digits under noise, and a learned walk from noise to digits",
        still="With JavaScript, this shows eight digits that vanish under noise as the time t grows, and below them "
        "eight digits that a trained network makes out of noise as the time falls.",
    )
