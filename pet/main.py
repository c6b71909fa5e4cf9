# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "openpyxl>=3.1",
#     "pandas>=2.3",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "pyarrow>=19",
#     "re-live",
#     "resvg-py>=0.2",
#     "threadpoolctl>=3.5",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""One pet for one person, straight from a taste.

    python pet/main.py --taste "rock=5,jazz=3"      a taste of your own
    python pet/main.py --user Marc --show           a row of data/pet/users.csv, in a window
    python pet/main.py --head "Cowboy hat"          what it must wear; the rest is chosen to go with it
    python pet/main.py --k 3                        KNN instead of the best set; the picture says so

The same rule as 1_TopN.py's chooses the set: one person has the same pet everywhere. With K, one of the K
accessories of each slot that are nearest to the taste is drawn at random instead.

Reads   data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png; data/pet/users.csv for --user
Writes  outputs/pet/main.png (pet and chart), main_pet.png (the pet alone, on transparent ground; and
        main_pet.svg by --svg), main_square.png (1080 x 1080) and main_story.png (1080 x 1920), to share
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.files import check_output, write_text
from common.genres import parse_taste
from common.images import write_png
from common.lettering import warn_of_names
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from common.surveys.survey import open_survey
from pet.choosing.choice_table import choice_of
from pet.choosing.explaining import Language, contributions, counterfactual, sentence
from pet.choosing.recommender import Recommender, Rule
from pet.choosing.tastes import taste_of
from pet.choosing.wardrobe import SLOTS, body_for, check_pictures, load_bodies, load_wardrobe
from pet.choosing.words import SENTENCES
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.coats import coat_for
from pet.drawing.compositing import Dresser
from pet.drawing.designs import design_of
from pet.drawing.display import check_display, show_picture
from pet.drawing.share_cards import ORIGIN, share_cards
from pet.drawing.vector_pets import draw_svg
from pet.publishing.records import wardrobe_record

# ---- settings: edit here, or override once on the command line (--taste "rock=5,jazz=3") ----
TASTE: str = ""  # "rock=5,jazz=3": how much each genre is liked, on any scale from 0; overrides USER
USER: str = "Júlia"  # name of a person in the table USERS
NAME: str = ""  # name on the chart; empty: TASTE if given, else USER
LANGUAGE: Language = "en"  # language of the sentence that explains the pet: en, es, ca
USERS: Path = DATA / "pet/users.csv"  # table of tastes
COLUMNS: str = ""  # meaning of its columns: "Polka=folk, Country=" (nothing after "=": leave it out)
SCALE: str = "auto"  # scale of its answers, such as 1-5, or 5-1 where 1 is the best; auto: found from the answers
MISSING: str = "auto"  # numbers in it that mean no answer, such as 0, 99; auto: usual codes; none: none
NAME_COLUMN: str = ""  # column that names the person, or several, separated by commas; empty: found by its name
ANSWERS: str = ""  # meaning of its answer words: "lots=5, meh=2, no idea=" (nothing after "=": no answer)
SHEET: str = ""  # sheet of a workbook; empty: the one that has genres
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
BODY: str = "auto"  # base body: Bear, Bunny, Cat, Dog; auto: chosen by the name
HEAD: str = ""  # accessory to wear on the head, such as "Cowboy hat"; empty: chosen
TORSO: str = ""  # accessory to wear on the torso; empty: chosen
FACE: str = ""  # accessory to wear on the face; empty: chosen
TOP_N: Annotated[int | None, Range(1, 1_000_000)] = 3  # best of each slot to combine; None: all
IDENTICAL: bool = False  # the best set whatever the name; False: the name chooses among nearly equal sets
K: Annotated[int | None, Range(1, 1_000_000)] = None  # KNN: nearest of each slot to draw from; None: the best set
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # counts with the name; of KNN, the seed of the draw
SIZE_PX: Annotated[int, Range(64, 4096)] = 768  # side of the pet's picture in pixels
EXPERT: bool = False  # show cosines on the picture, and print what each genre contributes
SVG: bool = False  # also write the pet alone as SVG, its layers named
ART: Path = DATA / "pet/art"  # folder of the SVG drawings
SAVE: bool = True  # write OUTPUT
SHOW: bool = False  # open a window with the picture
OUTPUT: Path = OUTPUTS / "pet/main.png"  # pet and chart; the others are written beside it


