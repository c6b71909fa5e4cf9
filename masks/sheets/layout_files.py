"""Layouts of sprite sheets as JSON: Aseprite's and TexturePacker's files, and the record beside cut frames.

Aseprite and TexturePacker write the same two forms: "frames" is an object by name (hash) or a list with "filename"
(array), which TexturePacker's form for Phaser 3 puts into "textures". Each frame has its rectangle on the sheet,
whether it is rotated, and the border that was trimmed off. The record, `sheet.json`, is what step 1 needs to join
frames again:

    {"scale": 8, "sheets": [{"name": "walk", "grid": {"columns": 9, ...} or null,
                             "base": LAYOUT, "clothed": LAYOUT}, ...]}

A LAYOUT has the array form, with the frames' numbers as names and rectangles in px of the sheet; `scale` is the factor
by which the frames were enlarged.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import no_file, write_text
from masks.sheets.cells import Cell, SheetLayout, SheetPair, SheetRecord
from masks.sheets.grid_finder import MAX_FRAMES, MAX_SIDE_PX, Grid

RECORD = "sheet.json"
MAX_SHEET_PX = 65_536  # largest side of a sheet
MAX_BYTES = 32_000_000
MAX_MEGAPIXELS = 640  # limit for all frames of a sheet together, with their trimmed borders
KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a whole number"}


def read_layout(path: Path, sheet_size: tuple[int, int]) -> SheetLayout:
    """Read the layout in a JSON file of Aseprite or TexturePacker.

    Args:
        path: the file.
        sheet_size: width and height in px of the sheet that it must fit.

    Raises:
        UserError: the file cannot be read or is not such a file, or frames lie outside the sheet.
    """
    content = _first_texture(_read_json(path), str(path))
    meta = content.get("meta")
    if isinstance(meta, dict) and "size" in meta:
        own = _size(meta, "size", f"{path}: meta.", MAX_SHEET_PX)
        if own != sheet_size:
            sizes = f"{own[0]} x {own[1]} px, but the sheet is {sheet_size[0]} x {sheet_size[1]} px"
            raise UserError(f"{path}: made for a sheet of {sizes}")
    return _parse_layout(content, str(path), sheet_size)


def _first_texture(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the layout in TexturePacker's form for Phaser 3, which lists textures; other forms as they are.

    Raises:
        UserError: there is not exactly one texture.
    """
    if "textures" not in content or "frames" in content:
        return content
    textures = _get(content, "textures", list, f"{where}: ")
    if len(textures) != 1:
        raise UserError(f"{where}: textures: has {len(textures)}; pack the frames into one sheet")
    texture = textures[0]
    if not isinstance(texture, dict):
        raise UserError(f"{where}: textures[0]: must be an object")
    return {**texture, "meta": {"size": texture["size"]}} if "size" in texture else texture


def write_record(folder: Path, record: SheetRecord) -> None:
    """Write the record of how the frames in a folder were cut, atomically."""
    sheets = [
        {
            "name": pair.name,
            "grid": pair.grid and dataclasses.asdict(pair.grid),
            "base": _layout_as_json(pair.base),
            "clothed": _layout_as_json(pair.clothed),
        }
        for pair in record.sheets
    ]
    write_text(folder / RECORD, json.dumps({"scale": record.scale, "sheets": sheets}, indent=1) + "\n")


def read_record(folder: Path) -> SheetRecord | None:
    """Read the record of how the frames in a folder were cut; None if there is none.

    Raises:
        UserError: the record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    content = _read_json(path)
    entries = _get(content, "sheets", list, f"{path}: ")
    pairs = [_parse_pair(entry, f"{path}: sheets[{place}].") for place, entry in enumerate(entries)]
    return SheetRecord(_number(content, "scale", f"{path}: ", 1, MAX_SIDE_PX), pairs)


# ---- from JSON ----


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: {no_file(path, 'a JSON file')}")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES / 1e6:.0f} MB, no layout of a sheet")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold an object with 'frames', as Aseprite and TexturePacker write it")
    return content


def _parse_pair(entry: Any, where: str) -> SheetPair:
    """Parse one entry of the record; `where` ends in the dot or colon before a key's name."""
    name = _get(entry, "name", str, where)
    if not name or set(name) & set("/\\:") or name.startswith("."):
        raise UserError(f"{where}name: must be the plain name of a file, not {name[:40]!r}")
    base, clothed = (_parse_own_layout(entry, key, where) for key in ("base", "clothed"))
    if base.cells.keys() != clothed.cells.keys() or not all(map(str.isdecimal, base.cells)):
        raise UserError(f"{where}clothed: must have the same frames as base, named by numbers")
    if entry.get("grid") is None:
        return SheetPair(name, base, clothed)
    content = _get(entry, "grid", dict, where)
    names = [field.name for field in dataclasses.fields(Grid)]
    sides = [_number(content, name, f"{where}grid.", 0, MAX_SIDE_PX) for name in names]
    return SheetPair(name, base, clothed, Grid(*sides))


