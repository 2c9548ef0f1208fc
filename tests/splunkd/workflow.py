"""Workflow actions as Splunk's event list expands them: which ones a field's menu shows, and what a click
on one becomes. A link's values are URI-encoded; a search's are put in as they are.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .conf import Stanza, is_true, read_layers
from .dialect import Value

SYSTEM = re.compile(r"\$@([a-z_]+)\$")


class WorkflowError(Exception):
    """The action cannot be run as it is written."""


@dataclass(frozen=True)
class Click:
    """A field of an event in a job's list of events."""

    event: Mapping[str, Value]
    field: str
    value: str
    sid: str = "1763863200.42"
    offset: int = 0  # from 0, in the order of the list
    namespace: str = "search"


def menu(home: Path, click: Click) -> dict[str, Stanza]:
    """The actions of a field's menu. All fields that an action names must be in the event."""
    shown: dict[str, Stanza] = {}
    for app in sorted((home / "etc" / "apps").iterdir()):
        layers = read_layers(
            app / "default/workflow_actions.conf", app / "local/workflow_actions.conf"
        )
        for name, stanza in layers.items():
            fields = [each for each in re.split(r"[,\s]+", stanza.get("fields", "*")) if each]
            if not stanza.get("label") or is_true(stanza.get("disabled", "")):
                continue
            if stanza.get("display_location", "both") == "event_menu":
                continue
            if fields != ["*"] and click.field not in fields:
                continue
            if all(each == "*" or click.event.get(each) for each in fields):
                shown[name] = stanza
    return shown


def expand(stanza: Stanza, key: str, click: Click) -> str:
    """`link.uri` or `search.search_string` of a click."""
    encoded = key == "link.uri"

    def put(text: str, raw: bool = False) -> str:
        return urllib.parse.quote(text, safe="-_.!~*'()") if encoded and not raw else text

    def field(found: re.Match[str]) -> str:
        value = click.value if found[2] == click.field else click.event.get(found[2], "")
        first = value if isinstance(value, str) else value[0]
        return put(first, raw=bool(found[1]))

    def system(found: re.Match[str]) -> str:
        known = {
            "sid": click.sid,
            "offset": str(click.offset),
            "namespace": click.namespace,
            "field_name": click.field,
            "field_value": click.value,
        }
        if found[1] not in known:
            raise WorkflowError(f"$@{found[1]}$ is not known")
        return put(known[found[1]])

    def one(found: re.Match[str]) -> str:
        inner = SYSTEM.match(found[0])
        return system(inner) if inner else field(found)

    # Values that hold dollar signs are not expanded again: one pass over the template.
    return re.sub(r"\$(!?)([^$]+)\$", one, stanza[key])
