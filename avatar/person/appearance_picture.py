"""Draws what was measured of a head and where: its regions over the photo, and every value with its confidence."""

from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image, ImageColor, ImageDraw

from avatar.person.appearance import Examination
from avatar.person.features import AppearanceTrait
from avatar.person.head_view import CHIN, LEFT, RIGHT, SELFIE_PX, TOP
from avatar.person.skin_tone import MONK_RGB
from common.grids import CARD, GREY, INK, PINK, TEAL
from common.lettering import fit_text, label_font

WIDTH_PX = 1232
HEAD_PX = 470  # side of the head's square, and the height of everything
LABELS_X, VALUES_X = 510, 660  # px, where columns begin
BAR_PX = 110
ROW_PX = 52
MARGIN_PX = 26  # of the view, left out on each side
ZOOM = HEAD_PX / (SELFIE_PX - 2 * MARGIN_PX)
SMOOTH_PX = 4.0  # softness of the edge of the hair's region
FEWEST_PX = 60  # length of an outline that is drawn
DOT_STEP = 4  # px of the view, between the points that stand for the skin's region
TRACK = "#ece6f5"
YELLOW, VIOLET, ORANGE = "#e0a800", "#7b4fd0", "#e0702a"
BROWS, LIPS = (105, 334), (61, 291)
ROWS = {  # label, number and colour of each trait's region
    "skin_tone": ("Skin", 1, TEAL),
    "hair_colour": ("Hair", 2, PINK),
    "hair_length": ("Hair length", 2, PINK),
    "hair_shape": ("Hair shape", 2, PINK),
    "glasses": ("Glasses", 3, YELLOW),
    "facial_hair": ("Facial hair", 4, VIOLET),
    "headwear": ("Headwear", 5, ORANGE),
}
Place = tuple[float, float]
Frame = tuple[float, float, float, float]


def draw_measured(examined: Examination, ground: str) -> Image.Image:
    """The head with its regions, and beside it every value; (HEAD_PX, WIDTH_PX) RGB.

    Args:
        examined: what was measured, and the view that it was measured in.
        ground: colour behind everything, "#rrggbb".
    """
    image = Image.new("RGB", (WIDTH_PX, HEAD_PX), ground)
    traits = dict(examined.appearance.items())
    rounded = Image.new("L", (HEAD_PX, HEAD_PX))
    ImageDraw.Draw(rounded).rounded_rectangle((0, 0, HEAD_PX - 1, HEAD_PX - 1), 18, fill=255)
    image.paste(_head(examined), (0, 0), rounded)
    _draw_values(ImageDraw.Draw(image), traits)
    return image


def _head(examined: Examination) -> Image.Image:
    """The head's square with the regions of all traits that were looked at."""
    view, colours = examined.view, examined.colours
    shown = np.where(view.inside[..., None], view.pixels, np.array(ImageColor.getrgb(TRACK), np.uint8))
    head = Image.fromarray(_enlarged(shown))
    if colours is None:
        return head
    draw = ImageDraw.Draw(head)
    points = (view.points[:, :2] - MARGIN_PX) * ZOOM
    badges: dict[str, Place] = {}
    for name, frame in _frames(points).items():
        _draw_frame(draw, frame, ROWS[name][2])
        badges[name] = frame[2], (frame[1] + frame[3]) / 2
    outlines = _outlines(colours.hair_mask)
    for outline in outlines:
        _draw_outline(draw, outline)
    if outlines:
        largest = max(outlines, key=len)
        x, y = largest[np.argmin(largest @ (1, 1))]
        badges["hair_colour"] = float(x), float(y)
    dots = _dots(colours.skin_mask)
    for x, y in dots:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=TEAL, outline=CARD)
    if len(dots):
        x, y = dots[np.argmin(dots @ (1, -0.3))]
        badges["skin_tone"] = float(x) - 16, float(y)
    for name, (x, y) in badges.items():
        _draw_badge(draw, (min(max(x, 18), HEAD_PX - 18), min(max(y, 18), HEAD_PX - 18)), name)
    return head


