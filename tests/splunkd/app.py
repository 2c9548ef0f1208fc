"""Apps under SPLUNK_HOME: installing one, and finding a search command by the published rules."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .conf import ConfError, is_true, read_layers

# What commands.conf.spec allows beside chunked=true. `local` is not listed there, yet widely set.
CHUNKED_KEYS = {
    "chunked",
    "filename",
    "is_risky",
    "maxwait",
    "maxchunksize",
    "run_in_preview",
    "python.version",
    "disabled",
    "local",
}
ARGUMENT_KEY = re.compile(r"command\.arg\.([1-9][0-9]*)\Z")
EXTENSIONS = (".py", ".pl", ".exe", ".bat", ".cmd", ".sh", ".js", "")
PLATFORMS = {"x86_64": "linux_x86_64", "AMD64": "linux_x86_64", "i686": "linux_x86"}


class InstallError(Exception):
    """The app, or the command in it, is not installed as splunkd needs it."""


@dataclass(frozen=True)
class CommandSpec:
    """How to start one command."""

    name: str
    app: str
    program: Path
    arguments: tuple[str, ...]
    folder: Path
    run_in_preview: bool
    is_risky: bool
    maxwait_s: int


def install_app(
    home: Path,
    app_dir: Path,
    local_conf: dict[str, dict[str, dict[str, str]]] | None = None,
) -> Path:
    """Copies the app under HOME/etc/apps, and writes `local_conf` {file: {stanza: {key: value}}}.

    An app that is there is replaced as an upgrade does it: its folder `local` stays.
    """
    target = home / "etc" / "apps" / app_dir.name
    if not (app_dir / "default").is_dir():
        raise InstallError(f"{app_dir} is no app: it has no folder `default`")
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name != "local":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for entry in sorted(app_dir.iterdir()):
        if entry.name == "local":
            continue
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name)
        else:
            shutil.copy2(entry, target / entry.name)
    if local_conf:
        write_local_conf(target, local_conf)
    for folder in ("var/log/splunk", "var/lib/splunk", "var/run/splunk/dispatch"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return target


def write_local_conf(app: Path, conf: dict[str, dict[str, dict[str, str]]]) -> None:
    """Writes local/<file>.conf whole for each file named."""
    local = app / "local"
    local.mkdir(exist_ok=True)
    for name, stanzas in conf.items():
        lines: list[str] = []
        for stanza, settings in stanzas.items():
            lines.append(f"[{stanza}]")
            lines.extend(f"{key} = {value}" for key, value in settings.items())
            lines.append("")
        (local / f"{name}.conf").write_text("\n".join(lines), "utf-8")


def platform_folder(machine: str | None = None) -> str | None:
    """The name of this machine's platform folder; None where Splunk has none."""
    return PLATFORMS.get(machine or platform.machine())


def find_command(home: Path, name: str, from_app: str = "search") -> CommandSpec:
    """The command as an analyst in the app `from_app` sees it. InstallError says what is wrong."""
    apps = home / "etc" / "apps"
    for app in sorted(apps.iterdir()) if apps.is_dir() else []:
        stanzas = read_layers(app / "default" / "commands.conf", app / "local" / "commands.conf")
        if name not in stanzas or is_true(stanzas[name].get("disabled", "")):
            continue
        if app.name != from_app and not _is_exported(app, name):
            continue
        return _read_spec(home, app, name, stanzas[name])
    raise InstallError(f"Unknown search command '{name}'.")


def _is_exported(app: Path, command: str) -> bool:
    """The most specific stanza of the app's metadata that says anything decides."""
    meta = app / "metadata"
    stanzas = read_layers(meta / "default.meta", meta / "local.meta")
    for stanza in (f"commands/{command}", "commands", ""):
        export = stanzas.get(stanza, {}).get("export")
        if export is not None:
            return export == "system"
    return False


def _read_spec(home: Path, app: Path, name: str, stanza: dict[str, str]) -> CommandSpec:
    if not is_true(stanza.get("chunked", "")):
        raise InstallError(f"commands.conf [{name}]: chunked is not true")
    for key in stanza:
        if key not in CHUNKED_KEYS and not ARGUMENT_KEY.match(key):
            raise InstallError(f"commands.conf [{name}]: {key} is not valid with chunked=true")
    folder = app / "bin"
    if not folder.is_dir():
        raise InstallError(f"{folder} is missing: a command is started in it")
    program, arguments = _find_program(home, app, name, stanza.get("filename", ""))
    try:
        return CommandSpec(
            name=name,
            app=app.name,
            program=program,
            arguments=(*arguments, *_arguments(home, name, stanza)),
            folder=folder,
            run_in_preview=is_true(stanza.get("run_in_preview", ""), False),
            is_risky=is_true(stanza.get("is_risky", ""), False),
            maxwait_s=int(stanza.get("maxwait", "0")),
        )
    except (ConfError, ValueError) as error:
        raise InstallError(f"commands.conf [{name}]: {error}") from error


def _arguments(home: Path, name: str, stanza: dict[str, str]) -> list[str]:
    numbered = sorted(
        (int(match[1]), value)
        for key, value in stanza.items()
        if (match := ARGUMENT_KEY.match(key))
    )
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        raise InstallError(f"commands.conf [{name}]: command.arg.N does not count from 1")
    return [value.replace("$SPLUNK_HOME", str(home)) for _, value in numbered]


def _find_program(home: Path, app: Path, name: str, filename: str) -> tuple[Path, list[str]]:
    """The platform's folder first, then bin; what is found must be executable."""
    if "/" in filename or filename in (".", ".."):
        raise InstallError(f"commands.conf [{name}]: filename is a name, not a path: {filename}")
    folders = [app / "bin"]
    if own := platform_folder():
        folders.insert(0, app / own / "bin")
    names = [filename] if filename else [name + extension for extension in EXTENSIONS]
    for folder in folders:
        for candidate in (folder / each for each in names):
            if candidate.is_file():
                return _check_program(home, candidate)
    places = ", ".join(str(folder) for folder in folders)
    raise InstallError(f"commands.conf [{name}]: {' or '.join(names)} is neither in {places}")


def _check_program(home: Path, program: Path) -> tuple[Path, list[str]]:
    if program.suffix == ".path":
        pointed = program.read_text("utf-8").strip().replace("$SPLUNK_HOME", str(home)).split()
        if not pointed:
            raise InstallError(f"{program} names no program")
        return Path(pointed[0]), pointed[1:]
    if not os.access(program, os.X_OK):
        raise InstallError(f"{program} is not executable")
    return program, []
