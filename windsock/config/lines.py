"""On which line of a TOML text each key stands; `tomllib` reads values but forgets places.

    text ─► scan ─► statements (path, lines, offsets) ─► where: path ─► line

Reads what `tomllib` accepts, and gets through what it refuses without raising.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_PART = re.compile(
    r"[ \t]*+(?:\"(?P<basic>(?:[^\"\\\n]|\\.)*+)\"|'(?P<literal>[^'\n]*+)'|(?P<bare>[\w-]++))"
    r"[ \t]*+"
)
_STRING = re.compile(
    r"\"\"\"(?:\\.|[^\\])*?\"\"\"\"{0,2}|'''.*?''''{0,2}|\"(?:\\.|[^\"\\\n])*+\"|'[^'\n]*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\[\]{}\"'#\n]+")
_LINE_REST = re.compile(r"[^\n]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, a `key = value`, or one element inside a value (`is_inner`)."""

    path: KeyPath
    start: int
    end: int
    is_header: bool = False
    is_inner: bool = False


class Lines:
    """Where everything is in one text."""

    def __init__(self, text: str) -> None:
        self._breaks = [at for at, letter in enumerate(text) if letter == "\n"]
        try:
            self.statements = _scan(text)
        except RecursionError:
            self.statements = []

    def line_at(self, offset: int) -> int:
        """The line of this offset, counted from 1."""
        return bisect_right(self._breaks, offset - 1) + 1

    def of(self, path: KeyPath) -> int | None:
        """The first line that speaks of this key, or of what holds it."""
        for length in range(len(path), 0, -1):
            for statement in self.statements:
                if statement.path[:length] == path[:length]:
                    return self.line_at(statement.start)
        return None

    def statement_on(self, line: int) -> Statement | None:
        """The statement, and no inner element, that covers this line."""
        for one in self.statements:
            if not one.is_inner and self.line_at(one.start) <= line <= self.line_at(one.end):
                return one
        return None

    def first_of(self, path: KeyPath, *, before: int) -> Statement | None:
        """The first statement about exactly this key before an offset."""
        for one in self.statements:
            if one.path == path and one.start < before:
                return one
        return None

    def body_end(self, header: Statement, length: int) -> int:
        """Where the table that begins with this header ends."""
        later = [one.start for one in self.statements if one.is_header and one.start > header.start]
        return min(later, default=length)


def _scan(text: str) -> list[Statement]:
    found: list[Statement] = []
    table: KeyPath = ()
    at = _skip(text, 0)
    while at < len(text):
        start = at
        is_header = text[at] == "["
        opening = 0
        while is_header and text[at : at + 1] == "[":
            at, opening = at + 1, opening + 1
        path, at = _key(text, at)
        place = len(found)
        if is_header:
            table = path
        elif text[at : at + 1] == "=":
            at = _value(text, at + 1, (*table, *path), found)
        # A key without a value is no TOML, but still a place.
        full = path if is_header else (*table, *path)
        found.insert(place, Statement(full, start, max(at - 1, start), is_header=is_header))
        at = _skip(text, _rest(text, at))
    return found


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _rest(text: str, at: int) -> int:
    rest = _LINE_REST.match(text, at)
    return rest.end() if rest else at


def _key(text: str, at: int) -> tuple[KeyPath, int]:
    parts: list[str] = []
    while part := _PART.match(text, at):
        at = part.end()
        basic = part["basic"]
        parts.append(
            _unescape(basic) if basic is not None else part["literal"] or part["bare"] or ""
        )
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(parts), at


def _unescape(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _value(text: str, at: int, path: KeyPath, found: list[Statement]) -> int:
    """Go past one value; note the elements of lists and of inline tables on the way."""
    while text[at : at + 1] in {" ", "\t"}:
        at += 1
    first = text[at : at + 1]
    if first in {"[", "{"}:
        return _elements(text, at + 1, path, found)
    pattern = _STRING if first in {'"', "'"} else _SCALAR
    whole = pattern.match(text, at) or _LINE_REST.match(text, at)
    return whole.end() if whole else at


def _elements(text: str, at: int, path: KeyPath, found: list[Statement]) -> int:
    is_list = text[at - 1] == "["
    closing, index = ("]" if is_list else "}"), 0
    while True:
        at = _skip(text, at)
        if at >= len(text):
            return at
        if text[at] == closing:
            return at + 1
        start = at
        key: KeyPath = (index,)
        if not is_list:
            key, at = _key(text, at)
            at += text[at : at + 1] == "="
        found.append(Statement((*path, *key), start, start, is_inner=True))
        at = _skip(text, _value(text, at, (*path, *key), found))
        index += 1
        # Whatever stands here that is no comma and no end is no TOML: step over it.
        at = at if text[at : at + 1] == closing else max(at + (text[at : at + 1] == ","), start + 1)
