"""How sure MediaPipe's face mesh (Kartynnik et al. 2019, arXiv:1907.06724) is that a box holds a face."""

import cv2
import numpy as np
from PIL import Image

from common.people.selection import Box
from common.weights import EMBEDDED

MESH = "face_landmark.tflite"
MESH_PX = 192  # side of the network's square input
PRESENCE = "conv2d_31"  # its output: the logit
FACE_SIDE = 1.5  # side of the square around a face, over its box's longer side


class FacePresence:
    """The network, loaded once. Not thread-safe."""

    def __init__(self) -> None:
        """Load it; its file must be there."""
        self._network = cv2.dnn.readNetFromTFLite(np.frombuffer(EMBEDDED[MESH].path.read_bytes(), np.uint8))

    def measure(self, photo: Image.Image, box: Box) -> float:
        """Probability, 0 to 1, that a box, XYXY px in an RGB photo, holds a face that looks at the camera."""
        left, top, right, bottom = box
        half = FACE_SIDE * max(right - left, bottom - top) / 2
        square = [
            round(middle + sign * half) for sign in (-1, 1) for middle in ((left + right) / 2, (top + bottom) / 2)
        ]
        crop = photo.crop((square[0], square[1], square[2], square[3]))  # black beyond the photo
        pixels = np.asarray(crop.resize((MESH_PX, MESH_PX), Image.Resampling.BILINEAR, reducing_gap=2))
        self._network.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / 255)
        return float(1 / (1 + np.exp(-self._network.forward(PRESENCE).item())))
