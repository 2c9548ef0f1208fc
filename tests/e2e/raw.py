"""Feeds a command raw bytes, without the stand-in's manners, and reads whatever comes back."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splunkd import dialect, frame
from splunkd.app import CommandSpec
from splunkd.frame import Frame, ProtocolError
from splunkd.process import environment

HANG_S = 60.0


@dataclass
class Outcome:
    """How the command ended, and its replies as far as they are whole."""

    code: int
    replies: list[Frame]
    rest: bytes
    stderr: str

    @property
    def errors(self) -> list[str]:
        return [str(each.meta["error"]) for each in self.replies if "error" in each.meta]


def feed(spec: CommandSpec, home: Path, stream: bytes) -> Outcome:
    """One run. A hang fails the test by subprocess.TimeoutExpired."""
    done = subprocess.run(
        [str(spec.program), *spec.arguments],
        input=stream,
        capture_output=True,
        cwd=spec.folder,
        env=environment(home),
        timeout=HANG_S,
        check=False,
    )
    replies: list[Frame] = []
    rest = done.stdout
    while rest:
        try:
            length = frame.frame_length(rest[: frame.HEADER_MAX])
            if length is None or length > len(rest):
                break
            replies.append(frame.decode(rest[:length]))
        except ProtocolError:
            break
        rest = rest[length:]
    return Outcome(done.returncode, replies, rest, done.stderr.decode("utf-8", "backslashreplace"))


def getinfo(args: list[str], sid: str = "1.1", **more: Any) -> bytes:
    """A short getinfo chunk."""
    info = {"args": args, "sid": sid, "dispatch_dir": "/nowhere", "username": "mara", **more}
    return frame.encode({"action": "getinfo", "preview": False, "searchinfo": info})


def execute(body: bytes, finished: bool = False) -> bytes:
    return frame.encode({"action": "execute", "finished": finished}, body)


def body(columns: list[str], *rows: dict[str, Any]) -> bytes:
    return dialect.write_body(columns, rows)


def with_args(getinfo_frame: Frame, args: list[str]) -> bytes:
    """A recorded getinfo with other arguments."""
    meta = json.loads(json.dumps(getinfo_frame.meta))
    meta["searchinfo"]["args"] = args
    meta["searchinfo"]["raw_args"] = args
    return frame.encode(meta)
