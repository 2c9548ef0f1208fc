"""What a value may look like, by the name that keys.txt gives its shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

BOOLEANS = ("true", "false", "1", "0", "t", "f", "yes", "no", "y", "n", "on", "off", "enabled", "disabled")
CRON_FIELD = re.compile(r"^[\d*/,\-]+$")
METHODS = ("GET", "POST", "PUT", "DELETE")


def is_regex(value: str) -> bool:
    """Whether Python can read it; the few forms of PCRE that it has not are rewritten."""
    text = re.sub(r"\(\?<([A-Za-z_]\w*)>", r"(?P<\1>", value)
    text = re.sub(r"([*+?}])\+", r"\1", text)
    text = re.sub(r"\(\?>", "(?:", text)
    text = re.sub(r"\s+in\s+\w+$", "", text)  # EXTRACT: `<regex> in <field>`
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def is_cron(value: str) -> bool:
    fields = value.split()
    return len(fields) == 5 and all(CRON_FIELD.match(each) for each in fields)


def is_bundle(value: str) -> bool:
    """A pattern of distsearch.conf: a regular expression but for `...` and `*`."""
    return bool(value) and not value.startswith("/") and is_regex(value.replace("...", ".*").replace("*", "[^/]*"))


SHAPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "text": ("any text", lambda value: True),
    "bool": ("true or false", lambda value: value.lower() in BOOLEANS),
    "whole": ("a whole number", lambda value: re.fullmatch(r"-?\d+", value) is not None),
    "name": ("a name of letters, digits, _, - and .", lambda value: re.fullmatch(r"[\w.\-]+", value) is not None),
    "version": ("three numbers with dots between", lambda value: re.fullmatch(r"\d+\.\d+\.\d+", value) is not None),
    "file": ("a file name without a folder", lambda value: re.fullmatch(r"[\w.\-]+", value) is not None),
    "path": ("a path, perhaps from $SPLUNK_HOME", lambda value: re.fullmatch(r"[\w.$/\-]+", value) is not None),
    "list": ("words with commas between", lambda value: bool(value) and all(part.strip() for part in value.split(","))),
    "words": ("words with ; , or blanks between", lambda value: re.fullmatch(r"[\w*\-;, ]+", value) is not None),
    "regex": ("a regular expression", is_regex),
    "json": ("JSON", is_json),
    "cron": ("five fields of a cron line", is_cron),
    "duration": ("a number with s, m, h or d", lambda value: re.fullmatch(r"\d+[smhd]?", value) is not None),
    "uri": ("a path that begins with a slash", lambda value: re.fullmatch(r"(/[\w\-]+)+", value) is not None),
    "pattern": ("path parts without slashes at the ends",
                lambda value: re.fullmatch(r"[\w*\-]+(/[\w*\-]+)*", value) is not None),
    "methods": ("GET, POST, PUT, DELETE with commas between",
                lambda value: all(part.strip() in METHODS for part in value.split(","))),
    "bundle": ("a pattern within the bundle", is_bundle),
}


def complain(shape: str, value: str) -> str:
    """Why `value` is not of the shape; empty when it is. A shape with | in it is a list of words."""
    if "|" in shape or shape not in SHAPES:
        words = shape.split("|")
        good = any(re.fullmatch(re.escape(word).replace(r"\*", ".+"), value) for word in words)
        return "" if good else f"must be one of {', '.join(words)}"
    what, test = SHAPES[shape]
    return "" if test(value) else f"must be {what}"
