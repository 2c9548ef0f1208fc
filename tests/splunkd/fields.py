"""Which fields a search reads and gives: a search that reads a field which nothing gave is a mistake.

Knows the commands that the app's own searches use, and no others; SplError says what it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from .spl import SplError

Source = Callable[[str], "set[str] | None"]

# What splunkd puts on every event, and makes of a result.
DEFAULTS = {"_time", "_raw", "host", "source", "sourcetype", "index", "splunk_server", "linecount"}
WORDS = {
    "AND",
    "OR",
    "NOT",
    "XOR",
    "true",
    "false",
    "null",
    "as",
    "AS",
    "by",
    "BY",
    "over",
    "like",
    "in",
    "IN",
}
NAME = r"[A-Za-z_][\w.]*"


def expand(text: str, macros: Mapping[str, tuple[list[str], str]], depth: int = 0) -> str:
    """The text with its macros put in; `macros` is name -> (args, definition), the name with its (N)."""
    if depth > 8:
        raise SplError("macros go round in a circle")

    def one(match: re.Match[str]) -> str:
        name, _, rest = match[1].partition("(")
        given = [each.strip() for each in rest.rstrip(")").split(",")] if rest else []
        key = f"{name}({len(given)})" if given else name
        if key not in macros:
            raise SplError(f"there is no macro {key}")
        args, definition = macros[key]
        for arg, value in zip(args, given, strict=True):
            definition = definition.replace(f"${arg}$", value)
        return expand(definition, macros, depth + 1)

    return re.sub(r"`([^`]*)`", one, text)


def split(text: str, at: str) -> list[str]:
    """Parts between `at` that stands outside quotes and brackets."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for char in text:
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
            if depth < 0:
                raise SplError(f"a bracket too many in: {text}")
        elif char == at and depth == 0:
            parts.append("")
            continue
        parts[-1] += char
    if depth or quoted:
        raise SplError(f"a bracket or a quote is not closed in: {text}")
    return [part.strip() for part in parts]


def words(text: str) -> list[str]:
    """Blank-separated words, quotes taken off: `a "b c"` is [a, b c]."""
    return [
        first or second for first, second in re.findall(r'"((?:\\.|[^"\\])*)"|([^\s",]+)', text)
    ]


