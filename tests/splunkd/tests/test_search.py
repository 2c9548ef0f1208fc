"""Commands that behave, and commands that break each rule."""

from __future__ import annotations

import json
import os
from typing import Any

from splunkd import SearchOptions, find_command, install_app, run_search
from splunkd.app import InstallError, platform_folder

from .support import CommandTestCase


class LookupTest(CommandTestCase):
    def test_the_platform_folder_goes_before_bin(self) -> None:
        own = platform_folder()
        if not own:
            self.skipTest("this machine has no platform folder")
        self.program()
        install_app(self.home, self.app)
        self.assertEqual(find_command(self.home, "echo").program.parent.name, "bin")
        self.program(path=f"{own}/bin/echo.py")
        install_app(self.home, self.app)
        spec = find_command(self.home, "echo")
        self.assertEqual(spec.program.parent.parent.name, own)
        self.assertEqual(spec.folder, self.home / "etc/apps/little/bin")

    def test_arguments_come_in_order_with_splunk_home_put_in(self) -> None:
        self.program()
        lines = "".join(f"command.arg.{n} = a{n}\n" for n in (10, 9, 8, 7, 6, 5, 4, 3, 1))
        text = f"[echo]\nchunked = true\nfilename = echo.py\n{lines}command.arg.2=$SPLUNK_HOME/x"
        self.write("default/commands.conf", text)
        install_app(self.home, self.app)
        found = find_command(self.home, "echo").arguments
        self.assertEqual(found, ("a1", f"{self.home}/x", *(f"a{n}" for n in range(3, 11))))

    def test_without_filename_the_stanza_name_is_tried_with_extensions_and_without(self) -> None:
        self.write("default/commands.conf", "[echo]\nchunked = true\n")
        self.program(path="bin/echo")
        install_app(self.home, self.app)
        self.assertEqual(find_command(self.home, "echo").program.name, "echo")
        self.program(path="bin/echo.sh")
        install_app(self.home, self.app)
        self.assertEqual(find_command(self.home, "echo").program.name, "echo.sh")

    def test_a_command_is_unknown_elsewhere_unless_exported(self) -> None:
        self.program()
        self.write("metadata/default.meta", "[commands]\nexport = none\n")
        install_app(self.home, self.app)
        find_command(self.home, "echo", "little")
        with self.assertRaisesRegex(InstallError, "Unknown search command 'echo'"):
            find_command(self.home, "echo", "search")

    def test_local_settings_win(self) -> None:
        self.program()
        install_app(self.home, self.app, {"commands": {"echo": {"is_risky": "true"}}})
        self.assertTrue(find_command(self.home, "echo").is_risky)

    def test_what_splunkd_could_not_start_is_refused(self) -> None:
        wrong = {
            "chunked = true\nfilename = none": "neither",
            "chunked = true\nfilename = ../echo.py": "not a path",
            "chunked = false\nfilename = echo.py": "chunked is not true",
            "chunked = true\nfilename = echo.py\nstreaming = true": "not valid",
            "chunked = true\nfilename = echo.py\ncommand.arg.2 = x": "count from 1",
        }
        self.program()
        for text, reason in wrong.items():
            with self.subTest(reason), self.assertRaisesRegex(InstallError, reason):
                self.write("default/commands.conf", f"[echo]\n{text}\n")
                install_app(self.home, self.app)
                find_command(self.home, "echo")

    def test_a_program_that_is_not_executable_is_refused(self) -> None:
        self.program().chmod(0o644)
        install_app(self.home, self.app)
        with self.assertRaisesRegex(InstallError, "not executable"):
            find_command(self.home, "echo")


