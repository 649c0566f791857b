"""The top of the Run page: who and where, the sentence, what makes its numbers less certain.

    Subject  ->  heading with ways to Airflow  ->  run_sentence  ->  chips  ->  the bar
"""

from datetime import datetime
from typing import Any

from dashboards import airflow_links, frame, links, theme
from dashboards import format as fmt
from dashboards.markup import Markup, joined, write
from dashboards.panels import run_chain, run_path, run_sentence
from dashboards.panels.run_data import OPEN_STATES, Subject
from dashboards.panels.run_terms import MICRO, between

NAMED_TASKS = 50


def heading(subject: Subject) -> None:
    """Where the page is, the run's state, and the same run in Airflow."""
    run, page = subject.run, subject.page
    cluster = page.cluster(subject.cluster)
    address = airflow_links.run(cluster.get("base_url"), cluster.get("airflow_version"),
                                subject.dag_id, subject.run_id, run.get("logical_at"))
    frame.heading(
        page, links.crumbs(subject.cluster, subject.dag_id, subject.run_id), subject.cluster,
        actions=joined([
            links.outside(address, "Open in Airflow"),
            links.outside(address, "Clear or mark in Airflow",
                          hint="Airflow's own buttons for this run")], " ") if address else None)


def draw(subject: Subject) -> None:
    """The sentence, what belongs under it, and the bar."""
    run, page = subject.run, subject.page
    state = theme.state(run["state"])
    kind = told_path(subject)
    found = subject.slices(kind)
    frame.say('<div class="ws-answer">{sentence}</div>'
              '<div class="ws-under"><span style="color: {ink}"><b>{state}</b></span> · {kind} run'
              "{by} · {due}queued {queued} · started {started} · ended {ended} · times in {zone} "
              "{flags}</div>",
              sentence=run_sentence.sentence(told(subject, kind)), ink=state.ink(page.mode),
              state=state.text, kind=run["run_kind"] or "unknown", due=_due(subject),
              by=write(" by {who}", who=run["triggered_by"]) if run["triggered_by"] else "",
              queued=page.moment(run["queued_at"], "at an unknown time"),
              started=page.moment(run["started_at"], "not yet"),
              ended=page.moment(run["ended_at"], "not yet"),
              zone=fmt.zone_label(page.zone, subject.as_of), flags=flags(subject))
    if found:
        frame.say("{bar}", bar=run_path.bar(found))


def told_path(subject: Subject) -> str:
    """Which path the sentence tells: of a failed run the one to its last failure."""
    if subject.run["state"] == "failed" and "failure" in subject.path_kinds:
        return "failure"
    return "finish"


def told(subject: Subject, kind: str) -> run_sentence.Told:
    """What the sentence is made from; only what this run's state needs is read."""
    run, page = subject.run, subject.page
    found = subject.slices(kind)
    on_path = [one.task_id for one in found if one.task_id is not None and one.term == "running"]
    is_open = run["ended_at"] is None and run["started_at"] is not None
    return run_sentence.Told(
        run=run, slices=found, as_of=subject.as_of, task=subject.task_link,
        moment=lambda at: page.moment(at, "an unknown time"), usual=subject.usual,
        usual_tasks=subject.usual_tasks, records=subject.records(on_path[:NAMED_TASKS]),
        awaited=run_chain.awaited(subject), states=subject.states,
        unfinished=_in(subject, OPEN_STATES) if is_open else (),
        failed=_in(subject, ["failed"]) if run["state"] == "failed" else (),
        why_queued=why_queued(subject) if run["started_at"] is None else None)


def _in(subject: Subject, states: list[str]) -> list[dict[str, Any]]:
    return subject.page.reader.rows("run__unfinished", **subject.named, states=states,
                                    row_limit=NAMED_TASKS).to_dicts()


def why_queued(subject: Subject) -> Markup | None:
    """Why a run has not started: its DAG is paused, or as many runs go on as may."""
    reader, named = subject.page.reader, subject.named
    dag = reader.row("run__dag", **named) or {}
    if dag.get("is_paused"):
        return write("its DAG is paused")
    active = reader.row("run__active", **named, state="running") or {}
    most, now = dag.get("max_active_run_count"), active.get("run_count") or 0
    if most is None or now < most or subject.run["run_kind"] == "backfill":
        return None
    first = active["oldest_run_id"]
    return write(
        "{n} of its DAG {verb} on, as many as max_active_runs ({most}) allows; the oldest is "
        "{first}, since {at}", n=fmt.count(now, "run"), verb="goes" if now == 1 else "go",
        most=fmt.count(most), at=subject.page.moment(active["oldest_at"], "an unknown time"),
        first=links.link("run", first, is_id=True, **{**named, "run_id": first}))


