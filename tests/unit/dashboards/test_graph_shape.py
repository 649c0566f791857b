"""Folding: what is drawn as one, that nothing is lost by it, and that no cycle is made."""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.graph import order, shape
from dashboards.graph.shape import EVERYTHING, NOTHING, REST, Structure, fold, opened
from tests.views.graphs import large

Key = TypeVar("Key", bound=Hashable)
GROUPS = [None, "a", "b", "a.inner", "c"]


@st.composite
def structures(draw: st.DrawFn, *, is_sound: bool = True) -> Structure:
    """Small DAGs with groups that lie anyhow, and a path along edges; or with cycles."""
    count = draw(st.integers(1, 12))
    names = [f"t{n}" for n in range(count)]
    groups = {name: draw(st.sampled_from(GROUPS)) for name in names}
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)),
                          max_size=30))
    edges = [(names[min(p)] if is_sound else names[p[0]], names[max(p)] if is_sound
              else names[p[1]]) for p in pairs if p[0] != p[1]]
    path = [draw(st.sampled_from(names))]
    after = order.neighbours(names, edges)
    while draw(st.booleans()) and after[path[-1]]:
        path.append(draw(st.sampled_from(after[path[-1]])))
        if len(path) > count:
            break
    return Structure(groups, edges, path if draw(st.booleans()) else ())


OPEN = st.sets(st.sampled_from(["a", "b", "a.inner", "c", REST]))


