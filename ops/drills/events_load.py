"""Clients that report usage without a pause, and remember off the disk what was acknowledged.

A client sends the same request again until it is answered, as it must when a connection breaks.
Requests come in each form and packing, in sizes from one event to hundreds, out of order in time,
with repeats of what was acknowledged before, with amendments and voids of it, and with levels.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import zstd

from load import RETRY_S, TIMEOUT_S, Clients, Ledger

BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
TYPE = "io.intelgraph.usage."
HOUR_US = 3600 * 10**6
SPREAD_US = 40 * HOUR_US  # of the events' times
SUMS = ("api.calls", "inference.tokens", "connector.compute")
LEVEL = "storage.bytes"
MANY = 300  # events of a large request
KEEP = 200  # requests that a client may repeat or correct


def key_of(source: str, id: str, time_us: int) -> bytes:
    """What the service knows an event by."""
    digest = hashlib.sha256(source.encode() + b"\0" + id.encode()).digest()
    return (time_us // 1000).to_bytes(6, "big") + digest[:10]


def moment(time_us: int) -> str:
    at = datetime.fromtimestamp(time_us // 10**6, timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{time_us % 10**6:06d}Z"


@dataclass(frozen=True)
class Event:
    """One use, void (quantity 0) or amendment."""

    source: str
    id: str
    time_us: int
    kind: int  # 0 use, 1 void, 2 amend
    meter: str  # of what it corrects, for a correction
    quantity: int
    place: str = ""  # a dimension's value
    of: Event | None = None
    traced: bool = False

    @property
    def key(self) -> bytes:
        return key_of(self.source, self.id, self.time_us)

    def body(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if self.kind != 1:
            data["quantity"] = str(self.quantity)
        if self.of is None:
            data["meter"] = self.meter
            if self.place:
                data["dimensions"] = {"store" if self.meter == LEVEL else "route": self.place}
        else:
            of = self.of
            data["refers_to"] = {"source": of.source, "id": of.id, "time": moment(of.time_us)}
        event = {
            "specversion": "1.0",
            "type": TYPE + ("use", "void", "amend")[self.kind],
            "source": self.source,
            "id": self.id,
            "time": moment(self.time_us),
            "data": data,
        }
        return {**event, "traceparent": "00-1-2-01"} if self.traced else event


@dataclass(frozen=True)
class Request:
    """What is sent at once; `new` of its events were never sent before."""

    events: tuple[Event, ...]
    new: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Reporter:
    """One client's requests: the same for the same number and what was acknowledged before."""

    def __init__(self, number: int, now_us: int) -> None:
        self.source = f"/drill/{number}"
        self._number = number
        self._now_us = now_us
        self._chance = random.Random(number)
        self._serial = itertools.count()
        self._uses: list[Event] = []  # acknowledged

    def request(self) -> Request:
        chance = self._chance
        size = MANY if chance.random() < 0.05 else chance.choice((1, 2, 10, 40, 100))
        events = [self._event() for _ in range(size)]
        new = len(events)
        if self._uses and chance.random() < 0.3:
            # Again, and twice in one request.
            events += chance.sample(self._uses, min(3, len(self._uses)))
            events.append(events[0])
        chance.shuffle(events)
        return self._packed(tuple(events), new)

    def acknowledged(self, request: Request) -> None:
        self._uses += [each for each in request.events if each.kind == 0]
        del self._uses[: -KEEP]

    def _event(self) -> Event:
        chance = self._chance
        id = f"{self._number}-{next(self._serial)}"
        time_us = self._now_us - chance.randrange(SPREAD_US)
        if self._uses and chance.random() < 0.04:
            kind = chance.choice((1, 2))
            of = chance.choice(self._uses)
            quantity = 0 if kind == 1 else chance.randrange(10**6)
            return Event(self.source, id, time_us, kind, of.meter, quantity, of=of)
        if chance.random() < 0.05:
            place = f"{self._number}-{chance.randrange(2)}"
            return Event(self.source, id, time_us, 0, LEVEL, chance.randrange(10**15), place)
        meter = chance.choice(SUMS)
        quantity = 10**15 if chance.random() < 0.01 else chance.randrange(10**6)
        place = f"/v1/{chance.randrange(20)}" if meter == "api.calls" else ""
        traced = chance.random() < 0.5
        return Event(self.source, id, time_us, 0, meter, quantity, place, traced=traced)

    def _packed(self, events: tuple[Event, ...], new: int) -> Request:
        texts = [json.dumps(each.body(), separators=(",", ":")) for each in events]
        headers = {"Content-Type": LINES}
        body = ("\n".join(texts) + "\n").encode()
        if self._chance.random() < 0.4:
            headers = {"Content-Type": BATCH}
            body = ("[" + ",".join(texts) + "]").encode()
        packing = self._chance.choice(("", "", "gzip", "zstd"))
        if packing:
            body = gzip.compress(body, 1) if packing == "gzip" else zstd.compress(body)
            headers["Content-Encoding"] = packing
        return Request(events, new, headers, body)


class EventClients(Clients[Request]):
    """Each sends one request again until it is answered, then the next."""

    def __init__(self, port: int, token: str, ledger: Ledger[Request], count: int = 4) -> None:
        self._bearer = {"Authorization": f"Bearer {token}"}
        self._now_us = int(time.time()) * 10**6
        self._reporters = itertools.count()
        super().__init__(port, "", token, ledger, count)

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        reporter = Reporter(next(self._reporters), self._now_us)
        self._go.wait()
        while not self._end and not self._drain:
            request = reporter.request()
            tries = 1
            while not self._end and not self._send(connection, request, tries):
                tries += 1
                threading.Event().wait(RETRY_S)
                self._go.wait()
            reporter.acknowledged(request)
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, request: Request, tries: int) -> bool:
        try:
            connection.request(
                "POST", "/v1/events", request.body, {**request.headers, **self._bearer}
            )
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status == 200:
                return self._heard(request, json.loads(answer), tries)
            if reply.status < 500:
                self._ledger.complain(f"POST /v1/events: {reply.status} {answer[:300]!r}")
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
        return False

    def _heard(self, request: Request, told: dict[str, Any], tries: int) -> bool:
        """A request is taken whole or not at all: what was sent before is all there, or none."""
        accepted, duplicates = told["accepted"], told["duplicates"]
        if told["rejected"] or accepted + duplicates != len(request.events):
            self._ledger.complain(f"of {len(request.events)} events: {json.dumps(told)[:500]}")
        elif accepted != request.new and (tries == 1 or accepted != 0):
            self._ledger.complain(
                f"try {tries}: {accepted} accepted, {duplicates} duplicates of {request.new} new"
                f" and {len(request.events) - request.new} repeated events"
            )
        return self._ledger.add(request, tries)
