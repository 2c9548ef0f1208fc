"""Power cuts and kills while usage is reported: each acknowledged event is there, and counts once.

As with hand-offs, a disk's power is cut or the service is killed at any moment under load, by
clients that send the same again until they are answered. Every time what they were told is compared
with the events, and the events with everything that is derived from them.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from e2e.harness import store_of

from compare import Findings, check_log, open_store
from disk import Disk
from events_books import (
    Books,
    check_file,
    check_kept,
    check_nothing_else,
    check_sums,
    expected,
)
from events_load import EventClients, Request, moment
from house import EATMYDATA, SYNC_OFF, TENANT, DrilledService, Outcome, Points, cut_start
from load import Ledger

LOAD_S = (0.01, 0.2)  # of sending before a cut
FIRST_S = 10.0  # for the first acknowledgement after a start
FULL_EVERY = 50  # cuts: all from the beginning, and a rebuild
CONTROL_CUTS = 5
AGAIN_EVERY = 5  # cuts: another one while the service starts


class Series:
    """Cuts of one service. With a disk its power goes, without one the process is killed."""

    def __init__(self, folder: Path, disk: Disk | None, preload: str = "") -> None:
        self._disk = disk
        self._chance = random.Random(5)
        self.service = DrilledService(folder / "data", preload)
        self.ledger: Ledger[Request] = Ledger()
        self.outcome = Outcome()
        self.books = Books()
        self._checked = 0
        self.service.start()
        meter = self.service.token(TENANT, role="meter", name="gateway")
        self._admin = self.service.token(TENANT, role="admin", name="admin")
        self._clients = EventClients(self.service.port, meter, self.ledger)

    @property
    def file(self) -> Path:
        return store_of(self.service)

    def settle(self) -> None:
        """For a control: what is there before the first cut is not at stake."""
        assert self._disk
        self.service.kill()
        self._disk.sync()
        self.service.start()

    def cut(self) -> None:
        before = len(self.ledger.all)
        deadline = time.monotonic() + FIRST_S
        with self._clients.sending():
            while len(self.ledger.all) == before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(self._chance.uniform(*LOAD_S))
            if self._disk:
                self.ledger.set_dark(True)
                self._disk.cut()
            else:
                self.service.kill()
        self.service.kill()
        if len(self.ledger.all) == before:
            self.outcome.found.broken.append(f"nothing was acknowledged in {FIRST_S:g} s")
        self.outcome.cuts += 1
        if self._disk:
            self._disk.power_on()
            if self.outcome.cuts % AGAIN_EVERY == 0:
                cut_start(self._disk, self.service, self._chance)
                self.outcome.cuts += 1
        self.service.start()
        self.ledger.set_dark(False)

    def check(self) -> None:
        """What came since the last look, and that all of it adds up."""
        requests = self.ledger.all.copy()
        found = self.outcome.found
        with open_store(self.file) as store:
            store.execute("BEGIN")
            self.books.read(store, TENANT)
            check_kept(self.books, requests[self._checked :], found)
            check_sums(store, TENANT, self.books, found)
        self._checked = len(requests)

    def check_all(self) -> None:
        """From the beginning, and by the service's own second count."""
        requests = self.ledger.all.copy()
        found = self.outcome.found
        self.books = check_file(self.file, TENANT, requests, found)
        place = ("--data", str(self.service.data), "--tenant", TENANT)
        for words in (("usage", "rebuild"), ("usage", "reconcile")):
            done = self.service.run(*words, *place)
            if done.returncode:
                found.twice.append(f"{' '.join(words)}: {done.stdout} {done.stderr}")
        check_log(self.service, found)

    def finish(self) -> Outcome:
        """Every client gets its last answer; then all that was sent is there once."""
        self._clients.drain()
        self.check_all()
        check_nothing_else(self.books, self.ledger.all, self.outcome.found)
        self._check_reports()
        return self._count()

    def _check_reports(self) -> None:
        """What a reader is told is what the clients know to have sent."""
        span = f"from={moment(0)}&to={moment(int(time.time() + 86400) * 10**6)}&window=month"
        for meter, amount in expected(self.ledger.all).items():
            told = self.service.json(f"v1/usage?meter={meter}&{span}", self._admin)["total"]
            if told["quantity"] != str(amount):
                what = f"{meter}: the report says {told['quantity']}, {amount} were sent"
                self.outcome.found.twice.append(what)

    def _count(self) -> Outcome:
        self.outcome.acknowledged = sum(each.new for each in self.ledger.all)
        self.outcome.retried = self.ledger.retried
        self.outcome.unexpected = self.ledger.unexpected
        return self.outcome

    def abandon(self) -> Outcome:
        self._clients.stop()
        return self._count()


def cut_events(folder: Path, disk: Disk | None, cuts: int) -> tuple[Outcome, Series]:
    started = time.monotonic()
    series = Series(folder, disk)
    try:
        for number in range(1, cuts + 1):
            series.cut()
            series.check()
            if number % FULL_EVERY == 0:
                series.check_all()
                events = sum(each.new for each in series.ledger.all)
                lost = len(series.outcome.found.lost)
                print(f"# {number} cuts, {events:,} events acknowledged, {lost} lost", flush=True)
            if series.outcome.found.all():
                break
        outcome = series.finish()
    finally:
        series.abandon()
        series.service.kill()
    outcome.seconds = time.monotonic() - started
    return outcome, series


