"""Augmentation of real frames: other colours of body and clothing, light, shapes and art styles.

All functions work at one value an art pixel, and on both frames of a pair alike unless stated otherwise.
"""

from collections.abc import Callable

import cv2
import numpy as np

from masks.drawing.random_figures import blob, cast_shadow, relight, to_rgba
from masks.drawing.random_layers import fill_polygon, near_colour, paint, random_colour, random_style, random_texture
from masks.model.inference import premultiply

FAITHFUL = 0.5  # share of the variations that are only mirrored or unchanged

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]  # base and clothed (H, W, 4) uint8 RGBA, mask (H, W) uint8


def augment(rng: np.random.Generator, sample: Sample) -> Sample:
    """Return a random variation of a pair and its mask; FAITHFUL of them keep the frame's colours and light."""
    if rng.random() < FAITHFUL:
        return mirror(rng, sample)
    base, clothed, mask = turn(rng, mirror(rng, sample))
    smooth = rng.random() < 0.35
    if smooth:
        base, clothed, mask = soften(rng, (base, clothed, mask))
    base, clothed = recolour(rng, base, clothed, mask)
    if rng.random() < 0.3:
        clothed, mask = take_off(rng, base, clothed, mask)
    if rng.random() < 0.6:
        base, clothed, mask = add_shapes(rng, base, clothed, mask, pixel_art=not smooth)
    return base, new_light(rng, clothed, mask, pixel_art=not smooth), mask


def mirror(rng: np.random.Generator, sample: Sample) -> Sample:
    """Mirror left and right with probability 0.5."""
    step = -1 if rng.random() < 0.5 else 1
    base, clothed, mask = (np.ascontiguousarray(picture[:, ::step]) for picture in sample)
    return base, clothed, mask


def turn(rng: np.random.Generator, sample: Sample) -> Sample:
    """Rotate by a multiple of 90 degrees, rarely."""
    quarter = rng.choice([0, 1, 2, 3], p=[0.94, 0.02, 0.02, 0.02])
    base, clothed, mask = (np.ascontiguousarray(np.rot90(picture, quarter)) for picture in sample)
    return base, clothed, mask


def soften(rng: np.random.Generator, sample: Sample) -> Sample:
    """Turn pixel art into smooth art: enlarge it, blur the steps into curves, and sharpen the outline's alpha."""
    factor = float(rng.uniform(1.5, 4))
    size = tuple(min(320, round(side * factor)) for side in sample[0].shape[1::-1])
    spread = rng.uniform(0.3, 0.8) * factor

    def widen(picture: np.ndarray) -> np.ndarray:
        wide = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
        return cv2.GaussianBlur(wide.astype(np.float32), (0, 0), spread)

    frames = []
    for picture in sample[:2]:
        wide = widen(premultiply(picture))
        rgba = to_rgba(wide[..., :3], wide[..., 3] / 255)
        rgba[..., 3] = np.clip((wide[..., 3] - 127) * 3 + 127, 0, 255).astype(np.uint8)
        frames.append(rgba)
    return frames[0], frames[1], np.where(widen(sample[2]) > 127, 255, 0).astype(np.uint8)


