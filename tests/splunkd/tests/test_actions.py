"""The stand-in's own tests: alert actions and workflow actions."""

from __future__ import annotations

import csv
import gzip
import io
import json
import textwrap
from pathlib import Path
from typing import Any

from splunkd import InstallError, install_app
from splunkd.alert import Alert, Outcome, find_action, trigger
from splunkd.workflow import Click, WorkflowError, expand, menu

from .support import CommandTestCase

CONF = """\
[ping]
is_custom = 1
payload_format = json
alert.execute.cmd = ping
alert.execute.cmd.arg.1 = go
alert.execute.cmd.arg.2 = --execute
maxresults = 3
param.title = $name$ of $owner$: $result.a$ $nonsense$
param._raw = $name$
"""
PING = """\
#!/usr/bin/python3 -B
import json, sys
payload = json.loads(sys.stdin.read())
print("INFO", json.dumps([sys.argv[1:], payload]), file=sys.stderr)
"""
ROWS: list[dict[str, Any]] = [{"a": str(number), "b": ["x$", "y"]} for number in range(5)]


class ActionTest(CommandTestCase):
    def run_action(self, conf: str = CONF, program: str = PING, **more: Any) -> list[Outcome]:
        self.write("default/alert_actions.conf", conf)
        self.write("metadata/default.meta", "[alert_actions]\nexport = system\n")
        self.write("bin/ping", textwrap.dedent(program)).chmod(0o755)
        install_app(self.home, self.app)
        return trigger(self.home, "ping", Alert(**more), ROWS)

    def heard(self, outcome: Outcome) -> tuple[list[str], dict[str, Any]]:
        self.assertEqual((outcome.code, outcome.violations), (0, []))
        words, payload = json.loads(outcome.texts("INFO")[0])
        return words, payload

    def rows(self, payload: dict[str, Any]) -> list[dict[str, str]]:
        text = gzip.decompress(Path(payload["results_file"]).read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_an_action_gets_its_arguments_its_payload_and_as_many_results_as_it_may(self) -> None:
        (outcome,) = self.run_action(name="Beacons", owner="mara")
        words, payload = self.heard(outcome)
        self.assertEqual(words, ["go", "--execute"])
        self.assertEqual(payload["configuration"], {"title": "Beacons of mara: 0 ", "_raw": "$name$"})
        self.assertEqual([row["a"] for row in self.rows(payload)], ["0", "1", "2"])
        self.assertEqual(self.rows(payload)[0]["__mv_b"], "$x$$$;$y$")
        self.assertEqual(payload["result"], {"a": "0", "b": ["x$", "y"]})

    def test_an_alert_for_each_result_has_a_file_and_a_number_for_each(self) -> None:
        outcomes = self.run_action(digest=False)
        payloads = [self.heard(outcome)[1] for outcome in outcomes]
        self.assertEqual([each["result_id"] for each in payloads], [0, 1, 2])
        self.assertEqual([Path(each["results_file"]).name for each in payloads],
                         [f"tmp_{number}.csv.gz" for number in range(3)])
        self.assertEqual([self.rows(each)[0]["a"] for each in payloads], ["0", "1", "2"])
        old = self.heard(self.run_action(digest=False, result_ids=False)[0])[1]
        self.assertNotIn("result_id", old)

    def test_a_searchs_own_parameters_win(self) -> None:
        (outcome,) = self.run_action(parameters={"title": "$job.sid$"}, sid="1.1")
        self.assertEqual(self.heard(outcome)[1]["configuration"]["title"], "1.1")

    def test_a_command_that_is_named_gets_no_execute_of_itself(self) -> None:
        without = CONF.replace("alert.execute.cmd.arg.2 = --execute\n", "")
        (outcome,) = self.run_action(without)
        self.assertEqual(self.heard(outcome)[0], ["go"])

    def test_what_a_log_would_not_take_is_a_violation(self) -> None:
        for line in ("print('hello')", "print('no level', file=sys.stderr)"):
            (outcome,) = self.run_action(program=f"#!/usr/bin/python3 -B\nimport sys\n{line}\n")
            self.assertEqual(len(outcome.violations), 1, line)

    def test_a_session_key_in_the_log_is_a_violation(self) -> None:
        (outcome,) = self.run_action(session="K3y" * 40)
        self.assertEqual(outcome.violations, ["the session key is in the log"])

    def test_conf_that_is_not_as_the_spec_says_is_refused(self) -> None:
        for wrong in (
            CONF + "maxtiem = 5m\n",
            CONF.replace("is_custom = 1", "is_custom = 0"),
            CONF.replace("payload_format = json", "payload_format = xml"),
            CONF.replace("cmd = ping", "cmd = pong"),
            CONF + "disabled = 1\n",
        ):
            with self.assertRaises(InstallError):
                self.run_action(wrong)

    def test_an_action_that_is_not_exported_is_not_found(self) -> None:
        self.run_action()
        self.write("metadata/default.meta", "[commands]\nexport = system\n")
        install_app(self.home, self.app)
        with self.assertRaisesRegex(InstallError, "not exported"):
            find_action(self.home, "ping")


class WorkflowTest(CommandTestCase):
    def menu(self, field: str, event: dict[str, Any], **stanza: str) -> list[str]:
        lines = {"type": "link", "label": "x", **stanza}
        text = "[one]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
        self.write("default/workflow_actions.conf", text)
        install_app(self.home, self.app)
        return list(menu(self.home, Click(event, field, str(event.get(field, "")))))

    def test_an_action_shows_on_its_field_when_all_its_fields_are_there(self) -> None:
        event = {"a": "1", "b": "2"}
        self.assertEqual(self.menu("a", event, fields="a"), ["one"])
        self.assertEqual(self.menu("b", event, fields="a"), [])
        self.assertEqual(self.menu("a", event, fields="a, b"), ["one"])
        self.assertEqual(self.menu("a", event, fields="a, b, c"), [])
        self.assertEqual(self.menu("b", event), ["one"])
        self.assertEqual(self.menu("a", event, fields="a", display_location="event_menu"), [])
        self.assertEqual(self.menu("a", event, fields="a", disabled="1"), [])

    def test_a_link_encodes_what_it_inserts_unless_it_is_told_not_to(self) -> None:
        click = Click({"a": "x", "b": ["p&q", "r"]}, "a", "1 &$b$", sid="s/1", offset=4)
        uri = "/v?a=$a$&b=$b$&raw=$!a$&s=$@sid$&o=$@offset$&v=$@field_value$&n=$none$"
        self.assertEqual(
            expand({"link.uri": uri}, "link.uri", click),
            "/v?a=1%20%26%24b%24&b=p%26q&raw=1 &$b$&s=s%2F1&o=4&v=1%20%26%24b%24&n=",
        )

    def test_a_search_gets_what_it_inserts_as_it_is(self) -> None:
        click = Click({"a": '"x"'}, "a", '"x"')
        stanza = {"search.search_string": 'search a="$a$" | loadjob $@sid$'}
        self.assertEqual(
            expand(stanza, "search.search_string", click), 'search a=""x"" | loadjob 1763863200.42'
        )
        with self.assertRaises(WorkflowError):
            expand({"search.search_string": "$@nonsense$"}, "search.search_string", click)
