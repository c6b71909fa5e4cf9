"""From a photo to the features of the person on it, and the picture that shows what was found."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from PIL import Image

from avatar.person.deepface_analyzer import DeepFaceAnalyzer, Engine
from avatar.person.embedded_analyzer import EmbeddedAnalyzer
from avatar.person.face_detector import WEIGHTS as DETECTOR_WEIGHTS
from avatar.person.face_detector import Face, FaceDetector
from avatar.person.features import Features, Trait, is_edited, made_from, write_features
from avatar.person.features_picture import draw_fault, draw_features, face_tile
from avatar.person.visitors import Sitter
from common.errors import UserError, enough_memory
from common.files import FAULTS, file_stem, sha256_of, write_faults
from common.grids import evenly, picture_grid
from common.images import read_image, write_png
from common.paths import shown

AnalyzerName = Literal["deepface", "embedded", "self"]
PICTURE_SUFFIX, FAULT_SUFFIX = "_face", "_fault"  # of the pictures' names, behind the person's
COMPRESS_LEVEL = 1  # of PNG: writing takes most of the time
TRAITS = ("gender", "race", "age")
INFERS = {
    "deepface": DeepFaceAnalyzer.infers,
    "embedded": EmbeddedAnalyzer.infers,
    "self": (),
}


class Analyzer(Protocol):
    """Says what a face looks like to a network."""

    weights: list[str]
    device: str

    def analyze(self, photo: Image.Image, face: Face, wanted: Sequence[str]) -> dict[str, Trait]:
        """The wanted traits with their scores, however unsure."""


@dataclass(frozen=True)
class Wishes:
    """What a person allows and says.

    Attributes:
        analyzer: what infers; "self": nothing does.
        infer: the traits that may be inferred.
        stated: what the person says, by trait; wins over inference, which then does not run for it.
        description: the person's own words.
        min_confidence: 0 to 1; what is inferred with less stays empty.
        face: which face from the left, from 1; None: there must be one only.
        engine: of DeepFace.
        deepface_home: of DeepFace's weights.
    """

    analyzer: AnalyzerName = "deepface"
    infer: tuple[str, ...] = ()
    stated: dict[str, str] = field(default_factory=dict)
    description: str = ""
    min_confidence: float = 0.7
    face: int | None = None
    engine: Engine = "onnx"
    deepface_home: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself. Raises UserError."""
        if self.analyzer not in INFERS:
            raise UserError(f"setting ANALYZER is {self.analyzer!r}; it must be one of {', '.join(INFERS)}")
        for trait in self.infer:
            if trait not in INFERS[self.analyzer]:
                able = [f'"{name}"' for name, traits in INFERS.items() if trait in traits]
                raise UserError(
                    f'setting INFER_{trait.upper()} is on, but ANALYZER "{self.analyzer}" infers no {trait}; '
                    f"ANALYZER {' or '.join(able)} does, or say it yourself: {trait.upper()}"
                )
        if self.face is not None and self.face < 1:
            raise UserError(f"setting FACE is {self.face}; faces are counted from 1, from the left")

    @property
    def asked(self) -> tuple[str, ...]:
        """The traits that really are inferred: allowed, and not said by the person."""
        return tuple(trait for trait in self.infer if not self.stated.get(trait))


@dataclass(frozen=True)
class Result:
    """What came of one photo: its files, and whether what was there already was kept."""

    features: Path
    picture: Path
    kept: Literal["", "same", "edited"] = ""

    def describe(self) -> str:
        """The line for the screen."""
        if self.kept == "edited":
            return f"kept: {shown(self.features)}, which was edited; OVERWRITE replaces it"
        return f"{'as it was' if self.kept else 'written'}: {shown(self.features)}, {shown(self.picture)}"


