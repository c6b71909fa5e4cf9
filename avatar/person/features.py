"""What is known of a person: the JSON that FeatureExtractor.py proposes, that people edit, and that avatars come from.

Every trait says where it comes from. A person's own words win: they are used as typed, and beside a description nothing
that was inferred goes into a prompt.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from common.errors import UserError, raise_faults
from common.files import write_text
from common.genres import GENRES, parse_taste

if TYPE_CHECKING:
    from common.surveys.survey import Survey

__all__ = [
    "Features",
    "Trait",
    "find_taste",
    "is_edited",
    "made_from",
    "parse_taste",
    "read_features",
    "read_tastes",
    "write_features",
]

T = TypeVar("T")
Source = Literal["deepface", "embedded", "self", "off", "unsure"]
SOURCES: tuple[Source, ...] = get_args(Source)
TOP_GENRES = 3
MAX_BYTES = 1 << 20  # of a JSON of features, which has some 1500
ABOUT = (
    "A proposal: change any value, or empty it, and the next scripts go by that. Where you change a trait, make its "
    'source "self". What "description" says of you wins over all that was inferred. top_genres follows taste.'
)
KEYS = (
    "about", "name", "photo", "photo_sha256", "face", "gender", "race", "age", "description", "taste", "top_genres",
    "made",
)  # fmt: skip


@dataclass(frozen=True)
class Trait:
    """One thing about a person.

    Attributes:
        value: in words; empty: stays out of the prompt.
        score: how sure the analyzer is, 0 to 1; None for what it gives no figure for, and for a person's own words.
        source: an analyzer; "self" for the person's own words; "off" where inference was not asked for; "unsure"
            where the analyzer was not sure enough, then the value is empty.
    """

    value: str = ""
    score: float | None = None
    source: Source = "off"


@dataclass(frozen=True)
class Features:
    """What is known of one person.

    Attributes:
        name: of the person, any text.
        photo: path of the photo's file; empty where there is none.
        photo_sha256: its hash in 64 hexadecimal digits; empty where there is none.
        face_box: XYXY px of the upright photo, right and lower edge exclusive; None where no face is known.
        face_confidence: of the detector, 0 to 1.
        gender: see `Trait`.
        race: see `Trait`.
        age: years, or any words.
        description: the person's own words; they win over what was inferred.
        taste: 0 to 1 for every genre of GENRES.
    """

    name: str
    photo: str
    photo_sha256: str
    face_box: tuple[int, int, int, int] | None = None
    face_confidence: float | None = None
    gender: Trait = Trait()
    race: Trait = Trait()
    age: Trait = Trait()
    description: str = ""
    taste: dict[str, float] = field(default_factory=lambda: dict.fromkeys(GENRES, 0.0))

    @property
    def top_genres(self) -> list[tuple[str, float]]:
        """Up to three strongest genres, with weights that sum to 1; ties go by the order of GENRES."""
        liked = sorted((genre for genre in GENRES if self.taste[genre] > 0), key=lambda genre: -self.taste[genre])
        total = math.fsum(self.taste[genre] for genre in liked[:TOP_GENRES])
        return [(genre, self.taste[genre] / total) for genre in liked[:TOP_GENRES]]


# ---- writing ----


def write_features(path: Path, features: Features, origin: str = "") -> None:
    """Write the JSON atomically, with a hash that tells later whether a person has edited it.

    Args:
        path: a .json file.
        features: of one person.
        origin: a hash of all that they were made from; `made_from` gives it back.
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
        "description": features.description,
        "taste": {genre: round(features.taste[genre], 4) for genre in GENRES},
        "top_genres": {genre: round(weight, 4) for genre, weight in features.top_genres},
    }
    content["made"] = {"from": origin, "content": _hash(content)}
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def is_edited(path: Path) -> bool:
    """Whether a person has changed the file since it was written, or it is not one of ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content.pop("made")["content"] != _hash(content)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return True


def made_from(path: Path) -> str:
    """The `origin` that an unedited file was written with; empty where there is no file, or it was edited."""
    return "" if is_edited(path) else str(json.loads(path.read_text(encoding="utf-8"))["made"]["from"])


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# ---- reading ----


def read_features(path: Path) -> Features:
    """Read a JSON that a person may have edited.

    A trait that has a value although its source is "off" or "unsure" was typed in, so its source becomes "self".
    Genres and traits that are not there are empty.

    Raises:
        UserError: no such file, no JSON, or every fault of its values together.
    """
    reader = _Reader(_load(path))
    face = reader.mapping("face", ("box", "confidence"))
    box = reader.take(face, "face.box", _as_box, None)
    features = Features(
        name=reader.text("name"),
        photo=reader.text("photo"),
        photo_sha256=reader.take(reader.content, "photo_sha256", _as_hash, ""),
        face_box=box,
        face_confidence=reader.take(face, "face.confidence", _as_share_or_none, None),
        gender=reader.trait("gender"),
        race=reader.trait("race"),
        age=reader.trait("age"),
        description=reader.text("description"),
        taste=reader.taste(),
    )
    if features.photo and not features.photo_sha256 and not reader.faults:
        reader.faults.append("photo_sha256 is empty, but there is a photo; make the file anew by FeatureExtractor.py")
    raise_faults(str(path), reader.faults)
    return features


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder, not a file' if path.is_dir() else 'no such file'}")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MB, so no features")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}, column {error.colno}: no JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of thousands of digits, a thousand brackets
        raise UserError(f"{path}: no JSON that can be read ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: no features, it must hold {{...}} as FeatureExtractor.py writes it")
    return content


class _Reader:
    """Takes values out of what a person may have edited, and collects the faults."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.faults = [f"{key!r} is not known; the keys are {', '.join(KEYS)}" for key in content if key not in KEYS]

    def take(self, values: dict[str, Any], name: str, read: Callable[[Any], T], default: T) -> T:
        """The value under the last part of `name`; `default` where it is absent or at fault."""
        key = name.rpartition(".")[2]
        if key not in values:
            return default
        try:
            return read(values[key])
        except (ValueError, TypeError, OverflowError) as error:
            self.faults.append(f"{name} is {_short(values[key])}; {error}")
            return default

    def text(self, name: str) -> str:
        """A text; empty where it is absent."""
        return self.take(self.content, name, _as_text, "")

    def mapping(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """The values of an inner {...}, of which no other keys are allowed."""
        values = self.content.get(name) or {}
        if not isinstance(values, dict):
            self.faults.append(f"{name} is {_short(values)}; it must be {{{', '.join(map(json.dumps, keys))}}}")
            return {}
        unknown = [key for key in values if key not in keys]
        self.faults += [f"{name}: {key!r} is not known; it may have {', '.join(keys)}" for key in unknown]
        return values

    def trait(self, name: str) -> Trait:
        """A trait; one that was typed in is the person's own."""
        values = self.mapping(name, ("value", "score", "source"))
        trait = Trait(
            self.take(values, f"{name}.value", _as_text, "").strip(),
            self.take(values, f"{name}.score", _as_share_or_none, None),
            self.take(values, f"{name}.source", _as_source, "off"),
        )
        typed = trait.value and trait.source in ("off", "unsure")
        return replace(trait, score=None, source="self") if typed else trait

    def taste(self) -> dict[str, float]:
        """A value for every genre; 0 for those that are absent."""
        values = self.mapping("taste", tuple(GENRES))
        return {genre: self.take(values, f"taste.{genre}", _as_share, 0.0) for genre in GENRES}


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError('it must be text in quotes, or ""')
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


def _as_source(value: object) -> Source:
    for source in SOURCES:
        if value == source:
            return source
    raise ValueError(f"it must be one of {', '.join(SOURCES)}")


def _as_box(value: object) -> tuple[int, int, int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(type(edge) is int for edge in value):
        raise TypeError("it must be [left, top, right, bottom] in whole pixels, or null")
    left, top, right, bottom = value
    if not (0 <= left < right and 0 <= top < bottom):
        raise ValueError("it must have 0 <= left < right and 0 <= top < bottom")
    return left, top, right, bottom


# ---- tastes ----


def read_tastes(path: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Names and tastes of all rows of a table of users, as PET reads it.

    Args:
        path: .csv or .parquet.

    Raises:
        UserError: every fault of the table at once, before the first row is given out.
    """
    from common.surveys.survey import open_survey

    return _rows(open_survey(path))


def _rows(survey: "Survey") -> Iterator[tuple[str, dict[str, float]]]:
    for names, vectors in survey.batches():
        for name, vector in zip(names.to_pylist(), vectors.tolist(), strict=True):
            yield name, dict(zip(GENRES, vector, strict=True))


def find_taste(path: Path, user: str) -> dict[str, float]:
    """The taste of one person in a table of users.

    Raises:
        UserError: the table is at fault, or has nobody of that name; some that it has are named.
    """
    others: list[str] = []
    for name, taste in read_tastes(path):
        if name == user:
            return taste
        if len(others) < 12:
            others.append(name)
    raise UserError(f"{path}: has no user {user!r}; it has {', '.join(others)}{', ...' if len(others) == 12 else ''}")
