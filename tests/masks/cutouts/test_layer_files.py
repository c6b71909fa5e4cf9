"""Exported layers: read again by our reader, by zip and XML alone, and by Pillow."""

import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from masks.cutouts.layer_files import export_layers
from masks.sheets.aseprite_files import read_aseprite
from masks.sheets.sheet_pictures import read_sheet
from tests.masks.sheets.test_aseprite_files import sprite


def test_every_format_holds_the_same_layers(tmp_path: Path) -> None:
    ours = sprite()
    names = [layer.name for layer in ours.layers]
    files = export_layers(ours, tmp_path, ("ase", "ora", "webp", "ase"))
    assert [file.name for file in files] == ["layers.aseprite", "layers.ora", "preview.webp"]

    read = read_aseprite(files[0])
    assert ([layer.name for layer in read.layers], read.durations_ms, read.tags) == (
        names,
        ours.durations_ms,
        ours.tags,
    )

    with zipfile.ZipFile(files[1]) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"image/openraster"
        assert archive.read("CREDITS.txt").decode() == ours.credits
        groups = list(ElementTree.fromstring(archive.read("stack.xml")).iterfind("stack/stack"))
        assert [group.get("name") for group in groups] == ["frame 0, 80 ms", "frame 1, 120 ms", "frame 2, 60000 ms"]
        for frame, group in enumerate(groups):
            assert [layer.get("name") for layer in group] == names[::-1]
            for layer, wanted in zip(group, reversed(ours.layers), strict=True):
                picture = Image.open(BytesIO(archive.read(layer.get("src", ""))))
                assert np.array_equal(np.asarray(picture), wanted.frames[frame])
        merged = np.asarray(Image.open(BytesIO(archive.read("mergedimage.png"))))
        assert np.array_equal(merged, ours.flat(0))

    preview = read_sheet(files[2])
    assert preview.durations_ms == ours.durations_ms
    side = ours.flat(0).shape[0]
    assert np.array_equal(preview.pixels[:side, side : 2 * side], ours.flat(1))


def test_the_same_sprite_gives_the_same_files(tmp_path: Path) -> None:
    both = [export_layers(sprite(), tmp_path / name, ("ase", "ora", "webp")) for name in "ab"]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*both, strict=True))
