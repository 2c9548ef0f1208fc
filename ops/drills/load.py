"""Clients that hand off without a pause, and remember outside of the disk what was acknowledged.

Each hand-off names things of its own and one of a few that all of them name, so that a hand-off
that is lost, cut or counted twice shows in the counts. A client sends the same one again until it
has a receipt.
"""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

COMMAND = "ighandoff"
HUBS = 5
COUNT = 2  # rows that each thing was seen in
FEW, MANY = 4, 300  # entities of a hand-off
RETRY_S = 0.01
TIMEOUT_S = 10.0
MIME = {"Content-Type": "application/x-ndjson"}


def line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode() + b"\n"


def handoff_id(tenant: str, sid: str, target: str) -> str:
    digest = hashlib.sha256()
    for text in (tenant, sid, COMMAND, target):
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:32]


def hub(number: int) -> str:
    return f"10.66.0.{number % HUBS + 1}"


class Handoff:
    """Number `number`: a star of domains around a hub. Every 9th comes in two parts, every 31st is
    larger."""

    def __init__(self, number: int, tenant: str, target: str) -> None:
        self.id = handoff_id(tenant, f"drill.{number}", target)
        self.entities = MANY if number % 31 == 30 else FEW
        self.relations = self.entities - 1
        self.parts = 2 if number % 9 == 8 else 1
        things: list[dict[str, Any]] = [{"kind": "ip", "value": hub(number), "count": COUNT}]
        things += [
            {"kind": "domain", "value": f"d{number}-{i}.drill.example", "count": COUNT}
            for i in range(self.relations)
        ]
        arrows = [
            {"type": "queries", "from": 0, "to": i + 1, "count": COUNT}
            for i in range(self.relations)
        ]
        self.bodies = (
            b"".join(line({"entity": thing}) for thing in things),
            b"".join(line({"relation": arrow}) for arrow in arrows),
        )
        self.digest = hashlib.sha256(b"".join(self.bodies)).hexdigest()
        self.head = line(
            {
                "handoff": {
                    "version": 1,
                    "id": self.id,
                    "tenant": tenant,
                    "sid": f"drill.{number}",
                    "command": COMMAND,
                    "target": target,
                    "title": "Drill",
                    "user": "drill",
                    "app": "search",
                    "search_sha256": "0" * 64,
                    "client": "drill/1",
                    "parts": self.parts,
                }
            }
        )
        self.commit = line(
            {
                "commit": {
                    "rows": COUNT,
                    "entities": self.entities,
                    "relations": self.relations,
                    "values": 2 * COUNT,
                    "placeholders": 0,
                    "invalid": 0,
                    "entities_left_out": 0,
                    "relations_left_out": 0,
                    "content_sha256": self.digest,
                }
            }
        )

    def requests(self) -> Iterator[tuple[str, str, bytes]]:
        """Method, path and body, in order; a receipt may come as the answer to any."""
        path = f"/v1/handoffs/{self.id}"
        if self.parts == 1:
            yield "POST", "/v1/handoffs", self.head + b"".join(self.bodies) + self.commit
            return
        yield "POST", "/v1/handoffs", self.head
        for number, body in enumerate(self.bodies, 1):
            yield "PUT", f"{path}/parts/{number}", body
        yield "POST", f"{path}/commit", self.commit


@dataclass(frozen=True)
class Acknowledged:
    """What a client was promised."""

    handoff: str
    entities: int
    relations: int
    named: int  # rows that name its entities, summed
    digest: str
    receipt: dict[str, Any] = field(repr=False)


Promise = TypeVar("Promise")


class Ledger(Generic[Promise]):
    """What was acknowledged, in the order of the acknowledgements."""

    def __init__(self) -> None:
        self.all: list[Promise] = []
        self.unexpected: list[str] = []  # answers that no fault explains
        self.retried = 0
        self._dark = False
        self._lock = threading.Lock()

    def add(self, promise: Promise, tries: int) -> bool:
        """False when the power is off: nobody has heard it."""
        with self._lock:
            if self._dark:
                return False
            self.all.append(promise)
            self.retried += tries > 1
            return True

    def set_dark(self, dark: bool) -> None:
        """A machine without power answers nobody. Here the service lives on for the milliseconds
        that the shutdown takes, and the kernel may tell it something false: an fsync under way at
        that moment can return success although its transaction was dropped. So what is answered
        after the cut has begun counts as never heard, and is sent again."""
        with self._lock:
            self._dark = dark

    def complain(self, what: str) -> None:
        with self._lock:
            self.unexpected.append(what)


class Clients(Generic[Promise]):
    """`count` of them, each with a connection of its own; they rest until `sending`."""

    def __init__(
        self, port: int, tenant: str, token: str, ledger: Ledger[Promise], count: int = 4
    ) -> None:
        self._port = port
        self._tenant = tenant
        self._target = f"http://127.0.0.1:{port}/"
        self._headers = {**MIME, "Authorization": f"Bearer {token}"}
        self._ledger = ledger
        self._numbers = itertools.count()
        self._go = threading.Event()
        self._end = False
        self._drain = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def sending(self) -> Iterator[None]:
        self._go.set()
        try:
            yield
        finally:
            self._go.clear()

    def drain(self) -> None:
        """Lets each send what it has under way until it is acknowledged, then ends them."""
        self._drain = True
        self._go.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                self._ledger.complain("a client got no receipt within 60 s of a good service")
        self._end = True

    def stop(self) -> None:
        self._end = True
        self._go.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _work(self) -> None:
        raise NotImplementedError


class HandoffClients(Clients[Acknowledged]):
    """Each hands off, and sends the same again until it has a receipt."""

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        self._go.wait()
        while not self._end and not self._drain:
            handoff = Handoff(next(self._numbers), self._tenant, self._target)
            tries = 1
            while not self._end and not self._try(connection, handoff, tries):
                tries += 1
                threading.Event().wait(RETRY_S)
                self._go.wait()
        connection.close()

    def _try(self, connection: http.client.HTTPConnection, handoff: Handoff, tries: int) -> bool:
        try:
            for method, path, body in handoff.requests():
                connection.request(method, path, body, self._headers)
                reply = connection.getresponse()
                answer = reply.read()
                if reply.status in (200, 201):
                    return self._take(handoff, json.loads(answer), tries)
                if reply.status not in (202, 204):
                    if reply.status < 500:
                        self._ledger.complain(f"{method} {path}: {reply.status} {answer[:300]!r}")
                    return False
            self._ledger.complain(f"{handoff.id}: every request was answered, none with a receipt")
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
        return False

    def _take(self, handoff: Handoff, receipt: dict[str, Any], tries: int) -> bool:
        if receipt["id"] != handoff.id or receipt["content_sha256"] != handoff.digest:
            self._ledger.complain(f"{handoff.id}: a receipt for something else: {receipt}")
        # The head of one in parts says nothing of its content: the digest above does.
        same = receipt["same_content"] or handoff.parts > 1
        if receipt["duplicate"] and (tries == 1 or not same):
            self._ledger.complain(f"{handoff.id}: a duplicate of what was not sent: {receipt}")
        promise = Acknowledged(
            handoff.id,
            handoff.entities,
            handoff.relations,
            COUNT * handoff.entities,
            handoff.digest,
            receipt,
        )
        return self._ledger.add(promise, tries)
