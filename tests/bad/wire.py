"""HTTP as bytes: what is no request, paths and queries, tokens."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

from .casefile import Broken

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

HTTP_S = 5.0
QUIET_S = 0.15


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
