"""Training of the light estimate on colour statistics, before the network that refines it.

Statistics are small: once computed, thousands of samples can be reused for many epochs in seconds. The mean squared
error of a colour transform over the person's pixels follows from their moments, so that no pictures are needed.

What an estimate gains on scenes that it has learnt says little about others. Therefore each member of the estimate is
trained without a share of the scenes, and the confidence on what the members say of the scenes that they did not learn.
"""

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from carousel.fusion.light_estimate import COEFFICIENTS, PIVOT, LightEstimate
from carousel.fusion.light_statistics import person_statistics, scene_statistics
from carousel.fusion.training_samples import AvatarFusionDataset, FusionExample, fold_of, vary_light, vary_shape
from common.checkpoints import learning_rate
from common.training import one_thread

LIGHTS = 6  # lights in which each variation is shown
BATCH = 256
EPOCHS = 15
CONFIDENCE_EPOCHS = 6
LEARNING_RATE = 1.5e-3
WARM_UP = 0.03
WEIGHT_DECAY = 0.1
LEAST_ERROR = 2e-4  # mean squared error, of colours in [0, 1], below which little is to be gained: 37 dB
WORSE_WEIGHT = 1.0  # weight of what is worse than pasting, beside 1 for the error itself
MARGIN_PX = 4  # around the person's box, for the scene beside the edge

Moments = dict[str, Tensor]


class LightSamples(Dataset[Moments]):
    """Statistics (LIGHTS, COUNT) of a variation in several lights, and moments of the person's pasted and true pixels.

    The moments are "second" (LIGHTS, 4, 4) and "cross" (LIGHTS, 4, 3), means of products with the homogeneous pasted
    colour, and "power" (LIGHTS,), the mean square of the true one; colours are centred at PIVOT. "fold" (LIGHTS,) is
    the member of the estimate that does not learn the scene.
    """

    def __init__(self, samples: AvatarFusionDataset, count: int, folds: int) -> None:
        self.samples = samples
        self.count = count
        self.folds = folds

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Moments:
        samples, number = self.samples, index % len(self.samples.entries)
        rng = np.random.default_rng((samples.seed, index))
        shape = vary_shape(rng, samples.collage(number), samples.size_px)
        examples = [vary_light(rng, *shape) for _ in range(LIGHTS)]
        moments = [moments_of(example) for example in examples]
        fold = fold_of(samples.entries[number].scene, self.folds)
        return {
            "statistics": statistics_of(examples),
            "fold": torch.full((LIGHTS,), fold),
            **{name: torch.stack([one[name] for one in moments]) for name in moments[0]},
        }


def statistics_of(examples: list[FusionExample]) -> Tensor:
    """Light statistics of examples that differ by the person's light alone, (N, COUNT)."""
    first = examples[0]
    left, top, width, height = cv2.boundingRect(first.mask)
    start = [max(0, place - MARGIN_PX) & ~1 for place in (top, left)]  # even, as statistics use every other row
    box = np.s_[start[0] : top + height + MARGIN_PX, start[1] : left + width + MARGIN_PX]
    mask = torch.from_numpy(first.mask > 0)[None, None].float()
    background = _tensor(first.background[None])
    scene = scene_statistics(background, mask)
    avatars = _tensor(np.stack([example.avatar[box] for example in examples]))
    repeated = (part[..., box[0], box[1]].expand(len(examples), -1, -1, -1) for part in (background, mask))
    beside, inside = repeated
    return torch.cat([scene.expand(len(examples), -1), person_statistics(beside, avatars, inside)], dim=1)


def moments_of(example: FusionExample) -> Moments:
    """Moments of the person's pasted and true pixels; see `LightSamples`."""
    on = example.mask > 0
    pasted = np.column_stack([example.avatar[on] / np.float32(255) - PIVOT, np.ones(on.sum(), np.float32)])
    truth = example.truth[on] / np.float32(255) - PIVOT
    moments = {"second": pasted.T @ pasted, "cross": pasted.T @ truth, "power": np.square(truth).sum()}
    return {name: torch.tensor(moment / max(1, len(truth))).float() for name, moment in moments.items()}


