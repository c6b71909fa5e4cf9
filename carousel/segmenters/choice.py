"""The segmenters that find people in photos, by the name that a setting gives."""

from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np

from common.errors import UserError
from common.people.selection import SegmentedPerson

SegmenterName = Literal["embedded", "maskrcnn", "detectron2", "files"]
NAMES: tuple[SegmenterName, ...] = get_args(SegmenterName)


class Segmenter(Protocol):
    """Finds the people in a photo.

    Attributes:
        name: one of NAMES.
        device: what computes, in words.
        weights: names of the files of weights that run, for the report; empty for none.
    """

    name: str
    device: str
    weights: list[str]

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """People in any order, none where there is nobody.

        Args:
            photo: (H, W, 3) uint8 RGB, upright.
            source: the photo's file, or its name inside an archive; "files" looks for masks by it.

        Raises:
            UserError: a fault of this photo, such as a mask of another size.
        """


def load_segmenter(name: str, masks_folder: Path | None = None) -> Segmenter:
    """Load a segmenter with its weights; nothing falls back to another one.

    Args:
        name: one of NAMES.
        masks_folder: for "files", the folder of the masks; None where they lie beside the photos.

    Raises:
        UserError: an unknown name, weights or a library that are not there, or a folder that is not needed.
    """
    if name not in NAMES:
        raise UserError(f"setting SEGMENTER is {name!r}; it must be one of {', '.join(NAMES)}")
    if masks_folder is not None and name != "files":
        raise UserError(f'setting MASKS is for the segmenter "files", and SEGMENTER is "{name}"; choose one of the two')
    if name == "files":
        from carousel.segmenters.mask_files import FileSegmenter

        return FileSegmenter(masks_folder)
    if name == "embedded":
        from common.people.embedded_segmenter import EmbeddedSegmenter

        return EmbeddedSegmenter()
    from carousel.segmenters.mask_rcnn import Detectron2Segmenter, TorchvisionSegmenter

    return TorchvisionSegmenter() if name == "maskrcnn" else Detectron2Segmenter()
