"""When each cluster was landed, and where that failed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import altair as alt
import polars as pl

from dashboards import format as fmt
from dashboards import theme
from dashboards.charts.base import ROW_PIXELS, between, dressed, short, time_axis, wall


def landings(frame: pl.DataFrame, failures: pl.DataFrame, *, bucket: timedelta, since: datetime,
             until: datetime, zone: ZoneInfo, mode: theme.Mode) -> alt.LayerChart:
    """When each cluster was landed, and where a landing failed.

    Args:
        frame: cluster, bucket_at (instant), load_count, row_count; a row per cluster and bucket.
        failures: cluster, failed_at (instant); those before `since` are left out.
        bucket: width of a bucket.
        since: left end (instant).
        until: right end (instant).
        zone: the viewer's.
        mode: light or dark.
    """
    good = pl.DataFrame([{
        "cluster": short(r["cluster"]), "at": wall(r["bucket_at"], zone),
        "to": wall(r["bucket_at"] + bucket, zone), "loads": r["load_count"],
        "rows": r["row_count"], "label": between(r["bucket_at"], r["bucket_at"] + bucket, zone),
    } for r in frame.iter_rows(named=True)], schema={
        "cluster": pl.String, "at": pl.Int64, "to": pl.Int64, "loads": pl.Int64, "rows": pl.Int64,
        "label": pl.String})
    bad = pl.DataFrame([{
        "cluster": short(r["cluster"]), "at": wall(r["failed_at"], zone),
        "label": fmt.instant(r["failed_at"], zone), "what": "failed landing",
    } for r in failures.iter_rows(named=True) if r["failed_at"] >= since], schema={
        "cluster": pl.String, "at": pl.Int64, "label": pl.String, "what": pl.String})
    palette = theme.PALETTES[mode]
    domain = [wall(since, zone), wall(until + bucket, zone)]
    x = time_axis("at", f"landed, {fmt.zone_label(zone, until)}", domain)
    y = alt.Y("cluster:N", title=None, axis=alt.Axis(labelLimit=230, ticks=False, domain=False))
    landed = alt.Chart(good).mark_bar(height={"band": 0.5}, color=palette.accent).encode(
        x=x, x2="to:T", y=y, tooltip=[
            alt.Tooltip("cluster:N"), alt.Tooltip("label:N", title="landed"),
            alt.Tooltip("loads:Q", format=","), alt.Tooltip("rows:Q", format=",")])
    failed = alt.Chart(bad).mark_text(text="✕", size=14, color=palette.bad, fontWeight=700).encode(
        x=x, y=y, tooltip=[alt.Tooltip("cluster:N"), alt.Tooltip("what:N"),
                           alt.Tooltip("label:N", title="at")])
    return dressed(alt.LayerChart(layer=[landed, failed], height=alt.Step(ROW_PIXELS)), mode)
