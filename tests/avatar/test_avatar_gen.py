"""AvatarGen_Base.py and AvatarGen.py: batches, resuming, what pictures tell of themselves, and repeating them."""

import csv
import functools
import io
import json
import math
import os
import pickle
import re
import runpy
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image

from avatar import AvatarGen, AvatarGen_Base
from avatar.likeness.candidates import Agreement
from avatar.person.features import AppearanceTrait, Features, Trait, features_json
from avatar.person.subjects import Subject, find_subjects
from avatar.sdxl import avatar_maker
from avatar.sdxl.avatar_batch import print_plan
from avatar.sdxl.avatar_maker import AVATARS, DRAWN, STARTS, AvatarMaker, Candidate, FinalPrompt, avatar_files, best_of
from avatar.sdxl.avatar_reader import READER
from avatar.sdxl.avatar_settings import STYLE, InputSettings, ModelSettings, PictureSettings, group_settings
from avatar.sdxl.generation import GeneratedPicture, Recipe, StepCounts
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.picture_metadata import SENTENCE, SOURCE_TYPE, read_provenance, write_marked_png
from avatar.sdxl.pipelines import Pipelines
from avatar.sdxl.provenance import AvatarRun, picture_seed
from avatar.sdxl.sources import AUTO, DEMO_MODEL, ModelChoice, ModelSource, choose_model
from common.batches import Made
from common.errors import UserError
from common.files import part_path, sha256_of
from common.genres import parse_taste
from common.runner import Range, Report
from tests.avatar.tiny_ip_adapter import build_tiny_ip_adapter
from tests.avatar.tiny_sdxl import build_tiny_sdxl
from tests.helpers import BAD_INPUTS, assert_user_error, needs_bad_inputs, run_script, with_settings

