"""Notices, end to end: webhooks as a foreign library verifies them, what is refused, and the sender itself."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from pathlib import Path

from splunkd.certs import make_certificates

from .notices import WAIT_S, NoticesCase


class NoticesTest(NoticesCase):
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
