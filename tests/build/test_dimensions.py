"""DAGs, tasks, versions, import errors and use of the platform, against what their makers wrote.

    corpus_warehouse            ->  answers read off the DAG files and the raw rows of real releases
    one 2.10.5, landed 4 times  ->  a company's own rules; errors that come, change and go; marts
                                    built step by step equal those built at once
"""

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.archive import Archive
from ingest.landing import Cluster, land_clusters, prepare
from tests.corpus_warehouse import CLUSTERS, corpus_warehouse, reading
from tests.fixture_databases import fixture, unpack
from windsock import build
from windsock.warehouse import Layout, open_build

__all__ = ["corpus_warehouse"]      # a fixture

Row = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
OWN = ("airflow-2-0", "airflow-2-2", "airflow-2-4", "airflow-2-10", "airflow-3-0", "airflow-3-1",
       "upgraded")      # the same DAG files under seven releases
MARTS = {
    "dim_dags": "cluster, dag_id",
    "dim_tasks": "cluster, dag_id, task_id",
    "dim_dag_versions": "cluster, dag_id, version_key",
    "fct_import_errors": "cluster, file_path, error_key",
    "agg_daily_platform_usage": "cluster, usage_date",
}


@pytest.fixture(scope="module")
def con(corpus_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with reading(corpus_warehouse) as opened:
        yield opened


def rows(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[Row]:
    cursor = con.execute(query, list(values))
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(con: duckdb.DuckDBPyConnection, mart: str, **of: object) -> Row:
    """The only row of a mart with these values."""
    where = " and ".join(f"{column} = ?" for column in of)
    [row] = rows(con, f"select * from marts.{mart} where {where}", *of.values())
    return row


def part(row: Row, expected: Row) -> Row:
    return {name: row[name] for name in expected}


# --- every release -----------------------------------------------------------------------------

@pytest.mark.parametrize("cluster", OWN)
def test_a_dag_says_the_same_in_every_release(
    con: duckdb.DuckDBPyConnection, cluster: str
) -> None:
    orders = one(con, "dim_dags", cluster=cluster, dag_id="orders_chain")
    expected: Row = {
        "owner": "ads,platform, finance, platform",
        "owners": ["ads,platform", "finance", "platform"],
        "team": "ads", "team_basis": "tag", "tier": "1", "tier_basis": "tag",
        "tags": ["team:ads", "tier:1", "ünïcode-täg"],
        "description": "Orders, öfter mit Umlaut",
        "file_path": "/opt/airflow/dags/orders_chain.py", "folder_path": "/opt/airflow/dags",
        "is_paused": False, "is_active": True, "has_import_errors": False, "has_dag_row": True,
        "last_run_state": "success", "run_count": 2, "task_count": 6, "next_run_at": None,
        "max_active_run_count": 1, "has_catchup": True,
        "end_at": datetime.fromisoformat("2026-01-02"),
    }
    assert part(orders, expected) == expected
    # 3.x writes presets as cron
    assert orders["schedule"] == ("0 0 * * *" if cluster in OWN[4:] else "@daily")
    paused = one(con, "dim_dags", cluster=cluster, dag_id="paused_dag")
    assert (paused["is_paused"], paused["schedule"], paused["schedule_kind"]) == (
        True, "*/10 * * * *", "cron")
    none = one(con, "dim_dags", cluster=cluster, dag_id="retry_once")
    assert (none["schedule"], none["schedule_kind"]) == (None, "none")
    # no task, no owner before 3.0; then the default, which names nobody
    empty = one(con, "dim_dags", cluster=cluster, dag_id="no_tasks")
    assert (empty["owner"], empty["team"], empty["tier"]) == (
        "airflow" if cluster in OWN[4:] else None, None, "3")


@pytest.mark.parametrize("cluster", OWN)
def test_a_task_says_the_same_in_every_release(
    con: duckdb.DuckDBPyConnection, cluster: str
) -> None:
    found = {
        row["task_id"]: (row["owner"], row["trigger_rule"], row["task_group_id"], row["pool"],
                         row["queue"], row["retries"], row["is_mapped"], row["task_basis"])
        for row in rows(con, "select * from marts.dim_tasks where cluster = ? and dag_id = ?",
                        cluster, "orders_chain")
    }
    usual = ("default_pool", "default", 0, False, "latest_structure")
    assert found == {
        "start": ("ads,platform", "all_success", None, *usual),
        "extract": ("ads,platform", "all_success", None, *usual),
        "load": ("finance", "all_success", None, *usual),
        "transform.clean": ("ads,platform", "all_success", "transform", *usual),
        "transform.join": ("platform", "all_success", "transform", *usual),
        "report": ("ads,platform", "none_failed", None, *usual),
    }
    big = one(con, "dim_tasks", cluster=cluster, dag_id="conf_run", task_id="big")
    expected = {"operator": "PythonOperator", "pool": "small_pool", "pool_slot_count": 2,
                "priority_weight": 7, "requested_memory_bytes": 2 * 1024**3,
                "requested_cpu_cores": 0.5, "has_run": True}
    assert part(big, expected) == expected
    wait = one(con, "dim_tasks", cluster=cluster, dag_id="sensor_reschedule", task_id="wait")
    # the mode is serialized since 2.4
    assert (wait["is_sensor"], wait["sensor_mode"]) == (
        True, None if cluster in OWN[:2] else "reschedule")


@pytest.mark.parametrize("cluster", sorted(set(OWN) - {"airflow-2-0", "airflow-2-2"}))
def test_mapped_tasks_and_assets(con: duckdb.DuckDBPyConnection, cluster: str) -> None:
    mapped = rows(con, "select task_id from marts.dim_tasks where cluster = ? and is_mapped "
                  "order by task_id", cluster)
    assert [row["task_id"] for row in mapped] == ["divide", "nothing"]
    consumer = one(con, "dim_dags", cluster=cluster, dag_id="asset_consumer")
    assert (consumer["schedule"], consumer["schedule_kind"]) == ("Asset", "asset")


def test_every_dag_that_was_written_has_a_row(con: duckdb.DuckDBPyConnection) -> None:
    counts = dict(con.execute(
        "select cluster, count(*) from marts.dim_dags group by all").fetchall())
    landed = dict(con.execute(
        "select cluster, count(*) from landing.airflow_db__dag group by all").fetchall())
    assert counts == landed
    assert set(counts) == set(CLUSTERS)
    assert (counts["airflow-2-11"], counts["airflow-3-3"], counts["airflow-1-10"]) == (115, 158, 18)


# --- 1.10, 2.11, 3.3: the corpus ---------------------------------------------------------------

CORPUS = ("airflow-1-10", "airflow-2-11", "airflow-3-3")


@pytest.mark.parametrize(("dag_id", "old", "newer"), [
    ("sales_etl", "@hourly", ("@hourly", "0 * * * *")),
    ("retries", "1:00:00", ("0:30:00", "0:30:00")),
    ("paused_dag", "@hourly", ("@hourly", "0 * * * *")),
    ("no_schedule", None, (None, None)),
    ("ds_consumer", None, ("Asset", "Asset")),
    ("ny_tz", None, ("30 2 * * *", "30 2 * * *")),
    ("pool_zero", "@once", ("@once", "@once")),
])
def test_schedules_of_the_corpus(
    con: duckdb.DuckDBPyConnection, dag_id: str, old: str | None, newer: tuple[str | None, ...]
) -> None:
    found = dict(con.execute(
        "select cluster, schedule from marts.dim_dags where dag_id = ?", [dag_id]).fetchall())
    assert tuple(found.get(c) for c in CORPUS[1:]) == newer
    assert found.get("airflow-1-10") == old


def test_owners_and_teams_of_the_corpus(con: duckdb.DuckDBPyConnection) -> None:
    for cluster in CORPUS:
        sales = one(con, "dim_dags", cluster=cluster, dag_id="sales_etl")
        has_team = cluster != "airflow-1-10"        # 1.10's file lacks the tag `team:sales`
        assert (sales["owners"], sales["tier"], sales["team"], sales["team_basis"]) == (
            ["analytics", "data-eng"], "1", "sales" if has_team else None,
            "tag" if has_team else None)
        rules = one(con, "dim_dags", cluster=cluster, dag_id="branching_rules")
        assert (rules["owners"], rules["team"], rules["team_basis"]) == (
            ["platform,ml"], "platform,ml", "owner")
    example = one(con, "dim_dags", cluster="airflow-3-3", dag_id="example_bash_operator")
    assert (example["project"], example["project_basis"]) == ("airflow-examples", "rule 10")
    assert example["bundle_name"] == "apache-airflow-providers-standard-example-dags"


def test_dags_that_went_and_tasks_that_were_taken_out(con: duckdb.DuckDBPyConnection) -> None:
    for cluster in CORPUS[1:]:
        gone = one(con, "dim_dags", cluster=cluster, dag_id="vanish_dag")
        broken = one(con, "dim_dags", cluster=cluster, dag_id="broken_later")
        assert (gone["is_active"], gone["is_stale"], gone["has_import_errors"]) == (
            False, True, False)
        assert (broken["is_active"], broken["is_stale"], broken["has_import_errors"]) == (
            False, True, True)
    # 2.11 deletes the old structure: only instances are left; 3.3 keeps it
    for cluster, basis, retries in (("airflow-2-11", "instances", None),
                                    ("airflow-3-3", "older_structure", 0)):
        task = one(con, "dim_tasks", cluster=cluster, dag_id="shape_shifter", task_id="late_drop")
        expected = {"task_basis": basis, "retries": retries, "operator": "BashOperator",
                    "pool": "zero_slots", "owner": "sched", "is_in_latest_structure": False}
        assert part(task, expected) == expected


def test_versions_of_the_corpus(con: duckdb.DuckDBPyConnection) -> None:
    shapes = rows(con, "select * from marts.dim_dag_versions where cluster = 'airflow-3-3' "
                  "and dag_id = 'shape_shifter' order by version_number")
    assert [(v["version_number"], v["task_count"], v["is_latest"]) for v in shapes] == [
        (1, 5, False), (2, 4, True)]
    assert len({v["structure_hash"] for v in shapes} | {v["source_hash"] for v in shapes}) == 4
    # the same DAG id in two files: another source, the same structure
    twins = rows(con, "select * from marts.dim_dag_versions where cluster = 'airflow-3-3' "
                 "and dag_id = 'duplicated_id'")
    assert len({v["source_hash"] for v in twins}) == 2
    # every version that a run or an instance names is known
    for fact in ("fct_dag_runs", "fct_task_instances"):
        lost = rows(con, f"select distinct cluster, dag_id, version_key from marts.{fact} "
                    "where version_key is not null "
                    "except select cluster, dag_id, version_key from marts.dim_dag_versions")
        assert lost == []


@pytest.mark.parametrize(("file", "error_class", "message"), [
    ("broken_cron", "AirflowTimetableInvalid", "[61 * * * *] is not acceptable, out of range"),
    ("broken_cycle", "AirflowDagCycleException", "Cycle detected in DAG: broken_cycle. "
     "Faulty task: b"),
    ("broken_import", "ModuleNotFoundError", "No module named 'snowflake_connector_missing'"),
    ("broken_later", "RuntimeError", "config service unreachable at parse time"),
    ("broken_slow", "AirflowTaskTimeout", "DagBag import timeout for "
     "/opt/airflow/dags/broken_slow.py after 30.0s.\nPlease take a look"),
    ("broken_syntax", "SyntaxError", "invalid syntax. Perhaps you forgot a comma?"),
])
def test_import_errors_of_the_corpus(
    con: duckdb.DuckDBPyConnection, file: str, error_class: str, message: str
) -> None:
    for cluster, path in (("airflow-2-11", f"/opt/airflow/dags/{file}.py"),
                          ("airflow-3-3", f"{file}.py")):
        error = one(con, "fct_import_errors", cluster=cluster, file_path=path)
        assert error["error_class"] == error_class
        assert error["message"].lower().startswith(message.lower())
        assert error["relative_file_path"] == f"{file}.py"
        assert error["fixed_at"] is None
        is_known = file == "broken_later"           # the only file that ever parsed
        assert error["dag_ids"] == ([file] if is_known else [])
        assert (error["owner"], error["owner_basis"]) == (
            ("sched", "dags") if is_known else (None, None))


def test_an_import_error_of_1_10_is_a_bare_message(con: duckdb.DuckDBPyConnection) -> None:
    error = one(con, "fct_import_errors", cluster="airflow-1-10")
    expected = {
        "file_path": "/opt/airflow/dags/broken_import.py", "error_class": None, "dag_ids": [],
        "message": "No module named 'nope_not_here'",
        # 14 of the 18 DAGs in its folder are of data-eng alone
        "owner": "data-eng", "owner_basis": "folder", "tier": None,
    }
    assert part(error, expected) == expected


def test_people_are_counted_and_command_lines_are_not(con: duckdb.DuckDBPyConnection) -> None:
    found = {row["cluster"]: row for row in rows(
        con, "select * from marts.agg_daily_platform_usage where usage_date = '2026-11-22'")}
    # 2 + 8 + 1 + 3 + 10 + 1 + 1 + 2 + 1 rows of `admin`; 2 + 13 + 3 + 3 + 1 + 3 + 1 + 1 + 8 of one
    # without a login; all other rows are of tasks, schedulers and the command line
    assert (found["airflow-2-11"]["active_user_count"],
            found["airflow-2-11"]["ui_api_request_count"]) == (1, 29)
    assert (found["airflow-3-3"]["active_user_count"],
            found["airflow-3-3"]["ui_api_request_count"]) == (1, 35)
    for cluster in (*OWN, "airflow-1-10"):
        assert (found[cluster]["active_user_count"],
                found[cluster]["ui_api_request_count"]) == (0, 0)
    for fact, column in (("fct_dag_runs", "dag_run_count"),
                         ("fct_task_instances", "task_instance_count")):
        started = con.execute(
            f"select cluster, cast(started_at as date), count(*) from marts.{fact} "
            "where started_at is not null group by all order by all").fetchall()
        assert con.execute(
            f"select cluster, usage_date, {column} from marts.agg_daily_platform_usage "
            f"where {column} > 0 order by all").fetchall() == started


# --- a company, its rules, and what changes ----------------------------------------------------

RULES = (   # rule_number, cluster_pattern, match_kind, pattern, team, tier, project, owner
    (10, "", "file_path", "/opt/airflow/dags/**", "everyone", "4", "", "platform@"),
    (20, "prod*", "file_path", "/broken_*.py", "", "2", "", "release-manager"),
    (30, "", "dag_id", "asset_*", "lake", "", "assets", ""),
    (40, "", "tag", "ünïcode-*", "", "", "unicode", ""),
    (50, "", "owner", "ads,*", "by owner", "", "", ""),
    (60, "staging", "dag_id", "*", "nobody", "9", "nothing", "nobody"),
    (70, "", "dag_id", "a.b(c)+[d]?", "regex", "", "", ""),
)
TIMEOUT = "Traceback (most recent call last):\n  File \"x.py\", line 4, in <module>\n" \
    "airflow.exceptions.AirflowTaskTimeout: DagBag import timeout after {}s.\nSee docs, PID: {}\n"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def changes(step: int) -> list[str]:
    """What happens in the company's Airflow before its landing number `step`."""
    def broken(seconds: float, pid: int, at: str) -> str:
        trace = TIMEOUT.format(seconds, pid).replace("'", "''")
        return f"update import_error set stacktrace = '{trace}', timestamp = '{at}'"

    return {
        1: ["insert into dag (dag_id, is_paused, is_subdag, is_active, fileloc, owners, "
            "schedule_interval, max_active_tasks, max_active_runs, has_task_concurrency_limits, "
            "max_consecutive_failed_dag_runs) values "
            "('a.b(c)+[d]x', 0, 0, 1, '/elsewhere/a.py', 'airflow', null, 16, 16, 0, 0), "
            "('aXb(c)+[d]x', 0, 0, 1, '/elsewhere/a.py', 'airflow', 'null', 16, 16, 0, 0)"],
        2: [broken(30.0, 10634, "2026-11-22 13:00:00.000000")],
        3: [broken(31.5, 7, "2026-11-22 14:00:00.000000"),
            "insert into dag_tag (dag_id, name) values ('no_tasks', 'proj=x'), "
            "('retry_once', 'Tier 2')",
            "update dag_run set start_date = '2026-11-23 00:00:01.000000', updated_at = "
            "'2026-11-22 14:30:00.000000' where dag_id = 'conf_run'",
            "insert into log (dttm, event, owner, owner_display_name) values "
            "('2026-11-22 14:10:00.000000', 'api.patch_dag', 'ann', 'Ann'), "
            "('2026-11-23 14:10:00.000000', 'grid', 'ann', 'Ann'), "
            "('2026-11-23 14:11:00.000000', 'success', 'bob', 'Bob'), "
            "('2026-11-23 14:12:00.000000', 'paused', 'scheduler', 'Scheduler'), "
            "('2026-11-23 14:13:00.000000', 'cli_dag_list', 'root', null)"],
        4: ["delete from import_error", "delete from dag where dag_id = 'setup_teardown'",
            "delete from dag_tag where dag_id = 'setup_teardown'"],
    }[step]


class Company:
    """A warehouse of one 2.10.5, in a copy of the project whose rules it edits."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root / "var")
        self.layout.root.mkdir(parents=True)
        self.project = root / "project"
        for name in ("models", "macros", "seeds", "tests/dbt"):
            shutil.copytree(ROOT / name, self.project / name)
        for name in ("dbt_project.yml", "profiles.yml"):
            shutil.copyfile(ROOT / name, self.project / name)
        with (self.project / "seeds/ownership/ownership_rules.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("rule_number", "cluster_pattern", "match_kind", "pattern", "team",
                             "tier", "project", "owner"))
            writer.writerows(RULES)
        self.source = root / "source"
        self.archive = Archive(str(root / "archive"))
        self.database = unpack(fixture("2.10.5/airflow.db"), self.source)
        con = open_build(self.layout)
        prepare(con)
        con.close()

    def land(self, step: int) -> None:
        from tests.fixture_databases import edit
        edit(self.database, *changes(step))
        cluster = Cluster("prod", f"sqlite:///{self.database}", NOON + timedelta(hours=step),
                          {"kind": "prod"})
        con = open_build(self.layout)
        [outcome] = land_clusters(con, self.archive, self.layout, [cluster])
        con.close()
        if outcome.error is not None:
            raise outcome.error

    def build(self, *, full_refresh: bool = False) -> dict[str, list[Row]]:
        builder = build.Builder(self.layout, memory_limit="1GB")
        builder.build(select=" ".join(f"+{mart}" for mart in MARTS), full_refresh=full_refresh)
        builder.build(select="int_changes__done", full_refresh=full_refresh)
        con = open_build(self.layout)
        con.execute("set timezone = 'UTC'")
        try:
            return {mart: rows(con, f"select * from marts.{mart} order by {grain}")
                    for mart, grain in MARTS.items()}
        finally:
            con.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Row]]]:
    """Its marts after the first landing, after the last one, and made anew at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WINDSOCK_BUILD_FILE", "WINDSOCK_MEMORY_LIMIT"):
            patch.setenv(name, "")
        own = Company(tmp_path_factory.mktemp("company"))
        patch.setattr(build, "PROJECT", own.project)
        own.land(1)
        first = own.build()
        for step in (2, 3):
            own.land(step)
        middle = own.build()
        own.land(4)
        return {"first": first, "middle": middle, "last": own.build(),
                "anew": own.build(full_refresh=True)}


Marts = dict[str, dict[str, list[Row]]]


@pytest.mark.parametrize("mart", MARTS)
def test_built_step_by_step_or_at_once_is_the_same(company: Marts, mart: str) -> None:
    def text(found: list[Row]) -> list[str]:
        return [json.dumps(row, default=str, sort_keys=True) for row in found]

    assert text(company["last"][mart]) == text(company["anew"][mart])
    assert text(company["last"][mart]) != text(company["first"][mart]) or mart in (
        "dim_tasks", "dim_dag_versions")


def dag(company: Marts, dag_id: str, when: str = "last") -> Row:
    [row] = [r for r in company[when]["dim_dags"] if r["dag_id"] == dag_id]
    return row


@pytest.mark.parametrize(("dag_id", "expected"), [
    ("orders_chain", {"team": "ads", "team_basis": "tag", "tier": "1", "tier_basis": "tag",
                      "project": "unicode", "project_basis": "rule 40",
                      "owner": "ads,platform, finance, platform", "owner_basis": "owner"}),
    ("retry_once", {"team": "ads", "team_basis": "tag", "tier": "2", "tier_basis": "tag"}),
    ("asset_consumer", {"team": "lake", "team_basis": "rule 30", "tier": "4",
                        "tier_basis": "rule 10", "project": "assets",
                        "owner": "platform@", "owner_basis": "rule 10"}),
    ("asset_producer", {"team": "ads", "team_basis": "tag"}),
    ("no_tasks", {"team": "everyone", "project": "x", "project_basis": "tag", "tier": "3",
                  "owner": "platform@", "owner_basis": "rule 10"}),
    ("a.b(c)+[d]x", {"team": "regex", "team_basis": "rule 70", "owner": "airflow",
                     "owner_basis": "default", "schedule": None, "schedule_kind": None}),
    ("aXb(c)+[d]x", {"team": None, "tier": None, "project": None, "schedule_kind": "none"}),
])
def test_rules_of_a_company(company: Marts, dag_id: str, expected: Row) -> None:
    assert part(dag(company, dag_id), expected) == expected


def test_a_rule_edited_or_a_tag_added_counts_with_the_next_build(company: Marts) -> None:
    assert dag(company, "no_tasks", "first")["project"] is None
    assert dag(company, "no_tasks", "middle")["project"] == "x"
    assert dag(company, "retry_once", "first")["tier"] == "4"
    assert dag(company, "retry_once", "middle")["tier"] == "2"


def test_a_dag_that_went_keeps_its_row(company: Marts) -> None:
    before, after = (dag(company, "setup_teardown", when) for when in ("first", "last"))
    assert (before["is_active"], before["deleted_at"]) == (True, None)
    assert (after["is_active"], after["deleted_at"]) == (
        False, datetime.fromisoformat("2026-11-22T16:00"))
    assert after["delete_reason"] == "deleted"
    assert (after["tags"], after["run_count"]) == (before["tags"], before["run_count"])


def test_an_error_comes_changes_its_process_and_goes(company: Marts) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text)

    [first] = company["first"]["fct_import_errors"]
    assert (first["error_class"], first["fixed_at"]) == ("ModuleNotFoundError", None)
    # no DAG in it ever parsed: its path in the DAGs folder tells
    expected = {"owner": "release-manager", "owner_basis": "rule 20", "team": "everyone",
                "team_basis": "rule 10", "tier": "2", "tier_basis": "rule 20"}
    assert part(first, expected) == expected
    for when, fixed_at in (("middle", None), ("last", at("2026-11-22T16:00:00"))):
        by_class = {e["error_class"]: e for e in company[when]["fct_import_errors"]}
        assert set(by_class) == {"ModuleNotFoundError", "AirflowTaskTimeout"}
        # another error of the file was found at the second landing
        old, new = by_class["ModuleNotFoundError"], by_class["AirflowTaskTimeout"]
        assert old["fixed_at"] == at("2026-11-22T14:00:00")
        assert (new["first_seen_at"], new["last_seen_at"], new["fixed_at"]) == (
            at("2026-11-22T13:00:00"), at("2026-11-22T14:00:00"), fixed_at)
        assert new["message"] == "DagBag import timeout after 31.5s.\nSee docs, PID: 7"


def test_days_follow_runs_that_move_and_rows_that_come_late(company: Marts) -> None:
    def days(when: str) -> dict[str, tuple[int, int, int]]:
        return {str(d["usage_date"]): (d["active_user_count"], d["ui_api_request_count"],
                                       d["dag_run_count"])
                for d in company[when]["agg_daily_platform_usage"]}

    first, middle = days("first"), days("middle")
    assert first == {"2026-11-22": (0, 0, 18)}
    # one run of conf_run was started again on the next day
    assert middle == {"2026-11-22": (1, 1, 17), "2026-11-23": (2, 2, 1)}
