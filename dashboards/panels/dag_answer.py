"""What a DAG's page says first: how its last run went, against what, and the facts about it.

    dim_dags + usual duration + latest runs + path of the last one  ->  sentences
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, links
from dashboards.markup import Markup, joined, write
from dashboards.panels import lateness, words

Row = Mapping[str, Any]
STEP_LIMIT = 2000
FAILED_LIMIT = 100
_ACTIVE = ("running", "restarting")


def answer(page: frame.Page, dag: Row, usual: Row, runs: pl.DataFrame) -> Markup:
    """The sentences.

    Args:
        page: the page.
        dag: its row of dim_dags.
        usual: its row of agg_dag_durations; empty when it never succeeded.
        runs: its latest runs of any kind, newest first, `lateness.with_parts`.
    """
    newest = next(runs.iter_rows(named=True), None)
    if newest is None:
        lines = [_never_ran(page, dag)]
    else:
        lines = [_gone(page, dag), _last_run(page, dag, usual, newest, runs), _halted(dag)]
    return write('<div class="ws-answer">{lines}</div>',
                 lines=joined([line for line in lines if line], " "))


def _never_ran(page: frame.Page, dag: Row) -> Markup:
    if dag["deleted_at"]:
        return write("<b>Never ran</b>, and was deleted in Airflow {at}.",
                     at=page.moment(dag["deleted_at"]))
    why = ("it is paused" if dag["is_paused"] else
           "its file does not parse now" if dag["has_import_errors"] else
           "its file no longer has it" if dag["is_stale"] else
           "it has no schedule, so it waits for a person or another DAG to trigger it"
           if dag["schedule"] is None and dag["has_dag_row"] else "")
    due = write(" Its first run is due {at}.", at=page.moment(dag["next_run_at"])) \
        if dag["next_run_at"] and not dag["is_paused"] else ""
    return write("<b>Has never run</b>{why}.{due}", why=f": {why}" if why else "", due=due)


def _gone(page: frame.Page, dag: Row) -> Markup:
    if dag["deleted_at"]:
        return write("<b>Deleted in Airflow</b> {at}; its history stays here.",
                     at=page.moment(dag["deleted_at"]))
    if not dag["has_dag_row"]:
        return write("<b>Unknown to Airflow now</b>; what it ran is still here.")
    return Markup("")


def _halted(dag: Row) -> Markup:
    if dag["deleted_at"]:
        return Markup("")
    here = {"cluster": dag["cluster"], "dag_id": dag["dag_id"]}
    if dag["has_import_errors"]:
        return write('<b class="ws-bad">Its file does not parse now</b> ({link}).',
                     link=links.link("dag", "import errors", view="errors", **here))
    if dag["is_paused"]:
        return write('<b class="ws-caution">It is paused</b>: no run is created by schedule.')
    if dag["is_stale"]:
        return write('<b class="ws-caution">Its file no longer has it</b>.')
    return Markup("")


def _last_run(page: frame.Page, dag: Row, usual: Row, run: Row, runs: pl.DataFrame) -> Markup:
    state, as_of = run["state"], page.as_of(dag["cluster"]) or page.now
    link = _run_link(dag, run)
    if state == "failed":
        return write(
            '{link} <b class="ws-bad">failed</b> {at}{after}{who}. {usual}',
            link=link, at=page.moment(run["ended_at"], "at an unknown time"),
            after=_after(run["duration_seconds"]), who=_who_failed(page, dag, run),
            usual=words.usual(usual))
    if run["duration_seconds"] is not None and state not in _ACTIVE:
        is_only = usual.get("sample_count") == 1 and runs.filter(
            pl.col("state") == "success")["run_id"].to_list() == [run["run_id"]]
        return write("{link} took <b>{time}</b>, {usual}{why}.", link=link,
                     time=words.lasting(run["duration_seconds"]),
                     usual="its only success so far" if is_only else words.usually(usual),
                     why=_why_long(page, dag, usual, run, runs))
    if run["started_at"] is not None:
        so_far = fmt.seconds(run["started_at"], as_of)
        return write("{link} is <b>running</b> since {at}, <b>{time}</b> so far, {usual}{late}.",
                     link=link, at=page.moment(run["started_at"]), time=words.lasting(so_far),
                     usual=words.usually(usual),
                     late=": longer than usual" if lateness.is_long(so_far, usual) else "")
    return write("{link} is <b>{state}</b> since {at} and has not started. "
                 "{usual}", link=link, state=state or "created", at=page.moment(
                     run["queued_at"] or run["logical_at"], "an unknown time"),
                 usual=words.usual(usual))


def _run_link(dag: Row, run: Row) -> Markup:
    return links.link("run", "Last run", hint=run["run_id"], cluster=dag["cluster"],
                      dag_id=dag["dag_id"], run_id=run["run_id"])


def _after(seconds: float | None) -> Markup:
    return write(" after <b>{time}</b>", time=words.lasting(seconds)) \
        if seconds is not None else Markup("")


def _who_failed(page: frame.Page, dag: Row, run: Row) -> Markup:
    """`: extract failed (3 tries) and 2 more`."""
    failed = page.reader.rows(
        "dag__failed_tasks", cluster=dag["cluster"], dag_id=dag["dag_id"], run_id=run["run_id"],
        state="failed", row_limit=FAILED_LIMIT)
    first = next(failed.iter_rows(named=True), None)
    if first is None:
        return write(": no task of it failed, so a person or a timeout ended it")
    others = failed["task_id"].n_unique() - 1
    tries = first["try_count"] or 0
    return write(": {task} failed{tries}{others}",
                 task=task_link(dag, first["task_id"], first["map_index"]),
                 tries=f" after {fmt.count(tries, 'try', 'tries')}" if tries > 1 else "",
                 others=f", and {fmt.count(others, 'other task')} too" if others else "")


def _why_long(page: frame.Page, dag: Row, usual: Row, run: Row, runs: pl.DataFrame) -> Markup:
    if not lateness.is_long(run["duration_seconds"], usual):
        return Markup("")
    here = {"cluster": dag["cluster"], "dag_id": dag["dag_id"], "row_limit": STEP_LIMIT}
    steps = page.reader.rows("dag__path_steps", run_id=run["run_id"], path_kind="finish", **here)
    medians = dict(page.reader.rows("dag__task_durations", **here)
                   .select("task_id", "median_seconds").iter_rows())
    found = lateness.culprit(run["run_id"], runs, steps, medians)
    return write(": {why}", why=blame(dag, found)) if found else Markup("")


def blame(dag: Row, found: lateness.Culprit) -> Markup:
    """What one task did to make a run late, in words."""
    task = task_link(dag, found.task_id, found.map_index)
    took = words.lasting(found.seconds)
    if found.part == "running":
        return write("{task} made it late, it ran {took}{usual}", task=task, took=took,
                     usual=write(", usually {time}", time=words.lasting(found.usual_seconds))
                     if found.usual_seconds is not None else "")
    if found.part == "waiting":
        return write("{task} made it late, it waited {took} to start{limit}", task=task, took=took,
                     limit=write(", {limit} was full", limit=words.limit(found.limited_by))
                     if found.limited_by else "")
    if found.part == "retry_wait":
        return write("{task} made it late, {took} went by between its tries", task=task, took=took)
    return write("{task} made it late, it waited {took} for what is outside", task=task, took=took)


def task_link(dag: Row, task_id: str, map_index: int | None = -1) -> Markup:
    """A task by name, linked to its page."""
    is_mapped = map_index is not None and map_index >= 0
    return links.link("task", f"{task_id} [{map_index}]" if is_mapped else task_id, is_id=True,
                      cluster=dag["cluster"], dag_id=dag["dag_id"], task_id=task_id)


def facts(page: frame.Page, dag: Row) -> Markup:
    """One line of what is known of the DAG."""
    tags = [write('<span class="ws-chip">{tag}</span>', tag=tag) for tag in dag["tags"] or ()]
    return words.facts([
        _schedule(dag),
        dag["owner"] and write("owner {owner}", owner=dag["owner"]),
        dag["team"] and write("team {team}", team=dag["team"]),
        dag["tier"] and write("tier {tier}", tier=dag["tier"]),
        joined(tags[:12], " "),
        _next_run(page, dag),
        dag["last_parsed_at"] and write("parsed {at}", at=page.moment(dag["last_parsed_at"])),
        words.name(dag["relative_file_path"] or dag["file_path"])
        if dag["relative_file_path"] or dag["file_path"] else "",
        _version(dag)])


def _schedule(dag: Row) -> Markup:
    if dag["schedule"] is None:
        return write("no schedule" if dag["has_dag_row"] else "schedule not known")
    zone = dag["schedule_timezone_name"]
    return write("<span>{words}</span>{text}{zone}",
                 words=dag["schedule_description"] or "schedule ", text=write(
                     " ({text})" if dag["schedule_description"] else "{text}",
                     text=words.name(dag["schedule"])),
                 zone=f" {zone}" if zone and zone != "UTC" else "")


def _next_run(page: frame.Page, dag: Row) -> Markup:
    at: datetime | None = dag["next_run_at"]
    if at is None or dag["is_paused"] or dag["deleted_at"]:
        return Markup("")
    as_of = page.as_of(dag["cluster"]) or page.now
    return write("next run {at} ({away})", at=page.moment(at), away=fmt.age(at, as_of)) \
        if at > as_of else write("next run was due {at}", at=page.moment(at))


def _version(dag: Row) -> Markup:
    if dag["bundle_version"]:
        return write("version {name}", name=words.name(fmt.shorten(dag["bundle_version"], 12)))
    return write("{bundle}", bundle=f"bundle {dag['bundle_name']}" if dag["bundle_name"] else "")
