"""What one file names must be in another."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .app import App
from .read import Key, Stanza
from .rules_keys import ROLES

# Splunk's own capabilities that an app like this may ask for.
CAPABILITIES = {
    "admin_all_objects", "list_storage_passwords", "edit_storage_passwords", "search", "schedule_search",
    "edit_search_schedule_window", "rest_properties_get", "rest_properties_set", "rest_apps_view",
    "rest_apps_management", "run_custom_command", "list_settings", "edit_local_apps", "install_apps", "edit_server",
    "edit_user", "rtsearch", "output_file", "edit_tokens_own", "list_inputs", "edit_kvstore", "get_metadata",
}


def check(app: App) -> None:
    check_app_conf(app)
    check_commands(app)
    check_rest(app)
    check_authorize(app)
    check_transforms(app)
    check_alerts(app)
    check_saved(app)
    check_workflow(app)
    check_distribution(app)
    check_links(app)


def check_app_conf(app: App) -> None:
    file = "default/app.conf"
    conf = app.conf("app.conf")
    view = app.setting("app.conf", "ui", "setup_view")
    if view and view not in app.views:
        app.say(file, line_of(conf.get("ui"), "setup_view"), f"setup_view = {view}: there is no such view")
    if app.setting("app.conf", "install", "is_configured").lower() in ("1", "true"):
        app.say(file, line_of(conf.get("install"), "is_configured"), "is_configured must be false in a package")
    label = app.setting("app.conf", "ui", "label")
    if not 5 <= len(label) <= 80:
        app.say(file, line_of(conf.get("ui"), "label"), f"label has {len(label)} characters: 5 to 80 are allowed")
    info = (app.manifest or {}).get("info", {})
    compare(app, "id", {"[package] id": app.setting("app.conf", "package", "id"),
                        "[id] name": app.setting("app.conf", "id", "name"),
                        "app.manifest": info.get("id", {}).get("name", "")})
    compare(app, "version", {"[launcher] version": app.setting("app.conf", "launcher", "version"),
                             "[id] version": app.setting("app.conf", "id", "version"),
                             "app.manifest": info.get("id", {}).get("version", "")})
    triggers = conf.get("triggers")
    for key in triggers.keys if triggers else []:
        name = key.name.removeprefix("reload.")
        if f"{name}.conf" not in app.confs and f"{name}.conf" not in app.specs:
            app.say(file, key.line, f"{key.name}: there is no {name}.conf")
        kinds = ("simple", "access_endpoints", "http_get", "http_post", "rest_endpoints", "never")
        if key.value.split(" ")[0] not in kinds:
            app.say(file, key.line, f"{key.name} = {key.value}: no such way to reload")


def compare(app: App, what: str, said: dict[str, str]) -> None:
    told = {where: value for where, value in said.items() if value}
    if len(set(told.values())) > 1:
        app.say("default/app.conf", 0, f"the {what} differs: {', '.join(f'{a} {b}' for a, b in told.items())}")


def line_of(stanza: Stanza | None, key: str) -> int:
    if not stanza:
        return 0
    return next((each.line for each in stanza.keys if each.name == key), stanza.line)


def check_commands(app: App) -> None:
    for stanza in app.conf("commands.conf").stanzas:
        name = stanza.get("filename") or stanza.name
        if not app.has_program(name):
            line = line_of(stanza, "filename")
            app.say("default/commands.conf", line, f"[{stanza.name}]: there is no program {name} in any bin folder")
        if f"{stanza.name}-command" not in app.conf("searchbnf.conf").names:
            app.say("default/searchbnf.conf", 0, f"does not explain the command {stanza.name}")
    for stanza in app.conf("searchbnf.conf").stanzas:
        command, is_command, _ = stanza.name.partition("-command")
        if is_command and command not in app.commands:
            app.say("default/searchbnf.conf", stanza.line, f"explains {command}, which commands.conf does not have")
        for needed in ("syntax", "description", "usage", "shortdesc") if is_command else ():
            if needed not in stanza:
                app.say("default/searchbnf.conf", stanza.line, f"[{stanza.name}] lacks {needed}")
    exported = app.meta.get("commands") or app.meta.get("")
    if app.commands and (not exported or exported.get("export") != "system"):
        app.say(app.meta.file, exported.line if exported else 0, "[commands] is not exported to all apps")


def path_within(app: App, value: str) -> Path | None:
    """The file that $SPLUNK_HOME/etc/apps/<id>/... names in this app; None when it lies elsewhere."""
    start = f"$SPLUNK_HOME/etc/apps/{app.id}/"
    return app.root / value.removeprefix(start) if value.startswith(start) else None


def check_rest(app: App) -> None:
    scripts = [stanza for stanza in app.conf("restmap.conf").stanzas if "match" in stanza]
    exposed = [stanza for stanza in app.conf("web.conf").stanzas if stanza.name.startswith("expose:")]
    for stanza in scripts:
        check_handler(app, stanza)
        match = stanza.get("match").strip("/")
        is_exposed = any(covers(each.get("pattern"), match) for each in exposed)
        if not is_exposed and "not exposed" not in stanza.comment.lower():
            app.say("default/restmap.conf", stanza.line, f"no web.conf exposes /{match}, and no comment says that it "
                    "is not exposed on purpose")
    for stanza in exposed:
        if not any(covers(stanza.get("pattern"), each.get("match").strip("/")) for each in scripts):
            text = f"exposes {stanza.get('pattern')}, which restmap.conf does not have"
            app.say("default/web.conf", line_of(stanza, "pattern"), text)
        if "methods" not in stanza:
            app.say("default/web.conf", stanza.line, f"[{stanza.name}] lacks methods")


def covers(pattern: str, match: str) -> bool:
    """Whether a pattern of web.conf lets requests through to what a handler matches, or below it."""
    parts, wanted = pattern.split("/"), match.split("/")
    return len(parts) >= len(wanted) and all(a in ("*", b) for a, b in zip(parts, wanted, strict=False))


def check_handler(app: App, stanza: Stanza) -> None:
    file = "default/restmap.conf"
    if stanza.name.startswith("script:") and stanza.get("scripttype") != "persist":
        app.say(file, stanza.line, f"[{stanza.name}] is not scripttype = persist")
    driver = path_within(app, stanza.get("driver"))
    if stanza.get("driver") and not driver:
        app.say(file, line_of(stanza, "driver"), f"driver = {stanza.get('driver')} lies outside of the app")
    elif driver and not driver.is_file():
        app.say(file, line_of(stanza, "driver"), f"driver = {stanza.get('driver')}: there is no such program")
    for key in stanza.keys:
        if key.name == "capability" or key.name.startswith("capability."):
            for word in re.split(r"[;, ]+|\bor\b|\band\b", key.value):
                if word and word not in app.capabilities | CAPABILITIES:
                    app.say(file, key.line, f"{key.name} = {word}, which nobody defines")
    if stanza.get("requireAuthentication").lower() in ("0", "false"):
        app.say(file, line_of(stanza, "requireAuthentication"), "lets everybody in without a session")


def check_authorize(app: App) -> None:
    file = "default/authorize.conf"
    stanzas = app.conf("authorize.conf").stanzas
    own = {stanza.name.removeprefix("role_") for stanza in stanzas if stanza.name.startswith("role_")}
    given: set[str] = set()
    for stanza in (each for each in stanzas if each.name.startswith("role_")):
        for role in re.split(r"[;, ]+", stanza.get("importRoles")):
            if role and role not in own | ROLES:
                app.say(file, line_of(stanza, "importRoles"), f"importRoles names {role}, which nobody defines")
        for key in stanza.keys:
            if key.name == "importRoles" or key.name.startswith(("srch", "rtSrch", "field")):
                continue
            given.add(key.name)
            if key.name not in app.capabilities | CAPABILITIES:
                app.say(file, key.line, f"[{stanza.name}] gives {key.name}, which nobody defines")
    for capability in sorted(app.capabilities - given):
        app.say(file, 0, f"no role has the capability {capability}")


def check_transforms(app: App) -> None:
    transforms = app.conf("transforms.conf")
    collections = set(app.conf("collections.conf").names)
    for stanza in transforms.stanzas:
        file, collection = stanza.get("filename"), stanza.get("collection")
        if file and not (app.root / "lookups" / file).is_file():
            app.say(transforms.file, line_of(stanza, "filename"), f"there is no lookups/{file}")
        if collection and collection not in collections:
            app.say(transforms.file, line_of(stanza, "collection"), f"there is no collection {collection}")
        if collection and stanza.get("external_type") != "kvstore":
            app.say(transforms.file, stanza.line, f"[{stanza.name}] has a collection without external_type = kvstore")
    for stanza in app.conf("props.conf").stanzas:
        for key in stanza.keys:
            if re.match(r"(REPORT|TRANSFORMS|LOOKUP)-", key.name):
                names = [key.value.split()[0]] if key.name.startswith("LOOKUP") else key.value.split(",")
                for name in (each.strip() for each in names):
                    if name not in transforms.names:
                        app.say("default/props.conf", key.line, f"{key.name} names {name}, which transforms.conf lacks")


ALERT_TOKENS = ("name", "app", "owner", "description", "search", "results.", "result.", "job.", "trigger_", "alert.",
                "server.", "type", "cron.", "results_link", "view_link", "ssname", "action.", "sid", "rid", "orig_")


def check_alerts(app: App) -> None:
    file = "default/alert_actions.conf"
    for stanza in app.conf("alert_actions.conf").stanzas:
        program = stanza.get("alert.execute.cmd") or stanza.name
        if not app.has_program(program):
            app.say(file, line_of(stanza, "alert.execute.cmd"), f"there is no program {program} in any bin folder")
        icon = stanza.get("icon_path")
        if icon and not (app.root / "appserver/static" / icon).is_file():
            app.say(file, line_of(stanza, "icon_path"), f"there is no appserver/static/{icon}")
        form = app.root / f"default/data/ui/alerts/{stanza.name}.html"
        if form.is_file():
            check_form(app, stanza, form)
        else:
            app.say(file, stanza.line, f"[{stanza.name}] has no form default/data/ui/alerts/{stanza.name}.html")
        for key in stanza.keys:
            if key.name == "param._cam":
                check_json(app, file, key.line, key.name, key.value)
            elif key.name.startswith("param."):
                check_alert_tokens(app, file, key)


def check_alert_tokens(app: App, file: str, key: Key) -> None:
    for token in re.findall(r"\$([A-Za-z_][\w.]*)\$", key.value):
        if not token.startswith(ALERT_TOKENS):
            app.say(file, key.line, f"{key.name}: alerts have no token ${token}$")


BUILT_IN_ACTIONS = {"email", "script", "webhook", "lookup", "logevent", "rss", "populate_lookup", "summary_index",
                    "notable", "risk", "correlationsearch", "keyindicator", "output_message"}


def check_saved(app: App) -> None:
    """What a saved search does when it triggers."""
    file = "default/savedsearches.conf"
    own = {stanza.name: stanza for stanza in app.conf("alert_actions.conf").stanzas}
    for stanza in app.conf("savedsearches.conf").stanzas:
        if "search" not in stanza:
            app.say(file, stanza.line, f"[{stanza.name}] lacks search")
        if stanza.get("enableSched").lower() in ("1", "true") and "cron_schedule" not in stanza:
            app.say(file, stanza.line, f"[{stanza.name}] is scheduled without cron_schedule")
        for key in stanza.keys:
            parts = key.name.split(".", 2)
            if parts[0] != "action" or len(parts) < 2:
                continue
            if parts[1] not in own and parts[1] not in BUILT_IN_ACTIONS:
                app.say(file, key.line, f"{key.name}: there is no alert action {parts[1]}")
            elif parts[1] in own and len(parts) > 2 and parts[2] not in own[parts[1]]:
                app.say(file, key.line, f"{key.name}: {parts[1]} has no {parts[2]}")
            check_alert_tokens(app, file, key)


def check_links(app: App) -> None:
    """Addresses of this app's own pages and files, wherever they stand."""
    folders = ("default/data/ui", "appserver/templates")
    paths = [path for folder in folders for path in sorted((app.root / folder).rglob("*.[hx]*ml"))]
    for path in (*paths, *(app.root / conf.file for conf in app.confs.values())):
        name = path.relative_to(app.root).as_posix()
        text = path.read_text("utf-8", "replace")
        for view in sorted(set(re.findall(rf"(?<!static)/app/{re.escape(app.id)}/([A-Za-z_]\w*)", text))):
            if view not in app.views:
                app.say(name, 0, f"leads to the view {view}, which is not there")
        for file in sorted(set(re.findall(rf"static/app/{re.escape(app.id)}/([\w./\-]+)", text))):
            if not (app.root / "appserver/static" / file).is_file():
                app.say(name, 0, f"loads appserver/static/{file}, which is not there")


