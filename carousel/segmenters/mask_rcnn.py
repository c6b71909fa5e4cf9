"""The segmenters "maskrcnn" and "detectron2": Mask R-CNN (He et al. 2017, arXiv:1703.06870) with COCO weights."""

import hashlib
import importlib
import importlib.util
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from common.array_pickle import read_arrays
from common.checkpoints import load_plain
from common.devices import pick_device
from common.errors import UserError
from common.files import sha256_of
from common.people.selection import SegmentedPerson, person_of
from common.weights import CACHE

if TYPE_CHECKING:
    from torchvision.models.detection import MaskRCNN

MIN_SCORE = 0.7
SHOWN = 0.5  # a pixel above this probability shows the person
MOST_PEOPLE = 50  # maximum number of people in a photo
LONGEST_PX = 1333  # maximum side of the networks' input, as in their training

TORCHVISION_FILE = "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth"
TORCHVISION_SHA256 = "73cbd019"  # its beginning, which is part of the file's name
TORCHVISION_PERSON = 1  # class 0 is the background
TORCHVISION_COMMAND = (
    '.venv/bin/python -c "from torchvision.models.detection import maskrcnn_resnet50_fpn_v2 as network;'
    " network(weights='COCO_V1')\""
)

DETECTRON2_CONFIG = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
DETECTRON2_PERSON = 0
DETECTRON2_COMMAND = (
    ".venv/bin/python -m pip install --no-build-isolation git+https://github.com/facebookresearch/detectron2"
)


def reduced(photo: np.ndarray) -> np.ndarray:
    """Shrink a (H, W, 3) uint8 photo to a longer side of at most LONGEST_PX."""
    scale = LONGEST_PX / max(photo.shape[:2])
    return photo if scale >= 1 else cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def people_of(
    classes: np.ndarray, scores: np.ndarray, masks: np.ndarray, person: int, photo_shape: tuple[int, ...]
) -> list[SegmentedPerson]:
    """Select the people among a network's detections.

    Args:
        classes: (N,) integers.
        scores: (N,) 0 to 1.
        masks: (N, h, w), bool or float probabilities over the photo, in any size.
        person: class of people.
        photo_shape: (H, W) or (H, W, 3); masks are resized to it.

    Returns:
        People with a score of at least MIN_SCORE and a mask, the most certain first, at most MOST_PEOPLE.
    """
    chosen = [index for index in np.argsort(-scores) if classes[index] == person and scores[index] >= MIN_SCORE]
    people = []
    for index in chosen[:MOST_PEOPLE]:
        mask = cv2.resize(masks[index].astype(np.float32), photo_shape[1::-1]) > SHOWN
        if mask.any():
            people.append(person_of(mask, scores[index]))
    return people


# ---- torchvision ----


def build_torchvision(weights: Path) -> "MaskRCNN":
    """Build torchvision's network with weights in the official format, on the CPU, in evaluation mode.

    Raises:
        UserError: the file is missing or damaged, or has the weights of another network.
    """
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

    fault = f"{weights}: damaged, or not weights of torchvision's maskrcnn_resnet50_fpn_v2"
    if not weights.is_file():
        raise UserError(f"{weights}: no such file of weights (setting SEGMENTER_WEIGHTS)")
    try:
        state = load_plain(weights)
    except Exception as error:  # torch's readers raise nearly anything on damaged files
        raise UserError(fault) from error
    network = maskrcnn_resnet50_fpn_v2(
        weights=None, weights_backbone=None, box_score_thresh=MIN_SCORE, box_detections_per_img=2 * MOST_PEOPLE
    )
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        raise UserError(fault) from error
    return network.eval()


def find_torchvision_weights() -> Path:
    """Find the official COCO weights in the project's cache or in torchvision's.

    Raises:
        UserError: they are missing (says how to get them), or not the official ones.
    """
    for folder in (CACHE, Path(torch.hub.get_dir()) / "checkpoints"):
        path = folder / TORCHVISION_FILE
        if path.is_file():
            if not sha256_of(path).startswith(TORCHVISION_SHA256):
                raise UserError(f"{path}: its SHA-256 is not the official one; delete it and download it again")
            return path
    raise UserError(
        f'the segmenter "maskrcnn" needs {TORCHVISION_FILE} (186 MB), which is neither in {CACHE} nor in'
        f" torchvision's cache; download it by {TORCHVISION_COMMAND}, or name a file of your own by SEGMENTER_WEIGHTS"
    )


