"""Layered sprites: the layers, frames, durations and tags that the files of drawing programs hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

BODY_WORDS = ("body", "base", "skin", "head", "hair", "face", "eye", "ear")  # what names of body layers begin with


@dataclass(frozen=True)
class NamedLayer:
    """A named layer.

    Attributes:
        name: its name in the drawing program.
        frames: (H, W, 4) uint8 RGBA of each frame, all of one size.
    """

    name: str
    frames: Sequence[np.ndarray]


@dataclass(frozen=True)
class FrameTag:
    """A named animation: frames `first` to `last`, both counted from 0 and included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class LayeredSprite:
    """A sprite in layers.

    Attributes:
        layers: the layers in drawing order, the lowest first.
        durations_ms: duration of each frame.
        tags: named animations.
        credits: who drew it, and under which licence.
    """

    layers: Sequence[NamedLayer]
    durations_ms: tuple[int, ...]
    tags: tuple[FrameTag, ...] = ()
    credits: str = ""

    def flat(self, frame: int, names: frozenset[str] | None = None) -> np.ndarray:
        """Return one frame, (H, W, 4) uint8, with all layers, or with those that are named."""
        height, width = self.layers[0].frames[0].shape[:2]
        picture = Image.new("RGBA", (width, height))
        for layer in self.layers:
            if names is None or layer.name in names:
                picture = Image.alpha_composite(picture, Image.fromarray(layer.frames[frame]))
        return np.asarray(picture)

    def body_names(self) -> frozenset[str]:
        """Return the names of the layers that show the body: by their first word, or else the lowest layer."""
        named = {layer.name for layer in self.layers if layer.name.casefold().startswith(BODY_WORDS)}
        return frozenset(named or {self.layers[0].name})

    def clothing_mask(self, frame: int, body: frozenset[str]) -> np.ndarray:
        """Return where a layer that is not the body is uppermost in a frame, (H, W) uint8 of 0 or 255."""
        mask = np.zeros(self.layers[0].frames[0].shape[:2], np.uint8)
        for layer in self.layers:
            mask[layer.frames[frame][..., 3] > 0] = 0 if layer.name in body else 255
        return mask
