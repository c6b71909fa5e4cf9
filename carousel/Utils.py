"""What the steps share, under one name: normalisation, the perceptual loss, PSNR and SSIM, result strips."""

from carousel.fusion.result_strips import compute_psnr_ssim, save_result
from common.imagenet.normalisation import NORM_MEAN, NORM_STD, denorm, norm, to_tensor, to_uint8
from common.imagenet.perceptual_loss import STAGES, PerceptualLoss

__all__ = [
    "NORM_MEAN",
    "NORM_STD",
    "STAGES",
    "PerceptualLoss",
    "compute_psnr_ssim",
    "denorm",
    "norm",
    "save_result",
    "to_tensor",
    "to_uint8",
]
