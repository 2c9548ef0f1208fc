"""The lists of what is linked in: whole, the same in both formats, with licences and their texts."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from linked import LinkError, archives_in, of_program

from opened import MACHINES, WORK, PackageTest, app, program

LINKED = {"musl", "zlib", "cjson", "libidn2", "c-ares", "openssl", "curl"}


class ListsTest(PackageTest):
    def read(self, name: str) -> Any:
        return json.loads((app() / "sbom" / name).read_text("utf-8"))

    def cyclonedx(self) -> dict[str, Any]:
        return {part["purl"]: part for part in self.read("intelgraph.cdx.json")["components"] if "purl" in part}

    def test_every_library_is_there_with_version_licence_and_place(self) -> None:
        parts = self.cyclonedx()
        named = {part["name"] for part in parts.values()}
        self.assertLessEqual(LINKED, named)
        for purl, part in parts.items():
            self.assertRegex(purl, r"^pkg:(deb/debian|npm)/[^@]+@[^@?]+")
            self.assertTrue(part["version"] and part["licenses"][0]["expression"], purl)
            places = [entry["value"] for entry in part["properties"] if entry["name"] == "intelgraph:in"]
            self.assertTrue(places, purl)
            if part["name"] in LINKED:
                self.assertEqual(places, [f"linux_{machine}/bin/intelgraph" for machine in sorted(MACHINES)])

    def test_the_version_of_openssl_is_the_one_that_the_programs_themselves_name(self) -> None:
        versions = {part["name"]: part["version"] for part in self.cyclonedx().values()}
        for machine in MACHINES:
            found = re.search(rb"OpenSSL (\d+\.\d+\.\d+) ", program(machine).read_bytes())
            assert found, f"the program for {machine} does not name its OpenSSL"
            self.assertTrue(versions["openssl"].startswith(found[1].decode() + "-"), versions)

    def test_a_version_behind_debians_is_told(self) -> None:
        behind = (WORK / "sources/behind").read_text("utf-8").splitlines()
        told = {
            (part["name"], entry["value"]) for part in self.cyclonedx().values() for entry in part["properties"]
            if entry["name"] == "intelgraph:newer-listed-by-debian"
        }
        self.assertEqual({name for name, _ in told}, {line.split()[0] for line in behind})
        self.assertLessEqual({" ".join(pair) for pair in told}, set(behind))

    def test_both_formats_name_the_same(self) -> None:
        spdx = self.read("intelgraph.spdx.json")
        purls = {ref["referenceLocator"]: package for package in spdx["packages"] for ref in package["externalRefs"]}
        own = self.read("intelgraph.cdx.json")["metadata"]["component"]["purl"]
        self.assertEqual(set(purls), {*self.cyclonedx(), own})
        for purl, part in self.cyclonedx().items():
            self.assertEqual(purls[purl]["licenseDeclared"], part["licenses"][0]["expression"])

    def test_programs_are_named_with_their_digests(self) -> None:
        parts = self.read("intelgraph.cdx.json")["components"]
        files = {part["name"]: part for part in parts if part["type"] == "file"}
        self.assertEqual(set(files), {f"linux_{machine}/bin/intelgraph" for machine in MACHINES})
        for name, part in files.items():
            self.assertEqual(part["hashes"][0]["content"], hashlib.sha256((app() / name).read_bytes()).hexdigest())

    def test_the_notices_hold_each_licences_text(self) -> None:
        text = (app() / "THIRD-PARTY-NOTICES.txt").read_text("utf-8")
        for part in self.cyclonedx().values():
            if part["purl"].startswith("pkg:deb/"):
                self.assertIn(f"\n{part['name']} {part['version']}\nLicence: ", text)
        for words in ("Permission is hereby granted", "Apache License", "GNU LESSER GENERAL PUBLIC LICENSE",
                      "Jean-loup Gailly", "Daniel Stenberg", "Dave Gamble", "GCC Runtime Library Exception"):
            self.assertIn(words.lower(), text.lower())

    def test_a_library_that_no_list_knows_ends_the_build(self) -> None:
        self.assertGreater(len(archives_in(WORK / "program-x86_64/intelgraph.map")), 6)
        with tempfile.TemporaryDirectory() as folder:
            given = "/usr/lib/x86_64-linux-gnu/libm.a(s_sin.o)\n                              main.o (sin)\n"
            (Path(folder) / "intelgraph.map").write_text(given, "utf-8")
            with self.assertRaisesRegex(LinkError, "libm.*belongs to no source"):
                of_program("x86_64", Path(folder), WORK / "libraries-x86_64", WORK / "sources")
