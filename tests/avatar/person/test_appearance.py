"""Measured appearance: the geometry of a head, colours of known pictures, what stays empty, and painted portraits."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.appearance_training.examples import portrait_of
from avatar.appearance_training.painting_over import (
    paint_facial_hair,
    paint_headwear,
    paint_mask,
    paint_spectacles,
    paint_sunglasses,
)
from avatar.appearance_training.training_run import read_labels
from avatar.person import head_view
from avatar.person.appearance import LEAST_CHEEKS, Appearance, AppearanceMeter, judge, unseen
from avatar.person.appearance_picture import HEAD_PX, WIDTH_PX, draw_measured
from avatar.person.colour_measures import CHEEKS, Colours, measure_colours
from avatar.person.head_view import HeadView, HeadViewer
from avatar.person.skin_tone import STEPS, monk_lab, monk_step
from avatar.person.trait_classifiers import (
    CLASSIFIERS,
    COVERED,
    CROPS,
    WORDS,
    Belief,
    crop_input,
    layer_input,
    weight_of,
)
from common.errors import UserError
from common.paths import CHECKPOINTS
from common.weights import EMBEDDED, is_present

needs_weights = pytest.mark.skipif(
    not all(is_present(EMBEDDED[name]) for name in head_view.WEIGHTS), reason="python3 run.py fetch, for appearance"
)
ASTRONAUT_BOX = (177, 73, 272, 182)  # from the brows to the chin, in skimage's astronaut


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def meter() -> AppearanceMeter:
    return AppearanceMeter()


@pytest.fixture(scope="module")
def view() -> HeadView:
    return HeadViewer().look(skimage.data.astronaut(), ASTRONAUT_BOX)


def told(appearance: Appearance) -> dict[str, str]:
    return {name: trait.value for name, trait in appearance.items()}


def colours_of(skin: tuple[float, float, float] | None, chroma: float = 20.0) -> Colours:
    mask = np.zeros((4, 4), bool)
    hair = np.array([30.0, 5, 10])
    return Colours(None if skin is None else np.array(skin), hair, mask, mask, np.zeros(36, np.float32), chroma)


def beliefs(**words: str) -> dict[str, Belief]:
    return {
        trait: Belief({word: 0.97 if word == words.get(trait, all_words[0]) else 0.01 for word in all_words})
        for trait, all_words in WORDS.items()
    }


@needs_weights
def test_the_astronaut_is_described_as_she_looks(meter: AppearanceMeter) -> None:
    found = told(meter.measure(skimage.data.astronaut(), ASTRONAUT_BOX))
    assert found["skin_tone"] == "light"
    assert found["glasses"] == "none"
    assert found["headwear"] in ("", "none")
    assert found["hair_colour"] in ("", "brown", "blonde")


@needs_weights
def test_a_black_and_white_photo_has_no_colours(meter: AppearanceMeter) -> None:
    grey = np.repeat(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    found = meter.measure(grey, ASTRONAUT_BOX)
    assert found.skin_tone.value == found.hair_colour.value == ""
    assert found.skin_tone.reason == found.hair_colour.reason == "the photo is black and white"


@needs_weights
def test_blue_light_gives_no_skin_tone(meter: AppearanceMeter) -> None:
    blue = (skimage.data.astronaut() * np.array([0.25, 0.35, 1.0])).astype(np.uint8)
    assert meter.measure(blue, ASTRONAUT_BOX).skin_tone.value == ""


@needs_weights
def test_a_tiny_face_is_not_measured(meter: AppearanceMeter) -> None:
    small = cv2.resize(skimage.data.astronaut(), (100, 100), interpolation=cv2.INTER_AREA)
    box = tuple(round(value * 100 / 512) for value in ASTRONAUT_BOX)
    found = meter.measure(small, box)  # type: ignore[arg-type]
    assert set(told(found).values()) == {""}
    assert "px high" in found.glasses.reason


@needs_weights
def test_a_picture_without_a_face_is_not_measured(meter: AppearanceMeter) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)
    assert set(told(meter.measure(noise, (50, 50, 150, 150))).values()) == {""}


@needs_weights
@pytest.mark.parametrize("angle", [-25, 25])
def test_a_tilted_head_is_seen_upright(view: HeadView, angle: float) -> None:
    middle = (ASTRONAUT_BOX[0] + ASTRONAUT_BOX[2]) / 2, (ASTRONAUT_BOX[1] + ASTRONAUT_BOX[3]) / 2
    turned = cv2.warpAffine(skimage.data.astronaut(), cv2.getRotationMatrix2D(middle, angle, 1.0), (512, 512))
    again = HeadViewer().look(turned, ASTRONAUT_BOX)
    distance = np.linalg.norm(again.points[:, :2] - view.points[:, :2], axis=1)
    assert np.median(distance) < 0.05 * view.face_height


@needs_weights
def test_points_beyond_the_photo_are_not_inside(view: HeadView) -> None:
    cut = HeadViewer().look(skimage.data.astronaut()[40:], (177, 33, 272, 142))
    assert view.inside.mean() > cut.inside.mean()


@needs_weights
def test_skin_and_hair_are_measured_where_they_are(view: HeadView) -> None:
    colours = measure_colours(view)
    assert colours.skin is not None
    assert colours.hair is not None
    assert colours.skin[0] > colours.hair[0] + 15
    assert not (colours.skin_mask & colours.hair_mask).any()


@needs_weights
def test_painted_sunglasses_are_noticed(meter: AppearanceMeter, view: HeadView) -> None:
    portrait = portrait_of(view, {})
    rng = np.random.default_rng(4)
    seen = []
    for _ in range(5):
        canvas = paint_sunglasses(portrait.canvas, portrait.points, rng)
        assert (canvas != portrait.canvas).any()
        seen.append(meter.measure(canvas, box_of(portrait.points)).glasses.value)
    assert seen.count("sunglasses") >= 3
    assert "none" not in seen


@needs_weights
@pytest.mark.parametrize("kind", ["hat", "cap", "headscarf"])
def test_painted_headwear_covers_the_top_of_the_head(view: HeadView, kind: str) -> None:
    portrait = portrait_of(view, {})
    canvas, matte = paint_headwear(portrait.canvas, portrait.points, np.random.default_rng(2), kind, portrait.matte)
    changed = (canvas != portrait.canvas).any(axis=2)
    assert changed[: int(portrait.points[head_view.TOP, 1])].any()
    assert not changed[int(portrait.points[head_view.NOSE, 1]), int(portrait.points[head_view.NOSE, 0])]
    assert matte.min() >= 0
    assert matte.max() <= 1


@needs_weights
@pytest.mark.parametrize("kind", ["stubble", "moustache", "goatee", "beard"])
def test_painted_facial_hair_stays_below_the_eyes(view: HeadView, kind: str) -> None:
    portrait = portrait_of(view, {})
    canvas = paint_facial_hair(portrait.canvas, portrait.points, np.random.default_rng(3), kind)
    rows = np.flatnonzero((canvas != portrait.canvas).any(axis=(1, 2)))
    assert rows.min() > portrait.points[[33, 263], 1].min()


@needs_weights
def test_a_painted_mask_hides_mouth_and_chin_and_no_eye(view: HeadView) -> None:
    portrait = portrait_of(view, {})
    canvas = paint_mask(portrait.canvas, portrait.points, np.random.default_rng(5))
    changed = (canvas != portrait.canvas).any(axis=2)
    for point, hidden in ((13, True), (199, True), (33, False), (263, False), (10, False)):
        x, y = portrait.points[point, :2].astype(int)
        assert changed[y, x] == hidden


@needs_weights
def test_behind_a_mask_nothing_is_said_of_facial_hair(meter: AppearanceMeter, view: HeadView) -> None:
    portrait = portrait_of(view, {})
    rng = np.random.default_rng(6)
    found = [
        meter.measure(paint_mask(portrait.canvas, portrait.points, rng), box_of(portrait.points)) for _ in range(5)
    ]
    assert sum(appearance.facial_hair.reason == "a mask covers it" for appearance in found) >= 4
    assert not {appearance.facial_hair.value for appearance in found} & {"beard", "goatee", "moustache", "stubble"}


@needs_weights
def test_the_picture_marks_the_step_and_shows_the_measured_colour(meter: AppearanceMeter) -> None:
    examined = meter.examine(skimage.data.astronaut(), ASTRONAUT_BOX)
    picture = np.asarray(draw_measured(examined, "#ffffff"))
    assert picture.shape == (HEAD_PX, WIDTH_PX, 3)
    lab = examined.appearance.skin_tone.lab
    assert lab is not None
    swatch = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0] * 255
    near = np.abs(picture[:60, HEAD_PX:].astype(float) - swatch).max(axis=2) < 1
    assert near.sum() > 400, "a patch of the measured skin colour stands in the skin's row"
    unmarked = draw_measured(replace(examined, colours=None), "#ffffff")
    assert (np.asarray(unmarked)[:, :HEAD_PX] != picture[:, :HEAD_PX]).any(), "regions are drawn over the head"


def box_of(points: np.ndarray) -> tuple[int, int, int, int]:
    face = points[[70, 300, 152, 234, 454]]
    return tuple(int(value) for value in (*face.min(axis=0), *face.max(axis=0)))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("skin", "chroma", "reason"),
    [
        ((60.0, 15, 20), 2.0, "the photo is black and white"),
        ((60.0, 20, -30), 20.0, "the light is coloured"),
        ((60.0, 60, 30), 40.0, "the light is coloured"),
        ((8.0, 5, 5), 10.0, "the face is too dark"),
        (None, 20.0, "no clean skin is seen"),
    ],
)
def test_bad_light_leaves_colours_empty(skin: tuple[float, float, float] | None, chroma: float, reason: str) -> None:
    found = judge(beliefs(), colours_of(skin, chroma))
    assert found.skin_tone.value == ""
    assert found.skin_tone.reason == reason


def test_headwear_and_baldness_leave_the_hair_empty() -> None:
    hat = judge(beliefs(headwear="hat", hair_length="short"), colours_of((60, 15, 20)))
    assert hat.headwear.value == "hat"
    assert hat.hair_colour.reason == hat.hair_length.reason == "covered by headwear"
    bald = judge(beliefs(hair_length="bald"), colours_of((33, 6, 12)))
    assert bald.hair_length.value == "bald"
    assert bald.hair_colour.reason == "no hair is seen"
    fringe = judge(beliefs(hair_length="bald", hair_colour="grey"), colours_of((60, 15, 20)))
    assert fringe.hair_colour.value == "grey"


def test_skin_in_the_shade_above_a_receding_hairline_is_not_red_hair() -> None:
    seen = replace(colours_of((60, 19, 39)), hair=np.array((44.0, 23, 35)))
    assert judge(beliefs(hair_length="receding", hair_colour="red"), seen).hair_colour.reason == "no hair is seen"
    assert judge(beliefs(hair_length="long", hair_colour="red"), seen).hair_colour.value == "red"
    grey = replace(seen, hair=np.array((41.0, 7, 7)))
    assert judge(beliefs(hair_length="receding", hair_colour="grey"), grey).hair_colour.value == "grey"


def test_short_hair_over_the_ears_is_layered_unless_it_is_curly() -> None:
    covered = replace(colours_of((60, 15, 20)), over_ears=0.7)
    for shape, told in (("straight", "layered"), ("wavy", "layered"), ("curly", "curly"), ("tied", "tied")):
        assert judge(beliefs(hair_length="short", hair_shape=shape), covered).hair_shape.value == told
    assert judge(beliefs(hair_length="long", hair_shape="wavy"), covered).hair_shape.value == "wavy"
    assert judge(beliefs(hair_length="short", hair_shape="wavy"), colours_of((60, 15, 20))).hair_shape.value == "wavy"


@needs_weights
def test_hair_beside_the_face_is_seen_over_the_ears(view: HeadView) -> None:
    seen = measure_colours(view).over_ears
    bare = view.pixels.copy()
    rows = slice(int(view.points[33, 1]), int(view.points[61, 1]))
    bare[rows, : int(view.points[234, 0])] = bare[rows, int(view.points[454, 0]) :] = (230, 180, 160)
    assert measure_colours(replace(view, pixels=bare)).over_ears < seen / 4 < 0.25


def test_a_mask_leaves_skin_and_facial_hair_empty() -> None:
    found = judge(beliefs(facial_hair=COVERED), colours_of((60, 15, 20)))
    assert found.facial_hair.value == found.skin_tone.value == ""
    assert found.facial_hair.reason == found.skin_tone.reason == "a mask covers it"
    assert found.glasses.value == "none"


@pytest.mark.parametrize("length", ["bald", "receding", "very short"])
def test_the_shape_of_cropped_hair_is_not_told(length: str) -> None:
    found = judge(beliefs(hair_length=length, hair_shape="curly"), colours_of((60, 15, 20)))
    assert found.hair_shape.value == ""
    assert found.hair_shape.reason == "the hair is too short"
    assert judge(beliefs(hair_length="long", hair_shape="curly"), colours_of((60, 15, 20))).hair_shape.value == "curly"


@needs_weights
@pytest.mark.parametrize("side", CHEEKS)
def test_a_face_that_is_half_covered_tells_nothing_of_glasses_and_facial_hair(
    meter: AppearanceMeter, side: tuple[int, ...]
) -> None:
    photo = cv2.resize(skimage.data.astronaut(), (1024, 1024))
    box = tuple(2 * edge for edge in ASTRONAUT_BOX)
    seen = HeadViewer().look(photo, box)  # type: ignore[arg-type]
    portrait = portrait_of(seen, {})
    assert measure_colours(seen).cheeks > LEAST_CHEEKS
    covered = portrait.canvas.copy()
    hull = cv2.convexHull(portrait.points[list(side), :2].astype(np.int32))
    cv2.fillPoly(covered, [hull], (25, 18, 15))
    found = meter.measure(covered, box_of(portrait.points))
    assert found.glasses.reason == found.facial_hair.reason == "something covers part of the face"


@pytest.mark.parametrize(
    ("length", "tied", "beard", "value"),
    [("short", 0.95, 0.1, "tied"), ("short", 0.8, 0.1, ""), ("short", 0.95, 0.5, ""), ("long", 0.8, 0.5, "tied")],
)
def test_short_hair_is_tied_only_where_that_is_clear(length: str, tied: float, beard: float, value: str) -> None:
    found = beliefs(hair_length=length)
    found["hair_shape"] = Belief({"tied": tied, "straight": 1 - tied})
    found["facial_hair"] = Belief({"none": 1 - beard, "beard": beard})
    assert judge(found, colours_of((60, 15, 20))).hair_shape.value == value


def test_of_blurred_hair_no_texture_is_told() -> None:
    for shape, value in (("wavy", ""), ("tied", "tied")):
        told_of = beliefs(hair_length="long", hair_shape=shape)
        assert judge(told_of, colours_of((60, 15, 20)), blurred=True).hair_shape.value == value
        assert judge(told_of, colours_of((60, 15, 20))).hair_shape.value == shape


def test_blue_hair_is_dyed() -> None:
    colours = replace(colours_of((60, 15, 20)), hair=np.array([40.0, 10, -40]))
    assert judge(beliefs(hair_length="long"), colours).hair_colour.value == "blue"


def test_pale_hair_is_not_called_brown() -> None:
    for lightness, value in ((30.0, "brown"), (60.0, "")):
        colours = replace(colours_of((70, 15, 20)), hair=np.array([lightness, 8, 15]))
        assert judge(beliefs(hair_length="long", hair_colour="brown"), colours).hair_colour.value == value
    pale = replace(colours_of((70, 15, 20)), hair=np.array([60.0, 8, 15]))
    assert judge(beliefs(hair_length="long", hair_colour="blonde"), pale).hair_colour.value == "blonde"


@needs_weights
def test_the_closer_picture_shows_the_middle_of_the_head_twice_as_large(view: HeadView) -> None:
    middle = cv2.resize(view.close, (128, 128), interpolation=cv2.INTER_AREA)
    difference = np.abs(middle.astype(int) - view.pixels[64:192, 64:192]).mean()
    assert difference < np.abs(middle.astype(int) - view.pixels[66:194, 64:192]).mean()
    np.testing.assert_allclose(view.close_points.mean(axis=0) - 128, 2 * (view.points[:, :2].mean(axis=0) - 128))


def test_close_crops_count_where_the_photo_is_sharp_enough() -> None:
    weights = [weight_of("eyes", scale) for scale in (0.3, 1.0, 1.5, 2.0, 4.0)]
    assert weights[0] == weights[1] > weights[2] > weights[3] == weights[4] == 0
    assert {weight_of(name, 4.0) for name in CLASSIFIERS if name not in ("eyes", "mouth")} == {1.0}


@needs_weights
@pytest.mark.parametrize("name", sorted(CROPS))
def test_inputs_of_crops_are_standardised_and_see_their_box_alone(view: HeadView, name: str) -> None:
    crop = CROPS[name]
    values = crop_input(view, crop)
    assert values.shape == (3, crop.size[1], crop.size[0]) and values.dtype == np.float32
    assert abs(values.mean()) < 1e-3 and 0.5 < values.std() <= 1
    left, top, right, bottom = crop.box
    outside = np.ones(crop.of(view).shape[:2], bool)
    outside[top:bottom, left:right] = False
    changed = np.where(outside[..., None], 0, crop.of(view))
    other = replace(view, close=changed) if crop.close else replace(view, pixels=changed)
    np.testing.assert_array_equal(crop_input(other, crop), values)


@needs_weights
def test_painted_rims_as_thin_as_a_line_are_seen_in_a_sharp_photo(meter: AppearanceMeter) -> None:
    large = cv2.resize(skimage.data.astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    box = tuple(2 * edge for edge in ASTRONAUT_BOX)
    view = HeadViewer().look(large, box)  # type: ignore[arg-type]
    portrait = portrait_of(view, {})
    rng = np.random.default_rng(3)
    found = [
        meter.measure(paint_spectacles(portrait.canvas, portrait.points, rng), box_of(portrait.points)).glasses.value
        for _ in range(8)
    ]
    assert found.count("spectacles") >= 5
    assert meter.measure(portrait.canvas, box_of(portrait.points)).glasses.value == "none"


def test_an_unsure_classifier_says_nothing() -> None:
    unsure = beliefs() | {"glasses": Belief({"none": 0.39, "spectacles": 0.36, "sunglasses": 0.25})}
    found = judge(unsure, colours_of((60, 15, 20)))
    assert found.glasses.value == ""
    assert found.glasses.score == 0.39
    assert found.glasses.source == "unsure"


@needs_weights
def test_a_side_view_is_not_measured(view: HeadView) -> None:
    points = view.points.copy()
    left, right = points[[head_view.LEFT, head_view.RIGHT], 0]
    points[head_view.NOSE, 0] = right
    assert unseen(view) == unseen(replace(view, points=points)) == "", "the nose does not stand out from the cheek"
    points[head_view.NOSE, 0] = right + 0.2 * (right - left)
    assert unseen(replace(view, points=points)) == "the face looks aside"
    assert unseen(replace(view, presence=0.1)) != ""


@given(st.sampled_from(sorted(STEPS)), st.floats(0, 100), st.floats(0, 100))
@settings(deadline=None)
def test_darker_skin_never_gets_a_lighter_step(word: str, one: float, other: float) -> None:
    steps = monk_step(word, min(one, other)), monk_step(word, max(one, other))
    assert steps[0] >= steps[1]
    assert all(STEPS[word][0] <= step <= STEPS[word][1] for step in steps)


def test_the_scale_gets_darker() -> None:
    lightness = monk_lab()[2:, 0]
    assert (np.diff(lightness) < 0).all()


def test_layers_are_averaged_over_squares() -> None:
    layer = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
    pooled = layer_input(layer)
    assert pooled.shape == (8,)
    assert pooled[0] == np.mean([0, 1, 4, 5])


def test_light_skin_in_the_shade_of_a_hat_or_a_dark_photo_is_not_drawn_as_tan() -> None:
    dark_photo = judge(beliefs(), colours_of((45, 15, 20))).skin_tone
    assert (dark_photo.value, dark_photo.monk) == ("light", 3)
    shaded = replace(colours_of((45, 15, 20)), lit=75.0)
    assert judge(beliefs(headwear="hat"), shaded).skin_tone.monk == monk_step("light", 75.0)
    unsure = beliefs() | {"skin_tone": Belief({"light": 0.75, "medium": 0.25, "dark": 0.0})}
    assert judge(unsure, colours_of((45, 15, 20))).skin_tone.monk == 4


@pytest.mark.parametrize(("b", "blonde", "told"), [(20.0, 0.44, ""), (10.0, 0.44, "grey"), (20.0, 0.1, "grey")])
def test_pale_blonde_hair_is_not_said_to_be_grey(b: float, blonde: float, told: str) -> None:
    colours = replace(colours_of((70, 15, 25)), hair=np.array([73.0, 4, b]))
    shares = dict.fromkeys(WORDS["hair_colour"], 0.0) | {"grey": 1 - blonde, "blonde": blonde}
    found = judge(beliefs(hair_length="short") | {"hair_colour": Belief(shares)}, colours).hair_colour
    assert found.value == told and (told or found.reason == "between grey and blonde")


def test_hair_that_stands_off_the_head_is_not_said_to_be_straight_or_wavy() -> None:
    afro = replace(colours_of((70, 15, 25)), stands_off=True)
    for length, shape, told in (("medium", "wavy", ""), ("medium", "coily", "coily"), ("long", "wavy", "wavy")):
        assert judge(beliefs(hair_length=length, hair_shape=shape), afro).hair_shape.value == told


# ---- labels by eye ----


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "labels.csv: lacks the column face and file"),
        (b"", "lacks the column face and file"),
        (b"file,face,skin\na.png,0,light\na.png,zz,light\n", "labels.csv: line 3: face is 'zz'"),
        (b"file,face\na.png,-1\n", "line 2: face is '-1'"),
        (b"file,face\na.png\n", "line 2: has another number of cells"),
        (b"file,face\na.png,0,light\n", "line 2: has another number of cells"),
        (b"file,face\n/etc/a.png,0\n", "line 2: file is '/etc/a.png'; it must be in the folder of the pictures"),
        (b"file,face\nb/../../a.png,0\n", "line 2: file is"),
        (b"file,face\nC:\\a.png,0\n", "line 2: file is"),
        (b"file,face\n,0\n", "line 2: file is ''"),
        (b"file,face\n\xff.png,0\n", "labels.csv: is not a CSV table in UTF-8"),
        (b'file,face\n"' + b"a" * 200_000 + b'",0\n', "labels.csv: is not a CSV table in UTF-8"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_faulty_table_of_labels_is_refused_before_any_picture_is_read(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_labels(tmp_path / "labels.csv")


def test_labels_are_read_by_trait() -> None:
    labels = read_labels(CHECKPOINTS / "avatar/appearance/labels.csv")
    name, number, words = labels[1]
    assert (name, number) == ("portraits_train/portrait_002.jpg", 0) and "hair_colour" not in words
    assert (words["skin_tone"], words["glasses"]) == ("light", "spectacles")
