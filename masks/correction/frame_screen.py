"""The screen pixels of a frame while its mask is corrected: checkerboard, difference view, tint, contour, onion skin.

The view is a rectangle of screen pixels, (height, width) uint32, each the four bytes of an RGBA colour.
"""

import math

import numpy as np
from PIL import Image

from masks.correction.boxes import Box, whole
from masks.correction.viewport import Viewport
from masks.sets.differences import lab_distance
from masks.sets.pairs import MASK_COLOUR
from masks.sets.pixel_art import visible

CHECK_PX = 12  # side of the checkerboard's squares
HATCH_PX = 8  # distance between the onion skin's lines

SURROUND = "#16181d"
CHECKS = ("#2b2e36", "#343842")
MASK_EDGE = "#ffe3f1"
EDGE_SHADOW = "#14060d"
ONION = "#35d0ff"
OVERLAY_COLOURS = (MASK_COLOUR, "#20c9ff", "#6dff38", "#ff8a00")  # the first one that differs from the cloth is used
CLEARLY_OTHER = 60.0  # Lab distance at which a colour clearly differs
CLOTH_SAMPLES = 500
DIFFERENCE_RAMP = ("#0d0f14", "#3d2a6b", "#c2456b", "#ffb454", "#fffbe0")  # from no difference to the largest


def packed(colour: str) -> np.uint32:
    """Return a colour such as "#ff0000" as one opaque RGBA pixel."""
    return np.frombuffer(_bytes_of(colour), np.uint32)[0]


def _bytes_of(colour: str) -> bytes:
    return bytes.fromhex(colour[1:] + "ff")


# ---- pictures ----


def difference(base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """Show the difference of two (H, W, 4) uint8 frames as a colour ramp, (H, W, 4) uint8.

    It is the largest difference of any channel, with faint ones raised by a square root; colours under alpha 0 are
    ignored.
    """
    seen = [as_bytes(visible(picture)) for picture in (base, clothed)]
    apart = np.maximum(*seen) - np.minimum(*seen)
    largest = np.maximum.reduce([apart[..., channel] for channel in range(4)])
    stops = np.array([list(_bytes_of(colour)) for colour in DIFFERENCE_RAMP])
    places = np.sqrt(np.arange(256) / 255) * (len(stops) - 1)
    ramp = np.stack([np.interp(places, np.arange(len(stops)), channel) for channel in stops.T], axis=1)
    return np.rint(ramp).astype(np.uint8)[largest]


def overlay_colour(clothed: np.ndarray, mask: np.ndarray) -> str:
    """Choose the colour of a mask's overlay: the first of OVERLAY_COLOURS that clearly differs from the cloth.

    Args:
        clothed: (H, W, 4) uint8.
        mask: (H, W) bool.

    Returns:
        A colour such as "#ff3d9a"; the one that differs most if none is clearly another.
    """
    cloth = clothed[mask & (clothed[..., 3] > 0)][:, :3].astype(np.float32)
    cloth = cloth[:: len(cloth) // CLOTH_SAMPLES + 1]
    if not len(cloth):
        return OVERLAY_COLOURS[0]
    apart = {}
    for colour in OVERLAY_COLOURS:
        painted = np.broadcast_to(np.array(list(_bytes_of(colour)[:3]), np.float32), cloth.shape)
        apart[colour] = float(np.percentile(lab_distance(painted, cloth), 20))
    clear = [colour for colour in OVERLAY_COLOURS if apart[colour] > CLEARLY_OTHER]
    return clear[0] if clear else max(apart, key=lambda colour: apart[colour])


def resampled(picture: np.ndarray, viewport: Viewport, box: Box) -> np.ndarray:
    """Resample the part of a picture that a box of the screen shows: nearest if enlarged, averages if reduced.

    Args:
        picture: (H, W, 4) uint8.
        viewport: position of the picture.
        box: screen pixels that all lie inside the picture.
    """
    if viewport.zoom >= 1:
        rows = _sampled(viewport.top, viewport.zoom, box.top, box.bottom).clip(0, picture.shape[0] - 1)
        columns = _sampled(viewport.left, viewport.zoom, box.left, box.right).clip(0, picture.shape[1] - 1)
        return as_bytes(_as_pixels(picture)[rows[:, None], columns])
    (left, top), (right, bottom) = (viewport.to_frame(p) for p in ((box.left, box.top), (box.right, box.bottom)))
    part = (max(left, 0), max(top, 0), min(right, picture.shape[1]), min(bottom, picture.shape[0]))
    size = (box.right - box.left, box.bottom - box.top)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX, part))


def _sampled(start: float, zoom: float, first: int, end: int) -> np.ndarray:
    """Return the frame's row or column at each screen row or column from `first` to `end`; it may be outside."""
    return np.floor((np.arange(first, end) + 0.5 - start) / zoom).astype(int)


# ---- the view ----


