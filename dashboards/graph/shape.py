"""Which nodes and edges of a DAG to draw: task groups folded, what is off the path gathered. Pure.

    tasks with their groups + edges + path + what is open  ->  Shape (nodes, edges, no cycle)

A group drawn as one node may come both before and after a task that is drawn: then it is cut in
two, as few times as can be. Groups that run through each other are one node. So the picture has no
cycle, and what can be reached in the DAG can be reached in it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from dashboards.graph import order

EVERYTHING, REST, NOTHING = "*", "~", "!"     # not names: Airflow allows no such ids
FOLD_ABOVE = 80         # nodes that a person takes in at once; more, and it starts folded
MOST_DRAWN = 1500       # nodes that a browser draws in a second or two; more stay gathered

Pair = tuple[str, str]
Block = tuple[object, ...]


@dataclass(frozen=True)
class Structure:
    """Tasks of one version of a DAG with the group of each (None: at the root), and its edges."""

    groups: Mapping[str, str | None]
    edges: Sequence[Pair]
    path: Sequence[str] = ()

    @cached_property
    def chain(self) -> tuple[str, ...]:
        """The path, each task once, without what the structure does not have."""
        return tuple(t for t in dict.fromkeys(self.path) if t in self.groups)

    @cached_property
    def sound_edges(self) -> list[Pair]:
        """Edges between tasks that exist and the steps of the path, without cycles."""
        steps = list(pairwise(self.chain))
        known = [(a, b) for a, b in self.edges
                 if a in self.groups and b in self.groups and a != b]
        nodes = [*self.chain, *sorted(self.groups.keys() - set(self.chain))]
        return order.without_cycles(nodes, list(dict.fromkeys([*known, *steps])))

    @cached_property
    def all_groups(self) -> frozenset[str]:
        """Every group, those that hold only groups included."""
        return frozenset(g for group in set(self.groups.values()) for g in ancestry(group))


@dataclass(frozen=True)
class Node:
    """What is drawn as one: a task, a folded group, or the rest of what is off the path."""

    kind: str                       # task, group, rest
    tasks: tuple[str, ...]
    folded: frozenset[str] = frozenset()    # what opening it adds to the open ones


@dataclass(frozen=True)
class Edge:
    """An edge between two nodes, by their numbers, and the tasks' edges that it stands for."""

    upstream: int
    downstream: int
    pairs: tuple[Pair, ...]
    is_on_path: bool = False


