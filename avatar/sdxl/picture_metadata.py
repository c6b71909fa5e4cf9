"""Generated pictures say so: the text in a PNG that marks it as synthetic and tells how it was made.

The mark is the IPTC's digital source type "trainedAlgorithmicMedia", as XMP, which programs and platforms look for. The
making is JSON under a key of ours; a plain sentence is for people.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.errors import UserError
from common.files import atomic_path

KEY = "Re:Live"
SENTENCE = "A synthetic picture: drawn by a generative model, not a photograph."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def write_marked_png(path: Path, image: Image.Image, making: Mapping[str, Any] | None = None) -> None:
    """Write a generated picture as PNG, atomically, with the mark and with how it was made.

    Args:
        path: its folder is made where missing.
        image: mode RGBA or RGB.
        making: plain values; None: the mark alone.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    text.add_text("Comment", SENTENCE)
    if making is not None:
        text.add_itxt(KEY, json.dumps(making, ensure_ascii=False))
    with atomic_path(path) as part:
        image.save(part, "PNG", pnginfo=text)


def read_making(path: Path) -> dict[str, Any]:
    """How a picture was made, as it says itself.

    Raises:
        UserError: no such file, no PNG, or none that tells its making.
    """
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder, not a picture' if path.is_dir() else 'no such file'}")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            making = json.loads(image.info[KEY])
    except KeyError as error:
        raise UserError(
            f"{path}: does not tell how it was made; it must be an avatar as our scripts wrote it"
        ) from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        raise UserError(f"{path}: no PNG of ours that can be read") from error
    if not isinstance(making, dict):
        raise UserError(f"{path}: what it says of its making is damaged")
    return making


def mark_of(path: Path) -> str | None:
    """The hash of what a picture was made from; None where it is not one of ours."""
    try:
        return str(read_making(path)["made_from"])
    except (UserError, KeyError):
        return None
