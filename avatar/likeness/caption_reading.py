"""Reads the attributes of a drawn character from a prompt: captions in reverse."""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from avatar.drawing import wordings
from avatar.drawing.attributes import CHOICES
from avatar.drawing.palette import BACKDROPS, GARMENT_COLOURS
from avatar.prompt.syntax import parse_prompt
from avatar.prompt.wording import REFUSING

ABSENT = {"glasses": ("no glasses", "without glasses"), "headwear": ("no hat", "bare-headed")}
YEARS = {"young": "[1-3]?[0-9]", "middle-aged": "[45][0-9]", "old": "(?:[6-9]|1[0-9])[0-9]"}
PLACES = {"head": "headwear", "face": "glasses", "ears": "jewellery", "neck": "jewellery", "hands": ""}


@dataclass(frozen=True)
class Wording:
    """One way to say something.

    Attributes:
        pattern: what is looked for; a colour is its group "colour".
        said: attributes that the words name.
        colour_of: attribute of the colour; empty if there is none.
        colours: values of that attribute by word.
    """

    pattern: re.Pattern[str]
    said: dict[str, str]
    colour_of: str = ""
    colours: Mapping[str, str] = field(default_factory=dict)


def read_attributes(prompt: str) -> dict[str, str]:
    """Attributes that a prompt names, values of CHOICES by name; of contradictory words the later ones count.

    Raises:
        UserError: the prompt has invalid syntax.
    """
    found: dict[str, str] = {}
    for part in "".join(phrase.text for phrase in parse_prompt(prompt)).lower().split(","):
        rest = part
        while matches := [(match, wording) for wording in _wordings() if (match := wording.pattern.search(rest))]:
            match, wording = max(matches, key=lambda pair: len(pair[0][0]))
            found |= wording.said
            if wording.colour_of and match["colour"]:
                found[wording.colour_of] = wording.colours[match["colour"]]
            rest = f"{rest[: match.start()]}|{rest[match.end() :]}"  # long wordings contain short ones
    return found


@functools.cache
def _wordings() -> tuple[Wording, ...]:
    return (*_plain_wordings(), *_coloured_wordings())


def _plain_wordings() -> Iterator[Wording]:
    forms: dict[str, dict[str, Collection[str]]] = {
        "skin": {
            value: [f"{word} (?:skin tone|skin|complexion)" for word in words]
            for value, words in wordings.SKINS.items()
        },
        "age": {value: [*words, f"{YEARS[value]} years old"] for value, words in wordings.AGES.items()},
        "greying": {"temples": wordings.GREYING},
        "beard": dict(wordings.BEARDS),
        "expression": dict(wordings.EXPRESSIONS),
        "person": {value: (value,) for value in ("woman", "man")},
        "face": {value: (f"{value} face",) for value in CHOICES["face"]},
        "eyes": {value: (f"{value} eyes",) for value in CHOICES["eyes"]},
        "glasses": {"none": ABSENT["glasses"], **{kind: (kind,) for kind in CHOICES["glasses"][1:]}},
        "headwear": {"none": ABSENT["headwear"]},
        "jewellery": {"none": (f"{REFUSING}(?:earrings?|necklaces?|chains?|jewell?e?ry)",)},
    }
    for name, values in forms.items():
        for value, words in values.items():
            yield from (Wording(_whole(word), {name: value}) for word in words)
    for name, kinds in (("glasses", wordings.OWN_GLASSES), ("headwear", wordings.OWN_HEADWEAR)):
        for kind, words in kinds.items():
            yield from (Wording(_whole(word), {name: kind}) for word in (kind, *words))
    for item in wordings.EVERY_ACCESSORY:
        said = {PLACES[item.place]: item.kind} if PLACES[item.place] else {}
        yield from (Wording(_whole(word), said) for word in (item.kind, *item.wordings))


def _coloured_wordings() -> Iterator[Wording]:
    hair = {word: value for value, words in wordings.HAIR_COLOURS.items() for word in words}
    colour = f"(?:{_one_of(hair)} )?"
    for value, templates in wordings.HAIRSTYLES.items():
        for template in templates:
            coloured = "{}" in template
            said = {"hair": value}
            yield Wording(_whole(template.replace("{} ", colour)), said, "hair_colour" * coloured, hair)
    yield Wording(_whole(f"{_one_of(hair)} hair(?: under the hat)?"), {}, "hair_colour", hair)
    dyes = {word: word for word in GARMENT_COLOURS}
    for garment in wordings.EVERY_GARMENT:
        plain = f"(?:{_one_of(dyes)}(?= ).*? )?{garment.kind}"
        for pattern in (plain, *(template.format(colour=_one_of(dyes)) for template in garment.wordings)):
            yield Wording(_whole(pattern), {"garment": garment.kind}, "garment_colour", dyes)
    grounds = {word: word for word in BACKDROPS}
    for value, patterns in wordings.PATTERNS.items():
        for template in patterns:
            pattern = template.format(_one_of(grounds), a="an?")
            yield Wording(_whole(pattern), {"pattern": value}, "backdrop", grounds)


def _one_of(words: Collection[str]) -> str:
    return f"(?P<colour>{'|'.join(sorted(words, key=len, reverse=True))})"


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){pattern}(?![\w-])")
