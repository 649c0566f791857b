"""Runs beside each other, tasks below each other: Airflow's grid, as HTML. Pure.

    tasks + their states in the latest runs  ->  a tree of task groups  ->  rows of cells

Five thousand cells are written a page, so that what repeats (a run's address, a state's words) is
escaped once and put together as text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import polars as pl

from dashboards import format as fmt
from dashboards import links, theme
from dashboards.markup import Markup, joined, write

RUNS, TASKS, CELL_LIMIT = 25, 200, 100_000
BAR_PIXELS = 56
_LABEL_EVERY = 5
_OPEN_UP_TO = 60
# What needs a person first, then what goes on, then what ended well.
_RANKS = {name: rank for rank, name in enumerate(
    [*list(theme.STATES)[:9], None, *list(theme.STATES)[9:]])}
_UNKNOWN = len(_RANKS)
Cells = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass
class Group:
    """A task group: what is in it, in topological order."""

    name: str
    label: str
    groups: dict[str, "Group"] = field(default_factory=dict)
    members: list["Group | str"] = field(default_factory=list)

    def tasks(self) -> Iterator[str]:
        """All tasks below it."""
        for member in self.members:
            if isinstance(member, Group):
                yield from member.tasks()
            else:
                yield member


def ranked(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with the `rank` of their state: what needs a person first is the lowest."""
    known = pl.col("state").replace_strict(
        {k: v for k, v in _RANKS.items() if k}, default=_UNKNOWN, return_dtype=pl.Int64)
    return frame.with_columns(
        rank=pl.when(pl.col("state").is_null()).then(_RANKS[None]).otherwise(known))


def worst(cells: pl.DataFrame) -> pl.DataFrame:
    """A row per run and task from a row per run, task and state (`dag__grid_cells`).

    The state is the one that needs a person first; `worst_count` indices have it.
    """
    by_task = ranked(cells).sort("rank", "state").group_by(
        "run_id", "task_id", maintain_order=True)
    return by_task.agg(
        pl.col("state", "rank", "instance_count").first().name.map(
            lambda name: {"instance_count": "worst_count"}.get(name, name)),
        pl.col("instance_count").sum(), pl.col("longest_seconds", "try_count").max(),
        pl.col("started_at").min(), pl.col("highest_map_index").max(),
        pl.col("is_on_critical_path").any())


def chosen_tasks(tasks: pl.DataFrame, cells: pl.DataFrame, limit: int = TASKS) -> pl.DataFrame:
    """The tasks of the grid in topological order; of too many those that failed, then the path's.

    Args:
        tasks: dag__tasks: every task of the DAG.
        cells: `worst`.
        limit: how many at the most.
    """
    seen = cells.group_by("task_id").agg(
        worst_rank=pl.col("rank").min(), was_on_path=pl.col("is_on_critical_path").any(),
        first_at=pl.col("started_at").min())
    rows = tasks.join(seen, on="task_id", how="left").filter(
        pl.col("is_in_latest_structure") | pl.col("worst_rank").is_not_null())
    ordered = rows.sort("depth_index", "first_at", "task_id", nulls_last=True).with_row_index()
    if ordered.height > limit:
        ordered = ordered.sort(
            pl.col("worst_rank") > 1, ~pl.col("was_on_path").fill_null(value=False), "index",
            nulls_last=True).head(limit).sort("index")
    return ordered


