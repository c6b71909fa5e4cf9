"""Faces and what is inferred of them: the detector, the embedded analyzer, and DeepFace on weights made here."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from avatar.person import face_detector
from avatar.person.deepface_analyzer import FACE_PX, LEFT_EYE, SIZE_MB, DeepFaceAnalyzer
from avatar.person.embedded_analyzer import NETWORKS, EmbeddedAnalyzer
from avatar.person.face_detector import (
    DetectedFace,
    FaceDetector,
    aligned_face,
    decode,
    grid_anchors,
    merge,
)
from common.errors import UserError
from common.images import read_image
from common.people.selection import box_ious
from common.weights import EMBEDDED, is_present
from tests.avatar.deepface_weights import write_tiny_weights
from tests.helpers import REAL_DATA, needs_real_data

PORTRAITS = REAL_DATA / "portraits"
WEIGHTS = [*face_detector.WEIGHTS, *NETWORKS.values()]
needs_weights = pytest.mark.skipif(
    not all(is_present(EMBEDDED[name]) for name in WEIGHTS), reason="python3 run.py fetch, for the embedded analyzer"
)
VERSIONS = ("as it is", "96 px", "mirrored", "grey", "grey, mirrored, 96 px")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def analyzer() -> EmbeddedAnalyzer:
    return EmbeddedAnalyzer()


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut())


def version_of(photo: Image.Image, version: str) -> Image.Image:
    if "grey" in version:
        photo = photo.convert("L").convert("RGB")
    if "mirrored" in version:
        photo = ImageOps.mirror(photo)
    if "96 px" in version:
        photo.thumbnail((96, 96))
    return photo


def beside(*photos: Image.Image) -> Image.Image:
    wide = Image.new("RGB", (sum(photo.width for photo in photos), max(photo.height for photo in photos)), "white")
    left = 0
    for photo in photos:
        wide.paste(photo, (left, 0))
        left += photo.width
    return wide


# ---- the embedded networks on real photos ----


@needs_weights
@needs_real_data("portraits")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_gender_of_every_labelled_portrait_is_right(
    detector: FaceDetector, analyzer: EmbeddedAnalyzer, version: str
) -> None:
    with open(PORTRAITS / "labels.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3
    for row in rows:
        photo = version_of(read_image(PORTRAITS / row["file"], "RGB"), version)
        (face,) = detector.find_faces(photo)
        gender = analyzer.analyze(photo, face, ["gender"])["gender"]
        assert gender.value == {"female": "woman", "male": "man"}[row["gender"]], row["file"]
        assert gender.source == "embedded" and 0.7 <= (gender.score or 0) <= 1, row["file"]


@needs_weights
@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_no_face_in_photos_of_a_cat_and_a_cup(detector: FaceDetector, version: str) -> None:
    for pixels in (skimage.data.cat(), skimage.data.coffee(), np.zeros((64, 64, 3), np.uint8)):
        assert detector.find_faces(version_of(Image.fromarray(pixels), version)) == []


@needs_weights
def test_only_what_is_wanted_is_inferred(
    detector: FaceDetector, analyzer: EmbeddedAnalyzer, astronaut: Image.Image
) -> None:
    (face,) = detector.find_faces(astronaut)
    assert analyzer.analyze(astronaut, face, []) == {}
    both = analyzer.analyze(astronaut, face, ["gender", "age"])
    assert both["gender"].value == "woman"
    assert 25 <= int(both["age"].value) <= 55, "she is 42"
    assert EmbeddedAnalyzer(["gender"]).weights == [NETWORKS["gender"]]


@needs_weights
def test_the_box_holds_the_eyes_and_follows_the_photo(detector: FaceDetector, astronaut: Image.Image) -> None:
    (face,) = detector.find_faces(astronaut)
    left, top, right, bottom = face.box
    assert 150 < left < 190 and 50 < top < 90 and 260 < right < 290 and 160 < bottom < 190, "where her face is"
    assert ((face.eyes > (left, top)) & (face.eyes < (right, bottom))).all()
    assert (face.eyes[:, 0, 0] < face.eyes[:, 1, 0]).all() and np.ptp(face.eyes, axis=0).max() < 10

    (mirrored,) = detector.find_faces(ImageOps.mirror(astronaut))
    assert np.abs(np.array(mirrored.box) - (512 - right, top, 512 - left, bottom)).max() < 12
    (large,) = detector.find_faces(astronaut.resize((1024, 1024)))
    assert np.abs(np.array(large.box) / 2 - face.box).max() < 6
    framed = ImageOps.expand(astronaut, (400, 0, 0, 0), "grey")
    (moved,) = detector.find_faces(framed)
    assert np.abs(np.array(moved.box) - (left + 400, top, right + 400, bottom)).max() < 15


@needs_weights
def test_a_face_at_the_edge_has_a_box_inside_the_photo(detector: FaceDetector, astronaut: Image.Image) -> None:
    cut = astronaut.crop((195, 90, 420, 300))
    for face in detector.find_faces(cut):
        left, top, right, bottom = face.box
        assert 0 <= left < right <= cut.width and 0 <= top < bottom <= cut.height


@needs_weights
def test_several_faces_come_from_left_to_right(detector: FaceDetector, astronaut: Image.Image) -> None:
    face = astronaut.crop((120, 0, 340, 260))
    photo = beside(face, Image.fromarray(skimage.data.coffee()).resize((220, 260)), ImageOps.mirror(face))
    faces = detector.find_faces(photo)
    assert [found.box[0] // 220 for found in faces] == [0, 2]


@needs_weights
@pytest.mark.parametrize("side", [22, 40])
def test_every_small_face_of_a_group_is_found(detector: FaceDetector, astronaut: Image.Image, side: int) -> None:
    """Five heads in a row in a photo of 640 px, some in half the light."""
    head = astronaut.crop((120, 0, 340, 260)).resize((2 * side, round(2.36 * side)))
    photo = Image.new("RGB", (640, 480), "#80a0b0")
    for number in range(5):
        light = ImageEnhance.Brightness(head if number % 2 else ImageOps.mirror(head)).enhance(1 - number / 8)
        photo.paste(light, (20 + 125 * number, 150 + 9 * number))
    assert [(face.box[0] - 20) // 125 for face in detector.find_faces(photo)] == [0, 1, 2, 3, 4]


@given(st.tuples(st.integers(8, 3000), st.integers(8, 3000)), st.integers(1, 4), st.data())
def test_a_small_face_lies_whole_in_one_part_of_a_photo(size: tuple[int, int], count: int, data: st.DataObject) -> None:
    parts = face_detector.squares(size, count)
    side = max(1, max(size) // (2 * count) - 1)
    left, top = (data.draw(st.integers(0, max(0, length - side))) for length in size)
    right, bottom = min(size[0], left + side), min(size[1], top + side)
    assert all(0 <= x < x2 <= size[0] and 0 <= y < y2 <= size[1] for x, y, x2, y2 in parts)
    assert any(x <= left and y <= top and right <= x2 and bottom <= y2 for x, y, x2, y2 in parts)
    assert len(parts) <= (2 * count - 1) ** 2


boxes = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 20)] * 2).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes, max_size=8), st.lists(boxes, max_size=4))
def test_of_detections_of_one_face_the_best_is_kept_unless_it_is_known(
    found: list[tuple[int, ...]], known: list[tuple[int, ...]]
) -> None:
    def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> float:
        sides = [max(0, min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])) for axis in (0, 1)]
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
        return sides[0] * sides[1] / min(areas)

    kept: list[tuple[int, ...]] = []
    for box in found:  # the first has the highest score
        if all(overlap(box, other) < 0.5 for other in [*known, *kept]):
            kept.append(box)
    points = np.array([box + (0,) * 12 for box in found], np.float64).reshape(-1, 16)
    scores = np.linspace(1, 0.5, len(found))
    left, left_scores = face_detector.distinct(points, scores, np.array(known, np.float64).reshape(-1, 4))
    assert [tuple(row[:4].astype(int).tolist()) for row in left] == kept
    assert sorted(left_scores, reverse=True) == left_scores.tolist()


def test_missing_weights_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in WEIGHTS:
        monkeypatch.setitem(EMBEDDED, name, replace(EMBEDDED[name], path=tmp_path / name))
    with pytest.raises(UserError, match=f"python3 run.py fetch {' '.join(face_detector.WEIGHTS)}"):
        FaceDetector()
    with pytest.raises(UserError, match=r"python3 run\.py fetch age-v1\.onnx"):
        EmbeddedAnalyzer(["age"])


# ---- the geometry ----


def discs_at(places: Sequence[Sequence[float]], size: tuple[int, int]) -> Image.Image:
    """A red and a blue disc, smooth, on grey; places are x and y px."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    radius = 0.12 * float(np.linalg.norm(np.diff(places, axis=0)))
    pixels = np.full((*x.shape, 3), 100.0)
    for place, colour in zip(places, ((255, 0, 0), (0, 0, 255)), strict=True):
        cover = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * radius**2))[..., None]
        pixels = pixels * (1 - cover) + np.array(colour) * cover
    return Image.fromarray(pixels.round().astype(np.uint8))


