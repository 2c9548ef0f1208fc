"""How a case of each surface is given to the real programs, and how the answer is put in words."""

from __future__ import annotations

import gzip
import hashlib
import json
import queue
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zstd
from e2e import raw
from e2e.harness import APP, SERVICE, Answer, Service, Splunk, request
from splunkd import dialect
from splunkd.app import write_local_conf
from splunkd.process import environment

from . import alerts, budgets, rows, usage
from .casefile import Case

TENANT = "acme"
TARGET = "https://ig.example/"
ID = re.compile(r"\b[0-9a-f]{32}\b")
HTTP_S = 5.0
QUIET_S = 0.15


class Broken(Exception):
    """A promise that holds for every case does not hold for this one."""


class Bench:
    """The programs that the cases are given to: one service, and a Splunk for each worker."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.service = Service(folder / "data")
        self.service.start()
        self.token = self.service.token(TENANT, role="admin")
        self.viewer = self.service.token(TENANT, role="viewer", name="viewer")
        other = self.service.token(TENANT, role="admin", name="ended")
        self.revoked = other
        id_ = other.split("_")[1]
        self.service.run("token", "revoke", "--data", str(self.service.data), "--id", id_)
        self.broker = self.service.token(TENANT, role="broker", name="broker")
        self.meter = self.service.token(TENANT, role="meter", name="meter")
        # What is made there is not in the way of searches, which are of the first tenant.
        self.finance = self.service.token("finance", role="admin", name="finance")
        known = (self.token, self.viewer, self.revoked, self.broker, self.meter, self.finance)
        self.secrets = {each.split("_")[2] for each in known}
        self._splunks: queue.Queue[Splunk] = queue.Queue()
        for number in range(workers):
            self._splunks.put(Splunk(folder / f"splunk{number}"))
        self._open_parts()
        usage.fill_dlq(self)

    def _open_parts(self) -> None:
        """A hand-off of three parts that waits for them, and one that is committed."""
        self.opened = handoff({"sid": "opened", "parts": 3})
        self.committed = handoff({"sid": "committed"})
        self.post("v1/handoffs", line({"handoff": self.opened}))
        self.post("v1/handoffs", whole(self.committed, ITEMS))

    @contextmanager
    def splunk(self) -> Iterator[Splunk]:
        """One that nobody else uses meanwhile, configured well."""
        splunk = self._splunks.get()
        try:
            splunk.configure(self.service.url, TENANT, self.token)
            mapping(splunk).write_bytes(mapping_of(APP).read_bytes())
            yield splunk
        finally:
            self._splunks.put(splunk)

    def post(self, path: str, body: bytes, method: str = "POST") -> Answer:
        head = {"Content-Type": "application/x-ndjson"}
        return request(self.service.url + path, method, self.token, body, head)

    def fill(self, text: bytes) -> bytes:
        """Names in `<` lines that stand for something of this run."""
        names = {
            b"$TOKEN": self.token.encode(),
            b"$VIEWER": self.viewer.encode(),
            b"$REVOKED": self.revoked.encode(),
            b"$BROKER": self.broker.encode(),
            b"$METER": self.meter.encode(),
            b"$OPENED": self.opened["id"].encode(),
            b"$COMMITTED": self.committed["id"].encode(),
            b"$PORT": str(self.service.port).encode(),
            b"$DATA": str(self.service.data).encode(),
            b"$DIR": str(self.folder).encode(),
        }
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    def tidy(self, text: str) -> str:
        text = re.sub(r"\$DIR/splunk[0-9]+", "$DIR/splunk", text.replace(str(self.folder), "$DIR"))
        text = re.sub(rf"\b{self.service.port}\b", "$PORT", text)
        text = re.sub(r"by process [0-9]+", "by process $PID", text)
        text = re.sub(r"after [0-9]+ ms", "after $N ms", text)
        text = re.sub(r"the log (has|of) [0-9]+ records", r"the log \1 $N records", text)
        return ID.sub("$ID", text)

    def end(self) -> list[str]:
        """Complaints about the service as a whole."""
        code = self.service.stop(signal.SIGTERM)
        said = self.service.said()
        wrong = [f"intelgraphd ended with {code}: {said[-1500:]}"] if code else []
        wrong += ["a secret stands in the log"] * any(each in said for each in self.secrets)
        wrong += ["a sanitizer's report is in the log"] * ("Sanitizer" in said)
        return wrong


# The search command


def mapping_of(app: Path) -> Path:
    return app / "lookups" / "intelgraph_fields.csv"


def mapping(splunk: Splunk) -> Path:
    return mapping_of(splunk.app)


ROW = {"src_ip": "10.0.0.1", "dest_ip": "198.51.100.1", "_time": "1763863200", "_chunked_idx": "0"}
BODY = dialect.write_body(list(ROW), [ROW])


def feed(splunk: Splunk, stream: bytes) -> list[str]:
    """What the command answers to a stream, as lines."""
    outcome = raw.feed(splunk.command(), splunk.home, stream)
    if outcome.code < 0:
        raise Broken(f"the command died of signal {-outcome.code}: {outcome.stderr}")
    if "Sanitizer" in outcome.stderr or "runtime error" in outcome.stderr:
        raise Broken(outcome.stderr)
    if outcome.rest:
        raise Broken(f"what it wrote is not whole frames: {outcome.rest[:80]!r}")
    said: list[str] = []
    for reply in outcome.replies:
        if "error" in reply.meta:
            said.append(f"error: {reply.meta['error']}")
            continue
        messages = [f"{level}: {text}" for level, text in inspected(reply.meta)]
        status = statuses(reply.body)
        plain = "taken: getinfo" if "type" in reply.meta else f"taken: {status}"
        said += messages if messages and "type" in reply.meta else [plain, *messages]
    said += [f"stderr: {each}" for each in outcome.stderr.splitlines()]
    return said + ([f"exit {outcome.code}"] if outcome.code else [])


def inspected(meta: dict[str, Any]) -> list[tuple[str, str]]:
    return [(level, text) for level, text in meta.get("inspector", {}).get("messages", [])]


def statuses(body: bytes) -> str:
    try:
        rows = dialect.read_body(body).rows
    except dialect.DialectError:
        return "the rows as they came"
    found = sorted({str(row.get("intelgraph_status", "")) for row in rows})
    return f"{len(rows)} rows, {', '.join(found)}" if rows else "0 rows"


def arguments(bench: Bench, case: Case) -> list[str]:
    words = [each.decode("utf-8", "surrogateescape") for each in case.lines]
    with bench.splunk() as splunk:
        return feed(splunk, raw.getinfo(words))


def conf(bench: Bench, case: Case) -> list[str]:
    with bench.splunk() as splunk:
        (splunk.app / "local" / "intelgraph.conf").write_bytes(case.text)
        return feed(splunk, raw.getinfo([]))


def lookup(bench: Bench, case: Case) -> list[str]:
    with bench.splunk() as splunk:
        mapping(splunk).write_bytes(case.text)
        return feed(splunk, raw.getinfo(["dryrun=true"]))


def frames(bench: Bench, case: Case) -> list[str]:
    with bench.splunk() as splunk:
        return feed(splunk, case.bytes) or ["the command ends, and says nothing"]


def metadata(bench: Bench, case: Case) -> list[str]:
    """The metadata of a first chunk, its length told rightly."""
    meta = case.bytes
    with bench.splunk() as splunk:
        return feed(splunk, b"chunked 1.0,%d,0\n" % len(meta) + meta) or ["nothing"]


def bodies(bench: Bench, case: Case) -> list[str]:
    with bench.splunk() as splunk:
        stream = raw.getinfo(["dryrun=true"]) + raw.execute(case.bytes, finished=True)
        said = feed(splunk, stream)
        return said[1:] if said and said[0] == "taken: getinfo" else said


def credentials(bench: Bench, case: Case) -> list[str]:
    """First the setting, then what the file holds."""
    secret = case.lines[-1].strip()
    with bench.splunk() as splunk:
        file = splunk.home / "etc" / "case.token"
        file.write_bytes(b"".join(case.lines[1:]))
        setting = case.lines[0].decode().replace("$FILE", str(file))
        wanted = {"url": bench.service.url, "tenant": TENANT, "credential": setting}
        write_local_conf(splunk.app, {"intelgraph": {"instance:default": wanted}})
        stream = raw.getinfo([]) + raw.execute(BODY) + raw.execute(b"", finished=True)
        said = [each.replace(str(splunk.home), "$HOME") for each in feed(splunk, stream)]
    if len(secret) >= 8 and any(secret.decode("utf-8", "replace") in each for each in said):
        raise Broken("what the credential's file holds is repeated in the answer")
    return said


def authorities(bench: Bench, case: Case) -> list[str]:
    """What ca_file holds. Who answers speaks no TLS: a good file would be followed by that."""
    with bench.splunk() as splunk:
        file = splunk.home / "etc" / "case.pem"
        file.write_bytes(b"".join(each + b"\n" for each in case.lines[1:]))
        token = splunk.home / "etc" / "intelgraph.token"
        wanted = {
            "url": bench.service.url.replace("http:", "https:"),
            "tenant": TENANT,
            "credential": f"file:{token}",
            "ca_file": case.lines[0].decode().replace("$FILE", str(file)),
            "connect_timeout_ms": "300",
        }
        write_local_conf(splunk.app, {"intelgraph": {"instance:default": wanted}})
        stream = raw.getinfo([]) + raw.execute(BODY) + raw.execute(b"", finished=True)
        said = feed(splunk, stream)
        for kept in splunk.outbox:
            kept.unlink()
        return [each.replace(str(splunk.home), "$HOME") for each in said]


# Hand-offs


ITEMS: list[dict[str, Any]] = [
    {"entity": {"kind": "ip", "value": "10.0.0.1", "count": 2, "fields": ["src_ip"]}},
    {"entity": {"kind": "domain", "value": "c2.example", "count": 2, "fields": ["query"]}},
    {"relation": {"type": "queries", "from": 0, "to": 1, "count": 2}},
]


def line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode() + b"\n"


def handoff_id(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:32]


def patch(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396) of one level: null takes a member out."""
    return {name: value for name, value in {**base, **change}.items() if value is not None}


