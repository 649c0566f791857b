"""One finding of the doctor, and how findings are printed.

    a look  ->  Check(subject, name, status, seen, next_step)  ->  `render`  ->  lines of text

Alone: `windsock doctor`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Literal

from windsock.errors import WindsockError
from windsock.masking import mask_url

Status = Literal["ok", "warn", "fail"]
GLYPHS: dict[Status, str] = {"ok": "✓", "warn": "!", "fail": "✗"}
_SEEN_CHARACTERS = 600


@dataclass(frozen=True)
class Check:
    """What one look found.

    Attributes:
        subject: cluster, `warehouse`, `machine` or `configuration`.
        name: what was looked at.
        status: ok, warn (it works, but) or fail (it does not work).
        seen: what was seen, one line without passwords.
        next_step: what to do; empty when there is nothing to do.
    """

    subject: str
    name: str
    status: Status
    seen: str
    next_step: str = ""


@dataclass(frozen=True)
class Subject:
    """Makes checks about one thing; what they say is on one line and has no password."""

    name: str

    def ok(self, name: str, seen: str) -> Check:
        """All is well."""
        return Check(self.name, name, "ok", clean(seen))

    def warn(self, name: str, seen: str, next_step: str) -> Check:
        """It works, but somebody should know."""
        return Check(self.name, name, "warn", clean(seen), clean(next_step))

    def fail(self, name: str, seen: str, next_step: str) -> Check:
        """It does not work."""
        return Check(self.name, name, "fail", clean(seen), clean(next_step))

    def attempt(self, name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
        """The checks of a look; one that fails is a finding, and never stops the next.

        Whatever goes wrong is told: object storage and drivers raise errors of any class, and a
        doctor is called when things are broken. This is the only such place beside the CLI.
        """
        try:
            return list(look())
        except WindsockError as error:
            return [self.fail(name, error.seen, error.next_step or error.expected)]
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
            return [self.fail(name, seen, "see the message; the other checks went on")]


def within(seconds: float, work: Callable[[Callable[[Check], None]], None], late: Check,
           ) -> list[Check]:
    """The checks that some work tells within a time; then `late`, and the work is left alone.

    Args:
        seconds: how long to wait.
        work: called with what it tells each check to.
        late: added when the time is over; a thread that waits for a network cannot be ended.
    """
    told: list[Check] = []
    thread = Thread(target=work, args=[told.append], daemon=True)
    thread.start()
    thread.join(seconds)
    return [*told, late] if thread.is_alive() else told


def clean(text: str) -> str:
    """A text on one line, without passwords and control characters."""
    printable = "".join(c if c.isprintable() else " " for c in mask_url(text))
    line = " ".join(printable.split())
    return line if len(line) <= _SEEN_CHARACTERS else line[:_SEEN_CHARACTERS - 1] + "…"


def render(checks: list[Check]) -> str:
    """Checks as aligned text: one line each, and the next step on a line of its own."""
    if not checks:
        return "nothing was checked"
    subject = max(len(c.subject) for c in checks)
    name = max(len(c.name) for c in checks)
    lines = []
    for check in checks:
        head = f"{GLYPHS[check.status]} {check.status:<4}  {check.subject:<{subject}}  "
        lines.append(f"{head}{check.name:<{name}}  {check.seen}".rstrip())
        if check.next_step:
            lines.append(f"{' ' * len(head)}→ {check.next_step}")
    counts = {status: sum(c.status == status for c in checks) for status in GLYPHS}
    lines += ["", ", ".join(f"{count} {status}" for status, count in counts.items())]
    return "\n".join(lines)


def exit_code(checks: list[Check]) -> int:
    """1 when anything fails, else 0."""
    return int(any(c.status == "fail" for c in checks))


def size(byte_count: float) -> str:
    """Bytes for people: `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if byte_count < 1024:
            return f"{byte_count:.0f} {unit}" if unit == "B" else f"{byte_count:.1f} {unit}"
        byte_count /= 1024
    return f"{byte_count:.1f} TiB"


def duration(length: timedelta | float) -> str:
    """A length of time for people: `3 s`, `12 min`, `5 h`, `9 days`."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    for limit, unit, words in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{sign}{seconds / unit:.0f} {words}"
    return f"{sign}{seconds / 86_400:.0f} days"
