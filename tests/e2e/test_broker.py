"""The broker, through splunkd: who gets a token, who does not, and what it carries."""

from __future__ import annotations

import json
import threading

from splunkd.app import write_local_conf
from splunkd.persist import PersistProcess, encode_request, find_handlers

from .harness import link_id, request
from .search_head import PASSWORDS, TOKEN, BrokerCase, SearchHead
from .test_service_http import Parcel

__all__ = ["SearchHead"]


class BrokerTest(BrokerCase):
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