def _reach(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> set[tuple[Key, Key]]:
    after = order.neighbours(nodes, edges)
    found: set[tuple[Key, Key]] = set()
    for start in nodes:
        waiting = [start]
        while waiting:
            for other in after[waiting.pop()]:
                if (start, other) not in found:
                    found.add((start, other))
                    waiting.append(other)
    return found


def _home(drawn: shape.Shape) -> dict[str, int]:
    return {task: n for n, node in enumerate(drawn.nodes) for task in node.tasks}


@settings(deadline=None)
@given(structures(), OPEN, st.sets(st.sampled_from(["t0", "t5", "nobody"])))
def test_folding_keeps_every_task_reachability_and_the_path(
        structure: Structure, is_open: set[str], keep: set[str]) -> None:
    drawn = fold(structure, is_open, keep)
    home = _home(drawn)
    assert sorted(t for node in drawn.nodes for t in node.tasks) == sorted(structure.groups)
    assert all(0 <= e.upstream < e.downstream < len(drawn.nodes) for e in drawn.edges)
    reached = _reach(list(range(len(drawn.nodes))),
                     [(e.upstream, e.downstream) for e in drawn.edges])
    for a, b in _reach(list(structure.groups), structure.edges):
        assert home[a] == home[b] or (home[a], home[b]) in reached
    for task in {*structure.chain, *(keep & structure.groups.keys())}:
        assert drawn.nodes[home[task]].kind == "task"
    steps = {(e.upstream, e.downstream) for e in drawn.edges if e.is_on_path}
    assert steps == {(home[a], home[b]) for a, b in pairwise(structure.chain)}
    assert drawn.cut_count == 0


@settings(deadline=None)
@given(structures(is_sound=False), OPEN)
def test_cycles_of_damaged_rows_end_in_a_picture_without_any(
        structure: Structure, is_open: set[str]) -> None:
    drawn = fold(structure, is_open)
    assert all(e.upstream < e.downstream for e in drawn.edges)
    assert sorted(_home(drawn)) == sorted(structure.groups)
    assert all(drawn.nodes[_home(drawn)[t]].kind == "task" for t in structure.chain)


@settings(deadline=None)
@given(structures(), OPEN)
def test_no_edge_is_drawn_that_no_task_has(structure: Structure, is_open: set[str]) -> None:
    drawn = fold(structure, is_open)
    home = _home(drawn)
    for edge in drawn.edges:
        assert edge.pairs
        for a, b in edge.pairs:
            assert (home[a], home[b]) == (edge.upstream, edge.downstream)
            assert (a, b) in structure.edges or (a, b) in drawn.inferred


def test_a_group_around_a_drawn_task_is_cut_in_two() -> None:
    structure = Structure(
        {"g.a": "g", "g.b": "g", "mid": None, "g.c": "g", "g.d": "g"},
        [("g.a", "mid"), ("g.b", "mid"), ("mid", "g.c"), ("mid", "g.d")], ["mid"])
    drawn = fold(structure, ())
    assert [(n.kind, n.tasks) for n in drawn.nodes] == [
        ("group", ("g.a", "g.b")), ("task", ("mid",)), ("group", ("g.c", "g.d"))]


def test_groups_that_run_through_each_other_are_one_node() -> None:
    structure = Structure({"x.a": "x", "y.b": "y", "x.c": "x"}, [("x.a", "y.b"), ("y.b", "x.c")])
    drawn = fold(structure, ())
    assert [n.tasks for n in drawn.nodes] == [("x.a", "x.c", "y.b")]
    assert drawn.nodes[0].folded == {"x", "y"}


def test_a_fold_that_hides_one_task_hides_none() -> None:
    assert [n.kind for n in fold(Structure({"g.a": "g", "z": None}, []), {REST}).nodes] == [
        "task", "task"]


def test_a_group_within_a_group_opens_after_it() -> None:
    structure = Structure({"a.b.x": "a.b", "a.b.y": "a.b", "a.z": "a"}, [])
    assert structure.all_groups == {"a", "a.b"}
    assert [n.folded for n in fold(structure, ()).nodes] == [{"a"}]
    assert {n.kind for n in fold(structure, {"a"}).nodes} == {"task", "group"}
    assert {n.kind for n in fold(structure, {"a", "a.b"}).nodes} == {"task"}


def test_what_starts_open() -> None:
    groups, edges, path = large()
    much, little = Structure(groups, edges, path), Structure({"a": None, "b.c": "b"}, [])
    assert opened(much, ()) == frozenset()
    assert opened(little, ()) == {"b", REST}
    assert opened(little, [NOTHING]) == {REST}      # without a path there is no rest
    assert opened(much, [EVERYTHING]) == much.all_groups | {REST}
    assert opened(much, ["group_03", "nonsense"]) == {"group_03"}


def test_too_many_to_draw_stay_gathered() -> None:
    groups, edges, path = large(2000, 3000)
    structure = Structure(groups, edges, path)
    assert opened(structure, [EVERYTHING]) == frozenset()
    assert opened(structure, [REST, "group_01"]) == {"group_01"}


def test_a_thousand_tasks_fold_to_what_a_person_takes_in() -> None:
    groups, edges, path = large()
    structure = Structure(groups, edges, path)
    drawn = fold(structure, opened(structure, ()))
    assert len(path) < len(drawn.nodes) < 250
    assert len(fold(structure, opened(structure, [EVERYTHING])).nodes) == 1000


def test_a_step_that_no_edge_backs_is_marked_and_drawn() -> None:
    drawn = fold(Structure({"a": None, "b": None}, [], ["a", "b", "a", "gone"]), {REST})
    assert drawn.inferred == {("a", "b")}
    assert [e.is_on_path for e in drawn.edges] == [True]


def test_a_long_chain_and_a_large_cycle_end() -> None:
    names = [f"t{n:05}" for n in range(5000)]
    ring = [*pairwise(names), (names[-1], names[0])]
    drawn = fold(Structure(dict.fromkeys(names), ring), ())
    assert drawn.cut_count == 1
    assert sum(len(n.tasks) for n in drawn.nodes) == 5000
    with pytest.raises(ValueError, match="cycle"):
        order.topological(names, ring)


def test_nothing_at_all() -> None:
    assert fold(Structure({}, []), ()).nodes == ()
