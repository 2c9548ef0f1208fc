#!/usr/bin/env python3
"""Completes a staged app and packs it as Splunk installs it.

Usage: pack.py WORK PAGES OUT EPOCH

WORK/app/intelgraph is the app as `stage` laid it out with both programs in their folders. What is added here: pictures
drawn from package/icons, the licence, the notices, the lists of what is linked in. PAGES is what ui/build made.
OUT/intelgraph-VERSION.spl comes out: the same bytes for the same content, whoever packs it and when.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import lists
from linked import of_pages, of_program

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
MACHINES = ("x86_64", "aarch64")
# Picture, width of its plain size; the _2x beside it has twice that.
PICTURES = {"appIcon": 36, "appIconAlt": 36, "appLogo": 160}


def draw(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, width in PICTURES.items():
        for suffix, factor in (("", 1), ("_2x", 2)):
            out = folder / f"{name}{suffix}.png"
            subprocess.run(
                ["rsvg-convert", "-w", str(width * factor), "-o", str(out), str(HERE / f"icons/{name}.svg")],
                check=True,
            )


def add_lists(work: Path, pages: Path, app: Path, version: str, epoch: int) -> None:
    programs = {f"linux_{m}/bin/intelgraph": app / f"linux_{m}/bin/intelgraph" for m in MACHINES}
    components = []
    for machine in MACHINES:
        libraries = (work / f"libraries-{machine}").resolve()
        components += of_program(machine, work / f"program-{machine}", libraries, work / "sources")
    components += of_pages(pages)
    folder = app / "sbom"
    folder.mkdir(exist_ok=True)
    cyclonedx = lists.cyclonedx(version, epoch, programs, components)
    spdx = lists.spdx(version, epoch, programs, components)
    (folder / "intelgraph.cdx.json").write_text(lists.as_json(cyclonedx), "utf-8")
    (folder / "intelgraph.spdx.json").write_text(lists.as_json(spdx), "utf-8")
    (app / "THIRD-PARTY-NOTICES.txt").write_text(lists.notices(components), "utf-8")


def pack(app: Path, target: Path, epoch: int) -> None:
    """One folder, sorted, nobody's; files 644, programs and folders 755."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in [app, *sorted(app.rglob("*"))]:
            name = path.relative_to(app.parent).as_posix()
            entry = tarfile.TarInfo(name)
            entry.mtime = epoch
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                sys.exit(f"{name} is neither a file nor a folder: it cannot go into the package")
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
                continue
            entry.mode = 0o755 if path.parent.name == "bin" else 0o644
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(entry, file)
    new = target.with_suffix(".new")
    with new.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=epoch) as zipped:
        zipped.write(packed.getvalue())
    os.replace(new, target)


def main() -> int:
    work, pages, out = (Path(word).resolve() for word in sys.argv[1:4])
    epoch = int(sys.argv[4])
    app = work / "app/intelgraph"
    version = json.loads((app / "app.manifest").read_text("utf-8"))["info"]["id"]["version"]
    shutil.copy(TOP / "LICENSE", app / "LICENSE")
    draw(app / "static")
    add_lists(work, pages, app, version, epoch)
    pack(app, out / f"intelgraph-{version}.spl", epoch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