def pretrain_light(light: LightEstimate, samples: AvatarFusionDataset, count: int, workers: int, seed: int) -> None:
    """Train the light estimate in place.

    Args:
        light: the estimate.
        samples: training samples.
        count: number of samples.
        workers: processes that compute statistics.
        seed: seed of the order.
    """
    train_estimate(light, collect_moments(samples, count, len(light.members), workers), seed)


def collect_moments(samples: AvatarFusionDataset, count: int, folds: int, workers: int) -> Moments:
    """Statistics, folds and moments of about `count` samples, (N, ...) each as in `LightSamples`."""
    loader = DataLoader(
        LightSamples(samples, -(-count // LIGHTS), folds),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=one_thread,
    )
    found = list(tqdm(loader, desc="statistics of light", unit="variation"))
    return {name: torch.cat([one[name] for one in found]) for name in found[0]}


def train_estimate(light: LightEstimate, data: Moments, seed: int) -> None:
    """Train members and confidence on statistics, folds and moments, (N, ...) each as in `LightSamples`, in place."""
    rng = np.random.default_rng(seed)
    light.standardise(data["statistics"])
    inputs = light.standardised(data["statistics"])
    for number, member in enumerate(light.members):
        known = (data["fold"] != number).nonzero()[:, 0]
        known = known if len(known) else torch.arange(len(inputs))  # all scenes are in one fold
        fit(member, known, data, rng, inputs=inputs, transforms=None)
    unseen = torch.zeros(len(inputs), COEFFICIENTS)
    light.eval()
    with torch.no_grad():
        for number, member in enumerate(light.members):
            mine = data["fold"] == number
            unseen[mine] = member(inputs[mine])
    fit(light.confidence, torch.arange(len(inputs)), data, rng, inputs=inputs, transforms=unseen)
    light.eval()


def fit(
    part: nn.Module,
    rows: Tensor,
    data: Moments,
    rng: np.random.Generator,
    *,
    inputs: Tensor,
    transforms: Tensor | None,
) -> None:
    """Fit a member, or the confidence with which given transforms are applied.

    Args:
        part: what is fitted.
        rows: indices of the samples to learn.
        data: moments of the samples.
        rng: draws the order.
        inputs: (N, COUNT), standardised statistics.
        transforms: (N, 12), result of members; None: the part is itself one.
    """
    part.train()
    optimiser = torch.optim.AdamW(part.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    epochs = EPOCHS if transforms is None else CONFIDENCE_EPOCHS
    batch = min(BATCH, len(rows))
    steps = epochs * len(rows) // batch
    for step in tqdm(range(steps), desc="estimate of light" if transforms is None else "confidence", unit="step"):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(LEARNING_RATE, step / steps, WARM_UP)
        chosen = rows[torch.from_numpy(rng.integers(0, len(rows), batch))]
        said = part(inputs[chosen])
        coefficients = said if transforms is None else said * transforms[chosen]
        moments = [data[name][chosen] for name in ("second", "cross", "power")]
        loss = expected_loss(squared_error(coefficients, *moments), squared_error(0 * coefficients, *moments))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def expected_loss(error: Tensor, pasted: Tensor) -> Tensor:
    """Mean of the logarithm of the errors, as PSNR is one, and of what is worse than pasting once more.

    Args:
        error: (B,), mean squared error.
        pasted: (B,), that of pasting.
    """
    level, reference = ((one + LEAST_ERROR).log() for one in (error, pasted))
    return (level + WORSE_WEIGHT * (level - reference).clamp(min=0)).mean()


def squared_error(coefficients: Tensor, second: Tensor, cross: Tensor, power: Tensor) -> Tensor:
    """Compute a transform's mean squared error over pixels and channels from moments.

    Args:
        coefficients: (B, 12), see `apply_affine`.
        second: (B, 4, 4), from `LightSamples`, as are the others.
        cross: (B, 4, 3).
        power: (B,).

    Returns:
        (B,), clamped to at least 1e-6.
    """
    assert coefficients.shape[1] == COEFFICIENTS
    matrix = coefficients[:, :9].unflatten(1, (3, 3)) + torch.eye(3)
    rows = torch.cat([matrix, coefficients[:, 9:, None]], dim=2)
    squares = (rows @ second * rows).sum(dim=(1, 2)) - 2 * (rows * cross.transpose(1, 2)).sum(dim=(1, 2)) + power
    return (squares / 3).clamp(min=1e-6)


def _tensor(pictures: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 as (N, 3, H, W) float in [0, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
