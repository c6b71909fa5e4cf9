"""Train the reader of avatars: drawn and generated pictures in, an ONNX file out."""

import functools
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from avatar.appearance_training.classifiers import write_onnx
from avatar.reader_training.examples import Examples, make_examples
from avatar.sdxl.avatar_reader import PICTURE_PX, READER_PX, WORDS
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.sources import AUTO, DEMO_MODEL, choose_model

WIDTHS = (24, 32, 64, 96)  # channels after each halving of the picture
HIDDEN = 96  # values from which all traits are read
CELLS = 4  # cells each way into which the last layer is averaged
BATCH = 64
LEARNING_RATE = 3e-3
GENERATED_SHARE = 0.3  # of a batch
ZOOM = 0.8, 1.2  # of the part of a picture that is seen
SHIFT, TILT = 0.05, 0.05  # standard deviations: in half sides of a picture, and in radians


def train(*, output: Path, work: Path, drawn: int, generated: int, steps: int, seed: int) -> float:
    """Make the pictures, train the network and write it; the mean loss of the last fifty steps.

    Raises:
        UserError: the small model is missing.
    """
    load = functools.partial(load_pipelines, choose_model(str(DEMO_MODEL), AUTO, with_refiner=False))
    examples = make_examples(work, load, drawn=drawn, generated=generated, seed=seed)
    torch.manual_seed(seed)
    network = reader_network()
    loss = fit(network, examples, steps, seed)
    write_onnx(network, (1, 3, READER_PX, READER_PX), output)
    return loss


def reader_network() -> nn.Sequential:
    """A small convolutional network: (B, 3, READER_PX, READER_PX) from -1 to 1 in, log-odds of all words out."""
    layers: list[nn.Module] = []
    before = 3
    for width in WIDTHS:
        layers += [nn.Conv2d(before, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
        if before > 3:
            layers += [nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
        before = width
    side = READER_PX // 2 ** len(WIDTHS)
    layers += [nn.AvgPool2d(side // CELLS), nn.Flatten(), nn.Linear(CELLS * CELLS * before, HIDDEN), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.Dropout(0.2), nn.Linear(HIDDEN, sum(map(len, WORDS.values()))))


def fit(network: nn.Module, examples: Examples, steps: int, seed: int) -> float:
    """Train a network in place; the mean loss of the last fifty steps."""
    pixels = torch.from_numpy(examples.pixels).permute(0, 3, 1, 2)
    shares = torch.from_numpy(examples.shares)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps + 1)
    rng = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    bar = tqdm(range(steps), desc="reader", unit="step")
    network.train().to(memory_format=torch.channels_last)
    for _ in bar:
        rows = chosen_rows(len(pixels), examples.generated, BATCH, rng)
        with torch.autocast("cpu", torch.bfloat16):
            odds = network(varied(pixels[rows], rng).contiguous(memory_format=torch.channels_last))
        loss = loss_of(odds.float(), shares[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        bar.set_postfix_str(f"loss {losses[-1]:.3f}")
    return sum(losses[-50:]) / len(losses[-50:])


def chosen_rows(count: int, generated: int, batch: int, rng: torch.Generator) -> Tensor:
    """(batch,) places of random examples; GENERATED_SHARE of them are among the generated ones, which are the last."""
    rows = torch.randint(count, (batch,), generator=rng)
    if generated:
        few = round(GENERATED_SHARE * batch)
        rows[:few] = torch.randint(count - generated, count, (few,), generator=rng)
    return rows


def loss_of(odds: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy of all traits, (B, words) both; a trait whose shares are 0 does not count."""
    parts = zip(*(some.split([len(words) for words in WORDS.values()], dim=1) for some in (odds, shares)), strict=True)
    return torch.stack([-(part.log_softmax(1) * wanted).sum(1).mean() for part, wanted in parts]).mean()


def varied(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Each picture a little nearer or further, moved, tilted, mirrored, blurred, noisy and in another light.

    Args:
        pixels: (B, 3, PICTURE_PX, PICTURE_PX) uint8.
        rng: random generator.

    Returns:
        (B, 3, READER_PX, READER_PX) float32, about -1 to 1.
    """
    count, part = len(pixels), READER_PX / PICTURE_PX

    def spread(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=rng) * (high - low) + low

    matrix = torch.zeros(count, 2, 3)
    share, tilt = part * spread(*ZOOM), TILT * torch.randn(count, generator=rng)
    matrix[:, 0, 0], matrix[:, 1, 1] = share * (2 * (spread(0, 1) < 0.5).float() - 1), share
    matrix[:, 0, 1], matrix[:, 1, 0] = tilt, -tilt
    matrix[:, :, 2] = SHIFT * torch.randn(count, 2, generator=rng)
    matrix[:, 1, 2] += part - 1  # the upper edge
    grid = functional.affine_grid(matrix, [count, 3, READER_PX, READER_PX], align_corners=False)
    seen = functional.grid_sample(pixels.float() / 127.5 - 1, grid, align_corners=False, padding_mode="border")
    blurred = functional.avg_pool2d(functional.pad(seen, (1, 1, 1, 1), "replicate"), 3, 1)
    seen = seen + (blurred - seen) * spread(0, 1, 1, 1, 1) * (spread(0, 1, 1, 1, 1) < 0.3)
    noise = torch.randn(count, 1, READER_PX, READER_PX, generator=rng) * spread(0, 0.08, 1, 1, 1)
    return seen * spread(0.93, 1.07, 1, 1, 1) + spread(-0.05, 0.05, 3, 1, 1) + noise
