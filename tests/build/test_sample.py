"""The whole way on the bundled sample: land, build with every test, publish, query, rebuild."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from windsock import cli
from windsock.errors import LockHeldError
from windsock.warehouse import Layout, open_snapshot, writer_lock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder with an empty home, where everything was run once."""
    root = tmp_path_factory.mktemp("newcomer")
    before, home = Path.cwd(), os.environ.get("HOME", "")
    keep = {k: os.environ.pop(k) for k in ("AIRFLOW_HOME", "WINDSOCK_CONFIG") if k in os.environ}
    os.chdir(root)
    os.environ["HOME"] = str(root)
    try:
        assert cli.main(["run"]) == 0
        yield root
    finally:
        os.chdir(before)
        os.environ["HOME"] = home
        os.environ.update(keep)


def layout(folder: Path) -> Layout:
    return Layout(folder / "var" / "sample")


def sql(query: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert cli.main(["sql", query, "--format", "json"]) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_what_real_releases_wrote_is_published(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clusters = sql(
        "select cluster, airflow_version, newest_row_at from marts.dim_clusters order by cluster",
        capsys,
    )
    assert clusters == [
        {
            "cluster": "airflow-2-11",
            "airflow_version": "2.10.3 to 2.11",
            "newest_row_at": "2026-11-22T06:41:05Z",
        },
        {
            "cluster": "airflow-3-3",
            "airflow_version": "3.3",
            "newest_row_at": "2026-11-22T06:49:30Z",
        },
    ]
    counts = sql(
        "select cluster, count(*) as n from fct_task_instances group by all order by all", capsys
    )
    # as counted in the databases by their makers (`counts.txt` beside them)
    assert counts == [{"cluster": "airflow-2-11", "n": 876}, {"cluster": "airflow-3-3", "n": 787}]


def test_every_dbt_test_passes(folder: Path) -> None:
    assert cli.main(["build", "--full-refresh", "--test"]) == 0


def test_again_changes_nothing_but_the_generation(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "select cluster, dag_id, run_id, state from fct_dag_runs order by all"
    before, generation = sql(query, capsys), layout(folder).newest_generation()
    assert cli.main(["run"]) == 0
    assert sql(query, capsys) == before
    assert layout(folder).newest_generation() == generation + 1


def test_rebuilding_from_the_archive_gives_the_same_marts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = [
        f"select * exclude (newest_load_number) from {m} order by all"
        for m in ("fct_dag_runs", "fct_task_instances")
    ]
    before = [sql(q, capsys) for q in queries]
    assert cli.main(["rebuild"]) == 0
    assert [sql(q, capsys) for q in queries] == before


def test_csv_has_a_header_iso_instants_json_lists_and_empty_nulls(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    query = "select timestamp '2026-01-02 03:04:05' as at, [1, 2] as l, null as n, true as b, " \
            "'a,b' as t"
    assert cli.main(["sql", query, "--format", "csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["at", "l", "n", "b", "t"],
        ["2026-01-02T03:04:05Z", "[1, 2]", "", "true", "a,b"],
    ]


@pytest.mark.parametrize(
    "query",
    [
        "drop table marts.dim_clusters",
        "selec 1",
        "from nothing",
        "copy (select 1) to 'x.csv'",
        "from read_csv('/etc/passwd')",
        "install httpfs",
        "attach 'x.duckdb'",
    ],
)
def test_what_is_no_query_is_refused_in_words(
    folder: Path, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sql", query]) == 2
    assert "windsock: " in capsys.readouterr().err
    assert not (folder / "x.csv").exists()


def test_a_second_writer_is_told_who_holds_the_lock(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with writer_lock(layout(folder), "a test"):
        assert cli.main(["run"]) == 75
        assert "a test" in capsys.readouterr().err
        with pytest.raises(LockHeldError), writer_lock(layout(folder), "another"):
            pass


def test_a_reader_keeps_its_generation(folder: Path) -> None:
    con = open_snapshot(layout(folder))
    [(before,)] = con.sql("select generation from snapshot.meta.snapshot").fetchall()
    for _ in range(4):
        assert cli.main(["publish"]) == 0
    assert con.sql("select generation from snapshot.meta.snapshot").fetchall() == [(before,)]
    assert con.sql("select count(*) from fct_dag_runs").fetchall()[0][0] > 0
