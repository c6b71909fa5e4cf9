"""Masks of pairs that are exact, and of pairs that are not: our masks beside the network alone and thresholds.

    python -m tests.benchmarks.masks_pairs                     layered sets and re-lit sets apart
    python -m tests.benchmarks.masks_pairs --curve             and pairs whose clothed frame is drawn again, by strength
    python -m tests.benchmarks.masks_pairs --curve --sets tmw64

The clothed frame is drawn again by a warp of 0.5 s px, a blur of 0.4 s px, a light of 2 s % and noise of 1.5 s %; it is
put on a ground and saved as JPEG; scaled by a few percent; or its clothing is made half transparent.
"""

import argparse
import functools
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from torch import nn

from masks.model.checkpoint_format import load_network
from masks.model.inference import place, predict_masks, put_back, run_network
from masks.model.mask_threshold import threshold_mask
from masks.model.metrics import f1_score
from masks.model.threshold_baselines import propose_mask
from masks.sets.pairs import read_mask, read_pair
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink
from masks.sets.training_sets import FrameSet
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import CPU, mean, print_table, real_sets

LAYERED = ("crawl32", "tmw64")  # nothing but the clothing differs; the other sets are re-lit
ENLARGED = {"tmw64": 8, "crawl32": 12}  # the factor at which a set's pairs are drawn again
STRENGTHS = (0, 2, 4, 6, 8)
SCALES = (1.01, 1.02, 1.03, 1.04)
GROUNDS = {"near-white": (250, 248, 245), "magenta": (255, 0, 255)}
JPEG_QUALITY = 85
OPACITY = 0.5

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]  # base and clothed (H, W, 4) uint8, mask (H, W) uint8
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--sets", nargs="*")
    parser.add_argument("--every", type=int, default=1, help="use each n-th frame of a set")
    wanted = parser.parse_args()
    print(describe_machine())
    network = load_network("mask_model.pth")[0].to(CPU)
    methods: dict[str, Method] = {
        "ours": lambda base, clothed: next(predict_masks(network, [(base, clothed)], CPU)),
        "the network alone": functools.partial(network_alone, network),
        "step 2's lab": step_2_lab,
        "any change": any_change,
    }
    sets = {name: s for name, s in real_sets().items() if not wanted.sets or name in wanted.sets}
    samples = {name: list(samples_of(frame_set))[:: wanted.every] for name, frame_set in sets.items()}
    scores = {who: {name: score(method, samples[name]) for name in sets} for who, method in methods.items()}
    for title, is_layered in (("layered sets", True), ("re-lit sets", False)):
        names = [name for name in sets if (name in LAYERED) == is_layered]
        rows = [(f"{who}, mean F1", [mean(by_set[name]) for name in names]) for who, by_set in scores.items()]
        rows += [("ours, worst frame", [min(scores["ours"][name]) for name in names])]
        if names:
            print_table(title, names, rows)
    for name in ENLARGED if wanted.curve else ():
        if name in sets:
            print_curve(name, samples[name], methods)


def samples_of(frame_set: FrameSet) -> Iterator[Sample]:
    """Yield the pairs of a set with their true masks."""
    for pair in frame_set.pairs:
        assert pair.mask is not None
        yield *read_pair(pair), read_mask(pair.mask)


def score(method: Method, samples: list[Sample]) -> list[float]:
    """F1 of every sample."""
    return [f1_score(method(base, clothed), mask) for base, clothed, mask in samples]


def print_curve(name: str, samples: list[Sample], methods: dict[str, Method]) -> None:
    """Print the mean F1 of a set by how its clothed frames are drawn again."""
    factor = ENLARGED[name]
    ways: dict[str, Callable[[Sample, int], Sample]] = {
        **{f"s = {s}": functools.partial(drawn_again, factor=factor, strength=s) for s in STRENGTHS},
        **{f"scaled {scale:g}": functools.partial(scaled, factor=factor, scale=scale) for scale in SCALES},
        **{f"JPEG, {what}": functools.partial(as_jpeg, factor=factor, ground=g) for what, g in GROUNDS.items()},
        "half opaque": lambda sample, seed: half_opaque(sample),
    }
    made = {what: [way(sample, seed) for seed, sample in enumerate(samples)] for what, way in ways.items()}
    rows = [(who, [mean(score(method, made[what])) for what in ways]) for who, method in methods.items()]
    print_table(f"{name} x {factor}, mean F1", list(ways), rows)


