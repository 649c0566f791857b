"""What one value of windsock.toml may be: each function takes it and gives it back, or says no.

    raw value, place ─► parser ─► value   (or BadValueError: what was seen, what to do)

A message shows a value only when it comes from a closed list of words, never a URL or a text.
"""

import os.path
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

from windsock.masking import is_sensitive

_SCHEME = re.compile(r"(?:[\w+.-]+::)*(?P<scheme>[a-zA-Z][\w+.-]+)://")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_HOST_ZONES = {"localtime", "posixrules", "Factory"}


class BadValueError(Exception):
    """A value is refused: what was seen, and the fix."""

    def __init__(self, seen: str, fix: str) -> None:
        self.seen = seen
        self.fix = fix
        super().__init__(f"{seen}: {fix}")


@dataclass(frozen=True, slots=True)
class Place:
    """What relative paths and `~` are relative to."""

    folder: Path
    home: Path


Parser = Callable[[Any, Place], Any]


def suggestion(word: str, known: list[str]) -> str:
    """`did you mean …`, or the whole list when nothing is near."""
    close = get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"use one of {', '.join(known)}"


def kind_of(value: Any) -> str:
    """The type of a TOML value in words."""
    names = [
        (bool, "true or false"),
        (int, "a whole number"),
        (float | Decimal, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a table"),
    ]
    return next((name for types, name in names if isinstance(value, types)), "a date or time")


def text(value: Any, place: Place) -> str:
    """Text that is not empty and holds no control codes."""
    if not isinstance(value, str):
        raise BadValueError(f"is {kind_of(value)}", "write text in double quotes")
    if not value.strip():
        raise BadValueError("is empty", "give it a value, or remove the line")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise BadValueError("holds a line break or another control code", "remove it")
    return value


def texts(value: Any, place: Place) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise BadValueError(f"is {kind_of(value)}", 'write a list, such as ["a", "b"]')
    return tuple(text(one, place) for one in value)


def secret_names(value: Any, place: Place) -> tuple[str, ...]:
    """Names of sensitive keys: at least two letters or digits, or they would hide everything."""
    names = texts(value, place)
    if any(sum(letter.isalnum() for letter in name) < 2 for name in names):
        raise BadValueError(
            "holds a name of less than two letters", "such a name would mask nearly every key"
        )
    return names


def flag(value: Any, place: Place) -> bool:
    """Either true or false."""
    if not isinstance(value, bool):
        raise BadValueError(f"is {kind_of(value)}", "write true or false, without quotes")
    return value


def whole(least: int, most: int) -> Parser:
    """A whole number within bounds."""

    def parse(value: Any, place: Place) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadValueError(f"is {kind_of(value)}", "write a whole number, without quotes")
        if not least <= value <= most:
            raise BadValueError("is out of range", f"write a number from {least} to {most}")
        return value

    return parse


def _number(value: Any) -> Decimal:
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise BadValueError(f"is {kind_of(value)}", "write a number, without quotes")
    if not isfinite(value) or not 0 <= value <= 1_000_000:
        raise BadValueError("is out of range", "write a number from 0 to 1000000")
    return Decimal(value)


def seconds(value: Any, place: Place) -> float:
    """A duration in seconds."""
    return float(_number(value))


def price(value: Any, place: Place) -> Decimal:
    """A price in USD, with the six digits after the point that the warehouse keeps."""
    amount = _number(value)
    rounded = round(amount, 6)
    if rounded != amount:
        raise BadValueError("has more than six digits after the point", "round it")
    return rounded


def choice(*options: str) -> Parser:
    """One word of a closed list."""

    def parse(value: Any, place: Place) -> str:
        word = text(value, place)
        if word not in options:
            raise BadValueError("is not in the list", suggestion(word, list(options)))
        return word

    return parse


def zone(value: Any, place: Place) -> str:
    """The name of an IANA time zone."""
    name = text(value, place)
    try:
        zoneinfo.ZoneInfo(name)
        is_zone = name not in _HOST_ZONES and not name.startswith(("posix/", "right/"))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        is_zone = False
    if not is_zone:
        lowered = {known.casefold(): known for known in sorted(zoneinfo.available_timezones())}
        close = get_close_matches(name.casefold(), lowered, n=1, cutoff=0.5)
        hint = f"did you mean `{lowered[close[0]]}`?" if close else "such as Europe/Berlin, or UTC"
        raise BadValueError("is no time zone of the IANA list", hint)
    return name


def instant(value: Any, place: Place) -> datetime:
    """RFC 3339 with a zone, as text or as TOML's own date-time; given back in UTC."""
    fix = 'write RFC 3339 with a zone, such as "2026-11-22T07:01:20Z"'
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise BadValueError("is a moment that no calendar has", fix) from None
    if not isinstance(value, datetime):
        raise BadValueError("is no instant", fix)
    if value.tzinfo is None:
        raise BadValueError("has no time zone", fix)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise BadValueError("is a moment that no calendar has", fix) from None


def absolute(path: str, place: Place) -> str:
    """The path from the folder of the configuration, with `~`; nothing is looked up on disk."""
    if path == "~" or path.startswith("~/"):
        path = str(place.home / path[2:])
    return os.path.normpath(place.folder / path)


def folder(value: Any, place: Place) -> Path:
    """A folder of this machine."""
    path = text(value, place)
    if _SCHEME.match(path):
        raise BadValueError("is a URL", "write a folder of this machine")
    return Path(absolute(path, place))


def location(value: Any, place: Place) -> str:
    """A folder (given back absolute) or an fsspec URL (given back as it is)."""
    path = text(value, place)
    found = _SCHEME.match(path)
    if found is None:
        return absolute(path, place)
    from fsspec.registry import known_implementations  # only needed for URLs

    if found["scheme"] not in known_implementations:
        hint = suggestion(found["scheme"], ["s3", "gs", "abfs", "https", "sftp", "hdfs", "file"])
        raise BadValueError("is a URL that fsspec does not know", hint)
    return path


def locations(value: Any, place: Place) -> tuple[str, ...]:
    """A list of files, patterns such as `*.jsonl`, or fsspec URLs."""
    texts(value, place)
    return tuple(location(one, place) for one in value)


def unknown_key(name: str, known: list[str]) -> str:
    """The fix for a key that is not known; a sensitive name gets no guess that invites it."""
    if is_sensitive(name):
        return "remove it; passwords belong into a URL, as `${NAME}` from the environment"
    return suggestion(name, known)
