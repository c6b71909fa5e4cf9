import dataclasses
import itertools
import math
from collections import Counter
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from avatar.drawing import wordings
from avatar.drawing.attributes import CHOICES, LIKELY, NOSES, Attributes, characters, draw_attributes, face_build
from avatar.drawing.avatars import caption, draw_avatar
from avatar.drawing.backdrops import draw_backdrop
from avatar.drawing.captions import MOST_WORDS
from avatar.drawing.headwear import COVERS, HATS
from avatar.drawing.palette import GARMENT_COLOURS, HAIR_COLOURS, SKINS, Style, Tones, from_oklab, rgb_u8, to_oklab
from avatar.drawing.pen import both, flip, placed
from avatar.drawing.wordings import GREYING, OWN_GLASSES, OWN_HEADWEAR
from avatar.lora_training.captioned_pictures import read_folder
from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT
from avatar.prompt.hairstyles import hairstyle_for
from common.errors import UserError
from common.journals import LOCK, locked
from tests.helpers import load_main, run_script

pytestmark = pytest.mark.slow
SIZE_PX = 128
PLAIN = Attributes(
    person="person",
    age="young",
    skin="golden",
    face="oval",
    eyes="brown",
    hair="bob",
    hair_colour="brown",
    greying="none",
    beard="none",
    expression="smile",
    glasses="none",
    garment="hoodie",
    garment_colour="turquoise",
    headwear="none",
    jewellery="none",
    backdrop="cream",
    pattern="plain",
    variation=3,
)


def looking(**changes: str | int) -> Attributes:
    return dataclasses.replace(PLAIN, **changes)  # type: ignore[arg-type]


def picture(**changes: str | int) -> np.ndarray:
    return draw_avatar(looking(**changes), SIZE_PX)[0]


@pytest.fixture(scope="module")
def crowd() -> list[Attributes]:
    rng = np.random.default_rng(12)
    return [draw_attributes(rng) for _ in range(1500)]


# ---- attributes ----


def test_there_are_more_than_a_billion_characters_even_by_what_captions_always_name() -> None:
    named = ("skin", "hair", "hair_colour", "beard", "glasses", "garment", "garment_colour", "headwear", "jewellery")
    assert characters() == math.prod(map(len, CHOICES.values()))
    assert math.prod(len(CHOICES[name]) for name in named) > 1e9


def test_the_clothes_are_those_of_the_prompts() -> None:
    assert set(CHOICES["garment"]) == {garment.kind for garment in (*GARMENTS.values(), NEUTRAL_GARMENT)}
    drawn = {*CHOICES["headwear"], *CHOICES["jewellery"], *CHOICES["glasses"]}
    worn = [*itertools.chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES]
    assert {item.kind for item in worn if item.place in ("head", "neck", "ears")} <= drawn
    assert {item.kind for item in worn if item.place == "face"} - drawn == {"nose ring"}
    for garment in (*GARMENTS.values(), NEUTRAL_GARMENT):
        assert set(garment.colours) <= set(GARMENT_COLOURS)


