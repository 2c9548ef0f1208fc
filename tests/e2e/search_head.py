"""A search head whose app takes tokens from the broker, and what the tests of it ask again and again."""

from __future__ import annotations

from typing import Any

from splunkd import SearchResult
from splunkd.app import write_local_conf
from splunkd.certs import DEFAULT_NAME
from splunkd.persist import find_handlers
from splunkd.rest import Answer, Splunkd
from splunkd.rest_search import search_as

from .harness import EndToEnd, Service, Splunk, visits

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


class BrokerCase(EndToEnd):
    """A tenant of its own for each search head."""

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
