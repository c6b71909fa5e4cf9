"""Keeps the colours and thin lines of a drawn figure in the picture that a model makes from it."""

import cv2
import numpy as np
from PIL import Image

SOFTNESS = 1 / 64  # of the blur that separates colour from detail, as a share of the picture's side
LINE_PX, EDGE_PX = 2.6, 0.7  # deviations of the blurs that find lines and soften their edges, in pictures of 256 px
LEAST_CONTRAST, FULL_CONTRAST = 10.0, 40.0  # of a line, of 255, from which it counts a little and in full


def keep_colours(picture: Image.Image, start: Image.Image) -> Image.Image:
    """Detail of a picture with the colours of its start: the correction of StableSR (Wang et al. 2023, 2305.07015).

    Args:
        picture: RGB, square.
        start: RGB, what the picture was made from; resized to the picture's size.
    """
    side = picture.width
    sigma = side * SOFTNESS
    detail, wanted = (np.asarray(image.resize((side, side)).convert("RGB"), np.float32) for image in (picture, start))
    kept = detail - cv2.GaussianBlur(detail, (0, 0), sigma) + cv2.GaussianBlur(wanted, (0, 0), sigma)
    return Image.fromarray(kept.round().clip(0, 255).astype(np.uint8))


def keep_lines(picture: Image.Image, start: Image.Image, background: np.ndarray) -> Image.Image:
    """A picture with the thin lines and the background of its start.

    The model loses lines that are thinner than a latent pixel: spectacles, seams, strands, neon tubes.

    Args:
        picture: RGB, square, with side S.
        start: RGB, what the picture was made from, of the same size.
        background: (S, S) float in [0, 1], share of the background in the start.
    """
    made, kept = (np.asarray(image, np.float32) for image in (picture, start))
    share = np.maximum(thin_lines(kept), background)
    mixed = made + (kept - made) * share[..., None]
    return Image.fromarray(mixed.round().astype(np.uint8))


def thin_lines(drawing: np.ndarray) -> np.ndarray:
    """Find lines and small shapes: what differs from its surroundings.

    Args:
        drawing: (S, S, 3) float32, 0 to 255.

    Returns:
        (S, S) float32 in [0, 1], soft at its edges.
    """
    unit = len(drawing) / 256
    apart = np.abs(drawing - cv2.GaussianBlur(drawing, (0, 0), LINE_PX * unit)).max(axis=2)
    share = ((apart - LEAST_CONTRAST) / (FULL_CONTRAST - LEAST_CONTRAST)).clip(0, 1)
    wide = cv2.dilate(share, np.ones((max(1, round(unit)),) * 2, np.uint8))
    return cv2.GaussianBlur(wide, (0, 0), EDGE_PX * unit)
