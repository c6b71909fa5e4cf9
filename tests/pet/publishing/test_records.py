"""docs/pet: what is published is current, fits its schemas, and its test vectors are what the rule and pixels give."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import UserError
from common.genres import GENRES
from common.paths import DATA
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe
from pet.drawing.compositing import Dresser
from pet.drawing.designs import design_of
from pet.drawing.vector_pets import draw_svg, fragment
from pet.publishing.files import published_files
from pet.publishing.records import RGBA_PX, sample_people, vector_records, wardrobe_record
from tests.helpers import ROOT
from tests.pet.choosing.test_recommender import naive_choice

DOCS = ROOT / "docs/pet"
VECTORS: list[dict[str, Any]] = json.loads((DOCS / "vectors.json").read_text(encoding="utf-8"))["vectors"]
WARDROBE, BODIES = load_wardrobe(), load_bodies()
ADD = "python pet/2_Publish.py writes it anew"


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return wardrobe_record(WARDROBE, BODIES, DATA / "pet/art")


def test_the_published_files_are_current(published: dict[str, Any]) -> None:
    for name, text in published_files(published, VECTORS).items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: {ADD}"


def test_the_test_vectors_are_current(published: dict[str, Any]) -> None:
    names, tastes = sample_people(len(VECTORS), seed=0)
    assert [vector["name"] for vector in VECTORS] == names and len(names) == 1000
    some = slice(0, 24)
    found = vector_records(published, WARDROBE, BODIES, (names[some], tastes[some]))
    assert found == VECTORS[some], ADD


def test_all_vectors_hold_what_the_rule_gives_step_by_step_and_its_drawing(published: dict[str, Any]) -> None:
    for vector in VECTORS[::20]:
        worn, _ = naive_choice(vector["name"], vector["taste"])
        assert vector["worn"] == worn
        design = design_of(vector["name"], [worn[slot] for slot in SLOTS], BODIES)
        assert (vector["body"], vector["coat"]) == (design.body, design.coat and design.coat._asdict())
        assert vector["svg_sha256"] == hashlib.sha256(draw_svg(published, design).encode()).hexdigest()
    files = {slot: WARDROBE.find(VECTORS[7]["worn"][slot]).file for slot in SLOTS}
    design = design_of(VECTORS[7]["name"], list(VECTORS[7]["worn"].values()), BODIES)
    pet = Dresser(RGBA_PX).dress(BODIES[design.body], files, design.coat)
    assert hashlib.sha256(np.asarray(pet).tobytes()).hexdigest() == VECTORS[7]["rgba_sha256"]


def test_the_vectors_cover_all_bodies_coats_and_nearly_all_accessories() -> None:
    worn = {name for vector in VECTORS for name in vector["worn"].values()}
    assert {vector["body"] for vector in VECTORS} == set(BODIES)
    assert len({tuple(vector["coat"].values()) for vector in VECTORS}) == 108
    assert len(worn) >= 0.9 * sum(map(len, WARDROBE.slots.values()))
    assert all(len(vector["taste"]) == len(GENRES) for vector in VECTORS)


@pytest.mark.parametrize("name", ["wardrobe", "vectors"])
def test_the_files_fit_their_schemas_and_a_schema_refuses_what_does_not(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema, values = (
        json.loads((DOCS / file).read_text(encoding="utf-8")) for file in (f"{name}.schema.json", f"{name}.json")
    )
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    check.validate(values)
    if name == "vectors":
        values["vectors"][0]["taste"][0] = 2
    else:
        values["slots"]["Head"][0]["svg"] = "<script>"
    assert not check.is_valid(values)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ('<image href="https://example.org/a.png"/>', "a link to https://example.org"),
        ("<text>Hello</text>", "<text>"),
        ('<path onclick="x()" d="M0 0"/>', "<path>"),
        ("<style>path { fill: red }</style>", "<style>"),
    ],
)
def test_a_drawing_that_is_more_than_shapes_is_refused(inside: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1024 1024"><title>A</title>{inside}</svg>',
        encoding="utf-8",
    )
    with pytest.raises(UserError, match="may hold shapes only") as error:
        fragment(tmp_path / "a.svg", "Head")
    assert words in str(error.value)


def test_a_fragment_keeps_shapes_and_gives_ids_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://www.inkscape.org/namespaces/inkscape" '
        'viewBox="0 0 1024 1024" stroke="#2b1f3d"><title>A</title><i:namedview/><!-- note -->'
        '<clipPath id="c"><path d="M0 0"/></clipPath><g i:label="x" clip-path="url(#c)"><path d="M1 1"/></g></svg>',
        encoding="utf-8",
    )
    assert fragment(tmp_path / "a.svg", "Head") == (
        '<g stroke="#2b1f3d"><clipPath id="Head-c"><path d="M0 0" /></clipPath>'
        '<g clip-path="url(#Head-c)"><path d="M1 1" /></g></g>'
    )
