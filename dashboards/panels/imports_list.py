"""Import errors: the sentence, the table, and one error in full.

    imports__answer   ->  "3 files do not load on 2 clusters, …"
    imports__errors   ->  a row an error; its message leads to the whole trace
    imports__chosen   ->  that trace
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from dashboards import airflow_links, frame, html_tables, links
from dashboards import format as fmt
from dashboards.markup import Markup, joined, write
from dashboards.panels import list_parts, words

BROKEN, FIXED, ALL = "broken now", "fixed", "all"
NEWEST = html_tables.Order("first_seen_at", True)
MOST_DAGS = 5
TRACE_LINES = 2000
_IS_BROKEN = {BROKEN: True, FIXED: False, ALL: None}
_KEPT = ("search", "cluster", "class", "owner", "team", "state")


@dataclass(frozen=True)
class Narrowing:
    """What the person asked for, by names of the URL; empty text means everything."""

    search: str
    cluster: str
    error_class: str
    owner: str
    team: str
    state: str

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the state is chosen."""
        return bool(self.search or self.cluster or self.error_class or self.owner or self.team)

    def parameters(self) -> dict[str, object]:
        """Parameters of the queries."""
        return {"search": self.search or None, "cluster": self.cluster or None,
                "error_class": self.error_class or None, "owner": self.owner or None,
                "team": self.team or None, "is_broken": _IS_BROKEN[self.state]}


def bar(clusters: list[str], found: dict[str, Any]) -> Narrowing:
    """Draw the filters in one row and return what they say."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small",
                      key="ws_import_filters"):
        search = list_parts.search("Search", "DAG id or file contains …")
        cluster = list_parts.choice("cluster", "Cluster", clusters, "All clusters")
        error_class = list_parts.choice(
            "class", "Error", list_parts.present(found.get("error_classes")), "All errors")
        owner = list_parts.choice("owner", "Owner", list_parts.present(found.get("owners")),
                                  "All owners")
        team = list_parts.choice("team", "Team", list_parts.present(found.get("teams")),
                                 "All teams")
        state = st.selectbox("State", list(_IS_BROKEN), key="state", bind="query-params",
                             width=140)
    return Narrowing(search, cluster, error_class, owner, team, state or BROKEN)


def sentence(page: frame.Page, counts: pl.DataFrame, near: datetime, span: str) -> Markup:
    """How many files do not load since when, and how many errors went away lately."""
    rows = counts.to_dicts()
    broken = next((r for r in rows if r["is_broken"]), None)
    fixed = next((r["error_count"] for r in rows if r["is_recent"]), 0)
    gone = write("{errors} fixed in the last {span}", span=span,
                 errors=fmt.count(fixed, "error was", "errors were")) if fixed else write(
        "none was fixed in the last {span}", span=span)
    if broken is None:
        return write('<b class="ws-good">Every DAG file loads</b>; {gone}.', gone=gone)
    return write(
        '<b class="ws-bad">{files} {verb} not load</b> on {clusters}, {since} {at}{ago}; {gone}.',
        files=fmt.count(broken["file_count"], "DAG file"),
        verb="does" if broken["file_count"] == 1 else "do",
        clusters=fmt.count(broken["cluster_count"], "cluster"),
        since="since" if broken["file_count"] == 1 else "the first since",
        at=page.moment(broken["first_seen_at"], "an unknown time"),
        ago=f" ({fmt.age(broken['first_seen_at'], near)})" if broken["first_seen_at"] else "",
        gone=gone)


def total(counts: pl.DataFrame, state: str) -> int:
    """How many errors the table is about."""
    wanted = _IS_BROKEN[state]
    kept = counts if wanted is None else counts.filter(pl.col("is_broken") == wanted)
    return int(kept["error_count"].sum())


def table(page: frame.Page, rows: pl.DataFrame, order: html_tables.Order,
          query: dict[str, str], chosen: dict[str, Any] | None) -> Markup:
    """A row an error. Its message leads to the whole trace."""
    kept = {name: query[name] for name in _KEPT if query.get(name)}
    made = html_tables.Column
    columns = [
        made("File", lambda r: _file(page, r), sort="file_path", width="11rem"),
        made("DAGs", dags, width="9rem", hint="DAGs that the file gave when it loaded last"),
        made("Owner", list_parts.owner, sort="owner"),
        made("Error", lambda r: _error(r, kept), sort="error_class", width="16rem"),
        made("First seen", lambda r: page.moment(r["first_seen_at"]), "right", "first_seen_at"),
        made("Last seen", lambda r: page.moment(r["last_seen_at"]), "right", "last_seen_at",
             hint="When Airflow recorded it last, as far as it was landed"),
        made("Fixed", lambda r: _fixed(page, r), "right", "fixed_at",
             hint="When a landing found it gone, or another error in its place"),
    ]
    sorted_rows = html_tables.in_order(rows, order).iter_rows(named=True)
    return html_tables.table(
        sorted_rows, columns, label="Import errors", order=order, query=query,
        chosen=None if chosen is None else lambda r: key(r) == key(chosen))


def key(row: html_tables.Row) -> tuple[str, str, str]:
    """What tells an error from every other."""
    return row["cluster"], row["file_path"], row["error_key"]


def order(text: str | None) -> html_tables.Order:
    """How the URL asks for the table to be sorted."""
    name = (text or "").removeprefix("-")
    if name not in ("file_path", "owner", "error_class", "first_seen_at", "last_seen_at",
                    "fixed_at"):
        return NEWEST
    return html_tables.Order(name, (text or "").startswith("-"))


def dags(row: html_tables.Row) -> Markup:
    """DAGs of the file as links."""
    names = row["dag_ids"] or []
    if not names:
        return write('<span class="ws-quiet">it never loaded</span>')
    shown = [links.link("dag", name, is_id=True, cluster=row["cluster"], dag_id=name)
             for name in names[:MOST_DAGS]]
    more = len(names) - len(shown)
    return write("{shown}{more}", shown=joined(shown),
                 more=f" and {fmt.count(more)} more" if more > 0 else "")


def first_line(text: str | None) -> str:
    """The first line of a message that says something."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def _file(page: frame.Page, row: html_tables.Row) -> Markup:
    """The file by its name, its folder and cluster beneath; the path as Airflow has it on hover."""
    folder, _, name = (row["relative_file_path"] or row["file_path"]).rpartition("/")
    return write('<span class="ws-id" title="{path}">{name}</span>{folder}'
                 '<div class="ws-hit-under">{cluster}{bundle}</div>',
                 path=row["file_path"], name=name or row["file_path"],
                 folder=write('<div class="ws-hit-under ws-id">{folder}/</div>', folder=folder)
                 if folder else Markup(""), cluster=list_parts.cluster(page, row["cluster"]),
                 bundle=write(" · bundle {name}", name=row["bundle_name"])
                 if row["bundle_name"] else Markup(""))


