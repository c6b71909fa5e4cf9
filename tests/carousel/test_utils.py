"""Normalisation, the perceptual loss beside torchvision's network, and result strips."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import alexnet
from torchvision.models.vgg import cfgs, make_layers
from torchvision.transforms import Normalize

from carousel.fusion.metrics import psnr, ssim
from carousel.Utils import (
    NORM_MEAN,
    NORM_STD,
    PerceptualLoss,
    compute_psnr_ssim,
    denorm,
    norm,
    save_result,
    to_tensor,
    to_uint8,
)
from common.errors import UserError
from common.imagenet.features import Lpips
from common.imagenet.weights import VGG16_FILE, PretrainedLayers
from common.weights import EMBEDDED


def random_layers(features: nn.Module, heads: Sequence[int] = ()) -> PretrainedLayers:
    """Layers of torchvision's network as they were initialised: asked for, and only here."""
    layers = [module for module in features.modules() if isinstance(module, nn.Conv2d)]
    convolutions = [(layer.weight.detach(), layer.bias.detach()) for layer in layers if layer.bias is not None]
    return PretrainedLayers("random, for a test", convolutions, [torch.rand(width) for width in heads])


@pytest.fixture(scope="module")
def vgg() -> nn.Sequential:
    torch.manual_seed(0)
    return make_layers(cfgs["D"], batch_norm=False).eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


# ---- range ----


def test_norm_is_torchvisions_and_denorm_its_inverse() -> None:
    pixels = noise(2, 3, 5, 7)
    assert torch.allclose(norm(pixels), Normalize(NORM_MEAN, NORM_STD)(pixels), atol=1e-6)
    assert torch.allclose(denorm(norm(pixels)), pixels, atol=1e-6)
    assert torch.allclose(denorm(norm(pixels[0].double() * 4 - 2)), pixels[0].double() * 4 - 2), "nothing is clipped"


def test_every_8_bit_value_survives_the_way_to_the_network_and_back() -> None:
    picture = np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3).astype(np.uint8)
    assert (to_uint8(to_tensor(picture)) == picture).all()
    assert (to_uint8(to_tensor(picture)[None].repeat(2, 1, 1, 1))[1] == picture).all()


def test_what_lies_outside_the_range_is_clipped_in_a_picture() -> None:
    image = norm(torch.tensor([-0.5, 0.5, 1.5]).view(3, 1, 1))
    assert to_uint8(image).tolist() == [[[0, 128, 255]]]


# ---- perceptual loss ----


def test_the_loss_is_that_of_torchvisions_features(vgg: nn.Sequential) -> None:
    loss = PerceptualLoss(pretrained=random_layers(vgg))
    first, second = norm(noise(2, 3, 32, 40)), norm(noise(2, 3, 32, 40, seed=1))
    with torch.no_grad():
        naive = [(vgg[: end + 1](first) - vgg[: end + 1](second)).abs().mean() for end in (3, 8, 15)]
        assert float(loss(first, second)) == pytest.approx(float(sum(naive)) / 3, rel=1e-5)
        deep = PerceptualLoss(("relu5_3",), random_layers(vgg))
        naive = [(vgg[:30](first) - vgg[:30](second)).abs().mean()]
        assert float(deep(first, second)) == pytest.approx(float(naive[0]), rel=1e-5)


def test_equal_pictures_lose_nothing_and_gradients_reach_the_prediction_alone(vgg: nn.Sequential) -> None:
    loss = PerceptualLoss(pretrained=random_layers(vgg))
    target = norm(noise(1, 3, 32, 32))
    assert float(loss(target, target)) == 0
    predicted = norm(noise(1, 3, 32, 32, seed=1)).requires_grad_()
    target.requires_grad_()
    loss(predicted, target).backward()
    assert predicted.grad is not None and predicted.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_the_loss_names_its_weights_and_is_never_random_unasked(
    vgg: nn.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PerceptualLoss(pretrained=random_layers(vgg)).weights == "random, for a test"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    absent = replace(EMBEDDED[VGG16_FILE], path=tmp_path / VGG16_FILE)
    monkeypatch.setitem(EMBEDDED, VGG16_FILE, absent)
    with pytest.raises(UserError, match=r"is not here; fetch it: python3 run.py fetch vgg16.ckpt"):
        PerceptualLoss()


def test_layers_of_another_network_do_not_fit(vgg: nn.Sequential) -> None:
    with pytest.raises(ValueError, match="instead of"):
        PerceptualLoss(pretrained=random_layers(alexnet(weights=None).features))


def test_lpips_is_its_formula_over_torchvisions_alexnet() -> None:
    torch.manual_seed(0)
    features = alexnet(weights=None).features.eval()
    widths = (64, 192, 384, 256, 256)
    lpips = Lpips(random_layers(features, widths))
    first, second = norm(noise(2, 3, 64, 80)), norm(noise(2, 3, 64, 80, seed=1))
    with torch.no_grad():
        expected = torch.zeros(2)
        for end, head in zip((1, 4, 7, 9, 11), lpips.heads, strict=True):
            ours, theirs = (nn.functional.normalize(features[: end + 1](x), dim=1) for x in (first, second))
            expected += ((ours - theirs) ** 2 * head.view(1, -1, 1, 1)).sum(dim=1).mean(dim=(1, 2))
        assert torch.allclose(lpips(first, second), expected, rtol=1e-4)
        against_one = torch.cat([lpips(picture[None], second[:1]) for picture in first])
        assert torch.allclose(lpips(first, second[:1]), against_one, rtol=1e-4)
        assert lpips(first, first).tolist() == [0, 0]


# ---- metrics and pictures ----


def test_psnr_and_ssim_together() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    assert compute_psnr_ssim(one, other) == (psnr(one, other), ssim(one, other))
    assert compute_psnr_ssim(one, one) == (100, 1)


def test_a_result_shows_background_pasted_fused_and_truth_of_each_sample(tmp_path: Path) -> None:
    side, tile = 64, 64
    flat = [norm(torch.full((2, 3, side, side), level)) for level in (0.0, 1.0, 0.6, 0.3)]
    background, avatar, outputs, targets = flat
    mask = torch.zeros(2, 1, side, side)
    mask[0, :, 16:48, 16:48] = 1  # the second sample has nobody in it
    path = tmp_path / "new folder/result.png"
    save_result(path, torch.cat([background, avatar], dim=1), outputs, targets, mask, title="Samples", tile_px=tile)
    with Image.open(path) as opened:
        picture = np.asarray(opened.convert("RGB"))
    assert opened.mode == "RGB"
    top = next(y for y in range(picture.shape[0]) if (picture[y, 6 + tile // 2] == 0).all())
    middles = [picture[top + tile // 2, 6 + tile // 2 + column * (tile + 6), 0] for column in range(4)]
    assert [int(value) for value in middles] == [0, 255, 153, 76]
    corner = picture[top + 2, 6 + 2 + (tile + 6), 0]
    assert corner == 0, "outside the mask the pasted picture is the background"
