"""Step 1: cut people out of photos, and make a collage [ground truth | clean background | avatar | mask] of each.

Zip archives, folders and single photos are read; nothing of an archive is unpacked to disk. People who are too small,
cut by the frame or covered by others are left out, by the rules below. Run again, only what is new or has changed is
made; other settings make all anew.

Reads   zip archives and folders of photos; data/carousel/photos by default
Writes  outputs/carousel/collages/: NAME-HASH_1.png (four square panels in a row) for each person, index.csv (photo,
        window, box, score and segmenter of each), contact_sheet.png, dropped.csv (why people got no collage),
        faults.csv (photos and archives that were skipped)
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from carousel.collages.inpainting import Method
from carousel.segmenters.choice import SegmenterName
from common.errors import UserError, check_range, raise_faults
from common.files import print_faults
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from common.weights import CACHE

if TYPE_CHECKING:
    from carousel.collages.collage_batch import CollageTables

# ---- settings: edit here, or override once on the command line (--photos album.zip holidays) ----
PHOTOS: tuple[Path, ...] = (DATA / "carousel/photos",)  # zip archives, folders and photos, in any mixture
OUTPUT = OUTPUTS / "carousel/collages"  # folder for the collages
SEGMENTER: SegmenterName = "embedded"  # "embedded", "maskrcnn", "detectron2", or "files": masks that you made
MASKS: Path | None = None  # folder of masks for "files"; None: they lie beside the photos
PANEL_PX = 256  # side of each of the four panels, 64 to 1024
CONTEXT = 1.4  # side of the part of the photo that is shown, in longer sides of the person's box
MIN_HEIGHT_PX = 64  # smaller people are left out, height of the box in px of the photo
MIN_SHARE = 0.005  # people who are a smaller share of the photo's pixels are left out
MAX_CUT = 0.15  # people of whose box the photo's left, right or upper edge cuts a larger share of a side are left out
MAX_OVERLAP = 0.25  # people of whose box others cover a larger share are left out
BACKGROUND: Method = "rows"  # what fills the hole: "rows", "opencv" (Navier-Stokes), or "lama", which needs its weights
LAMA = CACHE / "lama.onnx"  # LaMa's weights: lama_fp32.onnx of Carve/LaMa-ONNX
PLATES: Path | None = None  # folder of photos without the people, each named as its photo; None: fill the hole
SCENES: Literal["photo", "folder"] = "photo"  # what later splits keep together: each photo, or each folder of photos
TILES = 12  # collages on the contact sheet, taken from all of them
WORKERS: int | None = None  # processes, each with its own segmenter; None: one a core, at most 8
MAX_FILES = 200_000  # members of an archive; more is refused
MAX_GIGABYTES = 500.0  # of an archive when unpacked; more is refused
MAX_MEGAPIXELS = 64.0  # of a photo; larger ones are skipped


def main(
    photos: tuple[Path, ...] = PHOTOS,
    output: Path = OUTPUT,
    segmenter: SegmenterName = SEGMENTER,
    masks: Path | None = MASKS,
    panel_px: int = PANEL_PX,
    context: float = CONTEXT,
    min_height_px: int = MIN_HEIGHT_PX,
    min_share: float = MIN_SHARE,
    max_cut: float = MAX_CUT,
    max_overlap: float = MAX_OVERLAP,
    background: Method = BACKGROUND,
    lama: Path = LAMA,
    plates: Path | None = PLATES,
    scenes: Literal["photo", "folder"] = SCENES,
    tiles: int = TILES,
    workers: int | None = WORKERS,
    max_files: int = MAX_FILES,
    max_gigabytes: float = MAX_GIGABYTES,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Report:
    """Make the collages that are not there yet, then draw the contact sheet."""
    from carousel.collages import collage_batch
    from carousel.collages.archives import ArchiveLimits, check_inputs
    from carousel.collages.inpainting import check_method
    from carousel.collages.layout import MAX_PANEL_PX, MIN_PANEL_PX
    from carousel.collages.photo_to_collages import CollageSettings
    from common.people.selection import SelectionRules
    from common.workers import default_workers

    check_range("PANEL_PX", panel_px, MIN_PANEL_PX, MAX_PANEL_PX)
    check_range("CONTEXT", context, 1, 10)
    for name, share in (("MIN_SHARE", min_share), ("MAX_CUT", max_cut), ("MAX_OVERLAP", max_overlap)):
        check_range(name, share, 0, 1)
    check_range("TILES", tiles, 1, 400)
    workers = min(default_workers(), 8) if workers is None else workers
    check_range("WORKERS", workers, 1, 64)
    check_range("MAX_MEGAPIXELS", max_megapixels, 0.01, 178)
    check_method(background, lama)
    if plates is not None and not plates.is_dir():
        raise UserError(f"{plates}: no such folder of clean plates (setting PLATES)")
    inputs = check_inputs(photos)
    limits = ArchiveLimits(max_files, round(max_gigabytes * 1e9))
    rules = SelectionRules(min_height_px=min_height_px, min_share=min_share, max_cut=max_cut, max_overlap=max_overlap)
    settings = CollageSettings(
        output=output,
        segmenter=segmenter,
        masks=masks,
        plates=plates,
        panel_px=panel_px,
        context=context,
        rules=rules,
        background=background,
        lama=lama,
        scenes=scenes,
        max_pixels=round(max_megapixels * 1e6),
    )
    ran = collage_batch.RunFacts()
    with collage_batch.run_collages(settings, inputs, limits, workers, ran) as outcome:
        summary = outcome.tables
        if not summary.counts["photos"]:
            raise_faults("", [f"{name}: {fault}" for name, fault in outcome.faults.items()])
        print_faults(output, outcome.faults)
        if not summary.entries:
            (output / collage_batch.CONTACT_SHEET).unlink(missing_ok=True)
            raise UserError(f"no collages: {collage_batch.describe(summary.counts)}")
        show(summary, ran.collages, output, tiles)
    device = f"{ran.device} (segmenter {segmenter})" if ran.device else "none, everything was up to date"
    weights = [*ran.weights, *([lama.name] if background == "lama" and plates is None else [])]
    figures = {**summary.counts, "collages made now": ran.collages, "photos sha256": summary.sha256}
    return Report(output, [], figures, len(outcome.faults), device, weights if ran.device else [])


def show(summary: "CollageTables", made: int, output: Path, tiles: int) -> None:
    """Write the contact sheet, and print the counts."""
    from carousel.collages.collage_batch import CONTACT_SHEET, contact_sheet
    from common.images import write_png

    write_png(output / CONTACT_SHEET, contact_sheet(output, summary.entries, tiles))
    for name, count in summary.counts.items():
        print(f"{name:44} {count:8,}")
    print(f"collages in {shown(output)}: {made} made now, {len(summary.entries) - made} were there")
    print(f"written: {shown(output / CONTACT_SHEET)}")


if __name__ == "__main__":
    run(main)