class RunTest(CommandTestCase):
    def test_only_required_fields_are_sent_and_rows_are_joined_back(self) -> None:
        result = self.search(keep_bodies=True)
        self.assertTrue(result.ok, result.violations)
        self.assertEqual(result.rows, [{"a": "1", "c": "x-y"}, {"a": "2", "c": "z"}])
        head = b'a,b,"_chunked_idx","__mv_a","__mv_b","__mv__chunked_idx"\n'
        bodies = [exchange.request_body for exchange in result.exchanges]
        self.assertEqual(bodies, [head + b"1,,0,,,\n2,,1,,,\n", head, head])
        finished = [exchange.request_meta["finished"] for exchange in result.exchanges]
        self.assertEqual(finished, [False, False, True])

    def test_a_new_column_reaches_the_full_rows(self) -> None:
        change = """
            def execute(meta, body):
                lines = body.decode().splitlines()
                out = [lines[0] + ",new"] + [line + ",n%d" % n for n, line in enumerate(lines[1:])]
                write({"finished": meta["finished"]}, ("\\n".join(out) + "\\n").encode())
        """
        result = self.search(change)
        self.assertEqual([row.get("new") for row in result.rows], ["n0", "n1"])
        self.assertEqual(result.columns, ["a", "c", "new"])

    def test_without_required_fields_all_columns_go_and_the_reply_replaces_them(self) -> None:
        change = 'def getinfo(meta): write({"type": "events"})'
        result = self.search(change, keep_bodies=True)
        self.assertTrue(result.ok, result.violations)
        self.assertTrue(result.exchanges[0].request_body.startswith(b'a,c,"__mv_a"'))
        self.assertEqual(result.rows, [{"a": "1", "c": "x-y"}, {"a": "2", "c": "z"}])

    def test_multivalues_make_the_round_trip(self) -> None:
        rows: list[dict[str, Any]] = [{"a": ["x$", "", "y\n"], "b": ["one"]}]
        self.assertEqual(self.search(rows=rows).rows, [{"a": ["x$", "", "y\n"], "b": "one"}])

    def test_chunks_are_as_large_as_asked_for(self) -> None:
        rows = [{"a": str(n)} for n in range(25)]
        result = self.search(
            rows=rows, chunk_rows=10, empty_chunk=False, last_empty=False, keep_bodies=True
        )
        self.assertEqual([len(each.sent.rows) for each in result.exchanges], [10, 10, 5])
        self.assertEqual([row["a"] for row in result.rows], [row["a"] for row in rows])

    def test_a_search_without_rows_still_gets_its_last_chunk(self) -> None:
        result = self.search(rows=[], keep_bodies=True)
        self.assertTrue(result.ok, result.violations)
        self.assertEqual(len(result.exchanges), 1)

    def test_the_command_sees_what_splunkd_gives(self) -> None:
        change = """
            def getinfo(meta):
                seen = {"meta": meta, "cwd": os.getcwd(), "env": dict(os.environ)}
                json.dump(seen, open(os.environ["SPLUNK_HOME"] + "/seen", "w"))
                write({"type": "stateful", "required_fields": ["a"]})
        """
        self.search(change, user="mara", earliest_time="1763863200")
        seen = json.loads((self.home / "seen").read_text())
        info = seen["meta"]["searchinfo"]
        self.assertEqual(info["args"], ["x=1"])
        self.assertEqual(info["username"], "mara")
        self.assertEqual(info["search"], "index%3Dmain%20%7C%20echo%20x%3D1")
        self.assertEqual(info["earliest_time"], "1763863200")
        self.assertEqual(len(info["session_key"]), 120)
        self.assertTrue(os.path.isdir(info["dispatch_dir"]))
        self.assertEqual(seen["cwd"], str((self.home / "etc/apps/little/bin").resolve()))
        self.assertEqual(seen["env"]["LD_LIBRARY_PATH"], f"{self.home}/lib")
        self.assertNotIn("HOME", seen["env"])

    def test_probes_get_no_dispatch_folder_and_must_end_with_zero(self) -> None:
        change = """
            def getinfo(meta):
                probe = not meta["searchinfo"]["dispatch_dir"]
                with open(os.environ["SPLUNK_HOME"] + "/starts", "a") as starts:
                    starts.write("probe\\n" if probe else "run\\n")
                write({"type": "stateful", "required_fields": ["a"]})
        """
        self.assertTrue(self.search(change, probes=2).ok)
        self.assertEqual((self.home / "starts").read_text().split(), ["probe", "probe", "run"])
        result = self.search("import atexit; atexit.register(os._exit, 3)", probes=1)
        self.assertIn("probe: exit 3", result.violations[0])

    def test_a_generating_command_is_asked_until_it_has_finished(self) -> None:
        change = """
            calls = []
            def getinfo(meta):
                write({"type": "stateful", "generating": True, "required_fields": ["a"]})
            def execute(meta, body):
                calls.append(1)
                write({"finished": len(calls) == 3}, b"a\\n%d\\n" % len(calls))
        """
        result = self.search(change, rows=[])
        self.assertTrue(result.ok, result.violations)
        self.assertEqual([row["a"] for row in result.rows], ["1", "2", "3"])

    def test_two_commands_of_one_pipeline_run_one_after_the_other(self) -> None:
        self.program()
        install_app(self.home, self.app)
        options = SearchOptions(sid="1.1", probes=0)
        result = run_search(self.home, "echo a=1 | echo a=2", [{"a": "1"}], options)
        self.assertEqual(len([line for line in result.log if "Running process" in line]), 2)
        self.assertEqual(result.rows, [{"a": "1"}])

    def test_stderr_becomes_error_lines_of_the_log_and_fails_nothing(self) -> None:
        result = self.search('print("oh dear", file=sys.stderr, flush=True)')
        self.assertTrue(result.ok)
        self.assertEqual(result.stderr_lines(), ["oh dear"])

    def test_a_large_chunk_does_not_block_on_full_pipes(self) -> None:
        rows = [{"a": "x" * 3000000, "b": "-" * 3000000}]
        self.assertTrue(self.search(rows=rows, reply_s=30).ok)

    def test_cancelling_closes_the_pipes_and_waits_for_the_end(self) -> None:
        change = """
            def main():
                getinfo(read()[0])
                try:
                    while (chunk := read()) is not None:
                        execute(*chunk)
                except OSError:
                    os._exit(0)
        """
        rows = [{"a": "x" * 100000} for _ in range(30)]
        result = self.search(change, rows=rows, chunk_rows=10, cancel_after=2)
        self.assertEqual((result.state, result.exit_codes), ("CANCELED", [0]))


