"""Random histories of Airflow: source databases of real releases, and what truly happened.

    history("2.10.5", seed=1, runs=500)   ->  History: tables to write, and a twin `Run` per run
    write(history, tmp_path / "a.db")     ->  a SQLite file in that release's own schema

A small scheduler plays random DAGs (`histories_scheduler`); people clear, mark and remove; clocks
are off; and every story is cut at "now". The same seed gives the same history. The schemas are
those of `tests/fixtures/airflow`.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.histories_dags import DagSpec, TaskSpec, random_dag, structure
from tests.histories_database import Tables, fill
from tests.histories_rows import FINAL, Release, Row, Shot, shoot
from tests.histories_scheduler import SECOND, Happened, Key, Pass, Try
from windsock.critical_path import PreviousRun, Run, microseconds

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RELEASES = {"2.4.3": Release("2.4.3", "2.4"), "2.10.5": Release("2.10.5", "2.10"),
            "3.1.8": Release("3.1.8", "3")}
_NOW = microseconds(NOW)
_DAY = 86_400 * SECOND


@dataclass
class Played:
    """A run with all its instances, to the end of its story."""

    dag: DagSpec
    number: int
    created: int
    logical: int | None
    kind: str
    version: int
    start: int
    end: int | None = None
    state: str = "running"
    clear_number: int = 0
    is_version_recorded: bool = True
    sizes: dict[str, int] = field(default_factory=dict)
    instances: dict[Key, Happened] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return f"{self.kind}__{self.number:05d}"

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        return self.dag.versions[self.version]


@dataclass
class History:
    """What a database holds, and the twin's input for each of its runs."""

    release: Release
    tables: Tables
    truth: dict[tuple[str, str], Run]


def history(name: str, *, seed: int, runs: int) -> History:
    """So many runs of random DAGs, as one release writes them."""
    release = RELEASES[name]
    rng = random.Random(f"{name}/{seed}")  # noqa: S311  a die, no secret
    found = History(release, Tables(release), {})
    while len(found.truth) < runs:
        dag = random_dag(rng, f"dag_{len(found.tables.dags):04d}", form=release.form)
        played = _play_dag(rng, dag, release, rng.randint(1, 7), first=len(found.truth))
        found.tables.dags.append(dag)
        for run in played:
            found.tables.add(run, _window(run))
            found.truth[dag.dag_id, run.run_id] = _truth(run, played)
    return found


def write(history: History, path: Path) -> str:
    """Write the database; its URL."""
    return fill(history.tables, path, now=_NOW)


# --- the runs of a DAG -------------------------------------------------------------------------

def _play_dag(rng: random.Random, dag: DagSpec, release: Release, count: int, *,
              first: int) -> list[Played]:
    """Runs one after the other, some of them over each other; the last may be going on."""
    period = 60 * SECOND * rng.randint(1, 10)
    is_live = rng.random() < 0.6
    at = _NOW - (int(count * period * rng.uniform(0.2, 1)) if is_live
                 else rng.randint(1, 20) * _DAY)
    at -= at % (60 * SECOND) if dag.is_grid else 0
    played: list[Played] = []
    for place in range(count):
        kind = rng.choices(("scheduled", "manual", "backfill"), (7, 2, 1))[0]
        is_dateless = kind == "manual" and release.form == "3" and rng.random() < 0.3
        version = len(dag.versions) - 1 if place > count // 2 else 0
        created = at - (0 if dag.is_grid else rng.randint(0, 30 * SECOND))
        if created > _NOW:
            break
        run = Played(dag, first + place, created, None if is_dateless else at - _DAY, kind,
                     version, at)
        run.is_version_recorded = len(dag.versions) > 1 or rng.random() < 0.9
        if rng.random() < 0.04:
            run.start = _NOW + 1        # still queued
        _play_run(rng, run, release, _previous(run, played))
        played.append(run)
        at += int(period * rng.uniform(0.2, 1.5))
        at += 60 * SECOND - at % (60 * SECOND) if dag.is_grid else 1
    for run in played:
        _cut(rng, run, release)
    return played


