#!/usr/bin/env python3
"""Readers of ours against Python's: csv, ipaddress, json, gzip and datetime, over the corpora and over
seeded random inputs. TAP, one point a reader; a difference is shown with its input.

Usage: fuzz/differential.py BUILD [CASES] [SEED]

Where ours is stricter or wider on purpose, it is written down here, in the reader's function.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import ipaddress
import json
import random
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
CELL, RECORD = b"\x1f", b"\x1e"
Answer = bytes | None  # None: refused
SKIP = object()  # the second implementation has no say


def cells_of(rows: list[list[str]]) -> bytes:
    join = (b"".join(cell.encode("latin-1") + CELL for cell in row) + RECORD for row in rows)
    return b"".join(join)


def by_csv(data: bytes) -> object:
    """RFC 4180, strict. Not compared: a CR that ends no line (Python takes it for a line end), and
    empty lines (no record to Python, one empty cell to ours)."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if re.search(rb"\r(?!\n)", data) or CELL in data or RECORD in data:
        return SKIP
    try:
        rows = list(csv.reader(io.StringIO(data.decode("latin-1"), newline=""), strict=True))
    except csv.Error:
        return None
    return cells_of([row or [""] for row in rows])


def by_table(data: bytes) -> object:
    """The row scanner counts quotes and does not judge them: compared where every quote is one of
    RFC 4180."""
    if b'"' in data and not re.fullmatch(rb'(?:(?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,|\r?\n|\Z))*', data):
        return SKIP
    return by_csv(data) if not data.startswith(b"\xef\xbb\xbf") else SKIP


def by_ipaddress(data: bytes) -> object:
    """Ours also takes brackets, ports, zones, /32, blanks and defanged dots: compared where the text
    is digits, colons and dots. IPv4 in IPv6 is written as IPv4; what no machine has, as nothing."""
    text = data.decode("latin-1")
    if not re.fullmatch(r"[0-9a-fA-F:.]*", text) or re.fullmatch(r"[0-9.]*:[0-9]*", text):
        return SKIP
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None if text.strip(".") else SKIP  # a placeholder
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if int(address) == 0 or str(address) == "255.255.255.255":
        return b""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address).encode()
    return address.compressed.encode()


def by_json(data: bytes) -> object:
    """Ours refuses more: names twice, NUL, halves of surrogate pairs, more than 32 levels and 256
    members; Python more than that takes NaN and Infinity."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) != len(pairs) or len(pairs) > 256:
            raise ValueError("twice, or too many")
        return dict(pairs)

    def refuse(word: str) -> None:
        raise ValueError(word)

    def depth(value: object) -> int:
        if isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            return 1 + max(map(depth, inner), default=0)
        return 1

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    if "\0" in json.dumps(value, ensure_ascii=False) or "\\u0000" in text or depth(value) > 32:
        return SKIP
    return b""


def by_gzip(data: bytes) -> object:
    """Member by member. Zeros behind the last one are refused by ours, as any other text there."""
    text = b""
    while data:
        member = zlib.decompressobj(31)
        try:
            text += member.decompress(data)
        except zlib.error:
            return None
        if not member.eof:
            return None
        data = member.unused_data
    return text or SKIP


def by_datetime(data: bytes) -> object:
    """Compared where the text is a full date of RFC 3339 without a leap second."""
    text = data.decode("latin-1")
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
    if not re.fullmatch(form, text) or re.search(r":60[Z.+-]", text):
        return SKIP
    if int(text.rsplit(":", 1)[1]) > 59 if text[-1] != "Z" else False:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        start = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        us = (moment - start) // datetime.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return str(us).encode() if us >= 0 else None


def by_pattern(data: bytes) -> object:
    """The multivalue form as a regular expression."""
    if not re.fullmatch(rb"(?:\$(?:[^$]|\$\$)*\$(?:;(?!\Z)|\Z))*", data, re.DOTALL) or CELL in data:
        return None if CELL not in data else SKIP
    items = re.findall(rb"\$((?:[^$]|\$\$)*)\$(?:;|\Z)", data, re.DOTALL)
    return b"".join(item.replace(b"$$", b"$") + CELL for item in items)


READERS: dict[str, tuple[str, str, Callable[[bytes], object], list[bytes]]] = {
    "c": ("csv", "csv", by_csv, [b'"', b'""', b",", b"\n", b"\r\n", b"a", b"b c", b"\xff", b" "]),
    "t": ("table", "csv", by_table, [b'"', b'""', b",", b"\n", b"\r\n", b"a" * 61, b"b", b"\0"]),
    "i": ("ip", "ipaddress", by_ipaddress, [b":", b"::", b".", b"0", b"1", b"255", b"256", b"00",
                                            b"ffff", b"FFFF", b"fe80", b"10.0.0.1", b"12345"]),
    "j": ("json", "json", by_json, [b"{", b"}", b"[", b"]", b":", b",", b'"a"', b'"\\u0061"', b"1",
                                    b"-0", b"1e5", b"01", b"true", b"null", b'"\\ud83d\\ude00"',
                                    b'"\\ud83d"', b" ", b"\n", b'"\xc3\xa9"', b"\xff", b'{"a":1}']),
    "z": ("gunzip", "gzip", by_gzip, []),
    "d": ("time", "datetime", by_datetime, []),
    "m": ("multivalue", "a pattern", by_pattern, [b"$", b"$$", b";", b"a", b"$b$", b";$"]),
}


def cut_and_glue(source: random.Random, seeds: list[bytes], pieces: list[bytes]) -> bytes:
    """A new input: of the reader's pieces, or a seed with bytes changed, cut or doubled."""
    if pieces and source.random() < 0.7:
        return b"".join(source.choices(pieces, k=source.randrange(1, 14)))
    data = bytearray(source.choice(seeds))[:4096]
    for _ in range(source.randrange(0, 4)):
        at = source.randrange(len(data) + 1)
        how = source.randrange(4)
        if how == 0 and at < len(data):
            data[at] = source.randrange(256)
        elif how == 1:
            del data[at : at + source.randrange(1, 6)]
        elif how == 2:
            data[at:at] = source.choice(pieces) if pieces else bytes([source.randrange(256)])
        else:
            data[at:at] = data[at : at + 8]
    return bytes(data)


