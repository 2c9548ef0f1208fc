#!/usr/bin/env python3
"""Ten ways to tamper with an audit log, each before every verifier that can see it. TAP.

Each point is one kind of tampering before one verifier: ours (`intelgraphd audit verify`, with the heads
that the Splunk side kept where the log alone looks whole), x/mod (the log as files, and receipts) and
@sigstore/verify (receipts). What a verifier cannot tell by itself is a point of its own, so that nobody
believes it could.
Usage: tampering.py BUILD_DIR
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
from kit import Tap, Tool, go_verifier, sigstore_verifier  # noqa: E402

NUMBER = 120  # the hand-off whose receipt is tampered with
NAME = f"{NUMBER:032d}"
Bundle = dict[str, Any]


class Bench:
    """The logs that make_log made, and copies of them to spoil."""

    def __init__(self, build: Path, work: Path) -> None:
        self.work = work
        self.made = work / "made"
        self.count = 0
        self.tap = Tap()
        self.make_log = build / "tests/make_log"
        subprocess.run([self.make_log, self.made], check=True)
        subprocess.run([self.make_log, work / "foreign"], check=True)
        self.ours = Tool("audit verify", [build / "bin/intelgraphd", "audit", "verify", "--data"])
        self.go = go_verifier(work)
        self.sigstore = sigstore_verifier()
        self.vkey = self.made / "vkey"
        self.receipts_vkey = self.made / "receipts-vkey"
        self.sha256 = self.subject(self.bundle())

    def copy(self, what: str) -> Path:
        """A copy of made/<what>."""
        self.count += 1
        place = self.work / f"copy-{self.count}"
        shutil.copytree(self.made / what, place)
        return place

    def store(self, *statements: str, of: str = "honest") -> Path:
        """A data folder whose store someone had in hands."""
        place = self.copy(f"{of}/data")
        with sqlite3.connect(place / "intelgraph.db") as store:
            for statement in statements:
                store.execute(statement)
        store.close()
        return place

    def heads(self, *names: str) -> Path:
        """intelgraph_audit.log as the Splunk side has it: lines with heads among others."""
        self.count += 1
        path = self.work / f"heads-{self.count}.log"
        lines = [{"time": "2026-11-23T10:00:00Z", "action": "handoff", "result": "waiting"}]
        lines += [{"action": "handoff", "checkpoint": (self.work / name).read_text("utf-8")}
                  for name in names]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return path

    def bundle(self, of: str = "made/honest", number: int = NUMBER) -> Bundle:
        text = (self.work / of / f"bundle-{number}.json").read_text("utf-8")
        return dict(json.loads(text))

    def put(self, bundle: Bundle) -> Path:
        self.count += 1
        path = self.work / f"bundle-{self.count}.json"
        path.write_text(json.dumps(bundle), "utf-8")
        return path

    @staticmethod
    def subject(bundle: Bundle) -> str:
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        return str(statement["subject"][0]["digest"]["sha256"])

    # --- one point each

    def ours_refuse(self, what: str, why: str, place: Path, heads: Path | None = None) -> None:
        words = ["--heads", heads] if heads else []
        self.ours.refuses(self.tap, f"refuses {what}", why, place, *words)

    def go_refuses(self, what: str, why: str, log: Path, *heads: Path, vkey: Path | None = None
                   ) -> None:
        self.go.refuses(self.tap, f"refuses {what}", why, log, vkey or self.vkey, *heads)

    def go_refuses_receipt(self, what: str, why: str, bundle: Bundle) -> None:
        self.go.refuses(self.tap, f"refuses a receipt {what}", why, "--bundle",
                        self.receipts_vkey, self.put(bundle), self.sha256)

    def sigstore_refuses(self, what: str, why: str, bundle: Bundle) -> None:
        self.sigstore.refuses(self.tap, f"refuses a receipt {what}", why, self.receipts_vkey,
                              self.put(bundle), "--handoff", NAME, "--sha256", self.sha256)


def entry(bundle: Bundle) -> dict[str, Any]:
    return dict(bundle["verificationMaterial"])["tlogEntries"][0]


def changed(text: str, old: bytes, new: bytes) -> str:
    """Base64 of what `text` is base64 of, with `old` replaced."""
    raw = base64.b64decode(text)
    assert old in raw
    return base64.b64encode(raw.replace(old, new, 1)).decode()


def honest(bench: Bench) -> None:
    log = bench.made / "honest/log"
    heads = [bench.made / f"head-{size}" for size in (1, 64, 250, 257)]
    names = [f"made/{head.name}" for head in heads]
    names += ["made/honest/log/checkpoint", "made/cut/receipts/checkpoint"]
    bench.ours.accepts(bench.tap, "takes the honest log and every head that was kept of it",
                       bench.made / "honest/data", "--heads", bench.heads(*names))
    plain = bench.work / "plain"
    plain.write_bytes(b"\n".join((bench.work / name).read_bytes() for name in names))
    bench.ours.accepts(bench.tap, "takes kept heads as plain checkpoints too",
                       bench.made / "honest/data", "--heads", plain)
    bench.go.accepts(bench.tap, "takes the honest log and every head", log, bench.vkey, *heads)
    bench.go.accepts(bench.tap, "takes the log of receipts", bench.made / "honest/receipts",
                     bench.receipts_vkey, bench.made / "cut/receipts/checkpoint")
    for place in ("made/honest", "made/cut"):
        bundle = bench.put(bench.bundle(place))
        bench.go.accepts(bench.tap, f"takes a receipt of {place}", "--bundle",
                         bench.receipts_vkey, bundle, bench.sha256)
        bench.sigstore.accepts(bench.tap, f"takes a receipt of {place}", bench.receipts_vkey,
                               bundle, "--handoff", NAME, "--sha256", bench.sha256)


def edit_of_record(bench: Bench) -> None:
    what = "whose log's record was edited"
    place = bench.store("UPDATE audit_entries SET entry = CAST(replace(entry, 'ann', 'bob') AS BLOB) "
                        "WHERE tenant = 'acme' AND idx = 123")
    bench.ours_refuse("an edited record", "record 123 does not match its stored hash", place)
    log = bench.copy("honest/log")
    tile = log / "tile/entries/000"
    raw = tile.read_bytes()
    tile.write_bytes(raw[:5000] + bytes([raw[5000] ^ 1]) + raw[5001:])
    bench.go_refuses("an edited record", "record [0-9]+ is not in the signed tree", log)
    bundle = bench.bundle()
    found = entry(bundle)
    found["canonicalizedBody"] = changed(found["canonicalizedBody"], b'"dsse"', b'"dsse" ')
    bench.go_refuses_receipt(what, "the entry is not in the signed tree", bundle)
    bench.sigstore_refuses(what, "calculated root hash does not match", bundle)


def edit_of_payload(bench: Bench) -> None:
    what = "whose payload was edited"
    place = bench.store("UPDATE audit_receipts SET statement = "
                        "CAST(replace(statement, '\"rows\":120000', '\"rows\":1') AS BLOB) "
                        f"WHERE handoff = '{NAME}'")
    bench.ours_refuse("an edited payload", "statement of receipt 7 is not the one that was logged",
                      place)
    bundle = bench.bundle()
    envelope = bundle["dsseEnvelope"]
    envelope["payload"] = changed(envelope["payload"], b"120000", b"000001")
    bench.go_refuses_receipt(what, "the envelope is not signed by this key", bundle)
    bench.sigstore_refuses(what, "DSSE payload hash mismatch|signature verification failed", bundle)


def wrong_index(bench: Bench) -> None:
    what = "with the index of another"
    place = bench.store("UPDATE audit_entries SET idx = 1000 WHERE tenant = 'acme' AND idx = 299")
    bench.ours_refuse("a record at a wrong index", "record 299 is missing", place)
    log = bench.copy("honest/log")
    tile = log / "tile/entries/000"
    raw = tile.read_bytes()
    first = 2 + int.from_bytes(raw[:2], "big")
    tile.write_bytes(raw[first:] + raw[:first])
    bench.go_refuses("records at wrong indexes", "record 0 is not in the signed tree", log)
    bundle = bench.bundle()
    entry(bundle)["logIndex"] = entry(bundle)["inclusionProof"]["logIndex"] = "6"
    bench.go_refuses_receipt(what, "the entry is not in the signed tree", bundle)
    bench.sigstore_refuses(what, "calculated root hash does not match", bundle)


def cut_tail(bench: Bench) -> None:
    cut = bench.made / "cut"
    newer = bench.heads("made/head-64", "made/head-250", "made/honest/log/checkpoint")
    bench.ours.accepts(bench.tap, "alone cannot tell that a log was cut", cut / "data")
    bench.ours_refuse("a cut log beside a kept head",
                      "line 4 of the heads knows 300 records, but the log's head counts 200: the "
                      "log was cut", cut / "data", newer)
    bench.go_refuses("a cut log beside a kept head", "log of 200 records is shorter than", cut / "log",
                     bench.made / "head-250")
    bundle = bench.bundle(number=180)
    older = bench.bundle("made/cut", 60)
    head = entry(older)["inclusionProof"]
    proof = entry(bundle)["inclusionProof"]
    cut_head = (bench.made / "cut/receipts/checkpoint").read_text("utf-8")
    proof["checkpoint"]["envelope"] = cut_head
    proof["treeSize"], proof["rootHash"] = head["treeSize"], head["rootHash"]
    bench.go_refuses_receipt("that a cut log does not hold", "not in the signed tree|is beyond the log",
                             bundle)
    bench.sigstore_refuses("that a cut log does not hold", "invalid (index|hash count)|root hash does",
                           bundle)


def reorder(bench: Bench) -> None:
    swap = "UPDATE audit_entries SET idx = {} WHERE tenant = 'acme' AND idx = {}"
    place = bench.store(swap.format(1000, 10), swap.format(10, 11), swap.format(11, 1000))
    bench.ours_refuse("two records that changed places", "record 10 does not match its stored hash",
                      place)
    log = bench.copy("honest/log")
    tile = log / "tile/entries/000"
    raw = tile.read_bytes()
    first = 2 + int.from_bytes(raw[:2], "big")
    second = first + 2 + int.from_bytes(raw[first:first + 2], "big")
    tile.write_bytes(raw[first:second] + raw[:first] + raw[second:])
    bench.go_refuses("two records that changed places", "record 0 is not in the signed tree", log)
    bundle = bench.bundle()
    entry(bundle)["inclusionProof"]["hashes"].reverse()
    bench.go_refuses_receipt("whose proof was reordered", "the entry is not in the signed tree",
                             bundle)
    bench.sigstore_refuses("whose proof was reordered", "calculated root hash does not match", bundle)


def rewritten(bench: Bench) -> None:
    place = bench.made / "rewritten"
    kept = bench.heads("made/head-64", "made/head-250")
    bench.ours.accepts(bench.tap, "alone cannot tell that the key's holder wrote the log anew",
                       place / "data")
    bench.ours_refuse("a log that the key's holder wrote anew beside a kept head",
                      "line 2 of the heads is another log's: its first 64 records were not the ones",
                      place / "data", kept)
    bench.go.accepts(bench.tap, "alone cannot tell that the key's holder wrote the log anew",
                     place / "log", bench.vkey)
    bench.go_refuses("a log that the key's holder wrote anew beside a kept head",
                     "is not the beginning of that of 300", place / "log", bench.made / "head-64")
    bundle = bench.bundle("made/rewritten")
    what = "that the key's holder wrote anew, beside the digest that was kept"
    bench.sigstore.accepts(bench.tap, "alone cannot tell a receipt that the key's holder wrote anew",
                           bench.receipts_vkey, bench.put(bundle))
    bench.go_refuses_receipt(what, "about other content than the one recorded", bundle)
    bench.sigstore_refuses(what, "about other content than the one recorded", bundle)


def forked(bench: Bench) -> None:
    kept = bench.heads("made/head-64", "made/forked/log/checkpoint")
    bench.ours_refuse("a log whose fork someone else was shown",
                      "line 3 of the heads is another log's: its first 300 records",
                      bench.made / "honest/data", kept)
    bench.go_refuses("a log whose fork someone else was shown", "is not the beginning",
                     bench.made / "honest/log", bench.made / "forked/log/checkpoint")
    bundle = bench.bundle()
    fork = (bench.made / "forked/receipts/checkpoint").read_text("utf-8")
    proof = entry(bundle)["inclusionProof"]
    proof["checkpoint"]["envelope"] = fork
    proof["rootHash"] = fork.splitlines()[2]
    bench.go_refuses_receipt("under a fork's head", "the entry is not in the signed tree", bundle)
    bench.sigstore_refuses("under a fork's head", "calculated root hash does not match", bundle)


def swapped_key(bench: Bench) -> None:
    place = bench.copy("honest/data")
    foreign = bench.work / "foreign"
    for name in ("audit.key", "audit.vkey"):
        shutil.copy(foreign / "honest/data" / name, place / name)
    bench.ours_refuse("a log whose key was swapped", "cannot go on with the key", place)
    bench.go_refuses("a log whose key was swapped", "no verifiable signatures",
                     bench.made / "honest/log", vkey=foreign / "vkey")
    for tool, words in ((bench.go, ["--bundle"]), (bench.sigstore, [])):
        tool.refuses(bench.tap, "refuses a receipt whose key was swapped",
                     "not signed by this key|key not found", *words, foreign / "receipts-vkey",
                     bench.put(bench.bundle()))


def old_checkpoint(bench: Bench) -> None:
    """The store's head is the one of 200 records, under all 300."""
    with sqlite3.connect(bench.made / "cut/data/intelgraph.db") as store:
        row = store.execute("SELECT size, root, edge, checkpoint FROM audit_heads "
                            "WHERE tenant = 'acme'").fetchone()
    size, root, edge, note = (value if isinstance(value, int) else value.hex() for value in row)
    place = bench.store(f"UPDATE audit_heads SET size = {size}, root = x'{root}', edge = x'{edge}', "
                        f"checkpoint = x'{note}' WHERE tenant = 'acme'")
    bench.ours_refuse("an old checkpoint", "record 200 is not covered by the signed head", place)
    bench.ours_refuse("an old checkpoint beside a kept head",
                      "line 2 of the heads knows 300 records.* an old checkpoint stands as the newest",
                      place, bench.heads("made/honest/log/checkpoint"))
    log = bench.copy("cut/log")
    bench.go_refuses("an old checkpoint beside a kept head", "is shorter than", log,
                     bench.made / "head-250")
    bundle = bench.bundle()
    proof = entry(bundle)["inclusionProof"]
    proof["checkpoint"]["envelope"] = (bench.made / "cut/receipts/checkpoint").read_text("utf-8")
    _, proof["treeSize"], proof["rootHash"] = proof["checkpoint"]["envelope"].splitlines()[:3]
    bench.go_refuses_receipt("with a new proof under an old checkpoint",
                             "the entry is not in the signed tree", bundle)
    bench.sigstore_refuses("with a new proof under an old checkpoint",
                           "invalid hash count|root hash does not match", bundle)


