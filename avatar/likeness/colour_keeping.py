"""Keeps the colours of a drawn figure in the picture that a model makes from it."""

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
