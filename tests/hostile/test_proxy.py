"""The smuggling corpus through HAProxy: both see the same boundaries between requests."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from e2e.harness import Service, free_port

from .corpus import Case, cases
from .raw_http import Outcome, exchange

CONFIG = Path(__file__).resolve().parent / "haproxy.cfg"


class ProxyTest(TestCase):
    service: Service

    @classmethod
    def setUpClass(cls) -> None:
        if not shutil.which("haproxy"):
            return
        folder = TemporaryDirectory(prefix="ig-proxy-")
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(Path(folder.name) / "data")
        cls.service.start()
        cls.addClassCleanup(cls.service.stop)
        cls.port = free_port()
        config = Path(folder.name) / "haproxy.cfg"
        text = CONFIG.read_text("ascii")
        text = text.replace("{port}", str(cls.port)).replace("{service}", str(cls.service.port))
        config.write_text(text, "ascii")
        proxy = subprocess.Popen(
            ["haproxy", "-db", "-q", "-f", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(proxy.wait)
        cls.addClassCleanup(proxy.terminate)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("haproxy does not listen")

    def setUp(self) -> None:
        if not shutil.which("haproxy"):
            self.skipTest("haproxy is not installed")

    def seen(self) -> list[str]:
        """The routes of the requests that the service saw."""
        return re.findall(r"web\.request .*\broute=(\S+)", self.service.said())

    def send(self, case: Case) -> tuple[Outcome, int]:
        """What came back through the proxy, and how many requests reached the service."""
        before = len(self.seen())
        stream = case.stream(token="none")
        outcome = exchange(("127.0.0.1", self.port), stream, max(1, len(case.replies)), 3.5)
        return outcome, len(self.seen()) - before

    def test_what_is_whole_passes(self) -> None:
        (case,) = [each for each in cases("smuggling") if each.name.endswith("/pipelined")]
        outcome, reached = self.send(case)
        self.assertEqual((outcome.statuses, reached), ([200, 404, 200], 3))

    def test_no_smuggled_request_reaches_the_service_unseen(self) -> None:
        for case in cases("smuggling"):
            with self.subTest(case.name):
                outcome, reached = self.send(case)
                # A request that the proxy did not see would be one more here than replies there. The line of
                # the case before may come late, when its cut request ends: what is smuggled is so again.
                if reached > len(outcome.statuses):
                    time.sleep(1)
                    outcome, reached = self.send(case)
                self.assertLessEqual(reached, len(outcome.statuses), f"{case.why}: {outcome}")
                for status in outcome.statuses:
                    self.assertNotEqual(status, 500, f"{case.why}: {outcome}")
