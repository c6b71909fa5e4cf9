"""FeatureExtractor.py as a user runs it: one photo, a folder, what is switched off, what is refused, what is kept."""

import csv
import functools
import json
import pickle
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageOps

from avatar import FeatureExtractor
from avatar.person import head_view
from avatar.person.appearance_picture import HEAD_PX
from avatar.person.feature_extraction import ExtractionSettings, Extractor
from avatar.person.features import AppearanceTrait, Trait, is_edited, read_features
from avatar.person.trait_classifiers import CLASSIFIERS
from avatar.person.user_photos import match_by_name, one_user_photo, photos_in
from common.errors import UserError
from common.files import sha256_of
from common.genres import GENRES
from common.paths import DATA
from common.weights import EMBEDDED, is_present
from tests.avatar.deepface_weights import weights_folder, write_tiny_weights
from tests.avatar.person.test_analyzers import WEIGHTS, beside
from tests.helpers import assert_user_error, needs_bad_inputs, run_script, with_settings
from tests.masks.sample_sets import hostile_pictures

SCRIPT = "avatar/FeatureExtractor.py"
main = with_settings(FeatureExtractor.main)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(is_present(EMBEDDED[name]) for name in WEIGHTS),
        reason="python3 run.py fetch, for the embedded analyzer",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def face() -> Image.Image:
    """A real face, 220 x 260 px."""
    return Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))


@pytest.fixture
def photo(tmp_path: Path, face: Image.Image) -> Path:
    path = tmp_path / "Ada L.png"
    face.save(path)
    return path


@pytest.fixture
def cup(tmp_path: Path) -> Path:
    path = tmp_path / "cup.png"
    Image.fromarray(skimage.data.coffee()).save(path)
    return path


def extract(photo: Path, **settings: Any) -> Path:
    """Run main() in this process with a typed taste; return the folder of the results."""
    output: Path = settings.setdefault("output", photo.parent / "results")
    main(photo=photo, **{"taste": "rock=5, jazz=3", **settings})
    return output


def picture_is_drawn(path: Path, measured: bool = False) -> bool:
    with Image.open(path) as picture:
        return picture.size == (1296, 704 + measured * (HEAD_PX + 32)) and np.asarray(picture).std() > 20


# ---- one photo ----


def test_the_sample_becomes_features_from_the_shell(tmp_path: Path) -> None:
    flags = ["--analyzer", "embedded", "--infer-gender", "--infer-age", "--min-confidence", "0.2"]
    result = run_script(SCRIPT, *flags, "--output", "results", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line and not line.startswith("features:")]
    assert lines == [], "not even LiteRT's line about its delegate"
    features = read_features(tmp_path / "results/Júlia.json")
    assert features.name == "Júlia" and Path(features.photo).name == "astronaut.png"
    assert features.photo_sha256 == sha256_of(Path(features.photo))
    assert features.gender.value == "woman" and features.gender.source == features.age.source == "embedded"
    assert [genre for genre, _ in features.top_genres] == ["indie", "pop", "folk"]
    assert picture_is_drawn(tmp_path / "results/Júlia_face.png", measured=True)
    record = json.loads((tmp_path / "results/Júlia.run.json").read_text(encoding="utf-8"))
    assert set(record["weights"]) == {*WEIGHTS, *head_view.WEIGHTS, *(f"{name}.onnx" for name in CLASSIFIERS)}
    assert features.appearance["skin_tone"].value == "light" and features.appearance["glasses"].value == "none"
    assert len(record["inputs"]) == 2


def test_own_words_replace_what_was_measured(photo: Path) -> None:
    for appearance in (True, False):
        main(photo=photo, taste="rock=1", output=photo.parent, looks="hair_colour=grey", appearance=appearance)
        traits = read_features(photo.parent / "Ada_L.json").appearance
        assert traits["hair_colour"] == AppearanceTrait("grey", None, "self")
        assert ("glasses" in traits) == appearance


