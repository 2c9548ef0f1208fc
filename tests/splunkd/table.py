"""What an analyst would see: the rows as a table, the banner, the job's state."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence

from .dialect import Row, plain_of
from .result import SearchResult

PREFERRED = (
    "_time",
    "sourcetype",
    "src_ip",
    "src",
    "dest_ip",
    "dest",
    "user",
    "query",
    "url",
    "process_name",
    "intelgraph_status",
    "intelgraph_entities",
    "intelgraph_url",
)
COLOURS = {"DEBUG": "2", "INFO": "36", "WARN": "33", "ERROR": "31", "FATAL": "1;31"}
MARKS = {"DEBUG": "·", "INFO": "ⓘ", "WARN": "▲", "ERROR": "✖", "FATAL": "✖"}
GAP = "  "
NARROWEST = 6


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _wants_colour() else text


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _fit(text: str, width: int) -> str:
    """Cut to `width` columns with an ellipsis, padded on the right."""
    text = "".join(char if char.isprintable() else "·" for char in text)
    if _width(text) > width:
        while text and _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _width(text))


def choose_columns(result: SearchResult, wanted: Sequence[str]) -> list[str]:
    """The columns asked for, or a few that say most."""
    if wanted:
        return [name for name in wanted if name in result.columns]
    chosen = [name for name in PREFERRED if name in result.columns]
    return chosen or result.columns[:6]


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """Natural widths; then the widest column gives way until the line fits."""
    widths = [
        max([_width(name), *(_width(row[i]) for row in cells)]) for i, name in enumerate(columns)
    ]
    while sum(widths) + len(GAP) * (len(widths) - 1) > room and max(widths) > NARROWEST:
        widest = max(range(len(widths)), key=lambda i: (widths[i], columns[i] != "intelgraph_url"))
        widths[widest] -= 1
    return widths


def format_rows(
    rows: Sequence[Row], columns: Sequence[str], limit: int, room: int | None = None
) -> str:
    """A table of the first `limit` rows, no wider than `room` (default: the terminal)."""
    room = room or shutil.get_terminal_size((100, 24)).columns
    cells = [
        [plain_of(row.get(name, "")).replace("\n", " | ") for name in columns]
        for row in rows[:limit]
    ]
    widths = _widths(columns, cells, room)
    head = GAP.join(_fit(name, width) for name, width in zip(columns, widths, strict=True))
    lines = [_paint(head.rstrip(), "1"), _paint(GAP.join("─" * width for width in widths), "2")]
    lines += [GAP.join(map(_fit, row, widths)).rstrip() for row in cells]
    if len(rows) > limit:
        lines.append(_paint(f"… and {len(rows) - limit:,} more rows", "2"))
    return "\n".join(lines)


def format_messages(result: SearchResult) -> str:
    """The job's messages, as the yellow and red banners of Splunk Web show them."""
    return "\n".join(
        _paint(f"{MARKS[message.level]} {message.text}", COLOURS[message.level])
        for message in result.messages
    )


def format_job(result: SearchResult) -> str:
    colour = {"DONE": "32", "CANCELED": "33"}.get(result.state, "31")
    state = _paint(result.state, colour)
    return f"job {result.sid}  {state}  {len(result.rows):,} rows  {result.seconds:.2f} s"
