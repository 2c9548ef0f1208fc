"""The workflow actions on a field's menu, from the click to the service."""

from __future__ import annotations

import csv
import re
import urllib.parse

from splunkd import spl
from splunkd.search import clean_row
from splunkd.workflow import Click, expand, menu

from .harness import APP, EndToEnd, Place, Row, link_id, request, visits

HOSTILE = [
    "10.0.0.1",
    'a b+c&d=e#f?g/h\\i%41% "quoted" <b>',
    "x&field=user&value=y",
    "$src_ip$ $@sid$",
    "zo\u00eb \u6f22\U0001f600",
    "'| delete | outputlookup x",
]


class WorkflowTest(EndToEnd):
    def event(self) -> Row:
        with (APP / "lookups/intelgraph_fields.csv").open(encoding="utf-8", newline="") as file:
            mapped = [row["field"] for row in csv.DictReader(file)]
        return {**visits(1)[0], **{name: "x" for name in mapped}, "action": "allowed", "bytes": "7"}

    def actions(self, place: Place, click: Click) -> dict[str, str]:
        """Type and expanded text of each action of the menu."""
        keys = {"link": "link.uri", "search": "search.search_string"}
        shown = menu(place.splunk.home, click).values()
        return {each["type"]: expand(each, keys[each["type"]], click) for each in shown}

    def click(self, field: str = "src_ip", value: str = "10.0.0.1", **more: object) -> Click:
        return Click(clean_row({**self.event(), field: value}), field, value, **more)  # type: ignore[arg-type]

    def opened(self, place: Place, uri: str, accept: str = "*/*") -> tuple[int, str]:
        """What the view's page does with the link: the same members, at the service's address."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(uri).query, strict_parsing=True))
        self.assertEqual(set(query), {"field", "value"})
        url = f"{place.service.url}open/entities?{urllib.parse.urlencode(query)}"
        answer = request(url, token=place.token, headers={"Accept": accept})
        return answer.status, answer.headers.get("location", "")

    def test_a_mapped_field_has_both_actions_and_another_field_has_none(self) -> None:
        place = self.place()
        for field in ("src_ip", "dest", "user", "file_hash", "url", "process"):
            self.assertEqual(set(self.actions(place, self.click(field))), {"link", "search"}, field)
        for field in ("action", "bytes", "_raw", "TargetUserName", "nonsense"):
            self.assertEqual(self.actions(place, self.click(field)), {}, field)

    def test_an_event_with_one_mapped_field_shows_the_actions_too(self) -> None:
        place = self.place()
        self.assertEqual(len(menu(place.splunk.home, Click({"user": "mara"}, "user", "mara"))), 2)

    def test_the_link_stays_in_the_app_and_carries_any_value_encoded(self) -> None:
        place = self.place()
        for value in HOSTILE:
            uri = self.actions(place, self.click("user", value))["link"]
            parts = urllib.parse.urlsplit(uri)
            self.assertEqual((parts.scheme, parts.netloc, parts.fragment), ("", "", ""))
            self.assertEqual(parts.path, "/app/intelgraph/open")
            self.assertEqual(
                urllib.parse.parse_qsl(parts.query, strict_parsing=True),
                [("field", "user"), ("value", value)],
            )

    def test_a_click_leads_to_the_newest_handoff_that_names_the_value(self) -> None:
        place = self.place()
        place.search("ighandoff", visits(20), sid="1.1")
        newest = link_id(place.search("ighandoff", visits(20), sid="1.2"))
        uri = self.actions(place, self.click("src_ip", "10.0.3.1"))["link"]
        status, location = self.opened(place, uri)
        self.assertEqual(status, 303)
        self.assertRegex(location, rf"^/handoffs/{newest}\?entity=\d+$")
        entity = int(location.rsplit("=", 1)[-1])
        reply = place.service.graph(newest, place.token)
        self.assertEqual(reply.by_id[entity]["value"], "10.0.3.1")
        self.assertEqual(self.opened(place, uri.replace("10.0.3.1", "192.0.2.99"))[0], 404)

    def test_the_click_is_on_record_without_the_value(self) -> None:
        place = self.place()
        place.search("ighandoff", visits(5))
        self.opened(place, self.actions(place, self.click("src_ip", "10.0.3.1"))["link"])
        auditor = place.service.token(place.tenant, role="auditor", name="auditor")
        records = place.service.json("v1/audit/records?limit=100", auditor)["records"]
        (opened,) = [each for each in records if each["record"]["action"] == "entity.opened"]
        self.assertNotIn("10.0.3.1", str(opened))

    def test_every_field_with_an_action_is_known_to_the_service(self) -> None:
        place = self.place()
        event = clean_row(self.event())
        fields = [name for name in event if menu(place.splunk.home, Click(event, name, "x"))]
        self.assertGreater(len(fields), 50)
        for field in fields:
            uri = self.actions(place, self.click(field, "no-such-value"))["link"]
            self.assertEqual(self.opened(place, uri)[0], 404, field)

    def test_hand_off_this_event_hands_off_exactly_the_event_that_was_clicked(self) -> None:
        place = self.place()
        rows = visits(9)
        click = self.click("src_ip", str(rows[4]["src_ip"]), offset=4, sid="1763863200.42")
        search = self.actions(place, click)["search"]
        parts = [part for part in spl.split_pipeline(search) if part]
        names = [spl.split_command(part)[0] for part in parts]
        self.assertEqual(names, ["loadjob", "streamstats", "where", "fields", "ighandoff"])
        self.assertEqual(parts[0], 'loadjob "1763863200.42" events=true')
        (offset,) = re.findall(r"intelgraph_event = (\d+) \+ 1", parts[2])
        # What these commands of Splunk's own leave of the job's events.
        chosen = [row for number, row in enumerate(rows, 1) if number == int(offset) + 1]
        self.assertEqual(chosen, [rows[4]])
        result = place.splunk.search(f"makeresults {search}", chosen, sid="1.1")
        self.done(result)
        (handoff,) = place.handoffs()
        self.assertEqual((handoff["rows"], handoff["entities"]), (1, 2))
        self.assertEqual(handoff["title"], "Event 4 of search 1763863200.42")

    def test_no_content_of_the_event_stands_in_the_search_or_its_address(self) -> None:
        place = self.place()
        for value in HOSTILE:
            plain = self.actions(place, self.click("user", "mara"))["search"]
            self.assertEqual(self.actions(place, self.click("user", value))["search"], plain)