def handoff(change: dict[str, Any]) -> dict[str, Any]:
    base = {"version": 1, "tenant": TENANT, "sid": "1.1", "command": "ighandoff"}
    base |= {"target": TARGET, "title": "By hand", "user": "mara", "app": "search"}
    base |= {"search_sha256": "0" * 64, "client": "test/1", "parts": 1}
    head = patch(base, change)
    texts = [head.get(name, "") for name in ("tenant", "sid", "command", "target")]
    if "id" not in change and all(isinstance(each, str) for each in texts):
        head["id"] = handoff_id(*texts)
    return head


def commit(items: bytes, change: dict[str, Any]) -> bytes:
    count = {"entities": items.count(b'{"entity":'), "relations": items.count(b'{"relation":')}
    told = {"rows": 2, **count, "values": 4, "placeholders": 0, "invalid": 0}
    told |= {"entities_left_out": 0, "relations_left_out": 0}
    told["content_sha256"] = hashlib.sha256(items).hexdigest()
    return line({"commit": patch(told, change)})


def whole(head: dict[str, Any], items: list[dict[str, Any]]) -> bytes:
    lines = b"".join(map(line, items))
    return line({"handoff": head}) + lines + commit(lines, {})


def told(answer: Answer) -> list[str]:
    """Status and detail."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return [f"{answer.status} {answer.json['detail']}"]
    if answer.status >= 400:
        raise Broken(f"{answer.status} without a problem document: {answer.text[:200]}")
    return [str(answer.status)]


def head_members(bench: Bench, case: Case) -> list[str]:
    change = json.loads(case.bytes)
    head = handoff({"sid": case.name, **change})
    return told(bench.post("v1/handoffs", whole(head, ITEMS)))


def item_members(bench: Bench, case: Case, at: int) -> list[str]:
    items = [dict(item) for item in ITEMS]
    ((kind, base),) = items[at].items()
    items[at] = {kind: patch(base, json.loads(case.bytes))}
    return told(bench.post("v1/handoffs", whole(handoff({"sid": case.name}), items)))


def entity_members(bench: Bench, case: Case) -> list[str]:
    return item_members(bench, case, 0)


def relation_members(bench: Bench, case: Case) -> list[str]:
    return item_members(bench, case, 2)


def commit_members(bench: Bench, case: Case) -> list[str]:
    lines = b"".join(map(line, ITEMS))
    body = line({"handoff": handoff({"sid": case.name})}) + lines
    return told(bench.post("v1/handoffs", body + commit(lines, json.loads(case.bytes))))


def handoff_lines(bench: Bench, case: Case) -> list[str]:
    """Whole lines; HEAD, ENTITY, DOMAIN, RELATION and COMMIT stand for good ones."""
    good = dict(zip((b"ENTITY", b"DOMAIN", b"RELATION"), map(line, ITEMS), strict=True))
    good[b"HEAD"] = line({"handoff": handoff({"sid": case.name})})
    body = b""
    items = b""
    for text in case.lines:
        if text == b"COMMIT":
            body += commit(items, {})
            continue
        now = good.get(text, text + b"\n")
        body += now
        items += now if text != b"HEAD" else b""
    return told(bench.post("v1/handoffs", body))


def parts(bench: Bench, case: Case) -> list[str]:
    """`METHOD path`, then the body's lines."""
    method, path = bench.fill(case.lines[0]).decode().split(" ", 1)
    body = b"".join(each + b"\n" for each in case.lines[1:])
    return told(bench.post(path.removeprefix("/"), body, method))


