"""One record on each side, and they agree."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
from typing import Any

from .harness import EndToEnd, Place, link_id, store_of, visits


class AuditTest(EndToEnd):
    def records(self, place: Place) -> list[Any]:
        """The service's records of a tenant, oldest first."""
        auditor = place.service.token(place.tenant, role="auditor", name="auditor")
        reply = place.service.json("v1/audit/records?limit=100", auditor)
        return list(reversed(reply["records"]))

    def of(self, place: Place, action: str) -> list[Any]:
        return [each for each in self.records(place) if each["record"]["action"] == action]

    def test_a_handoff_leaves_one_record_on_each_side_and_they_agree(self) -> None:
        place = self.place()
        result = place.search('ighandoff title="Beaconing"', visits(20), sid="1763863200.9")
        self.done(result)
        (here,) = place.splunk.audit
        (there,) = self.of(place, "handoff.committed")
        self.assertEqual(here["handoff"], link_id(result))
        self.assertEqual(there["record"]["handoff"], link_id(result))
        self.assertEqual(here["audit_index"], there["index"])
        for name in ("tenant", "sid", "content_sha256", "search_sha256"):
            self.assertEqual(here[name], there["record"][name], name)
        self.assertEqual((here["tenant"], here["sid"]), (place.tenant, "1763863200.9"))
        self.assertEqual(there["record"]["subject"], "mara")
        self.assertEqual(here["user"], "mara")

    def test_the_line_on_splunks_side_holds_the_services_signed_head(self) -> None:
        place = self.place()
        place.search("ighandoff", visits(5))
        (here,) = place.splunk.audit
        auditor = place.service.token(place.tenant, role="auditor", name="auditor")
        note = str(here["checkpoint"])
        self.assertTrue(note.startswith(f"intelgraphd/{place.tenant}\n"), note)
        size = int(note.split("\n")[1])
        self.assertEqual(size, here["audit_index"] + 1)
        self.assertIn("\n\n\u2014 ", note)
        self.assertTrue(auditor)

    def test_the_record_holds_digests_of_the_search_and_no_value_of_an_event(self) -> None:
        place = self.place()
        place.search('ighandoff title="Beaconing"', visits(5))
        search = 'index=proxy | ighandoff title="Beaconing"'
        (here,) = place.splunk.audit
        self.assertEqual(here["search_sha256"], hashlib.sha256(search.encode()).hexdigest())
        log = place.splunk.home / "var/log/splunk/intelgraph_audit.log"
        for text in (log.read_text(), str(self.records(place))):
            self.assertNotIn("198.51.100.1", text)
            self.assertNotIn(place.token, text)
            self.assertNotIn("index=proxy", text)

    def test_the_splunk_line_is_one_line_of_json_with_a_time(self) -> None:
        place = self.place()
        for number in range(3):
            place.search(f'ighandoff title="{number}"', visits(3))
        log = place.splunk.home / "var/log/splunk/intelgraph_audit.log"
        self.assertEqual(log.read_text().count("\n"), 3)
        for line in place.splunk.audit:
            self.assertRegex(str(line["time"]), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

    def test_the_splunk_line_carries_what_the_dashboards_draw(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search("ighandoff", visits(20), sid="1.1")
        service.stop()
        place.search("ighandoff", visits(5), sid="1.2")
        sent, queued = place.splunk.audit
        for line in (sent, queued):
            self.assertEqual(sum(line["kinds"].values()), line["entities"])
            self.assertGreater(line["bytes"], 100)
            self.assertGreaterEqual(line["latency_ms"], 0)
            self.assertEqual(line["instance"], "default")
            self.assertRegex(line["version"], r"^\d+\.\d+\.\d+$")
        self.assertGreaterEqual(sent["kinds"]["ip"], 12)
        self.assertEqual((sent["outbox_waiting"], queued["outbox_waiting"]), (0, 1))
        self.assertNotIn("error", sent)
        self.assertEqual(queued["error"], "unavailable")
        self.assertIn("cannot be reached", queued["reason"])
        service.start()
        place.search("ighandoff", visits(4), sid="1.3")
        late = next(line for line in place.splunk.audit if line.get("late"))
        self.assertEqual((late["outbox_waiting"], "kinds" in late), (0, False))

    def test_a_handoff_that_waits_is_on_record_too_and_so_is_its_delivery(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        place.search("ighandoff", visits(5), sid="1.1")
        (queued,) = place.splunk.audit
        self.assertIn("queued", str(queued))
        service.start()
        place.search("ighandoff", visits(4), sid="1.2")
        lines = place.splunk.audit
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            {line["handoff"] for line in lines if "checkpoint" in line},
            {line["handoff"] for line in lines},
        )

    def test_the_service_records_the_click(self) -> None:
        place = self.place()
        result = place.search("ighandoff", visits(3))
        place.service.get(f"open/handoffs/{link_id(result)}", place.token)
        (opened,) = self.of(place, "handoff.opened")
        self.assertEqual(opened["record"]["handoff"], link_id(result))

    def test_the_service_records_who_it_denied(self) -> None:
        place, other = self.place(), self.place()
        place.splunk.configure(place.service.url, place.tenant, other.token)
        place.search("ighandoff", visits(3))
        (refused,) = self.of(other, "handoff.refused")
        self.assertEqual(refused["record"]["result"], "failure")
        self.assertIn("tenant", refused["record"]["reason"])
        viewer = place.service.token(place.tenant, role="viewer", name="viewer")
        place.splunk.configure(place.service.url, place.tenant, viewer)
        place.search("ighandoff", visits(3))
        self.assertEqual(len(self.of(place, "access.denied")), 1)

    def test_verify_accepts_the_log_and_names_the_first_record_that_was_changed(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        for number in range(4):
            place.search("ighandoff", visits(3 + number), sid=f"1.{number}")
        (target,) = [
            each["index"]
            for each in self.of(place, "handoff.committed")
            if each["record"]["sid"] == "1.2"
        ]
        service.stop()
        words = ("audit", "verify", "--data", str(service.data))
        good = service.run(*words)
        self.assertEqual(good.returncode, 0, good.stderr)
        with contextlib.closing(sqlite3.connect(store_of(service))) as store:
            store.execute(
                "UPDATE audit_entries SET entry ="
                " CAST(replace(CAST(entry AS TEXT), '1.2', '1.9') AS BLOB)"
                " WHERE tenant = ? AND idx = ?",
                (place.tenant, target),
            )
            store.commit()
        bad = service.run(*words)
        self.assertNotEqual(bad.returncode, 0)
        told = bad.stdout + bad.stderr
        self.assertIn(place.tenant, told)
        self.assertRegex(told, rf"\b{target}\b")

    def test_a_service_that_was_set_back_is_found_out_by_the_heads_on_splunks_side(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search("ighandoff", visits(3), sid="1.1")
        service.stop()
        earlier = store_of(service).parent.parent / "earlier"
        shutil.copytree(service.data, earlier)
        service.start()
        place.search("ighandoff", visits(3), sid="1.2")
        service.stop()
        kept = str(place.splunk.home / "var/log/splunk/intelgraph_audit.log")
        now = service.run("audit", "verify", "--data", str(service.data), "--heads", kept)
        self.assertEqual(now.returncode, 0, now.stdout + now.stderr)
        self.assertIn("extends 2 kept heads", now.stdout)
        alone = service.run("audit", "verify", "--data", str(earlier))
        self.assertEqual(alone.returncode, 0, alone.stdout + alone.stderr)
        back = service.run("audit", "verify", "--data", str(earlier), "--heads", kept)
        self.assertNotEqual(back.returncode, 0)
        self.assertRegex(back.stderr, r"line 2 of the heads knows \d+ records.*the log was cut")
