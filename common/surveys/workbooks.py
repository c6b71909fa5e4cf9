"""Excel workbooks and JSON records, written as plain CSV."""

import csv
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import UserError
from common.genres import genres_of
from common.surveys.asking import setting
from common.surveys.shapes import has_genres

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_BYTES = 1 << 30  # of a workbook or of records, unpacked
MAX_ROWS = 1 << 20  # of a sheet, as in Excel; a file may claim any number
MAX_RATIO = 100  # of unpacked to packed bytes of a workbook; tables have 5 to 30
RATIO_FROM_BYTES = 50_000_000  # smaller ones may have any ratio
MAX_EMPTY = 100  # cells for each value of JSON records, once there are SPARSE_FROM of them
SPARSE_FROM = 10_000_000


def write_workbook(path: Path, folder: Path, wanted: str = "") -> Path:
    """Write a sheet as CSV into `folder`: the one that has genres, or of none, the first that has rows.

    Args:
        wanted: name of the sheet; empty: found.

    Raises:
        UserError: damaged, too large, or empty; several sheets have genres; cells are formulas without values.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
            if unpacked > max(RATIO_FROM_BYTES, MAX_RATIO * path.stat().st_size):
                raise UserError(f"{path}: {unpacked / 1e6:.0f} MB in a small file, no workbook but a zip bomb")
            if unpacked > MAX_BYTES:
                raise UserError(f"{path}: is larger than {MAX_BYTES >> 30} GB unpacked; save it as CSV (UTF-8)")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        name = _choose_sheet(book, folder, wanted)
        _check_formulas(openpyxl.load_workbook(path, read_only=True)[name], book[name])
        target = folder / "table.csv"
        _write(target, ([_text(cell) for cell in row] for row in _rows_of(book[name])))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        raise UserError(f"{path}: is not an Excel workbook that can be read ({error})") from error
    return target


def _choose_sheet(book: "Workbook", folder: Path, wanted: str) -> str:
    sheets = {sheet.title: list(_few(sheet)) for sheet in book.worksheets}
    if wanted:
        if wanted not in sheets:
            raise UserError(f"setting SHEET: there is no sheet {wanted!r}; the sheets are {', '.join(sheets)}")
        return wanted
    hidden = {sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"}
    filled = [name for name, rows in sheets.items() if any(cell is not None for row in rows for cell in row)]
    shown = [name for name in filled if name not in hidden] or filled
    if not shown:
        raise UserError("is empty")
    with_genres = []
    for name in shown:
        _write(folder / "sheet.csv", ([_text(cell) for cell in row] for row in sheets[name]))
        if has_genres(folder / "sheet.csv"):
            with_genres.append(name)
    if len(with_genres) > 1:
        raise UserError(
            f"the sheets {', '.join(map(repr, with_genres))} all have genres: say "
            + " or ".join(setting("sheet", name) for name in with_genres)
        )
    return (with_genres or shown)[0]


def _check_formulas(formulas: "Worksheet", values: "Worksheet") -> None:
    """Raise where the first rows have formulas that no spreadsheet has computed."""
    both = zip(_few(formulas), _few(values), strict=False)
    for number, (written, computed) in enumerate(both, 1):
        for formula, value in zip(written, computed, strict=False):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                raise UserError(
                    f"row {number}: {formula} is a formula without its value; open and save it in a spreadsheet"
                )


def _few(sheet: "Worksheet") -> Iterator[tuple[object, ...]]:
    yield from itertools.islice(_rows_of(sheet), 50)


def _rows_of(sheet: "Worksheet") -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        if number >= MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS:,} rows")
        yield row


def write_records(path: Path, target: Path) -> None:
    """Write JSON records, `[{"name": "Ada", "rock": 5}, ...]`, or one a line, as CSV; nested ones are flattened.

    Raises:
        UserError: not records.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: is larger than {MAX_BYTES >> 30} GB; save it as CSV (UTF-8)")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        try:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: is not JSON that can be read ({error})") from error
    data = _records(data)
    if not isinstance(data, list) or not data or not all(isinstance(record, dict) for record in data):
        raise UserError(f'{path}: is not a list of records such as {{"name": "Ada", "rock": 5}}')
    try:
        flat = [_flatten(record) for record in data]
    except RecursionError as error:
        raise UserError(f"{path}: its records are nested too deeply") from error
    names = list(dict.fromkeys(name for record in flat for name in record))
    cells, given = len(names) * len(flat), sum(map(len, flat))
    if cells > max(SPARSE_FROM, MAX_EMPTY * given):
        raise UserError(f"{path}: its {len(flat):,} records have {len(names):,} different fields, hardly any in common")
    _write(target, [names, *([record.get(name, "") for name in names] for record in flat)])


def _records(data: Any) -> Any:
    """Records of what tools write instead of a list of them: columns, rows below a header, or people by name."""
    if isinstance(data, dict) and isinstance(data.get("columns"), list) and isinstance(data.get("data"), list):
        data = [data["columns"], *data["data"]]
    if isinstance(data, list) and len(data) > 1 and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, data[0]), row, strict=False)) for row in data[1:]]
    return _records_of_dict(data) if isinstance(data, dict) else data


def _records_of_dict(data: dict[str, Any]) -> Any:
    values = list(data.values())
    if len(data) > 1 and all(isinstance(value, dict) for value in values):
        if not any(map(genres_of, data)):
            return [{"name": name, **tastes} for name, tastes in data.items()]  # {"Ada": {"rock": 5}, ...}
        rows = dict.fromkeys(row for value in values for row in value)
        return [{column: value.get(row) for column, value in data.items()} for row in rows]
    if len(data) > 1 and all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
        return [dict(zip(data, row, strict=True)) for row in zip(*values, strict=True)]
    return next((value for value in values if isinstance(value, list)), [data])


def _flatten(record: dict[str, object]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            inner = _flatten(value)
            if twice := sorted(inner.keys() & (flat.keys() | record.keys())):
                raise UserError(
                    f"a record has {twice[0]!r} twice, at different depths; give each person a record of their own"
                )
            flat |= inner
        elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
            flat |= _pairs(name, value)
        elif isinstance(value, list):
            flat[name] = ";".join(map(_text, value))
        else:
            flat[name] = _text(value)
    return flat


def _pairs(name: str, parts: list[object]) -> dict[str, str]:
    """`[{"genre": "rock", "score": 5}, ...]` as a value by name."""
    flat: dict[str, str] = {}
    for part in parts:
        values = list(part.values()) if isinstance(part, dict) else []
        words = [value for value in values if isinstance(value, str)]
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(words) != 1 or len(numbers) != 1 or words[0] in flat:
            raise UserError(f'{name!r} is not a list such as [{{"genre": "rock", "score": 5}}] with each genre once')
        flat[words[0]] = _text(numbers[0])
    return flat


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _write(target: Path, rows: "Iterator[list[str]] | list[list[str]]") -> None:
    with open(target, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        csv.writer(file).writerows(row for row in rows if any(row))
