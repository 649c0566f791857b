"""What the observed path is computed from, and what comes out.

    Run (Instances with Attempts, Tasks by version, the previous run)  ->  Path (Steps, Terms)

Instants are whole microseconds since 1970-01-01 UTC (`microseconds`), so that sums are exact;
whoever shows a path asks for seconds (`Path.seconds`). The rules are in `docs/critical_path.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["finish", "failure"]
FINAL_STATES = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_NEVER_RAN = frozenset({"upstream_failed", "removed"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of an instant; without a zone it is UTC."""
    since = (at.replace(tzinfo=UTC) if at.tzinfo is None else at) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that began.

    Attributes:
        started_at: start of its first execution.
        ended_at: None while it goes on, or when its end was never recorded.
        state: `failed` makes the wait behind it a wait for the next try.
        deferrals: stretches in the triggerer; None: still there.
        queued_at: when it was last given to the executor; after the start: it was deferred.
        scheduled_at: recorded by 3.x only.
        last_seen_at: last heartbeat of a process that died; its end is not later.
    """

    started_at: int
    ended_at: int | None
    state: str | None
    deferrals: tuple[tuple[int, int | None], ...] = ()
    queued_at: int | None = None
    scheduled_at: int | None = None
    last_seen_at: int | None = None

    @property
    def end(self) -> int | None:
        """Its end, where known: no later than its process lived, no earlier than it began."""
        if self.ended_at is None:
            return None
        seen = self.ended_at if self.last_seen_at is None else self.last_seen_at
        return max(self.started_at, min(self.ended_at, seen))


@dataclass(frozen=True, slots=True)
class Instance:
    """A task instance.

    Attributes:
        task_id: its task.
        map_index: -1 where it is not mapped.
        state: as Airflow wrote it; None: not looked at yet.
        ended_at: the end that Airflow stamped on it.
        attempts: sorted by their starts; none: it never ran.
        version: key into `Run.structures`.
        is_external: a sensor; its attempts wait for the world.
        is_scheduler_run: the scheduler finished it, without a worker.
        was_skipped_by_scheduler: its attempts are of an earlier pass.
        has_missing_tries: it started more often than attempts are recorded.
    """

    task_id: str
    map_index: int = -1
    state: str | None = "success"
    ended_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    version: str = ""
    is_external: bool = False
    is_scheduler_run: bool = False
    was_skipped_by_scheduler: bool = False
    has_missing_tries: bool = False

    def __post_init__(self) -> None:
        ordered = sorted(self.attempts, key=lambda a: a.started_at)
        object.__setattr__(self, "attempts", tuple(ordered))

    @property
    def has_run(self) -> bool:
        """Whether an attempt of it is recorded, and no verdict of the scheduler's came after."""
        is_verdict = self.was_skipped_by_scheduler or self.state in _NEVER_RAN
        return bool(self.attempts) and not is_verdict

    @property
    def is_final(self) -> bool:
        """Whether Airflow is done with it."""
        return self.state in FINAL_STATES

    @property
    def recorded_end(self) -> int | None:
        """Its end, where it has ended; capped where its process died before that was noticed.

        An earlier try's end may be the later one: of clocks that differ the later is taken.
        """
        if not self.is_final or self.ended_at is None:
            return None
        if not self.has_run:
            return self.ended_at
        ends = [a.end for a in self.attempts if a.end is not None]
        return max(ends if self.attempts[-1].last_seen_at is not None else [*ends, self.ended_at])


@dataclass(frozen=True, slots=True)
class Task:
    """A task in one version of a DAG. `depth`: its longest distance from a root."""

    task_id: str
    upstreams: tuple[str, ...] = ()
    trigger_rule: str = "all_success"
    depth: int = 0
    mapped_group: str | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False


Structure = Mapping[str, Task]


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """The run that `depends_on_past` looks at, with its instances."""

    run_id: str
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A DAG run with all that its path depends on.

    Attributes:
        state: of the run.
        started_at: None: it never started.
        ended_at: None: it has not ended.
        observed_at: when its cluster was last read.
        instances: every task instance.
        structures: version -> task id -> task; empty: the structure is not known.
        previous: by logical date; None in a DAG's first run.
    """

    state: str
    started_at: int | None
    ended_at: int | None
    observed_at: int
    instances: tuple[Instance, ...]
    structures: Mapping[str, Structure] = field(default_factory=dict)
    previous: PreviousRun | None = None

    @property
    def window(self) -> tuple[int, int]:
        """Begin and end of what a path tiles."""
        end = self.observed_at if self.ended_at is None else self.ended_at
        start = end if self.started_at is None else self.started_at
        return start, max(start, end)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a stretch of time was spent, in microseconds."""

    running: int = 0
    retry_wait: int = 0
    deferred: int = 0
    external_wait: int = 0
    handoff: int = 0

    def __add__(self, other: "Terms") -> "Terms":
        return Terms(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def total(self) -> int:
        """All of it."""
        return sum(getattr(self, f.name) for f in fields(self))


@dataclass(frozen=True, slots=True)
class FirstWait:
    """What a step waited for before it began; None: not known."""

    past_run_wait: int
    before_queue_wait: int | None
    startup_wait: int | None
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A listed instance and its share of the run's wall clock: `[begins_at, ends_at]`."""

    number: int
    task_id: str
    map_index: int
    begins_at: int
    ends_at: int
    terms: Terms
    first_wait: FirstWait
    gated_by_run_id: str | None = None
    has_clock_skew: bool = False
    has_missing_tries: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """The chain that blocked a run: steps in ascending order, and what lies around them."""

    kind: Kind
    wall: int
    lead: int
    tail: int
    steps: tuple[Step, ...] = ()

    @property
    def terms(self) -> Terms:
        """The sum over the steps, without the lead."""
        whole = sum((s.terms for s in self.steps), Terms())
        lead = self.steps[0].terms.handoff if self.steps else 0
        return whole + Terms(handoff=-lead)

    def seconds(self) -> dict[str, float]:
        """The terms of the identity, by the names of the mart's columns."""
        parts = {f.name: getattr(self.terms, f.name) for f in fields(Terms)}
        parts |= {"lead": self.lead, "tail": self.tail}
        return {f"{name}_seconds": value / 1e6 for name, value in parts.items()}
