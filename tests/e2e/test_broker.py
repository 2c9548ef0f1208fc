"""The broker, through splunkd's own wire: who gets a token, who does not, and what never leaves it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from splunkd import SearchResult
from splunkd.app import write_local_conf
from splunkd.certs import DEFAULT_NAME, make_certificates
from splunkd.persist import BLOCK, END, PersistProcess, encode_request, find_handlers
from splunkd.process import environment
from splunkd.rest import Answer, Splunkd
from splunkd.rest_search import search_as

from . import raw
from .harness import EndToEnd, Service, Splunk, link_id, request, visits
from .test_service_http import Parcel

TOKEN = "/servicesNS/nobody/intelgraph/intelgraph/token"
PASSWORDS = "intelgraph"  # the realm


class SearchHead:
    """A Splunk with its REST side, whose app takes tokens from the broker."""

    def __init__(
        self,
        test: EndToEnd,
        service: Service,
        tenant: str,
        certificate: tuple[str, str] = (DEFAULT_NAME, ""),
    ) -> None:
        self.service = service
        self.tenant = tenant
        self.splunk = Splunk(test.folder() / "splunk")
        self.secret = service.token(tenant, role="broker", name="search head")
        self.configure({"default": {"url": service.url, "tenant": tenant}})
        self.rest = Splunkd(self.splunk.home, *certificate)
        self.rest.start()
        test.addCleanup(self._end, test)
        self.rest.store_password(PASSWORDS, "default", self.secret)
        self.rest.users.add("mara", {"user", "intelgraph_analyst"})
        self.rest.users.add("joe", {"user"})

    def configure(self, instances: dict[str, dict[str, str]]) -> None:
        conf = {f"instance:{name}": keys for name, keys in instances.items()}
        write_local_conf(self.splunk.app, {"intelgraph": conf})

    def verify(self, **how: str) -> None:
        """What [splunkd] of intelgraph.conf says."""
        default = {"url": self.service.url, "tenant": self.tenant}
        conf = {"instance:default": default, "splunkd": how}
        write_local_conf(self.splunk.app, {"intelgraph": conf})

    def _end(self, test: EndToEnd) -> None:
        codes = self.rest.stop()
        test.assertEqual(set(codes) - {0}, set(), self.rest.persist.stderr)
        test.assertEqual(self.rest.persist.stderr, [])
        test.assertEqual(self.rest.errors, [])

    def ask(self, as_user: str, /, key: str = "", **form: str) -> Answer:
        """POSTs as this user; instance and scope unless the form says otherwise."""
        key = key or self.rest.users.open(as_user).key
        fields = {"instance": "default", "scope": "handoff", **form}
        return self.rest.request("POST", TOKEN + "?output_mode=json", key, fields)

    def search(self, user: str, command: str = "ighandoff", **options: Any) -> SearchResult:
        return search_as(self.rest, user, f"index=proxy | {command}", visits(20), **options)

    @property
    def refusals(self) -> list[Any]:
        return [line for line in self.splunk.audit if line["action"] == "token.refused"]


class BrokerTest(EndToEnd):
    def head(self, service: Service | None = None, **options: Any) -> SearchHead:
        service = service or self.service
        EndToEnd._tenants += 1
        return SearchHead(self, service, f"tenant{EndToEnd._tenants}", **options)

    def refused(self, answer: Answer, status: int, *words: str) -> None:
        self.assertEqual(answer.status, status, answer.text)
        for word in words:
            self.assertRegex(answer.json["error"], word)

    def records(self, head: SearchHead, action: str) -> list[Any]:
        auditor = head.service.token(head.tenant, role="auditor", name="auditor")
        reply = head.service.json("v1/audit/records?limit=100", auditor)
        found = [each["record"] for each in reply["records"]]
        return [each for each in found if each["action"] == action]

    def revoke(self, head: SearchHead, secret: str) -> None:
        words = ["token", "revoke", "--data", str(head.service.data), "--id", secret.split("_")[1]]
        done = head.service.run(*words)
        self.assertEqual(done.returncode, 0, done.stderr)

    # The main road

    def test_an_analyst_hands_off_with_a_token_of_the_analysts_own(self) -> None:
        head = self.head()
        result = head.search("mara")
        self.done(result)
        self.says(result, "handed off 12 entities")
        (record,) = self.records(head, "handoff.committed")
        (issued,) = self.records(head, "token.issued")
        self.assertEqual(record["subject"], "mara")
        self.assertEqual(record["via"], head.secret.split("_")[1])
        self.assertEqual(record["token"], issued["token"])
        self.assertEqual((issued["subject"], issued["via"]), ("mara", record["via"]))
        self.assertEqual(issued["reason"], "scope handoff, search head search-head-1")
        self.assertEqual(head.splunk.outbox, [])

    def test_the_answer_names_instance_tenant_and_end(self) -> None:
        head = self.head()
        answer = head.ask("mara")
        self.assertEqual(answer.status, 200, answer.text)
        got = answer.json
        self.assertEqual(
            (got["instance"], got["tenant"], got["scope"]), ("default", head.tenant, "handoff")
        )
        self.assertRegex(got["expires_at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        who = head.service.json("v1/whoami", got["token"])
        self.assertEqual((who["subject"], who["role"]), ("mara", "analyst"))

    def test_a_user_name_with_quotes_and_other_letters_arrives_as_it_is(self) -> None:
        for user in ("o'brien \"the\" quote", "jörg müller", "田中", "a%2Fb\\c", "x&user=admin"):
            with self.subTest(user):
                head = self.head()
                head.rest.users.add(user, {"user", "intelgraph_analyst"})
                result = head.search(user)
                self.done(result)
                self.says(result, "handed off")
                (record,) = self.records(head, "handoff.committed")
                self.assertEqual(record["subject"], user)
                self.assertEqual(head.splunk.audit[-1]["user"], user)

    def test_a_token_is_kept_in_memory_for_the_same_user_instance_and_scope_only(self) -> None:
        head = self.head()
        head.rest.users.add("ann", {"user", "intelgraph_analyst"})
        first = head.ask("mara").json["token"]
        self.assertEqual(head.ask("mara").json["token"], first)
        others = {head.ask("ann").json["token"], head.ask("mara", scope="read").json["token"]}
        self.assertEqual(len(others | {first}), 3)
        renewed = head.ask("mara", renew="true").json["token"]
        self.assertNotEqual(renewed, first)
        self.assertEqual(head.ask("mara").json["token"], renewed)
        self.assertEqual(len(self.records(head, "token.issued")), 4)
        self.assertEqual(len(head.rest.persist.started), 1)

    def test_two_instances_have_their_own_services_tenants_and_tokens(self) -> None:
        head = self.head()
        other = self.own_service()
        other.start()
        secret = other.token("elsewhere", role="broker", name="search head")
        head.configure(
            {
                "default": {"url": head.service.url, "tenant": head.tenant},
                "lab": {"url": other.url, "tenant": "elsewhere"},
            }
        )
        head.rest.store_password(PASSWORDS, "lab", secret)
        self.done(head.search("mara"))
        result = head.search("mara", "ighandoff instance=lab")
        self.done(result)
        reader = other.token("elsewhere", role="viewer", name="viewer")
        self.assertEqual([each["user"] for each in other.handoffs(reader)], ["mara"])
        self.assertEqual(link_id(result), other.handoffs(reader)[0]["id"])
        own = head.service.token(head.tenant, role="viewer", name="viewer")
        self.assertEqual(len(head.service.handoffs(own)), 1)

    def test_many_at_once_are_served_and_each_gets_its_own(self) -> None:
        head = self.head()
        users = [f"analyst{number}" for number in range(8)]
        for user in users:
            head.rest.users.add(user, {"intelgraph_analyst"})
        got: dict[str, str] = {}

        def ask(user: str) -> None:
            got[user] = head.ask(user).json["token"]

        threads = [threading.Thread(target=ask, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for user in users:
            self.assertEqual(head.service.json("v1/whoami", got[user])["subject"], user)

    # Who is refused

    def test_an_analyst_without_the_capability_is_refused_and_that_is_recorded(self) -> None:
        head = self.head()
        result = head.search("joe")
        self.done(result)
        self.says(
            result,
            "not handed off yet: no token for IntelGraph: splunkd refused: .*"
            "requires capability: intelgraph_read",
        )
        self.assertEqual(len(head.splunk.outbox), 1)
        (refusal,) = head.refusals
        self.assertEqual((refusal["user"], refusal["status"]), ("joe", 403))
        self.assertEqual(self.records(head, "token.issued"), [])

    def test_who_may_only_read_is_refused_a_token_to_hand_off(self) -> None:
        head = self.head()
        local = {"role_reader": {"importRoles": "user", "intelgraph_read": "enabled"}}
        write_local_conf(head.splunk.app, {"authorize": local})
        head.configure({"default": {"url": head.service.url, "tenant": head.tenant}})
        head.rest.users.add("ria", {"reader"})
        self.refused(head.ask("ria"), 403, "ria may not: the capability intelgraph_handoff")
        self.refused(head.ask("ria", scope="audit"), 403, "intelgraph_admin is needed")
        self.assertEqual(head.ask("ria", scope="read").status, 200)
        scopes = [(line["user"], line["scope"]) for line in head.refusals]
        self.assertEqual(scopes, [("ria", "handoff"), ("ria", "audit")])
        result = head.search("ria")
        self.says(result, "no token for IntelGraph: ria may not: the capability intelgraph_handoff")
        self.assertEqual(len(head.refusals), 3)

    def test_the_name_of_an_instance_is_told_only_to_those_who_may(self) -> None:
        head = self.head()
        local = {"role_reader": {"importRoles": "user", "intelgraph_read": "enabled"}}
        write_local_conf(head.splunk.app, {"authorize": local})
        head.configure({"secretlab": {"url": head.service.url, "tenant": head.tenant}})
        head.rest.users.add("ria", {"reader"})
        answer = head.ask("ria", instance="nosuch")
        self.refused(answer, 403)
        self.assertNotIn("secretlab", answer.text)

    def test_who_loses_the_capability_gets_nothing_from_memory_either(self) -> None:
        head = self.head()
        self.assertEqual(head.ask("mara").status, 200)
        head.rest.users.add("mara", {"user"})
        self.assertEqual(head.ask("mara").status, 403)

    def test_an_expired_session_gets_nothing(self) -> None:
        head = self.head()
        ended = head.rest.users.open("mara", seconds=-1).key
        self.assertEqual(head.ask("mara", key=ended).status, 401)
        key = head.rest.users.open("mara").key
        result = head.search("mara", session_key=ended)
        self.done(result)
        self.says(result, "no token for IntelGraph: splunkd does not know this session")
        self.assertEqual(len(head.splunk.outbox), 1)
        self.assertNotIn(key, "\n".join(result.log))

    def test_the_user_is_who_splunkd_says_and_not_who_the_caller_says(self) -> None:
        head = self.head()
        self.refused(head.ask("mara", user="admin"), 400, "the field user is not known")
        handler = find_handlers(head.splunk.home)[0]
        process = PersistProcess(handler, head.splunk.home, [])
        self.addCleanup(process.close)
        asked = self.request(head, "mara")
        asked["session"]["user"] = "admin"  # as if splunkd were fooled: the session says mara
        answer = json.loads(process.exchange(encode_request(handler, asked)))
        self.assertEqual(answer["status"], 403)
        self.assertRegex(answer["payload"]["error"], "not that of the user whom splunkd names")
        self.assertEqual(head.refusals[-1]["user"], "admin")

    def test_what_is_asked_is_read_strictly(self) -> None:
        head = self.head()
        for form, words in (
            ({"scope": "admin"}, "scope must be handoff, read or audit"),
            ({"scope": ""}, "scope must be"),
            ({"instance": "../x"}, "instance must be the name"),
            ({"instance": ""}, "instance must be"),
            ({"renew": "maybe"}, "renew must be true or false"),
            ({"tenant": "other"}, "the field tenant is not known"),
        ):
            with self.subTest(form):
                self.refused(head.ask("mara", **form), 400, words)
        key = head.rest.users.open("mara").key
        twice = head.rest.request(
            "POST", TOKEN, key, body=b"instance=default&scope=read&scope=handoff",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.refused(twice, 400, "scope stands twice")
        self.refused(head.rest.request("GET", TOKEN, key), 400, "send POST")
        self.refused(head.ask("mara", instance="nosuch"), 404, "there is no instance .nosuch.")
        self.assertEqual(len(head.refusals), 9)

    # What can be missing

    def test_without_a_stored_token_the_hand_off_waits_with_one_clear_sentence(self) -> None:
        head = self.head()
        head.rest.passwords.clear()
        result = head.search("mara")
        self.done(result)
        self.assertEqual(self.statuses(result), {"collected", "queued"} & self.statuses(result))
        self.says(
            result,
            "no API token is stored for the instance default; store one on the app's settings page",
        )
        self.assertEqual(len(head.splunk.outbox), 1)
        self.assertEqual(head.refusals[-1]["status"], 409)
        head.rest.store_password(PASSWORDS, "default", head.secret)
        result = head.search("mara")
        self.says(result, "handed off", "outbox: 1 of 1 waiting hand-offs went out")
        self.assertEqual(head.splunk.outbox, [])

    def test_a_stored_token_that_may_not_issue_is_told(self) -> None:
        head = self.head()
        analyst = head.service.token(head.tenant, role="analyst", name="wrong")
        head.rest.store_password(PASSWORDS, "default", analyst)
        self.refused(head.ask("mara"), 409, "may not issue tokens", "--role broker")
        head.rest.store_password(PASSWORDS, "default", "igt_nonsense")
        self.refused(head.ask("mara"), 409, "does not take the API token that is stored")
        foreign = head.service.token("someoneelse", role="broker", name="search head")
        head.rest.store_password(PASSWORDS, "default", foreign)
        self.refused(head.ask("mara"), 409, "is of the tenant someoneelse, intelgraph.conf says")

    def test_a_revoked_stored_token_ends_all_that_it_issued(self) -> None:
        head = self.head()
        token = head.ask("mara").json["token"]
        self.assertEqual(head.service.get("v1/whoami", token).status, 200)
        self.revoke(head, head.secret)
        self.assertEqual(head.service.get("v1/whoami", token).status, 401)
        result = head.search("mara")
        self.done(result)
        self.says(
            result,
            "does not take the API token that is stored for the instance default .*was revoked",
        )
        self.assertEqual(len(head.splunk.outbox), 1)

    def test_a_new_stored_token_takes_over_at_once(self) -> None:
        head = self.head()
        self.done(head.search("mara"))
        self.revoke(head, head.secret)
        secret = head.service.token(head.tenant, role="broker", name="the next")
        head.rest.store_password(PASSWORDS, "default", secret)
        # The broker still has the old one's token in memory; the refusal makes it ask anew.
        result = head.search("mara")
        self.done(result)
        self.says(result, "handed off")
        self.assertEqual(head.splunk.outbox, [])

    def test_with_the_service_down_the_hand_off_waits(self) -> None:
        service = self.own_service()
        service.start()
        head = self.head(service)
        service.stop()
        self.refused(head.ask("mara"), 503, "cannot be reached")
        result = head.search("mara")
        self.done(result)
        self.says(result, "not handed off yet: no token for IntelGraph: .*cannot be reached")
        service.start()
        self.says(head.search("mara"), "handed off", "1 of 1 waiting hand-offs went out")

    def test_what_another_analyst_left_waits_for_that_analyst(self) -> None:
        service = self.own_service()
        service.start()
        head = self.head(service)
        head.rest.users.add("ann", {"user", "intelgraph_analyst"})
        service.stop()
        head.search("ann")
        service.start()
        self.done(head.search("mara"))
        self.assertEqual(len(head.splunk.outbox), 1)
        self.says(head.search("ann"), "1 of 1 waiting hand-offs went out")
        subjects = [each["subject"] for each in self.records(head, "handoff.committed")]
        self.assertEqual(sorted(subjects), ["ann", "ann", "mara"])

    def test_no_one_hands_off_in_the_name_of_another(self) -> None:
        head = self.head()
        token = head.ask("mara").json["token"]
        parcel = Parcel(head.service, head.tenant, user="ann")
        kind = {"Content-Type": "application/x-ndjson"}
        url = head.service.url + "v1/handoffs"
        answer = request(url, "POST", token, parcel.whole(), kind)
        self.assertEqual(answer.status, 403, answer.text)
        self.assertEqual(answer.json["field"], "handoff.user")
        (refused,) = self.records(head, "handoff.refused")
        self.assertEqual(refused["subject"], "mara")

    # splunkd and its certificate

    def test_a_certificate_of_the_admins_own_is_verified_by_its_name_and_authority(self) -> None:
        for name, alternatives in (
            ("sh1.corp.example", ""),
            ("sh2.corp.example", "DNS:sh2.corp.example"),
            ("127.0.0.1", "IP:127.0.0.1"),
        ):
            with self.subTest(name):
                head = self.head(certificate=(name, alternatives))
                result = head.search("mara")
                self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be")
                head.verify(certificate_name=name)
                self.says(head.search("mara"), "handed off")

    def test_a_certificate_of_another_authority_is_not_trusted(self) -> None:
        head = self.head()
        make_certificates(head.splunk.home / "etc/other")
        head.verify(ca_file="$SPLUNK_HOME/etc/other/cacert.pem")
        result = head.search("mara")
        self.done(result)
        self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be trusted")
        head.verify(ca_file="$SPLUNK_HOME/etc/none.pem")
        self.says(head.search("mara"), "splunkd cannot be asked: .splunkd. ca_file .*none.pem")
        self.assertEqual(head.rest.log, [], "nothing was asked of it")

    def test_another_name_than_the_admins_is_not_trusted(self) -> None:
        head = self.head()
        head.verify(certificate_name="some.other.name")
        result = head.search("mara")
        self.done(result)
        self.says(result, "the certificate of splunkd at https://127.0.0.1:.* cannot be trusted")
        self.assertEqual(head.rest.log, [], "nothing was asked of it")

    # The wire

    def request(self, head: SearchHead, user: str, **form: str) -> dict[str, Any]:
        """The JSON that splunkd would send for this user."""
        handler = find_handlers(head.splunk.home)[0]
        session = head.rest.users.open(user)
        fields = {"instance": "default", "scope": "handoff", **form}
        return {
            "method": "POST",
            "form": [[key, value] for key, value in fields.items()],
            "session": {"user": user, "authtoken": session.key},
            "system_authtoken": head.rest.users.system_key,
            "server": {"rest_uri": head.rest.url},
            "restmap": {"name": handler.name},
        }

    def test_a_request_cut_anywhere_gets_no_token_and_ends_the_process(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        whole = encode_request(handler, self.request(head, "mara"))
        step = max(1, len(whole) // 23)
        for length in [*range(1, len(whole), step), len(whole) - 1]:
            with self.subTest(length):
                said: list[str] = []
                process = PersistProcess(handler, head.splunk.home, said)
                process.send(whole[:length])
                process.child.stdin.close()  # type: ignore[union-attr]
                answer = json.loads(process.receive())
                self.assertEqual(answer["status"], 400)
                self.assertRegex(answer["payload"]["error"], "the input ends within")
                self.assertEqual((process.close(), said), (1, []))

    def test_requests_sent_together_are_answered_one_after_the_other(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        process = PersistProcess(handler, head.splunk.home, [])
        one = encode_request(handler, self.request(head, "mara"))
        two = encode_request(handler, self.request(head, "joe"), BLOCK | END)
        process.send(one + b"\n" + two + one)
        statuses = [json.loads(process.receive())["status"] for _ in range(3)]
        self.assertEqual(statuses, [200, 403, 200])
        self.assertEqual(process.close(), 0)

    def test_what_is_no_request_is_answered_with_a_sentence(self) -> None:
        head = self.head()
        handler = find_handlers(head.splunk.home)[0]
        good = self.request(head, "mara")
        for change, words in (
            ({"session": None}, "did not say who calls"),
            ({"session": {"user": "mara", "authtoken": "nonsense"}}, "does not know this session"),
            ({"system_authtoken": ""}, "passSystemAuth = true"),
            ({"server": {}}, "did not say where it listens"),
            ({"server": {"rest_uri": "http://192.0.2.1:8089"}}, "cannot be asked"),
            ({"form": "scope=handoff"}, "form is no list"),
        ):
            with self.subTest(change):
                process = PersistProcess(handler, head.splunk.home, [])
                reply = process.exchange(encode_request(handler, {**good, **change}))
                answer = json.loads(reply)
                self.assertNotEqual(answer["status"], 200)
                self.assertRegex(answer["payload"]["error"], words)
                self.assertEqual(process.close(), 0)

    # Secrets

    def test_no_secret_is_in_arguments_environment_logs_errors_or_search_text(self) -> None:
        head = self.head()
        seen: list[str] = []
        stop = threading.Event()

        def watch() -> None:
            """What every process of this machine's user shows of itself."""
            while not stop.wait(0.002):
                for folder in Path("/proc").iterdir():
                    if folder.name.isdigit():
                        for name in ("cmdline", "environ"):
                            try:
                                seen.append((folder / name).read_text("utf-8", "replace"))
                            except OSError:
                                continue

        watcher = threading.Thread(target=watch)
        watcher.start()
        good = head.search("mara")
        head.service.token(head.tenant, role="viewer", name="viewer")
        token = head.ask("mara").json["token"]
        failed = [head.search("joe"), head.search("mara", "ighandoff instance=nosuch")]
        self.revoke(head, head.secret)
        failed.append(head.search("mara"))
        head.rest.store_password(PASSWORDS, "default", "igt_" + "9" * 300)
        answers = [head.ask("mara", renew="true").text]
        stop.set()
        watcher.join()
        secrets = {head.secret, head.secret.split("_")[2], token.split("_")[2], "9" * 300}
        secrets |= set(head.rest.users.sessions) | {head.rest.users.system_key}
        texts = ["".join(set(seen)), head.service.said(), *answers, *head.rest.persist.stderr]
        for result in (good, *failed):
            texts += [*result.texts(), *result.log, json.dumps(result.rows)]
            texts += [json.dumps(each.reply_meta) for each in result.exchanges]
        for file in (head.splunk.home / "var").rglob("*"):
            if file.is_file():
                texts.append(file.read_text("utf-8", "backslashreplace"))
        everything = "\n".join(texts)
        self.assertIn("broker", everything)
        for secret in secrets:
            self.assertNotIn(secret, everything)

    def test_the_programs_memory_is_closed_to_others_and_leaves_no_core(self) -> None:
        """As a user of its own: to root everything is root's."""
        folder = Path(tempfile.mkdtemp(prefix="ig-memory-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        program = Path(shutil.copy(self.head().splunk.command().program, folder))
        for word, request in (("broker", b"\x06" b"2\n{}"), ("ighandoff", raw.getinfo([]))):
            with self.subTest(word):
                child = subprocess.Popen(
                    [str(program), word],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=folder,
                    env=environment(folder),
                    user=65534 if os.getuid() == 0 else None,
                )
                self.addCleanup(child.communicate)
                assert child.stdin and child.stdout
                child.stdin.write(request)
                child.stdin.flush()
                child.stdout.read(1)  # it has begun
                owner = os.stat(f"/proc/{child.pid}/mem").st_uid
                limits = Path(f"/proc/{child.pid}/limits").read_text("ascii")
                self.assertRegex(limits, r"Max core file size +0 +0 ")
                # What is not dumpable belongs to root: nobody else may read its memory.
                self.assertEqual(owner, 0)