def a_date(source: random.Random) -> bytes:
    part = source.randrange
    text = f"{part(1969, 10000):04}-{part(0, 14):02}-{part(0, 33):02}T{part(0, 25):02}"
    text += f":{part(0, 61):02}:{part(0, 60):02}"
    text += source.choice(["", f".{part(0, 10**6):06}", f".{part(0, 10)}"])
    zone = f"{source.choice('+-')}{part(0, 24):02}:{part(0, 62):02}"
    return (text + source.choice(["Z", zone])).encode()


def a_gzip(source: random.Random) -> bytes:
    members = [source.randbytes(source.randrange(60)) for _ in range(source.randrange(1, 4))]
    data = b"".join(gzip.compress(each, mtime=0) for each in members)
    return data if source.random() < 0.5 else cut_and_glue(source, [data], [])


def cases_for(reader: str, count: int, source: random.Random) -> list[bytes]:
    name, _, _, pieces = READERS[reader]
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    made = {"d": a_date, "z": a_gzip}.get(reader)
    cases = seeds[:]
    while len(cases) < count:
        cases.append(made(source) if made else cut_and_glue(source, seeds, pieces))
    return [case for case in cases if len(case) < 60000]


def ask(program: Path, reader: str, cases: list[bytes]) -> list[Answer]:
    stream = b"".join(b"%s %d\n%s" % (reader.encode(), len(case), case) for case in cases)
    done = subprocess.run([str(program)], input=stream, capture_output=True, check=False)
    lines = done.stdout.decode().split("\n")[:-1]
    if done.returncode or len(lines) != len(cases):
        said = done.stderr.decode("utf-8", "replace")[-2000:]
        raise SystemExit(f"Bail out! {program} ended with {done.returncode}: {said}")
    return [None if line == "-" else bytes.fromhex(line) for line in lines]


def main() -> int:
    program = Path(sys.argv[1]) / "fuzz" / "differential"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    failed = 0
    for number, (reader, (name, other, judge, _)) in enumerate(READERS.items(), 1):
        cases = cases_for(reader, count // len(READERS), random.Random(f"{seed} {name}"))
        ours = ask(program, reader, cases)
        theirs = [judge(case) for case in cases]
        compared = sum(each is not SKIP for each in theirs)
        wrong = [
            (case, mine, want)
            for case, mine, want in zip(cases, ours, theirs, strict=True)
            if want is not SKIP and mine != want
        ]
        bad = bool(wrong) or compared < len(cases) // 20
        failed += bad
        print(f"{'not ok' if bad else 'ok'} {number} - {name} against {other}: {compared} compared")
        for case, mine, want in wrong[:8]:
            print(f"#   {case[:200]!r}: ours {mine!r}, theirs {want!r}")
    print(f"1..{len(READERS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
