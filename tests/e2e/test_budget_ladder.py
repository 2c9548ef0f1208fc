"""From a budget made in the service to the analyst's search: blocked, told, overridden, delivered, and all as rows."""

from __future__ import annotations

import json
import time

from splunkd import SearchResult
from splunkd.rest_search import search_as

from .budget_case import HOUR_S, BudgetCase, definition, later
from .harness import EndToEnd, Place, Row, request
from .search_head import SearchHead
from .test_usage import BATCH, use


class BudgetLadderTest(BudgetCase):
    def test_a_budget_blocks_at_its_limit_and_an_override_lets_what_waits_through(self) -> None:
        place = self.place()
        made = self.make(place, "Hand-offs a month", 3)
        outcomes = [self.outcome(self.hand_off(place, f"1.{n}")) for n in range(5)]
        self.assertEqual(outcomes, ["sent"] * 3 + ["blocked"] * 2)
        self.assertEqual((len(place.handoffs()), len(place.splunk.outbox)), (3, 2))

        blocked = [line for line in place.splunk.audit if line.get("error") == "blocked"]
        self.assertEqual(len(blocked), 2)
        for line in blocked:
            self.assertEqual(
                (line["budget_name"], line["budget_used"], line["budget_limit"], line["budget_contact"]),
                ("Hand-offs a month", "3", "3", "finance@corp.example"),
            )
        rows = self.refusals(place, 2)
        self.assertEqual({row["decision"] for row in rows}, {line["decision"] for line in blocked})
        self.assertEqual({(row["verdict"], row["meter"], row["budget"]) for row in rows},
                         {("block", "handoffs", "Hand-offs a month")})

        over = {"kind": "amount", "amount": "10", "reason": "incident 4711", "expires_at": later(HOUR_S)}
        answer = self.ask(place, "POST", f"v1/budgets/{made['id']}/overrides", over)
        self.assertEqual(answer.status, 201, answer.text)
        result = self.hand_off(place, "2.1")
        self.assertEqual(self.outcome(result), "sent")
        self.says(result, "outbox: 2 of 2 waiting hand-offs went out")
        self.assertEqual((len(place.handoffs()), place.splunk.outbox), (6, []))

        (row,) = self.rows(place, "show=budgets")
        self.assertEqual(
            [row[name] for name in ("used", "limit", "limit_set", "unit", "override_kind", "contact")],
            ["6", "13", "3", "hand-offs", "amount", "finance@corp.example"],
        )
        self.assertIn(row["verdict"], ("ok", "notice"))  # a notice ends some way below its threshold
        (row,) = self.rows(place, 'show=overrides budget="Hand-offs a month"')
        self.assertEqual([row[name] for name in ("budget", "kind", "amount", "state", "reason")],
                         ["Hand-offs a month", "amount", "10", "active", "incident 4711"])

    def test_what_waits_goes_out_when_the_limit_is_raised_and_no_earlier(self) -> None:
        place = self.place()
        made = self.make(place, "Two", 2)
        outcomes = [self.outcome(self.hand_off(place, f"1.{n}")) for n in range(4)]
        self.assertEqual(outcomes, ["sent", "sent", "blocked", "blocked"])
        raised = definition("Two", 4, version=made["version"])
        self.assertEqual(self.ask(place, "PUT", f"v1/budgets/{made['id']}", raised).status, 200)
        result = self.hand_off(place, "2.1")
        self.assertEqual(self.outcome(result), "sent")
        self.says(result, "outbox: 1 of 2 waiting hand-offs went out; the rest is not tried for")
        self.assertEqual((len(place.handoffs()), len(place.splunk.outbox)), (4, 1))

    def test_a_shadow_budget_lets_everything_through_and_shows_what_it_would_have_refused(self) -> None:
        place = self.place()
        self.make(place, "Shadow", 1, shadow=True)
        outcomes = [self.outcome(self.hand_off(place, f"1.{n}")) for n in range(3)]
        self.assertEqual(outcomes, ["sent"] * 3)
        rows = self.refusals(place, 2)
        self.assertEqual([(row["shadow"], row["verdict"]) for row in rows], [("true", "block")] * 2)

    def test_a_throttled_search_waits_for_its_turn(self) -> None:
        place = self.place()
        throttle = {"from_percent": "10", "rate": "1", "burst": "1"}
        self.make(place, "Slow", 10, mode="throttle", throttle=throttle)
        begun = time.monotonic()
        results = [self.hand_off(place, f"1.{n}") for n in range(5)]
        self.assertEqual({self.outcome(result) for result in results}, {"sent"})
        self.assertEqual(place.splunk.outbox, [])
        waited = [line["waited_ms"] for line in place.splunk.audit if "waited_ms" in line]
        self.assertTrue(waited, "five within a few seconds at one a second")
        self.assertLess(time.monotonic() - begun, 60)
        self.says(next(r for r in results if "waited" in "\n".join(r.texts())),
                  'IntelGraph: waited [12] s, because the budget "Slow" lets hand-offs through slowly')

    def test_cost_and_its_forecast_are_rows(self) -> None:
        place = self.place()
        prices = {"currency": "EUR", "prices": [{"meter": "api.calls", "per": "1000", "price": "2.50"}]}
        self.assertEqual(self.ask(place, "POST", "v1/prices", prices).status, 201)
        self.make(place, "Cost, all", "100.00", basis="cost", meters=[], currency="EUR",
                  default_estimate="0.01")
        token = place.service.token(place.tenant, "meter")
        events = [use(f"{n}", 1000, dimensions={"route": "/v1/x"}) for n in range(4)]
        events.append(use("t", 7, "inference.tokens"))
        answer = request(place.service.url + "v1/events", "POST", token, json.dumps(events).encode(),
                         {"Content-Type": BATCH})
        self.assertEqual(answer.status, 200, answer.text)
        result = self.use(place, "show=cost by=route")
        self.done(result)
        by_meter = {row["meter"]: row for row in result.rows}
        self.assertEqual([by_meter["api.calls"][name] for name in ("cost", "currency", "route", "shown")],
                         ["10.00", "EUR", "/v1/x", "4000"])
        self.assertEqual(by_meter["inference.tokens"]["cost"], "")
        self.says(result, "there is no price for .*inference.tokens")
        cost, of_budget = self.rows(place, "show=forecast")
        self.assertEqual((cost["scope"], cost["used"], cost["unit"]), ("cost", "10.00", "EUR"))
        self.assertEqual((of_budget["budget"], of_budget["used"], of_budget["limit"], of_budget["unit"]),
                         ("Cost, all", "10.00", "100.00", "EUR"))

    def test_another_tenants_budgets_are_not_seen(self) -> None:
        place, other = self.place(), self.place()
        made = self.make(place, "Ours", 1)
        self.assertEqual([self.outcome(self.hand_off(place, f"1.{n}")) for n in range(2)], ["sent", "blocked"])
        for show in ("budgets", "decisions", "overrides"):
            self.assertEqual(self.rows(other, f"show={show}"), [], show)
        self.fails(other, f"show=decisions budget={made['id']}", "is the name or the id of no budget; there are none")
        self.assertEqual(self.outcome(self.hand_off(other, "1.1")), "sent")


