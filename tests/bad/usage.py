"""The surfaces of metering: events in each form, an event's members, and the DLQ."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import zstd
from e2e.harness import Answer, Service, request

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

BATCH = "application/cloudevents-batch+json"


def moment(ago: timedelta = timedelta(minutes=1)) -> str:
    return (datetime.now(timezone.utc) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")


def use(source: str) -> dict[str, Any]:
    data = {"meter": "api.calls", "quantity": 1, "dimensions": {"route": "/v1/a"}}
    head = {"specversion": "1.0", "type": "io.intelgraph.usage.use", "source": source, "id": "1"}
    return {**head, "time": moment(), "data": data}


def merge(base: Any, change: Any) -> Any:
    """A JSON merge patch (RFC 7396): null takes a member out."""
    if not isinstance(change, dict) or not isinstance(base, dict):
        return change
    both = {name: merge(base.get(name), value) for name, value in change.items()}
    return {name: value for name, value in {**base, **both}.items() if value is not None}


def outcomes(answer: Answer) -> list[str]:
    """Of the request when it is refused as a whole, else of each event that is not accepted."""
    counts = answer.json
    if answer.status != 200:
        reason = f"{counts['reason']}: " if "reason" in counts else ""
        return [f"{answer.status} {reason}{counts['detail']}"]
    said = [
        f"event {each['index']}: {each['status']} {each.get('reason', '')}: "
        f"{each.get('detail', each['outcome'])}"
        for each in counts["events"]
    ]
    said = [re.sub(r"[0-9]+ s ahead", "$N s ahead", each) for each in said]
    return [f"200 {counts['accepted']} accepted, {counts['duplicates']} duplicates", *said[:3]]


def post(service: Service, token: str, body: bytes, headers: dict[str, str]) -> Answer:
    return request(service.url + "v1/events", "POST", token, body, headers)


def members(bench: Bench, case: Case) -> list[str]:
    """A good event, changed by a JSON merge patch; $LATE, $AHEAD and $OLD are times."""
    text = case.bytes.decode()
    for name, ago in (("$LATE", 36), ("$AHEAD", -2), ("$OLD", 400)):
        text = text.replace(name, moment(timedelta(days=ago)))
    event = merge(use(f"/bad/{case.name}"), json.loads(text))
    kind = {"Content-Type": BATCH}
    return outcomes(post(bench.service, bench.meter, json.dumps([event]).encode(), kind))


def bodies(bench: Bench, case: Case) -> list[str]:
    """Headers, an empty line, the body: $EVENT is a good event, $NOW a good time. `zip` or `zstd` as
    the first line packs the body and says so."""
    lines = case.lines
    coding = {b"zip": "gzip", b"zstd": "zstd"}.get(lines[0], "")
    end = lines.index(b"") if b"" in lines else len(lines)
    heads = [each.decode().replace("$NOW", moment()) for each in lines[bool(coding) : end]]
    headers = dict(each.split(": ", 1) for each in heads)
    event = json.dumps(use(f"/bad/{case.name}"), separators=(",", ":")).encode()
    body = bench.fill(b"\n".join(lines[end + 1 :])).replace(b"$EVENT", event)
    if coding:
        body = gzip.compress(body) if coding == "gzip" else zstd.compress(body)
        headers["Content-Encoding"] = coding
    return outcomes(post(bench.service, bench.meter, body, headers))


def fill_dlq(bench: Bench) -> None:
    """Entry 1 stays open, entry 2 is discarded."""
    kind = {"Content-Type": BATCH}
    answer = post(bench.service, bench.meter, b'[{"kept":"open"},{"kept":"aside"}]', kind)
    assert answer.json["rejected"] == 2, answer.text
    body = json.dumps({"why": "for the cases"}).encode()
    url = bench.service.url + "v1/usage/dlq/2/discard"
    answer = request(url, "POST", bench.token, body, {"Content-Type": "application/json"})
    assert answer.status == 200, answer.text
