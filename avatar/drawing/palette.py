"""Colours of the drawn avatars: base colours, and the tone ramp of each material, whose shadows drift to violet.

Tones are computed in OKLab (Ottosson 2020, "A perceptual color space for image processing"), where equal steps look
equal in all hues.
"""

import functools
import math
from dataclasses import dataclass
from typing import Literal

Style = Literal["plain", "neon"]  # neon: a festival poster in the dark
Rgb = tuple[float, float, float]

SKINS = {  # one for each step of the Monk Skin Tone scale
    "porcelain": "#f8e3d6",
    "fair": "#f4d1b7",
    "light": "#e8bc9b",
    "golden": "#d9a77a",
    "olive": "#bf9363",
    "tan": "#af7950",
    "brown": "#915d3d",
    "dark brown": "#724731",
    "deep": "#533529",
    "ebony": "#35251f",
}
HAIR_COLOURS = {
    "black": "#2a262b",
    "brown": "#6b472e",
    "blonde": "#e3c077",
    "ginger": "#c8602b",
    "grey": "#a3a19e",
    "white": "#f0ece3",
    "pink": "#f283b0",
    "blue": "#3f74dc",
    "green": "#43b07c",
    "purple": "#8a57c8",
}
GARMENT_COLOURS = {
    "red": "#d93440",
    "orange": "#f28630",
    "yellow": "#f6ca3e",
    "green": "#3f9d55",
    "turquoise": "#35bdb6",
    "blue": "#3566cc",
    "purple": "#7f4cb6",
    "pink": "#f28fb8",
    "white": "#f4efe8",
    "black": "#34313f",
    "brown": "#8c5c3b",
}
EYES = {"brown": "#6b3f24", "hazel": "#a1762f", "green": "#4f9150", "blue": "#3f86c8", "grey": "#7b8796"}
ACCENTS = {  # by garment colour: ties, seams, patches
    "red": "#f7d9a0",
    "orange": "#2f6f7d",
    "yellow": "#7a4aa8",
    "green": "#f5cf62",
    "turquoise": "#f6a35c",
    "blue": "#f7b648",
    "purple": "#6fd8c4",
    "pink": "#7b5cc4",
    "white": "#e0614e",
    "black": "#e8485c",
    "brown": "#e9b65a",
}


PAPER, COAL, STEEL, GOLD = "#f6f1ea", "#3a3646", "#c9ced8", "#edbe4e"  # neutral materials


@dataclass(frozen=True)
class Backdrop:
    """Colours of a backdrop: top and bottom of the sky, its glow, and the rim light on the figure."""

    top: str
    bottom: str
    glow: str
    rim: str


BACKDROPS = {
    "coral": Backdrop("#ffb08a", "#ee6a72", "#ffdca6", "#ffe9c4"),
    "amber": Backdrop("#ffd98a", "#f09c3e", "#fff3c0", "#fff0c2"),
    "cream": Backdrop("#fbf1dc", "#ecd3ae", "#fffaf0", "#fff6e2"),
    "mint": Backdrop("#d3f2dc", "#86cfae", "#f6fff0", "#f2ffe6"),
    "sky blue": Backdrop("#c2e8fb", "#79b8ea", "#f4fcff", "#f0fbff"),
    "lavender": Backdrop("#e4d7fa", "#ab92e0", "#faf4ff", "#f6ecff"),
    "rose": Backdrop("#fbd3df", "#e887ad", "#fff2f2", "#fff0f0"),
    "teal": Backdrop("#2f8f93", "#175764", "#7fe3cf", "#a6fbe6"),
    "navy": Backdrop("#34489a", "#1a1f55", "#8fa8ff", "#a9c4ff"),
    "plum": Backdrop("#7c3f8c", "#3a1a55", "#ff9ed8", "#ffb4e2"),
}


@dataclass(frozen=True)
class Tones:
    """Colours of a real person in daylight, "#rrggbb", drawn instead of the named ones; None: as named."""

    skin: str | None = None
    hair: str | None = None
    headwear: str | None = None
    garment: str | None = None
    lips: str | None = None  # of somebody who wears lipstick