pytestmark = pytest.mark.slow
BASE = "avatar/AvatarGen_Base.py"
main, main_with_lora = with_settings(AvatarGen_Base.main), with_settings(AvatarGen.main)
SECRET = "violet hair and a scar"
TWO_PASSES: dict[str, Any] = {"mode": "handover", "steps": 5, "guidance": 5.0}  # the same of both scripts
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_sdxl(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def lora(tiny: Path) -> Path:
    """A LoRA on the attention of the base's UNet, in diffusers' own form."""
    from diffusers import StableDiffusionXLPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    unet: Any = load_pipelines(choose_model(str(tiny), AUTO, with_refiner=False)).base.unet
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"]))
    generator = torch.Generator().manual_seed(0)
    for name, value in unet.named_parameters():
        if "lora" in name:
            value.data = torch.randn(value.shape, generator=generator)
    pipeline: Any = StableDiffusionXLPipeline
    pipeline.save_lora_weights(tiny.parent, get_peft_model_state_dict(unet), weight_name="style.safetensors")
    return tiny.parent / "style.safetensors"


def save_photo(path: Path, seed: int = 0) -> Path:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    Image.fromarray(noise).resize((120, 160), Image.Resampling.BICUBIC).save(path)
    return path


def write_person(folder: Path, name: str, photo: Path | None = None, **more: Any) -> Path:
    facts: dict[str, Any] = {"taste": parse_taste("rock=5, jazz=3")} | more
    features = Features(name, str(photo or ""), sha256_of(photo) if photo else "", **facts)
    (folder / f"{name}.json").write_text(features_json(features), encoding="utf-8")
    return folder / f"{name}.json"


def write_people(folder: Path) -> Path:
    """Ada and Grace have photos, Júlia has none; Ada describes herself, and Júlia's looks were measured."""
    (folder / "features").mkdir()
    write_person(folder / "features", "Ada", save_photo(folder / "ada.png", 1), description=SECRET)
    woman = Trait("woman", 0.9, "embedded")
    write_person(folder / "features", "Grace", save_photo(folder / "grace.png", 2), gender=woman)
    looks = {"skin_tone": "dark", "hair_colour": "red", "facial_hair": "moustache"}
    measured = {name: AppearanceTrait(value, 0.9, "measured") for name, value in looks.items()}
    write_person(folder / "features", "Júlia", appearance=measured)
    return folder / "features"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A folder with features/ and, of all three, avatars in out/; for looking at and repeating."""
    folder = tmp_path_factory.mktemp("made")
    report = generate(write_people(folder), folder / "out", tiny, **TWO_PASSES)
    assert report.figures["avatars"] == report.figures["drawn now"] == 3 and report.faults == 0
    return folder


def generate(features: Path, output: Path, model: Path, script: Any = main, **more: Any) -> Report:
    facts: dict[str, Any] = {"steps": 2, "mode": "base", "size_px": 80, "cut_out": False} | more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report: Report = script(features=features, output=output, model=str(model), **facts)
    return report


def pictures(output: Path, kind: str = AVATARS) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (output / kind).glob("*.png")}


def pixels(path: Path | io.BytesIO) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def faults_in(output: Path) -> dict[str, str]:
    with open(output / "faults.csv", newline="", encoding="utf-8") as file:
        return {row["file"]: row["fault"] for row in csv.DictReader(file)}


# ---- settings ----

DIFFERENT = {"OUTPUT", "GUIDANCE"}  # a LoRA has its own folder and less guidance


def settings_lines(script: ModuleType) -> dict[str, str]:
    """The lines of a script's settings by name."""
    assert script.__file__ is not None
    block = Path(script.__file__).read_text(encoding="utf-8").partition("# ---- settings")[2].partition("\ndef ")[0]
    return {line.partition(":")[0]: line for line in block.splitlines() if re.match(r"[A-Z_]+: ", line)}


def test_the_settings_that_both_scripts_share_are_the_same_to_the_letter() -> None:
    base, styled = settings_lines(AvatarGen_Base), settings_lines(AvatarGen)
    assert len(base) == 41 and styled.keys() - base.keys() == {"LORA", "LORA_SCALE", "FIGURE_STYLE", "COMPARE"}
    assert {name for name, line in base.items() if styled[name] != line} == DIFFERENT
    for name in DIFFERENT:
        (type_1, _, comment_1), (type_2, _, comment_2) = (re.split(" = |  # ", lines[name]) for lines in (base, styled))
        assert (type_1, comment_1) == (type_2, comment_2)


@pytest.mark.parametrize("script", [AvatarGen, AvatarGen_Base])
def test_every_setting_reaches_its_group_by_name(script: ModuleType) -> None:
    values = {name: object() for name in settings_lines(script)}
    found = [vars(group) for group in group_settings(values)]
    found += [vars(facts.pop("recipe")) for facts in found if "recipe" in facts]
    reached = {name.upper(): value for facts in found for name, value in facts.items()}
    reached["COMPILE"] = reached.pop("COMPILED")
    assert {name: reached[name] for name in values} == values


@pytest.mark.parametrize(
    "name", ["steps", "handover", "refine_strength", "strength", "guidance", "seed", "size_px", "max_tokens"]
)
def test_ranges_of_settings_hold_for_what_a_picture_says_too(name: str) -> None:
    hint = get_type_hints(AvatarGen_Base, include_extras=True)[name.upper()]
    (allowed,) = (extra for extra in hint.__metadata__ if isinstance(extra, Range))
    mode: Any = {"handover": "handover", "refine_strength": "refine"}.get(name, "base")
    in_recipe = name in {field.name for field in fields(Recipe)}

    def check(value: float) -> None:
        given: dict[str, Any] = {name: value}
        recipe = Recipe(mode=mode, **given) if in_recipe else Recipe()
        (PictureSettings(recipe=recipe) if in_recipe else PictureSettings(**given)).check()

    for value in (allowed.low, allowed.high):
        check(value)
    for value in (allowed.low - 1, allowed.high + 1, math.nan):
        with pytest.raises(UserError, match=f"{name.upper()} is"):
            check(value)


# ---- batches ----


def test_what_makes_an_avatar_and_a_subject_go_to_other_processes(made: Path, tiny: Path) -> None:
    inputs = InputSettings(features=made / "features/Ada.json", output=made / "out")
    settings = PictureSettings(recipe=Recipe(steps=5), size_px=80, cut_out=False)
    choice = choose_model(str(tiny), AUTO, with_refiner=True)
    run = AvatarRun(BASE, inputs, settings, ModelSettings(model=str(tiny)), choice, {})
    (subject,), _ = find_subjects(inputs.features, photo=None, with_photos=True)
    set_up, payload = pickle.loads(pickle.dumps((functools.partial(AvatarMaker, run), subject)))
    result = pickle.loads(pickle.dumps(set_up()(payload)))
    assert result.files["avatars/Ada.png"] == (made / "out/avatars/Ada.png").read_bytes()


def test_a_batch_from_the_shell_skips_what_is_faulty_and_finishes_the_rest(
    tmp_path: Path, people: Path, tiny: Path
) -> None:
    (people / "Broken.json").write_text('{"name": 3}', encoding="utf-8")
    write_person(people, "Gone", save_photo(tmp_path / "gone.png"))
    (tmp_path / "gone.png").unlink()
    write_person(people, "Other", save_photo(tmp_path / "other.png"))
    save_photo(tmp_path / "other.png", 9)
    flags = [
        "--features",
        people,
        "--output",
        tmp_path / "out",
        "--model",
        tiny,
        "--mode",
        "handover",
        "--steps",
        5,
        "--no-cut-out",
        "--size-px",
        256,
    ]
    result = run_script(BASE, *flags, cwd=tmp_path, timeout=300)
    assert_user_error(result, "3 skipped, listed in", "avatars: 100%", "Broken.json", "Gone.json", "Other.json")
    faults = faults_in(tmp_path / "out")
    assert "name is 3" in faults["Broken.json"]
    assert "gone.png does not exist; set PHOTO to the photo, or START to text" in faults["Gone.json"]
    assert "other.png: is not the photo that" in faults["Other.json"]
    for words in (
        "tiny/base, tiny/refiner",
        "4 from the person's drawn figure: 1 + 1 steps",
        "at 64 px, the model's native size, then enlarged to 256 px",
        "tokens, in up to",
        "seconds a step",
    ):
        assert words in result.stdout, words
    assert set(pictures(tmp_path / "out")) == {"Ada", "Grace", "Júlia"}
    assert pixels(tmp_path / "out/avatars/Ada.png").shape == (256, 256, 4)
    record = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert record["skipped"] == 3 and record["figures"]["avatars"] == 3
    assert record["weights"] == ["tiny/base", "tiny/refiner"]
    assert record["figures"]["peak memory in GB"] > 0 and record["figures"]["seconds a step"] > 0
    assert not list((tmp_path / "out").rglob("*.part"))
    with Image.open(tmp_path / "out/contact_sheet.png") as sheet:
        assert sheet.width > 300 and SOURCE_TYPE in sheet.info["XML:com.adobe.xmp"]


def test_a_batch_equals_one_by_one(tmp_path: Path, made: Path, tiny: Path) -> None:
    for name in ("Júlia", "Ada"):
        generate(made / f"features/{name}.json", tmp_path, tiny, **TWO_PASSES)
        for kind in (AVATARS, DRAWN):
            assert pictures(tmp_path, kind)[name] == pictures(made / "out", kind)[name]
    assert len(set(pictures(made / "out").values())) == 3
    assert set(pictures(made / "out", STARTS)) == {"Ada", "Grace", "Júlia"}


def test_the_rows_of_a_table_of_tastes_are_drawn_from_text(tmp_path: Path, tiny: Path) -> None:
    table = tmp_path / "users.csv"
    table.write_text("user,rock,jazz\nJúlia/../x,0.2,1\nMarc,1,0\nMarc 2,1,0\n", encoding="utf-8")
    report = generate(table, tmp_path / "out", tiny)
    assert report.figures["avatars"] == 3
    found = pictures(tmp_path / "out")
    assert set(found) == {"000001_Júlia_x", "000002_Marc", "000003_Marc_2"}
    assert len(set(found.values())) == 3
    with pytest.raises(UserError, match=r"PHOTO is for one person, and FEATURES is .*, a table of many"):
        generate(table, tmp_path / "out", tiny, photo=save_photo(tmp_path / "me.png"))


def test_everybody_has_a_seed_of_their_own() -> None:
    seeds = {picture_seed(seed, name) for seed in range(20) for name in ("Ada", "Grace", "", "Júlia")}
    assert len(seeds) == 80 and picture_seed(1, "Ada") == picture_seed(1, "Ada")


# ---- resuming ----


def test_run_again_only_what_has_changed_is_drawn_anew(tmp_path: Path, people: Path, tiny: Path) -> None:
    def drawn(**more: Any) -> object:
        return generate(people, tmp_path / "out", tiny, **more).figures["drawn now"]

    assert drawn() == 3 and drawn() == 0
    before = pictures(tmp_path / "out")
    write_person(people, "Júlia", taste=parse_taste("metal=1"))
    assert drawn() == 1
    after = pictures(tmp_path / "out")
    assert after.pop("Júlia") != before.pop("Júlia") and after == before
    (tmp_path / "out/avatars/Ada.png").unlink()
    part_path(tmp_path / "out/avatars/Grace.png").write_bytes(b"what a killed run left")
    assert drawn() == 1 and pictures(tmp_path / "out").pop("Ada") == before["Ada"]
    (tmp_path / "out/drawn/Grace.png").write_bytes(b"")
    assert drawn() == 1 and pictures(tmp_path / "out")["Grace"] == before["Grace"]
    assert drawn(seed=2) == 3


def test_avatars_of_other_people_stay(tmp_path: Path, people: Path, tiny: Path) -> None:
    generate(people / "Ada.json", tmp_path / "out", tiny)
    before = pictures(tmp_path / "out")
    generate(people / "Grace.json", tmp_path / "out", tiny, seed=2)
    assert pictures(tmp_path / "out").keys() == {"Ada", "Grace"} and pictures(tmp_path / "out")["Ada"] == before["Ada"]
    assert generate(people / "Ada.json", tmp_path / "out", tiny).figures["drawn now"] == 0


@pytest.mark.parametrize("name", ["avatars/Ada.png", "avatars/Ada.json", "drawn/Ada.png", "starts/Ada.png"])
def test_files_of_others_are_never_replaced(tmp_path: Path, people: Path, tiny: Path, name: str) -> None:
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="not made by a run in this folder; set OUTPUT to another one"):
        generate(people, tmp_path / "out", tiny)
    assert mine.read_text(encoding="utf-8") == "[]" and list((tmp_path / "out").rglob("[!.]*.*")) == [mine]


