import hashlib
import itertools
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from carousel.segmenters import mask_rcnn
from carousel.segmenters.choice import NAMES, load_segmenter
from carousel.segmenters.mask_files import find_mask_files, is_mask_file
from common.errors import UserError
from common.images import read_image
from common.people.embedded_segmenter import (
    WEIGHTS,
    EmbeddedSegmenter,
    PoseMask,
    merge_duplicates,
    parts_touching,
    without_shared_pixels,
)
from common.people.person_detector import INPUT, anchor_boxes, cut_graph, decode_boxes, tiles
from common.people.selection import box_iou, mask_iou, person_of, select_people
from common.weights import EMBEDDED, is_present
from tests.helpers import REAL_DATA, needs_real_data

needs_weights = pytest.mark.skipif(
    not all(is_present(EMBEDDED[name]) for name in WEIGHTS), reason="python3 run.py fetch, for the embedded segmenter"
)


# ---- which segmenter ----


def test_an_unknown_segmenter_and_masks_that_nobody_reads_are_named() -> None:
    with pytest.raises(UserError, match="'yolo'; it must be one of embedded, maskrcnn, detectron2, files"):
        load_segmenter("yolo")
    for name in set(NAMES) - {"files"}:
        with pytest.raises(UserError, match=f'MASKS is used by SEGMENTER "files" only, and SEGMENTER is "{name}"'):
            load_segmenter(name, Path("masks"))


def test_weights_that_are_not_there_are_named_with_the_command_that_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.people.embedded_segmenter.is_present", lambda weights: weights.name == WEIGHTS[0])
    with pytest.raises(UserError, match=f"run.py fetch {WEIGHTS[1]} {WEIGHTS[2]} {WEIGHTS[3]}"):
        load_segmenter("embedded")


# ---- masks that the user supplies ----


def write_mask(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def person_values(left: int = 10) -> np.ndarray:
    values = np.zeros((40, 60), np.uint8)
    values[5:35, left : left + 12] = 255
    return values


PHOTO = np.zeros((40, 60, 3), np.uint8)


def test_masks_beside_the_photo_and_in_a_folder(tmp_path: Path) -> None:
    photo = tmp_path / "café 1.jpg"
    write_mask(tmp_path / "café 1_mask.png", person_values(10))
    write_mask(tmp_path / "masks" / "café 1_person2.png", person_values(40))
    write_mask(tmp_path / "masks" / "café 1_person10.png", person_values(20))
    write_mask(tmp_path / "masks" / "café 1_person2_old.png", person_values(30))
    beside = load_segmenter("files").find_people(PHOTO, photo)
    assert [(person.box, person.score) for person in beside] == [((10, 5, 22, 35), 1.0)]
    folder = load_segmenter("files", tmp_path / "masks").find_people(PHOTO, photo)
    assert [person.box[0] for person in folder] == [40, 20]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((40, 60)), "is empty"),
        (person_values().T, "is 40 x 60 px, its photo 60 x 40 px"),
        (255 - person_values(), "looks inverted"),
        (person_values() // 2, "360 pixels are neither 0 nor 255"),
    ],
)
def test_faulty_masks_are_named_with_the_fault(tmp_path: Path, values: np.ndarray, words: str) -> None:
    path = write_mask(tmp_path / "a_mask.png", values)
    with pytest.raises(UserError, match=words) as caught:
        load_segmenter("files").find_people(PHOTO, tmp_path / "a.jpg")
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_photo_without_a_mask_and_one_with_two_kinds_are_faults(tmp_path: Path) -> None:
    segmenter = load_segmenter("files")
    with pytest.raises(UserError, match=r"a\.jpg: no mask; .* has neither a_mask\.png nor a_mask_person1\.png"):
        segmenter.find_people(PHOTO, tmp_path / "a.jpg")
    write_mask(tmp_path / "a_mask.png", person_values())
    write_mask(tmp_path / "a_mask_person1.png", person_values())
    with pytest.raises(UserError, match="keep one kind"):
        segmenter.find_people(PHOTO, tmp_path / "a.jpg")
    with pytest.raises(UserError, match="no such folder of masks"):
        load_segmenter("files", tmp_path / "nowhere")
    with pytest.raises(UserError, match="this photo has no file"):
        segmenter.find_people(PHOTO)


