"""Layered sprites: the layers, frames, durations and tags that the files of drawing programs hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.alpha import around
from masks.sheets.layer_blending import NORMAL, paint_over

BODY_WORDS = frozenset(  # the first word of the name of a body layer, or of the group that it lies in
    "body base skin nude naked head hair face eye eyes brow brows eyebrow eyebrows nose mouth ear ears beard arm arms "
    "hand hands background bg".split()
)
CLOTHES_WORDS = frozenset("clothes clothing cloth outfit outfits garment garments armor armour costume".split())


@dataclass(frozen=True)
class NamedLayer:
    """A named layer.

    Attributes:
        name: its name in the drawing program, after those of the groups that it lies in, as in "outfit/shirt".
        frames: (H, W, 4) uint8 RGBA of each frame, all of one size.
        blend: its blend mode, NORMAL or one of `layer_blending.MODES`.
        lifts: number of layers by which it is drawn higher, for each frame; empty: none.
    """

    name: str
    frames: Sequence[np.ndarray]
    blend: str = NORMAL
    lifts: Sequence[int] = ()

    @property
    def is_body(self) -> bool:
        """Whether it shows the body by its name: the outermost group that tells decides."""
        first = [re.match(r"[^\W\d_]*", part)[0] for part in self.name.casefold().split("/")]  # type: ignore[index]
        return next((word in BODY_WORDS for word in first if word in BODY_WORDS | CLOTHES_WORDS), False)


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

    def flat(self, frame: int, layers: Sequence[NamedLayer] | None = None) -> np.ndarray:
        """Return one frame, (H, W, 4) uint8, with all layers or with some."""
        picture = np.zeros(self.layers[0].frames[0].shape, np.float32)
        for layer in self._in_order(frame, self.layers if layers is None else layers):
            box = around(layer.frames[frame][..., 3] > 0, 0)
            picture[box] = paint_over(picture[box], layer.frames[frame][box] / np.float32(255), layer.blend)
        return (255 * picture).round().astype(np.uint8)

    def body(self) -> list[NamedLayer]:
        """Return the layers that show the body: by their names, or else the lowest layer."""
        return [layer for layer in self.layers if layer.is_body] or [self.layers[0]]

    def clothing_mask(self, frame: int, body: Sequence[NamedLayer]) -> np.ndarray:
        """Return where a layer that is not the body is uppermost in a frame, (H, W) uint8 of 0 or 255.

        Layers in another blend mode than the normal one shade what lies below them, to which the pixel still belongs.
        """
        drawn = np.zeros(self.layers[0].frames[0].shape[:2], bool)
        mask = np.zeros(drawn.shape, np.uint8)
        for layer in self._in_order(frame, self.layers):
            here = layer.frames[frame][..., 3] > 0
            mask[here & ~drawn if layer.blend != NORMAL else here] = 0 if any(layer is own for own in body) else 255
            drawn |= here
        return mask

    def _in_order(self, frame: int, layers: Sequence[NamedLayer]) -> list[NamedLayer]:
        """Return layers in their drawing order in a frame."""
        lifts = [layer.lifts[frame] if layer.lifts else 0 for layer in layers]
        order = sorted(range(len(layers)), key=lambda place: (place + lifts[place], lifts[place]))
        return [layers[place] for place in order]
