"""What the programs of this folder share: points of TAP, and verifiers that we did not write."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARIES = Path("/usr/share/gocode")


class Tap:
    """Prints points as they come."""

    def __init__(self) -> None:
        self.number = 0
        self.failed = 0

    def point(self, good: bool, sentence: str, said: str = "") -> None:
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {sentence}", flush=True)
        if not good:
            self.failed += 1
            print("\n".join(f"#   {line}" for line in said.splitlines()), flush=True)

    def skip(self, sentence: str, reason: str) -> None:
        self.number += 1
        print(f"ok {self.number} - {sentence} # SKIP {reason}", flush=True)

    def end(self) -> int:
        print(f"1..{self.number}")
        return 1 if self.failed else 0


class Tool:
    """A verifier as a command; or the reason why there is none."""

    def __init__(self, name: str, words: Sequence[str | Path] = (), missing: str = "") -> None:
        self.name = name
        self.words = [str(word) for word in words]
        self.missing = missing

    def run(self, *words: str | Path, **env: str) -> tuple[int, str]:
        """Exit code and all that it says."""
        done = subprocess.run(
            [*self.words, *map(str, words)], env={**os.environ, **env}, cwd=HERE,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False,
        )
        return done.returncode, done.stdout

    def accepts(self, tap: Tap, sentence: str, *words: str | Path, **env: str) -> None:
        if self.missing:
            tap.skip(f"{self.name} {sentence}", self.missing)
            return
        code, said = self.run(*words, **env)
        tap.point(code == 0, f"{self.name} {sentence}", said)

    def refuses(self, tap: Tap, sentence: str, why: str, *words: str | Path, **env: str) -> None:
        """It must fail, and give the reason `why` (a regular expression)."""
        if self.missing:
            tap.skip(f"{self.name} {sentence}", self.missing)
            return
        code, said = self.run(*words, **env)
        good = code == 1 and re.search(why, said) is not None
        tap.point(good, f"{self.name} {sentence}", f"expected: {why}\nstatus {code}: {said}")


def go_verifier(folder: Path) -> Tool:
    """verify.go over x/mod, built into `folder`."""
    name = "x/mod"
    if not shutil.which("go"):
        return Tool(name, missing="there is no go (Debian: golang-go)")
    if not (LIBRARIES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return Tool(name, missing="there is no x/mod (Debian: golang-golang-x-mod-dev)")
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOFLAGS": "",
           "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    if not env.get("HOME"):
        env["GOCACHE"] = str(folder / "cache")
    subprocess.run(["go", "build", "-o", str(folder / "verify"), "verify.go", "bundle.go"],
                   cwd=HERE, env=env, check=True)
    return Tool(name, [folder / "verify"])


def _over_npm(name: str, program: str) -> Tool:
    """A program of this folder over a library that is fetched by the lock file."""
    for needed in ("node", "npm"):
        if not shutil.which(needed):
            return Tool(name, missing=f"there is no {needed}")
    lock = (HERE / "package-lock.json").read_bytes()
    mark = HERE / "node_modules/.done"
    if not mark.exists() or mark.read_bytes() != lock:
        fetched = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
             "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"],
            cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if fetched.returncode:
            return Tool(name, missing=f"npm did not deliver {name}")
        mark.write_bytes(lock)
    tool = Tool(name, ["node", HERE / program])
    code, said = tool.run("--check")
    if code:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True,
                                 check=False).stdout.strip()
        words = said.strip().splitlines()
        return Tool(name, missing=f"it does not run on node {version}: {words[-1] if words else ''}")
    return tool


def sigstore_verifier() -> Tool:
    """verify_bundle.mjs over @sigstore/verify."""
    return _over_npm("@sigstore/verify", "verify_bundle.mjs")


def webhook_verifier() -> Tool:
    """verify_webhook.mjs over standardwebhooks."""
    return _over_npm("standardwebhooks", "verify_webhook.mjs")
