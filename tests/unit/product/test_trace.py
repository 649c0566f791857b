"""`windsock trace`: every column of every mart ends at the source, and some exact chains.

    compiled project  ->  chains  ->  ends;  `windsock trace …`  ->  what it prints
"""

from itertools import pairwise
from pathlib import Path

import pytest
from sqlglot import exp

from ingest.landing import prepare
from ingest.sources.airflow_db.provenance import landing_types, where_from
from tests.compiled_project import Compiled, compiled
from tests.seen_columns import FILE, text
from windsock import cli, errors
from windsock.trace import trace
from windsock.trace.chain import Chain, chains
from windsock.trace.statement import ROWS, Column, read_statement
from windsock.warehouse import open_memory

__all__ = ["compiled"]      # a fixture


def chain(compiled: Compiled, name: str) -> Chain:
    room, model, column = name.split(".")
    [found] = chains(compiled.project, compiled.columns, [Column(f"{room}.{model}", column)])
    return found


def printed(compiled: Compiled, name: str) -> str:
    return trace(name, compiled.layout, landing=landing_types(), where_from=where_from)


# --- every column of every mart ------------------------------------------------------------------


def test_every_column_of_every_mart_ends_at_the_source(compiled: Compiled) -> None:
    starts = [Column(name, column) for name, columns in compiled.columns.items()
              if name.startswith("marts.") for column in columns]
    assert len(starts) > 250
    for found in chains(compiled.project, compiled.columns, starts):
        name = f"{found.start.relation}.{found.start.name}"
        assert all(end.name == ROWS or end.name in compiled.columns[end.relation]
                   for end in found.ends), name
        is_landed = any(end.relation.startswith("landing.") for end in found.ends)
        # A seed's or a model's own word: a constant.
        is_own = all(compiled.project.relations[e.relation].kind == "seed" for e in found.ends)
        assert is_landed or is_own, f"{name} ends in {found.ends}"
        if not is_landed and not found.ends:
            leaves = [o for o in found.origins.values() if not o.values]
            assert leaves, name
            assert all(o.steps and not o.deciders for o in leaves), f"{name} ends in nothing"


def test_only_python_models_are_not_resolved_by_column(compiled: Compiled) -> None:
    """sqlglot resolves every statement that we have; where it does not, look at the statement."""
    starts = [Column(r.name, column) for r in compiled.project.relations.values()
              if r.language == "sql" for column in (*compiled.columns[r.name], ROWS)]
    lost = {
        f"{column.relation}.{column.name}"
        for found in chains(compiled.project, compiled.columns, starts)
        for column, origin in found.origins.items()
        if not origin.is_exact and compiled.project.relations[column.relation].language == "sql"
    }
    assert lost == set()


def test_sqlglot_and_duckdb_agree_on_the_columns_of_every_model(compiled: Compiled) -> None:
    for relation in compiled.project.relations.values():
        if relation.language == "sql":
            parents = {name: compiled.columns[name] for name in relation.parents}
            root = read_statement(relation.sql, parents).root
            assert root is not None, relation.path
            assert isinstance(root.expression, exp.Query)
            assert root.expression.named_selects == list(compiled.columns[relation.name])


# --- chains by hand ------------------------------------------------------------------------------

EXACT = {
    "marts.fct_dag_runs.started_at": [
        "marts.fct_dag_runs.started_at",
        "staging.stg_airflow_db__dag_runs.started_at",
        "landing.airflow_db__dag_run.start_date",
    ],
    "marts.fct_task_edges.upstream_task_id": [
        "marts.fct_task_edges.upstream_task_id",
        "intermediate.int_structures__edges.upstream_task_id",
        "staging.stg_airflow_db__structure_edges.upstream_task_id",
        "landing.airflow_db__dag_structure_task.upstream_task_ids",
    ],
    "marts.fct_failed_loads.failed_at": [
        "marts.fct_failed_loads.failed_at",
        "staging.stg_airflow_db__failed_loads.failed_at",
        "landing.failed_loads.failed_at",
    ],
    "marts.dim_clusters.airflow_version": [
        "marts.dim_clusters.airflow_version",
        "staging.stg_airflow_db__loads.airflow_version",
        "landing.loads.facts",
    ],
    "intermediate.int_usage__user_days.user_name": [
        "intermediate.int_usage__user_days.user_name",
        "staging.stg_airflow_db__audit_events.actor_name",
        "landing.airflow_db__log.owner",
    ],
}


@pytest.mark.parametrize("name", EXACT)
def test_a_chain_without_forks(compiled: Compiled, name: str) -> None:
    found = chain(compiled, name)
    links = [Column(*n.rsplit(".", 1)) for n in EXACT[name]]
    assert list(found.origins) == links[:-1]
    for column, value in pairwise(links):
        assert found.origins[column].values == [value]
    assert found.ends == (links[-1],)


