"""The alert action send_to_intelgraph, started as splunkd's sendmodalert starts it."""

from __future__ import annotations

import gzip
import os
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from splunkd import alert as sendmodalert
from splunkd.alert import Alert, Outcome, find_action, payload_of, send, trigger, write_results
from splunkd.app import write_local_conf
from splunkd.search import clean_row

from .harness import EndToEnd, Place, Row, visits
from .search_head import SearchHead

ACTION = "send_to_intelgraph"
DONE, FAILED, PAYLOAD, CONFIG, RESULTS, SIGN_IN, QUEUED, REFUSED, LOST = range(9)
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\+0000 (INFO|WARN|ERROR) sendmodaction -( \w+=\"[^\"]*\")+"
)


class AlertEndToEnd(EndToEnd):
    def run_one(self, place: Place, rows: list[Row], **more: Any) -> Outcome:
        (outcome,) = trigger(place.splunk.home, ACTION, Alert(**more), rows)
        self.assertEqual(outcome.violations, [])
        return outcome

    def send_file(self, place: Place, content: bytes | None, **more: Any) -> Outcome:
        """Triggers with a results file of this content, or with none."""
        home = place.splunk.home
        alert = Alert(**more)
        path = home / "var/run/splunk/dispatch" / alert.sid / "results.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)
        spec = find_action(home, ACTION)
        outcome = send(home, spec, alert, payload_of(spec, alert, path, []))
        self.assertEqual(outcome.violations, [])
        return outcome

    def modalert_log(self, place: Place) -> list[dict[str, str]]:
        text = (place.splunk.home / f"var/log/splunk/{ACTION}_modalert.log").read_text("utf-8")
        lines = text.splitlines()
        for line in lines:
            self.assertRegex(line, LINE)
        return [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in lines]

    def refuses(self, outcome: Outcome, code: int, sentence: str) -> None:
        self.assertEqual(outcome.code, code, outcome.log)
        self.assertRegex("\n".join(outcome.texts("ERROR")), sentence)


