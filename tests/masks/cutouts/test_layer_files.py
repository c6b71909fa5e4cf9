"""Exported layers: read again by our reader, by zip and XML alone, by psd-tools, and by Pillow."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from psd_tools import PSDImage

from masks.cutouts.layer_files import LayerFormat, export_layers
from masks.sheets.aseprite_files import read_aseprite
from masks.sheets.layered_sprites import LayeredSprite, NamedLayer
from masks.sheets.layout_files import read_layout
from masks.sheets.sheet_pictures import read_sheet
from tests.masks.sheets.test_aseprite_files import sprite


def test_every_format_holds_the_same_layers(tmp_path: Path) -> None:
    ours = sprite()
    names = [layer.name for layer in ours.layers]
    files = list(export_layers(ours, tmp_path, ("ase", "ora", "webp", "ase")))
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
    both = [export_layers(sprite(), tmp_path / name, ("ase", "ora", "psd", "gif", "webp")) for name in "ab"]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*both, strict=True))


def test_photoshop_files_are_read_by_others(tmp_path: Path) -> None:
    ours = sprite()
    (file,) = export_layers(ours, tmp_path, ("psd",))
    read = PSDImage.open(file)
    groups: list[Any] = list(read)[::-1]  # the uppermost is the last
    assert [group.name for group in groups] == ["frame 0, 80 ms", "frame 1, 120 ms", "frame 2, 60000 ms"]
    assert [group.visible for group in groups] == [True, False, False]
    for frame, group in enumerate(groups):
        for layer, wanted in zip(group, ours.layers, strict=True):
            found = np.zeros_like(wanted.frames[frame])
            found[layer.top : layer.bottom, layer.left : layer.right] = np.asarray(layer.topil())
            assert layer.name == wanted.name and np.array_equal(found, wanted.frames[frame])
    with Image.open(file) as merged:  # Pillow's own reader
        assert np.array_equal(np.asarray(merged), ours.flat(0))
    assert "Ana Núñez, CC0".encode() in file.read_bytes()


def test_an_empty_layer_and_long_rows_are_packed(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = np.repeat(rng.integers(0, 256, (9, 5, 4), np.uint8), 77, axis=1)
    frame[3:6] = rng.integers(0, 256, (3, frame.shape[1], 4), np.uint8)
    frame[..., 3] |= 1
    layers = [NamedLayer("full", [frame]), NamedLayer("empty", [np.zeros_like(frame)])]
    (file,) = export_layers(LayeredSprite(layers, (100,)), tmp_path, ("psd",))
    (group,) = list[Any](PSDImage.open(file))
    full, empty = group
    assert np.array_equal(np.asarray(full.topil()), frame) and empty.bbox == (0, 0, 0, 0)


def test_sheets_lie_in_one_grid_which_the_json_names(tmp_path: Path) -> None:
    ours = sprite()
    folder = tmp_path / "layers"
    assert len(export_layers(ours, tmp_path, ("sheet",))) == 1 + len(ours.layers)
    record = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
    assert [layer["name"] for layer in record["meta"]["layers"]] == [layer.name for layer in ours.layers]
    assert record["meta"]["frameTags"][0] == {"name": "walk", "from": 0, "to": 1, "direction": "forward"}
    assert record["meta"]["credits"] == ours.credits
    assert [frame["duration"] for frame in record["frames"]] == list(ours.durations_ms)
    for layer, wanted in zip(record["meta"]["layers"], ours.layers, strict=True):
        sheet = np.asarray(Image.open(folder / layer["image"]))
        for frame, picture in zip(record["frames"], wanted.frames, strict=True):
            x, y, w, h = frame["frame"].values()
            assert np.array_equal(sheet[y : y + h, x : x + w], picture)
    size = sheet.shape[1], sheet.shape[0]
    assert read_layout(folder / "layers.json", size).cells.keys() == {"0", "1", "2"}  # our own reader takes it


def test_the_gif_moves(tmp_path: Path) -> None:
    ours = sprite()
    (file,) = export_layers(ours, tmp_path, ("gif",))
    preview = read_sheet(file)
    assert preview.durations_ms == ours.durations_ms
    side = ours.flat(0).shape[0]
    found, wanted = preview.pixels[:side, side : 2 * side], ours.flat(1)
    assert np.array_equal(found[..., 3] > 0, wanted[..., 3] > 127)
    assert np.abs(found[found[..., 3] > 0].astype(int) - wanted[found[..., 3] > 0]).max() < 48


def test_what_a_person_changed_is_not_exported_over(tmp_path: Path) -> None:
    formats: tuple[LayerFormat, ...] = ("ase", "sheet")
    first = export_layers(sprite(), tmp_path, formats)
    assert all(first.values()) and all(export_layers(sprite(), tmp_path, formats).values())
    changed = [tmp_path / "layers.aseprite", tmp_path / "layers/Body.png"]
    for path in changed:
        path.write_bytes(path.read_bytes() + b"painted")
    second = export_layers(sprite(), tmp_path, formats)
    assert [path for path, is_written in second.items() if not is_written] == changed
    assert all(path.read_bytes().endswith(b"painted") for path in changed)
    (tmp_path / ".exported.json").write_text("{", encoding="utf-8")
    third = export_layers(sprite(), tmp_path, formats)
    assert [path for path, is_written in third.items() if not is_written] == changed, "the others are what it writes"


def test_an_export_that_was_cut_short_before_its_record_goes_on(tmp_path: Path) -> None:
    export_layers(sprite(), tmp_path, ("ase",))
    (tmp_path / ".exported.json").unlink()
    assert all(export_layers(sprite(), tmp_path, ("ase",)).values())
    assert all(export_layers(sprite(), tmp_path, ("ase",)).values())
