"""Figures that move in the page without a kernel and without a network, one file of JavaScript each.

Every figure is an Interactive; its formulas exist in Python too, and a browser test compares the two.
"""

from genlib.interact.base import Interactive
from genlib.interact.bound import evidence_bound, overlap
from genlib.interact.captions import caption_picker
from genlib.interact.choice import real_or_drawn, wilson
from genlib.interact.doses import corruption_doses
from genlib.interact.draw import draw_digits
from genlib.interact.film import diffusion_film
from genlib.interact.game import adversarial_game
from genlib.interact.gaussians import TwoGaussians, two_gaussians
from genlib.interact.guidance import guidance_scale
from genlib.interact.kernels import bandwidth, kernel_log_prob, nearest_distance
from genlib.interact.latent import (
    LatentPlane,
    latent_plane,
    plane,
    vae_plane,
)
from genlib.interact.planes import two_planes
from genlib.interact.replay import gan_replay
from genlib.interact.start import noise_to_digits
from genlib.interact.train_here import train_here
from genlib.interact.walk import walk_back

__all__ = [
    "Interactive",
    "LatentPlane",
    "TwoGaussians",
    "adversarial_game",
    "bandwidth",
    "caption_picker",
    "corruption_doses",
    "diffusion_film",
    "draw_digits",
    "evidence_bound",
    "gan_replay",
    "guidance_scale",
    "kernel_log_prob",
    "latent_plane",
    "nearest_distance",
    "noise_to_digits",
    "overlap",
    "plane",
    "real_or_drawn",
    "train_here",
    "two_gaussians",
    "two_planes",
    "vae_plane",
    "walk_back",
    "wilson",
]
