"""How the programs are made: they bring all that they run, and tell nothing of where they were built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from splunkd import frame

from opened import MACHINES, TOP, WORK, PackageTest, app, program, said

SIZE_MAX = 6 << 20
LOCAL = "[instance:default]\nurl = https://127.0.0.1:1/\ntenant = acme\ncredential = file:token\n"
GETINFO = frame.encode(
    {
        "action": "getinfo", "preview": False,
        "searchinfo": {"args": [], "raw_args": [], "dispatch_dir": "", "sid": "1763863200.42", "app": "search",
                       "owner": "mara", "username": "mara", "session_key": "x" * 40, "command": "ighandoff",
                       "splunkd_uri": "https://127.0.0.1:8089", "splunk_version": "9.4.6", "search": "search"},
    }
)


class ProgramTest(PackageTest):
    def test_each_is_of_its_machine_and_position_independent(self) -> None:
        for machine, name in MACHINES.items():
            header = said("readelf", "-hW", program(machine))
            self.assertRegex(header, rf"Machine:\s+{name}")
            self.assertRegex(header, r"Type:\s+DYN \(Position-Independent Executable")

    def test_none_asks_for_an_interpreter_or_a_library(self) -> None:
        for machine in MACHINES:
            self.assertNotIn("INTERP", said("readelf", "-lW", program(machine)))
            self.assertNotIn("NEEDED", said("readelf", "-dW", program(machine)))

    def test_tables_are_read_only_and_no_stack_is_executable(self) -> None:
        for machine in MACHINES:
            segments = said("readelf", "-lW", program(machine))
            self.assertIn("GNU_RELRO", segments)
            stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
            self.assertNotIn("E", stack.replace("GNU_STACK", ""))
            writable = [line for line in segments.splitlines() if re.search(r"LOAD.* RWE ", line)]
            self.assertEqual(writable, [])
            self.assertNotIn("TEXTREL", said("readelf", "-dW", program(machine)))

    def test_none_has_symbols_or_names_the_folder_it_was_built_in(self) -> None:
        for machine in MACHINES:
            self.assertNotIn(".symtab", said("readelf", "-SW", program(machine)))
            data = program(machine).read_bytes()
            for place in (TOP, WORK.resolve(), Path.home()):
                self.assertFalse(f"{place}/".encode() in data, f"the program for {machine} names {place}")

    def test_each_is_small(self) -> None:
        for machine in MACHINES:
            self.assertLess(program(machine).stat().st_size, SIZE_MAX)

    def test_getinfo_is_answered_within_two_milliseconds_of_doing_nothing(self) -> None:
        def took(*words: str) -> float:
            started = time.perf_counter()
            subprocess.run(words, input=GETINFO, stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - started

        if os.uname().machine not in MACHINES:
            self.skipTest("no program for this machine")
        mine = str(program(os.uname().machine))
        # The quickest of each: what other programs take on this machine is not ours.
        pairs = [(took(mine, "ighandoff"), took("/bin/true")) for _ in range(40)]
        quickest = [min(column) for column in zip(*pairs)]
        self.assertLess((quickest[0] - quickest[1]) * 1000, 2)

    def test_a_hostile_environment_does_the_command_no_harm(self) -> None:
        """splunkd's children have $SPLUNK_HOME/lib in their library path, and settings of Splunk's own OpenSSL."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("libc.so.6", "libc.so", "libssl.so.3", "libcrypto.so.3", "libz.so.1", "libcurl.so.4"):
                (Path(folder) / name).write_text("not a library", "utf-8")
            (Path(folder) / "openssl.cnf").write_text("openssl_conf = x\n[x]\nproviders = y\n[y]\nfips = z\n", "utf-8")
            env = {
                "LD_LIBRARY_PATH": folder, "LD_PRELOAD": f"{folder}/libc.so.6", "SPLUNK_HOME": folder,
                "OPENSSL_CONF": f"{folder}/openssl.cnf", "OPENSSL_MODULES": folder, "LD_AUDIT": f"{folder}/libc.so",
            }
            installed = Path(folder) / "etc/apps/intelgraph"
            shutil.copytree(app(), installed)
            (installed / "local").mkdir()
            (installed / "local/intelgraph.conf").write_text(LOCAL, "utf-8")
            (installed / "token").write_text("igt_none", "utf-8")
            (installed / "token").chmod(0o600)
            given = GETINFO + frame.encode({"action": "execute", "finished": True}, b"src\n192.0.2.7\n")
            words = [str(installed / f"linux_{os.uname().machine}/bin/intelgraph"), "ighandoff"]
            done = subprocess.run(words, input=given, capture_output=True, env=env, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        first, last = frame.split_stream(done.stdout)
        self.assertEqual(first.meta.get("type"), "stateful", first.meta)
        # As far as it gets without a service: TLS is ready, nobody listens.
        self.assertIn("https://127.0.0.1:1/ cannot be reached", str(last.meta))


class LauncherTest(PackageTest):
    def app_on(self, machine: str, system: str = "Linux") -> Path:
        """A copy of bin and an empty app around it, on a machine that says it is another."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shutil.copytree(app() / "bin", folder / "app/bin")
        (folder / "path").mkdir()
        uname = folder / "path/uname"
        uname.write_text(f"#!/bin/sh\necho '{system} {machine}'\n", "utf-8")
        uname.chmod(0o755)
        return folder

    def run_in(self, folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        env = {"PATH": f"{folder}/path:/usr/bin:/bin"}
        launcher = str(folder / "app/bin/intelgraph")
        return subprocess.run([launcher, *words], input=given, capture_output=True, env=env, check=False, timeout=20)

    def told(self, folder: Path, *words: str) -> str:
        done = self.run_in(folder, "ighandoff", given=GETINFO)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        (reply,) = frame.split_stream(done.stdout)
        self.assertTrue(reply.meta["finished"])
        return str(reply.meta["error"])

    def test_it_starts_the_program_of_the_machine_with_all_arguments(self) -> None:
        for machine in MACHINES:
            folder = self.app_on(machine)
            other = folder / f"app/linux_{machine}/bin/intelgraph"
            other.parent.mkdir(parents=True)
            other.write_text(f'#!/bin/sh\necho "{machine} $*"; exit 7\n', "utf-8")
            other.chmod(0o755)
            done = self.run_in(folder, "ighandoff", "two words", "")
            self.assertEqual((done.returncode, done.stdout), (7, f"{machine} ighandoff two words \n".encode()))

    def test_on_a_machine_without_a_program_the_search_is_told_so(self) -> None:
        told = self.told(self.app_on("x86_64", "Darwin"))
        self.assertIn("has no program for this machine (Darwin x86_64): it runs on Linux, x86_64 and aarch64", told)
        self.assertIn("(unknown)", self.told(self.app_on('i"\\686')))

    def test_a_program_that_is_missing_or_may_not_run_is_told_with_its_cure(self) -> None:
        folder = self.app_on("aarch64")
        self.assertIn("lacks linux_aarch64/bin/intelgraph", self.told(folder))
        there = folder / "app/linux_aarch64/bin/intelgraph"
        there.parent.mkdir(parents=True)
        there.write_bytes(b"")
        there.chmod(0o644)
        self.assertIn("give it mode 755", self.told(folder))

    def test_what_is_no_search_is_told_on_standard_error(self) -> None:
        for words in (("broker",), ("send_to_intelgraph", "--execute"), ()):
            done = self.run_in(self.app_on("riscv64"), *words)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertRegex(done.stderr, rb"^ERROR IntelGraph has no program for this machine \(Linux riscv64\)")

    def test_bytes_that_are_no_request_get_no_reply(self) -> None:
        for given in (b"", b"\n", b"chunked 1.0,\n", b"chunked 1.0,a,b\n", b"chunked 1.0,99999999999999999999,0\n"):
            done = self.run_in(self.app_on("riscv64"), "ighandoff", given=given)
            self.assertEqual((done.returncode, done.stdout), (1, b""), given)
