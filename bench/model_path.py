"""Figure `model_path`: float, drag and path of every DAG of a big company.

Alone: `python -m bench model_path`.
"""

import random
import time
from collections.abc import Callable, Iterator

import polars as pl

from bench.measuring import Figure, figure, in_own_process, peak_bytes
from windsock.model_path import model_paths

DAGS, TASKS = 10_000, 170_000
GOAL = "<= 15 s"


def company(dags: int, tasks: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Random DAGs, a few of them big; every task has up to three upstream tasks close before it."""
    rng = random.Random(5)  # noqa: S311
    rest = tasks - dags
    sizes = [1] * dags
    for dag in range(dags):
        more = min(rest, 1_500 if dag % 500 == 0 else round(rng.expovariate(dags / tasks)))
        sizes[dag] += more
        rest -= more
    sizes[-1] += rest
    nodes: list[tuple[str, str, float | None]] = []
    edges: list[tuple[str, str, str]] = []
    for dag, size in enumerate(sizes):
        name = f"team_{dag % 40}__pipeline_{dag}"
        for task in range(size):
            median = None if rng.random() < 0.02 else rng.lognormvariate(4, 1.5)
            nodes.append((name, f"step_{task:04}", median))
            for upstream in rng.sample(range(max(0, task - 20), task), min(task, rng.randrange(4))):
                edges.append((name, f"step_{upstream:04}", f"step_{task:04}"))
    text = pl.String()
    names = {"dag_id": text, "upstream_task_id": text, "downstream_task_id": text}
    measured = {"dag_id": text, "task_id": text, "median_seconds": pl.Float64()}
    return (
        pl.DataFrame(nodes, schema=measured, orient="row").with_columns(cluster=pl.lit("prod")),
        pl.DataFrame(edges, schema=names, orient="row").with_columns(cluster=pl.lit("prod")),
    )


def measure(dags: int, tasks: int) -> Figure:
    """Seconds for the frames of the whole company, in this process."""
    nodes, edges = company(dags, tasks)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        found = model_paths(nodes, edges)
        seconds.append(time.perf_counter() - began)
    assert found["is_on_model_path"].sum() >= dags * 0.9
    return figure(
        "model_path", sorted(seconds)[1], "s", GOAL, n=3,
        dags=dags, tasks=nodes.height, edges=edges.height, peak_bytes=peak_bytes(),
    )  # fmt: skip


def model_path() -> Iterator[Figure]:
    """The model path of 10,000 DAGs with 170,000 tasks."""
    yield in_own_process(measure, DAGS, TASKS)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"model_path": model_path}
