"""The genres of Re:Live, their order, and reading the names that people use for them.

Every taste vector in the project has one value per genre, in the order of GENRES, from 0 (nothing) to 1 (most).
"""

import functools
import html
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from common.errors import UserError
from common.genre_words import (
    ENDINGS,
    FILLER,
    HEADS,
    LEGEND_WORDS,
    MODIFIERS,
    NOT_A_QUALIFIER,
    OPEN_HEADS,
    QUALIFIERS,
    ROMANCE_QUALIFIERS,
    SENSE_SIGNS,
    SENSE_TURNERS,
    SYNONYMS,
)

GENRES: dict[str, str] = {  # key, as columns and vectors use it: the name that people see
    "pop": "Pop",
    "rock": "Rock",
    "indie": "Indie",
    "metal": "Metal",
    "punk": "Punk",
    "electronic": "Electronic",
    "hiphop": "Hip-hop",
    "latin": "Latin",
    "reggae": "Reggae & ska",
    "soul": "Soul & funk",
    "jazz": "Jazz & blues",
    "folk": "Folk & country",
    "classical": "Classical",
    "world": "World & flamenco",
}

_QUESTION_NUMBER = re.compile(r"(q|p|v|r|item|var|col|pregunta|frage|domanda|pergunta|question)?\d+([a-z]|r\d+)?")
_LIME_CODE = re.compile(r"^\w{1,40}\[\w{1,40}\]\.\s+")  # "Q1[SQ001]. " before LimeSurvey's questions
_MARKUP = re.compile(r"</?\w[^<>]*>")
_SEPARATOR = re.compile(r"[,/&+;|:·]|\s[-–—]\s")  # between two genres; a space alone parts none
_BRACKETS = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_OF_THE_PERSON = re.compile(r"\b(do|can) (you|i) (dance|rap|rave|dj|swing)\b")  # "Do you dance?"
_MICRO_WORDS = 7  # the longest micro-genre


def plain(name: str) -> str:
    """Lower case, without accents and punctuation, words separated by a space; "l·l" becomes "ll", "&" and "+" go.

    >>> plain(" Música  ELECTRÒNICA ")
    'musica electronica'
    """
    return " ".join(re.findall(r"[a-z0-9]+", _letters(name)))


