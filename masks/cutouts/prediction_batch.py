"""Step 5 as a batch: a mask and a cut-out for every pair, then contact sheet and sheets."""

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.alpha import on_checks
from common.batches import Batch, Made, Outcome, run_batch
from common.files import sha256_of
from common.grids import evenly, picture_grid
from common.images import png_bytes, read_image, write_png
from masks.cutouts.matting import cut_out
from masks.model.checkpoint_format import load_network
from masks.model.inference import predict_probability
from masks.model.mask_threshold import threshold_mask
from masks.sets.frame_pictures import figure_box, marked, near_tile_size
from masks.sets.naming import CUTOUT, MASK, mask_name, numbered_name
from masks.sets.pairs import MASK_COLOUR, mask_image, read_mask
from masks.sheets.cells import SheetRecord
from masks.sheets.frame_sources import CHUNK, IN_PROCESS, FrameSource, batch_items
from masks.sheets.joining import join_frames

MASKS, CUTOUTS = "masks", "cutouts"  # folders of the output
CONTACT_SHEET = "contact_sheet.png"
METHOD = 1  # increase it when the same frames and weights give other masks or cut-outs
TILE_PX = 256


@dataclass(frozen=True, kw_only=True)
class PredictionOutput:
    """What step 5 writes, and where.

    Attributes:
        folder: gets masks/ and cutouts/.
        cutouts: whether to write cut-outs too.
        compress_level: PNG compression, 0 to 9.
    """

    folder: Path
    cutouts: bool
    compress_level: int

    def mask(self, number: str) -> Path:
        """File of a mask."""
        return self.folder / MASKS / mask_name(number)

    def cutout(self, number: str) -> Path:
        """File of a cut-out."""
        return self.folder / CUTOUTS / numbered_name(CUTOUT, number)


def predict_all(
    sources: Sequence[FrameSource], faults: Mapping[str, str], output: PredictionOutput, checkpoint: Path, workers: int
) -> AbstractContextManager[Outcome[None]]:
    """Predict the pairs that have no up-to-date mask; see `run_batch`.

    Args:
        sources: the pairs.
        faults: faults of other frames, by file name.
        output: what is written.
        checkpoint: weights of the mask model.
        workers: processes.

    Raises:
        UserError: as `run_batch`.
    """
    batch: Batch[FrameSource, None] = Batch(
        folder=output.folder,
        settings={"method": METHOD, "weights": sha256_of(checkpoint), "cutouts": output.cutouts},
        files=(rf"{MASKS}/{MASK}_(\d+)\.png", rf"{CUTOUTS}/{CUTOUT}_(\d+)\.png"),
        overviews=(CONTACT_SHEET.replace(".", r"\."), rf"(?:.+\.)?(?:{MASK}|{CUTOUT})_sheet\.png"),
        set_up=functools.partial(Predictor, checkpoint, output.cutouts, output.compress_level),
        tables=lambda records: None,
        what="predicting",
        unit="pair",
        workers=workers,
        few=IN_PROCESS,
        chunk=CHUNK,
    )
    return run_batch(batch, functools.partial(batch_items, sources, faults))


class Predictor:
    """Predicts the mask of one pair and cuts the clothing out."""

    def __init__(self, checkpoint: Path, cutouts: bool, compress_level: int) -> None:
        self._model, self._device = load_network(checkpoint)
        self._cutouts, self._compress_level = cutouts, compress_level

    def __call__(self, source: FrameSource) -> Made:
        """Return the PNGs of one pair."""
        base, clothed = source.read()
        mask = threshold_mask(predict_probability(self._model, base, clothed, self._device))
        pictures = {f"{MASKS}/{mask_name(source.number)}": mask_image(mask)}
        if self._cutouts:
            cutout = Image.fromarray(cut_out(base, clothed, mask))
            pictures[f"{CUTOUTS}/{numbered_name(CUTOUT, source.number)}"] = cutout
        return Made({file: png_bytes(picture, self._compress_level) for file, picture in pictures.items()})


# ---- overviews ----


def write_overviews(
    sources: Sequence[FrameSource], record: SheetRecord | None, output: PredictionOutput, tiles: int
) -> list[Path]:
    """Write the contact sheet and, for frames from sheets, sheets of masks and cut-outs laid out as the clothed sheet.

    Args:
        sources: pairs with results, at least one.
        record: where the frames lie on sheets, if they do.
        output: where the results are.
        tiles: largest number of pairs on the contact sheet.

    Returns:
        The files.
    """
    written = [output.folder / CONTACT_SHEET]
    write_png(written[0], contact_sheet(sources, output, tiles))
    if record is not None:
        pair = record.sheets[0]
        for kind, file_of in ((MASK, output.mask), (CUTOUT, output.cutout))[: 1 + output.cutouts]:
            sheet, _ = join_frames({source.number: file_of(source.number) for source in sources}, pair.clothed)
            written.append(output.folder / record.sheet_name(kind, pair))
            write_png(written[-1], Image.fromarray(sheet[..., 0] if kind == MASK else sheet))
    return written


def contact_sheet(sources: Sequence[FrameSource], output: PredictionOutput, tiles: int) -> Image.Image:
    """Draw the clothed frame, the mask over it and the cut-out of evenly chosen pairs, as an RGB picture.

    Args:
        sources: pairs with results, at least one.
        output: where the results are.
        tiles: largest number of pairs shown.
    """
    chosen = evenly(sources, tiles)
    views = ("clothed", "mask", "cut-out")[: 2 + output.cutouts]
    tiles_of = functools.lru_cache(maxsize=1)(functools.partial(_tiles, output))  # a pair's tiles are drawn in a row

    def tile(source: FrameSource, place: int) -> Image.Image:
        return tiles_of(source)[place]

    pictures = [functools.partial(tile, source, place) for source in chosen for place in range(len(views))]
    return picture_grid(
        pictures,
        [f"{source.number} {view}" for source in chosen for view in views],
        columns=len(views) * min(len(chosen), math.ceil(math.sqrt(len(chosen) / 2))),
        tile_px=TILE_PX,
        title="Clothing masks and cut-outs" if output.cutouts else "Clothing masks",
        footer=f"{len(chosen)} of {len(sources)} pairs",
    )


def _tiles(output: PredictionOutput, source: FrameSource) -> list[Image.Image]:
    """Draw the tiles of a pair, cropped to its figure."""
    frames = source.read()
    box = figure_box(frames)
    clothed = on_checks(near_tile_size(frames[1][box], TILE_PX))
    mask = near_tile_size(read_mask(output.mask(source.number))[box], TILE_PX)
    tiles = [clothed, marked(clothed, [(mask, MASK_COLOUR)])]
    if output.cutouts:
        cutout = np.asarray(read_image(output.cutout(source.number)))
        tiles.append(on_checks(near_tile_size(cutout[box], TILE_PX)))
    return [Image.fromarray(picture) for picture in tiles]
