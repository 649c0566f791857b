"""The hits of Discover as a table: what it is, how it ran, and ways on.

    rows of search__hits  ->  columns of html_tables
"""

from typing import Any
from urllib.parse import quote

from dashboards import airflow_links, frame, html_tables, links, search_box, theme
from dashboards import format as fmt
from dashboards.markup import Markup, joined, write

MARKS = 10
# column of the table -> place in the list by which search__hits sorts, from 1
SORTS = {"last_run_started_at": 1, "next_run_at": 2, "last_run_seconds": 3}
NEWEST = html_tables.Order("last_run_started_at", True)
LIKELIEST = html_tables.Order("", True)
_WORDS = {
    ("last_run_started_at", True): "most recently run first",
    ("last_run_started_at", False): "longest not run first",
    ("next_run_at", True): "last to run next first", ("next_run_at", False): "next to run first",
    ("last_run_seconds", True): "longest last run first",
    ("last_run_seconds", False): "shortest last run first",
}


def order(asked: str | None, text: str) -> html_tables.Order:
    """How the hits are sorted: as the URL asks, else the likeliest of a text, else the newest."""
    name = (asked or "").removeprefix("-")
    if name in SORTS:
        return html_tables.Order(name, (asked or "").startswith("-"))
    return LIKELIEST if text else NEWEST


def order_parameters(wanted: html_tables.Order) -> dict[str, object]:
    """The order as parameters of search__hits."""
    return {"is_ranked": wanted == LIKELIEST, "sorted_by": SORTS.get(wanted.column),
            "direction": 1 if wanted.is_descending else -1}


def order_words(wanted: html_tables.Order) -> str:
    """The order as a person says it."""
    return _WORDS.get((wanted.column, wanted.is_descending), "likeliest first")


def table(page: frame.Page, rows: list[dict[str, Any]], wanted: html_tables.Order,
          query: dict[str, str], *, label: str) -> Markup:
    """The hits as a table; columns that say nothing of them are left out."""
    return html_tables.table(rows, _columns(page, rows), label=label, order=wanted, query=query)


def _columns(page: frame.Page, rows: list[dict[str, Any]]) -> list[html_tables.Column]:
    made = html_tables.Column
    columns = [
        made("DAG or task", name, width="15rem"),
        made("Cluster", cluster),
        made("Schedule", schedule),
        made("Owner", owner),
        made("Tier", lambda r: r["tier"], align="right", hint="1 is the most critical"),
        made("Last runs", lambda r: marks(page, r), hint="Oldest to newest; each is a link"),
        made("Last run", lambda r: _last(page, r), sort="last_run_started_at", align="right"),
        made("Took", lambda r: took(page, r), sort="last_run_seconds", align="right",
             hint="The last run against the median of the latest 30 successes"),
        made("Next run", lambda r: _next(page, r), sort="next_run_at", align="right"),
        made("", lambda r: _airflow(page, r)),
    ]
    said = {"Tier": "tier", "Owner": "owner", "Next run": "next_run_at"}
    return [c for c in columns
            if c.heading not in said or any(r[said[c.heading]] is not None for r in rows)
            if c.heading or any(_airflow(page, r) for r in rows)]


def name(row: html_tables.Row) -> Markup:
    """The entry as a link, what is special about it, and what it belongs to."""
    is_task = row["entry_kind"] == "task"
    chips = [text for text, is_so in (
        ("gone", not row["is_current"]), ("paused", bool(row["is_paused"])),
        ("import error", bool(row["has_import_errors"]))) if is_so]
    under = [write('<span class="ws-quiet">task of</span> {dag}',
                   dag=links.link("dag", row["dag_id"], is_id=True, cluster=row["cluster"],
                                  dag_id=row["dag_id"]))] if is_task else []
    if is_task and row["operator"]:
        under.append(write("{operator}", operator=row["operator"]))
    if not is_task and row["display_name"] != row["dag_id"]:
        under.append(write("{name}", name=row["display_name"]))
    if not is_task and row["task_count"]:
        under.append(write("{n}", n=fmt.count(row["task_count"], "task")))
    return write(
        '<a class="ws-link ws-id ws-hit" href="{href}" title="{hint}">{text}</a> {chips}'
        '<div class="ws-hit-under">{under}</div>',
        href=Markup(fmt.escape(search_box.href(row), limit=8000)), text=row["entry_name"],
        hint=row["description"] or "", under=joined(under, " · "),
        chips=joined([write('<span class="ws-chip">{text}</span>', text=text)
                      for text in chips], " "))


