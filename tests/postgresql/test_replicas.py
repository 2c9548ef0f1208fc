"""Two services on one server: nothing lost, nothing twice, one audit log."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from e2e.harness import STORE, Answer, Service, new_store, request
from e2e.test_service_http import Parcel

SERVER = os.environ.get("IG_TEST_SERVER", "")  # its data folder
PG_CTL = "/usr/lib/postgresql/15/bin/pg_ctl"
TENANT = "acme"
WRITERS = 4  # of each service
EACH = 12  # hand-offs of a writer
PATIENCE_S = 30.0


def restart_server(how: str) -> None:
    """`immediate` is a crash: the server recovers from its log."""
    words = [PG_CTL, "-D", SERVER, "-m", how, "-w", "-t", "60", "-l", f"{SERVER}/../log", "restart"]
    owner = Path(SERVER).stat()
    mine = owner.st_uid == os.geteuid()
    subprocess.run(
        words,
        check=True,
        stdout=subprocess.DEVNULL,
        user=None if mine else owner.st_uid,
        group=None if mine else owner.st_gid,
        extra_groups=None if mine else [],
        timeout=90,
    )


@unittest.skipUnless(STORE, "needs a server: tests/postgresql/run")
class ReplicasTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ig-replicas-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = new_store()
        self.one = self.replica("one")
        self.token = self.one.token(TENANT, "admin")
        self.two = self.replica("two")

    def replica(self, name: str) -> Service:
        """All have the first one's signing key."""
        service = Service(self.folder / name, store=self.store)
        if name != "one":
            service.data.mkdir(0o700)
            for key in ("audit.key", "audit.vkey"):
                shutil.copy2(self.folder / "one" / key, service.data / key)
        service.start()
        self.addCleanup(service.stop)
        return service

    def parcel(self, name: str) -> Parcel:
        """Both services take it for the same: the address that was meant is part of its id."""
        parcel = Parcel(self.one, TENANT, sid=name)
        parcel.items[1]["entity"]["value"] = f"{name.replace('.', '-')}.example"
        return parcel

    def send(self, service: Service, parcel: Parcel) -> Answer:
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        body = gzip.compress(parcel.whole())
        return request(service.url + "v1/handoffs", "POST", self.token, body, headers)

    def deliver(self, services: list[Service], parcel: Parcel) -> Answer:
        """As the outbox does: again, and elsewhere, until it is taken."""
        deadline = time.monotonic() + PATIENCE_S
        turn = 0
        while True:
            try:
                answer = self.send(services[turn % len(services)], parcel)
                if answer.status in (200, 201):
                    return answer
                said = f"{answer.status} {answer.text[:300]}"
            except OSError as error:
                said = str(error)
            if time.monotonic() > deadline:
                raise AssertionError(said)
            turn += 1
            time.sleep(0.05)

    def write(self, ways: list[list[Service]], meanwhile: Callable[[], None]) -> dict[str, list[Answer]]:
        """Each way is a list of services in the order they are tried; every hand-off goes all ways. The answers
        by id."""
        answers: dict[str, list[Answer]] = {}
        failures: list[BaseException] = []
        lock = threading.Lock()

        def run(way: list[Service], writer: int) -> None:
            try:
                for number in range(EACH):
                    parcel = self.parcel(f"{writer}.{number}")
                    answer = self.deliver(way, parcel)
                    with lock:
                        answers.setdefault(parcel.id, []).append(answer)
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(error)

        threads = [
            threading.Thread(target=run, args=(way, writer)) for way in ways for writer in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        meanwhile()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return answers

    def check(self, service: Service, answers: dict[str, list[Answer]], lost_answers: bool) -> None:
        """Each hand-off is there once, was committed once, and its record is in the log."""
        self.assertEqual(len(answers), WRITERS * EACH)
        indexes = set()
        for found in answers.values():
            firsts = [answer for answer in found if answer.status == 201]
            self.assertLessEqual(len(firsts), 1)
            if not lost_answers:
                self.assertEqual(len(firsts), 1)
            self.assertEqual(len({answer.json["audit_index"] for answer in found}), 1)
            indexes.add(found[0].json["audit_index"])
        self.assertEqual(len(indexes), len(answers))
        listed = service.json(f"v1/handoffs?limit={2 * WRITERS * EACH}", self.token)["handoffs"]
        self.assertEqual(sorted(each["id"] for each in listed), sorted(answers))
        done = service.run("audit", "verify", "--data", str(service.data))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, rf"good  tenant {TENANT}/receipts: {len(answers)} records")

    def test_a_handoff_sent_to_both_at_once_is_kept_once(self) -> None:
        answers = self.write([[self.one], [self.two]], lambda: None)
        for found in answers.values():
            self.assertEqual(sorted(answer.status for answer in found), [200, 201])
        self.check(self.two, answers, lost_answers=False)
        # The address that all name was counted by each hand-off once: ids and counts came from one writer.
        graph = self.one.graph(next(iter(answers)), self.token)
        self.assertEqual(len(graph.by_id), 2)

    def test_what_one_takes_the_other_has_at_once(self) -> None:
        self.assertEqual(self.send(self.one, self.parcel("1.1")).status, 201)
        self.assertEqual(len(self.two.handoffs(self.token)), 1)
        made = self.two.token(TENANT, "viewer", "short")
        self.assertEqual(self.one.get("v1/handoffs", made).status, 200)
        public = re.match(r"igt_([0-9a-f]+)_", made)[1]
        done = self.two.run(
            "token", "revoke", "--data", str(self.two.data), "--tenant", TENANT, "--id", public
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.one.get("v1/handoffs", made).status, 401)

    def test_one_is_killed_and_nothing_is_lost(self) -> None:
        def kill() -> None:
            time.sleep(0.3)
            self.two.stop(signal.SIGKILL)

        answers = self.write([[self.one], [self.two, self.one]], kill)
        self.check(self.one, answers, lost_answers=True)

    def test_the_server_falls_and_what_was_acknowledged_is_there(self) -> None:
        def fall() -> None:
            for how in ("immediate", "fast"):
                time.sleep(0.3)
                restart_server(how)

        answers = self.write([[self.one, self.two], [self.two, self.one]], fall)
        self.check(self.one, answers, lost_answers=True)
        for service in (self.one, self.two):
            self.assertEqual(service.get("readyz").status, 200)

    def decide(self, service: Service, token: str, asked: dict[str, object]) -> Answer:
        body = json.dumps(asked).encode()
        return request(service.url + "v1/decisions", "POST", token, body, {"Content-Type": "application/json"})

    def test_two_hold_one_budget_to_the_unit_and_settle_for_each_other(self) -> None:
        budget = {
            "name": "Tokens", "basis": "quantity", "meters": ["inference.tokens"], "limit": "100",
            "period": "day", "mode": "block", "default_estimate": "1", "contact": "finance@corp.example",
        }
        made = request(
            self.one.url + "v1/budgets", "POST", self.token, json.dumps(budget).encode(),
            {"Content-Type": "application/json"},
        )
        self.assertEqual(made.status, 201, made.text)
        meter = self.one.token(TENANT, "meter")
        given: list[str] = []
        lock = threading.Lock()
        failures: list[str] = []

        def client(service: Service) -> None:
            refused = 0
            while refused < 8:  # what the other one does not need comes back within half a second
                answer = self.decide(
                    service, meter, {"action": "reserve", "meter": "inference.tokens", "quantity": 3}
                )
                if answer.status == 200:
                    with lock:
                        given.append(answer.json["reservation"])
                elif answer.status == 402:
                    refused += 1
                    time.sleep(0.1)
                elif answer.status != 503:
                    failures.append(answer.text)
                    return

        threads = [
            threading.Thread(target=client, args=(service,))
            for service in (self.one, self.two)
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertLessEqual(3 * len(given), 100)
        self.assertGreaterEqual(len(given), 31)
        # Each is settled twice, in one and in the other: it counts once.
        for reservation in given:
            for service in (self.two, self.one):
                asked = {"action": "settle", "reservation": reservation, "quantity": 2}
                answer = self.decide(service, meter, asked)
                self.assertEqual(answer.status, 200, answer.text)
        usage = self.one.json("v1/usage?meter=inference.tokens", self.token)
        self.assertEqual(usage["total"]["quantity"], str(2 * len(given)))
        other = {"action": "settle", "reservation": given[0], "quantity": 3}
        self.assertEqual(self.decide(self.two, meter, other).status, 409)

    def test_a_service_with_another_key_is_refused(self) -> None:
        other = Service(self.folder / "other", store=self.store)
        child = other.spawn()
        self.assertNotEqual(child.wait(20), 0)
        self.assertIn("audit.key is missing while the log holds records", other.said())

    def test_a_password_on_the_command_line_is_refused_unseen(self) -> None:
        other = Service(self.folder / "other", store="postgresql://u:hush@127.0.0.1/db")
        self.assertNotEqual(other.spawn().wait(20), 0)
        self.assertIn("every user of this machine can read it", other.said())
        self.assertNotIn("hush", other.said())

    def test_the_address_may_stand_in_a_file_of_its_own(self) -> None:
        file = self.folder / "address"
        file.write_text(self.store + "\n", "utf-8")
        self.two.stop()
        self.two.store = f"file:{file}"
        for mode, good in ((0o644, False), (0o600, True)):
            file.chmod(mode)
            if good:
                self.two.start()
                self.assertEqual(self.two.handoffs(self.token), [])
            else:
                self.assertNotEqual(self.two.spawn().wait(20), 0)
