"""Bodies and clothes as layers that other programs open.

Aseprite (.aseprite), OpenRaster (.ora), Photoshop (.psd), one sheet a layer for game engines, and animated previews.
"""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import file_stem, read_plain, sha256_of, write_bytes, write_text
from common.images import png_bytes, read_image
from masks.cutouts.psd_files import psd_bytes
from masks.garments.garment_splitting import SpriteGarment, hidden_pieces, seen_pieces
from masks.sets.pairs import MaskedFrame
from masks.sheets.aseprite_files import aseprite_bytes
from masks.sheets.frame_sources import FrameSource
from masks.sheets.layered_sprites import LayeredSprite, NamedLayer
from masks.sheets.sheet_limits import check_frames
from masks.sheets.sheet_pictures import DEFAULT_MS, frames_as_sheet, read_sheet

LayerFormat = Literal["ase", "ora", "psd", "sheet", "gif", "webp"]
HIDDEN = "{} (hidden, guessed)"  # name of the layer with what other garments hide
LEAST_HIDDEN = 0.05  # of a garment's pixels; less is not exported
EXPORTED = ".exported.json"  # SHA-256 of what was exported, by which files that a person changed are known
THUMBNAIL_PX = 256  # longest side allowed by OpenRaster


def clothes_as_layers(
    sources: Sequence[FrameSource],
    cutouts: Sequence[Path],
    masks: Sequence[np.ndarray],
    garments: Sequence[SpriteGarment] | None,
) -> LayeredSprite:
    """Return the base frames as the layer `body`, and the cut-outs over it: as `clothing`, or one layer a garment.

    What other garments hide of a garment is guessed and lies in a layer of its own, below all that is seen. Durations,
    tags and credits are those of the clothed sheet, if it is an animation of exactly these frames.

    Args:
        sources: the pairs.
        cutouts: the cut-out of each.
        masks: (H, W) bool mask of each.
        garments: garments in which the clothing is split; those left out are no layers. None: it is not split.

    Raises:
        UserError: frames differ in size, are too large together, or cannot be read.
    """
    shown = [g for g in garments or () if not g.is_left_out]
    bodies: list[np.ndarray] = []
    seen: dict[str, list[np.ndarray]] = {g.name: [] for g in shown} if garments is not None else {"clothing": []}
    hidden: dict[str, list[np.ndarray]] = {name: [] for name in seen}
    for source, cutout, mask in zip(sources, cutouts, masks, strict=True):
        base, clothed = source.read()
        clothes = np.asarray(read_image(cutout))
        bodies.append(base)
        if base.shape != bodies[0].shape or clothes.shape != bodies[0].shape:
            raise UserError(
                f"{source.label}: differs in size from the first frame; layers need one size, leave EXPORT out"
            )
        check_frames(cutout, (1 + 2 * len(seen)) * len(sources), (base.shape[1], base.shape[0]))
        if garments is None:
            seen["clothing"].append(clothes)
            continue
        pieces = seen_pieces(garments, MaskedFrame(base, clothed, mask), clothes)
        guesses = hidden_pieces(pieces)
        for garment, piece, guess in zip(garments, pieces, guesses, strict=True):
            if not garment.is_left_out:
                seen[garment.name].append(piece)
                hidden[garment.name].append(guess)
    layers = [NamedLayer("body", bodies)]
    layers += [NamedLayer(HIDDEN.format(name), guess) for name, guess in hidden.items() if _counts(guess, seen[name])]
    layers += [NamedLayer(name, pieces) for name, pieces in seen.items()]
    sheet = read_sheet(sources[0].clothed) if sources[0].cells else None
    if sheet is None or len(sheet.durations_ms) != len(sources):
        return LayeredSprite(layers, (DEFAULT_MS,) * len(sources))
    return LayeredSprite(layers, sheet.durations_ms, sheet.tags, sheet.credits)


def _counts(hidden: Sequence[np.ndarray], seen: Sequence[np.ndarray]) -> bool:
    guessed, drawn = (sum(int(np.count_nonzero(piece[..., 3])) for piece in some) for some in (hidden, seen))
    return guessed > LEAST_HIDDEN * drawn


def export_layers(sprite: LayeredSprite, folder: Path, formats: Sequence[LayerFormat]) -> dict[Path, bool]:
    """Write a sprite in the formats that are named: layers.aseprite, .ora and .psd, layers/, preview.gif and .webp.

    Returns:
        The files, and whether each was written; one that a person changed since it was written stays as it is.

    Raises:
        UserError: the folder cannot be written.
    """
    contents: dict[str, bytes] = {}
    for layer_format in dict.fromkeys(formats):
        contents |= _files_of(layer_format, sprite)
    hashes = _read_hashes(folder / EXPORTED)
    written = {}
    for name, content in contents.items():
        path, new = folder / name, hashlib.sha256(content).hexdigest()
        ours = (hashes.get(name), new)  # the new one of a run that ended before it was noted
        written[path] = not path.exists() or sha256_of(path) in ours
        if written[path]:
            write_bytes(path, content)
            hashes[name] = new
    write_text(folder / EXPORTED, json.dumps(hashes, indent=1, ensure_ascii=False) + "\n")
    return written


