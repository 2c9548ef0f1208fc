"""Slow clients are cut at their deadline, greedy ones at their share; the others do not notice."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from e2e.harness import Service

from .slow import SILENT, SLOW_BODY, SLOW_HEADERS, SLOW_READ, Holder, hold
from .test_bombs import GIB, GROWTH_MOST, zeros
from .watch import Neighbour, resident

DEADLINE_S = 10.0  # service/main/main_serve.c
LATE_S = 2.5
BYTES_PER_S = 16 * 1024  # a reply has another second for each (service/web/web_exchange.c)
REPLY = Path(__file__).resolve().parents[2] / "docs/api/openapi.yaml"  # what SLOW_READ asks for
SHARE = 128


class SlowTest(TestCase):
    service: Service

    @classmethod
    def setUpClass(cls) -> None:
        folder = TemporaryDirectory(prefix="ig-slow-")
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(Path(folder.name) / "data")
        cls.service.start()
        cls.addClassCleanup(cls.service.stop)

    def metric(self, name: str) -> int:
        return int(re.search(rf"^{name} (\d+)", self.service.get("metrics").text, re.MULTILINE)[1])

    def test_each_kind_is_cut_at_its_deadline(self) -> None:
        cut = self.metric("intelgraphd_connections_cut_total")
        port = self.service.port
        kinds = {
            "headers a byte at a time": Holder(port, SLOW_HEADERS, b"a"),
            "a body a byte at a time": Holder(port, SLOW_BODY, b" "),
            "a request line without an end": Holder(port, b"GET /", b"a"),
            "nothing at all": Holder(port, SILENT, b""),
        }
        # Its end lies behind what is in the system's buffers: only the service's count tells of it.
        reader = Holder(port, SLOW_READ, b"", greedy=False)
        reading_s = REPLY.stat().st_size / BYTES_PER_S
        hold([*kinds.values(), reader], DEADLINE_S + LATE_S + reading_s)
        for name, holder in kinds.items():
            with self.subTest(name):
                self.assertGreater(holder.ended_s, DEADLINE_S - 1)
                self.assertLess(holder.ended_s, DEADLINE_S + LATE_S)
        self.assertGreaterEqual(self.metric("intelgraphd_connections_cut_total") - cut, len(kinds) + 1)

    def test_one_address_gets_its_share_and_another_one_still_its_own(self) -> None:
        links = []
        for _ in range(SHARE + 40):
            link = socket.create_connection(
                ("127.0.0.1", self.service.port), 2, source_address=("127.0.0.3", 0)
            )
            self.addCleanup(link.close)
            links.append(link)
        closed: set[socket.socket] = set()
        until = time.monotonic() + 5
        while len(closed) < 40 and time.monotonic() < until:
            closed |= {link for link in links if link not in closed and self.is_closed(link)}
        self.assertEqual(len(closed), 40)
        self.assertEqual(self.service.get("healthz").status, 200)
        self.assertGreaterEqual(self.metric("intelgraphd_connections_refused_total"), 40)

    @staticmethod
    def is_closed(link: socket.socket) -> bool:
        link.settimeout(0.001)
        try:
            return link.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def test_neighbours_are_served_and_memory_is_kept_while_all_attack_at_once(self) -> None:
        neighbour = Neighbour(self.service, "neighbour")
        neighbour.run(0.5)
        before = resident(self.service)
        over = threading.Event()
        holders = [
            Holder(self.service.port, first, drip, source=f"127.0.0.{10 + n % 6}")
            for n in range(600)
            for first, drip in [((SLOW_HEADERS, b"a"), (SLOW_BODY, b" "), (SLOW_READ, b""))[n % 3]]
        ]
        attack = threading.Thread(target=hold, args=(holders, 5.0))
        bombs = threading.Thread(target=self.throw, args=(over,))
        attack.start()
        bombs.start()
        neighbour.run(5.0)
        growth = resident(self.service) - before
        over.set()
        attack.join()
        bombs.join()
        self.assertEqual(neighbour.troubles, [])
        self.assertGreater(len(neighbour.seconds), 100)
        self.assertLess(growth, GROWTH_MOST)
        self.assertEqual(self.service.get("readyz").status, 200)

    def throw(self, over: threading.Event) -> None:
        """Bombs, one after the other."""
        body = b"".join(zeros(GIB))
        token = self.service.token("thrower")
        head = (
            f"POST /v1/handoffs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        while not over.is_set():
            with socket.socket() as link:
                link.bind(("127.0.0.20", 0))
                link.settimeout(2)
                try:
                    link.connect(("127.0.0.1", self.service.port))
                    link.sendall(head + body)
                    link.recv(4096)
                except OSError:
                    pass
