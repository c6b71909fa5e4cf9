"""Step 1.5: draw every user's pet, and the chart that explains it.

Run again, only what is new or has changed is drawn. Pets that cannot be drawn are skipped and listed.

Reads   outputs/pet/1_TopN.csv (from step 1), data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png
Writes  outputs/pet/1.5_Plot_Pet/: pets/*.png, combined/*.png (pet and chart), contact_sheet_01.png, ...;
        faults.csv (people who were skipped)
"""

from pathlib import Path
from typing import Annotated

from common.errors import UserError
from common.files import print_faults
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from common.workers import default_workers
from pet.choosing.choice_table import read_choices
from pet.choosing.wardrobe import load_bodies, load_wardrobe
from pet.drawing.contact_sheets import write_contact_sheets
from pet.drawing.picture_batch import RenderSettings, plan, render_all

# ---- settings: edit here, or override once on the command line (--size-px 1024) ----
CHOICES: Path = OUTPUTS / "pet/1_TopN.csv"  # table that 1_TopN.py wrote, .csv or .parquet
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types and picture files of accessories
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
OUTPUT: Path = OUTPUTS / "pet/1.5_Plot_Pet"  # folder for the pictures
SIZE_PX: Annotated[int, Range(64, 4096)] = 512  # side of a pet's picture in pixels; charts are readable from 256
BODY: str = "auto"  # base body: Bear, Bunny, Cat, Dog; auto: chosen by the user's name
CHARTS: bool = True  # also draw charts; False: the pets alone
COMBINED: bool = True  # pet and chart in one picture; False: in two
EXPERT: bool = False  # show cosines on charts and contact sheets
TILES: Annotated[int, Range(1, 400)] = 400  # pets on a page of the contact sheet
WORKERS: Annotated[int | None, Range(1, 256)] = None  # processes that draw; None: one per core


def main() -> Report:
    """Draw everybody who has no picture yet, then the contact sheets."""
    if not CHOICES.is_file():
        raise UserError(f"{shown(CHOICES)}: no such file; run pet/1_TopN.py first")
    wardrobe = load_wardrobe(ACCESSORIES)
    job = RenderSettings(
        folder=OUTPUT,
        size_px=SIZE_PX,
        charts=CHARTS,
        combined=COMBINED,
        expert=EXPERT,
        body=BODY,
        bodies=load_bodies(BODIES),
        pictures=wardrobe.pictures(),
    )
    people = plan(CHOICES, wardrobe, job)
    with render_all(CHOICES, job, workers=WORKERS or default_workers()) as outcome:
        choices = enumerate((choice for _, choice in read_choices(CHOICES)), start=1)
        pets = ((job.pet(row, choice.user), choice) for row, choice in choices)
        sheets = write_contact_sheets(pets, folder=OUTPUT, size_px=SIZE_PX, tiles=TILES, expert=EXPERT)
    print(f"{people} people, {outcome.made} drawn now, {outcome.kept} existed")
    for sheet in sheets:
        print(f"contact sheet: {shown(sheet)}")
    print_faults(OUTPUT, outcome.faults)
    figures = {"people": people, "drawn now": outcome.made, "pages": len(sheets)}
    return Report(OUTPUT, [CHOICES, ACCESSORIES], figures, len(outcome.faults))


if __name__ == "__main__":
    run(main)
