"""Splunk's conf files: one file read strictly, several layered as Splunk layers them."""

from __future__ import annotations

from pathlib import Path

DEFAULT_STANZA = "default"

Stanza = dict[str, str]
Conf = dict[str, Stanza]


class ConfError(Exception):
    """A conf file says something that Splunk would not read as meant."""


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers; a line that ends with a backslash goes on in the next one."""
    lines: list[tuple[int, str]] = []
    pending: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending:
            start = number
        if line.endswith("\\") and not (not pending and line.lstrip().startswith("#")):
            pending.append(line[:-1])
            continue
        lines.append((start, "\n".join([*pending, line])))
        pending = []
    if pending:
        raise ConfError(f"line {start}: the file ends within a continued line")
    return lines


def parse_conf(text: str, name: str = "conf") -> Conf:
    """One file. Keys before the first stanza belong to [default]; comments are whole lines only."""
    conf: Conf = {}
    stanza = conf.setdefault(DEFAULT_STANZA, {})
    for number, line in _logical_lines(text.removeprefix("\ufeff")):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if bare.startswith("["):
            if not bare.endswith("]"):
                raise ConfError(f"{name}: line {number}: the stanza {bare!r} lacks its ]")
            stanza = conf.setdefault(bare[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ConfError(f"{name}: line {number}: {bare!r} is no `key = value`")
        stanza[key.strip()] = value.strip()
    return conf


def layer(*files: Conf) -> Conf:
    """Later files win key by key; then each stanza is filled up from [default]."""
    merged: Conf = {}
    for conf in files:
        for name, stanza in conf.items():
            merged.setdefault(name, {}).update(stanza)
    default = merged.get(DEFAULT_STANZA, {})
    return {name: {**default, **stanza} for name, stanza in merged.items()}


def read_layers(*paths: Path) -> Conf:
    """The layered content of those of `paths` that exist."""
    found = [path for path in paths if path.is_file()]
    return layer(*(parse_conf(path.read_text("utf-8"), path.name) for path in found))


def is_true(value: str, default: bool = False) -> bool:
    """Splunk's booleans; an empty value is the default."""
    if not value:
        return default
    lowered = value.lower()
    if lowered in ("1", "t", "true", "y", "yes", "on", "enabled"):
        return True
    if lowered in ("0", "f", "false", "n", "no", "off", "disabled"):
        return False
    raise ConfError(f"{value!r} is no boolean")
