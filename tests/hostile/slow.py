"""Clients that hold on to what they get: each is one connection, moved a little at a time."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable

STEP_S = 0.5

SLOW_HEADERS = b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-A: "
SLOW_BODY = b"POST /v1/session HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n"
SLOW_READ = b"GET /openapi.yaml HTTP/1.1\r\nHost: h\r\n\r\n" * 400
SILENT = b""


class Holder:
    """One such connection; `ended_s` is how long it was let."""

    def __init__(
        self, port: int, first: bytes, drip: bytes, source: str = "127.0.0.2", greedy: bool = True
    ) -> None:
        self.link = socket.socket()
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.link.bind((source, 0))
        self.link.settimeout(2)
        self.link.connect(("127.0.0.1", port))
        self.link.setblocking(False)
        self.started = time.monotonic()
        self.ended_s = 0.0
        self.got = b""
        self._drip = drip
        self._greedy = greedy
        with contextlib.suppress(OSError):
            self.link.send(first)

    def step(self) -> None:
        """Sends its drip; notes when the other side has ended it."""
        if self.ended_s:
            return
        try:
            if self._drip:
                self.link.send(self._drip)
            piece = self.link.recv(4096 if self._greedy else 1)
            self.got += piece
            ended = not piece
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self.ended_s = time.monotonic() - self.started
            self.link.close()


def hold(holders: Iterable[Holder], longest_s: float) -> None:
    """Keeps them all moving until they are ended or the time is over."""
    everyone = list(holders)
    until = time.monotonic() + longest_s
    while time.monotonic() < until and not all(each.ended_s for each in everyone):
        for each in everyone:
            each.step()
        time.sleep(STEP_S)
    for each in everyone:
        each.link.close()
