"""What was used, as rows of a search: the same as the service tells, by meter, period and dimension."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from splunkd import SearchOptions, SearchResult, run_search
from splunkd.rest_search import search_as

from .budget_answers import budget
from .budget_gate import Gate
from .harness import EndToEnd, Place, Row, request
from .search_head import SearchHead
from .test_usage import BATCH, moment, use

COLUMNS = {
    "_time", "meter", "window", "period_end", "quantity", "unit", "shown", "shown_unit", "events",
    "zone", "complete_up_to", "instance",
}
DAY_S = 86400


def epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Heavy:
    """Answers of a tenant with very many analysts, in UTC; refuses what the service refuses, 100,000 rows."""

    def __init__(self, path: str, analysts: Callable[[float], int]) -> None:
        self.path = path
        self.analysts = analysts  # on that day
        self.spans: list[float] = []  # that were asked for

    def __call__(self, query: str) -> Any:
        words = dict(urllib.parse.parse_qsl(query))
        since, until = epoch(words["from"]), epoch(words["to"])
        self.spans.append(until - since)
        first = int(since // DAY_S)
        end = max(first + 1, -int(-until // DAY_S))
        days = [day * float(DAY_S) for day in range(first, end)]
        if sum(self.analysts(day) for day in days) > 100_000:
            return 413
        return {
            "meter": "handoffs", "window": words["window"], "zone": "UTC", "unit": "hand-offs",
            "shown_unit": "hand-offs", "currency": "EUR", "unpriced": [],
            "from": rfc3339(days[0]), "to": rfc3339(days[-1] + DAY_S), "complete_up_to": rfc3339(days[-1]),
            "rows": [self.row(day, number) for day in days for number in range(self.analysts(day))],
        }

    @staticmethod
    def row(day: float, number: int) -> Any:
        return {"from": rfc3339(day), "to": rfc3339(day + DAY_S), "meter": "handoffs", "quantity": "1",
                "shown": "1", "events": 1, "cost": "0.01", "dimensions": {"analyst": f"a{number}"}}


class IgusageCase(EndToEnd):
    def use(self, place: Place, arguments: str = "", **options: Any) -> SearchResult:
        chosen = SearchOptions(**{"user": "mara", "probes": 1, **options})
        result = run_search(place.splunk.home, f"| igusage {arguments}", [], chosen)
        self.assertEqual(result.violations, [])
        self.assertEqual(result.stderr_lines(), [])
        return result

    def rows(self, place: Place, arguments: str = "", **options: Any) -> list[Row]:
        result = self.use(place, arguments, **options)
        self.done(result)
        return list(result.rows)

    def fails(self, place: Place, arguments: str, sentence: str, **options: Any) -> None:
        result = self.use(place, arguments, **options)
        self.assertEqual(result.state, "FAILED", arguments)
        self.says(result, sentence)

    def send(self, place: Place, *events: Any) -> None:
        token = place.service.token(place.tenant, "meter")
        kind = {"Content-Type": BATCH}
        body = json.dumps(events).encode()
        answer = request(place.service.url + "v1/events", "POST", token, body, kind)
        self.assertEqual((answer.status, answer.json["accepted"]), (200, len(events)), answer.text)

    def told(self, place: Place, **query: str) -> Any:
        return place.service.json("v1/usage?" + urllib.parse.urlencode(query), place.token)

    def same(self, rows: list[Row], report: Any, dimensions: tuple[str, ...] = ()) -> None:
        """Each row of the search is the report's."""
        self.assertEqual(len(rows), len(report["rows"]))
        for row, told in zip(rows, report["rows"], strict=True):
            self.assertEqual(set(row), COLUMNS | set(dimensions))
            self.assertEqual(float(row["_time"]), epoch(told["from"]))
            self.assertEqual(row["period_end"], told["to"])
            self.assertEqual(row["quantity"], told["quantity"])
            self.assertEqual(row["shown"], told["shown"])
            self.assertEqual(row["events"], str(told["events"]))
            named = {name: row[name] for name in dimensions if row[name]}
            self.assertEqual(named, told["dimensions"])
            for name in ("meter", "window", "zone", "unit", "shown_unit"):
                self.assertEqual(row[name], report[name])
            self.assertEqual(row["instance"], "default")
            self.assertAlmostEqual(epoch(row["complete_up_to"]), time.time() - 3600, delta=120)


