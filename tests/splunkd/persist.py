"""Persistent REST handlers: restmap.conf, and the processes spoken to by splunkd's wire.

A request is an opcode byte (INIT, BLOCK, END, ALLOW_STREAM), the handler's command when INIT is
set, and one block of JSON when BLOCK is; a reply is a length, a line end, and so many bytes.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .conf import ConfError, Stanza, is_true, read_layers
from .process import environment

INIT, BLOCK, END, ALLOW_STREAM = 1, 2, 4, 8
REPLY_S = 60.0
REPLY_MAX = 16 << 20
KEYS = {
    "match",
    "script",
    "scripttype",
    "handler",
    "driver",
    "requireAuthentication",
    "authKeyStanza",
    "capability",
    "passPayload",
    "passSystemAuth",
    "passSession",
    "passHttpHeaders",
    "passHttpCookies",
    "passConf",
    "stream",
    "python.version",
    "output_modes",
    "disabled",
    "acceptFrom",
    "includeInAccessLog",
}
NUMBERED = re.compile(r"(script|driver)\.(arg)\.([1-9][0-9]*)\Z|(driver\.env|script\.param)\b.*")
CAPABILITY = re.compile(r"capability\.(get|post|put|delete)\Z")


class PersistError(Exception):
    """The handler broke the wire's rules, or ended."""


@dataclass(frozen=True)
class Handler:
    """One [script:...] stanza with scripttype=persist."""

    name: str
    app: str
    match: str
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    script: tuple[str, ...]
    conf: Stanza

    def flag(self, key: str, default: bool) -> bool:
        return is_true(self.conf.get(key, ""), default)

    def capability(self, method: str) -> str:
        return self.conf.get(f"capability.{method.lower()}", self.conf.get("capability", ""))


def find_handlers(home: Path) -> list[Handler]:
    """Every persistent handler of every app."""
    found: list[Handler] = []
    apps = home / "etc" / "apps"
    for app in sorted(apps.iterdir()) if apps.is_dir() else []:
        stanzas = read_layers(app / "default/restmap.conf", app / "local/restmap.conf")
        for name, stanza in stanzas.items():
            if name.startswith("script:") and not is_true(stanza.get("disabled", ""), False):
                found.append(_read_handler(home, app.name, name, stanza))
    return found


def _read_handler(home: Path, app: str, name: str, stanza: Stanza) -> Handler:
    for key in stanza:
        if key not in KEYS and not NUMBERED.match(key) and not CAPABILITY.match(key):
            raise ConfError(f"restmap.conf [{name}]: unknown key {key}")
    if stanza.get("scripttype") != "persist" or "driver" not in stanza:
        raise ConfError(f"restmap.conf [{name}]: the stand-in runs scripttype=persist with driver")
    if not stanza.get("match", "").startswith("/"):
        raise ConfError(f"restmap.conf [{name}]: match begins with a slash")

    def filled(value: str) -> str:
        return value.replace("$SPLUNK_HOME", str(home))

    def numbered(prefix: str) -> list[str]:
        keys = sorted((int(key[len(prefix) :]), key) for key in stanza if key.startswith(prefix))
        return [filled(stanza[key]) for _, key in keys]

    script = [filled(stanza["script"])] if "script" in stanza else []
    return Handler(
        name=name,
        app=app,
        match=stanza["match"],
        command=(filled(stanza["driver"]), *numbered("driver.arg.")),
        env=tuple(
            (key.removeprefix("driver.env."), filled(value))
            for key, value in stanza.items()
            if key.startswith("driver.env.")
        ),
        script=(*script, *numbered("script.arg.")),
        conf=stanza,
    )


def encode_request(handler: Handler, request: Any, opcode: int = INIT | BLOCK | END) -> bytes:
    """The bytes of one request."""
    out = bytes([opcode])
    if opcode & INIT:
        out += b"%d\n" % len(handler.script)
        for word in handler.script:
            out += b"%d\n%s" % (len(word.encode()), word.encode())
        parameter = handler.conf.get("script.param", "").encode()
        out += b"%d\n%s" % (len(parameter), parameter)
    if opcode & BLOCK:
        block = json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogateescape"
        )
        out += b"%d\n%s" % (len(block), block)
    return out


