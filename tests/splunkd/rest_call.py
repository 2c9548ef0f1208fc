"""One request to splunkd's REST, taken apart, and the shapes of its answers."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from .users import Session

if TYPE_CHECKING:
    from .rest import Splunkd

Pairs = list[tuple[str, str]]


class RestError(Exception):
    """An answer other than success, in splunkd's shape."""

    def __init__(self, status: int, text: str, level: str = "ERROR") -> None:
        super().__init__(text)
        self.status = status
        self.level = level


@dataclass
class Call:
    """One request, its path taken apart."""

    method: str
    owner: str
    app: str
    parts: list[str]  # percent-decoded, after services/ or servicesNS/<owner>/<app>/
    query: Pairs
    form: Pairs
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    session: Session | None
    client: str

    def argument(self, name: str, default: str = "") -> str:
        """Of the form or the query, as splunkd takes them alike; the last one counts."""
        found = [value for key, value in [*self.query, *self.form] if key == name]
        return found[-1] if found else default

    def arguments(self) -> dict[str, str]:
        """What a POST says, without what concerns the answer's form."""
        own = {"output_mode", "count", "offset", "f"}
        return {key: value for key, value in [*self.query, *self.form] if key not in own}

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)


@dataclass
class Reply:
    """A status and either an object for JSON, or text."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """A line of splunkd_access.log."""

    method: str
    path: str
    user: str
    status: int


Route: TypeAlias = Callable[["Splunkd", Call], Reply]


def entry(call: Call, name: str, content: Mapping[str, Any], app: str = "") -> dict[str, Any]:
    """One element of `entry`."""
    return {
        "name": name,
        "id": "https://127.0.0.1:8089" + urllib.parse.quote(call.path),
        "author": "nobody",
        "acl": {
            "app": app or call.app,
            "owner": "nobody",
            "sharing": "app",
            "can_write": True,
            "modifiable": True,
            "perms": {"read": ["*"], "write": ["admin", "sc_admin"]},
        },
        "content": {"eai:acl": None, **content},
    }


def envelope(call: Call, entries: list[dict[str, Any]], status: int = 200) -> Reply:
    """`entry`, cut to the page asked for: 30 unless count says otherwise, 0 for all."""
    count, offset = int(call.argument("count", "30")), int(call.argument("offset", "0"))
    page = entries[offset : offset + count] if count else entries[offset:]
    wanted = {value for key, value in [*call.query, *call.form] if key == "f"}
    for each in page if wanted else []:  # f= names the members that content is to have
        own = {"eai:acl", *wanted}
        each["content"] = {key: each["content"][key] for key in each["content"] if key in own}
    content = {
        "links": {},
        "origin": "https://127.0.0.1:8089" + urllib.parse.quote(call.path),
        "updated": "2026-01-01T00:00:00+00:00",
        "generator": {"build": "stand-in", "version": "9.4.6"},
        "entry": page,
        "paging": {"total": len(entries), "perPage": count or 30, "offset": offset},
        "messages": [],
    }
    return Reply(status, content)


def messages(status: int, level: str, text: str) -> Reply:
    return Reply(status, {"messages": [{"type": level, "text": text}]})
