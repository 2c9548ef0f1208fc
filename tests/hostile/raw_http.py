"""Sends raw bytes and reads what comes back, reply by reply, without a client's good manners."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass, field

LONGEST_S = 1.0  # no hang over one second
QUIET_S = 0.12  # after the last reply: does anything else come?


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Outcome:
    """What one connection brought."""

    replies: list[Reply] = field(default_factory=list)
    closed: bool = False
    rest: bytes = b""
    seconds: float = 0.0

    @property
    def statuses(self) -> list[int]:
        return [reply.status for reply in self.replies]


def _split_chunks(data: bytes) -> tuple[bytes, int] | None:
    body = b""
    at = 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(data[at:end].split(b";")[0], 16)
        at = end + 2
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        at += size + 2
        if size == 0:
            return body, at


def _take(data: bytes, ended: bool) -> tuple[Reply, int] | None:
    """The first reply in data and its length, when it is whole."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    start = len(head) + 4
    if status < 200 or status in (204, 304):
        return Reply(status, headers, b""), start
    if headers.get("transfer-encoding") == "chunked":
        split = _split_chunks(rest)
        return (Reply(status, headers, split[0]), start + split[1]) if split else None
    if "content-length" in headers:
        length = int(headers["content-length"])
        if len(rest) < length:
            # A reply to HEAD tells the length of a body that does not come.
            return (Reply(status, headers, b""), len(data)) if ended and not rest else None
        return Reply(status, headers, rest[:length]), start + length
    return (Reply(status, headers, rest), len(data)) if ended else None


def _collect(outcome: Outcome, data: bytes) -> bytes:
    while taken := _take(data, outcome.closed):
        reply, length = taken
        data = data[length:]
        if reply.status >= 200:
            outcome.replies.append(reply)
    return data


def exchange(
    address: tuple[str, int], stream: bytes, replies: int, longest_s: float = LONGEST_S
) -> Outcome:
    """Sends while it reads. Ends when the other side closes, when nothing more comes after so many
    replies, or after the longest time."""
    outcome = Outcome()
    started = time.monotonic()
    until = started + longest_s
    data = b""
    with socket.create_connection(address, timeout=5) as link:
        link.setblocking(False)
        left = memoryview(stream)
        while not outcome.closed and time.monotonic() < until:
            wait = until - time.monotonic()
            if len(outcome.replies) >= replies and not left:
                wait = min(wait, QUIET_S)
            readable, writable, _ = select.select([link], [link] if left else [], [], wait)
            try:
                if writable:
                    left = left[link.send(left[:65536]) :]
                if readable:
                    piece = link.recv(65536)
                    data += piece
                    outcome.closed = not piece
            except (ConnectionResetError, BrokenPipeError):
                outcome.closed = True
            data = _collect(outcome, data)
            if not readable and not writable and len(outcome.replies) >= replies:
                break
    outcome.rest = data
    outcome.seconds = time.monotonic() - started
    return outcome
