"""Every script as a user runs it: in a process of its own, with and without flags, from any folder."""

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.genres import GENRES, parse_taste
from common.journals import LOCK, locked
from common.paths import DATA
from pet.choosing.choice_table import columns, read_choices
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe
from pet.data import data_transform, get_some_data
from pet.drawing.share_cards import ORIGIN
from tests.helpers import ROOT, assert_user_error, load_main, run_script
from tests.pet.choosing.test_matching import naive_best_set, naive_cosine, naive_top_n
from tests.pet.choosing.test_recommender import SILENT, naive_choice
from tests.pet.choosing.test_wardrobe import small_wardrobe

pytestmark = pytest.mark.slow
SCRIPTS = ["1_TopN.py", "1.5_Plot_Pet.py", "0_Draw_Data.py", "PetEval.py", "main.py", "data.py", "2_Publish.py"]
PEOPLE = 4
ROWS = {slot: [vector.tolist() for vector in load_wardrobe().vectors(slot)] for slot in SLOTS}


def run(script: str, *flags: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A run that must end well."""
    result = run_script(script, *flags, cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def assert_picture(path: Path, size: tuple[int, int] | None = None, mode: str | None = None) -> None:
    """It exists, opens, has that size and mode, and shows something."""
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert size is None or image.size == size
        assert mode is None or image.mode == mode
        assert not set(image.info) - set(ORIGIN), "metadata"
        assert len(image.convert("RGB").resize((64, 64)).getcolors(1 << 20) or []) > 20, "blank"


def assert_refused(script: str, settings: dict[str, Any], words: list[str]) -> None:
    """main() itself, without a process, refuses these settings in a message with these words."""
    with pytest.raises(UserError) as error:
        load_main(script)(**settings)
    for word in words:
        assert word in str(error.value)


def record_of(path: Path, script: str, result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The run's JSON, with what every one must hold."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert record["script"] == f"pet/{script}"
    for key in ("settings", "inputs", "figures", "versions", "seconds", "device"):
        assert key in record
    assert all(isinstance(value, str) and len(value) == 64 for value in record["inputs"].values())
    assert {"python", "numpy", "pillow"} <= record["versions"].keys()
    assert path.name in result.stdout and "weights: none" in result.stdout
    return record


# ---- without flags ----


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in a folder with a space and an accent, so that scripts without flags write only there."""
    folder = tmp_path_factory.mktemp("copy") / "mi música"
    for part in ("common", "pet", "data"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    users = folder / "data/pet/users.csv"  # a few of them are enough here
    users.write_text(
        "".join(users.read_text(encoding="utf-8").splitlines(keepends=True)[: PEOPLE + 1]), encoding="utf-8"
    )
    return folder


def run_in_copy(project: Path, script: str, *flags: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "pet" / script), *map(str, flags)]
    environment = os.environ | {"PYTHONPATH": str(project)}
    return subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env=environment,
    )


def test_step_1_5_without_step_1_says_to_run_step_1(project: Path) -> None:
    shutil.rmtree(project / "outputs", ignore_errors=True)
    assert_user_error(run_in_copy(project, "1.5_Plot_Pet.py"), "1_TopN.csv", "run pet/1_TopN.py first")
    assert not (project / "outputs").exists()


def test_the_scripts_run_without_flags(project: Path) -> None:
    first = run_in_copy(project, "1_TopN.py")
    with ThreadPoolExecutor(2) as pool:
        others = pool.map(run_in_copy, [project] * 4, ["1.5_Plot_Pet.py", "main.py", "data.py", "PetEval.py"])
    for result in (first, *others):
        assert result.returncode == 0, result.stderr
        assert "setting:" not in result.stdout
        assert str(ROOT) + os.sep not in result.stdout, "wrote into the project itself"
    out = project / "outputs/pet"
    assert len(list(read_choices(out / "1_TopN.csv"))) == PEOPLE
    for kind, width in (("pets", 512), ("combined", 512 + 665)):
        pictures = list((out / "1.5_Plot_Pet" / kind).glob("*.png"))
        assert len(pictures) == PEOPLE
        for path in pictures:
            assert_picture(path, (width, 512))
    for name in ("1.5_Plot_Pet/contact_sheet_01.png", "main.png", "data.png", "PetEval.png"):
        assert_picture(out / name)


