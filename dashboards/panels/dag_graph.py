"""The graph of a DAG: what waits for what, what usually blocks its runs, how the latest one went.

    tasks + edges of a version + model path  ->  shape  ->  component, and the same as a table
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, links, markup
from dashboards.graph.picture import Face
from dashboards.graph.shape import Node
from dashboards.html_tables import Column
from dashboards.markup import Markup, write
from dashboards.panels import graph_parts, words

SHOWN_VERSIONS = 12
Row = Mapping[str, Any]


def draw(page: frame.Page, cluster: str, dag_id: str, version_key: str | None = None) -> None:
    """Draw the graph of one version of a DAG.

    Args:
        page: the page to draw on; `open` in its address says what is unfolded.
        cluster: of the DAG.
        dag_id: of the DAG.
        version_key: of which version; None: what the address names, else the latest structure.
    """
    named = {"cluster": cluster, "dag_id": dag_id}
    wanted = version_key or frame.state_of("version_key")[0]
    versions = [v for v in page.reader.rows("graph__versions", **named).iter_rows(named=True)
                if v["task_count"] is not None]
    latest = next((v for v in versions if v["is_latest"]), versions[0] if versions else None)
    version = next((v for v in versions if v["version_key"] == wanted), None if wanted else latest)
    if wanted and version is None:
        frame.say('<div class="ws-under">No structure of this version was recorded: {key}.</div>',
                  key=words.name(wanted))
    _draw(page, named, versions, (version, latest))


def _draw(page: frame.Page, named: dict[str, str], versions: Sequence[Row],
          chosen: tuple[Row | None, Row | None]) -> None:
    version, latest = chosen
    is_latest = version is not None and version is latest
    edges = graph_parts.edges_of(page, version["version_key"] if version else None, **named)
    tasks = _tasks(page, version, edges, is_latest=is_latest, **named)
    facts = {r["task_id"]: r for r in page.reader.rows("graph__model_path", **named)
             .iter_rows(named=True)} if is_latest else {}
    structure = graph_parts.structure_of(
        tasks, edges, [t for t, r in facts.items() if r["model_path_number"] is not None],
        {t: r["task_group_id"] for t, r in tasks.items()})
    if not structure.groups:
        frame.say('<div class="ws-under">{text}</div>', text="Structure not recorded, and no task "
                  "ran without one: there is nothing to draw.")
        return
    drawing = graph_parts.Drawing(structure, "dag")
    rows = {t: {**_blank(t), **facts.get(t, {}), **tasks.get(t, {}), "task_id": t}
            for t in structure.groups}
    with frame.section("{tasks}, {edges} <span>{version}{path}{cut}</span>",
                       tasks=fmt.count(len(structure.groups), "task"),
                       edges=fmt.count(len(structure.edges), "edge"),
                       version=_version_words(version, structure.groups, is_latest=is_latest),
                       path=_path_words(facts), cut=graph_parts.said_cut(drawing)):
        _say_versions(versions, latest, version, named)
        drawing.mount(
            "/".join(named.values()), f"Graph of {named['dag_id']}",
            [_face(n, rows, drawing, named) for n in drawing.drawn.nodes], _end(page, named),
            {t: r["criticality_ratio"] for t, r in rows.items()
             if r["criticality_ratio"] is not None})
        graph_parts.table(list(rows.values()), _columns(drawing, named), "tasks of this DAG")


def _tasks(page: frame.Page, version: Row | None, edges: Sequence[graph_parts.Pair], *,
           is_latest: bool, **named: str) -> dict[str, Row]:
    """Tasks by id: of the latest structure, of an older one, or those that ran without any."""
    known = page.reader.rows("graph__tasks", **named)
    if is_latest:
        return {r["task_id"]: r for r in known.filter("is_in_latest_structure")
                .iter_rows(named=True)}
    if version is None:
        return {r["task_id"]: r for r in known.filter(pl.col("task_basis") == "instances")
                .iter_rows(named=True)}
    of_version = pl.col("task_id").is_in({t for pair in edges for t in pair})
    return {r["task_id"]: r for r in known.filter(
        of_version | (pl.col("version_key") == version["version_key"])).iter_rows(named=True)}


def _blank(task_id: str) -> dict[str, Any]:
    return {"task_id": task_id, "operator": None, "median_seconds": None, "float_seconds": None,
            "drag_seconds": None, "criticality_ratio": None, "criticality_sample_count": None,
            "model_path_number": None, "task_group_id": None, "is_mapped": None}


def _version_words(version: Row | None, drawn: Mapping[str, object], *,
                   is_latest: bool) -> Markup:
    if version is None:
        return write("structure not recorded: tasks that ran, and no edges")
    number = version["version_number"]
    missing = (version["task_count"] or 0) - len(drawn)
    return write(
        "{name}{missing}", name="latest structure" if is_latest and number is None else
        f"version {number}{', the latest' if is_latest else ''}" if number is not None else
        "an older structure", missing=f", {fmt.count(missing, 'task')} without edges not recorded "
        "by name" if missing > 0 and not is_latest else "")


def _path_words(facts: Mapping[str, Row]) -> Markup:
    row: Row = next(iter(facts.values()), {})
    if row.get("model_path_seconds") is None:
        return write(" · no model path: no task has a median yet") if facts else Markup("")
    runs = row["criticality_sample_count"]
    return write(
        " · blue: model path, {length} by the medians{part} · thickness: {share}",
        length=fmt.duration(row["model_path_seconds"]),
        part="" if row["path_basis"] == "measured" else ", tasks without one counted as 0",
        share=f"share of the latest {fmt.count(runs, 'successful run')} with both ends on the "
        "path that made them end" if runs else "even, as no run succeeded yet")


def _say_versions(versions: Sequence[Row], latest: Row | None, version: Row | None,
                  named: Mapping[str, str]) -> None:
    """Other versions as links, where there are some."""
    if len(versions) < 2:
        return
    shown = [links.link("dag", _short(v), view="graph", cluster=named["cluster"],
                        dag_id=named["dag_id"],
                        version_key=None if v is latest else v["version_key"])
             if v is not version else write("<b>{name}</b>", name=_short(v))
             for v in versions[:SHOWN_VERSIONS]]
    more = (f"; {fmt.count(len(versions) - SHOWN_VERSIONS)} older"
            if len(versions) > SHOWN_VERSIONS else "")
    frame.say('<div class="ws-under">Versions: {shown}{more}</div>', more=more,
              shown=markup.joined(shown, " · "))


def _short(version: Row) -> str:
    number = version["version_number"]
    return str(number) if number is not None else fmt.visible(version["version_key"])[:8]


def _face(node: Node, rows: Mapping[str, Row], drawing: graph_parts.Drawing,
          named: Mapping[str, str]) -> Face:
    if node.kind != "task":
        return drawing.folded(node, "")
    row = rows[node.tasks[0]]
    ratio = row["criticality_ratio"]
    operator = row["operator"] or "operator not recorded"
    median = fmt.duration(row["median_seconds"])
    on_path = row["model_path_number"] is not None
    return Face(
        row["task_id"], under=f"{fmt.shorten(operator, 18)}{', mapped' if row['is_mapped'] else ''}"
        f"{f' · {median}' if median else ''}",
        note=fmt.percent(ratio) if ratio else "",
        href=links.to("task", **named, task_id=row["task_id"]), ratio=ratio,
        is_on_path=on_path, hint=tuple(h for h in (
            operator, "one node for all its mapped instances" if row["is_mapped"] else "",
            f"median {median}" if median else "never measured",
            f"on the observed path of {fmt.percent(ratio)} of "
            f"{fmt.count(row['criticality_sample_count'] or 0, 'run')}" if ratio is not None
            else "", f"number {row['model_path_number']} on the model path" if on_path else "",
            f"float {fmt.duration(row['float_seconds'])}: it may be this late for free"
            if row["float_seconds"] is not None else "",
            f"drag {fmt.duration(row['drag_seconds'])}: so much sooner would the run end without it"
            if row["drag_seconds"] else "") if h))


def _end(page: frame.Page, named: Mapping[str, str]) -> Face:
    """The final node: the state and duration of the latest run."""
    run = page.reader.row("graph__latest_run", **named)
    if run is None:
        return Face("no run yet", "end", under="latest run")
    length = fmt.duration(run["duration_seconds"])
    at = fmt.instant(run["started_at"], page.zone, near=page.now)
    return Face(f"latest run: {run['state'] or 'no state yet'}", "end", state=run["state"] or "",
                under=" · ".join(filter(None, (length or "not ended", at))),
                href=links.to("run", **named, run_id=run["run_id"]), hint=(run["run_id"],))


def _columns(drawing: graph_parts.Drawing, named: Mapping[str, str]) -> list[Column]:
    return [
        Column("Task", lambda r: links.link("task", r["task_id"], is_id=True, **named,
                                            task_id=r["task_id"])),
        Column("Operator", lambda r: r["operator"] or "not recorded"),
        Column("Group", lambda r: r["task_group_id"]),
        Column("Waits for", graph_parts.after(drawing.structure)),
        Column("Model path", lambda r: r["model_path_number"], "right"),
        Column("Median", lambda r: words.lasting(r["median_seconds"], "not measured"), "right"),
        Column("On the path", lambda r: fmt.percent(r["criticality_ratio"]), "right",
               hint="Share of the latest successful runs with it on the observed path"),
        Column("Float", lambda r: fmt.duration(r["float_seconds"]), "right"),
        Column("Drag", lambda r: fmt.duration(r["drag_seconds"]), "right"),
    ]
