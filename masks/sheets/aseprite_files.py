"""Files of Aseprite, .ase and .aseprite: layers, frames, durations and tags, read and written.

After the format's documentation, https://github.com/aseprite/aseprite/blob/main/docs/ase-file-specs.md. Tilemaps are
not read; the opacity of a group counts for each of its layers.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import no_file
from masks.sheets import layer_blending
from masks.sheets.layer_blending import NORMAL
from masks.sheets.layered_sprites import FrameTag, LayeredSprite, NamedLayer
from masks.sheets.sheet_limits import check_frames

SUFFIXES = (".ase", ".aseprite")
MAX_BYTES = 256_000_000
MAX_LAYERS = 256
FILE_MAGIC, FRAME_MAGIC = 0xA5E0, 0xF1FA
HEADER, FRAME_HEADER, CHUNK_HEADER = 128, 16, 6  # bytes
OLD_PALETTE, LAYER, CEL, TAGS, PALETTE, USER_DATA = 0x0004, 0x2004, 0x2005, 0x2018, 0x2019, 0x2020  # kinds of chunk
RAW, LINKED, COMPRESSED = 0, 1, 2  # kinds of cel
GROUP, TILEMAP = 1, 2  # types of layer
VISIBLE, BACKGROUND, REFERENCE = 1, 8, 64  # flags of a layer
HAS_OPACITY, GROUPS_HAVE_OPACITY = 1, 2  # flags of the file
MODES = (NORMAL, *layer_blending.MODES)  # in the order of the format's numbers
CHANNELS = {32: 4, 16: 2, 8: 1}  # bytes a pixel by colour depth


class _Bytes:
    """A part of the file, read from front to back; struct.error if it ends too early."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def number(self, form: str) -> int:
        return self.take(form)[0]

    def text(self) -> str:
        length = self.number("H")
        return self.raw(length).decode("utf-8", "replace")

    def raw(self, length: int) -> bytes:
        if length > len(self.content) - self.at:
            raise struct.error("the file ends too early")
        self.at += length
        return self.content[self.at - length : self.at]


def read_aseprite(path: Path) -> LayeredSprite:
    """Read the layers of an Aseprite file; hidden layers and groups are left out.

    Raises:
        UserError: the file is missing, too large, damaged, or holds tilemaps.
    """
    if not path.is_file():
        raise UserError(f"{path}: {no_file(path, 'a file of Aseprite')}")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES / 1e6:.0f} MB")
    try:
        return _Reader(path).read()
    except (struct.error, zlib.error, ValueError, IndexError, KeyError) as error:
        raise UserError(f"{path}: truncated or damaged ({error})") from error


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """A layer or group; its opacity is that of the groups it lies in, times its own."""

    name: str
    kind: int
    is_shown: bool
    is_background: bool
    opacity: float
    blend: str


