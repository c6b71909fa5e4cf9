"""Relighting: shows a person as if photographed in another light.

A person cut out of a photo fits that photo exactly, so there is nothing to learn or to measure without such a change.
All functions return 8-bit pixels: clipping and rounding lose information, as in a real photo.
"""

from collections.abc import Sequence

import cv2
import numpy as np

EXPOSURE_EV = 0.7  # the fixed protocol draws each value uniformly within plus and minus these
GAIN = 0.15
CONTRAST = 0.2
SATURATION = 0.3
FIXED_SHARE = 0.45  # share of the training samples relit by the fixed protocol
RATIOS = (0.65, 1.55)  # limits of the change of the spread of Lab values
MONOCHROME_SHARE = 0.3  # share of strong lights that are black and white, or nearly
FARTHEST_LAB = 30  # limit of the distance of another region's mean, in units of Lab
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
LEVELS = np.arange(256, dtype=np.float32) / 255


def relight_fixed(rng: np.random.Generator, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Relight by the fixed protocol of evaluation: exposure, channel gains, contrast and saturation.

    Exposure and gains multiply linear light; contrast is relative to the person's mean, saturation to luma.

    Args:
        rng: random generator.
        rgb: (H, W, 3) uint8.
        mask: (H, W) uint8, 255 where the person is, not empty.

    Returns:
        (H, W, 3) uint8, the whole picture in the new light.
    """
    gains = 2 ** rng.uniform(-EXPOSURE_EV, EXPOSURE_EV) * rng.uniform(1 - GAIN, 1 + GAIN, 3)
    contrast = rng.uniform(1 - CONTRAST, 1 + CONTRAST)
    saturation = rng.uniform(1 - SATURATION, 1 + SATURATION)
    return adjust(rgb, mask, gains, contrast, saturation, linear=True)


def relight_random(rng: np.random.Generator, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Relight for training, more strongly and in more ways than the fixed protocol.

    Changes exposure, gains, contrast and saturation in linear light or of the stored values, the tone curves, colour
    statistics in Lab as harmonisation sets do (Cong et al. 2020, arXiv:1911.13239), at random or towards those of
    another region of the photo, the fall-off of light, blur and noise. FIXED_SHARE of the samples use the fixed
    protocol. Arguments and result as `relight_fixed`.
    """
    if rng.random() < FIXED_SHARE:
        return relight_fixed(rng, rgb, mask)
    kind = rng.random()
    if kind < 0.45:
        linear = bool(rng.random() < 0.5)
        width = EXPOSURE_EV if linear else 0.5
        gains = 2 ** rng.uniform(-width, width) * rng.uniform(1 - 1.1 * GAIN, 1 + 1.1 * GAIN, 3)
        contrast, saturation = rng.uniform(0.78, 1.22), rng.uniform(0.67, 1.33)
        rgb = adjust(rgb, mask, gains, contrast, saturation, linear=linear)
    else:
        rgb = move_statistics(rng, rgb, mask) if kind < 0.8 else borrow_statistics(rng, rgb, mask)
    if rng.random() < 0.25:
        rgb = bend_curves(rng, rgb)
    if rng.random() < 0.25:
        rgb = light_gradient(rng, rgb, mask)
    if rng.random() < 0.2:
        rgb = soften(rng, rgb)
    return rgb


def adjust(
    rgb: np.ndarray, mask: np.ndarray, gains: np.ndarray, contrast: float, saturation: float, *, linear: bool
) -> np.ndarray:
    """Multiply the channels by `gains`, in linear light or as stored, then change contrast and saturation."""
    if linear:
        curves = [to_srgb(to_linear(LEVELS) * gain) for gain in gains]
    else:
        curves = [np.minimum(LEVELS * gain, 1) for gain in gains]
    lit = cv2.LUT(rgb, np.stack(curves, axis=1)[None].astype(np.float32))
    middle = np.array(cv2.mean(lit, mask)[:3])
    # Contrast about the mean and saturation about luma are one matrix and one offset.
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(LUMA, (3, 1))
    matrix = np.column_stack([contrast * mix, mix @ middle * (1 - contrast)])
    return to_u8(cv2.transform(lit, matrix))


def move_statistics(rng: np.random.Generator, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Change the mean and the spread of the person's Lab values at random (Reinhard et al. 2001)."""
    ratio = np.clip(np.exp(rng.normal(0, 0.3, 3)), *RATIOS)
    return move_lab(rgb, mask, ratio, rng.normal(0, (11, 5, 9)))


def borrow_statistics(rng: np.random.Generator, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Move the person's Lab statistics towards those of a random rectangle of the photo, by 30 to 80 %."""
    height, width = mask.shape
    tall, wide = (max(2, round(side * rng.uniform(0.15, 0.5))) for side in (height, width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    share = rng.uniform(0.3, 0.8)
    target, spread = lab_statistics(rgb[top : top + tall, left : left + wide], None)
    mean, own = lab_statistics(rgb, mask)
    ratio = np.clip(spread / np.maximum(own, 1), *RATIOS) ** share
    return move_lab(rgb, mask, ratio, share * np.clip(target - mean, -FARTHEST_LAB, FARTHEST_LAB))


def move_lab(rgb: np.ndarray, mask: np.ndarray, ratio: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Multiply the spread of Lab values around the person's mean, and shift them."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mean = np.array(cv2.mean(lab, mask)[:3], np.float32)
    moved = (lab - mean) * ratio.astype(np.float32) + mean + shift.astype(np.float32)
    return to_u8(cv2.cvtColor(np.ascontiguousarray(moved), cv2.COLOR_LAB2RGB))


def lab_statistics(rgb: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of Lab values, (3,) float64 each."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mean, spread = cv2.meanStdDev(lab, mask=mask)
    return mean[:, 0], spread[:, 0]


def grade(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Show pictures in one strong light: under coloured lamps, at night, or in black and white."""
    if rng.random() < MONOCHROME_SHARE:
        gains, saturation = 2 ** rng.uniform(-0.7, 0.5) * np.ones(3), rng.uniform(0, 0.25)
    else:
        colour = np.exp(rng.normal(0, 0.45, 3))
        gains, saturation = 2 ** rng.uniform(-1.2, 0.3) * colour / colour.mean(), rng.uniform(0.7, 1.2)
    everywhere = np.full(pictures[0].shape[:2], 255, np.uint8)
    return [adjust(picture, everywhere, gains, 1.0, saturation, linear=True) for picture in pictures]


def bend_curves(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Bend the tone curve by a power, and those of the channels a little differently."""
    exponents = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.08, 3))
    return cv2.LUT(rgb, to_u8(LEVELS[:, None] ** exponents)[None])


def light_gradient(rng: np.random.Generator, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Make the light stronger on one side of the picture, by up to 0.4 EV from the middle."""
    height, width = mask.shape
    angle = rng.uniform(0, 2 * np.pi)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None] * np.float32(np.cos(angle))
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    gain = np.exp2(rng.uniform(0.1, 0.4) / 2.2 * (across + down))
    return to_u8(rgb * (gain[..., None] / 255))


def soften(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Add a little blur or noise."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.3, 0.9))
    noise = rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.uniform(0.004, 0.02))
    return to_u8(rgb / np.float32(255) + noise)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Convert sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Convert linear light to sRGB values, clipped to [0, 1]."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def to_u8(values: np.ndarray) -> np.ndarray:
    """Convert values in [0, 1], clipped, to uint8."""
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
