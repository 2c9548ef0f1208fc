"""The surfaces of commands that make rows: their arguments, and what the service answers them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from e2e import raw
from splunkd import dialect
from splunkd.app import write_local_conf

if TYPE_CHECKING:
    from e2e.harness import Splunk

    from .bench import Bench
    from .casefile import Case


def feed(splunk: Splunk, command: str, words: list[str]) -> list[str]:
    """The errors of a run, else its rows: those of igaudit by verified and reason, those of igusage
    by quantity."""
    stream = raw.getinfo(words) + raw.execute(b"", finished=True)
    outcome = raw.feed(splunk.command(command), splunk.home, stream)
    if outcome.code or outcome.stderr or outcome.rest:
        raise ValueError(f"status {outcome.code}: {outcome.stderr} {outcome.rest[:80]!r}")
    if outcome.errors:
        return [f"error: {outcome.errors[0]}"]
    rows = dialect.read_body(outcome.replies[-1].body).rows
    if command == "igaudit":
        return [f"{row['verified']} {row['reason']}" for row in rows] or ["no rows"]
    if command == "igusage":
        return [
            f"{row['quantity']} {row['shown']!r}"
            if "shown" in row
            else f"{row['budget']!r} {row['verdict']} {row['used']} of {row['limit']}"
            for row in rows
        ] or ["no rows"]
    return [f"{row['check']} {row['status']}: {row['value']}" for row in rows
            if row["status"] == "failed"] or [f"{len(rows)} rows"]


def arguments(bench: Bench, case: Case) -> list[str]:
    """The command, then its words."""
    words = [each.decode("utf-8", "surrogateescape") for each in case.lines]
    with bench.splunk() as splunk:
        return feed(splunk, words[0], words[1:])


def answers(
    bench: Bench, case: Case, command: str = "igaudit", words: tuple[str, ...] = ()
) -> list[str]:
    """What answers every request of a command: the body of a 200, or a whole reply (HTTP/1.1 ...)."""
    body = bench.fill(case.bytes)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    reply = body if body.startswith(b"HTTP/") else head + b"Connection: close\r\n\r\n" + body
    with bench.splunk() as splunk, answering(reply) as port:
        token = splunk.home / "etc" / "intelgraph.token"
        instance = {"url": f"http://127.0.0.1:{port}/", "tenant": "acme", "credential": f"file:{token}"}
        write_local_conf(splunk.app, {"intelgraph": {"instance:default": instance}})
        return [each.replace(str(port), "$PORT") for each in feed(splunk, command, list(words))]


def usage_answers(bench: Bench, case: Case) -> list[str]:
    return answers(bench, case, "igusage", ("meter=api.calls",))


def budgets_answers(bench: Bench, case: Case) -> list[str]:
    return answers(bench, case, "igusage", ("show=budgets",))


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[int]:
    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer:
                peer.settimeout(5)
                peer.recv(65536)
                peer.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
