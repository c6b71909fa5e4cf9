"""Small classifiers of appearance, trained by `avatar/train_appearance.py`; OpenCV runs them.

Each is an ONNX file whose outputs are log-odds, the words of its traits one after another.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.person.colour_measures import Colours
from avatar.person.head_view import HeadView
from common.errors import UserError
from common.paths import CHECKPOINTS

FOLDER = CHECKPOINTS / "avatar/appearance"
GLASSES = ("none", "spectacles", "sunglasses")
COVERED = "covered"  # by a mask: facial hair cannot be seen
FACIAL_HAIR = ("none", "stubble", "moustache", "goatee", "beard", COVERED)
HEADWEAR = ("none", "hat", "cap", "headscarf")
HAIR_LENGTHS = ("bald", "receding", "very short", "short", "medium", "long")
HAIR_SHAPES = ("straight", "wavy", "curly", "coily", "tied")
SKIN_TONES = ("light", "medium", "dark")
HAIR_COLOURS = ("black", "brown", "blonde", "red", "grey")
CLASSIFIERS: dict[str, dict[str, tuple[str, ...]]] = {  # traits and words of each file; those of one trait are averaged
    "face": {"glasses": GLASSES, "facial_hair": FACIAL_HAIR, "skin_tone": SKIN_TONES},
    "head": {"headwear": HEADWEAR, "hair_length": HAIR_LENGTHS, "hair_shape": HAIR_SHAPES},
    "eyes": {"glasses": GLASSES},
    "mouth": {"facial_hair": FACIAL_HAIR},
    "glasses": {"glasses": GLASSES},
    "facial_hair": {"facial_hair": FACIAL_HAIR},
    "headwear": {"headwear": HEADWEAR},
    "hair_length": {"hair_length": HAIR_LENGTHS},
    "skin_tone": {"skin_tone": SKIN_TONES},
    "hair_colour": {"hair_colour": HAIR_COLOURS},
}
WORDS = {trait: words for traits in CLASSIFIERS.values() for trait, words in traits.items()}
POOLED = 2  # cells of the inner layers that are averaged, each way
CLOSE_WEIGHT = 2.0  # of "eyes" and "mouth" in the mean, where the photo is sharp; the others' is 1
SHARP, BLURRED = 1.0, 2.0  # `HeadView.scale` up to which they count in full, and from which they do not count


@dataclass(frozen=True)
class HeadCrop:
    """What a convolutional classifier sees of a head.

    Attributes:
        box: left, top, right and lower edge, px of `HeadView.pixels`, or of `HeadView.close`.
        size: width and height of its input, px.
        close: whether it sees `HeadView.close`.
    """

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    close: bool = False

    def of(self, view: HeadView) -> np.ndarray:
        """(H, W, 3) uint8 RGB of the view that it is cut from."""
        return view.close if self.close else view.pixels


CROPS = {
    "face": HeadCrop((71, 71, 185, 185), (80, 80)),  # with its beard
    "head": HeadCrop((28, 14, 228, 214), (80, 80)),  # with hair, hat and shoulders
    "eyes": HeadCrop((44, 68, 212, 152), (96, 48), close=True),  # from the brows to below any glasses
    "mouth": HeadCrop((64, 128, 192, 256), (64, 64), close=True),  # from the nose to below the chin
}


@dataclass(frozen=True)
class Belief:
    """What a classifier believes of one trait: shares by word, which sum to 1."""

    shares: dict[str, float]

    @property
    def word(self) -> str:
        """The likeliest word."""
        return max(self.shares, key=lambda word: self.shares[word])

    @property
    def score(self) -> float:
        """Share of the likeliest word."""
        return self.shares[self.word]


class TraitClassifiers:
    """All classifiers, loaded once. Not thread-safe."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load them. Raises UserError if a file is missing."""
        paths = {name: folder / f"{name}.onnx" for name in CLASSIFIERS}
        for path in paths.values():
            if not path.is_file():
                raise UserError(f"{path}: missing; it is part of the project, so restore it from there")
        self.weights = [path.name for path in paths.values()]
        self._networks = {
            name: cv2.dnn.readNetFromONNX(np.frombuffer(path.read_bytes(), np.uint8)) for name, path in paths.items()
        }

    def classify(self, view: HeadView, colours: Colours) -> dict[str, Belief]:
        """Beliefs about every trait of CLASSIFIERS, by trait."""
        inputs = {
            **{name: crop_input(view, crop) for name, crop in CROPS.items()},
            "glasses": layer_input(view.face_layer),
            "facial_hair": layer_input(view.face_layer),
            "headwear": layer_input(view.head_layer, view.selfie_layer),
            "hair_length": layer_input(view.selfie_layer),
            "skin_tone": colours.statistics,
            "hair_colour": colours.statistics,
        }
        shares: dict[str, list[np.ndarray]] = {}
        weights: dict[str, list[float]] = {}
        for name, traits in CLASSIFIERS.items():
            if not (weight := weight_of(name, view.scale)):
                continue
            self._networks[name].setInput(np.ascontiguousarray(inputs[name][None]))
            odds, first = self._networks[name].forward()[0], 0
            for trait, words in traits.items():
                shares.setdefault(trait, []).append(_softmax(odds[first : first + len(words)]))
                weights.setdefault(trait, []).append(weight)
                first += len(words)
        means = {trait: np.average(found, axis=0, weights=weights[trait]) for trait, found in shares.items()}
        return {trait: Belief(dict(zip(WORDS[trait], mean.tolist(), strict=True))) for trait, mean in means.items()}


def weight_of(name: str, scale: float) -> float:
    """How much a classifier counts in the mean: detail that a small face does not show is no evidence.

    Args:
        name: a key of CLASSIFIERS.
        scale: see `HeadView`.
    """
    if name in CROPS and CROPS[name].close:
        return CLOSE_WEIGHT * float(np.clip((BLURRED - scale) / (BLURRED - SHARP), 0, 1))
    return 1.0


def crop_input(view: HeadView, crop: HeadCrop) -> np.ndarray:
    """(3, H, W) float32 of a crop, mean 0 and deviation 1, so that exposure matters little."""
    left, top, right, bottom = crop.box
    small = cv2.resize(crop.of(view)[top:bottom, left:right], crop.size, interpolation=cv2.INTER_AREA)
    values = small.transpose(2, 0, 1).astype(np.float32) / 255
    return (values - values.mean()) / (values.std() + np.float32(0.05))


def layer_input(*layers: np.ndarray) -> np.ndarray:
    """(n,) float32: layers (channels, rows, columns), averaged over squares of POOLED cells."""
    pooled = []
    for layer in layers:
        channels, rows, columns = layer.shape
        cells = layer.reshape(channels, rows // POOLED, POOLED, columns // POOLED, POOLED)
        pooled.append(cells.mean(axis=(2, 4)).ravel())
    return np.concatenate(pooled).astype(np.float32)


def _softmax(odds: np.ndarray) -> np.ndarray:
    shares = np.exp(odds - odds.max())
    return shares / shares.sum()
