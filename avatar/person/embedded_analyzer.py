"""The analyzer "embedded": gender and age of a face by two small networks of dlib's model collection, run by OpenCV.

Both see the face as in their training, rotated and scaled by its eyes as by dlib's 5-point alignment. Predictions are
averaged over the detector's checks and their mirror images, so that mirroring a photo changes little.

Accuracy: its authors report 97.3 % for gender on LFW (github.com/davisking/dlib-models), photos of public figures, more
than four fifths of them white and three quarters men (Han and Jain 2014). Systems of this kind err far more for
darker-skinned women: up to 34.7 %, against 0.8 % for lighter-skinned men (Buolamwini and Gebru 2018, "Gender Shades").
None can see how a person identifies, and this one has two answers only. No figure for age is published.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from avatar.person.face_detector import DetectedFace, aligned_face, check_present
from avatar.person.features import Trait
from common.weights import EMBEDDED

NETWORKS = {"gender": "gender-v1.onnx", "age": "age-v1.onnx"}
GENDERS = ("woman", "man")  # order of the network's outputs
GENDER_PX, AGE_PX = 32, 64  # sides of the networks' square inputs
CHANNEL_MEANS = np.array([122.782, 117.001, 104.298], np.float32)
# The left eye (centre of its corners) in the mean face of dlib's 5-point alignment with a padding of 0.2 on each side.
LEFT_EYE = np.array([(0.2 + 0.2373) / 1.4, (0.2 + 0.2213) / 1.4])
AGE_TOLERANCE = 10  # years; the score is the probability of an age within this of the estimate


class EmbeddedAnalyzer:
    """Infers gender and age; see the module's docstring."""

    device = "CPU"
    infers = tuple(NETWORKS)

    def __init__(self, wanted: Sequence[str] = infers) -> None:
        """Load the networks for these traits of `infers`. Raises UserError if their files are missing."""
        self.weights = [NETWORKS[trait] for trait in wanted]
        check_present('the analyzer "embedded"', self.weights)
        self._networks = {
            trait: cv2.dnn.readNetFromONNX(np.frombuffer(EMBEDDED[NETWORKS[trait]].path.read_bytes(), np.uint8))
            for trait in wanted
        }

    def analyze(self, photo: Image.Image, face: DetectedFace, wanted: Sequence[str]) -> dict[str, Trait]:
        """Infer the wanted traits, whatever their scores.

        Args:
            photo: RGB.
            face: face in the photo.
            wanted: loaded traits of `infers`.
        """
        traits = {}
        if "gender" in wanted:
            shares = _mean_prediction(self._networks["gender"], photo, face.eyes, GENDER_PX)
            traits["gender"] = Trait(GENDERS[int(shares.argmax())], float(shares.max()), "embedded")
        if "age" in wanted:
            middle = face.eyes.mean(axis=0, keepdims=True)  # this network is ten times slower, so it sees the mean only
            shares = _mean_prediction(self._networks["age"], photo, middle, AGE_PX)
            years = round(float(shares @ np.arange(len(shares))))
            near = shares[max(0, years - AGE_TOLERANCE) : years + AGE_TOLERANCE + 1]
            traits["age"] = Trait(str(years), min(1.0, float(near.sum())), "embedded")
        return traits


def _mean_prediction(network: cv2.dnn.Net, photo: Image.Image, eyes: np.ndarray, side_px: int) -> np.ndarray:
    """Mean of the network's probabilities over all pairs of eyes and their mirror images.

    Args:
        network: classifier of square pictures.
        photo: RGB.
        eyes: (n, 2, 2) as in `DetectedFace`.
        side_px: side of the network's input.
    """
    crops = np.stack([aligned_face(photo, pair, side_px, LEFT_EYE) for pair in eyes])
    crops = np.concatenate([crops, crops[:, :, ::-1]])
    pixels = (crops.astype(np.float32) - CHANNEL_MEANS) / 256
    network.setInput(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    return network.forward().reshape(len(crops), -1).mean(axis=0)
