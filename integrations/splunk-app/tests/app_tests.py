#!/usr/bin/env python3
"""Golden runs of the commands, and a lint of the app's conf files.

A golden run is a folder: `args` (one argument a line), `in` (the bodies of the execute chunks, `---` lines
between them), `out` (what the program answered: metadata and body of each reply, `---` between them), and
perhaps `local` (lines to add to local/intelgraph.conf) and `command` (another than ighandoff). The program runs from a
copy of the app whose service is not there, so nothing is sent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
APP = HERE.parent
sys.path.insert(0, str(APP.parent.parent / "tests"))

from splunkd import conf, frame, spl  # noqa: E402
from alert_tests import lint_alert  # noqa: E402
from workflow_tests import lint_workflow  # noqa: E402

SEPARATOR = b"---\n"
# What starts a program of another machine, e.g. qemu-aarch64-static.
RUNNER = os.environ.get("IG_RUNNER", "").split()
LOCAL = """[instance:default]
url = http://127.0.0.1:1/
tenant = acme
credential = file:token
connect_timeout_ms = 1000
"""
COMMAND_KEYS = {"chunked", "filename", "is_risky", "run_in_preview", "maxwait", "maxchunksize"}


class Tap:
    """Counts and prints."""

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0

    def point(self, good: bool, sentence: str, why: str = "") -> None:
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {sentence}", flush=True)
        for line in why.splitlines() if not good else []:
            print(f"#   {line}")


# Golden runs


def stage(program: Path, folder: Path) -> Path:
    """The app with the program in it; gives the program's path."""
    app = folder / "etc/apps/intelgraph"
    for part in ("default", "lookups", "metadata"):
        shutil.copytree(APP / part, app / part)
    (app / "bin").mkdir()
    (app / "local").mkdir()
    (app / "local/intelgraph.conf").write_text(LOCAL, "utf-8")
    shutil.copy(program, app / "bin/intelgraph")
    return app / "bin/intelgraph"


def getinfo(arguments: list[str], command: str = "ighandoff") -> bytes:
    info = {
        "args": arguments,
        "raw_args": arguments,
        "dispatch_dir": "",
        "sid": "1763863200.42",
        "app": "search",
        "owner": "mara",
        "username": "mara",
        "session_key": "x" * 40,
        "splunkd_uri": "https://127.0.0.1:8089",
        "splunk_version": "9.4.6",
        "search": f"search%20index%3Dproxy%20%7C%20{command}",
        "command": command,
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "0",
    }
    return frame.encode({"action": "getinfo", "preview": False, "searchinfo": info})


def conversation(case: Path) -> bytes:
    arguments = (case / "args").read_text("utf-8").splitlines()
    bodies = (case / "in").read_bytes().split(SEPARATOR)
    stream = getinfo(arguments, command_of(case))
    for number, body in enumerate(bodies, 1):
        stream += frame.encode({"action": "execute", "finished": number == len(bodies)}, body)
    return stream


def command_of(case: Path) -> str:
    """ighandoff, unless the folder's file `command` names another."""
    file = case / "command"
    return file.read_text("utf-8").strip() if file.exists() else "ighandoff"


# What differs from run to run and from machine to machine: times, space, and the machine itself.
VARYING = (
    (rb"[0-9]+ MiB are free", b"$N MiB are free"),
    (rb"after [0-9]+ ms: Could ?n[o']t connect", b"after $N ms: Couldn't connect"),
    (rb"intelgraph [0-9.]+ for", b"intelgraph $VERSION for"),
    (rb" for [a-z0-9_]+, on [a-z0-9_]+:", b" for $ARCH, on $ARCH:"),
)


def readable(answer: bytes) -> bytes:
    """Replies without their lengths, and without the fields that an edit of the mapping changes."""
    replies = []
    for reply in frame.split_stream(answer):
        fields = reply.meta.get("required_fields")
        if fields is not None and len(fields) > 12:
            reply.meta["required_fields"] = [*fields[:3], "..."]
        replies.append(json.dumps(reply.meta, ensure_ascii=False).encode() + b"\n" + reply.body)
    text = SEPARATOR.join(replies)
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def golden_runs(tap: Tap, program: Path) -> None:
    for case in sorted((HERE / "golden").iterdir()):
        with tempfile.TemporaryDirectory(prefix="ig-golden-") as folder:
            staged = stage(program, Path(folder))
            if (case / "local").exists():
                with (staged.parent.parent / "local/intelgraph.conf").open("a", encoding="utf-8") as local:
                    local.write((case / "local").read_text("utf-8"))
            done = subprocess.run(
                [*RUNNER, str(staged), command_of(case)], input=conversation(case), capture_output=True,
                timeout=60, check=False, cwd=staged.parent,
                env={"SPLUNK_HOME": folder, "PATH": "/usr/bin:/bin"},
            )
            answer = readable(done.stdout).replace(folder.encode(), b"$SPLUNK_HOME")
        out = case / "out"
        if os.environ.get("UPDATE"):
            out.write_bytes(answer)
        want = out.read_bytes() if out.exists() else b""
        good = answer == want and done.returncode == 0 and not done.stderr
        why = f"status {done.returncode}, stderr {done.stderr[:300]!r}\n" + difference(want, answer)
        tap.point(good, f"golden {case.name.replace('_', ' ')}", why)


