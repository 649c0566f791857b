"""The first load: newest first, in slices, resumable, as far back as asked for.

land(slices=k), again and again, each time as a new process ─► the same rows as in one go
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingest.landing import ALL_TABLES, Settings
from ingest.sources.airflow_db.steps import Pace
from tests.fixture_databases import (
    NOW,
    Place,
    compare,
    fixture,
    landed,
    landed_count,
    place,
    plain_sqlite,
    quiet_settings,
    unpack,
)

SMALL = Pace(page_runs=5)
FIXTURE = fixture("2.10.5/airflow.db")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as empty:
        yield empty


def test_in_slices_and_in_new_processes_is_the_same_as_in_one_go(here: Place) -> None:
    url = f"sqlite:///{unpack(FIXTURE, here.folder)}"
    reports: list[tuple[str, float]] = []
    kinds: list[list[str]] = []
    for _ in range(9):
        loads = here.land(url, settings=Settings(pace=SMALL, slices=2),
                          progress=lambda *report: reports.append(report)).loads
        kinds.append([m.kind for m in loads])
        here.reopen()
        if "reconciled" in loads[-1].state:
            break
    assert len(kinds) > 2
    assert all(k.count("history") <= 2 for k in kinds)

    whole = landed(FIXTURE).place
    for name, table in ALL_TABLES.items():
        columns = ", ".join(f'"{c}"' for c in (*table.columns, "_row_flags", "_deleted_at"))
        assert here.rows(name, columns) == whole.rows(name, columns), name
    # Everything after it is due as if it had been done in one go.
    again = here.land(url, settings=replace(quiet_settings(reconcile="all"), pace=SMALL))
    assert landed_count(again.loads) == {}

    assert {name for name, _ in reports} == {"prod"}
    shares = [share for _, share in reports]
    assert shares == sorted(shares)
    assert (shares[0] < 0.6, shares[-1]) == (True, 1.0)
    assert all(0.0 <= share <= 1.0 for share in shares)


def test_the_newest_runs_come_first(here: Place) -> None:
    url = f"sqlite:///{unpack(FIXTURE, here.folder)}"
    settings = Settings(pace=Pace(page_runs=4), slices=1)
    seen: list[list[int]] = []
    done: set[int] = set()
    for _ in range(9):
        outcome = here.land(url, settings=settings)
        ids = {r["id"] for r in here.rows("dag_run", "id")}
        seen.append(sorted(ids - done))
        done = ids
        if "reconciled" in outcome.loads[-1].state:
            break
    unfinished = {r["id"] for r in here.rows("dag_run", "id", "state in ('running', 'queued')")}
    # What is open is landed at once; then slices follow, each older than the one before.
    assert unfinished <= set(seen[0])
    slices = [s for s in seen[1:] if s]
    assert len(slices) > 2
    assert all(max(later) < min(sooner) for sooner, later in pairwise(slices))
    assert done == set(range(1, 20))


def test_a_landing_that_is_killed_in_a_slice_begins_it_anew(here: Place) -> None:
    url = f"sqlite:///{unpack(FIXTURE, here.folder)}"

    class KilledError(BaseException):
        pass

    def kill(_: str, share: float) -> None:
        if share > 0.4:
            raise KilledError

    with pytest.raises(KilledError):
        here.land(url, settings=Settings(pace=SMALL), progress=kill)
    partly = here.one("select count(*) from landing.airflow_db__dag_run")
    assert 0 < partly < 19
    here.reopen()
    here.land(url, settings=Settings(pace=SMALL))
    plain = plain_sqlite(here.folder / "airflow.db")
    for name in plain:
        compare(plain, here, name)


@pytest.mark.parametrize("days", [1, 3650])
def test_the_horizon_ends_the_first_load(here: Place, days: int) -> None:
    """A slice that began wholly before the horizon is the last one."""
    old = "2026-11-18 00:00:00.000000"
    database = unpack(
        FIXTURE, here.folder,
        f"update dag_run set start_date = '{old}', end_date = '{old}', updated_at = '{old}' "
        "where id <= 12 and state in ('success', 'failed')")
    url = f"sqlite:///{database}"
    pace = Pace(page_runs=3, history=timedelta(days=days))
    outcome = here.land(url, settings=Settings(pace=pace))

    ids = {r["id"] for r in here.rows("dag_run", "id")}
    assert "reconciled" in outcome.loads[-1].state
    assert {13, 14, 15, 16, 17, 18, 19} <= ids
    assert (len(ids) == 19) == (days == 3650)
    # What was not landed is not mourned, and what was landed beyond the horizon is not buried.
    again = here.land(url, settings=Settings(pace=pace, reconcile="all"))
    assert landed_count(again.loads) == {}
    assert here.rows("dag_run", "*", "_deleted_at is not null") == []


def test_no_progress_is_told_when_nothing_is_left(here: Place) -> None:
    url = f"sqlite:///{unpack(FIXTURE, here.folder)}"
    here.land(url)
    reports: list[Any] = []
    here.land(url, now=NOW + timedelta(minutes=1), progress=lambda *r: reports.append(r))
    assert [share for _, share in reports if share < 1.0] == []


def test_a_database_without_any_run(here: Place) -> None:
    database = unpack(FIXTURE, here.folder, "delete from dag_run", "delete from task_instance")
    outcome = here.land(f"sqlite:///{database}")
    assert "reconciled" in outcome.loads[-1].state
    assert len(here.rows("dag")) == 17
    assert landed_count(here.land(f"sqlite:///{database}").loads) == {}
