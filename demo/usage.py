#!/usr/bin/env python3
"""What the demo's tenant uses: events of the last weeks, prices, and budgets of each mode.

usage.py URL TOKEN [DAYS]   sends them to a running service

Numbers follow from the day of the first run and from their own hour, and an hour's events come once it
is over. So whoever runs it again sends the same events again, which count once, and those that came since.
"""

from __future__ import annotations

import json
import random
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from world import SEED

DAYS = 100  # the pages' longest range is 90
LATE_DAYS = 34  # older ones are backfill (docs/metering.md)
BATCH = 5000
ZONE = "Europe/Berlin"
WORKING_HOURS = range(7, 18)
HOUR = timedelta(hours=1)
UNUSUAL_DAYS_AGO = 2

# By meter: the dimensions of each stream, and what it uses in a usual working day.
STREAMS: dict[str, list[tuple[dict[str, str], int]]] = {
    "inference.tokens": [
        ({"model": "analyst-large", "direction": "in", "user": "mara"}, 3_100_000),
        ({"model": "analyst-large", "direction": "out", "user": "mara"}, 420_000),
        ({"model": "analyst-large", "direction": "in", "user": "j.ortiz"}, 1_700_000),
        ({"model": "triage-small", "direction": "in", "user": "soar"}, 5_200_000),
        ({"model": "triage-small", "direction": "out", "user": "soar"}, 310_000),
    ],
    "connector.compute": [
        ({"connector": "edr"}, 9_400_000),
        ({"connector": "mail"}, 5_100_000),
        ({"connector": "threat-feeds"}, 2_600_000),
    ],
    "api.calls": [
        ({"route": "/v1/handoffs", "client": "splunk-sh-01"}, 2_600),
        ({"route": "/v1/events", "client": "gateway-eu-1"}, 9_800),
    ],
}
STORES = [({"store": "graph", "class": "hot"}, 410), ({"store": "evidence", "class": "cold"}, 1900)]
GB = 10**9

PRICES: dict[str, Any] = {
    "currency": "EUR",
    "prices": [
        {"meter": "inference.tokens", "unit": "tokens", "per": "1000000", "price": "2.50"},
        {"meter": "storage.bytes", "unit": "GB-months", "price": "0.021"},
        {"meter": "connector.compute", "unit": "hours", "price": "1.80"},
        {"meter": "api.calls", "unit": "calls", "per": "10000", "price": "0.40"},
        {"meter": "handoffs", "unit": "hand-offs", "price": "0.05"},
    ],
}
CONTACT = "finance@meridian.example"
BUDGETS: list[dict[str, Any]] = [
    {
        "name": "Spend of the month", "basis": "cost", "limit": "1100.00", "period": "billing",
        "mode": "notify", "contact": CONTACT, "two_person": True,
        "thresholds": [{"kind": "percent", "value": "50"}, {"kind": "percent", "value": "80"},
                       {"kind": "forecast", "value": "100"}],
    },
    {
        "name": "Tokens of the month", "basis": "quantity", "meters": ["inference.tokens"],
        "limit": "400000000", "period": "month", "mode": "block", "contact": CONTACT,
        "thresholds": [{"kind": "percent", "value": "80"}, {"kind": "percent", "value": "100"}],
    },
    {
        "name": "Connectors, trial", "basis": "quantity", "meters": ["connector.compute"],
        "limit": "12000000", "period": "day", "mode": "throttle", "shadow": True,
        "throttle": {"from_percent": "50", "rate": "1000", "burst": "60000"},
        "thresholds": [{"kind": "percent", "value": "90"}], "contact": "soc@meridian.example",
    },
]


