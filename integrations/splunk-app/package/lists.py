"""The lists of what the package holds of others: CycloneDX, SPDX, and the notices with their licences' texts."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from linked import Component

OWN_LICENCE = "Apache-2.0"
SUPPLIER = "IntelGraph"


def when(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def merged(components: list[Component]) -> list[tuple[Component, list[str]]]:
    """Each piece once, with every place of the package that it is in."""
    places: dict[Component, list[str]] = {}
    for component in components:
        bare = Component(
            component.name, component.version, component.licence, component.purl, "", (), component.newer
        )
        places.setdefault(bare, []).append(component.used_in)
    return [(piece, sorted(set(places[piece]))) for piece in sorted(places, key=lambda c: c.purl)]


def own_purl(version: str) -> str:
    return f"pkg:generic/intelgraph@{version}"


def identity(programs: dict[str, Path]) -> str:
    """The same for the same programs, another one for others."""
    return hashlib.sha256("".join(sha256(programs[name]) for name in sorted(programs)).encode()).hexdigest()


def properties(piece: Component, places: list[str]) -> list[dict[str, str]]:
    found = [{"name": "intelgraph:in", "value": place} for place in places]
    if piece.newer:
        found.append({"name": "intelgraph:newer-listed-by-debian", "value": piece.newer})
    return found


def cyclonedx(
    version: str, epoch: int, programs: dict[str, Path], components: list[Component]
) -> dict[str, Any]:
    pieces = [
        {
            "type": "library",
            "bom-ref": piece.purl,
            "name": piece.name,
            "version": piece.version,
            "licenses": [{"expression": piece.licence}],
            "purl": piece.purl,
            "properties": properties(piece, places),
        }
        for piece, places in merged(components)
    ]
    files = [
        {
            "type": "file",
            "bom-ref": f"file:{place}",
            "name": place,
            "hashes": [{"alg": "SHA-256", "content": sha256(path)}],
        }
        for place, path in sorted(programs.items())
    ]
    depends = [{"ref": own_purl(version), "dependsOn": [file["bom-ref"] for file in files]}]
    for file in files:
        linked = [c.purl for c, places in merged(components) if file["name"] in places]
        depends.append({"ref": file["bom-ref"], "dependsOn": linked})
    own = {
        "type": "application",
        "bom-ref": own_purl(version),
        "name": "intelgraph",
        "version": version,
        "licenses": [{"expression": OWN_LICENCE}],
        "purl": own_purl(version),
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(identity(programs)[:32])}",
        "version": 1,
        "metadata": {"timestamp": when(epoch), "component": own},
        "components": [*files, *pieces],
        "dependencies": depends,
    }


def spdx_id(text: str) -> str:
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def spdx_package(name: str, version: str, licence: str, purl: str) -> dict[str, Any]:
    return {
        "SPDXID": spdx_id(purl),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
    }


def spdx(
    version: str, epoch: int, programs: dict[str, Path], components: list[Component]
) -> dict[str, Any]:
    own = spdx_package("intelgraph", version, OWN_LICENCE, own_purl(version))
    pieces = merged(components)
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    files = []
    for place, path in sorted(programs.items()):
        checksums = [
            {"algorithm": "SHA1", "checksumValue": hashlib.sha1(path.read_bytes()).hexdigest()},
            {"algorithm": "SHA256", "checksumValue": sha256(path)},
        ]
        files.append(
            {
                "SPDXID": spdx_id("file-" + place),
                "fileName": "./" + place,
                "checksums": checksums,
                "licenseConcluded": "NOASSERTION",
                "copyrightText": "NOASSERTION",
            }
        )
        relations.append(relation("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id("file-" + place)))
    for piece, places in pieces:
        for place in places:
            if place in programs:
                relations.append(relation(spdx_id("file-" + place), "STATIC_LINK", spdx_id(piece.purl)))
            else:
                relations.append(relation(own["SPDXID"], "CONTAINS", spdx_id(piece.purl)))
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"intelgraph-{version}",
        "documentNamespace": f"https://intelgraph.example/spdx/intelgraph-{version}-{identity(programs)[:32]}",
        "creationInfo": {"created": when(epoch), "creators": [f"Organization: {SUPPLIER}"]},
        "packages": [own, *(spdx_package(p.name, p.version, p.licence, p.purl) for p, _ in pieces)],
        "files": files,
        "relationships": relations,
    }
    references = {ref for p, _ in pieces for ref in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", p.licence)}
    if references:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": ref, "extractedText": "See appserver/static/THIRD-PARTY-NOTICES.md."}
            for ref in sorted(references)
        ]
    return document


def relation(element: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


NOTICES_HEAD = """\
Software of others in the programs of IntelGraph for Splunk

Each program (linux_x86_64/bin/intelgraph, linux_aarch64/bin/intelgraph) is linked statically with parts of the
libraries below, built from Debian's source packages. They come with their own licences, which follow as Debian and
the libraries' makers give them. What the pages in appserver/static hold is in
appserver/static/THIRD-PARTY-NOTICES.md.

libidn2 is used under the GNU Lesser General Public License, version 3 or later: whoever wants to put a version of
their own in its place can build the programs again with one command, from the source of IntelGraph for Splunk and
Debian's source packages of the versions named here. libgcc is used under the GCC Runtime Library Exception.
"""


def notices(components: list[Component]) -> str:
    parts = [NOTICES_HEAD]
    texts = {component.purl: component.texts for component in components if component.texts}
    for piece, places in merged(components):
        if piece.purl not in texts:
            continue
        rule = "=" * 78
        head = f"{piece.name} {piece.version}\nLicence: {piece.licence}\nIn: {', '.join(places)}"
        parts.append(f"{rule}\n{head}\n{rule}\n")
        for text in texts[piece.purl]:
            parts.append(f"--- {text.name} ---\n\n{text.read_text('utf-8', 'replace').strip()}\n")
    return "\n".join(parts)
