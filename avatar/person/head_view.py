"""One head, upright and at one scale, with the points of its face: what all measures of appearance look at.

MediaPipe's face mesh (Kartynnik et al. 2019, arXiv:1907.06724) gives 468 points and how sure it is that there is a
face; its selfie model gives the person's matte. Both run by OpenCV. What their inner layers see is kept: the small
classifiers of `trait_networks` read it, so that they cost nothing more.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.person.face_detector import check_present
from avatar.person.face_presence import FACE_SIDE, MESH, MESH_PX, PRESENCE
from common.people.selection import Box
from common.weights import EMBEDDED

SELFIE = "selfie_segmentation.tflite"
WEIGHTS = (MESH, SELFIE)
SELFIE_PX = 256  # side of its square input
POINTS, MESH_LAYER = "conv2d_21", "p_re_lu_12"
MATTE, SELFIE_LAYER = "activation_10", "add_4__xeno_compat__1"
HEAD_SIDE = 2.6  # side of the square around a head, over the height of the face from the hairline to the chin
CLOSE_PX, CLOSER = 256, 2  # side of the square around the face alone, and how much larger it shows it
OUTER_EYES = (33, 263)  # corners of the eyes: left and right as the viewer sees them
TOP, CHIN, LEFT, RIGHT, NOSE = 10, 152, 234, 454, 1
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class HeadView:
    """A head in a square, its eyes level.

    Attributes:
        pixels: (SELFIE_PX, SELFIE_PX, 3) uint8 RGB; beyond the photo its edge goes on.
        close: (CLOSE_PX, CLOSE_PX, 3) uint8 RGB, the middle of `pixels`, CLOSER times as large, from the photo itself.
        matte: (SELFIE_PX, SELFIE_PX) float32, 0 to 1, the person.
        inside: (SELFIE_PX, SELFIE_PX) bool, what the photo shows.
        points: (468, 3) float64, the face mesh, px of the square; the third one is the depth, less is nearer.
        presence: 0 to 1, that there is a face.
        scale: px of the square for one px of the photo.
        face_layer: (128, 12, 12) float32, what the mesh's network sees of the face.
        head_layer: (128, 12, 12) float32, what it sees of the whole square.
        selfie_layer: (32, 16, 16) float32, what the selfie model sees of the whole square.
    """

    pixels: np.ndarray
    close: np.ndarray
    matte: np.ndarray
    inside: np.ndarray
    points: np.ndarray
    presence: float
    scale: float
    face_layer: np.ndarray
    head_layer: np.ndarray
    selfie_layer: np.ndarray

    @property
    def close_points(self) -> np.ndarray:
        """(468, 2) float64, the face mesh, px of `close`."""
        return (self.points[:, :2] - SELFIE_PX / 2) * CLOSER + CLOSE_PX / 2

    @property
    def face_height(self) -> float:
        """From the hairline to the chin, px of the square."""
        return float(np.linalg.norm(self.points[TOP, :2] - self.points[CHIN, :2]))

    @property
    def turn(self) -> float:
        """How far the face looks aside: 0 straight, 1 where the nose reaches the edge of the face."""
        left, right, nose = (self.points[point, 0] for point in (LEFT, RIGHT, NOSE))
        return float(abs(2 * nose - left - right) / max(1.0, right - left))


class HeadViewer:
    """Both networks, loaded once. For one thread at a time."""

    def __init__(self) -> None:
        """Load them. Raises UserError where their files are not there."""
        check_present("measuring appearance", WEIGHTS)
        self._mesh, self._selfie = (
            cv2.dnn.readNetFromTFLite(np.frombuffer(EMBEDDED[name].path.read_bytes(), np.uint8)) for name in WEIGHTS
        )

    def look(self, photo: np.ndarray, box: Box) -> HeadView:
        """The head around a face.

        Args:
            photo: (H, W, 3) uint8 RGB.
            box: box of the face, XYXY px, from the brows to the chin.
        """
        left, top, right, bottom = box
        middle = np.array([left + right, top + bottom]) / 2
        points, _, _ = self._find_points(
            photo, _to_square(middle, FACE_SIDE * max(right - left, bottom - top), 0.0, MESH_PX)
        )
        eyes = points[OUTER_EYES[1], :2] - points[OUTER_EYES[0], :2]
        angle = float(np.arctan2(eyes[1], eyes[0]))
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        matrix = _to_square((low + high) / 2, FACE_SIDE * float((high - low).max()), angle, MESH_PX)
        points, presence, face_layer = self._find_points(photo, matrix)
        side = HEAD_SIDE * float(np.linalg.norm(points[TOP, :2] - points[CHIN, :2]))
        middle = (points[TOP, :2] + points[CHIN, :2]) / 2
        to_head = _to_square(middle, side, angle, SELFIE_PX)
        pixels = _warp(photo, to_head, SELFIE_PX)
        close = _warp(photo, _to_square(middle, side * CLOSE_PX / (SELFIE_PX * CLOSER), angle, CLOSE_PX), CLOSE_PX)
        ones = np.full(photo.shape[:2], 255, np.uint8)
        inside = cv2.warpAffine(ones, to_head, (SELFIE_PX, SELFIE_PX)) > 127
        self._selfie.setInput(_as_input(pixels))
        matte, selfie_layer = self._selfie.forward([MATTE, SELFIE_LAYER])
        self._mesh.setInput(_as_input(cv2.resize(pixels, (MESH_PX, MESH_PX), interpolation=cv2.INTER_AREA)))
        head_layer = self._mesh.forward(MESH_LAYER)
        scale = SELFIE_PX / side
        points = np.column_stack([points[:, :2] @ to_head[:, :2].T + to_head[:, 2], points[:, 2] * scale])
        return HeadView(
            pixels,
            close,
            matte[0, 0],
            inside,
            points,
            presence,
            scale,
            face_layer,
            head_layer[0].copy(),
            selfie_layer[0].copy(),
        )

    def _find_points(self, photo: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """(468, 3) px of the photo, presence 0 to 1 and the inner layer, from the square that a matrix leads to."""
        self._mesh.setInput(_as_input(_warp(photo, matrix, MESH_PX)))
        presence, values, layer = self._mesh.forward([PRESENCE, POINTS, MESH_LAYER])
        points = values.reshape(-1, 3).astype(np.float64)
        back = cv2.invertAffineTransform(matrix)
        scale = float(np.hypot(back[0, 0], back[0, 1]))
        points = np.column_stack([points[:, :2] @ back[:, :2].T + back[:, 2], points[:, 2] * scale])
        return points, float(1 / (1 + np.exp(-presence.item()))), layer[0].copy()


def _to_square(middle: np.ndarray, side: float, angle: float, size_px: int) -> np.ndarray:
    """(2, 3) matrix from the photo to a square of size_px around `middle`, whose upper edge rises by `angle`."""
    scale = size_px / max(side, 1.0)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, size_px / 2 - turn @ middle])


def _warp(photo: np.ndarray, matrix: np.ndarray, size_px: int) -> np.ndarray:
    """The square that a matrix leads to; what shrinks is averaged first, so that nothing flickers."""
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    if scale < 0.5:
        size = max(1, round(photo.shape[1] * 2 * scale)), max(1, round(photo.shape[0] * 2 * scale))
        shrunk = np.array([size[0] / photo.shape[1], size[1] / photo.shape[0]])
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        matrix = np.column_stack([matrix[:, :2] / shrunk, matrix[:, 2]])
    return cv2.warpAffine(photo, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _as_input(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 to the (1, 3, H, W) float32 from 0 to 1 that both networks take."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / 255
