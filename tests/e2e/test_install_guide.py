"""The searches of the install guide run as they stand there."""

from __future__ import annotations

import re

from splunkd import spl
from splunkd.rest import Splunkd
from splunkd.rest_search import search_as

from .budget_case import BudgetCase
from .harness import APP, visits

BLOCK = re.compile(r"^```spl\n(.*?)\n```$", re.M | re.S)
OURS = {"ighandoff", "igaudit", "igdoctor", "igusage"}


class InstallGuideTest(BudgetCase):
    def test_every_search_of_the_guide_runs(self) -> None:
        searches = BLOCK.findall((APP / "README_INSTALL.md").read_text("utf-8"))
        self.assertGreaterEqual(len(searches), 5)
        self.assertEqual({name for name in OURS if any(name in each for each in searches)}, OURS)
        for number, text in enumerate(searches):
            with self.subTest(text):
                place = self.place()
                place.splunk.configure(
                    place.service.url, place.tenant, place.service.token(place.tenant, "admin")
                )
                self.make(place, "Hand-offs a month", 100)
                place.search("ighandoff", visits(3), sid="9.9")
                parts = spl.split_pipeline(text)
                while parts[-1].split()[0] not in OURS:
                    parts.pop()
                rows = [
                    {**row, "action": "blocked", "url": "http://x.example/"} for row in visits(9)
                ]
                with Splunkd(place.splunk.home) as splunkd:
                    splunkd.users.add("mara", {"user", "intelgraph_admin"})
                    result = search_as(splunkd, "mara", " | ".join(parts), rows, sid=f"1.{number}")
                self.assertEqual(result.violations, [])
                self.assertEqual(
                    (result.state, result.texts("ERROR")), ("DONE", []), result.texts()
                )
                self.assertTrue(result.rows)