def test_nothing_is_inferred_unless_it_is_switched_on(photo: Path) -> None:
    report = main(photo=photo, taste="rock=1", output=photo.parent / "results")
    features = read_features(photo.parent / "results/Ada_L.json")
    assert features.gender == features.race == features.age == Trait("", None, "off")
    assert features.description == "" and features.face_box is not None
    assert not set(report.weights) & {"gender-v1.onnx", "age-v1.onnx"}


def test_each_inference_is_switched_on_by_itself(photo: Path) -> None:
    features = read_features(extract(photo, analyzer="embedded", infer_age=True, min_confidence=0) / "Ada_L.json")
    assert features.age.source == "embedded" and features.gender.source == "off"


def test_appearance_that_is_off_leaves_no_trace(photo: Path) -> None:
    results = extract(photo, analyzer="self", appearance=False)
    assert "appearance" not in json.loads((results / "Ada_L.json").read_text(encoding="utf-8"))
    assert picture_is_drawn(results / "Ada_L_face.png", measured=False)


def test_own_words_win_over_inference(photo: Path) -> None:
    own: dict[str, Any] = {"gender": " non-binary ", "race": "Catalan", "age": "", "description": " curly hair "}
    report = main(photo=photo, taste="pop=1", output=photo.parent, analyzer="embedded", infer_gender=True, **own)
    features = read_features(photo.parent / "Ada_L.json")
    assert features.gender == Trait("non-binary", None, "self") and features.race == Trait("Catalan", None, "self")
    assert features.age == Trait() and features.description == "curly hair"
    assert "gender-v1.onnx" not in report.weights, "what a person says needs no analyzer"


def test_below_the_confidence_a_trait_stays_empty(photo: Path) -> None:
    gender = read_features(
        extract(photo, analyzer="embedded", infer_gender=True, min_confidence=1) / "Ada_L.json"
    ).gender
    assert (gender.value, gender.source) == ("", "unsure") and 0.5 <= (gender.score or 0) < 1


def test_a_person_who_speaks_for_themselves_needs_no_face(cup: Path) -> None:
    features = read_features(extract(cup, analyzer="self", description="a cup") / "cup.json")
    assert features.face_box is None and features.description == "a cup"
    assert picture_is_drawn(cup.parent / "results/cup_face.png")


def test_the_name_and_the_taste_come_from_where_they_are_given(photo: Path, tmp_path: Path) -> None:
    main(photo=photo, user="Marc", output=tmp_path)
    assert read_features(tmp_path / "Marc.json").taste["rock"] == 1
    main(photo=photo, user="Marc", name="../../Marc & Co", output=tmp_path / "a/b")
    assert read_features(tmp_path / "a/b/Marc_Co.json").name == "../../Marc & Co"
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["Marc.json"], "no name leaves the folder"