def _enlarged(view: np.ndarray) -> np.ndarray:
    """The middle of a view's array, without MARGIN_PX on each side, at HEAD_PX."""
    middle = view[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    return cv2.resize(middle, (HEAD_PX, HEAD_PX), interpolation=cv2.INTER_CUBIC)


def _frames(points: np.ndarray) -> dict[str, Frame]:
    """Where glasses, facial hair and headwear are looked for: left, top, right and bottom, px."""
    left, right = points[LEFT, 0], points[RIGHT, 0]
    brow, top, chin = points[list(BROWS), 1].mean(), points[TOP, 1], points[CHIN, 1]
    height, mouth = chin - top, points[list(LIPS), :2].mean(axis=0)
    aside = 0.08 * (right - left)
    return {
        "glasses": (left - aside, brow - 0.04 * height, right + aside, brow + 0.24 * height),
        "facial_hair": (left + aside, mouth[1] - 0.14 * height, right - aside, chin + 0.06 * height),
        "headwear": (left - 3 * aside, max(6.0, top - 0.5 * height), right + 3 * aside, brow - 0.1 * height),
    }


def _outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Outlines (n, 2) of a region's larger parts, px of the picture."""
    smooth = cv2.GaussianBlur(_enlarged(mask.astype(np.float32)), (0, 0), SMOOTH_PX)
    found, _ = cv2.findContours((smooth > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline[:, 0] for outline in found if len(outline) > FEWEST_PX]


def _dots(mask: np.ndarray) -> np.ndarray:
    """Points (n, 2) of a grid that lie inside a region, px of the picture."""
    rows, columns = np.nonzero(mask[::DOT_STEP, ::DOT_STEP])
    return (DOT_STEP * np.column_stack([columns, rows]) - MARGIN_PX) * ZOOM


def _draw_outline(draw: ImageDraw.ImageDraw, outline: np.ndarray) -> None:
    """A closed dotted line that is readable on any ground."""
    for x, y in outline[::9].tolist():
        draw.ellipse((x - 3.5, y - 3.5, x + 3.5, y + 3.5), fill=PINK, outline=CARD)


def _draw_frame(draw: ImageDraw.ImageDraw, frame: Frame, colour: str) -> None:
    left, top, right, bottom = frame
    for grow, width, ink in ((1, 4, CARD), (0, 2, colour)):
        draw.rounded_rectangle((left - grow, top - grow, right + grow, bottom + grow), 14, outline=ink, width=width)


def _draw_badge(draw: ImageDraw.ImageDraw, place: Place, name: str) -> None:
    """The number of a trait's region."""
    x, y = place
    _, number, colour = ROWS[name]
    draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=CARD)
    draw.ellipse((x - 12, y - 12, x + 12, y + 12), fill=colour)
    draw.text((x, y), str(number), fill=CARD, font=label_font(15, bold=True), anchor="mm")


def _draw_values(draw: ImageDraw.ImageDraw, traits: Mapping[str, AppearanceTrait]) -> None:
    """Every value with its confidence or the reason why there is none, the scale of skin tones below the skin."""
    y = ROW_PX / 2
    for name, (label, _, _) in ROWS.items():
        _draw_badge(draw, (LABELS_X + 13, y), name)
        draw.text((LABELS_X + 40, y), label, fill=GREY, font=label_font(18), anchor="lm")
        _draw_value(draw, y, traits[name])
        y += ROW_PX
        if name == "skin_tone":
            _draw_monk_scale(draw, y, traits[name].monk)
            y += ROW_PX
    note = "Gender, race and age are not read from this."
    draw.text((LABELS_X, HEAD_PX - 4), note, fill=GREY, font=label_font(15), anchor="ls")


def _draw_value(draw: ImageDraw.ImageDraw, y: float, trait: AppearanceTrait) -> None:
    """A word with its measured colour and a bar for the confidence; or why it is empty."""
    if not trait.value:
        reason = fit_text(f"– {trait.reason}", label_font(18), WIDTH_PX - VALUES_X)
        draw.text((VALUES_X, y), reason, fill=GREY, font=label_font(18), anchor="lm")
        return
    font = label_font(21, bold=True)
    draw.text((VALUES_X, y), trait.value, fill=INK, font=font, anchor="lm")
    if trait.lab:
        left = VALUES_X + font.getlength(trait.value) + 14
        draw.rounded_rectangle((left, y - 13, left + 44, y + 13), 8, fill=_rgb(trait.lab), outline=CARD, width=2)
        values = "Lab " + ", ".join(f"{value:.0f}" for value in trait.lab)
        draw.text((left + 56, y), values, fill=GREY, font=label_font(15), anchor="lm")
    score, left = trait.score or 0.0, WIDTH_PX - 64 - BAR_PX
    for length, colour in ((BAR_PX, TRACK), (max(14, round(BAR_PX * score)), VIOLET)):
        draw.rounded_rectangle((left, y - 7, left + length, y + 7), 7, fill=colour)
    draw.text((WIDTH_PX, y), f"{score:.0%}", fill=GREY, font=label_font(16), anchor="rm")


def _draw_monk_scale(draw: ImageDraw.ImageDraw, y: float, step: int | None) -> None:
    """The ten tones of the Monk scale, the measured one marked."""
    for number, colour in enumerate(MONK_RGB, 1):
        x, marked = VALUES_X + 15 + 37 * (number - 1), number == step
        if marked:
            draw.ellipse((x - 18, y - 18, x + 18, y + 18), fill=INK)
        draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill=colour, outline=CARD, width=2)
    text = f"Monk scale, step {step}" if step else "Monk scale"
    draw.text((VALUES_X + 390, y), text, fill=GREY, font=label_font(15), anchor="lm")


def _rgb(lab: tuple[float, float, float]) -> tuple[int, int, int]:
    """Lab as 8-bit RGB."""
    rgb = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    red, green, blue = (int(value) for value in (255 * rgb).clip(0, 255).round())
    return red, green, blue
