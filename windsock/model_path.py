"""What would block a typical run: the longest path when every task takes its median.

    tasks (median seconds) + edges  ->  Polars codes them  ->  solve() per DAG  ->  one row per task

    earliest start   the latest earliest end among the upstream tasks
    latest start     the latest start that does not move the end of the run
    float            latest start - earliest start: how much later a task may start for free
    drag             how much sooner the run would end if the task took no time

All of it is counted in half microseconds, as whole numbers, so that a float of 0 is 0.
`docs/statistics.md` has the rules in a reader's words. Alone: `python -m bench model_path`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

UNITS = 2_000_000  # half microseconds: the median of two whole ones falls between them
DAG = ["cluster", "dag_id"]
RESULT = {
    "path_basis": pl.String,
    "model_path_seconds": pl.Float64,
    "earliest_start_seconds": pl.Float64,
    "latest_start_seconds": pl.Float64,
    "float_seconds": pl.Float64,
    "drag_seconds": pl.Float64,
    "model_path_number": pl.Int64,
    "is_on_model_path": pl.Boolean,
}


@dataclass(frozen=True)
class Solution:
    """The schedule of one DAG in its durations' unit; lists are in the order of its tasks.

    Attributes:
        length: of the longest path.
        earliest_starts: from the start of the run.
        floats: latest start - earliest start.
        path: the tasks of the longest path, the first one first.
        drags: how much sooner the run would end without the task's time.
    """

    length: int
    earliest_starts: list[int]
    floats: list[int]
    path: list[int]
    drags: list[int]


def model_paths(tasks: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Which tasks decide how long a typical run of each DAG takes.

    Args:
        tasks: `cluster`, `dag_id`, `task_id` (String), `median_seconds` (Float64; null: never
            measured, counts as 0); other columns pass through. One row per task.
        edges: `cluster`, `dag_id`, `upstream_task_id`, `downstream_task_id` (String). Duplicates
            change nothing; edges to tasks that are not in `tasks` are left out.

    Returns:
        The rows of `tasks` in the order of cluster, dag_id, task_id with
        `path_basis`: measured | partial (some task counts as 0) | unmeasured (all do) | cycle;
        with the last two, all else is null. `model_path_seconds` is the length of the path;
        `model_path_number` counts the tasks on it from 1; the other columns are those of `RESULT`.
    """
    nodes = (
        tasks.sort(*DAG, "task_id")
        .with_row_index("node")
        .with_columns(first=pl.col("node").first().over(DAG, order_by="node"))
    )
    upstreams = _upstreams(nodes, edges)
    medians = (nodes["median_seconds"] * UNITS).round().cast(pl.Int64).to_list()
    columns: dict[str, list[object]] = {name: [] for name in RESULT}
    bounds = [*nodes.filter(pl.col("node") == pl.col("first"))["node"].to_list(), nodes.height]
    for first, end in pairwise(bounds):
        local = [[u - first for u in upstreams[node]] for node in range(first, end)]
        _extend(columns, medians[first:end], local)
    found = pl.DataFrame(columns, schema=RESULT)
    return nodes.drop("node", "first").hstack(found)


def _upstreams(nodes: pl.DataFrame, edges: pl.DataFrame) -> list[list[int]]:
    """Row number of each task -> row numbers of its upstream tasks."""
    known = nodes.select(*DAG, "task_id", "node")
    coded = (
        edges.select(*DAG, "upstream_task_id", "downstream_task_id")
        .join(known, left_on=[*DAG, "upstream_task_id"], right_on=[*DAG, "task_id"])
        .join(
            known,
            left_on=[*DAG, "downstream_task_id"],
            right_on=[*DAG, "task_id"],
            suffix="_downstream",
        )
    )
    found: list[list[int]] = [[] for _ in range(nodes.height)]
    pairs = (coded[name].to_list() for name in ("node", "node_downstream"))
    for upstream, downstream in zip(*pairs, strict=True):
        found[downstream].append(upstream)
    return found


def _extend(
    columns: dict[str, list[object]], medians: list[int | None], upstreams: list[list[int]]
) -> None:
    """The rows of one DAG."""
    missing = medians.count(None)
    is_unmeasured = missing == len(medians)
    solution = solve([x or 0 for x in medians], upstreams)
    if solution is None or is_unmeasured:
        basis = "cycle" if solution is None else "unmeasured"
        for name, values in columns.items():
            values.extend([basis if name == "path_basis" else None] * len(medians))
        return
    numbers = {task: number for number, task in enumerate(solution.path, 1)}
    for task in range(len(medians)):
        earliest, slack = solution.earliest_starts[task], solution.floats[task]
        row = (
            "partial" if missing else "measured",
            solution.length / UNITS,
            earliest / UNITS,
            (earliest + slack) / UNITS,
            slack / UNITS,
            solution.drags[task] / UNITS,
            numbers.get(task),
            task in numbers,
        )
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)


