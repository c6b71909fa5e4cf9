"""Names in any script, and text that fits its room.

DejaVu Sans, which ships inside matplotlib, has Latin, Greek, Cyrillic, Hebrew and Arabic letters. For others, the fonts
of the optional packages `manimgx-fonts` and `manimgx-fonts-cjk` (Noto, SIL Open Font License) are used, and those that
are installed on the system.
"""

import contextlib
import functools
import importlib.util
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import ImageDraw, ImageFont

Run = tuple[str, ImageFont.FreeTypeFont]  # part of a name, and the font that has its letters
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
NAMES_SHOWN = 5
WORDS = re.compile(r"[^\s-]*-+\s*|[^\s-]+\s*")  # with what ends them
LINE = 1.25  # distance of lines, as a multiple of their size


@functools.cache
def label_font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which ships inside matplotlib and has Latin, Greek and Cyrillic letters with all accents."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None and spec.origin is not None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(spec.origin).parent / "mpl-data/fonts/ttf" / name), size_px)


def fit_text(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> str:
    """The text on one line; an ellipsis replaces its end where it is wider than `width_px`."""
    whole = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = whole[:300]
    if text == whole and font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text.rstrip() + "…"


def draw_name(
    draw: ImageDraw.ImageDraw,
    name: str,
    place: tuple[float, float],
    size_px: int,
    width_px: float,
    *,
    fill: str,
    bold: bool = True,
    centred: bool = False,
) -> None:
    """Write a name on one line; an ellipsis ends it where it is too wide.

    Args:
        draw: draws on the picture.
        name: text in any script.
        place: the left end of its baseline, or where it is `centred`, the middle.
        size_px: size of the letters.
        width_px: room for the name.
        fill: colour.
        bold: bold letters, where the font has them.
        centred: what `place` is.
    """
    runs = list(_cut(_runs(name, size_px, bold), width_px))
    x, y = place
    x -= sum(font.getlength(text) for text, font in runs) / 2 if centred else 0
    for text, font in runs:
        draw.text((x, y), text, fill, font, anchor="ls")
        x += font.getlength(text)


def _cut(runs: list[Run], width_px: float) -> Iterator[Run]:
    """The runs that fit the room, the last one with an ellipsis where it or what follows does not."""
    room = width_px
    for text, font in runs:
        if font.getlength(text) > room:
            yield fit_text(text, font, room), font
            return
        room -= font.getlength(text)
        yield text, font


def name_width(name: str, size_px: int) -> float:
    """Width of a name in bold letters, px."""
    return sum(font.getlength(text) for text, font in _runs(name, size_px))


def wrap(text: str, size_px: int, width_px: float) -> list[str]:
    """Lines of whole words, none wider than `width_px` unless one word is; hyphens end words."""
    lines = [""]
    for word in WORDS.findall(" ".join(text.split())):
        if not lines[-1] or name_width((lines[-1] + word).rstrip(), size_px) <= width_px:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.rstrip() for line in lines]


def fit_lines(text: str, size_px: int, room: tuple[float, float]) -> tuple[int, list[str]]:
    """The largest size, from `size_px` down to its half, at which the text fits its room, and the lines of the text.

    Args:
        text: any text.
        size_px: the usual size.
        room: width and height, px; lines are LINE times their size apart.

    Returns:
        Size in px and lines; at the smallest size, what is still too long is in the last line, for `draw_name` to cut.
    """
    smallest = (size_px + 1) // 2
    for size in range(size_px, smallest - 1, -1):
        lines = wrap(text, size, room[0])
        if LINE * size * len(lines) <= room[1] and all(name_width(line, size) <= room[0] for line in lines):
            return size, lines
    most = max(1, int(room[1] / (LINE * smallest)))
    return smallest, lines if len(lines) <= most else [*lines[: most - 1], " ".join(lines[most - 1 :])]


def warn_of_names(names: Iterable[str]) -> None:
    """Say once which names have letters that no font here has; these show as boxes."""
    without = [name for name in names if None in map(_file_for, name)]
    if without:
        some = ", ".join(name[:30] for name in without[:NAMES_SHOWN]) + (" ..." if len(without) > NAMES_SHOWN else "")
        packages = " ".join(FONT_PACKAGES).replace("_", "-")
        count = "1 name" if len(without) == 1 else f"{len(without)} names"
        warnings.warn(f"no font for {count} ({some}): boxes are shown; pip install {packages}", stacklevel=2)


def _runs(name: str, size_px: int, bold: bool = True) -> list[Run]:
    """Parts of a name, each with the font of its letters; marks stay with the letter before them."""
    usual = str(label_font(size_px, bold=True).path)
    parts: list[tuple[str, str]] = []
    for letter in " ".join(name.split()):
        file = _file_for(letter) or usual
        if parts and (file == parts[-1][1] or unicodedata.category(letter)[0] not in "LNPSZ"):
            parts[-1] = (parts[-1][0] + letter, parts[-1][1])
        else:
            parts.append((letter, file))
    return [(text, label_font(size_px, bold=bold) if file == usual else _font(file, size_px)) for text, file in parts]


@functools.lru_cache(256)
def _font(file: str, size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(file, size_px)
    with contextlib.suppress(OSError, ValueError):  # one weight only
        font.set_variation_by_name("Bold")
    return font


@functools.lru_cache(4096)
def _file_for(letter: str) -> str | None:
    """The first font file that has this letter; None where there is none."""
    if letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Cs"):
        return str(label_font(8, bold=True).path)
    return next((file for file in _fonts() if ord(letter) in _letters_of(file)), None)


@functools.cache
def _fonts() -> list[str]:
    from matplotlib import font_manager

    files = [str(label_font(8, bold=True).path)]
    for package in FONT_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            files += sorted(str(file) for file in Path(spec.origin).parent.glob("*.tt[fc]"))
    return files + sorted(font_manager.findSystemFonts())


@functools.cache
def _letters_of(file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(file).get_charmap())
    except (RuntimeError, OSError):  # a font file that FreeType cannot read
        return frozenset()