def _error(row: html_tables.Row, kept: dict[str, str]) -> Markup:
    where: dict[str, Any] = {**kept, "cluster": row["cluster"], "file": row["file_path"],
                             "error": row["error_key"]}
    message = fmt.shorten(first_line(row["message"]), 140)
    text = f"{row['error_class']}: {message}" if row["error_class"] and message else (
        row["error_class"] or message or "no message recorded")
    return links.link("import_errors", text, hint="The whole trace", **where)


def _fixed(page: frame.Page, row: html_tables.Row) -> Markup:
    if row["fixed_at"] is None:
        return write('<span class="ws-bad">✕ broken</span>')
    return write('<span class="ws-good">✓</span> {at}', at=page.moment(row["fixed_at"]))


def one(page: frame.Page, row: html_tables.Row, close: Markup) -> None:
    """One error in full: what, where, whose, since when, and the trace to copy."""
    home = page.cluster(row["cluster"])
    names = row["dag_ids"] or []
    where = (home.get("base_url"), home.get("airflow_version"))
    address = airflow_links.dag(*where, names[0]) if names else airflow_links.home(where[0])
    fixed = row["fixed_at"]
    frame.say(
        '<div class="ws-issue" data-fixed="{is_fixed}"><div class="ws-top">'
        '<div><b class="{ink}">{verdict}</b> {what}</div>'
        '<div class="ws-actions">{airflow}{close}</div></div>'
        '<div class="ws-under">{file} on {cluster} · {dags} · {owner} · first seen {first} · last '
        "seen {last}</div></div>",
        is_fixed="true" if fixed else "false", ink="" if fixed else "ws-bad",
        verdict=write("✓ Fixed {at}:", at=page.moment(fixed)) if fixed else "✕ Does not load:",
        what=": ".join(part for part in (row["error_class"], first_line(row["message"])) if part),
        airflow=links.outside(address, "Open in Airflow"), close=close,
        file=words.name(row["file_path"]), cluster=row["cluster"], dags=dags(row),
        owner=row["owner"] or "nobody known to own it", first=page.moment(row["first_seen_at"]),
        last=page.moment(row["last_seen_at"]))
    _trace(row["stack_trace"])


def _trace(text: str | None) -> None:
    """The trace, with a button to copy it; of a very long one the end, where it says why."""
    if not text:
        list_parts.quiet(write("Airflow recorded no trace."))
        return
    lines = text.splitlines()
    left_out = max(0, len(lines) - TRACE_LINES)
    if left_out:
        list_parts.quiet(write("The first {lines} are left out.",
                               lines=fmt.count(left_out, "line")))
    st.code("\n".join(fmt.visible(line, 2000) for line in lines[left_out:]), language=None,
            wrap_lines=True)
