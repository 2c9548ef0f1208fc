"""The search assistant's help: every command has one, and every example in it runs."""

from __future__ import annotations

import re

from splunkd import SearchOptions, run_search, spl
from splunkd.conf import Conf, read_layers
from splunkd.rest import Splunkd
from splunkd.rest_search import search_as

from .harness import APP, EndToEnd, Place, Row, visits

ARGUMENT = re.compile(r"\(([a-z_]+)=<([a-z-]+)>\)\?")
SPLUNKS_OWN = {"where", "table", "fields", "sort", "stats", "head"}  # what may follow a command of ours
KEYS = {"syntax", "shortdesc", "description", "usage", "related", "tags"}


def stanzas(name: str) -> Conf:
    return {of: keys for of, keys in read_layers(APP / f"default/{name}.conf").items() if keys}


class SearchbnfTest(EndToEnd):
    help = stanzas("searchbnf")

    def examples(self) -> list[tuple[str, str]]:
        """Each command's name with one of its examples."""
        return [
            (name.removesuffix("-command"), value)
            for name, keys in self.help.items()
            for key, value in keys.items()
            if key.startswith("example")
        ]

    def test_every_command_is_explained_and_nothing_else(self) -> None:
        wanted = {f"{name}-command" for name in stanzas("commands")}
        self.assertEqual(set(self.help), wanted)

    def test_every_help_has_what_the_assistant_shows(self) -> None:
        for name, keys in self.help.items():
            with self.subTest(name):
                shown = [key for key in keys if key.startswith("example")]
                self.assertIn(len(shown), (1, 2, 3), "the assistant shows at most three")
                for key in shown:
                    self.assertTrue(keys[key.replace("example", "comment")])
                rest = {key for key in keys if not re.match(r"(example|comment)[1-3]\Z", key)}
                self.assertEqual(rest, KEYS)
                self.assertEqual(keys["usage"], "public")
                command = name.removesuffix("-command")
                self.assertEqual(ARGUMENT.sub("", keys["syntax"]).split(), [command])

    def test_every_example_runs_and_does_what_its_command_does(self) -> None:
        for number, (command, example) in enumerate(self.examples()):
            with self.subTest(example):
                place = self.place()
                place.splunk.configure(
                    place.service.url, place.tenant, place.service.token(place.tenant, "admin")
                )
                with Splunkd(place.splunk.home) as splunkd:
                    splunkd.users.add("mara", {"user", "intelgraph_admin"})
                    search = self.without_the_rest(example)
                    result = search_as(splunkd, "mara", search, self.rows(), sid=f"1.{number}")
                self.assertEqual(result.violations, [])
                self.assertEqual((result.state, result.texts("ERROR")), ("DONE", []), result.texts())
                self.assertIn(command, example)
                handed_off = place.handoffs()
                expected = command == "ighandoff" and "dryrun=true" not in example
                self.assertEqual(len(handed_off), int(expected), "dry runs and readers send nothing")

    def without_the_rest(self, example: str) -> str:
        """The example up to our command: what follows is Splunk's to run."""
        parts = spl.split_pipeline(example)
        while parts[-1].split()[0] in SPLUNKS_OWN:
            parts.pop()
        return " | ".join(parts)

    def rows(self) -> list[Row]:
        return [{**row, "action": "blocked", "url": "http://x.example/"} for row in visits(9)]

    def test_every_argument_of_the_syntax_is_taken_and_another_one_is_not(self) -> None:
        values = {"string": "x", "field-list": "src_ip,url", "bool": "true", "int": "5"}
        known = {"instance": "default", "sid": "1.1"}
        for name, keys in self.help.items():
            command = name.removesuffix("-command")
            words = " ".join(
                f"{argument}={known.get(argument, values[kind])}"
                for argument, kind in ARGUMENT.findall(keys["syntax"])
            )
            place = self.place()
            for arguments, good in ((words, True), (f"{words} nonsense=1", False)):
                with self.subTest(command, arguments=arguments):
                    result = self.start(place, f"{command} {arguments}")
                    wrong = "there is no argument" in "\n".join(result)
                    self.assertEqual(wrong, not good, result)

    def start(self, place: Place, search: str) -> list[str]:
        """What the command says to its arguments: a getinfo is enough to know."""
        arguments = spl.split_command(search)[1]
        options = SearchOptions(user="mara", probes=0, args=arguments.args)
        name = search.split()[0]
        return run_search(place.splunk.home, f"search index=x | {name}", [], options).texts()
