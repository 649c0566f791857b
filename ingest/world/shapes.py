"""The shapes of DAGs, drawn from families of real workflow graphs.

    shape(rng, "elt_star", 12)  ->  about 12 Nodes, upstream first

A DAG has one branch at most, a branch has two options, and what it may skip has no other upstream:
so no two instances of a run are done in the same microsecond, and the answers need no rule of ties.
"""

from collections.abc import Callable

import numpy as np

from ingest.world.drafts import Node
from ingest.world.names import PARTS, SOURCES

Shape = Callable[[np.random.Generator, int], list[Node]]


def shape(rng: np.random.Generator, family: str, size: int) -> list[Node]:
    """Nodes of a family.

    Args:
        rng: draws names and edges.
        family: a key of `FAMILIES`.
        size: about so many nodes come out; a family has a least size of its own.
    """
    return FAMILIES[family](rng, max(1, size))


def words(rng: np.random.Generator, pool: tuple[str, ...], count: int) -> list[str]:
    """Different words; numbered once the pool is used up."""
    order = [pool[i] for i in rng.permutation(len(pool))]
    return [order[i % len(order)] + (f"_{i // len(order) + 1}" if i >= len(order) else "")
            for i in range(count)]


def _chain(rng: np.random.Generator, size: int) -> list[Node]:
    names = ["extract", *words(rng, PARTS, max(0, size - 2)), "publish"][:max(2, size)]
    roles = ["extract", *["transform"] * max(0, size - 2), "publish"][:max(2, size)]
    return [Node(name, tuple(names[i - 1:i]), role)
            for i, (name, role) in enumerate(zip(names, roles, strict=True))]


