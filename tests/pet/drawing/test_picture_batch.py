"""Pictures of all choices: any name, any interruption, and only what is missing."""

import contextlib
import csv
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from common.errors import UserError
from common.files import row_file_name
from common.grids import PAPER
from common.journals import JOURNAL
from common.workers import AHEAD
from pet.choosing.choice_table import read_choices
from pet.choosing.wardrobe import ACCESSORIES_CSV, LAYERS, SLOTS, body_for, load_bodies, load_wardrobe
from pet.drawing.artwork import render_text
from pet.drawing.compositing import Dresser
from pet.drawing.designs import Design, DesignNumbers, design_of
from pet.drawing.share_cards import FORMS
from tests.helpers import ROOT, load_main, run_script
from tests.pet.choosing.test_wardrobe import save_plain, small_wardrobe

pytestmark = pytest.mark.slow
STEP = "pet/1.5_Plot_Pet.py"
PEOPLE = 200
choose_all, plot_all = load_main("pet/1_TopN.py"), load_main(STEP)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small wardrobe, which nothing changes."""
    return small_wardrobe(tmp_path_factory.mktemp("wardrobe") / "pet")


def choose(folder: Path, names: Sequence[str], table: Path) -> Path:
    """The table of step 1 for people with these names."""
    users, chosen = folder / "users.csv", folder / "chosen.csv"
    with open(users, "w", encoding="utf-8", newline="") as file:
        rows = [(name, i % 6, i % 5, i % 4) for i, name in enumerate(names)]
        csv.writer(file).writerows([("user", "pop", "rock", "jazz"), *rows])
    choose_all(users=users, accessories=table, output=chosen, scale="0-5")
    return chosen


def draw(chosen: Path, output: Path, table: Path, **settings: object) -> tuple[int, int]:
    """Run step 1.5 with small pictures; returns people, and how many were drawn now."""
    bodies = table.parent / "Body"
    small: dict[str, object] = {"size_px": 64, **settings}
    report = plot_all(choices=chosen, output=output, accessories=table, bodies=bodies, **small)
    people, drawn = report.figures["people"], report.figures["drawn now"]
    assert isinstance(people, int) and isinstance(drawn, int)
    return people, drawn


def pets_of(output: Path, name: str = "people.csv") -> list[Path]:
    """The picture of each person's pet, by the table."""
    with open(output / name, encoding="utf-8", newline="") as file:
        return [output / row["pet"] for row in csv.DictReader(file)]


