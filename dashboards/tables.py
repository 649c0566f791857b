"""Frames as tables people read: formatted, coloured by state, safe. Polars in, pandas at the rim.

Numbers and instants keep their values under the text, so that a click on a heading sorts them.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
from pandas.io.formats.style import Styler

from dashboards import format as fmt
from dashboards import freshness, theme

_INK = {"fresh": "good", "frozen": "muted", "stale": "caution", "failing": "bad"}


def clusters(frame: pl.DataFrame, verdicts: Mapping[str, freshness.Freshness],
             warning_counts: Mapping[str, int], *, now: datetime, zone: ZoneInfo,
             mode: theme.Mode) -> Styler:
    """The clusters of a `frame__clusters` frame with the verdict on each."""
    rows = list(frame.iter_rows(named=True))
    palette = theme.PALETTES[mode]

    def moment(column: str, missing: str) -> list[str]:
        return [f"{fmt.instant(r[column], zone, near=now)} · {fmt.age(r[column], now)}"
                if r[column] else missing for r in rows]

    return _styled({
        "Data": [verdicts[r["cluster"]].label for r in rows],
        "Cluster": [r["cluster"] for r in rows],
        "Airflow": [f"{r['airflow_version'] or 'unknown'}" for r in rows],
        "Kind": [r["kind"] for r in rows],
        "Data as of": [r["newest_row_at"] for r in rows],
        "Scheduler heartbeat": moment("scheduler_heartbeat_at", "no scheduler ever ran"),
        "Replication lag": [fmt.duration(r["replication_lag_seconds"]) or "no replica"
                            for r in rows],
        "Warnings": [warning_counts.get(r["cluster"], 0) for r in rows],
        "Loaded": [r["loaded_at"] for r in rows],
        "Database": [r["dialect"] for r in rows],
    }, {
        "Data as of": moment("newest_row_at", "never"),
        "Warnings": [fmt.count(warning_counts.get(r["cluster"], 0)) for r in rows],
        "Loaded": [fmt.instant(r["loaded_at"], zone, near=now) for r in rows],
    }, {"Data": [getattr(palette, _INK[verdicts[r["cluster"]].verdict]) for r in rows]})


def plain(frame: pl.DataFrame, headings: Mapping[str, str], *, zone: ZoneInfo,
          near: datetime) -> Styler:
    """A frame as it is: `headings` names its columns, in order; instants on the viewer's clock."""
    values, shown = {}, {}
    for column, heading in headings.items():
        values[heading] = frame[column].to_list()
        if frame.schema[column].is_temporal():
            shown[heading] = [fmt.instant(v, zone, near=near) or "not known"
                              for v in values[heading]]
        elif frame.schema[column].is_numeric():
            shown[heading] = ["" if v is None else fmt.count(int(v)) for v in values[heading]]
    return _styled(values, shown, {})


def _styled(values: Mapping[str, list[Any]], shown: Mapping[str, list[str]],
            inks: Mapping[str, list[str]]) -> Styler:
    """A styled pandas frame: `shown` replaces what is displayed, `inks` colours the text."""
    safe = {heading: [fmt.visible(v) if isinstance(v, str) else v for v in column]
            for heading, column in values.items()}
    frame = pd.DataFrame(safe)
    style = Styler(frame)
    for heading, texts in shown.items():
        # a format function sees the value only; equal values differ in text ("so far"), so each
        # call takes the next row's. Every rendering asks for all rows in order, hence the cycle.
        replacing = cycle(texts)
        style = style.format(lambda _value, texts=replacing: next(texts), subset=[heading])
    for heading, colours in inks.items():
        style = style.apply(lambda _column, colours=colours: [
            f"color: {colour}" for colour in colours], subset=[heading])
    return style
