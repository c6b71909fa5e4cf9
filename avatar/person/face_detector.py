"""Detects faces by BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047), in the two forms that MediaPipe ships.

1. The full-range network sees the whole photo at 192 x 192 px and proposes boxes.
2. The short-range network checks each box at three scales. A box that it confirms fewer than twice is dropped. The eyes
   that it finds define the rotation and scale at which an analyzer sees the face.
3. If no face is large, as in photos of groups, the full-range network also sees overlapping squares of a half and of a
   third of the photo's longer side. What it finds there in addition must be LEAST_PX wide, and the face mesh must see a
   face in it too.

Detection does not infer anything about the person, so it always runs.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from avatar.person.face_presence import MESH, FacePresence
from common.errors import UserError
from common.people.selection import Box, box_ious
from common.weights import EMBEDDED, is_present

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

FULL_RANGE, SHORT_RANGE = "face_detection_full_range_sparse.tflite", "face_detection_short_range.tflite"
WEIGHTS = (FULL_RANGE, SHORT_RANGE, MESH)
FULL_PX, SHORT_PX = 192, 128  # sides of the networks' square inputs
MIN_SCORE = 0.5  # lowest score of a box in the whole photo
MIN_SECOND_SCORE = 0.3  # lowest score of the checks at closer range
SAME_IOU = 0.3  # IoU from which two boxes are the same face
SAME_OVERLAP = 0.5  # intersection over the smaller area from which boxes in parts of a photo are the same face
SCALES = (1.5, 2.0, 3.0)  # sides of the checked squares, as multiples of the box's side
MIN_CONFIRMED = 2  # least number of these checks that must confirm a face
LEAST_EYE_DISTANCE = 0.25  # as a multiple of the box's side; profiles have less, which does not give the scale
LARGE = 0.25  # side of a face, as a share of the photo's longer side, from which nobody smaller is looked for
PARTS = (2, 3)  # squares by the photo's longer side
LEAST_PX = 16  # side of the smallest box that is looked for in parts of the photo
MIN_PRESENCE = 0.5  # lowest presence of a face there, by the face mesh
LEFT_EYE, RIGHT_EYE = slice(4, 6), slice(6, 8)  # columns of a detection, as the viewer sees them


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """A face in a photo.

    Attributes:
        box: XYXY px inside the photo, right and lower edge exclusive; from the brows to the chin.
        score: confidence of the detector, 0 to 1.
        eyes: (checks, 2, 2) float64, x and y px of the left and the right eye as the viewer sees them, one pair for
            each check that confirmed the face.
    """

    box: Box
    score: float
    eyes: np.ndarray

    @property
    def side(self) -> int:
        """Longer side of the box, px."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


