"""Splunk Web as far as a view of type html meets it: sessions, CSRF, templates, static files, and
the proxy /<locale>/splunkd/__raw in front of splunkd. Strict: what the real one refuses is refused.
"""

from __future__ import annotations

import http.cookies
import json
import mimetypes
import re
import secrets
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree

from splunkd.conf import is_true, read_layers
from splunkd.meta import may
from splunkd.rest import Splunkd

from . import chrome
from .template import TemplateError, render

LOCALE = "/en-US"
RAW = f"{LOCALE}/splunkd/__raw"
# No eval and nothing from elsewhere. Inline scripts are what Splunk's own templates have.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Vary": "Cookie, Accept-Language",
}
# What web.conf of a fresh server exposes, as far as apps use it.
EXPOSED = [
    r"services/authentication/current-context",
    r"services/server/info",
    r"services(NS/[^/]+/[^/]+)?/apps/local(/[^/]+)?",
    r"services(NS/[^/]+/[^/]+)?/configs/conf-[^/]+(/[^/]+)?",
    r"services(NS/[^/]+/[^/]+)?/storage/passwords(/[^/]+)?",
    r"services(NS/[^/]+/[^/]+)?/storage/collections/.*",
    r"services(NS/[^/]+/[^/]+)?/search/(v2/)?jobs(/.*)?",
    r"services(NS/[^/]+/[^/]+)?/web-features/[^/]+",
]


