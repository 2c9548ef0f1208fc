"""Power cuts under load: what was acknowledged is there after them, whole and once.

The service's data folder, and in a second part Splunk's, are on a disk whose power is cut; clients
and their notes are not. The same drill over a service that does not flush must lose something.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

from e2e.harness import Splunk, link_id, request, store_of

import events
from compare import check_log, check_promises, check_records, check_store, check_total
from disk import Disk
from house import (
    EATMYDATA,
    ENTITIES,
    RELATIONS,
    SYNC_OFF,
    TENANT,
    DrilledService,
    Outcome,
    Points,
    Search,
    analyst_promises,
    cut_start,
    search_rows,
)
from load import Acknowledged, HandoffClients, Ledger

LOAD_S = (0.02, 0.2)  # of sending before a cut
FIRST_S = 10.0  # for the first acknowledgement after a start
SAMPLE = 100  # of the older promises, at each cut
FULL_EVERY = 20  # cuts: all promises, every hash, the whole file
CONTROL_CUTS = 5
AGAIN_EVERY = 5  # cuts: another one while the service starts
DELIVER_EVERY = 20  # the command takes 50 waiting ones along


# The service


def cut_births(work: Path, cuts: int) -> Outcome:
    """Cuts while a data folder is made: the next start makes a good one of what is left."""
    outcome = Outcome()
    chance = random.Random(4)
    with Disk(work, "births") as disk:
        for number in range(cuts):
            service = DrilledService(disk.mount / f"data{number}")
            cut_start(disk, service, chance)
            outcome.cuts += 1
            try:
                service.start()
                service.token(TENANT)
                check_log(service, outcome.found)
            except AssertionError as error:
                outcome.found.broken.append(f"cut {number}: {error}")
            finally:
                service.kill()
    return outcome


class Series:
    """Cuts on one store that grows."""

    def __init__(self, disk: Disk, preload: str = "") -> None:
        self._disk = disk
        self._chance = random.Random(1)
        self.service = DrilledService(disk.mount / "data", preload)
        self.ledger: Ledger[Acknowledged] = Ledger()
        self.outcome = Outcome()
        self._checked = 0
        self.service.start()
        self._token = self.service.token(TENANT)
        self._auditor = self.service.token(TENANT, role="auditor", name="auditor")
        self._clients = HandoffClients(self.service.port, TENANT, self._token, self.ledger)

    def settle(self) -> None:
        """For a control: what is there before the first cut is not at stake."""
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
            self.ledger.set_dark(True)
            self._disk.cut()
        self.service.kill()
        if len(self.ledger.all) == before:
            self.outcome.found.broken.append(f"nothing was acknowledged in {FIRST_S:g} s")
        self._disk.power_on()
        self.outcome.cuts += 1
        if self.outcome.cuts % AGAIN_EVERY == 0:
            self._cut_at_start()
        self.service.start()
        self.ledger.set_dark(False)

    def _cut_at_start(self) -> None:
        """While the store recovers from the cut before."""
        cut_start(self._disk, self.service, self._chance)
        self.outcome.cuts += 1

    def check(self, full: bool) -> None:
        """What was acknowledged since the last look, and a sample of the rest; or everything."""
        promises = self.ledger.all.copy()
        new, old = promises[self._checked :], promises[: self._checked]
        sample = self._chance.sample(old, min(SAMPLE, len(old)))
        found = self.outcome.found
        file = store_of(self.service)
        check_promises(file, TENANT, promises if full else new + sample, found)
        check_records(self.service, self._auditor, promises if full else new, found)
        for promise in new[-4:]:
            self._check_receipt(promise)
        if full:
            check_store(file, TENANT, found)
            check_log(self.service, found)
        self._checked = len(promises)

    def _check_receipt(self, promise: Acknowledged) -> None:
        """The service itself gives the receipt again."""
        path = f"v1/handoffs/{promise.handoff}/receipt"
        answer = request(self.service.url + path, token=self._token)
        told = answer.json if answer.status == 200 else {}
        for name, value in promise.receipt.items():
            if name not in ("duplicate", "same_content") and told.get(name) != value:
                self.outcome.found.torn.append(f"{path}: {answer.status}, {name}: {told}")
                return

    def finish(self) -> Outcome:
        """Every client gets its last receipt; then all that was sent is there once."""
        self._clients.drain()
        self.check(full=True)
        check_total(store_of(self.service), TENANT, self.ledger.all, self.outcome.found)
        return self._count()

    def _count(self) -> Outcome:
        self.outcome.acknowledged = len(self.ledger.all)
        self.outcome.retried = self.ledger.retried
        self.outcome.unexpected = self.ledger.unexpected
        return self.outcome

    def abandon(self) -> Outcome:
        self._clients.stop()
        return self._count()


def cut_service(work: Path, cuts: int) -> Outcome:
    started = time.monotonic()
    with Disk(work, "service") as disk:
        series = Series(disk)
        try:
            for number in range(1, cuts + 1):
                series.cut()
                series.check(full=number % FULL_EVERY == 0)
                if number % FULL_EVERY == 0:
                    told = f"{len(series.ledger.all)} acknowledged"
                    print(f"# {number} cuts, {told}, {len(series.outcome.found.lost)} lost",
                          flush=True)
                if series.outcome.found.all():
                    break
            outcome = series.finish()
        finally:
            series.abandon()
            series.service.kill()
    outcome.seconds = time.monotonic() - started
    return outcome


def cut_control(work: Path, name: str, preload: str) -> Outcome:
    """The same service without flushes: cut until something is lost."""
    with Disk(work, name) as disk:
        series = Series(disk, preload)
        series.settle()
        try:
            while series.outcome.cuts < CONTROL_CUTS and not series.outcome.found.lost:
                series.cut()
                check_promises(
                    store_of(series.service), TENANT, series.ledger.all, series.outcome.found
                )
        finally:
            outcome = series.abandon()
            series.service.kill()
    return outcome


# Splunk's side


class CutSearch(Search):
    """A search on a machine that loses its power: at the moment the analyst is told, unless
    before. `told` is whether the analyst was."""

    def __init__(self, disk: Disk, *words: Any) -> None:
        super().__init__(*words)
        self._disk = disk
        self.told = False

    def replied(self) -> None:
        self.told = self._disk.cut()


class Analyst:
    """Searches while the service is down, on a disk whose power is cut."""

    def __init__(self, disk: Disk, work: Path, preload: str) -> None:
        self._disk = disk
        self._preload = preload
        self._chance = random.Random(2)
        self.outcome = Outcome()
        self.splunk = Splunk(disk.mount / "home")
        self.service = DrilledService(work / f"{disk.mount.name}-receiver" / "data")
        self.service.data.parent.mkdir()
        self.service.start()
        token = self.service.token(TENANT)
        self._auditor = self.service.token(TENANT, role="auditor", name="auditor")
        self.splunk.configure(self.service.url, TENANT, token)
        self.service.kill()
        disk.sync()
        self.queued: dict[str, int] = {}  # id: number of the search
        self._delivered: set[str] = set()
        self._next = 0

    def search(self, early: bool) -> None:
        """One search and its cut. An early one may come before anything was promised; the same
        search is then run again."""
        number = self._next
        home, rows = self.splunk.home, search_rows(number)
        search = CutSearch(self._disk, home, f"1.{number}", rows, self._preload)
        timer = threading.Timer(self._chance.uniform(0, 0.012), self._disk.cut)
        if early:
            timer.start()
        try:
            search.run()
        except OSError:  # splunkd's own folder, on a disk that is gone
            if not early:
                raise
        timer.cancel()
        if early:
            timer.join()
        if search.told and search.statuses() == {"queued"}:
            self.queued[link_id(search.result)] = number
        elif search.told or not early:
            told = f"{search.result.texts()} {search.result.violations}"
            self.outcome.unexpected.append(f"search {number} was told {search.statuses()}: {told}")
        self._next += search.told or not early
        self._disk.power_on()
        self.outcome.cuts += 1

    def check(self) -> None:
        """Each that was queued waits whole in the outbox, and the audit log has its line."""
        found = self.outcome.found
        lines = self._lines()
        files = {path.name.split(".")[0]: path for path in self.splunk.outbox
                 if path.name.endswith(".ndjson.gz")}
        for name in self.queued.keys() - self._delivered:
            if name not in files:
                found.lost.append(f"{name} was queued and is not in the outbox")
            if name not in lines:
                found.lost.append(f"{name} was queued and has no line in the audit log")
        for name, path in files.items():
            if wrong := why_torn(path, name):
                found.torn.append(f"{path.name}: {wrong}")

    def _lines(self) -> dict[str, list[str]]:
        """Results in the audit log by hand-off."""
        log = self.splunk.home / "var/log/splunk/intelgraph_audit.log"
        lines: dict[str, list[str]] = {}
        for text in log.read_text("utf-8").splitlines() if log.exists() else []:
            try:
                line = json.loads(text)
                lines.setdefault(line["handoff"], []).append(line["result"])
            except (ValueError, KeyError):
                self.outcome.found.torn.append(f"a line of the audit log: {text[:200]!r}")
        return lines

    def deliver(self) -> None:
        """The service comes back: the next search takes along what waits."""
        self.service.start()
        number = self._next
        self._next += 1
        search = Search(self.splunk.home, f"1.{number}", search_rows(number))
        search.run()
        if search.statuses() != {"sent"}:
            self.outcome.unexpected.append(f"with the service up: {search.result.texts()}")
        self.queued[link_id(search.result)] = number
        self._delivered |= self.queued.keys()
        found = self.outcome.found
        if left := self.splunk.outbox:
            waiting = [path.name for path in left if path.name.endswith(".gz")]
            found.lost += [f"{name} was not delivered" for name in waiting]
        promises = analyst_promises(self.service, self._auditor)
        check_promises(store_of(self.service), TENANT, promises, found)
        check_total(store_of(self.service), TENANT, promises, found)
        check_store(store_of(self.service), TENANT, found)
        there = {promise.handoff for promise in promises}
        found.lost += [f"{name} never arrived" for name in self.queued.keys() - there]
        self.service.kill()


def why_torn(path: Path, name: str) -> str:
    """Why a file of the outbox is not a whole hand-off; empty when it is one."""
    try:
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        head, commit = json.loads(lines[0])["handoff"], json.loads(lines[-1])["commit"]
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        return f"{type(error).__name__}: {error}"
    digest = hashlib.sha256(b"".join(lines[1:-1])).hexdigest()
    if head["id"] != name or commit["content_sha256"] != digest:
        return "its content is not what its last line says"
    if (commit["entities"], commit["relations"]) != (ENTITIES, RELATIONS):
        return f"it has {commit['entities']} entities and {commit['relations']} relations"
    return ""


def cut_splunk(work: Path, cuts: int, name: str = "splunk", preload: str = "") -> Outcome:
    """Every third cut comes at any moment of the command's life, the others at its reply."""
    started = time.monotonic()
    with Disk(work, name) as disk:
        analyst = Analyst(disk, work, preload)
        try:
            for number in range(1, cuts + 1):
                analyst.search(early=not preload and number % 3 == 0)
                analyst.check()
                if analyst.outcome.found.all():
                    break
                if not preload and (number % DELIVER_EVERY == 0 or number == cuts):
                    analyst.deliver()
        finally:
            analyst.service.kill()
    analyst.outcome.acknowledged = len(analyst.queued)
    analyst.outcome.seconds = time.monotonic() - started
    return analyst.outcome


