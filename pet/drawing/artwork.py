"""The drawings behind `data/pet`: one SVG per layer, with its own name and genres.

    <svg viewBox="0 0 1024 1024" data-genres="folk 1.0, rock 0.3" ...><title>Cowboy hat</title> ... </svg>

All share one canvas, so that layers align, and use the colours of `data/pet/art/palette.gpl`.
"""

import io
import random
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from common.errors import UserError
from common.genres import GENRES

CANVAS_PX = 1024


@dataclass(frozen=True)
class Drawing:
    """One SVG: its file, the name in its <title>, and genre weights from 0 to 1.

    There are no weights for a base body, nor for what people wear who like nothing.
    """

    path: Path
    name: str
    genres: dict[str, float]


def read_drawing(path: Path) -> Drawing:
    """Read name and genres of an SVG.

    Raises:
        UserError: no such file, not an SVG of CANVAS_PX, no <title>, or a genre or weight that is not known.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; each layer needs its drawing")
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise UserError(f"{path}: not an SVG ({error})") from error
    if root.get("viewBox") != f"0 0 {CANVAS_PX} {CANVAS_PX}":
        raise UserError(f'{path}: needs viewBox="0 0 {CANVAS_PX} {CANVAS_PX}", so that layers align')
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    if not title:
        raise UserError(f"{path}: has no <title>")
    genres: dict[str, float] = {}
    for part in filter(None, root.get("data-genres", "").split(",")):
        match = re.fullmatch(r"\s*(\w+)\s+([\d.]+)\s*", part)
        if not match or match[1] not in GENRES or not 0 <= float(match[2]) <= 1:
            raise UserError(f"{path}: data-genres has {part.strip()!r}; it needs a genre key and a weight from 0 to 1")
        genres[match[1]] = float(match[2])
    return Drawing(path, title.strip(), genres)


def render(path: Path) -> Image.Image:
    """The drawing as an RGBA picture of CANVAS_PX x CANVAS_PX."""
    return render_text(path.read_text(encoding="utf-8"))


def render_text(svg: str) -> Image.Image:
    """The same for the text of an SVG."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=CANVAS_PX, height=CANVAS_PX, skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGBA")


SAMPLE_TASTES = {  # the 24 sample users: what each likes most; the rest of a taste is mild and drawn by name
    "Júlia": "indie 1, pop 0.8, folk 0.6",
    "Marc": "rock 1, metal 0.8, punk 0.5",
    "Núria": "electronic 1, pop 0.5, world 0.4",
    "Oriol": "reggae 1, world 0.7, hiphop 0.5",
    "Aina": "hiphop 1, soul 0.8, latin 0.6",
    "Pau": "jazz 1, soul 0.7, classical 0.5",
    "Carla": "latin 1, pop 0.9, electronic 0.4",
    "Biel": "metal 1, classical 0.5",
    "Laia": "folk 1, indie 0.8, world 0.4",
    "Àlex": "punk 1, reggae 0.7, rock 0.5",
    "Marta": "soul 1, jazz 0.7, pop 0.5",
    "Iker": "world 1, latin 0.7",
    "Sofía": "pop 1, soul 0.4",
    "Hugo": "hiphop 1, electronic 0.8",
    "Mireia": "classical 1, folk 0.5, jazz 0.4",
    "Dídac": "electronic 1, indie 0.5, punk 0.3",
    "Noor": "world 0.9, soul 0.8, hiphop 0.8",
    "Tomàs": "folk 1, rock 0.7, jazz 0.4",
    "Chloé": "pop 0.8, indie 0.8, electronic 0.8",
    "Jon": "rock 0.9, reggae 0.9, punk 0.6",
    "Lucía": "latin 0.9, reggae 0.7, world 0.5",
    "Bruna": "metal 0.9, electronic 0.9",
    "Ferran": "classical 0.9, rock 0.7, metal 0.4",
    "Zoe": "indie 0.9, hiphop 0.7, soul 0.6, punk 0.5",
}


def sample_users() -> list[dict[str, str]]:
    """The rows of `data/pet/users.csv`: the same on every machine."""
    rows = []
    for name, favourites in SAMPLE_TASTES.items():
        mild = random.Random(name)  # Python keeps this sequence the same between versions
        taste = {genre: mild.randrange(0, 7) / 20 for genre in GENRES}
        taste |= {genre: float(weight) for genre, weight in (pair.split() for pair in favourites.split(", "))}
        rows.append({"user": name} | {genre: f"{value:g}" for genre, value in taste.items()})
    return rows
