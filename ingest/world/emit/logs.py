"""Task logs in the layout and form of a release.

    tries that ended in a window  ->  dag_id=…/run_id=…/task_id=…/[map_index=N/]attempt=N.log

2.x writes text with records of several lines, 3.x one JSON object a line.

Every failed try has a log with its error; of the successes a share has a short one. What the
scheduler decided by itself never had a log.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ingest.world.emit.definitions import Definitions
from ingest.world.emit.identity import uuids
from ingest.world.emit.project import INSTANCE, Numbered
from ingest.world.errors import ERRORS

SUCCESS_SHARE = 0.05
_FRAME = re.compile(
    r'^  File "(?P<filename>[^"]+)", line (?P<lineno>\d+), in (?P<name>\S+)$', re.MULTILINE)
_FRAME_WITH_SOURCE = re.compile(r'^  File "[^"]+", line \d+, in \S+\n    .*\n', re.MULTILINE)
_CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_SAID = re.compile(r"(?:(?P<level>INFO|WARNING|ERROR) (?:- )?)?(?P<line>.+)")
_STEP = timedelta(milliseconds=37)
_KILL_2 = ("Task exited with return code -9. For more information, see https://airflow.apache.org/"
           "docs/apache-airflow/stable/troubleshooting.html#LocalTaskJob-killed")
_KILL_3 = ("Process terminated by signal. Likely out of memory error (OOM). For more information, "
           "see https://airflow.apache.org/docs/apache-airflow/stable/troubleshooting.html"
           "#process-terminated-by-signal.")

Row = dict[str, Any]


def write_logs(folder: Path, day: Numbered, definitions: Definitions, since: datetime,
               until: datetime, *, success_share: float = SUCCESS_SHARE) -> int:
    """Write the logs of the tries that ended between two instants.

    Args:
        folder: Airflow's `base_log_folder`.
        day: whose tries.
        definitions: of the cluster.
        since: after this.
        until: to this.
        success_share: which share of the successes has a log, the same ones in every writing.

    Returns:
        How many files were written.
    """
    lot = pl.concat_str([*INSTANCE, "try_number"], separator="\x1f").hash(7) % 10_000
    ended = day.attempts.filter(
        (pl.col("ended_at") > since) & (pl.col("ended_at") <= until),
        pl.col("started_at").is_not_null(),
        (pl.col("state") == "failed")
        | ((pl.col("state") == "success") & pl.col("queued_at").is_not_null()
           & (lot < int(success_share * 10_000))))
    ended = ended.with_columns(identity="try_number")
    ended = ended.with_columns(ti_id=uuids(ended, [*INSTANCE, "identity"], "made_at"))
    owners = {d["dag_id"]: d for d in definitions.dags}
    for row in ended.iter_rows(named=True):
        path = folder / place(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = _lines_3(row) if definitions.is_3 else _lines_2(row, owners[row["dag_id"]])
        path.write_text("".join(f"{line}\n" for line in lines))
    return ended.height


def place(row: Row) -> str:
    """Where the log of a try lies below the log folder."""
    mapped = f"map_index={row['map_index']}/" if row["map_index"] >= 0 else ""
    return (f"dag_id={row['dag_id']}/run_id={row['run_id']}/task_id={row['task_id']}/{mapped}"
            f"attempt={row['try_number']}.log")


def was_killed(row: Row) -> bool:
    """Whether the process of a try just died, so that no exception was logged."""
    return row["error_kind"] is not None and not ERRORS[row["error_kind"]].traceback


def _facts(row: Row) -> Row:
    """What an error text names; the process number stands for what differs each time."""
    return {"dag_id": row["dag_id"], "task_id": row["task_id"], "number": row["pid"] or 1}


def _message(row: Row) -> str:
    """What the exception says."""
    text = ERRORS[row["error_kind"]].message
    for name, value in _facts(row).items():
        text = text.replace("{" + name + "}", str(value))
    return text


def _lines_2(row: Row, dag: Row) -> Iterator[str]:
    """Text as 2.10 and 2.11 write it."""
    at, end = row["started_at"], row["ended_at"]
    name = f"{row['dag_id']}.{row['task_id']} {row['run_id']}"
    yield _text(at, "local_task_job_runner.py:123", "::group::Pre task execution logs")
    for step, kind in enumerate(("non-requeueable", "requeueable"), 1):
        yield _text(at + step * _STEP, "taskinstance.py:2631",
                    f"Dependencies all met for dep_context={kind} deps ti=<TaskInstance: {name} "
                    "[queued]>")
    yield _text(at + 3 * _STEP, "taskinstance.py:2884",
                f"Starting attempt {row['try_number']} of {row['max_tries'] + 1}")
    yield _text(at + 4 * _STEP, "taskinstance.py:2907",
                f"Executing <Task({row['operator']}): {row['task_id']}> on "
                f"{row['logical_at'] or row['made_at']}")
    yield _text(at + 5 * _STEP, "standard_task_runner.py:72",
                f"Started process {row['pid']} to run task")
    yield _text(at + 6 * _STEP, "task_command.py:467",
                f"Running <TaskInstance: {name} [running]> on host {row['hostname']}")
    yield _text(at + 7 * _STEP, "taskinstance.py:3157",
                f"Exporting env vars: AIRFLOW_CTX_DAG_OWNER='{dag['owner']}' "
                f"AIRFLOW_CTX_DAG_ID='{row['dag_id']}' AIRFLOW_CTX_TASK_ID='{row['task_id']}' "
                f"AIRFLOW_CTX_TRY_NUMBER='{row['try_number']}' "
                f"AIRFLOW_CTX_DAG_RUN_ID='{row['run_id']}'")
    yield _text(at + 8 * _STEP, "taskinstance.py:740", "::endgroup::")
    yield _text(at + 9 * _STEP, "logging_mixin.py:190", "working")
    if row["state"] == "success":
        yield _text(end, "taskinstance.py:349", "::group::Post task execution logs")
        yield _text(end, "taskinstance.py:361", _marking("SUCCESS", row))
        yield _text(end, "local_task_job_runner.py:266", "Task exited with return code 0")
    elif was_killed(row):
        yield _text(end, "local_task_job_runner.py:266", _KILL_2)
    else:
        yield from _failure_2(row)
    yield _text(end, "local_task_job_runner.py:245", "::endgroup::")


def _failure_2(row: Row) -> Iterator[str]:
    end = row["ended_at"]
    said, traceback = _parts(ERRORS[row["error_kind"]].render(_facts(row)))
    message = _message(row)
    for level, line in said:
        yield _text(end - _STEP, "logging_mixin.py:190", line, level)
    word = "FAILED" if row["is_last"] else "UP_FOR_RETRY"
    yield _text(end, "taskinstance.py:3336", "Task failed with exception", "ERROR")
    yield traceback
    yield _text(end, "taskinstance.py:1242", _marking(word, row))
    yield _text(end, "taskinstance.py:349", "::group::Post task execution logs")
    yield _text(end, "standard_task_runner.py:124",
                f"Failed to execute job {row['pid']} for task {row['task_id']} "
                f"({message}; {row['pid']})", "ERROR")
    yield traceback
    yield _text(end, "local_task_job_runner.py:266", "Task exited with return code 1")


def _marking(word: str, row: Row) -> str:
    dates = {"execution_date": row["logical_at"] or row["made_at"],
             "start_date": row["started_at"], "end_date": row["ended_at"]}
    stamps = ", ".join(f"{n}={d:%Y%m%dT%H%M%S}" for n, d in dates.items())
    mapped = f", map_index={row['map_index']}" if row["map_index"] >= 0 else ""
    return (f"Marking task as {word}. dag_id={row['dag_id']}, task_id={row['task_id']}, "
            f"run_id={row['run_id']}{mapped}, {stamps}")


def _text(at: datetime, place: str, message: str, level: str = "INFO") -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
    return f"[{stamp}] {{{place}}} {level} - {message}"


def _lines_3(row: Row) -> Iterator[str]:
    """JSON lines as 3.x writes them."""
    at, end = row["started_at"], row["ended_at"]
    own = {"task_id": row["task_id"], "map_index": row["map_index"],
           "try_number": row["try_number"], "run_id": row["run_id"], "dag_id": row["dag_id"],
           "ti_id": row["ti_id"]}
    runner = {"logger": "task", "filename": "task_runner.py"}
    yield _json(at, "::group::Pre Execute", **runner, lineno=2412)
    yield _json(at + _STEP, "Worker startup parse complete", dag_file_parse_ms=210, **own,
                **runner, lineno=1073)
    yield _json(at + 2 * _STEP, "::endgroup::", **own, **runner, lineno=2232)
    yield _json(at + 3 * _STEP, "working", logger="task.stdout")
    if was_killed(row):
        yield _json(end, _KILL_3, "critical", signal=-9, signal_name="SIGKILL", logger="task")
        return
    if row["state"] == "failed":
        said, traceback = _parts(ERRORS[row["error_kind"]].render(_facts(row)))
        for level, line in said:
            yield _json(end - _STEP, line, level.lower(), logger="task.stdout")
        yield _json(end, "Task failed with exception", "error", **own, **runner, lineno=1676,
                    error_detail=_error_detail(traceback))
    yield _json(end, "::group::Post Execute", **own, **runner, lineno=1677)
    yield _json(end, "::endgroup::", **own, **runner, lineno=2379)


def _parts(text: str) -> tuple[list[tuple[str, str]], str]:
    """What a task had said (level, line) before it failed, and its traceback."""
    said, mark, traceback = text.partition("Traceback (most recent call last):\n")
    found = [_SAID.fullmatch(line) for line in said.splitlines()]
    return [(m["level"] or "INFO", m["line"]) for m in found if m], mark + traceback


def _error_detail(traceback: str) -> list[Row]:
    """The exceptions as 3.x tells them: the raised one first, then its cause, without source."""
    details = []
    for number, part in enumerate(reversed(traceback.split(_CAUSE))):
        frames = [m.groupdict() for m in _FRAME.finditer(part)]
        name, _, message = part[_end_of_frames(part):].strip("\n").partition(": ")
        details.append({
            "exc_type": name.rpartition(".")[2], "exc_value": message, "exc_notes": [],
            "syntax_error": None, "is_cause": number > 0, "is_group": False, "exceptions": [],
            "frames": [f | {"lineno": int(f["lineno"])} for f in frames]})
    return details


def _end_of_frames(part: str) -> int:
    """Where the class of the exception stands: behind the last frame and its source line."""
    ends = [m.end() for m in _FRAME_WITH_SOURCE.finditer(part)]
    return ends[-1] if ends else 0


def _json(at: datetime, event: str, level: str = "info", **more: Any) -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
    return json.dumps({"timestamp": stamp, "level": level, "event": event, **more},
                      separators=(",", ":"))
