"""The frames of the chunked protocol: header line, JSON, body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HEADER = re.compile(rb"chunked 1\.0,(0|[1-9][0-9]{0,10}),(0|[1-9][0-9]{0,10})\n")
HEADER_MAX = 64


class ProtocolError(Exception):
    """The command broke a rule of the protocol."""


@dataclass(frozen=True)
class Frame:
    """One chunk."""

    meta: dict[str, Any]
    body: bytes = b""
    meta_bytes: bytes = b""

    @property
    def wire(self) -> bytes:
        return encode_raw(self.meta_bytes or encode_meta(self.meta), self.body)


def encode_meta(meta: dict[str, Any]) -> bytes:
    text = json.dumps(meta, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def encode_raw(meta: bytes, body: bytes) -> bytes:
    return b"chunked 1.0,%d,%d\n" % (len(meta), len(body)) + meta + body


def encode(meta: dict[str, Any], body: bytes = b"") -> bytes:
    return encode_raw(encode_meta(meta), body)


def frame_length(buffer: bytes | bytearray) -> int | None:
    """How long the frame at the start of `buffer` is; None while that cannot be told."""
    end = buffer.find(b"\n", 0, HEADER_MAX)
    if end < 0 and len(buffer) < HEADER_MAX:
        return None
    match = HEADER.match(buffer)
    if not match:
        raise ProtocolError(f"not a frame header: {bytes(buffer[:HEADER_MAX])!r}")
    return match.end() + int(match[1]) + int(match[2])


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def decode(frame: bytes | bytearray) -> Frame:
    """A whole frame, its length known from frame_length."""
    match = HEADER.match(frame)
    assert match
    meta_end = match.end() + int(match[1])
    raw = bytes(frame[match.end() : meta_end])
    try:
        meta = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_twice)
    except ValueError as error:
        raise ProtocolError(f"the metadata is no JSON in UTF-8 ({error}): {raw[:120]!r}") from error
    if not isinstance(meta, dict):
        raise ProtocolError(f"the metadata is no JSON object: {raw[:120]!r}")
    return Frame(meta, bytes(frame[meta_end:]), raw)


def split_stream(stream: bytes) -> Iterator[Frame]:
    """The frames of a recorded stream, which must end with a whole one."""
    position = 0
    while position < len(stream):
        length = frame_length(stream[position : position + HEADER_MAX])
        if length is None or position + length > len(stream):
            raise ProtocolError(f"the stream is cut within the frame at byte {position}")
        yield decode(stream[position : position + length])
        position += length
