"""The dashboards' searches read only what is really written: each field is looked for in real records."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from splunkd import SearchOptions, conf, run_search
from splunkd.evaluate import Pipeline
from splunkd.fields import Flow, expand

from .budget_case import HOUR_S, BudgetCase, later
from .harness import Place, request, visits
from .test_usage import BATCH, use

TOKEN = re.compile(r"\$(\w+)(?:\.\w+)?(?:\|\w)?\$")
CHOSEN = {"by": "model"}  # what a token stands for, where any text will not do
OWN = re.compile(r"\b(?:igaudit|igdoctor|igusage)(?: [^|\]]*[^|\] ])?")
SPLUNKD = {"component", "log_level", "event_message", "date_hour"}

CONF = {"title", "instance"}  # of configs/conf-intelgraph


def members(records: list[Any]) -> set[str]:
    """Fields as KV_MODE=json names them: an object's members after a dot."""
    found = set()
    for record in records:
        for name, value in record.items():
            found |= {f"{name}.{inner}" for inner in value} if isinstance(value, dict) else {name}
    return found


def filled(query: str) -> str:
    return TOKEN.sub(lambda token: f'"{CHOSEN.get(token[1], "default")}"', query)


class DashboardsCase(BudgetCase):
    """Of the staged app."""

    def definitions(self, home: Any) -> dict[str, Any]:
        views = {}
        for path in sorted((home / "etc/apps/intelgraph/default/data/ui/views").glob("*.xml")):
            text = ElementTree.parse(path).getroot().findtext("definition")
            if text:
                views[path.stem] = json.loads(text)
        return views

    def macros(self, home: Any) -> dict[str, tuple[list[str], str]]:
        path = home / "etc/apps/intelgraph/default/macros.conf"
        stanzas = conf.parse_conf(path.read_text("utf-8"))
        return {
            name: (
                [each.strip() for each in keys.get("args", "").split(",") if each.strip()],
                keys["definition"],
            )
            for name, keys in stanzas.items()
            if "definition" in keys
        }

    def generated(self, place: Any, part: str) -> set[str]:
        """The columns of one of our generating commands, run as the dashboard has it."""
        options = SearchOptions(user="mara", probes=1)
        result = run_search(place.splunk.home, f"| {part}", [], options)
        self.assertEqual(result.violations, [])
        self.done(result)
        self.assertTrue(result.rows, part)
        return set(result.rows[0])


