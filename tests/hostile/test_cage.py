"""The cage of the service (docs/adr/0012): each restriction is tried, from within and without."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from e2e.harness import BUILD, Service

from .watch import process_of, ready_line

PROBE = BUILD / "tests" / "cage_probe"
UNIT = Path(__file__).resolve().parents[2] / "ops" / "systemd" / "intelgraphd.service"
EXPOSURE_MOST = 1.0  # of 10, as systemd-analyze counts

KILLED = "killed"
REFUSED = {"EPERM", "EACCES"}


class CageTest(unittest.TestCase):
    """Each attempt succeeds bare, so that its failing in the cage is the cage's doing."""

    def setUp(self) -> None:
        folder = TemporaryDirectory(prefix="ig-cage-")
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.data = self.top / "data"
        self.data.mkdir()
        (self.data / "file").touch()
        (self.top / "beside").touch()

    def attempt(self, how: str, name: str, argument: str = "") -> str:
        """ "done", the error's name, or "killed" by SIGSYS."""
        words = [str(PROBE), how, str(self.data), name, argument]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode == -signal.SIGSYS:
            return KILLED
        self.assertEqual(done.returncode, 0, f"{words}: {done.returncode} {done.stderr}")
        return done.stdout.strip() or "done"  # what was executed says nothing

    def refused(self, name: str, argument: str = "", bare: str = "done") -> None:
        self.assertEqual(self.attempt("bare", name, argument), bare)
        self.assertIn(self.attempt("caged", name, argument), REFUSED)

    def deadly(self, name: str, argument: str = "", bare: str = "done") -> None:
        self.assertEqual(self.attempt("bare", name, argument), bare)
        self.assertEqual(self.attempt("caged", name, argument), KILLED)

    def enforced(self) -> None:
        words = [str(PROBE), "files", str(self.data), "read", str(self.data / "file")]
        if subprocess.run(words, capture_output=True, timeout=20, check=False).returncode == 2:
            self.skipTest("the kernel does not enforce Landlock")

    def test_files_outside_the_data_folder_are_out_of_reach(self) -> None:
        self.enforced()
        for path in ("/etc/passwd", str(self.top / "beside"), "/proc/self/environ", "/dev/null"):
            self.refused("read", path)
        for path in (str(self.top / "beside"), str(self.top / "new"), "/tmp/ig-cage-new"):
            self.addCleanup(Path(path).unlink, missing_ok=True)
            self.refused("write", path)
        if os.geteuid() == 0:
            self.refused("write", "/etc/shadow")

    def test_a_way_out_of_the_data_folder_by_a_link_is_closed(self) -> None:
        self.enforced()
        (self.data / "link").symlink_to("/etc/passwd")
        self.refused("read", str(self.data / "link"))
        self.refused("read", str(self.data / ".." / "beside"))

    def test_the_data_folder_stays_open(self) -> None:
        for name, path in (("read", "file"), ("write", "file"), ("write", "new")):
            self.assertEqual(self.attempt("caged", name, str(self.data / path)), "done")
        self.refused("folder", str(self.data / "new-folder"), bare="done")

    def test_no_program_and_no_process_is_started(self) -> None:
        self.deadly("exec", "/bin/true")
        self.refused("fork")
        self.assertEqual(self.attempt("caged", "thread"), "done")

    def test_no_connection_goes_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as target:
            port = str(target.getsockname()[1])
            self.deadly("connect", port)
            # Not "done" everywhere: the first packet carries data only where the system allows it.
            self.assertNotIn(self.attempt("bare", "fast-open", port), REFUSED)
            self.assertIn(self.attempt("caged", "fast-open", port), REFUSED)
        for name in ("socket", "datagram", "bind"):
            self.refused(name, "0")

    def test_with_a_stores_server_only_the_way_to_it_is_open(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as target:
            port = target.getsockname()[1]
            there, local = f"caged:{port}", "caged:0"
            self.assertEqual(self.attempt(there, "socket"), "done")
            self.assertEqual(self.attempt(there, "connect", str(port)), "done")
            self.assertIn(self.attempt(there, "fast-open", str(port)), REFUSED)
        self.assertEqual(self.attempt(local, "local"), "done")
        self.assertIn(self.attempt(there, "local"), REFUSED)
        self.assertIn(self.attempt(local, "socket"), REFUSED)
        for cage in (there, local):
            for name in ("datagram", "bind", "code"):
                self.assertIn(self.attempt(cage, name, "0"), REFUSED)
            self.assertEqual(self.attempt(cage, "exec", "/bin/true"), KILLED)
        self.enforced()
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            port = elsewhere.getsockname()[1]
            if self.attempt("files", "connect", str(port)) not in REFUSED:
                self.skipTest("the kernel's Landlock does not know of connections")
            for cage in (there, local):
                self.assertIn(self.attempt(cage, "connect", str(port)), REFUSED)
                self.assertIn(self.attempt(cage, "read", "/etc/passwd"), REFUSED)

    def test_the_courier_reaches_its_ports_and_neither_store_nor_programs(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as target:
            port = target.getsockname()[1]
            cage = f"courier:{port}"
            for name in ("socket", "datagram", "thread"):  # the resolver asks by datagrams
                self.assertEqual(self.attempt(cage, name), "done")
            self.assertEqual(self.attempt(cage, "connect", str(port)), "done")
            self.assertIn(self.attempt(cage, "fast-open", str(port)), REFUSED)
        for name in ("local", "code", "fork", "limit"):
            self.assertIn(self.attempt(cage, name), REFUSED)
        self.assertIn(self.attempt(cage, "signal", str(os.getpid())), REFUSED)
        for name in ("exec", "ptrace", "user"):
            self.assertEqual(self.attempt(cage, name, "/bin/true"), KILLED)
        self.enforced()
        self.assertEqual(self.attempt(cage, "read", "/etc/hosts"), "done")
        for path in (str(self.data / "file"), str(self.top / "beside"), "/proc/self/environ"):
            self.assertIn(self.attempt(cage, "read", path), REFUSED)
        for path in (str(self.data / "new"), "/etc/ig-cage-new"):
            self.assertIn(self.attempt(cage, "write", path), REFUSED)
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            port = elsewhere.getsockname()[1]
            if self.attempt("files", "connect", str(port)) not in REFUSED:
                self.skipTest("the kernel's Landlock does not know of connections")
            self.assertIn(self.attempt(cage, "connect", str(port)), REFUSED)

    def test_landlock_alone_closes_files_and_network(self) -> None:
        self.enforced()
        for name, argument in (("read", "/etc/passwd"), ("exec", "/bin/true"), ("connect", "9")):
            self.assertIn(self.attempt("files", name, argument), REFUSED)

    def test_no_code_is_made_in_memory(self) -> None:
        self.refused("code")

    def test_other_processes_are_left_alone(self) -> None:
        self.deadly("ptrace")
        self.refused("signal", str(os.getpid()))
        self.assertEqual(self.attempt("caged", "raise"), "done")

    def test_no_right_comes_back(self) -> None:
        self.deadly("user")
        self.refused("limit")
        if os.geteuid() == 0:
            self.deadly("namespace")

    def test_every_thread_of_a_running_service_is_in_it(self) -> None:
        service = Service(self.top / "served")
        service.start()
        self.addCleanup(service.stop)
        parts = set(re.search(r"\bcage=(\S+)", ready_line(service))[1].split(","))
        self.assertLessEqual({"privileges", "capabilities", "seccomp"}, parts)
        process = process_of(service)
        threads = list(Path(f"/proc/{process}/task").iterdir())
        self.assertGreater(len(threads), 4)
        for thread in threads:
            status = dict(
                line.split(":\t", 1) for line in (thread / "status").read_text().splitlines()
            )
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[kind], 16), 0, kind)
            if os.geteuid() == 0:
                self.assertEqual(int(status["CapBnd"], 16), 0)

    def test_a_backup_is_taken_while_it_runs(self) -> None:
        if not shutil.which("sqlite3"):
            self.skipTest("sqlite3 is not installed")
        service = Service(self.top / "served")
        service.start()
        self.addCleanup(service.stop)
        service.token("acme")
        words = ["sqlite3", str(service.data / "intelgraph.db"), f"VACUUM INTO '{self.top}/copy'"]
        subprocess.run(words, check=True, timeout=20)
        self.assertGreater((self.top / "copy").stat().st_size, 0)
        self.assertEqual(service.get("readyz").status, 200)

    def test_a_data_folder_of_another_user_is_refused_to_root(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root")
        foreign = self.top / "foreign"
        foreign.mkdir(mode=0o700)
        os.chown(foreign, 12345, 12345)
        self.addCleanup(os.chown, foreign, 0, 0)
        done = Service(foreign).run("serve", "--data", str(foreign), "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("start the service as that user", done.stderr)

    def test_the_unit_file_leaves_little_exposed(self) -> None:
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        self.assertIsNotNone(score, done.stdout[-500:] + done.stderr)
        self.assertLessEqual(float(score[1]), EXPOSURE_MOST)