def main() -> Report | None:
    """Choose, paste, explain, save and show one pet."""
    check_output(OUTPUT, (".png",), [USERS, ACCESSORIES])
    if SHOW:
        check_display()
    wardrobe, bodies = load_wardrobe(ACCESSORIES), load_bodies(BODIES)
    pins = {"Head": HEAD, "Torso": TORSO, "Face": FACE}
    rule = Rule(top_n=TOP_N, neighbours=K, identical=IDENTICAL, seed=SEED, pins=pins)
    recommender = Recommender(wardrobe, rule)
    if BODY != "auto" and BODY not in bodies:
        raise UserError(f"setting BODY is {BODY!r}; it must be auto or one of {', '.join(bodies)}")
    name = NAME.strip() or TASTE or USER
    taste = np.array(list(parse_taste(TASTE).values())) if TASTE else _taste_in_table()
    choice = choice_of(name, taste, recommender.choose([name], taste[None]), wardrobe)
    worn = {slot: wardrobe.find(choice.worn[slot].name) for slot in SLOTS}
    body = body_for(name, bodies, wanted=BODY)
    check_pictures(wardrobe, [body], list(worn.values()))
    published = wardrobe_record(wardrobe, bodies, art=ART) if SVG else None

    warn_of_names([name])
    why = sentence(choice, language=LANGUAGE)
    other = "" if K else counterfactual(choice, recommender, wardrobe, language=LANGUAGE)
    how = SENTENCES[LANGUAGE]["neighbours"].format(k=K) if K else ""
    files = {slot: item.file for slot, item in worn.items()}
    pet = Dresser(SIZE_PX).dress(body, files, coat_for(name))
    card = beside(pet, ChartPainter(SIZE_PX, expert=EXPERT).paint(choice, note=how))
    for slot in SLOTS:
        print(f"{slot:<6} {choice.worn[slot].name} (cosine {choice.worn[slot].score:.3f})")
    print(f"set    cosine {choice.score:.3f}{f', {how}' if how else ''}")
    print(why, other, sep="\n" if other else "")
    if EXPERT:
        for genre, parts in contributions(choice).items():
            print(f"{genre:<11}{sum(parts.values()):.3f}   {', '.join(f'{s} {x:.3f}' for s, x in parts.items() if x)}")
    if SAVE:
        write_png(OUTPUT, card, text=ORIGIN)
        write_png(OUTPUT.with_stem(f"{OUTPUT.stem}_pet"), pet)
        large = Dresser(1024).dress(body, files, coat_for(name))
        for form, picture in share_cards(large, name, [why, other, how]).items():
            write_png(OUTPUT.with_stem(f"{OUTPUT.stem}_{form}"), picture, text=ORIGIN)
        if published:
            svg = draw_svg(published, design_of(name, [item.name for item in worn.values()], {body.stem: body}))
            write_text(OUTPUT.with_name(f"{OUTPUT.stem}_pet.svg"), svg)
        print(f"written: {shown(OUTPUT)}")
    if SHOW:
        show_picture(card, name)
    if not SAVE:
        return None
    figures = {slot: choice.worn[slot].name for slot in SLOTS} | {"cosine": round(choice.score, 4)}
    return Report(OUTPUT, [ACCESSORIES], figures)


def _taste_in_table() -> NDArray[np.float64]:
    survey = open_survey(
        USERS,
        columns=COLUMNS,
        scale=SCALE,
        missing=MISSING,
        name_column=NAME_COLUMN,
        answers=ANSWERS,
        sheet=SHEET,
    )
    return taste_of(USER, survey)


if __name__ == "__main__":
    run(main)
