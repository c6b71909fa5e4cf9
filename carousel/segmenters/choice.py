"""Choice of a segmenter by the name in the settings."""

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
        device: device that computes, for the report.
        weights: names of the files of weights, for the report; empty if there are none.
    """

    name: str
    device: str
    weights: list[str]

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """Find the people in a photo, in any order.

        Args:
            photo: (H, W, 3) uint8 RGB, upright.
            source: path of the photo, or its path inside an archive, by which "files" finds masks.

        Raises:
            UserError: a fault of this photo, such as a mask of another size.
        """


def load_segmenter(name: str, masks_folder: Path | None = None, weights: Path | None = None) -> Segmenter:
    """Load a segmenter with its weights; there is no fallback to another segmenter.

    Args:
        name: one of NAMES.
        masks_folder: folder of masks for "files"; None: beside the photos.
        weights: file of weights for "maskrcnn" or "detectron2"; None: the official ones.

    Raises:
        UserError: the name is unknown, weights or a library are missing, or the folder or file is not used.
    """
    if name not in NAMES:
        raise UserError(f"setting SEGMENTER is {name!r}; it must be one of {', '.join(NAMES)}")
    if masks_folder is not None and name != "files":
        raise UserError(
            f'setting MASKS is used by SEGMENTER "files" only, and SEGMENTER is "{name}"; change one of the two'
        )
    if weights is not None and name not in ("maskrcnn", "detectron2"):
        raise UserError(
            'setting SEGMENTER_WEIGHTS is used by SEGMENTER "maskrcnn" and "detectron2" only, and SEGMENTER is '
            f'"{name}"; change one of the two'
        )
    if name == "files":
        from carousel.segmenters.mask_files import FileSegmenter

        return FileSegmenter(masks_folder)
    if name == "embedded":
        from common.people.embedded_segmenter import EmbeddedSegmenter

        return EmbeddedSegmenter()
    from carousel.segmenters.mask_rcnn import Detectron2Segmenter, TorchvisionSegmenter

    return TorchvisionSegmenter(weights) if name == "maskrcnn" else Detectron2Segmenter(weights)
