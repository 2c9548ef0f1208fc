"""splunkd's REST over conf files: configs/conf-*, properties, apps/local."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .conf import Conf, is_true, parse_conf, read_layers
from .meta import may
from .rest_call import Call, Reply, RestError, entry, envelope

if TYPE_CHECKING:
    from .rest import Splunkd

NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


def _app(splunkd: Splunkd, call: Call) -> Path:
    app = splunkd.home / "etc" / "apps" / call.app
    if not NAME.match(call.app) or not app.is_dir():
        raise RestError(404, f"Application does not exist: {call.app}")
    return app


def _layers(app: Path, name: str) -> Conf:
    return read_layers(app / "default" / f"{name}.conf", app / "local" / f"{name}.conf")


def _may(splunkd: Splunkd, call: Call, app: Path, verb: str, conf: str, stanza: str) -> bool:
    assert call.session
    user = call.session.user
    return splunkd.users.sees_all(user) or may(
        app, splunkd.users.all_roles_of(user), verb, f"{conf}/{stanza}", conf
    )


def _check_write(splunkd: Splunkd, call: Call, app: Path, conf: str, stanza: str = "") -> None:
    """The app's metadata says which roles may write its objects."""
    assert call.session
    if not _may(splunkd, call, app, "write", conf, stanza):
        user = call.session.user
        roles = sorted(splunkd.users.roles_of(user))
        raise RestError(403, f"User '{user}' with roles {roles} cannot write: {conf} of {app.name}")


def write_stanza(app: Path, conf: str, stanza: str, values: dict[str, str] | None) -> None:
    """Sets keys in local/<conf>.conf, making the stanza at need; None removes the stanza."""
    file = app / "local" / f"{conf}.conf"
    local = parse_conf(file.read_text("utf-8"), file.name) if file.is_file() else {}
    if values is None:
        local.pop(stanza, None)
    else:
        local.setdefault(stanza, {}).update(values)
    lines: list[str] = []
    for name, settings in local.items():
        if name == "default" and not settings:
            continue
        lines.append(f"[{name}]")
        for key, value in settings.items():
            lines.append(f"{key} = " + value.replace("\n", "\\\n"))
        lines.append("")
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines), "utf-8")


def _typed(key: str, value: str) -> Any:
    return is_true(value) if key == "disabled" else value


