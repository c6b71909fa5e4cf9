"""Measured appearance where labels are known because code painted them, and in photos that code spoils.

python -m tests.benchmarks.avatar_appearance_hard

Painted over are the portraits of half B, about 60 pictures a value or more. These figures say that a value is known at
all, not how well it is found in life. The painting is that of the training, of other people; that of headwear is newer
than the weights that ship. Spoilt are the portraits of half A: what counts is how often a value is wrong with
confidence, that is, told and wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from avatar.appearance_training.examples import CANVAS_PX, OWN_BOX, Portrait, darken_skin, own_ground, portrait_of
from avatar.appearance_training.painting_over import (
    paint_facial_hair,
    paint_headwear,
    paint_mask,
    paint_spectacles,
    paint_sunglasses,
)
from avatar.person.appearance import Appearance, AppearanceMeter
from avatar.person.face_detector import FaceDetector
from avatar.person.head_view import CHIN, TOP, HeadViewer
from common.images import read_image
from tests.benchmarks.avatar_appearance import TRAITS, Labelled, box_of, is_right, likeness
from tests.benchmarks.hardware import describe_machine

TIMES = 3  # pictures a person and painted value
SORTS = {  # what is painted, by the value that is right
    "hat": ("hat",),
    "cap": ("visor cap", "knitted cap", "beret"),
    "headscarf": ("hijab", "head wrap"),
}
Rng = np.random.Generator
Spoil = Callable[[Portrait, Rng], np.ndarray]


def main() -> None:
    """Print both tables."""
    cv2.setNumThreads(1)
    print(describe_machine())
    meter = AppearanceMeter()
    portraits = list(read_portraits())
    print("\npainted over half B           right  wrong  empty")
    print_painted(meter, [pair for pair in portraits if pair[0].group == "half B"])
    print("\nspoilt half A                 right  wrong  empty, of all traits with a label; wrong by trait")
    print_spoilt(meter, [pair for pair in portraits if pair[0].group == "half A"])


def read_portraits() -> Iterator[tuple[Labelled, Portrait]]:
    """The labelled portraits on canvases."""
    detector, viewer = FaceDetector(), HeadViewer()
    for person in likeness():
        photo = read_image(person.path, "RGB")
        box = box_of(detector, photo, None)
        if box is not None:
            yield person, portrait_of(viewer.look(np.asarray(photo), box), {})


def print_painted(meter: AppearanceMeter, portraits: list[tuple[Labelled, Portrait]]) -> None:
    """A row for each value that can be painted."""
    rng = np.random.default_rng(1)
    for trait, value, name, paint in painted_values():
        counts = Counter[str]()
        for person, portrait in portraits:
            if not paints_over(person, trait):
                continue
            for _ in range(TIMES):
                counts[outcome(trait, measured(meter, portrait, paint(portrait, rng)), value.split("|"))] += 1
        print(f"{trait + ', ' + name:<28} {counts['right']:>6} {counts['wrong']:>6} {counts['empty']:>6}", flush=True)


def painted_values() -> Iterator[tuple[str, str, str, Spoil]]:
    """Traits, accepted values, what is painted, and what paints it."""
    yield (
        "glasses",
        "spectacles",
        "spectacles",
        lambda portrait, rng: paint_spectacles(portrait.canvas, portrait.points, rng),
    )
    yield (
        "glasses",
        "sunglasses",
        "sunglasses",
        lambda portrait, rng: paint_sunglasses(portrait.canvas, portrait.points, rng),
    )
    for beard in ("stubble", "moustache", "goatee", "beard"):
        yield "facial_hair", beard, beard, with_beard(beard)
    for value, sorts in SORTS.items():
        for sort in sorts:
            yield "headwear", value, sort, with_headwear(sort)
    yield (
        "skin_tone",
        "dark|medium",
        "dark",
        lambda portrait, rng: darken_skin(portrait.canvas, portrait.points, portrait.matte, rng),
    )


def with_beard(kind: str) -> Spoil:
    """A function that paints it."""
    return lambda portrait, rng: paint_facial_hair(portrait.canvas, portrait.points, rng, kind)


def with_headwear(kind: str) -> Spoil:
    """A function that paints it and fills the place of the hair that it hides."""

    def paint(portrait: Portrait, rng: Rng) -> np.ndarray:
        canvas, matte = paint_headwear(portrait.canvas, portrait.points, rng, kind, portrait.matte)
        ground = own_ground(portrait.canvas, portrait.matte)
        return (canvas * matte[..., None] + ground * (1 - matte[..., None])).astype(np.uint8)

    return paint


def paints_over(person: Labelled, trait: str) -> bool:
    """Whether the person wears nothing there yet; skin is darkened where it is light."""
    return person.labels[trait] == (["light"] if trait == "skin_tone" else ["none"])


def measured(meter: AppearanceMeter, portrait: Portrait, canvas: np.ndarray) -> Appearance:
    """The appearance in a picture of the portrait, whatever its size."""
    scale = canvas.shape[0] / CANVAS_PX
    face = portrait.points[OWN_BOX, :2] * scale
    left, top, right, bottom = (int(edge) for edge in (*face.min(axis=0), *face.max(axis=0)))
    return meter.measure(canvas, (left, top, right, bottom))


def outcome(trait: str, found: Appearance, accepted: list[str]) -> str:
    """Right, wrong or empty."""
    word = getattr(found, trait).value
    if not word:
        return "empty"
    return "right" if is_right(trait, word, accepted) else "wrong"


def print_spoilt(meter: AppearanceMeter, portraits: list[tuple[Labelled, Portrait]]) -> None:
    """A row for each way to spoil a photo."""
    rng = np.random.default_rng(1)
    for name, (spoil, changed) in SPOILT.items():
        counts, wrong = Counter[str](), Counter[str]()
        for person, portrait in portraits:
            found = measured(meter, portrait, spoil(portrait, rng))
            for trait in TRAITS:
                accepted = changed.get(trait, person.labels[trait])
                if accepted or trait in changed:
                    kind = outcome(trait, found, accepted)
                    counts[kind] += 1
                    wrong[trait] += kind == "wrong"
        by_trait = ", ".join(f"{trait} {number}" for trait, number in wrong.items() if number)
        print(f"{name:<28} {counts['right']:>6} {counts['wrong']:>6} {counts['empty']:>6}   {by_trait}")


def in_light(red: float, green: float, blue: float) -> Spoil:
    """Light of a colour."""
    return lambda portrait, rng: (portrait.canvas * np.array([red, green, blue])).clip(0, 255).astype(np.uint8)


def with_noise(canvas: np.ndarray, rng: Rng, deviation: float) -> np.ndarray:
    """The picture with noise of a dark photo."""
    noisy = canvas + rng.normal(0, deviation, canvas.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def small(height_px: int) -> Spoil:
    """The photo so small that the face is height_px high."""

    def shrink(portrait: Portrait, _: Rng) -> np.ndarray:
        scale = height_px / float(portrait.points[CHIN, 1] - portrait.points[TOP, 1])
        side = round(CANVAS_PX * scale)
        return cv2.resize(portrait.canvas, (side, side), interpolation=cv2.INTER_AREA)

    return shrink


def in_grey(portrait: Portrait, _: Rng) -> np.ndarray:
    """Black and white."""
    return np.repeat(cv2.cvtColor(portrait.canvas, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def hair_over_face(portrait: Portrait, rng: Rng) -> np.ndarray:
    """Strands from the top of the head over one eye and cheek."""
    canvas, points = portrait.canvas.copy(), portrait.points
    top, cheek = points[TOP, :2] - (0, 40), points[(205, 425)[rng.integers(2)], :2]
    for _ in range(260):
        start, end = top + rng.normal(0, 26, 2), cheek + rng.normal(0, 22, 2)
        shade = int(rng.integers(15, 60))
        line = start.astype(int).tolist(), end.astype(int).tolist()
        cv2.line(canvas, line[0], line[1], (shade + 12, shade + 4, shade), 2, cv2.LINE_AA)
    return canvas


def compressed(portrait: Portrait, _: Rng) -> np.ndarray:
    """Saved with strong compression."""
    coded = cv2.imencode(".jpg", portrait.canvas, [cv2.IMWRITE_JPEG_QUALITY, 8])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


SPOILT: dict[str, tuple[Spoil, dict[str, list[str]]]] = {  # and labels that it changes; none: whatever is told is wrong
    "as they are": (in_light(1, 1, 1), {}),
    "black and white": (in_grey, {"skin_tone": [], "hair_colour": []}),
    "blue light": (in_light(0.45, 0.6, 1), {}),
    "red light": (in_light(1, 0.5, 0.45), {}),
    "green light": (in_light(0.5, 1, 0.5), {}),
    "evening light": (in_light(1, 0.8, 0.55), {}),
    "a stop darker": (in_light(0.5, 0.5, 0.5), {}),
    "low light": (lambda portrait, rng: with_noise(portrait.canvas * 0.15, rng, 6), {}),
    "overexposed": (in_light(1.7, 1.7, 1.7), {}),
    "face of 60 px": (small(60), {}),
    "face of 40 px": (small(40), {}),
    "JPEG of quality 8": (compressed, {}),
    "blurred": (lambda portrait, rng: cv2.GaussianBlur(portrait.canvas, (0, 0), 9), {}),
    "mask": (lambda portrait, rng: paint_mask(portrait.canvas, portrait.points, rng), {"facial_hair": []}),
    "hair over the face": (hair_over_face, {"hair_colour": ["black", "brown"]}),
}


if __name__ == "__main__":
    main()
