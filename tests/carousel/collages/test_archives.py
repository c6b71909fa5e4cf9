"""Untrusted archives and folders: what is found in them, what is refused, and that nothing else is touched."""

import io
import os
import runpy
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from carousel.collages import archives
from carousel.collages.archives import ArchiveLimits, PhotoFault, PhotoSource, check_inputs, decode_photo, find_photos
from common.errors import UserError
from tests.helpers import BAD_INPUTS, heic_bytes, needs_bad_inputs


def picture_bytes(seed: int = 0, form: str = "PNG", **options: Any) -> bytes:
    low = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(low).resize((48, 32)).save(buffer, form, **options)
    return buffer.getvalue()


def pack(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # a NUL or a backslash too
            info.compress_type = options.get("compress_type", zipfile.ZIP_DEFLATED)
            info.external_attr = options.get("external_attr", 0)
            archive.writestr(info, content)
    return path


def found(
    *inputs: Path, limits: ArchiveLimits | None = None, **options: Any
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Bytes of the photos by label, and reasons of the faults."""
    photos: dict[str, bytes] = {}
    faults = {}
    for item in find_photos(check_inputs(list(inputs)), limits or ArchiveLimits(), **options):
        if isinstance(item, PhotoFault):
            faults[item.label] = item.reason
            continue
        assert item.label not in photos, "labels tell photos apart"
        try:
            photos[item.label] = item.read()
        except UserError as error:
            faults[item.label] = str(error)
    return photos, faults


# ---- what is found ----


def test_archives_folders_and_photos_in_any_mixture(tmp_path: Path) -> None:
    data = [picture_bytes(seed) for seed in range(5)]
    pack(tmp_path / "in/album.zip", {"b/x.PNG": data[0], "a/x.png": data[1], "readme.txt": b"hello", "a/": b""})
    for name, content in (("in/one.jpg", data[2]), ("in/sub/two.png", data[3]), ("three.png", data[4])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "in/notes.md").write_text("x")
    photos, faults = found(tmp_path / "three.png", tmp_path / "in")
    assert list(photos) == ["three.png", "in/album.zip/b/x.PNG", "in/album.zip/a/x.png", "in/one.jpg", "in/sub/two.png"]
    assert list(photos.values()) == [data[4], data[0], data[1], data[2], data[3]]
    assert not faults


def test_inputs_of_one_name_are_told_apart_and_the_same_one_counts_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        pack(tmp_path / folder / "album.zip", {"x.png": picture_bytes()})
    inputs = [tmp_path / "a/album.zip", tmp_path / "b/album.zip", tmp_path / "a/../a/album.zip"]
    photos, _ = found(*inputs)
    assert list(photos) == ["a/album.zip/x.png", "b/album.zip/x.png"]


def test_names_that_differ_by_case_or_folder_only_are_all_kept(tmp_path: Path) -> None:
    names = ["A.png", "a.png", "f/a.png", "F/a.png"]
    photos, faults = found(pack(tmp_path / "z.zip", dict(zip(names, map(picture_bytes, range(4)), strict=True))))
    assert len(photos) == 4 and len(set(photos.values())) == 4 and not faults


def test_what_macos_adds_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    junk = {"__MACOSX/._one.png": b"\0", ".DS_Store": b"\0", "f/.hidden.png": b"\0", "f/._inner.zip": b"\0"}
    photos, faults = found(pack(tmp_path / "z.zip", {**junk, "one.png": picture_bytes()}))
    assert list(photos) == ["z.zip/one.png"] and not faults
    for name, content in junk.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    assert found(tmp_path / "folder") == ({}, {})


def test_folders_of_other_things_are_passed_over(tmp_path: Path) -> None:
    for name in ("out/a.png", "p.png", "p_mask.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture_bytes())
    photos, _ = found(tmp_path, excluded=[tmp_path / "out"], is_other=lambda path: path.stem.endswith("_mask"))
    assert list(photos) == [f"{tmp_path.name}/p.png"]


def test_a_folder_a_pipe_and_a_loop_of_links_named_as_photos_are_said(tmp_path: Path) -> None:
    (tmp_path / "directory.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "self").symlink_to(tmp_path)
    _, faults = found(tmp_path)
    assert [reason.partition(" (")[0] for reason in faults.values()] == [
        "is a folder, not a picture",
        "cannot be opened",
        "is a device or pipe, not a picture",
    ]


def test_photos_of_phones_are_found_and_read(tmp_path: Path) -> None:
    content = {"b.heic": heic_bytes(Image.new("RGB", (64, 48), "red")), "c.avif": picture_bytes(form="AVIF")}
    (tmp_path / "a.HEIC").write_bytes(content["b.heic"])
    pack(tmp_path / "z.zip", content)
    photos, faults = found(tmp_path)
    assert not faults
    sizes = {Path(label).name: decode_photo(data, label)[0].shape for label, data in photos.items()}
    assert sizes == {"a.HEIC": (48, 64, 3), "b.heic": (48, 64, 3), "c.avif": (32, 48, 3)}


def test_inputs_that_do_not_exist_or_are_of_another_kind_are_listed_together(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("x")
    with pytest.raises(UserError, match=r"2 faults\n.*no such file.*\n.*neither a folder, a .zip nor a photo"):
        check_inputs([tmp_path / "missing", tmp_path / "table.csv", tmp_path])
    with pytest.raises(UserError, match="PHOTOS is empty"):
        check_inputs([])


def test_labels_are_printable(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with open(os.fsencode(tmp_path) + b"/f/\xff\n.png", "wb") as file:
        file.write(picture_bytes())
    (label,) = found(tmp_path / "f")[0]
    assert label.isprintable() and label.encode("utf-8") and label.startswith("f/")


# ---- what is refused ----

LINK, DEVICE = 0o120777 << 16, 0o020666 << 16


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [
        ("../../escaped.png", "points outside its folder", {}),
        ("f/../../escaped.png", "points outside its folder", {}),
        ("__MACOSX/../../../escaped.png", "points outside its folder", {}),
        ("/escaped.png", "absolute path", {}),
        ("C:/escaped.png", "absolute path", {}),
        ("..\\..\\escaped.png", "backslash", {}),
        ("a\0.png", "NUL", {}),
        ("link.png", "is a link", {"external_attr": LINK}),
        ("device.png", "is not a regular file", {"external_attr": DEVICE}),
        ("inner.zip", "an archive inside the archive", {}),
        ("inner.TGZ", "an archive inside the archive", {}),
        ("odd.png", "uses an unsupported compression method", {"compress_type": zipfile.ZIP_LZMA}),
    ],
)
def test_an_archive_with_a_harmful_member_is_refused(
    name: str, words: str, options: dict[str, Any], tmp_path: Path
) -> None:
    path = pack(tmp_path / "in/z.zip", {"fine.png": picture_bytes(), name: picture_bytes()}, **options)
    before = sorted(tmp_path.rglob("*"))
    photos, faults = found(path)
    assert not photos and list(faults) == ["z.zip"]
    assert faults["z.zip"].startswith("archive refused: ") and words in faults["z.zip"]
    assert "\n" not in faults["z.zip"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(2):
            archive.writestr("a.png", picture_bytes(seed))
    assert "two members are named" in found(tmp_path / "z.zip")[1]["z.zip"]


def test_limits_on_members_bytes_and_the_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture_bytes()
    path = pack(tmp_path / "z.zip", {f"{n}.png": data for n in range(4)})
    assert "4 members, the limit is 3" in found(path, limits=ArchiveLimits(files=3))[1]["z.zip"]
    assert "the limit is 0 GB" in found(path, limits=ArchiveLimits(unpacked_bytes=4 * len(data) - 1))[1]["z.zip"]
    photos, faults = found(path, limits=ArchiveLimits(photo_bytes=len(data) - 1))
    assert not photos and len(faults) == 4 and "MB, the limit is" in faults["z.zip/0.png"]
    assert len(found(path, limits=ArchiveLimits(4, 4 * len(data), len(data)))[0]) == 4
    monkeypatch.setattr(archives, "RATIO_FROM_BYTES", 1_000_000)
    bomb = pack(tmp_path / "bomb.zip", {"zeros.png": bytes(2_000_000)})
    assert "not photos, but a zip bomb" in found(bomb)[1]["bomb.zip"]
    assert (
        "all of its 3 photos are empty"
        in found(pack(tmp_path / "e.zip", dict.fromkeys("a.png b.png c.png".split(), b"")))[1]["e.zip"]
    )


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "sparse.png", "wb") as file:
        file.truncate(40_000_000_000)
    assert (
        "has 40000 MB, the limit is 1 MB"
        in found(tmp_path, limits=ArchiveLimits(photo_bytes=1_000_000))[1].popitem()[1]
    )


@pytest.mark.parametrize("stated", [10, 5_000_000])
def test_a_size_that_the_archive_states_wrongly_is_not_believed(stated: int, tmp_path: Path) -> None:
    """The bytes are counted as they come: a bomb that calls itself small gives no more than it calls itself."""
    path = pack(tmp_path / "z.zip", {"a.png": bytes(1_000_000)})
    forged = path.read_bytes().replace(struct.pack("<I", 1_000_000), struct.pack("<I", stated))
    path.write_bytes(forged)
    photos, faults = found(path)
    assert not photos and "cannot be unpacked" in faults["z.zip/a.png"]


def test_a_table_of_contents_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "z.zip", {f"{n}.png": b"x" for n in range(100)})
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 4000)
    assert "table of contents is too long" in found(path)[1]["z.zip"]


def test_a_damaged_member_is_a_fault_of_its_own(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(1000)
    path = pack(tmp_path / "z.zip", {"a.png": data, "b.png": data[::-1]}, compress_type=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(data[500:510], bytes(10)))
    photos, faults = found(path)
    assert list(photos) == ["z.zip/b.png"] and "cannot be unpacked" in faults["z.zip/a.png"]


@needs_bad_inputs
def test_hostile_archives_behave_as_the_collection_says(tmp_path: Path) -> None:
    source = (BAD_INPUTS).read_text(encoding="utf-8")
    (tmp_path / "tool.py").write_text(source.replace("200_000_000", "20_000_000"), encoding="utf-8")  # to be quick
    tool = runpy.run_path(str(tmp_path / "tool.py"))
    tool["archives"](tmp_path / "in/archives")
    before = sorted(tmp_path.rglob("*"))
    assert len(tool["rows"]) >= 16
    for file, what, expect in tool["rows"]:
        path = tmp_path / "in" / file
        photos, faults = found(path)
        if expect == "accept":
            assert photos and not faults, what
            assert len(photos) == (1 if path.stem == "macos" else 2)
        else:
            assert not photos and list(faults) == [path.name], what
            assert faults[path.name] and faults[path.name].isprintable()
    assert sorted(tmp_path.rglob("*")) == before, "nothing was unpacked"
    assert len(found(tmp_path / "in/archives")[0]) == 7, "the good ones, out of a folder of all"


@given(data=st.data())
def test_any_damage_to_an_archive_ends_in_photos_or_faults(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.png", "f/b.png"):
            archive.writestr(zipfile.ZipInfo(name), picture_bytes(len(name)))
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    photos, faults = found(path)
    assert photos or faults
    assert all(reason and label.isprintable() for label, reason in faults.items())


# ---- decoding ----


def decoded(image: Image.Image, form: str, **options: Any) -> tuple[np.ndarray, list[str]]:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return decode_photo(buffer.getvalue(), "p")


def test_a_photo_comes_upright_and_bare() -> None:
    image = Image.fromarray(np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo, notes = decoded(image, "PNG", exif=exif)
    assert photo.dtype == np.uint8 and (photo == np.rot90(np.asarray(image), -1)).all() and notes == []


@pytest.mark.parametrize("share", [0.0, 0.04, 0.06, 1.0])
def test_a_cut_out_is_no_photo(share: float) -> None:
    pixels = np.full((100, 100, 4), 90, np.uint8)
    pixels[..., 3] = 255
    pixels[: round(100 * share), :, 3] = 0
    if share > 0.05:
        with pytest.raises(UserError, match=f"{100 * share:.0f}% of its pixels are transparent"):
            decoded(Image.fromarray(pixels), "PNG")
        return
    photo, _ = decoded(Image.fromarray(pixels), "PNG")
    assert (photo == np.where(pixels[..., 3:] > 0, 90, 255)).all(), (
        "what is transparent shows nothing that lay under it"
    )


def test_of_an_animation_the_first_frame_is_taken_and_said() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    photo, notes = decoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert (photo == (255, 0, 0)).all() and notes == ["p: an animation; its first frame is used"]


def test_the_limit_on_pixels() -> None:
    with pytest.raises(UserError, match="p: 48 x 32 px is larger than the limit"):
        decode_photo(picture_bytes(), "p", max_pixels=48 * 32 - 1)
    assert decode_photo(picture_bytes(), "p", max_pixels=48 * 32)[0].shape == (32, 48, 3)


@needs_bad_inputs
def test_hostile_pictures_behave_as_the_collection_says(tmp_path: Path) -> None:
    tool = runpy.run_path(str(BAD_INPUTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tool["images"](tmp_path / "images")
    for file, what, expect in tool["rows"]:
        ((label, data),) = [
            (i.label, i.read() if isinstance(i, PhotoSource) else None)
            for i in find_photos([(tmp_path / file)], ArchiveLimits())
        ] or [("", None)]
        accepted = False
        if data is not None:
            try:
                photo, notes = decode_photo(data, label)
                accepted = photo.dtype == np.uint8 and photo.ndim == 3
                assert bool(notes) == ("animated" in file)
            except UserError as error:
                assert str(error).isprintable()
        assert accepted == (expect == "accept"), what
