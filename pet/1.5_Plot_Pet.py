"""Step 1.5: draw every user's pet, and the chart that explains it.

Run again, only what is new or has changed is drawn. Pets that cannot be drawn are skipped and listed.

Reads   outputs/pet/1_TopN.csv (from step 1), data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png
Writes  outputs/pet/1.5_Plot_Pet/: pets/*.png, combined/*.png (pet and chart), contact_sheet_01.png, ...;
        faults.csv (people who were skipped)
"""

from pathlib import Path

from common.errors import UserError, check_range
from common.files import print_faults
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from common.workers import default_workers
from pet.choosing.wardrobe import load_bodies, load_wardrobe
from pet.drawing.contact_sheets import write_contact_sheets
from pet.drawing.picture_batch import Job, plan, render_all

# ---- settings: edit here, or override once on the command line (--size-px 1024) ----
CHOICES = OUTPUTS / "pet/1_TopN.csv"  # table that 1_TopN.py wrote, .csv or .parquet
ACCESSORIES = DATA / "pet/AccessoryDataset.csv"  # where the accessories' pictures are found
BODIES = DATA / "pet/Body"  # folder of base bodies
OUTPUT = OUTPUTS / "pet/1.5_Plot_Pet"  # folder for the pictures
SIZE_PX = 512  # side of a pet's picture; charts are readable from 256
BODY = "auto"  # Bear, Bunny, Cat, Dog; auto: by the user's name
CHARTS = True  # False: the pets alone
COMBINED = True  # pet and chart in one picture; False: in two
TILES = 400  # pets on a page of the contact sheet, at most 400
WORKERS: int | None = None  # processes that draw; None: one a core


def main(
    choices: Path = CHOICES,
    accessories: Path = ACCESSORIES,
    bodies: Path = BODIES,
    output: Path = OUTPUT,
    size_px: int = SIZE_PX,
    body: str = BODY,
    charts: bool = CHARTS,
    combined: bool = COMBINED,
    tiles: int = TILES,
    workers: int | None = WORKERS,
) -> Report:
    """Draw everybody who has no picture yet, then the contact sheets."""
    check_range("SIZE_PX", size_px, 64, 4096)
    check_range("TILES", tiles, 1, 400)
    workers = default_workers() if workers is None else workers
    check_range("WORKERS", workers, 1, 256)
    if not choices.is_file() and choices == CHOICES:
        raise UserError(f"{shown(choices)}: no such file; run pet/1_TopN.py first")
    wardrobe = load_wardrobe(accessories)
    job = Job(output, size_px, charts, combined, body, load_bodies(bodies), wardrobe.pictures())
    people = plan(choices, wardrobe, job)
    with render_all(choices, job, workers) as outcome:
        sheets = write_contact_sheets(choices, job, tiles)
    print(f"{people} people, {outcome.made} drawn now, {outcome.kept} were there")
    for sheet in sheets:
        print(f"contact sheet: {shown(sheet)}")
    print_faults(output, outcome.faults)
    figures = {"people": people, "drawn now": outcome.made, "pages": len(sheets)}
    return Report(output, [choices, accessories], figures, len(outcome.faults))


if __name__ == "__main__":
    run(main)
