"""The files of cases: reading them, and writing down what is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

GIVEN = "    < "
ANSWER = "    > "
REPEAT = re.compile(rb"<<(.+?)\*([0-9]+)>>", re.DOTALL)
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


class Broken(Exception):
    """A promise that holds for every case does not hold for this one."""


def unescape(text: str) -> bytes:
    """The bytes that a `<` line stands for."""

    def one(match: re.Match[bytes]) -> bytes:
        word = match[1]
        if word[:1] == b"x" and len(word) == 3:
            return bytes([int(word[1:], 16)])
        if word not in LETTERS:
            raise ValueError(f"no escape \\{word.decode()} in {text!r}")
        return LETTERS[word]

    data = ESCAPE.sub(one, text.encode())
    return REPEAT.sub(lambda match: match[1] * int(match[2]), data)


def escape(text: str) -> str:
    """An answer on one line."""
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
    return shown.rstrip() if len(shown) < 700 else shown[:700] + " ..."


@dataclass
class Case:
    """One case as it stands in its file."""

    name: str
    given: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[bytes]:
        return [unescape(each) for each in self.given]

    @property
    def bytes(self) -> bytes:
        return b"".join(self.lines)

    @property
    def text(self) -> bytes:
        """The lines, each with its end."""
        return b"".join(line + b"\n" for line in self.lines)


@dataclass
class CaseFile:
    """One surface."""

    path: Path
    head: list[str]
    cases: list[Case]

    @property
    def surface(self) -> str:
        return self.path.stem

    @classmethod
    def read(cls, path: Path) -> CaseFile:
        head: list[str] = []
        cases: list[Case] = []
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.startswith("#"):
                head.append(line)
            elif line.startswith(GIVEN.rstrip()) and cases:
                cases[-1].given.append(line[len(GIVEN) :])
            elif line.startswith(ANSWER.rstrip()) and cases:
                cases[-1].answer.append(line[len(ANSWER) :])
            elif line and not line.startswith(" "):
                cases.append(Case(line))
            elif line.strip():
                raise ValueError(f"{path} line {number}: neither a name, nor < nor >")
        names = [case.name for case in cases]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{path}: two cases are named {twice!r}")
        return cls(path, head, cases)

    def write(self) -> None:
        parts = ["\n".join(self.head)] if self.head else []
        for case in self.cases:
            given = [(GIVEN + each).rstrip() for each in case.given]
            answer = [(ANSWER + each).rstrip() for each in case.answer]
            parts.append("\n".join([case.name, *given, *answer]))
        self.path.write_text("\n\n".join(parts) + "\n", "utf-8")
