"""Built again elsewhere, later, by somebody with other habits: the same bytes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from opened import APP, BUILD, WORK, PackageTest, members, spl


class AgainTest(PackageTest):
    def test_built_twice_the_package_has_the_same_bytes(self) -> None:
        """The programs are compiled and linked again in another folder; the libraries are those of the first."""
        with tempfile.TemporaryDirectory(prefix="ig-again-") as folder:
            work = Path(folder) / "a_longer_name/work"
            work.mkdir(parents=True)
            for name in ("sources", "libraries-x86_64", "libraries-aarch64"):
                (work / name).symlink_to((WORK / name).resolve())
            env = {**os.environ, "SOURCE_DATE_EPOCH": str(members()[0].mtime), "TZ": "Asia/Kathmandu",
                   "LC_ALL": "C.UTF-8", "HOME": folder, "USER": "somebody"}
            done = subprocess.run(
                ["sh", "-c", 'umask 077; exec "$0" "$@"', str(APP / "package/run"), str(BUILD), str(work), folder],
                env=env, capture_output=True, text=True, check=False, timeout=600,
            )
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            (again,) = Path(folder).glob("*.spl")
            self.assertEqual(again.name, spl().name)
            if again.read_bytes() != spl().read_bytes():
                self.fail(f"the bytes differ in {self.differing(work / 'app/intelgraph')}")

    def differing(self, again: Path) -> list[str]:
        first = WORK / "app/intelgraph"
        names = {path.relative_to(root) for root in (first, again) for path in root.rglob("*") if path.is_file()}
        return sorted(
            str(name) for name in names
            if not ((first / name).is_file() and (again / name).is_file()
                    and (first / name).read_bytes() == (again / name).read_bytes())
        )
