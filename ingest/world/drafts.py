"""What a company is made of before it becomes frames.

    Node (a place in a shape)  ->  TaskDraft (with operator, limits, habits)  ->  DagDraft
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

SECOND = 1_000_000
DAY_SECONDS = 86_400
MIB = 1024 * 1024
GIB = 1024 * MIB


def stream(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """Random numbers of their own for each purpose and day, so that no draw moves another."""
    return np.random.default_rng([seed, *purpose.encode(), 0, number])


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an instant with a zone."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * DAY_SECONDS + since.seconds) * SECOND + since.microseconds


@dataclass(frozen=True)
class Node:
    """A task as a shape places it: what it is called, what comes before it, what it is for."""

    task_id: str
    upstreams: tuple[str, ...] = ()
    role: str = "transform"
    rule: str = "all_success"
    is_mapped: bool = False


@dataclass
class TaskDraft:
    """A task: what Airflow knows of it, then how it behaves (the habits).

    Attributes:
        base_seconds: its median on an ordinary day at the beginning.
        sigma: of the logarithm of its duration.
        tail_ratio: how often it takes three to ten times as long.
        growth_per_day: by which share it grows each day.
        failure_ratio: how many tries fail by themselves.
        skip_ratio: how many tries end by skipping themselves.
        flaky_ratio: how often the first two tries fail and the third succeeds.
        error_kinds: keys of `ingest.world.errors.ERRORS`.
        resource: what it depends on outside; an incident of that fails it.
        memory_bytes, memory_sigma: its usual peak, and the sigma of its logarithm.
        memory_limit_bytes: what gets it killed; None: nothing does.
        cpu_ratio: seconds of CPU per second.
        map_low, map_high: how many indices, both included.
        timeout_seconds: of a sensor.
    """

    task_id: str
    upstreams: tuple[str, ...]
    operator: str
    role: str
    trigger_rule: str = "all_success"
    retries: int = 0
    retry_delay_seconds: float = 300.0
    pool: str = "default_pool"
    pool_slots: int = 1
    queue: str = "default"
    is_sensor: bool = False
    is_mapped: bool = False
    requested_cpu_cores: float | None = None
    requested_memory_bytes: int | None = None
    external_dag_id: str | None = None
    external_task_id: str | None = None
    trigger_dag_id: str | None = None
    inlet_assets: tuple[str, ...] = ()
    outlet_assets: tuple[str, ...] = ()
    base_seconds: float = 60.0
    sigma: float = 0.2
    tail_ratio: float = 0.0
    growth_per_day: float = 0.0
    failure_ratio: float = 0.002
    skip_ratio: float = 0.0
    flaky_ratio: float = 0.0
    error_kinds: tuple[str, ...] = ("key_error",)
    resource: str = ""
    memory_bytes: int = 200 * MIB
    memory_sigma: float = 0.08
    memory_limit_bytes: int | None = None
    cpu_ratio: float = 0.4
    map_low: int = 1
    map_high: int = 1
    timeout_seconds: float = 10_800.0


@dataclass
class VersionDraft:
    """The tasks of a DAG from an instant on."""

    created_at: datetime
    tasks: list[TaskDraft]


@dataclass
class DagDraft:
    """A DAG, its versions, and when it runs.

    Attributes:
        rhythm: daily, weekly, hourly, quarterly (of an hour), frequent, manual, triggered, asset.
        minutes: of the day at which it is due; empty: not by time.
        weekdays: on which it is due, Monday is 0.
        manual_ratio: runs that people start on a working day.
        runs_from_at, runs_until_at: from when and until when it has runs; None: no bound.
        stuck_at: from then on one run that never ends holds its only place.
        weekend_factor, month_end_factor: of all its durations on such days.
        is_exact: its limits fill up, so it is simulated event by event.
        is_steady: fails by itself never, not even in an incident.
    """

    cluster: str
    dag_id: str
    team: str
    owner: str
    tier: int
    project: str
    rhythm: str
    schedule: str | None
    minutes: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    versions: list[VersionDraft] = field(default_factory=list)
    description: str = ""
    relative_fileloc: str = ""
    asset_uris: tuple[str, ...] = ()
    is_paused: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    catchup: bool = False
    start_at: datetime | None = None
    end_at: datetime | None = None
    import_error: str | None = None
    last_parsed_at: datetime | None = None
    scenario: str | None = None
    manual_ratio: float = 0.0
    runs_from_at: datetime | None = None
    runs_until_at: datetime | None = None
    stuck_at: datetime | None = None
    weekend_factor: float = 1.0
    month_end_factor: float = 1.0
    is_exact: bool = False
    is_steady: bool = False

    @property
    def tasks(self) -> list[TaskDraft]:
        """Of its newest version."""
        return self.versions[-1].tasks