def test_the_same_seed_draws_the_same_character() -> None:
    first, again, other = (draw_attributes(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first == again != other


def test_every_value_is_drawn_about_as_often_as_it_should_be(crowd: list[Attributes]) -> None:
    for name, values in CHOICES.items():
        likely = LIKELY.get(name, {})
        rest = (1 - sum(likely.values())) / (len(values) - len(likely))
        counts = Counter(getattr(look, name) for look in crowd)
        for value in values:
            chance = likely.get(value, rest)
            spread = math.sqrt(len(crowd) * chance * (1 - chance))
            assert abs(counts[value] - len(crowd) * chance) < 5 * spread, (name, value)


def test_attributes_do_not_depend_on_one_another(crowd: list[Attributes]) -> None:
    for first, second in itertools.combinations(CHOICES, 2):
        table = np.zeros((len(CHOICES[first]), len(CHOICES[second])))
        for look in crowd:
            table[CHOICES[first].index(getattr(look, first)), CHOICES[second].index(getattr(look, second))] += 1
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / len(crowd)
        freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
        chi_squared = ((table - expected) ** 2 / expected).sum()
        assert chi_squared < freedom + 5 * math.sqrt(2 * freedom), (first, second)


def test_a_value_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="hair is 'beehive'"):
        looking(hair="beehive")


# ---- pictures ----


@pytest.mark.parametrize("name", CHOICES)
def test_every_value_of_an_attribute_looks_different(name: str) -> None:
    pictures = [picture(**{name: value}).astype(int) for value in CHOICES[name]]
    for (a, first), (b, second) in itertools.combinations(zip(CHOICES[name], pictures, strict=True), 2):
        changed = (np.abs(first - second).max(axis=2) > 24).mean()
        assert changed > 0.0012, f"{name}: {a} and {b} differ in {changed:.2%} of the pixels"


def nearest(colour: np.ndarray, table: dict[str, str]) -> str:
    lab = np.array(to_oklab("#" + "".join(f"{round(float(v)):02x}" for v in colour)))
    return min(table, key=lambda name: float(np.linalg.norm(lab - np.array(to_oklab(table[name])))))


def middle_colour(drawn: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    return np.median(drawn[rows, columns].reshape(-1, 3), axis=0)


@pytest.mark.parametrize(
    ("name", "table", "rows", "columns"),
    [
        ("garment_colour", GARMENT_COLOURS, slice(108, 116), slice(70, 82)),
        ("hair_colour", HAIR_COLOURS, slice(26, 40), slice(52, 76)),
        ("skin", SKINS, slice(28, 38), slice(68, 80)),
    ],
)
def test_what_is_named_a_colour_has_it(name: str, table: dict[str, str], rows: slice, columns: slice) -> None:
    for value in table:
        drawn = picture(**({"hair": "bald"} if name == "skin" else {}) | {name: value})
        assert nearest(middle_colour(drawn, rows, columns), table) == value


def test_measured_tones_are_drawn_instead_of_the_named_ones() -> None:
    skin, hair = "#b98a70", "#5b6b3a"
    bald, _ = draw_avatar(looking(hair="bald"), SIZE_PX, tones=Tones(skin=skin))
    drawn, _ = draw_avatar(looking(), SIZE_PX, tones=Tones(hair=hair))
    for colour, wanted in (
        (middle_colour(bald, slice(28, 38), slice(68, 80)), skin),
        (middle_colour(drawn, slice(26, 40), slice(52, 76)), hair),
    ):
        assert np.abs(colour - rgb_u8(wanted)).max() < 24
    assert (draw_avatar(looking(), SIZE_PX, tones=Tones())[0] == picture()).all()


@pytest.mark.parametrize("skin", SKINS)
def test_age_is_seen_on_every_skin(skin: str) -> None:
    young, middle, old = (
        draw_avatar(looking(skin=skin, age=age, hair="quiff"), 256)[0].astype(int) for age in CHOICES["age"]
    )
    face = (slice(60, 160), slice(84, 172))
    seen = [(np.abs(aged - young).max(axis=2)[face] > 12).mean() for aged in (middle, old)]
    assert seen[0] > 0.03 and seen[1] > 1.5 * seen[0]


@pytest.mark.parametrize("expression", ["laugh", "surprised"])
def test_stubble_is_round_the_mouth_and_not_on_it(expression: str) -> None:
    shaved, stubble = (picture(beard=beard, expression=expression).astype(int) for beard in ("none", "stubble"))
    changed = np.abs(shaved - stubble).max(axis=2)
    assert changed[70:73, 62:66].max() == 0, "the open mouth"
    assert (changed[66:72, 49:54] > 10).mean() > 0.5 and (changed[66:72, 74:79] > 10).mean() > 0.5, "both cheeks"


def test_people_of_the_same_description_have_different_faces() -> None:
    builds = [face_build(variation) for variation in range(60)]
    assert {build.nose for build in builds} == set(range(NOSES))
    faces = {build.nose: picture(variation=variation)[52:66, 54:74] for variation, build in enumerate(builds)}
    for first, second in itertools.combinations(faces.values(), 2):
        assert (np.abs(first.astype(int) - second).max(axis=2) > 16).mean() > 0.05
    widths = [(draw_avatar(looking(variation=variation), SIZE_PX)[1][120] > 128).sum() for variation in range(20)]
    assert max(widths) > 1.15 * min(widths)


def test_the_mask_is_the_figure_and_the_rest_is_the_backdrop(crowd: list[Attributes]) -> None:
    for look in crowd[:12]:
        drawn, mask = draw_avatar(look, SIZE_PX)
        assert drawn.shape == (SIZE_PX, SIZE_PX, 3) and mask.shape == (SIZE_PX, SIZE_PX)
        assert drawn.dtype == mask.dtype == np.uint8
        behind = draw_backdrop(look.backdrop, look.pattern, SIZE_PX, "plain")
        assert (drawn[mask == 0] == behind[mask == 0]).all()
        assert (mask[60:, 60:68] == 255).all() and mask[-1].mean() > 185 and mask[:40, :8].max() == 0
        assert ((mask > 0) & (mask < 255)).mean() < 0.06  # soft edges alone
        assert 0.35 < (mask / 255).mean() < 0.8


def test_backdrops_do_not_change_the_mask_and_figures_do_not_change_the_backdrop() -> None:
    masks = [draw_avatar(looking(backdrop=name), SIZE_PX)[1] for name in ("cream", "navy")]
    assert (masks[0] == masks[1]).all()
    before = draw_backdrop("cream", "plain", SIZE_PX, "plain")
    assert not before.flags.writeable


def test_the_eyes_are_at_the_same_height_in_every_picture(crowd: list[Attributes]) -> None:
    for look in crowd[:10]:
        bare = dataclasses.replace(look, glasses="none", expression="smile", headwear="none", hair="bald")
        one, other = (
            draw_avatar(dataclasses.replace(bare, eyes=eyes), SIZE_PX)[0].astype(int) for eyes in ("brown", "blue")
        )
        rows = np.flatnonzero(np.abs(one - other).max(axis=(1, 2)) > 8)
        assert rows.min() >= 48 and rows.max() <= 58


def test_larger_pictures_show_the_same_more_finely(crowd: list[Attributes]) -> None:
    for style in get_args(Style):
        small, large = (draw_avatar(crowd[4], size, style)[0] for size in (SIZE_PX, 512))
        reduced = cv2.resize(large, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - reduced).mean() < 4


def test_no_two_of_two_hundred_pictures_are_alike(crowd: list[Attributes]) -> None:
    small = [cv2.resize(draw_avatar(look, 32)[0], (16, 16), interpolation=cv2.INTER_AREA) for look in crowd[:200]]
    flat = np.stack(small).reshape(200, -1).astype(float)
    distances = np.sqrt(((flat[:, None] - flat[None]) ** 2).mean(axis=2))
    assert distances[np.triu_indices(200, 1)].min() > 8


def test_drawing_twice_gives_the_same_and_variations_differ_a_little() -> None:
    first, again, varied = picture(), picture(), picture(variation=99)
    assert (first == again).all()
    change = np.abs(first.astype(int) - varied).mean()
    assert 0.1 < change < 8


def test_the_neon_style_is_dark_with_bright_lines_and_keeps_the_figure(crowd: list[Attributes]) -> None:
    days, nights = ([draw_avatar(look, SIZE_PX, style) for look in crowd[:10]] for style in get_args(Style))
    for (_, mask), (_, night_mask) in zip(days, nights, strict=True):
        assert (mask == night_mask).mean() > 0.97
    day, night = (np.stack([drawn for drawn, _ in pictures]) for pictures in (days, nights))
    assert np.median(night) < 0.65 * np.median(day)
    assert (night.max(axis=3) > 220).mean(axis=(1, 2)).min() > 0.01


# ---- paths and colours ----


coordinates = st.floats(-300, 300).map(lambda value: round(value, 1))


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=6))
def test_mirroring_twice_gives_the_path_back(points: list[tuple[float, float]]) -> None:
    path = "M " + " L ".join(f"{x:g} {y:g}" for x, y in points)
    twice = [float(part) for part in flip(flip(path)).split() if part not in "ML"]
    assert twice == pytest.approx(list(itertools.chain(*points)), abs=0.01)


