"""Colour statistics from which the light on a person and in a scene can be estimated.

They are distributions of colour and log-chroma, as in colour constancy by histograms (Barron 2015, arXiv:1507.00410),
of the person, the head and the scene, and of the colour step across the person's edge: where a mask includes a little
of the old background, that step is the change of light itself.
"""

import torch
from torch import Tensor
from torch.nn import functional

QUANTILES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
HEAD_SHARE = 1 / 7  # height of the head, as a share of a standing person's height
COLOUR_STEP_PX = 2  # every second row and column is enough for distributions
CHROMA_BINS, CHROMA_RANGE = 10, 0.8  # histogram of log R/G and log B/G
STEP_BINS, STEP_RANGE = 32, 1.2  # histogram of the log ratio of the person's edge to the scene beside it
TINT_BINS, TINT_RANGE = 24, 0.4  # the same without its mean over the channels
DARK = 6 / 255  # offset before a logarithm
LEVELS = 256
NEIGHBOURS = 5  # side of the square around an edge pixel over which the scene is averaged
COUNT = 3 * (5 * len(QUANTILES) + CHROMA_BINS**2) + 4 * STEP_BINS + 3 * TINT_BINS


@torch.no_grad()
def light_statistics(background: Tensor, avatar: Tensor, mask: Tensor) -> Tensor:
    """Compute the statistics of a batch.

    Args:
        background: (B, 3, S, S) float in [0, 1].
        avatar: person in place, the same shape.
        mask: (B, 1, S, S) float of 0 or 1.

    Returns:
        (B, COUNT) float, each value about in [-1, 1].
    """
    coarse = (..., slice(None, None, COLOUR_STEP_PX), slice(None, None, COLOUR_STEP_PX))
    around = 1 - functional.max_pool2d(mask[coarse], 3, 1, 1)
    parts = [
        colour_statistics(avatar[coarse], mask[coarse]),
        colour_statistics(avatar[coarse], head_mask(mask)[coarse]),
        colour_statistics(background[coarse], around),
        edge_statistics(background, avatar, mask),
    ]
    return torch.cat(parts, dim=1)


def colour_statistics(rgb: Tensor, weight: Tensor) -> Tensor:
    """Compute quantiles of R, G, B, their mean and range, and the log-chroma histogram, over weighted pixels.

    Args:
        rgb: (B, 3, h, w) in [0, 1].
        weight: (B, 1, h, w) of 0 or 1.
    """
    channels = torch.cat([rgb, rgb.mean(1, keepdim=True), rgb.amax(1, keepdim=True) - rgb.amin(1, keepdim=True)], dim=1)
    log = (rgb + DARK).log()
    chroma = [(log[:, channel] - log[:, 1]).clamp(-CHROMA_RANGE, CHROMA_RANGE) for channel in (0, 2)]
    bins = [((c + CHROMA_RANGE) / (2 * CHROMA_RANGE) * CHROMA_BINS).long().clamp(max=CHROMA_BINS - 1) for c in chroma]
    joint = histogram(bins[0] * CHROMA_BINS + bins[1], weight[:, 0], CHROMA_BINS**2)
    return torch.cat([2 * quantiles(channels, weight) - 1, joint.sqrt()], dim=1)


def quantiles(values: Tensor, weight: Tensor) -> Tensor:
    """Compute the QUANTILES of each channel of (B, C, h, w) in [0, 1] over weighted pixels: (B, C * len(QUANTILES))."""
    batch, channels = values.shape[:2]
    index = (values.clamp(0, 1) * (LEVELS - 1)).round().long().flatten(0, 1)
    counts = histogram(index, weight.expand_as(values).flatten(0, 1), LEVELS)
    wanted = torch.tensor(QUANTILES, device=values.device).expand(batch * channels, -1).contiguous()
    levels = torch.searchsorted(counts.cumsum(dim=1), wanted).clamp(max=LEVELS - 1)
    return (levels / (LEVELS - 1)).reshape(batch, -1)


def edge_statistics(background: Tensor, avatar: Tensor, mask: Tensor) -> Tensor:
    """Histograms of the log ratio of the person's edge to the scene just outside; arguments as `light_statistics`."""
    inner = mask * (1 - erode(mask))
    outside = 1 - mask
    near = box_mean(outside)
    scene = box_mean(background * outside) / near.clamp(min=1e-3)
    weight = (inner * (near > 0.1))[:, 0]
    step = (avatar + DARK).log() - (scene + DARK).log()
    level = step.mean(1)
    tint = step - level[:, None]
    parts = [span_histogram(step[:, c], weight, STEP_RANGE, STEP_BINS) for c in range(3)]
    parts += [span_histogram(tint[:, c], weight, TINT_RANGE, TINT_BINS) for c in range(3)]
    parts += [span_histogram(level, weight, STEP_RANGE, STEP_BINS)]
    return torch.cat(parts, dim=1)


def box_mean(x: Tensor) -> Tensor:
    """Mean over the square of NEIGHBOURS around each pixel; pixels beyond the border count as 0."""
    reach = NEIGHBOURS // 2
    rows = functional.avg_pool2d(x, (1, NEIGHBOURS), 1, (0, reach))
    return functional.avg_pool2d(rows, (NEIGHBOURS, 1), 1, (reach, 0))


def span_histogram(values: Tensor, weight: Tensor, reach: float, bins: int) -> Tensor:
    """Square roots of a histogram of (B, h, w) values over [-reach, reach]; other values fall in the end bins."""
    index = ((values.clamp(-reach, reach) + reach) / (2 * reach) * bins).long().clamp(max=bins - 1)
    return histogram(index, weight, bins).sqrt()


def histogram(index: Tensor, weight: Tensor, bins: int) -> Tensor:
    """Weighted histogram of (N, h, w) int64, (N, bins) float; sums to 1, or is 0 where all weights are 0."""
    counts = torch.zeros(len(index), bins, device=weight.device, dtype=torch.float32)
    counts.scatter_add_(1, index.flatten(1), weight.flatten(1).float())
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


def erode(mask: Tensor) -> Tensor:
    """Erode a (B, 1, S, S) mask by one pixel."""
    return -functional.max_pool2d(-mask, 3, 1, 1)


def head_mask(mask: Tensor) -> Tensor:
    """The upper seventh of the person: (B, 1, S, S) of 0 or 1, like the mask."""
    rows = mask.amax(dim=(1, 3)) > 0
    first = rows.float().argmax(dim=1)
    last = rows.shape[1] - rows.flip(1).float().argmax(dim=1)
    end = first + ((last - first) * HEAD_SHARE).ceil()
    place = torch.arange(rows.shape[1], device=mask.device)
    return mask * (place[None] < end[:, None])[:, None, :, None]
