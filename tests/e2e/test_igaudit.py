"""Hand-offs on record as rows, each verified; and a service that lies, found out row by row."""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from splunkd import SearchOptions, SearchResult, run_search

from splunkd.rest_search import search_as

from .harness import EndToEnd, Place, Service, request, visits
from .test_broker import SearchHead

Edit = Callable[[str, Any], Any]


class Liar:
    """Stands before a service and edits what it says of its log."""

    def __init__(self, service: Service) -> None:
        self.edit: Edit = lambda _path, reply: reply
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.pass_on(None)

            def do_POST(self) -> None:
                self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

            def pass_on(self, body: bytes | None) -> None:
                names = ("Authorization", "Content-Type", "Content-Encoding")
                head = {name: self.headers[name] for name in names if self.headers[name]}
                url = service.url + self.path.removeprefix("/")
                answer = request(url, self.command, "", body, head)
                said = answer.body
                if self.path.startswith("/v1/audit/") and answer.status == 200:
                    said = json.dumps(liar.edit(self.path, answer.json)).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["content-type"])
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class IgauditCase(EndToEnd):
    def audit(self, place: Place, arguments: str = "", **options: Any) -> SearchResult:
        chosen = SearchOptions(**{"user": "mara", "probes": 1, **options})
        result = run_search(place.splunk.home, f"| igaudit {arguments}", [], chosen)
        self.assertEqual(result.violations, [])
        self.assertEqual(result.stderr_lines(), [])
        return result

    def rows(self, place: Place, arguments: str = "", **options: Any) -> list[Any]:
        result = self.audit(place, arguments, **options)
        self.done(result)
        return result.rows

    def hand_off(self, place: Place, *sids: str, user: str = "mara") -> None:
        for sid in sids:
            self.done(place.search('ighandoff title="Beaconing"', visits(5), sid=sid, user=user))