def test_a_path_from_its_right_half_is_symmetric() -> None:
    path = both("128 10, 140 10 150 20 150 30, 150 40 140 50 128 50")
    assert (
        path == "M 128 10 C 140 10 150 20 150 30 C 150 40 140 50 128 50 C 116 50 106 40 106 30 C 106 20 116 10 128 10 Z"
    )


def test_placing_scales_and_then_moves() -> None:
    assert placed("M 1 2 C -3 4 0 0 10 -10", 100, 50, -2, 3) == "M 98 56 C 106 62 100 50 80 20"


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_oklab_and_back_is_the_same_colour(rgb: tuple[int, int, int]) -> None:
    colour = "#" + "".join(f"{value:02x}" for value in rgb)
    assert rgb_u8(from_oklab(*to_oklab(colour))) == pytest.approx(rgb, abs=1)


def test_oklab_of_known_colours() -> None:
    assert to_oklab("#ffffff") == pytest.approx((1, 0, 0), abs=1e-4)
    assert to_oklab("#ff0000") == pytest.approx((0.6280, 0.2249, 0.1258), abs=1e-4)  # Ottosson's table


# ---- captions ----


def test_captions_are_many_and_short_and_say_nothing_of_weights() -> None:
    rng = np.random.default_rng(1)
    look = looking(headwear="tam", glasses="round glasses", beard="goatee", jewellery="scarf")
    captions = [caption(look, rng) for _ in range(200)]
    assert len(set(captions)) > 190
    for words in captions:
        assert len(words.replace("-", " ").split()) <= MOST_WORDS
        assert not set("{}():") & set(words) and words == words.strip(" ,")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"garment": "tailcoat"}, ("tailcoat",)),
        ({"garment_colour": "purple"}, ("purple",)),
        ({"hair": "mohawk"}, ("mohawk",)),
        ({"hair_colour": "green"}, ("green",)),
        ({"beard": "moustache"}, ("moustache",)),
        ({"glasses": "sunglasses"}, ("sunglasses",)),
        ({"headwear": "cowboy hat"}, ("cowboy hat",)),
        ({"jewellery": "gold chain"}, ("gold chain",)),
        ({"skin": "ebony"}, ("ebony", "very dark", "black-brown")),
        ({"age": "old"}, wordings.AGES["old"]),
        ({"expression": "wink"}, ("wink",)),
        ({"backdrop": "navy"}, ("navy",)),
        ({"pattern": "bunting"}, ("bunting",)),
        ({"person": "woman"}, ("woman",)),
    ],
)
def test_each_attribute_is_named_in_most_captions(changes: dict[str, str], words: tuple[str, ...]) -> None:
    rng = np.random.default_rng(2)
    look = looking(**changes)
    captions = [caption(look, rng) for _ in range(200)]
    assert sum(any(word in said for word in words) for said in captions) > 140


