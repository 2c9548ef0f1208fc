"""The way to the service: whom we trust, what we show, through which proxy; and each failure's sentence."""

from __future__ import annotations

import shutil
import socket
import subprocess
import unittest.mock
from pathlib import Path
from typing import ClassVar

from splunkd.app import write_local_conf

from .crossing import Authority, Proxy, front
from .harness import EndToEnd, Place, free_port, visits

LOOPBACK = "IP:127.0.0.1,DNS:localhost"


@unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
class ConnectionTest(EndToEnd):
    authority: Authority
    stranger: Authority
    cert: tuple[Path, Path]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        certs = Path(cls._folder) / "certs"
        cls.authority = Authority(certs / "own", "Own CA")
        cls.stranger = Authority(certs / "stranger", "Stranger's CA")
        cls.cert = cls.authority.sign("front", LOOPBACK)

    env: ClassVar[dict[str, str]] = {}  # what splunkd's own environment has beside the usual

    def go(self, place: Place, url: str, **settings: str) -> str:
        """Hands off to `url`; gives what the analyst is told."""
        place.splunk.configure(url, place.tenant, place.token, connect_timeout_ms="2000", **settings)
        result = place.search("ighandoff", visits(3), env=self.env)
        self.done(result)
        self.rows_pass(result, visits(3))
        said = "\n".join(result.texts())
        self.assertNotIn(place.token.split("_")[2], said)
        return said

    def arrives(self, place: Place, url: str, **settings: str) -> None:
        said = self.go(place, url, **settings)
        self.assertIn("IntelGraph: handed off", said)
        self.assertEqual(len(place.handoffs()), 1)

    def waits(self, place: Place, url: str, told: str, **settings: str) -> None:
        """Nothing arrives, the graph is kept, and the sentence says what to mend."""
        said = self.go(place, url, **settings)
        self.assertIn(told, said)
        self.assertIn("It waits in the outbox", said)
        self.assertEqual((len(place.splunk.outbox), place.handoffs()), (1, []))

    # Trust

    def test_an_authority_is_taken_from_a_file_or_from_pasted_text(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            self.arrives(self.place(), url, ca_file=str(self.authority.cert))
            self.arrives(self.place(), url, ca_pem=self.authority.pem.replace("\n", "\\n"))
            both = self.stranger.pem + self.authority.pem
            self.arrives(self.place(), url, ca_pem=both.replace("\n", "\\n"))
            place = self.place()
            shutil.copy(self.authority.cert, place.splunk.app / "local/ca.pem")
            self.arrives(place, url, ca_file="local/ca.pem")
            place = self.place()
            shutil.copy(self.authority.cert, place.splunk.home / "etc/ca.pem")
            self.arrives(place, url, ca_file="$SPLUNK_HOME/etc/ca.pem")

    def test_without_a_setting_the_system_decides_and_the_sentence_names_its_file(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            told = "ca-certificates.crt has signed it; set ca_file or ca_pem to the one that did"
            self.waits(self.place(), url, told)

    def test_a_certificate_of_another_authority_is_not_trusted(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            told = "cannot be trusted: none of the authorities in ca_file has signed it"
            self.waits(self.place(), url, told, ca_file=str(self.stranger.cert))
            told = "cannot be trusted: none of the authorities in ca_pem has signed it"
            self.waits(self.place(), url, told, ca_pem=self.stranger.pem.replace("\n", "\\n"))

    def test_an_expired_certificate_is_not_trusted(self) -> None:
        cert = self.authority.sign("expired", LOOPBACK, days=-1)
        with front(self.folder(), cert, self.service.port) as url:
            told = "cannot be trusted: it has expired; it must be renewed there"
            self.waits(self.place(), url, told, ca_file=str(self.authority.cert))

    def test_a_certificate_of_another_name_is_not_trusted(self) -> None:
        cert = self.authority.sign("other", "DNS:other.example,IP:192.0.2.1")
        with front(self.folder(), cert, self.service.port) as url:
            told = "made out to another name; url must be set to the name that it holds"
            self.waits(self.place(), url, told, ca_file=str(self.authority.cert))

    def test_what_speaks_no_tls_is_told(self) -> None:
        url = f"https://127.0.0.1:{self.service.port}/"
        self.waits(self.place(), url, f"{url} cannot be reached", ca_file=str(self.authority.cert))

    def test_old_tls_is_refused(self) -> None:
        with front(self.folder(), self.cert, self.service.port, most="ssl-max-ver TLSv1.1") as url:
            self.waits(self.place(), url, "cannot be reached", ca_file=str(self.authority.cert))

    # Our own certificate

    def own(self, place: Place, cert: Path, key: Path, mode: int = 0o600) -> dict[str, str]:
        """The settings for a client certificate whose files lie in the app."""
        local = place.splunk.app / "local"
        shutil.copy(cert, local / "client.pem")
        shutil.copy(key, local / "client.key")
        (local / "client.key").chmod(mode)
        return {"client_cert_file": "local/client.pem", "client_key_file": "local/client.key",
                "ca_file": str(self.authority.cert)}

    def test_a_service_that_asks_gets_our_certificate(self) -> None:
        cert, key = self.authority.sign("client")
        for most in ("", "ssl-max-ver TLSv1.2"):
            with front(self.folder(), self.cert, self.service.port, self.authority, most) as url:
                place = self.place()
                self.arrives(place, url, **self.own(place, cert, key))

    def test_a_service_that_asks_and_gets_none_is_told_with_both_settings(self) -> None:
        for most, told in (
            ("", "asks for a client certificate; set client_cert_file and client_key_file"),
            ("ssl-max-ver TLSv1.2", "where it asks for a client certificate, set client_cert_file and client_key_file"),
        ):
            with front(self.folder(), self.cert, self.service.port, self.authority, most) as url:
                self.waits(self.place(), url, told, ca_file=str(self.authority.cert))

    def test_a_certificate_that_the_service_does_not_accept_is_told(self) -> None:
        cert, key = self.stranger.sign("client")
        for most in ("", "ssl-max-ver TLSv1.2"):
            with front(self.folder(), self.cert, self.service.port, self.authority, most) as url:
                place = self.place()
                told = f"{url} does not accept the certificate in client_cert_file"
                self.waits(place, url, told, **self.own(place, cert, key))

    def test_a_key_that_belongs_to_another_certificate_is_told(self) -> None:
        cert, _ = self.authority.sign("client")
        _, other = self.authority.sign("another")
        with front(self.folder(), self.cert, self.service.port, self.authority) as url:
            place = self.place()
            told = "the private key in client_key_file does not belong to the certificate in client_cert_file"
            self.waits(place, url, told, **self.own(place, cert, other))

    def test_a_key_that_others_may_read_is_not_used(self) -> None:
        cert, key = self.authority.sign("client")
        with front(self.folder(), self.cert, self.service.port, self.authority) as url:
            place = self.place()
            told = "client.key may be read or changed by others (mode 0640); give it mode 0600"
            self.waits(place, url, told, **self.own(place, cert, key, 0o640))
            place = self.place()
            self.arrives(place, url, **self.own(place, cert, key, 0o400))

    def test_files_that_are_not_there_or_not_what_they_must_be_are_told(self) -> None:
        cert, key = self.authority.sign("client")
        locked = self.folder() / "locked.key"
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", str(key), "-passout", "pass:secret1",
                        "-out", str(locked)], check=True, capture_output=True)
        with front(self.folder(), self.cert, self.service.port, self.authority) as url:
            for pair, told in (
                ((cert, locked), "the private key in client_key_file is encrypted"),
                ((cert, cert), "client_key_file holds no private key"),
                ((key, key), "client_cert_file holds no certificate"),
            ):
                with self.subTest(told):
                    place = self.place()
                    self.waits(place, url, told, **self.own(place, *pair))
            place = self.place()
            settings = self.own(place, cert, key)
            (place.splunk.app / "local/client.key").unlink()
            self.waits(place, url, "client_key_file: there is no file", **settings)

    # The proxy

    def by(self, proxy: Proxy, **more: str) -> dict[str, str]:
        return {"proxy": proxy.url, "ca_file": str(self.authority.cert), **more}

    def secret(self, place: Place, text: str, mode: int = 0o600) -> str:
        file = place.splunk.app / "local/proxy.secret"
        file.write_text(text, "utf-8")
        file.chmod(mode)
        return "file:local/proxy.secret"

    def test_a_proxy_is_gone_through_and_never_sees_the_token(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url, Proxy() as proxy:
            place = self.place()
            self.arrives(place, url, **self.by(proxy))
            self.assertTrue(proxy.asked)
            self.assertNotIn(place.token, "".join(proxy.asked))
            self.assertEqual(proxy.complaints, [])

    def test_a_proxy_that_speaks_tls_is_verified_as_the_service_is(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            with Proxy(cert=self.authority.sign("proxy", LOOPBACK)) as proxy:
                self.arrives(self.place(), url, **self.by(proxy))
            with Proxy(cert=self.stranger.sign("proxy", LOOPBACK)) as proxy:
                told = f"the certificate of the proxy {proxy.url} cannot be trusted: none of the authorities in"
                self.waits(self.place(), url, told, **self.by(proxy))
                self.assertEqual(proxy.asked, [])
            with Proxy(cert=self.authority.sign("misnamed", "DNS:x.example")) as proxy:
                told = "made out to another name; proxy must be set to the name"
                self.waits(self.place(), url, told, **self.by(proxy))

    def test_user_and_password_go_to_the_proxy_that_asks_and_to_nobody_else(self) -> None:
        pair = "mara:pa ss:%41word"
        with front(self.folder(), self.cert, self.service.port) as url, Proxy(user=pair) as proxy:
            place = self.place()
            credential = self.secret(place, pair + "\n")
            self.arrives(place, url, **self.by(proxy, proxy_credential=credential))
            self.assertEqual(proxy.complaints, [])
            told = f"the proxy {proxy.url} asks for user and password; set proxy_credential"
            self.waits(self.place(), url, told, **self.by(proxy))
            place = self.place()
            credential = self.secret(place, "mara:wrongpassword")
            told = f"the proxy {proxy.url} does not accept user and password of proxy_credential"
            self.waits(place, url, told, **self.by(proxy, proxy_credential=credential))
            self.assertNotIn("wrongpassword", (place.splunk.home / "var/log/splunk/intelgraph_audit.log").read_text())

    def test_a_proxy_credential_that_cannot_be_used_is_told(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url, Proxy() as proxy:
            for text, mode, told in (
                ("mara:password1", 0o644, "proxy_credential: $/local/proxy.secret may be read or changed by others"),
                ("password1", 0o600, "proxy_credential: the credential is not of the form user:password"),
                ("mara:password1\nx", 0o600, "proxy_credential: the credential holds a line end"),
            ):
                with self.subTest(told):
                    place = self.place()
                    credential = self.secret(place, text, mode)
                    told = told.replace("$", str(place.splunk.app))
                    said = self.go(place, url, **self.by(proxy, proxy_credential=credential))
                    self.assertIn(told, said)
                    self.assertNotIn("password1", said)
            self.assertEqual(proxy.asked, [])

    def test_a_proxy_that_refuses_is_told_with_its_status(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            for status in (403, 502):
                with Proxy(status=status) as proxy:
                    told = f"the proxy {proxy.url} does not let us through to {url}: it answered {status}"
                    self.waits(self.place(), url, told, **self.by(proxy))

    def test_a_proxy_that_is_not_there_is_told(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            gone = f"http://127.0.0.1:{free_port()}"
            told = f"the proxy {gone} cannot be reached"
            self.waits(self.place(), url, told, proxy=gone, ca_file=str(self.authority.cert))
            told = "the proxy http://proxy.invalid:3128 cannot be reached"
            self.waits(self.place(), url, told, proxy="http://proxy.invalid:3128", ca_file=str(self.authority.cert))

    def test_behind_a_proxy_the_service_is_verified_as_ever(self) -> None:
        cert = self.authority.sign("late", LOOPBACK, days=-1)
        with front(self.folder(), cert, self.service.port) as url, Proxy() as proxy:
            told = f"the certificate of {url} cannot be trusted: it has expired"
            self.waits(self.place(), url, told, **self.by(proxy))

    def test_a_service_that_is_silent_behind_the_proxy_is_not_the_proxys_fault(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, Proxy() as proxy:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
            told = f"{url} cannot be reached by the proxy {proxy.url}"
            self.waits(self.place(), url, told, timeout_ms="1500", **self.by(proxy))

    def test_no_proxy_goes_straight(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url, Proxy(status=403) as proxy:
            self.arrives(self.place(), url, **self.by(proxy, no_proxy="x.example, 127.0.0.0/8"))
            self.arrives(self.place(), url, **self.by(proxy, no_proxy="*"))
            name = url.replace("127.0.0.1", "localhost")
            self.arrives(self.place(), name, **self.by(proxy, no_proxy="LOCALHOST"))
            self.assertEqual(proxy.asked, [])
            self.waits(self.place(), url, "does not let us through", **self.by(proxy, no_proxy="localhost,10.0.0.0/8"))

    def test_the_environment_names_no_proxy(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url, Proxy(status=403) as proxy:
            names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
            with unittest.mock.patch.object(self, "env", dict.fromkeys(names, proxy.url)):
                self.arrives(self.place(), url, ca_file=str(self.authority.cert))
            with Proxy() as way, unittest.mock.patch.object(self, "env", {"no_proxy": "*", "NO_PROXY": "*"}):
                self.arrives(self.place(), url, **self.by(way))
                self.assertTrue(way.asked)
            self.assertEqual(proxy.asked, [])

    def test_the_environment_may_name_the_systems_authorities(self) -> None:
        with front(self.folder(), self.cert, self.service.port) as url:
            with unittest.mock.patch.object(self, "env", {"SSL_CERT_FILE": str(self.authority.cert)}):
                self.arrives(self.place(), url)
                told = "none of the authorities in ca_file has signed it"
                self.waits(self.place(), url, told, ca_file=str(self.stranger.cert))
            with unittest.mock.patch.object(self, "env", {"SSL_CERT_FILE": "/nowhere/ca.pem"}):
                self.waits(self.place(), url, "ca-certificates.crt has signed it")

    def test_plain_http_to_this_machine_takes_no_proxy(self) -> None:
        with Proxy(status=403) as proxy:
            self.arrives(self.place(), self.service.url, proxy=proxy.url)
            self.assertEqual(proxy.asked, [])


class InstanceTest(EndToEnd):
    """Several services, and tenants of one."""

    def both(self) -> tuple[Place, Place]:
        """A Splunk with an instance `lab` beside the default one."""
        place, other = self.place(), self.place()
        token = place.splunk.app / "local/lab.token"
        token.write_text(other.token, "utf-8")
        token.chmod(0o600)
        default = {"url": place.service.url, "tenant": place.tenant,
                   "credential": f"file:{place.splunk.home}/etc/intelgraph.token"}
        lab = {"url": place.service.url, "tenant": other.tenant, "credential": "file:local/lab.token"}
        write_local_conf(place.splunk.app, {"intelgraph": {"instance:default": default, "instance:lab": lab}})
        return place, other

    def test_a_search_names_the_one_that_it_wants(self) -> None:
        place, other = self.both()
        self.done(place.search("ighandoff instance=lab", visits(3)))
        self.assertEqual((len(place.handoffs()), len(other.handoffs())), (0, 1))
        self.done(place.search("ighandoff", visits(3)))
        self.assertEqual((len(place.handoffs()), len(other.handoffs())), (1, 1))
        self.assertEqual([each["instance"] for each in place.splunk.audit], ["lab", "default"])

    def test_what_waits_goes_out_with_a_search_of_the_same_one_only(self) -> None:
        service = self.own_service()
        service.start()
        away, place = self.place(service), self.place()
        default = {"url": service.url, "tenant": away.tenant,
                   "credential": f"file:{away.splunk.home}/etc/intelgraph.token"}
        here = {"url": place.service.url, "tenant": place.tenant,
                "credential": f"file:{place.splunk.home}/etc/intelgraph.token"}
        write_local_conf(away.splunk.app, {"intelgraph": {"instance:default": default, "instance:here": here}})
        service.stop()
        self.done(away.search("ighandoff", visits(3), sid="1.1"))
        self.assertEqual(len(away.splunk.outbox), 1)
        self.done(away.search("ighandoff instance=here", visits(5), sid="1.2"))
        self.assertEqual((len(away.splunk.outbox), len(place.handoffs())), (1, 1))
        service.start()
        self.done(away.search("ighandoff", visits(4), sid="1.3"))
        self.assertEqual((away.splunk.outbox, len(away.handoffs())), ([], 2))


class PolicyTest(EndToEnd):
    """What the admin keeps back does not leave Splunk."""

    def configure(self, place: Place, **handoff: str) -> None:
        instance = {"url": place.service.url, "tenant": place.tenant,
                    "credential": f"file:{place.splunk.home}/etc/intelgraph.token"}
        write_local_conf(place.splunk.app, {"intelgraph": {"instance:default": instance, "handoff": handoff}})

    def test_masked_values_are_nowhere_in_the_service(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        self.configure(place, mask="user=hash, src_ip=prefix, url=prefix", fields_deny="dest_host")
        rows = [{**row, "user": "Kassandra.Q", "url": "https://ig.example/deep/secret-path",
                 "dest_host": "crown-jewels.example"} for row in visits(6)]
        result = place.search("ighandoff", rows)
        self.done(result)
        self.rows_pass(result, rows)
        self.says(result, "by the admin's settings 18 values were masked and 0 dropped")
        (handoff,) = place.handoffs()
        graph = place.service.graph(handoff["id"], place.token)
        self.assertEqual(graph.values("user"), set())
        self.assertEqual({value.partition(":")[0] for value in graph.values("masked")}, {"user", "ip", "url"})
        self.assertIn("url:https://ig.example/*", graph.values("masked"))
        self.assertTrue([of for of in graph.relations if of[0].startswith("ip:10.0.")])
        record = place.splunk.audit[-1]
        self.assertEqual((record["values_masked"], record["values_dropped"]), (18, 0))
        service.stop()
        kept = b"".join(file.read_bytes().lower() for file in service.data.rglob("*") if file.is_file())
        for secret in (b"kassandra", b"secret-path", b"crown-jewels", b"10.0.1.1"):
            self.assertNotIn(secret, kept)

    def test_equal_values_have_equal_tags_in_every_search_and_tenants_differ(self) -> None:
        seen = []
        for _ in range(2):
            place = self.place()
            self.configure(place, mask="user=hash")
            for sid, name in (("1.1", "MARA"), ("1.2", "mara")):
                self.done(place.search("ighandoff fields=user,src_ip", [visits(1)[0] | {"user": name}], sid=sid))
            tags = [place.service.graph(each["id"], place.token).values("masked") for each in place.handoffs()]
            self.assertEqual(tags[0], tags[1])
            seen.append(tags[0])
        self.assertNotEqual(seen[0], seen[1])

    def test_fields_narrow_and_never_widen(self) -> None:
        place = self.place()
        self.configure(place, fields_allow="src_ip,user", fields_deny="user")
        result = place.search("ighandoff fields=src_ip,user,dest_ip", [row | {"user": "mara"} for row in visits(3)])
        self.done(result)
        self.says(result, "does not let be handed off, which was left out: user, dest_ip")
        (handoff,) = place.handoffs()
        graph = place.service.graph(handoff["id"], place.token)
        self.assertEqual({kind for kind, _ in graph.entities}, {"ip"})
        self.assertEqual(graph.values("ip"), {"10.0.0.1", "10.0.1.1", "10.0.2.1"})
