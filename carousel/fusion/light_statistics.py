"""Colour statistics from which the light on a person and in a scene can be estimated.

They are distributions of colour and log-chroma, as in colour constancy by histograms (Barron 2015, arXiv:1507.00410),
of the person, the head, the scene and what is near the person, and of the colour step across the person's edge: where a
mask includes a little of the old background, that step is the change of light itself.
"""

import torch
from torch import Tensor
from torch.nn import functional

QUANTILES = (0.002, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.998)  # the ends show clipping and haze
HEAD_SHARE = 1 / 7  # height of the head, as a share of a standing person's height
PERSON_STEP_PX, SCENE_STEP_PX = 2, 4  # distance of the rows and columns that distributions are made of
NEAR = 17  # side of the square around a pixel of the person that counts as near, in steps of the scene
CHROMA_BINS, CHROMA_RANGE = 10, 0.8  # histogram of log R/G and log B/G
STEP_BINS, STEP_RANGE = 32, 1.2  # histogram of the log ratio of the person's edge to the scene beside it
TINT_BINS, TINT_RANGE = 24, 0.4  # the same without its mean over the channels
BRIGHTNESS = (0.25, 0.55)  # scene beside the edge: dark, medium, bright; contrast changes the steps of each differently
DARK = 6 / 255  # offset before a logarithm
LEVELS = 256
NEIGHBOURS = 5  # side of the square around an edge pixel over which the scene is averaged
COLOURS = 5 * len(QUANTILES) + CHROMA_BINS**2
EDGES = (4 + len(BRIGHTNESS) + 1) * STEP_BINS + 3 * TINT_BINS
COUNT = 4 * COLOURS + EDGES


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
    return torch.cat([scene_statistics(background, mask), person_statistics(background, avatar, mask)], dim=1)


