"""What a store holds of usage, counted again the plainest way, against what was acknowledged."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from compare import Findings, open_store
from events_load import HOUR_US, LEVEL, Event, Request

DAY_US = 24 * HOUR_US
OWN = ("operations", "handoffs")  # what the service counts itself
SOME = 20  # complaints of one kind


def tell(found: list[str], count: int, what: str) -> None:
    if count:
        found.append(f"{count} {what}")


class Books:
    """A tenant's events by their keys, and what they add up to. Rows come in the order of seq:
    the latest correction of an event holds. The tenant's time zone is UTC."""

    def __init__(self) -> None:
        self.seq = 0
        self.there: dict[bytes, tuple[str, int, int, int]] = {}  # meter, kind, time, quantity
        self.twice: list[bytes] = []
        self.amounts: dict[tuple[str, int], int] = defaultdict(int)  # meter and hour
        self.uses: Counter[tuple[str, int]] = Counter()
        self.provenance: Counter[tuple[int, int]] = Counter()
        self._now: dict[bytes, tuple[int, int]] = {}  # use: kind and quantity that hold
        self._levels: dict[int, dict[bytes, int]] = defaultdict(dict)  # dimset: key: time
        self.missed = 0  # corrections of what is not there

    def read(self, store: sqlite3.Connection, tenant: str) -> None:
        """What was added since the last time."""
        rows = store.execute(
            "SELECT seq, event_key, meter, kind, time_us, quantity, dimset, refers_to, provenance"
            " FROM usage_events WHERE tenant = ? AND seq > ? ORDER BY seq", (tenant, self.seq))
        for seq, key, meter, kind, time_us, quantity, dimset, refers_to, provenance in rows:
            self.seq = seq
            if key in self.there:
                self.twice.append(key)
            self.there[key] = (meter, kind, time_us, quantity)
            self.provenance[time_us // DAY_US * DAY_US, provenance] += 1
            if kind == 0:
                self._add_use(key, meter, time_us, quantity, dimset)
            else:
                self._correct(refers_to, kind, quantity)

    def _add_use(self, key: bytes, meter: str, time_us: int, quantity: int, dimset: int) -> None:
        hour = time_us // HOUR_US * HOUR_US
        self.uses[meter, hour] += 1
        self._now[key] = (0, quantity)
        if meter == LEVEL:
            self._levels[dimset][key] = time_us
        else:
            self.amounts[meter, hour] += quantity

    def _correct(self, key: bytes, kind: int, quantity: int) -> None:
        if key not in self.there:
            self.missed += 1
            return
        meter, _, time_us, _ = self.there[key]
        if meter != LEVEL:
            self.amounts[meter, time_us // HOUR_US * HOUR_US] += quantity - self._now[key][1]
        self._now[key] = (kind, quantity)

    def levels(self) -> int:
        """Each level times the microseconds to the next one of its dimensions."""
        total = 0
        for keys in self._levels.values():
            steps = sorted((at, key, self._now[key][1]) for key, at in keys.items()
                           if self._now[key][0] != 1)
            for (at, _, level), (then, _, _) in zip(steps, steps[1:], strict=False):
                total += level * (then - at)
        return total


def check_kept(books: Books, requests: Iterable[Request], found: Findings) -> None:
    """Each acknowledged event is there, as it was sent."""
    lost, torn = [], []
    for request in requests:
        for event in request.events:
            row = books.there.get(event.key)
            meter = event.meter
            if row is None:
                lost.append(event.id)
            elif row != (meter, event.kind, event.time_us, event.quantity):
                torn.append(f"{event.id}: {row}")
    tell(found.lost, len(lost), f"events were acknowledged and are not there: {lost[:3]}")
    tell(found.torn, len(torn), f"events are not as they were sent: {torn[:3]}")


def check_sums(store: sqlite3.Connection, tenant: str, books: Books, found: Findings) -> None:
    """Hours, days, provenance and batches say what the events do, and each event stands once."""
    tell(found.twice, len(books.twice), "events stand there twice")
    tell(found.broken, books.missed, "corrections are of what is not there")
    count = store.execute("SELECT count(*) FROM usage_events WHERE tenant = ?",
                          (tenant,)).fetchone()[0]
    if count != len(books.there) + len(books.twice):
        found.lost.append(f"{len(books.there)} events were seen there, {count} are")
    for unit, table in ((HOUR_US, "usage_hours"), (DAY_US, "usage_days")):
        amounts: dict[tuple[str, int], int] = defaultdict(int)
        uses: Counter[tuple[str, int]] = Counter()
        for (meter, at), amount in books.amounts.items():
            amounts[meter, at // unit * unit] += amount
        for (meter, at), number in books.uses.items():
            uses[meter, at // unit * unit] += number
        _check_rollup(store, tenant, table, amounts, uses, found)
    rows = store.execute(
        "SELECT day_us, provenance, events FROM usage_provenance WHERE tenant = ?", (tenant,))
    if {(day, bits): number for day, bits, number in rows} != dict(books.provenance):
        found.twice.append("usage_provenance is not what the events say")
    batched = store.execute("SELECT coalesce(sum(events), 0) FROM usage_batches WHERE tenant = ?",
                            (tenant,)).fetchone()[0]
    if batched != count:
        found.torn.append(f"the batches hold {batched} events, there are {count}")


def _check_rollup(
    store: sqlite3.Connection, tenant: str, table: str, amounts: dict[tuple[str, int], int],
    uses: Counter[tuple[str, int]], found: Findings,
) -> None:
    wrong = []
    seen = set()
    rows = store.execute(
        f"SELECT meter, from_us, sum(high), sum(low), sum(events) FROM {table}"
        " WHERE tenant = ? GROUP BY meter, from_us", (tenant,))
    for meter, at, high, low, number in rows:
        seen.add((meter, at))
        amount = high * 10**15 + low
        if number != uses[meter, at]:
            wrong.append(f"{meter} {at}: {number} events for {uses[meter, at]}")
        if meter != LEVEL and amount != amounts.get((meter, at), 0):
            wrong.append(f"{meter} {at}: {amount} for {amounts.get((meter, at), 0)}")
    wrong += [f"{meter} {at}: no row" for meter, at in uses.keys() - seen]
    tell(found.twice, len(wrong), f"rows of {table} are not the sum of their events: {wrong[:3]}")


def check_deep(store: sqlite3.Connection, tenant: str, books: Books, found: Findings) -> None:
    """What takes a walk over all of it: the file, the levels, the chain, the index by key."""
    told = [row[0] for row in store.execute("PRAGMA integrity_check")]
    if told != ["ok"]:
        found.broken.append(f"integrity_check: {told[:3]}")
    for table in ("usage_hours", "usage_days"):
        high, low = store.execute(
            f"SELECT coalesce(sum(high), 0), coalesce(sum(low), 0) FROM {table}"
            " WHERE tenant = ? AND meter = ?", (tenant, LEVEL)).fetchone()
        if high * 10**15 + low != books.levels():
            found.twice.append(f"levels of {table}: {high * 10**15 + low} for {books.levels()}")
    _check_chain(store, tenant, found)
    done = store.execute("SELECT coalesce(max(seq), 0) FROM usage_keys_done").fetchone()[0]
    indexed, right = store.execute(
        "SELECT count(*), coalesce(sum(e.event_key = k.event_key AND e.tenant = k.tenant), 0)"
        " FROM usage_keys AS k LEFT JOIN usage_events AS e ON e.seq = k.seq").fetchone()
    wanted = store.execute(
        "SELECT count(*) FROM usage_events WHERE seq <= ?", (done,)).fetchone()[0]
    if indexed != right or right < wanted:
        told = f"{indexed} rows, {right} right, {wanted} events up to {done}"
        found.broken.append(f"usage_keys: {told}")


def _check_chain(store: sqlite3.Connection, tenant: str, found: Findings) -> None:
    contents = store.execute(
        "SELECT seq, content FROM usage_events WHERE tenant = ? ORDER BY seq", (tenant,))
    chain = bytes(32)
    for last, number, kept in store.execute(
            "SELECT last_seq, events, chain FROM usage_batches WHERE tenant = ? ORDER BY last_seq",
            (tenant,)):
        rows = contents.fetchmany(number)
        digest = hashlib.sha256(chain + b"".join(content for _, content in rows)).digest()
        if len(rows) != number or rows[-1][0] != last or digest != kept:
            found.broken.append(f"the chain is broken at the batch that ends with event {last}")
            return
        chain = digest


def check_nothing_else(books: Books, requests: Iterable[Request], found: Findings) -> None:
    """When all that was sent is acknowledged: nothing is there that nobody was told of."""
    told = {event.key for request in requests for event in request.events}
    more = [key for key, row in books.there.items() if key not in told and row[0] not in OWN]
    tell(found.twice, len(more), "events are there that nobody was told of")


def expected(requests: Iterable[Request]) -> dict[str, int]:
    """What the clients' own notes add up to, by meter; levels apart."""
    now: dict[bytes, tuple[Event, int]] = {}
    seen: set[bytes] = set()
    for request in requests:
        for event in request.events:
            if event.key not in seen:  # a correction that is repeated after another one is none
                now[(event.of or event).key] = (event.of or event, event.quantity)
            seen.add(event.key)
    sums: dict[str, int] = defaultdict(int)
    for event, quantity in now.values():
        if event.meter != LEVEL:
            sums[event.meter] += quantity
    return sums


def check_file(file: Path, tenant: str, requests: list[Request], found: Findings) -> Books:
    """Everything, of a store at rest."""
    books = Books()
    with open_store(file) as store:
        store.execute("BEGIN")
        books.read(store, tenant)
        check_kept(books, requests, found)
        check_sums(store, tenant, books, found)
        check_deep(store, tenant, books, found)
    return books
