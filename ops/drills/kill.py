"""kill -9 under load: of the service, of the command, of both, while clients try again.

What was acknowledged is there, and what was tried again until it was acknowledged is there once. A
kill leaves the system's memory whole, so this says nothing of power cuts; powercut.py does.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from e2e.harness import Splunk, link_id, store_of
from splunkd.process import CommandProcess

import events
from compare import (
    Findings,
    check_log,
    check_promises,
    check_records,
    check_store,
    check_total,
    open_store,
)
from house import TENANT, DrilledService, Outcome, Points, Search, analyst_promises, search_rows
from load import Acknowledged, HandoffClients, Ledger

FAULTS = ("service", "command", "both")
LOAD_S = (0.02, 0.15)  # of sending before a kill
COMMAND_S = 0.015  # about what one run of the command takes
WAIT_S = 5.0
DRAIN_S = 60.0
FULL_EVERY = 50


class Victim(Search):
    """A search whose command can be killed at any moment of its life."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.pidfd = -1
        self.started = threading.Event()

    def _start(self) -> CommandProcess:
        process = super()._start()
        self.pidfd = os.pidfd_open(process.pid)  # names this process, also when it is gone
        self.started.set()
        return process

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class Analyst:
    """One search after the other; each is run again, as the same search, until its analyst is told
    that it was sent or that it waits."""

    def __init__(
        self, splunk: Splunk, numbers: itertools.count[int], ledger: Ledger[Acknowledged]
    ) -> None:
        self._splunk = splunk
        self._numbers = numbers
        self._ledger = ledger
        self._end = False
        self.now: Victim | None = None
        self.told: list[str] = []  # ids
        self.killed = 0
        self.retried = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """At the end of the search under way."""
        self._end = True
        self._thread.join(DRAIN_S)
        if self._thread.is_alive():
            self._ledger.complain(f"a search was not answered within {DRAIN_S:g} s")

    def _work(self) -> None:
        while not self._end:
            number = next(self._numbers)
            tries = 1
            while not self._search(number):
                tries += 1
                if tries > 1000:
                    self._ledger.complain(f"search {number}: 1000 tries")
                    return
            self.retried += tries > 1

    def _search(self, number: int) -> bool:
        search = Victim(self._splunk.home, f"1.{number}", search_rows(number))
        self.now = search
        try:
            search.run()
        finally:
            self.now = None
            os.close(search.pidfd)
        if search.result.exit_codes == [-signal.SIGKILL]:
            self.killed += 1
        elif search.result.violations:
            self._ledger.complain(f"search {number}: {search.result.violations}")
        if search.reply is None:
            return False
        if search.statuses() <= {"sent", "queued"} and search.statuses():
            self.told.append(link_id(search.result))
            return True
        self._ledger.complain(f"search {number} was told {search.statuses()}:"
                              f" {search.result.texts()}")
        return False


class House:
    """Clients over HTTP and analysts with the command, at one service."""

    def __init__(self, work: Path) -> None:
        self.outcome = Outcome()
        self.kills = dict.fromkeys(("service", "command"), 0)
        self._chance = random.Random(3)
        self._checked = 0
        self.promises: list[Acknowledged] = []  # all of them, at the end
        self.ledger: Ledger[Acknowledged] = Ledger()
        self.service = DrilledService(work / "house" / "data")
        self.service.data.parent.mkdir()
        self.service.start()
        token = self.service.token(TENANT)
        self._auditor = self.service.token(TENANT, role="auditor", name="auditor")
        self.splunk = Splunk(work / "home")
        self.splunk.configure(self.service.url, TENANT, token)
        self._clients = HandoffClients(self.service.port, TENANT, token, self.ledger, count=3)
        self._numbers = itertools.count()
        self.analysts = [Analyst(self.splunk, self._numbers, self.ledger) for _ in range(2)]

    def cycle(self, fault: str) -> None:
        before = len(self.ledger.all)
        with self._clients.sending():
            deadline = time.monotonic() + WAIT_S
            while len(self.ledger.all) == before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(self._chance.uniform(*LOAD_S))
            if fault != "service":
                self._kill_command()
            if fault != "command":
                self.service.kill()
                self.kills["service"] += 1
                # Searches that find the service gone put theirs into the outbox.
                time.sleep(self._chance.uniform(0, 0.03))
                self.service.start()
        self.outcome.cuts += 1

    def _kill_command(self) -> None:
        """Within a run of it: one that begins now, at any moment of its life."""
        analyst = self._chance.choice(self.analysts)
        deadline = time.monotonic() + WAIT_S
        seen = analyst.now
        while time.monotonic() < deadline:
            now = analyst.now
            if now is not None and now is not seen and now.started.is_set():
                time.sleep(self._chance.uniform(0, COMMAND_S))
                with suppress(OSError):  # its descriptor is closed: it has ended
                    now.kill()
                self.kills["command"] += 1
                return
            time.sleep(0.0005)
        self.ledger.complain("no search began")

    def check(self, full: bool) -> None:
        promises = self.ledger.all.copy()
        new = promises[self._checked :]
        found = self.outcome.found
        check_promises(store_of(self.service), TENANT, promises if full else new, found)
        if full:
            check_records(self.service, self._auditor, promises, found)
            check_store(store_of(self.service), TENANT, found)
            check_log(self.service, found)
        self._checked = len(promises)

    def finish(self) -> None:
        """All are told; then what waits goes out; then all is there once and nothing else."""
        self._clients.drain()
        for analyst in self.analysts:
            analyst.stop()
        told = [each for analyst in self.analysts for each in analyst.told]
        deadline = time.monotonic() + DRAIN_S
        while self._waiting() and time.monotonic() < deadline:
            last = Search(self.splunk.home, f"1.{next(self._numbers)}", search_rows(10000))
            last.run()
            told.append(link_id(last.result))
        found = self.outcome.found
        found.lost += [f"{name} was not delivered" for name in self._waiting()]
        self.check(full=True)
        searched = analyst_promises(self.service, self._auditor, "1.")
        check_promises(store_of(self.service), TENANT, searched, found)
        there = {promise.handoff for promise in searched}
        found.lost += [f"{name}: its analyst was told, it is not there" for name in told
                       if name not in there]
        found.twice += [f"{name} is there, its analyst was never told" for name in there
                        if name not in told]
        on_record = {line.get("handoff") for line in self.splunk.audit}
        found.lost += [f"{name} has no line in Splunk's audit log" for name in told
                       if name not in on_record]
        self.promises = self.ledger.all + searched
        check_total(store_of(self.service), TENANT, self.promises, found)
        self.outcome.acknowledged = len(self.ledger.all) + len(told)
        self.outcome.retried = self.ledger.retried + sum(each.retried for each in self.analysts)
        self.outcome.unexpected = self.ledger.unexpected

    def _waiting(self) -> list[str]:
        return [path.name for path in self.splunk.outbox if path.name.endswith(".ndjson.gz")]

    def end(self) -> None:
        self._clients.stop()
        self.service.kill()


