"""The corpus: requests as files that a reader can browse. corpus/README.md says how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"

_FIRST = re.compile(r"expect (?P<replies>cut|[0-9|,a-z]+)(?: (?P<end>open|closed))?: (?P<why>.+)")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
_PLAIN = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


@dataclass(frozen=True)
class Case:
    """One file: what is sent, and what the first line says comes back."""

    name: str
    why: str
    replies: tuple[frozenset[str], ...]  # of each reply in order, the statuses it may have
    end: str  # "open", "closed", or "" for either
    says: str  # words in the last reply's body
    text: str

    def stream(self, **values: str) -> bytes:
        """The bytes; {name} is replaced by values, {length} by the length of the body."""
        text = self.text
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        if "{length}" in text:
            body = text.partition("\r\n\r\n")[2]
            text = text.replace("{length}", str(len(body.encode("latin-1"))), 1)
        return text.encode("latin-1")


def _unescape(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) == 3 else _PLAIN[code]

    return _ESCAPE.sub(plain, text)


def _lines(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("@repeat "):
            _, count, text = line.split(" ", 2)
            yield from (_unescape(text).replace("{n}", str(n)) for n in range(int(count)))
        else:
            yield _unescape(line)


def read(path: Path) -> Case:
    """Fails on a file that is not written as the README says."""
    first, *lines = path.read_text("ascii").splitlines()
    found = _FIRST.fullmatch(first)
    if not found:
        raise ValueError(f"{path}: the first line must be: expect STATUS[,STATUS...] END: WHY")
    says = lines.pop(0).removeprefix("says ") if lines[0].startswith("says ") else ""
    replies = () if found["replies"] == "cut" else found["replies"].split(",")
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        why=found["why"],
        replies=tuple(frozenset(each.split("|")) for each in replies),
        end=found["end"] or "",
        says=says,
        text="".join(_lines(lines)),
    )


def cases(*groups: str) -> list[Case]:
    """Of the groups named, all when none is."""
    folders = [FOLDER / group for group in groups] or sorted(FOLDER.iterdir())
    return [
        read(path) for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.txt"))
    ]
