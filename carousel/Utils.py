"""What the training and the measuring of the fusion model share: normalisation, the perceptual loss, result strips."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from carousel.fusion.imagenet_features import vgg16_stages
from carousel.fusion.imagenet_weights import Pretrained, load_vgg16
from carousel.fusion.metrics import foreground_psnr, psnr, ssim
from common.grids import picture_grid
from common.images import write_png

NORM_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's pixels, R, G, B
NORM_STD = (0.229, 0.224, 0.225)
STAGES = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
TILE_PX = 256


# ---- range of pixels and of networks ----


def norm(pixels: Tensor) -> Tensor:
    """Bring pixels to the range in which networks see them: ImageNet's mean 0, standard deviation 1.

    Args:
        pixels: (..., 3, H, W) float in [0, 1].
    """
    return (pixels - _channels(NORM_MEAN, pixels)) / _channels(NORM_STD, pixels)


def denorm(images: Tensor) -> Tensor:
    """The inverse of `norm`; what a network made may lie outside [0, 1] and is not clipped."""
    return images * _channels(NORM_STD, images) + _channels(NORM_MEAN, images)


def _channels(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


def to_tensor(picture: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 as (3, H, W) float32 in the network's range."""
    return norm(torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255)


def to_uint8(images: Tensor) -> np.ndarray:
    """(..., 3, H, W) in the network's range as (..., H, W, 3) uint8 RGB, clipped and rounded."""
    pixels = denorm(images.detach().float()).clamp(0, 1).mul(255).round()
    return pixels.movedim(-3, -1).to(torch.uint8).cpu().numpy()


# ---- loss ----


class PerceptualLoss(nn.Module):
    """Distance of two pictures in the features of VGG16 (Johnson et al. 2016): mean absolute difference of each stage.

    Attributes:
        weights: name of the weights that ran, for the record of a run.
    """

    def __init__(
        self, stages: Sequence[str] = ("relu1_2", "relu2_2", "relu3_3"), pretrained: Pretrained | None = None
    ) -> None:
        """Take torchvision's weights where its cache has them, else those of the registry package.

        Args:
            stages: of STAGES, whose features are compared.
            pretrained: layers to take instead.

        Raises:
            UserError: no weights are present; never random ones.
        """
        super().__init__()
        self.chosen = [STAGES.index(stage) for stage in stages]
        self.network = vgg16_stages(pretrained or load_vgg16(), count=max(self.chosen) + 1)
        self.weights = self.network.weights

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar that is 0 for equal batches.

        Args:
            predicted: (B, 3, H, W) in the network's range (`norm`); gradients flow to it.
            target: the same shape.
        """
        ours = self.network(predicted)
        with torch.no_grad():
            theirs = self.network(target)
        losses = [nn.functional.l1_loss(ours[stage], theirs[stage]) for stage in self.chosen]
        return torch.stack(losses).mean()


# ---- metrics ----


def compute_psnr_ssim(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """PSNR in dB (identical pictures: 100) and SSIM of the whole picture, by `carousel.fusion.metrics`.

    Args:
        predicted: (H, W, 3) uint8 RGB.
        truth: the same shape.

    Raises:
        ValueError: not two pictures of one shape.
    """
    return psnr(predicted, truth), ssim(predicted, truth)


# ---- pictures ----


def save_result(
    path: Path, inputs: Tensor, outputs: Tensor, targets: Tensor, mask: Tensor, title: str = "", tile_px: int = TILE_PX
) -> None:
    """Write a PNG with a row a sample: background, person as pasted, person as fused, ground truth.

    Args:
        path: of the PNG.
        inputs: (B, 6, S, S), background and avatar in the network's range.
        outputs: (B, 3, S, S), what the model made of it.
        targets: (B, 3, S, S).
        mask: (B, 1, S, S), the person; decides over the foreground PSNR that is printed below.
        title: above all.
        tile_px: side of a picture.

    Raises:
        UserError: the folder cannot be written.
    """
    background, avatar = inputs.cpu().split(3, dim=1)
    pasted = torch.where(mask.cpu() > 0.5, avatar, background)
    columns = [to_uint8(part) for part in (background, pasted, outputs, targets)]
    pictures, labels = [], []
    for index, person in enumerate(mask.cpu().numpy()[:, 0] > 0.5):
        row = [column[index] for column in columns]
        before, after = (f"{foreground_psnr(part, row[3], person):.1f} dB" if person.any() else "" for part in row[1:3])
        pictures += [Image.fromarray(part) for part in row]
        labels += ["background\n ", f"pasted\n{before}", f"fused\n{after}", "ground truth\n "]
    write_png(path, picture_grid(pictures, labels, len(columns), tile_px, title))
