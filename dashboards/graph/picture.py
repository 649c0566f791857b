"""The picture that `components/src/graph.ts` draws: places, faces and edges as plain JSON.

Names stay what they are: the component puts them on the page as text, never as HTML, and colours
are names of states, never values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from dashboards import format as fmt
from dashboards import theme
from dashboards.graph import layout
from dashboards.graph.shape import Edge, Shape

TITLE_LENGTH = 24       # what fits a node in the ids' type
UNDER_LENGTH = 30

Pair = tuple[str, str]
Place = Callable[..., layout.Layout]


@dataclass(frozen=True)
class Face:
    """What a node says and where it leads."""

    name: str
    kind: str = "task"              # task, group, rest, end
    under: str = ""
    note: str = ""                  # at the right of the second line
    href: str = ""                  # relative, made by dashboards.links
    state: str = ""                 # a state of Airflow: the colour of its sign
    hint: tuple[str, ...] = ()      # lines shown on hover, read out by screen readers
    bar: tuple[tuple[str, int], ...] = ()       # states and how many instances have each
    ratio: float | None = None      # criticality
    is_on_path: bool = False
    is_chosen: bool = False


def picture(shape: Shape, faces: Sequence[Face], end: Face, *, path: Sequence[str],
            ratios: Mapping[str, float], place: Place = layout.place) -> dict[str, Any]:
    """What the component draws.

    Args:
        shape: the nodes and edges.
        faces: one for each node of the shape, in its order.
        end: of the final node.
        path: tasks of the path, in order.
        ratios: criticality (0 to 1) by task; an edge has the smaller one of its two tasks.
        place: lays out; a test or a cache may stand in.
    """
    count = len(shape.nodes)
    home = {task: n for n, node in enumerate(shape.nodes) for task in node.tasks}
    route = [*dict.fromkeys(home[t] for t in path if t in home)]
    edges = [*shape.edges, *_last(shape, route, count)]
    where = place(count + 1, tuple((e.upstream, e.downstream) for e in edges),
                  (*route, count) if route else ())
    steps = set(pairwise([*route, count])) if route else set()
    return {
        "width": where.width, "height": where.height,
        "nodeWidth": layout.WIDTH, "nodeHeight": layout.HEIGHT,
        "nodes": [_node(replace(f, is_on_path=f.is_on_path or (n == count and bool(route))),
                        where.corners[n])
                  for n, f in enumerate([*faces, end])],
        "edges": [_edge(e, where.lines[e.upstream, e.downstream], ratios,
                        is_on_path=(e.upstream, e.downstream) in steps,
                        is_inferred=any(p in shape.inferred for p in e.pairs))
                  for e in edges],
        # from left to right in each column: the order of the Tab key is a topological one
        "order": sorted(range(count + 1), key=lambda n: where.corners[n]),
    }


def _last(shape: Shape, route: Sequence[int], count: int) -> list[Edge]:
    """Edges into the final node: from what nothing waits for, and from the path's last task."""
    waited_for = {e.upstream for e in shape.edges}
    leaves = [n for n in range(count) if n not in waited_for or n in route[-1:]]
    return [Edge(n, count, ()) for n in leaves]


def _node(face: Face, corner: tuple[int, int]) -> dict[str, Any]:
    name = fmt.visible(face.name, limit=1000)
    known = face.state if face.state in theme.STATES else ""
    return {
        "x": corner[0], "y": corner[1], "kind": face.kind,
        "title": fmt.shorten(name, TITLE_LENGTH - (2 if face.state else 0)),
        "under": fmt.shorten(fmt.visible(face.under), UNDER_LENGTH), "note": face.note,
        "glyph": theme.state(face.state).glyph if face.state else "", "state": known,
        "href": face.href, "hint": "\n".join([name, *(fmt.visible(h, 1000) for h in face.hint)]),
        "bar": [[s if s in theme.STATES else "", n] for s, n in face.bar],
        "ratio": face.ratio, "path": face.is_on_path, "chosen": face.is_chosen}


def _edge(edge: Edge, line: Sequence[int], ratios: Mapping[str, float], *, is_on_path: bool,
          is_inferred: bool) -> dict[str, Any]:
    weights = [min(ratios[a], ratios[b]) for a, b in edge.pairs if a in ratios and b in ratios]
    return {"from": edge.upstream, "to": edge.downstream, "line": list(line),
            "weight": round(max(weights, default=0.0), 3), "path": is_on_path,
            "inferred": is_inferred}