class StrictTest(CommandTestCase):
    def refused(self, reason: str, change: str, **options: Any) -> None:
        result = self.search(change, reply_s=1.0, exit_s=0.5, **options)
        self.assertFalse(result.ok)
        self.assertRegex("\n".join(result.violations), reason)

    def execute(self, reason: str, *statements: str, **options: Any) -> None:
        lines = "".join(f"\n    {statement}" for statement in statements)
        self.refused(reason, f"def execute(meta, body):{lines}", **options)

    def test_two_replies_to_one_request(self) -> None:
        reply = 'write({"finished": meta["finished"]}, body)'
        self.execute("one reply a request|two replies|request unread", reply, reply)

    def test_a_late_second_reply_to_the_last_request(self) -> None:
        late = 'meta["finished"] and (__import__("time").sleep(.1), write({"finished": True}))'
        self.execute("bytes after the last reply", 'write({"finished": meta["finished"]})', late)

    def test_a_reply_that_begins_before_the_request_was_read(self) -> None:
        change = """
            def main():
                getinfo(read()[0])
                os.read(0, 10)
                write({"finished": False})
                import time; time.sleep(3)
        """
        rows = [{"a": "x" * 1000000}]
        self.refused("could have read the whole request", change, rows=rows)
        self.refused("bytes of the request unread", change, rows=[{"a": "x" * 1000}])

    def test_a_length_that_lies(self) -> None:
        body = 'data = b"chunked 1.0,18,%d\\n" + b\'{"finished":false}\' + body'
        send = "stdout.write(data % (len(body) {})); stdout.flush()"
        self.execute("no whole reply in time", body, send.format("+ 5"))
        self.execute("followed by", body, send.format("- 5"))

    def test_finished_that_is_missing_or_not_echoed(self) -> None:
        self.execute("lacks `finished`", "write({}, body)")
        self.execute("not echoed", 'write({"finished": True}, body)')
        self.execute("finished is no bool", 'write({"finished": 0}, body)')

    def test_a_member_that_splunkd_does_not_know(self) -> None:
        self.execute("'partial'", 'write({"finished": False, "partial": True}, body)')
        self.refused("'eventing'|type: eventing", 'def getinfo(m): write({"type": "eventing"})')

    def test_a_row_number_that_is_missing_doubled_or_beyond(self) -> None:
        head = 'write({"finished": meta["finished"]}, b"%s")'
        self.execute("have no _chunked_idx", head % "a\\n1\\n")
        self.execute("comes back twice", head % "a,_chunked_idx\\n1,0\\n1,0\\n")
        self.execute("beyond the 2 rows", head % "a,_chunked_idx\\n1,2\\n")
        self.execute("no row number", head % "a,_chunked_idx\\n1,\\n")

    def test_a_header_that_does_not_name_every_column(self) -> None:
        head = 'write({"finished": meta["finished"]}, b"%s")'
        self.execute("3 cells under 2", head % "a,_chunked_idx\\n1,0,new\\n")

    def test_a_message_twice_or_of_an_unknown_level(self) -> None:
        for messages in ([["INFO", "a"], ["INFO", "a"]], [["NOTICE", "a"]], [["INFO", 3]]):
            change = (
                f'write({{"finished": meta["finished"], "inspector": {{"messages": {messages}}}}})'
            )
            self.execute(
                "inspector message refused",
                f'if not meta["finished"]: {change}',
                'else: write({"finished": True})',
            )

    def test_a_command_that_never_answers_or_never_ends(self) -> None:
        self.execute("no whole reply in time", "import time; time.sleep(5)")
        self.execute(
            "did not end",
            'write({"finished": meta["finished"]})',
            'meta["finished"] and __import__("time").sleep(5)',
        )

    def test_text_on_stdout(self) -> None:
        self.refused(
            "not a frame header|request unread", 'print("hello, I am a command. " * 9, flush=True)'
        )