class FrameScreen:
    """The screen pixels of a frame with its mask; only the part where the mask changed is repainted.

    Attributes:
        pixels: (height, width) uint32.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.pixels = np.full(shape, packed(SURROUND))
        self._plain = self.pixels.copy()
        self._tinted = self._plain
        self._box = Box(0, 0, 0, 0)

    def lay_out(
        self, picture: np.ndarray, viewport: Viewport, onion: np.ndarray | None, tint: tuple[str, float] | None
    ) -> None:
        """Prepare everything that does not change while a mask is painted.

        Args:
            picture: (H, W, 4) uint8 RGBA, shown on a checkerboard.
            viewport: position of the picture.
            onion: (H, W) bool mask of another frame, drawn as hatching; None for none.
            tint: colour of the mask and its opacity, 0 to 1; None for the contour alone.
        """
        height, width = picture.shape[:2]
        on_screen = viewport.box_on_screen(whole(picture))
        left, top = viewport.to_screen((0, 0))
        right, bottom = viewport.to_screen((width, height))
        exact = Box(*(math.floor(edge + 0.5) for edge in (top, left, bottom, right)))
        self._box = exact.within(on_screen).within(whole(self.pixels))
        self._plain[:] = packed(SURROUND)
        # One row and column more on each side, where the contour looks for neighbours.
        rows = _sampled(viewport.top, viewport.zoom, -1, self.pixels.shape[0] + 1)
        columns = _sampled(viewport.left, viewport.zoom, -1, self.pixels.shape[1] + 1)
        self._rows, self._columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        self._is_row, self._is_column = rows == self._rows, columns == self._columns
        if not self._box.is_empty:
            shown = _on_checkerboard(resampled(picture, viewport, self._box), self._box, exact)
            if onion is not None:
                self._hatch(shown, onion, exact)
            self._plain[self._box.slices] = shown
        self._tinted = _blended(self._plain, *tint) if tint else self._plain

    def paint(self, mask: np.ndarray | None, box: Box) -> Box:
        """Repaint a box of the screen; return the repainted box, which is slightly larger.

        Args:
            mask: (H, W) bool, of the size of the picture; None shows no mask.
            box: screen pixels where the mask may have changed.
        """
        box = box.grown(2).within(whole(self.pixels))
        if box.is_empty:
            return box
        tile = self._plain[box.slices].copy()
        if mask is not None:
            around = self._inside(mask, box)
            inside = around[1:-1, 1:-1]
            tile[inside] = self._tinted[box.slices][inside]
            touching = around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
            enclosed = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
            tile[inside & ~enclosed] = packed(MASK_EDGE)
            tile[touching & ~inside] = packed(EDGE_SHADOW)
        self.pixels[box.slices] = tile
        return box

    def _inside(self, mask: np.ndarray, box: Box) -> np.ndarray:
        """Return the mask on the screen in a box and one pixel around it."""
        rows, columns = slice(box.top, box.bottom + 2), slice(box.left, box.right + 2)
        inside = mask[self._rows[rows, None], self._columns[columns]]
        return inside & self._is_row[rows, None] & self._is_column[columns]

    def _hatch(self, shown: np.ndarray, onion: np.ndarray, exact: Box) -> None:
        """Draw another frame's mask into the shown part as hatching with an edge."""
        around = self._inside(onion, self._box)
        inside = around[1:-1, 1:-1]
        enclosed = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        y, x = np.ogrid[self._box.top - exact.top : self._box.bottom - exact.top,
                        self._box.left - exact.left : self._box.right - exact.left]  # fmt: skip
        lines = inside & ((x + y) % HATCH_PX < 2)
        shown[lines] = _blended(shown, ONION, 0.5)[lines]
        shown[inside & ~enclosed] = packed(ONION)


def _on_checkerboard(picture: np.ndarray, box: Box, exact: Box) -> np.ndarray:
    """Composite (h, w, 4) uint8 on a checkerboard that moves with the frame; return (h, w) uint32."""
    rows = (np.arange(box.top, box.bottom) - exact.top) // CHECK_PX
    columns = (np.arange(box.left, box.right) - exact.left) // CHECK_PX
    checks = np.array([packed(colour) for colour in CHECKS])[(rows[:, None] + columns) % 2]
    below = Image.fromarray(as_bytes(checks))
    return _as_pixels(np.asarray(Image.alpha_composite(below, Image.fromarray(picture)))).copy()


def _blended(pixels: np.ndarray, colour: str, opacity: float) -> np.ndarray:
    """Blend a colour over (h, w) uint32 pixels."""
    below = Image.fromarray(as_bytes(pixels))
    return _as_pixels(np.asarray(Image.blend(below, Image.new("RGBA", below.size, colour), opacity)))


def _as_pixels(picture: np.ndarray) -> np.ndarray:
    """View (h, w, 4) uint8 as (h, w) uint32; copied only if not contiguous."""
    return np.ascontiguousarray(picture).view(np.uint32)[..., 0]


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """View (h, w) uint32 as (h, w, 4) uint8; copied only if not contiguous."""
    return np.ascontiguousarray(pixels)[..., None].view(np.uint8)
