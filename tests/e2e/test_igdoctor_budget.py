"""igdoctor's row of budgets: what is in the way of hand-offs now, and what will be soon, with its cure."""

from __future__ import annotations

from typing import Any

from .budget_answers import budget
from .budget_gate import Gate
from .test_igdoctor import DoctorCase

TODAY = {"used": "100", "limit": "100", "share": "100"}


class DoctorBudgetTest(DoctorCase):
    def look(self, *budgets: Any, answer: Any = None) -> Any:
        """The row, where the service says this of its budgets."""
        gate = Gate(self.service.port)
        gate.answers = {"/v1/budgets": {"budgets": list(budgets)} if answer is None else answer}
        with gate:
            place = self.place()
            place.splunk.configure(gate.url, place.tenant, place.token)
            rows = self.rows(place)
        for name in ("token", "service", "audit"):
            self.assertEqual(rows[name]["status"], "ok", rows[name])
        return rows["budget"]

    def test_without_budgets_it_is_skipped(self) -> None:
        row = self.look()
        self.assertEqual((row["status"], row["value"]), ("skipped", "the tenant has no budgets"))
        row = self.look(answer=404)
        self.assertEqual(
            (row["status"], row["value"]), ("skipped", "this version of the service keeps no budgets")
        )
        row = self.look(answer=403)
        self.assertEqual((row["status"], row["value"]), ("skipped", "this token may not see the budgets"))

    def test_where_all_is_well_the_fullest_is_told(self) -> None:
        row = self.look(budget("A", share="9.5"), budget("B", share="79.99"), budget("C", share="0"))
        self.assertEqual((row["status"], row["value"]), ("ok", '3 budgets; the fullest, "B", is at 79.99 %'))

    def test_one_near_its_limit_is_a_warning(self) -> None:
        for near in (
            budget("A", share="80", used="80", limit="100"),
            budget("A", share="10", used="80", limit="100", verdict="notice"),
            budget("A", share="10", used="80", limit="100",
                   forecast={"expected": "1", "low": "1", "high": "1", "share": "100.01", "days": 3}),
        ):
            row = self.look(near, budget("B"))
            self.assertEqual(row["status"], "warning", row)
            self.assertRegex(row["value"], r'^1 of 2 budgets: "A" is near its limit: 80 of 100 used \(\d+ %\) until '
                                           r"2026-12-01T00:00:00Z, forecast [\d.]+ %, ask finance@corp.example$")
            self.assertIn("Look at the dashboard Budgets", row["cure"])

    def test_a_forecast_of_too_little_history_is_not_believed(self) -> None:
        forecast = {"expected": "1", "low": "1", "high": "9", "share": "900", "days": 2}
        row = self.look(budget("A", share="10", forecast=forecast))
        self.assertEqual(row["status"], "ok", row)

    def test_one_that_blocks_handoffs_is_a_failure(self) -> None:
        row = self.look(budget("B", share="85"), budget("A", verdict="blocked", **TODAY))
        self.assertEqual(row["status"], "failed")
        self.assertRegex(row["value"], r'^2 of 2 budgets: "A" blocks: 100 of 100 used \(100 %\) until .*; '
                                       r'"B" is near its limit: ')
        self.assertIn("Raise the budget's limit or give an override", row["cure"])
        row = self.look(budget("C", verdict="blocked", basis="cost", meters=[], currency="EUR", **TODAY))
        self.assertEqual(row["status"], "failed")

    def test_one_that_blocks_something_else_is_a_warning(self) -> None:
        row = self.look(budget("A", verdict="blocked", meters=["inference.tokens"], **TODAY))
        self.assertEqual(row["status"], "warning")
        self.assertIn('"A" blocks', row["value"])

    def test_one_that_throttles_is_a_warning(self) -> None:
        row = self.look(budget("A", verdict="throttled", share="91"))
        self.assertEqual(row["status"], "warning")
        self.assertIn('"A" throttles', row["value"])
        self.assertIn("throttle_wait_ms in [handoff]", row["cure"])

    def test_a_shadow_budget_stops_nothing(self) -> None:
        row = self.look(budget("A", verdict="blocked", shadow=True, **TODAY))
        self.assertEqual(row["status"], "warning")
        self.assertIn('"A" is over (shadow): 100 of 100 used', row["value"])

    def test_of_many_the_worst_are_told(self) -> None:
        many = [budget("N" * n + "\u00fc" * 300, n, share="90") for n in range(1, 41)]
        row = self.look(*many, budget("last", 99, verdict="blocked", **TODAY))
        self.assertEqual(row["status"], "failed")
        self.assertTrue(row["value"].startswith('41 of 41 budgets: "last" blocks'), row["value"])
        self.assertTrue(row["value"].endswith("; ..."), row["value"])

    def test_an_answer_that_is_odd_is_a_failure_with_its_sentence(self) -> None:
        for answer, sentence in (
            (500, "IntelGraph answered 500"),
            ({"budgets": {}}, "GET /v1/budgets: budgets must be a list"),
            ("x", "GET /v1/budgets: budgets must be a list"),
            ({"budgets": [budget("A"), 7]}, "GET /v1/budgets: a budget must have name, state.verdict and state.used"),
            ({"budgets": [{}]}, "GET /v1/budgets: a budget must have name, state.verdict and state.used"),
            ({"budgets": [{"name": 7, "state": []}]}, "GET /v1/budgets: a budget must have name"),
        ):
            row = self.look(answer=answer)
            self.assertEqual(row["status"], "failed")
            self.assertIn(sentence, row["value"])
            self.assertIn("GET /v1/budgets must answer", row["cure"])
        row = self.look(budget("A", share="-5"), budget("B", share="1" * 40))
        self.assertEqual(row["status"], "warning")
        self.assertIn('"B" is over', row["value"])

    def test_a_share_that_is_not_known_is_left_out(self) -> None:
        row = self.look(budget("A", share=None), budget("B", share=None))
        self.assertEqual((row["status"], row["value"]), ("ok", "2 budgets, none near its limit"))
        row = self.look(budget("A", share=None, verdict="blocked", used="7", limit="0"))
        self.assertIn('"A" blocks: 7 of 0 used until 2026-12-01T00:00:00Z', row["value"])