class FailureTest(CommandTestCase):
    """How the job looks after each way to fail."""

    def test_the_error_key_fails_the_job_with_its_text(self) -> None:
        for hook in ("getinfo(meta)", "execute(meta, body)"):
            change = f'def {hook}: write({{"finished": True, "error": "no such thing"}})'
            result = self.search(change)
            self.assertEqual(result.state, "FAILED")
            self.assertEqual(result.texts(), ["Error in 'echo' command: no such thing"])
            self.assertEqual(result.violations, [])

    def test_an_exit_code_after_the_last_chunk_is_ignored(self) -> None:
        result = self.search("import atexit; atexit.register(os._exit, 1)")
        self.assertTrue(result.ok)
        self.assertEqual(result.exit_codes, [1])

    def test_an_exit_in_the_middle_fails_the_job_and_keeps_its_message(self) -> None:
        change = """
            def execute(meta, body):
                write({"finished": False, "inspector": {"messages": [["ERROR", "why"]]}}, body)
                sys.exit(1)
        """
        result = self.search(change)
        self.assertEqual(result.state, "FAILED")
        self.assertEqual(result.texts("ERROR"), ["why"])
        self.assertIn("exited unexpectedly with non-zero error code 1.", result.texts("FATAL")[0])

    def test_a_message_of_getinfo_is_lost_when_the_command_exits(self) -> None:
        change = """
            def getinfo(meta):
                write({"type": "stateful", "inspector": {"messages": [["ERROR", "why"]]}})
                sys.exit(1)
        """
        result = self.search(change)
        self.assertEqual((result.state, result.texts("ERROR")), ("FAILED", []))
        self.assertIn("EOF while attempting to read transport header", "\n".join(result.log))
        self.assertIn("Error adding inspector message", "\n".join(result.log))

    def test_a_cut_reply_fails_the_job(self) -> None:
        change = (
            'def execute(m, b): stdout.write(b"chunked 1.0,18,0\\n{"); stdout.flush(); os._exit(0)'
        )
        result = self.search(change)
        self.assertEqual(result.state, "FAILED")
        self.assertIn("read_size=18", "\n".join(result.violations))

    def test_a_command_that_is_not_there_fails_the_job(self) -> None:
        result = run_search(self.home, "index=main | nothere", [])
        self.assertEqual(result.texts(), ["Unknown search command 'nothere'."])
