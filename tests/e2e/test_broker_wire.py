"""The broker's own wire, splunkd's certificate, and that no secret is where it does not belong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from splunkd.certs import make_certificates
from splunkd.persist import BLOCK, END, PersistProcess, encode_request, find_handlers
from splunkd.process import environment

from .search_head import PASSWORDS, BrokerCase


class BrokerWireTest(BrokerCase):
    # splunkd and its certificate

    def test_a_certificate_of_the_admins_own_is_verified_by_its_name_and_authority(self) -> None:
        for name, alternatives in (
            ("sh1.corp.example", ""),
            ("sh2.corp.example", "DNS:sh2.corp.example"),
            ("127.0.0.1", "IP:127.0.0.1"),
        ):
            with self.subTest(name):
                head = self.head(certificate=(name, alternatives))
                result = head.search("mara")
                self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be")
                head.verify(certificate_name=name)
                self.says(head.search("mara"), "handed off")

    def test_a_certificate_of_another_authority_is_not_trusted(self) -> None:
        head = self.head()
        make_certificates(head.splunk.home / "etc/other")
        head.verify(ca_file="$SPLUNK_HOME/etc/other/cacert.pem")
        result = head.search("mara")
        self.done(result)
        self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be trusted")
        head.verify(ca_file="$SPLUNK_HOME/etc/none.pem")
        self.says(head.search("mara"), "splunkd cannot be asked: .splunkd. ca_file .*none.pem")
        self.assertEqual(head.rest.log, [], "nothing was asked of it")

    def test_another_name_than_the_admins_is_not_trusted(self) -> None:
        head = self.head()
        head.verify(certificate_name="some.other.name")
        result = head.search("mara")
        self.done(result)
        self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be trusted")
        self.assertEqual(head.rest.log, [], "nothing was asked of it")

    # The wire

    def test_a_request_cut_anywhere_gets_no_token_and_ends_the_process(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        whole = encode_request(handler, self.request(head, "mara"))
        step = max(1, len(whole) // 23)
        for length in [*range(1, len(whole), step), len(whole) - 1]:
            with self.subTest(length):
                said: list[str] = []
                process = PersistProcess(handler, head.splunk.home, said)
                process.send(whole[:length])
                process.child.stdin.close()  # type: ignore[union-attr]
                answer = json.loads(process.receive())
                self.assertEqual(answer["status"], 400)
                self.assertRegex(answer["payload"]["error"], "the input ends within")
                self.assertEqual((process.close(), said), (1, []))

    def test_requests_sent_together_are_answered_one_after_the_other(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        process = PersistProcess(handler, head.splunk.home, [])
        one = encode_request(handler, self.request(head, "mara"))
        two = encode_request(handler, self.request(head, "joe"), BLOCK | END)
        process.send(one + b"\n" + two + one)
        statuses = [json.loads(process.receive())["status"] for _ in range(3)]
        self.assertEqual(statuses, [200, 403, 200])
        self.assertEqual(process.close(), 0)

    def test_what_is_no_request_is_answered_with_a_sentence(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        good = self.request(head, "mara")
        for change, words in (
            ({"session": None}, "did not say who calls"),
            ({"session": {"user": "mara", "authtoken": "nonsense"}}, "does not know this session"),
            ({"system_authtoken": ""}, "passSystemAuth = true"),
            ({"server": {}}, "did not say where it listens"),
            ({"server": {"rest_uri": "http://192.0.2.1:8089"}}, "cannot be asked"),
            ({"form": "scope=handoff"}, "form is no list"),
        ):
            with self.subTest(change):
                process = PersistProcess(handler, head.splunk.home, [])
                reply = process.exchange(encode_request(handler, {**good, **change}))
                answer = json.loads(reply)
                self.assertNotEqual(answer["status"], 200)
                self.assertRegex(answer["payload"]["error"], words)
                self.assertEqual(process.close(), 0)

    # Secrets

    def test_no_secret_is_in_arguments_environment_logs_errors_or_search_text(self) -> None:
        head = self.head()
        seen: list[str] = []
        stop = threading.Event()

        def watch() -> None:
            """What every process of this machine's user shows of itself."""
            while not stop.wait(0.002):
                for folder in Path("/proc").iterdir():
                    if folder.name.isdigit():
                        for name in ("cmdline", "environ"):
                            try:
                                seen.append((folder / name).read_text("utf-8", "replace"))
                            except OSError:
                                continue

        watcher = threading.Thread(target=watch)
        watcher.start()
        good = head.search("mara")
        head.service.token(head.tenant, role="viewer", name="viewer")
        token = head.ask("mara").json["token"]
        failed = [head.search("joe"), head.search("mara", "ighandoff instance=nosuch")]
        self.revoke(head, head.secret)
        failed.append(head.search("mara"))
        head.rest.store_password(PASSWORDS, "default", "igt_" + "9" * 300)
        answers = [head.ask("mara", renew="true").text]
        stop.set()
        watcher.join()
        secrets = {head.secret, head.secret.split("_")[2], token.split("_")[2], "9" * 300}
        secrets |= set(head.rest.users.sessions) | {head.rest.users.system_key}
        texts = ["".join(set(seen)), head.service.said(), *answers, *head.rest.persist.stderr]
        for result in (good, *failed):
            texts += [*result.texts(), *result.log, json.dumps(result.rows)]
            texts += [json.dumps(each.reply_meta) for each in result.exchanges]
        for file in (head.splunk.home / "var").rglob("*"):
            if file.is_file():
                texts.append(file.read_text("utf-8", "backslashreplace"))
        everything = "\n".join(texts)
        self.assertIn("broker", everything)
        for secret in secrets:
            self.assertNotIn(secret, everything)

    def test_the_programs_memory_is_closed_to_others_and_leaves_no_core(self) -> None:
        """As a user of its own: to root everything is root's."""
        folder = Path(tempfile.mkdtemp(prefix="ig-memory-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        splunk = self.head().splunk
        apps = splunk.home / "etc/apps"
        shutil.copytree(apps, folder / "etc/apps")
        program = folder / "etc/apps" / Path(splunk.command().program).relative_to(apps)
        for word in ("broker", "ighandoff"):
            with self.subTest(word):
                child = subprocess.Popen(
                    [str(program), word],
                    stdin=subprocess.PIPE,  # open and empty: it waits, so there is a memory
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=folder,
                    env=environment(folder),
                    user=65534 if os.getuid() == 0 else None,
                )
                self.addCleanup(child.communicate)
                until(lambda child=child: closed(Path(f"/proc/{child.pid}")))
                self.assertIsNone(child.poll(), "it waits for its first line")


def closed(process: Path) -> bool:
    """No core, and not dumpable: such a memory belongs to root, nobody else may read it."""
    limits = (process / "limits").read_text("ascii")
    no_core = re.search(r"Max core file size +0 +0 ", limits) is not None
    return no_core and os.stat(process / "mem").st_uid == 0


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Ask again until it holds; a program needs a moment to begin."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to hold within {seconds} s")
        time.sleep(0.01)
