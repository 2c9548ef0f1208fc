"""Conf files, arguments, CSV, frames: the parts without a process."""

from __future__ import annotations

import gzip
import unittest

from splunkd import dialect, frame, spl
from splunkd.conf import ConfError, layer, parse_conf
from splunkd.dialect import DialectError
from splunkd.frame import ProtocolError

from .support import RECORDINGS


class ConfTest(unittest.TestCase):
    def test_a_comment_is_a_whole_line_and_a_value_may_hold_a_hash(self) -> None:
        conf = parse_conf("# no\n[a]\n  # no\nx = 1 # kept\n")
        self.assertEqual(conf["a"], {"x": "1 # kept"})

    def test_a_line_that_ends_with_a_backslash_goes_on(self) -> None:
        self.assertEqual(parse_conf("[a]\nx = 1\\\n2\\\n3\ny=4\n")["a"], {"x": "1\n2\n3", "y": "4"})

    def test_local_wins_key_by_key_and_default_fills_the_rest(self) -> None:
        low = parse_conf("[default]\nz = d\n[a]\nx = 1\ny = 1\n")
        high = parse_conf("[default]\nx = no\n[a]\ny = 2\n[b]\n")
        merged = layer(low, high)
        self.assertEqual(merged["a"], {"x": "1", "y": "2", "z": "d"})
        self.assertEqual(merged["b"], {"x": "no", "z": "d"})

    def test_a_line_that_is_neither_key_nor_stanza_is_refused_with_its_number(self) -> None:
        for text in ("[a]\nnonsense\n", "[a]\n= 1\n", "x=1\n[a\n"):
            with self.subTest(text), self.assertRaisesRegex(ConfError, "line 2|line 2"):
                parse_conf(text)


class ArgumentsTest(unittest.TestCase):
    def check(self, text: str, args: list[str], raw: list[str]) -> None:
        self.assertEqual(spl.split_arguments(text), spl.Arguments(args, raw))

    def test_quotes_come_off_args_and_stay_in_raw_args(self) -> None:
        self.check(
            'a=one b = "two" "c"="three"',
            ["a=one", "b", "=", "two", "c=three"],
            ["a=one", "b", "=", '"two"', '"c"="three"'],
        )

    def test_escapes_are_undone_within_double_quotes_and_single_quotes_stay(self) -> None:
        self.check(
            r'''r="A \"b\" C" 's'="q\\r"''',
            ['r=A "b" C', r"'s'=q\r"],
            [r'r="A \"b\" C"', r"""'s'="q\\r" """.strip()],
        )

    def test_commas_between_field_names_are_dropped(self) -> None:
        self.check("a, b,c d=e,f", ["a", "b", "c", "d=e,f"], ["a", "b", "c", "d=e,f"])

    def test_a_pipe_within_quotes_is_text(self) -> None:
        self.assertEqual(spl.split_pipeline('a | b x="|\\"|" | c'), ["a", 'b x="|\\"|"', "c"])

    def test_a_quote_that_is_not_closed_is_refused(self) -> None:
        with self.assertRaises(spl.SplError):
            spl.split_arguments('a="b')


