"""Bodies that swell: what a few kilobytes on the wire may cost, and what they cost here."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from e2e.harness import Service

from .raw_http import Outcome, exchange
from .watch import resident

GIB = 1 << 30
GROWTH_MOST = 64 << 20  # bytes of resident memory


def zeros(size: int) -> Iterator[bytes]:
    """A gzip member of so many zeros, piece by piece: 10 GiB are 10 MB, made in no time. After a
    full flush nothing refers back, so the same block may follow itself."""
    step = 1 << 20
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflater.compress(bytes(step)) + deflater.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    crc = 0
    for _ in range(size // step):
        yield block
    if size <= 64 * step:  # of the large ones nobody reads so far
        crc = zlib.crc32(bytes(size))
    yield b"\x03\0" + struct.pack("<II", crc, size & 0xFFFFFFFF)


class BombTest(TestCase):
    service: Service
    token: str

    @classmethod
    def setUpClass(cls) -> None:
        folder = TemporaryDirectory(prefix="ig-bombs-")
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(Path(folder.name) / "data")
        cls.service.start()
        cls.addClassCleanup(cls.service.stop)
        cls.token = cls.service.token("bombs")

    def send(self, body: bytes, headers: str = "Content-Encoding: gzip\r\n") -> Outcome:
        head = (
            "POST /v1/handoffs HTTP/1.1\r\nHost: h\r\n"
            f"Authorization: Bearer {self.token}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        return exchange(("127.0.0.1", self.service.port), head.encode() + body, 1, longest_s=5)

    def refused(self, body: bytes, headers: str = "Content-Encoding: gzip\r\n") -> None:
        before = resident(self.service)
        for _ in range(3):
            outcome = self.send(body, headers)
            self.assertTrue(set(outcome.statuses) <= {400, 413}, outcome)
            self.assertTrue(outcome.statuses or outcome.closed, "neither a reply nor an end")
            self.assertLess(outcome.seconds, 1.5)
        self.assertLess(resident(self.service) - before, GROWTH_MOST)
        self.assertEqual(self.service.get("healthz").status, 200)

    def test_ten_gibibytes_of_zeros_in_ten_megabytes(self) -> None:
        self.refused(b"".join(zeros(10 * GIB)))

    def test_gzip_of_gzip_of_zeros(self) -> None:
        inner = b"".join(zeros(GIB))
        self.refused(gzip.compress(inner, mtime=0))
        self.refused(gzip.compress(gzip.compress(inner, mtime=0), mtime=0))

    def test_many_members_that_each_inflate_a_little(self) -> None:
        self.refused(b"".join(zeros(1 << 20)) * 2000)

    def test_just_below_the_ratio_the_limit_of_the_body_holds(self) -> None:
        line = b"".join(b'{"x":"%032x"}\n' % (n * n) for n in range(20000))
        self.refused(gzip.compress(line * 60, mtime=0))

    def test_brackets_to_the_limit_of_the_body(self) -> None:
        self.refused(b"[" * (4 << 20), headers="")
        self.refused(gzip.compress(b'{"a":' * 200000, mtime=0))

    def test_a_text_without_an_end(self) -> None:
        self.refused(b'{"handoff":{"title":"' + b"a" * (4 << 20), headers="")

    def test_a_bomb_that_a_stranger_sends_is_not_even_inflated(self) -> None:
        body = b"".join(zeros(GIB))
        head = (
            "POST /v1/handoffs HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        outcome = exchange(("127.0.0.1", self.service.port), head.encode() + body, 1, 5)
        self.assertEqual(outcome.statuses, [401])
