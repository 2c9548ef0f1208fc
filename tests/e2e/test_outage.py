"""When the service is away, refuses, dies or has no room: rows pass, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .harness import STOP_S, EndToEnd, Place, Service, free_port, link_id, request, store_of, visits


class OutageTest(EndToEnd):
    def test_with_the_service_down_rows_pass_and_the_graph_waits(self) -> None:
        place = self.place()
        place.splunk.configure(f"http://127.0.0.1:{free_port()}/", place.tenant, place.token)
        rows = visits(30)
        result = place.search("ighandoff", rows, last_empty=False, chunk_rows=10)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(self.statuses(result), {"collected", "queued"})
        self.says(result, "(?i)outbox|waits|queued|next")
        self.assertEqual(len(place.splunk.outbox), 1)
        self.assertEqual(place.splunk.outbox[0].stat().st_mode & 0o777, 0o600)

    def test_what_waits_goes_out_with_the_next_run(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        first = place.search('ighandoff title="first"', visits(12), sid="1.1")
        second = place.search('ighandoff title="second"', visits(9), sid="1.2")
        self.assertEqual(len(place.splunk.outbox), 2)
        service.start()
        third = place.search('ighandoff title="third"', visits(3), sid="1.3")
        self.done(third)
        self.assertEqual(place.splunk.outbox, [])
        titles = sorted(each["title"] for each in place.handoffs())
        self.assertEqual(titles, ["first", "second", "third"])
        for result in (first, second):
            self.assertTrue(place.service.graph(link_id(result), place.token).entities)

    def test_what_waits_goes_out_once_however_many_searches_run(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        for number in range(6):
            place.search("ighandoff", visits(9, sources=number + 1), sid=f"1.{number}")
        self.assertEqual(len(place.splunk.outbox), 6)
        service.start()
        with ThreadPoolExecutor(4) as pool:
            runs = [
                pool.submit(place.search, "ighandoff", visits(3), sid=f"2.{number}")
                for number in range(4)
            ]
            for run in runs:
                self.done(run.result())
        self.assertEqual(len(place.handoffs()), 10)
        self.assertEqual(place.splunk.outbox, [])

    def test_the_same_search_queued_twice_waits_once(self) -> None:
        place = self.place()
        place.splunk.configure(f"http://127.0.0.1:{free_port()}/", place.tenant, place.token)
        for _ in range(2):
            self.done(place.search("ighandoff", visits(5), sid="1.1"))
        self.assertEqual(len(place.splunk.outbox), 1)

    def test_a_service_that_accepts_and_never_answers_costs_its_timeout_only(self) -> None:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            place = self.place(timeout_ms="400", connect_timeout_ms="300")
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            place.splunk.configure(url, place.tenant, place.token, timeout_ms="400")
            begun = time.monotonic()
            result = place.search("ighandoff", visits(5))
            self.done(result)
            self.assertLess(time.monotonic() - begun, 15)
            self.assertEqual(len(place.splunk.outbox), 1)

    def test_something_else_at_the_address_is_not_taken_for_the_service(self) -> None:
        place = self.place()
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            threading.Thread(target=_answer_nonsense, args=(other,), daemon=True).start()
            url = f"http://127.0.0.1:{other.getsockname()[1]}/"
            place.splunk.configure(url, place.tenant, place.token)
            result = place.search("ighandoff", visits(5))
        self.done(result)
        self.assertNotIn("sent", self.statuses(result))
        self.assertEqual(len(place.splunk.outbox), 1)

    def test_when_the_outbox_cannot_be_written_the_rows_pass_and_the_analyst_is_told(self) -> None:
        place = self.place()
        place.splunk.configure(f"http://127.0.0.1:{free_port()}/", place.tenant, place.token)
        folder = place.splunk.home / "var/lib/splunk"
        shutil.rmtree(folder)
        folder.write_text("in the way")
        rows = visits(5)
        result = place.search("ighandoff", rows, last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(self.statuses(result), {"failed"})
        self.says(result, "(?i)outbox|var/lib/splunk")

    def test_a_damaged_file_in_the_outbox_stops_nobody(self) -> None:
        place = self.place()
        folder = place.splunk.home / "var/lib/splunk/intelgraph/outbox"
        folder.mkdir(parents=True)
        (folder / f"{'a' * 32}.ndjson.gz").write_bytes(b"not gzip")
        (folder / "README").write_text("somebody's note")
        self.done(place.search("ighandoff", visits(3)))
        self.assertEqual(len(place.handoffs()), 1)


def _answer_nonsense(listener: socket.socket) -> None:
    try:
        while True:
            peer, _ = listener.accept()
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            peer.close()
    except OSError:
        return


class CredentialTest(EndToEnd):
    def refused(self, place: Place, *patterns: str) -> None:
        """Rows pass, nothing arrives, the analyst is told, and what was collected is not lost."""
        rows = visits(8)
        result = place.search("ighandoff", rows, last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertNotIn("sent", self.statuses(result))
        self.says(result, *patterns)
        waiting = [*place.splunk.home.glob("var/lib/splunk/intelgraph/outbox/**/*.gz")]
        self.assertEqual(len(waiting), 1)

    def test_a_wrong_token(self) -> None:
        place = self.place()
        wrong = place.token[:-4] + "AAAA"
        place.splunk.configure(place.service.url, place.tenant, wrong)
        self.refused(place, "401|token|credential")
        self.assertEqual(place.handoffs(), [])

    def test_a_text_that_is_no_token_at_all(self) -> None:
        place = self.place()
        place.splunk.configure(place.service.url, place.tenant, "swordfish")
        self.refused(place, "401|token|credential")

    def test_an_expired_token(self) -> None:
        place = self.place()
        short = place.service.token(place.tenant, expires="1s")
        place.splunk.configure(place.service.url, place.tenant, short)
        time.sleep(1.2)
        self.refused(place, "(?i)expired|401")
        self.assertEqual(place.handoffs(), [])

    def test_a_token_of_another_tenant(self) -> None:
        place, other = self.place(), self.place()
        place.splunk.configure(place.service.url, place.tenant, other.token)
        self.refused(place, "(?i)tenant|403")
        self.assertEqual((place.handoffs(), other.handoffs()), ([], []))

    def test_a_revoked_token(self) -> None:
        place = self.place()
        doomed = place.service.token(place.tenant, name="doomed")
        admin = place.service.token(place.tenant, role="admin", name="admin")
        url = f"{place.service.url}v1/tokens/{doomed.split('_')[1]}"
        gone = request(url, "DELETE", admin)
        self.assertIn(gone.status, (200, 204), gone.text)
        place.splunk.configure(place.service.url, place.tenant, doomed)
        self.refused(place, "(?i)revoked|401")

    def test_a_token_that_may_only_look(self) -> None:
        place = self.place()
        viewer = place.service.token(place.tenant, role="viewer", name="viewer")
        place.splunk.configure(place.service.url, place.tenant, viewer)
        self.refused(place, "(?i)403|may not|role|permi")

    def test_a_credential_file_that_is_not_there(self) -> None:
        place = self.place()
        (place.splunk.home / "etc" / "intelgraph.token").unlink()
        self.refused(place, "(?i)credential", "intelgraph.token")

    def test_once_the_token_is_mended_what_waited_arrives(self) -> None:
        place = self.place()
        place.splunk.configure(place.service.url, place.tenant, place.token[:-4] + "AAAA")
        place.search('ighandoff title="early"', visits(4), sid="1.1")
        place.splunk.configure(place.service.url, place.tenant, place.token)
        self.done(place.search('ighandoff title="late"', visits(4), sid="1.2"))
        self.assertEqual({each["title"] for each in place.handoffs()}, {"early", "late"})


class ServiceLifeTest(EndToEnd):
    def test_after_kill_9_everything_acknowledged_is_there(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        known = []
        for number in range(3):
            result = place.search("ighandoff", visits(20 + number), sid=f"1.{number}")
            self.done(result)
            known.append(link_id(result))
            service.stop(signal.SIGKILL)
            service.start()
        self.assertEqual({each["id"] for each in place.handoffs()}, set(known))
        for handoff in known:
            self.assertTrue(service.graph(handoff, place.token).entities)
        done = service.run("audit", "verify", "--data", str(service.data))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_killed_in_the_middle_of_sending_nothing_is_lost_or_doubled(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        rows = visits(6000, sources=211, dests=199)
        killer = threading.Timer(0.25, service.stop, (signal.SIGKILL,))
        killer.start()
        result = place.search("ighandoff", rows, sid="1.1", chunk_rows=500)
        killer.join()
        self.done(result)
        self.rows_pass(result, rows)
        service.start()
        again = place.search("ighandoff", rows, sid="1.1")
        self.done(again)
        self.assertEqual(len(place.handoffs()), 1)
        self.assertEqual(place.splunk.outbox, [])

    def test_a_stop_lets_the_request_under_way_end(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        body = b'{"handoff":'
        with socket.create_connection(("127.0.0.1", service.port), timeout=STOP_S) as slow:
            head = (
                f"POST /v1/handoffs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.token}\r\n"
                f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body) + 2}\r\n\r\n"
            )
            slow.sendall(head.encode() + body)
            time.sleep(0.2)
            code: list[int] = []
            stopper = threading.Thread(target=lambda: code.append(service.stop()))
            stopper.start()
            time.sleep(0.2)
            slow.sendall(b"}\n")
            answer = slow.recv(65536)
            stopper.join()
        self.assertIn(b"HTTP/1.1 400", answer)
        self.assertEqual(code, [0])

    def test_an_idle_service_stops_at_once(self) -> None:
        service = self.own_service()
        service.start()
        for how in (signal.SIGTERM, signal.SIGINT):
            begun = time.monotonic()
            self.assertEqual(service.stop(how), 0)
            self.assertLess(time.monotonic() - begun, 3)
            service.start()

    def test_a_port_that_is_taken_is_told_by_its_address(self) -> None:
        second = self.own_service()
        second.port = self.service.port
        code = second.spawn().wait(20)
        self.assertNotEqual(code, 0)
        self.assertIn(f"127.0.0.1:{second.port}", second.said())

    def test_a_data_folder_that_is_in_use_is_not_opened_twice_in_silence(self) -> None:
        second = self.own_service(self.service.data)
        second.log = self.folder() / "second.log"
        child = second.spawn()
        try:
            code = child.wait(3)
        except subprocess.TimeoutExpired:
            # Sharing the folder is allowed only when both then answer.
            self.assertEqual(request(second.url + "readyz").status, 200)
            return
        self.assertNotEqual(code, 0)
        self.assertIn(str(self.service.data), second.said())

    def test_a_data_folder_that_cannot_be_made_is_told_by_its_name(self) -> None:
        blocked = self.folder() / "file"
        blocked.write_text("in the way")
        service = self.own_service(self.folder() / "data")
        service.data = blocked / "data"
        self.assertNotEqual(service.spawn().wait(20), 0)
        self.assertIn(str(blocked), service.said())

    def test_a_data_folder_that_may_not_be_written_is_told_by_its_name(self) -> None:
        data = self.folder() / "data"
        data.mkdir(mode=0o555)
        user = 65534 if os.geteuid() == 0 else None
        _open_way(data)
        service = self.own_service(data)
        service._user = user
        self.assertNotEqual(service.spawn().wait(20), 0)
        self.assertIn(str(data), service.said())


def _open_way(path: Path) -> None:
    """Lets another user reach the folder."""
    for parent in path.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)


class AuditLostTest(EndToEnd):
    """Without its log the service takes nothing."""

    def test_a_handoff_whose_record_cannot_be_appended_is_refused_and_waits(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search("ighandoff", visits(3), sid="1.1")
        service.stop()
        with contextlib.closing(sqlite3.connect(store_of(service))) as store:
            store.execute("DELETE FROM audit_heads WHERE tenant = ?", (place.tenant,))
            store.commit()
        service.start()
        rows = visits(5)
        result = place.search("ighandoff", rows, sid="1.2", last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertNotIn("sent", self.statuses(result))
        self.assertEqual(len(place.splunk.outbox), 1)
        with contextlib.closing(sqlite3.connect(store_of(service))) as store:
            (count,) = store.execute("SELECT count(*) FROM handoffs").fetchone()
        self.assertEqual(count, 1)
        done = service.run("audit", "verify", "--data", str(service.data))
        self.assertNotEqual(done.returncode, 0)

    def test_a_log_is_never_continued_under_another_key(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search("ighandoff", visits(3))
        service.stop()
        (service.data / "audit.key").unlink()
        self.assertNotEqual(service.spawn().wait(20), 0)
        self.assertIn("audit.key", service.said())
        self.assertFalse((service.data / "audit.key").exists())


class DiskFullTest(EndToEnd):
    def small_disk(self, size: str = "80m") -> Path:
        folder = self.folder() / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
            self.skipTest("a small disk can be mounted by root only")
        self.addCleanup(subprocess.run, ["umount", "-l", str(folder)], check=False)
        return folder

    def full(self, disk: Path) -> Path:
        ballast = disk / "ballast"
        descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        try:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while os.write(descriptor, b"\0" * size):
                        pass
        finally:
            os.close(descriptor)
        return ballast

    def test_a_full_disk_of_the_service_loses_nothing(self) -> None:
        disk = self.small_disk()
        service: Service = self.own_service(disk / "data")
        service.log = self.folder() / "log"
        service.start()
        place = self.place(service)
        self.done(place.search("ighandoff", visits(5), sid="1.0"))
        ballast = self.full(disk)
        rows = visits(4000, sources=500, dests=37)
        result = place.search("ighandoff", rows, sid="1.1", last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertNotIn("sent", self.statuses(result))
        self.assertEqual(len(place.splunk.outbox), 1)
        self.assertEqual(request(service.url + "healthz").status, 200)
        ballast.unlink()
        self.done(place.search("ighandoff", visits(3), sid="1.2"))
        self.assertEqual(len(place.handoffs()), 3)
        done = service.run("audit", "verify", "--data", str(service.data))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_full_disk_of_splunk_is_told_and_the_rows_pass(self) -> None:
        disk = self.small_disk()
        place = self.place()
        place.splunk.configure(f"http://127.0.0.1:{free_port()}/", place.tenant, place.token)
        folder = place.splunk.home / "var/lib/splunk"
        folder.rmdir()
        folder.symlink_to(disk)
        self.full(disk)
        rows = visits(50)
        result = place.search("ighandoff", rows, last_empty=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(self.statuses(result), {"failed"})
        self.says(result, "(?i)space|full|outbox")
