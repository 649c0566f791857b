"""The only place that asks the machine for the time.

"Now" on a page is never this clock but the source's own, landed with each load (`definitions.md`).
This one stamps what Windsock itself did.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The machine's time as an aware UTC instant with microseconds."""
    return datetime.now(tz=UTC)