def solve(durations: Sequence[int], upstreams: Sequence[Sequence[int]]) -> Solution | None:
    """The schedule of one DAG; the time grows with tasks and edges, not with paths.

    Args:
        durations: of each task, whole numbers, 0 or more. Tasks are numbered in the order of
            their ids, which breaks ties.
        upstreams: of each task.

    Returns:
        The solution; None when the edges form a cycle.
    """
    downstreams: list[list[int]] = [[] for _ in durations]
    for task, before in enumerate(upstreams):
        for upstream in before:
            downstreams[upstream].append(task)
    order = _upstreams_first(upstreams, downstreams)
    if order is None:
        return None
    starts, ends, depths = ([0] * len(durations) for _ in range(3))
    for task in order:
        starts[task] = max((ends[u] for u in upstreams[task]), default=0)
        ends[task] = starts[task] + durations[task]
        depths[task] = max((depths[u] + 1 for u in upstreams[task]), default=0)
    length = max(ends, default=0)
    rests = [0] * len(durations)  # from the start of a task to the end of the run, at the least
    for task in reversed(order):
        rests[task] = durations[task] + max((rests[d] for d in downstreams[task]), default=0)
    floats = [length - rest - start for rest, start in zip(rests, starts, strict=True)]
    path = _longest_path(upstreams, ends, depths)
    detours = _detours(path, order, upstreams, downstreams, floats)
    drags = [0] * len(durations)
    for task, slack in zip(path, detours, strict=True):
        drags[task] = durations[task] if slack is None else min(durations[task], slack)
    return Solution(length, starts, floats, path, drags)


def _upstreams_first(
    upstreams: Sequence[Sequence[int]], downstreams: Sequence[Sequence[int]]
) -> list[int] | None:
    """A topological order; None when there is a cycle."""
    missing = [len(before) for before in upstreams]
    order = [task for task, count in enumerate(missing) if not count]
    for task in order:
        for downstream in downstreams[task]:
            missing[downstream] -= 1
            if not missing[downstream]:
                order.append(downstream)
    return order if len(order) == len(upstreams) else None


def _longest_path(
    upstreams: Sequence[Sequence[int]], ends: list[int], depths: list[int]
) -> list[int]:
    """From the task that ends last back to a root, the first task first.

    Ties go to the task deeper in the graph, then to the smallest id: the rule of the observed path.
    """
    path: list[int] = []
    candidates: Sequence[int] = range(len(ends))
    while candidates:
        path.append(max(candidates, key=lambda task: (ends[task], depths[task], -task)))
        candidates = upstreams[path[-1]]
    return path[::-1]


def _detours(
    path: list[int],
    order: list[int],
    upstreams: Sequence[Sequence[int]],
    downstreams: Sequence[Sequence[int]],
    floats: list[int],
) -> list[int | None]:
    """For each task of the path the smallest float among the tasks parallel to it; None: no such.

    A task outside the path comes after its last ancestor on the path and before its first
    descendant there: it is parallel to exactly those between. So no sets of ancestors are needed:
    tasks are taken by growing float, and each claims what is still free between its two bounds.
    """
    position = {task: number for number, task in enumerate(path)}
    after, before = [-1] * len(order), [len(path)] * len(order)
    for task in order:
        after[task] = position.get(task, max((after[u] for u in upstreams[task]), default=-1))
    for task in reversed(order):
        before[task] = position.get(
            task, min((before[d] for d in downstreams[task]), default=len(path))
        )
    found: list[int | None] = [None] * len(path)
    free = list(range(len(path) + 1))  # the next position that nobody claimed, with shortcuts
    for task in sorted((t for t in order if t not in position), key=floats.__getitem__):
        number = _next_free(free, after[task] + 1)
        while number < before[task]:
            found[number] = floats[task]
            free[number] = number + 1
            number = _next_free(free, number)
    return found


def _next_free(free: list[int], number: int) -> int:
    """The first unclaimed position from `number` on; shortens the way for those who ask later."""
    while free[number] != number:
        free[number] = free[free[number]]
        number = free[number]
    return number