def foreign_log(bench: Bench) -> None:
    place = bench.store("DELETE FROM audit_heads WHERE tenant = 'acme'", "DELETE FROM audit_entries "
                        "WHERE tenant = 'acme'", "DELETE FROM audit_hashes WHERE tenant = 'acme'")
    other = bench.work / "foreign/honest/data/intelgraph.db"
    with sqlite3.connect(place / "intelgraph.db") as store:
        store.execute("ATTACH ? AS other", (str(other),))
        for table in ("audit_heads", "audit_entries", "audit_hashes"):
            store.execute(f"INSERT INTO {table} SELECT * FROM other.{table} WHERE tenant = 'acme'")
    store.close()
    bench.ours_refuse("a foreign log in the place of ours", "not signed by this log's key", place)
    bench.ours_refuse("heads of a foreign log", "line 2: the head of 300 records of acme is not signed",
                      bench.made / "honest/data", bench.heads("foreign/honest/log/checkpoint"))
    bench.go_refuses("a foreign log", "no verifiable signatures", bench.work / "foreign/honest/log")
    bundle = bench.bundle("foreign/honest")
    bench.go_refuses_receipt("of a foreign log", "not signed by this key", bundle)
    bench.sigstore_refuses("of a foreign log", "key not found", bundle)
    mixed = bench.bundle()
    mixed["verificationMaterial"]["tlogEntries"] = bundle["verificationMaterial"]["tlogEntries"]
    bench.sigstore_refuses("whose entry is a foreign log's", "invalid checkpoint signature", mixed)
    tenants = bench.bundle()
    records = (bench.made / "honest/log/checkpoint").read_text("utf-8")
    entry(tenants)["inclusionProof"]["checkpoint"]["envelope"] = records
    bench.sigstore_refuses("under the head of the log of records", "invalid checkpoint signature",
                           tenants)


KINDS: list[Callable[[Bench], None]] = [
    honest, edit_of_record, edit_of_payload, wrong_index, cut_tail, reorder, rewritten, forked,
    swapped_key, old_checkpoint, foreign_log,
]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ig-tampering-") as work:
        bench = Bench(Path(sys.argv[1]).resolve(), Path(work))
        for kind in KINDS:
            kind(bench)
        return bench.tap.end()


if __name__ == "__main__":
    sys.exit(main())
