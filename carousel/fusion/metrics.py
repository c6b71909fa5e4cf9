"""Errors of a fused picture against the ground truth, over the whole picture and over the person.

All functions take (H, W, 3) uint8 RGB. As the background does not change, the foreground PSNR says how well the person
was fused; the PSNR of the whole picture mostly says how small the person is.
"""

import math

import numpy as np
from skimage.metrics import structural_similarity

MAX_PSNR_DB = 100.0  # for identical pictures, instead of infinity, so that means and differences stay finite
PEAK = 255


def psnr(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Compute the peak signal-to-noise ratio in dB, at most MAX_PSNR_DB.

    Args:
        predicted: (H, W, 3) uint8.
        truth: same shape.

    Raises:
        ValueError: not two pictures of one shape.
    """
    _check(predicted, truth)
    return psnr_of_mse(float(_squared_errors(predicted, truth).mean()))


def ssim(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean structural similarity (Wang et al. 2004) over 7 x 7 px windows and three channels, at most 1.

    Args:
        predicted: (H, W, 3) uint8, both sides at least 7 px.
        truth: same shape.

    Raises:
        ValueError: not two pictures of one shape, or too small.
    """
    _check(predicted, truth)
    return float(structural_similarity(predicted, truth, data_range=PEAK, channel_axis=2))


def foreground_mse(predicted: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Compute the mean squared error over the mask's pixels and three channels, in squared grey levels of 255.

    This is the fMSE of the harmonisation literature (Cong et al. 2020, "DoveNet", and the iHarmony4 tables).

    Args:
        predicted: (H, W, 3) uint8.
        truth: same shape.
        mask: (H, W); pixels above 0 count.

    Raises:
        ValueError: not two pictures of one shape, or a mask of another shape or without pixels.
    """
    _check(predicted, truth)
    if mask.shape != truth.shape[:2] or not mask.any():
        raise ValueError(f"the mask must be {truth.shape[:2]} and not empty, got {mask.shape} with {mask.sum()} in it")
    inside = mask > 0
    return float(_squared_errors(predicted[inside], truth[inside]).mean())


def foreground_psnr(predicted: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """PSNR in dB over the mask's pixels alone, at most MAX_PSNR_DB; arguments and errors as `foreground_mse`."""
    return psnr_of_mse(foreground_mse(predicted, truth, mask))


def psnr_of_mse(mse: float) -> float:
    """PSNR in dB of a mean squared error in squared grey levels of 255, at most MAX_PSNR_DB."""
    return min(10 * math.log10(PEAK**2 / mse), MAX_PSNR_DB) if mse else MAX_PSNR_DB


def _squared_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return (predicted.astype(np.int32) - truth) ** 2


def _check(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape or truth.ndim != 3 or truth.shape[2] != 3:
        raise ValueError(f"two pictures of one shape (H, W, 3) are compared, got {predicted.shape} and {truth.shape}")
    if predicted.dtype != np.uint8 or truth.dtype != np.uint8:
        raise ValueError(f"pictures of uint8 are compared, got {predicted.dtype} and {truth.dtype}")
