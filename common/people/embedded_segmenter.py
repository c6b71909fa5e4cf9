"""The segmenter "embedded": four small networks from registry packages.

1. A detector (`common/people/person_detector.py`) returns a box for each person.
2. BlazePose (Bazarevsky et al. 2020, arXiv:2006.10204) segments the person in the middle of a square. It expects whole
   bodies, so it also sees the box as the upper half of one, and then the square around the body that it found there. It
   separates people who stand together, but its edges are coarse. It decides whether an uncertain box shows a person;
   where the detector is sure and BlazePose sees nobody, the other networks segment what is inside the box.
3. U^2-Net (Qin et al. 2020, arXiv:2005.09007) and MediaPipe's selfie model have better edges, but segment everything
   that is salient. They see each person's crop; the weighted mean of the masks is thresholded at 0.5.
4. Parts that do not touch the person are removed, and a pixel that two people claim belongs to the likelier one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cv2
import numpy as np

from common.errors import UserError
from common.people.person_detector import PersonDetector
from common.people.selection import Box, SegmentedPerson, bounding_box, box_iou, mask_iou, person_of
from common.weights import EMBEDDED, is_present

if TYPE_CHECKING:
    import onnxruntime

DETECTOR, POSE, MATTE, SELFIE = WEIGHTS = (
    "person-ssdlite.pb",
    "pose_landmark_full.tflite",
    "u2netp.onnx",
    "selfie_segmentation.tflite",
)
CANDIDATE_SCORE = 0.15  # minimum score of a box
MIN_CERTAINTY = 0.4  # minimum product of a person's best score and BlazePose's presence
SURE_SCORE = 0.8  # score from which a box shows a person even if BlazePose finds nobody
MIN_PRESENCE = 0.5  # minimum probability, by BlazePose, that a square shows a person
MIN_BOX_IOU = 0.3  # minimum intersection over union of the detector's box and that around BlazePose's mask
LEFT_OVER = 0.4  # intersection over union with every pose below which a sure box is one more person's
STEADY = 0.85  # minimum share of it that a further look keeps, or it shows a neighbour
REACH = 0.1  # distance from BlazePose's mask to which the other networks add, as a share of the crop's longer side
MIN_AGREEMENT = 0.4  # minimum intersection over union of BlazePose's mask and the combined one
SHOWN = 0.5  # a pixel above this probability shows the person
TILE_PX = 640  # the detector also looks at tiles of this size in larger photos
POSE_PX, MATTE_PX, SELFIE_PX = 256, 320, 256  # sides of the networks' square inputs
FIRST_LOOK, SECOND_LOOK = 1.25, 1.15  # side of the square that BlazePose sees, in longer sides of the box
HALF_LOOK, ABOVE_HALF = 2.5, 0.35  # side of the square if the box shows an upper half, and its part above, in heights
BODY_LOOK = 1.25  # side of the square around a body, in diameters of the circle around it
LOOKS = 3  # maximum number of squares in which BlazePose follows a body
BODY_CENTRE, BODY_RIM = 33, 34  # landmarks of BlazePose: middle of the hips, and a point on the circle around the body
EARS, SHOULDERS, HIPS, KNEES, ANKLES = (7, 8), (11, 12), (23, 24), (25, 26), (27, 28)  # BlazePose's landmarks
HEAD_AND_SOLES = 2.0  # ears to shoulders, so many times, are what is above the ears and below the ankles, and the neck
UPRIGHT = 1.07  # height of people who stand over the sum of their parts: 1.05 to 1.11 on 12 of people/more
CROP_MARGIN = 0.1  # margin around a person for the other two networks, as a share of the box's longer side
MATTE_WEIGHT, SELFIE_WEIGHT, POSE_WEIGHT = 0.5, 0.25, 0.25
CROP_PX = 640  # longer side at which masks are combined
SAME_SHARE = 0.7  # two masks are one person if at least this share of the smaller one is inside the larger one
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)

Square = tuple[int, int, int]  # left, top and side in px of the photo; may extend beyond it


@dataclass(frozen=True, eq=False)
class PoseMask:
    """BlazePose's mask of the person in a square of the photo.

    Attributes:
        probability: (POSE_PX, POSE_PX) float32, probability that a pixel shows the person.
        square: the square.
        score: score of the detector.
        presence: probability, by BlazePose, that the square shows a person; 1 for a sure box without a body.
        body: the square around the whole body, including parts outside the photo.
        box_iou: intersection over union of `box`, inside the photo, and the detector's box.
    """

    probability: np.ndarray
    square: Square
    score: float
    presence: float = 0.0
    body: Square = (0, 0, 0)
    box_iou: float = 0.0

    @property
    def area(self) -> float:
        """Area of the person in square px of the photo."""
        return int(np.count_nonzero(self.probability > SHOWN)) * (self.square[2] / POSE_PX) ** 2

    @property
    def box(self) -> Box:
        """XYXY px around the largest part of the person; may extend beyond the photo."""
        left, top, side = self.square
        x0, y0, x1, y1 = (edge * side / POSE_PX for edge in person_of(largest_part(self.probability > SHOWN), 1.0).box)
        return left + round(x0), top + round(y0), left + round(x1), top + round(y1)

    @property
    def fit(self) -> float:
        """How well the mask shows the detector's person, 0 to 1."""
        return self.presence * self.box_iou

    def fitted_to(self, box: Sequence[float], photo_shape: tuple[int, ...]) -> "PoseMask":
        """The same with `box_iou`, for a detector's box (XYXY px) in a photo of (H, W) or (H, W, 3)."""
        left, top, right, bottom = self.box
        inside = max(0, left), max(0, top), min(photo_shape[1], right), min(photo_shape[0], bottom)
        return replace(self, box_iou=box_iou(inside, box))

    def seen_in(self, region: Box, size: tuple[int, int]) -> np.ndarray:
        """The probability over a region of the photo (XYXY px), resampled to `size` (width, height); float32."""
        left, top, side = self.square
        scale = POSE_PX / side
        x, y = (scale * (region[i + 2] - region[i]) / size[i] for i in (0, 1))
        shift = (scale * (region[0] - left) + x / 2 - 0.5, scale * (region[1] - top) + y / 2 - 0.5)
        to_square = np.array([[x, 0, shift[0]], [0, y, shift[1]]])
        return cv2.warpAffine(self.probability, to_square, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def check_weights() -> None:
    """Raise UserError, with the command that fetches them, if weights of the segmenter are missing."""
    missing = [name for name in WEIGHTS if not is_present(EMBEDDED[name])]
    if missing:
        raise UserError(
            f'the segmenter "embedded" needs weights that are missing; python3 run.py fetch {" ".join(missing)}'
        )


class EmbeddedSegmenter:
    """See the module's docstring. A lock serialises calls; in parallel work, each worker loads its own segmenter."""

    name = "embedded"
    device = "CPU"

    def __init__(self) -> None:
        """Load the four networks. Raises UserError if their files are missing."""
        check_weights()
        self.weights = list(WEIGHTS)
        self._detector = PersonDetector(EMBEDDED[DETECTOR].path)
        self._pose = cv2.dnn.readNetFromTFLite(_content(EMBEDDED[POSE].path))
        self._matte = _load_matte(EMBEDDED[MATTE].path)
        self._selfie = cv2.dnn.readNetFromTFLite(_content(EMBEDDED[SELFIE].path))
        self._lock = Lock()

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """Find people, whole or in part; their masks share no pixel. See `carousel.segmenters.choice.Segmenter`."""
        del source  # only the pixels are used
        with self._lock:
            boxes, scores = self._detector.find_boxes(photo, CANDIDATE_SCORE, TILE_PX)
            found = (self.find_pose(photo, box, float(s)) for box, s in zip(boxes.tolist(), scores, strict=True))
            poses = merge_duplicates(without_unsure([pose for pose in found if pose is not None]))
            poses += self._left_over(photo, boxes, scores, poses)
            people = [self._cut_out(photo, pose, poses) for pose in poses]
        return without_shared_pixels([person for person in people if person is not None])

    def _left_over(
        self, photo: np.ndarray, boxes: np.ndarray, scores: np.ndarray, poses: Sequence[PoseMask]
    ) -> list[PoseMask]:
        """Masks within the sure boxes that no pose fits: BlazePose saw the neighbour there, who has a box as well."""
        segmented = (
            self._segment_box(photo, box, float(score))
            for box, score in zip(boxes.tolist(), scores, strict=True)
            if score >= SURE_SCORE
            and max((pose.fitted_to(box, photo.shape).box_iou for pose in poses), default=0.0) < LEFT_OVER
        )
        return [pose for pose in segmented if pose is not None and pose.box_iou >= LEFT_OVER]

    def find_pose(self, photo: np.ndarray, box: Sequence[float], score: float) -> PoseMask | None:
        """Segment the person of a detector's box (XYXY px), coarsely; None if it shows nobody."""
        left, top, right, bottom = box
        height = bottom - top
        half = (left + right) / 2, top + (HALF_LOOK / 2 - ABOVE_HALF) * height, HALF_LOOK * height
        squares = _square_around(box, FIRST_LOOK), _square(*half)
        looks = [look for square in squares if (look := self._look(photo, square, score)) is not None]
        best = max((look.fitted_to(box, photo.shape) for look in looks), key=lambda look: look.fit, default=None)
        if best is None or best.box_iou < MIN_BOX_IOU:
            return self._segment_box(photo, box, score) if score >= SURE_SCORE else None
        for _ in range(LOOKS - 1):
            closer = self._look(photo, best.body, score)
            closer = closer and closer.fitted_to(box, photo.shape)
            if closer is None or closer.box_iou < STEADY * best.box_iou:
                break  # nobody, or a neighbour
            best = closer
        return best

    def look_at(self, photo: np.ndarray, box: Sequence[float], score: float, grow: float) -> PoseMask | None:
        """Run BlazePose on the square around a box, `grow` times its longer side; None if it finds nobody."""
        return self._look(photo, _square_around(box, grow), score)

    def _look(self, photo: np.ndarray, square: Square, score: float) -> PoseMask | None:
        pixels = _pixels(photo, square, POSE_PX)
        if pixels is None:
            return None
        self._pose.setInput(_as_input(pixels))
        landmarks, presence, logits = self._pose.forward(["Identity", "Identity_1", "Identity_2"])
        probability = 1 / (1 + np.exp(-logits.reshape(POSE_PX, POSE_PX).clip(-30, 30)))
        if presence.item() < MIN_PRESENCE or probability.max() <= SHOWN:
            return None
        centre, rim = landmarks.reshape(-1, 5)[[BODY_CENTRE, BODY_RIM], :2] * (square[2] / POSE_PX) + square[:2]
        body = _square(float(centre[0]), float(centre[1]), 2 * BODY_LOOK * float(np.linalg.norm(rim - centre)))
        return PoseMask(probability, square, score, presence.item(), body)

    def upright_share(self, rgba: np.ndarray) -> float | None:
        """How high a whole figure is, over the same person's height upright: less than 1 for somebody who crouches.

        Lengths of the body's parts between BlazePose's landmarks, in the picture's plane, are added up.

        Args:
            rgba: (H, W, 4) uint8, a cut-out.

        Returns:
            0 to 1; None where BlazePose does not see the whole body.
        """
        solid = bounding_box(rgba[..., 3] > 127)
        alpha = rgba[..., 3:].astype(np.float32) / 255
        photo = (rgba[..., :3] * alpha + 127 * (1 - alpha)).astype(np.uint8)
        pixels = _pixels(photo, _square_around(solid, FIRST_LOOK), POSE_PX)
        if pixels is None:
            return None
        with self._lock:
            self._pose.setInput(_as_input(pixels))
            landmarks, presence = self._pose.forward(["Identity", "Identity_1"])
        points = landmarks.reshape(-1, 5)
        if presence.item() < MIN_PRESENCE or (points[list(ANKLES), 3] < 0).any():
            return None
        place = points[:, :2]
        shoulders, hips, ears = (place[list(pair)].mean(axis=0) for pair in (SHOULDERS, HIPS, EARS))
        joints = place[[*HIPS, *KNEES, *ANKLES]].reshape(3, 2, 2)
        legs = np.linalg.norm(np.diff(joints, axis=0), axis=2).sum() / 2
        parts = legs + np.linalg.norm(shoulders - hips) + HEAD_AND_SOLES * np.linalg.norm(ears - shoulders)
        height = (solid[3] - solid[1]) * POSE_PX / _square_around(solid, FIRST_LOOK)[2]
        return float(np.clip(height / (UPRIGHT * parts), 0.3, 1))

    def _segment_box(self, photo: np.ndarray, box: Sequence[float], score: float) -> PoseMask | None:
        """The selfie model's mask inside a box, in place of BlazePose's; None if it is empty."""
        square = left, top, side = _square_around(box, FIRST_LOOK)
        pixels = _pixels(photo, square, POSE_PX)
        if pixels is None:
            return None
        edges = (np.array(box) - (left, top, left, top)) * (POSE_PX / side)
        x0, y0, x1, y1 = edges.round().astype(int).tolist()
        probability = np.zeros((POSE_PX, POSE_PX), np.float32)
        probability[y0:y1, x0:x1] = self.selfie((255 * pixels).round().astype(np.uint8))[y0:y1, x0:x1]
        if probability.max() <= SHOWN:
            return None
        return PoseMask(probability, square, score, presence=1.0).fitted_to(box, photo.shape)

    def _cut_out(self, photo: np.ndarray, pose: PoseMask, everybody: Sequence[PoseMask]) -> SegmentedPerson | None:
        """Combine the person's masks of all networks; None if nothing is left."""
        region = left, top, right, bottom = _with_margin(pose.box, photo.shape)
        if right <= left or bottom <= top:
            return None
        scale = min(1.0, CROP_PX / max(right - left, bottom - top))
        size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
        crop = cv2.resize(photo[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        own = pose.seen_in(region, size)
        others = [other.seen_in(region, size) for other in everybody if other is not pose]
        soft = self._put_together(crop, own, others)
        mask = np.zeros(photo.shape[:2], bool)
        mask[top:bottom, left:right] = cv2.resize(soft, (right - left, bottom - top)) > SHOWN
        return person_of(mask, pose.score) if mask.any() else None

    def _put_together(self, crop: np.ndarray, own: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
        """Combine the probabilities of all networks over a crop; 0 where it shows others.

        Args:
            crop: (H, W, 3) uint8 RGB.
            own: (H, W) float32, BlazePose's probability of the person.
            others: BlazePose's probabilities of other people.

        Returns:
            (H, W) float32, 0 to 1.
        """
        soft = POSE_WEIGHT * own + MATTE_WEIGHT * self.matte(crop) + SELFIE_WEIGHT * self.selfie(crop)
        soft[~_grown(own > SHOWN, round(REACH * max(own.shape)))] = 0
        for other in others:
            soft[other > own] = 0
        soft = np.where(parts_touching(soft > SHOWN, own > SHOWN), soft, 0)
        return soft if mask_iou(soft > SHOWN, own > SHOWN) >= MIN_AGREEMENT else own

    def matte(self, photo: np.ndarray) -> np.ndarray:
        """U^2-Net's saliency map: (H, W, 3) uint8 RGB to (H, W) float32, 0 to 1."""
        pixels = cv2.resize(photo, (MATTE_PX, MATTE_PX), interpolation=cv2.INTER_AREA) / max(1, int(photo.max()))
        values = _as_input((pixels.astype(np.float32) - IMAGENET_MEAN) / IMAGENET_STD)
        (picture,), (finest, *_) = self._matte.get_inputs(), self._matte.get_outputs()
        found = self._matte.run([finest.name], {picture.name: values})[0][0, 0]
        return cv2.resize(found, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)

    def selfie(self, photo: np.ndarray) -> np.ndarray:
        """The selfie model's mask of all people: (H, W, 3) uint8 RGB to (H, W) float32, 0 to 1."""
        pixels = cv2.resize(photo, (SELFIE_PX, SELFIE_PX), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        self._selfie.setInput(_as_input(pixels))
        found = self._selfie.forward().reshape(SELFIE_PX, SELFIE_PX)
        return cv2.resize(found, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)


def without_unsure(poses: Sequence[PoseMask]) -> list[PoseMask]:
    """Drop unsure masks, but not those around a sure one: its box may end at the thighs."""
    sure = [pose for pose in poses if pose.score * pose.presence >= MIN_CERTAINTY]
    around = (
        pose
        for pose in poses
        if pose not in sure and any(part.area < pose.area and _share_inside(part, pose) > SAME_SHARE for part in sure)
    )
    return [*sure, *around]


def merge_duplicates(poses: Sequence[PoseMask]) -> list[PoseMask]:
    """Merge masks of one person, which lie mostly inside each other: keep the better mask and the better score."""
    kept: list[PoseMask] = []
    for pose in sorted(poses, key=lambda pose: (-pose.fit, -pose.area)):
        pairs = (sorted((pose, other), key=lambda pose: pose.area) for other in kept)
        same = next((place for place, pair in enumerate(pairs) if _share_inside(*pair) > SAME_SHARE), None)
        if same is None:
            kept.append(pose)
        else:
            kept[same] = replace(kept[same], score=max(kept[same].score, pose.score))
    return kept


def _share_inside(small: PoseMask, large: PoseMask) -> float:
    """Share of the smaller mask that the larger one contains."""
    left, top, side = small.square
    mask = small.probability > SHOWN
    seen = large.seen_in((left, top, left + side, top + side), (POSE_PX, POSE_PX)) > SHOWN
    return int(np.count_nonzero(mask & seen)) / int(np.count_nonzero(mask))


def without_shared_pixels(people: Sequence[SegmentedPerson]) -> list[SegmentedPerson]:
    """Give each pixel that several masks contain to the person with the best score.

    Of a person who loses pixels, the largest part remains; if that is less than 1 - SAME_SHARE of the mask, nobody.
    """
    taken: np.ndarray | None = None
    kept = []
    for person in sorted(people, key=lambda person: -person.score):
        taken = np.zeros_like(person.mask) if taken is None else taken
        free = person.mask & ~taken
        whole = int(np.count_nonzero(person.mask))
        mask = free if np.count_nonzero(free) == whole else largest_part(free)
        if np.count_nonzero(mask) > (1 - SAME_SHARE) * whole:
            taken |= mask
            kept.append(person_of(mask, person.score))
    return kept


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 8-connected part of a (H, W) bool mask."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))


def _grown(mask: np.ndarray, radius_px: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def parts_touching(mask: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The 8-connected parts of a (H, W) bool mask that share a pixel with the core."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return mask & np.isin(labels, np.unique(labels[mask & core]))


def _square_around(box: Sequence[float], grow: float) -> Square:
    """The square around the middle of a box, `grow` times its longer side."""
    left, top, right, bottom = box
    return _square((left + right) / 2, (top + bottom) / 2, grow * max(right - left, bottom - top))


def _square(x: float, y: float, side: float) -> Square:
    whole = max(1, round(side))
    return round(x - whole / 2), round(y - whole / 2), whole


def _pixels(photo: np.ndarray, square: Square, size_px: int) -> np.ndarray | None:
    """The square of a photo as (size, size, 3) float32, 0 to 1; None if it is entirely outside."""
    left, top, side = square
    if not (-side < left < photo.shape[1] and -side < top < photo.shape[0]):
        return None
    return cv2.resize(_crop(photo, square), (size_px, size_px), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _crop(photo: np.ndarray, square: Square) -> np.ndarray:
    """Crop a square, given as left, top, side in px; black beyond the photo's edges."""
    left, top, side = square
    height, width = photo.shape[:2]
    inside = photo[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    above, before = max(0, -top), max(0, -left)
    below, behind = max(0, top + side - height), max(0, left + side - width)
    return cv2.copyMakeBorder(inside, above, below, before, behind, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def _with_margin(box: Box, photo_shape: tuple[int, ...]) -> Box:
    """Grow the box by CROP_MARGIN, within the photo."""
    left, top, right, bottom = box
    margin = round(CROP_MARGIN * max(right - left, bottom - top))
    height, width = photo_shape[:2]
    return max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)


def _as_input(pixels: np.ndarray) -> np.ndarray:
    """Convert (H, W, 3) to OpenCV's (1, 3, H, W)."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def _content(path: Path) -> np.ndarray:
    """Read a file's bytes; OpenCV itself cannot read paths with accents on Windows."""
    return np.fromfile(path, np.uint8)


def _load_matte(path: Path) -> "onnxruntime.InferenceSession":
    """Load U^2-Net, on as many threads as OpenCV uses."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cv2.getNumThreads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads free their cores
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
