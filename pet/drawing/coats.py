"""Coats of pets: fur colours and markings, chosen by a person's name.

A body is drawn once. `Body/coats/<body>.png` says how much of each pixel is main fur (red), shade (green), belly
(blue) and patches (alpha, 0 where there are none); a pixel changes by that share of the difference of the colours.
`Body/markings/<marking>.png` says where main fur has the colour of the patches or a soft colour instead.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from common.images import read_image
from pet.choosing.wardrobe import name_bytes
from pet.drawing.artwork import render_text

COATS = {  # main, shade, belly, patch, and soft markings; all are in data/pet/art/palette.gpl
    "caramel": ("#ce864c", "#945a38", "#ffdeb2", "#623a2e", "#ffdeb2"),
    "ginger": ("#f0b070", "#ce864c", "#ffdeb2", "#945a38", "#ffdeb2"),
    "cream": ("#ffdeb2", "#f0b070", "#f6f0e6", "#945a38", "#f0b070"),
    "ash": ("#b2b2ce", "#8482a8", "#f6f0e6", "#625a6e", "#f6f0e6"),
    "chocolate": ("#945a38", "#623a2e", "#f0b070", "#2b1f3d", "#f0b070"),
    "coal": ("#625a6e", "#3a304a", "#d8ced6", "#2b1f3d", "#d8ced6"),
    "snow": ("#f6f0e6", "#d8ced6", "#ffffff", "#9c92a6", "#d8ced6"),
    "rose": ("#ffc6d6", "#f47094", "#f6f0e6", "#d64070", "#f47094"),
    "sky": ("#6ec4ff", "#3a7ae0", "#f6f0e6", "#28408c", "#f6f0e6"),
    "lilac": ("#ba8cf0", "#7c4ece", "#ffc6d6", "#4e2c86", "#ffc6d6"),
    "mint": ("#60dcc8", "#28a8b0", "#f6f0e6", "#206854", "#f6f0e6"),
    "lemon": ("#fff096", "#f0b22c", "#ffffff", "#e26a24", "#f0b22c"),
}
DRAWN_IN = {"Bear": "caramel", "Bunny": "ash", "Cat": "ginger", "Dog": "cream"}  # coats of the drawings
MARKINGS = ("stripes", "spots", "socks", "saddle")
TONES = {"dark": 3, "soft": 4}  # which colours of a coat markings take
OPACITIES = {"dark": 0.9, "soft": 1.0}  # of markings
LOOKS = ("plain", *(f"{tone} {marking}" for marking in MARKINGS for tone in TONES))


class Coat(NamedTuple):
    """A colour of COATS and one of LOOKS."""

    colour: str
    look: str

    @classmethod
    def of_number(cls, number: int) -> "Coat":
        """The coat of a number that `coat_number` gave."""
        return cls(list(COATS)[number % len(COATS)], LOOKS[number // len(COATS)])


def coat_for(user: str) -> Coat:
    """The coat of a person, chosen by the name alone: the same for ever, and for every Unicode form of the name."""
    return Coat.of_number(coat_number(name_bytes(user)))


def coat_number(name: bytes) -> int:
    """The number of a coat, from 0, of a person's `name_bytes`."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") % (len(COATS) * len(LOOKS))


def coat_files(body: Path) -> list[Path]:
    """The files that colour a body; none for a body that has no other colours."""
    shares = body.parent / "coats" / body.name
    if body.stem not in DRAWN_IN or not shares.is_file():
        return []
    return [shares, *(body.parent / "markings" / f"{marking}.png" for marking in MARKINGS)]


class CoatMaps:
    """What `coat_files` hold for one body, at one size."""

    def __init__(self, body: Path, size: tuple[int, int]) -> None:
        """Raises UserError where a file cannot be read; `size` is (width, height) in px."""
        shares, *markings = (_scaled(read_image(path, "RGBA"), size) for path in coat_files(body))
        self._fur = np.flatnonzero(shares.any(axis=0))
        self._shares = shares[:, self._fur]
        self._marked = {
            name: self._shares[0] * marking[3, self._fur] for name, marking in zip(MARKINGS, markings, strict=True)
        }
        self._drawn = _colours(DRAWN_IN[body.stem])

    def colour(self, picture: Image.Image, coat: Coat) -> Image.Image:
        """The body's picture, RGBA, in another coat."""
        new = _colours(coat.colour)
        tone, _, marking = coat.look.partition(" ")
        pixels = np.array(picture)
        for channel, plane in enumerate(np.moveaxis(pixels.reshape(-1, 4), 1, 0)[:3]):
            values = plane[self._fur].astype(np.float64)
            # role by role: a matrix product rounds differently from machine to machine
            for share, change in zip(self._shares, (new - self._drawn)[:4, channel], strict=True):
                values += share * change
            if marking:
                values += self._marked[marking] * (OPACITIES[tone] * (new[TONES[tone]] - new[0])[channel])
            plane[self._fur] = np.clip(np.rint(values, out=values), 0, 255)
        return Image.fromarray(pixels)


def _colours(coat: str) -> NDArray[np.float64]:
    return np.array([ImageColor.getrgb(colour) for colour in COATS[coat]], np.float64)


def _scaled(picture: Image.Image, size: tuple[int, int]) -> NDArray[np.float64]:
    """(4, height * width) from 0 to 1; each channel is scaled by itself, since the fourth one is not transparency."""
    channels = [channel.resize(size, Image.Resampling.HAMMING) for channel in picture.split()]
    return np.stack([np.asarray(channel, np.float64).ravel() for channel in channels]) / 255


def body_shares(drawing: Path) -> Image.Image:
    """The shares of the four roles in a body's SVG, as the channels of an RGBA picture."""
    text = drawing.read_text(encoding="utf-8")
    channels = []
    for colour in COATS[DRAWN_IN[drawing.stem]][:4]:
        lit = re.sub(r"#[0-9a-f]{6}\b", lambda match: "#ffffff" if match[0] == colour else "#000000", text)  # noqa: B023
        channels.append(render_text(lit).getchannel("R"))
    return Image.merge("RGBA", channels)
