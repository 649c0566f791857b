"""Layout: no two nodes overlap, every edge runs to the right, the path lies straight."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.graph.layout import HEIGHT, ROW_GAP, WIDTH, place
from tests.views.graphs import large


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(1, 25))
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)),
                          max_size=60))
    return count, sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})


@settings(deadline=None)
@given(graphs())
def test_nodes_lie_apart_and_edges_run_to_the_right(
        graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    where = place(count, edges)
    columns: dict[int, list[int]] = {}
    for x, y in where.corners:
        columns.setdefault(x, []).append(y)
    for rows in columns.values():
        assert all(b - a >= HEIGHT + ROW_GAP - 1 for a, b in pairwise(sorted(rows)))
    for a, b in edges:
        line = where.lines[a, b]
        assert line[:2] == (where.corners[a][0] + WIDTH, where.corners[a][1] + HEIGHT // 2)
        assert line[-2:] == (where.corners[b][0], where.corners[b][1] + HEIGHT // 2)
        assert list(line[::2]) == sorted(line[::2])
    assert min(y for _, y in where.corners) >= 0
    assert all(x + WIDTH <= where.width and y + HEIGHT <= where.height for x, y in where.corners)
    assert all(0 <= y <= where.height for line in where.lines.values() for y in line[1::2])


def test_bends_run_between_nodes() -> None:
    groups, edges, _ = large(120, 200)
    number = {t: n for n, t in enumerate(groups)}
    pairs = [(number[a], number[b]) for a, b in edges]
    where = place(len(groups), pairs)
    boxes: dict[int, list[int]] = {}
    for x, y in where.corners:
        boxes.setdefault(x, []).append(y)
    for line in where.lines.values():
        for x, y in zip(line[2:-2:2], line[3:-2:2], strict=True):
            assert not any(top < y < top + HEIGHT for top in boxes.get(x, []))


def test_a_path_lies_on_one_line() -> None:
    edges = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 3), (0, 5), (5, 2), (1, 6)]
    rows = [place(7, edges, [0, 1, 2, 3]).corners[n][1] for n in range(4)]
    assert max(rows) - min(rows) <= 2


def test_it_is_the_same_again_and_a_cycle_is_refused() -> None:
    pairs = [(a, b) for a in range(20) for b in range(a + 1, 20)]
    some = sorted(random.Random(7).sample(pairs, 40))       # noqa: S311
    assert place(20, some) == place(20, some)
    with pytest.raises(ValueError, match="cycle"):
        place(2, [(0, 1), (1, 0)])


def test_one_node_and_none() -> None:
    assert place(1, []).corners == ((0, 0),)
    assert place(0, []).corners == ()
