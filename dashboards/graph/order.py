"""Order in directed graphs: strong components, a graph without cycles, a topological order.

Plain loops, no recursion: a chain of ten thousand tasks must not end the page. Whatever ties is
broken by the order in which nodes are given, so that the same graph gives the same picture.
"""

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Pair = tuple[Key, Key]


def neighbours(nodes: Iterable[Key], edges: Iterable[Pair[Key]]) -> dict[Key, list[Key]]:
    """What each node points to, in the order of the edges."""
    found: dict[Key, list[Key]] = {node: [] for node in nodes}
    for one, other in edges:
        found[one].append(other)
    return found


def components(nodes: Sequence[Key], edges: Sequence[Pair[Key]]) -> dict[Key, int]:
    """The strong component of each node, as a number (Kosaraju): equal numbers lie on a cycle."""
    after = neighbours(nodes, edges)
    before = neighbours(nodes, [(b, a) for a, b in edges])
    found: dict[Key, int] = {}
    for number, root in enumerate(reversed(_finished(nodes, after))):
        waiting = [] if root in found else [root]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = number
                waiting.extend(n for n in before[node] if n not in found)
    return found


def _finished(nodes: Sequence[Key], after: Mapping[Key, list[Key]]) -> list[Key]:
    """Nodes in the order in which a walk in depth leaves them."""
    seen: set[Key] = set()
    left: list[Key] = []
    for root in nodes:
        if root in seen:
            continue
        seen.add(root)
        walk = [(root, iter(after[root]))]
        while walk:
            node, rest = walk[-1]
            step = next((n for n in rest if n not in seen), None)
            if step is None:
                walk.pop()
                left.append(node)
            else:
                seen.add(step)
                walk.append((step, iter(after[step])))
    return left


def without_cycles(nodes: Sequence[Key], edges: Sequence[Pair[Key]]) -> list[Pair[Key]]:
    """The edges that remain when, inside each cycle, those against the order of `nodes` go.

    A serialized DAG has no cycle; a damaged row may. Edges between neighbours in `nodes` that
    point forward stay, so a path that comes first in it stays whole.
    """
    part = components(nodes, edges)
    place = {node: number for number, node in enumerate(nodes)}
    return [(a, b) for a, b in edges if part[a] != part[b] or place[a] < place[b]]


def topological(nodes: Sequence[Key], edges: Sequence[Pair[Key]]) -> list[Key]:
    """Nodes so that every edge points forward; what is free comes in the order of `nodes`.

    Raises:
        ValueError: the edges have a cycle.
    """
    after = neighbours(nodes, edges)
    open_count = dict.fromkeys(nodes, 0)
    for _, node in edges:
        open_count[node] += 1
    place = {node: number for number, node in enumerate(nodes)}
    ready = [place[n] for n in nodes if not open_count[n]]
    heapq.heapify(ready)
    ordered: list[Key] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        ordered.append(node)
        for other in after[node]:
            open_count[other] -= 1
            if not open_count[other]:
                heapq.heappush(ready, place[other])
    if len(ordered) < len(nodes):
        raise ValueError("the edges have a cycle")
    return ordered
