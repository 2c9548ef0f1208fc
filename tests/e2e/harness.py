"""The real programs in a room of their own: a service, a Splunk, an analyst, a browser."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splunkd import SearchOptions, SearchResult, find_command, install_app, run_search
from splunkd.app import CommandSpec, write_local_conf
from splunkd.search import clean_row

BUILD = Path(os.environ.get("IG_BUILD", "build")).resolve()
SERVICE = BUILD / "bin" / "intelgraphd"
APP = BUILD / "app" / "intelgraph"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

NEW_COLUMNS = ("intelgraph_url", "intelgraph_status", "intelgraph_entities")
# The lane `postgresql`: every service's store is a schema of this server then, not a file.
STORE = os.environ.get("IG_TEST_STORE", "")
PSQL = "/usr/lib/postgresql/15/bin/psql"

READY_S = 20.0
STOP_S = 20.0

Row = dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The service


@dataclass
class Answer:
    """One HTTP reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def request(
    url: str,
    method: str = "GET",
    token: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request without redirects, proxies or cookies."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    sent = dict(headers or {})
    if token:
        sent["Authorization"] = f"Bearer {token}"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path or "/", body, sent)
        reply = connection.getresponse()
        names = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, names, reply.read())
    finally:
        connection.close()


def new_store() -> str:
    """What a new service is told as --store; empty: its own file."""
    if not STORE:
        return ""
    schema = f"e2e_{secrets.token_hex(6)}"
    subprocess.run([PSQL, STORE, "-qc", f"CREATE SCHEMA {schema}"], check=True, timeout=60)
    return f"{STORE}&options=-csearch_path%3D{schema}"


class Service:
    """intelgraphd on a data folder of its own."""

    def __init__(self, data: Path, user: int | None = None, store: str | None = None) -> None:
        self.data = data
        self.store = new_store() if store is None else store
        self.port = free_port()
        self.options: list[str] = []  # more words for `serve`
        self.log = data.parent / f"{data.name}.log"
        self._user = user
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def spawn(self) -> subprocess.Popen[bytes]:
        listen = f"127.0.0.1:{self.port}"
        words = [str(self._program()), "serve", "--data", str(self.data), "--listen", listen]
        words += ["--store", self.store] if self.store else []
        words += self.options
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user
            )
        return self._child

    def _program(self) -> Path:
        """Another user gets a copy: the build may lie where only its owner may look."""
        if self._user is None:
            return SERVICE
        copy = Path(shutil.copy(SERVICE, self.data.parent / "intelgraphd"))
        copy.chmod(0o755)
        return copy

    def start(self) -> None:
        child = self.spawn()
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise AssertionError(f"intelgraphd ended with {child.returncode}: {self.said()}")
            try:
                if request(self.url + "readyz").status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"intelgraphd is not ready after {READY_S:g} s: {self.said()}")

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit code (negative: a signal)."""
        child, self._child = self._child, None
        if child is None:
            return 0
        child.send_signal(how)
        try:
            return child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise AssertionError(f"intelgraphd did not stop within {STOP_S:g} s") from None

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of its other commands, e.g. `token create`."""
        if self.store and "--data" in words:
            words += ("--store", self.store)
        return subprocess.run(
            [str(SERVICE), *words], capture_output=True, text=True, timeout=60, check=False
        )

    def token(
        self, tenant: str, role: str = "analyst", name: str = "splunk", expires: str = ""
    ) -> str:
        words = ["token", "create", "--data", str(self.data), "--tenant", tenant]
        words += ["--role", role, "--name", name]
        done = self.run(*words, *(["--expires", expires] if expires else []))
        if done.returncode:
            raise AssertionError(f"token create: {done.returncode} {done.stderr}")
        return done.stdout.strip()

    def get(self, path: str, token: str = "", **options: Any) -> Answer:
        return request(self.url + path.removeprefix("/"), token=token, **options)

    def json(self, path: str, token: str) -> Any:
        answer = self.get(path, token)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.text[:300]}")
        return answer.json

    def handoffs(self, token: str) -> list[Any]:
        return list(self.json("v1/handoffs", token)["handoffs"])

    def values(self, handoff: str, token: str, kind: str) -> set[str]:
        """Every value of a kind, page by page: also of a graph too large to be drawn."""
        found: set[str] = set()
        after = ""
        while True:
            path = f"v1/handoffs/{handoff}/entities?limit=1000&kind={kind}{after}"
            reply = self.json(path, token)
            found.update(entity["value"] for entity in reply["entities"])
            if reply["next"] is None:
                return found
            after = f"&after={reply['next']}"

    def graph(self, handoff: str, token: str) -> Graph:
        reply = self.json(f"v1/handoffs/{handoff}/graph?limit=5000", token)
        return Graph(reply)


def store_of(service: Service) -> Path:
    """The file of its embedded store."""
    if service.store:
        raise unittest.SkipTest("works on the store's file")
    (file,) = [path for path in service.data.iterdir() if path.suffix in (".db", ".sqlite")]
    return file


