"""How large a company is. One set of numbers, no other code path.

    size("demo")  ->  Size(dags=90, runs_per_day=250, …)
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What a company adds up to on an average day.

    Attributes:
        dags: in all clusters, scenarios included.
        runs_per_day, instances_per_day: roughly, scenarios included.
        days: of history before it ends.
        giant_tasks: tasks of the one giant DAG; 0: there is none.
        has_frequent_dag: one DAG that runs every twelve minutes.
        pool_dags: on each production cluster, share its small pool at night.
        pool_slots: of that pool.
    """

    name: str
    dags: int
    runs_per_day: int
    instances_per_day: int
    days: int
    giant_tasks: int = 0
    has_frequent_dag: bool = False
    pool_dags: int = 4
    pool_slots: int = 3


SIZES = {s.name: s for s in (
    Size("tiny", 56, 190, 1_000, 20),
    Size("demo", 92, 250, 2_200, 30),
    Size("medium", 600, 2_100, 19_000, 60, 300, True, 6, 4),
    Size("pinterest", 4_000, 14_000, 131_000, 90, 1_000, True, 12, 6),
)}


def size(name: str) -> Size:
    """A size by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in SIZES:
        raise ValueError(f"no size is called {name!r}; there are {', '.join(SIZES)}")
    return SIZES[name]
