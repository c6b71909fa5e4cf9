"""The postcard's layout: pictures in rounded frames, a stamp, bars of a taste, and a border as of airmail.

Everything is laid out in px of the card and drawn twice as large, so that edges are smooth when it is brought to size.
"""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageChops, ImageDraw

from common.errors import UserError
from common.grids import CARD, GREY, INK, PAPER, PINK, TEAL, VIOLET
from common.lettering import LINE, draw_name, fit_lines, fit_text, label_font

SIZE = (1800, 1200)
LARGER = 2  # than the card, while drawing
BORDER, STRIPE = 26, 46
FRAME_RADIUS = 22
TEETH = 13  # distance of a stamp's perforations
Box = tuple[float, float, float, float]


class Postcard:
    """A card that is drawn on piece by piece; boxes are (left, top, right, bottom)."""

    def __init__(self) -> None:
        self._sheet = Image.new("RGB", (SIZE[0] * LARGER, SIZE[1] * LARGER), PAPER)
        self._draw = ImageDraw.Draw(self._sheet)

    def picture(self) -> Image.Image:
        """The card, RGB."""
        return self._sheet.resize(SIZE, Image.Resampling.LANCZOS)

    def border(self) -> None:
        """Slanting stripes all around."""
        width, height = (side * LARGER for side in SIZE)
        stripes = Image.new("RGB", (width, height), CARD)
        draw = ImageDraw.Draw(stripes)
        step = STRIPE * LARGER
        for number, left in enumerate(range(-height, width, step)):
            colour = (PINK, CARD, TEAL, CARD)[number % 4]
            draw.polygon([(left, height), (left + step, height), (left + step + height, 0), (left + height, 0)], colour)
        edge = BORDER * LARGER
        inside = Image.new("L", (width, height), 255)
        ImageDraw.Draw(inside).rectangle((edge, edge, width - edge, height - edge), fill=0)
        self._sheet.paste(stripes, (0, 0), inside)

    def frame(self, box: Box, colour: str) -> None:
        """A rounded area of one colour."""
        self._draw.rounded_rectangle(_scaled(box), FRAME_RADIUS * LARGER, fill=colour)

    def photo(self, picture: Image.Image, box: Box) -> None:
        """A picture that fills a rounded frame, its sides cut off where it is wider, top and bottom where higher."""
        left, top, right, bottom = _scaled(box)
        filled = _filling(picture.convert("RGB"), right - left, bottom - top)
        self._sheet.paste(filled, (left, top), _rounded(filled.size))

    def figure(self, picture: Image.Image, box: Box) -> None:
        """A cut-out as large as the box allows, on its lower edge, in its middle, without crossing rounded corners.

        Raises:
            UserError: transparent throughout.
        """
        left, top, right, bottom = _scaled(box)
        cut = picture.convert("RGBA")
        shown = cut.getchannel("A").getbbox()
        if shown is None:
            raise UserError("transparent throughout, shows nothing")
        cut = cut.crop(shown)
        scale = min((right - left) / cut.width, (bottom - top) / cut.height)
        cut = cut.resize(
            (max(1, round(scale * cut.width)), max(1, round(scale * cut.height))), Image.Resampling.LANCZOS
        )
        layer = Image.new("RGBA", (right - left, bottom - top))
        layer.paste(cut, ((layer.width - cut.width) // 2, layer.height - cut.height))
        alpha = ImageChops.multiply(layer.getchannel("A"), _rounded(layer.size))
        self._sheet.paste(layer, (left, top), alpha)

    def stamp(self, picture: Image.Image, box: Box) -> None:
        """A picture with a white, perforated rim."""
        left, top, right, bottom = _scaled(box)
        self._draw.rectangle((left, top, right, bottom), fill=CARD)
        radius = TEETH * LARGER * 0.3
        across, down = (round((high - low) / (TEETH * LARGER)) for low, high in ((left, right), (top, bottom)))
        holes: list[tuple[float, float]] = [
            (left + (right - left) * n / across, y) for n in range(across + 1) for y in (top, bottom)
        ]
        holes += [(x, top + (bottom - top) * n / down) for n in range(1, down) for x in (left, right)]
        for x, y in holes:
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=PAPER)
        rim = TEETH * LARGER
        inner = _filling(picture.convert("RGB"), right - left - 2 * rim, bottom - top - 2 * rim)
        self._sheet.paste(inner, (left + rim, top + rim))

    def text(
        self, words: str, place: tuple[float, float], size: int, width: float, colour: str = INK, *, bold: bool = False
    ) -> None:
        """One line from its upper left corner, cut where it is wider than `width`."""
        font = label_font(size * LARGER, bold)
        left, top = (round(value * LARGER) for value in place)
        self._draw.text((left, top), fit_text(words, font, width * LARGER), fill=colour, font=font)

    def words(
        self, words: str, place: tuple[float, float], size: int, room: tuple[float, float], colour: str = INK
    ) -> None:
        """Bold text in any script from its upper left corner, smaller and in more lines where its room asks for it."""
        left, top = (value * LARGER for value in place)
        width = room[0] * LARGER
        size_px, lines = fit_lines(words, size * LARGER, (width, room[1] * LARGER))
        for number, line in enumerate(lines):
            baseline = top + size_px * (0.93 + LINE * number)
            draw_name(self._draw, line, (left, baseline), size_px, width, fill=colour)

    def bars(self, values: Mapping[str, float], box: Box, columns: int, marked: Sequence[str]) -> None:
        """Named bars from 0 to 1 in columns; those `marked` in the bright colour."""
        left, top, right, bottom = box
        rows = -(-len(values) // columns)
        width, height = (right - left) / columns, (bottom - top) / rows
        size = round(0.52 * height)
        for number, (name, value) in enumerate(values.items()):
            x, y = left + number // rows * width, top + number % rows * height
            self.text(name, (x, y + 0.2 * height), size, 0.36 * width, INK if name in marked else GREY)
            start, reach = x + 0.38 * width, 0.56 * width
            for share, colour in ((1.0, "#efe8f2"), (value, PINK if name in marked else VIOLET)):
                if share > 0:
                    bar = _scaled(
                        (start, y + 0.26 * height, start + max(share * reach, 0.5 * height), y + 0.74 * height)
                    )
                    self._draw.rounded_rectangle(bar, (bar[3] - bar[1]) / 2, fill=colour)


def _scaled(box: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(value * LARGER) for value in box)
    return left, top, right, bottom


def _rounded(size: tuple[int, int]) -> Image.Image:
    """A mask of this size with rounded corners."""
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *size), FRAME_RADIUS * LARGER, fill=255)
    return mask


def _filling(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture, scaled to fill this size."""
    scale = max(width / picture.width, height / picture.height)
    size = max(width, round(scale * picture.width)), max(height, round(scale * picture.height))
    large = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (large.width - width) // 2, (large.height - height) // 2
    return large.crop((left, top, left + width, top + height))