def _conf_entry(call: Call, stanza: str, settings: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {"disabled": False}
    content |= {key: _typed(key, value) for key, value in settings.items()}
    content |= {"eai:appName": call.app, "eai:userName": call.owner}
    return entry(call, stanza, content)


def _removable(app: Path, conf: str, entry: dict[str, Any]) -> dict[str, Any]:
    """What default has, nobody can remove."""
    shipped = read_layers(app / "default" / f"{conf}.conf")
    entry["acl"]["removable"] = entry["name"] not in shipped
    return entry


def _new_values(call: Call) -> dict[str, str]:
    values = call.arguments()
    values.pop("name", None)
    for key in values:
        if not re.fullmatch(r"[A-Za-z0-9_.:-]+", key) or key.startswith("eai:"):
            raise RestError(400, f'Argument "{key}" is not supported by this handler.')
    return values


def configs(splunkd: Splunkd, call: Call) -> Reply:
    """configs/conf-<name> and configs/conf-<name>/<stanza>."""
    app = _app(splunkd, call)
    conf = call.parts[1].removeprefix("conf-")
    if not NAME.match(conf):
        raise RestError(404, f"File not found: {conf}")
    stanzas = {
        name: values
        for name, values in _layers(app, conf).items()
        if _may(splunkd, call, app, "read", conf, name)  # others are not there
    }
    if len(call.parts) == 2:
        if call.method == "GET":
            named = [
                _conf_entry(call, name, stanzas[name]) for name in stanzas if name != "default"
            ]
            return envelope(call, [_removable(app, conf, each) for each in named])
        if call.method != "POST":
            raise RestError(405, "Method Not Allowed")
        _check_write(splunkd, call, app, conf)
        stanza = call.argument("name")
        if not stanza:
            raise RestError(400, 'Cannot perform action "POST" without a target name to act on.')
        if stanza in stanzas:
            raise RestError(409, f"An object with name={stanza} already exists")
        values = _new_values(call)
        write_stanza(app, conf, stanza, values)
        return envelope(call, [_conf_entry(call, stanza, values)], 201)
    stanza = "/".join(call.parts[2:])
    if stanza == "_reload":
        splunkd.reloaded.append(f"conf-{conf}")
        return envelope(call, [])
    if stanza not in stanzas:
        raise RestError(404, f"Could not find object id={stanza}")
    if call.method == "GET":
        return envelope(call, [_conf_entry(call, stanza, stanzas[stanza])])
    _check_write(splunkd, call, app, conf)
    if call.method == "DELETE":
        if stanza in read_layers(app / "default" / f"{conf}.conf"):
            raise RestError(403, f"Cannot delete a stanza of default: {stanza}")
        write_stanza(app, conf, stanza, None)
        return envelope(call, [])
    write_stanza(app, conf, stanza, _new_values(call))
    return envelope(call, [_conf_entry(call, stanza, _layers(app, conf)[stanza])])


def properties(splunkd: Splunkd, call: Call) -> Reply:
    """properties/<conf>/<stanza>/<key>: the bare value as text."""
    app = _app(splunkd, call)
    conf, stanza, key = call.parts[1:4]
    settings = _layers(app, conf).get(stanza)
    if call.method == "POST":
        _check_write(splunkd, call, app, conf)
        write_stanza(app, conf, stanza, {key: call.argument("value")})
        return Reply(200, "")
    if settings is None or key not in settings:
        raise RestError(404, f"{key} does not exist in {conf}/{stanza}")
    return Reply(200, settings[key])


def apps(splunkd: Splunkd, call: Call) -> Reply:
    """apps/local and apps/local/<app>; a POST to an app may set configured, visible, version."""
    folder = splunkd.home / "etc" / "apps"
    if len(call.parts) == 2:
        names = sorted(each.name for each in folder.iterdir() if (each / "default").is_dir())
        return envelope(call, [_app_entry(call, folder / name) for name in names])
    app = folder / call.parts[2]
    if not NAME.match(call.parts[2]) or not app.is_dir():
        raise RestError(404, f"Could not find object id={call.parts[2]}")
    if call.parts[3:] == ["_reload"]:
        splunkd.reloaded.append(app.name)
        return envelope(call, [])
    if call.method == "POST":
        splunkd.require(call, "admin_all_objects", "edit_local_apps")
        for key, value in call.arguments().items():
            if key not in ("configured", "visible", "label", "version", "author", "description"):
                raise RestError(400, f'Argument "{key}" is not supported by this handler.')
            stanza, name = {
                "configured": ("install", "is_configured"),
                "visible": ("ui", "is_visible"),
                "label": ("ui", "label"),
            }.get(key, ("launcher", key))
            write_stanza(app, "app", stanza, {name: value})
    return envelope(call, [_app_entry(call, app)])


def _app_entry(call: Call, app: Path) -> dict[str, Any]:
    conf = _layers(app, "app")
    content = {
        "configured": is_true(conf.get("install", {}).get("is_configured", "")),
        "visible": is_true(conf.get("ui", {}).get("is_visible", ""), True),
        "label": conf.get("ui", {}).get("label", app.name),
        "version": conf.get("launcher", {}).get("version", ""),
        "disabled": False,
        "setup_view": conf.get("ui", {}).get("setup_view", ""),
    }
    return entry(call, app.name, content, app.name)


def web_features(splunkd: Splunkd, call: Call) -> Reply:
    """web-features/feature:dashboards_csp: the domains that dashboards may lead to."""
    file = splunkd.home / "etc/system/local/web-features.conf"
    settings = read_layers(file).get("feature:dashboards_csp", {})
    content = {"enable_dashboards_external_content_restriction": "true", **settings}
    return envelope(call, [entry(call, "feature:dashboards_csp", content, "system")])


ROUTES = [
    (r"/configs/conf-[^/]+(/.+)?", configs),
    (r"/properties/[^/]+/[^/]+/[^/]+", properties),
    (r"/web-features/feature:dashboards_csp", web_features),
    (r"/apps/local(/[^/]+(/_reload)?)?", apps),
]
