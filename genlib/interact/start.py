"""Noise becomes digits: what a reader sees first, the stored moments of eight walks of the trained network."""

from genlib import pretrained
from genlib.interact.base import Interactive, as_base64, png

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "label": "Eight squares of noise that a trained network turns into handwritten digits, step by step",
    "time": "A trained network removes noise: # steps to go",
    "play": "Play",
    "pause": "Pause",
}


def noise_to_digits() -> Interactive:
    """The figure: it plays by itself, over and over, unless the reader asked for less motion; then the digits stand."""
    back, card = pretrained.tensors("ddpm_film")["back"], pretrained.card("ddpm_film")
    data = {"words": WORDS, "back": as_base64(back), "moments": card["moments"]}
    end = (back[-1, :, 0].float() / 40).clamp(-1, 1)  # as the script reads a stored level
    row = (255 * (1 - end) / 2).round().byte().permute(1, 0, 2).flatten(1)
    return Interactive(
        ("digits.js", "start.js"),
        data,
        label="Noise becomes digits, by a trained network",
        still="With JavaScript, this shows how a trained network turns noise into these eight digits.",
        picture=png(row),
    )
