"""Cut-outs painted over other bodies in the same poses, frame by frame.

A picture in the output that no run has signed was made or changed by a person: it stays, and sheets show it.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.grids import evenly, picture_grid
from common.images import png_bytes, read_image
from common.paths import resolved
from masks.cutouts.fitting import fit_to_body
from masks.sets.naming import BASE, CUTOUT, DRESSED, FRAMES, base_name, files_of_kind, numbered_name
from masks.sets.pixel_art import enlarge, find_pixel_size, shifted
from masks.sets.signatures import is_signed, write_signed
from masks.sheets.cells import SheetLayout, SheetPair, SheetRecord, cut_frame, grid_layout, tile
from masks.sheets.grid_finder import REMEDY, GridSettings, find_grid
from masks.sheets.joining import find_numbered, join_frames, plain_record
from masks.sheets.layout_files import read_record

PREVIEW = "preview.png"
SHOWN = 24  # frames on the preview
TILE_PX = 224


@dataclass(frozen=True)
class BareBody:
    """A body without clothes.

    Attributes:
        name: name of its output folder.
        frames: functions that read its frames, (H, W, 4) uint8, by number.
        record: where its dressed frames lie on sheets; None if unknown.
    """

    name: str
    frames: Mapping[str, Callable[[], np.ndarray]]
    record: SheetRecord | None


# ---- one frame ----


def dress(body: np.ndarray, cutout: np.ndarray, offset: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Paint a cut-out over a body; the smaller picture is enlarged to the larger one's size, with hard edges.

    Args:
        body: (H, W, 4) uint8.
        cutout: (h, w, 4) uint8, the clothes alone; of the same size, or larger or smaller by a whole factor.
        offset: art pixels (px in smooth art) to move the clothes right and down.

    Returns:
        (H, W, 4) uint8 of the larger size.

    Raises:
        UserError: the sizes do not differ by a whole factor.
    """
    body, cutout = same_size(body, cutout)
    if any(offset):
        art_px = find_pixel_size([body, cutout])
        cutout = shifted(cutout, offset[1] * art_px, offset[0] * art_px)
    # Pillow weighs colours by alpha, so that colours hidden under transparency draw no halo around soft edges.
    return np.asarray(Image.alpha_composite(Image.fromarray(body), Image.fromarray(cutout)))