class IgauditTest(IgauditCase):
    def test_each_handoff_is_a_row_verified_newest_first(self) -> None:
        place = self.place()
        self.hand_off(place, "1.1", "1.2", "1.3")
        rows = self.rows(place)
        self.assertEqual([row["sid"] for row in rows], ["1.3", "1.2", "1.1"])
        for row, kept in zip(rows, reversed(place.splunk.audit), strict=True):
            self.assertEqual((row["verified"], row["reason"]), ("true", ""))
            self.assertEqual(row["action"], "handoff.committed")
            self.assertEqual(row["outcome"], "success")
            self.assertEqual(row["analyst"], "mara")
            self.assertEqual(row["title"], "Beaconing")
            self.assertEqual(row["handoff_id"], kept["handoff"])
            self.assertEqual(row["log_index"], str(kept["audit_index"]))
            self.assertEqual(row["entities"], str(kept["entities"]))
            self.assertEqual(row["relations"], str(kept["relations"]))
            self.assertEqual(row["intelgraph_url"], kept["link"])
            self.assertAlmostEqual(float(row["_time"]), time.time(), delta=120)

    def test_rows_are_chosen_by_analyst_search_limit_and_time(self) -> None:
        place = self.place()
        self.hand_off(place, "1.1", "1.2")
        self.hand_off(place, "2.1", user="theo")
        self.assertEqual([row["sid"] for row in self.rows(place, "analyst=theo")], ["2.1"])
        self.assertEqual([row["sid"] for row in self.rows(place, "sid=1.1")], ["1.1"])
        self.assertEqual([row["sid"] for row in self.rows(place, "limit=2")], ["2.1", "1.2"])
        self.assertEqual(self.rows(place, 'analyst="nobody \\"at\\" all"'), [])
        now = time.time()
        recent = self.rows(place, earliest_time=f"{now - 600:.0f}", latest_time=f"{now + 60:.0f}")
        self.assertEqual(len(recent), 3)
        self.assertEqual(self.rows(place, latest_time=f"{now - 600:.0f}"), [])

    def test_more_records_than_a_page_and_than_a_chunk_all_come(self) -> None:
        place = self.place()
        self.hand_off(place, "1.0")
        # A click is a record too, and cheaper than a hand-off.
        (handoff,) = [line["handoff"] for line in place.splunk.audit]
        for _ in range(620):
            place.service.get(f"open/handoffs/{handoff}", place.token)
        rows = self.rows(place)
        self.assertEqual(len(rows), 621)
        self.assertEqual({row["verified"] for row in rows}, {"true"})
        self.assertEqual(len({row["log_index"] for row in rows}), 621)
        in_small = self.audit(place, max_result_rows=100, keep_bodies=True)
        self.assertEqual(in_small.rows, rows)
        sizes = [len(each.got.rows) for each in in_small.exchanges]
        self.assertEqual(sizes, [100] * 6 + [21])
        result = self.audit(place, "limit=600")
        self.assertEqual(len(result.rows), 600)
        self.says(result, r"there are more records than limit=600")

    def test_before_any_handoff_there_are_no_rows_and_no_error(self) -> None:
        place = self.place()
        self.assertEqual(self.rows(place), [])

    def test_another_tenants_records_are_not_shown(self) -> None:
        place, other = self.place(), self.place()
        self.hand_off(place, "1.1")
        self.assertEqual(self.rows(other), [])

    def test_the_pinned_key_is_the_one_of_intelgraphd_audit_key(self) -> None:
        place = self.place()
        self.hand_off(place, "1.1")
        words = ("audit", "key", "--data", str(place.service.data), "--tenant", place.tenant)
        key = place.service.run(*words).stdout.strip()
        place.splunk.configure(place.service.url, place.tenant, place.token, audit_key=key)
        (row,) = self.rows(place)
        self.assertEqual(row["verified"], "true")

    def test_a_service_that_is_not_there_is_one_sentence(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        result = self.audit(place)
        self.assertEqual(result.state, "FAILED")
        self.says(result, r"Error in 'igaudit' command: .*cannot be reached")

    def test_a_token_that_does_not_hold_is_one_sentence_without_the_token(self) -> None:
        place = self.place()
        secret = "0123456789abcdef" * 4
        place.splunk.configure(place.service.url, place.tenant, f"igt_0123456789abcdef_{secret}")
        result = self.audit(place)
        self.assertEqual(result.state, "FAILED")
        self.says(result, r"IntelGraph answered 401: this token is not known here")
        self.assertNotIn(secret, "\n".join([*result.texts(), *result.log]))

    def test_wrong_arguments_are_told_before_anything_is_asked(self) -> None:
        place = self.place()
        for arguments, sentence in (
            ("analist=mara", "there is no argument \"analist\"; did you mean analyst=<user>"),
            ("limit=0", "limit=0 must be a whole number from 1 to 100000"),
            ("mara", "\"mara\" is not name=value"),
            ("sid=1 sid=2", "sid= is given twice"),
            ("instance=elsewhere", "elsewhere"),
        ):
            search = f"| igaudit {arguments}"
            result = run_search(place.splunk.home, search, [], SearchOptions(probes=0))
            self.assertEqual(result.state, "FAILED", arguments)
            self.assertIn(sentence, "\n".join(result.texts()))


class BrokerAuditTest(IgauditCase):
    """Who sees whose hand-offs is decided by Splunk's capabilities."""

    def setUp(self) -> None:
        EndToEnd._tenants += 1
        self.head = SearchHead(self, self.service, f"tenant{EndToEnd._tenants}")
        self.head.rest.users.add("theo", {"user", "intelgraph_analyst"})
        self.head.rest.users.add("ada", {"user", "intelgraph_admin"})
        self.head.rest.users.add("jo\u00e3o \"x\"", {"user", "intelgraph_analyst"})
        for number, user in enumerate(("mara", "theo", "jo\u00e3o \"x\"", "mara")):
            self.done(self.head.search(user, sid=f"1.{number}"))

    def look(self, user: str, arguments: str = "") -> SearchResult:
        result = search_as(self.head.rest, user, f"| igaudit {arguments}", [])
        self.assertEqual(result.violations, [])
        return result

    def sids(self, user: str, arguments: str = "") -> list[str]:
        result = self.look(user, arguments)
        self.done(result)
        self.assertEqual({row["verified"] for row in result.rows} - {"true"}, set(), result.rows)
        return [row["sid"] for row in result.rows]

    def test_an_analyst_sees_own_handoffs(self) -> None:
        self.assertEqual(self.sids("mara"), ["1.3", "1.0"])
        self.assertEqual(self.sids("theo"), ["1.1"])
        self.assertEqual(self.head.refusals, [])  # more was not asked for
        self.assertEqual(self.sids("jo\u00e3o \"x\""), ["1.2"])

    def test_an_analyst_is_told_that_others_are_not_shown(self) -> None:
        result = self.look("mara", "analyst=theo")
        self.assertEqual(result.state, "FAILED")
        self.says(result, "IntelGraph answered 403: .*and no other's")

    def test_an_admin_sees_everybodys(self) -> None:
        self.assertEqual(self.sids("ada"), ["1.3", "1.2", "1.1", "1.0"])
        self.assertEqual(self.sids("ada", "analyst=theo"), ["1.1"])

    def test_the_row_names_the_search_head(self) -> None:
        rows = self.look("ada").rows
        self.assertEqual({row["search_head"] for row in rows}, {"search-head-1"})

    def test_who_lacks_the_capabilities_is_told(self) -> None:
        result = self.look("joe")
        self.assertEqual(result.state, "FAILED")
        self.says(result, "intelgraph_read")

    def test_a_hidden_handoff_of_another_analyst_is_not_told_of(self) -> None:
        """What this search head kept of others stays theirs."""
        log = self.head.splunk.home / "var/log/splunk/intelgraph_audit.log"
        lines = log.read_text("utf-8").splitlines(keepends=True)
        made_up = [line.replace('"audit_index":', '"audit_index":9') for line in lines if '"theo"' in line]
        log.write_text("".join([*lines, *made_up]), "utf-8")
        self.assertEqual(self.sids("mara"), ["1.3", "1.0"])


class LyingServiceTest(IgauditCase):
    def setUp(self) -> None:
        self.own = self.own_service()
        self.own.start()
        self.liar = Liar(self.own)
        self.addCleanup(self.liar.close)
        self.place_ = self.place(self.own)
        self.point_at(self.liar.url)
        self.hand_off(self.place_, *(f"1.{number}" for number in range(5)))

    def point_at(self, url: str, **settings: str) -> None:
        place = self.place_
        place.splunk.configure(url, place.tenant, place.token, **settings)

    def forget(self) -> None:
        """This search head has kept nothing."""
        (self.place_.splunk.home / "var/log/splunk/intelgraph_audit.log").unlink()

    def found(self) -> dict[str, str]:
        """Reasons by search id, of the rows that are not verified; the others are."""
        result = self.audit(self.place_)
        self.done(result)
        bad = {row["sid"]: row["reason"] for row in result.rows if row["verified"] != "true"}
        if bad:
            self.says(result, rf"{len(bad)} of {len(result.rows)} records are not verified")
        return bad

    def lie(self, edit: Callable[[Any], None], about: str = "/v1/audit/handoffs") -> None:
        def tell(path: str, reply: Any) -> Any:
            if path.startswith(about):
                edit(reply)
            return reply

        self.liar.edit = tell

    def of(self, page: Any, sid: str) -> Any:
        for record in page["records"]:
            if json.loads(base64.b64decode(record["leaf"]))["sid"] == sid:
                return record
        raise AssertionError(f"no record of {sid}")

    def test_who_passes_on_the_truth_is_believed(self) -> None:
        self.assertEqual(self.found(), {})

    def test_an_edited_record_is_found_and_the_others_are_good(self) -> None:
        def edit(page: Any) -> None:
            record = self.of(page, "1.2")
            leaf = base64.b64decode(record["leaf"]).replace(b'"mara"', b'"theo"')
            record["leaf"] = base64.b64encode(leaf).decode()

        self.lie(edit)
        found = self.found()
        self.assertEqual(list(found), ["1.2"])
        self.assertIn("it was edited, moved or put in", found["1.2"])

    def test_a_record_at_a_wrong_index_is_found(self) -> None:
        def edit(page: Any) -> None:
            self.of(page, "1.3")["index"] = self.of(page, "1.1")["index"]

        self.lie(edit)
        rows = [row for row in self.rows(self.place_) if row["verified"] != "true"]
        told = [(row["sid"], row["outcome"]) for row in rows]
        self.assertEqual(told, [("1.3", "success"), ("1.3", "missing")])
        self.assertIn("it was edited, moved or put in", rows[0]["reason"])

    def test_a_record_that_was_made_up_is_found(self) -> None:
        def edit(page: Any) -> None:
            made_up = dict(self.of(page, "1.4"))
            leaf = base64.b64decode(made_up["leaf"]).replace(b'"1.4"', b'"9.9"')
            page["records"].insert(0, {**made_up, "leaf": base64.b64encode(leaf).decode()})

        self.lie(edit)
        self.assertEqual(list(self.found()), ["9.9"])

    def test_a_record_that_is_hidden_is_found_by_who_kept_its_receipt(self) -> None:
        def edit(page: Any) -> None:
            page["records"].remove(self.of(page, "1.2"))

        self.lie(edit)
        found = self.found()
        self.assertEqual(list(found), ["1.2"])
        self.assertIn("does not show it", found["1.2"])

    def test_another_title_is_found(self) -> None:
        self.lie(lambda page: self.of(page, "1.0").update(title="Nothing to see"))
        self.assertEqual(self.found(), {"1.0": "the title is not the one on record"})

    def test_another_key_is_found(self) -> None:
        other = self.own_service()
        other.start()
        words = ("audit", "key", "--data", str(other.data), "--tenant", self.place_.tenant)
        key = other.run(*words).stdout.strip()
        self.lie(lambda page: page.update(key=key))
        self.assertEqual(len(self.found()), 5)
        self.lie(lambda page: None)
        self.assertEqual(self.found(), {})
        self.point_at(self.liar.url, audit_key=key)
        reason = "the service signs with another key than audit_key"
        self.assertEqual(set(self.found().values()), {reason})

    def test_a_head_that_was_edited_is_found(self) -> None:
        def edit(page: Any) -> None:
            lines = page["checkpoint"].split("\n")
            page["checkpoint"] = "\n".join([lines[0], str(int(lines[1]) + 1), *lines[2:]])

        self.lie(edit)
        self.assertEqual(len(self.found()), 5)

    def test_a_service_that_does_not_prove_that_its_log_continues_is_not_believed(self) -> None:
        self.hand_off(self.place_, "1.5")
        # A record after the newest kept head, so that a proof is needed.
        handoff = self.place_.splunk.audit[-1]["handoff"]
        self.place_.service.get(f"open/handoffs/{handoff}", self.place_.token)
        self.assertEqual(self.found(), {})
        self.lie(lambda proof: proof.update(hashes=proof["hashes"][:-1]), "/v1/audit/consistency")
        reasons = set(self.found().values())
        self.assertEqual(len(reasons), 1)
        self.assertRegex(reasons.pop(), "the log was forked or rewritten: its first")


class AnotherHistoryTest(IgauditCase):
    """A service that was set back, and went another way from there."""

    def setUp(self) -> None:
        self.first = self.own_service()
        self.first.start()
        self.place_ = self.place(self.first)
        self.hand_off(self.place_, "1.1", "1.2")
        self.first.stop()
        earlier = self.first.data.parent / "earlier"
        shutil.copytree(self.first.data, earlier)
        self.first.start()
        self.hand_off(self.place_, "1.3", "1.4")
        self.first.stop()
        self.other = self.own_service(earlier)
        self.other.port = self.first.port  # the same address: nobody sees a difference
        self.other.start()

    def reasons(self) -> dict[str, str]:
        return {row["sid"]: row["reason"] for row in self.rows(self.place_)}

    def test_a_log_that_was_cut_is_found_and_so_is_each_lost_handoff(self) -> None:
        reasons = self.reasons()
        self.assertEqual(set(reasons), {"1.1", "1.2", "1.3", "1.4"})
        for sid in ("1.1", "1.2"):
            self.assertRegex(reasons[sid], r"^the log was cut: this search head kept a head of \d+")
        for sid in ("1.3", "1.4"):
            self.assertRegex(reasons[sid], "acknowledged this hand-off .* does not show it")

    def test_a_log_that_was_forked_is_found(self) -> None:
        # Other records in the place of the lost ones, by another search head's analyst.
        elsewhere = self.place(self.other)
        elsewhere.splunk.configure(self.other.url, self.place_.tenant, self.place_.token)
        self.hand_off(elsewhere, *(f"2.{number}" for number in range(4)), user="mara")
        reasons = self.reasons()
        self.assertRegex(reasons["1.1"], "the log was forked or rewritten")
        self.assertRegex(reasons["1.4"], "does not show it")
        self.assertNotIn("", reasons.values())