@settings(max_examples=40)
@given(
    st.floats(-180, 180),
    st.floats(12, 160),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([32, 64, 224]),
)
def test_alignment_brings_the_eyes_to_their_places(
    degrees: float, distance: float, x: float, y: float, side_px: int
) -> None:
    width, height = 420, 300
    half = distance / 2 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    margin = 0.9 * distance  # the discs are whole
    middle = margin + np.array([x, y]) * (width - 2 * margin, height - 2 * margin)
    eyes = np.stack([middle - half, middle + half])
    face = aligned_face(discs_at(eyes.tolist(), (width, height)), eyes, side_px, LEFT_EYE).astype(float)
    assert face.shape == (side_px, side_px, 3)
    rows, columns = np.mgrid[:side_px, :side_px] + 0.5
    for channel, goal in ((0, LEFT_EYE), (2, np.array([1 - LEFT_EYE[0], LEFT_EYE[1]]))):
        weight = (face[..., channel] - face[..., 1]).clip(40) - 40
        found = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
        assert np.abs(found / side_px - goal).max() < 0.03, (channel, found / side_px)


def test_beyond_the_photo_its_edge_goes_on() -> None:
    red = Image.new("RGB", (40, 30), "red")
    for eyes in ([[1, 1], [9, 1]], [[30, 29], [39, 20]], [[-30, 10], [-10, 10]], [[0, 0], [0.01, 0]]):
        assert (aligned_face(red, np.array(eyes, float), 32, LEFT_EYE) == (255, 0, 0)).all()


