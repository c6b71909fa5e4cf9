"""Skin tones by the Monk Skin Tone scale (Monk 2019; skintone.google), as a step from 1 to 10."""

import cv2
import numpy as np

MONK_RGB = (
    "#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420",
)  # fmt: skip
STEPS = {"light": (1, 4), "medium": (5, 6), "dark": (7, 10)}  # first and last step of each word
LIGHTNESS = {"light": (48.0, 80.0), "medium": (40.0, 66.0), "dark": (14.0, 52.0)}  # of skin in photos, darkest first


def monk_lab() -> np.ndarray:
    """(10, 3) Lab of the scale's steps, L from 0 to 100."""
    rgb = np.array([[int(swatch[place : place + 2], 16) for place in (1, 3, 5)] for swatch in MONK_RGB])
    return cv2.cvtColor((rgb[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0]


def is_skin_step(word: str, monk: int | None) -> bool:
    """Whether a step belongs to a word: somebody may have edited the word alone."""
    first, last = STEPS.get(word, (1, 0))
    return monk is not None and first <= monk <= last


def monk_step(word: str, lightness: float) -> int:
    """The step of the scale, 1 to 10, by the word and, within its steps, by the measured lightness.

    Photos differ in exposure by more than neighbouring steps do, so the word, which weighs the whole face, comes first.

    Args:
        word: a key of STEPS.
        lightness: L of the skin in the photo, 0 to 100.
    """
    first, last = STEPS[word]
    darkest, lightest = LIGHTNESS[word]
    share = (lightest - lightness) / (lightest - darkest)
    return int(np.clip(first + np.floor(share * (last - first + 1)), first, last))
