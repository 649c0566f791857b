"""How numbers, instants and other people's text are written on pages. Pure; no Streamlit.

Untrusted text (ids, owners, messages) reaches HTML through `escape` only, and tables and charts
through `visible`; it never reaches markdown.
"""

import html
import math
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

# Controls, and what turns the direction of text or hides in it: shown, never obeyed.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]")
_NAMED = {"\n": "␤", "\r": "␍", "\t": "␉"}
_JOINERS = {"\u200d"}           # holds composed emoji together


def duration(seconds: float | None) -> str:
    """`0.4 s`, `42 s`, `18 m 20 s`, `5 h 02 m`, `3 d 4 h`; empty when not known."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 0:
        return "\N{MINUS SIGN}" + duration(-seconds)
    if 0 < seconds < 0.95:
        return "<0.1 s" if seconds < 0.05 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} m {whole % _MINUTE:02} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _DAY // _MINUTE:
        return f"{minutes // 60} h {minutes % 60:02} m"
    if seconds >= 100 * _DAY:
        return f"{round(seconds / _DAY):,} d"
    hours = round(seconds / _HOUR)
    return f"{hours // 24} d {hours % 24} h"


def age(at: datetime | None, now: datetime) -> str:
    """How long ago an instant (UTC, naive) was: `12 m ago`; empty when not known."""
    if at is None:
        return ""
    away = int((now - at).total_seconds())
    if away == 0:
        return "just now"
    length = abs(away)
    words = f"{length // _MINUTE} m" if _MINUTE <= length < _HOUR else duration(length)
    return f"in {words}" if away < 0 else f"{words} ago"


def span(length: timedelta) -> str:
    """A round length of time: `5 m`, `24 h`, `7 d`."""
    seconds = round(length.total_seconds())
    for size, unit, least in ((_DAY, "d", 2), (_HOUR, "h", 1), (_MINUTE, "m", 1)):
        if seconds % size == 0 and seconds >= size * least:
            return f"{seconds // size} {unit}"
    return duration(seconds)


def zone_named(name: str | None) -> ZoneInfo:
    """The viewer's zone; UTC when the browser names none that is known here."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def zone_label(zone: ZoneInfo, at: datetime) -> str:
    """A zone with its offset at an instant: `Europe/Berlin (UTC+1)`; `UTC`."""
    offset = at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
    if zone.key == "UTC":
        return "UTC"
    minutes = round(offset.total_seconds() / _MINUTE)
    sign, rest = ("+" if minutes >= 0 else "\N{MINUS SIGN}"), abs(minutes)
    clock = f"{rest // 60}:{rest % 60:02}" if rest % 60 else f"{rest // 60}"
    return f"{zone.key} (UTC{sign}{clock})"


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """An instant (UTC, naive) on the viewer's clock, naive."""
    return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def instant(at: datetime | None, zone: ZoneInfo, *, near: datetime | None = None) -> str:
    """`Tue 18 Nov 14:05` on the viewer's clock; with the year when `near` is of another one."""
    if at is None:
        return ""
    there = local(at, zone)
    year = f" {there:%Y}" if near is not None and local(near, zone).year != there.year else ""
    return f"{there:%a} {there.day} {there:%b}{year} {there:%H:%M}"


def utc(at: datetime | None) -> str:
    """The exact instant, for hovering: `2026-11-18 13:05:42 UTC`."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def count(number: int, one: str = "", many: str = "") -> str:
    """`12,345`, or with a noun: `1 run`, `12,345 runs`."""
    noun = one if number == 1 else many or f"{one}s"
    return f"{number:,} {noun}" if one else f"{number:,}"


def size(bytes_: float | None) -> str:
    """`512 B`, `1.5 GiB`: one decimal from KiB on; empty when not known."""
    if bytes_ is None or not math.isfinite(bytes_):
        return ""
    if bytes_ < 0:
        return "\N{MINUS SIGN}" + size(-bytes_)
    power = 0
    while round(bytes_, 1) >= 1024 and power < len(_UNITS) - 1:
        bytes_, power = bytes_ / 1024, power + 1
    return f"{bytes_:,.0f} B" if power == 0 else f"{bytes_:,.1f} {_UNITS[power]}"


def percent(ratio: float | None) -> str:
    """`42 %`; under one percent with a decimal; empty when not known."""
    if ratio is None or not math.isfinite(ratio):
        return ""
    points = ratio * 100
    if 0 < abs(points) < 0.05:
        return "<0.1 %"
    return f"{points:.1f} %" if 0 < abs(points) < 1 else f"{points:.0f} %"


def visible(text: str | None, limit: int = 300) -> str:
    """Text of a stranger on one line: controls and direction marks are shown, not obeyed."""
    if not text:
        return ""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return _UNSEEN.sub(_show, cut)


def _show(found: re.Match[str]) -> str:
    character = found.group()
    if character in _JOINERS:
        return character
    return _NAMED.get(character) or f"⟨U+{ord(character):04X}⟩"


def shorten(text: str, limit: int) -> str:
    """Middle left out: both ends of an id tell it apart."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head):]}"


def escape(text: str | None, limit: int = 300) -> str:
    """Text of a stranger inside HTML that the pages write, in an element or a quoted attribute."""
    return html.escape(visible(text, limit), quote=True)


def local_midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC, naive) at which the viewer's day of `at` began: buckets start there."""
    there = at.replace(tzinfo=UTC).astimezone(zone)
    begun = there.replace(hour=0, minute=0, second=0, microsecond=0)
    return begun.astimezone(UTC).replace(tzinfo=None)


def seconds(begin: datetime, end: datetime) -> float:
    """Seconds from one instant to another."""
    return (end - begin).total_seconds()
