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
"""Step 1.5: draw every pet once, say who has which, and draw the chart that explains each person's.

Run again, only what is new or has changed is drawn. Pictures that cannot be drawn are skipped and listed.

Reads   outputs/pet/1_TopN.csv (from step 1), data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png;
        data/pet/art/*/*.svg for --svg
Writes  outputs/pet/1.5_Plot_Pet/: pets/*.png (and .svg), each different pet once; people.csv (who has which);
        combined/*.png (pet and chart of each person) and sentences.csv (why it wears what it wears); square/*.png and
        story/*.png by --cards; people/*.png by --copy; contact_sheet_01.png, ...; faults.csv (what was skipped)
"""

from pathlib import Path
from typing import Annotated

from common.errors import UserError
from common.files import print_faults
from common.paths import DATA, OUTPUTS, shown
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run
from common.workers import default_workers
from pet.choosing.explaining import Language
from pet.choosing.wardrobe import load_bodies, load_wardrobe
from pet.drawing.contact_sheets import write_contact_sheets
from pet.drawing.picture_batch import (
    RenderSettings,
    Rows,
    first_people,
    link_people,
    plan,
    render_all,
    write_people,
)
from pet.publishing.records import wardrobe_record

# ---- settings: edit here, or override once on the command line (--size-px 1024) ----
CHOICES: Path = OUTPUTS / "pet/1_TopN.csv"  # table that 1_TopN.py wrote, .csv or .parquet
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types and picture files of accessories
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
OUTPUT: Path = OUTPUTS / "pet/1.5_Plot_Pet"  # folder for the pictures
SIZE_PX: Annotated[int, Range(64, 4096)] = 512  # side of a pet's picture in pixels; charts are readable from 256
BODY: str = "auto"  # base body: Bear, Bunny, Cat, Dog; auto: chosen by the user's name
CHARTS: bool = True  # also draw everybody's chart; False: the pets alone
COMBINED: bool = True  # pet and chart in one picture; False: in two
CARDS: bool = False  # also draw everybody's two cards to share, with the sentence that explains the pet
LANGUAGE: Language = "en"  # language of the sentences: en, es, ca
EXPERT: bool = False  # show cosines on charts and contact sheets
SVG: bool = False  # also write each pet as SVG, its layers named
ART: Path = DATA / "pet/art"  # folder of the SVG drawings
COPY: bool = False  # also give everybody a file, people/000007_NAME.png: a hard link to the pet, or a copy
ROWS: str = ""  # rows of the table to draw, counted from 0, such as 0:1000000; empty: all
TILES: Annotated[int, Range(1, 400)] = 400  # pets on a page of the contact sheet
PAGES: Annotated[int, Range(0, 100)] = 3  # pages of the contact sheet, for the first people; 0: none
WORKERS: Annotated[int | None, Range(1, 256)] = None  # processes that draw; None: one per core
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
CHUNK: Annotated[int, Range(1, 100_000)] = 16  # pictures that a worker gets at a time; Ctrl-C waits for them


def main() -> Report:
    """Draw every pet and chart that has no picture yet, then the table of people and the contact sheets."""
    if not CHOICES.is_file():
        raise UserError(f"{shown(CHOICES)}: no such file; run pet/1_TopN.py first")
    wardrobe, bodies = load_wardrobe(ACCESSORIES), load_bodies(BODIES)
    job = RenderSettings(
        folder=OUTPUT,
        size_px=SIZE_PX,
        charts=CHARTS,
        combined=COMBINED,
        cards=CARDS,
        language=LANGUAGE,
        expert=EXPERT,
        body=BODY,
        bodies=bodies,
        wardrobe=wardrobe,
        published=wardrobe_record(wardrobe, bodies, art=ART) if SVG else None,
        rows=Rows.parse(ROWS),
    )
    designs = plan(CHOICES, job)
    people, pets = len(designs.numbers), len(designs.pets)
    ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
    workers = WORKERS or default_workers()
    with render_all(CHOICES, job, designs, workers, chunk=CHUNK, ray=ray) as outcome:
        table = write_people(CHOICES, job, designs)
        if COPY:
            with link_people(CHOICES, job, designs) as links:
                print(f"{links.made} people linked now, {links.kept} existed")
        first = first_people(CHOICES, job, designs, TILES * PAGES)
        sheets = write_contact_sheets(first, folder=OUTPUT, size_px=SIZE_PX, tiles=TILES, expert=EXPERT)
    print(f"{people} people, {pets} different pets; {outcome.made} pictures drawn now, {outcome.kept} existed")
    for path in (table, *sheets):
        print(f"written: {shown(path)}")
    print_faults(OUTPUT, outcome.faults)
    figures = {"people": people, "different pets": pets, "drawn now": outcome.made, "pages": len(sheets)}
    return Report(OUTPUT, [CHOICES, ACCESSORIES], figures, len(outcome.faults))


if __name__ == "__main__":
    run(main)
