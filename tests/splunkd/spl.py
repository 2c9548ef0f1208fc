"""The search line: its pipeline, and how splunkd splits a command's arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass


class SplError(Exception):
    """The search text cannot be read."""


@dataclass(frozen=True)
class Arguments:
    """What getinfo carries: unquoted, and as typed."""

    args: list[str]
    raw_args: list[str]


def split_pipeline(text: str) -> list[str]:
    """The parts between pipes that stand outside double quotes."""
    parts: list[str] = [""]
    quoted = escaped = False
    for char in text:
        if char == "|" and not quoted:
            parts.append("")
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = quoted and char == "\\" and not escaped
        parts[-1] += char
    return [part.strip() for part in parts]


def _tokens(text: str) -> list[str]:
    """Splits at blanks outside quotes, and at commas between plain words (field lists).

    A comma within `key=value` stays: only words without an equals sign are field lists.
    """
    tokens: list[str] = []
    current = ""
    quote = ""
    position = 0
    while position < len(text):
        char = text[position]
        if quote == '"' and char == "\\" and position + 1 < len(text):
            current += text[position : position + 2]
            position += 2
            continue
        position += 1
        if quote:
            quote = "" if char == quote else quote
        elif char == '"' or (char == "'" and "'" in text[position:]):
            quote = char
        elif char.isspace() or (char == "," and "=" not in current):
            tokens.append(current)
            current = ""
            continue
        current += char
    if quote == '"':
        raise SplError("Unbalanced quotes.")
    tokens.append(current)
    return [token for token in tokens if token]


def _unquote(token: str) -> str:
    """Takes double quotes off wherever they stand; single quotes stay."""

    def inner(match: re.Match[str]) -> str:
        return re.sub(r'\\(["\\])', r"\1", match[1])

    return re.sub(r'"((?:\\.|[^"\\])*)"', inner, token, flags=re.DOTALL)


def split_arguments(text: str) -> Arguments:
    """The arguments of one command, `text` being what follows its name."""
    raw = [token.rstrip(",") if "=" in token else token for token in _tokens(text)]
    return Arguments([_unquote(token) for token in raw], raw)


def split_command(text: str) -> tuple[str, Arguments]:
    """`name arguments...` of one part of the pipeline."""
    name, _, rest = text.strip().partition(" ")
    return name, split_arguments(rest)
