"""Hand-offs on the wire, made by hand: good ones, and good ones with a change."""

from __future__ import annotations

import hashlib
import json
from typing import Any

TENANT = "acme"
TARGET = "https://ig.example/"

ITEMS: list[dict[str, Any]] = [
    {"entity": {"kind": "ip", "value": "10.0.0.1", "count": 2, "fields": ["src_ip"]}},
    {"entity": {"kind": "domain", "value": "c2.example", "count": 2, "fields": ["query"]}},
    {"relation": {"type": "queries", "from": 0, "to": 1, "count": 2}},
]


def line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode() + b"\n"


def handoff_id(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:32]


def patch(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396) of one level: null takes a member out."""
    return {name: value for name, value in {**base, **change}.items() if value is not None}


def handoff(change: dict[str, Any]) -> dict[str, Any]:
    base = {"version": 1, "tenant": TENANT, "sid": "1.1", "command": "ighandoff"}
    base |= {"target": TARGET, "title": "By hand", "user": "mara", "app": "search"}
    base |= {"search_sha256": "0" * 64, "client": "test/1", "parts": 1}
    head = patch(base, change)
    texts = [head.get(name, "") for name in ("tenant", "sid", "command", "target")]
    if "id" not in change and all(isinstance(each, str) for each in texts):
        head["id"] = handoff_id(*texts)
    return head


def commit(items: bytes, change: dict[str, Any]) -> bytes:
    count = {"entities": items.count(b'{"entity":'), "relations": items.count(b'{"relation":')}
    told = {"rows": 2, **count, "values": 4, "placeholders": 0, "invalid": 0}
    told |= {"entities_left_out": 0, "relations_left_out": 0}
    told["content_sha256"] = hashlib.sha256(items).hexdigest()
    return line({"commit": patch(told, change)})


def whole(head: dict[str, Any], items: list[dict[str, Any]]) -> bytes:
    lines = b"".join(map(line, items))
    return line({"handoff": head}) + lines + commit(lines, {})
