"""Bodies and clothes as layers that drawing programs open: Aseprite, OpenRaster (.ora), and an animated WebP."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import write_bytes
from common.images import png_bytes, read_image
from masks.sheets.aseprite_files import write_aseprite
from masks.sheets.frame_sources import FrameSource
from masks.sheets.layered_sprites import LayeredSprite, NamedLayer
from masks.sheets.sheet_limits import check_frames
from masks.sheets.sheet_pictures import DEFAULT_MS, read_sheet

LayerFormat = Literal["ase", "ora", "webp"]
THUMBNAIL_PX = 256  # longest side allowed by OpenRaster


def clothes_as_layers(sources: Sequence[FrameSource], cutouts: Sequence[Path]) -> LayeredSprite:
    """Return the base frames as the layer `body` and the cut-outs as the layer `clothing` over it.

    Durations, tags and credits are those of the clothed sheet, if it is an animation of exactly these frames.

    Args:
        sources: the pairs.
        cutouts: the cut-out of each.

    Raises:
        UserError: frames differ in size, are too large together, or cannot be read.
    """
    bodies: list[np.ndarray] = []
    clothes: list[np.ndarray] = []
    for source, cutout in zip(sources, cutouts, strict=True):
        bodies.append(source.read()[0])
        clothes.append(np.asarray(read_image(cutout)))
        if bodies[-1].shape != bodies[0].shape or clothes[-1].shape != bodies[0].shape:
            raise UserError(
                f"{source.label}: differs in size from the first frame; layers need one size, leave EXPORT out"
            )
        check_frames(cutout, 2 * len(sources), (bodies[0].shape[1], bodies[0].shape[0]))
    layers = [NamedLayer("body", bodies), NamedLayer("clothing", clothes)]
    sheet = read_sheet(sources[0].clothed) if sources[0].cells else None
    if sheet is None or len(sheet.durations_ms) != len(sources):
        return LayeredSprite(layers, (DEFAULT_MS,) * len(sources))
    return LayeredSprite(layers, sheet.durations_ms, sheet.tags, sheet.credits)


def export_layers(sprite: LayeredSprite, folder: Path, formats: tuple[LayerFormat, ...]) -> list[Path]:
    """Write a sprite in the formats that are named, atomically.

    Returns:
        The files written, layers.aseprite, layers.ora and preview.webp.

    Raises:
        UserError: the folder cannot be written.
    """
    writers: Mapping[LayerFormat, tuple[str, Callable[[Path, LayeredSprite], None]]] = {
        "ase": ("layers.aseprite", write_aseprite),
        "ora": ("layers.ora", write_openraster),
        "webp": ("preview.webp", write_preview),
    }
    written = []
    for name in dict.fromkeys(formats):
        file, write = writers[name]
        write(folder / file, sprite)
        written.append(folder / file)
    return written


def write_openraster(path: Path, sprite: LayeredSprite) -> None:
    """Write an OpenRaster file: a group for each frame, whose layers have the sprite's names; the first one is shown.

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
    write_bytes(path, content.getvalue())


def _entry(name: str) -> zipfile.ZipInfo:
    """Return a member without the time of day, so that the same sprite gives the same file."""
    return zipfile.ZipInfo(name)


def write_preview(path: Path, sprite: LayeredSprite) -> None:
    """Write the frames with all layers as an animated WebP, without loss."""
    first, *rest = (Image.fromarray(sprite.flat(frame)) for frame in range(len(sprite.durations_ms)))
    content = io.BytesIO()
    durations = list(sprite.durations_ms)
    first.save(content, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, lossless=True)
    write_bytes(path, content.getvalue())
