"""A tenant's budgets made through the service's API, and hand-offs of a search head against them."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from splunkd import SearchResult

from .harness import Answer, Place, Row, request, visits
from .test_igusage import IgusageCase


HOUR_S = 3600


def later(seconds: float) -> str:
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def definition(name: str, limit: int | str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "basis": "quantity",
        "meters": ["handoffs"],
        "limit": str(limit),
        "period": "month",
        "mode": "block",
        "shadow": False,
        "thresholds": [{"kind": "percent", "value": "50"}],
        "throttle": None,
        "default_estimate": "1",
        "recipients": [],
        "contact": "finance@corp.example",
        "two_person": False,
        **more,
    }


class BudgetCase(IgusageCase):
    def ask(self, place: Place, method: str, path: str, body: Any = None) -> Answer:
        """As an admin of the place's tenant."""
        token = place.service.token(place.tenant, "admin", "admin")
        data = None if body is None else json.dumps(body).encode()
        return request(place.service.url + path, method, token, data, {"Content-Type": "application/json"})

    def make(self, place: Place, name: str, limit: int | str, **more: Any) -> Any:
        answer = self.ask(place, "POST", "v1/budgets", definition(name, limit, **more))
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json

    def hand_off(self, place: Place, sid: str) -> SearchResult:
        rows = visits(4)
        result = place.search("ighandoff", rows, sid=sid, last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        return result

    def refusals(self, place: Place, count: int) -> list[Row]:
        """At least so many: the service writes them down a moment after it has answered."""
        until = time.monotonic() + 10
        rows = self.rows(place, "show=decisions")
        while len(rows) < count and time.monotonic() < until:
            time.sleep(0.2)
            rows = self.rows(place, "show=decisions")
        self.assertGreaterEqual(len(rows), count)
        return rows

    def outcome(self, result: SearchResult) -> str:
        (word,) = self.statuses(result) - {"collected"}
        return word