def _due(subject: Subject) -> Markup:
    """How late a scheduled run was made, and how long it was queued."""
    run = subject.run
    late, queued = run["created_late_seconds"], run["run_queued_seconds"]
    if run["due_at"] is None:
        return Markup("")
    return write("due {at}{late}{queued} · ", at=subject.page.moment(run["due_at"]),
                 late=f", made {fmt.duration(late)} late" if late and late >= 1 else "",
                 queued=f", queued for {fmt.duration(queued)}" if queued and queued >= 1 else "")


_FLAGS = {
    "was_rerun": ("re-run", "It was cleared and run again after it had ended once; it is left out "
                  "of statistics"),
    "has_missing_tries": ("missing tries", "A task on the path was tried more often than is "
                          "recorded; the missing tries count as waiting"),
    "has_clock_skew": ("clock skew", "Tries of a task on the path overlapped, as clocks that "
                       "differ make them, and were cut"),
    "has_lost_tasks": ("lost task", "A task on the path lost its process; its end is the last "
                       "sign of life"),
}
_STRUCTURES = {
    "nearest": ("structure estimated", "The structure of the run's own version was never read; "
                "that of the nearest version seen is used"),
    "inferred": ("structure inferred", "No structure of this DAG was ever read: what waited for "
                 "what is inferred from the order in time"),
}


def flags(subject: Subject) -> Markup:
    """What makes its numbers less certain, each in a word, the reason on hover."""
    run = subject.run
    found = [words for name, words in _FLAGS.items() if run[name]]
    if run["structure_basis"] in _STRUCTURES:
        found.append(_STRUCTURES[run["structure_basis"]])
    if any(s["waits_basis"] == "inferred" and s["limit_wait_seconds"]
           for s in subject.steps(told_path(subject))):
        found.append(("waits estimated", f"Airflow {subject.version_name} does not record when a "
                      "task became ready: what limits cost is rebuilt from what held them"))
    if run["ended_at"] is None and run["started_at"] is not None:
        found.append(("so far", f"As of {fmt.utc(subject.as_of)}: the run goes on"))
    if run["deleted_at"] is not None:
        how = "Airflow's retention removed it" if run["delete_reason"] == "retention" \
            else "Somebody deleted it"
        found.append(("deleted in Airflow", f"{how}; found gone {_day(run['deleted_at'])}"))
    return joined([run_chain.chip(word, why) for word, why in found], "")


def _day(at: datetime) -> str:
    return fmt.utc(at)


def missing(page: frame.Page, cluster: str, dag_id: str, run_id: str) -> None:
    """A link to a run that is not there: says so, and offers ways on."""
    if not (cluster and dag_id and run_id):
        frame.screen(page, "No run is named", "<p>The address names no run: it needs cluster, "
                     "dag_id and run_id.</p><p>{link}</p>", link=links.link("runs", "All runs"))
        return
    newest = page.reader.rows("run__newest", cluster=cluster, dag_id=dag_id, row_limit=5)
    ways = [links.link("run", r["run_id"], is_id=True, cluster=cluster, dag_id=dag_id,
                       run_id=r["run_id"]) for r in newest.iter_rows(named=True)]
    known = write("<p>Newest runs of this DAG:</p><p>{ways}</p>", ways=joined(ways)) \
        if ways else write("<p>No run of this DAG is in the warehouse.</p>")
    frame.screen(
        page, "No such run is in the warehouse",
        '<p>There is no run <span class="ws-id">{run}</span> of <span class="ws-id">{dag}</span> '
        'on <span class="ws-id">{cluster}</span>. It may not have landed yet, it may have been '
        "gone before Windsock first looked, or the link is of another one.</p>{known}<p>{search}"
        "</p>", run=run_id, dag=dag_id, cluster=cluster, known=known,
        search=links.link("runs", "Search all runs", search=dag_id, window="all"))


def path_note(subject: Subject, kind: str) -> str:
    """What the waterfall shows, with the sum that it makes."""
    found = subject.slices(kind)
    total = sum(one.length for one in found)
    ended = subject.run["ended_at"] or subject.run["path_ended_at"]
    whole = between(subject.run["started_at"], ended) / MICRO
    end = "so far" if subject.run["ended_at"] is None else "to its end"
    return f"{fmt.duration(total / MICRO)} of {fmt.duration(whole)}, from the run's start {end}"