class WebError(Exception):
    """An answer other than a page."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Fault:
    """The next `times` requests that fit are answered so, without splunkd."""

    method: str
    path: str
    status: int
    text: str
    times: int = 1


@dataclass
class Asked:
    """One request of the browser."""

    method: str
    target: str
    body: str
    status: int = 0


@dataclass
class Page:
    """What goes back."""

    status: int
    kind: str
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)


def _see_other(place: str) -> Page:
    return Page(303, "text/html; charset=utf-8", b"", [("Location", place)])


def _text(content: str, kind: str = "text/html", status: int = 200) -> Page:
    return Page(status, f"{kind}; charset=utf-8", content.encode())


def _messages(status: int, level: str, text: str) -> Page:
    content = json.dumps({"messages": [{"type": level, "text": text}]})
    return _text(content, "application/json", status)


class SplunkWeb:
    """The server. `asked`, `faults`, `theme` and `doctor` are open to tests."""

    def __init__(self, splunkd: Splunkd) -> None:
        self.splunkd = splunkd
        self.sessions: dict[str, tuple[str, str, str]] = {}  # cookie -> user, splunkd key, CSRF
        self.asked: list[Asked] = []
        self.errors: list[str] = []
        self.faults: list[Fault] = []
        self.theme = "light"
        self.doctor: list[dict[str, str]] | None = None  # rows in place of the real command's
        self.lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # Sessions

    def sign_in(self, user: str, password: str) -> list[tuple[str, str]] | None:
        """The cookies of a new session."""
        session = self.splunkd.users.login(user, password)
        if session is None:
            return None
        cookie, token = secrets.token_hex(16), str(secrets.randbits(63))
        self.sessions[cookie] = (user, session.key, token)
        port = self.port
        return [
            ("Set-Cookie", f"splunkd_{port}={cookie}; HttpOnly; Path=/; SameSite=Lax"),
            ("Set-Cookie", f"splunkweb_csrf_token_{port}={token}; Path=/; SameSite=Lax"),
        ]

    def session(self, cookies: dict[str, str]) -> tuple[str, str, str] | None:
        """Who asks, while splunkd still knows the session."""
        found = self.sessions.get(cookies.get(f"splunkd_{self.port}", ""))
        return found if found and self.splunkd.users.find(found[1]) else None

    # Pages

    def app_folder(self, app: str) -> Path:
        folder = self.splunkd.home / "etc" / "apps" / app
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", app) or not (folder / "default").is_dir():
            raise WebError(404, f'App "{app}" does not exist')
        return folder

    def view(self, user: str, app: str, view: str) -> Page:
        """/app/<app>/<view>; an app that is not configured leads to its setup view."""
        folder = self.app_folder(app)
        conf = read_layers(folder / "default/app.conf", folder / "local/app.conf")
        setup = conf.get("ui", {}).get("setup_view", "")
        if not is_true(conf.get("ui", {}).get("is_visible", ""), False):
            raise WebError(404, f'App "{app}" is not visible')
        if setup and view != setup and not is_true(conf["install"].get("is_configured", "")):
            return _see_other(f"{LOCALE}/app/{app}/{setup}")
        users = self.splunkd.users
        if not users.sees_all(user) and not may(
            folder, users.all_roles_of(user), "read", f"views/{view}", "views"
        ):
            raise WebError(404, f'View "{view}" does not exist in {app}')
        file = folder / "default/data/ui/views" / f"{view}.xml"
        if not re.fullmatch(r"[A-Za-z0-9_-]+", view) or not file.is_file():
            raise WebError(404, f'View "{view}" does not exist in {app}')
        root = ElementTree.fromstring(file.read_text("utf-8"))
        if root.tag != "view" or root.get("type") != "html" or not root.findtext("label"):
            raise WebError(404, f"{view} is no view of type html with a label")
        owner, _, path = root.get("template", "").partition(":/")
        template = self.app_folder(owner) / "appserver" / path
        if not re.fullmatch(r"templates/[a-z_]+\.html", path) or not template.is_file():
            raise WebError(500, f"the template of {view} does not exist: {owner}:/{path}")
        partials = {
            "/services/server/info": {"entry": [{"content": {"product_type": "enterprise"}}]}
        }
        return _text(render(template.read_text("utf-8"), self.make_url, partials))

    def make_url(self, path: str) -> str:
        """With locale, and static files with a cache buster, as Splunk Web makes them."""
        if path.startswith("/static/app/"):
            path = path.replace("/static/", f"/static/@{chrome.BUILD}:1/", 1)
        elif path.startswith("/static/"):
            path = path.replace("/static/", f"/static/@{chrome.BUILD}/", 1)
        return LOCALE + path

    def static(self, path: str) -> Page:
        """/static/...: of Splunk's own only what our pages ask for."""
        path = re.sub(r"^@[^/]+/", "", path)
        if path in ("build/api/layout.js", "build/api/layout-dark.js"):
            return _text(chrome.layout_js(path.endswith("-dark.js")), "text/javascript")
        if path == "build/api/get_theme.js":
            return _text(chrome.theme_js(self.theme), "text/javascript")
        if path == "js/i18n.js":
            return _text(chrome.I18N_JS + chrome.AMD_JS, "text/javascript")
        found = re.fullmatch(r"app/([^/]+)/(.+)", path)
        if not found:
            raise WebError(404, "no such static file")
        root = (self.app_folder(found[1]) / "appserver" / "static").resolve()
        file = (root / urllib.parse.unquote(found[2])).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise WebError(404, "no such static file")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Page(200, kind, file.read_bytes(), [("Cache-Control", "max-age=31536000")])

    # The proxy to splunkd

    def is_exposed(self, path: str) -> bool:
        patterns = list(EXPOSED)
        for app in sorted((self.splunkd.home / "etc" / "apps").iterdir()):
            for name, values in read_layers(
                app / "default/web.conf", app / "local/web.conf"
            ).items():
                if name.startswith("expose:"):
                    own = re.escape(values.get("pattern", "")).replace(r"\*", "[^/]+")
                    patterns.append(rf"services(NS/[^/]+/[^/]+)?/{own}")
        return any(re.fullmatch(pattern, path) for pattern in patterns)

    def raw(
        self, talk: _Talk, path: str, body: bytes, session: tuple[str, str, str] | None
    ) -> Page:
        """What __raw does with a request."""
        bare = path.partition("?")[0]
        if session is None:
            return _messages(401, "WARN", "call not properly authenticated")
        if talk.command != "GET":
            given = talk.headers.get("X-Splunk-Form-Key", "")
            if talk.headers.get("X-Requested-With") != "XMLHttpRequest" or given != session[2]:
                return _messages(401, "ERROR", "CSRF validation failed")
        if not self.is_exposed(bare):
            return _messages(404, "ERROR", "Not Found")
        for fault in self.faults:
            if fault.method == talk.command and re.search(fault.path, bare) and fault.times > 0:
                fault.times -= 1
                return _messages(fault.status, "ERROR", fault.text)
        if self.doctor is not None and bare.endswith("/search/jobs") and b"igdoctor" in body:
            return _text(json.dumps({"messages": [], "results": self.doctor}), "application/json")
        headers = {}
        if kind := talk.headers.get("Content-Type"):
            headers["Content-Type"] = kind
        reply = self.splunkd.request(talk.command, f"/{path}", session[1], None, body, headers)
        return Page(reply.status, reply.headers["content-type"], reply.body)

    # One request

    def answer(self, talk: _Talk, body: bytes) -> Page:
        """Routes; what needs a session leads to the sign-in page without one."""
        path, _, query = talk.path.partition("?")
        cookies = _cookies(talk.headers.get("Cookie", ""))
        session = self.session(cookies)
        if path == f"{LOCALE}/account/login":
            return self.login(talk.command, query, body)
        if path.startswith(RAW + "/"):
            return self.raw(talk, talk.path[len(RAW) + 1 :], body, session)
        if talk.command != "GET":
            raise WebError(405, "Method Not Allowed")
        if session is None and not path.startswith(f"{LOCALE}/static/"):
            back = urllib.parse.quote(talk.path, safe="")
            return _see_other(f"{LOCALE}/account/login?return_to={back}")
        return self.page(path, session[0] if session else "")

    def page(self, path: str, user: str) -> Page:
        if path == f"{LOCALE}/config":
            return _text(chrome.config_js(self.port, user, "1"), "text/javascript")
        if path == f"{LOCALE}/i18ncatalog":
            return _text("", "text/javascript")
        if path.startswith(f"{LOCALE}/static/"):
            return self.static(path[len(f"{LOCALE}/static/") :])
        if path in ("/", LOCALE, f"{LOCALE}/"):
            return _see_other(f"{LOCALE}/app/intelgraph/")
        if found := re.fullmatch(rf"{LOCALE}/app/([^/]+)(?:/([^/]*))?", path):
            return self.view(user, found[1], found[2] or "overview")
        raise WebError(404, "Page not found")

    def login(self, method: str, query: str, body: bytes) -> Page:
        form = dict(urllib.parse.parse_qsl(body.decode() if method == "POST" else query))
        back = form.get("return_to", "")
        if not re.match(rf"{LOCALE}/[^/\\]", back):
            back = f"{LOCALE}/"
        if method != "POST":
            return _text(chrome.login_page(back, False))
        cookies = self.sign_in(form.get("username", ""), form.get("password", ""))
        if cookies is None:
            return _text(chrome.login_page(back, True), status=401)
        reply = _see_other(back)
        reply.headers += cookies
        return reply


def _cookies(header: str) -> dict[str, str]:
    return {name: each.value for name, each in http.cookies.SimpleCookie(header).items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, web: SplunkWeb) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.web = web

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is its own affair."""


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    server_version = "Splunkd"
    sys_version = ""
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked is kept in a list."""

    def _serve(self) -> None:
        web = self.server.web
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = Asked(self.command, self.path, body.decode("utf-8", "replace"))
        with web.lock:
            web.asked.append(asked)
        try:
            page = web.answer(self, body)
        except WebError as error:
            page = _text(str(error), "text/plain", error.status)
        except (TemplateError, ElementTree.ParseError) as error:
            web.errors.append(str(error))
            page = _text(str(error), "text/plain", 500)
        asked.status = page.status
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(page.body)))
        for name, value in [*HEADERS.items(), *page.headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page.body)

    do_GET = do_POST = do_DELETE = do_PUT = _serve
