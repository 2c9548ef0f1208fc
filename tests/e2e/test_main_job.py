"""The main job: rows go in, come out with their link, and the graph is a click away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from splunkd import dialect
from splunkd.result import Exchange

from .harness import NEW_COLUMNS, EndToEnd, Row, column, link_id, visit, visits


def kept_cells(body: bytes) -> list[list[bytes]]:
    """The cells of a body as written, without the three new columns and their twins."""
    rows = dialect.raw_cells(body)
    names = [cell.strip(b'"').decode().removeprefix("__mv_") for cell in rows[0]] if rows else []
    keep = [index for index, name in enumerate(names) if name not in NEW_COLUMNS]
    return [[row[index] for index in keep] for row in rows]


class MainJobTest(EndToEnd):
    def same_bytes(self, exchange: Exchange) -> None:
        if exchange.sent.rows:
            self.assertEqual(kept_cells(exchange.reply_body), kept_cells(exchange.request_body))

    def test_every_row_passes_byte_for_byte_with_three_new_columns(self) -> None:
        place = self.place()
        rows = visits(60)
        rows[3]["dest_ip"] = ["198.51.100.8", "198.51.100.9"]
        rows[4]["user"] = 'o"neil,\n$x$;"'
        rows[5]["src_ip"] = ""
        result = place.search('ighandoff title="Beaconing"', rows, chunk_rows=25, probes=2)
        self.done(result)
        self.rows_pass(result, rows)
        for exchange in result.exchanges:
            self.same_bytes(exchange)
        for row in result.rows:
            self.assertEqual([name for name in NEW_COLUMNS if name not in row], [])

    def test_the_reply_keeps_the_order_of_the_columns_that_were_sent(self) -> None:
        result = self.place().search("ighandoff", visits(5))
        sent, got = result.exchanges[0].sent, result.exchanges[0].got
        kept = [name for name in got.columns if name not in NEW_COLUMNS]
        self.assertEqual(kept, sent.columns)

    def test_splunkd_is_asked_for_the_mapped_fields_of_a_stateful_command(self) -> None:
        info = self.place().search("ighandoff", visits(1)).info
        self.assertEqual(info["type"], "stateful")
        wanted = set(info["required_fields"])
        self.assertLessEqual({"_time", "_cd", "_bkt", "src_ip", "dest_ip", "user"}, wanted)
        self.assertNotIn("*", wanted)

    def test_fields_narrows_what_is_asked_for_and_what_is_typed(self) -> None:
        place = self.place()
        rows = [visit(1, "10.0.0.1", "198.51.100.1", user="mara")]
        for form in ("fields=src_ip,user", 'fields="src_ip, user"', 'fields="src_ip user"'):
            with self.subTest(form):
                result = place.search(f"ighandoff {form}", rows)
                self.done(result)
                self.assertIn("user", result.info["required_fields"])
                self.assertNotIn("dest_ip", result.info["required_fields"])
                values = place.service.graph(link_id(result), place.token).values("ip")
                self.assertEqual(values, {"10.0.0.1"})

    def test_a_list_that_splunkd_split_at_its_commas_is_still_one_list(self) -> None:
        result = self.place().search("ighandoff", visits(1), args=["fields=src_ip", "user"])
        self.done(result)
        self.assertIn("user", result.info["required_fields"])

    def test_a_row_counts_its_distinct_entities(self) -> None:
        rows = [
            visit(1, "10.0.0.1", "198.51.100.1"),
            visit(2, "10.0.0.1", "10.0.0.1"),
            visit(3, "-", "unknown"),
            visit(4, "10.0.0.1", "198.51.100.1", query="c2.example", user="mara"),
        ]
        result = self.place().search("ighandoff", rows)
        self.done(result)
        self.assertEqual(column(result, "intelgraph_entities"), ["2", "1", "0", "4"])
        self.assertEqual(column(result, "intelgraph_status")[2], "none")

    def test_no_row_claims_to_be_sent_before_the_service_has_answered(self) -> None:
        rows = visits(30)
        result = self.place().search("ighandoff", rows, chunk_rows=10)
        self.done(result)
        self.assertEqual(self.statuses(result), {"collected"})
        result = self.place().search("ighandoff", rows, chunk_rows=10, last_empty=False)
        self.done(result)
        status = column(result, "intelgraph_status")
        self.assertEqual(status, ["collected"] * 20 + ["sent"] * 10)

    def test_the_last_message_tells_the_outcome_with_its_counts_and_link(self) -> None:
        place = self.place()
        result = place.search("ighandoff", visits(35, sources=7, dests=5))
        self.done(result)
        self.says(result, r"\b12\b.*entit", r"\b35\b.*relation", r"http://127\.0\.0\.1:\d+/")
        self.assertEqual(len(result.messages), 1)
        self.assertEqual(result.messages[0].level, "INFO")

    def test_the_link_opens_the_page_and_the_click_is_counted(self) -> None:
        place = self.place()
        result = place.search('ighandoff title="Beaconing"', visits(20))
        link = str(result.rows[0]["intelgraph_url"])
        self.assertEqual(link, f"{place.service.url}open/handoffs/{link_id(result)}")
        opened = place.service.get(link.removeprefix(place.service.url), place.token)
        self.assertEqual(opened.status, 303, opened.text)
        self.assertTrue(opened.headers["location"].endswith(f"/handoffs/{link_id(result)}"))
        page = place.service.get(f"handoffs/{link_id(result)}", place.token)
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["content-type"])
        self.assertEqual([each["opens"] for each in place.handoffs()], [1])

    def test_who_has_not_signed_in_is_led_to_the_sign_in_and_on(self) -> None:
        place = self.place()
        link = str(place.search("ighandoff", visits(2)).rows[0]["intelgraph_url"])
        path = link.removeprefix(place.service.url)
        opened = place.service.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        self.assertEqual(opened.status, 303)
        self.assertIn(f"/signin?next=/{path}", opened.headers["location"].replace("%2F", "/"))
        self.assertEqual(place.service.get(path).status, 401)

    def test_the_graph_holds_what_the_rows_said(self) -> None:
        place = self.place()
        rows = [visit(n, "10.0.0.1", "198.51.100.1") for n in range(5)]
        rows.append(visit(9, "10.0.0.1", "198.51.100.2", user=r"CORP\mara"))
        result = place.search("ighandoff", rows)
        graph = place.service.graph(link_id(result), place.token)
        self.assertEqual(graph.values("ip"), {"10.0.0.1", "198.51.100.1", "198.51.100.2"})
        source = graph.entities["ip", "10.0.0.1"]
        self.assertEqual((source["count"], source["fields"]), (6, ["src_ip"]))
        self.assertEqual(source["first_us"], 1763863200_000000)
        self.assertEqual(source["last_us"], 1763863209_009000)
        relation = graph.relations["10.0.0.1", "connects-to", "198.51.100.1"]
        self.assertEqual(relation["count"], 5)
        self.assertIn("7:1000", relation["samples"][0]["ref"])

    def test_several_values_of_one_field_become_several_entities(self) -> None:
        place = self.place()
        rows = [
            {
                "_time": "1763863200.5",
                "src_ip": "10.0.0.1",
                "query": "c2.example",
                "answers": ["203.0.113.66", "203.0.113.67", "alias.example"],
            }
        ]
        result = place.search("ighandoff", rows)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(column(result, "intelgraph_entities"), ["5"])
        graph = place.service.graph(link_id(result), place.token)
        self.assertIn(("c2.example", "resolves-to", "203.0.113.67"), graph.relations)

    def test_one_thing_in_several_spellings_is_one_entity(self) -> None:
        place = self.place()
        rows = [
            visit(1, "2001:DB8:0:0:0:0:0:1", "198.51.100.1", query="EVIL.Example."),
            visit(2, "2001:db8::1", "198[.]51[.]100[.]1", query="evil[.]example"),
        ]
        result = place.search("ighandoff", rows)
        graph = place.service.graph(link_id(result), place.token)
        self.assertEqual(graph.values("ip"), {"2001:db8::1", "198.51.100.1"})
        self.assertEqual(graph.values("domain"), {"evil.example"})

    def test_over_maxentities_the_rest_is_counted_and_told(self) -> None:
        place = self.place()
        rows = [visit(n, f"10.0.0.{n}", "198.51.100.1") for n in range(1, 31)]
        result = place.search("ighandoff maxentities=10", rows)
        self.done(result)
        self.rows_pass(result, rows)
        self.says(result, r"maxentities|left out|limit")
        self.assertIn("limited", self.statuses(result))
        graph = place.service.graph(link_id(result), place.token)
        self.assertEqual(len(graph.entities), 10)

    def test_a_handoff_too_large_for_one_request_goes_in_parts(self) -> None:
        place = self.place()
        rows = [visit(n, f"10.{n // 62500}.{n // 250 % 250}.{n % 250}", "") for n in range(16000)]
        for row in rows:
            row["query"] = f"{row['_cd'][2:]}.a-name-that-is-long-enough.example"
        options = {"sid": "1.7", "chunk_rows": 8000, "keep_bodies": False}
        result = place.search("ighandoff maxentities=100000", rows, **options)
        self.done(result)
        self.rows_pass(result, rows)
        again = place.search("ighandoff maxentities=100000", rows, **options)
        self.assertIn("with the same content", "\n".join(again.texts()))
        (handoff,) = place.handoffs()
        self.assertEqual((handoff["entities"], handoff["relations"]), (32000, 16000))
        parts = [line for line in self.service.said().splitlines() if "method=PUT" in line]
        self.assertGreater(len(parts), 1)

    def test_a_search_without_rows_sends_nothing_and_says_so(self) -> None:
        place = self.place()
        result = place.search("ighandoff", [])
        self.done(result)
        self.assertEqual(len(result.messages), 1)
        self.assertEqual(place.handoffs(), [])

    def test_rows_without_any_entity_pass_and_nothing_is_sent(self) -> None:
        place = self.place()
        rows: list[Row] = [{"_time": "1", "message": "hello"}, {"_time": "2", "src_ip": "N/A"}]
        result = place.search("ighandoff", rows)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(self.statuses(result), {"none"})
        self.assertEqual(place.handoffs(), [])


class OnceTest(EndToEnd):
    def test_the_same_search_run_twice_makes_one_handoff(self) -> None:
        place = self.place()
        rows = visits(40)
        first = place.search("ighandoff", rows, sid="1763863200.7")
        again = place.search("ighandoff", rows, sid="1763863200.7")
        self.done(first)
        self.done(again)
        self.assertEqual(link_id(first), link_id(again))
        self.assertEqual(len(place.handoffs()), 1)
        self.says(again, r"(?i)already|before|same")

    def test_the_order_and_the_quotes_of_arguments_make_no_other_handoff(self) -> None:
        place = self.place()
        one = place.search('ighandoff title="a" maxentities=50', visits(3), sid="1.1")
        two = place.search("ighandoff maxentities=50 title=a", visits(3), sid="1.1")
        self.assertEqual(link_id(one), link_id(two))

    def test_another_search_makes_another_handoff_and_knows_its_entities(self) -> None:
        place = self.place()
        first = place.search("ighandoff", visits(40), sid="1.1")
        second = place.search("ighandoff", visits(40), sid="1.2")
        self.assertNotEqual(link_id(first), link_id(second))
        self.assertEqual(len(place.handoffs()), 2)
        graph = place.service.graph(link_id(second), place.token)
        self.assertEqual({each["earlier_handoffs"] for each in graph.entities.values()}, {1})

    def test_two_ighandoff_in_one_search_are_two_handoffs(self) -> None:
        place = self.place()
        result = place.search('ighandoff title="a" | ighandoff title="b"', visits(10))
        self.done(result)
        self.rows_pass(result, visits(10))
        titles = sorted(each["title"] for each in place.handoffs())
        self.assertEqual(titles, ["a", "b"])

    def test_probes_for_getinfo_leave_no_trace(self) -> None:
        place = self.place()
        var = place.splunk.home / "var"
        before = sorted(var.rglob("*"))
        result = place.search("ighandoff", visits(5), probes=4, cancel_after=0, sid="1.1")
        self.assertEqual(result.violations, [])
        after = [path for path in sorted(var.rglob("*")) if "dispatch" not in path.parts]
        self.assertEqual(after, [path for path in before if "dispatch" not in path.parts])
        self.assertEqual(place.handoffs(), [])
        self.assertLess(max(result.probe_seconds), 2)

    def test_a_preview_sends_nothing_and_says_preview_in_each_row(self) -> None:
        place = self.place()
        result = place.search("ighandoff", visits(10), preview=True)
        self.done(result)
        self.rows_pass(result, visits(10))
        self.assertEqual(self.statuses(result), {"preview"})
        self.assertEqual((place.handoffs(), place.splunk.audit), ([], []))

    def test_a_link_is_shown_only_where_something_will_be_behind_it(self) -> None:
        place = self.place()
        preview = place.search("ighandoff", visits(10), preview=True, sid="1.1")
        dry = place.search("ighandoff dryrun=true", visits(10), sid="1.1")
        self.assertEqual({*column(preview, "intelgraph_url"), *column(dry, "intelgraph_url")}, {""})
        result = place.search("ighandoff", visits(12), sid="1.1")
        self.assertEqual([each["id"] for each in place.handoffs()], [link_id(result)])

    def test_the_same_search_run_four_times_at_once_makes_one_handoff(self) -> None:
        place = self.place()
        with ThreadPoolExecutor(4) as pool:
            runs = [
                pool.submit(place.search, "ighandoff", visits(300, sources=40), sid="1.1")
                for _ in range(4)
            ]
            results = [run.result() for run in runs]
        for result in results:
            self.done(result)
            self.assertEqual(result.messages[0].level, "INFO")
        self.assertEqual(len(place.handoffs()), 1)
        self.assertEqual(len(place.splunk.audit), 4)
        sent = [line["result"] for line in place.splunk.audit]
        self.assertEqual(sorted(sent), ["duplicate"] * 3 + ["sent"])

    def test_a_dry_run_sends_nothing_and_tells_what_it_would(self) -> None:
        place = self.place()
        result = place.search("ighandoff dryrun=true", visits(35))
        self.done(result)
        self.rows_pass(result, visits(35))
        self.assertEqual(self.statuses(result), {"dryrun"})
        self.says(result, r"\b12\b.*entit", r"(?i)dry.?run|nothing was sent|would")
        self.assertEqual((place.handoffs(), place.splunk.outbox), ([], []))

    def test_a_dry_run_needs_no_service(self) -> None:
        place = self.place()
        place.splunk.configure("http://127.0.0.1:9/", place.tenant, place.token)
        self.done(place.search("ighandoff dryrun=1", visits(3)))

    def test_a_search_that_is_cancelled_hands_nothing_off(self) -> None:
        for how in ("close", "term"):
            place = self.place()
            result = place.search(
                "ighandoff", visits(60), chunk_rows=10, cancel_after=4, cancel_how=how
            )
            self.assertEqual(result.state, "CANCELED")
            self.assertEqual(result.violations, [])
            self.assertEqual(place.handoffs(), [])


class ArgumentsTest(EndToEnd):
    def refused(self, command: str, *patterns: str, **options: object) -> None:
        place = self.place()
        result = place.search(command, visits(2), **options)
        self.assertEqual(result.state, "FAILED")
        self.assertEqual(result.violations, [])
        self.assertTrue(result.texts()[0].startswith("Error in 'ighandoff' command: "))
        self.says(result, *patterns)
        self.assertEqual(place.handoffs(), [])

    def test_an_unknown_argument_is_refused_with_the_nearest_known_one(self) -> None:
        self.refused("ighandoff titel=x", "titel", r"title=")
        self.refused("ighandoff max_entities=4", "maxentities")
        self.refused("ighandoff dry-run=true", "dryrun")

    def test_a_word_without_a_name_is_refused(self) -> None:
        self.refused("ighandoff Beaconing", "Beaconing", "name=value")

    def test_a_value_that_cannot_be_is_refused_with_what_can(self) -> None:
        self.refused("ighandoff maxentities=0", "maxentities", "1 to")
        self.refused("ighandoff maxentities=many", "maxentities")
        self.refused("ighandoff dryrun=perhaps", "dryrun", "true")
        self.refused("ighandoff title=a title=b", "title", "twice")
        self.refused('ighandoff fields=""', "fields")
        self.refused(f"ighandoff title={'x' * 5000}", "title")

    def test_a_field_that_the_mapping_lacks_is_told(self) -> None:
        place = self.place()
        result = place.search("ighandoff fields=src_ipp", visits(1))
        self.says(result, "src_ipp")

    def test_an_app_that_is_not_configured_says_what_to_set(self) -> None:
        place = self.place()
        (place.splunk.app / "local" / "intelgraph.conf").unlink()
        result = place.search("ighandoff", visits(2))
        self.says(result, "(?i)configured|url", r"intelgraph\.conf")

    def test_a_token_in_the_conf_file_itself_is_refused(self) -> None:
        place = self.place(credential="igt_0123456789abcdef_secret")
        result = place.search("ighandoff", visits(2))
        self.says(result, "credential", "file:")
        self.assertNotIn("secret", "\n".join(result.texts()))

    def test_plain_http_to_another_machine_is_refused(self) -> None:
        place = self.place()
        place.splunk.configure("http://intelgraph.example/", place.tenant, place.token)
        self.says(place.search("ighandoff", visits(2)), "url", "https")

    def test_a_wrong_setting_is_told_with_its_name_and_file(self) -> None:
        place = self.place(timeout_ms="soon")
        self.says(place.search("ighandoff", visits(2)), "timeout_ms", "soon")
        place = self.place(tennant="x")
        self.says(place.search("ighandoff", visits(2)), "tennant", "tenant", r"intelgraph\.conf")
