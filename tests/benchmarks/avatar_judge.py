"""The judge of `avatar_likeness`: another network than the one that chooses among candidates reads off what is seen.

It has learnt from other characters, by another architecture: each trait looks at its own places of the picture, and
the colours of skin and hair are means of px at places that the network chooses. So that nobody has to believe it, it
first reads LABELLED: a hundred generated avatars, labelled by eye. They are kept as one picture, since a model that is
trained anew would draw others.
"""

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from avatar.demo_model.drawn_pictures import fingerprint
from avatar.drawing.palette import SKINS, rgb_u8
from avatar.person.skin_tone import STEPS
from avatar.reader_training.examples import Examples, make_examples
from avatar.reader_training.training_run import chosen_rows, loss_of, varied
from avatar.sdxl.avatar_reader import WORDS, AvatarReader, reader_input
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.sources import AUTO, DEMO_MODEL, choose_model
from common.checkpoints import load_plain, save_plain
from common.images import read_image
from common.paths import OUTPUTS

FOLDER = OUTPUTS / "benchmarks/avatar_likeness"
LABELLED = Path(__file__).with_name("avatar_likeness_labels.csv")  # words by eye; `a|b`: both are right
LABELLED_SHEET = LABELLED.with_suffix(".webp")  # the pictures, in the table's order, rows of COLUMNS
COLUMNS, TILE_PX = 10, 160
SEED = 8_100_001  # of characters, first weights and order; no other training uses it
DRAWN, GENERATED, TRAINING_STEPS, BATCH = 4_000, 50, 1_200, 48
WIDTHS = (24, 40, 80)
HEADS = 2  # places at which each trait looks
COLOUR_WEIGHT = 0.02  # of the colours' error, in Lab, beside the words' loss
SAME = {  # words for a length of hair that labels hold: the judge's words are finer
    "receding": {"receding", "bald", "short"},
    "very short": {"very short", "bald", "short"},
    "medium": {"short", "medium", "long"},
}
PLACES = 32  # cells each way among which the places of a colour are chosen


@dataclass(frozen=True)
class Reading:
    """What the judge sees.

    Attributes:
        shares: probabilities by trait and word; skin tones are light, medium, dark.
    """

    shares: dict[str, dict[str, float]]

    def word(self, trait: str) -> str:
        """The likeliest word."""
        return max(self.shares[trait], key=lambda word: self.shares[trait][word])

    def words(self) -> dict[str, str]:
        """The likeliest word of each trait."""
        return {trait: self.word(trait) for trait in self.shares}


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU(True)),
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)),
        )

    def forward(self, values: Tensor) -> Tensor:
        """Same shape."""
        return functional.silu(values + self.inner(values))


class Judge(nn.Module):
    """(B, 3, 128, 128) from -1 to 1 in; log-odds of all words, and Lab of the skin, out."""

    def __init__(self) -> None:
        super().__init__()
        stem, middle, last = WIDTHS
        self.fine = nn.Sequential(
            *(nn.PixelUnshuffle(2), nn.Conv2d(12, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.SiLU(True)),
            *(nn.Conv2d(stem, middle, 2, 2, bias=False), nn.BatchNorm2d(middle), nn.SiLU(True)),
            Residual(middle),
        )
        self.coarse = nn.Sequential(
            *(nn.Conv2d(middle, last, 2, 2, bias=False), nn.BatchNorm2d(last), nn.SiLU(True)),
            *(Residual(last), Residual(last)),
        )
        self.places = nn.Conv2d(last, HEADS * len(WORDS), 1)
        self.words = nn.ModuleDict({trait: nn.Linear(HEADS * last, len(words)) for trait, words in WORDS.items()})
        self.skin_places = nn.Conv2d(middle + last, 1, 1)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """(B, words) and (B, 3)."""
        fine = self.fine(values)
        coarse = self.coarse(fine)
        places = self.places(coarse).flatten(2).softmax(2)
        seen = torch.einsum("bpn,bcn->bpc", places, coarse.flatten(2)).unflatten(1, (len(WORDS), HEADS)).flatten(2)
        odds = torch.cat([head(seen[:, place]) for place, head in enumerate(self.words.values())], dim=1)
        both = torch.cat([fine, functional.interpolate(coarse, fine.shape[2:])], dim=1)
        chosen = self.skin_places(both).flatten(2).softmax(2)
        colours = functional.avg_pool2d(values, values.shape[2] // PLACES).flatten(2)
        return odds, to_lab((colours * chosen).sum(2))


def to_lab(colours: Tensor) -> Tensor:
    """(B, 3) sRGB from -1 to 1 to Lab (D65)."""
    rgb = ((colours.float() + 1) / 2).clamp(1e-4, 1)
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = linear.new_tensor(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ (matrix / matrix.sum(1, keepdim=True)).T
    f = torch.where(xyz > 0.008856, xyz.clamp(min=1e-6) ** (1 / 3), xyz * 7.787 + 16 / 116)
    return torch.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], dim=1)


@functools.cache
def skin_labs() -> np.ndarray:
    """(10, 3) Lab of the drawn skins by step of the Monk scale."""
    rgb = torch.tensor([rgb_u8(colour) for colour in SKINS.values()])
    return to_lab(rgb.float() / 127.5 - 1).numpy()


# ---- training ----


def load_judge() -> "Reader":
    """The judge, trained first if it is not there: about 10 minutes of one core."""
    path = FOLDER / f"judge-{fingerprint(SEED)}.pth"
    network = Judge()
    if not path.is_file():
        load = functools.partial(load_pipelines, choose_model(str(DEMO_MODEL), AUTO, with_refiner=False))
        examples = make_examples(FOLDER / "judge", load, drawn=DRAWN, generated=GENERATED, seed=SEED)
        torch.manual_seed(SEED)
        train(network, examples)
        save_plain(path, network.state_dict())
    network.load_state_dict(load_plain(path))
    return Reader(network.eval())


def train(network: Judge, examples: Examples) -> None:
    """Train in place."""
    pixels = torch.from_numpy(examples.pixels).permute(0, 3, 1, 2)
    shares = torch.from_numpy(examples.shares)
    skins = to_lab(torch.from_numpy(examples.skins).float() / 127.5 - 1)
    known = shares[:, : len(WORDS["skin_tone"])].sum(1) > 0
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, TRAINING_STEPS + 1)
    rng = torch.Generator().manual_seed(SEED)
    bar = tqdm(range(TRAINING_STEPS), desc="judge", unit="step")
    network.train().to(memory_format=torch.channels_last)
    for _ in bar:
        rows = chosen_rows(len(pixels), examples.generated, BATCH, rng)
        with torch.autocast("cpu", torch.bfloat16):
            odds, skin = network(varied(pixels[rows], rng).contiguous(memory_format=torch.channels_last))
        missed = ((skin - skins[rows]).abs().sum(1) * known[rows]).mean()
        loss = loss_of(odds.float(), shares[rows]) + COLOUR_WEIGHT * missed
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        bar.set_postfix_str(f"loss {float(loss.detach()):.3f}, skin {float(missed.detach()):.1f}")


