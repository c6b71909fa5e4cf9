# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "ai-edge-litert>=2.3",
#     "deepface>=0.0.103",
#     "diffusers>=0.42",
#     "huggingface-hub>=2.4",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-contrib-python-headless>=4.14,<5",
#     "opencv-python-headless>=4.14,<5",
#     "openpyxl>=3.1",
#     "peft>=0.21",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "pyarrow>=19",
#     "re-live",
#     "rembg>=2.0.86",
#     "resvg-py>=0.2",
#     "safetensors>=0.8",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "transformers>=5.23",
#     "tyro>=1.0",
#     "werkzeug>=3.1",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 1: propose the features of a person from a photo and a taste in music; edit the JSON to change the avatar.

The taste is a row of PET's table (USERS, USER), or typed (TASTE). If PHOTO is a folder, its photos are named like the
users, and everybody with a photo gets features; up-to-date ones are kept. A JSON that you edited is never replaced
unless OVERWRITE is on.

A small network, which infers nothing else, finds the face. Gender, race and age are inferred only if you switch that
on, one by one; below MIN_CONFIDENCE they stay empty and out of the prompt. Such inference errs: 97 % right on photos of
celebrities, and up to 35 % wrong for darker-skinned women (Buolamwini and Gebru 2018); there is no published figure for
race, and no network sees how people identify. So what you state yourself (LOOKS, GENDER, RACE, AGE, DESCRIPTION) always
takes precedence, in any words, and may be empty. Photo and results stay on this machine.

Reads   PHOTO (the sample: NASA's portrait of Eileen Collins, which scikit-image ships), data/pet/users.csv
Writes  outputs/avatar/features/: NAME.json and NAME_face.png (the face, every value, and what was measured where); if
        there is no face, or one of several must be chosen, NAME_fault.png; for a folder contact_sheet.png, faults.csv
"""

from pathlib import Path
from typing import Annotated, Literal

from common.errors import UserError
from common.files import check_output_folder, print_faults
from common.paths import DATA, OUTPUTS
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--photo me.jpg --taste "rock=5, jazz=3") ----
PHOTO: Path | None = None  # photo, or folder of photos named like the users; None: the sample
TASTE: str = ""  # genres with numbers, "rock=5, hip-hop=3"; takes precedence over USER
USERS: Path = DATA / "pet/users.csv"  # table of tastes, .csv or .parquet, as PET reads it
USER: str = "Júlia"  # user of USERS whose taste is used; for a folder, the photos' names select the users
NAME: str = ""  # name of the person and the results; empty: USER, or the photo's name if TASTE is typed
OUTPUT: Path = OUTPUTS / "avatar/features"  # folder for the results
ANALYZER: Literal["deepface", "embedded", "self"] = "deepface"  # deepface: gender, race; embedded: gender, age
INFER_GENDER: bool = False  # let the analyzer propose a gender
INFER_RACE: bool = False  # let the analyzer propose a race
INFER_AGE: bool = False  # let the analyzer propose an age
MIN_CONFIDENCE: Annotated[float, Range(0, 1)] = 0.7  # inferred values with a lower score stay empty
APPEARANCE: bool = True  # measure skin tone, hair, glasses, facial hair and headwear; they are proposals to edit
LOOKS: str = ""  # "hair_colour=grey, glasses=none", in your own words; takes precedence over what is measured
GENDER: str = ""  # in your own words; takes precedence over inference
RACE: str = ""  # in your own words; takes precedence over inference
AGE: str = ""  # in your own words; takes precedence over inference
DESCRIPTION: str = ""  # yourself in your own words; then no inferred trait enters the prompt
FACE: Annotated[int | None, Range(1, 1000)] = None  # number of the face from the left; None: the only or largest by far
DEEPFACE_ENGINE: Literal["onnx", "pytorch"] = "onnx"  # library that runs DeepFace
DEEPFACE_HOME: Path | None = None  # folder that contains .deepface/weights; None: DeepFace's own
OVERWRITE: bool = False  # replace a JSON even if it was edited
TILES: Annotated[int, Range(1, 400)] = 40  # largest number of people on a folder's contact sheet
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
WORKERS: Annotated[int | None, Range(1, 1024)] = None  # of Ray, each with the models; None: one per GPU or core


def main() -> Report:
    """Propose features for one person, or for everybody in a folder."""
    from avatar.person.extraction_batch import extract_features, extract_one, write_overviews
    from avatar.person.feature_extraction import ExtractionSettings
    from avatar.person.features import parse_appearance
    from avatar.person.user_photos import one_user_photo, sample_photo, user_photos_of
    from common.files import file_stem

    allowed = {"gender": INFER_GENDER, "race": INFER_RACE, "age": INFER_AGE}
    stated = {"gender": GENDER.strip(), "race": RACE.strip(), "age": AGE.strip()}
    settings = ExtractionSettings(
        analyzer=ANALYZER,
        infer=tuple(trait for trait, is_on in allowed.items() if is_on),
        stated=stated,
        description=DESCRIPTION,
        min_confidence=MIN_CONFIDENCE,
        appearance=APPEARANCE,
        looks=parse_appearance(LOOKS),
        face=FACE,
        engine=DEEPFACE_ENGINE,
        deepface_home=DEEPFACE_HOME,
    )
    if PHOTO is not None and PHOTO.is_dir():
        if any(stated.values()) or LOOKS or DESCRIPTION or NAME or FACE:
            raise UserError("LOOKS, GENDER, RACE, AGE, DESCRIPTION, NAME and FACE are for one photo; PHOTO is a folder")
        check_output_folder(OUTPUT, [PHOTO], "photos")
        user_photos, faults = user_photos_of(PHOTO, taste=TASTE, users=USERS)
        ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
        result = extract_features(user_photos, settings, output=OUTPUT, overwrite=OVERWRITE, ray=ray)
        faults |= result.faults
        write_overviews(OUTPUT, user_photos, faults, tiles=TILES)
        print(f"features: {result.made} new, {result.kept} up to date, {result.edited} edited and kept")
        print_faults(OUTPUT, faults)
        written = OUTPUT
    else:
        user_photos = [one_user_photo(PHOTO or sample_photo(), taste=TASTE, users=USERS, user=USER, name=NAME)]
        faults = {}
        result = extract_one(user_photos[0], settings, output=OUTPUT, overwrite=OVERWRITE)
        written = OUTPUT / f"{file_stem(user_photos[0].name)}.json"
    kept = result.kept + result.edited
    return Report(
        output=written,
        inputs=[*([] if TASTE.strip() else [USERS]), *(found.photo for found in user_photos)],
        figures={"people": result.made + kept, "kept": kept},
        faults=len(faults),
        device=result.device,
        weights=result.weights,
    )


if __name__ == "__main__":
    run(main)