def test_two_ends(compiled: Compiled) -> None:
    found = chain(compiled, "marts.fct_dag_runs.duration_seconds")
    ends = {Column("landing.airflow_db__dag_run", c) for c in ("start_date", "end_date")}
    assert set(found.ends) == ends


def test_what_decides_is_named_but_not_followed(compiled: Compiled) -> None:
    found = chain(compiled, "marts.fct_dag_runs.due_at")
    staged = "staging.stg_airflow_db__dag_runs"
    assert found.origins[found.start].values == [Column(staged, "due_at")]
    assert found.origins[found.start].deciders == [Column(staged, "run_kind")]
    assert Column(staged, "run_kind") not in found.origins


def test_work_on_the_path_comes_from_the_tries(compiled: Compiled) -> None:
    found = chain(compiled, "marts.fct_dag_runs.running_seconds")
    models = list(found.by_model())
    assert models[:3] == ["marts.fct_dag_runs", "intermediate.int_critical_path__totals",
                          "intermediate.int_critical_path__steps"]
    for name in ("start_date", "end_date"):
        assert Column("landing.airflow_db__task_instance", name) in found.ends
        assert Column("landing.airflow_db__task_instance_history", name) in found.ends


def test_a_python_model_is_by_way_of_all_that_it_reads(compiled: Compiled) -> None:
    found = chain(compiled, "marts.fct_model_path_tasks.float_seconds")
    python = Column("intermediate.int_model_path__tasks", "float_seconds")
    assert not found.origins[python].is_exact
    assert set(found.origins[python].values) == {
        Column(parent, column)
        for parent in compiled.project.relations[python.relation].parents
        for column in compiled.columns[parent]
    }
    said = printed(compiled, "fct_model_path_tasks.float_seconds")
    assert "a Python model: by way of all that it reads" in said


# --- what is printed -----------------------------------------------------------------------------


def test_the_tree_of_a_column(compiled: Compiled) -> None:
    lines = printed(compiled, "marts.fct_dag_runs.duration_seconds").splitlines()
    assert lines[0] == "marts.fct_dag_runs.duration_seconds  double"
    tree = lines[lines.index("") + 1:]
    assert tree[0] == "fct_dag_runs.duration_seconds   models/marts/core/fct_dag_runs.sql"
    assert tree[1].startswith("│  = cast((epoch_us(dag_runs.ended_at) - epoch_us(dag_runs.started")
    staged = "models/staging/airflow_db/stg_airflow_db__dag_runs.sql"
    assert tree[2:6] == [
        f"├─ stg_airflow_db__dag_runs.ended_at   {staged}",
        "│  └─ landing.airflow_db__dag_run.end_date <- Airflow dag_run.end_date (1.10 to 3.3)",
        f"└─ stg_airflow_db__dag_runs.started_at   {staged}",
        "   └─ landing.airflow_db__dag_run.start_date <- Airflow dag_run.start_date (1.10 to 3.3)",
    ]
    assert "  landing.airflow_db__dag_run: end_date, start_date" in lines
    checks = lines[lines.index("Checks on the way"):]
    assert "    data  unique_grain(columns: [cluster, dag_id, run_id])" in checks
    assert "    unit  run_kind_comes_from_the_type_and_only_in_1_10_from_the_id" in checks
    assert not any("run_id: not_null" in line for line in checks), "a test of another column"


def test_what_was_shown_is_only_named_again(compiled: Compiled) -> None:
    text = printed(compiled, "marts.fct_dag_runs.running_seconds")
    shown = [line for line in text.splitlines() if "int_attempts__tries.busy_from_at " in line]
    assert sum("(above)" not in line for line in shown) == 1
    assert any("(above)" in line for line in shown)


def test_rows_and_constants_are_called_so(compiled: Compiled) -> None:
    assert "rows of fct_dag_runs   models/" in printed(compiled, "agg_row_flags.row_count")
    constant = printed(compiled, "agg_row_flags.model_name")
    assert "a constant of the model" in constant
    assert "Ends in constants of the models." in constant


def test_a_seed_ends_at_its_file(compiled: Compiled) -> None:
    text = printed(compiled, "marts.dim_dags.tier")
    assert "<- seeds/ownership/ownership_rules.csv" in text


@pytest.mark.parametrize("name", ["FCT_DAG_RUNS.State", " fct_dag_runs.state"])
def test_the_room_may_be_left_out(compiled: Compiled, name: str) -> None:
    assert printed(compiled, name) == printed(compiled, "marts.fct_dag_runs.state")


