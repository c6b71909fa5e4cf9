"""Fonts for names in any script.

DejaVu Sans, which ships inside matplotlib, has Latin, Greek, Cyrillic, Armenian and Georgian letters. For others, the
fonts of the optional packages `manimgx-fonts` and `manimgx-fonts-cjk` (Noto, SIL Open Font License) are used, and
those that are installed on the system.
"""

import functools
import importlib.util
import unicodedata
import warnings
from pathlib import Path

from PIL import ImageFont

from common.grids import label_font

FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")


def name_font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """The first font that has every letter of a name, in bold where DejaVu Sans has them.

    Warns once per name where there is none; then letters show as boxes.
    """
    letters = frozenset(ord(letter) for letter in name if not letter.isspace() and unicodedata.category(letter) != "Cf")
    usual = label_font(size_px, bold=True)
    if letters <= _letters_of(str(usual.path), 0):
        return usual
    best = _font_with(letters)
    if best is None:
        warnings.warn(
            f"no font has all letters of {name!r}; pip install {' '.join(FONT_PACKAGES).replace('_', '-')}",
            stacklevel=2,
        )
        return usual
    return ImageFont.truetype(best[0], size_px, index=best[1])


@functools.cache
def _font_with(letters: frozenset[int]) -> tuple[str, int] | None:
    """File and index of the font that has all of these characters."""
    return next((font for font in _fonts() if letters <= _letters_of(*font)), None)


@functools.cache
def _fonts() -> list[tuple[str, int]]:
    from matplotlib import font_manager

    files: list[str] = []
    for package in FONT_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            files += sorted(map(str, [*folder.glob("*.ttf"), *folder.glob("*.ttc")]))
    return [(file, 0) for file in [*files, *sorted(font_manager.findSystemFonts())]]


@functools.cache
def _letters_of(file: str, index: int) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(file).get_charmap())
    except (RuntimeError, OSError):  # a font file that FreeType cannot read
        return frozenset()
