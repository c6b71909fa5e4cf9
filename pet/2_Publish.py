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
"""Step 2: publish the wardrobe for other programs and browsers. Needed only after the wardrobe or the rule changed.

Any program that follows wardrobe.json chooses and draws the same pets; vectors.json lets it check that. index.html does
so in a browser, without a server: open it, or put the folder on any web server.

Reads   data/pet/AccessoryDataset.csv, data/pet/{Body,Head,Face,Torso}/*.png, data/pet/art/*/*.svg
Writes  docs/pet/wardrobe.json and vectors.json, their schemas (wardrobe.schema.json, vectors.schema.json), index.html
"""

from pathlib import Path
from typing import Annotated

from common.files import write_text
from common.journals import locked
from common.paths import DATA, ROOT, shown
from common.runner import Range, run
from pet.choosing.wardrobe import check_pictures, load_bodies, load_wardrobe
from pet.publishing.files import published_files
from pet.publishing.records import sample_people, vector_records, wardrobe_record

# ---- settings: edit here, or override once on the command line (--output site) ----
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
ART: Path = DATA / "pet/art"  # folder of the SVG drawings
VECTORS: Annotated[int, Range(0, 100_000)] = 1000  # people in the test vectors
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # seed of these people
OUTPUT: Path = ROOT / "docs/pet"  # folder for the files


def main() -> None:
    """Write the JSON files and the page."""
    wardrobe, bodies = load_wardrobe(ACCESSORIES), load_bodies(BODIES)
    check_pictures(wardrobe, list(bodies.values()))
    published = wardrobe_record(wardrobe, bodies, art=ART)
    vectors = vector_records(published, wardrobe, bodies, sample_people(VECTORS, seed=SEED))
    with locked(OUTPUT):
        for name, text in published_files(published, vectors).items():
            write_text(OUTPUT / name, text)
    print(f"written: {shown(OUTPUT / 'index.html')}, wardrobe.json, {len(vectors)} test vectors")


if __name__ == "__main__":
    run(main)
