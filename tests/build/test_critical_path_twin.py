"""Two routes to one path: the SQL of a whole build and the Python twin, run by run.

Generated histories of three releases go through the real door with the fixtures that real releases
wrote; the generator knows what truly happened, so tries are tested with the paths.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingest import gate
from ingest.archive import Archive
from ingest.landing import Cluster, land_clusters
from tests import histories
from tests.airflow_world_landing import plain_judge
from tests.fixture_databases import NOW, SQLITE, edit, name_of, unpack
from tests.histories_inputs import recorded_runs
from tests.histories_warehouse import RunKey, Told, differences, explained, told
from tests.limit_waits import charges
from windsock.build import Builder
from windsock.critical_path import Run
from windsock.warehouse import Layout, open_build

RUNS_A_RELEASE = 1_700
SHOWN = 5
MODELS = "+fct_critical_path_steps +fct_dag_runs +fct_task_attempts +fct_task_instances"
# The database before its upgrade is that of 2.10.5 itself.
FIXTURES = {name_of(path).removesuffix(".db").replace("/airflow", "").replace("/", " "): path
            for path in SQLITE if path.name != "before.db.xz"}


@dataclass
class Built:
    """A warehouse with every history in it, what it tells, and what is true of the generated."""

    con: duckdb.DuckDBPyConnection
    told: dict[RunKey, Told]
    truth: dict[str, dict[RunKey, Run]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    root = tmp_path_factory.mktemp("twin")
    truth: dict[str, dict[RunKey, Run]] = {}
    clusters = []
    for seed, release in enumerate(histories.RELEASES):
        history = histories.history(release, seed=seed, runs=RUNS_A_RELEASE)
        url = histories.write(history, root / f"{release}.db")
        deferred = ("", "") if release == "2.4.3" else (", include_deferred", f", {seed % 2}")
        edit(root / f"{release}.db", "delete from slot_pool",
             f"insert into slot_pool (id, pool, slots{deferred[0]}) "
             f"values (1, 'default_pool', {1 + seed % 2}{deferred[1]})",
             "update dag set max_active_tasks = 1 + length(dag_id) * rowid % 3")
        clusters.append(Cluster(f"generated {release}", url, as_of=histories.NOW))
        truth[release] = {(f"generated {release}", *key): run
                          for key, run in history.truth.items()}
    for name, path in FIXTURES.items():
        database = unpack(path, root / "fixtures" / name)
        clusters.append(Cluster(name, f"sqlite:///{database}", as_of=NOW))
    layout = Layout(root / "var")
    _build(layout, clusters, root)
    with open_build(layout) as con:
        yield Built(con, told(con), truth)


def _build(layout: Layout, clusters: list[Cluster], root: Path) -> None:
    with pytest.MonkeyPatch.context() as patches, open_build(layout) as con:
        patches.setattr(gate, "judge", plain_judge)
        for outcome in land_clusters(con, Archive(str(root / "archive")), layout, clusters):
            if outcome.error is not None:
                raise outcome.error
    Builder(layout).build(select=MODELS)


@pytest.mark.parametrize("release", histories.RELEASES)
def test_generated_histories(built: Built, release: str) -> None:
    runs = built.truth[release]
    assert len(runs) >= RUNS_A_RELEASE
    _compare(runs, built)


@pytest.mark.parametrize("name", FIXTURES)
def test_what_real_releases_wrote(built: Built, name: str) -> None:
    runs = recorded_runs(built.con, name)
    assert set(runs) == {key for key in built.told if key[0] == name}
    _compare(runs, built)


def _compare(runs: dict[RunKey, Run], built: Built) -> None:
    """Every run has its row, and both routes say the same of it."""
    assert not [key for key in runs if key not in built.told]
    found = {key: differing for key, run in runs.items()
             if (differing := differences(run, built.told[key]))}
    texts = ["\n".join([*found[key], explained(runs[key], built.told[key])])
             for key in list(found)[:SHOWN]]
    if found:
        pytest.fail(f"{len(found)} of {len(runs)} runs differ:\n\n" + "\n\n".join(texts),
                    pytrace=False)


def test_waits_for_limits_are_the_plain_sum(built: Built) -> None:
    """Limits of all clusters, from the intervals of all that held them."""
    expected = charges(built.con)
    rows = built.con.execute(
        "select cluster, dag_id, run_id, path_kind, step_number, limit_wait_seconds, limited_by, "
        "ready_at, queued_at from marts.fct_critical_path_steps "
        "where queued_at is not null and not is_scheduler_made").fetchall()
    assert len(rows) == len(expected) > 5_000
    wrong = []
    for *key, seconds, limited_by, ready_at, queued_at in rows:
        charge = expected[tuple(key)]
        longest = max(charge.by_limit.values(), default=0)
        named = [n for n, us in charge.by_limit.items() if us == longest]
        is_named = limited_by in named if longest else limited_by is None
        if not is_named or abs(seconds - charge.microseconds / 1e6) > 1e-6:
            wrong.append((key, ready_at, queued_at, seconds, limited_by, charge))
    assert not wrong, f"{len(wrong)} of {len(rows)}, such as {wrong[:3]}"
    kinds = {n.partition(":")[0] for c in expected.values() for n in c.by_limit}
    assert kinds >= {"pool", "max_active_tasks"}
    assert sum(len(c.by_limit) > 1 for c in expected.values()) > 30, "several limits at once"


def test_the_same_seed_tells_the_same_history() -> None:
    one, other = (histories.history("3.1.8", seed=7, runs=50) for _ in range(2))
    assert one.truth == other.truth
    assert one.tables.rows == other.tables.rows


def test_histories_hold_what_they_are_meant_to_test(built: Built) -> None:
    """A comparison of dull histories would prove little."""
    runs = [run for of in built.truth.values() for run in of.values()]
    instances = [x for run in runs for x in run.instances]
    states = {x.state for x in instances}
    assert states >= {"success", "failed", "skipped", "upstream_failed", "removed", "running",
                      "queued", "scheduled", "deferred", "up_for_reschedule", "up_for_retry", None}
    rules = {t.trigger_rule for run in runs for s in run.structures.values() for t in s.values()}
    assert len(rules) >= 14
    attempts = [a for x in instances for a in x.attempts]
    counts = {
        "cleared or retried": sum(len(x.attempts) > 1 for x in instances),
        "deferred": sum(bool(a.deferrals) for a in attempts),
        "lost": sum(a.last_seen_at is not None for a in attempts),
        "sensors": sum(x.is_external and x.has_run for x in instances),
        "mapped": sum(x.map_index > 0 for x in instances),
        "without stamp": sum(x.is_final and x.ended_at is None for x in instances),
        "missing tries": sum(x.has_missing_tries for x in instances),
        "without structure": sum(not run.structures for run in runs),
        "several versions": sum(len({x.version for x in r.instances}) > 1 for r in runs),
        "gated by the past": sum(
            bool(row["gated_by_run_id"]) for t in built.told.values() for s in t.steps.values()
            for row in s),
        "never started": sum(run.started_at is None for run in runs),
        "going on": sum(run.ended_at is None for run in runs),
        "empty": sum(not run.instances for run in runs)}
    assert min(counts.values()) >= 30, counts
