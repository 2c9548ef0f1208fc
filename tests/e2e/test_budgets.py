"""Budgets, end to end: a crossing reaches its recipient once and soon, overrides end by themselves, and a budget
can go while somebody holds a part of it."""

from __future__ import annotations

import json
import queue
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .harness import Answer, EndToEnd, Service, request
from .notices import Hooks, ask

if TYPE_CHECKING:
    from collections.abc import Callable

SOON_S = 15.0
QUIET_S = 5.0
METER = "inference.tokens"


def moment(ahead: timedelta = timedelta()) -> str:
    return (datetime.now(timezone.utc) + ahead).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class BudgetsTest(EndToEnd):
    def serve(self, *options: str) -> Service:
        self.served = self.own_service()
        self.served.options = list(options)
        self.served.start()
        self.admin = self.served.token("acme", "admin", name="mara")
        self.meter = self.served.token("acme", "meter", name="gateway")
        return self.served

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer: Answer = ask(self.served, self.admin, method, path, body)
        self.assertEqual(answer.status, status, answer.text)
        return answer.json

    def use(self, id_: str, quantity: int) -> None:
        data = {"meter": METER, "quantity": str(quantity)}
        head = {"specversion": "1.0", "type": "io.intelgraph.usage.use", "source": "/gw", "id": id_}
        body = json.dumps([{**head, "time": moment(), "data": data}]).encode()
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        answer = request(self.served.url + "v1/events", "POST", self.meter, body, kind)
        self.assertEqual((answer.status, answer.json["accepted"]), (200, 1), answer.text)

    def budget(self, name: str, **more: Any) -> Any:
        what = {"basis": "quantity", "meters": [METER], "limit": "1000", "period": "month"}
        base = {"name": name, **what, "mode": "block", "contact": "finance@corp.example"}
        return self.ask("POST", "v1/budgets", {**base, **more}, 201)

    def wait(self, what: Callable[[], bool], why: str) -> None:
        deadline = time.monotonic() + SOON_S
        while not what():
            self.assertLess(time.monotonic(), deadline, (why, self.served.said()[-1500:]))
            time.sleep(0.1)

    def test_a_crossing_is_told_once_and_soon_over_a_restart(self) -> None:
        hooks = Hooks()
        self.addCleanup(hooks.close)
        options = ("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.1/32")
        self.serve(*options)
        to = f"http://127.0.0.1:{hooks.port}/ok"
        hook = {"kind": "webhook", "to": to, "name": "finance"}
        recipient = self.ask("POST", "v1/recipients", hook, 201)
        ladder = [{"kind": "percent", "value": "80"}]
        budget = self.budget("Told", thresholds=ladder, recipients=[recipient["id"]])
        self.use("a", 799)
        began = time.monotonic()
        self.use("b", 1)
        call = hooks.next("/ok")
        self.assertLess(time.monotonic() - began, SOON_S)
        told = json.loads(call.body)
        self.assertEqual(told["type"], "budget.threshold.crossed")
        self.assertEqual(told["data"]["budget"], budget["id"])
        self.assertEqual(told["data"]["direction"], "up")
        self.assertEqual(told["data"]["threshold"], ladder[0])
        self.assertEqual(told["data"]["state"]["used"], "800")

        self.served.stop()  # which hands the job's lease back: it goes on at once
        self.served.start()
        self.use("c", 50)
        with self.assertRaises(queue.Empty):
            hooks.calls.get(timeout=QUIET_S)
        state = self.ask("GET", f"v1/budgets/{budget['id']}")["state"]
        self.assertEqual((state["used"], state["crossed"]), ("850", ladder))

        # More room clears it: told once, too.
        more = self.ask("GET", f"v1/budgets/{budget['id']}")
        self.ask("PUT", f"v1/budgets/{budget['id']}", {**more, "limit": "2000"})
        told = json.loads(hooks.next("/ok").body)
        self.assertEqual(told["type"], "budget.threshold.cleared")
        kinds = [each["kind"] for each in self.history(budget)]
        self.assertEqual(kinds, ["cleared", "changed", "crossed", "created"])

    def history(self, budget: Any) -> list[Any]:
        entries: list[Any] = self.ask("GET", f"v1/budgets/{budget['id']}/history")["entries"]
        return entries

    def test_an_override_ends_by_itself_and_the_history_says_so(self) -> None:
        self.serve()
        budget = self.budget("Brief")
        self.use("a", 1000)
        check = {"action": "check", "meter": METER, "quantity": "1"}
        blocked = ask(self.served, self.admin, "POST", "v1/decisions", check)
        self.assertEqual(blocked.status, 402, blocked.text)
        body = {"kind": "amount", "amount": "10", "reason": "month end"}
        end = {"expires_at": moment(timedelta(seconds=4))}
        self.ask("POST", f"v1/budgets/{budget['id']}/overrides", {**body, **end}, 201)
        allowed = ask(self.served, self.admin, "POST", "v1/decisions", check)
        self.assertEqual(allowed.status, 200, allowed.text)
        time.sleep(4)
        self.wait(
            lambda: ask(self.served, self.admin, "POST", "v1/decisions", check).status == 402,
            "the override has not ended",
        )
        self.assertEqual(self.ask("GET", f"v1/budgets/{budget['id']}")["state"]["limit"], "1000")

    def test_a_budget_that_is_deleted_while_somebody_holds_a_part_of_it(self) -> None:
        self.serve()
        budget = self.budget("Gone")
        ask_for = {"action": "reserve", "meter": METER, "quantity": "900"}
        held = self.ask("POST", "v1/decisions", ask_for)
        again = ask(self.served, self.admin, "POST", "v1/decisions", ask_for)
        self.assertEqual(again.status, 402, again.text)
        self.ask("DELETE", f"v1/budgets/{budget['id']}?version=1")
        self.ask("POST", "v1/decisions", ask_for)
        settle = {"action": "settle", "reservation": held["reservation"], "quantity": "700"}
        self.ask("POST", "v1/decisions", settle)
        # What was used is counted, and a budget that comes later sees it.
        self.wait(
            lambda: self.ask("GET", f"v1/usage?meter={METER}")["total"]["quantity"] == "700",
            "the settlement is not counted",
        )
        self.assertEqual(self.budget("Next")["state"]["used"], "700")
        self.assertEqual(self.history(budget)[0]["kind"], "deleted")
