"""The search command's surfaces: its frames, arguments, settings and the files that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e import raw
from e2e.harness import Splunk
from splunkd import dialect
from splunkd.app import write_local_conf

from .bench import mapping
from .casefile import Broken
from .parcels import TENANT

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

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
