"""The tasks of a DAG with their statistics, and those that needed more than one try."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import frame, html_tables, links
from dashboards.html_tables import Column, Order
from dashboards.markup import Markup, joined, write
from dashboards.panels import words

Row = Mapping[str, Any]
ROW_LIMIT, ATTEMPT_LIMIT = 300, 20_000
LONGEST = Order("median_seconds", is_descending=True)
MOST_LOST = Order("lost_seconds", is_descending=True)


def with_statistics(tasks: pl.DataFrame, durations: pl.DataFrame,
                    model: pl.DataFrame) -> pl.DataFrame:
    """The tasks that the DAG has now, beside how long they take and what hangs on them.

    Args:
        tasks: dag__tasks; those of older structures are left out where there is a latest one.
        durations: dag__task_durations.
        model: dag__model_path.
    """
    has_latest = bool(tasks["is_in_latest_structure"].any())
    now = tasks.filter("is_in_latest_structure") if has_latest else tasks
    joined_up = now.join(durations, on="task_id", how="left").join(model, on="task_id", how="left")
    longest = joined_up["median_seconds"].max() or 1.0
    return joined_up.with_columns(share_of_longest=pl.col("median_seconds") / longest)


def model_words(model: pl.DataFrame) -> Markup:
    """What is known of the longest path of a typical run."""
    first = next(model.iter_rows(named=True), None)
    if first is None or first["path_basis"] in ("unmeasured", "cycle"):
        return Markup("")
    runs = first["criticality_sample_count"] or 0
    return write(" · ◆ on the model path, {time} long{partial} · critical: share of {runs}",
                 time=words.lasting(first["model_path_seconds"]),
                 partial=" without the tasks that were never measured"
                 if first["path_basis"] == "partial" else "",
                 runs=fmt.count(runs, "successful run"))


def table(dag: Row, tasks: pl.DataFrame, query: Mapping[str, str], sort: str) -> Markup:
    """The tasks with their statistics, in the order of the URL, as many as are shown."""
    columns = [
        Column("Task", lambda row: _task(dag, row), sort="task_id", width="16rem"),
        Column("Median", lambda row: write(
            "{time}{bar}", time=words.lasting(row["median_seconds"], "not measured"),
            bar=words.share_bar(row["share_of_longest"])), "right", "median_seconds",
            "Of the latest successes: the middle one"),
        *[_time(heading, f"{heading.lower()}_seconds", hint) for heading, hint in (
            ("Min", "The shortest"), ("Mean", ""), ("p95", "19 of 20 took at most this long"),
            ("Max", "The longest"), ("MAD", "Median absolute deviation from the median"))],
        Column("n", lambda row: _count(row["sample_count"]), "right", "sample_count",
               "Successes measured, 30 at the most"),
        Column("Tries", lambda row: _mean(row["try_mean_count"]), "right", "try_mean_count",
               "Mean number of tries of a success"),
        Column("Critical", lambda row: fmt.percent(row["criticality_ratio"]), "right",
               "criticality_ratio", "Share of the latest successful runs in which it lay on the "
               "critical path"),
        _time("Drag", "drag_seconds", "How much sooner a typical run would end without it"),
        _time("Float", "float_seconds", "By how much it may be late for free"),
    ]
    order = html_tables.order_of(sort, columns, LONGEST)
    return html_tables.table(
        html_tables.in_order(tasks, order).head(ROW_LIMIT).iter_rows(named=True), columns,
        label="Tasks", order=order, query=query)


def _time(heading: str, column: str, hint: str) -> Column:
    return Column(heading, lambda row: words.lasting(row[column]), "right", column, hint)


def _count(number: int | None) -> str:
    return "" if number is None else fmt.count(number)


def _mean(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}"


def _task(dag: Row, row: Row) -> Markup:
    """Its name, a sign when it is on the model path, and what it is in a quiet line."""
    name = links.link("task", row["task_id"], is_id=True, cluster=dag["cluster"],
                      dag_id=dag["dag_id"], task_id=row["task_id"])
    sign = write(' <span class="ws-model" title="On the model path: the longest one when every '
                 'task takes its median">◆</span>') if row["is_on_model_path"] else ""
    retries = row["retries"]
    about = [write("{text}", text=text) for text in (
        row["operator"], row["pool"] and f"pool {row['pool']}",
        fmt.count(retries, "retry", "retries") if retries else "",
        row["trigger_rule"] if row["trigger_rule"] != "all_success" else "",
        "mapped" if row["is_mapped"] else "") if text]
    return write('{name}{sign}<div class="ws-quiet ws-small">{about}</div>', name=name, sign=sign,
                 about=joined(about, " · "))


def lost_to_retries(attempts: pl.DataFrame) -> pl.DataFrame:
    """How often each task was tried again, and how long it waited for that.

    The wait before a try is from the end of the try before it to its start; of tries that follow
    in number and in time only.

    Args:
        attempts: dag__retries: run_id, task_id, map_index, try_number, started_at, ended_at.

    Returns:
        A row per task: retry_count, lost_seconds, most_tries, last_run_id, last_at.
    """
    instance = ("run_id", "task_id", "map_index")
    before = attempts.sort("try_number").with_columns(
        previous_number=pl.col("try_number").shift(1).over(instance, order_by="try_number"),
        previous_end=pl.col("ended_at").shift(1).over(instance, order_by="try_number"))
    follows = pl.col("previous_number") == pl.col("try_number") - 1
    waits = before.with_columns(wait=pl.when(follows).then(
        (pl.col("started_at") - pl.col("previous_end")).dt.total_microseconds() / 1e6
    ).clip(lower_bound=0.0))
    return waits.filter(pl.col("try_number") > 1).sort("started_at").group_by("task_id").agg(
        retry_count=pl.len(), lost_seconds=pl.col("wait").sum(),
        most_tries=pl.col("try_number").max(), last_run_id=pl.col("run_id").last(),
        last_at=pl.col("started_at").last())


def tried_again(totals: pl.DataFrame, attempts: pl.DataFrame) -> pl.DataFrame:
    """`lost_to_retries` with how many attempts there were in all and how many failed for good."""
    sums = totals.group_by("task_id").agg(
        attempt_count=pl.col("attempt_count").sum(),
        failed_count=pl.col("instance_count").filter(pl.col("outcome") == "failed").sum(),
        success_count=pl.col("instance_count").filter(pl.col("outcome") == "success").sum())
    return lost_to_retries(attempts).join(sums, on="task_id", how="left")


def tries_table(page: frame.Page, dag: Row, tried: pl.DataFrame, query: Mapping[str, str],
                sort: str) -> Markup:
    """The tasks that needed more than one try, in the order of the URL."""
    here = {"cluster": dag["cluster"], "dag_id": dag["dag_id"]}
    columns = [
        Column("Task", lambda row: links.link(
            "task", row["task_id"], is_id=True, view="tries", task_id=row["task_id"], **here),
            sort="task_id"),
        Column("Retries", lambda row: fmt.count(row["retry_count"]), "right", "retry_count",
               "Tries after the first"),
        Column("Of tries", lambda row: _count(row["attempt_count"]), "right", "attempt_count"),
        Column("Most tries", lambda row: fmt.count(row["most_tries"]), "right", "most_tries",
               "Of one instance"),
        Column("Retry wait lost", lambda row: words.lasting(row["lost_seconds"]), "right",
               "lost_seconds", "From the end of a failed try to the next one's start, added up"),
        Column("Succeeded", lambda row: _count(row["success_count"]), "right", "success_count",
               "Instances"),
        Column("Failed for good", lambda row: _count(row["failed_count"]), "right",
               "failed_count", "Instances"),
        Column("Last retry", lambda row: _last(page, row, here), sort="last_at"),
    ]
    order = html_tables.order_of(sort, columns, MOST_LOST)
    return html_tables.table(
        html_tables.in_order(tried, order).head(ROW_LIMIT).iter_rows(named=True), columns,
        label="Tasks that needed more than one try", order=order, query=query)


def _last(page: frame.Page, row: Row, here: Mapping[str, str]) -> Markup:
    at: datetime | None = row["last_at"]
    return links.link("run", page.moment(at), hint=row["last_run_id"], cluster=here["cluster"],
                      dag_id=here["dag_id"], run_id=row["last_run_id"], task_id=row["task_id"])
