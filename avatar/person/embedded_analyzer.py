"""The analyzer "embedded": gender and age of a face by two small networks of dlib's model collection, run by OpenCV.

Both see the face as in their training: turned and scaled by its eyes, as dlib's 5-point alignment does. The answers
for all looks of the detector, each as it is and mirrored, are averaged, so that mirroring a photo changes little.

How wrong it can be: its authors give 97.3 % right for gender on LFW (github.com/davisking/dlib-models), which is photos
of public figures, more than four fifths of them white and three quarters men (Han and Jain 2014). Systems of this kind
err far more for darker-skinned women: up to 34.7 %, against 0.8 % for lighter-skinned men (Buolamwini and Gebru 2018,
"Gender Shades"). None can see how a person identifies, and it knows two answers only. For age nothing is published.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from avatar.person.face_detector import Face, aligned_face, check_present
from avatar.person.features import Trait
from common.weights import EMBEDDED

NETWORKS = {"gender": "gender-v1.onnx", "age": "age-v1.onnx"}
GENDERS = ("woman", "man")  # in the order of the network's outputs
GENDER_PX, AGE_PX = 32, 64  # what the networks take, squares
CHANNEL_MEANS = np.array([122.782, 117.001, 104.298], np.float32)
# The mean face of dlib's 5-point alignment, between the corners of the left eye, behind a padding of 0.2 on each side.
LEFT_EYE = np.array([(0.2 + 0.2373) / 1.4, (0.2 + 0.2213) / 1.4])
AGE_TOLERANCE = 10  # years around the age within which the network's belief is its score


class EmbeddedAnalyzer:
    """See the module's docstring."""

    device = "CPU"
    infers = tuple(NETWORKS)

    def __init__(self, wanted: Sequence[str] = infers) -> None:
        """Load the networks for these of `infers`. Raises UserError where their files are not there."""
        self.weights = [NETWORKS[trait] for trait in wanted]
        check_present('the analyzer "embedded"', self.weights)
        self._networks = {
            trait: cv2.dnn.readNetFromONNX(np.frombuffer(EMBEDDED[NETWORKS[trait]].path.read_bytes(), np.uint8))
            for trait in wanted
        }

    def analyze(self, photo: Image.Image, face: Face, wanted: Sequence[str]) -> dict[str, Trait]:
        """What is wanted of `infers`, however unsure.

        Args:
            photo: RGB.
            face: in it.
            wanted: names of `infers`, of those that were loaded.
        """
        traits = {}
        if "gender" in wanted:
            shares = _ask(self._networks["gender"], photo, face.eyes, GENDER_PX)
            traits["gender"] = Trait(GENDERS[int(shares.argmax())], float(shares.max()), "embedded")
        if "age" in wanted:
            middle = face.eyes.mean(axis=0, keepdims=True)  # this network takes ten times as long
            shares = _ask(self._networks["age"], photo, middle, AGE_PX)
            years = round(float(shares @ np.arange(len(shares))))
            near = shares[max(0, years - AGE_TOLERANCE) : years + AGE_TOLERANCE + 1]
            traits["age"] = Trait(str(years), min(1.0, float(near.sum())), "embedded")
        return traits


def _ask(network: cv2.dnn.Net, photo: Image.Image, looks: np.ndarray, side_px: int) -> np.ndarray:
    """Mean of the network's answers, shares that sum to 1, for all looks and their mirror images.

    Args:
        network: takes squares of `side_px`.
        photo: RGB.
        looks: (n, 2, 2) eyes, as in `Face`.
        side_px: what the network takes.
    """
    crops = np.stack([aligned_face(photo, eyes, side_px, LEFT_EYE) for eyes in looks])
    crops = np.concatenate([crops, crops[:, :, ::-1]])
    pixels = (crops.astype(np.float32) - CHANNEL_MEANS) / 256
    network.setInput(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    return network.forward().reshape(len(crops), -1).mean(axis=0)
