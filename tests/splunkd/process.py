"""One running command: pipes, the strict exchange of chunks, stderr, the end."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from . import frame
from .app import CommandSpec
from .frame import Frame, ProtocolError

READ_BYTES = 1 << 20
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")


class CommandEnded(Exception):
    """The command's stdout ended where a reply was due."""

    def __init__(self, read_bytes: int) -> None:
        super().__init__(f"EOF after {read_bytes} bytes of a reply")
        self.read_bytes = read_bytes


class CommandSilent(ProtocolError):
    """No reply, or no end, within the time allowed."""


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What splunkd gives its children; nothing of ours but the sanitizers' options."""
    env = {
        "SPLUNK_HOME": str(home),
        "SPLUNK_ETC": str(home / "etc"),
        "SPLUNK_DB": str(home / "var" / "lib" / "splunk"),
        "SPLUNK_SERVER_NAME": "Splunkd",
        "SPLUNK_WEB_NAME": "splunkweb",
        "LD_LIBRARY_PATH": str(home / "lib"),
        "OPENSSL_CONF": str(home / "openssl" / "openssl.cnf"),
        "PATH": f"{home}/bin:/usr/bin:/bin",
    }
    env.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
    env.update(extra or {})
    return env


class CommandProcess:
    """Speaks with one process. Every wait has an end; `close` always reaps it."""

    def __init__(
        self,
        spec: CommandSpec,
        home: Path,
        on_stderr: Callable[[int, str], None],
        extra_env: Mapping[str, str] | None = None,
    ) -> None:
        self._child = subprocess.Popen(
            [str(spec.program), *spec.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=spec.folder,
            env=environment(home, extra_env),
            start_new_session=True,
        )
        assert self._child.stdin and self._child.stdout and self._child.stderr
        self._in = self._child.stdin.fileno()
        self._out = self._child.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._unread = bytearray()
        self._on_stderr = on_stderr
        self._stderr_thread = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_thread.start()
        self.peak_kb = 0

    @property
    def pid(self) -> int:
        return self._child.pid

    def _read_stderr(self) -> None:
        assert self._child.stderr
        for line in self._child.stderr:
            self._on_stderr(self.pid, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))

    # The exchange

    def exchange(self, request: bytes, timeout_s: float) -> Frame:
        """Sends one chunk and returns the one reply to it."""
        self._refuse_early_bytes("before the request was sent: two replies to the one before?")
        self._send(request, time.monotonic() + timeout_s)
        return self._receive(time.monotonic() + timeout_s)

    def _refuse_early_bytes(self, when: str) -> None:
        if self._readable(0) and (data := self._read()):
            raise ProtocolError(f"the command wrote {bytes(data[:80])!r} {when}")

    def _send(self, request: bytes, deadline: float) -> None:
        """Writes all of `request`. A reply that begins before that is a reply to half a request."""
        view = memoryview(request)
        poller = select.poll()
        poller.register(self._in, select.POLLOUT)
        poller.register(self._out, select.POLLIN)
        while view:
            events = dict(poller.poll(_left_ms(deadline)))
            if not events:
                raise CommandSilent(f"the command left {len(view)} bytes of a request unread")
            if events.get(self._out, 0) & select.POLLIN:
                self._refuse_early_bytes("before it could have read the whole request")
            if self._out in events or events.get(self._in, 0) & select.POLLERR:
                raise CommandEnded(0)
            try:
                view = view[os.write(self._in, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise CommandEnded(0) from None

    def _receive(self, deadline: float) -> Frame:
        buffer = bytearray()
        length: int | None = None
        while length is None or len(buffer) < length:
            if not self._readable(_left_ms(deadline)):
                raise CommandSilent(f"no whole reply in time, only {len(buffer)} bytes of one")
            data = self._read()
            if not data:
                raise CommandEnded(len(buffer))
            if not buffer and (unread := self._unread_input()):
                raise ProtocolError(f"the reply begins with {unread} bytes of the request unread")
            buffer += data
            length = frame.frame_length(buffer) if length is None else length
        if len(buffer) > length:
            rest = bytes(buffer[length : length + 80])
            raise ProtocolError(f"the reply is followed by {rest!r}: one reply a request")
        return frame.decode(buffer)

    def _unread_input(self) -> int:
        count = fcntl.ioctl(self._in, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", count)[0])

    def _readable(self, wait_ms: int) -> bool:
        poller = select.poll()
        poller.register(self._out, select.POLLIN)
        return bool(poller.poll(wait_ms))

    def _read(self) -> bytes:
        try:
            return os.read(self._out, READ_BYTES)
        except BlockingIOError:
            return b""

    # The end

    def finish(self, timeout_s: float) -> tuple[int, bytes]:
        """Closes stdin, waits for the end: exit code (negative: a signal) and bytes left over."""
        deadline = time.monotonic() + timeout_s
        self.note_peak()
        self._close_stdin()
        trailing = bytearray()
        while True:
            if not self._readable(_left_ms(deadline)):
                raise CommandSilent(f"the command did not end within {timeout_s:g} s of its EOF")
            data = self._read()
            if not data:
                break
            trailing += data
        return self.wait(max(0.0, deadline - time.monotonic())), bytes(trailing)

    def wait(self, timeout_s: float) -> int:
        try:
            code = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise CommandSilent(f"the command did not end within {timeout_s:.1f} s") from None
        self._stderr_thread.join(1)
        return code

    def cancel(self, half_request: bytes, how: str, timeout_s: float) -> int:
        """What a cancelled search does: part of a chunk, then both pipes are gone (or SIGTERM)."""
        try:
            os.write(self._in, half_request)
        except (BlockingIOError, BrokenPipeError):
            pass
        if how == "term":
            self._child.send_signal(signal.SIGTERM)
        self._close_stdin()
        assert self._child.stdout
        self._child.stdout.close()
        return self.wait(timeout_s)

    def note_peak(self) -> None:
        """Remembers the peak memory while the process can still be asked."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii", "replace")
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peak_kb = int(line.split()[1])

    def _close_stdin(self) -> None:
        assert self._child.stdin
        if not self._child.stdin.closed:
            self._child.stdin.close()

    def close(self) -> int:
        """Ends and reaps the process if it is still there; its exit code."""
        if self._child.poll() is None:
            self._child.kill()
        code = self._child.wait()
        self._stderr_thread.join(1)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream and not stream.closed:
                stream.close()
        return code


def _left_ms(deadline: float) -> int:
    return max(0, int((deadline - time.monotonic()) * 1000))
