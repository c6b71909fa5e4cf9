"""From a pair of frames to the probability of clothing at each pixel, and to a mask."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

from common.alpha import around
from common.errors import UserError
from common.images import MAX_PIXELS, read_image, to_mode
from masks.model.layered_pairs import is_layered, use_layers
from masks.model.mask_threshold import threshold_mask
from masks.model.opaque_pairs import on_transparency
from masks.model.registration import registered_base
from masks.model.unet import SIZE_PX
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink

MARGIN = 0.06  # margin around the figure, as a share of its longer side
LONGEST_PX = math.isqrt(MAX_PIXELS)
BATCH = 4  # pairs per forward pass

Picture = Path | str | Image.Image | np.ndarray


@dataclass(frozen=True)
class FrameFit:
    """Where a pair lies in the network's square input.

    Attributes:
        shape: height and width of the frames in px.
        pixel_px: side of an art pixel in the frames, 1 for smooth art.
        top: first row of the square, in art pixels of the frame; it may lie outside the frame.
        left: first column of the square.
        side: side of the square in art pixels.
    """

    shape: tuple[int, int]
    pixel_px: int
    top: int
    left: int
    side: int

    def overlap(self, shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return the rows and columns shared by frame and square, in frame and in square; `shape` is in art pixels."""
        rows = slice(max(self.top, 0), min(self.top + self.side, shape[0]))
        columns = slice(max(self.left, 0), min(self.left + self.side, shape[1]))
        inside = slice(rows.start - self.top, rows.stop - self.top)
        return (rows, columns), (inside, slice(columns.start - self.left, columns.stop - self.left))


