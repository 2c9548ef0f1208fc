"""The app as a Splunk server has it: its files, its program among Splunk's own libraries."""

from __future__ import annotations

import subprocess

from splunkd import install_app
from splunkd.conf import parse_conf

from .harness import APP, BUILD, EndToEnd, visits

C_LIBRARY = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so", "ld-")
PACKED = "package/app/intelgraph"
SANITIZER = ("libasan", "libubsan", "libgcc_s")


class InstalledTest(EndToEnd):
    def test_the_command_is_found_by_splunks_rules_and_known_in_every_app(self) -> None:
        place = self.place()
        spec = place.splunk.command()
        self.assertEqual((spec.arguments, spec.is_risky), (("ighandoff",), True))
        self.done(place.search("ighandoff dryrun=true", visits(2), app="some_other_app"))

    def test_every_conf_file_can_be_read(self) -> None:
        files = [*APP.glob("default/*.conf"), *APP.glob("metadata/*.meta")]
        self.assertGreater(len(files), 5)
        for file in files:
            parse_conf(file.read_text("utf-8"), file.name)

    def test_the_app_ships_no_local_folder_and_no_link(self) -> None:
        self.assertFalse((APP / "local").exists())
        self.assertEqual([path for path in APP.rglob("*") if path.is_symlink()], [])

    def test_the_service_reads_the_audit_lines_time_as_the_props_say(self) -> None:
        place = self.place()
        place.search("ighandoff", visits(2))
        log = (place.splunk.home / "var/log/splunk/intelgraph_audit.log").read_text()
        props = parse_conf((APP / "default/props.conf").read_text())["intelgraph:audit"]
        self.assertRegex(log, "^" + props["TIME_PREFIX"] + r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z")

    def test_libraries_that_splunk_ships_do_the_command_no_harm(self) -> None:
        """splunkd's children look for libraries in $SPLUNK_HOME/lib first."""
        place = self.place()
        needed = self.needed(str(place.splunk.command().program))
        outside = [name for name in needed if not name.startswith(C_LIBRARY + SANITIZER)]
        if outside:
            # Then the package's program: it is the one that has to live with Splunk's libraries.
            packed = [path for path in (BUILD / PACKED, BUILD.parent / PACKED) if path.is_dir()]
            if not packed:
                self.skipTest(f"no package is built, and this program wants {' '.join(outside)}")
            install_app(place.splunk.home, packed[0])
            self.assertEqual(self.needed(str(place.splunk.command().program)), [])
        libraries = place.splunk.home / "lib"
        libraries.mkdir()
        for name in ("libssl.so.3", "libcrypto.so.3", "libz.so.1", "libcurl.so.4"):
            (libraries / name).write_text("not the library that was built against")
        self.done(place.search("ighandoff", visits(3)))

    def needed(self, program: str) -> list[str]:
        """The shared libraries that the program itself names."""
        try:
            done = subprocess.run(
                ["readelf", "-d", program], capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            self.skipTest("the program readelf is not there")
        lines = [line for line in done.stdout.splitlines() if "(NEEDED)" in line]
        return [line.split("[")[1].rstrip("]") for line in lines]
