"""The schemas that a world writes are those that real releases made; crons come when cron says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.airflow_db.tables import TABLES
from ingest.world.emit import cron, schema

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "airflow"
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)      # a Wednesday


@pytest.mark.parametrize(("family", "dialect"), list(schema.FIXTURES))
def test_the_schema_is_what_the_release_made(family: str, dialect: str) -> None:
    committed = (schema.FOLDER / f"{family}-{dialect}.sql").read_text()
    assert committed == schema.cut(FIXTURES, family, dialect)


@pytest.mark.parametrize("release", ["2.10.5", "2.11.0", "3.1.8"])
def test_secrets_have_no_table(release: str) -> None:
    assert set(schema.columns(release)) <= {*TABLES, "alembic_version"}


def test_another_release_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.10\.15 is none of"):
        schema.family_of("1.10.15")


@pytest.mark.parametrize(("schedule", "expected"), [
    ("0 12 * * *", NOON + timedelta(days=1)),
    ("*/15 * * * *", NOON + timedelta(minutes=15)),
    ("5,35 11-13 * * *", NOON + timedelta(minutes=5)),
    ("30 2 * * 1", datetime(2026, 3, 9, 2, 30, tzinfo=UTC)),
    ("0 0 1 * *", datetime(2026, 4, 1, tzinfo=UTC)),
    ("0 0 13 * 5", datetime(2026, 3, 6, tzinfo=UTC)),   # a Friday or the 13th
    ("0 0 * * 7", datetime(2026, 3, 8, tzinfo=UTC)),
    ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ("10/20 * * * *", NOON + timedelta(minutes=10)),
    ("@weekly", datetime(2026, 3, 8, tzinfo=UTC)),
])
def test_the_next_time_of_a_schedule(schedule: str, expected: datetime) -> None:
    assert cron.next_after(schedule, NOON) == expected


@pytest.mark.parametrize(("schedule", "words"), [
    ("*/15 * * * *", "Every 15 minutes"), ("8 * * * *", "At 8 minutes past the hour"),
    ("@hourly", "Every hour"), ("5 17 * * *", "At 17:05"),
    ("30 2 * * 1", "At 02:30, only on Monday"), ("0 1,13 * * *", "0 1,13 * * *"),
    ("0 0 1 * *", "0 0 1 * *"),
])
def test_a_schedule_in_words(schedule: str, words: str) -> None:
    assert cron.described(schedule) == words


@pytest.mark.parametrize("schedule", ["0 0 31 2 *", "61 * * * *", "* * * *"])
def test_a_schedule_that_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"never comes|outside|five fields"):
        cron.next_after(schedule, NOON)


@given(st.integers(1, 59), st.timedeltas(timedelta(0), timedelta(days=700)))
def test_every_so_many_minutes_is_never_late(step: int, later: timedelta) -> None:
    after = NOON + later
    found = cron.next_after(f"*/{step} * * * *", after)
    assert timedelta(0) < found - after <= timedelta(minutes=step)
    assert found.minute % step == 0
