"""A page of what was understood of a table: columns, scales with the count of each answer, people, doubts."""

import math
from collections import Counter

from PIL import Image, ImageDraw

from common.genres import GENRES
from common.grids import CARD, GREY, INK, PAPER, PINK, TEAL
from common.lettering import draw_name, label_font, wrap
from common.surveys.survey import Survey

WIDTH_PX = 1600
ROW_PX = 46
BAR_PX = 520
NOTE_PX, NOTE_LINES = 24, 4  # size of notes, and the most lines of each
BARS = 24  # bars of a question; more different answers are drawn as ranges


def survey_text(survey: Survey) -> str:
    """The page as text."""
    lines = [survey.describe(), "", "questions (answer x times):"]
    for genre, column in _questions(survey):
        counts = survey.counts[column]
        parts = [f"{value:g} x {count:,}" for value, count in sorted(counts.items())[:BARS]]
        more = ", ..." if len(counts) > BARS else ""
        lines.append(
            f"  {genre:<11} <- {column}, scale {survey.scales[column]}: {', '.join(parts) or 'no answer'}{more}"
        )
    return "\n".join(filter(None, [*lines, "", survey.describe_empty()])) + "\n"


def survey_page(survey: Survey) -> Image.Image:
    """The page as a picture, RGB: a row a question with a bar for each answer, dark where it counts as no answer."""
    questions = list(_questions(survey))
    notes = [*survey.notes, *([] if survey.sure else [f"assumed scale; set it by --scale {survey.scale}"])]
    notes += [f"left out, no genre: {', '.join(survey.alignment.unused)}"] if survey.alignment.unused else []
    absent = [name for key, name in GENRES.items() if key not in survey.alignment.sources]
    notes += [f"not asked, counted as 0: {', '.join(absent)}"] if absent else []
    notes += [survey.describe_empty()] if survey.describe_empty() else []
    notes = [line for note in notes for line in wrap(note, NOTE_PX, WIDTH_PX - 80)[:NOTE_LINES]]
    top = 150
    sheet = Image.new("RGB", (WIDTH_PX, top + ROW_PX * len(questions) + 44 * len(notes) + 60), PAPER)
    draw = ImageDraw.Draw(sheet)
    person = " + ".join(survey.alignment.id_columns) or "the row's number"
    scale = f"scale {survey.scale}" if len(set(survey.scales.values())) == 1 else "scales as below"
    title = f"{survey.path.name}: {survey.rows:,} people, {scale}, named by {person}"
    draw_name(draw, title, (40, 58), 30, WIDTH_PX - 80, fill=INK)
    for x, head in ((40, "genre"), (330, "column"), (850, "scale"), (1000, "answers")):
        draw.text((x, 100), head, fill=GREY, font=label_font(22))
    for row, (genre, column) in enumerate(questions):
        y = top + ROW_PX * row
        draw.rectangle((30, y, WIDTH_PX - 30, y + ROW_PX - 6), fill=CARD)
        font = label_font(22)
        draw.text((40, y + 6), GENRES[genre], fill=INK, font=font)
        draw_name(draw, column, (330, y + 27), 22, 500, fill=INK, bold=False)
        draw.text((850, y + 6), str(survey.scales[column]), fill=INK, font=font)
        _draw_bars(draw, survey, column, y)
    for row, note in enumerate(notes):
        y = top + ROW_PX * len(questions) + 20 + 44 * row
        draw_name(draw, note, (40, y + 24), NOTE_PX, WIDTH_PX - 80, fill=INK, bold=False)
    return sheet


def _questions(survey: Survey) -> list[tuple[str, str]]:
    return [(genre, column) for genre, columns in survey.alignment.sources.items() for column in columns]


def _draw_bars(draw: ImageDraw.ImageDraw, survey: Survey, column: str, y: int) -> None:
    counts: Counter[float] = survey.counts[column]
    step = max(1, math.ceil(len(counts) / BARS))
    values = sorted(counts)
    groups = [values[start : start + step] for start in range(0, len(values), step)]
    most = max((sum(counts[value] for value in group) for group in groups), default=1)
    width = min(90, BAR_PX // max(1, len(groups)))
    for place, group in enumerate(groups):
        x, count = 1000 + place * width, sum(counts[value] for value in group)
        height = max(2, round(24 * count / most))
        colour = PINK if group[0] in survey.missing.get(column, ()) else TEAL
        draw.rectangle((x, y + 38 - height, x + max(2, width // 3), y + 38), fill=colour)
        if width >= 44:
            draw.text((x + width // 3 + 4, y + 2), f"{group[0]:g}", fill=INK, font=label_font(16))
            draw.text((x + width // 3 + 4, y + 21), f"{count:,}", fill=GREY, font=label_font(13))