# What the comparison must see, or its silence above means nothing: done to a copy of the store.
TAMPERINGS = (
    ("lost", "a hand-off that is gone", "DELETE FROM handoffs WHERE number = 3"),
    ("torn", "an entity that is gone", "DELETE FROM graph_handoff_entities WHERE handoff = 3"
     " AND entity = (SELECT max(entity) FROM graph_handoff_entities WHERE handoff = 3)"),
    ("torn", "a receipt that said otherwise",
     "UPDATE handoffs SET audit_index = audit_index + 1 WHERE number = 3"),
    ("twice", "a hand-off merged twice", "UPDATE graph_entities SET row_count = row_count + 2,"
     " handoffs = handoffs + 1 WHERE id = 1"),
    ("twice", "rows counted twice on both sides",
     "UPDATE graph_handoff_entities SET row_count = 2 * row_count WHERE handoff = 3;"
     "UPDATE graph_entities SET row_count = row_count + (SELECT sum(row_count) / 2"
     " FROM graph_handoff_entities s WHERE s.handoff = 3 AND s.entity = graph_entities.id)"
     " WHERE id IN (SELECT entity FROM graph_handoff_entities WHERE handoff = 3)"),
    ("twice", "a hand-off that nobody was told of",
     "UPDATE handoffs SET id = substr(id, 17) || substr(id, 1, 16) WHERE number = 3"),
)


def controls(house: House, work: Path, points: Points) -> None:
    copy = work / "tampered.db"
    for gravity, what, sql in TAMPERINGS:
        copy.unlink(missing_ok=True)
        with open_store(store_of(house.service)) as store, open_copy(copy) as other:
            store.backup(other)
            other.executescript(sql)
        found = Findings()
        check_promises(copy, TENANT, house.promises, found)
        check_store(copy, TENANT, found)
        check_total(copy, TENANT, house.promises, found)
        seen = getattr(found, gravity)
        points.check(f"control: {what} is seen", [] if seen else [f"found: {found.all()}"])


def open_copy(file: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(file, isolation_level=None))


def drill(work: Path, cycles: int, parts: str = "all") -> int:
    points = Points("kill")
    if parts != "events":
        drill_handoffs(work, cycles, points)
    if parts != "handoffs":
        events.kill(work, cycles, points)
    return points.end()


def drill_handoffs(work: Path, cycles: int, points: Points) -> None:
    started = time.monotonic()
    house = House(work)
    try:
        for number in range(1, cycles + 1):
            house.cycle(FAULTS[number % len(FAULTS)])
            house.check(full=number % FULL_EVERY == 0)
            if number % FULL_EVERY == 0:
                print(f"# {number} cycles, {len(house.ledger.all)} acknowledged over HTTP",
                      flush=True)
            if house.outcome.found.all():
                break
        house.finish()
    finally:
        house.end()
    outcome, kills = house.outcome, house.kills
    hit = sum(analyst.killed for analyst in house.analysts)
    found = outcome.found
    points.check(f"after {cycles} cycles of kill -9 every acknowledged hand-off is there",
                 found.lost)
    points.check("each is whole, and the log has its record where the receipt says", found.torn)
    points.check("store and audit log are sound", found.broken)
    points.check("what was tried again until acknowledged is there once", found.twice)
    points.check("nobody was told what a kill does not explain", outcome.unexpected)
    points.check("the kills hit: the service, and the command in the middle of its life",
                 [] if kills["service"] and (hit or cycles < 5) else [f"{kills}, {hit} hit"])
    if not found.all():
        controls(house, work, points)
    print(
        f"# kill: {outcome.cuts:,} cycles, service killed {kills['service']:,} times, command"
        f" {hit:,} (of {kills['command']:,} shots), {outcome.acknowledged:,} acknowledged"
        f" ({outcome.retried:,} after retries), {len(found.lost)} lost, {len(found.twice)} twice,"
        f" {time.monotonic() - started:.0f} s",
        flush=True,
    )
