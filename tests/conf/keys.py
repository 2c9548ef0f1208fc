"""The table of known settings: keys.txt for Splunk's own files, README/*.conf.spec for the app's."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).with_name("keys.txt")


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".+"))


@dataclass
class StanzaSpec:
    name: str
    keys: dict[str, str] = field(default_factory=dict)

    def shape(self, key: str) -> str | None:
        """An exact name before a pattern."""
        if key in self.keys:
            return self.keys[key]
        return next((shape for name, shape in self.keys.items() if "*" in name and pattern(name).fullmatch(key)), None)

    def nearest(self, key: str) -> str:
        near = difflib.get_close_matches(key, [name for name in self.keys if name != "*"], 1, 0.7)
        return f"; did you mean {near[0]}?" if near else ""


@dataclass
class FileSpec:
    name: str
    stanzas: list[StanzaSpec] = field(default_factory=list)

    def find(self, name: str) -> StanzaSpec | None:
        exact = next((each for each in self.stanzas if each.name == name), None)
        return exact or next((each for each in self.stanzas if pattern(each.name).fullmatch(name)), None)

    def nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, [each.name for each in self.stanzas], 1, 0.6)
        return f"; did you mean [{near[0]}]?" if near else ""


def read_table() -> dict[str, FileSpec]:
    files: dict[str, FileSpec] = {}
    for number, line in enumerate(TABLE.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            file = files.setdefault(line[3:], FileSpec(line[3:]))
        elif line.startswith("["):
            file.stanzas.append(StanzaSpec(line[1:-1]))
        else:
            key, colon, shape = line.partition(": ")
            if not colon or key in file.stanzas[-1].keys:
                raise ValueError(f"{TABLE.name} line {number}: {line!r}")
            file.stanzas[-1].keys[key] = shape
    return files


WORDS = {"boolean": "bool", "bool": "bool", "integer": "whole", "string": "text", "list": "text"}


def read_spec(path: Path) -> FileSpec:
    """A spec file of the app's own: `[stanza]`, `key = <shape>`; <name> in a stanza stands for any."""
    spec = FileSpec(path.name.removesuffix(".spec"))
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            spec.stanzas.append(StanzaSpec(re.sub(r"<[^>]+>", "*", line.strip()[1:-1])))
        elif not line.startswith(("*", "#")) and (match := re.match(r"([\w.<>\-]+)\s*=\s*(?:<([^>]*)>)?", line)):
            if not spec.stanzas:
                spec.stanzas.append(StanzaSpec("*"))
            key = re.sub(r"<[^>]+>", "*", match[1])
            spec.stanzas[-1].keys[key] = WORDS.get(match[2] or "", "text")
    return spec