class BudgetBrokerTest(BudgetCase):
    """By the analyst's own token, as Splunk's capabilities allow."""

    def setUp(self) -> None:
        EndToEnd._tenants += 1
        self.head = SearchHead(self, self.service, f"tenant{EndToEnd._tenants}")
        self.at = Place(self.service, self.head.splunk, self.head.tenant, "")

    def look(self, user: str, arguments: str) -> SearchResult:
        result = search_as(self.head.rest, user, f"| igusage {arguments}", [])
        self.assertEqual(result.violations, [])
        return result

    def test_an_analyst_is_blocked_under_the_analysts_own_name_and_sees_the_budgets(self) -> None:
        self.make(self.at, "One", 1)
        self.says(self.head.search("mara", sid="1.1"), "handed off")
        self.says(self.head.search("mara", sid="1.2"), 'because the budget "One" lets nothing more through')
        until = time.monotonic() + 10
        rows: list[Row] = []
        while not rows and time.monotonic() < until:
            result = self.look("mara", "show=decisions")
            self.done(result)
            rows = list(result.rows)
        self.assertEqual([(row["subject"], row["verdict"]) for row in rows], [("mara", "block")])
        for show in ("budgets", "forecast", "overrides", "cost"):
            self.done(self.look("mara", f"show={show}"))

    def test_who_lacks_the_capability_is_told(self) -> None:
        result = self.look("joe", "show=budgets")
        self.assertEqual(result.state, "FAILED")
        self.says(result, "intelgraph_read")
