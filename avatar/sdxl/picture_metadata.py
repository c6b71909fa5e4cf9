"""Metadata of generated pictures: a mark that they are synthetic, and their provenance.

The mark is the IPTC digital source type "trainedAlgorithmicMedia" as XMP, which programs and platforms read, and a
sentence for people. The provenance is JSON under our own key.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.errors import UserError
from common.files import no_file, utf8, write_bytes

KEY = "Re:Live"
SENTENCE = "A synthetic picture: drawn by a generative model, not a photograph."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def marked_png_bytes(image: Image.Image, provenance: Mapping[str, Any] | None = None) -> bytes:
    """Encode a generated picture as PNG with the mark and its provenance.

    Args:
        image: mode RGBA or RGB.
        provenance: JSON values; None: the mark only.
    """
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    text.add_text("Comment", SENTENCE)
    if provenance is not None:
        text.add_itxt(KEY, utf8(json.dumps(provenance, ensure_ascii=False)).decode())
    content = io.BytesIO()
    image.save(content, "PNG", pnginfo=text)
    return content.getvalue()


def write_marked_png(path: Path, image: Image.Image, provenance: Mapping[str, Any] | None = None) -> None:
    """Write `marked_png_bytes` atomically. Raises UserError if the folder cannot be written or the disk is full."""
    write_bytes(path, marked_png_bytes(image, provenance))


def read_provenance(path: Path) -> dict[str, Any]:
    """Read a picture's provenance from its metadata.

    Raises:
        UserError: the file is missing, not a PNG, or has no provenance.
    """
    if not path.is_file():
        raise UserError(f"{path}: {no_file(path, 'a picture')}")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            provenance = json.loads(image.info[KEY])
    except KeyError as error:
        raise UserError(
            f"{path}: has no provenance in its metadata; it must be an avatar as our scripts write it"
        ) from error
    except Exception as error:  # Pillow's readers raise many kinds on damaged files
        raise UserError(f"{path}: cannot be read as a PNG of ours") from error
    if not isinstance(provenance, dict):
        raise UserError(f"{path}: the provenance in its metadata is damaged")
    return provenance
