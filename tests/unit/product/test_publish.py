"""Publishing: what a reader sees is what was built, whole or over a sealed history."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from windsock import effects, publish
from windsock.errors import WarehouseError
from windsock.warehouse import Layout, open_build, open_snapshot

RUNS = ["a", "b", "c", "d"]


def build(layout: Layout, load: int, changes: dict[str, int]) -> None:
    """A build: runs (by id) get a new value with this load; dim holds one row a run."""
    with open_build(layout) as con:
        con.execute("""
            create schema if not exists marts;
            create table if not exists marts.fct_runs (cluster varchar, dag_id varchar,
                run_id varchar, started_at timestamp, value bigint, newest_load_number bigint);
            create table if not exists marts.fct_tasks (cluster varchar, dag_id varchar,
                run_id varchar, task_id varchar, value bigint, newest_load_number bigint);
            create table if not exists marts.dim_things (cluster varchar, value bigint);
            comment on column marts.fct_runs.value is 'it''s a value';
        """)
        for run, value in changes.items():
            con.execute("delete from marts.fct_runs where run_id = $1", [run])
            con.execute("insert into marts.fct_runs values ('c', 'd', $1, timestamp '2026-01-01', "
                        "$2, $3)", [run, value, load])
            # only one of the two marts moves: the run is published whole all the same
            if value % 2:
                con.execute("delete from marts.fct_tasks where run_id = $1", [run])
                con.execute("insert into marts.fct_tasks values ('c', 'd', $1, 't', $2, $3)",
                            [run, value, load])
        con.execute("create or replace table marts.dim_things as select 'c' as cluster, "
                    "count(*) as value from marts.fct_runs")


def rows(con: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[tuple[object, ...]]]:
    return {m: con.sql(f"from {schema}.{m} order by all").fetchall()
            for m in ("fct_runs", "fct_tasks", "dim_things")}


def built(layout: Layout) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(layout.build_file), read_only=True) as con:
        return rows(con, "marts")


def published(layout: Layout) -> dict[str, list[tuple[object, ...]]]:
    with open_snapshot(layout) as con:
        return rows(con, "marts")


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.dictionaries(st.sampled_from(RUNS), st.integers(0, 9), max_size=4),
                          st.booleans()), min_size=1, max_size=5))
def test_a_reader_sees_what_was_built(tmp_path_factory: pytest.TempPathFactory,
                                      history: list[tuple[dict[str, int], bool]]) -> None:
    layout = Layout(tmp_path_factory.mktemp("w"))
    for load, (changes, seal) in enumerate(history, start=1):
        build(layout, load, changes)
        publish.publish(layout, whole_rows=0, seal=seal)
        assert published(layout) == built(layout)


def test_a_small_warehouse_is_one_ordinary_file(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {"a": 1})
    done = publish.publish(layout)
    assert done.is_whole
    with duckdb.connect(str(done.path), read_only=True) as con:
        assert rows(con, "marts") == built(layout)
        [(comment,)] = con.sql("select comment from duckdb_columns() where comment is not null"
                               ).fetchall()
        assert comment == "it's a value"


def test_history_is_sealed_once_and_the_delta_is_small(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {str(n): 1 for n in range(100)})
    publish.publish(layout, whole_rows=10)
    build(layout, 2, {"5": 3, "new": 3})
    done = publish.publish(layout, whole_rows=10)
    assert not done.is_whole
    assert [p.name for p in layout.snapshots.glob("sealed_*")] == ["sealed_00000001.duckdb"]
    with duckdb.connect(str(done.path), read_only=True) as con:
        assert con.sql("select count(*) from delta.fct_runs").fetchall() == [(2,)]
    assert published(layout) == built(layout)


def test_a_large_delta_or_another_column_seals_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {str(n): 1 for n in range(20)})
    publish.publish(layout, whole_rows=10)
    build(layout, 2, {str(n): 3 for n in range(10)})
    publish.publish(layout, whole_rows=10)
    assert (layout.snapshots / "sealed_00000002.duckdb").exists()
    with open_build(layout) as con:
        con.execute("alter table marts.fct_runs add column more bigint")
    publish.publish(layout, whole_rows=10)
    assert (layout.snapshots / "sealed_00000003.duckdb").exists()
    assert published(layout) == built(layout)


def test_other_models_seal_anew(tmp_path: Path) -> None:
    """The same columns may mean something else since a model changed."""
    layout = Layout(tmp_path)
    build(layout, 1, dict.fromkeys(RUNS, 1))
    layout.build_file.with_suffix(".models").write_text("one")
    publish.publish(layout, whole_rows=0)
    publish.publish(layout, whole_rows=0)
    assert len(list(layout.snapshots.glob("sealed_*.duckdb"))) == 1
    layout.build_file.with_suffix(".models").write_text("another")
    publish.publish(layout, whole_rows=0)
    assert len(list(layout.snapshots.glob("sealed_*.duckdb"))) == 2


def test_old_generations_go_and_an_open_one_stays_readable(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {"a": 1})
    first = publish.publish(layout, whole_rows=0)
    with open_snapshot(layout) as con:
        before = rows(con, "marts")
        for load in range(2, 7):
            build(layout, load, {"a": load})
            publish.publish(layout, whole_rows=0, seal=True)
        assert rows(con, "marts") == before
    assert not first.path.exists()
    assert len(list(layout.snapshots.glob("warehouse-*.duckdb"))) == publish.KEPT_GENERATIONS
    assert len(list(layout.snapshots.glob("sealed_*.duckdb"))) == publish.KEPT_GENERATIONS


def test_killed_before_the_pointer_the_old_generation_stays(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {"a": 1})
    publish.publish(layout)
    before = published(layout)
    build(layout, 2, {"a": 2})

    def refuse(name: str, _subject: str) -> None:
        if name == "publish.rename":
            raise OSError("disk gone")

    monkeypatch.setattr(effects, "observer", refuse)
    with pytest.raises(OSError, match="disk gone"):
        publish.publish(layout)
    monkeypatch.setattr(effects, "observer", None)
    assert published(layout) == before
    publish.publish(layout)
    assert published(layout) == built(layout)
    assert not list(layout.snapshots.glob(".*"))


def test_nothing_published_and_a_lost_snapshot_are_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(WarehouseError, match="Nothing is published"):
        open_snapshot(layout)
    with open_build(layout):
        pass
    with pytest.raises(WarehouseError, match="has no marts"):
        publish.publish(layout)
    build(layout, 1, {"a": 1})
    publish.publish(layout).path.unlink()
    with pytest.raises(WarehouseError, match="is not there"):
        open_snapshot(layout)


def test_snapshots_cannot_be_written_or_reach_out(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    build(layout, 1, {"a": 1})
    publish.publish(layout)
    with open_snapshot(layout) as con:
        for statement in ("delete from marts.fct_runs", "copy marts.fct_runs to 'x.csv'",
                          "from read_csv('/etc/hosts')", "set enable_external_access = true"):
            with pytest.raises(duckdb.Error):
                con.execute(statement)
