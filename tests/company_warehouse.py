"""A tiny company in a warehouse, and the key to it: what the simulation itself knows.

    company  ->  live.make: SQLite of three releases  ->  land_clusters  ->  Builder  ->  marts
             ->  simulate, answers: the key, as of the same instant

    from tests.company_warehouse import Told, told

    def test_something(told: Told) -> None:
        agree(told.key("run_terms"), told.mart("select … from fct_dag_runs"), on=RUN)

With pytest-xdist the first worker makes the warehouse and the others wait for its lock.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingest import gate
from ingest.world import live
from ingest.world.answers import answers
from ingest.world.company import Company, company
from ingest.world.rows import RUN_KEYS
from ingest.world.simulate import Day, simulate
from ingest.world.sizes import Size
from tests.airflow_world_landing import plain_judge
from tests.corpus_warehouse import reading
from tests.world_landing import Warehouse
from windsock.build import Builder
from windsock.warehouse import Layout

# Both weeks of a slowdown and little more. Of this seed all trigger rules, mapped tasks, branches,
# and retries on every cluster; at this minute of the night some runs are under way.
SIZE = Size("answers", dags=64, runs_per_day=100, instances_per_day=1_300, days=16)
SEED = 1
NOW = datetime(2026, 11, 1, 1, 40, tzinfo=UTC)
DAG = ["cluster", "dag_id"]
RUN = list(RUN_KEYS)
TASK = [*RUN, "task_id", "map_index"]
TRY = [*TASK, "try_number"]
MILLISECOND = 0.001


@dataclass(frozen=True, eq=False, repr=False)
class Told:
    """What the marts tell of the company, and what is true of it.

    Attributes:
        company, days: the truth, to the end of every story.
        con: the warehouse, as of `NOW`.
        folder: where the databases lie, one folder a cluster.
    """

    company: Company
    days: list[Day]
    con: duckdb.DuckDBPyConnection
    folder: Path

    def mart(self, sql: str) -> pl.DataFrame:
        """Rows of a select over the marts."""
        return self.con.sql(sql).pl()

    def key(self, name: str) -> pl.DataFrame:
        """A table of the key; of runs only those that had ended."""
        return self.every_answer[name]

    def of_ended(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of the runs that had ended."""
        return frame.join(self.ended, on=RUN, how="semi", maintain_order="left")

    @cached_property
    def runs(self) -> pl.DataFrame:
        """Runs that had been made, with the dates and the state that they had reached."""
        made = utc(pl.concat([day.runs for day in self.days])).filter(has_been("queued_at"))
        state = (pl.when(has_been("ended_at")).then("state")
                 .when(has_been("started_at")).then(pl.lit("running"))
                 .otherwise(pl.lit("queued")))
        return made.with_columns(state, so_far("started_at"), so_far("ended_at"))

    @cached_property
    def ended(self) -> pl.DataFrame:
        """Runs that had ended."""
        return self.runs.filter(pl.col("ended_at").is_not_null())

    @cached_property
    def attempts(self) -> pl.DataFrame:
        """Every try of every instance, also of later; try 0 of what never ran."""
        return utc(pl.concat([day.attempts for day in self.days]))

    @cached_property
    def dags(self) -> pl.DataFrame:
        """The DAGs, with whether their file had gone."""
        return utc(self.company.dags).with_columns(has_been("last_parsed_at").alias("is_gone"))

    @cached_property
    def every_answer(self) -> dict[str, pl.DataFrame]:
        """The whole key, table by table."""
        found = {name: utc(frame) for name, frame in answers(self.company, self.days).items()}
        return {name: self.of_ended(frame) if "run_id" in frame.columns else frame
                for name, frame in found.items()}


def utc(frame: pl.DataFrame) -> pl.DataFrame:
    """Instants as the marts have them: UTC, and no zone beside it."""
    zoned = [name for name, kind in frame.schema.items() if kind == pl.Datetime("us", "UTC")]
    return frame.with_columns(pl.col(zoned).dt.replace_time_zone(None))


def has_been(column: str) -> pl.Expr:
    """Whether an instant had come."""
    return (pl.col(column) <= NOW.replace(tzinfo=None)).fill_null(value=False)


def so_far(column: str) -> pl.Expr:
    """An instant that had come, else null."""
    return pl.when(has_been(column)).then(column).alias(column)


# --- comparing ---------------------------------------------------------------------------------

def agree(key: pl.DataFrame, mart: pl.DataFrame, *, on: list[str], least: int = 1) -> None:
    """The same rows in both, with the same values; seconds to a millisecond.

    Args:
        key: what is true.
        mart: columns of the same names.
        on: what names a row, in both.
        least: so many rows the key has at least: an empty one would agree with nothing.
    """
    assert key.height >= least, f"the key has only {key.height} rows"
    found = differences(key, mart, on)
    assert not found, "\n".join(found)


def differences(key: pl.DataFrame, mart: pl.DataFrame, on: list[str]) -> list[str]:
    """In which rows two tables differ, in words: one line a kind of difference."""
    mart = mart.select(key.columns).cast(dict(key.schema))      # a missing column raises
    found = []
    for frame, other, what in ((key, mart, "missing"), (mart, key, "extra")):
        if frame.select(on).is_duplicated().any():
            found.append(f"several rows of one name, {what} side")
        lone = frame.join(other, on=on, how="anti", nulls_equal=True)
        if lone.height:
            found.append(f"{lone.height} rows {what}, such as {lone.row(0, named=True)}")
    both = key.join(mart, on=on, how="inner", nulls_equal=True, suffix=" in marts")
    for name in (n for n in key.columns if n not in on):
        odd = both.filter(_differs(name, key.schema[name]))
        if odd.height:
            row = odd.select(*on, name, f"{name} in marts").row(0, named=True)
            found.append(f"{odd.height} of {both.height} rows differ in {name}, such as {row}")
    return found


def _differs(name: str, kind: pl.DataType) -> pl.Expr:
    here, there = pl.col(name), pl.col(f"{name} in marts")
    if not kind.is_float():
        return here.ne_missing(there)
    return (here.is_null() != there.is_null()) | (here - there).abs().gt(MILLISECOND).fill_null(
        value=False)


# --- making ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The company and its warehouse."""
    # Under xdist a worker's folder lies in the folder that all workers share.
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "company-warehouse"
    root.mkdir(exist_ok=True)
    made = company(SIZE, SEED, ends_at=NOW)
    with (root / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "done").exists():
            _make(made, root)
            (root / "done").touch()
    days = [simulate(made, on) for _, on in live.dates(made, NOW)]
    with reading(Layout(root / "warehouse").build_file) as con:
        yield Told(made, days, con, root / "airflow")


def _make(made: Company, root: Path) -> None:
    """Databases, landing, marts; what another process could not finish is made anew."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WINDSOCK_BUILD_FILE", "WINDSOCK_MEMORY_LIMIT"):
            patch.setenv(name, "")      # the builder sets them: put back what was there
        patch.setattr(gate, "judge", plain_judge)
        live.make(made, root / "airflow", NOW)
        urls = {name: f"sqlite:///{root / 'airflow' / name / 'airflow.db'}"
                for name in made.clusters["cluster"]}
        with Warehouse(root / "warehouse") as warehouse:
            warehouse.land(urls, NOW)
        Builder(warehouse.layout, memory_limit="1GB").build()