def sent(rows: list[Row]) -> list[Row]:
    """Without what the service counts of itself: that its tokens were used."""
    return [row for row in rows if row["meter"] != "operations"]


class IgusageTest(IgusageCase):
    def test_a_meters_days_are_those_of_the_service(self) -> None:
        place = self.place()
        self.send(place, *(use(f"{n}", n, time=moment(n * 6 * 3600)) for n in range(1, 40)))
        rows = self.rows(place, "meter=api.calls")
        self.same(rows, self.told(place, meter="api.calls"))
        self.assertEqual(sum(int(row["quantity"]) for row in rows), sum(range(1, 40)))

    def test_quantities_over_two_to_the_53rd_stay_exact(self) -> None:
        place = self.place()
        at = time.time() - 7200
        self.send(
            place,
            *(use(f"{n}", 10**15) for n in range(19)),
            use("one", 1),
            use("full", 10**15 - 1, "storage.bytes", time=rfc3339(at)),
            use("empty", 0, "storage.bytes", time=rfc3339(at + 3600)),
        )
        rows = sent(self.rows(place))
        sums = {"api.calls": 0, "storage.bytes": 0}
        for row in rows:
            sums[row["meter"]] += int(row["quantity"])
        microseconds = 3600 * 10**6
        self.assertEqual(
            sums, {"api.calls": 19 * 10**15 + 1, "storage.bytes": (10**15 - 1) * microseconds}
        )

    def test_dimensions_are_fields_of_their_own(self) -> None:
        place = self.place()
        evil = '=HYPERLINK("http://x","y"),,"z"'
        self.send(
            place,
            use("1", 5, dimensions={"route": evil}),
            use("2", 7, dimensions={"route": "/v1/\u00fc", "client": "c"}),
            use("3", 1, dimensions={"client": "c"}),
            use("4", 2),
        )
        rows = self.rows(place, 'meter=api.calls window=month by="client, route"')
        self.same(
            rows, self.told(place, meter="api.calls", window="month", by="client,route"),
            ("client", "route"),
        )
        self.assertIn(evil, {row["route"] for row in rows})

    def test_every_meter_comes_without_a_name_each_by_the_dimensions_it_has(self) -> None:
        place = self.place()
        self.send(
            place,
            use("1", 5, dimensions={"route": "/a"}),
            use("2", 9, "inference.tokens", dimensions={"model": "m", "user": "u"}),
            use("3", 10**9, "storage.bytes", time=moment(7200), dimensions={"store": "s"}),
        )
        rows = self.rows(place, "window=month by=model,route")
        by_meter: dict[str, set[tuple[str, str]]] = {}
        for row in sent(rows):
            by_meter.setdefault(row["meter"], set()).add((row["model"], row["route"]))
        self.assertEqual(
            by_meter,
            {"inference.tokens": {("m", "")}, "storage.bytes": {("", "")}, "api.calls": {("", "/a")}},
        )
        gigabytes = [float(row["shown"]) for row in rows if row["meter"] == "storage.bytes"]
        self.assertAlmostEqual(sum(gigabytes), 2, delta=0.1)

    def test_the_searchs_time_range_decides(self) -> None:
        place = self.place()
        now = time.time()
        ages = (1, 5, 20, 30)
        self.send(place, *(use(f"{age}", age, time=moment(age * DAY_S)) for age in ages))

        def quantities(**options: Any) -> list[int]:
            return [int(row["quantity"]) for row in self.rows(place, "meter=api.calls", **options)]

        self.assertEqual(quantities(), [30, 20, 5, 1])
        recent = {"earliest_time": f"{now - 6 * DAY_S:.0f}", "latest_time": f"{now:.0f}"}
        self.assertEqual(quantities(**recent), [5, 1])
        self.assertEqual(quantities(latest_time=f"{now - 10 * DAY_S:.0f}"), [30, 20])
        self.assertEqual(quantities(earliest_time="1", latest_time=f"{now + 99 * DAY_S:.0f}"),
                         [30, 20, 5, 1])
        tomorrow = f"{now + 2 * DAY_S:.0f}"
        self.fails(place, "", "nothing can have been used in", earliest_time=tomorrow)

    def test_a_long_range_by_hour_comes_whole_in_parts(self) -> None:
        place = self.place()
        count = 30 * 24
        self.send(place, *(use(f"{n}", n + 1, time=moment(n * 3600 + 60)) for n in range(count)))
        since = time.time() - 31 * DAY_S
        rows = self.rows(place, "meter=api.calls window=hour", earliest_time=f"{since:.0f}")
        report = self.told(place, meter="api.calls", window="hour", **{"from": rfc3339(since)})
        self.same(rows, report)
        self.assertEqual(sum(int(row["quantity"]) for row in rows), sum(range(1, count + 1)))
        small = self.use(place, "meter=api.calls window=hour", max_result_rows=100,
                         earliest_time=f"{since:.0f}", keep_bodies=True)
        strip = [{**row, "complete_up_to": ""} for row in rows]
        self.assertEqual([{**row, "complete_up_to": ""} for row in small.rows], strip)
        self.assertEqual({len(each.got.rows) for each in small.exchanges[:-1]}, {100})

    def test_a_part_that_no_answer_can_hold_is_asked_for_in_shorter_ones(self) -> None:
        today = time.time() // DAY_S * DAY_S
        many = {today - 40 * DAY_S: 20000, today - 9 * DAY_S: 18000, today - 2 * DAY_S: 12000}
        for path, arguments in (("/v1/usage", "meter=handoffs"), ("/v1/costs", "show=cost")):
            heavy = Heavy(path, lambda day: many.get(day, 1))
            place = self.behind(heavy)
            rows = self.rows(place, f"{arguments} by=analyst", earliest_time=f"{today - 50 * DAY_S:.0f}")
            days: dict[float, int] = {}
            for row in rows:
                days[float(row["_time"])] = days.get(float(row["_time"]), 0) + 1
            self.assertEqual(days, {day: many.get(day, 1) for day in days})
            self.assertEqual(min(days), today - 50 * DAY_S)
            self.assertEqual(len(days), 51)
            self.assertLess(len(heavy.spans), 40, "what is sparse again is asked for in long parts again")

    def test_foreign_words_stay_in_one_line(self) -> None:
        place = self.place()
        gate = self.gate(place)
        gate.answers = {"/v1/budgets": {"budgets": [budget("first\r\nERROR \x1b[31msecond\x7f")]}}
        self.fails(place, "show=budgets budget=x", r'there are "first  ERROR  \[31msecond "$')

    def test_a_period_that_no_answer_can_hold_is_one_sentence(self) -> None:
        for window, count in (("day", 40000), ("month", 40000)):
            heavy = Heavy("/v1/usage", lambda _: count)
            place = self.behind(heavy)
            self.fails(place, f"meter=handoffs by=analyst window={window}",
                       f"one period of window={window} has more rows than an answer of IntelGraph holds; fewer dim")
            self.assertLess(len(heavy.spans), 10)

    def behind(self, heavy: Heavy) -> Place:
        place = self.place()
        self.gate(place).answers = {heavy.path: heavy}
        return place

    def gate(self, place: Place) -> Gate:
        gate = Gate(self.service.port)
        gate.__enter__()
        self.addCleanup(gate.__exit__)
        place.splunk.configure(gate.url, place.tenant, place.token)
        return gate

    def test_periods_are_those_of_the_tenants_zone(self) -> None:
        place = self.place(self.started())
        self.send(place, use("1", 5, time=moment(5 * DAY_S)))
        data = ("--data", str(place.service.data), "--tenant", place.tenant)
        ran = place.service.run("usage", "zone", *data, "--zone", "Asia/Kolkata")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for window in ("hour", "day", "month", "billing"):
            (row,) = self.rows(place, f"meter=api.calls window={window}")
            self.assertEqual((row["zone"], row["window"]), ("Asia/Kolkata", window))
            self.assertEqual(row["period_end"][14:16], "30")

    def started(self) -> Any:
        service = self.own_service()
        service.start()
        return service

    def test_hand_offs_of_the_search_head_are_usage(self) -> None:
        place = self.place()
        rows = [{"_time": "1763863200", "src_ip": "10.0.0.1", "dest_ip": "198.51.100.7"}]
        self.done(place.search("ighandoff", rows, sid="1.1"))
        (row,) = self.rows(place, "meter=handoffs by=analyst")
        self.assertEqual((row["quantity"], row["analyst"]), ("1", "mara"))

    def test_before_anything_is_used_there_are_no_rows_and_no_error(self) -> None:
        self.assertEqual(sent(self.rows(self.place())), [])

    def test_another_tenants_usage_is_not_shown(self) -> None:
        place, other = self.place(), self.place()
        self.send(place, use("1"))
        self.assertEqual(sent(self.rows(other)), [])

    def test_what_the_service_refuses_is_its_sentence(self) -> None:
        place = self.place()
        for arguments, sentence in (
            ("meter=nothing", 'IntelGraph answered 400: meter holds "nothing", which is none'),
            ("window=week", 'window holds "week"; it must be hour, day, month or billing'),
            ("meter=api.calls by=model", 'by holds "model", which is not a dimension of api.calls'),
            ('meter="api.calls&by=x"', 'meter holds "api.calls&by=x", which is none'),
            ("by=nonsense", 'by= holds "nonsense", which is a dimension of no meter'),
        ):
            self.fails(place, arguments, sentence)

    def test_wrong_arguments_are_told_before_anything_is_asked(self) -> None:
        place = self.place()
        place.splunk.configure("http://127.0.0.1:9/", place.tenant, place.token)
        for arguments, sentence in (
            ("metre=x", 'there is no argument "metre"; did you mean meter=<name>'),
            ("api.calls", '"api.calls" is not name=value'),
            ("meter=a meter=b", "meter= is given twice"),
            ("by=route,route", 'by= holds "route" twice'),
            ("by=route,,client", "by= holds an empty name"),
            ("by=a,b,c,d,e,f,g", "by= holds more than 6 dimensions"),
            ("by=quantity", 'by= holds "quantity", which is a field of every row'),
            ("instance=elsewhere", "elsewhere"),
        ):
            search = f"| igusage {arguments}"
            result = run_search(place.splunk.home, search, [], SearchOptions(probes=0))
            self.assertEqual(result.state, "FAILED", arguments)
            self.assertIn(sentence, "\n".join(result.texts()))

    def test_a_service_that_is_not_there_is_one_sentence(self) -> None:
        service = self.started()
        place = self.place(service)
        service.stop()
        self.fails(place, "", r"Error in 'igusage' command: .*cannot be reached")

    def test_a_token_of_another_role_is_one_sentence(self) -> None:
        place = self.place()
        token = place.service.token(place.tenant, "meter")
        place.splunk.configure(place.service.url, place.tenant, token)
        self.fails(place, "meter=api.calls", "IntelGraph answered 403: ")


class BrokerUsageTest(IgusageCase):
    """Who may look is decided by Splunk's capabilities."""

    def setUp(self) -> None:
        EndToEnd._tenants += 1
        self.head = SearchHead(self, self.service, f"tenant{EndToEnd._tenants}")

    def look(self, user: str) -> SearchResult:
        result = search_as(self.head.rest, user, "| igusage meter=handoffs by=analyst", [])
        self.assertEqual(result.violations, [])
        return result

    def test_an_analyst_sees_the_tenants_usage(self) -> None:
        self.done(self.head.search("mara", sid="1.1"))
        result = self.look("mara")
        self.done(result)
        self.assertEqual([(r["analyst"], r["quantity"]) for r in result.rows], [("mara", "1")])

    def test_who_lacks_the_capability_is_told(self) -> None:
        result = self.look("joe")
        self.assertEqual(result.state, "FAILED")
        self.says(result, "intelgraph_read")
