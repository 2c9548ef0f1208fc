"""The scheduled searches on budgets: off as shipped, each alerting on its state, once and anew for the next."""

from __future__ import annotations

import re
import time
from typing import Any

from splunkd import SearchOptions, conf, run_search
from splunkd.evaluate import Pipeline
from splunkd.fields import Flow

from .budget_answers import budget, decision
from .budget_gate import Gate
from .harness import APP, Row
from .test_igusage import IgusageCase, rfc3339

OVER = "IntelGraph: a budget is over a threshold"
STOPS = "IntelGraph: a budget throttles or blocks"
FORECAST = "IntelGraph: a budget's forecast is over its limit"
REFUSE = "IntelGraph: budgets refuse"
PERCENT = [{"kind": "percent", "value": "80"}]


def stanzas() -> dict[str, dict[str, str]]:
    found = conf.parse_conf((APP / "default/savedsearches.conf").read_text("utf-8"))
    return {name: keys for name, keys in found.items() if keys}


class BudgetAlertsTest(IgusageCase):
    searches = stanzas()

    def test_each_is_off_and_scheduled_and_tells_a_state_once(self) -> None:
        self.assertEqual(set(self.searches), {OVER, STOPS, FORECAST, REFUSE})
        for name, keys in self.searches.items():
            with self.subTest(name):
                self.assertEqual((keys["disabled"], keys["enableSched"]), ("1", "1"))
                self.assertEqual((keys["alert.suppress"], keys["alert.digest_mode"]), ("1", "0"))
                self.assertEqual(
                    (keys["counttype"], keys["relation"], keys["quantity"]), ("number of events", "greater than", "0")
                )
                self.assertRegex(keys["dispatch.earliest_time"], r"^-\d+m(@m)?$")
                self.assertTrue(keys["description"])
                self.assertNotIn("actions", keys, "whom to tell is the admin's to say")

    def rows(self, name: str, *budgets: Any, decisions: Any = ()) -> list[Row]:
        """What the search gives where the service says this."""
        gate = Gate(self.service.port)
        gate.answers = {
            "/v1/budgets": {"budgets": list(budgets)},
            "/v1/decisions": {"entries": list(decisions), "next": None},
        }
        with gate:
            place = self.place()
            place.splunk.configure(gate.url, place.tenant, place.token)

            def source(text: str) -> list[Row] | None:
                if not text.startswith("igusage "):
                    return None
                options = SearchOptions(user="mara", probes=0)
                result = run_search(place.splunk.home, f"| {text}", [], options)
                self.done(result)
                return [dict(row) for row in result.rows]

            return Pipeline(source).run(self.searches[name]["search"])

    def states(self, name: str, rows: list[Row]) -> list[tuple[Any, ...]]:
        """What Splunk compares to tell whether it has alerted on this already."""
        fields = [each.strip() for each in self.searches[name]["alert.suppress.fields"].split(",")]
        for row in rows:
            self.assertTrue(set(fields) <= {field for field, value in row.items() if value not in ("", None)}, row)
        return [tuple(row[field] for field in fields) for row in rows]

    def fires(self, name: str, quiet: list[Any], loud: list[Any]) -> None:
        """Only on those that are loud; each of them another state than the others."""
        rows = self.rows(name, *quiet, *loud)
        self.assertEqual([row["budget"] for row in rows], [each["name"] for each in loud])
        self.assertEqual(len(set(self.states(name, rows))), len(loud))
        self.assertEqual(self.rows(name, *quiet), [])

    def test_a_crossed_threshold_alerts_and_the_next_one_anew(self) -> None:
        two = [*PERCENT, {"kind": "percent", "value": "90"}]
        self.fires(
            OVER,
            [budget("quiet", 1)],
            [budget("one", 2, crossed=PERCENT), budget("two", 2, crossed=two),
             budget("next month", 2, crossed=PERCENT, period_from="2026-12-01T00:00:00Z")],
        )

    def test_throttling_and_blocking_alert_and_shadow_budgets_do_not(self) -> None:
        self.fires(
            STOPS,
            [budget("quiet", 1), budget("notice", 2, verdict="notice"),
             budget("shadow", 3, verdict="blocked", shadow=True)],
            [budget("slow", 4, verdict="throttled"), budget("full", 4, verdict="blocked"),
             budget("raised and full again", 4, verdict="blocked", limit="140")],
        )

    def test_a_forecast_over_the_limit_alerts(self) -> None:
        def forecast(share: str, days: int = 3) -> dict[str, Any]:
            return {"expected": "1", "low": "1", "high": "2", "share": share, "days": days}

        self.fires(
            FORECAST,
            [budget("below", 1, forecast=forecast("99.9")), budget("just", 2, forecast=forecast("100")),
             budget("unknown", 3, forecast=None), budget("a guess", 6, forecast=forecast("900", days=2))],
            [budget("above", 4, forecast=forecast("100.1")), budget("far above", 5, forecast=forecast("1200"))],
        )

    def test_refusals_alert_once_a_budget_and_verdict(self) -> None:
        now = time.time()
        entries = [decision(n, rfc3339(now - n * 60)) for n in range(1, 5)]
        entries += [decision(9, rfc3339(now - 600), verdict="throttle"), decision(10, rfc3339(now - 660), shadow=True)]
        rows = self.rows(REFUSE, decisions=entries)
        self.assertEqual({(row["verdict"], row["refusals"]) for row in rows}, {("block", 4), ("throttle", 1)})
        self.assertEqual(len(set(self.states(REFUSE, rows))), 2)
        self.assertEqual(self.rows(REFUSE, decisions=entries[-1:]), [])

    def test_no_refusal_falls_between_two_runs(self) -> None:
        """One is written down a moment after it was told: the newest minute is left to the next run."""
        keys = self.searches[REFUSE]
        every = int(re.sub(r"^\d+-59/(\d+) .*", r"\1", keys["cron_schedule"]))
        ends = (keys["dispatch.earliest_time"], keys["dispatch.latest_time"])
        since, until = (int(re.sub(r"^-(\d+)m@m$", r"\1", end)) for end in ends)
        self.assertGreaterEqual(until, 1)
        self.assertEqual(since - until, every)

    def test_the_fields_they_read_are_the_commands(self) -> None:
        given = {
            "igusage show=budgets": set(self.rows_of("budgets")),
            "igusage show=decisions": set(self.rows_of("decisions")),
        }
        for name, keys in self.searches.items():
            with self.subTest(name):
                fields = Flow(given.get).run(keys["search"])
                wanted = {each.strip() for each in keys["alert.suppress.fields"].split(",")}
                self.assertLessEqual(wanted, fields)

    def rows_of(self, show: str) -> Row:
        gate = Gate(self.service.port)
        gate.answers = {
            "/v1/budgets": {"budgets": [budget("b")]},
            "/v1/decisions": {"entries": [decision(1, "2026-11-23T00:00:00Z")], "next": None},
        }
        with gate:
            place = self.place()
            place.splunk.configure(gate.url, place.tenant, place.token)
            options = SearchOptions(user="mara", probes=0, earliest_time="1")
            (row,) = run_search(place.splunk.home, f"| igusage show={show}", [], options).rows
        return dict(row)
