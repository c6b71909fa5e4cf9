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
"""Step 6: fuse a person, or every person of a folder, into a scene, at the scene's full resolution.

A person is a photo (cut out by the segmenter), a cut-out with transparency, or an avatar. Settings that are None are
proposed: feet and height from the people in the scene, in free space beside them, or else for a camera at eye level. A
figure that its photo cuts is placed at the lower edge of the scene. Only the soft shadow around the feet changes pixels
beside the person; SHADOW 0 switches it off. A folder of people makes a carousel: a second run makes only what has
changed, and people who cannot be used are listed.

Reads   data/carousel/plates/main_stage_1.jpg, data/carousel/people/; checkpoints/carousel/fusion_model.pth
Writes  outputs/carousel/Inference/: fused/NAME.png, before_after/NAME.png, contact_sheet.png, carousel.gif, faults.csv;
        for a single person OUTPUT itself if it ends with .png, else NAME.png in it, and NAME_before_after.png
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from carousel.segmenters.choice import SegmenterName
from common.files import print_faults
from common.paths import CHECKPOINTS, DATA, OUTPUTS, shown
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run

if TYPE_CHECKING:
    from carousel.staging.scene_fusion import FusionSettings

# ---- settings: edit here, or override once on the command line (--person me.jpg) ----
SCENE: Path = DATA / "carousel/plates/main_stage_1.jpg"  # picture that the person is fused into
PERSON: Path = DATA / "carousel/people"  # photo, cut-out or avatar, or a folder of them
OUTPUT: Path = OUTPUTS / "carousel/Inference"  # folder for the results; for one person it may be a .png
CHECKPOINT: Path = CHECKPOINTS / "carousel/fusion_model.pth"  # the model
SEVERAL: Literal["largest", "refuse"] = (
    "largest"  # of several people: the largest; refuse: nobody, if others are nearly as large
)
SEGMENTER: SegmenterName = "embedded"  # cuts people out of photos and finds them in the scene
SEGMENTER_WEIGHTS: Path | None = None  # file of weights for "maskrcnn" or "detectron2"; None: the official ones
MASKS: Path | None = None  # folder of masks for SEGMENTER "files"; None: they are beside the photos
FIND_PEOPLE: bool = True  # find people in the scene, to place by them and not on top of them
X: Annotated[float | None, Range(0, 1)] = None  # column of the feet: 0 left, 1 right edge of the scene; None: proposed
FOOT: Annotated[float | None, Range(0, 2)] = None  # row of the feet: 0 top, 1 bottom of the scene; None: proposed
HEIGHT: Annotated[float | None, Range(0.02, 3)] = None  # person's height, in heights of the scene; None: proposed
BODY_HEIGHT_M: Annotated[float, Range(0.3, 2.5)] = (
    1.7  # height of the person upright in metres: about 1.1 for a child of five
)
HALF_FIGURE: bool | None = None  # whether the person's lower edge is a cut and not feet; None: detected
STRENGTH: Annotated[float, Range(0, 1)] = 0.8  # share of the model's change of colour that is applied; 0: pasting
SCENE_LIGHT: Annotated[float, Range(0, 1)] = (
    1.0  # share of the scene's own hue, darkness and direction of light; 0: none
)
SHADOW: Annotated[float, Range(0, 1)] = 0.5  # strength of the shadow around the feet; 0: none, nor one cast by the sun
TILES: Annotated[int, Range(1, 400)] = 35  # people on the contact sheet, evenly chosen from the folder
GIF_PX: Annotated[int, Range(64, 1920)] = 480  # longer side of the animation
GIF_SECONDS: Annotated[float, Range(0.02, 60)] = 0.8  # time that the animation shows each person
COMPRESS_LEVEL: Annotated[int, Range(0, 9)] = 1  # PNG compression: 0 is fast and large, 9 slow and small
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
WORKERS: Annotated[int | None, Range(1, 1024)] = None  # of Ray, each with the models; None: one per GPU or core


def main() -> Report:
    """Fuse one person, or all people of a folder."""
    from carousel.staging import fusion_batch, scene_fusion
    from common.devices import describe_device

    settings = fusion_settings()
    if PERSON.is_dir():
        target = OUTPUT
        fusion_batch.check_folders(SCENE, person=PERSON, output=OUTPUT)
        overviews = fusion_batch.OverviewSettings(tiles=TILES, animation_px=GIF_PX, seconds=GIF_SECONDS)
        ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
        report = fusion_batch.fuse_folder(settings, people=PERSON, output=OUTPUT, overviews=overviews, ray=ray)
    else:
        target = scene_fusion.picture_of(SCENE, person=PERSON, output=OUTPUT)
        report = scene_fusion.fuse_person(settings, person=PERSON, picture=target)

    for line in report.lines:
        print(line)
    for path in report.written:
        print(f"written: {shown(path)}")
    print_faults(OUTPUT, report.faults)
    inputs = [SCENE, settings.checkpoint, *report.used]
    return Report(target, inputs, report.figures, len(report.faults), describe_device(), report.weights)


def fusion_settings() -> "FusionSettings":
    """The settings of all pictures. Raises UserError where there is no such checkpoint."""
    from carousel.fusion.checkpoint_format import find_checkpoint
    from carousel.staging.placement import RequestedPlacement
    from carousel.staging.scene_fusion import FusionSettings

    return FusionSettings(
        scene=SCENE,
        checkpoint=find_checkpoint(CHECKPOINT),
        segmenter=SEGMENTER,
        segmenter_weights=SEGMENTER_WEIGHTS,
        masks=MASKS,
        find_people=FIND_PEOPLE,
        requested=RequestedPlacement(x=X, foot=FOOT, height=HEIGHT),
        is_half=HALF_FIGURE,
        strength=STRENGTH,
        refuse_several=SEVERAL == "refuse",
        shadow=SHADOW,
        scene_light=SCENE_LIGHT,
        body_height_m=BODY_HEIGHT_M,
        compress_level=COMPRESS_LEVEL,
    )


if __name__ == "__main__":
    run(main)