def scene_statistics(background: Tensor, mask: Tensor) -> Tensor:
    """The part that does not depend on the person's light, (B, 2 * COLOURS); arguments as `light_statistics`."""
    step = (..., slice(None, None, SCENE_STEP_PX), slice(None, None, SCENE_STEP_PX))
    outside = 1 - functional.max_pool2d(mask, SCENE_STEP_PX - 1, 1, (SCENE_STEP_PX - 1) // 2)[step]
    near = outside * functional.max_pool2d(mask[step], NEAR, 1, NEAR // 2)
    return torch.cat([colour_statistics(background[step], weight) for weight in (outside, near)], dim=1)


def person_statistics(background: Tensor, avatar: Tensor, mask: Tensor) -> Tensor:
    """The part that depends on it, (B, 2 * COLOURS + EDGES); arguments as `light_statistics`, or the person's box."""
    step = (..., slice(None, None, PERSON_STEP_PX), slice(None, None, PERSON_STEP_PX))
    weights = (mask[step], head_mask(mask)[step])
    colours = [colour_statistics(avatar[step], weight) for weight in weights]
    return torch.cat([*colours, edge_statistics(background, avatar, mask)], dim=1)


def colour_statistics(rgb: Tensor, weight: Tensor) -> Tensor:
    """Compute quantiles of R, G, B, their mean and range, and the log-chroma histogram, where the weight is 1.

    Args:
        rgb: (B, 3, h, w) in [0, 1].
        weight: (B, 1, h, w) of 0 or 1.
    """
    samples, _, rows, columns = weight.nonzero(as_tuple=True)
    pixels = rgb[samples, :, rows, columns]
    five = torch.cat([pixels, pixels.mean(1, keepdim=True), (pixels.amax(1) - pixels.amin(1))[:, None]], dim=1)
    log = (pixels + DARK).log()
    chroma = [(log[:, channel] - log[:, 1]).clamp(-CHROMA_RANGE, CHROMA_RANGE) for channel in (0, 2)]
    bins = [((c + CHROMA_RANGE) / (2 * CHROMA_RANGE) * CHROMA_BINS).long().clamp(max=CHROMA_BINS - 1) for c in chroma]
    joint = shares(bins[0] * CHROMA_BINS + bins[1], samples, len(rgb), CHROMA_BINS**2)
    return torch.cat([2 * quantiles(five, samples, len(rgb)) - 1, joint.sqrt()], dim=1)


def quantiles(values: Tensor, samples: Tensor, count: int) -> Tensor:
    """Compute the QUANTILES of each channel over the pixels of each sample.

    Args:
        values: (N, C) in [0, 1].
        samples: (N,) int64, the sample of each pixel.
        count: number of samples.

    Returns:
        (count, C * len(QUANTILES)).
    """
    channels = values.shape[1]
    index = (values.clamp(0, 1) * (LEVELS - 1)).round().long()
    rows = samples[:, None] * channels + torch.arange(channels, device=values.device)
    counts = shares(index.flatten(), rows.flatten(), count * channels, LEVELS)
    wanted = torch.tensor(QUANTILES, device=values.device).expand(count * channels, -1).contiguous()
    levels = torch.searchsorted(counts.cumsum(dim=1), wanted).clamp(max=LEVELS - 1)
    return (levels / (LEVELS - 1)).reshape(count, -1)


def edge_statistics(background: Tensor, avatar: Tensor, mask: Tensor) -> Tensor:
    """Histograms of the log ratio of the person's edge to the scene just outside; arguments as `light_statistics`."""
    inner = mask * (1 - erode(mask))
    samples, _, rows, columns = inner.nonzero(as_tuple=True)
    outside = 1 - mask
    around = neighbour_sums(torch.cat([background * outside, outside], dim=1), samples, rows, columns)
    counted = around[:, 3] > 0.1 * NEIGHBOURS**2
    scene = around[counted, :3] / around[counted, 3:]
    samples = samples[counted]
    person = avatar[samples, :, rows[counted], columns[counted]]
    step = (person + DARK).log() - (scene + DARK).log()
    level = step.mean(1)
    tint = step - level[:, None]
    parts = [span_histogram(step[:, c], samples, len(mask), STEP_RANGE, STEP_BINS) for c in range(3)]
    parts += [span_histogram(tint[:, c], samples, len(mask), TINT_RANGE, TINT_BINS) for c in range(3)]
    parts += [span_histogram(level, samples, len(mask), STEP_RANGE, STEP_BINS)]
    kind = torch.bucketize(scene.mean(1), torch.tensor(BRIGHTNESS, device=scene.device))
    kinds = len(BRIGHTNESS) + 1
    split = span_histogram(level, samples * kinds + kind, len(mask) * kinds, STEP_RANGE, STEP_BINS)
    return torch.cat([*parts, split.view(len(mask), -1)], dim=1)


def neighbour_sums(x: Tensor, samples: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Sums over the square of NEIGHBOURS around N places of (B, C, h, w): (N, C); beyond the border is 0."""
    reach = NEIGHBOURS // 2
    padded = functional.pad(x, (reach, reach, reach, reach)).permute(0, 2, 3, 1).contiguous()
    total = x.new_zeros(len(rows), x.shape[1])
    for down in range(NEIGHBOURS):
        for across in range(NEIGHBOURS):
            total += padded[samples, rows + down, columns + across]
    return total


def span_histogram(values: Tensor, samples: Tensor, count: int, reach: float, bins: int) -> Tensor:
    """Square roots of histograms over [-reach, reach]; other values fall in the end bins.

    Args:
        values: (N,) float.
        samples: (N,) int64, the sample of each value.
        count: number of samples.
        reach: end of the range.
        bins: bins of a histogram.

    Returns:
        (count, bins) float.
    """
    index = ((values.clamp(-reach, reach) + reach) / (2 * reach) * bins).long().clamp(max=bins - 1)
    return shares(index, samples, count, bins).sqrt()


def shares(index: Tensor, samples: Tensor, count: int, bins: int) -> Tensor:
    """Share of each sample's indices in each bin: (count, bins) float; sums to 1, or is 0 where there are none."""
    counts = torch.bincount(index + bins * samples, minlength=bins * count).view(count, bins).float()
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
