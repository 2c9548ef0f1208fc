"""Budgets of two services on one server: each crossing is told once, whichever of them lives."""

from __future__ import annotations

import json
import queue
import signal
import time
import unittest
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from e2e.harness import STORE, request
from e2e.notices import Hooks, ask

from . import test_replicas

if TYPE_CHECKING:
    from e2e.harness import Service

QUIET_S = 4.0
LEASE_S = 15.0  # until another service takes over what a killed one did


@unittest.skipUnless(STORE, "needs a server: tests/postgresql/run")
class BudgetReplicasTest(unittest.TestCase):
    """As ReplicasTest makes them, with a way out for webhooks."""

    replica = test_replicas.ReplicasTest.replica

    def setUp(self) -> None:
        self.hooks = Hooks()
        self.addCleanup(self.hooks.close)
        test_replicas.ReplicasTest.setUp(self)  # type: ignore[arg-type]
        for service in (self.one, self.two):
            service.stop()
            service.options = ["--outbound-ports", str(self.hooks.port)]
            service.options += ["--outbound-allow", "127.0.0.1/32"]
            service.start()

    def ask(self, service: Service, method: str, path: str, body: Any, status: int) -> Any:
        answer = ask(service, self.token, method, path, body)
        self.assertEqual(answer.status, status, answer.text)
        return answer.json

    def use(self, service: Service, id_: str, quantity: int) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        data = {"meter": "inference.tokens", "quantity": str(quantity)}
        head = {"specversion": "1.0", "type": "io.intelgraph.usage.use", "source": "/gw", "id": id_}
        body = json.dumps([{**head, "time": now, "data": data}]).encode()
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        answer = request(service.url + "v1/events", "POST", self.token, body, kind)
        self.assertEqual(answer.status, 200, answer.text)

    def told(self) -> str:
        """The threshold of the one notice that comes; a second one would be one too many."""
        call = json.loads(self.hooks.next("/ok").body)
        with self.assertRaises(queue.Empty):
            self.hooks.calls.get(timeout=QUIET_S)
        return f"{call['type']} {call['data']['threshold']['value']}"

    def test_each_crossing_is_told_once_and_one_goes_on_for_the_other(self) -> None:
        to = f"http://127.0.0.1:{self.hooks.port}/ok"
        hook = {"kind": "webhook", "to": to, "name": "finance"}
        recipient = self.ask(self.one, "POST", "v1/recipients", hook, 201)
        ladder = [{"kind": "percent", "value": str(value)} for value in (50, 80, 100)]
        what = {"basis": "quantity", "meters": ["inference.tokens"], "limit": "1000"}
        more = {"period": "month", "mode": "notify", "contact": "x", "thresholds": ladder}
        recipients = {"recipients": [recipient["id"]]}
        made = self.ask(
            self.two, "POST", "v1/budgets", {"name": "Shared", **what, **more, **recipients}, 201
        )
        self.use(self.one, "a", 500)
        self.assertEqual(self.told(), "budget.threshold.crossed 50")
        self.use(self.two, "b", 300)
        self.assertEqual(self.told(), "budget.threshold.crossed 80")
        # Whichever of them watched: the other goes on.
        self.one.stop(signal.SIGKILL)
        self.use(self.two, "c", 200)
        began = time.monotonic()
        self.assertEqual(self.told(), "budget.threshold.crossed 100")
        self.assertLess(time.monotonic() - began, 2 * LEASE_S + QUIET_S)
        self.one.start()
        with self.assertRaises(queue.Empty):
            self.hooks.calls.get(timeout=QUIET_S)
        for service in (self.one, self.two):
            state = self.ask(service, "GET", f"v1/budgets/{made['id']}", None, 200)["state"]
            self.assertEqual((state["used"], state["crossed"]), ("1000", ladder))
