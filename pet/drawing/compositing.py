"""Compositing a pet: layers pasted onto a base body."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from common.images import read_image
from pet.choosing.wardrobe import LAYERS
from pet.drawing.coats import Coat, CoatMaps, coat_files


@dataclass(frozen=True)
class Layer:
    """The visible part of a layer: an RGBA picture and where its upper left corner lies on the canvas, in px."""

    picture: Image.Image
    place: tuple[int, int]


class Dresser:
    """Pastes accessories onto bodies; each layer is read and scaled once, then cached."""

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self._layers: dict[Path, Layer] = {}
        self._coats: dict[Path, CoatMaps] = {}
        self._last: tuple[tuple[Path, Coat | None], Image.Image] | None = None

    def dress(self, body: Path, worn: Mapping[str, Path], coat: Coat | None = None) -> Image.Image:
        """The pet: the body, then Torso, Face and Head over it.

        Args:
            body: picture of the base body.
            worn: picture of the accessory of each slot; a slot may be absent.
            coat: fur of the body; None, and a body that has no coats: as it was drawn.

        Returns:
            RGBA, size_px x size_px, transparent around the pet; a canvas that is not square is centred in it.

        Raises:
            UserError: a picture cannot be read.
        """
        # Colouring fur takes longer than all else: pets in the order of their coats share it.
        if self._last is None or self._last[0] != (body, coat):
            self._last = (body, coat), self._bare(body, coat)
        canvas = self._last[1].copy()
        for slot in LAYERS:
            if slot in worn:
                layer = self._layer(worn[slot])
                canvas.alpha_composite(layer.picture, layer.place)
        return canvas

    def _bare(self, body: Path, coat: Coat | None) -> Image.Image:
        canvas = Image.new("RGBA", (self.size_px, self.size_px), (0, 0, 0, 0))
        layer = self._layer(body)
        canvas.paste(layer.picture, layer.place)
        if coat is None or not coat_files(body):
            return canvas
        if body not in self._coats:
            self._coats[body] = CoatMaps(body, canvas.size)
        return self._coats[body].colour(canvas, coat)

    def _layer(self, path: Path) -> Layer:
        if path not in self._layers:
            whole = read_image(path, "RGBA")
            # Scale with premultiplied alpha, so that transparent pixels do not bleed into the edges, and with
            # a filter that does not overshoot, so that outlines get no faint rings.
            scale = self.size_px / max(whole.size)
            size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
            scaled = whole.convert("RGBa").resize(size, Image.Resampling.HAMMING).convert("RGBA")
            left, top, right, bottom = scaled.getbbox() or (0, 0, 1, 1)
            place = (left + (self.size_px - size[0]) // 2, top + (self.size_px - size[1]) // 2)
            self._layers[path] = Layer(scaled.crop((left, top, right, bottom)), place)
        return self._layers[path]
