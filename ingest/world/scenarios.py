"""What is planted in the company, so that there is something to find, and the answer to it.

    Maker  ->  Planted: DAGs with a story, and rows that say what the story is

All dates count back from the company's end: the newest things are always a few days old.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ingest.world.drafts import GIB, MIB, DagDraft, Node, TaskDraft, VersionDraft
from ingest.world.names import Team, team_of
from ingest.world.ordinary import Maker
from ingest.world.shapes import FAMILIES

Row = dict[str, Any]


@dataclass
class Planted:
    """DAGs with a story, and the facts that were planted: name of a frame -> rows."""

    maker: Maker
    dags: list[DagDraft] = field(default_factory=list)
    facts: dict[str, list[Row]] = field(default_factory=dict)

    def days_before(self, days: float) -> datetime:
        """An instant so long before the end, at a full second."""
        at = self.maker.ends_at - timedelta(days=days)
        return max(at, self.maker.began_at + timedelta(days=1)).replace(microsecond=0)

    def midnight(self, days: int, minutes: int = 0) -> datetime:
        """A time of the day that lies so many days before the end's."""
        day = self.maker.ends_at.replace(hour=0, minute=0, second=0, microsecond=0)
        return day - timedelta(days=days) + timedelta(minutes=minutes)

    def fact(self, frame: str, draft: DagDraft, **row: Any) -> None:
        """Writes down what was planted."""
        found = {"cluster": draft.cluster, "dag_id": draft.dag_id, **row}
        self.facts.setdefault(frame, []).append(found)

    def add(self, cluster: str, team: str, name: str, nodes: list[Node],
            minute: int = 150) -> DagDraft:
        """A daily DAG of this shape, whose tasks are even and reliable until a story changes it."""
        about = team_of(team)
        draft = self.maker.bare(cluster, "daily", about)
        draft.dag_id = name if self.maker.namers[cluster].take(name) else draft.dag_id
        draft.relative_fileloc = f"{draft.project}/{draft.dag_id}.py"
        draft.minutes, draft.manual_ratio = (minute,), 0.0
        draft.schedule = f"{minute % 60} {minute // 60} * * *"
        tasks = [replace(task, sigma=0.08, tail_ratio=0.0, failure_ratio=0.0, skip_ratio=0.0,
                         growth_per_day=0.0) for task in self.maker.tasks(nodes, "daily", 8)]
        draft.versions = [VersionDraft(self.maker.began_at - timedelta(days=40), tasks)]
        draft.description = f"Owned by {about.name}; runs at {minute // 60:02d}:{minute % 60:02d}."
        self.dags.append(draft)
        return draft


def planted(maker: Maker) -> Planted:
    """Every scenario."""
    world = Planted(maker)
    for plant in (_incidents, _slower, _hungrier, _growing, _anomalies, _flaky, _oversized,
                  _not_running, _gone_quiet, _stuck, _waiting_for_assets):
        plant(world)
    return world


def task_of(draft: DagDraft, task_id: str) -> TaskDraft:
    """A task of a DAG's newest version."""
    return next(task for task in draft.tasks if task.task_id == task_id)


def path(*names: str) -> list[Node]:
    """A chain of these tasks."""
    roles = {"extract": "extract", "load": "load", "publish": "publish", "check": "check",
             "train": "train", "score": "pod"}
    return [Node(name, names[i - 1:i] if i else (), roles.get(name.split("_")[0], "transform"))
            for i, name in enumerate(names)]


def _incidents(world: Planted) -> None:
    """The warehouse's endpoint is down for forty minutes of the night; once it was the lake."""
    for number, (days, minute, length, resource, kind, cause) in enumerate((
            (12, 95, 45, "warehouse", "warehouse_unreachable",
             "the warehouse's private endpoint lost its DNS record"),
            (2, 125, 40, "warehouse", "warehouse_unreachable",
             "the warehouse's private endpoint was down")), start=1):
        began = world.midnight(days, minute)
        world.facts.setdefault("incident_windows", []).append({
            "incident_id": f"INC-{number:04d}", "cluster": "market", "cause": cause,
            "resource": resource, "error_kind": kind, "from_at": began,
            "to_at": began + timedelta(minutes=length)})
    for team, name, minute in (("ads", "ads_billing_lines_daily", 96),
                               ("payments", "settlement_fx_daily", 128),
                               ("logistics", "carrier_rate_card_daily", 131),
                               ("search", "query_log_clicks_daily", 133)):
        draft = world.add("market", team, name, path("load_raw", "build_lines", "publish"), minute)
        draft.is_steady = False


