"""The next time of a cron text: five fields of `*`, numbers, lists, ranges and steps, in UTC.

Months and days are numbers. A day matches by date or weekday where both are restricted, as in cron.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PRESETS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0",
            "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *"}
_WEEKDAYS = dict(zip("01234567", ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
                                  "Saturday", "Sunday"), strict=True))
_MOST_DAYS = 1500       # the 29th of February comes again within them


def next_after(schedule: str, after: datetime) -> datetime:
    """The first time of a schedule that is later than an instant.

    Raises:
        ValueError: not a cron text, or one that never comes.
    """
    minutes, hours, days, months, weekdays = _fields(schedule)
    is_any_day = len(days) == 31
    is_any_weekday = len(weekdays) >= 7
    start = after.astimezone(UTC)
    for offset in range(_MOST_DAYS):
        day = (start + timedelta(days=offset)).replace(hour=0, minute=0, second=0, microsecond=0)
        by_date = day.day in days
        by_weekday = day.isoweekday() % 7 in weekdays
        fits = (by_date and by_weekday if is_any_day or is_any_weekday else by_date or by_weekday)
        if not fits or day.month not in months:
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                found = day.replace(hour=hour, minute=minute)
                if found > start:
                    return found
    raise ValueError(f"the schedule {schedule!r} never comes")


def described(schedule: str) -> str:
    """A cron text in words, as Airflow describes the common ones; others as they are."""
    minute, hour, *rest = _PRESETS.get(schedule, schedule).split()
    day = _WEEKDAYS.get(rest[-1]) if rest[:2] == ["*", "*"] else None
    if rest == ["*", "*", "*"] and hour == "*" and minute.startswith("*/"):
        return f"Every {minute[2:]} minutes"
    if rest == ["*", "*", "*"] and hour == "*" and minute.isdecimal():
        return "Every hour" if minute == "0" else f"At {minute} minutes past the hour"
    if minute.isdecimal() and hour.isdecimal() and (rest == ["*", "*", "*"] or day):
        at = f"At {int(hour):02d}:{int(minute):02d}"
        return f"{at}, only on {day}" if day else at
    return schedule


@cache
def _fields(schedule: str) -> tuple[frozenset[int], ...]:
    parts = _PRESETS.get(schedule, schedule).split()
    if len(parts) != len(_RANGES):
        raise ValueError(f"{schedule!r} is not a cron text of five fields")
    found = [_numbers(text, *limits) for text, limits in zip(parts, _RANGES, strict=True)]
    return (*found[:4], frozenset(n % 7 for n in found[4]))


def _numbers(text: str, low: int, high: int) -> frozenset[int]:
    numbers: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        if step and not last and span != "*":
            end = high
        numbers |= set(range(begin, end + 1, int(step or 1)))
    if not numbers or min(numbers) < low or max(numbers) > high:
        raise ValueError(f"{text!r} is outside of {low} to {high}")
    return frozenset(numbers)