class AlertTest(AlertEndToEnd):
    def test_all_results_are_handed_off_not_only_the_first(self) -> None:
        place = self.place()
        outcome = self.run_one(place, visits(300, sources=50, dests=40))
        self.assertEqual(outcome.code, DONE, outcome.log)
        (handoff,) = place.handoffs()
        self.assertEqual((handoff["rows"], handoff["entities"]), (300, 90))
        self.assertEqual(handoff["title"], "Beacons")
        self.assertIn("Open in IntelGraph: http", outcome.texts("INFO")[-1])

    def test_it_makes_the_graph_that_ighandoff_makes_of_the_same_rows(self) -> None:
        place = self.place()
        rows = visits(200, sources=9, dests=8)
        for row in rows[::3]:
            row["answers"] = ["192.0.2.1", "host.example.com"]
        self.run_one(place, rows)
        place.search("ighandoff", rows)
        hashes = {line["content_sha256"] for line in place.splunk.audit}
        self.assertEqual((len(place.splunk.audit), len(hashes)), (2, 1))

    def test_a_run_repeated_makes_no_second_handoff(self) -> None:
        place = self.place()
        for _ in range(3):
            outcome = self.run_one(place, visits(20), parameters={"title": "Run $job.sid$"})
            self.assertEqual(outcome.code, DONE)
        self.assertEqual(len(place.handoffs()), 1)
        self.assertRegex(outcome.texts("INFO")[-1], "handed off before, with the same content")

    def test_a_title_whose_tokens_change_makes_no_second_handoff(self) -> None:
        place = self.place()
        for title in ("at 12:00", "at 12:01"):
            self.run_one(place, visits(20), parameters={"title": title})
        self.assertEqual(len(place.handoffs()), 1)

    def test_per_result_alerts_of_one_search_do_not_collide(self) -> None:
        place = self.place()
        for result_ids in (True, False):
            alert = Alert(digest=False, result_ids=result_ids)
            outcomes = trigger(place.splunk.home, ACTION, alert, visits(4))
            self.assertEqual([each.code for each in outcomes], [DONE] * 4)
            # An older server names the result by its file only: the same hand-offs.
            self.assertEqual(len(place.handoffs()), 4)
        self.assertEqual({line["rid"] for line in self.modalert_log(place)}, set("0123"))
        self.assertEqual({line["digest_mode"] for line in self.modalert_log(place)}, {"0"})

    def test_parameters_choose_fields_investigation_and_limit(self) -> None:
        place = self.place()
        outcome = self.run_one(
            place,
            visits(50, sources=20, dests=9),
            parameters={"fields": "src_ip", "investigation": "i-7", "maxentities": "5"},
        )
        (handoff,) = place.handoffs()
        self.assertEqual((handoff["entities"], handoff["investigation"]), (5, "i-7"))
        self.assertRegex("\n".join(outcome.texts("WARN")), "left out")

    def test_a_dry_run_counts_by_kind_sends_nothing_and_keeps_values_out_of_the_log(self) -> None:
        place = self.place()
        outcome = self.run_one(place, visits(50), parameters={"dryrun": "1"})
        self.assertEqual(outcome.code, DONE)
        self.assertRegex(outcome.texts("INFO")[0], r"dry run: 12 entities \(12 ip\) and \d+ rel")
        self.assertEqual((place.handoffs(), place.splunk.outbox), ([], []))
        self.assertNotIn("198.51.100.1", str(outcome.log) + str(self.modalert_log(place)))

    def test_results_without_a_row_or_a_known_field_are_no_failure(self) -> None:
        place = self.place()
        for rows in ([], [{"_time": "1763863200", "count": "7"}]):
            outcome = self.run_one(place, rows)
            self.assertEqual(outcome.code, DONE)
            self.assertRegex("\n".join(outcome.texts("WARN")), "nothing to hand off")
        self.assertEqual(place.handoffs(), [])

    def test_it_carries_the_name_of_the_user_as_whom_the_search_ran(self) -> None:
        place = self.place()
        self.run_one(place, visits(5), owner='j"os\u00e9 \u6f22')
        (line,) = place.splunk.audit
        self.assertEqual(line["user"], 'j"os\u00e9 \u6f22')
        self.assertTrue(line["command"].startswith("sendalert send_to_intelgraph"))
        self.assertEqual(place.handoffs()[0]["user"], 'j"os\u00e9 \u6f22')

    def test_enterprise_security_reads_what_became_of_it(self) -> None:
        place = self.place()
        rows = [{**row, "orig_sid": "o.1", "orig_rid": "3", "rid": "9"} for row in visits(5)]
        self.run_one(place, rows, name='Be"acons\n')
        invoked, done = self.modalert_log(place)
        self.assertEqual(invoked["signature"], "Invoking modular action")
        self.assertNotIn("action_status", invoked)
        want = {
            "worker": "sh1",
            "action_name": ACTION,
            "search_name": "Be'acons ",
            "app": "search",
            "user": "mara",
            "digest_mode": "1",
            "action_mode": "saved",
            "action_status": "success",
            "orig_sid": "o.1",
            "orig_rid": "3",
            "rid": "9",
        }
        self.assertEqual({name: done[name] for name in want}, want)
        self.run_one(place, visits(5), sid="1763863200.42")
        self.assertEqual(self.modalert_log(place)[-1]["action_mode"], "adhoc")

    def test_a_results_file_of_many_blocks_keeps_rows_and_quotes_together(self) -> None:
        place = self.place()
        rows = visits(3000, sources=80, dests=70)
        for row in rows:
            row["user"] = f'm"a\nra{int(str(row["_cd"])[2:]) % 7}'
            row["_raw"] = os.urandom(400).hex() + '\n"quoted"'
        outcome = self.run_one(place, rows)
        self.assertEqual(outcome.code, DONE, outcome.log)
        self.assertEqual(place.handoffs()[0]["rows"], 3000)

    def peak_kb(self, place: Place, rows: int) -> int:
        """Peak memory of a dry run over so many rows of 1 kB."""
        home = place.splunk.home
        spec, alert = find_action(home, ACTION), Alert(parameters={"dryrun": "1"})
        path = home / "big.csv.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(b"src_ip,dest_ip,_raw\n")
            for number in range(rows):
                raw = random.Random(number).randbytes(60).hex() * 8
                file.write(b"10.0.0.%d,192.0.2.%d,%s\n" % (number % 9, number % 7, raw.encode()))
        wrapper = home / "measure"
        wrapper.write_text(
            "import resource, subprocess, sys\n"
            "code = subprocess.run(sys.argv[1:]).returncode\n"
            "print('INFO', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
            "sys.exit(code)\n"
        )
        words = (str(wrapper), str(spec.program), *spec.arguments)
        measured = replace(spec, program=Path(sys.executable), arguments=words)
        outcome = send(home, measured, alert, payload_of(spec, alert, path, []))
        self.assertEqual((outcome.code, outcome.violations), (DONE, []), outcome.log)
        self.assertIn(f"from {rows} results", outcome.texts("INFO")[0])
        return int(outcome.texts("INFO")[-1])

    def test_memory_does_not_grow_with_the_results_file(self) -> None:
        place = self.place()
        small, large = self.peak_kb(place, 4_000), self.peak_kb(place, 80_000)
        self.assertLess(large - small, 12 * 1024, f"{small} kB for 4 MB, {large} kB for 80 MB")

    def test_a_payload_whose_first_row_has_any_shape_is_read(self) -> None:
        place = self.place()
        home = place.splunk.home
        spec, alert = find_action(home, ACTION), Alert()
        path = write_results(home / "r.csv.gz", [clean_row(row) for row in visits(5)])
        payload = payload_of(spec, alert, path, [])
        payload["result"] = {f"field_{n}": ["a", '"}],{'] for n in range(900)} | {"\x00": "\x00"}
        outcome = send(home, spec, alert, payload)
        self.assertEqual((outcome.code, outcome.violations), (DONE, []), outcome.log)