class _Reader:
    """The state of reading one file."""

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, _Bytes(path.read_bytes())
        self.layers: list[_Layer] = []
        self.groups: list[_Layer] = []  # the open group of each level
        self.cels: dict[tuple[int, int], np.ndarray] = {}
        self.lifts: dict[tuple[int, int], int] = {}
        self.tags: list[FrameTag] = []
        self.palette = np.zeros((256, 4), np.uint8)
        self.credits = ""

    def read(self) -> LayeredSprite:
        _, magic, count, self.width, self.height, self.depth, self.flags = self.file.take("IHHHHHI")
        if magic != FILE_MAGIC or self.depth not in CHANNELS:
            raise UserError(f"{self.path}: is not a file of Aseprite")
        check_frames(self.path, count, (self.width, self.height))
        self.transparent = self.file.content[28] if len(self.file.content) > HEADER else 0
        self.file.at = HEADER
        durations = [self._read_frame(frame) for frame in range(count)]
        if not durations or not self.layers:
            raise UserError(f"{self.path}: has no frames or no layers")
        shown = {index: layer for index, layer in enumerate(self.layers) if layer.is_shown and layer.kind != GROUP}
        check_frames(self.path, count * max(1, len(shown)), (self.width, self.height))
        empty = np.zeros((self.height, self.width, 4), np.uint8)
        layers = [
            NamedLayer(
                layer.name,
                [self.cels.get((index, frame), empty) for frame in range(count)],
                layer.blend,
                [self.lifts.get((index, frame), 0) for frame in range(count)],
            )
            for index, layer in shown.items()
        ]
        if not layers:
            raise UserError(f"{self.path}: all layers are hidden")
        return LayeredSprite(layers, tuple(durations), tuple(self.tags), self.credits)

    def _read_frame(self, frame: int) -> int:
        magic, old, duration, _, new = self.file.take("4xHHH2sI")
        if magic != FRAME_MAGIC:
            raise ValueError(f"frame {frame} does not begin where it should")
        for kind, chunk in self._chunks(new or old):
            if kind == LAYER and frame == 0:
                self._read_layer(chunk)
            elif kind == CEL:
                self._read_cel(chunk, frame)
            elif kind == PALETTE:
                self._read_palette(chunk)
            elif kind == OLD_PALETTE and not self.palette.any():
                self._read_old_palette(chunk)
            elif kind == TAGS:
                self._read_tags(chunk)
            elif kind == USER_DATA and not self.layers and chunk.number("I") & 1:
                self.credits = chunk.text()
        return duration

    def _chunks(self, count: int) -> Iterator[tuple[int, _Bytes]]:
        for _ in range(count):
            size, kind = self.file.take("IH")
            yield kind, _Bytes(self.file.raw(size - CHUNK_HEADER))

    def _read_layer(self, chunk: _Bytes) -> None:
        flags, kind, level, _, _, blend, opacity = chunk.take("HHHHHHB")
        chunk.raw(3)
        name = chunk.text()
        if kind == TILEMAP:
            raise UserError(f"{self.path}: layer {name!r} is a tilemap; convert it to a layer of pixels")
        if len(self.layers) >= MAX_LAYERS:
            raise UserError(f"{self.path}: has more than {MAX_LAYERS} layers")
        del self.groups[level:]
        counts = self.flags & (GROUPS_HAVE_OPACITY if kind == GROUP else HAS_OPACITY)
        share = opacity / 255 if counts else 1.0
        layer = _Layer(
            name="/".join([*(group.name for group in self.groups[-1:]), name]),
            kind=kind,
            is_shown=bool(flags & VISIBLE) and not flags & REFERENCE and all(group.is_shown for group in self.groups),
            is_background=bool(flags & BACKGROUND),
            opacity=share * (self.groups[-1].opacity if self.groups else 1.0),
            blend=MODES[blend],
        )
        if kind == GROUP:
            self.groups.append(layer)
        self.layers.append(layer)

    def _read_cel(self, chunk: _Bytes, frame: int) -> None:
        index, left, top, opacity, kind, lift = chunk.take("HhhBHh")
        chunk.raw(5)
        layer = self.layers[index]
        if not layer.is_shown:
            return
        self.lifts[index, frame] = lift
        if kind == LINKED:
            self.cels[index, frame] = self.cels[index, chunk.number("H")]
            return
        if kind not in (RAW, COMPRESSED):
            raise UserError(f"{self.path}: layer {layer.name!r} has a cel of a kind that is not read")
        width, height = chunk.take("HH")
        check_frames(self.path, 1, (max(width, self.width), max(height, self.height)))
        length = width * height * CHANNELS[self.depth]
        rest = chunk.raw(len(chunk.content) - chunk.at)
        pixels = zlib.decompressobj().decompress(rest, length) if kind == COMPRESSED else rest[:length]
        values = np.frombuffer(pixels, np.uint8).reshape(height, width, -1) if length else None
        if values is None or values.shape[2] != CHANNELS[self.depth]:
            raise ValueError(f"a cel of frame {frame} lacks pixels")
        rgba = self._as_rgba(values, layer.is_background)
        rgba[..., 3] = (rgba[..., 3] * (opacity / 255 * layer.opacity)).round()
        self.cels[index, frame] = self._on_canvas(rgba, left, top)
        if len(self.cels) * self.width * self.height > 8 * MAX_BYTES:
            raise UserError(f"{self.path}: its layers and frames are too large together")

    def _as_rgba(self, values: np.ndarray, is_background: bool) -> np.ndarray:
        if self.depth == 32:
            return values.copy()
        if self.depth == 16:
            return values[..., [0, 0, 0, 1]].copy()
        rgba = self.palette[values[..., 0]]
        if not is_background:
            rgba[values[..., 0] == self.transparent] = 0
        return rgba

    def _on_canvas(self, rgba: np.ndarray, left: int, top: int) -> np.ndarray:
        canvas = np.zeros((self.height, self.width, 4), np.uint8)
        right, bottom = min(left + rgba.shape[1], self.width), min(top + rgba.shape[0], self.height)
        if right > max(left, 0) and bottom > max(top, 0):
            canvas[max(top, 0) : bottom, max(left, 0) : right] = rgba[
                max(-top, 0) : bottom - top, max(-left, 0) : right - left
            ]
        return canvas

    def _read_palette(self, chunk: _Bytes) -> None:
        _, first, last = chunk.take("III")
        chunk.raw(8)
        for index in range(first, min(last, 255) + 1):
            flags, *colour = chunk.take("HBBBB")
            self.palette[index] = colour
            if flags & 1:
                chunk.text()

    def _read_old_palette(self, chunk: _Bytes) -> None:
        index = 0
        for _ in range(chunk.number("H")):
            skip, count = chunk.take("BB")
            index += skip
            for _ in range(count or 256):
                self.palette[index] = (*chunk.take("BBB"), 255)
                index += 1

    def _read_tags(self, chunk: _Bytes) -> None:
        count = chunk.number("H")
        chunk.raw(8)
        for _ in range(count):
            first, last = chunk.take("HH")
            chunk.raw(13)
            self.tags.append(FrameTag(chunk.text(), first, last))


