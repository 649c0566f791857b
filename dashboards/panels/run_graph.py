"""The graph of a run: the states of its tasks, and the path that made it end when it did.

    instances + edges of its version + observed path  ->  shape  ->  component, the same as a table
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from dashboards import format as fmt
from dashboards import frame, links, markup, theme
from dashboards.graph.picture import Face
from dashboards.graph.shape import Node
from dashboards.html_tables import Column
from dashboards.markup import Markup, write
from dashboards.panels import graph_parts, words

KEPT_FAILURES = 20      # failed tasks that are drawn whatever is folded
_KINDS = {"finish": "what made it end when it did", "failure": "what made it fail"}
Row = Mapping[str, Any]


def draw(page: frame.Page, cluster: str, dag_id: str, run_id: str,
         version_key: str | None) -> None:
    """Draw the graph of one run.

    Args:
        page: the page to draw on; `open` in its address says what is unfolded, `path` which path
            is shown (finish or failure), `task_id` which task is chosen.
        cluster: of the run.
        dag_id: of the run.
        run_id: of the run.
        version_key: the version whose structure it is read by; None: none was recorded.
    """
    named = {"cluster": cluster, "dag_id": dag_id, "run_id": run_id}
    run = page.reader.row("graph__run", **named)
    if run is None:
        frame.say('<div class="ws-under">No such run.</div>')
        return
    _draw(page, named, run, version_key)


def _draw(page: frame.Page, named: Mapping[str, str], run: Row, version_key: str | None) -> None:
    cluster = named["cluster"]
    tasks = _summed(page.reader.rows("graph__instances", **named).to_dicts())
    asked, chosen = frame.state_of("path", "task_id")
    found = {k: page.reader.rows("graph__steps", **named, path_kind=k).to_dicts() for k in _KINDS}
    usual = "failure" if run["state"] == "failed" and found["failure"] else "finish"
    kind = asked if found.get(asked) else usual
    steps = found[kind]
    # groups as the newest structure has them: those of older ones are not recorded by task
    groups = page.reader.rows("graph__tasks", **named).select("task_id", "task_group_id")
    structure = graph_parts.structure_of(
        tasks, graph_parts.edges_of(page, version_key, cluster=cluster, dag_id=named["dag_id"]),
        [s["task_id"] for s in steps], dict(groups.iter_rows()))
    if not structure.groups:
        frame.say('<div class="ws-under">It has no task instances, and its structure was not '
                  "recorded.</div>")
        return
    failed = [t for t, r in tasks.items() if r["states"].get("failed")]
    drawing = graph_parts.Drawing(structure, "run", (chosen, *failed[:KEPT_FAILURES]))
    rows = _rows(structure.groups, tasks, steps, page.as_of(cluster) or page.now)
    with frame.section("{tasks}, {edges} <span>{basis}{path}{cut}</span>",
                       tasks=fmt.count(len(structure.groups), "task"),
                       edges=fmt.count(len(structure.edges), "edge"),
                       basis=_basis_words(run, version_key), cut=graph_parts.said_cut(drawing),
                       path=write(" · blue: {kind}", kind=_KINDS[kind]) if steps else ""):
        if found["failure"] and found["finish"]:
            frame.say("{line}", line=words.choices("run", "path", {
                usual: _KINDS[usual], **_KINDS}, kind, {
                **named, "view": frame.state_of("view")[0], "task_id": chosen}))
        drawing.mount("/".join(named.values()), f"Graph of the run {named['run_id']}",
                      [_face(n, rows, drawing, chosen) for n in drawing.drawn.nodes],
                      _end(page, run, cluster))
        graph_parts.table(list(rows.values()), _columns(drawing, named), "tasks of this run")


def _summed(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """One row per task of rows per task and state: how many instances are in which state."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        task = found.setdefault(row["task_id"], {
            "states": defaultdict(int), "queued_at": None, "started_at": None, "ended_at": None,
            "longest_seconds": None, "map_index": row["map_index"], "try_count": 0})
        task["states"][row["state"] or ""] += row["instance_count"]
        for name, better in (("queued_at", min), ("started_at", min), ("ended_at", max),
                             ("longest_seconds", max), ("try_count", max), ("map_index", min)):
            values = [v for v in (task[name], row[name]) if v is not None]
            task[name] = better(values) if values else None
    return found


def _rows(task_ids: Iterable[str], tasks: Mapping[str, Row], steps: Sequence[Row],
          as_of: datetime) -> dict[str, dict[str, Any]]:
    by_task: dict[str, list[Row]] = defaultdict(list)
    for step in steps:
        by_task[step["task_id"]].append(step)
    return {t: _row(t, tasks.get(t, {"states": {}}), by_task[t], as_of) for t in task_ids}


