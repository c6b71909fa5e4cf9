"""One pet for one person, straight from a taste.

    python pet/main.py --taste "rock=5,jazz=3"      a taste of your own
    python pet/main.py --user Marc --show           a row of data/pet/users.csv, in a window

For each of Torso, Face and Head one of the K accessories nearest to the normalised taste is drawn, and pasted in
this order onto the base body. (The best set for many people at once: 1_TopN.py.)

Reads   data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png; data/pet/users.csv for --user
Writes  outputs/pet/main.png (pet and chart), outputs/pet/main_pet.png (the pet alone, on transparent ground)
"""

from pathlib import Path
from typing import Annotated

import numpy as np

from common.errors import UserError, check_range
from common.files import check_output
from common.genres import parse_taste
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from pet.choosing.choice_table import Choice, Worn
from pet.choosing.neighbours import choose_among_nearest
from pet.choosing.tastes import taste_of
from pet.choosing.wardrobe import SLOTS, check_pictures, load_bodies, load_wardrobe
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.compositing import Dresser, body_for
from pet.drawing.display import check_display, show_picture

# ---- settings: edit here, or override once on the command line (--taste "rock=5,jazz=3") ----
TASTE: str = ""  # "rock=5,jazz=3": how much each genre is liked, on any scale from 0; overrides USER
USER: str = "Júlia"  # name of a person in the table USERS
NAME: str = ""  # name on the chart; empty: TASTE if given, else USER
USERS: Path = DATA / "pet/users.csv"  # table of tastes
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
BODY: str = "auto"  # base body: Bear, Bunny, Cat, Dog; auto: chosen by the name
K: int = 1  # number of nearest accessories of each slot to draw from, at random; 1: the nearest itself
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # seed of the random draw
SIZE_PX: Annotated[int, Range(64, 4096)] = 768  # side of the pet's picture in pixels
SAVE: bool = True  # write OUTPUT
SHOW: bool = False  # open a window with the picture
OUTPUT: Path = OUTPUTS / "pet/main.png"  # pet and chart; beside it main_pet.png, the pet alone


def main() -> Report | None:
    """Choose, paste, explain, save and show one pet."""
    check_output(OUTPUT, (".png",), [USERS, ACCESSORIES])
    if SHOW:
        check_display()
    wardrobe = load_wardrobe(ACCESSORIES)
    check_range("K", K, 1, min(len(wardrobe.slots[slot]) for slot in SLOTS))
    base = load_bodies(BODIES)
    if BODY != "auto" and BODY not in base:
        raise UserError(f"setting BODY is {BODY!r}; it must be auto or one of {', '.join(base)}")
    name = NAME.strip() or TASTE or USER
    vector = np.array(list(parse_taste(TASTE).values())) if TASTE else taste_of(USER, users=USERS)
    slots = [wardrobe.vectors(slot) for slot in SLOTS]
    sets = choose_among_nearest(vector[None], slots, k=K, seed=SEED)
    chosen = {slot: wardrobe.slots[slot][index] for slot, index in zip(SLOTS, sets.indices[0], strict=True)}
    worn = {
        slot: Worn(chosen[slot].name, float(sets.slot_scores[0, i]), int(sets.ranks[0, i]), chosen[slot].vector)
        for i, slot in enumerate(SLOTS)
    }
    check_pictures(wardrobe, [body_for(name, base, wanted=BODY)], list(chosen.values()))
    pet = Dresser(SIZE_PX).dress(body_for(name, base, wanted=BODY), {slot: item.file for slot, item in chosen.items()})
    card = beside(pet, ChartPainter(SIZE_PX).paint(Choice(name, vector, float(sets.scores[0]), worn)))
    for slot in SLOTS:
        print(f"{slot:<6} {worn[slot].name} (cosine {worn[slot].score:.3f})")
    print(f"set    cosine {sets.scores[0]:.3f}")
    if SAVE:
        write_png(OUTPUT, card)
        write_png(OUTPUT.with_stem(f"{OUTPUT.stem}_pet"), pet)
        print(f"written: {shown(OUTPUT)}")
    if SHOW:
        show_picture(card, name)
    if not SAVE:
        return None
    figures = {slot: worn[slot].name for slot in SLOTS} | {"cosine": round(float(sets.scores[0]), 4)}
    return Report(OUTPUT, [ACCESSORIES], figures)


if __name__ == "__main__":
    run(main)
