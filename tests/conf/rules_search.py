"""Searches wherever they stand: macros, lookups, our commands, and the tokens in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .app import App

MACRO = re.compile(r"`([^`]*)`")
LOOKUP = re.compile(r"\|\s*(?:lookup|inputlookup|outputlookup)\s+(?:(?:\w+=\S+)\s+)*([\w.\-]+)")
COMMAND = re.compile(r"(?:^|[|\[])\s*([A-Za-z_][\w]*)")


@dataclass
class Search:
    file: str
    line: int
    text: str


def searches(app: App) -> Iterator[Search]:
    """Those of conf files; views bring theirs themselves."""
    for stanza in app.conf("macros.conf").stanzas:
        for key in stanza.keys:
            if key.name == "definition":
                yield Search("default/macros.conf", key.line, key.value)
    for name, key_name in (("savedsearches.conf", "search"), ("workflow_actions.conf", "search.search_string")):
        for stanza in app.conf(name).stanzas:
            for key in stanza.keys:
                if key.name == key_name:
                    yield Search(f"default/{name}", key.line, key.value)
    for stanza in app.conf("searchbnf.conf").stanzas:
        for key in stanza.keys:
            if re.fullmatch(r"example\d*", key.name):
                yield Search("default/searchbnf.conf", key.line, key.value)


def check(app: App) -> None:
    check_macros(app)
    for search in searches(app):
        check_search(app, search)


def check_macros(app: App) -> None:
    """Arguments and the tokens in the definition are the same."""
    for name, stanza in app.macros.items():
        args = [each.strip() for each in stanza.get("args").split(",") if each.strip()]
        arity = re.search(r"\((\d+)\)$", name)
        if (int(arity[1]) if arity else 0) != len(args):
            app.say("default/macros.conf", stanza.line, f"[{name}] has {len(args)} args")
        used = set(re.findall(r"\$(\w+)\$", stanza.get("definition")))
        for token in sorted(used - set(args)):
            app.say("default/macros.conf", stanza.line, f"[{name}]: ${token}$ is none of its args")
        for arg in sorted(set(args) - used):
            app.say("default/macros.conf", stanza.line, f"[{name}]: the arg {arg} is not used")
        if "definition" not in stanza:
            app.say("default/macros.conf", stanza.line, f"[{name}] lacks definition")


def without_texts(text: str) -> str:
    """The search with what stands in quotes taken out."""
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text)


def check_search(app: App, search: Search) -> None:
    for call in MACRO.findall(search.text):
        name, parenthesis, rest = call.partition("(")
        inner = without_texts(rest.rpartition(")")[0])
        arity = inner.count(",") + 1 if parenthesis and inner.strip() else 0
        wanted = f"{name.strip()}({arity})" if arity else name.strip()
        if wanted not in app.macros:
            app.say(search.file, search.line, f"there is no macro {wanted}")
    if search.text.count("`") % 2:
        app.say(search.file, search.line, "a backtick without its twin")
    bare = without_texts(search.text)
    known = set(app.conf("transforms.conf").names) | {path.name for path in (app.root / "lookups").glob("*")}
    for name in LOOKUP.findall(bare):
        if name not in known and not name.startswith("$"):
            app.say(search.file, search.line, f"there is no lookup {name}")
    for name in COMMAND.findall(bare):
        if name.startswith("ig") and name not in app.commands:
            app.say(search.file, search.line, f"there is no command {name}")
