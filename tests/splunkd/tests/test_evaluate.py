"""The commands of Splunk's own that the stand-in can run over rows."""

from __future__ import annotations

import unittest
from typing import Any

from splunkd.evaluate import Expression, Pipeline
from splunkd.spl import SplError

ROWS = [
    {"_time": 1, "user": "mara", "n": 2, "r": "sent"},
    {"_time": 3, "user": "mara", "n": 0, "r": "queued"},
    {"_time": 2, "user": "zoë", "n": 10, "r": "sent", "k.a": 4},
]


def run(text: str) -> list[dict[str, Any]]:
    return Pipeline(
        lambda part: [dict(row) for row in ROWS] if part in ("search index=x", "give") else None
    ).run(text)


class EvaluateTest(unittest.TestCase):
    def test_expressions_are_worked_out_as_splunk_does(self) -> None:
        row = {"a": "10", "b": "9", "c": None, "m": ["x", "y"]}
        for text, want in (
            ("a>b", True),
            ('a="10"', True),
            ("a=10", True),
            ("c=1", None),
            ('c!="x"', None),
            ('if(isnull(c) AND (a=10 OR b=1), "yes", "no")', "yes"),
            ('case(c=1, "one", true(), "two")', "two"),
            ("coalesce(c, b)", "9"),
            ('mvjoin(m, ", ")', "x, y"),
            ('substr("instance:lab", 10)', "lab"),
            ("null()", None),
            ('"a \\"b\\" c"', 'a "b" c'),
        ):
            with self.subTest(text):
                self.assertEqual(Expression(text, row).value(), want)

    def test_zero_is_a_value_and_absence_is_none(self) -> None:
        (row,) = run(
            "index=x | stats min(n) as low, count(eval(n=0)) as zeros, max(k.*) as k.*, latest(r) as last"
        )
        self.assertEqual(row, {"low": 0, "zeros": 1, "k.a": 4, "last": "queued"})

    def test_groups_terms_and_subsearches(self) -> None:
        rows = run(
            '| give | search (r="s*" OR n=0) user!="zoë" | append [search index=x | search k.a=*] | stats count by user'
        )
        self.assertEqual(rows, [{"user": "mara", "count": 2}, {"user": "zoë", "count": 1}])
        self.assertEqual(run("index=x | search missing!=1"), [])

    def test_what_it_does_not_know_is_a_mistake(self) -> None:
        for text in (
            "index=y",
            "index=x | other",
            "index=x | eval a=md5(n)",
            "index=x | stats dc(n)",
            "index=x | eval a=(n",
            "index=x | search word",
            "index=x | where n=1 n=2",
        ):
            with self.subTest(text), self.assertRaises(SplError):
                run(text)
