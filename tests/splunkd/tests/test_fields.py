"""The check of what searches read."""

from __future__ import annotations

import unittest

from splunkd.fields import Flow, expand, split
from splunkd.spl import SplError

EVENT = {"user", "result", "kinds.ip", "kinds.url", "link"}


def source(text: str) -> set[str] | None:
    return EVENT if text.startswith("search index=") else {"a", "b"} if text == "iggive" else None


def given(text: str) -> set[str]:
    return Flow(source).run(text)


class FieldsTest(unittest.TestCase):
    def test_the_fields_go_along_the_pipeline(self) -> None:
        for text, want in (
            ("index=x | stats count, dc(user) as users by result", {"count", "users", "result"}),
            ("index=x | stats sum(kinds.*) as * | transpose column_name=kind", {"kind", "row 1"}),
            ('index=x | stats max(eval(if(result="sent", len(user), null()))) as n', {"n"}),
            (
                'index=x | eval "What to do"=if(user="a=b, c", result, null()) | table "What to do" user',
                {"What to do", "user"},
            ),
            (
                'index=x | rex field=link "^(?<_start>.*?)(?<_id>[0-9a-f]+)$" | table _start _id',
                {"_start", "_id"},
            ),
            (
                "| iggive | append [search index=x | table user] | rename a as c | fields - b",
                {"c", "user"},
            ),
            (
                "index=x | chart count over user by result | addtotals fieldname=all",
                {"count", "user", "all"},
            ),
        ):
            with self.subTest(text):
                self.assertEqual(given(text), want)

    def test_a_field_that_nothing_gave_is_named(self) -> None:
        for text in (
            "index=x | stats count by usr",
            "index=x | stats sum(entities)",
            "index=x | stats max(kind.*) as kind.*",
            "index=x | stats count | table count user",
            "index=x | eval n=tonumber(nothing)",
            'index=x | eval n=if(result="user", nothing, user)',
            "index=x | rename nobody as user",
            "index=x | sort 10 - count",
            "index=x | where count > 1",
            'index=x | search outcome="sent"',
            "index=x | timechart count by nothing",
            "| iggive | append [search index=x | table b]",
        ):
            with self.subTest(text), self.assertRaisesRegex(SplError, "no field"):
                given(text)

    def test_what_it_cannot_read_is_a_mistake_too(self) -> None:
        for text in (
            "index=x | collect",
            "| other",
            'index=x | eval a="b',
            "index=x | eval a=(b",
            "index=x | eval (a)",
        ):
            with self.subTest(text), self.assertRaises(SplError):
                given(text)

    def test_macros_are_put_in_with_their_args(self) -> None:
        macros = {"a": ([], "index=x `b(user)`"), "b(1)": (["f"], "| table $f$"), "c": ([], "`c`")}
        self.assertEqual(expand("`a`", macros), "index=x | table user")
        for text in ("`none`", "`b`", "`c`"):
            with self.subTest(text), self.assertRaises(SplError):
                expand(text, macros)

    def test_pipes_within_quotes_and_brackets_stay(self) -> None:
        self.assertEqual(split('a "b|\\"c" | d [e | f] | g', "|"), ['a "b|\\"c"', "d [e | f]", "g"])
