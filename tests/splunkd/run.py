#!/usr/bin/env python3
"""Runs one search command of an app as splunkd would, and shows what an analyst would see.

run.py --app build/app/intelgraph --home HOME --rows rows.jsonl --spl 'ighandoff title="x"'
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from splunkd import (  # noqa: E402
    SearchOptions,
    SearchResult,
    install_app,
    run_search,
    table,
)


def read_rows(path: str) -> list[dict[str, Any]]:
    """JSON lines; `-` is stdin."""
    with open(0 if path == "-" else path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.strip()]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--app", type=Path, help="a built app; it is installed into HOME first")
    parser.add_argument("--home", type=Path, required=True, help="the stand-in's SPLUNK_HOME")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FILE:STANZA:KEY=VALUE",
        help="a line of local/FILE.conf of the installed app",
    )
    parser.add_argument("--rows", required=True, help="rows as JSON lines, - for stdin")
    parser.add_argument("--spl", required=True, help="the search, or only its last command")
    parser.add_argument("--sid", default="")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--from-app", default="search", help="the app the analyst works in")
    parser.add_argument("--chunk-rows", type=int, default=2500)
    parser.add_argument("--preview", action="store_true")
    parser.add_argument("--columns", default="", help="comma list of the columns to show")
    parser.add_argument("--show", type=int, default=8, help="how many rows to show")
    parser.add_argument("--out", help="write all result rows there as JSON lines")
    parser.add_argument("--log", action="store_true", help="show search.log too")
    return parser.parse_args()


def parse_settings(lines: list[str]) -> dict[str, dict[str, dict[str, str]]]:
    """FILE:STANZA:KEY=VALUE; the stanza may hold colons (`instance:default`)."""
    conf: dict[str, dict[str, dict[str, str]]] = {}
    for line in lines:
        name, _, value = line.partition("=")
        where, _, key = name.rpartition(":")
        file, _, stanza = where.partition(":")
        if not (file and stanza and key):
            raise SystemExit(f"--set {line!r}: FILE:STANZA:KEY=VALUE")
        conf.setdefault(file, {}).setdefault(stanza, {})[key] = value
    return conf


def show(result: SearchResult, arguments: argparse.Namespace) -> None:
    wanted = [name for name in arguments.columns.split(",") if name]
    columns = table.choose_columns(result, wanted)
    if result.rows and result.state == "DONE":
        print(table.format_rows(result.rows, columns, arguments.show))
        print()
    if result.messages:
        print(table.format_messages(result))
    print(table.format_job(result))
    if arguments.log:
        print("\n".join(result.log))


def main() -> int:
    arguments = parse_arguments()
    home = arguments.home.resolve()
    if arguments.app:
        install_app(home, arguments.app.resolve(), parse_settings(arguments.set))
    options = SearchOptions(
        sid=arguments.sid,
        user=arguments.user,
        app=arguments.from_app,
        chunk_rows=arguments.chunk_rows,
        preview=arguments.preview,
    )
    result = run_search(home, arguments.spl, read_rows(arguments.rows), options)
    show(result, arguments)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in result.rows)
    for violation in result.violations:
        print(f"protocol: {violation}", file=sys.stderr)
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
