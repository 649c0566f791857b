"""DAGs whose limits fill up at night: a small pool, max_active_runs, max_active_tasks.

    Planted, Size  ->  more DAGs in it, marked `is_exact`

They are due early and bounded, so that a day's crowd is gone before the next day's comes.
"""

from ingest.world.drafts import DagDraft, Node
from ingest.world.scenarios import Planted, path, task_of
from ingest.world.sizes import Size

POOL = "warehouse_small"
PRODUCTION = ("market", "stories")


def crowded(world: Planted, size: Size) -> None:
    """Adds them."""
    for cluster in PRODUCTION:
        _share_a_pool(world, cluster, size.pool_dags)
    _many_runs(world)
    _many_triggers(world)
    _many_tasks(world)


def _share_a_pool(world: Planted, cluster: str, count: int) -> None:
    """Several DAGs due within twenty minutes of the night, whose loads share a few slots."""
    for number in range(count):
        layer = ("bronze", "silver", "gold", "audit")[number % 4]
        name = f"warehouse_copy_{layer}_{number + 1:02d}"
        loads = [Node(f"load_part_{i}", ("extract_manifest",), "load") for i in range(4)]
        draft = world.add(cluster, ("catalogue", "payments", "finance")[number % 3], name, [
            Node("extract_manifest", role="extract"), *loads,
            Node("publish", tuple(n.task_id for n in loads), "publish")],
            75 + number * 20 // count)
        draft.is_exact, draft.scenario = True, "pool"
        for place, task in enumerate(draft.tasks):
            task.base_seconds = min(max(task.base_seconds, 40.0), 400.0)
            if task.role == "load":
                task.pool, task.pool_slots = POOL, 2 if place == 1 else 1
                task.failure_ratio, task.resource = 0.02, ""
                task.retries, task.retry_delay_seconds = 2, 120.0


def _many_runs(world: Planted) -> None:
    """Due every twenty minutes of the morning, takes about that long, one run at a time."""
    draft = world.add("market", "ads", "ads_budget_pacing", path("extract_budget", "transform_pace",
                                                                "publish"))
    draft.rhythm, draft.schedule = "hourly", "*/20 5-11 * * *"
    draft.minutes = tuple(range(300, 720, 20))
    draft.max_active_runs, draft.catchup, draft.is_exact = 1, True, True
    draft.scenario = "max_active_runs"
    for task, seconds in zip(draft.tasks, (200.0, 820.0, 100.0), strict=True):
        task.base_seconds, task.sigma, task.resource = seconds, 0.3, ""


def _many_triggers(world: Planted) -> None:
    """Three DAGs trigger a fourth within minutes; it takes one run at a time."""
    target = world.add("market", "finance", "close_ledger_on_demand", path(
        "extract_ledger", "build_ledger", "publish"))
    target.rhythm, target.schedule, target.minutes = "triggered", None, ()
    target.max_active_runs, target.is_exact, target.scenario = 1, True, "queued_runs"
    task_of(target, "build_ledger").base_seconds = 600.0
    for number, region in enumerate(("eu", "us", "apac")):
        draft = world.add("market", "finance", f"close_{region}_books_daily", [
            *path("extract_books", "build_books"),
            Node("close_ledger", ("build_books",), "trigger")], 245 + 2 * number)
        task_of(draft, "close_ledger").trigger_dag_id = target.dag_id


def _many_tasks(world: Planted) -> None:
    """Twelve maps, of which four may run at a time."""
    for cluster in PRODUCTION:
        draft: DagDraft = world.add(cluster, "search", "listing_embedding_shards_daily", [
            Node("split", role="extract"),
            *(Node(f"embed_shard_{i:02d}", ("split",), "pod") for i in range(12)),
            Node("merge_shards", tuple(f"embed_shard_{i:02d}" for i in range(12)), "load")], 90)
        draft.max_active_tasks, draft.is_exact = 4, True
        draft.scenario = "max_active_tasks"
        for task in draft.tasks:
            task.base_seconds, task.resource = min(max(task.base_seconds, 60.0), 300.0), ""
