"""Metrics beside five-line naive versions and known answers."""

import math

import numpy as np
import pytest

from carousel.fusion.metrics import MAX_PSNR_DB, foreground_mse, foreground_psnr, psnr, psnr_of_mse, ssim


def pictures(seed: int = 0, side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    noise = rng.integers(-30, 31, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


def test_psnr_is_that_of_a_naive_loop() -> None:
    predicted, truth = pictures()
    total = sum((int(a) - int(b)) ** 2 for a, b in zip(predicted.flat, truth.flat, strict=True))
    assert psnr(predicted, truth) == pytest.approx(10 * math.log10(255**2 * truth.size / total))


def test_one_grey_level_of_error_everywhere_is_48_db() -> None:
    truth = np.full((8, 8, 3), 255, np.uint8)
    assert psnr(truth - 1, truth) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(np.zeros_like(truth), truth) == 0


def test_identical_pictures_have_the_highest_psnr_and_it_is_finite() -> None:
    _, truth = pictures()
    assert psnr(truth, truth) == MAX_PSNR_DB and ssim(truth, truth) == 1
    assert foreground_psnr(truth, truth, np.ones((12, 12), bool)) == MAX_PSNR_DB
    almost = truth.copy()
    almost[0, 0, 0] ^= 1
    assert psnr(almost, truth) < MAX_PSNR_DB
    assert psnr_of_mse(1e-9) == MAX_PSNR_DB, "never better than identical"


def test_ssim_is_that_of_naive_windows() -> None:
    predicted, truth = pictures(1)
    values = []
    for channel in range(3):
        for y in range(3, 9):
            for x in range(3, 9):
                a, b = (p[y - 3 : y + 4, x - 3 : x + 4, channel].ravel().astype(float) for p in (predicted, truth))
                covariance = np.cov(a, b)
                top = (2 * a.mean() * b.mean() + 2.55**2) * (2 * covariance[0, 1] + 7.65**2)
                below = (a.mean() ** 2 + b.mean() ** 2 + 2.55**2) * (covariance[0, 0] + covariance[1, 1] + 7.65**2)
                values.append(top / below)
    assert ssim(predicted, truth) == pytest.approx(np.mean(values), abs=1e-6)


def test_the_foreground_counts_the_masks_pixels_alone() -> None:
    predicted, truth = pictures(2)
    mask = np.zeros((12, 12), np.uint8)
    mask[2:5, 3:9] = 255
    errors = [
        (int(predicted[y, x, c]) - int(truth[y, x, c])) ** 2 for y in range(2, 5) for x in range(3, 9) for c in range(3)
    ]
    assert foreground_mse(predicted, truth, mask) == pytest.approx(sum(errors) / len(errors))
    assert foreground_psnr(predicted, truth, mask) == pytest.approx(psnr_of_mse(sum(errors) / len(errors)))
    elsewhere = np.where(mask[..., None] > 0, predicted, 0).astype(np.uint8)
    assert foreground_mse(elsewhere, truth, mask > 0) == foreground_mse(predicted, truth, mask)


def test_the_foreground_error_is_the_whole_pictures_over_the_area_as_iharmony4_computes_it() -> None:
    predicted, truth = pictures(3)
    mask = np.zeros((12, 12), bool)
    mask[:7, 2:] = True
    composite = np.where(mask[..., None], predicted, truth)
    whole = np.mean((composite.astype(float) - truth) ** 2)
    assert foreground_mse(composite, truth, mask) == pytest.approx(whole * 144 / mask.sum())


@pytest.mark.parametrize(
    ("predicted", "mask"),
    [
        (np.zeros((8, 9, 3), np.uint8), np.ones((8, 8), bool)),
        (np.zeros((8, 8, 4), np.uint8), np.ones((8, 8), bool)),
        (np.zeros((8, 8, 3), np.float32), np.ones((8, 8), bool)),
        (np.zeros((8, 8, 3), np.uint8), np.ones((8, 9), bool)),
        (np.zeros((8, 8, 3), np.uint8), np.ones((8, 8, 1), bool)),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool)),
    ],
)
def test_what_cannot_be_compared_is_refused(predicted: np.ndarray, mask: np.ndarray) -> None:
    with pytest.raises(ValueError):
        foreground_psnr(predicted, np.zeros((8, 8, 3), np.uint8), mask)