def test_an_avatar_can_be_the_photo_of_the_next_and_is_not_replaced(tmp_path: Path, people: Path, tiny: Path) -> None:
    generate(people / "Ada.json", tmp_path / "out", tiny)
    avatar = tmp_path / "out/avatars/Ada.png"
    again = write_person(tmp_path, "Ada", avatar)
    with pytest.raises(UserError, match=r"avatars.Ada\.png: is the photo of .*; set OUTPUT to another folder"):
        generate(again, tmp_path / "out", tiny)
    assert generate(again, tmp_path / "next", tiny).figures["avatars"] == 1


# ---- what a picture tells ----


def text_of(path: Path) -> str:
    with Image.open(path) as image:
        return repr(image.info)


def test_pictures_say_that_they_are_synthetic_and_how_they_were_made(made: Path) -> None:
    for path in [*(made / "out/avatars").glob("*.png"), *(made / "out/drawn").glob("*.png")]:
        with Image.open(path) as image:
            assert f'DigitalSourceType="{SOURCE_TYPE}"' in image.info["XML:com.adobe.xmp"]
            assert image.info["Comment"] == SENTENCE
    told = read_provenance(made / "out/avatars/Ada.png")
    assert told["settings"]["recipe"]["steps"] == 5 and told["settings"]["seed"] == 1
    assert told["seed"] == picture_seed(1, "Ada")
    assert set(told["models"]) == {"tiny/base", "tiny/refiner"} and told["loras"] == {}
    assert "jacket" in told["prompt"] and "blurry" in told["negative_prompt"]
    assert told["photo_sha256"] == sha256_of(made / "ada.png")
    beside = json.loads((made / "out/avatars/Ada.json").read_text(encoding="utf-8"))
    assert {key: beside[key] for key in told if key != "prompt"} == {k: v for k, v in told.items() if k != "prompt"}
    assert SECRET in beside["prompt"] and beside["name"] == "Ada" and beside["steps"] == "1 + 1 steps"


