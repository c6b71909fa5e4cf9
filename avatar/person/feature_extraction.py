"""Extracts the features of a person from a photo, and draws the picture that shows them."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from avatar.person.appearance import AppearanceMeter
from avatar.person.deepface_analyzer import DeepFaceAnalyzer, Engine
from avatar.person.embedded_analyzer import EmbeddedAnalyzer
from avatar.person.face_detector import WEIGHTS as DETECTOR_WEIGHTS
from avatar.person.face_detector import DetectedFace, FaceDetector
from avatar.person.features import AppearanceTrait, Features, Trait, features_json
from avatar.person.features_picture import draw_fault, draw_features
from avatar.person.trait_classifiers import FOLDER as CLASSIFIERS_FOLDER
from avatar.person.user_photos import UserPhoto
from common.batches import Made
from common.errors import UserError, enough_memory, printable
from common.files import file_stem, sha256_of, utf8
from common.images import png_bytes, read_image
from common.paths import location

AnalyzerName = Literal["deepface", "embedded", "self"]
PICTURE_SUFFIX, FAULT_SUFFIX = "_face", "_fault"  # of picture files, after the person's name
DOMINANT = 2.0  # side of the face of a photo's main person, over that of any other, from which nobody need choose
COMPRESS_LEVEL = 1  # of PNG: writing takes most of the time
TRAITS = ("gender", "race", "age")
INFERS = {
    "deepface": DeepFaceAnalyzer.infers,
    "embedded": EmbeddedAnalyzer.infers,
    "self": (),
}


class Analyzer(Protocol):
    """Infers traits of a person from a face."""

    weights: list[str]
    device: str

    def analyze(self, photo: Image.Image, face: DetectedFace, wanted: Sequence[str]) -> dict[str, Trait]:
        """Infer the wanted traits, whatever their scores."""


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """What may be inferred, and what the person states.

    Attributes:
        analyzer: analyzer that infers; "self": nothing is inferred.
        infer: traits that may be inferred.
        stated: the person's own words by trait; they take precedence, and nothing is inferred for these traits.
        description: the person's own words.
        min_confidence: inferred values with a lower score, 0 to 1, stay empty.
        appearance: measure what the person looks like.
        looks: the person's own words for traits of the appearance; they take precedence over what is measured.
        face: number of the face from the left, from 1; None: the only one, or one that is DOMINANT.
        engine: library that runs DeepFace.
        deepface_home: folder of DeepFace's weights; None: DeepFace's own.
    """

    analyzer: AnalyzerName = "deepface"
    infer: tuple[str, ...] = ()
    stated: dict[str, str] = field(default_factory=dict)
    description: str = ""
    min_confidence: float = 0.7
    appearance: bool = True
    looks: dict[str, AppearanceTrait] = field(default_factory=dict)
    face: int | None = None
    engine: Engine = "onnx"
    deepface_home: Path | None = None

    def __post_init__(self) -> None:
        """Check that the analyzer can infer the traits. Raises UserError."""
        for trait in self.infer:
            if trait not in INFERS[self.analyzer]:
                able = [f'"{name}"' for name, traits in INFERS.items() if trait in traits]
                raise UserError(
                    f'setting INFER_{trait.upper()} is on, but ANALYZER "{self.analyzer}" infers no {trait}; '
                    f"ANALYZER {' or '.join(able)} does, or state it yourself: {trait.upper()}"
                )

    @property
    def asked(self) -> tuple[str, ...]:
        """The traits to infer: allowed, and not stated by the person."""
        return tuple(trait for trait in self.infer if not self.stated.get(trait))

    def load_analyzer(self) -> Analyzer | None:
        """Load the analyzer; None if nothing is inferred. Raises UserError if weights or libraries are missing."""
        if not self.asked:
            return None
        if self.analyzer == "deepface":
            return DeepFaceAnalyzer(self.asked, self.engine, self.deepface_home)
        return EmbeddedAnalyzer(self.asked)


class Extractor:
    """Extracts features; detector and analyzer are loaded once."""

    def __init__(self, settings: ExtractionSettings) -> None:
        """Load what is needed. Raises UserError if weights or libraries are missing."""
        self._settings = settings
        self._detector = FaceDetector()
        self._analyzer = settings.load_analyzer()
        self._meter = AppearanceMeter() if settings.appearance else None
        self._used = {
            "weights": list(
                dict.fromkeys(
                    [
                        *DETECTOR_WEIGHTS,
                        *(self._analyzer.weights if self._analyzer else []),
                        *(self._meter.weights if self._meter else []),
                    ]
                )
            ),
            "device": self._analyzer.device if self._analyzer else self._detector.device,
        }

    def __call__(self, user_photo: UserPhoto) -> Made:
        """Extract the features of one photo: NAME.json and NAME_face.png.

        If no face can be chosen, the result is NAME_fault.png, which shows the faces that were found, and a fault.

        Raises:
            UserError: the photo cannot be read; like a fault, the message does not name the photo.
        """
        stem = file_stem(user_photo.name)
        try:
            image = read_image(user_photo.photo, "RGB")
        except UserError as error:
            raise UserError(str(error).removeprefix(f"{user_photo.photo}: ")) from error
        with enough_memory("use a smaller photo"):
            faces = self._detector.find_faces(image)
            problem = self._problem_with(faces)
            if problem is not None:
                picture = draw_fault(image, faces, user_photo.photo.name, *problem)
                file = f"{stem}{FAULT_SUFFIX}.png"
                content = {file: png_bytes(picture, COMPRESS_LEVEL)}
                return Made(content, fault=f"{'; '.join(problem)} (see {file})", passing=self._used)
            face = self._chosen(faces)
            examined = self._meter.examine(np.asarray(image), face.box) if self._meter and face else None
            features = self._features_of(user_photo, image, face)
            if examined:
                features = replace(features, appearance=dict(examined.appearance.items()))
            features = replace(features, appearance=features.appearance | self._settings.looks)
            picture = draw_features(image, features, f"{stem}.json", examined)
        files = {
            f"{stem}{PICTURE_SUFFIX}.png": png_bytes(picture, COMPRESS_LEVEL),
            f"{stem}.json": utf8(features_json(features, origin_of(user_photo, self._settings))),
        }
        return Made(files, passing=self._used | {"faces": len(faces)})

    def _chosen(self, faces: Sequence[DetectedFace]) -> DetectedFace | None:
        """The face of the setting, else the largest one."""
        if self._settings.face is not None:
            return faces[self._settings.face - 1]
        return max(faces, key=lambda face: face.side, default=None)

    def _problem_with(self, faces: Sequence[DetectedFace]) -> tuple[str, str] | None:
        """What prevents the choice of one face, and the remedy; with the analyzer "self" there may be no face."""
        wanted, found = self._settings.face, len(faces)
        if not faces:
            if self._settings.analyzer == "self" and wanted is None:
                return None
            remedy = "use a photo in which one face looks at the camera, or crop it closer; ANALYZER self needs no face"
            return "no face found", remedy
        if wanted is None:
            sides = sorted(face.side for face in faces)
            if found == 1 or sides[-1] >= DOMINANT * sides[-2]:
                return None
            remedy = f"choose one by FACE, 1 to {found} from the left, in a run of this photo alone"
            return f"{found} faces found", remedy
        if wanted > found:
            what = f"{found} face{'s' * (found > 1)} found, but FACE is {wanted}"
            return what, f"FACE may be 1 to {found}, from the left"
        return None

    def _features_of(self, user_photo: UserPhoto, image: Image.Image, face: DetectedFace | None) -> Features:
        settings = self._settings
        inferred = self._analyzer.analyze(image, face, settings.asked) if self._analyzer and face else {}
        traits = {trait: Trait(settings.stated[trait], None, "self") for trait in TRAITS if settings.stated.get(trait)}
        for trait, found in inferred.items():
            score = round(found.score or 0.0, 4)
            sure = score >= settings.min_confidence
            traits[trait] = Trait(found.value, score, found.source) if sure else Trait("", score, "unsure")
        return Features(
            name=printable(user_photo.name),
            photo=location(user_photo.photo),
            photo_sha256=sha256_of(user_photo.photo),
            face_box=face.box if face else None,
            face_confidence=round(face.score, 4) if face else None,
            gender=traits.get("gender", Trait()),
            race=traits.get("race", Trait()),
            age=traits.get("age", Trait()),
            description=settings.description.strip(),
            taste=user_photo.taste,
        )


def origin_of(user_photo: UserPhoto, settings: ExtractionSettings) -> str:
    """Hash of everything from which the features of a photo are made."""
    photo = user_photo.photo
    facts = [location(photo), sha256_of(photo), user_photo.name, user_photo.taste, asdict(settings)]
    if settings.appearance:
        facts.append(_version_of_classifiers())
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


@functools.cache
def _version_of_classifiers() -> list[str]:
    """What changes with the weights by which appearance is measured."""
    return [sha256_of(path) for path in sorted(CLASSIFIERS_FOLDER.glob("*.onnx"))]
