"""Whether each cluster's data is fresh, frozen, stale or failing. Pure; both pages ask it.

    dim_clusters + latest failed landing + the machine's clock  ->  one verdict a cluster

A frozen copy (a backup, the bundled sample) has a "now" that stands still: it is never stale.
A landing that failed after the newest good one outweighs age: there is a reason to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Verdict = Literal["fresh", "frozen", "stale", "failing"]

GLYPHS: dict[Verdict, str] = {"fresh": "✓", "frozen": "❄", "stale": "◔", "failing": "✕"}


@dataclass(frozen=True)
class Freshness:
    """What is known of one cluster's data."""

    cluster: str
    verdict: Verdict
    as_of: datetime | None
    failed_at: datetime | None

    @property
    def label(self) -> str:
        """Glyph and word."""
        return f"{GLYPHS[self.verdict]} {self.verdict}"


def judge(cluster: Mapping[str, Any], failure: Mapping[str, Any] | None, *, now: datetime,
          stale_after: timedelta) -> Freshness:
    """The verdict on one cluster.

    Args:
        cluster: a row of dim_clusters: cluster, newest_row_at, loaded_at (instants, UTC, naive),
            is_frozen.
        failure: its latest row of fct_failed_loads: failed_at; None: there is none.
        now: the machine's clock, UTC, naive.
        stale_after: age from which data is stale.
    """
    as_of, loaded_at = cluster["newest_row_at"], cluster["loaded_at"]
    failed_at = failure["failed_at"] if failure else None
    verdict: Verdict = "fresh"
    if cluster.get("is_frozen"):
        verdict = "frozen"
    elif as_of is None or now - as_of > stale_after:
        verdict = "stale"
    if failed_at is not None and (loaded_at is None or failed_at > loaded_at):
        verdict = "failing"
    return Freshness(cluster["cluster"], verdict, as_of, failed_at)
