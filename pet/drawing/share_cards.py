"""Cards to share: a pet, its person's name and what it says of them, as a square and as a story."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from common.grids import CARD, GREY, INK, PAPER, PINK, TEAL, VIOLET, YELLOW
from common.lettering import draw_name, label_font, name_width, wrap

FORMS = {"square": (1080, 1080), "story": (1080, 1920)}  # px
ORIGIN = {  # what the PNG files say of themselves; nothing of the person
    "Title": "A pet of Re:Live",
    "Description": "Drawn layers, put together by a taste in music",
    "Copyright": "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
    "Software": "Re:Live, pet/",
}
MARGIN = 72
NAME_PX, SMALL_NAME_PX = 72, 36  # of short and of long names
SPRINKLES = ((0.03, 0.05, PINK), (0.97, 0.07, TEAL), (0.05, 0.55, YELLOW), (0.95, 0.5, VIOLET), (0.9, 0.3, YELLOW))


def share_cards(pet: Image.Image, name: str, lines: Sequence[str]) -> dict[str, Image.Image]:
    """The cards by form, RGB.

    Args:
        pet: RGBA, square.
        name: the person's name.
        lines: sentences below the pet, the first in ink; empty ones are left out.
    """
    return {form: _card(size, pet, name, [line for line in lines if line]) for form, size in FORMS.items()}


def _card(size: tuple[int, int], pet: Image.Image, name: str, lines: Sequence[str]) -> Image.Image:
    width, height = size
    card = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(card)
    text_size = 32 if height == width else 44
    room = width - 2 * MARGIN
    rows = [
        (line, GREY if number else INK) for number, text in enumerate(lines) for line in wrap(text, text_size, room)
    ]
    text_height = round(1.35 * text_size * len(rows))
    top, bottom = round(0.12 * height) if height > width else 110, height - MARGIN - text_height - 40
    room = width - 2 * MARGIN
    name_px = next((px for px in range(NAME_PX, SMALL_NAME_PX, -2) if name_width(name, px) <= room), SMALL_NAME_PX)
    draw_name(draw, name, (width / 2, top - 20), name_px, room, fill=INK, centred=True)
    side = min(width - 2 * MARGIN, bottom - top)
    box = (width - side) // 2, top + (bottom - top - side) // 2
    for x, y, colour in SPRINKLES:
        middle = x * width, y * height
        if not (box[0] - 40 < middle[0] < box[0] + side + 40 and box[1] - 20 < middle[1] < box[1] + side + 40):
            draw.ellipse((middle[0] - 16, middle[1] - 16, middle[0] + 16, middle[1] + 16), fill=colour)
    draw.rounded_rectangle((box[0] - 16, box[1] + 12, box[0] + side + 16, box[1] + side + 12), 48, CARD)
    shown = pet.convert("RGBa").resize((side, side), Image.Resampling.LANCZOS).convert("RGBA")
    card.paste(shown, box, shown)
    for number, (line, colour) in enumerate(rows):
        place = (width / 2, bottom + 52 + 1.35 * text_size * (number + 0.5))
        draw.text(place, line, colour, label_font(text_size, bold=colour == INK), anchor="mm")
    return card
