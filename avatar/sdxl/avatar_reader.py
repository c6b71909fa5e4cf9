"""Reads off a drawn or generated avatar what the person looks like: chooses among candidates.

The network, an ONNX file that OpenCV runs, is trained by `avatar/train_avatar_reader.py`. Its outputs are log-odds, the
words of the traits of WORDS one after another.
"""

from pathlib import Path

import cv2
import numpy as np

from common.errors import UserError
from common.paths import CHECKPOINTS

READER = CHECKPOINTS / "avatar/likeness/avatar_reader.onnx"
PICTURE_PX = 160  # side to which pictures are reduced
READER_PX = 128  # side of the square of it that the network sees: the middle of its upper edge
WORDS: dict[str, tuple[str, ...]] = {
    "skin_tone": tuple(str(step) for step in range(1, 11)),  # of the Monk Skin Tone scale
    "hair_colour": ("black", "brown", "blonde", "red", "grey", "white", "pink", "blue", "green", "purple"),
    "hair_length": ("bald", "receding", "very short", "short", "medium", "long"),
    "glasses": ("none", "spectacles", "sunglasses"),
    "facial_hair": ("none", "stubble", "moustache", "goatee", "beard"),
    "headwear": ("none", "hat", "cap", "headscarf"),
}


class AvatarReader:
    """Reads avatars; the network is loaded once. Not thread-safe."""

    def __init__(self, path: Path = READER) -> None:
        """Load the network. Raises UserError if its file is missing or damaged."""
        if not path.is_file():
            raise UserError(f"{path}: missing; it is part of the project, so restore it from there")
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(path.read_bytes(), np.uint8))
        except cv2.error as error:
            raise UserError(f"{path}: damaged, or not an ONNX file; restore it from the project") from error

    def read(self, picture: np.ndarray) -> dict[str, dict[str, float]]:
        """Probabilities of the words of each trait of WORDS, which sum to 1.

        Args:
            picture: (H, W, 3) uint8 RGB, a square with head and shoulders.
        """
        self._network.setInput(reader_input(picture)[None])
        odds, first, shares = self._network.forward()[0], 0, {}
        for trait, words in WORDS.items():
            part = np.exp(odds[first : first + len(words)] - odds[first : first + len(words)].max())
            shares[trait] = dict(zip(words, (part / part.sum()).tolist(), strict=True))
            first += len(words)
        return shares


def reader_input(picture: np.ndarray) -> np.ndarray:
    """(3, READER_PX, READER_PX) float32 from -1 to 1."""
    small = cv2.resize(picture, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
    left = (PICTURE_PX - READER_PX) // 2
    seen = small[:READER_PX, left : left + READER_PX]
    return np.ascontiguousarray(seen.transpose(2, 0, 1), np.float32) / 127.5 - 1
