"""HTTP over TLS: requests are read strictly, answers written as splunkd writes them."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from .rest_call import Access, Call, Pairs, Reply, RestError, messages
from .users import Session

if TYPE_CHECKING:
    from .rest import Splunkd

BODY_MAX = 64 << 20


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, splunkd: Splunkd) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.splunkd = splunkd
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(splunkd.home / "etc" / "auth" / "server.pem")
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us, or goes away, is its own affair."""


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    server_version = "Splunkd"
    sys_version = ""
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """The access log is a list."""

    def _serve(self) -> None:
        splunkd = self.server.splunkd
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdigit() or int(length) > BODY_MAX:
            self._write(messages(400, "ERROR", "Content-Length is needed"), True)
            return
        body = self.rfile.read(int(length))
        target = self.path
        try:
            call = self._read(target, body)
        except RestError as error:
            self._write(messages(error.status, error.level, str(error)), True)
            return
        reply = splunkd.answer(call)
        user = call.session.user if call.session else "-"
        splunkd.log.append(Access(call.method, target, user, reply.status))
        self._write(reply, call.argument("output_mode", "xml") == "json")

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _read(self, target: str, body: bytes) -> Call:
        path, _, query = target.partition("?")
        raw = [urllib.parse.unquote(part, errors="surrogateescape") for part in path.split("/")[1:]]
        owner, app, parts = "nobody", "search", raw
        if raw[:1] == ["services"]:
            parts = raw[1:]
        elif raw[:1] == ["servicesNS"] and len(raw) > 3:
            owner, app, parts = raw[1], raw[2], raw[3:]
        else:
            raise RestError(404, "Not Found")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        form: Pairs = []
        if kind == "application/x-www-form-urlencoded":
            try:
                form = urllib.parse.parse_qsl(
                    body.decode("utf-8"), keep_blank_values=True, errors="strict"
                )
            except UnicodeDecodeError:
                raise RestError(400, "the form is no UTF-8") from None
        return Call(
            method=self.command,
            owner=owner,
            app=app,
            parts=[part for part in parts if part],
            query=urllib.parse.parse_qsl(query, keep_blank_values=True),
            form=form,
            body=body,
            content_type=kind,
            headers=dict(self.headers.items()),
            session=self._session(),
            client=str(self.client_address[0]),
        )

    def _session(self) -> Session | None:
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        users = self.server.splunkd.users
        if scheme in ("Splunk", "Bearer"):
            return users.find(key.strip())
        if scheme == "Basic":
            try:
                user, _, password = base64.b64decode(key, validate=True).decode().partition(":")
            except ValueError:
                return None
            return users.login(user, password)
        return None

    def _write(self, reply: Reply, as_json: bool) -> None:
        kind, body = _body(reply.content, as_json)
        self.send_response(reply.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _body(content: Any, as_json: bool) -> tuple[str, bytes]:
    """Text goes out as it is; objects as JSON, or, unless that was asked for, as splunkd's XML."""
    if isinstance(content, str):
        return "text/plain; charset=UTF-8", content.encode("utf-8", "surrogateescape")
    atom = isinstance(content, dict) and ("entry" in content or "messages" in content)
    if as_json or not atom:
        text = json.dumps(content, ensure_ascii=True)
        return "application/json; charset=UTF-8", text.encode()
    if "entry" in content:
        names = [escape(each["name"]) for each in content["entry"]]
        titles = "".join(f"<entry><title>{name}</title></entry>" for name in names)
        xml = f"<feed>{titles}</feed>"
    else:
        told = [f'<msg type="{m["type"]}">{escape(m["text"])}</msg>' for m in content["messages"]]
        xml = f"<response><messages>{''.join(told)}</messages></response>"
    return "text/xml; charset=UTF-8", f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'.encode()