# ---- methods ----


def network_alone(network: nn.Module, base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """The mask of the network, not corrected by what the frames say."""
    seen, placement = place(base, clothed)
    return threshold_mask(put_back(run_network(network, seen[None], CPU)[0], placement) * (clothed[..., 3] > 0))


def step_2_lab(base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """The mask of step 2's method `lab`."""
    return propose_mask(base, clothed, method="lab", threshold=None, even_light=True, tidy_art_px=8)[0]


def any_change(base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """The pixels of the clothed frame that differ from the base in any way."""
    return np.where((base != clothed).any(axis=2) & (clothed[..., 3] > 0), 255, 0).astype(np.uint8)


# ---- clothed frames drawn again ----


def drawn_again(sample: Sample, seed: int, factor: int, strength: float) -> Sample:
    """Draw the clothed frame again: a smooth random warp, a blur, another light and noise."""
    base, clothed, mask = large(sample, factor)
    if not strength:
        return base, clothed, mask
    rng = np.random.default_rng(seed)
    rows, columns = mask.shape
    field = [cv2.GaussianBlur(rng.normal(size=mask.shape).astype(np.float32), (0, 0), rows / 16) for _ in "xy"]
    field = [0.5 * strength * part / part.std() for part in field]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    moved = cv2.remap(premultiplied(clothed), x + field[0], y + field[1], cv2.INTER_LINEAR)
    moved = cv2.GaussianBlur(moved, (0, 0), 0.4 * strength)
    moved[..., :3] *= 1 + rng.choice([-1, 1]) * 0.02 * strength
    noise = np.dstack([rng.normal(0, 0.015 * strength, (rows, columns, 3)), np.zeros((rows, columns))])
    moved = moved + noise.astype(np.float32) * moved[..., 3:]
    warped = cv2.remap(mask, x + field[0], y + field[1], cv2.INTER_NEAREST)
    return base, straight(moved), warped


def scaled(sample: Sample, seed: int, factor: int, scale: float) -> Sample:
    """Enlarge the clothed figure by a few percent about the middle of the frame."""
    base, clothed, mask = large(sample, factor)
    rows, columns = mask.shape
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), 0, scale)
    moved = cv2.warpAffine(premultiplied(clothed), matrix, (columns, rows), flags=cv2.INTER_LINEAR)
    return base, straight(moved), cv2.warpAffine(mask, matrix, (columns, rows), flags=cv2.INTER_NEAREST)


def as_jpeg(sample: Sample, seed: int, factor: int, ground: tuple[int, int, int]) -> Sample:
    """Put both frames on a ground of one colour and save them as JPEG."""
    base, clothed, mask = large(sample, factor)
    return opaque_jpeg(base, ground), opaque_jpeg(clothed, ground), mask


def opaque_jpeg(rgba: np.ndarray, ground: tuple[int, int, int]) -> np.ndarray:
    """Return (H, W, 4) uint8, opaque, after JPEG."""
    seen = premultiplied(rgba)
    rgb = seen[..., :3] + (1 - seen[..., 3:]) * np.array(ground, np.float32) / 255
    bgr = (rgb[..., ::-1] * 255).round().astype(np.uint8)
    file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGBA)


def half_opaque(sample: Sample) -> Sample:
    """Blend the clothing half and half with the base."""
    base, clothed, mask = sample
    blend = OPACITY * premultiplied(clothed) + (1 - OPACITY) * premultiplied(base)
    return base, np.where((mask > 0)[..., None], straight(blend), clothed), mask


def large(sample: Sample, factor: int) -> Sample:
    """Enlarge pixel art from one px an art pixel, by a whole factor."""
    size = find_pixel_size(sample)
    base, clothed, mask = (enlarge(shrink(picture, size), factor) for picture in sample)
    return base, clothed, mask


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    """Return (H, W, 4) float32 in [0, 1]."""
    scale = rgba.astype(np.float32) / 255
    scale[..., :3] *= scale[..., 3:]
    return scale


def straight(seen: np.ndarray) -> np.ndarray:
    """Undo `premultiplied`: (H, W, 4) uint8."""
    alpha = seen[..., 3:].clip(0, 1)
    whole = np.concatenate([(seen[..., :3] / np.maximum(alpha, 1e-6)).clip(0, 1), alpha], axis=2)
    return (whole * 255).round().astype(np.uint8) * (alpha > 1 / 510)


if __name__ == "__main__":
    main()