def _previous(run: Played, played: list[Played]) -> Played | None:
    """The run that `depends_on_past` looks at, by logical date."""
    if run.logical is None:
        return None
    earlier = [r for r in played if r.logical is not None and r.logical < run.logical
               and not (run.dag.catchup and r.kind == "manual")]
    return max(earlier, key=lambda r: r.logical or 0, default=None)


def _play_run(rng: random.Random, run: Played, release: Release, previous: Played | None) -> None:
    """All passes of a run: the first, and what people clear."""
    before = previous.instances if previous else None
    one = Pass(rng, run.dag, run.tasks, run.start, release.form == "3", before, sizes=run.sizes)
    run.instances = one.play()
    _end(rng, run)
    for _ in range(rng.choices((0, 1, 2), (75, 20, 5))[0]):
        _clear(rng, run, release, one)
    if len(run.dag.versions) > 1 and rng.random() < 0.5:
        shared = {t.task_id for t in run.dag.versions[0]} & {
            t.task_id for t in run.dag.versions[1]}
        for happened in run.instances.values():
            happened.version = run.version
            if happened.task.task_id in shared and rng.random() < 0.3:
                happened.version = 1 - run.version
    else:
        for happened in run.instances.values():
            happened.version = run.version


def _end(rng: random.Random, run: Played) -> None:
    """The run's own end and state, by its leaves."""
    done = [h.done for h in run.instances.values()]
    known = [d for d in done if d is not None]
    last = max([run.start, *known])
    if len(known) < len(done) and rng.random() < 0.6:
        run.end, run.state = None, "running"        # waits for ever
        return
    run.end = last + (0 if run.dag.is_grid else rng.randint(0, 3 * SECOND))
    if rng.random() < 0.06:
        run.end = max(run.start, run.end - rng.randint(1, 60) * SECOND)
    above = {u for t in run.tasks for u in t.upstreams}
    is_bad = any(h.state in ("failed", "upstream_failed", None)
                 for h in run.instances.values() if h.task.task_id not in above)
    run.state = "failed" if is_bad else "success"


# --- people ------------------------------------------------------------------------------------

def _clear(rng: random.Random, run: Played, release: Release, one: Pass) -> None:
    """Some task and all that is below it, after the run or while it goes on."""
    chosen = {rng.choice(run.tasks).task_id}
    for task in run.tasks:
        if chosen & set(task.upstreams):
            chosen.add(task.task_id)
    end = run.end if run.end is not None else run.start + 600 * SECOND
    is_over = rng.random() < 0.6 and run.end is not None
    minutes = rng.randint(1, 600) if is_over else 0
    at = end + minutes * 60 * SECOND if is_over else rng.randint(run.start, max(run.start, end))
    at -= at % (60 * SECOND) if run.dag.is_grid else 0
    if at > _NOW or at < run.start:
        return
    cleared = {k: _cleared(h, at, release) for k, h in run.instances.items() if k[0] in chosen}
    known = {k: h for k, h in run.instances.items() if k[0] not in chosen}
    forced = {t: s for t, s in one.forced.items() if t not in chosen}
    again = Pass(rng, run.dag, run.tasks, at, release.form == "3", one.previous, known, cleared,
                 run.sizes, forced)
    one.forced = again.forced
    run.instances = again.play()
    if is_over or (release.form != "3" and rng.random() < 0.5):
        run.start = at
        run.clear_number += 1
    _end(rng, run)


