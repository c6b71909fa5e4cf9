"""The analyzer "deepface": gender and race of a face by DeepFace (Serengil and Ozpinar 2021), from local weights.

DeepFace downloads its weights on first use; this analyzer never downloads. If a file is missing, the error names its
size, path and the command that downloads it.

Accuracy: its authors report 97.4 % for gender and nothing for race (github.com/serengil/deepface). The six races are
labels by which its training photos were sorted, not what people are; mixed people get an arbitrary one. Systems of this
kind err far more for darker-skinned women: up to 34.7 %, against 0.8 % for lighter-skinned men (Buolamwini and Gebru
2018, "Gender Shades"). None can see how a person identifies.
"""

import importlib.util
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from avatar.person.face_detector import DetectedFace, aligned_face
from avatar.person.features import Trait
from common.errors import UserError, enough_memory

Engine = Literal["onnx", "pytorch"]
SUFFIXES: dict[Engine, str] = {"onnx": ".onnx", "pytorch": ".pth"}
PACKAGES: dict[Engine, str] = {"onnx": "onnxruntime", "pytorch": "torch"}
STEMS = {"gender": "gender_model_weights", "race": "race_model_single_batch"}
SIZE_MB = 537  # size of each file; in memory nearly six times as much
SOURCE = "https://github.com/serengil/deepface_models/releases/download/v1.0"
GENDERS = {"Woman": "woman", "Man": "man"}
FACE_PX = 224  # side of the networks' square input
LEFT_EYE = np.array([0.3, 0.36])  # x and y in that square, as DeepFace's own detectors crop a face


class DeepFaceAnalyzer:
    """Infers gender and race; see the module's docstring."""

    infers = ("gender", "race")

    def __init__(self, wanted: Sequence[str], engine: Engine = "onnx", home: Path | None = None) -> None:
        """Import DeepFace and load the networks.

        Args:
            wanted: traits of `infers`.
            engine: library that runs the networks.
            home: folder that contains .deepface/weights; None: $DEEPFACE_HOME or the home folder, as DeepFace has it.

        Raises:
            UserError: DeepFace or the engine is not installed, or weights are missing or damaged.
        """
        for package in ("deepface", PACKAGES[engine]):
            if importlib.util.find_spec(package) is None:
                raise UserError(f'the analyzer "deepface" needs the package {package}; run: pip install {package}')
        home = home or Path(os.environ.get("DEEPFACE_HOME") or Path.home())
        files = {trait: home / ".deepface/weights" / f"{STEMS[trait]}{SUFFIXES[engine]}" for trait in wanted}
        _check_weights(files)
        self.weights = [file.name for file in files.values()]
        os.environ |= {"DEEPFACE_HOME": str(home), "DEEPFACE_BACKEND_ENGINE": engine}
        self._deepface = _import_deepface(engine)
        self.device = _device(engine)
        for trait, file in files.items():
            with enough_memory(f"DeepFace needs 3 GB for {trait}; ANALYZER embedded needs 0.1 GB"):
                _load_network(self._deepface, trait, file)

    def analyze(self, photo: Image.Image, face: DetectedFace, wanted: Sequence[str]) -> dict[str, Trait]:
        """Infer the wanted traits, whatever their scores.

        Args:
            photo: RGB.
            face: face in the photo.
            wanted: loaded traits of `infers`.
        """
        crop = aligned_face(photo, face.eyes.mean(axis=0), FACE_PX, LEFT_EYE)
        blue_first = np.ascontiguousarray(crop[:, :, ::-1])
        result: dict[str, Any] = self._deepface.analyze(
            blue_first, actions=list(wanted), detector_backend="skip", enforce_detection=False, silent=True
        )[0]
        return {trait: _trait(trait, result) for trait in wanted}


def _trait(name: str, result: dict[str, Any]) -> Trait:
    dominant = str(result[f"dominant_{name}"])
    score = min(1.0, float(result[name][dominant]) / 100)
    return Trait(GENDERS[dominant] if name == "gender" else dominant, score, "deepface")


def _check_weights(files: dict[str, Path]) -> None:
    missing = [file for file in files.values() if not file.is_file()]
    if missing:
        commands = " && ".join(f"curl -L --create-dirs -o '{file}' {SOURCE}/{file.name}" for file in missing)
        raise UserError(
            f'the analyzer "deepface" needs weights that are missing, {SIZE_MB} MB each; run: {commands}; or set '
            "ANALYZER to embedded, whose small weights python3 run.py fetch downloads (it infers no race)"
        )


def _import_deepface(engine: Engine) -> Any:
    """Import DeepFace's interface, without its changes to this process's warnings.

    Raises:
        UserError: it was imported before with another engine.
    """
    with warnings.catch_warnings():
        from deepface import DeepFace
        from deepface.commons import backend_utils
    if backend_utils.get_backend_engine() != engine:
        raise UserError(
            f"DeepFace runs with {backend_utils.get_backend_engine()} already; start a new process for {engine}"
        )
    return DeepFace


def _load_network(deepface: Any, trait: str, file: Path) -> None:
    """Load the network of a trait; DeepFace wraps the engines' errors in a ValueError."""
    try:
        deepface.build_model(model_name=trait.capitalize(), task="facial_attribute")
    except ValueError as error:
        if "memory" in str(error.__cause__).lower():
            raise MemoryError from error
        raise UserError(f"{file}: damaged, or not DeepFace weights for this trait; download it again") from error


def _device(engine: Engine) -> str:
    if engine == "pytorch":
        import torch

        return "CUDA" if torch.cuda.is_available() else "CPU"
    import onnxruntime

    return "CUDA" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "CPU"
