"""Notices, end to end: webhooks as a foreign library verifies them, mail to a real server, what is refused."""

from __future__ import annotations

import email
import email.policy
import json
import queue
import sqlite3
import ssl
import subprocess
import threading
import time
import unittest
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from splunkd.certs import make_certificates
from verifiers.kit import webhook_verifier

from .harness import Answer, EndToEnd, Service, free_port, request, store_of

PYTHON = "/usr/bin/python3"  # Debian's own, which has Debian's packages
WAIT_S = 30.0


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: str


class Hooks:
    """A receiver of webhooks: /ok says 204, /503 says 503, /slow says nothing for long."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: queue.Queue[Call] = queue.Queue()
        self.says: dict[str, tuple[int, dict[str, str]]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.calls.put(Call(self.path, headers, body))
                if self.path == "/slow":
                    time.sleep(WAIT_S)
                    return
                status, more = outer.says.get(self.path, (204, {}))
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, path: str = "") -> Call:
        """The next call, to that path; those to others on the way are passed over."""
        deadline = time.monotonic() + WAIT_S
        while True:
            call = self.calls.get(timeout=max(0.1, deadline - time.monotonic()))
            if not path or call.path == path:
                return call

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def ask(service: Service, token: str, method: str, path: str, body: Any = None) -> Answer:
    raw = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"} if raw else {}
    return request(service.url + path, method, token, raw, headers)


class NoticesTest(EndToEnd):
    def serve(self, *options: str) -> Service:
        service: Service = self.own_service()
        service.options = list(options)
        service.start()
        self.served = service
        self.admin = service.token("acme", "admin")
        return service

    def hooks(self, tls: ssl.SSLContext | None = None) -> Hooks:
        hooks = Hooks(tls)
        self.addCleanup(hooks.close)
        return hooks

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Answer:
        return ask(self.served, token or self.admin, method, path, body)

    def recipient(self, to: str, kind: str = "webhook") -> Any:
        answer = self.ask("POST", "v1/recipients", {"kind": kind, "to": to, "name": "somebody"})
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json

    def tell(self, recipient: Any) -> str:
        answer = self.ask("POST", f"v1/recipients/{recipient['id']}/test")
        self.assertEqual(answer.status, 200, answer.text)
        return str(answer.json["message"])

    def delivery(self, recipient: Any, state: str, attempts: int = 0) -> Any:
        """The recipient's newest, when it has come to that state."""
        deadline = time.monotonic() + WAIT_S
        while True:
            all = self.ask("GET", "v1/deliveries").json["deliveries"]
            mine = [each for each in all if each["recipient"] == recipient["id"]]
            if mine and mine[0]["state"] == state and mine[0]["attempts"] >= attempts:
                return mine[0]
            self.assertLess(time.monotonic(), deadline, (mine, self.served.said()[-1500:]))
            time.sleep(0.05)

    def verify(self, secret: str, call: Call) -> tuple[int, str]:
        """What a library that is not ours says of it."""
        tool = webhook_verifier()
        if tool.missing:
            self.skipTest(tool.missing)
        given = {"secret": secret, "headers": call.headers, "body": call.body}
        done = subprocess.run(
            [str(word) for word in tool.words], input=json.dumps(given), text=True,
            capture_output=True, timeout=60, check=False,
        )
        return done.returncode, done.stdout.strip()

    # Webhooks

    def test_a_webhook_is_verified_by_the_standard_library(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.0/8")
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        self.assertRegex(to["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        message = self.tell(to)
        call = hooks.next()
        self.assertEqual(call.headers["webhook-id"], message)
        self.assertEqual(call.headers["content-type"], "application/json")
        self.assertEqual(self.verify(to["secret"], call), (0, "notify.test"))
        payload = json.loads(call.body)
        self.assertEqual(payload["tenant"], "acme")
        self.assertEqual(payload["data"], {"test": True})
        call.body = call.body.replace("acme", "acne")
        self.assertEqual(self.verify(to["secret"], call)[0], 1)
        done = self.delivery(to, "delivered", 1)
        self.assertEqual((done["status"], done["error"]), (204, ""))
        # The secret is told once, and never again: not in a list, a log or the record.
        for said in (self.ask("GET", "v1/recipients").text, self.served.said(),
                     self.ask("GET", "v1/audit/records").text):
            self.assertNotIn(to["secret"][6:], said)
        self.assertIn("recipient.created", self.ask("GET", "v1/audit/records").text)
        if not self.served.store:  # nor in the store: sealed under a key that lies beside it
            kept = b"".join(each.read_bytes() for each in self.served.data.glob("intelgraph.db*"))
            self.assertNotIn(to["secret"][6:].encode(), kept)
            self.assertIn(to["id"].encode(), kept)

    def test_a_replay_bears_the_same_id_and_both_secrets_sign_while_they_change(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.0/8")
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        message = self.tell(to)
        hooks.next()
        first = self.delivery(to, "delivered", 1)
        changed = self.ask("POST", f"v1/recipients/{to['id']}/secret").json
        self.assertNotEqual(changed["secret"], to["secret"])
        answer = self.ask("POST", f"v1/deliveries/{first['id']}/retry")
        self.assertEqual(answer.status, 200, answer.text)
        call = hooks.next()
        self.assertEqual(call.headers["webhook-id"], message)
        self.assertEqual(len(call.headers["webhook-signature"].split()), 2)
        for secret in (to["secret"], changed["secret"]):
            self.assertEqual(self.verify(secret, call), (0, "notify.test"))
        self.delivery(to, "delivered", 1)

    def test_what_fails_is_tried_again_and_410_ends_it(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.0/8")
        hooks.says["/flaky"] = (503, {})
        flaky = self.recipient(f"http://127.0.0.1:{hooks.port}/flaky")
        self.tell(flaky)
        one = hooks.next("/flaky")
        waiting = self.delivery(flaky, "waiting", 1)
        self.assertEqual((waiting["status"], waiting["error"]), (503, "it answered 503"))
        busy = self.ask("POST", f"v1/deliveries/{waiting['id']}/retry")
        self.assertEqual(busy.status, 409, busy.text)
        hooks.says["/flaky"] = (200, {})
        two = hooks.next("/flaky")  # some five seconds later
        self.assertEqual(one.headers["webhook-id"], two.headers["webhook-id"])
        self.assertEqual(one.body, two.body)
        self.delivery(flaky, "delivered", 2)
        hooks.says["/gone"] = (410, {})
        gone = self.recipient(f"http://127.0.0.1:{hooks.port}/gone")
        self.tell(gone)
        self.assertEqual(self.delivery(gone, "dead", 1)["status"], 410)
        listed = {each["id"]: each for each in self.ask("GET", "v1/recipients").json["recipients"]}
        self.assertEqual(listed[gone["id"]]["state"], "disabled")
        self.assertEqual(listed[gone["id"]]["disabled_why"], "it answered 410 Gone")
        self.assertEqual(self.ask("POST", f"v1/recipients/{gone['id']}/test").status, 409)
        self.assertIn("notify.dead", self.served.said())
        metrics = self.served.get("metrics").text
        self.assertRegex(metrics, r'intelgraphd_notices_total\{result="dead"\} 1\n')
        self.assertEqual(self.ask("POST", f"v1/recipients/{gone['id']}/enable").status, 200)
        self.assertEqual(self.ask("POST", f"v1/recipients/{gone['id']}/test").status, 200)

    def test_who_does_not_answer_holds_up_nobody(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.0/8")
        slow = [self.recipient(f"http://127.0.0.1:{hooks.port}/slow") for _ in range(5)]
        for each in slow:
            self.tell(each)
        for _ in slow:
            hooks.next("/slow")
        quick = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        began = time.monotonic()
        for _ in range(3):
            self.tell(quick)
        for _ in range(3):
            hooks.next("/ok")
        self.assertLess(time.monotonic() - began, 8)
        self.assertIn("15 s", self.delivery(slow[0], "waiting", 1)["error"])

    def test_a_certificate_that_is_not_trusted_gets_no_notice(self) -> None:
        folder = self.folder()
        make_certificates(folder / "good", "localhost", "DNS:localhost")
        make_certificates(folder / "other", "localhost", "DNS:localhost")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / "good/server.pem")
        false = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        false.load_cert_chain(folder / "other/server.pem")
        hooks, foreign = self.hooks(tls), self.hooks(false)
        self.serve(
            *("--outbound-ports", f"{hooks.port},{foreign.port}"),
            *("--outbound-allow", "127.0.0.1,::1"),
            *("--outbound-ca", str(folder / "good/cacert.pem")),
        )
        good = self.recipient(f"https://localhost:{hooks.port}/ok")
        bad = self.recipient(f"https://localhost:{foreign.port}/ok")
        named = self.recipient(f"https://127.0.0.1:{hooks.port}/ok")  # not what it is made out to
        for each in (good, bad, named):
            self.tell(each)
        self.delivery(good, "delivered", 1)
        self.assertRegex(self.delivery(bad, "waiting", 1)["error"], "(?i)certificate|signature")
        self.assertRegex(self.delivery(named, "waiting", 1)["error"], "(?i)certificate|subject")
        self.assertTrue(foreign.calls.empty())

    def test_private_and_metadata_addresses_are_not_called(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", f"{hooks.port},80")
        for url, why in (
            (f"http://127.0.0.1:{hooks.port}/ok", "private"),
            (f"https://localhost:{hooks.port}/ok", "private"),
            (f"https://[::ffff:127.0.0.1]:{hooks.port}/ok", "private"),
            (f"https://2130706433:{hooks.port}/ok", "private"),
            ("http://169.254.169.254:80/latest/meta-data", "never called"),
            ("https://127.0.0.1:81/", "--outbound-ports"),
        ):
            to = self.recipient(url)
            self.tell(to)
            said = self.delivery(to, "waiting", 1)
            self.assertEqual(said["status"], 0)
            self.assertIn(why, said["error"], url)
        self.assertTrue(hooks.calls.empty())

    def test_redirects_are_not_followed(self) -> None:
        hooks = self.hooks()
        self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.1")
        hooks.says["/to"] = (302, {"Location": f"http://127.0.0.1:{hooks.port}/from"})
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/to")
        self.tell(to)
        self.assertIn("redirects are not followed", self.delivery(to, "waiting", 1)["error"])
        self.assertEqual(hooks.next().path, "/to")
        self.assertTrue(hooks.calls.empty())

    # Mail

    def mail_server(self, *more: str) -> tuple[int, Path, queue.Queue[Any]]:
        if subprocess.run([PYTHON, "-c", "import aiosmtpd"], capture_output=True).returncode:
            self.skipTest("there is no aiosmtpd (Debian: python3-aiosmtpd)")
        folder = self.folder()
        make_certificates(folder / "mail", "localhost", "DNS:localhost")
        port = free_port()
        program = Path(__file__).with_name("mail_server.py")
        server = subprocess.Popen(
            [PYTHON, "-B", str(program), str(port), str(folder / "mail/server.pem"), *more],
            stdout=subprocess.PIPE, text=True,
        )
        mails: queue.Queue[Any] = queue.Queue()
        assert server.stdout

        def read() -> None:
            assert server.stdout
            for line in server.stdout:
                mails.put(json.loads(line))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def end() -> None:
            server.kill()
            server.wait()
            reader.join(5)
            assert server.stdout
            server.stdout.close()

        self.addCleanup(end)
        self.assertEqual(mails.get(timeout=WAIT_S), {"ready": port})
        return port, folder / "mail/cacert.pem", mails

    def test_mail_goes_by_starttls_with_a_credential(self) -> None:
        port, authority, mails = self.mail_server("robot:s3cret word")
        secret = self.folder() / "smtp"
        secret.write_text("robot:s3cret word\n", "utf-8")
        secret.chmod(0o600)
        self.serve(
            *("--outbound-ports", str(port), "--outbound-ca", str(authority)),
            *("--smtp", f"smtp://localhost:{port}", "--smtp-from", "intelgraph@corp.example"),
            *("--smtp-credential", str(secret)),
        )
        to = self.recipient("finance@corp.example", "email")
        self.assertNotIn("secret", to)
        message = self.tell(to)
        mail = mails.get(timeout=WAIT_S)
        self.assertEqual(mail["from"], "intelgraph@corp.example")
        self.assertEqual(mail["to"], ["finance@corp.example"])
        self.assertTrue(mail["tls"] and mail["authenticated"])
        parsed = email.message_from_string(mail["content"], policy=email.policy.default)
        self.assertEqual(parsed["Subject"], "IntelGraph: a test notice")
        self.assertEqual(parsed["Message-ID"], f"<{message}@corp.example>")
        self.assertEqual(parsed["Auto-Submitted"], "auto-generated")
        self.assertIn("whether notices reach you", parsed.get_content())
        self.delivery(to, "delivered", 1)
        # Never on a command line, which every user can read.
        words = Path(f"/proc/{self.served._child.pid}/cmdline").read_text() if self.served._child else ""
        self.assertNotIn("s3cret", words)
        self.assertNotIn("s3cret", self.served.said())

    def test_mail_that_cannot_be_is_told(self) -> None:
        port, authority, mails = self.mail_server()
        self.serve(
            *("--outbound-ports", str(port), "--outbound-ca", str(authority)),
            *("--smtp", f"smtp://localhost:{port}", "--smtp-from", "intelgraph@corp.example"),
        )
        never = self.recipient("never@corp.example", "email")
        later = self.recipient("later@corp.example", "email")
        for each in (never, later):
            self.tell(each)
        dead = self.delivery(never, "dead", 1)
        self.assertEqual(dead["status"], 550)
        self.assertEqual(self.delivery(later, "waiting", 1)["status"], 451)
        self.assertTrue(mails.empty())

    def test_addresses_that_could_forge_a_command_are_refused(self) -> None:
        self.serve()
        for to in ("a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example>", "A <a@b.example>", "a b@c.example"):
            answer = self.ask("POST", "v1/recipients", {"kind": "email", "to": to, "name": "x"})
            self.assertEqual((answer.status, answer.json["field"]), (400, "to"), to)
        for to in ("ftp://a.example/", "https://u:p@a.example/", "https://a.example/#x", "javascript:1"):
            answer = self.ask("POST", "v1/recipients", {"kind": "webhook", "to": to, "name": "x"})
            self.assertEqual((answer.status, answer.json["field"]), (400, "to"), to)

    # Anomalies, whose finding the tests of service/anomalies try: here is what people do with one

    def test_an_anomaly_is_acknowledged_once_and_on_record(self) -> None:
        service = self.serve()
        to = self.recipient("finance@corp.example", "email")
        wanted = {"sensitivity": "high", "recipients": [to["id"]]}
        settings = self.ask("GET", "v1/usage/anomaly-settings").json
        self.assertEqual(settings, {"sensitivity": "medium", "recipients": []})
        self.assertEqual(self.ask("PUT", "v1/usage/anomaly-settings", wanted).status, 200)
        self.assertEqual(self.ask("GET", "v1/usage/anomaly-settings").json, wanted)
        self.assertEqual(self.ask("GET", "v1/usage/anomalies").json, {"anomalies": [], "next": None})
        with sqlite3.connect(store_of(service)) as store:
            store.execute(
                "INSERT INTO anomalies VALUES ('acme', 1, 'connector.compute', 1795392000000000,"
                " 1795478400000000, 'above', 0, 7200000, 0, 3600000, 5125, -9999000, 'weekday', 8,"
                " 'connector', 'okta', 830000, 'open', 1795478400000000, NULL, NULL, NULL)"
            )
        (found,) = self.ask("GET", "v1/usage/anomalies?state=open").json["anomalies"]
        self.assertEqual(
            found,
            {
                **{"id": "ano_1", "meter": "connector.compute", "direction": "above"},
                **{"from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"},
                **{"quantity": "7200000", "shown": "2", "usual": "3600000", "usual_shown": "1"},
                **{"shown_unit": "hours", "z": "5.125", "robust_z": "-9999.000"},
                **{"baseline": "weekday", "days": 8, "state": "open"},
                "explained_by": {"dimension": "connector", "value": "okta", "share": "0.830"},
                "detected_at": "2026-11-24T00:00:00Z",
            },
        )
        path, why = "v1/usage/anomalies/ano_1/acknowledge", {"reason": "a load test"}
        other = service.token("other", "admin")
        self.assertEqual(self.ask("POST", path, why, other).status, 404)
        self.assertEqual(self.ask("GET", "v1/usage/anomalies", token=other).json["anomalies"], [])
        self.assertEqual(self.ask("POST", path, why).status, 200)
        self.assertEqual(self.ask("POST", path, why).status, 409)  # a double click
        (found,) = self.ask("GET", "v1/usage/anomalies").json["anomalies"]
        self.assertEqual((found["state"], found["reason"]), ("acknowledged", "a load test"))
        records = self.ask("GET", "v1/audit/records").text
        self.assertIn("ano_1: a load test", records)
        self.assertIn("anomaly.settings_changed", records)

    # The service

    def test_without_a_way_out_notices_wait_and_it_shows(self) -> None:
        service = self.serve()
        listed = self.ask("GET", "v1/recipients").json
        self.assertEqual((listed["webhooks"], listed["mail"]), (False, False))
        hooks = self.hooks()
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        self.tell(to)
        time.sleep(1)
        self.assertEqual(self.delivery(to, "waiting")["attempts"], 0)
        # Started with one, it delivers what waited.
        service.stop()
        service.options = ["--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.1"]
        service.start()
        self.delivery(to, "delivered", 1)
        listed = self.ask("GET", "v1/recipients").json
        self.assertEqual((listed["webhooks"], listed["mail"]), (True, False))

    def test_a_tenant_has_its_own_recipients(self) -> None:
        hooks = self.hooks()
        service = self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.1")
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        self.tell(to)
        self.delivery(to, "delivered", 1)
        other = service.token("other", "admin")
        self.assertEqual(self.ask("GET", "v1/recipients", token=other).json["recipients"], [])
        self.assertEqual(self.ask("GET", "v1/deliveries", token=other).json["deliveries"], [])
        for path in ("test", "secret", "enable"):
            self.assertEqual(self.ask("POST", f"v1/recipients/{to['id']}/{path}", token=other).status, 404)
        self.assertEqual(self.ask("DELETE", f"v1/recipients/{to['id']}", token=other).status, 404)
        self.assertEqual(self.ask("POST", "v1/deliveries/dlv_1/retry", token=other).status, 404)
        self.assertEqual(self.ask("DELETE", f"v1/recipients/{to['id']}").status, 200)
        self.assertEqual(self.ask("POST", "v1/deliveries/dlv_1/retry").status, 409)

    def test_the_sender_that_falls_is_started_again(self) -> None:
        hooks = self.hooks()
        service = self.serve("--outbound-ports", str(hooks.port), "--outbound-allow", "127.0.0.1")
        to = self.recipient(f"http://127.0.0.1:{hooks.port}/ok")
        child = service._child
        assert child
        (keeper,) = self.children(child.pid)
        (worker,) = self.children(keeper)
        subprocess.run(["kill", "-KILL", str(worker)], check=True)
        self.tell(to)
        hooks.next("/ok")
        self.delivery(to, "delivered", 1)
        self.assertIn("courier.ended", service.said())
        service.stop()
        deadline = time.monotonic() + WAIT_S
        while Path(f"/proc/{keeper}").exists():  # it ends with the service
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    @staticmethod
    def children(pid: int) -> list[int]:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(each) for each in text.split()]

    def test_options_that_cannot_work_are_refused_at_the_start(self) -> None:
        service = self.own_service()
        for words, says in (
            (["--outbound-ports", "https"], "port numbers"),
            (["--outbound-allow", "10.0.0.0/8"], "does nothing without --outbound-ports"),
            (["--outbound-ports", "443", "--outbound-allow", "corp.example"], "networks"),
            (["--outbound-ports", "443", "--smtp", "smtp://mail.example:587"], "--smtp-from"),
            (["--outbound-ports", "443", "--smtp", "smtp://mail.example:587", "--smtp-from", "a@b.example"],
             "not among --outbound-ports"),
            (["--outbound-ports", "587", "--smtp", "smtp://mail.example:587", "--smtp-from", "a"], "3 to 254"),
            (["--outbound-ports", "587", "--smtp", "smtp://mail.example:587", "--smtp-from", "a b@c"],
             "plain address"),
            (["--outbound-ports", "587", "--smtp", "http://mail.example:587", "--smtp-from", "a@b.c"],
             "smtps://HOST:PORT"),
        ):
            service.options = words
            child = service.spawn()
            self.assertNotEqual(child.wait(20), 0, words)
            self.assertIn(says, service.said())
            service.stop()
        open_file = self.folder() / "credential"
        open_file.write_text("a:b\n", "utf-8")
        open_file.chmod(0o644)
        service.options = ["--outbound-ports", "587", "--smtp", "smtp://mail.example:587", "--smtp-from",
                           "a@b.c", "--smtp-credential", str(open_file)]
        self.assertNotEqual(service.spawn().wait(20), 0)
        self.assertRegex(service.said(), "(?i)others|group|0600")
        service.stop()


if __name__ == "__main__":
    unittest.main()
