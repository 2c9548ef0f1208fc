"""Views and navigation: well formed, and naming only what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .app import App
from .rules_search import Search, check_search

BUILT_IN = {"search", "analytics_workspace", "datasets", "reports", "alerts", "dashboards", "pivot", "data_models"}
TOKEN = re.compile(r"\$([A-Za-z_][\w\-]*(?:[.:][\w.\-:]+)?)(?:\|[a-z]+)?\$")
# What Dashboard Studio itself gives: the click, the environment, results of a data source.
GIVEN = re.compile(r"(name|value|row\..+|click\..+|trellis\..+|env:.+|result\..+|job\..+)$")


def check(app: App) -> None:
    for path in app.views.values():
        check_view(app, path)
    for path in sorted((app.root / "default/data/ui/nav").glob("*.xml")):
        check_nav(app, path)


def parse(app: App, path: Path) -> ElementTree.Element | None:
    name = path.relative_to(app.root).as_posix()
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        app.say(name, 0, "a document type: entities have no place here")
        return None
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        app.say(name, error.position[0], f"is not well formed: {error}")
        return None


# Navigation


def check_nav(app: App, path: Path) -> None:
    name = path.relative_to(app.root).as_posix()
    root = parse(app, path)
    if root is None:
        return
    if root.tag != "nav":
        app.say(name, 0, f"begins with <{root.tag}> instead of <nav>")
    homes = 0
    for each in root.iter():
        if each.tag not in ("nav", "view", "collection", "saved", "a", "divider"):
            app.say(name, 0, f"<{each.tag}> is nothing that navigation has")
        if each.tag == "view":
            homes += each.get("default", "").lower() == "true"
            check_nav_view(app, name, each)
        if each.tag == "saved" and each.get("name") not in (*app.conf("savedsearches.conf").names, None):
            app.say(name, 0, f"there is no saved search {each.get('name')}")
    if homes != 1:
        app.say(name, 0, f"{homes} views are the default one: it must be one")


def check_nav_view(app: App, name: str, view: ElementTree.Element) -> None:
    wanted = view.get("name")
    if wanted is None and view.get("source") in ("all", "unclassified"):
        return
    if wanted not in app.views and wanted not in BUILT_IN:
        app.say(name, 0, f"there is no view {wanted}")


# Views


def check_view(app: App, path: Path) -> None:
    name = path.relative_to(app.root).as_posix()
    root = parse(app, path)
    if root is None:
        return
    if root.tag not in ("dashboard", "form", "view"):
        app.say(name, 0, f"<{root.tag}> is no view")
    if root.find("label") is None:
        app.say(name, 0, "has no label")
    template = root.get("template", "")
    if template:
        owner, _, file = template.rpartition(":")
        if owner not in ("", app.id, "APP") or not (app.root / "appserver" / file.lstrip("/")).is_file():
            app.say(name, 0, f"there is no template {template}")
    for attribute in ("script", "stylesheet"):
        for file in filter(None, (each.strip() for each in root.get(attribute, "").split(","))):
            if not (app.root / "appserver/static" / file).is_file():
                app.say(name, 0, f"there is no appserver/static/{file}")
    if root.get("version") == "2":
        check_studio(app, name, root)
    else:
        for query in root.iter("query"):
            check_search(app, Search(name, 0, query.text or ""))


def check_studio(app: App, name: str, root: ElementTree.Element) -> None:
    text = root.findtext("definition") or ""
    try:
        definition = json.loads(text)
    except ValueError as error:
        app.say(name, 0, f"the definition is no JSON: {error}")
        return
    check_sources(app, name, definition)
    check_layout(app, name, definition)
    check_tokens(app, name, definition)


def check_sources(app: App, name: str, definition: Any) -> None:
    sources = definition.get("dataSources", {})
    used: set[str] = set()
    for kind in ("visualizations", "inputs"):
        for key, each in definition.get(kind, {}).items():
            for source in each.get("dataSources", {}).values():
                used.add(source)
                if source not in sources:
                    app.say(name, 0, f"{key} names the data source {source}, which is not there")
    for key, source in sources.items():
        options = source.get("options", {})
        extended = options.get("extend")
        if extended:
            used.add(extended)
            if extended not in sources:
                app.say(name, 0, f"the data source {key} extends {extended}, which is not there")
        if source.get("type") == "ds.chain" and not extended:
            app.say(name, 0, f"the data source {key} is a chain that extends nothing")
        check_search(app, Search(name, 0, options.get("query", "")))
    for key in sorted(set(sources) - used):
        if f"${key}:" not in json.dumps(definition):
            app.say(name, 0, f"nothing shows the data source {key}")


def items(layout: Any) -> Iterator[str]:
    """What a layout, or each of its tabs, shows."""
    for each in layout.get("structure", []):
        yield each.get("item", "")
    yield from layout.get("globalInputs", [])
    for inner in layout.get("layoutDefinitions", {}).values():
        yield from items(inner)


def check_layout(app: App, name: str, definition: Any) -> None:
    known = set(definition.get("visualizations", {})) | set(definition.get("inputs", {}))
    shown = list(items(definition.get("layout", {})))
    for item in sorted(set(shown) - known):
        app.say(name, 0, f"the layout shows {item}, which is not there")
    for item in sorted(known - set(shown)):
        app.say(name, 0, f"the layout does not show {item}")


def check_tokens(app: App, name: str, definition: Any) -> None:
    text = json.dumps(definition)
    known = {each.get("options", {}).get("token") for each in definition.get("inputs", {}).values()}
    known |= set(re.findall(r'"token": "([\w\-]+)"', text))
    known |= set(definition.get("defaults", {}).get("tokens", {}).get("default", {}))
    known |= set(definition.get("dataSources", {}))  # $source:result.field$
    for token in sorted(set(TOKEN.findall(text))):
        if re.split(r"[.:]", token)[0] not in known and not GIVEN.match(token):
            app.say(name, 0, f"${token}$ is set by nothing")
