"""How long does this task take, how often does that matter, and what did it wait for?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboards import airflow_links, charts, frame, links, markup
from dashboards import format as fmt
from dashboards.panels import dag_history, dag_runs, task_answer, task_history, words

TABS = {"durations": "Durations", "waits": "Waits", "tries": "Tries", "versions": "Versions"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """The task of the address, what is usual of it, and its latest instances."""

    named: dict[str, str]
    index: int | None
    usual: Row
    runs: pl.DataFrame
    waits: pl.DataFrame
    total: Row

    @property
    def query(self) -> dict[str, str]:
        """The address without the view."""
        return self.named | ({} if self.index is None else {"map_index": str(self.index)})


def draw(page: frame.Page) -> None:
    """The page: where it is, sentence, facts, and the chosen view."""
    cluster, dag_id, task_id, view, index = frame.state_of(
        "cluster", "dag_id", "task_id", "view", "map_index")
    named = {"cluster": cluster, "dag_id": dag_id, "task_id": task_id}
    known = page.reader.row("task__chosen", **named)
    if known is None:
        _missing(page, named)
        return
    frame.heading(page, links.crumbs(cluster, dag_id, task_id=task_id), cluster,
                  actions=_actions(page, named))
    frame.banner(page)
    task = _read(page, named, task_answer.as_index(index))
    model = page.reader.row("task__model_path", **named) or {}
    frame.say("{answer}{facts}{statistics}",
              answer=task_answer.answer(named, task.usual, model, task.runs, task.waits),
              facts=task_answer.facts(known),
              statistics=task_answer.statistics(task.usual, model))
    chosen = dag_runs.chosen(TABS, view)
    frame.tabs("task", chosen, TABS, **task.query)
    _index(task)
    _VIEWS[chosen](page, task)


def _read(page: frame.Page, named: dict[str, str], index: int | None) -> Task:
    as_of = page.as_of(named["cluster"]) or page.now
    rows = page.reader.rows
    asked = {**named, "map_index": index}
    runs = task_history.by_run(
        rows("task__history", **asked, row_limit=task_history.RUN_LIMIT), as_of)
    waits = task_history.waits(
        rows("task__instances", **asked, row_limit=task_history.INSTANCE_LIMIT),
        rows("task__path_steps", **asked, path_kind="finish",
             row_limit=task_history.INSTANCE_LIMIT))
    return Task(named, index, page.reader.row("task__usual", **named) or {}, runs, waits,
                page.reader.row("task__total", **named) or {})


def _missing(page: frame.Page, named: dict[str, str]) -> None:
    frame.banner(page)
    frame.screen(
        page, "No such task",
        "<p>The task {task} of the DAG {dag} on {cluster} is not in the warehouse: it may have "
        "been renamed, or the link is of another one.</p><p>{up} · {search}</p>",
        task=words.name(named["task_id"] or "without a name"),
        dag=words.name(named["dag_id"] or "without a name"),
        cluster=named["cluster"] or "no cluster",
        up=links.link("dag", "See the DAG's tasks", cluster=named["cluster"],
                      dag_id=named["dag_id"], view="tasks"),
        search=links.link("discover", "Search for the name", q=named["task_id"]))


def _actions(page: frame.Page, named: dict[str, str]) -> markup.Markup:
    home = page.cluster(named["cluster"])
    return links.outside(airflow_links.dag(
        home.get("base_url"), home.get("airflow_version"), named["dag_id"]), "DAG in Airflow")


def _index(task: Task) -> None:
    """The choice of one index, for mapped tasks."""
    highest = task.total.get("highest_map_index")
    if highest is None or highest < 0:
        return
    left, _ = st.columns([1, 4])
    with left:
        st.number_input(f"Index (0 to {highest}), empty: all", min_value=0, max_value=highest,
                        value=None, step=1, key="map_index", bind="query-params",
                        placeholder="all")


def _durations(page: frame.Page, task: Task) -> None:
    if task.waits.is_empty():
        frame.say('<div class="ws-under">No instance of it was landed{index}.</div>',
                  index="" if task.index is None else f" with index {task.index}")
        return
    if not task.runs.is_empty():
        _chart(page, task)
    (sort,) = frame.state_of("sort")
    with frame.section(
            "{count} <span>newest first{all}</span>",
            count=fmt.count(task.waits.height, "instance"),
            all=f", the latest of {fmt.count(task.total['instance_count'])}"
            if task.waits.height >= task_history.INSTANCE_LIMIT else ""):
        frame.say("{table}", table=task_history.instances_table(
            page, task.named, task.waits, task.query, sort))


def _chart(page: frame.Page, task: Task) -> None:
    usual = task.usual
    with frame.section(
            "Duration by run <span>{runs}{usual}{versions}{indices}</span>",
            runs=fmt.count(task.runs.height, "run"),
            usual=markup.write(" · line: median {median}, dashed: p95 {p95} (latest {n})",
                               median=words.lasting(usual["median_seconds"]),
                               p95=words.lasting(usual["p95_seconds"]),
                               n=fmt.count(usual["sample_count"], "success", "successes"))
            if usual.get("median_seconds") is not None else "",
            versions=" · dotted upright: the DAG's version changed"
            if task.runs["is_new_version"].any() else "",
            indices=" · point: slowest index, down to the fastest"
            if (task.total.get("highest_map_index") or 0) > 0 else ""):
        event = st.altair_chart(
            charts.task_durations(
                task.runs, usual, zone=page.zone, mode=page.mode,
                near=page.as_of(task.named["cluster"]) or page.now),
            width="stretch", theme=None, on_select="rerun",
            key=f"task_durations_{dag_runs.fingerprint(task.runs)}",
            alt=f"Durations of {fmt.visible(task.named['task_id'])} in "
                f"{fmt.count(task.runs.height, 'run')}; the table below says the same")
    _follow(task, dag_runs.clicked(task.runs, event))


def _follow(task: Task, run_id: str | None) -> None:
    if run_id is not None:
        st.switch_page("views/run.py", query_params={**task.query, "run_id": run_id})


def _waits(page: frame.Page, task: Task) -> None:
    if task.waits.is_empty():
        frame.say('<div class="ws-under">No instance of it was landed.</div>')
        return
    drawn = task.waits.head(task_history.DRAWN_WAITS).reverse()
    with frame.section(
            "What it waited for <span>latest {count} · split by cause where it was on the critical "
            "path of its run; off it only the time in the queue is known (as: for a worker)"
            "</span>", count=fmt.count(drawn.height, "instance")):
        event = st.altair_chart(
            charts.run_parts(drawn, charts.WAITS, usual_seconds=None, zone=page.zone,
                             mode=page.mode,
                             near=page.as_of(task.named["cluster"]) or page.now),
            width="stretch", theme=None, on_select="rerun",
            key=f"task_waits_{dag_runs.fingerprint(drawn)}",
            alt=f"Waits of {fmt.visible(task.named['task_id'])}; the table below says the same")
    _follow(task, dag_runs.clicked(drawn, event))
    (sort,) = frame.state_of("sort")
    frame.say("{table}", table=task_history.waits_table(
        page, task.named, task.waits, {**task.query, "view": "waits"}, sort))


def _tries(page: frame.Page, task: Task) -> None:
    rows = page.reader.rows("task__attempts", **task.named, map_index=task.index,
                            row_limit=task_history.INSTANCE_LIMIT)
    if rows.is_empty():
        frame.say('<div class="ws-under">No try of it is recorded.</div>')
        return
    with frame.section(
            "{count} <span>newest first · before Airflow 2.10 only the last try of an instance is "
            "kept whole</span>", count=fmt.count(rows.height, "try", "tries")):
        frame.say("{table}", table=task_history.attempts_table(page, task.named, rows))


def _versions(page: frame.Page, task: Task) -> None:
    rows = page.reader.rows("task__version_changes", **task.named,
                            row_limit=task_history.INSTANCE_LIMIT)
    if rows.is_empty():
        frame.say('<div class="ws-under">Nothing about it changed in the versions of its DAG that '
                  "were read. {link}</div>", link=links.link(
                      "dag", "All versions of the DAG", cluster=task.named["cluster"],
                      dag_id=task.named["dag_id"], view="versions"))
        return
    with frame.section("{count} <span>of this task and its edges, newest first</span>",
                       count=fmt.count(rows.height, "change")):
        frame.say("{table}", table=dag_history.task_changes(page, rows))


_VIEWS: Mapping[str, Callable[[frame.Page, Task], None]] = {
    "durations": _durations, "waits": _waits, "tries": _tries, "versions": _versions}
frame.show("", draw)
