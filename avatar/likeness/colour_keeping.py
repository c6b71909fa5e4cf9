"""Keeps the colours and thin lines of a drawn figure in the picture that a model makes from it."""

import cv2
import numpy as np
from PIL import Image

SOFTNESS = 1 / 64  # of the blur that separates colour from detail, as a share of the picture's side


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


def keep_details(picture: Image.Image, start: Image.Image, share: np.ndarray) -> Image.Image:
    """A picture with parts of its start, such as spectacles: lines thinner than a latent px are lost by the model.

    Args:
        picture: RGB, square, with side S.
        start: RGB, what the picture was made from, of the same size.
        share: (S, S) float in [0, 1], share of the start.
    """
    made, kept = (np.asarray(image, np.float32) for image in (picture, start))
    mixed = made + (kept - made) * share[..., None]
    return Image.fromarray(mixed.round().astype(np.uint8))