def as_rgba(picture: Picture) -> np.ndarray:
    """Convert a file, a PIL image or an (H, W, 3 or 4) uint8 array to (H, W, 4) uint8 RGBA.

    Raises:
        UserError: the file cannot be read.
        ValueError: the array has another shape or dtype.
    """
    if isinstance(picture, str | Path):
        return np.asarray(read_image(Path(picture)))
    if isinstance(picture, Image.Image):
        return np.asarray(to_mode(Path("a picture"), picture, "RGBA"))
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4):
        raise ValueError(f"a picture is (H, W, 3 or 4) uint8, got {picture.shape} {picture.dtype}")
    return picture if picture.shape[2] == 4 else np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def place(base: np.ndarray, clothed: np.ndarray, margin: float = MARGIN) -> tuple[np.ndarray, FrameFit]:
    """Crop a pair to its figure and fit it into the network's square, keeping the aspect ratio.

    Pixel art is reduced to one value an art pixel and enlarged by a whole factor, so that its edges stay hard, as is
    art that is smaller than the square. Larger art is reduced by averaging.

    Args:
        base: (H, W, 4) uint8.
        clothed: (H, W, 4) uint8 of the same size.
        margin: margin around the figure, as a share of its longer side.

    Returns:
        (8, SIZE_PX, SIZE_PX) uint8, colours premultiplied by alpha, and the placement of the frames.
    """
    pixel_px = find_pixel_size([base, clothed])
    pair = np.concatenate([shrink(premultiply(picture), pixel_px) for picture in (base, clothed)], axis=2)
    drawn = (pair[..., 3] > 0) | (pair[..., 7] > 0)
    rows, columns = around(drawn if drawn.any() else ~drawn, 0)
    side = math.ceil(max(rows.stop - rows.start, columns.stop - columns.start) * (1 + margin))
    factor = SIZE_PX // side
    if factor:
        side = SIZE_PX // factor
    top, left = ((line.start + line.stop - side) // 2 for line in (rows, columns))
    placement = FrameFit(base.shape[:2], pixel_px, top, left, side)
    halves = [_see(pair[..., half], placement) for half in (slice(4), slice(4, 8))]
    return np.ascontiguousarray(np.dstack(halves).transpose(2, 0, 1)), placement


def place_mask(mask: np.ndarray, placement: FrameFit) -> np.ndarray:
    """Place a mask, (H, W) uint8, like its pair: (SIZE_PX, SIZE_PX) uint8 of 0 or 255."""
    seen = _see(shrink(mask, placement.pixel_px), placement)
    return np.where(seen > 127, 255, 0).astype(np.uint8)


def premultiply(rgba: np.ndarray) -> np.ndarray:
    """Multiply the colours of (..., 4) uint8 RGBA by alpha."""
    alpha = rgba[..., 3:].astype(np.uint16)
    if (alpha == 255).all():
        return rgba
    return np.concatenate([(rgba[..., :3] * alpha + 127) // 255, alpha], axis=-1).astype(np.uint8)


def _see(picture: np.ndarray, placement: FrameFit) -> np.ndarray:
    """Cut the placement's square out of a picture, transparent outside it, and resize it to the network's input."""
    (rows, columns), (cut_rows, cut_columns) = placement.overlap(picture.shape[:2])
    cut = np.zeros((placement.side, placement.side, *picture.shape[2:]), picture.dtype)
    cut[cut_rows, cut_columns] = picture[rows, columns]
    factor = SIZE_PX // placement.side
    if not factor:
        return cv2.resize(cut, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
    rest = SIZE_PX - factor * placement.side
    return np.pad(enlarge(cut, factor), [(0, rest), (0, rest), (0, 0)][: cut.ndim])


def put_back(logits: np.ndarray, placement: FrameFit) -> np.ndarray:
    """Map the network's output back to the frame; the inverse of `place`.

    Args:
        logits: (SIZE_PX, SIZE_PX) float32.
        placement: the placement that `place` returned.

    Returns:
        (H, W) float32 probability of clothing, constant within each art pixel.
    """
    side = placement.side
    factor = SIZE_PX // side
    if factor:  # average over each art pixel
        square = logits[: factor * side, : factor * side].reshape(side, factor, side, factor).mean(axis=(1, 3))
    else:
        square = cv2.resize(logits, (side, side), interpolation=cv2.INTER_LINEAR)
    shape = (placement.shape[0] // placement.pixel_px, placement.shape[1] // placement.pixel_px)
    probability = np.zeros(shape, np.float32)
    (rows, columns), (cut_rows, cut_columns) = placement.overlap(shape)
    probability[rows, columns] = 1 / (1 + np.exp(-square[cut_rows, cut_columns]))
    return enlarge(probability, placement.pixel_px)


def predict_probabilities(
    model: nn.Module, pairs: Iterable[tuple[Picture, Picture]], device: torch.device
) -> Iterator[np.ndarray]:
    """Yield the probability of clothing at each pixel of each pair, in order; memory use is constant.

    Args:
        model: the network, as `load_model` returns it.
        pairs: base and clothed frames, as files, PIL images or arrays.
        device: the model's device.

    Yields:
        (H, W) float32 in [0, 1].

    Raises:
        UserError: a file cannot be read, or the frames of a pair differ in size.
    """
    with ThreadPoolExecutor(max_workers=2) as readers:
        ahead: deque[Future[LoadedPair]] = deque()
        rest = iter(pairs)
        while True:
            ahead.extend(readers.submit(_load, *pair) for pair in islice(rest, 2 * BATCH - len(ahead)))
            if not ahead:
                return
            batch = [ahead.popleft().result() for _ in range(min(BATCH, len(ahead)))]
            ahead.extend(readers.submit(_load, *pair) for pair in islice(rest, BATCH))
            logits = run_network(model, np.stack([pair.seen for pair in batch]), device)
            for pair, answer in zip(batch, logits, strict=True):
                yield _finish(model, pair, answer, device)


@dataclass(frozen=True)
class LoadedPair:
    """A pair on its way through the network.

    Attributes:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        seen: the network's input, (8, SIZE_PX, SIZE_PX) uint8.
        placement: where the frames lie in it.
        is_exact: whether the pixels may be compared bit by bit, as they were neither cleaned nor resampled.
    """

    base: np.ndarray
    clothed: np.ndarray
    seen: np.ndarray
    placement: FrameFit
    is_exact: bool

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """Return the network's answer, (H, W) float32 in [0, 1], without what is empty."""
        return put_back(logits, self.placement) * (self.clothed[..., 3] > 0)


def _load(base: Picture, clothed: Picture) -> LoadedPair:
    pictures = as_rgba(base), as_rgba(clothed)
    sizes = [f"{p.shape[1]} x {p.shape[0]}" for p in pictures]
    names = " and ".join(str(p) if isinstance(p, str | Path) else "a picture" for p in (base, clothed))
    if pictures[0].shape != pictures[1].shape:
        raise UserError(f"{names}: sizes differ, {sizes[0]} but {sizes[1]} px")
    if max(pictures[0].shape) > LONGEST_PX:  # a thin frame costs as much as a square of its longer side
        raise UserError(f"{names}: {sizes[0]} px; the longer side of a frame can have {LONGEST_PX} px")
    bare, dressed, is_cleaned = on_transparency(*pictures)
    seen, placement = place(bare, dressed)
    is_exact = not is_cleaned and find_pixel_size([bare]) == placement.pixel_px
    return LoadedPair(bare, dressed, seen, placement, is_exact)


def predict_probability(model: nn.Module, base: Picture, clothed: Picture, device: torch.device) -> np.ndarray:
    """Return the probability of clothing at each pixel of one pair, (H, W) float32; as `predict_probabilities`."""
    pair = _load(base, clothed)
    return _finish(model, pair, run_network(model, pair.seen[None], device)[0], device)


def _finish(model: nn.Module, pair: LoadedPair, logits: np.ndarray, device: torch.device) -> np.ndarray:
    """Return the probability of clothing by the kind of the pair: layered, drawn again (asked once more), or other."""
    probability = pair.probability(logits)
    if pair.is_exact and is_layered(pair.base, pair.clothed, probability):
        return use_layers(pair.base, pair.clothed, probability, pair.placement.pixel_px)
    size_px = pair.placement.pixel_px  # registered in art pixels, so that enlarging a sprite changes nothing
    small = registered_base(*(shrink(values, size_px) for values in (pair.base, pair.clothed, probability)))
    if small is None:
        return probability
    moved = enlarge(small, size_px)
    again = LoadedPair(moved, pair.clothed, *place(moved, pair.clothed), is_exact=False)
    return again.probability(run_network(model, again.seen[None], device)[0])


@torch.inference_mode()
def run_network(model: nn.Module, pairs: np.ndarray, device: torch.device) -> np.ndarray:
    """Run (B, 8, SIZE_PX, SIZE_PX) uint8 pairs through the network; return (B, SIZE_PX, SIZE_PX) float32 logits."""
    runtime = getattr(model, "runtime", None)
    if runtime is not None:
        return runtime(pairs.astype(np.float32) / 255)[:, 0]
    batch = torch.from_numpy(pairs).to(device, memory_format=torch.channels_last).float() / 255
    return model(batch)[:, 0].float().cpu().numpy()


def predict_masks(
    model: nn.Module, pairs: Iterable[tuple[Picture, Picture]], device: torch.device
) -> Iterator[np.ndarray]:
    """Yield the clothing mask of each pair, (H, W) uint8 of 0 or 255; arguments as for `predict_probabilities`."""
    for probability in predict_probabilities(model, pairs, device):
        yield threshold_mask(probability)
