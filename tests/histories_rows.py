"""What a release has written of an instance at "now": its rows, and what they truly say.

    happened (a whole story)  ->  Shot: task_instance, history, task_reschedule, log rows
                                  + the twin's Instance, made from the story and not from the rows
"""

from dataclasses import dataclass, field
from typing import Any

from tests.histories_dags import SENSORS, Format
from tests.histories_scheduler import Execution, Happened, Try
from windsock.critical_path import Attempt, Instance

Row = dict[str, Any]
FINAL = ("success", "failed", "skipped", "upstream_failed", "removed")


@dataclass
class Shot:
    """One instance at "now"; instants are microseconds. `version`: recorded on the instance."""

    live: Row
    truth: Instance
    version: int | None = None
    history: list[Row] = field(default_factory=list)
    reschedules: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    failures: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Release:
    """What a release writes, and what it does not."""

    name: str
    form: Format

    @property
    def has_history(self) -> bool:
        return self.form != "2.4"

    @property
    def keeps_first_start(self) -> bool:
        """Whether the start of a rescheduled sensor stays the first poke's."""
        return self.form == "3"


def shoot(happened: Happened, release: Release, now: int, *, is_audited: bool) -> Shot:
    """The rows of one instance.

    Args:
        happened: its whole story.
        release: who writes.
        now: what comes later has not happened.
        is_audited: deferrals are in the audit log.
    """
    tries = [t for t in happened.tries if t.scheduled <= now]
    live = _live(happened, tries, release, now)
    shot = Shot(live, _truth(happened, tries, live, release, now, is_audited))
    _history(shot, happened, tries, release, now)
    for tried in [*happened.past, *tries]:
        _reschedules(shot, tried, release, now)
        _events(shot, tried, release, now, is_audited=is_audited)
    return shot


# --- task_instance -----------------------------------------------------------------------------

def _live(happened: Happened, tries: list[Try], release: Release, now: int) -> Row:
    begun = [t for t in [*happened.past, *tries] if t.started <= now]
    row: Row = {"state": None, "start_date": None, "end_date": None, "queued_dttm": None,
                "scheduled_dttm": None, "hostname": "", "next_method": None,
                "last_heartbeat_at": None, "job_id": None}
    if begun:
        row |= _dates(begun[-1], release, now)
        row["last_heartbeat_at"] = row["last_heartbeat_at"] if tries else None
    row["try_number"] = _number(happened, tries, begun, release, now)
    if tries:
        row |= _progress(happened, tries[-1], release, now)
    elif happened.decided is not None and happened.decided <= now:
        row |= _stamp(happened, row, release)
    return row


def _dates(tried: Try, release: Release, now: int) -> Row:
    """The columns that a try leaves in its row."""
    started = [e for e in tried.executions if e.started <= now]
    is_poked = tried.waits == "reschedule"
    first = started[-1 if is_poked and not release.keeps_first_start else 0]
    is_over = started[-1].ended <= now and (is_poked or started[-1] is tried.executions[-1])
    queued = _queued(tried, now)
    return {
        "start_date": first.started, "end_date": started[-1].ended if is_over else None,
        "queued_dttm": queued.queued, "scheduled_dttm": queued.scheduled,
        "hostname": "" if tried.is_scheduler_run else "worker-1",
        "last_heartbeat_at": _seen(tried, now), "job_id": _job_id(tried)}


def _queued(tried: Try, now: int) -> Execution:
    """The execution that was queued last; the first one, where a worker's clock was early."""
    queued = [e for e in tried.executions if (e.queued or e.scheduled) <= now]
    return queued[-1] if queued else tried.executions[0]


def _seen(tried: Try, now: int) -> int | None:
    if tried.is_scheduler_run:
        return None
    return tried.last_seen if tried.last_seen is not None else min(tried.ended, now)


def _job_id(tried: Try) -> int | None:
    return None if tried.is_scheduler_run else tried.job_id


