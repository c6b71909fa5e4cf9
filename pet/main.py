"""One pet for one person, straight from a taste.

    python pet/main.py --taste "rock=5,jazz=3"      a taste of your own
    python pet/main.py --user Marc --show           a row of data/pet/users.csv, in a window

For each of Torso, Face and Head one of the K accessories nearest to the normalised taste is drawn, and pasted in
this order onto the base body. (The best set for many people at once: 1_TopN.py.)

Reads   data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png; data/pet/users.csv for --user
Writes  outputs/pet/main.png (pet and chart), outputs/pet/main_pet.png (the pet alone, on transparent ground)
"""

import signal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import UserError, check_range
from common.files import check_output
from common.genres import parse_taste
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from common.surveys.survey import open_survey
from pet.choosing.choice_table import Choice, Worn
from pet.choosing.neighbours import choose_among_nearest
from pet.choosing.wardrobe import SLOTS, check_pictures, load_bodies, load_wardrobe
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.compositing import Dresser, body_for

# ---- settings: edit here, or override once on the command line (--taste "rock=5,jazz=3") ----
TASTE = ""  # "rock=5,jazz=3": genres and how much each is liked, any scale from 0; goes before USER
USER = "Júlia"  # who, of the table of users
NAME = ""  # on the chart; empty: USER, or with TASTE the taste itself
USERS = DATA / "pet/users.csv"  # table of tastes
ACCESSORIES = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES = DATA / "pet/Body"  # folder of base bodies
BODY = "auto"  # Bear, Bunny, Cat, Dog; auto: by the name
K = 1  # nearest accessories of each slot to draw from; 1: the nearest itself
SEED = 0  # of the draw
SIZE_PX = 768  # side of the picture's pet
SAVE = True  # write OUTPUT
SHOW = False  # open a window
OUTPUT = OUTPUTS / "pet/main.png"  # pet and chart; beside it main_pet.png, the pet alone


def main(
    taste: str = TASTE,
    user: str = USER,
    name: str = NAME,
    users: Path = USERS,
    accessories: Path = ACCESSORIES,
    bodies: Path = BODIES,
    body: str = BODY,
    k: int = K,
    seed: int = SEED,
    size_px: int = SIZE_PX,
    save: bool = SAVE,
    show: bool = SHOW,
    output: Path = OUTPUT,
) -> Report | None:
    """Choose, paste, explain, save and show one pet."""
    check_range("SIZE_PX", size_px, 64, 4096)
    check_range("SEED", seed, 0, 2**32 - 1)
    check_output(output, (".png",), [users, accessories])
    if show:
        check_display()
    wardrobe = load_wardrobe(accessories)
    check_range("K", k, 1, min(len(wardrobe.slots[slot]) for slot in SLOTS))
    base = load_bodies(bodies)
    if body != "auto" and body not in base:
        raise UserError(f"setting BODY is {body!r}; it must be auto or one of {', '.join(base)}")
    name = name.strip() or taste or user
    vector = np.array(list(parse_taste(taste).values())) if taste else taste_of(user, users)
    slots = [wardrobe.vectors(slot) for slot in SLOTS]
    sets = choose_among_nearest(vector[None], slots, k, seed)
    chosen = {slot: wardrobe.slots[slot][index] for slot, index in zip(SLOTS, sets.indices[0], strict=True)}
    worn = {
        slot: Worn(chosen[slot].name, float(sets.slot_scores[0, i]), int(sets.ranks[0, i]), chosen[slot].vector)
        for i, slot in enumerate(SLOTS)
    }
    check_pictures(wardrobe, [body_for(name, base, body)], list(chosen.values()))
    pet = Dresser(size_px).dress(body_for(name, base, body), {slot: item.file for slot, item in chosen.items()})
    card = beside(pet, ChartPainter(size_px).paint(Choice(name, vector, float(sets.scores[0]), worn)))
    for slot in SLOTS:
        print(f"{slot:<6} {worn[slot].name} (cosine {worn[slot].score:.3f})")
    print(f"set    cosine {sets.scores[0]:.3f}")
    if save:
        write_png(output, card)
        write_png(output.with_stem(f"{output.stem}_pet"), pet)
        print(f"written: {shown(output)}")
    if show:
        show_picture(card, name)
    if not save:
        return None
    figures = {slot: worn[slot].name for slot in SLOTS} | {"cosine": round(float(sets.scores[0]), 4)}
    return Report(output, [accessories], figures)


def taste_of(user: str, users: Path) -> NDArray[np.float64]:
    """The vector of one person of a table of tastes."""
    for ids, vectors in open_survey(users).batches():
        names = ids.to_pylist()
        if user in names:
            return vectors[names.index(user)].astype(np.float64)
    raise UserError(f"{users}: has no user {user!r}")


def check_display() -> None:
    """Raise UserError where no window can be opened."""
    import matplotlib
    from matplotlib import pyplot

    try:
        pyplot.switch_backend(matplotlib.rcParams["backend"])
        shown_in = matplotlib.get_backend().lower()
    except ImportError:  # a toolkit without a display
        shown_in = "agg"
    if shown_in == "agg":
        raise UserError("setting SHOW: there is no display, or no toolkit for windows (pip install PySide6)")


def show_picture(card: Image.Image, title: str) -> None:
    """Open a window with the picture, until it is closed."""
    from matplotlib import pyplot

    figure = pyplot.figure(title, figsize=(12, 12 * card.height / card.width))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(card)
    axes.set_axis_off()
    for number in (signal.SIGINT, signal.SIGTERM):  # a window's loop hears of a signal only when something is clicked
        signal.signal(number, signal.SIG_DFL)
    pyplot.show()


if __name__ == "__main__":
    run(main)
