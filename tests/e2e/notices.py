"""What the tests of notices share: a receiver of webhooks, and a service whose admin makes recipients."""

from __future__ import annotations

import json
import queue
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from verifiers.kit import webhook_verifier

from .harness import Answer, EndToEnd, Service, request

WAIT_S = 30.0


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: str


class Hooks:
    """A receiver of webhooks: /ok says 204, /503 says 503, /slow says nothing for long."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: queue.Queue[Call] = queue.Queue()
        self.says: dict[str, tuple[int, dict[str, str]]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.calls.put(Call(self.path, headers, body))
                if self.path == "/slow":
                    time.sleep(WAIT_S)
                    return
                status, more = outer.says.get(self.path, (204, {}))
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, path: str = "") -> Call:
        """The next call, to that path; those to others on the way are passed over."""
        deadline = time.monotonic() + WAIT_S
        while True:
            call = self.calls.get(timeout=max(0.1, deadline - time.monotonic()))
            if not path or call.path == path:
                return call

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def ask(service: Service, token: str, method: str, path: str, body: Any = None) -> Answer:
    raw = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"} if raw else {}
    return request(service.url + path, method, token, raw, headers)


class NoticesCase(EndToEnd):
    def serve(self, *options: str) -> Service:
        service: Service = self.own_service()
        service.options = list(options)
        service.start()
        self.served = service
        self.admin = service.token("acme", "admin")
        return service

    def hooks(self, tls: ssl.SSLContext | None = None) -> Hooks:
        hooks = Hooks(tls)
        self.addCleanup(hooks.close)
        return hooks

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Answer:
        return ask(self.served, token or self.admin, method, path, body)

    def recipient(self, to: str, kind: str = "webhook") -> Any:
        answer = self.ask("POST", "v1/recipients", {"kind": kind, "to": to, "name": "somebody"})
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json

    def tell(self, recipient: Any) -> str:
        answer = self.ask("POST", f"v1/recipients/{recipient['id']}/test")
        self.assertEqual(answer.status, 200, answer.text)
        return str(answer.json["message"])

    def delivery(self, recipient: Any, state: str, attempts: int = 0) -> Any:
        """The recipient's newest, when it has come to that state."""
        deadline = time.monotonic() + WAIT_S
        while True:
            all = self.ask("GET", "v1/deliveries").json["deliveries"]
            mine = [each for each in all if each["recipient"] == recipient["id"]]
            if mine and mine[0]["state"] == state and mine[0]["attempts"] >= attempts:
                return mine[0]
            self.assertLess(time.monotonic(), deadline, (mine, self.served.said()[-1500:]))
            time.sleep(0.05)

    def verify(self, secret: str, call: Call) -> tuple[int, str]:
        """What a library that is not ours says of it."""
        tool = webhook_verifier()
        if tool.missing:
            self.skipTest(tool.missing)
        given = {"secret": secret, "headers": call.headers, "body": call.body}
        done = subprocess.run(
            [str(word) for word in tool.words], input=json.dumps(given), text=True,
            capture_output=True, timeout=60, check=False,
        )
        return done.returncode, done.stdout.strip()