def test_a_mirrored_photo_gives_the_mirrored_face(astronaut: Image.Image) -> None:
    eyes = np.array([[200.0, 110.0], [240.0, 112.0]])
    mirrored = np.array([[512 - 240.0, 112.0], [512 - 200.0, 110.0]])
    one = aligned_face(astronaut, eyes, 64, LEFT_EYE).astype(int)
    other = aligned_face(ImageOps.mirror(astronaut), mirrored, 64, LEFT_EYE).astype(int)
    assert np.abs(one - other[:, ::-1]).mean() < 2


def test_anchors_are_in_the_networks_order() -> None:
    short = grid_anchors((16, 2), (8, 6))
    assert short.shape == (896, 2)
    assert short[:4].tolist() == [[1 / 32, 1 / 32]] * 2 + [[3 / 32, 1 / 32]] * 2
    assert short[32].tolist() == [1 / 32, 3 / 32], "row by row"
    assert short[-1].tolist() == [15 / 16, 15 / 16]


def test_decoded_boxes_lie_around_their_anchors() -> None:
    offsets = np.zeros((3, 16), np.float32)
    offsets[1, :8] = 2, -4, 20, 10, -5, -3, 5, -3  # middle, size, both eyes
    found, scores = decode(offsets, np.array([-9.0, 1.5, -9.0]), np.full((3, 2), 0.5), 128, 0.5)
    assert scores == pytest.approx([1 / (1 + np.exp(-1.5))])
    assert found[0, :8].tolist() == [56, 55, 76, 65, 59, 61, 69, 61]
    assert (found[0, 8:] == 64).all()


BOXES = st.lists(
    st.tuples(*[st.integers(0, 40)] * 4, st.integers(1, 99)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3], b[4] / 100)
    ),
    max_size=12,
)


def naive_iou(a: Sequence[float], b: Sequence[float]) -> float:
    cells = [{(x, y) for x in range(int(c[0]), int(c[2])) for y in range(int(c[1]), int(c[3]))} for c in (a, b)]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1]) if cells[0] | cells[1] else 0.0


