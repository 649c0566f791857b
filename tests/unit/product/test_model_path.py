"""The model path against brute force on small graphs and networkx on big ones."""

import random
from collections.abc import Sequence

import networkx as nx
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windsock.model_path import RESULT, UNITS, model_paths, solve

Edges = list[tuple[int, int]]
GRAPHS = st.integers(0, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
        st.permutations(range(n)),
        st.lists(st.booleans(), min_size=n * n, max_size=n * n),
    )
)


def graph_of(case: tuple[list[int], list[int], list[bool]]) -> tuple[list[int], list[list[int]]]:
    """Durations and upstream tasks of a random acyclic graph; ids are not in its order."""
    durations, order, wanted = case
    n = len(durations)
    upstreams: list[list[int]] = [[] for _ in durations]
    for later in range(n):
        for earlier in range(later):
            if wanted[later * n + earlier]:
                upstreams[order[later]].append(order[earlier])
    return durations, upstreams


def all_paths(upstreams: Sequence[Sequence[int]]) -> list[list[int]]:
    """Every path from a root to a leaf, one by one."""
    downstreams: list[list[int]] = [[] for _ in upstreams]
    for task, before in enumerate(upstreams):
        for upstream in before:
            downstreams[upstream].append(task)
    found: list[list[int]] = []
    unfinished = [[task] for task, before in enumerate(upstreams) if not before]
    while unfinished:
        path = unfinished.pop()
        found += [] if downstreams[path[-1]] else [path]
        unfinished += [[*path, task] for task in downstreams[path[-1]]]
    return found


def length(durations: Sequence[int], upstreams: Sequence[Sequence[int]]) -> int:
    return max((sum(durations[t] for t in path) for path in all_paths(upstreams)), default=0)


@given(GRAPHS)
@example(([3, 3, 1], [0, 1, 2], [False, False, False, False, False, False, True, True, False]))
@settings(max_examples=400, deadline=None)
def test_equals_brute_force(case: tuple[list[int], list[int], list[bool]]) -> None:
    durations, upstreams = graph_of(case)
    solution = solve(durations, upstreams)
    assert solution is not None
    longest = length(durations, upstreams)
    paths = all_paths(upstreams)
    assert solution.length == longest
    for task in range(len(durations)):
        through = max(sum(durations[t] for t in path) for path in paths if task in path)
        assert solution.floats[task] == longest - through
        before = [path[: path.index(task)] for path in paths if task in path]
        assert solution.earliest_starts[task] == max(
            sum(durations[t] for t in path) for path in before
        )
        without = [0 if t == task else seconds for t, seconds in enumerate(durations)]
        assert solution.drags[task] == longest - length(without, upstreams)


@given(GRAPHS)
@settings(max_examples=200, deadline=None)
def test_the_path_is_one_longest_path_and_the_rest_of_the_ties_is_fixed(
    case: tuple[list[int], list[int], list[bool]],
) -> None:
    durations, upstreams = graph_of(case)
    solution = solve(durations, upstreams)
    assert solution is not None
    path = solution.path
    assert sum(durations[t] for t in path) == solution.length
    assert all(solution.floats[t] == 0 for t in path)
    assert path in all_paths(upstreams) or not durations  # from a root to a leaf
    ends = [s + d for s, d in zip(solution.earliest_starts, durations, strict=True)]
    depths = [
        max(len(p[: p.index(t)]) for p in all_paths(upstreams) if t in p)
        for t in range(len(durations))
    ]
    for position, task in enumerate(path):
        others = upstreams[path[position + 1]] if position + 1 < len(path) else range(len(ends))
        assert task == min(others, key=lambda t: (-ends[t], -depths[t], t))
    turned = [list(reversed(before)) for before in upstreams]
    assert solve(durations, turned) == solution


def test_equals_networkx_on_big_graphs() -> None:
    rng = random.Random(11)  # noqa: S311
    for size, fan in ((2_000, 3), (5_000, 2), (800, 40)):
        durations = [rng.randrange(1, 10**9) for _ in range(size)]
        upstreams = [
            rng.sample(range(max(0, t - 60), t), min(t, rng.randrange(fan))) for t in range(size)
        ]
        graph: nx.DiGraph = nx.DiGraph()
        graph.add_nodes_from(range(-1, size))
        for task, before in enumerate(upstreams):
            for upstream in before or [-1]:
                weight = durations[upstream] if upstream >= 0 else 0
                graph.add_edge(upstream, task, weight=weight)
        graph.add_weighted_edges_from((task, size, durations[task]) for task in range(size))
        expected = nx.dag_longest_path(graph)[1:-1]
        solution = solve(durations, upstreams)
        assert solution is not None
        assert solution.path == expected  # durations are all but surely distinct
        for task in rng.sample(solution.path, 5):
            kept = durations[task]
            durations[task] = 0
            shorter = solve(durations, upstreams)
            durations[task] = kept
            assert shorter is not None
            assert solution.drags[task] == solution.length - shorter.length