class Graph:
    """A hand-off's graph by values: what a test can say in one line."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.by_id = {entity["id"]: entity for entity in reply["entities"]}
        self.entities = {(e["kind"], e["value"]): e for e in reply["entities"]}
        self.relations = {
            (self._value(r["from"]), r["type"], self._value(r["to"])): r for r in reply["relations"]
        }

    def _value(self, entity: Any) -> str:
        return str(self.by_id[entity]["value"])

    def values(self, kind: str) -> set[str]:
        return {value for of, value in self.entities if of == kind}


# Splunk


class Splunk:
    """A SPLUNK_HOME with the app in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.app = install_app(home, APP)

    def configure(self, url: str, tenant: str, token: str | None, **more: str) -> None:
        """local/intelgraph.conf and the token's file."""
        secret = self.home / "etc" / "intelgraph.token"
        if token is not None:
            secret.write_text(token + "\n", "utf-8")
            secret.chmod(0o600)
        instance = {"url": url, "tenant": tenant, "credential": f"file:{secret}", **more}
        write_local_conf(self.app, {"intelgraph": {"instance:default": instance}})

    def search(
        self, command: str, rows: Sequence[Mapping[str, Any]], **options: Any
    ) -> SearchResult:
        chosen = SearchOptions(**{"keep_bodies": True, "user": "mara", "probes": 0, **options})
        return run_search(self.home, f"index=proxy | {command}", rows, chosen)

    def command(self, name: str = "ighandoff") -> CommandSpec:
        return find_command(self.home, name)

    @property
    def outbox(self) -> list[Path]:
        folder = self.home / "var/lib/splunk/intelgraph/outbox"
        return sorted(each for each in folder.glob("*") if each.is_file())

    @property
    def audit(self) -> list[Any]:
        log = self.home / "var/log/splunk/intelgraph_audit.log"
        return (
            [json.loads(line) for line in log.read_text("utf-8").splitlines()]
            if log.exists()
            else []
        )


# Rows


def visit(number: int, src: str, dest: str, **more: Any) -> Row:
    """A line of a proxy's log."""
    return {
        "_time": f"{1763863200 + number}.{number % 1000:03d}",
        "_raw": f'{src} "GET http://{dest}/" {number}',
        "_cd": f"7:{1000 + number}",
        "_bkt": f"proxy~7~{number % 3}",
        "src_ip": src,
        "dest_ip": dest,
        "action": "allowed",
        **more,
    }


def visits(count: int, sources: int = 7, dests: int = 5) -> list[Row]:
    return [visit(n, f"10.0.{n % sources}.1", f"198.51.100.{n % dests + 1}") for n in range(count)]


def link_id(result: SearchResult) -> str:
    """The hand-off's id, from the link of the first row that has one."""
    for row in result.rows:
        if row.get("intelgraph_url"):
            return str(row["intelgraph_url"]).rsplit("/", 1)[-1]
    raise AssertionError("no row carries a link")


def column(result: SearchResult, name: str) -> list[Any]:
    return [row.get(name, "") for row in result.rows]


# The case


@dataclass
class Place:
    """Where one test works."""

    service: Service
    splunk: Splunk
    tenant: str
    token: str
    rows: list[Row] = field(default_factory=list)

    def search(
        self, command: str, rows: Sequence[Mapping[str, Any]], **options: Any
    ) -> SearchResult:
        return self.splunk.search(command, rows, **options)

    def handoffs(self) -> list[Any]:
        return self.service.handoffs(self.token)


class EndToEnd(unittest.TestCase):
    """Each test has a Splunk and a tenant of its own on a service that its class shares."""

    service: Service
    _folder: str
    _tenants = 0
    maxDiff = 4000

    @classmethod
    def setUpClass(cls) -> None:
        cls._folder = tempfile.mkdtemp(prefix="ig-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls._folder, ignore_errors=True)
        cls.service = Service(Path(cls._folder) / "data")
        cls.service.start()
        cls.addClassCleanup(cls._end)

    @classmethod
    def _end(cls) -> None:
        code = cls.service.stop()
        if code:
            raise AssertionError(f"intelgraphd ended with {code}: {cls.service.said()[-2000:]}")

    def folder(self) -> Path:
        path = tempfile.mkdtemp(prefix="t-", dir=self._folder)
        return Path(path)

    def own_service(self, data: Path | None = None) -> Service:
        """One that the test may hurt."""
        service = Service(data or self.folder() / "data")
        self.addCleanup(self._end_own, service)
        return service

    @staticmethod
    def _end_own(service: Service) -> None:
        try:
            service.stop(signal.SIGKILL)
        except ProcessLookupError:
            pass

    def place(self, service: Service | None = None, **settings: str) -> Place:
        service = service or self.service
        EndToEnd._tenants += 1
        tenant = f"tenant{EndToEnd._tenants}"
        splunk = Splunk(self.folder() / "splunk")
        token = service.token(tenant)
        splunk.configure(service.url, tenant, token, **settings)
        return Place(service, splunk, tenant, token)

    # What is asserted again and again

    def done(self, result: SearchResult) -> None:
        """The job is done, no rule of the protocol was broken, nothing was said on stderr."""
        self.assertEqual(result.violations, [])
        self.assertEqual(result.state, "DONE", result.texts())
        self.assertEqual(result.stderr_lines(), [])
        self.assertEqual(set(result.exit_codes), {0})

    def rows_pass(self, result: SearchResult, given: Sequence[Mapping[str, Any]]) -> None:
        """Every row comes back in its order, and but for the three new columns as it was."""
        self.assertEqual(len(result.rows), len(given))
        for row, before in zip(result.rows, given, strict=True):
            after = {name: value for name, value in row.items() if name not in NEW_COLUMNS}
            self.assertEqual(after, clean_row(before))

    def statuses(self, result: SearchResult) -> set[str]:
        return set(column(result, "intelgraph_status"))

    def says(self, result: SearchResult, *patterns: str) -> None:
        """The banner's texts match every pattern."""
        for pattern in patterns:
            self.assertRegex("\n".join(result.texts()), pattern)


def pack(lines: Sequence[Any]) -> bytes:
    """NDJSON, gzip."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return gzip.compress(text.encode())
