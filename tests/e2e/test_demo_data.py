"""The demo's own data: the same every time, and pointing at nobody real."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
import unittest
from pathlib import Path

SCENARIO = Path(__file__).resolve().parents[2] / "demo" / "scenario.py"
RESERVED = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "198.18.0.0/15",
        "2001:db8::/32",
    )
]


def scenario(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", str(SCENARIO), *words], capture_output=True, text=True, check=True
    )
    return done.stdout


class DemoDataTest(unittest.TestCase):
    def test_the_same_seed_gives_the_same_rows_and_another_seed_others(self) -> None:
        self.assertEqual(scenario("--all"), scenario("--all"))
        self.assertNotEqual(scenario("--beacon"), scenario("--beacon", "--seed", "2"))

    def test_it_is_as_large_as_it_says(self) -> None:
        self.assertIn(scenario("--all").count("\n"), range(5500, 6500))
        self.assertIn(scenario("--beacon").count("\n"), range(300, 2500))

    def test_every_address_is_private_or_reserved(self) -> None:
        text = scenario("--all")
        found = set(re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text))
        self.assertGreater(len(found), 40)
        for each in found:
            address = ipaddress.ip_address(each)
            self.assertTrue(any(address in net for net in RESERVED), each)

    def test_every_name_is_reserved(self) -> None:
        names = re.findall(r"https?://([^/\"\\ ]+)", scenario("--all"))
        self.assertGreater(len(set(names)), 10)
        for name in set(names):
            self.assertRegex(name, r"(^|\.)(example(\.(com|net|org))?|test|invalid)$")
