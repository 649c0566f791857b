"""One task instance of the run: how long, compared with its latest ones, tries, waits, who held it.

    URL (task_id, map_index)  ->  instance, tries, history, limits  ->  a panel over the tabs
"""

from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from dashboards import airflow_links, charts, frame, html_tables, links, theme
from dashboards import format as fmt
from dashboards.markup import Markup, joined, write
from dashboards.panels import run_task_waits
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_terms import MICRO, Row, between

HISTORY = 30
OUTCOMES = {"lost": "its process died unseen", "retried": "failed, another try followed",
            "open": "not ended", "unknown": "its end is not recorded"}


def draw(subject: Subject, task_id: str, map_index: int, view: str) -> None:
    """The panel of the instance that the URL names."""
    found = subject.instances.filter(
        (pl.col("task_id") == task_id) & (pl.col("map_index") == map_index))
    close = links.link("run", "Close this task ✕", **subject.named, view=view)
    if found.is_empty():
        frame.say('<div class="ws-panel">This run has no instance of <span class="ws-id">{task}'
                  "</span>{index}. {close}</div>", task=task_id, close=close,
                  index=f" [{map_index}]" if map_index >= 0 else "")
        return
    row = found.row(0, named=True)
    history = subject.page.reader.rows(
        "run__task_history", **subject.named, task_id=task_id, map_index=map_index,
        state="success", left_out_kind="backfill", row_limit=HISTORY,
        before=subject.run["started_at"] or subject.as_of)
    with st.container(border=True, key="run_task"):
        _heading(subject, row, close)
        _sentence(subject, row, history)
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _strip(subject, row, history)
            _tries(subject, row)
        with right:
            _facts(subject, row)
        run_task_waits.draw(subject, row)


def _heading(subject: Subject, row: dict[str, Any], close: Markup) -> None:
    name = row["task_id"] if row["map_index"] < 0 else f"{row['task_id']} [{row['map_index']}]"
    cluster = subject.page.cluster(subject.cluster)
    address = airflow_links.task(
        cluster.get("base_url"), cluster.get("airflow_version"),
        (subject.dag_id, subject.run_id, row["task_id"], row["map_index"]),
        subject.run["logical_at"])
    state = theme.state(row["state"])
    index = None if row["map_index"] < 0 else row["map_index"]
    frame.say(
        '<div class="ws-top" id="task"><div role="heading" aria-level="2"><b class="ws-id">{name}'
        '</b> <span style="color: {ink}">{state}</span> {path}</div><div class="ws-actions">{page}'
        "{airflow}{close}</div></div>", name=name, state=state.text, ink=state.ink(
            subject.page.mode), close=close,
        path=write('<span class="ws-chip">on the path</span>')
        if row["is_on_critical_path"] else "",
        page=links.link("task", "This task in all runs", cluster=subject.cluster,
                        dag_id=subject.dag_id, task_id=row["task_id"], map_index=index),
        airflow=links.outside(address, "Log in Airflow"))


def _seconds(subject: Subject, row: dict[str, Any]) -> float | None:
    """Its duration, so far while it runs; None when it did not run."""
    if not row["has_run"]:
        return None
    if row["duration_seconds"] is not None:
        return float(row["duration_seconds"])
    if row["started_at"] is None or row["state"] not in ("running", "deferred"):
        return None
    return between(row["started_at"], subject.as_of) / MICRO


def _sentence(subject: Subject, row: dict[str, Any], history: pl.DataFrame) -> None:
    seconds = _seconds(subject, row)
    if seconds is None:
        frame.say('<div class="ws-answer">It did not run{why}.</div>', why={
            "skipped": ": it was skipped", "removed": ": it is in the DAG no more",
            "upstream_failed": ": a task before it failed"}.get(row["state"] or "", " yet")
            if not row["has_run"] else ", as far as its times are recorded")
        return
    frame.say(
        '<div class="ws-answer">{verb} <b>{took}</b>{tries}, {compared}.</div>',
        verb="Ran" if row["duration_seconds"] is not None else "Runs since",
        took=fmt.duration(seconds),
        tries=f" in try {row['try_count']}" if (row["try_count"] or 0) > 1 else "",
        compared=compared(seconds, history["duration_seconds"]))


def compared(seconds: float, earlier: pl.Series) -> str:
    """A duration against its latest ones, in words."""
    lengths = earlier.drop_nulls()
    if lengths.is_empty():
        return "no earlier success to compare with"
    found = charts.strip_statistics(lengths)
    median, most = fmt.duration(found["median"]), fmt.duration(found["max"])
    words = f"usually {median} (median of its latest {len(lengths)}"
    place = f", longer than all of them: their max was {most}" if seconds > found["max"] else \
        f", shorter than all of them: their min was {fmt.duration(found['min'])}" \
        if seconds < found["min"] else f", max {most}"
    return f"{words}{place})"