def columns(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """The runs as columns: newest first in, oldest first out."""
    return runs.reverse().to_dicts()


def keyed(cells: pl.DataFrame, tasks: pl.DataFrame) -> Cells:
    """The cells of these tasks by run and task."""
    shown = cells.join(tasks.select("task_id"), on="task_id", how="semi")
    return {(cell["run_id"], cell["task_id"]): cell for cell in shown.iter_rows(named=True)}


def legend(cells: pl.DataFrame) -> Markup:
    """The states that are there, with their signs."""
    present = [theme.known(name) for name in cells["state"].unique().to_list()]
    order = [*theme.STATES.values(), theme.NO_STATE, theme.OTHER]
    names = {id(state): name for name, state in theme.STATES.items()}
    return write('<div class="ws-g-legend">{inner}</div>', inner=joined([
        write('<span><span class="ws-g {kind}" style="display: inline-block">{glyph}</span> '
              "{label}</span>", kind=_kind(names.get(id(state))), glyph=state.glyph,
              label=state.label) for state in order if state in present], ""))


def tree(tasks: pl.DataFrame) -> Group:
    """The tasks in their task groups; a group stands where its first task does."""
    root = Group("", "")
    for task_id, group_id in tasks.select("task_id", "task_group_id").iter_rows():
        at = root
        if group_id:
            pieces = group_id.split(".")
            for depth in range(1, len(pieces) + 1):
                name = ".".join(pieces[:depth])
                if name not in at.groups:
                    at.groups[name] = Group(name, pieces[depth - 1])
                    at.members.append(at.groups[name])
                at = at.groups[name]
        at.members.append(task_id)
    return root


@dataclass(frozen=True)
class Grid:
    """What is drawn: the columns (oldest first) and the state of each task in each."""

    cluster: str
    dag_id: str
    runs: Sequence[Mapping[str, Any]]
    cells: Cells
    zone: ZoneInfo
    task_count: int

    @cached_property
    def hrefs(self) -> list[str]:
        """The escaped address of each run."""
        return [fmt.escape(links.to("run", cluster=self.cluster, dag_id=self.dag_id,
                                    run_id=run["run_id"]), limit=8000) for run in self.runs]

    def draw(self, root: Group) -> Markup:
        """The whole grid."""
        body = "".join(self._member(member, root, 0) for member in root.members)
        return write('<div class="ws-scroll" tabindex="0" role="region" aria-label="Grid of runs '
                     'and tasks"><div class="ws-grid">{head}{body}</div></div>',
                     head=Markup(self._head()), body=Markup(body))

    def _head(self) -> str:
        longest = max((r["total"] or 0.0 for r in self.runs), default=0.0)
        bars, labels = [], []
        for number, run in enumerate(self.runs):
            height = round((run["total"] or 0.0) / longest * BAR_PIXELS) if longest else 0
            at = fmt.instant(run["began_at"], self.zone) or "not started"
            title = fmt.escape(f"{run['run_id']} · {theme.state(run['state']).label} · {at} · "
                               f"{fmt.duration(run['total'])}")
            bars.append(f'<a class="ws-link ws-g" href="{self.hrefs[number]}" title="{title}" '
                        f'aria-label="{title}"><span class="ws-g-bar {_kind(run["state"])}" '
                        f'style="height: {max(height, 3)}px"></span></a>')
            if number % _LABEL_EVERY == 0:
                labels.append(f'<span class="ws-g-at">{fmt.escape(at)}</span>')
        top = f"up to {fmt.duration(longest)}" if longest else ""
        return (f'<div class="ws-g-row ws-g-bars"><span class="ws-g-name ws-quiet">{top}</span>'
                f'{"".join(bars)}</div><div class="ws-g-row ws-g-ats"><span class="ws-g-name">'
                f'</span>{"".join(labels)}</div>')

    def _member(self, member: "Group | str", above: Group, depth: int) -> str:
        if isinstance(member, str):
            return self._task(member, above, depth)
        inner = "".join(self._member(one, member, depth + 1) for one in member.members)
        below = list(member.tasks())
        ranks = [min((self._rank(run, task) for task in below), default=_UNKNOWN + 1)
                 for run in self.runs]
        is_open = self.task_count <= _OPEN_UP_TO or (bool(ranks) and ranks[-1] <= 1)
        label, count = fmt.escape(member.label), fmt.count(len(below), "task")
        name = (f'<span class="ws-g-name" title="{fmt.escape(member.name)}" style="padding-left: '
                f'{depth * 0.75}rem"><span class="ws-id">{label}</span> '
                f'<span class="ws-quiet">{count}</span></span>')
        cells = "".join(_summary(rank) for rank in ranks)
        return (f'<details class="ws-g-group"{" open" if is_open else ""}><summary '
                f'class="ws-g-row">{name}{cells}</summary>{inner}</details>')

    def _rank(self, run: Mapping[str, Any], task_id: str) -> int:
        cell = self.cells.get((run["run_id"], task_id))
        return cell["rank"] if cell else _UNKNOWN + 1

    def _task(self, task_id: str, above: Group, depth: int) -> str:
        label = task_id.removeprefix(f"{above.name}.") if above.name else task_id
        name = fmt.escape(task_id)
        href = fmt.escape(links.to("task", cluster=self.cluster, dag_id=self.dag_id,
                                   task_id=task_id), limit=8000)
        asked = fmt.escape(f"&{urlencode({'task_id': task_id})}", limit=8000)
        found = [self.cells.get((run["run_id"], task_id)) for run in self.runs]
        widest = max((c["instance_count"] for c in found
                      if c and c["highest_map_index"] >= 0), default=0)
        mapped = f' <span class="ws-quiet">{widest}\N{MULTIPLICATION SIGN}</span>' if widest else ""
        cells = "".join(
            _cell(cell, f"{run_href}{asked}") if cell else '<span class="ws-g"></span>'
            for cell, run_href in zip(found, self.hrefs, strict=True))
        return (f'<div class="ws-g-row"><span class="ws-g-name" title="{name}" style='
                f'"padding-left: {depth * 0.75}rem"><a class="ws-link ws-id" href="{href}">'
                f'{fmt.escape(fmt.shorten(label, 60))}</a>{mapped}</span>{cells}</div>')


def _kind(state: str | None) -> str:
    """The class of a state of the closed list."""
    return f"ws-s-{state}" if state in theme.STATES else "ws-s-none"


def _cell(cell: Mapping[str, Any], href: str) -> str:
    state = theme.state(cell["state"])
    many = cell["instance_count"]
    count = f"{cell['worst_count']} of {many} " if many > 1 else ""
    took = fmt.duration(cell["longest_seconds"])
    tries = f", {cell['try_count']} tries" if (cell["try_count"] or 0) > 1 else ""
    path = ", on the critical path" if cell["is_on_critical_path"] else ""
    title = (f"{fmt.escape(cell['task_id'])}: {count}{fmt.escape(state.label)}"
             f"{', ' if took else ''}{took}{tries}{path}")
    return (f'<a class="ws-link ws-g {_kind(cell["state"])}{" ws-g-path" if path else ""}" '
            f'href="{href}" title="{title}" aria-label="{title}">{state.glyph}</a>')


def _summary(rank: int) -> str:
    """The cell of a group: the state of its tasks that needs a person first."""
    name = next((n for n, r in _RANKS.items() if r == rank), "")
    if name == "":
        return '<span class="ws-g"></span>'
    state = theme.state(name)
    return (f'<span class="ws-g ws-g-of-group {_kind(name)}" title="{state.label}">'
            f'{state.glyph}</span>')