def cluster(row: html_tables.Row) -> Markup:
    """The cluster, and its kind when that is not production."""
    if row["cluster_kind"] == "prod":
        return write("{name}", name=row["cluster"])
    return write('{name} <span class="ws-chip">{kind}</span>', name=row["cluster"],
                 kind=row["cluster_kind"])


def schedule(row: html_tables.Row) -> Markup:
    """When it runs, with Airflow's own words on hover."""
    if not row["schedule"]:
        return write('<span class="ws-quiet">none</span>')
    return write('<span title="{words}">{text}</span>', text=row["schedule"],
                 words=row["schedule_description"] or "")


def owner(row: html_tables.Row) -> Markup:
    """Who answers for it."""
    return write('<div class="ws-owner">{owner}</div><div class="ws-hit-under">{team}</div>',
                 owner=row["owner"] or "", team=row["team"] or "")


def marks(page: frame.Page, row: html_tables.Row) -> Markup:
    """The latest runs as coloured signs, oldest first, each a link; of a task its DAG's last."""
    runs = row["latest_runs"]
    if runs is None:
        runs = [{"run_id": row["last_run_id"], "state": row["last_run_state"],
                 "started_at": row["last_run_started_at"],
                 "duration_seconds": row["last_run_seconds"]}] if row["last_run_id"] else []
    if not runs:
        return write('<span class="ws-quiet">never ran</span>')
    of_dag = links.to("run", cluster=row["cluster"], dag_id=row["dag_id"])
    return write('<span class="ws-marks">{marks}</span>', marks=Markup("".join(
        _mark(page, run, of_dag) for run in runs[-MARKS:])))


def _mark(page: frame.Page, run: dict[str, Any], of_dag: str) -> str:
    """One run. Thousands of them stand on a page, so it is put together by hand, escaped."""
    state = theme.state(run["state"])
    ink = f"state-{run['state']}" if run["state"] in theme.STATES else "muted"
    hint = fmt.escape(" · ".join(part for part in (
        state.label, fmt.instant(run["started_at"], page.zone, near=page.now) or "not started",
        fmt.duration(run["duration_seconds"])) if part))
    href = fmt.escape(f"{of_dag}&run_id={quote(run['run_id'], safe='')}", limit=8000)
    return (f'<a class="ws-link" style="color:var(--ws-{ink})" href="{href}" title="{hint}" '
            f'aria-label="{hint}">{state.glyph}</a>')


def took(page: frame.Page, row: html_tables.Row) -> Markup:
    """How long the last run took, or runs so far, against what is usual; of a task the usual."""
    usual = ""
    if row["median_seconds"] is not None:
        usual = (f"usually {fmt.duration(row['median_seconds'])} "
                 f"(n {fmt.count(row['sample_count'])})")
    last = fmt.duration(row["last_run_seconds"])
    now = page.as_of(row["cluster"])
    if row["last_run_state"] == "running" and row["last_run_started_at"] and now:
        last = f"{fmt.duration(fmt.seconds(row['last_run_started_at'], now))} so far"
    if row["entry_kind"] == "task":
        last = ""
    return write('{last}<div class="ws-hit-under">{usual}</div>', last=last, usual=usual)


def _last(page: frame.Page, row: html_tables.Row) -> Markup:
    queued = "queued" if row["last_run_id"] else ""
    return page.moment(row["last_run_started_at"], queued)


def _next(page: frame.Page, row: html_tables.Row) -> Markup:
    """When it runs next; a paused DAG does not, whatever Airflow keeps as its date."""
    if row["is_paused"] and row["next_run_at"] is not None:
        return write('<span class="ws-quiet">paused</span>')
    return page.moment(row["next_run_at"], "")


def _airflow(page: frame.Page, row: html_tables.Row) -> Markup:
    known = page.cluster(row["cluster"])
    return links.outside(
        airflow_links.dag(known.get("base_url"), known.get("airflow_version"), row["dag_id"]),
        "Airflow", hint="The DAG on Airflow's own pages")
