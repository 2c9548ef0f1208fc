"""The part of Mako that a view's template of ours may use; anything else is refused.

Splunk Web renders appserver/templates with Mako and gives them `make_url`, `json_decode` and `splunkd`.
A template that does more than load scripts is a template that has to be vetted, so the stand-in knows
exactly: the page directive that escapes expressions, make_url of a constant, and the partials.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

DIRECTIVE = '<%page expression_filter="h"/>'
EXPRESSION = re.compile(r"\$\{([^}]*)\}")
MAKE_URL = re.compile(r"make_url\('(/[^']*)'\)\Z")


class TemplateError(Exception):
    """The template cannot be rendered; Splunk Web would answer 500."""


def render(text: str, make_url: Callable[[str], str], partials: dict[str, Any]) -> str:
    """The page."""
    if not text.startswith(DIRECTIVE):
        raise TemplateError(f"the first line must be {DIRECTIVE}: without it nothing is escaped")
    text = text[len(DIRECTIVE) :].lstrip("\n")
    for number, line in enumerate(text.split("\n"), 2):
        if re.match(r"\s*(%|##)", line):
            raise TemplateError(f"line {number}: {line.strip()!r} would be run as Python")
    if "<%" in text:
        raise TemplateError("<% would be run as Python")

    def fill(found: re.Match[str]) -> str:
        expression = found[1].strip()
        if expression == "json_decode(splunkd)":
            return json.dumps(partials).replace("<", "\\u003c")
        if url := MAKE_URL.match(expression):
            return html.escape(make_url(url[1]))
        raise TemplateError(f"${{{expression}}} is more than this template may do")

    return EXPRESSION.sub(fill, text)