def test_captions_never_name_what_is_not_there(crowd: list[Attributes]) -> None:
    rng = np.random.default_rng(3)
    for look in crowd[:300]:
        words = caption(look, rng)
        for name in ("garment", "headwear", "jewellery"):
            others = [v for v in CHOICES[name] if v not in ("none", getattr(look, name))]
            absent = [v for v in others if v in words and v not in str(dataclasses.asdict(look).values())]
            assert [v for v in absent if v not in ("scarf", "cap", "bow", "hat")] == [], words


def test_a_hat_hides_the_shape_of_short_hair_but_not_its_colour() -> None:
    rng = np.random.default_rng(4)
    captions = [caption(looking(hair="quiff", headwear="fedora", hair_colour="pink"), rng) for _ in range(60)]
    assert not any("quiff" in words for words in captions) and sum("pink" in words for words in captions) > 40


@pytest.mark.parametrize("headwear", sorted(COVERS))
def test_a_headscarf_and_a_turban_cover_all_hair_and_captions_say_nothing_of_it(headwear: str) -> None:
    looks = [looking(headwear=headwear, hair=hair) for hair in ("afro", "long wavy", "bald")]
    drawn = [draw_avatar(look, SIZE_PX)[0] for look in looks]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] == drawn[2]).all()
    rng = np.random.default_rng(5)
    assert not any("hair" in caption(looks[1], rng).replace("over the hair", "") for _ in range(60))


