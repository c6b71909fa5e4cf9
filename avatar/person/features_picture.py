"""Draws the picture beside a features JSON: the photo with the face's box, and every value with its source."""

import functools
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from avatar.person.appearance import Examination
from avatar.person.appearance_picture import draw_measured
from avatar.person.face_detector import DetectedFace
from avatar.person.features import Features, Trait
from common.genres import GENRES
from common.grids import CARD, GREY, INK, PAPER
from common.lettering import LINE, draw_name, fit_lines, fit_text, label_font
from common.people.selection import Box

ACCENT = "#7b4fd0"
WARNING = "#c2452d"
TRACK = "#ece6f5"
GAP = 32  # px
PHOTO_PX = 640  # side of the square that the photo is fitted into
PANEL_PX = 560  # width of the text panel
CROP_PX = 168  # side of the close-up of the face
CROP_SCALE = 1.5  # region of the close-up, as a multiple of the face box
NAME_PX = 30
DESCRIPTION_LINES = 3
NOTES = {
    "deepface": "inferred by DeepFace, {score}",
    "embedded": "inferred (embedded), {score}",
    "self": "own words",
    "off": "inference is off",
    "unsure": "left empty, only {score}",
}


def draw_features(
    photo: Image.Image, features: Features, json_name: str, examined: Examination | None = None
) -> Image.Image:
    """Draw the photo with the face's box, and a panel with a close-up and every value with its source; RGB.

    Below them stands what was measured of the appearance, and where.

    Args:
        photo: RGB, upright.
        features: features of the person.
        json_name: name of the file to edit.
        examined: measured appearance; None if it was not measured.
    """
    boxes = [features.face_box] if features.face_box else []
    sheet = _Sheet(photo, boxes, numbered=False)
    text_px = PANEL_PX - (CROP_PX + GAP if boxes else 0)
    if features.face_box:
        sheet.picture(_close_up(photo, features.face_box))
        found = f"face found, {features.face_confidence or 0:.0%} sure"
    else:
        found = "no face in this photo"
    sheet.heading(features.name, text_px)
    sheet.text(found, 17, GREY, width_px=text_px, space=26)
    for label, trait in (("Gender", features.gender), ("Race", features.race), ("Age", features.age)):
        sheet.trait(label, trait, text_px if sheet.y < GAP + CROP_PX else PANEL_PX)
    if features.description:
        sheet.y += 4
        for line in _wrapped(f"“{features.description}”", label_font(19), PANEL_PX, DESCRIPTION_LINES):
            sheet.text(line, 19, INK, space=6)
        sheet.text("own words; they take precedence over what was inferred", 15, GREY)
    sheet.y = max(sheet.y + 8, GAP + PHOTO_PX - 192)
    sheet.tastes(features.top_genres)
    sheet.footer(f"A proposal: edit {json_name} to change the avatar.")
    return sheet.image if examined is None else _with_below(sheet.image, draw_measured(examined, PAPER))


def draw_fault(photo: Image.Image, faces: Sequence[DetectedFace], name: str, what: str, remedy: str) -> Image.Image:
    """Draw the photo with all faces numbered from the left, and the problem; RGB.

    Args:
        photo: RGB, upright.
        faces: detected faces.
        name: name of the photo.
        what: problem.
        remedy: what to do.
    """
    sheet = _Sheet(photo, [face.box for face in faces], numbered=True)
    sheet.text(name, 20, GREY)
    sheet.text(what, 30, WARNING, bold=True, space=24)
    for line in _wrapped(remedy[0].upper() + remedy[1:] + ".", label_font(20), PANEL_PX, 6):
        sheet.text(line, 20, INK, space=8)
    sheet.footer("No features were written.")
    return sheet.image


