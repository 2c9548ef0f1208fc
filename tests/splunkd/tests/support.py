"""A little app with a little command, for the tests of the stand-in itself."""

from __future__ import annotations

import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Any

from splunkd import SearchOptions, SearchResult, install_app, run_search

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "data" / "recordings"

# Reads chunks, answers through hooks that a test overrides by appending code.
ECHO = """\
#!/usr/bin/python3 -B
import json, os, re, sys
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer

def read():
    header = stdin.readline()
    if not header:
        return None
    meta, body = map(int, re.match(rb"chunked 1.0,(\\d+),(\\d+)\\n", header).groups())
    return json.loads(stdin.read(meta)), stdin.read(body)

def write(meta, body=b""):
    meta = json.dumps(meta).encode()
    stdout.write(b"chunked 1.0,%d,%d\\n" % (len(meta), len(body)) + meta + body)
    stdout.flush()

def getinfo(meta):
    write({"type": "stateful", "required_fields": ["a", "b"]})

def execute(meta, body):
    write({"finished": meta["finished"]}, body)

def main():
    getinfo(read()[0])
    while (chunk := read()) is not None:
        execute(*chunk)
"""


class CommandTestCase(unittest.TestCase):
    """Makes a SPLUNK_HOME with the app `little` whose command is ECHO changed by a test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="splunkd-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.home = self.root / "splunk"
        self.app = self.root / "little"
        self.write("default/commands.conf", "[echo]\nchunked = true\nfilename = echo.py\n")
        self.write("metadata/default.meta", "[commands]\nexport = system\n")
        (self.app / "bin").mkdir()

    def write(self, path: str, text: str) -> Path:
        file = self.app / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def program(self, change: str = "", path: str = "bin/echo.py") -> Path:
        file = self.write(path, ECHO + textwrap.dedent(change) + "\nmain()\n")
        file.chmod(0o755)
        return file

    def search(
        self, change: str = "", rows: list[dict[str, Any]] | None = None, **options: Any
    ) -> SearchResult:
        """Installs the command changed by `change` and runs `echo` over two rows, or `rows`."""
        self.program(change)
        install_app(self.home, self.app)
        given = rows if rows is not None else [{"a": "1", "c": "x-y"}, {"a": "2", "c": "z"}]
        chosen = SearchOptions(**{"sid": "1.1", "probes": 0, **options})
        return run_search(self.home, "index=main | echo x=1", given, chosen)