def _cleared(happened: Happened, at: int, release: Release) -> Happened:
    """An instance as a clear leaves it: its tries are history."""
    old = Happened(happened.task, happened.map_index, past=list(happened.past),
                   has_zero_history=happened.has_zero_history)
    for tried in happened.tries:
        started = [e for e in tried.executions if e.started + (not tried.is_scheduler_run) <= at]
        if not started:
            continue
        if tried.ended > at:        # killed
            started[-1].ended = min(started[-1].ended, at)
            tried = Try(tried.number, tried.scheduled, started, "failed",
                        tried.waits if len(started) > 1 else None, tried.is_scheduler_run,
                        job_id=tried.job_id)
        tried.has_lost_pokes = True
        old.past.append(tried)
    is_idle = not happened.tries and happened.decided is not None and happened.decided <= at
    old.has_zero_history |= is_idle and not old.past and release.has_history
    return old


def _cut(rng: random.Random, run: Played, release: Release) -> None:
    """The run at "now", with the oddities that leave no trace but a row."""
    has_dropped = rng.random() < 0.02
    for happened in [] if has_dropped else _visible(run):
        shot = shoot(happened, release, _NOW, is_audited=run.dag.is_audited)
        run.shots.append(shot)
        if rng.random() < 0.85:         # else it is known by its run
            shot.version = happened.version
        of = run.version if shot.version is None else shot.version
        shot.truth = replace(shot.truth, version=str(of))
        chance, state = rng.random(), shot.live["state"]
        is_empty = happened.task.kind == "empty"    # its row would not tell a mark from a run
        if state == "failed" and chance < 0.03:
            _mark(shot, state="success")
        elif (state is None and not shot.truth.attempts and not is_empty and run.dag.is_told
              and run.start <= _NOW and chance < 0.05):
            at = rng.randint(run.start, _NOW)
            _mark(shot, state="success", start_date=at, end_date=at)
        elif state in (*FINAL, None) and chance < 0.02:
            _mark(shot, state="removed")
        elif (state in FINAL and happened.tries and not is_empty and release.form != "3"
              and happened.tries[-1].started <= (run.end or _NOW) and chance < 0.03):
            _mark(shot, state="skipped", end_date=None)     # dagrun_timeout of 2.x


def _mark(shot: Shot, **changes: object) -> None:
    """Change a row behind the scheduler's back, and the truth with it."""
    shot.live |= changes
    ended_at = shot.live["end_date"]
    shot.truth = replace(shot.truth, state=shot.live["state"], ended_at=ended_at)
    if shot.truth.attempts and "end_date" in changes:
        last = replace(shot.truth.attempts[-1], ended_at=ended_at)
        shot.truth = replace(shot.truth, attempts=(*shot.truth.attempts[:-1], last))


def _visible(run: Played) -> list[Happened]:
    """Instances that have rows: before its expansion a mapped task has one placeholder."""
    found = []
    for task in run.tasks:
        mine = [h for h in run.instances.values() if h.task.task_id == task.task_id]
        is_begun = any(h.past or (h.begun is not None and h.begun <= _NOW) for h in mine)
        if is_begun or all(h.map_index < 0 for h in mine):
            found += mine
        else:
            found.append(Happened(task, -1, version=mine[0].version))
    return found


# --- the twin's input --------------------------------------------------------------------------

def _window(run: Played) -> Row:
    """The run's own columns at "now"."""
    has_started = run.start <= _NOW
    has_ended = has_started and run.end is not None and run.end <= _NOW
    return {"start_date": run.start if has_started else None,
            "end_date": run.end if has_ended else None,
            "state": run.state if has_ended else "running" if has_started else "queued"}


def _truth(run: Played, played: list[Played]) -> Run:
    window = _window(run)
    structures = {str(i): structure(v) for i, v in enumerate(run.dag.versions)}
    before = _previous(run, played)
    return Run(
        window["state"], window["start_date"], window["end_date"], _NOW,
        tuple(shot.truth for shot in run.shots),
        structures if run.dag.is_told else {},
        PreviousRun(before.run_id, tuple(s.truth for s in before.shots)) if before else None)