def _next_version(world: Planted, draft: DagDraft, days: float,
                  change: Callable[[TaskDraft], TaskDraft], task_id: str) -> datetime:
    born = world.days_before(days)
    tasks = [change(t) if t.task_id == task_id else t for t in draft.tasks]
    draft.versions.append(VersionDraft(born, tasks))
    return born


def _slower(world: Planted) -> None:
    """Two deployments, each of which makes a task two and a half times as slow."""
    for cluster, team, name, task_id, days in (
            ("market", "ads", "ads_spend_attribution_daily", "transform_joined_clicks", 5.4),
            ("stories", "stories", "story_view_sessions_daily", "transform_sessions", 9.6)):
        draft = world.add(cluster, team, name, path(
            "extract_events", "load_events", task_id, "check_totals", "publish"), 180)
        task_of(draft, task_id).base_seconds = 420.0
        draft.scenario = "slower_after_deployment"
        born = _next_version(world, draft, days,
                             lambda t: replace(t, base_seconds=t.base_seconds * 2.5), task_id)
        world.fact("slowdowns", draft, task_id=task_id, from_at=born, factor=2.5,
                   cause="deployment")


def _hungrier(world: Planted) -> None:
    """A deployment after which a task takes three times the memory, and is killed now and then."""
    draft = world.add("market", "trust", "fraud_score_batch_daily", path(
        "extract_accounts", "score_accounts", "publish"), 240)
    task = task_of(draft, "score_accounts")
    task.operator, task.memory_bytes, task.memory_sigma = "KubernetesPodOperator", 850 * MIB, 0.08
    task.requested_memory_bytes, task.requested_cpu_cores = 5 * GIB // 2, 1.0
    task.memory_limit_bytes, task.base_seconds = 5 * GIB // 2, 300.0
    task.retries, task.retry_delay_seconds = 1, 120.0
    draft.scenario = "hungrier_after_deployment"
    born = _next_version(world, draft, 8.3, lambda t: replace(t, memory_bytes=t.memory_bytes * 3),
                         "score_accounts")
    world.fact("hungrier", draft, task_id="score_accounts", from_at=born, factor=3.0,
               limit_bytes=5 * GIB // 2)


def _growing(world: Planted) -> None:
    """A task that takes three percent longer every day."""
    draft = world.add("stories", "stories", "comment_tree_rebuild_daily", path(
        "extract_comments", "transform_tree", "publish"), 300)
    task = task_of(draft, "transform_tree")
    task.base_seconds, task.growth_per_day, task.sigma = 240.0, 0.03, 0.05
    draft.scenario = "slowly_slower"
    world.fact("slowdowns", draft, task_id="transform_tree", from_at=world.maker.began_at,
               factor=1.03, cause="growth_per_day")


def _anomalies(world: Planted) -> None:
    """Two runs in which one task took six times as long, and nothing else changed."""
    for cluster, team, name, days in (("market", "catalogue", "price_history_fold_daily", 1),
                                      ("stories", "finance", "revenue_by_author_daily", 4)):
        draft = world.add(cluster, team, name, path(
            "extract_prices", "transform_history", "publish"), 330)
        task_of(draft, "transform_history").base_seconds = 200.0
        draft.scenario = "anomaly"
        world.fact("anomaly_days", draft, task_id="transform_history",
                   date=world.midnight(days).date(), factor=6.0)


def _flaky(world: Planted) -> None:
    """A task that mostly succeeds at its third try."""
    draft = world.add("market", "growth", "email_journey_export_daily", path(
        "extract_journeys", "load_partner_api", "publish"), 400)
    task = task_of(draft, "load_partner_api")
    task.flaky_ratio, task.retries, task.retry_delay_seconds = 0.7, 3, 120.0
    task.error_kinds, task.resource = ("rate_limited",), ""
    draft.scenario = "flaky"
    world.fact("flaky", draft, task_id="load_partner_api", ratio=0.7)


def _oversized(world: Planted) -> None:
    """A task that asks for 8 GiB and uses 400 MiB."""
    draft = world.add("stories", "ml-platform", "home_feed_candidates_daily", path(
        "extract_users", "score_candidates", "publish"), 420)
    task = task_of(draft, "score_candidates")
    task.operator, task.memory_bytes, task.memory_sigma = "KubernetesPodOperator", 400 * MIB, 0.05
    task.requested_memory_bytes, task.requested_cpu_cores = 8 * GIB, 4.0
    task.base_seconds = 1_500.0
    draft.scenario = "right_sizing"
    world.fact("right_sizing", draft, task_id="score_candidates",
               requested_memory_bytes=8 * GIB, used_memory_bytes=400 * MIB)


def _unscheduled(world: Planted, draft: DagDraft, reason: str, since: datetime | None,
                 *, is_expected: bool = False) -> None:
    draft.scenario = f"unscheduled_{reason}"
    world.fact("unscheduled", draft, reason_code=reason, since_at=since, is_expected=is_expected)


def _not_running(world: Planted) -> None:
    """DAGs whose settings say that there is no run."""
    draft = world.add("market", "growth", "referral_bonus_daily", path("extract_referrals",
                                                                       "publish"), 500)
    draft.is_paused, draft.runs_until_at = True, world.days_before(3.2)
    _unscheduled(world, draft, "paused", draft.runs_until_at)

    draft = world.add("stories", "stories", "author_payout_preview", path("extract_authors",
                                                                          "publish"))
    draft.schedule, draft.minutes, draft.rhythm, draft.manual_ratio = None, (), "manual", 0.5
    _unscheduled(world, draft, "no_schedule", None, is_expected=True)

    draft = world.add("market", "finance", "vat_report_next_year", path("extract_vat", "publish"))
    draft.start_at = world.midnight(-45)
    draft.runs_from_at = draft.start_at
    _unscheduled(world, draft, "start_date_in_future", draft.versions[0].created_at)

    draft = world.add("stories", "growth", "summer_campaign_push", path("extract_audience",
                                                                        "publish"), 520)
    draft.end_at = draft.runs_until_at = world.midnight(6)
    _unscheduled(world, draft, "dag_end_date_passed", draft.end_at)


def _gone_quiet(world: Planted) -> None:
    """DAGs whose file does not parse any more, or is gone."""
    draft = world.add("market", "catalogue", "seller_badges_daily", path("extract_sellers",
                                                                         "publish"), 540)
    broken = world.days_before(2.6)
    draft.last_parsed_at = draft.runs_until_at = broken
    where = f"/opt/airflow/dags/{draft.relative_fileloc}"
    draft.import_error = (f'Traceback (most recent call last):\n  File "{where}", line 7, in '
                          "<module>\n    from larkmere.badges import levels\n"
                          "ModuleNotFoundError: No module named 'larkmere.badges'\n")
    _unscheduled(world, draft, "import_error", broken)

    draft = world.add("market", "trust", "device_graph_weekend_patch", path("extract_devices",
                                                                            "publish"), 560)
    draft.last_parsed_at = draft.runs_until_at = world.days_before(7.7)
    _unscheduled(world, draft, "dag_file_gone", draft.last_parsed_at)


def _stuck(world: Planted) -> None:
    """One run that never ends holds the only place of its DAG."""
    draft = world.add("market", "logistics", "stock_level_sync_daily", path(
        "extract_levels", "load_levels", "publish_levels"), 580)
    draft.max_active_runs, draft.stuck_at = 1, world.midnight(4)
    draft.scenario = "unscheduled_stuck_run"
    world.fact("unscheduled", draft, reason_code="stuck_run", is_expected=False,
               since_at=world.midnight(4, 580))


def _waiting_for_assets(world: Planted) -> None:
    """A DAG that waits for two assets, of which one never comes."""
    maker, team = world.maker, team_of("ml-platform")
    producer = world.add("stories", "ml-platform", "taste_model_vectors_daily", path(
        "extract_taste", "publish"), 200)
    task_of(producer, "publish").outlet_assets = ("s3://larkmere-lake/taste/vectors",)
    draft = _waiter(world, team, "taste_model_refresh")
    draft.asset_uris = ("s3://larkmere-lake/taste/labels", "s3://larkmere-lake/taste/vectors")
    _unscheduled(world, draft, "waiting_for_assets", None)
    both = world.add("stories", "ml-platform", "item_feature_pairs_daily",
                     FAMILIES["fork_join"](maker.rng, 6), 210)
    both.is_steady = producer.is_steady = True
    task_of(both, "publish").outlet_assets = ("s3://larkmere-lake/taste/pairs",)
    healthy = _waiter(world, team, "taste_model_train")
    healthy.asset_uris = ("s3://larkmere-lake/taste/pairs", "s3://larkmere-lake/taste/vectors")
    healthy.scenario = "two_assets"


def _waiter(world: Planted, team: Team, name: str) -> DagDraft:
    draft = world.add("stories", team.name, name, path("extract_pairs", "train_model", "publish"))
    draft.rhythm, draft.schedule, draft.minutes = "asset", None, ()
    return draft
