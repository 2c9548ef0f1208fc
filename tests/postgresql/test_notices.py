"""Two services on one server, one outbox: each notice goes out, by one of them, also when that one is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import unittest
from pathlib import Path

from e2e.harness import STORE, Service, new_store
from e2e.notices import Hooks, ask

TENANT = "acme"
NOTICES = 20
PATIENCE_S = 60.0


@unittest.skipUnless(STORE, "needs a server: tests/postgresql/run")
class NoticeReplicasTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ig-notices-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.hooks = Hooks()
        self.addCleanup(self.hooks.close)
        self.store = new_store()
        self.one = self.replica("one")
        self.token = self.one.token(TENANT, "admin")
        self.two = self.replica("two")
        to = {"kind": "webhook", "to": f"http://127.0.0.1:{self.hooks.port}/ok", "name": "both"}
        self.recipient = ask(self.two, self.token, "POST", "v1/recipients", to).json["id"]

    def replica(self, name: str) -> Service:
        service = Service(self.folder / name, store=self.store)
        service.options = [
            *("--outbound-ports", str(self.hooks.port), "--outbound-allow", "127.0.0.1"),
        ]
        if name != "one":
            service.data.mkdir(0o700)
            for key in ("audit.key", "audit.vkey"):
                shutil.copy2(self.folder / "one" / key, service.data / key)
        service.start()
        self.addCleanup(service.stop)
        return service

    def tell(self, service: Service, count: int) -> set[str]:
        path = f"v1/recipients/{self.recipient}/test"
        return {
            str(ask(service, self.token, "POST", path).json["message"]) for _ in range(count)
        }

    def come(self, wanted: set[str]) -> list[str]:
        """The ids that came until all of the wanted had, and a moment longer."""
        got: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while not wanted <= set(got):
            self.assertLess(time.monotonic(), deadline, wanted - set(got))
            while not self.hooks.calls.empty():
                got.append(self.hooks.calls.get().headers["webhook-id"])
            time.sleep(0.05)
        time.sleep(1)
        while not self.hooks.calls.empty():
            got.append(self.hooks.calls.get().headers["webhook-id"])
        return got

    def test_each_notice_goes_out_by_one_of_two_services(self) -> None:
        wanted = self.tell(self.one, NOTICES // 2) | self.tell(self.two, NOTICES // 2)
        self.assertEqual(len(wanted), NOTICES)
        self.assertEqual(sorted(self.come(wanted)), sorted(wanted))

    def test_a_deliverer_that_stands_still_is_relieved_and_refused_when_it_wakes(self) -> None:
        self.assertEqual(len(self.come(self.tell(self.one, 1))), 1)
        child = self.one._child
        assert child
        os.kill(child.pid, signal.SIGSTOP)  # it holds the lease: it was there first
        try:
            wanted = self.tell(self.two, 3)
            self.assertEqual(sorted(self.come(wanted)), sorted(wanted))
        finally:
            os.kill(child.pid, signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE_S
        while "job.lost" not in self.one.said():
            self.assertLess(time.monotonic(), deadline, self.one.said()[-1500:])
            time.sleep(0.1)
        wanted = self.tell(self.one, 3)
        self.assertEqual(sorted(self.come(wanted)), sorted(wanted))


if __name__ == "__main__":
    unittest.main()
