"""igdoctor: each thing that can stand in the way is named in its row, with its cure, and in time."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from splunkd import SearchOptions, SearchResult, run_search
from splunkd.app import write_local_conf
from splunkd.rest_search import search_as

from .crossing import Authority, Proxy, front
from .harness import EndToEnd, Place, free_port, visits
from .test_broker import SearchHead

CHECKS = [
    "settings", "dns", "tcp", "tls", "proxy", "clock", "token", "scope", "tenant", "kvstore",
    "outbox", "log", "binary", "service", "budget", "audit",
]
AFTER_TCP = ["tls", "proxy", "clock", "token", "scope", "tenant", "service", "audit"]
WHOLE_S = 30


class DoctorCase(EndToEnd):
    def search(self, place: Place, arguments: str = "", **options: Any) -> SearchResult:
        chosen = SearchOptions(**{"user": "mara", "probes": 1, **options})
        return run_search(place.splunk.home, f"| igdoctor {arguments}", [], chosen)

    def rows(self, place: Place, arguments: str = "", **options: Any) -> dict[str, Any]:
        """By check; of one instance."""
        begun = time.monotonic()
        result = self.search(place, arguments, **options)
        self.assertLess(time.monotonic() - begun, WHOLE_S)
        return self.read(result, place.token)

    def read(self, result: SearchResult, secret: str) -> dict[str, Any]:
        self.done(result)
        self.assertEqual([row["check"] for row in result.rows], CHECKS)
        for row in result.rows:
            self.assertIn(row["status"], ("ok", "warning", "failed", "skipped"), row)
            self.assertEqual(row["cure"] != "", row["status"] in ("warning", "failed"), row)
            self.assertNotIn(secret.split("_")[-1], str(row))
        return {row["check"]: row for row in result.rows}

    def only(self, rows: dict[str, Any], failed: str, value: str, cure: str) -> None:
        """One check failed; what hangs on it was not tried, and says so."""
        self.assertEqual(rows[failed]["status"], "failed", rows[failed])
        self.assertRegex(rows[failed]["value"], value)
        self.assertIn(cure, rows[failed]["cure"])
        self.assertEqual([name for name, row in rows.items() if row["status"] == "failed"], [failed])
        for row in rows.values():
            if row["status"] == "skipped" and row["check"] != "budget":
                self.assertEqual(row["value"], f"not tried: the check {failed} failed")


class DoctorTest(DoctorCase):
    def test_of_a_good_instance_every_check_is_well(self) -> None:
        place = self.place()
        self.done(place.search("ighandoff", visits(3)))
        rows = self.rows(place)
        wrong = {name for name, row in rows.items() if row["status"] != "ok"}
        self.assertEqual(wrong, {"kvstore", "budget"})  # there is no splunkd to ask here
        self.assertIn("this search head kept 1 head, and the log continues", rows["audit"]["value"])
        self.assertIn(place.tenant, rows["tenant"]["value"])
        self.assertRegex(rows["service"]["value"], r"^intelgraphd \d+\.\d+\.\d+; this app, ")
        self.assertRegex(rows["binary"]["value"], r" for (x86_64|aarch64), on .*bin/intelgraph$")
        self.assertRegex(rows["log"]["value"], r"is writable; our logs have \d+ KiB, \d+ MiB are free")

    def test_it_leaves_nothing_behind(self) -> None:
        place = self.place()
        self.rows(place)
        self.assertEqual(list((place.splunk.home / "var/log/splunk").iterdir()), [])
        self.assertEqual((place.handoffs(), place.splunk.outbox), ([], []))

    def test_every_instance_is_looked_at_unless_one_is_named(self) -> None:
        place = self.place()
        good = {"url": place.service.url, "tenant": place.tenant, "credential": "file:none"}
        conf = {"instance:default": good, "instance:lab": {**good, "url": "https://lab.invalid/"}}
        write_local_conf(place.splunk.app, {"intelgraph": conf})
        result = self.search(place)
        self.assertEqual([row["check"] for row in result.rows], CHECKS * 2)
        self.assertEqual({row["instance"] for row in result.rows}, {"default", "lab"})
        rows = self.rows(place, "instance=lab")
        self.assertEqual({row["instance"] for row in rows.values()}, {"lab"})

    def test_rows_come_in_replies_as_small_as_splunkd_wants(self) -> None:
        place = self.place()
        rows = self.rows(place, max_result_rows=5)
        self.assertEqual(rows["settings"]["status"], "ok")

    def test_what_is_not_configured_is_a_row_and_no_error(self) -> None:
        place = self.place()
        shutil.rmtree(place.splunk.app / "local")
        rows = self.rows(place)
        self.only(rows, "settings", "IntelGraph is not configured: set url", "settings page")
        self.assertEqual(rows["log"]["status"], "ok")

    def test_an_instance_that_is_not_there_is_a_row(self) -> None:
        rows = self.rows(self.place(), "instance=nowhere")
        self.only(rows, "settings", 'there is no instance "nowhere"', "settings page")

    def test_an_instance_that_is_disabled_fails_only_for_who_names_it(self) -> None:
        place = self.place()
        place.splunk.configure(place.service.url, place.tenant, place.token, disabled="1")
        rows = self.rows(place)
        self.assertEqual(rows["settings"]["status"], "skipped")
        self.assertEqual(rows["tcp"]["value"], "not tried: the check settings was not made")
        rows = self.rows(place, "instance=default")
        self.only(rows, "settings", "the instance default is disabled", "Set disabled = 0")

    def test_a_conf_that_cannot_be_read_is_a_row(self) -> None:
        place = self.place()
        (place.splunk.app / "local/intelgraph.conf").write_text("[instance:default\nurl\n", "utf-8")
        self.only(self.rows(place), "settings", "intelgraph.conf", "settings page")

    def test_wrong_arguments_end_the_search(self) -> None:
        result = self.search(self.place(), "instanse=x", probes=0)
        self.assertEqual(result.state, "FAILED")
        self.says(result, r"did you mean instance=<name>\? Usage: igdoctor \[instance=<name>\]")

    # The way

    def test_a_host_that_nobody_knows_is_found_at_dns(self) -> None:
        place = self.place()
        place.splunk.configure("https://no-such-host.invalid/", place.tenant, place.token)
        rows = self.rows(place)
        self.assertEqual(rows["dns"]["status"], "failed")
        self.assertIn("no-such-host.invalid", rows["dns"]["value"])
        self.assertEqual(rows["tcp"]["value"], "not tried: the check dns failed")

    def test_a_port_where_nothing_listens_is_found_at_tcp(self) -> None:
        place = self.place()
        place.splunk.configure(f"https://127.0.0.1:{free_port()}/", place.tenant, place.token)
        self.only(self.rows(place), "tcp", r"\(nothing listens there\)", "systemctl start intelgraphd")

    def test_a_network_that_swallows_everything_is_found_in_time(self) -> None:
        place = self.place()
        with swallowing() as port:
            place.splunk.configure(f"https://127.0.0.1:{port}/", place.tenant, place.token,
                                   connect_timeout_ms="1000", timeout_ms="120000")
            begun = time.monotonic()
            rows = self.rows(place)
            self.assertLess(time.monotonic() - begun, 10)
        self.only(rows, "tcp", "cannot be reached: .*imeout|timed out", "in the firewall")

    def test_a_peer_that_never_speaks_is_found_in_time(self) -> None:
        place = self.place()
        with silent() as port:
            for url, check in ((f"https://127.0.0.1:{port}/", "tls"), (f"http://127.0.0.1:{port}/", "clock")):
                place.splunk.configure(url, place.tenant, place.token, connect_timeout_ms="1000",
                                       timeout_ms="120000")
                begun = time.monotonic()
                rows = self.rows(place)
                self.assertLess(time.monotonic() - begun, 15)
                self.only(rows, check, "cannot be reached", "")

    def test_what_answers_but_is_not_ours_is_told(self) -> None:
        place = self.place()
        with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}") as port:
            place.splunk.configure(f"http://127.0.0.1:{port}/", place.tenant, place.token)
            self.only(self.rows(place), "clock", "what answers is not intelgraphd", "Correct url")

    def test_a_clock_that_is_wrong_is_a_warning(self) -> None:
        place = self.place()
        reply = (b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2020 12:29:43 GMT\r\n"
                 b"Content-Length: 18\r\nConnection: close\r\n\r\n{\"status\":\"alive\"}")
        with answering(reply) as port:
            place.splunk.configure(f"http://127.0.0.1:{port}/", place.tenant, place.token)
            rows = self.rows(place)
        self.assertEqual(rows["clock"]["status"], "warning")
        self.assertRegex(rows["clock"]["value"], r"is \d{8,} s behind this search head's")
        self.assertIn("chronyc makestep", rows["clock"]["cure"])

    # What we may

    def test_a_token_that_does_not_hold_is_told_without_its_secret(self) -> None:
        place = self.place()
        wrong = f"igt_0123456789abcdef_{'0123456789abcdef' * 4}"
        place.splunk.configure(place.service.url, place.tenant, wrong)
        result = self.search(place)
        rows = self.read(result, wrong)
        self.only(rows, "token", "IntelGraph answered 401: this token is not known", "token create")
        self.assertNotIn("0123456789abcdef" * 4, "\n".join([*result.texts(), *result.log]))

    def test_a_credential_file_that_is_not_there_is_told(self) -> None:
        place = self.place()
        (place.splunk.home / "etc/intelgraph.token").unlink()
        self.only(self.rows(place), "token", "there is no file .*intelgraph.token", "Correct credential")

    def test_a_token_that_ends_soon_is_a_warning(self) -> None:
        place = self.place()
        token = place.service.token(place.tenant, name="short", expires="3d")
        place.splunk.configure(place.service.url, place.tenant, token)
        rows = self.rows(place)
        self.assertEqual(rows["token"]["status"], "warning")
        self.assertIn("before this one ends", rows["token"]["cure"])

    def test_a_role_that_may_only_look_is_a_warning(self) -> None:
        place = self.place()
        token = place.service.token(place.tenant, role="viewer", name="viewer")
        place.splunk.configure(place.service.url, place.tenant, token)
        rows = self.rows(place)
        self.assertEqual(rows["scope"]["status"], "warning")
        self.assertIn("may look, but not hand off (role viewer)", rows["scope"]["value"])
        self.assertIn("--role analyst", rows["scope"]["cure"])

    def test_a_token_of_another_tenant_is_told(self) -> None:
        place, other = self.place(), self.place()
        place.splunk.configure(place.service.url, place.tenant, other.token)
        rows = self.rows(place)
        self.only(rows, "tenant", f"settings say {place.tenant}, .* for {other.tenant}", "Set tenant")

    def test_a_log_that_was_set_back_is_told(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        earlier = service.data.parent / "earlier"
        shutil.copytree(service.data, earlier)
        service.start()
        self.done(place.search("ighandoff", visits(3)))
        service.stop()
        other = self.own_service(earlier)
        other.port = service.port
        other.start()
        rows = self.rows(place)
        self.only(rows, "audit", "the log was cut", "intelgraphd audit verify --heads")

    # This search head

    def test_what_waits_in_the_outbox_is_counted(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        for sid in ("1.1", "1.2"):
            place.search("ighandoff", visits(3), sid=sid)
        hour_ago = time.time() - 3700
        os.utime(place.splunk.outbox[0], (hour_ago, hour_ago))
        rows = self.rows(place)
        self.assertEqual(rows["outbox"]["status"], "warning")
        self.assertRegex(rows["outbox"]["value"],
                         r"^2 waiting \(1 of 256 MiB\), the oldest for 61 minutes; 0 refused$")
        self.assertIn("Run any ighandoff", rows["outbox"]["cure"])
        place.splunk.configure(service.url, place.tenant, place.token)
        write_local_conf(place.splunk.app, {"intelgraph": {
            "instance:default": {"url": service.url, "tenant": place.tenant, "credential": "file:x"},
            "handoff": {"outbox_max_mb": "1"}}})
        rows = self.rows(place)
        self.assertEqual(rows["outbox"]["status"], "failed")
        self.assertIn("raise outbox_max_mb", rows["outbox"]["cure"])

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_log_folder_that_cannot_be_written_is_told(self) -> None:
        place = self.place()
        log = place.splunk.home / "var/log/splunk"
        log.chmod(0o500)
        self.addCleanup(log.chmod, 0o700)
        rows = self.rows(place)
        self.assertEqual(rows["log"]["status"], "failed")
        self.assertIn("Make var/log/splunk", rows["log"]["cure"])

    def test_a_log_folder_that_is_a_file_is_told(self) -> None:
        place = self.place()
        log = place.splunk.home / "var/log/splunk"
        log.rmdir()
        log.write_text("in the way", "utf-8")
        rows = self.rows(place)
        self.assertEqual(rows["log"]["status"], "failed")
        self.assertIn("Make var/log/splunk", rows["log"]["cure"])

    def test_a_program_of_another_version_than_its_app_is_told(self) -> None:
        place = self.place()
        conf = place.splunk.app / "default/app.conf"
        conf.write_text(conf.read_text("utf-8").replace("version = ", "version = 9."), "utf-8")
        rows = self.rows(place)
        self.assertEqual(rows["binary"]["status"], "warning")
        self.assertIn("in an app of version 9.", rows["binary"]["value"])


@unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
class DoctorTlsTest(DoctorCase):
    authority: Authority
    stranger: Authority

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        certs = Path(cls._folder) / "certs"
        cls.authority = Authority(certs / "own", "Own CA")
        cls.stranger = Authority(certs / "stranger", "Stranger's CA")

    def look(self, place: Place, url: str, **settings: str) -> dict[str, Any]:
        settings = {"connect_timeout_ms": "2000", "ca_file": str(self.authority.cert), **settings}
        place.splunk.configure(url, place.tenant, place.token, **settings)
        return self.rows(place)

    def test_the_chain_is_told_with_names_issuers_and_days(self) -> None:
        cert = self.authority.sign("far", "IP:127.0.0.1", days=90)
        with front(self.folder(), cert, self.service.port) as url:
            rows = self.look(self.place(), url)
        self.assertEqual(rows["tls"]["status"], "ok", rows["tls"])
        self.assertRegex(rows["tls"]["value"], r"^CN = far, signed by CN = Own CA, (89|90) days left")
        self.assertEqual(rows["audit"]["status"], "ok")

    def test_a_certificate_that_ends_soon_is_a_warning(self) -> None:
        cert = self.authority.sign("soon", "IP:127.0.0.1", days=9)
        with front(self.folder(), cert, self.service.port) as url:
            rows = self.look(self.place(), url)
        self.assertEqual(rows["tls"]["status"], "warning")
        self.assertRegex(rows["tls"]["value"], r"CN = soon, .*[89] days left")
        self.assertIn("ends within 30 days", rows["tls"]["cure"])
        self.assertEqual(rows["token"]["status"], "ok")

    def test_a_certificate_of_a_stranger_is_told_with_its_chain(self) -> None:
        cert = self.stranger.sign("strange", "IP:127.0.0.1", days=90)
        with front(self.folder(), cert, self.service.port) as url:
            rows = self.look(self.place(), url)
        self.only(rows, "tls", "none of the authorities in ca_file has signed it", "Set ca_file or ca_pem")
        self.assertIn("CN = strange, signed by CN = Stranger's CA", rows["tls"]["value"])

    def test_a_certificate_for_another_name_is_told(self) -> None:
        cert = self.authority.sign("elsewhere", "DNS:elsewhere.example", days=90)
        with front(self.folder(), cert, self.service.port) as url:
            rows = self.look(self.place(), url)
        self.only(rows, "tls", "made out to another name", "Set url")

    def test_a_client_certificate_that_is_asked_for_is_told(self) -> None:
        cert = self.authority.sign("front", "IP:127.0.0.1", days=90)
        with front(self.folder(), cert, self.service.port, clients=self.authority) as url:
            rows = self.look(self.place(), url)
        failed = [row for row in rows.values() if row["status"] == "failed"]
        self.assertEqual(len(failed), 1)
        self.assertIn("asks for a client certificate", failed[0]["value"])
        self.assertIn("Set client_cert_file and client_key_file", failed[0]["cure"])

    def test_an_authority_that_is_no_certificate_is_told(self) -> None:
        place = self.place()
        (place.splunk.app / "local/ca.pem").write_text("no certificate", "utf-8")
        rows = self.look(place, "https://127.0.0.1:1/", ca_file="local/ca.pem")
        self.only(rows, "tcp", "ca_file holds no certificate", "Set ca_file or ca_pem")

    def test_the_proxy_is_told_and_what_it_wants(self) -> None:
        cert = self.authority.sign("front", "IP:127.0.0.1", days=90)
        with front(self.folder(), cert, self.service.port) as url:
            with Proxy() as proxy:
                rows = self.look(self.place(), url, proxy=proxy.url)
                self.assertEqual(rows["proxy"]["value"], f"{proxy.url} lets us through")
                self.assertIn("connected to the proxy at 127.0.0.1", rows["tcp"]["value"])
                self.assertEqual(rows["audit"]["status"], "ok")
                rows = self.look(self.place(), url, proxy=proxy.url, no_proxy="127.0.0.0/8")
                self.assertIn("not used for this address", rows["proxy"]["value"])
                self.assertEqual(proxy.complaints, [])
            with Proxy(user="igor:secret pass") as proxy:
                rows = self.look(self.place(), url, proxy=proxy.url)
                self.only(rows, "proxy", "asks for user and password", "Set proxy_credential")
            with Proxy(status=403) as proxy:
                rows = self.look(self.place(), url, proxy=proxy.url)
                self.only(rows, "proxy", "does not let us through", "no_proxy")
            rows = self.look(self.place(), url, proxy=f"http://127.0.0.1:{free_port()}")
            self.only(rows, "tcp", "the proxy .* cannot be reached", "Correct proxy")


class DoctorBrokerTest(DoctorCase):
    def head(self) -> SearchHead:
        EndToEnd._tenants += 1
        return SearchHead(self, self.service, f"tenant{EndToEnd._tenants}")

    def look(self, head: SearchHead, user: str) -> dict[str, Any]:
        return self.read(search_as(head.rest, user, "| igdoctor", []), head.secret)

    def test_with_the_broker_everything_is_well(self) -> None:
        head = self.head()
        rows = self.look(head, "mara")
        wrong = {name: row["value"] for name, row in rows.items() if row["status"] != "ok"}
        self.assertEqual(set(wrong), {"budget"}, wrong)
        self.assertRegex(rows["token"]["value"], r"^the app's broker gave one for mara, until \d{4}-")
        self.assertIn("hand off, look", rows["scope"]["value"])
        self.assertEqual(rows["kvstore"]["value"], "ready")

    def test_a_user_without_the_capability_is_told_which(self) -> None:
        head = self.head()
        rows = self.look(head, "joe")
        self.only(rows, "token", "the user joe lacks the capability intelgraph_read", "Give your role")
        self.assertEqual(head.refusals, [])  # nothing was asked for in vain

    def test_a_user_who_may_only_look_is_warned(self) -> None:
        head = self.head()
        conf = {"role_looker": {"intelgraph_read": "enabled"}}
        write_local_conf(head.splunk.app, {"authorize": conf})
        head.rest.users.add("lou", {"user", "looker"})
        rows = self.look(head, "lou")
        self.assertEqual(rows["scope"]["status"], "warning", rows["scope"])
        self.assertIn("may look, but not hand off", rows["scope"]["value"])
        self.assertIn("intelgraph_handoff to hand off", rows["scope"]["cure"])
        self.assertEqual(head.refusals, [])

    def test_a_secret_that_is_not_stored_is_told(self) -> None:
        head = self.head()
        head.rest.passwords.clear()
        rows = self.look(head, "mara")
        self.assertEqual(rows["token"]["status"], "failed")
        self.assertIn("Store the API token", rows["token"]["cure"])

    def test_a_kv_store_that_is_not_ready_is_a_warning(self) -> None:
        head = self.head()
        head.rest.kvstore_state = "failed"
        rows = self.look(head, "mara")
        self.assertEqual(rows["kvstore"]["status"], "warning")
        self.assertIn("splunk show kvstore-status", rows["kvstore"]["cure"])


@contextlib.contextmanager
def swallowing() -> Iterator[int]:
    """A port whose queue is full: the packets that would open a connection get no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = int(listener.getsockname()[1])
    waiting = []
    with listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        time.sleep(0.1)
        yield port


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield int(listener.getsockname()[1])


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A port that gives every request the same reply."""

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer:
                peer.settimeout(5)
                peer.recv(65536)
                peer.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