class AlertFailureTest(AlertEndToEnd):
    def test_a_missing_results_file_is_told(self) -> None:
        self.refuses(
            self.send_file(self.place(), None), RESULTS, "cannot be opened: No such file.*run it"
        )

    def test_a_results_file_that_is_not_what_it_should_be_is_told(self) -> None:
        good = gzip.compress(b"src_ip,dest_ip\n10.0.0.1,10.0.0.2\n")
        bomb = gzip.compress(b"_raw\n" + (b"x" * (1 << 20) + b"\n") * 90)
        cases = {
            "empty": (b"", "it is empty"),
            "plain CSV": (b"src_ip\n10.0.0.1\n", "not gzip"),
            "cut": (good[:-5], "ends in the middle of its gzip text"),
            "damaged": (good[:-6] + b"\0" + good[-5:], "the gzip text is damaged"),
            "junk behind": (good + b"junk", "not gzip|damaged"),
            "a bomb": (bomb, "refused as a bomb"),
            "JSON": (gzip.compress(b'{"src_ip":"10.0.0.1"}\n'), "it is no CSV"),
            "bytes": (gzip.compress(bytes(range(256)) * 9), "it is no CSV"),
            "no names": (gzip.compress(b"\n10.0.0.1\n"), "it is no CSV"),
            "open quote": (gzip.compress(b'src_ip\n"10.0.0.1\n'), "a quote that is not closed"),
            "many cells": (gzip.compress(b"src_ip\n1,2,3\n"), "3 cells for 1 columns"),
        }
        place = self.place()
        for name, (content, sentence) in cases.items():
            with self.subTest(name):
                outcome = self.send_file(place, content)
                self.refuses(outcome, RESULTS, f"the results file /.*{sentence}")
                self.assertEqual(self.modalert_log(place)[-1]["action_status"], "failure")
        self.assertEqual((place.handoffs(), place.splunk.outbox), ([], []))

    def test_a_folder_or_a_pipe_in_place_of_the_results_file_is_told(self) -> None:
        place = self.place()
        home = place.splunk.home
        spec, alert = find_action(home, ACTION), Alert()
        os.mkfifo(home / "pipe")
        for path in (home / "var", home / "pipe", Path("results.csv.gz")):
            with self.subTest(path.name):
                outcome = send(home, spec, alert, payload_of(spec, alert, path, []))
                self.refuses(outcome, RESULTS, "results.file")

    def test_a_wrong_parameter_or_instance_is_told(self) -> None:
        cases = {
            "instance": ("berlin", "berlin"),
            "fields": ("src_ipx", "did you mean src_ip"),
            "maxentities": ("0", "a whole number from 1 to 100000"),
            "dryrun": ("perhaps", "neither true nor false"),
            "titel": ("x", 'there is no parameter "titel"; did you mean "title"'),
        }
        place = self.place()
        for name, (value, sentence) in cases.items():
            with self.subTest(name):
                outcome = self.run_one(place, visits(3), parameters={name: value})
                self.refuses(outcome, CONFIG, sentence)
        self.assertEqual(place.handoffs(), [])

    def test_what_enterprise_security_puts_beside_the_parameters_is_passed_over(self) -> None:
        beside = {"_cam_workers": "[]", "verbose": "1", "action_name": ACTION}
        self.assertEqual(self.run_one(self.place(), visits(3), parameters=beside).code, DONE)

    def test_an_app_that_is_not_configured_is_told(self) -> None:
        place = self.place()
        write_local_conf(place.splunk.app, {"intelgraph": {"instance:default": {"url": ""}}})
        self.refuses(self.run_one(place, visits(3)), CONFIG, "not configured")

    def test_a_payload_that_is_none_is_told(self) -> None:
        place = self.place()
        home = place.splunk.home
        spec, alert = find_action(home, ACTION), Alert()
        good = payload_of(spec, alert, home / "r.csv.gz", [])
        cases: dict[str, bytes | dict[str, Any]] = {
            "nothing": b"",
            "XML": b"<alert><app>search</app></alert>",
            "cut": b'{"app":"search","result":{"a":"b',
            "an array": b"[]",
            "not UTF-8": b'{"app":"\xff"}',
            "deep": b'{"result":' + b"[" * 100000,
            "a name twice": b'{"sid":"1.1","sid":"1.2"}',
            "no sid": {**good, "sid": ""},
            "no file": {**good, "results_file": None},
            "no configuration": {**good, "configuration": []},
            "a list for a text": {**good, "owner": ["mara"]},
        }
        for name, payload in cases.items():
            with self.subTest(name):
                outcome = send(home, spec, alert, payload)
                self.refuses(outcome, PAYLOAD, "the alert's payload")
                self.assertEqual(outcome.violations, [])

    def test_while_the_service_is_down_it_waits_in_the_outbox_once(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        for _ in range(2):
            outcome = self.run_one(place, visits(20))
            self.assertEqual(outcome.code, QUEUED)
            self.assertRegex("\n".join(outcome.texts("WARN")), "waits in the outbox")
        self.assertEqual(len(place.splunk.outbox), 1)
        self.assertEqual(self.modalert_log(place)[-1]["action_status"], "failure")
        service.start()
        self.assertEqual(self.run_one(place, visits(20), sid="1.2").code, DONE)
        self.assertEqual((len(place.handoffs()), place.splunk.outbox), (2, []))

    def test_a_token_that_does_not_hold_is_told_and_the_handoff_waits(self) -> None:
        place = self.place()
        place.splunk.configure(place.service.url, place.tenant, "igt_" + "0" * 43)
        outcome = self.run_one(place, visits(5))
        self.assertEqual(outcome.code, SIGN_IN, outcome.log)
        self.assertEqual(len(place.splunk.outbox), 1)

    def test_an_outbox_that_cannot_be_written_is_the_one_loss_and_told(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        service.stop()
        outbox = place.splunk.home / "var/lib/splunk/intelgraph"
        outbox.parent.mkdir(parents=True, exist_ok=True)
        outbox.write_text("a file where the folder must be")
        outcome = self.run_one(place, visits(5))
        self.refuses(outcome, LOST, "could not be kept for later")

    def test_no_secret_stands_in_any_log(self) -> None:
        place = self.place()
        key = "S3cr3tK3y" * 12
        for parameters in ({}, {"titel": "x"}):
            trigger(place.splunk.home, ACTION, Alert(session=key, parameters=parameters), visits(3))
        for log in (place.splunk.home / "var/log/splunk").iterdir():
            self.assertNotIn(key[:20], log.read_text("utf-8"))
            self.assertNotIn(place.token, log.read_text("utf-8"))


class AlertAsOwnerTest(EndToEnd):
    """With the token in storage/passwords: the action asks the broker in the session of its search."""

    def head(self) -> SearchHead:
        EndToEnd._tenants += 1
        return SearchHead(self, self.service, f"tenant{EndToEnd._tenants}")

    def run_as(self, head: SearchHead, user: str, key: str = "", **more: Any) -> Outcome:
        key = key or head.rest.users.open(user).key
        alert = Alert(owner=user, session=key, splunkd_uri=head.rest.url, **more)
        (outcome,) = trigger(head.splunk.home, ACTION, alert, visits(20))
        self.assertEqual(outcome.violations, [])
        return outcome

    def test_the_handoff_is_made_with_a_token_of_the_searchs_owner(self) -> None:
        head = self.head()
        outcome = self.run_as(head, "mara")
        self.assertEqual(outcome.code, DONE, outcome.log)
        auditor = head.service.token(head.tenant, role="auditor", name="auditor")
        records = head.service.json("v1/audit/records?limit=50", auditor)["records"]
        committed, issued = (
            next(each["record"] for each in records if each["record"]["action"] == action)
            for action in ("handoff.committed", "token.issued")
        )
        self.assertEqual((committed["subject"], issued["subject"]), ("mara", "mara"))
        self.assertEqual(committed["token"], issued["token"])
        self.assertEqual(self.run_as(head, "mara").code, DONE)
        reader = head.service.token(head.tenant)
        self.assertEqual(len(head.service.handoffs(reader)), 1)

    def test_an_expired_session_is_told_and_the_handoff_waits(self) -> None:
        head = self.head()
        outcome = self.run_as(head, "mara", head.rest.users.open("mara", seconds=-1).key)
        self.assertEqual(outcome.code, SIGN_IN, outcome.log)
        self.assertRegex("\n".join(outcome.texts("WARN")), "splunkd does not know this session")
        self.assertEqual(len(head.splunk.outbox), 1)

    def test_an_owner_without_the_capability_is_told_and_the_handoff_waits(self) -> None:
        head = self.head()
        outcome = self.run_as(head, "joe")
        self.assertEqual(outcome.code, SIGN_IN, outcome.log)
        self.assertRegex("\n".join(outcome.texts("WARN")), "joe.*requires capability: intelgraph_")
        self.assertEqual(head.splunk.audit[-1]["user"], "joe")
        self.assertEqual(len(head.splunk.outbox), 1)

    def test_a_payload_that_names_another_user_hands_off_in_nobodys_name(self) -> None:
        head = self.head()
        outcome = self.run_as(head, "ann", head.rest.users.open("mara").key)
        self.assertNotEqual(outcome.code, DONE)
        reader = head.service.token(head.tenant)
        self.assertEqual(head.service.handoffs(reader), [])


class StandInTest(AlertEndToEnd):
    def test_the_stand_in_refuses_an_action_that_is_not_as_the_spec_says(self) -> None:
        place = self.place()
        conf = place.splunk.app / "default/alert_actions.conf"
        text = conf.read_text("utf-8")
        for wrong in ("maxtiem = 5m", "payload_format = xml"):
            conf.write_text(f"{text}\n[{ACTION}]\n{wrong}\n", "utf-8")
            with self.assertRaises(sendmodalert.InstallError):
                find_action(place.splunk.home, ACTION)