# ---- writing ----


def aseprite_bytes(sprite: LayeredSprite) -> bytes:
    """Return a sprite as the content of an RGBA file; the credits become the sprite's user data."""
    height, width = sprite.layers[0].frames[0].shape[:2]
    frames = b"".join(_frame(sprite, frame) for frame in range(len(sprite.durations_ms)))
    head = struct.pack("<HHHHHIHII", FILE_MAGIC, len(sprite.durations_ms), width, height, 32, 1, 100, 0, 0)
    head += struct.pack("<B3xHBBhhHH", 0, 0, 1, 1, 0, 0, 16, 16)
    head = struct.pack("<I", HEADER + len(frames)) + head
    return head.ljust(HEADER, b"\0") + frames


def _frame(sprite: LayeredSprite, frame: int) -> bytes:
    chunks = _first_chunks(sprite) if frame == 0 else []
    for index, layer in enumerate(sprite.layers):
        rgba = layer.frames[frame]
        rows, columns = (np.flatnonzero(rgba[..., 3].any(axis=axis)) for axis in (1, 0))
        if rows.size:
            part = rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            head = struct.pack("<HhhBHh5x", index, columns[0], rows[0], 255, COMPRESSED, 0)
            sides = struct.pack("<HH", part.shape[1], part.shape[0])
            chunks.append(_chunk(CEL, head + sides + zlib.compress(part.tobytes())))
    body = b"".join(chunks)
    count = len(chunks)
    head = struct.pack("<HHH2xI", FRAME_MAGIC, min(count, 0xFFFF), min(sprite.durations_ms[frame], 0xFFFF), count)
    return struct.pack("<I", FRAME_HEADER + len(body)) + head + body


def _first_chunks(sprite: LayeredSprite) -> list[bytes]:
    chunks = [_chunk(USER_DATA, struct.pack("<I", 1) + _text(sprite.credits))] if sprite.credits else []
    for layer in sprite.layers:
        chunks.append(_chunk(LAYER, struct.pack("<HHHHHHB3x", 3, 0, 0, 0, 0, 0, 255) + _text(layer.name)))
    if sprite.tags:
        tags = [struct.pack("<HHB12x", tag.first, tag.last, 0) + _text(tag.name) for tag in sprite.tags]
        chunks.append(_chunk(TAGS, struct.pack("<H8x", len(tags)) + b"".join(tags)))
    return chunks


def _chunk(kind: int, content: bytes) -> bytes:
    return struct.pack("<IH", CHUNK_HEADER + len(content), kind) + content


def _text(text: str) -> bytes:
    content = text.encode()[:0xFFFF]
    return struct.pack("<H", len(content)) + content