def _parse_own_layout(entry: Any, key: str, where: str) -> SheetLayout:
    content = _get(entry, key, dict, where)
    meta = _get(content, "meta", dict, f"{where}{key}.")
    return _parse_layout(content, f"{where}{key}", _size(meta, "size", f"{where}{key}.meta.", MAX_SHEET_PX))


def _parse_layout(content: dict[str, Any], where: str, sheet_size: tuple[int, int]) -> SheetLayout:
    frames = content.get("frames")
    if isinstance(frames, list):
        places = [(f"{where}: frames[{place}]", entry) for place, entry in enumerate(frames)]
        named = [(place, _get(entry, "filename", str, f"{place}."), entry) for place, entry in places]
    else:
        by_name = _get(content, "frames", dict, f"{where}: ")
        named = [(f"{where}: frames[{name!r}]", name, entry) for name, entry in by_name.items()]
    if not 0 < len(named) <= MAX_FRAMES:
        raise UserError(f"{where}: has {len(named)} frames; it must have 1 to {MAX_FRAMES}")
    cells = {name: _parse_cell(entry, f"{place}.", sheet_size) for place, name, entry in named}
    if len(cells) < len(named):
        raise UserError(f"{where}: two frames have the same filename")
    if sum(cell.frame_width * cell.frame_height for cell in cells.values()) > MAX_MEGAPIXELS * 1e6:
        raise UserError(f"{where}: its frames have more than {MAX_MEGAPIXELS} megapixels together")
    return SheetLayout(*sheet_size, cells)


def _parse_cell(entry: Any, where: str, sheet_size: tuple[int, int]) -> Cell:
    """Parse one frame. TexturePacker gives the upright size of a rotated frame, other packers that on the sheet."""
    left, top, *size = _box(entry, "frame", where)
    rotated = "rotated" in entry and _get(entry, "rotated", bool, where)
    inset = _box(entry, "spriteSourceSize", where) if "spriteSourceSize" in entry else (0, 0, *size)
    upright = list(inset[2:])
    if upright != size and not (rotated and upright == size[::-1]):
        raise UserError(f"{where}frame: its size, {size[0]} x {size[1]} px, is not that of spriteSourceSize")
    width, height = upright[::-1] if rotated else upright
    if left + width > sheet_size[0] or top + height > sheet_size[1]:
        place = f"{width} x {height} px at ({left}, {top})"
        raise UserError(f"{where}frame: {place}, is outside the sheet of {sheet_size[0]} x {sheet_size[1]} px")
    whole = max(upright[0], 1), max(upright[1], 1)
    if "sourceSize" in entry:
        whole = _size(entry, "sourceSize", where, MAX_SIDE_PX)
    if inset[0] + upright[0] > whole[0] or inset[1] + upright[1] > whole[1]:
        raise UserError(f"{where}spriteSourceSize: lies outside sourceSize, {whole[0]} x {whole[1]} px")
    return Cell(left, top, width, height, whole[0], whole[1], inset[0], inset[1], rotated)


def _box(parent: Any, key: str, where: str) -> tuple[int, int, int, int]:
    content = _get(parent, key, dict, where)
    left, top, width, height = (_number(content, side, f"{where}{key}.", 0, MAX_SHEET_PX) for side in "xywh")
    return left, top, width, height


def _size(parent: Any, key: str, where: str, most: int) -> tuple[int, int]:
    content = _get(parent, key, dict, where)
    width, height = (_number(content, side, f"{where}{key}.", 1, most) for side in "wh")
    return width, height


def _number(parent: Any, key: str, where: str, low: int, high: int) -> int:
    value = _get(parent, key, int, where)
    if not low <= value <= high:
        raise UserError(f"{where}{key}: is {value}; it must be from {low} to {high}")
    return value


def _get(parent: Any, key: str, kind: type, where: str) -> Any:
    """Return the value of a key, checked to be of a type; whole numbers may be written as 8.0."""
    if not isinstance(parent, dict):
        raise UserError(f"{where.rstrip('.: ')}: must be an object")
    if key not in parent:
        raise UserError(f"{where}{key}: is missing")
    value = parent[key]
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UserError(f"{where}{key}: must be {KINDS[kind]}, not {str(value)[:40]!r}")
    return value


# ---- to JSON ----


def _layout_as_json(layout: SheetLayout) -> dict[str, object]:
    frames = []
    for number, cell in layout.cells.items():
        width, height = (cell.height, cell.width) if cell.rotated else (cell.width, cell.height)
        frames.append(
            {
                "filename": number,
                "frame": {"x": cell.left, "y": cell.top, "w": width, "h": height},
                "rotated": cell.rotated,
                "spriteSourceSize": {"x": cell.inset_left, "y": cell.inset_top, "w": width, "h": height},
                "sourceSize": {"w": cell.frame_width, "h": cell.frame_height},
            }
        )
    return {"frames": frames, "meta": {"size": {"w": layout.width, "h": layout.height}}}