def tell(points: Points, what: str, outcome: Outcome) -> None:
    found = outcome.found
    points.check(f"after {what} while usage is reported every acknowledged event is there",
                 found.lost)
    points.check("each is as it was sent, each request whole or not there at all", found.torn)
    points.check("store, chain and index of events are sound every time", found.broken)
    points.check("what was sent again counts once: in events, hours, days, provenance, reports",
                 found.twice)
    points.check("who reports usage was told nothing that a cut does not explain",
                 outcome.unexpected)


def figures(of: str, outcome: Outcome) -> str:
    found = outcome.found
    return (
        f"# {of}: {outcome.cuts:,} cuts while usage is reported, {outcome.acknowledged:,} events"
        f" acknowledged ({outcome.retried:,} requests after retries), {len(found.lost)} lost,"
        f" {len(found.twice)} counted twice, {outcome.seconds:.0f} s"
    )


# Power


def cut_control(work: Path, name: str, preload: str) -> Outcome:
    """The same service without flushes: cut until something is lost."""
    with Disk(work, name) as disk:
        series = Series(disk.mount, disk, preload)
        series.settle()
        try:
            while series.outcome.cuts < CONTROL_CUTS and not series.outcome.found.lost:
                try:
                    series.cut()
                    series.check()
                except (AssertionError, sqlite3.Error) as error:  # a store that is damaged
                    series.outcome.found.lost.append(f"the store: {error}")
        finally:
            outcome = series.abandon()
            series.service.kill()
    return outcome


def powercut(work: Path, cuts: int, points: Points) -> None:
    with Disk(work, "events") as disk:
        outcome, _ = cut_events(disk.mount, disk, cuts)
    tell(points, f"{cuts} power cuts", outcome)
    for name, preload in (("synchronous=OFF", str(SYNC_OFF)), ("eatmydata", EATMYDATA)):
        control = cut_control(work, f"events-{name.split('=')[0]}", preload)
        blind = f"{control.cuts} cuts, {control.acknowledged} acknowledged, 0 lost"
        points.check(f"control: with {name} the same drill loses acknowledged events",
                     [] if control.found.lost else [blind])
    print(figures("powercut", outcome), flush=True)


# Kills

# What the comparison must see, or its silence means nothing: done to a copy of the store.
USE = "SELECT seq FROM usage_events WHERE meter = 'api.calls' AND kind = 0 LIMIT 1 OFFSET 3"
FIRST = "meter = 'api.calls' AND from_us = (SELECT min(from_us) FROM {0} WHERE meter = 'api.calls')"
TAMPERINGS = (
    ("lost", "an event that is gone", f"DELETE FROM usage_events WHERE seq = ({USE})"),
    ("torn", "an event that said otherwise",
     f"UPDATE usage_events SET quantity = quantity + 1 WHERE seq = ({USE})"),
    ("twice", "an event that stands there twice",
     "INSERT INTO usage_events SELECT (SELECT max(seq) + 1 FROM usage_events), event_key, tenant,"
     " meter, kind, time_us, quantity, dimset, refers_to, content, provenance, received_us"
     f" FROM usage_events WHERE seq = ({USE})"),
    ("twice", "an hour that counts too much",
     f"UPDATE usage_hours SET low = low + 1 WHERE {FIRST.format('usage_hours')}"),
    ("twice", "a day that counts an event more",
     f"UPDATE usage_days SET events = events + 1 WHERE {FIRST.format('usage_days')}"),
    ("twice", "a day that is gone", "DELETE FROM usage_days WHERE meter = 'inference.tokens'"),
    ("twice", "a level that was counted again",
     "UPDATE usage_days SET high = high + 1 WHERE meter = 'storage.bytes'"),
    ("twice", "provenance of one event more",
     "UPDATE usage_provenance SET events = events + 1 WHERE day_us ="
     " (SELECT min(day_us) FROM usage_provenance)"),
    ("broken", "a content that was changed",
     f"UPDATE usage_events SET content = zeroblob(16) WHERE seq = ({USE})"),
    ("broken", "an index that names another event",
     "UPDATE usage_keys SET seq = seq + 1 WHERE seq = (SELECT min(seq) FROM usage_keys)"),
)


def controls(file: Path, requests: list[Request], work: Path, points: Points) -> None:
    copy = work / "tampered-usage.db"
    for gravity, what, sql in TAMPERINGS:
        copy.unlink(missing_ok=True)
        with open_store(file) as store, closing(sqlite3.connect(copy)) as other:
            store.backup(other)
            other.executescript(sql)
        found = Findings()
        check_file(copy, TENANT, requests, found)
        seen = getattr(found, gravity)
        points.check(f"control: {what} is seen", [] if seen else [f"found: {found.all()}"])


def kill(work: Path, cycles: int, points: Points) -> None:
    folder = work / "events"
    folder.mkdir()
    outcome, series = cut_events(folder, None, cycles)
    tell(points, f"{cycles} kills", outcome)
    if not outcome.found.all():
        controls(series.file, series.ledger.all, work, points)
    print(figures("kill", outcome), flush=True)
    shutil.rmtree(folder)
