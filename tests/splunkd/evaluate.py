"""Runs the few commands of Splunk's own that the app's macros are made of, over rows in memory.

As far as the app needs them and no further: SplError for anything else. A value is a text, a number, a list of
texts (multivalue) or None; comparison is Splunk's: numbers where both sides are numbers, else texts.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .fields import _in_brackets, split, words
from .spl import SplError

Row = dict[str, Any]
Source = Callable[[str], "list[Row] | None"]
TOKENS = re.compile(
    r'\s*(?:"((?:\\.|[^"\\])*)"|(\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(!=|<=|>=|[=<>(),!]))'
)
COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def number(value: Any) -> float | None:
    try:
        return float(value) if not isinstance(value, (list, bool)) and value is not None else None
    except ValueError:
        return None


def compare(left: Any, sign: str, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    one, other = number(left), number(right)
    if one is None or other is None:
        one, other = str(left), str(right)
    return bool(COMPARE[sign](one, other))


def text_of(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "true": lambda: True,
    "null": lambda: None,
    "if": lambda test, yes, no: yes if test else no,
    "case": lambda *pairs: next(
        (value for test, value in zip(pairs[::2], pairs[1::2]) if test), None
    ),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "tonumber": number,
    "mvjoin": lambda value, between: (
        between.join(value if isinstance(value, list) else [value]) if value else None
    ),
    "substr": lambda value, start: None if value is None else str(value)[int(start) - 1 :],
}


class Expression:
    """One eval expression, read by recursive descent as it is worked out."""

    def __init__(self, text: str, row: Row) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._row = row
        at = 0
        text = text.strip()
        while at < len(text):
            match = TOKENS.match(text, at)
            if not match:
                raise SplError(f"cannot read: {text[at:]}")
            kind = next(index for index in (1, 2, 3, 4) if match[index] is not None)
            self._tokens.append((("text", "number", "name", "sign")[kind - 1], match[kind]))
            at = match.end()
        self._at = 0

    def value(self) -> Any:
        made = self._either()
        if self._at != len(self._tokens):
            raise SplError(f"more than one expression: {self._tokens[self._at:]}")
        return made

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> tuple[str, str]:
        if self._at >= len(self._tokens) or (wanted and self._peek() != wanted):
            raise SplError(f"lacks {wanted or 'a value'}: {self._tokens}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _either(self) -> Any:
        made = self._both()
        while self._peek() == "OR":
            self._take()
            other = self._both()
            made = bool(made) or bool(other)
        return made

    def _both(self) -> Any:
        made = self._comparison()
        while self._peek() == "AND":
            self._take()
            other = self._comparison()
            made = bool(made) and bool(other)
        return made

    def _comparison(self) -> Any:
        left = self._operand()
        if self._peek() in COMPARE and self._tokens[self._at][0] == "sign":
            sign = self._take()[1]
            return compare(left, sign, self._operand())
        return left

    def _operand(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text)
        if kind == "number":
            return float(text)
        if kind == "name" and self._peek() == "(":
            return self._call(text)
        if kind == "name":
            return self._row.get(text)
        if text == "(":
            made = self._either()
            self._take(")")
            return made
        raise SplError(f"no value: {text}")

    def _call(self, name: str) -> Any:
        self._take("(")
        given = []
        while self._peek() != ")":
            given.append(self._either())
            if self._peek() == ",":
                self._take()
        self._take(")")
        if name not in FUNCTIONS:
            raise SplError(f"unknown to this stand-in: {name}()")
        return FUNCTIONS[name](*given)


def _terms_hold(text: str, row: Row) -> bool:
    """`a=b c!="d*" (e=f OR g=h)`: blank is AND; an absent field fulfils nothing, != neither."""
    python = []
    for part in re.finditer(
        r'([\w.]+)\s*(!=|=)\s*(?:"((?:\\.|[^"\\])*)"|([^\s()]+))|(OR|NOT|[()])|(\S+)', text
    ):
        field, sign, quoted, bare, word, other = part.groups()
        if other:
            raise SplError(f"a bare word: {other}")
        if word:
            python.append({"OR": "or", "NOT": "not"}.get(word, word))
            continue
        held = row.get(field)
        values = held if isinstance(held, list) else [held] if held not in (None, "") else []
        pattern = quoted if quoted is not None else bare
        is_like = any(fnmatchcase(text_of(value), pattern) for value in values)
        good = bool(values) and (is_like if sign == "=" else not is_like)
        if python and (python[-1] in ("True", "False", ")")):
            python.append("and")
        python.append(str(good))
    return bool(
        eval(" ".join(python) or "True", {"__builtins__": {}})
    )  # of True, False, and, or, not, brackets


class Pipeline:
    """A search over rows; `source` gives the rows of what begins one, else None."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def run(self, text: str) -> list[Row]:
        parts = split(text, "|")
        rows: list[Row] = []
        if parts[0]:
            rows = self._begin(parts[0] if parts[0].startswith("search ") else f"search {parts[0]}")
        for part in parts[1:]:
            made = self._source(part)
            name, _, rest = part.partition(" ")
            step = getattr(self, f"_do_{name}", None)
            if made is None and step is None:
                raise SplError(f"unknown to this stand-in: {name}")
            rows = made if made is not None else step(rows, rest.strip())
        return rows

    def _begin(self, text: str) -> list[Row]:
        rows = self._source(text)
        if rows is None:
            raise SplError(f"no source is known for: {text}")
        return rows

    def _do_search(self, rows: list[Row], text: str) -> list[Row]:
        return [row for row in rows if _terms_hold(text, row)]

    def _do_where(self, rows: list[Row], text: str) -> list[Row]:
        return [row for row in rows if Expression(text, row).value()]

    def _do_eval(self, rows: list[Row], text: str) -> list[Row]:
        for each in split(text, ","):
            name, expression = re.match(r'"?([^"=]+?)"?\s*=(?!=)(.*)', each, re.DOTALL).groups()
            for row in rows:
                row[name] = Expression(expression, row).value()
        return rows

    def _do_rename(self, rows: list[Row], text: str) -> list[Row]:
        for each in split(text, ","):
            old, new = (word.strip('"') for word in re.split(r"\s+as\s+", each))
            for row in rows:
                if old in row:
                    row[new] = row.pop(old)
        return rows

    def _do_table(self, rows: list[Row], text: str) -> list[Row]:
        return [{name: row.get(name) for name in words(text)} for row in rows]

    def _do_append(self, rows: list[Row], text: str) -> list[Row]:
        return rows + Pipeline(self._source).run(text[1:-1].strip())

    def _do_stats(self, rows: list[Row], text: str) -> list[Row]:
        what, *by = re.split(r"\s+by\s+", text)
        keys = words(by[0]) if by else []
        groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            key = tuple(row.get(name) for name in keys)
            if None not in key:
                groups.setdefault(key, []).append(row)
        return [
            {**dict(zip(keys, key, strict=True)), **self._aggregate(what, group)}
            for key, group in groups.items()
        ]

    def _aggregate(self, text: str, rows: list[Row]) -> Row:
        made: Row = {}
        rest = text.lstrip(" ,\n")
        while rest:
            function, rest = re.match(r"(\w+)(.*)", rest, re.DOTALL).groups()
            read, rest = _in_brackets(rest)
            name = f"{function}({read})" if read else function
            if renamed := re.match(r'\s+as\s+(?:"([^"]+)"|([\w.*]+))', rest):
                name, rest = renamed[1] or renamed[2], rest[renamed.end() :]
            fields = (
                sorted({field for row in rows for field in row if fnmatchcase(field, read)})
                if "*" in read
                else [read]
            )
            for field in fields:
                made[field if "*" in read else name] = _fold(function, field, rows)
            rest = rest.lstrip(" ,\n")
        return made


def _fold(function: str, read: str, rows: list[Row]) -> Any:
    if function == "count" and not read:
        return len(rows)
    if read.startswith("eval("):
        pairs = [(row, Expression(read[5:-1], row).value()) for row in rows]
    else:
        pairs = [(row, row.get(read)) for row in rows]
    # A multivalue counts value by value, as in Splunk.
    pairs = [
        (row, each)
        for row, value in pairs
        for each in (value if isinstance(value, list) else [value])
    ]
    pairs = [
        (row, value)
        for row, value in pairs
        if value is not None and value is not False and value != ""
    ]
    values = [value for _, value in pairs]
    if function == "count":
        return len(values)
    if not values:
        return None
    if function in ("min", "max"):
        return {"min": min, "max": max}[function](
            values, key=lambda value: (number(value) is None, number(value) or 0, str(value))
        )
    if function == "values":
        return sorted({text_of(value) for value in values})
    if function == "first":
        return values[0]
    if function == "latest":
        return max(pairs, key=lambda pair: number(pair[0].get("_time")) or 0)[1]
    raise SplError(f"unknown to this stand-in: {function}()")
