"""Each file by itself: its stanzas, keys and values against the published ones."""

from __future__ import annotations

from .app import App
from .keys import FileSpec, read_spec, read_table
from .read import Conf, Stanza
from .shapes import complain

OBJECTS = (
    "alert_actions", "alerts", "app", "authorize", "collections", "commands", "distsearch", "eventtypes", "history",
    "indexes", "inputs", "limits", "lookups", "macros", "manager", "models", "nav", "passwords", "props", "restmap",
    "savedsearches", "searchbnf", "searchscripts", "server", "tags", "times", "transforms", "viewstates", "views",
    "web", "workflow_actions", "ui",
)
CHUNKED = {"chunked", "filename", "is_risky", "maxwait", "maxchunksize", "run_in_preview", "python.version"}
ROLES = {"*", "admin", "power", "user", "can_delete", "splunk-system-role", "sc_admin", "ess_admin", "ess_analyst"}


def check(app: App) -> None:
    table = read_table()
    for name, conf in app.confs.items():
        own = app.specs.get(name)
        if name in table:
            check_conf(app, conf, table[name])
        elif own:
            check_conf(app, conf, read_spec(own))
            check_custom(app, conf, name)
        else:
            app.say(conf.file, 0, f"no spec tells what {name} may hold: README/{name}.spec is missing")
    check_commands(app)
    check_meta(app)


def check_conf(app: App, conf: Conf, spec: FileSpec) -> None:
    for stanza in conf.stanzas:
        known = spec.find(stanza.name)
        if not known:
            app.say(conf.file, stanza.line, f"there is no stanza [{stanza.name}]{spec.nearest(stanza.name)}")
            continue
        for key in stanza.keys:
            shape = known.shape(key.name)
            if shape is None:
                text = f"there is no setting {key.name} in [{stanza.name}]{known.nearest(key.name)}"
                app.say(conf.file, key.line, text)
            elif key.value and (wrong := complain(shape, key.value)):
                app.say(conf.file, key.line, f"{key.name} = {key.value[:60]} {wrong}")


def check_custom(app: App, conf: Conf, name: str) -> None:
    """Without a trigger Splunk asks for a restart whenever the file is changed."""
    trigger = "reload." + name.removesuffix(".conf")
    triggers = app.conf("app.conf").get("triggers")
    if not triggers or trigger not in triggers:
        app.say("default/app.conf", triggers.line if triggers else 0, f"[triggers] lacks {trigger} for {name}")


def check_commands(app: App) -> None:
    """Commands of the chunked protocol know few keys; Splunk passes over the others without a word."""
    for stanza in app.conf("commands.conf").stanzas:
        if stanza.get("chunked").lower() not in ("true", "1"):
            app.say("default/commands.conf", stanza.line, f"[{stanza.name}] is not chunked = true")
            continue
        for key in stanza.keys:
            if key.name not in CHUNKED and not key.name.startswith("command.arg."):
                app.say("default/commands.conf", key.line, f"{key.name} means nothing to a chunked command")


def check_meta(app: App) -> None:
    for stanza in app.meta.stanzas:
        kind, _, rest = stanza.name.partition("/")
        if kind and kind not in OBJECTS and f"{kind}.conf" not in app.confs:
            app.say(app.meta.file, stanza.line, f"there are no objects of the kind {kind}")
        elif rest:
            check_named(app, stanza, kind, rest.split("/")[0])
        for key in stanza.keys:
            check_meta_key(app, stanza, key.name, key.value, key.line)


def check_named(app: App, stanza: Stanza, kind: str, name: str) -> None:
    if kind == "views":
        known = set(app.views)
    elif kind == "nav":
        known = {"default"}
    elif kind == "lookups":
        known = {path.name for path in (app.root / "lookups").glob("*")}
    else:
        known = set(app.conf(f"{kind}.conf").names)
    if name.replace("%3A", ":") not in known:
        app.say(app.meta.file, stanza.line, f"[{stanza.name}] names what is not there")


def check_meta_key(app: App, stanza: Stanza, key: str, value: str, line: int) -> None:
    if key == "export":
        if value not in ("system", "none"):
            app.say(app.meta.file, line, f"export = {value} must be one of system, none")
    elif key == "access":
        check_access(app, value, line)
    elif key not in ("owner", "version", "modtime"):
        app.say(app.meta.file, line, f"there is no setting {key} in [{stanza.name}]")


def check_access(app: App, value: str, line: int) -> None:
    """`read : [ * ], write : [ admin ]`"""
    import re

    if not re.fullmatch(r"(read|write)\s*:\s*\[[^\]]*\](\s*,\s*(read|write)\s*:\s*\[[^\]]*\])?", value):
        app.say(app.meta.file, line, f"access = {value[:60]} must be read : [ roles ], write : [ roles ]")
        return
    own = {name.removeprefix("role_") for name in app.conf("authorize.conf").names if name.startswith("role_")}
    for roles in re.findall(r"\[([^\]]*)\]", value):
        for role in filter(None, (each.strip() for each in roles.split(","))):
            if role not in ROLES | own:
                app.say(app.meta.file, line, f"access names the role {role}, which nobody defines")