def check_json(app: App, file: str, line: int, name: str, value: str) -> None:
    try:
        json.loads(value)
    except ValueError as error:
        app.say(file, line, f"{name} is no JSON: {error}")


def check_form(app: App, stanza: Stanza, form: Path) -> None:
    name = form.relative_to(app.root).as_posix()
    params = {key.name for key in stanza.keys if key.name.startswith("param.") and not key.name.startswith("param._")}
    text = form.read_text("utf-8")
    asked = re.findall(r'name="action\.([\w]+)\.(param\.[\w.]+)"', text)
    for action, param in asked:
        if action != stanza.name or param not in params:
            app.say(name, 0, f"asks for action.{action}.{param}, which alert_actions.conf does not have")
    for param in sorted(params - {param for _, param in asked}):
        app.say(name, 0, f"does not ask for {param}")


WORKFLOW_TOKENS = {"@sid", "@offset", "@namespace", "@latest_time", "@field_name", "@field_value", "@host_name"}


def check_workflow(app: App) -> None:
    file = "default/workflow_actions.conf"
    for stanza in app.conf("workflow_actions.conf").stanzas:
        fields = {each.strip() for each in stanza.get("fields").split(",")}
        needed = {"link": "link.uri", "search": "search.search_string"}.get(stanza.get("type"), "type")
        for key in (needed, "label", "fields", "display_location"):
            if key not in stanza:
                app.say(file, stanza.line, f"[{stanza.name}] lacks {key}")
        for key in stanza.keys:
            for token in re.findall(r"\$([!@]?[\w.\-]+)\$", key.value):
                known = token in WORKFLOW_TOKENS if token.startswith("@") else token.lstrip("!") in fields
                if not known and "*" not in fields:
                    app.say(file, key.line, f"{key.name}: ${token}$ is no field of this action")


PAIRS = (("replicationDenylist", "replicationBlacklist"), ("replicationAllowlist", "replicationWhitelist"))


def check_distribution(app: App) -> None:
    conf = app.conf("distsearch.conf")
    for new, old in PAIRS:
        newer, older = conf.get(new), conf.get(old)
        lists = [{key.name: key.value for key in stanza.keys} if stanza else {} for stanza in (newer, older)]
        if lists[0] != lists[1]:
            app.say(conf.file, (newer or older or conf.stanzas[0]).line, f"[{new}] and [{old}] differ")
    for stanza in conf.stanzas:
        for key in stanza.keys:
            parts = re.split(r"\[/\\\\\]|/", key.value)
            if parts[0] == "apps" and len(parts) > 1 and parts[1] != app.id and "*" not in parts[1]:
                app.say(conf.file, key.line, f"{key.name} names the app {parts[1]}, this is {app.id}")
    shc = app.conf("server.conf").get("shclustering")
    for key in shc.keys if shc else []:
        if key.name.startswith("conf_replication_include."):
            name = key.name.removeprefix("conf_replication_include.") + ".conf"
            if name not in app.confs:
                app.say("default/server.conf", key.line, f"{key.name}: there is no {name}")
