"""All four parts on one postcard: person and avatar on stage, the avatar in a style, the taste, the pet that suits it.

Reads   outputs/avatar/features/, outputs/avatar/AvatarGen_Base/, outputs/avatar/AvatarGen/,
        outputs/carousel/festival/together.png, outputs/pet/main_pet.png and main.json
Writes  outputs/postcard.png, 1800 x 1200
"""

import json
from pathlib import Path

from common.demo.postcard import Box, Postcard
from common.errors import UserError
from common.files import check_output, read_plain
from common.genres import GENRES
from common.grids import CARD, GREY, PINK, TEAL, YELLOW
from common.images import read_image, write_png
from common.lettering import warn_of_names
from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--features me.json) ----
FEATURES: Path = OUTPUTS / "avatar/features/Júlia.json"  # the person's name and taste; avatars have the same file name
AVATARS: Path = OUTPUTS / "avatar/AvatarGen_Base/avatars"  # folder of cut-out avatars
STYLED: Path = OUTPUTS / "avatar/AvatarGen/drawn"  # folder of stylised avatars, for the stamp
SCENE: Path = OUTPUTS / "carousel/festival/together.png"  # picture of the stage
PET: Path = OUTPUTS / "pet/main_pet.png"  # picture of the pet alone
PET_RECORD: Path = OUTPUTS / "pet/main.json"  # JSON of the run that drew the pet: what it wears
GREETING: str = "Greetings from Re:Live"  # headline
OUTPUT: Path = OUTPUTS / "postcard.png"  # the postcard


def main() -> Report:
    """Lay the card out and write it."""
    from avatar.person.features import read_features

    avatar, stamp = (folder / f"{FEATURES.stem}.png" for folder in (AVATARS, STYLED))
    inputs = [FEATURES, avatar, stamp, SCENE, PET, PET_RECORD]
    check_output(OUTPUT, (".png",), inputs)
    person = read_features(FEATURES)
    likes = {GENRES[genre]: value for genre, value in person.taste.items()}
    favourites = sorted((genre for genre in likes if likes[genre] > 0), key=lambda genre: -likes[genre])[:3]
    most = max(likes.values())
    worn = read_worn(PET_RECORD)

    card = Postcard()
    card.border()
    card.photo(read_image(SCENE, "RGB"), (64, 64, 1184, 811))
    first, _, rest = GREETING.partition(" from ")
    card.text(first, (1224, 64), 56, 330, bold=True)
    card.text(f"from {rest}" if rest else "", (1224, 134), 34, 320, PINK, bold=True)
    warn_of_names([person.name])
    card.words(person.name, (1224, 190), 34, (326, 66))
    card.words(", ".join(favourites) or "no favourites", (1224, 258), 20, (326, 40), GREY)
    card.stamp(read_image(stamp, "RGB"), (1566, 64, 1736, 274))
    card.frame((1224, 304, 1736, 744), TEAL)
    place(card, avatar, (1224, 324, 1736, 744))
    card.frame((64, 841, 1184, 1136), CARD)
    card.words(f"What {person.name} likes", (94, 861), 24, (1060, 30))
    card.bars(
        {genre: value / most if most else 0 for genre, value in likes.items()}, (94, 905, 1154, 1122), 2, favourites
    )
    card.frame((1224, 774, 1736, 1136), YELLOW)
    place(card, cut_out=PET, box=(1234, 794, 1524, 1126))
    for number, (slot, name) in enumerate(worn.items()):
        card.text(slot, (1540, 830 + 96 * number), 17, 180, "#8a6a10")
        card.words(name, (1540, 854 + 96 * number), 21, (184, 64))
    write_png(OUTPUT, card.picture())
    print(f"written: {shown(OUTPUT)}")
    return Report(OUTPUT, inputs, {"name": person.name, **worn})


def place(card: Postcard, cut_out: Path, box: Box) -> None:
    """Put the picture of a cut-out on the card."""
    picture = read_image(cut_out, "RGBA")
    try:
        card.figure(picture, box)
    except UserError as error:
        raise UserError(f"{cut_out}: {error}") from error


def read_worn(record: Path) -> dict[str, str]:
    """Slots and the accessories in them, from the JSON of a run of pet/main.py."""
    try:
        figures = json.loads(read_plain(record))["figures"]
        return {slot: str(figures[slot]) for slot in ("Head", "Face", "Torso")}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(f"{record}: not the JSON of a run of pet/main.py") from error


if __name__ == "__main__":
    run(main)
