"""Budgets, forecasts, overrides and refusals as rows of a search, each with the fields that dashboards read."""

from __future__ import annotations

import time
import urllib.parse
from typing import Any

from .budget_answers import COMPLETE, COSTS, budget, decision, override
from .budget_gate import Gate
from .harness import Place, Row
from .test_igusage import IgusageCase, rfc3339

FULL = budget(
    "Hand-offs a month",
    used="100",
    share="83.4",
    verdict="throttled",
    crossed=[{"kind": "percent", "value": "80"}, {"kind": "forecast", "value": "100"}],
    override=override(),
)


class IgusageBudgetsTest(IgusageCase):
    """Against answers that the API describes; test_budgets has the service's own."""

    def behind(self, **answers: Any) -> tuple[Place, Gate]:
        gate = Gate(self.service.port)
        gate.__enter__()
        self.addCleanup(gate.__exit__)
        gate.answers = {"/v1/" + path.replace("__", "/"): said for path, said in answers.items()}
        place = self.place()
        place.splunk.configure(gate.url, place.tenant, place.token)
        return place, gate

    def one(self, place: Place, arguments: str) -> Row:
        (row,) = self.rows(place, arguments)
        return row

    # Budgets

    def test_a_budget_is_one_row_of_flat_fields(self) -> None:
        place, _ = self.behind(budgets={"budgets": [FULL]})
        row = self.one(place, "show=budgets")
        self.assertAlmostEqual(float(row.pop("_time")), time.time(), delta=60)
        self.assertEqual(
            row,
            {
                "budget": "Hand-offs a month",
                "budget_id": "bdg_0000000000000000000001",
                "basis": "quantity",
                "meters": "handoffs",
                "unit": "hand-offs",
                "period": "month",
                "mode": "block",
                "shadow": "false",
                "verdict": "throttled",
                "used": "100",
                "reserved": "3",
                "limit": "120",
                "limit_set": "100",
                "share": "83.4",
                "period_from": "2026-11-01T00:00:00Z",
                "resets_at": "2026-12-01T00:00:00Z",
                "days_left": "8",
                "forecast_expected": "61",
                "forecast_low": "55",
                "forecast_high": "70",
                "forecast_share": "50.8",
                "forecast_days": "21",
                "crossed": "80 %, forecast 100 %",
                "thresholds": "80 %, 95, forecast 100 %",
                "override": "ovr_0000000000000000000001",
                "override_kind": "amount",
                "override_amount": "20",
                "override_expires_at": "2026-11-30T09:00:00Z",
                "contact": "finance@corp.example",
                "recipients": "rcp_1, rcp_2",
                "two_person": "false",
                "version": "3",
                "complete_up_to": COMPLETE,
                "instance": "default",
            },
        )

    def test_the_unit_is_the_currency_or_what_the_budget_counts(self) -> None:
        many = [
            budget("cost", 1, basis="cost", meters=[], currency="EUR", unit="EUR"),
            budget("tokens", 2, meters=["inference.tokens"], unit="tokens"),
            budget("of old", 3, unit=None),
        ]
        place, _ = self.behind(budgets={"budgets": many})
        rows = self.rows(place, "show=budgets")
        self.assertEqual(
            {row["budget"]: row["unit"] for row in rows}, {"cost": "EUR", "tokens": "tokens", "of old": ""}
        )

    def test_amounts_beyond_a_double_stay_digit_by_digit(self) -> None:
        exact = {"used": "9007199254740993", "limit": "999999999999999999", "reserved": "0.000001"}
        place, _ = self.behind(budgets={"budgets": [budget("b", **exact)]})
        row = self.one(place, "show=budgets")
        self.assertEqual({name: row[name] for name in exact}, exact)

    def test_what_is_not_known_is_an_empty_cell(self) -> None:
        bare = budget("b", forecast=None, override=None, days_left=None, crossed=None)
        place, _ = self.behind(budgets={"budgets": [bare]})
        row = self.one(place, "show=budgets")
        empty = {name for name, value in row.items() if value == ""}
        self.assertEqual(
            empty,
            {"days_left", "forecast_expected", "forecast_low", "forecast_high", "forecast_share",
             "forecast_days", "crossed", "override", "override_kind", "override_amount", "override_expires_at"},
        )

    def test_one_budget_is_picked_by_its_name_or_its_id(self) -> None:
        many = {"budgets": [budget("Tokens, a day", 1), budget("Cost", 2)]}
        place, _ = self.behind(budgets=many)
        self.assertEqual(self.one(place, 'show=budgets budget="Tokens, a day"')["budget"], "Tokens, a day")
        self.assertEqual(self.one(place, "show=budgets budget=bdg_0000000000000000000002")["budget"], "Cost")
        self.fails(place, "show=budgets budget=Kost",
                   'budget= holds "Kost", which is the name or the id of no budget; there are "Tokens, a day", "Cost"')

    def test_a_list_that_finds_no_room_in_a_sentence_says_so(self) -> None:
        many = [budget(f"Hand-offs of team {number}", number) for number in range(1, 100)]
        place, _ = self.behind(budgets={"budgets": many}, meters={"meters": [{"name": "a", "dimensions": []}]})
        self.fails(place, "show=budgets budget=x", r'"Hand-offs of team 1", .*, "Hand-offs of team 10", \.\.\.$')
        self.fails(place, "by=x", 'by= holds "x", which is a dimension of no meter; there are none')

    def test_the_state_of_budgets_is_of_now_whatever_the_searchs_time(self) -> None:
        place, _ = self.behind(budgets={"budgets": [FULL]}, costs=COSTS)
        tomorrow = f"{time.time() + 2 * 86400:.0f}"
        for show, count in (("budgets", 1), ("forecast", 2)):
            self.assertEqual(len(self.rows(place, f"show={show}", earliest_time=tomorrow)), count)

    def test_without_budgets_there_are_no_rows_and_no_error(self) -> None:
        place, _ = self.behind(budgets={"budgets": []}, costs={**COSTS, "currency": None})
        for show in ("budgets", "forecast", "overrides"):
            self.assertEqual(self.rows(place, f"show={show}"), [], show)

    def test_a_service_without_budgets_is_one_sentence(self) -> None:
        place, _ = self.behind(budgets=404)
        said = "IntelGraph answered 404: it does not know what it was asked for; it is older"
        self.fails(place, "show=budgets", said)

    def test_an_answer_that_is_odd_is_one_sentence_that_names_the_member(self) -> None:
        for odd, sentence in (
            ({"budgets": {}}, "GET /v1/budgets: budgets must be a list"),
            ([], "GET /v1/budgets: budgets must be a list"),
            ({"budgets": [7]}, "budgets.name is missing"),
            ({"budgets": [{**FULL, "name": 7}]}, "budgets.name must be a text"),
            ({"budgets": [{**FULL, "shadow": "no"}]}, "budgets.shadow must be true or false"),
            ({"budgets": [budget("b", used="1e3")]}, "budgets.state.used must be a number as text"),
            ({"budgets": [budget("b", used="1.")]}, "budgets.state.used must be a number as text"),
            ({"budgets": [budget("b", period_to="soon")]}, "budgets.state.period_to must be a time"),
            ({"budgets": [budget("b", crossed=[7])]}, "budgets.state.crossed must be a list of thresholds"),
            ({"budgets": [{**FULL, "recipients": [{}]}]}, "budgets.recipients must be a list of texts"),
            ({"budgets": [{**FULL, "state": None}]}, "budgets.state.verdict is missing"),
        ):
            place, _ = self.behind(budgets=odd)
            self.fails(place, "show=budgets", f"is not this version's IntelGraph: {sentence}")

    # Forecast

    def test_the_forecast_is_of_all_cost_and_of_each_budget(self) -> None:
        place, gate = self.behind(budgets={"budgets": [FULL]}, costs=COSTS)
        cost, of_budget = self.rows(place, "show=forecast")
        picked = ("scope", "budget", "unit", "used", "limit", "forecast_expected", "forecast_low", "forecast_high",
                  "previous", "period_from", "period_to")
        self.assertEqual(
            [cost[name] for name in picked],
            ["cost", "", "EUR", "12.40", "", "40.10", "35.00", "46.20", "9.10", "2026-11-01T00:00:00Z",
             "2026-12-01T00:00:00Z"],
        )
        self.assertEqual(
            [of_budget[name] for name in picked],
            ["budget", "Hand-offs a month", "hand-offs", "100", "120", "61", "55", "70", "", "2026-11-01T00:00:00Z",
             "2026-12-01T00:00:00Z"],
        )
        self.assertEqual(of_budget["forecast_share"], "50.8")
        self.assertIn("GET /v1/costs?window=month 200", gate.asked)
        self.rows(place, "show=forecast window=billing")
        self.assertIn("GET /v1/costs?window=billing 200", gate.asked)

    # Overrides

    def test_overrides_are_rows_with_their_budgets_name(self) -> None:
        many = {"budgets": [budget("A", 1), budget("B", 2), budget("C", 3)]}
        waiting = override(2, kind="bypass", amount=None, state="waiting")
        place, _ = self.behind(
            budgets=many,
            budgets__bdg_0000000000000000000001__overrides={"overrides": [override(1), waiting]},
            budgets__bdg_0000000000000000000002__overrides={"overrides": []},
            budgets__bdg_0000000000000000000003__overrides=404,  # deleted in between
        )
        first, second = self.rows(place, "show=overrides")
        self.assertEqual(
            [first[name] for name in ("budget", "override", "kind", "amount", "unit", "state", "reason", "asked_by")],
            ["A", "ovr_0000000000000000000001", "amount", "20", "hand-offs", "active", "incident 4711", "olga"],
        )
        self.assertEqual(float(first["_time"]), 1795165200.0)
        self.assertEqual((second["kind"], second["amount"], second["state"]), ("bypass", "", "waiting"))

    # Decisions

    def test_refusals_come_page_by_page_within_the_searchs_time(self) -> None:
        now = time.time()
        entries = [decision(n, rfc3339(now - n * 60)) for n in range(1, 2501)]
        asked: list[dict[str, str]] = []

        def page(query: str) -> Any:
            words = dict(urllib.parse.parse_qsl(query))
            asked.append(words)
            start = int(words.get("before", "0"))
            end = start + int(words["limit"])
            more = end if end < len(entries) else None
            return {"entries": entries[start:end], "next": more and str(more), "allowed": {"today": 7}}

        place, _ = self.behind(decisions=page)
        rows = self.rows(place, "show=decisions")
        self.assertEqual([row["decision"] for row in rows], [each["id"] for each in entries])
        self.assertEqual([words.get("before", "") for words in asked], ["", "500", "1000", "1500", "2000"])
        self.assertEqual(
            {name: rows[0][name] for name in rows[0]
             if name in {"verdict", "shadow", "budget", "meter", "used", "limit", "caller", "subject"}},
            {"verdict": "block", "shadow": "false", "budget": "Hand-offs a month", "meter": "handoffs", "used": "100",
             "limit": "100", "caller": "splunk", "subject": "mara"},
        )
        asked.clear()
        recent = self.rows(place, "show=decisions", earliest_time=f"{now - 1000 * 60 - 30:.0f}",
                           latest_time=f"{now - 10 * 60 - 30:.0f}")
        self.assertEqual(len(recent), 990)
        self.assertEqual(len(asked), 3)
        few = self.use(place, "show=decisions limit=3 verdict=throttle")
        self.assertEqual(len(few.rows), 3)
        self.says(few, "there are more decisions than limit=")
        self.assertEqual(asked[-1]["verdict"], "throttle")
        small = self.rows(place, "show=decisions", max_result_rows=700)
        self.assertEqual(len(small), 2500)

    def test_refusals_of_one_budget_are_asked_for_by_its_id(self) -> None:
        asked: list[str] = []

        def page(query: str) -> Any:
            asked.append(query)
            return {"entries": [], "next": None}

        place, _ = self.behind(decisions=page, budgets={"budgets": [budget("A & B", 7)]})
        self.assertEqual(self.rows(place, 'show=decisions budget="A & B"'), [])
        self.assertEqual(asked, ["budget=bdg_0000000000000000000007&limit=500"])

    # Cost

    def test_costs_come_by_period_meter_and_dimension(self) -> None:
        rows = [
            {"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z", "meter": "inference.tokens",
             "dimensions": {"model": "m-1"}, "quantity": "1200000", "shown": "1200000", "shown_unit": "tokens",
             "cost": "3.00"},
            {"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z", "meter": "api.calls", "dimensions": {},
             "quantity": "7", "shown": "7", "shown_unit": "calls", "cost": None},
        ]
        asked: list[str] = []

        def costs(query: str) -> Any:
            asked.append(query)
            words = dict(urllib.parse.parse_qsl(query))
            return {**COSTS, "window": "day", "to": words["to"], "rows": rows, "unpriced": ["api.calls"]}

        place, _ = self.behind(costs=costs)
        result = self.use(place, "show=cost by=model")
        self.done(result)
        tokens, calls = result.rows
        self.assertEqual(
            [tokens[name] for name in ("meter", "model", "quantity", "shown_unit", "cost", "currency",
                                       "zone", "window")],
            ["inference.tokens", "m-1", "1200000", "tokens", "3.00", "EUR", "UTC", "day"],
        )
        self.assertEqual((calls["cost"], calls["model"], tokens["period_end"]), ("", "", "2026-11-23T00:00:00Z"))
        self.says(result, "there is no price for api.calls; what was used of it is not in the cost")
        self.assertIn("by=meter%2Cmodel", asked[0])

    # Arguments

    def test_an_argument_that_a_view_does_not_look_at_is_refused(self) -> None:
        place = self.place()
        for arguments, sentence in (
            ("show=budget", 'show= holds "budget"; it must be usage, cost, budgets, forecast, decisions or overrides'),
            ("show=budgets by=model", "by= does not go with show=budgets, but with show=usage, show=cost"),
            ("show=usage budget=x", "budget= does not go with show=usage, but with show=budgets, show=forecast, "
                                    "show=decisions, show=overrides"),
            ("show=budgets window=day", "window= does not go with show=budgets"),
            ("show=forecast window=day", 'window= holds "day"; a forecast is of a month or of a billing period'),
            ("show=overrides limit=5", "limit= does not go with show=overrides, but with show=decisions"),
            ("show=decisions meter=x", "meter= does not go with show=decisions, but with show=usage, show=cost"),
            ("show=decisions limit=0", "limit=0 must be a whole number from 1 to 100000"),
            ("show=cost by=cost", 'by= holds "cost", which is a field of every row'),
        ):
            self.fails(place, arguments, sentence)
