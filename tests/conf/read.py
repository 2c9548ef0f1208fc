"""Conf files byte by byte: what Splunk would silently read otherwise than it is meant is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass
class Key:
    name: str
    value: str
    line: int


@dataclass
class Stanza:
    name: str
    line: int
    comment: str  # the comment lines that stand before it
    keys: list[Key] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        return next((key.value for key in reversed(self.keys) if key.name == name), default)

    def __contains__(self, name: str) -> bool:
        return any(key.name == name for key in self.keys)


@dataclass
class Conf:
    """One file of default/ or metadata/."""

    file: str  # its path within the app
    stanzas: list[Stanza] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, line: int, text: str) -> None:
        self.findings.append(Finding(self.file, line, text))

    def get(self, name: str) -> Stanza | None:
        return next((stanza for stanza in self.stanzas if stanza.name == name), None)

    @property
    def names(self) -> list[str]:
        return [stanza.name for stanza in self.stanzas]


def decode(conf: Conf, data: bytes) -> str:
    """The file's text; what is no plain UTF-8 text with LF is reported and mended for the rest of the rules."""
    if data.startswith(b"\xef\xbb\xbf"):
        conf.say(1, "begins with a byte order mark")
        data = data[3:]
    for number, line in enumerate(data.split(b"\n"), 1):
        if b"\r" in line:
            conf.say(number, "a carriage return: lines must end in LF alone")
        if b"\0" in line:
            conf.say(number, "a NUL byte")
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            conf.say(number, f"not UTF-8: {error.reason}")
    if data and not data.endswith(b"\n"):
        conf.say(data.count(b"\n") + 1, "the last line has no end")
    return data.decode("utf-8", "replace").replace("\r", "")


def logical_lines(conf: Conf, text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, continued ones joined."""
    pending: list[str] = []
    start = 0
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not pending:
            start = number
        is_comment = not pending and line.lstrip().startswith("#")
        if not is_comment and line.rstrip() != line and line.rstrip().endswith("\\"):
            conf.say(number, "a blank after the backslash: the next line is not joined")
        if line.endswith("\\"):
            if is_comment:
                conf.say(number, "a comment that ends in a backslash takes the next line with it")
            elif number >= len(lines) - 1 or not lines[number].strip():
                conf.say(number, "a continued line without the line that it goes on in")
            pending.append(line[:-1])
            continue
        yield start, "\n".join([*pending, line])
        pending = []
    if pending:
        yield start, "\n".join(pending)


def read(path: Path, name: str) -> Conf:
    """Reads `path`, known as `name` in findings. Duplicates, keys outside of stanzas and lines that are nothing
    are reported here."""
    conf = Conf(name)
    stanza: Stanza | None = None
    comments: list[str] = []
    for number, line in logical_lines(conf, decode(conf, path.read_bytes())):
        bare = line.strip()
        if bare.startswith("#"):
            comments.append(bare)
        elif bare.startswith("["):
            stanza = begin(conf, bare, number, "\n".join(comments))
            comments = []
        elif bare:
            comments = []
            add_key(conf, stanza, line, number)
    return conf


def begin(conf: Conf, bare: str, number: int, comment: str) -> Stanza:
    if not bare.endswith("]"):
        conf.say(number, f"the stanza {bare} lacks its ]")
    name = bare[1:].removesuffix("]")
    if name == "default":
        conf.say(number, "[default] sets values for every app")
    if name != name.strip():
        conf.say(number, f"blanks within the brackets of [{name}]")
    twin = conf.get(name)
    if twin:
        conf.say(number, f"[{name}] stands twice, first in line {twin.line}")
    conf.stanzas.append(Stanza(name, number, comment))
    return conf.stanzas[-1]


def add_key(conf: Conf, stanza: Stanza | None, line: str, number: int) -> None:
    name, equals, value = line.partition("=")
    name = name.strip()
    if not equals or not name:
        conf.say(number, f"{line.strip()[:60]!r} is neither a [stanza] nor key = value")
        return
    if stanza is None:
        conf.say(number, f"{name} stands before the first stanza: it would hold for all of them")
        return
    twin = next((key for key in stanza.keys if key.name == name), None)
    if twin:
        conf.say(number, f"{name} stands twice in [{stanza.name}], first in line {twin.line}")
    stanza.keys.append(Key(name, value.strip(), number))
