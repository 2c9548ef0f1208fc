"""An app's folder: its conf files, and what else the rules ask about."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from .read import Conf, Finding, Stanza, read

PLATFORMS = ("linux_x86_64", "linux_aarch64", "linux_arm64", "darwin_x86_64", "windows_x86_64", ".")


class App:
    """What is read of it, and what was found."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.confs: dict[str, Conf] = {}
        for path in sorted((root / "default").glob("*.conf")):
            self.confs[path.name] = read(path, f"default/{path.name}")
        self.meta = read(root / "metadata/default.meta", "metadata/default.meta")
        for conf in (*self.confs.values(), self.meta):
            self.findings += conf.findings

    def say(self, file: str, line: int, text: str) -> None:
        self.findings.append(Finding(file, line, text))

    def conf(self, name: str) -> Conf:
        """Empty where the app has none."""
        return self.confs.get(name) or Conf(f"default/{name}")

    def setting(self, conf: str, stanza: str, key: str) -> str:
        found = self.conf(conf).get(stanza)
        return found.get(key) if found else ""

    @cached_property
    def id(self) -> str:
        return self.setting("app.conf", "package", "id") or self.root.name

    def has_program(self, name: str) -> bool:
        return any((self.root / platform / "bin" / name).is_file() for platform in PLATFORMS)

    @cached_property
    def views(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.root / "default/data/ui/views").glob("*.xml"))}

    @cached_property
    def macros(self) -> dict[str, Stanza]:
        return {stanza.name: stanza for stanza in self.conf("macros.conf").stanzas}

    @cached_property
    def commands(self) -> set[str]:
        return set(self.conf("commands.conf").names)

    @cached_property
    def specs(self) -> dict[str, Path]:
        """The app's own spec files, by the conf's name."""
        return {path.name.removesuffix(".spec"): path for path in sorted((self.root / "README").glob("*.conf.spec"))}

    @cached_property
    def capabilities(self) -> set[str]:
        names = self.conf("authorize.conf").names
        return {name.removeprefix("capability::") for name in names if name.startswith("capability::")}

    @cached_property
    def manifest(self) -> Any:
        path = self.root / "app.manifest"
        if not path.is_file():
            return None
        text = re.sub(r"^\s*#.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        try:
            return json.loads(text)
        except ValueError as error:
            self.say("app.manifest", 0, f"is no JSON: {error}")
            return None
