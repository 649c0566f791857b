"""Links between runs and the chains through them: real databases, and a company with a known story.

    corpus warehouse                      =  what a person reads from DAG files and raw rows
    tests/link_histories.py, two Airflows =  its own oracle, landed and built in steps
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest import gate
from ingest.archive import Archive
from ingest.landing import Cluster, land_clusters
from ingest.sample import CLUSTER_2, CLUSTER_3
from tests.airflow_world_landing import plain_judge
from tests.corpus_warehouse import corpus_warehouse, reading
from tests.link_histories import SECOND, SEED, START, Company, Happening, chain, company
from windsock import build as build_module
from windsock.build import Builder
from windsock.warehouse import Layout, open_build

__all__ = ["corpus_warehouse"]      # a fixture

Row = dict[str, Any]
CHAINS = 40
MODELS = "+fct_run_chain_steps +int_changes__done"
MARTS = ("fct_run_links", "fct_run_chain_steps")
DAY_22 = "2026-11-22"


def rows(con: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    cursor = con.execute(sql, list(parameters))
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# --- what real releases wrote ------------------------------------------------------------------

@pytest.fixture(scope="module")
def con(corpus_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with reading(corpus_warehouse) as opened:
        yield opened


def links(con: duckdb.DuckDBPyConnection, cluster: str, dag_id: str, task_id: str | None,
          ) -> list[Row]:
    return rows(con, "select * from fct_run_links where cluster = $1 and dag_id = $2 "
                "and task_id is not distinct from $3 order by run_id, link_number",
                cluster, dag_id, task_id)


# wait_sales waits for sales_etl.done of the same hour: hour -> (done ended, sensor ended), raw rows
SENSORS = {
    ("airflow-1-10", "02:00"): ("06:36:32.654081", "06:37:16.097460"),
    ("airflow-1-10", "03:00"): ("06:42:13.076481", "06:51:26.855357"),
    ("airflow-1-10", "04:00"): ("06:52:49.623764", "06:53:56.124125"),
    (CLUSTER_2, "01:00"): ("06:04:17.376542", "06:04:28.779710"),
    (CLUSTER_2, "02:00"): ("06:05:06.175085", "06:05:13.643651"),
    (CLUSTER_2, "03:00"): ("06:05:49.677205", "06:05:54.795660"),
    (CLUSTER_2, "04:00"): ("06:07:19.875519", "06:07:46.803357"),
    (CLUSTER_2, "05:00"): ("06:08:05.212372", "06:08:50.742024"),
    (CLUSTER_3, "05:00"): ("06:40:57.673934", "06:43:09.139002"),
    (CLUSTER_3, "06:00"): ("06:42:22.711041", "06:43:10.522165"),
}


@pytest.mark.parametrize(("place", "times"), SENSORS.items(), ids=lambda x: " ".join(x))
def test_a_sensor_is_linked_with_the_run_of_its_date(
    con: duckdb.DuckDBPyConnection, place: tuple[str, str], times: tuple[str, str]
) -> None:
    run_id = f"scheduled__{DAY_22}T{place[1]}:00+00:00"
    [link] = [r for r in links(con, place[0], "external_wait", "wait_sales")
              if r["run_id"] == run_id]
    ended, noticed = (datetime.fromisoformat(f"{DAY_22}T{t}") for t in times)
    assert (link["link_kind"], link["link_basis"], link["wait_state"]) == (
        "sensor", "logical_date", "success")
    assert (link["upstream_cluster"], link["upstream_dag_id"], link["upstream_run_id"],
            link["upstream_task_id"]) == (place[0], "sales_etl", run_id, "done")
    assert (link["external_ended_at"], link["wait_ended_at"]) == (ended, noticed)
    assert link["detection_lag_seconds"] == pytest.approx((noticed - ended).total_seconds())


def test_a_sensor_that_timed_out_is_linked_but_noticed_nothing(
    con: duckdb.DuckDBPyConnection
) -> None:
    """3.3.2: `wait_sales` of 01:00 gave up at 06:32:30, `done` ended at 06:38:02."""
    failed = [r for r in links(con, CLUSTER_3, "external_wait", "wait_sales")
              if r["wait_state"] == "failed"]
    assert [r["run_id"][22:27] for r in failed] == ["01:00", "02:00", "03:00", "04:00"]
    assert str(failed[0]["external_ended_at"]) == f"{DAY_22} 06:38:02.066015"
    assert {(r["link_basis"], r["detection_lag_seconds"]) for r in failed} == {
        ("logical_date", None)}


@pytest.mark.parametrize("cluster", [CLUSTER_2, CLUSTER_3])
def test_a_task_that_is_not_in_the_run_links_nothing(
    con: duckdb.DuckDBPyConnection, cluster: str
) -> None:
    found = links(con, cluster, "external_wait", "wait_missing")
    assert len(found) in (5, 6)
    assert {(r["link_basis"], r["upstream_dag_id"], r["upstream_run_id"]) for r in found} == {
        ("unknown", "sales_etl", None)}


def test_a_marker_waits_for_nothing_and_another_date_is_no_link(
    con: duckdb.DuckDBPyConnection
) -> None:
    """Both DAGs of this example are @once, and 3.x gave each its own logical date."""
    assert not links(con, CLUSTER_3, "example_external_task_marker_parent", "parent_task")
    [link] = links(con, CLUSTER_3, "example_external_task_marker_child", "child_task1")
    assert (link["link_basis"], link["upstream_run_id"], link["wait_ended_at"]) == (
        "unknown", None, None)


# who started it: (cluster, DAG) -> (DAG, task, when it was made)
TRIGGERS = {
    (CLUSTER_2, "conf_dag"): ("triggers_other", "fire", "06:16:08.766941"),
    (CLUSTER_2, "example_trigger_target_dag"): (
        "example_trigger_controller_dag", "test_trigger_dagrun", "06:10:21.786660"),
    (CLUSTER_3, "conf_dag"): ("triggers_other", "fire", "06:31:06.228208"),
    (CLUSTER_3, "example_trigger_target_dag"): (
        "example_trigger_controller_dag", "test_trigger_dagrun", "06:27:00.169026"),
}


@pytest.mark.parametrize(("child", "parent"), TRIGGERS.items(), ids=lambda x: " ".join(x))
def test_a_triggered_run_is_linked_with_the_task_that_ran_then(
    con: duckdb.DuckDBPyConnection, child: tuple[str, str], parent: tuple[str, str, str]
) -> None:
    """`conf_dag` also has a run that a person made (adhoc:…): it has no link."""
    [link] = links(con, *child, None)
    assert link["link_kind"] == "trigger"
    assert (link["upstream_dag_id"], link["upstream_task_id"]) == parent[:2]
    assert str(link["external_ended_at"]) == f"{DAY_22} {parent[2]}"
    assert (link["candidate_count"], link["upstream_path_step_number"]) == (1, 1)


def test_a_task_whose_run_existed_already_triggered_nothing(
    con: duckdb.DuckDBPyConnection
) -> None:
    """3.3.2: `trigger_child_task` failed, since `child_dag` had a run of that date; its sensor
    waits for that run, whose task failed too."""
    assert not links(con, CLUSTER_3, "child_dag", None)
    [link] = links(con, CLUSTER_3, "example_external_task", "parent_task_sensor")
    assert (link["upstream_run_id"], link["external_ended_at"], link["wait_ended_at"]) == (
        "scheduled__2022-01-01T00:00:00+00:00", None, None)


def test_every_event_that_made_a_run_is_a_link(con: duckdb.DuckDBPyConnection) -> None:
    """Airflow records them: nothing more, nothing less, in every release that has them."""
    landed = rows(con, """
        select cluster, dag_id, run_id, event_id from landing.airflow_db__dagrun_asset_event
        union all
        select cluster, dag_id, run_id, event_id from landing.airflow_db__dagrun_dataset_event""")
    linked = rows(con, "select * from fct_run_links where link_kind = 'asset'")
    assert len(linked) == len(landed) > 20
    assert {r["cluster"] for r in linked} == {r["cluster"] for r in landed}
    assert {r["link_basis"] for r in linked} == {"recorded"}


def test_a_run_of_two_assets_was_made_by_the_later_one(con: duckdb.DuckDBPyConnection) -> None:
    """3.3.2: customers at 06:36:25.56, orders at 06:36:59.09, the run queued 7.997 s later."""
    first, second = [r for r in links(con, CLUSTER_3, "ds_consumer", None)
                     if "06:36:59" in r["run_id"]]
    assert [(r["upstream_task_id"], r["asset_name"]) for r in (first, second)] == [
        ("write_customers", "s3://lake/customers"), ("write_orders", "s3://lake/orders")]
    assert first["detection_lag_seconds"] is None
    assert second["detection_lag_seconds"] == pytest.approx(7.996838)


def test_a_chain_of_the_corpus_in_full(con: duckdb.DuckDBPyConnection) -> None:
    """2.11.0, 03:00: sales_etl began 06:04:31.67, `done` ended 06:05:49.68; wait_sales had waited
    since 06:03:49.69; external_wait ended 06:06:17.17."""
    found = rows(con, "select * from fct_run_chain_steps where cluster = $1 and run_id like $2 "
                 "and dag_id = 'external_wait' order by chain_number", CLUSTER_2, "%T03:00:00%")
    assert [(r["chain_number"], r["upstream_dag_id"], r["upstream_task_id"], r["link_kind"],
             r["waiting_task_id"]) for r in found] == [
        (1, "sales_etl", "done", "sensor", "wait_sales"),
        (2, "external_wait", None, None, None)]
    assert [r["own_seconds"] for r in found] == pytest.approx([78.006161, 27.488954])
    assert found[0]["waited_seconds"] == pytest.approx(119.990676)


def test_chains_have_no_gap(con: duckdb.DuckDBPyConnection) -> None:
    check_chains_tile(con)


def check_chains_tile(con: duckdb.DuckDBPyConnection) -> None:
    """Two routes to one number: shares added up, and the last end minus the first begin."""
    found = rows(con, """
        select chains.*, runs.path_ended_at from marts.fct_run_chain_steps as chains
        inner join marts.fct_dag_runs as runs using (cluster, dag_id, run_id)
        order by cluster, dag_id, run_id, chain_number""")
    assert found
    before: Row | None = None
    for row in found:
        if row["chain_number"] > 1:
            assert before is not None
            assert row["began_at"] == before["ended_at"]
        if row["chain_number"] == row["chain_step_count"]:
            assert row["upstream_run_id"] == row["run_id"]
            assert row["ended_at"] == row["path_ended_at"]
        before = row
    [sums] = rows(con, """
        select max(abs(total - wall)) as error from (
            select sum(own_seconds) as total,
                epoch_us(max(ended_at)) / 1e6 - epoch_us(min(began_at)) / 1e6 as wall
            from marts.fct_run_chain_steps group by cluster, dag_id, run_id)""")
    assert sums["error"] < 0.001


# --- a company whose story is known ------------------------------------------------------------

class Lab:
    """A warehouse of both Airflows, with a project whose seed names the link between them."""

    def __init__(self, root: Path) -> None:
        self.story: Company = company(random.Random(5), CHAINS)  # noqa: S311  a die, no secret
        self.layout, self.root = Layout(root / "var"), root
        self.archive = Archive(str(root / "archive"))
        project = root / "project"
        for name in ("models", "macros", "seeds"):
            shutil.copytree(build_module.PROJECT / name, project / name)
        shutil.copytree(build_module.PROJECT / "tests" / "dbt", project / "tests" / "dbt")
        for name in ("dbt_project.yml", "profiles.yml", "windsock/model_path.py"):
            (project / name).parent.mkdir(exist_ok=True)
            shutil.copy(build_module.PROJECT / name, project / name)
        (project / "seeds" / "links" / "cross_cluster_links.csv").write_text(SEED)
        self.project, self.builder = project, Builder(self.layout)
        self.sizes: list[tuple[int, int, int]] = []

    def land(self, at: int, *, without: str | None = None) -> None:
        urls = self.story.write(self.root, at)
        urls.pop(without or "", None)
        as_of = START + timedelta(microseconds=at)
        with open_build(self.layout) as con:
            clusters = [Cluster(name, url, as_of=as_of) for name, url in urls.items()]
            for outcome in land_clusters(con, self.archive, self.layout, clusters):
                if outcome.error is not None:
                    raise outcome.error

    def build(self, *, full: bool = False) -> None:
        """Make the marts; what the build took for its work is kept in `sizes`."""
        self.builder.build(select=MODELS, full_refresh=full)
        with open_build(self.layout) as con:
            counts = [con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in (
                "intermediate.int_changes__runs", "intermediate.int_changes__link_runs",
                "marts.fct_dag_runs")]
        self.sizes.append((counts[0], counts[1], counts[2]))

    def marts(self) -> dict[str, Counter[str]]:
        with open_build(self.layout) as con:
            return {name: Counter(str(r) for r in con.execute(
                f"select * exclude (newest_load_number) from marts.{name}").fetchall())
                for name in MARTS}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Landed at seven instants, the last after everything ended; built after each."""
    made = Lab(tmp_path_factory.mktemp("company"))
    end = max(run.ended for run in made.story.runs) + SECOND
    # Before and after a run ends on which others had waited that have ended already: they have not
    # changed, their links and chains may have.
    pairs = [(run.ended, cause.other.ended) for run in made.story.runs for cause in run.causes
             if run.ended < cause.other.ended]
    instants = sorted(moment for ended, other_ended in pairs[::len(pairs) // 3][:3]
                      for moment in ((ended + other_ended) // 2, other_ended + SECOND))
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(gate, "judge", plain_judge)
        patches.setattr(build_module, "PROJECT", made.project)
        for place, at in enumerate([*instants, end]):
            # for a while one of the two cannot be reached: what others waited for lands later
            made.land(at, without="ingest" if place in (2, 3) else None)
            made.build()
        yield made


def test_chains_are_those_that_happened(lab: Lab) -> None:
    with open_build(lab.layout) as con:
        found = rows(con, "select * from marts.fct_run_chain_steps order by chain_number")
        check_chains_tile(con)
    told: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for r in found:
        told.setdefault((r["cluster"], r["dag_id"], r["run_id"]), []).append((
            (r["upstream_cluster"], r["upstream_dag_id"], r["upstream_run_id"]),
            r["upstream_task_id"], r["link_kind"], moment(r["began_at"]), moment(r["ended_at"])))
    wrong = {run.key: (chain(run), told.get(run.key, [])) for run in lab.story.runs
             if chain(run) != told.get(run.key, [])}
    assert not wrong, f"{len(wrong)} of {len(lab.story.runs)}, such as {next(iter(wrong.items()))}"


def test_the_story_holds_what_it_is_meant_to_test(lab: Lab) -> None:
    """A comparison of dull chains would prove little."""
    chains = [chain(run) for run in lab.story.runs]
    through = Counter(len({key[0] for key, *_ in links}) for links in chains)
    kinds = Counter(kind for links in chains for _, _, kind, _, _ in links)
    assert through[2] > CHAINS                  # across both clusters
    assert through[0] > CHAINS                  # held up by nobody
    assert max(len(links) for links in chains) >= 5
    assert min(kinds[k] for k in ("sensor", "asset", "trigger", "completion")) > CHAINS / 4
    # awaited tasks that are not on their own run's path
    assert sum(r.tasks["side"].ended > r.tasks["publish"].ended
               for r in lab.story.runs if r.dag_id == "model") > CHAINS / 8


def test_links_are_those_that_happened(lab: Lab) -> None:
    with open_build(lab.layout) as con:
        found = rows(con, "select * from marts.fct_run_links")
    told = Counter((r["cluster"], r["dag_id"], r["run_id"], r["link_kind"], r["task_id"],
                    r["upstream_cluster"], r["upstream_dag_id"], r["upstream_run_id"],
                    r["upstream_task_id"], moment(r["external_ended_at"])) for r in found)
    expected = Counter((*run.key, c.kind, c.waiter, *c.other.key, c.task, c.external)
                       for run in lab.story.runs for c in run.causes)
    assert told == expected
    for r in found:
        if r["link_kind"] in ("sensor", "completion"):
            run = run_of(lab, r)
            lag = (run.tasks[r["task_id"]].ended - moment(r["external_ended_at"])) / SECOND
            assert r["detection_lag_seconds"] == pytest.approx(lag)
            assert r["link_basis"] == {"model": "seed", "report": "logical_date"}.get(
                run.dag_id, "logical_date" if r["link_kind"] == "sensor" else "trigger_window")


def test_increments_give_what_everything_anew_gives(lab: Lab) -> None:
    grown = lab.marts()
    assert all(touched < every for touched, _, every in lab.sizes[1:7])
    assert any(touched < linked < every for touched, linked, every in lab.sizes[1:7])
    lab.build(full=True)
    anew = lab.marts()
    for name in MARTS:
        assert sum(anew[name].values()) > CHAINS
        assert not anew[name] - grown[name], name
        assert not grown[name] - anew[name], name


def run_of(lab: Lab, row: Row) -> Happening:
    [run] = [r for r in lab.story.runs if r.key == (row["cluster"], row["dag_id"], row["run_id"])]
    return run


def moment(at: datetime) -> int:
    """Microseconds since the story began."""
    return (at - START.replace(tzinfo=None)) // timedelta(microseconds=1)
