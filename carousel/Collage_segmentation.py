# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "torchvision>=0.26",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 1: cut people out of photos, and make a collage [ground truth | clean background | avatar | mask] of each.

Photos may be in zip archives, which are never unpacked to disk, in folders, or single files. People who are too small,
cut by the photo's edge or covered by others are dropped (see the settings). A second run makes only new and changed
photos; other settings make all of them again.

Reads   zip archives and folders of photos; data/carousel/photos by default
Writes  outputs/carousel/collages/: NAME-HASH_1.png (four square panels in a row) for each person, index.csv (photo,
        window, box, score and segmenter of each), contact_sheet.png, dropped.csv (why people,
        and photos without people, got no collage), faults.csv (photos and archives that were skipped)
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from carousel.collages.inpainting import Method
from carousel.segmenters.choice import SegmenterName
from common.errors import UserError, check_range, raise_faults
from common.files import check_output_folder, print_faults
from common.paths import DATA, OUTPUTS, shown
from common.people.selection import Pick
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run
from common.weights import CACHE

if TYPE_CHECKING:
    from carousel.collages.collage_batch import CollageTables
    from carousel.collages.photo_to_collages import CollageSettings

# ---- settings: edit here, or override once on the command line (--photos album.zip holidays) ----
PHOTOS: tuple[Path, ...] = (DATA / "carousel/photos",)  # zip archives, folders and photos, in any mixture
OUTPUT: Path = OUTPUTS / "carousel/collages"  # folder for the collages
SEGMENTER: SegmenterName = "embedded"  # "embedded", "maskrcnn", "detectron2", or "files": masks that you made
SEGMENTER_WEIGHTS: Path | None = None  # file of weights for "maskrcnn" or "detectron2"; None: the official ones
MASKS: Path | None = None  # folder of masks for "files"; None: they are beside the photos
PICK: Pick = "all"  # whom of several people in a photo: "all", "largest", or "nearest" to PICK_POINT
PICK_POINT: Annotated[tuple[float, float], Range(0, 1)] = (0.5, 0.5)  # for "nearest": x and y, in widths and heights
PANEL_PX: Annotated[int, Range(64, 1024)] = 256  # side of each of the four panels
CONTEXT: Annotated[float, Range(1, 10)] = 1.4  # side of the window shown, in longer sides of the person's box
MIN_HEIGHT_PX: Annotated[int, Range(0, 100_000)] = 64  # px of the photo; people of less height are dropped
MIN_SHARE: Annotated[float, Range(0, 1)] = 0.005  # minimum share of the photo's pixels that show the person
MAX_CUT: Annotated[float, Range(0, 1)] = 0.15  # maximum share of a box's left, right or upper side on the photo's edge
MAX_OVERLAP: Annotated[float, Range(0, 1)] = 0.25  # maximum share of a person's box that other people cover
INPAINTER: Method = "patches"  # fills the hole: "patches", "rows" (smooth), "opencv" (Navier-Stokes), or "lama"
LAMA: Path = CACHE / "lama.onnx"  # LaMa's weights: lama_fp32.onnx of Carve/LaMa-ONNX, or TorchScript you trust (.pt)
PLATES: Path | None = None  # folder of the photos without people, under the same names; None: fill the hole
SCENES: Literal["photo", "folder"] = "photo"  # unit that is never split for evaluation: a photo, or a folder of photos
TILES: Annotated[int, Range(1, 400)] = 12  # collages on the contact sheet, evenly chosen from all
WORKERS: Annotated[int | None, Range(1, 64)] = None  # processes, each with a segmenter; None: one a core, at most 8
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
MAX_FILES: Annotated[int, Range(1, 100_000_000)] = 200_000  # members of an archive; larger ones are refused
MAX_GIGABYTES: Annotated[float, Range(1e-6, 1_000_000)] = 500.0  # of an unpacked archive; larger ones are refused
MAX_MEGAPIXELS: Annotated[float, Range(0.01, 178)] = 64.0  # maximum size of a photo; larger photos are skipped


def main() -> Report:
    """Make the missing collages, then draw the contact sheet."""
    from carousel.collages import collage_batch
    from carousel.collages.archives import ArchiveLimits, check_inputs
    from common.workers import default_workers

    settings = collage_settings()
    inputs = check_inputs(PHOTOS)
    check_output_folder(OUTPUT, inputs, "photos")
    limits = ArchiveLimits(files=MAX_FILES, unpacked_bytes=round(MAX_GIGABYTES * 1e9))
    workers = min(default_workers(), 8) if WORKERS is None else WORKERS
    ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
    ran = collage_batch.RunFacts()
    with collage_batch.run_collages(settings, inputs, limits=limits, workers=workers, ran=ran, ray=ray) as outcome:
        tables = outcome.tables
        if not tables.counts["photos"]:
            raise_faults("", [f"{name}: {fault}" for name, fault in outcome.faults.items()])
        print_faults(OUTPUT, outcome.faults)
        if not tables.entries:
            (OUTPUT / collage_batch.CONTACT_SHEET).unlink(missing_ok=True)
            raise UserError(f"no collages: {collage_batch.describe(tables.counts)}")
        show(tables, ran.collages)
    device = f"{ran.device} (segmenter {SEGMENTER})" if ran.device else "none, everything was up to date"
    weights = [*ran.weights, *([LAMA.name] if INPAINTER == "lama" and PLATES is None else [])]
    figures = {**tables.counts, "collages made now": ran.collages, "photos sha256": tables.sha256}
    return Report(OUTPUT, [], figures, len(outcome.faults), device, weights if ran.device else [])


def collage_settings() -> "CollageSettings":
    """The settings of all collages. Raises UserError where a folder or weights are missing."""
    from carousel.collages.inpainting import check_method
    from carousel.collages.photo_to_collages import CollageSettings
    from common.people.selection import SelectionRules

    check_method(INPAINTER, LAMA)
    for share in PICK_POINT:
        check_range("PICK_POINT", share, 0, 1)
    if PLATES is not None and not PLATES.is_dir():
        raise UserError(f"{PLATES}: no such folder of clean plates (setting PLATES)")
    return CollageSettings(
        output=OUTPUT,
        segmenter=SEGMENTER,
        segmenter_weights=SEGMENTER_WEIGHTS,
        masks=MASKS,
        plates=PLATES,
        panel_px=PANEL_PX,
        context=CONTEXT,
        rules=SelectionRules(
            min_height_px=MIN_HEIGHT_PX,
            min_share=MIN_SHARE,
            max_cut=MAX_CUT,
            max_overlap=MAX_OVERLAP,
            pick=PICK,
            point=PICK_POINT,
        ),
        inpainter=INPAINTER,
        lama=LAMA,
        scenes=SCENES,
        max_pixels=round(MAX_MEGAPIXELS * 1e6),
    )


def show(tables: "CollageTables", made: int) -> None:
    """Write the contact sheet, and print the counts."""
    from carousel.collages.collage_batch import CONTACT_SHEET, contact_sheet
    from common.images import write_png

    write_png(OUTPUT / CONTACT_SHEET, contact_sheet(OUTPUT, tables.entries, TILES))
    for name, count in tables.counts.items():
        print(f"{name:44} {count:8,}")
    print(f"collages in {shown(OUTPUT)}: {made} made now, {len(tables.entries) - made} were up to date")
    print(f"written: {shown(OUTPUT / CONTACT_SHEET)}")


if __name__ == "__main__":
    run(main)