def recolour(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Recolour the body in both frames, and the clothing in another way, sometimes close to the skin's colour."""
    body, garment = random_colours(rng), random_colours(rng)
    on = (mask > 0)[..., None]
    skin_like = rng.random() < 0.3
    new_base, new_body, new_garment = body(base), body(clothed), garment(clothed)
    if skin_like and on.any() and base[..., 3].any():
        target = near_colour(rng, np.median(new_base[base[..., 3] > 0][:, :3], axis=0))
        shift = target - np.median(new_garment[mask > 0][:, :3], axis=0)
        new_garment[..., :3] = np.clip(new_garment[..., :3] + shift, 0, 255).astype(np.uint8)
    return new_base, np.where(on, new_garment, new_body)


def random_colours(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Return a random recolouring that keeps light and dark: channel order, saturation, gain, gamma and tint."""
    order = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    matrix = np.eye(3)[order]
    grey = np.full((3, 3), 1 / 3)
    matrix = grey + (matrix - grey) * rng.uniform(0.2, 1.4)  # saturation
    gain, gamma = np.exp(rng.normal(0, 0.15, 3)), np.exp(rng.normal(0, 0.3))
    tint, share = random_colour(rng), rng.choice([0.0, rng.uniform(0, 0.5)])

    def change(rgba: np.ndarray) -> np.ndarray:
        rgb = np.clip(rgba[..., :3].astype(np.float32) / 255 @ matrix.T.astype(np.float32), 0, 1) ** gamma * gain
        tinted = rgb * (1 - share) + rgb.mean(axis=2, keepdims=True) * tint / 127 * share
        return np.dstack([np.clip(tinted * 255, 0, 255).astype(np.uint8), rgba[..., 3]])

    return change


def take_off(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Remove a random piece of the clothing, or all of it: there the clothed frame shows the base."""
    hole = random_shape(rng, mask.shape, mask > 0, 0.25)
    if rng.random() < 0.15:
        hole = np.ones_like(hole)
    return np.where(hole[..., None], base, clothed), np.where(hole, 0, mask).astype(np.uint8)


def add_shapes(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray, pixel_art: bool
) -> Sample:
    """Draw pieces of clothing over the clothed frame, or occluding shapes over both frames."""
    side = max(mask.shape)
    style = random_style(rng, pixel_art, side)
    body = base[..., 3] > 127
    reach = cv2.dilate(body.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(1, side // 40)) > 0
    for _ in range(int(rng.integers(1, 4))):
        shape = random_shape(rng, mask.shape, body, 0.3) & (reach if rng.random() < 0.7 else body)
        in_front = rng.random() < 0.2
        count, texture = random_texture(rng, side)
        first = near_colour(rng, np.median(base[body][:, :3], axis=0)) if rng.random() < 0.3 and body.any() else None
        colours = np.stack([random_colour(rng) if first is None else first, random_colour(rng)])[:count]
        colour = colours[0] if texture is None else colours
        layer = paint(rng, shape.astype(np.float32), colour, cloth=True, texture=texture, style=style)
        if layer is None:
            continue
        for picture in (base, clothed) if in_front else (clothed,):
            place = picture[layer.place]
            covered = layer.alpha > 0.5
            place[covered] = np.dstack([layer.rgb, np.full(layer.alpha.shape, 255)])[covered].clip(0, 255)
        mask = np.where(shape, 0 if in_front else 255, mask).astype(np.uint8)
    return base, clothed, mask


def random_shape(rng: np.random.Generator, shape: tuple[int, int], near: np.ndarray, size: float) -> np.ndarray:
    """Return a blob around a random pixel of `near`, (H, W) bool; `size` is its largest radius / the longer side."""
    points = np.argwhere(near)
    middle = points[rng.integers(len(points))][::-1] if len(points) else np.array(shape[::-1]) / 2
    outline = blob(rng, middle.astype(float), rng.uniform(0.05, size) * max(shape), rng.uniform(0, 0.4))
    return fill_polygon(outline, shape, cv2.LINE_8) > 0


def new_light(rng: np.random.Generator, clothed: np.ndarray, mask: np.ndarray, pixel_art: bool) -> np.ndarray:
    """Add shadows of the clothing and another light to the clothed frame only."""
    alpha = clothed[..., 3].astype(np.float32) / 255
    rgb = clothed[..., :3] * alpha[..., None]
    if rng.random() < 0.4:
        rgb = cast_shadow(rng, rgb, (mask > 0).astype(np.float32), pixel_art)
    if rng.random() < 0.6:
        rgb = relight(rng, rgb, alpha, pixel_art)
    return to_rgba(rgb, alpha)