def test_0_draw_data_without_flags_draws_into_data(project: Path) -> None:
    for path in (project / "data/pet/art").glob("*/*.svg"):
        if path.stem not in ("Cat", "Earmuffs", "Mohawk", "Monocle", "Tailcoat"):  # a few are enough here
            path.unlink()
    for name in ("Body/Cat.png", "AccessoryDataset.csv", "users.csv"):
        (project / "data/pet" / name).unlink()
    result = run_in_copy(project, "0_Draw_Data.py")
    assert result.returncode == 0, result.stderr
    assert "setting:" not in result.stdout
    assert (project / "data/pet/users.csv").read_bytes() == (DATA / "pet/users.csv").read_bytes()
    with open(project / "data/pet/AccessoryDataset.csv", encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["Tailcoat", "Monocle", "Earmuffs", "Mohawk"]
    assert_picture(project / "data/pet/Body/Cat.png", (1024, 1024), "RGBA")
    assert_picture(project / "outputs/pet/0_Draw_Data.png")


# ---- flags ----


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_names_every_setting_with_its_meaning(script: str) -> None:
    result = run(f"pet/{script}", "--help")
    text = " ".join(result.stdout.split())
    source = (ROOT / "pet" / script).read_text(encoding="utf-8")
    settings = [line for line in source.splitlines() if " = " in line and line.split(" ")[0].rstrip(":").isupper()]
    assert settings
    for line in settings:
        name = line.split(" ")[0].rstrip(":")
        assert f"--{name.lower().replace('_', '-')}" in text, name
        comment = line.rpartition("  # ")[2]
        assert " ".join(comment.split()[:2]) in text.replace("│ ", ""), name
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_flag_is_an_error(script: str, tmp_path: Path) -> None:
    result = run_script(f"pet/{script}", "--no-such-flag", "1", cwd=tmp_path)
    assert result.returncode == 2
    assert "no-such-flag" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_flag_of_the_wrong_type_is_an_error(tmp_path: Path) -> None:
    result = run_script("pet/1.5_Plot_Pet.py", "--size-px", "big", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr and "size-px" in result.stderr


def test_scripts_work_from_another_folder_with_paths_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "the users.csv").write_text("user,pop,rock\nÀlex,3,4\nbob,5,0\n", encoding="utf-8")
    small_wardrobe(tmp_path / "pet")
    table = ("--accessories", "pet/AccessoryDataset.csv")
    run("pet/1_TopN.py", *table, "--users", "the users.csv", "--output", "out/chosen.csv", cwd=tmp_path)
    flags = (*table, "--bodies", "pet/Body", "--choices", "out/chosen.csv", "--output", "out/pets", "--size-px", 64)
    run("pet/1.5_Plot_Pet.py", *flags, cwd=tmp_path)
    assert sorted(path.name for path in (tmp_path / "out/pets/combined").iterdir()) == [
        "000001_Àlex.png",
        "000002_bob.png",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"the users.csv", "pet", "out"}


# ---- 1_TopN.py ----


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_step_1_writes_the_naive_choice_of_every_sample_user(suffix: str, tmp_path: Path) -> None:
    output = tmp_path / f"chosen.{suffix}"
    result = run("pet/1_TopN.py", "--output", output, "--top-n", 4)
    assert "TOP_N = 4 (in the file: 3)" in result.stdout
    with open(DATA / "pet/users.csv", encoding="utf-8", newline="") as file:
        users = list(csv.DictReader(file))
    rows = [choice for _, choice in read_choices(output)]
    assert [row.user for row in rows] == [user["user"] for user in users]
    for row, user in zip(rows, users, strict=True):
        taste = [float(user[genre]) for genre in GENRES]
        names, score = naive_choice(row.user, taste, 4)
        assert row.taste == pytest.approx(taste, abs=1e-6)
        assert row.score == pytest.approx(score, abs=2e-6)
        for slot in SLOTS:
            worn = row.worn[slot]
            assert worn.name == names[slot]
            index = [accessory.name for accessory in load_wardrobe().slots[slot]].index(worn.name)
            assert worn.vector == pytest.approx(ROWS[slot][index], abs=1e-6)
            assert worn.rank == naive_top_n([x * x for x in taste], ROWS[slot], 4).index(index) + 1
    record = record_of(output.with_suffix(".json"), "1_TopN.py", result)
    assert record["settings"]["top_n"] == 4 and record["figures"]["people"] == 24
    assert set(map(Path, record["inputs"])) == {DATA / "pet/users.csv", DATA / "pet/AccessoryDataset.csv"}
    assert record["figures"]["mean cosine of the sets"] == pytest.approx(
        statistics.fmean(row.score for row in rows), abs=1e-4
    )


def test_all_accessories_are_the_optimum_and_the_loss_of_the_short_list_is_reported(tmp_path: Path) -> None:
    result = run("pet/1_TopN.py", "--output", tmp_path / "all.csv", "--top-n", "None", "--identical")
    run("pet/1_TopN.py", "--output", tmp_path / "short.csv", "--identical")
    full, short = ([c for _, c in read_choices(tmp_path / f"{name}.csv")] for name in ("all", "short"))
    for row in full[:4]:
        best, _ = naive_best_set([x * x for x in row.taste.tolist()], list(ROWS.values()), None)
        names = [load_wardrobe().slots[slot][index].name for slot, index in zip(SLOTS, best, strict=True)]
        assert [row.worn[slot].name for slot in SLOTS] == names
    losses = [a.score - b.score for a, b in zip(full, short, strict=True)]
    lost = [
        loss for loss, a, b in zip(losses, full, short, strict=True)
        if any(a.worn[slot].name != b.worn[slot].name for slot in SLOTS) and loss > 0
    ]  # fmt: skip
    figures = record_of(tmp_path / "all.json", "1_TopN.py", result)["figures"]
    assert figures["top 3 would miss the optimum for"] == f"{len(lost) / 24:.2%} of people"
    average, most = (statistics.fmean(lost), max(lost)) if lost else (0, 0)
    reported = str(figures["and lose there, in cosine"]).replace(",", "").split()
    assert (float(reported[0]), float(reported[3])) == pytest.approx((average, most), abs=2e-4)


def test_people_who_like_nothing_are_counted_and_their_pets_say_so(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("user,pop,rock\nann,0,0\nbob,,\ncat,1,1\n", encoding="utf-8")
    result = run("pet/1_TopN.py", "--users", tmp_path / "u.csv", "--output", tmp_path / "o.csv")
    rows = [choice for _, choice in read_choices(tmp_path / "o.csv")]
    for row in rows[:2]:
        assert {slot: worn.name for slot, worn in row.worn.items()} == SILENT
        assert row.score == 0
    assert rows[2].score > 0
    assert "people who scored nothing: 2" in result.stdout


def test_columns_and_scale_are_settings_and_what_was_understood_is_printed(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("user,Polka,rock,shoes\nann,6,3,38\n", encoding="utf-8")
    flags = (
        "--users",
        tmp_path / "u.csv",
        "--output",
        tmp_path / "o.csv",
        "--columns",
        "Polka=folk, rock=",
        "--scale",
        "0-12",
    )
    result = run("pet/1_TopN.py", *flags)
    (row,) = [choice for _, choice in read_choices(tmp_path / "o.csv")]
    assert dict(zip(GENRES, row.taste, strict=True)) == dict.fromkeys(GENRES, 0.0) | {"folk": 0.5}
    for words in ("not used: rock, shoes", "scale 0-12", "Polka"):
        assert words in result.stdout


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("user,pop\nann,1\n", encoding="utf-8")
    assert_user_error(
        run_script("pet/1_TopN.py", "--users", "u.csv", "--output", "u.csv", cwd=tmp_path), "u.csv", "input"
    )
    assert (tmp_path / "u.csv").read_text(encoding="utf-8") == "user,pop\nann,1\n"


# ---- 1.5_Plot_Pet.py ----


def test_step_1_5_draws_every_picture_that_it_promises(tmp_path: Path) -> None:
    table = small_wardrobe(tmp_path / "pet")
    chosen, out = tmp_path / "chosen.parquet", tmp_path / "out"
    rows = (DATA / "pet/users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "users.csv").write_text("".join(rows[:9]), encoding="utf-8")
    load_main("pet/1_TopN.py")(users=tmp_path / "users.csv", accessories=table, output=chosen)
    result = run(
        "pet/1.5_Plot_Pet.py", "--choices", chosen, "--accessories", table, "--bodies", table.parent / "Body",
        "--output", out, "--size-px", 100, "--tiles", 3,
    )  # fmt: skip
    for path in (out / "pets").iterdir():
        with Image.open(path) as pet:
            assert (pet.size, pet.mode) == ((100, 100), "RGBA") and pet.getchannel("A").getextrema() == (0, 255)
    with open(out / "people.csv", encoding="utf-8", newline="") as file:
        people = [out / row["pet"] for row in csv.DictReader(file)]
    assert set(people) == set((out / "pets").iterdir())
    assert len(people) == len(list((out / "combined").iterdir())) == 8
    for path in (out / "combined").iterdir():
        assert_picture(path, (230, 100), "RGB")
    sheets = [out / f"contact_sheet_0{page}.png" for page in (1, 2, 3)]
    for sheet in sheets:
        assert_picture(sheet, mode="RGB")
        assert sheet.name in result.stdout
    record = record_of(out / "run.json", "1.5_Plot_Pet.py", result)
    assert record["figures"] == {
        "people": 8, "different pets": len(set(people)), "drawn now": len(set(people)) + 8, "pages": 3,
    }  # fmt: skip


# ---- main.py ----


@pytest.mark.parametrize("taste", ["Hip-hop = 2; música clàssica=1", "rock=0"])
def test_main_chooses_as_step_1_does(taste: str, tmp_path: Path) -> None:
    output = tmp_path / "pet.png"
    result = run("pet/main.py", "--taste", taste, "--name", "Ada", "--output", output, "--size-px", 128)
    names, score = naive_choice("Ada", list(parse_taste(taste).values()))
    for name in names.values():
        assert name in result.stdout
    figures = record_of(output.with_suffix(".json"), "main.py", result)["figures"]
    assert figures == names | {"cosine": pytest.approx(score, abs=1e-4)}
    for suffix, size in (("", (128 + 166, 128)), ("_square", (1080, 1080)), ("_story", (1080, 1920))):
        with Image.open(tmp_path / f"pet{suffix}.png") as image:
            assert (image.size, image.mode) == (size, "RGB")
            assert "CC0" in image.info["Copyright"] and "Ada" not in str(image.info)


def test_main_and_step_1_dress_everybody_of_the_table_alike(tmp_path: Path) -> None:
    load_main("pet/1_TopN.py")(output=tmp_path / "chosen.csv")
    draw = load_main("pet/main.py")
    for _, choice in list(read_choices(tmp_path / "chosen.csv"))[:4]:
        report = draw(user=choice.user, size_px=64, save=True, output=tmp_path / "o.png")
        assert [report.figures[slot] for slot in SLOTS] == [choice.worn[slot].name for slot in SLOTS]


def test_main_draws_by_seed_from_the_k_nearest(tmp_path: Path) -> None:
    vector = list(parse_taste("rock=5,jazz=3").values())
    nearest = {
        slot: [load_wardrobe().slots[slot][i].name for i in naive_top_n(vector, ROWS[slot], 3)] for slot in SLOTS
    }
    draw, found = load_main("pet/main.py"), []
    for seed in (1, 1, 2, 3):
        report = draw(taste="rock=5,jazz=3", k=3, seed=seed, size_px=64, output=tmp_path / "o.png")
        assert all(report.figures[slot] in nearest[slot] for slot in SLOTS)
        found.append(tuple(report.figures[slot] for slot in SLOTS))
    assert found[0] == found[1] and len(set(found)) > 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"taste": "rock"}, ["'rock'", "GENRE=NUMBER"]),
        ({"taste": "polka=3"}, ["polka", "reggae"]),
        ({"taste": "rock=-1"}, ["rock=-1"]),
        ({"taste": "rock=nan"}, ["rock=nan"]),
        ({"user": "Nobody"}, ["users.csv", "'Nobody'"]),
        ({"users": Path("none.csv")}, ["none.csv", "no such file"]),
        ({"body": "Fox"}, ["'Fox'", "Bear"]),
        ({"k": 0}, ["K is 0"]),
        ({"size_px": 1}, ["SIZE_PX is 1"]),
    ],
)
def test_main_refuses_what_it_cannot_draw(settings: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    assert_refused("pet/main.py", settings | {"output": tmp_path / "o.png"}, words)
    assert not list(tmp_path.iterdir())


def test_main_without_a_display_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    result = run_script("pet/main.py", "--show", "--no-save", "--size-px", 64, "--output", tmp_path / "o.png")
    assert_user_error(result, "no display")
    assert not list(tmp_path.iterdir())


# ---- data.py ----


def test_data_py_shows_every_accessory_and_says_how_a_survey_is_understood(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("usuari;Músiques del món;Polka\nJúlia;3,5;1\n", encoding="cp1252")
    table = small_wardrobe(tmp_path / "pet")
    flags = ("--accessories", table, "--survey", tmp_path / "s.csv", "--output", tmp_path / "data.png")
    result = run("pet/data.py", *flags)
    assert_picture(tmp_path / "data.png", mode="RGB")
    for words in ("9 accessories", "1 people", "world", "Músiques del món", "not used: Polka", "usuari"):
        assert words in result.stdout
    assert record_of(tmp_path / "data.json", "data.py", result)["figures"] == {"accessories": 9}


def test_synthetic_users_repeat_by_seed_and_can_be_matched(tmp_path: Path) -> None:
    table = small_wardrobe(tmp_path / "pet")
    contents = []
    for seed in (8, 7, 8):
        draw = load_main("pet/data.py")
        draw(accessories=table, synthetic_users=40, seed=seed, output=tmp_path / "data.png")
        contents.append((tmp_path / "synthetic_users.csv").read_text(encoding="utf-8"))
    assert contents[0] == contents[2] != contents[1]
    load_main("pet/1_TopN.py")(users=tmp_path / "synthetic_users.csv", output=tmp_path / "o.csv")
    rows = [choice for _, choice in read_choices(tmp_path / "o.csv")]
    frame = get_some_data(40, seed=8)
    assert [row.user for row in rows] == frame["user"].tolist()
    assert np.array([row.taste for row in rows]) == pytest.approx(frame[list(GENRES)].to_numpy(), abs=1e-6)


def test_a_negative_number_of_synthetic_users_is_refused(tmp_path: Path) -> None:
    settings = {"synthetic_users": -3, "output": tmp_path / "out/data.png"}
    table = small_wardrobe(tmp_path / "pet")
    assert_refused("pet/data.py", settings | {"accessories": table}, ["SYNTHETIC_USERS", "-3"])
    assert not (tmp_path / "out").exists()


# ---- PetEval.py ----


def test_pet_eval_s_table_is_the_naive_computation(tmp_path: Path) -> None:
    output = tmp_path / "eval.png"
    result = run("pet/PetEval.py", "--output", output, "--k", 3, "--samples", 4)
    assert_picture(output, mode="RGB")
    with open(output.with_suffix(".csv"), encoding="utf-8", newline="") as file:
        found = {row["strategy"]: row for row in csv.DictReader(file)}
    people = data_transform(DATA / "pet/users.csv").vectors.tolist()
    sets = {
        "best of each slot": [tuple(naive_top_n(user, ROWS[slot], 1)[0] for slot in SLOTS) for user in people],
        "best set": [naive_best_set(user, list(ROWS.values()), 3)[0] for user in people],
    }
    for way, chosen in sets.items():
        cosines = []
        for user, indices in zip(people, chosen, strict=True):
            rows = [ROWS[slot][index] for slot, index in zip(SLOTS, indices, strict=True)]
            cosines.append(naive_cosine(user, np.sum(rows, axis=0).tolist()))
        used = sum(len({indices[place] for indices in chosen}) for place in range(3))
        row = found[way]
        assert float(row["mean cosine"]) == pytest.approx(statistics.fmean(cosines), abs=6e-5)
        assert float(row["standard deviation"]) == pytest.approx(statistics.pstdev(cosines), abs=6e-5)
        assert float(row["lowest"]) == pytest.approx(min(cosines), abs=6e-5)
        assert int(row["accessories never used"]) == sum(map(len, ROWS.values())) - used
        assert int(row["people"]) == 24
    means = {way: float(row["mean cosine"]) for way, row in found.items()}
    assert means["random KNN"] < means["best of each slot"] < means["best set"]
    assert record_of(output.with_suffix(".json"), "PetEval.py", result)["figures"] == pytest.approx(means, abs=1e-4)


def test_pet_eval_by_the_nearest_alone_finds_no_difference(tmp_path: Path) -> None:
    """With K of 1 nothing is left to chance, and the short list holds one set."""
    table = small_wardrobe(tmp_path / "pet")
    flags = (
        "--accessories",
        table,
        "--bodies",
        table.parent / "Body",
        "--synthetic-users",
        300,
        "--k",
        1,
        "--samples",
        1,
        "--output",
        tmp_path / "eval.png",
    )
    run("pet/PetEval.py", *flags)
    with open(tmp_path / "eval.csv", encoding="utf-8", newline="") as file:
        rows = [row[1:] for row in csv.reader(file)][1:]
    assert len(rows) == 3 and rows[0] == rows[1] == rows[2]
    assert rows[0][0] == "300"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"k": 0}, ["K is 0"]),
        ({"k": 999}, ["K is 999", "23"]),
        ({"samples": 0}, ["SAMPLES is 0"]),
        ({"synthetic_users": -1}, ["SYNTHETIC_USERS is -1"]),
        ({"users": Path("none.csv")}, ["none.csv"]),
    ],
)
def test_pet_eval_refuses_faulty_settings(settings: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    assert_refused("pet/PetEval.py", settings | {"output": tmp_path / "o.png"}, words)
    assert not list(tmp_path.iterdir())


def test_the_scripts_that_a_user_knows_are_there() -> None:
    assert {path.name for path in (ROOT / "pet").glob("*.py")} >= set(SCRIPTS)
    assert len(columns()) == 1 + 14 + 1 + 3 * (3 + 14) and len(load_bodies()) >= 3


@pytest.mark.parametrize("script", ["pet/0_Draw_Data.py", "pet/2_Publish.py"])
def test_a_folder_that_another_run_writes_is_left_alone(script: str, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UserError, match="another run is writing it"):
        load_main(script)(output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