def names_in(expression: str) -> Iterator[str]:
    """The fields that an eval expression reads."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', expression)
    yield from re.findall(r"'([^']+)'", bare)
    bare = re.sub(r"'[^']+'", "", bare)
    for match in re.finditer(rf"(?<![\w.])({NAME})(\s*\()?", bare):
        if not match[2] and match[1] not in WORDS:
            yield match[1]


def _in_brackets(text: str) -> tuple[str, str]:
    """`(a(b)) c` is `a(b)` and ` c`."""
    if not text.startswith("("):
        return "", text
    depth = 0
    for at, char in enumerate(
        re.sub(r'"(?:\\.|[^"\\])*"', lambda quoted: "x" * len(quoted[0]), text)
    ):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return text[1:at].strip(), text[at + 1 :]
    raise SplError(f"a bracket is not closed in: {text}")


class Flow:
    """Fields along a pipeline."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.fields: set[str] = set()

    def run(self, text: str) -> set[str]:
        parts = split(text, "|")
        if parts[0]:
            parts[0] = parts[0] if parts[0].startswith("search ") else f"search {parts[0]}"
            self.fields = self._begin(parts[0])
            self._terms(parts[0])
        for part in parts[1:]:
            name, _, rest = part.partition(" ")
            step = getattr(self, f"_do_{name}", None)
            made = self._source(part)
            if made is not None:
                self.fields = set(made)
            elif step is None:
                raise SplError(f"unknown to this check: {name}")
            else:
                step(rest.strip())
        return self.fields

    def _begin(self, terms: str) -> set[str]:
        made = self._source(terms)
        if made is None:
            raise SplError(f"no source is known for: {terms}")
        return set(made) | DEFAULTS

    def need(self, *names: str) -> None:
        for name in names:
            if "*" in name:
                if name != "*" and not any(fnmatchcase(field, name) for field in self.fields):
                    raise SplError(f"no field is like {name}; there are {sorted(self.fields)}")
            elif name not in self.fields:
                raise SplError(f"no field {name}; there are {sorted(self.fields)}")

    def _terms(self, text: str) -> None:
        bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
        self.need(*re.findall(rf"({NAME})\s*(?:!=|=|<|>)", bare))

    _do_search = _terms

    def _do_where(self, text: str) -> None:
        self.need(*names_in(text))

    def _do_eval(self, text: str) -> None:
        for each in split(text, ","):
            match = re.match(rf'(?:"([^"]+)"|({NAME}))\s*=(?!=)(.*)', each, re.DOTALL)
            if not match:
                raise SplError(f"no assignment: {each}")
            self.need(*names_in(match[3]))
            self.fields.add(match[1] or match[2])

    def _aggregates(self, text: str) -> set[str]:
        made = set()
        rest = text.lstrip(" ,\n")
        while rest:
            match = re.match(rf"({NAME})", rest)
            if not match:
                raise SplError(f"no aggregate: {rest}")
            function, rest = match[1], rest[match.end() :]
            read, rest = _in_brackets(rest)
            if read.startswith("eval("):
                self.need(*names_in(read[5:-1]))
            elif read:
                self.need(read)
            name = f"{function}({read})" if read else function
            if renamed := re.match(r'\s+as\s+(?:"([^"]+)"|([\w.*]+))', rest):
                name, rest = renamed[1] or renamed[2], rest[renamed.end() :]
            made |= self._starred(read, name) if "*" in name else {name}
            rest = rest.lstrip(" ,\n")
        return made

    def _starred(self, read: str, name: str) -> set[str]:
        """sum(kinds.*) as *: what the star stood for."""
        before, _, after = read.partition("*")
        return {
            name.replace("*", field[len(before) : len(field) - len(after) or None])
            for field in self.fields
            if fnmatchcase(field, read)
        }

    def _do_stats(self, text: str) -> None:
        what, *by = re.split(r"\s+by\s+", text)
        keys = words(by[0]) if by else []
        self.need(*keys)
        self.fields = self._aggregates(what) | set(keys)

    def _do_eventstats(self, text: str) -> None:
        before = set(self.fields)
        self._do_stats(text)
        self.fields |= before

    def _do_timechart(self, text: str) -> None:
        self.need("_time")
        self._do_stats(re.sub(r"^(?:\w+=\S+\s+)+", "", text))
        self.fields.add("_time")

    def _do_chart(self, text: str) -> None:
        what, over, by = re.fullmatch(
            r"(.*)\s+over\s+(\S+)\s+by\s+(\S+)(?:\s+\w+=\S+)*", text
        ).groups()
        self.need(over, by)
        self.fields = self._aggregates(what) | {over}

    def _do_rename(self, text: str) -> None:
        for each in split(text, ","):
            old, _, new = re.match(r'("[^"]+"|\S+)\s+(as|AS)\s+("[^"]+"|\S+)$', each).groups()
            self.need(old.strip('"'))
            self.fields.discard(old.strip('"'))
            self.fields.add(new.strip('"'))

    def _do_table(self, text: str) -> None:
        self.need(*words(text))
        self.fields = set(words(text))

    def _do_fields(self, text: str) -> None:
        if not text.startswith("- "):
            raise SplError(f"unknown to this check: fields {text}")
        self.need(*words(text[2:]))
        self.fields -= set(words(text[2:]))

    def _do_sort(self, text: str) -> None:
        self.need(*[word for word in words(text) if word not in ("-", "+") and not word.isdigit()])

    def _do_fillnull(self, text: str) -> None:
        self.need(*words(re.sub(r'value=(?:"[^"]*"|\S+)', "", text)))

    def _do_addtotals(self, text: str) -> None:
        self.fields.add(re.fullmatch(r"fieldname=(\w+)", text)[1])

    def _do_transpose(self, text: str) -> None:
        self.fields = {re.fullmatch(r"column_name=(\w+)", text)[1], "row 1"}

    def _do_mvexpand(self, text: str) -> None:
        self.need(text)

    def _do_head(self, text: str) -> None:
        int(text)

    def _do_rex(self, text: str) -> None:
        field, pattern = re.fullmatch(r'field=(\w+)\s+"(.*)"', text, re.DOTALL).groups()
        self.need(field)
        re.compile(pattern.replace("(?<", "(?P<"))
        self.fields |= set(re.findall(r"\(\?<(\w+)>", pattern))

    def _do_appendpipe(self, text: str) -> None:
        before = set(self.fields)
        for part in split(text.strip()[1:-1], "|"):
            name, _, rest = part.partition(" ")
            getattr(self, f"_do_{name}")(rest.strip())
        self.fields |= before

    def _do_append(self, text: str) -> None:
        self.fields |= Flow(self._source).run(text.strip()[1:-1].strip())
