"""Hostile and broken input, full disks and folders that cannot be written: one message, nothing half-written."""

import csv
import importlib.util
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.genres import GENRES
from common.journals import JOURNAL, LOCK
from pet.choosing.choice_table import Choice, read_choices
from pet.data import check_dataset
from pet.drawing.compositing import Dresser
from tests.helpers import BAD_INPUTS, ROOT, assert_user_error, load_main, needs_bad_inputs, run_script
from tests.pet.choosing.test_recommender import naive_choice
from tests.pet.choosing.test_wardrobe import small_wardrobe

pytestmark = pytest.mark.slow
Result = subprocess.CompletedProcess[str]
choose_all = load_main("pet/1_TopN.py")


def makers() -> ModuleType:
    """make_bad_inputs.py as a module: its archives and checkpoints, which are large, are not made here."""
    path = BAD_INPUTS
    spec = importlib.util.spec_from_file_location("make_bad_inputs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expectations(kind: str) -> list[tuple[str, str]]:
    """(file, reject or accept) of every bad input of a kind, as index.csv would say; empty without the tool."""
    if not BAD_INPUTS.is_file():
        return []
    module = makers()
    with tempfile.TemporaryDirectory() as folder:
        getattr(module, kind)(Path(folder))
    return [(Path(file).name, expect) for file, _, expect in module.rows]


TABLES, IMAGES = expectations("tables"), expectations("images")

# ---- tables of users ----


@dataclass
class Outcome:
    error: UserError | None
    folder: Path


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """The main() of 1_TopN.py, run on every bad table in a folder of its own."""
    folder = tmp_path_factory.mktemp("tables")
    makers().tables(folder / "bad")
    found = {}
    for name, _ in TABLES:
        found[name] = Outcome(None, folder / "out" / name)
        found[name].folder.mkdir(parents=True)
        try:
            choose_all(users=folder / "bad" / name, output=found[name].folder / "chosen.csv")
        except UserError as error:
            found[name].error = error
    return found


EXPECTED_MESSAGE = {
    "empty.csv": ["empty"],
    "header_only.csv": ["no rows"],
    "no_genres.csv": ["no column is a genre", "'shoe size'"],
    "text_cell.csv": ["line 2", "'rock'", "'lots'"],
    "negative.csv": ["line 2", "'rock'", "-2"],
    "infinite.csv": ["line 2", "'pop'", "inf"],
    "ragged.csv": ["line 2", "5 cells"],
    "duplicate_user.csv": [
        "--scale 2-1",
        "--scale 1-5",
    ],  # two people called ann are fine; 1 and 2 alone are asked about
    "duplicate_column.csv": ["'pop'", "twice"],
}
EXPECTED_ROW: dict[str, tuple[str, dict[str, float]]] = {
    "zeros.csv": ("ann", {}),
    "blank_cells.csv": ("ann", {"rock": 0.8}),
    "semicolon.csv": ("ann", {"pop": 0.6, "rock": 0.8}),
    "decimal_comma.csv": ("ann", {"pop": 0.7, "rock": 0.8}),
    "bom.csv": ("ann", {"pop": 0.6, "rock": 0.8}),
    "catalan.csv": ("Júlia", {"pop": 0.6, "rock": 0.8, "classical": 1.0}),
    "formula.csv": ('=HYPERLINK("x")', {"pop": 0.6, "rock": 0.8}),
    "path_user.csv": ("../../evil", {"pop": 0.6, "rock": 0.8}),
    "latin1.csv": ("Júlia", {"pop": 0.6, "rock": 0.8}),
}


@needs_bad_inputs
@pytest.mark.parametrize("name", [name for name, expect in TABLES if expect == "reject"])
def test_a_bad_table_is_rejected_in_one_message_and_nothing_is_written(
    name: str, outcomes: Mapping[str, Outcome]
) -> None:
    outcome = outcomes[name]
    message = str(outcome.error)
    assert outcome.error is not None and len(message.splitlines()) == 1, message
    assert all(word in message for word in (name, *EXPECTED_MESSAGE[name])), message
    assert not list(outcome.folder.iterdir())


@needs_bad_inputs
@pytest.mark.parametrize("name", [name for name, expect in TABLES if expect == "accept"])
def test_an_odd_table_is_accepted_and_read_rightly(name: str, outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert outcome.error is None
    (row,) = [choice for _, choice in read_choices(outcome.folder / "chosen.csv")]
    user, known = EXPECTED_ROW[name]
    assert row.user == user
    assert_taste(row, known)
    assert_chosen_as_by_hand(row)
    assert sorted(path.name for path in outcome.folder.iterdir()) == ["chosen.csv"]


def assert_taste(row: Choice, shares_of_5: dict[str, float]) -> None:
    """The taste is the answers on a scale of 0 to 5, or of 1 to 5, which so few answers do not tell apart."""
    answers = {genre: 5 * share for genre, share in shares_of_5.items()}
    scales = [{genre: (answers.get(genre, low) - low) / (5 - low) for genre in GENRES} for low in (0, 1)]
    taste = dict(zip(GENRES, row.taste.tolist(), strict=True))
    assert any(taste == pytest.approx(scale, abs=1e-6) for scale in scales), taste


def assert_chosen_as_by_hand(row: Choice) -> None:
    names, score = naive_choice(row.user, row.taste.tolist())
    assert {slot: worn.name for slot, worn in row.worn.items()} == names
    assert row.score == pytest.approx(score, abs=2e-6)


@needs_bad_inputs
def test_formulas_come_out_inert(outcomes: Mapping[str, Outcome]) -> None:
    with open(outcomes["formula.csv"].folder / "chosen.csv", encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["user"] == '\'=HYPERLINK("x")'


@needs_bad_inputs
@pytest.mark.parametrize("script", ["pet/1_TopN.py", "pet/main.py", "pet/PetEval.py", "pet/data.py"])
def test_all_scripts_that_read_tables_reject_them_in_one_message(script: str, tmp_path: Path) -> None:
    makers().tables(tmp_path)
    flag, output = "--survey" if script == "pet/data.py" else "--users", tmp_path / "out" / WRITERS[script]
    result = run_script(script, flag, tmp_path / "text_cell.csv", "--output", output)
    assert_user_error(result, "text_cell.csv", "line 2", "'rock'")
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


# ---- settings and paths ----


def test_a_name_too_long_for_the_system_is_one_message(tmp_path: Path) -> None:
    result = run_script("pet/1_TopN.py", "--users", "x" * 300 + ".csv", "--output", "o.csv", cwd=tmp_path)
    assert_user_error(result, "xxx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("top_n", [0, -1, 24, 999])
def test_top_n_out_of_range_names_the_setting_and_its_limits(top_n: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"TOP_N is {top_n}.*from 1 to {'23' if top_n > 0 else ''}"):
        choose_all(top_n=top_n, output=tmp_path / "o.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"users": Path("none.csv")}, ["none.csv", "no such file"]),
        ({"users": Path("none.parquet")}, ["none.parquet", "no such file"]),
        ({"users": Path()}, ["is a folder"]),
        ({"accessories": Path("none.csv")}, ["none.csv", "no such file"]),
        ({"output": Path("o.xlsx")}, ["o.xlsx", ".csv or .parquet"]),
        ({"scale": "1-"}, ["'1-'", "LOW-HIGH"]),
        ({"columns": "nothing"}, ["'nothing'", "COLUMN=genre"]),
    ],
)
def test_a_faulty_setting_of_step_1_is_named(
    settings: dict[str, object], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        choose_all(**{"output": Path("o.csv"), **settings})
    assert all(word in str(error.value) for word in words), error.value
    assert not list(tmp_path.iterdir())


WRITERS = {
    "pet/1_TopN.py": "o.csv",
    "pet/main.py": "o.png",
    "pet/PetEval.py": "o.png",
    "pet/data.py": "o.png",
    "pet/1.5_Plot_Pet.py": "pets",
}


def flags_for(script: str, folder: Path) -> list[object]:
    """What a script needs to be quick and to touch only `folder`."""
    table = small_wardrobe(folder / "pet")
    flags: list[object] = ["--accessories", table]
    if script != "pet/1_TopN.py" and script != "pet/data.py":
        flags += ["--bodies", table.parent / "Body"]
    if script == "pet/1.5_Plot_Pet.py":
        (folder / "users.csv").write_text("user,pop\nann,1\nbob,3\ncat,5\n", encoding="utf-8")
        choose_all(users=folder / "users.csv", accessories=table, output=folder / "chosen.csv")
        flags += ["--choices", folder / "chosen.csv", "--size-px", 64]
    return flags


@pytest.mark.parametrize(
    ("script", "place"), [*((script, "a file") for script in WRITERS), ("pet/1_TopN.py", "below a file")]
)
def test_a_file_in_place_of_the_output_folder_is_refused(script: str, place: str, tmp_path: Path) -> None:
    flags = flags_for(script, tmp_path)
    wall = tmp_path / "wall"
    wall.write_text("I am a file", encoding="utf-8")
    folder = wall if place == "a file" else wall / "deeper"
    before = sorted(tmp_path.rglob("*"))
    assert_user_error(run_script(script, *flags, "--output", folder / WRITERS[script]), "wall")
    assert sorted(tmp_path.rglob("*")) == before and wall.read_text(encoding="utf-8") == "I am a file"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is writable for this user")
@pytest.mark.parametrize("script", WRITERS)
def test_a_read_only_output_folder_is_refused(script: str, tmp_path: Path) -> None:
    flags = flags_for(script, tmp_path)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    assert_user_error(run_script(script, *flags, "--output", folder / WRITERS[script]), "closed")
    assert not list(folder.iterdir())


# ---- a full disk ----

LIMITED = """
import os, resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # a file that grows beyond fails, as on a full disk
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
needs_limits = pytest.mark.skipif(os.name != "posix", reason="the limit on file sizes is POSIX's")


def run_on_full_disk(limit: int, script: str, *flags: object) -> Result:
    command = [sys.executable, "-c", LIMITED, str(limit), str(ROOT / script), *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """1,000 users, and the sizes of step 1's tables of them."""
    folder = tmp_path_factory.mktemp("crowd")
    scores = np.random.default_rng(2).random((1_000, 3)).round(3)
    rows = [f"user {i},{','.join(map(str, row))}" for i, row in enumerate(scores.tolist())]
    users = folder / "users.csv"
    users.write_text("user,pop,rock,jazz\n" + "\n".join(rows), encoding="utf-8")
    sizes = {}
    for suffix in ("csv", "parquet"):
        choose_all(users=users, output=folder / f"o.{suffix}")
        sizes[suffix] = (folder / f"o.{suffix}").stat().st_size
    return users, sizes


@needs_limits
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("share", [0.5, 0.999])
def test_a_full_disk_leaves_the_old_table_and_nothing_else(
    suffix: str, share: float, crowd: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    users, sizes = crowd
    output = tmp_path / f"o.{suffix}"
    output.write_text("the old table", encoding="utf-8")
    result = run_on_full_disk(int(share * sizes[suffix]), "pet/1_TopN.py", "--users", users, "--output", output)
    assert_user_error(result, f"cannot write {output}")
    assert output.read_text(encoding="utf-8") == "the old table"
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


@needs_limits
@pytest.mark.parametrize("script", [name for name in WRITERS if name != "pet/1_TopN.py"])
def test_a_full_disk_leaves_no_half_written_picture(script: str, tmp_path: Path) -> None:
    flags = flags_for(script, tmp_path)
    out = tmp_path / "out"
    result = run_on_full_disk(200, script, *flags, "--output", out / WRITERS[script])
    assert_user_error(result, "cannot write")
    left = [path for path in out.rglob("*") if path.is_file() and path.name not in (JOURNAL, LOCK)]
    assert not left


@needs_limits
def test_a_full_disk_while_several_processes_draw_leaves_whole_pictures(tmp_path: Path) -> None:
    """Pets fit, their charts do not."""
    flags = flags_for("pet/1.5_Plot_Pet.py", tmp_path)
    users = tmp_path / "many.csv"
    users.write_text("user,pop\n" + "".join(f"u{i},{i % 5}\n" for i in range(40)), encoding="utf-8")
    choose_all(users=users, accessories=flags[1], output=tmp_path / "chosen.csv")
    flags = [*flags[:-1], 256, "--output", tmp_path / "pets", "--no-combined"]
    result = run_on_full_disk(8_000, "pet/1.5_Plot_Pet.py", *flags)
    assert_user_error(result, "cannot write", "charts")
    drawn = list((tmp_path / "pets").rglob("*.png"))
    assert len(drawn) > 1 and {path.parent.name for path in drawn} == {"pets"}
    for path in drawn:
        Image.open(path).load()
    assert not list((tmp_path / "pets").rglob("*.part"))
    assert not list((tmp_path / "pets").glob("contact_sheet*"))


# ---- pictures as accessories ----


def wear(picture: Path, folder: Path) -> Path:
    """A dataset whose first accessory is that picture, and whose canvas has its size."""
    table = small_wardrobe(folder)
    size = (320, 240)
    try:
        with Image.open(picture) as image:
            if image.width * image.height < 10**6:
                size = image.size
    except (OSError, Image.DecompressionBombError):
        pass
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            image.resize(size).save(path)
    text = table.read_text(encoding="utf-8").replace("Head/1.png", f"Head/{picture.name}")
    table.write_text(text, encoding="utf-8")
    target = folder / "Head" / picture.name
    if picture.is_dir():
        target.mkdir()
    else:
        target.write_bytes(picture.read_bytes())
    return table


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    makers().images(folder)
    return folder


@needs_bad_inputs
@pytest.mark.parametrize(("name", "expect"), IMAGES)
def test_any_picture_as_an_accessory_is_refused_by_name_or_worn(
    name: str, expect: str, pictures: Path, tmp_path: Path
) -> None:
    table = wear(pictures / name, tmp_path / "pet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an animation the first frame is taken, and said so
        try:
            wardrobe = check_dataset(table)
        except UserError as error:
            assert name in str(error)
            assert expect == "reject" or "canvas" in str(error), error
            return
        assert expect == "accept", "worn, but it should have been refused"
        pet = Dresser(64).dress(table.parent / "Body/Bear.png", {"Head": wardrobe.find("Head 1").file})
    assert pet.size == (64, 64) and pet.getchannel("A").getextrema()[1] == 255


@needs_bad_inputs
def test_every_bad_picture_is_named_at_once_by_the_script(pictures: Path, tmp_path: Path) -> None:
    table = small_wardrobe(tmp_path / "pet")
    lines = table.read_text(encoding="utf-8").splitlines()
    broken = ["empty.png", "truncated.png", "bad_crc.png", "text.png", "html.jpg", "bomb_60000.png", "directory.png"]
    for line, name in enumerate(broken, 1):
        source, target = pictures / name, table.parent / "Head" / name
        lines[line] = lines[line].replace(lines[line].split(",")[2], f"Head/{name}")
        if source.is_dir():
            target.mkdir()
        else:
            target.write_bytes(source.read_bytes())
    table.write_text("\n".join(lines), encoding="utf-8")
    result = run_script("pet/data.py", "--accessories", table, "--output", tmp_path / "out/data.png")
    assert_user_error(result, *broken)
    assert not (tmp_path / "out").exists()


@needs_bad_inputs
def test_every_bad_table_has_an_expectation_here() -> None:
    """A table that is added to make_bad_inputs.py needs an expectation here."""
    assert {name for name, _ in TABLES} == {*EXPECTED_MESSAGE, *EXPECTED_ROW}
    assert len(IMAGES) >= 20
