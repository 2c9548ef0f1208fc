"""What is in the package: names, modes, versions that agree, files that confs refer to."""

from __future__ import annotations

import json
import re
import stat
import struct

from splunkd.conf import parse_conf

from opened import APP, MACHINES, TOP, PackageTest, app, members, spl

KNOWN_PARTS = {
    "LICENSE", "README", "README_INSTALL.md", "THIRD-PARTY-NOTICES.txt", "app.manifest", "appserver", "bin",
    "default", "linux_aarch64", "linux_x86_64", "lookups", "metadata", "sbom", "static",
}
PICTURES = {
    "appIcon.png": (36, 36), "appIcon_2x.png": (72, 72), "appIconAlt.png": (36, 36),
    "appIconAlt_2x.png": (72, 72), "appLogo.png": (160, 40), "appLogo_2x.png": (320, 80),
}
SECRET = re.compile(
    rb"igt_[0-9a-f]{16}_[0-9a-f]{32}|-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40}|AKIA[0-9A-Z]{16}"
)
SIZE_MAX = 8 << 20


class LayoutTest(PackageTest):
    def conf(self, name: str) -> dict[str, dict[str, str]]:
        path = app() / name
        stanzas = parse_conf(path.read_text("utf-8"), path.name)
        return {stanza: keys for stanza, keys in stanzas.items() if keys}

    def test_one_folder_with_the_apps_name_holds_known_parts_only(self) -> None:
        tops = {member.name.split("/")[0] for member in members()}
        self.assertEqual(tops, {"intelgraph"})
        self.assertEqual({path.name for path in app().iterdir()}, KNOWN_PARTS)

    def test_names_are_sorted_and_none_is_hidden_or_made_by_a_tool(self) -> None:
        names = [member.name for member in members()]
        self.assertEqual(names, sorted(set(names), key=lambda name: name.split("/")))
        bad = re.compile(r"/\.|__MACOSX|~$|\.(orig|rej|bak|swp|pyc?|o|a|map|new)$|/local(/|$|\.meta)|passwords\.conf")
        self.assertEqual([name for name in names if bad.search(name)], [])

    def test_files_are_644_programs_and_folders_755_and_nobodys(self) -> None:
        for member in members():
            with self.subTest(member.name):
                self.assertTrue(member.isdir() or member.isreg())
                runs = member.isdir() or re.search(r"(^|/)bin/[^/]+$", member.name)
                self.assertEqual(stat.S_IMODE(member.mode), 0o755 if runs else 0o644)
                self.assertEqual((member.uid, member.gid, member.uname, member.gname), (0, 0, "", ""))

    def test_every_version_is_that_of_the_build(self) -> None:
        build = (TOP / "CMakeLists.txt").read_text("utf-8")
        version = re.search(r"project\(intelgraph VERSION ([\d.]+)", build)
        assert version
        conf = self.conf("default/app.conf")
        manifest = json.loads((app() / "app.manifest").read_text("utf-8"))
        told = {
            "app.conf [launcher]": conf["launcher"]["version"],
            "app.conf [id]": conf["id"]["version"],
            "app.manifest": manifest["info"]["id"]["version"],
            "file name": spl().name.removeprefix("intelgraph-").removesuffix(".spl"),
        }
        self.assertEqual(set(told.values()), {version[1]}, told)

    def test_the_apps_name_is_one_everywhere(self) -> None:
        conf = self.conf("default/app.conf")
        manifest = json.loads((app() / "app.manifest").read_text("utf-8"))
        names = (conf["package"]["id"], conf["id"]["name"], manifest["info"]["id"]["name"])
        self.assertEqual(names, ("intelgraph",) * 3)
        self.assertEqual(conf["ui"]["label"], manifest["info"]["title"])

    def test_the_manifest_names_files_that_are_there(self) -> None:
        manifest = json.loads((app() / "app.manifest").read_text("utf-8"))
        self.assertEqual(manifest["schemaVersion"], "2.0.0")
        for part in ("license", "releaseNotes"):
            self.assertTrue((app() / manifest["info"][part]["text"]).is_file(), part)

    def test_every_file_that_a_conf_refers_to_is_there(self) -> None:
        wanted = []
        for stanza, keys in self.conf("default/commands.conf").items():
            wanted += [f"linux_{machine}/bin/{keys['filename']}" for machine in MACHINES]
            wanted.append(f"bin/{keys['filename']}")
        for keys in self.conf("default/transforms.conf").values():
            if "filename" in keys:
                wanted.append(f"lookups/{keys['filename']}")
        for stanza, keys in self.conf("default/restmap.conf").items():
            wanted.append(keys["driver"].removeprefix("$SPLUNK_HOME/etc/apps/intelgraph/"))
        for stanza, keys in self.conf("default/alert_actions.conf").items():
            if "alert.execute.cmd" in keys:
                wanted += [f"bin/{keys['alert.execute.cmd']}", f"default/data/ui/alerts/{stanza}.html"]
            if "icon_path" in keys:
                wanted.append(f"appserver/static/{keys['icon_path']}")
        view = self.conf("default/app.conf")["ui"].get("setup_view")
        if view:
            wanted.append(f"default/data/ui/views/{view}.xml")
        self.assertGreater(len(wanted), 8)
        places = [[name, name.replace("appserver/static/", "static/")] for name in wanted]
        missing = [names[0] for names in places if not any((app() / name).is_file() for name in names)]
        self.assertEqual(missing, [])

    def test_own_confs_are_explained_reloaded_and_replicated(self) -> None:
        own = {path.stem for path in (app() / "default").glob("intelgraph*.conf")}
        self.assertIn("intelgraph", own)
        triggers = self.conf("default/app.conf")["triggers"]
        cluster = self.conf("default/server.conf")["shclustering"]
        for name in own:
            self.assertTrue((app() / f"README/{name}.conf.spec").is_file(), name)
            self.assertIn(f"reload.{name}", triggers)
            self.assertEqual(cluster.get(f"conf_replication_include.{name}"), "true")

    def test_no_program_or_page_goes_to_indexers_under_either_name_of_the_section(self) -> None:
        lists = self.conf("default/distsearch.conf")
        self.assertEqual(lists["replicationDenylist"], lists["replicationBlacklist"])
        patterns = [re.compile(value) for value in lists["replicationDenylist"].values()]
        for path in app().rglob("*"):
            name = f"apps/intelgraph/{path.relative_to(app()).as_posix()}"
            kept = any(pattern.match(name) for pattern in patterns)
            here = bool(re.match(r"apps/intelgraph/(bin|linux_\w+|appserver)/", name))
            if path.is_file():
                self.assertEqual(kept, here, name)

    def test_only_named_roles_may_run_what_the_app_exports(self) -> None:
        meta = self.conf("metadata/default.meta")
        self.assertIn("sc_admin", meta[""]["access"])
        self.assertEqual(meta["commands"]["export"], "system")
        for command in self.conf("default/commands.conf"):
            # A command without a stanza of its own has that of all.
            access = meta.get(f"commands/{command}", meta["commands"])["access"]
            read = re.search(r"read : \[ ([^\]]+) \]", access)
            assert read, access
            self.assertNotIn("*", read[1])
            self.assertLessEqual({"admin", "sc_admin"}, set(read[1].split(", ")))

    def test_pictures_have_the_sizes_that_splunk_shows(self) -> None:
        for name, size in PICTURES.items():
            data = (app() / "static" / name).read_bytes()
            self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(struct.unpack(">II", data[16:24]), size, name)
            # Transparent where nothing is drawn, and drawn at all.
            self.assertEqual(data[25], 6, f"{name}: colours with alpha")
            self.assertGreater(len(data), 500, name)

    def test_no_secret_is_in_any_file(self) -> None:
        found = [path.name for path in app().rglob("*") if path.is_file() and SECRET.search(path.read_bytes())]
        self.assertEqual(found, [])

    def test_everything_of_the_source_is_in_it(self) -> None:
        for part in ("default", "metadata", "lookups", "README", "appserver", "bin"):
            for path in (APP / part).rglob("*"):
                if path.is_file():
                    packed = app() / path.relative_to(APP)
                    self.assertTrue(packed.is_file(), packed)
                    self.assertEqual(packed.read_bytes(), path.read_bytes(), packed)

    def test_it_is_small(self) -> None:
        self.assertLess(spl().stat().st_size, SIZE_MAX)
