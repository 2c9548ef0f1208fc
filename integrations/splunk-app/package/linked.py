"""What is in the package beside our own code, read from what the linker and the bundler did.

The linker's map names each archive of which something was linked in; the bundler's metafile names each file that went
into the pages. So the lists cannot forget a library, and an archive that is nobody's ends the build.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
GCC_LICENCE = "GPL-3.0-or-later WITH GCC-exception-3.1"
LICENCE_FILES = ("COPY*", "LICEN[SC]E*")


class LinkError(Exception):
    """Something is linked in that the lists do not know."""


@dataclass(frozen=True)
class Component:
    """One piece of software of others."""

    name: str
    version: str
    licence: str  # an SPDX expression
    purl: str
    used_in: str  # what of the package it is in
    texts: tuple[Path, ...] = field(default=(), compare=False)
    newer: str = ""  # a version that Debian lists but its mirror did not have


def debian(name: str, version: str, licence: str, used_in: str, texts: list[Path], newer: str = "") -> Component:
    release = re.search(r'^VERSION_CODENAME=(\w+)', Path("/etc/os-release").read_text("utf-8"), re.M)
    place = f"&distro={release[1]}" if release else ""
    purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch=source{place}"
    return Component(name, version, licence, purl, used_in, tuple(texts), newer)


def archives_in(map_file: Path) -> set[Path]:
    """The archives and start files of which the linker took something."""
    text = map_file.read_text("utf-8", "replace")
    members = re.findall(r"^(/\S+\.a)\(\S+\)$", text, re.M)
    objects = re.findall(r"^LOAD (\S+\.o)$", text, re.M)
    found = {Path(path) for path in [*members, *objects]}
    # Objects of the command itself have relative names.
    return {path.resolve() for path in found if path.is_absolute()}


def gcc_component(machine: str) -> Component:
    package = "libgcc-12-dev" if machine == "x86_64" else "libgcc-12-dev-arm64-cross"
    ask = ["dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", package]
    source, version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    notice = Path("/usr/share/doc") / package / "copyright"
    texts = [notice] if notice.exists() else []
    return debian(source, version, GCC_LICENCE, f"linux_{machine}/bin/intelgraph", texts)


def of_program(machine: str, work: Path, libraries: Path, sources: Path) -> list[Component]:
    """What is linked into the program of one machine. `work` holds its map."""
    versions = pairs(sources / "versions")
    newer = pairs(sources / "behind")
    owner: dict[str, tuple[str, str]] = {}
    for line in (HERE / "sources").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, archives, licence = line.split(None, 2)
            owner.update(dict.fromkeys(archives.split(","), (name, licence)))
    found: dict[str, Component] = {}
    for path in sorted(archives_in(work / "intelgraph.map")):
        if path.is_relative_to(libraries / "lib"):
            name, licence = owner["libc.a" if path.suffix == ".o" else path.name]
            texts = licence_texts(sources / "unpacked" / name)
            place = f"linux_{machine}/bin/intelgraph"
            found[name] = debian(name, versions[name], licence, place, texts, newer.get(name, ""))
        elif "/gcc" in str(path.parent):
            gcc = gcc_component(machine)
            found[gcc.name] = gcc
        elif not path.is_relative_to(work):
            raise LinkError(f"{path} is linked in for {machine}: it belongs to no source in package/sources")
    return list(found.values())


def pairs(file: Path) -> dict[str, str]:
    """Lines "NAME VERSION"; the first of a name counts."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return dict(line.split() for line in reversed(lines))


def licence_texts(source: Path) -> list[Path]:
    texts = [source / "debian/copyright"]
    for pattern in LICENCE_FILES:
        texts += sorted(path for path in source.glob(pattern) if path.is_file())
    return texts


def of_pages(pages: Path) -> list[Component]:
    """The npm packages in the bundled pages; none where the pages were not made."""
    metafile = pages / "bundle.json"
    if not metafile.exists() or not (pages / "pages").exists():
        return []
    inputs: set[str] = set()
    for output in json.loads(metafile.read_text("utf-8"))["outputs"].values():
        inputs |= {name for name, part in output["inputs"].items() if part["bytesInOutput"] > 0}
    found: dict[Path, Component] = {}
    for name in inputs:
        match = re.match(r"(.*?)((?:node_modules/(?:@[^/]+/)?[^/]+/)+)", name)
        if not match:
            continue
        folder = pages / "npm" / match[2]
        if folder not in found:
            found[folder] = npm(folder)
    return sorted(set(found.values()), key=lambda component: component.purl)


def npm(folder: Path) -> Component:
    about = json.loads((folder / "package.json").read_text("utf-8"))
    licence = about.get("license")
    purl = f"pkg:npm/{quote(about['name'], safe='/')}@{about['version']}"
    known = licence if isinstance(licence, str) and re.fullmatch(r"[\w.+() -]+", licence) else ""
    if not known or known.upper().startswith("SEE "):
        known = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", about["name"]).strip("-")
    return Component(about["name"], about["version"], known, purl, "appserver/static/pages/settings.js")
