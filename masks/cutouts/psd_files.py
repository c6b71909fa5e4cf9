"""Photoshop files (.psd), written: a group for each frame, whose layers have the sprite's names; the first is shown.

After "Adobe Photoshop File Formats Specification", https://www.adobe.com/devnet-apps/photoshop/fileformatashtml/. Rows
are packed by PackBits, which every reader knows. Durations stand in the groups' names, as the layers have no timeline.
Credits become the rights of the XMP metadata.
"""

import functools
import struct
from xml.sax.saxutils import escape

import numpy as np

from common.alpha import around
from masks.sheets.layered_sprites import LayeredSprite

RGB, DEPTH, PACKBITS = 3, 8, 1
XMP_RESOURCE = 1060
HIDDEN = 2  # flag of a layer
GROUP_TOP, GROUP_END = 2, 3  # kinds of section divider: a closed group, and the hidden layer that ends it
CHANNELS = (0, 1, 2, -1)  # red, green, blue, transparency
LONGEST = 128  # bytes of a packed run


def psd_bytes(sprite: LayeredSprite) -> bytes:
    """Return a sprite as the content of a Photoshop file."""
    height, width = sprite.layers[0].frames[0].shape[:2]
    records, pixels = [], []
    for frame in reversed(range(len(sprite.durations_ms))):  # the lowest comes first
        is_hidden = frame > 0
        records.append(_record("</Layer group>", section=GROUP_END))
        pixels.append(_NO_PIXELS)
        for layer in sprite.layers:
            rgba = layer.frames[frame]
            rows, columns = around(rgba[..., 3] > 0, 0) if rgba[..., 3].any() else (slice(0, 0), slice(0, 0))
            channels = [_packed(rgba[rows, columns, channel]) for channel in range(4)]
            records.append(_record(layer.name, (rows, columns), [len(data) for data in channels]))
            pixels.append(b"".join(channels))
        name = f"frame {frame}, {sprite.durations_ms[frame]} ms"
        records.append(_record(name, section=GROUP_TOP, is_hidden=is_hidden))
        pixels.append(_NO_PIXELS)
    layers = struct.pack(">h", -len(records)) + b"".join(records) + b"".join(pixels)  # negative: alpha is transparency
    layers += b"\0" * (len(layers) % 2)
    info = struct.pack(">I", len(layers)) + layers + struct.pack(">I", 0)
    content = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 4, height, width, DEPTH, RGB)
    content += struct.pack(">I", 0) + _sized(_resources(sprite.credits)) + _sized(info)
    return content + _merged(sprite.flat(0))


def _record(
    name: str,
    place: tuple[slice, slice] = (slice(0, 0), slice(0, 0)),
    lengths: list[int] | None = None,
    *,
    section: int | None = None,
    is_hidden: bool = False,
) -> bytes:
    """Return what stands of a layer, or of one end of a group, before the pixels of all."""
    rows, columns = place
    channels = zip(CHANNELS, lengths or [2] * 4, strict=True)
    more = _block(b"luni", struct.pack(">I", len(name.encode("utf-16-be")) // 2) + name.encode("utf-16-be"))
    if section is not None:
        more += _block(b"lsct", struct.pack(">I4s4s", section, b"8BIM", b"pass" if section == GROUP_TOP else b"norm"))
    short = name.encode("mac_roman", "replace")[:255]
    extra = struct.pack(">II", 0, 0) + _padded(bytes([len(short)]) + short, 4) + more
    head = struct.pack(">IIIIH", rows.start, columns.start, rows.stop, columns.stop, 4)
    head += b"".join(struct.pack(">hI", *channel) for channel in channels)
    blend = b"pass" if section == GROUP_TOP else b"norm"
    return head + struct.pack(">4s4sBBBx", b"8BIM", blend, 255, 0, HIDDEN * is_hidden) + _sized(extra)


def _resources(credits_text: str) -> bytes:
    if not credits_text:
        return b""
    rights = f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(credits_text)}</rdf:li></rdf:Alt>'
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:rights>{rights}</dc:rights></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
    return struct.pack(">4sHxxI", b"8BIM", XMP_RESOURCE, len(xmp)) + _padded(xmp, 2)


def _merged(rgba: np.ndarray) -> bytes:
    """Return the picture that programs show which read no layers: all channels, their row lengths first."""
    rows = [_packed_row(row.tobytes()) for channel in np.moveaxis(rgba, 2, 0) for row in channel]
    return struct.pack(">H", PACKBITS) + _lengths(rows) + b"".join(rows)


def _packed(channel: np.ndarray) -> bytes:
    """Return a channel, (h, w) uint8, with its compression."""
    rows = [_packed_row(row.tobytes()) for row in channel]
    return struct.pack(">H", PACKBITS) + _lengths(rows) + b"".join(rows)


def _lengths(rows: list[bytes]) -> bytes:
    return struct.pack(f">{len(rows)}H", *map(len, rows))


@functools.lru_cache(maxsize=4096)  # rows of enlarged pixel art recur
def _packed_row(row: bytes) -> bytes:
    """Pack one row by PackBits: runs of one byte, and stretches of other bytes."""
    values = np.frombuffer(row, np.uint8)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    packed, plain = bytearray(), bytearray()

    def put_plain() -> None:
        for at in range(0, len(plain), LONGEST):
            piece = plain[at : at + LONGEST]
            packed.append(len(piece) - 1)
            packed.extend(piece)
        plain.clear()

    for start, end in zip(starts, np.r_[starts[1:], len(values)], strict=True):
        count = int(end - start)
        if count < 3:
            plain.extend(row[start:end])
            continue
        put_plain()
        for _ in range(count // LONGEST):
            packed += bytes((257 - LONGEST, row[start]))
        if rest := count % LONGEST:
            packed += bytes((257 - rest, row[start])) if rest > 1 else bytes((0, row[start]))
    put_plain()
    return bytes(packed)


def _block(key: bytes, content: bytes) -> bytes:
    return b"8BIM" + key + _sized(_padded(content, 4))


def _sized(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _padded(content: bytes, to: int) -> bytes:
    return content + b"\0" * (-len(content) % to)


_NO_PIXELS = struct.pack(">H", 0) * 4
