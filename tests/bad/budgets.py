"""The surfaces of budgets: their members, those of overrides and prices, and what is asked of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from e2e.harness import Answer, request

from .usage import merge

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case


def moment(ahead: timedelta) -> str:
    return (datetime.now(timezone.utc) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")


def budget(name: str) -> dict[str, Any]:
    ladder = [{"kind": "percent", "value": "80"}]
    what = {"basis": "quantity", "meters": ["api.calls"], "limit": "1000", "period": "day"}
    return {"name": name, **what, "mode": "notify", "thresholds": ladder, "contact": "finance"}


def send(bench: Bench, path: str, body: bytes, method: str = "POST") -> Answer:
    kind = {"Content-Type": "application/json"}
    return request(bench.service.url + path, method, bench.finance, body, kind)


def said(answer: Answer) -> list[str]:
    if answer.status >= 400:
        return [f"{answer.status} {answer.json['detail']}"]
    return [f"{answer.status} taken"]


def patched(base: dict[str, Any], case: Case) -> bytes:
    """A good body, changed by a JSON merge patch; what is no JSON is sent as it is. $PAST, $SOON and
    $FAR are times."""
    text = case.bytes.decode("utf-8", "surrogateescape")
    for name, ahead in (("$PAST", -1), ("$SOON", 1), ("$FAR", 32)):
        text = text.replace(name, moment(timedelta(days=ahead)))
    try:
        change = json.loads(text)
    except ValueError:
        return text.encode("utf-8", "surrogateescape")
    return json.dumps(merge(base, change)).encode()


def members(bench: Bench, case: Case) -> list[str]:
    return said(send(bench, "v1/budgets", patched(budget(case.name), case)))


def prices(bench: Bench, case: Case) -> list[str]:
    one = {"meter": "inference.tokens", "unit": "tokens", "per": "1000", "price": "2.50"}
    return said(send(bench, "v1/prices", patched({"currency": "EUR", "prices": [one]}, case)))


def overrides(bench: Bench, case: Case) -> list[str]:
    """Of a budget of its own."""
    made = send(bench, "v1/budgets", json.dumps(budget(f"for: {case.name}")).encode())
    assert made.status == 201, made.text
    base = {"kind": "amount", "amount": "5", "reason": "r", "expires_at": moment(timedelta(1))}
    return said(send(bench, f"v1/budgets/{made.json['id']}/overrides", patched(base, case)))


def decisions(bench: Bench, case: Case) -> list[str]:
    one = {"action": "reserve", "meter": "inference.tokens", "quantity": "5"}
    return said(send(bench, "v1/decisions", patched(one, case)))