@given(st.text("ab_1.", min_size=1, max_size=6), st.sampled_from(["", "_person1", "_person12"]))
def test_names_of_masks_are_told_from_names_of_photos(stem: str, ending: str) -> None:
    assert is_mask_file(Path(f"{stem}_mask{ending}.png"))
    assert not is_mask_file(Path(f"{stem}_mask{ending}.jpg"))
    assert not is_mask_file(Path(f"{stem}.png")) and not is_mask_file(Path("_mask.png"))


def test_a_mask_of_another_photo_whose_name_begins_alike_is_not_taken(tmp_path: Path) -> None:
    write_mask(tmp_path / "street_1.png", person_values())
    with pytest.raises(UserError, match="no mask"):
        find_mask_files(Path("street.jpg"), tmp_path)
    assert find_mask_files(Path("street_1.jpg"), tmp_path) == [tmp_path / "street_1.png"]


# ---- the detector ----


def test_decoding_a_box_undoes_the_encoding_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    anchors = anchor_boxes()
    assert anchors.shape == (1917, 4)
    centres, sizes = rng.random((1917, 2)), rng.uniform(0.05, 1, (1917, 2))
    shift = 10 * (centres - anchors[:, :2]) / anchors[:, 2:]
    growth = 5 * np.log(sizes / anchors[:, 2:])
    offsets = np.stack([shift[:, 1], shift[:, 0], growth[:, 1], growth[:, 0]], axis=1)
    wanted = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    np.testing.assert_allclose(decode_boxes(offsets, anchors), wanted, atol=1e-9)


@given(st.integers(8, 9000), st.integers(8, 9000))
def test_tiles_cover_every_pixel_and_stay_inside(width: int, height: int) -> None:
    found = tiles(width, height, 640)
    if not found:
        assert max(width, height) < 960 and width < 1.3 * height
        return
    assert len(found) <= 64 and len(set(found)) == len(found)
    for low, high, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(tile[low], tile[high]) for tile in found})
        assert spans[0][0] == 0 and spans[-1][1] == length
        assert all(start < end_before for (_, end_before), (start, _) in itertools.pairwise(spans))


