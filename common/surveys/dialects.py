"""CSV dialects: encoding, separator, decimal mark, header."""

import codecs
import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.files import no_file

_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE)
ROWS_BELOW = 5  # the header, which a separator should split like it
TABLE_SUFFIXES = (".csv", ".parquet")
BLOCK_BYTES = 1 << 20  # read at a time; pyarrow holds some dozens of blocks


@dataclass(frozen=True)
class Dialect:
    """The dialect of one CSV file.

    Attributes:
        encoding: name of a Python codec.
        delimiter: the character between cells.
        names: the columns; those without a name are called "(column 3)".
        header_lines: lines that the header takes (more than one where a name has a line break).
        has_loose_quotes: blanks stand before quotes, `"name" , "rock"`.
    """

    encoding: str
    delimiter: str
    names: list[str]
    header_lines: int
    has_loose_quotes: bool = False

    def rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Line number, from 1, and cells of every row below the header; blank lines are left out."""
        with open(path, encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, skipinitialspace=self.has_loose_quotes)
            try:
                for cells in reader:
                    if cells and reader.line_num > self.header_lines:
                        yield reader.line_num, cells
            except csv.Error as error:
                raise UserError(f"{path}: line {reader.line_num}: {error}") from error
            except UnicodeDecodeError as error:
                raise UserError(f"{path}: below line {reader.line_num}: not text ({self.encoding})") from error

    def number(self, cell: str) -> float:
        """The cell as a number; where the delimiter is not a comma, commas may be decimal marks.

        Raises:
            ValueError: no number in plain digits.
        """
        text = cell.strip(" \t")
        if self.delimiter != ",":
            text = text.replace(",", ".")
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{cell!r} is not a number")
        return float(text)


def check_table_path(path: Path, suffixes: Sequence[str] = TABLE_SUFFIXES) -> None:
    """Raise UserError where `path` is not a file, or has another suffix."""
    if not path.is_file():
        raise UserError(f"{path}: {no_file(path, 'a table')}")
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: needs the suffix {' or '.join(suffixes)}")


def find_dialect(path: Path) -> Dialect:
    """Detect the dialect of a CSV file: the separator is the one that splits the header into most columns, and
    the first rows alike.

    Raises:
        UserError: empty, not text, or no header.
    """
    encoding = _find_encoding(path)
    best: tuple[tuple[bool, int], list[str], str, int, bool] = ((False, 0), [], ",", 1, False)
    try:
        for delimiter in ",;\t|":
            with open(path, encoding=encoding, newline="") as file:
                loose = bool(re.match(rf'"[^"]*" *[{delimiter}] +"', file.readline()))
                file.seek(0)
                reader = csv.reader(file, delimiter=delimiter, skipinitialspace=loose)
                names, lines = next(reader, []), reader.line_num
                below = [len(cells) for cells in itertools.islice(reader, ROWS_BELOW) if cells]
                fits = len(names) > 1 and bool(below) and all(count == len(names) for count in below)
                if (fits, len(names)) > best[0]:
                    best = ((fits, len(names)), names, delimiter, lines, loose)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a table ({error}); save it as CSV (UTF-8)") from error
    _, names, delimiter, header_lines, loose = best
    if not any(name.strip() for name in names):
        raise UserError(f"{path}: its first line is blank, it must name the columns")
    named = [name.strip() or f"(column {number})" for number, name in enumerate(names, 1)]
    return Dialect(encoding, delimiter, named, header_lines, loose)


def _find_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 where the bytes say so, else Windows-1252, which has Latin-1's letters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as file:
        start = file.read(4)
        if not start:
            raise UserError(f"{path}: is empty")
        if start[:2] == b"PK":
            raise UserError(f"{path}: is an Excel workbook or a zip archive; save the table as CSV (UTF-8)")
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if start[place::2] == b"\0\0" and start[1 - place :: 2].isascii() and b"\0" not in start[1 - place :: 2]:
                return encoding
        file.seek(0)
        try:
            while block := file.read(BLOCK_BYTES):
                if b"\0" in block:
                    raise UserError(f"{path}: is not a text table")
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            _check_one_encoding(path)
            return "cp1252"
    return "utf-8-sig"


def _check_one_encoding(path: Path) -> None:
    """Raise UserError where letters of some lines are in UTF-8 and those of others are not."""
    first: dict[str, int] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.isascii():
                try:
                    line.removeprefix(codecs.BOM_UTF8).decode()
                    first.setdefault("UTF-8", number)
                except UnicodeDecodeError:
                    first.setdefault("other", number)
            if len(first) == 2:
                places = f"line {first['UTF-8']} is in UTF-8, and line {first['other']} is not"
                raise UserError(f"{path}: {places}; save the whole table in one encoding, best in UTF-8")
