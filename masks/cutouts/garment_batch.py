"""Step 5 with LAYERS: the clothing of a batch split into garments, with a folder of masks for each."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.files import file_stem
from common.grids import evenly
from common.images import png_bytes
from masks.cutouts.prediction_batch import PredictionOutput, PredictionTask
from masks.garments.garment_splitting import (
    GARMENTS_FILE,
    MOST_FRAMES,
    SpriteGarment,
    label_garments,
    propose_garments,
    read_garments,
    write_garments,
)
from masks.sets.naming import MASK, files_of_kind, mask_name
from masks.sets.pairs import MaskedFrame, mask_image, read_mask
from masks.sets.signatures import is_signed, write_signed

GARMENTS = "garments"  # folder of the garments' masks


def find_garments(
    tasks: Sequence[PredictionTask], output: PredictionOutput, training_data: Path
) -> list[SpriteGarment]:
    """Return the garments that the artist made of a training folder's clothing; without them, propose some.

    Raises:
        UserError: the artist's file is damaged, or a frame cannot be read.
    """
    own = read_garments(training_data / GARMENTS_FILE)
    if own is not None:
        return own
    return propose_garments([frame_of(task, output) for task in evenly(tasks, MOST_FRAMES)])


def frame_of(task: PredictionTask, output: PredictionOutput) -> MaskedFrame:
    """Read a pair and its mask in the output."""
    return MaskedFrame(*task.source.read(), read_mask(output.mask(task.source.number)) > 0)


def write_garment_masks(
    tasks: Sequence[PredictionTask], garments: Sequence[SpriteGarment], output: PredictionOutput
) -> list[Path]:
    """Write garments.json and, for each garment that is not left out, a folder of masks.

    Masks that a person made or changed stay; those of garments of an earlier run go.

    Returns:
        The masks that stayed because a person made or changed them.

    Raises:
        UserError: a frame cannot be read, or the folder cannot be written.
    """
    root = output.folder / GARMENTS
    write_garments(output.folder / GARMENTS_FILE, garments)
    folders = {place: root / file_stem(g.name) for place, g in enumerate(garments) if not g.is_left_out}
    kept, written = [], set()
    for task in tasks:
        labels = label_garments(garments, frame_of(task, output))
        for place, folder in folders.items():
            path = folder / mask_name(task.source.number)
            mask = (labels == place) * np.uint8(255)
            if not write_signed(path, png_bytes(mask_image(mask), output.compress_level)):
                kept.append(path)
            written.add(path)
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        for path in files_of_kind(folder, MASK).values():
            if path not in written and is_signed(path):
                path.unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()  # unless something is left in it
    return kept