def test_a_cycle_is_said() -> None:
    assert solve([1, 1], [[1], [0]]) is None
    assert solve([1], [[0]]) is None


# --- frames ------------------------------------------------------------------------------------


def frames(
    medians: dict[tuple[str, str], float | None], edges: list[tuple[str, str, str]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    tasks = pl.DataFrame(
        [("c", dag, task, value) for (dag, task), value in medians.items()],
        schema={"cluster": pl.String, "dag_id": pl.String, "task_id": pl.String,
                "median_seconds": pl.Float64},
        orient="row",
    )  # fmt: skip
    arrows = pl.DataFrame(
        [("c", *edge) for edge in edges],
        schema=["cluster", "dag_id", "upstream_task_id", "downstream_task_id"],
        schema_overrides=dict.fromkeys(
            ("cluster", "dag_id", "upstream_task_id", "downstream_task_id"), pl.String
        ),
        orient="row",
    )
    return tasks, arrows


def rows(found: pl.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["dag_id"], row["task_id"]): row for row in found.to_dicts()}


def test_dags_of_one_frame_do_not_touch() -> None:
    tasks, edges = frames(
        {("a", "x"): 2.5, ("b", "x"): 10.0, ("a", "y"): 1.25, ("b", "y"): 4.0, ("b", "z"): 3.0},
        [("a", "x", "y"), ("b", "x", "z"), ("b", "y", "z"), ("b", "x", "z")],
    )
    found = rows(model_paths(tasks.sample(fraction=1, shuffle=True, seed=3), edges))
    assert [found["a", t]["model_path_number"] for t in "xy"] == [1, 2]
    assert found["a", "y"]["earliest_start_seconds"] == 2.5
    assert found["a", "y"]["model_path_seconds"] == 3.75
    assert found["b", "y"]["float_seconds"] == 6.0
    assert found["b", "y"]["latest_start_seconds"] == 6.0
    assert found["b", "y"]["is_on_model_path"] is False
    assert found["b", "y"]["drag_seconds"] == 0
    assert found["b", "x"]["drag_seconds"] == 6.0
    assert found["b", "z"]["drag_seconds"] == 3.0


def test_what_was_never_measured_counts_as_nothing_and_is_said() -> None:
    tasks, edges = frames(
        {("part", "x"): None, ("part", "y"): 4.0, ("none", "x"): None, ("none", "y"): None},
        [("part", "x", "y"), ("none", "x", "y")],
    )
    found = rows(model_paths(tasks, edges))
    assert found["part", "x"]["path_basis"] == "partial"
    assert found["part", "x"]["median_seconds"] is None
    assert found["part", "x"]["drag_seconds"] == 0
    assert found["part", "x"]["is_on_model_path"] is True
    assert found["none", "x"]["path_basis"] == "unmeasured"
    assert all(found["none", "y"][name] is None for name in RESULT if name != "path_basis")


def test_a_cycle_spoils_its_own_dag_only() -> None:
    tasks, edges = frames(
        {("bad", "x"): 1.0, ("bad", "y"): 1.0, ("good", "x"): 1.0},
        [("bad", "x", "y"), ("bad", "y", "x")],
    )
    found = rows(model_paths(tasks, edges))
    assert found["bad", "x"]["path_basis"] == "cycle"
    assert found["bad", "x"]["float_seconds"] is None
    assert found["good", "x"]["float_seconds"] == 0


def test_edges_to_unknown_tasks_are_left_out() -> None:
    tasks, edges = frames({("a", "x"): 1.0}, [("a", "gone", "x"), ("a", "x", "gone"),
                                              ("other", "x", "x")])  # fmt: skip
    assert rows(model_paths(tasks, edges))["a", "x"]["drag_seconds"] == 1.0


def test_medians_that_no_float_can_hold_still_tie() -> None:
    # 0.1 + 0.2 is not 0.3 in binary; in whole half microseconds it is.
    tasks, edges = frames(
        {("a", "p"): 0.1, ("a", "q"): 0.2, ("a", "r"): 0.3, ("a", "s"): 0.0000005},
        [("a", "p", "q"), ("a", "q", "s"), ("a", "r", "s")],
    )
    found = rows(model_paths(tasks, edges))
    assert found["a", "r"]["float_seconds"] == 0
    assert found["a", "r"]["is_on_model_path"] is False  # q is deeper
    assert found["a", "q"]["drag_seconds"] == 0
    assert found["a", "s"]["drag_seconds"] == 1 / UNITS


def test_no_tasks_no_rows() -> None:
    found = model_paths(*frames({}, []))
    assert found.height == 0
    assert set(RESULT) < set(found.columns)
