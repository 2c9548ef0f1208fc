"""The programs where they will run: on an older system, another machine, behind a name server that answers by TCP."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from opened import APP, BUILD, TOP, WORK, PackageTest, app, program

# glibc 2.31, as Ubuntu 20.04 has it; our program needs none, the root file system is just older than the build's.
OLDER = "bullseye"
HERE = Path(__file__).resolve().parent


class ElsewhereTest(PackageTest):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ig-elsewhere-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def end_to_end(self, program: Path, words: str, least: int, temporary: Path) -> None:
        """Runs the end-to-end tests whose sentences hold `words` with `program` as the package's."""
        view = self.folder / "view"
        (view / "bin").mkdir(parents=True)
        (view / "bin/intelgraphd").symlink_to(BUILD / "bin/intelgraphd")
        shutil.copytree(app(), view / "app/intelgraph")
        shutil.copy2(program, view / f"app/intelgraph/linux_{platform.machine()}/bin/intelgraph")
        done = subprocess.run(
            [TOP / "tests/e2e/run", view, words], capture_output=True, text=True, check=False, timeout=900,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 0, "\n".join(line for line in lines if not line.startswith("ok"))[-3000:])
        passed = [line for line in lines if line.startswith("ok ") and "# SKIP" not in line]
        self.assertGreaterEqual(len(passed), least, done.stdout)

    def wrapper(self, text: str) -> Path:
        path = self.folder / "program"
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)
        return path

    # An older system

    def older_root(self) -> Path:
        if os.geteuid() != 0:
            self.skipTest("another root file system is for root only")
        if not shutil.which("debootstrap"):
            self.skipTest("debootstrap is not installed")
        root = WORK / f"older-{OLDER}"
        if not (root / "usr/bin/dash").exists():
            shutil.rmtree(root, ignore_errors=True)
            done = subprocess.run(
                ["debootstrap", "--foreign", "--variant=minbase", OLDER, str(root)],
                capture_output=True, text=True, check=False, timeout=600,
            )
            if done.returncode:
                shutil.rmtree(root, ignore_errors=True)
                self.skipTest(f"debootstrap could not make a root of {OLDER}: {done.stdout.strip()[-150:]}")
            (root / "debootstrap").rename(root / "var/debootstrap")
        # Paths are the same within and without, though nothing is mounted: the root's own path leads to its top.
        inside = root / str(root.resolve()).lstrip("/")
        if not inside.is_symlink():
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.symlink_to("/")
        return root.resolve()

    def in_older_root(self, words: str, least: int) -> None:
        root = self.older_root()
        temporary = Path(tempfile.mkdtemp(prefix="ig-", dir=root / "tmp"))
        self.addCleanup(shutil.rmtree, temporary, ignore_errors=True)
        own = temporary / "intelgraph"
        shutil.copy2(program(platform.machine()), own)
        wrapper = self.wrapper(
            f"exec '{shutil.which('chroot')}' '{root}' /bin/sh -c"
            f" 'cd \"$1\" && shift && exec \"$@\"' sh \"$PWD\" '{own}' \"$@\""
        )
        self.end_to_end(wrapper, words, least, temporary)

    def test_in_an_older_root_file_system_the_main_job_is_done(self) -> None:
        self.in_older_root("MainJob: ", 15)

    def test_in_an_older_root_file_system_tls_is_verified_as_everywhere(self) -> None:
        self.in_older_root("Connection: an authority is taken", 1)
        shutil.rmtree(self.folder / "view")
        self.in_older_root("Connection: a certificate of another authority", 1)

    # Another machine

    def emulator(self) -> str:
        found = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
        if not found:
            self.skipTest("qemu-user-static is not installed")
        return found

    def emulated(self) -> Path:
        emulator = self.emulator()
        # Beside no app: it finds the one that it is started in, as the tests lay it out.
        own = self.folder / "intelgraph-aarch64"
        shutil.copy2(program("aarch64"), own)
        return self.wrapper(f"exec '{emulator}' '{own}' \"$@\"")

    def test_the_aarch64_program_gives_the_golden_answers(self) -> None:
        done = subprocess.run(
            [APP / "tests/run", program("aarch64"), "golden"], capture_output=True, text=True, check=False,
            timeout=600, env={**os.environ, "IG_RUNNER": self.emulator()},
        )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-500:])
        self.assertGreater(done.stdout.count("\nok "), 10)

    def test_the_aarch64_program_does_the_main_job(self) -> None:
        self.end_to_end(self.emulated(), "MainJob: ", 15, self.folder)

    def test_the_aarch64_program_verifies_tls(self) -> None:
        self.end_to_end(self.emulated(), "Connection: an authority is taken", 1, self.folder)

    # The x86_64 program as the suite of the build sees it

    def test_the_program_gives_the_golden_answers(self) -> None:
        done = subprocess.run(
            [APP / "tests/run", program(platform.machine()), "golden"], capture_output=True, text=True, check=False,
            timeout=600,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-500:])
        self.assertGreater(done.stdout.count("\nok "), 10)

    def test_libraries_that_splunk_ships_do_the_command_no_harm(self) -> None:
        self.end_to_end(program(platform.machine()), "Installed: libraries that splunk ships", 1, self.folder)

    # Names

    def test_a_name_is_found_whose_answer_needs_tcp(self) -> None:
        """UDP gives a truncated answer; then TLS to that name is verified."""
        if os.geteuid() != 0:
            self.skipTest("a network of its own is for root only")
        if subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, check=False).returncode:
            self.skipTest("no network and mounts of its own are allowed here")
        words = ["unshare", "-n", "-m", sys.executable, "-B", str(HERE / "by_name.py"), program(platform.machine())]
        done = subprocess.run(
            [*words, app(), self.folder], capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "PYTHONPATH": f"{TOP}/tests:{HERE}"},
        )
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        seen = json.loads(done.stdout)
        self.assertEqual(seen["host"], seen["name"], seen)
        self.assertTrue(seen["udp"] and seen["tcp"], seen)
        self.assertIn("401", seen["told"])