# The points


def controls(work: Path, points: Points) -> list[str]:
    figures = []
    if not SYNC_OFF.exists():
        raise FileNotFoundError(f"{SYNC_OFF} is not built: ./dev build")
    for name, preload in (("synchronous=OFF", str(SYNC_OFF)), ("eatmydata", EATMYDATA)):
        outcome = cut_control(work, name.split("=")[0], preload)
        lost = len(outcome.found.lost)
        points.check(
            f"control: with {name} the same drill loses what was acknowledged",
            [] if lost else [f"{outcome.cuts} cuts, {outcome.acknowledged} acknowledged, 0 lost"],
        )
        figures.append(f"{name} lost {lost:,} of {outcome.acknowledged:,} in {outcome.cuts}")
    outcome = cut_splunk(work, CONTROL_CUTS, "splunk-eatmydata", EATMYDATA)
    lost = len(outcome.found.lost) + len(outcome.found.torn)
    points.check(
        "control: a command under eatmydata loses what it said is queued",
        [] if lost else [f"{outcome.cuts} cuts, {outcome.acknowledged} queued, 0 lost"],
    )
    gone = len({each.split()[0] for each in outcome.found.lost + outcome.found.torn})
    told = f"{gone} of {outcome.acknowledged} in {outcome.cuts}"
    figures.append(f"the command under eatmydata lost {told}")
    return figures