def test_words_about_the_person_are_in_the_png_with_consent_alone(tmp_path: Path, made: Path, tiny: Path) -> None:
    for kind in (AVATARS, DRAWN):
        for path in (made / "out" / kind).glob("*.png"):
            text = text_of(path)
            for private in (SECRET, "woman", "ginger", "skin", "moustache", "Ada", "Grace", str(made), "ada.png"):
                assert private not in text, (path, private)
    generate(made / "features", tmp_path, tiny, consent=True)
    assert SECRET in text_of(tmp_path / "avatars/Ada.png") and "woman" in text_of(tmp_path / "avatars/Grace.png")
    assert "ginger" in text_of(tmp_path / "avatars/Júlia.png")


def test_words_that_a_user_types_are_private_too(tmp_path: Path, people: Path, tiny: Path) -> None:
    typed = {"prompt": f"portrait of ({SECRET}:1.3)", "negative": "my old glasses"}
    generate(people / "Ada.json", tmp_path / "out", tiny, **typed)
    text = text_of(tmp_path / "out/avatars/Ada.png")
    assert SECRET not in text and "old glasses" not in text
    beside = json.loads((tmp_path / "out/avatars/Ada.json").read_text(encoding="utf-8"))
    assert beside["prompt"] == typed["prompt"] and beside["negative_prompt"] == typed["negative"]


def test_long_prompts_are_drawn_whole_or_cut_with_a_list_of_what_is_left_out(
    tmp_path: Path, people: Path, tiny: Path
) -> None:
    words = ", ".join(f"a hat of colour {number}" for number in range(100))
    ada = people / "Ada.json"
    generate(ada, tmp_path / "whole", tiny, prompt=words)
    whole = json.loads((tmp_path / "whole/avatars/Ada.json").read_text(encoding="utf-8"))
    assert whole["prompt"] == words and whole["tokens"] > 400 and whole["left_out"] == []
    generate(ada, tmp_path / "cut", tiny, prompt=words, max_tokens=75)
    cut = json.loads((tmp_path / "cut/avatars/Ada.json").read_text(encoding="utf-8"))
    assert cut["tokens"] <= 75 and cut["prompt"].startswith("a hat of colour 0")
    assert cut["left_out"][-1] == "a hat of colour 99"
    assert pictures(tmp_path / "whole")["Ada"] != pictures(tmp_path / "cut")["Ada"]
    with pytest.raises(UserError, match="prompt, character 6: a bracket is never closed"):
        generate(ada, tmp_path / "cut", tiny, prompt="a hat(")


