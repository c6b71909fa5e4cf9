"""Step 1: propose the features of a person from a photo and a taste in music; edit the JSON, and the avatar follows.

The taste is a row of PET's table (USERS, USER) or typed in (TASTE). PHOTO may be a folder, whose photos are named like
the users: then everybody with a photo gets features, and what was made before is kept. A JSON that you edited is never
replaced unless OVERWRITE says so.

Where the face is, is found by a small network that knows nothing else. Gender, race and age are inferred only where
you switch that on, one by one; below MIN_CONFIDENCE they stay empty and out of the prompt. Such inference errs: 97 of
100 right on photos of celebrities, and up to 35 of 100 wrong for darker-skinned women (Buolamwini and Gebru 2018);
race has no published figure at all, and no network sees how people identify. So what you say of yourself (GENDER,
RACE, AGE, DESCRIPTION) always wins, in any words, and may be empty. Photo and results stay on this machine.

Reads   PHOTO (the sample: NASA's portrait of Eileen Collins, which scikit-image ships), data/pet/users.csv
Writes  outputs/avatar/features/: NAME.json and NAME_face.png (the face, and every value with its source); where there
        is no face, or one of several must be chosen, NAME_fault.png; of a folder contact_sheet.png and faults.csv
"""

from pathlib import Path
from typing import Literal

from common.errors import FAULTS_SHOWN, UserError, check_range
from common.files import print_faults
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--photo me.jpg --taste "rock=5, jazz=3") ----
PHOTO: Path | None = None  # a photo, or a folder of photos named like the users; None: the sample
TASTE = ""  # genres with numbers, "rock=5, hip-hop=3"; goes before USER
USERS = DATA / "pet/users.csv"  # table of tastes, .csv or .parquet, as PET reads it
USER = "Júlia"  # whose row of USERS is the taste; a folder's photos tell it by their names
NAME = ""  # of the person and the results; empty: USER, or with TASTE the photo's name
OUTPUT = OUTPUTS / "avatar/features"  # folder for the results
ANALYZER: Literal["deepface", "embedded", "self"] = "deepface"  # deepface: gender, race; embedded: gender, age
INFER_GENDER = False  # let the analyzer propose a gender
INFER_RACE = False  # let the analyzer propose a race
INFER_AGE = False  # let the analyzer propose an age
MIN_CONFIDENCE = 0.7  # what is inferred with less, 0 to 1, stays empty
GENDER = ""  # in your own words; wins over inference
RACE = ""  # in your own words; wins over inference
AGE = ""  # in your own words; wins over inference
DESCRIPTION = ""  # yourself in your own words; then nothing that was inferred goes into the prompt
FACE: int | None = None  # which of several faces, counted from the left from 1; None: there must be one
ENGINE: Literal["onnx", "pytorch"] = "onnx"  # what runs DeepFace
DEEPFACE_HOME: Path | None = None  # folder that holds .deepface/weights; None: DeepFace's own
OVERWRITE = False  # replace a JSON even where it was edited
TILES = 40  # people on a folder's contact sheet at most


def main(
    photo: Path | None = PHOTO,
    taste: str = TASTE,
    users: Path = USERS,
    user: str = USER,
    name: str = NAME,
    output: Path = OUTPUT,
    analyzer: Literal["deepface", "embedded", "self"] = ANALYZER,
    infer_gender: bool = INFER_GENDER,
    infer_race: bool = INFER_RACE,
    infer_age: bool = INFER_AGE,
    min_confidence: float = MIN_CONFIDENCE,
    gender: str = GENDER,
    race: str = RACE,
    age: str = AGE,
    description: str = DESCRIPTION,
    face: int | None = FACE,
    engine: Literal["onnx", "pytorch"] = ENGINE,
    deepface_home: Path | None = DEEPFACE_HOME,
    overwrite: bool = OVERWRITE,
    tiles: int = TILES,
) -> Report:
    """Propose features for one person or for everybody in a folder."""
    check_range("MIN_CONFIDENCE", min_confidence, 0, 1)
    check_range("TILES", tiles, 1, 400)
    from avatar.person.extraction import Extractor, Wishes, extract_all, finish_folder
    from avatar.person.visitors import one_sitter, sample_photo, sitters_of

    allowed = {"gender": infer_gender, "race": infer_race, "age": infer_age}
    stated = {"gender": gender.strip(), "race": race.strip(), "age": age.strip()}
    infer = tuple(trait for trait, is_on in allowed.items() if is_on)
    wishes = Wishes(analyzer, infer, stated, description, min_confidence, face, engine, deepface_home)
    if photo is not None and photo.is_dir():
        if any(stated.values()) or description or name or face:
            raise UserError("GENDER, RACE, AGE, DESCRIPTION, NAME and FACE are for one photo; PHOTO is a folder")
        sitters, faults = sitters_of(photo, taste, users)
        extractor = Extractor(wishes, output, overwrite)
        results = extract_all(extractor, sitters, faults)
        finish_folder(output, results, faults, tiles)
    else:
        sitters, faults = [one_sitter(photo or sample_photo(), taste, users, user, name)], {}
        extractor = Extractor(wishes, output, overwrite)
        results = [extractor.extract(sitters[0])]

    for result in results[:FAULTS_SHOWN]:
        print(result.describe())
    if len(results) > FAULTS_SHOWN:
        print(f"... and {len(results) - FAULTS_SHOWN} more in {shown(output)}")
    print_faults(output, faults)
    return Report(
        results[0].features if photo is None or not photo.is_dir() else output,
        [*([] if taste.strip() else [users]), *(sitter.photo for sitter in sitters)],
        {"people": len(results), "kept": sum(bool(result.kept) for result in results)},
        len(faults),
        extractor.device,
        extractor.weights,
    )


if __name__ == "__main__":
    run(main)