class Reader:
    """The judge at work."""

    def __init__(self, network: Judge) -> None:
        self._network = network

    @torch.no_grad()
    def read(self, picture: np.ndarray) -> Reading:
        """Read an avatar, (H, W, 3) uint8 RGB."""
        odds, skin = self._network(torch.from_numpy(reader_input(picture))[None])
        shares, first = {}, 0
        for trait, words in WORDS.items():
            part = odds[0, first : first + len(words)].softmax(0).tolist()
            shares[trait] = dict(zip(words, part, strict=True))
            first += len(words)
        shares["skin_tone"] = skin_shares(skin[0].numpy().astype(np.float64))
        return Reading(shares)


class ShippedReader:
    """The reader that chooses among candidates: with CANDIDATES 1 it chooses nothing, and may measure."""

    def __init__(self) -> None:
        self._reader = AvatarReader()

    def read(self, picture: np.ndarray) -> Reading:
        """Read an avatar, (H, W, 3) uint8 RGB."""
        shares = self._reader.read(picture)
        steps = np.array(list(shares["skin_tone"].values()))
        words = {word: float(steps[first - 1 : last].sum()) for word, (first, last) in STEPS.items()}
        return Reading(shares | {"skin_tone": words})


def skin_shares(lab: np.ndarray) -> dict[str, float]:
    """Shares of light, medium and dark for a colour of skin, by its distances to the drawn ones."""
    nearness = np.exp(-((skin_labs() - lab) ** 2).sum(1) / (2 * 6.0**2)) + 1e-9
    nearness /= nearness.sum()
    return {word: float(nearness[first - 1 : last].sum()) for word, (first, last) in STEPS.items()}


# ---- the check by eye ----


def fits(trait: str, word: str, accepted: Sequence[str]) -> bool:
    """Whether what the avatar shows is one of the accepted words of a label."""
    said = SAME.get(word, {word}) if trait == "hair_length" else {"grey" if word == "white" else word}
    return bool(said & {label.replace("_", " ") for label in accepted})


def labelled_rows() -> list[dict[str, str]]:
    """Accepted words by trait, `a|b`, of every picture of LABELLED_SHEET; empty where a trait is not seen."""
    with open(LABELLED, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_by_eye(judge: Reader | ShippedReader) -> None:
    """Print the judge's accuracy, trait by trait, on avatars that were labelled by eye."""
    rows = labelled_rows()
    sheet = np.asarray(read_image(LABELLED_SHEET, "RGB"))
    print(f"judge's own accuracy on {len(rows)} generated avatars that were labelled by eye:")
    right: dict[str, list[bool]] = {}
    for number, row in enumerate(rows):
        down, across = divmod(number, COLUMNS)
        tile = sheet[down * TILE_PX : (down + 1) * TILE_PX, across * TILE_PX : (across + 1) * TILE_PX]
        reading = judge.read(tile)
        for trait in WORDS:
            if row[trait]:
                right.setdefault(trait, []).append(fits(trait, reading.word(trait), row[trait].split("|")))
    for trait, results in right.items():
        print(f"    {trait:<12} {sum(results):>3} of {len(results):>3}, {np.mean(results):.1%}")