def _progress(happened: Happened, tried: Try, release: Release, now: int) -> Row:
    """State and queueing of the newest try."""
    if tried.started > now and not tried.is_scheduler_run:
        first = tried.executions[0]
        is_queued = first.queued is not None and first.queued <= now
        changed: Row = {"state": "queued" if is_queued else "scheduled",
                        "scheduled_dttm": first.scheduled}
        return changed | ({"queued_dttm": first.queued} if is_queued else {})
    current = _current(tried, now)
    if current.ended > now:
        return {"state": "running"}
    if current is not tried.executions[-1]:
        following = tried.executions[tried.executions.index(current) + 1]
        away = {"next_method": "execute_complete"} if tried.waits == "deferral" else {}
        if following.scheduled > now:
            state = "deferred" if tried.waits == "deferral" else "up_for_reschedule"
            return {"state": state, **away}
        is_queued = following.queued is not None and following.queued <= now
        return {"state": "queued" if is_queued else "scheduled",
                "scheduled_dttm": following.scheduled, **away}
    if tried is not happened.tries[-1]:
        return {"state": "up_for_retry"}
    return {"state": happened.state} | ({"end_date": None} if happened.is_undated else {})


def _stamp(happened: Happened, row: Row, release: Release) -> Row:
    """One that never ran in this pass: Airflow keeps the dates of an earlier one.

    A branch overwrites them; without a history the row would look like an empty run then.
    """
    at = happened.decided
    if happened.is_startless:
        return {"state": happened.state, "start_date": None, "end_date": at, "queued_dttm": at,
                "hostname": ""}
    if happened.is_undated:
        return {"state": happened.state}
    if happened.is_forced and (release.has_history or not happened.past):
        return {"state": happened.state, "start_date": at, "end_date": at}
    return {"state": happened.state, "start_date": row["start_date"] or at,
            "end_date": row["end_date"] or at}


def _current(tried: Try, now: int) -> Execution:
    return [e for e in tried.executions if e.started <= now][-1]


def _number(happened: Happened, tries: list[Try], begun: list[Try], release: Release,
            now: int) -> int:
    """`try_number` as the release counts it."""
    if release.has_history:
        if tries:
            return tries[-1].number
        return happened.past[-1].number + happened.is_startless if happened.past else int(
            happened.is_startless)
    count = sum(not t.is_scheduler_run for t in begun)
    if tries and tries[-1] in begun and tries[-1].waits:
        current = _current(tries[-1], now)
        count -= current.ended <= now and current is not tries[-1].executions[-1]
    return count


# --- beside it ---------------------------------------------------------------------------------

def _history(shot: Shot, happened: Happened, tries: list[Try], release: Release, now: int) -> None:
    if not release.has_history:
        return
    ended = [t for t in happened.tries[:-1] if t.ended <= now and t in tries]
    for tried in [*happened.past, *ended]:
        # clocks that differ end a try before it was queued
        over = max(tried.ended, *(e.queued or 0 for e in tried.executions))
        shot.history.append({**_dates(tried, release, over), "state": tried.state,
                             "try_number": tried.number, "end_date": tried.ended})
    if happened.has_zero_history:
        shot.history.append({"state": "skipped", "try_number": 0, "hostname": "",
                             "start_date": None, "end_date": None})


def _reschedules(shot: Shot, tried: Try, release: Release, now: int) -> None:
    if tried.waits != "reschedule" or tried.has_lost_pokes:
        return
    is_live = tried.number == shot.live["try_number"] or not release.has_history
    if release.form == "3" and not is_live:
        return      # goes with the id that the instance had for that try
    for place, poke in enumerate(tried.executions[:-1]):
        if poke.ended <= now:
            following = tried.executions[place + 1].scheduled
            # 3.x writes the instant of the insert, which is after the end
            start = poke.ended + 7 if release.form == "3" else poke.started
            shot.reschedules.append({
                "try_number": tried.number, "start_date": start, "end_date": poke.ended,
                "duration": (poke.ended - start) / 1e6, "reschedule_date": following})