def test_words_that_the_small_model_does_not_know_are_named_before_drawing(
    tmp_path: Path, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = choose_model(str(DEMO_MODEL), AUTO, with_refiner=False)
    inputs = InputSettings(features=people, output=tmp_path / "out", prompt="(pink hijab:1.2), astronaut on a horse")
    run = AvatarRun(BASE, inputs, PictureSettings(), ModelSettings(), choice, {})
    subjects, _ = find_subjects(people, photo=None, with_photos=False)
    print_plan(subjects, run)
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warning.startswith("warning: the small model does not know hijab, astronaut, horse, and will not draw")
    print_plan(subjects, replace(run, inputs=replace(inputs, prompt="bright neon glow bracelets")))
    print_plan(subjects, replace(run, choice=ModelChoice(ModelSource(tmp_path, "large"), None, "")))
    assert "warning" not in capsys.readouterr().out
    print_plan(subjects, replace(run, inputs=replace(inputs, prompt="")))
    assert "does not know scar, and will" in capsys.readouterr().out


def test_a_png_without_our_text_tells_nothing(tmp_path: Path) -> None:
    write_marked_png(tmp_path / "marked.png", Image.new("RGB", (8, 8)))
    save_photo(tmp_path / "photo.jpg")
    (tmp_path / "cut.png").write_bytes((tmp_path / "marked.png").read_bytes()[:30])
    for name, words in (
        ("marked.png", "has no provenance"),
        ("photo.jpg", "cannot be read"),
        ("cut.png", "cannot be read"),
    ):
        with pytest.raises(UserError, match=rf"{name}: {words}"):
            read_provenance(tmp_path / name)
    with pytest.raises(UserError, match=r"gone\.png: no such file"):
        read_provenance(tmp_path / "gone.png")


# ---- repeating ----


def repeat(made: Path, model: Path, picture: str = "Ada", **more: Any) -> Report:
    """In the folder `made`, with other settings than it was made with."""
    facts: dict[str, Any] = {"features": made / "features", "output": made / "out", "size_px": 100, "seed": 9}
    facts["from_picture"] = made / f"out/avatars/{picture}.png"
    return generate(model=model, **facts | more)


def test_a_picture_is_repeated_exactly_from_what_it_tells(
    tmp_path: Path, made: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = save_photo(tmp_path / "elsewhere.png", 1)
    alone: dict[str, Any] = {"features": made / "features/Ada.json", "photo": moved}
    for name, more in (("Júlia", {}), ("Ada", alone)):
        repeat(made, tiny, name, **more)
        assert f"{name}.png is repeated exactly, every pixel" in capsys.readouterr().out
        assert pictures(made / "out/repeated")[name] == pictures(made / "out")[name]


def test_a_picture_asks_for_the_features_photo_words_and_model_that_it_was_made_from(
    tmp_path: Path, made: Path, tiny: Path
) -> None:
    out: dict[str, Any] = {"output": tmp_path / "out"}
    with pytest.raises(UserError, match="the prompts differ; set PROMPT and NEGATIVE as they were"):
        repeat(made, tiny, prompt="a hat", **out)
    other = Path(shutil.copytree(tiny, tmp_path / "tiny"))
    with open(other / "refiner/unet/diffusion_pytorch_model.safetensors", "ab") as file:
        file.write(b" ")
    with pytest.raises(UserError, match=r"the model differs \(tiny/base, tiny/refiner\); set MODEL and REFINER"):
        repeat(made, other, **out)
    with pytest.raises(UserError, match="was made from other features; set FEATURES to the JSON"):
        repeat(made, tiny, features=made / "features/Grace.json", **out)
    with pytest.raises(UserError, match=r"is not the photo that .*Ada\.json was made from"):
        repeat(made, tiny, features=made / "features/Ada.json", photo=made / "grace.png", **out)
    assert not list(tmp_path.rglob("*.png"))


def test_text_that_was_edited_into_nonsense_is_refused(tmp_path: Path, made: Path, tiny: Path) -> None:
    told = read_provenance(made / "out/avatars/Ada.png")
    recipe = told["settings"]["recipe"]
    for key, value in (
        ("settings", 3),
        ("settings", {"recipe": {}, "shoes": 1}),
        *(("settings", told["settings"] | {"recipe": recipe | {"steps": steps}}) for steps in ("many", 1.5, True)),
        ("settings", told["settings"] | {"recipe": recipe | {"guidance": 10**400}}),
        ("settings", told["settings"] | {"size_px": 64.5}),
        ("settings", told["settings"] | {"seed": True}),
        ("settings", told["settings"] | {"cut_out": 1}),
        ("settings", told["settings"] | {"precision": "fp8"}),
        ("settings", told["settings"] | {"start": ["photo"]}),
        ("models", None),
        ("loras", []),
        ("features_sha256", 7),
    ):
        write_marked_png(tmp_path / "Ada.png", Image.new("RGBA", (8, 8)), told | {key: value})
        with pytest.raises(UserError, match=r"Ada\.png: "):
            repeat(made, tiny, output=tmp_path / "out", from_picture=tmp_path / "Ada.png")
    for key, value, setting in (
        ("loras", {STYLE: {"scale": 10**400}}, "LORA_SCALE"),
        ("ip_adapter", {"scale": 10**400}, "LIKENESS"),
    ):
        write_marked_png(tmp_path / "Ada.png", Image.new("RGBA", (8, 8)), told | {key: value})
        with pytest.raises(UserError, match=f"setting {setting} is 10000.*; it must be from"):
            repeat(made, tiny, output=tmp_path / "out", from_picture=tmp_path / "Ada.png")
    assert not (tmp_path / "out").exists()


# ---- the person ----

LOOKS = {
    "skin_tone": AppearanceTrait("dark", 0.9, "measured", monk=9, lab=(30.0, 12.0, 14.0)),
    "hair_length": AppearanceTrait("bald", 0.9, "measured"),
    "glasses": AppearanceTrait("none", 0.9, "measured"),
}


def test_a_known_person_starts_as_a_drawn_figure_whose_colours_stay(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = write_person(tmp_path, "Ada", save_photo(tmp_path / "ada.png"), appearance=LOOKS)
    generate(ada, tmp_path / "out", tiny, steps=4)
    assert "1 from the person's drawn figure: 1 + 0 steps" in capsys.readouterr().out
    start, drawn = (pixels(tmp_path / f"out/{kind}/Ada.png").astype(float) for kind in (STARTS, DRAWN))
    face = slice(18, 34), slice(26, 38)  # of 64 px
    assert start.shape == (64, 64, 3) and np.abs(start[face].mean((0, 1)) - (92, 58, 46)).max() < 16
    scale = drawn.shape[0] / 64
    there = drawn[round(18 * scale) : round(34 * scale), round(26 * scale) : round(38 * scale)]
    assert np.abs(there.mean((0, 1)) - start[face].mean((0, 1))).max() < 12
    beside = json.loads((tmp_path / "out/avatars/Ada.json").read_text(encoding="utf-8"))
    assert beside["start"] == "figure" and beside["candidate"] == 1
    assert "deep skin" in beside["prompt"] and "backdrop" in beside["prompt"]
    for private in ("deep skin", "bald", "no glasses"):
        assert private not in text_of(tmp_path / "out/avatars/Ada.png")
    again: dict[str, Any] = {"features": ada, "output": tmp_path / "out", "steps": 9}
    generate(model=tiny, from_picture=tmp_path / "out/avatars/Ada.png", **again)
    assert "Ada.png is repeated exactly, every pixel" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("looks", "photo", "start", "found"),
    [
        (LOOKS, True, "auto", "figure"),
        (LOOKS, False, "auto", "figure"),
        ({}, True, "auto", "figure"),
        ({}, False, "auto", "figure"),
        ({}, False, "figure", "figure"),
        (LOOKS, True, "photo", "photo"),
        (LOOKS, False, "photo", "text"),
        (LOOKS, True, "text", "text"),
    ],
)
def test_what_generation_starts_from(
    tmp_path: Path, tiny: Path, looks: dict[str, AppearanceTrait], photo: bool, start: Any, found: str
) -> None:
    picture = save_photo(tmp_path / "ada.png") if photo else None
    file = write_person(tmp_path, "Ada", picture, appearance=looks)
    (subject,), _ = find_subjects(file, photo=None, with_photos=True)
    settings = PictureSettings(recipe=Recipe(mode="base"), start=start)
    inputs = InputSettings(features=file, output=tmp_path / "out")
    large = ModelChoice(ModelSource(tmp_path, "large"), None, "")
    small = ModelChoice(ModelSource(tiny / "base", "tiny"), None, "")
    runs = [AvatarRun(BASE, inputs, settings, ModelSettings(), choice, {}) for choice in (small, large)]
    assert runs[0].start(subject) == found
    assert runs[1].start(subject) == (found if start != "auto" else "photo" if photo else "text")
    assert runs[0].recipe(subject).strength == (0.05 if found == "figure" else None)
    styled = replace(runs[0], loras={"style": {}})
    assert styled.recipe(subject).strength == (0.6 if found == "figure" else None)


@pytest.mark.skipif(not READER.is_file(), reason="train_avatar_reader.py has not made the reader yet")
def test_candidates_are_drawn_until_one_is_right_and_the_kept_one_is_repeated(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = write_person(tmp_path, "Ada", appearance=LOOKS)
    report = generate(ada, tmp_path / "out", tiny, start="text", candidates=3)
    beside = json.loads((tmp_path / "out/avatars/Ada.json").read_text(encoding="utf-8"))
    assert report.figures["steps"] == 6, "a random model shows nobody, and so all three are drawn"
    assert f"kept candidate {beside['candidate']} of 3; " in capsys.readouterr().out
    assert set(beside["shown_otherwise"]) <= {"skin_tone", "hair_length", "glasses"} and beside["shown_otherwise"]
    alone = generate(ada, tmp_path / "one", tiny, start="text").figures["steps"]
    assert alone == 2 and "avatar_reader.onnx" in read_provenance(tmp_path / "out/avatars/Ada.png")["models"]
    again: dict[str, Any] = {"features": ada, "output": tmp_path / "out", "candidates": 1}
    generate(model=tiny, from_picture=tmp_path / "out/avatars/Ada.png", **again)
    assert "Ada.png is repeated exactly, every pixel" in capsys.readouterr().out


def test_the_best_of_the_candidates_is_kept() -> None:
    picture = GeneratedPicture(Image.new("RGB", (8, 8)), StepCounts(1, 0), 1.0, 1.0, retried=False)
    tries = [Candidate([picture], number, Agreement(score, {})) for number, score in enumerate((-2.0, -0.5, -0.5))]
    assert best_of(tries).number == 1 and best_of([Candidate([picture])]).number == 0


# ---- variants and styles ----


def test_variants_differ_and_the_picked_one_is_the_avatar(tmp_path: Path, made: Path, tiny: Path) -> None:
    ada, out = made / "features/Ada.json", tmp_path / "out"
    report = generate(ada, out, tiny, variants=3, pick=2, **TWO_PASSES)
    assert report.figures["avatars"] == 1 and report.figures["drawn now"] == 3
    variants = pictures(out / "variants")
    assert set(variants) == {"Ada_1", "Ada_2", "Ada_3"} and len(set(variants.values())) == 3
    assert variants["Ada_1"] == pictures(made / "out")["Ada"], "the first is the avatar of a run without variants"
    for kind in (AVATARS, DRAWN):
        assert pictures(out, kind) == {"Ada": pictures(out / "variants", kind)["Ada_2"]}
    assert pixels(out / "variants.png").shape[1] > 3 * 320
    record = json.loads((out / "avatars/Ada.json").read_text(encoding="utf-8"))
    assert record["settings"]["seed"] == 2

    report = generate(ada, out, tiny, variants=3, pick=3, **TWO_PASSES)
    assert report.figures["drawn now"] == 0, "picking another one draws nothing"
    assert pictures(out)["Ada"] == variants["Ada_3"]
    generate(ada, out, tiny, **TWO_PASSES)
    assert pictures(out)["Ada"] == variants["Ada_1"], "without variants it is the first again"


def test_a_variant_is_repeated_exactly(
    tmp_path: Path, made: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = made / "features/Ada.json"
    generate(ada, tmp_path, tiny, variants=2, **TWO_PASSES)
    generate(ada, tmp_path / "again", tiny, from_picture=tmp_path / "variants/avatars/Ada_2.png")
    assert "repeated exactly" in capsys.readouterr().out


def test_a_folder_of_loras_gives_one_column_a_style(tmp_path: Path, people: Path, tiny: Path, lora: Path) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    shutil.copy(lora, folder / "oil.safetensors")
    (folder / "broken.safetensors").write_bytes(b"no weights")
    report = generate(people, tmp_path / "out", tiny, main_with_lora, lora=folder)
    assert report.figures["styles"] == 2 and report.faults == 1 and "oil.safetensors" in report.weights
    base, oil = (pictures(tmp_path / f"out/styles/{style}") for style in ("base", "oil"))
    assert set(base) == set(oil) == {"Ada", "Grace", "Júlia"} and base["Ada"] != oil["Ada"]
    assert faults_in(tmp_path / "out").keys() == {"broken.safetensors"}
    sheet = pixels(tmp_path / "out/gallery.png")
    assert 2 * 320 < sheet.shape[1] < 3 * 320
    with pytest.raises(UserError, match=r"no \.safetensors in this folder"):
        generate(people, tmp_path / "out", tiny, main_with_lora, lora=people)


# ---- the LoRA ----


def test_a_lora_changes_the_picture_scale_0_does_not_and_the_pair_shows_both(
    tmp_path: Path, made: Path, tiny: Path, lora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = made / "features/Ada.json"
    with_lora: dict[str, Any] = {"script": main_with_lora, "lora": lora}
    report = generate(ada, tmp_path / "zero", tiny, lora_scale=0.0, **with_lora, **TWO_PASSES)
    assert "style.safetensors" in report.weights
    generate(ada, tmp_path / "one/out", tiny, compare=True, **with_lora, **TWO_PASSES)
    told = capsys.readouterr().out
    matched = re.search(r"LoRA style\.safetensors: (\d+) of \1 keys matched \(diffusers\), scale 1", told)
    assert matched and int(matched[1]) == 32
    plain, zero, one = (
        pixels(path / "avatars/Ada.png") for path in (made / "out", tmp_path / "zero", tmp_path / "one/out")
    )
    assert (plain == zero).all() and np.abs(one.astype(int) - plain).mean() > 1
    assert SOURCE_TYPE in text_of(tmp_path / "one/out/pairs/Ada.png")
    facts = read_provenance(tmp_path / "one/out/avatars/Ada.png")["loras"]["style"]
    assert facts == {"file": "style.safetensors", "scale": 1.0, "sha256": sha256_of(lora)}

    repeat(tmp_path / "one", tiny, features=ada, lora_scale=0.3, **with_lora)
    assert "repeated exactly" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"the LoRAs differ \(style\.safetensors\); set LORA of AvatarGen\.py"):
        repeat(tmp_path / "one", tiny, features=ada)


def test_an_image_prompt_adapter_sees_the_photo_also_if_the_start_is_text(
    tmp_path: Path, made: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unet: Any = load_pipelines(choose_model(str(tiny), AUTO, with_refiner=False)).base.unet
    adapter = build_tiny_ip_adapter(tmp_path / "adapter", unet)
    ada, text = made / "features/Ada.json", {"start": "text", "ip_adapter": adapter.parent}
    report = generate(ada, tmp_path / "one/out", tiny, likeness=1.0, **text)
    assert adapter.name in report.weights and made / "ada.png" in report.inputs
    facts = read_provenance(tmp_path / "one/out/avatars/Ada.png")
    assert facts["ip_adapter"]["sha256"] == sha256_of(adapter) and facts["ip_adapter"]["scale"] == 1.0
    assert facts["reference_sha256"] == sha256_of(made / "ada.png")
    assert "ip_adapter" not in read_provenance(made / "out/avatars/Ada.png")
    capsys.readouterr()
    repeat(tmp_path / "one", tiny, features=ada, ip_adapter=adapter, likeness=0.2)
    assert "repeated exactly" in capsys.readouterr().out
    with pytest.raises(UserError, match="the image prompt adapter differs; set IP_ADAPTER"):
        repeat(tmp_path / "one", tiny, features=ada)
    other = save_photo(tmp_path / "other.png", 5)
    with pytest.raises(UserError, match="the reference photo differs; set REFERENCE"):
        repeat(tmp_path / "one", tiny, features=ada, ip_adapter=adapter, reference=other)
    with pytest.raises(UserError, match="setting REFERENCE is for one person"):
        generate(made / "features", tmp_path / "many", tiny, reference=other, **text)


def test_a_distilled_lora_draws_in_few_steps_beside_that_of_a_style(
    tmp_path: Path, people: Path, tiny: Path, lora: Path
) -> None:
    few: dict[str, Any] = {"mode": "base", "guidance": 1.0, "scheduler": "lcm", "fast_lora": lora}
    report = generate(people / "Ada.json", tmp_path / "out", tiny, main_with_lora, lora=lora, **few)
    assert report.weights == ["tiny/base", "style.safetensors", "style.safetensors"]
    with pytest.raises(UserError, match="FAST_LORA needs SCHEDULER lcm or lightning, and SCHEDULER is euler"):
        generate(people, tmp_path / "out", tiny, fast_lora=lora)
    with pytest.raises(UserError, match=r"gone\.safetensors: no such LoRA file"):
        generate(people, tmp_path / "out", tiny, main_with_lora, lora=tmp_path / "gone.safetensors")


# ---- cut-outs ----


def files_of(features: Path, model: Path, picture: Image.Image) -> Made:
    (subject,), _ = find_subjects(features, photo=None, with_photos=True)
    inputs, settings = (
        InputSettings(features=features, output=Path("out")),
        PictureSettings(size_px=256, cutout_model="u2netp", start="photo"),
    )
    choice = ModelChoice(ModelSource(model / "base", "tiny"), None, "")
    run = AvatarRun("test", inputs, settings, ModelSettings(), choice, {})
    generated = GeneratedPicture(picture, StepCounts(4, 1), 1.0, 0.1, retried=False)
    return avatar_files(run, subject, FinalPrompt("a hat", "blurry", 2, []), None, Candidate([generated]))


def test_a_picture_of_a_person_becomes_an_avatar_on_a_transparent_ground(people: Path, tiny: Path) -> None:
    from skimage.data import astronaut

    made = files_of(people / "Ada.json", tiny, Image.fromarray(astronaut()))
    assert made.fault == "" and list(made.files)[-1] == "avatars/Ada.png", "the avatar is written last"
    avatar = pixels(io.BytesIO(made.files["avatars/Ada.png"]))
    assert avatar.shape == (256, 256, 4) and {0, 255} <= set(avatar[..., 3].ravel().tolist())
    assert avatar[60, 110, 3] == 255 and avatar[5, 250, 3] == 0
    assert pixels(io.BytesIO(made.files["drawn/Ada.png"])).shape == (256, 256, 3)


def test_where_nothing_stands_out_the_drawn_picture_stays_and_the_fault_is_told(
    tmp_path: Path, people: Path, tiny: Path
) -> None:
    made = files_of(people / "Ada.json", tiny, Image.new("RGB", (64, 64), "teal"))
    assert "nothing stands out" in made.fault and "drawn/Ada.png" in made.fault
    assert list(made.files) == ["drawn/Ada.png"]
    with pytest.raises(UserError, match="CUTOUT_MODEL is 'scissors'"):
        generate(people / "Ada.json", tmp_path / "out", tiny, cut_out=True, cutout_model="scissors")


# ---- full memory, a full disk, bad input ----


def test_full_memory_of_the_gpu_ends_the_run_with_a_remedy(
    tmp_path: Path, people: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*inputs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def load(*arguments: Any) -> Pipelines:
        pipelines = load_pipelines(*arguments)
        pipelines.refiner.unet.register_forward_pre_hook(full)  # type: ignore[union-attr]
        return pipelines

    monkeypatch.setattr(avatar_maker, "load_pipelines", load)
    with pytest.raises(UserError, match="not enough memory; set VRAM_GB to 8, MODE to base, or choose a smaller MODEL"):
        generate(people, tmp_path / "out", tiny, **TWO_PASSES)
    assert not list((tmp_path / "out").rglob("*.png"))


@posix_only
def test_a_full_disk_ends_the_run_and_leaves_nothing_half_written(tmp_path: Path, people: Path, tiny: Path) -> None:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, before[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write .*drawn.Ada\.png"):
            generate(people, tmp_path / "out", tiny)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path for path in (tmp_path / "out").rglob("[!.]*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": 1.5}, "STRENGTH is 1.5"),
        ({"strength": 0.1}, "STRENGTH 0.1 leaves none of 2 steps"),
        ({"size_px": 10}, "SIZE_PX is 10"),
        ({"seed": -1}, "SEED is -1"),
        ({"tiles": 0}, "TILES is 0"),
        ({"variants": 0}, "VARIANTS is 0"),
        ({"variants": 2, "pick": 3}, "PICK is 3; it must be from 1 to 2"),
        ({"max_tokens": 0}, "MAX_TOKENS is 0"),
        ({"model": "gone"}, "gone: no such file or folder"),
        ({"features": Path("gone.json")}, r"gone\.json: no such file or folder; FeatureExtractor\.py"),
        ({"features": Path("empty")}, "empty: no features JSON in it; FeatureExtractor.py makes one"),
        ({"output": Path("out.png")}, r"OUTPUT is out\.png; it must be a folder"),
        ({"output": Path("features")}, "OUTPUT is features, the folder of the features"),
        ({"from_picture": Path("ada.png")}, r"ada\.png: has no provenance"),
        ({"photo": Path("ada.png")}, "PHOTO is for one person, and FEATURES is .* with 3"),
    ],
)
def test_faulty_settings_are_said_before_any_picture(
    tmp_path: Path, people: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    facts = {"features": Path("features"), "output": Path("out"), "model": tiny} | settings
    with pytest.raises(UserError, match=words):
        generate(**facts)
    assert not list(tmp_path.rglob("avatars"))


@needs_bad_inputs
def test_hostile_photos_are_used_or_refused(tmp_path: Path, people: Path) -> None:
    tool = runpy.run_path(str(BAD_INPUTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tool["images"](tmp_path / "images")
    refused, used = [], []
    for path in sorted(path for path in (tmp_path / "images").iterdir() if path.is_file()):
        person = Subject("x", Features("x", str(path), sha256_of(path)), people, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                square = person.read_photo()
                assert square is not None and square.mode == "RGB" and square.width == square.height
                used.append(path.name)
            except UserError as error:
                assert path.name in str(error) and "\n" not in str(error)
                refused.append(path.name)
    expected = {Path(file).name: expect == "accept" for file, _, expect in tool["rows"]}
    assert len(used) > 5 and {name for name in used if not expected[name]} == set()
    assert len(refused) > 5 and {name for name in refused if expected[name]} == set()