def message(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def node(name: str, *inputs: str) -> bytes:
    fields = message(1, name.encode()) + message(2, b"Op") + b"".join(message(3, i.encode()) for i in inputs)
    return message(1, fields)


def test_a_graph_is_cut_to_what_leads_from_the_input_to_the_outputs() -> None:
    graph = [node("resize"), node(INPUT, "resize"), node("weights"), node("conv", INPUT, "weights:0", "^late")]
    rest = [node("late"), node("boxes", "conv")]
    kept = cut_graph(b"".join(graph + rest) + b"\x20\x05", ["conv"])  # with a number (field 4) at its end
    assert kept.endswith(graph[2] + graph[3] + rest[0]) and b"resize" not in kept and b"boxes" not in kept
    assert b"Placeholder" in kept and kept.count(INPUT.encode()) == 2


# ---- putting together ----


def sighting(left: int, top: int, side: int, score: float) -> PoseMask:
    """Somebody who fills the middle of a square."""
    probability = np.zeros((256, 256), np.float32)
    probability[32:224, 80:176] = 1
    return PoseMask(probability, (left, top, side), score)


@settings(max_examples=20, deadline=None)
@given(st.integers(-300, 300), st.integers(-300, 300), st.integers(16, 2000))
def test_a_sighting_lies_where_its_square_lies(left: int, top: int, side: int) -> None:
    one = sighting(left, top, side, 0.9)
    np.testing.assert_allclose(
        one.seen_in((left, top, left + side, top + side), (256, 256)), one.probability, atol=1e-3
    )
    wanted = np.array([80, 32, 176, 224]) * side / 256 + (left, top, left, top)
    assert np.abs(np.array(one.box) - wanted).max() <= 0.5
    assert one.area == pytest.approx(96 * 192 * (side / 256) ** 2)
    elsewhere = one.seen_in((left + 2 * side, top, left + 3 * side, top + side), (64, 64))
    assert not elsewhere.any()


def test_two_boxes_of_one_person_become_one_and_neighbours_stay_two() -> None:
    whole, upper_half, neighbour = sighting(0, 0, 400, 0.5), sighting(100, 60, 200, 0.9), sighting(200, 0, 400, 0.7)
    kept = merge_duplicates([upper_half, neighbour, whole])
    assert sorted((person.square, person.score) for person in kept) == [((0, 0, 400), 0.9), ((200, 0, 400), 0.7)]


def test_only_what_is_connected_to_the_person_stays() -> None:
    mask, core = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    mask[2:10, 2:10] = mask[12:18, 20:28] = True
    core[4:6, 4:6] = core[0, 29] = True
    kept = parts_touching(mask, core)
    assert kept[2:10, 2:10].all() and kept.sum() == 64


@pytest.fixture(scope="module")
def embedded() -> EmbeddedSegmenter:
    return EmbeddedSegmenter()


@needs_weights
def test_one_person_is_found_and_a_cup_of_coffee_is_nobody(embedded: EmbeddedSegmenter) -> None:
    assert embedded.weights == list(WEIGHTS)
    astronaut = skimage.data.astronaut()
    people = embedded.find_people(astronaut)
    assert len(people) == 1 and people[0].score > 0.5
    assert people[0].mask[200:500, 150:250].mean() > 0.95 and not people[0].mask[:150, 420:].any()
    assert embedded.find_people(skimage.data.coffee()) == []


@needs_weights
@pytest.mark.parametrize("shape", [(8, 8), (8, 400), (300, 9)])
def test_photos_of_odd_shapes_show_nobody(embedded: EmbeddedSegmenter, shape: tuple[int, int]) -> None:
    assert embedded.find_people(np.full((*shape, 3), 255, np.uint8)) == []


@needs_weights
def test_a_look_beyond_the_photo_or_over_its_edge_does_no_harm(embedded: EmbeddedSegmenter) -> None:
    astronaut = skimage.data.astronaut()
    assert embedded.look_at(astronaut, (600, 0, 700, 200), 0.9, grow=1) is None
    assert embedded.look_at(astronaut, (0, -300, 200, -1), 0.9, grow=1) is None
    seen = embedded.look_at(astronaut, (-60, -40, 430, 560), 0.9, grow=1.5)
    assert seen is not None and seen.box[0] < 130 and seen.box[2] > 300


@needs_real_data("people/more")
@needs_weights
def test_two_people_side_by_side_are_told_apart(embedded: EmbeddedSegmenter) -> None:
    folder = REAL_DATA / "people/more"
    names = ("ccp_0134", "ccp_0273")
    photos = [np.asarray(read_image(folder / f"photos/{name}.jpg", "RGB")) for name in names]
    masks = [np.asarray(read_image(folder / f"masks/{name}.png", "L")) for name in names]
    height = min(len(photo) for photo in photos)
    people = embedded.find_people(np.hstack([photo[:height] for photo in photos]))
    truth = np.hstack([mask[:height] > 127 for mask in masks])
    middle = photos[0].shape[1]
    assert len(people) == 2 and not (people[0].mask & people[1].mask).any()
    for side in (slice(0, middle), slice(middle, None)):
        assert max(mask_iou(person.mask[:, side], truth[:, side]) for person in people) > 0.9


@needs_real_data("carousel_cases")
@needs_weights
@pytest.mark.parametrize(
    ("name", "boxes"),
    [
        ("girl-3", [(291, 72, 515, 480)]),  # from the hips up, beside the middle
        ("coco_294", [(24, 71, 416, 427)]),  # turned away, cut at the hips
        ("coco_428", [(228, 30, 579, 360)]),  # a child at a table
        ("suit_coco_459", [(0, 80, 512, 640)]),  # with the forearm that holds a camera
        ("coco_536", [(87, 69, 223, 333), (169, 79, 278, 335), (293, 132, 448, 336)]),  # two stand close together
    ],
)
def test_half_figures_and_neighbours_are_found_one_by_one(
    embedded: EmbeddedSegmenter, name: str, boxes: list[tuple[int, int, int, int]]
) -> None:
    photo = np.asarray(read_image(REAL_DATA / f"carousel_cases/{name}.jpg", "RGB"))
    people = sorted(embedded.find_people(photo), key=lambda person: person.box)
    assert len(people) == len(boxes)
    assert all(box_iou(person.box, box) > 0.85 for person, box in zip(people, boxes, strict=True))
    assert np.sum([person.mask for person in people], axis=0).max() == 1


@needs_real_data("people/groups")
@needs_weights
def test_a_sure_box_beside_a_neighbour_is_one_more_person(embedded: EmbeddedSegmenter) -> None:
    """BlazePose sees the umpire in the box of the catcher beside him."""
    photo = np.asarray(read_image(REAL_DATA / "people/groups/photos/coco_000000000192.jpg", "RGB"))
    assert max(box_iou(person.box, (440, 227, 515, 464)) for person in embedded.find_people(photo)) > 0.8


@needs_real_data("carousel_cases", "people/more")
@needs_weights
def test_who_crouches_is_lower_than_upright_and_a_half_figure_tells_nothing(embedded: EmbeddedSegmenter) -> None:
    boy, girl = (np.asarray(read_image(REAL_DATA / f"carousel_cases/{name}.png")) for name in ("cut_boy", "cut_girl1"))
    crouching = embedded.upright_share(boy)
    assert crouching is not None and crouching < 0.92 and embedded.upright_share(girl) is None
    folder = REAL_DATA / "people/more"
    photo, mask = (
        np.asarray(read_image(folder / f"{kind}/ccp_0305.{suffix}", "RGB"))
        for kind, suffix in (("photos", "jpg"), ("masks", "png"))
    )
    standing = embedded.upright_share(np.dstack([photo, mask[..., 0]]))
    assert standing is not None and standing > 0.97


@needs_real_data("carousel_cases")
@needs_weights
def test_a_man_before_a_crowd_is_whole(embedded: EmbeddedSegmenter) -> None:
    photo = np.asarray(read_image(REAL_DATA / "carousel_cases/coco_395.jpg", "RGB"))
    kept, _ = select_people(embedded.find_people(photo), photo.shape)
    assert box_iou(kept[0].box, (119, 144, 546, 580)) > 0.9


@needs_real_data("portraits")
@needs_weights
def test_an_unsure_box_does_not_take_the_place_of_the_person_around_it(embedded: EmbeddedSegmenter) -> None:
    """A close portrait: the detector also sees somebody in the hair, barely."""
    photo = np.asarray(read_image(REAL_DATA / "portraits/cases/blonde.jpg", "RGB"))
    (person,) = embedded.find_people(photo)
    assert box_iou(person.box, (0, 0, 1024, 1024)) > 0.9 and person.mask.mean() > 0.6


def test_a_pixel_belongs_to_the_likelier_of_two_people() -> None:
    left, right = np.zeros((4, 10), bool), np.zeros((4, 10), bool)
    left[:, :6] = right[:, 4:] = True
    people = without_shared_pixels([person_of(left, 0.5), person_of(right, 0.9), person_of(right, 0.2)])
    assert [(person.box, person.score) for person in people] == [((4, 0, 10, 4), 0.9), ((0, 0, 4, 4), 0.5)]


def test_of_a_person_who_loses_pixels_the_largest_part_remains_and_a_sliver_is_nobody() -> None:
    behind, pole, front = np.zeros((3, 4, 20), bool)
    behind[:] = True
    pole[:, 12:14] = True
    split, whole = without_shared_pixels([person_of(behind, 0.5), person_of(pole, 0.9)])[::-1]
    assert split.box == (0, 0, 12, 4) and whole.box == (12, 0, 14, 4)
    front[:, :15] = True
    sliver = without_shared_pixels([person_of(behind, 0.5), person_of(front, 0.9)])
    assert [person.box for person in sliver] == [(0, 0, 15, 4)], "a quarter of the mask is left"


# ---- Mask R-CNN ----


def test_people_of_detections_are_those_of_the_class_that_are_certain() -> None:
    masks = np.zeros((5, 10, 20), np.float32)
    masks[:4, 2:8, 5:10] = 0.9
    masks[:4, 2:8, 10:12] = 0.4
    scores = np.array([0.8, 0.99, 0.95, 0.3, 0.9])
    people = mask_rcnn.people_of(np.array([1, 1, 3, 1, 1]), scores, masks, 1, (20, 40, 3))
    assert [person.score for person in people] == [0.99, 0.8]
    left, top, right, bottom = people[0].box
    assert people[0].mask.shape == (20, 40) and abs(left - 10) <= 1 and abs(right - 20) <= 1
    assert abs(top - 4) <= 1 and abs(bottom - 16) <= 1


def test_without_the_official_weights_one_line_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_rcnn, "CACHE", tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match="needs maskrcnn_resnet50_fpn_v2_coco-73cbd019") as caught:
        load_segmenter("maskrcnn")
    assert "\n" not in str(caught.value) and "weights='COCO_V1'" in str(caught.value)
    (tmp_path / mask_rcnn.TORCHVISION_FILE).write_bytes(b"something else")
    with pytest.raises(UserError, match="not the official one"):
        load_segmenter("maskrcnn")