def drill(work: Path, cuts: int, parts: str = "all") -> int:
    points = Points("powercut")
    if parts != "events":
        drill_handoffs(work, cuts, points)
    if parts != "handoffs":
        events.powercut(work, cuts, points)
    return points.end()


def drill_handoffs(work: Path, cuts: int, points: Points) -> None:
    service = cut_service(work, cuts)
    found = service.found
    points.check(f"after {cuts} cuts under load every acknowledged hand-off is there", found.lost)
    points.check("each is whole, and the log has its record where the receipt says", found.torn)
    points.check("store and audit log are sound after every cut", found.broken)
    points.check("what was sent again until acknowledged is there once", found.twice)
    points.check("the service answered nothing that a cut does not explain", service.unexpected)
    births = cut_births(work, max(1, cuts // 4))
    points.check(
        f"after {births.cuts} cuts of a first start the next one is good", births.found.all()
    )
    splunk = cut_splunk(work, cuts)
    found = splunk.found
    points.check(f"after {cuts} cuts on Splunk's side what was queued waits, on record", found.lost)
    points.check("no file of the outbox and no audit line is cut", found.torn + found.broken)
    points.check("when the service is back each is delivered once", found.twice)
    points.check("the analyst was told that it waits, each time", splunk.unexpected)
    told = controls(work, points)
    lost = len(service.found.lost) + len(splunk.found.lost)
    print(
        f"# powercut: {service.cuts:,} cuts of the service, {service.acknowledged:,} acknowledged"
        f" ({service.retried:,} after retries), {len(service.found.lost)} lost;"
        f" {births.cuts:,} cuts of a first start, {len(births.found.all())} bad;"
        f" {splunk.cuts:,} cuts of Splunk, {splunk.acknowledged:,} queued,"
        f" {len(splunk.found.lost)} lost; {lost} lost in all,"
        f" {service.seconds + splunk.seconds:.0f} s; controls: {', '.join(told)} cuts",
        flush=True,
    )