@dataclass(frozen=True)
class Course:
    """How much is used by day and hour, for who began on that day."""

    begun: date
    days: int = DAYS

    def share(self, day: date, meter: str) -> float:
        """A day against a usual one: weekends are low, growth is slow, one day stands out."""
        dice = random.Random(f"{SEED} {day} {meter}")
        weekend = 0.25 if day.weekday() >= 5 else 1.0
        stands_out = meter == "inference.tokens" and day == self.begun - timedelta(UNUSUAL_DAYS_AGO)
        growth = 1 + (day - self.begun).days / 400
        return weekend * (3.4 if stands_out else 1.0) * growth * dice.uniform(0.85, 1.15)

    def events(self, now: datetime) -> Iterator[Any]:
        """All of them, up to the last whole hour."""
        day = self.begun - timedelta(self.days)
        while day <= now.date():
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            yield from self.levels(midnight, now)
            for meter in STREAMS:
                yield from self.hours(midnight, meter, now)
            day += timedelta(1)

    def levels(self, midnight: datetime, now: datetime) -> Iterator[Any]:
        if midnight + HOUR <= now:
            for dimensions, gigabytes in STORES:
                level = gigabytes * (700 + (midnight.date() - self.begun).days) // 700 * GB
                yield event("/stores/eu", "storage.bytes", midnight, level, dimensions)

    def hours(self, midnight: datetime, meter: str, now: datetime) -> Iterator[Any]:
        share = self.share(midnight.date(), meter) / len(WORKING_HOURS)
        source = "/connectors/eu" if meter == "connector.compute" else "/gateway/eu-1"
        for hour in WORKING_HOURS:
            at = midnight + hour * HOUR
            if at + HOUR <= now:
                for dimensions, usual in STREAMS[meter]:
                    yield event(source, meter, at, round(usual * share), dimensions)


def event(source: str, meter: str, at: datetime, quantity: int, dimensions: dict[str, str]) -> Any:
    name = "/".join(dimensions.values())
    trace = random.Random(f"{meter} {name} {at}")
    return {
        "specversion": "1.0",
        "type": "io.intelgraph.usage.use",
        "source": source,
        "id": f"{at:%Y%m%dT%H}-{name}",
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "subject": dimensions.get("user", "splunk-sh-01"),
        "traceparent": f"00-{trace.getrandbits(128):032x}-{trace.getrandbits(64):016x}-01",
        "data": {"meter": meter, "quantity": str(quantity), "dimensions": dimensions},
    }


class UsageError(Exception):
    """What the service did not take, in its own words."""


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, token: str, kind: str = "", body: bytes | None = None) -> Any:
    """The answer to GET, or to POST of a body."""
    headers = {"Authorization": f"Bearer {token}", **({"Content-Type": kind} if kind else {})}
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with OPENER.open(request, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise UsageError(f"{url}: {json.load(error)['detail']}") from error


def send_events(url: str, token: str, course: Course, now: datetime) -> tuple[int, int]:
    """How many were new, and how many were there already."""
    accepted = duplicates = 0
    border = f"{now - timedelta(days=LATE_DAYS):%Y-%m-%dT%H:%M:%SZ}"
    every = list(course.events(now))
    late = [one for one in every if one["time"] < border]
    recent = [one for one in every if one["time"] >= border]
    for backfill, some in (("true", late), ("false", recent)):
        for first in range(0, len(some), BATCH):
            lines = "".join(json.dumps(one) + "\n" for one in some[first : first + BATCH])
            path = f"{url}v1/events?backfill={backfill}"
            answer = call(path, token, "application/x-ndjson", lines.encode())
            if answer["rejected"]:
                raise UsageError(f"an event was rejected: {answer['events'][0]}")
            accepted += answer["accepted"]
            duplicates += answer["duplicates"]
    return accepted, duplicates


def fill(url: str, token: str, course: Course) -> tuple[int, int]:
    """Usage, prices and budgets. Safe to call again: what is there stays as it is."""
    counts = send_events(url, token, course, datetime.now(UTC))

    def post(path: str, body: Any) -> None:
        call(url + path, token, "application/json", json.dumps(body).encode())

    if not call(f"{url}v1/prices", token)["versions"]:
        since = course.begun - timedelta(course.days)
        post("v1/prices", {**PRICES, "valid_from": f"{since}T00:00:00Z"})
    there = {budget["name"] for budget in call(f"{url}v1/budgets", token)["budgets"]}
    for budget in BUDGETS:
        if budget["name"] not in there:
            post("v1/budgets", budget)
    return counts


def main() -> None:
    url, token, *days = sys.argv[1:]
    course = Course(datetime.now(UTC).date(), int(days[0]) if days else DAYS)
    accepted, duplicates = fill(url, token, course)
    print(f"{accepted} events were new, {duplicates} were there already")


if __name__ == "__main__":
    main()
