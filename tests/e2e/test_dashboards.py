"""The dashboards' searches read only what is really written: each field is looked for in real records."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

from splunkd import SearchOptions, conf, run_search
from splunkd.fields import Flow, expand, split

from .harness import EndToEnd, visits

TOKEN = re.compile(r"\$\w+(?:\.\w+)?(?:\|\w)?\$")
SPLUNKD = {"component", "log_level", "event_message", "date_hour"}

CONF = {"title", "instance"}  # of configs/conf-intelgraph


def members(records: list[Any]) -> set[str]:
    """Fields as KV_MODE=json names them: an object's members after a dot."""
    found = set()
    for record in records:
        for name, value in record.items():
            found |= {f"{name}.{inner}" for inner in value} if isinstance(value, dict) else {name}
    return found


class DashboardsTest(EndToEnd):
    """Of the staged app."""

    def definitions(self, home: Any) -> dict[str, Any]:
        views = {}
        for path in sorted((home / "etc/apps/intelgraph/default/data/ui/views").glob("*.xml")):
            text = ElementTree.parse(path).getroot().findtext("definition")
            if text:
                views[path.stem] = json.loads(text)
        return views

    def generated(self, place: Any, part: str) -> set[str]:
        """The columns of one of our generating commands, run as the dashboard has it."""
        options = SearchOptions(user="mara", probes=1)
        result = run_search(place.splunk.home, f"| {part}", [], options)
        self.assertEqual(result.violations, [])
        self.done(result)
        self.assertTrue(result.rows, part)
        return set(result.rows[0])

    def test_each_field_that_a_search_reads_is_in_what_is_written(self) -> None:
        service = self.own_service()
        service.start()
        place = self.place(service)
        place.search('ighandoff title="Beaconing"', visits(20), sid="1.1")
        views = self.definitions(place.splunk.home)
        made: dict[str, set[str]] = {}
        for model in views.values():
            for each in model["dataSources"].values():
                first = split(TOKEN.sub('"default"', each["options"]["query"]), "|")[:2]
                own = not first[0] and not first[1].startswith("`")
                if own and "extend" not in each["options"]:
                    made[first[1]] = self.generated(place, first[1])
        self.assertEqual({part.split(" ")[0] for part in made}, {"igaudit", "igdoctor"})
        service.stop()
        place.search("ighandoff", visits(5), sid="1.2")
        audit = members(place.splunk.audit)
        stanzas = conf.parse_conf(
            (place.splunk.home / "etc/apps/intelgraph/default/macros.conf").read_text("utf-8")
        )
        macros = {
            name: ([each.strip() for each in keys.get("args", "").split(",") if each.strip()],
                   keys["definition"])
            for name, keys in stanzas.items() if "definition" in keys
        }

        def source(text: str) -> set[str] | None:
            if text.startswith("search ") and "sourcetype=intelgraph:audit" in text:
                return audit
            if text.startswith("search ") and "sourcetype=splunkd" in text:
                return SPLUNKD
            if text.startswith("rest "):
                return CONF
            return made.get(text)

        searches = 0
        for view, model in views.items():
            queries = model["dataSources"]
            for name, each in queries.items():
                text = each["options"]["query"]
                if "extend" in each["options"]:
                    text = f"{queries[each['options']['extend']]['options']['query']} {text}"
                with self.subTest(view=view, search=name):
                    given = Flow(source).run(expand(TOKEN.sub('"default"', text), macros))
                    self.assertTrue(given)
                searches += 1
        self.assertGreater(searches, 20)
