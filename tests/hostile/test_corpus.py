"""Each file of the corpus, sent to the release program: what its first line says is what comes."""

from __future__ import annotations

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from e2e.harness import Service

from .corpus import Case, cases
from .raw_http import LONGEST_S, Outcome, exchange

TENANT = "hostile"


def complaint(case: Case, outcome: Outcome) -> str:
    """What differs from the case's first line; "" when nothing does."""
    body = outcome.replies[-1].body.decode("utf-8", "replace") if outcome.replies else ""
    got = f"{outcome.statuses} {'closed' if outcome.closed else 'open'} {body[:200]!r}"
    if any(status >= 500 and status not in (501, 505) for status in outcome.statuses):
        return f"an error of the server: {got}"
    if outcome.seconds > LONGEST_S:
        return f"took {outcome.seconds:.1f} s: {got}"
    may_be_cut = case.replies and "cut" in case.replies[0]
    if outcome.replies or not may_be_cut:
        if len(outcome.replies) != len(case.replies):
            return f"{len(case.replies)} replies were expected: {got}"
        for status, allowed in zip(outcome.statuses, case.replies, strict=True):
            if str(status) not in allowed:
                return f"{'|'.join(sorted(allowed))} was expected: {got}"
        if case.end and outcome.closed != (case.end == "closed"):
            return f"{case.end} was expected: {got}"
    if case.says not in body:
        return f"{case.says!r} was expected: {got}"
    return ""


class CorpusTest(unittest.TestCase):
    service: Service
    token: str
    maxDiff = 4000

    @classmethod
    def setUpClass(cls) -> None:
        folder = TemporaryDirectory(prefix="ig-hostile-")
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(Path(folder.name) / "data")
        cls.service.start()
        cls.addClassCleanup(cls.service.stop)
        cls.token = cls.service.token(TENANT, role="admin")

    def answered_as_expected(self, case: Case) -> None:
        said = len(self.service.said())
        stream = case.stream(token=self.token)
        outcome = exchange(("127.0.0.1", self.service.port), stream, len(case.replies))
        self.assertEqual(complaint(case, outcome), "", case.why)
        self.assertNotIn("route=/metrics", self.service.said()[said:], "it was smuggled in")

    def test_all_folders_are_read(self) -> None:
        groups = {case.name.partition("/")[0] for case in CASES}
        self.assertEqual(groups, {"floods", "framing", "gzip", "json", "paths", "smuggling"})
        self.assertGreater(len(CASES), 300)


CASES = cases()
for _case in CASES:  # a test each: "Corpus: smuggling/cl te"
    setattr(
        CorpusTest,
        f"test_{_case.name}",
        lambda self, case=_case: CorpusTest.answered_as_expected(self, case),
    )