class DashboardsTest(DashboardsCase):
    def use_all(self, place: Place) -> None:
        """So that each command of a dashboard has something to show, and each kind of record is there."""
        throttle = {"from_percent": "1", "rate": "1", "burst": "1"}
        prices = {"currency": "EUR", "prices": [{"meter": "api.calls", "per": "1000", "price": "2.50"}]}
        self.assertEqual(self.ask(place, "POST", "v1/prices", prices).status, 201)
        self.make(place, "Slow", 100, mode="throttle", throttle=throttle)
        made = self.make(place, "Few", 4)
        over = {"kind": "bypass", "reason": "one more", "expires_at": later(HOUR_S)}
        token = place.service.token(place.tenant, "meter")
        body = json.dumps([use("1", 1000, dimensions={"route": "/v1/x"})]).encode()
        answer = request(place.service.url + "v1/events", "POST", token, body, {"Content-Type": BATCH})
        self.assertEqual(answer.status, 200, answer.text)
        outcomes = [self.outcome(self.hand_off(place, f"2.{n}")) for n in range(5)]
        self.assertEqual(outcomes[-1], "blocked")
        self.refusals(place, 1)
        self.assertEqual(self.ask(place, "POST", f"v1/budgets/{made['id']}/overrides", over).status, 201)

    def test_each_field_that_a_search_reads_is_in_what_is_written(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search('ighandoff title="Beaconing"', visits(20), sid="1.1")
        self.use_all(place)
        views = self.definitions(place.splunk.home)
        made: dict[str, set[str]] = {}
        for model in views.values():
            for each in model["dataSources"].values():
                for part in OWN.findall(filled(each["options"]["query"])):
                    made[part] = made.get(part) or self.generated(place, part)
        self.assertEqual({part.split(" ")[0] for part in made}, {"igaudit", "igdoctor", "igusage"})
        shown = {match[1] for part in made if (match := re.search(r"show=(\w+)", part))}
        self.assertEqual(shown, {"cost", "budgets", "forecast", "decisions", "overrides"})
        service.stop()
        place.search("ighandoff", visits(5), sid="1.2")
        audit = members(place.splunk.audit)
        macros = self.macros(place.splunk.home)

        def source(text: str) -> set[str] | None:
            if text.startswith("search ") and "sourcetype=intelgraph:audit" in text:
                return audit
            if text.startswith("search ") and "sourcetype=splunkd" in text:
                return SPLUNKD
            if text.startswith("rest "):
                return CONF
            return made.get(text)

        searches = 0
        for view, model in views.items():
            queries = model["dataSources"]
            for name, each in queries.items():
                text = each["options"]["query"]
                if "extend" in each["options"]:
                    text = f"{queries[each['options']['extend']]['options']['query']} {text}"
                with self.subTest(view=view, search=name):
                    given = Flow(source).run(expand(filled(text), macros))
                    self.assertTrue(given)
                searches += 1
        self.assertGreater(searches, 40)


def as_events(records: list[Any]) -> list[Any]:
    """The lines of intelgraph_audit.log as Splunk makes events of them."""
    events = []
    for record in records:
        moment = datetime.fromisoformat(str(record["time"]).replace("Z", "+00:00"))
        kinds = record.get("kinds", {})
        events.append(
            {
                **{name: value for name, value in record.items() if name != "kinds"},
                **{f"kinds.{name}": count for name, count in kinds.items()},
                "_time": moment.timestamp(),
                "host": "sh1",
            }
        )
    return events


class HandoffAuditTest(DashboardsCase):
    """The search of Hand-off audit over the real records of both sides."""

    def compared(
        self, place: Any, events: list[Any], edit: Any = lambda rows: rows
    ) -> dict[str, Any]:
        """Each hand-off's search id -> its row."""
        model = self.definitions(place.splunk.home)["handoff_audit"]
        query = filled(model["dataSources"]["compared"]["options"]["query"])

        def source(text: str) -> list[Any] | None:
            if text.startswith("igaudit "):
                options = SearchOptions(user="mara", probes=1)
                result = run_search(place.splunk.home, f"| {text}", [], options)
                self.done(result)
                return edit([dict(row) for row in result.rows])
            if text.startswith("search index=_internal sourcetype=intelgraph:audit"):
                return [dict(event) for event in events if event["action"] == "handoff"]
            return None

        rows = Pipeline(source).run(expand(query, self.macros(place.splunk.home)))
        return {row["handoff"]: row for row in rows}

    def test_each_way_in_which_the_sides_can_differ_is_named(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        sids = ["1.agree", "1.service", "1.doubt", "1.place", "1.who"]
        for sid in sids:
            self.done(place.search('ighandoff title="Beaconing"', visits(5), sid=sid))
        self.done(place.search('ighandoff title="Beaconing"', visits(5), sid="1.agree"))
        events = as_events(place.splunk.audit)
        service.stop()
        place.search("ighandoff", visits(5), sid="1.waits")
        events += as_events(place.splunk.audit)[len(events) :]
        service.start()
        ids = {event["sid"]: event["handoff"] for event in events}

        events = [event for event in events if event["sid"] != "1.service"]
        lost = {**events[0], "sid": "1.splunk", "handoff": "f" * 32}
        events.append(lost)
        for event in events:
            if event["sid"] == "1.place":
                event["audit_index"] += 7
            if event["sid"] == "1.who":
                event["user"] = "eve"

        def doubted(rows: list[Any]) -> list[Any]:
            for row in rows:
                if row["sid"] == "1.doubt":
                    row.update(
                        verified="false",
                        reason="the record is not the one whose hash is in the log",
                    )
            return rows

        found = self.compared(place, events, doubted)
        states = {sid: found[ids[sid]]["state"] for sid in ids}
        self.assertEqual(
            {**states, "1.splunk": found["f" * 32]["state"]},
            {
                "1.agree": "agree",
                "1.service": "only in the service",
                "1.doubt": "not verified",
                "1.place": "other place in the log",
                "1.who": "another analyst",
                "1.waits": "not delivered",
                "1.splunk": "only in Splunk",
            },
        )
        agreed = found[ids["1.agree"]]
        self.assertEqual(
            (agreed["Splunk"], agreed["Verified"], agreed["analyst"]), ("sent", "yes", "mara")
        )
        self.assertEqual(agreed["Service"], "handoff.committed, handoff.duplicate")
        self.assertEqual(found[ids["1.service"]]["Splunk"], "no record")
        self.assertIn("cannot be reached", found[ids["1.waits"]]["reason"])
        for row in found.values():
            self.assertTrue(row["todo"] and row["_time"] and row["link"], row)


class OverviewTest(DashboardsCase):
    def test_a_handoff_is_one_row_with_what_became_of_it_at_last(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        for _ in range(2):
            place.search('ighandoff title="Beaconing"', visits(20), sid="1.twice")
        service.stop()
        place.search("ighandoff", visits(5), sid="1.late")
        service.start()
        place.search("ighandoff", visits(4), sid="1.after")
        service.stop()
        place.search("ighandoff", visits(4), sid="1.waits")
        events = as_events(place.splunk.audit)
        text = expand("`intelgraph_handoffs`", self.macros(place.splunk.home))
        rows = Pipeline(
            lambda part: [dict(event) for event in events] if "index=" in part else None
        ).run(text)
        self.assertEqual(len(events), 6)
        self.assertEqual(
            {row["sid"]: (row["outcome"], row["title"]) for row in rows},
            {
                "1.twice": ("sent", "Beaconing"),
                "1.late": ("sent", "(no title)"),
                "1.after": ("sent", "(no title)"),
                "1.waits": ("queued", "(no title)"),
            },
        )
        for row in rows:
            self.assertEqual(row["instance"], "default")
            self.assertGreater(
                row["kinds.ip"], 0, "the record of a late delivery has no kinds: the first one has"
            )
            self.assertEqual(
                "cannot be reached" in (row["reason"] or ""), row["outcome"] == "queued"
            )
