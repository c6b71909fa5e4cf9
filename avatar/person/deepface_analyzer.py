"""The analyzer "deepface": gender and race of a face by DeepFace (Serengil and Ozpinar 2021), run on weights on disk.

DeepFace itself would fetch its weights on first use; here nothing is fetched: where a file is missing, its name, size,
place and the command to get it are said.

How wrong it can be: its authors give 97.4 % right for gender and nothing for race (github.com/serengil/deepface). The
six races are labels that its training photos were sorted by, not what people are; who is mixed or between them gets an
arbitrary one. Systems of this kind err far more for darker-skinned women: up to 34.7 %, against 0.8 % for lighter-
skinned men (Buolamwini and Gebru 2018, "Gender Shades"). None can see how a person identifies.
"""

import importlib.util
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from avatar.person.face_detector import Face, aligned_face
from avatar.person.features import Trait
from common.errors import UserError, enough_memory

Engine = Literal["onnx", "pytorch"]
SUFFIXES: dict[Engine, str] = {"onnx": ".onnx", "pytorch": ".pth"}
PACKAGES: dict[Engine, str] = {"onnx": "onnxruntime", "pytorch": "torch"}
STEMS = {"gender": "gender_model_weights", "race": "race_model_single_batch"}
SIZE_MB = 537  # of each file, in memory nearly the sixfold
SOURCE = "https://github.com/serengil/deepface_models/releases/download/v1.0"
GENDERS = {"Woman": "woman", "Man": "man"}
FACE_PX = 224  # what its networks take, squares
LEFT_EYE = np.array([0.3, 0.36])  # in the square: the box of a face, as its own detectors cut it


class DeepFaceAnalyzer:
    """See the module's docstring."""

    infers = ("gender", "race")

    def __init__(self, wanted: Sequence[str], engine: Engine = "onnx", home: Path | None = None) -> None:
        """Check that all is there, import DeepFace and load the networks.

        Args:
            wanted: names of `infers`.
            engine: what runs the networks.
            home: the folder that holds .deepface/weights; None: DeepFace's own, $DEEPFACE_HOME or the home folder.

        Raises:
            UserError: DeepFace or the engine is not installed, or weights are missing or damaged.
        """
        for package in ("deepface", PACKAGES[engine]):
            if importlib.util.find_spec(package) is None:
                raise UserError(f'the analyzer "deepface" needs the package {package}; pip install {package}')
        home = home or Path(os.environ.get("DEEPFACE_HOME") or Path.home())
        files = {trait: home / ".deepface/weights" / f"{STEMS[trait]}{SUFFIXES[engine]}" for trait in wanted}
        _check_weights(files)
        self.weights = [file.name for file in files.values()]
        os.environ |= {"DEEPFACE_HOME": str(home), "DEEPFACE_BACKEND_ENGINE": engine}
        self._deepface = _import_deepface(engine)
        self.device = _device(engine)
        for trait, file in files.items():
            with enough_memory(f"DeepFace needs 3 GB for each network; ANALYZER embedded needs 0.1 ({trait})"):
                _load(self._deepface, trait, file)

    def analyze(self, photo: Image.Image, face: Face, wanted: Sequence[str]) -> dict[str, Trait]:
        """What is wanted of `infers`, however unsure.

        Args:
            photo: RGB.
            face: in it.
            wanted: names of `infers`, of those that were loaded.
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
            f'the analyzer "deepface" needs weights that are not here, {SIZE_MB} MB each: {commands}; or ANALYZER '
            "embedded, whose weights are small and come with python3 run.py fetch (no race)"
        )


def _import_deepface(engine: Engine) -> Any:
    """DeepFace's front door, imported without its changes to the warnings of this process.

    Raises:
        UserError: it was imported before, with another engine.
    """
    with warnings.catch_warnings():
        from deepface import DeepFace
        from deepface.commons import backend_utils
    if backend_utils.get_backend_engine() != engine:
        raise UserError(f"DeepFace runs with {backend_utils.get_backend_engine()} already; start anew for {engine}")
    return DeepFace


def _load(deepface: Any, trait: str, file: Path) -> None:
    with _named(file):
        deepface.build_model(model_name=trait.capitalize(), task="facial_attribute")


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Name the file where DeepFace cannot load it; it wraps the engines' errors in a ValueError."""
    try:
        yield
    except ValueError as error:
        if "memory" in str(error.__cause__).lower():
            raise MemoryError from error
        raise UserError(f"{file}: damaged, or no weights of DeepFace for this; fetch it anew") from error


def _device(engine: Engine) -> str:
    if engine == "pytorch":
        import torch

        return "CUDA" if torch.cuda.is_available() else "CPU"
    import onnxruntime

    return "CUDA" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "CPU"
