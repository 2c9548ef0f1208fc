"""The stand-in's REST side: who may what, which shapes, and handlers by the real wire."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.parse
from typing import Any

from splunkd import install_app
from splunkd.persist import BLOCK, END, INIT, encode_request, find_handlers
from splunkd.rest import Splunkd
from splunkd.rest_search import search_as

from .support import CommandTestCase

# Answers with what it was asked, until told otherwise by the form.
HANDLER = """\
#!/usr/bin/python3 -B
import json, sys
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer

def sized():
    return stdin.read(int(stdin.readline()))

while (opcode := stdin.read(1)):
    opcode = opcode[0]
    words = []
    if opcode & 1:
        words = [sized().decode() for _ in range(int(stdin.readline()))] + [sized().decode()]
    request = json.loads(sized()) if opcode & 2 else None
    form = dict(request.get("form", []))
    if "die" in form:
        sys.exit(3)
    if "stray" in form:
        stdout.write(b"hello\\n")
    reply = json.dumps({"status": int(form.get("status", 200)),
                        "payload": {"request": request, "words": words}}).encode()
    stdout.write(b"%d\\n%s" % (len(reply), reply))
    stdout.flush()
"""
RESTMAP = """\
[script:little]
match = /little
scripttype = persist
driver = $SPLUNK_HOME/etc/apps/little/bin/handler.py
script = $SPLUNK_HOME/etc/apps/little/bin/x
script.arg.1 = one
passSystemAuth = true
capability.post = little_may
"""
AUTHORIZE = """\
[capability::little_may]
[role_little]
importRoles = user
little_may = enabled
"""
TOKEN = "/servicesNS/nobody/little/little"


class RestTest(CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("default/restmap.conf", RESTMAP)
        self.write("default/authorize.conf", AUTHORIZE)
        self.write("default/little.conf", "[one]\nkey = value\n")
        self.write("default/collections.conf", "[drawer]\n")
        self.write("default/app.conf", "[install]\nis_configured = 0\n[ui]\nlabel = Little\n")
        self.write(
            "metadata/default.meta",
            "[]\naccess = read : [ * ], write : [ admin, little ]\n[commands]\nexport = system\n",
        )
        self.write("bin/handler.py", HANDLER).chmod(0o755)
        self.program()
        install_app(self.home, self.app)
        self.splunkd = Splunkd(self.home)
        self.splunkd.start()
        self.addCleanup(self.splunkd.stop)
        self.splunkd.users.add("mara", {"little"})
        self.splunkd.users.add("joe", {"user"})
        self.mara = self.splunkd.users.open("mara").key
        self.joe = self.splunkd.users.open("joe").key
        self.admin = self.splunkd.users.open("admin").key

    def get(self, path: str, key: str) -> Any:
        return self.splunkd.request("GET", path + "?output_mode=json", key)

    def post(self, path: str, key: str, /, **form: str) -> Any:
        return self.splunkd.request("POST", path + "?output_mode=json", key, form)

    def tearDown(self) -> None:
        self.assertEqual(self.splunkd.errors, [])

    def test_a_call_without_a_session_is_answered_401(self) -> None:
        for path in ("/services/server/info", TOKEN, "/servicesNS/nobody/little/storage/passwords"):
            answer = self.get(path, "")
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.json["messages"][0]["type"], "WARN")
        ended = self.splunkd.users.open("mara", seconds=-1).key
        self.assertEqual(self.get("/services/server/info", ended).status, 401)

    def test_without_output_mode_the_answer_is_XML(self) -> None:
        answer = self.splunkd.request("GET", "/services/server/info", self.joe)
        self.assertIn("text/xml", answer.headers["content-type"])
        self.assertTrue(answer.text.startswith("<?xml"))

    def test_the_current_context_tells_capabilities_of_roles_and_of_imported_ones(self) -> None:
        path = "/services/authentication/current-context"
        content = self.get(path, self.mara).json["entry"][0]["content"]
        self.assertEqual(content["username"], "mara")
        self.assertIn("little_may", content["capabilities"])
        self.assertIn("search", content["capabilities"])
        self.assertNotIn(
            "little_may", self.get(path, self.joe).json["entry"][0]["content"]["capabilities"]
        )

    def test_secrets_are_for_those_with_the_capability(self) -> None:
        path = "/servicesNS/nobody/little/storage/passwords"
        self.assertEqual(self.post(path, self.admin, name="u", realm="r", password="s").status, 201)
        self.assertEqual(self.post(path, self.admin, name="u", realm="r", password="s").status, 409)
        one = path + "/" + urllib.parse.quote("r:u:", safe="")
        self.assertEqual(self.get(one, self.admin).json["entry"][0]["content"]["clear_password"], "s")
        refused = self.get(one, self.mara)
        self.assertEqual(refused.status, 403)
        self.assertIn("list_storage_passwords", refused.json["messages"][0]["text"])
        self.assertEqual(self.get(path + "/r%3Aother%3A", self.admin).status, 404)
        self.assertEqual(
            self.get(path + "/r:u:", self.splunkd.users.system_key).json["entry"][0]["name"], "r:u:"
        )

    def test_conf_files_are_read_layered_and_written_into_local(self) -> None:
        path = "/servicesNS/nobody/little/configs/conf-little"
        self.assertEqual(self.post(path, self.joe, name="two", key="b").status, 403)
        self.assertEqual(self.post(path, self.mara, name="a:b/c", key="b ü").status, 201)
        self.assertEqual(self.post(path, self.mara, name="one", key="b").status, 409)
        self.assertEqual(self.post(path + "/one", self.mara, key="changed").status, 200)
        content = self.get(path + "/one", self.joe).json["entry"][0]["content"]
        self.assertEqual((content["key"], content["eai:appName"]), ("changed", "little"))
        self.assertEqual(
            self.get(path + "/a%3Ab%2Fc", self.joe).json["entry"][0]["content"]["key"], "b ü"
        )
        self.assertEqual(self.get(path + "/none", self.joe).status, 404)
        text = (self.home / "etc/apps/little/local/little.conf").read_text("utf-8")
        self.assertIn("[one]\nkey = changed\n", text)
        value = self.splunkd.request(
            "GET", "/servicesNS/nobody/little/properties/little/one/key", self.joe
        )
        self.assertEqual(value.text, "changed")

    def test_an_app_is_told_to_be_configured_by_who_may(self) -> None:
        path = "/servicesNS/nobody/system/apps/local/little"
        self.assertEqual(self.post(path, self.mara, configured="true").status, 403)
        self.assertEqual(self.post(path, self.admin, configured="true").status, 200)
        self.assertIs(self.get(path, self.joe).json["entry"][0]["content"]["configured"], True)

    def test_the_KV_store_keeps_documents_of_declared_collections(self) -> None:
        path = "/servicesNS/nobody/little/storage/collections/data/"
        kind = {"Content-Type": "application/json"}

        def put(name: str, value: Any) -> Any:
            body = json.dumps(value).encode()
            return self.splunkd.request("POST", path + name, self.joe, body=body, headers=kind)

        self.assertEqual(put("none", {}).status, 404)
        self.assertEqual(put("drawer", {"_key": "k", "n": 1}).json, {"_key": "k"})
        self.assertEqual(put("drawer", {"_key": "k"}).status, 409)
        self.assertEqual(put("drawer/batch_save", [{"_key": "b", "n": 2}]).json, ["b"])
        query = urllib.parse.quote('{"n":{"$gt":1}}')
        found = self.splunkd.request("GET", f"{path}drawer?query={query}", self.joe)
        self.assertEqual([each["_key"] for each in found.json], ["b"])

    def test_a_handler_gets_the_caller_from_splunkd_and_the_system_token(self) -> None:
        answer = self.post(TOKEN, self.mara, a="ü b", user="admin")
        self.assertEqual(answer.status, 200, answer.text)
        request = answer.json["request"]
        self.assertEqual(request["session"]["user"], "mara")
        self.assertEqual(request["session"]["authtoken"], self.mara)
        self.assertEqual(request["system_authtoken"], self.splunkd.users.system_key)
        self.assertEqual(request["form"], [["a", "ü b"], ["user", "admin"]])
        self.assertEqual(request["server"]["rest_uri"], self.splunkd.url)
        self.assertEqual(answer.json["words"], [f"{self.home}/etc/apps/little/bin/x", "one", ""])

    def test_a_handler_is_guarded_by_its_capability(self) -> None:
        answer = self.post(TOKEN, self.joe)
        self.assertEqual(answer.status, 403)
        self.assertIn("requires capability: little_may", answer.text)

    def test_a_handler_runs_on_and_is_started_again_when_it_ended(self) -> None:
        for _ in range(3):
            self.assertEqual(self.post(TOKEN, self.mara, status="201").status, 201)
        self.assertEqual(len(self.splunkd.persist.started), 1)
        self.assertEqual(self.post(TOKEN, self.mara, die="1").status, 500)
        self.assertEqual(self.post(TOKEN, self.mara).status, 200)
        self.assertEqual(len(self.splunkd.persist.started), 2)

    def test_a_handler_that_breaks_the_wire_is_answered_500(self) -> None:
        answer = self.post(TOKEN, self.mara, stray="1")
        self.assertEqual(answer.status, 500)
        self.assertIn("bad character while looking for block size", answer.text)

    def test_the_wire_has_the_published_bytes(self) -> None:
        (handler,) = find_handlers(self.home)
        bare = type(handler)(handler.name, handler.app, "/x", ("x",), (), ("x.bin",), {})
        self.assertEqual(
            encode_request(bare, {"method": "GET"}, INIT | BLOCK | END),
            b'\x071\n5\nx.bin0\n16\n{"method":"GET"}',
        )

    def test_a_client_that_does_not_trust_the_authority_gets_nowhere(self) -> None:
        with self.assertRaises(ssl.SSLError):
            context = ssl.create_default_context()
            context.check_hostname = False
            with socket.create_connection(("127.0.0.1", self.splunkd.port)) as plain:
                context.wrap_socket(plain)

    def test_a_search_runs_the_real_command_with_a_session_of_its_user(self) -> None:
        rows = [{"a": "1", "b": "2"}]
        result = search_as(self.splunkd, "mara", "index=x | echo", rows)
        self.assertEqual((result.state, result.violations), ("DONE", []))
        self.splunkd.rows = rows
        path = "/servicesNS/nobody/little/search/jobs"
        answer = self.post(path, self.joe, search="search index=x | echo", exec_mode="oneshot")
        self.assertEqual(answer.json["results"], rows)
        made = self.post(path, self.joe, search="search index=x | echo")
        self.assertEqual(made.status, 201)
        sid = made.json["sid"]
        job = self.get(f"{path}/{sid}", self.joe).json["entry"][0]["content"]
        self.assertEqual(job["dispatchState"], "DONE")
        self.assertEqual(self.get(f"{path}/{sid}", self.mara).status, 403)
        self.assertEqual(self.get(f"{path}/{sid}/results", self.joe).json["results"], rows)