def test_nobody_gets_the_headwear_of_other_people_by_taste() -> None:
    worn = {item.kind for item in (*itertools.chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES)}
    assert not worn & {*OWN_HEADWEAR, *OWN_GLASSES}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"hair_colour": "black"}, True),
        ({"hair_colour": "pink"}, False),
        ({"hair_colour": "white"}, False),
        ({"hair": "bald"}, False),
        ({"headwear": "beanie"}, False),
        ({"headwear": "turban"}, False),
    ],
)
def test_grey_temples_are_named_where_they_are_drawn(changes: dict[str, str], shown: bool) -> None:
    plain, greying = (looking(hair="side parting", greying=value) for value in ("none", "temples"))
    plain, greying = (dataclasses.replace(look, **changes) for look in (plain, greying))  # type: ignore[arg-type]
    assert (draw_avatar(plain, SIZE_PX)[0] == draw_avatar(greying, SIZE_PX)[0]).all() != shown
    rng = np.random.default_rng(6)
    captions = [caption(greying, rng) for _ in range(60)]
    said = [any(words in one for words in GREYING) for one in captions]
    assert (sum(said) > 30) if shown else not any(said)


@pytest.mark.parametrize("glasses", ["round glasses", "square glasses", *OWN_GLASSES])
@pytest.mark.parametrize("skin", [next(iter(SKINS)), list(SKINS)[-1]])
def test_eyes_are_seen_through_spectacles(glasses: str, skin: str) -> None:
    changes = []
    for worn in ("none", glasses):
        brown, blue = (picture(glasses=worn, skin=skin, eyes=eyes).astype(int) for eyes in ("brown", "blue"))
        changes.append(np.abs(brown - blue).sum())
    assert changes[1] > 0.7 * changes[0]


def test_measured_hair_has_a_drawn_hairstyle() -> None:
    shapes = ("", "straight", "wavy", "curly", "coily", "parting", "fringe", "tied")
    lengths = ("bald", "receding", "very short", "short", "medium", "long")
    assert {hairstyle_for(length, shape) for length in lengths for shape in shapes} <= set(CHOICES["hair"])
    assert hairstyle_for("long", "curly") == "long curly" and hairstyle_for("bald", "curly") == "bald"
    assert hairstyle_for("medium", "") == hairstyle_for("medium", "straight") == "medium straight"


@pytest.mark.parametrize("headwear", sorted(HATS))
@pytest.mark.parametrize("hair", ["buzz cut", "mohawk", "top bun"])
def test_the_colour_of_short_hair_shows_below_every_hat(headwear: str, hair: str) -> None:
    looks = [looking(hair=hair, headwear=headwear, hair_colour=colour, beard="none") for colour in ("pink", "green")]
    pink, green = (draw_avatar(look, 128)[0].astype(int) for look in looks)
    changed = np.abs(pink - green).sum(axis=2) > 60
    assert changed[:, :64].mean() > 0.01 and changed[:, 64:].mean() > 0.01, "on both sides"


# ---- the script ----


def test_a_training_folder_that_another_run_draws_is_left_alone(tmp_path: Path) -> None:
    draw = load_main("avatar/0_Draw_Avatars.py")
    with locked(tmp_path / "set"), pytest.raises(UserError, match=r"another run is writing it.*name another FOLDER"):
        draw(folder=tmp_path / "set", count=1, avatars=1, size_px=64, output=tmp_path / "sheet.png")
    assert [path.name for path in (tmp_path / "set").iterdir()] == [LOCK]


def test_the_script_writes_a_sheet_and_a_training_folder(tmp_path: Path) -> None:
    style = ("--style", "neon", "--seed", 8)  # no caption of which names a neon garment
    flags = ("--avatars", 3, "--count", 3, "--size-px", 96, *style, "--output", tmp_path / "sheet.png")
    result = run_script("avatar/0_Draw_Avatars.py", *flags, "--folder", tmp_path / "set")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 3 * 96 and len(sheet.convert("RGB").getcolors(1 << 20) or ()) > 1000
    read = read_folder(tmp_path / "set", 96)
    assert len(read) == 3 and not any("neon" in item.caption.replace("neon piping", "") for item in read)
    for item in read:
        with Image.open(item.path) as drawn, Image.open(tmp_path / "set/masks" / item.path.name) as mask:
            assert drawn.size == mask.size == (96, 96) and (drawn.mode, mask.mode) == ("RGB", "L")
    table = (tmp_path / "set/attributes.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 4 and table[0].startswith("name,person,age,skin")