class DialectTest(unittest.TestCase):
    def test_only_letters_and_digits_are_bare(self) -> None:
        body = dialect.write_body(["a", "_b"], [{"a": "x9", "_b": "1.5"}, {"a": 'q"', "_b": ""}])
        want = 'a,"_b","__mv_a","__mv__b"\nx9,"1.5",,\n"q""",,,\n'
        self.assertEqual(body, want.encode())

    def test_a_multivalue_is_joined_by_line_feeds_and_has_its_twin(self) -> None:
        body = dialect.write_body(["m"], [{"m": ["a$", "b"]}])
        self.assertEqual(body, b'm,"__mv_m"\n"a$\nb","$a$$$;$b$"\n')
        self.assertEqual(dialect.read_body(body).rows, [{"m": ["a$", "b"]}])

    def test_bytes_that_are_not_utf8_come_back_as_they_were(self) -> None:
        body = b'm,"__mv_m"\n"\xff\x00\xfe",\n'
        table = dialect.read_body(body)
        self.assertEqual(dialect.write_body(table.columns, table.rows), body)

    def test_twins_may_stand_between_or_be_left_out(self) -> None:
        self.assertEqual(dialect.read_body(b"a,__mv_a,b\r\n1,,2\r\n").rows, [{"a": "1", "b": "2"}])

    def test_what_is_not_a_table_is_refused(self) -> None:
        wrong = {
            b"a,a\n1,2\n": "twice",
            b"a,b\n1\n": "1 cells under 2",
            b"a\n1,2\n": "2 cells under 1",
            b"__mv_a\n\n": "not its plain",
            b"a,__mv_a\n1,$1\n": r"not \$a\$",
            b"a,__mv_a\n1,$2$\n": "other values",
            b'a\n"1\n': "",
            b'a\n"1"2\n': "",
            b"a,\n1,2\n": "without a name",
        }
        for body, reason in wrong.items():
            with self.subTest(body), self.assertRaisesRegex(DialectError, reason):
                dialect.read_body(body)

    def test_raw_cells_keep_their_quotes(self) -> None:
        cells = dialect.raw_cells(b'a,"b"\n"x\n""y",\n')
        self.assertEqual(cells, [[b"a", b'"b"'], [b'"x\n""y"', b""]])


class FrameTest(unittest.TestCase):
    def test_a_frame_comes_back_as_it_was_written(self) -> None:
        wire = frame.encode({"finished": True, "t": "ä"}, b"body")
        self.assertEqual(frame.frame_length(wire + b"more"), len(wire))
        self.assertEqual(frame.decode(wire).wire, wire)

    def test_any_other_header_is_refused(self) -> None:
        wrong = [b"chunked 1.0, 2,0\n{}", b"chunked 1.0,02,0\n{}", b"chunked 1.0,2,0\r\n{}"]
        for header in [*wrong, b"chunked 1.1,2,0\n{}", b"Chunked 1.0,2,0\n", b"x" * 100]:
            with self.subTest(header), self.assertRaises(ProtocolError):
                frame.frame_length(header)

    def test_metadata_that_is_no_object_is_refused(self) -> None:
        for meta in (b"[]", b"{", b'{"a":1,"a":2}', b'{"a":"\xff"}'):
            with self.subTest(meta), self.assertRaises(ProtocolError):
                frame.decode(frame.encode_raw(meta, b""))

    def test_a_header_not_yet_whole_is_waited_for(self) -> None:
        self.assertIsNone(frame.frame_length(b"chunked 1.0,2"))


class RecordingTest(unittest.TestCase):
    """What splunkd wrote, our writer writes too."""

    def test_every_recorded_execute_body_is_reproduced_byte_for_byte(self) -> None:
        if not RECORDINGS.is_dir():
            self.skipTest("no recordings beside this clone")
        bodies = rows = 0
        for path in sorted(RECORDINGS.glob("*.input*")):
            stream = path.read_bytes()
            stream = gzip.decompress(stream) if path.suffix == ".gz" else stream
            for chunk in frame.split_stream(stream):
                if not chunk.body:
                    continue
                table = dialect.read_body(chunk.body)
                again = dialect.write_body(table.columns, table.rows)
                self.assertEqual(again, chunk.body, path.name)
                bodies, rows = bodies + 1, rows + len(table.rows)
                self.assertEqual(chunk.wire, frame.encode_raw(chunk.meta_bytes, chunk.body))
        self.assertGreater(bodies, 15)
        self.assertGreater(rows, 40000)

    def test_every_recorded_reply_is_accepted_by_the_reader(self) -> None:
        if not RECORDINGS.is_dir():
            self.skipTest("no recordings beside this clone")
        for path in sorted(RECORDINGS.glob("*.output")):
            for chunk in frame.split_stream(path.read_bytes()):
                dialect.read_body(chunk.body)