def _strip(subject: Subject, row: dict[str, Any], history: pl.DataFrame) -> None:
    mine = _seconds(subject, row)
    if history.is_empty() or mine is None:
        return
    with frame.section("Among its latest {n} <span>a tick each, earlier successes without "
                       "backfills; ◆ this one</span>", n=fmt.count(history.height, "success",
                                                                   "successes")):
        st.altair_chart(
            charts.duration_strip(history, mine, zone=subject.page.zone, mode=subject.page.mode),
            width="stretch", theme=None, alt=(
                f"This instance took {fmt.duration(mine)}, "
                f"{compared(mine, history['duration_seconds'])}"))


def _tries(subject: Subject, row: dict[str, Any]) -> None:
    tries = subject.page.reader.rows(
        "run__attempts", **subject.named, task_id=row["task_id"], map_index=row["map_index"],
        row_limit=SHOWN)
    recorded = fmt.count(tries.height, "try", "tries")
    missing = row["has_missing_tries"]
    with frame.section("{n}{missing}", n=recorded,
                       missing=write(" <span>of {all}: Airflow {version} does not record the "
                                     "others</span>", all=fmt.count(row["try_count"] or 0),
                                     version=subject.version_name) if missing else ""):
        if tries.is_empty():
            frame.say('<div class="ws-under">No try of it began.</div>')
            return
        frame.say("{table}", table=html_tables.table(
            tries.iter_rows(named=True), _try_columns(subject), label="Tries of this instance"))


def _try_columns(subject: Subject) -> list[html_tables.Column]:
    column, page = html_tables.Column, subject.page
    return [
        column("Try", lambda r: str(r["try_number"])),
        column("Ended as", lambda r: write(
            '<span style="color: {ink}" title="{why}">{state}</span>',
            ink=theme.state(r["state"]).ink(page.mode), why=OUTCOMES.get(r["outcome"] or "", ""),
            state=theme.state(r["state"]).text)),
        column("Queued", lambda r: _waited(r), "right", hint="From queued to started"),
        column("Ran", lambda r: fmt.duration(r["duration_seconds"]), "right"),
        column("Started", lambda r: page.moment(r["started_at"])),
        column("Host", lambda r: write('<span class="ws-id">{host}</span>', host=r["host_name"])
               if r["host_name"] else ""),
    ]


def _waited(row: Row) -> str:
    if row["queued_at"] is None or row["started_at"] is None:
        return ""
    return fmt.duration(between(row["queued_at"], row["started_at"]) / MICRO) or "0 s"


def _facts(subject: Subject, row: dict[str, Any]) -> None:
    """What else is known of it."""
    version = subject.versions.get(row["version_key"] or "", {})
    facts: list[tuple[str, object]] = [
        ("Operator", row["operator"]), ("Pool", _pool(row)), ("Queue", row["queue"]),
        ("Host", row["host_name"]), ("External job", row["external_job_id"]),
        ("Version", _version(row, version)),
        ("Scheduled", _at(subject, row["scheduled_at"])),
        ("Queued", _at(subject, row["queued_at"])),
        ("Started", _at(subject, row["started_at"])), ("Ended", _at(subject, row["ended_at"]))]
    if row["was_marked_success"]:
        facts.append(("Marked", "a person set it to success"))
    if row["was_lost"]:
        facts.append(("Lost", "its process died unseen; its end is the last sign of life"))
    items = joined([write("<tr><th>{name}</th><td>{value}</td></tr>", name=name,
                          value=_id(value) if isinstance(value, str) and not isinstance(
                              value, Markup) else value)
                    for name, value in facts if value], "")
    frame.say('<div class="ws-scroll"><table class="ws-table"><tbody>{items}</tbody></table>'
              "</div>", items=items)


def _id(value: str) -> Markup:
    return write('<span class="ws-id">{value}</span>', value=value)


def _pool(row: dict[str, Any]) -> str:
    slots = row["pool_slot_count"] or 1
    return f"{row['pool']}, {fmt.count(slots, 'slot')}" if row["pool"] else ""


def _version(row: dict[str, Any], version: dict[str, Any]) -> str:
    if version.get("version_number") is not None:
        return f"{version['version_number']}" + (
            f", bundle {version['bundle_version']}" if version.get("bundle_version") else "")
    return (row["version_key"] or "")[:12]


def _at(subject: Subject, at: datetime | None) -> object:
    return subject.page.moment(at) if at is not None else ""