def test_a_model_alone_lists_its_columns(compiled: Compiled) -> None:
    lines = printed(compiled, "fct_dag_runs").splitlines()
    assert lines[0] == "marts.fct_dag_runs  models/marts/core/fct_dag_runs.sql"
    listed = [line.split()[0] for line in lines[3:-2]]
    assert listed == list(compiled.columns["marts.fct_dag_runs"])
    assert lines[-1] == "Next: windsock trace marts.fct_dag_runs.cluster"


def test_rooms_before_the_marts_can_be_asked_too(compiled: Compiled) -> None:
    lines = printed(compiled, "stg_airflow_db__jobs.heartbeat_at").splitlines()
    tree = lines[lines.index("") + 1:]
    assert tree[:2] == [
        "stg_airflow_db__jobs.heartbeat_at   models/staging/airflow_db/stg_airflow_db__jobs.sql",
        "└─ landing.airflow_db__job.latest_heartbeat <- Airflow job.latest_heartbeat (1.10 to 3.3)",
    ]
    assert printed(compiled, "landing.airflow_db__job.state") == (
        "landing.airflow_db__job.state <- Airflow job.state (1.10 to 3.3)")


@pytest.mark.parametrize(("name", "message"), [
    ("marts.fct_dag_runs.running_second", "no column 'running_second'.*fct_dag_runs.running_secon"),
    ("fct_dag_run.state", "no model 'fct_dag_run'.*`windsock trace fct_dag_runs`"),
    ("staging.fct_dag_runs.state", "no model 'fct_dag_runs' in staging"),
    ("marts.fct_dag_runs.zzzzzz", "no column 'zzzzzz'.*there are: "),
    ("a.b.c.d", "is not the name of a column"),
    ("marts..state", "is not the name of a column"),
])
def test_a_wrong_name_is_answered_with_near_ones(
    compiled: Compiled, name: str, message: str
) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        printed(compiled, name)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def config(compiled: Compiled, tmp_path: Path) -> Path:
    """A configuration whose warehouse folder holds nothing but what was compiled."""
    file = tmp_path / "windsock.toml"
    file.write_text(f'[warehouse]\npath = "{compiled.layout.root}"\n'
                    '[clusters.a]\nmetadata_url = "sqlite:////nowhere/airflow.db"\n')
    assert not compiled.layout.build_file.exists(), "it must work before any build"
    return file


def test_the_command(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--config", str(config), "trace", "marts.fct_dag_runs.started_at"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("marts.fct_dag_runs.started_at  timestamp\n")
    assert "start_date <- Airflow dag_run.start_date (1.10 to 3.3)" in out
    assert set(err.splitlines()) <= {
        "windsock: reading the models (some seconds, once after each change of them) ..."}


def test_a_wrong_name_is_a_usage_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--config", str(config), "trace", "fct_dag_runs.stat"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean `windsock trace marts.fct_dag_runs.state`" in err


# --- the outermost end ---------------------------------------------------------------------------


def test_landing_types_are_those_of_an_empty_warehouse() -> None:
    with open_memory() as con:
        prepare(con)
        rows = con.execute("select table_name, column_name, lower(data_type) from duckdb_columns() "
                           "where schema_name = 'landing'").fetchall()
    assert sorted(rows) == sorted(
        (t, c, kind) for t, columns in landing_types().items() for c, kind in columns.items())


def test_every_landed_column_has_an_origin() -> None:
    for table, columns in landing_types().items():
        for column in (*columns, ROWS):
            assert where_from(table, column)


def test_the_releases_of_a_column_are_those_of_the_fixtures() -> None:
    assert FILE.read_text() == text(), "run `make docs`"


@pytest.mark.parametrize(("table", "column", "expected"), [
    ("task_instance", "start_date", "Airflow task_instance.start_date (1.10 to 3.3)"),
    ("task_instance", "run_id", "Airflow task_instance.run_id (2.2 to 3.3; before by the run's "
     "logical date)"),
    ("task_instance", "map_index", "Airflow task_instance.map_index (2.4 to 3.3; before always "
     "-1)"),
    ("task_instance", "job_id", "Airflow task_instance.job_id (1.10 to 2.11)"),
    ("task_instance__replaced", "end_date", "Airflow task_instance.end_date (1.10 to 3.3), as it "
     "was before it was overwritten"),
    ("task_reschedule", "task_id", "Airflow task_reschedule.task_id (1.10 to 2.11; since by the "
     "task instance that the row belongs to)"),
    ("dag_structure_task", "pool", "Airflow serialized_dag.data (1.10 to 3.3), by "
     "ingest/sources/airflow_db/structure"),
    ("job", "cluster", "windsock.toml: the cluster's name"),
    ("job", "_load_number", "the door: which load brought the row, counted over all clusters"),
    ("dag_run", ROWS, "rows of Airflow dag_run (1.10 to 3.3)"),
])
def test_where_a_landed_column_is_from(table: str, column: str, expected: str) -> None:
    assert where_from(f"airflow_db__{table}", column) == expected
