"""What changed a DAG: its versions, what people did to it, and what kept its file from parsing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.html_tables import Column
from dashboards.markup import Markup, joined, write
from dashboards.panels import words

Row = Mapping[str, Any]
VERSION_LIMIT, CHANGE_LIMIT, EVENT_LIMIT, ERROR_LIMIT = 50, 2000, 300, 30
_SHOWN_CHANGES = 10
_TRACE_LINES = 400
_DAG_WIDE = {"source_changed": "source of the file changed", "bundle_changed": "bundle changed",
             "other_changed": "arguments or texts changed that are not compared"}


def change(row: Row) -> Markup:
    """One row of fct_dag_version_changes in words."""
    kind, task = row["change_kind"], words.name(row["task_id"])
    if kind == "task_added":
        return write('<b class="ws-good">+</b> task {task}{what}', task=task,
                     what=f" ({row['new_value']})" if row["new_value"] else "")
    if kind == "task_removed":
        return write('<b class="ws-bad">\N{MINUS SIGN}</b> task {task}{what}', task=task,
                     what=f" ({row['old_value']})" if row["old_value"] else "")
    if kind == "edge_added":
        return write('<b class="ws-good">+</b> {first} → {then}', then=task,
                     first=words.name(row["other_task_id"]))
    if kind == "edge_removed":
        return write('<b class="ws-bad">\N{MINUS SIGN}</b> {first} → {then}', then=task,
                     first=words.name(row["other_task_id"]))
    values = write(": {old} → {new}", old=_value(row["old_value"], kind),
                   new=_value(row["new_value"], kind))
    if kind in _DAG_WIDE:
        return write("{text}{values}", text=_DAG_WIDE[kind],
                     values=values if row["new_value"] is not None else "")
    return write("{task}{field}{values}", field=row["field_name"] or kind, values=values,
                 task=write("{task} ", task=task) if row["task_id"] else "")


def _value(text: str | None, kind: str) -> Markup:
    """A value; of a hash or a commit the begin is enough to tell it from another."""
    limit = 12 if kind in _DAG_WIDE else 80
    return words.name(fmt.shorten(text, limit)) if text is not None else write("not set")


def changes(rows: Sequence[Row]) -> Markup:
    """Changes below each other; many are folded behind the first ones."""
    def listed(some: Iterable[Row]) -> Markup:
        return write('<ul class="ws-changes">{items}</ul>', items=joined(
            [write("<li>{change}</li>", change=change(row)) for row in some], ""))

    if len(rows) <= _SHOWN_CHANGES:
        return listed(rows)
    return write("{first}<details><summary>{rest} more</summary>{others}</details>",
                 first=listed(rows[:_SHOWN_CHANGES]), rest=fmt.count(len(rows) - _SHOWN_CHANGES),
                 others=listed(rows[_SHOWN_CHANGES:]))


def version_name(row: Row) -> str:
    """`v3` where Airflow numbers versions, else the begin of the hash."""
    number = row.get("version_number")
    return f"v{number}" if number is not None else fmt.shorten(row["version_key"], 12)


def versions(page: frame.Page, found: pl.DataFrame, changed: pl.DataFrame) -> Markup:
    """The versions, newest first, and what each has otherwise than the one before it."""
    by_version = {key[0]: part.to_dicts() for key, part in changed.group_by(
        "version_key", maintain_order=True)}
    oldest = found["version_key"][-1]

    def what(row: Row) -> Markup:
        rows = by_version.get(row["version_key"])
        if rows:
            return changes(rows)
        return write('<span class="ws-quiet">{why}</span>', why=(
            "its structure was never read" if row["version_basis"] == "runs" else
            "the first one known" if row["version_key"] == oldest else
            "nothing to compare it with"))

    return html_tables.table(found.iter_rows(named=True), [
        Column("Version", lambda row: write(
            '<span title="{key}">{name}</span>{now}', key=row["version_key"],
            name=words.name(version_name(row)),
            now=write(' <span class="ws-chip">now</span>') if row["is_latest"] else "")),
        Column("Since", lambda row: page.moment(row["first_seen_at"], "not known")),
        Column("What changed", what, width="20rem"),
        Column("Tasks", lambda row: _number(row["task_count"]), "right"),
        Column("Edges", lambda row: _number(row["edge_count"]), "right"),
        Column("Bundle", lambda row: row["bundle_version"] and words.name(
            fmt.shorten(row["bundle_version"], 12))),
        Column("Source", lambda row: row["source_hash"] and words.name(row["source_hash"][:8]),
               hint="MD5 of the file's source: equal means the same file"),
    ], label="Versions")


def _number(value: int | None) -> str:
    return "" if value is None else fmt.count(value)


def audit(page: frame.Page, dag: Row, events: pl.DataFrame) -> Markup:
    """Who did what when, newest first."""
    here = {"cluster": dag["cluster"], "dag_id": dag["dag_id"]}
    return html_tables.table(events.iter_rows(named=True), [
        Column("When", lambda row: page.moment(row["happened_at"])),
        Column("Who", lambda row: write('{who} <span class="ws-quiet">{kind}</span>',
                                        who=row["actor_name"] or "not recorded",
                                        kind=row["event_kind"])),
        Column("What", lambda row: write("{name}{more}", name=words.name(row["event_name"]),
                                         more=_outcome(row))),
        Column("On", lambda row: _target(row, here)),
    ], label="Audit log")


def _outcome(row: Row) -> Markup:
    if row["is_paused"] is not None:
        return write(" → {text}", text="paused" if row["is_paused"] else "unpaused")
    if row["new_state"]:
        return write(" → {state}", state=words.state(row["new_state"]))
    return write(" (dry run: nothing changed)") if row["is_dry_run"] else Markup("")


def _target(row: Row, here: Mapping[str, str]) -> Markup:
    run_id, task_id, index = row["run_id"], row["task_id"], row["map_index"]
    name = task_id if index is None or index < 0 else f"{task_id} [{index}]"
    if run_id and task_id:
        return links.link("run", name, is_id=True, run_id=run_id, task_id=task_id, hint=run_id,
                          map_index=None if index is None or index < 0 else index, **here)
    if run_id:
        return links.link("run", run_id, is_id=True, run_id=run_id, **here)
    if task_id:
        return links.link("task", task_id, is_id=True, task_id=task_id, **here)
    return write("the DAG")


def import_errors(page: frame.Page, found: pl.DataFrame) -> Markup:
    """Each error: whether it stands, since when, what it says, and the whole trace folded."""
    return joined([_import_error(page, row) for row in found.iter_rows(named=True)], "")


def _import_error(page: frame.Page, row: Row) -> Markup:
    fixed = row["fixed_at"]
    return write(
        '<div class="ws-issue" data-fixed="{is_fixed}"><div><b class="{ink}">{verdict}</b> '
        '{what}</div><div class="ws-under">{file} · first seen {first} · last seen {last}</div>'
        "{trace}</div>", is_fixed="true" if fixed else "false", ink="" if fixed else "ws-bad",
        verdict=write("Fixed {at}:", at=page.moment(fixed)) if fixed else "Stands:",
        what=write("{kind}{message}", kind=row["error_class"] or "",
                   message=f"{': ' if row['error_class'] else ''}{row['message'] or ''}"),
        file=words.name(row["file_path"]), first=page.moment(row["first_seen_at"]),
        last=page.moment(row["last_seen_at"]), trace=trace(row["stack_trace"]))


def trace(text: str | None) -> Markup:
    """A stack trace folded, line by line; of a very long one the last lines."""
    if not text:
        return Markup("")
    lines = text.splitlines()
    left_out = max(0, len(lines) - _TRACE_LINES)
    escaped = [fmt.escape(line, limit=2000) for line in lines[left_out:]]
    return write('<details><summary>{title}</summary><pre class="ws-d-trace" tabindex="0">'
                 "{text}</pre></details>", text=Markup("\n".join(escaped)),
                 title=f"Stack trace, {fmt.count(len(escaped), 'line')}"
                 + (f" (the last of {fmt.count(len(lines))})" if left_out else ""))


def task_changes(page: frame.Page, found: pl.DataFrame) -> Markup:
    """What changed in one task, newest first."""
    return html_tables.table(found.iter_rows(named=True), [
        Column("Since", lambda row: page.moment(row["changed_at"], "not known")),
        Column("Version", lambda row: write(
            '<span title="{key}">{name}</span>', key=row["version_key"],
            name=words.name(fmt.shorten(row["version_key"], 12)))),
        Column("What changed", change, width="20rem")], label="Changes")
