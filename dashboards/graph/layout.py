"""Where nodes lie: columns from left to right, few crossings, the path as straight as it can be.

    nodes, edges  ->  columns (longest way)  ->  order in each column (barycenters)
                  ->  rows (least squares that keep order and distance)  ->  Layout

On the server because it measured better: 1,000 nodes and 1,500 edges took dagre 3.1 in Node 1.8 to
13 s and elkjs 0.12 (1.6 MB) 1.7 to 6.9 s; this takes 0.1 to 0.5 s in Python and is kept with the
answer. An edge over several columns gets a bend in each, so that it runs between nodes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dashboards.graph.order import neighbours, topological

WIDTH, HEIGHT = 216, 54
COLUMN_GAP, ROW_GAP, BEND_GAP = 48, 14, 10
MOST_BENDS = 4000       # beyond, edges that are long enough run straight
SWEEPS = 6
_HEAVY = 400.0          # how much more a row of the path counts than another

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Upper left corners of nodes, points of edges, and the whole's size, in CSS pixels."""

    corners: tuple[tuple[int, int], ...]
    lines: Mapping[Pair, tuple[int, ...]]
    width: int
    height: int


def place(count: int, edges: Sequence[Pair], path: Sequence[int] = ()) -> Layout:
    """Lay out nodes 0 … count - 1.

    Args:
        count: how many nodes there are.
        edges: without cycles.
        path: nodes that should lie on one line.

    Returns:
        No two nodes overlap; every edge runs to the right.

    Raises:
        ValueError: the edges have a cycle.
    """
    columns = _columns(count, edges)
    chains = _chains(count, edges, columns)
    layers, links = _layers(count, columns, chains)
    on_path = {*path} | {b for pair in pairwise(path)
                         for b in chains.get(pair, ())}
    layers = _ordered(layers, links, on_path)
    middles = _rows(layers, links, count, on_path)
    return _drawn(count, columns, chains, middles)


def _columns(count: int, edges: Sequence[Pair]) -> list[int]:
    """The longest way from a start; who waits for little moves next to who waits for it."""
    ordered = topological(range(count), edges)
    after = neighbours(range(count), edges)
    before = neighbours(range(count), [(b, a) for a, b in edges])
    column = [0] * count
    for node in ordered:
        for other in after[node]:
            column[other] = max(column[other], column[node] + 1)
    for node in reversed(ordered):
        if after[node] and len(before[node]) < len(after[node]):
            column[node] = min(column[other] for other in after[node]) - 1
    return column


def _chains(count: int, edges: Sequence[Pair], columns: Sequence[int]) -> dict[Pair, list[int]]:
    """The bends of each edge, numbered from `count` on; short edges first while there are any."""
    chains: dict[Pair, list[int]] = {}
    fresh = count
    for a, b in sorted(edges, key=lambda e: columns[e[1]] - columns[e[0]]):
        span = columns[b] - columns[a] - 1
        bends = span if fresh - count + span <= MOST_BENDS else 0
        chains[a, b] = list(range(fresh, fresh + bends))
        fresh += bends
    return chains


def _layers(count: int, columns: Sequence[int], chains: Mapping[Pair, list[int]],
            ) -> tuple[list[list[int]], dict[int, tuple[list[int], list[int]]]]:
    """What lies in each column, and each thing's neighbours on its left and on its right."""
    layers: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for node in range(count):
        layers[columns[node]].append(node)
    links: dict[int, tuple[list[int], list[int]]] = {n: ([], []) for n in range(count)}
    for (a, b), bends in chains.items():
        for offset, bend in enumerate(bends, 1):
            layers[columns[a] + offset].append(bend)
            links[bend] = ([], [])
        for one, other in zip([a, *bends], [*bends, b], strict=True):
            links[one][1].append(other)
            links[other][0].append(one)
    return layers, links