class FaceDetector:
    """Detects faces; see the module's docstring. Not thread-safe."""

    device = "CPU"

    def __init__(self) -> None:
        """Load the networks. Raises UserError if their files are missing."""
        check_present("face detection", WEIGHTS)
        self._presence = FacePresence()
        self._full = _full_range(EMBEDDED[FULL_RANGE].path)
        self._short = cv2.dnn.readNetFromTFLite(np.frombuffer(EMBEDDED[SHORT_RANGE].path.read_bytes(), np.uint8))
        self._full_anchors = grid_anchors((FULL_PX // 4, 1))
        self._short_anchors = grid_anchors((SHORT_PX // 8, 2), (SHORT_PX // 16, 6))

    def find_faces(self, photo: Image.Image) -> list[DetectedFace]:
        """Find all faces that look at the camera, from left to right, in an upright RGB photo."""
        faces = self._checked(photo, *self._see(photo))
        if not any(face.side >= LARGE * max(photo.size) for face in faces):
            faces += self._find_small_faces(photo, faces)
        return sorted(faces, key=lambda face: face.box[0] + face.box[2])

    def _checked(self, photo: Image.Image, found: np.ndarray, scores: np.ndarray) -> list[DetectedFace]:
        faces = [self._check_box(photo, box, float(score)) for box, score in zip(found, scores, strict=True)]
        return [face for face in faces if face is not None]

    def _find_small_faces(self, photo: Image.Image, known: Sequence[DetectedFace]) -> list[DetectedFace]:
        """Find faces in parts of a photo, other than the known ones."""
        parts = [part for count in PARTS for part in squares(photo.size, count)]
        seen = [(self._see(photo.crop(part)), np.tile(part[:2], 8)) for part in parts]
        found = np.concatenate([boxes + corner for (boxes, _), corner in seen])
        scores = np.concatenate([part_scores for (_, part_scores), _ in seen])
        wide = (found[:, 2:4] - found[:, :2]).max(axis=1) >= LEAST_PX
        boxes = np.array([face.box for face in known], np.float64).reshape(-1, 4)
        faces = self._checked(photo, *distinct(found[wide], scores[wide], boxes))
        return [face for face in faces if self._presence.measure(photo, face.box) >= MIN_PRESENCE]

    def _see(self, photo: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """Detections of the full-range network: (n, 16) in px of the photo, and scores (n,)."""
        scale = FULL_PX / max(photo.size)
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        small = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2)
        left, top = (size[0] - FULL_PX) // 2, (size[1] - FULL_PX) // 2
        pixels = _signed(small.crop((left, top, left + FULL_PX, top + FULL_PX)))  # black beyond the photo
        inputs, outputs = self._full.get_input_details(), self._full.get_output_details()
        self._full.set_tensor(inputs[0]["index"], pixels[None])
        self._full.invoke()
        offsets, logits = sorted((self._full.get_tensor(o["index"])[0] for o in outputs), key=lambda o: -o.shape[1])
        found, scores = decode(offsets, logits[:, 0], self._full_anchors, FULL_PX, MIN_SCORE)
        found, scores = merge(found, scores)
        return (found + np.tile([left, top], 8)) * np.tile(np.divide(photo.size, size), 8), scores

    def _check_box(self, photo: Image.Image, found: np.ndarray, score: float) -> DetectedFace | None:
        """Check a box at several scales; None if it is no face."""
        checks = [self._check_at(photo, found, scale) for scale in SCALES]
        eyes = [np.stack([seen[LEFT_EYE], seen[RIGHT_EYE]]) for seen in checks if seen is not None]
        left, top = np.floor(found[:2]).astype(int).clip(0)
        right, bottom = np.ceil(found[2:4]).astype(int).clip(0, photo.size)
        if len(eyes) < MIN_CONFIRMED or right <= left or bottom <= top:
            return None
        side = float((found[2:4] - found[:2]).max())
        box = int(left), int(top), int(right), int(bottom)
        return DetectedFace(box, score, np.stack([_apart(pair, LEAST_EYE_DISTANCE * side) for pair in eyes]))

    def _check_at(self, photo: Image.Image, found: np.ndarray, scale: float) -> np.ndarray | None:
        """Detection of the short-range network nearest to the centre of a square `scale` times the box: (16,) px."""
        middle, box_side = (found[:2] + found[2:4]) / 2, float((found[2:4] - found[:2]).max())
        side = max(8, round(scale * box_side))
        corner = np.round(middle - side / 2).astype(int)
        square = photo.crop((*corner.tolist(), *(corner + side).tolist()))  # black beyond the photo
        pixels = _signed(square.resize((SHORT_PX, SHORT_PX), Image.Resampling.BILINEAR, reducing_gap=2))
        self._short.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
        logits, offsets = self._short.forward(["classificators", "regressors"])
        seen, scores = decode(offsets[0], logits[0, :, 0], self._short_anchors, SHORT_PX, MIN_SECOND_SCORE)
        seen = merge(seen, scores)[0] * (side / SHORT_PX) + np.tile(corner, 8)
        distances = np.linalg.norm((seen[:, :2] + seen[:, 2:4]) / 2 - middle, axis=1)
        return seen[distances.argmin()] if len(seen) and distances.min() < box_side / 2 else None


def check_present(use: str, names: Sequence[str]) -> None:
    """Raise UserError with the command to run if embedded weights are missing."""
    missing = [name for name in names if not is_present(EMBEDDED[name])]
    if missing:
        raise UserError(f"{use} needs weights that are missing; run: python3 run.py fetch {' '.join(missing)}")


def aligned_face(photo: Image.Image, eyes: np.ndarray, side_px: int, left_eye: np.ndarray) -> np.ndarray:
    """Rotate, scale and crop a face so that its eyes lie at given positions.

    Args:
        photo: RGB.
        eyes: (2, 2) x and y px in the photo, left and right as the viewer sees them.
        side_px: side of the result.
        left_eye: x and y of the left eye in the result, 0 to 1; the right eye mirrors it.

    Returns:
        (side_px, side_px, 3) uint8 RGB; beyond the photo its edge is replicated.
    """
    goal = side_px * (1 - 2 * float(left_eye[0]))  # distance between the eyes, px
    zoom = goal / float(np.linalg.norm(eyes[1] - eyes[0]))
    reach = 1 + round(side_px / zoom)  # enough for any rotation: the eyes lie inside the square
    left, top = np.floor(eyes.mean(axis=0)).astype(int) - reach
    region = max(0, left), max(0, top), min(photo.width, left + 2 * reach), min(photo.height, top + 2 * reach)
    crop = photo.crop(region)
    shrink = min(1.0, zoom)  # by Pillow, which averages all source pixels
    size = max(1, round(crop.width * shrink)), max(1, round(crop.height * shrink))
    small = np.asarray(crop.resize(size, Image.Resampling.BICUBIC, reducing_gap=3))
    from_eyes = (eyes - region[:2]) * np.divide(size, crop.size) - 0.5
    (x, y), (right_x, right_y) = from_eyes.tolist()
    turn = goal / complex(right_x - x, right_y - y)
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    shift = np.asarray(left_eye) * side_px - 0.5 - matrix @ from_eyes[0]
    to_square = np.column_stack([matrix, shift])
    return cv2.warpAffine(small, to_square, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def grid_anchors(*grids: tuple[int, int]) -> np.ndarray:
    """Centres of the anchors, (n, 2) x and y from 0 to 1; a grid is (cells per side, anchors per cell)."""
    anchors = []
    for cells, each in grids:
        steps = (np.arange(cells) + 0.5) / cells
        anchors.append(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).repeat(each, axis=0))
    return np.concatenate(anchors)


def decode(
    offsets: np.ndarray, logits: np.ndarray, anchors: np.ndarray, input_px: int, min_score: float
) -> tuple[np.ndarray, np.ndarray]:
    """Convert BlazeFace's output for each anchor to pixels of its input.

    Args:
        offsets: (n, 16) px: box centre relative to the anchor, box size, six points relative to the anchor.
        logits: (n,) logits of the scores.
        anchors: (n, 2) centres, 0 to 1.
        input_px: side of the network's input.
        min_score: lowest score to keep.

    Returns:
        (k, 16): XYXY of the box, then six points (eyes, nose, mouth, ears); and scores (k,).
    """
    scores = 1 / (1 + np.exp(-logits.astype(np.float64).clip(-80, 80)))
    kept = scores >= min_score
    pairs = offsets[kept].astype(np.float64).reshape(-1, 8, 2)
    middles = anchors[kept][:, None] * input_px
    box_middles, half = pairs[:, :1] + middles, pairs[:, 1:2] / 2
    points = np.concatenate([box_middles - half, box_middles + half, pairs[:, 2:] + middles], axis=1)
    return points.reshape(-1, 16), scores[kept]


def merge(found: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge detections of one face: the score-weighted mean of all that overlap the best one by SAME_IOU.

    Args:
        found: (n, 16) detections of `decode`.
        scores: (n,) their scores.

    Returns:
        Detections (k, 16) and their best scores (k,), highest first.
    """
    kept, best = [], []
    rest = np.argsort(-scores, kind="stable")
    while len(rest):
        same = box_ious(found[rest[0]], found[rest]) >= SAME_IOU
        same[0] = True  # also a box without area
        kept.append(np.average(found[rest[same]], axis=0, weights=scores[rest[same]]))
        best.append(scores[rest[0]])
        rest = rest[~same]
    return np.array(kept).reshape(-1, 16), np.array(best)


def squares(size: tuple[int, int], count: int) -> list[Box]:
    """Overlapping parts of a photo, XYXY px: squares, `count` by its longer side, half a square apart at most."""
    side = math.ceil(max(size) / count)
    columns, rows = (np.linspace(0, span, 1 + math.ceil(2 * span / side)) for span in np.subtract(size, side).clip(0))
    corners = [(round(x), round(y)) for y in rows for x in columns]
    return [(x, y, min(size[0], x + side), min(size[1], y + side)) for x, y in corners]


def distinct(found: np.ndarray, scores: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best detection of each face that is not known yet.

    Args:
        found: (n, 16) detections of `decode`.
        scores: (n,) their scores.
        known: (k, 4) boxes, XYXY.

    Returns:
        Those that overlap neither a known box nor a better detection, as `found` and `scores`, highest score first.
    """
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable").tolist():
        others = np.concatenate([known, found[kept, :4]])
        if not (box_overlap(found[number], others) >= SAME_OVERLAP).any():
            kept.append(number)
    return found[kept], scores[kept]


def box_overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection of one box with others over the smaller area; the first four values of each are XYXY."""
    shared = (np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])).clip(0).prod(axis=1)
    smaller = np.minimum((box[2:4] - box[:2]).prod(), (others[:, 2:4] - others[:, :2]).prod(axis=1))
    return np.divide(shared, smaller, out=np.zeros(len(others)), where=smaller > 0)


def _apart(eyes: np.ndarray, least: float) -> np.ndarray:
    """Move two points apart along their line if they are closer than `least` px."""
    middle, half = eyes.mean(axis=0), (eyes[1] - eyes[0]) / 2
    distance = 2 * float(np.linalg.norm(half))
    if distance >= least:
        return eyes
    half = half * (least / distance) if distance > 0 else np.array([least / 2, 0.0])
    return np.stack([middle - half, middle + half])


def _signed(image: Image.Image) -> np.ndarray:
    """Pixels as (H, W, 3) float32, -1 to 1."""
    return np.asarray(image, np.float32) * np.float32(2 / 255) - np.float32(1)


def _full_range(path: Path) -> "Interpreter":
    """Load the full-range network by LiteRT, because OpenCV cannot read its sparse weights."""
    from ai_edge_litert.interpreter import Interpreter

    with _without_native_messages():
        network = Interpreter(model_content=path.read_bytes(), num_threads=1)
        network.allocate_tensors()
    return network


@contextmanager
def _without_native_messages() -> Iterator[None]:
    """Suppress the line about its delegate that LiteRT's C++ code writes to stderr at each start."""
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)
