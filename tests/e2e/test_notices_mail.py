"""Notices by mail, to a real server: STARTTLS, the credential, what cannot be delivered."""

from __future__ import annotations

import email
import email.policy
import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

from splunkd.certs import make_certificates

from .harness import free_port
from .notices import WAIT_S, NoticesCase

PYTHON = "/usr/bin/python3"  # Debian's own, which has Debian's packages


class MailTest(NoticesCase):
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