@settings(max_examples=30)
@given(BOXES)
def test_overlaps_are_those_of_counted_cells(boxes: list[tuple[float, ...]]) -> None:
    if boxes:
        found = np.array(boxes, float)
        assert box_ious(found[0], found) == pytest.approx([naive_iou(boxes[0], other) for other in boxes])


@settings(max_examples=30)
@given(BOXES)
def test_merging_leaves_one_box_for_each_face(boxes: list[tuple[float, ...]]) -> None:
    found = np.array([[*box[:4], *[0.0] * 12] for box in boxes]).reshape(-1, 16)
    scores = np.array([box[4] for box in boxes])
    merged, best = merge(found, scores)
    rest = sorted(range(len(boxes)), key=lambda i: -boxes[i][4])  # the naive reference
    naive = []
    while rest:
        same = [i for i in rest if i == rest[0] or naive_iou(boxes[rest[0]], boxes[i]) >= 0.3]
        total = sum(boxes[i][4] for i in same)
        naive.append([sum(boxes[i][edge] * boxes[i][4] for i in same) / total for edge in range(4)])
        rest = [i for i in rest if i not in same]
    assert merged[:, :4].tolist() == [pytest.approx(box) for box in naive]
    assert list(best) == sorted(best, reverse=True) and len(best) == len(merged)


# ---- DeepFace's own code ----


@pytest.fixture(scope="module")
def deepface(tmp_path_factory: pytest.TempPathFactory) -> tuple[DeepFaceAnalyzer, dict[str, list[np.ndarray]]]:
    """DeepFace on random weights in files of its own form, and the numbers in them."""
    home = tmp_path_factory.mktemp("deepface")
    numbers = write_tiny_weights(home, seed=3)
    return DeepFaceAnalyzer(["gender", "race"], "onnx", home), numbers


DEEPFACE_LABELS = {  # as its documentation orders them
    "gender": ["woman", "man"],
    "race": ["asian", "indian", "black", "white", "middle eastern", "latino hispanic"],
}


def test_deepface_runs_offline_and_answers_what_its_weights_say(
    deepface: tuple[DeepFaceAnalyzer, dict[str, list[np.ndarray]]], astronaut: Image.Image
) -> None:
    analyzer, numbers = deepface
    eyes = np.array([[[205.0, 108.0], [243.0, 108.0]]])
    face = DetectedFace((172, 66, 278, 172), 0.9, eyes)
    tints = [(1, 1, 1), (1, 0.1, 0.1), (0.1, 1, 0.1), (0.1, 0.1, 1), (0.1, 0.1, 0.1)]
    answers: dict[str, set[str]] = {"gender": set(), "race": set()}
    for tint in tints:
        photo = Image.fromarray((np.asarray(astronaut) * tint).astype(np.uint8))
        crop = aligned_face(photo, eyes[0], FACE_PX, LEFT_EYE)
        blue_first = crop[:, :, ::-1].astype(np.float64).mean(axis=(0, 1)) / 255
        traits = analyzer.analyze(photo, face, ["gender", "race"])
        for trait, (matrix, bias) in numbers.items():
            logits = np.exp(blue_first @ matrix + bias)
            shares = logits / logits.sum()
            assert traits[trait].value == DEEPFACE_LABELS[trait][int(shares.argmax())]
            assert traits[trait].score == pytest.approx(shares.max(), abs=1e-3)
            assert traits[trait].source == "deepface"
            answers[trait].add(traits[trait].value)
    assert len(answers["gender"]) == 2 and len(answers["race"]) >= 2, "the answer depends on the photo"
    assert analyzer.weights == ["gender_model_weights.onnx", "race_model_single_batch.onnx"]


def test_deepfaces_missing_weights_are_named_with_size_place_command_and_alternative(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        DeepFaceAnalyzer(["race"], "pytorch", tmp_path)
    place = tmp_path / ".deepface/weights/race_model_single_batch.pth"
    source = "github.com/serengil/deepface_models"
    for words in (str(place), f"{SIZE_MB} MB", "curl -L", source, "ANALYZER to embedded"):
        assert words in str(caught.value)
    assert "gender" not in str(caught.value)
    assert not place.parent.exists()