def _row(task_id: str, known: Row, mine: Sequence[Row], as_of: datetime) -> dict[str, Any]:
    """What is shown of a task: its worst state, counts by state, seconds run and waited."""
    states = {s: known["states"][s] for s in [*theme.STATES, *known["states"]]
              if s in known["states"]}
    started, queued = known.get("started_at"), known.get("queued_at")
    count = sum(states.values())
    length = known.get("longest_seconds")
    if length is None and started is not None and "running" in states:
        length = fmt.seconds(started, as_of)
    return {
        "task_id": task_id, "states": states, "state": next(iter(states), None), "count": count,
        "is_mapped": count > 1 or (count == 1 and (known["map_index"] or 0) >= 0),
        "seconds": length, "try_count": known.get("try_count"), "steps": mine,
        "number": mine[0]["step_number"] if mine else None,
        "map_index": mine[0]["map_index"] if mine else -1,
        "waited": max(fmt.seconds(queued, started), 0.0) if started and queued and count == 1
        else None}


def _basis_words(run: Row, version_key: str | None) -> Markup:
    if version_key is None:
        return write("structure not recorded: inferred from time order")
    return write("{basis}", basis={
        "nearest": "its own structure was not recorded: the nearest one that was",
        "inferred": "path inferred from time order"}.get(run["structure_basis"] or "",
                                                          "structure of its own version"))


def _state_words(row: Row) -> str:
    return ", ".join(f"{fmt.count(n)} {state.verb}" for state, n in
                     theme.tally(row["states"].items()))


def _face(node: Node, rows: Mapping[str, Row], drawing: graph_parts.Drawing,
          chosen: str) -> Face:
    if node.kind != "task":
        return _folded(node, rows, drawing)
    row = rows[node.tasks[0]]
    length = fmt.duration(row["seconds"])
    waited = [s for s in row["steps"] if s["handoff_seconds"]]
    many = row["is_mapped"]
    under = (f"{fmt.count(row['count'])} mapped{f' · longest {length}' if length else ''}"
             if many else length or theme.state(row["state"]).label if row["count"]
             else "did not run")
    return Face(
        row["task_id"], under=under, state=row["state"] or "",
        note=f"try {row['try_count']}" if (row["try_count"] or 0) > 1 else
        f"waited {fmt.duration(row['waited'])}" if (row["waited"] or 0) >= 1 else "",
        href=drawing.address(task_id=row["task_id"], try_number=None,
                             map_index=row["map_index"] if row["map_index"] >= 0 else None),
        bar=tuple(row["states"].items()) if many else (), is_on_path=bool(row["steps"]),
        is_chosen=row["task_id"] == chosen, hint=tuple(h for h in (
            _state_words(row) or "no instance in this run",
            f"took {length}" if length and not many else f"longest {length}" if length else "",
            f"queued for {fmt.duration(row['waited'])}" if row["waited"] is not None else "",
            f"step {row['number']} of the path" if row["steps"] else "",
            *(f"handoff {fmt.duration(s['handoff_seconds'])}"
              f"{', limit ' + s['limited_by'] if s['limited_by'] else ''}" for s in waited[:3]),
        ) if h))


def _folded(node: Node, rows: Mapping[str, Row], drawing: graph_parts.Drawing) -> Face:
    total: dict[str, int] = defaultdict(int)
    for task in node.tasks:
        for state, count in rows[task]["states"].items():
            total[state] += count
    bar = [(s, total[s]) for s in [*theme.STATES, *(t for t in total if t not in theme.STATES)]
           if total.get(s)]
    return drawing.folded(node, _state_words({"states": total}), bar,
                          bar[0][0] if bar else "")


def _end(page: frame.Page, run: Row, cluster: str) -> Face:
    """The final node: the run's outcome."""
    so_far = fmt.seconds(run["started_at"], page.as_of(cluster) or page.now) if (
        run["started_at"]) else None
    length = (fmt.duration(run["duration_seconds"]) if run["ended_at"] is not None else
              f"{fmt.duration(so_far)} so far" if so_far is not None else "not started")
    at = fmt.instant(run["ended_at"], page.zone, near=page.now)
    return Face(f"run: {run['state'] or 'no state yet'}", "end", state=run["state"] or "",
                under=" · ".join(filter(None, (length, at))), hint=(run["run_id"],))


def _columns(drawing: graph_parts.Drawing, named: Mapping[str, str]) -> list[Column]:
    return [
        Column("Task", partial(_task_cell, named)),
        Column("State", lambda r: markup.joined([
            write("{n} {state}", n=fmt.count(n), state=words.state(s)) if r["is_mapped"]
            else words.state(s) for s, n in r["states"].items()]) or "no instance"),
        Column("Waits for", graph_parts.after(drawing.structure)),
        Column("Step of the path", lambda r: r["number"], "right"),
        Column("Took", lambda r: words.lasting(r["seconds"]), "right",
               hint="The longest of mapped instances"),
        Column("Queued for", lambda r: words.lasting(r["waited"]), "right"),
        Column("Tries", lambda r: r["try_count"], "right"),
    ]


def _task_cell(named: Mapping[str, str], row: Row) -> Markup:
    return links.link("run", row["task_id"], is_id=True, **named, task_id=row["task_id"],
                      view=frame.state_of("view")[0],
                      map_index=row["map_index"] if row["map_index"] >= 0 else None)
