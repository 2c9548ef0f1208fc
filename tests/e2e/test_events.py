"""Real security logs through the whole path, checked against a count of our own."""

from __future__ import annotations

import gzip
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .harness import SHARED, EndToEnd, Place, Row, link_id

EVENTS = SHARED / "events"
CIM = {"src_ip": ("id_orig_h", "id.orig_h"), "dest_ip": ("id_resp_h", "id.resp_h")}


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects become dotted names, as Splunk's automatic extraction has them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def read_events(path: Path) -> list[Row]:
    """Rows as a search over this file would give them, with the add-on's CIM aliases."""
    opener = gzip.open if path.suffix == ".gz" else open
    rows: list[Row] = []
    with opener(path, "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            row: Row = dict(flatten(json.loads(line)))
            row["_raw"] = line.rstrip("\n")
            row["_time"] = str(row.get("ts", number))
            row["_cd"] = f"1:{number}"
            for cim, aliases in CIM.items():
                given = [row[name] for name in aliases if name in row]
                row.update({cim: given[0]} if given else {})
            rows.append(row)
    return rows


def addresses(rows: list[Row], *fields: str) -> set[str]:
    """Every valid address in these fields, in its shortest form."""
    found: set[str] = set()
    for row in rows:
        for name in fields:
            values = row.get(name, [])
            for value in values if isinstance(values, list) else [values]:
                try:
                    address = ipaddress.ip_address(str(value))
                except ValueError:
                    continue
                if not address.is_unspecified:  # 0.0.0.0 names nobody
                    found.add(str(address))
    return found


class EventsTest(EndToEnd):
    handoff: str

    def hand_off(self, name: str, chunk_rows: int, command: str) -> tuple[list[Row], Place]:
        path = EVENTS / name
        if not path.is_file():
            self.skipTest("no event logs beside this clone")
        rows = read_events(path)
        place = self.place()
        result = place.search(command, rows, chunk_rows=chunk_rows, keep_bodies=False)
        self.done(result)
        self.assertEqual(len(result.rows), len(rows))
        self.assertEqual([row["_raw"] for row in result.rows], [row["_raw"] for row in rows])
        self.assertEqual([row["_cd"] for row in result.rows], [row["_cd"] for row in rows])
        handoff = place.handoffs()[0]
        self.assertEqual((handoff["id"], handoff["rows"]), (link_id(result), len(rows)))
        self.handoff = link_id(result)
        return rows, place

    def test_a_day_of_zeek_logs_of_an_attack_becomes_its_graph(self) -> None:
        rows, place = self.hand_off("apt29_day1_zeek.jsonl", 500, "ighandoff title=APT29")
        graph = place.service.graph(self.handoff, place.token)
        known = addresses(rows, "src_ip", "dest_ip")
        self.assertLessEqual(known, graph.values("ip"))
        pairs = {(row["src_ip"], row["dest_ip"]) for row in rows if "src_ip" in row}
        seen = {(a, b) for a, relation, b in graph.relations if relation == "connects-to"}
        for source, dest in pairs:
            if source != dest:
                self.assertIn((source, dest), seen)

    def test_a_log_across_the_50000_row_border_keeps_every_row_and_name(self) -> None:
        rows, place = self.hand_off("wrccdc_zeek_dns.json.gz", 10000, "ighandoff title=DNS")
        self.assertEqual(len(rows), 53615)
        ips = place.service.values(self.handoff, place.token, "ip")
        self.assertEqual(addresses(rows, "src_ip", "dest_ip", "answers") - ips, set())
        names = {str(row.get("query", "")).lower().rstrip(".") for row in rows}
        plain = {name for name in names if name.endswith((".com", ".org", ".net", ".edu"))}
        known = place.service.values(self.handoff, place.token, "domain")
        missing = {name for name in plain if "_" not in name} - known
        self.assertEqual(missing, set())