def test_torchvisions_network_runs_with_weights_of_the_official_format(tmp_path: Path) -> None:
    """With random weights, since the real ones are not part of the project: loading and the way through are shown."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

    torch.manual_seed(0)
    network = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    torch.save(network.state_dict(), tmp_path / "random.pth")
    segmenter = mask_rcnn.TorchvisionSegmenter(tmp_path / "random.pth")
    assert segmenter.weights == ["random.pth"]
    assert all(
        torch.equal(a.cpu(), b) for a, b in zip(segmenter._network.parameters(), network.parameters(), strict=True)
    )
    segmenter._network.transform.min_size = (64,)
    segmenter._network.rpn._post_nms_top_n["testing"] = 10
    people = segmenter.find_people(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    assert all(person.mask.shape == (48, 64) and person.score >= mask_rcnn.MIN_SCORE for person in people)


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_damaged_weights_and_those_of_another_network_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.pth"
    if content is None:
        torch.save({"layer.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="damaged, or not weights of torchvision's"):
        mask_rcnn.build_torchvision(path)


def test_detectron2s_instances_become_people() -> None:
    """On stand-ins for `Instances`: Detectron2 itself must be built from source and is not needed for the tests."""
    masks = torch.zeros((3, 30, 40), dtype=torch.bool)
    masks[0, 5:25, 10:20] = masks[1, 0:30, 30:40] = masks[2, 0:5, 0:5] = True
    instances = SimpleNamespace(
        pred_classes=torch.tensor([0, 0, 17]), scores=torch.tensor([0.8, 0.9, 0.99]), pred_masks=masks
    )
    people = mask_rcnn.people_of_instances(instances, (30, 40, 3))
    assert [(person.box, round(person.score, 3)) for person in people] == [
        ((30, 0, 40, 30), 0.9),
        ((10, 5, 20, 25), 0.8),
    ]
    nobody = SimpleNamespace(pred_classes=torch.zeros(0), scores=torch.zeros(0), pred_masks=masks[:0])
    assert mask_rcnn.people_of_instances(nobody, (30, 40, 3)) == []


def test_without_detectron2_one_line_gives_its_build_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-build-isolation git") as caught:
        load_segmenter("detectron2")
    assert "\n" not in str(caught.value)


def test_weights_of_ones_own_are_named_for_the_networks_that_use_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='SEGMENTER_WEIGHTS is used by SEGMENTER "maskrcnn" and "detectron2" only'):
        load_segmenter("embedded", weights=tmp_path / "own.pth")
    with pytest.raises(UserError, match=r"own\.pth: no such file of weights \(setting SEGMENTER_WEIGHTS\)"):
        load_segmenter("maskrcnn", weights=tmp_path / "own.pth")


class Trap:
    """A pickle of this would run `pathlib.Path.touch`."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_for_detectron2_holds_arrays_only(tmp_path: Path, protocol: int) -> None:
    path, traced = tmp_path / "model.pkl", tmp_path / "trapped"
    path.write_bytes(pickle.dumps({"model": {"w": np.ones(3, np.float32)}, "__author__": "zoo"}, protocol))
    assert mask_rcnn.check_detectron2_weights(path) == path
    path.write_bytes(pickle.dumps({"model": {"w": Trap(traced)}}, protocol))
    with pytest.raises(UserError, match="holds more than arrays, which could run code"):
        mask_rcnn.check_detectron2_weights(path)
    assert not traced.exists()
    path.write_bytes(b"no pickle")
    with pytest.raises(UserError, match=r"model\.pkl: "):
        mask_rcnn.check_detectron2_weights(path)


def test_a_file_of_the_model_zoo_must_have_the_md5_in_its_name(tmp_path: Path) -> None:
    content = pickle.dumps({"model": {"w": np.ones(3, np.float32)}}, 2)
    whole = tmp_path / f"model_final_{hashlib.md5(content).hexdigest()[:6]}.pkl"
    whole.write_bytes(content)
    assert mask_rcnn.check_detectron2_weights(whole) == whole
    damaged = tmp_path / "model_final_f10217.pkl"
    damaged.write_bytes(content)
    with pytest.raises(UserError, match=r"model_final_f10217\.pkl: its MD5 does not begin with f10217"):
        mask_rcnn.check_detectron2_weights(damaged)
