"""A gate before the real service that refuses hand-offs as a budget would, and asks nothing of it otherwise.

It is strict with who is refused: who comes again before the time that it was told is noted as a complaint.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EARLY_S = 0.02  # clocks of two processes


@dataclass
class Refusal:
    """One answer: 429 with retry_after_s, or 402."""

    status: int
    retry_after_s: int = 0
    name: str = "Hand-offs a day"
    contact: str = "finance@corp.example"
    decision: str = "dec_1"
    bare: bool = False  # without a body, as something that stands before the service answers

    def body(self) -> bytes:
        if self.bare:
            return b"<html>Too Many Requests</html>"
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": "Payment Required" if self.status == 402 else "Too Many Requests",
            "status": self.status,
            "detail": "the budget does not allow this hand-off",
            "budget": "bdg_0123456789abcdefghijkl",
            "budget_name": self.name,
            "used": "100",
            "reserved": "0",
            "limit": "100",
            "resets_at": "2999-01-01T00:00:00Z",
            "contact": self.contact,
            "decision": self.decision,
            "retry_after_s": self.retry_after_s,
        }
        return json.dumps(members).encode()

    def headers(self) -> dict[str, str]:
        kind = "text/html" if self.bare else "application/problem+json"
        found = {"Content-Type": kind}
        if self.retry_after_s:
            found["Retry-After"] = str(self.retry_after_s)
        if self.status == 429:
            found["RateLimit-Policy"] = '"handoffs";q=1;w=60'
            found["RateLimit"] = f'"handoffs";r=0;t={self.retry_after_s}'
        return found


@dataclass
class Gate:
    """`refusals` are given to hand-offs in this order; `closed` to all of them."""

    port: int  # of the service behind it
    refusals: list[Refusal | None] = field(default_factory=list)
    closed: Refusal | None = None
    at: str = "POST /v1/handoffs"  # what is refused: method and path's end
    answers: dict[str, Any] = field(default_factory=dict)  # to GET of a path: JSON, or a status
    asked: list[str] = field(default_factory=list)  # "POST /v1/handoffs 402"
    complaints: list[str] = field(default_factory=list)
    _not_before: float = 0.0

    def __enter__(self) -> Gate:
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _pass(self) -> None:
                gate.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = _pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *about: Any) -> None:
                """Who has read enough hangs up."""
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(*about)

        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def refused(self) -> int:
        return sum(not each.rsplit(" ", 1)[1].startswith("2") for each in self.asked)

    def _judge(self, line: str) -> Refusal | None:
        method, _, end = self.at.partition(" ")
        if not (line.startswith(method + " ") and line.endswith(end)):
            return None
        now = time.monotonic()
        if now < self._not_before - EARLY_S:
            self.complaints.append(f"{line}: {self._not_before - now:.2f} s early")
        refusal = self.closed or (self.refusals.pop(0) if self.refusals else None)
        if refusal and refusal.status == 429:
            self._not_before = now + refusal.retry_after_s
        return refusal

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        line = f"{handler.command} {handler.path}"
        with self._lock:
            refusal = self._judge(line)
        known = self.answers.get(handler.path.partition("?")[0]) if line[:4] == "GET " else None
        if callable(known):
            known = known(handler.path.partition("?")[2])
        if known is not None:
            status = known if isinstance(known, int) else 200
            headers = {"Content-Type": "application/json"}
            content = json.dumps({} if isinstance(known, int) else known).encode()
        elif refusal:
            status, headers, content = refusal.status, refusal.headers(), refusal.body()
        else:
            status, headers, content = self._ask(handler, body)
        with self._lock:
            self.asked.append(f"{line} {status}")
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _ask(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        far = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            name: value
            for name, value in handler.headers.items()
            if name.lower() not in ("host", "connection")
        }
        try:
            far.request(handler.command, handler.path, body or None, headers)
            reply = far.getresponse()
            kind = reply.getheader("Content-Type") or "application/octet-stream"
            return reply.status, {"Content-Type": kind}, reply.read()
        finally:
            far.close()