class _Sheet:
    """A sheet with the photo on the left; the panel on the right is filled from top to bottom."""

    def __init__(self, photo: Image.Image, boxes: Sequence[Box], numbered: bool) -> None:
        self.x, self.y = 2 * GAP + PHOTO_PX, GAP
        self.image = Image.new("RGB", (3 * GAP + PHOTO_PX + PANEL_PX, 2 * GAP + PHOTO_PX), PAPER)
        self._draw = ImageDraw.Draw(self.image)
        fitted = _with_boxes(photo, boxes, numbered)
        place = GAP + (PHOTO_PX - fitted.width) // 2, GAP + (PHOTO_PX - fitted.height) // 2
        square = (GAP, GAP, GAP + PHOTO_PX - 1, GAP + PHOTO_PX - 1)
        self._draw.rounded_rectangle(square, 18, fill=CARD)
        self.image.paste(fitted, place, _rounded(fitted.size, 18))

    def picture(self, picture: Image.Image) -> None:
        """Paste a picture into the upper right corner."""
        self.image.paste(picture, (self.x + PANEL_PX - picture.width, GAP), _rounded(picture.size, 14))

    def heading(self, name: str, width_px: int) -> None:
        """Write a name in any script, smaller and in two lines where it is long."""
        size, lines = fit_lines(name, NAME_PX, (width_px, LINE * NAME_PX))
        for line in lines:
            draw_name(self._draw, line, (self.x, self.y + 0.93 * size), size, width_px, fill=INK)
            self.y += round(LINE * size)

    def text(
        self, text: str, size_px: int, colour: str, *, bold: bool = False, width_px: int = PANEL_PX, space: int = 10
    ) -> None:
        """Write a line, truncated to `width_px`."""
        font = label_font(size_px, bold)
        self._draw.text((self.x, self.y), fit_text(text, font, width_px), fill=colour, font=font, anchor="la")
        self.y += size_px + space

    def trait(self, label: str, trait: Trait, width_px: int) -> None:
        """Write a value with its source below."""
        self._draw.text((self.x, self.y + 2), label, fill=GREY, font=label_font(17), anchor="la")
        left, font = self.x + 92, label_font(21, bold=True)
        value = fit_text(trait.value, font, width_px - 92) if trait.value else "–"
        self._draw.text((left, self.y), value, fill=INK if trait.value else GREY, font=font, anchor="la")
        note = NOTES[trait.source].format(score="no score" if trait.score is None else f"{trait.score:.0%} sure")
        font = label_font(15)
        self._draw.text((left, self.y + 29), fit_text(note, font, width_px - 92), fill=GREY, font=font, anchor="la")
        self.y += 64

    def tastes(self, genres: Sequence[tuple[str, float]]) -> None:
        """Draw the favourite genres as bars."""
        self.text("Favourite genres" if genres else "No favourite genres: a neutral outfit", 17, GREY, space=16)
        left, whole = self.x + 210, PANEL_PX - 210 - 64
        for genre, weight in genres:
            self._draw.text((self.x, self.y + 9), GENRES[genre], fill=INK, font=label_font(18), anchor="lm")
            for length, colour in ((whole, TRACK), (max(18, round(whole * weight)), ACCENT)):
                self._draw.rounded_rectangle((left, self.y, left + length, self.y + 17), 9, fill=colour)
            edge = self.x + PANEL_PX
            self._draw.text((edge, self.y + 9), f"{weight:.0%}", fill=GREY, font=label_font(17), anchor="rm")
            self.y += 34

    def footer(self, text: str) -> None:
        """Write a line at the bottom of the panel."""
        font = label_font(15)
        bottom = self.x, GAP + PHOTO_PX
        self._draw.text(bottom, fit_text(text, font, PANEL_PX), fill=GREY, font=font, anchor="ls")


def _with_below(sheet: Image.Image, block: Image.Image) -> Image.Image:
    """The sheet, made longer by a block."""
    longer = Image.new("RGB", (sheet.width, sheet.height + block.height + GAP), PAPER)
    longer.paste(sheet, (0, 0))
    longer.paste(block, (GAP, sheet.height))
    return longer


def _with_boxes(photo: Image.Image, boxes: Sequence[Box], numbered: bool) -> Image.Image:
    """Fit the photo into the square (small ones are enlarged) and draw the boxes."""
    scale = PHOTO_PX / max(photo.size)
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    fitted = photo.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    draw = ImageDraw.Draw(fitted)
    for number, box in enumerate(boxes, 1):
        edges = tuple(round(edge * scale) for edge in box)
        radius = min(10, (edges[2] - edges[0]) // 3, (edges[3] - edges[1]) // 3)
        for grow, width, colour in ((1, 6, CARD), (0, 4, ACCENT)):  # readable on any ground
            frame = (edges[0] - grow, edges[1] - grow, edges[2] + grow, edges[3] + grow)
            draw.rounded_rectangle(frame, radius + grow, outline=colour, width=width)
        if numbered:
            _draw_number(draw, number, fitted.size, (edges[0], edges[1]))
    return fitted


def _draw_number(draw: ImageDraw.ImageDraw, number: int, size: tuple[int, int], corner: tuple[int, int]) -> None:
    """Draw a number in a disc at the upper left corner of a box, inside the photo."""
    radius = 17
    x, y = (min(max(place, radius + 2), length - radius - 2) for place, length in zip(corner, size, strict=True))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ACCENT, outline=CARD, width=2)
    draw.text((x, y), str(number), fill=CARD, font=label_font(19, bold=True), anchor="mm")


def _close_up(photo: Image.Image, box: Box) -> Image.Image:
    """Square around the face, (CROP_PX, CROP_PX); pale beyond the photo."""
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half = CROP_SCALE * max(box[2] - box[0], box[3] - box[1]) / 2
    square = [round(place + sign * half) for sign in (-1, 1) for place in middle]
    inside = max(0, square[0]), max(0, square[1]), min(photo.width, square[2]), min(photo.height, square[3])
    ground = Image.new("RGB", (square[2] - square[0], square[3] - square[1]), TRACK)
    ground.paste(photo.crop(inside), (inside[0] - square[0], inside[1] - square[1]))
    return ground.resize((CROP_PX, CROP_PX), Image.Resampling.LANCZOS, reducing_gap=3)


@functools.lru_cache(maxsize=4)
def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """Mask with round corners, drawn at four times the size for antialiasing."""
    mask = Image.new("L", (4 * size[0], 4 * size[1]))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), 4 * radius, fill=255)
    return mask.resize(size, Image.Resampling.BOX)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width_px: int, lines: int) -> list[str]:
    """Wrap text into at most `lines` lines of whole words; the last line holds the rest."""
    words, wrapped = text.split(), [""]
    for place, word in enumerate(words):
        longer = f"{wrapped[-1]} {word}".strip()
        if font.getlength(longer) <= width_px or not wrapped[-1]:
            wrapped[-1] = longer
        elif len(wrapped) == lines:
            wrapped[-1] = " ".join([wrapped[-1], *words[place:]])
            break
        else:
            wrapped.append(word)
    return wrapped


def face_tile(path: Path) -> Image.Image:
    """Crop the photo from a picture of `draw_features`."""
    with Image.open(path) as opened:
        return opened.convert("RGB").crop((GAP, GAP, GAP + PHOTO_PX, GAP + PHOTO_PX))
