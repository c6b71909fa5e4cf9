"""Signed results: pictures that a script wrote are told from those that a person made or changed.

A signed PNG carries, as its last chunk, the SHA-256 of everything before it. A picture that was painted, changed or
copied into a folder of results has no valid signature, and no script may replace it.
"""

import hashlib
import struct
import zlib
from pathlib import Path

from common.files import open_plain, write_bytes

END = 12  # length of a PNG's last chunk, IEND, in bytes
KEYWORD = b"Re-Live\0"


def signed(png: bytes) -> bytes:
    """Return the content of a PNG file with its signature."""
    body = png[:-END]
    return body + _signature(body) + png[-END:]


def is_signed(path: Path) -> bool:
    """Whether a script wrote this file as it is; an empty file counts too, because it holds no work.

    Raises:
        OSError: the file cannot be read.
        UserError: it is a pipe or a device.
    """
    with open_plain(path) as file:
        content = file.read()
    body = content[: -END - len(_signature(b""))]
    return not content or content[len(body) : -END] == _signature(body)


def write_signed(path: Path, png: bytes) -> bool:
    """Write a signed PNG atomically, unless a person made or changed the file that is there.

    Returns:
        Whether it was written.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    if path.is_file() and not is_signed(path):
        return False
    write_bytes(path, signed(png))
    return True


def _signature(body: bytes) -> bytes:
    """Return a tEXt chunk with the hash of the bytes before it."""
    content = b"tEXt" + KEYWORD + hashlib.sha256(body).hexdigest().encode()
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
