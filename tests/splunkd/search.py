"""A search: the rows go through each installed command of the pipeline, chunk by chunk."""

from __future__ import annotations

import hashlib
import re
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import dialect, spl
from .app import CommandSpec, InstallError, find_command
from .dialect import DialectError, Row, Table, Value
from .frame import Frame, ProtocolError, encode_meta, encode_raw
from .process import CommandEnded, CommandProcess
from .result import Exchange, SearchResult

INDEX = "_chunked_idx"
TYPES = ("streaming", "stateful", "events", "reporting")
GETINFO_KEYS = {
    "type": str,
    "generating": bool,
    "required_fields": list,
    "maxwait": int,
    "streaming_preop": str,
    "finished": bool,
    "error": str,
    "inspector": dict,
    "maxinputs": int,
    "run_in_preview": bool,
}
EXECUTE_KEYS = {"finished": bool, "error": str, "inspector": dict}
EOF_TEXT = "EOF while attempting to read transport header read_size="


@dataclass
class SearchOptions:
    """How the stand-in runs a search."""

    sid: str = ""
    user: str = "admin"
    app: str = "search"
    earliest_time: str = "0"
    latest_time: str = "0"
    chunk_rows: int = 2500
    empty_chunk: bool = True  # a header-only chunk after the first one
    last_empty: bool = True  # the last chunk, finished=true, holds no rows
    preview: bool = False
    probes: int = 2  # starts that are asked for getinfo only
    probe_exit_s: float = 5.0
    reply_s: float = 120.0
    exit_s: float = 30.0
    cancel_after: int | None = None  # break off after so many execute chunks
    cancel_how: str = "close"  # or "term"
    keep_bodies: bool = False
    splunk_version: str = "9.4.6"
    max_result_rows: int = 50000
    args: list[str] | None = None  # instead of those split from the search
    env: Mapping[str, str] = field(default_factory=dict)
    session_key: str = ""  # of a session that a real REST server knows (rest.py)
    splunkd_uri: str = "https://127.0.0.1:8089"


def run_search(
    home: Path, search: str, rows: Sequence[Mapping[str, Any]], options: SearchOptions | None = None
) -> SearchResult:
    """Runs the installed commands of `search` over `rows`, the result of what goes before."""
    options = options or SearchOptions()
    options.sid = options.sid or f"{time.time():.0f}.{time.monotonic_ns() % 100000}"
    result = SearchResult(options.sid)
    result.rows = [clean_row(row) for row in rows]
    result.columns = columns_of(result.rows)
    started = time.monotonic()
    try:
        for spec, arguments in _commands(home, search, options):
            result.state = "RUNNING"
            CommandRun(home, search, spec, arguments, options, result).run()
            if result.state != "DONE":
                break
    except (InstallError, spl.SplError) as error:
        result.fail(str(error))
    result.seconds = time.monotonic() - started
    return result


def _commands(
    home: Path, search: str, options: SearchOptions
) -> list[tuple[CommandSpec, spl.Arguments]]:
    """The commands to run. What stands before the first installed one is the base search."""
    found: list[tuple[CommandSpec, spl.Arguments]] = []
    parts = spl.split_pipeline(search)
    for position, part in enumerate(parts):
        name = part.split(maxsplit=1)[0] if part else ""
        try:
            spec = find_command(home, name, options.app)
        except InstallError:
            if found or position == len(parts) - 1:
                raise
            continue
        arguments = spl.split_command(part)[1]
        if options.args is not None:
            arguments = spl.Arguments(options.args, options.args)
        found.append((spec, arguments))
    return found


def clean_value(value: Any) -> Value:
    """Any JSON value as Splunk holds it: text, or several texts."""
    if isinstance(value, list):
        texts = [str(clean_value(each)) for each in value]
        return texts if len(texts) > 1 else "".join(texts)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def clean_row(row: Mapping[str, Any]) -> Row:
    return {name: clean_value(value) for name, value in row.items()}


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Every column of the rows, in the order they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def session_key(sid: str) -> str:
    """120 characters of splunkd's alphabet, the same for the same search."""
    digest = hashlib.shake_128(sid.encode("utf-8", "surrogateescape")).hexdigest(60)
    return "^" + digest[:117] + "_" + digest[-1].upper()