def _files_of(name: LayerFormat, sprite: LayeredSprite) -> dict[str, bytes]:
    """Return the content of a format's files by name."""
    if name == "sheet":
        return {f"layers/{file}": content for file, content in sheets_of(sprite).items()}
    file, encode = {
        "ase": ("layers.aseprite", aseprite_bytes),
        "ora": ("layers.ora", openraster_bytes),
        "psd": ("layers.psd", psd_bytes),
        "gif": ("preview.gif", gif_bytes),
        "webp": ("preview.webp", webp_bytes),
    }[name]
    return {file: encode(sprite)}


def _read_hashes(path: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that were exported, by name; a damaged record counts as none."""
    try:
        hashes = json.loads(read_plain(path))
    except (OSError, UserError, ValueError, RecursionError):
        return {}
    return {str(name): str(digest) for name, digest in hashes.items()} if isinstance(hashes, dict) else {}


def openraster_bytes(sprite: LayeredSprite) -> bytes:
    """Return an OpenRaster file: a group for each frame, whose layers have the sprite's names; the first one is shown.

    After https://www.openraster.org/baseline/. Durations stand in the groups' names, as the format has no animation.
    """
    height, width = sprite.layers[0].frames[0].shape[:2]
    image = ElementTree.Element("image", version="0.0.3", w=str(width), h=str(height))
    root = ElementTree.SubElement(image, "stack")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed, mimetype must not be
        archive.writestr(_entry("mimetype"), "image/openraster")
        for frame, duration in enumerate(sprite.durations_ms):
            shown = "visible" if frame == 0 else "hidden"
            group = ElementTree.SubElement(root, "stack", name=f"frame {frame}, {duration} ms", visibility=shown)
            for index, layer in reversed(list(enumerate(sprite.layers))):  # the uppermost comes first
                source = f"data/{frame:04d}_{index:02d}.png"
                archive.writestr(_entry(source), png_bytes(Image.fromarray(layer.frames[frame])))
                ElementTree.SubElement(group, "layer", name=layer.name, src=source, x="0", y="0")
        archive.writestr(_entry("stack.xml"), ElementTree.tostring(image, "utf-8", xml_declaration=True))
        merged = Image.fromarray(sprite.flat(0))
        archive.writestr(_entry("mergedimage.png"), png_bytes(merged))
        merged.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        archive.writestr(_entry("Thumbnails/thumbnail.png"), png_bytes(merged))
        if sprite.credits:
            archive.writestr(_entry("CREDITS.txt"), sprite.credits)
    return content.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Return a member without the time of day, so that the same sprite gives the same file."""
    return zipfile.ZipInfo(name)


def webp_bytes(sprite: LayeredSprite) -> bytes:
    """Return the frames with all layers as an animated WebP, without loss."""
    frames = [Image.fromarray(sprite.flat(frame)) for frame in range(len(sprite.durations_ms))]
    return _animation(frames, sprite, "WEBP", lossless=True)


def gif_bytes(sprite: LayeredSprite) -> bytes:
    """Return the frames with all layers as a GIF; it has neither half transparent pixels nor more than 255 colours."""
    frames = []
    for frame in range(len(sprite.durations_ms)):
        rgba = sprite.flat(frame).copy()
        rgba[..., 3] = np.where(rgba[..., 3] > 127, 255, 0)
        frames.append(Image.fromarray(rgba))
    return _animation(frames, sprite, "GIF", disposal=2)


def _animation(frames: list[Image.Image], sprite: LayeredSprite, name: str, **options: Any) -> bytes:
    content = io.BytesIO()
    durations = list(sprite.durations_ms)
    frames[0].save(content, name, save_all=True, append_images=frames[1:], duration=durations, loop=0, **options)
    return content.getvalue()


def sheets_of(sprite: LayeredSprite) -> dict[str, bytes]:
    """Return one sheet a layer, all in the same grid, and layers.json in the form of Aseprite's JSON array, by name.

    The JSON has the place and duration of each frame, the tags, the layers in drawing order with their files, and the
    credits.
    """
    height, width = sprite.layers[0].frames[0].shape[:2]
    columns = math.ceil(math.sqrt(len(sprite.durations_ms)))
    stems: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for layer in sprite.layers:
        stem = file_stem(layer.name)
        stems[layer.name] = stem if stem.casefold() not in map(str.casefold, stems.values()) else f"{stem}_{len(stems)}"
        sheet = frames_as_sheet([np.asarray(frame) for frame in layer.frames], sprite.durations_ms).pixels
        files[f"{stems[layer.name]}.png"] = png_bytes(Image.fromarray(sheet))
    frames = [
        {
            "filename": f"{place}",
            "frame": {"x": place % columns * width, "y": place // columns * height, "w": width, "h": height},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": {"x": 0, "y": 0, "w": width, "h": height},
            "sourceSize": {"w": width, "h": height},
            "duration": duration,
        }
        for place, duration in enumerate(sprite.durations_ms)
    ]
    rows = -(-len(frames) // columns)
    meta = {
        "size": {"w": columns * width, "h": rows * height},
        "scale": "1",
        "format": "RGBA8888",
        "frameTags": [{"name": t.name, "from": t.first, "to": t.last, "direction": "forward"} for t in sprite.tags],
        "layers": [{"name": name, "image": f"{stem}.png"} for name, stem in stems.items()],
        "credits": sprite.credits,
    }
    content = json.dumps({"frames": frames, "meta": meta}, indent=1, ensure_ascii=False) + "\n"
    return files | {"layers.json": content.encode()}