class PersistProcess:
    """One running handler: one request at a time."""

    def __init__(self, handler: Handler, home: Path, log: list[str]) -> None:
        env = environment(home, dict(handler.env))
        self.child = subprocess.Popen(
            list(handler.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=home / "etc" / "apps" / handler.app / "bin",
            env=env,
            start_new_session=True,
        )
        self._log = log
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    def _read_stderr(self) -> None:
        assert self.child.stderr
        for line in self.child.stderr:
            self._log.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def send(self, data: bytes) -> None:
        assert self.child.stdin
        view = memoryview(data)
        try:
            while view:
                view = view[self.child.stdin.write(view) or 0 :]
        except BrokenPipeError:
            raise PersistError("the handler ended before it had read the request") from None

    def receive(self, timeout_s: float = REPLY_S) -> bytes:
        """One reply's bytes."""
        deadline = time.monotonic() + timeout_s
        head = bytearray()
        while not head.endswith(b"\n"):
            if len(head) > 10 or (head and not head.isdigit()):
                raise PersistError(f"bad character while looking for block size: {bytes(head)!r}")
            head += self._read(1, deadline)
        if not head[:-1]:
            raise PersistError("a reply begins with an empty line")
        length = int(head)
        if length > REPLY_MAX:
            raise PersistError(f"a reply of {length} bytes")
        body = bytearray()
        while len(body) < length:
            body += self._read(length - len(body), deadline)
        return bytes(body)

    def _read(self, count: int, deadline: float) -> bytes:
        assert self.child.stdout
        fd = self.child.stdout.fileno()
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        if not poller.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            raise PersistError("no whole reply in time")
        data = os.read(fd, count)
        if not data:
            raise PersistError(f"the handler ended with {self.child.poll()} within a reply")
        return data

    def exchange(self, data: bytes, timeout_s: float = REPLY_S) -> bytes:
        self.send(data)
        return self.receive(timeout_s)

    def alive(self) -> bool:
        return self.child.poll() is None

    def close(self, timeout_s: float = 10.0) -> int:
        """Closes stdin, as splunkd does when it stops; the exit code (negative: a signal)."""
        assert self.child.stdin
        if not self.child.stdin.closed:
            self.child.stdin.close()
        try:
            code = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise PersistError(f"the handler did not end within {timeout_s:g} s") from None
        finally:
            self._reader.join(1)
        for stream in (self.child.stdout, self.child.stderr):
            if stream:
                stream.close()
        return code


@dataclass
class PersistPool:
    """The processes of all handlers: an idle one is used again, else one more is started."""

    home: Path
    stderr: list[str] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    _idle: dict[tuple[str, ...], list[PersistProcess]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, handler: Handler, request: Any) -> Any:
        process = self._take(handler)
        try:
            answer = process.exchange(encode_request(handler, request))
        except PersistError:
            process.child.kill()
            process.close()
            raise
        with self._lock:
            self._idle.setdefault(handler.command, []).append(process)
        try:
            return json.loads(answer)
        except ValueError:
            raise PersistError(f"the reply is no JSON: {answer[:80]!r}") from None

    def _take(self, handler: Handler) -> PersistProcess:
        with self._lock:
            waiting = self._idle.get(handler.command, [])
            while waiting:
                process = waiting.pop()
                if process.alive():
                    return process
                process.close()
        if not os.access(handler.command[0], os.X_OK):
            raise PersistError(f"{handler.command[0]} is no program")
        process = PersistProcess(handler, self.home, self.stderr)
        self.started.append(process.child.pid)
        return process

    def pids(self) -> list[int]:
        with self._lock:
            return [each.child.pid for group in self._idle.values() for each in group]

    def close(self) -> list[int]:
        """Ends all of them; their exit codes."""
        with self._lock:
            processes = [each for group in self._idle.values() for each in group]
            self._idle.clear()
        return [process.close() for process in processes]
