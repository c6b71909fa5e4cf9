"""Features of a person: the JSON that FeatureExtractor.py proposes, people edit, and avatars are generated from.

Every trait names its source. A person's own words take precedence: they are used as typed, and beside a description no
inferred trait enters the prompt.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from common.errors import UserError, raise_faults
from common.files import JSON_ERRORS, no_file, read_json
from common.genres import GENRES
from common.people.selection import Box

T = TypeVar("T")
TraitSource = Literal["deepface", "embedded", "measured", "self", "off", "unsure"]
SOURCES: tuple[TraitSource, ...] = get_args(TraitSource)
TOP_GENRES = 3
MAX_BYTES = 1 << 20  # largest file that is read; a features JSON has about 1500 bytes
ABOUT = (
    "A proposal: change or empty any value; the next scripts use what you write. If you change a trait, set its source "
    'to "self". A "description" takes precedence over everything inferred. top_genres is computed from taste.'
)
KEYS = (
    "about", "name", "photo", "photo_sha256", "face", "gender", "race", "age", "appearance", "description", "taste",
    "top_genres", "made",
)  # fmt: skip
APPEARANCE = ("skin_tone", "hair_colour", "hair_length", "hair_shape", "glasses", "facial_hair", "headwear")

KEPT = ("value", "score", "source")  # keys that every trait of a JSON has


@dataclass(frozen=True)
class Trait:
    """One trait of a person.

    Attributes:
        value: text; empty: does not enter the prompt.
        score: confidence of the analyzer, 0 to 1; None if it gives none, and for a person's own words.
        source: an analyzer; "measured": the pixels of the photo; "self": the person's own words; "off": inference
            was off; "unsure": the confidence was too low, and the value is empty.
    """

    value: str = ""
    score: float | None = None
    source: TraitSource = "off"


@dataclass(frozen=True)
class AppearanceTrait(Trait):
    """One trait of how the person looks in the photo.

    Attributes:
        reason: why the value is empty.
        monk: step on the Monk Skin Tone scale, 1 to 10; of the skin alone.
        lab: measured colour, L from 0 to 100; of skin and hair alone.
    """

    reason: str = ""
    monk: int | None = None
    lab: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Features:
    """Features of one person.

    Attributes:
        name: name of the person, any text.
        photo: path of the photo; empty if there is none.
        photo_sha256: hash of the photo, 64 hexadecimal digits; empty if there is none.
        face_box: XYXY px in the upright photo, right and lower edge exclusive; None if no face is known.
        face_confidence: confidence of the face detector, 0 to 1.
        gender: gender as a word.
        race: race as a word.
        age: age in years, or any words.
        appearance: traits of APPEARANCE by name; empty if they were not measured.
        description: the person's own words; they take precedence over what was inferred.
        taste: 0 to 1 for every genre of GENRES.
    """

    name: str
    photo: str
    photo_sha256: str
    face_box: Box | None = None
    face_confidence: float | None = None
    gender: Trait = Trait()
    race: Trait = Trait()
    age: Trait = Trait()
    appearance: dict[str, AppearanceTrait] = field(default_factory=dict)
    description: str = ""
    taste: dict[str, float] = field(default_factory=lambda: dict.fromkeys(GENRES, 0.0))

    @property
    def top_genres(self) -> list[tuple[str, float]]:
        """Up to three strongest genres with weights that sum to 1; ties follow the order of GENRES."""
        liked = sorted((genre for genre in GENRES if self.taste[genre] > 0), key=lambda genre: -self.taste[genre])
        total = math.fsum(self.taste[genre] for genre in liked[:TOP_GENRES])
        return [(genre, self.taste[genre] / total) for genre in liked[:TOP_GENRES]]


def parse_appearance(text: str) -> dict[str, AppearanceTrait]:
    """Read a person's own words for traits of APPEARANCE, such as "hair_colour=grey, glasses=none".

    Raises:
        UserError: a part is not of the form trait=word, or the trait is unknown.
    """
    traits: dict[str, AppearanceTrait] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, word = (piece.strip() for piece in part.partition("="))
        if not equals or name not in APPEARANCE:
            raise UserError(f"{part!r}: must be trait=word, with a trait of {', '.join(APPEARANCE)}")
        traits[name] = AppearanceTrait(word, None, "self")
    return traits


# ---- writing ----


def features_json(features: Features, origin: str = "") -> str:
    """Format features as JSON, with a hash by which `is_edited` recognises later edits.

    Args:
        features: features of one person.
        origin: hash of everything that the features were made from; it is stored in the file.
    """
    content: dict[str, Any] = {
        "about": ABOUT,
        "name": features.name,
        "photo": features.photo,
        "photo_sha256": features.photo_sha256,
        "face": {"box": features.face_box, "confidence": features.face_confidence},
        "gender": asdict(features.gender),
        "race": asdict(features.race),
        "age": asdict(features.age),
        **({"appearance": _appearance_json(features.appearance)} if features.appearance else {}),
        "description": features.description,
        "taste": {genre: round(features.taste[genre], 4) for genre in GENRES},
        "top_genres": {genre: round(weight, 4) for genre, weight in features.top_genres},
    }
    content["made"] = {"from": origin, "content": _hash(content)}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _appearance_json(traits: dict[str, AppearanceTrait]) -> dict[str, dict[str, Any]]:
    """The traits, without details that they do not have."""
    return {
        name: {key: value for key, value in asdict(trait).items() if key in KEPT or value not in (None, "")}
        for name, trait in traits.items()
    }


def is_edited(path: Path) -> bool:
    """Whether the file was changed after it was written, or is not from `features_json`."""
    try:
        content = read_json(path)
        return content.pop("made")["content"] != _hash(content)
    except JSON_ERRORS:
        return True


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# ---- reading ----


def read_features(path: Path) -> Features:
    """Read a features JSON, which a person may have edited.

    A trait with a value although its source is "off" or "unsure" was typed by a person: its source becomes "self".
    Missing genres are 0, missing traits empty.

    Raises:
        UserError: the file is missing or no JSON, or values are invalid; lists every fault.
    """
    reader = _Reader(_load(path))
    face = reader.mapping("face", ("box", "confidence"))
    box = reader.take(face, "face.box", _as_box, None)
    features = Features(
        name=reader.text("name"),
        photo=reader.take(reader.content, "photo", _as_path, ""),
        photo_sha256=reader.take(reader.content, "photo_sha256", _as_hash, ""),
        face_box=box,
        face_confidence=reader.take(face, "face.confidence", _as_share_or_none, None),
        gender=reader.trait("gender"),
        race=reader.trait("race"),
        age=reader.trait("age"),
        appearance=reader.appearance(),
        description=reader.text("description"),
        taste=reader.taste(),
    )
    if features.photo and not features.photo_sha256 and not reader.faults:
        reader.faults.append("photo_sha256 is empty, but there is a photo; run FeatureExtractor.py again")
    raise_faults(str(path), reader.faults)
    return features


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: {no_file(path)}")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MB; it cannot be a features JSON")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}, column {error.colno}: invalid JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of thousands of digits, a thousand brackets
        raise UserError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a features JSON; it must be an object {{...}} as FeatureExtractor.py writes it")
    return content


class _Reader:
    """Reads values of a JSON that a person may have edited, and collects the faults."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.faults = [f"{key!r} is unknown; the keys are {', '.join(KEYS)}" for key in content if key not in KEYS]

    def take(self, values: dict[str, Any], name: str, read: Callable[[Any], T], default: T) -> T:
        """The value under the last part of `name`; `default` if it is missing or faulty."""
        key = name.rpartition(".")[2]
        if key not in values:
            return default
        try:
            return read(values[key])
        except (ValueError, TypeError, OverflowError) as error:
            self.faults.append(f"{name} is {_short(values[key])}; {error}")
            return default

    def text(self, name: str) -> str:
        """A text; empty if it is missing."""
        return self.take(self.content, name, _as_text, "")

    def mapping(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """The values of an inner object, which may have these keys only."""
        values = self.content.get(name) or {}
        if not isinstance(values, dict):
            self.faults.append(f"{name} is {_short(values)}; it must be {{{', '.join(map(json.dumps, keys))}}}")
            return {}
        unknown = [key for key in values if key not in keys]
        self.faults += [f"{name}: {key!r} is unknown; the keys are {', '.join(keys)}" for key in unknown]
        return values

    def trait(self, name: str) -> Trait:
        """A trait; one that was typed gets the source "self"."""
        values = self.mapping(name, ("value", "score", "source"))
        trait = Trait(
            self.take(values, f"{name}.value", _as_text, "").strip(),
            self.take(values, f"{name}.score", _as_share_or_none, None),
            self.take(values, f"{name}.source", _as_source, "off"),
        )
        typed = trait.value and trait.source in ("off", "unsure")
        return replace(trait, score=None, source="self") if typed else trait

    def appearance(self) -> dict[str, AppearanceTrait]:
        """The traits of APPEARANCE that are there; one that was typed gets the source "self"."""
        values = self.mapping("appearance", APPEARANCE)
        return {name: self._appearance_trait(values, name) for name in values}

    def _appearance_trait(self, traits: dict[str, Any], name: str) -> AppearanceTrait:
        values, path = traits[name], f"appearance.{name}"
        if not isinstance(values, dict):
            self.faults.append(f'{path} is {_short(values)}; it must be {{"value": "..."}}')
            return AppearanceTrait()
        unknown = [key for key in values if key not in (*KEPT, "reason", "monk", "lab")]
        self.faults += [f"{path}: {key!r} is unknown; the keys are value, score, source" for key in unknown]
        trait = AppearanceTrait(
            self.take(values, f"{path}.value", _as_text, "").strip(),
            self.take(values, f"{path}.score", _as_share_or_none, None),
            self.take(values, f"{path}.source", _as_source, "off"),
            self.take(values, f"{path}.reason", _as_text, ""),
            self.take(values, f"{path}.monk", _as_monk_step, None),
            self.take(values, f"{path}.lab", _as_lab, None),
        )
        typed = trait.value and trait.source in ("off", "unsure")
        return replace(trait, score=None, source="self", reason="") if typed else trait

    def taste(self) -> dict[str, float]:
        """A value for every genre; 0 if it is missing."""
        values = self.mapping("taste", tuple(GENRES))
        return {genre: self.take(values, f"taste.{genre}", _as_share, 0.0) for genre in GENRES}


def _short(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # read at the limit of levels, which writing passes
        text = "nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_text(value: object) -> str:
    if not isinstance(value, str) or (not value.isascii() and re.search("[\ud800-\udfff]", value)):
        raise TypeError('it must be text in quotes, or ""')
    return value


def _as_path(value: object) -> str:
    """A path, whose bytes need not be UTF-8."""
    if not isinstance(value, str):
        raise TypeError('it must be a path in quotes, or ""')
    return value


def _as_hash(value: object) -> str:
    if not isinstance(value, str) or (value and (len(value) != 64 or set(value) - set("0123456789abcdef"))):
        raise ValueError("it must be the SHA-256 of the photo, 64 hexadecimal digits")
    return value


def _as_share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("it must be a number from 0 to 1")
    return float(value)


def _as_share_or_none(value: object) -> float | None:
    return None if value is None else _as_share(value)


def _as_monk_step(value: object) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= 10):
        raise ValueError("it must be a whole number from 1 to 10, or null")
    return value


def _as_lab(value: object) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3 or not all(type(part) in (int, float) for part in value):
        raise TypeError("it must be [L, a, b] in numbers, or null")
    lightness, a, b = (float(part) for part in value)
    if not (0 <= lightness <= 100 and abs(a) <= 128 and abs(b) <= 128):
        raise ValueError("L must be from 0 to 100, a and b from -128 to 128")
    return lightness, a, b


def _as_source(value: object) -> TraitSource:
    for source in SOURCES:
        if value == source:
            return source
    raise ValueError(f"it must be one of {', '.join(SOURCES)}")


def _as_box(value: object) -> Box | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(type(edge) is int for edge in value):
        raise TypeError("it must be [left, top, right, bottom] in whole pixels, or null")
    left, top, right, bottom = value
    if not (0 <= left < right and 0 <= top < bottom):
        raise ValueError("it must have 0 <= left < right and 0 <= top < bottom")
    return left, top, right, bottom
