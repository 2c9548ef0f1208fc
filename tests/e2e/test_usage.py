"""Metering, spoken to in HTTP: what is sent in each form, what it adds up to, what could not be taken."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import zstd

from .harness import Answer, EndToEnd, Service, request, store_of
from .test_service_http import Parcel

NDJSON = "application/x-ndjson"
BATCH = "application/cloudevents-batch+json"
ONE = "application/cloudevents+json"


def moment(ago_s: float = 0) -> str:
    at = datetime.now(timezone.utc) - timedelta(seconds=ago_s)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def use(id: str, quantity: Any = 1, meter: str = "api.calls", **more: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "type": "io.intelgraph.usage.use",
        "source": "/e2e",
        "id": id,
        "time": more.pop("time", None) or moment(60),
        "data": {"meter": meter, "quantity": quantity, "dimensions": more.pop("dimensions", {})},
    }
    return {**event, **more}


class UsageTest(EndToEnd):
    def setUp(self) -> None:
        self.service: Service = self.own_service()
        self.service.start()
        self.meter = self.service.token("acme", "meter")
        self.admin = self.service.token("acme", "admin")

    def send(self, body: bytes | str, kind: str, token: str = "", **headers: str) -> Answer:
        sent = {"Content-Type": kind, **{name.replace("_", "-"): v for name, v in headers.items()}}
        raw = body.encode() if isinstance(body, str) else body
        return request(self.service.url + "v1/events", "POST", token or self.meter, raw, sent)

    def usage(self, query: str, token: str = "") -> Any:
        answer = self.service.get(f"v1/usage?{query}", token or self.admin)
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json

    def total(self, meter: str = "api.calls") -> str:
        return str(self.usage(f"meter={meter}")["total"]["quantity"])

    def test_events_come_in_each_form_and_count_once(self) -> None:
        lines = "".join(json.dumps(use(f"n{i}", 2)) + "\n" for i in range(3))
        answers = [
            self.send(lines, NDJSON),
            self.send(gzip.compress(lines.encode()), NDJSON, Content_Encoding="gzip"),
            self.send(zstd.compress(lines.encode()), NDJSON, Content_Encoding="zstd"),
            self.send(json.dumps([use("b1", "5"), use("b2", 7)]), BATCH),
            self.send(json.dumps(use("s1", 11)), ONE + "; charset=utf-8"),
            self.send(
                json.dumps({"meter": "api.calls", "quantity": 13}),
                "application/json",
                ce_specversion="1.0",
                ce_type="io.intelgraph.usage.use",
                ce_source="/e2e%20space",
                ce_id="x1",
                ce_time=moment(30),
            ),
        ]
        counts = [(a.json["accepted"], a.json["duplicates"], a.json["rejected"]) for a in answers]
        # The second and third came with the times of the first: the same events.
        self.assertEqual(
            counts, [(3, 0, 0), (0, 3, 0), (0, 3, 0), (2, 0, 0), (1, 0, 0), (1, 0, 0)]
        )
        self.assertEqual(self.total(), str(6 + 5 + 7 + 11 + 13))

    def test_each_event_gets_its_own_outcome(self) -> None:
        first = use("1", 5)
        clash = {**first, "data": {**first["data"], "quantity": 6}}
        events = [first, first, clash, use("2", -1), use("3", 1, "nothing"), "no object"]
        answer = self.send(json.dumps(events), BATCH)
        self.assertEqual(answer.status, 200, answer.text)
        told = [(e["index"], e["status"], e.get("reason")) for e in answer.json["events"]]
        self.assertEqual(
            told,
            [(1, 200, None), (2, 409, "clash"), (3, 400, "invalid"), (4, 400, "invalid"),
             (5, 400, "invalid")],
        )
        self.assertEqual(self.total(), "5")

    def test_one_event_alone_has_the_status_of_its_outcome(self) -> None:
        first = use("1", 5)
        clash = {**first, "data": {**first["data"], "quantity": 6}}
        self.assertEqual(self.send(json.dumps(first), ONE).status, 200)
        self.assertEqual(self.send(json.dumps(first), ONE).status, 200)
        binary = {"ce_specversion": "1.0", "ce_type": first["type"], "ce_source": "/e2e",
                  "ce_id": "1", "ce_time": first["time"]}
        body = json.dumps(clash["data"])
        for answer in (
            self.send(json.dumps(clash), ONE),
            self.send(body, "application/json", **binary),
        ):
            self.assertEqual(answer.status, 409, answer.text)
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
            self.assertEqual(answer.json["type"], "urn:intelgraph:problem:event-rejected")
            self.assertEqual((answer.json["status"], answer.json["reason"]), (409, "clash"))
            self.assertIn("give this one an id of its own", answer.json["detail"])
            self.assertEqual((answer.json["rejected"], answer.json["events"][0]["id"]), (1, "1"))
        wrong = [(use("2", -1), 400), (use("3", time=moment(-999)), 422),
                 (use("4", time=moment(40 * 86400)), 422)]
        for event, status in wrong:
            self.assertEqual(self.send(json.dumps(event), ONE).status, status)
        nothing = self.send("", ONE)
        self.assertEqual((nothing.status, nothing.json["field"]), (400, "body"), nothing.text)
        entries = self.service.json("v1/usage/dlq?source=/e2e", self.admin)["entries"]
        self.assertEqual([e["event_id"] for e in entries], ["4", "3", "2", "1", "1"])
        self.assertEqual(self.total(), "5")

    def test_a_request_that_is_no_batch_is_refused_as_a_whole(self) -> None:
        good = json.dumps(use("1"))
        for body, kind, field in [
            ("", NDJSON, "body"),
            ("[]", BATCH, "body"),
            (f"[{good}", BATCH, "body"),
            (f"[{good},", BATCH, "body"),
            (f"[{good}] x", BATCH, "body"),
            (good, BATCH, "body"),
            (good, "text/plain", "Content-Type"),
            ("\n".join([good] * 10001), NDJSON, "events"),
        ]:
            answer = self.send(body, kind)
            self.assertIn(answer.status, (400, 413), answer.text)
            self.assertEqual(answer.json["field"], field, answer.text)
        self.assertEqual(self.total(), "0")

    def test_usage_is_told_by_dimension_as_json_and_as_csv_without_formulas(self) -> None:
        evil = '=HYPERLINK("http://x","y")'
        self.send(
            json.dumps(
                [
                    use("1", 5, dimensions={"route": evil}),
                    use("2", 7, dimensions={"route": "/v1/a"}),
                    use("3", 1, dimensions={"route": "/v1/a", "client": "c"}),
                ]
            ),
            BATCH,
        )
        rows = self.usage("meter=api.calls&by=route")["rows"]
        self.assertEqual(
            sorted((r["dimensions"]["route"], r["quantity"]) for r in rows),
            [("/v1/a", "8"), (evil, "5")],
        )
        answer = self.service.get("v1/usage?meter=api.calls&by=route,client&format=csv", self.admin)
        table = list(csv.DictReader(io.StringIO(answer.text)))
        self.assertEqual(answer.headers["content-type"], "text/csv; charset=utf-8")
        self.assertEqual(sum(int(row["quantity"]) for row in table), 13)
        self.assertIn("'" + evil, {row["route"] for row in table})

    def test_a_table_shows_the_days_that_the_tenants_clocks_show(self) -> None:
        ran = self.service.run("usage", "zone", "--data", str(self.service.data), "--tenant",
                               "acme", "--zone", "Europe/Berlin")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        old = [use(str(at), 1, time=f"2026-10-25T0{at}:30:00Z") for at in range(3)]
        told = request(self.service.url + "v1/events?backfill=true", "POST", self.admin,
                       json.dumps(old).encode(), {"Content-Type": BATCH})
        self.assertEqual(told.json["accepted"], 3, told.text)
        span = "from=2026-10-24T22:00:00Z&to=2026-10-25T23:00:00Z&format=csv"
        for path in ("usage?meter=api.calls&", "costs?"):
            day = self.service.get(f"v1/{path}window=day&{span}", self.admin).text
            (row,) = (each for each in csv.DictReader(io.StringIO(day)))
            self.assertEqual((row["from"], row["to"]),
                             ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"))
        hours = self.service.get(f"v1/usage?meter=api.calls&window=hour&{span}", self.admin).text
        self.assertEqual([row["from"] for row in csv.DictReader(io.StringIO(hours))],
                         ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00",
                          "2026-10-25T03:00:00+01:00"])

    def test_each_source_is_told_what_its_events_leave_out(self) -> None:
        whole = {"subject": "mara", "traceparent": "00-1-2-01"}
        self.send(json.dumps([use("1", **whole), use("2", subject="mara"), use("3")]), BATCH)
        self.send(json.dumps([use("4", source="=cmd()", **whole), {"id": "no event"}]), BATCH)
        answer = self.service.get("v1/usage/provenance", self.admin)
        self.assertEqual(answer.status, 200, answer.text)
        told = {each["source"]: each for each in answer.json["sources"]}
        self.assertEqual(told[None]["rejected"], 1)
        self.assertEqual(told["/e2e"]["missing"], ["actor", "trace"])
        self.assertEqual(told["/e2e"]["origins"]["actor"],
                         {"given": 2, "missing": 1, "share": "66.6"})
        self.assertEqual(told["/e2e"]["share"], "33.3")
        self.assertEqual((told["=cmd()"]["missing"], told["=cmd()"]["share"]), ([], "100.0"))
        query = "v1/usage/provenance?format=csv&source=%3Dcmd()"
        table = list(csv.DictReader(io.StringIO(self.service.get(query, self.admin).text)))
        self.assertEqual([row["source"] for row in table], ["'=cmd()"])
        self.assertEqual(table[0]["trace_percent"], "100.0")

    def test_tenants_and_roles_are_kept_apart(self) -> None:
        other = self.service.token("globex", "meter")
        self.send(json.dumps(use("1", 5)), ONE)
        self.send(json.dumps(use("1", 9)), ONE, token=other)
        self.assertEqual(self.total(), "5")
        viewer = self.service.token("acme", "viewer")
        self.assertEqual(self.send(json.dumps(use("2")), ONE, token=viewer).status, 403)
        self.assertEqual(self.service.get("v1/usage?meter=api.calls", self.meter).status, 403)
        self.assertEqual(self.service.get("v1/usage/dlq", viewer).status, 403)
        backfill = request(
            self.service.url + "v1/events?backfill=true",
            "POST",
            self.meter,
            json.dumps(use("3")).encode(),
            {"Content-Type": ONE},
        )
        self.assertEqual(backfill.status, 403)

    def end(self, id: int, how: str, **body: str) -> Answer:
        return request(
            f"{self.service.url}v1/usage/dlq/{id}/{how}",
            "POST",
            self.admin,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )

    def test_what_could_not_be_taken_is_mended_replayed_or_discarded_on_record(self) -> None:
        late = use("old", 3, time=moment(40 * 86400))
        self.send(json.dumps([use("1", -4), late, "junk"]), BATCH)
        entries = self.service.get("v1/usage/dlq?state=open", self.admin).json["entries"]
        self.assertEqual([e["reason"] for e in entries], ["invalid", "late", "invalid"])
        junk, old, negative = entries
        still = self.end(negative["id"], "replay", why="try")
        self.assertEqual(still.status, 400, still.text)
        self.assertIn("still not good", still.json["detail"])
        mended = self.end(negative["id"], "replay", why="typo", event=json.dumps(use("1", 4)))
        self.assertEqual(mended.json["outcome"], "accepted", mended.text)
        kept = self.service.json(f"v1/usage/dlq/{negative['id']}", self.admin)
        self.assertEqual((kept["state"], kept["ended_why"]), ("replayed", "typo"))
        self.assertEqual(json.loads(kept["event"])["data"]["quantity"], -4)  # as it came
        self.assertEqual(json.loads(kept["replayed"])["data"]["quantity"], 4)
        (only,) = self.service.json("v1/usage/dlq?source=/e2e&state=open", self.admin)["entries"]
        self.assertEqual(only["reason"], "late")
        self.assertEqual(self.end(old["id"], "replay", why="backfill").json["outcome"], "accepted")
        self.assertEqual(self.end(junk["id"], "discard", why="no event").json["state"], "discarded")
        self.assertEqual(self.end(junk["id"], "discard", why="again").status, 409)
        self.assertEqual(self.end(99, "discard", why="x").status, 404)
        self.assertEqual(self.end(junk["id"], "replay", why="").json["field"], "why")
        left = self.service.get("v1/usage/dlq?state=open", self.admin).json["entries"]
        self.assertEqual(left, [])
        records = self.service.get("v1/audit/records", self.admin).json["records"]
        actions = [r["record"]["action"] for r in records]
        self.assertEqual(actions.count("usage.replayed"), 2)
        self.assertEqual(actions.count("usage.discarded"), 1)

    def test_a_full_dlq_leaves_what_it_cannot_keep_with_its_sender_and_says_so(self) -> None:
        self.send(json.dumps(use("1", -1)), ONE)
        with closing(sqlite3.connect(store_of(self.service), isolation_level=None)) as store:
            store.execute("UPDATE usage_dlq_books SET open_entries = 50000")
        answer = self.send(json.dumps([use("2", -1), use("3", 5)]), BATCH)
        self.assertEqual((answer.status, answer.json["accepted"]), (200, 1))
        (told,) = answer.json["events"]
        self.assertEqual((told["status"], told["reason"], told["kept"]), (507, "invalid", False))
        self.assertIn("quantity must be", told["detail"])
        self.assertIn("then send this one again", told["detail"])
        alone = self.send(json.dumps(use("2", -1)), ONE)
        self.assertEqual((alone.status, alone.json["status"]), (507, 507))

        entries = self.service.json("v1/usage/dlq", self.admin)
        self.assertEqual([each["event_id"] for each in entries["entries"]], ["1"])
        books = (entries["open"], entries["open_limit"], entries["unkept"])
        self.assertEqual(books, (50000, 50000, 2))
        metrics = self.service.get("metrics").text
        self.assertIn("intelgraphd_usage_dlq_fullest_ratio 1.0000\n", metrics)
        self.assertIn("intelgraphd_usage_dlq_unkept_total 2\n", metrics)
        self.assertEqual(self.end(entries["entries"][0]["id"], "discard", why="a test").status, 200)
        self.assertEqual(self.send(json.dumps(use("2", -1)), ONE).status, 400)

    def test_hand_offs_are_counted_with_their_commit_and_reconcile(self) -> None:
        analyst = self.service.token("acme", "analyst")
        for sid in ("1.1", "1.2", "1.1"):
            parcel = Parcel(self.service, "acme", sid)
            answer = request(
                self.service.url + "v1/handoffs",
                "POST",
                analyst,
                parcel.whole(),
                {"Content-Type": NDJSON},
            )
            self.assertIn(answer.status, (200, 201), answer.text)
        for event in self.forged(analyst):
            told = self.send(json.dumps([event]), BATCH).json
            self.assertEqual((told["accepted"], told["rejected"]), (0, 1), told)
        report = self.usage("meter=handoffs&by=analyst")
        self.assertEqual(report["total"]["quantity"], "2")
        self.assertEqual(report["rows"][0]["dimensions"], {"analyst": "mara"})
        ran = self.service.run("usage", "reconcile", "--data", str(self.service.data),
                               "--tenant", "acme")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        said = ran.stdout.splitlines()
        self.assertEqual(said[0], "acme: 2 hand-offs, 2 on record, 2 counted")
        # Three tokens of the tenant were used, each once in five minutes.
        self.assertIn("acme: token.used: 3 on record, 3 counted", said)
        report = self.usage("meter=operations&by=operation")
        self.assertEqual(report["total"]["quantity"], "3")

    def test_a_difference_of_audit_and_usage_is_shown_with_a_bad_status(self) -> None:
        self.send(json.dumps(use("1")), ONE)
        data = ("--data", str(self.service.data), "--tenant", "acme")
        self.assertEqual(self.service.run("usage", "reconcile", *data).returncode, 0)
        self.service.stop()
        with closing(sqlite3.connect(store_of(self.service), isolation_level=None)) as store:
            store.execute("UPDATE usage_days SET low = low + 3 WHERE meter = 'operations'")
        ran = self.service.run("usage", "reconcile", *data)
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("acme: token.used: 1 on record, 4 counted", ran.stdout)
        self.assertIn("hand-offs, audit log and usage of acme differ", ran.stderr)
        ran = self.service.run("usage", "rebuild", *data)
        self.assertIn("1 hours and days were not what they say", ran.stdout)
        self.assertEqual(self.service.run("usage", "reconcile", *data).returncode, 0)

    def forged(self, analyst: str) -> list[Any]:
        """Events that would make what the service counts itself wrong."""
        (handoff, _) = self.service.handoffs(analyst)
        at = datetime.fromtimestamp(handoff["committed_us"] // 10**6, timezone.utc)
        when = f"{at:%Y-%m-%dT%H:%M:%S}.{handoff['committed_us'] % 10**6:06d}Z"
        own = {"source": "/intelgraphd/handoffs", "id": handoff["id"], "time": when}
        void = {"type": "io.intelgraph.usage.void", "data": {"refers_to": own}}
        early = {**own, "id": "0" * 32}
        return [use("1", 7, "handoffs"), {**use("2"), **void}, {**use("3"), **early}]

    def test_a_rebuild_comes_to_the_same_numbers_and_a_zone_moves_the_days(self) -> None:
        self.send(json.dumps([use(f"{i}", i, time=moment(i * 3600)) for i in range(1, 40)]), BATCH)
        before = self.usage("meter=api.calls&window=hour")
        data = ("--data", str(self.service.data), "--tenant", "acme")
        ran = self.service.run("usage", "rebuild", *data)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        # Those that were sent, and two first uses of a token.
        self.assertIn("41 events, 0 hours and days were not", ran.stdout)
        self.assertEqual(self.usage("meter=api.calls&window=hour")["rows"], before["rows"])
        ran = self.service.run("usage", "zone", *data, "--zone", "Asia/Kolkata")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        report = self.usage("meter=api.calls&window=hour")
        self.assertEqual(report["zone"], "Asia/Kolkata")
        self.assertEqual({row["from"][14:16] for row in report["rows"]}, {"30"})
        self.assertEqual(report["total"], before["total"])
        ran = self.service.run("usage", "zone", *data, "--zone", "Mars/Olympus")
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("no zone of the IANA database", ran.stderr)

    def test_what_was_acknowledged_is_there_once_after_kills_and_resending(self) -> None:
        for i in range(20):
            event = json.dumps(use(f"k{i}", 1))
            self.assertEqual(self.send(event, ONE).json["accepted"], 1)
            if i % 7 == 5:
                self.service.stop(9)
                self.service.start()
                self.assertEqual(self.send(event, ONE).json["duplicates"], 1)
        self.assertEqual(self.total(), "20")
