"""The service by itself, spoken to in HTTP by a client that shares no code with the app."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from .harness import Answer, EndToEnd, Service, request

COMMAND = "ighandoff"


def handoff_id(tenant: str, sid: str, command: str, target: str) -> str:
    """As libs/wire/handoff.h writes it down."""
    digest = hashlib.sha256()
    for text in (tenant, sid, command, target):
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:32]


class Parcel:
    """A hand-off as NDJSON: two addresses and what is between them, unless told otherwise."""

    def __init__(self, service: Service, tenant: str, sid: str = "1.1", **more: Any) -> None:
        self.id = handoff_id(tenant, sid, COMMAND, service.url)
        self.head = {
            "version": 1,
            "id": self.id,
            "tenant": tenant,
            "sid": sid,
            "command": COMMAND,
            "target": service.url,
            "title": "By hand",
            "user": "mara",
            "app": "search",
            "search_sha256": "0" * 64,
            "client": "test/1",
            "parts": 1,
            **more,
        }
        self.items: list[dict[str, Any]] = [
            {"entity": {"kind": "ip", "value": "10.0.0.1", "count": 2, "fields": ["src_ip"]}},
            {"entity": {"kind": "domain", "value": "c2.example", "count": 2, "fields": ["query"]}},
            {"relation": {"type": "queries", "from": 0, "to": 1, "count": 2}},
        ]
        self.commit: dict[str, Any] = {}

    def item_lines(self) -> bytes:
        return b"".join(line(item) for item in self.items)

    def commit_line(self) -> bytes:
        counts = {
            "rows": 2,
            "entities": sum("entity" in item for item in self.items),
            "relations": sum("relation" in item for item in self.items),
            "values": 4,
            "placeholders": 0,
            "invalid": 0,
            "entities_left_out": 0,
            "relations_left_out": 0,
            "content_sha256": hashlib.sha256(self.item_lines()).hexdigest(),
        }
        return line({"commit": {**counts, **self.commit}})

    def whole(self) -> bytes:
        return line({"handoff": self.head}) + self.item_lines() + self.commit_line()


def line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode() + b"\n"


class HttpTest(EndToEnd):
    tenants = 0

    def setUp(self) -> None:
        HttpTest.tenants += 1
        self.tenant = f"http{HttpTest.tenants}"
        self.token = self.service.token(self.tenant)

    def parcel(self, **more: Any) -> Parcel:
        return Parcel(self.service, self.tenant, **more)

    def send(self, method: str, path: str, body: bytes, zipped: bool = True) -> Answer:
        headers = {"Content-Type": "application/x-ndjson"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        return request(self.service.url + path, method, self.token, body, headers)

    def post(self, body: bytes, zipped: bool = True) -> Answer:
        return self.send("POST", "v1/handoffs", body, zipped)

    def problem(self, answer: Answer, status: int, *words: str) -> None:
        """A problem of RFC 9457 that says what is wrong."""
        self.assertEqual(answer.status, status, answer.text[:300])
        self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"))
        told = answer.json
        self.assertEqual(told["status"], status)
        self.assertTrue(told["type"] and told["title"])
        for word in words:
            self.assertRegex(json.dumps(told), word)


class HandoffWireTest(HttpTest):
    def test_a_small_one_in_one_request_gets_its_receipt(self) -> None:
        for zipped in (True, False):
            parcel = self.parcel(sid=f"1.{zipped}")
            answer = self.post(parcel.whole(), zipped)
            self.assertEqual(answer.status, 201, answer.text)
            receipt = answer.json
            self.assertEqual(receipt["id"], parcel.id)
            self.assertEqual(receipt["link"], f"{self.service.url}open/handoffs/{parcel.id}")
            counts = (receipt["entities_new"], receipt["entities_merged"])
            self.assertEqual(counts, (2, 0) if zipped else (0, 2))

    def test_sent_again_it_gets_the_first_receipt(self) -> None:
        parcel = self.parcel()
        first = self.post(parcel.whole())
        again = self.post(parcel.whole())
        self.assertEqual((first.status, again.status), (201, 200))
        self.assertEqual((again.json["duplicate"], again.json["same_content"]), (True, True))
        self.assertEqual(again.json["audit_index"], first.json["audit_index"])
        parcel.items.pop()
        other = self.post(parcel.whole())
        self.assertEqual((other.status, other.json["same_content"]), (200, False))

    def test_in_parts_in_any_order_and_more_than_once(self) -> None:
        parcel = self.parcel(parts=2)
        head = line({"handoff": parcel.head})
        path = f"v1/handoffs/{parcel.id}"
        self.assertEqual(self.post(head).status, 202)
        one, two = line(parcel.items[0]), b"".join(map(line, parcel.items[1:]))
        for number, part in ((2, two), (1, one), (2, two)):
            answer = self.send("PUT", f"{path}/parts/{number}", part)
            self.assertEqual(answer.status, 204, answer.text)
        answer = self.send("POST", f"{path}/commit", parcel.commit_line())
        self.assertEqual(answer.status, 201, answer.text)
        self.assertEqual(answer.json["relations_new"], 1)

    def test_a_commit_with_a_part_missing_is_refused_and_can_be_mended(self) -> None:
        parcel = self.parcel(parts=2)
        path = f"v1/handoffs/{parcel.id}"
        self.post(line({"handoff": parcel.head}))
        self.send("PUT", f"{path}/parts/1", line(parcel.items[0]))
        answer = self.send("POST", f"{path}/commit", parcel.commit_line())
        self.assertIn(answer.status, (400, 409), answer.text)
        rest = b"".join(map(line, parcel.items[1:]))
        self.send("PUT", f"{path}/parts/2", rest)
        self.assertEqual(self.send("POST", f"{path}/commit", parcel.commit_line()).status, 201)

    def test_a_body_that_is_not_what_it_says_is_a_problem(self) -> None:
        good = self.parcel().whole()
        head = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        url = self.service.url + "v1/handoffs"
        self.problem(request(url, "POST", self.token, b"no gzip at all", head), 400)
        self.problem(request(url, "POST", self.token, gzip.compress(good)[:-9], head), 400)
        wrong = {
            b"": 400,
            b"\n": 400,
            b"{}": 400,
            b"[1,2]\n": 400,
            b"\xff\xfe\n": 400,
            b"{" * 5000: 400,
            good[:-40]: 400,
            good + good: 400,
            good.replace(b'"version":1', b'"version":9'): 400,
            good.replace(b'"kind":"ip"', b'"kind":"ipp"'): 400,
            good.replace(b"10.0.0.1", b"10.0.0.999"): 400,
            good.replace(b'"from":0', b'"from":7'): 400,
            good.replace(b'"count":2', b'"count":-2'): 400,
            good.replace(b'"title"', b'"titel"'): 400,
        }
        for body, status in wrong.items():
            with self.subTest(body[:80]):
                self.problem(self.post(body), status)
        self.assertEqual(self.service.handoffs(self.token), [])
        self.assertEqual(self.post(good).status, 201)

    def test_a_content_digest_or_count_that_does_not_hold_is_refused(self) -> None:
        for lie in ({"content_sha256": "f" * 64}, {"entities": 3}, {"relations": 0}):
            parcel = self.parcel()
            parcel.commit = lie
            self.problem(self.post(parcel.whole()), 400, next(iter(lie)).split("_")[0])
        self.assertEqual(self.service.handoffs(self.token), [])

    def test_an_id_that_is_not_the_hash_of_what_it_stands_for_is_refused(self) -> None:
        parcel = self.parcel()
        parcel.head["id"] = "0" * 32
        self.problem(self.post(parcel.whole()), 400, "id")

    def test_a_body_over_the_limit_is_refused_also_when_it_is_small_on_the_wire(self) -> None:
        bomb = gzip.compress(b"\n" * (64 << 20))
        head = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        answer = request(self.service.url + "v1/handoffs", "POST", self.token, bomb, head)
        self.problem(answer, 413)

    def test_another_tenants_name_in_the_head_is_denied(self) -> None:
        other = Parcel(self.service, "somebody-else")
        self.problem(self.post(other.whole()), 403, "tenant")

    def test_the_same_search_of_two_tenants_is_two_handoffs(self) -> None:
        self.assertEqual(self.post(self.parcel().whole()).status, 201)
        tenant = f"{self.tenant}b"
        self.token = self.service.token(tenant)
        answer = self.post(Parcel(self.service, tenant).whole())
        self.assertEqual((answer.status, answer.json["entities_new"]), (201, 2))


class ApartTest(HttpTest):
    def test_nothing_of_one_tenant_is_seen_by_another(self) -> None:
        parcel = self.parcel()
        self.post(parcel.whole())
        stranger = self.service.token(f"{self.tenant}b", role="admin", name="stranger")
        for path in ("", "/graph", "/entities", "/receipt"):
            answer = self.service.get(f"v1/handoffs/{parcel.id}{path}", stranger)
            self.problem(answer, 404)
        self.assertEqual(self.service.get(f"open/handoffs/{parcel.id}", stranger).status, 404)
        self.assertEqual(self.service.handoffs(stranger), [])
        put = f"{self.service.url}v1/handoffs/{parcel.id}/parts/1"
        self.assertEqual(request(put, "PUT", stranger, b"x").status, 404)

    def test_each_role_may_do_what_its_name_says(self) -> None:
        parcel = self.parcel()
        self.post(parcel.whole())
        may = {
            "viewer": (200, 403, 403, 403),
            "analyst": (200, 200, 403, 403),
            "auditor": (200, 403, 200, 403),
            "admin": (200, 200, 200, 200),
        }
        for role, wanted in may.items():
            self.token = self.service.token(self.tenant, role=role, name=role)
            got = (
                self.service.get("v1/handoffs", self.token).status,
                self.post(parcel.whole()).status,
                self.service.get("v1/audit/records", self.token).status,
                self.service.get("v1/tokens", self.token).status,
            )
            self.assertEqual(got, wanted, role)

    def test_without_a_credential_nothing_but_the_public_routes_answers(self) -> None:
        for path in ("v1/handoffs", "v1/tokens", "v1/audit/records", "v1/session"):
            self.problem(self.service.get(path), 401)
        for path in ("healthz", "readyz", "metrics", "openapi.yaml", "signin"):
            self.assertEqual(self.service.get(path).status, 200, path)

    def test_a_token_is_stored_hashed_only(self) -> None:
        secret = self.token.rsplit("_", 1)[-1].encode()
        self.service.get("v1/session", self.token)
        files = [path for path in self.service.data.rglob("*") if path.is_file()]
        self.assertTrue(files)
        for path in files:
            self.assertNotIn(secret, path.read_bytes(), path.name)
        self.assertNotIn(secret.decode(), self.service.said())


class SurfaceTest(HttpTest):
    def test_every_reply_carries_the_security_headers(self) -> None:
        for path in ("handoffs", "signin", "healthz", "v1/handoffs", "nowhere"):
            headers = self.service.get(path, self.token).headers
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_the_metrics_are_prometheus_text(self) -> None:
        text = self.service.get("metrics").text
        for row in text.splitlines():
            self.assertRegex(row, r"^(#.*|[a-z0-9_]+(\{[^}]*\})? [0-9.e+-]+)$")
        self.assertIn("# TYPE", text)

    def test_every_route_of_the_openapi_document_exists(self) -> None:
        text = self.service.get("openapi.yaml").text
        self.assertIn("openapi: 3.1", text.replace('"', ""))
        paths = [row.strip().strip("\"':") for row in text.splitlines() if row.startswith("  /")]
        self.assertGreater(len(paths), 8)
        admin = self.service.token(self.tenant, role="admin", name="admin")
        for path in paths:
            concrete = path.replace("{id}", "0" * 32).replace("{n}", "1").split("{")[0]
            answer = self.service.get(concrete, admin)
            told = answer.text if answer.status == 404 else ""
            self.assertNotRegex(told, "(?i)no such (route|page|resource)", path)

    def test_a_session_is_made_of_a_token_and_guards_against_forged_requests(self) -> None:
        url = self.service.url + "v1/session"
        body = json.dumps({"token": self.token}).encode()
        made = request(url, "POST", "", body, {"Content-Type": "application/json"})
        self.assertEqual(made.status, 204, made.text)
        cookie = made.headers["set-cookie"]
        for word in ("HttpOnly", "SameSite=Lax"):
            self.assertIn(word, cookie)
        head = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(request(url, headers=head).json["tenant"], self.tenant)
        self.assertEqual(request(url, "DELETE", headers=head).status, 403)
        foreign = {**head, "X-IntelGraph-CSRF": "1", "Origin": "https://evil.test"}
        self.assertEqual(request(url, "DELETE", headers=foreign).status, 403)
        own = {**head, "X-IntelGraph-CSRF": "1"}
        self.assertEqual(request(url, "DELETE", headers=own).status, 204)
        self.assertEqual(request(url, headers=head).status, 401)

    def test_token_create_refuses_what_cannot_be_with_a_sentence(self) -> None:
        words = ["token", "create", "--data", str(self.service.data), "--tenant", "t"]
        for more in (["--role", "king", "--name", "n"], ["--role", "viewer"], ["--rolle", "x"]):
            done = self.service.run(*words, *more)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stdout, "")
            self.assertGreater(len(done.stderr.split()), 4)


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = merkle_root(leaves[:split]), merkle_root(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


class LogTest(HttpTest):
    """The audit log, recomputed by these lines alone."""

    def test_the_signed_head_is_the_root_of_the_entries(self) -> None:
        for number in range(5):
            self.post(self.parcel(sid=f"1.{number}").whole())
        auditor = self.service.token(self.tenant, role="auditor", name="auditor")
        get = self.service.get
        note = get("v1/audit/log/checkpoint", auditor).text
        origin, size, root = note.split("\n")[:3]
        self.assertEqual(origin, f"intelgraphd/{self.tenant}")
        bundle = get(f"v1/audit/log/tile/entries/000.p/{size}", auditor).body
        entries = []
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        self.assertEqual(len(entries), int(size))
        self.assertEqual(base64.b64encode(merkle_root(entries)).decode(), root)
        key = get("v1/audit/log/key", auditor).text.strip()
        self.check_signature(note, key)

    def check_signature(self, note: str, vkey: str) -> None:
        """By the openssl program; the key line is name+hash+base64(1 byte type, 32 bytes key)."""
        text, _, signature = note.partition("\n\n")
        raw_key = base64.b64decode(vkey.split("+", 2)[2])
        self.assertEqual((raw_key[0], len(raw_key)), (1, 33))
        raw = base64.b64decode(signature.strip().rsplit(" ", 1)[1])
        self.assertEqual(raw[:4].hex(), vkey.split("+")[1])
        folder: Path = self.folder()
        prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519
        (folder / "key").write_bytes(prefix + raw_key[1:])
        (folder / "text").write_bytes(text.encode() + b"\n")
        (folder / "sig").write_bytes(raw[4:])
        words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-keyform", "DER"]
        words += ["-rawin", "-in", "text", "-sigfile", "sig"]
        try:
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            self.skipTest("the program openssl is not there")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
