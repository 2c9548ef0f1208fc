#!/usr/bin/env python3
"""A running service before verifiers that we did not write: its logs over HTTP, its receipts. TAP.

intelgraphd serves a log of some hundred records (made by make_log) and one that grows here by real
hand-offs. x/mod reads both as any client would, with a token; openssl alone checks the checkpoint.
Usage: live.py BUILD_DIR
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
BUILD = Path(sys.argv[1]).resolve()
os.environ["IG_BUILD"] = str(BUILD)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from e2e.harness import Answer, Service, request  # noqa: E402
from e2e.test_service_http import Parcel  # noqa: E402
from kit import Tap, Tool, go_verifier, sigstore_verifier  # noqa: E402

HANDOFFS = 9
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410
IMMUTABLE = "private, max-age=31536000, immutable"


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_inclusion(index: int, size: int, leaf: bytes, hashes: list[bytes]) -> bytes:
    """RFC 9162 2.1.3.2."""
    at, last, root = index, size - 1, leaf
    for each in hashes:
        assert last > 0
        if at % 2 or at == last:
            root = node(each, root)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            root = node(root, each)
        at, last = at // 2, last // 2
    assert last == 0
    return root


def roots_of_consistency(older: int, newer: int, root: bytes, hashes: list[bytes]
                         ) -> tuple[bytes, bytes]:
    """RFC 9162 2.1.4.2, for older < newer."""
    path = ([root] if older & (older - 1) == 0 else []) + hashes
    at, last = older - 1, newer - 1
    while at % 2:
        at, last = at // 2, last // 2
    old = new = path[0]
    for each in path[1:]:
        assert last > 0
        if at % 2 or at == last:
            old, new = node(each, old), node(each, new)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            new = node(new, each)
        at, last = at // 2, last // 2
    assert last == 0
    return old, new


class Live:
    def __init__(self, work: Path) -> None:
        self.tap = Tap()
        self.work = work
        subprocess.run([BUILD / "tests/make_log", work / "made"], check=True)
        self.made = work / "made"
        self.service = Service(self.made / "honest/data")
        self.service.start()
        self.auditor = self.service.token("acme", role="auditor", name="eyes")
        self.go = go_verifier(work)
        self.sigstore = sigstore_verifier()
        self.heads: list[str] = []

    def get(self, path: str, token: str = "") -> Answer:
        return self.service.get(path, token or self.auditor)

    def put(self, name: str, content: bytes) -> Path:
        path = self.work / name
        path.write_bytes(content)
        return path

    def check(self, sentence: str, good: bool, said: object = "") -> None:
        self.tap.point(good, sentence, str(said))

    # --- the log of some hundred records

    def tiles(self) -> None:
        """The names, types and limits of C2SP tlog-tiles."""
        checkpoint = self.get("/v1/audit/log/checkpoint")
        size = int(checkpoint.text.splitlines()[1])
        self.check("the checkpoint is text that no cache keeps",
                   checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
                   and checkpoint.headers["cache-control"] == "no-store", checkpoint.headers)
        full = self.get("/v1/audit/log/tile/0/000")
        self.check("a full tile is 256 hashes, immutable, private, of bytes",
                   len(full.body) == 8192
                   and full.headers["content-type"] == "application/octet-stream"
                   and full.headers["cache-control"] == IMMUTABLE, full.headers)
        part = self.get(f"/v1/audit/log/tile/0/001.p/{size - 256}")
        self.check("the partial tile at the end is there under its width",
                   part.status == 200 and len(part.body) == 32 * (size - 256), part.status)
        less = self.get(f"/v1/audit/log/tile/0/001.p/{size - 257}")
        self.check("a narrower partial tile is the beginning of it",
                   less.status == 200 and part.body.startswith(less.body), less.status)
        above = self.get("/v1/audit/log/tile/1/000.p/1")
        self.check("the level above holds the root of a full tile", len(above.body) == 32)
        beyond = ["0/001", "0/002", f"0/001.p/{size - 255}", "1/000", "2/000.p/1", "entries/002.p/1"]
        found = [(name, self.get(f"/v1/audit/log/tile/{name}").status) for name in beyond]
        self.check("what is beyond the log is 404 and not kept by caches",
                   all(status == 404 for _, status in found)
                   and self.get("/v1/audit/log/tile/0/002").headers["cache-control"] == "no-store",
                   found)
        wrong = ["0/0", "0/000.p/0", "0/000.p/256", "00/000", "8/0/000", "0/x000/001", "-1/000",
                 "data/000", "0/000/", "64/000"]
        found = [(name, self.get(f"/v1/audit/log/tile/{name}").status) for name in wrong]
        self.check("what is no tile's name is 400", all(s == 400 for _, s in found), found)
        bare = request(f"{self.service.url}v1/audit/log/checkpoint")
        self.check("without a token there is no log", bare.status == 401, bare.status)

    def large(self) -> None:
        url = f"{self.service.url}v1/audit"
        key = self.put("vkey", self.get("/v1/audit/log/key").body)
        receipts = self.put("receipts-vkey", self.get("/v1/audit/receipts/key").body)
        self.check("the service gives the keys that were known before",
                   key.read_bytes() == (self.made / "vkey").read_bytes()
                   and receipts.read_bytes() == (self.made / "receipts-vkey").read_bytes())
        heads = sorted(self.made.glob("head-*"))
        self.go.accepts(self.tap, "takes the log over HTTP: each record, pairs of heads, kept heads",
                        f"{url}/log", key, *heads, INTELGRAPH_TOKEN=self.auditor)
        self.go.accepts(self.tap, "takes the log of receipts over HTTP", f"{url}/receipts", receipts,
                        INTELGRAPH_TOKEN=self.auditor)
        out = self.work / "exported"
        done = self.service.run("audit", "export", "--data", str(self.service.data), "--tenant",
                                "acme", "--out", str(out))
        self.check("the log is exported beside the running service", done.returncode == 0,
                   done.stderr)
        self.go.accepts(self.tap, "takes the same log as files", out, key, *heads)
        self.go.refuses(self.tap, "is refused with the token of a viewer", "403", f"{url}/log", key,
                        INTELGRAPH_TOKEN=self.service.token("acme", role="viewer", name="v"))

    def openssl(self) -> None:
        """The checkpoint by openssl alone, from what HTTP gives."""
        note = self.get("/v1/audit/log/checkpoint").body
        text, line = note.split(b"\n\n")
        signature = base64.b64decode(line.split()[-1])[4:]
        key = base64.b64decode(self.get("/v1/audit/log/key").text.strip().split("+", 2)[2])[1:]
        words = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                 str(self.put("key.der", SPKI + key)), "-rawin", "-sigfile",
                 str(self.put("signature", signature)), "-in"]
        tool = Tool("openssl", words)
        tool.accepts(self.tap, "alone takes the checkpoint that HTTP gives",
                     self.put("text", text + b"\n"))
        tool.refuses(self.tap, "alone refuses it with another size", "Failure",
                     self.put("forged", text.replace(b"\n3", b"\n4", 1) + b"\n"))

    def proofs(self) -> None:
        size = int(self.get("/v1/audit/log/checkpoint").text.splitlines()[1])
        roots = {}
        good = True
        for index in (0, 1, 255, 256, size - 1):
            reply = self.get(f"/v1/audit/records/{index}/proof?size={size}").json
            tile = self.get(f"/v1/audit/log/tile/0/{index // 256:03d}"
                            + ("" if index < 256 else f".p/{size - 256}")).body
            leaf = tile[32 * (index % 256):][:32]
            hashes = [base64.b64decode(each) for each in reply["hashes"]]
            roots[index] = root_of_inclusion(index, size, leaf, hashes)
        root = self.root(self.get("/v1/audit/log/checkpoint").text)
        good = set(roots.values()) == {root}
        self.check("inclusion proofs over HTTP lead to the signed root", good, roots)
        wrong = {}
        for name in ("head-1", "head-64", "head-250", "head-257"):
            kept = (self.made / name).read_text("utf-8")
            older = int(kept.splitlines()[1])
            reply = self.get(f"/v1/audit/consistency?from={older}&to={size}").json
            hashes = [base64.b64decode(each) for each in reply["hashes"]]
            if roots_of_consistency(older, size, self.root(kept), hashes) != (self.root(kept), root):
                wrong[name] = hashes
        self.check("consistency proofs over HTTP lead from each kept head to the signed root",
                   not wrong, wrong)
        asked = {"records/0/proof": 400, "records/x/proof?size=3": 400, "records/3/proof?size=3": 400,
                 f"records/0/proof?size={size + 1}": 404, "consistency?from=3": 400,
                 "consistency?from=3&to=2": 400, "consistency?from=0&to=2": 400,
                 f"consistency?from=1&to={size + 1}": 404, "records/-1/proof?size=3": 400,
                 "records/99999999999999999999/proof?size=3": 400}
        found = {path: self.get(f"/v1/audit/{path}").status for path in asked}
        self.check("a proof of what makes no sense is 400, beyond the log 404", found == asked, found)

    @staticmethod
    def root(checkpoint: str) -> bytes:
        return base64.b64decode(checkpoint.splitlines()[2])

    # --- a log that grows by hand-offs

    def handoffs(self) -> None:
        analyst = self.service.token("small", name="splunk")
        auditor = self.service.token("small", role="auditor", name="eyes")
        stranger = self.service.token("other", role="admin", name="stranger")
        sent = []
        for number in range(HANDOFFS):
            parcel = Parcel(self.service, "small", sid=f"1.{number}")
            reply = request(f"{self.service.url}v1/handoffs", "POST", analyst, parcel.whole(),
                            {"Content-Type": "application/x-ndjson"})
            assert reply.status == 201, reply.text
            self.heads.append(str(reply.json["checkpoint"]))
            sent.append((parcel.id, str(reply.json["content_sha256"])))
        url = f"{self.service.url}v1/audit"
        key = self.put("small-vkey", self.get("/v1/audit/log/key", auditor).body)
        receipts = self.put("small-receipts-vkey", self.get("/v1/audit/receipts/key", auditor).body)
        heads = [self.put(f"small-head-{number}", head.encode())
                 for number, head in enumerate(self.heads)]
        self.go.accepts(self.tap, "takes a small log, all pairs of heads, and each receipt's head",
                        f"{url}/log", key, *heads, INTELGRAPH_TOKEN=auditor)
        self.go.accepts(self.tap, "takes its log of receipts", f"{url}/receipts", receipts,
                        INTELGRAPH_TOKEN=auditor)
        for number in (0, HANDOFFS // 2, HANDOFFS - 1):
            handoff, digest = sent[number]
            path = f"/v1/handoffs/{handoff}/receipt.sigstore.json"
            reply = self.get(path, analyst)
            bundle = self.put(f"bundle-{number}.json", reply.body)
            self.go.accepts(self.tap, f"takes the bundle of hand-off {number + 1}", "--bundle",
                            receipts, bundle, digest)
            self.sigstore.accepts(self.tap, f"takes the bundle of hand-off {number + 1}", receipts,
                                  bundle, "--handoff", handoff, "--sha256", digest)
            if number == 0:
                self.check("the bundle has the type that Sigstore gave it",
                           reply.headers["content-type"]
                           == "application/vnd.dev.sigstore.bundle.v0.3+json", reply.headers)
                payload = json.loads(base64.b64decode(
                    json.loads(reply.body)["dsseEnvelope"]["payload"]))
                record = self.get("/v1/audit/records?limit=500", auditor).json["records"]
                index = payload["predicate"]["audit_index"]
                named = [each["record"] for each in record if each["index"] == index]
                self.check("the statement names the record of the commit",
                           len(named) == 1 and named[0]["handoff"] == handoff
                           and named[0]["counts"] == payload["predicate"]["counts"], payload)
                refused = self.get(path, stranger)
                unknown = self.get(path.replace(handoff, "0" * 32), stranger)
                self.check("to another tenant it is as if there was no such hand-off",
                           refused.status == 404 and refused.body == unknown.body, refused.text)

    def kept_heads(self) -> None:
        """What the Splunk side wrote down, against the store."""
        lines = [json.dumps({"action": "handoff", "checkpoint": head}) for head in self.heads]
        kept = self.put("intelgraph_audit.log", "".join(f"{line}\n" for line in lines).encode())
        words = ["audit", "verify", "--data", str(self.service.data), "--heads", str(kept)]
        done = self.service.run(*words)
        self.check("audit verify finds every head of the receipts in the log, beside the service",
                   done.returncode == 0
                   and f"extends {HANDOFFS} kept heads" in done.stdout, done.stdout + done.stderr)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ig-live-") as work:
        live = Live(Path(work))
        try:
            for part in (live.tiles, live.large, live.openssl, live.proofs, live.handoffs,
                         live.kept_heads):
                part()
        finally:
            code = live.service.stop()
        live.check("the service stopped in good order", code == 0, live.service.said())
        return live.tap.end()


if __name__ == "__main__":
    sys.exit(main())