@dataclass(frozen=True)
class Shape:
    """Nodes in topological order, and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_open: frozenset[str]
    cut_count: int = 0              # edges left out because they closed a cycle
    inferred: frozenset[Pair] = field(default_factory=frozenset)


def ancestry(group: str | None) -> tuple[str, ...]:
    """A group and those around it, outermost first: ids of groups hold no dot of their own."""
    parts = (group or "").split(".") if group else []
    return tuple(".".join(parts[:n]) for n in range(1, len(parts) + 1))


def opened(structure: Structure, asked: Collection[str]) -> frozenset[str]:
    """What is open: what the URL asks for; without a wish everything, or nothing if it is much."""
    everything = structure.all_groups | {REST}
    is_small = len(structure.groups) <= FOLD_ABOVE
    is_drawable = len(structure.groups) <= MOST_DRAWN
    flat = not structure.chain and is_drawable        # no path: the rest would be all there is
    if EVERYTHING in asked or (not asked and is_small):
        return everything if is_drawable else frozenset()
    is_open = frozenset(asked) & everything
    return is_open | {REST} if flat else is_open if is_drawable else is_open - {REST}


def fold(structure: Structure, is_open: Collection[str], keep: Iterable[str] = ()) -> Shape:
    """What to draw.

    Args:
        structure: the DAG.
        is_open: groups whose tasks are drawn, and REST for tasks off the path without a group.
        keep: tasks that are drawn whatever is folded, beside those on the path.

    Returns:
        A shape without cycles: every task of the structure is in exactly one node, tasks on the
        path and kept ones each in their own, and a task's node is reached from another's wherever
        the task is from the other.
    """
    drawn = {*structure.chain, *(t for t in keep if t in structure.groups)}
    blocks = {t: _block(t, g, drawn, is_open) for t, g in structure.groups.items()}
    edges = structure.sound_edges
    blocks = _merge(_split(blocks, edges), edges)
    sizes: dict[Block, int] = defaultdict(int)
    for block in blocks.values():
        sizes[block] += 1
    # a fold that would hide one task hides none
    blocks = {t: b if sizes[b] > 1 else ("task", t) for t, b in blocks.items()}
    return _shape(structure, blocks, frozenset(is_open))


def _block(task: str, group: str | None, drawn: Collection[str],
           is_open: Collection[str]) -> Block:
    if task in drawn:
        return ("task", task)
    folded = next((g for g in ancestry(group) if g not in is_open), None)
    if folded is not None:
        return ("group", folded)
    return ("task", task) if group or REST in is_open else ("rest", REST)


def _between(blocks: Mapping[str, Block], edges: Sequence[Pair]) -> list[tuple[Block, Block]]:
    return list(dict.fromkeys((blocks[a], blocks[b]) for a, b in edges if blocks[a] != blocks[b]))


def _cycles(blocks: Mapping[str, Block], edges: Sequence[Pair]) -> dict[Block, int]:
    """The strong component of each block, without blocks that lie on no cycle."""
    nodes = list(dict.fromkeys(blocks.values()))
    found = order.components(nodes, _between(blocks, edges))
    sizes: dict[int, int] = defaultdict(int)
    for number in found.values():
        sizes[number] += 1
    return {b: n for b, n in found.items() if sizes[n] > 1}


def _split(blocks: dict[str, Block], edges: Sequence[Pair]) -> dict[str, Block]:
    """Cut blocks of hidden tasks where folding them would close a cycle over a drawn task.

    The drawn tasks of such a cycle have a topological order. A hidden task belongs somewhere after
    the last that leads to it and before the first that it leads to; the fewest cuts that hit each
    such stretch are made, and it goes to its first. Along an edge this place never goes back, so
    no cycle over a drawn task remains.
    """
    cycles = _cycles(blocks, edges)
    marked = {t: cycles[b] for t, b in blocks.items() if b in cycles and b[0] == "task"}
    if not marked:
        return blocks
    inside: dict[int, list[str]] = defaultdict(list)
    for task in order.topological(list(blocks), edges):
        inside[cycles.get(blocks[task], -1)].append(task)
    between: dict[int, list[Pair]] = defaultdict(list)
    for one, other in edges:
        if cycles.get(blocks[one], -1) == cycles.get(blocks[other], -2):
            between[cycles[blocks[one]]].append((one, other))
    cut: dict[str, Block] = {}
    for number in set(marked.values()):
        drawn = {t: p for p, t in enumerate(t for t in inside[number] if t in marked)}
        cut |= {t: (*blocks[t], p)
                for t, p in _places(inside[number], between[number], drawn).items()}
    return {t: cut.get(t, b) for t, b in blocks.items()}


def _places(ordered: Sequence[str], edges: Sequence[Pair],
            drawn: Mapping[str, int]) -> dict[str, int]:
    """After which drawn task each hidden one is put, as few different ones as can be."""
    since = _nearest(ordered, edges, drawn)
    back = _nearest(ordered[::-1], [(b, a) for a, b in edges], {t: -p for t, p in drawn.items()})
    return _cuts({t: (since.get(t, -1), -back[t] if t in back else len(drawn))
                  for t in ordered if t not in drawn})


def _nearest(ordered: Sequence[str], edges: Sequence[Pair],
             places: Mapping[str, int]) -> dict[str, int]:
    """The highest place among the marked tasks that lead to each task."""
    found: dict[str, int] = {}
    after = order.neighbours(ordered, edges)
    for task in ordered:
        reached = [p for p in (found.get(task), places.get(task)) if p is not None]
        for other in after[task] if reached else ():
            found[other] = max(*reached, found.get(other, reached[0]))
    return found


def _cuts(stretches: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """The first cut at or after each begin: cuts lie before every end, as few as can be."""
    made: list[int] = []
    for begin, end in sorted(stretches.values(), key=lambda s: s[1]):
        if not made or made[-1] < begin:
            made.append(end - 1)
    return {t: made[bisect_left(made, begin)] for t, (begin, _) in stretches.items()}


def _merge(blocks: dict[str, Block], edges: Sequence[Pair]) -> dict[str, Block]:
    """Blocks of hidden tasks that run through each other become one."""
    cycles = _cycles(blocks, edges)
    return {t: ("several", cycles[b]) if b in cycles else b for t, b in blocks.items()}


def _shape(structure: Structure, blocks: Mapping[str, Block], is_open: frozenset[str]) -> Shape:
    members: dict[Block, list[str]] = defaultdict(list)
    for task in sorted(blocks):
        members[blocks[task]].append(task)
    edges = structure.sound_edges
    ordered = order.topological(sorted(members, key=lambda b: members[b][0]),
                                _between(blocks, edges))
    number = {block: n for n, block in enumerate(ordered)}
    pairs: dict[tuple[int, int], list[Pair]] = defaultdict(list)
    for a, b in edges:
        if blocks[a] != blocks[b]:
            pairs[number[blocks[a]], number[blocks[b]]].append((a, b))
    steps = set(pairwise(structure.chain))
    known = set(structure.edges)
    lost = {(a, b) for a, b in known if a in blocks and b in blocks} - set(edges)
    return Shape(
        nodes=tuple(_node(structure, b, members[b], is_open) for b in ordered),
        edges=tuple(Edge(a, b, tuple(found), any(p in steps for p in found))
                    for (a, b), found in pairs.items()),
        is_open=is_open, cut_count=len(lost), inferred=frozenset(steps - known))


def _node(structure: Structure, block: Block, tasks: list[str],
          is_open: frozenset[str]) -> Node:
    if block[0] == "task":
        return Node("task", tuple(tasks))
    folded = frozenset(next((g for g in ancestry(structure.groups[t]) if g not in is_open), REST)
                       for t in tasks)
    return Node("rest" if folded == {REST} else "group", tuple(tasks), folded)
