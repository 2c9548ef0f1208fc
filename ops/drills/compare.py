"""What the store and the service hold, against what was acknowledged."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.harness import Service

from load import Acknowledged

PAGE = 500
RECEIPT = (
    "content_sha256",
    "entities_new",
    "entities_merged",
    "relations_new",
    "relations_merged",
    "committed_us",
    "audit_index",
    "audit_origin",
    "checkpoint",
)


@dataclass
class Findings:
    """Sentences by their gravity; nothing found is all well."""

    lost: list[str] = field(default_factory=list)  # acknowledged and not there
    torn: list[str] = field(default_factory=list)  # there, but not as acknowledged
    twice: list[str] = field(default_factory=list)  # counted more than once
    broken: list[str] = field(default_factory=list)  # store, log or service unsound

    def all(self) -> list[str]:
        return self.lost + self.torn + self.twice + self.broken

    def add(self, other: Findings) -> None:
        self.lost += other.lost
        self.torn += other.torn
        self.twice += other.twice
        self.broken += other.broken


def open_store(file: Path) -> contextlib.closing[sqlite3.Connection]:
    store = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    store.row_factory = sqlite3.Row
    return contextlib.closing(store)


def check_promises(
    file: Path, tenant: str, promises: Iterable[Acknowledged], found: Findings
) -> None:
    """Each is in the store, whole, with what its receipt says."""
    with open_store(file) as store:
        store.execute("BEGIN")
        for promise in promises:
            _check_promise(store, tenant, promise, found)


def _check_promise(
    store: sqlite3.Connection, tenant: str, promise: Acknowledged, found: Findings
) -> None:
    row = store.execute(
        "SELECT * FROM handoffs WHERE tenant = ? AND id = ?", (tenant, promise.handoff)
    ).fetchone()
    if row is None:
        found.lost.append(f"{promise.handoff} was acknowledged and is not there")
        return
    for name in RECEIPT:
        if name in promise.receipt and row[name] != promise.receipt[name]:
            said = f"{row[name]!r}, the receipt said {promise.receipt[name]!r}"
            found.torn.append(f"{promise.handoff}: {name} is {said}")
    where = (tenant, row["number"])
    entities = store.execute(
        "SELECT count(*) FROM graph_handoff_entities s JOIN graph_entities e"
        " ON e.tenant = s.tenant AND e.id = s.entity WHERE s.tenant = ? AND s.handoff = ?",
        where,
    ).fetchone()[0]
    relations = store.execute(
        "SELECT count(*) FROM graph_handoff_relations s JOIN graph_relations r"
        " ON r.tenant = s.tenant AND r.newer = max(s.from_entity, s.to_entity)"
        " AND r.from_entity = s.from_entity"
        " AND r.to_entity = s.to_entity AND r.type = s.type"
        " WHERE s.tenant = ? AND s.handoff = ?",
        where,
    ).fetchone()[0]
    if (entities, relations) != (promise.entities, promise.relations):
        sent = f"{promise.entities} and {promise.relations} were sent"
        has = f"{entities} entities and {relations} relations"
        found.torn.append(f"{promise.handoff}: has {has}, {sent}")


# A hand-off's own counts, summed, are the graph's.
SUMS = {
    "entities": """
        SELECT count(*) FROM graph_entities k LEFT JOIN
            (SELECT entity, sum(row_count) n, count(*) h
             FROM graph_handoff_entities WHERE tenant = :tenant GROUP BY entity) s
        ON s.entity = k.id
        WHERE k.tenant = :tenant AND (k.row_count IS NOT s.n OR k.handoffs IS NOT s.h)""",
    "relations": """
        SELECT count(*) FROM graph_relations k LEFT JOIN
            (SELECT from_entity f, to_entity t, type y, sum(row_count) n, count(*) h
             FROM graph_handoff_relations WHERE tenant = :tenant GROUP BY f, t, y) s
        ON s.f = k.from_entity AND s.t = k.to_entity AND s.y = k.type
        WHERE k.tenant = :tenant AND (k.row_count IS NOT s.n OR k.handoffs IS NOT s.h)""",
}
ORPHANS = """
    SELECT count(*) FROM graph_handoff_entities
    WHERE tenant = ? AND handoff NOT IN (SELECT number FROM handoffs WHERE tenant = ?)"""


def check_store(file: Path, tenant: str, found: Findings) -> None:
    """SQLite finds the file sound; nothing was merged into the graph twice or by halves."""
    with open_store(file) as store:
        store.execute("BEGIN")
        told = [row[0] for row in store.execute("PRAGMA integrity_check")]
        if told != ["ok"]:
            found.broken.append(f"integrity_check: {told[:3]}")
        for of, query in SUMS.items():
            wrong = store.execute(query, {"tenant": tenant}).fetchone()[0]
            if wrong:
                found.twice.append(f"{wrong} {of} have counts that are not their hand-offs' sum")
        if orphans := store.execute(ORPHANS, (tenant, tenant)).fetchone()[0]:
            found.torn.append(f"{orphans} entities are of hand-offs that are not there")


def check_log(service: Service, found: Findings) -> None:
    """`intelgraphd audit verify` recomputes every hash and signature."""
    done = service.run("audit", "verify", "--data", str(service.data))
    if done.returncode:
        found.broken.append(f"audit verify: {done.stdout} {done.stderr}")


def check_records(
    service: Service, auditor: str, promises: Sequence[Acknowledged], found: Findings
) -> None:
    """The log has each hand-off's record at the index that its receipt names."""
    if not promises:
        return
    lowest = min(promise.receipt["audit_index"] for promise in promises)
    records: dict[int, Any] = {}
    before = ""
    while True:
        page = service.json(f"v1/audit/records?limit={PAGE}{before}", auditor)["records"]
        records.update((each["index"], each["record"]) for each in page)
        if not page or page[-1]["index"] <= lowest:
            break
        before = f"&before={page[-1]['index']}"
    for promise in promises:
        index = promise.receipt["audit_index"]
        record = records.get(index, {})
        told = tuple(record.get(name) for name in ("action", "handoff", "content_sha256"))
        if told != ("handoff.committed", promise.handoff, promise.digest):
            found.torn.append(f"{promise.handoff}: record {index} of the log is {record}")


def check_total(
    file: Path, tenant: str, promises: Sequence[Acknowledged], found: Findings
) -> None:
    """When all that was sent is acknowledged: it is there once, and nothing else is."""
    ids = {promise.handoff: promise for promise in promises}
    with open_store(file) as store:
        store.execute("BEGIN")
        there = [row[0] for row in store.execute(
            "SELECT id FROM handoffs WHERE tenant = ?", (tenant,))]
        named = store.execute(
            "SELECT sum(row_count) FROM graph_entities WHERE tenant = ?", (tenant,)
        ).fetchone()[0]
    if len(there) != len(set(there)):
        found.twice.append(f"{len(there) - len(set(there))} hand-offs are there more than once")
    if more := set(there) - set(ids):
        found.twice.append(f"{len(more)} hand-offs are there that nobody was told of")
    wanted = sum(promise.named for promise in ids.values())
    if named != wanted:
        found.twice.append(f"rows that name entities sum up to {named}, {wanted} were sent")
