"""What a task's page says first: how long it takes, how often that matters, how it went last."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards import format as fmt
from dashboards import links
from dashboards.markup import Markup, joined, write
from dashboards.panels import lateness, words

Row = Mapping[str, Any]
_NOTABLE_WAIT = 1.0     # seconds; a shorter wait is no news


def answer(dag: Row, usual: Row, model: Row, runs: pl.DataFrame, waits: pl.DataFrame) -> Markup:
    """The sentence.

    Args:
        dag: cluster, dag_id, task_id.
        usual: its row of agg_task_durations; empty when it never succeeded.
        model: its row of fct_model_path_tasks; empty when it is in no latest structure.
        runs: `task_history.by_run`.
        waits: `task_history.waits`, newest first.
    """
    newest = next(runs.reverse().iter_rows(named=True), None)
    begin = write("Takes <b>{time}</b> usually ({basis})", basis=words.basis(usual),
                  time=words.lasting(usual["median_seconds"])) \
        if usual.get("median_seconds") is not None else write(
            "<b>Has no success</b> to measure" if newest else "<b>Has never run</b>")
    return write('<div class="ws-answer">{begin}{critical}{last}.</div>', begin=begin,
                 critical=_critical(model), last=_last(dag, usual, newest, waits))


def _critical(model: Row) -> Markup:
    ratio, runs = model.get("criticality_ratio"), model.get("criticality_sample_count") or 0
    if ratio is None or not runs:
        return Markup("")
    if ratio == 0:
        return write(", never on the critical path of {runs}",
                     runs=fmt.count(runs, "successful run"))
    return write(", on the critical path in <b>{share}</b> of {runs}", share=fmt.percent(ratio),
                 runs=fmt.count(runs, "successful run"))


def _last(dag: Row, usual: Row, newest: Row | None, waits: pl.DataFrame) -> Markup:
    if newest is None:
        return Markup("")
    link = links.link("run", "last", hint=newest["run_id"], cluster=dag["cluster"],
                      dag_id=dag["dag_id"], run_id=newest["run_id"], task_id=dag["task_id"])
    long = lateness.is_long(newest["longest_seconds"], usual)
    state = newest["state"]
    many, tries = newest["instance_count"], newest["try_count"] or 0
    ended = Markup("") if state == "success" else write(
        " {state}{count}", state=words.state(state),
        count=f" ({newest['worst_count']} of {fmt.count(many, 'index', 'indices')})"
        if many > 1 else "")
    time = write(' {slowest}<b class="{ink}">{time}</b>', ink="ws-caution" if long else "",
                 slowest="the slowest index " if many > 1 else "",
                 time=words.lasting(newest["longest_seconds"])) \
        if newest["longest_seconds"] is not None else Markup("")
    return write(
        "; {link}:{ended}{time}{tries}{waited}", link=link, ended=ended, time=time,
        tries=f" in {fmt.count(tries, 'try', 'tries')}" if tries > 1 else "",
        waited=_waited(newest["run_id"], waits))


def _waited(run_id: str, waits: pl.DataFrame) -> Markup:
    """`, waited 12 m for pool etl`: its longest wait in that run, where it is worth a word."""
    rows = waits.filter(pl.col("run_id") == run_id).sort("waited_seconds", descending=True)
    row = next(rows.iter_rows(named=True), None)
    if row is None or (row["waited_seconds"] or 0) < _NOTABLE_WAIT:
        return Markup("")
    parts = {
        write("for {limit}", limit=words.limit(row["limited_by"]) if row["limited_by"]
              else "a limit"): row["limit_wait_seconds"],
        write("for the world"): row["external_wait_seconds"],
        write("for a retry"): row["retry_wait_seconds"],
        write("for an earlier run"): row["past_run_wait_seconds"],
        write("for the scheduler"): row["scheduler_wait_seconds"],
        write("in the queue"): row["startup_wait_seconds"],
        write("in the triggerer"): row["deferred_seconds"],
        write("to start"): row["other_wait_seconds"]}
    why = max(parts, key=lambda word: parts[word] or 0.0)
    seconds = parts[why] or 0.0
    return write(", waited {time} {why}", time=words.lasting(seconds), why=why) \
        if seconds >= _NOTABLE_WAIT else Markup("")


def facts(task: Row) -> Markup:
    """One line of what is known of the task."""
    kind = task["operator"] or "operator not known"
    return words.facts([
        write('<span title="{module}">{kind}</span>', module=task["operator_module"] or "",
              kind=kind),
        task["owner"] and f"owner {task['owner']}",
        task["pool"] and write("pool {pool}{slots}", pool=words.name(task["pool"]),
                               slots=f" ({fmt.count(task['pool_slot_count'], 'slot')})"
                               if (task["pool_slot_count"] or 1) > 1 else ""),
        task["queue"] and write("queue {queue}", queue=words.name(task["queue"])),
        _retries(task),
        task["trigger_rule"] and f"rule {task['trigger_rule']}",
        f"timeout {fmt.duration(task['execution_timeout_seconds'])}"
        if task["execution_timeout_seconds"] is not None else "",
        task["task_group_id"] and write("group {group}", group=words.name(task["task_group_id"])),
        "mapped" if task["is_mapped"] else "",
        f"sensor{f', {mode}' if (mode := task['sensor_mode']) else ''}"
        if task["is_sensor"] else "",
        task["external_dag_id"] and write("waits for DAG {dag}",
                                          dag=words.name(task["external_dag_id"])),
        task["trigger_dag_id"] and write("starts DAG {dag}",
                                         dag=words.name(task["trigger_dag_id"])),
        "" if task["is_in_latest_structure"] else write(
            '<b class="ws-caution">no longer in the DAG</b>'
            if task["task_basis"] == "older_structure" else "in no structure that was read")])


def _retries(task: Row) -> str:
    if task["retries"] is None:
        return ""
    delay = fmt.duration(task["retry_delay_seconds"]) if task["retries"] else ""
    return fmt.count(task["retries"], "retry", "retries") + (f" after {delay}" if delay else "")


def statistics(usual: Row, model: Row) -> Markup:
    """The numbers behind the sentence, side by side."""
    shown: list[tuple[str, str, object]] = [
        (label, hint, words.lasting(usual.get(f"{name}_seconds"))) for label, name, hint in (
            ("min", "min", ""), ("mean", "mean", ""), ("median", "median", ""),
            ("p95", "p95", "19 of 20 took at most this long"), ("max", "max", ""),
            ("MAD", "mad", "Median absolute deviation from the median"),
            ("spread", "spread_median", "Median of slowest less fastest index of a run"))
        if usual.get(f"{name}_seconds") is not None]
    tries = usual.get("try_mean_count")
    if tries is not None:
        shown.append(("tries", "Mean of the measured successes", f"{tries:.1f}"))
    if model.get("drag_seconds") is not None:
        shown += [("drag", "How much sooner a typical run would end without it",
                   words.lasting(model["drag_seconds"])),
                  ("float", "By how much it may be late for free",
                   words.lasting(model["float_seconds"])),
                  ("model path", "The longest path when every task takes its median",
                   "on it" if model["is_on_model_path"] else "off it")]
    return write('<div class="ws-stats">{inner}</div>', inner=joined([
        write('<span title="{hint}"><span class="ws-quiet">{label}</span> {value}</span>',
              hint=hint, label=label, value=value) for label, hint, value in shown], "")) \
        if shown else Markup("")


def as_index(text: str) -> int | None:
    """The index that the URL asks for; None: every one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
