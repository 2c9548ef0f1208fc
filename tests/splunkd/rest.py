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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.sax.saxutils import escape

from .certs import DEFAULT_NAME, make_certificates
from .persist import Handler, PersistError, PersistPool, find_handlers
from .users import SYSTEM_USER, Roles, Session, Users

BODY_MAX = 64 << 20
Pairs = list[tuple[str, str]]


class RestError(Exception):
    """An answer other than success, in splunkd's shape."""

    def __init__(self, status: int, text: str, level: str = "ERROR") -> None:
        super().__init__(text)
        self.status = status
        self.level = level


@dataclass
class Call:
    """One request, its path taken apart."""

    method: str
    owner: str
    app: str
    parts: list[str]  # percent-decoded, after services/ or servicesNS/<owner>/<app>/
    query: Pairs
    form: Pairs
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    session: Session | None
    client: str

    def argument(self, name: str, default: str = "") -> str:
        """Of the form or the query, as splunkd takes them alike; the last one counts."""
        found = [value for key, value in [*self.query, *self.form] if key == name]
        return found[-1] if found else default

    def arguments(self) -> dict[str, str]:
        """What a POST says, without what concerns the answer's form."""
        own = {"output_mode", "count", "offset", "f"}
        return {key: value for key, value in [*self.query, *self.form] if key not in own}

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)


@dataclass
class Reply:
    """A status and either an object for JSON, or text."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """A line of splunkd_access.log."""

    method: str
    path: str
    user: str
    status: int


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


Route = Callable[["Splunkd", Call], Reply]


def entry(call: Call, name: str, content: Mapping[str, Any], app: str = "") -> dict[str, Any]:
    """One element of `entry`."""
    return {
        "name": name,
        "id": "https://127.0.0.1:8089" + urllib.parse.quote(call.path),
        "author": "nobody",
        "acl": {
            "app": app or call.app,
            "owner": "nobody",
            "sharing": "app",
            "can_write": True,
            "modifiable": True,
            "perms": {"read": ["*"], "write": ["admin", "sc_admin"]},
        },
        "content": {"eai:acl": None, **content},
    }


def envelope(call: Call, entries: list[dict[str, Any]], status: int = 200) -> Reply:
    """`entry`, cut to the page asked for: 30 unless count says otherwise, 0 for all."""
    count, offset = int(call.argument("count", "30")), int(call.argument("offset", "0"))
    page = entries[offset : offset + count] if count else entries[offset:]
    wanted = {value for key, value in [*call.query, *call.form] if key == "f"}
    for each in page if wanted else []:  # f= names the members that content is to have
        own = {"eai:acl", *wanted}
        each["content"] = {key: each["content"][key] for key in each["content"] if key in own}
    content = {
        "links": {},
        "origin": "https://127.0.0.1:8089" + urllib.parse.quote(call.path),
        "updated": "2026-01-01T00:00:00+00:00",
        "generator": {"build": "stand-in", "version": "9.4.6"},
        "entry": page,
        "paging": {"total": len(entries), "perPage": count or 30, "offset": offset},
        "messages": [],
    }
    return Reply(status, content)


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
        self._server = _Server(self)
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
            return _messages(error.status, error.level, str(error))
        except Exception:
            self.errors.append(traceback.format_exc())
            return _messages(500, "ERROR", "Internal error of the stand-in")

    def _route(self, call: Call) -> Reply:
        from . import rest_conf, rest_search, rest_store

        if call.path == "/auth/login":
            return _login(self, call)
        for handler in find_handlers(self.home):
            if call.path == handler.match or call.path.startswith(handler.match + "/"):
                return self._hand_over(handler, call)
        if call.session is None:
            raise RestError(401, "call not properly authenticated", "WARN")
        for pattern, route in rest_search.ROUTES:
            if re.fullmatch(pattern, call.path):
                return route(self, call)  # without the lock: the command calls back
        for pattern, route in [*ROUTES, *rest_conf.ROUTES, *rest_store.ROUTES]:
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
            return _messages(500, "ERROR", f"Unexpected error from the handler: {error}")
        status, payload = reply.get("status"), reply.get("payload", "")
        if not isinstance(status, int) or not 200 <= status <= 599:
            self.errors.append(f"a handler's reply without a status: {reply}")
            return _messages(500, "ERROR", "the handler's reply has no status")
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


def _messages(status: int, level: str, text: str) -> Reply:
    return Reply(status, {"messages": [{"type": level, "text": text}]})


# Who asks, and what this server is


def _login(splunkd: Splunkd, call: Call) -> Reply:
    if call.method != "POST":
        raise RestError(405, "Method Not Allowed")
    session = splunkd.users.login(call.argument("username"), call.argument("password"))
    if session is None:
        raise RestError(401, "Login failed", "WARN")
    return Reply(200, {"sessionKey": session.key, "message": "", "code": ""})


def _current_context(splunkd: Splunkd, call: Call) -> Reply:
    assert call.session
    user = call.session.user
    content = {
        "capabilities": sorted(splunkd.users.capabilities_of(user)),
        "defaultApp": "launcher",
        "defaultAppIsUserOverride": False,
        "defaultAppSourceRole": "system",
        "email": "",
        "realname": "",
        "restart_background_jobs": True,
        "roles": sorted(splunkd.users.roles_of(user)),
        "type": "Splunk",
        "tz": "",
        "username": user,
    }
    if user == SYSTEM_USER:
        content["type"] = "System"
    return envelope(call, [entry(call, "context", content, "system")])


def _server_info(splunkd: Splunkd, call: Call) -> Reply:
    content = {
        "version": "9.4.6",
        "build": "stand-in",
        "guid": "00000000-0000-4000-8000-000000000001",
        "serverName": "search-head-1",
        "host": "search-head-1",
        "os_name": "Linux",
        "cpu_arch": "x86_64",
        "product_type": "enterprise",
        "instance_type": "",
        "kvStoreStatus": splunkd.kvstore_state,
        "server_roles": ["search_head", "kv_store"],
        "isFree": False,
        "isTrial": False,
        "licenseState": "OK",
        "mode": "normal",
    }
    return envelope(call, [entry(call, "server-info", content, "system")])


def _kvstore_status(splunkd: Splunkd, call: Call) -> Reply:
    """For administrators; others see `kvStoreStatus` of the server."""
    assert call.session
    if "admin_all_objects" not in splunkd.users.capabilities_of(call.session.user):
        raise RestError(403, "You (user=%s) do not have permission" % call.session.user)
    content = {"current": {"status": splunkd.kvstore_state, "port": 8191, "standalone": 1}}
    return envelope(call, [entry(call, "status", content, "system")])


ROUTES: list[tuple[str, Route]] = [
    (r"/kvstore/status", _kvstore_status),
    (r"/authentication/current-context(/context)?", _current_context),
    (r"/server/info(/server-info)?", _server_info),
]


# HTTP


class _Server(ThreadingHTTPServer):
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
    server: _Server
    server_version = "Splunkd"
    sys_version = ""
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """The access log is a list."""

    def _serve(self) -> None:
        splunkd = self.server.splunkd
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdigit() or int(length) > BODY_MAX:
            self._write(_messages(400, "ERROR", "Content-Length is needed"), True)
            return
        body = self.rfile.read(int(length))
        target = self.path
        try:
            call = self._read(target, body)
        except RestError as error:
            self._write(_messages(error.status, error.level, str(error)), True)
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