def difference(want: bytes, got: bytes) -> str:
    import difflib

    lines = [text.decode("utf-8", "backslashreplace").splitlines() for text in (want, got)]
    return "\n".join(list(difflib.unified_diff(*lines, "out", "now", lineterm=""))[:20])


# Libraries that are mapped when they are first used (libs/late)


def late_libraries(tap: Tap, program: Path) -> None:
    """A library that cannot be loaded is told in a sentence; getinfo needs none of them."""
    chunk = frame.encode({"action": "execute", "finished": True}, b"src\n192.0.2.7\n")
    for library, arguments, sentence in (
        ("libcurl.so.4", [], b"not handed off yet: libcurl.so.4 cannot be loaded"),
        ("libcrypto.so.3", ["dryrun=true"], b"libcrypto.so.3 cannot be loaded; install it"),
    ):
        with tempfile.TemporaryDirectory(prefix="ig-late-") as folder:
            staged = stage(program, Path(folder))
            token = staged.parent.parent / "token"
            token.write_text("igt_none", "utf-8")
            token.chmod(0o600)
            (Path(folder) / library).write_bytes(b"not a library")
            done = subprocess.run(
                [str(staged), "ighandoff"], input=getinfo(arguments) + chunk, capture_output=True,
                timeout=60, check=False, cwd=staged.parent,
                env={"SPLUNK_HOME": folder, "LD_LIBRARY_PATH": folder},
            )
        replies = list(frame.split_stream(done.stdout))
        good = len(replies) == 2 and "error" not in replies[0].meta and sentence in done.stdout
        tap.point(good, f"a missing {library} is told when it is needed, not at getinfo",
                  f"status {done.returncode}, {done.stdout[-600:]!r}, stderr {done.stderr[:300]!r}")


# Conf files


def conf_files() -> Iterator[Path]:
    yield from sorted((APP / "default").glob("*.conf"))


def lint(tap: Tap, program: Path) -> None:
    for path in conf_files():
        try:
            conf.parse_conf(path.read_text("utf-8"), path.name)
            tap.point(True, f"{path.name} reads as Splunk reads it")
        except ValueError as error:
            tap.point(False, f"{path.name} reads as Splunk reads it", str(error))
    spec = (APP / "README/intelgraph.conf.spec").read_text("utf-8")
    made = subprocess.run([str(program), "spec"], capture_output=True, text=True, check=True)
    tap.point(spec == made.stdout, "README/intelgraph.conf.spec is what the program prints",
              "run: build/bin/intelgraph spec > README/intelgraph.conf.spec")
    lint_settings(tap, spec)
    lint_commands(tap)
    lint_examples(tap)
    lint_alert(tap)
    lint_workflow(tap)


def read(name: str) -> dict[str, dict[str, str]]:
    """The file's stanzas, without the one that stands before the first line."""
    stanzas = conf.parse_conf((APP / "default" / name).read_text("utf-8"), name)
    return {stanza: keys for stanza, keys in stanzas.items() if keys}


def lint_settings(tap: Tap, spec: str) -> None:
    documented = set(re.findall(r"^(\w+) = <", spec, re.M))
    set_keys = {key for stanza in read("intelgraph.conf").values() for key in stanza}
    tap.point(documented == set_keys, "intelgraph.conf sets exactly the documented settings",
              f"{sorted(documented ^ set_keys)}")


def lint_commands(tap: Tap) -> None:
    for name, stanza in read("commands.conf").items():
        wrong = {key for key in stanza if key not in COMMAND_KEYS and "command.arg." not in key}
        good = not wrong and stanza.get("command.arg.1") == name and stanza.get("chunked") == "true"
        tap.point(good, f"commands.conf [{name}] has only keys that chunked commands know",
                  f"{sorted(wrong)}")
        help_text = f"{name}-command"
        tap.point(help_text in read("searchbnf.conf"), f"searchbnf.conf explains {name}")
        commands_meta = (APP / "metadata/default.meta").read_text("utf-8")
        tap.point("[commands]\nexport = system" in commands_meta, f"{name} is exported")


def lint_examples(tap: Tap) -> None:
    """Each example of searchbnf.conf names only arguments that the syntax line names."""
    for name, stanza in read("searchbnf.conf").items():
        command = name.removesuffix("-command")
        known = set(re.findall(r"(\w+)=<", stanza["syntax"]))
        for key in sorted(key for key in stanza if key.startswith("example")):
            used: set[str] | None = None
            for part in spl.split_pipeline(stanza[key]):
                called, arguments = spl.split_command(part)
                if called == command:
                    used = {word.partition("=")[0] for word in arguments.args}
            good = used is not None and used <= known
            tap.point(good, f"{name} {key} uses known arguments", str(used))


def main() -> int:
    program = Path(sys.argv[1]).resolve()
    tap = Tap()
    golden_runs(tap, program)
    if sys.argv[2:] != ["golden"]:
        late_libraries(tap, program)
        lint(tap, program)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
