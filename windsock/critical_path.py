"""The observed path of a run: the small Python twin of the models in `critical_path/`.

    Run  ->  Graph (who gated whom)  ->  the walk back from the last end  ->  tiles  ->  Path

`docs/critical_path.md` has the rules. A test compares this with the SQL on thousands of random
histories, and the page that asks "what if" uses it. Alone:

    path = observed_path(run, "finish")
    path.seconds()      # lead + running + retry_wait + deferred + external_wait + handoff + tail
"""

from collections.abc import Iterable

from windsock.critical_path_gates import Gate, Graph, Key, key
from windsock.critical_path_records import (
    Attempt,
    FirstWait,
    Instance,
    Kind,
    Path,
    PreviousRun,
    Run,
    Step,
    Structure,
    Task,
    Terms,
    microseconds,
)
from windsock.critical_path_tiles import Listed, tile

__all__ = [
    "Attempt",
    "FirstWait",
    "Instance",
    "Kind",
    "Path",
    "PreviousRun",
    "Run",
    "Step",
    "Structure",
    "Task",
    "Terms",
    "microseconds",
    "observed_path",
]


def observed_path(run: Run, kind: Kind = "finish") -> Path | None:
    """What blocked a run.

    Args:
        run: with its instances, in microseconds.
        kind: from the instance that ended last, or from the failed one that ended last.

    Returns:
        The path. `wall = lead + sum of terms + tail` exactly, every term is 0 or more.
        None for `failure` where the run did not fail or no instance of it is in state failed.
    """
    graph = Graph(run)
    last = graph.latest(_starts(run, kind), graph.effective_end)
    if last is None and kind == "failure":
        return None
    window = graph.start, graph.end
    wall = graph.end - graph.start
    steps = tile(_listed(graph, last), window)
    if not steps:
        return Path(kind, wall, lead=wall, tail=0)
    return Path(kind, wall, lead=steps[0].terms.handoff, tail=graph.end - steps[-1].ends_at,
                steps=tuple(steps))


def _starts(run: Run, kind: Kind) -> Iterable[Instance]:
    """Where a path may begin."""
    if kind == "finish":
        return (x for x in run.instances if x.state != "removed")
    return (x for x in run.instances if x.state == "failed" and run.state == "failed")


def _listed(graph: Graph, last: Instance | None) -> list[Listed]:
    """The walk from gate to gate: those that ran, the first one first."""
    found: list[Listed] = []
    seen: set[Key] = set()
    while last is not None and key(last) not in seen:
        seen.add(key(last))
        gate: Gate = graph.gate(last)
        ended_at = graph.effective_end(last)
        if last.has_run and ended_at is not None:
            found.append(Listed(last, ended_at, gate))
        last = gate.instance
    return found[::-1]
