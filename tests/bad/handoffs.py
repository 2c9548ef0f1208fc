"""The surfaces of hand-offs: their lines, members, parts and packed bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from e2e.harness import Answer, request

from .casefile import Broken
from .parcels import ITEMS, commit, handoff, line, patch, whole

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case


def told(answer: Answer) -> list[str]:
    """Status and detail."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return [f"{answer.status} {answer.json['detail']}"]
    if answer.status >= 400:
        raise Broken(f"{answer.status} without a problem document: {answer.text[:200]}")
    return [str(answer.status)]


def head_members(bench: Bench, case: Case) -> list[str]:
    change = json.loads(case.bytes)
    head = handoff({"sid": case.name, **change})
    return told(bench.post("v1/handoffs", whole(head, ITEMS)))


def item_members(bench: Bench, case: Case, at: int) -> list[str]:
    items = [dict(item) for item in ITEMS]
    ((kind, base),) = items[at].items()
    items[at] = {kind: patch(base, json.loads(case.bytes))}
    return told(bench.post("v1/handoffs", whole(handoff({"sid": case.name}), items)))


def entity_members(bench: Bench, case: Case) -> list[str]:
    return item_members(bench, case, 0)


def relation_members(bench: Bench, case: Case) -> list[str]:
    return item_members(bench, case, 2)


def commit_members(bench: Bench, case: Case) -> list[str]:
    lines = b"".join(map(line, ITEMS))
    body = line({"handoff": handoff({"sid": case.name})}) + lines
    return told(bench.post("v1/handoffs", body + commit(lines, json.loads(case.bytes))))


def lines(bench: Bench, case: Case) -> list[str]:
    """Whole lines; HEAD, ENTITY, DOMAIN, RELATION and COMMIT stand for good ones."""
    good = dict(zip((b"ENTITY", b"DOMAIN", b"RELATION"), map(line, ITEMS), strict=True))
    good[b"HEAD"] = line({"handoff": handoff({"sid": case.name})})
    body = b""
    items = b""
    for text in case.lines:
        if text == b"COMMIT":
            body += commit(items, {})
            continue
        now = good.get(text, text + b"\n")
        body += now
        items += now if text != b"HEAD" else b""
    return told(bench.post("v1/handoffs", body))


def parts(bench: Bench, case: Case) -> list[str]:
    """`METHOD path`, then the body's lines."""
    method, path = bench.fill(case.lines[0]).decode().split(" ", 1)
    body = b"".join(each + b"\n" for each in case.lines[1:])
    return told(bench.post(path.removeprefix("/"), body, method))


def packed(
    coding: str, pack: Callable[[bytes], bytes]
) -> Callable[[Bench, Case], list[str]]:
    """A body that says it is of that coding. `zip ...` is packed, `cut n ...` loses its last n bytes;
    `zip` in the place of `then` begins another member or frame."""

    def run(bench: Bench, case: Case) -> list[str]:
        word, _, rest = case.bytes.partition(b" ")
        body = case.bytes
        if word == b"zip":
            body = b"".join(pack(each) for each in rest.split(b" then zip "))
        elif word == b"cut":
            count, _, rest = rest.partition(b" ")
            body = pack(rest)[: -int(count)]
        head = {"Content-Encoding": coding}
        return told(request(bench.service.url + "v1/handoffs", "POST", bench.token, body, head))

    return run