class Extractor:
    """Detector and analyzer, loaded once; the analyzer only where something is to be inferred."""

    def __init__(self, wishes: Wishes, output: Path, overwrite: bool = False) -> None:
        """Load what is needed. Raises UserError where weights or libraries are not there."""
        self.wishes, self.output, self.overwrite = wishes, output, overwrite
        self.detector = FaceDetector()
        self.analyzer: Analyzer | None = None
        if wishes.asked and wishes.analyzer == "deepface":
            self.analyzer = DeepFaceAnalyzer(wishes.asked, wishes.engine, wishes.deepface_home)
        elif wishes.asked:
            self.analyzer = EmbeddedAnalyzer(wishes.asked)

    @property
    def weights(self) -> list[str]:
        """Names of all weights that run."""
        return [*DETECTOR_WEIGHTS, *(self.analyzer.weights if self.analyzer else [])]

    @property
    def device(self) -> str:
        """Where the analyzer runs, or the detector where nothing is inferred."""
        return self.analyzer.device if self.analyzer else self.detector.device

    def extract(self, sitter: Sitter) -> Result:
        """Write NAME.json and NAME_face.png into the output folder; a JSON that a person edited is kept.

        Raises:
            UserError: the photo cannot be read, shows no face, or several of which none was chosen. Where it is
                about faces, NAME_fault.png shows what was found and the message names it.
        """
        photo, stem = sitter.photo, file_stem(sitter.name)
        result = Result(self.output / f"{stem}.json", self.output / f"{stem}{PICTURE_SUFFIX}.png")
        fault = self.output / f"{stem}{FAULT_SUFFIX}.png"
        if result.features.exists() and not self.overwrite and photo.is_file():
            if is_edited(result.features):
                return Result(result.features, result.picture, "edited")
            if made_from(result.features) == self._origin(sitter) and result.picture.exists():
                return Result(result.features, result.picture, "same")
        image = read_image(photo, "RGB")
        with enough_memory("use a smaller photo"):
            face = self._choose(photo, image, fault, self.detector.find_faces(image))
            features = self._describe(sitter, image, face)
        write_png(result.picture, draw_features(image, features, result.features.name), COMPRESS_LEVEL)
        write_features(result.features, features, self._origin(sitter))
        fault.unlink(missing_ok=True)
        return result

    def _origin(self, sitter: Sitter) -> str:
        who = [str(sitter.photo.resolve()), sha256_of(sitter.photo), sitter.name, sitter.taste]
        facts = [*who, asdict(self.wishes), self.weights]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def _choose(self, photo: Path, image: Image.Image, picture: Path, faces: Sequence[Face]) -> Face | None:
        """The one face, or the one that was chosen; for the analyzer "self" there may be none."""
        wanted = self.wishes.face
        if wanted is None and len(faces) == 1:
            return faces[0]
        if wanted is not None and wanted <= len(faces):
            return faces[wanted - 1]
        if not faces and self.wishes.analyzer == "self" and wanted is None:
            return None
        if not faces:
            what = "no face found"
            remedy = "take a photo in which one looks at the camera, or crop it closer; ANALYZER self needs no face"
        elif wanted is None:
            what = f"{len(faces)} faces found"
            remedy = f"say which one by FACE, 1 to {len(faces)} from the left"
        else:
            what = f"{len(faces)} face{'s' * (len(faces) > 1)} found, but FACE is {wanted}"
            remedy = f"FACE may be 1 to {len(faces)}, from the left"
        write_png(picture, draw_fault(image, faces, photo.name, what, remedy), COMPRESS_LEVEL)
        raise UserError(f"{photo}: {what}; {remedy} (see {shown(picture)})")

    def _describe(self, sitter: Sitter, image: Image.Image, face: Face | None) -> Features:
        wishes = self.wishes
        inferred = self.analyzer.analyze(image, face, wishes.asked) if self.analyzer and face else {}
        traits = {trait: Trait(wishes.stated[trait], None, "self") for trait in TRAITS if wishes.stated.get(trait)}
        for trait, found in inferred.items():
            score = round(found.score or 0.0, 4)
            sure = score >= wishes.min_confidence
            traits[trait] = Trait(found.value, score, found.source) if sure else Trait("", score, "unsure")
        return Features(
            name=sitter.name,
            photo=str(sitter.photo.resolve()),
            photo_sha256=sha256_of(sitter.photo),
            face_box=face.box if face else None,
            face_confidence=round(face.score, 4) if face else None,
            gender=traits.get("gender", Trait()),
            race=traits.get("race", Trait()),
            age=traits.get("age", Trait()),
            description=wishes.description.strip(),
            taste=sitter.taste,
        )


def extract_all(extractor: Extractor, sitters: Sequence[Sitter], faults: dict[str, str]) -> list[Result]:
    """All people, with a progress bar; a photo at fault is noted in `faults` and the rest goes on."""
    from tqdm import tqdm

    results = []
    for sitter in tqdm(sitters, desc="features", unit="photo"):
        try:
            results.append(extractor.extract(sitter))
        except UserError as error:
            faults[sitter.photo.name] = str(error).removeprefix(f"{sitter.photo}: ")
    return results


def finish_folder(output: Path, results: Sequence[Result], faults: dict[str, str], tiles: int) -> None:
    """Write faults.csv, and a contact sheet of people who are spread over the whole folder.

    Raises:
        UserError: nobody has features.
    """
    write_faults(output, faults)
    if not results:
        raise UserError(f"nobody has features; {len(faults)} photos skipped, listed in {shown(output / FAULTS)}")
    pictures = [result.picture for result in results if result.picture.exists()]
    some = evenly(pictures, tiles)
    if some:
        names = [path.stem.removesuffix(PICTURE_SUFFIX) for path in some]
        openers = [functools.partial(face_tile, path) for path in some]
        write_png(output / "contact_sheet.png", picture_grid(openers, names, 4, 320, f"{len(results)} people"))
