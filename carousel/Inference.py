"""Step 6: fuse a person, or every person of a folder, into a scene, at the scene's full resolution.

A person is a photo (cut out by the segmenter), a cut-out with transparency, or an avatar. Feet and height are placed by
the settings; what they leave open is proposed from the people who stand in the scene, beside them where there is room,
else for a camera held at eye level. A figure that its photo cuts stands at the lower edge of the scene. Beside the
person the scene stays as it is, bit for bit, but for the soft shadow around the feet; SHADOW 0 leaves that out too.
A folder makes a carousel; run again, only what has changed is made anew, and people that cannot be used are listed.

Reads   data/carousel/plates/main_stage_1.jpg, data/carousel/people/; checkpoints/carousel/fusion_model.pth
Writes  outputs/carousel/Inference/: fused/NAME.png, before_after/NAME.png, contact_sheet.png, carousel.gif, faults.csv;
        of a single person OUTPUT itself where it ends with .png, else NAME.png in it, and NAME_before_after.png
"""

from pathlib import Path

from carousel.segmenters.choice import SegmenterName
from common.errors import check_range
from common.files import print_faults
from common.paths import CHECKPOINTS, DATA, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--person me.jpg) ----
SCENE = DATA / "carousel/plates/main_stage_1.jpg"  # the picture that the person is put into
PERSON = DATA / "carousel/people"  # photo, cut-out or avatar, or a folder of them
OUTPUT = OUTPUTS / "carousel/Inference"  # folder for the results; for one person it may be a .png
CHECKPOINT = CHECKPOINTS / "carousel/fusion_model.pth"  # the model
SEGMENTER: SegmenterName = "embedded"  # cuts people out of photos and finds them in the scene
MASKS: Path | None = None  # for SEGMENTER files: folder of the masks; None: beside the photos
FIND_PEOPLE = True  # look for people in the scene, to place by them and not on top of them
X: float | None = None  # of the feet, 0 (left edge of the scene) to 1; None: proposed
FOOT: float | None = None  # line that the feet stand on, 0 (top of the scene) to 1 (bottom); None: proposed
HEIGHT: float | None = None  # of the person, in heights of the scene; None: proposed
HALF_FIGURE: bool | None = None  # the lower edge of the person is a cut, not feet; None: found
SHADOW = 0.5  # strength of the shadow around the feet, 0 (none) to 1
TILES = 35  # people on the contact sheet at most, taken from the whole folder
GIF_PX = 480  # longer side of the animation
GIF_SECONDS = 0.8  # that each person is shown
COMPRESS_LEVEL = 1  # of PNG, 0 (fast, large) to 9 (slow, small)


def main(
    scene: Path = SCENE,
    person: Path = PERSON,
    output: Path = OUTPUT,
    checkpoint: Path = CHECKPOINT,
    segmenter: SegmenterName = SEGMENTER,
    masks: Path | None = MASKS,
    find_people: bool = FIND_PEOPLE,
    x: float | None = X,
    foot: float | None = FOOT,
    height: float | None = HEIGHT,
    half_figure: bool | None = HALF_FIGURE,
    shadow: float = SHADOW,
    tiles: int = TILES,
    gif_px: int = GIF_PX,
    gif_seconds: float = GIF_SECONDS,
    compress_level: int = COMPRESS_LEVEL,
) -> Report:
    """Set the stage, then fuse one person or all of a folder."""
    check_range("SHADOW", shadow, 0, 1)
    check_range("TILES", tiles, 1, 400)
    check_range("GIF_PX", gif_px, 64, 1920)
    check_range("GIF_SECONDS", gif_seconds, 0.02, 60)
    check_range("COMPRESS_LEVEL", compress_level, 0, 9)
    from carousel.fusion.checkpoint_format import find_checkpoint
    from carousel.staging import fusion_batch, staged_scene
    from carousel.staging.placement import RequestedPlacement
    from common.devices import describe_device

    wishes = RequestedPlacement(x=x, foot=foot, height=height)
    wishes.check()
    weights = find_checkpoint(checkpoint)
    finder = staged_scene.LazySegmenter(segmenter, masks)
    look = staged_scene.FusionSettings(find_people, wishes, half_figure, shadow, compress_level)
    if person.is_dir():
        target = output
        fusion_batch.check_folders(scene, person, output)
        stage = staged_scene.set_stage(scene, weights, finder, look)
        job = fusion_batch.Job(output, fusion_batch.hash_of([scene, weights], (segmenter, masks, look)))
        outcome = fusion_batch.fuse_folder(
            stage, scene, person, job, fusion_batch.Overviews(tiles, gif_px, gif_seconds)
        )
    else:
        target = staged_scene.picture_of(scene, person, output)
        outcome = staged_scene.fuse_person(staged_scene.set_stage(scene, weights, finder, look), person, target)

    for line in outcome.lines:
        print(line)
    for path in outcome.written:
        print(f"written: {shown(path)}")
    print_faults(output, outcome.faults)
    return Report(
        target,
        [scene, weights, *outcome.used],
        outcome.figures,
        len(outcome.faults),
        describe_device(),
        [weights.name, *finder.weights],
    )


if __name__ == "__main__":
    run(main)
