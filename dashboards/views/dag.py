"""How does this DAG do: did its last run take longer than usual, and what made it late?"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboards import airflow_links, charts, frame, links, markup
from dashboards import format as fmt
from dashboards.panels import (
    dag_answer,
    dag_graph,
    dag_grid,
    dag_history,
    dag_runs,
    dag_tasks,
    lateness,
    words,
)

TABS = {"runs": "Runs", "grid": "Grid", "graph": "Graph", "tasks": "Tasks", "tries": "Tries",
        "versions": "Versions", "audit": "Audit", "errors": "Import errors"}
TASK_LIMIT = 20_000
LATEST = 60
Row = Mapping[str, Any]


def draw(page: frame.Page) -> None:
    """The page: where it is, sentence, facts, and the chosen view."""
    cluster, dag_id, view = frame.state_of("cluster", "dag_id", "view")
    if not dag_id:
        frame.banner(page)
        frame.screen(page, "Which DAG?", "<p>The address names none. {link} finds one by a part "
                     "of its name.</p>", link=links.link("discover", "Discover"))
        return
    dag = _dag(page, cluster, dag_id)
    if dag is None:
        return
    frame.heading(page, links.crumbs(dag["cluster"], dag_id), dag["cluster"],
                  actions=_actions(page, dag))
    frame.banner(page)
    runs = lateness.with_parts(page.reader.rows(
        "dag__latest_runs", **_named(dag), state=None, kind=None, row_limit=LATEST))
    usual = page.reader.row("dag__usual", **_named(dag)) or {}
    frame.say("{answer}{facts}", answer=dag_answer.answer(page, dag, usual, runs),
              facts=dag_answer.facts(page, dag))
    chosen = dag_runs.chosen(TABS, view)
    frame.tabs("dag", chosen, TABS, **_named(dag))
    _VIEWS[chosen](page, dag)


def _dag(page: frame.Page, cluster: str, dag_id: str) -> Row | None:
    """The DAG of the address; without a cluster the only one of that name. Else says what to do."""
    named = page.reader.rows("dag__clusters", dag_id=dag_id)
    if not cluster and named.height == 1:
        [cluster] = named["cluster"]
    found = page.reader.row("dag__chosen", cluster=cluster, dag_id=dag_id)
    if found is not None:
        return found
    frame.banner(page)
    others = [links.link("dag", name, is_id=True, cluster=name, dag_id=dag_id)
              for name in named["cluster"]]
    frame.screen(
        page, "No such DAG" if cluster or not others else "On which cluster?",
        "<p>{dag}{where} is not in the warehouse{others}.</p><p>{search} for DAGs with a name "
        "like it.</p>" if cluster or not others else
        "<p>{dag}{where} is on several clusters{others}.</p><p>{search} for DAGs with a name like "
        "it.</p>",
        dag=words.name(dag_id),
        where=markup.write(" of {name}", name=words.name(cluster)) if cluster else "",
        others=markup.write(", but here: {names}" if cluster else ": {names}",
                            names=markup.joined(others)) if others else "",
        search=links.link("discover", "Search", q=dag_id))
    return None


def _named(dag: Row) -> dict[str, str]:
    return {"cluster": dag["cluster"], "dag_id": dag["dag_id"]}


def _actions(page: frame.Page, dag: Row) -> markup.Markup:
    home = page.cluster(dag["cluster"])
    if not home.get("base_url"):
        return markup.write('<span class="ws-quiet">set <code>base_url</code> in '
                            "<code>windsock.toml</code> to link to Airflow</span>")
    where = (home["base_url"], home["airflow_version"], dag["dag_id"])
    return markup.joined([
        links.outside(airflow_links.dag(*where), "Open in Airflow"),
        links.outside(airflow_links.trigger(*where), "Trigger in Airflow")], " ")


def _runs(page: frame.Page, dag: Row) -> None:
    asked = dict(zip(("count", "state", "kind", "measure"),
                     frame.state_of("count", "state", "kind", "measure"), strict=True))
    picked = {name: dag_runs.chosen(dag_runs.OFFERED[name], value)
              for name, value in asked.items()}
    frame.say("{filters}", filters=dag_runs.filters(picked, _named(dag)))
    runs = dag_runs.prepared(page.reader.rows(
        "dag__latest_runs", **_named(dag), state=picked["state"] or None,
        kind=picked["kind"] or None, row_limit=int(picked["count"])))
    total = dag_runs.total(page.reader.rows("dag__run_states", **_named(dag)), picked)
    if runs.is_empty():
        frame.say('<div class="ws-under">{text}</div>', text="No run of it matches these filters."
                  if picked["state"] or picked["kind"] else "It has no runs yet.")
        return
    _chart(page, dag, runs, picked["measure"])
    with frame.section("{shown} of {all} <span>newest first</span>",
                       shown=fmt.count(runs.height), all=fmt.count(total, "run")):
        (sort,) = frame.state_of("sort")
        frame.say("{table}", table=dag_runs.table(
            page, dag, runs, {**_named(dag), **dag_runs.not_default(picked)}, sort))


def _chart(page: frame.Page, dag: Row, runs: pl.DataFrame, measure: str) -> None:
    usual = page.reader.row("dag__usual", **_named(dag)) or {}
    is_landing = measure == "landing"
    shown = dag_runs.oldest_first(runs, is_landing=is_landing)
    if shown.is_empty():
        frame.say('<div class="ws-under">No run here says when it was due: only scheduled runs '
                  "are due, and Airflow records it since 2.2.</div>")
        return
    with frame.section(
            "From due to end <span>created late, queued for max_active_runs, and the run itself"
            "</span>" if is_landing else
            "Where the time went <span>along the path that made each run end when it did · "
            "{usual}</span>",
            usual=markup.write("thin line: {text}", text=words.usually(usual))
            if usual else "no usual duration yet"):
        picture = charts.run_parts(
            shown, charts.LANDING if is_landing else charts.DURATION,
            usual_seconds=None if is_landing else usual.get("median_seconds"),
            zone=page.zone, mode=page.mode, near=page.as_of(dag["cluster"]) or page.now)
        event = st.altair_chart(
            picture, width="stretch", theme=None, on_select="rerun",
            key=f"dag_runs_{dag_runs.fingerprint(shown)}",
            alt=f"{fmt.count(shown.height, 'run')} of {fmt.visible(dag['dag_id'])}, a bar each; "
                "the table below says the same")
    run_id = dag_runs.clicked(shown, event)
    if run_id is not None:
        st.switch_page("views/run.py", query_params={**_named(dag), "run_id": run_id})


def _grid(page: frame.Page, dag: Row) -> None:
    runs = dag_runs.prepared(page.reader.rows(
        "dag__latest_runs", **_named(dag), state=None, kind=None, row_limit=dag_grid.RUNS))
    tasks = page.reader.rows("dag__tasks", **_named(dag), row_limit=TASK_LIMIT)
    if runs.is_empty():
        frame.say('<div class="ws-under">It has no runs yet, so that there is nothing to lay '
                  "side by side.</div>")
        return
    cells = dag_grid.worst(page.reader.rows(
        "dag__grid_cells", **_named(dag), run_ids=runs["run_id"].to_list(),
        row_limit=dag_grid.CELL_LIMIT))
    shown = dag_grid.chosen_tasks(tasks, cells)
    everything = dag_grid.chosen_tasks(tasks, cells, TASK_LIMIT).height
    with frame.section(
            "{runs} <span>oldest at the left · {tasks} · blue foot: on the critical path · a cell "
            "leads to its task in its run</span>",
            runs=fmt.count(runs.height, "latest run"),
            tasks=f"first {shown.height} of {fmt.count(everything, 'task')}, what failed and the "
                  "path first" if shown.height < everything else fmt.count(everything, "task")):
        frame.say("{legend}{grid}", legend=dag_grid.legend(cells), grid=dag_grid.Grid(
            dag["cluster"], dag["dag_id"], dag_grid.columns(runs), dag_grid.keyed(cells, shown),
            page.zone, shown.height).draw(dag_grid.tree(shown)))


def _graph(page: frame.Page, dag: Row) -> None:
    dag_graph.draw(page, dag["cluster"], dag["dag_id"])


def _tasks(page: frame.Page, dag: Row) -> None:
    limits = {"row_limit": TASK_LIMIT, **_named(dag)}
    tasks = page.reader.rows("dag__tasks", **limits)
    if tasks.is_empty():
        frame.say('<div class="ws-under">No structure of it was read, and no task of it ever ran.'
                  "</div>")
        return
    model = page.reader.rows("dag__model_path", **limits)
    found = dag_tasks.with_statistics(tasks, page.reader.rows("dag__task_durations", **limits),
                                      model)
    (sort,) = frame.state_of("sort")
    with frame.section("{count} <span>latest 30 successes of each{model}</span>",
                       count=_first_of(found.height, dag_tasks.ROW_LIMIT, "task"),
                       model=dag_tasks.model_words(model)):
        frame.say("{table}", table=dag_tasks.table(
            dag, found, {**_named(dag), "view": "tasks"}, sort))


def _tries(page: frame.Page, dag: Row) -> None:
    runs = dag_runs.prepared(page.reader.rows(
        "dag__latest_runs", **_named(dag), state=None, kind=None, row_limit=LATEST))
    since = dag_runs.oldest_start(runs)
    tried = dag_tasks.tried_again(
        page.reader.rows("dag__tried_tasks", **_named(dag), since=since),
        page.reader.rows("dag__retries", **_named(dag), since=since, retried="retried",
                         row_limit=dag_tasks.ATTEMPT_LIMIT)) if since else None
    if tried is None or tried.is_empty():
        frame.say('<div class="ws-under">{text}</div>', text="None of its tasks has run."
                  if since is None else f"Every task of its {fmt.count(runs.height, 'latest run')}"
                  " needed one try at the most, as far as tries are recorded.")
        return
    (sort,) = frame.state_of("sort")
    with frame.section(
            "{lost} lost to waiting for retries <span>{retries} in its {runs}, since {at}</span>",
            lost=fmt.duration(float(tried["lost_seconds"].sum())),
            retries=fmt.count(int(tried["retry_count"].sum()), "retry", "retries"),
            runs=fmt.count(runs.height, "latest run"), at=page.moment(since)):
        frame.say("{table}", table=dag_tasks.tries_table(
            page, dag, tried, {**_named(dag), "view": "tries"}, sort))


def _versions(page: frame.Page, dag: Row) -> None:
    found = page.reader.rows("dag__versions", **_named(dag), row_limit=dag_history.VERSION_LIMIT)
    changed = page.reader.rows("dag__version_changes", **_named(dag),
                               row_limit=dag_history.CHANGE_LIMIT)
    if found.is_empty():
        frame.say('<div class="ws-under">No version of it is known: Airflow numbers versions since '
                  "3.0, and no structure of it was read before.</div>")
        return
    with frame.section("{count} <span>newest first, with what each has otherwise than the one "
                       "before it</span>",
                       count=_first_of(found.height, dag_history.VERSION_LIMIT, "version")):
        frame.say("{table}", table=dag_history.versions(page, found, changed))


def _audit(page: frame.Page, dag: Row) -> None:
    events = page.reader.rows("dag__audit", **_named(dag), row_limit=dag_history.EVENT_LIMIT)
    if events.is_empty():
        frame.say('<div class="ws-under">Airflow recorded nothing that a person, a command line '
                  "or the scheduler did to it.</div>")
        return
    with frame.section("{count} <span>newest first: people, command lines, and what the scheduler "
                       "did by itself</span>",
                       count=_first_of(events.height, dag_history.EVENT_LIMIT, "event")):
        frame.say("{table}", table=dag_history.audit(page, dag, events))


def _errors(page: frame.Page, dag: Row) -> None:
    found = page.reader.rows(
        "dag__import_errors", **_named(dag), file_path=dag["file_path"],
        relative_file_path=dag["relative_file_path"], row_limit=dag_history.ERROR_LIMIT)
    if found.is_empty():
        frame.say('<div class="ws-under"><span class="ws-good">✓</span> Its file has parsed '
                  "whenever Windsock looked.</div>")
        return
    with frame.section(
            "{count} of its file <span>{standing} now</span>",
            count=fmt.count(found.height, "import error"),
            standing=fmt.count(found["fixed_at"].null_count(), "stands", "stand")):
        frame.say("{errors}", errors=dag_history.import_errors(page, found))


def _first_of(height: int, limit: int, one: str) -> str:
    return f"First {fmt.count(limit, one)}" if height >= limit else fmt.count(height, one)


_VIEWS: Mapping[str, Callable[[frame.Page, Row], None]] = {
    "runs": _runs, "grid": _grid, "graph": _graph, "tasks": _tasks, "tries": _tries,
    "versions": _versions, "audit": _audit, "errors": _errors}
frame.show("", draw)