class TorchvisionSegmenter:
    """torchvision's maskrcnn_resnet50_fpn_v2; see `Segmenter`."""

    name = "maskrcnn"

    def __init__(self, weights: Path | None = None):
        """Args: weights: a file in the official format; None: the official file. Raises UserError."""
        weights = weights or find_torchvision_weights()
        self._device = pick_device()
        self._network = build_torchvision(weights).to(self._device)
        self.weights = [weights.name]
        self.device = self._device.type.upper()

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """People in the photo; see `Segmenter`."""
        del source  # masks come from the pixels alone
        pixels = torch.from_numpy(np.ascontiguousarray(reduced(photo).transpose(2, 0, 1))).float() / 255
        with torch.inference_mode():
            found = {name: values.cpu().numpy() for name, values in self._network([pixels.to(self._device)])[0].items()}
        return people_of(found["labels"], found["scores"], found["masks"][:, 0], TORCHVISION_PERSON, photo.shape)


# ---- Detectron2 ----


def people_of_instances(instances: Any, photo_shape: tuple[int, ...]) -> list[SegmentedPerson]:
    """Select the people of Detectron2's `Instances` on the CPU: pred_classes, scores and pred_masks (N, h, w) bool."""
    classes, scores, masks = (
        field.numpy() for field in (instances.pred_classes, instances.scores, instances.pred_masks)
    )
    return people_of(classes, scores, masks, DETECTRON2_PERSON, photo_shape)


def check_detectron2_weights(path: Path) -> Path:
    """Check that a pickle holds arrays only, before Detectron2 opens it: other pickles can run any code.

    Args:
        path: a .pkl of Detectron2's model zoo, or a .pth, which is a state dict. The zoo's files end in the beginning
            of their MD5 ("model_final_f10217.pkl"; Detectron2's MODEL_ZOO.md), which guards against damage.

    Raises:
        UserError: missing, damaged, or something else than arrays.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file of weights (setting SEGMENTER_WEIGHTS)")
    named = re.fullmatch(r"model_final_([0-9a-f]{6})\.pkl", path.name)
    with path.open("rb") as file:
        if named and not hashlib.file_digest(file, "md5").hexdigest().startswith(named[1]):
            raise UserError(f"{path}: its MD5 does not begin with {named[1]}; delete it and download it again")
    try:
        if path.suffix == ".pkl":
            with path.open("rb") as file:
                read_arrays(file)
        else:
            load_plain(path)
    except Exception as error:  # damaged files raise nearly anything
        unsafe = isinstance(error, pickle.UnpicklingError)
        fault = "holds more than arrays, which could run code" if unsafe else "damaged"
        raise UserError(f"{path}: {fault}; use a file of Detectron2's model zoo, or a state dict") from error
    return path


class Detectron2Segmenter:
    """Mask R-CNN R50-FPN 3x of Detectron2's model zoo, if that library is installed; see `Segmenter`."""

    name = "detectron2"

    def __init__(self, weights: Path | None = None) -> None:
        """Load the network.

        Args:
            weights: a file of weights; None: the model zoo's, which Detectron2 downloads once.

        Raises:
            UserError: Detectron2 is not installed, or the weights cannot be fetched or used.
        """
        if importlib.util.find_spec("detectron2") is None:
            raise UserError(
                'the segmenter "detectron2" needs Detectron2, which is not installed; build it (about 10 minutes) by '
                + DETECTRON2_COMMAND
            )
        model_zoo = importlib.import_module("detectron2.model_zoo")
        engine = importlib.import_module("detectron2.engine")
        file_io = importlib.import_module("detectron2.utils.file_io")
        settings = model_zoo.get_config(DETECTRON2_CONFIG, trained=True)
        settings.MODEL.ROI_HEADS.SCORE_THRESH_TEST = MIN_SCORE
        settings.MODEL.DEVICE = pick_device().type
        try:
            path = weights or Path(file_io.PathManager.get_local_path(settings.MODEL.WEIGHTS))
        except OSError as error:
            raise UserError(
                f"{settings.MODEL.WEIGHTS}: Detectron2 cannot fetch its weights ({error}); name a file of your own by "
                "SEGMENTER_WEIGHTS"
            ) from error
        settings.MODEL.WEIGHTS = str(check_detectron2_weights(path))
        self._predictor = engine.DefaultPredictor(settings)
        self.weights = [Path(settings.MODEL.WEIGHTS).name]
        self.device = settings.MODEL.DEVICE.upper()

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """People in the photo; see `Segmenter`."""
        del source  # masks come from the pixels alone
        blue_first = np.ascontiguousarray(reduced(photo)[..., ::-1])  # the order of channels in its training
        return people_of_instances(self._predictor(blue_first)["instances"].to("cpu"), photo.shape)
