"""The CSV that splunkd writes, byte for byte, and a strict reader of what a command answers.

Text is UTF-8; bytes that are not are carried as lone surrogates (`surrogateescape`) and come out as
they went in.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Value = str | list[str]
Row = dict[str, Value]

TWIN = "__mv_"
BARE = re.compile(r"[0-9A-Za-z]*\Z")
TWIN_ITEM = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|\Z)")
FIELD_LIMIT = 256 << 20

csv.field_size_limit(FIELD_LIMIT)


class DialectError(Exception):
    """A body is not CSV as splunkd can read it."""


def quote(text: str) -> str:
    """A field is bare only if it is made of ASCII letters and digits, or empty."""
    return text if BARE.match(text) else '"' + text.replace('"', '""') + '"'


def plain_of(value: Value) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def twin_of(value: Value) -> str:
    """`$a$;$b$` of a multivalue; empty for a single one."""
    if isinstance(value, str) or len(value) < 2:
        return ""
    return ";".join("$" + each.replace("$", "$$") + "$" for each in value)


def write_body(columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> bytes:
    """Header, then rows; the plain columns first, then their twins in the same order."""
    lines = [",".join([*map(quote, columns), *(quote(TWIN + name) for name in columns)])]
    place = {name: index for index, name in enumerate(columns)}
    width = len(columns)
    blank = [""] * (2 * width)
    for row in rows:
        cells = blank.copy()  # most columns of most rows are empty
        for name, value in row.items():
            if (index := place.get(name)) is None:
                continue
            cells[index] = quote(plain_of(value))
            if isinstance(value, list):
                cells[width + index] = quote(twin_of(value))
        lines.append(",".join(cells))
    lines.append("")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Table:
    """A body that was read: plain columns in their order, and the rows."""

    columns: list[str]
    rows: list[Row]


def read_body(body: bytes) -> Table:
    """Reads a reply's body strictly. An empty body is a table of no columns."""
    if not body:
        return Table([], [])
    text = body.decode("utf-8", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader)
        plain, twins = _read_header(header)
        names = [header[index] for index in plain]
        rows = [_read_row(header, plain, twins, cells, n) for n, cells in enumerate(reader)]
    except csv.Error as error:
        raise DialectError(f"line {reader.line_num}: {error}") from error
    return Table(names, rows)


def _read_header(header: list[str]) -> tuple[list[int], dict[int, int]]:
    """Indexes of the plain columns, and the twin's index of each."""
    place = {name: index for index, name in enumerate(header)}
    if len(place) != len(header):
        doubled = next(name for name in header if header.count(name) > 1)
        raise DialectError(f"the header names the column {doubled!r} twice")
    plain = [index for index, name in enumerate(header) if not name.startswith(TWIN)]
    for name in header:
        if not name:
            raise DialectError("the header has a column without a name")
        if name.startswith(TWIN) and name.removeprefix(TWIN) not in place:
            raise DialectError(f"the header has {name!r} but not its plain column")
    twins = {i: place[TWIN + header[i]] for i in plain if TWIN + header[i] in place}
    return plain, twins


def _read_row(
    header: list[str], plain: list[int], twins: dict[int, int], cells: list[str], number: int
) -> Row:
    if len(cells) != len(header):
        raise DialectError(f"row {number}: {len(cells)} cells under {len(header)} columns")
    row: Row = {header[index]: cells[index] for index in plain}
    for index, twin in twins.items():
        if cells[twin]:
            row[header[index]] = _read_twin(header[index], cells[index], cells[twin], number)
    return row


def _read_twin(name: str, plain: str, twin: str, number: int) -> list[str]:
    values: list[str] = []
    position = 0
    while position < len(twin):
        match = TWIN_ITEM.match(twin, position)
        if not match:
            raise DialectError(f"row {number}: {TWIN}{name} is not $a$;$b$: {twin[:80]!r}")
        values.append(match[1].replace("$$", "$"))
        position = match.end()
    if twin.endswith(";"):
        raise DialectError(f"row {number}: {TWIN}{name} ends with a semicolon")
    if "\n".join(values) != plain:
        raise DialectError(f"row {number}: {TWIN}{name} says other values than {name}")
    return values


def raw_cells(body: bytes) -> list[list[bytes]]:
    """The cells of a body with their quotes as written: what "byte for byte" is compared with."""
    rows: list[list[bytes]] = []
    cell = re.compile(rb'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|\Z)')
    position = 0
    while position < len(body):
        cells: list[bytes] = []
        while True:
            match = cell.match(body, position)
            if not match:
                raise DialectError(f"byte {position}: no cell")
            cells.append(match[1])
            position = match.end()
            if match[2] != b",":
                break
        rows.append(cells)
    return rows
