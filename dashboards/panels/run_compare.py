"""Two runs of one DAG beside each other: where did the difference of their wall times come from?

    slices of this run - slices of the other  ->  a row a task, lead and tail  ->  Σ = difference

Every second of either run is in exactly one row, so that the rows add up to the difference. Tasks
off both paths are listed apart: they made neither run longer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.markup import Markup, joined, write
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_terms import MICRO, TERMS, Slice

OTHERS = 30
_AROUND = {"lead": "before the first task", "tail": "after the last task",
           "idle": "nothing ran"}


@dataclass(frozen=True)
class Difference:
    """What a task, or what lies around the tasks, took of each run; microseconds.

    Attributes:
        name: task id; for what lies around them a key of `_AROUND`.
        is_task: whether it is a task.
        waited: waiting in this run.
        ran: running in this run.
        other_waited: waiting in the other.
        other_ran: running in the other.
    """

    name: str
    is_task: bool
    waited: int
    ran: int
    other_waited: int
    other_ran: int

    @property
    def contribution(self) -> int:
        """How much longer it made this run; below 0: shorter."""
        return self.waited + self.ran - self.other_waited - self.other_ran


def differences(mine: Sequence[Slice], other: Sequence[Slice]) -> list[Difference]:
    """A row for each task of either path and for what lies around them, the largest first."""
    ours, theirs = _sums(mine), _sums(other)
    rows = [Difference(name, is_task, *ours.get((name, is_task), (0, 0)),
                       *theirs.get((name, is_task), (0, 0)))
            for name, is_task in {*ours, *theirs}]
    return sorted(rows, key=lambda d: (-abs(d.contribution), d.name))


def _sums(found: Sequence[Slice]) -> dict[tuple[str, bool], tuple[int, int]]:
    sums: dict[tuple[str, bool], tuple[int, int]] = {}
    for one in found:
        around = "lead" if one.is_lead else one.term if one.task_id is None else ""
        key = (around, False) if around else (one.task_id or "", True)
        waited, ran = sums.get(key, (0, 0))
        wait = one.length if TERMS[one.term].is_wait else 0
        sums[key] = (waited + wait, ran + one.length - wait)
    return sums


def draw(subject: Subject, other_id: str) -> None:
    """The view: which run it is compared with, the sentence, the rows."""
    if subject.run["started_at"] is None:
        frame.say('<div class="ws-under">A run that has not started cannot be compared.</div>')
        return
    others = subject.page.reader.rows(
        "run__successes", **subject.named, state="success", before=subject.run["started_at"],
        row_limit=OTHERS)
    chosen = other_id or next(
        (r["run_id"] for r in others.iter_rows(named=True) if not r["was_rerun"]), "")
    if not chosen:
        frame.screen(subject.page, "No earlier success to compare with",
                     "<p>No earlier run of this DAG succeeded, as far as is recorded.</p>")
        return
    other = Subject(subject.page, subject.cluster, subject.dag_id, chosen)
    if not other.run:
        frame.screen(subject.page, "That run is not in the warehouse",
                     "<p>{link}</p>", link=links.link(
                         "run", "Compare with the previous success", **subject.named,
                         view="compare"))
        return
    rows = differences(subject.slices("finish"), other.slices("finish"))
    _sentence(subject, other, rows)
    _choice(subject, others, chosen)
    with frame.section("What made the difference <span>by the paths of both runs; the rows add "
                       "up to {sum}</span>", sum=signed(sum(d.contribution for d in rows))):
        frame.say("{table}", table=_table(subject, rows))
    _versions(subject, other)
    _apart(subject, other)


def signed(length: int) -> str:
    """With its sign: `+2 m 10 s`; `0 s`."""
    text = fmt.duration(abs(length) / MICRO) or "0 s"
    return text if not length else f"+{text}" if length > 0 else f"\N{MINUS SIGN}{text}"


def _sentence(subject: Subject, other: Subject, rows: Sequence[Difference]) -> None:
    change = sum(d.contribution for d in rows)
    largest = [d for d in rows if d.contribution and (d.contribution > 0) == (change > 0)][:2]
    frame.say(
        '<div class="ws-answer"><b>{change}</b> {than} {other} of {at}{why}.</div>',
        change=fmt.duration(abs(change) / MICRO) if change else "As long",
        than="longer than" if change > 0 else "shorter than" if change else "as",
        other=links.link("run", other.run_id, is_id=True, **other.named),
        at=subject.page.moment(other.run["started_at"]),
        why=write(": {pieces}", pieces=joined([
            write("{name} {change}", name=_name(subject, d), change=signed(d.contribution))
            for d in largest])) if largest else "")


def _choice(subject: Subject, others: pl.DataFrame, chosen: str) -> None:
    """Links to the comparison with each of the latest successes."""
    items = joined([
        write('<span class="ws-chip">{link}</span>', link=links.link(
            "run", fmt.instant(r["started_at"], subject.page.zone, near=subject.as_of),
            hint=r["run_id"], **subject.named, view="compare", other=r["run_id"]))
        for r in others.iter_rows(named=True) if r["run_id"] != chosen], " ")
    if items:
        frame.say('<details><summary class="ws-under">Compare with another success</summary>'
                  "<p>{items}</p></details>", items=items)


def _name(subject: Subject, row: Difference) -> Markup:
    if row.is_task:
        return subject.task_link(row.name, view="compare")
    return write("{word}", word=_AROUND[row.name])


def _table(subject: Subject, rows: Sequence[Difference]) -> Markup:
    column = html_tables.Column
    most = max((abs(d.contribution) for d in rows), default=0) or 1
    cells = [{"row": d} for d in rows[:SHOWN]]
    return html_tables.table(cells, [
        column("Task", lambda r: _name(subject, r["row"])),
        column("Made it longer by", lambda r: _change(r["row"].contribution), "right"),
        column("", lambda r: _bar(r["row"].contribution, most), width="10rem"),
        column("Ran", lambda r: _took(r["row"].ran), "right"),
        column("Ran before", lambda r: _took(r["row"].other_ran), "right"),
        column("Waited", lambda r: _took(r["row"].waited), "right"),
        column("Waited before", lambda r: _took(r["row"].other_waited), "right"),
    ], label="Differences between the two runs by task")


def _took(length: int) -> str:
    return fmt.duration(length / MICRO) if length else ""


def _change(length: int) -> Markup:
    return write('<span class="{ink}" title="{exact} s">{text}</span>', text=signed(length),
                 ink="ws-more" if length > 0 else "ws-less" if length < 0 else "",
                 exact=f"{length / MICRO:+,.3f}")


def _bar(length: int, most: int) -> Markup:
    return write('<span class="ws-fall"><span class="ws-seg {kind}" style="left:{left};width:'
                 '{width}"></span></span>', kind="ws-delta-more" if length > 0 else "ws-delta-less",
                 left=Markup("50%" if length > 0 else f"{50 - 50 * abs(length) / most:.2f}%"),
                 width=Markup(f"{50 * abs(length) / most:.2f}%"))


def _versions(subject: Subject, other: Subject) -> None:
    mine, theirs = subject.version_key, other.version_key
    if mine == theirs:
        frame.say('<div class="ws-under">Both ran the same version of the DAG, as far as is '
                  "known.</div>" if mine else
                  '<div class="ws-under">No structure of the DAG was read, so versions cannot be '
                  "compared.</div>")
        return
    new, old = (subject.versions.get(k or "", {}) for k in (mine, theirs))
    changed = [word for word, column in _CHANGES.items() if new.get(column) != old.get(column)]
    frame.say('<div class="ws-under">Version {old} then, {new} now; changed: {changed}.</div>',
              old=version_name(old), new=version_name(new),
              changed=", ".join(changed) or "nothing that is compared")


_CHANGES = {"tasks and edges": "graph_hash", "structure": "structure_hash", "source": "source_hash",
            "bundle": "bundle_version"}


def version_name(version: Mapping[str, Any]) -> str:
    """Airflow's number of a version, else the begin of its hash."""
    if version.get("version_number") is not None:
        return str(version["version_number"])
    return str(version.get("version_key") or "unknown")[:8]


def _apart(subject: Subject, other: Subject) -> None:
    """Tasks that only one of the runs has."""
    mine, theirs = (set(one.instances["task_id"]) for one in (subject, other))
    for words, names in (("Only in this run", mine - theirs), ("Only then", theirs - mine)):
        if names:
            first = sorted(names)[:20]
            more = fmt.count(len(names) - len(first)) if len(names) > len(first) else ""
            with st.container():
                frame.say('<div class="ws-under">{words}: {names}{more}</div>', words=words,
                          names=joined([write('<span class="ws-id">{n}</span>', n=n)
                                        for n in first]), more=f" and {more} more" if more else "")
