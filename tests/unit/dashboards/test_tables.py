"""Tables: formatted text over sortable values, and nothing of a stranger obeyed."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from dashboards import tables, theme
from tests.views.snapshots import AS_OF, hostile_names, instance, run

UTC = ZoneInfo("UTC")


def _runs(*rows: dict[str, object]) -> pl.DataFrame:
    names = ("cluster", "dag_id", "run_id", "run_kind", "state", "started_at", "duration_seconds",
             "deleted_at")
    return pl.DataFrame([{n: r.get(n) for n in names} for r in rows])


def test_equal_values_may_read_differently_and_renderings_repeat() -> None:
    style = tables.runs(_runs(
        run(minutes_ago=60, seconds=3600.0),
        run(run_id="b", state="running", minutes_ago=60, seconds=None)),
        as_of=AS_OF, zone=UTC, mode="light")
    for _ in range(2):
        page = style.to_html()
        assert "1 h 00 m</td>" in page
        assert "1 h 00 m so far</td>" in page
    assert style.data["Duration"].tolist() == [3600.0, 3600.0]
    assert theme.STATES["running"].light in page


def test_a_run_that_has_not_started_says_so() -> None:
    style = tables.runs(_runs(run(state="queued", started_at=None, seconds=None)), as_of=AS_OF,
                        zone=UTC, mode="dark")
    assert "not started" in style.to_html()


def test_names_of_strangers_are_made_visible() -> None:
    style = tables.runs(_runs(*(run(n, n, cluster=n, state=n) for n in hostile_names())),
                        as_of=AS_OF, zone=UTC, mode="light")
    for column in ("State", "DAG", "Run", "Cluster"):
        assert not any("\u202e" in text or "\n" in text for text in style.data[column])


def test_task_instances_and_plain_frames() -> None:
    rows = [{k: v for k, v in instance(map_index=i).items()
             if k not in ("cluster", "dag_id", "run_id")} for i in (-1, 2)]
    style = tables.task_instances(pl.DataFrame(rows), as_of=AS_OF, zone=UTC, mode="light")
    assert style.data["Index"].isna().tolist() == [True, False]
    plain = tables.plain(
        pl.DataFrame({"at": [AS_OF, None], "n": [12345, None], "why": ["a\nb", None]}),
        {"at": "When", "n": "Rows", "why": "Why"}, zone=UTC, near=AS_OF + timedelta(hours=1))
    page = plain.to_html()
    assert "Sun 4 Mar 12:00" in page
    assert "12,345" in page
    assert "a␤b" in page
