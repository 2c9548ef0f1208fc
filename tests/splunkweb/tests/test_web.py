"""The stand-in for Splunk Web refuses what the real one refuses."""

from __future__ import annotations

import http.client
import json
import tempfile
import unittest
import urllib.parse
from pathlib import Path

from splunkd.app import install_app, write_local_conf
from splunkd.rest import Splunkd
from splunkweb.template import DIRECTIVE, TemplateError, render
from splunkweb.web import SplunkWeb

RAW = "/en-US/splunkd/__raw"
CONTEXT = f"{RAW}/services/authentication/current-context?output_mode=json"
PASSWORDS = f"{RAW}/servicesNS/nobody/little/storage/passwords?output_mode=json"
FORM = "name=u&realm=r&password=p"
VIEW = '<view template="little:/templates/setup.html" type="html"><label>Setup</label></view>'
APP = "[install]\nis_configured = 0\n[ui]\nis_visible = 1\nsetup_view = setup\n"


class WebTestCase(unittest.TestCase):
    """A little app with a view, and someone signed in."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="splunkweb-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("default/app.conf", APP)
        self.write("default/data/ui/views/setup.xml", VIEW)
        self.write("default/data/ui/views/other.xml", VIEW.replace("Setup", "Other"))
        self.write(
            "appserver/templates/setup.html", f"{DIRECTIVE}\n<p>${{make_url('/static/a.js')}}</p>"
        )
        self.write("appserver/static/pages/a.js", "1;")
        self.write("secret.txt", "not for browsers")
        home = self.root / "splunk"
        self.app = install_app(home, self.root / "little")
        self.splunkd = Splunkd(home)
        self.web = SplunkWeb(self.splunkd)
        self.enterContext(self.splunkd)
        self.enterContext(self.web)
        self.cookies = self.sign_in()

    def write(self, path: str, text: str) -> None:
        file = self.root / "little" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def sign_in(self, user: str = "admin", password: str = "changeme") -> dict[str, str]:
        cookies = self.web.sign_in(user, password)
        assert cookies
        pairs = [value.partition(";")[0].partition("=") for _, value in cookies]
        return {name: value for name, _, value in pairs}

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: str = ""
    ) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=30)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body.encode(), sent | (headers or {}))
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), dict(reply.getheaders())
        finally:
            connection.close()

    @property
    def good(self) -> dict[str, str]:
        token = self.cookies[f"splunkweb_csrf_token_{self.web.port}"]
        return {"X-Requested-With": "XMLHttpRequest", "X-Splunk-Form-Key": token}


class Proxy(WebTestCase):
    def test_a_request_with_session_and_token_reaches_splunkd(self) -> None:
        self.assertEqual(self.ask("POST", PASSWORDS, self.good, FORM)[0], 201)
        self.assertEqual(self.splunkd.passwords, {("little", "r", "u"): "p"})

    def test_a_change_without_its_token_is_refused(self) -> None:
        wrong = [
            {},
            {"X-Requested-With": "XMLHttpRequest"},
            {"X-Splunk-Form-Key": self.good["X-Splunk-Form-Key"]},
            {**self.good, "X-Splunk-Form-Key": "4711"},
            {**self.good, "X-Requested-With": "fetch"},
        ]
        for headers in wrong:
            for method in ("POST", "DELETE"):
                status, text, _ = self.ask(method, PASSWORDS, headers, FORM)
                self.assertEqual((status, "CSRF" in text), (401, True), headers)
        self.assertEqual(self.splunkd.passwords, {})

    def test_the_token_of_another_port_or_session_is_refused(self) -> None:
        other = self.sign_in()[f"splunkweb_csrf_token_{self.web.port}"]
        status, _, _ = self.ask("POST", PASSWORDS, {**self.good, "X-Splunk-Form-Key": other}, FORM)
        self.assertEqual(status, 401)

    def test_without_a_session_and_after_its_end_it_answers_401(self) -> None:
        self.assertEqual(self.ask("GET", CONTEXT)[0], 200)
        self.assertEqual(self.ask("GET", CONTEXT, {"Cookie": "splunkd_1=x"})[0], 401)
        key = next(iter(self.web.sessions.values()))[1]
        self.splunkd.users.end(key)
        status, text, _ = self.ask("GET", CONTEXT)
        self.assertEqual(status, 401)
        self.assertEqual(json.loads(text)["messages"][0]["type"], "WARN")

    def test_an_endpoint_that_nobody_exposes_is_not_there(self) -> None:
        path = f"{RAW}/servicesNS/nobody/little/little/thing"
        self.assertEqual(self.ask("GET", path)[0], 404)
        self.assertNotIn(("GET", path), [(line.method, line.path) for line in self.splunkd.log])
        conf = {"web": {"expose:thing": {"pattern": "little/*", "methods": "GET"}}}
        write_local_conf(self.app, conf)
        self.assertTrue(self.web.is_exposed("servicesNS/nobody/little/little/thing"))
        self.assertFalse(self.web.is_exposed("servicesNS/nobody/little/little/thing/else"))


class Pages(WebTestCase):
    def test_without_a_session_a_page_leads_to_the_sign_in_and_back(self) -> None:
        status, _, headers = self.ask("GET", "/en-US/app/little/setup", {"Cookie": ""})
        self.assertEqual(status, 303)
        self.assertEqual(
            urllib.parse.unquote(headers["Location"]),
            "/en-US/account/login?return_to=/en-US/app/little/setup",
        )

    def test_a_sign_in_leads_nowhere_but_here(self) -> None:
        for place in ("https://evil.example/", "//evil.example", "/\\evil.example", "/en-US//evil"):
            form = urllib.parse.urlencode(
                {"username": "admin", "password": "changeme", "return_to": place}
            )
            _, _, headers = self.ask("POST", "/en-US/account/login", None, form)
            self.assertEqual(headers["Location"], "/en-US/")

    def test_a_wrong_password_opens_nothing(self) -> None:
        status, _, headers = self.ask(
            "POST", "/en-US/account/login", None, "username=admin&password=x"
        )
        self.assertEqual(status, 401)
        self.assertNotIn("Set-Cookie", headers)

    def test_the_setup_view_comes_first_until_the_app_is_configured(self) -> None:
        _, _, headers = self.ask("GET", "/en-US/app/little/other")
        self.assertEqual(headers["Location"], "/en-US/app/little/setup")
        write_local_conf(self.app, {"app": {"install": {"is_configured": "1"}}})
        self.assertEqual(self.ask("GET", "/en-US/app/little/other")[0], 200)

    def test_a_view_that_is_not_there_or_not_well_formed_is_an_error(self) -> None:
        self.assertEqual(self.ask("GET", "/en-US/app/little/setup")[0], 200)
        (self.app / "appserver/templates/setup.html").unlink()
        self.assertEqual(self.ask("GET", "/en-US/app/little/setup")[0], 500)
        (self.app / "default/data/ui/views/setup.xml").write_text("<view", "utf-8")
        self.assertEqual(self.ask("GET", "/en-US/app/little/setup")[0], 500)

    def test_what_a_role_may_not_read_is_not_there(self) -> None:
        meta = "[views/other]\naccess = read : [ power ]\n[little]\naccess = read : [ power ]\n"
        (self.app / "metadata").mkdir()
        (self.app / "metadata/default.meta").write_text(meta, "utf-8")
        conf = {"app": {"install": {"is_configured": "1"}}, "little": {"a": {"x": "1"}}}
        write_local_conf(self.app, conf)
        stanzas = f"{RAW}/servicesNS/nobody/little/configs/conf-little?output_mode=json"
        for user, roles, sees in (("joe", {"user"}, False), ("eve", {"power"}, True)):
            self.splunkd.users.add(user, roles, "secret")
            self.cookies = self.sign_in(user, "secret")
            self.assertEqual(self.ask("GET", "/en-US/app/little/setup")[0], 200)
            self.assertEqual(self.ask("GET", "/en-US/app/little/other")[0], 200 if sees else 404)
            entries = json.loads(self.ask("GET", stanzas)[1])["entry"]
            self.assertEqual([each["name"] for each in entries], ["a"] if sees else [])
        self.cookies = self.sign_in()  # metadata is no bar to administrators
        self.assertEqual(self.ask("GET", "/en-US/app/little/other")[0], 200)

    def test_static_files_are_those_of_the_app_alone(self) -> None:
        base = "/en-US/static/@1:1/app/little"
        status, _, headers = self.ask("GET", f"{base}/pages/a.js")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/javascript"))
        self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
        for path in ("../../secret.txt", "%2e%2e/%2e%2e/secret.txt", "pages", "none.js"):
            self.assertEqual(self.ask("GET", f"{base}/{path}")[0], 404, path)


class Template(unittest.TestCase):
    def test_addresses_and_partials_are_filled_in(self) -> None:
        text = f"{DIRECTIVE}\n${{make_url('/a?b=1')}} ${{json_decode(splunkd)}}"
        page = render(text, lambda path: path + "&c", {"a": "</script>"})
        self.assertEqual(page, '/a?b=1&amp;c {"a": "\\u003c/script>"}')

    def test_anything_that_runs_as_python_is_refused(self) -> None:
        for text in (
            "<p></p>",
            f"{DIRECTIVE}\n<% import os %>",
            f"{DIRECTIVE}\n% if True:",
            f"{DIRECTIVE}\n## a comment",
            f"{DIRECTIVE}\n${{1 + 1}}",
            f"{DIRECTIVE}\n${{make_url('/a' + b)}}",
        ):
            with self.assertRaises(TemplateError, msg=text):
                render(text, str, {})


if __name__ == "__main__":
    unittest.main()
