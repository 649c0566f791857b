"""What the steps of a landing share: their pace, and how a reading is put together."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from ingest.door import Reading
from ingest.sources.airflow_db.extract import Session

SOURCE = "airflow_db"


@dataclass(frozen=True)
class Pace:
    """How a landing proceeds.

    Attributes:
        overlap: how far behind the watermark rows are read again.
        history: how far back the first landing goes.
        page_runs: runs a step, at most.
        detail: how long runs are kept after their end: what is older is never compared.
    """

    overlap: timedelta = timedelta(hours=1)
    history: timedelta = timedelta(days=400)
    page_runs: int = 20_000
    detail: timedelta = timedelta(days=36_500)


def runs_of(rows: dict[str, pa.Table]) -> pa.Table | None:
    """The runs (dag_id, run_id) that were read whole; None when none were asked for."""
    return rows["dag_run"].select(["dag_id", "run_id"]) if "dag_run" in rows else None


def reading_of(session: Session, kind: str, rows: dict[str, pa.Table],
             state: dict[str, Any]) -> Reading:
    """A reading of this session, with what is known of its database."""
    recognised = session.recognised
    facts = {
        **session.facts,
        "airflow_version": recognised.version, "alembic_head": recognised.head,
        "dialect": session.source.dialect, "warnings": list(recognised.warnings),
        "replication_lag_seconds": session.reader.replication_lag_seconds(),
    }
    # What a migration did not carry over (2.x -> 3.x on SQLite empties the task tables) is
    # forgotten by Airflow, not deleted by a person.
    is_migrated = "head" in state and state["head"] != recognised.head
    return Reading(kind, session.clock, rows, state=state, facts=facts,
                   vanish_reason="retention" if is_migrated else "deleted")
