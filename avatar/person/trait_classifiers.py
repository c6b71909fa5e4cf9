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
CLASSIFIERS: dict[str, dict[str, tuple[str, ...]]] = {  # traits and words of each file; two of one trait are averaged
    "face": {"glasses": GLASSES, "facial_hair": FACIAL_HAIR, "skin_tone": SKIN_TONES},
    "head": {"headwear": HEADWEAR, "hair_length": HAIR_LENGTHS, "hair_shape": HAIR_SHAPES},
    "glasses": {"glasses": GLASSES},
    "facial_hair": {"facial_hair": FACIAL_HAIR},
    "headwear": {"headwear": HEADWEAR},
    "hair_length": {"hair_length": HAIR_LENGTHS},
    "skin_tone": {"skin_tone": SKIN_TONES},
    "hair_colour": {"hair_colour": HAIR_COLOURS},
}
WORDS = {trait: words for traits in CLASSIFIERS.values() for trait, words in traits.items()}
CROPS = {  # left, top, right and lower edge in the view of what the convolutional classifiers see
    "face": (71, 71, 185, 185),  # the face with its beard
    "head": (28, 14, 228, 214),  # with hair, hat and shoulders
}
CROP_PX = 80  # side of the square that they see
POOLED = 2  # cells of the inner layers that are averaged, each way


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
            **{name: crop_input(view.pixels, crop) for name, crop in CROPS.items()},
            "glasses": layer_input(view.face_layer),
            "facial_hair": layer_input(view.face_layer),
            "headwear": layer_input(view.head_layer, view.selfie_layer),
            "hair_length": layer_input(view.selfie_layer),
            "skin_tone": colours.statistics,
            "hair_colour": colours.statistics,
        }
        shares: dict[str, list[np.ndarray]] = {}
        for name, traits in CLASSIFIERS.items():
            self._networks[name].setInput(np.ascontiguousarray(inputs[name][None]))
            odds, first = self._networks[name].forward()[0], 0
            for trait, words in traits.items():
                shares.setdefault(trait, []).append(_softmax(odds[first : first + len(words)]))
                first += len(words)
        return {trait: _mean_belief(WORDS[trait], found) for trait, found in shares.items()}


def _mean_belief(words: tuple[str, ...], shares: list[np.ndarray]) -> Belief:
    return Belief(dict(zip(words, np.mean(shares, axis=0).tolist(), strict=True)))


def crop_input(pixels: np.ndarray, crop: tuple[int, int, int, int]) -> np.ndarray:
    """(3, CROP_PX, CROP_PX) float32 of a view's pixels, mean 0 and deviation 1, so that exposure matters little."""
    left, top, right, bottom = crop
    small = cv2.resize(pixels[top:bottom, left:right], (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA)
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