def _events(shot: Shot, tried: Try, release: Release, now: int, *, is_audited: bool) -> None:
    if tried.is_scheduler_run:
        return

    def tell(at: int, event: str) -> None:
        if at <= now:
            shot.events.append({"dttm": at, "event": event, "try_number": tried.number})

    for execution in tried.executions:
        tell(execution.started, "running")
        if execution is not tried.executions[-1] and tried.waits == "deferral" and is_audited:
            tell(execution.ended, "deferred")
    if tried.last_seen is not None and release.has_history:     # told since 2.10
        tell(tried.ended, "heartbeat timeout")
        shot.jobs.append({"id": _job_id(tried), "job_type": "LocalTaskJob", "state": "running",
                          "start_date": tried.started, "latest_heartbeat": tried.last_seen})
    tell(tried.ended, tried.state)
    if tried.state == "failed" and tried.ended <= now and release.form != "3":
        row = _dates(tried, release, tried.ended)
        shot.failures.append({n: row[n] for n in ("start_date", "end_date")})


# --- the truth ---------------------------------------------------------------------------------

def _truth(happened: Happened, tries: list[Try], live: Row, release: Release, now: int,
           is_audited: bool) -> Instance:
    begun = [t for t in [*happened.past, *tries] if t.started <= now]
    known = begun if release.has_history else [
        t for t in begun if t is begun[-1] or t.state == "failed"]      # task_fail has those
    is_verdict = live["state"] == "skipped" and not tries
    attempts = [_attempt(t, live, release, now, is_audited=is_audited, is_newest=t is begun[-1],
                         is_live=bool(tries) and t is tries[-1]) for t in known]
    if attempts and live["state"] in FINAL and live["end_date"] is None:
        attempts[-1] = _unended(attempts[-1])
    return Instance(
        happened.task.task_id, happened.map_index, live["state"], live["end_date"],
        tuple(attempts), is_external=happened.task.kind in SENSORS,
        is_scheduler_run=happened.task.kind == "empty",
        # without a history only an EmptyOperator's row shows it: it names no host
        was_skipped_by_scheduler=is_verdict and (
            release.has_history or happened.task.kind == "empty"),
        has_missing_tries=len([t for t in begun if not t.is_scheduler_run]) > len(attempts) > 0)


def _attempt(tried: Try, live: Row, release: Release, now: int, *, is_audited: bool,
             is_newest: bool, is_live: bool) -> Attempt:
    executions = [e for e in tried.executions if e.started <= now]
    # 2.x knows the first poke from the rows of the others, where a clear has left them
    is_first_known = tried.waits != "reschedule" or release.keeps_first_start or (
        not tried.has_lost_pokes)
    # task_fail has no queueing, and the live row that of the next try
    is_queued_known = release.has_history or (
        is_newest and (live["state"] not in ("scheduled", "queued") or tried.ended > now))
    is_over = tried.ended <= now
    deferrals = ()
    if tried.waits == "deferral" and is_audited:
        resumed = [e.started if e.started <= now else None for e in tried.executions[1:]]
        deferrals = tuple((e.ended, r) for e, r in zip(executions, resumed, strict=False)
                          if e.ended <= now)
    # history of 3.x has no heartbeats
    is_seen = tried.last_seen is not None and is_over and release.has_history and (
        release.form != "3" or is_live)
    return Attempt(
        (executions[0] if is_first_known else executions[-1]).started,
        tried.ended if is_over else None, tried.state if is_over else None, deferrals,
        queued_at=_queued(tried, now).queued if is_queued_known else None,
        scheduled_at=tried.scheduled if release.form == "3" else None,
        last_seen_at=tried.last_seen if is_seen else None)


def _unended(attempt: Attempt) -> Attempt:
    return Attempt(attempt.started_at, None, "skipped", attempt.deferrals, attempt.queued_at,
                   attempt.scheduled_at)
