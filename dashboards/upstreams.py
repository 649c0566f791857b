"""Where the balancer sends a browser: to the worker that it knows, else to the idlest.

    cookie -> that worker, while it answers -> else the fewest open pages, the longest not chosen
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Upstream:
    """One worker as the balancer sees it.

    Attributes:
        name: what a browser's cookie says.
        port: where it listens, on loopback; another one after each start.
        is_healthy: whether it answers.
        open_count: open websockets, one a page.
        chosen_number: how many choices of any worker there were when it was last chosen.
    """

    name: str
    port: int = 0
    is_healthy: bool = False
    open_count: int = 0
    chosen_number: int = 0


def choose(upstreams: Sequence[Upstream], known: str | None) -> Upstream | None:
    """The worker of a browser; None when no worker answers.

    Args:
        upstreams: all workers.
        known: what the browser's cookie says; it may be anything.
    """
    healthy = [one for one in upstreams if one.is_healthy]
    for one in healthy:
        if one.name == known:
            return one
    # The second key tells apart what is equally idle, so that browsers that come at the same time,
    # before their websockets are open, do not all land on one.
    chosen = min(healthy, key=lambda one: (one.open_count, one.chosen_number), default=None)
    if chosen is not None:
        chosen.chosen_number = 1 + max(one.chosen_number for one in upstreams)
    return chosen
