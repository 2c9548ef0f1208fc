"""What a search leaves behind: rows, messages, the job's state, its log."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from .dialect import Row, Table, read_body

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")


@dataclass(frozen=True)
class Message:
    """A line of the job's banner."""

    level: str
    text: str


@dataclass(frozen=True)
class Exchange:
    """One request and its reply, as bytes."""

    request_meta: dict[str, Any]
    request_body: bytes
    reply_meta: dict[str, Any]
    reply_body: bytes

    @property
    def sent(self) -> Table:
        return read_body(self.request_body)

    @property
    def got(self) -> Table:
        return read_body(self.reply_body)


@dataclass
class SearchResult:
    """The outcome of one search."""

    sid: str
    rows: list[Row] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    state: str = "RUNNING"
    log: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)
    probe_seconds: list[float] = field(default_factory=list)
    first_reply_seconds: float = 0.0
    seconds: float = 0.0
    peak_kb: int = 0

    @property
    def ok(self) -> bool:
        return self.state == "DONE" and not self.violations

    def note(self, level: str, component: str, text: str) -> None:
        """One line of search.log."""
        now = datetime.datetime.now(datetime.UTC)
        stamp = now.strftime("%m-%d-%Y %H:%M:%S.%f")[:-3]
        self.log.append(f"{stamp} +0000 {level:<5} {component} - {text}")

    def note_stderr(self, pid: int, line: str) -> None:
        self.note(
            "ERROR",
            f"ChunkedExternProcessor [{pid} ChunkedExternProcessorStderrLogger]",
            f"stderr: {line}",
        )

    def add_message(self, level: Any, text: Any) -> None:
        """As splunkd: an unknown level or a message that is already there is refused."""
        known = level in LEVELS and isinstance(text, str)
        if not known or any(message.text == text for message in self.messages):
            self.note(
                "WARN",
                "ChunkedExternProcessor",
                f"Error adding inspector message: invalid level or message already exists: {text}",
            )
            self.violations.append(f"inspector message refused: {level!r} {text!r}")
            return
        self.messages.append(Message(level, text))

    def fail(self, text: str) -> None:
        self.state = "FAILED"
        if not any(message.text == text for message in self.messages):
            self.messages.append(Message("FATAL", text))

    def texts(self, level: str | None = None) -> list[str]:
        return [m.text for m in self.messages if level in (None, m.level)]

    def stderr_lines(self) -> list[str]:
        return [line.split(" stderr: ", 1)[1] for line in self.log if " stderr: " in line]