@dataclass(frozen=True)
class ToneRamp:
    """Tones of one material as "#rrggbb".

    Attributes:
        light: tone towards the light.
        base: colour of the material.
        shade: tone away from the light.
        deep: darkest tone.
        line: tone of outlines.
        detail: tone of seams and strands; visible on the base even if that is black.
    """

    light: str
    base: str
    shade: str
    deep: str
    line: str
    detail: str


@functools.cache
def ramp(base: str, style: Style = "plain") -> ToneRamp:
    """Tone ramp of a material.

    Args:
        base: colour in daylight, "#rrggbb".
        style: "plain" or "neon".
    """
    return _neon_ramp(base) if style == "neon" else _plain_ramp(base)


@functools.cache
def skin_ramp(base: str, style: Style = "plain") -> ToneRamp:
    """As `ramp`, with reddish shadows, since light scatters in skin."""
    if style == "neon":
        return _neon_ramp(base, skin=True)
    warm = lerp(base, "#8e2f3f", 0.16)
    shade, deep = _darker(warm, 0.90), _darker(lerp(base, "#8a2a34", 0.26), 0.74)
    line = _darker(lerp(base, "#5a1c38", 0.45), 0.62)
    return ToneRamp(_lighter(base, 0.34), base, shade, deep, line, deep)


def with_undertone(skin: str, degrees: float) -> str:
    """Turn the hue of a skin colour: above 0 warm, towards yellow; below 0 cool, towards pink."""
    lightness, a, b = to_oklab(skin)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return from_oklab(lightness, a * cos - b * sin, a * sin + b * cos)


def _plain_ramp(base: str) -> ToneRamp:
    lightness = to_oklab(base)[0]
    line = _darker(lerp(base, "#2a1145", 0.35), 0.58)
    shade, deep = _darker(lerp(base, "#3c2a80", 0.13), 0.88), _darker(lerp(base, "#2c1c66", 0.24), 0.74)
    dark = lightness < 0.42
    detail = _lighter(base, 0.26) if dark else deep
    return ToneRamp(_lighter(base, 0.30 if dark else 0.42), base, shade, deep, line, detail)


def _neon_ramp(base: str, skin: bool = False) -> ToneRamp:
    """Dark, tinted surfaces with lines like neon tubes."""
    lightness, a, b = to_oklab(base)
    chroma = (a * a + b * b) ** 0.5
    keep = 0.76 if skin else 0.50  # light skin is still seen to be light
    night = "#150a33"
    surface = lerp(night, base, keep)
    boost = min(2.4, 0.2 / max(chroma, 0.02)) if chroma > 0.045 else 1.0
    tube = from_oklab(max(0.72, min(0.92, lightness + 0.25)), a * boost, b * boost)
    if chroma <= 0.045:
        tube = "#8ff6ff" if lightness < 0.5 else "#fff4ff"
    if skin:
        tube = "#ff5fb0"
    return ToneRamp(
        lerp(surface, tube, 0.30), surface, lerp(night, base, keep * 0.55), lerp(night, base, 0.2), tube, tube
    )


def lerp(first: str, second: str, share: float) -> str:
    """Interpolate two colours in OKLab; `share` 0 is the first, 1 the second."""
    (l0, a0, b0), (l1, a1, b1) = to_oklab(first), to_oklab(second)
    return from_oklab(l0 + (l1 - l0) * share, a0 + (a1 - a0) * share, b0 + (b1 - b0) * share)


def _darker(colour: str, factor: float) -> str:
    lightness, a, b = to_oklab(colour)
    return from_oklab(lightness * factor, a, b)


def _lighter(colour: str, share: float) -> str:
    """Lighten towards warm white; very light colours change little, so that they keep their hue."""
    lightness, a, b = to_oklab(colour)
    step = share * (1 - lightness) * 0.95
    return from_oklab(lightness + step, a * (1 - share * 0.25), b * (1 - share * 0.25) + 0.012 * share)


@functools.cache
def to_oklab(colour: str) -> Rgb:
    """Convert "#rrggbb" to OKLab lightness (0..1), a and b."""
    r, g, b = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def from_oklab(lightness: float, a: float, b: float) -> str:
    """Convert OKLab to "#rrggbb", clipped to sRGB."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(_to_srgb(value) * 255):02x}" for value in linear)


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _to_srgb(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def rgb_u8(colour: str) -> tuple[int, int, int]:
    """Convert "#rrggbb" to red, green and blue in 0..255."""
    r, g, b = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return r, g, b