def _elt_star(rng: np.random.Generator, size: int) -> list[Node]:
    """Start >> extract and load of each source >> transforms >> checks >> publish."""
    wide = max(1, (size - 4) // 3)
    sources = words(rng, SOURCES, wide)
    nodes = [Node("start", role="empty")]
    for source in sources:
        nodes.append(Node(f"extract_{source}", ("start",), "extract"))
        nodes.append(Node(f"load_{source}", (f"extract_{source}",), "load"))
    layer = [f"load_{source}" for source in sources]
    left = max(1, size - 4 - 2 * wide)
    transforms = [f"build_{name}" for name in words(rng, PARTS, left)]
    for place, name in enumerate(transforms):
        above = some(rng, layer if place < 2 else layer + transforms[:place], 3)
        nodes.append(Node(name, above))
    used = {up for node in nodes for up in node.upstreams}
    loose = tuple(n.task_id for n in nodes if n.task_id not in used)
    nodes.append(Node("check_rows", loose, "check"))
    nodes.append(Node("publish", ("check_rows",), "publish"))
    return [*nodes, Node("notify", ("publish",), "notify")]


def _layers(rng: np.random.Generator, size: int) -> list[Node]:
    """Like a dbt project: staging, intermediate and mart models, each on some of those before."""
    cuts = (max(1, size * 2 // 5), max(1, size // 4))
    counts = [*cuts, max(1, size - sum(cuts) - 1)]
    nodes: list[Node] = []
    before: list[str] = []
    for prefix, count in zip(("stg", "int", "fct"), counts, strict=True):
        layer = [f"dbt_run.{prefix}_{name}" for name in words(rng, SOURCES, count)]
        nodes += [Node(name, some(rng, before, 3) if before else (), "model") for name in layer]
        before = before + layer if prefix == "int" else layer
    used = {up for node in nodes for up in node.upstreams}
    return [*nodes, Node("dbt_test", tuple(n.task_id for n in nodes if n.task_id not in used),
                         "check")]


def _fork_join(rng: np.random.Generator, size: int) -> list[Node]:
    names = words(rng, PARTS, max(2, size - 3))
    maps = [Node(f"map_{name}", ("split",), "spark") for name in names]
    return [Node("split", role="extract"), *maps,
            Node("reduce", tuple(n.task_id for n in maps), "spark"),
            Node("publish", ("reduce",), "publish")]


def _samples(rng: np.random.Generator, size: int) -> list[Node]:
    """A chain for each sample, then a merge: as in genome pipelines."""
    steps = ("fastq_split", "filter_contams", "map", "merge_lanes") if size > 11 else (
        "decode", "resize", "score")
    count = max(1, (size - 2) // len(steps))
    nodes, ends = [Node("split_batches", role="extract")], []
    for sample in range(count):
        before = "split_batches"
        for step in steps:
            nodes.append(Node(f"{step}_{sample:02d}", (before,), "pod"))
            before = f"{step}_{sample:02d}"
        ends.append(before)
    return [*nodes, Node("merge_all", tuple(ends), "pod")]


def _mosaic(rng: np.random.Generator, size: int) -> list[Node]:
    """Wide, then pairs of neighbours, then joined at two levels: as in Montage."""
    wide = max(2, (size - 4) // 2)
    nodes = [Node(f"project_{i:02d}", (), "pod") for i in range(wide)]
    pairs = [Node(f"diff_{i:02d}", (f"project_{i:02d}", f"project_{i + 1:02d}"), "pod")
             for i in range(wide - 1)]
    return [*nodes, *pairs, Node("fit_background", tuple(n.task_id for n in pairs), "spark"),
            Node("correct", ("fit_background", *(n.task_id for n in nodes)), "spark"),
            Node("add_tiles", ("correct",), "spark"), Node("shrink", ("add_tiles",), "publish")]


def _model_training(rng: np.random.Generator, size: int) -> list[Node]:
    """Features, training, evaluation, and a branch: deploy or keep the old model."""
    names = [f"features_{name}" for name in words(rng, SOURCES, max(1, size - 9))]
    return [
        Node("take_snapshot", role="extract"),
        *(Node(name, ("take_snapshot",), "spark") for name in names),
        Node("assemble", tuple(names), "spark"),
        Node("train", ("assemble",), "train"),
        Node("evaluate", ("train",), "check"),
        Node("is_it_better", ("evaluate",), "branch"),
        Node("deploy", ("is_it_better",), "publish"),
        Node("keep_old_model", ("is_it_better",), "light"),
        Node("report", ("deploy", "keep_old_model"), "notify", "none_failed_min_one_success"),
        Node("drop_temporary_tables", ("train",), "cleanup", "all_done"),
    ]


def _sensor_first(rng: np.random.Generator, size: int) -> list[Node]:
    return [Node("wait_for_files", role="sensor"),
            *(Node(n.task_id, n.upstreams or ("wait_for_files",), n.role, n.rule)
              for n in _chain(rng, max(2, size - 1)))]


def _mapped(rng: np.random.Generator, size: int) -> list[Node]:
    """List partitions, one mapped instance for each, join."""
    return [Node("list_partitions", role="light"),
            Node("process_partition", ("list_partitions",), "map", is_mapped=True),
            Node("join_partitions", ("process_partition",), "load"),
            Node("check_counts", ("join_partitions",), "check")]


def _guarded(rng: np.random.Generator, size: int) -> list[Node]:
    """Work, then a clean-up whatever happened, and an alarm at the first failure."""
    nodes = _chain(rng, max(2, size - 2))
    every = tuple(n.task_id for n in nodes)
    return [*nodes, Node("cleanup", every[-2:], "cleanup", "all_done"),
            Node("page_on_call", every, "notify", "one_failed")]


def some(rng: np.random.Generator, names: list[str], most: int) -> tuple[str, ...]:
    """One or more of the names, at most so many."""
    count = min(len(names), 1 + int(rng.integers(most)))
    return tuple(names[i] for i in sorted(rng.choice(len(names), count, replace=False)))


FAMILIES: dict[str, Shape] = {
    "chain": _chain, "elt_star": _elt_star, "layers": _layers, "fork_join": _fork_join,
    "samples": _samples, "mosaic": _mosaic, "model_training": _model_training,
    "sensor_first": _sensor_first, "mapped": _mapped, "guarded": _guarded,
}
# How often each is drawn, and from which size on it makes sense.
WEIGHTS = {"chain": (18, 2), "elt_star": (24, 7), "layers": (18, 6), "fork_join": (8, 5),
           "samples": (5, 8), "mosaic": (3, 10), "model_training": (6, 10),
           "sensor_first": (8, 3), "mapped": (6, 5), "guarded": (8, 5)}


LIGHT = ("chain", "elt_star", "layers", "sensor_first", "mapped", "guarded")


def family_of(rng: np.random.Generator, size: int, *, is_light: bool = False) -> str:
    """A family that suits a size; a light one for what runs many times a day."""
    fit = [(name, weight) for name, (weight, least) in WEIGHTS.items()
           if size >= least and (name in LIGHT or not is_light)]
    weights = np.array([weight for _, weight in fit], dtype=float)
    return fit[int(rng.choice(len(fit), p=weights / weights.sum()))][0]