def test_a_photo_of_any_form_shows_the_same_face(face: Image.Image, tmp_path: Path) -> None:
    """Turned by EXIF, in CMYK, in 16 bits, with a palette, with alpha: the box is that of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    forms: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "plain.png": (face, {}),
        "turned.jpg": (face.transpose(Image.Transpose.ROTATE_90), {"exif": exif, "quality": 95}),
        "print.jpg": (face.convert("CMYK"), {"quality": 95}),
        "palette.png": (face.quantize(64), {}),
        "alpha.png": (face.convert("RGBA"), {}),
        "grey16.png": (Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257), {}),
    }
    boxes = {}
    for name, (picture, options) in forms.items():
        picture.save(tmp_path / name, **options)
        output = extract(tmp_path / name)
        boxes[name] = read_features(output / f"{Path(name).stem}.json").face_box
    plain = boxes["plain.png"]
    assert plain is not None
    for name, box in boxes.items():
        assert box is not None and np.abs(np.subtract(box, plain)).max() <= 12, (name, box, plain)


# ---- faces that are not there, and too many ----


def test_names_of_any_script_stay(tmp_path: Path, face: Image.Image) -> None:
    """Also with accents as letters of their own, as macOS writes file names."""
    names = {"Jose\u0301", "न्द्री", "น้ำ", "山田", "Ада"}
    for name in names:
        face.save(tmp_path / f"{name}.png")
    output = extract(tmp_path, output=tmp_path / "results", analyzer="self")
    assert {read_features(path).name for path in output.glob("*.json") if path.name != "run.json"} == names
    assert all((output / f"{name}.json").exists() and (output / f"{name}_face.png").exists() for name in names)


def test_a_photo_without_a_face_is_said_and_shown(cup: Path) -> None:
    with pytest.raises(UserError, match=r"no face found; use a photo .*cup_fault\.png") as caught:
        extract(cup)
    assert "\n" not in str(caught.value)
    assert picture_is_drawn(cup.parent / "results/cup_fault.png")
    assert not list((cup.parent / "results").glob("*.json"))


def test_of_several_faces_one_is_chosen_and_never_guessed(tmp_path: Path, face: Image.Image) -> None:
    photo = tmp_path / "two.png"
    beside(face, ImageOps.mirror(face)).save(photo)
    with pytest.raises(UserError, match=r"2 faces found; choose one by FACE, 1 to 2 from the left, in a run of"):
        extract(photo)
    assert picture_is_drawn(tmp_path / "results/two_fault.png")
    with pytest.raises(UserError, match=r"2 faces found, but FACE is 3; FACE may be 1 to 2"):
        extract(photo, face=3)
    middles = []
    for number in (1, 2):
        box = read_features(extract(photo, face=number) / "two.json").face_box
        assert box is not None
        middles.append((box[0] + box[2]) / 2)
    assert middles[0] < 220 < middles[1]
    assert not (tmp_path / "results/two_fault.png").exists(), "what was mended is no longer shown"


def test_the_face_that_is_largest_by_far_is_used_and_the_others_are_offered(
    tmp_path: Path, face: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Image.new("RGB", (640, 480), "#80a0b0")
    group.paste(face.resize((88, 104)), (40, 100))
    group.paste(ImageOps.mirror(face), (380, 100))
    group.save(tmp_path / "group.png")
    box = read_features(extract(tmp_path / "group.png") / "group.json").face_box
    assert box is not None and box[0] > 380
    assert "2 faces found, of which the largest is used; set FACE, 1 to 2 from the left" in capsys.readouterr().out
    box = read_features(extract(tmp_path / "group.png", face=1) / "group.json").face_box
    assert box is not None and box[2] < 130
    assert "faces found" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"analyzer": "embedded", "infer_race": True}, 'INFER_RACE is on, but ANALYZER "embedded" infers no race'),
        ({"analyzer": "self", "infer_gender": True}, '"deepface" or "embedded" does, or state it yourself: GENDER'),
        ({"infer_age": True}, 'ANALYZER "deepface" infers no age; ANALYZER "embedded" does'),
        ({"face": 0}, "FACE is 0"),
        ({"min_confidence": 1.5}, "MIN_CONFIDENCE is 1.5"),
        ({"taste": "polka=5"}, "'polka=5' is not GENRE=NUMBER"),
        ({"taste": "", "user": ""}, "no taste given"),
        ({"taste": "", "user": "Nobody"}, "has no user 'Nobody'"),
        ({"taste": "", "users": Path("none.csv")}, "none.csv: no such file"),
    ],
)
def test_contradictions_are_refused(photo: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        extract(photo, **settings)
    assert words in str(caught.value)
    assert not (photo.parent / "results").exists(), "nothing was written"


def test_a_taste_of_nothing_is_no_fault(photo: Path) -> None:
    assert read_features(extract(photo, taste="rock=0") / "Ada_L.json").top_genres == []


@needs_bad_inputs
def test_hostile_pictures_are_refused_in_one_line(tmp_path: Path) -> None:
    """None of the collection shows a face; each is refused for that, or for what is wrong with the file."""
    pictures = hostile_pictures(tmp_path / "images")
    assert len(pictures) > 20
    for number, (picture, _) in enumerate(pictures):
        output = tmp_path / f"results{number}"
        with warnings.catch_warnings(), pytest.raises(UserError) as caught:
            warnings.simplefilter("ignore")
            if picture.is_dir():
                main(photo=picture, taste="rock=1", output=output)
            else:
                extract(picture, output=output)
        assert str(caught.value).startswith(str(picture)) and "\n" not in str(caught.value)
        assert not list(output.rglob("*.json"))


def test_a_missing_photo_and_missing_weights_are_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.jpg: no such file"):
        extract(tmp_path / "none.jpg")
    with pytest.raises(UserError, match=r"race_model_single_batch\.onnx.* or set ANALYZER to embedded"):
        extract(photo, infer_race=True, deepface_home=tmp_path / "home")


# ---- DeepFace from the shell ----


def test_deepface_proposes_gender_and_race_offline(photo: Path, tmp_path: Path) -> None:
    write_tiny_weights(tmp_path / "home", seed=5)
    flags = [
        "--photo",
        photo,
        "--taste",
        "rock=1",
        "--output",
        tmp_path / "results",
        "--deepface-home",
        tmp_path / "home",
    ]
    result = run_script(SCRIPT, *flags, "--infer-gender", "--infer-race", "--min-confidence", "0", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    features = read_features(tmp_path / "results/Ada_L.json")
    assert features.gender.source == features.race.source == "deepface"
    assert features.gender.value in ("woman", "man") and features.race.value
    assert 1 / 6 < (features.race.score or 0) <= 1 and features.age.source == "off"
    assert "gender_model_weights.onnx, race_model_single_batch.onnx" in result.stdout


def test_damaged_weights_of_deepface_are_refused(photo: Path, tmp_path: Path) -> None:
    (weights_folder(tmp_path / "home") / "race_model_single_batch.onnx").write_bytes(b"\x08\x07 no network")
    flags = ["--photo", photo, "--taste", "rock=1", "--deepface-home", tmp_path / "home", "--infer-race"]
    result = run_script(SCRIPT, *flags, "--output", tmp_path / "results")
    assert_user_error(result, "race_model_single_batch.onnx: damaged")


# ---- edits, and going on ----


def test_an_edited_file_is_kept_until_it_may_be_replaced(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = extract(photo) / "Ada_L.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["description"] = "red hair"
    file.write_text(json.dumps(content), encoding="utf-8")
    assert is_edited(file)
    extract(photo, taste="pop=1")
    assert read_features(file).description == "red hair" and read_features(file).taste["rock"] == 1
    assert "which was edited; OVERWRITE replaces it" in capsys.readouterr().out
    extract(photo, taste="pop=1", overwrite=True)
    assert read_features(file).description == "" and read_features(file).taste["pop"] == 1


def test_a_file_is_made_anew_when_a_setting_or_the_photo_changes(photo: Path, face: Image.Image) -> None:
    file = extract(photo) / "Ada_L.json"
    made = file.stat().st_mtime_ns
    extract(photo)
    assert file.stat().st_mtime_ns == made
    extract(photo, age="40")
    assert read_features(file).age.value == "40"
    ImageOps.mirror(face).save(photo)
    extract(photo)
    assert read_features(file).photo_sha256 == sha256_of(photo)


def test_what_extracts_features_and_a_photo_go_to_other_processes(photo: Path) -> None:
    expected = extract(photo)
    user_photo = one_user_photo(photo, taste="rock=5, jazz=3", users=Path(), user="", name="")
    settings = ExtractionSettings(stated=dict.fromkeys(("gender", "race", "age"), ""))
    set_up, payload = pickle.loads(pickle.dumps((functools.partial(Extractor, settings), user_photo)))
    result = pickle.loads(pickle.dumps(set_up()(payload)))
    assert result.files == {name: (expected / name).read_bytes() for name in ("Ada_L_face.png", "Ada_L.json")}


# ---- a folder ----


@pytest.fixture
def folder(tmp_path: Path, face: Image.Image) -> Path:
    """Two users of the table with photos, one named in another case; a stranger, a cup, a damaged photo, a text."""
    photos = tmp_path / "photos"
    photos.mkdir()
    face.save(photos / "Marc.png")
    ImageOps.mirror(face).save(photos / "NÚRIA.jpg")
    face.save(photos / "Stranger.png")
    Image.fromarray(skimage.data.coffee()).save(photos / "Pau.png")
    (photos / "Oriol.png").write_bytes((photos / "Marc.png").read_bytes()[:5000])
    (photos / "notes.txt").write_text("not a photo")
    return photos


def test_a_folder_goes_on_over_faults_and_keeps_what_is_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results"
    report = main(photo=folder, output=output)
    assert report.faults == 3
    assert {path.stem for path in output.glob("*.json")} == {"Marc", "Núria"}
    assert read_features(output / "Núria.json").taste == dict(zip(GENRES, row_of("Núria"), strict=True))
    with open(output / "faults.csv", encoding="utf-8", newline="") as file:
        faults = dict(list(csv.reader(file))[1:])
    assert faults.keys() == {"Stranger.png", "Pau.png", "Oriol.png"}
    assert "no user 'Stranger'" in faults["Stranger.png"] and "no face" in faults["Pau.png"]
    with Image.open(output / "contact_sheet.png") as sheet:
        assert sheet.width > 600
    assert "Pau.png: no face found" in capsys.readouterr().err

    made = {path: path.stat().st_mtime_ns for path in output.glob("*.json")}
    (output / "Marc.json").unlink()
    main(photo=folder, output=output)
    assert (output / "Marc.json").exists()
    assert (output / "Núria.json").stat().st_mtime_ns == made[output / "Núria.json"]


def row_of(user: str) -> list[Any]:
    with open(DATA / "pet/users.csv", encoding="utf-8", newline="") as file:
        return next([pytest.approx(float(cell)) for cell in cells] for name, *cells in csv.reader(file) if name == user)


def test_a_folder_from_the_shell_ends_with_the_count(folder: Path, tmp_path: Path) -> None:
    result = run_script(SCRIPT, "--photo", folder, "--taste", "rock=1", "--output", tmp_path / "results")
    assert_user_error(result, "Pau.png: no face", "Oriol.png: truncated", "2 skipped, listed in")
    assert json.loads((tmp_path / "results/run.json").read_text(encoding="utf-8"))["skipped"] == 2
    assert {path.stem for path in (tmp_path / "results").glob("*_face.png")} == {
        "Marc_face",
        "NÚRIA_face",
        "Stranger_face",
    }


def test_settings_for_one_person_are_refused_for_a_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PHOTO is a folder"):
        main(photo=folder, gender="woman", output=tmp_path / "results")
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(UserError, match="contains no photos"):
        main(photo=folder, output=tmp_path / "results")


def test_nobody_with_features_ends_in_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "Marc.png").unlink()
    (folder / "NÚRIA.jpg").unlink()
    with pytest.raises(UserError, match="nobody has features; 3 photos skipped"):
        main(photo=folder, output=tmp_path / "results")


def test_photos_and_people_are_matched_by_name() -> None:
    taste = dict.fromkeys(GENRES, 0.5)
    rows = [("ana", taste), ("Ana", taste), ("Nu\u0301ria", taste), ("a b", taste), ("a/b", taste), ("Pau", taste)]
    photos = [Path(name) for name in ("Ana.png", "N\u00faria.jpg", "a b.png", "Zoe.png", "ana.jpg")]
    user_photos, faults = match_by_name(photos, rows, "users.csv")
    assert [(found.photo.name, found.name) for found in user_photos] == [
        ("Ana.png", "Ana"),
        ("N\u00faria.jpg", "Nu\u0301ria"),
        ("a b.png", "a b"),
    ]
    assert faults.keys() == {"Zoe.png", "ana.jpg"} and "those of Ana.png" in faults["ana.jpg"]


def test_hidden_files_and_other_kinds_are_no_photos(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", ".hidden.png", "notes.txt", "art.svg", "c.webp", "d.HEIC", "e.avif"):
        (tmp_path / name).touch()
    assert [path.name for path in photos_in(tmp_path)] == ["a.jpeg", "b.PNG", "c.webp", "d.HEIC", "e.avif"]