class CommandRun:
    """One command within a search: its probes, then the run that counts."""

    def __init__(
        self,
        home: Path,
        search: str,
        spec: CommandSpec,
        arguments: spl.Arguments,
        options: SearchOptions,
        result: SearchResult,
    ) -> None:
        self._home = home
        self._search = search
        self._spec = spec
        self._arguments = arguments
        self._options = options
        self._result = result
        self._out: list[Row] = []
        self._last_finished = False
        self._held_messages: Mapping[str, Any] = {}  # of the getinfo reply, until rows flow

    def run(self) -> None:
        for _ in range(self._options.probes):
            if not self._probe():
                return
        process = self._start()
        try:
            self._talk(process)
        except CommandEnded as ended:
            self._take_early_end(process, ended)
        except (ProtocolError, DialectError) as error:
            self._take_violation(str(error))
        finally:
            process.note_peak()
            self._result.peak_kb = max(self._result.peak_kb, process.peak_kb)
            self._result.exit_codes.append(process.close())
        if self._result.state in ("DONE", "CANCELED"):
            self._result.rows = self._out
            self._result.columns = columns_of(self._out)

    # Starting

    def _start(self) -> CommandProcess:
        process = CommandProcess(
            self._spec, self._home, self._result.note_stderr, self._options.env
        )
        words = " ".join([str(self._spec.program), *self._spec.arguments])
        self._result.note("INFO", "ChunkedExternProcessor", f"Running process: {words}")
        return process

    def _getinfo(self, dispatch_dir: str) -> bytes:
        options = self._options
        info = {
            "args": self._arguments.args,
            "raw_args": self._arguments.raw_args,
            "dispatch_dir": dispatch_dir,
            "sid": options.sid,
            "app": options.app,
            "owner": options.user,
            "username": options.user,
            "session_key": options.session_key or session_key(options.sid),
            "splunkd_uri": options.splunkd_uri,
            "splunk_version": options.splunk_version,
            "search": urllib.parse.quote(self._search, safe="", errors="surrogateescape"),
            "command": self._spec.name,
            "maxresultrows": options.max_result_rows,
            "earliest_time": options.earliest_time,
            "latest_time": options.latest_time,
        }
        meta = {
            "action": "getinfo",
            "preview": options.preview,
            "streaming_command_will_restart": False,
            "searchinfo": info,
        }
        return encode_raw(encode_meta(meta), b"")

    def _probe(self) -> bool:
        """A start for getinfo alone: a reply, then the end of stdin, then a quick exit 0."""
        process = self._start()
        begun = time.monotonic()
        try:
            reply = process.exchange(self._getinfo(""), self._options.reply_s)
            check_getinfo(reply)
            code, trailing = process.finish(self._options.probe_exit_s)
        except (CommandEnded, ProtocolError) as error:
            process.close()
            self._take_violation(f"probe: {error}")
            return False
        self._result.probe_seconds.append(time.monotonic() - begun)
        process.close()
        if code or trailing:
            self._take_violation(f"probe: exit {code}, {trailing[:80]!r} after the reply")
            return False
        return True

    # The run that counts

    def _talk(self, process: CommandProcess) -> None:
        begun = time.monotonic()
        request = self._getinfo(self._dispatch_dir())
        reply = process.exchange(request, self._options.reply_s)
        self._result.first_reply_seconds = time.monotonic() - begun
        check_getinfo(reply)
        self._result.info = reply.meta
        if self._take_error(reply):
            self._end(process)
            return
        self._held_messages = reply.meta
        if reply.meta.get("generating", False):
            self._generate(process)
        elif not self._execute_all(process):
            return
        if self._result.state == "RUNNING":
            self._end(process)

    def _dispatch_dir(self) -> str:
        folder = self._home / "var" / "run" / "splunk" / "dispatch" / self._options.sid
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def _execute_all(self, process: CommandProcess) -> bool:
        """Sends every chunk. False when the search was broken off or failed."""
        for number, (chunk, finished) in enumerate(self._chunks()):
            columns = self._columns(chunk)
            request = self._execute_request(columns, chunk, finished)
            if self._options.cancel_after == number:
                self._cancel(process, request)
                return False
            reply = self._execute(process, finished, request)
            if self._take_error(reply):
                self._end(process)
                return False
            if reply.meta["finished"] != finished:
                raise ProtocolError(f"finished is not echoed: {finished} was sent")
            self._out.extend(self._join(chunk, columns, dialect.read_body(reply.body)))
            self._last_finished = finished
        return True

    def _generate(self, process: CommandProcess) -> None:
        """A generating command is asked, without rows, until it says finished."""
        columns = [*self._required(), INDEX]
        while not self._last_finished:
            request = self._execute_request(columns, [], True)
            reply = self._execute(process, True, request)
            if self._take_error(reply):
                break
            table = dialect.read_body(reply.body)
            for row in table.rows:
                row.pop(INDEX, None)
            self._out.extend(table.rows)
            self._last_finished = reply.meta["finished"]

    def _execute_request(
        self, columns: Sequence[str], chunk: Sequence[Row], finished: bool
    ) -> tuple[bytes, bytes]:
        """Metadata and body of one execute chunk."""
        meta = encode_meta({"action": "execute", "finished": finished})
        rows: Sequence[Row] = chunk
        if INDEX in columns:
            rows = [{**row, INDEX: str(number)} for number, row in enumerate(chunk)]
        return meta, dialect.write_body(columns, rows)

    def _execute(
        self, process: CommandProcess, finished: bool, request: tuple[bytes, bytes]
    ) -> Frame:
        wait = self._spec.maxwait_s or self._options.reply_s
        reply = process.exchange(encode_raw(*request), min(wait, self._options.reply_s))
        if self._options.keep_bodies:
            sent = {"action": "execute", "finished": finished}
            self._result.exchanges.append(Exchange(sent, request[1], reply.meta, reply.body))
        check_keys(reply, EXECUTE_KEYS)
        if "finished" not in reply.meta:
            raise ProtocolError(f"the reply lacks `finished`: {reply.meta}")
        self._take_held()
        self._take_inspector(reply.meta)
        return reply

    def _chunks(self) -> Iterator[tuple[list[Row], bool]]:
        rows, size = self._result.rows, self._options.chunk_rows
        starts = list(range(0, len(rows), size))
        for number, start in enumerate(starts):
            last = number == len(starts) - 1 and not self._options.last_empty
            yield rows[start : start + size], last
            if number == 0 and self._options.empty_chunk and not last:
                yield [], False
        if self._options.last_empty or not starts:
            yield [], True

    # Columns and rows

    def _required(self) -> list[str]:
        return list(dict.fromkeys(self._result.info.get("required_fields", [])))

    def _restricted(self) -> bool:
        """Only the required fields are sent, and come back to the full rows by their index."""
        kind = self._result.info.get("type", "streaming")
        return kind in ("streaming", "stateful") and self._required() not in ([], ["*"])

    def _columns(self, chunk: Sequence[Row]) -> list[str]:
        kind = self._result.info.get("type", "streaming")
        if self._restricted():
            return [*self._required(), INDEX]
        if kind == "reporting" and self._required() not in ([], ["*"]):
            return self._required()
        return columns_of(chunk) if chunk else self._result.columns

    def _join(self, chunk: list[Row], columns: list[str], table: Table) -> list[Row]:
        if not self._restricted():
            return table.rows
        if table.rows and INDEX not in table.columns:
            raise ProtocolError(f"the reply's rows have no {INDEX}")
        seen: set[int] = set()
        return [self._join_row(chunk, row, seen) for row in table.rows]

    def _join_row(self, chunk: list[Row], row: Row, seen: set[int]) -> Row:
        text = row[INDEX]
        if not isinstance(text, str) or not re.fullmatch(r"0|[1-9][0-9]{0,9}", text):
            raise ProtocolError(f"{INDEX} is no row number: {text!r}")
        index = int(text)
        if index >= len(chunk):
            raise ProtocolError(f"{INDEX} {index} is beyond the {len(chunk)} rows sent")
        if index in seen:
            raise ProtocolError(f"{INDEX} {index} comes back twice")
        seen.add(index)
        full = dict(chunk[index])
        full.update({name: value for name, value in row.items() if value or name in full})
        del full[INDEX]
        return full

    # Messages and ends

    def _take_inspector(self, meta: Mapping[str, Any]) -> None:
        inspector = meta.get("inspector", {})
        messages = inspector.get("messages", [])
        if not isinstance(messages, list):
            raise ProtocolError(f"inspector.messages is no list: {messages!r}")
        for message in messages:
            if not isinstance(message, list) or len(message) != 2:
                raise ProtocolError(f"an inspector message is [level, text], not {message!r}")
            self._result.add_message(message[0], message[1])

    def _take_held(self) -> None:
        """Messages of the getinfo reply count once the command has gone on to its rows."""
        held, self._held_messages = self._held_messages, {}
        self._take_inspector(held)

    def _take_error(self, reply: Frame) -> bool:
        """The `error` key ends the search."""
        if "error" not in reply.meta:
            return False
        if reply.meta.get("finished") is not True:
            raise ProtocolError("`error` stands without finished=true")
        self._result.fail(f"Error in '{self._spec.name}' command: {reply.meta['error']}")
        return True

    def _cancel(self, process: CommandProcess, request: tuple[bytes, bytes]) -> None:
        wire = encode_raw(*request)
        half = wire[: min(len(wire) // 2 + 1, 4096)]
        process.note_peak()
        code = process.cancel(half, self._options.cancel_how, self._options.exit_s)
        self._result.note("INFO", "ChunkedExternProcessor", f"cancelled, exit code {code}")
        self._result.state = "CANCELED"

    def _end(self, process: CommandProcess) -> None:
        """After the last reply: EOF, no more bytes, an end in time. The exit code is ignored."""
        code, trailing = process.finish(self._options.exit_s)
        if trailing:
            raise ProtocolError(f"{len(trailing)} bytes after the last reply: {trailing[:80]!r}")
        if code:
            self._result.note("INFO", "ChunkedExternProcessor", f"exit code {code} (ignored)")
        if self._result.state == "RUNNING":
            self._result.state = "DONE"

    def _take_early_end(self, process: CommandProcess, ended: CommandEnded) -> None:
        """The command left where a reply was due: what the job then looks like."""
        code = process.close()
        result = self._result
        if self._held_messages.get("inspector"):
            result.note(
                "WARN",
                "ChunkedExternProcessor",
                "Error adding inspector message: invalid level or message already exists",
            )
        result.note("ERROR", "ChunkedExternProcessor", EOF_TEXT + str(ended.read_bytes))
        if code:
            text = f"External search command exited unexpectedly with non-zero error code {code}."
        else:
            text = f"External search command exited unexpectedly: {EOF_TEXT}{ended.read_bytes}"
        result.violations.append(text)
        result.fail(f"Error in '{self._spec.name}' command: {text}")

    def _take_violation(self, text: str) -> None:
        self._result.violations.append(text)
        self._result.note("ERROR", "ChunkedExternProcessor", text)
        self._result.fail(f"Error in '{self._spec.name}' command: protocol: {text}")


def check_keys(reply: Frame, known: Mapping[str, type]) -> None:
    """Every member of a reply's metadata is one that splunkd reads, and of its type."""
    for key, value in reply.meta.items():
        if key not in known:
            raise ProtocolError(f"the reply has a member that splunkd does not know: {key!r}")
        wrong_bool = isinstance(value, bool) and known[key] is int
        if not isinstance(value, known[key]) or wrong_bool:
            raise ProtocolError(f"{key} is no {known[key].__name__}: {value!r}")


def check_getinfo(reply: Frame) -> None:
    check_keys(reply, GETINFO_KEYS)
    if reply.body:
        raise ProtocolError("the getinfo reply has a body")
    kind = reply.meta.get("type", "streaming")
    if kind not in TYPES:
        raise ProtocolError(f"Invalid custom search command type: {kind}")
    if not all(isinstance(name, str) and name for name in reply.meta.get("required_fields", [])):
        raise ProtocolError("required_fields holds what is no field name")