# HTTP


def send(bench: Bench, data: bytes) -> bytes:
    """One connection: everything is sent, then read to the end."""
    with socket.create_connection(("127.0.0.1", bench.service.port), HTTP_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the service has seen enough: its answer is what counts
        got = b""
        connection.settimeout(HTTP_S)
        while True:
            try:
                more = connection.recv(65536)
            except (ConnectionResetError, TimeoutError):
                break
            if not more:
                break
            got += more
            if is_whole(got):  # the connection may stay open for a next request
                connection.settimeout(QUIET_S)
    return got


def split(got: bytes) -> tuple[bytes, bytes, bytes]:
    """The first answer's head and body, and what follows."""
    head, _, rest = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    size = int(length[1]) if length else 0
    return head, rest[:size], rest[size:]


def is_whole(got: bytes) -> bool:
    head, body, _ = split(got)
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    return b"\r\n\r\n" in got and (not length or len(body) == int(length[1]))


def put_in_words(got: bytes) -> list[str]:
    """Each answer on the connection: status, and the problem's detail."""
    said: list[str] = []
    while got:
        match = re.match(rb"HTTP/1\.[01] ([0-9]{3})", got)
        if not match:
            raise Broken(f"no HTTP answer: {got[:80]!r}")
        head, body, got = split(got)
        if body.startswith(b"HTTP/1."):  # to HEAD: the length is of what is not sent
            body, got = b"", body + got
        problem = b"application/problem+json" in head and body
        said.append(match[1].decode() + (" " + json.loads(body)["detail"] if problem else ""))
    return said or ["closed without an answer"]


def requests(bench: Bench, case: Case) -> list[str]:
    return put_in_words(send(bench, bench.fill(case.bytes)))


def get(bench: Bench, case: Case) -> list[str]:
    """A path with its query, asked for by an admin."""
    head = b"GET %s HTTP/1.1\r\nHost: ig.example\r\nAuthorization: Bearer $TOKEN\r\n"
    head += b"Connection: close\r\n\r\n"
    return put_in_words(send(bench, bench.fill(head % case.bytes)))


def tokens(bench: Bench, case: Case) -> list[str]:
    """A request's line, then headers, then what follows an empty line."""
    text = bench.fill(b"\r\n".join(case.lines))
    head, _, body = text.partition(b"\r\n\r\n")
    line_, _, rest = head.partition(b"\r\n")
    more = b"\r\nContent-Length: %d" % len(body) if body else b""
    rest = b"\r\n" + rest if rest else b""
    data = line_ + b" HTTP/1.1\r\nHost: ig.example\r\nConnection: close" + rest + more + b"\r\n\r\n" + body
    return put_in_words(send(bench, data))


def packed(
    coding: str, pack: Callable[[bytes], bytes]
) -> Callable[[Bench, Case], list[str]]:
    """A body that says it is of that coding. `zip ...` is packed, `cut n ...` loses its last n bytes;
    `zip` in the place of `then` begins another member or frame."""

    def run(bench: Bench, case: Case) -> list[str]:
        word, _, rest = case.bytes.partition(b" ")
        body = case.bytes
        if word == b"zip":
            body = b"".join(pack(each) for each in rest.split(b" then zip "))
        elif word == b"cut":
            count, _, rest = rest.partition(b" ")
            body = pack(rest)[: -int(count)]
        head = {"Content-Encoding": coding}
        return told(request(bench.service.url + "v1/handoffs", "POST", bench.token, body, head))

    return run


# The broker


def persist(bench: Bench, case: Case) -> list[str]:
    """Bytes as splunkd's wire for persistent handlers has them; each reply, then how it ended."""
    with bench.splunk() as splunk:
        spec = splunk.command()
        done = subprocess.run(
            [str(spec.program), "broker"],
            input=case.bytes,
            capture_output=True,
            cwd=spec.folder,
            env=environment(splunk.home),
            timeout=HTTP_S,
            check=False,
        )
    if done.returncode < 0 or done.stderr:
        raise Broken(f"the broker ended with {done.returncode}: {done.stderr.decode()}")
    said: list[str] = []
    rest = done.stdout
    while rest:
        length, _, rest = rest.partition(b"\n")
        reply, rest = json.loads(rest[: int(length)]), rest[int(length) :]
        said.append(f"{reply['status']} {reply['payload']['error']}")
    return [*said, f"ended with {done.returncode}"]


# Command lines


def words(bench: Bench, case: Case, program: Path) -> list[str]:
    own = b"$DIR/listen-" + hashlib.sha256(case.name.encode()).hexdigest()[:8].encode()
    given = [bench.fill(each.replace(b"$DIR/listen", own)) for each in case.lines]
    done = subprocess.run(
        [str(program), *given],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
        check=False,
        env={"HOME": str(bench.folder), "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=1"},
    )
    if done.returncode < 0:
        raise Broken(f"died of signal {-done.returncode}: {done.stderr.decode(errors='replace')}")
    shown = [f"stderr: {each}" for each in done.stderr.decode("utf-8", "replace").splitlines()]
    if not shown:
        shown = [f"stdout: {each}" for each in done.stdout.decode("utf-8", "replace").splitlines()]
    return [f"exit {done.returncode}", *shown[:3]]


def service_words(bench: Bench, case: Case) -> list[str]:
    return words(bench, case, SERVICE)


def app_words(bench: Bench, case: Case) -> list[str]:
    return words(bench, case, SERVICE.with_name("intelgraph"))


SURFACES: dict[str, Callable[[Bench, Case], list[str]]] = {
    "alert-parameters": alerts.parameters,
    "alert-payloads": alerts.payloads,
    "alert-results": alerts.results,
    "arguments": arguments,
    "audit-paths": get,
    "authorities": authorities,
    "bodies": bodies,
    "budget-members": budgets.members,
    "budget-queries": get,
    "budget-requests": tokens,
    "decision-members": budgets.decisions,
    "decision-queries": get,
    "command-line-app": app_words,
    "command-line-service": service_words,
    "commit-members": commit_members,
    "conf": conf,
    "credentials": credentials,
    "entity-members": entity_members,
    "frames": frames,
    "gzip": packed("gzip", gzip.compress),
    "handoff-lines": handoff_lines,
    "handoff-members": head_members,
    "lookup": lookup,
    "metadata": metadata,
    "notices": tokens,
    "override-members": budgets.overrides,
    "parts": parts,
    "persist": persist,
    "price-members": budgets.prices,
    "queries": get,
    "relation-members": relation_members,
    "requests": requests,
    "rows-answers": rows.answers,
    "rows-arguments": rows.arguments,
    "tokens": tokens,
    "usage-answers": rows.usage_answers,
    "budget-answers": rows.budgets_answers,
    "usage-bodies": usage.bodies,
    "usage-dlq": tokens,
    "usage-members": usage.members,
    "usage-queries": get,
    "zstd": packed("zstd", zstd.compress),
}
