"""The numbers of the Run page on what real releases wrote: bar, comparison and replay agree.

Every run of the corpus is sliced, compared with its predecessor and replayed without a change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboards.panels import run_compare, run_terms
from tests.corpus_warehouse import corpus_warehouse, reading
from windsock.whatif_observed import JOINT, Rows, observed_run

__all__ = ["corpus_warehouse"]
Row = Mapping[str, Any]
Key = tuple[Any, ...]


class Corpus:
    """Rows of the marts by run, DAG or version."""

    def __init__(self, read: Callable[[str], list[dict[str, Any]]]) -> None:
        self.runs = read("select * from marts.fct_dag_runs where started_at is not null "
                         "order by cluster, dag_id, started_at, run_id")
        run = ("cluster", "dag_id", "run_id")
        self.steps = _by(read("select * from marts.fct_critical_path_steps order by step_number"),
                         *run, "path_kind")
        self.instances = _by(read("select * from marts.fct_task_instances"), *run)
        self.attempts = _by(read("select * from marts.fct_task_attempts order by try_number"),
                            *run)
        self.tasks = _by(read("select * from marts.dim_tasks"), "cluster", "dag_id")
        self.edges = _by(read("select * from marts.fct_task_edges"), "cluster", "dag_id",
                         "version_key")
        self.versions = _by(read(
            "select * from marts.dim_dag_versions where structure_hash is not null "
            "order by first_seen_at desc nulls last, version_key"), "cluster", "dag_id")


def _by(rows: list[dict[str, Any]], *names: str) -> dict[Key, list[dict[str, Any]]]:
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[tuple(row[n] for n in names)].append(row)
    return found


def _key(run: Row) -> Key:
    return run["cluster"], run["dag_id"], run["run_id"]


@pytest.fixture(scope="module")
def corpus(corpus_warehouse: Path) -> Iterator[Corpus]:
    with reading(corpus_warehouse) as con:
        yield Corpus(lambda query: con.sql(query).pl().to_dicts())


def test_the_bar_of_every_path_fills_its_run_and_agrees_with_the_run_s_terms(
        corpus: Corpus) -> None:
    assert len(corpus.runs) > 500
    for run in corpus.runs:
        for kind in ("finish", "failure"):
            found = run_terms.slices(run, corpus.steps[(*_key(run), kind)])
            assert sum(one.length for one in found) == run_terms.wall(run)
            if kind == "failure":
                continue
            parts: dict[str, float] = defaultdict(float)
            for part in run_terms.parts(found):
                parts[part.key] += part.seconds
            for key, column in (("running", "running_seconds"), ("retry", "retry_wait_seconds"),
                                ("external", "external_wait_seconds"),
                                ("deferred", "deferred_seconds"), ("tail", "tail_seconds")):
                assert parts[key] == pytest.approx(run[column], abs=1e-3), (_key(run), key)
            assert parts["lead"] + parts["idle"] == pytest.approx(run["lead_seconds"], abs=1e-3)
            waits = sum(parts[k] for k in ("past", "limit", "scheduler", "startup", "handoff"))
            assert waits == pytest.approx(run["handoff_seconds"], abs=1e-3)


def test_every_comparison_adds_up(corpus: Corpus) -> None:
    for run, other in zip(corpus.runs, corpus.runs[1:], strict=False):
        mine, theirs = (run_terms.slices(r, corpus.steps[(*_key(r), "finish")])
                        for r in (run, other))
        rows = run_compare.differences(mine, theirs)
        assert sum(d.contribution for d in rows) == run_terms.wall(run) - run_terms.wall(other)


def _version(corpus: Corpus, run: Row) -> str | None:
    seen = corpus.versions[run["cluster"], run["dag_id"]]
    if run["version_key"] in {v["version_key"] for v in seen}:
        return str(run["version_key"])
    before = [v for v in seen if v["first_seen_at"] and v["first_seen_at"] <= run["started_at"]]
    chosen = before[:1] or seen[-1:]
    return str(chosen[0]["version_key"]) if chosen else None


def test_unchanged_every_run_ends_when_it_did_along_its_own_path(corpus: Corpus) -> None:
    other_paths = []
    for run in corpus.runs:
        key, version = _key(run), _version(corpus, run)
        steps = corpus.steps[(*key, "finish")]
        found = observed_run(Rows(
            run, corpus.instances[key], corpus.attempts[key], corpus.tasks[key[:2]],
            corpus.edges[(*key[:2], version)], steps, has_structure=version is not None,
        )).replay({})
        assert (found.saved_seconds, found.ended_at) == (0, run["path_ended_at"]), key
        path = found.instances.filter(pl.col("map_index") > JOINT).drop_nulls("path_number")
        if path.sort("path_number").select("task_id", "map_index").rows() != [
                (s["task_id"], s["map_index"]) for s in steps]:
            other_paths.append(key)
    # A run whose instances are of different versions is replayed by one of them.
    assert len(other_paths) <= len(corpus.runs) / 100, other_paths