def _letters(name: str) -> str:
    """The name in lower case, without accents and without the middle dot of Catalan."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(c for c in decomposed if c != "·" and not unicodedata.combining(c))


def _vocabulary() -> dict[str, str]:
    words = {plain(key): key for key in GENRES}
    for key, text in SYNONYMS.items():
        words |= {plain(phrase): key for phrase in text.split(",")}
    return words


_GENRE_OF = _vocabulary()
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _GENRE_OF)


# ---- names -> genres ----


@functools.lru_cache(maxsize=1 << 16)
def genres_of(name: str) -> tuple[str, ...]:
    """The genres that a column name or a word means; empty where any part is unknown or turns the sense.

    A name is read as known phrases with filler words between them: "Reggae, Ska" is one genre, "Rap / R&B"
    two, "rock climbing" none; of "classic soul" the last word counts. Brackets may hold an answer scale behind a genre,
    "Rock (1-5)", or the genre behind a question that is all filler, "How often do you listen to [Jazz]"; "Concerts
    attended [Rock]", "Rock (hate)" and "嫌い Rock" are no genres. Micro-genres count by their head word:
    "spanish hip hop", "denton tx indie", "rock en español".
    """
    name = _MARKUP.sub(" ", html.unescape(name))
    name = _LIME_CODE.sub("", name) or name
    if _is_foreign(name) or _OF_THE_PERSON.search(plain(name)):
        return ()
    brackets = _BRACKETS.findall(name)
    if not brackets:
        return _read(name) or _read_micro_genre(name)
    outside = _BRACKETS.sub(" ", name)
    if all(_read(text) or is_legend(text) for text in brackets) and _read(outside):
        return _read(outside)
    whole = _read(name)
    return whole or (_read(" ".join(brackets)) if _is_filler(outside) else ())


def turns_the_sense(name: str) -> bool:
    """Whether a question asks for the opposite of liking: "Which genres do you hate?"."""
    return any(c in SENSE_SIGNS for c in name) or any(_is_turner(word) for word in plain(name).split())


def _is_turner(word: str) -> bool:
    return word in SENSE_TURNERS or any(word.startswith(stem) for stem in _TURNING_STEMS)


_TURNING_STEMS = tuple(word.removesuffix("*") for word in SENSE_TURNERS if word.endswith("*"))


def _is_foreign(name: str) -> bool:
    """Whether a name has letters that `plain()` would drop, or a sign that turns the sense."""
    return any((c.isalpha() and not "a" <= c <= "z") or c in SENSE_SIGNS for c in _letters(name))


def is_legend(text: str) -> bool:
    """Whether the text in brackets explains the answers: "1-5", "not at all - very much", "0 = hate, 10 = love"."""
    words = plain(text).split()
    if len(re.findall(r"(?<![\w.])\d{1,3}\s*[=:]\s*[^\W\d]", text)) >= 2:
        return True
    known = FILLER | LEGEND_WORDS
    if not all(w in known or _QUESTION_NUMBER.fullmatch(w) or _is_turner(w) for w in words):
        return False
    if not any(_is_turner(word) for word in words):
        return True
    ends = [part for part in re.split(r"[-–—/,;:|.=\d…]|\bto\b|\bbis\b|\ba\b", text) if plain(part)]
    return any(not any(map(_is_turner, plain(end).split())) for end in ends) and len(ends) > 1


def _is_filler(text: str) -> bool:
    return all(word in FILLER or _QUESTION_NUMBER.fullmatch(word) for word in plain(text).split())


def _read(text: str) -> tuple[str, ...]:
    """Genres of a text that consists of known phrases and filler alone; camelCase is also tried as separate words."""
    camel_apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    for candidate in dict.fromkeys((text, camel_apart)):
        genres = _read_phrases(_tokens(candidate))
        if genres:
            return tuple(dict.fromkeys(genres))
    return ()


@dataclass(frozen=True)
class _Token:
    word: str
    parted: bool  # a comma, a slash, ... stands before it


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    for part in _SEPARATOR.split(text):
        tokens += [_Token(word, not place) for place, word in enumerate(plain(part).split())]
    return tokens


def _read_phrases(tokens: list[_Token]) -> tuple[str, ...]:
    """Read words as phrases and filler, longest phrases first; empty where that is impossible.

    Works backwards: `readings[i]` is the reading of the words from i to the end, `None` where there is none. A phrase
    that only describes the next, as "classic" in "classic soul", does not count.
    """
    words = [token.word for token in tokens]
    readings: list[tuple[str, ...] | None] = [None] * len(words) + [()]
    starts_genre = [False] * (len(words) + 1)
    for start in range(len(words) - 1, -1, -1):
        for length in range(min(len(words) - start, _LONGEST_PHRASE), 0, -1):
            end = start + length
            genre = _GENRE_OF.get(" ".join(words[start:end]))
            rest = readings[end]
            if genre and rest is not None:
                describes = starts_genre[end] and not tokens[end].parted and words[end - 1] in MODIFIERS and length == 1
                readings[start] = rest if describes else (genre, *rest[: len(GENRES)])
                starts_genre[start] = True
                break
        else:
            if words[start] in FILLER or _QUESTION_NUMBER.fullmatch(words[start]):
                readings[start] = readings[start + 1]
    return readings[0] or ()


def _read_micro_genre(name: str) -> tuple[str, ...]:
    """The genre of a name's head: its last phrase, or, in Romance languages, its first with adjectives behind it.

    Unknown words may stand before the head in names of lower case alone, as tables of micro-genres write them;
    elsewhere only the known QUALIFIERS may.
    """
    words = plain(name).split()
    if not 0 < len(words) <= _MICRO_WORDS:
        return ()
    bare = not re.search(r"[^\w\s'&+/:.-]", name) and name == name.lower()
    spans = list(_spans(len(words)))
    for start, end in sorted(spans, key=lambda span: words[span[0] : span[1]] in _DESCRIBING):  # "pop latino": pop
        head = _head(words[start:end], bare)
        if head:
            before = all(_qualifies(word, bare) for word in words[:start])
            return (head,) if before and _may_follow(words[start:end], words[end:], bare) else ()
    return ()


def _spans(count: int) -> Iterator[tuple[int, int]]:
    """Places of a head in a name: the end first, and there the longest first."""
    return ((start, end) for end in range(count, 0, -1) for start in range(max(0, end - _LONGEST_PHRASE), end))


def _head(words: list[str], bare: bool) -> str | None:
    genre = HEADS.get(" ".join(words)) or _GENRE_OF.get(" ".join(words))
    if genre or not bare or len(words) > 1:
        return genre
    return next((g for end, g in ENDINGS.items() if words[0].endswith(end) and len(words[0]) > len(end) + 2), None)


def _may_follow(head: list[str], words: list[str], bare: bool) -> bool:
    if head == ["musica"]:  # "musica tabasquena"; "musica moderna" may be anything
        return bool(words) and all(word not in ROMANCE_QUALIFIERS and _ADJECTIVE.fullmatch(word) for word in words)
    loose = bare and head[0] in OPEN_HEADS
    return all(
        word in ROMANCE_QUALIFIERS or (bare and _ADJECTIVE.fullmatch(word)) or (loose and _qualifies(word, bare))
        for word in words
    )


_DESCRIBING = [[word] for word in MODIFIERS & (QUALIFIERS | ROMANCE_QUALIFIERS)]
_OLD_SCHOOL = {"old", "new", "school", "music", "the", "and"}
_ADJECTIVE = re.compile(
    r"en|de|do|da|del|latin[oa]s?|\w+(an[oa]s?|en[oa]s?|ens[ei]?|es[ai]?|in[oa]s?|eir[oa]s?|iv[oa]s?|ic[oa]s?"
    r"|ais|aise|ois|oise|ien|ienne|tif|tiva?|tive|ique|iste|ista)"
)


def _qualifies(word: str, bare: bool) -> bool:
    if word in QUALIFIERS or word in ROMANCE_QUALIFIERS or word in _GENRE_OF:
        return True
    return bare and not (
        word in NOT_A_QUALIFIER or _is_turner(word) or (word in FILLER - _OLD_SCHOOL and len(word) > 2)
    )


# ---- a taste typed by hand ----


def parse_taste(text: str) -> dict[str, float]:
    """A taste typed by hand, "rock=5, hip-hop=3.5", as a value from 0 to 1 for every genre (the largest becomes 1).

    Genres that are not named get 0. Of two words for one genre the larger value counts.

    Raises:
        UserError: a part without "=", an unknown genre, or a value that is not a number from 0 up.
    """
    values = dict.fromkeys(GENRES, 0.0)
    for part in filter(str.strip, re.split(r"[,;]", text)):
        name, equals, number = part.partition("=")
        genres = genres_of(name)
        if not equals or not genres:
            raise UserError(f"taste: {part.strip()!r} is not GENRE=NUMBER; the genres are {', '.join(GENRES)}")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise UserError(f"taste: {part.strip()!r} needs a number from 0 up")
        for genre in genres:
            values[genre] = max(values[genre], value)
    top = max(values.values())
    return {genre: value / top for genre, value in values.items()} if top else values
