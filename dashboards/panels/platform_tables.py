"""Tables of the Platform page: clusters with their components, and what arrived broken.

    frame__clusters + verdicts + platform__components  ->  a row a cluster
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from dashboards import airflow_links, frame, freshness, html_tables, links
from dashboards import format as fmt
from dashboards.markup import Markup, joined, write
from dashboards.panels import list_parts

Row = Mapping[str, Any]
_INKS = {"fresh": "ws-good", "frozen": "ws-quiet", "stale": "ws-caution", "failing": "ws-bad"}
_SIGNS = {"alive": ("✓", "ws-good"), "silent": ("✕", "ws-bad"), "stopped": ("○", "ws-quiet")}
KINDS = {"scheduler": "scheduler", "dag_processor": "DAG processor", "triggerer": "triggerer"}
FIRST_TRIGGERER = (2, 2)
OWN_PROCESSOR = (3, 0)      # from here on a DAG processor always runs by itself
_WIDTHS = {"message": "12rem", "reason": "12rem", "warning": "12rem", "error_class": "9rem",
           "row_flag": "9rem", "table_name": "8rem", "model_name": "9rem"}
MEASURES = {"dag_run_count": "DAG runs", "task_instance_count": "task instances",
            "active_user_count": "active users", "ui_api_request_count": "audited requests"}


def clusters(page: frame.Page, components: pl.DataFrame,
             warning_counts: Mapping[str, int]) -> Markup:
    """A row a cluster: what it is, how far its data reaches, what of it is alive."""
    found: dict[str, list[Row]] = {}
    for row in components.iter_rows(named=True):
        found.setdefault(row["cluster"], []).append(row)
    made = html_tables.Column
    return html_tables.table(page.clusters, [
        made("Cluster", lambda r: _cluster(page, r), width="11rem"),
        made("Data", lambda r: _verdict(page.verdicts[r["cluster"]])),
        made("Data as of", lambda r: _moment(page, r["newest_row_at"], "never"), "right"),
        made("Components", lambda r: _components(page, r, found.get(r["cluster"], [])),
             width="13rem",
             hint="What leaves heartbeats in Airflow's database; web servers and workers do not"),
        made("Replication lag", lambda r: fmt.duration(r["replication_lag_seconds"])
             or "no replica", "right"),
        made("Warnings", lambda r: fmt.count(warning_counts.get(r["cluster"], 0)), "right",
             hint="What the schema has that Windsock does not know, or lacks"),
        made("Loaded", lambda r: page.moment(r["loaded_at"]), "right"),
    ], label="Clusters")


def _cluster(page: frame.Page, row: Row) -> Markup:
    return write(
        '{name}{chip}<div class="ws-hit-under">Airflow {version} · {database} {airflow}</div>',
        name=links.link("discover", row["cluster"], is_id=True, cluster=row["cluster"],
                        hint="Its DAGs"),
        chip=Markup("") if row["kind"] in (None, "prod") else
        write(' <span class="ws-chip">{kind}</span>', kind=row["kind"]),
        version=row["airflow_version"] or "of unknown version",
        database=row["dialect"] or "unknown database",
        airflow=links.outside(airflow_links.home(page.cluster(row["cluster"]).get("base_url")),
                              "Airflow"))


def _verdict(one: freshness.Freshness) -> Markup:
    return write('<span class="{ink}" style="white-space: nowrap">{text}</span>',
                 ink=Markup(_INKS[one.verdict]), text=one.label)


def _moment(page: frame.Page, at: Any, missing: str) -> Markup:
    if at is None:
        return write("{missing}", missing=missing)
    return write('{at}<div class="ws-hit-under">{age}</div>', at=page.moment(at),
                 age=fmt.age(at, page.now))


def _components(page: frame.Page, row: Row, found: Sequence[Row]) -> Markup:
    """Each kind with its state and newest heartbeat, or why none is recorded."""
    by_kind = {one["component_kind"]: one for one in found}
    lines = [_component(page, row, kind, by_kind.get(kind)) for kind in KINDS]
    return write("{lines}", lines=joined([line for line in lines if line], ""))


def _component(page: frame.Page, row: Row, kind: str, one: Row | None) -> Markup:
    if one is None:
        return write('<div class="ws-quiet">{why}</div>', why=missing(kind, row))
    if row.get("is_frozen"):
        return write('<div><span class="ws-quiet">❄</span> {kind} <span class="ws-quiet">last beat '
                     "{at}</span></div>", kind=KINDS[kind],
                     at=page.moment(one["latest_heartbeat_at"]))
    sign, ink = _SIGNS.get(one["state"], ("?", "ws-quiet"))
    count = one["alive_count"]
    many = f", {fmt.count(count)} of them" if count > 1 else ""
    return write(
        '<div><span class="{ink}">{sign}</span> {kind}{many} <span class="ws-quiet">{state}, last '
        "beat {at}</span></div>", ink=Markup(ink), sign=sign, kind=KINDS[kind], many=many,
        state=one["state"], at=page.moment(one["latest_heartbeat_at"]))


def missing(kind: str, row: Row) -> str:
    """Why a cluster has no heartbeat of a kind: the release, or that none ever ran."""
    version = airflow_links.release(row["airflow_version"])
    name = KINDS[kind]
    if not row["airflow_version"] and kind != "scheduler":
        return f"no {name} recorded"
    if kind == "triggerer" and version < FIRST_TRIGGERER:
        return f"{name}: not there before Airflow 2.2"
    if kind == "dag_processor" and version < OWN_PROCESSOR:
        return f"{name}: part of the scheduler"
    return f"no {name} ever ran"


def listing(page: frame.Page, rows: Iterable[Row], headings: Mapping[str, str],
            label: str) -> Markup:
    """Rows as they are: `headings` names their columns, in order."""
    return html_tables.table(rows, [
        html_tables.Column(heading, _plain(page, column),
                           "right" if column.endswith(("_count", "_at")) else "left",
                           width=_WIDTHS.get(column, ""))
        for column, heading in headings.items()], label=label)


def _plain(page: frame.Page, column: str) -> Any:
    if column.endswith("_at"):
        return lambda row: page.moment(row[column], "not known")
    if column.endswith("_count"):
        return lambda row: "" if row[column] is None else fmt.count(int(row[column]))
    if column == "cluster":
        return lambda row: list_parts.cluster(page, row["cluster"])
    return lambda row: row[column]
