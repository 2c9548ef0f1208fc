"""A budget in the way of hand-offs: rows pass, the search waits its turn or says why it does not, nothing is lost."""

from __future__ import annotations

import time
from typing import Any

from splunkd import SearchResult

from .budget_gate import Gate, Refusal
from .harness import EndToEnd, Place, visits
from .test_alert import DONE, AlertEndToEnd

BLOCKED = Refusal(402, 3600, decision="dec_blocked")
SENTENCE = (
    r'IntelGraph: not handed off, because the budget "Hand-offs a day" lets nothing more through '
    r"\(100 of 100 used, until 2999-01-01T00:00:00Z; ask finance@corp.example\): it waits in the outbox and "
    r"goes out with your next hand-off once the budget allows."
)


BUDGET = 9  # the alert action's exit status


class GateCase(EndToEnd):
    def behind(self, gate: Gate, **settings: str) -> Place:
        """A place whose app goes through the gate."""
        place = self.place()
        place.splunk.configure(gate.url, place.tenant, place.token, **settings)
        return place

    def gate(self) -> Gate:
        gate = Gate(self.service.port)
        gate.__enter__()
        self.addCleanup(gate.__exit__)
        return gate


class BudgetHandoffTest(GateCase):
    def run_one(self, place: Place, sid: str, **options: Any) -> SearchResult:
        rows = visits(6)
        result = place.search("ighandoff", rows, sid=sid, last_empty=False, **options)
        self.done(result)
        self.rows_pass(result, rows)
        return result

    def own(self, result: SearchResult) -> set[str]:
        return self.statuses(result) - {"collected"}

    @staticmethod
    def many() -> list[Any]:
        """What goes out in several parts."""
        rows = visits(12000)
        for number, row in enumerate(rows):
            row["url"] = f"http://host{number}.example/{'x' * 400}"
        return rows

    # Blocked

    def test_what_is_blocked_says_why_and_waits_under_a_word_of_its_own(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        result = self.run_one(place, "1.1")
        self.assertEqual(self.own(result), {"blocked"})
        self.says(result, SENTENCE)
        self.assertEqual(len(place.splunk.outbox), 1)
        self.assertEqual(gate.asked, ["POST /v1/handoffs 402"], "asked once, and not again")
        self.assertEqual(place.handoffs(), [])

    def test_the_record_of_what_is_blocked_carries_the_decision(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        self.run_one(place, "1.1")
        (line,) = place.splunk.audit
        want = {
            "action": "handoff",
            "result": "queued",
            "error": "blocked",
            "verdict": "blocked",
            "decision": "dec_blocked",
            "budget": "bdg_0123456789abcdefghijkl",
            "budget_name": "Hand-offs a day",
            "budget_used": "100",
            "budget_reserved": "0",
            "budget_limit": "100",
            "budget_resets_at": "2999-01-01T00:00:00Z",
            "budget_contact": "finance@corp.example",
            "retry_after_s": 3600,
            "outbox_waiting": 1,
        }
        self.assertEqual({name: line.get(name) for name in want}, want)
        self.assertIn('the budget "Hand-offs a day" lets nothing more through', line["reason"])

    def test_what_was_blocked_goes_out_with_the_next_one_when_the_budget_allows(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        first = self.run_one(place, "1.1")
        gate.closed = None
        second = self.run_one(place, "1.2")
        self.assertEqual(self.own(second), {"sent"})
        self.says(second, "outbox: 1 of 1 waiting hand-offs went out")
        self.assertEqual((len(place.handoffs()), place.splunk.outbox), (2, []))
        again = self.run_one(place, "1.1")
        self.says(again, "handed off before, with the same content")
        self.assertEqual(first.rows[0]["intelgraph_url"], again.rows[0]["intelgraph_url"])

    def test_a_blocked_search_that_is_run_again_is_one_handoff(self) -> None:
        gate = self.gate()
        gate.refusals = [BLOCKED, BLOCKED]
        place = self.behind(gate)
        for _ in range(2):
            self.assertEqual(self.own(self.run_one(place, "1.1")), {"blocked"})
        self.assertEqual(len(place.splunk.outbox), 1)
        self.assertEqual(self.own(self.run_one(place, "1.1")), {"sent"})
        self.assertEqual((len(place.handoffs()), place.splunk.outbox), (1, []))

    def test_what_waits_does_not_hammer_a_budget_that_blocks(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        for number in range(5):
            self.run_one(place, f"1.{number}")
        gate.closed = None
        gate.asked.clear()
        gate.refusals = [None, BLOCKED]  # the search's own goes through, what waits does not
        result = self.run_one(place, "2.1")
        self.says(result, r"outbox: 0 of 5 waiting hand-offs went out; the rest is not tried for (900|899) s, because")
        self.assertEqual(gate.refused, 1)
        for number in range(3):
            result = self.run_one(place, f"3.{number}")
            self.says(result, "the rest is not tried for")
        self.assertEqual(gate.refused, 1, "no other search has asked for what waits")
        self.assertEqual(len(place.splunk.outbox), 5)
        held = list((place.splunk.home / "var/lib/splunk/intelgraph/outbox/held").iterdir())
        self.assertEqual([each.stat().st_mode & 0o777 for each in held], [0o600])
        held[0].write_text(f'{{"until_us":{int(time.time() * 1e6) - 1},"why":"over"}}')
        self.says(self.run_one(place, "4.1"), "outbox: 5 of 5 waiting hand-offs went out")
        self.assertEqual(place.splunk.outbox, [])

    def test_a_refusal_that_names_no_budget_waits_as_any_other(self) -> None:
        gate = self.gate()
        gate.closed = Refusal(402, bare=True)
        place = self.behind(gate)
        result = self.run_one(place, "1.1")
        self.assertEqual(self.own(result), {"queued"})
        self.says(result, "not handed off yet: IntelGraph answered 402. It waits in the outbox")
        self.assertNotIn("decision", place.splunk.audit[0])

    # Throttled

    def test_what_is_throttled_waits_its_turn_and_goes_out(self) -> None:
        gate = self.gate()
        gate.refusals = [Refusal(429, 1), Refusal(429, 2, decision="dec_2")]
        place = self.behind(gate)
        started = time.monotonic()
        result = self.run_one(place, "1.1")
        self.assertGreaterEqual(time.monotonic() - started, 3)
        self.assertEqual(self.own(result), {"sent"})
        self.says(result, 'IntelGraph: waited 3 s, because the budget "Hand-offs a day" lets hand-offs through slowly')
        self.assertEqual(gate.complaints, [])
        self.assertEqual(gate.asked[-1], "POST /v1/handoffs 201")
        (line,) = place.splunk.audit
        want = {"result": "sent", "verdict": "throttled", "decision": "dec_2", "waited_ms": 3000}
        self.assertEqual({name: line.get(name) for name in want}, want)
        self.assertGreaterEqual(line["latency_ms"], 3000)
        self.assertNotIn("error", line)

    def test_what_would_wait_longer_than_allowed_goes_into_the_outbox_at_once(self) -> None:
        gate = self.gate()
        gate.closed = Refusal(429, 16)
        place = self.behind(gate)
        started = time.monotonic()
        result = self.run_one(place, "1.1")
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(self.own(result), {"queued"})
        self.says(result, r"not handed off yet, because the budget .* slowly \(100 of 100 used; the next in 16 s; "
                          r"ask finance@corp.example\): it waits in the outbox")
        self.assertEqual(gate.asked, ["POST /v1/handoffs 429"])
        (line,) = place.splunk.audit
        self.assertEqual((line["result"], line["error"], line["decision"]), ("queued", "throttled", "dec_1"))

    def test_waiting_for_ever_shorter_turns_ends_too(self) -> None:
        gate = self.gate()
        gate.closed = Refusal(429, 0, bare=True)
        place = self.behind(gate)
        conf = place.splunk.app / "local/intelgraph.conf"
        conf.write_text(conf.read_text("utf-8") + "\n[handoff]\nthrottle_wait_ms = 2500\n", "utf-8")
        result = self.run_one(place, "1.1")
        self.assertEqual(self.own(result), {"queued"})
        self.says(result, "because IntelGraph lets hand-offs through slowly: it waits in the outbox")
        self.assertEqual(gate.refused, 3, "at once, after a second, after two")

    def test_what_waits_in_the_outbox_is_not_waited_for(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        self.run_one(place, "1.1")
        gate.closed = None
        gate.refusals = [None, Refusal(429, 5)]
        started = time.monotonic()
        result = self.run_one(place, "1.2")
        self.assertLess(time.monotonic() - started, 4)
        self.says(result, "outbox: 0 of 1 waiting hand-offs went out; the rest is not tried for [45] s")
        self.assertEqual(gate.complaints, [])

    def test_a_large_handoff_waits_for_its_commit_without_sending_its_parts_again(self) -> None:
        gate = self.gate()
        gate.at = "POST /commit"
        gate.refusals = [Refusal(429, 1)]
        place = self.behind(gate)
        result = place.search("ighandoff maxentities=100000", self.many(), sid="1.1")
        self.done(result)
        self.says(result, "handed off")
        parts = [each for each in gate.asked if each.startswith("PUT")]
        self.assertGreater(len(parts), 1)
        self.assertEqual(len(parts), len(set(parts)), "each part once")
        self.assertEqual([each.split()[-1] for each in gate.asked if "commit" in each], ["429", "201"])

    def test_a_large_handoff_that_is_blocked_at_its_opening_sends_no_part(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        result = place.search("ighandoff maxentities=100000", self.many(), sid="1.1")
        self.done(result)
        self.says(result, SENTENCE)
        self.assertEqual(gate.asked, ["POST /v1/handoffs 402"])

    # Odd refusals

    def test_hostile_names_stay_words_of_one_sentence(self) -> None:
        gate = self.gate()
        gate.closed = Refusal(402, name='x"\n\x1b[31mERROR \u202e' + "\u00fc" * 500, contact="\r\n" + "c" * 999)
        place = self.behind(gate)
        result = self.run_one(place, "1.1")
        self.assertEqual(self.own(result), {"blocked"})
        (text,) = [each for each in result.texts() if "not handed off" in each]
        self.assertNotRegex(text, r"[\x00-\x1f]")
        self.assertTrue(text.endswith("once the budget allows."), text)


class BudgetAlertActionTest(AlertEndToEnd, GateCase):
    """The alert action says the same, and its exit status that a budget is in the way."""

    def test_what_is_blocked_waits_and_has_an_exit_status_of_its_own(self) -> None:
        gate = self.gate()
        gate.closed = BLOCKED
        place = self.behind(gate)
        outcome = self.run_one(place, visits(5))
        self.assertEqual(outcome.code, BUDGET, outcome.log)
        self.assertRegex(outcome.texts("WARN")[-1], SENTENCE)
        self.assertEqual(self.modalert_log(place)[-1]["action_status"], "failure")
        self.assertEqual((len(place.splunk.outbox), place.handoffs()), (1, []))
        self.assertEqual(place.splunk.audit[-1]["decision"], "dec_blocked")
        gate.closed = None
        self.assertEqual(self.run_one(place, visits(6), sid="scheduler__mara__search__1").code, DONE)
        self.assertEqual((place.splunk.outbox, len(place.handoffs())), ([], 2))

    def test_what_is_throttled_waits_its_turn(self) -> None:
        gate = self.gate()
        gate.refusals = [Refusal(429, 1)]
        place = self.behind(gate)
        self.assertEqual(self.run_one(place, visits(5)).code, DONE)
        self.assertEqual((gate.complaints, len(place.handoffs())), ([], 1))
        gate.closed = Refusal(429, 3600)
        outcome = self.run_one(place, visits(6), sid="scheduler__mara__search__2")
        self.assertEqual(outcome.code, BUDGET, outcome.log)
        said = "not handed off yet, because the budget .* lets hand-offs through slowly"
        self.assertRegex(outcome.texts("WARN")[-1], said)
