"""Input that lies, is cut, is huge or is no text: a clear error or the rows, never a crash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from splunkd import dialect, frame

from . import raw
from .harness import EndToEnd, Place, Row, column, visit, visits
from .raw import Outcome, body, execute, getinfo

DRY = getinfo(["dryrun=true"])
SMALL = body(["src_ip", "dest_ip", "_chunked_idx"], {"src_ip": "10.0.0.1", "_chunked_idx": "0"})


class BadFrameTest(EndToEnd):
    place_: Place

    def setUp(self) -> None:
        self.place_ = self.place()

    def feed(self, stream: bytes) -> Outcome:
        outcome = raw.feed(self.place_.splunk.command(), self.place_.splunk.home, stream)
        self.assertIn(outcome.code, (0, 1), outcome.stderr)
        self.assertNotIn("Sanitizer", outcome.stderr)
        self.assertNotIn("runtime error", outcome.stderr)
        self.assertEqual(outcome.rest, b"", "what it wrote is not whole frames")
        return outcome

    def test_a_stream_cut_at_every_byte_ends_without_a_crash_or_a_hang(self) -> None:
        stream = DRY + execute(SMALL) + execute(SMALL, finished=True)
        first, second = len(DRY), len(DRY) + len(execute(SMALL))
        cuts = range(len(stream) + 1)
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda cut: self.feed(stream[:cut]), cuts))
        for cut, outcome in enumerate(outcomes):
            good = [each for each in outcome.replies if "error" not in each.meta]
            whole = (cut >= first) + (cut >= second) + (cut >= len(stream))
            self.assertEqual(len(good), whole, f"cut at byte {cut}")
        self.assertEqual(self.place_.handoffs(), [])

    def test_a_search_that_ends_in_the_middle_hands_nothing_off(self) -> None:
        stream = getinfo([]) + execute(SMALL)
        self.feed(stream)
        self.feed(stream + execute(SMALL, finished=True)[:-3])
        self.assertEqual((self.place_.handoffs(), self.place_.splunk.outbox), ([], []))

    def test_lengths_that_lie_are_an_error(self) -> None:
        meta = b'{"action":"execute","finished":true}'
        wrong = {
            "meta too long": b"chunked 1.0,%d,%d\n" % (len(meta) + 9, len(SMALL)),
            "meta too short": b"chunked 1.0,%d,%d\n" % (len(meta) - 9, len(SMALL) + 9),
            "body too long": b"chunked 1.0,%d,%d\n" % (len(meta), len(SMALL) + 1000),
            "body too short": b"chunked 1.0,%d,%d\n" % (len(meta), len(SMALL) - 5),
            "more than there is memory": b"chunked 1.0,%d,999999999999999\n" % len(meta),
            "meta of gigabytes": b"chunked 1.0,4294967295,0\n",
            "more than 64 bits": b"chunked 1.0,%d,99999999999999999999999\n" % len(meta),
            "negative": b"chunked 1.0,%d,-1\n" % len(meta),
            "no number": b"chunked 1.0,x,y\n",
            "no header": b"",
            "another version": b"chunked 2.0,%d,%d\n" % (len(meta), len(SMALL)),
            "no end of line": b"chunked 1.0,36,36" * 100,
        }
        for name, header in wrong.items():
            with self.subTest(name):
                outcome = self.feed(DRY + header + meta + SMALL)
                told = outcome.errors or outcome.stderr.strip()
                self.assertTrue(told or name in ("meta too long", "body too long"))

    def test_metadata_that_is_not_what_it_must_be_is_an_error_with_finished(self) -> None:
        wrong = [
            b"",
            b"[]",
            b"{",
            b"null",
            b'{"action":"getinfo"}',
            b'{"action":"getinfo","searchinfo":[]}',
            b'{"action":"getinfo","searchinfo":{"args":"title=x"}}',
            b'{"action":"getinfo","searchinfo":{"args":[1]}}',
            b'{"action":"dance"}',
            b'{"action":"execute","finished":true}',
            b'{"action":"getinfo","searchinfo":{"args":["title=\xff"]}}',
            b"[" * 100000,
        ]
        for meta in wrong:
            with self.subTest(meta[:60]):
                outcome = self.feed(b"chunked 1.0,%d,0\n" % len(meta) + meta)
                for reply in outcome.replies:
                    if "error" in reply.meta:
                        self.assertIs(reply.meta["finished"], True)

    def test_execute_metadata_without_finished_or_of_another_type(self) -> None:
        for meta in (b'{"action":"execute"}', b'{"action":"execute","finished":"yes"}', b"{}"):
            with self.subTest(meta):
                self.feed(DRY + frame.encode_raw(meta, SMALL))

    def test_csv_that_is_broken_is_an_error_that_says_where(self) -> None:
        wrong = {
            b'src_ip,"_chunked_idx"\n"10.0.0.1,0\n': "(?i)quote",
            b'src_ip,"_chunked_idx"\n1,0,9,9\n': "(?i)cell|column",
        }
        for text, reason in wrong.items():
            with self.subTest(text):
                outcome = self.feed(DRY + execute(text, finished=True))
                self.assertRegex("\n".join(outcome.errors), reason)

    def test_keys_that_old_servers_lack_are_not_missed(self) -> None:
        old = frame.encode({"action": "getinfo", "searchinfo": {"args": ["dryrun=t"]}})
        outcome = self.feed(old + execute(SMALL, finished=True))
        self.assertEqual(outcome.errors, [])
        self.assertEqual(len(outcome.replies), 2)

    def test_numbers_may_come_as_numbers_or_as_text(self) -> None:
        for latest in (1599172248.0, "1599172248", "0", 0, ""):
            info = getinfo(["dryrun=1"], latest_time=latest, maxresultrows="50000")
            outcome = self.feed(info + execute(SMALL, finished=True))
            self.assertEqual(outcome.errors, [])


class HardRowsTest(EndToEnd):
    def pass_through(self, rows: list[Row], command: str = "ighandoff", **options: object) -> Place:
        place = self.place()
        result = place.search(command, rows, **options)
        self.done(result)
        self.rows_pass(result, rows)
        return place

    def test_nul_bytes_pass(self) -> None:
        rows = [visit(1, "10.0.0.1", "198.51.100.1", user="a\0b"), visit(2, "10\0", "1.2.3.4")]
        self.pass_through(rows)

    def test_bytes_that_are_not_utf8_pass_and_the_service_still_gets_its_graph(self) -> None:
        rows = [visit(1, "10.0.0.1", "198.51.100.1", user="m\udcfcller", query="\udcff.example")]
        place = self.pass_through(rows)
        self.assertEqual(len(place.handoffs()), 1)

    def test_quotes_newlines_commas_and_dollars_pass(self) -> None:
        hard = ['"', '""', "\n", "\r\n", ",", "$", "$a$;$b$", "\\", "=1+1", "\u2028", " ", "\u200b"]
        rows = [visit(n, "10.0.0.1", "198.51.100.1", user=text) for n, text in enumerate(hard)]
        rows.append(visit(50, "10.0.0.1", "198.51.100.1", user=hard))
        self.pass_through(rows)

    def test_one_field_of_20_mb_passes(self) -> None:
        huge = 'x"\n' * (20 * 1024 * 1024 // 3)
        rows = [visit(1, "10.0.0.1", "198.51.100.1", user=huge), visit(2, "10.0.0.2", "1.2.3.4")]
        self.pass_through(rows)

    def test_sixty_thousand_rows_in_one_chunk_pass(self) -> None:
        rows = visits(60000, sources=97, dests=89)
        place = self.place()
        result = place.search("ighandoff", rows, chunk_rows=60000, keep_bodies=False)
        self.done(result)
        self.rows_pass(result, rows)
        self.assertEqual(place.handoffs()[0]["rows"], 60000)

    def test_memory_does_not_grow_with_the_number_of_rows(self) -> None:
        peaks = []
        for count in (10000, 50000):
            place = self.place()
            result = place.search(
                "ighandoff dryrun=true", visits(count), chunk_rows=2500, keep_bodies=False
            )
            self.done(result)
            peaks.append(result.peak_kb)
        self.assertLess(peaks[1], peaks[0] * 1.3 + 2048)

    def test_a_multivalue_of_many_thousand_values_passes(self) -> None:
        many = [f"203.0.113.{n % 250}" for n in range(30000)]
        self.pass_through([visit(1, "10.0.0.1", "198.51.100.1", answers=many)])

    def test_columns_that_the_app_adds_are_replaced_when_they_are_there(self) -> None:
        place = self.place()
        rows = [visit(1, "10.0.0.1", "198.51.100.1", intelgraph_status="forged")]
        result = place.search("ighandoff", rows, last_empty=False)
        self.done(result)
        self.assertEqual(column(result, "intelgraph_status"), ["sent"])

    def test_forged_columns_in_a_body_give_way_with_their_twins(self) -> None:
        place = self.place()
        forged = body(
            ["src_ip", "intelgraph_url", "_chunked_idx"],
            {
                "src_ip": "10.0.0.1",
                "intelgraph_url": ["http://evil.test/", "b"],
                "_chunked_idx": "0",
            },
        )
        stream = DRY + execute(forged, finished=True)
        outcome = raw.feed(place.splunk.command(), place.splunk.home, stream)
        self.assertEqual(outcome.errors, [])
        table = dialect.read_body(outcome.replies[1].body)
        self.assertNotIn("evil.test", str(table.rows))

    def test_empty_and_header_only_chunks_are_answered(self) -> None:
        place = self.place()
        header = body(["src_ip", "_chunked_idx"])
        chunks = [b"", header, SMALL, b"", header]
        stream = DRY + b"".join(execute(each) for each in chunks) + execute(b"", finished=True)
        outcome = raw.feed(place.splunk.command(), place.splunk.home, stream)
        self.assertEqual(outcome.errors, [])
        finished = [reply.meta["finished"] for reply in outcome.replies[1:]]
        self.assertEqual(finished, [False] * 5 + [True])

    def test_columns_may_change_from_chunk_to_chunk(self) -> None:
        place = self.place()
        one = body(["src_ip", "_chunked_idx"], {"src_ip": "10.0.0.1", "_chunked_idx": "0"})
        two = body(
            ["user", "dest_ip", "_chunked_idx"],
            {"user": "mara", "dest_ip": "198.51.100.1", "_chunked_idx": "0"},
        )
        stream = DRY + execute(one) + execute(two, finished=True)
        outcome = raw.feed(place.splunk.command(), place.splunk.home, stream)
        counts = [
            dialect.read_body(reply.body).rows[0]["intelgraph_entities"]
            for reply in outcome.replies[1:]
        ]
        self.assertEqual(counts, ["1", "2"])
