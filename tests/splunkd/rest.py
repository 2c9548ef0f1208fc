"""A strict stand-in for splunkd's REST: TLS, sessions, capabilities, encodings, handlers of apps.

    with Splunkd(home) as splunkd:                 # home: a SPLUNK_HOME with apps installed
        splunkd.users.add("mara", {"user", "intelgraph_analyst"})
        key = splunkd.users.open("mara").key       # a session of hers
        splunkd.request("POST", "/servicesNS/nobody/intelgraph/intelgraph/token", key, form={...})

`run.py`-like programs outside Python reach it at `splunkd.url` with `Authorization: Splunk <key>`,
its authority being home/etc/auth/cacert.pem. What it does not know it answers with 404 as splunkd
does; what it cannot do as splunkd would goes to `splunkd.errors`, which a test asserts to be empty.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import threading
import traceback
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from .certs import DEFAULT_NAME, make_certificates
from .persist import Handler, PersistError, PersistPool, find_handlers
from .rest_call import Access, Call, Reply, RestError, entry, envelope, messages
from .rest_http import Server
from .users import Roles, Users

__all__ = ["Answer", "Call", "Reply", "RestError", "Splunkd", "entry", "envelope"]


@dataclass
class Answer:
    """What `Splunkd.request` got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "backslashreplace")


class Splunkd:
    """The server. Its parts are open to tests: users, passwords, collections, rows, log."""

    def __init__(
        self, home: Path, certificate_name: str = DEFAULT_NAME, alternatives: str = ""
    ) -> None:
        self.home = home
        self.users = Users(Roles(home))
        self.passwords: dict[tuple[str, str, str], str] = {}  # (app, realm, user) -> clear text
        self.collections: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
        self.rows: list[dict[str, Any]] = []  # what the base of a search finds
        self.jobs: dict[str, Any] = {}
        self.log: list[Access] = []
        self.errors: list[str] = []
        self.reloaded: list[str] = []
        self.kvstore_state = "ready"
        self.persist = PersistPool(home)
        self._lock = threading.RLock()
        auth = home / "etc" / "auth"
        if not (auth / "server.pem").is_file():
            make_certificates(auth, certificate_name, alternatives)
        self._server = Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.home / "etc" / "auth" / "cacert.pem"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[int]:
        """Ends the server and the handlers' processes; their exit codes."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        return self.persist.close()

    def __enter__(self) -> Splunkd:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def store_password(self, realm: str, user: str, secret: str, app: str = "intelgraph") -> None:
        """What the settings page does by storage/passwords."""
        self.passwords[(app, realm, user)] = secret

    def client_context(self) -> ssl.SSLContext:
        """Trusts this server's authority; its certificate's name is no host's."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.check_hostname = False
        return context

    def request(
        self,
        method: str,
        path: str,
        key: str = "",
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request as a program on this machine makes it; `path` may hold a query."""
        sent = dict(headers or {})
        if key:
            sent.setdefault("Authorization", f"Splunk {key}")
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=120, context=self.client_context()
        )
        try:
            connection.request(method, path, body, sent)
            reply = connection.getresponse()
            names = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, names, reply.read())
        finally:
            connection.close()

    # Requests

    def answer(self, call: Call) -> Reply:
        """The reply to one request; every refusal in splunkd's shape."""
        try:
            return self._route(call)
        except RestError as error:
            return messages(error.status, error.level, str(error))
        except Exception:
            self.errors.append(traceback.format_exc())
            return messages(500, "ERROR", "Internal error of the stand-in")

    def _route(self, call: Call) -> Reply:
        from . import rest_about, rest_conf, rest_search, rest_store

        if call.path == "/auth/login":
            return rest_about.login(self, call)
        for handler in find_handlers(self.home):
            if call.path == handler.match or call.path.startswith(handler.match + "/"):
                return self._hand_over(handler, call)
        if call.session is None:
            raise RestError(401, "call not properly authenticated", "WARN")
        for pattern, route in rest_search.ROUTES:
            if re.fullmatch(pattern, call.path):
                return route(self, call)  # without the lock: the command calls back
        for pattern, route in [*rest_about.ROUTES, *rest_conf.ROUTES, *rest_store.ROUTES]:
            if re.fullmatch(pattern, call.path, re.DOTALL):
                with self._lock:
                    return route(self, call)
        raise RestError(404, "Not Found")

    def require(self, call: Call, *capabilities: str) -> None:
        """403 unless the caller has one of these."""
        assert call.session
        held = self.users.capabilities_of(call.session.user)
        if not held.intersection(capabilities):
            raise RestError(
                403,
                f"You (user={call.session.user}) do not have permission to perform this operation "
                f"(requires capability: {' OR '.join(capabilities)}).",
            )

    def _hand_over(self, handler: Handler, call: Call) -> Reply:
        if call.session is None and handler.flag("requireAuthentication", True):
            raise RestError(401, "call not properly authenticated", "WARN")
        if capability := handler.capability(call.method):
            self.require(call, capability)
        try:
            reply = self.persist.handle(handler, self.persist_request(handler, call))
        except PersistError as error:
            return messages(500, "ERROR", f"Unexpected error from the handler: {error}")
        status, payload = reply.get("status"), reply.get("payload", "")
        if not isinstance(status, int) or not 200 <= status <= 599:
            self.errors.append(f"a handler's reply without a status: {reply}")
            return messages(500, "ERROR", "the handler's reply has no status")
        headers = reply.get("headers", {})
        return Reply(status, payload, dict(headers))

    def persist_request(self, handler: Handler, call: Call) -> dict[str, Any]:
        """The JSON that a handler reads: what its stanza asks for, and the caller splunkd knows."""
        rest_path = call.path
        request: dict[str, Any] = {
            "output_mode": call.argument("output_mode", "xml"),
            "output_mode_explicit": bool(call.argument("output_mode")),
            "server": {
                "rest_uri": self.url,
                "hostname": "search-head-1",
                "servername": "search-head-1",
                "guid": "00000000-0000-4000-8000-000000000001",
            },
            "restmap": {"name": handler.name, "conf": dict(handler.conf)},
            "query": [list(pair) for pair in call.query],
            "connection": {"src_ip": call.client, "ssl": True, "listening_port": self.port},
            "rest_path": rest_path,
            "path_info": rest_path[len(handler.match) :].lstrip("/"),
            "lang": "en-US",
            "method": call.method,
            "ns": {"app": call.app, "user": call.owner},
        }
        if not handler.flag("passConf", True):
            del request["restmap"]["conf"]
        if call.form:
            request["form"] = [list(pair) for pair in call.form]
        payload = handler.conf.get("passPayload", "")
        if payload == "base64":
            request["payload_base64"] = base64.b64encode(call.body).decode()
        elif payload and handler.flag("passPayload", False):
            request["payload"] = call.body.decode("utf-8", "replace")
        if handler.flag("passHttpHeaders", False):
            request["headers"] = [list(pair) for pair in call.headers.items()]
        if call.session and handler.flag("passSession", True):
            session = call.session
            request["session"] = {
                "user": session.user,
                "authtoken": session.key,
                "tz": "",
                "search_id": session.sid,
            }
        if handler.flag("passSystemAuth", False):
            request["system_authtoken"] = self.users.system_key
        return request