def pixels(folder: Path) -> dict[str, str]:
    """Hash of the pixels of every picture below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(Image.open(path).tobytes()).hexdigest()
        for path in sorted(folder.rglob("*.png"))
        if not path.name.startswith("contact_sheet")
    }


def tree(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


# ---- file names ----


@given(st.integers(1, 10**7), st.text(max_size=400))
def test_any_name_becomes_a_plain_file_name(row: int, user: str) -> None:
    name = row_file_name(row, user)
    assert re.fullmatch(r"\d{6,8}(_[\w-]+)?\.png", name)
    assert Path(name).name == name
    assert len(name.encode()) <= 200  # so that temporary names show whose they are
    assert name.isprintable()


@given(st.lists(st.sampled_from(["ann", "ANN", "a/b", "a\\b", "a_b", "", "é", "e\u0301", "CON"]), min_size=2))
def test_no_two_rows_share_a_file_even_where_case_and_accents_do_not_count(names: list[str]) -> None:
    files = [row_file_name(row, name).casefold() for row, name in enumerate(names, 1)]
    assert len(set(files)) == len(files)


HOSTILE = [
    "../../evil", "..\\..\\evil", "C:\\evil", "CON", "nul.txt", "x" * 300, "日" * 300, "🎸🎸", "ann", "ANN",
    "Ann", "e\u0301", "é", ".", "..", "~", "-rf", "$HOME", "a\nb", "a:b", "a*b?", "*.png", "name.", "<b>", "%s", "|",
]  # fmt: skip


def test_no_name_leaves_the_folder_or_meets_another(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, HOSTILE, table)
    before = tree(tmp_path)
    out = tmp_path / "deep/er/out"
    draw(chosen, out, table, combined=False, copy=True)
    made = tree(tmp_path) - before
    assert all(out in path.parents for path in made)
    for kind in ("people", "charts"):
        names = [path.name for path in (out / kind).glob("[!.]*")]
        assert len(names) == len(HOSTILE) == len({name.casefold() for name in names})
    with open(out / "people.csv", encoding="utf-8", newline="") as file:
        assert [row["user"].removeprefix("'") for row in csv.DictReader(file)] == HOSTILE


# ---- what a picture shows ----


def test_pets_are_those_of_the_table_also_from_several_processes(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, [f"user {i}" for i in range(70)], table)
    result = run_script(
        STEP, "--choices", chosen, "--output", tmp_path / "out", "--accessories", table,
        "--bodies", table.parent / "Body", "--size-px", 64, "--no-charts",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    pets = pets_of(tmp_path / "out")
    count = len(set(pets))
    assert f"70 people, {count} different pets; {count} pictures drawn now, 0 existed" in result.stdout
    assert set(pets) == set((tmp_path / "out/pets").iterdir())
    bodies, wardrobe, dresser = load_bodies(table.parent / "Body"), load_wardrobe(table), Dresser(64)
    for row, (_, choice) in enumerate(read_choices(chosen), 1):
        worn = {slot: wardrobe.find(choice.worn[slot].name).file for slot in SLOTS}
        expected = dresser.dress(body_for(choice.user, bodies), worn)
        drawn = Image.open(pets[row - 1])
        assert (drawn.mode, drawn.size, drawn.tobytes()) == ("RGBA", (64, 64), expected.tobytes())


def test_combined_pictures_hold_the_pet_and_a_chart(table: Path, tmp_path: Path) -> None:
    draw(choose(tmp_path, ["ann", "bob"], table), tmp_path / "out", table)
    for path, file in zip(sorted((tmp_path / "out/combined").iterdir()), pets_of(tmp_path / "out"), strict=True):
        card, pet = Image.open(path), Image.open(file)
        assert card.size == pytest.approx((64 + 1.3 * 64, 64), abs=1)
        paper = Image.new("RGB", pet.size, PAPER)
        paper.paste(pet, (0, 0), pet)
        assert card.crop((0, 0, 64, 64)).tobytes() == paper.tobytes()
        assert len(np.unique(np.asarray(card.crop((64, 0, *card.size))).reshape(-1, 3), axis=0)) > 5


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({}, {"pets", "combined"}),
        ({"charts": False, "copy": True}, {"pets", "people"}),
        ({"combined": False}, {"pets", "charts"}),
        ({"charts": False}, {"pets"}),
        ({"charts": False, "combined": False}, {"pets"}),
    ],
)
def test_the_settings_say_which_pictures_there_are(
    settings: dict[str, bool], kinds: set[str], table: Path, tmp_path: Path
) -> None:
    draw(choose(tmp_path, ["ann", "bob"], table), tmp_path / "out", table, **settings)
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == kinds
    assert len(set(pets_of(tmp_path / "out"))) == 2
    assert all(len(list((tmp_path / "out" / kind).glob("*.png"))) == 2 for kind in kinds)


def test_one_body_can_be_set_for_all(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, ["ann", "bob", "cat"], table)
    draw(chosen, tmp_path / "out", table, charts=False, body="Cat")
    wardrobe, dresser = load_wardrobe(table), Dresser(64)
    for row, (_, choice) in enumerate(read_choices(chosen), 1):
        worn = {slot: wardrobe.find(choice.worn[slot].name).file for slot in SLOTS}
        expected = dresser.dress(table.parent / "Body/Cat.png", worn)
        assert Image.open(pets_of(tmp_path / "out")[row - 1]).tobytes() == expected.tobytes()


# ---- contact sheets ----


def cards_on(page: Path) -> int:
    """How many cards stand on a page: blocks that are not paper, as rows of columns."""

    def blocks(used: NDArray[np.bool_]) -> list[tuple[int, int]]:
        borders = np.flatnonzero(np.diff(used, prepend=False, append=False)).reshape(-1, 2)
        return [(start, stop) for start, stop in borders.tolist() if stop - start > 48]

    sheet = (np.asarray(Image.open(page).convert("RGB")) != ImageColor.getrgb(PAPER)).any(axis=-1)
    rows = blocks(sheet.any(axis=1))
    return sum(len(blocks(sheet[start:stop].any(axis=0))) for start, stop in rows)


def test_contact_sheets_hold_everybody_on_pages_of_at_most_so_many_tiles(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, [f"user {i}" for i in range(24)], table)
    out = tmp_path / "out"
    for tiles, pages in ((7, [7, 7, 7, 3]), (12, [12, 12]), (400, [24])):
        draw(chosen, out, table, charts=False, tiles=tiles, pages=4)
        sheets = sorted(out.glob("contact_sheet_*.png"))
        assert [cards_on(sheet) for sheet in sheets] == pages, f"{tiles} tiles"


# ---- going on where it stopped ----


def test_a_second_run_draws_only_what_is_missing(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, [f"user {i}" for i in range(12)], table)
    out = tmp_path / "out"
    people, drawn = draw(chosen, out, table)
    pets = set(pets_of(out))
    assert (people, drawn) == (12, 12 + len(pets)) and 1 < len(pets) <= 12
    whole = pixels(out)
    for path in (sorted(pets)[1], sorted((out / "combined").iterdir())[5]):
        path.unlink()
    times = {out / path: (out / path).stat().st_mtime_ns for path in pixels(out)}
    assert draw(chosen, out, table) == (12, 2)
    assert pixels(out) == whole
    assert all(path.stat().st_mtime_ns == then for path, then in times.items())
    assert draw(chosen, out, table) == (12, 0)


def test_facts_of_another_kind_are_not_believed(table: Path, tmp_path: Path) -> None:
    chosen, out = choose(tmp_path, ["user 1", "user 2"], table), tmp_path / "out"
    draw(chosen, out, table)
    whole, journal = (out / "sentences.csv").read_bytes(), out / JOURNAL
    text = journal.read_text(encoding="utf-8")
    journal.write_text(
        text.replace('"user": "user 1"', '"usr": "user 1"').replace('"why": "', '"why": 3, "x": "'), "utf-8"
    )
    with pytest.warns(UserWarning, match="2 damaged lines ignored"):
        assert draw(chosen, out, table) == (2, 2)
    assert (out / "sentences.csv").read_bytes() == whole


@pytest.mark.parametrize("change", ["choices", "picture", "body", "size", "charts", "person left out"])
def test_what_has_changed_is_drawn_anew(change: str, tmp_path: Path) -> None:
    table = small_wardrobe(tmp_path / "pet")
    names = [f"user {i}" for i in range(6)]
    settings: dict[str, object] = {"charts": False}
    chosen, out = choose(tmp_path, names, table), tmp_path / "out"
    draw(chosen, out, table, **settings)
    before, old = pixels(out), set(pets_of(out))
    if change == "choices":
        chosen = choose(tmp_path, [names[0], "stranger", *names[2:]], table)
    elif change == "person left out":
        chosen = choose(tmp_path, names[1:], table)
    elif change in ("size", "charts"):
        settings |= {"size_px": 80} if change == "size" else {"charts": True}
    else:
        for path in (table.parent / ("Body" if change == "body" else "Head")).iterdir():
            save_plain(path, (1, 2, 3, 255), (30, 30))
    people, drawn = draw(chosen, out, table, **settings)
    new = set(pets_of(out))
    assert people == (5 if change == "person left out" else 6)
    assert drawn == (len(new) + 6 if change == "charts" else len(new - old))
    assert set((out / "pets").iterdir()) == new
    draw(chosen, tmp_path / "fresh", table, **settings)
    assert pixels(out) == pixels(tmp_path / "fresh") != before


def test_one_person_appended_makes_one_new_pet(tmp_path: Path) -> None:
    names = [f"user {i}" for i in range(12)]
    out = tmp_path / "out"
    people, drawn = draw(choose(tmp_path, names, ACCESSORIES_CSV), out, ACCESSORIES_CSV, charts=False)
    assert people == 12 and drawn == len(set(pets_of(out))) > 9
    assert draw(choose(tmp_path, [*names, "new"], ACCESSORIES_CSV), out, ACCESSORIES_CSV, charts=False) == (13, 1)


# ---- each different pet once ----


def test_people_of_one_design_share_a_picture_and_others_do_not(table: Path, tmp_path: Path) -> None:
    names = [f"user {i % 7}" for i in range(60 * 7)]
    chosen, out = choose(tmp_path, names, table), tmp_path / "out"
    people, drawn = draw(chosen, out, table, charts=False)
    bodies = load_bodies(table.parent / "Body")
    designs = [
        design_of(choice.user, [choice.worn[slot].name for slot in SLOTS], bodies) for _, choice in read_choices(chosen)
    ]
    assert people == 420 and drawn == len(set(designs)) == len(list((out / "pets").iterdir())) < 60
    files: dict[Design, set[Path]] = {}
    for design, file in zip(designs, pets_of(out), strict=True):
        files.setdefault(design, set()).add(file)
    assert all(len(found) == 1 for found in files.values())


def test_shards_of_rows_make_together_what_one_run_makes(table: Path, tmp_path: Path) -> None:
    chosen = choose(tmp_path, [f"user {i}" for i in range(10)], table)
    draw(chosen, tmp_path / "whole", table, combined=False, copy=True)
    out = tmp_path / "out"
    for rows, people in (("0:4", 4), ("4:5", 1), ("5:", 5)):
        assert draw(chosen, out, table, combined=False, copy=True, rows=rows)[0] == people
    assert pixels(out) == pixels(tmp_path / "whole")
    parts = [out / f"people_{rows}.csv" for rows in ("0_4", "4_5", "5_end")]
    lines = [line for part in parts for line in part.read_text(encoding="utf-8").splitlines()[1:]]
    assert lines == (tmp_path / "whole/people.csv").read_text(encoding="utf-8").splitlines()[1:]
    with pytest.raises(UserError, match="no rows in the range of ROWS"):
        draw(chosen, out, table, rows="10:20")


def test_a_copy_is_one_file_with_the_pet_where_the_disk_can_do_that(table: Path, tmp_path: Path) -> None:
    chosen, out = choose(tmp_path, ["ann", "bob", "ann"], table), tmp_path / "out"
    for _ in range(2):  # the second time they are there
        draw(chosen, out, table, charts=False, copy=True)
        copies = sorted((out / "people").glob("*.png"))
        assert [path.name for path in copies] == ["000001_ann.png", "000002_bob.png", "000003_ann.png"]
        assert all(copy.samefile(pet) for copy, pet in zip(copies, pets_of(out), strict=True))
    draw(chosen, out, table, charts=False, copy=True, size_px=80)
    assert {Image.open(copy).size for copy in copies} == {(80, 80)}


def test_cards_and_sentences_are_those_of_main_for_everybody(tmp_path: Path) -> None:
    names = ["Júlia", "a", "b", "c", "d", "=1+1"]
    chosen, out = choose(tmp_path, names, ACCESSORIES_CSV), tmp_path / "out"
    draw(chosen, out, ACCESSORIES_CSV, charts=False, cards=True, language="ca", rows="5:")
    with open(out / "sentences_5_end.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["user"] == "'=1+1" and row["why"].startswith("El que més t'agrada és pop;")
    load_main("pet/main.py")(taste="pop=5,jazz=1", name="=1+1", language="ca", output=tmp_path / "main.png")
    for form in FORMS:
        ours, main = (Image.open(path) for path in (out / form / "000006_1_1.png", tmp_path / f"main_{form}.png"))
        assert ours.tobytes() == main.tobytes()
    for form, size in FORMS.items():
        assert {Image.open(path).size for path in (out / form).iterdir()} == {size}


def test_svg_files_lie_beside_the_pictures_and_show_the_same(tmp_path: Path) -> None:
    chosen, out = choose(tmp_path, ["ann", "bob"], ACCESSORIES_CSV), tmp_path / "out"
    draw(chosen, out, ACCESSORIES_CSV, charts=False, svg=True, size_px=1024)
    for pet in set(pets_of(out)):
        text = pet.with_suffix(".svg").read_text(encoding="utf-8")
        labels = re.findall(r'inkscape:label="(\w+): ', text)
        assert labels == ["Body", *LAYERS]
        drawn, vectors = (np.asarray(picture, int) for picture in (Image.open(pet), render_text(text)))
        assert np.abs(drawn - vectors).mean() < 0.5
    (tmp_path / "art").mkdir()
    with pytest.raises(UserError, match="no such file"):
        draw(chosen, out, ACCESSORIES_CSV, charts=False, svg=True, art=tmp_path / "art")


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, max_size=20))
def test_numbers_stand_for_the_designs_of_all_names(names: list[str]) -> None:
    wardrobe, bodies = load_wardrobe(), load_bodies()
    places = [np.arange(len(names)) % len(wardrobe.slots[slot]) for slot in SLOTS]
    for body in ("auto", "Cat"):
        code = DesignNumbers(wardrobe, bodies, body)
        for row, number in enumerate(code.of(names, places).tolist()):
            worn = [wardrobe.slots[slot][place[row]].name for slot, place in zip(SLOTS, places, strict=True)]
            assert code.design(number) == design_of(names[row], worn, bodies, body)


@pytest.mark.parametrize("name", [f"pets/{32 * '0'}.png", "combined/000099.png", "contact_sheet_01.png", "people.csv"])
def test_pictures_that_it_did_not_draw_are_never_replaced(name: str, table: Path, tmp_path: Path) -> None:
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"made by hand")
    (tmp_path / "out/.made_from").write_text("the note of an older version", encoding="utf-8")
    with pytest.raises(UserError, match="not made by a run in this folder; set OUTPUT"):
        draw(choose(tmp_path, ["ann"], table), tmp_path / "out", table)
    assert own.read_bytes() == b"made by hand"


# ---- interruptions ----


@dataclass
class Interrupted:
    """What was seen of a run that was killed, gone on with, stopped by Ctrl-C, and gone on with again."""

    folder: Path
    uninterrupted: Path
    pets: int  # different ones of PEOPLE
    after_kill: dict[str, tuple[str, tuple[int, int]] | str]  # mode and size of each picture, or why it cannot be read
    survivors: list[int]  # processes of the killed run that lived on
    times_after_kill: dict[Path, int]
    interrupt_status: int
    interrupt_message: str
    after_interrupt: dict[str, tuple[str, tuple[int, int]] | str]
    kept: int  # pictures that existed after the kill, and were not drawn again
    last_output: str


CHUNK = 2  # pictures per task of a worker: little is lost, so that a few pictures show what is kept


def flags_of(chosen: Path, output: Path) -> list[str]:
    how = ["--size-px=512", "--no-charts", "--workers=2", f"--chunk={CHUNK}", "--pages=0"]
    return [f"--choices={chosen}", f"--output={output}", *how]


def start(chosen: Path, output: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / STEP), *flags_of(chosen, output)]
    # A suite that was started in the background ignores Ctrl-C, and so would the script.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_pictures(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("pets/*.png"))) < count:
        assert process.poll() is None, "ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def looked_at(folder: Path) -> dict[str, tuple[str, tuple[int, int]] | str]:
    found: dict[str, tuple[str, tuple[int, int]] | str] = {}
    for path in folder.glob("pets/*.png"):
        try:
            with Image.open(path) as image:
                image.load()
                found[path.name] = (image.mode, image.size)
        except OSError as error:
            found[path.name] = str(error)
    return found


def processes_of_session(leader: int) -> list[int]:
    """Processes that are still alive of the session that `leader` began (Linux)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted")
    chosen, out = choose(folder, [f"user {i}" for i in range(PEOPLE)], ACCESSORIES_CSV), folder / "out"
    whole = run_script(STEP, *flags_of(chosen, folder / "whole"))
    assert whole.returncode == 0, whole.stderr

    process = start(chosen, out)
    wait_for_pictures(out, 30, process)
    process.kill()
    process.communicate()
    after_kill = looked_at(out)
    deadline = time.monotonic() + 10
    while (survivors := processes_of_session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for survivor in survivors:
        os.kill(survivor, signal.SIGKILL)
    after_kill |= looked_at(out)
    times = {path: path.stat().st_mtime_ns for path in out.glob("pets/*.png")}

    process = start(chosen, out)
    wait_for_pictures(out, len(times) + 10, process)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C reaches every process
    _, message = process.communicate(timeout=60)
    after_interrupt = looked_at(out)

    last = run_script(STEP, *flags_of(chosen, out))
    assert last.returncode == 0, last.stderr
    kept = sum(path.stat().st_mtime_ns == then for path, then in times.items())
    return Interrupted(
        out,
        folder / "whole",
        len(list((folder / "whole/pets").iterdir())),
        after_kill,
        survivors,
        times,
        process.returncode,
        message,
        after_interrupt,
        kept,
        last.stdout,
    )


needs_posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 and process groups are POSIX's")


@needs_posix
def test_after_kill_9_every_file_that_is_there_is_whole(interrupted: Interrupted) -> None:
    assert 30 <= len(interrupted.after_kill) < interrupted.pets
    assert set(interrupted.after_kill.values()) == {("RGBA", (512, 512))}


@needs_posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted by /proc")
def test_after_kill_9_no_process_lives_on(interrupted: Interrupted) -> None:
    assert interrupted.survivors == []


@needs_posix
def test_ctrl_c_ends_with_130_and_whole_files(interrupted: Interrupted) -> None:
    assert interrupted.interrupt_status == 130, interrupted.interrupt_message
    assert "interrupted" in interrupted.interrupt_message.splitlines()[-1]
    assert "Traceback" not in interrupted.interrupt_message
    assert len(interrupted.after_kill) + 10 <= len(interrupted.after_interrupt) < interrupted.pets
    assert set(interrupted.after_interrupt.values()) == {("RGBA", (512, 512))}


@needs_posix
def test_the_runs_after_draw_only_what_was_missing(interrupted: Interrupted) -> None:
    lost = (AHEAD * 2 + 1) * CHUNK  # at most so many are drawn by two workers, but not noted yet
    assert len(interrupted.times_after_kill) - lost <= interrupted.kept <= len(interrupted.times_after_kill)
    line = re.search(r"; (\d+) pictures drawn now, (\d+) existed", interrupted.last_output)
    assert line is not None
    drawn, there = map(int, line.groups())
    assert drawn + there == interrupted.pets and len(interrupted.after_interrupt) - lost <= there <= len(
        interrupted.after_interrupt
    )


@needs_posix
def test_the_result_is_that_of_an_uninterrupted_run_pixel_for_pixel(interrupted: Interrupted) -> None:
    result = pixels(interrupted.folder)
    assert len(result) == interrupted.pets > 0.9 * PEOPLE
    assert result == pixels(interrupted.uninterrupted)
    assert not list(interrupted.folder.rglob("*.part"))


@needs_posix
def test_two_runs_into_one_folder_never_mix(tmp_path: Path) -> None:
    chosen, out = choose(tmp_path, [f"user {i}" for i in range(PEOPLE)], ACCESSORIES_CSV), tmp_path / "out"
    process = start(chosen, out)
    wait_for_pictures(out, 2, process)
    with pytest.raises(UserError, match="another run is writing it"):
        draw(chosen, out, ACCESSORIES_CSV, size_px=100, charts=False)
    process.kill()
    process.communicate()
    people, drawn = draw(chosen, out, ACCESSORIES_CSV, size_px=100, charts=False, pages=0)
    assert people == PEOPLE and drawn == len(set(pets_of(out)))
    assert {Image.open(path).size for path in (out / "pets").iterdir()} == {(100, 100)}


@needs_posix
def test_ctrl_c_while_processes_start_ends_with_130_and_one_message(tmp_path: Path) -> None:
    chosen = choose(tmp_path, [f"user {i}" for i in range(PEOPLE)], ACCESSORIES_CSV)
    for delay in (0.1, 0.4):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        process = start(chosen, tmp_path / "out")
        while not (tmp_path / "out" / JOURNAL).exists():  # written right before processes start
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, message = process.communicate(timeout=60)
        assert process.returncode == 130, message
        assert "Traceback" not in message, message


# ---- faults ----


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size_px": 63}, ["SIZE_PX", "63", "64", "4096"]),
        ({"size_px": 5000}, ["SIZE_PX", "5000"]),
        ({"tiles": 0}, ["TILES", "0"]),
        ({"tiles": 401}, ["TILES", "401", "400"]),
        ({"body": "Fox"}, ["BODY", "'Fox'", "Bear"]),
        ({"rows": "7"}, ["ROWS", "'7'", "0:1000000"]),
        ({"rows": "7:7"}, ["ROWS", "'7:7'"]),
        ({"bodies": Path("no/such/folder")}, ["no base body"]),
        ({"choices": Path("none.csv")}, ["none.csv", "no such file"]),
    ],
)
def test_faulty_settings_are_refused_before_any_work(
    settings: dict[str, object], words: list[str], table: Path, tmp_path: Path
) -> None:
    chosen = choose(tmp_path, ["ann"], table)
    right = {"choices": chosen, "output": tmp_path / "out", "accessories": table, "bodies": table.parent / "Body"}
    with pytest.raises(UserError) as error:
        plot_all(**(right | settings))
    for word in words:
        assert word in str(error.value)
    assert not (tmp_path / "out").exists()
