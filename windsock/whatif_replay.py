"""The forward pass of `windsock.whatif`, in whole microseconds.

    Replay(nodes, ...)  ->  observed(): what was  ->  replayed(spans): what would be

The order of the pass comes from the observed run and never changes: upstream first, and among
those the one that was queued first. Every step computes from earlier ones only, and what it cannot
explain it keeps as a wait. Hence, by induction, unchanged spans give the observed run exactly.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from windsock.errors import WindsockError
from windsock.whatif_pools import Pool

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """An instance: when it was queued, started and ended, what it waited for and what it held."""

    key: tuple[str, int]
    queued: int
    start: int
    end: int
    held_until: int | None = None
    pool: str | None = None
    slots: int = 1
    gate_kind: str = "latest"
    has_run: bool = True
    upstreams: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Slots of a pool that another run held."""

    pool: str
    slots: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Timing:
    """A run in the replay; the lists are in the order of the nodes.

    Attributes:
        starts: of the first try.
        ends: of the last one.
        pool_waits: how long each waited for its pool.
        path: the nodes on the path to the last end that ran, the first one first.
    """

    starts: list[int]
    ends: list[int]
    pool_waits: list[int]
    path: list[int]

    @property
    def last_end(self) -> int:
        """When the last node ended; 0 without nodes."""
        return max(self.ends, default=0)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a node got its slots.

    Attributes:
        other_wait: from when it was ready to when nothing but the pool held it back.
        lag: from when the slots were free to when it was queued.
    """

    other_wait: int
    lag: int


class Replay:
    """One run that can be run again."""

    def __init__(
        self,
        nodes: Sequence[Node],
        run_start: int,
        sizes: Mapping[str, int],
        holds: Iterable[Hold] = (),
    ) -> None:
        """Measure what each node waited for.

        Raises:
            WindsockError: the nodes wait for each other in a circle.
        """
        self.nodes = nodes
        self.run_start = run_start
        self._sizes = {pool: size for pool, size in sizes.items() if size >= 0}
        self._holds = [hold for hold in holds if hold.pool in self._sizes]
        self._order = _in_order(nodes)
        self._depths = [0] * len(nodes)
        for i in self._order:
            self._depths[i] = max((self._depths[u] + 1 for u in nodes[i].upstreams), default=0)
        self._ready = [self._ready_at(i, [n.end for n in nodes]) for i in range(len(nodes))]
        self._turns: dict[int, Turn] = {}
        self._waits = [0] * len(nodes)
        self._measure()

    def observed(self) -> Timing:
        """The run as it was."""
        ends = [node.end for node in self.nodes]
        return Timing([n.start for n in self.nodes], ends, list(self._waits), self._path(ends))

    def replayed(self, spans: Sequence[int], sizes: Mapping[str, int] | None = None) -> Timing:
        """The run if each node took that long from its start to its end, in pools of such sizes."""
        pools = self._pools(sizes or {})
        starts, ends, waits = ([0] * len(self.nodes) for _ in range(3))
        for i in self._order:
            node, turn = self.nodes[i], self._turns.get(i)
            pool = pools.get(node.pool or "")
            startup = node.start - node.queued
            ready = self._ready_at(i, ends)
            begin = queued = ready + node.queued - self._ready[i]
            if turn is not None and pool is not None:
                asked = ready + turn.other_wait
                begin = pool.earliest(asked, turn.lag + startup + spans[i], node.slots)
                queued, waits[i] = begin + turn.lag, begin - asked
            starts[i] = queued + startup
            ends[i] = starts[i] + spans[i]
            if pool is not None:
                pool.take(begin, ends[i], node.slots)
        return Timing(starts, ends, waits, self._path(ends))

    def _measure(self) -> None:
        """Which waits a full pool explains.

        A slot that comes free belongs from then on to the node that took it next, so that whoever
        came after that one is not told that it was free.
        """
        pools = self._pools({})
        for i in self._order:
            node, ready = self.nodes[i], self._ready[i]
            pool = pools.get(node.pool or "")
            if pool is None:
                continue
            begin = node.queued
            if self._fits(node, ready, pool):
                begin = pool.free_since(ready, node.queued, node.slots)
                lag = node.queued - begin
                # It could have gone before: then something else held it as well.
                is_pool_alone = begin == pool.earliest(ready, node.end - begin, node.slots)
                self._turns[i] = Turn(0 if is_pool_alone else begin - ready, lag)
                self._waits[i] = begin - ready if is_pool_alone else 0
            pool.take(begin, node.end, node.slots)

    @staticmethod
    def _fits(node: Node, ready: int, pool: Pool) -> bool:
        """Whether what was recorded can be true; else its wait stays as it was."""
        return (
            node.slots <= pool.slot_count
            and node.queued >= ready
            and pool.has_room(node.queued, node.end, node.slots)
        )

    def _pools(self, sizes: Mapping[str, int]) -> dict[str, Pool]:
        """Every pool with what other runs held; some with more slots than they had."""
        for name, size in sizes.items():
            if size < self._sizes.get(name, size + 1):
                raise WindsockError(
                    f"Pool {name!r} is to have {size} slots and had {self._sizes.get(name)}",
                    expected="a pool of the run, with no fewer slots than it had",
                )
        pools = {name: Pool(size) for name, size in (self._sizes | dict(sizes)).items()}
        for hold in self._holds:
            pools[hold.pool].take(hold.begin, hold.end, hold.slots)
        return pools

    def _gate(self, i: int, ends: Sequence[int]) -> int | None:
        """The upstream that a node waits for. Ties: the deeper one, then the smallest key."""
        node = self.nodes[i]
        if node.gate_kind == "none":
            return None
        sign = -1 if node.gate_kind == "latest" else 1
        return min(node.upstreams, key=self._ranking(ends, sign), default=None)

    def _ranking(self, ends: Sequence[int], sign: int) -> Callable[[int], tuple[object, ...]]:
        return lambda i: (sign * ends[i], -self._depths[i], self.nodes[i].key)

    def _ready_at(self, i: int, ends: Sequence[int]) -> int:
        gate = self._gate(i, ends)
        known = [self.run_start, self.nodes[i].held_until, None if gate is None else ends[gate]]
        return max(at for at in known if at is not None)

    def _path(self, ends: Sequence[int]) -> list[int]:
        """From gate to gate, back from the last end; what never ran is walked through."""
        i = min(range(len(ends)), key=self._ranking(ends, -1), default=None)
        path: list[int] = []
        while i is not None:
            if self.nodes[i].has_run:
                path.append(i)
            held_until = self.nodes[i].held_until
            gate = self._gate(i, ends)
            is_held = gate is not None and held_until is not None and held_until > ends[gate]
            i = None if is_held else gate
        return path[::-1]


def _in_order(nodes: Sequence[Node]) -> list[int]:
    """Upstream first; among those the one that was queued first, then by start and key."""
    downstreams: list[list[int]] = [[] for _ in nodes]
    missing = [len(node.upstreams) for node in nodes]
    for i, node in enumerate(nodes):
        for upstream in node.upstreams:
            downstreams[upstream].append(i)
    heap = [(n.queued, n.start, n.key, i) for i, n in enumerate(nodes) if not missing[i]]
    heapify(heap)
    order: list[int] = []
    while heap:
        i = heappop(heap)[-1]
        order.append(i)
        for d in downstreams[i]:
            missing[d] -= 1
            if not missing[d]:
                heappush(heap, (nodes[d].queued, nodes[d].start, nodes[d].key, d))
    if len(order) < len(nodes):
        stuck = min(nodes[i].key for i in range(len(nodes)) if missing[i])
        raise WindsockError(
            f"Instance {stuck} waits for itself, in a circle",
            expected="edges of an acyclic graph",
            next_step="look at the structure of the run's DAG version",
        )
    return order