def _ordered(layers: list[list[int]], links: Mapping[int, tuple[list[int], list[int]]],
             on_path: set[int]) -> list[list[int]]:
    """Columns sorted by the mean place of their neighbours, to the right and back, several times.

    The order with the fewest crossings of all sweeps is kept.
    """
    place_of = {n: (i + 0.5) / len(layer) for layer in layers for i, n in enumerate(layer)}
    best, fewest = layers, _crossings(layers, links)
    for sweep in range(SWEEPS):
        side = sweep % 2        # 0: by the left neighbours
        current = list(layers)
        for number in range(len(current)) if not side else range(len(current) - 1, -1, -1):
            current[number] = sorted(current[number], key=lambda n: (
                _mean([place_of[o] for o in links[n][side]], place_of[n]), n not in on_path))
            for i, node in enumerate(current[number]):
                place_of[node] = (i + 0.5) / len(current[number])
        layers = current
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = layers, crossings
        if not fewest:
            break
    return best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: Sequence[Sequence[int]],
               links: Mapping[int, tuple[list[int], list[int]]]) -> int:
    """How many pairs of edges cross between columns: inversions, by a Fenwick tree."""
    total = 0
    spot = {n: i for layer in layers for i, n in enumerate(layer)}
    column = {n: c for c, layer in enumerate(layers) for n in layer}
    for number, layer in enumerate(layers):
        right = len(layers[number + 1]) if number + 1 < len(layers) else 0
        tree, seen = [0] * (right + 1), 0
        for node in layer:
            ends = sorted(spot[o] + 1 for o in links[node][1] if column[o] == number + 1)
            for end in ends:
                at, below = end, 0
                while at:
                    below, at = below + tree[at], at & (at - 1)
                total += seen - below
            for end in ends:
                at = end
                while at <= right:
                    tree[at] += 1
                    at += at & -at
            seen += len(ends)
    return total


def _rows(layers: Sequence[Sequence[int]], links: Mapping[int, tuple[list[int], list[int]]],
          count: int, on_path: set[int]) -> dict[int, float]:
    """The middle of each thing from the top: as near to its neighbours' as its column lets it."""
    middles: dict[int, float] = {}
    for layer in layers:
        middles |= dict(zip(layer, _offsets(layer, count), strict=True))
    for sweep in range(SWEEPS):
        sides = ((0,), (1,), (0, 1))[sweep % 3]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_wish(n, links, sides, middles, on_path) for n in layer]
            weights = [_HEAVY if n in on_path else 1.0 for n in layer]
            offsets = _offsets(layer, count)
            fitted = _isotonic([w - o for w, o in zip(wanted, offsets, strict=True)], weights)
            middles |= {n: f + o for n, f, o in zip(layer, fitted, offsets, strict=True)}
    return middles


def _wish(node: int, links: Mapping[int, tuple[list[int], list[int]]], sides: Sequence[int],
          middles: Mapping[int, float], on_path: set[int]) -> float:
    others = [o for side in sides for o in links[node][side]]
    if node in on_path:
        others = [o for o in others if o in on_path] or others
    return _mean([middles[o] for o in others], middles[node])


def _offsets(layer: Sequence[int], count: int) -> list[float]:
    """Middles of a column that is packed as densely as it may be."""
    at, previous, found = 0.0, 0.0, []
    for number, node in enumerate(layer):
        half = HEIGHT / 2 if node < count else 0.0
        gap = ROW_GAP if node < count else BEND_GAP
        at += previous + half + gap if number else 0.0
        found.append(at)
        previous = half
    return found


def _isotonic(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising numbers nearest to the wanted ones (least squares, pooling violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        mean, mass, size = value, weight, 1
        while pools and pools[-1][0] >= mean:
            other, more, length = pools.pop()
            mean = (mean * mass + other * more) / (mass + more)
            mass, size = mass + more, size + length
        pools.append((mean, mass, size))
    return [mean for mean, _, size in pools for _ in range(size)]


def _drawn(count: int, columns: Sequence[int], chains: Mapping[Pair, list[int]],
           middles: Mapping[int, float]) -> Layout:
    step = WIDTH + COLUMN_GAP
    corners = tuple((columns[n] * step, round(middles[n]) - HEIGHT // 2) for n in range(count))
    lines: dict[Pair, tuple[int, ...]] = defaultdict(tuple)
    for (a, b), bends in chains.items():
        points = [columns[a] * step + WIDTH, round(middles[a])]
        for offset, bend in enumerate(bends, 1):
            left, row = (columns[a] + offset) * step, round(middles[bend])
            points += [left, row, left + WIDTH, row]
        lines[a, b] = (*points, columns[b] * step, round(middles[b]))
    bends = [y for line in lines.values() for y in line[1::2]]
    top = min([*(y for _, y in corners), *bends], default=0)
    bottom = max([*(y + HEIGHT for _, y in corners), *bends], default=0)
    return Layout(
        tuple((x, y - top) for x, y in corners),
        {pair: tuple(v - top if i % 2 else v for i, v in enumerate(line))
         for pair, line in lines.items()},
        width=max((x + WIDTH for x, _ in corners), default=0), height=bottom - top)