def same_size(body: np.ndarray, cutout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both pictures at the larger one's size; see `dress`."""
    large, small = (body, cutout) if body.shape[0] >= cutout.shape[0] else (cutout, body)
    factor = large.shape[0] // small.shape[0]
    if large.shape[:2] != (small.shape[0] * factor, small.shape[1] * factor):
        sizes = f"{cutout.shape[1]} x {cutout.shape[0]} px, the body {body.shape[1]} x {body.shape[0]}"
        raise UserError(f"the cut-out is {sizes}; one must be a whole number of times as large as the other")
    return (enlarge(body, factor), cutout) if large is cutout else (body, enlarge(cutout, factor))


# ---- what there is ----


def find_cutouts(folder: Path) -> dict[str, Path]:
    """Return the cut-outs in a folder, by number.

    Raises:
        UserError: the folder is missing or has no cut-outs.
    """
    files = find_numbered(folder).get(CUTOUT)
    if files is None:
        raise UserError(f"{folder}: no cut-outs in this folder; they are named {CUTOUT}_00.png")
    return files


def find_bases(training_data: Path) -> dict[str, Path]:
    """Return the base frames of a training folder, by number: the bodies that the cut-outs were cut from.

    Raises:
        UserError: there are none.
    """
    files = files_of_kind(training_data / FRAMES, BASE)
    if not files:
        raise UserError(f"{training_data / FRAMES}: no base frames; FIT needs those of step 1 in TRAINING_DATA")
    return files


def open_bodies(
    paths: Sequence[Path], training_data: Path, grid: GridSettings, cutouts: Mapping[str, Path], *, fits: bool = False
) -> list[BareBody]:
    """Open the bodies that the settings name; sheets are read at once, frames in folders later.

    Args:
        paths: folders of base_frame_XX.png, or sheets.
        training_data: its frames/sheet.json gives the layout of sheets, and of folders without a sheet.json.
        grid: grid of bodies that are sheets; if nothing is given, that of sheet.json, or else a detected one.
        cutouts: cut-outs by number.
        fits: whether bodies may have frames and sheets of other sizes.

    Raises:
        UserError: bodies cannot be used (listed together).
    """
    if not paths:
        raise UserError("setting BODIES is empty; name folders of base_frame_XX.png, or sheets")
    record = None if fits else read_record(training_data / FRAMES)
    bodies: list[BareBody] = []
    faults: list[str] = []
    for path, name in zip(paths, _names(paths), strict=True):
        try:
            body = _open_folder(path, name, record) if path.is_dir() else _open_sheet(path, name, record, grid, cutouts)
            if not body.frames.keys() & cutouts.keys():
                raise UserError(f"{path}: has no frame with the number of a cut-out ({', '.join([*cutouts][:3])}, ...)")
            bodies.append(body)
        except UserError as error:
            faults.append(str(error))
    raise_faults("", faults)
    return bodies


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a unique folder name for each body; a folder called `frames` is named after its parent."""
    names: list[str] = []
    for path in map(resolved, paths):
        name = path.parent.name if path.name == FRAMES else path.name if path.is_dir() else path.stem
        while name.casefold() in map(str.casefold, names):
            name += "_2"
        names.append(name)
    return names


def _open_folder(path: Path, name: str, record: SheetRecord | None) -> BareBody:
    files = find_numbered(path).get(BASE)
    if files is None:
        raise UserError(f"{path}: no frames of a body in this folder; they are named {base_name('00')}")
    frames = {number: functools.partial(_read, file) for number, file in files.items()}
    return BareBody(name, frames, read_record(path) or record)


def _open_sheet(
    path: Path, name: str, record: SheetRecord | None, grid: GridSettings, cutouts: Mapping[str, Path]
) -> BareBody:
    sheet = _read(path)
    height, width = sheet.shape[:2]
    if record is None or grid.given:
        digits = max(map(len, cutouts))
        found = grid_layout(find_grid([sheet], grid, str(path)), width, height)
        layout = replace(found, cells={place.zfill(digits): cell for place, cell in found.cells.items()})
    else:
        layout = _layout_for(path, record)
        factor = width // layout.width
        if factor < 1 or (width, height) != (layout.width * factor, layout.height * factor):
            own = f"the sheet that the frames were cut from {layout.width} x {layout.height}"
            raise UserError(f"{path}: is {width} x {height} px, but {own}; {REMEDY}")
        layout = layout.times(factor)
    frames = {number: functools.partial(cut_frame, sheet, cell) for number, cell in layout.cells.items()}
    return BareBody(name, frames, SheetRecord(1, [SheetPair(name, layout, layout)]))


def _layout_for(path: Path, record: SheetRecord) -> SheetLayout:
    """Return the layout of the only base sheet, or of the one with the same name."""
    named = [pair for pair in record.sheets if len(record.sheets) == 1 or pair.name == path.stem]
    if not named:
        names = ", ".join(pair.name for pair in record.sheets)
        raise UserError(f"{path}: the frames were cut from several sheets, {names}, and none is called so; {REMEDY}")
    return named[0].base


def _read(path: Path) -> np.ndarray:
    return np.asarray(read_image(path))


def _read_cutout(path: Path) -> np.ndarray:
    cutout = _read(path)
    if (cutout[..., 3] == 255).all():
        raise UserError(f"{path}: has no transparency and would hide the whole body; a cut-out shows clothes alone")
    return cutout


# ---- all frames ----


@dataclass
class DressedBody:
    """The result of dressing one body.

    Attributes:
        frames: files of the dressed frames by number.
        kept: pictures that a person made or changed, or that an earlier version wrote; they stay as they are.
        faults: faults of the other frames by file name.
    """

    frames: dict[str, Path] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path, picture: Image.Image) -> None:
        """Write a picture, unless a person made or changed the one that is there."""
        if not write_signed(path, png_bytes(picture)):
            self.kept.append(path)


def dress_body(
    body: BareBody,
    cutouts: Mapping[str, Path],
    offset: tuple[int, int],
    output: Path,
    bases: Mapping[str, Path] | None = None,
) -> DressedBody:
    """Dress every frame of a body that has a cut-out; also write sheets and a preview.

    Args:
        body: the body to dress.
        cutouts: files by number.
        offset: art pixels (px in smooth art) to move the clothes right and down.
        output: gets frames/dressed_frame_XX.png, dressed_frame_sheet.png and preview.png.
        bases: frames of the body that the cut-outs were cut from, by number, to warp them from; None: as they are.
    """
    result = DressedBody()
    result.faults |= {path.name: "the body has no such frame" for n, path in cutouts.items() if n not in body.frames}
    for number, frame in tqdm(body.frames.items(), desc=f"dressing {body.name}", unit="frame"):
        path = output / FRAMES / numbered_name(DRESSED, number)
        try:
            if number in cutouts:
                result.write(path, Image.fromarray(_dressed(frame(), number, cutouts, bases, offset)))
                result.frames[number] = path
            elif frame()[..., 3].any():  # an empty frame needs no cut-out
                result.faults[base_name(number)] = "has no cut-out"
        except UserError as error:
            result.faults[base_name(number)] = str(error)
    for number, path in files_of_kind(output / FRAMES, DRESSED).items():
        if number not in result.frames and is_signed(path):
            path.unlink()  # of an earlier run
    if result.frames:
        _write_sheets(body, result, output)
        result.write(output / PREVIEW, preview(body, cutouts, result.frames))
    return result


def _dressed(
    body: np.ndarray,
    number: str,
    cutouts: Mapping[str, Path],
    bases: Mapping[str, Path] | None,
    offset: tuple[int, int],
) -> np.ndarray:
    cutout = _read_cutout(cutouts[number])
    if bases is not None:
        if number not in bases:
            raise UserError("the body that the cut-out was cut from has no such frame")
        base, cutout = same_size(_read(bases[number]), cutout)
        cutout = fit_to_body(cutout, base, body)
    return dress(body, cutout, offset)


def _write_sheets(body: BareBody, result: DressedBody, output: Path) -> None:
    """Join dressed frames into sheets in the layout of the body's frames."""
    record = body.record or plain_record(result.frames, None, 0, 0)
    for pair in record.sheets:
        if not pair.clothed.cells.keys() & result.frames.keys():
            continue
        name = record.sheet_name(DRESSED, pair)
        try:
            sheet, lost = join_frames(result.frames, pair.clothed)
            result.write(output / name, Image.fromarray(sheet))
            result.faults |= {result.frames[n].name: fault for n, fault in lost.items() if n in result.frames}
        except UserError as error:
            result.faults[name] = str(error)


def preview(body: BareBody, cutouts: Mapping[str, Path], dressed: Mapping[str, Path]) -> Image.Image:
    """Draw evenly chosen frames as an RGB picture: the body, the cut-out, and both together."""
    numbers = list(dressed)
    shown = evenly(numbers, SHOWN)
    pictures: list[Callable[[], Image.Image]] = []
    for number in shown:
        pictures.append(functools.partial(_tile, body.frames[number]))
        pictures += [functools.partial(_tile, functools.partial(_read, part[number])) for part in (cutouts, dressed)]
    return picture_grid(
        pictures,
        [f"{number} {what}" for number in shown for what in ("body", "cut-out", "dressed")],
        columns=3 * min(3, len(shown)),
        tile_px=TILE_PX,
        title=f"{body.name}, dressed",
        footer=f"{len(shown)} of {len(numbers)} frames",
    )


def _tile(read: Callable[[], np.ndarray]) -> Image.Image:
    return tile(read(), 2 * TILE_PX)
