"""The wardrobe and the rule of choosing as JSON values, and test vectors for programs that follow them.

`docs/pet/wardrobe.schema.json` describes both files. Numbers are float64; sums go from the first genre to the last.
"""

import hashlib
import random
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from common.genres import GENRES
from pet.choosing.explaining import FAVOURITE_SHARE, POINT, Language, accessory_words
from pet.choosing.matching import TIE
from pet.choosing.recommender import LOSS, POWER, Recommender, Rule
from pet.choosing.wardrobe import LAYERS, SLOTS, Wardrobe
from pet.choosing.words import GENRE_WORDS, SENTENCES
from pet.drawing.artwork import CANVAS_PX
from pet.drawing.coats import COATS, DRAWN_IN, LOOKS, MARKINGS, OPACITIES, TONES, coat_files
from pet.drawing.compositing import Dresser
from pet.drawing.designs import design_of
from pet.drawing.vector_pets import draw_svg, fragment

LICENCE = "CC0-1.0"
RGBA_PX = 512  # side of the pictures whose pixels are hashed
NAMES = (
    "Júlia|Marc|Núria|Oriol|Ada|ADA|Zoë|Begoña|Łukasz|Søren|Ångström|Σοφία|Ольга|דוד|ليلى|さくら|花子|지우|आशा|สมชาย|"
    '🎸|👩🏽‍🎤|O\'Neill|<b>&"x"|a b  c|x|Ｆｕｌｌ|ﬁ|Dvořák'
).split("|")


def wardrobe_record(wardrobe: Wardrobe, bodies: Mapping[str, Path], art: Path) -> dict[str, Any]:
    """Everything that a program needs to choose and draw a pet.

    Args:
        wardrobe: all accessories.
        bodies: base bodies by name.
        art: folder of the SVG drawings, with a subfolder for each slot, `Body/` and `Body/markings/`.

    Raises:
        UserError: a layer has no drawing, or one that is not plain shapes.
    """
    rule = Rule()
    return {
        "$schema": "wardrobe.schema.json",
        "licence": LICENCE,
        "canvas_px": CANVAS_PX,
        "rule": {"top_n": rule.top_n, "power": POWER, "tie": TIE, "loss": LOSS, "seed": rule.seed},
        "favourite_share": FAVOURITE_SHARE,
        "point": POINT,
        "genres": [{"key": genre, "words": GENRE_WORDS[genre]} for genre in GENRES],
        "slots": {
            slot: [
                {
                    "name": item.name,
                    "words": {language: accessory_words(item.name, language) for language in get_args(Language)},
                    "genres": item.vector.tolist(),
                    "svg": fragment(art / slot / f"{item.file.stem}.svg", slot),
                }
                for item in wardrobe.slots[slot]
            ]
            for slot in SLOTS
        },
        "layers": list(LAYERS),
        "bodies": [
            {
                "name": name,
                "coat": DRAWN_IN[name] if coat_files(file) else None,
                "svg": fragment(art / "Body" / f"{name}.svg", "Body"),
            }
            for name, file in sorted(bodies.items())
        ],
        "coats": {name: list(colours) for name, colours in COATS.items()},
        "looks": list(LOOKS),
        "tones": {tone: {"colour": colour, "opacity": f"{OPACITIES[tone]:g}"} for tone, colour in TONES.items()},
        "markings": {name: fragment(art / f"Body/markings/{name}.svg", "Marking") for name in MARKINGS},
        "sentences": SENTENCES,
    }


def sample_people(count: int, seed: int) -> tuple[list[str], NDArray[np.float64]]:
    """Names in many scripts and Unicode forms, and tastes (count, genres) from 0 to 1: the same on every machine.

    Tastes are points from 0 to 5, fractions, one genre alone, all alike, or nothing.
    """
    draw = random.Random(seed)
    names, tastes = [], []
    for number in range(count):
        name = " ".join(draw.choices(NAMES, k=draw.randint(1, 3)))
        names.append(unicodedata.normalize(draw.choice(("NFC", "NFD")), f"{name} {number}" if number % 2 else name))
        kind = number % 8
        taste: list[float] = [draw.randint(0, 5) if kind < 5 or draw.random() < 0.3 else 0 for _ in GENRES]
        if kind == 5:
            taste = [draw.random() for _ in GENRES]
        elif kind == 6:
            taste = [int(genre == number // 8 % len(GENRES)) for genre in range(len(GENRES))]
        elif kind == 7 and number % 5 == 0:
            taste = [draw.randint(0, 2)] * len(GENRES)
        top = max(taste) or 1
        tastes.append([value / top for value in taste])
    return names, np.array(tastes, np.float64)


def vector_records(
    published: Mapping[str, Any], wardrobe: Wardrobe, bodies: Mapping[str, Path], people: tuple[list[str], NDArray[Any]]
) -> list[dict[str, Any]]:
    """What these people's pets must be: names of the layers, and SHA-256 of the SVG and of the RGBA pixels.

    Raises:
        UserError: a picture cannot be read.
    """
    names, tastes = people
    sets = Recommender(wardrobe).choose(names, tastes)
    dresser, records = Dresser(RGBA_PX), []
    for name, taste, indices in zip(names, tastes, sets.indices, strict=True):
        items = [wardrobe.slots[slot][index] for slot, index in zip(SLOTS, indices, strict=True)]
        design = design_of(name, [item.name for item in items], bodies)
        files = dict(zip(SLOTS, (item.file for item in items), strict=True))
        pet = dresser.dress(bodies[design.body], files, design.coat)
        records.append(
            {
                "name": name,
                "taste": taste.tolist(),
                "worn": dict(zip(SLOTS, design.worn, strict=True)),
                "body": design.body,
                "coat": design.coat._asdict() if design.coat else None,
                "svg_sha256": _sha256(draw_svg(published, design).encode()),
                "rgba_sha256": _sha256(pet.tobytes()),
            }
        )
    return records


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
