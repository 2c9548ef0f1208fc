"""What real splunkd servers sent, replayed into the command."""

from __future__ import annotations

import gzip
from pathlib import Path

from splunkd import dialect, frame
from splunkd.frame import Frame

from . import raw
from .harness import NEW_COLUMNS, SHARED, EndToEnd
from .test_main_job import kept_cells

RECORDINGS = SHARED / "recordings"


def recordings() -> list[tuple[Path, bytes, list[Frame]]]:
    found = []
    for path in sorted(RECORDINGS.glob("*.input*")):
        stream = path.read_bytes()
        stream = gzip.decompress(stream) if path.suffix == ".gz" else stream
        found.append((path, stream, list(frame.split_stream(stream))))
    return found


class RecordingTest(EndToEnd):
    def setUp(self) -> None:
        if not RECORDINGS.is_dir():
            self.skipTest("no recordings beside this clone")

    def test_every_recording_as_it_is_gets_a_clean_answer(self) -> None:
        place = self.place()
        spec = place.splunk.command()
        for path, stream, chunks in recordings():
            with self.subTest(path.name):
                outcome = raw.feed(spec, place.splunk.home, stream)
                self.assertIn(outcome.code, (0, 1), outcome.stderr)
                self.assertEqual(outcome.rest, b"")
                self.assertEqual(outcome.stderr, "")
                args = chunks[0].meta["searchinfo"]["args"]
                if args:
                    self.assertLessEqual(len(outcome.replies), len(chunks))
                    for reply in outcome.replies:
                        self.assertIs(reply.meta["finished"], True)
                        self.assertTrue(reply.meta["error"])
                else:
                    self.assertEqual(outcome.errors, [])
                    self.assertEqual(len(outcome.replies), len(chunks))

    def test_every_recorded_chunk_passes_byte_for_byte_without_the_other_commands_arguments(
        self,
    ) -> None:
        place = self.place()
        spec = place.splunk.command()
        rows = 0
        for path, _, chunks in recordings():
            with self.subTest(path.name):
                stream = raw.with_args(chunks[0], []) + b"".join(each.wire for each in chunks[1:])
                outcome = raw.feed(spec, place.splunk.home, stream)
                self.assertEqual((outcome.code, outcome.errors), (0, []), outcome.stderr)
                self.assertEqual(len(outcome.replies), len(chunks))
                for sent, got in zip(chunks[1:], outcome.replies[1:], strict=True):
                    rows += self.same_chunk(sent, got)
        self.assertGreater(rows, 40000)

    def same_chunk(self, sent: Frame, got: Frame) -> int:
        """The number of rows; each is what it was, with the new columns."""
        self.assertEqual(got.meta["finished"], sent.meta["finished"])
        asked = dialect.read_body(sent.body)
        if not asked.rows:
            return 0
        self.assertEqual(kept_cells(got.body), kept_cells(sent.body))
        answered = dialect.read_body(got.body)
        self.assertLessEqual(set(NEW_COLUMNS), set(answered.columns))
        return len(answered.rows)

    def test_a_reply_lies_within_its_request_and_the_next(self) -> None:
        """Lock step: the reply to each chunk comes before the next chunk is sent."""
        from splunkd.process import CommandProcess

        place = self.place()
        for path, _, chunks in recordings():
            if path.name.startswith("pypy"):
                continue
            process = CommandProcess(
                place.splunk.command(), place.splunk.home, lambda pid, line: self.fail(line)
            )
            try:
                with self.subTest(path.name):
                    process.exchange(raw.with_args(chunks[0], ["dryrun=true"]), 30)
                    for chunk in chunks[1:]:
                        reply = process.exchange(chunk.wire, 30)
                        self.assertEqual(reply.meta["finished"], chunk.meta["finished"])
                    self.assertEqual(process.finish(30), (0, b""))
            finally:
                process.close()
